//! What it costs to protect a packet of 1200 bytes in each profile. The floor is AES-128-GCM by aws-lc-rs alone.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use yeoul_webrtc::srtp::{MasterKey, Profile, Sealer, Sequence};

const PROFILES: [Profile; 3] = [Profile::AeadAes128Gcm, Profile::AeadAes256Gcm, Profile::Aes128CmHmacSha1];
const PACKET_BYTES: usize = 1200;
/// RTP header with an extension of 8 bytes.
const HEADER_BYTES: usize = 20;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("seal");
    group.throughput(Throughput::Elements(1));
    for profile in PROFILES {
        let (key, salt) = (vec![1; profile.key_bytes()], vec![2; profile.salt_bytes()]);
        let master = MasterKey::new(profile, &key, &salt).expect("lengths of the profile");
        let mut sealer = Sealer::new(&master);
        let mut sequence = Sequence::new(1, 0);
        let mut packet = vec![7; PACKET_BYTES];
        group.bench_function(profile.name(), |bencher| {
            bencher.iter(|| sealer.seal_rtp(&mut sequence, black_box(&mut packet), HEADER_BYTES));
        });
    }
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[1; 16]).expect("16 bytes"));
    let mut body = vec![7; PACKET_BYTES - HEADER_BYTES - AES_128_GCM.tag_len()];
    group.bench_function("AES-128-GCM alone", |bencher| {
        bencher.iter(|| {
            let nonce = Nonce::assume_unique_for_key([3; 12]);
            key.seal_in_place_separate_tag(nonce, Aad::from([4; HEADER_BYTES]), black_box(&mut body))
        });
    });
    group.finish();
    criterion.final_summary();
}
