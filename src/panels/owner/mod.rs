//! The owner task of one panel: opens the link, runs the driver, stores what happened, then shows it.

mod connection;
mod record;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

use panel_driver::{Command, CommandRequest, DriverError, DriverEvent, Outcome, Residue, Section, Stamped, clock};
use panel_model::{
    AccessCode, Answer, EventKind, InstallerCode, PanelError, PanelEvent, PanelSnapshot, PanelState, PanelStatus,
    Password,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span, warn};

use self::connection::{TakeOvers, next_event};
use self::steps::step_outcome;
use super::backoff::LinkBackoff;
use super::book::{Book, Changes};
use super::journal::Journal;
use super::supervision::Supervision;
use super::{PanelRequest, PanelSetup, PanelUnit, UnitParts, put_master, secret_name};
use crate::store::{Store, StoreError, Tx, Urgency};

/// Events taken into one transaction at most.
const BATCH: usize = 256;
/// Transactions of events in a row after which everybody else has a turn, however much the panel talks.
const BATCHES_IN_A_ROW: u32 = 4;
/// How long a driver gets to leave menus when the daemon stops.
const STOP_WITHIN: Duration = Duration::from_secs(12);

impl PanelUnit {
    /// Looks after the panel until cancelled.
    ///
    /// # Errors
    /// When the store cannot be read at the start. Later store errors are waited out: nothing is taken from the
    /// driver meanwhile, so nothing is lost that the link can hold; what people ask of the panel is done.
    pub async fn run(&self, cancel: CancellationToken) -> Result<(), StoreError> {
        let span = info_span!("panel", id = %self.id());
        async {
            let mut requests = self.0.requests.lock().await;
            let owner = Owner::load(Arc::clone(&self.0), cancel.clone()).await?;
            owner.run(&mut requests, cancel).await;
            Ok(())
        }
        .instrument(span)
        .await
    }
}

/// The picture of a panel that was never heard of.
pub(super) fn blank_picture(setup: &PanelSetup) -> PanelSnapshot {
    PanelSnapshot {
        id: setup.id.clone(),
        vendor: setup.factory.vendor(),
        link: setup.factory.link().to_string(),
        status: PanelStatus::Offline,
        since: clock::wall(),
        last_seen: None,
        needs: None,
        firmware: None,
        capabilities: setup.factory.capabilities(),
        state: PanelState::default(),
        users: BTreeMap::new(),
        answers: BTreeMap::new(),
        reported_version: 0,
        desired_version: 0,
        cloud_version: 0,
        progress: None,
    }
}

struct Owner {
    parts: Arc<UnitParts>,
    journal: Journal,
    /// The picture changed since it was shown.
    unseen: bool,
    book: Book,
    supervision: Supervision,
    backoff: LinkBackoff,
    connection: Option<Connection>,
    /// Transactions of events since anything else had its turn.
    batches: u32,
    take_overs: TakeOvers,
    /// Holds the driver's task, one at most.
    tasks: JoinSet<DriverError>,
    /// How the last try to connect ended, if none succeeded since.
    last_end: Option<DriverError>,
    /// When the link is to be opened (again).
    open_at: Option<Instant>,
    step: Option<oneshot::Receiver<Outcome>>,
    residue: Option<Residue>,
    last_command: u64,
}

struct Connection {
    commands: mpsc::Sender<CommandRequest>,
    events: mpsc::Receiver<Stamped>,
    cancel: CancellationToken,
    /// A snapshot came: commands may be given.
    up: bool,
    /// Residue notes taken from the driver.
    notes: u64,
    /// Tells the driver how many of them are on the disk.
    kept: watch::Sender<u64>,
}

