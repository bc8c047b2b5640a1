//! A bit writer for parameter sets: fixed-length and Exp-Golomb fields, RBSP trailing bits, emulation prevention.

/// Writes bits, most significant first.
#[derive(Debug, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits used in the last byte, 0 to 7; 0 means that the last byte is full.
    used: u32,
}

impl BitWriter {
    /// The low `count` bits of `value`.
    pub(crate) fn u(&mut self, count: u32, value: u32) {
        for shift in (0..count).rev() {
            if self.used == 0 {
                self.bytes.push(0);
            }
            let bit = (value >> shift) & 1;
            if let Some(last) = self.bytes.last_mut()
                && bit == 1
            {
                *last |= 0x80 >> self.used;
            }
            self.used = (self.used + 1) % 8;
        }
    }

    /// Exp-Golomb, unsigned (H.264 §9.1); a signed 0 is written the same.
    pub(crate) fn ue(&mut self, value: u32) {
        let code = value + 1;
        let len = 32 - code.leading_zeros();
        self.u(len - 1, 0);
        self.u(len, code);
    }

    /// Several Exp-Golomb fields in a row.
    pub(crate) fn ues(&mut self, values: &[u32]) {
        for &value in values {
            self.ue(value);
        }
    }

    /// The bits so far, filled up with zeros.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// A NAL unit: `header`, then the bits with RBSP trailing bits and emulation prevention (H.264 §7.4.1).
    pub(crate) fn into_nal(mut self, header: &[u8]) -> Vec<u8> {
        self.u(1, 1);
        let mut nal = header.to_vec();
        nal.extend(escape(&self.bytes));
        nal
    }
}

/// Puts a 3 after every two zeros that a byte of 0 to 3 follows.
fn escape(rbsp: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(rbsp.len());
    let mut zeros = 0;
    for &byte in rbsp {
        if zeros == 2 && byte <= 3 {
            escaped.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        escaped.push(byte);
    }
    escaped
}

/// Fills a NAL unit up to `size` bytes with noise that holds no zero, hence no start code; never cuts what is there.
pub(crate) fn pad(mut nal: Vec<u8>, size: usize, seed: u64) -> Vec<u8> {
    let missing = size.saturating_sub(nal.len());
    nal.extend(crate::Rng::new(seed).bytes(missing).into_iter().map(|byte| byte | 1));
    nal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_are_those_of_the_standard() {
        let mut bits = BitWriter::default();
        for value in 0..4 {
            bits.ue(value); // 1, 010, 011, 00100
        }
        bits.u(4, 0);
        assert_eq!(bits.into_bytes(), [0b1010_0110, 0b0100_0000]);
    }

    #[test]
    fn zeros_are_escaped() {
        assert_eq!(escape(&[0, 0, 1, 0, 0, 0, 0, 0, 4]), [0, 0, 3, 1, 0, 0, 3, 0, 0, 3, 0, 4]);
    }
}
