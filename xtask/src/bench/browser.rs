//! P6, P7 and P9: what Chromium sees. The script `web/bench/goals.mjs` measures and prints JSON.

use super::rig::{Rig, SETTLE, doubts, number, yeoul};
use super::row::Row;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::process::{Command, Stdio};

pub(super) fn webrtc() -> Result<Vec<Row>> {
    let seen = ask("webrtc")?;
    let row = |what: &str, path: &str| Row::new("P6", what, "ms").figure(number(&seen, path));
    let first = "POST to the first decoded frame, GOP 10 s,";
    Ok(vec![
        row(&format!("{first} p50"), "/first_ms/p50").at_most(250.0),
        row(&format!("{first} p95"), "/first_ms/p95").at_most(500.0),
        row("POST to live, 720p, p95", "/live_ms/p95").at_most(2000.0).note(joins(&seen)),
    ])
}

pub(super) fn first_pictures() -> Result<Vec<Row>> {
    const READERS: u32 = 20;
    println!("    {READERS} viewers, rtsp");
    let rig = Rig::of_clip("1080p25-gop10", 1)?;
    rig.touch(1)?;
    std::thread::sleep(SETTLE);
    let report = rig.load("rtsp", READERS)?;
    drop(rig);
    let rtsp = Row::new("P7", "first keyframe over RTSP, GOP 10 s, p95", "ms").note(doubts(&report));
    let mse = Row::new("P7", "first picture by MSE over WebSocket", "ms").at_most(300.0).note("not built");
    let mut rows = vec![rtsp.figure(number(&report, "/first_keyframe_ms/p95")).at_most(150.0), mse];
    let hls = Row::new("P7", "first picture of LL-HLS in hls.js, GOP 10 s, p50", "ms").at_most(700.0);
    rows.push(match ask("hls-join") {
        Ok(seen) => hls.figure(number(&seen, "/first_ms/p50")).note(joins(&seen)),
        Err(error) => hls.note(format!("{error:#}")),
    });
    Ok(rows)
}

pub(super) fn hls() -> Result<Vec<Row>> {
    let seen = ask("hls-latency")?;
    let row =
        |what: &str, path: &str| Row::new("P9", what, "s").figure(number(&seen, path).map(|ms| ms / 1e3));
    Ok(vec![
        row("LL-HLS behind the camera in hls.js, parts of 200 ms, p50", "/behind_ms/p50").at_most(1.0),
        row("LL-HLS, first picture", "/first_ms/p50").at_most(0.7),
    ])
}

fn joins(seen: &Value) -> String {
    number(seen, "/joins").map(|count| format!("of {count:.0} joins")).unwrap_or_default()
}

/// Runs one part of the script; its last line is JSON.
fn ask(part: &str) -> Result<Value> {
    println!("    Chromium: {part}");
    let web = crate::root().join("web");
    if !web.join("node_modules").is_dir() {
        bail!("web/node_modules is missing: npm --prefix web ci");
    }
    let mut node = Command::new("node");
    node.current_dir(&web).args(["bench/goals.mjs", part]).env("YEOUL_BIN", yeoul()).stderr(Stdio::piped());
    let output = node.output().context("node cannot be started")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).map_err(|_| {
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let why = errors.lines().find(|line| line.contains("Error")).unwrap_or("it printed nothing");
        anyhow::anyhow!("web/bench/goals.mjs {part}: {}", why.trim())
    })
}
