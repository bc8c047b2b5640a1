//! FLV, as far as this ffmpeg knows it: its goldens of Enhanced RTMP are in `testdata/`.

use crate::harness::{AAC, Demuxed, H264, MP3, assert_packets, decoded, folder, packets, source};
use bytes::BytesMut;
use std::path::Path;
use std::time::Duration;
use yeoul_container::flv::{Demuxer, Muxer};
use yeoul_container::mpegts;
use yeoul_testkit::epoch;

fn demux(file: &Path) -> Demuxed {
    let stream = std::fs::read(file).expect("ffmpeg has written it");
    let (mut demuxer, mut demuxed) = (Demuxer::default(), Demuxed::default());
    for chunk in stream.chunks(4999) {
        demuxer.push(chunk, epoch()).expect("an FLV");
        std::iter::from_fn(|| demuxer.pull()).for_each(|event| demuxed.take(event));
    }
    demuxer.finish();
    std::iter::from_fn(|| demuxer.pull()).for_each(|event| demuxed.take(event));
    assert_eq!((demuxer.tags().damaged_frames(), demuxer.tags().passed_over()), (0, None));
    demuxed
}

fn mux(demuxed: &Demuxed, file: &Path) {
    let (mut muxer, mut out) =
        (Muxer::new(&demuxed.tracks).expect("codecs that it carries"), BytesMut::new());
    demuxed.in_order(Duration::ZERO).iter().for_each(|frame| muxer.write(frame, &mut out));
    std::fs::write(file, out).expect("the file is written");
}

fn round_trip(name: &str, video: &str, audio: &str) {
    let folder = folder(name);
    let (theirs, ours) = (folder.join("theirs.flv"), folder.join("ours.flv"));
    source(&theirs, video, audio, "-f flv -flvflags no_duration_filesize");
    let demuxed = demux(&theirs);
    let expected = packets(&theirs);
    assert_packets(&demuxed.packets(1000), &expected, "what we read");
    mux(&demuxed, &ours);
    assert_packets(&packets(&ours), &expected, "what ffprobe reads of ours");
    let pictures = decoded(&theirs);
    assert!(pictures.len() > 150, "{name}: {} pictures and blocks", pictures.len());
    assert_eq!(decoded(&ours), pictures, "{name}: what ffmpeg decodes of ours");
}

#[test]
fn h264_with_b_frames_and_aac_go_there_and_back() {
    round_trip("flv_h264_aac", H264, AAC);
}

#[test]
fn h264_and_mp3_go_there_and_back() {
    round_trip("flv_h264_mp3", H264, MP3);
}

#[test]
fn h264_and_g711_go_there_and_back() {
    round_trip("flv_h264_pcma", H264, "-c:a pcm_alaw -ar 8000 -ac 1");
}

#[test]
fn a_transport_stream_becomes_flv_that_decodes_to_the_same() {
    let folder = folder("flv_of_ts");
    let (theirs, ours) = (folder.join("theirs.ts"), folder.join("ours.flv"));
    source(&theirs, H264, AAC, "-f mpegts");
    let stream = std::fs::read(&theirs).expect("ffmpeg has written it");
    let (mut demuxer, mut demuxed) = (mpegts::Demuxer::default(), Demuxed::default());
    demuxer.push(&stream, epoch()).expect("a transport stream");
    demuxer.finish();
    std::iter::from_fn(|| demuxer.pull()).for_each(|event| demuxed.take(event));
    mux(&demuxed, &ours);
    assert_eq!(decoded(&ours), decoded(&theirs));
}

/// The ffmpeg of the tests does not know these forms; `testdata/` has files of one that does. What we make of them stays in the folder,
/// for readers that know them.
#[test]
fn enhanced_forms_go_there_and_back() {
    let folder = folder("flv_enhanced");
    for name in ["h265_opus", "av1_flac", "vp9_mp3"] {
        let theirs = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name).with_extension("flv");
        let ours = folder.join(name).with_extension("flv");
        let demuxed = demux(&theirs);
        mux(&demuxed, &ours);
        let again = demux(&ours);
        assert_eq!(again.tracks, demuxed.tracks);
        assert_packets(&again.packets(1000), &demuxed.packets(1000), name);
        let data = |demuxed: &Demuxed| demuxed.in_order(Duration::ZERO).into_iter().map(|frame| frame.data);
        assert!(data(&again).eq(data(&demuxed)), "{name}");
    }
}
