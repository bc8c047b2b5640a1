//! A load from its first viewer to its report.

use super::process::Usage;
use super::report::{Findings, Reading, Report};
use super::tally::{Seat, Tally};
use super::target::Target;
use super::{body, hls, rtsp, whep};
use crate::limits::{LOAD_END_WAIT, LOAD_JOIN_WAIT, LOAD_PROGRESS_INTERVAL};
use std::future::Future;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// What to do.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) target: Target,
    pub(super) viewers: u32,
    /// Viewers that begin in a second.
    pub(super) ramp: f64,
    /// Between the last viewer's beginning and the window.
    pub(super) warmup: Duration,
    pub(super) window: Duration,
    pub(super) pids: Vec<u32>,
}

/// Runs it; `interrupt` ends it before its time.
///
/// # Errors
/// If a process of [`Plan::pids`] is not there.
pub(super) async fn run(plan: &Plan, interrupt: impl Future) -> Result<Report, String> {
    let load = Load {
        plan,
        tally: Arc::new(Tally::default()),
        end: CancellationToken::new(),
        began: Instant::now(),
    };
    let before = load.reading()?;
    let mut tasks = JoinSet::new();
    // The window, as far as it has come when it is interrupted.
    let mut from = (Instant::now(), before);
    let interrupted = tokio::select! {
        () = load.go(&mut tasks, &mut from) => false,
        _ = interrupt => true,
    };
    load.tally.measure(false);
    let to = load.reading().unwrap_or(Reading { counts: load.tally.counts(), ..from.1 });
    let report = Report::new(&Findings {
        target: &plan.target,
        wanted: u64::from(plan.viewers),
        tally: &load.tally,
        window: from.0.elapsed(),
        before,
        from: from.1,
        to,
        pids: &plan.pids,
        interrupted,
    });
    load.end.cancel();
    // Those who do not say goodbye in time are cut off with the set.
    let _ = timeout(LOAD_END_WAIT, async { while tasks.join_next().await.is_some() {} }).await;
    Ok(report)
}

struct Load<'a> {
    plan: &'a Plan,
    tally: Arc<Tally>,
    end: CancellationToken,
    began: Instant,
}

impl Load<'_> {
    fn reading(&self) -> Result<Reading, String> {
        let server = Usage::of(&self.plan.pids)?;
        Ok(Reading { counts: self.tally.counts(), server, own: Usage::own() })
    }

    /// Lets the viewers begin, waits until all have a picture or have failed, and measures.
    async fn go(&self, tasks: &mut JoinSet<()>, from: &mut (Instant, Reading)) {
        let joined = async {
            self.start(tasks).await;
            self.all_decided().await;
            sleep(self.plan.warmup).await;
            if let Ok(reading) = self.reading() {
                *from = (Instant::now(), reading);
            }
            self.tally.measure(true);
            sleep(self.plan.window).await;
        };
        tokio::select! {
            () = joined => {}
            () = self.tell_progress() => {}
        }
    }

    async fn start(&self, tasks: &mut JoinSet<()>) {
        let mut pace = interval(Duration::from_secs_f64(1.0 / self.plan.ramp));
        for _ in 0..self.plan.viewers {
            pace.tick().await;
            let (target, tally, end) = (self.plan.target.clone(), Arc::clone(&self.tally), self.end.clone());
            tasks.spawn(async move { watch(&target, tally, &end).await });
        }
    }

    async fn all_decided(&self) {
        let give_up = Instant::now() + LOAD_JOIN_WAIT;
        let mut looks = interval(Duration::from_millis(50));
        let wanted = u64::from(self.plan.viewers);
        while self.tally.playing() + self.tally.failed() < wanted && Instant::now() < give_up {
            looks.tick().await;
        }
    }

    /// A line that is written over, once a second, where somebody sees it. Never ends.
    async fn tell_progress(&self) {
        let mut seconds = interval(LOAD_PROGRESS_INTERVAL);
        let mut last = self.tally.counts();
        let mut line = Line::default();
        seconds.tick().await;
        loop {
            seconds.tick().await;
            let counts = self.tally.counts();
            let new = counts.since(last);
            last = counts;
            line.show(&format!(
                "{:>4} s  {} of {} playing, {} failed  {} Mbit/s  {} lost  {} stalls",
                self.began.elapsed().as_secs(),
                self.tally.playing(),
                self.plan.viewers,
                self.tally.failed(),
                new.bytes * 8 / 1_000_000,
                counts.lost,
                counts.stalls
            ));
        }
    }
}

/// One viewer, from its beginning to its end.
async fn watch(target: &Target, tally: Arc<Tally>, end: &CancellationToken) {
    let mut seat = Seat::new(tally, Instant::now());
    let watched = match target {
        Target::Rtsp(url, lower) => rtsp::watch(url, *lower, &mut seat, end).await,
        Target::Whep(url) => whep::watch(url, &mut seat, end).await,
        Target::Hls(url) => until(end, hls::watch(url, &mut seat)).await,
        Target::Http(url) => until(end, body::watch(url, &mut seat)).await,
    };
    if let Err(reason) = watched {
        seat.failed(&reason);
    }
}

/// A viewer with nobody to say goodbye to.
async fn until(
    end: &CancellationToken,
    watch: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    tokio::select! {
        watched = watch => watched,
        () = end.cancelled() => Ok(()),
    }
}

/// A line on a terminal.
#[derive(Default)]
struct Line {
    shown: bool,
}

impl Line {
    fn show(&mut self, text: &str) {
        let mut stderr = stderr();
        if stderr.is_terminal() {
            // The old one is erased: the new one may be shorter.
            let _ = write!(stderr, "\r\x1b[K{text}").and_then(|()| stderr.flush());
            self.shown = true;
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
