//! The session itself.

use super::{Error, Input, MESSAGE_STREAM, Output, Refusal, RefusalKind, Request};
use crate::amf::Value;
use crate::enhanced::capabilities;
use crate::limits::{IDLE_COMMANDS, PING_INTERVAL, PUBLISHER_SILENCE, SETUP_TIMEOUT, URL_BYTES};
use crate::link::{Link, Received};
use crate::message::{Command, UserControl, status};
use crate::receive::{Media, Receiving};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The server's side of one connection.
#[derive(Debug)]
pub struct ServerSession {
    link: Link,
    /// Why this peer may not use the server at all.
    refusal: Option<String>,
    role: Role,
    /// Before it has, it has not been told how large our chunks are.
    is_connected: bool,
    app: String,
    tc_url: String,
    user_agent: Option<String>,
    media: VecDeque<Media>,
    idle_commands: u32,
    last_heard: Instant,
    /// When a player is asked for a sign of life.
    ping_at: Instant,
    outputs: VecDeque<Output>,
    closing: bool,
}

/// What the client is.
#[derive(Debug)]
enum Role {
    /// Nothing yet, or no more.
    Nobody,
    /// It has asked to play or publish, and waits.
    Waiting(Wish),
    Player,
    Publisher(Box<Receiving>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Play,
    Publish,
}

impl ServerSession {
    /// A session on a connection that was accepted at `now`. `refusal` is the sentence for a peer that may not use the server;
    /// `seed` is random.
    #[must_use]
    pub fn new(now: Instant, refusal: Option<String>, seed: u64) -> Self {
        Self {
            link: Link::server(seed),
            refusal,
            role: Role::Nobody,
            is_connected: false,
            app: String::new(),
            tc_url: String::new(),
            user_agent: None,
            media: VecDeque::new(),
            idle_commands: 0,
            last_heard: now,
            ping_at: now + PING_INTERVAL,
            outputs: VecDeque::new(),
            closing: false,
        }
    }

    /// Takes an input; drain [`ServerSession::poll_output`] after it.
    ///
    /// # Errors
    /// Why the connection ends now. The outputs that are left hold the last answer and [`Output::Close`].
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Error> {
        if self.closing {
            return Ok(());
        }
        let result = match input {
            Input::Received(bytes) => self.received(now, bytes),
            Input::Playing(answer) => {
                self.playing(now, answer);
                Ok(())
            }
            Input::Accepted(answer) => {
                self.accepted(now, answer);
                Ok(())
            }
            Input::Media(bytes) => {
                if matches!(self.role, Role::Player) {
                    self.send_now();
                    self.outputs.push_back(Output::Send(bytes.clone()));
                }
                Ok(())
            }
            Input::End(sentence) => {
                self.end(&sentence);
                Ok(())
            }
            Input::Timeout => self.timeout(now),
        };
        if result.is_err() {
            self.stop();
            self.closing = true;
        }
        self.send_now();
        result
    }

    /// What is to be done next; [`Output::Wait`] and [`Output::Close`] are the last of a row.
    pub fn poll_output(&mut self) -> Output {
        match self.outputs.pop_front() {
            Some(output) => output,
            None if self.closing => Output::Close,
            None => Output::Wait(self.next_timeout()),
        }
    }

    /// What the client says it is.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// Answers go out in front of what follows them.
    fn send_now(&mut self) {
        if let Some(bytes) = self.link.take_output() {
            self.outputs.push_back(Output::Send(bytes));
        }
    }

    /// How long the client may be silent; a player may be for ever, as long as it takes what it gets.
    fn patience(&self) -> Option<Duration> {
        match self.role {
            Role::Nobody => Some(SETUP_TIMEOUT),
            Role::Publisher(_) => Some(PUBLISHER_SILENCE),
            Role::Waiting(_) | Role::Player => None,
        }
    }

    fn next_timeout(&self) -> Instant {
        self.patience().map_or(self.ping_at, |patience| self.last_heard + patience)
    }

    fn timeout(&mut self, now: Instant) -> Result<(), Error> {
        if let Some(patience) = self.patience()
            && now.saturating_duration_since(self.last_heard) >= patience
        {
            return Err(Error::Silent(patience));
        }
        if now >= self.ping_at {
            self.ping_at = now + PING_INTERVAL;
            if matches!(self.role, Role::Player) {
                self.link.user_control(UserControl::PingRequest, &[0]);
            }
        }
        Ok(())
    }

