//! Frames of sound that tell their own length, one after another in a stream of bytes: ADTS, MPEG audio.

use bytes::Bytes;

/// A frame's header.
pub(crate) trait FrameHeader: Sized {
    /// Bytes that a header needs to be read.
    const BYTES: usize;
    /// Largest frame.
    const MAX_FRAME_BYTES: usize;
    /// The header that `data`, of at least [`FrameHeader::BYTES`], starts with.
    fn parse(data: &[u8]) -> Option<Self>;
    /// Bytes of the whole frame, header included; at least [`FrameHeader::BYTES`].
    fn frame_bytes(&self) -> usize;
}

/// Cuts a stream of bytes into frames. Where no header is, it searches on, and then believes only a header with another one
/// behind its frame.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    buffer: Vec<u8>,
    /// Bytes at the buffer's start that are done with.
    done: usize,
    /// The next frame is expected right here.
    in_step: bool,
    passed_over: u64,
}

impl Splitter {
    /// A splitter of bytes that start with a frame.
    pub(crate) fn aligned() -> Self {
        Self { in_step: true, ..Self::default() }
    }

    /// The next bytes.
    pub(crate) fn push(&mut self, data: &[u8]) {
        self.buffer.drain(..self.done);
        self.done = 0;
        self.buffer.extend_from_slice(data);
    }

    /// Bytes that wait for the rest of their frame.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.buffer.len() - self.done
    }

    /// Bytes passed over because they are no frames.
    pub(crate) fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// Something is missing: what waits is worthless, and the next bytes start with a frame, as far as is known.
    pub(crate) fn reset(&mut self) {
        self.passed_over += self.waiting_bytes() as u64;
        self.buffer.clear();
        self.done = 0;
        self.in_step = true;
    }

    /// The next whole frame with its header. Call it until `None` after each push, so that no more than one frame waits.
    pub(crate) fn pull<H: FrameHeader>(&mut self) -> Option<(H, Bytes)> {
        loop {
            let rest = self.buffer.get(self.done..)?;
            if rest.len() < H::BYTES {
                return None;
            }
            let Some(header) = H::parse(rest) else {
                self.step();
                continue;
            };
            let frame_bytes = header.frame_bytes();
            let Some(frame) = rest.get(..frame_bytes) else {
                // A frame that is too long for its kind never comes.
                if frame_bytes > H::MAX_FRAME_BYTES {
                    self.step();
                    continue;
                }
                return None;
            };
            if !self.in_step {
                match rest.get(frame_bytes..).filter(|after| after.len() >= H::BYTES) {
                    None => return None,
                    Some(after) if H::parse(after).is_none() => {
                        self.step();
                        continue;
                    }
                    Some(_) => self.in_step = true,
                }
            }
            let frame = Bytes::copy_from_slice(frame);
            self.done += frame_bytes;
            return Some((header, frame));
        }
    }

    /// No frame starts here.
    fn step(&mut self) {
        self.in_step = false;
        self.done += 1;
        self.passed_over += 1;
    }
}

impl FrameHeader for yeoul_media::bitstream::mp3::Header {
    const BYTES: usize = 4;
    /// 448 kbit/s of layer I at 8 kHz, 384 samples: 2688 bytes.
    const MAX_FRAME_BYTES: usize = 4096;

    fn parse(data: &[u8]) -> Option<Self> {
        Self::parse(data)
    }

    fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }
}
