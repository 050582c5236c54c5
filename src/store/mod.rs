//! What survives a power cut: one SQLite file, owned by one thread.
//!
//! [`Store`] is a cheap handle to that thread. A write is a closure over [`Tx`]; writes that wait together commit
//! together, and each is answered after the commit, so what was answered is on the disk. A read is a closure over
//! [`View`] and sees everything that was answered and nothing that was not.
//!
//! All SQL of the daemon is in here. Codes are sealed before they reach a row. Nothing in here reads a clock, but
//! for the timer that groups writes and the name of a damaged file that is put aside.

mod access;
mod accounts;
mod answers;
mod approval;
mod chain;
mod column;
mod commissioning;
mod directory;
mod error;
mod events;
mod lock;
mod log;
mod mail;
mod most;
mod outbox;
mod pacing;
mod people;
mod recover;
mod register;
mod requests;
mod roles;
mod room;
mod schema;
mod secrets;
mod state;
#[cfg(test)]
mod tests;
mod thread;
mod tx;
mod users;

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};

use tokio::sync::{Semaphore, oneshot, watch};

pub use self::accounts::Account;
pub use self::answers::{Answers, Versions};
pub use self::approval::{ChangeRequest, Deleted, DeletedKind, NewChangeRequest, NewDeleted, RequestState};
pub use self::chain::{ChainHash, Damage, Link, NoHash, Proof, Verifier};
pub use self::commissioning::{InstallerProof, WalkTest, Walked, WalkedZone};
pub use self::directory::DirectoryEntry;
pub use self::error::StoreError;
pub use self::events::{EventQuery, NewEvent, StoredEvent};
pub use self::log::{ChainEnds, LogLine, NewLogLine};
pub use self::mail::{NewMail, WaitingMail};
pub use self::most::Listed;
pub use self::outbox::{OutboxItem, OutboxRecord, OutboxSeq, OutboxStats, Priority};
pub use self::pacing::Urgency;
pub use self::people::{Invitation, Passwords, Person, TokenHash};
pub use self::recover::Opened;
pub use self::register::{Asset, Place, PlaceKey, RegisterEntry, RegisterId, RegisterKind, folded};
pub use self::requests::{KnownRequest, NewRequest, ReplyTo, StoredKeys};
pub use self::roles::Participation;
pub use self::thread::StoreStats;
pub use self::tx::{Tx, View};
use crate::secrets::Keys;

/// Writes and reads that may wait for the thread; further callers wait for room.
const QUEUE: usize = 256;

/// Where the store lives and how large it may grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// The data directory; made when it is missing. One process has it at a time.
    pub dir: PathBuf,
    /// Bytes that records for the cloud may take before the least important are dropped.
    pub outbox_max_bytes: u64,
    /// The same in records.
    pub outbox_max_rows: u64,
    /// Events kept per panel beyond those that the cloud still has to get.
    pub history_rows: u32,
    /// Action log lines kept beyond those that the cloud still has to get.
    pub log_rows: u32,
    /// Pages that the database may have, to provoke a full disk.
    #[cfg(test)]
    pub(crate) max_pages: Option<u32>,
}

impl StoreOptions {
    /// The defaults: 64 MB or 200,000 records for the cloud, 10,000 events a panel, 50,000 log lines.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            outbox_max_bytes: 64_000_000,
            outbox_max_rows: 200_000,
            history_rows: 10_000,
            log_rows: 50_000,
            #[cfg(test)]
            max_pages: None,
        }
    }
}

