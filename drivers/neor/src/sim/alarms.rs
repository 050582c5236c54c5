//! Alarms: the bell, the memory, the keys that call for help; and how a partition shows in 0812.

use std::time::Instant;

use panel_driver::sim::PanicKey;
use panel_model::Partition;

use super::arming::{Arming, By};
use super::panel::{Panel, Task};
use super::signal::{DelayKind, Readiness, Signal};
use super::zones::AlarmType;
use crate::message::attribute;

impl Panel {
    /// An alarm begins in a partition, or goes on.
    pub(super) fn alarm(&mut self, now: Instant, partition: Partition, kind: AlarmType, audible: bool) {
        let minutes = self.options.bell_minutes.max(1);
        let over = now + self.timings.minute * u32::from(minutes);
        let Some(unit) = self.units.get_mut(&partition) else { return };
        unit.fire |= kind == AlarmType::Fire;
        if let Arming::Entry { mode, .. } = unit.arming {
            unit.arming = Arming::Armed { mode };
            self.cancel_delay(partition);
            self.signal(Signal::DelayOver(partition, DelayKind::Entry));
        }
        self.agenda.put(over, Task::BellOver(partition));
        let Some(unit) = self.units.get_mut(&partition) else { return };
        let (was_alarm, was_memory) = (unit.alarm, unit.memory);
        (unit.alarm, unit.memory) = (true, true);
        let rings = audible && !unit.bell;
        unit.bell |= audible;
        if rings {
            self.signal(Signal::Bell { partition, seconds: Some(u16::from(minutes) * 60) });
        }
        if !was_memory {
            self.signal(Signal::Memory(partition, true));
        }
        if !was_alarm {
            self.signal(Signal::PartitionAlarm(partition, true));
        }
    }

    /// The bell stops by itself, and with it the alarm.
    pub(super) fn bell_over(&mut self, partition: Partition) {
        self.end_alarm(partition);
    }

    pub(super) fn end_alarm(&mut self, partition: Partition) {
        self.agenda.cancel(&Task::BellOver(partition));
        let Some(unit) = self.units.get_mut(&partition) else { return };
        unit.fire = false;
        let rang = std::mem::replace(&mut unit.bell, false);
        let was_alarm = std::mem::replace(&mut unit.alarm, false);
        if rang {
            self.signal(Signal::Bell { partition, seconds: None });
        }
        if was_alarm {
            self.signal(Signal::PartitionAlarm(partition, false));
        }
    }

    pub(super) fn clear_memory(&mut self, partition: Partition) {
        let zones: Vec<u16> = self.zones_of(partition).map(|(zone, _)| zone).collect();
        for zone in zones {
            if let Some(unit) = self.zone_mut(zone) {
                unit.in_memory = false;
            }
        }
        if let Some(unit) = self.units.get_mut(&partition)
            && std::mem::replace(&mut unit.memory, false)
        {
            self.signal(Signal::Memory(partition, false));
        }
    }

    /// A code that was let in may have been given under duress. No message says so.
    pub(super) fn report_duress(&mut self, by: By) {
        let user = by.slot().and_then(|slot| self.users.slot(slot));
        if user.is_some_and(|user| user.has(attribute::DURESS)) {
            self.signal(Signal::Duress);
        }
    }

    /// The three keys that call for help.
    pub(super) fn panic(&mut self, now: Instant, partition: Partition, key: PanicKey) {
        self.signal(Signal::Panic(partition, key));
        if key == PanicKey::Fire {
            self.alarm(now, partition, AlarmType::Fire, true);
        }
    }

    /// First status byte of 0812.
    pub(super) fn arming_bits(&self, partition: Partition) -> u8 {
        let Some(unit) = self.units.get(&partition) else { return 0 };
        match unit.arming {
            Arming::Disarmed => match self.readiness(partition) {
                Some(Readiness::Ready) => 0x02,
                Some(Readiness::Forced) => 0x04,
                _ => 0x08,
            },
            Arming::Exit { .. } => 0x20,
            Arming::Armed { mode } => mode.bits(),
            Arming::Entry { mode, .. } => mode.bits() | 0x40,
        }
    }

    /// Second status byte of 0812.
    pub(super) fn alarm_bits(&self, partition: Partition) -> u8 {
        let Some(unit) = self.units.get(&partition) else { return 0 };
        let bits = [
            unit.alarm,
            !self.troubles.is_empty(),
            self.zones_of(partition).any(|(_, zone)| zone.bypassed),
            self.programming.is_occupied(),
            unit.memory,
            false,
            unit.bell,
            false,
        ];
        bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit))
    }

    /// Third status byte of 0812.
    pub(super) fn fire_bits(&self, partition: Partition) -> u8 {
        if self.units.get(&partition).is_some_and(|unit| unit.fire) { 0x02 } else { 0 }
    }
}
