//! Starts the server, cameras and tools, each in a process of its own that ends with its handle.
//!
//! ```ignore
//! let camera = Camera::start(&["--file", &clip("1080p25-gop2"), "--audio", "aac"]);
//! let yeoul = Yeoul::start(&format!("streams: {{cam: '{}'}}", camera.url()));
//! let output = run("ffprobe", &["-v", "error", &yeoul.rtsp("cam")], SECOND * 20);
//! ```

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// How long a process may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// The lines that a process has written so far.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<String>>);

impl Lines {
    /// Collects lines in a thread of its own, which ends with the process, and passes them on.
    fn collect(&self, from: impl Read + Send + 'static) -> Receiver<String> {
        let (sender, receiver) = mpsc::channel();
        let seen = Arc::clone(&self.0);
        std::thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let text = String::from_utf8_lossy(&line).into_owned();
                seen.lock().expect("nobody panics with it").push_str(&text);
                let _ = sender.send(text);
                line.clear();
            }
        });
        receiver
    }

    fn text(&self) -> String {
        self.0.lock().expect("nobody panics with it").clone()
    }
}

/// The running server.
pub(crate) struct Yeoul {
    child: Child,
    lines: Lines,
    folder: PathBuf,
    api_port: u16,
    rtsp_port: u16,
    rtmp_port: u16,
}

impl Yeoul {
    /// Starts it with this configuration, to which the listeners are added (all of them on loopback) where the
    /// configuration has no section of that name.
    pub(crate) fn start(config: &str) -> Self {
        Self::start_as(config, |_| {})
    }

    /// The same in a process group of its own: the server leads it.
    pub(crate) fn start_as_leader(config: &str) -> Self {
        Self::start_as(config, |command| {
            command.process_group(0);
        })
    }

    fn start_as(config: &str, prepare: impl FnOnce(&mut Command)) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("yeoul-e2e-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let [api_port, rtsp_port, webrtc_port, rtmp_port] = free_ports();
        // RTMP is off unless a test turns it on.
        let mut text = config.replace("RTMP_PORT", &rtmp_port.to_string());
        for (section, port) in [("api", api_port), ("rtsp", rtsp_port), ("webrtc", webrtc_port)] {
            // `listen` may stand in a section that a test brings along: as `PORT`.
            text = text.replace(&format!("{}_PORT", section.to_uppercase()), &port.to_string());
            if !text.lines().any(|line| line.starts_with(&format!("{section}:"))) {
                write!(text, "\n{section}: {{listen: '127.0.0.1:{port}'}}\n").expect("a string grows");
            }
        }
        if !text.lines().any(|line| line.starts_with("log:")) {
            text.push_str("\nlog: {level: debug}\n");
        }
        let path = folder.join("yeoul.yaml");
        std::fs::write(&path, &text).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_yeoul"));
        command.arg("-c").arg(&path).current_dir(&folder).stdout(Stdio::piped()).stderr(Stdio::piped());
        prepare(&mut command);
        let mut child = command.spawn().expect("the server starts");
        let lines = Lines::default();
        let said = lines.collect(child.stdout.take().expect("a pipe"));
        drop(lines.collect(child.stderr.take().expect("a pipe")));
        let server = Self { child, lines, folder, api_port, rtsp_port, rtmp_port };
        wait_for_line(&said, "[api] listen")
            .unwrap_or_else(|| panic!("the server does not listen:\n{}", server.log()));
        server
    }

    /// The RTSP URL of a path: `cam`, `cam?video`.
    pub(crate) fn rtsp(&self, path: &str) -> String {
        format!("rtsp://127.0.0.1:{}/{path}", self.rtsp_port)
    }

    /// The RTMP URL of a path: `cam`, `live/cam?video`.
    pub(crate) fn rtmp(&self, path: &str) -> String {
        format!("rtmp://127.0.0.1:{}/{path}", self.rtmp_port)
    }

    /// The RTSP port.
    pub(crate) fn rtsp_port(&self) -> u16 {
        self.rtsp_port
    }

