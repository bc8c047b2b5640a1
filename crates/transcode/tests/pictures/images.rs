//! JPEG images: ours read by ffmpeg, ffmpeg's read here.

use crate::media::output;
use crate::reference::{picture, psnr, psnr_of};
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

/// A plane of `size` with chroma of a sampling, made as small as that of 4:2:0: means of what falls together.
fn halved(plane: &[u8], size: Size, sampling: Sampling) -> Vec<u8> {
    let (width, (wide, high)) = match sampling {
        Sampling::Half => (size.chroma().width, (1, 1)),
        Sampling::HalfWidth => (size.chroma().width, (1, 2)),
        Sampling::Full => (size.width, (2, 2)),
        Sampling::Gray | Sampling::Other => panic!("no chroma that is known"),
    };
    let rows: Vec<&[u8]> = plane.chunks_exact(width).collect();
    let mut out = Vec::new();
    for rows in rows.chunks(high) {
        for x in (0..width).step_by(wide) {
            let block = rows.iter().flat_map(|row| &row[x..(x + wide).min(width)]);
            let (sum, count) =
                block.fold((0, 0), |(sum, count), &sample| (sum + u32::from(sample), count + 1));
            out.push(u8::try_from((sum + count / 2) / count).expect("a mean of bytes"));
        }
    }
    out
}

/// Planes as ffmpeg writes them for a sampling, as a picture of 4:2:0.
fn of_sampling(planes: &[u8], size: Size, sampling: Sampling) -> Picture {
    let (luma, chroma) = planes.split_at(size.pixels());
    let (blue, red) = chroma.split_at(chroma.len() / 2);
    let chroma = [blue, red].map(|plane| halved(plane, size, sampling)).concat();
    picture(&[luma, &chroma].concat(), size, Color::JPEG)
}

#[test]
fn ffmpegs_images_are_read_here_as_well_as_by_ffmpeg() {
    for (format, sampling) in
        [("yuvj420p", Sampling::Half), ("yuvj422p", Sampling::HalfWidth), ("yuvj444p", Sampling::Full)]
    {
        for size in [Size::new(640, 360), Size::new(35, 21), Size::new(48, 33), Size::new(322, 18)] {
            let graph = format!("testsrc2=size=640x360,format={format},{}", crop(size));
            let raw = ["-pix_fmt", format, "-f", "rawvideo", "-"];
            let source = ["-v", "error", "-f", "lavfi", "-i", &graph, "-frames:v", "1"];
            let mjpeg =
                ["-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", format, "-strict", "-1", "-f", "mjpeg", "-"];
            let image = output("ffmpeg", &[&source[..], &mjpeg].concat(), &[]);
            assert_eq!(Header::parse(&image), Ok(Header { size, sampling, progressive: false }), "{format}");
            // What the image was made of, and what ffmpeg finds in it, without a scaler in between.
            let source = of_sampling(&output("ffmpeg", &[&source[..], &raw].concat(), &[]), size, sampling);
            let decode = ["-v", "error", "-f", "mjpeg", "-i", "-"];
            let theirs =
                of_sampling(&output("ffmpeg", &[&decode[..], &raw].concat(), &image), size, sampling);
            let ours = jpeg::decode(&image).unwrap_or_else(|error| panic!("{format} {size}: {error}"));
            let ((our_luma, our_chroma), (luma, chroma)) =
                (psnr_of(&source, &ours), psnr_of(&source, &theirs));
            let told = format!(
                "{format} {size}: luma {our_luma:.2} dB, by ffmpeg {luma:.2}; chroma {our_chroma:.2} dB, by ffmpeg {chroma:.2}"
            );
            eprintln!("{told}");
            assert!(our_luma > luma - 0.5 && our_chroma > chroma - 0.5, "{told}");
        }
    }
}

#[test]
fn grey_images_are_read_here_as_well_as_by_ffmpeg() {
    for size in [Size::new(640, 360), Size::new(35, 21)] {
        let source = test_picture(size);
        let luma = source.planes()[0];
        let (caps, format) = (format!("width={}", size.width), format!("height={}", size.height));
        // ffmpeg writes grey with chroma; the image of libjpeg has one component.
        let input = ["-q", "fdsrc", "!", "rawvideoparse", "format=gray8", &caps, &format, "!"];
        let encoder = ["jpegenc", "quality=90", "!", "fdsink", "fd=1"];
        // A row is 4 bytes or a multiple of that in GStreamer.
        let stride = size.width.next_multiple_of(4);
        let rows: Vec<u8> = luma
            .chunks(size.width)
            .flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0, stride - size.width)))
            .collect();
        let image = output("gst-launch-1.0", &[&input[..], &encoder].concat(), &rows);
        let header = Header { size, sampling: Sampling::Gray, progressive: false };
        assert_eq!(Header::parse(&image), Ok(header));
        let decode = ["-v", "error", "-f", "mjpeg", "-i", "-", "-pix_fmt", "gray", "-f", "rawvideo", "-"];
        let theirs = psnr(luma, &output("ffmpeg", &decode, &image));
        let ours = jpeg::decode(&image).unwrap_or_else(|error| panic!("{size}: {error}"));
        let [our_luma, blue, red] = ours.planes();
        let our = psnr(luma, our_luma);
        eprintln!("grey {size}: luma {our:.2} dB, by ffmpeg {theirs:.2}");
        assert!(our > theirs - 0.5, "grey {size}: luma {our:.2} dB, by ffmpeg {theirs:.2}");
        assert!(blue.iter().chain(red).all(|&sample| sample == 128), "{size}: no colour");
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
