//! The CRC of tables (ISO/IEC 13818-1 annex A): CRC-32 with the polynomial 0x04C11DB7, not reflected.

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0u32; 256];
    let mut index = 0u32;
    while index < 256 {
        let mut value = index << 24;
        let mut bit = 0;
        while bit < 8 {
            value = (value << 1) ^ if value & 0x8000_0000 != 0 { 0x04c1_1db7 } else { 0 };
            bit += 1;
        }
        table[index as usize] = value;
        index += 1;
    }
    table
}

/// The CRC of `data`; 0 over a section with its CRC behind it.
pub(super) fn crc(data: &[u8]) -> u32 {
    data.iter().fold(u32::MAX, |value, &byte| {
        let index = (value >> 24) as u8 ^ byte;
        (value << 8) ^ TABLE[usize::from(index)]
    })
}

#[cfg(test)]
mod tests {
    use super::crc;

    #[test]
    fn the_check_value_of_the_catalogue_comes_out() {
        assert_eq!(crc(b"123456789"), 0x0376_e6e7);
    }

    #[test]
    fn a_section_with_its_crc_gives_zero() {
        let mut section = b"any section".to_vec();
        section.extend(crc(&section).to_be_bytes());
        assert_eq!(crc(&section), 0);
    }
}
