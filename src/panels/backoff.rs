//! The two retry policies of a panel, as data: opening its link, and writing a user again.

use std::time::Duration;

use panel_driver::Retry;

/// How long to wait before the link is opened again.
#[derive(Debug, Default)]
pub(super) struct LinkBackoff {
    failures: u32,
}

impl LinkBackoff {
    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(60);
    const NEEDS_INSTALLER: Duration = Duration::from_secs(300);

    /// The connection brought a snapshot: the next failure starts from the beginning.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait before the next try, or `None` if there is none. `jitter` is a random number that spreads the
    /// panels of a box over time: up to a quarter is taken off.
    pub(super) fn next(&mut self, retry: Retry, jitter: u8) -> Option<Duration> {
        let wait = match retry {
            Retry::Never => return None,
            Retry::Now => Duration::ZERO,
            Retry::NeedsInstaller => Self::NEEDS_INSTALLER,
            Retry::Backoff => {
                let doubled = Self::FIRST.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
                self.failures = self.failures.saturating_add(1);
                doubled.min(Self::LONGEST)
            }
        };
        Some(wait - wait.mul_f64(f64::from(jitter) / 1024.0))
    }
}

/// How long to wait before a user is written again after the panel failed `tries` times.
pub(super) fn write_again(tries: u32) -> Duration {
    const WAITS: [Duration; 4] =
        [Duration::from_secs(30), Duration::from_secs(120), Duration::from_secs(600), Duration::from_secs(1800)];
    let step = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX).min(WAITS.len() - 1);
    WAITS.get(step).copied().unwrap_or(Duration::from_secs(1800))
}

/// How long to wait before asking again after the panel was not in a state to be written.
pub(super) const NOT_NOW: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_backs_off_to_a_minute_and_starts_over_after_success() {
        let mut backoff = LinkBackoff::default();
        let waits: Vec<_> = (0..9).filter_map(|_| backoff.next(Retry::Backoff, 0)).map(|w| w.as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        backoff.reset();
        assert_eq!(backoff.next(Retry::Backoff, 0), Some(Duration::from_secs(1)));
        assert_eq!(backoff.next(Retry::Never, 0), None);
        assert_eq!(backoff.next(Retry::NeedsInstaller, 0), Some(Duration::from_secs(300)));
    }

    #[test]
    fn jitter_takes_off_a_quarter_at_most() {
        for jitter in 0..=255 {
            let wait = LinkBackoff::default().next(Retry::NeedsInstaller, jitter).expect("a wait");
            assert!((225..=300).contains(&wait.as_secs()), "{wait:?}");
        }
    }
}
