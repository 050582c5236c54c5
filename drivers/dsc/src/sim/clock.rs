//! The panel's own clock: local time to the minute, set by 010 or `*6`, running on the time that it is handed.

use std::time::{Duration, Instant};

use crate::message::PanelTime;

/// Where the clock stands when nobody has set it: 2026-01-01 12:00, in minutes since 2000-01-01 00:00.
const UNSET: u64 = 9_497 * 1440 + 720;
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

pub(super) struct Clock {
    /// Minutes since 2000-01-01 00:00.
    set_to: u64,
    set_at: Option<Instant>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { set_to: UNSET, set_at: None }
    }

    /// Sets the clock; `false` when the month has no such day.
    pub(super) fn set(&mut self, now: Instant, time: PanelTime) -> bool {
        let minutes = minutes_of(time);
        if let Some(minutes) = minutes {
            (self.set_to, self.set_at) = (minutes, Some(now));
        }
        minutes.is_some()
    }

    /// The clock begins to run, if it does not yet.
    pub(super) fn start(&mut self, now: Instant) {
        self.set_at.get_or_insert(now);
    }

    /// What the clock shows.
    pub(super) fn read(&self, now: Instant) -> PanelTime {
        time_of(self.minutes(now))
    }

    /// `hh:mm:ss `, as stands before messages when timestamps are on.
    pub(super) fn stamp(&self, now: Instant) -> String {
        let PanelTime { hour, minute, .. } = self.read(now);
        format!("{hour:02}:{minute:02}:{:02} ", self.run(now).as_secs() % 60)
    }

    /// The day that it is, counted from any day.
    pub(super) fn day(&self, now: Instant) -> u64 {
        self.minutes(now) / 1440
    }

    /// The hour that it is, counted from any hour.
    pub(super) fn hour(&self, now: Instant) -> u64 {
        self.minutes(now) / 60
    }

    /// How long until the minute changes.
    pub(super) fn next_minute(&self, now: Instant) -> Duration {
        let into = self.run(now).as_millis() % 60_000;
        Duration::from_millis(60_000 - u64::try_from(into).unwrap_or(0))
    }

    fn minutes(&self, now: Instant) -> u64 {
        self.set_to + self.run(now).as_secs() / 60
    }

    fn run(&self, now: Instant) -> Duration {
        self.set_at.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

/// As the second line of an idle LCD keypad prints it: `JUL 08/14 10:49p`.
pub(super) fn lcd(time: PanelTime) -> String {
    let PanelTime { hour, minute, month, day, year } = time;
    let name = usize::from(month).checked_sub(1).and_then(|m| MONTHS.get(m)).copied().unwrap_or("");
    let half = if hour < 12 { 'a' } else { 'p' };
    let shown = if hour % 12 == 0 { 12 } else { hour % 12 };
    format!("{name} {day:02}/{year:02} {shown:>2}:{minute:02}{half}")
}

/// The panel knows two digits of the year; a century is 36,525 days to it.
fn time_of(minutes: u64) -> PanelTime {
    let small = |value: u64| u8::try_from(value).unwrap_or(0);
    let (mut year, mut days) = (0, minutes / 1440 % 36_525);
    while days >= days_in_year(year) {
        days -= days_in_year(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        month += 1;
    }
    PanelTime {
        hour: small(minutes / 60 % 24),
        minute: small(minutes % 60),
        month: small(month),
        day: small(days + 1),
        year: small(year),
    }
}

fn minutes_of(time: PanelTime) -> Option<u64> {
    let [hour, minute, month, day, year] = [time.hour, time.minute, time.month, time.day, time.year].map(u64::from);
    let good = hour < 24 && minute < 60 && (1..=12).contains(&month) && day >= 1 && day <= days_in(year, month);
    good.then(|| {
        let before: u64 = (1..month).map(|m| days_in(year, m)).sum();
        (year * 365 + year.div_ceil(4) + before + day - 1) * 1440 + hour * 60 + minute
    })
}

fn days_in_year(year: u64) -> u64 {
    if year.is_multiple_of(4) { 366 } else { 365 }
}

fn days_in(year: u64, month: u64) -> u64 {
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

    fn time(fields: [u8; 5]) -> PanelTime {
        let [hour, minute, month, day, year] = fields;
        PanelTime { hour, minute, month, day, year }
    }

    #[test]
    fn times_print_as_a_keypad_shows_them() {
        for (fields, text) in [
            ([14, 35, 7, 15, 26], "JUL 15/26  2:35p"),
            ([22, 49, 7, 8, 14], "JUL 08/14 10:49p"),
            ([0, 0, 1, 1, 0], "JAN 01/00 12:00a"),
            ([12, 0, 2, 29, 24], "FEB 29/24 12:00p"),
            ([23, 59, 12, 31, 99], "DEC 31/99 11:59p"),
        ] {
            assert_eq!(lcd(time(fields)), text);
            assert_eq!(minutes_of(time(fields)).map(time_of), Some(time(fields)), "{text}");
        }
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        let now = panel_driver::clock::now();
        for fields in [[24, 0, 1, 1, 26], [12, 60, 1, 1, 26], [12, 0, 13, 1, 26], [12, 0, 1, 0, 26], [12, 0, 2, 29, 26]]
        {
            assert!(!Clock::new().set(now, time(fields)), "{fields:?}");
        }
    }

    #[test]
    fn the_clock_runs_over_midnight_and_the_century() {
        let start = panel_driver::clock::now();
        let mut clock = Clock::new();
        assert!(clock.set(start, time([23, 59, 12, 31, 99])));
        assert_eq!(clock.read(start + Duration::from_secs(59)), time([23, 59, 12, 31, 99]));
        assert_eq!(clock.read(start + Duration::from_secs(61)), time([0, 0, 1, 1, 0]));
        assert_eq!(clock.next_minute(start + Duration::from_secs(61)), Duration::from_secs(59));
    }

    #[test]
    fn an_unset_clock_shows_a_plausible_day() {
        assert_eq!(Clock::new().read(panel_driver::clock::now()), time([12, 0, 1, 1, 26]));
    }
}
