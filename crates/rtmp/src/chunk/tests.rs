//! Chunks, from both sides and as others write them.

use super::{Error, Header, Reader, write};
use crate::message::Message;
use crate::testing::DeltaWriter;
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

/// What is read of these bytes, given in pieces of this size.
fn read(bytes: &[u8], size: usize) -> Result<Vec<Message>, Error> {
    let (mut reader, mut messages) = (Reader::default(), Vec::new());
    for piece in bytes.chunks(size) {
        reader.push(piece);
        while let Some(message) = reader.pull()? {
            messages.push(message);
        }
    }
    Ok(messages)
}

fn message(kind: u8, timestamp: u32, payload: &[u8]) -> Message {
    Message { kind, timestamp, stream: 1, payload: Bytes::copy_from_slice(payload) }
}

fn to_header(chunk_stream: u8, message: &Message) -> Header {
    Header { chunk_stream, kind: message.kind, timestamp: message.timestamp, stream: message.stream }
}

/// Chunks of 128 bytes, then of 300.
const RESIZE: &[u8] = b"\x02\0\0\0\0\0\x04\x01\0\0\0\0\0\0\x01\x2c";

prop_compose! {
    fn any_message()(
        video in any::<bool>(),
        timestamp in prop_oneof![0u32..90_000, 0x00ff_fff0u32..0x0100_0010, any::<u32>()],
        size in prop_oneof![0usize..400, 0usize..3000],
        stream in 0u32..3,
    ) -> Message {
        let payload = yeoul_testkit::Rng::new(size as u64).bytes(size).into();
        Message { kind: if video { 9 } else { 8 }, timestamp, stream, payload }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(messages in prop::collection::vec(any_message(), 1..8), size in 1usize..2000) {
        let mut bytes = BytesMut::new();
        for message in &messages {
            write(&mut bytes, 128, &to_header(message.kind - 2, message), &[&message.payload[..]]);
        }
        prop_assert_eq!(read(&bytes, size).unwrap(), messages);
    }

    #[test]
    fn what_librtmp_writes_is_read(mut messages in prop::collection::vec(any_message(), 1..8), size in 1usize..2000) {
        messages.sort_by_key(|message| message.timestamp);
        let (mut bytes, mut writer) = (BytesMut::new(), DeltaWriter::new(128));
        messages.iter_mut().for_each(|message| message.stream = 1);
        for message in &messages {
            writer.write(&mut bytes, 4, message);
        }
        prop_assert_eq!(read(&bytes, size).unwrap(), messages);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), size in 1usize..600) {
        let whole = read(&bytes, 600);
        prop_assert_eq!(read(&bytes, size), whole);
    }
}

#[test]
fn interleaved_messages_come_out_whole() {
    let [sound, picture] = [message(8, 10, &[1; 200]), message(9, 20, &[2; 200])];
    let (mut a, mut b) = (BytesMut::new(), BytesMut::new());
    write(&mut a, 128, &to_header(4, &sound), &[&sound.payload[..]]);
    write(&mut b, 128, &to_header(6, &picture), &[&picture.payload[..]]);
    let bytes = [&a[..12 + 128], &b[..12 + 128], &a[12 + 128..], &b[12 + 128..]].concat();
    assert_eq!(read(&bytes, 5).unwrap(), [sound, picture]);
}

#[test]
fn chunks_get_larger_where_that_is_announced() {
    let picture = message(9, 20, &[2; 1000]);
    let mut bytes = BytesMut::from(RESIZE);
    write(&mut bytes, 300, &to_header(6, &picture), &[&picture.payload[..]]);
    assert_eq!(read(&bytes, 4096).unwrap(), [picture]);
    assert_eq!(read(b"\x02\0\0\0\0\0\x04\x01\0\0\0\0\0\0\0\0", 99), Err(Error::ChunkSize(0)));
}

#[test]
fn an_aborted_message_never_comes() {
    let picture = message(9, 20, &[2; 200]);
    let mut bytes = BytesMut::new();
    write(&mut bytes, 128, &to_header(6, &picture), &[&picture.payload[..]]);
    bytes.truncate(12 + 128);
    bytes.extend_from_slice(b"\x02\0\0\0\0\0\x04\x02\0\0\0\0\0\0\0\x06");
    write(&mut bytes, 128, &to_header(6, &picture), &[&picture.payload[..]]);
    assert_eq!(read(&bytes, 4096).unwrap(), [picture]);
}

#[test]
fn extended_times_may_be_missing_where_a_message_goes_on() {
    let picture = message(9, 0x0123_4567, &[2; 200]);
    let mut bytes = BytesMut::new();
    write(&mut bytes, 128, &to_header(6, &picture), &[&picture.payload[..]]);
    assert_eq!(read(&bytes, 4096).unwrap(), std::slice::from_ref(&picture));
    let without = [&bytes[..16 + 128 + 1], &bytes[16 + 128 + 1 + 4..]].concat();
    for size in [1, 2, 4096] {
        assert_eq!(read(&without, size).unwrap(), std::slice::from_ref(&picture));
    }
}

#[test]
fn librtmps_answer_to_a_ping_begins_with_type_1() {
    let messages = read(b"\x42\0\0\0\0\0\x06\x04\0\x07\0\0\0\x01", 3).unwrap();
    let payload = Bytes::from_static(b"\0\x07\0\0\0\x01");
    assert_eq!(messages, [Message { kind: 4, timestamp: 0, stream: 0, payload }]);
}

#[test]
fn headers_of_type_3_repeat_the_distance() {
    // A message at 40, then one like it: at 80, for its distance is what the time of the first one was.
    let bytes = b"\x04\0\0\x28\0\0\x01\x08\x01\0\0\0A\xc4B\x84\0\0\x14C\xc4D";
    let times: Vec<_> = read(bytes, 3).unwrap().iter().map(|message| message.timestamp).collect();
    assert_eq!(times, [40, 80, 100, 120]);
}

#[test]
fn what_is_out_of_bounds_is_refused() {
    assert_eq!(read(b"\xc7x", 9), Err(Error::NoHeader(7)));
    let long = b"\x03\0\0\0\xff\xff\xff\x14\0\0\0\0";
    assert!(matches!(read(long, 99), Err(Error::Long { kind: 20, bytes: 0xff_ffff, .. })));
    let many: Vec<u8> = (0..80).flat_map(|id| [0, id, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0]).collect();
    assert_eq!(read(&many, 999), Err(Error::Streams));
}
