use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_model::{PanelEvent, PanelState};
use serde_json::Value;

use super::machine::Pace;
use super::net::{Item, Lane};
use super::record::{Line, Record};
use super::{Failure, NetFaults, Rng};
use crate::sim::{Poke, Simulator};
use crate::{Command, CommandId, DriverError, DriverEvent, DriverStart, Outcome, Session, WireEntry, clock};

/// How long [`Pair::settle`] and [`Pair::ask`] wait, in virtual time: longer than any procedure at a panel takes.
const PATIENCE: Duration = Duration::from_secs(1800);

/// A driver's session and a simulated panel, joined in memory under a virtual clock.
///
/// Time stands still except inside `run_for`, `run_until`, `settle`, `ask` and `shutdown`, where it jumps from one
/// thing that is due to the next. The same seed, session and panel always give the same run.
///
/// Around the session it does what `run_session` and the panel's owner do: it offers commands again after `Busy`,
/// answers them as interrupted when the line breaks, opens the line again after a back-off (five minutes where a
/// person would have to help), and hands residue and credentials to the next session.
///
/// At every step these rules are checked, and a broken one is a [`Failure`]:
/// no event before the connection's snapshot; exactly one outcome per accepted command, none for others; a refused
/// (`Busy`) command comes back unchanged; nothing after `End`; an `End` within ten seconds of `handle_shutdown`;
/// time-outs that make progress, on both sides (no loop that spins); no panic; residues of at most 64 characters; no
/// secret of [`with_secrets`](Self::with_secrets) in an output or in the wire log.
pub struct Pair<S, P> {
    pub(super) now: Instant,
    pub(super) faults: NetFaults,
    pub(super) net_rng: Rng,
    rng: Rng,
    pub(super) to_panel: Lane,
    pub(super) to_driver: Lane,
    /// Until then the line swallows everything and nobody is told.
    pub(super) silent_until: Option<Instant>,
    pub(super) panel: P,
    /// The panel's side of the line is connected.
    pub(super) joined: bool,
    /// The panel hung up and takes nobody until then.
    pub(super) refuses_until: Instant,
    pub(super) make: Box<dyn FnMut(DriverStart) -> S>,
    pub(super) start: DriverStart,
    pub(super) session: Option<S>,
    /// When the owner opens the line again; `None`: never.
    pub(super) reopen: Option<Instant>,
    pub(super) backoff: Duration,
    /// Commands that the session has not accepted yet.
    pub(super) queue: VecDeque<(CommandId, Command)>,
    next_id: u64,
    pub(super) stopping: Option<Instant>,
    pub(super) pace: Pace,
    pub(super) record: Record,
}

impl<S: Session, P: Simulator> Pair<S, P> {
    /// A panel (made for the time given) and a way to make the driver's session for each connection. The line is
    /// perfect and opens as soon as time runs.
    pub fn new(seed: u64, panel: impl FnOnce(Instant) -> P, make: impl FnMut(DriverStart) -> S + 'static) -> Self {
        let epoch = clock::now();
        Self {
            now: epoch,
            faults: NetFaults::perfect(),
            net_rng: Rng::new(seed),
            // Not the network's numbers: what a scenario draws does not move the network's faults.
            rng: Rng::new(!seed),
            to_panel: Lane::default(),
            to_driver: Lane::default(),
            silent_until: None,
            panel: panel(epoch),
            joined: false,
            refuses_until: epoch,
            make: Box::new(make),
            start: DriverStart::default(),
            session: None,
            reopen: Some(epoch),
            backoff: Duration::from_secs(1),
            queue: VecDeque::new(),
            next_id: 1,
            stopping: None,
            pace: Pace::new(epoch),
            record: Record::new(seed, epoch),
        }
    }

    /// The same, over such a line.
    #[must_use]
    pub fn with_faults(mut self, faults: NetFaults) -> Self {
        self.faults = faults;
        self
    }

    /// The same, with these credentials and residue for the first session.
    #[must_use]
    pub fn with_start(mut self, start: DriverStart) -> Self {
        self.start = start;
        self
    }

    /// The same, with texts that must not be found in any output or in the wire log.
    #[must_use]
    pub fn with_secrets<T: Into<String>>(mut self, secrets: impl IntoIterator<Item = T>) -> Self {
        self.record.secrets = secrets.into_iter().map(Into::into).collect();
        self
    }

