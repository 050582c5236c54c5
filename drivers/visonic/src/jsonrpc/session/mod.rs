//! The driver's side of one conversation with a module, without IO and without a clock.
//!
//! One call is in flight at a time. What to call next the jobs say, which run in three lanes: what somebody at the door
//! waits for, what else was commanded, and the session's own (taking the module up, looks, polls). A lane with a job
//! that only waits does not keep the next one from calling.

mod belief;
mod check;
mod registration;
mod site;
mod start;
mod track;

use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_driver::{
    Busy, Command, CommandId, Direction, DriverError, DriverStart, LinkConfig, Outcome, Session, SessionOutput,
    WireEntry,
};
use panel_model::NotNow;

use crate::config::{Config, Transport, Writes};

use super::call::Call;
use super::error::{CallError, displaced};
use super::http::{Reader, encode_request};
use super::job::{Answer, Job, Next};
use super::quirks::{ANSWER, FAILURES, SLOW, STOP, STRAIN};
use super::rpc;

use check::{CAPACITY, CommandQueue, settled_at_once};
use registration::Registration;
use start::Schedule;

pub(crate) use site::{Site, Use};

/// Moves of one call; more would be a loop that goes nowhere.
const MOVES: u32 = 64;
/// What somebody at the door waits for.
const URGENT: usize = 0;
/// What else was commanded.
const COMMAND: usize = 1;
/// The session's own.
const OWN: usize = 2;
const LANES: [usize; 3] = [URGENT, COMMAND, OWN];

/// The call that waits for its answer.
#[derive(Debug)]
struct InFlight {
    call: Call,
    id: u64,
    /// Whose it is; the session registers anew by itself.
    lane: Option<usize>,
    since: Instant,
}

#[derive(Debug, Default)]
struct Lane {
    job: Option<Box<dyn Job>>,
    /// Its job has nothing to ask before then.
    wait: Option<Instant>,
}

/// A conversation with the service of one PowerLink 3 module.
pub struct JsonRpcSession {
    site: Site,
    host: String,
    reader: Reader,
    flight: Option<InFlight>,
    last_id: u64,
    lanes: [Lane; 3],
    queue: CommandQueue,
    schedule: Schedule,
    registration: Registration,
    /// Calls in a row that failed, and that were slow or failed.
    failures: u8,
    strain: u8,
    stop_by: Option<Instant>,
    ended: bool,
    now: Option<Instant>,
    transmit: VecDeque<Bytes>,
    wire: VecDeque<WireEntry>,
}

impl fmt::Debug for JsonRpcSession {
    /// What is under way and what waits to be sent hold codes; none of it is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("JsonRpcSession");
        shown.field("online", &self.site.online).field("ended", &self.ended).field("reader", &self.reader);
        shown.finish_non_exhaustive()
    }
}

impl JsonRpcSession {
    /// A session for one connection; `ip` is our own address as the module sees it.
    #[must_use]
    pub fn new(config: Config, writes: Writes, start: DriverStart, ip: Option<IpAddr>) -> Self {
        let host = match &config.transport {
            Transport::JsonRpc(LinkConfig::TcpPerRequest { host, port }, _) => format!("{host}:{port}"),
            Transport::JsonRpc(..) | Transport::Serial(_) => "module".to_owned(),
        };
        Self {
            site: Site::new(config, writes, start, ip),
            host,
            reader: Reader::default(),
            flight: None,
            last_id: 0,
            lanes: Default::default(),
            queue: CommandQueue::default(),
            schedule: Schedule::default(),
            registration: Registration::default(),
            failures: 0,
            strain: 0,
            stop_by: None,
            ended: false,
            now: None,
            transmit: VecDeque::new(),
            wire: VecDeque::new(),
        }
    }

    fn is_stopping(&self) -> bool {
        self.stop_by.is_some()
    }

    fn drive(&mut self, now: Instant) {
        self.now = Some(now);
        for _ in 0..MOVES {
            if self.ended {
                return;
            }
            let moved = self.give_up(now) || self.stop(now) || self.register(now) || self.advance(now);
            if !moved {
                return;
            }
        }
        tracing::warn!("the session makes no progress");
    }

