//! P1, P2, P3 and P5: one camera of 4 Mbit/s to many.

use super::cross_check;
use super::floor;
use super::rig::{Loads, doubts, number};
use super::row::Row;
use anyhow::Result;

/// Enough readers that what one of them costs is what counts.
const RTSP_READERS: u32 = 200;
const UDP_READERS: u32 = 300;
const WEBRTC_VIEWERS: [u32; 2] = [60, 200];
const LATENCY_VIEWERS: u32 = 100;

pub(super) fn rtsp_tcp(loads: &mut Loads) -> Result<Vec<Row>> {
    let what = format!("RTSP over TCP, {RTSP_READERS} readers");
    let report = loads.get("rtsp", RTSP_READERS)?;
    let (figure, doubts) = (number(report, "/server/cpu_us_packet"), doubts(report));
    let row = Row::new("P1", &what, "µs a packet").figure(figure).at_most(0.8).note(doubts);
    let mut rows = vec![row.floor(Some(floor::tcp(RTSP_READERS)?))];
    rows.extend(cross_check::row("P1", "rtsp", RTSP_READERS)?);
    Ok(rows)
}

pub(super) fn rtsp_udp(loads: &mut Loads) -> Result<Vec<Row>> {
    let what = format!("RTSP over UDP, {UDP_READERS} readers");
    let report = loads.get("rtsp-udp", UDP_READERS)?;
    let row = Row::new("P2", &what, "µs a packet").figure(number(report, "/server/cpu_us_packet"));
    let row = row.at_most(2.0).note(doubts(report));
    let lost = Row::new("P2", &format!("lost, {UDP_READERS} readers"), "packets");
    let lost = lost.figure(number(report, "/lost")).at_most(0.0);
    Ok(vec![row.floor(Some(floor::udp(UDP_READERS, false)?)), lost])
}

pub(super) fn webrtc(loads: &mut Loads) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for viewers in WEBRTC_VIEWERS {
        let report = loads.get("whep", viewers)?;
        let row = Row::new("P3", &format!("WebRTC, {viewers} viewers"), "µs a packet");
        let row = row.figure(number(report, "/server/cpu_us_packet")).at_most(2.2).note(doubts(report));
        rows.push(row.floor(Some(floor::udp(viewers, true)?)));
    }
    rows.extend(cross_check::row("P3", "whep", WEBRTC_VIEWERS[0])?);
    Ok(rows)
}

pub(super) fn latency(loads: &mut Loads) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (kind, name) in [("rtsp", "RTSP over TCP"), ("whep", "WebRTC")] {
        let report = loads.get(kind, LATENCY_VIEWERS)?;
        for (percentile, goal) in [("p50", 0.5), ("p99", 3.0)] {
            let what = format!("added latency {percentile}, {LATENCY_VIEWERS} viewers, {name}");
            let figure = number(report, &format!("/added_latency_ms/{percentile}"));
            let mut note = vec![doubts(report)];
            if kind == "whep" {
                note.push("the load's own time to open packets is in it".to_owned());
            }
            note.retain(|doubt| !doubt.is_empty());
            rows.push(Row::new("P5", &what, "ms").figure(figure).at_most(goal).note(note.join("; ")));
        }
    }
    Ok(rows)
}
