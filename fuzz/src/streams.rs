//! Targets of `yeoul-container`: streams of packets, tags and parts.

use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use yeoul_container::flv::tag::{AudioTag, VideoTag};
use yeoul_container::sniff::{self, Form};
use yeoul_container::{Event, adts, flv, mpegts, multipart};
use yeoul_media::bitstream::{aac, h264, nal};
use yeoul_media::{Codec, Frame, PcmLayout, Timestamp, Track, TrackId};
use yeoul_testkit as testkit;

/// What demuxers have found so far; checks what holds for every one of them.
#[derive(Default)]
struct Found {
    tracks: Vec<Track>,
    frames: Vec<Frame>,
    last: BTreeMap<TrackId, Timestamp>,
}

impl Found {
    fn take(&mut self, event: Event) {
        match event {
            Event::Tracks(tracks) => self.tracks = tracks,
            Event::Frame(frame) => {
                assert!(!frame.data.is_empty() && frame.pts >= frame.dts, "{frame:?}");
                assert!(self.tracks.iter().any(|track| track.id == frame.track), "{frame:?} of no track");
                let last = self.last.entry(frame.track).or_insert(frame.dts);
                assert!(frame.dts >= *last, "{frame:?} after {last:?}");
                *last = frame.dts;
                self.frames.push(frame);
            }
        }
    }
}

/// Pieces of a length that the first byte tells.
fn pieces(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.chunks(data.first().map_or(1, |&first| usize::from(first) * 3 + 1))
}

/// A transport stream: times never run back, and what came out can be muxed.
pub fn mpegts(data: &[u8]) {
    let (mut demuxer, mut found) = (mpegts::Demuxer::default(), Found::default());
    for piece in pieces(data) {
        if demuxer.push(piece, testkit::epoch()).is_err() {
            break;
        }
        std::iter::from_fn(|| demuxer.pull()).for_each(|event| found.take(event));
    }
    demuxer.finish();
    std::iter::from_fn(|| demuxer.pull()).for_each(|event| found.take(event));
    let total: usize = found.frames.iter().map(|frame| frame.data.len()).sum();
    assert!(total <= data.len() * 2, "{total} bytes of {}", data.len());
    if let Ok(mut muxer) = mpegts::Muxer::new(&found.tracks) {
        let mut out = BytesMut::new();
        found.frames.iter().for_each(|frame| muxer.write(frame, &mut out));
        assert!(out.len().is_multiple_of(mpegts::PACKET_BYTES));
    }
}

/// Seeds of [`mpegts()`]: three sets of tracks, the first also in packets of 192 bytes.
pub fn mpegts_seeds() -> Vec<Vec<u8>> {
    let mux = |tracks: &[Track]| {
        let mut muxer = mpegts::Muxer::new(tracks).expect("codecs that it carries");
        let mut out = BytesMut::new();
        frames(tracks).iter().for_each(|frame| muxer.write(frame, &mut out));
        out.to_vec()
    };
    let first = mux(&[track(0, h264()), track(1, aac())]);
    let spread =
        first.chunks(mpegts::PACKET_BYTES).flat_map(|packet| [&[1, 2, 3, 4], packet].concat()).collect();
    vec![
        first,
        spread,
        mux(&[track(0, Codec::Opus { channels: 2 })]),
        mux(&[track(0, h264()), track(1, mp3())]),
    ]
}

/// FLV; and the data by itself as the body of a tag: what parses is written and parses to the same.
pub fn flv(data: &[u8]) {
    let (mut demuxer, mut found) = (flv::Demuxer::default(), Found::default());
    for piece in pieces(data) {
        let pushed = demuxer.push(piece, testkit::epoch());
        std::iter::from_fn(|| demuxer.pull()).for_each(|event| found.take(event));
        if pushed.is_err() {
            break;
        }
    }
    demuxer.finish();
    std::iter::from_fn(|| demuxer.pull()).for_each(|event| found.take(event));
    if let Ok(mut muxer) = flv::Muxer::new(&found.tracks) {
        let mut out = BytesMut::new();
        found.frames.iter().for_each(|frame| muxer.write(frame, &mut out));
    }
    let body = Bytes::copy_from_slice(data);
    for tag in VideoTag::parse(&body).unwrap_or_default() {
        let mut written = BytesMut::new();
        tag.write_head(&mut written);
        written.extend_from_slice(&tag.data());
        assert_eq!(VideoTag::parse(&written.freeze()), Ok(vec![tag]));
    }
    for tag in AudioTag::parse(&body).unwrap_or_default() {
        let mut written = BytesMut::new();
        tag.write_head(&mut written);
        written.extend_from_slice(&tag.data());
        assert_eq!(AudioTag::parse(&written.freeze()), Ok(vec![tag]));
    }
}

