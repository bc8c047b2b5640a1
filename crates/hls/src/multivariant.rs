//! The text of Multivariant Playlists (RFC 8216bis §4.4.6).

use crate::limits::SAME_FRAME_RATE_PERCENT;
use crate::names::put;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use yeoul_media::{Kind, Track};

use crate::segment::Segment;

/// Bit rates of one playlist, as measured over the segments that can be fetched (RFC 8216bis §4.4.6.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Peak segment bit rate, bit/s.
    pub peak: u64,
    /// Average segment bit rate, bit/s.
    pub average: u64,
}

impl Rates {
    /// Measures segments: the peak is that of contiguous segments whose length together is 0.5 to 1.5 target durations
    /// (RFC 8216bis §1.1); single segments count as well, however short they are.
    pub(crate) fn of<'a>(segments: impl Iterator<Item = &'a Arc<Segment>>, target: Duration) -> Self {
        let mut rates = Self::default();
        let (mut bytes, mut length) = (0, Duration::ZERO);
        let mut set: VecDeque<&Segment> = VecDeque::new();
        for segment in segments.filter(|segment| !segment.gap) {
            bytes += segment.size_bytes as u64;
            length += segment.duration;
            set.push_back(segment);
            while set.len() > 1
                && set.iter().map(|segment| segment.duration).sum::<Duration>() * 2 > target * 3
            {
                set.pop_front();
            }
            // Every set that ends here.
            let (mut bytes, mut length) = (0, Duration::ZERO);
            for segment in set.iter().rev() {
                bytes += segment.size_bytes as u64;
                length += segment.duration;
                if length * 2 >= target || set.len() == 1 {
                    rates.peak = rates.peak.max(rate(bytes, length));
                }
            }
        }
        rates.average = rate(bytes, length);
        rates.peak = rates.peak.max(rates.average);
        rates
    }

    /// As good as can be told while no segment is complete: what the parts so far have.
    pub(crate) fn of_parts(bytes: u64, length: Duration) -> Self {
        let rate = rate(bytes, length);
        Self { peak: rate, average: rate }
    }
}

fn rate(bytes: u64, length: Duration) -> u64 {
    let micros = length.as_micros().max(1);
    u64::try_from(u128::from(bytes) * 8_000_000 / micros).unwrap_or(u64::MAX)
}

/// A Variant Stream: one quality.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The URI of its Media Playlist.
    pub uri: String,
    /// Its bit rates, without those of an audio group.
    pub rates: Rates,
    /// `CODECS`, without those of an audio group.
    pub codecs: String,
    /// Width and height in pixels, if there is video.
    pub resolution: Option<(u32, u32)>,
    /// Frames a second in thousandths, if there is video.
    pub frame_rate_millis: Option<u64>,
    /// `GROUP-ID` of the sound that goes with it, where that has a playlist of its own.
    pub audio: Option<String>,
}

/// Sound with a playlist of its own (`EXT-X-MEDIA`, RFC 8216bis §4.4.6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioRendition {
    /// `GROUP-ID`.
    pub group: String,
    /// `NAME`: unique in its group.
    pub name: String,
    /// The URI of its Media Playlist.
    pub uri: String,
    /// Its bit rates.
    pub rates: Rates,
    /// Its codec.
    pub codecs: String,
    /// `CHANNELS`.
    pub channels: u8,
    /// `DEFAULT=YES`: one of the group.
    pub default: bool,
}

/// Renders a Multivariant Playlist; the first variant is where players begin. Text in quotes loses the characters that
/// a quoted string cannot have (RFC 8216bis §4.2).
#[must_use]
pub fn multivariant(variants: &[Variant], audio: &[AudioRendition]) -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:6\n");
    for rendition in audio {
        put(
            &mut text,
            format_args!(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{}\",NAME=\"{}\",DEFAULT={},AUTOSELECT=YES,CHANNELS=\"{}\",URI=\"{}\"\n",
                quoted(&rendition.group),
                quoted(&rendition.name),
                if rendition.default { "YES" } else { "NO" },
                rendition.channels,
                quoted(&rendition.uri),
            ),
        );
    }
    for variant in variants {
        put_variant(variant, frame_rate_millis(variant, variants), audio, &mut text);
    }
    text
}

