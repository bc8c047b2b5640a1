//! `onMetaData`, the script tag that players look at first (FLV 10.1 annex E.5; AMF0).

use super::tag::{AudioCodec, VideoCodec};
use bytes::{BufMut, Bytes, BytesMut};
use yeoul_media::Track;

/// AMF0 markers.
const NUMBER: u8 = 0;
const BOOLEAN: u8 = 1;
const STRING: u8 = 2;
const ECMA_ARRAY: u8 = 8;
const OBJECT_END: [u8; 3] = [0, 0, 9];

/// A value of the metadata.
enum Value {
    Number(f64),
    Boolean(bool),
    Text(&'static str),
}

/// The body of the script tag that describes these tracks: the string `onMetaData` and an array of names and values. In RTMP the same
/// follows `@setDataFrame`.
pub(super) fn write(tracks: &[Track]) -> Bytes {
    let mut values = vec![("duration", Value::Number(0.0)), ("encoder", Value::Text("Yeoul"))];
    for track in tracks {
        let codec = &track.codec;
        if let Some(video) = super::video_codec(codec) {
            values.push(("videocodecid", Value::Number(video_id(video))));
            if let Some((width, height)) = codec.dimensions() {
                values.push(("width", Value::Number(width.into())));
                values.push(("height", Value::Number(height.into())));
            }
        }
        if let Some(audio) = super::audio_codec(codec) {
            values.push(("audiocodecid", Value::Number(audio_id(audio))));
            values.push(("audiosamplerate", Value::Number(codec.sample_rate().unwrap_or(0).into())));
            values.push(("stereo", Value::Boolean(codec.channels().is_some_and(|channels| channels > 1))));
        }
    }
    let mut out = BytesMut::new();
    out.put_u8(STRING);
    put_text("onMetaData", &mut out);
    out.put_u8(ECMA_ARRAY);
    out.put_u32(u32::try_from(values.len()).unwrap_or(0));
    for (name, value) in values {
        put_text(name, &mut out);
        match value {
            Value::Number(number) => {
                out.put_u8(NUMBER);
                out.put_f64(number);
            }
            Value::Boolean(boolean) => out.put_slice(&[BOOLEAN, u8::from(boolean)]),
            Value::Text(text) => {
                out.put_u8(STRING);
                put_text(text, &mut out);
            }
        }
    }
    out.put_slice(&OBJECT_END);
    out.freeze()
}

/// Whether the metadata of a sender speaks of video and of sound: whether the names are there, whatever their values. `None` if it
/// is no metadata.
pub(super) fn kinds(body: &[u8]) -> Option<(bool, bool)> {
    let has = |name: &[u8]| body.windows(name.len()).any(|window| window == name);
    has(b"onMetaData").then(|| (has(b"videocodecid"), has(b"audiocodecid")))
}

fn put_text(text: &str, out: &mut BytesMut) {
    out.put_u16(u16::try_from(text.len()).unwrap_or(0));
    out.put_slice(text.as_bytes());
}

/// Codecs of old FLV by their number, others by their FourCC as a number (Enhanced RTMP, "Enhancing onMetaData").
fn video_id(codec: VideoCodec) -> f64 {
    match codec {
        VideoCodec::H264 => 7.0,
        VideoCodec::H265 | VideoCodec::Av1 | VideoCodec::Vp9 | VideoCodec::Vp8 => {
            u32::from_be_bytes(codec.four_cc()).into()
        }
    }
}

fn audio_id(codec: AudioCodec) -> f64 {
    match codec {
        AudioCodec::Aac => 10.0,
        AudioCodec::Mp3 => 2.0,
        AudioCodec::Pcma => 7.0,
        AudioCodec::Pcmu => 8.0,
        AudioCodec::Opus | AudioCodec::Flac => u32::from_be_bytes(codec.four_cc().unwrap_or_default()).into(),
    }
}
