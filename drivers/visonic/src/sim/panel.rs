//! The panel itself: memory, partitions, zones, clock, log, and what it does by and by.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use panel_driver::sim::{Agenda, Rng};
use serde_json::{Value, json};

use super::arming::{Arming, Unit};
use super::clock::Clock;
use super::devices::{Device, event};
use super::eeprom::{self, Eeprom};
use super::hostile::Hostile;
use super::image;
use super::log::Log;
use super::models::Model;
use super::options::{PanelOptions, SimConfig, Timings};
use super::signal::{Signal, Trouble, Wire};
use super::zones::ZoneUnit;

/// Things to do later; partitions count from 0, zones from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    ExitOver(u8),
    LastTen(u8),
    EntryOver(u8),
    BellOver(u8),
    TripOver(u8),
    LockoutOver,
}

pub(super) struct Panel {
    pub(super) model: Model,
    pub(super) eeprom: Eeprom,
    /// Partitions that a user may operate, slot by slot; bit 0 is partition 1. Where the EEPROM has them is unknown.
    pub(super) rights: Vec<u8>,
    /// Which users have a tag.
    pub(super) tags: Vec<bool>,
    pub(super) zones: Vec<ZoneUnit>,
    pub(super) units: Vec<Unit>,
    pub(super) troubles: BTreeSet<Trouble>,
    /// Bit 0 is the PGM output, bit n X10 device n.
    pub(super) outputs: u16,
    pub(super) installer_menu: bool,
    pub(super) walk_test: bool,
    pub(super) log: Log,
    pub(super) clock: Clock,
    pub(super) agenda: Agenda<Task>,
    /// Wrong codes over the line, and whether all are denied because of them.
    pub(super) wrong_codes: (u8, bool),
    pub(super) options: PanelOptions,
    pub(super) timings: Timings,
    pub(super) hostile: Hostile,
    pub(super) rng: Rng,
    /// The latest time heard of: events are logged at it.
    pub(super) now: Option<Instant>,
    signals: VecDeque<Signal>,
}

impl Panel {
    pub(super) fn new(config: SimConfig) -> Self {
        let model = config.model;
        let mut rng = Rng::new(config.seed);
        let eeprom = image::build(&config, &mut rng);
        let all = (1_u8 << config.partitions) - 1;
        let right = |slot: u8| match config.user_partitions.get(&slot) {
            Some(set) => set.iter().fold(0, |mask, partition| mask | (1 << (partition.number() - 1).min(7))),
            None => all,
        };
        let zone = |zone: u8| ZoneUnit {
            enrolled: zone <= config.zones,
            motion: image::senses_motion(model, eeprom.sensor(zone)),
            ..ZoneUnit::default()
        };
        Self {
            rights: (1..=model.users()).map(right).collect(),
            tags: (1..=model.tags()).map(|slot| config.tags.contains(&slot)).collect(),
            zones: (1..=model.zones()).map(zone).collect(),
            units: (0..config.partitions).map(|_| Unit::new()).collect(),
            model,
            eeprom,
            troubles: BTreeSet::new(),
            outputs: 0,
            installer_menu: false,
            walk_test: false,
            log: Log::new(model.log_size()),
            clock: Clock::new(config.clock),
            agenda: Agenda::new(),
            wrong_codes: (0, false),
            options: config.options,
            timings: config.timings,
            hostile: config.hostile,
            rng,
            now: None,
            signals: VecDeque::new(),
        }
    }

    pub(super) fn start(&mut self, now: Instant) {
        self.now = Some(now);
        self.clock.start(now);
        self.settle();
        // Nobody is told how it was when it began.
        self.signals.clear();
    }

    /// Does the first thing that is due.
    pub(super) fn run_due(&mut self, now: Instant) {
        self.now = Some(now);
        match self.agenda.pop_due(now) {
            Some(Task::ExitOver(partition)) => self.exit_over(now, partition),
            Some(Task::LastTen(partition)) => self.last_ten_begin(partition),
            Some(Task::EntryOver(partition)) => self.entry_over(now, partition),
            Some(Task::BellOver(partition)) => self.hush(partition),
            Some(Task::TripOver(zone)) => self.close_zone(now, zone),
            Some(Task::LockoutOver) => self.wrong_codes = (0, false),
            None => {}
        }
        self.settle();
    }

    pub(super) fn unit(&self, partition: u8) -> Option<&Unit> {
        self.units.get(usize::from(partition))
    }

    pub(super) fn unit_mut(&mut self, partition: u8) -> Option<&mut Unit> {
        self.units.get_mut(usize::from(partition))
    }

    pub(super) fn partitions(&self) -> impl Iterator<Item = u8> + use<> {
        0..u8::try_from(self.units.len()).unwrap_or(1)
    }

    pub(super) fn signal(&mut self, signal: Signal) {
        if let (Wire::Event { device, code, partitions }, Some(now)) = (signal.wire, self.now) {
            self.log.add(now, &self.clock, device, code, partitions);
        }
        self.signals.push_back(signal);
    }