/// Frames a second of `variant`, as it is told beside `all`.
///
/// Two cameras of 15 frames a second are measured as 14.99 and 15.02, and hls.js never goes up to a quality with fewer frames
/// than it has: rates that differ by jitter only are told alike, as the highest of them.
fn frame_rate_millis(variant: &Variant, all: &[Variant]) -> Option<u64> {
    let own = variant.frame_rate_millis?;
    let rates = all.iter().filter_map(|other| other.frame_rate_millis);
    rates.filter(|rate| rate.abs_diff(own) * 100 <= own.max(*rate) * SAME_FRAME_RATE_PERCENT).max()
}

fn put_variant(
    variant: &Variant,
    frame_rate_millis: Option<u64>,
    audio: &[AudioRendition],
    text: &mut String,
) {
    // Of a group, one rendition is played at a time: the largest counts. All their codecs may come.
    let group = || audio.iter().filter(|rendition| Some(&rendition.group) == variant.audio.as_ref());
    let largest = |of: fn(&Rates) -> u64| group().map(|rendition| of(&rendition.rates)).max().unwrap_or(0);
    let peak = variant.rates.peak + largest(|rates| rates.peak);
    let average = variant.rates.average + largest(|rates| rates.average);
    // Nothing measured yet is not nothing: 0 is no bandwidth.
    put(
        text,
        format_args!("#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={}", peak.max(1), average.max(1)),
    );
    let mut codecs: Vec<&str> = variant.codecs.split(',').filter(|codec| !codec.is_empty()).collect();
    for codec in group().flat_map(|rendition| rendition.codecs.split(',')) {
        if !codec.is_empty() && !codecs.contains(&codec) {
            codecs.push(codec);
        }
    }
    if !codecs.is_empty() {
        put(text, format_args!(",CODECS=\"{}\"", quoted(&codecs.join(","))));
    }
    if let Some((width, height)) = variant.resolution {
        put(text, format_args!(",RESOLUTION={width}x{height}"));
    }
    if let Some(rate) = frame_rate_millis.filter(|&rate| rate > 0) {
        put(text, format_args!(",FRAME-RATE={}.{:03}", rate / 1000, rate % 1000));
    }
    if let Some(name) = &variant.audio {
        put(text, format_args!(",AUDIO=\"{}\"", quoted(name)));
    }
    put(text, format_args!("\n{}\n", variant.uri.replace(['\r', '\n'], "")));
}

/// Text that can stand in quotes.
fn quoted(text: &str) -> String {
    text.replace(['"', '\r', '\n'], "")
}

/// `CODECS` of these tracks (RFC 6381); codecs without a name there are left out.
#[must_use]
pub fn codecs(tracks: &[Track]) -> String {
    let names: Vec<String> = tracks.iter().filter_map(|track| track.codec.rfc6381()).collect();
    names.join(",")
}

