//! What users write, and the command line it becomes.

use super::*;
use proptest::prelude::*;

fn line(text: &str, surroundings: Surroundings<'_>) -> String {
    let source = Source::parse(text).unwrap();
    source.arguments(&Templates::default(), surroundings).join(" ")
}

fn check(text: &str, place: Place<'_>, output: Output<'_>, expected: &str) {
    let line = line(text, Surroundings { place, engine: None, output });
    assert_eq!(line, format!("-hide_banner -nostdin -loglevel error {expected}"), "{text}");
}

const TS: &str = "-muxdelay 0 -muxpreload 0 -omit_video_pes_length 0 -pes_payload_size 0 -flush_packets 1 -f mpegts pipe:1";
const RTSP: &str =
    "-fflags nobuffer -flags low_delay -timeout 5000000 -user_agent yeoul/ffmpeg -rtsp_transport tcp -i";

#[test]
fn a_stream_is_read_where_it_can_be_had() {
    let opus = "-c:a libopus -application:a lowdelay -frame_duration 20";
    let url = "rtsp://127.0.0.1:8554/.child/1";
    check(
        "ffmpeg:cam#audio=opus#query=log_level=debug",
        Place::At(url),
        Output::MpegTs,
        &format!("{RTSP} {url} -vn {opus} {TS}"),
    );
}

#[test]
fn an_address_may_be_led_to_or_listed() {
    let url = "rtsp://127.0.0.1:40000/1";
    let text = "ffmpeg:rtsps://u:p@cam/1#video=copy";
    check(text, Place::At(url), Output::MpegTs, &format!("{RTSP} {url} -c:v copy -an {TS}"));
    let list = |text: &str| Source::parse(text).unwrap().list(&Templates::default());
    let expected = "ffconcat version 1.0\nfile 'rtmp://u:it'\\''s@cam/1'\n";
    assert_eq!(list("ffmpeg:rtmp://u:it's\n@cam/1#video=copy").unwrap(), expected);
    for other in ["ffmpeg:cam", text, "ffmpeg:rist://h:1?secret=x"] {
        assert_eq!(list(other), None);
    }
}

#[test]
fn options_that_would_not_arrive_are_not_led_astray() {
    let mut templates = Templates::default();
    let source = |text: &str| Source::parse(text).unwrap();
    let (srt, rtmp) = (
        source("ffmpeg:srt://h:1?passphrase=x"),
        source("ffmpeg:rtmp://h/a#input=-rtmp_live live -i {input}"),
    );
    assert!(srt.list(&templates).is_some() && rtmp.list(&templates).is_none());
    assert!(source("ffmpeg:rtmp://u:p@h/a#audio=opus").list(&templates).is_some());
    assert!(source("ffmpeg:srt://h:1?passphrase=x#audio=opus").list(&templates).is_none());
    let mut other = Templates::default();
    other.set("output", "-f rtsp {output}");
    assert_eq!(srt.list(&other), None);
    templates.set("http", "-latency 200 -i {input}");
    assert_eq!(srt.list(&templates), None);
    assert!(source("ffmpeg:rtsp://h/1#input=rtsp/udp").follows_redirects(&templates));
    assert!(source("ffmpeg:https://h/1").follows_redirects(&templates));
    for (url, template) in [
        ("rtsp://h/1", "-rtsp_transport  http"),
        ("rtsp://h/1", "-rtsp_flags +listen"),
        ("http://h/1", "-listen 1"),
    ] {
        assert!(
            !source(&format!("ffmpeg:{url}#input={template} -i {{input}}")).follows_redirects(&templates)
        );
    }
    assert!(!srt.follows_redirects(&templates) && !source("ffmpeg:cam").follows_redirects(&templates));
}

