//! Packed audio (RFC 8216 §3.4): segments of ADTS frames, whose time stands in an ID3 tag in front of them.
//!
//! Left out: MP3, AC-3 and E-AC-3 in this form.

use std::sync::Arc;
use std::time::Instant;
use yeoul_container::{Event, adts};
use yeoul_media::bitstream::aac::AudioSpecificConfig;
use yeoul_media::{Codec, Frame, Timestamp, Track, TrackId};

/// There is only one.
const TRACK: TrackId = TrackId(0);

/// Who owns the frame of the tag that has the time.
const OWNER: &[u8] = b"com.apple.streaming.transportStreamTimestamp\0";
/// Ticks a second of that time, and its bits.
const CLOCK_HZ: u32 = 90_000;
const CLOCK_BITS: u32 = 33;
/// Bytes of the head of a tag, and of that of a frame in it (ID3v2.4 §3.1, §4).
const HEAD_BYTES: usize = 10;

/// Reads such segments one after another.
#[derive(Debug, Default)]
pub struct PackedAudio {
    config: Option<AudioSpecificConfig>,
    /// Where the next segment begins that does not say so.
    next: Option<Timestamp>,
}

impl PackedAudio {
    /// Whether a segment is of this form.
    #[must_use]
    pub fn is(segment: &[u8]) -> bool {
        adts::Header::parse(tags(segment).1).is_some()
    }

    /// What a segment has: one track, told once, and its frames.
    pub fn read(&mut self, segment: &[u8], received_at: Instant) -> Vec<Event> {
        let (told, data) = tags(segment);
        let mut start = told.map(|ticks| self.unwrap(ticks)).or(self.next).unwrap_or(Timestamp::ZERO);
        let mut reader = adts::Reader::default();
        reader.push(data);
        let (mut events, mut samples, mut time) = (Vec::new(), 0, start);
        while let Some(unit) = reader.pull() {
            let Some(config) = unit.header.config() else { continue };
            let rate = unit.header.sample_rate();
            let mut new_codec = None;
            if self.config.as_ref() != Some(&config) {
                // Samples are counted from here on, as they may be longer ones.
                (start, samples) = (time, 0);
                let codec = Codec::Aac(config.clone());
                match self.config.replace(config) {
                    None => events.push(Event::Tracks(vec![Track { id: TRACK, codec }])),
                    Some(_) => new_codec = Some(Arc::new(codec)),
                }
            }
            events.push(Event::Frame(Frame {
                track: TRACK,
                keyframe: true,
                pts: time,
                dts: time,
                new_codec,
                captured_at: None,
                received_at,
                data: unit.data,
            }));
            samples += i64::from(adts::FRAME_SAMPLES);
            let since = Timestamp::from_ticks(samples, rate).saturating_since(Timestamp::ZERO);
            time = start + since;
        }
        self.next = Some(time);
        events
    }

    /// The time of these ticks that is nearest to where the segment is expected.
    fn unwrap(&self, ticks: i64) -> Timestamp {
        let expected = self.next.map_or(ticks, |next| next.to_ticks(CLOCK_HZ));
        let unused = i64::BITS - CLOCK_BITS;
        let distance = (ticks.wrapping_sub(expected) << unused) >> unused;
        Timestamp::from_ticks(expected.saturating_add(distance), CLOCK_HZ)
    }
}

/// The time in the tags that a segment starts with, in ticks, and what stands behind them.
fn tags(mut data: &[u8]) -> (Option<i64>, &[u8]) {
    let mut time = None;
    while let Some((head, rest)) =
        data.split_first_chunk::<HEAD_BYTES>().filter(|(head, _)| head.starts_with(b"ID3"))
    {
        let size = syncsafe([head[6], head[7], head[8], head[9]]);
        let Some((tag, behind)) = rest.split_at_checked(size) else { break };
        time = frame_time(tag).or(time);
        data = behind;
    }
    (time, data)
}

/// 28 bits, 7 in each byte.
fn syncsafe(bytes: [u8; 4]) -> usize {
    bytes.iter().fold(0, |size, byte| size << 7 | usize::from(byte & 0x7f))
}

