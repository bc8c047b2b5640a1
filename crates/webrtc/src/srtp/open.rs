//! Checking and decrypting what comes in.

use super::cipher::{Cipher, Kind, PacketId};
use super::seal::wraps;
use super::{MasterKey, Profile};
use crate::limits::{MAX_REMOTE_SSRCS, REPLAY_WINDOW};

/// Why a packet was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Cut.
    #[error("the packet of {got} bytes is too short, expected at least {expected}")]
    TooShort {
        /// Bytes needed.
        expected: usize,
        /// Bytes there.
        got: usize,
    },
    /// Came before, or is older than the replay window.
    #[error("the packet came before, or is too old")]
    Replayed,
    /// The tag does not fit: wrong keys, or somebody else's packet.
    #[error("the packet's authentication tag is wrong")]
    Forged,
    /// Not encrypted, which WebRTC forbids (RFC 8827 §6.5).
    #[error("the RTCP packet is not encrypted")]
    NotEncrypted,
    /// The session has more senders than it may.
    #[error("the packet is of one sender too many, at most {MAX_REMOTE_SSRCS} are taken")]
    TooManySenders,
}

/// Which of the last [`REPLAY_WINDOW`] indexes came already (RFC 3711 §3.3.2): publishers without RTX send a packet again as it was.
#[derive(Clone, Debug)]
struct Window {
    ssrc: u32,
    highest: u64,
    /// A bit for each index, at its remainder.
    seen: [u64; WINDOW_WORDS],
}

const WINDOW_WORDS: usize = (REPLAY_WINDOW / 64) as usize;

impl Window {
    fn new(ssrc: u32, first: u64) -> Self {
        let mut window = Self { ssrc, highest: first, seen: [0; WINDOW_WORDS] };
        window.note(first);
        window
    }

    fn check(&self, index: u64) -> Result<(), OpenError> {
        if index > self.highest {
            return Ok(());
        }
        let (word, bit) = place(index);
        let came = self.seen.get(word).is_some_and(|seen| seen & bit != 0);
        if self.highest - index >= REPLAY_WINDOW || came { Err(OpenError::Replayed) } else { Ok(()) }
    }

    fn note(&mut self, index: u64) {
        if index > self.highest {
            // What is at these places is older than the window now.
            let skipped = (self.highest + 1).max(index.saturating_sub(REPLAY_WINDOW - 1))..index;
            for index in skipped {
                let (word, bit) = place(index);
                if let Some(seen) = self.seen.get_mut(word) {
                    *seen &= !bit;
                }
            }
            self.highest = index;
        }
        let (word, bit) = place(index);
        if let Some(seen) = self.seen.get_mut(word) {
            *seen |= bit;
        }
    }

    /// The index of sequence number `number`, guessed from the highest so far (RFC 3711 §3.3.1).
    fn guess(&self, number: u16) -> u64 {
        const HALF: u64 = 1 << 15;
        let base = self.highest & !0xffff;
        let same = base | u64::from(number);
        if same + HALF < self.highest {
            same + (HALF << 1)
        } else if same > self.highest + HALF && base > 0 {
            same - (HALF << 1)
        } else {
            same
        }
    }
}

/// Where the bit of an index is.
const fn place(index: u64) -> (usize, u64) {
    let place = index % REPLAY_WINDOW;
    ((place / 64) as usize, 1 << (place % 64))
}

/// Checks and decrypts the packets of a peer.
#[derive(Debug)]
pub struct Opener {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    rtp_windows: Vec<Window>,
    rtcp_windows: Vec<Window>,
}

