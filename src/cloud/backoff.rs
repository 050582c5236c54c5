use std::time::Duration;

use super::error::Retry;

/// How long to wait between tries to connect. The only back-off towards the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// First wait for what may pass by itself.
    pub first: Duration,
    /// Longest wait for it.
    pub longest: Duration,
    /// First wait for what a person has to change.
    pub slow_first: Duration,
    /// Longest wait for it.
    pub slow_longest: Duration,
    /// A connection that holds this long is sound: waits begin at the first again.
    pub sound: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            slow_first: Duration::from_secs(60),
            slow_longest: Duration::from_secs(15 * 60),
            sound: Duration::from_secs(30),
        }
    }
}

/// Doubling waits with jitter, so that a thousand boxes do not come back in the same second.
#[derive(Debug)]
pub(super) struct Backoff {
    pace: Pace,
    tries: u32,
}

impl Backoff {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, tries: 0 }
    }

    /// The next wait: between half of the step and all of it. `random` is any number.
    pub(super) fn next(&mut self, retry: Retry, random: u32) -> Duration {
        let (first, longest) = match retry {
            Retry::Soon => (self.pace.first, self.pace.longest),
            Retry::Slowly => (self.pace.slow_first, self.pace.slow_longest),
        };
        let step = first.saturating_mul(1_u32.checked_shl(self.tries).unwrap_or(u32::MAX)).min(longest);
        self.tries = (self.tries + 1).min(31);
        step / 2 + (step / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

/// A number for [`Backoff::next`].
pub(super) fn random() -> u32 {
    // Jitter needs no good randomness: without any, waits are merely equal.
    getrandom::u32().unwrap_or(u32::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::new(Pace::default());
        let waits: Vec<u64> = (0..9).map(|_| backoff.next(Retry::Soon, u32::MAX).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        for _ in 0..1000 {
            assert!(backoff.next(Retry::Soon, u32::MAX) <= Duration::from_secs(60));
        }
        assert_eq!(Backoff::new(Pace::default()).next(Retry::Soon, 0), Duration::from_millis(500));
    }

    #[test]
    fn what_needs_a_person_is_tried_slowly() {
        let mut backoff = Backoff::new(Pace::default());
        let waits: Vec<u64> = (0..6).map(|_| backoff.next(Retry::Slowly, 0).as_secs()).collect();
        assert_eq!(waits, [30, 60, 120, 240, 450, 450]);
    }
}
