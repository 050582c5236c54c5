//! The owner task of one panel: opens the link, runs the driver, stores what happened, then shows it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use panel_driver::{
    Command, CommandId, CommandRequest, Credentials, DriverError, DriverEvent, DriverPort, DriverStart, Outcome, Reply,
    Residue, Retry, Stamped, clock, link,
};
use panel_model::{
    AccessCode, Answer, EventKind, InstallerCode, NotNow, PanelError, PanelEvent, PanelSnapshot, PanelState,
    PanelStatus, Password, Slot, UserWish,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info, info_span, warn};

use super::backoff::LinkBackoff;
use super::book::{Book, Changes};
use super::journal::{Journal, Write};
use super::reconcile::{Step, Work};
use super::supervision::Supervision;
use super::{PanelRequest, PanelSetup, PanelUnit, UnitParts, secret_name};
use crate::payload::User;
use crate::store::{NewEvent, StoreError, Tx, Urgency};

/// Driver events that may wait for the owner; when full, the driver waits, and with it the link.
const WAITING_EVENTS: usize = 1024;
/// Events taken into one transaction at most.
const BATCH: usize = 256;
/// From this many on, events have company enough and are committed at once.
const ENOUGH: usize = 50;
/// How long a driver gets to leave menus when the daemon stops.
const STOP_WITHIN: Duration = Duration::from_secs(12);
/// How long to wait before the credentials are read again after the store could not.
const READ_AGAIN: Duration = Duration::from_secs(1);

impl PanelUnit {
    /// Looks after the panel until cancelled.
    ///
    /// # Errors
    /// When the store cannot be read at the start. Later store errors are waited out: nothing is taken from the
    /// driver meanwhile, so nothing is lost that the link can hold.
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
    /// Holds the driver's task, one at most.
    tasks: JoinSet<DriverError>,
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
}

