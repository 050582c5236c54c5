//! The one thread that owns the connection, and when it commits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Instant;

use panel_driver::clock;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::pacing::{self, Pacing, Urgency};
use super::room::Totals;
use super::tx::{Desk, Tx, View};
use super::{Chain, StoreError, StoreOptions, recover};

/// A group of this many writes takes in no more, also when more wait already.
const GROUP_MAX: usize = 256;

/// Counts since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Commits that reached the disk.
    pub commits: u64,
    /// Writes that they held.
    pub writes: u64,
    /// Rows that these changed.
    pub rows: u64,
    /// Writes that failed, by themselves or with their commit.
    pub failed: u64,
    /// Reads.
    pub reads: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    commits: AtomicU64,
    writes: AtomicU64,
    rows: AtomicU64,
    failed: AtomicU64,
    reads: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self) -> StoreStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StoreStats {
            commits: get(&self.commits),
            writes: get(&self.writes),
            rows: get(&self.rows),
            failed: get(&self.failed),
            reads: get(&self.reads),
        }
    }
}

fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

/// A job with its place in the queue, which is free again when the job is taken.
pub(super) struct Ticket {
    pub(super) job: Job,
    pub(super) _room: OwnedSemaphorePermit,
}

pub(super) enum Job {
    Write(Urgency, Box<dyn Work>),
    Read(Box<Read>),
    Close(oneshot::Sender<()>),
}

/// One read; it answers by itself and tells what went wrong.
type Read = dyn FnOnce(&View<'_>) -> Option<StoreError> + Send;

impl Job {
    pub(super) fn write<T, F>(
        urgency: Urgency,
        chain: Option<Chain>,
        work: F,
        reply: oneshot::Sender<Result<T, StoreError>>,
    ) -> Self
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        Self::Write(urgency, Box::new(Piece { work: Some(work), value: None, chain, reply }))
    }

    pub(super) fn read<T, F>(work: F, reply: oneshot::Sender<Result<T, StoreError>>) -> Self
    where
        T: Send + 'static,
        F: FnOnce(&View<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        Self::Read(Box::new(move |view| {
            let answer = catch_unwind(AssertUnwindSafe(|| work(view))).unwrap_or(Err(StoreError::Internal));
            let error = answer.as_ref().err().cloned();
            let _ = reply.send(answer);
            error
        }))
    }
}

/// One write, whatever it returns.
pub(super) trait Work: Send {
    /// Does it, once.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError>;
    /// The chain that it is part of.
    fn chain(&self) -> Option<&Chain>;
    /// Tells the caller how it ended.
    fn answer(self: Box<Self>, end: Result<(), StoreError>);
}

struct Piece<T, F> {
    work: Option<F>,
    value: Option<T>,
    chain: Option<Chain>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Work for Piece<T, F>
where
    T: Send,
    F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let work = self.work.take().ok_or(StoreError::Internal)?;
        self.value = Some(work(tx)?);
        Ok(())
    }

    fn chain(&self) -> Option<&Chain> {
        self.chain.as_ref()
    }

    fn answer(self: Box<Self>, end: Result<(), StoreError>) {
        let Self { value, reply, .. } = *self;
        // Who does not wait any more does not want to know.
        let _ = reply.send(end.and_then(|()| value.ok_or(StoreError::Internal)));
    }
}

/// Writes that are done and wait for their common commit.
struct Group {
    done: Vec<Box<dyn Work>>,
    began: Instant,
    due: Instant,
    /// Rows changed and the outbox's totals before it began.
    rows: u64,
    outbox: Totals,
}

pub(super) struct Writer {
    conn: Connection,
    desk: Desk,
    changes: watch::Sender<u64>,
    counters: Arc<Counters>,
    suspect: recover::Suspect,
    group: Option<Group>,
    pacing: Pacing,
    /// Set when the database turned out to be damaged; then nothing works any more.
    damaged: Option<StoreError>,
}

/// What the thread does next.
enum Next {
    Take(Job),
    Commit,
    End,
}

impl Writer {
    pub(super) fn new(
        conn: Connection,
        desk: Desk,
        changes: watch::Sender<u64>,
        counters: Arc<Counters>,
        options: &StoreOptions,
    ) -> Self {
        let suspect = recover::Suspect::new(&options.dir);
        Self { conn, desk, changes, counters, suspect, group: None, pacing: Pacing::default(), damaged: None }
    }

    /// Serves until somebody closes or nobody is left. Returns whom to tell when everything is closed.
    pub(super) fn run(mut self, queue: &Receiver<Ticket>) -> Option<oneshot::Sender<()>> {
        loop {
            match self.next(queue) {
                Next::Take(Job::Write(urgency, work)) => self.write(urgency, work),
                Next::Take(Job::Read(read)) => self.read(read),
                Next::Take(Job::Close(done)) => {
                    self.close();
                    return Some(done);
                }
                Next::Commit => self.commit(),
                Next::End => {
                    self.close();
                    return None;
                }
            }
        }
    }

