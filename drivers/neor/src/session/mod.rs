//! The driver's side of one conversation with a panel, without IO and without a clock.
//!
//! ```text
//!   bytes ─► line (packets, keys, numbers) ─► handshake ─► exchange (is it an answer?) ─► tracker (state)
//!                                                             └─► procedure                └─► events
//! ```
//! After everything that happens the session goes on as far as it can (`drive`): it hands answers to the procedure
//! under way, starts the next one, and asks one thing at a time.

mod begin;
mod exchange;
mod handshake;
mod line;
mod queue;
mod site;
mod state;
mod track;
mod tries;

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use panel_driver::{
    Busy, Command as Asked, CommandId, DriverError, DriverEvent, DriverStart, Outcome, Session, SessionOutput,
    WireEntry,
};
use panel_model::{NotNow, PanelState};

use crate::codec::{KeyMaterial, RandomStream};
use crate::config::Config;
use crate::error::SessionError;
use crate::message::{Message, NackCode, Notice};
use crate::procedure::{Next, Procedure, installer};
use crate::quirks::{ALIVE, QUIET, QUIET_AT_MOST, STOP, ServerHeader};

use handshake::{Handshake, Turn, firmware};
use line::{Bad, Incoming, LastWords, Line};

pub use line::Counters;
pub use tries::InstallerTries;

pub(crate) use exchange::{Answer, Ask};
pub(crate) use queue::Class;
pub(crate) use site::Site;
pub(crate) use track::{zone_state, zone_troubles};

/// Requests in a row that may stay unanswered.
const LOST_IN_A_ROW: u8 = 3;
/// Moves of one call; more would be a loop that goes nowhere.
const MOVES: u32 = 256;

/// A conversation with one panel of this family.
#[derive(Debug)]
pub struct NeorSession {
    site: Site,
    line: Line,
    handshake: Handshake,
    exchange: exchange::Exchange,
    procedure: Option<Box<dyn Procedure>>,
    /// When the procedure wants to be asked again, if nothing is heard.
    procedure_at: Option<Instant>,
    /// The procedure under way has opened a programming mode.
    visited: bool,
    /// When one was left last.
    visited_at: Option<Instant>,
    lost_in_a_row: u8,
    connected: Option<Instant>,
    /// Nothing is asked before the panel fell quiet.
    quiet_at: Option<Instant>,
    /// The first snapshot was told.
    online: bool,
    /// Notifications that came before it, and whether they were queued at the panel.
    held: VecDeque<(Notice, bool)>,
    report_at: Option<Instant>,
    /// Comparisons thrown away because something changed meanwhile.
    reports_spoilt: u8,
    /// Commands that the next report answers.
    report_for: Vec<CommandId>,
    panel_silent: bool,
    last_alive: Option<Instant>,
    stop_by: Option<Instant>,
    /// EndSession is on its way.
    parting: bool,
    ended: bool,
    first_bytes: Vec<u8>,
}

impl NeorSession {
    /// A session for one connection. All randomness follows from `seed`: 32 bytes of the operating system's.
    #[must_use]
    pub fn new(config: Config, start: DriverStart, seed: &[u8; 32], tries: InstallerTries) -> Self {
        let material = KeyMaterial {
            identifier: config.identifier.clone(),
            type1: start.credentials.password.clone(),
            type2: start.credentials.password.clone(),
        };
        let header = match config.quirks.header {
            ServerHeader::Empty => Vec::new(),
            ServerHeader::Echo => config.identifier.clone().into_bytes(),
        };
        Self {
            line: Line::new(config.identifier.clone(), header, RandomStream::new(seed)),
            handshake: Handshake::new(material, config.encryption),
            site: Site::new(config, start.credentials, tries),
            exchange: exchange::Exchange::default(),
            procedure: None,
            procedure_at: None,
            visited: false,
            visited_at: None,
            lost_in_a_row: 0,
            connected: None,
            quiet_at: None,
            online: false,
            held: VecDeque::new(),
            report_at: None,
            reports_spoilt: 0,
            report_for: Vec::new(),
            panel_silent: false,
            last_alive: None,
            stop_by: None,
            parting: false,
            ended: false,
            first_bytes: Vec::new(),
        }
    }

    /// What the panel is known to be, for tests and diagnosis.
    #[must_use]
    pub fn state(&self) -> &PanelState {
        self.site.tracker.state()
    }

