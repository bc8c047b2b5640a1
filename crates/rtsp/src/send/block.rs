//! The packets of one frame, ready for every player.

use crate::message::Data;
use bytes::{BufMut, Bytes, BytesMut};
use std::sync::OnceLock;
use std::time::SystemTime;
use yeoul_media::Timestamp;
use yeoul_rtp::Header;
use yeoul_rtp::packet::HEADER_BYTES;

/// Bytes in front of a packet on an interleaved connection (RFC 2326 §10.12).
const PREFIX_BYTES: usize = 4;

/// The RTP packets of one frame, made once and shared by all sessions of a [`super::Fanout`].
#[derive(Debug)]
pub struct Block {
    /// The track, counted as in the session's description.
    pub track: usize,
    /// PTS of the frame …
    pub pts: Timestamp,
    /// … and the wall clock that belongs to it.
    pub wall: SystemTime,
    /// Sequence number of the first packet.
    pub seq: u16,
    /// How many packets there are.
    pub packets: u32,
    /// Bytes of their payloads.
    pub payload_bytes: usize,
    interleaved: Bytes,
    datagrams: OnceLock<Vec<Datagrams>>,
}

/// Datagrams of one size, one behind the other; only the last may be shorter. That is what the kernel can cut itself
/// (UDP segmentation offload).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagrams {
    /// The bytes of all of them.
    pub bytes: Bytes,
    /// Bytes of each but the last.
    pub segment_bytes: usize,
}

impl Datagrams {
    /// A single datagram.
    #[must_use]
    pub fn one(bytes: Bytes) -> Self {
        Self { segment_bytes: bytes.len(), bytes }
    }

    /// Each datagram.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks(self.segment_bytes.max(1))
    }
}

/// The default interleaved channels of a track: RTP and RTCP.
pub(crate) fn default_channels(track: usize) -> Option<(u8, u8)> {
    let rtp = u8::try_from(track.checked_mul(2)?).ok()?;
    Some((rtp, rtp.checked_add(1)?))
}

/// Builds a [`Block`].
pub(super) struct BlockWriter {
    channel: u8,
    bytes: BytesMut,
}

impl BlockWriter {
    /// For packets of `track`, `packets` of them with `payload_bytes` in all.
    pub(super) fn new(track: usize, packets: usize, payload_bytes: usize) -> Self {
        let channel = default_channels(track).map_or(u8::MAX, |(rtp, _)| rtp);
        Self {
            channel,
            bytes: BytesMut::with_capacity(payload_bytes + packets * (PREFIX_BYTES + HEADER_BYTES)),
        }
    }

    /// Appends a packet; `false` if it is longer than its length field can tell.
    pub(super) fn push(
        &mut self,
        header: &Header,
        payload_bytes: usize,
        write: impl FnOnce(&mut BytesMut),
    ) -> bool {
        let Some(prefix) = Data::prefix(self.channel, HEADER_BYTES + payload_bytes) else { return false };
        self.bytes.put_slice(&prefix);
        self.bytes.put_slice(&header.write());
        write(&mut self.bytes);
        true
    }

    pub(super) fn finish(self) -> Bytes {
        self.bytes.freeze()
    }
}

impl Block {
    pub(super) fn new(
        track: usize,
        (pts, wall): (Timestamp, SystemTime),
        seq: u16,
        packets: u32,
        payload_bytes: usize,
        interleaved: Bytes,
    ) -> Self {
        Self { track, pts, wall, seq, packets, payload_bytes, interleaved, datagrams: OnceLock::new() }
    }

    /// The packets on an interleaved connection, on the track's default channel: shared, not copied.
    #[must_use]
    pub fn interleaved(&self) -> &Bytes {
        &self.interleaved
    }

