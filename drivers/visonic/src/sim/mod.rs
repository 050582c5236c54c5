//! The panel's side: a simulated PowerMax or PowerMaster on its PowerLink port.
//!
//! ```text
//!   bytes ◄─► line (pace, faults) ◄─► port (frames, acknowledgements, modes)
//!                                       │ host, download, status, b0, settings: what each message gets
//!                                       ▼
//!                                     panel (memory, arming, zones, users, log, clock) ◄── pokes, person
//!                                       │ └──► JSON lines
//!                                       ▼
//!                                     jsonrpc (a PowerLink 3 module), where it has one
//! ```
//!
//! It is written from what panels do and shares codec and messages with the driver, nothing else: a mistake in the
//! driver must not find its twin here. No IO, no clock; seeded.
//!
//! Nobody has published the following, so it is made up, and a driver must not lean on it: that an unacknowledged
//! frame comes three times two seconds apart, that download mode ends after 30 s of silence, that three keep-alives
//! without an answer are too many and which event tells so, that a code over the line is logged as wrong for the
//! PowerLink, that whoever the panel itself asked may enrol with a code of his own, what happens to A1 in download
//! mode, how B0 0F, 20, 22 and 54 are laid out inside, in what order frames go that are due together, and that
//! nothing is told when a user is edited.

mod arming;
mod b0;
mod clock;
mod devices;
mod download;
mod eeprom;
mod host;
mod hostile;
mod image;
pub mod jsonrpc;
mod knobs;
mod line;
mod log;
mod models;
mod options;
mod out;
mod panel;
mod person;
mod poke;
mod port;
mod settings;
mod signal;
mod snapshot;
mod status;
mod users;
mod zones;

use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use bytes::Bytes;
use panel_driver::sim::{Beside, Hangup, Poke, PokeError, Simulator, later};
use panel_model::Zone;
use serde_json::{Value, json};

pub use self::clock::PanelClock;
pub use self::hostile::{Hostile, StateForm, Step};
pub use self::models::{Family, Model};
pub use self::options::{BypassMode, PanelOptions, SimConfig, SimConfigError, StopAnswer, Timings};

use self::hostile::Fault;
use self::jsonrpc::{Module, ServiceConfig};
use self::panel::Panel;
use self::port::{Port, SECOND_HOST_PAUSE, Timer};
use self::signal::{Signal, Trouble};

/// A simulated panel; see [`SimConfig`] for what it is made of.
pub struct VisonicSimulator {
    panel: Panel,
    port: Port,
    /// Its network module, if it has one.
    module: Option<Module>,
    enrolled: bool,
    happened: VecDeque<Value>,
    /// The latest time heard of.
    now: Option<Instant>,
}

/// Lines for watchers; the oldest go when nobody takes them.
const MOST_HAPPENED: usize = 4096;

impl VisonicSimulator {
    /// A panel, disarmed, with all zones closed and nobody connected.
    ///
    /// # Errors
    /// [`SimConfigError`] if no such panel can be.
    pub fn new(config: SimConfig) -> Result<Self, SimConfigError> {
        config.validate()?;
        let (port, enrolled) = (Port::new(&config), config.enrolled);
        Ok(Self { panel: Panel::new(config), port, module: None, enrolled, happened: VecDeque::new(), now: None })
    }

    /// The same with a PowerLink 3 module beside the serial port, which [`Simulator::beside`] leads to: what is done
    /// on one of them shows on the other. Real panels are used over one of them.
    ///
    /// # Errors
    /// [`SimConfigError`] if no such panel can be.
    pub fn with_service(config: ServiceConfig) -> Result<Self, SimConfigError> {
        let panel = Self::new(config.panel.clone())?;
        Ok(Self { module: Some(Module::new(config)), ..panel })
    }

    /// Lives through everything that was due until `now`, each at its own time.
    fn live(&mut self, now: Instant) {
        if self.now.is_none() {
            self.panel.start(now);
            self.port.start(now, &self.panel, self.enrolled);
        }
        loop {
            let (panel, port) = (self.panel.agenda.next_due(), self.port.next_due());
            let module = self.module.as_ref().and_then(Module::next_due);
            let first = panel.into_iter().chain(port).chain(module).min().filter(|due| *due <= now);
            let Some(due) = first else { break };
            self.panel.now = Some(due);
            if panel == Some(due) {
                self.panel.run_due(due);
            } else if port == Some(due) {
                self.port.run_due(due, &mut self.panel);
                self.panel.settle();
            } else if let Some(module) = &mut self.module {
                module.run_due(due, &mut self.panel);
                self.panel.settle();
            }
            self.tell(due);
        }
        self.panel.now = Some(now);
        self.now = Some(now);
    }

