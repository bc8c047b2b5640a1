//! What outputs of one stream differ by: container, choice of tracks.

use super::caching::Caching;
use crate::config::Config;
use crate::wants;
use std::time::{Duration, SystemTime};
use yeoul_container::{fmp4, mpegts};
use yeoul_hub::Want;
use yeoul_media::{Codec, Kind};

/// What segments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Container {
    /// Fragmented MP4 in segments and their parts: LL-HLS.
    LowLatency,
    /// Fragmented MP4 in segments.
    Fmp4,
    /// MPEG transport streams, for players that know nothing else.
    Ts,
}

impl Container {
    fn carries(self, codec: &Codec) -> bool {
        match self {
            // No browser takes MP3 or VP8 in fragments of MP4, as Media Source Extensions have them.
            Self::LowLatency | Self::Fmp4 => {
                fmp4::carries(codec) && !matches!(codec, Codec::Mp3(_) | Codec::Vp8(_))
            }
            // No browser takes Opus or MPEG-4 part 2 in a transport stream, though there are ways to put them there.
            Self::Ts => mpegts::carries(codec) && !matches!(codec, Codec::Opus { .. } | Codec::Mpeg4Video(_)),
        }
    }

    /// For error sentences.
    fn codecs(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::LowLatency | Self::Fmp4, Kind::Video) => "H264, H265, AV1 or VP9",
            (Self::LowLatency | Self::Fmp4, Kind::Audio) => "AAC, OPUS or FLAC",
            (Self::Ts, Kind::Video) => "H264 or H265",
            (Self::Ts, Kind::Audio) => "AAC or MP3",
        }
    }
}

/// What a playlist is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Use {
    /// It is all that there is of its stream.
    Alone,
    /// It is one of the qualities of a stream, or the sound that goes with all of them.
    Quality,
}

/// A folder below `/NAME/`: each has the outputs of one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folder {
    /// `ll`
    LowLatency,
    /// `ll-video`
    LowLatencyVideo,
    /// `ll-audio`
    LowLatencyAudio,
    /// `hls`
    Classic,
    /// `hls-video`
    ClassicVideo,
    /// `hls-audio`
    ClassicAudio,
    /// `ts`
    Ts,
}

impl Folder {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::LowLatency => "ll",
            Self::LowLatencyVideo => "ll-video",
            Self::LowLatencyAudio => "ll-audio",
            Self::Classic => "hls",
            Self::ClassicVideo => "hls-video",
            Self::ClassicAudio => "hls-audio",
            Self::Ts => "ts",
        }
    }

    pub(super) fn form(self, settings: Settings) -> Form {
        let (container, choice, used) = match self {
            Self::LowLatency => (Container::LowLatency, Choice::ALL, Use::Alone),
            Self::LowLatencyVideo => (Container::LowLatency, Choice::VIDEO, Use::Quality),
            Self::LowLatencyAudio => (Container::LowLatency, Choice::AUDIO, Use::Quality),
            Self::Classic => (Container::Fmp4, Choice::ALL, Use::Alone),
            Self::ClassicVideo => (Container::Fmp4, Choice::VIDEO, Use::Quality),
            Self::ClassicAudio => (Container::Fmp4, Choice::AUDIO, Use::Quality),
            Self::Ts => (Container::Ts, Choice::ALL, Use::Alone),
        };
        Form { container, choice, used, settings }
    }
}

/// Everything by which the HLS outputs of one stream differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Form {
    pub(crate) container: Container,
    pub(crate) choice: Choice,
    pub(super) used: Use,
    pub(super) settings: Settings,
}

/// What the configuration says: the same for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Settings {
    pub(super) part: Duration,
    pub(super) segment: Duration,
    pub(super) window: Duration,
    pub(super) caching: Caching,
    /// When this program was started.
    pub(super) started: SystemTime,
}

impl Settings {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            part: config.hls.part_duration,
            segment: config.hls.segment_duration,
            window: config.hls.window,
            caching: Caching::new(config.api.account.is_some()),
            started: SystemTime::now(),
        }
    }
}

/// Which tracks are wanted of those that the container carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Choice {
    video: Filter,
    audio: Filter,
}

/// Which tracks of one kind are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Filter {
    None,
    /// The first one.
    Any,
    /// The first of any of these codecs: names as in a query, in lower case, sorted.
    OneOf(Vec<String>),
}

/// Codec names looked at in one query: more than there are codecs.
const NAMES: usize = 16;

impl Choice {
    /// The first track of each kind.
    pub(crate) const ALL: Self = Self { video: Filter::Any, audio: Filter::Any };
    /// The first picture only, for streams whose sound is served once for all qualities.
    pub(crate) const VIDEO: Self = Self { video: Filter::Any, audio: Filter::None };
    /// The first sound only.
    pub(crate) const AUDIO: Self = Self { video: Filter::None, audio: Filter::Any };

