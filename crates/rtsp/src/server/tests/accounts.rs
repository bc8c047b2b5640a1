//! Sessions behind an account.

use super::*;
use crate::limits::AUTH_FAILURES;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

fn rig() -> Rig {
    let account = Account { username: "u".to_owned(), password: "canary".to_owned() };
    Rig::with(Options { account: Some(account), ..Options::default() }, None)
}

fn basic(password: &str) -> String {
    format!("Authorization: Basic {}", STANDARD.encode(format!("u:{password}")))
}

#[test]
fn nothing_is_told_without_the_account() {
    let mut rig = rig();
    rig.check("OPTIONS * RTSP/1.0", "200 OK");
    for request in [
        "DESCRIBE rtsp://h/cam",
        "SETUP rtsp://h/cam",
        "ANNOUNCE rtsp://h/in",
        "TEARDOWN rtsp://h/cam",
        "X *",
    ] {
        let response = rig.ask(&format!("{request} RTSP/1.0"));
        assert_eq!(line(&response), "401 Unauthorized", "{request}");
        let offers: Vec<_> = response.headers.get_all(header::WWW_AUTHENTICATE).collect();
        assert_eq!(offers.len(), 3);
    }
    assert_eq!(rig.events(), "", "not even whether there is such a stream");
    assert!(!rig.closed, "who gives no password has not guessed");
}

#[test]
fn requests_within_the_session_need_no_password() {
    let mut rig = rig();
    let authorization = basic("canary");
    rig.check(&format!("DESCRIBE rtsp://h/mono RTSP/1.0\n{authorization}"), "200 OK");
    let id = session_id(
        &rig.ask(&format!("SETUP rtsp://h/mono/trackID=0 RTSP/1.0\n{authorization}\nTransport: RTP/AVP/TCP")),
    );
    rig.check(&format!("PLAY rtsp://h/mono RTSP/1.0\nSession: {id}"), "401 Unauthorized");
    rig.check(&format!("PLAY rtsp://h/mono RTSP/1.0\nSession: {id}\n{authorization}"), "200 OK");
    rig.check(&format!("GET_PARAMETER rtsp://h/mono RTSP/1.0\nSession: {id}"), "200 OK");
    rig.check("GET_PARAMETER rtsp://h/mono RTSP/1.0\nSession: x", "401 Unauthorized");
    rig.check(&format!("TEARDOWN rtsp://h/mono RTSP/1.0\nSession: {id}"), "200 OK");
}

#[test]
fn guessing_ends_the_connection() {
    let mut rig = rig();
    for guess in 0..AUTH_FAILURES {
        assert!(!rig.closed);
        rig.check(
            &format!("DESCRIBE rtsp://h/cam RTSP/1.0\n{}", basic(&guess.to_string())),
            "401 Unauthorized",
        );
    }
    assert!(rig.closed);
    assert_eq!(rig.events(), "[error: the password was wrong 5 times]");
}

#[test]
fn the_password_shows_nowhere() {
    let mut rig = rig();
    rig.check(&format!("DESCRIBE rtsp://h/mono RTSP/1.0\n{}", basic("canary")), "200 OK");
    assert!(!format!("{:?}", rig.session).contains("canary"));
}
