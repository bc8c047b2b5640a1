//! The sample tables of a plain MP4 file (ISO/IEC 14496-12 §8.6, §8.7), read one sample after another out of the bytes of
//! the `moov` box: nothing is unpacked, so that a table that promises billions of samples costs nothing.

use super::DemuxError;
use super::boxes::{Box, word};
use bytes::Bytes;

/// Where a sample is, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Place of its track in the movie.
    pub(super) track: usize,
    /// Its first byte, from the start of the file.
    pub(super) offset: u64,
    pub(super) size: u32,
    /// Ticks of the track.
    pub(super) dts: i64,
    /// Ticks from its decoding to its showing.
    pub(super) composition: i32,
    /// `sample_description_index`, counted from 1.
    pub(super) description: u32,
}

impl Sample {
    /// Where the byte after it is.
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(self.size.into())
    }
}

/// The tables of one track and a place in them.
#[derive(Clone, Debug)]
pub(super) struct SampleTable {
    track: usize,
    /// `stsz`: the size of all samples, or 0 and a table.
    same_size: u32,
    sizes: Bytes,
    count: u32,
    /// `stco` or `co64`.
    chunks: Bytes,
    large_offsets: bool,
    /// `stsc`: first chunk, samples in each, description.
    groups: Bytes,
    deltas: Runs,
    compositions: Runs,
    /// `stss`: the numbers of samples at which decoding can start; `None` is all of them.
    syncs: Option<Bytes>,
    /// Samples given.
    given: u32,
    dts: i64,
    /// The next chunk and the samples left in the one before.
    chunk: u32,
    group: usize,
    left_in_chunk: u32,
    description: u32,
    offset: u64,
    next: Option<Sample>,
}

impl SampleTable {
    /// The tables inside an `stbl` box, at their first sample; `None` if there is none, as in fragmented files.
    ///
    /// # Errors
    /// If a table ends too early.
    pub(super) fn read(track: usize, stbl: &Box) -> Result<Option<Self>, DemuxError> {
        let Some(stsz) = stbl.child(b"stsz")? else { return Ok(None) };
        let (_, _, mut fields) = stsz.full()?;
        let same_size = fields.u32("sample_size")?;
        let count = fields.clone().u32("sample_count")?;
        let sizes = if same_size == 0 { fields.table(4, "entry_size")? } else { Bytes::new() };
        if count == 0 {
            return Ok(None);
        }
        let table = |kind, entry_bytes, name| -> Result<Option<Bytes>, DemuxError> {
            let Some(found) = stbl.child(kind)? else { return Ok(None) };
            let (_, _, mut fields) = found.full()?;
            fields.table(entry_bytes, name).map(Some)
        };
        let (chunks, large_offsets) = match table(b"stco", 4, "chunk_offset")? {
            Some(chunks) => (chunks, false),
            None => (table(b"co64", 8, "chunk_offset")?.unwrap_or_default(), true),
        };
        let mut read = Self {
            track,
            same_size,
            sizes,
            count,
            chunks,
            large_offsets,
            groups: table(b"stsc", 12, "samples_per_chunk")?.unwrap_or_default(),
            deltas: Runs::new(table(b"stts", 8, "sample_delta")?.unwrap_or_default()),
            compositions: Runs::new(table(b"ctts", 8, "sample_offset")?.unwrap_or_default()),
            syncs: table(b"stss", 4, "sample_number")?,
            given: 0,
            dts: 0,
            chunk: 0,
            group: 0,
            left_in_chunk: 0,
            description: 1,
            offset: 0,
            next: None,
        };
        read.advance();
        Ok(Some(read))
    }

    /// Samples that it promises.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// The sample at hand; `None` after the last.
    pub(super) fn peek(&self) -> Option<Sample> {
        self.next
    }

    /// Where the sample after the one at hand begins, or the last one ends if there is none: ticks.
    pub(super) fn end(&self) -> i64 {
        self.dts
    }

    /// Whether decoding can start at the sample at hand.
    pub(super) fn is_sync(&self) -> bool {
        let Some(syncs) = &self.syncs else { return true };
        let (numbers, _) = syncs.as_chunks::<4>();
        numbers.binary_search_by_key(&self.given, |number| u32::from_be_bytes(*number)).is_ok()
    }

    /// Goes on to the next sample that has bytes.
    pub(super) fn advance(&mut self) {
        self.next = loop {
            match self.step() {
                Some(sample) if sample.size == 0 => {}
                other => break other,
            }
        };
    }

    /// The largest time by which a sample is decoded later than shown, as negative offsets tell.
    pub(super) fn late_by(&self) -> i64 {
        self.compositions.values().min().map_or(0, |least| i64::from(least.min(0)).saturating_neg())
    }

    fn step(&mut self) -> Option<Sample> {
        if self.given == self.count {
            return None;
        }
        while self.left_in_chunk == 0 {
            self.next_chunk()?;
        }
        let size = match self.same_size {
            0 => word(&self.sizes, self.given as usize)?,
            size => size,
        };
        let sample = Sample {
            track: self.track,
            offset: self.offset,
            size,
            dts: self.dts,
            composition: self.compositions.next(),
            description: self.description,
        };
        self.given += 1;
        self.left_in_chunk -= 1;
        self.offset = sample.end();
        // A negative step is nonsense that some writers correct a mistake with.
        self.dts = self.dts.saturating_add(self.deltas.next().max(0).into());
        Some(sample)
    }

