//! P8: playlists and segments under as many questions as one core answers, and reloads that wait for a part.

use super::floor;
use super::rig::{Rig, SECONDS, cpu_seconds};
use super::row::Row;
use crate::hls::{blocked_spread, http, playlist};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

const CONNECTIONS: u32 = 16;
const BLOCKED: usize = 1000;
const ROUNDS: usize = 20;
/// How long the first segments may take to be made.
const SEGMENTS_WAIT: Duration = Duration::from_secs(15);

pub(super) fn measure() -> Result<Vec<Row>> {
    let rig = Rig::start(1)?;
    let master = rig.http("cam0/index.m3u8");
    let media = playlist::resolve(&master, playlist::first_uri(&http::get_text(&master)?)?);
    let mut rows = Vec::new();
    let segment = segment_of(&media)?;
    for (what, url) in [("LL-HLS playlist", &media), ("segment", &segment)] {
        let bytes = http::exchange_with(url, true)?.1.len();
        let ours = cost(url, rig.pid())?;
        let (server, port) = floor::serve(bytes)?;
        let least = cost(&format!("http://127.0.0.1:{port}/"), server.0.id())?;
        rows.push(match what {
            "segment" => {
                let of_gb = |us: f64| us * 1e3 / f64::from(u32::try_from(bytes).unwrap_or(u32::MAX));
                let row = Row::new("P8", "segments", "CPU s/GB").figure(Some(of_gb(ours))).at_most(0.45);
                row.floor(Some(of_gb(least))).note(format!("{bytes} bytes each"))
            }
            _ => {
                let row = Row::new("P8", what, "µs a request").figure(Some(ours)).at_most(30.0);
                row.floor(Some(least)).note(format!("{bytes} bytes"))
            }
        });
    }
    let spread = blocked_spread(&media, BLOCKED, ROUNDS)?;
    let row = Row::new("P8", &format!("{BLOCKED} blocked reloads, the last behind the first"), "ms");
    rows.push(row.figure(Some(spread.most_ms)).at_most(20.0).note(format!("p99 {:.1} ms", spread.p99_ms)));
    Ok(rows)
}

/// µs of CPU of the process `pid` for an answer.
fn cost(url: &str, pid: u32) -> Result<f64> {
    let before = cpu_seconds(pid)?;
    let answers = floor::ask(url, CONNECTIONS)?;
    println!("    {:.0} answers a second: {url}", answers / f64::from(SECONDS));
    Ok((cpu_seconds(pid)? - before) * 1e6 / answers)
}

/// The newest whole segment, once there are some.
fn segment_of(media: &str) -> Result<String> {
    let give_up = Instant::now() + SEGMENTS_WAIT;
    while Instant::now() < give_up {
        let text = http::get_text(media)?;
        if let Some(uri) = playlist::last_segment(&text) {
            return Ok(playlist::resolve(media, uri));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    bail!("{media} has no segment after {SEGMENTS_WAIT:?}");
}
