//! Protecting what we send.

use super::cipher::{Cipher, Kind, PacketId};
use super::{MasterKey, Profile};

/// The keys have protected as many packets as they may (RFC 3711 §9.2: 2^48 RTP, 2^31 RTCP): the session must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the SRTP keys have protected as many packets as they may")]
pub struct Exhausted;

const MAX_RTP_INDEX: u64 = (1 << 48) - 1;
const MAX_RTCP_INDEX: u32 = (1 << 31) - 1;

/// The packet indexes of one SSRC that we send: sequence number and count of its wraps, each given out once.
///
/// One SSRC has one `Sequence` for the life of the keys; it is not `Clone`.
#[derive(Debug)]
pub struct Sequence {
    ssrc: u32,
    next: u64,
}

impl Sequence {
    /// The indexes of `ssrc` from `first` on, which also is the first sequence number (RFC 3711 §3.3.1: the count of
    /// wraps starts at zero).
    #[must_use]
    pub const fn new(ssrc: u32, first: u16) -> Self {
        Self { ssrc, next: first as u64 }
    }

    /// The SSRC.
    #[must_use]
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The index of the next packet.
    #[must_use]
    pub const fn next_index(&self) -> u64 {
        self.next
    }

    /// The sequence number of the next packet.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the sequence number is the low 16 bits of the index"
    )]
    pub const fn next_number(&self) -> u16 {
        self.next as u16
    }

    #[cfg(test)]
    pub(super) const fn set_next_for_test(&mut self, next: u64) {
        self.next = next;
    }

    fn take(&mut self) -> Result<PacketId, Exhausted> {
        if self.next > MAX_RTP_INDEX {
            return Err(Exhausted);
        }
        let id = PacketId { ssrc: self.ssrc, index: self.next };
        self.next += 1;
        Ok(id)
    }
}

/// Protects the RTP and RTCP packets of one session: the only user of its keys.
#[derive(Debug)]
pub struct Sealer {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    rtcp_index: u32,
    #[cfg(test)]
    pub(super) used: Vec<(Kind, PacketId)>,
}

impl Sealer {
    /// A sealer for what we send.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        Self {
            profile: master.profile,
            rtp: Cipher::new(master, Kind::Rtp),
            rtcp: Cipher::new(master, Kind::Rtcp),
            rtcp_index: 0,
            #[cfg(test)]
            used: Vec::new(),
        }
    }

    /// The profile of the keys.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Protects one RTP packet in place: `packet` is header (`header_bytes`, with extension), payload, and room for the
    /// tag of [`Profile::tag_bytes`]. The header's SSRC and sequence number must be those of `sequence`'s next packet.
    ///
    /// # Errors
    /// If the keys are exhausted; the packet must not be sent then.
    pub fn seal_rtp(
        &mut self,
        sequence: &mut Sequence,
        packet: &mut [u8],
        header_bytes: usize,
    ) -> Result<(), Exhausted> {
        let id = sequence.take()?;
        #[cfg(test)]
        self.used.push((Kind::Rtp, id));
        let tag_at = packet.len().saturating_sub(self.profile.tag_bytes());
        let (body, tag) = packet.split_at_mut(tag_at);
        let (header, body) = body.split_at_mut(header_bytes.min(tag_at));
        self.rtp.seal(id, header, body, &wraps(id.index).to_be_bytes(), tag);
        Ok(())
    }

    /// Protects a compound RTCP packet: appends what SRTCP needs behind it (RFC 3711 §3.4, RFC 7714 §9). Shorter than
    /// the 8 bytes of an RTCP header it stays as it is.
    ///
    /// # Errors
    /// If the keys are exhausted; the packet must not be sent then.
    pub fn seal_rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), Exhausted> {
        let Some((&header, _)) = packet.split_first_chunk::<8>() else { return Ok(()) };
        if self.rtcp_index > MAX_RTCP_INDEX {
            return Err(Exhausted);
        }
        let [.., s0, s1, s2, s3] = header;
        let id = PacketId { ssrc: u32::from_be_bytes([s0, s1, s2, s3]), index: self.rtcp_index.into() };
        #[cfg(test)]
        self.used.push((Kind::Rtcp, id));
        let index = (self.rtcp_index | 1 << 31).to_be_bytes();
        self.rtcp_index += 1;
        let mut tag = [0; 16];
        let tag = tag.split_at_mut(self.profile.tag_bytes()).0;
        let body = packet.get_mut(header.len()..).unwrap_or_default();
        match self.profile {
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => {
                // The index is authenticated with the header and stands behind the tag (RFC 7714 §9.2, §9.3).
                let mut aad = [0; 12];
                aad[..8].copy_from_slice(&header);
                aad[8..].copy_from_slice(&index);
                self.rtcp.seal(id, &aad, body, &[], tag);
                packet.extend_from_slice(tag);
                packet.extend_from_slice(&index);
            }
            Profile::Aes128CmHmacSha1 => {
                self.rtcp.seal(id, &header, body, &index, tag);
                packet.extend_from_slice(&index);
                packet.extend_from_slice(tag);
            }
        }
        Ok(())
    }
}

/// The count of wraps of the sequence number in a packet index.
#[expect(clippy::cast_possible_truncation, reason = "an index has 48 bits")]
pub(super) const fn wraps(index: u64) -> u32 {
    (index >> 16) as u32
}