    fn next_chunk(&mut self) -> Option<()> {
        let index = self.chunk as usize;
        self.offset = if self.large_offsets {
            let (high, low) = (word(&self.chunks, index * 2)?, word(&self.chunks, index * 2 + 1)?);
            u64::from(high) << 32 | u64::from(low)
        } else {
            word(&self.chunks, index)?.into()
        };
        self.chunk += 1;
        // A group goes up to the first chunk of the next one.
        while word(&self.groups, (self.group + 1) * 3).is_some_and(|first| first <= self.chunk) {
            self.group += 1;
        }
        self.left_in_chunk = word(&self.groups, self.group * 3 + 1)?;
        self.description = word(&self.groups, self.group * 3 + 2)?;
        Some(())
    }
}

/// A table of runs: so many samples have this value.
#[derive(Clone, Debug)]
struct Runs {
    table: Bytes,
    /// The next run.
    run: usize,
    left: u32,
    value: i32,
}

impl Runs {
    fn new(table: Bytes) -> Self {
        Self { table, run: 0, left: 0, value: 0 }
    }

    /// The value of the next sample; that of the last run goes on for ever, 0 without any.
    fn next(&mut self) -> i32 {
        while self.left == 0 {
            match (word(&self.table, self.run * 2), word(&self.table, self.run * 2 + 1)) {
                (Some(count), Some(value)) => (self.left, self.value) = (count, value.cast_signed()),
                _ => self.left = u32::MAX,
            }
            self.run += 1;
        }
        self.left -= 1;
        self.value
    }

    fn values(&self) -> impl Iterator<Item = i32> {
        self.table.chunks_exact(8).filter_map(|run| Some(word(run, 1)?.cast_signed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fmp4::demux::boxes::FourCc;

    fn full(kind: &[u8; 4], words: &[u32]) -> Vec<u8> {
        let size = u32::try_from(12 + words.len() * 4).unwrap();
        let words = words.iter().flat_map(|word| word.to_be_bytes());
        [&size.to_be_bytes()[..], kind, &[0; 4]].concat().into_iter().chain(words).collect()
    }

    fn table(boxes: &[Vec<u8>]) -> Option<SampleTable> {
        SampleTable::read(0, &Box { kind: FourCc(*b"stbl"), body: boxes.concat().into() }).unwrap()
    }

    /// Offset, size, decoding time and composition offset of each sample.
    fn samples(boxes: &[Vec<u8>]) -> Vec<(u64, u32, i64, i32)> {
        let mut table = table(boxes).unwrap();
        std::iter::from_fn(|| {
            let sample = table.peek()?;
            table.advance();
            Some((sample.offset, sample.size, sample.dts, sample.composition))
        })
        .collect()
    }

    #[test]
    fn samples_are_found_through_all_tables() {
        let boxes = [
            full(b"stsz", &[0, 4, 10, 20, 30, 40]),
            full(b"stco", &[2, 100, 1000]),
            full(b"stsc", &[2, 1, 3, 1, 2, 1, 1]),
            full(b"stts", &[2, 1, 5, 3, 7]),
            full(b"ctts", &[2, 2, 0, 2, 3]),
        ];
        assert_eq!(samples(&boxes), [(100, 10, 0, 0), (110, 20, 5, 0), (130, 30, 12, 3), (1000, 40, 19, 3)]);
    }

    #[test]
    fn offsets_of_64_bits_and_one_size_are_read() {
        let boxes = [
            full(b"stsz", &[7, 2]),
            full(b"co64", &[1, 1, 2]),
            full(b"stsc", &[1, 1, 2, 1]),
            full(b"stts", &[1, 2, 1024]),
        ];
        assert_eq!(samples(&boxes), [((1 << 32) + 2, 7, 0, 0), ((1 << 32) + 9, 7, 1024, 0)]);
    }

    #[test]
    fn samples_without_bytes_are_passed_over() {
        let boxes = [
            full(b"stsz", &[0, 3, 0, 5, 0]),
            full(b"stco", &[1, 50]),
            full(b"stsc", &[1, 1, 3, 1]),
            full(b"stts", &[1, 3, 10]),
        ];
        assert_eq!(samples(&boxes), [(50, 5, 10, 0)]);
    }

    #[test]
    fn samples_where_decoding_can_start_are_known() {
        let boxes = [
            full(b"stsz", &[7, 4]),
            full(b"stco", &[1, 50]),
            full(b"stsc", &[1, 1, 4, 1]),
            full(b"stss", &[2, 1, 3]),
        ];
        let mut table = table(&boxes).unwrap();
        let syncs: Vec<bool> = std::iter::from_fn(|| {
            table.peek()?;
            let is_sync = table.is_sync();
            table.advance();
            Some(is_sync)
        })
        .collect();
        assert_eq!(syncs, [true, false, true, false]);
    }

    #[test]
    fn a_fragmented_file_has_no_tables() {
        assert!(table(&[full(b"stsz", &[0, 0]), full(b"stco", &[0])]).is_none());
    }

    #[test]
    fn a_promise_of_billions_of_samples_ends_with_the_chunks() {
        let boxes = [full(b"stsz", &[1, u32::MAX]), full(b"stco", &[1, 0]), full(b"stsc", &[1, 1, 3, 1])];
        assert_eq!(samples(&boxes).len(), 3);
    }
}
