//! What the files of one stream differ by: container, choice of tracks.

use crate::wants;
use yeoul_container::{adts, flv, fmp4, mpegts};
use yeoul_hub::Want;
use yeoul_media::{Codec, Kind};

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Container {
    /// Fragmented MP4.
    Mp4,
    /// MPEG transport stream.
    Ts,
    /// FLV with the tags of Enhanced RTMP.
    Flv,
    /// AAC behind ADTS headers.
    Aac,
}

impl Container {
    /// Whether a track of this codec has a place in it.
    pub(super) fn carries(self, codec: &Codec) -> bool {
        match self {
            Self::Mp4 => fmp4::carries(codec),
            Self::Ts => mpegts::carries(codec),
            Self::Flv => flv::carries(codec),
            Self::Aac => match codec {
                Codec::Aac(config) => adts::Header::of(config).is_some(),
                Codec::H264(_)
                | Codec::H265(_)
                | Codec::Av1(_)
                | Codec::Vp9(_)
                | Codec::Vp8(_)
                | Codec::Mpeg4Video(_)
                | Codec::Jpeg { .. }
                | Codec::Opus { .. }
                | Codec::Pcmu(_)
                | Codec::Pcma(_)
                | Codec::G722
                | Codec::L16(_)
                | Codec::Flac(_)
                | Codec::Mp3(_) => false,
            },
        }
    }

    /// Whether it has a place for a track of this codec in another coding, for those who ask for it by name.
    fn converts(self, codec: &Codec) -> bool {
        self == Self::Mp4 && yeoul_transcode::flac::Encoder::new(codec).is_some()
    }

    /// As the API names a consumer of it.
    pub(super) fn protocol(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4+http",
            Self::Ts => "mpegts+http",
            Self::Flv => "flv+http",
            Self::Aac => "adts+http",
        }
    }

    /// For sentences.
    fn codecs(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::Mp4, Kind::Video) => "H264, H265, AV1, VP9 or VP8",
            (Self::Mp4, Kind::Audio) => "AAC, OPUS, FLAC or MP3",
            (Self::Ts, Kind::Video) => "H264, H265 or MP4V-ES",
            (Self::Ts, Kind::Audio) => "AAC, OPUS or MP3",
            (Self::Flv, Kind::Video) => "H264, H265, AV1, VP9 or VP8",
            (Self::Flv, Kind::Audio) => "AAC, OPUS, MP3, FLAC, PCMA or PCMU of 8000 Hz",
            (Self::Aac, Kind::Video) => "no picture",
            (Self::Aac, Kind::Audio) => "AAC",
        }
    }

    /// Whether a file of it may have more than one track of a kind.
    fn has_many(self) -> bool {
        match self {
            Self::Mp4 | Self::Ts => true,
            Self::Flv | Self::Aac => false,
        }
    }
}

/// Everything by which the files of one stream differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Form {
    pub(super) container: Container,
    wishes: Vec<Wish>,
}

/// A track that is wished for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Wish {
    kind: Kind,
    codecs: Codecs,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Codecs {
    /// The first track that the container carries.
    First,
    /// Every such track.
    All,
    /// The first track of any of these codecs: names as in a query, in lower case, sorted.
    OneOf(Vec<String>),
}

/// Wishes looked at in one query, and codecs in one of them: more than a file has tracks, than there are codecs.
const MOST: usize = 16;

impl Form {
    /// What go2rtc's query asks for: `mp4` with a level, or `video` and `audio`, or what the container has by default.
    pub(super) fn from_query(container: Container, query: &[(String, String)]) -> Self {
        let level = query.iter().find(|(key, _)| key == "mp4").map(|(_, value)| value.as_str());
        let mut wishes: Vec<Wish> = match (container, level) {
            (Container::Mp4, Some(level)) => mp4(level),
            (Container::Mp4 | Container::Ts | Container::Flv | Container::Aac, _) => {
                query.iter().filter_map(|(key, value)| wish(key, value)).take(MOST).collect()
            }
        };
        if container == Container::Aac {
            wishes.retain(|wish| wish.kind == Kind::Audio);
        }
        if wishes.is_empty() {
            wishes = default(container);
        }
        if !container.has_many() {
            let mut kinds = Vec::new();
            wishes.retain_mut(|wish| {
                if wish.codecs == Codecs::All {
                    wish.codecs = Codecs::First;
                }
                let first = !kinds.contains(&wish.kind);
                kinds.push(wish.kind);
                first
            });
        }
        Self { container, wishes }
    }

    /// The first picture alone.
    pub(super) fn picture(query: &[(String, String)]) -> Self {
        let mut form = Self::from_query(Container::Mp4, query);
        form.wishes.retain(|wish| wish.kind == Kind::Video);
        form.wishes.truncate(1);
        if form.wishes.is_empty() {
            form.wishes = vec![Wish { kind: Kind::Video, codecs: Codecs::First }];
        }
        form
    }

    /// What to join the stream with.
    pub(super) fn wants(&self) -> Vec<Want> {
        self.wishes.iter().map(|wish| want(self.container, wish)).collect()
    }
}

fn wish(key: &str, value: &str) -> Option<Wish> {
    let kind = match key {
        "video" => Kind::Video,
        "audio" => Kind::Audio,
        _ => return None,
    };
    let mut names: Vec<String> =
        value.split(',').take(MOST).map(|name| name.trim().to_ascii_lowercase()).collect();
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    let codecs = if has("") || has("copy") {
        Codecs::First
    } else if has("all") {
        Codecs::All
    } else {
        names.sort_unstable();
        names.dedup();
        Codecs::OneOf(names)
    };
    Some(Wish { kind, codecs })
}

