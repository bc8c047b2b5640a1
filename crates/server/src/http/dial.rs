//! Dials a source by HTTP or TCP. What comes is told by `Content-Type`, and by its first bytes where that says nothing.

use super::client::Client;
use super::reply::Reply;
use super::{Source, hls};
use crate::bytes::Intake;
use crate::connect::{Tls, connect};
use crate::limits::{BYTES_READ, DIAL_CONNECT_WAIT, HTTP_PICTURE_INTERVAL, SOURCE_SILENCE};
use crate::policy::Route;
use crate::streams::{DialError, ErrorKind};
use axum::http::header;
use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use yeoul_container::limits::MAX_PICTURE_BYTES;
use yeoul_container::pcm::{Coding, Format};
use yeoul_container::sniff::Form;
use yeoul_hub::{Attach, Label};

/// Publishes what `source` gives until it ends or `hang_up` is cancelled.
pub(crate) async fn run(
    source: &Source,
    route: Route,
    attach: Attach,
    hang_up: CancellationToken,
) -> Result<(), DialError> {
    let play = async {
        if source.url.scheme() == "tcp" {
            tcp(source, route, attach).await
        } else {
            http(source, route, attach).await
        }
    };
    tokio::select! {
        result = play => result,
        // Closing the connection is all the goodbye there is.
        () = hang_up.cancelled() => Ok(()),
    }
}

/// What an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// One picture: ask again for the next.
    Picture,
    /// A stream of this form.
    Stream(Form),
    /// A stream whose first bytes tell.
    Unknown,
    /// A playlist.
    Playlist,
}

impl Content {
    /// By its `Content-Type`.
    pub(super) fn of(content_type: &str) -> Self {
        let mut parts = content_type.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let parameter = |name: &str| {
            parts.clone().find_map(|part| {
                let (key, value) = part.split_once('=')?;
                key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
            })
        };
        match kind.as_str() {
            "image/jpeg" | "image/jpg" => Self::Picture,
            "multipart/x-mixed-replace" | "multipart/mixed" => Self::Stream(Form::Multipart),
            "application/vnd.apple.mpegurl"
            | "application/x-mpegurl"
            | "audio/mpegurl"
            | "audio/x-mpegurl" => Self::Playlist,
            // RFC 2046 §4.3: 8 kHz, one channel of µ-law.
            "audio/basic" => Self::pcm(Coding::Ulaw, 8_000, 1),
            "audio/l16" => {
                let rate = parameter("rate").and_then(|rate| rate.parse().ok()).unwrap_or(8_000);
                let channels = parameter("channels").and_then(|count| count.parse().ok()).unwrap_or(1);
                Self::pcm(Coding::S16Be, rate, channels)
            }
            _ => Self::Unknown,
        }
    }

    fn pcm(coding: Coding, rate: u32, channels: u8) -> Self {
        Format::new(coding, rate, channels).map_or(Self::Unknown, |format| Self::Stream(Form::Pcm(format)))
    }
}

async fn http(source: &Source, route: Route, attach: Attach) -> Result<(), DialError> {
    let mut client = Client::new(source.clone(), route);
    let asked_at = std::time::Instant::now();
    let mut reply = client.get(&source.url).await?;
    let content_type = reply.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut content = Content::of(content_type.unwrap_or_default());
    if content == Content::Unknown && begins_as_playlist(source, &mut reply).await? {
        content = Content::Playlist;
    }
    let label = Label {
        protocol: "http".to_owned(),
        remote: reply.peer.clone(),
        user_agent: reply
            .headers
            .get(header::SERVER)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
        url: None,
    };
    let form = match content {
        Content::Picture => Some(Form::Jpeg),
        Content::Stream(form) => Some(form),
        Content::Unknown => None,
        Content::Playlist => return hls::run(source, client, (reply, asked_at), attach, label).await,
    };
    let mut intake = Intake::new(attach, label);
    if let Some(form) = form {
        intake.expect(form);
    }
    match content {
        Content::Picture => pictures(source, client, reply, intake).await,
        Content::Stream(_) | Content::Unknown | Content::Playlist => stream(source, reply, intake).await,
    }
}

