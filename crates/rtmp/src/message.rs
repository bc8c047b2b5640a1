//! Messages (RTMP 1.0 §5.4, §6, §7): their types, and what protocol control and commands have in them.

use crate::amf::Value;
use bytes::{Buf, BufMut, Bytes, BytesMut};

pub(crate) const ACKNOWLEDGEMENT: u8 = 3;
pub(crate) const USER_CONTROL: u8 = 4;
pub(crate) const WINDOW: u8 = 5;
pub(crate) const PEER_BANDWIDTH: u8 = 6;
pub(crate) const AUDIO: u8 = 8;
pub(crate) const VIDEO: u8 = 9;
/// Metadata and commands in AMF3: in truth, AMF0 behind one byte.
pub(crate) const DATA_AMF3: u8 = 15;
pub(crate) const COMMAND_AMF3: u8 = 17;
pub(crate) const DATA: u8 = 18;
pub(crate) const COMMAND: u8 = 20;
pub(crate) const AGGREGATE: u8 = 22;

/// Chunk streams as we use them; 2 is the only one that the standard names.
pub(crate) const CONTROL_CHUNKS: u8 = 2;
pub(crate) const COMMAND_CHUNKS: u8 = 3;
pub(crate) const AUDIO_CHUNKS: u8 = 4;
pub(crate) const DATA_CHUNKS: u8 = 5;
pub(crate) const VIDEO_CHUNKS: u8 = 6;

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The type.
    pub kind: u8,
    /// Milliseconds; wraps.
    pub timestamp: u32,
    /// The message stream, 0 for the connection itself.
    pub stream: u32,
    /// What is in it.
    pub payload: Bytes,
}

/// User control events (§7.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserControl {
    StreamBegin,
    StreamEof,
    SetBufferLength,
    PingRequest,
    PingResponse,
}

impl UserControl {
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::StreamBegin => 0,
            Self::StreamEof => 1,
            Self::SetBufferLength => 3,
            Self::PingRequest => 6,
            Self::PingResponse => 7,
        }
    }

    /// The event and its first value; `None` for events that nobody needs.
    pub(crate) fn parse(mut payload: &[u8]) -> Option<(Self, u32)> {
        if payload.len() < 6 {
            return None;
        }
        let number = payload.get_u16();
        let events = [
            Self::StreamBegin,
            Self::StreamEof,
            Self::SetBufferLength,
            Self::PingRequest,
            Self::PingResponse,
        ];
        let event = events.into_iter().find(|event| event.number() == number)?;
        Some((event, payload.get_u32()))
    }

    pub(crate) fn write(self, values: &[u32]) -> Bytes {
        let mut out = BytesMut::new();
        out.put_u16(self.number());
        values.iter().for_each(|value| out.put_u32(*value));
        out.freeze()
    }
}

/// A command (§7.2): a name, a number that its answer has as well, and values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) transaction: f64,
    /// The command object first.
    pub(crate) values: Vec<Value>,
}

impl Command {
    /// `None` if it is no command. Arguments that cannot be read end the list.
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let mut values = crate::amf::read_leading(payload).into_iter();
        let name = values.next()?.text()?.to_owned();
        let transaction = values.next().and_then(|value| value.number()).unwrap_or(0.0);
        Some(Self { name, transaction, values: values.collect() })
    }

    pub(crate) fn new(name: &str, transaction: f64, values: Vec<Value>) -> Self {
        Self { name: name.to_owned(), transaction, values }
    }

    pub(crate) fn write(&self) -> Bytes {
        let mut out = BytesMut::new();
        Value::from(self.name.as_str()).write(&mut out);
        Value::Number(self.transaction).write(&mut out);
        self.values.iter().for_each(|value| value.write(&mut out));
        out.freeze()
    }

    /// A text among the values behind the command object.
    pub(crate) fn text(&self, argument: usize) -> Option<&str> {
        self.values.get(argument + 1).and_then(Value::text)
    }

    /// The `code` of the information that a server answers with, and its `description`.
    pub(crate) fn status(&self) -> Option<(&str, &str)> {
        let of = |name| self.values.iter().find_map(|value| value.get(name)).and_then(Value::text);
        Some((of("code")?, of("description").unwrap_or_default()))
    }
}

/// An object of these entries.
pub(crate) fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Object(entries.map(|(name, value)| (name.to_owned(), value)).into())
}

/// The information of an `onStatus`, or of an answer.
pub(crate) fn status(level: &str, code: &str, description: &str) -> Value {
    object([("level", level.into()), ("code", code.into()), ("description", description.into())])
}
