//! A JPEG image of a running stream, asked for once a second: how long it takes, how old it is, and what it costs.
//!
//! The server is on one core; the camera, an ffmpeg that publishes a clip again and again, and the questions are on the other.
//! The server cannot start ffmpeg: what it answers, it has decoded itself.

use crate::bench::Row;
use crate::bench::rig::{Running, cpu_seconds, free_ports, make_clip, on_core, wait_for_api};
use crate::hls::http;
use crate::release_folder;
use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// 1080p at 25 pictures a second and 4 Mbit/s, of short and of long GOPs.
const CLIPS: [&str; 2] = ["1080p25-gop1", "1080p25-gop10"];
/// What is asked for: any recent picture, one of which another size is made, and the newest there is.
const QUERIES: [&str; 3] = ["src=cam", "src=cam&width=640", "src=cam&cache=0"];
const QUESTIONS: u32 = 40;
const INTERVAL: Duration = Duration::from_secs(1);

/// Asks in every way and prints lines of JSON; true when nothing failed.
pub(crate) fn run() -> Result<bool> {
    for clip in CLIPS {
        for (query, seen) in measure(clip, &QUERIES, QUESTIONS)? {
            println!("{{\"clip\":\"{clip}\",\"query\":\"{query}\",{}}}", seen.json());
        }
    }
    Ok(true)
}

/// The goal's rows: the newest picture that there is, of short and of long GOPs.
pub(crate) fn rows() -> Result<Vec<Row>> {
    const QUESTIONS: u32 = 15;
    let mut rows = Vec::new();
    for (clip, gop) in CLIPS.into_iter().zip(["1 s", "10 s"]) {
        for (query, seen) in measure(clip, &["src=cam&cache=0"], QUESTIONS)? {
            let what = format!("JPEG of 1080p, GOP {gop}, {}, p50", query.trim_start_matches("src=cam&"));
            let note = format!("p95 {:.0} ms, age p50 {:.0} ms", seen.p95_ms, seen.age_p50_ms);
            rows.push(Row::new("P11", &what, "ms").figure(Some(seen.p50_ms)).at_most(60.0).note(note));
        }
    }
    Ok(rows)
}

/// How long a server takes that is asked `questions` times in each of these ways.
fn measure<'a>(clip: &str, queries: &[&'a str], questions: u32) -> Result<Vec<(&'a str, Seen)>> {
    let [api, rtsp, _, _] = free_ports()?;
    let config = format!(
        "streams: {{cam: }}\napi: {{listen: '127.0.0.1:{api}'}}\n\
         rtsp: {{listen: '127.0.0.1:{rtsp}'}}\nwebrtc: {{listen: ''}}\nffmpeg: {{bin: /nowhere/ffmpeg}}\n\
         log: {{level: warn}}\n"
    );
    let file = release_folder().join("load-pictures.yaml");
    std::fs::write(&file, config)?;
    let mut server = Running(on_core(0, &release_folder().join("yeoul")).arg("-c").arg(&file).spawn()?);
    wait_for_api(&mut server, api)?;
    // An elementary stream has no times to begin anew at.
    let file = release_folder().join("load-pictures.mp4");
    let mut copy = Command::new("ffmpeg");
    copy.args(["-v", "error", "-y", "-framerate", "25", "-f", "h264", "-i"]).arg(make_clip(clip)?);
    ensure!(
        copy.args(["-c", "copy"]).arg(&file).status().context("ffmpeg")?.success(),
        "ffmpeg copies no clip"
    );
    let mut camera = on_core(1, Path::new("ffmpeg"));
    camera.args(["-v", "error", "-re", "-stream_loop", "-1", "-i"]).arg(&file);
    camera.args(["-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp"]);
    let camera = camera.arg(format!("rtsp://127.0.0.1:{rtsp}/cam")).stdin(Stdio::null()).spawn();
    let _camera = Running(camera.context("ffmpeg")?);
    queries
        .iter()
        .map(|query| {
            let url = format!("http://127.0.0.1:{api}/api/frame.jpeg?{query}");
            Ok((*query, ask(&url, server.0.id(), questions)?))
        })
        .collect()
}

/// Times of answers and ages of pictures.
struct Seen {
    p50_ms: f64,
    p95_ms: f64,
    most_ms: f64,
    age_p50_ms: f64,
    age_p95_ms: f64,
    bytes: usize,
    cores: f64,
}

impl Seen {
    /// As fields of JSON, with how busy the machine is.
    fn json(&self) -> String {
        let Self { p50_ms, p95_ms, most_ms, age_p50_ms, age_p95_ms, bytes, cores } = self;
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default();
        format!(
            "\"p50_ms\":{p50_ms:.1},\"p95_ms\":{p95_ms:.1},\"most_ms\":{most_ms:.1},\"age_p50_ms\":{age_p50_ms},\
             \"age_p95_ms\":{age_p95_ms},\"bytes\":{bytes},\"cores\":{cores:.3},\"load\":{load}"
        )
    }
}

/// Asks again and again, the first time uncounted: the stream begins then.
fn ask(url: &str, pid: u32, questions: u32) -> Result<Seen> {
    http::get(url)?;
    let (mut times, mut ages, mut bytes) = (Vec::new(), Vec::new(), 0);
    let (began, before) = (Instant::now(), cpu_seconds(pid)?);
    for number in 1..=questions {
        std::thread::sleep((began + INTERVAL * number).saturating_duration_since(Instant::now()));
        let asked = Instant::now();
        let (head, image) = http::exchange(url)?;
        times.push(asked.elapsed().as_secs_f64() * 1e3);
        let age = http::field(&head, "x-picture-age-ms").context("no age")?;
        ages.push(age.parse::<f64>()?);
        bytes = image.len();
    }
    let cores = (cpu_seconds(pid)? - before) / began.elapsed().as_secs_f64();
    let [p50_ms, p95_ms, most_ms] = percentiles(&mut times);
    let [age_p50_ms, age_p95_ms, _] = percentiles(&mut ages);
    Ok(Seen { p50_ms, p95_ms, most_ms, age_p50_ms, age_p95_ms, bytes, cores })
}

fn percentiles(values: &mut [f64]) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [50, 95, 100].map(|percent| {
        let at = (values.len() * percent).div_ceil(100);
        values.get(at.saturating_sub(1)).copied().unwrap_or_default()
    })
}
