//! Cuts the bytes of a control connection into messages.

use super::{Data, Headers, Message, Method, Request, Response, StatusCode, Version, header};
use crate::limits;
use bytes::{Bytes, BytesMut};

/// What to do with bytes that begin no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stray {
    /// Skip them, up to [`limits::STRAY_BYTES`] in a row: for a client, because cameras miscount their bodies and cut
    /// interleaved packets when they run out of buffer.
    Skip,
    /// End the connection: for a server, whose clients have no such excuse.
    Refuse,
}

/// Cuts the bytes of a control connection into messages: `push` what came in, then `pull` until `None`.
///
/// Any chunking of the same bytes gives the same messages. What is kept between calls is at most one unfinished message
/// ([`limits::HEAD_BYTES`] and [`limits::BODY_BYTES`]) and what was pushed last. After an error nothing more comes.
#[derive(Debug)]
pub struct Framer {
    stray: Stray,
    buffer: BytesMut,
    state: State,
    /// Nothing can be decided before the buffer has this many bytes.
    wanted: usize,
    /// What is searched for (the end of a line, of a head) has no end before this position.
    searched: usize,
    /// Bytes skipped since the last message. While it is not zero, a `$` must be followed by something like RTP.
    skipped: usize,
}

/// How far the message at the front of the buffer is understood.
#[derive(Debug)]
enum State {
    /// Not at all.
    Between,
    /// It begins with this line, which is still in the buffer.
    Head(StartLine),
    /// Its head is parsed and out of the buffer; this many bytes of body follow.
    Body(Message, usize),
    /// There was an error.
    Failed,
}

#[derive(Debug)]
enum StartLine {
    Request { method: Method, uri: String, version: Version },
    Response { status: StatusCode, reason: String },
}

/// What one step at the buffer came to.
enum Step {
    /// Go on with the next one.
    On,
    /// This many bytes must be there first.
    Incomplete(usize),
    /// A message is whole.
    Done(Message),
    /// The first byte begins no message.
    Stray,
}

/// Why the bytes are not RTSP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A message's head does not end.
    #[error("start line and headers are longer than {} bytes", limits::HEAD_BYTES)]
    HeadTooLong,
    /// A message has too many headers.
    #[error("a message has more than {} headers", limits::HEADERS)]
    TooManyHeaders,
    /// A message announces a body that is too large.
    #[error("Content-Length {0} is above the {max} bytes a body can have", max = limits::BODY_BYTES)]
    BodyTooLarge(String),
    /// A message's Content-Length is no number, or there are several that differ.
    #[error("Content-Length {0:?} is not a number of bytes")]
    BadContentLength(String),
    /// The bytes begin no message.
    #[error("expected an RTSP message, got {0:?}")]
    NotRtsp(String),
    /// A header line has no colon, or no name before it.
    #[error("expected a header `Name: value`, got {0:?}")]
    BadHeader(String),
    /// Too many bytes that belong to no message.
    #[error("no RTSP message within {} bytes", limits::STRAY_BYTES)]
    OutOfStep,
}

impl FrameError {
    /// A bound was passed, as opposed to bytes that make no sense.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        match self {
            Self::HeadTooLong | Self::TooManyHeaders | Self::BodyTooLarge(_) | Self::OutOfStep => true,
            Self::BadContentLength(_) | Self::NotRtsp(_) | Self::BadHeader(_) => false,
        }
    }
}

impl Framer {
    /// An empty framer.
    #[must_use]
    pub fn new(stray: Stray) -> Self {
        Self { stray, buffer: BytesMut::new(), state: State::Between, wanted: 1, searched: 0, skipped: 0 }
    }

