//! AMF0, what commands and metadata are written in (Action Message Format AMF0, 2007).
//!
//! Leaves out references, recordsets and the values of AMF3 behind marker 17: no peer sends them in the commands read here.

use crate::limits::{AMF_DEPTH, AMF_VALUES};
use bytes::{Buf, BufMut, BytesMut};

const NUMBER: u8 = 0;
const BOOLEAN: u8 = 1;
const STRING: u8 = 2;
const OBJECT: u8 = 3;
const NULL: u8 = 5;
const UNDEFINED: u8 = 6;
const ECMA_ARRAY: u8 = 8;
const OBJECT_END: u8 = 9;
const STRICT_ARRAY: u8 = 10;
const DATE: u8 = 11;
const LONG_STRING: u8 = 12;
const UNSUPPORTED: u8 = 13;
const XML: u8 = 15;
const TYPED_OBJECT: u8 = 16;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any number.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Text; what is no UTF-8 is replaced.
    String(String),
    /// Names with values.
    Object(Vec<(String, Value)>),
    /// Names with values, written as an array.
    EcmaArray(Vec<(String, Value)>),
    /// Values alone.
    StrictArray(Vec<Value>),
    /// Milliseconds since 1970.
    Date(f64),
    /// Nothing.
    Null,
    /// Nothing, either.
    Undefined,
}

/// Why bytes are no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It ends too early.
    #[error("a value of AMF0 ends too early")]
    Short,
    /// A marker that is not read.
    #[error("a value of AMF0 has the marker {0}, which is not supported")]
    Marker(u8),
    /// Objects in objects in objects.
    #[error("values of AMF0 are nested deeper than {AMF_DEPTH} levels")]
    Deep,
    /// More than any real message has.
    #[error("a message has more than {AMF_VALUES} values of AMF0")]
    Many,
}

impl Value {
    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The value of that name, if there are names.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Object(entries) | Self::EcmaArray(entries) => {
                entries.iter().find(|(known, _)| known == name).map(|(_, value)| value)
            }
            Self::Number(_)
            | Self::Boolean(_)
            | Self::String(_)
            | Self::StrictArray(_)
            | Self::Date(_)
            | Self::Null
            | Self::Undefined => None,
        }
    }

    /// Writes it.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Number(number) => {
                out.put_u8(NUMBER);
                out.put_f64(*number);
            }
            Self::Boolean(boolean) => out.put_slice(&[BOOLEAN, u8::from(*boolean)]),
            Self::String(text) => match u16::try_from(text.len()) {
                Ok(_) => {
                    out.put_u8(STRING);
                    put_text(text, out);
                }
                Err(_) => {
                    out.put_u8(LONG_STRING);
                    out.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
                    out.put_slice(text.as_bytes());
                }
            },
            Self::Object(entries) => {
                out.put_u8(OBJECT);
                put_entries(entries, out);
            }
            Self::EcmaArray(entries) => {
                out.put_u8(ECMA_ARRAY);
                out.put_u32(u32::try_from(entries.len()).unwrap_or(u32::MAX));
                put_entries(entries, out);
            }
            Self::StrictArray(values) => {
                out.put_u8(STRICT_ARRAY);
                out.put_u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
                values.iter().for_each(|value| value.write(out));
            }
            Self::Date(milliseconds) => {
                out.put_u8(DATE);
                out.put_f64(*milliseconds);
                out.put_i16(0);
            }
            Self::Null => out.put_u8(NULL),
            Self::Undefined => out.put_u8(UNDEFINED),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

/// Reads values up to the end of `bytes`.
///
/// # Errors
/// If what is left is no value.
pub fn read_all(bytes: &[u8]) -> Result<Vec<Value>, Error> {
    let mut reader = Reader { rest: bytes, left: AMF_VALUES };
    let mut values = Vec::new();
    while !reader.rest.is_empty() {
        values.push(reader.value(0)?);
    }
    Ok(values)
}

/// The leading values that can be read: for commands whose last arguments are in a form that nobody here needs.
#[must_use]
pub fn read_leading(bytes: &[u8]) -> Vec<Value> {
    let mut reader = Reader { rest: bytes, left: AMF_VALUES };
    std::iter::from_fn(|| if reader.rest.is_empty() { None } else { reader.value(0).ok() }).collect()
}

struct Reader<'a> {
    rest: &'a [u8],
    left: usize,
}

