//! Arming, disarming, delays, the siren.

use std::time::{Duration, Instant};

use panel_driver::sim::later;
use serde_json::json;

use super::devices::{Device, event};
use super::panel::{Panel, Task};
use super::signal::Signal;
use super::zones::{ZoneKind, ZoneUnit};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) home: bool,
    /// No entry delay.
    pub(super) instant: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arming {
    Disarmed,
    Exit {
        mode: Mode,
    },
    Armed {
        mode: Mode,
    },
    /// The zone that began it alarms when it is over.
    Entry {
        mode: Mode,
        zone: u8,
    },
}

impl Arming {
    pub(super) fn mode(self) -> Option<Mode> {
        match self {
            Self::Disarmed => None,
            Self::Exit { mode } | Self::Armed { mode } | Self::Entry { mode, .. } => Some(mode),
        }
    }

    /// The status of 4.3, without what the whole panel does.
    pub(super) fn status(self, bypassed: bool) -> u8 {
        let instant = if self.mode().is_some_and(|mode| mode.instant) { 0x10 } else { 0 };
        let home = self.mode().is_some_and(|mode| mode.home);
        instant
            | match self {
                Self::Disarmed => 0x00,
                Self::Exit { .. } if home => 0x01,
                Self::Exit { .. } => 0x02,
                Self::Entry { .. } => 0x03,
                Self::Armed { .. } if bypassed && instant == 0 => {
                    if home {
                        0x0A
                    } else {
                        0x0B
                    }
                }
                Self::Armed { .. } if home => 0x04,
                Self::Armed { .. } => 0x05,
            }
    }
}

/// On whose word a partition is armed or disarmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    User(u8),
    Tag(u8),
    /// Arming without a code.
    Nobody,
}

impl By {
    fn device(self) -> Device {
        match self {
            Self::User(slot) => Device::User(slot),
            Self::Tag(slot) => Device::Tag(slot),
            Self::Nobody => Device::System,
        }
    }

    fn slot(self) -> Option<u8> {
        match self {
            Self::User(slot) | Self::Tag(slot) => Some(slot),
            Self::Nobody => None,
        }
    }
}

pub(super) struct Unit {
    pub(super) arming: Arming,
    /// The siren sounds for it, or help is called.
    pub(super) alarm: bool,
    /// There was an alarm since it was armed last.
    pub(super) memory: bool,
    /// The exit or entry delay ends within ten seconds.
    pub(super) last_ten: bool,
    /// What hosts and watchers were told last.
    pub(super) told: Option<Face>,
}

/// What a partition shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Face {
    pub(super) status: u8,
    pub(super) flags: u8,
}

impl Unit {
    pub(super) fn new() -> Self {
        Self { arming: Arming::Disarmed, alarm: false, memory: false, last_ten: false, told: None }
    }
}

impl Panel {
    /// Begins the exit delay. `false`, and nothing happens, while zones are open that may not be left out.
    pub(super) fn arm(&mut self, now: Instant, partition: u8, mode: Mode, by: By) -> bool {
        let open = self.in_the_way(partition, mode.home);
        let force = self.bypass_mode() == 0x40;
        if !open.is_empty() && !force {
            self.signal(Signal::watch(json!({"event": "failed_to_arm", "partition": partition + 1})));
            return false;
        }
        for zone in &open {
            self.set_bypassed(*zone, true);
        }
        let delay = self.timings.second * self.eeprom.byte(super::eeprom::EXIT_DELAY).into();
        let Some(unit) = self.unit_mut(partition) else { return false };
        (unit.arming, unit.memory, unit.last_ten) = (Arming::Exit { mode }, false, false);
        for zone in self.zones_of(partition) {
            if let Some(unit) = self.zone_mut(zone) {
                (unit.alarm_memory, unit.tamper_memory) = (false, false);
            }
        }
        self.agenda.put(later(now, delay), Task::ExitOver(partition));
        self.last_ten(now, partition, delay);
        self.tell_armed(partition, mode, by, !open.is_empty());
        true
    }

    fn tell_armed(&mut self, partition: u8, mode: Mode, by: By, forced: bool) {
        let code = match (mode.home, by) {
            (true, By::Nobody) => event::QUICK_HOME,
            (false, By::Nobody) => event::QUICK_AWAY,
            (true, _) => event::ARM_HOME,
            (false, _) => event::ARM_AWAY,
        };
        let json = json!({"event": "armed_by", "partition": partition + 1, "slot": by.slot()});
        self.event(by.device(), code, 1 << partition, Some(json));
        if mode.instant {
            self.event(by.device(), event::INSTANT_ARM, 1 << partition, None);
        }
        if forced {
            let json = json!({"event": "armed_with_bypass", "partition": partition + 1});
            self.event(by.device(), event::FORCE_ARM, 1 << partition, Some(json));
        }
    }

    fn last_ten(&mut self, now: Instant, partition: u8, delay: Duration) {
        let ten = self.timings.second * 10;
        if delay > ten {
            self.agenda.put(now + (delay - ten), Task::LastTen(partition));
        }
    }

    pub(super) fn last_ten_begin(&mut self, partition: u8) {
        if let Some(unit) = self.unit_mut(partition) {
            unit.last_ten = true;
        }
    }

