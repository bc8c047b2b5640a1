//! MPEG-4 audio: the `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1).
//!
//! Leaves out program config elements: a stream of channel configuration 0 is taken as stereo.

use bytes::Bytes;
use h264_reader::rbsp::{BitRead, BitReader, BitReaderError};
use std::fmt;

/// Largest configuration kept: 2 to 7 bytes are usual, a program config element adds some 60.
pub const MAX_CONFIG_BYTES: usize = 256;

/// `samplingFrequencyIndex` to Hz (ISO/IEC 14496-3 table 1.18).
const SAMPLE_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
/// Audio object types that wrap another one: spectral band replication, and with parametric stereo.
const SBR: u8 = 5;
const PARAMETRIC_STEREO: u8 = 29;

/// Why a configuration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Ends too early.
    #[error("the AAC configuration {0} ends too early")]
    TooShort(String),
    /// Longer than any real one.
    #[error("the AAC configuration has {0} bytes, expected at most {MAX_CONFIG_BYTES}")]
    TooLong(usize),
    /// A reserved value.
    #[error("the AAC configuration has the reserved {field} {value}")]
    Reserved {
        /// The field of the standard.
        field: &'static str,
        /// Its value.
        value: u32,
    },
}

/// An `AudioSpecificConfig`: its bytes, and what a server needs of them.
#[derive(Clone, PartialEq, Eq)]
pub struct AudioSpecificConfig {
    bytes: Bytes,
    object_type: u8,
    sample_rate: u32,
    extension_sample_rate: Option<u32>,
    channels: u8,
    frame_samples: u32,
}

impl AudioSpecificConfig {
    /// Reads a configuration.
    ///
    /// # Errors
    /// If it ends too early, is too long or has a reserved sample rate or channel configuration.
    pub fn parse(bytes: Bytes) -> Result<Self, ConfigError> {
        if bytes.len() > MAX_CONFIG_BYTES {
            return Err(ConfigError::TooLong(bytes.len()));
        }
        Self::read(&bytes, &mut BitReader::new(&bytes[..]))
    }

    fn read(bytes: &Bytes, r: &mut impl BitRead) -> Result<Self, ConfigError> {
        let short = |_: BitReaderError| {
            ConfigError::TooShort(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
        };
        let mut object_type = read_object_type(r).map_err(short)?;
        let sample_rate = read_sample_rate(r).map_err(short)??;
        let channels = match r.read::<4, u8>("channelConfiguration").map_err(short)? {
            0 => 2,
            count @ 1..=6 => count,
            7 => 8,
            other => {
                return Err(ConfigError::Reserved { field: "channelConfiguration", value: u32::from(other) });
            }
        };
        let mut extension_sample_rate = None;
        if object_type == SBR || object_type == PARAMETRIC_STEREO {
            extension_sample_rate = Some(read_sample_rate(r).map_err(short)??);
            object_type = read_object_type(r).map_err(short)?;
        }
        // GASpecificConfig starts with frameLengthFlag; a configuration cut before it means the usual length.
        let short_frames = r.read_bit("frameLengthFlag").unwrap_or(false);
        let frame_samples = if short_frames { 960 } else { 1024 };
        Ok(Self {
            bytes: bytes.clone(),
            object_type,
            sample_rate,
            extension_sample_rate,
            channels,
            frame_samples,
        })
    }

    /// The AAC-LC configuration of `sample_rate` and `channels`.
    ///
    /// # Errors
    /// If no channel configuration of the standard has that many channels.
    pub fn low_complexity(sample_rate: u32, channels: u8) -> Result<Self, ConfigError> {
        const LOW_COMPLEXITY: u64 = 2;
        let configuration = match channels {
            1..=6 => channels,
            8 => 7,
            other => {
                return Err(ConfigError::Reserved { field: "channelConfiguration", value: u32::from(other) });
            }
        };
        // 5 bits type, 4 bits index (15 and 24 bits where the rate has no index), 4 bits channels, 3 flags.
        let (mut bits, mut count) = (LOW_COMPLEXITY, 5);
        let mut put = |value: u64, width: u32| {
            bits = (bits << width) | value;
            count += width;
        };
        match SAMPLE_RATES.iter().position(|&rate| rate == sample_rate) {
            Some(index) => put(index as u64, 4),
            None => {
                put(15, 4);
                put(u64::from(sample_rate) & 0x00ff_ffff, 24);
            }
        }
        put(u64::from(configuration), 4);
        put(0, 3);
        let whole = bits << (64 - count);
        Self::parse(Bytes::copy_from_slice(&whole.to_be_bytes()[..count.div_ceil(8) as usize]))
    }

    /// The bytes as conveyed in SDP's `config` and in containers.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The audio object type of the core: 2 is AAC-LC, 1 Main, 4 LTP, 23 LD, 39 ELD.
    #[must_use]
    pub fn object_type(&self) -> u8 {
        self.object_type
    }

    /// Samples a second of the core coder.
    #[must_use]
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Samples a second after spectral band replication, where it is signalled (HE-AAC).
    #[must_use]
    pub fn extension_sample_rate(&self) -> Option<u32> {
        self.extension_sample_rate
    }

    /// Channels.
    #[must_use]
    pub fn channels(&self) -> u8 {
        self.channels
    }

    /// Samples of the core coder in each frame: 1024, seldom 960.
    #[must_use]
    pub fn frame_samples(&self) -> u32 {
        self.frame_samples
    }

    /// The codec string of RFC 6381: `mp4a.40.2`; HE-AAC is `mp4a.40.5`.
    #[must_use]
    pub fn rfc6381(&self) -> String {
        format!("mp4a.40.{}", if self.extension_sample_rate.is_some() { SBR } else { self.object_type })
    }
}

impl fmt::Debug for AudioSpecificConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} Hz {} ch", self.rfc6381(), self.sample_rate, self.channels)
    }
}

