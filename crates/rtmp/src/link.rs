//! What both sides of a connection do alike: handshake, chunks, acknowledgements, signs of life, aggregates.

use crate::amf::Value;
use crate::chunk::{DEFAULT_CHUNK_BYTES, Header, Reader, SET_CHUNK_SIZE, write};
use crate::error::Error;
use crate::handshake::Handshake;
use crate::limits::{AGGREGATE_MESSAGES, CHUNK_BYTES, WINDOW_BYTES, WINDOW_BYTES_LEAST};
use crate::message::{
    ACKNOWLEDGEMENT, AGGREGATE, AUDIO, COMMAND, COMMAND_AMF3, COMMAND_CHUNKS, CONTROL_CHUNKS, Command, DATA,
    DATA_AMF3, Message, PEER_BANDWIDTH, USER_CONTROL, UserControl, VIDEO, WINDOW,
};
use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;
use yeoul_container::flv::TagKind;

/// What a peer has sent, as far as a session must know it.
#[derive(Debug)]
pub(crate) enum Received {
    /// The handshake is over: once.
    Welcome,
    Command {
        stream: u32,
        command: Command,
    },
    /// Audio, video or metadata.
    Tag {
        kind: TagKind,
        timestamp_ms: u32,
        body: Bytes,
    },
    /// The stream has no more to give.
    EndOfStream,
}

#[derive(Debug)]
pub(crate) struct Link {
    handshake: Option<Handshake>,
    welcomed: bool,
    reader: Reader,
    /// Bytes that the peer has sent, and of these the ones that it knows of.
    received: u64,
    acknowledged: u64,
    window: u32,
    chunk_bytes: usize,
    queue: VecDeque<Received>,
    out: BytesMut,
}

impl Link {
    pub(crate) fn client(seed: u64) -> Self {
        let handshake = Handshake::client(seed);
        let out = BytesMut::from(&handshake.start()[..]);
        Self { out, ..Self::new(handshake) }
    }

    pub(crate) fn server(seed: u64) -> Self {
        Self::new(Handshake::server(seed))
    }

