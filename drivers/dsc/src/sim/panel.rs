//! The panel itself: partitions, zones, troubles, delays, lockout. It knows keys and codes, not frames.
//!
//! Everything it does is told as [`Signal`]s in their order; time comes in as an argument.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use panel_model::{Partition, PartitionSet, Zone};

use super::arming::Arming;
use super::clock::Clock;
use super::codebook::Codebook;
use super::hostile::Hostile;
use super::keypad::{Keypad, Menu};
use super::options::{Model, PanelOptions, SimConfig, Timings};
use super::person::Person;
use super::sections::{Sections, Setting};
use super::signal::{Hand, Signal, Status, Trouble};
use super::zones::ZoneUnit;
use panel_driver::sim::Agenda;
use panel_driver::sim::Rng;

pub(super) struct Panel {
    pub(super) model: Model,
    pub(super) options: PanelOptions,
    pub(super) timings: Timings,
    pub(super) hostile: Hostile,
    pub(super) units: BTreeMap<Partition, Unit>,
    pub(super) zones: BTreeMap<Zone, ZoneUnit>,
    pub(super) codes: Codebook,
    pub(super) sections: Sections,
    pub(super) troubles: BTreeSet<Trouble>,
    pub(super) clock: Clock,
    pub(super) person: Person,
    /// The partition whose keypad is in `*8`.
    pub(super) installer_at: Option<Partition>,
    pub(super) saved_bypass: BTreeSet<Zone>,
    pub(super) last_bypass: BTreeSet<Zone>,
    pub(super) keybus_working: bool,
    pub(super) rng: Rng,
    pub(super) agenda: Agenda<Task>,
    wrong: WrongCodes,
    signals: VecDeque<Signal>,
}

/// One partition in use.
pub(super) struct Unit {
    pub(super) arming: Arming,
    /// The bell rings for it.
    pub(super) alarm: bool,
    pub(super) fire: bool,
    /// Zones in alarm since it was last armed.
    pub(super) memory: BTreeSet<Zone>,
    pub(super) chime: bool,
    pub(super) keypad: Keypad,
    /// What modules were last told; `None` tells it again.
    told: Option<Status>,
}

/// What the panel has put down for later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// The next key of a key string.
    Key(Partition),
    /// What the keypad waits for is over.
    Held(Partition),
    MenuIdle(Partition),
    DigitsIdle(Partition),
    PromptOver(Partition),
    Blank(Partition),
    ExitOver(Partition),
    EntryOver(Partition),
    BellOver(Partition),
    TripOver(Zone),
    LockoutOver,
    PersonsKey,
}

#[derive(Default)]
struct WrongCodes {
    count: u8,
    /// The hour of the last one: the count begins anew with each hour.
    hour: u64,
    locked: bool,
}

/// More than any one call can cause; a front end drains them after each.
const MOST_SIGNALS: usize = 4096;

impl Panel {
    pub(super) fn new(config: SimConfig) -> Self {
        let mut rng = Rng::new(config.seed);
        let codes = Codebook::new(&config, &mut rng);
        let units = PartitionSet::first(config.partitions).iter().map(|p| (p, Unit::new()));
        let zones = (1..=config.zones).filter_map(|n| Zone::new(n.into()).ok()).map(|z| (z, ZoneUnit::default()));
        Self {
            model: config.model,
            sections: Sections::new(&config),
            options: config.options,
            timings: config.timings,
            hostile: config.hostile,
            units: units.collect(),
            zones: zones.collect(),
            codes,
            troubles: BTreeSet::new(),
            clock: Clock::new(),
            person: Person::default(),
            installer_at: None,
            saved_bypass: BTreeSet::new(),
            last_bypass: BTreeSet::new(),
            keybus_working: true,
            rng,
            agenda: Agenda::new(),
            wrong: WrongCodes::default(),
            signals: VecDeque::new(),
        }
    }

    /// Time begins: clocks run, untouched keypads count down to darkness.
    pub(super) fn start(&mut self, now: Instant) {
        self.clock.start(now);
        for partition in self.partitions().iter().filter(|_| self.is_on(Setting::BLANKING)).collect::<Vec<_>>() {
            self.agenda.put(now + self.timings.blank_after, Task::Blank(partition));
        }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.agenda.next_due()
    }

