//! A tiny seeded generator (SplitMix64): chance that repeats.

/// Pseudo-random numbers; the same seed gives the same sequence on every machine.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator started from `seed`; every seed is a good one.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 where `bound` is 0. The slight bias of the remainder does not matter to a test.
    pub const fn below(&mut self, bound: u64) -> u64 {
        match self.next_u64().checked_rem(bound) {
            Some(n) => n,
            None => 0,
        }
    }

    /// True with the given probability: 0.0 is never, 1.0 is always.
    pub fn chance(&mut self, probability: f64) -> bool {
        const STEPS: u32 = 1 << 31;
        let drawn = self.next_u64() % u64::from(STEPS);
        u32::try_from(drawn).is_ok_and(|drawn| f64::from(drawn) < probability * f64::from(STEPS))
    }

    /// `len` random bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.next_u64().to_le_bytes()[0]).take(len).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_same_bytes() {
        assert_eq!(Rng::new(7).bytes(64), Rng::new(7).bytes(64));
        assert_ne!(Rng::new(7).bytes(64), Rng::new(8).bytes(64));
    }

    #[test]
    fn chance_keeps_to_its_probability() {
        let mut rng = Rng::new(1);
        let hits = (0..10_000).filter(|_| rng.chance(0.05)).count();
        assert!((400..600).contains(&hits), "{hits} of 10000 at 5 %");
        assert!((0..1000).all(|_| rng.chance(1.0)));
        assert!(!(0..1000).any(|_| rng.chance(0.0)));
    }
}
