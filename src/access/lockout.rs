use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The box's own time: it runs while the box does, across restarts of the daemon, and nobody can set it. How long
/// wrong codes are remembered is counted in it, so that setting the clock ahead shortens nothing.
///
/// It is the kernel's time since boot, added up: what the store keeps is the last reading of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OwnTime {
    /// The box's own time then.
    pub own: Duration,
    /// The time since boot then.
    pub since_boot: Duration,
}

impl OwnTime {
    /// The same, read again. After a restart of the machine the time that it was off is not counted: never more has
    /// passed here than in the world.
    #[must_use]
    pub fn at(self, since_boot: Duration) -> Self {
        let passed = since_boot.checked_sub(self.since_boot).unwrap_or(since_boot);
        Self { own: self.own.saturating_add(passed), since_boot }
    }
}

/// How many wrong codes are borne.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From so many in a row on, each further one makes everybody wait who is counted here; 0 for never.
    pub waits_from: u32,
    /// So many in a row need somebody who unblocks.
    pub in_a_row: u32,
    /// So many within a day do too, whether right ones were among them or not.
    pub in_a_day: usize,
}

impl Limits {
    /// For one source at one panel: 3 wait 90 s, 10 in a day are the end (the figures of keypads after EN 50131).
    pub const OF_SOURCE: Self = Self { waits_from: 3, in_a_row: 10, in_a_day: 10 };
    /// For one panel, whoever tries: three sources that used theirs up. Together with a row that no right code broke it
    /// keeps the total well below the 100 that NIST SP 800-63B allows.
    pub const OF_PANEL: Self = Self { waits_from: 0, in_a_row: 50, in_a_day: 30 };
}

/// The first wait; each further wrong code doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(90);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// How long a wrong code is remembered.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether another code is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lockout {
    /// It is.
    Open,
    /// Not before that time is over.
    Wait(Duration),
    /// Not before somebody who may unblocks it.
    Blocked,
}

/// Wrong codes that were tried: by one source at one panel, or by anybody at it. Times are the box's own, in
/// milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tries {
    /// Wrong ones since the last right one.
    in_a_row: u32,
    /// When the wrong ones of the last day came, the oldest first.
    wrong: Vec<u64>,
    /// Until then nothing is looked at.
    wait_until: u64,
    /// Nothing is looked at until somebody unblocks.
    blocked: bool,
}

impl Tries {
    /// Whether another code is looked at.
    #[must_use]
    pub fn lockout(&self, now: OwnTime) -> Lockout {
        let left = self.wait_until.saturating_sub(millis(now.own));
        match (self.blocked, left) {
            (true, _) => Lockout::Blocked,
            (false, 0) => Lockout::Open,
            (false, left) => Lockout::Wait(Duration::from_millis(left)),
        }
    }

    /// A wrong code came.
    pub fn wrong(&mut self, now: OwnTime, limits: &Limits) {
        let at = millis(now.own);
        self.wrong.retain(|then| at.saturating_sub(*then) < millis(DAY));
        self.wrong.push(at);
        self.in_a_row = self.in_a_row.saturating_add(1);
        if let Some(doubled) = self.in_a_row.checked_sub(limits.waits_from).filter(|_| limits.waits_from > 0) {
            let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(doubled)).min(LONGEST_WAIT);
            self.wait_until = at.saturating_add(millis(wait));
        }
        self.blocked |= self.in_a_row >= limits.in_a_row || self.wrong.len() >= limits.in_a_day;
    }

    /// A right code came: the row is broken, the day's count stays.
    pub fn right(&mut self) {
        self.in_a_row = 0;
        self.wait_until = 0;
    }

    /// The code that was counted as wrong at that time turned out to be right.
    pub fn was_right(&mut self, then: OwnTime, limits: &Limits) {
        if let Some(n) = self.wrong.iter().rposition(|at| *at == millis(then.own)) {
            self.wrong.remove(n);
        }
        self.blocked &= self.wrong.len() >= limits.in_a_day;
        self.right();
    }
}