    fn received(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Error> {
        if matches!(self.role, Role::Publisher(_)) {
            self.last_heard = now;
        }
        self.link.push(bytes)?;
        while let Some(received) = self.link.pull()? {
            match received {
                Received::Welcome => self.last_heard = now,
                Received::Command { stream, command } => self.command(now, stream, &command)?,
                Received::Tag { kind, timestamp_ms, body } => {
                    self.idle_commands = 0;
                    if let Role::Publisher(receiving) = &mut self.role {
                        receiving.take(now, kind, timestamp_ms, &body, &mut self.media);
                        self.hand_on();
                    }
                }
                Received::EndOfStream => {}
            }
            if self.closing {
                break;
            }
        }
        Ok(())
    }

    fn hand_on(&mut self) {
        self.send_now();
        while let Some(media) = self.media.pop_front() {
            self.outputs.push_back(match media {
                Media::Tracks(codecs) => Output::Tracks(codecs),
                Media::Frame(frame) => Output::Frame(frame),
                Media::Note(text) => Output::Note(text),
            });
        }
    }

    fn command(&mut self, now: Instant, stream: u32, command: &Command) -> Result<(), Error> {
        self.idle_commands += 1;
        if self.idle_commands > IDLE_COMMANDS {
            return Err(crate::Error::IdleCommands.into());
        }
        match command.name.as_str() {
            "connect" => self.connect(command)?,
            "createStream" => {
                self.answer(command.transaction, Value::Null, Value::Number(MESSAGE_STREAM.into()));
            }
            // Courtesies of encoders and players, which some wait for an answer to.
            "releaseStream" | "FCPublish" | "FCUnpublish" | "FCSubscribe" | "_checkbw" => {
                self.answer(command.transaction, Value::Null, Value::Undefined);
            }
            // Live: there is no length.
            "getStreamLength" => self.answer(command.transaction, Value::Null, Value::Number(0.0)),
            "play" | "publish" if !self.is_connected => {}
            "play" => self.wish(now, Wish::Play, stream, command),
            "publish" => self.wish(now, Wish::Publish, stream, command),
            "pause" => self.pause(command),
            "closeStream" | "deleteStream" => self.delete_stream(now),
            // Answers to our pings and whatever else there is.
            _ => {}
        }
        Ok(())
    }

    fn answer(&mut self, transaction: f64, properties: Value, information: Value) {
        self.link.command(0, "_result", transaction, vec![properties, information]);
    }

    fn connect(&mut self, command: &Command) -> Result<(), Error> {
        let of = |name: &str| {
            let text = command.values.first().and_then(|object| object.get(name)).and_then(Value::text);
            text.map(|text| text.chars().take(URL_BYTES / 4).collect::<String>())
        };
        self.app = of("app").unwrap_or_default();
        self.tc_url = of("tcUrl").unwrap_or_default();
        self.user_agent = of("flashVer").map(|text| text.chars().take(100).collect());
        if let Some(sentence) = self.refusal.take() {
            let information = status("error", "NetConnection.Connect.Rejected", &sentence);
            self.link.command(0, "_error", command.transaction, vec![Value::Null, information]);
            return Err(Error::Refused(sentence));
        }
        self.link.announce(true);
        self.is_connected = true;
        let mut properties = vec![
            ("fmsVer".to_owned(), Value::from("FMS/3,0,1,123")),
            ("capabilities".to_owned(), Value::Number(31.0)),
        ];
        properties.extend(capabilities());
        let mut information = status("status", "NetConnection.Connect.Success", "connected");
        if let Value::Object(entries) = &mut information {
            entries.push(("objectEncoding".to_owned(), Value::Number(0.0)));
        }
        self.answer(command.transaction, Value::Object(properties), information);
        Ok(())
    }

    fn wish(&mut self, now: Instant, wish: Wish, stream: u32, command: &Command) {
        self.idle_commands = 0;
        self.last_heard = now;
        let name = command.text(0).unwrap_or_default();
        if !matches!(self.role, Role::Nobody) || stream != MESSAGE_STREAM || name.len() > URL_BYTES {
            let sentence = "one stream at a time, in the message stream that createStream gave";
            self.on_status(
                "error",
                if wish == Wish::Play { "NetStream.Play.Failed" } else { "NetStream.Publish.BadName" },
                sentence,
            );
            return;
        }
        let request = Request::new(&self.app, &self.tc_url, name);
        self.role = Role::Waiting(wish);
        self.send_now();
        self.outputs.push_back(match wish {
            Wish::Play => Output::Play(request),
            Wish::Publish => Output::Publish(request),
        });
    }

    fn playing(&mut self, now: Instant, answer: Result<Bytes, Refusal>) {
        if !matches!(self.role, Role::Waiting(Wish::Play)) {
            return;
        }
        match answer {
            Ok(start) => {
                self.role = Role::Player;
                self.ping_at = now + PING_INTERVAL;
                self.link.user_control(UserControl::StreamBegin, &[MESSAGE_STREAM]);
                self.on_status("status", "NetStream.Play.Reset", "playing and resetting");
                self.on_status("status", "NetStream.Play.Start", "playing");
                // Flash asks whether it may look at sound and picture.
                let mut access = BytesMut::new();
                Value::from("|RtmpSampleAccess").write(&mut access);
                [true, true].map(Value::Boolean).iter().for_each(|value| value.write(&mut access));
                self.link.data(MESSAGE_STREAM, &access);
                self.send_now();
                self.outputs.push_back(Output::Send(start));
            }
            Err(refusal) => self.refuse(Wish::Play, &refusal),
        }
    }

    fn accepted(&mut self, now: Instant, answer: Result<(), Refusal>) {
        if !matches!(self.role, Role::Waiting(Wish::Publish)) {
            return;
        }
        match answer {
            Ok(()) => {
                self.role = Role::Publisher(Box::default());
                self.last_heard = now;
                self.link.user_control(UserControl::StreamBegin, &[MESSAGE_STREAM]);
                self.on_status("status", "NetStream.Publish.Start", "publishing");
            }
            Err(refusal) => self.refuse(Wish::Publish, &refusal),
        }
    }

    /// Says why not, and closes: whoever asks again connects again, and cannot guess passwords on one connection.
    fn refuse(&mut self, wish: Wish, refusal: &Refusal) {
        let code = match (wish, refusal.kind) {
            (Wish::Play, RefusalKind::NotFound) => "NetStream.Play.StreamNotFound",
            (Wish::Play, RefusalKind::Unauthorized | RefusalKind::Unavailable) => "NetStream.Play.Failed",
            (Wish::Publish, RefusalKind::NotFound | RefusalKind::Unavailable) => "NetStream.Publish.BadName",
            (Wish::Publish, RefusalKind::Unauthorized) => "NetStream.Publish.Denied",
        };
        self.role = Role::Nobody;
        self.on_status("error", code, &refusal.sentence);
        self.closing = true;
    }

    fn on_status(&mut self, level: &str, code: &str, description: &str) {
        let values = vec![Value::Null, status(level, code, description)];
        self.link.command(MESSAGE_STREAM, "onStatus", 0.0, values);
    }

    fn pause(&mut self, command: &Command) {
        if !matches!(self.role, Role::Player) {
            return;
        }
        let paused = matches!(command.values.get(1), Some(Value::Boolean(true)));
        let code = if paused { "NetStream.Pause.Notify" } else { "NetStream.Unpause.Notify" };
        self.on_status("status", code, "as asked for");
        self.send_now();
        self.outputs.push_back(Output::Pause(paused));
    }

    fn delete_stream(&mut self, now: Instant) {
        self.last_heard = now;
        if matches!(self.role, Role::Publisher(_)) {
            self.on_status("status", "NetStream.Unpublish.Success", "no longer published");
        }
        self.stop();
    }

    /// Ends what is played or published, not the connection.
    fn stop(&mut self) {
        match std::mem::replace(&mut self.role, Role::Nobody) {
            Role::Nobody => {}
            Role::Waiting(_) | Role::Player => self.outputs.push_back(Output::Stop),
            Role::Publisher(mut receiving) => {
                receiving.finish(&mut self.media);
                self.hand_on();
                self.outputs.push_back(Output::Stop);
            }
        }
    }

    /// Ends the connection from our side.
    fn end(&mut self, sentence: &str) {
        match self.role {
            Role::Player => {
                self.on_status("status", "NetStream.Play.UnpublishNotify", sentence);
                self.link.user_control(UserControl::StreamEof, &[MESSAGE_STREAM]);
            }
            Role::Publisher(_) => self.on_status("error", "NetStream.Publish.BadName", sentence),
            Role::Waiting(Wish::Play) => self.on_status("error", "NetStream.Play.Failed", sentence),
            Role::Waiting(Wish::Publish) => self.on_status("error", "NetStream.Publish.BadName", sentence),
            Role::Nobody => {}
        }
        self.send_now();
        self.stop();
        self.closing = true;
    }
}
