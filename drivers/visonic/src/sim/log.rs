//! The event log, newest first, as A0 and B0 2A tell it.

use std::collections::VecDeque;
use std::time::Instant;

use super::clock::{Clock, PanelClock};
use super::devices::Device;

#[derive(Debug, Clone, Copy)]
pub(super) struct LogEntry {
    pub(super) time: PanelClock,
    /// Seconds since 1970 of local time.
    pub(super) unix: u32,
    pub(super) device: Device,
    pub(super) code: u8,
    /// Bit n-1 for partition n.
    pub(super) partitions: u8,
    /// Counts the rows.
    pub(super) number: u8,
}

pub(super) struct Log {
    entries: VecDeque<LogEntry>,
    most: usize,
}

impl Log {
    pub(super) fn new(most: u16) -> Self {
        Self { entries: VecDeque::new(), most: most.into() }
    }

    pub(super) fn add(&mut self, now: Instant, clock: &Clock, device: Device, code: u8, partitions: u8) {
        self.entries.truncate(self.most.saturating_sub(1));
        let (time, unix) = (clock.read(now), clock.unix(now));
        let number = self.entries.front().map_or(1, |newest| newest.number.wrapping_add(1));
        self.entries.push_front(LogEntry { time, unix, device, code, partitions, number });
    }

    /// Newest first.
    pub(super) fn entries(&self) -> impl ExactSizeIterator<Item = &LogEntry> {
        self.entries.iter()
    }
}
