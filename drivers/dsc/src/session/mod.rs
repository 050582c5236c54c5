//! The driver's side of one conversation with a module, without IO and without a clock.
//!
//! ```text
//!   bytes ─► decoder ─► exchange (is it an answer?) ─► view (keypad) ─► collect or track (state) ─► procedure
//!                                                                            └─► events, outcomes
//! ```
//! After everything that happens the session goes on as far as it can ([`DscSession`]'s `drive`): it settles what is
//! in flight, lets the running procedure take its next step, starts the next one, and sends one command at most.

mod begin;
mod collect;
mod exchange;
mod incoming;
mod queue;
mod report;
mod site;
mod track;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_driver::{
    Busy, Command, CommandClass as _, CommandId, Direction, DriverError, DriverStart, Outcome, Session, SessionOutput,
    WireEntry,
};
use panel_model::{NotNow, PanelState};

use crate::codec::{ChecksumCase, Counters, Decoder, Frame};
use crate::config::Config;
use crate::error::SessionError;
use crate::message::{ModuleCommand, ModuleMessage, Screens, Switch, Transport, masked};
use crate::procedure::login::{Hello, Login};
use crate::procedure::{Interruption, Item, Procedure, Standing};
use crate::quirks::{POLL, REPORT_PAUSE, Timing};

use collect::Collect;
use exchange::{Exchange, Turn};

pub(crate) use exchange::Answer;
pub(crate) use queue::{Class, master_needed, person_waits};
pub(crate) use site::Site;
pub(crate) use track::{Menus, is_emergency};

/// Keep-alives in a row that may stay unanswered, and commands of any kind.
const POLLS_LOST: u8 = 2;
const COMMANDS_LOST: u8 = 3;
/// An Envisalink counts keep-alives only, whatever else is sent.
const POLL_AT_LEAST: Duration = Duration::from_secs(300);
/// Signs of life are told no more often than this.
const ALIVE: Duration = Duration::from_secs(5);
/// Leaving menus may take so long when we are to stop; what is open then is left to the next run.
const STOP: Duration = Duration::from_secs(8);
/// Live messages kept while the first report is not complete; alarms beyond that are kept as well, to this limit.
const HELD: usize = 256;
const HELD_ALARMS: usize = 1024;
/// 001 was refused: it is asked again after this time.
const REPORT_AGAIN: Duration = Duration::from_secs(5);
/// Moves of one call; more would be a loop that goes nowhere.
const MOVES: u32 = 64;

/// Who waits for the command in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Procedure,
    Poll,
    Report,
    Keypad,
    /// The procedure that sent it is over.
    Nobody,
}

/// A conversation with one panel of this family.
#[derive(Debug)]
pub struct DscSession {
    site: Site,
    timing: Timing,
    decoder: Decoder,
    exchange: Exchange,
    owner: Owner,
    procedure: Option<Box<dyn Procedure>>,
    /// Work that goes on when the keypads had their pause.
    paused: Option<Box<dyn Item>>,
    collect: Option<Collect>,
    /// 001 is to be sent for `collect`.
    report_unsent: bool,
    /// Commands that the next snapshot answers.
    report_for: Vec<CommandId>,
    report_at: Option<Instant>,
    last_report: Option<Instant>,
    /// Live messages that came before the first snapshot.
    held: Vec<ModuleMessage>,
    logged_in: bool,
    online: bool,
    recover_at: Option<Instant>,
    firmware: Option<String>,
    last_byte: Option<Instant>,
    poll_at: Option<Instant>,
    last_poll: Option<Instant>,
    last_alive: Option<Instant>,
    stop_by: Option<Instant>,
    ended: bool,
    now: Option<Instant>,
    transmit: VecDeque<Bytes>,
    wire: VecDeque<WireEntry>,
}

impl DscSession {
    /// A session for one connection.
    #[must_use]
    pub fn new(config: Config, start: DriverStart) -> Self {
        let transport = config.interface.transport();
        Self {
            site: Site::new(config, start.credentials, start.residue.is_some()),
            timing: Timing::of(transport),
            decoder: Decoder::new(ChecksumCase::Any),
            exchange: Exchange::new(transport),
            owner: Owner::Poll,
            procedure: None,
            paused: None,
            collect: None,
            report_unsent: false,
            report_for: Vec::new(),
            report_at: None,
            last_report: None,
            held: Vec::new(),
            logged_in: false,
            online: false,
            recover_at: None,
            firmware: None,
            last_byte: None,
            poll_at: None,
            last_poll: None,
            last_alive: None,
            stop_by: None,
            ended: false,
            now: None,
            transmit: VecDeque::new(),
            wire: VecDeque::new(),
        }
    }

    /// What the panel is known to be, for tests and diagnosis.
    #[must_use]
    pub fn state(&self) -> &PanelState {
        self.site.tracker.state()
    }