    /// The body that the API answers to a GET of this path.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut socket = TcpStream::connect(("127.0.0.1", self.api_port)).expect("the API takes connections");
        write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        answer.split_once("\r\n\r\n").map_or(answer.clone(), |(_, body)| body.to_owned())
    }

    /// The address of a path of the API.
    pub(crate) fn http(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.api_port)
    }

    /// The whole answer to a request for this path with these headers: status, headers in lower case, body.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str) -> (u16, String, Vec<u8>) {
        let mut socket = TcpStream::connect(("127.0.0.1", self.api_port)).expect("the API takes connections");
        write!(socket, "{method} /{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
            .expect("sent");
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).expect("an answer");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("the end of the header");
        let body = answer.split_off(end + 4);
        let head = String::from_utf8_lossy(&answer).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, head, body)
    }

    /// What each publication of a stream does, as the API tells it.
    pub(crate) fn publishes(&self, name: &str) -> Vec<String> {
        let body = self.get(&format!("/api/streams?src={name}"));
        let stream: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let publications = stream["publish"].as_array().map_or(&[][..], Vec::as_slice);
        let states = publications.iter().map(|publication| publication["state"].as_str().expect("a state"));
        states.map(str::to_owned).collect()
    }

    /// Its configuration file.
    pub(crate) fn file(&self) -> String {
        std::fs::read_to_string(self.folder.join("yeoul.yaml")).expect("a file")
    }

    /// The port of the API.
    pub(crate) fn api_port(&self) -> u16 {
        self.api_port
    }

    /// The memory that it has in use (RSS), in KiB.
    pub(crate) fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a process");
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        kib.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// The CPU time that it has used so far, to a hundredth of a second.
    pub(crate) fn cpu_time(&self) -> Duration {
        let stat = Stat::of(&format!("/proc/{}/stat", self.child.id())).expect("a process");
        // Of user and of kernel: fields 14 and 15.
        Duration::from_millis(10 * (stat.number(14) + stat.number(15)))
    }

    /// The names of the processes that it has started and that have not ended.
    pub(crate) fn children(&self) -> Vec<String> {
        self.child_stats().map(|(_, stat)| stat.name).collect()
    }

    /// The numbers of those processes.
    pub(crate) fn child_ids(&self) -> Vec<i32> {
        self.child_stats().map(|(id, _)| id).collect()
    }

    /// What those processes are doing, as proc(5) has it: `S`, `R`, `Z`.
    pub(crate) fn child_states(&self) -> Vec<String> {
        self.child_stats().map(|(_, stat)| stat.fields[0].clone()).collect()
    }

    fn child_stats(&self) -> impl Iterator<Item = (i32, Stat)> {
        let processes = std::fs::read_dir("/proc").expect("the processes").filter_map(Result::ok);
        let stats = processes.filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            Some((id, Stat::of(entry.path().join("stat").to_str()?)?))
        });
        stats.filter(|(_, stat)| stat.number(4) == u64::from(self.child.id()))
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.lines.text()
    }

    /// Kills its process group, which it leads: nothing of it can say goodbye.
    pub(crate) fn kill_group(mut self) {
        kill_process_group(Pid::from_child(&self.child), Signal::KILL).expect("signalled");
        let _ = self.child.wait();
    }

    /// Ends it as a supervisor does; gives the time it took. It must end well.
    pub(crate) fn end(mut self) -> Duration {
        let (status, took) = end(&mut self.child);
        assert_eq!(status.code(), Some(0), "{}", self.log());
        took
    }
}

/// What `/proc/PID/stat` says of a process (proc(5)).
struct Stat {
    name: String,
    /// From the third one on.
    fields: Vec<String>,
}

impl Stat {
    /// `None` if there is no such process any more, or none by that name.
    fn of(path: &str) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        // The name may have parentheses and spaces in it.
        let (before, fields) = text.rsplit_once(')')?;
        let (_, name) = before.split_once('(')?;
        Some(Self { name: name.to_owned(), fields: fields.split_whitespace().map(str::to_owned).collect() })
    }

    /// A field as the manual counts them.
    fn number(&self, field: usize) -> u64 {
        self.fields[field - 3].parse().expect("a number")
    }
}

impl Drop for Yeoul {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}

/// A demo camera: `scripts/demo-camera.py`, a real RTSP server in another process.
pub(crate) struct Camera {
    child: Child,
    lines: Lines,
    url: String,
}

impl Camera {
    /// Starts one with these arguments, on a port of its own unless they name one.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = python()
            .arg(script("demo-camera.py"))
            .arg("--with-parent")
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("python3 of the system");
        let lines = Lines::default();
        let said = lines.collect(child.stdout.take().expect("a pipe"));
        drop(lines.collect(child.stderr.take().expect("a pipe")));
        let ready = wait_for_line(&said, "\"ready\"");
        let mut camera = Self { child, lines, url: String::new() };
        let ready = ready.unwrap_or_else(|| panic!("the camera does not start:\n{}", camera.lines.text()));
        let url = ready.split("\"url\": \"").nth(1).and_then(|rest| rest.split('"').next());
        url.expect("a URL in its first line").clone_into(&mut camera.url);
        camera
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the camera's log:\n{}", self.lines.text());
        }
    }
}

/// A tool that runs beside the test: a publisher, a player.
pub(crate) struct Tool {
    child: Child,
    lines: Lines,
    name: String,
}

