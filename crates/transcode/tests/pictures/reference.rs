//! What ffmpeg makes of the same, and how far two pictures are apart.

use crate::media::{Stream, output};
use std::path::Path;
use yeoul_transcode::{Color, Picture, Size, still_decoder};

/// Pictures of a file in the order they are shown, as planes of 4:2:0 one after the other. `filter` are more arguments.
///
/// They come as YUV4MPEG2, one after the other with what each file says of its size, so that a change of size is seen.
pub(crate) fn decoded(path: &Path, filter: &[&str]) -> Vec<Vec<u8>> {
    let mut arguments = vec!["-v", "fatal", "-autorotate", "0", "-i", path.to_str().expect("a path of ours")];
    arguments.extend(["-map", "0:v:0"]);
    arguments.extend_from_slice(filter);
    // ffmpeg scales to the first size where a stream has several: those of the others then are nobody's.
    arguments.extend(["-fps_mode", "passthrough", "-strict", "-1", "-f", "yuv4mpegpipe", "-"]);
    let file = output("ffmpeg", &arguments, &[]);
    let end = file.iter().position(|&byte| byte == b'\n').expect("a header");
    let header = String::from_utf8_lossy(&file[..end]).into_owned();
    let side = |letter| {
        let word = header.split(' ').find_map(|word| word.strip_prefix(letter));
        word.and_then(|number| number.parse().ok()).expect("a width and a height")
    };
    let length = samples(Size::new(side('W'), side('H')));
    let frames = file[end + 1..].chunks_exact(b"FRAME\n".len() + length);
    assert!(frames.remainder().is_empty(), "{}: whole pictures", path.display());
    frames.map(|frame| frame[b"FRAME\n".len()..].to_vec()).collect()
}

/// Samples of a picture.
pub(crate) fn samples(size: Size) -> usize {
    size.pixels() + 2 * size.chroma().pixels()
}

/// The planes of a picture one after the other.
pub(crate) fn planes(picture: &Picture) -> Vec<u8> {
    picture.planes().concat()
}

/// A picture of planes one after the other.
pub(crate) fn picture(planes: &[u8], size: Size, color: Color) -> Picture {
    let (luma, chroma) = planes.split_at(size.pixels());
    let (blue, red) = chroma.split_at(size.chroma().pixels());
    Picture::new(size, color, [luma.to_vec(), blue.to_vec(), red.to_vec()]).expect("planes of that size")
}

/// How alike two planes are, in dB; infinite if they are the same.
#[expect(clippy::cast_precision_loss, reason = "a few digits are told")]
pub(crate) fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len(), "planes of one size");
    let squares: u64 = a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum();
    10.0 * (255.0f64.powi(2) * a.len() as f64 / squares as f64).log10()
}

/// The PSNR of luma, and the lesser one of the two of chroma.
pub(crate) fn psnr_of(a: &Picture, b: &Picture) -> (f64, f64) {
    let ([a_luma, a_blue, a_red], [b_luma, b_blue, b_red]) = (a.planes(), b.planes());
    (psnr(a_luma, b_luma), psnr(a_blue, b_blue).min(psnr(a_red, b_red)))
}

/// Decodes all frames of a stream and compares each picture with that of ffmpeg at the same place, to the bit.
///
/// Streams without B-frames are shown as they are decoded; the others have times, or (Cisco's) are compared as a set.
pub(crate) fn check_all(name: &str, stream: &Stream, theirs: &[Vec<u8>]) {
    assert_eq!(stream.frames.len(), theirs.len(), "{name}: a picture for each access unit");
    let mut times: Vec<_> = stream.frames.iter().map(|frame| frame.pts).collect();
    times.sort_unstable();
    let mut decoder = still_decoder(&stream.codec).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut left: Vec<&Vec<u8>> = theirs.iter().collect();
    for frame in &stream.frames {
        decoder.decode(frame).unwrap_or_else(|error| panic!("{name}, {frame:?}: {error}"));
        let ours =
            planes(&decoder.take_picture().unwrap_or_else(|| panic!("{name}: no picture of {frame:?}")));
        let shown = times.iter().position(|&time| time == frame.pts).expect("its time is among them");
        if !stream.has_times && stream.has_b_frames {
            let found = left.iter().position(|theirs| **theirs == ours);
            left.swap_remove(
                found.unwrap_or_else(|| panic!("{name}: ffmpeg has no such picture as {frame:?}")),
            );
            continue;
        }
        let same = psnr(&ours, &theirs[shown]);
        assert!(same.is_infinite(), "{name}: picture {shown} differs from ffmpeg's: {same:.1} dB");
    }
}