impl Reader<'_> {
    fn need(&self, bytes: usize) -> Result<(), Error> {
        if self.rest.len() < bytes { Err(Error::Short) } else { Ok(()) }
    }

    fn value(&mut self, depth: u32) -> Result<Value, Error> {
        self.left = self.left.checked_sub(1).ok_or(Error::Many)?;
        if depth > AMF_DEPTH {
            return Err(Error::Deep);
        }
        self.need(1)?;
        match self.rest.get_u8() {
            NUMBER => self.double().map(Value::Number),
            BOOLEAN => {
                self.need(1)?;
                Ok(Value::Boolean(self.rest.get_u8() != 0))
            }
            STRING => self.short_text().map(Value::String),
            LONG_STRING | XML => {
                self.need(4)?;
                let length = self.rest.get_u32();
                self.text(length).map(Value::String)
            }
            OBJECT => self.entries(depth).map(Value::Object),
            TYPED_OBJECT => {
                self.short_text()?;
                self.entries(depth).map(Value::Object)
            }
            ECMA_ARRAY => {
                // The count is a hint only; what counts is the end.
                self.need(4)?;
                self.rest.advance(4);
                self.entries(depth).map(Value::EcmaArray)
            }
            STRICT_ARRAY => {
                self.need(4)?;
                let count = self.rest.get_u32();
                (0..count).map(|_| self.value(depth + 1)).collect::<Result<_, _>>().map(Value::StrictArray)
            }
            DATE => {
                let milliseconds = self.double()?;
                self.need(2)?;
                self.rest.advance(2);
                Ok(Value::Date(milliseconds))
            }
            NULL => Ok(Value::Null),
            UNDEFINED | UNSUPPORTED => Ok(Value::Undefined),
            marker => Err(Error::Marker(marker)),
        }
    }

    fn double(&mut self) -> Result<f64, Error> {
        self.need(8)?;
        Ok(self.rest.get_f64())
    }

    fn short_text(&mut self) -> Result<String, Error> {
        self.need(2)?;
        let length = self.rest.get_u16();
        self.text(length.into())
    }

    fn text(&mut self, length: u32) -> Result<String, Error> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (text, rest) = self.rest.split_at_checked(length).ok_or(Error::Short)?;
        self.rest = rest;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    fn entries(&mut self, depth: u32) -> Result<Vec<(String, Value)>, Error> {
        let mut entries = Vec::new();
        loop {
            if self.rest.starts_with(&[0, 0, OBJECT_END]) {
                self.rest.advance(3);
                return Ok(entries);
            }
            let name = self.short_text()?;
            entries.push((name, self.value(depth + 1)?));
        }
    }
}

fn put_text(text: &str, out: &mut BytesMut) {
    let (length, text) = match u16::try_from(text.len()) {
        Ok(length) => (length, text.as_bytes()),
        Err(_) => (0, &b""[..]),
    };
    out.put_u16(length);
    out.put_slice(text);
}

fn put_entries(entries: &[(String, Value)], out: &mut BytesMut) {
    for (name, value) in entries {
        put_text(name, out);
        value.write(out);
    }
    out.put_slice(&[0, 0, OBJECT_END]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(values: &[Value]) -> BytesMut {
        let mut out = BytesMut::new();
        values.iter().for_each(|value| value.write(&mut out));
        out
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            (-1e9..1e9).prop_map(Value::Number),
            any::<bool>().prop_map(Value::Boolean),
            ".{0,20}".prop_map(Value::String),
            Just(Value::Null),
            Just(Value::Undefined),
            (0.0..1e15).prop_map(Value::Date),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            // A name without letters ends an object where a value of kind 9 would follow, which none does.
            let entries = || prop::collection::vec(("[a-z]{1,9}", inner.clone()), 0..4);
            prop_oneof![
                entries().prop_map(Value::Object),
                entries().prop_map(Value::EcmaArray),
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::StrictArray),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in prop::collection::vec(value(), 0..6)) {
            prop_assert_eq!(read_all(&written(&values)), Ok(values));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_all(&bytes);
        }
    }

    #[test]
    fn a_connect_of_the_specification_is_read() {
        let bytes = b"\x02\0\x07connect\0\x3f\xf0\0\0\0\0\0\0\x03\0\x03app\x02\0\x04live\0\0\x09\x05";
        let values = read_all(bytes).unwrap();
        assert_eq!(values[0].text(), Some("connect"));
        assert_eq!(values[1].number(), Some(1.0));
        assert_eq!(values[2].get("app").and_then(Value::text), Some("live"));
        assert_eq!(values[3], Value::Null);
    }

    #[test]
    fn long_texts_have_a_long_length() {
        let long = Value::String("x".repeat(70_000));
        let bytes = written(std::slice::from_ref(&long));
        assert_eq!(bytes[..5], [12, 0, 1, 0x11, 0x70]);
        assert_eq!(read_all(&bytes), Ok(vec![long]));
    }

    #[test]
    fn what_goes_too_far_is_refused() {
        assert_eq!(read_all(&[10, 0, 0, 0, 1].repeat(20)), Err(Error::Deep));
        let many = [&[10, 0xff, 0xff, 0xff, 0xff][..], &[5; 2000]].concat();
        assert_eq!(read_all(&many), Err(Error::Many));
        assert_eq!(read_all(&[17, 1]), Err(Error::Marker(17)));
        assert_eq!(read_all(&[2, 0, 9, b'x']), Err(Error::Short));
        assert_eq!(read_leading(&[5, 1, 1, 17, 1, 2]), [Value::Null, Value::Boolean(true)]);
    }
}
