//! The panel's side: a simulated PowerSeries panel behind an IT-100 or an Envisalink.
//!
//! ```text
//!   bytes ◄─► front_evl | front_it100 ── commands, keys ──► panel (keypad, menus, arming, zones, codes, sections)
//!               ▲  line (pace, faults)  ◄──── Signal ──────    ▲
//!             client                          │                pokes, person
//!                                             └──► JSON lines
//! ```
//!
//! It is written from what panels and modules do and shares codec and messages
//! with the driver, nothing else: a mistake in the driver must not find its twin here. No IO, no clock; seeded.

mod arming;
mod clock;
mod codebook;
mod commands;
mod display;
mod front;
mod front_evl;
mod front_it100;
mod hostile;
mod keypad;
mod line;
mod menu_installer;
mod menu_minor;
mod menu_star;
mod menu_users;
mod options;
mod panel;
mod person;
mod prompt;
mod sections;
mod settings;
mod signal;
mod snapshot;
mod tell;
mod virtual_keypad;
mod zones;

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_driver::sim::{Hangup, Poke, PokeError, Simulator};
use panel_model::Zone;
use serde_json::Value;

pub use self::hostile::Hostile;
pub use self::options::{Interface, Model, PanelOptions, SimConfig, SimConfigError, Timings};

use self::front::Front;
use self::front_evl::Envisalink;
use self::front_it100::It100;
use self::hostile::Fault;
use self::panel::Panel;
use self::signal::{Signal, Trouble};

/// A simulated panel with its module; see [`SimConfig`] for what it is made of.
pub struct DscSimulator {
    panel: Panel,
    front: Box<dyn Front>,
    happened: VecDeque<Value>,
    /// The latest time heard of.
    now: Option<Instant>,
}

/// Lines for watchers; the oldest go when nobody takes them.
const MOST_HAPPENED: usize = 4096;

impl DscSimulator {
    /// A panel, disarmed, with all zones closed and nobody connected.
    ///
    /// # Errors
    /// [`SimConfigError`] if no such panel can be.
    pub fn new(config: SimConfig) -> Result<Self, SimConfigError> {
        config.validate()?;
        let front: Box<dyn Front> = match config.interface {
            Interface::Envisalink => Box::new(Envisalink::new(&config)),
            Interface::It100 => Box::new(It100::new(&config)),
        };
        Ok(Self { panel: Panel::new(config), front, happened: VecDeque::new(), now: None })
    }

    /// Lives through everything that was due until `now`, each at its own time.
    fn live(&mut self, now: Instant) {
        if self.now.is_none() {
            self.panel.start(now);
        }
        loop {
            let (panel, front) = (self.panel.next_due(), self.front.next_due());
            let first = panel.into_iter().chain(front).min().filter(|due| *due <= now);
            let Some(due) = first else { break };
            if panel == Some(due) {
                self.panel.run_due(due);
            } else {
                self.front.run_due(due, &mut self.panel);
                self.panel.settle();
            }
            self.tell(due);
        }
        self.now = Some(now);
    }

    /// Hands what the panel signalled to client and watchers.
    fn tell(&mut self, now: Instant) {
        while let Some(signal) = self.panel.pop_signal() {
            let sent = self.front.tell(now, &mut self.panel, &signal);
            let Some(mut line) = signal.to_json() else { continue };
            if let Some(object) = line.as_object_mut() {
                object.insert("sent".to_owned(), sent.into());
            }
            if self.happened.len() >= MOST_HAPPENED {
                self.happened.pop_front();
            }
            self.happened.push_back(line);
        }
        self.front.finish(now, &mut self.panel);
    }

    fn known(&self, zone: Zone) -> Result<(), PokeError> {
        if self.panel.zones.contains_key(&zone) {
            return Ok(());
        }
        Err(PokeError(format!("no zone {zone}: this panel has 1 to {}", self.panel.zones.len())))
    }

