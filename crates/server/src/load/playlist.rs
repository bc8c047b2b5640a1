//! What a player has to know of a playlist (RFC 8216bis §4): where the media is, and when to ask again.
//!
//! Left out: byte ranges, keys, delta updates, which a load needs not ask for.

use crate::limits::LOAD_HLS_LONGEST;
use std::time::Duration;

/// A media playlist.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Media {
    pub(super) target: Duration,
    /// The length of parts, where the server makes some and answers requests for those to come.
    pub(super) part_target: Option<Duration>,
    pub(super) has_ended: bool,
    /// The initialization of the last segment.
    pub(super) map: Option<String>,
    /// Segments, in order; the last one may have only parts yet.
    pub(super) segments: Vec<Segment>,
}

/// A segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Segment {
    /// Media sequence number.
    pub(super) number: u64,
    /// `None` while it is being made.
    pub(super) whole: Option<Piece>,
    pub(super) parts: Vec<Piece>,
    /// There is no media in it.
    pub(super) is_gap: bool,
}

/// Something to fetch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) uri: String,
    pub(super) length: Duration,
    /// A player can begin here; of segments nothing is said.
    pub(super) independent: bool,
}

/// The URI of the first quality of a multivariant playlist; `None` if it is a media playlist.
pub(super) fn first_variant(text: &str) -> Option<&str> {
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| line.starts_with("#EXT-X-STREAM-INF:"))?;
    lines.find(|line| !line.is_empty() && !line.starts_with('#'))
}

impl Media {
    /// Reads a media playlist.
    ///
    /// # Errors
    /// A sentence, if it is none, or has what is left out here.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if !text.trim_start_matches('\u{feff}').starts_with("#EXTM3U") {
            return Err("the playlist does not begin with #EXTM3U".to_owned());
        }
        let mut media = Self::default();
        let mut blocks = false;
        let mut open = Segment::default();
        let mut length = Duration::ZERO;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (tag, value) = line.split_once(':').unwrap_or((line, ""));
            match tag {
                "#EXT-X-TARGETDURATION" => media.target = seconds(value)?,
                "#EXT-X-PART-INF" => {
                    media.part_target = attribute(value, "PART-TARGET").map(seconds).transpose()?;
                }
                "#EXT-X-SERVER-CONTROL" => blocks = attribute(value, "CAN-BLOCK-RELOAD") == Some("YES"),
                "#EXT-X-MEDIA-SEQUENCE" => {
                    open.number = value
                        .trim()
                        .parse()
                        .map_err(|_| format!("the playlist says EXT-X-MEDIA-SEQUENCE:{value}"))?;
                }
                "#EXT-X-MAP" => media.map = attribute(value, "URI").map(str::to_owned),
                "#EXT-X-ENDLIST" => media.has_ended = true,
                "#EXT-X-GAP" => open.is_gap = true,
                "#EXT-X-BYTERANGE" => {
                    return Err("the playlist has byte ranges, which yeoul load does not ask for".to_owned());
                }
                "#EXT-X-PART" => open.parts.push(part(value)?),
                "#EXTINF" => length = seconds(value.split(',').next().unwrap_or_default())?,
                _ if line.starts_with('#') => {}
                _ => {
                    open.whole = Some(Piece { uri: line.to_owned(), length, independent: true });
                    let next = Segment { number: open.number.saturating_add(1), ..Segment::default() };
                    media.segments.push(std::mem::replace(&mut open, next));
                }
            }
        }
        if !open.parts.is_empty() {
            media.segments.push(open);
        }
        media.part_target = media.part_target.filter(|_| blocks);
        Ok(media)
    }
}

fn part(value: &str) -> Result<Piece, String> {
    let uri = attribute(value, "URI").ok_or("a part in the playlist has no URI")?;
    if attribute(value, "BYTERANGE").is_some() {
        return Err("the playlist has parts by byte range, which yeoul load does not ask for".to_owned());
    }
    let length = attribute(value, "DURATION").map_or(Ok(Duration::ZERO), seconds)?;
    Ok(Piece { uri: uri.to_owned(), length, independent: attribute(value, "INDEPENDENT") == Some("YES") })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let parsed = text.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let parsed = parsed.filter(|length| *length <= LOAD_HLS_LONGEST);
    parsed.ok_or_else(|| format!("the playlist has {text:?} where a number of seconds belongs"))
}

