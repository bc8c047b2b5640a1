//! MPEG audio, layers I to III: the frame header (ISO/IEC 11172-3 §2.4.1.3, ISO/IEC 13818-3 §2.4.2.3).
//!
//! Leaves out the free format, whose frames do not tell their length.

const BYTES_OF_HEADER: usize = 4;

/// kbit/s by index for MPEG-1 layers I, II, III and MPEG-2 layers I, II and III.
const BIT_RATES: [[u16; 14]; 5] = [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// 1, 2 or 3.
    pub layer: u8,
    /// Samples a second and channel.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u8,
    /// Samples of each channel in the frame: 384, 576 or 1152.
    pub samples: u32,
    /// Bytes of the whole frame, its header included.
    pub frame_bytes: usize,
}

impl Header {
    /// Reads the header that `data` starts with; `None` if it does not start with one.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let header = data.first_chunk::<BYTES_OF_HEADER>()?;
        if header[0] != 0xff || header[1] & 0xe0 != 0xe0 {
            return None;
        }
        let (mpeg1, rate_shift) = match (header[1] >> 3) & 3 {
            0 => (false, 2), // MPEG-2.5
            2 => (false, 1), // MPEG-2
            3 => (true, 0),
            _ => return None,
        };
        let layer = match (header[1] >> 1) & 3 {
            1 => 3,
            2 => 2,
            3 => 1,
            _ => return None,
        };
        let table = match (mpeg1, layer) {
            (true, layer) => usize::from(layer) - 1,
            (false, 1) => 3,
            (false, _) => 4,
        };
        let index = usize::from(header[2] >> 4).checked_sub(1)?;
        let bits_per_second = u32::from(*BIT_RATES.get(table)?.get(index)?) * 1000;
        let sample_rate = [44_100, 48_000, 32_000].get(usize::from((header[2] >> 2) & 3))? >> rate_shift;
        let padding = u32::from((header[2] >> 1) & 1);
        let samples = match (layer, mpeg1) {
            (1, _) => 384,
            (3, false) => 576,
            (_, _) => 1152,
        };
        let frame_bytes = if layer == 1 {
            (12 * bits_per_second / sample_rate + padding) * 4
        } else {
            samples / 8 * bits_per_second / sample_rate + padding
        };
        let channels = if header[3] >> 6 == 3 { 1 } else { 2 };
        Some(Self { layer, sample_rate, channels, samples, frame_bytes: usize::try_from(frame_bytes).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_frame_of_lame_reads() {
        let header = Header::parse(&[0xff, 0xfb, 0x90, 0x64]).unwrap();
        assert_eq!((header.layer, header.sample_rate, header.channels), (3, 44_100, 2));
        assert_eq!((header.samples, header.frame_bytes), (1152, 417));
    }

    #[test]
    fn mpeg_2_has_half_the_samples() {
        let header = Header::parse(&[0xff, 0xf3, 0x40, 0xc4]).unwrap();
        assert_eq!((header.sample_rate, header.channels, header.samples), (22_050, 1, 576));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(data: Vec<u8>) {
            let _ = Header::parse(&data);
        }

        #[test]
        fn every_header_tells_a_length(a: u8, b: u8, c: u8) {
            if let Some(header) = Header::parse(&[0xff, a, b, c]) {
                prop_assert!(header.frame_bytes >= 24, "{header:?}");
            }
        }
    }
}
