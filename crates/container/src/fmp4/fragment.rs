//! A fragment: `moof` and `mdat` (ISO/IEC 14496-12 §8.8), written from a template into one allocation.

use super::parameter_sets::{put_sample, sample_len};
use crate::Sample;
use bytes::{BufMut, Bytes, BytesMut};
use yeoul_media::{Codec, Kind, Timestamp, TrackId};

/// `moof` with its `mfhd`; the sizes, the sequence number are filled in.
const MOOF: [u8; 24] = *b"\0\0\0\0moof\0\0\0\x10mfhd\0\0\0\0\0\0\0\0";
/// `traf` with `tfhd` (default-base-is-moof, default sample flags), `tfdt` (version 1: 64 bits) and the start of `trun`
/// (version 1: signed composition offsets; data offset, durations and sizes present).
const TRAF: [u8; 68] = *b"\0\0\0\0traf\
    \0\0\0\x14tfhd\0\x02\0\x20\0\0\0\0\x02\0\0\0\
    \0\0\0\x14tfdt\x01\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\0trun\x01\0\x03\x01\0\0\0\0\0\0\0\0";
const MDAT: [u8; 8] = *b"\0\0\0\0mdat";
/// Where in [`TRAF`] the `trun` box starts.
const TRUN_AT: usize = 48;
/// The byte of `trun`'s flags that says which fields its entries have.
const TRUN_FIELDS_AT: usize = TRUN_AT + 10;
const HAS_FLAGS: u8 = 0x04;
const HAS_OFFSETS: u8 = 0x08;

/// Sample flags (ISO/IEC 14496-12 §8.8.3.1): depends on no other sample.
const KEYFRAME: u32 = 0x0200_0000;
/// Depends on others; is no sync sample.
const NO_KEYFRAME: u32 = 0x0101_0000;

/// A track, as far as fragments are concerned.
#[derive(Debug)]
pub(super) struct MuxedTrack {
    /// Whose frames it takes.
    pub(super) id: TrackId,
    /// The codec that the init segment tells.
    pub(super) codec: Codec,
    /// `track_ID`.
    pub(super) track_id: u32,
    /// Ticks a second.
    pub(super) timescale: u32,
    /// Its samples keep the parameter sets that the init segment has.
    pub(super) keeps_sets: bool,
    /// What the fragment at hand has of it.
    count: Count,
}

/// What a fragment has of one track.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    samples: u32,
    data_bytes: usize,
    /// Some frame is shown at another time than decoded.
    reordered: bool,
}

impl MuxedTrack {
    pub(super) fn new(id: TrackId, codec: Codec, track_id: u32, timescale: u32) -> Self {
        Self { id, codec, track_id, timescale, keeps_sets: false, count: Count::default() }
    }

    /// Pictures have flags of their own; every audio frame is a keyframe, which `tfhd` says for all.
    fn has_flags(&self) -> bool {
        self.codec.kind() == Kind::Video
    }

    fn samples<'a>(&self, samples: &'a [Sample]) -> impl Iterator<Item = &'a Sample> + use<'a> {
        let id = self.id;
        samples.iter().filter(move |sample| sample.frame.track == id)
    }

    fn sample_len(&self, data: &[u8]) -> usize {
        if self.keeps_sets { data.len() } else { sample_len(&self.codec, data) }
    }

    fn count(&mut self, samples: &[Sample]) {
        let mut count = Count::default();
        for Sample { frame, .. } in self.samples(samples) {
            count.samples = count.samples.saturating_add(1);
            count.data_bytes = count.data_bytes.saturating_add(self.sample_len(&frame.data));
            count.reordered |= frame.pts != frame.dts;
        }
        self.count = count;
    }

    fn trun_bytes(&self) -> usize {
        let entry = 8 + if self.has_flags() { 4 } else { 0 } + if self.count.reordered { 4 } else { 0 };
        TRAF.len() - TRUN_AT + self.count.samples as usize * entry
    }

    fn traf_bytes(&self) -> usize {
        if self.count.samples == 0 { 0 } else { TRUN_AT + self.trun_bytes() }
    }

    /// Ticks from the timeline's zero; a time before it cannot be told and becomes zero.
    fn ticks(&self, time: Timestamp) -> u64 {
        u64::try_from(time.to_ticks(self.timescale)).unwrap_or(0)
    }
}

