//! How a pair moves: one thing that is due after the other, and the draining between them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use panel_model::NotNow;

use super::net::Item;
use super::record::Line;
use super::seeds::panic_text;
use super::{Failure, Pair};
use crate::run::SHUTDOWN_LIMIT;
use crate::sim::Simulator;
use crate::{Busy, DriverError, DriverEvent, LinkError, Outcome, Retry, Session, SessionOutput};

/// How long the owner waits before it tries again what needs a person.
const NEEDS_INSTALLER: Duration = Duration::from_secs(300);
/// Steps in one virtual second after which both sides only keep each other busy.
const STEPS_PER_SECOND: u32 = 100_000;
const LIVELOCK: &str = "livelock: 100000 steps in one virtual second";
/// Calls of `handle_timeout` at one instant after which a time-out is taken for one that stays in the past. A
/// session may let several timers expire one by one.
const TIMEOUTS_AT_ONCE: u32 = 16;

/// What is due; in the order in which things of the same instant are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wake {
    ToPanel,
    ToDriver,
    Session,
    Panel,
    Overdue,
    Reopen,
}

/// Notices loops that make no progress.
pub(super) struct Pace {
    second: Instant,
    steps: u32,
    instant: Instant,
    timeouts: u32,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { second: now, steps: 0, instant: now, timeouts: 0 }
    }

    fn step_fits(&mut self, now: Instant) -> bool {
        if now - self.second >= Duration::from_secs(1) {
            (self.second, self.steps) = (now, 0);
        }
        self.steps += 1;
        self.steps < STEPS_PER_SECOND
    }

    fn timeout_fits(&mut self, now: Instant) -> bool {
        if now != self.instant {
            (self.instant, self.timeouts) = (now, 0);
        }
        self.timeouts += 1;
        self.timeouts <= TIMEOUTS_AT_ONCE
    }
}

impl<S: Session, P: Simulator> Pair<S, P> {
    /// Lets time run until `done` or the limit; returns which it was.
    pub(super) fn run(&mut self, limit: Duration, mut done: impl FnMut(&Self) -> bool) -> Result<bool, Failure> {
        let deadline = self.now + limit;
        loop {
            self.guarded(Self::turn)?;
            if done(self) {
                return Ok(true);
            }
            match self.next_wake() {
                Some((at, wake)) if at <= deadline => {
                    self.now = self.now.max(at);
                    self.guarded(|pair| pair.step(wake))?;
                }
                _ => {
                    self.now = deadline;
                    return Ok(false);
                }
            }
        }
    }

    fn guarded(&mut self, action: impl FnOnce(&mut Self) -> Result<(), Failure>) -> Result<(), Failure> {
        // Nothing is done with the pair after a panic but reading its trace.
        catch_unwind(AssertUnwindSafe(|| action(self)))
            .unwrap_or_else(|panic| Err(self.fail(panic_text(panic.as_ref()))))
    }

    fn next_wake(&self) -> Option<(Instant, Wake)> {
        let session = self.session.as_ref();
        let closed = session.is_none() && !self.joined;
        let wakes = [
            (self.to_panel.next_arrival(), Wake::ToPanel),
            (self.to_driver.next_arrival(), Wake::ToDriver),
            (session.and_then(S::poll_timeout), Wake::Session),
            (self.panel.poll_timeout(), Wake::Panel),
            (self.stopping.filter(|_| session.is_some()).map(|since| since + SHUTDOWN_LIMIT), Wake::Overdue),
            (self.reopen.filter(|_| closed).map(|at| at.max(self.refuses_until)), Wake::Reopen),
        ];
        wakes.into_iter().filter_map(|(at, wake)| Some((at?, wake))).min()
    }

