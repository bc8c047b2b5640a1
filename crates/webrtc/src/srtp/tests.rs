use super::cipher::{Cipher, Kind, PacketId};
use super::*;
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, LessSafeKey, UnboundKey};
use proptest::prelude::*;
use std::collections::HashSet;

const PROFILES: [Profile; 3] = [Profile::AeadAes128Gcm, Profile::AeadAes256Gcm, Profile::Aes128CmHmacSha1];

fn master(profile: Profile) -> MasterKey {
    let bytes: Vec<u8> = (0..46).collect();
    let (key, salt) = bytes.split_at(profile.key_bytes());
    MasterKey::new(profile, key, &salt[..profile.salt_bytes()]).unwrap()
}

fn rtp(ssrc: u32, number: u16, payload: &[u8], tag: usize) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(number.to_be_bytes());
    packet.extend([0, 0, 0, 7]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet.extend(vec![0; tag]);
    packet
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.split_whitespace().collect::<String>()).unwrap()
}

fn gcm(key: &[u8]) -> Cipher {
    let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).unwrap());
    Cipher::Gcm { key, salt: bytes("5175696420 70726f2071 756f").try_into().unwrap() }
}

/// RFC 7714 §16.1.1, §16.2.1: session keys as they stand, without derivation.
#[test]
fn gcm_packets_are_those_of_the_standard() {
    let header = bytes("8040f17b 8041f8d3 5501a0b2");
    let text = "47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573";
    for (key_bytes, expected) in [
        (
            16,
            "f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833 \
             899d7f27 beb16a91 52cf765e e4390cce",
        ),
        (
            32,
            "32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b \
             7aa3db36 dfffd6b0 f9bb7878 d7a76c13",
        ),
    ] {
        let key: Vec<u8> = (0..key_bytes).collect();
        let (mut body, mut tag) = (bytes(text), [0; 16]);
        let id = PacketId { ssrc: 0x5501_a0b2, index: 0xf17b };
        gcm(&key).seal(id, &header, &mut body, &[], &mut tag);
        body.extend(tag);
        assert_eq!(hex::encode(body), hex::encode(bytes(expected)));
    }
}

/// RFC 7714 §17.1: an SRTCP packet, its index authenticated with the header.
#[test]
fn gcm_rtcp_is_that_of_the_standard() {
    let key: Vec<u8> = (0..16).collect();
    let mut body = bytes(
        "4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef",
    );
    let id = PacketId { ssrc: 0x4d61_7273, index: 0x5d4 };
    let mut tag = [0; 16];
    gcm(&key).seal(id, &bytes("81c8000d 4d617273 800005d4"), &mut body, &[], &mut tag);
    body.extend(tag);
    let expected = "63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded \
                    0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade";
    assert_eq!(hex::encode(body), hex::encode(bytes(expected)));
}

