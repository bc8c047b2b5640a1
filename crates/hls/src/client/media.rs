//! Media Playlists (RFC 8216 §4.3.2, §4.3.3; parts: RFC 8216bis §4.4.4.9).

use super::PlaylistError;
use super::attributes::{Attributes, range, seconds, whole};
use super::playlist::lines;
use crate::limits::MAX_READ_SEGMENTS;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// A Media Playlist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Media {
    /// No segment is longer.
    pub target: Duration,
    /// The length of parts, where the server makes some and answers requests for those to come.
    pub part_target: Option<Duration>,
    /// Nothing will be added.
    pub has_ended: bool,
    /// Where to begin, if it says so.
    pub start: Option<Start>,
    /// Segments in order; the last one may have only parts yet.
    pub segments: Vec<Segment>,
}

/// `EXT-X-START`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// So long after the beginning of the first segment.
    AfterBeginning(Duration),
    /// So long before the end of the last one.
    BeforeEnd(Duration),
}

/// A segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segment {
    /// Media Sequence Number.
    pub number: u64,
    /// Discontinuity Sequence Number: times of segments with the same one belong together, in all renditions.
    pub discontinuity: u64,
    /// `None` while it is being made.
    pub whole: Option<Piece>,
    /// Its parts, where they are told.
    pub parts: Vec<Piece>,
    /// There is no media in it.
    pub is_gap: bool,
    /// How it is encrypted.
    pub key: Option<Arc<Key>>,
    /// What comes before it for a decoder.
    pub map: Option<Arc<Map>>,
}

/// Something to fetch.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Relative to the playlist.
    pub uri: String,
    /// The bytes of it; `None` is all.
    pub range: Option<Range<u64>>,
    /// How long it plays.
    pub length: Duration,
    /// A player can begin here; of segments nothing is said.
    pub independent: bool,
}

/// `EXT-X-MAP`: the initialization of segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Relative to the playlist.
    pub uri: String,
    /// The bytes of it; `None` is all.
    pub range: Option<Range<u64>>,
    /// How it is encrypted.
    pub key: Option<Arc<Key>>,
}

/// `EXT-X-KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// AES-128: CBC with PKCS #7 padding over the whole segment.
    Aes128 {
        /// Where the 16 bytes of the key are, relative to the playlist.
        uri: String,
        /// The initialization vector; `None` is the Media Sequence Number.
        iv: Option<[u8; 16]>,
    },
    /// What nobody without a contract can read, by its name: `SAMPLE-AES`.
    Foreign(String),
}

impl Key {
    /// The initialization vector of a segment with this number (RFC 8216 §5.2).
    #[must_use]
    pub fn vector(iv: Option<[u8; 16]>, number: u64) -> [u8; 16] {
        iv.unwrap_or_else(|| u128::from(number).to_be_bytes())
    }

    /// What a tag says after the tags before it; several of one segment are for several kinds of players.
    fn read(list: Attributes<'_>, before: Option<Arc<Self>>) -> Result<Option<Arc<Self>>, PlaylistError> {
        const TAG: &str = "EXT-X-KEY";
        let method = list.required(TAG, "METHOD")?;
        let is_plain = list.get("KEYFORMAT").is_none_or(|format| format == "identity");
        match method {
            "NONE" => Ok(None),
            "AES-128" if is_plain => {
                let iv = list.get("IV").map(|text| {
                    let digits = text.trim_start_matches("0x").trim_start_matches("0X");
                    let number = u128::from_str_radix(digits, 16);
                    number.map(u128::to_be_bytes).map_err(|_| PlaylistError::number(TAG, text))
                });
                let uri = list.required(TAG, "URI")?.to_owned();
                Ok(Some(Arc::new(Self::Aes128 { uri, iv: iv.transpose()? })))
            }
            _ => match before.as_deref() {
                Some(Self::Aes128 { .. }) if !is_plain => Ok(before),
                Some(Self::Aes128 { .. } | Self::Foreign(_)) | None => {
                    let name = method.chars().take(40).collect();
                    Ok(Some(Arc::new(Self::Foreign(name))))
                }
            },
        }
    }
}

