//! What servers answer, as a client takes it.

use super::{ClientSession, ErrorKind, Input, Output};
use crate::amf::Value;
use crate::fanout::Purpose;
use crate::link::{Link, Received};
use crate::message::status;
use crate::url::Source;
use std::time::{Duration, Instant};
use yeoul_testkit::epoch;

/// A server that says what a test wants.
struct Server {
    link: Link,
    session: ClientSession,
    now: Instant,
    error: Option<super::Error>,
}

impl Server {
    fn new(url: &str, purpose: Purpose) -> Self {
        let source = Source::parse(url).unwrap();
        let session = ClientSession::new(epoch(), source, purpose, 7);
        Self { link: Link::server(8), session, now: epoch(), error: None }
    }

    /// Passes bytes to and fro; gives the commands that the client has sent, and what else it wants done.
    fn exchange(&mut self) -> (Vec<String>, Vec<Output>) {
        let (mut commands, mut outputs) = (Vec::new(), Vec::new());
        loop {
            let mut moved = false;
            loop {
                match self.session.poll_output() {
                    Output::Send(bytes) => {
                        moved = true;
                        self.link.push(&bytes).unwrap();
                    }
                    Output::Reconnect => self.link = Link::server(8),
                    Output::Wait(_) => break,
                    Output::Close => {
                        outputs.push(Output::Close);
                        break;
                    }
                    other @ (Output::Publishing { .. }
                    | Output::Tracks(_)
                    | Output::Frame(_)
                    | Output::Note(_)) => outputs.push(other),
                }
            }
            while let Some(received) = self.link.pull().unwrap() {
                if let Received::Command { command, .. } = received {
                    let name = command.text(0).map(|name| format!(" {name}")).unwrap_or_default();
                    let app = command.values.iter().find_map(|value| value.get("app")).and_then(Value::text);
                    let query =
                        app.and_then(|app| app.split_once('?')).map(|(_, query)| format!(" ?{query}"));
                    commands.push(format!("{}{name}{}", command.name, query.unwrap_or_default()));
                }
            }
            if let Some(bytes) = self.link.take_output() {
                moved = true;
                if let Err(error) = self.session.handle_input(self.now, Input::Received(&bytes)) {
                    self.error = Some(error);
                }
            }
            if !moved {
                return (commands, outputs);
            }
        }
    }

    fn answer(&mut self, name: &str, transaction: f64, value: Value) -> Vec<String> {
        self.link.command(0, name, transaction, vec![Value::Null, value]);
        self.exchange().0
    }

    fn check_error(&self, kind: ErrorKind, text: &str) {
        let error = self.error.as_ref().expect("it has failed");
        assert_eq!((error.kind, error.text.as_str()), (kind, text));
    }
}

#[test]
fn a_player_goes_its_way() {
    let mut server = Server::new("rtmp://cam:1935/live/main?user=u", Purpose::Play);
    assert_eq!(server.exchange().0, ["connect"]);
    assert_eq!(server.answer("_result", 1.0, Value::Null), ["createStream"]);
    assert_eq!(server.answer("_result", 4.0, Value::Number(1.0)), ["play main?user=u"]);
    server.link.command(1, "onStatus", 0.0, vec![Value::Null, status("status", "NetStream.Play.Start", "")]);
    server.exchange();
    server.session.handle_input(server.now, Input::Stop).unwrap();
    let (commands, outputs) = server.exchange();
    assert_eq!(commands, ["deleteStream"]);
    assert!(matches!(outputs.last(), Some(Output::Close)));
}

#[test]
fn a_publisher_says_what_encoders_say() {
    let mut server = Server::new("rtmp://h/live/key", Purpose::Publish);
    server.exchange();
    assert_eq!(
        server.answer("_result", 1.0, Value::Null),
        ["releaseStream key", "FCPublish key", "createStream"]
    );
    assert_eq!(server.answer("_result", 4.0, Value::Number(3.0)), ["publish key"]);
    server.link.command(
        3,
        "onStatus",
        0.0,
        vec![Value::Null, status("status", "NetStream.Publish.Start", "")],
    );
    let (_, outputs) = server.exchange();
    assert!(matches!(outputs[..], [Output::Publishing { message_stream: 3 }]), "{outputs:?}");
    // It has nothing to say as long as it takes what it gets.
    server.session.handle_input(server.now + Duration::from_secs(60), Input::Timeout).unwrap();
}

