//! The parts of command lines by name: go2rtc's names, and those that the configuration adds or changes.

use std::collections::BTreeMap;

/// Parts of command lines by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Templates(BTreeMap<String, String>);

/// What names mean where the configuration says nothing. ffmpeg 5.0 and later.
const DEFAULTS: &[(&str, &str)] = &[
    ("global", "-hide_banner"),
    ("timeout", "5"),
    // Inputs.
    ("file", "-re -i {input}"),
    ("http", "-fflags nobuffer -flags low_delay -i {input}"),
    (
        "rtsp",
        "-fflags nobuffer -flags low_delay -timeout {timeout} -user_agent yeoul/ffmpeg -rtsp_transport tcp -i {input}",
    ),
    (
        "rtsp/udp",
        "-fflags nobuffer -flags low_delay -timeout {timeout} -user_agent yeoul/ffmpeg -rtsp_transport udp -i {input}",
    ),
    // Outputs. Frames of sound are not collected into larger packets, and every packet is written at once.
    ("output", "-user_agent ffmpeg/yeoul -rtsp_transport tcp -f rtsp {output}"),
    (
        "output/mpegts",
        "-muxdelay 0 -muxpreload 0 -omit_video_pes_length 0 -pes_payload_size 0 -flush_packets 1 -f mpegts pipe:1",
    ),
    ("output/mjpeg", "-flush_packets 1 -f mjpeg pipe:1"),
    ("output/aac", "-flush_packets 1 -f adts pipe:1"),
    ("output/wav", "-flush_packets 1 -f wav pipe:1"),
    // Pictures: a keyframe every 50, nothing that makes them wait for others, what every browser decodes.
    (
        "h264",
        "-c:v libx264 -preset:v superfast -tune:v zerolatency -g 50 -profile:v high -level:v 4.1 -pix_fmt:v yuv420p",
    ),
    (
        "h265",
        "-c:v libx265 -preset:v superfast -tune:v zerolatency -g 50 -profile:v main -pix_fmt:v yuv420p -x265-params log-level=error",
    ),
    // RTP carries pictures with the usual Huffman tables only (RFC 2435 §4.1).
    ("mjpeg", "-c:v mjpeg -huffman default -pix_fmt:v yuvj420p -q:v 5"),
    ("h264/vaapi", "-c:v h264_vaapi -g 50 -bf 0 -profile:v high -level:v 4.1 -sei:v 0"),
    ("h265/vaapi", "-c:v hevc_vaapi -g 50 -bf 0 -profile:v main -level:v 5.1 -sei:v 0"),
    ("h264/cuda", "-c:v h264_nvenc -g 50 -bf 0 -profile:v high -preset:v p2 -tune:v ll"),
    ("h265/cuda", "-c:v hevc_nvenc -g 50 -bf 0 -profile:v main -preset:v p2 -tune:v ll"),
    ("h264/v4l2m2m", "-c:v h264_v4l2m2m -g 50 -bf 0 -pix_fmt:v yuv420p"),
    ("h265/v4l2m2m", "-c:v hevc_v4l2m2m -g 50 -bf 0 -pix_fmt:v yuv420p"),
    ("h264/rkmpp", "-c:v h264_rkmpp -g 50 -bf 0 -profile:v high -level:v 4.1"),
    ("h265/rkmpp", "-c:v hevc_rkmpp -g 50 -bf 0 -profile:v main -level:v 5.1"),
    ("h264/videotoolbox", "-c:v h264_videotoolbox -g 50 -bf 0 -profile:v high -level:v 4.1"),
    ("h265/videotoolbox", "-c:v hevc_videotoolbox -g 50 -bf 0 -profile:v main"),
    // Sound.
    ("opus", "-c:a libopus -application:a lowdelay -frame_duration 20"),
    ("opus/16000", "-c:a libopus -application:a lowdelay -ar:a 16000 -ac:a 1"),
    ("aac", "-c:a aac"),
    ("aac/16000", "-c:a aac -ar:a 16000 -ac:a 1"),
    ("mp3", "-c:a libmp3lame -q:a 8"),
    ("pcmu", "-c:a pcm_mulaw -ar:a 8000 -ac:a 1"),
    ("pcmu/8000", "-c:a pcm_mulaw -ar:a 8000 -ac:a 1"),
    ("pcmu/16000", "-c:a pcm_mulaw -ar:a 16000 -ac:a 1"),
    ("pcmu/48000", "-c:a pcm_mulaw -ar:a 48000 -ac:a 1"),
    ("pcma", "-c:a pcm_alaw -ar:a 8000 -ac:a 1"),
    ("pcma/8000", "-c:a pcm_alaw -ar:a 8000 -ac:a 1"),
    ("pcma/16000", "-c:a pcm_alaw -ar:a 16000 -ac:a 1"),
    ("pcma/48000", "-c:a pcm_alaw -ar:a 48000 -ac:a 1"),
    ("pcm", "-c:a pcm_s16le -ar:a 8000 -ac:a 1"),
    ("pcm/8000", "-c:a pcm_s16le -ar:a 8000 -ac:a 1"),
    ("pcm/16000", "-c:a pcm_s16le -ar:a 16000 -ac:a 1"),
    ("pcm/48000", "-c:a pcm_s16le -ar:a 48000 -ac:a 1"),
    ("pcml", "-c:a pcm_s16le -ar:a 8000 -ac:a 1"),
    ("pcml/8000", "-c:a pcm_s16le -ar:a 8000 -ac:a 1"),
    ("pcml/16000", "-c:a pcm_s16le -ar:a 16000 -ac:a 1"),
    ("pcml/44100", "-c:a pcm_s16le -ar:a 44100 -ac:a 1"),
    ("pcml/48000", "-c:a pcm_s16le -ar:a 48000 -ac:a 1"),
];

/// Whether this is the name of a codec's default template.
pub(super) fn is_preset(name: &str) -> bool {
    DEFAULTS.iter().any(|(known, text)| *known == name && text.starts_with("-c:"))
}

impl Templates {
    /// Adds a template, or takes the place of one.
    pub fn set(&mut self, name: &str, text: &str) {
        self.0.insert(name.to_owned(), text.to_owned());
    }

    /// Whether the configuration has one of this name.
    #[must_use]
    pub fn has_own(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The text of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        let default =
            || DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
        self.0.get(name).cloned().or_else(default)
    }
}