    /// What waits in the queue comes along, also when the group is due; then the clock decides.
    fn next(&self, queue: &Receiver<Ticket>) -> Next {
        let Some(group) = &self.group else {
            return queue.recv().map_or(Next::End, |ticket| Next::Take(ticket.job));
        };
        if group.done.len() >= GROUP_MAX {
            return Next::Commit;
        }
        match queue.try_recv() {
            Ok(ticket) => return Next::Take(ticket.job),
            Err(TryRecvError::Disconnected) => return Next::End,
            Err(TryRecvError::Empty) => {}
        }
        let wait = group.due.saturating_duration_since(clock::now());
        if wait.is_zero() {
            return Next::Commit;
        }
        match queue.recv_timeout(wait) {
            Ok(ticket) => Next::Take(ticket.job),
            Err(RecvTimeoutError::Timeout) => Next::Commit,
            Err(RecvTimeoutError::Disconnected) => Next::End,
        }
    }

    fn write(&mut self, urgency: Urgency, mut work: Box<dyn Work>) {
        let now = clock::now();
        if work.chain().is_some_and(Chain::is_broken) {
            return self.failed(work, StoreError::Behind);
        }
        if let Err(error) = self.begin(now) {
            self.failed(work, error);
            return;
        }
        match self.run_in_savepoint(work.as_mut()) {
            Ok(()) => self.keep(now, urgency, work),
            Err(error) => {
                // On some errors (a full disk can be one) SQLite rolls back the whole transaction by itself.
                if self.conn.is_autocommit() {
                    self.abandon(&error);
                }
                self.failed(work, error);
            }
        }
    }

    fn begin(&mut self, now: Instant) -> Result<(), StoreError> {
        if let Some(error) = &self.damaged {
            return Err(error.clone());
        }
        if self.group.is_none() {
            self.conn.execute_batch("BEGIN IMMEDIATE")?;
            let rows = self.conn.total_changes();
            let outbox = self.desk.outbox.get();
            self.group = Some(Group { done: Vec::new(), began: now, due: pacing::latest(now), rows, outbox });
        }
        Ok(())
    }

    fn run_in_savepoint(&self, work: &mut dyn Work) -> Result<(), StoreError> {
        let outbox = self.desk.outbox.get();
        self.conn.prepare_cached("SAVEPOINT work")?.execute([])?;
        let mut tx = Tx::new(&self.conn, &self.desk);
        let end = catch_unwind(AssertUnwindSafe(|| work.run(&mut tx))).unwrap_or(Err(StoreError::Internal));
        let end = end.and_then(|()| self.release());
        if end.is_err() {
            self.desk.outbox.set(outbox);
            let undo = if self.conn.is_autocommit() { "" } else { "ROLLBACK TO work; RELEASE work" };
            if let Err(error) = self.conn.execute_batch(undo) {
                // Half of the work must not be committed with the others'.
                tracing::error!(%error, "a piece of work cannot be rolled back alone");
                self.roll_back();
            }
        }
        end
    }

    fn release(&self) -> Result<(), StoreError> {
        self.conn.prepare_cached("RELEASE work")?.execute([])?;
        Ok(())
    }

    fn roll_back(&self) {
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction cannot be rolled back");
        }
    }

    /// Takes a done write into the group and decides how long the group may wait now.
    fn keep(&mut self, now: Instant, urgency: Urgency, work: Box<dyn Work>) {
        let Some(group) = &mut self.group else { return };
        group.done.push(work);
        let due = self.pacing.due(urgency, now, group.began, group.done.len());
        group.due = group.due.min(due);
    }

    fn read(&mut self, read: Box<Read>) {
        self.commit();
        count(&self.counters.reads, 1);
        if let Some(error) = read(&View { conn: &self.conn, desk: &self.desk }) {
            self.note_damage(&error);
        }
    }

    fn commit(&mut self) {
        if self.group.is_none() {
            return;
        }
        if let Err(error) = self.conn.execute_batch("COMMIT") {
            self.abandon(&error.into());
            return;
        }
        let Some(group) = self.group.take() else { return };
        count(&self.counters.commits, u64::from(!group.done.is_empty()));
        count(&self.counters.writes, group.done.len() as u64);
        count(&self.counters.rows, self.conn.total_changes().saturating_sub(group.rows));
        if self.desk.outbox.get().added > group.outbox.added {
            self.changes.send_modify(|n| *n += 1);
        }
        for work in group.done {
            work.answer(Ok(()));
        }
    }

    /// Rolls the group back and tells everybody in it.
    fn abandon(&mut self, error: &StoreError) {
        self.roll_back();
        let Some(group) = self.group.take() else { return };
        self.desk.outbox.set(group.outbox);
        for work in group.done {
            self.failed(work, error.clone());
        }
    }

    fn failed(&mut self, work: Box<dyn Work>, error: StoreError) {
        count(&self.counters.failed, 1);
        self.note_damage(&error);
        if let Some(chain) = work.chain() {
            chain.break_off();
        }
        work.answer(Err(error));
    }

    /// A damaged database takes no more writes: what is readable stays readable until the next start.
    fn note_damage(&mut self, error: &StoreError) {
        if let StoreError::Corrupt(what) = error
            && self.damaged.is_none()
        {
            tracing::error!(what, "the database is damaged; the next start puts it aside");
            self.suspect.raise();
            self.damaged = Some(error.clone());
        }
    }

    fn close(mut self) {
        self.commit();
        if let Err((_, error)) = self.conn.close() {
            tracing::warn!(%error, "the database was not closed cleanly; nothing is lost");
        }
    }
}
