//! Arming, disarming, delays, the bell.

use std::time::Instant;

use panel_model::{Partition, PartitionSet};

use super::panel::{Panel, Task};
use super::signal::{DelayKind, Readiness, Signal};
use crate::message::attribute;

/// How a partition is armed, by the number of 0900 and 0232 `[impl NH]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mode(u8);

impl Mode {
    pub(super) const STAY: Self = Self(1);
    pub(super) const AWAY: Self = Self(2);
    pub(super) const NIGHT: Self = Self(4);

    /// The modes that 0900 takes; quick and global forms become what they amount to. `None`: not to be had.
    pub(super) fn asked(number: u8) -> Option<Self> {
        match number {
            1 | 2 | 3 | 4 | 7 | 8 | 9 => Some(Self(number)),
            5 | 0x0C => Some(Self::AWAY),
            0x0B => Some(Self::STAY),
            0x11 => Some(Self(7)),
            _ => None,
        }
    }

    pub(super) fn number(self) -> u8 {
        self.0
    }

    pub(super) fn is_stay(self) -> bool {
        matches!(self.0, 1 | 4 | 7 | 9)
    }

    pub(super) fn has_entry_delay(self) -> bool {
        !matches!(self.0, 3 | 7 | 8 | 9)
    }

    pub(super) fn name(self) -> &'static str {
        match self.0 {
            1 => "stay",
            3 => "no_entry",
            4 => "night",
            7 => "stay_no_entry",
            8 => "away_no_entry",
            9 => "night_no_entry",
            _ => "away",
        }
    }

    /// The bits of 0812, first byte, with bit 01 set.
    pub(super) fn bits(self) -> u8 {
        let kind = match self.0 {
            1 | 7 => 0x02,
            4 | 9 => 0x08,
            _ => 0x04,
        };
        0x01 | kind | if self.has_entry_delay() { 0 } else { 0x10 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arming {
    Disarmed,
    Exit {
        mode: Mode,
        by: By,
    },
    Armed {
        mode: Mode,
    },
    /// The zone that began it alarms when it is over.
    Entry {
        mode: Mode,
        zone: u16,
    },
}

impl Arming {
    pub(super) fn mode(self) -> Option<Mode> {
        match self {
            Self::Disarmed => None,
            Self::Exit { mode, .. } | Self::Armed { mode } | Self::Entry { mode, .. } => Some(mode),
        }
    }
}

/// On whose word a partition is armed or disarmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    User(u16),
    /// Quick arming, a function key, a key switch.
    Key,
}

impl By {
    pub(super) fn slot(self) -> Option<u16> {
        match self {
            Self::User(slot) => Some(slot),
            Self::Key => None,
        }
    }
}

/// One partition in use.
pub(super) struct Unit {
    pub(super) arming: Arming,
    pub(super) alarm: bool,
    pub(super) fire: bool,
    pub(super) bell: bool,
    /// An alarm since it was last armed.
    pub(super) memory: bool,
    /// What was told last; `None` before the first time.
    told: Option<Readiness>,
}

impl Unit {
    pub(super) fn new() -> Self {
        let told = Some(Readiness::Ready);
        Self { arming: Arming::Disarmed, alarm: false, fire: false, bell: false, memory: false, told }
    }
}

/// How long before its end a delay is urgent.
const URGENT: u8 = 10;

impl Panel {
    pub(super) fn is_disarmed(&self, partition: Partition) -> bool {
        self.units.get(&partition).is_some_and(|unit| unit.arming == Arming::Disarmed)
    }

    /// Whether the partition can be armed, as 0239 tells it; `None` while it is armed.
    pub(super) fn readiness(&self, partition: Partition) -> Option<Readiness> {
        if !self.is_disarmed(partition) {
            return None;
        }
        Some(if self.all_closed(partition) {
            Readiness::Ready
        } else if self.can_be_forced(partition) {
            Readiness::Forced
        } else {
            Readiness::NotReady
        })
    }

    /// Ends a step: how partitions stand is told if it changed.
    pub(super) fn settle(&mut self) {
        for partition in self.partitions().iter() {
            let readiness = self.readiness(partition);
            let Some(unit) = self.units.get_mut(&partition) else { continue };
            if unit.told != readiness {
                unit.told = readiness;
                if let Some(readiness) = readiness {
                    self.signal(Signal::Ready(partition, readiness));
                }
            }
        }
    }

    /// Whether arming is possible: disarmed, and nothing open that cannot be forced.
    fn can_arm(&self, partition: Partition) -> bool {
        matches!(self.readiness(partition), Some(Readiness::Ready | Readiness::Forced))
    }

    /// Begins the exit delay; whether it did.
    pub(super) fn arm(&mut self, now: Instant, partition: Partition, mode: Mode, by: By) -> bool {
        if !self.can_arm(partition) {
            self.signal(Signal::FailedToArm(partition));
            return false;
        }
        let had_memory = self.units.get(&partition).is_some_and(|unit| unit.memory);
        if had_memory {
            self.clear_memory(partition);
        }
        let seconds = self.options.exit_seconds;
        let Some(unit) = self.units.get_mut(&partition) else { return false };
        unit.arming = Arming::Exit { mode, by };
        unit.told = None;
        if seconds == 0 {
            self.exit_over(now, partition);
        } else {
            self.begin_delay(now, partition, DelayKind::Exit, seconds);
        }
        true
    }

    pub(super) fn begin_entry(&mut self, now: Instant, partition: Partition, mode: Mode, zone: u16) {
        if let Some(unit) = self.units.get_mut(&partition) {
            unit.arming = Arming::Entry { mode, zone };
            let seconds = self.options.entry_seconds.max(1);
            self.begin_delay(now, partition, DelayKind::Entry, seconds);
        }
    }

    fn begin_delay(&mut self, now: Instant, partition: Partition, kind: DelayKind, seconds: u8) {
        self.signal(Signal::Delay { partition, kind, seconds, urgent: seconds <= URGENT });
        self.agenda.put(now + self.timings.second * u32::from(seconds), Task::DelayOver(partition));
        if seconds > URGENT {
            let urgent = self.timings.second * u32::from(seconds - URGENT);
            self.agenda.put(now + urgent, Task::DelayUrgent(partition));
        }
    }

    pub(super) fn delay_urgent(&mut self, partition: Partition) {
        let kind = match self.units.get(&partition).map(|unit| unit.arming) {
            Some(Arming::Exit { .. }) => DelayKind::Exit,
            Some(Arming::Entry { .. }) => DelayKind::Entry,
            _ => return,
        };
        self.signal(Signal::Delay { partition, kind, seconds: URGENT, urgent: true });
    }

    pub(super) fn delay_over(&mut self, now: Instant, partition: Partition) {
        match self.units.get(&partition).map(|unit| unit.arming) {
            Some(Arming::Exit { .. }) => self.exit_over(now, partition),
            Some(Arming::Entry { mode, zone }) => {
                if let Some(unit) = self.units.get_mut(&partition) {
                    unit.arming = Arming::Armed { mode };
                }
                self.signal(Signal::DelayOver(partition, DelayKind::Entry));
                self.zone_alarm(now, partition, zone);
            }
            _ => {}
        }
    }

    fn exit_over(&mut self, now: Instant, partition: Partition) {
        let Some(unit) = self.units.get_mut(&partition) else { return };
        let Arming::Exit { mode, by } = unit.arming else { return };
        unit.arming = Arming::Armed { mode };
        self.signal(Signal::DelayOver(partition, DelayKind::Exit));
        self.signal(Signal::Armed { partition, mode, by });
        let open: Vec<u16> =
            self.zones_of(partition).filter(|(_, unit)| unit.is_disturbed()).map(|(zone, _)| zone).collect();
        for zone in open {
            self.zone_disturbed(now, zone);
        }
    }

    pub(super) fn cancel_delay(&mut self, partition: Partition) {
        self.agenda.cancel(&Task::DelayOver(partition));
        self.agenda.cancel(&Task::DelayUrgent(partition));
    }

    /// Disarms; also ends an alarm of a disarmed partition and an exit delay.
    pub(super) fn disarm(&mut self, partition: Partition, by: By) {
        let Some(unit) = self.units.get_mut(&partition) else { return };
        let was = std::mem::replace(&mut unit.arming, Arming::Disarmed);
        if was == Arming::Disarmed && !unit.alarm {
            return;
        }
        unit.told = None;
        self.cancel_delay(partition);
        match was {
            Arming::Exit { .. } => self.signal(Signal::DelayOver(partition, DelayKind::Exit)),
            Arming::Entry { .. } => self.signal(Signal::DelayOver(partition, DelayKind::Entry)),
            Arming::Disarmed | Arming::Armed { .. } => {}
        }
        self.signal(Signal::Disarmed { partition, by });
        self.end_alarm(partition);
        let bypassed: Vec<u16> =
            self.zones_of(partition).filter(|(_, unit)| unit.bypassed).map(|(zone, _)| zone).collect();
        for zone in bypassed {
            self.bypass_zone(zone, false);
        }
        self.report_duress(by);
    }

    /// Whether a code may operate the partition, and as who. A one-time user disarms once a day `[doc RF]`.
    pub(super) fn judge(&mut self, now: Instant, partition: Partition, code: &str, purpose: Purpose) -> Option<By> {
        let slot = self.users.operator(code, partition)?;
        if purpose == Purpose::Disarm {
            let today = self.clock.day(now);
            let user = self.users.slot_mut(slot)?;
            if user.has(attribute::ONE_TIME) && user.spent_on.replace(today) == Some(today) {
                return None;
            }
        }
        Some(By::User(slot))
    }

    /// Partitions in use.
    pub(super) fn partitions(&self) -> PartitionSet {
        self.units.keys().copied().collect()
    }
}

/// What a code is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Arm,
    Disarm,
    Other,
}