    /// Does the first thing that is due; `false` when nothing is.
    pub(super) fn run_due(&mut self, now: Instant) -> bool {
        let Some(task) = self.agenda.pop_due(now) else { return false };
        match task {
            Task::Key(p) => self.string_key_due(now, p),
            Task::Held(p) => self.hold_over(now, p),
            Task::MenuIdle(p) => self.menu_timed_out(now, p),
            Task::DigitsIdle(p) => self.forget_digits(p),
            Task::PromptOver(p) => self.prompt_over(p),
            Task::Blank(p) => self.blank(p),
            Task::ExitOver(p) => self.exit_over(now, p),
            Task::EntryOver(p) => self.entry_over(now, p),
            Task::BellOver(p) => self.bell_over(p),
            Task::TripOver(zone) => self.close_zone(zone, now),
            Task::LockoutOver => self.lockout_over(),
            Task::PersonsKey => self.persons_key(now),
        }
        self.settle();
        true
    }

    pub(super) fn pop_signal(&mut self) -> Option<Signal> {
        self.signals.pop_front()
    }

    pub(super) fn signal(&mut self, signal: Signal) {
        if self.signals.len() < MOST_SIGNALS {
            self.signals.push_back(signal);
        }
    }

    pub(super) fn unit(&self, partition: Partition) -> Option<&Unit> {
        self.units.get(&partition)
    }

    pub(super) fn unit_mut(&mut self, partition: Partition) -> Option<&mut Unit> {
        self.units.get_mut(&partition)
    }

    /// Partitions in use.
    pub(super) fn partitions(&self) -> PartitionSet {
        self.units.keys().copied().collect()
    }

    /// Ends a step: what keypads show and how partitions stand is told if it changed.
    pub(super) fn settle(&mut self) {
        self.signal(Signal::Look);
        let changed: Vec<(Partition, Status)> = self
            .units
            .iter()
            .map(|(p, unit)| (*p, unit.told, self.status(*p)))
            .filter(|(_, told, status)| *told != Some(*status))
            .map(|(p, _, status)| (p, status))
            .collect();
        for (partition, status) in changed {
            if let Some(unit) = self.units.get_mut(&partition) {
                unit.told = Some(status);
            }
            self.signal(Signal::Status(partition, status));
        }
    }

    /// Lets the next [`Self::settle`] tell the partition's status again.
    pub(super) fn tell_again(&mut self, partition: Partition) {
        if let Some(unit) = self.units.get_mut(&partition) {
            unit.told = None;
        }
    }

    /// The partition's status is as if told already: only a status report shows it.
    pub(super) fn hush(&mut self, partition: Partition) {
        let status = self.status(partition);
        if let Some(unit) = self.units.get_mut(&partition) {
            unit.told = Some(status);
        }
    }

    /// How the partition stands for the module.
    pub(super) fn status(&self, partition: Partition) -> Status {
        let Some(unit) = self.units.get(&partition) else { return Status::Busy };
        if unit.alarm {
            return Status::Alarm;
        }
        match unit.arming {
            Arming::Exit { .. } => return Status::ExitDelay,
            Arming::Armed { mode } => return Status::Armed(mode),
            Arming::Entry { .. } => return Status::EntryDelay,
            Arming::Disarmed => {}
        }
        let elsewhere = self.installer_at.is_some_and(|at| at != partition);
        match (unit.keypad.in_menu(), unit.keypad.hand) {
            (true, Hand::Person) => Status::Busy,
            (true, Hand::Module) => Status::OwnMenu,
            (false, _) if elsewhere => Status::Busy,
            (false, _) if self.is_ready(partition) => Status::Ready,
            (false, _) => Status::NotReady,
        }
    }

    /// Whether every zone of the partition is closed or left out.
    pub(super) fn is_ready(&self, partition: Partition) -> bool {
        let disturbed = |(zone, unit): (&Zone, &ZoneUnit)| {
            unit.is_disturbed() && !unit.bypassed && self.sections.belongs(*zone, partition)
        };
        !self.zones.iter().any(disturbed)
    }

