//! Zones: what is programmed for them and what happens at them.

use std::time::Instant;

use panel_model::{Partition, PartitionSet};

use super::arming::Arming;
use super::options::SimConfig;
use super::panel::{Panel, Task};
use super::signal::{Signal, Trouble};
use super::text::Text;

/// Zone attributes of section 002, first byte `[impl NH]`.
pub(super) mod zone_attribute {
    pub(crate) const AUDIBLE: u8 = 0x01;
    pub(crate) const CHIME: u8 = 0x04;
    pub(crate) const BYPASS: u8 = 0x08;
    pub(crate) const FORCE: u8 = 0x10;
}
use zone_attribute::{AUDIBLE, BYPASS, CHIME, FORCE};

/// For made-up zones.
const NAMES: [&str; 16] = [
    "Front Door",
    "Back Door",
    "Hall PIR",
    "Lounge PIR",
    "Kitchen Window",
    "Garage Door",
    "Safe",
    "Smoke Landing",
    "Cellar Door",
    "Office PIR",
    "Bedroom Window",
    "Bath Window",
    "Attic PIR",
    "Shed Door",
    "Panic Button",
    "Heat Boiler",
];
/// Types of made-up zones, over and over.
const TYPES: [u8; 8] = [1, 3, 5, 5, 3, 3, 17, 8];

pub(super) struct ZoneUnit {
    /// Section 001.
    pub(super) zone_type: u8,
    /// Section 002.
    pub(super) attributes: [u8; 2],
    /// Section 307.
    pub(super) reporting: u8,
    pub(super) label: Text,
    /// Sections 201 and on.
    pub(super) partitions: PartitionSet,
    pub(super) open: bool,
    pub(super) tampered: bool,
    pub(super) faulted: bool,
    pub(super) battery_low: bool,
    pub(super) bypassed: bool,
    /// It caused an alarm and has not closed since.
    pub(super) in_alarm: bool,
    pub(super) in_memory: bool,
}

/// What a zone does `[doc RF]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ZoneKind {
    NotUsed,
    /// Begins the entry delay.
    Delay,
    Instant,
    /// Follows the way from the door to the keypad.
    Interior,
    /// Alarms whatever the partition does.
    AllDay(AlarmType),
    /// Never alarms.
    Quiet,
}

/// The alarm type of 0840. No source tells the numbers `[inferred]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AlarmType {
    Burglary,
    Fire,
    AllDay,
    Holdup,
    Gas,
    Medical,
    Technical,
}

impl AlarmType {
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Burglary => 1,
            Self::AllDay => 2,
            Self::Fire => 3,
            Self::Gas => 4,
            Self::Holdup => 5,
            Self::Medical => 6,
            Self::Technical => 7,
        }
    }
}

impl ZoneUnit {
    pub(super) fn kind(&self) -> ZoneKind {
        use AlarmType as A;
        match self.zone_type {
            0 => ZoneKind::NotUsed,
            1 | 2 | 6 | 16 => ZoneKind::Delay,
            4 | 5 | 10 => ZoneKind::Interior,
            7 | 8 | 25 => ZoneKind::AllDay(A::Fire),
            17 | 18 | 51 | 60 => ZoneKind::AllDay(A::AllDay),
            40 | 41 => ZoneKind::AllDay(A::Gas),
            42 | 43 => ZoneKind::AllDay(A::Holdup),
            46 | 47 => ZoneKind::AllDay(A::Medical),
            45 | 48 | 49 | 56 | 57 => ZoneKind::AllDay(A::Technical),
            23 | 24 | 27 | 52 | 53 | 66..=69 | 71 | 72 => ZoneKind::Quiet,
            _ => ZoneKind::Instant,
        }
    }

    /// Stay/away and night types.
    fn left_out_when_staying(&self) -> bool {
        matches!(self.zone_type, 5 | 6 | 9 | 12)
    }

    pub(super) fn is_used(&self) -> bool {
        self.zone_type != 0
    }

    pub(super) fn is_disturbed(&self) -> bool {
        self.open || self.tampered || self.faulted
    }

    pub(super) fn alarm_type(&self) -> AlarmType {
        match self.kind() {
            ZoneKind::AllDay(kind) => kind,
            _ => AlarmType::Burglary,
        }
    }