    /// A call that is not answered in time.
    fn give_up(&mut self, now: Instant) -> bool {
        if self.flight.as_ref().is_none_or(|flight| now < flight.since + ANSWER) {
            return false;
        }
        self.reader.clear();
        self.settle(now, Err(CallError::Silent));
        true
    }

    fn stop(&mut self, now: Instant) -> bool {
        let Some(stop_by) = self.stop_by else { return false };
        let writing = self.flight.as_ref().is_some_and(|flight| flight.call.is_write());
        let working = self.lane(URGENT).job.is_some() || self.lane(COMMAND).job.is_some();
        if now < stop_by && (writing || working) {
            return false;
        }
        self.end(DriverError::Shutdown);
        true
    }

    /// Lets the first lane that has something to ask go on.
    fn advance(&mut self, now: Instant) -> bool {
        if self.flight.is_some() || self.registration.stand_back.is_some() {
            return false;
        }
        for lane in LANES {
            if self.lane(lane).job.is_none() && !self.start(now, lane) {
                continue;
            }
            let Some(next) = self.with_job(lane, |job, site| job.next(now, site)) else { return true };
            match next {
                Next::Call(call) if self.is_possible(&call) => self.send(now, call, Some(lane)),
                Next::Call(_) => {
                    self.with_job(lane, |job, site| job.answered(now, Err(CallError::NotFound), site));
                }
                Next::Wait(until) => {
                    self.set_wait(lane, Some(until));
                    continue;
                }
                Next::Done => {
                    self.take_job(lane);
                    if lane == OWN {
                        self.own_done(now);
                    }
                }
                Next::End(error) => self.end(error),
            }
            return true;
        }
        false
    }

    fn lane(&self, lane: usize) -> &Lane {
        const NONE: &Lane = &Lane { job: None, wait: None };
        self.lanes.get(lane).unwrap_or(NONE)
    }

    fn with_job<T>(&mut self, lane: usize, act: impl FnOnce(&mut dyn Job, &mut Site) -> T) -> Option<T> {
        let job = self.lanes.get_mut(lane)?.job.as_mut()?;
        Some(act(job.as_mut(), &mut self.site))
    }

