//! Answers of SOAP 1.2, and of 1.1 as some cameras still write them: the element in the body, or the fault.

use crate::limits::TEXT_CHARS;
use crate::xml::{Element, XmlError};

/// Why an answer is none: a clause that goes on after the name of the device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// No XML, or too much of it.
    #[error("answers what {0}")]
    Xml(#[from] XmlError),
    /// XML of another kind: a page for people, most often.
    #[error("answers with <{0}>, which is no SOAP")]
    NoSoap(String),
    /// The answer to something else.
    #[error("answers {got} where {expected} was expected")]
    Other {
        /// The name of the element that was expected.
        expected: String,
        /// The name of the one that came.
        got: String,
    },
    /// The device refuses.
    #[error("refuses: {0}")]
    Fault(Fault),
}

/// What a device says to what it does not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", if self.reason.is_empty() { &self.code } else { &self.reason })]
pub struct Fault {
    /// What can be done about it.
    pub kind: FaultKind,
    /// The most exact code, without its prefix: `NotAuthorized`.
    pub code: String,
    /// Its sentence; may be empty.
    pub reason: String,
}

/// What can be done about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// User name or password are wrong, are missing, or the device's clock is another one.
    NotAuthorized,
    /// The device has no such operation, or service.
    Unsupported,
    /// Something that the request names is not there.
    NotFound,
    /// Anything else.
    Other,
}

impl Fault {
    fn of(fault: &Element) -> Self {
        // SOAP 1.2 §5.4: codes get more exact from one Subcode to the next; 1.1 has one code.
        let mut codes = Vec::new();
        let mut code = fault.at(&["Code"]);
        while let Some(element) = code {
            codes.extend(element.text_at(&["Value"]));
            code = element.at(&["Subcode"]);
        }
        codes.extend(fault.text_at(&["faultcode"]));
        let reason = fault
            .text_at(&["Reason", "Text"])
            .or_else(|| fault.text_at(&["faultstring"]))
            .or_else(|| fault.text_at(&["Detail", "Text"]))
            .unwrap_or_default();
        let local = |code: &str| code.rsplit(':').next().unwrap_or_default().to_owned();
        let kind = codes.iter().rev().map(|code| Self::kind_of(&local(code)));
        let kind = kind.into_iter().find(|kind| *kind != FaultKind::Other);
        Self {
            kind: kind.unwrap_or_else(|| Self::kind_by_words(reason)),
            code: printable(&codes.last().map(|code| local(code)).unwrap_or_default()),
            reason: printable(reason),
        }
    }

    /// ONVIF Core §5.11.2.2, and WS-Security §12.
    fn kind_of(code: &str) -> FaultKind {
        match code {
            "NotAuthorized"
            | "FailedAuthentication"
            | "InvalidSecurity"
            | "InvalidSecurityToken"
            | "OperationProhibited" => FaultKind::NotAuthorized,
            "ActionNotSupported"
            | "UnknownAction"
            | "OptionalActionNotImplemented"
            | "ServiceNotSupported"
            | "PTZNotSupported"
            | "NoPTZProfile"
            | "MustUnderstand" => FaultKind::Unsupported,
            "NoProfile" | "NoToken" | "NoEntity" | "NoConfig" | "NoHomePosition" => FaultKind::NotFound,
            _ => FaultKind::Other,
        }
    }

    /// Cheap cameras say `Sender` to everything, and why in words alone.
    fn kind_by_words(reason: &str) -> FaultKind {
        let reason = reason.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
        if says(&["authori", "authentic"]) {
            FaultKind::NotAuthorized
        } else if says(&["not implemented", "not supported", "unknown method", "method not found"]) {
            FaultKind::Unsupported
        } else {
            FaultKind::Other
        }
    }
}

/// The element in the body of an answer, which has to be `expected`.
///
/// # Errors
/// If it is not, or is a fault.
pub fn read_answer(bytes: &[u8], expected: &str) -> Result<Element, AnswerError> {
    let root = Element::parse(bytes)?;
    if let Some(fault) = root.at(&["Body", "Fault"]) {
        return Err(AnswerError::Fault(Fault::of(fault)));
    }
    let Some(body) = root.at(&["Body"]) else { return Err(AnswerError::NoSoap(printable(root.name()))) };
    let got = body.children().first().map(Element::name).unwrap_or_default();
    match body.at(&[expected]) {
        Some(answer) => Ok(answer.clone()),
        None => Err(AnswerError::Other { expected: expected.to_owned(), got: printable(got) }),
    }
}

/// A device's text for a sentence: short, and without control characters.
pub(crate) fn printable(text: &str) -> String {
    let spaced = text.chars().map(|char| if char.is_whitespace() { ' ' } else { char });
    spaced.filter(|char| !char.is_control()).take(TEXT_CHARS).collect::<String>().trim().to_owned()
}
