//! The driver's side of one conversation with a panel, without IO and without a clock.
//!
//! ```text
//!   bytes ─► decoder ─► acknowledge ─► exchange (is it an answer?) ─► tracker (state) ─► procedure ─► link (enrolment)
//!                                                                         └─► events, outcomes
//! ```
//! After everything that happens the session goes on as far as it can ([`VisonicSession`]'s `drive`): it settles what
//! is in flight, lets the running procedure take its next step, or starts the next one (`begin.rs`).

mod begin;
mod exchange;
mod incoming;
mod keeper;
mod queue;
mod site;
mod track;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_driver::{
    Busy, Command, CommandClass as _, CommandId, Direction, DriverError, DriverStart, Outcome, Session, SessionOutput,
    WireEntry,
};
use panel_model::{NotNow, PanelState};

use crate::codec::{Decoder, Frame};
use crate::config::Config;
use crate::error::SessionError;
use crate::message::{HostMessage, PanelMessage, masked};
use crate::procedure::{Interruption, Next, Procedure};
use crate::quirks::{HALF_FRAME, SHORT_PAUSE};

use exchange::{Exchange, Turn};
use keeper::Keeper;
use queue::Class;

pub(crate) use exchange::Answer;
pub(crate) use site::{Access, Site};

/// Commands in a row that may stay unanswered.
const COMMANDS_LOST: u8 = 3;
/// Leaving download mode may take so long when we are to stop.
const STOP: Duration = Duration::from_secs(8);
/// Moves of one call; more would be a loop that goes nowhere.
const MOVES: u32 = 64;
/// Bytes without a single frame that say that the speed is wrong.
const UNREADABLE: u64 = 64;

/// What a session saw so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Whole frames.
    pub frames: u64,
    /// Frames of types that we do not know.
    pub unknown: u64,
    /// What began like a frame and was none.
    pub bad: u64,
    /// Bytes that belonged to no frame.
    pub skipped: u64,
}

/// A conversation with one panel of this family.
pub struct VisonicSession {
    site: Site,
    decoder: Decoder,
    counters: Counters,
    exchange: Exchange,
    procedure: Option<Box<dyn Procedure>>,
    keeper: Keeper,
    greeted: bool,
    online: bool,
    /// The line was silent for long: what comes next may be old news, told as a snapshot.
    in_doubt: bool,
    /// The next state is told whole.
    snapshot_wanted: bool,
    /// Commands that the next state answers.
    refresh_for: Vec<CommandId>,
    collecting: bool,
    setting_up: bool,
    enrolling: bool,
    /// Enrolling was tried in order to be let into the memory.
    second_chance: bool,
    users_wanted: bool,
    exit_wanted: bool,
    /// Sub-types that the panel wants to be asked for.
    ask: BTreeSet<u8>,
    ask_at: Option<Instant>,
    /// Events that came before the first snapshot.
    held: Vec<PanelMessage>,
    /// Pieces of memory that came although nobody here asked.
    foreign: u8,
    /// Unknown types that were told already.
    unknown_told: BTreeSet<u8>,
    last_byte: Option<Instant>,
    last_alive: Option<Instant>,
    stop_by: Option<Instant>,
    ended: bool,
    now: Option<Instant>,
    transmit: VecDeque<Bytes>,
    wire: VecDeque<WireEntry>,
}

