//! Streams of x264 and x265, each with other tools of the codec: what is decoded here, and what is left to ffmpeg.

use crate::media::{Coding, clip, output, stream};
use crate::reference::{check_all, decoded, picture, planes, psnr, psnr_of};
use yeoul_transcode::{Color, Goal, Gop, Matrix, Range, Size, StillError, still_decoder};

/// Moving shapes with some noise, so that every block has something to code.
fn source(size: &str, frames: u32) -> String {
    format!("testsrc2=size={size}:rate=25,noise=alls=8:allf=t,trim=end_frame={frames}")
}

/// Two GOPs.
const FRAMES: u32 = 24;
const H264: &str = "-c:v libx264 -preset fast -g 12 -keyint_min 12 -sc_threshold 0 -pix_fmt yuv420p";
const H265: &str = "-c:v libx265 -preset fast -pix_fmt yuv420p -x265-params log-level=error:pools=1:frame-threads=1:keyint=12:min-keyint=12";

/// Streams that are decoded here: name, size, coding and the encoder's arguments after the common ones.
const DECODED: &[(&str, &str, Coding, &str)] = &[
    ("baseline", "320x240", Coding::H264, " -profile:v baseline"),
    ("main-cavlc-b", "320x240", Coding::H264, " -profile:v main -coder 0 -bf 2"),
    (
        "high-cabac-b",
        "320x240",
        Coding::H264,
        " -profile:v high -bf 3 -b_strategy 0 -refs 4 -x264-params b-pyramid=normal",
    ),
    ("high-temporal-direct", "320x240", Coding::H264, " -bf 3 -b_strategy 0 -x264-params direct=temporal"),
    ("high-weighted", "320x240", Coding::H264, " -bf 2 -x264-params weightp=2:weightb=1"),
    ("high-slices", "320x240", Coding::H264, " -bf 0 -x264-params slices=4"),
    ("high-scaling-lists", "320x240", Coding::H264, " -x264-params cqm=jvt"),
    ("high-constrained-intra", "320x240", Coding::H264, " -x264-params constrained-intra=1"),
    ("high-fake-interlaced", "320x240", Coding::H264, " -bf 0 -x264-params fake-interlaced=1"),
    ("high-pcm", "64x48", Coding::H264, " -bf 0 -qp 1"),
    ("high-426x240", "426x240", Coding::H264, " -bf 2"),
    ("high-322x242", "322x242", Coding::H264, " -bf 0"),
    ("high-1080p", "1920x1080", Coding::H264, " -preset veryfast -bf 0"),
    ("high-full-range", "320x240", Coding::H264, " -bf 0 -color_range pc"),
    ("main-h265", "320x240", Coding::H265, ""),
    ("main-h265-no-b", "320x240", Coding::H265, ":bframes=0"),
    ("main-h265-426x240", "426x240", Coding::H265, ":bframes=3:b-pyramid=1"),
    ("main-h265-slices", "320x240", Coding::H265, ":slices=3:bframes=0"),
    ("main-h265-1080p", "1920x1080", Coding::H265, ":bframes=0:preset=ultrafast"),
    ("main-h265-full-range", "320x240", Coding::H265, ":range=full"),
    ("main-h265-lossless", "160x128", Coding::H265, ":lossless=1"),
    ("main-h265-closed", "320x240", Coding::H265, ":open-gop=0:weightb=1"),
];

fn encoder(coding: Coding, arguments: &str) -> String {
    format!("{}{arguments}", if coding == Coding::H264 { H264 } else { H265 })
}

fn frames_of(size: &str) -> u32 {
    // Large pictures take long enough.
    if size == "1920x1080" { 2 } else { FRAMES }
}

#[test]
fn streams_of_x264_decode_as_with_ffmpeg() {
    check_streams(Coding::H264);
}

#[test]
fn streams_of_x265_decode_as_with_ffmpeg() {
    check_streams(Coding::H265);
}

fn check_streams(of: Coding) {
    for (name, size, coding, arguments) in DECODED.iter().filter(|(_, _, coding, _)| *coding == of) {
        let path = clip(name, &source(size, frames_of(size)), &encoder(*coding, arguments));
        check_all(name, &stream(&path, *coding), &decoded(&path, &[]));
    }
}

#[test]
fn pictures_know_their_colours() {
    let range = |name: &str, coding, arguments| {
        let path = clip(name, &source("320x240", FRAMES), &encoder(coding, arguments));
        let stream = stream(&path, coding);
        let mut decoder = still_decoder(&stream.codec).expect("8 bits of 4:2:0");
        decoder.decode(&stream.frames[0]).expect("a keyframe");
        decoder.take_picture().expect("a picture").color()
    };
    let sd = Color { range: Range::Limited, matrix: Matrix::Bt601 };
    let full = Color { range: Range::Full, ..sd };
    let told = Color { range: Range::Limited, matrix: Matrix::Bt709 };
    assert_eq!(range("baseline", Coding::H264, " -profile:v baseline"), sd);
    assert_eq!(range("high-full-range", Coding::H264, " -bf 0 -color_range pc"), full);
    assert_eq!(range("high-709", Coding::H264, " -bf 0 -colorspace bt709"), told);
    assert_eq!(range("main-h265", Coding::H265, ""), sd);
    assert_eq!(range("main-h265-full-range", Coding::H265, ":range=full"), full);
    assert_eq!(range("main-h265-709", Coding::H265, ":colormatrix=bt709"), told);
}