    /// The status byte of 0811.
    pub(super) fn status(&self) -> u8 {
        let bits = [
            self.open,
            self.tampered,
            self.faulted,
            self.battery_low,
            false,
            self.in_alarm,
            self.in_memory,
            self.bypassed,
        ];
        bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit))
    }
}

/// All zones of the model; those not in use have type 0. Zones are dealt out to the partitions in blocks.
pub(super) fn make_zones(config: &SimConfig) -> Vec<ZoneUnit> {
    let block = config.zones.div_ceil(config.partitions.max(1).into()).max(1);
    let make = |zone: u16| {
        let index = usize::from(zone - 1);
        let used = zone <= config.zones;
        let made_up = TYPES.get(index % TYPES.len()).copied().unwrap_or(3);
        let named = config.options.zone_types.get(&zone).copied();
        let label = match NAMES.get(index) {
            Some(name) if used => Text::new(name),
            _ => Text::new(&format!("Zone {zone}")),
        };
        ZoneUnit {
            zone_type: if used { named.unwrap_or(made_up) } else { 0 },
            attributes: [AUDIBLE | CHIME | BYPASS, 0x02],
            reporting: 0x3F,
            label,
            partitions: if used { one((zone - 1) / block + 1) } else { PartitionSet::EMPTY },
            open: false,
            tampered: false,
            faulted: false,
            battery_low: false,
            bypassed: false,
            in_alarm: false,
            in_memory: false,
        }
    };
    (1..=config.model.capacity().zones).map(make).collect()
}

fn one(partition: u16) -> PartitionSet {
    Partition::new(partition.into()).into_iter().collect()
}

impl Panel {
    pub(super) fn zone(&self, zone: u16) -> Option<&ZoneUnit> {
        self.zones.get(usize::from(zone).checked_sub(1)?)
    }

    pub(super) fn zone_mut(&mut self, zone: u16) -> Option<&mut ZoneUnit> {
        self.zones.get_mut(usize::from(zone).checked_sub(1)?)
    }

    /// Every zone of the model with its number.
    pub(super) fn zones(&self) -> impl Iterator<Item = (u16, &ZoneUnit)> {
        (1_u16..).zip(&self.zones)
    }

    /// Zones in use of the partition.
    pub(super) fn zones_of(&self, partition: Partition) -> impl Iterator<Item = (u16, &ZoneUnit)> {
        self.zones().filter(move |(_, unit)| unit.is_used() && unit.partitions.contains(partition))
    }

    /// Partitions in use that the zone belongs to.
    pub(super) fn partitions_of(&self, zone: u16) -> Vec<Partition> {
        let set = self.zone(zone).map(|unit| unit.partitions).unwrap_or_default();
        self.units.keys().copied().filter(|p| set.contains(*p)).collect()
    }

    /// Opens a zone; an open one stays so and nothing is told.
    pub(super) fn open_zone(&mut self, now: Instant, zone: u16) {
        let Some(unit) = self.zone_mut(zone) else { return };
        if std::mem::replace(&mut unit.open, true) {
            return;
        }
        self.signal(Signal::ZoneOpened(zone));
        self.zone_disturbed(now, zone);
    }

    /// Closes a zone and ends its tamper, whichever there is.
    pub(super) fn close_zone(&mut self, zone: u16) {
        self.agenda.cancel(&Task::TripOver(zone));
        let Some(unit) = self.zone_mut(zone) else { return };
        let was_open = std::mem::replace(&mut unit.open, false);
        let was_tampered = std::mem::replace(&mut unit.tampered, false);
        let was_in_alarm = std::mem::replace(&mut unit.in_alarm, false);
        let alarm_type = unit.alarm_type();
        if was_open {
            self.signal(Signal::ZoneClosed(zone));
        }
        if was_tampered {
            self.set_trouble(Trouble::ZoneTamper(zone), false);
        }
        // The alarm of the zone ends with the zone, not with the alarm of its partition [impl NH#42].
        if was_in_alarm {
            for partition in self.partitions_of(zone) {
                self.signal(Signal::ZoneAlarm { partition, zone, alarm_type, on: false });
            }
        }
    }

    /// Opens a zone for a moment.
    pub(super) fn trip_zone(&mut self, now: Instant, zone: u16) {
        self.open_zone(now, zone);
        self.agenda.put(now + self.timings.trip, Task::TripOver(zone));
    }

