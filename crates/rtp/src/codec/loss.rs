//! What a loss costs a track of pictures: the rest of its own picture, and everything up to the next keyframe.

/// Why a keyframe is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// The stream has just started.
    Start,
    /// Something was lost: what comes until then counts as damaged.
    Damage,
}

/// What of a track cannot be used, and how much of it there was.
#[derive(Debug)]
pub(super) struct Loss {
    /// Something of the picture at hand is missing: its rest is passed over.
    damaged: bool,
    waiting: Option<Waiting>,
    frames: u64,
}

impl Loss {
    /// Nothing has come yet: the first keyframe is waited for.
    pub(super) fn at_start() -> Self {
        Self { damaged: false, waiting: Some(Waiting::Start), frames: 0 }
    }

    /// Whether the picture at hand cannot be used.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Whether only a keyframe can be used.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// The picture at hand cannot be used, nor what refers to it.
    pub(super) fn damage(&mut self) {
        self.damaged = true;
        self.waiting.get_or_insert(Waiting::Damage);
    }

    /// Packets are missing before one that goes on with the picture at hand, or else begins one that may be whole.
    pub(super) fn packets_missing(&mut self, goes_on: bool) {
        self.damage();
        self.damaged = goes_on;
    }

    /// A picture is dropped: it counts, unless nothing of the stream was given yet.
    pub(super) fn dropped(&mut self) {
        self.frames += u64::from(self.waiting != Some(Waiting::Start));
    }

    /// A picture is given: what refers to it can be used.
    pub(super) fn given(&mut self) {
        self.waiting = None;
    }

    /// The picture at hand is over.
    pub(super) fn next_picture(&mut self) {
        self.damaged = false;
    }

    /// Pictures that were dropped because of losses.
    pub(super) fn damaged_frames(&self) -> u64 {
        self.frames
    }
}
