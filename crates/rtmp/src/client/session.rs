//! The session itself.

use super::auth::Account;
use super::{Error, ErrorKind, Input, Output};
use crate::amf::Value;
use crate::enhanced::four_ccs;
use crate::fanout::Purpose;
use crate::link::{Link, Received};
use crate::message::{Command, UserControl};
use crate::receive::{Media, Receiving};
use crate::url::Source;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use yeoul_media::Kind;

/// Transactions of what we ask.
const CONNECT: f64 = 1.0;
const RELEASE_STREAM: f64 = 2.0;
const FC_PUBLISH: f64 = 3.0;
const CREATE_STREAM: f64 = 4.0;
const PLAY: f64 = 5.0;

/// How far ahead a server may send, as we tell it: live streams have no more.
const BUFFER_MS: u32 = 3000;

/// A session with an RTMP server.
#[derive(Debug)]
pub struct ClientSession {
    source: Source,
    purpose: Purpose,
    /// Host and port, for sentences.
    peer_name: String,
    seed: u64,
    account: Account,
    link: Link,
    state: State,
    message_stream: u32,
    receiving: Receiving,
    media: VecDeque<Media>,
    /// The kinds of the tracks that were told.
    tracks: Vec<Kind>,
    last_heard: Instant,
    outputs: VecDeque<Output>,
}

/// How far the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Handshake,
    Connecting,
    Creating,
    /// `play` or `publish` is out.
    Asking,
    /// Media flows.
    Running,
    /// Nothing follows but [`Output::Close`].
    Over,
}

impl ClientSession {
    /// A session over a connection to `source` that stands. `seed` is random.
    #[must_use]
    pub fn new(now: Instant, source: Source, purpose: Purpose, seed: u64) -> Self {
        Self {
            peer_name: source.url.authority(),
            source,
            purpose,
            seed,
            account: Account::new(seed),
            link: Link::client(seed),
            state: State::Handshake,
            message_stream: 0,
            receiving: Receiving::default(),
            media: VecDeque::new(),
            tracks: Vec::new(),
            last_heard: now,
            outputs: VecDeque::new(),
        }
    }

    /// Takes what happened at `now`.
    ///
    /// # Errors
    /// If the session has failed. Nothing follows then.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Error> {
        if self.state == State::Over {
            return Ok(());
        }
        let handled = match input {
            Input::Received(bytes) => self.received(now, bytes),
            Input::Closed => self.closed(),
            Input::Media(bytes) => {
                if self.state == State::Running && self.purpose == Purpose::Publish {
                    self.outputs.push_back(Output::Send(bytes.clone()));
                }
                Ok(())
            }
            Input::Timeout => self.timeout(now),
            Input::Stop => {
                self.stop();
                Ok(())
            }
        };
        if handled.is_err() {
            self.state = State::Over;
        }
        handled
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Output {
        // What is sent first on a connection comes behind the word that there is a new one.
        if !matches!(self.outputs.front(), Some(Output::Reconnect))
            && let Some(bytes) = self.link.take_output()
        {
            return Output::Send(bytes);
        }
        match self.outputs.pop_front() {
            Some(output) => output,
            None if self.state == State::Over => Output::Close,
            None => Output::Wait(self.last_heard + self.patience()),
        }
    }

    /// How long the server may say nothing. Who is published to has nothing to say.
    fn patience(&self) -> Duration {
        match (self.state, self.purpose) {
            (State::Running, Purpose::Publish) => crate::limits::ANSWER_TIMEOUT_MAX,
            (
                State::Handshake
                | State::Connecting
                | State::Creating
                | State::Asking
                | State::Running
                | State::Over,
                Purpose::Play | Purpose::Publish,
            ) => self.source.timeout,
        }
    }

    fn timeout(&mut self, now: Instant) -> Result<(), Error> {
        if now.saturating_duration_since(self.last_heard) < self.patience() {
            return Ok(());
        }
        if self.state == State::Running && self.purpose == Purpose::Publish {
            self.last_heard = now;
            return Ok(());
        }
        let what = match self.state {
            State::Handshake => "did not answer the handshake",
            State::Connecting => "did not answer connect",
            State::Creating => "did not answer createStream",
            State::Asking => "did not answer play or publish",
            State::Running | State::Over => "sent no picture and no sound",
        };
        let text = format!("{what} within {} s", self.patience().as_secs());
        Err(self.error(ErrorKind::Retry, text))
    }

    fn closed(&mut self) -> Result<(), Error> {
        let what = match self.state {
            State::Handshake => "during the handshake",
            State::Connecting => "before it answered connect",
            State::Creating => "before it answered createStream",
            State::Asking => "before it answered play or publish",
            // Media was playing: this is how most servers end.
            State::Running if self.purpose == Purpose::Play && self.receiving.has_begun() => {
                self.finish();
                self.state = State::Over;
                return Ok(());
            }
            State::Running | State::Over => "and sent no reason",
        };
        Err(self.error(ErrorKind::Retry, format!("closed the connection {what}")))
    }