impl Tool {
    /// Starts it.
    pub(crate) fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let lines = Lines::default();
        drop(lines.collect(child.stdout.take().expect("a pipe")));
        drop(lines.collect(child.stderr.take().expect("a pipe")));
        Self { child, lines, name: program.to_owned() }
    }

    /// What it has written so far.
    pub(crate) fn said(&self) -> String {
        self.lines.text()
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{} said:\n{}", self.name, self.said());
        }
    }
}

/// A server of the files of a folder, and its port.
pub(crate) fn file_server(folder: &Path) -> (Tool, u16) {
    let [port] = free_ports();
    let (folder, number) = (folder.to_str().expect("a path"), port.to_string());
    let arguments = ["-m", "http.server", "--bind", "127.0.0.1", "--directory", folder, &number];
    let server = Tool::start("/usr/bin/python3", &arguments);
    wait_until("the file server", SECOND * 20, || TcpStream::connect(("127.0.0.1", port)).is_ok());
    (server, port)
}

/// What a tool has written, and how it ended.
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: ExitStatus,
}

/// Runs a tool to its end; panics if it takes longer than `limit`.
pub(crate) fn run(program: &str, arguments: &[&str], limit: Duration) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let (out, err) = (Lines::default(), Lines::default());
    let until = Instant::now() + limit;
    let ends = [
        out.collect(child.stdout.take().expect("a pipe")),
        err.collect(child.stderr.take().expect("a pipe")),
    ];
    for lines in ends {
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            match lines.recv_timeout(left) {
                Ok(_) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    panic!(
                        "{program} {arguments:?} takes longer than {limit:?}:\n{}{}",
                        out.text(),
                        err.text()
                    );
                }
            }
        }
    }
    let status = child.wait().expect("it has ended");
    Output { stdout: out.text(), stderr: err.text(), status }
}

/// Decodes some seconds of what is at `url`; gives how many pictures and frames of sound there were. No error line may come.
pub(crate) fn decode(url: &str, seconds: u32) -> (usize, usize) {
    let seconds = seconds.to_string();
    // By UDP ffmpeg itself loses packets on a busy machine.
    let transport: &[&str] = if url.starts_with("rtsp:") { &["-rtsp_transport", "tcp"] } else { &[] };
    let read = ["-i", url, "-t", &seconds, "-f", "framecrc", "-"];
    let arguments = [&["-v", "error"], transport, &read].concat();
    let Output { stdout, stderr, status } = run("ffmpeg", &arguments, SECOND * 90);
    assert_eq!(stderr, "", "{url}");
    assert!(status.success(), "{url}");
    let count = |stream: &str| stdout.lines().filter(|line| line.starts_with(stream)).count();
    (count("0,"), count("1,"))
}

/// A clip of `scripts/make-clip.py`, made if it is not there yet.
pub(crate) fn clip(name: &str) -> String {
    let path = script("make-clip.py").display().to_string();
    let output = run("/usr/bin/python3", &[&path, name], SECOND * 170);
    assert!(output.status.success(), "{}", output.stderr);
    output.stdout.trim().to_owned()
}

/// Waits until `is_so`; panics with `what` after `limit`.
pub(crate) fn wait_until(what: &str, limit: Duration, mut is_so: impl FnMut() -> bool) {
    let (_sender, never) = mpsc::channel::<()>();
    let until = Instant::now() + limit;
    while !is_so() {
        assert!(Instant::now() < until, "{what}: not within {limit:?}");
        // Other processes tell nothing when they change: there is only looking again.
        let _ = never.recv_timeout(Duration::from_millis(20));
    }
}

/// Ports that nobody listens on just now, all different.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: [TcpListener; N] =
        std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}

fn wait_for_line(lines: &Receiver<String>, part: &str) -> Option<String> {
    let until = Instant::now() + PATIENCE;
    loop {
        let line = lines.recv_timeout(until.saturating_duration_since(Instant::now())).ok()?;
        if line.contains(part) {
            return Some(line);
        }
    }
}

fn end(child: &mut Child) -> (ExitStatus, Duration) {
    let began = Instant::now();
    kill_process(Pid::from_child(child), Signal::TERM).expect("signalled");
    let mut status = None;
    wait_until("the end of the process", PATIENCE, || {
        status = child.try_wait().expect("a child");
        status.is_some()
    });
    (status.expect("it has ended"), began.elapsed())
}

/// The system's interpreter: it has PyGObject, others in the path may not.
fn python() -> Command {
    Command::new("/usr/bin/python3")
}

/// The path of one of the project's scripts.
pub(crate) fn script(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace");
    root.join("scripts").join(name)
}
