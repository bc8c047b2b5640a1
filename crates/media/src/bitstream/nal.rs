//! NAL units in their two byte forms: behind 4-byte lengths (inside Yeoul) and behind start codes (Annex B of H.264 and
//! H.265, in files and some protocols).

use bytes::{BufMut, Bytes, BytesMut};

/// Bytes of the length in front of each NAL unit inside a [`crate::Frame`].
pub const LENGTH_SIZE_BYTES: usize = 4;

/// The NAL units of `data`, each behind its length in 4 bytes. Stops at the first length that does not fit.
pub fn length_prefixed(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = data.split_first_chunk::<LENGTH_SIZE_BYTES>()?;
        let (unit, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        data = rest;
        Some(unit)
    })
}

/// As [`length_prefixed`], sharing the bytes instead of borrowing them.
pub fn length_prefixed_shared(data: &Bytes) -> impl Iterator<Item = Bytes> {
    length_prefixed(data).map(|unit| data.slice_ref(unit))
}

/// Appends `unit` behind its length in 4 bytes.
///
/// # Panics
/// If `unit` is longer than 4 GiB, which no caller's limits allow.
pub fn put_length_prefixed(out: &mut BytesMut, unit: &[u8]) {
    out.put_u32(u32::try_from(unit.len()).expect("a NAL unit is bounded far below 4 GiB"));
    out.put_slice(unit);
}

/// The NAL units of an Annex B byte stream, start codes and trailing zeros left out, empty units skipped.
pub fn annex_b(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = start_code(data).map(|(_, after)| after);
    std::iter::from_fn(move || {
        loop {
            let unit_and_more = rest?;
            let (unit, after) = match start_code(unit_and_more) {
                Some((before, after)) => (before, Some(after)),
                None => (unit_and_more, None),
            };
            rest = after;
            let end = unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            if end > 0 {
                return unit.get(..end);
            }
        }
    })
}

/// What stands before and after the first `00 00 01`. Looks at every third byte where it can: most bytes are above 1.
fn start_code(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 2;
    loop {
        match *data.get(at)? {
            0 => at += 1,
            1 if data.get(at - 2..at) == Some(&[0, 0]) => {
                return Some((data.get(..at - 2)?, data.get(at + 1..)?));
            }
            _ => at += 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn annex_b_units_are_cut_at_both_start_codes() {
        let units: Vec<_> =
            annex_b(&[9, 0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 0, 0, 1, 0x65]).collect();
        assert_eq!(units, [&[0x67, 1][..], &[0x68, 2], &[0x65]]);
    }

    #[test]
    fn a_length_beyond_the_end_stops_the_reading() {
        assert_eq!(length_prefixed(&[0, 0, 0, 1, 7, 0, 0, 0, 9, 1]).collect::<Vec<_>>(), [&[7u8][..]]);
    }

    proptest! {
        #[test]
        fn units_come_back_as_they_went_in(units: Vec<Vec<u8>>) {
            let mut out = BytesMut::new();
            for unit in &units {
                put_length_prefixed(&mut out, unit);
            }
            let out = out.freeze();
            prop_assert_eq!(&length_prefixed(&out).map(<[u8]>::to_vec).collect::<Vec<_>>(), &units);
            prop_assert_eq!(length_prefixed_shared(&out).map(|unit| unit.to_vec()).collect::<Vec<_>>(), units);
        }

        #[test]
        fn start_codes_are_found_wherever_they_are(data in prop::collection::vec(0u8..3, 0..40)) {
            let at = data.windows(3).position(|three| three == [0, 0, 1]);
            prop_assert_eq!(start_code(&data), at.map(|at| (&data[..at], &data[at + 3..])));
        }

        #[test]
        fn no_bytes_panic(data: Vec<u8>) {
            let _ = (annex_b(&data).count(), length_prefixed(&data).count());
        }
    }
}