impl Media {
    /// How long all of it plays.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.segments.iter().filter_map(|segment| segment.whole.as_ref()).map(|piece| piece.length).sum()
    }

    pub(super) fn parse(text: &str) -> Result<Self, PlaylistError> {
        let mut media = Self::default();
        let mut blocks = false;
        let mut open = Open::default();
        for (tag, value) in lines(text) {
            let list = Attributes(value);
            match tag {
                "#EXT-X-TARGETDURATION" => media.target = seconds("EXT-X-TARGETDURATION", value)?,
                "#EXT-X-PART-INF" => {
                    let target = list.get("PART-TARGET");
                    media.part_target = target.map(|text| seconds("EXT-X-PART-INF", text)).transpose()?;
                }
                "#EXT-X-SERVER-CONTROL" => blocks = list.get("CAN-BLOCK-RELOAD") == Some("YES"),
                // Behind a segment they mean nothing (RFC 8216 §4.3.3.2, §4.3.3.3).
                "#EXT-X-MEDIA-SEQUENCE" | "#EXT-X-DISCONTINUITY-SEQUENCE" if !media.segments.is_empty() => {}
                "#EXT-X-MEDIA-SEQUENCE" => open.segment.number = whole("EXT-X-MEDIA-SEQUENCE", value)?,
                "#EXT-X-DISCONTINUITY-SEQUENCE" => {
                    open.segment.discontinuity = whole("EXT-X-DISCONTINUITY-SEQUENCE", value)?;
                }
                "#EXT-X-START" => media.start = start(list)?,
                "#EXT-X-ENDLIST" => media.has_ended = true,
                "" => media.segments.push(open.close(value)),
                _ => open.tag(tag, value)?,
            }
            if media.segments.len() > MAX_READ_SEGMENTS {
                return Err(PlaylistError::TooMany { what: "segments", most: MAX_READ_SEGMENTS });
            }
        }
        if !open.segment.parts.is_empty() {
            media.segments.push(open.segment);
        }
        media.part_target = media.part_target.filter(|_| blocks);
        Ok(media)
    }
}

/// The segment that the next address closes, and what goes on from one to the next.
#[derive(Default)]
struct Open {
    segment: Segment,
    length: Duration,
    range: Option<Range<u64>>,
    /// Where the last range ended.
    ranged: u64,
}

