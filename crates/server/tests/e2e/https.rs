//! HTTPS, with HTTP/2 and HTTP/1.1, as curl speaks them.

use crate::harness::{Camera, Output, SECOND, Yeoul, free_ports, run};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::PathBuf;

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Certificate and key of `localhost`, in files.
fn certificate() -> (PathBuf, PathBuf) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    let folder = std::env::temp_dir().join(format!("yeoul-e2e-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let paths = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&paths.0, pem("CERTIFICATE", certificate.der())).expect("a file");
    std::fs::write(&paths.1, pem("PRIVATE KEY", &key.serialize_der())).expect("a file");
    paths
}

#[test]
fn curl_speaks_http_2_and_1_over_tls() {
    let camera = Camera::start(&["--size", "640x360"]);
    let [port] = free_ports();
    let (certificate, key) = certificate();
    let server = Yeoul::start(&format!(
        "streams: {{cam: '{}'}}\napi: {{listen: '127.0.0.1:API_PORT', tls_listen: '127.0.0.1:{port}', tls_cert: '{}', tls_key: '{}'}}\n",
        camera.url(),
        certificate.display(),
        key.display()
    ));
    let trusted = certificate.display().to_string();
    let curl = |arguments: &[&str], path: &str| {
        let url = format!("https://localhost:{port}/{path}");
        let common = ["-sS", "--cacert", &trusted, "-w", "\n%{http_version} %{http_code} %{size_download}"];
        run("curl", &[&common[..], arguments, &[&url]].concat(), SECOND * 60)
    };
    for (version, tells) in [("--http2", "\n2 200 "), ("--http1.1", "\n1.1 200 ")] {
        let Output { stdout, stderr, .. } = curl(&[version], "api/streams");
        assert!(stdout.contains(tells) && stdout.contains("\"cam\""), "{version}: {stdout} {stderr}");
        // Four seconds of an endless file.
        let Output { stdout, stderr, .. } =
            curl(&[version, "-o", "/dev/null", "-m", "4"], "api/stream.mp4?src=cam");
        let size: u64 = stdout.rsplit(' ').next().and_then(|size| size.parse().ok()).expect("a size");
        assert!(stdout.contains(tells) && size > 10_000, "{version}: {stdout} {stderr}");
    }
    // Many requests on one connection.
    let urls: Vec<String> = (0..50).map(|_| format!("https://localhost:{port}/api/schemes")).collect();
    let arguments: Vec<&str> =
        ["-sS", "--http2", "--parallel", "--cacert", &trusted, "-w", "%{num_connects}\n"]
            .into_iter()
            .chain(urls.iter().map(String::as_str))
            .collect();
    let Output { stdout, stderr, .. } = run("curl", &arguments, SECOND * 30);
    assert_eq!(stdout.matches("rtsp").count() / 3, 50, "{stdout} {stderr}");
    let refused = run("curl", &["-sS", &format!("http://localhost:{port}/api")], SECOND * 30);
    assert!(!refused.status.success(), "plain HTTP is no answer here: {}", refused.stdout);
    server.end();
}
