//! The module's side: a simulated panel behind the local service of a PowerLink 3.
//!
//! ```text
//!   bytes ◄─► http ◄─► service (checks, methods, registration) ◄─► panel (as on the serial line) ◄── pokes
//!                         ▲ faults
//! ```
//!
//! It shares HTTP with the driver, nothing else of JSON-RPC. What is invented is said where it stands.

mod knobs;
mod methods;
mod options;
mod service;
mod tell;

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_driver::sim::{Hangup, Poke, PokeError, Rng, Simulator, later};
use serde_json::{Value, json};

use crate::jsonrpc::http::{After, Reader, Request, encode_response};

use super::hostile::spend;
use super::options::SimConfigError;
use super::panel::Panel;
use super::signal::Signal;
use super::snapshot::LineState;

use options::Fault;
use service::{Reply, Service};

pub use options::{IpCheck, ItemForm, Profile, ServiceConfig};

/// Requests that may wait; with more the connection is closed.
const MOST_WAITING: usize = 8;
/// Lines for watchers; the oldest go when nobody takes them.
const MOST_HAPPENED: usize = 4096;
/// After a registration a rival takes the place.
const RIVAL_PAUSE: Duration = Duration::from_secs(5);
const RIVAL: &str = "192.0.2.66";
/// For so long an upset panel answers nothing.
const UPSET: Duration = Duration::from_secs(600);

/// A request that is being worked on.
struct Waiting {
    due: Instant,
    request: Request,
    /// Who asked: an answer to a connection that is gone is lost, what was asked is done all the same.
    connection: u64,
}

/// A simulated service; see [`ServiceConfig`] for what it is made of.
pub struct JsonRpcSimulator {
    panel: Panel,
    service: Service,
    reader: Reader,
    rng: Rng,
    waiting: VecDeque<Waiting>,
    connection: u64,
    connected: bool,
    rival_at: Option<Instant>,
    upset_until: Option<Instant>,
    out: VecDeque<Bytes>,
    hangup: Option<Hangup>,
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
        Ok(Self {
            panel: Panel::new(config.panel.clone()),
            rng: Rng::new(!config.panel.seed),
            service: Service::new(config),
            reader: Reader::default(),
            waiting: VecDeque::new(),
            connection: 0,
            connected: false,
            rival_at: None,
            upset_until: None,
            out: VecDeque::new(),
            hangup: None,
            happened: VecDeque::new(),
            started: false,
            now: None,
        })
    }

    /// Calls so far, right and wrong ones.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.service.calls
    }

    fn next_due(&self) -> Option<Instant> {
        let waiting = self.waiting.front().map(|waiting| waiting.due);
        [self.panel.agenda.next_due(), waiting, self.rival_at].into_iter().flatten().min()
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
            } else if self.rival_at == Some(due) {
                self.rival_at = None;
                self.steal(due);
            } else if let Some(waiting) = self.waiting.pop_front() {
                self.work(due, &waiting);
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

    fn steal(&mut self, now: Instant) {
        self.service.registered = Some((RIVAL.to_owned(), now));
        self.panel.signal(Signal::watch(json!({"event": "client_registered", "ip": RIVAL})));
    }

    fn work(&mut self, now: Instant, waiting: &Waiting) {
        let before = self.service.registered.clone();
        let reply = if self.upset_until.is_some_and(|until| now < until) {
            Reply::Silence
        } else if waiting.request.method == "GET" {
            Reply::Body(self.service.list())
        } else {
            self.service.answer(now, &mut self.panel, &waiting.request.body)
        };
        if self.service.faults.rival && self.service.registered != before {
            self.rival_at = Some(later(now, RIVAL_PAUSE));
        }
        let body = match reply {
            Reply::Body(body) => body,
            Reply::Silence => return,
            Reply::Upset => {
                self.upset_until = Some(now + UPSET);
                return;
            }
        };
        if !self.connected || waiting.connection != self.connection {
            return;
        }
        if spend(&mut self.service.faults.drop) {
            self.hang_up();
        } else if spend(&mut self.service.faults.garbage) {
            self.out.push_back(Bytes::from_static(b"HTTP/1.1 OK\r\nServer\r\n\r\n<html>restarting</html>"));
        } else {
            let after = if self.service.config.keep_open { After::Keep } else { After::Close };
            self.out.push_back(encode_response(&body, after));
        }
        if !self.service.config.keep_open {
            self.hang_up();
        }
    }

    fn hang_up(&mut self) {
        self.hangup = Some(Hangup { down: Duration::ZERO });
    }

    fn take_request(&mut self, now: Instant, request: Request) {
        let config = &self.service.config;
        let (low, high) = config.latency;
        let memory = String::from_utf8_lossy(&request.body).contains("getEepromItem");
        let extra = if memory { config.memory_latency } else { Duration::ZERO };
        let takes = self.rng.between(low, high.max(low)) + extra + self.service.faults.slow;
        // One after the other: the module has one link to the panel.
        let after = self.waiting.back().map_or(now, |last| last.due);
        self.waiting.push_back(Waiting { due: after + takes, request, connection: self.connection });
    }

    fn fault(&mut self, now: Instant, words: &[String]) -> Result<(), PokeError> {
        match self.service.faults.apply(words)? {
            Fault::Done => {}
            Fault::Forget => self.service.registered = None,
            Fault::Steal => self.steal(now),
            Fault::Installer(open) => self.panel.set_installer_menu(open),
        }
        Ok(())
    }
}

impl Simulator for JsonRpcSimulator {
    fn handle_connect(&mut self, now: Instant) {
        self.live(now);
        self.connection += 1;
        self.connected = true;
        self.reader.clear();
        self.out.clear();
    }

    fn handle_disconnect(&mut self, now: Instant) {
        self.live(now);
        self.connected = false;
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.live(now);
        self.reader.push(bytes);
        loop {
            match self.reader.next_request() {
                Ok(Some(request)) if self.waiting.len() < MOST_WAITING => self.take_request(now, request),
                Ok(None) => break,
                Ok(Some(_)) | Err(_) => {
                    self.reader.clear();
                    self.hang_up();
                    break;
                }
            }
        }
        self.live(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.live(now);
    }

    fn poke(&mut self, now: Instant, poke: Poke) -> Result<(), PokeError> {
        self.live(now);
        let done = match self.panel.poke(now, poke)? {
            Some(Poke::Drop(down)) => {
                self.hangup = Some(Hangup { down });
                Ok(())
            }
            Some(Poke::Reboot) => {
                let boot = self.panel.timings.boot;
                self.panel.reboot();
                (self.service.registered, self.hangup) = (None, Some(Hangup { down: boot }));
                Ok(())
            }
            Some(Poke::Fault(words)) => self.fault(now, &words),
            _ => Ok(()),
        };
        self.panel.settle();
        self.tell();
        done
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.out.pop_front()
    }

    fn poll_happened(&mut self) -> Option<Value> {
        self.happened.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.next_due()
    }

    fn take_hangup(&mut self) -> Option<Hangup> {
        self.hangup.take()
    }

    fn users(&self) -> Value {
        self.panel.users_json()
    }

    fn state(&self) -> Value {
        let client = match (&self.service.registered, self.connected) {
            (Some(_), _) => "registered",
            (None, true) => "connected",
            (None, false) => "none",
        };
        let commands = self.service.calls;
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
