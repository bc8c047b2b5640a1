use super::headers::{Headers, tables_of_q};
use super::{Sampling, TABLES_BYTES};
use crate::codec::testing::{Sent, announced, carry, carry_with_loss, frame, receive};
use crate::{Depacketizer, MediaFormat, Packetizer};
use bytes::Bytes;
use proptest::prelude::*;
use yeoul_media::Codec;

const JPEG: Codec = Codec::Jpeg { dimensions: None };

fn headers() -> Headers {
    let tables = std::array::from_fn(|n| u8::try_from(n % 99 + 1).unwrap());
    Headers { width: 640, height: 360, sampling: Sampling::Quarter, tables, restart_interval: 0 }
}

fn picture(headers: &Headers, scan: &[u8]) -> Bytes {
    let mut out = Vec::new();
    headers.write(&mut out);
    out.extend(scan);
    out.extend([0xff, 0xd9]);
    out.into()
}

fn one(payload: impl Into<Vec<u8>>) -> Vec<String> {
    let mut depacketizer = Depacketizer::new(&MediaFormat::new(JPEG, 26));
    receive(&mut depacketizer, &[Sent::new(0, true, payload)]).1
}

#[test]
fn a_picture_comes_back_and_tells_its_size() {
    let data = picture(&headers(), &[7; 5000]);
    let units = carry(&JPEG, 1200, &[frame(0, true, data.clone()), frame(1, true, data.clone())]);
    assert_eq!(units.iter().map(|unit| &unit.data).collect::<Vec<_>>(), [&data, &data]);
    assert_eq!(announced(&units[0]), Some(&Codec::Jpeg { dimensions: Some((640, 360)) }));
    assert_eq!(announced(&units[1]), None);
}

#[test]
fn tables_of_a_q_are_those_of_the_standard_scaled() {
    let half = tables_of_q(50);
    assert_eq!((&half[..4], half[63], half[64], half[127]), (&[16, 11, 12, 14][..], 99, 17, 99));
    assert_eq!(tables_of_q(99)[0], 1, "(16 * 2 + 50) / 100 is 0, and the least step is 1");
    assert_eq!(tables_of_q(1)[63], 255);
}

#[test]
fn tables_that_came_once_serve_the_pictures_after() {
    let mut first = vec![0, 0, 0, 0, 1, 200, 4, 4, 0, 0, 0, 128];
    first.extend([9; TABLES_BYTES]);
    first.extend([1, 2, 3]);
    let second = [0, 0, 0, 0, 1, 200, 4, 4, 0, 0, 0, 0, 4, 5, 6];
    let mut depacketizer = Depacketizer::new(&MediaFormat::new(JPEG, 26));
    let sent = [Sent::new(0, true, first), Sent::new(3600, true, second)];
    let (units, errors) = receive(&mut depacketizer, &sent);
    assert_eq!(errors, Vec::<String>::new());
    let tables = units.iter().map(|unit| Headers::read(&unit.data).unwrap().0.tables[0]);
    assert_eq!(tables.collect::<Vec<_>>(), [9, 9]);
}

#[test]
fn what_cannot_be_told_gives_no_packets() {
    let mut packetizer = Packetizer::new(&JPEG, 1200);
    let mut check = |data: Bytes| assert_eq!(packetizer.packetize(&frame(0, true, data)).payloads, []);
    check(Bytes::from_static(b"no picture"));
    let usual = picture(&headers(), &[1; 100]);
    let replaced = |from: &[u8], to: &[u8]| {
        let at = usual.windows(from.len()).position(|window| window == from).unwrap();
        Bytes::from([&usual[..at], to, &usual[at + from.len()..]].concat())
    };
    // Progressive; 4:4:4; other Huffman codes.
    check(replaced(&[0xff, 0xc0], &[0xff, 0xc2]));
    check(replaced(&[3, 1, 0x22], &[3, 1, 0x11]));
    check(replaced(&[0, 1, 5, 1], &[0, 2, 4, 1]));
    check(picture(&Headers { width: 2048, ..headers() }, &[1; 100]));
}

