use std::time::{Duration, Instant};

/// Waits after tries that failed, in minutes; a little more than a day in all. After the last one a mail is given up.
const WAITS_MINUTES: [u64; 10] = [1, 5, 15, 30, 60, 120, 240, 360, 360, 300];

/// When one mail is tried again. No wall clock: a box that learns the date late gives nothing up because of it.
#[derive(Debug)]
pub(super) struct Retry {
    /// Waits that the mail has behind it, over all runs.
    pub(super) tries: u32,
    /// The next try.
    pub(super) due: Instant,
    /// Whether the wait before that try was served, so that its failure counts: not at a start, when the server may be
    /// the next thing to be mended.
    counts: bool,
}

/// What follows a try that failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another one, after that time.
    Wait(Duration),
    /// None.
    GiveUp,
}

impl Retry {
    /// A mail as it is found in the queue.
    pub(super) fn at_once(tries: u32, now: Instant) -> Self {
        Self { tries, due: now, counts: false }
    }

    /// A try failed.
    pub(super) fn failed(&mut self, now: Instant) -> Next {
        if self.counts {
            self.tries = self.tries.saturating_add(1);
        }
        self.counts = true;
        match WAITS_MINUTES.get(self.tries as usize) {
            None => Next::GiveUp,
            Some(minutes) => {
                let wait = Duration::from_secs(minutes * 60);
                self.due = now + wait;
                Next::Wait(wait)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Instant {
        panel_driver::clock::now()
    }

    #[test]
    fn a_mail_is_given_up_after_a_day_of_tries_that_lie_further_and_further_apart() {
        let (mut now, mut tries) = (start(), 1);
        let mut retry = Retry::at_once(0, now);
        while let Next::Wait(wait) = retry.failed(now) {
            now += wait;
            assert_eq!(retry.due, now);
            tries += 1;
        }
        let day = now - start();
        assert!((24 * 3600..26 * 3600).contains(&day.as_secs()), "{day:?}");
        assert_eq!(tries, WAITS_MINUTES.len() + 1);
    }

    #[test]
    fn restarts_alone_use_up_no_mail() {
        for _ in 0..100 {
            let mut retry = Retry::at_once(3, start());
            assert_eq!(
                retry.failed(start()),
                Next::Wait(Duration::from_secs(30 * 60)),
                "tried at once, and on as before"
            );
            assert_eq!(retry.tries, 3);
        }
    }
}
