use super::{Account, Candidate, Config, Layer, LogOutput, Network, Origins, Variant};
use proptest::prelude::*;
use std::time::Duration;
use tracing::Level;

fn nothing(_: &str) -> Option<String> {
    None
}

/// The configuration and its warnings.
fn read(text: &str) -> (Config, String) {
    let (config, warnings) =
        Config::parse(&[Layer::file("yeoul.yaml", text)], &nothing).expect("a right configuration");
    (config, lines(warnings.iter()))
}

/// What is said about a wrong configuration.
fn errors(text: &str) -> String {
    let error =
        Config::parse(&[Layer::file("yeoul.yaml", text)], &nothing).expect_err("a wrong configuration");
    lines(error.problems.iter())
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(errors(text).lines().collect::<Vec<_>>(), expected);
}

fn lines<'a>(problems: impl Iterator<Item = &'a super::Problem>) -> String {
    problems.map(|problem| format!("{problem}\n")).collect()
}

fn listens(config: &Config) -> [String; 3] {
    [config.api.listen, config.rtsp.listen, config.webrtc.listen]
        .map(|listen| listen.map_or("off".to_owned(), |listen| listen.to_string()))
}

#[test]
fn an_empty_file_is_the_defaults() {
    for text in ["", "# nothing\n", "---\n", "streams:\napi:\n", "{}"] {
        let (config, warnings) = read(text);
        assert_eq!(listens(&config), [":1984", ":8554", ":8555"]);
        assert_eq!(config.rtsp.default_query, "video&audio");
        assert!(config.streams.is_empty() && config.api.account.is_none());
        assert_eq!(warnings, "");
    }
}

#[test]
fn every_form_of_a_stream_is_read() {
    let (config, warnings) = read(
        "streams:
  one: rtsp://192.168.1.1/a#transport=udp
  two:
    - rtsp://192.168.1.2/a
    - rtspx://192.168.1.2/b
  three: {url: 'rtsps://192.168.1.3/'}
  four:
  \"문 앞\": [rtsp://192.168.1.4/]
",
    );
    let counts: Vec<_> =
        config.streams.iter().map(|(name, sources)| (name.as_str(), sources.sources.len())).collect();
    assert_eq!(counts, [("four", 0), ("one", 1), ("three", 1), ("two", 2), ("문 앞", 1)]);
    assert_eq!(warnings, "");
}

/// The variants of a stream, each as it is told from the others.
fn variants(config: &Config, name: &str) -> Vec<String> {
    let variants = config.streams[name].variants.iter();
    let text = |variant: &Variant| match variant {
        Variant::Copy => "copy".to_owned(),
        Variant::Stream(name) => format!("stream {name}"),
        Variant::Rendition(rendition) => format!("{rendition} at {}", rendition.bitrate()),
    };
    variants.map(text).collect()
}