/// Streams that are left to ffmpeg, and what is said of them.
const LEFT: &[(&str, Coding, &str, &str)] = &[
    ("high10", Coding::H264, " -pix_fmt yuv420p10le", "H.264 with 10 bits"),
    ("high422", Coding::H264, " -pix_fmt yuv422p", "H.264 with chroma YUV422"),
    ("high444", Coding::H264, " -pix_fmt yuv444p", "H.264 with chroma YUV444"),
    ("gray", Coding::H264, " -pix_fmt gray", "H.264 with chroma Monochrome"),
    ("mbaff", Coding::H264, " -bf 0 -flags +ilme+ildct", "H.264 with interlaced coding (MBAFF)"),
    ("main422-h265", Coding::H265, ":bframes=0 -pix_fmt yuv422p", "H.265 with another chroma than 4:2:0"),
    ("main12-h265", Coding::H265, ":bframes=0 -pix_fmt yuv420p12le", "H.265 with 12 bits"),
];

#[test]
fn what_is_left_to_ffmpeg_is_said_before_anything_is_decoded() {
    for (name, coding, arguments, expected) in LEFT {
        let path = clip(name, &source("320x240", FRAMES), &encoder(*coding, arguments));
        let stream = stream(&path, *coding);
        let error = still_decoder(&stream.codec).err().unwrap_or_else(|| panic!("{name} is decoded"));
        assert_eq!(error, StillError::Unsupported((*expected).to_owned()), "{name}");
        assert_eq!(error.to_string(), format!("{expected} cannot be decoded in this process"));
    }
}

#[test]
fn ten_bits_of_h265_are_rounded_to_eight() {
    let path =
        clip("main10-h265", &source("320x240", FRAMES), &encoder(Coding::H265, " -pix_fmt yuv420p10le"));
    let stream = stream(&path, Coding::H265);
    let theirs = decoded(&path, &["-sws_dither", "none", "-pix_fmt", "yuv420p"]);
    let mut decoder = still_decoder(&stream.codec).expect("Main 10");
    decoder.decode(&stream.frames[0]).expect("a keyframe");
    let picture = decoder.take_picture().expect("a picture");
    let same = psnr(&planes(&picture), &theirs[0]);
    assert!(same > 50.0, "{same:.1} dB: rounding and truncation differ by one level");
}

#[test]
fn decoding_can_begin_at_every_keyframe_and_stop_anywhere() {
    let names = ["high-cabac-b", "high-slices", "main-h265", "main-h265-no-b", "main-h265-closed"];
    for (name, size, coding, arguments) in DECODED.iter().filter(|(name, ..)| names.contains(name)) {
        let path = clip(name, &source(size, FRAMES), &encoder(*coding, arguments));
        let (stream, theirs) = (stream(&path, *coding), decoded(&path, &[]));
        let keyframe =
            stream.frames.iter().skip(1).position(|frame| frame.keyframe).expect("a second one") + 1;
        let mut times: Vec<_> = stream.frames.iter().map(|frame| frame.pts).collect();
        times.sort_unstable();
        let mut gop = Gop::new(&stream.codec);
        let mut decoder = still_decoder(&stream.codec).expect("8 bits of 4:2:0");
        let mut compared = 0;
        for frame in &stream.frames[keyframe..] {
            gop.push(frame.clone()).expect("within bounds");
            // As a server does that looks now and then, with time for two pictures.
            if gop.waiting() < 3 {
                continue;
            }
            let mut batch = gop.take(Goal::Newest).expect("frames wait");
            let mut may = 1;
            let decoded = batch.decode(decoder.as_mut(), || {
                may -= 1;
                may >= 0
            });
            let decoded = decoded.unwrap_or_else(|error| panic!("{name}: {error}"));
            gop.put_back(batch);
            let Some(decoded) = decoded else { continue };
            let shown =
                times.iter().position(|&time| time == decoded.pts).expect("its time is that of a frame");
            let same = psnr(&planes(&decoded.picture), &theirs[shown]);
            assert!(same.is_infinite(), "{name}: picture {shown}: {same:.1} dB");
            compared += 1;
        }
        assert!(compared >= 3, "{name}: {compared} pictures compared");
    }
}

