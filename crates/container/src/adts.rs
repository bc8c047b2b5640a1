//! ADTS: raw AAC access units behind headers of 7 bytes (ISO/IEC 14496-3 §1.A.2.2, ISO/IEC 13818-7 §6.2).
//!
//! Leaves out CRCs when writing (they are passed over when reading) and frames of several raw data blocks, whose lengths only
//! a decoder finds.

use crate::splitter::{FrameHeader, Splitter};
use bytes::Bytes;
use yeoul_media::bitstream::aac::AudioSpecificConfig;

/// Bytes of a header without CRC.
pub const HEADER_BYTES: usize = 7;
/// Largest frame with its header: `aac_frame_length` has 13 bits.
pub const MAX_FRAME_BYTES: usize = (1 << 13) - 1;

/// Samples of each channel in an access unit.
pub const FRAME_SAMPLES: u32 = 1024;

/// Sample rates by `sampling_frequency_index` (ISO/IEC 14496-3 table 1.18).
const SAMPLE_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// What a header tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Audio object type: 1 Main, 2 Low Complexity, 3 SSR, 4 LTP.
    pub object_type: u8,
    sample_rate_index: u8,
    /// `channel_configuration`; 0 means that the frame says it itself.
    pub channel_configuration: u8,
    /// Bytes of the header, a CRC included: 7 or 9.
    pub header_bytes: usize,
    /// Bytes of the whole frame, the header included.
    pub frame_bytes: usize,
    /// Access units in the frame: 1 to 4.
    pub raw_data_blocks: u8,
}

impl Header {
    /// The header in front of raw access units of `config`, without a length; `None` if ADTS cannot tell this configuration:
    /// object types beyond 4 (low delay), sample rates without an index, frames of 960 samples.
    #[must_use]
    pub fn of(config: &AudioSpecificConfig) -> Option<Self> {
        let rate = SAMPLE_RATES.iter().position(|&rate| rate == config.sample_rate())?;
        let channel_configuration = match config.channels() {
            count @ 1..=6 => count,
            8 => 7,
            _ => return None,
        };
        let usual = (1..=4).contains(&config.object_type()) && config.frame_samples() == FRAME_SAMPLES;
        usual.then_some(Self {
            object_type: config.object_type(),
            sample_rate_index: u8::try_from(rate).ok()?,
            channel_configuration,
            header_bytes: HEADER_BYTES,
            frame_bytes: HEADER_BYTES,
            raw_data_blocks: 1,
        })
    }

    /// Reads the header that `data` starts with; `None` if it does not start with one, or with only a part of it.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let &[sync, flags, b2, b3, b4, b5, b6] = data.first_chunk::<HEADER_BYTES>()?;
        // 12 bits of ones; the layer is always 0, which tells it from MPEG audio.
        if sync != 0xff || flags & 0xf6 != 0xf0 {
            return None;
        }
        let header = Self {
            object_type: (b2 >> 6) + 1,
            sample_rate_index: (b2 >> 2) & 0x0f,
            channel_configuration: ((b2 & 1) << 2) | (b3 >> 6),
            header_bytes: if flags & 1 == 0 { HEADER_BYTES + 2 } else { HEADER_BYTES },
            frame_bytes: (usize::from(b3 & 3) << 11) | (usize::from(b4) << 3) | usize::from(b5 >> 5),
            raw_data_blocks: (b6 & 3) + 1,
        };
        let sane = usize::from(header.sample_rate_index) < SAMPLE_RATES.len()
            && header.frame_bytes > header.header_bytes;
        sane.then_some(header)
    }

    /// The 7 bytes in front of an access unit of `access_unit_bytes`; `None` if it is too long for 13 bits.
    #[must_use]
    pub fn write(&self, access_unit_bytes: usize) -> Option<[u8; HEADER_BYTES]> {
        let frame_bytes = access_unit_bytes + HEADER_BYTES;
        if frame_bytes > MAX_FRAME_BYTES {
            return None;
        }
        // 13 bits of length, then the buffer fullness of a variable bit rate: all ones.
        let [_, high, middle, low] = ((u32::try_from(frame_bytes).ok()? << 5) | 0x1f).to_be_bytes();
        Some([
            0xff,
            0xf1,
            ((self.object_type - 1) << 6) | (self.sample_rate_index << 2) | (self.channel_configuration >> 2),
            ((self.channel_configuration & 3) << 6) | high,
            middle,
            low,
            0xfc,
        ])
    }

    /// Samples a second of the core coder.
    #[must_use]
    pub fn sample_rate(&self) -> u32 {
        SAMPLE_RATES.get(usize::from(self.sample_rate_index)).copied().unwrap_or(0)
    }

    /// The configuration that a raw access unit needs; `None` if the header has a reserved value.
    #[must_use]
    pub fn config(&self) -> Option<AudioSpecificConfig> {
        let bits = (u16::from(self.object_type) << 11)
            | (u16::from(self.sample_rate_index) << 7)
            | (u16::from(self.channel_configuration) << 3);
        AudioSpecificConfig::parse(Bytes::copy_from_slice(&bits.to_be_bytes())).ok()
    }

    /// Same configuration, whatever the lengths.
    #[must_use]
    pub fn same_config(&self, other: &Self) -> bool {
        (self.object_type, self.sample_rate_index, self.channel_configuration)
            == (other.object_type, other.sample_rate_index, other.channel_configuration)
    }
}

