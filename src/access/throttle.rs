use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Wrong passwords that cost nothing yet.
const FREE: u32 = 5;
/// The wait after the first one that is too many; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// After so many in a row nobody just mistypes, and the wait is an hour: fewer than a hundred are looked at in a day.
const MANY: u32 = 20;
const WAIT_AFTER_MANY: Duration = Duration::from_secs(60 * 60);
/// Names that are remembered at once.
const MOST: usize = 1000;

/// Wrong passwords in a row, by who tried and by whose they were to be (anchors S2). After five of them every further
/// try waits, 60 s at first, doubling to 15 minutes, and an hour after twenty; a right one begins anew.
///
/// Only the count is kept over a restart, and no wall clock is asked: a wait that was running begins again in full, so
/// that neither a restart nor another date shortens it.
#[derive(Debug, Default)]
pub struct Throttle(BTreeMap<String, Tries>);

#[derive(Debug)]
struct Tries {
    wrong: u32,
    until: Instant,
}

impl Throttle {
    /// What was kept, at the start.
    #[must_use]
    pub fn kept(counts: impl IntoIterator<Item = (String, u32)>, now: Instant) -> Self {
        let tries = |wrong| Tries { wrong, until: now + wait_after(wrong) };
        Self(counts.into_iter().map(|(key, wrong)| (key, tries(wrong))).collect())
    }

    /// How long these have to wait before their next try; `None` when they may try now.
    #[must_use]
    pub fn wait(&self, keys: &[&str], now: Instant) -> Option<Duration> {
        let left = |key: &&str| self.0.get(*key).map(|tries| tries.until.saturating_duration_since(now));
        keys.iter().filter_map(left).max().filter(|left| !left.is_zero())
    }

    /// Counts one try as wrong, before it is looked at: who cuts the power must not get it for nothing. Tells how many it
    /// are now.
    pub fn count(&mut self, key: &str, now: Instant) -> u32 {
        if self.0.len() >= MOST && !self.0.contains_key(key) {
            // Names that nobody has must not fill the memory: of too many, one that counts least goes.
            let least = self.0.iter().min_by_key(|(_, tries)| tries.wrong).map(|(key, _)| key.clone());
            least.map(|least| self.0.remove(&least));
        }
        let tries = self.0.entry(key.to_owned()).or_insert(Tries { wrong: 0, until: now });
        tries.wrong = tries.wrong.saturating_add(1);
        tries.until = now + wait_after(tries.wrong);
        tries.wrong
    }

    /// It was right after all.
    pub fn forget(&mut self, key: &str) {
        self.0.remove(key);
    }
}

fn wait_after(wrong: u32) -> Duration {
    match wrong.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(_) if wrong >= MANY => WAIT_AFTER_MANY,
        Some(more) => FIRST_WAIT.saturating_mul(2_u32.saturating_pow(more)).min(LONGEST_WAIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Instant {
        panel_driver::clock::now()
    }

    #[test]
    fn five_wrong_ones_are_free_and_then_the_wait_doubles_to_a_quarter_of_an_hour() {
        let (mut throttle, mut now) = (Throttle::default(), start());
        let waits: Vec<u64> = (0..11)
            .map(|_| {
                let before = throttle.wait(&["anna"], now).unwrap_or_default();
                now += before;
                throttle.count("anna", now);
                before.as_secs()
            })
            .collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 60, 120, 240, 480, 900, 900]);
    }

    #[test]
    fn fewer_than_a_hundred_are_looked_at_in_a_day_whoever_tries() {
        let (mut throttle, begin) = (Throttle::default(), start());
        let (mut now, mut looked_at) = (begin, 0);
        while now < begin + Duration::from_secs(24 * 60 * 60) {
            throttle.count("anna", now);
            looked_at += 1;
            now += throttle.wait(&["anna"], now).unwrap_or_default();
        }
        assert!((20..100).contains(&looked_at), "{looked_at}");
    }

    #[test]
    fn names_that_nobody_has_do_not_fill_the_memory() {
        let (mut throttle, now) = (Throttle::default(), start());
        (0..6).for_each(|_| {
            throttle.count("anna", now);
        });
        (0..3000).for_each(|n| {
            throttle.count(&format!("nobody {n}"), now);
        });
        assert!(throttle.0.len() <= MOST, "{}", throttle.0.len());
        assert!(throttle.wait(&["anna"], now).is_some(), "those who wait are remembered");
        assert_eq!(throttle.count("nobody 2999", now), 2, "and the newest is");
    }

    #[test]
    fn who_tries_and_whose_it_is_are_counted_apart_and_the_longer_wait_holds() {
        let (mut throttle, now) = (Throttle::default(), start());
        for _ in 0..5 {
            throttle.count("uid 1000", now);
        }
        for _ in 0..6 {
            throttle.count("anna", now);
        }
        let wait = |keys: &[&str]| throttle.wait(keys, now + Duration::from_secs(10)).map(|wait| wait.as_secs());
        assert_eq!(wait(&["uid 1000", "bob"]), Some(50));
        assert_eq!(wait(&["uid 1000", "anna"]), Some(110));
        assert_eq!(wait(&["uid 1001", "bob"]), None);
    }

    #[test]
    fn a_restart_makes_no_wait_shorter() {
        let now = start();
        let throttle = Throttle::kept([("anna".to_owned(), 6), ("bob".to_owned(), 4)], now);
        assert_eq!(throttle.wait(&["anna"], now), Some(Duration::from_secs(120)));
        assert_eq!(throttle.wait(&["bob"], now), None);
    }

    #[test]
    fn a_right_one_begins_anew() {
        let (mut throttle, now) = (Throttle::kept([("anna".to_owned(), 40)], start()), start());
        throttle.forget("anna");
        assert_eq!(throttle.wait(&["anna"], now), None);
        assert_eq!(throttle.count("anna", now), 1);
    }
}
