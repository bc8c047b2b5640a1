//! How a connection begins (RTMP 1.0 §5.2): both sides send a version, 1536 bytes, and back what the other one sent.
//!
//! The simple handshake alone. Flash had one with a digest inside: its player wanted it before it showed H.264. ffmpeg still offers it
//! and nginx-rtmp answers it, but each goes on without where the other side's version field is 0, as ours is; librtmp (OBS) and
//! GStreamer know the simple one. What comes back of our own bytes is not compared: servers that put digests in it are right, too.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The only version that is not encrypted.
const VERSION: u8 = 3;
/// Of C1, C2, S1 and S2.
const PACKET_BYTES: usize = 1536;
/// The time and the version in front of the random bytes.
const FIELDS_BYTES: usize = 8;

/// Why it fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another version, or no RTMP.
    #[error(
        "expected an RTMP handshake of version 3, got {0:#04x} (6 would be RTMPE, which is not supported)"
    )]
    Version(u8),
}

/// One side of it.
#[derive(Debug)]
pub struct Handshake {
    stage: Stage,
    is_client: bool,
    own: Bytes,
    buffer: BytesMut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// For version and first packet.
    First,
    /// For what comes back.
    Echo,
    Done,
}

impl Handshake {
    /// A client's side; [`Handshake::start`] is what it sends first.
    #[must_use]
    pub fn client(seed: u64) -> Self {
        Self { stage: Stage::First, is_client: true, own: packet(seed), buffer: BytesMut::new() }
    }

    /// A server's side.
    #[must_use]
    pub fn server(seed: u64) -> Self {
        Self { stage: Stage::First, is_client: false, own: packet(seed), buffer: BytesMut::new() }
    }

    /// C0 and C1, or S0 and S1.
    #[must_use]
    pub fn start(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(1 + PACKET_BYTES);
        out.put_u8(VERSION);
        out.put_slice(&self.own);
        out.freeze()
    }

    /// Takes bytes and puts what is to be sent into `out`. Once it is over, gives what stands behind it.
    ///
    /// # Errors
    /// If the peer speaks something else.
    pub fn receive(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<Option<BytesMut>, Error> {
        self.buffer.extend_from_slice(bytes);
        if self.stage == Stage::First {
            if let Some(&version) = self.buffer.first()
                && version != VERSION
            {
                return Err(Error::Version(version));
            }
            if self.buffer.len() < 1 + PACKET_BYTES {
                return Ok(None);
            }
            self.buffer.advance(1);
            let theirs = self.buffer.split_to(PACKET_BYTES);
            if !self.is_client {
                out.put_slice(&self.start());
            }
            out.put_slice(&theirs);
            self.stage = Stage::Echo;
        }
        if self.stage == Stage::Echo {
            if self.buffer.len() < PACKET_BYTES {
                return Ok(None);
            }
            self.buffer.advance(PACKET_BYTES);
            self.stage = Stage::Done;
        }
        Ok(Some(std::mem::take(&mut self.buffer)))
    }
}

/// Time and version 0, then bytes that are as good as random: nothing is kept secret by them.
fn packet(seed: u64) -> Bytes {
    let mut out = BytesMut::zeroed(FIELDS_BYTES);
    let mut state = seed | 1;
    while out.len() < PACKET_BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.put_u64(state);
    }
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_agree_whatever_the_pieces() {
        for size in [1, 7, 1537, 4000] {
            let (mut client, mut server) = (Handshake::client(1), Handshake::server(2));
            let (mut to_server, mut to_client) = (BytesMut::from(&client.start()[..]), BytesMut::new());
            let (mut served, mut welcomed) = (false, false);
            while !(served && welcomed) {
                let piece = to_server.split_to(size.min(to_server.len()));
                served = served || server.receive(&piece, &mut to_client).unwrap().is_some();
                let piece = to_client.split_to(size.min(to_client.len()));
                welcomed = welcomed || client.receive(&piece, &mut to_server).unwrap().is_some();
            }
            assert!(to_server.is_empty() && to_client.is_empty());
        }
    }

    #[test]
    fn bytes_behind_it_are_given_back() {
        let (mut client, mut server) = (Handshake::client(1), Handshake::server(2));
        let (mut to_client, mut to_server) = (BytesMut::new(), BytesMut::new());
        assert_eq!(server.receive(&client.start(), &mut to_client), Ok(None));
        to_client.put_slice(b"early");
        assert_eq!(client.receive(&to_client, &mut to_server), Ok(Some(BytesMut::from("early"))));
        to_server.put_slice(b"connect");
        assert_eq!(server.receive(&to_server, &mut BytesMut::new()), Ok(Some(BytesMut::from("connect"))));
    }

    #[test]
    fn others_are_refused_at_their_first_byte() {
        let mut server = Handshake::server(1);
        let error = server.receive(b"GET / HTTP/1.1", &mut BytesMut::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected an RTMP handshake of version 3, got 0x47 (6 would be RTMPE, which is not supported)"
        );
    }
}
