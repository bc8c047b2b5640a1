//! P13: how long the program takes to its first answer, and how large it is.

use super::rig::{Running, free_ports, serve, wait_for_api};
use super::row::Row;
use anyhow::Result;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

const STARTS: usize = 9;
const SIZE: &str = "stripped binary";

pub(super) fn measure(dist: bool, before: &[Row]) -> Result<Vec<Row>> {
    Ok(vec![start()?, size(dist, before)?])
}

fn start() -> Result<Row> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let [api, rtsp, webrtc, _] = free_ports()?;
        let config = format!(
            "streams: {{cam: 'rtsp://127.0.0.1:9/'}}\napi: {{listen: '127.0.0.1:{api}'}}\n\
             rtsp: {{listen: '127.0.0.1:{rtsp}'}}\nwebrtc: {{listen: '127.0.0.1:{webrtc}'}}\n"
        );
        let mut command = serve(&config, "bench-start")?;
        let began = Instant::now();
        let mut server = Running(command.stdout(Stdio::null()).spawn()?);
        wait_for_api(&mut server, api)?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let (middle, most) = (times.get(STARTS / 2).copied(), times.last().copied().unwrap_or_default());
    let row = Row::new("P13", "start to the first answer of the API, p50", "ms").figure(middle).at_most(50.0);
    Ok(row.note(format!("of {STARTS}, max {most:.0} ms, taskset included")))
}

fn size(dist: bool, before: &[Row]) -> Result<Row> {
    let row = Row::new("P13", SIZE, "MB").at_most(25.0);
    if dist {
        super::cargo(&["build", "--profile", "dist", "--package", "yeoul"])?;
        let bytes = std::fs::metadata(binary())?.len();
        let megabytes = f64::from(u32::try_from(bytes)?) / 1e6;
        return Ok(row.figure(Some(megabytes)).note("profile dist"));
    }
    let known = before.iter().find(|known| known.what == SIZE).and_then(|known| known.figure);
    let note = if known.is_some() { "of the last run with --dist" } else { "not built: --dist does" };
    Ok(row.figure(known).note(note))
}

fn binary() -> PathBuf {
    crate::release_folder().with_file_name("dist").join("yeoul")
}
