//! ONVIF: a device nobody here wrote (oxvif's), whose stream is a real RTSP camera; and our streams as a device for its client.

use crate::harness::{Camera, SECOND, Tool, Yeoul, clip, free_ports, run, wait_until};
use crate::sources::{check, codecs, made, reason};
use jiff::Timestamp;
use oxvif::OnvifClient;
use oxvif::metamorph::FixtureStore;
use oxvif::mock::{DiscoveryResponder, MockServer};
use std::net::{Ipv4Addr, TcpStream};
use tokio::runtime::Runtime;
use yeoul_onvif::media::{Media, get_snapshot_uri, get_stream_uri};
use yeoul_onvif::{Credentials, Operation, UsernameToken};

/// A device, served by a runtime that ends with it.
struct Device {
    server: MockServer,
    runtime: Runtime,
}

impl Device {
    /// One whose users are `admin` with this password, and whose first profile leads to these addresses.
    fn start(password: &str, stream: &str, picture: &str) -> Self {
        let credentials = Credentials { username: "admin".to_owned(), password: password.to_owned() };
        let mut answers = FixtureStore::new("camera");
        let mut lead = |name: &str, operation: &Operation, uri: &str| {
            let token = UsernameToken::new(&credentials, [7; 16], Timestamp::UNIX_EPOCH);
            answers.record(
                &format!("http://www.onvif.org/ver10/media/wsdl/{name}"),
                &operation.envelope(Some(&token)),
                &format!(
                    "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body><{name}Response><MediaUri><Uri>{uri}</Uri>\
                     </MediaUri></{name}Response></s:Body></s:Envelope>"
                ),
            );
        };
        lead("GetStreamUri", &get_stream_uri(Media::One, "Profile_1"), stream);
        lead("GetSnapshotUri", &get_snapshot_uri(Media::One, "Profile_1"), picture);
        let runtime = Runtime::new().expect("a runtime");
        let server = MockServer::builder().enforce_auth(true).replay(answers);
        let server = runtime.block_on(server.start()).expect("a device");
        server.device().modify(|state| state.users[0].password = password.to_owned());
        Self { server, runtime }
    }

    /// Its source: `onvif://admin:canary-word@127.0.0.1:1234/onvif/device`.
    fn source(&self, account: &str) -> String {
        self.server.device_url().replace("http://", &format!("onvif://{account}@"))
    }
}

#[test]
fn a_camera_is_watched_by_every_protocol() {
    let arguments = ["--fps", "25", "--audio", "aac", "--user", "admin", "--password", "canary-word"];
    let camera = Camera::start(&[&["--file", &clip("1080p25-gop2")], &arguments[..]].concat());
    let picture = made(
        "picture.jpg",
        &["-frames:v", "1", "-update", "1", "-huffman", "default", "-pix_fmt", "yuvj420p"],
    );
    let folder = picture.parent().expect("a folder").to_str().expect("a path");
    let [files] = free_ports();
    let port = files.to_string();
    let _files = Tool::start(
        "/usr/bin/python3",
        &["-m", "http.server", "--bind", "127.0.0.1", "--directory", folder, &port],
    );
    wait_until("the file server", SECOND * 20, || TcpStream::connect(("127.0.0.1", files)).is_ok());
    // The address of the camera has the account in it; the device's has none, and its host is the one of no machine.
    let path =
        camera.url().rsplit_once('@').map_or(camera.url().trim_start_matches("rtsp://"), |(_, rest)| rest);
    let stream = format!("rtsp://{}", path.replace("127.0.0.1", "0.0.0.0"));
    let device = Device::start("canary-word", &stream, &format!("http://127.0.0.1:{files}/picture.jpg"));
    let source = device.source("admin:canary-word");
    let wrong = device.source("admin:canary-wrong");
    let server = Yeoul::start(&format!(
        "webrtc: {{listen: '127.0.0.1:WEBRTC_PORT', candidates: ['127.0.0.1:WEBRTC_PORT']}}
streams:
  main: '{source}'
  token: '{source}?subtype=Profile_1#media=video'
  picture: '{source}?subtype=0&snapshot'
  absent: '{source}?subtype=9'
  wrong: '{wrong}'
"
    ));
    check(&server, "main", "aac h264");
    check(&server, "token", "h264");
    check(&server, "picture", "mjpeg");
    let whep = server.http("main/whep");
    let load = ["load", &whep, "--viewers", "1", "--seconds", "2", "--warmup", "0", "--json"];
    let report = run(env!("CARGO_BIN_EXE_yeoul"), &load, SECOND * 60);
    assert!(report.stdout.contains("\"playing\":1"), "{}{}", report.stdout, report.stderr);
    reason(&server, "absent", "has no profile 9; it has 0: Profile_1 (mainStream, 1920x1080 H264 25 fps");
    reason(&server, "wrong", "user name or password are wrong");
    let listed = server.get("/api/onvif?src=main");
    assert!(
        listed.contains("\"info\":\"704x480 H264 15 fps\"") && listed.contains("?subtype=Profile_2\""),
        "{listed}"
    );
    assert!(listed.contains("?subtype=Profile_1&snapshot\"") && !listed.contains("canary"), "{listed}");
    let refused = server.get(&format!("/api/onvif?src={}", device.source("me:mine")));
    assert!(refused.contains("such an address has to stand in the configuration"), "{refused}");
    assert!(!server.log().contains("canary"), "{}", server.log());
    assert!(server.end() < SECOND * 2);
}

