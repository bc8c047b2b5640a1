//! P10: many cameras in, nobody who watches.

use super::floor;
use super::rig::{Rig, SECONDS, SETTLE, cpu_seconds, rss_mib};
use super::row::Row;
use anyhow::Result;
use std::time::Duration;

const CAMERAS: u32 = 200;

pub(super) fn measure() -> Result<Vec<Row>> {
    println!("    {CAMERAS} cameras");
    let streams = usize::try_from(CAMERAS)?;
    let rig = Rig::start(streams)?;
    // Nobody watches, but they run on for their linger.
    rig.touch(streams)?;
    std::thread::sleep(SETTLE);
    let before = cpu_seconds(rig.pid())?;
    std::thread::sleep(Duration::from_secs(u64::from(SECONDS)));
    let cores = (cpu_seconds(rig.pid())? - before) / f64::from(SECONDS);
    let memory = rss_mib(rig.pid())?;
    let row =
        Row::new("P10", &format!("{CAMERAS} cameras of 4 Mbit/s, no readers"), "cores").figure(Some(cores));
    drop(rig);
    let row = row.floor(Some(floor::receive(CAMERAS)?));
    Ok(vec![row.note(format!("{memory:.0} MiB; the goal is half of the better peer, and none runs here"))])
}
