//! A request to a service of a device: the envelope of SOAP 1.2 around it, and the action that HTTP tells of it.

use crate::token::UsernameToken;

/// The name of an operation for HTTP: `Content-Type` with the action (RFC 3902 §4).
macro_rules! content_type {
    ($namespace:literal, $name:literal) => {
        concat!("application/soap+xml; charset=utf-8; action=\"", $namespace, "/", $name, "\"")
    };
}
pub(crate) use content_type;

/// What a service is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    content_type: &'static str,
    /// What stands in the body of the envelope. The prefixes of [`Operation::envelope`] are known in it.
    body: String,
}

impl Operation {
    pub(crate) fn new(content_type: &'static str, body: impl Into<String>) -> Self {
        Self { content_type, body: body.into() }
    }

    /// The value of `Content-Type`.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// The whole request, with the proof of who asks.
    #[must_use]
    pub fn envelope(&self, token: Option<&UsernameToken>) -> String {
        let header = token.map(UsernameToken::header).unwrap_or_default();
        envelope(&header, &self.body)
    }
}

/// A message of SOAP 1.2 with the prefixes that ONVIF's own documents have.
pub(crate) fn envelope(header: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:tt=\"http://www.onvif.org/ver10/schema\" \
         xmlns:tds=\"http://www.onvif.org/ver10/device/wsdl\" \
         xmlns:trt=\"http://www.onvif.org/ver10/media/wsdl\" \
         xmlns:tr2=\"http://www.onvif.org/ver20/media/wsdl\" \
         xmlns:tptz=\"http://www.onvif.org/ver20/ptz/wsdl\" \
         xmlns:ter=\"http://www.onvif.org/ver10/error\">\
         {header}<s:Body>{body}</s:Body></s:Envelope>"
    )
}
