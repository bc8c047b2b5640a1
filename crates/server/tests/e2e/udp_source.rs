//! Transport streams over UDP and SRT, sent by ffmpeg.

use crate::harness::{SECOND, Tool, Yeoul, free_ports, wait_until};
use crate::sources::{H264, Watcher, check, check_webrtc, command_line, made, reason};

/// ffmpeg sends without end to this address.
fn sender(form: &str, url: &str) -> Tool {
    let source = made("ts.ts", &[&H264[..], &["-c:a", "aac"]].concat());
    let input = ["-v", "error", "-re", "-stream_loop", "-1", "-i", source.to_str().expect("a path")];
    Tool::start("ffmpeg", &[&input[..], &["-c", "copy", "-f", form, url]].concat())
}

#[test]
fn transport_streams_come_by_udp() {
    let [bare, group, rtp, silent] = free_ports::<4>();
    let server = Yeoul::start(&format!(
        "webrtc: {{listen: '127.0.0.1:WEBRTC_PORT', candidates: ['127.0.0.1:WEBRTC_PORT']}}
streams:
  bare: 'udp://:{bare}'
  again: 'udp://:{bare}'
  group: 'udp://@239.255.77.1:{group}#interface=127.0.0.1'
  rtp: 'udp://127.0.0.1:{rtp}#from=127.0.0.1'
  silent: 'udp://127.0.0.1:{silent}#timeout=1'
"
    ));
    let _senders = [
        sender("mpegts", &format!("udp://127.0.0.1:{bare}?pkt_size=1316")),
        sender("mpegts", &format!("udp://239.255.77.1:{group}?pkt_size=1316&localaddr=127.0.0.1&ttl=0")),
        sender("rtp_mpegts", &format!("rtp://127.0.0.1:{rtp}")),
    ];
    for name in ["bare", "group", "rtp"] {
        check(&server, name, "aac h264");
    }
    check_webrtc(&server, "rtp");
    reason(&server, "silent", &format!("127.0.0.1:{silent} has received nothing for 1 s"));
    let _watcher = Watcher::start(&server, "bare");
    reason(
        &server,
        "again",
        &format!("port {bare} is in use by another program, or by another stream of this server"),
    );
    let producers = server.get("/api/streams");
    assert!(producers.contains("mpegts+rtp+udp") && producers.contains("mpegts+udp"), "{producers}");
    assert!(server.end() < SECOND * 2);
}

#[test]
fn what_is_no_transport_stream_is_told() {
    let [port] = free_ports::<1>();
    let server = Yeoul::start(&format!("streams: {{x: 'udp://127.0.0.1:{port}'}}"));
    let source = made("ts.ts", &[&H264[..], &["-c:a", "aac"]].concat());
    let url = format!("rtp://127.0.0.1:{port}");
    let input = ["-v", "error", "-re", "-stream_loop", "-1", "-i", source.to_str().expect("a path")];
    let _sender = Tool::start("ffmpeg", &[&input[..], &["-an", "-c", "copy", "-f", "rtp", &url]].concat());
    reason(&server, "x", "receives RTP of payload type 96, expected MPEG-TS (33)");
}

#[test]
fn srt_is_called_and_waited_for_with_a_passphrase() {
    let [called, waiting] = free_ports::<2>();
    let server = Yeoul::start(&format!(
        "webrtc: {{listen: '127.0.0.1:WEBRTC_PORT', candidates: ['127.0.0.1:WEBRTC_PORT']}}
streams:
  called: 'srt://127.0.0.1:{called}?passphrase=canary-word&latency=200000'
  waiting: 'srt://127.0.0.1:{waiting}?mode=listener&passphrase=canary-word'
  wrong: 'srt://127.0.0.1:{called}?passphrase=canary-other'
"
    ));
    let listener = format!("srt://127.0.0.1:{called}?mode=listener&passphrase=canary-word");
    let listening = sender("mpegts", &listener);
    check(&server, "called", "aac h264");
    check_webrtc(&server, "called");
    // Whoever can list processes learns no passphrase.
    let commands: Vec<String> = server.child_ids().into_iter().map(command_line).collect();
    assert!(commands.iter().any(|line| line.contains("-i pipe:0")), "{commands:?}");
    assert!(commands.iter().all(|line| !line.contains("canary")), "{commands:?}");
    let all = server.get("/api/streams");
    assert!(!all.contains("canary") && !server.log().contains("canary"), "{all}\n{}", server.log());
    drop(listening);
    let watcher = Watcher::start(&server, "waiting");
    let bound = format!(":{waiting:04X} ");
    wait_until("ffmpeg listens", SECOND * 20, || {
        std::fs::read_to_string("/proc/net/udp").expect("the sockets").contains(&bound)
    });
    let calling = sender("mpegts", &format!("srt://127.0.0.1:{waiting}?passphrase=canary-word"));
    check(&server, "waiting", "aac h264");
    drop((watcher, calling));
    reason(&server, "wrong", &format!("srt://127.0.0.1:{called}?passphrase=***: Input/output error"));
}
