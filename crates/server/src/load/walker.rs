//! Walks the bytes of an RTSP connection where they lie: packets of interleaved channels (RFC 2326 §10.12) between messages.
//!
//! `yeoul_rtsp::Framer` gives packets that can be kept; here thousands of them a second are only looked at.

use yeoul_rtsp::limits::{BODY_BYTES, HEAD_BYTES};
use yeoul_rtsp::message::{Framer, Message, Response, Stray};

/// Bytes in front of a packet.
const PREFIX_BYTES: usize = 4;

/// What stands in the bytes.
#[derive(Debug)]
pub(super) enum Item<'a> {
    /// A packet of an interleaved channel.
    Packet { channel: u8, packet: &'a [u8] },
    /// An answer of the server; its own requests are passed over.
    Response(Response),
}

/// What was walked so far.
#[derive(Debug, Default)]
pub(super) struct Walker {
    /// The beginning of an item whose end has not come yet.
    carry: Vec<u8>,
}

/// The item at the beginning of some bytes.
enum First<'a> {
    Whole(Option<Item<'a>>, usize),
    Incomplete,
}

impl Walker {
    /// Walks over `bytes`, which come behind those before.
    ///
    /// # Errors
    /// If they are no RTSP: nothing can follow then.
    pub(super) fn walk(&mut self, bytes: &[u8], mut each: impl FnMut(Item<'_>)) -> Result<(), String> {
        if self.carry.is_empty() {
            let done = walk(bytes, &mut each)?;
            self.carry.extend_from_slice(bytes.get(done..).unwrap_or_default());
        } else {
            self.carry.extend_from_slice(bytes);
            let done = walk(&self.carry, &mut each)?;
            self.carry.drain(..done);
        }
        Ok(())
    }
}

/// Gives how many bytes are done with.
fn walk(bytes: &[u8], each: &mut impl FnMut(Item<'_>)) -> Result<usize, String> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match first(rest)? {
            First::Whole(item, size) => {
                item.into_iter().for_each(&mut *each);
                done += size;
            }
            First::Incomplete => break,
        }
    }
    Ok(done)
}

fn first(bytes: &[u8]) -> Result<First<'_>, String> {
    match bytes {
        [b'$', channel, high, low, rest @ ..] => {
            let size = usize::from(u16::from_be_bytes([*high, *low]));
            let packet = rest.get(..size);
            Ok(packet.map_or(First::Incomplete, |packet| {
                First::Whole(Some(Item::Packet { channel: *channel, packet }), PREFIX_BYTES + size)
            }))
        }
        [b'$', ..] => Ok(First::Incomplete),
        // Empty lines between messages mean nothing (RFC 2326 §4.1).
        [b'\r' | b'\n', ..] => Ok(First::Whole(None, 1)),
        [first, ..] if first.is_ascii_uppercase() => message(bytes),
        [] | [..] => Err("sends what is neither RTSP nor an interleaved packet".to_owned()),
    }
}

fn message(bytes: &[u8]) -> Result<First<'_>, String> {
    let searched = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
    let Some(head) = memchr::memmem::find(searched, b"\r\n\r\n").map(|at| at + 4) else {
        return if bytes.len() < HEAD_BYTES {
            Ok(First::Incomplete)
        } else {
            Err(format!("sends a message whose head is longer than {HEAD_BYTES} bytes"))
        };
    };
    let lines = String::from_utf8_lossy(bytes.get(..head).unwrap_or_default());
    let length = lines
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-length"))
        .map_or(Some(0), |(_, value)| value.trim().parse().ok())
        .filter(|length| *length <= BODY_BYTES)
        .ok_or("sends a message with a length that is none or too long")?;
    let Some(whole) = bytes.get(..head + length) else { return Ok(First::Incomplete) };
    let mut framer = Framer::new(Stray::Refuse);
    framer.push(whole);
    let item = match framer.pull().map_err(|error| format!("sends no RTSP: {error}"))? {
        Some(Message::Response(response)) => Some(Item::Response(response)),
        Some(Message::Request(_) | Message::Data(_)) | None => None,
    };
    Ok(First::Whole(item, whole.len()))
}

#[cfg(test)]
mod tests {
    use super::{Item, Walker};
    use proptest::prelude::*;

    fn walked(pieces: &[&[u8]]) -> Result<String, String> {
        let mut walker = Walker::default();
        let mut seen = String::new();
        for piece in pieces {
            walker.walk(piece, |item| match item {
                Item::Packet { channel, packet } => seen += &format!("{channel}:{} ", packet.len()),
                Item::Response(response) => {
                    seen += &format!("{}+{} ", u16::from(response.status), response.body.len());
                }
            })?;
        }
        Ok(seen)
    }

    const MIXED: &[u8] = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nsdp$\x00\x00\x02ab\r\n\
        OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n$\x01\x00\x00$\x02\x00\x01cRTSP/1.0 454 Session Not Found\r\n\r\n";

    #[test]
    fn packets_and_answers_are_told_apart() {
        assert_eq!(walked(&[MIXED]).unwrap(), "200+3 0:2 1:0 2:1 454+0 ");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..6)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let _ = walked(&pieces);
            let begun = [&[&b"RTSP/1.0 200 OK\r\n"[..]], &pieces[..]].concat();
            let _ = walked(&begun);
        }

        #[test]
        fn any_chunking_gives_the_same(cuts in proptest::collection::vec(0..MIXED.len(), 0..6)) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([MIXED.len()]) {
                pieces.push(&MIXED[from..cut]);
                from = cut;
            }
            prop_assert_eq!(walked(&pieces).unwrap(), "200+3 0:2 1:0 2:1 454+0 ");
        }
    }

    #[test]
    fn what_is_no_rtsp_ends_it() {
        assert!(walked(&[b"\x00\x01"]).is_err());
        assert!(walked(&[b"HTTP/1.1 200 OK\r\n\r\n"]).is_err());
        assert!(walked(&[b"RTSP/1.0 200 OK\r\nContent-Length: -4\r\n\r\n"]).is_err());
        assert!(walked(&[&[b'A'; 1 << 20]]).is_err());
    }
}
