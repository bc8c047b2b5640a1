//! What `yeoul probe` prints.

use super::Seen;
use super::meter::Findings;
use serde_json::{Value, json};
use std::fmt::Write;
use yeoul_media::{Codec, Kind};

/// For people.
pub(super) fn text(seen: &Seen) -> String {
    let mut out = String::new();
    let label = &seen.label;
    let server = label.user_agent.as_ref().map(|agent| format!(", {agent}")).unwrap_or_default();
    let connected = seen.connected_in.as_millis();
    let _ = writeln!(
        out,
        "{} from {}{server}; first picture or sound after {connected} ms",
        label.protocol, label.remote
    );
    for (codec, findings) in &seen.tracks {
        let _ = writeln!(out, "\n{}  {codec}{}", codec.kind(), details(codec));
        for line in lines(codec, findings) {
            let _ = writeln!(out, "       {line}");
        }
    }
    if seen.lost_frames > 0 {
        let _ = writeln!(out, "\nthis machine was too slow for {} frames", seen.lost_frames);
    }
    out
}

fn lines(codec: &Codec, findings: &Findings) -> Vec<String> {
    let mut lines = Vec::new();
    let Findings { frames, bytes, keyframes, gaps, jitter_ms, .. } = findings;
    let declared = declared_rate(codec).map(|rate| format!(", {rate:.2} declared")).unwrap_or_default();
    match (findings.frames_per_second, findings.bits_per_second) {
        (Some(rate), Some(bits)) => lines.push(format!("{rate:.2} frames/s{declared}; {}", bit_rate(bits))),
        _ => lines.push(format!("{frames} frames of {bytes} bytes: too few to measure")),
    }
    if codec.kind() == Kind::Video {
        let b_frames = if findings.b_frames { "B-frames" } else { "no B-frames" };
        lines.push(match (findings.gop_frames, findings.gop_seconds) {
            (Some(frames), Some(seconds)) => {
                format!("keyframe every {frames} frames ({seconds:.1} s); {b_frames}")
            }
            _ => format!("{keyframes} keyframes: the GOP is longer than the look; {b_frames}"),
        });
    }
    let mut clock = Vec::new();
    let drift =
        findings.drift.map(|drift| format!("runs {:+.0} ± {:.0} ppm against ours", drift.rate, drift.error));
    clock.extend(drift);
    clock.push(format!("arrivals vary by {jitter_ms:.0} ms"));
    clock.extend(findings.clock_offset_s.map(|offset| format!("wall clock {offset:+.2} s from ours")));
    lines.push(format!("clock: {}", clock.join(", ")));
    lines.push(match gaps {
        0 => "no frame is missing".to_owned(),
        1 => "frames are missing in 1 place".to_owned(),
        gaps => format!("frames are missing in {gaps} places"),
    });
    lines
}

/// For programs.
pub(super) fn json(seen: &Seen) -> String {
    let tracks: Vec<Value> = seen.tracks.iter().map(|(codec, findings)| track(codec, findings)).collect();
    let value = json!({
        "protocol": seen.label.protocol,
        "remote_addr": seen.label.remote,
        "user_agent": seen.label.user_agent,
        "url": seen.label.url,
        "connected_in_ms": u64::try_from(seen.connected_in.as_millis()).unwrap_or(u64::MAX),
        "skipped_frames": seen.lost_frames,
        "tracks": tracks,
    });
    format!("{value:#}\n")
}

fn track(codec: &Codec, findings: &Findings) -> Value {
    let video = codec.kind() == Kind::Video;
    json!({
        "kind": codec.kind().to_string(),
        "codec": codec.name(),
        "codec_string": codec.rfc6381(),
        "profile": codec.profile_name(),
        "width": codec.dimensions().map(|(width, _)| width),
        "height": codec.dimensions().map(|(_, height)| height),
        "sample_rate": codec.sample_rate(),
        "channels": codec.channels(),
        "frames": findings.frames,
        "bytes": findings.bytes,
        "keyframes": findings.keyframes,
        "fps": findings.frames_per_second,
        "declared_fps": declared_rate(codec),
        "bits_per_second": findings.bits_per_second,
        "gop_frames": findings.gop_frames.filter(|_| video),
        "gop_seconds": findings.gop_seconds.filter(|_| video),
        "b_frames": video.then_some(findings.b_frames),
        "clock_drift_ppm": findings.drift.map(|drift| drift.rate),
        "clock_drift_error_ppm": findings.drift.map(|drift| drift.error),
        "clock_offset_seconds": findings.clock_offset_s,
        "jitter_ms": findings.jitter_ms,
        "gaps": findings.gaps,
    })
}

fn bit_rate(bits: f64) -> String {
    if bits >= 1e6 { format!("{:.2} Mbit/s", bits / 1e6) } else { format!("{:.0} kbit/s", bits / 1e3) }
}

/// `, level 4.0 (avc1.640028)`.
fn details(codec: &Codec) -> String {
    let level = match codec {
        Codec::H264(Some(sets)) => Some(f64::from(sets.profile_level_id()[2]) / 10.0),
        // H.265 §A.4: thirty times the level.
        Codec::H265(Some(sets)) => Some(f64::from(sets.profile_tier_level().level) / 30.0),
        Codec::H264(None)
        | Codec::H265(None)
        | Codec::Av1(_)
        | Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Aac(_)
        | Codec::Opus { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Flac(_)
        | Codec::Mp3(_) => None,
    };
    let level = level.map(|level| format!(", level {level:.1}")).unwrap_or_default();
    let string = codec.rfc6381().map(|text| format!(" ({text})")).unwrap_or_default();
    format!("{level}{string}")
}

fn declared_rate(codec: &Codec) -> Option<f64> {
    match codec {
        Codec::H264(sets) => sets.as_ref().and_then(|sets| sets.frame_rate()),
        Codec::H265(_)
        | Codec::Av1(_)
        | Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Aac(_)
        | Codec::Opus { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Flac(_)
        | Codec::Mp3(_) => None,
    }
}