    fn set_wait(&mut self, lane: usize, wait: Option<Instant>) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.wait = wait;
        }
    }

    fn take_job(&mut self, lane: usize) -> Option<Box<dyn Job>> {
        self.lanes.get_mut(lane).and_then(|lane| std::mem::take(lane).job)
    }

    fn send(&mut self, now: Instant, call: Call, lane: Option<usize>) {
        self.last_id += 1;
        let body = rpc::encode(&call, self.last_id);
        // Whatever is left of an answer belongs to a call that was given up.
        self.reader.clear();
        self.wire.push_back(WireEntry { direction: Direction::ToPanel, masked: rpc::shown_call(&call, self.last_id) });
        self.transmit.push_back(encode_request(&self.host, body.as_deref()));
        self.flight = Some(InFlight { call, id: self.last_id, lane, since: now });
    }

    fn answers(&mut self, now: Instant) {
        loop {
            let response = match self.reader.next_response() {
                Ok(None) => return,
                Ok(Some(response)) => response,
                Err(error) => {
                    tracing::debug!(%error, "the module's answer is no HTTP");
                    if self.flight.is_some() {
                        self.settle(now, Err(CallError::Malformed));
                    }
                    continue;
                }
            };
            let flight = self.flight.as_ref().map(|flight| (&flight.call, flight.id));
            let masked = rpc::shown_answer(flight, &response);
            self.wire.push_back(WireEntry { direction: Direction::FromPanel, masked });
            let Some(flight) = &self.flight else { continue };
            let (mine, answer) = rpc::decode(&flight.call, flight.id, &response);
            if mine {
                self.settle(now, answer);
            }
        }
    }

    /// What became of the call in flight.
    fn settle(&mut self, now: Instant, answer: Answer) {
        let Some(flight) = self.flight.take() else { return };
        self.counted(now.saturating_duration_since(flight.since), &answer);
        if self.ended {
            return;
        }
        match (flight.lane, &answer) {
            (_, Err(CallError::NotRegistered)) => self.not_registered(now, flight),
            (None, _) => self.registered(now, answer),
            (Some(lane), _) => {
                match (&flight.call, &answer) {
                    (Call::RegisterClient { .. }, Ok(_)) => self.took_us(now),
                    (_, Ok(_)) => self.registration.served = true,
                    (_, Err(_)) => {}
                }
                self.with_job(lane, |job, site| job.answered(now, answer, site));
            }
        }
    }

    fn counted(&mut self, took: Duration, answer: &Answer) {
        let failed = answer.as_ref().is_err_and(CallError::is_failure);
        self.failures = if failed { self.failures.saturating_add(1) } else { 0 };
        self.strain = if failed || took > SLOW { self.strain.saturating_add(1) } else { 0 };
        if self.failures >= FAILURES
            && let Err(error) = answer
        {
            let text = format!("{FAILURES} calls in a row brought nothing, the last because {error}");
            self.end(DriverError::Unresponsive(text));
        }
    }

    /// Commands under way are answered; the session's own jobs begin anew some day.
    fn abandon_jobs(&mut self) {
        for lane in LANES {
            if let Some(mut job) = self.take_job(lane) {
                job.abandon(&mut self.site);
            }
        }
    }

    fn refuse_waiting(&mut self, outcome: &Outcome) {
        let readers = self.site.take_readers();
        let queued = self.queue.take_all().into_iter().map(|(id, _)| id);
        for id in queued.chain(readers).collect::<Vec<_>>() {
            self.site.done(id, outcome.clone());
        }
    }

    fn end(&mut self, error: DriverError) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.abandon_jobs();
        self.refuse_waiting(&Outcome::interrupted());
        self.site.end(error);
    }

    fn is_strained(&self) -> bool {
        self.strain >= STRAIN
    }

    fn is_possible(&self, call: &Call) -> bool {
        // Without a registration there is nothing to be had, whatever the list says of its types.
        matches!(call, Call::RegisterClient { .. }) || self.site.methods.takes(call)
    }
}

impl Session for JsonRpcSession {
    fn handle_open(&mut self, now: Instant) {
        self.drive(now);
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.reader.push(bytes);
        self.answers(now);
        self.drive(now);
    }

    fn handle_hung_up(&mut self, now: Instant) {
        // Behind an answer there is no call in flight any more.
        if self.flight.is_some() {
            self.reader.clear();
            self.settle(now, Err(CallError::HungUp));
        }
        self.drive(now);
    }

    fn handle_command(&mut self, now: Instant, id: CommandId, command: Command) -> Result<(), Busy> {
        if self.ended || self.is_stopping() {
            return Err(Busy(command));
        }
        if let Some(outcome) = settled_at_once(&command, &self.site.capabilities) {
            self.site.done(id, outcome);
            return Ok(());
        }
        if self.registration.stand_back.is_some() {
            self.site.done(id, displaced());
            return Ok(());
        }
        if self.queue.len() + self.site.look_for.len() + self.site.users_for.len() >= CAPACITY {
            return Err(Busy(command));
        }
        self.queue.push(id, command);
        self.drive(now);
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.drive(now);
    }

    fn handle_shutdown(&mut self, now: Instant) {
        if self.ended || self.is_stopping() {
            return;
        }
        self.refuse_waiting(&Outcome::NotNow(NotNow { why: "the driver is stopping".into() }));
        self.stop_by = Some(now + STOP);
        if let Some(mut job) = self.take_job(OWN) {
            job.abandon(&mut self.site);
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
        let mut wakes = vec![self.stop_by];
        if let Some(flight) = &self.flight {
            wakes.push(Some(flight.since + ANSWER));
        } else if self.registration.stand_back.is_some() {
            wakes.push(self.registration.stand_back);
        } else {
            wakes.extend(self.lanes.iter().map(|lane| lane.wait.filter(|_| lane.job.is_some())));
            wakes.push(self.schedule.wake().filter(|_| self.lane(OWN).job.is_none()));
        }
        // What is due already has moved as far as it can; it goes on with whatever happens next.
        wakes.into_iter().flatten().filter(|at| *at > now).min()
    }
}
