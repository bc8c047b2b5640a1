//! Addresses, and a server of which every answer is chosen.

use super::dial::Content;
use super::*;
use crate::policy::Route;
use crate::streams::ErrorKind;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use yeoul_container::sniff::Form;
use yeoul_hub::{Stream, StreamOptions};

#[test]
fn an_address_is_taken_apart() {
    let source =
        Source::parse("httpx://u%40x:p%3Aw@[::1]:8443/a?b=1#header=X-Token: a: b#header=Y:c").unwrap();
    assert_eq!(source.url.as_str(), "https://[::1]:8443/a?b=1");
    let account = source.account.as_ref().unwrap();
    assert_eq!((account.username.as_str(), account.password.as_str()), ("u@x", "p:w"));
    assert_eq!(
        (source.tls, source.headers.len(), source.peer()),
        (Tls::Unchecked, 2, "[::1]:8443".to_owned())
    );
    assert!(!format!("{source:?}").contains("p%3Aw"));
}

#[test]
fn what_is_no_address_is_refused_in_words() {
    let check = |text: &str, expected: &str| {
        assert_eq!(Source::parse(text).unwrap_err().to_string(), expected, "{text}");
    };
    check("http://", "expected an address such as http://192.168.1.64/video.mjpeg");
    check("tcp://cam", "expected an address such as tcp://192.168.1.64:9000");
    check(
        "http://cam/#header=secret",
        "#header=secret: …: expected a name and a value such as #header=X-Token: abc",
    );
    check("http://cam/#heading=a", "#heading means nothing to an HTTP source; known is header");
}

#[test]
fn the_content_type_tells() {
    assert_eq!(Content::of("image/jpeg"), Content::Picture);
    assert_eq!(Content::of("multipart/x-mixed-replace;boundary=x"), Content::Stream(Form::Multipart));
    assert_eq!(Content::of("Application/VND.apple.mpegurl"), Content::Playlist);
    assert_eq!(Content::of("application/octet-stream"), Content::Unknown);
    assert!(matches!(Content::of("audio/L16; rate=16000;channels=2"), Content::Stream(Form::Pcm(_))));
}

/// A server that gives these answers, one for each request; the requests it saw come with its address.
async fn server(answers: Vec<String>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (requests, own) = (Arc::clone(&seen), address.clone());
    tokio::spawn(async move {
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(socket.read_u8().await.unwrap());
            }
            requests.lock().unwrap().push(String::from_utf8(request).unwrap());
            let answer = answer.replace("OWN", &own);
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, seen)
}

async fn dial(text: &str, route: Route) -> (ErrorKind, String) {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let attach = stream.sources()[0].attach();
    let source = Source::parse(text).unwrap();
    let error = run(&source, route, attach, CancellationToken::new()).await.unwrap_err();
    (error.kind, error.text)
}

const WORDS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n\
    <html><body>This camera wants to be updated before it shows you anything at all.</body></html>";

#[tokio::test]
async fn digest_is_answered_and_words_are_quoted() {
    let challenge = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\
        WWW-Authenticate: Digest realm=\"cam\", nonce=\"abc\", qop=\"auth\"\r\nContent-Length: 0\r\n\r\n";
    let (address, seen) = server(vec![challenge.to_owned(), WORDS.to_owned()]).await;
    let (kind, text) =
        dial(&format!("http://me:secret@{address}/v?a=1#header=X-Id: 7"), Route::of_owner()).await;
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(text.starts_with(&format!("{address} gives what cannot be read: this is neither")), "{text}");
    assert!(text.contains("it begins with \"<html><body>This camera"), "{text}");
    let requests = seen.lock().unwrap();
    assert!(requests[0].starts_with("GET /v?a=1 HTTP/1.1\r\n") && !requests[0].contains("Authorization"));
    assert!(requests[1].contains("Authorization: Digest username=\"me\"") && requests[1].contains("X-Id: 7"));
    assert!(!requests[1].contains("secret"));
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_tried_again() {
    let challenge =
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
    let (address, seen) = server(vec![challenge.to_owned(); 2]).await;
    let (kind, text) = dial(&format!("http://me:secret@{address}/"), Route::of_owner()).await;
    assert_eq!(kind, ErrorKind::Unauthorized);
    assert_eq!(text, format!("{address} answers 401 Unauthorized; user name or password are wrong"));
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn redirects_keep_the_password_to_themselves() {
    let (other, seen) = server(vec![WORDS.to_owned()]).await;
    let there = format!("HTTP/1.1 302 Found\r\nLocation: http://{other}/b\r\nContent-Length: 0\r\n\r\n");
    let (address, _) = server(vec![there]).await;
    dial(&format!("http://me:secret@{address}/#header=X-Token: secret"), Route::of_owner()).await;
    let requests = seen.lock().unwrap();
    assert!(requests[0].starts_with("GET /b ") && !requests[0].to_lowercase().contains("x-token"));
}

#[tokio::test]
async fn redirects_in_circles_end() {
    let circle = "HTTP/1.1 302 Found\r\nLocation: http://OWN/\r\nContent-Length: 0\r\n\r\n";
    let (address, _) = server(vec![circle.to_owned(); 8]).await;
    let (kind, text) = dial(&format!("http://{address}/"), Route::of_owner()).await;
    assert_eq!((kind, text), (ErrorKind::PeerViolation, format!("{address} redirects in circles")));
}

#[tokio::test]
async fn another_host_cannot_send_us_to_this_machine() {
    let (address, seen) = server(vec![WORDS.to_owned()]).await;
    let mut route = Route::of_owner();
    // As after a redirect from there.
    route.came_to("192.0.2.1".parse().unwrap());
    let (kind, text) = dial(&format!("http://{address}/"), route).await;
    assert_eq!(kind, ErrorKind::PeerViolation);
    assert!(
        text.contains("is where 192.0.2.1 sends us, but 127.0.0.1 is an address of our own surroundings")
    );
    let (_, text) = dial(&format!("http://{address}/"), Route::of_caller(std::sync::Arc::default())).await;
    assert!(text.contains("such an address has to stand in the configuration"), "{text}");
    assert!(seen.lock().unwrap().is_empty(), "nobody was asked");
}
