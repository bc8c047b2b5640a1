//! Numbers that nobody can guess, from a random seed: a session stays free of any source of chance, and a test that gives
//! a seed gets the same numbers each time.

use aws_lc_rs::digest::{Context, SHA256};

/// A sequence of unguessable numbers.
#[derive(Clone)]
pub(crate) struct Secrets {
    seed: [u8; 32],
    count: u64,
}

/// Without the seed.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Secrets {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, count: 0 }
    }

    pub(crate) fn next_u128(&mut self) -> u128 {
        let mut context = Context::new(&SHA256);
        context.update(&self.seed);
        context.update(&self.count.to_be_bytes());
        self.count += 1;
        let digest = context.finish();
        digest.as_ref().first_chunk().map_or(0, |bytes| u128::from_be_bytes(*bytes))
    }

    #[expect(clippy::cast_possible_truncation, reason = "some of the random bits")]
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.next_u128() as u64
    }

    #[expect(clippy::cast_possible_truncation, reason = "some of the random bits")]
    pub(crate) fn next_u32(&mut self) -> u32 {
        self.next_u128() as u32
    }

    #[expect(clippy::cast_possible_truncation, reason = "some of the random bits")]
    pub(crate) fn next_u16(&mut self) -> u16 {
        self.next_u128() as u16
    }
}
