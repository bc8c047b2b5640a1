//! The command line.

use crate::api::{API_VERSION, REVISION};
use crate::app::{End, Server};
use crate::child::guard;
use crate::config::{Config, Layer, Problem};
use crate::limits::RUNTIME_WAIT;
use crate::load;
use crate::log;
use crate::mask::Masker;
use crate::onvif;
use crate::probe;
use anyhow::{Context, bail};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::ffi::OsString;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

/// Read in the working directory when no configuration is named; the first that exists.
const DEFAULT_FILES: [&str; 2] = ["yeoul.yaml", "go2rtc.yaml"];

const AFTER_HELP: &str = "\
Examples:
  yeoul                                        read yeoul.yaml, or go2rtc.yaml, in this folder
  yeoul -c /etc/yeoul.yaml -c api.listen=:8080 the same file on two machines, one with another port
  yeoul -c 'streams.door=rtsp://user:password@192.168.1.64/stream1'
  yeoul probe rtsp://user:password@192.168.1.64/stream1
  yeoul discover                               find the ONVIF cameras of the network
  yeoul load rtsp://127.0.0.1:8554/door --viewers 200

The page is at http://127.0.0.1:1984/ unless api.listen says otherwise.";

/// Cameras in, a picture on every screen out.
#[derive(Debug, Parser)]
#[command(name = "yeoul", disable_version_flag = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    config: ConfigArgs,

    /// Run in the background: prints the process id and returns
    #[arg(short, long)]
    daemon: bool,

    /// Print the version
    #[arg(short, long)]
    version: bool,

    #[command(subcommand)]
    command: Option<Task>,
}

#[derive(Debug, Args)]
struct ConfigArgs {
    /// Configuration: a file, YAML or JSON in braces, or key=value. May be repeated; later ones win
    #[arg(short, long = "config", value_name = "FILE|{..}|KEY=VALUE", global = true)]
    config: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Look at a source for some seconds and tell what it sends
    Probe(probe::ProbeArgs),
    /// Find the ONVIF cameras of the network, or list the profiles of one
    Discover(onvif::command::DiscoverArgs),
    /// Load a server with viewers and tell what they got, and what it cost
    Load(load::LoadArgs),
    /// Read the configuration, tell what is wrong with it and where the page will be, and end
    Check,
}

/// The program: reads the command line, runs, and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == guard::MARK) {
        return guard::become_child(arguments);
    }
    guard::enable();
    let arguments = std::env::args_os().map(with_two_dashes);
    let cli = match Cli::command()
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(error) => {
            // Help is no failure; a wrong command line is one for whoever waits for the exit code.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match run(&cli) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "yeoul: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// go2rtc takes `-config`; its container image starts it so.
fn with_two_dashes(argument: OsString) -> OsString {
    match argument.to_str() {
        Some("-config" | "-version" | "-daemon" | "-help") => {
            let mut two = OsString::from("-");
            two.push(argument);
            two
        }
        _ => argument,
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    if cli.version {
        print(&format!(
            "yeoul {}{} (go2rtc API {API_VERSION})\n",
            env!("CARGO_PKG_VERSION"),
            REVISION.map(|revision| format!(" {revision}")).unwrap_or_default()
        ));
        return Ok(ExitCode::SUCCESS);
    }
    match &cli.command {
        Some(Task::Probe(arguments)) => probe::run(arguments),
        Some(Task::Discover(arguments)) => onvif::command::run(arguments),
        Some(Task::Load(arguments)) => load::run(arguments),
        Some(Task::Check) => check(&cli.config.config),
        None if cli.daemon && std::env::var_os(IN_BACKGROUND).is_none() => daemonize(),
        None => serve(&cli.config.config),
    }
}

/// Standard output, of which nobody may be left to read.
pub(crate) fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Set for the process in the background, so that it does not start another one.
const IN_BACKGROUND: &str = "YEOUL_IN_BACKGROUND";

fn daemonize() -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe().context("the path of this program")?;
    let child = Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(IN_BACKGROUND, "1")
        .stdin(Stdio::null())
        // Ctrl-C in this terminal is not meant for it.
        .process_group(0)
        .spawn()
        .context("the process in the background")?;
    print(&format!("yeoul runs in the background, process {}\n", child.id()));
    Ok(ExitCode::SUCCESS)
}

/// What the command line made of the configuration.
struct Loaded {
    config: Config,
    warnings: Vec<Problem>,
    /// A line about files that were not there.
    missing: Vec<String>,
}

fn read_all(arguments: &[String]) -> anyhow::Result<Loaded> {
    let mut layers = Vec::new();
    let mut missing = Vec::new();
    let mut first_file: Option<PathBuf> = None;
    for argument in arguments {
        if let Some(layer) = Layer::inline(argument) {
            layers.push(layer);
            continue;
        }
        first_file.get_or_insert_with(|| PathBuf::from(argument));
        match read(Path::new(argument))? {
            Some(text) => layers.push(Layer::file(argument, &text)),
            // go2rtc's container starts before its configuration exists.
            None => missing.push(format!("{argument} does not exist: going on without it")),
        }
    }
    if arguments.is_empty() {
        for name in DEFAULT_FILES {
            if let Some(text) = read(Path::new(name))? {
                layers.push(Layer::file(name, &text));
                first_file = Some(PathBuf::from(name));
                break;
            }
        }
        if layers.is_empty() {
            missing.push(format!(
                "no {} here: starting with the defaults, without streams",
                DEFAULT_FILES.join(" and no ")
            ));
        }
    }
    let (mut config, warnings) = Config::parse(&layers, &credential).map_err(|error| {
        let count = error.problems.len();
        let what = if count == 1 { "an error" } else { "errors" };
        anyhow::anyhow!("the configuration has {what}\n{error}")
    })?;
    config.path = first_file;
    Ok(Loaded { config, warnings, missing })
}

/// `None` if it does not exist.
fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => bail!("cannot read the configuration {}: {error}", path.display()),
    }
}

