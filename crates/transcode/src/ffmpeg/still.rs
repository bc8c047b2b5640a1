//! Pictures of codings that are not decoded in this process: frames in on standard input, pictures out on standard output.
//!
//! Pictures come as planes rather than as JPEG images: one decoding serves every size, turn and quality that is asked for.

use super::FrameWriter;

/// Pixels of a picture that ffmpeg may decode: level 6.2 of H.265, 8K.
const MAX_PIXELS: &str = "35651584";

/// Larger pictures than are handled here come smaller ([`crate::Size::is_within_bounds`]); 8 bits of 4:2:0, whatever they were.
const FIT: &str = "scale=w=min(iw\\,4096):h=min(ih\\,2304):force_original_aspect_ratio=decrease:force_divisible_by=2,\
                   format=pix_fmts=yuv420p|yuvj420p";

/// The arguments of an ffmpeg that reads what `writer` writes from its standard input, and writes every picture to its standard
/// output as YUV4MPEG2 ([`crate::y4m`]): of H.264 one picture later, of everything else at once.
#[must_use]
pub fn still(writer: &FrameWriter) -> Vec<String> {
    let mut arguments = vec!["-hide_banner", "-nostdin", "-loglevel", "error"];
    // One frame in, one picture out: no threads that hold frames, no looking ahead for what is known. `low_delay` is not among
    // these: B-frames would come in the wrong order.
    arguments.extend([
        "-threads",
        "1",
        "-probesize",
        "32",
        "-analyzeduration",
        "0",
        "-max_pixels",
        MAX_PIXELS,
    ]);
    arguments.extend(["-f", writer.format(), "-i", "pipe:0", "-an", "-sn", "-dn"]);
    // Fields exist in H.264 only. Making one picture of two takes a look at the next.
    let filter =
        if writer.format() == "h264" { format!("yadif=deint=interlaced,{FIT}") } else { FIT.to_owned() };
    arguments.extend(["-vf", &filter, "-fps_mode", "passthrough", "-f", "yuv4mpegpipe", "pipe:1"]);
    arguments.into_iter().map(str::to_owned).collect()
}
