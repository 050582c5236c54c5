//! Arming, disarming, delays, the bell.

use std::time::Instant;

use panel_driver::sim::PanicKey;
use panel_model::{Partition, Slot, Zone};

use super::codebook::{Attributes, Holder};
use super::panel::{Panel, Task};
use super::signal::{Signal, Status};
use crate::message::PlainArmMode;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arming {
    Disarmed,
    Exit {
        mode: PlainArmMode,
        by: By,
    },
    Armed {
        mode: PlainArmMode,
    },
    /// The zone that began it alarms when it is over.
    Entry {
        mode: PlainArmMode,
        zone: Zone,
    },
}

impl Arming {
    pub(super) fn mode(self) -> Option<PlainArmMode> {
        match self {
            Self::Disarmed => None,
            Self::Exit { mode, .. } | Self::Armed { mode } | Self::Entry { mode, .. } => Some(mode),
        }
    }
}

impl PlainArmMode {
    pub(super) fn is_stay(self) -> bool {
        matches!(self, Self::Stay | Self::StayNoEntry)
    }

    pub(super) fn has_entry_delay(self) -> bool {
        matches!(self, Self::Away | Self::Stay)
    }
}

/// On whose word a partition is armed or disarmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    User(Slot),
    /// Quick arming, a key switch, the maintenance code.
    Special,
}

impl By {
    fn slot(self) -> Option<Slot> {
        match self {
            Self::User(slot) => Some(slot),
            Self::Special => None,
        }
    }
}

/// What a code is to do to a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Arm,
    Disarm,
}

/// The partition cannot be armed: open zones, or armed already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotReady;

impl Panel {
    pub(super) fn can_arm(&self, partition: Partition) -> Result<(), NotReady> {
        if self.is_disarmed(partition) && self.is_ready(partition) { Ok(()) } else { Err(NotReady) }
    }

    /// Begins the exit delay.
    pub(super) fn arm(
        &mut self,
        now: Instant,
        partition: Partition,
        mode: PlainArmMode,
        by: By,
    ) -> Result<(), NotReady> {
        self.can_arm(partition)?;
        let over = now + self.sections.exit_delay(partition, &self.timings);
        let Some(unit) = self.unit_mut(partition) else { return Err(NotReady) };
        unit.arming = Arming::Exit { mode, by };
        unit.memory.clear();
        self.agenda.put(over, Task::ExitOver(partition));
        Ok(())
    }

    pub(super) fn exit_over(&mut self, now: Instant, partition: Partition) {
        let Some(unit) = self.unit_mut(partition) else { return };
        let Arming::Exit { mode, by } = unit.arming else { return };
        unit.arming = Arming::Armed { mode };
        self.settle();
        if self.hostile.double_armed {
            self.signal(Signal::Status(partition, Status::Armed(mode)));
        }
        self.signal(Signal::ClosedBy(partition, by.slot()));
        let bypassed = |panel: &Self| {
            let mut zones = panel.zones.iter();
            zones.any(|(zone, unit)| unit.bypassed && panel.sections.belongs(*zone, partition))
        };
        if bypassed(self) {
            self.signal(Signal::ClosedPartly(partition));
        }
        let open: Vec<Zone> = self.zones.iter().filter(|(_, unit)| unit.open).map(|(zone, _)| *zone).collect();
        for zone in open.into_iter().filter(|zone| self.sections.belongs(*zone, partition)).collect::<Vec<_>>() {
            self.zone_disturbed(now, partition, zone);
        }
    }

    pub(super) fn entry_over(&mut self, now: Instant, partition: Partition) {
        let Some(unit) = self.unit_mut(partition) else { return };
        if let Arming::Entry { mode, zone } = unit.arming {
            unit.arming = Arming::Armed { mode };
            self.zone_alarm(now, partition, zone);
        }
    }

    /// The bell begins to ring for a partition, or goes on.
    pub(super) fn ring(&mut self, now: Instant, partition: Partition) {
        let over = now + self.sections.bell_time(&self.timings);
        let Some(unit) = self.unit_mut(partition) else { return };
        unit.alarm = true;
        if let Arming::Entry { mode, .. } = unit.arming {
            unit.arming = Arming::Armed { mode };
        }
        self.agenda.cancel(&Task::EntryOver(partition));
        self.agenda.put(over, Task::BellOver(partition));
    }

    /// The bell stops by itself: an armed partition says again that it is armed `[doc TPI 3.3, 652]`.
    pub(super) fn bell_over(&mut self, partition: Partition) {
        if let Some(unit) = self.unit_mut(partition) {
            (unit.alarm, unit.fire) = (false, false);
        }
        if self.hostile.stuck_alarm {
            self.hush(partition);
        }
    }

    /// Disarms; also ends an alarm of a disarmed partition and an exit delay.
    pub(super) fn disarm(&mut self, partition: Partition, by: By) {
        let Some(unit) = self.unit_mut(partition) else { return };
        (unit.arming, unit.alarm, unit.fire) = (Arming::Disarmed, false, false);
        for task in [Task::ExitOver(partition), Task::EntryOver(partition), Task::BellOver(partition)] {
            self.agenda.cancel(&task);
        }
        let sections = &self.sections;
        let own = self.zones.iter_mut().filter(|(zone, _)| sections.belongs(**zone, partition));
        own.for_each(|(_, unit)| unit.bypassed = false);
        let mut pair = [Signal::Disarmed(partition), Signal::OpenedBy(partition, by.slot())];
        if self.hostile.opening_first.unwrap_or_else(|| self.rng.one_in(2)) {
            pair.reverse();
        }
        pair.into_iter().for_each(|signal| self.signal(signal));
    }

    /// Whether a code may do this to the partition, and as who.
    pub(super) fn judge(&mut self, now: Instant, partition: Partition, code: &str, operation: Operation) -> Option<By> {
        match (self.codes.holder(code)?, operation) {
            (Holder::User(slot), operation) => {
                let today = self.clock.day(now);
                let user = self.codes.user_mut(slot).filter(|user| user.partitions.contains(partition))?;
                let once = user.attributes.has(Attributes::ONE_TIME) && operation == Operation::Disarm;
                if once && user.spent_on.replace(today) == Some(today) {
                    return None;
                }
                Some(By::User(slot))
            }
            (Holder::Maintenance, Operation::Arm) => Some(By::Special),
            (Holder::Maintenance, Operation::Disarm) if self.unit(partition).is_some_and(|u| u.alarm) => {
                Some(By::Special)
            }
            (Holder::Maintenance | Holder::Installer, _) => None,
        }
    }

    /// A code that was let in may have been given under duress.
    pub(super) fn report_duress(&mut self, by: By) {
        let user = by.slot().and_then(|slot| self.codes.user(slot));
        if user.is_some_and(|user| user.attributes.has(Attributes::DURESS)) {
            self.signal(Signal::Duress);
        }
    }

    /// The three keys that call for help; restored at once, as the module reports them.
    pub(super) fn keypad_alarm(&mut self, now: Instant, partition: Partition, key: PanicKey) {
        self.signal(Signal::KeypadAlarm(key));
        self.signal(Signal::KeypadAlarmRestored(key));
        let audible = match key {
            PanicKey::Fire => true,
            PanicKey::Medical => false,
            PanicKey::Police => self.options.audible_panic,
        };
        if audible {
            if let Some(unit) = self.unit_mut(partition) {
                unit.fire |= key == PanicKey::Fire;
            }
            self.ring(now, partition);
        }
    }
}