#[test]
fn variants_are_read() {
    let (config, warnings) = read(
        "streams:
  cam: {variants: [cam_main, cam_sub]}
  cam_main: rtsp://192.168.1.1/main
  cam_sub: rtsp://192.168.1.1/sub
  door: {url: rtsp://192.168.1.2/, variants: [copy, 720p, 360p@600k]}
  mixed: {url: rtsp://192.168.1.3/, variants: [copy, cam_sub, 180p]}
  made: {variants: [cam_main, 360p]}
  pushed: {variants: [copy, 240p]}
  720q: rtsp://192.168.1.4/
  odd: {variants: [720q, 480p]}
  empty: {url: rtsp://192.168.1.5/, variants: }
ffmpeg: {bin: /opt/ffmpeg, max_processes: 3}
",
    );
    assert_eq!(warnings, "");
    assert_eq!(variants(&config, "cam"), ["stream cam_main", "stream cam_sub"]);
    assert_eq!(variants(&config, "door"), ["copy", "720p at 2000000", "360p at 600000"]);
    assert_eq!(variants(&config, "mixed"), ["copy", "stream cam_sub", "180p at 250000"]);
    assert_eq!(variants(&config, "made"), ["stream cam_main", "360p at 707106"]);
    assert_eq!(variants(&config, "pushed"), ["copy", "240p at 384900"]);
    assert_eq!(variants(&config, "odd"), ["stream 720q", "480p at 1088662"]);
    assert_eq!(variants(&config, "empty"), [""; 0]);
    assert_eq!((config.ffmpeg.bin.as_str(), config.ffmpeg.max_processes), ("/opt/ffmpeg", 3));
}

#[test]
fn variants_that_cannot_be_are_told_with_their_places() {
    check(
        "streams:
  cam: {variants: [cam_man, cam_sub, cam]}
  cam_main: {url: rtsp://192.168.1.1/main, variant: [copy]}
  cam_sub: rtsp://192.168.1.1/sub
  round: {variants: [trip]}
  trip:
    variants:
      - round
  late: {variants: [360p, cam_sub]}
  high: {url: rtsp://192.168.1.1/, variants: [copy, 99999p, 361p, 360p@1G, 480p, 480p@2M, coppy, x]}
  door: {url: rtsp://192.168.1.1/, variants: [copy, 240p]}
  door@240p: rtsp://192.168.1.2/
  many: {url: rtsp://192.168.1.1/, variants: [copy, 100p, 102p, 104p, 106p, 108p, 110p, 112p, 114p]}
  deep: {url: rtsp://192.168.1.1/, variants: [[copy]]}
ffmpeg: {max_processes: 0}
",
        &[
            "yeoul.yaml:3:44: unknown key variant in streams.cam_main; did you mean variants?",
            "yeoul.yaml:13:46: streams.many.variants: 9 variants; at most 8 are taken",
            "yeoul.yaml:14:47: streams.deep.variants: expected a text, got a list",
            "yeoul.yaml:15:25: ffmpeg.max_processes: expected a number from 1 to 1024, got \"0\"",
            "yeoul.yaml:2:20: streams.cam.variants: there is no stream cam_man; did you mean cam_main?",
            "yeoul.yaml:2:38: streams.cam.variants: a stream cannot be a variant of itself; what its url gives is called copy",
            "yeoul.yaml:11:53: streams.door.variants: 240p would be the stream door@240p, but there is one of that name",
            "yeoul.yaml:10:53: streams.high.variants: the height of a rendition is an even number from 64 to 4320, got \"99999p\"",
            "yeoul.yaml:10:61: streams.high.variants: the height of a rendition is an even number from 64 to 4320, got \"361p\"",
            "yeoul.yaml:10:67: streams.high.variants: the bitrate of a rendition is 50000 to 50000000 bits a second, such as 800k or 2M, got \"360p@1G\"",
            "yeoul.yaml:10:82: streams.high.variants: 480p@2M is given twice",
            "yeoul.yaml:10:91: streams.high.variants: there is no stream coppy; did you mean copy?",
            "yeoul.yaml:10:98: streams.high.variants: there is no stream x; expected copy, a height such as 720p or 720p@2M, or the name of another stream",
            "yeoul.yaml:9:21: streams.late.variants: 360p is made of another quality, and there is none before it: add a url, or put a stream first",
            "yeoul.yaml:5:22: streams.round.variants: trip is itself made of others (line 8); name streams that have a source of their own",
            "yeoul.yaml:8:9: streams.trip.variants: round is itself made of others (line 5); name streams that have a source of their own",
        ],
    );
}

#[test]
fn a_later_layer_replaces_a_stream_with_its_variants() {
    let layers = [
        Layer::file("yeoul.yaml", "streams: {cam: {url: rtsp://192.168.1.1/, variants: [copy, 360p]}}"),
        Layer::file("other.yaml", "streams: {cam: rtsp://192.168.1.2/}"),
    ];
    let (config, _) = Config::parse(&layers, &nothing).expect("a right configuration");
    assert_eq!(config.streams["cam"].sources.len(), 1);
    assert_eq!(variants(&config, "cam"), [""; 0]);
}

#[test]
fn programs_and_templates_of_sources_are_read() {
    let (config, warnings) = read(
        "exec: {enabled: true}\necho: {allow_paths: [/opt/find]}\nffmpeg: {h264: '-c:v libx264', mine: '-i {input}'}\n",
    );
    assert_eq!(warnings, "");
    assert!(config.exec.permit("anything") && config.echo.permit("/opt/find") && !config.echo.permit("find"));
    let template = |name: &str| config.ffmpeg.templates.get(name);
    assert_eq!(template("h264").as_deref(), Some("-c:v libx264"));
    assert_eq!(template("mine").as_deref(), Some("-i {input}"));
    let error = Config::parse(
        &[Layer::file(
            "yeoul.yaml",
            "exec: {enabled: maybe, paths: []}\nstreams: {a: 'exec:', b: 'gopher://c'}\n",
        )],
        &nothing,
    );
    let error = error.expect_err("a wrong configuration").to_string();
    for part in [
        "exec.enabled: expected true or false, got \"maybe\"",
        "unknown key paths in exec; known are enabled, allow_paths",
        "streams.a: expected a program with its arguments behind the colon",
        "streams.b: unknown scheme gopher; known are echo, exec, ffmpeg, file, http",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_planned_scheme_is_a_warning() {
    let (config, warnings) = read("streams:\n  cam:\n    - homekit://192.168.1.2\n");
    assert_eq!(config.streams["cam"].sources.len(), 1);
    assert_eq!(warnings, "yeoul.yaml:3:7: streams.cam: sources of scheme homekit are not supported yet\n");
}

#[test]
fn all_errors_are_told_at_once_with_their_places() {
    let text = "api:
  listn: :1984
  listen: 1984
  local_auth: maybe
rtsp: {listen: ':8554', pkt_size: 100}
stream:
  cam: rtsp://192.168.1.1/
streams:
  a: rtps://user:secret@192.168.1.1/
  b: 192.168.1.1
  c: {ulr: rtsp://192.168.1.1/}
  d: [[rtsp://192.168.1.1/]]
webrtc:
  candidates: [1.2.3:8555]
log:
  level: loud
";
    check(
        text,
        &[
            "yeoul.yaml:2:3: unknown key listn in api; did you mean listen?",
            r#"yeoul.yaml:3:11: api.listen: expected an address to listen on such as ":1984" or "127.0.0.1:1984", or "" for none, got "1984""#,
            r#"yeoul.yaml:4:15: api.local_auth: expected true or false, got "maybe""#,
            r#"yeoul.yaml:5:35: rtsp.pkt_size: expected a number from 188 to 65000, got "100""#,
            "yeoul.yaml:6:1: unknown key stream; did you mean streams?",
            "yeoul.yaml:9:6: streams.a: unknown scheme rtps; known are echo, exec, ffmpeg, file, http, https, httpx, onvif, rtmp, rtmps, rtmpx, rtsp, rtsps, rtspx, srt, tcp, udp, webrtc",
            "yeoul.yaml:10:6: streams.b: expected a URL such as rtsp://user:password@192.168.1.10/stream1, got a text without a scheme",
            "yeoul.yaml:11:7: unknown key ulr in streams.c; did you mean url?",
            "yeoul.yaml:12:7: streams.d: expected a text, got a list",
            r#"yeoul.yaml:14:16: webrtc.candidates: expected host:port, such as 203.0.113.7:8555 or home.example.com:8555, got "1.2.3:8555""#,
            r#"yeoul.yaml:16:10: log.level: expected one of trace, debug, info, warn, error, disabled, fatal, panic, got "loud""#,
        ],
    );
}

#[test]
fn broken_yaml_is_told_with_its_place() {
    check("api:\n  listen: ':1984\n", &["yeoul.yaml:2:11: not valid YAML: unclosed quote"]);
    check(
        "streams:\n  a: rtsp://1/\n  a: rtsp://2/\n",
        &["yeoul.yaml:3:3: a is given twice; the first is at line 2"],
    );
    check(
        "a: 1\n---\nb: 2\n",
        &["yeoul.yaml:2:1: a second document (---) begins here; a configuration is one document"],
    );
    check("- a\n", &["yeoul.yaml:1:1: expected keys with values, got a list"]);
    check("a: &a [*a]\n", &["yeoul.yaml:1:8: an alias (*name) whose anchor (&name) is not complete yet"]);
    check(&"[".repeat(100), &["yeoul.yaml:1:100: not valid YAML: unclosed bracket '['"]);
}

#[test]
fn unknown_keys_name_the_known_ones() {
    check(
        "rtsp:\n  password_file: /x\n",
        &[
            "yeoul.yaml:2:3: unknown key password_file in rtsp; known are listen, username, password, default_query, pkt_size",
        ],
    );
}

#[test]
fn an_account_needs_both_parts() {
    check(
        "api:\n  username: admin\nrtsp:\n  password: x\n",
        &[
            "yeoul.yaml:2:3: api.username is given without api.password",
            "yeoul.yaml:4:3: rtsp.password is given without rtsp.username",
        ],
    );
    check(
        "api:\n  username: a:b\n  password: x\n",
        &["yeoul.yaml:2:3: api.username: a user name cannot have a colon (RFC 7617 §2)"],
    );
    let (config, _) = read("api: {username: admin, password: 0123}\nrtsp: {username: '', password: ''}\n");
    let expected = Account { username: "admin".to_owned(), password: "0123".to_owned() };
    assert_eq!(config.api.account, Some(expected), "a password is what was written, not a number");
    assert_eq!(config.rtsp.account, None);
}

#[test]
fn no_error_shows_a_password() {
    let text = "api: {username: u, password: [canary]}\nstreams: {a: 'rtps://u:canary@h/', b: 'canary'}\n";
    let said = errors(text);
    assert!(!said.contains("canary"), "{said}");
    let (config, _) = read("api: {username: u, password: canary}\nrtsp: {username: u, password: canary}\n");
    assert!(!format!("{config:?}").contains("canary"));
}

/// What Home Assistant writes (its go2rtc integration), with its random names replaced.
#[test]
fn home_assistant_configuration_works() {
    let (config, warnings) = read(
        r#"app:
  modules: ["api","exec","ffmpeg","http","mjpeg","onvif","rtmp","rtsp","srtp","webrtc","ws"]

api:
  listen: ""
  unix_listen: "/run/go2rtc/go2rtc.sock"
  allow_paths: ["/", "/api", "/api/frame.jpeg", "/api/schemes", "/api/streams", "/api/webrtc", "/api/ws"]
  local_auth: true
  username: d2a1c1e5
  password: 7d1c7ad4

exec:
  allow_paths:
    - ffmpeg

rtsp:
  listen: "127.0.0.1:18554"

webrtc:
  listen: ":18555/tcp"
  ice_servers: []
"#,
    );
    assert_eq!(listens(&config), ["off", "127.0.0.1:18554", ":18555"]);
    assert_eq!((config.webrtc.udp, config.webrtc.tcp), (false, true));
    assert!(config.api.local_auth && config.api.account.is_some());
    assert_eq!(config.api.allow_paths.as_ref().map(Vec::len), Some(7));
    assert_eq!(warnings, "");
    assert!(config.exec.permit("ffmpeg") && !config.exec.permit("sh") && !config.echo.permit("ffmpeg"));
}

/// What Frigate writes.
#[test]
fn frigate_configuration_works() {
    let (config, warnings) = read(
        "streams: {back: ['rtsp://u:p@10.0.0.2/main']}
api: {origin: '*'}
webrtc: {candidates: ['192.168.1.10:8555', 'stun:8555']}
log: {format: text}
hass: {config: /homeassistant}
rtsp: {default_query: 'mp4'}
ffmpeg: {path: default, bin: /usr/lib/ffmpeg/7.0/bin/ffmpeg}
",
    );
    assert_eq!(config.api.origins, Origins::Any);
    assert_eq!(config.rtsp.default_query, "mp4");
    let address = "192.168.1.10:8555".parse().map(Candidate::Address);
    assert_eq!(config.webrtc.candidates, [address.expect("an address")]);
    assert_eq!(
        warnings,
        "yeoul.yaml:3:44: webrtc.candidates: asking a STUN server for the public address is not supported yet; name the address itself
yeoul.yaml:5:1: hass is not supported yet and has no effect
"
    );
}

#[test]
fn webrtc_is_read() {
    let (config, warnings) = read(
        "webrtc:
  listen: 0.0.0.0:8555/udp
  candidates: ['[2001:db8::1]:8555', Home.example.com:8555]
  filters:
    candidates: []
    loopback: true
    networks: [udp4, tcp6]
    ips: [192.168.1.2, '::1']
    interfaces: [eno1]
",
    );
    let webrtc = &config.webrtc;
    assert_eq!((webrtc.udp, webrtc.tcp), (true, false));
    assert_eq!(webrtc.candidates[1], Candidate::Name { host: "home.example.com".to_owned(), port: 8555 });
    assert_eq!(webrtc.filters.candidates.as_deref(), Some(&[][..]));
    assert_eq!(webrtc.filters.networks.as_deref(), Some(&[Network::Udp4, Network::Tcp6][..]));
    assert!(webrtc.filters.loopback);
    assert_eq!(warnings, "");
}

#[test]
fn logs_access_and_defaults_are_read() {
    let (config, _) = read(
        "log: {level: warn, rtsp: trace, ffmpeg: error, output: 'file:/tmp/a.log', time: ''}
access: [private, 100.64.0.0/10]
stream_defaults: {linger: 1m, buffer_size: 8MB, buffer_duration: 10}
api: {base_path: /rtc/, origin: [https://example.com/], hosts: [Cam.example.com]}
",
    );
    assert_eq!(config.log.level, Some(Level::WARN));
    assert_eq!(config.log.modules["rtsp"], Some(Level::TRACE));
    assert_eq!(config.log.output, LogOutput::File("/tmp/a.log".into()));
    assert_eq!(config.access.networks.len(), 1);
    assert_eq!(config.stream_defaults.linger, Duration::from_secs(60));
    assert_eq!(config.stream_defaults.buffer_size, 8 << 20);
    assert_eq!(config.stream_defaults.buffer_duration, Duration::from_secs(10));
    assert_eq!(config.api.base_path, "/rtc");
    assert_eq!(config.api.origins, Origins::These(vec!["https://example.com".to_owned()]));
    assert_eq!(config.api.hosts, ["cam.example.com"]);
}

#[test]
fn hls_is_read_and_its_bounds_are_told() {
    let (config, warnings) =
        read("hls: {low_latency: false, part_duration: 500ms, segment_duration: 2, window: 1m}");
    let expected = super::Hls {
        enabled: true,
        low_latency: false,
        part_duration: Duration::from_millis(500),
        segment_duration: Duration::from_secs(2),
        window: Duration::from_secs(60),
    };
    assert_eq!((config.hls, warnings.as_str()), (expected, ""));
    check(
        "hls:
  part_duration: 10ms
  segment_duration: 1h
  windw: 10
",
        &[
            "yeoul.yaml:2:18: hls.part_duration: expected a duration from 100ms to 1s such as 500ms, 10s or 5m, got \"10ms\"",
            "yeoul.yaml:3:21: hls.segment_duration: expected a duration from 500ms to 20s such as 500ms, 10s or 5m, got \"1h\"",
            "yeoul.yaml:4:3: unknown key windw in hls; did you mean window?",
        ],
    );
    assert!(!read("app: {modules: [api, rtsp]}").0.hls.enabled);
}

#[test]
fn later_layers_win_key_by_key() {
    let layers = [
        Layer::file(
            "a.yaml",
            "api: {listen: ':1', base_path: /a}\nstreams: {one: rtsp://1/, two: rtsp://2/}\n",
        ),
        Layer::inline("{\"api\": {\"listen\": \":2\"}}").expect("JSON"),
        Layer::inline("rtsp.listen=127.0.0.1:3").expect("an assignment"),
        Layer::inline("streams.two=").expect("an assignment"),
        Layer::inline("webrtc.listen=").expect("an assignment"),
    ];
    let (config, _) = Config::parse(&layers, &nothing).expect("a right configuration");
    assert_eq!(listens(&config), [":2", "127.0.0.1:3", "off"]);
    assert_eq!(config.api.base_path, "/a");
    assert_eq!(config.streams["one"].sources.len(), 1);
    assert_eq!(config.streams["two"].sources.len(), 0);
    assert!(Layer::inline("/etc/yeoul=1.yaml").is_none() && Layer::inline("yeoul.yaml").is_none());
}

#[test]
fn an_error_on_the_command_line_points_into_the_argument() {
    let layer = Layer::inline("api.listen=nowhere").expect("an assignment");
    let error = Config::parse(&[layer], &nothing).expect_err("a wrong value");
    assert!(error.to_string().starts_with("--config:1:12: api.listen: expected an address"), "{error}");
}

#[test]
fn references_are_replaced_and_become_secrets() {
    let environment = |name: &str| (name == "CAM_PASS").then(|| "p: #1".to_owned());
    let text = "env: {NAS: 10.0.0.9}
api: {username: admin, password: '${CAM_PASS}', listen: ':${PORT:1985}'}
streams: {a: [rtsp://u@${NAS}/${PATH_OF_A:live}], b: 'rtsp://h/${UNKNOWN}'}
";
    let (config, _) =
        Config::parse(&[Layer::file("y.yaml", text)], &environment).expect("a right configuration");
    assert_eq!(config.api.account.as_ref().map(|account| account.password.as_str()), Some("p: #1"));
    assert_eq!(listens(&config)[0], ":1985");
    assert!(config.secrets.0.iter().any(|secret| secret == "p: #1"));
    assert!(config.secrets.0.iter().any(|secret| secret == "10.0.0.9"));
    assert!(
        !config.secrets.0.iter().any(|secret| secret == "1985"),
        "a default stands in the file, readable"
    );
}

#[test]
fn anchors_and_merge_keys_work() {
    let (config, _) = read("x: &x {listen: ':7'}\napi:\n  <<: *x\n".replace("x: &x", "rtsp: &x").as_str());
    assert_eq!(listens(&config)[..2], [":7", ":7"]);
}

#[test]
fn tls_needs_all_its_parts() {
    let (config, warnings) =
        read("api: {tls_listen: ':8443', tls_cert: /etc/cert.pem, tls_key: /etc/key.pem}");
    let tls = config.api.tls.as_ref().expect("TLS");
    assert_eq!((tls.listen.to_string(), tls.key.as_str()), (":8443".to_owned(), "/etc/key.pem"));
    assert_eq!(warnings, "");
    assert!(config.secrets.0.is_empty(), "a path is no secret");
    let (config, _) = read(
        "api:\n  tls_listen: ':1'\n  tls_cert: a\n  tls_key: |\n    -----BEGIN PRIVATE KEY-----\n    k\n",
    );
    assert!(config.secrets.0.iter().any(|secret| secret.contains("PRIVATE KEY")));
    assert!(!format!("{config:?}").contains("PRIVATE"));
    assert!(read("api: {tls_cert: a, tls_key: b}").0.api.tls.is_none(), "nowhere to listen");
    check(
        "api: {tls_listen: ':8443'}",
        &["yeoul.yaml:1:7: api.tls_listen is given without api.tls_cert and api.tls_key"],
    );
    check("api: {tls_cert: a}", &["yeoul.yaml:1:7: api.tls_cert is given without api.tls_key"]);
    check("api: {tls_key: a}", &["yeoul.yaml:1:7: api.tls_key is given without api.tls_cert"]);
    let (config, _) = read("app: {modules: [rtsp]}\napi: {tls_listen: ':8443', tls_cert: a, tls_key: b}");
    assert!(config.api.tls.is_none());
}

/// Every key of every section, as the surface of go2rtc lists them.
#[test]
fn every_key_of_go2rtc_is_known() {
    let text = "
app: {modules: [api, rtsp, webrtc]}
env: {A: b}
api: {listen: ':1984', username: a, password: b, local_auth: true, base_path: '', static_dir: '', origin: '', tls_listen: '', tls_cert: '', tls_key: '', unix_listen: '', allow_paths: [/api]}
rtsp: {listen: ':8554', username: a, password: b, default_query: 'video&audio', pkt_size: 1200}
webrtc: {listen: ':8555', candidates: [], ice_servers: [{urls: ['stun:a:1'], username: a, credential: b}], filters: {candidates: [], loopback: false, interfaces: [], ips: [], networks: [], udp_ports: [1, 2]}}
streams: {a: }
preload: {a: video}
publish: {a: rtmp://b/c}
ffmpeg: {bin: ffmpeg, anything: else}
log: {level: info, format: '', output: stdout, time: UNIXMS, exec: debug}
hass: {config: /config}
homekit: {a: {pin: 19550224}}
rtmp: {listen: ''}
srtp: {listen: ':8443'}
webtorrent: {trackers: [], shares: {}}
ngrok: {command: x}
pinggy: {tunnel: x}
echo: {allow_paths: []}
exec: {allow_paths: []}
wyoming: {a: {listen: ':1'}}
xiaomi: {a: b}
";
    let (_, warnings) = read(text);
    assert_eq!(warnings.lines().count(), 10, "{warnings}");
}

#[test]
fn rtmp_listens_only_where_that_is_configured() {
    assert_eq!(read("").0.rtmp.listen, None);
    let (config, warnings) = read("rtmp: {listen: ':1935', username: u, password: canary}");
    assert_eq!(config.rtmp.listen.map(|listen| listen.to_string()).as_deref(), Some(":1935"));
    assert!(config.rtmp.account.is_some() && warnings.is_empty());
    assert!(config.secrets.0.iter().any(|secret| secret == "canary"));
    check("rtmp: {username: u}", &["yeoul.yaml:1:8: rtmp.username is given without rtmp.password"]);
    check("rtmp: {lisen: ':1'}", &["yeoul.yaml:1:8: unknown key lisen in rtmp; did you mean listen?"]);
}

#[test]
fn streams_are_preloaded() {
    let (config, warnings) = read("streams: {a: , b: }\npreload: {a: , b: video=h264, c: audio}");
    let preloaded: Vec<_> =
        config.preload.iter().map(|(name, query)| (name.as_str(), query.as_str())).collect();
    assert_eq!(preloaded, [("a", "video&audio"), ("b", "video=h264"), ("c", "audio")]);
    assert_eq!(warnings, "yeoul.yaml:2:31: preload.c: there is no stream of this name\n");
    check(
        "preload: {a: sound}",
        &[
            r#"yeoul.yaml:1:14: preload.a: expected tracks such as video, audio or video=h264&audio, got "sound""#,
        ],
    );
}

#[test]
fn streams_are_published_to_other_servers() {
    let (config, warnings) =
        read("streams: {a: }\npublish: {a: [rtmp://h/live/k, 'rtmps://u:canary@h/live/k'], b: rtmp://h/l}");
    assert_eq!(config.publish["a"].len(), 2);
    assert!(config.secrets.0.iter().any(|secret| secret == "canary"));
    assert_eq!(warnings, "yeoul.yaml:2:62: publish.b: there is no stream of this name\n");
    check(
        "streams: {a: }\npublish: {a: 'srt://h:9'}",
        &[
            "yeoul.yaml:2:14: publish.a: expected the URL of a server to publish to, of one of the schemes rtmp, rtmps, rtmpx, rtsp, rtsps, rtspx, whip",
        ],
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = Config::parse(&[Layer::file("f", &text)], &nothing);
        let _ = Layer::inline(&text).map(|layer| Config::parse(&[layer], &nothing));
    }

    #[test]
    fn no_shape_panics(text in "((api|streams|webrtc|log|listen|candidates|a|<<|&a|\\*a|\\$\\{A:b\\}|[:\\-\\[\\]{},#'\"\n ]| |\n  |: ){0,40})") {
        let _ = Config::parse(&[Layer::file("f", &text)], &|_| Some("x".to_owned()));
    }
}

/// The example that people copy, as it is and with everything that is commented out.
#[test]
fn the_example_is_right() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../yeoul.example.yaml");
    let text = std::fs::read_to_string(path).expect("the example");
    let (_, warnings) = read(&text);
    assert_eq!(warnings, "");
    let setting = |line: &str| {
        let (indent, rest) = line.split_once("# ").filter(|(indent, _)| indent.trim().is_empty())?;
        let (item, key) = (rest.trim_start(), rest.split_once(':').map_or("", |(key, _)| key));
        let is_key = !key.is_empty() && !key.contains([' ', '`', '.', '/']);
        (item.starts_with("- ") || is_key).then(|| format!("{indent}{rest}\n"))
    };
    let all: String = text.lines().map(|line| setting(line).unwrap_or_else(|| format!("{line}\n"))).collect();
    let value = |_: &str| Some("a-long-password".to_owned());
    let (config, warnings) =
        Config::parse(&[Layer::file("all", &all)], &value).expect("a right configuration");
    assert_eq!(lines(warnings.iter()), "");
    assert!(config.api.account.is_some() && !config.webrtc.candidates.is_empty(), "{all}");
}