#[test]
fn broken_packets_are_named() {
    let error = |payload: &[u8]| one(payload).join("; ");
    assert_eq!(error(&[0, 0, 0]), "JPEG over RTP: a packet of 3 bytes ends inside its headers");
    assert_eq!(
        error(&[0, 0, 0, 0, 7, 50, 4, 4, 1]),
        "JPEG over RTP: pictures are of type 7, expected 0, 1, 64 or 65 (4:2:2 or 4:2:0, scanned progressively)"
    );
    assert_eq!(error(&[0, 0, 0, 0, 1, 0, 4, 4, 1]), "JPEG over RTP: a picture has the reserved Q 0");
    assert_eq!(
        error(&[0, 0, 0, 0, 1, 200, 4, 4, 0, 0, 0, 0, 1]),
        "JPEG over RTP: a picture of Q 200 comes without its quantization tables"
    );
    assert_eq!(
        error(&[0, 0, 0, 0, 1, 50, 0, 4, 1]),
        "JPEG over RTP: pictures are larger than 2040 pixels, which RFC 2435 cannot tell"
    );
}

proptest! {
    #[test]
    fn pictures_come_back_whole(
        max in 64usize..1500,
        width in 1u16..=255,
        height in 1u16..=255,
        restart_interval in prop::sample::select(vec![0u16, 4]),
        half: bool,
        scans in prop::collection::vec(prop::collection::vec(0u8..255, 1..4000), 1..4),
    ) {
        let sampling = if half { Sampling::Half } else { Sampling::Quarter };
        let headers = Headers { width: width * 8, height: height * 8, sampling, restart_interval, ..headers() };
        let frames: Vec<_> =
            (0u32..).zip(&scans).map(|(n, scan)| frame(n, true, picture(&headers, scan))).collect();
        // The tables alone have 140 bytes.
        let units = carry(&JPEG, max.max(200), &frames);
        prop_assert_eq!(
            units.iter().map(|unit| unit.data.clone()).collect::<Vec<_>>(),
            frames.iter().map(|frame| frame.data.clone()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn losses_damage_only_the_pictures_they_hit(lost in prop::collection::vec(any::<bool>(), 20)) {
        let data = |n: u32| picture(&headers(), &[u8::try_from(n).unwrap(); 3000]);
        let frames: Vec<_> = (0..5).map(|n| frame(n, true, data(n))).collect();
        let packets = Packetizer::new(&JPEG, 1200).packetize(&frames[0]).payloads.len();
        let is_lost = |index: usize| lost.get(index).copied().unwrap_or(false);
        let (units, _) = carry_with_loss(&JPEG, 1200, &frames, is_lost);
        for (n, frame) in (0..5).zip(&frames) {
            let whole = (n * packets..(n + 1) * packets).all(|index| !is_lost(index));
            prop_assert_eq!(units.iter().any(|unit| unit.data == frame.data), whole);
        }
        prop_assert!(units.len() <= 5);
    }

    #[test]
    fn no_bytes_panic(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6)) {
        let mut depacketizer = Depacketizer::new(&MediaFormat::new(JPEG, 26));
        let sent: Vec<_> = payloads.into_iter().map(|payload| Sent::new(0, false, payload)).collect();
        let _ = receive(&mut depacketizer, &sent);
    }

    #[test]
    fn no_picture_panics(data: Vec<u8>, at in 0usize..700, byte: u8) {
        let mut packetizer = Packetizer::new(&JPEG, 1200);
        let mut broken = picture(&headers(), &[1; 20]).to_vec();
        if let Some(place) = broken.get_mut(at) {
            *place = byte;
        }
        for data in [data, broken] {
            let _ = packetizer.packetize(&frame(0, true, data.into()));
        }
    }
}