/// Seeds of [`flv()`]: files of ours and of ffmpeg, and a body of two tracks with nanoseconds.
pub fn flv_seeds() -> Vec<Vec<u8>> {
    let mux = |tracks: &[Track]| {
        let mut muxer = flv::Muxer::new(tracks).expect("codecs that it carries");
        let mut out = BytesMut::new();
        frames(tracks).iter().for_each(|frame| muxer.write(frame, &mut out));
        out.to_vec()
    };
    let tracks = b"\x97\x02\0\0\x09\x06\x11hvc1\x01\0\0\x05\0\0\x28ab\x02\0\0\x05\0\0\x28cd".to_vec();
    vec![
        mux(&[track(0, h264()), track(1, aac())]),
        mux(&[track(0, Codec::Opus { channels: 1 })]),
        include_bytes!("../../crates/container/testdata/h265_opus.flv").to_vec(),
        include_bytes!("../../crates/container/testdata/vp9_mp3.flv").to_vec(),
        tracks,
    ]
}

/// A multipart stream: no more comes out than went in, whatever the pieces.
pub fn multipart(data: &[u8]) {
    let (mut whole, mut cut) = (multipart::Reader::default(), multipart::Reader::default());
    let whole_pushed = whole.push(data);
    let cut_pushed = pieces(data).try_for_each(|piece| cut.push(piece));
    let parts: Vec<_> = std::iter::from_fn(|| whole.pull()).collect();
    let cut_parts: Vec<_> = std::iter::from_fn(|| cut.pull()).collect();
    if whole_pushed.is_ok() && cut_pushed.is_ok() {
        assert_eq!(parts, cut_parts);
    }
    assert!(parts.iter().all(|part| !part.data.is_empty()));
    assert!(parts.iter().map(|part| part.data.len()).sum::<usize>() <= data.len());
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = multipart::boundary(text);
    }
}

/// Seeds of [`multipart()`]: with lengths, without, with a delimiter of its own.
pub fn multipart_seeds() -> Vec<Vec<u8>> {
    let picture = Bytes::from_static(b"\xff\xd8 a picture\r\n--\xff\xd9");
    vec![
        [multipart::part(&picture).concat(), multipart::part(&picture).concat()].concat(),
        b"--b\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8one\r\n--b\r\n\r\n\xff\xd8two\r\n--b--\r\n".to_vec(),
        b"preamble\n----myboundary\ncontent-length: 3\n\none\n----myboundary\ncontent-length: 9\n\n".to_vec(),
    ]
}

/// A stream of ADTS: access units fit their headers, and headers read back.
pub fn adts(data: &[u8]) {
    let (mut reader, mut total) = (adts::Reader::default(), 0);
    for piece in pieces(data) {
        reader.push(piece);
        while let Some(unit) = reader.pull() {
            assert_eq!(unit.data.len() + unit.header.header_bytes, unit.header.frame_bytes);
            total += unit.header.frame_bytes;
            if let Some(header) = unit.header.config().as_ref().and_then(adts::Header::of) {
                let written = header.write(unit.data.len()).expect("it came out of a frame");
                assert_eq!(
                    adts::Header::parse(&written).map(|read| read.sample_rate()),
                    Some(header.sample_rate())
                );
            }
        }
        assert!(reader.waiting_bytes() <= adts::MAX_FRAME_BYTES);
    }
    assert!(total <= data.len());
}

/// Seeds of [`adts()`]: frames one after another, with a CRC, with noise between.
pub fn adts_seeds() -> Vec<Vec<u8>> {
    let config =
        aac::AudioSpecificConfig::parse(testkit::aac::config(48_000, 2).into()).expect("a valid one");
    let header = adts::Header::of(&config).expect("ADTS has it");
    let frame =
        |size: usize| [&header.write(size).expect("a short frame")[..], &testkit::aac::frame(size)].concat();
    let mut checked = frame(40);
    checked[1] &= 0xfe;
    vec![
        [frame(30), frame(300), frame(7)].concat(),
        [checked, frame(20)].concat(),
        [frame(30), b"noise \xff\xf1\xff".to_vec(), frame(30), frame(30)].concat(),
    ]
}

fn track(id: u16, codec: Codec) -> Track {
    Track { id: TrackId(id), codec }
}

fn h264() -> Codec {
    let sets = [testkit::h264::sps(640, 360), testkit::h264::pps()].map(Bytes::from);
    Codec::H264(Some(h264::ParameterSets::from_units(sets).expect("parameter sets that parse")))
}

fn aac() -> Codec {
    Codec::Aac(aac::AudioSpecificConfig::low_complexity(48_000, 2).expect("a usual configuration"))
}

fn mp3() -> Codec {
    Codec::Mp3(PcmLayout { sample_rate: 44_100, channels: 2 })
}