    /// Changes the line from now on.
    pub fn set_faults(&mut self, faults: NetFaults) {
        self.faults = faults;
    }

    /// Lets time run for so long.
    ///
    /// # Errors
    /// A broken rule.
    pub fn run_for(&mut self, time: Duration) -> Result<(), Failure> {
        self.run(time, |_| false).map(|_| ())
    }

    /// Lets time run until `done`, which is asked after every step.
    ///
    /// # Errors
    /// A broken rule, or `limit` passed.
    pub fn run_until(&mut self, limit: Duration, done: impl FnMut(&Self) -> bool) -> Result<(), Failure> {
        if self.run(limit, done)? { Ok(()) } else { Err(self.fail(format!("not reached within {limit:?}"))) }
    }

    /// Lets time run until the driver is online, every command is answered and nothing is on its way; at most for
    /// half an hour. A driver that ended for good is settled too.
    ///
    /// # Errors
    /// A broken rule, or it does not settle.
    pub fn settle(&mut self) -> Result<(), Failure> {
        let settled = |pair: &Self| {
            let over = pair.session.is_none() && pair.reopen.is_none();
            let idle = pair.queue.is_empty() && pair.record.open.is_empty();
            idle && pair.to_panel.is_empty() && pair.to_driver.is_empty() && (pair.record.online || over)
        };
        if self.run(PATIENCE, settled)? {
            return Ok(());
        }
        let waiting: Vec<_> = self.record.open.iter().chain(self.queue.iter().map(|(id, _)| id)).copied().collect();
        Err(self.fail(format!("did not settle: online {}, unanswered {waiting:?}", self.record.online)))
    }

    /// Gives a command to the driver; it is offered as time runs. Without a session it waits for the next one.
    pub fn command(&mut self, command: Command) -> CommandId {
        let id = CommandId(self.next_id);
        self.next_id += 1;
        self.queue.push_back((id, command));
        id
    }

    /// Gives a command and lets time run until it is answered, at most for half an hour.
    ///
    /// # Errors
    /// A broken rule, or no answer.
    pub fn ask(&mut self, command: Command) -> Result<Outcome, Failure> {
        let id = self.command(command);
        self.run_until(PATIENCE, |pair| pair.outcome(id).is_some())?;
        self.outcome(id).cloned().ok_or_else(|| self.fail("no outcome"))
    }

    /// Does something at the panel, in the words of [`Poke::parse`].
    ///
    /// # Errors
    /// The panel has no such thing.
    pub fn poke(&mut self, words: &str) -> Result<(), Failure> {
        self.record.note(self.now, Line::Poke(words.to_owned()));
        let now = self.now;
        Poke::parse(words)
            .and_then(|poke| self.panel.poke(now, poke))
            .map_err(|error| self.fail(format!("poke `{words}`: {error}")))
    }

    /// Reaches into the panel.
    pub fn at_panel<R>(&mut self, change: impl FnOnce(&mut P, Instant) -> R) -> R {
        change(&mut self.panel, self.now)
    }

    /// Sends bytes to the driver that the panel never sent.
    pub fn inject_to_driver(&mut self, bytes: impl Into<Bytes>) {
        self.to_driver.push(self.now, Item::Bytes(bytes.into()));
    }

    /// Sends bytes to the panel that the driver never sent.
    pub fn inject_to_panel(&mut self, bytes: impl Into<Bytes>) {
        self.to_panel.push(self.now, Item::Bytes(bytes.into()));
    }

    /// Cuts the line, for at least so long; both sides see it at once and what was on its way is lost.
    ///
    /// # Errors
    /// A broken rule.
    pub fn cut(&mut self, down: Duration) -> Result<(), Failure> {
        self.record.note(self.now, Line::Note("line cut"));
        self.lose_line(down)
    }

    /// For so long the line swallows everything and nobody is told: a pulled serial cable, a half-open connection.
    pub fn silence(&mut self, time: Duration) {
        self.record.note(self.now, Line::Note("line silent"));
        self.to_panel.clear();
        self.to_driver.clear();
        self.silent_until = Some(self.now + time);
    }