    /// The same on another channel: a copy.
    #[must_use]
    pub fn interleaved_on(&self, channel: u8) -> Bytes {
        let mut copy = BytesMut::from(self.interleaved.as_ref());
        let mut at = 0;
        while let Some([_, of_packet, high, low]) =
            copy.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<PREFIX_BYTES>)
        {
            *of_packet = channel;
            at += PREFIX_BYTES + usize::from(u16::from_be_bytes([*high, *low]));
        }
        copy.freeze()
    }

    /// The packets without prefixes, for UDP: made when the first UDP player asks, then shared.
    #[must_use]
    pub fn datagrams(&self) -> &[Datagrams] {
        self.datagrams.get_or_init(|| cut(&self.interleaved))
    }

    /// Memory it takes, about.
    pub(super) fn size_bytes(&self) -> usize {
        self.interleaved.len()
    }
}

/// Takes the prefixes off and groups what segmentation offload can send together.
fn cut(interleaved: &Bytes) -> Vec<Datagrams> {
    let mut packets = Vec::new();
    let mut rest = interleaved.as_ref();
    while let Some((&[_, _, high, low], after)) = rest.split_first_chunk::<PREFIX_BYTES>() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (packet, after) = after.split_at_checked(length).unwrap_or((after, &[]));
        packets.push(packet);
        rest = after;
    }
    let mut bytes = BytesMut::with_capacity(interleaved.len());
    let mut groups: Vec<(usize, usize, bool)> = Vec::new(); // length, segment, closed by a shorter one
    for packet in packets {
        bytes.put_slice(packet);
        match groups.last_mut() {
            Some((length, segment, closed)) if !*closed && packet.len() <= *segment => {
                *length += packet.len();
                *closed = packet.len() < *segment;
            }
            _ => groups.push((packet.len(), packet.len(), false)),
        }
    }
    let mut bytes = bytes.freeze();
    groups
        .into_iter()
        .map(|(length, segment_bytes, _)| Datagrams { bytes: bytes.split_to(length), segment_bytes })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(payloads: &[usize]) -> Block {
        let mut writer = BlockWriter::new(1, payloads.len(), payloads.iter().sum());
        for (n, length) in payloads.iter().enumerate() {
            let header = Header {
                payload_type: 96,
                marker: false,
                sequence: u16::try_from(n).unwrap(),
                rtp_time: 0,
                ssrc: 0,
            };
            assert!(writer.push(&header, *length, |to| to.put_bytes(0xaa, *length)));
        }
        Block::new(1, (Timestamp::ZERO, SystemTime::UNIX_EPOCH), 0, 0, 0, writer.finish())
    }

    #[test]
    fn another_channel_changes_only_the_channel() {
        let block = block(&[100, 300, 0]);
        let shared = block.interleaved();
        assert_eq!(shared.get(..4), Some(&[b'$', 2, 0, 112][..]));
        let copy = block.interleaved_on(9);
        let differing: Vec<usize> = (0..copy.len()).filter(|&at| copy[at] != shared[at]).collect();
        assert_eq!(differing, [1, 117, 433], "second byte of each of the three packets");
    }

    #[test]
    fn datagrams_of_equal_size_are_sent_together() {
        let sizes = |payloads: &[usize]| -> Vec<(usize, usize)> {
            let block = block(payloads);
            block.datagrams().iter().map(|group| (group.iter().count(), group.segment_bytes)).collect()
        };
        assert_eq!(sizes(&[20, 30, 1000, 1000, 1000, 400]), [(1, 32), (1, 42), (4, 1012)]);
        assert_eq!(sizes(&[1000, 400, 400]), [(2, 1012), (1, 412)]);
        assert_eq!(sizes(&[50]), [(1, 62)]);
        assert_eq!(sizes(&[]), []);
    }

    #[test]
    fn datagrams_are_the_packets_without_their_prefixes() {
        let block = block(&[20, 1000, 1000, 400, 7]);
        let packets: Vec<Vec<u8>> = block
            .datagrams()
            .iter()
            .flat_map(|group| group.iter().map(<[u8]>::to_vec).collect::<Vec<_>>())
            .collect();
        let mut interleaved = Vec::new();
        for packet in &packets {
            interleaved.extend_from_slice(&Data::prefix(2, packet.len()).unwrap());
            interleaved.extend_from_slice(packet);
        }
        assert_eq!(interleaved, block.interleaved().as_ref());
    }
}
