//! Targets of `yeoul-transcode`: decoders of pictures that cameras send.
//!
//! The streams in `seeds/` have 48x32 or 64x48 pixels and are of x264 and x265, e.g.
//! `ffmpeg -f lavfi -i testsrc2=size=48x32:rate=5 -frames:v 3 -c:v libx264 -profile:v baseline -f h264 baseline.h264`.

use bytes::BytesMut;
use std::sync::Arc;
use yeoul_media::bitstream::{h264, h265, nal};
use yeoul_media::{Codec, Frame, Timestamp, TrackId};
use yeoul_testkit::epoch;
use yeoul_transcode::jpeg::{self, Header, Quality};
use yeoul_transcode::{Color, Goal, Gop, Picture, Size, still_decoder, y4m};

/// Pixels of pictures that are decoded here: larger ones would only take their time.
const MAX_PIXELS: u32 = 1 << 18;

/// An H.264 stream as Annex B, whose access units are decoded one by one.
pub fn still_h264(data: &[u8]) {
    let is_slice = |unit: &[u8]| {
        matches!(h264::NalType::of(unit), Some(h264::NalType::Slice | h264::NalType::Idr))
            && unit.get(1).is_some_and(|first| first & 0x80 != 0)
    };
    decode(data, is_slice, |frame| {
        let sets = h264::ParameterSets::from_access_unit(&frame.data).ok();
        frame.keyframe = h264::is_keyframe(nal::length_prefixed(&frame.data));
        sets.map(|sets| Codec::H264(Some(sets)))
    });
}

/// Seeds of [`still_h264`].
pub fn still_h264_seeds() -> Vec<Vec<u8>> {
    vec![include_bytes!("../seeds/baseline.h264").to_vec(), include_bytes!("../seeds/high.h264").to_vec()]
}

/// An H.265 stream as Annex B, as [`still_h264`].
pub fn still_h265(data: &[u8]) {
    let is_slice = |unit: &[u8]| {
        matches!(h265::NalType::of(unit), Some(h265::NalType::Slice | h265::NalType::Irap))
            && unit.get(2).is_some_and(|first| first & 0x80 != 0)
    };
    decode(data, is_slice, |frame| {
        let sets = h265::ParameterSets::from_access_unit(&frame.data).ok();
        frame.keyframe = h265::is_keyframe(nal::length_prefixed(&frame.data));
        sets.map(|sets| Codec::H265(Some(sets)))
    });
}

/// Seeds of [`still_h265`].
pub fn still_h265_seeds() -> Vec<Vec<u8>> {
    vec![include_bytes!("../seeds/main.h265").to_vec(), include_bytes!("../seeds/main10.h265").to_vec()]
}

/// Decodes what `data` has as a stream would be: its last keyframe, then what follows. `begins` tells the first slice of a
/// picture, `look` whether a frame is a keyframe and which parameter sets it brings.
fn decode(data: &[u8], begins: impl Fn(&[u8]) -> bool, look: impl Fn(&mut Frame) -> Option<Codec>) {
    let mut codec = None;
    let mut units = BytesMut::new();
    let mut has_slice = false;
    let mut gop: Option<Gop> = None;
    let ends = nal::annex_b(data).map(Some).chain([None]);
    for (unit, index) in ends.zip(0i64..) {
        if let Some(unit) = unit
            && !(has_slice && begins(unit))
        {
            has_slice |= begins(unit);
            nal::put_length_prefixed(&mut units, unit);
            continue;
        }
        let time = Timestamp::from_nanos(index);
        let mut frame = Frame {
            track: TrackId(1),
            keyframe: false,
            pts: time,
            dts: time,
            new_codec: None,
            captured_at: None,
            received_at: epoch(),
            data: units.split().freeze(),
        };
        if let Some(sets) = look(&mut frame) {
            if sets.dimensions().is_none_or(|(width, height)| width * height > MAX_PIXELS) {
                return;
            }
            frame.new_codec = Some(Arc::new(sets.clone()));
            codec.get_or_insert(sets);
        }
        if let Some(codec) = &codec {
            let _ = gop.get_or_insert_with(|| Gop::new(codec)).push(frame);
        }
        if let Some(unit) = unit {
            nal::put_length_prefixed(&mut units, unit);
        }
    }
    let (Some(codec), Some(mut gop)) = (codec, gop) else { return };
    let Ok(mut decoder) = still_decoder(&codec) else { return };
    for goal in [Goal::Keyframe, Goal::Newest] {
        let Some(mut batch) = gop.take(goal) else { return };
        // One picture a call, as when the time for more is up.
        while batch.left() > 0 {
            match batch.decode(decoder.as_mut(), || false) {
                Ok(Some(decoded)) => assert!(decoded.picture.size().is_within_bounds()),
                Ok(None) => {}
                Err(_) => return,
            }
        }
    }
}

/// A JPEG image: its headers, then its pixels.
pub fn jpeg(data: &[u8]) {
    let header = Header::parse(data);
    if header.is_ok_and(|header| header.size.width * header.size.height > MAX_PIXELS as usize) {
        return;
    }
    if let Ok(picture) = jpeg::decode(data) {
        assert_eq!(
            header.map(|header| header.size),
            Ok(picture.size()),
            "the headers say the same as the decoder"
        );
    }
}

/// Seeds of [`jpeg()`].
pub fn jpeg_seeds() -> Vec<Vec<u8>> {
    let image = |size: Size| {
        let planes = [size, size.chroma(), size.chroma()];
        let planes =
            planes.map(|size| (0..size.pixels()).map(|at| u8::try_from(at * 7 % 256).unwrap_or(0)).collect());
        Picture::new(size, Color::JPEG, planes).map(|picture| jpeg::encode(picture, Quality::default()))
    };
    [Size::new(40, 24), Size::new(17, 9)].into_iter().filter_map(image).collect()
}

/// What ffmpeg writes as YUV4MPEG2, in pieces of seven bytes.
pub fn y4m(data: &[u8]) {
    let mut reader = y4m::Reader::default();
    for mut piece in data.chunks(7) {
        while !piece.is_empty() {
            match reader.read(&mut piece) {
                Ok(Some(picture)) => assert!(picture.size().is_within_bounds()),
                Ok(None) => {}
                Err(_) => return,
            }
        }
    }
}

/// Seeds of [`y4m()`].
pub fn y4m_seeds() -> Vec<Vec<u8>> {
    vec![
        b"YUV4MPEG2 W4 H2 F25:1 Ip A1:1 C420jpeg XYSCSS=420JPEG XCOLORRANGE=LIMITED\nFRAME\nabcdefghijklFRAME\nabcdefghijkl"
            .to_vec(),
        b"YUV4MPEG2 W3 H3 C420mpeg2\nFRAME It\n0123456789abcdefg".to_vec(),
    ]
}
