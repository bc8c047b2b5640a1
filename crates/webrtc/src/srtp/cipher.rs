//! The ciphers behind a profile, keyed for RTP or for RTCP of one direction.

use super::kdf::Label;
use super::{MasterKey, Profile};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

const SHA1_TAG_BYTES: usize = 10;
const SHA1_KEY_BYTES: usize = 20;

/// Which packets a cipher is for: RTP and RTCP have keys of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rtp,
    Rtcp,
}

/// What makes a packet unlike every other under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PacketId {
    pub(super) ssrc: u32,
    /// SRTP: 48 bits, the count of wraps above the sequence number. SRTCP: 31 bits.
    pub(super) index: u64,
}

/// The tag is not the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forged;

pub(super) enum Cipher {
    Gcm {
        key: LessSafeKey,
        salt: [u8; 12],
    },
    /// The HMAC key holds two hash states, over a kilobyte: behind a pointer, so that the usual cipher stays small.
    CmSha1 {
        key: [u8; 16],
        salt: [u8; 14],
        authentication: Box<hmac::Key>,
    },
}

impl Cipher {
    pub(super) fn new(master: &MasterKey, kind: Kind) -> Self {
        let (encryption, authentication, salt) = match kind {
            Kind::Rtp => (Label::RtpEncryption, Label::RtpAuthentication, Label::RtpSalt),
            Kind::Rtcp => (Label::RtcpEncryption, Label::RtcpAuthentication, Label::RtcpSalt),
        };
        let profile = master.profile;
        let key = master.derive(encryption, profile.key_bytes());
        let salt = master.derive(salt, profile.salt_bytes());
        let gcm = |algorithm| {
            let key = UnboundKey::new(algorithm, &key).expect("the key has the length of the algorithm");
            Self::Gcm { key: LessSafeKey::new(key), salt: copy(&salt) }
        };
        match profile {
            Profile::AeadAes128Gcm => gcm(&AES_128_GCM),
            Profile::AeadAes256Gcm => gcm(&AES_256_GCM),
            Profile::Aes128CmHmacSha1 => Self::CmSha1 {
                key: copy(&key),
                salt: copy(&salt),
                authentication: Box::new(hmac::Key::new(
                    hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                    &master.derive(authentication, SHA1_KEY_BYTES),
                )),
            },
        }
    }

    /// Encrypts `body` in place and fills `tag`. `header` is what is only authenticated; `trailer` what is authenticated
    /// behind the body (the wrap count of SRTP, the index of SRTCP) by the profile without AEAD.
    pub(super) fn seal(&self, id: PacketId, header: &[u8], body: &mut [u8], trailer: &[u8], tag: &mut [u8]) {
        match self {
            Self::Gcm { key, salt } => {
                let nonce = Nonce::assume_unique_for_key(gcm_nonce(*salt, id));
                let sealed = key
                    .seal_in_place_separate_tag(nonce, Aad::from(header), body)
                    .expect("a packet is far below the most that AES-GCM takes");
                copy_into(tag, sealed.as_ref());
            }
            Self::CmSha1 { key, salt, authentication } => {
                aes_ctr(key, cm_iv(*salt, id), body);
                let full = sign(authentication, header, body, trailer);
                copy_into(tag, full.as_ref());
            }
        }
    }

    /// Checks `tag` and decrypts `body` in place. On an error `body` is not to be used.
    pub(super) fn open(
        &self,
        id: PacketId,
        header: &[u8],
        body: &mut [u8],
        trailer: &[u8],
        tag: &[u8],
    ) -> Result<(), Forged> {
        match self {
            Self::Gcm { key, salt } => {
                let nonce = Nonce::assume_unique_for_key(gcm_nonce(*salt, id));
                let sealed = body.to_vec();
                key.open_separate_gather(nonce, Aad::from(header), &sealed, tag, body).map_err(|_| Forged)
            }
            Self::CmSha1 { key, salt, authentication } => {
                let full = sign(authentication, header, body, trailer);
                let right = full.as_ref().get(..SHA1_TAG_BYTES).ok_or(Forged)?;
                verify_slices_are_equal(right, tag).map_err(|_| Forged)?;
                aes_ctr(key, cm_iv(*salt, id), body);
                Ok(())
            }
        }
    }
}

/// Never shows a key.
impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Gcm { .. } => "Gcm",
            Self::CmSha1 { .. } => "CmSha1",
        })
    }
}

fn sign(key: &hmac::Key, header: &[u8], body: &[u8], trailer: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(header);
    context.update(body);
    context.update(trailer);
    context.sign()
}

/// RFC 7714 §8.1 and §9.1: two zero bytes, SSRC, index in 48 bits; for SRTCP the high 16 of these are zero.
pub(super) fn gcm_nonce(salt: [u8; 12], id: PacketId) -> [u8; 12] {
    let [nonce @ .., _, _, _, _] = (widen(&salt) ^ id_bits(id) << 32).to_be_bytes();
    nonce
}

/// RFC 3711 §4.1.1: salt * 2^16 ^ SSRC * 2^64 ^ index * 2^16.
fn cm_iv(salt: [u8; 14], id: PacketId) -> [u8; 16] {
    (widen(&salt) ^ id_bits(id) << 16).to_be_bytes()
}

/// SSRC and index in 80 bits.
fn id_bits(id: PacketId) -> u128 {
    u128::from(id.ssrc) << 48 | u128::from(id.index)
}

/// The bytes as the high ones of 16.
fn widen(bytes: &[u8]) -> u128 {
    let mut wide = [0; 16];
    copy_into(&mut wide, bytes);
    u128::from_be_bytes(wide)
}

/// AES in counter mode over `data` in place; the key has 16 or 32 bytes.
pub(super) fn aes_ctr(key: &[u8], iv: [u8; 16], data: &mut [u8]) {
    let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
    let key = UnboundCipherKey::new(algorithm, key).expect("the key has the length of the algorithm");
    let key = EncryptingKey::ctr(key).expect("AES has a counter mode");
    key.less_safe_encrypt(data, EncryptionContext::Iv128(FixedLength::from(iv)))
        .expect("counter mode takes every length");
}

fn copy<const N: usize>(from: &[u8]) -> [u8; N] {
    let mut to = [0; N];
    copy_into(&mut to, from);
    to
}

/// As much of `from` as `to` has room for.
fn copy_into(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}
