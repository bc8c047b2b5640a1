//! Compound packets to [`Packet`]s.

use super::{
    Arrivals, BLOCK_BYTES, BYE, Bye, CNAME, FULL_INTRA_REQUEST, GENERIC_NACK, Nack, NtpTime,
    PAYLOAD_FEEDBACK, PICTURE_LOSS, Packet, RR, ReceiverReport, ReportBlock, SDES, SR, SenderReport,
    SourceDescription, TRANSPORT_FEEDBACK, TRANSPORT_WIDE,
};
use crate::limits::{MAX_NACKED_PACKETS, MAX_RTCP_PACKETS};

/// Why bytes are no RTCP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Ends inside a packet.
    #[error("the RTCP {packet} ends too early: expected {expected} bytes, got {got}")]
    TooShort {
        /// Which packet.
        packet: &'static str,
        /// Bytes needed.
        expected: usize,
        /// Bytes there.
        got: usize,
    },
    /// Another version than 2.
    #[error("the RTCP packet has version {0}, expected 2")]
    Version(u8),
    /// No type of RTCP (RFC 5761 §4): this may be RTP.
    #[error("the RTCP packet has type {0}, expected 192 to 223")]
    Type(u8),
    /// More padding than content.
    #[error("the RTCP packet says {padding} bytes of padding, expected 1 to {content}")]
    Padding {
        /// The last byte of the packet.
        padding: usize,
        /// Bytes between header and end.
        content: usize,
    },
    /// More packets than anybody sends.
    #[error("the RTCP datagram has more than {MAX_RTCP_PACKETS} packets")]
    TooMany,
}

/// The packets of a compound packet. Ends after the first error. Any packet may stand first (RFC 5506).
pub fn packets(bytes: &[u8]) -> impl Iterator<Item = Result<Packet, Error>> {
    let (mut rest, mut count) = (bytes, 0);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        count += 1;
        let result = if count > MAX_RTCP_PACKETS { Err(Error::TooMany) } else { split(rest) };
        let packet = result.and_then(|(head, content, after)| {
            rest = after;
            parse(head, content)
        });
        if packet.is_err() {
            rest = &[];
        }
        Some(packet)
    })
}

/// Count and packet type.
type Head = (u8, u8);

/// The first packet's head and content without padding, and what follows (RFC 3550 §6.4.1).
fn split(bytes: &[u8]) -> Result<(Head, &[u8], &[u8]), Error> {
    let too_short = |expected| Error::TooShort { packet: "packet", expected, got: bytes.len() };
    let Some((&[first, packet_type, l0, l1], after)) = bytes.split_first_chunk::<4>() else {
        return Err(too_short(4));
    };
    if first >> 6 != 2 {
        return Err(Error::Version(first >> 6));
    }
    if !(192..=223).contains(&packet_type) {
        return Err(Error::Type(packet_type));
    }
    let length = 4 * usize::from(u16::from_be_bytes([l0, l1]));
    let (mut content, rest) = after.split_at_checked(length).ok_or(too_short(4 + length))?;
    if first & 0x20 != 0 {
        let padding = content.last().copied().map_or(0, usize::from);
        let error = Error::Padding { padding, content: content.len() };
        let length = content.len().checked_sub(padding).filter(|_| padding > 0).ok_or(error)?;
        content = content.get(..length).unwrap_or_default();
    }
    Ok(((first & 0x1f, packet_type), content, rest))
}

