//! The module itself: requests in, answers out, one after the other; before whatever panel it is handed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_driver::sim::{Hangup, PokeError, Rng, later};
use serde_json::json;

use super::options::{Fault, ServiceConfig};
use super::service::{Reply, Service};
use crate::jsonrpc::http::{After, Reader, Request, encode_response};
use crate::sim::hostile::spend;
use crate::sim::panel::Panel;
use crate::sim::signal::Signal;

/// Requests that may wait; with more the connection is closed.
const MOST_WAITING: usize = 8;
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

pub(in crate::sim) struct Module {
    pub(super) service: Service,
    reader: Reader,
    rng: Rng,
    waiting: VecDeque<Waiting>,
    connection: u64,
    connected: bool,
    rival_at: Option<Instant>,
    upset_until: Option<Instant>,
    out: VecDeque<Bytes>,
    hangup: Option<Hangup>,
}

impl Module {
    pub(in crate::sim) fn new(config: ServiceConfig) -> Self {
        Self {
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
        }
    }

    pub(in crate::sim) fn next_due(&self) -> Option<Instant> {
        let waiting = self.waiting.front().map(|waiting| waiting.due);
        waiting.into_iter().chain(self.rival_at).min()
    }

    /// Does the first thing that is due.
    pub(in crate::sim) fn run_due(&mut self, now: Instant, panel: &mut Panel) {
        if self.rival_at.is_some_and(|at| at <= now) {
            self.rival_at = None;
            self.steal(now, panel);
        } else if let Some(waiting) = self.waiting.pop_front() {
            self.work(now, panel, &waiting);
        }
    }

    pub(in crate::sim) fn connect(&mut self) {
        self.connection += 1;
        self.connected = true;
        self.reader.clear();
        self.out.clear();
    }

    pub(in crate::sim) fn disconnect(&mut self) {
        self.connected = false;
    }

    pub(in crate::sim) fn receive(&mut self, now: Instant, bytes: &[u8]) {
        self.reader.push(bytes);
        loop {
            match self.reader.next_request() {
                Ok(Some(request)) if self.waiting.len() < MOST_WAITING => self.take_request(now, request),
                Ok(None) => break,
                Ok(Some(_)) | Err(_) => {
                    self.reader.clear();
                    self.hang_up(Duration::ZERO);
                    break;
                }
            }
        }
    }

    pub(in crate::sim) fn poll_transmit(&mut self) -> Option<Bytes> {
        self.out.pop_front()
    }

    pub(in crate::sim) fn take_hangup(&mut self) -> Option<Hangup> {
        self.hangup.take()
    }

    pub(in crate::sim) fn hang_up(&mut self, down: Duration) {
        self.hangup = Some(Hangup { down });
    }

    /// Power was cut, and comes back after that time: the registration is gone.
    pub(in crate::sim) fn reboot(&mut self, down: Duration) {
        self.service.registered = None;
        self.hang_up(down);
    }

    /// For `state`: whether somebody is registered, or only connected.
    pub(in crate::sim) fn client(&self) -> &'static str {
        match (&self.service.registered, self.connected) {
            (Some(_), _) => "registered",
            (None, true) => "connected",
            (None, false) => "none",
        }
    }

    fn steal(&mut self, now: Instant, panel: &mut Panel) {
        self.service.registered = Some((RIVAL.to_owned(), now));
        panel.signal(Signal::watch(json!({"event": "client_registered", "ip": RIVAL})));
    }

    fn work(&mut self, now: Instant, panel: &mut Panel, waiting: &Waiting) {
        let before = self.service.registered.clone();
        let reply = if self.upset_until.is_some_and(|until| now < until) {
            Reply::Silence
        } else if waiting.request.method == "GET" {
            Reply::Body(self.service.list())
        } else {
            self.service.answer(now, panel, &waiting.request.body)
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
            self.hang_up(Duration::ZERO);
        } else if spend(&mut self.service.faults.garbage) {
            self.out.push_back(Bytes::from_static(b"HTTP/1.1 OK\r\nServer\r\n\r\n<html>restarting</html>"));
        } else {
            let after = if self.service.config.keep_open { After::Keep } else { After::Close };
            self.out.push_back(encode_response(&body, after));
        }
        if !self.service.config.keep_open {
            self.hang_up(Duration::ZERO);
        }
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

    pub(in crate::sim) fn fault(&mut self, now: Instant, panel: &mut Panel, words: &[String]) -> Result<(), PokeError> {
        match self.service.faults.apply(words)? {
            Fault::Done => {}
            Fault::Forget => self.service.registered = None,
            Fault::Steal => self.steal(now, panel),
            Fault::Installer(open) => panel.set_installer_menu(open),
        }
        Ok(())
    }
}