/// The handle of the store's thread. When the last one is gone, the thread commits what waits and ends.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::SyncSender<thread::Ticket>,
    room: Arc<Semaphore>,
    changed: watch::Receiver<u64>,
    counters: Arc<thread::Counters>,
    boots: u64,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("boots", &self.boots).field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database, or makes a new one, and starts its thread. Blocks; call it where blocking is allowed.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::NewerSchema`], [`StoreError::WrongKey`], or what the system said; the
    /// database is untouched then. A damaged database is no error: see [`Opened::Recovered`].
    pub fn open(options: &StoreOptions, keys: Arc<Keys>) -> Result<(Self, Opened), StoreError> {
        let lock = lock::DirLock::take(&options.dir)?;
        let (base, opened) = recover::open(options, &keys)?;
        let boots = base.boots;
        let (jobs, queue) = mpsc::sync_channel(QUEUE);
        let (changes, changed) = watch::channel(0);
        let counters = Arc::new(thread::Counters::default());
        let desk = tx::Desk::new(&base, keys, options)?;
        let writer = thread::Writer::new(base.conn, desk, changes, Arc::clone(&counters), options);
        std::thread::Builder::new()
            .name("store".into())
            .spawn(move || {
                let done = writer.run(&queue);
                drop((queue, lock));
                if let Some(done) = done {
                    let _ = done.send(());
                }
            })
            .map_err(|error| StoreError::io(&options.dir, error))?;
        Ok((Self { jobs, room: Arc::new(Semaphore::new(QUEUE)), changed, counters, boots }, opened))
    }

    /// How often this database was opened, this time included: the gateway's boot counter.
    #[must_use]
    pub fn boots(&self) -> u64 {
        self.boots
    }

    /// Runs `work` in a transaction, and answers after its commit. When `work` fails or panics, only its own changes
    /// are rolled back. `work` returns the first error that it meets and does not go on after it.
    ///
    /// Who needs several writes in order without waiting for each, such as a panel's events, uses
    /// [`Store::begin_write`]: a caller that waits for every grouped write in turn gets four a second.
    ///
    /// # Errors
    /// What `work` returned; [`StoreError::Full`] and others when the commit failed; [`StoreError::Closed`].
    ///
    /// # Cancel safety
    /// Dropped while the queue is full, nothing happens. Dropped later, the work is done all the same.
    pub async fn write<T, F>(&self, urgency: Urgency, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.begin_write(urgency, work).await?.await
    }

    /// Hands a write to the thread, waiting only while its queue is full. Writes are done in the order in which they
    /// were handed over; the result completes after the commit.
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    ///
    /// # Cancel safety
    /// Dropped before it returns, nothing happens.
    pub async fn begin_write<T, F>(&self, urgency: Urgency, work: F) -> Result<Committed<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.hand_over_write(urgency, None, work).await
    }

    /// The same for a write that is part of a chain: after one of it failed, it is refused with
    /// [`StoreError::Behind`].
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    ///
    /// # Cancel safety
    /// Dropped before it returns, nothing happens.
    pub async fn begin_write_in<T, F>(
        &self,
        chain: &Chain,
        urgency: Urgency,
        work: F,
    ) -> Result<Committed<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.hand_over_write(urgency, Some(chain.clone()), work).await
    }

    async fn hand_over_write<T, F>(
        &self,
        urgency: Urgency,
        chain: Option<Chain>,
        work: F,
    ) -> Result<Committed<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.hand_over(thread::Job::write(urgency, chain, work, reply)).await?;
        Ok(Committed(answer))
    }

    /// Runs `work` on what is stored. Writes that wait for company are committed first.
    ///
    /// # Errors
    /// What `work` returned, or [`StoreError::Closed`].
    pub async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&View<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.hand_over(thread::Job::read(work, reply)).await?;
        Committed(answer).await
    }

    /// Commits what waits, closes the database and gives the data directory free. Everything that is asked for later
    /// is answered with [`StoreError::Closed`].
    pub async fn close(&self) {
        let (reply, done) = oneshot::channel();
        if self.hand_over(thread::Job::Close(reply)).await.is_ok() {
            let _ = done.await;
        }
    }

    /// Changes after every commit that put something into the outbox.
    #[must_use]
    pub fn outbox_changed(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }

    /// Counts since the store was opened.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.counters.read()
    }

    async fn hand_over(&self, job: thread::Job) -> Result<(), StoreError> {
        let room = Arc::clone(&self.room).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        // There is a permit for every place in the channel, so it cannot be full.
        self.jobs.try_send(thread::Ticket { job, _room: room }).map_err(|_| StoreError::Closed)
    }
}

/// Writes of which none may overtake another: after one failed, all that come behind it are refused, until the chain
/// is mended. By then the owner of the chain has to have heard of all that are still with the store.
#[derive(Debug, Clone, Default)]
pub struct Chain(Arc<AtomicBool>);

impl Chain {
    /// The next write is the first of the line again.
    pub fn mend(&self) {
        self.0.store(false, Ordering::Release);
    }

    fn is_broken(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn break_off(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Completes after the commit of the write that it belongs to. Dropping it does not undo the write.
#[derive(Debug)]
#[must_use = "the write may fail"]
pub struct Committed<T>(oneshot::Receiver<Result<T, StoreError>>);

impl<T> Future for Committed<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(StoreError::Closed)))
    }
}
