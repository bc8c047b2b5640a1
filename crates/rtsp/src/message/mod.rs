//! RTSP/1.0 messages (RFC 2326 §4 to §7) and interleaved data (RFC 2326 §10.12).
//!
//! The names of methods and the table of status codes come from `rtsp-types`. Its parser and its message types do not
//! serve here: it refuses what cameras send (bare line feeds, header values that are not UTF-8, `SETUP trackID=1`),
//! rewrites request URIs, which breaks Digest, and starts over with each piece of a message that comes in. It is the
//! oracle in the tests instead.
//!
//! Left out: RTSP/2.0 (RFC 7826). A request of another version is delivered with that version, so that it can be
//! answered with 505.

mod framer;
mod range;
mod rtp_info;
mod session;
#[cfg(test)]
mod tests;

pub use framer::{FrameError, Framer, Stray};
pub use range::{ClockTime, NptTime, Range};
pub use rtp_info::RtpInfo;
pub use rtsp_types::{Method, StatusCode, Version};
pub use session::SessionHeader;

use bytes::{BufMut, Bytes, BytesMut};

/// Names of the headers that this crate reads or writes.
#[expect(missing_docs, reason = "each constant is the header of that name")]
pub mod header {
    pub const ACCEPT: &str = "Accept";
    pub const ALLOW: &str = "Allow";
    pub const AUTHORIZATION: &str = "Authorization";
    pub const CONTENT_BASE: &str = "Content-Base";
    pub const CONTENT_LENGTH: &str = "Content-Length";
    pub const CONTENT_LOCATION: &str = "Content-Location";
    pub const CONTENT_TYPE: &str = "Content-Type";
    pub const CSEQ: &str = "CSeq";
    pub const DATE: &str = "Date";
    pub const LOCATION: &str = "Location";
    pub const PUBLIC: &str = "Public";
    pub const RANGE: &str = "Range";
    pub const REQUIRE: &str = "Require";
    pub const RTP_INFO: &str = "RTP-Info";
    pub const SCALE: &str = "Scale";
    pub const SERVER: &str = "Server";
    pub const SESSION: &str = "Session";
    pub const TRANSPORT: &str = "Transport";
    pub const UNSUPPORTED: &str = "Unsupported";
    pub const USER_AGENT: &str = "User-Agent";
    pub const WWW_AUTHENTICATE: &str = "WWW-Authenticate";
}

/// One unit on the control connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A request; servers send them too (OPTIONS, SET_PARAMETER, ANNOUNCE, REDIRECT).
    Request(Request),
    /// A response.
    Response(Response),
    /// A packet of an interleaved channel.
    Data(Data),
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub method: Method,
    /// The request URI exactly as on the wire, `*` included.
    pub uri: String,
    /// The protocol version the peer speaks.
    pub version: Version,
    /// All headers but Content-Length, which `write` makes from the body.
    pub headers: Headers,
    /// The body; empty if there is none.
    pub body: Bytes,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: StatusCode,
    /// The reason phrase, for people.
    pub reason: String,
    /// All headers but Content-Length, which `write` makes from the body.
    pub headers: Headers,
    /// The body; empty if there is none.
    pub body: Bytes,
}

/// One packet of an interleaved channel: RTP or RTCP, as SETUP assigned the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// The interleaved channel.
    pub channel: u8,
    /// The packet.
    pub payload: Bytes,
}

/// Headers in the order of the wire. Names are compared without regard to case, a name may stand several times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The value of the first header of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// The values of all headers of that name, in order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.iter().filter_map(move |(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    /// Appends a header.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// All headers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sequence number that ties a response to its request (RFC 2326 §12.17).
    #[must_use]
    pub fn cseq(&self) -> Option<u32> {
        self.get(header::CSEQ)?.trim().parse().ok()
    }

    fn continue_last(&mut self, more: &str) {
        if let Some((_, value)) = self.0.last_mut() {
            value.push(' ');
            value.push_str(more);
        }
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
    }
}