impl Owner {
    async fn load(parts: Arc<UnitParts>, cancel: CancellationToken) -> Result<Self, StoreError> {
        seed_credentials(&parts.setup, &parts.store).await?;
        let id = parts.setup.id.clone();
        let mut picture = blank_picture(&parts.setup);
        let (state, users, desired, answers, versions, residue, told) = parts
            .store
            .read(move |view| {
                Ok((
                    view.panel_state(&id)?,
                    view.reported_users(&id)?,
                    view.desired_users(&id)?,
                    view.answers(&id)?,
                    view.versions(&id)?,
                    view.residue(&id)?,
                    view.last_of(&id, &Supervision::EVENTS)?,
                ))
            })
            .await?;
        let known = state != PanelState::default();
        picture.state = state;
        picture.users = users;
        picture.answers =
            answers.into_iter().map(|(key, (version, condition))| (key, Answer { version, condition })).collect();
        picture.desired_version = versions.desired;
        picture.reported_version = versions.reported;
        picture.cloud_version = versions.cloud;
        let now = clock::now();
        let supervision = Supervision::new(now, parts.setup.supervision, known, told);
        picture.status = supervision.status();
        let book = Book::new(picture, desired, parts.setup.authority, Arc::clone(&parts.keys));
        let journal = Journal::new(parts.store.clone(), parts.setup.id.clone(), cancel);
        let owner = Self {
            parts,
            journal,
            unseen: false,
            book,
            supervision,
            backoff: LinkBackoff::default(),
            connection: None,
            batches: 0,
            take_overs: TakeOvers::default(),
            tasks: JoinSet::new(),
            last_end: None,
            open_at: Some(now),
            step: None,
            residue: residue.map(Residue),
            last_command: 0,
        };
        owner.show();
        Ok(owner)
    }

    async fn run(mut self, requests: &mut mpsc::Receiver<PanelRequest>, cancel: CancellationToken) {
        while !cancel.is_cancelled() {
            let mut changes = Changes::default();
            let was_stuck = self.journal.is_stuck();
            self.wait_for_something(requests, &cancel, &mut changes).await;
            let now = clock::now();
            // What the panel said meanwhile was not taken in: silence proves nothing.
            if !was_stuck {
                let crossed = self.supervision.update(now);
                self.status(crossed, &mut changes);
            }
            if self.open_at.is_some_and(|at| at <= now) {
                self.connect().await;
            }
            self.commit(changes).await;
            self.reconcile().await;
        }
        self.stop().await;
    }

    /// Waits until one thing happens and takes it in. Every arm is cancel-safe: channels and join sets lose nothing
    /// when not chosen.
    ///
    /// While the store takes nothing (a full disk), nothing is taken from the driver: its events wait in their bounded
    /// queue, then in the link. Commands go to it all the same, and their answers do not pass here.
    async fn wait_for_something(
        &mut self,
        requests: &mut mpsc::Receiver<PanelRequest>,
        cancel: &CancellationToken,
        changes: &mut Changes,
    ) {
        let wake = self.next_wake();
        let stuck = self.journal.is_stuck();
        tokio::select! {
            biased;
            () = cancel.cancelled() => {}
            Some(stamped) = next_event(&mut self.connection), if !stuck && self.batches < BATCHES_IN_A_ROW => {
                self.batches += 1;
                self.take_events(stamped, changes);
            }
            outcome = step_outcome(&mut self.step), if !stuck => self.step_ended(outcome, changes).await,
            Some(end) = self.tasks.join_next(), if !stuck && !self.tasks.is_empty() => {
                // A panicking driver is a broken protocol: the link is opened again after the back-off.
                let error = end.unwrap_or_else(|_| DriverError::Protocol("the driver crashed".into()));
                // Its last words may have come between the look at the events and this.
                while let Some(stamped) = self.connection.as_mut().and_then(|c| c.events.try_recv().ok()) {
                    self.take_event(stamped, changes);
                }
                self.disconnected(&error, changes);
            }
            Some(request) = requests.recv() => {
                self.batches = 0;
                self.request(request, changes);
            }
            () = self.journal.settle_one() => {}
            () = ready(()), if self.batches >= BATCHES_IN_A_ROW => self.batches = 0,
            () = sleep_until(wake.into()) => {}
        }
    }

    fn next_wake(&self) -> Instant {
        let retry = self.is_up().then(|| self.book.next_try()).flatten();
        let paced = [self.supervision.next_update(), retry].into_iter().filter(|_| !self.journal.is_stuck());
        let wakes = paced.chain([self.open_at]).flatten();
        wakes.min().unwrap_or_else(|| clock::now() + Duration::from_secs(3600))
    }

    /// Whether a driver is there to be asked. One that was told to stop, or has ended, is not: it would only answer
    /// that it was interrupted, and that would count as a try.
    fn is_up(&self) -> bool {
        self.connection.as_ref().is_some_and(|c| c.up && !c.cancel.is_cancelled() && !c.commands.is_closed())
    }

