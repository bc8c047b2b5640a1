//! Players and publishers of RTSP.

use crate::harness::{Camera, Output, SECOND, Tool, Yeoul, clip, run, wait_until};
use retina::client::{
    PlayOptions, Session, SessionOptions, SetupOptions, TcpTransportOptions, Transport, UdpTransportOptions,
};
use retina::codec::CodecItem;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::pin::Pin;
use std::time::{Duration, Instant};

/// The camera of most tests: 1080p25 H.264 at 4 Mbit/s with AAC.
fn camera() -> Camera {
    Camera::start(&["--file", &clip("1080p25-gop2"), "--fps", "25", "--audio", "aac"])
}

fn server(camera: &Camera) -> Yeoul {
    Yeoul::start(&format!("streams: {{cam: '{}'}}", camera.url()))
}

/// Decoding times of the packets of each stream that `ffmpeg -f framecrc` tells, in the stream's time base.
fn packets(framecrc: &str) -> BTreeMap<u32, Vec<i64>> {
    let mut found: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    for line in framecrc.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split(',').map(str::trim);
        let stream = fields.next().and_then(|field| field.parse().ok()).expect("a stream");
        let dts = fields.next().and_then(|field| field.parse().ok()).expect("a time");
        found.entry(stream).or_default().push(dts);
    }
    found
}

/// The pictures that ffmpeg gives a time: all but the first, which its RTSP demuxer leaves without (`ffprobe -show_packets`
/// says N/A, from GStreamer's server as from ours) and its muxers guess.
fn timed(video: &[i64]) -> &[i64] {
    video.get(1..).unwrap_or_default()
}

/// Copies ten seconds of `url` and checks each packet's time.
fn check_copy(url: &str, transport: &str) {
    let arguments = [
        "-v",
        "error",
        "-rtsp_transport",
        transport,
        "-i",
        url,
        "-t",
        "10",
        "-c",
        "copy",
        "-f",
        "framecrc",
        "-",
    ];
    let Output { stdout, stderr, status } = run("ffmpeg", &arguments, SECOND * 40);
    assert_eq!(stderr, "", "{transport}: no error line");
    assert!(status.success());
    let packets = packets(&stdout);
    let [video, audio] = [0, 1].map(|stream| packets.get(&stream).map_or(&[][..], Vec::as_slice));
    // ffmpeg counts the ten seconds by its own clock; that nothing is missing, the steps below tell.
    assert!((248..=254).contains(&video.len()), "{transport}: {} pictures in 10 s of 25/s", video.len());
    assert!(
        (460..=476).contains(&audio.len()),
        "{transport}: {} frames of AAC in 10 s of 46.9/s",
        audio.len()
    );
    for times in [timed(video), audio] {
        assert!(times.is_sorted_by(|a, b| a < b), "{transport}: time goes on: {times:?}");
    }
    // 25 pictures a second in 1/90000 s: 3600; the camera's clock is read in milliseconds.
    let steps: Vec<i64> = timed(video).windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.iter().all(|step| (3200..=4000).contains(step)), "{transport}: even steps: {steps:?}");
}

#[test]
fn ffprobe_and_ffmpeg_read_over_tcp_and_udp() {
    let camera = camera();
    let server = server(&camera);
    for transport in ["tcp", "udp"] {
        let arguments = [
            "-v",
            "error",
            "-rtsp_transport",
            transport,
            "-show_entries",
            "stream=codec_name,width,sample_rate",
        ];
        let output =
            run("ffprobe", &[&arguments[..], &["-of", "compact", &server.rtsp("cam")]].concat(), SECOND * 30);
        assert_eq!(output.stderr, "", "{transport}");
        let lines: Vec<&str> = output.stdout.lines().collect();
        assert_eq!(lines, ["stream|codec_name=h264|width=1920", "stream|codec_name=aac|sample_rate=48000"]);
        check_copy(&server.rtsp("cam"), transport);
    }
    assert!(server.end() < SECOND * 2);
}

#[test]
fn h265_is_read() {
    let camera = Camera::start(&["--file", &clip("720p25-gop2-h265"), "--codec", "h265", "--fps", "25"]);
    let server = server(&camera);
    let url = server.rtsp("cam");
    let arguments = ["-v", "error", "-i", &url, "-t", "4", "-f", "framecrc", "-"];
    let output = run("ffmpeg", &arguments, SECOND * 60);
    assert_eq!(output.stderr, "", "decodes without an error line");
    assert!(packets(&output.stdout).get(&0).is_some_and(|video| video.len() >= 98));
}