fn parse((count, packet_type): Head, content: &[u8]) -> Result<Packet, Error> {
    let mut r = Reader { packet: "", content, at: 0 };
    Ok(match packet_type {
        SR => {
            r.packet = "sender report";
            Packet::SenderReport(SenderReport {
                ssrc: r.u32()?,
                ntp: NtpTime((u64::from(r.u32()?) << 32) | u64::from(r.u32()?)),
                rtp_time: r.u32()?,
                packet_count: r.u32()?,
                octet_count: r.u32()?,
                blocks: r.blocks(count)?,
            })
        }
        RR => {
            r.packet = "receiver report";
            Packet::ReceiverReport(ReceiverReport { ssrc: r.u32()?, blocks: r.blocks(count)? })
        }
        SDES => {
            r.packet = "source description";
            Packet::SourceDescription((0..count).map(|_| r.chunk()).collect::<Result<_, _>>()?)
        }
        BYE => {
            r.packet = "BYE";
            let ssrcs = (0..count).map(|_| r.u32()).collect::<Result<_, _>>()?;
            let reason = match r.u8() {
                Ok(length) => Some(r.text(length.into())?),
                Err(_) => None,
            };
            Packet::Bye(Bye { ssrcs, reason })
        }
        TRANSPORT_FEEDBACK if count == GENERIC_NACK => {
            r.packet = "NACK";
            Packet::Nack(Nack { sender_ssrc: r.u32()?, media_ssrc: r.u32()?, lost: r.lost()? })
        }
        TRANSPORT_FEEDBACK if count == TRANSPORT_WIDE => {
            r.packet = "transport-wide feedback";
            Packet::Arrivals(Arrivals::parse(&mut r)?)
        }
        PAYLOAD_FEEDBACK if count == PICTURE_LOSS => {
            r.packet = "picture loss indication";
            Packet::PictureLoss { sender_ssrc: r.u32()?, media_ssrc: r.u32()? }
        }
        PAYLOAD_FEEDBACK if count == FULL_INTRA_REQUEST => {
            r.packet = "full intra request";
            let sender_ssrc = r.u32()?;
            r.u32()?; // the media's SSRC is not used
            let mut requests = Vec::new();
            while !r.is_at_end() {
                requests.push((r.u32()?, r.u8()?));
                r.take(3)?;
            }
            Packet::FullIntraRequest { sender_ssrc, requests }
        }
        packet_type => Packet::Other { packet_type },
    })
}

/// Reads fields; an error names the packet.
pub(super) struct Reader<'a> {
    packet: &'static str,
    content: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn is_at_end(&self) -> bool {
        self.at >= self.content.len()
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let end = self.at + count;
        let error = Error::TooShort { packet: self.packet, expected: 4 + end, got: 4 + self.content.len() };
        let bytes = self.content.get(self.at..end).ok_or(error)?;
        self.at = end;
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Error> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    fn text(&mut self, length: usize) -> Result<String, Error> {
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn blocks(&mut self, count: u8) -> Result<Vec<ReportBlock>, Error> {
        let mut blocks = Vec::with_capacity(count.into());
        for _ in 0..count {
            let mut r = Reader { content: self.take(BLOCK_BYTES)?, at: 0, packet: self.packet };
            let ssrc = r.u32()?;
            let lost = r.u32()?;
            blocks.push(ReportBlock {
                ssrc,
                fraction_lost: u8::try_from(lost >> 24).unwrap_or(u8::MAX),
                // The sign is that of 24 bits.
                cumulative_lost: (lost << 8).cast_signed() >> 8,
                highest_sequence: r.u32()?,
                jitter: r.u32()?,
                last_sr: r.u32()?,
                delay_since_last_sr: r.u32()?,
            });
        }
        Ok(blocks)
    }

    /// A chunk of SDES: items up to a zero, then zeros up to the next word (RFC 3550 §6.5).
    fn chunk(&mut self) -> Result<SourceDescription, Error> {
        let (ssrc, mut cname) = (self.u32()?, None);
        // Some senders forget the zero of the last chunk.
        while !self.is_at_end() {
            let item = self.u8()?;
            if item == 0 {
                break;
            }
            let length = self.u8()?;
            let text = self.text(length.into())?;
            if item == CNAME {
                cname = Some(text);
            }
        }
        self.at = self.at.next_multiple_of(4).min(self.content.len());
        Ok(SourceDescription { ssrc, cname })
    }

    /// Pairs of a sequence number and a mask of the 16 after it (RFC 4585 §6.2.1).
    fn lost(&mut self) -> Result<Vec<u16>, Error> {
        let mut lost = Vec::new();
        while !self.is_at_end() && lost.len() < MAX_NACKED_PACKETS {
            let (first, mask) = (self.u16()?, self.u16()?);
            lost.push(first);
            lost.extend((0..16).filter(|bit| mask & (1 << bit) != 0).map(|bit| first.wrapping_add(bit + 1)));
        }
        Ok(lost)
    }
}