fn read_object_type(r: &mut impl BitRead) -> Result<u8, BitReaderError> {
    match r.read::<5, u8>("audioObjectType")? {
        31 => Ok(32 + r.read::<6, u8>("audioObjectTypeExt")?),
        object_type => Ok(object_type),
    }
}

fn read_sample_rate(r: &mut impl BitRead) -> Result<Result<u32, ConfigError>, BitReaderError> {
    let index = r.read::<4, u8>("samplingFrequencyIndex")?;
    let rate = match index {
        15 => Some(r.read::<24, u32>("samplingFrequency")?).filter(|&rate| rate > 0),
        _ => SAMPLE_RATES.get(usize::from(index)).copied(),
    };
    Ok(rate.ok_or(ConfigError::Reserved { field: "samplingFrequencyIndex", value: u32::from(index) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(bytes: &'static [u8]) -> Result<AudioSpecificConfig, ConfigError> {
        AudioSpecificConfig::parse(Bytes::from_static(bytes))
    }

    #[test]
    fn a_low_complexity_configuration_of_a_camera_reads() {
        let config = parse(&[0x14, 0x08]).unwrap();
        assert_eq!(
            (config.sample_rate(), config.channels(), config.rfc6381().as_str()),
            (16_000, 1, "mp4a.40.2")
        );
    }

    #[test]
    fn spectral_band_replication_tells_both_rates() {
        let config = parse(&[0x2b, 0x11, 0x88, 0x00]).unwrap();
        assert_eq!((config.sample_rate(), config.extension_sample_rate()), (24_000, Some(48_000)));
        assert_eq!((config.object_type(), config.rfc6381().as_str()), (2, "mp4a.40.5"));
    }

    #[test]
    fn a_cut_configuration_is_quoted() {
        assert_eq!(parse(&[0x14]).unwrap_err().to_string(), "the AAC configuration 14 ends too early");
    }

    proptest! {
        #[test]
        fn a_built_configuration_reads_back(rate in prop::sample::select(vec![8_000u32, 16_000, 44_100, 48_000, 37_000]), channels in 1u8..=6) {
            let config = AudioSpecificConfig::low_complexity(rate, channels).unwrap();
            prop_assert_eq!((config.sample_rate(), config.channels(), config.object_type()), (rate, channels, 2));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = AudioSpecificConfig::parse(bytes.into());
        }
    }
}
