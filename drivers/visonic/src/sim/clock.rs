//! The panel's own clock: local time to the second, set by `46`, running on the time that it is handed.

use std::time::{Duration, Instant};

/// A local time as the panel keeps it; the century is always 20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PanelClock {
    /// Years since 2000, 0 to 99.
    pub year: u8,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl Default for PanelClock {
    /// 2026-01-01 12:00:00.
    fn default() -> Self {
        Self { year: 26, month: 1, day: 1, hour: 12, minute: 0, second: 0 }
    }
}

/// 2000-01-01 00:00 in seconds since 1970.
const Y2K: u64 = 946_684_800;
const DAY: u64 = 86_400;
/// The panel's years go from 00 to 99.
const CENTURY: u64 = 36_525 * DAY;

impl PanelClock {
    /// From seconds since 1970 of local time, as if the panel's zone were UTC; before 2000 it is 2000.
    #[must_use]
    pub fn from_unix(local: u64) -> Self {
        of_seconds(local.saturating_sub(Y2K))
    }

    /// Seconds since 2000; `None` when the month has no such day or the day no such time.
    fn seconds(self) -> Option<u64> {
        let [year, month, day] = [self.year, self.month, self.day].map(u64::from);
        let [hour, minute, second] = [self.hour, self.minute, self.second].map(u64::from);
        let good = year < 100 && (1..=12).contains(&month) && day >= 1 && day <= days_in(year, month);
        (good && hour < 24 && minute < 60 && second < 60).then(|| {
            let before: u64 = (1..month).map(|m| days_in(year, m)).sum();
            let days = year * 365 + year.div_ceil(4) + before + day - 1;
            days * DAY + hour * 3600 + minute * 60 + second
        })
    }

    /// 1 is Sunday, 7 Saturday.
    pub(super) fn weekday(self) -> u8 {
        // 2000-01-01 was a Saturday.
        let days = self.seconds().unwrap_or(0) / DAY;
        u8::try_from((days + 6) % 7 + 1).unwrap_or(1)
    }
}

pub(super) struct Clock {
    set_to: u64,
    set_at: Option<Instant>,
}

impl Clock {
    /// Stands until it is started.
    pub(super) fn new(begin: PanelClock) -> Self {
        Self { set_to: begin.seconds().unwrap_or(0), set_at: None }
    }

    pub(super) fn start(&mut self, now: Instant) {
        self.set_at.get_or_insert(now);
    }

    /// Sets the clock; `false` when there is no such time.
    pub(super) fn set(&mut self, now: Instant, time: PanelClock) -> bool {
        let seconds = time.seconds();
        if let Some(seconds) = seconds {
            (self.set_to, self.set_at) = (seconds, Some(now));
        }
        seconds.is_some()
    }

    pub(super) fn read(&self, now: Instant) -> PanelClock {
        of_seconds(self.at(now))
    }

    /// Seconds since 1970 of local time, as PowerMaster logs count them.
    pub(super) fn unix(&self, now: Instant) -> u32 {
        u32::try_from(Y2K + self.at(now)).unwrap_or(u32::MAX)
    }

    fn at(&self, now: Instant) -> u64 {
        let run = self.set_at.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        (self.set_to + run.as_secs()) % CENTURY
    }
}

fn of_seconds(seconds: u64) -> PanelClock {
    let small = |value: u64| u8::try_from(value).unwrap_or(0);
    let seconds = seconds % CENTURY;
    let (mut year, mut days) = (0, seconds / DAY);
    while days >= days_in_year(year) {
        days -= days_in_year(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        month += 1;
    }
    PanelClock {
        year: small(year),
        month: small(month),
        day: small(days + 1),
        hour: small(seconds % DAY / 3600),
        minute: small(seconds % 3600 / 60),
        second: small(seconds % 60),
    }
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

    fn time(fields: [u8; 6]) -> PanelClock {
        let [year, month, day, hour, minute, second] = fields;
        PanelClock { year, month, day, hour, minute, second }
    }

    #[test]
    fn times_survive_being_counted_in_seconds() {
        for fields in [[0, 1, 1, 0, 0, 0], [24, 2, 29, 23, 59, 59], [26, 11, 22, 7, 31, 5], [99, 12, 31, 23, 59, 59]] {
            let time = time(fields);
            assert_eq!(time.seconds().map(of_seconds), Some(time));
        }
        assert_eq!(PanelClock::from_unix(1_795_332_696), time([26, 11, 22, 7, 31, 36]));
    }

    #[test]
    fn weekdays_count_from_sunday() {
        assert_eq!(time([0, 1, 1, 0, 0, 0]).weekday(), 7);
        assert_eq!(time([26, 11, 22, 0, 0, 0]).weekday(), 1, "a Sunday");
        assert_eq!(time([26, 11, 23, 0, 0, 0]).weekday(), 2);
    }

    #[test]
    fn times_that_do_not_exist_are_refused() {
        let now = panel_driver::clock::now();
        for fields in [[26, 2, 29, 0, 0, 0], [26, 13, 1, 0, 0, 0], [26, 1, 0, 0, 0, 0], [26, 1, 1, 24, 0, 0]] {
            assert!(!Clock::new(PanelClock::default()).set(now, time(fields)), "{fields:?}");
        }
    }

    #[test]
    fn the_clock_runs_over_midnight() {
        let start = panel_driver::clock::now();
        let mut clock = Clock::new(PanelClock::default());
        assert!(clock.set(start, time([26, 12, 31, 23, 59, 59])));
        assert_eq!(clock.read(start + Duration::from_secs(1)), time([27, 1, 1, 0, 0, 0]));
        assert_eq!(clock.unix(start + Duration::from_secs(1)) - clock.unix(start), 1);
    }
}