/// Whether a body is a playlist whose server does not say so.
async fn begins_as_playlist(source: &Source, reply: &mut Reply) -> Result<bool, DialError> {
    match timeout(SOURCE_SILENCE, reply.begins_with(b"#EXTM3U")).await {
        Ok(Ok(begins)) => Ok(begins),
        Ok(Err(failed)) => Err(broken(source, &failed)),
        Err(_) => Err(silent(source)),
    }
}

/// Asks for a picture again and again.
async fn pictures(
    source: &Source,
    mut client: Client,
    mut reply: Reply,
    mut intake: Intake,
) -> Result<(), DialError> {
    loop {
        let began = Instant::now();
        let mut size = 0;
        while let Some(data) = next(source, &mut reply).await? {
            size += data.len();
            if size > MAX_PICTURE_BYTES {
                let text =
                    format!("gives a picture of {size} bytes or more, expected at most {MAX_PICTURE_BYTES}");
                return Err(error(source, ErrorKind::LimitExceeded, text));
            }
            intake.push(&data).map_err(|failed| told(source, failed))?;
        }
        sleep_until(began + HTTP_PICTURE_INTERVAL).await;
        reply = client.get(&source.url).await?;
    }
}

/// Reads a body without an end.
async fn stream(source: &Source, mut reply: Reply, mut intake: Intake) -> Result<(), DialError> {
    loop {
        let asked = Instant::now();
        let Some(data) = next(source, &mut reply).await? else { break };
        // In pieces, so that a file's frames do not come by the megabyte.
        for piece in data.chunks(BYTES_READ) {
            intake.push(piece).map_err(|failed| told(source, failed))?;
        }
        let hold = intake.hold(asked.elapsed());
        if !hold.is_zero() {
            sleep(hold).await;
        }
    }
    intake.finish().map_err(|failed| told(source, failed))
}

/// The next bytes of a body; `None` at its end.
async fn next(source: &Source, reply: &mut Reply) -> Result<Option<Bytes>, DialError> {
    match timeout(SOURCE_SILENCE, reply.next()).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(failed)) => Err(broken(source, &failed)),
        Err(_) => Err(silent(source)),
    }
}

fn broken(source: &Source, failed: &hyper::Error) -> DialError {
    error(source, ErrorKind::Retry, format!("can no longer be read: {failed}"))
}

async fn tcp(source: &Source, mut route: Route, attach: Attach) -> Result<(), DialError> {
    let (host, port) = (source.url.host_str().unwrap_or_default(), source.url.port().unwrap_or_default());
    let Ok(connected) = timeout(DIAL_CONNECT_WAIT, connect(host, port, Tls::None, &mut route)).await else {
        let text = format!("does not answer: no connection within {} s", DIAL_CONNECT_WAIT.as_secs());
        return Err(error(source, ErrorKind::Retry, text));
    };
    let mut connection = connected.map_err(|(kind, text)| error(source, kind, text))?;
    let label =
        Label { protocol: "tcp".to_owned(), remote: connection.peer().to_string(), ..Label::default() };
    let mut intake = Intake::new(attach, label);
    let mut bytes = vec![0; BYTES_READ];
    loop {
        let asked = Instant::now();
        let Ok(read) = timeout(SOURCE_SILENCE, connection.read(&mut bytes)).await else {
            return Err(silent(source));
        };
        match read {
            Ok(0) => return intake.finish().map_err(|failed| told(source, failed)),
            Ok(count) => intake.push(&bytes[..count]).map_err(|failed| told(source, failed))?,
            Err(failed) => {
                return Err(error(source, ErrorKind::Retry, format!("can no longer be read: {failed}")));
            }
        }
        let hold = intake.hold(asked.elapsed());
        if !hold.is_zero() {
            sleep(hold).await;
        }
    }
}

fn silent(source: &Source) -> DialError {
    error(source, ErrorKind::Retry, format!("has given nothing for {} s", SOURCE_SILENCE.as_secs()))
}

fn told(source: &Source, failed: DialError) -> DialError {
    error(source, failed.kind, format!("gives what cannot be read: {}", failed.text))
}

fn error(source: &Source, kind: ErrorKind, text: impl std::fmt::Display) -> DialError {
    DialError::new(kind, format!("{} {text}", source.peer()))
}
