//! FLAC: the `STREAMINFO` metadata block (RFC 9639 §8.2).

use bytes::Bytes;

/// Bytes of the block without its header.
pub const STREAM_INFO_BYTES: usize = 34;

/// A `STREAMINFO` block: its bytes, and what a server needs of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    bytes: Bytes,
    sample_rate: u32,
    channels: u8,
    bits_per_sample: u8,
    max_block_samples: u16,
}

impl StreamInfo {
    /// Reads a block of [`STREAM_INFO_BYTES`], without the metadata block's header; `None` if it is shorter or has no sample rate.
    #[must_use]
    pub fn parse(bytes: &Bytes) -> Option<Self> {
        let bytes = bytes.get(..STREAM_INFO_BYTES).map(|block| bytes.slice_ref(block))?;
        let max_block_samples = u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?);
        // 20 bits sample rate, 3 bits channels less one, 5 bits sample size less one, 36 bits of the number of samples.
        let packed = u64::from_be_bytes(bytes.get(10..18)?.try_into().ok()?);
        let sample_rate = u32::try_from(packed >> 44).ok().filter(|&rate| rate > 0)?;
        let channels = u8::try_from((packed >> 41) & 7).ok()? + 1;
        let bits_per_sample = u8::try_from((packed >> 36) & 31).ok()? + 1;
        Some(Self { bytes, sample_rate, channels, bits_per_sample, max_block_samples })
    }

    /// The block, without the metadata block's header.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Samples a second and channel.
    #[must_use]
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Channels: 1 to 8.
    #[must_use]
    pub fn channels(&self) -> u8 {
        self.channels
    }

    /// Bits of a sample: 4 to 32.
    #[must_use]
    pub fn bits_per_sample(&self) -> u8 {
        self.bits_per_sample
    }

    /// Samples of each channel in a frame, at most.
    #[must_use]
    pub fn max_block_samples(&self) -> u16 {
        self.max_block_samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_the_standard_reads() {
        // RFC 9639 appendix D.1: 44100 Hz, stereo, 16 bits, blocks of 4096.
        let mut block =
            vec![0x10, 0x00, 0x10, 0x00, 0, 0, 0x0f, 0, 0, 0x0f, 0x0a, 0xc4, 0x42, 0xf0, 0, 0, 0, 1];
        block.resize(STREAM_INFO_BYTES, 0);
        let info = StreamInfo::parse(&block.into()).unwrap();
        assert_eq!((info.sample_rate(), info.channels(), info.bits_per_sample()), (44_100, 2, 16));
        assert_eq!(info.max_block_samples(), 4096);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = StreamInfo::parse(&bytes.into());
        }
    }
}
