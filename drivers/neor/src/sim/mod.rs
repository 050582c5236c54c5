//! The panel's side: a simulated PowerSeries Neo with its communicator, which dials us.
//!
//! ```text
//!   server ◄─► line (packets, segments, faults) ◄─► session (handshake, numbers, answers) ◄─► panel ◄── pokes, person
//!                                                            ▲                                  │
//!                                                            └──── tell ◄──── Signal ◄──────────┤
//!                                                                                               └──► JSON lines
//! ```
//!
//! It is written from what panels do and shares codec and messages with the driver, nothing else: a mistake in the
//! driver must not find its twin here. No IO, no clock; seeded.

mod alarms;
mod answer;
mod arming;
mod clock;
mod control;
mod dialect;
mod handshake;
mod hostile;
mod incoming;
mod line;
mod model;
mod numbers;
mod options;
mod outgoing;
mod panel;
mod person;
mod programming;
mod sections;
mod session;
mod settings;
mod signal;
mod snapshot;
mod status;
mod tell;
mod text;
mod users;
mod zones;

use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use bytes::Bytes;
use panel_driver::sim::{Hangup, Poke, PokeError, Simulator};
use panel_model::{Partition, Zone};
use serde_json::Value;

pub use self::dialect::{AnswerPattern, Dialect, FirstOffer, HeaderRule, PaddingKind, ReplayNumbers, Segments};
pub use self::hostile::Hostile;
pub use self::model::{Capacity, Model};
pub use self::options::{NewUser, PanelOptions, SimConfig, SimConfigError, Timings};
pub use self::text::Filler;

use self::hostile::Fault;
use self::panel::Panel;
use self::programming::{ProgrammingMode, Via};
use self::session::Session;
use self::signal::{Lead, Signal, Trouble};
use crate::message::Notice;

/// A simulated panel with its communicator; see [`SimConfig`] for what it is made of.
pub struct NeoSimulator {
    panel: Panel,
    session: Session,
    happened: VecDeque<Value>,
    /// The latest time heard of.
    now: Option<Instant>,
}

/// Lines for watchers; the oldest go when nobody takes them.
const MOST_HAPPENED: usize = 4096;
/// A message that no source names, and one that is longer than what our OpenSession announces.
const UNHEARD_OF: u16 = 0x0299;
const TOO_LONG: usize = 600;

impl NeoSimulator {
    /// A panel, disarmed, with all zones closed and no session.
    ///
    /// # Errors
    /// [`SimConfigError`] if no such panel can be.
    pub fn new(config: SimConfig) -> Result<Self, SimConfigError> {
        config.validate()?;
        Ok(Self { session: Session::new(&config), panel: Panel::new(config), happened: VecDeque::new(), now: None })
    }

    /// Lives through everything that was due until `now`, each at its own time.
    fn live(&mut self, now: Instant) {
        if self.now.is_none() {
            self.panel.start(now);
        }
        loop {
            let (panel, session) = (self.panel.next_due(), self.session.next_due());
            let first = panel.into_iter().chain(session).min().filter(|due| *due <= now);
            let Some(due) = first else { break };
            if panel == Some(due) {
                self.panel.run_due(due);
            } else {
                self.session.run_due(due, &mut self.panel);
                self.panel.settle();
            }
            self.tell(due);
        }
        self.now = Some(now);
    }

    /// Hands what the panel signalled to the session and to watchers.
    fn tell(&mut self, now: Instant) {
        while let Some(signal) = self.panel.pop_signal() {
            let is_told = self.queue(now, &signal);
            let Some(mut line) = signal.to_json() else { continue };
            if let Some(object) = line.as_object_mut() {
                object.insert("sent".to_owned(), is_told.into());
            }
            if self.happened.len() >= MOST_HAPPENED {
                self.happened.pop_front();
            }
            self.happened.push_back(line);
        }
        self.session.pump(now, &mut self.panel);
    }

    /// Whether the server is told of it now; if not, what there is to tell waits for the next session.
    fn queue(&mut self, now: Instant, signal: &Signal) -> bool {
        let notices = tell::notices(&self.panel, now, &self.session.dialect, signal);
        // The communicator hears nothing of the panel, so it has nothing to tell.
        if notices.is_empty() || self.session.hostile.nack4 {
            return false;
        }
        for notice in notices {
            self.session.notify(notice);
        }
        if self.session.hostile.unknown && self.session.line.rng().one_in(2) {
            self.session.notify(Notice::Unknown { command: UNHEARD_OF, payload: vec![0x08, 0x15].into() });
        }
        self.session.is_online()
    }

    fn zone(&self, zone: Zone) -> Result<u16, PokeError> {
        self.zone_number(zone.number())
    }

    fn zone_number(&self, zone: u16) -> Result<u16, PokeError> {
        if self.panel.zone(zone).is_some_and(|unit| unit.is_used()) {
            return Ok(zone);
        }
        let used = self.panel.zones().filter(|(_, unit)| unit.is_used()).count();
        Err(PokeError(format!("no zone {zone}: this panel has {used} of them in use")))
    }

