//! `yeoul probe URL`: looks at a source for some seconds, in the same way as the server would take it.

mod meter;
mod report;

use crate::config::Programs;
use crate::limits::PROBE_CONNECT_WAIT;
use crate::mask::Masker;
use crate::policy::Origin;
use crate::schemes::{self, Means, Source};
use anyhow::{anyhow, bail};
use clap::Args;
use meter::{Findings, Meter};
use std::collections::BTreeMap;
use std::future::pending;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use yeoul_hub::{Consumer, Event, Label, Stream, StreamOptions, Want};
use yeoul_media::{Codec, Kind, TrackId};

/// The arguments of `yeoul probe`.
#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    /// The source, as in `streams` of the configuration
    url: String,

    /// How long to look at it
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was seen.
struct Seen {
    label: Label,
    connected_in: Duration,
    tracks: Vec<(Codec, Findings)>,
    lost_frames: u64,
}

/// Prints what the source sends; a source that cannot be had is an error.
pub(crate) fn run(arguments: &ProbeArgs) -> anyhow::Result<ExitCode> {
    let source = Source::parse(&arguments.url).map_err(|error| anyhow!("{error}"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let seen = runtime.block_on(look(&source, Duration::from_secs(arguments.seconds)));
    let masker = Masker::default();
    let seen = seen.map_err(|error| anyhow!("{}", masker.mask(&error.to_string())))?;
    let text = if arguments.json { report::json(&seen) } else { report::text(&seen) };
    crate::cli::print(&masker.mask(&text));
    Ok(ExitCode::SUCCESS)
}

async fn look(source: &Source, time: Duration) -> anyhow::Result<Seen> {
    let stream = Stream::new("probe", 1, StreamOptions::default());
    let Some(slot) = stream.sources().pop() else { bail!("a stream without a source") };
    let hang_up = CancellationToken::new();
    // Who gives a command on the command line can run it anyway.
    let any = Programs { enabled: true, ..Programs::default() };
    let means = Means { exec: any.clone(), echo: any, ..Means::default() };
    let dial = schemes::dial(source, Origin::Owner, &means, slot.attach(), hang_up.clone());
    tokio::pin!(dial);
    let mut over = None;
    let began = Instant::now();
    // What the source says when it ends; pending for ever once it has said it.
    let mut ended = async |over: &mut Option<String>| match over {
        Some(_) => pending().await,
        None => {
            let text = match dial.as_mut().await {
                Ok(()) => "the source ended the stream".to_owned(),
                Err(error) => error.to_string(),
            };
            *over = Some(text.clone());
            text
        }
    };
    let wants = [Kind::Video, Kind::Audio].map(|kind| Want { all: true, ..Want::any(kind) });
    let mut joining = stream.join(wants.into(), Label::default());
    let consumer = tokio::select! {
        joined = timeout(PROBE_CONNECT_WAIT, joining.ready()) => match joined {
            Ok(joined) => joined?,
            Err(_) => bail!("{source} sent nothing that can be shown within {PROBE_CONNECT_WAIT:?}"),
        },
        text = ended(&mut over) => bail!("{text}"),
    };
    let connected_in = began.elapsed();
    let label =
        stream.snapshot().sources.into_iter().next().and_then(|source| source.label).unwrap_or_default();
    let mut watch = Watch::new(consumer);
    let until = tokio::time::Instant::now() + time;
    tokio::select! {
        () = watch.run() => {}
        () = sleep_until(until) => {}
        // What was seen until then is told all the same.
        _ = ended(&mut over) => {}
    }
    hang_up.cancel();
    if over.is_none() {
        // A camera that does not take our goodbye in time is left without.
        let _ = timeout(crate::limits::SOURCE_STOP_WAIT, ended(&mut over)).await;
    }
    Ok(watch.seen(label, connected_in))
}

/// Counts what comes.
struct Watch {
    consumer: Consumer,
    meters: BTreeMap<TrackId, Meter>,
    lost_frames: u64,
}

impl Watch {
    fn new(consumer: Consumer) -> Self {
        let meters =
            consumer.tracks().iter().map(|track| (track.id, Meter::new(track.codec.clone()))).collect();
        Self { consumer, meters, lost_frames: 0 }
    }

    async fn run(&mut self) {
        loop {
            match self.consumer.next().await {
                Event::Frame(delivery) => {
                    if let Some(meter) = self.meters.get_mut(&delivery.frame.track) {
                        meter.see(&delivery.frame, Instant::now(), SystemTime::now());
                    }
                }
                Event::Skipped { frames } => self.lost_frames += frames,
                Event::TracksChanged | Event::Ended => return,
            }
        }
    }

    fn seen(self, label: Label, connected_in: Duration) -> Seen {
        let tracks = self.meters.values().map(|meter| (meter.codec().clone(), meter.findings())).collect();
        Seen { label, connected_in, tracks, lost_frames: self.lost_frames }
    }
}
