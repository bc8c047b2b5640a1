//! P4: memory of the server, idle and for each reader and viewer.

use super::rig::{Loads, Running, SETTLE, doubts, free_ports, number, rss_mib, serve, wait_for_api};
use super::row::Row;
use anyhow::Result;

/// What a stream and its first viewers share is in both: the difference is the viewers' own.
const FEW: u32 = 20;
const MANY: u32 = 200;
const RSS: &str = "/server/rss_kib";

pub(super) fn measure(loads: &mut Loads) -> Result<Vec<Row>> {
    let mut rows = vec![Row::new("P4", "idle", "MiB").figure(Some(idle()?)).at_most(12.0)];
    for (kind, name, goal) in [("rtsp", "an RTSP reader", 16.0), ("whep", "a WebRTC viewer", 64.0)] {
        let few = number(loads.get(kind, FEW)?, RSS);
        let report = loads.get(kind, MANY)?;
        let each = number(report, RSS).zip(few).map(|(many, few)| (many - few) / f64::from(MANY - FEW));
        let row = Row::new("P4", &format!("{name}, {MANY} against {FEW}"), "KiB");
        rows.push(row.figure(each).at_most(goal).note(doubts(report)));
    }
    Ok(rows)
}

/// A server that listens everywhere and has nothing to do.
fn idle() -> Result<f64> {
    let [api, rtsp, webrtc, _] = free_ports()?;
    let config = format!(
        "api: {{listen: '127.0.0.1:{api}'}}\nrtsp: {{listen: '127.0.0.1:{rtsp}'}}\n\
         webrtc: {{listen: '127.0.0.1:{webrtc}'}}\n"
    );
    let mut server = Running(serve(&config, "bench-idle")?.stdout(std::process::Stdio::null()).spawn()?);
    wait_for_api(&mut server, api)?;
    std::thread::sleep(SETTLE);
    rss_mib(server.0.id())
}