#[test]
fn frames_that_nobody_refers_to_are_left_out() {
    for (name, coding, arguments) in [
        ("high-plain-b", Coding::H264, " -bf 3 -b_strategy 0 -x264-params b-pyramid=none"),
        ("main-h265-plain-b", Coding::H265, ":bframes=3:b-adapt=0:b-pyramid=0:open-gop=0"),
    ] {
        let path = clip(name, &source("320x240", FRAMES), &encoder(coding, arguments));
        let stream = stream(&path, coding);
        let mut gop = Gop::new(&stream.codec);
        stream.frames.iter().take(12).for_each(|frame| gop.push(frame.clone()).expect("within bounds"));
        let left = gop.take(Goal::Newest).expect("frames wait").left();
        // Of four frames, three are B-frames.
        assert!((3..=5).contains(&left), "{name}: {left} of 12 frames are decoded");
    }
}

#[test]
fn damage_is_an_error_and_the_next_keyframe_goes_on() {
    for (name, size, coding, arguments) in
        DECODED.iter().filter(|(name, ..)| ["baseline", "main-h265-no-b"].contains(name))
    {
        let path = clip(name, &source(size, FRAMES), &encoder(*coding, arguments));
        let (mut stream, theirs) = (stream(&path, *coding), decoded(&path, &[]));
        let keyframe =
            stream.frames.iter().skip(1).position(|frame| frame.keyframe).expect("a second one") + 1;
        // A frame is lost, and what refers to it comes.
        stream.frames.remove(3);
        let mut decoder = still_decoder(&stream.codec).expect("8 bits of 4:2:0");
        for frame in &stream.frames[..keyframe - 1] {
            // Either is right: to see that a picture is missing, or to do with another one.
            match decoder.decode(frame) {
                Ok(()) | Err(StillError::Damaged(_)) => {}
                Err(error @ StillError::Unsupported(_)) => panic!("{name}: {error}"),
            }
        }
        decoder.decode(&stream.frames[keyframe - 1]).unwrap_or_else(|error| panic!("{name}: {error}"));
        let picture = decoder.take_picture().expect("a picture");
        assert_eq!(planes(&picture), theirs[keyframe], "{name}: the keyframe after it");
    }
}

#[test]
fn scaled_and_turned_pictures_are_those_of_ffmpeg() {
    let path = clip("high-1080p", &source("1920x1080", 2), &encoder(Coding::H264, " -preset veryfast -bf 0"));
    let stream = stream(&path, Coding::H264);
    let mut decoder = still_decoder(&stream.codec).expect("High profile");
    decoder.decode(&stream.frames[0]).expect("a keyframe");
    let whole = decoder.take_picture().expect("a picture");
    for (degrees, filter) in [(90, "transpose=1"), (180, "transpose=1,transpose=1"), (270, "transpose=2")] {
        let turn = yeoul_transcode::Turn::from_degrees(degrees).expect("a quarter");
        let theirs = decoded(&path, &["-vf", filter, "-frames:v", "1"]);
        assert!(planes(&whole.clone().turned(turn)) == theirs[0], "{degrees} degrees");
    }
    for size in [Size::new(640, 360), Size::new(426, 240), Size::new(2560, 1440)] {
        let filter = format!("scale={}:{}:flags=bilinear+accurate_rnd", size.width, size.height);
        let theirs = decoded(&path, &["-vf", &filter, "-frames:v", "1"]);
        let ours = whole.scaled(size).expect("within bounds");
        let (luma, chroma) = psnr_of(&ours, &picture(&theirs[0], size, ours.color()));
        assert!(luma > 35.0 && chroma > 35.0, "{size}: luma {luma:.1} dB, chroma {chroma:.1} dB");
    }
}

#[test]
fn colours_become_those_of_jpeg_as_with_ffmpeg() {
    for (matrix, name) in [(Matrix::Bt709, "bt709"), (Matrix::Bt601, "bt601"), (Matrix::Bt2020, "bt2020")] {
        for (range, word) in [(Range::Limited, "tv"), (Range::Full, "pc")] {
            let size = Size::new(320, 240);
            let bars = [
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=320x240,hue=s=0.5,gblur=4,format=yuv420p",
                "-frames:v",
                "1",
            ];
            let raw = ["-f", "rawvideo", "-"];
            let planes = output("ffmpeg", &[&bars[..], &raw].concat(), &[]);
            let ours = picture(&planes, size, Color { range, matrix }).into_jpeg_color();
            let filter = format!(
                "scale=in_range={word}:in_color_matrix={name}:out_range=pc:out_color_matrix=bt601:flags=accurate_rnd+neighbor,\
                 format=yuv420p"
            );
            let input = [
                "-v", "error", "-f", "rawvideo", "-s", "320x240", "-pix_fmt", "yuv420p", "-i", "-", "-vf",
                &filter,
            ];
            // By way of RGB, for swscale converts no matrix between two of YUV otherwise.
            let theirs = output("ffmpeg", &[&input[..], &raw].concat(), &planes);
            let (luma, chroma) = psnr_of(&ours, &picture(&theirs, size, Color::JPEG));
            assert!(luma > 38.0 && chroma > 33.0, "{name} {word}: luma {luma:.1} dB, chroma {chroma:.1} dB");
        }
    }
}
