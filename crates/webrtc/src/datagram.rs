//! What a datagram on the shared port is, and whose.

use crate::limits::MAX_DATAGRAM_BYTES;
use is::stun::StunMessage;

/// What travels on one transport of WebRTC, told apart by the first bytes (RFC 7983 §7, RFC 5761 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatagramKind {
    /// STUN: ICE's checks.
    Stun,
    /// DTLS.
    Dtls,
    /// SRTP.
    Rtp,
    /// SRTCP.
    Rtcp,
}

impl DatagramKind {
    /// What `datagram` is by its first bytes; `None` for anything that WebRTC does not send, or too long.
    #[must_use]
    pub fn of(datagram: &[u8]) -> Option<Self> {
        if datagram.len() > MAX_DATAGRAM_BYTES {
            return None;
        }
        match datagram {
            [0..=3, ..] => Some(Self::Stun),
            [20..=63, ..] => Some(Self::Dtls),
            [128..=191, 192..=223, ..] => Some(Self::Rtcp),
            [128..=191, _, ..] => Some(Self::Rtp),
            _ => None,
        }
    }
}

/// The ufrag of ours that a STUN binding request names in its USERNAME (RFC 8445 §7.2.2): whose peer it is for. Nothing
/// is authenticated here. `None` for anything else.
#[must_use]
pub fn local_ufrag(datagram: &[u8]) -> Option<&str> {
    let message = StunMessage::parse(datagram).ok()?;
    if !message.is_binding_request() {
        return None;
    }
    message.username()?.split_once(':').map(|(local, _)| local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_are_told_apart_by_their_first_bytes() {
        let kind = |bytes: &[u8]| DatagramKind::of(bytes);
        assert_eq!(kind(&[0, 1, 0, 0]), Some(DatagramKind::Stun));
        assert_eq!(kind(&[22, 254, 253]), Some(DatagramKind::Dtls));
        assert_eq!(kind(&[0x80, 96]), Some(DatagramKind::Rtp));
        assert_eq!(kind(&[0x80, 0xe0]), Some(DatagramKind::Rtp), "payload type 96 with the marker");
        assert_eq!(kind(&[0x81, 201]), Some(DatagramKind::Rtcp));
        assert_eq!(kind(&[64, 0, 0, 0]), None, "a TURN channel");
        assert_eq!(kind(&[]), None);
        assert_eq!(kind(&[0; 2000]), None);
    }
}
