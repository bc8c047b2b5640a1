//! Session descriptions of WebRTC (RFC 8829, RFC 8866): an offer in and our answer out, or our offer out and an answer in, and the
//! fragments of trickle ICE (RFC 8840 §9).
//!
//! Written here and not taken from a WebRTC library, because the answer must say what this camera sends (its H.264
//! profile, our SSRCs), which a library built around its own sender does not let us. Left out: data channels, simulcast,
//! SDES keys, several transports (BUNDLE is required), bandwidth lines.

mod answer;
mod fragment;
mod offer;
mod reader;
#[cfg(test)]
mod tests;

pub(crate) use answer::{Answer, Line, Receiving, Sending, write};
pub use fragment::{Fragment, FragmentError};
pub(crate) use offer::{Direction, Media, OfferedCodec, Setup};
pub use offer::{Offer, OfferError};

/// The header extension with the media's id (RFC 9143 §15).
const MID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
/// The header extension by which a sender chooses the receiver's delay.
const PLAYOUT_DELAY_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";

/// The header extension that numbers packets over all tracks, for feedback about their arrival
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2).
const TRANSPORT_WIDE_URI: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// The hash of a certificate (RFC 8122 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) hash: Hash,
    pub(crate) value: Vec<u8>,
}

/// Hash functions that a fingerprint may use. SHA-1 and MD5 are refused: they can be forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "sha-256" => Some(Self::Sha256),
            "sha-384" => Some(Self::Sha384),
            "sha-512" => Some(Self::Sha512),
            _ => None,
        }
    }
}

impl Fingerprint {
    /// Reads `sha-256 AB:CD:…`; `None` for hashes that we do not take and for anything malformed.
    fn parse(value: &str) -> Option<Self> {
        let (hash, hex) = value.trim().split_once(' ')?;
        let hash = Hash::parse(hash)?;
        let bytes: Option<Vec<u8>> =
            hex.trim().split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
        bytes.map(|value| Self { hash, value })
    }
}

/// ICE credentials of one side (RFC 8839 §5.4).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) ufrag: String,
    pub(crate) password: String,
}

/// The password is a secret of the session.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

impl Credentials {
    /// Checks the lengths and characters of RFC 8839 §5.4.
    fn checked(ufrag: &str, password: &str) -> Option<Self> {
        let ice_chars =
            |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/');
        let fits = (4..=256).contains(&ufrag.len()) && (22..=256).contains(&password.len());
        // Some clients use `-` and `_`, which are harmless.
        let plain = |text: &str| ice_chars(&text.replace(['-', '_', '='], ""));
        (fits && plain(ufrag) && plain(password))
            .then(|| Self { ufrag: ufrag.to_owned(), password: password.to_owned() })
    }
}
