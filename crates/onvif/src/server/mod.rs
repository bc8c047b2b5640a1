//! The device that others see in us: each stream is a profile of the same name, as go2rtc has it, so that Home Assistant, UniFi Protect
//! and recorders take our streams as those of a camera.
//!
//! Answered is what those clients ask: to look at the device, and where its streams and pictures are. Nothing can be set, and
//! `SystemReboot`, by which anybody ends go2rtc, is refused.

mod device;
mod media;
#[cfg(test)]
mod tests;

use crate::operation::envelope;
use crate::xml::{Element, XmlError, escape};
use jiff::Timestamp;

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The operation: `GetProfiles`.
    pub operation: String,
    /// The profile or the configuration that it names; of ours, both have the name of a stream.
    token: Option<String>,
}

/// What we are to whoever asks.
#[derive(Clone, Debug)]
pub struct Device<'a> {
    /// By which name and port we were asked, as `Host` has it.
    pub authority: &'a str,
    /// Where the API is below that: empty, or `/base`.
    pub base_path: &'a str,
    /// The RTSP port; `None` if there is no RTSP.
    pub rtsp_port: Option<u16>,
    /// Our version.
    pub version: &'a str,
    /// The time.
    pub now: Timestamp,
    /// What can be watched.
    pub streams: &'a [Stream],
}

/// One of our streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its name, which is its token as well.
    pub name: String,
    /// Width and height in pixels; a stream that nobody watches has not told them yet.
    pub size: Option<(u32, u32)>,
}

/// What is said to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What was asked for: 200.
    Success(String),
    /// Why not: 400.
    Fault(String),
}

impl Request {
    /// Reads the envelope of a request, whatever its prefixes are.
    ///
    /// # Errors
    /// If it is no XML. A message without an operation has an empty one.
    pub fn parse(bytes: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse(bytes)?;
        let asked = root.at(&["Body"]).and_then(|body| body.children().first());
        let token = asked.and_then(|asked| {
            asked.text_at(&["ProfileToken"]).or_else(|| asked.text_at(&["ConfigurationToken"]))
        });
        Ok(Self {
            operation: asked.map(|asked| asked.name().to_owned()).unwrap_or_default(),
            token: token.map(str::to_owned),
        })
    }
}

impl Device<'_> {
    /// Answers a request.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Answer {
        let of_device = device::answer(self, request).map(|content| ("tds", content));
        let of_media = || media::answer(self, request).map(|content| ("trt", content));
        match of_device.or_else(of_media) {
            Some((prefix, Ok(content))) => {
                let element = format!("{prefix}:{}Response", request.operation);
                Answer::Success(envelope("", &format!("<{element}>{content}</{element}>")))
            }
            Some((_, Err(NoProfile(token)))) => fault(
                "s:Sender",
                "<s:Subcode><s:Value>ter:InvalidArgVal</s:Value><s:Subcode><s:Value>ter:NoProfile</s:Value></s:Subcode></s:Subcode>",
                &format!("there is no stream {token}"),
            ),
            None => fault(
                "s:Receiver",
                "<s:Subcode><s:Value>ter:ActionNotSupported</s:Value></s:Subcode>",
                "unsupported operation",
            ),
        }
    }

    /// The stream that a request names.
    fn stream(&self, request: &Request) -> Result<&Stream, NoProfile> {
        let token = request.token.as_deref().unwrap_or_default();
        self.streams.iter().find(|stream| stream.name == token).ok_or_else(|| NoProfile(token.to_owned()))
    }

    /// Without the port.
    fn host(&self) -> &str {
        match self.authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            Some(_) | None => self.authority,
        }
    }
}

/// A request names a stream that is not there.
struct NoProfile(String);

fn fault(code: &str, subcode: &str, reason: &str) -> Answer {
    let reason = escape(reason);
    Answer::Fault(envelope(
        "",
        &format!(
            "<s:Fault><s:Code><s:Value>{code}</s:Value>{subcode}</s:Code>\
             <s:Reason><s:Text xml:lang=\"en\">{reason}</s:Text></s:Reason></s:Fault>"
        ),
    ))
}