impl Request {
    /// A request of RTSP/1.0 without headers and body.
    #[must_use]
    pub fn new(method: Method, uri: impl Into<String>) -> Self {
        Self {
            method,
            uri: uri.into(),
            version: Version::V1_0,
            headers: Headers::default(),
            body: Bytes::new(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// Sets the body and its type.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.headers.push(header::CONTENT_TYPE, content_type);
        self.body = body.into();
        self
    }

    /// Appends the request as it goes on the wire.
    pub fn write(&self, to: &mut BytesMut) {
        let version = match self.version {
            Version::V1_0 => "RTSP/1.0",
            Version::V2_0 => "RTSP/2.0",
        };
        put_line(to, &[<&str>::from(&self.method), " ", &self.uri, " ", version]);
        put_headers_and_body(to, &self.headers, &self.body);
    }
}

impl Response {
    /// A response without headers and body, with the usual reason phrase.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        let reason = if status == StatusCode::Ok {
            "OK".to_owned()
        } else {
            // `rtsp-types` has a typing error in 460.
            status.to_string().replace("ALlowed", "Allowed")
        };
        Self { status, reason, headers: Headers::default(), body: Bytes::new() }
    }

    /// The response to that request: with its CSeq, if it has one.
    #[must_use]
    pub fn to(request: &Request, status: StatusCode) -> Self {
        let response = Self::new(status);
        match request.headers.get(header::CSEQ) {
            Some(cseq) => response.with(header::CSEQ, cseq),
            None => response,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// Sets the body and its type.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.headers.push(header::CONTENT_TYPE, content_type);
        self.body = body.into();
        self
    }

    /// Appends the response as it goes on the wire.
    pub fn write(&self, to: &mut BytesMut) {
        let status = u16::from(self.status).to_string();
        put_line(to, &["RTSP/1.0 ", &status, " ", &self.reason]);
        put_headers_and_body(to, &self.headers, &self.body);
    }
}

impl Data {
    /// The four bytes in front of a packet of `size_bytes` bytes; `None` if the packet is too long for its length field.
    #[must_use]
    pub fn prefix(channel: u8, size_bytes: usize) -> Option<[u8; 4]> {
        let [high, low] = u16::try_from(size_bytes).ok()?.to_be_bytes();
        Some([b'$', channel, high, low])
    }

    /// Appends the packet as it goes on the wire. A packet above 65,535 bytes has no form there and is left out.
    pub fn write(&self, to: &mut BytesMut) {
        if let Some(prefix) = Self::prefix(self.channel, self.payload.len()) {
            to.put_slice(&prefix);
            to.put_slice(&self.payload);
        }
    }
}

impl Message {
    /// Appends the message as it goes on the wire.
    pub fn write(&self, to: &mut BytesMut) {
        match self {
            Self::Request(request) => request.write(to),
            Self::Response(response) => response.write(to),
            Self::Data(data) => data.write(to),
        }
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

impl From<Data> for Message {
    fn from(data: Data) -> Self {
        Self::Data(data)
    }
}

fn put_headers_and_body(to: &mut BytesMut, headers: &Headers, body: &[u8]) {
    for (name, value) in headers.iter() {
        put_line(to, &[name, ": ", value]);
    }
    if !body.is_empty() {
        put_line(to, &[header::CONTENT_LENGTH, ": ", &body.len().to_string()]);
    }
    put_line(to, &[]);
    to.put_slice(body);
}

/// Control characters become spaces: a value from outside (a control URL, a user name) must not start a line of its own.
fn put_line(to: &mut BytesMut, parts: &[&str]) {
    for byte in parts.iter().flat_map(|part| part.bytes()) {
        to.put_u8(if byte.is_ascii_control() { b' ' } else { byte });
    }
    to.put_slice(b"\r\n");
}