impl FrameHeader for Header {
    const BYTES: usize = HEADER_BYTES;
    const MAX_FRAME_BYTES: usize = MAX_FRAME_BYTES;

    fn parse(data: &[u8]) -> Option<Self> {
        Self::parse(data)
    }

    fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }
}

/// One raw access unit out of a stream of ADTS.
#[derive(Clone, Debug)]
pub struct AccessUnit {
    /// Its header.
    pub header: Header,
    /// The raw access unit, as in a frame.
    pub data: Bytes,
}

/// Reads a stream of ADTS frames in pieces of any size. Bytes that are no frames are passed over, and frames of several raw data
/// blocks, which cannot be cut.
#[derive(Debug)]
pub struct Reader {
    splitter: Splitter,
}

impl Default for Reader {
    fn default() -> Self {
        Self { splitter: Splitter::aligned() }
    }
}

impl Reader {
    /// The next bytes.
    pub fn push(&mut self, data: &[u8]) {
        self.splitter.push(data);
    }

    /// The next access unit. Call it until `None` after each push: what is not taken stays in memory.
    pub fn pull(&mut self) -> Option<AccessUnit> {
        loop {
            let (header, frame) = self.splitter.pull::<Header>()?;
            if header.raw_data_blocks == 1 {
                return Some(AccessUnit { header, data: frame.slice(header.header_bytes..) });
            }
        }
    }

    /// Bytes that wait for the rest of their frame: at most [`MAX_FRAME_BYTES`] after everything was pulled.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.splitter.waiting_bytes()
    }

    /// Bytes passed over because they are no frames: a stream of something else has many and gives nothing.
    #[must_use]
    pub fn passed_over(&self) -> u64 {
        self.splitter.passed_over()
    }

    /// Something is missing before the next bytes.
    pub(crate) fn reset(&mut self) {
        self.splitter.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::pieces;
    use proptest::prelude::*;

    fn config(rate: u32, channels: u8) -> AudioSpecificConfig {
        AudioSpecificConfig::low_complexity(rate, channels).unwrap()
    }

    fn read(stream: &[u8], seed: u64) -> Vec<Bytes> {
        let (mut reader, mut units) = (Reader::default(), Vec::new());
        for piece in pieces(stream, seed) {
            reader.push(piece);
            units.extend(std::iter::from_fn(|| reader.pull()).map(|unit| unit.data));
            assert!(reader.waiting_bytes() <= MAX_FRAME_BYTES);
        }
        units
    }

    fn write(units: &[Vec<u8>]) -> Vec<u8> {
        let header = Header::of(&config(48_000, 2)).unwrap();
        units.iter().flat_map(|unit| [&header.write(unit.len()).unwrap()[..], unit].concat()).collect()
    }

    #[test]
    fn a_header_has_the_bytes_every_encoder_writes() {
        let header = Header::of(&config(44_100, 2)).unwrap();
        assert_eq!(header.write(371).unwrap(), [0xff, 0xf1, 0x50, 0x80, 0x2f, 0x5f, 0xfc]);
        assert_eq!(header.write(8185), None);
    }

    #[test]
    fn a_checksum_is_passed_over() {
        let mut frame = Header::of(&config(44_100, 2)).unwrap().write(6).unwrap().to_vec();
        frame[1] = 0xf0;
        frame.extend_from_slice(b"CRunit");
        assert_eq!(read(&frame, 1), [&b"unit"[..]]);
    }

    #[test]
    fn frames_of_several_blocks_are_passed_over() {
        let mut stream = write(&[b"two blocks".to_vec(), b"one".to_vec()]);
        stream[6] |= 1;
        assert_eq!(read(&stream, 1), [&b"one"[..]]);
    }

    #[test]
    fn low_delay_and_odd_rates_have_no_header() {
        assert_eq!(Header::of(&config(37_000, 2)), None);
        assert!(Header::of(&config(96_000, 8)).is_some());
    }

    proptest! {
        #[test]
        fn a_header_reads_back(rate in prop::sample::select(SAMPLE_RATES.to_vec()), channels in prop::sample::select(vec![1u8, 2, 3, 4, 5, 6, 8]), length in 1usize..8184) {
            let config = config(rate, channels);
            let header = Header::of(&config).unwrap();
            let read = Header::parse(&header.write(length).unwrap()).unwrap();
            prop_assert_eq!((read.frame_bytes, read.header_bytes, read.sample_rate()), (length + 7, 7, rate));
            prop_assert!(read.same_config(&header));
            prop_assert_eq!(read.config().unwrap(), config);
        }

        #[test]
        fn access_units_come_back_as_they_went_in(units in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..2000), 0..20), seed: u64) {
            prop_assert_eq!(read(&write(&units), seed), units);
        }

        #[test]
        fn noise_in_front_and_between_costs_no_more_than_its_neighbours(units in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 6), noise in prop::collection::vec(0u8..0xff, 1..300), seed: u64) {
            let (front, behind) = units.split_at(3);
            let got = read(&[&noise[..], &write(front), &noise, &write(behind)].concat(), seed);
            prop_assert!(got.iter().filter(|unit| units.iter().any(|sent| sent == *unit)).count() >= 4);
        }

        #[test]
        fn no_bytes_panic(data: Vec<u8>, seed: u64) {
            let _ = read(&data, seed);
        }
    }
}
