//! The module's side: a simulated panel behind the local service of a PowerLink 3.
//!
//! ```text
//!   bytes ◄─► module (http) ◄─► service (checks, methods, registration) ◄─► panel (as on the serial line) ◄── pokes
//!                                  ▲ faults
//! ```
//!
//! [`JsonRpcSimulator`] is a panel that is reached by its module only. One that has its serial port besides is
//! [`VisonicSimulator::with_service`](super::VisonicSimulator::with_service): the same module before the same panel.
//!
//! It shares HTTP with the driver, nothing else of JSON-RPC. What is invented is said where it stands.

mod knobs;
mod methods;
mod module;
mod options;
mod service;
mod tell;

use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use bytes::Bytes;
use panel_driver::sim::{Hangup, Poke, PokeError, Simulator};
use serde_json::Value;

use super::options::SimConfigError;
use super::panel::Panel;
use super::snapshot::LineState;

pub(super) use module::Module;
pub use options::{IpCheck, ItemForm, Profile, ServiceConfig};

/// Lines for watchers; the oldest go when nobody takes them.
const MOST_HAPPENED: usize = 4096;
/// A simulated service; see [`ServiceConfig`] for what it is made of.
pub struct JsonRpcSimulator {
    panel: Panel,
    module: Module,
    happened: VecDeque<Value>,
    started: bool,
    now: Option<Instant>,
}

impl JsonRpcSimulator {
    /// A panel at rest, with nobody registered.
    ///
    /// # Errors
    /// [`SimConfigError`] if no such panel can be.
    pub fn new(config: ServiceConfig) -> Result<Self, SimConfigError> {
        config.panel.validate()?;
        let panel = Panel::new(config.panel.clone());
        Ok(Self { panel, module: Module::new(config), happened: VecDeque::new(), started: false, now: None })
    }

    /// Calls so far, right and wrong ones.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.module.service.calls
    }

    fn next_due(&self) -> Option<Instant> {
        self.panel.agenda.next_due().into_iter().chain(self.module.next_due()).min()
    }

    /// Lives through everything that was due until `now`, each at its own time.
    fn live(&mut self, now: Instant) {
        if !std::mem::replace(&mut self.started, true) {
            self.panel.start(now);
        }
        while let Some(due) = self.next_due().filter(|due| *due <= now) {
            self.panel.now = Some(due);
            if self.panel.agenda.next_due() == Some(due) {
                self.panel.run_due(due);
            } else {
                self.module.run_due(due, &mut self.panel);
            }
            self.panel.settle();
            self.tell();
        }
        self.panel.now = Some(now);
        self.now = Some(now);
    }

    fn tell(&mut self) {
        while let Some(signal) = self.panel.pop_signal() {
            let Some(json) = signal.json else { continue };
            if self.happened.len() >= MOST_HAPPENED {
                self.happened.pop_front();
            }
            self.happened.push_back(json);
        }
    }
}

impl Simulator for JsonRpcSimulator {
    fn handle_connect(&mut self, now: Instant) {
        self.live(now);
        self.module.connect();
    }

    fn handle_disconnect(&mut self, now: Instant) {
        self.live(now);
        self.module.disconnect();
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.live(now);
        self.module.receive(now, bytes);
        self.live(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.live(now);
    }

    fn poke(&mut self, now: Instant, poke: Poke) -> Result<(), PokeError> {
        self.live(now);
        let done = match self.panel.poke(now, poke)? {
            Some(Poke::Drop(down)) => {
                self.module.hang_up(down);
                Ok(())
            }
            Some(Poke::Reboot) => {
                self.panel.reboot();
                self.module.reboot(self.panel.timings.boot);
                Ok(())
            }
            Some(Poke::Fault(words)) => self.module.fault(now, &mut self.panel, &words),
            _ => Ok(()),
        };
        self.panel.settle();
        self.tell();
        done
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.module.poll_transmit()
    }

    fn poll_happened(&mut self) -> Option<Value> {
        self.happened.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.next_due()
    }

    fn take_hangup(&mut self) -> Option<Hangup> {
        self.module.take_hangup()
    }

    fn users(&self) -> Value {
        self.panel.users_json()
    }

    fn state(&self) -> Value {
        let (client, commands) = (self.module.client(), self.calls());
        let line = LineState { client, enrolled: false, commands, shortest_gap_ms: None, baud: None };
        self.panel.state_json(self.now, &line)
    }
}

/// Codes are in there: only what may be shown is.
impl fmt::Debug for JsonRpcSimulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonRpcSimulator").field("model", &self.panel.model).finish_non_exhaustive()
    }
}