#[test]
fn pictures_are_scaled_turned_and_written_on() {
    check(
        "ffmpeg:rtsp://u:p@cam/1#video=h264#width=1280#rotate=90#drawtext=text='a b'#bitrate=2M#raw=-x y",
        Place::Own,
        Output::MpegTs,
        &format!(
            "{RTSP} rtsp://u:p@cam/1 -c:v libx264 -preset:v superfast -tune:v zerolatency -g 50 -profile:v high -level:v 4.1 \
             -pix_fmt:v yuv420p -an -vf scale=1280:-2,transpose=1,drawtext=text='a b' -b:v 2M -maxrate 2M -bufsize 2M -x y {TS}"
        ),
    );
}

#[test]
fn files_devices_and_made_up_pictures_are_read() {
    check(
        "ffmpeg:/media/a b.mp4",
        Place::Own,
        Output::MpegTs,
        &format!("-re -i /media/a b.mp4 -c copy -dn -sn {TS}"),
    );
    check(
        "ffmpeg:device?video=1&resolution=640x480&audio#video=copy#audio=aac",
        Place::Own,
        Output::Rtsp("rtsp://x"),
        "-f v4l2 -video_size 640x480 -i /dev/video1 -f alsa -i default -c:v copy -c:a aac -user_agent ffmpeg/yeoul -rtsp_transport \
         tcp -f rtsp rtsp://x",
    );
    check(
        "ffmpeg:virtual?video=testsrc&size=720&rate=10#video=mjpeg",
        Place::Own,
        Output::Jpeg,
        "-re -f lavfi -i testsrc=size=1280x720:rate=10 -c:v mjpeg -huffman default -pix_fmt:v yuvj420p -q:v 5 -an -flush_packets 1 -f mjpeg pipe:1",
    );
    check(
        "ffmpeg:virtual?audio#audio=pcma",
        Place::Own,
        Output::Wav,
        "-re -f lavfi -i sine -vn -c:a pcm_alaw -ar:a 8000 -ac:a 1 -flush_packets 1 -f wav pipe:1",
    );
}

#[test]
fn srt_is_read_and_written_on_as_a_transport_stream() {
    let text = "srt://192.168.1.64:9000?passphrase=canary-word&latency=200000";
    let source = Source::parse_srt(text).unwrap();
    assert_eq!(source.to_string(), text);
    let output = source.output(&Templates::default(), Some("rtsp://x"));
    assert_eq!(output, Output::MpegTs);
    let surroundings = Surroundings { place: Place::Own, engine: None, output };
    let line = source.arguments(&Templates::default(), surroundings).join(" ");
    assert!(line.contains(&format!("-i {text} -c copy -dn -sn {TS}")), "{line}");
    let line = source
        .arguments(&Templates::default(), Surroundings { place: Place::Listed, ..surroundings })
        .join(" ");
    assert!(
        line.contains("-f concat -safe 0 -protocol_whitelist pipe,")
            && line.contains(",udp,srt -fflags")
            && line.contains("-i pipe:0 -c copy"),
        "{line}"
    );
    assert!(!line.contains("canary"), "{line}");
    assert_eq!(source.list(&Templates::default()).unwrap(), format!("ffconcat version 1.0\nfile '{text}'\n"));
    for text in ["srt://", "srt://host", "srt://host?mode=listener", "srt://host:0"] {
        assert_eq!(Source::parse_srt(text), Err(SourceError::Srt), "{text}");
    }
}

#[test]
fn a_file_may_be_read_by_a_template_of_its_own() {
    let source = Source::of_file("/media/a b#c?.mkv", "-re -stream_loop -1 -i {input}");
    let surroundings = Surroundings { place: Place::Own, engine: None, output: Output::Rtsp("rtsp://x") };
    let arguments = source.arguments(&Templates::default(), surroundings);
    let inputs: Vec<&str> = arguments.iter().map(String::as_str).skip(4).take(5).collect();
    assert_eq!(inputs, ["-re", "-stream_loop", "-1", "-i", "/media/a b#c?.mkv"]);
}

#[test]
fn what_stands_in_an_input_is_one_argument() {
    let source = Source::parse("ffmpeg:a b; rm -rf /.mp4").unwrap();
    let surroundings = Surroundings { place: Place::Own, engine: None, output: Output::MpegTs };
    assert!(source.arguments(&Templates::default(), surroundings).contains(&"a b; rm -rf /.mp4".to_owned()));
}