/// RFC 3711 §B.2: with an all-zero packet id the key stream starts at the salt.
#[test]
fn counter_mode_is_that_of_the_standard() {
    let key = bytes("2B7E151628AED2A6ABF7158809CF4F3C");
    let iv: [u8; 16] = bytes("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().unwrap();
    let mut stream = [0; 32];
    super::cipher::aes_ctr(&key, iv, &mut stream);
    assert_eq!(hex::encode_upper(stream), "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB");
}

#[test]
fn what_is_sealed_opens_and_nothing_else_does() {
    for profile in PROFILES {
        let (mut sealer, mut opener) = (Sealer::new(&master(profile)), Opener::new(&master(profile)));
        let mut sequence = Sequence::new(9, 65_534);
        for round in 0..4u8 {
            let plain = rtp(9, sequence.next_number(), &[round; 50], 0);
            let mut packet = rtp(9, sequence.next_number(), &[round; 50], profile.tag_bytes());
            sealer.seal_rtp(&mut sequence, &mut packet, 12).unwrap();
            let mut forged = packet.clone();
            forged[20] ^= 1;
            assert_eq!(opener.open_rtp(&mut forged), Err(OpenError::Forged));
            assert_eq!(opener.open_rtp(&mut packet.clone()).unwrap(), plain, "{profile:?} round {round}");
            assert_eq!(opener.open_rtp(&mut packet), Err(OpenError::Replayed));
        }
    }
}

#[test]
fn sealed_rtcp_opens_once() {
    for profile in PROFILES {
        let (mut sealer, mut opener) = (Sealer::new(&master(profile)), Opener::new(&master(profile)));
        let plain = bytes("81c90001 00000009 01020304 05060708");
        for _ in 0..3 {
            let mut packet = plain.clone();
            sealer.seal_rtcp(&mut packet).unwrap();
            assert_ne!(packet[8..16], plain[8..16]);
            assert_eq!(opener.open_rtcp(&mut packet.clone()).unwrap(), plain);
            assert_eq!(opener.open_rtcp(&mut packet), Err(OpenError::Replayed));
        }
    }
}

#[test]
fn reordered_packets_open_within_the_window() {
    let profile = Profile::AeadAes128Gcm;
    let (mut sealer, mut opener) = (Sealer::new(&master(profile)), Opener::new(&master(profile)));
    let mut sequence = Sequence::new(1, 65_500);
    let mut packets: Vec<_> = (0..1_100)
        .map(|_| {
            let mut packet = rtp(1, sequence.next_number(), b"x", 16);
            sealer.seal_rtp(&mut sequence, &mut packet, 12).unwrap();
            packet
        })
        .collect();
    packets[1..60].reverse();
    let mut open = |number: usize| opener.open_rtp(&mut packets[number].clone()).map(|_| ());
    assert!((0..100).all(|number| open(number).is_ok()));
    // These come late, as what a publisher without RTX sends again.
    let late = 100..600;
    assert!((600..1_100).all(|number| open(number).is_ok()));
    assert!(late.clone().rev().all(|number| open(number).is_ok()));
    assert!(late.chain(76..100).all(|number| open(number) == Err(OpenError::Replayed)));
    // Nobody knows of it any more.
    assert_eq!(open(60), Err(OpenError::Replayed));
}

/// The property that AES-GCM stands on: no key seals two packets under one nonce, over wraps of the sequence number and
/// with retransmissions and reports in between.
#[test]
fn no_nonce_is_used_twice_over_the_sequence_wrap() {
    let mut sealer = Sealer::new(&master(Profile::AeadAes128Gcm));
    let mut media = Sequence::new(1, 60_000);
    let mut resent = Sequence::new(2, 65_000);
    for round in 0..150_000u32 {
        let mut packet = rtp(1, media.next_number(), b"x", 16);
        sealer.seal_rtp(&mut media, &mut packet, 12).unwrap();
        if round % 20 == 0 {
            let mut packet = rtp(2, resent.next_number(), b"x", 16);
            sealer.seal_rtp(&mut resent, &mut packet, 12).unwrap();
        }
        if round % 1000 == 0 {
            sealer.seal_rtcp(&mut bytes("80c80001 00000001")).unwrap();
        }
    }
    assert!(media.next_index() > 3 * 65_536, "the sequence number wrapped three times");
    for kind in [Kind::Rtp, Kind::Rtcp] {
        let ids: Vec<_> = sealer.used.iter().filter(|(of, _)| *of == kind).map(|(_, id)| *id).collect();
        let nonces: HashSet<_> = ids.iter().map(|id| super::cipher::gcm_nonce([0; 12], *id)).collect();
        assert_eq!(nonces.len(), ids.len());
    }
}

#[test]
fn exhausted_keys_seal_nothing_more() {
    let mut sealer = Sealer::new(&master(Profile::AeadAes128Gcm));
    let mut sequence = Sequence::new(1, 0);
    sequence.set_next_for_test((1 << 48) - 1);
    let mut packet = rtp(1, sequence.next_number(), b"x", 16);
    assert_eq!(sealer.seal_rtp(&mut sequence, &mut packet, 12), Ok(()));
    assert_eq!(sealer.seal_rtp(&mut sequence, &mut packet, 12), Err(Exhausted));
}

#[test]
fn keys_of_the_two_ends_fit_together() {
    for profile in PROFILES {
        let material: Vec<u8> = (0..88).collect();
        let client = SessionKeys::from_dtls(profile, Role::Client, &material).unwrap();
        let server = SessionKeys::from_dtls(profile, Role::Server, &material).unwrap();
        assert_eq!(client.local.key, server.remote.key);
        assert_eq!(client.remote.salt, server.local.salt);
        assert_ne!(client.local.key, client.remote.key);
        assert!(SessionKeys::from_dtls(profile, Role::Client, &material[..40]).is_none());
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_or_pass(profile in prop::sample::select(PROFILES.to_vec()), packets: Vec<Vec<u8>>) {
        let mut opener = Opener::new(&master(profile));
        for mut packet in packets {
            prop_assert!(opener.open_rtp(&mut packet.clone()).is_err());
            prop_assert!(opener.open_rtcp(&mut packet).is_err());
        }
    }
}
