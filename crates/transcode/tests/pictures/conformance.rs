//! Streams of the JVT's suite and of Cisco's tests, and two real clips. They lie outside of the project: without them, these tests
//! say so.

use crate::media::{Coding, Stream, elementary_stream, output, stream};
use crate::reference::{check_all, decoded, planes, psnr};
use std::collections::BTreeSet;
use std::path::Path;
use yeoul_transcode::{Goal, Gop, StillError, still_decoder};

/// What becomes of a stream.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// Every one of its pictures is ffmpeg's, to the bit.
    Same(usize),
    /// There is nothing to decode, and ffmpeg finds nothing either.
    Nothing,
    /// It has errors by intention: so many access units, of which so many decode, and all of those are ffmpeg's. Of the others
    /// a sentence is said; ffmpeg makes up what is missing.
    Damaged { units: usize, decoded: usize },
}

/// All streams. None of them has to go to ffmpeg: those that do are made by the tests themselves (`encoded.rs`).
const STREAMS: [(&str, Outcome); 13] = [
    ("BA1_FT_C.264", Outcome::Same(299)),
    // Its first IDR picture was cut out: there is no picture before the next one.
    ("BA_MW_D_IDR_LOST.264", Outcome::Damaged { units: 97, decoded: 70 }),
    ("CI_MW_D.264", Outcome::Same(100)),
    ("Cisco_Men_whisper_640x320_CABAC_Bframe_9.264", Outcome::Same(9)),
    // Pictures without some of their slices, of several sizes.
    ("Error_I_P.264", Outcome::Damaged { units: 5, decoded: 1 }),
    ("LS_SVA_D.264", Outcome::Same(1700)),
    ("MIDR_MW_D.264", Outcome::Same(100)),
    ("MPS_MW_A.264", Outcome::Same(150)),
    ("NRF_MW_E.264", Outcome::Same(100)),
    ("SVA_BA2_D.264", Outcome::Same(17)),
    ("SarVui.264", Outcome::Same(17)),
    ("jm_1080p_allslice.264", Outcome::Same(1)),
    // An enhancement layer without its base layer.
    ("sps_subsetsps_bothVUI.264", Outcome::Nothing),
];

#[test]
fn conformance_streams_decode_as_with_ffmpeg() {
    let Some(folder) = yeoul_testkit::shared().map(|shared| shared.join("media/h264-conformance")) else {
        return;
    };
    let entries = std::fs::read_dir(&folder).expect("the folder is there").filter_map(Result::ok);
    let there: BTreeSet<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let there: Vec<&str> = there.iter().map(String::as_str).filter(|name| name.ends_with(".264")).collect();
    assert!(
        there.iter().copied().eq(STREAMS.iter().map(|(name, _)| *name)),
        "every stream is listed: {there:?}"
    );
    for (name, outcome) in STREAMS {
        let path = folder.join(name);
        let stream = elementary_stream(&std::fs::read(&path).expect("it can be read"), Coding::H264);
        match outcome {
            Outcome::Same(count) => {
                assert_eq!(stream.frames.len(), count, "{name}");
                check_all(name, &stream, &decoded(&path, &[]));
            }
            Outcome::Nothing => assert!(pictures(&stream).is_empty(), "{name}"),
            Outcome::Damaged { units, decoded } => {
                let (ours, theirs) = (pictures(&stream), decoded_in_its_sizes(&path));
                assert_eq!((stream.frames.len(), ours.len()), (units, decoded), "{name}");
                for (number, picture) in ours.iter().enumerate() {
                    // Pictures are whole macroblocks, of 384 samples each.
                    let mut places = (0..theirs.len()).step_by(384);
                    let is_there = places.any(|place| theirs[place..].starts_with(picture));
                    assert!(is_there, "{name}: picture {number} is not among those of ffmpeg");
                }
            }
        }
    }
}

/// Pictures of those access units that decode, from each keyframe on.
fn pictures(stream: &Stream) -> Vec<Vec<u8>> {
    let (mut decoder, mut found) = (None, Vec::new());
    for frame in &stream.frames {
        if frame.keyframe {
            let codec = frame.new_codec.as_deref().unwrap_or(&stream.codec);
            decoder = Some(still_decoder(codec).expect("within what is decoded here"));
        }
        let Some(mut running) = decoder.take() else { continue };
        match running.decode(frame) {
            Ok(()) => {
                found.push(planes(&running.take_picture().expect("it was decoded")));
                decoder = Some(running);
            }
            // What follows refers to it.
            Err(StillError::Damaged(_)) => {}
            Err(error @ StillError::Unsupported(_)) => panic!("{error}"),
        }
    }
    found
}

/// The samples of ffmpeg's pictures of a file one after the other, where the first size is not that of all.
fn decoded_in_its_sizes(path: &Path) -> Vec<u8> {
    let arguments = ["-v", "fatal", "-i", path.to_str().expect("a path of ours"), "-autoscale", "0"];
    output("ffmpeg", &[&arguments[..], &["-fps_mode", "passthrough", "-f", "rawvideo", "-"]].concat(), &[])
}

#[test]
fn real_clips_decode_as_with_ffmpeg() {
    let Some(folder) = yeoul_testkit::shared().map(|shared| shared.join("media/clips")) else { return };
    for name in ["bikes.mp4", "bigbuckbunny.mp4"] {
        let path = folder.join(name);
        check_all(name, &stream(&path, Coding::H264), &decoded(&path, &[]));
    }
}

#[test]
fn the_newest_picture_of_a_real_clip_is_that_of_ffmpeg_whenever_it_is_asked_for() {
    let Some(path) = yeoul_testkit::shared().map(|shared| shared.join("media/clips/bikes.mp4")) else {
        return;
    };
    let (clip, theirs) = (stream(&path, Coding::H264), decoded(&path, &[]));
    let mut times: Vec<_> = clip.frames.iter().map(|frame| frame.pts).collect();
    times.sort_unstable();
    for count in (1..clip.frames.len()).step_by(17) {
        let mut gop = Gop::new(&clip.codec);
        clip.frames.iter().take(count).for_each(|frame| gop.push(frame.clone()).expect("within bounds"));
        let mut decoder = still_decoder(&clip.codec).expect("High profile");
        let mut batch = gop.take(Goal::Newest).expect("it begins with a keyframe");
        let decoded = batch.decode(decoder.as_mut(), || true).expect("it decodes").expect("a picture");
        let newest = clip.frames.iter().take(count).map(|frame| frame.pts).max();
        assert_eq!(Some(decoded.pts), newest, "the newest of {count} frames");
        let shown = times.iter().position(|&time| time == decoded.pts).expect("its time is that of a frame");
        let same = psnr(&planes(&decoded.picture), &theirs[shown]);
        assert!(same.is_infinite(), "picture {shown} after {count} frames: {same:.1} dB");
    }
}
