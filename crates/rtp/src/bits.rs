//! Reads bits, most significant first: AU headers (RFC 3640) and LATM (ISO/IEC 14496-3 §1.7) are not aligned to bytes.

/// A place in bytes, counted in bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    /// Starts at the first bit of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bits read so far.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Bits that are left.
    pub(crate) fn remaining(&self) -> usize {
        8 * self.bytes.len() - self.at
    }

    /// The next `count` bits, at most 32; `None` at the end.
    pub(crate) fn read(&mut self, count: u8) -> Option<u32> {
        debug_assert!(count <= 32);
        if usize::from(count) > self.remaining() {
            return None;
        }
        let mut value = 0;
        for _ in 0..count {
            let byte = *self.bytes.get(self.at / 8)?;
            value = (value << 1) | u32::from((byte >> (7 - self.at % 8)) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// One bit.
    pub(crate) fn flag(&mut self) -> Option<bool> {
        self.read(1).map(|bit| bit == 1)
    }

    /// Passes over `count` bits.
    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        (count <= self.remaining()).then(|| self.at += count)
    }

    /// Appends the next `count` bytes to `out`, whatever bit they start at.
    pub(crate) fn read_bytes(&mut self, count: usize, out: &mut Vec<u8>) -> Option<()> {
        if count.checked_mul(8)? > self.remaining() {
            return None;
        }
        let (first, shift) = (self.at / 8, self.at % 8);
        let bytes = self.bytes.get(first..first + count)?;
        if shift == 0 {
            out.extend_from_slice(bytes);
        } else {
            let following = self.bytes.get(first + 1..=first + count)?;
            out.extend(bytes.iter().zip(following).map(|(a, b)| (a << shift) | (b >> (8 - shift))));
        }
        self.at += 8 * count;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bits_come_most_significant_first() {
        let mut bits = BitReader::new(&[0b1010_0000, 0xff]);
        assert_eq!((bits.flag(), bits.read(2), bits.read(9)), (Some(true), Some(0b01), Some(0b0_0000_1111)));
        assert_eq!((bits.remaining(), bits.read(5), bits.read(4)), (4, None, Some(15)));
    }

    proptest! {
        #[test]
        fn bytes_are_read_from_any_bit(data in prop::collection::vec(any::<u8>(), 2..20), shift in 0u8..8) {
            let mut one_by_one = BitReader::new(&data);
            let mut at_once = one_by_one;
            prop_assert_eq!(one_by_one.read(shift), at_once.read(shift));
            let count = data.len() - 1;
            let mut out = Vec::new();
            at_once.read_bytes(count, &mut out).unwrap();
            let expected: Vec<u8> = (0..count).map(|_| u8::try_from(one_by_one.read(8).unwrap()).unwrap()).collect();
            prop_assert_eq!(out, expected);
            prop_assert_eq!(at_once.position(), one_by_one.position());
        }
    }
}
