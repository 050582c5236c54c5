use std::time::Duration;

/// Small seeded random numbers (SplitMix64): the same seed gives the same numbers on every machine, for ever.
/// For tests only.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// Numbers of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to `end - 1`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next_u64().checked_rem(end).unwrap_or(0)
    }

    /// Yes, with this probability (0.0 to 1.0).
    pub fn chance(&mut self, probability: f64) -> bool {
        const UNIT: f64 = (1_u64 << 53) as f64;
        // Asked for nothing, takes no number: switching one fault off leaves the others where they were.
        probability > 0.0 && ((self.next_u64() >> 11) as f64 / UNIT) < probability
    }

    /// A time between both ends, the ends included.
    pub fn between(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let span = longest.saturating_sub(shortest).as_micros();
        shortest + Duration::from_micros(self.below(u64::try_from(span).unwrap_or(u64::MAX - 1) + 1))
    }

    /// One of the things.
    pub fn pick<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        let index = usize::try_from(self.below(things.len() as u64)).ok()?;
        things.get(index)
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        self.next_u64().to_le_bytes()[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let numbers = |seed| {
            let mut rng = Rng::new(seed);
            [rng.next_u64(), rng.next_u64(), rng.next_u64()]
        };
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
        // From the reference implementation of SplitMix64: a change here would change every seed in every test.
        assert_eq!(Rng::new(1_234_567).next_u64(), 6_457_827_717_110_365_317);
    }

    #[test]
    fn chances_and_ranges_keep_their_bounds() {
        let mut rng = Rng::new(1);
        let yes = (0..10_000).filter(|_| rng.chance(0.25)).count();
        assert!((2_300..2_700).contains(&yes), "{yes}");
        assert!(!rng.chance(0.0));
        assert!(rng.chance(1.0));
        let (low, high) = (Duration::from_millis(10), Duration::from_millis(20));
        assert!((0..1_000).map(|_| rng.between(low, high)).all(|d| (low..=high).contains(&d)));
        assert_eq!(rng.between(low, low), low);
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.pick::<u8>(&[]), None);
    }
}