    fn run_poke(&mut self, now: Instant, poke: Poke) -> Result<(), PokeError> {
        match poke {
            Poke::Open(zone) => self.zone(zone).map(|zone| self.panel.open_zone(now, zone)),
            Poke::Close(zone) => self.zone(zone).map(|zone| self.panel.close_zone(zone)),
            Poke::Tamper(zone) => self.zone(zone).map(|zone| self.panel.tamper_zone(now, zone)),
            Poke::Trip(zone) => self.zone(zone).map(|zone| self.panel.trip_zone(now, zone)),
            Poke::Battery { low, zone: Some(zone) } => {
                self.zone(zone).map(|zone| self.panel.set_zone_battery(zone, low))
            }
            Poke::Battery { low, zone: None } => {
                self.panel.set_trouble(Trouble::Battery, low);
                Ok(())
            }
            Poke::Ac { on } => {
                self.panel.set_trouble(Trouble::AcLost, !on);
                Ok(())
            }
            Poke::EnterCode { code, partition } => self.panel.enter_code(now, partition, code.expose()),
            Poke::Arm { mode, partition, slot } => self.panel.arm_by_person(now, partition, mode, slot),
            Poke::Disarm { partition, slot } => self.panel.disarm_by_person(partition, slot),
            Poke::Panic(key) => {
                if let Some(partition) = self.panel.partitions().iter().next() {
                    self.panel.panic(now, partition, key);
                }
                Ok(())
            }
            Poke::Tag { slot, partition } => self.panel.show_tag(now, partition, slot),
            Poke::Edit { slot, words } => self.panel.edit_user(now, slot, &words),
            Poke::Drop(down) => {
                self.panel.signal(Signal::LineDropped);
                self.session.cut(&mut self.panel, down);
                Ok(())
            }
            Poke::Reboot => {
                self.panel.reboot();
                let boot = self.panel.timings.boot;
                self.session.cut(&mut self.panel, boot);
                Ok(())
            }
            Poke::Fault(words) => self.fault(now, &words),
            Poke::Lock { .. } => Err(PokeError("a PowerSeries Neo knows no door locks".into())),
        }
    }

    fn fault(&mut self, now: Instant, words: &[String]) -> Result<(), PokeError> {
        let busy = || PokeError("somebody is programming already".into());
        match self.session.hostile.apply(words)? {
            Fault::Done => {}
            Fault::Trouble(trouble, on) => self.panel.set_trouble(trouble, on),
            Fault::Loop(zone, on) => {
                let zone = self.zone_number(zone)?;
                self.panel.set_zone_fault(zone, on);
            }
            Fault::Bypass(zone, on) => {
                let zone = self.zone_number(zone)?;
                if !self.panel.bypass_zone(zone, on) {
                    return Err(PokeError(format!("zone {zone} may not be bypassed")));
                }
            }
            Fault::Busy(time) => self.session.busy_until = Some(now + time),
            Fault::LongFrame => {
                self.session.notify(Notice::Unknown { command: UNHEARD_OF, payload: vec![0x11; TOO_LONG].into() });
            }
            Fault::EndSession if self.session.is_online() => self.session.end(now, None),
            Fault::EndSession => return Err(PokeError("there is no session".into())),
            Fault::LeadOut => self.panel.leave(Lead::TimedOut),
            Fault::Lockout => self.panel.lock_remote(now),
            Fault::EventsLost => self.session.notify(Notice::BufferOverload(crate::message::Hidden::default())),
            Fault::KeypadProgramming => {
                if !self.panel.person_programs(now, ProgrammingMode::Installer, Via::Keypad, 0) {
                    return Err(busy());
                }
            }
            Fault::Dls => {
                if !self.panel.person_programs(now, ProgrammingMode::Installer, Via::Dls, 0) {
                    return Err(busy());
                }
            }
        }
        Ok(())
    }

    /// Partitions in use, rising; for tests that draw one.
    #[must_use]
    pub fn partitions(&self) -> Vec<Partition> {
        self.panel.partitions().iter().collect()
    }
}

impl Simulator for NeoSimulator {
    fn handle_connect(&mut self, now: Instant) {
        self.live(now);
        self.session.connect(now, &mut self.panel);
        self.tell(now);
    }

    fn handle_disconnect(&mut self, now: Instant) {
        self.live(now);
        self.session.disconnect(&mut self.panel);
        self.tell(now);
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.live(now);
        self.session.receive(now, &mut self.panel, bytes);
        self.panel.settle();
        self.tell(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.live(now);
    }

    fn poke(&mut self, now: Instant, poke: Poke) -> Result<(), PokeError> {
        self.live(now);
        let done = self.run_poke(now, poke);
        self.panel.settle();
        self.tell(now);
        done
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        let now = self.now?;
        self.session.poll_transmit(now)
    }

    fn poll_happened(&mut self) -> Option<Value> {
        self.happened.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let dues = [self.panel.next_due(), self.session.next_due(), self.session.line.next_due()];
        dues.into_iter().flatten().min()
    }

    fn take_hangup(&mut self) -> Option<Hangup> {
        self.session.take_hangup()
    }

    fn users(&self) -> Value {
        self.panel.users_json()
    }

    fn state(&self) -> Value {
        self.panel.state_json(self.now, self.session.client(), self.session.backlog())
    }
}

/// Codes are in there: only what may be shown is.
impl fmt::Debug for NeoSimulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NeoSimulator").field("model", &self.panel.model).finish_non_exhaustive()
    }
}