    /// Ends the driver as `kill -9` does: no last words. A new one starts after the back-off, with what was noted.
    pub fn kill_driver(&mut self) {
        self.record.note(self.now, Line::Note("driver killed"));
        if self.session.is_some() {
            self.close_from_driver();
            self.drop_session();
        }
        self.reopen = Some(self.now + self.backoff);
    }

    /// Asks the session to stop, as the owner does by cancelling. Time does not run.
    pub fn begin_shutdown(&mut self) {
        self.record.note(self.now, Line::Note("shutdown"));
        self.stopping = Some(self.now);
        self.reopen = None;
        self.refuse_queue();
        if let Some(session) = &mut self.session {
            session.handle_shutdown(self.now);
        }
    }

    /// Asks the session to stop and lets time run until it ended. Returns what it ended with.
    ///
    /// # Errors
    /// A broken rule, such as no end within ten seconds.
    pub fn shutdown(&mut self) -> Result<DriverError, Failure> {
        self.begin_shutdown();
        self.run_until(PATIENCE, |pair| pair.session.is_none())?;
        let last = self.record.ends.last().map(|(_, error)| error.clone());
        last.ok_or_else(|| self.fail("there was no session to stop"))
    }

    /// Starts the driver again after a shutdown.
    pub fn restart(&mut self) {
        self.stopping = None;
        self.reopen = Some(self.now);
    }

    /// The present virtual time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Virtual time since the pair was made.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now - self.record.epoch
    }

    /// The session of the present connection.
    #[must_use]
    pub fn session(&self) -> Option<&S> {
        self.session.as_ref()
    }

    /// The simulated panel.
    #[must_use]
    pub fn panel(&self) -> &P {
        &self.panel
    }

    /// What the next session will be started with.
    pub fn start_mut(&mut self) -> &mut DriverStart {
        &mut self.start
    }

    /// What the next session will be started with.
    #[must_use]
    pub fn start(&self) -> &DriverStart {
        &self.start
    }

    /// Everything that the driver told, with its virtual time.
    #[must_use]
    pub fn events(&self) -> &[(Duration, DriverEvent)] {
        &self.record.events
    }

    /// Only what happened at the panel, as the driver told it.
    pub fn panel_events(&self) -> impl Iterator<Item = &PanelEvent> {
        self.record.events.iter().filter_map(|(_, event)| match event {
            DriverEvent::Happened(event) => Some(event),
            _ => None,
        })
    }

    /// How a command ended; `None`: it is not answered yet.
    #[must_use]
    pub fn outcome(&self, id: CommandId) -> Option<&Outcome> {
        self.record.outcomes.get(&id)
    }

    /// The panel's state as its owner would know it: the last snapshot and the events since.
    #[must_use]
    pub fn state(&self) -> Option<&PanelState> {
        self.record.state.as_ref()
    }

    /// Whether the present connection has given its snapshot.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.record.online
    }

    /// How each connection ended, except by [`kill_driver`](Self::kill_driver).
    #[must_use]
    pub fn ends(&self) -> &[(Duration, DriverError)] {
        &self.record.ends
    }

    /// What the simulator told of itself.
    #[must_use]
    pub fn happened(&self) -> &[(Duration, Value)] {
        &self.record.happened
    }

    /// The wire log, whole.
    #[must_use]
    pub fn wire(&self) -> &[(Duration, WireEntry)] {
        &self.record.wire
    }

    /// How many bytes the driver has sent.
    #[must_use]
    pub fn bytes_to_panel(&self) -> u64 {
        self.record.bytes_to_panel
    }

    /// Seeded numbers for the scenario itself.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// A failure of the scenario's own, with seed, time and trace.
    #[must_use]
    pub fn fail(&self, what: impl Into<String>) -> Failure {
        self.record.fail(self.now, what)
    }

    /// Fails unless it holds; `what` says what should hold.
    ///
    /// # Errors
    /// It does not hold.
    pub fn check(&self, holds: bool, what: &str) -> Result<(), Failure> {
        if holds { Ok(()) } else { Err(self.fail(format!("should hold: {what}"))) }
    }
}

impl<S, P: fmt::Debug> fmt::Debug for Pair<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair")
            .field("at", &(self.now - self.record.epoch))
            .field("panel", &self.panel)
            .finish_non_exhaustive()
    }
}