impl VisonicSession {
    /// A session for one connection.
    #[must_use]
    pub fn new(config: Config, start: DriverStart) -> Self {
        let exchange = Exchange::new(&config.model);
        Self {
            site: Site::new(config, start.credentials),
            decoder: Decoder::default(),
            counters: Counters::default(),
            exchange,
            procedure: None,
            keeper: Keeper::default(),
            greeted: false,
            online: false,
            in_doubt: false,
            snapshot_wanted: true,
            refresh_for: Vec::new(),
            collecting: false,
            setting_up: false,
            enrolling: false,
            second_chance: false,
            users_wanted: false,
            exit_wanted: false,
            ask: BTreeSet::new(),
            ask_at: None,
            held: Vec::new(),
            foreign: 0,
            unknown_told: BTreeSet::new(),
            last_byte: None,
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

    /// Whether the panel knows us as its PowerLink.
    #[must_use]
    pub fn is_enrolled(&self) -> bool {
        self.site.enrolled
    }

    /// Frames and garbage so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters { skipped: self.decoder.skipped(), ..self.counters }
    }

    fn send_frame(&mut self, frame: &Frame) {
        self.wire.push_back(WireEntry { direction: Direction::ToPanel, masked: masked(frame, Direction::ToPanel) });
        self.transmit.push_back(frame.encode());
    }

    fn drive(&mut self, now: Instant) {
        self.now = Some(now);
        for _ in 0..MOVES {
            if self.ended {
                return;
            }
            let moved = self.settle(now) || self.advance(now) || self.stop(now) || self.start(now);
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
        if let Some(procedure) = &mut self.procedure {
            procedure.settled(now, answer, &mut self.site);
        }
        if self.exchange.lost_in_a_row() >= COMMANDS_LOST {
            self.end(SessionError::CommandsLost.into());
        }
        true
    }

    fn advance(&mut self, now: Instant) -> bool {
        if let Some(message) = self.exchange.take_waiting(now) {
            self.send(now, message);
            return true;
        }
        if !self.exchange.is_idle() {
            return false;
        }
        let Some(procedure) = &mut self.procedure else { return false };
        match procedure.next(now, &mut self.site) {
            Next::Send(message) if self.exchange.is_free(now) => {
                self.send(now, message);
                true
            }
            Next::Send(message) => {
                self.exchange.postpone(message);
                true
            }
            Next::Wait(until) => {
                self.keeper.procedure_at = Some(until);
                false
            }
            Next::Done => {
                self.procedure = None;
                self.finished(now);
                true
            }
            Next::Failed(error) => {
                self.end(self.reason(error).into());
                true
            }
        }
    }

    fn send(&mut self, now: Instant, message: HostMessage) {
        let frame = self.exchange.begin(now, message, &self.site.model);
        self.keeper.sent(now, &self.site);
        self.send_frame(&frame);
    }

    /// A panel that is never understood is not the same as none.
    fn reason(&self, error: SessionError) -> SessionError {
        let garbled = self.counters.frames == 0 && self.decoder.skipped() >= UNREADABLE;
        if error == SessionError::NoAnswer && garbled { SessionError::Unreadable } else { error }
    }

    fn stop(&mut self, now: Instant) -> bool {
        let Some(stop_by) = self.stop_by else { return false };
        if self.procedure.is_some() && now < stop_by {
            return false;
        }
        self.end(DriverError::Shutdown);
        true
    }

    fn end(&mut self, error: DriverError) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if let Some(mut procedure) = self.procedure.take() {
            procedure.abandon(&mut self.site);
        }
        let left = self.site.for_memory.drain(..).filter_map(|goal| goal.id()).collect::<Vec<_>>();
        let queued = self.site.queue.take_all().into_iter().map(|(id, _)| id);
        let unanswered: Vec<_> = queued.chain(std::mem::take(&mut self.refresh_for)).chain(left).collect();
        for id in unanswered {
            self.site.done(id, Outcome::interrupted());
        }
        self.site.end(error);
    }

    /// When a frame that has begun is taken for shorter than announced, and when it is given up.
    fn half_frame_at(&self) -> Option<Instant> {
        let since = self.last_byte.filter(|_| self.decoder.has_partial())?;
        let pause = since + SHORT_PAUSE;
        Some(if self.keeper.paused { since + HALF_FRAME } else { pause })
    }

    fn half_frame(&mut self, now: Instant) {
        let Some(since) = self.last_byte.filter(|_| self.decoder.has_partial()) else { return };
        if now >= since + HALF_FRAME {
            while let Some(found) = self.decoder.after_silence() {
                self.found(now, found);
            }
        } else if now >= since + SHORT_PAUSE && !self.keeper.paused {
            self.keeper.paused = true;
            while let Some(found) = self.decoder.after_pause() {
                self.found(now, found);
            }
        }
    }

    fn found(&mut self, now: Instant, found: Result<Frame, crate::codec::FrameError>) {
        match found {
            _ if self.ended => return,
            Ok(frame) => self.frame(now, &frame),
            Err(error) => {
                self.counters.bad += 1;
                tracing::debug!(%error, "not a frame");
            }
        }
        self.drive(now);
    }
}

impl fmt::Debug for VisonicSession {
    /// What is under way holds codes in many places; none of it is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VisonicSession")
            .field("model", &self.site.model.name)
            .field("online", &self.online)
            .field("enrolled", &self.site.enrolled)
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}

impl Session for VisonicSession {
    fn handle_open(&mut self, now: Instant) {
        self.drive(now);
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        if self.ended {
            return;
        }
        self.half_frame(now);
        self.last_byte = Some(now);
        self.keeper.paused = false;
        self.decoder.push(bytes);
        while !self.ended
            && let Some(found) = self.decoder.next_frame()
        {
            self.found(now, found);
        }
    }

    fn handle_command(&mut self, now: Instant, id: CommandId, command: Command) -> Result<(), Busy> {
        if self.ended || self.site.stopping {
            return Err(Busy(command));
        }
        if let Some(outcome) = queue::settled_at_once(&command, &self.site.capabilities) {
            self.site.done(id, outcome);
            return Ok(());
        }
        let urgent = Class::of(&command) == Class::Urgent;
        self.site.queue.push(id, command)?;
        if let Some(procedure) = self.procedure.as_mut().filter(|_| urgent && self.online) {
            procedure.interrupt(now, Interruption::Disarm);
        }
        self.drive(now);
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.half_frame(now);
        self.drive(now);
    }

    fn handle_shutdown(&mut self, now: Instant) {
        if self.ended || self.site.stopping {
            return;
        }
        self.site.stopping = true;
        let left = self.site.for_memory.drain(..).filter_map(|goal| goal.id()).collect::<Vec<_>>();
        let queued = self.site.queue.take_all().into_iter().map(|(id, _)| id);
        let refreshes = std::mem::take(&mut self.refresh_for);
        for id in queued.chain(left).chain(refreshes).collect::<Vec<_>>() {
            self.site.done(id, Outcome::NotNow(NotNow { why: "the driver is stopping".into() }));
        }
        match &mut self.procedure {
            Some(procedure) if self.online => {
                procedure.interrupt(now, Interruption::Shutdown);
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
        let procedure = self.keeper.procedure_at.filter(|_| self.procedure.is_some() && self.exchange.is_idle());
        let idle = if self.procedure.is_none() { self.start_wake(now) } else { None };
        let wakes = [self.exchange.wake(), procedure, idle, self.half_frame_at(), self.stop_by];
        // What is due already has moved as far as it can; it goes on with whatever happens next.
        wakes.into_iter().flatten().filter(|at| *at > now).min()
    }
}
