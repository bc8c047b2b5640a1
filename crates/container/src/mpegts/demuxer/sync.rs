//! Bytes to packets: finds where packets start, and how far apart they are.
//!
//! Beside 188 bytes there are 192 (a time stamp of 4 bytes in front of each packet: cameras' recordings, Blu-ray) and 204 (16
//! bytes of error correction behind each packet: DVB).

use crate::mpegts::{PACKET_BYTES, SYNC_BYTE};

/// Distances of packets.
const STRIDES: [usize; 3] = [PACKET_BYTES, 192, 204];
const MAX_STRIDE: usize = 204;
/// Sync bytes behind the first that have to be where they belong before a place is believed: by chance one in 2^16 is, and is
/// found out with the next packet.
const CONFIRMATIONS: usize = 2;
/// Bytes that decide about a place.
const WINDOW_BYTES: usize = CONFIRMATIONS * MAX_STRIDE + 1;

/// Where packets are in a stream of bytes.
#[derive(Debug, Default)]
pub(super) struct Sync {
    /// The start of a packet whose rest has not come, or bytes among which no packet was found.
    carry: Vec<u8>,
    /// Once found: the distance of packets.
    stride: Option<usize>,
    /// Bytes to pass over before the next packet.
    skip: usize,
    /// Bytes passed over since packets were found last.
    searched: usize,
}

/// What [`Sync::push`] finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Packet(&'a [u8; PACKET_BYTES]),
    /// Packets were not where they belong: something is missing.
    Lost,
}

impl Sync {
    /// Bytes passed over since packets were found last.
    pub(super) fn searched(&self) -> usize {
        self.searched
    }

    /// The next bytes, in pieces of any size.
    pub(super) fn push(&mut self, mut data: &[u8], mut found: impl FnMut(Found<'_>)) {
        while !data.is_empty() {
            if self.stride.is_none() {
                let now = data.len().min(WINDOW_BYTES);
                let (head, tail) = data.split_at(now);
                self.carry.extend_from_slice(head);
                data = tail;
                self.search(&mut found);
                continue;
            }
            data = self.skip(data);
            if self.carry.is_empty() {
                data = self.packets(data, &mut found);
                if self.stride.is_some() {
                    self.carry.extend_from_slice(data);
                    return;
                }
                continue;
            }
            let (head, tail) = data.split_at(data.len().min(PACKET_BYTES.saturating_sub(self.carry.len())));
            self.carry.extend_from_slice(head);
            data = tail;
            self.carried(&mut found);
        }
    }

    fn skip<'a>(&mut self, data: &'a [u8]) -> &'a [u8] {
        let now = self.skip.min(data.len());
        self.skip -= now;
        data.get(now..).unwrap_or_default()
    }

    /// All whole packets at the start of `data`; what is left is less than one, or starts with none.
    fn packets<'a>(&mut self, mut data: &'a [u8], found: &mut impl FnMut(Found<'_>)) -> &'a [u8] {
        let Some(stride) = self.stride else { return data };
        while let Some((packet, rest)) = data.split_first_chunk::<PACKET_BYTES>() {
            if packet[0] != SYNC_BYTE {
                self.lose(found);
                return data;
            }
            found(Found::Packet(packet));
            self.skip = stride - PACKET_BYTES;
            data = self.skip(rest);
        }
        data
    }

    /// Takes what has been carried, as far as it has whole packets.
    fn carried(&mut self, found: &mut impl FnMut(Found<'_>)) {
        let carry = std::mem::take(&mut self.carry);
        let left = self.packets(&carry, found).len();
        self.carry = carry;
        self.carry.drain(..self.carry.len() - left);
    }

    fn lose(&mut self, found: &mut impl FnMut(Found<'_>)) {
        self.stride = None;
        self.skip = 0;
        found(Found::Lost);
    }

    /// Searches the carried bytes for the first place where packets start.
    fn search(&mut self, found: &mut impl FnMut(Found<'_>)) {
        let (mut passed, mut stride) = (0, None);
        while passed < self.carry.len() {
            stride = self.stride_at(passed);
            if stride.is_some() || self.carry.len() - passed < WINDOW_BYTES {
                break;
            }
            passed += 1;
        }
        self.searched = self.searched.saturating_add(passed);
        self.carry.drain(..passed);
        if stride.is_some() {
            self.stride = stride;
            self.searched = 0;
            self.carried(found);
        }
    }

    /// The distance at which packets follow one that starts at `at`.
    fn stride_at(&self, at: usize) -> Option<usize> {
        STRIDES.into_iter().find(|stride| {
            (0..=CONFIRMATIONS).all(|count| self.carry.get(at + count * stride) == Some(&SYNC_BYTE))
        })
    }
}