impl Opener {
    /// An opener for what the peer sends.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        Self {
            profile: master.profile,
            rtp: Cipher::new(master, Kind::Rtp),
            rtcp: Cipher::new(master, Kind::Rtcp),
            rtp_windows: Vec::new(),
            rtcp_windows: Vec::new(),
        }
    }

    /// Checks and decrypts an SRTP packet in place; gives the RTP packet.
    ///
    /// # Errors
    /// If it is not authentic or came before; the bytes are not to be used then.
    pub fn open_rtp<'a>(&mut self, packet: &'a mut [u8]) -> Result<&'a [u8], OpenError> {
        let tag_bytes = self.profile.tag_bytes();
        let header_bytes = rtp_header_bytes(packet).filter(|header| header + tag_bytes <= packet.len());
        let too_short = OpenError::TooShort { expected: 12 + tag_bytes, got: packet.len() };
        let header_bytes = header_bytes.ok_or(too_short)?;
        let Some(&[_, _, n0, n1, _, _, _, _, s0, s1, s2, s3]) = packet.first_chunk::<12>() else {
            return Err(too_short);
        };
        let number = u16::from_be_bytes([n0, n1]);
        let ssrc = u32::from_be_bytes([s0, s1, s2, s3]);
        let index = find(&self.rtp_windows, ssrc).map_or(u64::from(number), |window| window.guess(number));
        check(&self.rtp_windows, ssrc, index)?;
        let body_end = packet.len() - tag_bytes;
        let (protected, tag) = packet.split_at_mut(body_end);
        let (header, body) = protected.split_at_mut(header_bytes);
        let id = PacketId { ssrc, index };
        self.rtp.open(id, header, body, &wraps(index).to_be_bytes(), tag).map_err(|_| OpenError::Forged)?;
        note(&mut self.rtp_windows, ssrc, index);
        Ok(protected)
    }

    /// Checks and decrypts an SRTCP packet in place; gives the compound RTCP packet.
    ///
    /// # Errors
    /// If it is not authentic or came before; the bytes are not to be used then.
    pub fn open_rtcp<'a>(&mut self, packet: &'a mut [u8]) -> Result<&'a [u8], OpenError> {
        const HEADER: usize = 8;
        const INDEX: usize = 4;
        let tag_bytes = self.profile.tag_bytes();
        let got = packet.len();
        let Some(body_end) = got.checked_sub(tag_bytes + INDEX).filter(|end| *end >= HEADER) else {
            return Err(OpenError::TooShort { expected: HEADER + tag_bytes + INDEX, got });
        };
        let (protected, trailer) = packet.split_at_mut(body_end);
        let (index_field, tag) = match self.profile {
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => {
                let (tag, index) = trailer.split_at(tag_bytes);
                (index, tag)
            }
            Profile::Aes128CmHmacSha1 => trailer.split_at(INDEX),
        };
        let (header, body) = protected.split_at_mut(HEADER);
        let (&mut [_, _, _, _, s0, s1, s2, s3], &[i0, i1, i2, i3]) = (&mut *header, index_field) else {
            return Err(OpenError::TooShort { expected: HEADER + tag_bytes + INDEX, got });
        };
        let ssrc = u32::from_be_bytes([s0, s1, s2, s3]);
        let field = u32::from_be_bytes([i0, i1, i2, i3]);
        if field >> 31 == 0 {
            return Err(OpenError::NotEncrypted);
        }
        let index = u64::from(field & !(1 << 31));
        check(&self.rtcp_windows, ssrc, index)?;
        let id = PacketId { ssrc, index };
        let opened = match self.profile {
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => {
                let mut aad = [0; HEADER + INDEX];
                aad[..HEADER].copy_from_slice(header);
                aad[HEADER..].copy_from_slice(index_field);
                self.rtcp.open(id, &aad, body, &[], tag)
            }
            Profile::Aes128CmHmacSha1 => self.rtcp.open(id, header, body, index_field, tag),
        };
        opened.map_err(|_| OpenError::Forged)?;
        note(&mut self.rtcp_windows, ssrc, index);
        Ok(protected)
    }
}

fn find(windows: &[Window], ssrc: u32) -> Option<&Window> {
    windows.iter().find(|window| window.ssrc == ssrc)
}

fn check(windows: &[Window], ssrc: u32, index: u64) -> Result<(), OpenError> {
    match find(windows, ssrc) {
        Some(window) => window.check(index),
        None if windows.len() >= MAX_REMOTE_SSRCS => Err(OpenError::TooManySenders),
        None => Ok(()),
    }
}

/// After the packet proved authentic.
fn note(windows: &mut Vec<Window>, ssrc: u32, index: u64) {
    match windows.iter_mut().find(|window| window.ssrc == ssrc) {
        Some(window) => window.note(index),
        None => windows.push(Window::new(ssrc, index)),
    }
}

/// Bytes of header, CSRC list and extension, which are not encrypted (RFC 3711 §3.1); `None` if they are cut.
fn rtp_header_bytes(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    let mut bytes = 12 + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let &[_, _, l0, l1] = packet.get(bytes..)?.first_chunk::<4>()?;
        bytes += 4 + 4 * usize::from(u16::from_be_bytes([l0, l1]));
    }
    (bytes <= packet.len()).then_some(bytes)
}
