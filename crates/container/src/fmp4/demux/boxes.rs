//! Boxes (ISO/IEC 14496-12 §4.2) and the fields inside them.

use super::DemuxError;
use bytes::{Buf, Bytes};
use std::fmt;

/// Bytes of a box header with a 32-bit size.
pub(super) const HEADER_BYTES: usize = 8;
/// Bytes of a box header with a 64-bit size.
pub(super) const LARGE_HEADER_BYTES: usize = 16;

/// The type of a box or a sample entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct FourCc(pub(super) [u8; 4]);

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0.escape_ascii())
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The header of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: FourCc,
    /// Bytes of the header itself.
    pub(super) header_bytes: usize,
    /// Bytes of the whole box; `None` if it goes to the end of the file.
    pub(super) size: Option<u64>,
}

impl Header {
    /// The header at the start of `data`; `None` if more bytes are needed to tell.
    ///
    /// # Errors
    /// If the box would be smaller than its header.
    pub(super) fn read(data: &[u8]) -> Result<Option<Self>, DemuxError> {
        let Some((&[s0, s1, s2, s3, kind @ ..], rest)) = data.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let kind = FourCc(kind);
        let (header_bytes, size) = match u32::from_be_bytes([s0, s1, s2, s3]) {
            0 => return Ok(Some(Self { kind, header_bytes: HEADER_BYTES, size: None })),
            1 => match rest.first_chunk::<8>() {
                Some(size) => (LARGE_HEADER_BYTES, u64::from_be_bytes(*size)),
                None => return Ok(None),
            },
            size => (HEADER_BYTES, u64::from(size)),
        };
        if size < header_bytes as u64 {
            let reason = format!("it says to have {size} bytes, its header alone has {header_bytes}");
            return Err(DemuxError::malformed(kind, reason));
        }
        Ok(Some(Self { kind, header_bytes, size: Some(size) }))
    }
}

/// The boxes inside a box of type `parent`, or inside its rest. Fewer bytes at the end than a header has are padding, as
/// QuickTime writes it.
pub(super) fn children(parent: FourCc, mut body: Bytes) -> impl Iterator<Item = Result<Box, DemuxError>> {
    std::iter::from_fn(move || {
        let header = match Header::read(&body) {
            Ok(header) => header?,
            Err(error) => {
                body.clear();
                return Some(Err(error));
            }
        };
        let size = header.size.map_or(Some(body.len()), |size| usize::try_from(size).ok());
        let Some(size) = size.filter(|&size| size <= body.len()) else {
            let reason = format!("it says to have more bytes than the {} left in {parent}", body.len());
            body.clear();
            return Some(Err(DemuxError::malformed(header.kind, reason)));
        };
        let mut whole = body.split_to(size);
        whole.advance(header.header_bytes);
        Some(Ok(Box { kind: header.kind, body: whole }))
    })
}

/// A box that is there in whole: its type and what follows its header.
#[derive(Clone, Debug)]
pub(super) struct Box {
    pub(super) kind: FourCc,
    pub(super) body: Bytes,
}

impl Box {
    /// The boxes inside.
    pub(super) fn children(&self) -> impl Iterator<Item = Result<Self, DemuxError>> + use<> {
        children(self.kind, self.body.clone())
    }

    /// The first box of a type inside.
    pub(super) fn child(&self, kind: &[u8; 4]) -> Result<Option<Self>, DemuxError> {
        find(self.children(), kind)
    }

    /// The first box of a type inside, which has to be there.
    pub(super) fn required(&self, kind: &[u8; 4]) -> Result<Self, DemuxError> {
        self.child(kind)?.ok_or_else(|| {
            DemuxError::malformed(self.kind, format!("it has no {} box inside", FourCc(*kind)))
        })
    }

    /// Its fields.
    pub(super) fn fields(&self) -> Fields {
        Fields { kind: self.kind, rest: self.body.clone() }
    }

    /// Version, flags, and the fields behind them (`FullBox`).
    pub(super) fn full(&self) -> Result<(u8, u32, Fields), DemuxError> {
        let mut fields = self.fields();
        let word = fields.u32("version and flags")?;
        let [version, ..] = word.to_be_bytes();
        Ok((version, word & 0x00ff_ffff, fields))
    }
}

/// The first box of a type among `boxes`.
pub(super) fn find(
    boxes: impl Iterator<Item = Result<Box, DemuxError>>,
    kind: &[u8; 4],
) -> Result<Option<Box>, DemuxError> {
    for found in boxes {
        let found = found?;
        if found.kind.0 == *kind {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Reads one field after another.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    kind: FourCc,
    rest: Bytes,
}

impl Fields {
    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize, name: &'static str) -> Result<Bytes, DemuxError> {
        self.check(count, name)?;
        Ok(self.rest.split_to(count))
    }

    fn array<const N: usize>(&mut self, name: &'static str) -> Result<[u8; N], DemuxError> {
        self.check(N, name)?;
        let mut array = [0; N];
        self.rest.copy_to_slice(&mut array);
        Ok(array)
    }

    fn check(&self, count: usize, name: &'static str) -> Result<(), DemuxError> {
        if self.rest.len() < count {
            let reason = format!("it ends before {name}: {count} bytes expected, {} left", self.rest.len());
            return Err(DemuxError::malformed(self.kind, reason));
        }
        Ok(())
    }

    pub(super) fn u8(&mut self, name: &'static str) -> Result<u8, DemuxError> {
        self.array(name).map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self, name: &'static str) -> Result<u16, DemuxError> {
        self.array(name).map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self, name: &'static str) -> Result<u32, DemuxError> {
        self.array(name).map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self, name: &'static str) -> Result<u64, DemuxError> {
        self.array(name).map(u64::from_be_bytes)
    }

    /// 64 bits if `large`, else 32.
    pub(super) fn u32_or_u64(&mut self, large: bool, name: &'static str) -> Result<u64, DemuxError> {
        if large { self.u64(name) } else { self.u32(name).map(u64::from) }
    }

    /// 32 bits if `present`, else `otherwise`.
    pub(super) fn u32_if(
        &mut self,
        present: bool,
        otherwise: u32,
        name: &'static str,
    ) -> Result<u32, DemuxError> {
        if present { self.u32(name) } else { Ok(otherwise) }
    }

    /// A table: its number of entries, then that many entries of `entry_bytes`.
    pub(super) fn table(&mut self, entry_bytes: usize, name: &'static str) -> Result<Bytes, DemuxError> {
        let count = self.u32(name)? as usize;
        self.take(count.saturating_mul(entry_bytes), name)
    }

    /// The fields inside the next `count` bytes.
    pub(super) fn sub(&mut self, count: usize, name: &'static str) -> Result<Self, DemuxError> {
        Ok(Self { kind: self.kind, rest: self.take(count, name)? })
    }

    /// Whether everything has been read.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What has not been read.
    pub(super) fn rest(self) -> Bytes {
        self.rest
    }
}

/// The 32 bits at place `index` of a table of 32-bit words.
pub(super) fn word(table: &[u8], index: usize) -> Option<u32> {
    let at = index.checked_mul(4)?;
    Some(u32::from_be_bytes(*table.get(at..)?.first_chunk()?))
}
