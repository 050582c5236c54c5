//! What happens at the zones.

use std::time::Instant;

use panel_model::{Partition, Zone};

use super::arming::Arming;
use super::panel::{Panel, Task};
use super::sections::ZoneKind;
use super::signal::{Signal, Trouble};

#[derive(Default)]
pub(super) struct ZoneUnit {
    pub(super) open: bool,
    pub(super) tampered: bool,
    /// Bypassed by `*1`; disarming takes it back.
    pub(super) bypassed: bool,
    /// Partitions whose alarm it caused and whose restore is still to be told.
    in_alarm: Vec<Partition>,
    pub(super) closed_at: Option<Instant>,
}

impl ZoneUnit {
    pub(super) fn is_disturbed(&self) -> bool {
        self.open || self.tampered
    }
}

impl Panel {
    /// Opens a zone; an open one stays so and nothing is told.
    pub(super) fn open_zone(&mut self, zone: Zone, now: Instant) {
        let Some(unit) = self.zones.get_mut(&zone) else { return };
        if std::mem::replace(&mut unit.open, true) {
            return;
        }
        self.signal(Signal::ZoneOpened(zone));
        for partition in self.partitions_of(zone) {
            self.zone_disturbed(now, partition, zone);
        }
    }

    /// Closes a zone and ends its tamper, whichever there is.
    pub(super) fn close_zone(&mut self, zone: Zone, now: Instant) {
        let partitions = self.partitions_of(zone);
        let Some(unit) = self.zones.get_mut(&zone) else { return };
        let was_open = std::mem::replace(&mut unit.open, false);
        let was_tampered = std::mem::replace(&mut unit.tampered, false);
        let restored = std::mem::take(&mut unit.in_alarm);
        self.agenda.cancel(&Task::TripOver(zone));
        if was_open {
            unit.closed_at = Some(now);
            self.signal(Signal::ZoneClosed(zone));
        }
        if was_tampered {
            for partition in partitions {
                self.signal(Signal::ZoneTamperRestored(partition, zone));
            }
            self.set_trouble(Trouble::ZoneTamper(zone), false);
        }
        if !self.hostile.stuck_alarm {
            for partition in restored {
                self.signal(Signal::ZoneAlarmRestored(partition, zone));
            }
        }
    }

    /// Opens a zone for a moment.
    pub(super) fn trip_zone(&mut self, zone: Zone, now: Instant) {
        self.open_zone(zone, now);
        self.agenda.put(now + self.timings.trip, Task::TripOver(zone));
    }

    pub(super) fn tamper_zone(&mut self, zone: Zone) {
        let Some(unit) = self.zones.get_mut(&zone) else { return };
        if std::mem::replace(&mut unit.tampered, true) {
            return;
        }
        for partition in self.partitions_of(zone) {
            self.signal(Signal::ZoneTamper(partition, zone));
        }
        self.set_trouble(Trouble::ZoneTamper(zone), true);
    }

    pub(super) fn partitions_of(&self, zone: Zone) -> Vec<Partition> {
        self.units.keys().copied().filter(|p| self.sections.belongs(zone, *p)).collect()
    }

    /// A zone of the partition is open: what follows depends on its kind and on how the partition is armed.
    pub(super) fn zone_disturbed(&mut self, now: Instant, partition: Partition, zone: Zone) {
        if self.installer_at.is_some() || self.is_left_out(partition, zone) {
            return;
        }
        let kind = self.sections.kind(zone);
        let Some(unit) = self.units.get_mut(&partition) else { return };
        match (kind, unit.arming) {
            (ZoneKind::Null, _) => {}
            (ZoneKind::Fire | ZoneKind::AllDay, _) => self.zone_alarm(now, partition, zone),
            (_, Arming::Disarmed | Arming::Exit { .. }) => {}
            // An interior zone follows the way from the door to the keypad.
            (
                ZoneKind::Delay | ZoneKind::DelayStayAway | ZoneKind::Interior | ZoneKind::InteriorStayAway,
                Arming::Entry { .. },
            ) => {}
            (kind, Arming::Armed { mode }) if kind.gives_entry_delay() && mode.has_entry_delay() && !unit.alarm => {
                unit.arming = Arming::Entry { mode, zone };
                let over = now + self.sections.entry_delay(partition, &self.timings);
                self.agenda.put(over, Task::EntryOver(partition));
            }
            (_, Arming::Armed { .. } | Arming::Entry { .. }) => self.zone_alarm(now, partition, zone),
        }
    }

    pub(super) fn zone_alarm(&mut self, now: Instant, partition: Partition, zone: Zone) {
        if let Some(unit) = self.zones.get_mut(&zone) {
            unit.in_alarm.push(partition);
        }
        let is_fire = self.sections.kind(zone) == ZoneKind::Fire;
        if let Some(unit) = self.units.get_mut(&partition) {
            unit.memory.insert(zone);
            unit.fire |= is_fire;
        }
        self.signal(Signal::ZoneAlarm(partition, zone));
        self.ring(now, partition);
    }

    /// Zones that are left out of the partition now: bypassed, or not watched while somebody stays.
    pub(super) fn is_left_out(&self, partition: Partition, zone: Zone) -> bool {
        let bypassed = self.zones.get(&zone).is_some_and(|unit| unit.bypassed);
        let staying = self.unit(partition).and_then(|unit| unit.arming.mode()).is_some_and(|mode| mode.is_stay());
        bypassed || (staying && self.sections.kind(zone).left_out_when_staying())
    }

    /// Zones of the partition that are left out now.
    pub(super) fn left_out(&self, partition: Partition) -> bool {
        let mut zones = self.zones.keys().filter(|zone| self.sections.belongs(**zone, partition));
        zones.any(|zone| self.is_left_out(partition, *zone))
    }
}