#[test]
fn own_templates_and_inputs_are_taken() {
    let mut templates = Templates::default();
    templates.set("mine", "-c:v libx264 -crf 30");
    templates.set("fast", "-probesize 32 -i {input}");
    let source = Source::parse("ffmpeg:http://cam/1#input=fast#video=mine").unwrap();
    let surroundings = Surroundings { place: Place::Own, engine: None, output: Output::MpegTs };
    let line = source.arguments(&templates, surroundings).join(" ");
    assert!(line.contains("-probesize 32 -i http://cam/1 -c:v libx264 -crf 30 -an"), "{line}");
}

#[test]
fn an_engine_changes_the_encoder() {
    let surroundings =
        Surroundings { place: Place::Own, engine: Some(Engine::Vaapi), output: Output::MpegTs };
    let line = line("ffmpeg:a.mp4#video=h264#hardware#height=720", surroundings);
    assert!(line.contains("-vaapi_device /dev/dri/renderD128 -re -i a.mp4 -c:v h264_vaapi"), "{line}");
    assert!(line.contains("-vf scale=-2:720,format=nv12,hwupload"), "{line}");
}

#[test]
fn the_way_back_carries_what_comes() {
    let way = |text: &str| Source::parse(text).unwrap().output(&Templates::default(), Some("rtsp://x"));
    assert_eq!(way("ffmpeg:a#video=h264#audio=opus"), Output::MpegTs);
    assert_eq!(way("ffmpeg:a#audio=opus/16000"), Output::MpegTs);
    assert_eq!(way("ffmpeg:a#audio=pcma"), Output::Wav);
    assert_eq!(way("ffmpeg:a#audio=aac"), Output::Adts);
    assert_eq!(way("ffmpeg:a#video=mjpeg"), Output::Jpeg);
    assert_eq!(way("ffmpeg:a#video=h264#audio=pcmu"), Output::Rtsp("rtsp://x"));
    assert_eq!(way("ffmpeg:a#audio=opus#audio=pcma"), Output::Rtsp("rtsp://x"));
    assert_eq!(way("ffmpeg:a"), Output::Rtsp("rtsp://x"));
    let alone = Source::parse("ffmpeg:a").unwrap();
    assert_eq!(alone.output(&Templates::default(), None), Output::MpegTs);
}

#[test]
fn what_makes_no_sense_is_refused_in_words() {
    let check = |text: &str, expected: &str| {
        let error = Source::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    check("ffmpeg:", "expected ffmpeg: and what it reads");
    check("ffmpeg:a#rotate=45", "#rotate=45: expected 90, 180, 270 or -90");
    check("ffmpeg:a#width=wide", "#width=wide: expected pixels such as 1280");
    check("ffmpeg:a#hardware=magic", "#hardware=magic: expected vaapi");
    check("ffmpeg:a#vidio=h264", "#vidio means nothing to ffmpeg sources");
}

#[test]
fn arguments_filters_and_templates_are_not_tame() {
    let tame = |text: &str| Source::parse(text).unwrap().is_tame();
    assert!(tame("ffmpeg:cam#audio=opus#query=log_level=debug"));
    assert!(tame("ffmpeg:cam#video=h264#width=640#bitrate=2M#hardware"));
    for text in [
        "#raw=-y",
        "#video=-f",
        "#input=x",
        "#drawtext=textfile=/etc/passwd",
        "#audio=output/wav",
        "#bitrate=1 -y",
    ] {
        assert!(!tame(&format!("ffmpeg:cam{text}")), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "ffmpeg:[a-z:/?&=# .'-]{0,40}") {
        if let Ok(source) = Source::parse(&text) {
            let surroundings = Surroundings { place: Place::Own, engine: None, output: source.output(&Templates::default(), None) };
            prop_assert!(!source.arguments(&Templates::default(), surroundings).is_empty());
        }
    }
}
