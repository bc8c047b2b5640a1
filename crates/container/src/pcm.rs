//! Bare samples of sound to frames of 20 ms: G.711 as it is, linear samples as 16 bits big-endian.

use crate::Event;
use crate::announce::Announcer;
use crate::arrival::Clock;
use bytes::{Buf, Bytes, BytesMut};
use std::sync::Arc;
use std::time::{Duration, Instant};
use yeoul_media::{Codec, Frame, PcmLayout, TrackId};

/// How a sample is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// G.711 A-law.
    Alaw,
    /// G.711 µ-law.
    Ulaw,
    /// 8 bits, unsigned.
    U8,
    /// 16 bits, little-endian.
    S16Le,
    /// 16 bits, big-endian.
    S16Be,
    /// 24 bits, little-endian.
    S24Le,
    /// 32 bits, little-endian.
    S32Le,
}

impl Coding {
    fn sample_bytes(self) -> usize {
        match self {
            Self::Alaw | Self::Ulaw | Self::U8 => 1,
            Self::S16Le | Self::S16Be => 2,
            Self::S24Le => 3,
            Self::S32Le => 4,
        }
    }

    fn codec(self, layout: PcmLayout) -> Codec {
        match self {
            Self::Alaw => Codec::Pcma(layout),
            Self::Ulaw => Codec::Pcmu(layout),
            Self::U8 | Self::S16Le | Self::S16Be | Self::S24Le | Self::S32Le => Codec::L16(layout),
        }
    }

    /// In the form of `Frame::data`.
    fn frame(self, samples: &[u8]) -> Bytes {
        let high = |chunk: &[u8], at: usize| [chunk.get(at + 1), chunk.get(at)].map(|b| *b.unwrap_or(&0));
        match self {
            Self::Alaw | Self::Ulaw | Self::S16Be => Bytes::copy_from_slice(samples),
            Self::U8 => samples.iter().flat_map(|sample| [sample ^ 0x80, 0]).collect(),
            Self::S16Le => samples.chunks_exact(2).flat_map(|chunk| high(chunk, 0)).collect(),
            Self::S24Le => samples.chunks_exact(3).flat_map(|chunk| high(chunk, 1)).collect(),
            Self::S32Le => samples.chunks_exact(4).flat_map(|chunk| high(chunk, 2)).collect(),
        }
    }
}

/// Samples and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// How one is written.
    pub coding: Coding,
    /// How many in a second, in how many channels.
    pub layout: PcmLayout,
}

impl Format {
    /// `None` if nobody has such sound: 1 to 8 channels of 4 to 192 kHz.
    #[must_use]
    pub fn new(coding: Coding, sample_rate: u32, channels: u8) -> Option<Self> {
        let sane = (4_000..=192_000).contains(&sample_rate) && (1..=8).contains(&channels);
        sane.then_some(Self { coding, layout: PcmLayout { sample_rate, channels } })
    }

    /// Bytes of one sample in all channels.
    fn block_bytes(self) -> usize {
        self.coding.sample_bytes() * usize::from(self.layout.channels)
    }
}

/// Reads samples in pieces of any size.
#[derive(Debug)]
pub struct Demuxer {
    format: Format,
    buffer: BytesMut,
    track: TrackId,
    codec: Option<Arc<Codec>>,
    clock: Clock,
    announcer: Announcer,
}

impl Demuxer {
    /// A reader of samples of this form.
    #[must_use]
    pub fn new(format: Format) -> Self {
        let mut announcer = Announcer::default();
        Self {
            format,
            buffer: BytesMut::new(),
            track: announcer.add(None),
            codec: Some(Arc::new(format.coding.codec(format.layout))),
            clock: Clock::new(Duration::from_millis(20)),
            announcer,
        }
    }

    /// The next bytes, and when they came. Call [`Demuxer::pull`] until `None` after each push.
    pub fn push(&mut self, data: &[u8], received_at: Instant) {
        self.buffer.extend_from_slice(data);
        let samples = (self.format.layout.sample_rate / 50).max(1);
        let frame_bytes = self.format.block_bytes() * usize::try_from(samples).unwrap_or(usize::MAX);
        let lasts = Duration::from_nanos(
            u64::from(samples) * 1_000_000_000 / u64::from(self.format.layout.sample_rate.max(1)),
        );
        while let Some(samples) = self.buffer.get(..frame_bytes) {
            let data = self.format.coding.frame(samples);
            self.buffer.advance(frame_bytes);
            let pts = self.clock.sound(lasts, received_at);
            self.announcer.push(Frame {
                track: self.track,
                keyframe: true,
                pts,
                dts: pts,
                new_codec: self.codec.take(),
                captured_at: None,
                received_at,
                data,
            });
        }
    }

    /// What has been found, in order.
    pub fn pull(&mut self) -> Option<Event> {
        self.announcer.pull()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(coding: Coding, samples: &[u8], expected: &[u8]) {
        assert_eq!(coding.frame(samples), expected, "{coding:?}");
    }

    #[test]
    fn samples_become_sixteen_bits_big_endian() {
        check(Coding::S16Le, &[1, 2, 3, 4], &[2, 1, 4, 3]);
        check(Coding::S16Be, &[1, 2], &[1, 2]);
        check(Coding::S24Le, &[1, 2, 3], &[3, 2]);
        check(Coding::S32Le, &[1, 2, 3, 4], &[4, 3]);
        check(Coding::U8, &[0x80, 0xff], &[0, 0, 0x7f, 0]);
        check(Coding::Alaw, &[1, 2], &[1, 2]);
    }

    #[test]
    fn frames_last_20_ms_and_follow_each_other() {
        let format = Format::new(Coding::S16Le, 16_000, 1).unwrap();
        let mut demuxer = Demuxer::new(format);
        demuxer.push(&[0; 1500], yeoul_testkit::epoch());
        let Some(Event::Tracks(tracks)) = demuxer.pull() else { panic!("no tracks") };
        assert_eq!(tracks[0].codec, Codec::L16(format.layout));
        let frames: Vec<_> = std::iter::from_fn(|| demuxer.pull()).collect();
        let times: Vec<_> = frames
            .iter()
            .map(|event| match event {
                Event::Frame(frame) => (frame.pts.as_nanos() / 1_000_000, frame.data.len()),
                Event::Tracks(_) => panic!("told twice"),
            })
            .collect();
        assert_eq!(times, [(0, 640), (20, 640)]);
    }

    #[test]
    fn sound_that_nobody_has_is_refused() {
        assert_eq!(Format::new(Coding::Alaw, 8_000, 0), None);
        assert_eq!(Format::new(Coding::Alaw, 0, 1), None);
    }
}
