//! The program `yeoul` as people and supervisors start it: command line, first lines, answers, end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A password that must be seen nowhere.
const CANARY: &str = "canary-7f3a";

fn yeoul(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_yeoul")).args(arguments).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder of its own for a test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("yeoul-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).expect("a file");
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A port that nobody listens on just now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// The running program.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
    seen: String,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_yeoul"))
            .args(arguments)
            .current_dir(folder)
            .env("CAM_PASSWORD", CANARY)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, lines, seen: String::new() }
    }

    /// Reads up to a line with this text.
    fn wait_for(&mut self, part: &str) {
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line).expect("a line");
            self.seen.push_str(&line);
            assert!(read > 0, "no line with {part:?} in\n{}", self.seen);
            if line.contains(part) {
                return;
            }
        }
    }

    /// Waits until the API listens; gives its port, which the system has chosen.
    fn wait_for_api(&mut self) -> u16 {
        self.wait_for("INF [api] listen addr=127.0.0.1:");
        let port = self.seen.trim_end().rsplit(':').next().and_then(|port| port.parse().ok());
        port.expect("a port at the end of the line")
    }

    /// SIGTERM; gives the exit code and all that was written.
    fn end(mut self) -> (Option<i32>, Duration, String) {
        let pid = Pid::from_child(&self.child);
        let began = Instant::now();
        kill_process(pid, Signal::TERM).expect("signalled");
        self.lines.read_to_string(&mut self.seen).expect("the rest");
        let status = self.child.wait().expect("an end");
        (status.code(), began.elapsed(), self.seen.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request and its whole answer.
fn ask(port: u16, request: &str) -> String {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    write!(socket, "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn it_starts_answers_masks_and_ends() {
    let folder = Folder::new("start");
    let config = format!(
        "api: {{listen: '127.0.0.1:0', username: admin, password: {CANARY}}}
rtsp: {{listen: ''}}
webrtc: {{listen: ''}}
log: {{level: trace}}
streams:
  literal: rtsp://user:{CANARY}@127.0.0.1:1/a
  substituted: rtsp://user:${{CAM_PASSWORD}}@127.0.0.1:1/user=a&password={CANARY}
"
    );
    folder.write("go2rtc.yaml", &config);
    let began = Instant::now();
    let mut program = Running::start(&folder.0, &[]);
    let port = program.wait_for_api();
    let took = began.elapsed();
    // 50 ms are the aim on an idle machine; a test shares its cores.
    assert!(took < Duration::from_secs(2), "the start took {took:?}");
    let mut answers = ask(port, "GET /api");
    assert!(
        answers.starts_with("HTTP/1.1 200 OK") && answers.contains("\"config_path\":\"go2rtc.yaml\""),
        "{answers}"
    );
    for path in ["/api/streams", "/api/streams?src=literal", "/api/streams?src=substituted", "/api/schemes"] {
        answers.push_str(&ask(port, &format!("GET {path}")));
    }
    let (code, took, seen) = program.end();
    assert_eq!(code, Some(0), "{seen}");
    assert!(took < Duration::from_secs(2), "the end took {took:?}\n{seen}");
    assert!(seen.contains("INF [app] ended"), "{seen}");
    assert!(!seen.contains(CANARY), "{seen}");
    assert!(!answers.contains(CANARY), "{answers}");
    let line = seen.lines().find(|line| line.contains("[api] listen")).unwrap_or_default();
    let time: String = line.chars().take(13).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(time, "00:00:00.000 ", "the shape that Home Assistant reads: {line}");
}

#[test]
fn a_port_in_use_ends_the_start_with_a_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let output =
        yeoul(&["-c", &format!("api.listen=127.0.0.1:{port}"), "-c", "rtsp.listen=", "-c", "webrtc.listen="]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.starts_with(&format!("yeoul: api.listen: port {port} is in use by another program.")),
        "{said}"
    );
}

#[test]
fn a_wrong_configuration_ends_the_start_with_every_error() {
    let folder = Folder::new("wrong");
    let path = folder.write("cams.yaml", "api:\n  listn: ':1'\nstreams:\n  a: rtps://h/\n");
    for command in [vec!["-c", &path], vec!["check", "--config", &path], vec!["-config", &path]] {
        let output = yeoul(&command);
        assert_eq!(output.status.code(), Some(1));
        let expected = format!(
            "yeoul: the configuration has errors\n{path}:2:3: unknown key listn in api; did you mean listen?\n{path}:4:6: streams.a: "
        );
        let said = text(&output.stderr);
        assert!(said.starts_with(&expected), "{said}");
    }
}

#[test]
fn check_tells_warnings_and_validity() {
    let output = yeoul(&["check", "-c", "{streams: {a: 'wyze:x', b: }}"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text(&output.stdout),
        "--config:1:15: streams.a: sources of scheme wyze are not supported yet\nthe configuration is valid; it has 2 streams\nthe page will be at http://127.0.0.1:1984/\n"
    );
    let output = yeoul(&["check", "-c", "{api: {listen: '[::1]:8080', base_path: /cams}}"]);
    assert!(text(&output.stdout).ends_with("\nthe page will be at http://[::1]:8080/cams/\n"), "{output:?}");
}

#[test]
fn version_and_help_are_printed() {
    for flag in ["-v", "--version", "-version"] {
        let output = yeoul(&[flag]);
        assert!(text(&output.stdout).starts_with(concat!("yeoul ", env!("CARGO_PKG_VERSION"))), "{output:?}");
        assert_eq!(output.status.code(), Some(0));
    }
    assert!(text(&yeoul(&["--help"]).stdout).contains("yeoul probe rtsp://"));
    assert_eq!(yeoul(&["--nonsense"]).status.code(), Some(2));
}

#[test]
fn a_caller_of_the_api_ends_the_program() {
    let folder = Folder::new("exit");
    let configuration = ["-c", "api.listen=127.0.0.1:0", "-c", "rtsp.listen=", "-c", "webrtc.listen="];
    let mut program = Running::start(&folder.0, &configuration);
    let port = program.wait_for_api();
    assert!(ask(port, "POST /api/exit?code=7").starts_with("HTTP/1.1 200 OK"));
    assert_eq!(program.child.wait().expect("an end").code(), Some(7));
}

#[test]
fn a_source_that_cannot_be_had_is_told_without_its_password() {
    let output = yeoul(&["probe", &format!("rtsp://user:{CANARY}@127.0.0.1:{}/a", free_port())]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.starts_with("yeoul: ") && !said.contains(CANARY), "{said}");
    assert_eq!(yeoul(&["probe", "nothing"]).status.code(), Some(1));
}
