//! Target of `yeoul`: its configuration, which is the owner's, but whose errors must be told and not panic.

use yeoul::config::{Config, Layer};

/// A file, and an argument of `--config`.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lookup = |name: &str| name.starts_with('A').then(|| name.to_lowercase());
    for layer in [Some(Layer::file("fuzz.yaml", &text)), Layer::inline(&text)].into_iter().flatten() {
        match Config::parse(&[layer], &lookup) {
            Ok((_, warnings)) => assert!(warnings.iter().all(|warning| warning.place.line > 0)),
            Err(error) => assert!(!error.problems.is_empty()),
        }
    }
}

/// Seeds of [`config`].
pub fn config_seeds() -> Vec<Vec<u8>> {
    let example = include_str!("../../yeoul.example.yaml");
    let flow =
        "{api: {listen: ':1', username: a, password: '${A}'}, streams: {a: [rtsp://h/], b: {url: x}, c: }}";
    let anchors = "rtsp: &r {listen: \":1\"}\napi:\n  <<: [*r, {base_path: /a}]\nlog: {level: ${B:info}}\n";
    let webrtc = "webrtc:\n  candidates: [1.2.3.4:5, stun:8555]\n  filters: {ips: ['::1'], networks: [udp4]}\naccess: open\n";
    [example, flow, anchors, webrtc, "api.listen=:8080"].map(|text| text.as_bytes().to_vec()).to_vec()
}
