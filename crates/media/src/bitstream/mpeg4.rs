//! MPEG-4 part 2 video: the headers in front of the pictures (ISO/IEC 14496-2 §6.2.2 to §6.2.5).
//!
//! Leaves out scalable and shaped objects, whose layers tell no size here, and everything inside a picture but its type.

use bytes::Bytes;
use h264_reader::rbsp::{BitRead, BitReader, BitReaderError};

/// Largest decoder configuration kept: 30 to 60 bytes are usual, user data names an encoder.
pub const MAX_CONFIGURATION_BYTES: usize = 1024;

/// `visual_object_sequence_start_code`.
const SEQUENCE: u8 = 0xb0;
/// `group_of_vop_start_code`.
const GROUP: u8 = 0xb3;
/// `vop_start_code`.
const PICTURE: u8 = 0xb6;
/// `video_object_layer_shape` of pictures without a mask.
const RECTANGULAR: u32 = 0;

/// A decoder configuration: the headers up to the first picture, as they stand in the stream and in other places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    bytes: Bytes,
    profile_level: u8,
    layer: Layer,
}

/// What a `VideoObjectLayer()` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layer {
    width: u32,
    height: u32,
    /// `low_delay` is told to be 0.
    reorders: bool,
}

impl Configuration {
    /// Reads the headers that `data` starts with: a picture may follow. `None` if no layer of rectangular pictures is
    /// described in them.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let end = starts(data).find(|&(_, code)| code == GROUP || code == PICTURE);
        let headers = data.get(..end.map_or(data.len(), |(at, _)| at))?;
        if headers.len() > MAX_CONFIGURATION_BYTES {
            return None;
        }
        // What a description leaves out is the Simple profile, level 1 (RFC 6416 §7.1).
        let mut profile_level = 1;
        let mut found = None;
        for (at, code) in starts(headers) {
            let body = headers.get(at + 4..).unwrap_or_default();
            match code {
                SEQUENCE => profile_level = body.first().copied().unwrap_or(profile_level),
                0x20..=0x2f => found = layer(&mut BitReader::new(body)).ok().flatten(),
                _ => {}
            }
        }
        let layer = found.filter(|layer| layer.width > 0 && layer.height > 0)?;
        Some(Self { bytes: Bytes::copy_from_slice(headers), profile_level, layer })
    }

    /// The headers with their start codes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// `profile_and_level_indication` (ISO/IEC 14496-2 annex G): 1 is Simple level 1, 245 Advanced Simple level 5.
    #[must_use]
    pub fn profile_level(&self) -> u8 {
        self.profile_level
    }

    /// Pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.layer.width
    }

    /// Pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.layer.height
    }

    /// The stream says that pictures may be shown later than others sent after them (B-VOPs): by one picture at most.
    #[must_use]
    pub fn reorders(&self) -> bool {
        self.layer.reorders
    }

    /// The codec string (RFC 6381 §3.3): object type 0x20, then the profile and level.
    #[must_use]
    pub fn rfc6381(&self) -> String {
        format!("mp4v.20.{}", self.profile_level)
    }
}

/// Whether decoding can start at this access unit: its first picture refers to no other (`vop_coding_type` 0).
#[must_use]
pub fn is_keyframe(data: &[u8]) -> bool {
    let picture = starts(data).find(|&(_, code)| code == PICTURE);
    picture.and_then(|(at, _)| data.get(at + 4)).is_some_and(|byte| byte >> 6 == 0)
}

/// Whether there is a picture in it, not headers alone.
#[must_use]
pub fn has_picture(data: &[u8]) -> bool {
    starts(data).any(|(_, code)| code == PICTURE)
}

/// Where start codes stand, and what follows them.
fn starts(data: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    let codes = data.windows(4).enumerate();
    codes.filter(|(_, window)| window.starts_with(&[0, 0, 1])).map(|(at, window)| (at, window[3]))
}

/// Reads a `VideoObjectLayer()` (ISO/IEC 14496-2 §6.2.3); `None` if it is not rectangular.
fn layer(r: &mut impl BitRead) -> Result<Option<Layer>, BitReaderError> {
    const EXTENDED_ASPECT: u8 = 15;
    r.skip(9, "random_accessible_vol, video_object_type_indication")?;
    if r.read_bit("is_object_layer_identifier")? {
        r.skip(7, "video_object_layer_verid, video_object_layer_priority")?;
    }
    if r.read::<4, u8>("aspect_ratio_info")? == EXTENDED_ASPECT {
        r.skip(16, "par_width, par_height")?;
    }
    let mut reorders = false;
    if r.read_bit("vol_control_parameters")? {
        r.skip(2, "chroma_format")?;
        reorders = !r.read_bit("low_delay")?;
        if r.read_bit("vbv_parameters")? {
            r.skip(79, "bit rate, buffer size and occupancy, with markers")?;
        }
    }
    if r.read::<2, u32>("video_object_layer_shape")? != RECTANGULAR {
        return Ok(None);
    }
    r.skip(1, "marker_bit")?;
    let resolution = r.read::<16, u32>("vop_time_increment_resolution")?;
    r.skip(1, "marker_bit")?;
    if r.read_bit("fixed_vop_rate")? {
        // As many bits as the numbers below the resolution take, at least one.
        let bits = u32::BITS - resolution.saturating_sub(1).leading_zeros();
        r.skip(bits.max(1), "fixed_vop_time_increment")?;
    }
    r.skip(1, "marker_bit")?;
    let width = r.read::<13, u32>("video_object_layer_width")?;
    r.skip(1, "marker_bit")?;
    let height = r.read::<13, u32>("video_object_layer_height")?;
    Ok(Some(Layer { width, height, reorders }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As an encoder for 640x480 at 25 pictures a second writes it: Simple level 1.
    const HEADERS: [u8; 28] = [
        0, 0, 1, 0xb0, 1, 0, 0, 1, 0xb5, 0x89, 0x13, 0, 0, 1, 0, 0, 0, 1, 0x20, 0, 0xc4, 0x8d, 0x88, 0, 0xcd,
        0x14, 0x04, 0x3c,
    ];

    #[test]
    fn headers_tell_size_profile_and_end() {
        let stream = [&HEADERS[..], &[0x14, 0x43, 0, 0, 1, 0xb6, 0x10, 0x60]].concat();
        let configuration = Configuration::parse(&stream).unwrap();
        assert_eq!((configuration.width(), configuration.height()), (640, 480));
        assert_eq!(configuration.bytes().len(), 30);
        assert_eq!(configuration.rfc6381(), "mp4v.20.1");
        assert!(!configuration.reorders());
        assert!(is_keyframe(&stream));
        assert!(!is_keyframe(&[0, 0, 1, 0xb6, 0x50, 0x60]));
        assert!(!has_picture(&HEADERS));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(data: Vec<u8>) {
            let _ = (Configuration::parse(&data), is_keyframe(&data));
            let _ = Configuration::parse(&[&[0, 0, 1, 0x20], &data[..]].concat());
        }
    }
}