impl Owner {
    async fn load(parts: Arc<UnitParts>, cancel: CancellationToken) -> Result<Self, StoreError> {
        let id = parts.setup.id.clone();
        let mut picture = blank_picture(&parts.setup);
        let (state, users, desired, answers, versions, residue) = parts
            .store
            .read(move |view| {
                Ok((
                    view.panel_state(&id)?,
                    view.reported_users(&id)?,
                    view.desired_users(&id)?,
                    view.answers(&id)?,
                    view.versions(&id)?,
                    view.residue(&id)?,
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
        let supervision = Supervision::new(now, parts.setup.supervision, known);
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
            tasks: JoinSet::new(),
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
            self.wait_for_something(requests, &cancel, &mut changes).await;
            let now = clock::now();
            let crossed = self.supervision.update(now);
            self.status(crossed, &mut changes);
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
    async fn wait_for_something(
        &mut self,
        requests: &mut mpsc::Receiver<PanelRequest>,
        cancel: &CancellationToken,
        changes: &mut Changes,
    ) {
        let wake = self.next_wake();
        tokio::select! {
            biased;
            () = cancel.cancelled() => {}
            Some(stamped) = next_event(&mut self.connection) => self.take_events(stamped, changes),
            outcome = step_outcome(&mut self.step) => self.step_ended(outcome, changes).await,
            Some(end) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                // A panicking driver is a broken protocol: the link is opened again after the back-off.
                let error = end.unwrap_or_else(|_| DriverError::Protocol("the driver crashed".into()));
                self.disconnected(&error, changes);
            }
            Some(request) = requests.recv() => self.request(request, changes),
            () = self.journal.settle_one() => {}
            () = sleep_until(wake.into()) => {}
        }
    }

    fn next_wake(&self) -> Instant {
        let retry = self.is_up().then(|| self.book.next_try()).flatten();
        let wakes = [self.supervision.next_update(), self.open_at, retry];
        wakes.into_iter().flatten().min().unwrap_or_else(|| clock::now() + Duration::from_secs(3600))
    }

    fn is_up(&self) -> bool {
        self.connection.as_ref().is_some_and(|c| c.up)
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
        }
        let was_quiet = self.book.picture.state.is_quiet();
        self.book.take(stamped.wall, stamped.event, changes);
        if !was_quiet && self.book.picture.state.is_quiet() {
            self.book.retry_not_now();
        }
    }

    fn connected(&mut self, at: Instant, changes: &mut Changes) -> Option<EventKind> {
        if let Some(connection) = self.connection.as_mut().filter(|c| !c.up) {
            connection.up = true;
            self.backoff.reset();
            changes.picture |= self.book.picture.needs.take().is_some();
            info!(link = %self.book.picture.link, "panel connected");
        }
        self.supervision.connected(at)
    }

    fn disconnected(&mut self, error: &DriverError, changes: &mut Changes) {
        self.connection = None;
        self.book.picture.progress = None;
        let now = clock::now();
        let crossed = self.supervision.disconnected(now);
        self.status(crossed, changes);
        let retry = error.retry();
        let wait = self.backoff.next(retry, jitter());
        self.open_at = wait.map(|wait| now + wait);
        // A fault that stays is told once, when it begins; the log line of each further try is at debug level.
        if matches!(retry, Retry::NeedsInstaller | Retry::Never) && *error != DriverError::Shutdown {
            let text = error.to_string();
            if self.book.picture.needs.as_ref() != Some(&text) {
                warn!(%error, "the panel needs an installer");
                let event = PanelEvent::new(EventKind::PanelNeedsInstaller).text(&text);
                changes.events.push((clock::wall(), event));
                self.book.picture.needs = Some(text);
            }
        } else {
            info!(%error, retry_in = ?wait, "panel disconnected");
        }
        changes.picture = true;
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

    /// Gives the driver a command; gives the promise back if there is no connected driver.
    fn send(&mut self, command: Command, reply: Reply) -> Option<Reply> {
        let Some(connection) = self.connection.as_ref().filter(|c| c.up) else { return Some(reply) };
        self.last_command += 1;
        let request = CommandRequest { id: CommandId(self.last_command), command, reply };
        match connection.commands.try_send(request) {
            Ok(()) => None,
            Err(mpsc::error::TrySendError::Full(request)) => {
                let why = "too many commands wait for this panel".to_owned();
                request.reply.complete(Outcome::NotNow(NotNow { why }));
                None
            }
            Err(mpsc::error::TrySendError::Closed(request)) => Some(request.reply),
        }
    }

    async fn connect(&mut self) {
        self.open_at = None;
        let credentials = match self.credentials().await {
            Ok(credentials) => credentials,
            Err(error) => {
                warn!(%error, "cannot read the panel's credentials");
                self.open_at = Some(clock::now() + READ_AGAIN);
                return;
            }
        };
        let (commands, command_receiver) = mpsc::channel(8);
        let (event_sender, events) = mpsc::channel(WAITING_EVENTS);
        let cancel = CancellationToken::new();
        let port = DriverPort {
            commands: command_receiver,
            events: event_sender,
            cancel: cancel.clone(),
            wire: self.parts.wire.clone(),
        };
        let start = DriverStart { credentials, residue: self.residue.clone() };
        let driver = self.parts.setup.factory.driver(start);
        let config = self.parts.setup.factory.link().clone();
        let stop_opening = cancel.clone();
        self.tasks.spawn(
            async move {
                let link = tokio::select! {
                    biased;
                    () = stop_opening.cancelled() => return DriverError::Shutdown,
                    link = link::open(&config) => link,
                };
                match link {
                    Ok(link) => driver.run(link, port).await,
                    Err(error) => error.into(),
                }
            }
            .in_current_span(),
        );
        self.connection = Some(Connection { commands, events, cancel, up: false });
    }

    /// The panel's secrets: the store's, else the configuration's.
    async fn credentials(&self) -> Result<Credentials, StoreError> {
        let id = self.parts.setup.id.clone();
        let (password, master, previous, installer) = self
            .parts
            .store
            .read(move |view| {
                Ok((
                    view.secret(&id, secret_name::PASSWORD)?,
                    view.secret(&id, secret_name::MASTER)?,
                    view.secret(&id, secret_name::PREVIOUS_MASTER)?,
                    view.secret(&id, secret_name::INSTALLER)?,
                ))
            })
            .await?;
        let configured = &self.parts.setup.credentials;
        let code = |text: Option<zeroize::Zeroizing<String>>| text.map(|t| AccessCode::new(t.to_string()));
        Ok(Credentials {
            password: password.map(|t| Password::new(t.to_string())).or_else(|| configured.password.clone()),
            master: code(master).or_else(|| configured.master.clone()),
            previous_master: code(previous),
            installer: installer.map(|t| InstallerCode::new(t.to_string())).or_else(|| configured.installer.clone()),
        })
    }

    /// Starts the next step towards what is wished, if nothing is under way.
    async fn reconcile(&mut self) {
        loop {
            let mut changes = Changes::default();
            let up = self.is_up();
            let next = self.book.next_step(clock::now(), up, &mut changes);
            let Some(step) = next else {
                return self.commit(changes).await;
            };
            if let Work::Keep(_) = step.work {
                let outcome = Outcome::Applied(panel_model::Evidence::ReadBack);
                self.book.finish_step(clock::now(), clock::wall(), outcome, &mut changes);
                self.commit(changes).await;
                continue;
            }
            self.commit(changes).await;
            return self.begin(step).await;
        }
    }

    async fn begin(&mut self, step: Step) {
        if self.book.writes_master() {
            self.keep_both_masters().await;
        }
        let Work::Panel(command) = step.work else { return };
        info!(slot = step.slot.number(), command = command.name(), version = step.version, "writing to the panel");
        let (reply, outcome) = Reply::new();
        self.step = Some(outcome);
        // Not connected any more: dropping the promise answers it.
        drop(self.send(command, reply));
    }

    async fn step_ended(&mut self, outcome: Outcome, changes: &mut Changes) {
        self.step = None;
        if self.book.writes_master()
            && let Outcome::Failed(PanelError { retry: false, .. }) | Outcome::Refused(_) = &outcome
        {
            self.forget_new_master().await;
        }
        match &outcome {
            Outcome::Applied(evidence) => info!(?evidence, "written"),
            Outcome::NotNow(NotNow { why }) => info!(why, "not written yet"),
            Outcome::Refused(refusal) => warn!(%refusal, "not written"),
            Outcome::Failed(error) => warn!(code = error.code, text = error.text, "not written"),
        }
        self.book.finish_step(clock::now(), clock::wall(), outcome, changes);
    }

    /// A new master code is about to be written. Should the box lose power in between, it knows both.
    async fn keep_both_masters(&mut self) {
        let Some(UserWish::Present { code: Some(new), .. }) = self.book.running_wish() else { return };
        let new = new.clone();
        let current = self.credentials().await.ok().and_then(|c| c.master);
        let id = self.parts.setup.id.clone();
        let write = move |tx: &mut Tx<'_>| {
            if let Some(current) = current.as_ref().filter(|c| **c != new) {
                tx.put_secret(&id, secret_name::PREVIOUS_MASTER, current.expose())?;
            }
            tx.put_secret(&id, secret_name::MASTER, new.expose())
        };
        self.journal.write(Urgency::Now, Arc::new(write)).await;
    }

    /// The panel did not take the new master code: the old one holds.
    async fn forget_new_master(&self) {
        let id = self.parts.setup.id.clone();
        let written = self.parts.store.write(Urgency::Now, move |tx| {
            if let Some(old) = tx.secret(&id, secret_name::PREVIOUS_MASTER)? {
                tx.put_secret(&id, secret_name::MASTER, &old)?;
                tx.delete_secret(&id, secret_name::PREVIOUS_MASTER)?;
            }
            Ok(())
        });
        if let Err(error) = written.await {
            // Both are still kept, and the driver tries both.
            warn!(%error, "could not put the old master code back");
        }
    }

    /// Stores changes, all or nothing. The new picture is shown when it is on the disk.
    async fn commit(&mut self, changes: Changes) {
        if changes.is_stored() {
            let urgency =
                if changes.can_wait() && changes.events.len() < ENOUGH { Urgency::Grouped } else { Urgency::Now };
            let write = self.prepare(changes);
            self.journal.write(urgency, write).await;
            self.unseen = true;
        } else {
            self.unseen |= changes.picture;
        }
        if self.unseen && self.journal.is_settled() {
            self.unseen = false;
            self.show();
        }
    }

    /// Makes the transaction for some changes. It owns all its data, so that it can be tried again.
    fn prepare(&mut self, changes: Changes) -> Write {
        let id = self.parts.setup.id.clone();
        let delta = changes.reports_users().then(|| {
            let picture = &mut self.book.picture;
            let from = picture.reported_version;
            picture.reported_version += 1;
            (from, delta_body(picture, &changes))
        });
        let picture = &self.book.picture;
        let state = changes.state_before.map(|before| (before, picture.state.clone()));
        let users: Vec<_> = changes.users.iter().filter_map(|slot| picture.users.get(slot).cloned()).collect();
        let answers: Vec<_> = changes.answers.iter().map(|key| (*key, picture.answers.get(key).cloned())).collect();
        let Changes { events, dropped_wishes, codes, residue, master_proved, .. } = changes;
        let residue = residue.map(|r| r.map(|Residue(text)| text));
        Arc::new(move |tx: &mut Tx<'_>| {
            for (at, event) in &events {
                tx.add_event(NewEvent { panel: id.clone(), at: *at, event: event.clone() })?;
            }
            if let Some((before, after)) = &state {
                tx.put_panel_state(&id, before, after)?;
            }
            for user in &users {
                tx.put_reported_user(&id, user)?;
            }
            for (slot, code) in &codes {
                tx.put_reported_code(&id, *slot, code)?;
            }
            for ((slot, field), answer) in &answers {
                match answer {
                    Some(answer) => tx.put_answer(&id, *slot, *field, answer.version, &answer.condition)?,
                    None => tx.delete_answer(&id, *slot, *field)?,
                }
            }
            for slot in &dropped_wishes {
                tx.delete_desired_user(&id, *slot)?;
            }
            if let Some((from, body)) = &delta {
                let to = tx.bump_reported(&id)?;
                tx.push_delta(&id, *from, to, body.clone())?;
            }
            if let Some(residue) = &residue {
                tx.put_residue(&id, residue.as_deref())?;
            }
            if master_proved {
                tx.delete_secret(&id, secret_name::PREVIOUS_MASTER)?;
            }
            Ok(())
        })
    }

    fn show(&self) {
        self.parts.publish.send_replace(Arc::new(self.book.picture.clone()));
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

/// The users that changed, as the cloud gets them.
fn delta_body(picture: &PanelSnapshot, changes: &Changes) -> serde_json::Value {
    let slots = changes.users.iter().copied().chain(changes.answers.iter().map(|(slot, _)| *slot));
    let told = |slot: Slot| {
        let answered = picture.answers.keys().any(|(s, _)| *s == slot);
        (answered || picture.users.contains_key(&slot)).then(|| User::of(picture, slot))
    };
    let users: BTreeMap<Slot, Option<User>> = slots.map(|slot| (slot, told(slot))).collect();
    // Made of plain strings, numbers and lists, which always have a JSON form.
    serde_json::to_value(users).unwrap_or_default()
}

/// The driver's next event; pends while there is no driver or it has ended.
async fn next_event(connection: &mut Option<Connection>) -> Option<Stamped> {
    let next = match connection {
        Some(connection) => connection.events.recv().await,
        None => None,
    };
    match next {
        Some(stamped) => Some(stamped),
        None => std::future::pending().await,
    }
}

/// The running step's outcome; pends while none runs.
async fn step_outcome(step: &mut Option<oneshot::Receiver<Outcome>>) -> Outcome {
    match step {
        Some(receiver) => receiver.await.unwrap_or_else(|_| Outcome::interrupted()),
        None => std::future::pending().await,
    }
}

fn jitter() -> u8 {
    let mut byte = [0];
    // Without randomness all panels knock at once: bad manners, not a fault.
    let _ = getrandom::fill(&mut byte);
    byte.first().copied().unwrap_or(0)
}
