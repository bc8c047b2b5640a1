//! What a load found: as JSON for programs, as lines for people.

use super::histogram::Histogram;
use super::process::Usage;
use super::tally::{Counts, Tally};
use super::target::{Kind, Target};
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Duration;

/// What was read at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    pub(super) counts: Counts,
    pub(super) server: Usage,
    pub(super) own: Usage,
}

/// What a report is made of.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    pub(super) target: &'a Target,
    pub(super) wanted: u64,
    pub(super) tally: &'a Tally,
    pub(super) window: Duration,
    /// Before the first viewer, at the beginning and at the end of the window.
    pub(super) before: Reading,
    pub(super) from: Reading,
    pub(super) to: Reading,
    /// The server's processes, if they are named.
    pub(super) pids: &'a [u32],
    pub(super) interrupted: bool,
}

/// The report. Names and units are part of the interface; what cannot be known is `null`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    kind: &'static str,
    url: String,
    viewers: Viewers,
    /// Length of the window that was measured.
    seconds: f64,
    /// Ended by Ctrl-C.
    interrupted: bool,
    mbit_s: f64,
    frames_s_viewer: Option<f64>,
    packets: Option<u64>,
    lost: Option<u64>,
    requests: Option<u64>,
    /// Of the whole run.
    stalls: u64,
    first_media_ms: Option<Spread>,
    first_keyframe_ms: Option<Spread>,
    added_latency_ms: Option<Latency>,
    server: Option<Server>,
    generator: Generator,
}

#[derive(Debug, Serialize)]
struct Viewers {
    wanted: u64,
    playing: u64,
    failed: u64,
    reasons: Vec<Reason>,
}

#[derive(Debug, Serialize)]
struct Reason {
    viewers: u64,
    reason: String,
}

#[derive(Debug, Serialize)]
struct Spread {
    p50: f64,
    p95: f64,
    max: f64,
}

#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p99: f64,
    max: f64,
    frames: u64,
}

