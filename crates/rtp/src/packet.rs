//! The RTP packet (RFC 3550 §5.1).
//!
//! CSRC lists, header extensions and padding are passed over. Leaves out what is inside header extensions (RFC 8285).

use bytes::Bytes;

/// Bytes of a header without CSRC and extension, as [`Header::write`] writes it.
pub const HEADER_BYTES: usize = 12;

/// The fields of the fixed header that a receiver needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// Marker: its meaning is the payload format's.
    pub marker: bool,
    /// Sequence number.
    pub sequence: u16,
    /// RTP time, in ticks of the format's clock from a random start.
    pub rtp_time: u32,
    /// The sender of this sequence of packets.
    pub ssrc: u32,
}

impl Header {
    /// The 12 bytes of the header, without padding, extension and CSRC. `payload_type` is cut to 7 bits.
    #[must_use]
    pub fn write(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[0] = 0x80;
        out[1] = (u8::from(self.marker) << 7) | (self.payload_type & 0x7f);
        out[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        out[4..8].copy_from_slice(&self.rtp_time.to_be_bytes());
        out[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        out
    }
}

/// A packet, borrowed from the bytes that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketRef<'a> {
    /// The fixed header.
    pub header: Header,
    /// What stands between header and padding; may be empty.
    pub payload: &'a [u8],
}

/// A packet that owns its payload, for those that have to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The fixed header.
    pub header: Header,
    /// What stands between header and padding; may be empty.
    pub payload: Bytes,
}

/// Why bytes are no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Ends inside the header, the CSRC list or the extension.
    #[error("the RTP packet of {got} bytes ends inside its {part}, expected at least {expected} bytes")]
    TooShort {
        /// What is cut.
        part: &'static str,
        /// Bytes needed.
        expected: usize,
        /// Bytes there.
        got: usize,
    },
    /// Another version than 2.
    #[error("the RTP packet has version {0}, expected 2")]
    Version(u8),
    /// More padding than payload, or a padding of 0 bytes.
    #[error("the RTP packet says {padding} bytes of padding, expected 1 to {payload}")]
    Padding {
        /// The last byte of the packet.
        padding: usize,
        /// Bytes between header and end.
        payload: usize,
    },
}

impl<'a> PacketRef<'a> {
    /// Reads a packet.
    ///
    /// # Errors
    /// If the bytes are no RTP packet of version 2.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacketError> {
        let too_short = |part, expected| PacketError::TooShort { part, expected, got: bytes.len() };
        let Some((&[b0, b1, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3], mut rest)) =
            bytes.split_first_chunk::<HEADER_BYTES>()
        else {
            return Err(too_short("header", HEADER_BYTES));
        };
        if b0 >> 6 != 2 {
            return Err(PacketError::Version(b0 >> 6));
        }
        let (has_padding, has_extension) = (b0 & 0x20 != 0, b0 & 0x10 != 0);
        let csrc_bytes = 4 * usize::from(b0 & 0x0f);
        rest = rest.get(csrc_bytes..).ok_or(too_short("CSRC list", HEADER_BYTES + csrc_bytes))?;
        if has_extension {
            let at = HEADER_BYTES + csrc_bytes;
            let (&[_, _, l0, l1], after) =
                rest.split_first_chunk::<4>().ok_or(too_short("extension header", at + 4))?;
            let extension_bytes = 4 * usize::from(u16::from_be_bytes([l0, l1]));
            rest = after.get(extension_bytes..).ok_or(too_short("extension", at + 4 + extension_bytes))?;
        }
        if has_padding {
            let padding = rest.last().copied().map_or(0, usize::from);
            let length = rest.len().checked_sub(padding).filter(|_| padding > 0);
            let error = PacketError::Padding { padding, payload: rest.len() };
            rest = length.and_then(|length| rest.get(..length)).ok_or(error)?;
        }
        Ok(Self {
            header: Header {
                payload_type: b1 & 0x7f,
                marker: b1 & 0x80 != 0,
                sequence: u16::from_be_bytes([s0, s1]),
                rtp_time: u32::from_be_bytes([t0, t1, t2, t3]),
                ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
            },
            payload: rest,
        })
    }

    /// A copy that owns its payload.
    #[must_use]
    pub fn to_owned(&self) -> Packet {
        Packet { header: self.header, payload: Bytes::copy_from_slice(self.payload) }
    }
}

impl Packet {
    /// Reads a packet, sharing the bytes.
    ///
    /// # Errors
    /// As [`PacketRef::parse`].
    pub fn parse(bytes: &Bytes) -> Result<Self, PacketError> {
        let packet = PacketRef::parse(bytes)?;
        Ok(Self { header: packet.header, payload: bytes.slice_ref(packet.payload) })
    }

    /// The same packet, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> PacketRef<'_> {
        PacketRef { header: self.header, payload: &self.payload }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn csrc_extension_and_padding_are_passed_over() {
        let bytes = [
            0xb1, 0xe0, 0x12, 0x34, 0, 0, 0, 9, 0xde, 0xad, 0xbe, 0xef, // P, X, one CSRC; marker, 96
            1, 2, 3, 4, // CSRC
            0xbe, 0xde, 0, 1, 5, 6, 7, 8, // extension of one word
            0x65, 0x88, // payload
            0, 0, 3, // padding
        ];
        let packet = PacketRef::parse(&bytes).unwrap();
        assert_eq!(
            packet.header,
            Header { payload_type: 96, marker: true, sequence: 0x1234, rtp_time: 9, ssrc: 0xdead_beef }
        );
        assert_eq!(packet.payload, [0x65, 0x88]);
    }

    #[test]
    fn a_packet_cut_anywhere_is_named_by_the_part_that_is_missing() {
        let error = |bytes: &[u8]| PacketRef::parse(bytes).unwrap_err().to_string();
        assert_eq!(
            error(&[0x80; 11]),
            "the RTP packet of 11 bytes ends inside its header, expected at least 12 bytes"
        );
        assert_eq!(error(&[0x40; 12]), "the RTP packet has version 1, expected 2");
        assert_eq!(
            error(&[0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            "the RTP packet of 13 bytes ends inside its CSRC list, expected at least 16 bytes"
        );
        assert_eq!(
            error(&[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 9]),
            "the RTP packet says 9 bytes of padding, expected 1 to 2"
        );
    }

    proptest! {
        #[test]
        fn a_written_header_reads_back(payload_type in 0u8..128, marker: bool, sequence: u16, rtp_time: u32, ssrc: u32, payload: Vec<u8>) {
            let header = Header { payload_type, marker, sequence, rtp_time, ssrc };
            let mut bytes = header.write().to_vec();
            bytes.extend(&payload);
            let bytes = Bytes::from(bytes);
            let packet = Packet::parse(&bytes).unwrap();
            prop_assert_eq!(packet.as_ref(), PacketRef { header, payload: &payload });
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = PacketRef::parse(&bytes);
        }
    }
}
