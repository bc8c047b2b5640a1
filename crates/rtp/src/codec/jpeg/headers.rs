//! The headers of a picture (ITU-T T.81 §B.2): written from what the packets tell, and read back.

use super::{Sampling, TABLES_BYTES, Tables};

/// Huffman tables of ITU-T T.81 §K.3: class and place, how many codes of each length, their values.
struct HuffmanTable {
    class_and_place: u8,
    counts: [u8; 16],
    values: &'static [u8],
}

const DC_VALUES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

const HUFFMAN_TABLES: [HuffmanTable; 4] = [
    HuffmanTable {
        class_and_place: 0x00,
        counts: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
        values: &DC_VALUES,
    },
    HuffmanTable {
        class_and_place: 0x10,
        counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d],
        values: &[
            0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
            0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0,
            0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
            0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
            0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
            0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
            0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
            0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5,
            0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
            0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
            0xf9, 0xfa,
        ],
    },
    HuffmanTable {
        class_and_place: 0x01,
        counts: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
        values: &DC_VALUES,
    },
    HuffmanTable {
        class_and_place: 0x11,
        counts: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77],
        values: &[
            0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
            0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0,
            0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
            0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
            0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
            0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
            0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5,
            0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
            0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
            0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
            0xf9, 0xfa,
        ],
    },
];

/// Quantization of ITU-T T.81 §K.1 in zigzag order: luma.
const LUMA_STEPS: [u8; 64] = [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40,
    58, 51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103,
    104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
];
/// The same of chroma: its first steps, all others are 99.
const CHROMA_STEPS: [u8; 16] = [17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99];

/// The tables of a `Q` from 1 to 99 (RFC 2435 §4.2).
pub(super) fn tables_of_q(q: u8) -> Tables {
    let q = u32::from(q.clamp(1, 99));
    let percent = if q < 50 { 5000 / q } else { 200 - 2 * q };
    let mut tables = [0; TABLES_BYTES];
    let chroma = CHROMA_STEPS.iter().chain(std::iter::repeat(&99)).take(64);
    for (step, base) in tables.iter_mut().zip(LUMA_STEPS.iter().chain(chroma)) {
        let scaled = (u32::from(*base) * percent + 50) / 100;
        *step = u8::try_from(scaled.clamp(1, 255)).unwrap_or(u8::MAX);
    }
    tables
}

/// What the headers of a picture say, as far as RTP can tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Headers {
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) sampling: Sampling,
    pub(super) tables: Tables,
    /// Blocks between restart markers; 0 for none.
    pub(super) restart_interval: u16,
}

impl Headers {
    /// Appends everything in front of the scan's data.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend([0xff, 0xd8]);
        let (luma, chroma) = self.tables.split_at(64);
        for (place, table) in [(0, luma), (1, chroma)] {
            out.extend([0xff, 0xdb, 0, 67, place]);
            out.extend(table);
        }
        if self.restart_interval > 0 {
            out.extend([0xff, 0xdd, 0, 4]);
            out.extend(self.restart_interval.to_be_bytes());
        }
        out.extend([0xff, 0xc0, 0, 17, 8]);
        out.extend(self.height.to_be_bytes());
        out.extend(self.width.to_be_bytes());
        out.extend([3, 1, self.sampling.luma_factors(), 0, 2, 0x11, 1, 3, 0x11, 1]);
        for table in &HUFFMAN_TABLES {
            let length = u8::try_from(3 + 16 + table.values.len()).unwrap_or(u8::MAX);
            out.extend([0xff, 0xc4, 0, length, table.class_and_place]);
            out.extend(table.counts);
            out.extend(table.values);
        }
        out.extend([0xff, 0xda, 0, 12, 3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]);
    }

    /// Reads a picture's headers; with them, where the scan's data starts. `None` if RTP cannot tell them.
    pub(super) fn read(picture: &[u8]) -> Option<(Self, usize)> {
        let mut rest = picture.strip_prefix(&[0xff, 0xd8])?;
        let mut reading = Reading::default();
        loop {
            let (&marker, after) = rest.strip_prefix(&[0xff])?.split_first()?;
            // Fill bytes may stand before any marker (ITU-T T.81 §B.1.1.2).
            if marker == 0xff {
                rest = rest.get(1..)?;
                continue;
            }
            let length = usize::from(u16::from_be_bytes(*after.first_chunk::<2>()?));
            let segment = after.get(2..length)?;
            rest = after.get(length..)?;
            if marker == 0xda {
                return Some((reading.finish(segment)?, picture.len() - rest.len()));
            }
            reading.segment(marker, segment)?;
        }
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    tables: [Option<[u8; 64]>; 4],
    restart_interval: u16,
    /// Width, height, sampling, places of the quantization tables of luma and chroma.
    frame: Option<(u16, u16, Sampling, usize, usize)>,
}

impl Reading {
    /// Takes a segment; `None` if RTP cannot tell what it says.
    fn segment(&mut self, marker: u8, segment: &[u8]) -> Option<()> {
        match marker {
            0xdb => self.quantization(segment),
            0xdd => {
                self.restart_interval = u16::from_be_bytes(*segment.first_chunk::<2>()?);
                Some(())
            }
            0xc0 => self.frame_header(segment),
            0xc4 => huffman_is_standard(segment).then_some(()),
            // Any other frame header: progressive, lossless, arithmetic; the hierarchy.
            0xc1..=0xcf | 0xd0..=0xda | 0xdc | 0xde | 0xdf => None,
            _ => Some(()),
        }
    }

    fn quantization(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((&precision_and_place, rest)) = segment.split_first() {
            let (table, rest) = rest.split_first_chunk::<64>()?;
            // Precision 1 is 16 bits.
            *self.tables.get_mut(usize::from(precision_and_place))? = Some(*table);
            segment = rest;
        }
        Some(())
    }

    fn frame_header(&mut self, segment: &[u8]) -> Option<()> {
        let &[8, h0, h1, w0, w1, 3, _, luma, luma_table, _, 0x11, chroma_table, _, 0x11, chroma_table_2] =
            segment
        else {
            return None;
        };
        let sampling = match luma {
            0x21 => Sampling::Half,
            0x22 => Sampling::Quarter,
            _ => return None,
        };
        let (width, height) = (u16::from_be_bytes([w0, w1]), u16::from_be_bytes([h0, h1]));
        let tells = width > 0 && height > 0 && chroma_table == chroma_table_2;
        self.frame = Some((width, height, sampling, luma_table.into(), chroma_table.into()));
        tells.then_some(())
    }

    fn finish(&self, scan: &[u8]) -> Option<Headers> {
        // Three components, luma with the first Huffman tables, chroma with the second, everything in one scan.
        let &[3, _, 0x00, _, 0x11, _, 0x11, 0, 63, 0] = scan else { return None };
        let (width, height, sampling, luma, chroma) = self.frame?;
        let mut tables = [0; TABLES_BYTES];
        let (luma_half, chroma_half) = tables.split_at_mut(64);
        luma_half.copy_from_slice(&(*self.tables.get(luma)?)?);
        chroma_half.copy_from_slice(&(*self.tables.get(chroma)?)?);
        Some(Headers { width, height, sampling, tables, restart_interval: self.restart_interval })
    }
}

fn huffman_is_standard(mut segment: &[u8]) -> bool {
    while !segment.is_empty() {
        let standard = HUFFMAN_TABLES.iter().find_map(|table| {
            let rest = segment.strip_prefix(&[table.class_and_place])?;
            rest.strip_prefix(&table.counts[..])?.strip_prefix(table.values)
        });
        let Some(rest) = standard else { return false };
        segment = rest;
    }
    true
}
