//! The panel's own clock: local time, running on the time that it is handed.

use std::time::{Duration, Instant};

use panel_driver::CivilTime;

/// Where the clock stands when nobody has set it: 2026-01-01 12:00, in seconds since 2000-01-01 00:00.
const UNSET: u64 = (9_497 * 24 + 12) * 3600;

pub(super) struct Clock {
    started: Option<Instant>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { started: None }
    }

    /// The clock begins to run, if it does not yet.
    pub(super) fn start(&mut self, now: Instant) {
        self.started.get_or_insert(now);
    }

    /// What the clock shows.
    pub(super) fn read(&self, now: Instant) -> CivilTime {
        time_of(self.seconds(now))
    }

    /// The day that it is, counted from any day.
    pub(super) fn day(&self, now: Instant) -> u64 {
        self.seconds(now) / 86_400
    }

    fn seconds(&self, now: Instant) -> u64 {
        let run = self.started.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        UNSET + run.as_secs()
    }
}

/// The field on the wire has six bits for the year, so the century ends in 2063.
fn time_of(seconds: u64) -> CivilTime {
    let small = |value: u64| u8::try_from(value).unwrap_or(0);
    let (mut year, mut days) = (2000_u16, seconds / 86_400 % 23_376);
    while days >= days_in_year(year) {
        days -= days_in_year(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        month += 1;
    }
    CivilTime {
        year,
        month,
        day: small(days + 1),
        hour: small(seconds / 3600 % 24),
        minute: small(seconds / 60 % 60),
        second: small(seconds % 60),
    }
}

fn days_in_year(year: u16) -> u64 {
    if year.is_multiple_of(4) { 366 } else { 365 }
}

fn days_in(year: u16, month: u8) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_over_midnight_into_february() {
        let start = panel_driver::clock::now();
        let mut clock = Clock::new();
        let noon = CivilTime { year: 2026, month: 1, day: 1, hour: 12, minute: 0, second: 0 };
        assert_eq!(clock.read(start), noon, "an unset clock shows a plausible day");
        clock.start(start);
        let later = start + Duration::from_secs(12 * 3600 + 65);
        assert_eq!(clock.read(later), CivilTime { day: 2, hour: 0, minute: 1, second: 5, ..noon });
        assert_eq!(clock.day(later) - clock.day(start), 1);
        assert_eq!(clock.read(start + Duration::from_secs(31 * 86_400)), CivilTime { month: 2, ..noon });
    }

    #[test]
    fn leap_years_have_their_day() {
        let leap_day = time_of(59 * 86_400);
        assert_eq!((leap_day.year, leap_day.month, leap_day.day), (2000, 2, 29));
        let last = time_of(366 * 86_400 - 1);
        assert_eq!((last.month, last.day, last.hour, last.second), (12, 31, 23, 59));
    }
}