/// Codes that were tried at a panel itself and that it did not take. Fewer than any panel bears: three wrong ones are
/// the fewest after which one may lock its keypads, and the panels that say how long they remember say an hour.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelTries {
    at: Vec<u64>,
}

impl PanelTries {
    /// Wrong codes that a panel is given.
    const MOST: usize = 2;
    /// In that time.
    const WITHIN: Duration = Duration::from_secs(60 * 60);

    /// Takes one try, to be given back if the panel takes the code.
    ///
    /// # Errors
    /// How long to wait for the next one.
    pub fn take(&mut self, now: OwnTime) -> Result<(), Duration> {
        let at = millis(now.own);
        self.at.retain(|then| at.saturating_sub(*then) < millis(Self::WITHIN));
        match self.at.first() {
            Some(oldest) if self.at.len() >= Self::MOST => {
                let over = oldest.saturating_add(millis(Self::WITHIN));
                Err(Duration::from_millis(over.saturating_sub(at)))
            }
            _ => {
                self.at.push(at);
                Ok(())
            }
        }
    }

    /// The panel was not asked after all.
    pub fn give_back(&mut self) {
        self.at.pop();
    }

    /// The panel took a code, and forgot the wrong ones.
    pub fn taken(&mut self) {
        self.at.clear();
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> OwnTime {
        let time = Duration::from_secs(seconds);
        OwnTime { own: time, since_boot: time }
    }

    fn wait(seconds: u64) -> Lockout {
        Lockout::Wait(Duration::from_secs(seconds))
    }

    #[test]
    fn three_wrong_codes_in_a_row_wait_and_each_further_one_waits_longer() {
        let (mut tries, mut now) = (Tries::default(), 0);
        for expected in [0, 0, 90, 180, 360, 720, 900, 900, 900] {
            tries.wrong(at(now), &Limits::OF_SOURCE);
            let lockout = tries.lockout(at(now));
            assert_eq!(lockout, if expected == 0 { Lockout::Open } else { wait(expected) });
            if expected > 0 {
                assert_eq!(tries.lockout(at(now + expected - 1)), wait(1));
            }
            now += expected;
            assert_eq!(tries.lockout(at(now)), Lockout::Open);
        }
        tries.wrong(at(now), &Limits::OF_SOURCE);
        assert_eq!(tries.lockout(at(now + 365 * 86_400)), Lockout::Blocked, "the tenth, for good");
        tries.right();
        assert_eq!(tries.lockout(at(now)), Lockout::Blocked, "only somebody who unblocks");
    }

    #[test]
    fn a_right_code_breaks_the_row_but_not_the_days_count() {
        let mut tries = Tries::default();
        for n in 0..9 {
            assert_eq!(tries.lockout(at(n)), Lockout::Open, "try {n}");
            tries.wrong(at(n), &Limits::OF_SOURCE);
            tries.right();
        }
        tries.wrong(at(9), &Limits::OF_SOURCE);
        assert_eq!(tries.lockout(at(10)), Lockout::Blocked);
    }

    #[test]
    fn a_day_later_a_wrong_code_is_forgotten() {
        let mut tries = Tries::default();
        for n in 0..40 {
            tries.wrong(at(n * 8_700), &Limits::OF_SOURCE);
            tries.right();
            assert_eq!(tries.lockout(at(n * 8_700)), if n < 9 { Lockout::Open } else { Lockout::Blocked }, "{n}");
            tries.blocked = false;
        }
        let mut slow = Tries::default();
        for n in 0..40 {
            slow.wrong(at(n * 9_601), &Limits::OF_SOURCE);
            slow.right();
            assert_eq!(slow.lockout(at(n * 9_601)), Lockout::Open, "nine a day: {n}");
        }
        assert!(slow.wrong.len() <= 9, "nothing grows: {}", slow.wrong.len());
    }

    #[test]
    fn patience_does_not_get_beyond_the_panels_total() {
        // Nine a day from each of many sources, for ever, and never a right one.
        let (mut panel, mut compared) = (Tries::default(), 0);
        for day in 0..1_000_u64 {
            if panel.lockout(at(day * 86_400)) != Lockout::Blocked {
                panel.wrong(at(day * 86_400), &Limits::OF_PANEL);
                compared += 1;
            }
        }
        assert_eq!(compared, Limits::OF_PANEL.in_a_row);
        let mut panel = Tries::default();
        let compared = (0..1_000).filter(|n| {
            let open = panel.lockout(at(*n)) == Lockout::Open;
            if open {
                panel.wrong(at(*n), &Limits::OF_PANEL);
                panel.right();
            }
            open
        });
        assert_eq!(compared.count(), Limits::OF_PANEL.in_a_day, "although every second code was right");
    }

    #[test]
    fn what_was_right_after_all_counts_as_nothing() {
        let mut tries = Tries::default();
        for n in 0..9 {
            tries.wrong(at(n), &Limits::OF_SOURCE);
        }
        let mut after = tries.clone();
        after.wrong(at(9), &Limits::OF_SOURCE);
        after.was_right(at(9), &Limits::OF_SOURCE);
        assert_eq!((after.lockout(at(9)), after.wrong.len(), after.in_a_row), (Lockout::Open, 9, 0));
    }

    #[test]
    fn own_time_goes_forward_by_what_the_machine_ran_and_by_nothing_else() {
        let ran =
            |own, since_boot| OwnTime { own: Duration::from_secs(own), since_boot: Duration::from_secs(since_boot) };
        for (what, before, since_boot, after) in [
            ("the daemon was away for 20 s", ran(500, 100), 120, ran(520, 120)),
            ("the machine restarted 30 s ago", ran(500, 100), 30, ran(530, 30)),
            ("it restarted, and started the daemon late", ran(500, 100), 110, ran(510, 110)),
            ("no time", ran(500, 100), 100, ran(500, 100)),
            ("the first reading of all", OwnTime::default(), 7, ran(7, 7)),
        ] {
            assert_eq!(before.at(Duration::from_secs(since_boot)), after, "{what}");
        }
    }

    #[test]
    fn a_restart_leaves_what_remained() {
        let mut tries = Tries::default();
        for _ in 0..3 {
            tries.wrong(at(1_000), &Limits::OF_SOURCE);
        }
        let stored = serde_json::to_string(&tries).expect("JSON");
        let read: Tries = serde_json::from_str(&stored).expect("the same");
        assert_eq!(read.lockout(at(1_000).at(Duration::from_secs(1_040))), wait(50), "the daemon was away for 40 s");
        assert_eq!(read.lockout(at(1_000).at(Duration::from_secs(5))), wait(85), "the machine restarted");
    }

    #[test]
    fn a_panel_is_given_two_wrong_codes_an_hour() {
        let mut tries = PanelTries::default();
        let taken: Vec<_> = (0..10 * 3_600).filter(|n| tries.take(at(*n)).is_ok()).collect();
        assert!(taken.windows(3).all(|three| three[2] - three[0] >= 3_600), "{taken:?}");
        assert_eq!(taken.len(), 20);
        let mut tries = PanelTries::default();
        assert_eq!((tries.take(at(0)), tries.take(at(10))), (Ok(()), Ok(())));
        assert_eq!(tries.take(at(100)), Err(Duration::from_secs(3_500)));
        tries.give_back();
        assert_eq!(tries.take(at(100)), Ok(()), "one that did not reach the panel");
        tries.taken();
        assert_eq!(
            (tries.take(at(101)), tries.take(at(102))),
            (Ok(()), Ok(())),
            "a right one clears the panel's count"
        );
    }
}
