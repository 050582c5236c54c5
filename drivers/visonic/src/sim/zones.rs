//! What happens at the zones.

use std::time::Instant;

use panel_driver::sim::later;

use super::arming::Arming;
use super::devices::{Device, event};
use super::panel::{Panel, Task};
use super::signal::{Sign, Signal, Trouble, Wire};

/// Zone types of 4.10, by what they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ZoneKind {
    /// Types that never alarm: non-alarm, temperature, none.
    Idle,
    /// Round the clock, with the event of its alarm.
    AllDay(u8),
    /// Entry delay 1 or 2.
    Delay(u8),
    InteriorFollow,
    Interior,
    Perimeter,
    PerimeterFollow,
    /// Delay at home, perimeter-follow when away.
    HomeDelay,
    Outdoor,
}

impl ZoneKind {
    pub(super) fn of(kind: u8) -> Self {
        match kind {
            1 => Self::AllDay(event::EMERGENCY),
            2 => Self::AllDay(event::FLOOD),
            3 => Self::AllDay(event::GAS),
            4 => Self::Delay(1),
            5 => Self::Delay(2),
            6 => Self::InteriorFollow,
            7 => Self::Perimeter,
            8 => Self::PerimeterFollow,
            9 => Self::AllDay(event::SILENT_24H),
            10 => Self::AllDay(event::AUDIBLE_24H),
            11 => Self::AllDay(event::FIRE),
            12 => Self::Interior,
            13 => Self::HomeDelay,
            15 => Self::Outdoor,
            _ => Self::Idle,
        }
    }

    pub(super) fn is_interior(self) -> bool {
        matches!(self, Self::Interior | Self::InteriorFollow)
    }

    pub(super) fn alarm(self) -> u8 {
        match self {
            Self::AllDay(code) => code,
            Self::Delay(_) | Self::HomeDelay => event::DELAY_ALARM,
            Self::Interior | Self::InteriorFollow => event::INTERIOR_ALARM,
            Self::Outdoor => event::OUTDOOR,
            Self::Perimeter | Self::PerimeterFollow | Self::Idle => event::PERIMETER_ALARM,
        }
    }
}

#[derive(Default)]
pub(super) struct ZoneUnit {
    pub(super) enrolled: bool,
    /// Tells motion; its `open` lasts a moment only.
    pub(super) motion: bool,
    pub(super) open: bool,
    pub(super) tampered: bool,
    pub(super) tamper_memory: bool,
    pub(super) low_battery: bool,
    pub(super) lost: bool,
    pub(super) bypassed: bool,
    /// Event of the alarm that it caused and that is not restored yet.
    pub(super) in_alarm: Option<u8>,
    /// Stays until the next arming.
    pub(super) alarm_memory: bool,
    /// Seconds since 1970 of local time, and the code of B0 4B.
    pub(super) last: (u32, u8),
}

impl Panel {
    /// Opens a zone; an open one stays so and nothing is told.
    pub(super) fn open_zone(&mut self, now: Instant, zone: u8) {
        let told = self.motion_is_told(zone);
        let unix = self.clock.unix(now);
        let Some(unit) = self.zone_mut(zone) else { return };
        if std::mem::replace(&mut unit.open, true) {
            return;
        }
        let sign = if unit.motion { Sign::Violated } else { Sign::Opened };
        unit.last = (unix, if unit.motion { 3 } else { 1 });
        self.tell_zone(zone, sign, told);
        for partition in self.partitions_of(zone) {
            self.zone_disturbed(now, partition, zone);
        }
    }

    /// Closes a zone and ends its tamper, whichever there is.
    pub(super) fn close_zone(&mut self, now: Instant, zone: u8) {
        self.agenda.cancel(&Task::TripOver(zone));
        let unix = self.clock.unix(now);
        let Some(unit) = self.zone_mut(zone) else { return };
        let was_open = std::mem::replace(&mut unit.open, false);
        let was_tampered = std::mem::replace(&mut unit.tampered, false);
        let in_alarm = unit.in_alarm.take();
        let motion = unit.motion;
        if was_open && !motion {
            unit.last = (unix, 2);
        }
        if was_open {
            // A motion detector says nothing when it is quiet again.
            self.tell_zone(zone, Sign::Closed, !motion);
        }
        if was_tampered {
            self.signal(Signal::zone(zone, Sign::TamperRestored));
            self.set_trouble(Trouble::ZoneTamper(zone), false);
        }
        if let Some(code) = in_alarm {
            let partitions = self.mask_of(zone);
            let wire = Wire::Event { device: Device::Zone(zone), code: event::restore(code), partitions };
            self.signal(Signal { wire, json: Some(serde_json::json!({"event": "zone_alarm_restored", "zone": zone})) });
            self.signal(Signal { wire: Wire::Alarms, json: None });
        }
    }

    fn tell_zone(&mut self, zone: u8, sign: Sign, told: bool) {
        let mut signal = Signal::zone(zone, sign);
        if !told {
            signal.wire = Wire::Nothing;
        }
        self.signal(signal);
    }

    /// A disarmed PowerMaster does not report motion (dossier 6.9).
    fn motion_is_told(&self, zone: u8) -> bool {
        let silent = self.model.is_master() && !self.options.motion_while_disarmed;
        let motion = self.zone(zone).is_some_and(|unit| unit.motion);
        let armed = self.partitions_of(zone).into_iter().any(|p| !self.is_disarmed(p));
        !(silent && motion) || armed
    }