    fn new(handshake: Handshake) -> Self {
        Self {
            handshake: Some(handshake),
            welcomed: false,
            reader: Reader::default(),
            received: 0,
            acknowledged: 0,
            window: WINDOW_BYTES,
            chunk_bytes: DEFAULT_CHUNK_BYTES,
            queue: VecDeque::new(),
            out: BytesMut::new(),
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.received += u64::try_from(bytes.len()).unwrap_or(0);
        match &mut self.handshake {
            Some(handshake) => {
                if let Some(rest) = handshake.receive(bytes, &mut self.out)? {
                    self.handshake = None;
                    self.reader.push(&rest);
                }
            }
            None => self.reader.push(bytes),
        }
        if self.received - self.acknowledged >= u64::from(self.window) && self.handshake.is_none() {
            self.acknowledged = self.received;
            // The low 32 bits (§5.4.3).
            let [_, _, _, _, count @ ..] = self.received.to_be_bytes();
            self.control(ACKNOWLEDGEMENT, &count);
        }
        Ok(())
    }

    pub(crate) fn pull(&mut self) -> Result<Option<Received>, Error> {
        if self.handshake.is_none() && !self.welcomed {
            self.welcomed = true;
            return Ok(Some(Received::Welcome));
        }
        loop {
            if let Some(received) = self.queue.pop_front() {
                return Ok(Some(received));
            }
            match self.reader.pull()? {
                Some(message) => self.take(message)?,
                None => return Ok(None),
            }
        }
    }

    fn take(&mut self, message: Message) -> Result<(), Error> {
        let Message { kind, timestamp, stream, mut payload } = message;
        match kind {
            USER_CONTROL => match UserControl::parse(&payload) {
                Some((UserControl::PingRequest, time)) => {
                    self.control(USER_CONTROL, &UserControl::PingResponse.write(&[time]));
                }
                Some((UserControl::StreamEof, _)) => self.queue.push_back(Received::EndOfStream),
                Some((
                    UserControl::StreamBegin | UserControl::SetBufferLength | UserControl::PingResponse,
                    _,
                ))
                | None => {}
            },
            WINDOW => {
                if let Some(window) = payload.first_chunk() {
                    self.window = u32::from_be_bytes(*window).max(WINDOW_BYTES_LEAST);
                }
            }
            COMMAND | COMMAND_AMF3 => {
                if kind == COMMAND_AMF3 && payload.first() == Some(&0) {
                    payload.advance(1);
                }
                let command = Command::parse(&payload).ok_or(Error::Command)?;
                self.queue.push_back(Received::Command { stream, command });
            }
            AGGREGATE => self.take_aggregate(timestamp, payload),
            DATA_AMF3 => {
                if payload.first() == Some(&0) {
                    payload.advance(1);
                }
                self.tag(DATA, timestamp, payload);
            }
            // What a peer would like to be sent at most is not what decides: a slow one skips.
            _ => self.tag(kind, timestamp, payload),
        }
        Ok(())
    }

    fn tag(&mut self, kind: u8, timestamp_ms: u32, body: Bytes) {
        if let Some(kind) = TagKind::of(kind).filter(|_| matches!(kind, AUDIO | VIDEO | DATA)) {
            self.queue.push_back(Received::Tag { kind, timestamp_ms, body });
        }
    }

    /// FLV tags, each with its own time; the first one's is the message's (§7.1.6). What is cut off is left out.
    fn take_aggregate(&mut self, timestamp: u32, mut payload: Bytes) {
        let mut offset = None;
        for _ in 0..AGGREGATE_MESSAGES {
            let Some(&[kind, a, b, c, t0, t1, t2, t3, ..]) = payload.first_chunk::<11>() else { return };
            payload.advance(11);
            let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
            if payload.len() < length {
                return;
            }
            let time = u32::from_be_bytes([t3, t0, t1, t2]);
            let offset = *offset.get_or_insert(timestamp.wrapping_sub(time));
            let body = payload.split_to(length);
            self.tag(kind, time.wrapping_add(offset), body);
            // The length again.
            payload.advance(payload.len().min(4));
        }
    }

    /// A message about the connection itself.
    pub(crate) fn control(&mut self, kind: u8, payload: &[u8]) {
        self.write(CONTROL_CHUNKS, kind, 0, payload);
    }

    /// Announces larger chunks, and when we want to hear that bytes have arrived.
    pub(crate) fn announce(&mut self, is_server: bool) {
        self.control(WINDOW, &WINDOW_BYTES.to_be_bytes());
        if is_server {
            // Dynamic: as the peer likes (§5.4.5).
            let bandwidth = [&WINDOW_BYTES.to_be_bytes()[..], &[2]].concat();
            self.control(PEER_BANDWIDTH, &bandwidth);
        }
        self.control(SET_CHUNK_SIZE, &u32::try_from(CHUNK_BYTES).unwrap_or(u32::MAX).to_be_bytes());
        self.chunk_bytes = CHUNK_BYTES;
    }

    pub(crate) fn user_control(&mut self, event: UserControl, values: &[u32]) {
        self.control(USER_CONTROL, &event.write(values));
    }

    pub(crate) fn command(&mut self, stream: u32, name: &str, transaction: f64, values: Vec<Value>) {
        let payload = Command::new(name, transaction, values).write();
        self.write(COMMAND_CHUNKS, COMMAND, stream, &payload);
    }

    fn write(&mut self, chunk_stream: u8, kind: u8, stream: u32, payload: &[u8]) {
        let header = Header { chunk_stream, kind, timestamp: 0, stream };
        write(&mut self.out, self.chunk_bytes, &header, &[payload]);
    }

    pub(crate) fn data(&mut self, stream: u32, payload: &[u8]) {
        self.write(crate::message::DATA_CHUNKS, DATA, stream, payload);
    }

    /// What is to be sent.
    pub(crate) fn take_output(&mut self) -> Option<Bytes> {
        (!self.out.is_empty()).then(|| self.out.split().freeze())
    }
}