/// A few frames of each track, in decoding order.
fn frames(tracks: &[Track]) -> Vec<Frame> {
    use testkit::h264::{Slice, pps, slice, sps};
    let mut frames = Vec::new();
    for track in tracks {
        for number in 0..4u32 {
            let keyframe = number == 0;
            let data: Bytes = match &track.codec {
                Codec::H264(_) => {
                    let mut data = BytesMut::new();
                    let units = if keyframe {
                        vec![sps(640, 360), pps(), slice(Slice::Idr, 200)]
                    } else {
                        vec![slice(Slice::P, 100)]
                    };
                    units.iter().for_each(|unit| nal::put_length_prefixed(&mut data, unit));
                    data.freeze()
                }
                Codec::Mp3(_) => {
                    [&[0xff, 0xfb, 0x90, 0x64][..], &[number.to_le_bytes()[0]; 413]].concat().into()
                }
                Codec::Opus { .. } => vec![0xf8, 1, 2, 3].into(),
                Codec::Aac(_)
                | Codec::H265(_)
                | Codec::Av1(_)
                | Codec::Vp9(_)
                | Codec::Vp8(_)
                | Codec::Mpeg4Video(_)
                | Codec::Jpeg { .. }
                | Codec::Pcmu(_)
                | Codec::Pcma(_)
                | Codec::G722
                | Codec::L16(_)
                | Codec::Flac(_) => testkit::aac::frame(60).into(),
            };
            let dts = Timestamp::from_ticks(i64::from(number) * 3600, 90_000);
            frames.push(Frame {
                track: track.id,
                keyframe: keyframe || track.id.0 > 0,
                pts: dts,
                dts,
                new_codec: None,
                captured_at: None,
                received_at: testkit::epoch(),
                data,
            });
        }
    }
    frames.sort_by_key(|frame| frame.dts);
    frames
}

/// A stream whose first bytes tell what it is: what holds for every demuxer, and no more comes out than went in.
pub fn sniff(data: &[u8]) {
    any(sniff::Demuxer::default(), data);
}

/// NAL units behind start codes, H.264 or H.265 by the first byte.
pub fn annexb(data: &[u8]) {
    let form = if data.first().is_some_and(|first| first & 1 == 1) { Form::H264 } else { Form::H265 };
    any(sniff::Demuxer::of(form), data);
}

/// WAV.
pub fn wav(data: &[u8]) {
    any(sniff::Demuxer::of(Form::Wav), data);
}

fn any(mut demuxer: sniff::Demuxer, data: &[u8]) {
    let mut found = Found::default();
    let mut read = true;
    for piece in pieces(data) {
        read = demuxer.push(piece, testkit::epoch()).is_ok();
        std::iter::from_fn(|| demuxer.pull()).for_each(|event| found.take(event));
        if !read {
            break;
        }
    }
    if read {
        let _ = demuxer.finish(testkit::epoch());
        std::iter::from_fn(|| demuxer.pull()).for_each(|event| found.take(event));
    }
    // Lengths of 4 bytes may stand where start codes of 3 were, and samples of 8 bits become 16.
    let total: usize = found.frames.iter().map(|frame| frame.data.len()).sum();
    assert!(total <= data.len() * 4, "{total} bytes of {}", data.len());
}

/// Seeds of [`sniff()`]: one stream of each form.
pub fn sniff_seeds() -> Vec<Vec<u8>> {
    let picture =
        b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x20\x00\x40\x01\x01\x11\x00\xff\xda\x00\x04\x01\x02coded\xff\xd9";
    let mut seeds = vec![picture.repeat(3)];
    for more in [mpegts_seeds(), flv_seeds(), adts_seeds(), multipart_seeds(), annexb_seeds(), wav_seeds()] {
        seeds.extend(more.into_iter().take(1));
    }
    seeds
}

/// Seeds of [`annexb()`].
pub fn annexb_seeds() -> Vec<Vec<u8>> {
    use testkit::h264::{Slice, pps, slice, sps};
    use testkit::h265;
    let stream = |units: &[Vec<u8>]| {
        let bytes: Vec<u8> = units.iter().flat_map(|unit| [&[0, 0, 0, 1][..], unit].concat()).collect();
        bytes
    };
    let units = [sps(640, 360), pps(), slice(Slice::Idr, 20), slice(Slice::P, 10), slice(Slice::P, 10)];
    let h264 = [&[1][..], &stream(&units)].concat();
    vec![h264, stream(&[h265::vps(), h265::sps(640, 360), h265::pps()])]
}

/// Seeds of [`wav()`]: A-law and samples of 24 bits.
pub fn wav_seeds() -> Vec<Vec<u8>> {
    let wav = |format: u8, bits: u8| {
        let head = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0".to_vec();
        let fields = [format, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, bits, 0];
        [&head[..], &fields, b"data\0\0\0\0", &[0x55; 1500]].concat()
    };
    vec![wav(6, 8), wav(1, 24)]
}