    pub(super) fn exit_over(&mut self, now: Instant, partition: u8) {
        let Some(unit) = self.unit_mut(partition) else { return };
        let Arming::Exit { mode } = unit.arming else { return };
        (unit.arming, unit.last_ten) = (Arming::Armed { mode }, false);
        self.settle();
        for zone in self.zones_of(partition) {
            if self.zone(zone).is_some_and(|unit| unit.open) {
                self.zone_disturbed(now, partition, zone);
            }
        }
    }

    pub(super) fn begin_entry(&mut self, now: Instant, partition: u8, zone: u8, which: u16) {
        let delay = self.timings.second * self.eeprom.byte(super::eeprom::ENTRY_DELAYS + which - 1).into();
        let Some(unit) = self.unit_mut(partition) else { return };
        let Some(mode) = unit.arming.mode() else { return };
        (unit.arming, unit.last_ten) = (Arming::Entry { mode, zone }, false);
        self.agenda.put(later(now, delay), Task::EntryOver(partition));
        self.last_ten(now, partition, delay);
    }

    pub(super) fn entry_over(&mut self, now: Instant, partition: u8) {
        let Some(unit) = self.unit_mut(partition) else { return };
        if let Arming::Entry { mode, zone } = unit.arming {
            (unit.arming, unit.last_ten) = (Arming::Armed { mode }, false);
            self.zone_alarm(now, partition, zone);
        }
    }

    /// The siren begins to sound for a partition, or goes on.
    pub(super) fn ring(&mut self, now: Instant, partition: u8) {
        let over = later(now, self.timings.minute * self.eeprom.byte(super::eeprom::BELL_TIME).into());
        let Some(unit) = self.unit_mut(partition) else { return };
        (unit.alarm, unit.memory, unit.last_ten) = (true, true, false);
        if let Arming::Entry { mode, .. } = unit.arming {
            unit.arming = Arming::Armed { mode };
        }
        self.agenda.cancel(&Task::EntryOver(partition));
        self.agenda.put(over, Task::BellOver(partition));
    }

    /// The siren stops by itself, or is muted.
    pub(super) fn hush(&mut self, partition: u8) {
        self.agenda.cancel(&Task::BellOver(partition));
        if let Some(unit) = self.unit_mut(partition) {
            unit.alarm = false;
        }
    }

    /// Disarms; also ends an alarm of a disarmed partition and an exit delay.
    pub(super) fn disarm(&mut self, partition: u8, by: By) {
        let Some(unit) = self.unit_mut(partition) else { return };
        let was = (unit.arming, unit.alarm);
        (unit.arming, unit.alarm, unit.last_ten) = (Arming::Disarmed, false, false);
        let delays = [Task::ExitOver, Task::LastTen, Task::EntryOver, Task::BellOver];
        for task in delays {
            self.agenda.cancel(&task(partition));
        }
        if was == (Arming::Disarmed, false) {
            return;
        }
        for zone in self.zones_of(partition) {
            self.set_bypassed(zone, false);
        }
        let json = json!({"event": "disarmed", "partition": partition + 1, "slot": by.slot()});
        self.event(by.device(), event::DISARM, 1 << partition, Some(json));
    }

    /// Zones that keep the partition from being armed.
    fn in_the_way(&self, partition: u8, home: bool) -> Vec<u8> {
        let counts = |zone: u8, unit: &ZoneUnit| {
            let kind = self.kind(zone);
            let open = (unit.open && !unit.motion) || unit.tampered;
            open && !unit.bypassed && kind != ZoneKind::Idle && !(home && kind.is_interior())
        };
        let zones = self.enrolled_zones().filter(|(zone, unit)| counts(*zone, unit)).map(|(zone, _)| zone);
        zones.filter(|zone| self.mask_of(*zone) & (1 << partition) != 0).collect()
    }

    pub(super) fn is_ready(&self, partition: u8) -> bool {
        self.in_the_way(partition, false).is_empty()
    }

    pub(super) fn is_disarmed(&self, partition: u8) -> bool {
        self.unit(partition).is_none_or(|unit| unit.arming == Arming::Disarmed)
    }

    pub(super) fn zones_of(&self, partition: u8) -> Vec<u8> {
        let zones = self.enrolled_zones().map(|(zone, _)| zone);
        zones.filter(|zone| self.mask_of(*zone) & (1 << partition) != 0).collect()
    }

    /// Status and flags of 4.3; downloading is the line's business.
    pub(super) fn face(&self, partition: u8) -> Face {
        let Some(unit) = self.unit(partition) else { return Face { status: 0, flags: 0 } };
        let bypassed = self.zones_of(partition).into_iter().any(|zone| self.zone(zone).is_some_and(|z| z.bypassed));
        let status = match unit.arming {
            Arming::Disarmed if self.installer_menu => 0x09,
            Arming::Disarmed if self.walk_test => 0x06,
            arming => arming.status(bypassed),
        };
        let flags = [
            (self.is_ready(partition), 0x01),
            (unit.memory, 0x02),
            (!self.troubles.is_empty(), 0x04),
            (bypassed, 0x08),
            (unit.last_ten, 0x10),
            (unit.alarm, 0x80),
        ];
        Face { status, flags: flags.into_iter().filter(|(on, _)| *on).fold(0, |all, (_, bit)| all | bit) }
    }
}

impl Mode {
    /// The words of DSC's simulator where they say the same.
    pub(super) fn name(self) -> &'static str {
        match (self.home, self.instant) {
            (false, false) => "away",
            (true, false) => "stay",
            (false, true) => "away_no_entry",
            (true, true) => "stay_no_entry",
        }
    }
}
