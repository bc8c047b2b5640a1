//! Which tracks a caller asks for, in go2rtc's query: `?video&audio`, `?video=h264,h265&audio=all`.
//!
//! | value | means |
//! |---|---|
//! | empty, `copy` | the first track of this kind, whatever its codec |
//! | `h264,h265` | the first track of any of these codecs |
//! | `all` | every track of this kind |
//!
//! A key that is given twice asks for two tracks. Given one of the kinds, the other is not sent.

use yeoul_hub::Want;
use yeoul_media::{Codec, Kind};

/// The wants of a query; empty if it names neither video nor audio.
pub(crate) fn from_query(query: &str) -> Vec<Want> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.filter_map(|(key, value)| want(&key, &value)).collect()
}

fn want(key: &str, value: &str) -> Option<Want> {
    let kind = match key {
        "video" => Kind::Video,
        "audio" => Kind::Audio,
        _ => return None,
    };
    let names: Vec<String> = value.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    if names.iter().any(|name| name.is_empty() || name == "copy") {
        return Some(Want::any(kind));
    }
    if names.iter().any(|name| name == "all") {
        return Some(Want { all: true, text: format!("all {kind}"), ..Want::any(kind) });
    }
    let text = names.join(", ").to_ascii_uppercase();
    Some(Want {
        kind,
        accepts: Box::new(move |codec| names.iter().any(|name| is(codec, name))),
        all: false,
        text,
    })
}

/// Whether `name` (lower case) is one of the names that people and go2rtc give the codec.
pub(crate) fn is(codec: &Codec, name: &str) -> bool {
    let names: &[&str] = match codec {
        Codec::H264(_) => &["h264", "avc"],
        Codec::H265(_) => &["h265", "hevc"],
        Codec::Av1(_) => &["av1"],
        Codec::Vp9(_) => &["vp9"],
        Codec::Vp8(_) => &["vp8"],
        Codec::Mpeg4Video(_) => &["mp4v-es", "mpeg4"],
        Codec::Jpeg { .. } => &["jpeg", "mjpeg"],
        Codec::Aac(_) => &["aac", "mpeg4-generic"],
        Codec::Opus { .. } => &["opus"],
        Codec::Pcmu(_) => &["pcmu"],
        Codec::Pcma(_) => &["pcma"],
        Codec::G722 => &["g722"],
        Codec::L16(_) => &["l16", "pcm"],
        Codec::Flac(_) => &["flac"],
        Codec::Mp3(_) => &["mp3"],
    };
    names.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::from_query;
    use yeoul_media::{Codec, Kind};

    fn check(query: &str, expected: &[(Kind, bool, bool)]) {
        let wants = from_query(query);
        let seen: Vec<_> =
            wants.iter().map(|want| (want.kind, (want.accepts)(&Codec::H264(None)), want.all)).collect();
        assert_eq!(seen, expected, "{query}");
    }

    #[test]
    fn go2rtcs_queries_are_read() {
        check("", &[]);
        check("src=cam&microphone", &[]);
        check("video&audio", &[(Kind::Video, true, false), (Kind::Audio, true, false)]);
        check("video=all", &[(Kind::Video, true, true)]);
        check("video=h265", &[(Kind::Video, false, false)]);
        check("video=H265,H264&video=copy", &[(Kind::Video, true, false), (Kind::Video, true, false)]);
    }
}