    /// Frames and bad lines so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.decoder.counters()
    }

    fn menus(&self) -> Menus {
        if self.procedure.as_ref().is_some_and(|p| p.in_menu()) { Menus::Ours } else { Menus::NotOurs }
    }

    fn log(&mut self, direction: Direction, frame: &Frame) {
        // Before the first report nobody knows what the display shows.
        let open = self.online && !self.site.residue && self.menus() == Menus::NotOurs;
        let screens = if open { Screens::Open } else { Screens::Masked };
        self.wire.push_back(WireEntry { direction, masked: masked(frame, screens) });
    }

    fn send_frame(&mut self, frame: &Frame) {
        self.log(Direction::ToPanel, frame);
        self.transmit.push_back(frame.encode());
    }

    fn drive(&mut self, now: Instant) {
        self.now = Some(now);
        for _ in 0..MOVES {
            if self.ended {
                return;
            }
            let moved = self.settle(now)
                || self.advance_procedure(now)
                || self.finish_report(now)
                || self.stop(now)
                || self.start(now)
                || self.send(now);
            if !moved {
                return;
            }
        }
        tracing::warn!("the session makes no progress");
    }

    fn settle(&mut self, now: Instant) -> bool {
        let answer = match self.exchange.poll(now) {
            None => return false,
            Some(Turn::Resend(frame)) => {
                self.send_frame(&frame);
                return true;
            }
            Some(Turn::Settled(answer)) => answer,
        };
        match answer {
            Answer::Lost if self.owner == Owner::Poll => self.poll_at = Some(now),
            Answer::Lost => {}
            Answer::Taken | Answer::Refused(_) => self.poll_at = Some(now + POLL),
        }
        match self.owner {
            Owner::Procedure => {
                if let Some(procedure) = &mut self.procedure {
                    procedure.settled(now, answer, &mut self.site);
                }
            }
            Owner::Poll | Owner::Keypad => {
                if let Answer::Refused(code) = answer {
                    self.site.module_refused(now, code);
                }
            }
            Owner::Report => self.report_settled(now, answer),
            Owner::Nobody => {}
        }
        let lost = self.exchange.lost_in_a_row();
        if self.logged_in && lost >= POLLS_LOST && self.owner == Owner::Poll {
            self.end(SessionError::KeepAliveLost.into());
        } else if self.logged_in && lost >= COMMANDS_LOST {
            self.end(SessionError::CommandsLost.into());
        }
        true
    }

    fn advance_procedure(&mut self, now: Instant) -> bool {
        let Some(procedure) = &mut self.procedure else { return false };
        match procedure.advance(now, &mut self.site) {
            Standing::Running => false,
            Standing::Finished => {
                self.paused = procedure.take_paused().or_else(|| self.paused.take());
                let was_menu = procedure.in_menu();
                self.procedure = None;
                if self.owner == Owner::Procedure {
                    self.owner = Owner::Nobody;
                }
                if !self.logged_in {
                    self.logged_in = true;
                    self.last_poll = Some(now);
                    self.site.report_wanted = true;
                    self.recover_at = self.site.residue.then_some(now);
                } else if was_menu && self.online {
                    let events = self.site.tracker.menu_closed();
                    self.site.happened(events);
                }
                true
            }
            Standing::Failed(error) => {
                self.end(error.into());
                true
            }
        }
    }

    fn stop(&mut self, now: Instant) -> bool {
        let Some(stop_by) = self.stop_by else { return false };
        if self.procedure.is_some() && now < stop_by {
            return false;
        }
        self.end(DriverError::Shutdown);
        true
    }

    fn send(&mut self, now: Instant) -> bool {
        if !self.exchange.is_free() {
            return false;
        }
        let Some((owner, command)) = self.next_command(now) else { return false };
        self.owner = owner;
        let frame = self.exchange.begin(now, command);
        self.send_frame(&frame);
        true
    }

    fn next_command(&mut self, now: Instant) -> Option<(Owner, ModuleCommand)> {
        if self.next_poll().is_some_and(|at| now >= at) {
            self.last_poll = Some(now);
            return Some((Owner::Poll, ModuleCommand::Poll));
        }
        if std::mem::take(&mut self.report_unsent) {
            if let Some(collect) = &mut self.collect {
                collect.begin(now);
            }
            return Some((Owner::Report, ModuleCommand::StatusReport));
        }
        if let Some(command) = self.procedure.as_mut().and_then(|p| p.next(now, &mut self.site)) {
            return Some((Owner::Procedure, command));
        }
        if self.procedure.is_none() && std::mem::take(&mut self.site.keypad_off) {
            return Some((Owner::Keypad, ModuleCommand::VirtualKeypad(Switch::On)));
        }
        None
    }

    /// Whatever was answered shows that the link lives; a keep-alive comes when nothing was for a while.
    fn next_poll(&self) -> Option<Instant> {
        let at_least = self.last_poll.map(|at| at + POLL_AT_LEAST);
        [self.poll_at, at_least].into_iter().flatten().min().filter(|_| self.logged_in)
    }

    fn end(&mut self, error: DriverError) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if let Some(mut procedure) = self.procedure.take() {
            procedure.abandon(&mut self.site);
        }
        let queued = self.site.queue.take_all().into_iter().map(|(id, _)| id);
        let paused = self.paused.take().map(|item| item.id());
        let unanswered: Vec<_> = queued.chain(paused).chain(std::mem::take(&mut self.report_for)).collect();
        for id in unanswered {
            self.site.done(id, Outcome::interrupted());
        }
        self.site.end(error);
    }

    fn half_line_until(&self) -> Option<Instant> {
        self.last_byte.filter(|_| self.decoder.has_partial()).map(|at| at + self.timing.half_line)
    }

    fn drop_half_line(&mut self, now: Instant) {
        if self.half_line_until().is_some_and(|at| now >= at) {
            self.decoder.drop_partial();
            self.line_lost();
        }
    }

    fn start_wake(&self, now: Instant) -> Option<Instant> {
        if self.procedure.is_some() || self.collect.is_some() || !self.logged_in {
            return None;
        }
        let report = self.site.report_wanted || !self.report_for.is_empty();
        let paused = self.last_report.map(|at| at + REPORT_PAUSE);
        let report_at = report.then(|| self.report_at.max(paused)).flatten();
        let menus = [Class::Users, Class::Master].into_iter().any(|class| self.site.queue.has(class));
        let batch = (menus || self.paused.is_some()).then(|| self.site.batch.opens_at(now)).flatten();
        [self.recover_at, report_at, batch].into_iter().flatten().min()
    }
}

