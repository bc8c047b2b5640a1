//! One elementary stream: its packets to PES packets, and those to frames.

use super::packet::{Continuity, Packet, Step};
use super::pes::{Assembler, Progress};
use super::sound::Sound;
use super::tables::descriptors;
use super::video::Video;
use crate::mpegts::psi::{EXTENSION, MapEntry, OPUS_EXTENSION, REGISTRATION};
use crate::mpegts::{ADTS_AAC, H264, H265, MPEG1_AUDIO, MPEG2_AUDIO, MPEG4_VIDEO, PRIVATE_DATA};
use crate::pictures::Pictures;
use crate::timeline::{Timeline, TrackTime};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Instant;
use yeoul_media::{Codec, Frame, TrackId};

/// A frame as it comes out of a PES packet: times in ticks as they stand in the stream.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) times: (i64, i64),
    pub(super) keyframe: bool,
    pub(super) new_codec: Option<Arc<Codec>>,
    pub(super) data: Bytes,
}

impl Unit {
    fn place(
        self,
        track: TrackId,
        time: &mut TrackTime,
        timeline: &mut Timeline,
        received_at: Instant,
    ) -> Frame {
        let (pts, dts) = timeline.place(time, self.times, received_at);
        let Self { keyframe, new_codec, data, .. } = self;
        Frame { track, keyframe, pts, dts, new_codec, captured_at: None, received_at, data }
    }
}

/// What is carried, and how it is taken apart.
#[derive(Debug)]
enum Content {
    Video(Video),
    /// MPEG-4 part 2: a PES packet is a picture.
    Mpeg4(Pictures),
    Sound(Sound),
}

impl Content {
    /// `None` if it is something that no frame can hold.
    fn of(entry: &MapEntry) -> Option<Self> {
        match entry.stream_type {
            H264 => Some(Self::Video(Video::new(Codec::H264(None)))),
            H265 => Some(Self::Video(Video::new(Codec::H265(None)))),
            MPEG4_VIDEO => Some(Self::Mpeg4(Pictures::new(Codec::Mpeg4Video(None)))),
            ADTS_AAC => Some(Self::Sound(Sound::adts())),
            MPEG1_AUDIO | MPEG2_AUDIO => Some(Self::Sound(Sound::mpeg())),
            PRIVATE_DATA => {
                opus_channels(&entry.descriptors).map(|channels| Self::Sound(Sound::opus(channels)))
            }
            _ => None,
        }
    }
}

/// Channels of a private stream that says it is Opus, 1 or 2.
fn opus_channels(data: &[u8]) -> Option<u8> {
    let registered =
        descriptors(data).any(|(tag, content)| tag == REGISTRATION && content.starts_with(b"Opus"));
    let told = descriptors(data).find_map(|(tag, content)| match content {
        [OPUS_EXTENSION, code, ..] if tag == EXTENSION => Some(*code),
        _ => None,
    });
    // Code 0 is two channels of which each is one stream; beyond 2 are surround sets that a frame of Opus does not tell.
    match told {
        Some(channels @ 1..=2) if registered => Some(channels),
        None if registered => Some(2),
        _ => None,
    }
}

/// One elementary stream.
#[derive(Debug)]
pub(super) struct Elementary {
    pub(super) entry: MapEntry,
    pub(super) track: TrackId,
    continuity: Continuity,
    pes: Assembler,
    content: Content,
    time: TrackTime,
}

impl Elementary {
    /// The stream of an entry of the program map; `None` if it is something that no frame can hold. `track` names it, given what
    /// is known of its codec.
    pub(super) fn new(entry: MapEntry, track: impl FnOnce(Option<Codec>) -> TrackId) -> Option<Self> {
        let content = Content::of(&entry)?;
        let known = match &content {
            Content::Video(video) => Some(video.codec().clone()),
            Content::Mpeg4(pictures) => Some(pictures.codec().clone()),
            Content::Sound(sound) => sound.codec(),
        };
        let (continuity, pes, time) = Default::default();
        Some(Self { entry, track: track(known), continuity, pes, content, time })
    }

    /// Frames that were not given because of losses.
    pub(super) fn damaged_frames(&self) -> u64 {
        match &self.content {
            Content::Video(video) => video.damaged_frames(),
            Content::Mpeg4(pictures) => pictures.damaged_frames(),
            Content::Sound(sound) => sound.damaged_frames(),
        }
    }

    /// Packets that are missing.
    pub(super) fn lost_packets(&self) -> u64 {
        self.continuity.lost()
    }

    /// One packet of this PID.
    pub(super) fn packet(
        &mut self,
        packet: &Packet<'_>,
        received_at: Instant,
        timeline: &mut Timeline,
        give: &mut impl FnMut(Frame),
    ) {
        if packet.unusable {
            self.damage();
            return;
        }
        let Some(payload) = packet.payload else { return };
        match self.continuity.step(packet) {
            Step::Next => {}
            Step::Again => return,
            Step::Lost => self.damage(),
        }
        if packet.unit_start {
            self.end(timeline, give);
            self.pes.start();
        }
        match self.pes.push(payload, received_at) {
            Progress::Whole => self.end(timeline, give),
            Progress::TooLarge => self.damage(),
            Progress::Open => {}
        }
    }

    /// The open PES packet is whole, if there is one.
    fn end(&mut self, timeline: &mut Timeline, give: &mut impl FnMut(Frame)) {
        if !self.pes.is_open() {
            return;
        }
        let (track, time) = (self.track, &mut self.time);
        let mut give = |unit: Unit, received_at| give(unit.place(track, time, timeline, received_at));
        match (self.pes.take(), &mut self.content) {
            (Some((pes, received_at)), Content::Video(video)) => video.push(&pes, received_at, &mut give),
            (Some((pes, received_at)), Content::Sound(sound)) => {
                sound.push(&pes, |unit| give(unit, received_at));
            }
            (Some((pes, received_at)), Content::Mpeg4(pictures)) => {
                let (Some(times), false) = (pes.times, pes.payload.is_empty()) else { return };
                if let Some(picture) = pictures.picture(Bytes::copy_from_slice(pes.payload)) {
                    let (keyframe, new_codec, data) = (picture.keyframe, picture.new_codec, picture.data);
                    give(Unit { times, keyframe, new_codec, data }, received_at);
                }
            }
            (None, Content::Video(video)) => video.damage(true),
            (None, Content::Mpeg4(pictures)) => pictures.damage(1),
            (None, Content::Sound(sound)) => sound.damage(true),
        }
        self.pes.shrink();
    }

    /// Nothing more will come.
    pub(super) fn finish(&mut self, timeline: &mut Timeline, give: &mut impl FnMut(Frame)) {
        self.end(timeline, give);
        if let Content::Video(video) = &mut self.content {
            let (track, time) = (self.track, &mut self.time);
            video.finish(&mut |unit: Unit, received_at| give(unit.place(track, time, timeline, received_at)));
        }
    }

    /// Packets are missing.
    pub(super) fn damage(&mut self) {
        let dropped = self.pes.drop_open();
        match &mut self.content {
            Content::Video(video) => video.damage(dropped),
            Content::Mpeg4(pictures) => pictures.damage(dropped.into()),
            Content::Sound(sound) => sound.damage(dropped),
        }
    }
}
