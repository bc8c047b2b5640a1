//! Every cell of `docs/codecs.md`: each codec, made by ffmpeg, to each output and from there in again, read by ffprobe; or refused
//! as the table says. WebRTC's column is checked in a browser (`web/e2e/server-codecs.test.mjs`).

use crate::harness::{SECOND, Tool, Yeoul, run};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// How to make a codec.
struct Coding {
    /// As the table has it.
    name: &'static str,
    /// As ffprobe has it.
    ffprobe: &'static str,
    /// ffmpeg's arguments for it.
    arguments: &'static str,
}

const VIDEO: &str = "-f lavfi -i testsrc2=size=160x120:rate=10 -pix_fmt yuv420p -g 10 -c:v";
const AUDIO: &str = "-f lavfi -i sine=sample_rate=48000 -c:a";

const CODINGS: [Coding; 15] = [
    coding("H264", "h264", "libx264 -preset ultrafast -bf 2"),
    coding("H265", "hevc", "libx265 -preset ultrafast -x265-params log-level=error:bframes=2"),
    coding("AV1", "av1", "libaom-av1 -usage realtime -cpu-used 8"),
    coding("VP9", "vp9", "libvpx-vp9 -deadline realtime -cpu-used 8 -strict experimental"),
    coding("VP8", "vp8", "libvpx -deadline realtime -cpu-used 8"),
    coding("MP4V-ES", "mpeg4", "mpeg4 -bf 2"),
    coding("JPEG", "mjpeg", "mjpeg -huffman default -pix_fmt yuvj420p"),
    coding("AAC", "aac", "aac"),
    coding("OPUS", "opus", "libopus"),
    coding("PCMU", "pcm_mulaw", "pcm_mulaw -ar 8000"),
    coding("PCMA", "pcm_alaw", "pcm_alaw -ar 8000"),
    coding("G722", "adpcm_g722", "g722 -ar 16000"),
    coding("L16", "pcm_s16be", "pcm_s16be -ac 2"),
    coding("FLAC", "flac", "flac"),
    coding("MP3", "mp3", "libmp3lame -ar 44100 -ac 2"),
];

const fn coding(name: &'static str, ffprobe: &'static str, arguments: &'static str) -> Coding {
    Coding { name, ffprobe, arguments }
}

impl Coding {
    fn is_video(&self) -> bool {
        CODINGS.iter().position(|of| of.name == self.name) < CODINGS.iter().position(|of| of.name == "AAC")
    }

    /// Its stream's name.
    fn stream(&self) -> String {
        self.name.to_lowercase()
    }

    /// The source: ffmpeg publishes by RTSP what this ffmpeg can, and writes MP4 of the rest.
    fn source(&self) -> String {
        let input = if self.is_video() { VIDEO } else { AUDIO };
        let output = if ["AV1", "FLAC"].contains(&self.name) {
            "-movflags frag_keyframe+delay_moov -frag_duration 100000 -strict -2 -f mp4 -"
        } else {
            "-f rtsp -rtsp_transport tcp {output}"
        };
        format!("exec:ffmpeg -v error -re {input} {} {output}", self.arguments)
    }

    /// Whether this ffprobe reads it there: Debian's knows neither AV1 in RTP nor Enhanced RTMP.
    fn is_read_by_ffprobe(&self, output: &str) -> bool {
        match output {
            "RTSP" => self.name != "AV1",
            "FLV, RTMP" => !["H265", "AV1", "VP9", "VP8", "OPUS", "FLAC"].contains(&self.name),
            _ => true,
        }
    }
}

/// The table: outputs, and for each codec which of them carry it.
fn table() -> (Vec<String>, Vec<(String, Vec<bool>)>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace");
    let page = std::fs::read_to_string(root.join("docs/codecs.md")).expect("the page");
    let mut rows = page
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
    let outputs = rows.next().expect("a head").split_off(1);
    let cells = |row: Vec<String>| (row[0].clone(), row[1..].iter().map(|cell| cell == "yes").collect());
    (outputs, rows.skip(1).map(cells).collect())
}

/// The codecs that ffprobe finds there, or why not.
fn probe(url: &str) -> Result<String, String> {
    let entries = ["-show_entries", "stream=codec_name", "-of", "csv=p=0"];
    let short = ["-v", "error", "-analyzeduration", "1000000"];
    let output = run("ffprobe", &[&short[..], &entries, &[url]].concat(), SECOND * 90);
    let names: BTreeSet<&str> = output.stdout.lines().map(|line| line.trim_end_matches(',')).collect();
    let names = names.into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ");
    if names.is_empty() { Err(output.stderr) } else { Ok(names) }
}

/// Where a stream is in an output; `None` for what a browser has to look at.
fn address(server: &Yeoul, stream: &str, output: &str, is_video: bool) -> Option<String> {
    let kind = if is_video { "video" } else { "audio" };
    match output {
        "RTSP" => Some(server.rtsp(stream)),
        "WebRTC" => None,
        "HLS" => Some(server.http(&format!("{stream}/index.m3u8"))),
        "HLS of TS" => Some(server.http(&format!("{stream}/ts/index.m3u8"))),
        "MP4" => Some(server.http(&format!("api/stream.mp4?src={stream}&{kind}=all"))),
        "TS" => Some(server.http(&format!("api/stream.ts?src={stream}"))),
        "FLV, RTMP" => Some(server.http(&format!("api/stream.flv?src={stream}"))),
        other => panic!("{other} is a new output: say where it is"),
    }
}

/// The stream that takes an output in again, by the end of its name.
const AGAIN: [(&str, &str); 4] = [("RTSP", "rtsp"), ("MP4", "mp4"), ("TS", "ts"), ("FLV, RTMP", "flv")];

