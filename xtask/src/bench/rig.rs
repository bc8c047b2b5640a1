//! What is measured: the server on one core; a camera and the load on the other.

use crate::hls::http;
use crate::release_folder;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// 1080p at 25 pictures a second and 4 Mbit/s, a keyframe every 2 s.
const CLIP: &str = "1080p25-gop2";
/// Length of a measured window.
pub(super) const SECONDS: u32 = 8;
/// How long the server may take to answer.
const START_WAIT: Duration = Duration::from_secs(10);
/// A server that has nothing to do has let go of what it needed to start.
pub(super) const SETTLE: Duration = Duration::from_secs(2);
/// How long it takes until a stream keeps as much as it will: its history and a GOP.
const FULL: Duration = Duration::from_secs(10);

/// A camera and a server that knows it under `streams` names: `cam0`, `cam1` …
pub(crate) struct Rig {
    pub(super) server: Running,
    pub(super) api: u16,
    pub(super) rtsp: u16,
    _camera: Running,
}

impl Rig {
    /// Starts both, with the usual clip.
    pub(super) fn start(streams: usize) -> Result<Self> {
        Self::of_clip(CLIP, streams)
    }

    /// Starts both.
    pub(super) fn of_clip(clip: &str, streams: usize) -> Result<Self> {
        let [camera_port, api, rtsp, webrtc] = free_ports()?;
        let listen = format!("127.0.0.1:{camera_port}");
        let mut camera = on_core(1, &yeoul());
        camera.args(["load", "camera"]).arg(make_clip(clip)?).args(["--listen", &listen]);
        let _camera = Running(camera.stdout(Stdio::null()).spawn()?);
        let streams = (0..streams).map(|number| format!("cam{number}: 'rtsp://{listen}/cam{number}'"));
        let config = format!(
            "streams: {{{}}}\nstream_defaults: {{linger: 120s}}\napi: {{listen: '127.0.0.1:{api}'}}\n\
             rtsp: {{listen: '127.0.0.1:{rtsp}'}}\n\
             webrtc: {{listen: '127.0.0.1:{webrtc}', candidates: ['127.0.0.1:{webrtc}']}}\nlog: {{level: warn}}\n",
            streams.collect::<Vec<_>>().join(", ")
        );
        let server = Running(serve(&config, &format!("bench-{api}"))?.spawn()?);
        let mut rig = Self { server, api, rtsp, _camera };
        wait_for_api(&mut rig.server, api)?;
        Ok(rig)
    }

    pub(super) fn pid(&self) -> u32 {
        self.server.0.id()
    }

    pub(super) fn http(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.api)
    }

    /// The address of a stream for a kind of `yeoul load`.
    fn url(&self, kind: &str) -> String {
        match kind {
            "whep" => self.http("cam0/whep"),
            "hls" => self.http("cam0/index.m3u8"),
            _ => format!("rtsp://127.0.0.1:{}/cam0", self.rtsp),
        }
    }

    /// Lets the streams run on without viewers, for their linger.
    pub(super) fn touch(&self, streams: usize) -> Result<()> {
        for number in 0..streams {
            http::get(&self.http(&format!("api/streams?src=cam{number}&video")))?;
        }
        Ok(())
    }

    /// The report of a load.
    pub(super) fn load(&self, kind: &str, viewers: u32) -> Result<Value> {
        let mut load = on_core(1, &yeoul());
        load.args(["load", &self.url(kind), "--kind", kind, "--json"]);
        load.args(["--viewers", &viewers.to_string(), "--seconds", &SECONDS.to_string()]);
        load.args(["--pid", &self.pid().to_string()]);
        let output = load.stderr(Stdio::inherit()).output()?;
        let text = String::from_utf8(output.stdout)?;
        serde_json::from_str(&text).with_context(|| format!("yeoul load says:\n{text}"))
    }
}

