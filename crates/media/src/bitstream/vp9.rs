//! VP9: the uncompressed header of a keyframe (VP9 Bitstream & Decoding Process Specification §6.2).
//!
//! Leaves out everything that does not describe the picture. A superframe's first frame is read.

use h264_reader::rbsp::{BitRead, BitReader, BitReaderError};

const FRAME_MARKER: u32 = 2;
const SYNC_CODE: u32 = 0x49_83_42;
const COLOR_SPACE_RGB: u8 = 7;

/// What a keyframe tells of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// 0 to 3.
    pub profile: u8,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// `color_space`: 1 is BT.601, 2 BT.709, 7 RGB.
    pub color_space: u8,
    /// Samples use the full range.
    pub full_range: bool,
    /// `subsampling_x` and `subsampling_y`: both for 4:2:0.
    pub subsampling: (bool, bool),
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

impl Parameters {
    /// Reads the header of a keyframe; `None` for any other frame, and for what is no VP9.
    #[must_use]
    pub fn from_keyframe(data: &[u8]) -> Option<Self> {
        read(&mut BitReader::new(data)).ok().flatten()
    }

    /// The lowest level that allows the picture's size at 30 frames a second, ten times the number (VP9 Levels, annex A): the
    /// stream does not tell its own.
    #[must_use]
    pub fn level(&self) -> u8 {
        const LARGEST_PICTURES: [(u64, u8); 10] = [
            (36_864, 10),
            (73_728, 11),
            (122_880, 20),
            (245_760, 21),
            (552_960, 30),
            (983_040, 31),
            (2_228_224, 40),
            (8_912_896, 50),
            (35_651_584, 60),
            (u64::MAX, 62),
        ];
        let samples = u64::from(self.width) * u64::from(self.height);
        LARGEST_PICTURES.iter().find(|(most, _)| samples <= *most).map_or(62, |&(_, level)| level)
    }

    /// The codec string (VP Codec ISO Media File Format Binding, "Codecs Parameter String"): `vp09.00.31.08`.
    #[must_use]
    pub fn rfc6381(&self) -> String {
        format!("vp09.{:02}.{:02}.{:02}", self.profile, self.level(), self.bit_depth)
    }
}

/// Whether decoding can start at this frame.
#[must_use]
pub fn is_keyframe(data: &[u8]) -> bool {
    Parameters::from_keyframe(data).is_some()
}

fn read(r: &mut impl BitRead) -> Result<Option<Parameters>, BitReaderError> {
    if r.read::<2, u32>("frame_marker")? != FRAME_MARKER {
        return Ok(None);
    }
    let low = u8::from(r.read_bit("profile_low_bit")?);
    let profile = low | (u8::from(r.read_bit("profile_high_bit")?) << 1);
    let reserved = profile == 3 && r.read_bit("reserved_zero")?;
    let show_existing = r.read_bit("show_existing_frame")?;
    if reserved || show_existing || r.read_bit("frame_type")? {
        return Ok(None);
    }
    r.read::<2, u8>("show_frame, error_resilient_mode")?;
    if r.read::<24, u32>("frame_sync_code")? != SYNC_CODE {
        return Ok(None);
    }
    let bit_depth = match profile {
        0 | 1 => 8,
        _ if r.read_bit("ten_or_twelve_bit")? => 12,
        _ => 10,
    };
    let color_space = r.read::<3, u8>("color_space")?;
    let (mut full_range, mut subsampling) = (true, (false, false));
    if color_space == COLOR_SPACE_RGB {
        if profile == 1 || profile == 3 {
            r.read_bit("reserved_zero")?;
        }
    } else {
        full_range = r.read_bit("color_range")?;
        subsampling = (true, true);
        if profile == 1 || profile == 3 {
            subsampling = (r.read_bit("subsampling_x")?, r.read_bit("subsampling_y")?);
            r.read_bit("reserved_zero")?;
        }
    }
    let width = r.read::<16, u32>("frame_width_minus_1")? + 1;
    let height = r.read::<16, u32>("frame_height_minus_1")? + 1;
    Ok(Some(Parameters { profile, bit_depth, color_space, full_range, subsampling, width, height }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_keyframe_of_profile_0_tells_its_size() {
        // marker 10, profile 00, show_existing 0, frame_type 0, show 1, resilient 0; sync code; color_space 010, range 0;
        // 1279, 719.
        let data = [0x82, 0x49, 0x83, 0x42, 0x40, 0x4f, 0xf0, 0x2c, 0xf0];
        let parameters = Parameters::from_keyframe(&data).unwrap();
        assert_eq!((parameters.width, parameters.height), (1280, 720));
        assert_eq!(parameters.rfc6381(), "vp09.00.31.08");
        assert!(!is_keyframe(&[0x86, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(data: Vec<u8>) {
            let _ = Parameters::from_keyframe(&data);
        }
    }
}