    pub(super) fn tamper_zone(&mut self, now: Instant, zone: u16) {
        let Some(unit) = self.zone_mut(zone) else { return };
        if std::mem::replace(&mut unit.tampered, true) {
            return;
        }
        self.set_trouble(Trouble::ZoneTamper(zone), true);
        self.zone_disturbed(now, zone);
    }

    pub(super) fn set_zone_fault(&mut self, zone: u16, on: bool) {
        if let Some(unit) = self.zone_mut(zone) {
            unit.faulted = on;
            self.set_trouble(Trouble::ZoneFault(zone), on);
        }
    }

    pub(super) fn set_zone_battery(&mut self, zone: u16, low: bool) {
        if let Some(unit) = self.zone_mut(zone) {
            unit.battery_low = low;
            self.set_trouble(Trouble::ZoneBattery(zone), low);
        }
    }

    /// Leaves a zone out or takes it in again; whether the zone may be.
    pub(super) fn bypass_zone(&mut self, zone: u16, on: bool) -> bool {
        let Some(unit) = self.zone_mut(zone).filter(|unit| unit.is_used()) else { return false };
        if on && unit.attributes.first().is_none_or(|bits| bits & BYPASS == 0) {
            return false;
        }
        if std::mem::replace(&mut unit.bypassed, on) != on {
            self.signal(Signal::Bypass(zone, on));
            for partition in self.partitions_of(zone) {
                let any = self.zones_of(partition).any(|(_, unit)| unit.bypassed);
                self.signal(Signal::BypassFlag(partition, any));
            }
        }
        true
    }

    /// A zone is open or tampered: what follows depends on its kind and on how each partition is armed.
    pub(super) fn zone_disturbed(&mut self, now: Instant, zone: u16) {
        for partition in self.partitions_of(zone) {
            if !self.programming.is_installer() && !self.is_left_out(partition, zone) {
                self.zone_disturbed_in(now, partition, zone);
            }
        }
    }

    fn zone_disturbed_in(&mut self, now: Instant, partition: Partition, zone: u16) {
        let Some(kind) = self.zone(zone).map(ZoneUnit::kind) else { return };
        let Some(unit) = self.units.get(&partition) else { return };
        match (kind, unit.arming) {
            (ZoneKind::NotUsed | ZoneKind::Quiet, _) => {}
            (ZoneKind::AllDay(_), _) => self.zone_alarm(now, partition, zone),
            (_, Arming::Disarmed | Arming::Exit { .. }) => {}
            (ZoneKind::Delay | ZoneKind::Interior, Arming::Entry { .. }) => {}
            (ZoneKind::Delay, Arming::Armed { mode }) if mode.has_entry_delay() && !unit.alarm => {
                self.begin_entry(now, partition, mode, zone);
            }
            (_, Arming::Armed { .. } | Arming::Entry { .. }) => self.zone_alarm(now, partition, zone),
        }
    }

    pub(super) fn zone_alarm(&mut self, now: Instant, partition: Partition, zone: u16) {
        let Some(unit) = self.zone_mut(zone) else { return };
        (unit.in_alarm, unit.in_memory) = (true, true);
        let alarm_type = unit.alarm_type();
        let audible =
            unit.attributes.first().is_some_and(|bits| bits & AUDIBLE != 0) && alarm_type != AlarmType::Holdup;
        self.signal(Signal::ZoneAlarm { partition, zone, alarm_type, on: true });
        self.alarm(now, partition, alarm_type, audible);
    }

    /// Zones that are left out of the partition now: bypassed, or not watched while somebody stays.
    fn is_left_out(&self, partition: Partition, zone: u16) -> bool {
        let Some(zone) = self.zone(zone) else { return true };
        let staying = self.units.get(&partition).and_then(|unit| unit.arming.mode()).is_some_and(|mode| mode.is_stay());
        zone.bypassed || (staying && zone.left_out_when_staying())
    }

    /// Whether the partition's disturbed zones can all be left out by force arming.
    pub(super) fn can_be_forced(&self, partition: Partition) -> bool {
        let forced = |unit: &ZoneUnit| unit.attributes.first().is_some_and(|bits| bits & FORCE != 0);
        self.zones_of(partition).filter(|(_, unit)| unit.is_disturbed() && !unit.bypassed).all(|(_, unit)| forced(unit))
    }

    /// Whether every zone of the partition is closed or left out.
    pub(super) fn all_closed(&self, partition: Partition) -> bool {
        self.zones_of(partition).all(|(_, unit)| !unit.is_disturbed() || unit.bypassed)
    }
}