    /// The choice of go2rtc's query: `video`, `audio` with or without codec names, or `mp4` with what its Safari takes; `None`
    /// if it chooses nothing.
    pub(crate) fn from_query(query: &str) -> Option<Self> {
        let mut choice = Self { video: Filter::None, audio: Filter::None };
        let mut given = false;
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let filter = match key.as_ref() {
                "mp4" => return Some(Self::mp4(&value)),
                "video" => &mut choice.video,
                "audio" => &mut choice.audio,
                _ => continue,
            };
            given = true;
            // One track of a kind is all that a player of HLS is sent.
            if *filter == Filter::None {
                *filter = Filter::parse(&value);
            }
        }
        given.then_some(choice)
    }

    /// `mp4`, `mp4=flac`, `mp4=all`.
    fn mp4(level: &str) -> Self {
        let audio: &[&str] = match level {
            "all" => &["aac", "flac", "mp3", "opus"],
            "flac" => &["aac", "flac"],
            _ => &["aac"],
        };
        let one_of = |names: &[&str]| Filter::OneOf(names.iter().map(|&name| name.to_owned()).collect());
        Self { video: one_of(&["h264", "h265"]), audio: one_of(audio) }
    }
}

impl Filter {
    fn parse(value: &str) -> Self {
        let names = value.split(',').take(NAMES).map(|name| name.trim().to_ascii_lowercase());
        let mut names: Vec<String> = names.collect();
        if names.iter().any(|name| name.is_empty() || name == "copy" || name == "all") {
            return Self::Any;
        }
        names.sort_unstable();
        names.dedup();
        Self::OneOf(names)
    }
}

impl Form {
    /// What to join the stream with.
    pub(super) fn wants(&self) -> Vec<Want> {
        let of = [(Kind::Video, &self.choice.video), (Kind::Audio, &self.choice.audio)];
        of.into_iter().filter_map(|(kind, filter)| want(self.container, kind, filter.clone())).collect()
    }
}

fn want(container: Container, kind: Kind, filter: Filter) -> Option<Want> {
    let (names, text) = match filter {
        Filter::None => return None,
        Filter::Any => (None, container.codecs(kind).to_owned()),
        Filter::OneOf(names) => {
            let text = names.join(" or ").to_ascii_uppercase();
            (Some(names), text)
        }
    };
    let accepts = move |codec: &Codec| {
        container.carries(codec)
            && names.as_ref().is_none_or(|names| names.iter().any(|name| wants::is(codec, name)))
    };
    Some(Want { kind, accepts: Box::new(accepts), all: false, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(container: Container, choice: Choice) -> Form {
        Form { container, choice, used: Use::Alone, settings: Settings::new(&Config::default()) }
    }

    fn check(query: &str, expected: Option<(&str, &str)>) {
        let made = Choice::from_query(query).map(|choice| form(Container::Fmp4, choice));
        let text = |wants: &[Want], kind| {
            wants.iter().find(|want| want.kind == kind).map_or(String::new(), |want| want.text.clone())
        };
        let seen = made.map(|form| {
            let wants = form.wants();
            (text(&wants, Kind::Video), text(&wants, Kind::Audio))
        });
        let expected = expected.map(|(video, audio)| (video.to_owned(), audio.to_owned()));
        assert_eq!(seen, expected, "{query}");
    }

    #[test]
    fn go2rtcs_queries_choose_tracks() {
        check("src=cam", None);
        check("src=cam&mp4", Some(("H264 OR H265", "AAC")));
        check("src=cam&mp4=all&video", Some(("H264 OR H265", "AAC OR FLAC OR MP3 OR OPUS")));
        check("video", Some(("H264, H265, AV1 or VP9", "")));
        check("audio=aac,Opus&audio=mp3", Some(("", "AAC OR OPUS")));
        check("video=copy&audio=all", Some(("H264, H265, AV1 or VP9", "AAC, OPUS or FLAC")));
    }

    #[test]
    fn the_same_wish_in_other_words_is_the_same_form() {
        assert_eq!(Choice::from_query("video=H265,h264"), Choice::from_query("video=h264,h265,h265"));
        assert_ne!(Choice::from_query("video"), Choice::from_query("audio"));
    }

    proptest::proptest! {
        #[test]
        fn no_query_panics_or_grows(query in "(video|audio|mp4)?=?[a-zA-Z0-9,%&=]{0,200}") {
            if let Some(choice) = Choice::from_query(&query) {
                for filter in [&choice.video, &choice.audio] {
                    proptest::prop_assert!(!matches!(filter, Filter::OneOf(names) if names.len() > NAMES));
                }
            }
        }
    }

    #[test]
    fn transport_streams_have_no_opus_because_browsers_take_none() {
        let form = form(Container::Ts, Choice::ALL);
        let wants = form.wants();
        assert!((wants[0].accepts)(&Codec::H264(None)) && !(wants[0].accepts)(&Codec::Av1(None)));
        assert!(!(wants[1].accepts)(&Codec::Opus { channels: 2 }));
    }
}
