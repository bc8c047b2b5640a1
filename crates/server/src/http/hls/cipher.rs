//! AES-128 of whole segments (RFC 8216 §4.3.2.4): CBC with padding by PKCS #7.

use aws_lc_rs::cipher::{AES_128, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use bytes::Bytes;

/// The segment in the clear; `None` if it is no whole number of blocks, or its padding is none.
pub(super) fn decrypt(segment: Bytes, key: &[u8; 16], iv: [u8; 16]) -> Option<Bytes> {
    let key = UnboundCipherKey::new(&AES_128, key).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let mut data = Vec::from(segment);
    let length = key.decrypt(&mut data, DecryptionContext::Iv128(FixedLength::from(iv))).ok()?.len();
    data.truncate(length);
    Some(data.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_opened_by_its_key_alone() {
        // NIST SP 800-38A §F.2.1, whose last block is no padding: encrypted anew with one.
        use aws_lc_rs::cipher::{EncryptionContext, PaddedBlockEncryptingKey};
        let (key, iv) = ([0x2b; 16], [7; 16]);
        let unbound = UnboundCipherKey::new(&AES_128, &key).unwrap();
        let mut data = b"G: a packet of a transport stream".to_vec();
        let sealing = PaddedBlockEncryptingKey::cbc_pkcs7(unbound).unwrap();
        sealing.less_safe_encrypt(&mut data, EncryptionContext::Iv128(FixedLength::from(iv))).unwrap();
        let sealed = Bytes::from(data);
        let opened = decrypt(sealed.clone(), &key, iv);
        assert_eq!(opened.as_deref(), Some(&b"G: a packet of a transport stream"[..]));
        assert_ne!(decrypt(sealed.clone(), &[0x2c; 16], iv), opened);
        assert_eq!(decrypt(sealed.slice(1..), &key, iv), None);
    }
}
