//! HLS under load: the playlist and a segment under `wrk`, beside nginx with the same bytes as files, and a thousand
//! reloads of one playlist that are released at once.
//!
//! The server is on one core, the load on the other. Where `wrk` or nginx is missing, a line says so.

mod blocked;
pub(crate) mod http;
mod playlist;

pub(crate) use blocked::run as blocked_reloads;

use crate::load::{Running, free_ports, on_core, wait_for_api};
use crate::release_folder;
use crate::steps::{Steps, show_and_keep};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CONNECTIONS: u32 = 16;
const SECONDS: u32 = 6;
const BLOCKED: u32 = 1000;
const ROUNDS: u32 = 20;
/// How long the first segments may take to be made.
const SEGMENTS_WAIT: Duration = Duration::from_secs(15);

/// Adds the step.
pub(crate) fn add(steps: &mut Steps, loadgen: &Path, clip: &Path) -> Result<()> {
    steps.function("load: HLS", || {
        measure(loadgen, clip)?;
        Ok((true, Default::default()))
    })
}

fn measure(loadgen: &Path, clip: &Path) -> Result<()> {
    let [camera_port, api, rtsp, nginx_port] = free_ports()?;
    let mut camera = on_core(1, loadgen);
    camera.args(["camera", &format!("127.0.0.1:{camera_port}")]).arg(clip).arg("25");
    let _camera = Running(camera.stdout(Stdio::null()).spawn()?);
    let config = format!(
        "streams: {{cam: 'rtsp://127.0.0.1:{camera_port}/'}}\napi: {{listen: '127.0.0.1:{api}'}}\n\
         rtsp: {{listen: '127.0.0.1:{rtsp}'}}\nwebrtc: {{listen: ''}}\nlog: {{level: warn}}\n"
    );
    let folder = release_folder().join("load-hls");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("yeoul.yaml"), config)?;
    let mut server = Command::new(release_folder().join("yeoul"));
    server.arg("-c").arg(folder.join("yeoul.yaml"));
    let mut server = Running(pinned(server, 0).spawn()?);
    wait_for_api(&mut server, api)?;
    let pid = server.0.id();

    let master = format!("http://127.0.0.1:{api}/cam/index.m3u8");
    let media = playlist::resolve(&master, playlist::first_uri(&http::get_text(&master)?)?);
    let segment = segment_of(&media)?;
    std::fs::write(folder.join("playlist.m3u8"), http::get(&media)?)?;
    std::fs::write(folder.join("segment.m4s"), http::get(&segment)?)?;
    let nginx = start_nginx(&folder, nginx_port)?;
    let file = |name: &str| format!("http://127.0.0.1:{nginx_port}/{name}");

    // The floor before and after, for a machine gets slower and faster by the minute.
    for round in 1..=2 {
        for (what, url, floor) in
            [("playlist", &media, file("playlist.m3u8")), ("segment", &segment, file("segment.m4s"))]
        {
            let url = if what == "segment" { &segment_of(&media)? } else { url };
            let ours = wrk(url, pid)?;
            println!("{{\"round\":{round},\"what\":\"{what}\",\"server\":\"yeoul\",{}}}", ours);
            if let Some(nginx) = &nginx {
                let floor = wrk(&floor, nginx.0.id())?;
                println!("{{\"round\":{round},\"what\":\"{what}\",\"server\":\"nginx\",{}}}", floor);
            }
        }
    }
    let mut blocked = on_core(1, &std::env::current_exe()?);
    blocked.args(["blocked-reloads", &media, &BLOCKED.to_string(), &ROUNDS.to_string()]);
    if !show_and_keep(&mut blocked)?.0 {
        bail!("the blocked reloads did not come back");
    }
    Ok(())
}

/// The newest whole segment, once there are some.
fn segment_of(media: &str) -> Result<String> {
    let give_up = Instant::now() + SEGMENTS_WAIT;
    while Instant::now() < give_up {
        let text = http::get_text(media)?;
        if let Some(uri) = playlist::last_segment(&text) {
            return Ok(playlist::resolve(media, uri));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    bail!("{media} has no segment after {SEGMENTS_WAIT:?}");
}

/// A command on one core, where there are two.
fn pinned(command: Command, core: usize) -> Command {
    let mut pinned = on_core(core, Path::new(command.get_program()));
    pinned.args(command.get_args());
    pinned
}

/// nginx with the files of `folder`, one process, on the server's core; `None` if it is not installed.
fn start_nginx(folder: &Path, port: u16) -> Result<Option<Running>> {
    let Some(nginx) = find("nginx") else {
        println!("no nginx here: no floor");
        return Ok(None);
    };
    let path = folder.display();
    let config = format!(
        "daemon off;\nmaster_process off;\npid {path}/nginx.pid;\nerror_log {path}/nginx-error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n  access_log off;\n  sendfile on;\n  keepalive_requests 100000000;\n\
           server {{ listen 127.0.0.1:{port}; root {path}; }}\n}}\n"
    );
    std::fs::write(folder.join("nginx.conf"), config)?;
    let mut command = Command::new(nginx);
    command.arg("-c").arg(folder.join("nginx.conf")).arg("-e").arg(folder.join("nginx-error.log"));
    let running = Running(pinned(command, 0).spawn()?);
    let give_up = Instant::now() + SEGMENTS_WAIT;
    while http::get(&format!("http://127.0.0.1:{port}/playlist.m3u8")).is_err() {
        if Instant::now() > give_up {
            bail!("nginx does not answer; see {path}/nginx-error.log");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(Some(running))
}

/// Loads `url` and tells what the process `pid` spent on it, as fields of JSON.
fn wrk(url: &str, pid: u32) -> Result<String> {
    let Some(wrk) = find("wrk") else { bail!("wrk is not installed (apt-get install wrk)") };
    let size = http::get(url)?.len();
    let before = cpu_seconds(pid)?;
    let mut command = on_core(1, &wrk);
    command.args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{SECONDS}s"), url]);
    let output = command.output().context("wrk")?;
    let spent = cpu_seconds(pid)? - before;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.contains("Non-2xx") || text.contains("Socket errors") {
        bail!("wrk {url}:\n{text}");
    }
    let requests: f64 = text
        .lines()
        .find_map(|line| line.trim().split_once(" requests in "))
        .and_then(|(count, _)| count.parse().ok())
        .with_context(|| format!("wrk says:\n{text}"))?;
    let bytes = requests * f64::from(u32::try_from(size)?);
    Ok(format!(
        "\"bytes\":{size},\"requests\":{requests},\"cpu_us_per_request\":{:.1},\"cpu_s_per_gb\":{:.3}",
        spent * 1e6 / requests,
        spent * 1e9 / bytes
    ))
}

/// CPU time of a process so far: fields 14 and 15 of `/proc/PID/stat`, in hundredths of a second.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may have spaces; fields are counted behind it.
    let fields: Vec<&str> = stat.rsplit_once(')').context("no name")?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    Ok((ticks(11).context("utime")? + ticks(12).context("stime")?) / 100.0)
}

fn find(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let sbin = Path::new("/usr/sbin").to_owned();
    std::env::split_paths(&folders)
        .chain([sbin])
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}
