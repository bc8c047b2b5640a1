//! `yeoul discover`: the ONVIF cameras of the network, or what one of them has.

use super::api::{describe, source_text};
use super::discover::discover;
use super::source::Source;
use crate::cli::print;
use crate::limits::DISCOVERY_WAIT;
use crate::mask::Masker;
use crate::policy::Route;
use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::json;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

/// The arguments of `yeoul discover`.
#[derive(Debug, Args)]
pub(crate) struct DiscoverArgs {
    /// A camera to list the profiles of: onvif://user:password@192.168.1.64. Without one, the cameras of the network are listed
    url: Option<String>,

    /// How long to wait for answers
    #[arg(long, default_value_t = DISCOVERY_WAIT.as_secs(), value_name = "N", value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,

    /// Search on the interface of this address only
    #[arg(long, value_name = "ADDRESS")]
    interface: Option<Ipv4Addr>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One line of the answer.
struct Line {
    url: String,
    about: String,
}

/// Prints a line for each camera, or profile; none is exit code 1.
pub(crate) fn run(arguments: &DiscoverArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let lines = match &arguments.url {
        Some(url) => {
            let source = Source::parse(url).map_err(|error| anyhow!("{error}"))?;
            let listed = runtime.block_on(describe(&source, Route::of_owner()));
            let masker = Masker::default();
            let listed = listed.map_err(|error| anyhow!("{}", masker.mask(&error.text)))?;
            let line = |url: &str, about| Line { url: masker.mask(url), about };
            listed.iter().map(|found| line(&found.url, format!("{} {}", found.name, found.info))).collect()
        }
        None => {
            let found =
                runtime.block_on(discover(Duration::from_secs(arguments.seconds), arguments.interface));
            let found = found.context("the network interfaces of this machine")?;
            let about = |name: &str, hardware: &str| format!("{name} {hardware}");
            found
                .iter()
                .map(|device| Line { url: source_text(device), about: about(&device.name, &device.hardware) })
                .collect::<Vec<_>>()
        }
    };
    print(&text(&lines, arguments.json));
    Ok(if lines.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn text(lines: &[Line], as_json: bool) -> String {
    if as_json {
        let sources: Vec<_> =
            lines.iter().map(|line| json!({"url": line.url, "info": line.about.trim()})).collect();
        return format!("{}\n", json!({"sources": sources}));
    }
    if lines.is_empty() {
        return "no ONVIF camera has answered\n".to_owned();
    }
    let widest = lines.iter().map(|line| line.url.chars().count()).max().unwrap_or_default();
    lines.iter().map(|line| format!("{:widest$}  {}\n", line.url, line.about.trim())).collect()
}