    /// Takes bytes that came in.
    pub fn push(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Failed) {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next message, `None` until more bytes are pushed.
    ///
    /// # Errors
    /// [`FrameError`] when the bytes are not RTSP or pass a bound; from then on there is only `None`.
    pub fn pull(&mut self) -> Result<Option<Message>, FrameError> {
        let pulled = self.pull_inner();
        if pulled.is_err() {
            (self.state, self.buffer) = (State::Failed, BytesMut::new());
        }
        pulled
    }

    fn pull_inner(&mut self) -> Result<Option<Message>, FrameError> {
        while self.buffer.len() >= self.wanted {
            match self.step()? {
                Step::On => {}
                Step::Incomplete(wanted) => self.wanted = wanted,
                Step::Stray => self.skip()?,
                Step::Done(message) => {
                    self.skipped = 0;
                    return Ok(Some(message));
                }
            }
        }
        Ok(None)
    }

    fn step(&mut self) -> Result<Step, FrameError> {
        match std::mem::replace(&mut self.state, State::Between) {
            State::Between => self.begin(),
            State::Head(line) => self.head(line),
            State::Body(mut message, body_bytes) => {
                if self.buffer.len() < body_bytes {
                    self.state = State::Body(message, body_bytes);
                    return Ok(Step::Incomplete(body_bytes));
                }
                let body = self.consume(body_bytes);
                match &mut message {
                    Message::Request(request) => request.body = body,
                    Message::Response(response) => response.body = body,
                    Message::Data(_) => {}
                }
                Ok(Step::Done(message))
            }
            State::Failed => {
                self.state = State::Failed;
                Ok(Step::Incomplete(usize::MAX))
            }
        }
    }

    fn consume(&mut self, count: usize) -> Bytes {
        (self.wanted, self.searched) = (1, 0);
        self.buffer.split_to(count.min(self.buffer.len())).freeze()
    }

    /// Steps over bytes that begin no message, up to the next byte that could.
    fn skip(&mut self) -> Result<(), FrameError> {
        if self.stray == Stray::Refuse {
            return Err(FrameError::NotRtsp(excerpt(&self.buffer)));
        }
        let rest = self.buffer.get(1..).unwrap_or_default();
        let count = 1 + rest.iter().position(|byte| matches!(byte, b'$' | b'R')).unwrap_or(rest.len());
        self.skipped += count;
        if self.skipped > limits::STRAY_BYTES {
            return Err(FrameError::OutOfStep);
        }
        self.consume(count);
        Ok(())
    }

    fn begin(&mut self) -> Result<Step, FrameError> {
        // Empty lines between messages mean nothing (RFC 2326 §4.1), nor do the zeros some cameras pad with.
        let skips = self.stray == Stray::Skip;
        let is_blank = |byte: &u8| matches!(byte, b'\r' | b'\n') || (skips && *byte == 0);
        let blank = self.buffer.iter().take_while(|byte| is_blank(byte)).count();
        if blank > 0 {
            self.consume(blank);
        }
        match self.buffer.first() {
            None => Ok(Step::Incomplete(1)),
            Some(b'$') => Ok(self.data()),
            Some(_) => self.start_line(),
        }
    }

    fn data(&mut self) -> Step {
        let Some(&[high, low]) = self.buffer.get(2..4) else { return Step::Incomplete(4) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if self.skipped > 0 {
            // Out of step, a `$` may be any byte of a packet: it counts only before something like RTP or RTCP, which
            // have at least 8 bytes and begin with version 2.
            match self.buffer.get(4) {
                None => return Step::Incomplete(5),
                Some(first) if length >= 8 && first >> 6 == 2 => {}
                Some(_) => return Step::Stray,
            }
        }
        if self.buffer.len() < 4 + length {
            return Step::Incomplete(4 + length);
        }
        let mut whole = self.consume(4 + length);
        let channel = whole.get(1).copied().unwrap_or_default();
        Step::Done(Data { channel, payload: whole.split_off(4) }.into())
    }

    fn start_line(&mut self) -> Result<Step, FrameError> {
        // Requests are rare from a server: out of step, only a response is worth looking for.
        let could_be = begins_response(&self.buffer) || (self.skipped == 0 && begins_request(&self.buffer));
        if !could_be {
            return Ok(Step::Stray);
        }
        let searchable = self.buffer.iter().take(limits::HEAD_BYTES).enumerate().skip(self.searched);
        match searchable.into_iter().find(|(_, byte)| **byte == b'\n') {
            Some((end, _)) => {
                let line = text(self.buffer.get(..end).unwrap_or_default());
                let Some(line) = parse_start_line(&line) else { return Ok(Step::Stray) };
                // The head's end may be this line feed and the one after it.
                self.searched = end;
                self.state = State::Head(line);
                Ok(Step::On)
            }
            None if self.buffer.len() < limits::HEAD_BYTES => {
                self.searched = self.buffer.len();
                Ok(Step::Incomplete(self.buffer.len() + 1))
            }
            None if self.stray == Stray::Refuse => Err(FrameError::HeadTooLong),
            None => Ok(Step::Stray),
        }
    }

    fn head(&mut self, line: StartLine) -> Result<Step, FrameError> {
        let Some(head_bytes) = self.find_head_end() else {
            if self.buffer.len() > limits::HEAD_BYTES {
                return Err(FrameError::HeadTooLong);
            }
            self.state = State::Head(line);
            return Ok(Step::Incomplete(self.buffer.len() + 1));
        };
        if head_bytes > limits::HEAD_BYTES {
            return Err(FrameError::HeadTooLong);
        }
        let mut headers = self.parse_headers(head_bytes)?;
        let body_bytes = content_length(&headers)?;
        headers.remove(header::CONTENT_LENGTH);
        self.consume(head_bytes);
        let body = Bytes::new();
        let message = match line {
            StartLine::Request { method, uri, version } => {
                Request { method, uri, version, headers, body }.into()
            }
            StartLine::Response { status, reason } => Response { status, reason, headers, body }.into(),
        };
        if body_bytes == 0 {
            return Ok(Step::Done(message));
        }
        (self.state, self.wanted) = (State::Body(message, body_bytes), body_bytes);
        Ok(Step::On)
    }

    /// The size of the head with its empty line.
    fn find_head_end(&mut self) -> Option<usize> {
        let newlines = self.buffer.iter().enumerate().skip(self.searched).filter(|(_, byte)| **byte == b'\n');
        for (at, _) in newlines {
            match (self.buffer.get(at + 1), self.buffer.get(at + 2)) {
                (Some(b'\n'), _) => return Some(at + 2),
                (Some(b'\r'), Some(b'\n')) => return Some(at + 3),
                _ => {}
            }
        }
        // The end may be cut in front of its last two bytes.
        self.searched = self.searched.max(self.buffer.len().saturating_sub(2));
        None
    }

    fn parse_headers(&self, head_bytes: usize) -> Result<Headers, FrameError> {
        let mut headers = Headers::default();
        let head = self.buffer.get(..head_bytes).unwrap_or_default();
        for line in head.split(|byte| *byte == b'\n').skip(1) {
            let line = text(line);
            if line.trim().is_empty() {
                continue;
            }
            if line.starts_with([' ', '\t']) {
                headers.continue_last(line.trim());
                continue;
            }
            match line.split_once(':').map(|(name, value)| (name.trim(), value.trim())) {
                Some((name, value)) if is_header_name(name) => headers.push(name, value),
                Some(_) | None if self.stray == Stray::Skip => {}
                Some(_) | None => return Err(FrameError::BadHeader(excerpt(line.as_bytes()))),
            }
            if headers.len() > limits::HEADERS {
                return Err(FrameError::TooManyHeaders);
            }
        }
        Ok(headers)
    }
}

/// Whether it is a token (RFC 2326 §15.1): anything else would be another header when it is written again.
fn is_header_name(name: &str) -> bool {
    let is_separator = |byte: u8| b"()<>@,;:\\\"/[]?={} ".contains(&byte);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !is_separator(byte))
}

/// Whether this may be the beginning of a status line.
fn begins_response(bytes: &[u8]) -> bool {
    bytes.iter().zip(b"RTSP/").all(|(got, expected)| got == expected)
}

/// Whether this may be the beginning of a request line: a method, of which the longest in use has 13 letters.
fn begins_request(bytes: &[u8]) -> bool {
    let mut method = bytes.iter().take(32).take_while(|byte| **byte != b' ');
    let is_whole = bytes.iter().take(32).any(|byte| *byte == b' ');
    method.all(|byte| byte.is_ascii_uppercase() || *byte == b'_') && (is_whole || bytes.len() < 32)
}

fn parse_start_line(line: &str) -> Option<StartLine> {
    let line = line.trim_end();
    if let Some(rest) = line.strip_prefix("RTSP/") {
        let mut words = rest.splitn(3, ' ').skip(1);
        let status: u16 = words.next()?.parse().ok().filter(|code| (100..=999).contains(code))?;
        let reason = words.next().unwrap_or_default().trim().to_owned();
        return Some(StartLine::Response { status: status.into(), reason });
    }
    let (before, version) = line.rsplit_once(' ')?;
    let version = match version {
        "RTSP/1.0" => Version::V1_0,
        "RTSP/2.0" => Version::V2_0,
        _ => return None,
    };
    let (method, uri) = before.split_once(' ')?;
    let is_token = !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    // A space within the URI is wrong and happens; the first and the last space of the line are the ones that count.
    let uri = uri.trim();
    (is_token && !uri.is_empty()).then(|| StartLine::Request {
        method: method.into(),
        uri: uri.to_owned(),
        version,
    })
}

fn content_length(headers: &Headers) -> Result<usize, FrameError> {
    let mut values = headers.get_all(header::CONTENT_LENGTH).map(str::trim);
    let Some(first) = values.next() else { return Ok(0) };
    let is_number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || values.any(|other| other != first) {
        return Err(FrameError::BadContentLength(excerpt(first.as_bytes())));
    }
    match first.parse::<usize>() {
        Ok(length) if length <= limits::BODY_BYTES => Ok(length),
        _ => Err(FrameError::BodyTooLarge(excerpt(first.as_bytes()))),
    }
}

fn text(bytes: &[u8]) -> String {
    let line = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    String::from_utf8_lossy(line).into_owned()
}

/// The first bytes, for an error sentence.
fn excerpt(bytes: &[u8]) -> String {
    const SHOWN: usize = 40;
    String::from_utf8_lossy(bytes.get(..SHOWN).unwrap_or(bytes)).into_owned()
}