    /// What the line counted so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.line.counters
    }

    /// Whether the handshake is complete.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected.is_some()
    }

    fn incoming(&mut self, now: Instant, incoming: Incoming) {
        if !matches!(incoming, Incoming::Bad(_)) {
            self.alive(now);
        }
        let message = match incoming {
            Incoming::Ack if self.handshake.is_done() => return,
            Incoming::Ack => {
                let turn = self.handshake.acknowledged(now, &mut self.line, &mut self.exchange);
                return self.turn(now, turn);
            }
            Incoming::Repeated => return self.handshake.repeated(),
            Incoming::Bad(bad) => return self.bad(bad),
            Incoming::Malformed(command, problem) => {
                tracing::debug!(command, %problem, "a message does not fit");
                if self.handshake.is_done()
                    && let Some(event) = self.site.tracker.malformed(command).filter(|_| self.online)
                {
                    self.site.happened([event]);
                }
                return;
            }
            Incoming::Message(message) => message,
        };
        if self.handshake.is_done() {
            self.message(now, message);
        } else {
            let turn = self.handshake.message(now, message, &mut self.line, &mut self.exchange);
            self.turn(now, turn);
        }
    }

    fn bad(&mut self, bad: Bad) {
        if let Bad::Header(found) = bad {
            let error = if self.line.counters.packets == 0 {
                SessionError::OtherPanel(found)
            } else {
                SessionError::Garbled(format!("the identifier changed to {found}"))
            };
            return self.end(error.into());
        }
        if self.line.is_garbled() {
            // From the keys on this is how a wrong code shows.
            let error = if self.handshake.is_keyed() {
                self.handshake.silent()
            } else {
                SessionError::Garbled(bad.to_string()).into()
            };
            self.end(error);
        }
    }

    fn turn(&mut self, now: Instant, turn: Turn) {
        match turn {
            Turn::Wait => {}
            Turn::Failed(error) => self.end(error),
            Turn::Connected => {
                self.connected = Some(now);
                self.line.encrypted_only();
                self.quiet_at = Some(now + QUIET);
                if let Some(hello) = self.handshake.hello() {
                    let text = firmware(hello);
                    self.site.event(DriverEvent::Firmware(text));
                }
            }
        }
    }

    fn message(&mut self, now: Instant, message: Message) {
        if let Message::Notice(Notice::Multiple(parts)) = message {
            for part in parts {
                self.message(now, part);
            }
            return;
        }
        if let Message::Notice(Notice::CommandError { code: NackCode::PanelSilent, .. }) = &message {
            self.panel_is_silent(now);
        }
        if self.exchange.offer(&message) {
            return;
        }
        match message {
            Message::Notice(notice) => self.notice(now, notice),
            // Panels ask nothing after the handshake; a new OpenSession means that it lost the old session.
            Message::Command(_, crate::message::Command::OpenSession(_)) => self.end(SessionError::BeganAnew.into()),
            Message::Command(..) => {}
        }
    }

    fn alive(&mut self, now: Instant) {
        if self.last_alive.is_none_or(|last| now >= last + ALIVE) {
            self.last_alive = Some(now);
            self.site.event(DriverEvent::Alive);
        }
    }

    fn drive(&mut self, now: Instant) {
        for _ in 0..MOVES {
            if self.ended {
                return;
            }
            let moved =
                self.settle(now) || self.advance(now) || self.take_report(now) || self.stop(now) || self.start(now);
            if !moved {
                break;
            }
        }
        self.poll(now);
        if !self.ended && self.line.flush(now).is_err() {
            let error =
                if self.handshake.is_done() { SessionError::NotAcknowledged.into() } else { self.handshake.silent() };
            self.end(error);
        }
    }

    fn settle(&mut self, now: Instant) -> bool {
        if let Some(again) = self.exchange.overdue(now) {
            self.line.send(again);
        }
        let Some(answer) = self.exchange.take_settled() else { return false };
        if answer == Answer::Lost {
            self.lost_in_a_row = self.lost_in_a_row.saturating_add(1);
        } else {
            self.lost_in_a_row = 0;
        }
        if let Some(procedure) = &mut self.procedure {
            procedure.answered(now, answer, &mut self.site);
        }
        self.procedure_at = None;
        self.observe_answers(now);
        if self.lost_in_a_row >= LOST_IN_A_ROW {
            self.end(SessionError::NotAnswered.into());
        }
        true
    }

    fn advance(&mut self, now: Instant) -> bool {
        if !self.exchange.is_free() || self.procedure_at.is_some_and(|at| now < at) {
            return false;
        }
        let Some(procedure) = &mut self.procedure else { return false };
        self.visited |= procedure.in_programming();
        self.procedure_at = None;
        match procedure.next(now, &mut self.site) {
            Next::Ask(ask) => {
                let message = self.exchange.begin(now, ask);
                self.line.send(message);
                false
            }
            Next::Wait(until) => {
                self.procedure_at = Some(until);
                false
            }
            Next::Done => {
                if self.visited {
                    self.visited_at = Some(now);
                }
                self.visited = false;
                self.procedure = None;
                true
            }
        }
    }

    /// A session that says nothing is dropped by the panel after 120 s (dossier 2.11).
    fn poll(&mut self, now: Instant) {
        if self.next_poll().is_some_and(|at| now >= at) {
            self.line.send(Message::Notice(Notice::Poll));
        }
    }

    fn next_poll(&self) -> Option<Instant> {
        let last = self.line.last_sent().filter(|_| self.is_settled() && !self.ended && self.line.is_free())?;
        Some(last + self.site.config.poll)
    }

    /// Connected, and the panel has told what it queued.
    fn is_settled(&self) -> bool {
        self.connected.is_some() && self.quiet_at.is_none()
    }

    fn stop(&mut self, now: Instant) -> bool {
        let Some(stop_by) = self.stop_by else { return false };
        let open = self.procedure.as_ref().is_some_and(|p| p.in_programming());
        if open && now < stop_by {
            return false;
        }
        if let Some(mut procedure) = self.procedure.take() {
            procedure.abandon(&mut self.site);
            self.exchange.forget();
        }
        if self.connected.is_none() || now >= stop_by {
            self.end(DriverError::Shutdown);
            return true;
        }
        if !self.parting && self.line.is_free() {
            self.parting = true;
            self.line.send(Message::Notice(Notice::EndSession));
            return true;
        }
        if self.parting && self.line.is_free() {
            self.end(DriverError::Shutdown);
            return true;
        }
        false
    }

    fn end(&mut self, error: DriverError) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if let Some(mut procedure) = self.procedure.take() {
            procedure.abandon(&mut self.site);
        }
        if let Some(unproved) = self.site.unproved.take() {
            self.site.done(unproved.id, installer::uncertain());
        }
        let queued: Vec<_> = self.site.queue.take_all().into_iter().map(|(id, _)| id).collect();
        for id in queued.into_iter().chain(std::mem::take(&mut self.report_for)) {
            self.site.done(id, Outcome::interrupted());
        }
        self.line.last_words(if self.handshake.is_done() { LastWords::Acknowledgement } else { LastWords::All });
        self.site.end(error);
    }
}