#[test]
fn a_camera_is_moved() {
    let device = Device::start("canary-word", "rtsp://127.0.0.1:1/", "http://127.0.0.1:1/");
    let source = device.source("admin:canary-word");
    let server = Yeoul::start(&format!("streams: {{cam: '{source}', other: 'rtsp://127.0.0.1:1/'}}"));
    let order = |query: &str| {
        let (status, _, body) = server.ask("POST", &format!("api/ptz?{query}"), "Content-Length: 0\r\n");
        (status, String::from_utf8(body).expect("text"))
    };
    let position = || {
        let state = device.server.device().read();
        let node = state.ptz_nodes[0].token.clone();
        state.ptz.channel(&node).map(|channel| (channel.pan, channel.tilt, channel.zoom)).expect("a head")
    };
    assert_eq!(order("src=cam&operation=GotoHomePosition"), (200, String::new()), "{}", server.log());
    let home = position();
    assert_eq!(order("src=cam&operation=ContinuousMove&pan=1&timeout=0.2"), (200, String::new()));
    let moved = position();
    assert!(moved.0 > home.0 && (moved.1 - home.1).abs() < f32::EPSILON, "{home:?} {moved:?}");
    assert_eq!(order("src=cam&operation=Stop"), (200, String::new()));
    let presets: serde_json::Value = serde_json::from_str(&server.get("/api/ptz?src=cam")).expect("JSON");
    let preset = presets["presets"][0]["token"].as_str().expect("a preset");
    assert_eq!(order(&format!("src=cam&operation=GotoPreset&preset={preset}")), (200, String::new()));
    device.server.inject_fault("GotoPreset", "ter:NoToken", "there is no such preset");
    let (status, text) = order("src=cam&operation=GotoPreset&preset=nowhere");
    assert!(
        text.starts_with("127.0.0.1:") && text.ends_with(" refuses: there is no such preset\n"),
        "{text}"
    );
    assert_eq!(status, 404);
    assert_eq!(order("src=other&operation=Stop"), (400, "the stream other has no onvif source\n".to_owned()));
    assert_eq!(order("src=none&operation=Stop"), (404, "stream not found\n".to_owned()));
    assert!(!server.log().contains("canary"), "{}", server.log());
}

#[test]
fn cameras_are_found() {
    let device = Device::start("x", "rtsp://127.0.0.1:1/", "http://127.0.0.1:1/");
    let found = oxvif::DiscoveredDevice {
        endpoint: "urn:uuid:11111111-2222-4333-8444-555555555555".to_owned(),
        types: vec!["dn:NetworkVideoTransmitter".to_owned()],
        scopes: ["name/Front%20Door", "hardware/X100"]
            .map(|scope| format!("onvif://www.onvif.org/{scope}"))
            .to_vec(),
        xaddrs: vec![device.server.device_url().to_owned()],
    };
    let responder = DiscoveryResponder::spawn_many("0.0.0.0:3702", Some(Ipv4Addr::LOCALHOST), vec![found]);
    let _responder = device.runtime.block_on(responder).expect("a responder");
    let arguments = ["discover", "--interface", "127.0.0.1", "--seconds", "2"];
    let output = run(env!("CARGO_BIN_EXE_yeoul"), &arguments, SECOND * 30);
    let expected = format!("{}  Front Door X100\n", device.source("user:pass"));
    assert_eq!((output.stdout, output.status.code()), (expected, Some(0)), "{}", output.stderr);
    let url = device.source("admin:x");
    let output = run(env!("CARGO_BIN_EXE_yeoul"), &["discover", &url], SECOND * 30);
    let sub_stream = output.stdout.lines().nth(1).unwrap_or_default();
    assert!(
        sub_stream.contains("subtype=Profile_2 ") && sub_stream.ends_with(" 704x480 H264 15 fps"),
        "{}{}",
        output.stdout,
        output.stderr
    );
    assert!(!output.stdout.contains("admin:x"), "{}", output.stdout);
}

#[test]
fn our_streams_are_profiles_for_others() {
    let camera = Camera::start(&["--file", &clip("1080p25-gop2"), "--fps", "25"]);
    let server = Yeoul::start(&format!("streams: {{'front door': '{}', idle: }}", camera.url()));
    let runtime = Runtime::new().expect("a runtime");
    let device = server.http("onvif/device_service");
    let uri = runtime.block_on(async {
        let client = OnvifClient::new(&device);
        let information = client.get_device_info().await.expect("what it is");
        assert_eq!(information.manufacturer, "Yeoul");
        client.get_system_date_and_time().await.expect("its clock");
        let capabilities = client.get_capabilities().await.expect("its services");
        let media = capabilities.media.url.expect("a media service");
        let profiles = client.get_profiles(&media).await.expect("its profiles");
        let tokens: Vec<&str> = profiles.iter().map(|profile| profile.token.as_str()).collect();
        assert_eq!(tokens, ["front door", "idle"]);
        let picture = client.get_snapshot_uri(&media, "front door").await.expect("a picture");
        assert_eq!(picture.uri, server.http("api/frame.jpeg?src=front%20door"));
        let error = client.get_stream_uri(&media, "none").await.expect_err("no such stream").to_string();
        assert!(error.contains("there is no stream none"), "{error}");
        client.system_reboot().await.expect_err("nobody ends us so");
        client.get_stream_uri(&media, "front door").await.expect("a stream").uri
    });
    assert_eq!(codecs(&uri), "h264");
}