/// `mp4`, `mp4=flac`, `mp4=all`: what a player of go2rtc's says it takes.
fn mp4(level: &str) -> Vec<Wish> {
    let audio: &[&str] = match level {
        "" => &["aac"],
        "flac" => &["aac", "flac", "l16", "pcma", "pcmu"],
        _ => &["aac", "flac", "l16", "mp3", "opus", "pcma", "pcmu"],
    };
    of(&["h264", "h265"], audio)
}

/// What is sent to those who wish for nothing in particular.
fn default(container: Container) -> Vec<Wish> {
    match container {
        // go2rtc's choice: what every player takes.
        Container::Mp4 => of(&["av1", "h264", "h265", "vp8", "vp9"], &["aac"]),
        Container::Ts | Container::Flv => {
            [Kind::Video, Kind::Audio].map(|kind| Wish { kind, codecs: Codecs::First }).to_vec()
        }
        Container::Aac => vec![Wish { kind: Kind::Audio, codecs: Codecs::First }],
    }
}

fn of(video: &[&str], audio: &[&str]) -> Vec<Wish> {
    let wish = |kind, names: &[&str]| Wish {
        kind,
        codecs: Codecs::OneOf(names.iter().map(|&name| name.to_owned()).collect()),
    };
    vec![wish(Kind::Video, video), wish(Kind::Audio, audio)]
}

fn want(container: Container, wish: &Wish) -> Want {
    let (all, names, text) = match &wish.codecs {
        Codecs::First => (false, None, container.codecs(wish.kind).to_owned()),
        Codecs::All => (true, None, format!("all {} of {}", wish.kind, container.codecs(wish.kind))),
        Codecs::OneOf(names) => (false, Some(names.clone()), names.join(" or ").to_ascii_uppercase()),
    };
    let accepts = move |codec: &Codec| match &names {
        None => container.carries(codec),
        Some(names) => {
            let can_be_had = container.carries(codec) || container.converts(codec);
            can_be_had && names.iter().any(|name| wants::is(codec, name))
        }
    };
    Want { kind: wish.kind, accepts: Box::new(accepts), all, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progressive::query::pairs;

    fn check(container: Container, query: &str, expected: &[&str]) {
        let wants = Form::from_query(container, &pairs(query)).wants();
        let seen: Vec<_> = wants.iter().map(|want| format!("{}: {}", want.kind, want.text)).collect();
        assert_eq!(seen, expected, "{query}");
    }

    #[test]
    fn go2rtcs_queries_choose_tracks() {
        use Container::{Aac, Flv, Mp4, Ts};
        check(Mp4, "src=cam", &["video: AV1 OR H264 OR H265 OR VP8 OR VP9", "audio: AAC"]);
        check(Mp4, "mp4", &["video: H264 OR H265", "audio: AAC"]);
        check(Mp4, "mp4=flac&video", &["video: H264 OR H265", "audio: AAC OR FLAC OR L16 OR PCMA OR PCMU"]);
        let all = "audio: AAC OR FLAC OR L16 OR MP3 OR OPUS OR PCMA OR PCMU";
        check(Mp4, "mp4=all", &["video: H264 OR H265", all]);
        check(Mp4, "video=H265,h264", &["video: H264 OR H265"]);
        check(Mp4, "audio=all", &["audio: all audio of AAC, OPUS, FLAC or MP3"]);
        check(Ts, "mp4&src=cam", &["video: H264, H265 or MP4V-ES", "audio: AAC, OPUS or MP3"]);
        check(Ts, "audio=aac&audio=opus", &["audio: AAC", "audio: OPUS"]);
        check(Flv, "video=all&video=h265", &["video: H264, H265, AV1, VP9 or VP8"]);
        check(Aac, "video=h264", &["audio: AAC"]);
    }

    #[test]
    fn the_same_wish_in_other_words_is_the_same_form() {
        let form = |query| Form::from_query(Container::Mp4, &pairs(query));
        assert_eq!(form("video=H265,h264"), form("src=a&video=h264,h265,h265"));
        assert_ne!(form("video"), form("audio"));
    }

    #[test]
    fn pcm_is_converted_for_those_who_ask_for_it() {
        let pcma = Codec::Pcma(yeoul_media::PcmLayout { sample_rate: 8000, channels: 1 });
        for (container, query, accepted) in [
            (Container::Mp4, "mp4=flac", true),
            (Container::Mp4, "mp4=all", true),
            (Container::Mp4, "audio=pcma", true),
            (Container::Mp4, "audio", false),
            (Container::Mp4, "mp4", false),
            (Container::Ts, "audio=pcma", false),
            (Container::Flv, "audio", true),
        ] {
            let wants = Form::from_query(container, &pairs(query)).wants();
            let want = wants.iter().find(|want| want.kind == Kind::Audio).expect("sound");
            assert_eq!((want.accepts)(&pcma), accepted, "{container:?} {query}");
        }
    }

    #[test]
    fn a_picture_is_video_alone() {
        let wants = Form::picture(&pairs("src=a&audio")).wants();
        assert_eq!((wants.len(), wants[0].kind), (1, Kind::Video));
    }
}