    /// An event that A7 tells and the log keeps.
    pub(super) fn event(&mut self, device: Device, code: u8, partitions: u8, json: Option<Value>) {
        self.signal(Signal { wire: Wire::Event { device, code, partitions }, json });
    }

    pub(super) fn pop_signal(&mut self) -> Option<Signal> {
        self.signals.pop_front()
    }

    /// Signals what the partitions show, where it is not what was told last.
    pub(super) fn settle(&mut self) {
        for partition in self.partitions() {
            let face = self.face(partition);
            let Some(unit) = self.unit_mut(partition) else { continue };
            let was = unit.told.replace(face);
            if was == Some(face) {
                continue;
            }
            let (arming, alarm) = (unit.arming, unit.alarm);
            let changed = was.is_none_or(|was| was.status != face.status);
            let json = status_json(partition, arming, alarm, face.flags & 1 != 0);
            // Flags of little interest change without a line for watchers.
            let shows = changed || was.is_none_or(|was| (was.flags ^ face.flags) & 0x81 != 0);
            let wire = Wire::Status { partition, arming: changed };
            self.signal(Signal { wire, json: Some(json).filter(|_| shows) });
        }
    }

    pub(super) fn set_trouble(&mut self, trouble: Trouble, on: bool) {
        let changed = if on { self.troubles.insert(trouble) } else { self.troubles.remove(&trouble) };
        if !changed {
            return;
        }
        let (device, code) = trouble.event();
        let json = json!({"event": "trouble", "trouble": trouble.name(), "on": on});
        let partitions = (1 << self.units.len()) - 1;
        self.event(device, if on { code } else { event::restore(code) }, partitions, Some(json));
        self.signal(Signal { wire: Wire::Troubles, json: None });
    }

    pub(super) fn set_bypassed(&mut self, zone: u8, on: bool) {
        let Some(unit) = self.zone_mut(zone).filter(|unit| unit.enrolled) else { return };
        if std::mem::replace(&mut unit.bypassed, on) != on {
            let json = json!({"event": "bypass", "zone": zone, "on": on});
            self.signal(Signal { wire: Wire::Bypasses, json: Some(json) });
        }
    }

    /// Bits 6 and 7 of the bypass option.
    pub(super) fn bypass_mode(&self) -> u8 {
        self.eeprom.byte(eeprom::BYPASS_MODE) & 0xC0
    }

    pub(super) fn set_outputs(&mut self, outputs: u16) {
        let changed = outputs ^ std::mem::replace(&mut self.outputs, outputs);
        for bit in (0..16_u16).filter(|bit| changed & (1 << bit) != 0) {
            let on = outputs & (1 << bit) != 0;
            let json = json!({"event": "output", "output": bit, "on": on});
            self.signal(Signal { wire: Wire::Outputs, json: Some(json) });
        }
    }

    /// Somebody opens the installer menu at the keypad, or leaves it; the panel starts anew then.
    pub(super) fn set_installer_menu(&mut self, open: bool) {
        if std::mem::replace(&mut self.installer_menu, open) == open {
            return;
        }
        let master = self.model.is_master();
        let name = if open { "installer_mode_entered" } else { "installer_mode_left" };
        let code = match (open, master) {
            (true, true) => event::ENTERED_INSTALLER,
            (false, true) => event::LEFT_INSTALLER,
            (true, false) => event::PROGRAMMING,
            (false, false) => event::RESET,
        };
        self.event(Device::Keypad(1), code, 0, Some(json!({"event": name})));
        if !open && master {
            self.event(Device::System, event::RESET, 0, None);
        }
    }

    /// Power fails and comes back. Arming, codes and bypasses stay.
    pub(super) fn reboot(&mut self) {
        (self.installer_menu, self.walk_test) = (false, false);
        self.event(Device::System, event::POWER_UP, 0, Some(json!({"event": "rebooted"})));
    }

    /// Fills memory that nobody needs with both frame marks.
    pub(super) fn fill_with_marks(&mut self) {
        let marks: Vec<u8> = [0x0D, 0x0A].into_iter().cycle().take(usize::from(eeprom::PHONES.1)).collect();
        self.eeprom.write(eeprom::PHONES.0, &marks);
        self.eeprom.write(eeprom::HOUSE_NAME, b"\r\n\r\r\n\n\r\nMarks \r\n");
        self.eeprom.write(0x0220, &marks);
    }
}

fn status_json(partition: u8, arming: Arming, alarm: bool, ready: bool) -> Value {
    let partition = partition + 1;
    let word = match arming {
        _ if alarm => "alarm",
        Arming::Disarmed if ready => "ready",
        Arming::Disarmed => "not_ready",
        Arming::Exit { .. } => "exit_delay",
        Arming::Armed { .. } => "armed",
        Arming::Entry { .. } => "entry_delay",
    };
    match arming.mode() {
        Some(mode) => json!({"event": word, "partition": partition, "mode": mode.name()}),
        None => json!({"event": word, "partition": partition}),
    }
}
