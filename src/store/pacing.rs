//! When a group of writes commits. Pure: the time is an argument.

use std::time::{Duration, Instant};

/// How long a write may wait for company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Commits at once, with whatever waits: alarms, troubles, wishes, log lines.
    Now,
    /// Commits at once when the last such write is 250 ms ago or more; else waits for others up to 250 ms or
    /// 50 writes: zone traffic, arming, levels.
    Grouped,
    /// Rides along with the next commit, and waits for one up to 2 s: what can be done again after a power cut, such
    /// as acknowledgements of the outbox.
    Lazy,
}

const GROUPED_WAIT: Duration = Duration::from_millis(250);
const LAZY_WAIT: Duration = Duration::from_secs(2);
/// A group of this many writes waits for nobody.
const GROUP_FULL: usize = 50;

/// Remembers how fast grouped writes come.
#[derive(Debug, Default)]
pub(super) struct Pacing {
    last_grouped: Option<Instant>,
}

impl Pacing {
    /// When the group has to commit on account of a write that came now: the `writes`th of a group that began then.
    pub(super) fn due(&mut self, urgency: Urgency, now: Instant, began: Instant, writes: usize) -> Instant {
        let due = match urgency {
            Urgency::Now => now,
            Urgency::Lazy => now + LAZY_WAIT,
            Urgency::Grouped => {
                let gap = self.last_grouped.replace(now).map(|last| now.saturating_duration_since(last));
                let fast = gap.is_some_and(|gap| gap < GROUPED_WAIT);
                if fast { (began + GROUPED_WAIT).max(now) } else { now }
            }
        };
        if writes >= GROUP_FULL { now } else { due }
    }
}

/// The latest time at which a group that begins now commits.
pub(super) fn latest(now: Instant) -> Instant {
    now + LAZY_WAIT
}

#[cfg(test)]
mod tests {
    use panel_driver::clock;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn what_is_urgent_never_waits() {
        let (mut pacing, now) = (Pacing::default(), clock::now());
        for n in 0..5 {
            assert_eq!(pacing.due(Urgency::Now, now + n * MS, now, 2), now + n * MS);
        }
    }

    #[test]
    fn zone_traffic_waits_only_while_it_comes_faster_than_four_a_second() {
        let (mut pacing, now) = (Pacing::default(), clock::now());
        assert_eq!(pacing.due(Urgency::Grouped, now, now, 1), now, "the first of all");
        let second = now + 249 * MS;
        assert_eq!(pacing.due(Urgency::Grouped, second, second, 1), second + 250 * MS);
        let third = second + 100 * MS;
        assert_eq!(pacing.due(Urgency::Grouped, third, second, 2), second + 250 * MS, "with the second");
        let fourth = third + 250 * MS;
        assert_eq!(pacing.due(Urgency::Grouped, fourth, fourth, 1), fourth, "quiet again");
    }

    #[test]
    fn fifty_writes_wait_for_nobody() {
        let (mut pacing, now) = (Pacing::default(), clock::now());
        pacing.due(Urgency::Grouped, now, now, 1);
        for urgency in [Urgency::Grouped, Urgency::Lazy] {
            assert!(pacing.due(urgency, now, now, 49) > now);
            assert_eq!(pacing.due(urgency, now, now, 50), now);
        }
    }

    #[test]
    fn acknowledgements_ride_along() {
        let (mut pacing, now) = (Pacing::default(), clock::now());
        assert_eq!(pacing.due(Urgency::Lazy, now, now, 1), now + 2_000 * MS);
        assert_eq!(pacing.due(Urgency::Grouped, now + MS, now, 2), now + MS, "and do not make traffic look fast");
    }

    #[test]
    fn a_group_that_waited_long_for_company_waits_no_longer() {
        let (mut pacing, now) = (Pacing::default(), clock::now());
        pacing.due(Urgency::Grouped, now + 900 * MS, now, 1);
        assert_eq!(pacing.due(Urgency::Grouped, now + 1_000 * MS, now, 2), now + 1_000 * MS);
    }
}