#[derive(Debug, Serialize)]
struct Server {
    pids: Vec<u32>,
    cpu_s: f64,
    cores: f64,
    cpu_us_packet: Option<f64>,
    cpu_us_request: Option<f64>,
    cpu_s_gb: Option<f64>,
    rss_kib_before: u64,
    rss_kib: u64,
    rss_kib_viewer: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Generator {
    cores: f64,
    /// It may have been the limit itself.
    busy: bool,
}

/// The generator had no time to spare above this share of the cores that it may use.
const BUSY: f64 = 0.9;

fn spread(times: &Histogram) -> Option<Spread> {
    let [p50, p95] = [50, 95].map(|percent| times.percentile_ms(percent));
    Some(Spread { p50: p50?, p95: p95?, max: times.most_ms()? })
}

fn latency(times: &Histogram) -> Option<Latency> {
    let [p50, p99] = [50, 99].map(|percent| times.percentile_ms(percent));
    Some(Latency { p50: p50?, p99: p99?, max: times.most_ms()?, frames: times.count() })
}

/// Not more digits than a measurement has.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// `value` for each of `count`; nothing for none.
fn each(value: f64, count: u64) -> Option<f64> {
    (count > 0).then(|| rounded(value / float(count)))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

impl Report {
    pub(super) fn new(findings: &Findings<'_>) -> Self {
        let Findings { target, tally, from, to, .. } = findings;
        let kind = target.kind();
        let counts = to.counts.since(from.counts);
        let seconds = findings.window.as_secs_f64().max(1e-3);
        let playing = tally.playing();
        let reasons = tally.reasons().into_iter().map(|(reason, viewers)| Reason { viewers, reason });
        let own = (to.own.cpu_s - from.own.cpu_s) / seconds;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // Only these tell frames: packets by their marker, other media by a clock in each.
        let has_frames = kind.has_packets() || counts.frames > 0;
        Self {
            kind: kind.name(),
            url: target.to_string(),
            viewers: Viewers {
                wanted: findings.wanted,
                playing,
                failed: tally.failed(),
                reasons: reasons.collect(),
            },
            seconds: rounded(seconds),
            interrupted: findings.interrupted,
            mbit_s: rounded(float(counts.bytes) * 8.0 / 1e6 / seconds),
            frames_s_viewer: each(float(counts.frames) / seconds, playing).filter(|_| has_frames),
            packets: kind.has_packets().then_some(counts.packets),
            lost: kind.has_packets().then_some(counts.lost),
            requests: (kind == Kind::Hls).then_some(counts.requests),
            stalls: to.counts.stalls,
            first_media_ms: spread(&tally.first_media),
            first_keyframe_ms: spread(&tally.first_keyframe),
            added_latency_ms: latency(&tally.latency),
            server: (!findings.pids.is_empty()).then(|| Server::new(findings, counts, seconds, playing)),
            generator: Generator {
                cores: rounded(own),
                busy: own > BUSY * float(u64::try_from(cores).unwrap_or(1)),
            },
        }
    }

    /// Whether every viewer played to the end.
    pub(super) fn all_play(&self) -> bool {
        self.viewers.playing == self.viewers.wanted
    }

    pub(super) fn json(&self) -> String {
        // Numbers and texts only: that cannot fail.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| text += &format!("{name:<16} {value}\n");
        let Viewers { wanted, playing, failed, reasons } = &self.viewers;
        line(
            "load",
            format!(
                "{} {}, {:.1} s{}",
                self.kind,
                self.url,
                self.seconds,
                if self.interrupted { ", interrupted" } else { "" }
            ),
        );
        line("viewers", format!("{playing} of {wanted} playing, {failed} failed"));
        for Reason { viewers, reason } in reasons {
            line("", format!("{viewers} failed: {reason}"));
        }
        let frames = self.frames_s_viewer.map(|rate| format!(", {rate:.2} frames a second each"));
        line("delivered", format!("{:.1} Mbit/s{}", self.mbit_s, frames.unwrap_or_default()));
        if let (Some(packets), Some(lost)) = (self.packets, self.lost) {
            line("packets", format!("{packets}, {lost} lost"));
        }
        if let Some(requests) = self.requests {
            line("requests", requests.to_string());
        }
        line("stalls", format!("{} in the whole run", self.stalls));
        for (name, spread) in
            [("first media", &self.first_media_ms), ("first keyframe", &self.first_keyframe_ms)]
        {
            if let Some(Spread { p50, p95, max }) = spread {
                line(name, format!("p50 {p50:.0} ms, p95 {p95:.0} ms, max {max:.0} ms"));
            }
        }
        if let Some(Latency { p50, p99, max, frames }) = &self.added_latency_ms {
            line(
                "added latency",
                format!("p50 {p50:.2} ms, p99 {p99:.2} ms, max {max:.1} ms of {frames} frames"),
            );
        }
        if let Some(server) = &self.server {
            server.describe(line);
        }
        let cores = self.generator.cores;
        let _ = writeln!(text, "{:<16} {cores:.2} cores", "this generator");
        if self.generator.busy {
            text +=
                "The generator used nearly all that it may: the figures show its limit, not the server's.\n";
        }
        text
    }
}

impl Server {
    fn new(findings: &Findings<'_>, counts: Counts, seconds: f64, playing: u64) -> Self {
        let Findings { before, from, to, pids, .. } = findings;
        let cpu_s = to.server.cpu_s - from.server.cpu_s;
        let grown = float(to.server.rss_kib) - float(before.server.rss_kib);
        Self {
            pids: pids.to_vec(),
            cpu_s: rounded(cpu_s),
            cores: rounded(cpu_s / seconds),
            cpu_us_packet: each(cpu_s * 1e6, counts.packets),
            cpu_us_request: each(cpu_s * 1e6, counts.requests),
            cpu_s_gb: each(cpu_s * 1e9, counts.bytes),
            rss_kib_before: before.server.rss_kib,
            rss_kib: to.server.rss_kib,
            rss_kib_viewer: each(grown, playing),
        }
    }

    fn describe(&self, mut line: impl FnMut(&str, String)) {
        let mut cpu = format!("{:.2} cores", self.cores);
        for (value, unit) in [
            (self.cpu_us_packet, "µs a packet"),
            (self.cpu_us_request, "µs a request"),
            (self.cpu_s_gb, "s/GB"),
        ] {
            let _ = value.map(|value| write!(cpu, ", {value:.2} {unit}"));
        }
        line("server CPU", cpu);
        let each = self.rss_kib_viewer.map(|each| format!(", {each:.1} KiB a viewer")).unwrap_or_default();
        let mib = |kib: u64| float(kib) / 1024.0;
        line(
            "server memory",
            format!("{:.1} MiB, before {:.1} MiB{each}", mib(self.rss_kib), mib(self.rss_kib_before)),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{Findings, Reading, Report};
    use crate::load::process::Usage;
    use crate::load::tally::{Counts, Seat, Tally};
    use crate::load::target::Target;
    use std::sync::Arc;
    use std::time::Duration;
    use yeoul_testkit::epoch;

    /// Two viewers of ten seconds, one that failed.
    fn report(url: &str) -> Report {
        let tally = Arc::new(Tally::default());
        let counts =
            Counts { bytes: 10_000_000, packets: 8_000, frames: 500, lost: 3, requests: 100, stalls: 1 };
        let mut seats = [(); 3].map(|()| Seat::new(Arc::clone(&tally), epoch()));
        for seat in &mut seats[..2] {
            seat.media(epoch() + Duration::from_millis(40), Counts::default());
        }
        let [first, second, third] = seats;
        third.failed("the server answers DESCRIBE with 404 Not Found");
        let usage = |cpu_s, rss_kib| Usage { cpu_s, rss_kib };
        let report = Report::new(&Findings {
            target: &Target::parse(url, None).expect("a target"),
            wanted: 3,
            tally: &tally,
            window: Duration::from_secs(10),
            before: Reading { server: usage(1.0, 10_000), ..Reading::default() },
            from: Reading { server: usage(2.0, 10_100), ..Reading::default() },
            to: Reading { counts, server: usage(2.4, 10_032), own: usage(50.0, 0) },
            pids: &[7],
            interrupted: false,
        });
        drop((first, second));
        report
    }

    #[test]
    fn the_json_has_what_was_measured_and_null_for_the_rest() {
        let json: serde_json::Value =
            serde_json::from_str(&report("rtsp://u:secret@host/cam").json()).expect("JSON");
        let expected = serde_json::json!({
            "kind": "rtsp", "url": "rtsp://u:***@host/cam",
            "viewers": {"wanted": 3, "playing": 2, "failed": 1, "reasons": [
                {"viewers": 1, "reason": "the server answers DESCRIBE with 404 Not Found"}]},
            "seconds": 10.0, "interrupted": false, "mbit_s": 8.0, "frames_s_viewer": 25.0,
            "packets": 8000, "lost": 3, "requests": null, "stalls": 1,
            "first_media_ms": {"p50": 40.0, "p95": 40.0, "max": 40.0}, "first_keyframe_ms": null, "added_latency_ms": null,
            "server": {"pids": [7], "cpu_s": 0.4, "cores": 0.04, "cpu_us_packet": 50.0, "cpu_us_request": 4000.0,
                "cpu_s_gb": 40.0, "rss_kib_before": 10000, "rss_kib": 10032, "rss_kib_viewer": 16.0},
            "generator": {"cores": 5.0, "busy": json["generator"]["busy"]},
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn people_read_sentences() {
        let text = report("http://host/cam/index.m3u8").text();
        for part in [
            "2 of 3 playing, 1 failed\n",
            "1 failed: the server answers",
            "8.0 Mbit/s, 25.00 frames",
            "requests         100\n",
            "16.0 KiB a viewer",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        assert!(!text.contains("packets"), "HLS has none:\n{text}");
    }
}
