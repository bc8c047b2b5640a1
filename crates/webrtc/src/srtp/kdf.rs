//! The key derivation of SRTP: AES in counter mode over a label (RFC 3711 §4.3, RFC 6188 §3 for 256-bit keys).

use super::cipher::aes_ctr;

/// What a derived key is for (RFC 3711 §4.3.1, §4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    RtpEncryption,
    RtpAuthentication,
    RtpSalt,
    RtcpEncryption,
    RtcpAuthentication,
    RtcpSalt,
}

impl Label {
    const fn value(self) -> u8 {
        match self {
            Self::RtpEncryption => 0,
            Self::RtpAuthentication => 1,
            Self::RtpSalt => 2,
            Self::RtcpEncryption => 3,
            Self::RtcpAuthentication => 4,
            Self::RtcpSalt => 5,
        }
    }
}

/// `length` bytes of key, with a key derivation rate of zero: one derivation for the whole session.
///
/// A salt of 12 bytes (AES-GCM) is taken as one of 14 that ends in zeros (RFC 7714 §11).
pub(super) fn derive(master_key: &[u8], master_salt: &[u8], label: Label, length: usize) -> Vec<u8> {
    let mut iv = [0; 16];
    for (to, from) in iv.iter_mut().zip(master_salt) {
        *to = *from;
    }
    // key_id = label || r, 7 bytes, right-aligned in the 14 bytes of the salt: the label falls on byte 7.
    iv[7] ^= label.value();
    let mut out = vec![0; length];
    aes_ctr(master_key, iv, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3711 §B.3.
    #[test]
    fn keys_are_those_of_the_standard() {
        let key = hex::decode("E1F97A0D3E018BE0D64FA32C06DE4139").unwrap();
        let salt = hex::decode("0EC675AD498AFEEBB6960B3AABE6").unwrap();
        let derived = |label, length| hex::encode_upper(derive(&key, &salt, label, length));
        assert_eq!(derived(Label::RtpEncryption, 16), "C61E7A93744F39EE10734AFE3FF7A087");
        assert_eq!(derived(Label::RtpSalt, 14), "30CBBC08863D8C85D49DB34A9AE1");
        assert_eq!(derived(Label::RtpAuthentication, 20), "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4");
    }
}