    fn step(&mut self, wake: Wake) -> Result<(), Failure> {
        if !self.pace.step_fits(self.now) {
            return Err(self.fail(LIVELOCK));
        }
        match wake {
            Wake::ToPanel => match self.to_panel.take() {
                Some(Item::Bytes(bytes)) if self.joined => self.panel.handle_bytes(self.now, &bytes),
                Some(Item::Close) if self.joined => self.part(),
                _ => {}
            },
            Wake::ToDriver => match (self.to_driver.take(), &mut self.session) {
                (Some(Item::Bytes(bytes)), Some(session)) => {
                    session.handle_bytes(self.now, &bytes);
                    self.record.note(self.now, Line::Received(bytes));
                }
                (Some(Item::Close), Some(_)) => return self.link_closed(Duration::ZERO),
                _ => {}
            },
            Wake::Session | Wake::Panel => {
                if !self.pace.timeout_fits(self.now) {
                    let side = if wake == Wake::Session { "session" } else { "simulator" };
                    return Err(self.fail(format!("the {side}'s time-out stays in the past: its loop would spin")));
                }
                match (wake, &mut self.session) {
                    (Wake::Session, Some(session)) => session.handle_timeout(self.now),
                    _ => self.panel.handle_timeout(self.now),
                }
            }
            Wake::Overdue => {
                return Err(self.fail(format!("no end within {SHUTDOWN_LIMIT:?} of handle_shutdown")));
            }
            Wake::Reopen => self.open(),
        }
        Ok(())
    }

    /// Drains both sides and offers commands until nothing moves at this instant.
    fn turn(&mut self) -> Result<(), Failure> {
        loop {
            self.drain_panel()?;
            self.drain_session()?;
            if !self.offer()? {
                return Ok(());
            }
        }
    }

    fn open(&mut self) {
        self.record.note(self.now, Line::Note("line open"));
        self.reopen = None;
        self.to_panel.clear();
        self.to_driver.clear();
        self.joined = true;
        self.panel.handle_connect(self.now);
        let mut session = (self.make)(self.start.clone());
        session.handle_open(self.now);
        self.session = Some(session);
    }

    /// Offers the next command; returns whether it was accepted.
    fn offer(&mut self) -> Result<bool, Failure> {
        let Some(session) = &mut self.session else { return Ok(false) };
        let Some((id, command)) = self.queue.pop_front() else { return Ok(false) };
        match session.handle_command(self.now, id, command.clone()) {
            Ok(()) => {
                self.record.accepted(self.now, id, &command);
                Ok(true)
            }
            Err(Busy(returned)) if returned == command => {
                self.queue.push_front((id, returned));
                Ok(false)
            }
            Err(Busy(_)) => Err(self.fail("Busy gave back another command")),
        }
    }

    fn drain_session(&mut self) -> Result<(), Failure> {
        let mut end = None;
        let mut cut = false;
        let Some(session) = &mut self.session else { return Ok(()) };
        while let Some(output) = session.poll_output() {
            if !self.pace.step_fits(self.now) {
                return Err(self.record.fail(self.now, format!("{LIVELOCK}, the last in poll_output")));
            }
            if end.is_some() {
                return Err(self.record.fail(self.now, "an output came after End"));
            }
            match output {
                SessionOutput::Event(event) => {
                    match &event {
                        DriverEvent::Residue(residue) => self.start.residue = residue.clone(),
                        DriverEvent::MasterProved => self.start.credentials.previous_master = None,
                        _ => {}
                    }
                    self.record.event(self.now, event)?;
                }
                SessionOutput::Done(id, outcome) => self.record.done(self.now, id, outcome)?,
                SessionOutput::End(error) => end = Some(error),
            }
        }
        let silent = self.silent_until.is_some_and(|until| self.now < until);
        while let Some(bytes) = session.poll_transmit() {
            if !self.pace.step_fits(self.now) {
                return Err(self.record.fail(self.now, format!("{LIVELOCK}, the last in poll_transmit")));
            }
            self.record.bytes_to_panel += bytes.len() as u64;
            if !silent {
                cut |= self.to_panel.send(self.now, &bytes, &self.faults, &mut self.net_rng);
            }
            self.record.note(self.now, Line::Sent(bytes));
        }
        while let Some(entry) = session.poll_wire() {
            self.record.wire(self.now, entry)?;
        }
        match end {
            Some(error) => self.session_ended(error),
            None if cut => self.cut_by_chance(),
            None => Ok(()),
        }
    }

