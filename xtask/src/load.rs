//! The whole server under load: one camera of 4 Mbit/s, many readers and viewers, the server on a core of its own.
//!
//! The load comes from `tools/loadgen` in the shared data folder (`$YEOUL_SHARED`, else `../shared`); where that is
//! missing, a line says so. It prints a line of JSON for each kind of reader: what was delivered and lost, and what the
//! server spent on it. Only ratios within one run are to be trusted.

use crate::steps::{Steps, show_and_keep};
use crate::{release_folder, root};
use anyhow::{Context as _, Result, bail};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CLIP: &str = "1080p25-gop2";
const FRAMES_A_SECOND: &str = "25";
const SECONDS: &str = "8";
/// Kind of reader as loadgen calls it, and how many.
const LOADS: [(&str, u32); 2] = [("rtsp", 200), ("whep", 40)];
/// How long the server may take to answer.
const START_WAIT: Duration = Duration::from_secs(10);

/// Adds a step for each kind of reader.
pub(crate) fn add(steps: &mut Steps) -> Result<()> {
    steps.command("load: server", Command::new("cargo").args(["build", "--release", "-p", "yeoul"]))?;
    crate::pictures::add(steps)?;
    let Some(source) = loadgen_source() else {
        println!("skipped: no tools/loadgen in the shared data folder");
        return Ok(());
    };
    let loadgen = build_loadgen(&source)?;
    let clip = make_clip(CLIP)?;
    for (kind, readers) in LOADS {
        steps.function(&format!("load: {readers} readers, {kind}"), || {
            let passed = measure(&loadgen, &clip, kind, readers)?;
            Ok((passed, Default::default()))
        })?;
    }
    crate::hls::add(steps, &loadgen, &clip)
}

fn loadgen_source() -> Option<PathBuf> {
    let shared = std::env::var_os("YEOUL_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    Some(shared.join("tools/loadgen")).filter(|folder| folder.join("Cargo.toml").exists())
}

/// Builds a copy, because the shared folder is read only to us.
fn build_loadgen(source: &Path) -> Result<PathBuf> {
    let copy = root().join(".cache/loadgen");
    let target = release_folder().join("loadgen");
    std::fs::create_dir_all(copy.join("src"))?;
    std::fs::copy(source.join("Cargo.toml"), copy.join("Cargo.toml"))?;
    for entry in std::fs::read_dir(source.join("src"))? {
        let entry = entry?;
        std::fs::copy(entry.path(), copy.join("src").join(entry.file_name()))?;
    }
    // It is no member of the workspace it lies in.
    let manifest = std::fs::read_to_string(copy.join("Cargo.toml"))?;
    std::fs::write(copy.join("Cargo.toml"), manifest + "\n[workspace]\n")?;
    let mut build = Command::new("cargo");
    build.current_dir(&copy).args(["build", "--release", "--quiet", "--target-dir"]).arg(&target);
    if !build.status()?.success() {
        bail!("loadgen cannot be built");
    }
    Ok(target.join("release/loadgen"))
}

/// The file of a clip of `scripts/make-clip.py`, made if it is not there yet.
pub(crate) fn make_clip(name: &str) -> Result<PathBuf> {
    let made = Command::new(root().join("scripts/make-clip.py")).arg(name).output()?;
    if !made.status.success() {
        bail!("no clip: {}", String::from_utf8_lossy(&made.stderr));
    }
    Ok(String::from_utf8(made.stdout)?.trim_end().into())
}

/// A fresh server and camera for each kind, so that one does not pay for the other.
fn measure(loadgen: &Path, clip: &Path, kind: &str, readers: u32) -> Result<bool> {
    let [camera_port, api, rtsp, webrtc] = free_ports()?;
    let _camera = Running(
        on_core(1, loadgen)
            .args(["camera", &format!("127.0.0.1:{camera_port}")])
            .arg(clip)
            .arg(FRAMES_A_SECOND)
            .spawn()?,
    );
    let config = format!(
        "streams: {{cam: 'rtsp://127.0.0.1:{camera_port}/'}}\napi: {{listen: '127.0.0.1:{api}'}}\n\
         rtsp: {{listen: '127.0.0.1:{rtsp}'}}\nwebrtc: {{listen: ':{webrtc}', filters: {{loopback: true}}}}\n\
         log: {{level: warn}}\n"
    );
    let file = release_folder().join(format!("load-{kind}.yaml"));
    std::fs::write(&file, config)?;
    let mut server = Running(on_core(0, &release_folder().join("yeoul")).arg("-c").arg(&file).spawn()?);
    wait_for_api(&mut server, api)?;
    let url = match kind {
        "rtsp" => format!("rtsp://127.0.0.1:{rtsp}/cam"),
        _ => format!("http://127.0.0.1:{api}/api/webrtc?src=cam"),
    };
    let mut load = on_core(1, loadgen);
    load.args([kind, &url, &readers.to_string(), SECONDS, &server.0.id().to_string()]);
    Ok(show_and_keep(&mut load)?.0)
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

pub(crate) fn wait_for_api(server: &mut Running, port: u16) -> Result<()> {
    let give_up = Instant::now() + START_WAIT;
    let url = format!("http://127.0.0.1:{port}/api");
    while Instant::now() < give_up {
        if let Some(status) = server.0.try_wait()? {
            bail!("the server ended at its start: {status}");
        }
        let asked = Command::new("curl")
            .args(["--silent", "--fail", "--retry-connrefused", "--retry", "3", "--max-time", "5", &url])
            .stdout(Stdio::null())
            .status()
            .context("curl cannot be started")?;
        if asked.success() {
            return Ok(());
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
