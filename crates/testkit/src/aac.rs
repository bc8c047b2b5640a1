//! AAC: an `AudioSpecificConfig` that parses and frames of noise.

use crate::bits::{BitWriter, pad};

/// `samplingFrequencyIndex` by its value (ISO 14496-3 table 1.18).
const SAMPLE_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// The `AudioSpecificConfig` of AAC-LC with this sample rate (Hz) and channel configuration, two bytes.
///
/// # Panics
/// When the rate has no index: a test asks for one that has.
pub fn config(sample_rate: u32, channels: u8) -> Vec<u8> {
    let index =
        (0..).zip(SAMPLE_RATES).find(|(_, rate)| *rate == sample_rate).expect("a rate of the table").0;
    let mut bits = BitWriter::default();
    bits.u(5, 2); // audioObjectType: AAC LC
    bits.u(4, index);
    bits.u(4, channels.into());
    bits.u(3, 0); // 1024 samples a frame, no core coder, no extension
    bits.into_bytes()
}

/// A raw frame of `size` bytes.
pub fn frame(size: usize) -> Vec<u8> {
    pad(Vec::new(), size, size as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_has_the_bytes_every_encoder_writes() {
        assert_eq!(config(44_100, 2), [0x12, 0x10]);
        assert_eq!(config(48_000, 1), [0x11, 0x88]);
        assert_eq!(config(16_000, 1), [0x14, 0x08]);
    }
}
