//! Publishing to RTSP servers that nobody here wrote, and to our own.

use crate::harness::{Camera, Output, SECOND, Tool, Yeoul, clip, decode, free_ports, run, wait_until};

fn camera() -> Camera {
    Camera::start(&["--file", &clip("1080p25-gop2"), "--fps", "25", "--audio", "aac"])
}

/// Three seconds have their pictures and their sound, however the clients cut them.
fn check((pictures, sounds): (usize, usize)) {
    assert!((69..=79).contains(&pictures), "{pictures} pictures in 3 s of 25/s");
    assert!((130..=150).contains(&sounds), "{sounds} frames of sound in 3 s of 46.9/s");
}

/// A server that takes one stream (`ANNOUNCE`, `RECORD`) and counts the buffers that it gets of each track.
const GSTREAMER: &str = r#"
import sys
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

Gst.init(None)
server = GstRtspServer.RTSPServer.new()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
factory = GstRtspServer.RTSPMediaFactory.new()
factory.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
factory.set_launch(
    "( rtph264depay name=depay0 ! h264parse ! avdec_h264 ! fakesink name=pictures signal-handoffs=true sync=false"
    "  rtpmp4gdepay name=depay1 ! aacparse ! avdec_aac ! fakesink name=sound signal-handoffs=true sync=false )"
)
counts = {}

def count(sink, *_):
    counts[sink.get_name()] = counts.get(sink.get_name(), 0) + 1
    print(sink.get_name(), counts[sink.get_name()], flush=True)

def configure(_, media):
    for name in ("pictures", "sound"):
        media.get_element().get_by_name(name).connect("handoff", count)

factory.connect("media-configure", configure)
if len(sys.argv) > 2:
    auth = GstRtspServer.RTSPAuth.new()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken.new()
    token.set_string("media.factory.role", "user")
    auth.add_digest("u", "p", token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions.new()
    permissions.add_permission_for_role("user", "media.factory.access", True)
    permissions.add_permission_for_role("user", "media.factory.construct", True)
    factory.set_permissions(permissions)
server.get_mount_points().add_factory("/live", factory)
server.attach(None)
print("ready", flush=True)
GLib.MainLoop().run()
"#;

fn gstreamer(port: u16, account: bool) -> Tool {
    let port = port.to_string();
    let mut arguments = vec!["-c", GSTREAMER, &port];
    arguments.extend(account.then_some("account"));
    let tool = Tool::start("/usr/bin/python3", &arguments);
    wait_until("GStreamer's server listens", SECOND * 20, || tool.said().contains("ready"));
    tool
}

#[test]
fn gstreamers_server_takes_a_stream_with_an_account_and_again_when_it_comes_back() {
    let [port] = free_ports();
    let took = |server: &Tool, what: &str, count: u32| {
        wait_until(what, SECOND * 40, || server.said().contains(&format!("{what} {count}\n")));
    };
    let camera = camera();
    let server = gstreamer(port, true);
    let yeoul = Yeoul::start(&format!(
        "streams: {{cam: '{}'}}\npublish: {{cam: 'rtsp://u:p@127.0.0.1:{port}/live'}}",
        camera.url()
    ));
    took(&server, "pictures", 75);
    took(&server, "sound", 130);
    assert_eq!(yeoul.publishes("cam"), ["live"]);
    drop(server);
    wait_until("told", SECOND * 30, || yeoul.publishes("cam") != ["live"]);
    let server = gstreamer(port, false);
    took(&server, "pictures", 25);
    assert!(!yeoul.log().contains("u:p@"), "{}", yeoul.log());
    assert!(yeoul.end() < SECOND * 2);
}

#[test]
fn ffmpeg_that_listens_takes_a_stream() {
    let [port] = free_ports();
    let camera = camera();
    let target = format!("rtsp://127.0.0.1:{port}/live");
    let _yeoul = Yeoul::start(&format!("streams: {{cam: '{}'}}\npublish: {{cam: '{target}'}}", camera.url()));
    let arguments = ["-v", "error", "-rtsp_flags", "listen", "-i", &target, "-t", "3", "-f", "framecrc", "-"];
    let Output { stdout, stderr, .. } = run("ffmpeg", &arguments, SECOND * 60);
    let count = |stream: &str| stdout.lines().filter(|line| line.starts_with(stream)).count();
    assert!(count("0,") >= 60 && count("1,") >= 110, "{stdout}{stderr}");
}

#[test]
fn a_stream_goes_from_one_server_of_ours_to_another() {
    let camera = camera();
    let receiver = Yeoul::start(
        "streams: {in: }\nrtsp: {listen: '127.0.0.1:RTSP_PORT', username: u, password: swordfish}\n",
    );
    let at = |password: &str| format!("rtsp://u:{password}@127.0.0.1:{}/in", receiver.rtsp_port());
    let sender = Yeoul::start(&format!(
        "streams: {{cam: '{}'}}\npublish: {{cam: ['{}', '{}']}}",
        camera.url(),
        at("wrong"),
        at("swordfish")
    ));
    wait_until("both are tried", SECOND * 30, || sender.publishes("cam") == ["failed", "live"]);
    check(decode(&at("swordfish"), 3));
    let told = sender.get("/api/streams?src=cam");
    assert!(told.contains("refused the password for user u") && !told.contains("swordfish"), "{told}");
    assert!(sender.end() < SECOND * 2);
    wait_until("the receiver is told", SECOND * 5, || {
        receiver.get("/api/streams?src=in").contains("\"state\": \"idle\"")
    });
}