impl Session for DscSession {
    fn handle_open(&mut self, now: Instant) {
        self.procedure = Some(match self.site.transport {
            Transport::Envisalink => Box::new(Login::new(now, self.site.credentials.password.clone())),
            Transport::It100 => Box::new(Hello::default()),
        });
        self.drive(now);
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.drop_half_line(now);
        self.last_byte = Some(now);
        let mut input = bytes;
        while !self.ended
            && let Some(line) = self.decoder.decode(&mut input)
        {
            match line {
                Ok(frame) => self.frame(now, &frame),
                Err(error) => self.bad_line(error),
            }
            self.drive(now);
        }
    }

    fn handle_command(&mut self, now: Instant, id: CommandId, command: Command) -> Result<(), Busy> {
        if self.ended || self.site.stopping {
            return Err(Busy(command));
        }
        let Site { config, capabilities, credentials, .. } = &self.site;
        if let Some(outcome) = queue::settled_at_once(&command, config, capabilities, credentials) {
            self.site.done(id, outcome);
            return Ok(());
        }
        let urgent = Class::of(&command) == Class::Urgent;
        self.site.queue.push(id, command)?;
        if let Some(procedure) = self.procedure.as_mut().filter(|_| urgent && self.logged_in) {
            procedure.interrupt(Interruption::Disarm);
        }
        self.drive(now);
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.drop_half_line(now);
        self.drive(now);
    }

    fn handle_closed(&mut self, _now: Instant) -> Option<DriverError> {
        let unheard = self.decoder.counters().frames == 0;
        (self.site.transport == Transport::Envisalink && unheard && !self.ended)
            .then(|| SessionError::ClosedBeforeLogin.into())
    }

    fn handle_shutdown(&mut self, now: Instant) {
        if self.ended || self.site.stopping {
            return;
        }
        self.site.stopping = true;
        let why = NotNow { why: "the driver is stopping".into() };
        for (id, _) in self.site.queue.take_all() {
            self.site.done(id, Outcome::NotNow(why.clone()));
        }
        for id in std::mem::take(&mut self.report_for) {
            self.site.done(id, Outcome::NotNow(why.clone()));
        }
        match &mut self.procedure {
            Some(procedure) if self.logged_in => {
                procedure.interrupt(Interruption::Shutdown);
                self.stop_by = Some(now + STOP);
            }
            _ => self.stop_by = Some(now),
        }
        self.drive(now);
    }

    fn poll_output(&mut self) -> Option<SessionOutput> {
        self.site.poll_output()
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.transmit.pop_front()
    }

    fn poll_wire(&mut self) -> Option<WireEntry> {
        self.wire.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.ended {
            return None;
        }
        let now = self.now?;
        let procedure = self.procedure.as_ref().and_then(|p| p.wake(now, &self.site));
        let report = self.collect.as_ref().filter(|_| !self.report_unsent).and_then(Collect::ends_at);
        let wakes = [
            self.exchange.wake(),
            procedure,
            report,
            self.half_line_until(),
            self.next_poll(),
            self.start_wake(now),
            self.stop_by,
        ];
        // What is due already has moved as far as it can; it goes on with whatever happens next.
        wakes.into_iter().flatten().filter(|at| *at > now).min()
    }
}
