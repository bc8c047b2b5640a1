//! Reading header extensions (RFC 8285 §4).

/// The data of extension `number` of an RTP packet, in the form with one byte in front or in that with two.
pub(super) fn find(packet: &[u8], number: u8) -> Option<&[u8]> {
    let (&first, _) = packet.split_first()?;
    if first & 0x10 == 0 {
        return None;
    }
    let (&[a, b, l0, l1], rest) =
        packet.get(12 + 4 * usize::from(first & 0x0f)..)?.split_first_chunk::<4>()?;
    let mut rest = rest.get(..4 * usize::from(u16::from_be_bytes([l0, l1])))?;
    let is_short = (a, b) == (0xbe, 0xde);
    if !is_short && (a, b & 0xf0) != (0x10, 0) {
        return None;
    }
    loop {
        let (&head, after) = rest.split_first()?;
        if head == 0 {
            // Padding.
            rest = after;
            continue;
        }
        let (of, length, data) = if is_short {
            (head >> 4, usize::from(head & 0x0f) + 1, after)
        } else {
            let (&length, data) = after.split_first()?;
            (head, usize::from(length), data)
        };
        // 15 ends them in the short form (RFC 8285 §4.2).
        if is_short && of == 15 {
            return None;
        }
        let (data, after) = data.split_at_checked(length)?;
        if of == number {
            return Some(data);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    fn check(profile: [u8; 2], extensions: &[u8], number: u8, expected: Option<&[u8]>) {
        let mut packet = vec![0x91, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 9];
        packet.extend(profile);
        packet.extend(u16::try_from(extensions.len() / 4).unwrap().to_be_bytes());
        packet.extend(extensions);
        assert_eq!(find(&packet, number), expected);
    }

    #[test]
    fn both_forms_are_read_behind_padding_and_others() {
        check([0xbe, 0xde], &[0x10, 7, 0, 0x21, 8, 9, 0, 0], 2, Some(&[8, 9]));
        check([0xbe, 0xde], &[0x10, 7, 0, 0x21, 8, 9, 0, 0], 1, Some(&[7]));
        check([0xbe, 0xde], &[0xf0, 7, 0x21, 8], 2, None);
        check([0x10, 0x00], &[1, 0, 0, 2, 2, 8, 9, 0], 2, Some(&[8, 9]));
        check([0xbe, 0xde], &[0x2f, 8, 9, 0], 2, None);
        check([1, 2], &[0x21, 8, 9, 0], 2, None);
        assert_eq!(find(&[0x80, 96], 1), None);
        assert_eq!(find(&[], 1), None);
    }
}