/// One fragment with what `samples` have of `tracks`; empty if that is nothing.
///
/// # Panics
/// If the samples together have 2 GiB or more, which no caller's bounds allow.
pub(super) fn write(tracks: &mut [MuxedTrack], samples: &[Sample], sequence: u32) -> Bytes {
    let (mut moof_bytes, mut mdat_bytes) = (MOOF.len(), MDAT.len());
    for track in tracks.iter_mut() {
        track.count(samples);
        moof_bytes += track.traf_bytes();
        mdat_bytes += track.count.data_bytes;
    }
    if mdat_bytes == MDAT.len() {
        return Bytes::new();
    }
    // `data_offset` is signed.
    let size = i32::try_from(moof_bytes + mdat_bytes).expect("a fragment is bounded far below 2 GiB");
    let mut out = BytesMut::with_capacity(moof_bytes + mdat_bytes);
    let mut moof = MOOF;
    put(&mut moof, 0, bytes_u32(moof_bytes));
    put(&mut moof, 20, sequence);
    out.put_slice(&moof);
    let mut data_at = moof_bytes + MDAT.len();
    for track in tracks.iter().filter(|track| track.count.samples > 0) {
        put_traf(track, samples, bytes_u32(data_at), &mut out);
        data_at += track.count.data_bytes;
    }
    let mut mdat = MDAT;
    put(&mut mdat, 0, bytes_u32(mdat_bytes));
    out.put_slice(&mdat);
    for track in tracks.iter() {
        track.samples(samples).for_each(|Sample { frame, .. }| {
            if track.keeps_sets {
                out.put_slice(&frame.data);
            } else {
                put_sample(&track.codec, &frame.data, &mut out);
            }
        });
    }
    debug_assert_eq!(i32::try_from(out.len()), Ok(size), "what was counted is what was written");
    out.freeze()
}

fn put_traf(track: &MuxedTrack, samples: &[Sample], data_at: u32, out: &mut BytesMut) {
    let has_flags = track.has_flags();
    let mut samples = track.samples(samples).peekable();
    let Some(first) = samples.peek() else { return };
    // Where the track's clock stands by what has been written: the decoding time of the sample at hand.
    let mut clock = track.ticks(first.frame.dts);
    let mut traf = TRAF;
    put(&mut traf, 0, bytes_u32(track.traf_bytes()));
    put(&mut traf, 20, track.track_id);
    traf[40..48].copy_from_slice(&clock.to_be_bytes());
    put(&mut traf, TRUN_AT, bytes_u32(track.trun_bytes()));
    traf[TRUN_FIELDS_AT] |=
        if has_flags { HAS_FLAGS } else { 0 } | if track.count.reordered { HAS_OFFSETS } else { 0 };
    put(&mut traf, 60, track.count.samples);
    put(&mut traf, 64, data_at);
    out.put_slice(&traf);
    while let Some(Sample { frame, duration }) = samples.next() {
        // Up to the next sample of this fragment; the last one lasts as long as it says, up to the next fragment.
        let end = samples.peek().map_or(frame.dts + *duration, |next| next.frame.dts);
        let ticks = track.ticks(end).saturating_sub(clock);
        let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
        out.put_u32(ticks);
        out.put_u32(bytes_u32(track.sample_len(&frame.data)));
        if has_flags {
            out.put_u32(if frame.keyframe { KEYFRAME } else { NO_KEYFRAME });
        }
        if track.count.reordered {
            let offset = i128::from(track.ticks(frame.pts)) - i128::from(clock);
            out.put_i32(i32::try_from(offset).unwrap_or(if offset < 0 { i32::MIN } else { i32::MAX }));
        }
        clock += u64::from(ticks);
    }
}

/// A size or count that the whole fragment's bound keeps below 2 GiB.
fn bytes_u32(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a fragment is bounded far below 2 GiB")
}

/// Fills in 32 bits of a template.
fn put(template: &mut [u8], at: usize, value: u32) {
    template[at..at + 4].copy_from_slice(&value.to_be_bytes());
}