impl Session for NeorSession {
    fn handle_open(&mut self, now: Instant) {
        self.handshake.open(now);
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        if self.line.counters.packets == 0 && self.first_bytes.len() < crate::identify::HTTP.len() {
            self.first_bytes.extend(bytes.iter().take(crate::identify::HTTP.len()));
            if self.first_bytes.starts_with(crate::identify::HTTP) {
                self.end(SessionError::HttpPolling.into());
            }
        }
        let mut input = bytes;
        while !self.ended
            && let Some(incoming) = self.line.receive(&mut input, !self.handshake.is_done())
        {
            self.incoming(now, incoming);
            self.drive(now);
        }
    }

    fn handle_command(&mut self, now: Instant, id: CommandId, command: Asked) -> Result<(), Busy> {
        if self.ended || self.site.stopping {
            return Err(Busy(command));
        }
        if let Some(outcome) = queue::settled_at_once(now, &command, &self.site) {
            self.site.done(id, outcome);
            return Ok(());
        }
        self.site.queue.push(id, command)?;
        // A visit that lingers takes it at once.
        self.procedure_at = None;
        self.drive(now);
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        if !self.ended && !self.handshake.is_done() {
            let turn = self.handshake.timeout(now);
            self.turn(now, turn);
        }
        if self.quiet_at.is_some_and(|at| now >= at) {
            self.quiet_at = None;
            self.report_at = Some(now);
        }
        self.drive(now);
    }

    fn handle_closed(&mut self, _now: Instant) -> Option<DriverError> {
        match self.online {
            true => None,
            false if self.handshake.is_done() && self.line.is_spoilt() => {
                Some(SessionError::Garbled("nothing since encryption began".into()).into())
            }
            false => self.handshake.known_reason(),
        }
    }

    fn handle_shutdown(&mut self, now: Instant) {
        if self.ended || self.site.stopping {
            return;
        }
        self.site.stopping = true;
        let why = NotNow { why: "the driver is stopping".into() };
        let queued: Vec<_> = self.site.queue.take_all().into_iter().map(|(id, _)| id).collect();
        for id in queued.into_iter().chain(std::mem::take(&mut self.report_for)) {
            self.site.done(id, Outcome::NotNow(why.clone()));
        }
        self.stop_by = Some(now + STOP);
        self.procedure_at = None;
        self.drive(now);
    }

    fn poll_output(&mut self) -> Option<SessionOutput> {
        self.site.poll_output()
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.line.poll_transmit()
    }

    fn poll_wire(&mut self) -> Option<WireEntry> {
        self.line.poll_wire()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.ended {
            return None;
        }
        [
            self.handshake.poll_timeout(),
            self.line.poll_timeout(),
            self.exchange.poll_timeout(),
            self.quiet_at,
            self.procedure_at.filter(|_| self.procedure.is_some() && self.exchange.is_free()),
            self.start_at(),
            self.next_poll(),
            self.stop_by,
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// The quiet time begins anew with each notification, within bounds.
fn quiet_until(now: Instant, connected: Instant) -> Instant {
    (now + QUIET).min(connected + QUIET_AT_MOST)
}
