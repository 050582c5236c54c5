//! The panel itself: partitions, zones, users, troubles, programming. It knows codes and sections, not frames.
//!
//! Everything it does is told as [`Signal`]s in their order; time comes in as an argument.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use panel_driver::sim::{Agenda, Rng, later};
use panel_model::{Partition, PartitionSet};

use super::arming::Unit;
use super::clock::Clock;
use super::model::Model;
use super::options::{PanelOptions, SimConfig, Timings};
use super::person::PersonEdit;
use super::programming::{Lockout, Programming};
use super::sections::Memory;
use super::signal::{Hand, Lead, Signal, Trouble};
use super::users::UserBook;
use super::zones::{ZoneUnit, make_zones};

pub(super) struct Panel {
    pub(super) model: Model,
    pub(super) options: PanelOptions,
    pub(super) timings: Timings,
    pub(super) units: BTreeMap<Partition, Unit>,
    /// Zone 1 comes first; all that the model has.
    pub(super) zones: Vec<ZoneUnit>,
    pub(super) users: UserBook,
    pub(super) memory: Memory,
    pub(super) troubles: BTreeSet<Trouble>,
    pub(super) programming: Programming,
    pub(super) remote_lockout: Lockout,
    pub(super) keypad_lockout: Lockout,
    pub(super) clock: Clock,
    /// What somebody at a keypad is about to change.
    pub(super) edit: Option<PersonEdit>,
    pub(super) agenda: Agenda<Task>,
    signals: VecDeque<Signal>,
}

/// What the panel has put down for later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    TripOver(u16),
    DelayUrgent(Partition),
    DelayOver(Partition),
    BellOver(Partition),
    LeadIn,
    ProgrammingIdle,
    PersonChanges,
    PersonLeaves,
    RemoteLockoutOver,
    KeypadLockoutOver,
    TellTime,
}

/// More than any one call can cause; they are drained after each.
const MOST_SIGNALS: usize = 4096;

impl Panel {
    pub(super) fn new(config: SimConfig) -> Self {
        let mut rng = Rng::new(config.seed);
        let users = UserBook::new(&config, &mut rng);
        Self {
            model: config.model,
            zones: make_zones(&config),
            memory: Memory::new(&config),
            units: PartitionSet::first(config.partitions).iter().map(|p| (p, Unit::new())).collect(),
            users,
            options: config.options,
            timings: config.timings,
            troubles: BTreeSet::new(),
            programming: Programming::default(),
            remote_lockout: Lockout::default(),
            keypad_lockout: Lockout::default(),
            clock: Clock::new(),
            edit: None,
            agenda: Agenda::new(),
            signals: VecDeque::new(),
        }
    }

    /// Time begins.
    pub(super) fn start(&mut self, now: Instant) {
        self.clock.start(now);
        self.put_time_broadcast(now);
    }

    fn put_time_broadcast(&mut self, now: Instant) {
        if !self.timings.time_broadcast.is_zero() {
            self.agenda.put(later(now, self.timings.time_broadcast), Task::TellTime);
        }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.agenda.next_due()
    }

    /// Does the first thing that is due.
    pub(super) fn run_due(&mut self, now: Instant) {
        let Some(task) = self.agenda.pop_due(now) else { return };
        match task {
            Task::TripOver(zone) => self.close_zone(zone),
            Task::DelayUrgent(p) => self.delay_urgent(p),
            Task::DelayOver(p) => self.delay_over(now, p),
            Task::BellOver(p) => self.bell_over(p),
            Task::LeadIn => self.lead_in(),
            Task::ProgrammingIdle => self.leave(Lead::TimedOut),
            Task::PersonChanges => self.person_changes(),
            Task::PersonLeaves => self.leave(Lead::Out),
            Task::RemoteLockoutOver => self.lockout_over(Hand::Remote),
            Task::KeypadLockoutOver => self.lockout_over(Hand::Person),
            Task::TellTime => {
                self.signal(Signal::TimeBroadcast);
                self.put_time_broadcast(now);
            }
        }
        self.settle();
    }

    pub(super) fn pop_signal(&mut self) -> Option<Signal> {
        self.signals.pop_front()
    }

    pub(super) fn signal(&mut self, signal: Signal) {
        if self.signals.len() < MOST_SIGNALS {
            self.signals.push_back(signal);
        }
    }

    pub(super) fn set_trouble(&mut self, trouble: Trouble, on: bool) {
        let was_fine = self.troubles.is_empty();
        let changed = if on { self.troubles.insert(trouble) } else { self.troubles.remove(&trouble) };
        if !changed {
            return;
        }
        self.signal(Signal::Trouble(trouble, on));
        if was_fine || self.troubles.is_empty() {
            for partition in self.partitions().iter() {
                self.signal(Signal::TroubleFlag(partition, on));
            }
        }
    }

    /// Power fails and comes back: whoever was programming is out, without a word. Arming and memory are kept.
    pub(super) fn reboot(&mut self) {
        self.programming.slot = None;
        self.edit = None;
        for task in [Task::LeadIn, Task::ProgrammingIdle, Task::PersonChanges, Task::PersonLeaves] {
            self.agenda.cancel(&task);
        }
        self.signal(Signal::Rebooted);
    }

    /// Section 200 was written: partitions come into use or fall out of it. Partition 1 always is.
    pub(super) fn enable_partition(&mut self, partition: Partition, enabled: bool) {
        if enabled {
            self.units.entry(partition).or_insert_with(Unit::new);
        } else if partition.number() != 1 {
            self.units.remove(&partition);
        }
    }
}