    fn drain_panel(&mut self) -> Result<(), Failure> {
        let mut cut = false;
        loop {
            while let Some(value) = self.panel.poll_happened() {
                self.record.note(self.now, Line::Happened(value.clone()));
                self.record.happened.push((self.now - self.record.epoch, value));
            }
            let lost = !self.joined || self.silent_until.is_some_and(|until| self.now < until);
            while let Some(bytes) = self.panel.poll_transmit() {
                if !self.pace.step_fits(self.now) {
                    return Err(self.fail(format!("{LIVELOCK}, the last in the simulator's poll_transmit")));
                }
                if !lost {
                    cut |= self.to_driver.send(self.now, &bytes, &self.faults, &mut self.net_rng);
                }
            }
            let Some(hangup) = self.panel.take_hangup() else { break };
            self.refuses_until = self.now + hangup.down;
            if self.joined {
                self.to_driver.push(self.now + self.faults.delay.0, Item::Close);
                self.to_panel.clear();
                self.part();
            }
        }
        if cut { self.cut_by_chance() } else { Ok(()) }
    }

    /// The session ended by itself: its last words go out, then the line closes.
    fn session_ended(&mut self, error: DriverError) -> Result<(), Failure> {
        self.close_from_driver();
        self.session_gone(error, Duration::ZERO)
    }

    /// The driver's side closes; what it sent before still arrives.
    pub(super) fn close_from_driver(&mut self) {
        self.to_panel.push(self.now + self.faults.delay.0, Item::Close);
        self.to_driver.clear();
    }

    fn cut_by_chance(&mut self) -> Result<(), Failure> {
        let down = self.net_rng.between(self.faults.down.0, self.faults.down.1);
        self.cut(down)
    }

    /// Both sides see at once that the line is gone.
    pub(super) fn lose_line(&mut self, down: Duration) -> Result<(), Failure> {
        self.to_panel.clear();
        self.to_driver.clear();
        if self.joined {
            self.part();
        }
        if self.session.is_some() {
            return self.link_closed(down);
        }
        self.reopen = self.reopen.map(|at| at.max(self.now + down));
        Ok(())
    }

    /// The driver sees that the line is gone; the session may know a better reason.
    fn link_closed(&mut self, down: Duration) -> Result<(), Failure> {
        let known = self.session.as_mut().and_then(|session| session.handle_closed(self.now));
        self.session_gone(known.unwrap_or_else(|| LinkError::closed().into()), down)
    }

    fn part(&mut self) {
        self.joined = false;
        self.panel.handle_disconnect(self.now);
    }

    /// The connection is over; its owner opens the next one when the error allows it, but not before `down` is over.
    fn session_gone(&mut self, error: DriverError, down: Duration) -> Result<(), Failure> {
        let wait = match error.retry() {
            Retry::Now => Some(Duration::ZERO),
            Retry::Backoff => Some(self.backoff),
            Retry::NeedsInstaller => Some(NEEDS_INSTALLER),
            Retry::Never => None,
        };
        self.reopen = wait.filter(|_| self.stopping.is_none()).map(|wait| self.now + wait.max(down));
        self.drop_session();
        self.record.ended(self.now, error)
    }

    /// The session is no more; what it leaves unanswered is answered as [`crate::Reply`] does when dropped.
    pub(super) fn drop_session(&mut self) {
        self.session = None;
        self.record.online = false;
        let queued = std::mem::take(&mut self.queue).into_iter().map(|(id, _)| id);
        for id in queued.chain(std::mem::take(&mut self.record.open)) {
            self.record.outcomes.insert(id, Outcome::interrupted());
        }
    }

    /// Commands that were not begun when the driver was asked to stop.
    pub(super) fn refuse_queue(&mut self) {
        for (id, _) in std::mem::take(&mut self.queue) {
            self.record.outcomes.insert(id, Outcome::NotNow(NotNow { why: "the driver is stopping".into() }));
        }
    }
}