/// Loads that several goals look at are run once.
#[derive(Default)]
pub(super) struct Loads(HashMap<(&'static str, u32), Value>);

impl Loads {
    /// The report of so many viewers of that kind, on a server of its own that has the stream already.
    pub(super) fn get(&mut self, kind: &'static str, viewers: u32) -> Result<&Value> {
        use std::collections::hash_map::Entry;
        match self.0.entry((kind, viewers)) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => {
                println!("    {viewers} viewers, {kind}");
                let rig = Rig::start(1)?;
                rig.touch(1)?;
                // The stream keeps some seconds: that memory is not the viewers'.
                std::thread::sleep(FULL);
                let report = rig.load(kind, viewers)?;
                Ok(new.insert(report))
            }
        }
    }
}

/// A number in a report: `/server/cpu_us_packet`.
pub(super) fn number(report: &Value, path: &str) -> Option<f64> {
    report.pointer(path)?.as_f64()
}

/// What makes a report doubtful, in words; empty if nothing does.
pub(super) fn doubts(report: &Value) -> String {
    let mut doubts = Vec::new();
    let count = |path: &str| report.pointer(path).and_then(Value::as_u64).unwrap_or_default();
    let (playing, wanted) = (count("/viewers/playing"), count("/viewers/wanted"));
    if playing < wanted {
        let why = report
            .pointer("/viewers/reasons/0/reason")
            .and_then(Value::as_str)
            .unwrap_or("no reason is told");
        doubts.push(format!("{playing} of {wanted} play: {why}"));
    }
    if count("/lost") > 0 {
        doubts.push(format!("{} packets lost", count("/lost")));
    }
    if report.pointer("/generator/busy").and_then(Value::as_bool) == Some(true) {
        doubts.push("the generator was busy".to_owned());
    }
    doubts.join("; ")
}

/// The server under test.
pub(super) fn yeoul() -> PathBuf {
    release_folder().join("yeoul")
}

/// A server with this configuration, on the first core.
pub(super) fn serve(config: &str, name: &str) -> Result<Command> {
    let folder = release_folder().join("bench");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{name}.yaml"));
    std::fs::write(&file, config)?;
    let mut server = on_core(0, &yeoul());
    server.arg("-c").arg(file);
    Ok(server)
}

/// The file of a clip of `scripts/make-clip.py`, made if it is not there yet.
pub(crate) fn make_clip(name: &str) -> Result<PathBuf> {
    let made = Command::new(crate::root().join("scripts/make-clip.py")).arg(name).output()?;
    if !made.status.success() {
        bail!("no clip: {}", String::from_utf8_lossy(&made.stderr));
    }
    Ok(String::from_utf8(made.stdout)?.trim_end().into())
}

/// A command on one core, where there are two.
pub(crate) fn on_core(core: usize, program: &Path) -> Command {
    if std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1) {
        let mut command = Command::new("taskset");
        command.args(["-c", &core.to_string()]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// This program with these arguments, on one core.
pub(super) fn ourselves(core: usize, arguments: &[String]) -> Result<Command> {
    // Not the path this process was started from: building the server may have built this program anew.
    let mut command = on_core(core, &release_folder().join("xtask"));
    command.args(arguments);
    Ok(command)
}

/// Starts a process that tells something in its first line.
pub(super) fn told(command: &mut Command) -> Result<(Running, String)> {
    let mut child = Running(command.stdout(Stdio::piped()).spawn()?);
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().context("a pipe")?).read_line(&mut line)?;
    Ok((child, line.trim_end().to_owned()))
}

/// Ports that are free now; all are held until all are chosen, so that they differ.
pub(crate) fn free_ports() -> Result<[u16; 4]> {
    let mut held = Vec::new();
    let mut ports = [0; 4];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Waits until the API answers; gives how long it took.
pub(crate) fn wait_for_api(server: &mut Running, port: u16) -> Result<Duration> {
    let began = Instant::now();
    let url = format!("http://127.0.0.1:{port}/api");
    while began.elapsed() < START_WAIT {
        // In a tight loop: the time is one of the goals. A refused connection costs microseconds.
        if http::get(&url).is_ok() {
            return Ok(began.elapsed());
        }
        if let Some(status) = server.0.try_wait()? {
            bail!("the server ended at its start: {status}");
        }
    }
    bail!("the server does not answer at {url}");
}

/// A process that ends with this value.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// CPU time of a process so far: fields 14 and 15 of `/proc/PID/stat`, in hundredths of a second.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may have spaces; fields are counted behind it.
    let fields: Vec<&str> = stat.rsplit_once(')').context("no name")?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    Ok((ticks(11).context("utime")? + ticks(12).context("stime")?) / 100.0)
}

/// Resident memory of a process.
pub(super) fn rss_mib(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
}
