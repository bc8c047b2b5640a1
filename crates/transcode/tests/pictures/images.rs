//! JPEG images: ours read by ffmpeg, ffmpeg's read here.

use crate::media::output;
use crate::reference::{picture, psnr_of};
use yeoul_transcode::jpeg::{self, Header, Quality, Sampling};
use yeoul_transcode::{Color, Picture, Size};

/// The filter that cuts a size out, odd ones too.
fn crop(size: Size) -> String {
    format!("crop={}:{}:0:0:exact=1", size.width, size.height)
}

/// A picture of ffmpeg's, in JPEG's colours.
fn test_picture(size: Size) -> Picture {
    let graph = format!("testsrc2=size=1920x1088,format=yuvj420p,{}", crop(size));
    let planes = output(
        "ffmpeg",
        &["-v", "error", "-f", "lavfi", "-i", &graph, "-frames:v", "1", "-f", "rawvideo", "-"],
        &[],
    );
    picture(&planes, size, Color::JPEG)
}

/// What ffmpeg finds in a JPEG image.
fn read(image: &[u8], size: Size) -> Picture {
    let arguments = ["-v", "error", "-f", "mjpeg", "-i", "-", "-pix_fmt", "yuvj420p", "-f", "rawvideo", "-"];
    picture(&output("ffmpeg", &arguments, image), size, Color::JPEG)
}

#[test]
fn our_images_are_read_by_ffmpeg() {
    for size in
        [Size::new(640, 360), Size::new(1920, 1080), Size::new(426, 240), Size::new(35, 21), Size::new(1, 1)]
    {
        let whole = test_picture(size);
        let image = jpeg::encode(whole.clone(), Quality::default());
        let header = Header { size, sampling: Sampling::Half, progressive: false };
        assert_eq!(Header::parse(&image), Ok(header));
        let (luma, chroma) = psnr_of(&whole, &read(&image, size));
        assert!(luma > 30.0 && chroma > 29.0, "{size}: luma {luma:.1} dB, chroma {chroma:.1} dB");
    }
}

#[test]
fn quality_is_paid_for_in_bytes() {
    let size = Size::new(640, 360);
    let whole = test_picture(size);
    let images: Vec<_> = [20, 50, 80, 95]
        .map(|quality| jpeg::encode(whole.clone(), Quality::new(quality).expect("1 to 100")))
        .into();
    assert!(images.is_sorted_by(|a, b| a.len() < b.len()));
    let alike: Vec<_> = images.iter().map(|image| psnr_of(&whole, &read(image, size)).0).collect();
    assert!(alike.is_sorted_by(|a, b| a < b) && alike[3] > 40.0, "{alike:?} dB");
}

#[test]
fn the_lower_edge_keeps_its_colour() {
    // 1080 rows are no whole number of blocks: what is coded below the picture must not shine into it.
    for height in [1080, 1081, 18, 17] {
        let size = Size::new(64, height);
        let (luma, chroma) = (vec![90; size.pixels()], size.chroma().pixels());
        let whole =
            Picture::new(size, Color::JPEG, [luma, vec![60; chroma], vec![200; chroma]]).expect("planes");
        let image = jpeg::encode(whole.clone(), Quality::default());
        for read in [read(&image, size), jpeg::decode(&image).expect("ours")] {
            for (ours, theirs) in whole.planes().iter().zip(read.planes()) {
                let worst = ours.iter().zip(theirs).map(|(&a, &b)| a.abs_diff(b)).max();
                assert!(worst <= Some(3), "{size}: a sample is off by {worst:?}");
            }
        }
    }
}

#[test]
fn ffmpegs_images_are_read_here() {
    for (format, sampling) in
        [("yuvj420p", Sampling::Half), ("yuvj422p", Sampling::HalfWidth), ("yuvj444p", Sampling::Full)]
    {
        for size in [Size::new(640, 360), Size::new(35, 21)] {
            let graph = format!("testsrc2=size=640x360,format={format},{}", crop(size));
            let mut arguments = vec!["-v", "error", "-f", "lavfi", "-i", &graph, "-frames:v", "1"];
            arguments.extend(["-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", format]);
            arguments.extend(["-strict", "-1", "-f", "mjpeg", "-"]);
            let image = output("ffmpeg", &arguments, &[]);
            assert_eq!(Header::parse(&image), Ok(Header { size, sampling, progressive: false }), "{format}");
            let ours = jpeg::decode(&image).unwrap_or_else(|error| panic!("{format} {size}: {error}"));
            let (luma, chroma) = psnr_of(&ours, &read(&image, size));
            // Chroma is interpolated in different ways before it is made half as large again.
            assert!(
                luma > 45.0 && chroma > 25.0,
                "{format} {size}: luma {luma:.1} dB, chroma {chroma:.1} dB"
            );
        }
    }
}

#[test]
fn an_image_that_is_cut_off_is_grey_where_it_ends() {
    let size = Size::new(320, 240);
    let image = jpeg::encode(test_picture(size), Quality::default());
    let cut = jpeg::decode(&image[..image.len() / 2]).expect("the upper half");
    assert_eq!(cut.size(), size);
    assert!(jpeg::decode(&image[..100]).is_err());
}
