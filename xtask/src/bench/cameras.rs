//! P10: many cameras in, nobody who watches.

use super::rig::{Rig, SECONDS, SETTLE, cpu_seconds, rss_mib};
use super::row::Row;
use anyhow::Result;
use std::time::Duration;

const CAMERAS: usize = 200;

pub(super) fn measure() -> Result<Vec<Row>> {
    println!("    {CAMERAS} cameras");
    let rig = Rig::start(CAMERAS)?;
    // Nobody watches, but they run on for their linger.
    rig.touch(CAMERAS)?;
    std::thread::sleep(SETTLE);
    let before = cpu_seconds(rig.pid())?;
    std::thread::sleep(Duration::from_secs(u64::from(SECONDS)));
    let cores = (cpu_seconds(rig.pid())? - before) / f64::from(SECONDS);
    let memory = rss_mib(rig.pid())?;
    let row =
        Row::new("P10", &format!("{CAMERAS} cameras of 4 Mbit/s, no readers"), "cores").figure(Some(cores));
    Ok(vec![row.note(format!("{memory:.0} MiB; the goal is half of the better peer, and none runs here"))])
}