#[test]
fn gstreamer_reads_over_tcp_and_udp() {
    let camera = camera();
    let server = server(&camera);
    for protocol in ["tcp", "udp"] {
        let location = format!("location={}", server.rtsp("cam"));
        let protocols = format!("protocols={protocol}");
        let pipeline = format!(
            "rtspsrc name=s {location} {protocols} latency=200 \
             s. ! rtph264depay ! h264parse ! avdec_h264 ! fakesink name=pictures num-buffers=60 silent=false \
             s. ! rtpmp4gdepay ! aacparse ! avdec_aac ! fakesink name=sound num-buffers=120 silent=false"
        );
        let arguments: Vec<&str> = pipeline.split_whitespace().collect();
        let took = gstreamer(&arguments);
        // 60 pictures last 2.4 s, which is 112 frames of AAC. Over TCP the first sink that has enough ends both.
        let (pictures, sound) = (took.of("pictures"), took.of("sound"));
        assert!(pictures >= 55 && sound >= 100, "{protocol}: {pictures}, {sound}: {}", took.said);
    }
}

/// What the sinks of a GStreamer pipeline took.
struct Took {
    /// All that it said.
    said: String,
}

impl Took {
    /// Buffers that the `fakesink` of this name took.
    fn of(&self, sink: &str) -> usize {
        self.said.matches(&format!("GstFakeSink:{sink}: last-message = chain")).count()
    }
}

/// Runs a pipeline of GStreamer with sinks that are not silent. Its exit status tells nothing: at the end rtspsrc interrupts
/// its own PAUSE by its TEARDOWN, and at times reports that as an error.
fn gstreamer(pipeline: &[&str]) -> Took {
    let Output { stdout, stderr, .. } = run("gst-launch-1.0", &[&["-v"], pipeline].concat(), SECOND * 40);
    Took { said: stdout + &stderr }
}

/// Reads 100 pictures by retina, a client that nobody here wrote.
async fn read_by_retina(url: &str, transport: Transport) {
    let url = url.parse().expect("a URL");
    let mut session = Session::describe(url, SessionOptions::default()).await.expect("described");
    assert_eq!(session.streams().len(), 2);
    for stream in 0..2 {
        session.setup(stream, SetupOptions::default().transport(transport.clone())).await.expect("set up");
    }
    let playing = session.play(PlayOptions::default()).await.expect("plays");
    let mut demuxed = playing.demuxed().expect("demuxed");
    let (mut pictures, mut sounds, mut reports) = (0, 0, 0);
    let mut last = [i64::MIN; 2];
    while pictures < 100 {
        let item =
            std::future::poll_fn(|context| futures_core::Stream::poll_next(Pin::new(&mut demuxed), context))
                .await;
        match item.expect("the stream goes on").expect("no error") {
            CodecItem::VideoFrame(frame) => {
                assert_eq!(frame.loss(), 0);
                assert!(pictures > 0 || frame.is_random_access_point(), "a picture at once");
                assert!(frame.timestamp().timestamp() > last[0]);
                last[0] = frame.timestamp().timestamp();
                pictures += 1;
            }
            CodecItem::AudioFrame(frame) => {
                assert_eq!(frame.loss(), 0);
                assert!(frame.timestamp().timestamp() > last[1]);
                last[1] = frame.timestamp().timestamp();
                sounds += 1;
            }
            CodecItem::Rtcp(_) => reports += 1,
            CodecItem::MessageFrame(_) => panic!("a camera without messages has sent one"),
            _ => panic!("a kind of item that this test does not know"),
        }
    }
    assert!(sounds > 150 && reports >= 2, "{sounds} sounds, {reports} reports");
}

#[test]
fn retina_reads_over_tcp_and_udp() {
    let camera = camera();
    let server = server(&camera);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for transport in
        [Transport::Tcp(TcpTransportOptions::default()), Transport::Udp(UdpTransportOptions::default())]
    {
        let url = server.rtsp("cam");
        let reading = read_by_retina(&url, transport.clone());
        runtime
            .block_on(async { tokio::time::timeout(SECOND * 30, reading).await })
            .unwrap_or_else(|_| panic!("{transport:?} takes too long"));
    }
}

