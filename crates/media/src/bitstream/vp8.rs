//! VP8: the uncompressed data chunk at the start of a frame (RFC 6386 §9.1).
//!
//! Leaves out everything behind the size of the picture.

/// Bytes of the frame tag, which every frame starts with.
const TAG_BYTES: usize = 3;
/// What follows the tag of a keyframe.
const START_CODE: [u8; 3] = [0x9d, 0x01, 0x2a];
/// The size field's upper two bits say how a player may scale the picture.
const SIZE_MASK: u16 = 0x3fff;

/// What a keyframe tells of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// `version`: 0 to 3, which loop filter and interpolation there are; the profile of other standards.
    pub profile: u8,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

impl Parameters {
    /// Reads the start of a keyframe; `None` for any other frame, and for what is no VP8.
    #[must_use]
    pub fn from_keyframe(data: &[u8]) -> Option<Self> {
        let (tag, rest) = data.split_first_chunk::<TAG_BYTES>()?;
        // The lowest bit is 0 for keyframes, the next three are the version.
        let profile = (tag[0] >> 1) & 7;
        let (sides, _) = rest.strip_prefix(&START_CODE)?.split_first_chunk::<4>()?;
        let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & SIZE_MASK);
        let (width, height) = (side(sides[0], sides[1]), side(sides[2], sides[3]));
        let is_key = tag[0] & 1 == 0 && profile <= 3 && width > 0 && height > 0;
        is_key.then_some(Self { profile, width, height })
    }

    /// The codec string (VP Codec ISO Media File Format Binding, "Codecs Parameter String"): `vp08.00.10.08`. VP8 has no
    /// levels, but the string has: the lowest one stands there.
    #[must_use]
    pub fn rfc6381(&self) -> String {
        format!("vp08.{:02}.10.08", self.profile)
    }
}

/// Whether decoding can start at this frame.
#[must_use]
pub fn is_keyframe(data: &[u8]) -> bool {
    Parameters::from_keyframe(data).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_keyframe_tells_its_size_without_the_scaling() {
        let data = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0xe0, 0x01, 0x00];
        let parameters = Parameters::from_keyframe(&data).unwrap();
        assert_eq!(parameters, Parameters { profile: 0, width: 640, height: 480 });
        assert_eq!(parameters.rfc6381(), "vp08.00.10.08");
    }

    #[test]
    fn frames_that_refer_to_others_are_no_keyframes() {
        assert!(!is_keyframe(&[0x31, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01]));
        assert!(!is_keyframe(&[0x10, 0x02, 0x00, 0x9d, 0x01, 0x2b, 0x80, 0x02, 0xe0, 0x01]));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(data: Vec<u8>) {
            let _ = Parameters::from_keyframe(&data);
            let _ = Parameters::from_keyframe(&[&[0, 0, 0, 0x9d, 1, 0x2a], &data[..]].concat());
        }
    }
}