/// `RESOLUTION` of these tracks: that of the first video track.
#[must_use]
pub fn resolution(tracks: &[Track]) -> Option<(u32, u32)> {
    tracks.iter().find(|track| track.kind() == Kind::Video)?.codec.dimensions()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::Head;
    use yeoul_testkit::hls::check_multivariant;

    fn segments(of: &[(u64, usize)]) -> Vec<Arc<Segment>> {
        let segment = |&(millis, size_bytes): &(u64, usize)| {
            Arc::new(Segment {
                msn: 0,
                duration: Duration::from_millis(millis),
                pieces: Vec::new(),
                size_bytes,
                parts: Vec::new(),
                head: Head { discontinuity: false, init: None, date: yeoul_testkit::wall_epoch() },
                gap: false,
            })
        };
        of.iter().map(segment).collect()
    }

    #[test]
    fn the_peak_is_that_of_neighbours_and_the_average_that_of_all() {
        let check = |of: &[(u64, usize)], target_ms: u64| {
            let rates = Rates::of(segments(of).iter(), Duration::from_millis(target_ms));
            (rates.peak, rates.average)
        };
        assert_eq!(check(&[(1000, 1000), (1000, 3000), (1000, 2000)], 1000), (24_000, 16_000));
        // A tenth of a second with a keyframe says nothing by itself.
        assert_eq!(check(&[(1000, 1000), (100, 1000), (1000, 1000)], 1000).0, 16_000_000 / 1100);
        assert_eq!(check(&[(100, 1000)], 1000), (80_000, 80_000));
        assert_eq!(check(&[], 1000), (0, 0));
    }

    fn variant(uri: &str, peak: u64, audio: Option<&str>) -> Variant {
        Variant {
            uri: uri.to_owned(),
            rates: Rates { peak, average: peak / 2 },
            codecs: "avc1.640028".to_owned(),
            resolution: Some((1920, 1080)),
            frame_rate_millis: Some(29_970),
            audio: audio.map(ToOwned::to_owned),
        }
    }

    #[test]
    fn a_variant_counts_the_sound_that_goes_with_it() {
        let sound = |name: &str, peak, codecs: &str, default| AudioRendition {
            group: "sound".to_owned(),
            name: name.to_owned(),
            uri: format!("{name}.m3u8"),
            rates: Rates { peak, average: peak },
            codecs: codecs.to_owned(),
            channels: 2,
            default,
        };
        let text = multivariant(
            &[variant("high.m3u8", 4_000_000, Some("sound")), variant("low.m3u8", 500_000, None)],
            &[sound("plain", 64_000, "mp4a.40.2", true), sound("fine", 128_000, "opus", false)],
        );
        let (playlist, findings) = check_multivariant(&text);
        assert_eq!(findings, [], "{text}");
        let high = &playlist.variants[0];
        assert_eq!((high.bandwidth, high.average_bandwidth), (Some(4_128_000), Some(2_128_000)));
        assert_eq!(high.codecs.as_deref(), Some("avc1.640028,mp4a.40.2,opus"));
        assert_eq!((high.resolution, high.frame_rate), (Some((1920, 1080)), Some(29_970)));
        assert_eq!(playlist.variants[1].bandwidth, Some(500_000));
        m3u8_rs::parse_master_playlist_res(text.as_bytes()).expect("m3u8-rs reads it");
    }

    #[test]
    fn rates_that_differ_by_jitter_are_told_alike() {
        let check = |rates: &[u64], expected: &[i64]| {
            let with = |rate: &u64| Variant { frame_rate_millis: Some(*rate), ..variant("a.m3u8", 1, None) };
            let variants: Vec<Variant> = rates.iter().map(with).collect();
            let (playlist, _) = check_multivariant(&multivariant(&variants, &[]));
            let told: Vec<i64> = playlist.variants.iter().filter_map(|variant| variant.frame_rate).collect();
            assert_eq!(told, expected);
        };
        check(&[14_990, 15_020], &[15_020, 15_020]);
        check(&[29_970, 30_010, 15_000], &[30_010, 30_010, 15_000]);
        check(&[25_000, 12_500], &[25_000, 12_500]);
    }

    #[test]
    fn names_from_outside_cannot_break_the_playlist() {
        let mut odd = variant("a\n#EXT-X-ENDLIST", 1, Some("so\"und\n"));
        odd.codecs = String::new();
        let text = multivariant(
            &[odd],
            &[AudioRendition {
                group: "so\"und\n".to_owned(),
                name: "a\"b\nc".to_owned(),
                uri: "x\"\ny".to_owned(),
                rates: Rates::default(),
                codecs: String::new(),
                channels: 1,
                default: true,
            }],
        );
        let (playlist, findings) = check_multivariant(&text);
        assert_eq!(findings.iter().filter(|finding| finding.must).count(), 0, "{findings:?}");
        assert_eq!(playlist.renditions[0].name, "abc");
    }

    #[test]
    fn a_variant_without_a_measurement_has_a_bandwidth_all_the_same() {
        let (playlist, findings) = check_multivariant(&multivariant(&[variant("a.m3u8", 0, None)], &[]));
        assert_eq!((findings, playlist.variants[0].bandwidth), (vec![], Some(1)));
    }
}