    /// Takes in what the driver told, as much as is waiting: one transaction for all of it.
    fn take_events(&mut self, first: Stamped, changes: &mut Changes) {
        let mut next = Some(first);
        let mut taken = 0;
        while let Some(stamped) = next {
            self.take_event(stamped, changes);
            taken += 1;
            next = self.connection.as_mut().filter(|_| taken < BATCH).and_then(|c| c.events.try_recv().ok());
        }
    }

    fn take_event(&mut self, stamped: Stamped, changes: &mut Changes) {
        self.book.picture.last_seen = Some(stamped.wall);
        let crossed = match &stamped.event {
            DriverEvent::Snapshot(_) => self.connected(stamped.at, changes),
            _ => self.supervision.heard(stamped.at),
        };
        self.status(crossed, changes);
        if let DriverEvent::Residue(residue) = &stamped.event {
            self.residue.clone_from(residue);
            if let Some(connection) = &mut self.connection {
                connection.notes += 1;
            }
        }
        let was_quiet = self.book.picture.state.is_quiet();
        self.book.take(stamped.wall, stamped.event, changes);
        if !was_quiet && self.book.picture.state.is_quiet() {
            self.book.retry_not_now();
        }
    }

    fn status(&mut self, crossed: Option<EventKind>, changes: &mut Changes) {
        let status = self.supervision.status();
        if self.book.picture.status != status {
            self.book.picture.status = status;
            self.book.picture.since = clock::wall();
            changes.picture = true;
        }
        if let Some(kind) = crossed {
            changes.events.push((clock::wall(), PanelEvent::new(kind)));
        }
    }

    fn request(&mut self, request: PanelRequest, changes: &mut Changes) {
        match request {
            // Who asked may have lost patience.
            PanelRequest::Alive(reply) => drop(reply.send(())),
            PanelRequest::Command(Command::Refresh(Section::Users), reply) if self.book.master_needed().is_some() => {
                reply.complete(self.book.master_needed().unwrap_or_else(Outcome::interrupted));
            }
            PanelRequest::Command(command, reply) => {
                if let Some(reply) = self.send(command, reply) {
                    reply.complete(Outcome::Failed(PanelError::passing("offline", "the panel is not reachable now")));
                }
            }
            PanelRequest::Accepted(accepted) => {
                self.book.wish(*accepted, changes);
            }
            PanelRequest::CredentialsChanged => {
                self.book.credentials_changed(clock::wall(), changes);
                match &self.connection {
                    Some(connection) => connection.cancel.cancel(),
                    None => self.open_at = Some(clock::now()),
                }
            }
        }
    }

    /// Lets the driver leave menus, takes in its last words, and ends.
    async fn stop(mut self) {
        if let Some(connection) = &self.connection {
            connection.cancel.cancel();
        }
        let last_words = async {
            while !self.tasks.is_empty() {
                let mut changes = Changes::default();
                tokio::select! {
                    biased;
                    Some(stamped) = next_event(&mut self.connection) => self.take_events(stamped, &mut changes),
                    outcome = step_outcome(&mut self.step) => self.step_ended(outcome, &mut changes).await,
                    _ = self.tasks.join_next() => {}
                }
                self.commit(changes).await;
            }
            self.journal.settle().await;
        };
        if timeout(STOP_WITHIN, last_words).await.is_err() {
            warn!("the driver did not reach a safe point in time");
        }
    }
}

/// Takes the configuration's secrets into the store when they are new there. From then on the store's count, for
/// they follow what is changed at the panel; an edit of the configuration counts again.
async fn seed_credentials(setup: &PanelSetup, store: &Store) -> Result<(), StoreError> {
    let (id, configured) = (setup.id.clone(), setup.credentials.clone());
    let write = move |tx: &mut Tx<'_>| {
        let secrets = [
            (secret_name::PASSWORD, configured.password.as_ref().map(Password::expose)),
            (secret_name::MASTER, configured.master.as_ref().map(AccessCode::expose)),
            (secret_name::INSTALLER, configured.installer.as_ref().map(InstallerCode::expose)),
        ];
        for (name, secret) in secrets {
            let seen = format!("configured_{name}");
            if let Some(secret) = secret
                && tx.secret(&id, &seen)?.is_none_or(|old| *old != secret)
            {
                tx.put_secret(&id, &seen, secret)?;
                match name {
                    secret_name::MASTER => put_master(tx, &id, secret)?,
                    name => tx.put_secret(&id, name, secret)?,
                }
            }
        }
        Ok(())
    };
    store.write(Urgency::Now, write).await
}