/// What is not as the table says.
fn check(server: &Yeoul, coding: &Coding, outputs: &[String], cells: &[bool]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |what: String, got: Result<String, String>| {
        if got.as_deref() != Ok(coding.ffprobe) {
            wrong.push(format!("{what}: {got:?}"));
        }
    };
    for (output, &carried) in outputs.iter().zip(cells) {
        let Some(url) = address(server, &coding.stream(), output, coding.is_video()) else { continue };
        let what = format!("{} by {output}", coding.name);
        if !carried {
            let refused = probe(&url);
            if !refused.as_ref().is_err_and(|reason| reason.contains("Server returned 4")) {
                expect(format!("{what} is to be refused"), refused);
            }
            continue;
        }
        if coding.is_read_by_ffprobe(output) {
            expect(what.clone(), probe(&url));
        }
        if let Some((_, end)) = AGAIN.iter().find(|(name, _)| name == output) {
            // Out of it once more, where ffprobe knows it.
            let last =
                if coding.is_read_by_ffprobe("RTSP") && coding.name != "FLAC" { "RTSP" } else { "MP4" };
            let again = format!("{}-{end}", coding.stream());
            let url = address(server, &again, last, coding.is_video()).expect("no browser");
            expect(format!("{what} and in again"), probe(&url));
        }
    }
    wrong
}

#[test]
fn every_codec_goes_where_the_table_says() {
    let (outputs, rows) = table();
    let mut config = String::from("exec: {enabled: true}\nstreams:\n");
    for coding in &CODINGS {
        let (stream, kind) = (coding.stream(), if coding.is_video() { "video" } else { "audio" });
        let api = "http://127.0.0.1:API_PORT/api";
        write!(
            config,
            "  {stream}: '{}'
  {stream}-rtsp: 'rtsp://127.0.0.1:RTSP_PORT/{stream}'
  {stream}-mp4: '{api}/stream.mp4?src={stream}&{kind}=all'
  {stream}-ts: '{api}/stream.ts?src={stream}'
  {stream}-flv: '{api}/stream.flv?src={stream}'
",
            coding.source()
        )
        .expect("a string grows");
    }
    let server = Yeoul::start(&config);
    assert_eq!(rows.len(), CODINGS.len(), "a new codec: say how to make it");
    // Four at a time: most of the time is waiting for a keyframe.
    let mut wrong = Vec::new();
    for some in rows.chunks(4) {
        std::thread::scope(|scope| {
            let checks = some.iter().map(|(name, cells)| {
                let (server, outputs) = (&server, &outputs);
                let coding = CODINGS.iter().find(|coding| coding.name == name).expect("a known codec");
                scope.spawn(move || check(server, coding, outputs, cells))
            });
            let checks: Vec<_> = checks.collect();
            wrong.extend(checks.into_iter().flat_map(|check| check.join().expect("it does not panic")));
        });
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Times of the first pictures of a stream: decoding, presentation.
fn times(url: &str) -> Vec<(i64, i64)> {
    let entries =
        ["-v", "error", "-select_streams", "v", "-show_entries", "packet=dts,pts", "-of", "csv=p=0"];
    let output = run("ffprobe", &[&entries[..], &["-read_intervals", "%+#60", url]].concat(), SECOND * 60);
    let number = |field: Option<&str>| field.and_then(|field| field.trim().parse().ok());
    let lines = output.stdout.lines().map(|line| {
        let mut fields = line.split(',');
        let pts = number(fields.next());
        Some((number(fields.next())?, pts?))
    });
    // ffmpeg cannot tell the times of the first pictures by RTSP.
    lines.flatten().collect()
}

#[test]
fn b_frames_keep_their_order_in_every_output() {
    let server = Yeoul::start("streams: {h264: '', h265: ''}");
    let publish = |name: &str, codec: &[&str]| {
        let input = ["-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25"];
        let usual = ["-pix_fmt", "yuv420p", "-preset", "ultrafast", "-g", "25", "-bf", "2", "-c:v"];
        let output = ["-f", "rtsp", "-rtsp_transport", "tcp"];
        let url = server.rtsp(name);
        Tool::start("ffmpeg", &[&input[..], &usual, codec, &output, &[&url]].concat())
    };
    let _publishers = [
        publish("h264", &["libx264", "-b_strategy", "0"]),
        publish("h265", &["libx265", "-x265-params", "log-level=error:bframes=2:b-adapt=0"]),
    ];
    crate::harness::wait_until("published", Duration::from_secs(30), || {
        server.log().matches(": published by").count() == 2
    });
    for name in ["h264", "h265"] {
        for output in ["RTSP", "HLS", "HLS of TS", "MP4", "TS"] {
            let what = format!("{name} by {output}");
            let url = address(&server, name, output, true).expect("no browser");
            let times = times(&url);
            assert!(times.len() >= 40, "{what}: {} pictures", times.len());
            let decoded: Vec<i64> = times.iter().map(|&(dts, _)| dts).collect();
            assert!(decoded.is_sorted_by(|a, b| a < b), "{what}: {decoded:?}");
            assert!(times.iter().all(|(dts, pts)| pts >= dts), "{what}: {times:?}");
            let shown: BTreeSet<i64> = times.iter().map(|&(_, pts)| pts).collect();
            assert_eq!(shown.len(), times.len(), "{what}: no two pictures are shown at once");
            // Two pictures of three are shown before one that was sent before them.
            let overtaken = times.windows(2).filter(|two| two[1].1 < two[0].1).count();
            assert!(overtaken * 5 > times.len(), "{what}: {overtaken} of {}", times.len());
        }
    }
}