    pub(super) fn is_disarmed(&self, partition: Partition) -> bool {
        self.unit(partition).is_some_and(|unit| unit.arming == Arming::Disarmed && !unit.alarm)
    }

    pub(super) fn set_trouble(&mut self, trouble: Trouble, on: bool) {
        let was_dark = self.troubles.is_empty();
        let changed = if on { self.troubles.insert(trouble) } else { self.troubles.remove(&trouble) };
        if !changed {
            return;
        }
        self.signal(Signal::Trouble(trouble, on));
        if was_dark || self.troubles.is_empty() {
            for partition in self.partitions().iter() {
                self.signal(Signal::TroubleLight(partition, on));
            }
        }
    }

    pub(super) fn set_keybus(&mut self, working: bool) {
        if std::mem::replace(&mut self.keybus_working, working) != working {
            self.signal(Signal::Keybus { working });
        }
    }

    /// A code that opens nothing. Enough of them lock every keypad `[doc PS, section 012]`.
    pub(super) fn wrong_code(&mut self, now: Instant, partition: Partition, hand: Hand, by_command: bool) {
        self.signal(Signal::InvalidCode { partition, hand, by_command });
        let hour = self.clock.hour(now);
        if std::mem::replace(&mut self.wrong.hour, hour) != hour {
            self.wrong.count = 0;
        }
        self.wrong.count = self.wrong.count.saturating_add(1);
        let Some(limit) = self.sections.lockout_after() else { return };
        if self.wrong.count >= limit {
            self.wrong.locked = true;
            let over = now + self.sections.lockout_time(&self.timings);
            self.agenda.put(over, Task::LockoutOver);
            for partition in self.partitions().iter() {
                self.close_menu(partition);
                self.signal(Signal::Lockout(partition));
            }
        }
    }

    pub(super) fn right_code(&mut self) {
        self.wrong.count = 0;
    }

    pub(super) fn is_locked(&self) -> bool {
        self.wrong.locked
    }

    fn lockout_over(&mut self) {
        self.wrong = WrongCodes::default();
        self.signal(Signal::LockoutOver);
        for partition in self.partitions().iter().filter(|p| self.is_disarmed(*p)).collect::<Vec<_>>() {
            self.tell_again(partition);
        }
    }

    /// Power fails and comes back: menus and half-typed codes are gone, arming and programming are not.
    pub(super) fn reboot(&mut self) {
        for partition in self.partitions().iter() {
            self.close_menu(partition);
            self.agenda.cancel(&Task::Key(partition));
        }
        self.person = Person::default();
        self.agenda.cancel(&Task::PersonsKey);
        self.installer_at = None;
        self.signal(Signal::Rebooted);
    }

    /// Section 201 was written: partitions come into use or fall out of it.
    pub(super) fn lay_partitions(&mut self) {
        let wanted = self.sections.partitions(self.model.partitions());
        for partition in PartitionSet::first(self.model.partitions()).iter() {
            match (wanted.contains(partition), self.units.contains_key(&partition)) {
                (true, false) => {
                    self.units.insert(partition, Unit::new());
                }
                // Partition 1 always is, and nobody saws off the branch that he sits on.
                (false, true) if partition.number() != 1 && self.installer_at != Some(partition) => {
                    self.units.remove(&partition);
                }
                _ => {}
            }
        }
    }

    /// Whether installer programming of the panel makes `setting` so.
    pub(super) fn is_on(&self, setting: Setting) -> bool {
        self.sections.is_on(setting)
    }

    /// The menu that the partition's keypad is in.
    pub(super) fn menu(&self, partition: Partition) -> Menu {
        self.unit(partition).map_or(Menu::Idle, |unit| unit.keypad.menu)
    }
}

impl Unit {
    fn new() -> Self {
        Self {
            arming: Arming::Disarmed,
            alarm: false,
            fire: false,
            memory: BTreeSet::new(),
            chime: false,
            keypad: Keypad::new(),
            told: Some(Status::Ready),
        }
    }
}