    /// Hands what the panel signalled to host and watchers.
    fn tell(&mut self, now: Instant) {
        while let Some(signal) = self.panel.pop_signal() {
            let wire = signal.wire != signal::Wire::Nothing;
            let sent = wire && self.port.line.is_up() && !self.panel.hostile.mute;
            let Some(mut line) = self.port.tell(now, &mut self.panel, signal) else { continue };
            if let Some(object) = line.as_object_mut().filter(|_| wire) {
                object.insert("sent".to_owned(), sent.into());
            }
            if self.happened.len() >= MOST_HAPPENED {
                self.happened.pop_front();
            }
            self.happened.push_back(line);
        }
        self.port.finish(now, &mut self.panel);
    }

    fn run_poke(&mut self, now: Instant, poke: Poke) -> Result<(), PokeError> {
        match self.panel.poke(now, poke)? {
            Some(Poke::Drop(down)) => {
                self.panel.signal(Signal::watch(json!({"event": "line_dropped"})));
                self.port.line.cut(down);
            }
            Some(Poke::Reboot) => {
                self.port.reboot(now, &self.panel);
                if let Some(module) = &mut self.module {
                    module.reboot(self.panel.timings.boot);
                }
            }
            Some(Poke::Fault(words)) => self.fault(now, &words)?,
            _ => {}
        }
        Ok(())
    }

    fn fault(&mut self, now: Instant, words: &[String]) -> Result<(), PokeError> {
        let panel = &mut self.panel;
        if let Some((_, words)) = words.split_first().filter(|(first, _)| *first == "service") {
            let none = || PokeError("this panel has no service beside its serial port".into());
            return self.module.as_mut().ok_or_else(none)?.fault(now, panel, words);
        }
        match panel.hostile.apply(words)? {
            Fault::Done => {}
            Fault::Marks => panel.fill_with_marks(),
            Fault::Installer(open) => panel.set_installer_menu(open),
            Fault::EnrolMenu => self.port.ask_to_be_enrolled(now, panel),
            Fault::ForgetEnrolment => self.port.forget_enrolment(panel),
            Fault::Trouble(name, on) => {
                if let Some(trouble) = Trouble::by_name(name) {
                    panel.set_trouble(trouble, on);
                }
            }
            Fault::Lost(number, on) => {
                let zone = Zone::new(number.into()).map_err(|error| PokeError(error.to_string()))?;
                self.panel.known_zone(zone).map(|zone| self.panel.set_zone_lost(zone, on))?;
            }
            Fault::SecondHost => self.port.timers.put(later(now, SECOND_HOST_PAUSE), Timer::SecondHost),
            Fault::Flood => self.port.timers.put(later(now, panel.timings.second), Timer::Flood),
        }
        Ok(())
    }
}

impl Simulator for VisonicSimulator {
    fn handle_connect(&mut self, now: Instant) {
        self.live(now);
        self.port.connect();
        self.tell(now);
    }

    fn handle_disconnect(&mut self, now: Instant) {
        self.live(now);
        self.port.disconnect();
        self.tell(now);
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.live(now);
        self.port.line.receive(now, bytes);
        // On a line without a pace they are through at once.
        self.live(now);
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
        self.port.line.poll(now)
    }

    fn poll_happened(&mut self) -> Option<Value> {
        self.happened.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let module = self.module.as_ref().and_then(Module::next_due);
        let dues = [self.panel.agenda.next_due(), self.port.next_due(), self.port.line.next_due(), module];
        dues.into_iter().flatten().min()
    }

    fn take_hangup(&mut self) -> Option<Hangup> {
        self.port.line.take_hangup()
    }

    fn users(&self) -> Value {
        self.panel.users_json()
    }

    fn state(&self) -> Value {
        let mut state = self.panel.state_json(self.now, &self.port.line_state());
        if let (Some(module), Some(state)) = (&self.module, state.as_object_mut()) {
            state.insert("service".to_owned(), module.client().into());
        }
        state
    }

    fn beside(&mut self) -> Option<&mut dyn Beside> {
        self.module.is_some().then_some(self as &mut dyn Beside)
    }
}

/// The module's line.
impl Beside for VisonicSimulator {
    fn beside_connected(&mut self, now: Instant) {
        self.live(now);
        if let Some(module) = &mut self.module {
            module.connect();
        }
    }

    fn beside_gone(&mut self, now: Instant) {
        self.live(now);
        if let Some(module) = &mut self.module {
            module.disconnect();
        }
    }

    fn beside_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.live(now);
        if let Some(module) = &mut self.module {
            module.receive(now, bytes);
        }
        self.live(now);
    }

    fn poll_beside(&mut self) -> Option<Bytes> {
        self.module.as_mut()?.poll_transmit()
    }

    fn take_beside_hangup(&mut self) -> Option<Hangup> {
        self.module.as_mut()?.take_hangup()
    }
}

/// Codes are in there: only what may be shown is.
impl fmt::Debug for VisonicSimulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VisonicSimulator").field("model", &self.panel.model).finish_non_exhaustive()
    }
}