    /// Opens a zone for a moment.
    pub(super) fn trip_zone(&mut self, now: Instant, zone: u8) {
        self.open_zone(now, zone);
        self.agenda.put(later(now, self.timings.trip), Task::TripOver(zone));
    }

    pub(super) fn tamper_zone(&mut self, now: Instant, zone: u8) {
        let Some(unit) = self.zone_mut(zone) else { return };
        if std::mem::replace(&mut unit.tampered, true) {
            return;
        }
        unit.tamper_memory = true;
        self.signal(Signal::zone(zone, Sign::TamperOpened));
        self.set_trouble(Trouble::ZoneTamper(zone), true);
        let armed: Vec<u8> = self.partitions_of(zone).into_iter().filter(|p| !self.is_disarmed(*p)).collect();
        for partition in armed {
            self.ring(now, partition);
        }
    }

    /// An open zone: what follows depends on its type and on how the partition is armed.
    pub(super) fn zone_disturbed(&mut self, now: Instant, partition: u8, zone: u8) {
        let kind = self.kind(zone);
        let bypassed = self.zone(zone).is_none_or(|unit| unit.bypassed);
        if bypassed || kind == ZoneKind::Idle || self.installer_menu || self.walk_test {
            return;
        }
        let Some(unit) = self.unit(partition) else { return };
        let (arming, sounding) = (unit.arming, unit.alarm);
        if let ZoneKind::AllDay(_) = kind {
            return self.zone_alarm(now, partition, zone);
        }
        let Some(mode) = arming.mode().filter(|_| !matches!(arming, Arming::Exit { .. })) else { return };
        if mode.home && kind.is_interior() {
            return;
        }
        let entering = matches!(arming, Arming::Entry { .. });
        let follows = matches!(
            kind,
            ZoneKind::Delay(_) | ZoneKind::InteriorFollow | ZoneKind::PerimeterFollow | ZoneKind::HomeDelay
        );
        let delays = matches!(kind, ZoneKind::Delay(_)) || (kind == ZoneKind::HomeDelay && mode.home);
        if entering && follows {
            return;
        }
        if delays && !mode.instant && !sounding {
            let delay = if kind == ZoneKind::Delay(2) { 2 } else { 1 };
            return self.begin_entry(now, partition, zone, delay);
        }
        self.zone_alarm(now, partition, zone);
    }

    pub(super) fn zone_alarm(&mut self, now: Instant, partition: u8, zone: u8) {
        let code = self.kind(zone).alarm();
        if let Some(unit) = self.zone_mut(zone) {
            unit.in_alarm = Some(code);
            unit.alarm_memory = true;
        }
        let json = serde_json::json!({"event": "zone_alarm", "partition": partition + 1, "zone": zone});
        let wire = Wire::Event { device: Device::Zone(zone), code, partitions: 1 << partition };
        self.signal(Signal { wire, json: Some(json) });
        self.signal(Signal { wire: Wire::Alarms, json: None });
        if code == event::SILENT_24H {
            if let Some(unit) = self.unit_mut(partition) {
                unit.memory = true;
            }
        } else {
            self.ring(now, partition);
        }
    }

    pub(super) fn set_zone_battery(&mut self, zone: u8, low: bool) {
        let Some(unit) = self.zone_mut(zone) else { return };
        if std::mem::replace(&mut unit.low_battery, low) != low {
            self.signal(Signal::zone(zone, if low { Sign::LowBattery } else { Sign::BatteryRestored }));
            self.set_trouble(Trouble::ZoneBattery(zone), low);
        }
    }

    pub(super) fn set_zone_lost(&mut self, zone: u8, lost: bool) {
        let Some(unit) = self.zone_mut(zone) else { return };
        if std::mem::replace(&mut unit.lost, lost) != lost {
            self.signal(Signal::zone(zone, if lost { Sign::Lost } else { Sign::Found }));
            self.set_trouble(Trouble::ZoneLost(zone), lost);
        }
    }

    pub(super) fn kind(&self, zone: u8) -> ZoneKind {
        ZoneKind::of(self.eeprom.zone_type(zone))
    }

    pub(super) fn zone(&self, zone: u8) -> Option<&ZoneUnit> {
        self.zones.get(usize::from(zone).checked_sub(1)?)
    }

    pub(super) fn zone_mut(&mut self, zone: u8) -> Option<&mut ZoneUnit> {
        self.zones.get_mut(usize::from(zone).checked_sub(1)?)
    }

    /// Numbers and states of the zones that have a detector.
    pub(super) fn enrolled_zones(&self) -> impl Iterator<Item = (u8, &ZoneUnit)> {
        (1..=u8::MAX).zip(&self.zones).filter(|(_, unit)| unit.enrolled)
    }

    /// Bit n-1 for every partition that the zone belongs to.
    pub(super) fn mask_of(&self, zone: u8) -> u8 {
        if self.units.len() > 1 { self.eeprom.zone_partitions(zone) & 0x07 } else { 1 }
    }

    fn partitions_of(&self, zone: u8) -> Vec<u8> {
        let mask = self.mask_of(zone);
        (0..3).filter(|partition| mask & (1 << partition) != 0).collect()
    }

    /// A bit for each enrolled zone that is so; bit 0 is zone 1.
    pub(super) fn zone_mask(&self, is_so: impl Fn(&ZoneUnit) -> bool) -> u64 {
        let zones = self.enrolled_zones().filter(|(_, unit)| is_so(unit));
        zones.fold(0, |mask, (zone, _)| mask | (1 << (zone - 1)))
    }
}