#[test]
fn refusals_are_told_with_what_to_do_and_without_the_key() {
    let mut server = Server::new("rtmp://h/live/secret-key", Purpose::Publish);
    server.exchange();
    server.answer("_result", 1.0, Value::Null);
    server.answer("_result", 4.0, Value::Number(1.0));
    let refusal = status("error", "NetStream.Publish.BadName", "access of secret-key denied");
    server.link.command(1, "onStatus", 0.0, vec![Value::Null, refusal]);
    server.exchange();
    server.check_error(
        ErrorKind::Unauthorized,
        "h:1935 refused publish: NetStream.Publish.BadName access of *** denied; check user name, password or key in the URL",
    );
}

#[test]
fn a_server_that_asks_for_the_account_in_steps_is_told_it() {
    let rejected = |description| status("error", "NetConnection.Connect.Rejected", description);
    let mut server = Server::new("rtmp://alice:secret@h/live/key", Purpose::Publish);
    assert_eq!(server.exchange().0, ["connect"]);
    let commands = server.answer("_error", 1.0, rejected("[ code=403 need auth; authmod=adobe ] : "));
    assert_eq!(commands, ["connect ?authmod=adobe&user=alice"]);
    let challenge = "[ authmod=adobe ] : ?reason=needauth&user=alice&salt=s&challenge=c&opaque=o";
    let commands = server.answer("_error", 1.0, rejected(challenge));
    assert_eq!(commands.len(), 1, "{commands:?}");
    assert!(commands[0].starts_with("connect ?authmod=adobe&user=alice&challenge="), "{commands:?}");
    assert!(commands[0].ends_with("&opaque=o") && !commands[0].contains("secret"), "{commands:?}");
    assert_eq!(
        server.answer("_result", 1.0, Value::Null),
        ["releaseStream key", "FCPublish key", "createStream"]
    );
    assert_eq!(server.error, None);
}

#[test]
fn a_wrong_password_is_told_once() {
    let rejected = |description| status("error", "NetConnection.Connect.Rejected", description);
    let mut server = Server::new("rtmp://alice:secret@h/live/key", Purpose::Publish);
    server.exchange();
    server.answer("_error", 1.0, rejected("[ authmod=adobe ] : ?reason=needauth&salt=s&challenge=c"));
    server.answer("_error", 1.0, rejected("[ authmod=adobe ] : ?reason=authfailed"));
    server.check_error(
        ErrorKind::Unauthorized,
        "h:1935 refused connect: NetConnection.Connect.Rejected [ authmod=adobe ] : ?reason=authfailed; check user name, password or key in the URL",
    );
}

#[test]
fn what_is_not_there_is_told() {
    let mut server = Server::new("rtmp://h/live/cam", Purpose::Play);
    server.exchange();
    server.answer("_error", 1.0, status("error", "NetConnection.Connect.InvalidApp", ""));
    server.check_error(
        ErrorKind::NotFound,
        "h:1935 refused connect: NetConnection.Connect.InvalidApp; check the path in the URL",
    );
}

#[test]
fn silence_has_an_end() {
    let mut server = Server::new("rtmp://h/live/cam#timeout=3", Purpose::Play);
    let late = epoch() + Duration::from_secs(3);
    let error = server.session.handle_input(late, Input::Timeout).unwrap_err();
    assert_eq!(error.text, "h:1935 did not answer the handshake within 3 s");
    let mut server = Server::new("rtmp://h/live/cam", Purpose::Play);
    server.exchange();
    let error = server.session.handle_input(server.now, Input::Closed).unwrap_err();
    assert_eq!(
        (error.kind, error.text.as_str()),
        (ErrorKind::Retry, "h:1935 closed the connection before it answered connect")
    );
}

#[test]
fn another_protocol_is_a_violation() {
    let mut server = Server::new("rtmp://h/live/cam", Purpose::Play);
    let error = server.session.handle_input(server.now, Input::Received(b"HTTP/1.1 400")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::PeerViolation);
}