    fn run_poke(&mut self, now: Instant, poke: Poke) -> Result<(), PokeError> {
        let panel = &mut self.panel;
        match poke {
            Poke::Open(zone) => self.known(zone).map(|()| self.panel.open_zone(zone, now)),
            Poke::Close(zone) => self.known(zone).map(|()| self.panel.close_zone(zone, now)),
            Poke::Tamper(zone) => self.known(zone).map(|()| self.panel.tamper_zone(zone)),
            Poke::Trip(zone) => self.known(zone).map(|()| self.panel.trip_zone(zone, now)),
            Poke::Battery { low, zone: None } => {
                panel.set_trouble(Trouble::Battery, low);
                Ok(())
            }
            Poke::Battery { low, zone: Some(zone) } => {
                self.known(zone)?;
                let trouble = Trouble::ZoneBattery(zone);
                if self.panel.troubles.contains(&trouble) != low {
                    self.panel.signal(Signal::ZoneBattery { zone, low });
                }
                self.panel.set_trouble(trouble, low);
                Ok(())
            }
            Poke::Ac { on } => {
                panel.set_trouble(Trouble::AcLost, !on);
                Ok(())
            }
            Poke::EnterCode { code, partition } => panel.enter_code(now, partition, code.expose()),
            Poke::Arm { mode, partition, slot } => panel.arm_by_person(now, partition, mode, slot),
            Poke::Disarm { partition, slot } => panel.disarm_by_person(partition, slot),
            Poke::Panic(key) => {
                if let Some(partition) = commands::first(panel) {
                    panel.keypad_alarm(now, partition, key);
                }
                Ok(())
            }
            Poke::Edit { slot, words } => panel.edit_user(now, slot, &words),
            Poke::Drop(down) => {
                self.drop_line(down);
                Ok(())
            }
            Poke::Reboot => {
                panel.reboot();
                self.front.reboot(now, panel);
                Ok(())
            }
            Poke::Fault(words) => self.fault(&words),
            Poke::Lock { .. } => Err(PokeError("a PowerSeries panel knows no door locks".into())),
            Poke::Tag { .. } => Err(PokeError("PowerSeries keypads read no tags: use `enter CODE`".into())),
        }
    }

    fn drop_line(&mut self, down: Duration) {
        self.panel.signal(Signal::LineDropped);
        self.front.line().cut(down);
    }

    fn fault(&mut self, words: &[String]) -> Result<(), PokeError> {
        match self.panel.hostile.apply(words)? {
            Fault::Done => {}
            Fault::Blank => {
                for partition in self.panel.partitions().iter() {
                    self.panel.blank(partition);
                }
            }
            Fault::Keybus { working } => self.panel.set_keybus(working),
            Fault::Trouble(trouble, on) => self.panel.set_trouble(trouble, on),
            Fault::Zone(number, on) => {
                let zone = Zone::new(number.into()).map_err(|e| PokeError(e.to_string()))?;
                self.known(zone)?;
                let trouble = Trouble::ZoneFault(zone);
                if self.panel.troubles.contains(&trouble) != on {
                    self.panel.signal(if on { Signal::ZoneFault(zone) } else { Signal::ZoneFaultRestored(zone) });
                }
                self.panel.set_trouble(trouble, on);
            }
        }
        Ok(())
    }
}

impl Simulator for DscSimulator {
    fn handle_connect(&mut self, now: Instant) {
        self.live(now);
        self.front.connect(now, &mut self.panel);
        self.tell(now);
    }

    fn handle_disconnect(&mut self, now: Instant) {
        self.live(now);
        self.front.disconnect();
        self.tell(now);
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.live(now);
        self.front.receive(now, &mut self.panel, bytes);
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
        self.front.line().poll(now)
    }

    fn poll_happened(&mut self) -> Option<Value> {
        self.happened.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let dues = [self.panel.next_due(), self.front.next_due(), self.front.line_due()];
        dues.into_iter().flatten().min()
    }

    fn take_hangup(&mut self) -> Option<Hangup> {
        self.front.line().take_hangup()
    }

    fn users(&self) -> Value {
        self.panel.users_json()
    }

    fn state(&self) -> Value {
        self.panel.state_json(self.now, self.front.client())
    }
}

/// Codes are in there: only what may be shown is.
impl fmt::Debug for DscSimulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DscSimulator").field("model", &self.panel.model).finish_non_exhaustive()
    }
}