/// Publishes a test picture with sound to `url` by ffmpeg.
fn publisher(url: &str, transport: &str) -> Tool {
    let arguments = [
        "-v",
        "error",
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=640x360:rate=25",
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=440:sample_rate=48000",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-tune",
        "zerolatency",
        "-g",
        "25",
        "-c:a",
        "aac",
        "-f",
        "rtsp",
        "-rtsp_transport",
        transport,
        url,
    ];
    Tool::start("ffmpeg", &arguments)
}

#[test]
fn ffmpeg_publishes_and_another_reads_it_back() {
    let server = Yeoul::start("streams: {in: }");
    for transport in ["tcp", "udp"] {
        let publisher = publisher(&server.rtsp("in"), transport);
        wait_until("published", SECOND * 20, || server.log().matches("in: published by").count() > 0);
        let url = server.rtsp("in");
        let arguments = ["-v", "error", "-i", &url, "-t", "5", "-c", "copy", "-f", "framecrc", "-"];
        let output = run("ffmpeg", &arguments, SECOND * 30);
        assert_eq!(output.stderr, "", "{transport}: no error line");
        let packets = packets(&output.stdout);
        let counts: Vec<usize> = packets.values().map(Vec::len).collect();
        assert!(matches!(counts.as_slice(), [123..=128, 225..=242]), "{transport}: {counts:?}");
        let [video, audio] = [timed(&packets[&0]), &packets[&1]];
        assert!(
            [video, audio].iter().all(|times| times.is_sorted_by(|a, b| a < b)),
            "{transport}: {packets:?}"
        );
        assert_eq!(publisher.said(), "", "{transport}: the publisher has no complaint");
        let log = server.log();
        assert!(
            log.contains(&format!("\"rtsp+{transport}\""))
                || server.get("/api/streams").contains(&format!("rtsp+{transport}"))
        );
    }
}

#[test]
fn gstreamer_publishes() {
    let has_sink = run("gst-inspect-1.0", &["rtspclientsink"], SECOND * 30).status.success();
    if !has_sink {
        println!("skipped: rtspclientsink is missing (Debian: gstreamer1.0-rtsp)");
        return;
    }
    let server = Yeoul::start("streams: {in: }");
    for protocols in ["tcp", "udp"] {
        let pipeline = format!(
            "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1 ! x264enc tune=zerolatency key-int-max=25 \
             ! rtspclientsink location={} protocols={protocols}",
            server.rtsp("in")
        );
        let arguments: Vec<&str> = ["-q"].into_iter().chain(pipeline.split_whitespace()).collect();
        let publisher = Tool::start("gst-launch-1.0", &arguments);
        let url = server.rtsp("in");
        wait_until("published", SECOND * 20, || {
            server.get("/api/streams").contains(&format!("rtsp+{protocols}"))
        });
        let output =
            run("ffmpeg", &["-v", "error", "-i", &url, "-t", "3", "-f", "framecrc", "-"], SECOND * 30);
        assert_eq!(output.stderr, "", "{protocols}: decodes without an error line");
        assert!(
            packets(&output.stdout).get(&0).is_some_and(|video| video.len() >= 73),
            "{}",
            publisher.said()
        );
        drop(publisher);
        wait_until("gone", SECOND * 10, || !server.get("/api/streams").contains("rtsp+"));
    }
}

#[test]
fn accounts_are_asked_for_and_passwords_shown_nowhere() {
    let camera = Camera::start(&["--size", "640x360"]);
    let server = Yeoul::start(&format!(
        "streams: {{cam: '{}'}}\nrtsp: {{listen: '127.0.0.1:RTSP_PORT', username: viewer, password: canary-91c2}}",
        camera.url()
    ));
    let url = |user: &str| format!("rtsp://{user}127.0.0.1:{}/cam", server.rtsp_port());
    let probe =
        |url: &str| run("ffprobe", &["-v", "error", "-show_entries", "stream=codec_name", url], SECOND * 30);
    assert!(probe(&url("viewer:canary-91c2@")).stdout.contains("h264"));
    for refused in ["", "viewer:wrong@", "other:canary-91c2@"] {
        let output = probe(&url(refused));
        assert!(output.stderr.contains("401 Unauthorized"), "{refused}: {}", output.stderr);
    }
    // The form that knows only Basic, and GStreamer's Digest.
    let location = format!("location={}", url(""));
    for (user, password, works) in [("viewer", "canary-91c2", true), ("viewer", "wrong", false)] {
        let (id, pw) = (format!("user-id={user}"), format!("user-pw={password}"));
        let sink = ["!", "fakesink", "name=packets", "num-buffers=5", "silent=false"];
        let took = gstreamer(&[&["rtspsrc", &location, &id, &pw][..], &sink].concat());
        assert_eq!(took.of("packets"), if works { 5 } else { 0 }, "{user}: {}", took.said);
        assert_eq!(took.said.contains("Unauthorized"), !works, "{user}: {}", took.said);
    }
    assert!(!server.log().contains("canary"), "{}", server.log());
    assert!(!server.get("/api/streams").contains("canary"));
}