/// A value for `${NAME}`: systemd's credentials, then the environment.
fn credential(name: &str) -> Option<String> {
    let from_file = || {
        let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
        // A name that is a path would leave the folder.
        let plain = !name.contains('/') && name != "..";
        let text = plain.then(|| fs::read_to_string(Path::new(&folder).join(name)).ok())??;
        Some(text.trim_end_matches('\n').to_owned())
    };
    from_file().or_else(|| std::env::var(name).ok())
}

fn check(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let loaded = read_all(arguments)?;
    for line in loaded.missing.iter().cloned().chain(loaded.warnings.iter().map(ToString::to_string)) {
        print(&format!("{line}\n"));
    }
    let streams = loaded.config.streams.len();
    print(&format!(
        "the configuration is valid; it has {streams} stream{}\n",
        if streams == 1 { "" } else { "s" }
    ));
    let api = &loaded.config.api;
    if let Some(listen) = api.listen.filter(|listen| listen.port != 0) {
        print(&format!("the page will be at http://{}{}/\n", listen.from_here(), api.base_path));
    }
    Ok(ExitCode::SUCCESS)
}

fn serve(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let Loaded { config, warnings, missing } = read_all(arguments)?;
    let flush = log::start(&config.log, Masker::new(&config.secrets))?;
    info!(target: "app", version = env!("CARGO_PKG_VERSION"), revision = REVISION, "yeoul");
    if let Some(path) = &config.path {
        info!(target: "config", path = %path.display(), "read");
    }
    for line in missing {
        warn!(target: "config", "{line}");
    }
    for warning in warnings {
        warn!(target: "config", "{warning}");
    }
    raise_descriptors();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime")?;
    let end = runtime.block_on(until_end(config));
    // What still runs now has had its time.
    runtime.shutdown_timeout(RUNTIME_WAIT);
    let end = end?;
    info!(target: "app", "ended");
    drop(flush);
    match end {
        End::Exit(code) => Ok(ExitCode::from(code)),
        End::Restart => {
            let program = std::env::current_exe().context("the path of this program")?;
            Err(Command::new(program).args(std::env::args_os().skip(1)).exec()).context("cannot restart")
        }
    }
}

async fn until_end(config: Config) -> anyhow::Result<End> {
    // Before anything that takes time: a signal during the start ends it as well.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let server = Server::start(config)?;
    let end = tokio::select! {
        end = server.ended() => end,
        _ = terminate.recv() => End::Exit(0),
        _ = interrupt.recv() => End::Exit(0),
    };
    info!(target: "app", "ending: closing all sessions");
    tokio::select! {
        () = server.stop() => {}
        // Who asks twice does not want to wait.
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(end)
}

/// Every session has a descriptor or two: the usual soft limit of 1024 is for programs that use `select`.
pub(crate) fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
    {
        warn!(target: "app", "cannot raise the limit of open files from {:?}: {error}", limit.current);
    }
}