impl Open {
    fn tag(&mut self, tag: &str, value: &str) -> Result<(), PlaylistError> {
        let list = Attributes(value);
        match tag {
            "#EXT-X-DISCONTINUITY" => {
                self.segment.discontinuity = self.segment.discontinuity.saturating_add(1);
            }
            "#EXT-X-GAP" => self.segment.is_gap = true,
            "#EXT-X-KEY" => self.segment.key = Key::read(list, self.segment.key.take())?,
            "#EXT-X-MAP" => {
                let range = list.get("BYTERANGE").map(|text| range("EXT-X-MAP", text, 0)).transpose()?;
                let uri = list.required("EXT-X-MAP", "URI")?.to_owned();
                self.segment.map = Some(Arc::new(Map { uri, range, key: self.segment.key.clone() }));
            }
            "#EXT-X-BYTERANGE" => self.range = Some(range("EXT-X-BYTERANGE", value, self.ranged)?),
            "#EXTINF" => self.length = seconds("EXTINF", value.split(',').next().unwrap_or_default())?,
            "#EXT-X-PART" => {
                if self.segment.parts.len() >= MAX_READ_SEGMENTS {
                    return Err(PlaylistError::TooMany { what: "parts", most: MAX_READ_SEGMENTS });
                }
                self.part(list)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn part(&mut self, list: Attributes<'_>) -> Result<(), PlaylistError> {
        const TAG: &str = "EXT-X-PART";
        let uri = list.required(TAG, "URI")?;
        let before = self.segment.parts.last().filter(|before| before.uri == uri);
        let next = before.and_then(|before| before.range.as_ref()).map_or(0, |range| range.end);
        self.segment.parts.push(Piece {
            uri: uri.to_owned(),
            range: list.get("BYTERANGE").map(|text| range(TAG, text, next)).transpose()?,
            length: list.get("DURATION").map_or(Ok(Duration::ZERO), |text| seconds(TAG, text))?,
            independent: list.get("INDEPENDENT") == Some("YES"),
        });
        Ok(())
    }

    /// The address has come.
    fn close(&mut self, uri: &str) -> Segment {
        let range = self.range.take();
        self.ranged = range.as_ref().map_or(0, |range| range.end);
        let Self { segment, length, .. } = self;
        let next = Segment {
            number: segment.number.saturating_add(1),
            discontinuity: segment.discontinuity,
            key: segment.key.clone(),
            map: segment.map.clone(),
            ..Segment::default()
        };
        let mut closed = std::mem::replace(segment, next);
        closed.whole =
            Some(Piece { uri: uri.to_owned(), range, length: std::mem::take(length), independent: true });
        closed
    }
}

fn start(list: Attributes<'_>) -> Result<Option<Start>, PlaylistError> {
    const TAG: &str = "EXT-X-START";
    let text = list.required(TAG, "TIME-OFFSET")?;
    Ok(Some(match text.strip_prefix('-') {
        Some(before_end) => Start::BeforeEnd(seconds(TAG, before_end)?),
        None => Start::AfterBeginning(seconds(TAG, text)?),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Playlist;

    fn media(text: &str) -> Media {
        Playlist::parse(&format!("#EXTM3U\n{text}")).unwrap().into_media().unwrap()
    }

    #[test]
    fn the_largest_numbers_are_borne() {
        let text = format!("#EXT-X-MEDIA-SEQUENCE:{}\n#EXTINF:2,\na.ts\n#EXTINF:2,\nb.ts\n", u64::MAX);
        assert_eq!(media(&text).segments.len(), 2);
        assert!(Playlist::parse("#EXTM3U\n#EXTINF:1e18,\na.ts\n").is_err());
    }

    #[test]
    fn a_low_latency_playlist_is_read() {
        let media = media(
            "#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.6\n\
             #EXT-X-PART-INF:PART-TARGET=0.2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXT-X-GAP\n#EXTINF:1,\n\
             gone.m4s\n#EXT-X-PART:DURATION=0.2,URI=\"8.0.m4s\",INDEPENDENT=YES\n#EXTINF:1.5,\n8.m4s\n\
             #EXT-X-PART:DURATION=0.2,URI=\"9.0.m4s\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"9.1.m4s\"\n",
        );
        assert_eq!(
            (media.target, media.part_target),
            (Duration::from_secs(2), Some(Duration::from_millis(200)))
        );
        assert_eq!(media.segments[2].map.as_ref().map(|map| map.uri.as_str()), Some("init.mp4"));
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
        let media = media(
            "#EXT-X-TARGETDURATION:2\n#EXT-X-PART-INF:PART-TARGET=0.2\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n",
        );
        assert_eq!((media.part_target, media.has_ended, media.segments.len()), (None, true, 1));
    }

    #[test]
    fn numbers_do_not_begin_anew_within_a_playlist() {
        let text = "#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2,\na\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2,\nb\n";
        let numbers: Vec<u64> = media(text).segments.iter().map(|segment| segment.number).collect();
        assert_eq!(numbers, [7, 8]);
    }

    #[test]
    fn ranges_keys_and_discontinuities_go_on_from_segment_to_segment() {
        let media = media(
            "#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-START:TIME-OFFSET=-4.5\n\
             #EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x0000000000000000000000000000000A\n#EXTINF:1,\n#EXT-X-BYTERANGE:10@5\na.ts\n\
             #EXTINF:1,\n#EXT-X-BYTERANGE:7\na.ts\n#EXT-X-DISCONTINUITY\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\nb.ts\n",
        );
        assert_eq!(media.start, Some(Start::BeforeEnd(Duration::from_millis(4500))));
        let told: Vec<_> = media
            .segments
            .iter()
            .map(|segment| {
                let range = segment.whole.as_ref().and_then(|piece| piece.range.clone());
                (segment.number, segment.discontinuity, range, segment.key.is_some())
            })
            .collect();
        assert_eq!(told, [(5, 3, Some(5..15), true), (6, 3, Some(15..22), true), (7, 4, None, false)]);
        let mut iv = [0; 16];
        iv[15] = 10;
        let key = Key::Aes128 { uri: "k".to_owned(), iv: Some(iv) };
        assert_eq!(media.segments[0].key.as_deref(), Some(&key));
        assert_eq!(Key::vector(None, 0x102)[14..], [1, 2]);
    }

    #[test]
    fn of_several_keys_the_plain_one_is_taken() {
        let key = |tags: &str| media(&format!("{tags}#EXTINF:1,\na.ts\n")).segments[0].key.clone();
        let fairplay =
            "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n";
        let plain = "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n";
        assert_eq!(key(fairplay).as_deref(), Some(&Key::Foreign("SAMPLE-AES".to_owned())));
        for both in [[fairplay, plain].concat(), [plain, fairplay].concat()] {
            assert!(matches!(key(&both).as_deref(), Some(Key::Aes128 { .. })), "{both}");
        }
    }
}
