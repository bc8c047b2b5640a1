//! RTMP: encoders and players that connect to us, servers that we play from and publish to.

use crate::harness::{Camera, Output, SECOND, Tool, Yeoul, clip, decode, free_ports, run, wait_until};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use yeoul_rtmp::Purpose;
use yeoul_rtmp::client::{ClientSession, Input, Output as Wish};
use yeoul_rtmp::url::Source;

/// nginx with its RTMP module, on a port of loopback.
pub(crate) struct Nginx {
    tool: Option<Tool>,
    port: u16,
    config: PathBuf,
}

impl Nginx {
    pub(crate) fn start() -> Self {
        let [port] = free_ports();
        let folder = std::env::temp_dir().join(format!("yeoul-nginx-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let config = folder.join("nginx.conf");
        let text = format!(
            "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;\n\
             daemon off; master_process off; pid {folder}/pid; error_log stderr info;\n\
             events {{ worker_connections 64; }}\n\
             rtmp {{ server {{ listen 127.0.0.1:{port}; application live {{ live on; wait_key on; wait_video on; }} }} }}\n",
            folder = folder.display(),
        );
        std::fs::write(&config, text).expect("a file");
        let mut nginx = Self { tool: None, port, config };
        nginx.begin();
        nginx
    }

    fn begin(&mut self) {
        let config = self.config.to_str().expect("a path");
        self.tool = Some(Tool::start("/usr/sbin/nginx", &["-e", "stderr", "-c", config]));
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        wait_until("nginx listens", SECOND * 20, || TcpStream::connect(address).is_ok());
    }

    fn end(&mut self) {
        self.tool = None;
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("rtmp://127.0.0.1:{}/live/{name}", self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.tool = None;
        if let Some(folder) = self.config.parent() {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// A picture and a tone for a minute, encoded with the settings of OBS Studio: x264 at a constant bitrate with two B-frames and a
/// keyframe every 2 s, AAC of 48 kHz.
fn encoder(to: &str) -> Tool {
    let arguments = [
        "-v",
        "error",
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=640x360:rate=30",
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=440:sample_rate=48000",
        "-t",
        "60",
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-profile:v",
        "high",
        "-bf",
        "2",
        "-g",
        "60",
        "-keyint_min",
        "60",
        "-sc_threshold",
        "0",
        "-b:v",
        "800k",
        "-maxrate",
        "800k",
        "-bufsize",
        "800k",
        "-x264-params",
        "nal-hrd=cbr:force-cfr=1",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        "-b:a",
        "128k",
        "-ac",
        "2",
        "-f",
        "flv",
        "-flvflags",
        "no_duration_filesize",
        to,
    ];
    Tool::start("ffmpeg", &arguments)
}

/// Three seconds have all their pictures, of `rate` a second, and their sound, however the clients cut them.
fn check(url: &str, rate: usize) {
    let (pictures, sounds) = decode(url, 3);
    assert!(
        (3 * rate - 6..=3 * rate + 4).contains(&pictures),
        "{url}: {pictures} pictures in 3 s of {rate}/s"
    );
    assert!((130..=150).contains(&sounds), "{url}: {sounds} frames of sound in 3 s of 46.9/s");
}

/// Sees the stream over RTMP, RTSP and HLS.
fn check_everywhere(yeoul: &Yeoul, name: &str, rate: usize) {
    check(&yeoul.rtsp(name), rate);
    check(&yeoul.http(&format!("{name}/hls/index.m3u8")), rate);
    check(&yeoul.rtmp(name), rate);
}

const LISTEN: &str = "rtmp: {listen: '127.0.0.1:RTMP_PORT'}\n";

#[test]
fn an_encoder_with_obss_settings_is_seen_everywhere() {
    let yeoul = Yeoul::start(&format!("streams: {{in: }}\n{LISTEN}"));
    // OBS: server rtmp://host/in, any key; go2rtc's way.
    let _encoder = encoder(&yeoul.rtmp("in/any-key"));
    wait_until("published", SECOND * 30, || yeoul.log().contains("in: published by"));
    check_everywhere(&yeoul, "in", 30);
    let state = yeoul.get("/api/streams?src=in");
    assert!(state.contains("\"format_name\": \"rtmp\"") && state.contains("\"state\": \"live\""), "{state}");
    assert!(yeoul.end() < SECOND * 2);
}

#[test]
fn gstreamer_plays_and_publishes() {
    let yeoul = Yeoul::start(&format!("streams: {{in: }}\n{LISTEN}"));
    let location = format!("location={}", yeoul.rtmp("live/in"));
    let publishing = format!(
        "videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=25/1 ! \
         x264enc tune=zerolatency key-int-max=25 ! h264parse ! flvmux name=mux streamable=true ! rtmp2sink {location} \
         audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! mux."
    );
    let _publisher = Tool::start("gst-launch-1.0", &publishing.split_whitespace().collect::<Vec<_>>());
    wait_until("published", SECOND * 30, || yeoul.log().contains("in: published by"));
    check(&yeoul.rtsp("in"), 25);
    let playing = format!(
        "rtmp2src {location} ! flvdemux name=d \
         d.video ! queue ! h264parse ! avdec_h264 ! fakesink name=pictures num-buffers=60 silent=false \
         d.audio ! queue ! aacparse ! avdec_aac ! fakesink name=sound num-buffers=100 silent=false"
    );
    let arguments: Vec<&str> = ["-v"].into_iter().chain(playing.split_whitespace()).collect();
    let Output { stdout, stderr, .. } = run("gst-launch-1.0", &arguments, SECOND * 40);
    let took = |sink: &str| stdout.matches(&format!("GstFakeSink:{sink}: last-message = chain")).count();
    assert!(took("pictures") >= 55 && took("sound") >= 80, "{stdout}{stderr}");
}

#[test]
fn a_stream_of_nginx_is_seen_everywhere() {
    let nginx = Nginx::start();
    let _encoder = encoder(&nginx.url("cam"));
    let yeoul = Yeoul::start(&format!("streams: {{cam: '{}'}}\n{LISTEN}", nginx.url("cam")));
    check_everywhere(&yeoul, "cam", 30);
    assert!(yeoul.log().contains("cam: live from rtmp://127.0.0.1"), "{}", yeoul.log());
    assert!(yeoul.end() < SECOND * 2);
}

#[test]
fn a_stream_is_published_to_nginx_and_again_when_that_comes_back() {
    let mut nginx = Nginx::start();
    let camera = Camera::start(&["--file", &clip("1080p25-gop2"), "--fps", "25", "--audio", "aac"]);
    let config = format!("streams: {{cam: '{}'}}\npublish: {{cam: '{}'}}", camera.url(), nginx.url("out"));
    let yeoul = Yeoul::start(&config);
    wait_until("published", SECOND * 30, || yeoul.publishes("cam") == ["live"]);
    check(&nginx.url("out"), 25);
    nginx.end();
    wait_until("told", SECOND * 30, || yeoul.publishes("cam") != ["live"]);
    nginx.begin();
    wait_until("published again", SECOND * 40, || yeoul.publishes("cam") == ["live"]);
    check(&nginx.url("out"), 25);
    let state = yeoul.get("/api/streams?src=cam");
    assert!(!state.contains("/out") && state.contains("/live/***"), "the key is not told: {state}");
    assert!(yeoul.end() < SECOND * 2);
}

#[test]
fn h265_goes_from_one_server_of_ours_to_another() {
    let camera = Camera::start(&["--file", &clip("720p25-gop2-h265"), "--codec", "h265", "--fps", "25"]);
    let receiver = Yeoul::start(&format!("streams: {{in: }}\n{LISTEN}"));
    let config = format!("streams: {{cam: '{}'}}\npublish: {{cam: '{}'}}", camera.url(), receiver.rtmp("in"));
    let sender = Yeoul::start(&config);
    wait_until("published", SECOND * 30, || receiver.log().contains("in: published by"));
    let player = Yeoul::start(&format!("streams: {{far: '{}'}}", receiver.rtmp("in")));
    let (pictures, _) = decode(&player.rtsp("far"), 3);
    assert!((69..=79).contains(&pictures), "{pictures} pictures");
    assert!(sender.end() < SECOND * 2);
}

#[test]
fn who_has_no_account_gets_nothing() {
    let listen = "rtmp: {listen: '127.0.0.1:RTMP_PORT', username: u, password: 'p w'}\n";
    let yeoul = Yeoul::start(&format!("streams: {{in: }}\n{listen}"));
    for url in [yeoul.rtmp("in"), yeoul.rtmp("in?user=u&pass=wrong")] {
        let output = run("ffmpeg", &["-v", "error", "-i", &url, "-f", "null", "-"], SECOND * 30);
        assert!(!output.status.success());
        assert!(output.stderr.contains("user name or password is missing or wrong"), "{}", output.stderr);
    }
    let allowed = yeoul.rtmp("in?user=u&pass=p%20w");
    let _encoder = encoder(&allowed);
    wait_until("published", SECOND * 30, || yeoul.log().contains("in: published by"));
    check(&allowed, 30);
    assert!(!yeoul.log().contains("p%20w") && !yeoul.log().contains("pass=wrong"), "{}", yeoul.log());
}

/// A player of ours on a socket with a small buffer.
struct Player {
    socket: TcpStream,
    session: ClientSession,
    /// Of pictures: keyframe or not, and time in milliseconds.
    pictures: Vec<(bool, i64)>,
}

impl Player {
    fn connect(url: &str) -> Self {
        let source = Source::parse(url).expect("a URL");
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(32 << 10).expect("set");
        let address = SocketAddr::from(([127, 0, 0, 1], source.url.port_or_default()));
        socket.connect(&address.into()).expect("connected");
        let socket = TcpStream::from(socket);
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("set");
        let session = ClientSession::new(Instant::now(), source, Purpose::Play, 1);
        Self { socket, session, pictures: Vec::new() }
    }

    /// Reads until there are so many pictures.
    fn read(&mut self, pictures: usize) {
        let until = Instant::now() + SECOND * 40;
        let mut buffer = vec![0; 64 << 10];
        while self.pictures.len() < pictures {
            assert!(Instant::now() < until, "{} pictures only", self.pictures.len());
            self.drain();
            if let Ok(count) = self.socket.read(&mut buffer) {
                assert!(count > 0, "closed");
                self.session.handle_input(Instant::now(), Input::Received(&buffer[..count])).expect("plays");
            }
        }
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll_output() {
                Wish::Send(bytes) => self.socket.write_all(&bytes).expect("sent"),
                Wish::Frame(frame) if frame.track.0 == 0 => {
                    self.pictures.push((frame.keyframe, frame.dts.to_ticks(1000)));
                }
                Wish::Frame(_)
                | Wish::Tracks(_)
                | Wish::Note(_)
                | Wish::Publishing { .. }
                | Wish::Reconnect => {}
                Wish::Wait(_) | Wish::Close => return,
            }
        }
    }
}

#[test]
fn a_slow_player_goes_on_at_a_keyframe_and_nobody_else_notices() {
    let camera = Camera::start(&["--file", &clip("1080p25-gop2"), "--fps", "25", "--audio", "aac"]);
    let yeoul = Yeoul::start(&format!("streams: {{cam: '{}'}}\n{LISTEN}", camera.url()));
    let (mut slow, mut quick) = (Player::connect(&yeoul.rtmp("cam")), Player::connect(&yeoul.rtmp("cam")));
    slow.read(25);
    // Meanwhile the slow one reads nothing: 8 s of it, which is longer than what is on its way and than anybody may be behind.
    quick.read(25 + 200);
    assert!(
        quick.pictures.windows(2).all(|two| (two[1].1 - two[0].1 - 40).abs() <= 2),
        "{:?}",
        quick.pictures
    );
    let read = slow.pictures.len();
    slow.read(read + 150);
    let gap = slow.pictures.windows(2).position(|two| two[1].1 - two[0].1 > 500).expect("a gap");
    assert!(slow.pictures[gap + 1].0, "it goes on at a keyframe");
    let state: serde_json::Value = serde_json::from_str(&yeoul.get("/api/streams?src=cam")).expect("JSON");
    let skipped: Vec<u64> = state["consumers"]
        .as_array()
        .expect("consumers")
        .iter()
        .filter_map(|consumer| consumer["skipped_frames"].as_u64())
        .collect();
    assert_eq!(skipped.iter().filter(|skipped| **skipped > 0).count(), 1, "{state}");
}
