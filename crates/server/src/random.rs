//! What nobody can guess.

/// Random bytes of the system.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without random numbers there is no safe session: as for TLS, this is the end of the program.
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives random numbers");
    bytes
}

/// A name of 128 bits, as 32 hexadecimal digits: who knows it has been told.
pub(crate) fn name() -> String {
    format!("{:032x}", u128::from_be_bytes(bytes()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_long_and_differ() {
        let [one, other] = [super::name(), super::name()];
        assert_ne!(one, other);
        assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()), "{one}");
    }
}