#[test]
fn what_cannot_be_had_is_refused_with_a_sentence() {
    let camera = Camera::start(&["--size", "640x360"]);
    let server = Yeoul::start(&format!("streams: {{cam: '{}', off: 'rtsp://127.0.0.1:1/x'}}", camera.url()));
    let refusal = |path: &str| {
        let output = run("ffprobe", &["-v", "error", &server.rtsp(path)], SECOND * 30);
        assert!(!output.status.success(), "{path}");
        output.stderr
    };
    let said = refusal("nothing");
    assert!(said.contains("404 Not Found: there is no stream \"nothing\""), "{said}");
    let began = Instant::now();
    let said = refusal("off");
    assert!(said.contains("503 Service Unavailable: ") && said.contains("127.0.0.1"), "{said}");
    assert!(began.elapsed() < SECOND * 15);
    let said = refusal("cam?video=h265");
    assert!(said.contains("406 Not Acceptable: ") && said.contains("H264"), "{said}");
}

/// A player with nothing behind it: it plays, and reads only when told to.
pub(crate) struct Idle(TcpStream);

impl Idle {
    pub(crate) fn start(server: &Yeoul) -> Self {
        let mut socket = TcpStream::connect(("127.0.0.1", server.rtsp_port())).expect("connected");
        let url = server.rtsp("cam");
        let mut ask = |request: String| {
            write!(socket, "{request}\r\n\r\n").expect("sent");
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                socket.read_exact(&mut byte).expect("an answer");
                answer.extend(byte);
            }
            String::from_utf8_lossy(&answer).into_owned()
        };
        let answer = ask(format!(
            "SETUP {url}?video/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;interleaved=0-1"
        ));
        let id = answer
            .split("Session: ")
            .nth(1)
            .and_then(|rest| rest.split(';').next())
            .expect("a session")
            .to_owned();
        let answer = ask(format!("PLAY {url} RTSP/1.0\r\nCSeq: 2\r\nSession: {id}"));
        assert!(answer.starts_with("RTSP/1.0 200 OK\r\n") && answer.contains("RTP-Info: url="), "{answer}");
        Self(socket)
    }
}

#[test]
fn players_that_do_not_read_harm_nobody_and_are_ended() {
    let camera = camera();
    let server = server(&camera);
    let idle: Vec<Idle> = (0..20).map(|_| Idle::start(&server)).collect();
    check_copy(&server.rtsp("cam"), "tcp");
    wait_until("ended", SECOND * 30, || {
        server.log().matches("has taken nothing for too long").count() == idle.len()
    });
}

#[test]
fn the_end_of_the_server_is_told_to_players_in_time() {
    let camera = camera();
    let server = server(&camera);
    let mut idle = Idle::start(&server);
    let (_keep, url) = (&camera, server.rtsp("cam"));
    let player = Tool::start(
        "ffmpeg",
        &["-v", "error", "-rtsp_transport", "udp", "-i", &url, "-c", "copy", "-f", "null", "-"],
    );
    wait_until("it plays", SECOND * 20, || server.get("/api/streams").contains("Lavf"));
    let took = server.end();
    assert!(took < SECOND * 2, "{took:?}");
    let mut rest = Vec::new();
    idle.0.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
    idle.0.read_to_end(&mut rest).expect("the connection is closed in good order");
    // The last interleaved packet is RTCP with a BYE (203) of 8 bytes at its end.
    let bye = rest.len().checked_sub(8).and_then(|at| rest.get(at..at + 2));
    assert_eq!(bye, Some(&[0x81, 203][..]), "goodbye");
    drop(player);
}
