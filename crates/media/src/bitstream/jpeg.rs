//! JPEG: the size in the frame header (ITU-T T.81 §B.2.2).

/// Width and height in pixels of the picture, from its frame header; `None` if there is none, or the height comes later (DNL).
#[must_use]
pub fn dimensions(data: &[u8]) -> Option<(u32, u32)> {
    let mut rest = data.strip_prefix(&[0xff, 0xd8])?;
    loop {
        // Fill bytes may stand before any marker (§B.1.1.2).
        let (&marker, after) = rest.strip_prefix(&[0xff])?.split_first()?;
        rest = match marker {
            0xff => rest.get(1..)?,
            // RST, TEM: no length.
            0xd0..=0xd7 | 0x01 => after,
            // The picture's data, or its end, before any frame header.
            0xd9 | 0xda => return None,
            // SOF0 to SOF15 without DHT, JPG and DAC.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let fields = after.get(3..7)?;
                let height = u32::from(u16::from_be_bytes([*fields.first()?, *fields.get(1)?]));
                let width = u32::from(u16::from_be_bytes([*fields.get(2)?, *fields.get(3)?]));
                return (width > 0 && height > 0).then_some((width, height));
            }
            _ => {
                let length = u16::from_be_bytes(*after.first_chunk::<2>()?);
                after.get(usize::from(length.max(2))..)?
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_size_stands_behind_other_segments() {
        let data = [
            0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc0, 0, 11, 8, 0x02, 0xd0, 0x05, 0x00, 1, 1,
            0x11, 0,
        ];
        assert_eq!(dimensions(&data), Some((1280, 720)));
        assert_eq!(dimensions(&data[..14]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(data: Vec<u8>) {
            let _ = dimensions(&data);
            let _ = dimensions(&[&[0xff, 0xd8, 0xff], &data[..]].concat());
        }
    }
}