/// An attribute of a list (RFC 8216bis §4.2), without its quotes.
fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = list;
    while let Some((key, behind)) = rest.split_once('=') {
        let (value, after) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => behind.split_once(',').unwrap_or((behind, "")),
        };
        if key.trim_start_matches([',', ' ']) == name {
            return Some(value);
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Media, attribute, first_variant};
    use proptest::prelude::*;
    use std::time::Duration;

    proptest! {
        #[test]
        fn no_playlist_panics(lines in proptest::collection::vec(
            "#EXT(INF|-X-(PART|PART-INF|MAP|MEDIA-SEQUENCE|TARGETDURATION|SERVER-CONTROL|GAP)):[A-Z]{0,3}=?\"?[-0-9.e,=\"a-zA-Z]{0,24}|[a-z]{1,4}",
            0..12,
        )) {
            let _ = Media::parse(&format!("#EXTM3U\n{}", lines.join("\n")));
        }
    }

    #[test]
    fn the_largest_numbers_are_borne() {
        let text =
            format!("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:{}\n#EXTINF:2,\na.ts\n#EXTINF:2,\nb.ts\n", u64::MAX);
        assert_eq!(Media::parse(&text).unwrap().segments.len(), 2);
        assert!(Media::parse("#EXTM3U\n#EXTINF:1e18,\na.ts\n").is_err());
    }

    #[test]
    fn attributes_may_hold_commas() {
        let list = r#"BANDWIDTH=1,CODECS="avc1,mp4a",URI="a=b,c.m3u8",LAST=YES"#;
        let get = |name| attribute(list, name);
        assert_eq!(
            [get("BANDWIDTH"), get("CODECS"), get("URI"), get("LAST"), get("NO")],
            [Some("1"), Some("avc1,mp4a"), Some("a=b,c.m3u8"), Some("YES"), None]
        );
    }

    #[test]
    fn a_low_latency_playlist_is_read() {
        let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.6\n\
            #EXT-X-PART-INF:PART-TARGET=0.2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXT-X-GAP\n#EXTINF:1,\n\
            gone.m4s\n#EXT-X-PART:DURATION=0.2,URI=\"8.0.m4s\",INDEPENDENT=YES\n#EXTINF:1.5,\n8.m4s\n\
            #EXT-X-PART:DURATION=0.2,URI=\"9.0.m4s\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"9.1.m4s\"\n";
        let media = Media::parse(text).unwrap();
        assert_eq!(media.target, Duration::from_secs(2));
        assert_eq!(media.part_target, Some(Duration::from_millis(200)));
        assert_eq!(media.map.as_deref(), Some("init.mp4"));
        let told: Vec<_> = media
            .segments
            .iter()
            .map(|segment| {
                let whole = segment.whole.as_ref().map(|piece| piece.uri.as_str());
                (segment.number, whole, segment.parts.len(), segment.is_gap)
            })
            .collect();
        assert_eq!(told, [(7, Some("gone.m4s"), 0, true), (8, Some("8.m4s"), 1, false), (9, None, 1, false)]);
        assert!(media.segments[1].parts[0].independent && !media.segments[2].parts[0].independent);
    }

    #[test]
    fn without_blocked_reloads_it_is_a_classic_one() {
        let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PART-INF:PART-TARGET=0.2\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n";
        let media = Media::parse(text).unwrap();
        assert_eq!((media.part_target, media.has_ended, media.segments.len()), (None, true, 1));
    }

    #[test]
    fn the_first_quality_is_taken() {
        let text = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"sound.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\n\nhigh.m3u8\n";
        assert_eq!(first_variant(text), Some("high.m3u8"));
        assert_eq!(first_variant("#EXTM3U\n#EXTINF:1,\na.ts\n"), None);
    }

    #[test]
    fn what_cannot_be_played_is_told() {
        for text in [
            "<html>",
            "#EXTM3U\n#EXTINF:x,\na.ts\n",
            "#EXTM3U\n#EXT-X-BYTERANGE:5@0\n",
            "#EXTM3U\n#EXT-X-PART:DURATION=1\n",
        ] {
            assert!(Media::parse(text).is_err(), "{text}");
        }
    }
}
