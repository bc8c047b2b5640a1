//! The index of a superframe (VP9 Bitstream & Decoding Process Specification, annex B).

/// `superframe_header`: three bits of marker.
const MARKER: u8 = 0xc0;

/// Appends the index of frames that end at `ends`, at most 8 of them.
pub(super) fn put_index(ends: &[usize], picture: &mut Vec<u8>) {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let sizes: Vec<usize> = ends.iter().zip(starts).map(|(end, start)| end - start).collect();
    let largest = sizes.iter().copied().max().unwrap_or(0);
    // Bytes of each size, 1 to 4: pictures are bounded by far less than 4 GiB.
    let size_bytes = (1..=4).find(|bytes| largest < 1 << (8 * bytes)).unwrap_or(4);
    let field = |value: usize| u8::try_from(value.saturating_sub(1)).unwrap_or(0);
    let header = MARKER | (field(size_bytes) << 3) | field(sizes.len());
    picture.push(header);
    for size in sizes {
        picture.extend(size.to_le_bytes().into_iter().take(size_bytes));
    }
    picture.push(header);
}

#[cfg(test)]
mod tests {
    use super::put_index;

    #[test]
    fn sizes_take_as_few_bytes_as_the_largest_needs() {
        let mut picture = vec![7; 300];
        put_index(&[40, 300], &mut picture);
        assert_eq!(picture[300..], [0xc9, 40, 0, 4, 1, 0xc9]);
        let mut picture = vec![7; 9];
        put_index(&[4, 6, 9], &mut picture);
        assert_eq!(picture[9..], [0xc2, 4, 2, 3, 0xc2]);
    }
}
