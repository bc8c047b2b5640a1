//! SRTP and SRTCP (RFC 3711) with AES-GCM (RFC 7714), and with AES-CM and HMAC-SHA1 for peers that offer nothing else.
//!
//! [`Sealer`] protects what we send, [`Opener`] what comes in. Keys come from DTLS ([`SessionKeys`], RFC 5764 §4.2). A
//! sealer is the only user of its keys: it is neither `Clone` nor `Copy`, and it counts packet indexes itself, so that
//! no (key, nonce) pair occurs twice. Leaves out key derivation rates, MKI and the null cipher.

mod cipher;
mod kdf;
mod open;
mod seal;
#[cfg(test)]
mod tests;

pub use open::{OpenError, Opener};
pub use seal::{Exhausted, Sealer, Sequence};

use kdf::Label;

/// How packets are protected (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `AEAD_AES_128_GCM`
    AeadAes128Gcm,
    /// `AEAD_AES_256_GCM`
    AeadAes256Gcm,
    /// `AES128_CM_HMAC_SHA1_80`
    Aes128CmHmacSha1,
}

impl Profile {
    /// Bytes of the master key.
    #[must_use]
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::Aes128CmHmacSha1 => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// Bytes of the master salt.
    #[must_use]
    pub const fn salt_bytes(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
            Self::Aes128CmHmacSha1 => 14,
        }
    }

    /// Bytes of the authentication tag behind each packet.
    #[must_use]
    pub const fn tag_bytes(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
            Self::Aes128CmHmacSha1 => 10,
        }
    }

    /// The name in the IANA registry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
            Self::Aes128CmHmacSha1 => "AES128_CM_HMAC_SHA1_80",
        }
    }
}

/// Which end of DTLS we are: it decides whose keys are whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We sent the ClientHello.
    Client,
    /// We answered it.
    Server,
}

/// Master key and salt of one direction.
pub struct MasterKey {
    profile: Profile,
    key: Vec<u8>,
    salt: Vec<u8>,
}

impl MasterKey {
    /// A master key; `None` if a length is not the profile's.
    #[must_use]
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Option<Self> {
        (key.len() == profile.key_bytes() && salt.len() == profile.salt_bytes()).then(|| Self {
            profile,
            key: key.to_vec(),
            salt: salt.to_vec(),
        })
    }

    fn derive(&self, label: Label, length: usize) -> Vec<u8> {
        kdf::derive(&self.key, &self.salt, label, length)
    }
}

/// Never shows the key.
impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterKey").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// The two directions' master keys of a DTLS association.
#[derive(Debug)]
pub struct SessionKeys {
    /// For what we send.
    pub local: MasterKey,
    /// For what the peer sends.
    pub remote: MasterKey,
}

impl SessionKeys {
    /// Cuts the keying material that DTLS exports: client key, server key, client salt, server salt (RFC 5764 §4.2).
    /// `None` if it is too short.
    #[must_use]
    pub fn from_dtls(profile: Profile, role: Role, material: &[u8]) -> Option<Self> {
        let (key, salt) = (profile.key_bytes(), profile.salt_bytes());
        let (client_key, rest) = material.split_at_checked(key)?;
        let (server_key, rest) = rest.split_at_checked(key)?;
        let (client_salt, rest) = rest.split_at_checked(salt)?;
        let server_salt = rest.get(..salt)?;
        let client = MasterKey::new(profile, client_key, client_salt)?;
        let server = MasterKey::new(profile, server_key, server_salt)?;
        Some(match role {
            Role::Client => Self { local: client, remote: server },
            Role::Server => Self { local: server, remote: client },
        })
    }
}