    fn received(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Error> {
        if self.state != State::Running || self.purpose == Purpose::Publish {
            self.last_heard = now;
        }
        self.link.push(bytes).map_err(|error| self.violation(&error))?;
        loop {
            match self.link.pull().map_err(|error| self.violation(&error))? {
                None => return Ok(()),
                Some(Received::Welcome) => self.connect(),
                Some(Received::Command { command, .. }) => self.command(&command)?,
                Some(Received::Tag { kind, timestamp_ms, body }) => {
                    if self.purpose == Purpose::Play && matches!(self.state, State::Asking | State::Running) {
                        // Some servers send media without a word.
                        self.state = State::Running;
                        self.last_heard = now;
                        self.receiving.take(now, kind, timestamp_ms, &body, &mut self.media);
                        self.hand_on();
                    }
                }
                Some(Received::EndOfStream) => {
                    if self.state == State::Running && self.purpose == Purpose::Play {
                        self.finish();
                        self.state = State::Over;
                        return Ok(());
                    }
                }
            }
            // What is left is of a connection that has had its time.
            if matches!(self.state, State::Over | State::Handshake) {
                return Ok(());
            }
        }
    }

    fn connect(&mut self) {
        self.link.announce(false);
        let (url, account) = (&self.source.url, self.account.query());
        let mut entries = vec![
            ("app", format!("{}{account}", url.app).as_str().into()),
            ("flashVer", "LNX 9,0,124,2".into()),
            ("tcUrl", format!("{}{account}", url.tc_url()).as_str().into()),
        ];
        match self.purpose {
            Purpose::Publish => entries.push(("type", "nonprivate".into())),
            Purpose::Play => entries.extend([
                ("fpad", Value::Boolean(false)),
                ("capabilities", 15.0.into()),
                ("audioCodecs", 4071.0.into()),
                ("videoCodecs", 252.0.into()),
                ("videoFunction", 1.0.into()),
            ]),
        }
        entries.push(("fourCcList", four_ccs()));
        let entries = entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.link.command(0, "connect", CONNECT, vec![Value::Object(entries)]);
        self.state = State::Connecting;
    }

    fn command(&mut self, command: &Command) -> Result<(), Error> {
        let is = |transaction: f64| (command.transaction - transaction).abs() < 0.5;
        match command.name.as_str() {
            "_result" if is(CONNECT) && self.state == State::Connecting => self.create_stream(),
            "_result" if is(CREATE_STREAM) && self.state == State::Creating => {
                let stream = command.values.get(1).and_then(Value::number).unwrap_or(1.0);
                // Numbers of streams are small; a float is what AMF0 has.
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
                let stream = stream as u32;
                self.ask(stream);
            }
            "_error" if is(CONNECT) && self.state == State::Connecting => return self.refused(command),
            "_error" if is(CREATE_STREAM) && self.state == State::Creating => {
                return Err(self.refusal("createStream", command));
            }
            // Of what a publisher asks out of courtesy.
            "_result" | "_error" => {}
            "onStatus" => return self.status(command),
            "close" => return Err(self.refusal("the session", command)),
            _ => {}
        }
        Ok(())
    }

    /// The server does not let us in, or not yet: it may ask for the account first.
    fn refused(&mut self, command: &Command) -> Result<(), Error> {
        let (_, said) = command.status().unwrap_or_default();
        let url = &self.source.url;
        if !self.account.refused(said, url.credentials.as_ref(), &url.app) {
            return Err(self.refusal("connect", command));
        }
        (self.link, self.state) = (Link::client(self.seed), State::Handshake);
        self.outputs.push_back(Output::Reconnect);
        Ok(())
    }

    fn create_stream(&mut self) {
        if self.purpose == Purpose::Publish {
            let name = Value::from(self.source.url.name.as_str());
            self.link.command(0, "releaseStream", RELEASE_STREAM, vec![Value::Null, name.clone()]);
            self.link.command(0, "FCPublish", FC_PUBLISH, vec![Value::Null, name]);
        }
        self.link.command(0, "createStream", CREATE_STREAM, vec![Value::Null]);
        self.state = State::Creating;
    }

    fn ask(&mut self, stream: u32) {
        self.message_stream = stream;
        let name = Value::from(self.source.url.name.as_str());
        match self.purpose {
            Purpose::Play => {
                // -2: live, or recorded where there is nothing live (§7.2.2.1).
                self.link.command(stream, "play", PLAY, vec![Value::Null, name, Value::Number(-2000.0)]);
                self.link.user_control(UserControl::SetBufferLength, &[stream, BUFFER_MS]);
            }
            Purpose::Publish => {
                self.link.command(stream, "publish", PLAY, vec![Value::Null, name, "live".into()]);
            }
        }
        self.state = State::Asking;
    }

    fn status(&mut self, command: &Command) -> Result<(), Error> {
        let level = command.values.iter().find_map(|value| value.get("level")).and_then(Value::text);
        let is_error = level == Some("error");
        let code = command.status().map(|(code, _)| code.to_owned()).unwrap_or_default();
        match (code.as_str(), self.purpose) {
            ("NetStream.Publish.Start", Purpose::Publish) if self.state == State::Asking => {
                self.state = State::Running;
                self.outputs.push_back(Output::Publishing { message_stream: self.message_stream });
            }
            ("NetStream.Play.Start", Purpose::Play) if self.state == State::Asking => {
                self.state = State::Running;
            }
            (
                "NetStream.Play.UnpublishNotify" | "NetStream.Play.Stop" | "NetStream.Play.Complete",
                Purpose::Play,
            ) => {
                self.finish();
                self.state = State::Over;
            }
            _ if is_error => {
                let asked = if self.purpose == Purpose::Play { "play" } else { "publish" };
                return Err(self.refusal(asked, command));
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) {
        self.receiving.finish(&mut self.media);
        self.hand_on();
    }

    /// Gives what has been found on, without the kinds that are not wanted.
    fn hand_on(&mut self) {
        while let Some(media) = self.media.pop_front() {
            self.outputs.push_back(match media {
                Media::Tracks(codecs) => {
                    self.tracks = codecs.iter().map(yeoul_media::Codec::kind).collect();
                    let wanted = |codec: &yeoul_media::Codec| self.wants(codec.kind());
                    Output::Tracks(codecs.into_iter().filter(wanted).collect())
                }
                Media::Frame(mut frame) => {
                    let at = usize::from(frame.track.0);
                    if !self.tracks.get(at).is_some_and(|kind| self.wants(*kind)) {
                        continue;
                    }
                    let before = self.tracks.iter().take(at).filter(|kind| self.wants(**kind)).count();
                    frame.track = yeoul_media::TrackId(u16::try_from(before).unwrap_or(u16::MAX));
                    Output::Frame(frame)
                }
                Media::Note(text) => Output::Note(format!("{}: {text}", self.peer_name)),
            });
        }
    }

    fn wants(&self, kind: Kind) -> bool {
        match kind {
            Kind::Video => self.source.video,
            Kind::Audio => self.source.audio,
        }
    }

    fn stop(&mut self) {
        if matches!(self.state, State::Asking | State::Running) {
            if self.purpose == Purpose::Publish {
                let name = Value::from(self.source.url.name.as_str());
                self.link.command(0, "FCUnpublish", 0.0, vec![Value::Null, name]);
            }
            let stream = Value::Number(self.message_stream.into());
            self.link.command(0, "deleteStream", 0.0, vec![Value::Null, stream]);
        }
        self.state = State::Over;
    }

    fn error(&self, kind: ErrorKind, text: impl std::fmt::Display) -> Error {
        Error { kind, text: format!("{} {text}", self.peer_name) }
    }

    fn violation(&self, error: &crate::Error) -> Error {
        let kind = if error.is_limit() { ErrorKind::LimitExceeded } else { ErrorKind::PeerViolation };
        self.error(kind, format!("does not speak RTMP as it should: {error}"))
    }

    /// The error of what the server has refused, with what it says.
    fn refusal(&self, asked: &str, command: &Command) -> Error {
        let (code, description) = command.status().unwrap_or_default();
        let (lower, words) = (code.to_ascii_lowercase(), description.to_ascii_lowercase());
        let has = |part: &str| lower.contains(part) || words.contains(part);
        let kind = if has("notfound") || has("not found") || has("invalidapp") || has("no such") {
            ErrorKind::NotFound
        } else if has("auth") || has("denied") || has("access") || has("403") {
            ErrorKind::Unauthorized
        } else {
            ErrorKind::Retry
        };
        let advice = match kind {
            ErrorKind::NotFound => "; check the path in the URL",
            ErrorKind::Unauthorized => "; check user name, password or key in the URL",
            ErrorKind::Retry | ErrorKind::PeerViolation | ErrorKind::LimitExceeded => "",
        };
        // What a server says may hold our own name of the stream, which may be a key.
        let said: String =
            format!("{code} {description}").chars().filter(|c| !c.is_control()).take(160).collect();
        let key = &self.source.url.name;
        let said = if key.len() > 3 { said.replace(key.as_str(), "***") } else { said };
        self.error(kind, format!("refused {asked}: {}{advice}", said.trim()))
    }
}