fn frame_time(mut tag: &[u8]) -> Option<i64> {
    while let Some((head, rest)) = tag.split_first_chunk::<HEAD_BYTES>() {
        let (body, behind) = rest.split_at_checked(syncsafe([head[4], head[5], head[6], head[7]]))?;
        if head.starts_with(b"PRIV")
            && let Some(ticks) = body.strip_prefix(OWNER).and_then(|rest| rest.first_chunk::<8>())
        {
            return Some(i64::from_be_bytes(*ticks) & ((1 << CLOCK_BITS) - 1));
        }
        tag = behind;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use yeoul_testkit::epoch;

    fn tag(ticks: u64) -> Vec<u8> {
        let body = [OWNER, &ticks.to_be_bytes()[..]].concat();
        let size = u8::try_from(body.len()).unwrap();
        let frame = [b"PRIV\0\0\0", &[size][..], &[0, 0], &body].concat();
        let size = u8::try_from(frame.len()).unwrap();
        [b"ID3\x04\0\0\0\0\0", &[size][..], &frame].concat()
    }

    fn sound(count: usize) -> Vec<u8> {
        let config = AudioSpecificConfig::low_complexity(48_000, 2).unwrap();
        let header = adts::Header::of(&config).unwrap();
        (0..count).flat_map(|_| [&header.write(9).unwrap()[..], &[7; 9]].concat()).collect()
    }

    #[test]
    fn the_tag_tells_the_time_and_segments_without_one_go_on() {
        let mut packed = PackedAudio::default();
        let first = [tag(90_000), sound(2)].concat();
        assert!(PackedAudio::is(&first) && PackedAudio::is(&sound(1)) && !PackedAudio::is(b"G"));
        let events = [packed.read(&first, epoch()), packed.read(&sound(1), epoch())].concat();
        let told: Vec<String> = events
            .iter()
            .map(|event| match event {
                Event::Tracks(tracks) => tracks[0].codec.to_string(),
                Event::Frame(frame) => {
                    format!("{} bytes at {}", frame.data.len(), frame.dts.to_ticks(48_000))
                }
            })
            .collect();
        assert_eq!(
            told,
            ["AAC 48000 Hz 2 channels", "9 bytes at 48000", "9 bytes at 49024", "9 bytes at 50048"]
        );
    }

    #[test]
    fn time_that_wraps_goes_on_and_is_corrected_either_way() {
        let mut packed = PackedAudio::default();
        let mut read = |ticks: i64| {
            let ticks = u64::try_from(ticks).unwrap() & ((1 << 33) - 1);
            let events = packed.read(&[tag(ticks), sound(1)].concat(), epoch());
            let Some(Event::Frame(frame)) = events.into_iter().last() else { panic!("a frame") };
            frame.dts.to_ticks(CLOCK_HZ)
        };
        let wrap = 1 << 33;
        for ticks in [wrap - 1920, wrap, wrap + 1920, wrap - 5, wrap * 3 / 2, wrap * 2 + 7] {
            assert_eq!(read(ticks), ticks);
        }
    }

    #[test]
    fn time_goes_on_where_samples_become_shorter() {
        let other = AudioSpecificConfig::low_complexity(96_000, 2).unwrap();
        let header = adts::Header::of(&other).unwrap();
        let fast = [&header.write(9).unwrap()[..], &[7; 9]].concat();
        let events = PackedAudio::default().read(&[sound(2), fast].concat(), epoch());
        let times: Vec<i64> = events
            .iter()
            .filter_map(|event| match event {
                Event::Tracks(_) => None,
                Event::Frame(frame) => Some(frame.dts.to_ticks(48_000)),
            })
            .collect();
        assert_eq!(times, [0, 1024, 2048]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(data: Vec<u8>, with_tag: bool) {
            let data = if with_tag { [tag(5), data].concat() } else { data };
            let _ = PackedAudio::default().read(&data, epoch());
        }
    }
}
