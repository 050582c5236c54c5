//! The owner's link: opened, given up, opened again; and the commands that go over it.

use std::time::{Duration, Instant};

use panel_driver::{
    Command, CommandId, CommandRequest, Credentials, DriverError, DriverPort, DriverStart, Outcome, Reply, Retry,
    Stamped, clock,
};
use panel_model::{AccessCode, EventKind, InstallerCode, NotNow, PanelEvent, Password};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, info, warn};

use super::super::book::Changes;
use super::super::secret_name;
use super::{Connection, Owner};
use crate::store::{StoreError, View};

/// Driver events that may wait for the owner; when full, the driver waits, and with it the link.
const WAITING_EVENTS: usize = 1024;
/// Commands that may wait for the driver; when full, they are answered `NotNow`.
const WAITING_COMMANDS: usize = 8;
/// How long to wait before the credentials are read again after the store could not.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// Connections that are taken over are told of so often at most.
const TELL_TAKE_OVER: Duration = Duration::from_secs(600);

/// Connections of the panel that a newer one of the same panel took over. Now and then that is a panel whose line broke
/// unseen; again and again it is two devices with one identifier, and they would fill the history with it.
#[derive(Debug, Default)]
pub(super) struct TakeOvers {
    told: Option<Instant>,
    untold: u32,
}

impl TakeOvers {
    /// One more. Returns how many there are to tell of, if it is time.
    fn happened(&mut self, now: Instant) -> Option<u32> {
        self.untold = self.untold.saturating_add(1);
        let recent = self.told.is_some_and(|told| now.saturating_duration_since(told) < TELL_TAKE_OVER);
        if recent {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

impl Owner {
    pub(super) fn connected(&mut self, at: Instant, changes: &mut Changes) -> Option<EventKind> {
        if let Some(connection) = self.connection.as_mut().filter(|c| !c.up) {
            connection.up = true;
            self.last_end = None;
            self.backoff.reset();
            if self.book.master_needed().is_none() {
                changes.picture |= self.book.picture.needs.take().is_some();
            }
            info!(link = %self.book.picture.link, "panel connected");
        }
        self.supervision.connected(at)
    }

    pub(super) fn disconnected(&mut self, error: &DriverError, changes: &mut Changes) {
        let ended = self.connection.take();
        let was_up = ended.as_ref().is_some_and(|connection| connection.up);
        self.book.picture.progress = None;
        changes.picture = true;
        let now = clock::now();
        let crossed = self.supervision.disconnected(now);
        self.status(crossed, changes);
        if ended.is_some_and(|connection| connection.cancel.is_cancelled()) {
            // We asked for it, to come back with other credentials.
            self.open_at = Some(now);
            return;
        }
        let retry = match error {
            // Who dials again and again without ever getting through does not keep us busy.
            DriverError::TakenOver(_) if !was_up => Retry::Backoff,
            DriverError::TakenOver(_) => {
                self.taken_over(error, changes);
                Retry::Now
            }
            _ => error.retry(),
        };
        let wait = self.backoff.next(retry, jitter());
        self.open_at = wait.map(|wait| now + wait);
        // A fault that stays is told once, when it begins; the log line of each further try is at debug level.
        if matches!(retry, Retry::NeedsInstaller | Retry::Never) {
            let text = error.to_string();
            if self.book.picture.needs.as_ref() != Some(&text) {
                warn!(%error, "the panel needs an installer");
                let event = PanelEvent::new(EventKind::PanelNeedsInstaller).text(&text);
                changes.events.push((clock::wall(), event));
                self.book.picture.needs = Some(text);
            }
        } else if self.last_end.as_ref() != Some(error) {
            info!(%error, retry_in = ?wait, "panel disconnected");
        } else {
            debug!(%error, retry_in = ?wait, "panel still not connected");
        }
        self.last_end = Some(error.clone());
    }

    fn taken_over(&mut self, error: &DriverError, changes: &mut Changes) {
        let Some(times) = self.take_overs.happened(clock::now()) else { return };
        let often = if times > 1 { format!("; {times} times since this was told last") } else { String::new() };
        warn!(%error, times, "the panel dialled again, or two devices have its identifier");
        let event = PanelEvent::new(EventKind::PanelTakenOver).text(format!("{error}{often}"));
        changes.events.push((clock::wall(), event));
    }

    /// Gives the driver a command; gives the promise back if there is no connected driver.
    pub(super) fn send(&mut self, command: Command, reply: Reply) -> Option<Reply> {
        let Some(connection) = self.connection.as_ref().filter(|c| c.up) else { return Some(reply) };
        if self.journal.is_stuck() && connection.events.len() == WAITING_EVENTS {
            // The driver waits for room, which the disk does not give, and hears nobody.
            let why = "the box cannot store what the panel tells; is its disk full?".to_owned();
            reply.complete(Outcome::NotNow(NotNow { why }));
            return None;
        }
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

    pub(super) async fn connect(&mut self) {
        self.open_at = None;
        let credentials = match self.credentials().await {
            Ok((credentials, master_refused)) => {
                if master_refused && self.book.master_needed().is_none() {
                    self.book.master_is_refused();
                    self.unseen = true;
                }
                credentials
            }
            Err(error) => {
                warn!(%error, "cannot read the panel's credentials");
                self.open_at = Some(clock::now() + READ_AGAIN);
                return;
            }
        };
        let (commands, command_receiver) = mpsc::channel(WAITING_COMMANDS);
        let (event_sender, events) = mpsc::channel(WAITING_EVENTS);
        let cancel = CancellationToken::new();
        let kept = watch::Sender::new(0);
        let port = DriverPort {
            commands: command_receiver,
            events: event_sender,
            cancel: cancel.clone(),
            wire: self.parts.wire.clone(),
            kept: kept.subscribe(),
        };
        let start = DriverStart { credentials, residue: self.residue.clone() };
        let driver = self.parts.setup.factory.driver(start);
        let (factory, links) = (self.parts.setup.factory.clone(), self.parts.links.clone());
        let stop_opening = cancel.clone();
        self.tasks.spawn(
            async move {
                let link = tokio::select! {
                    biased;
                    () = stop_opening.cancelled() => return DriverError::Shutdown,
                    link = links.open(factory.link(), factory.identify()) => link,
                };
                match link {
                    Ok(link) => driver.run(link, port).await,
                    Err(error) => error.into(),
                }
            }
            .in_current_span(),
        );
        self.connection = Some(Connection { commands, events, cancel, up: false, notes: 0, kept });
    }

    /// The panel's secrets, as the store keeps them, and whether the panel refused that master code before.
    pub(super) async fn credentials(&self) -> Result<(Credentials, bool), StoreError> {
        let id = self.parts.setup.id.clone();
        let read = move |view: &View<'_>| {
            let secret = |name| Ok::<_, StoreError>(view.secret(&id, name)?.map(|text| text.to_string()));
            let master = secret(secret_name::MASTER)?;
            let refused = master.is_some() && master == secret(secret_name::REFUSED_MASTER)?;
            let credentials = Credentials {
                password: secret(secret_name::PASSWORD)?.map(Password::new),
                master: master.map(AccessCode::new),
                previous_master: secret(secret_name::PREVIOUS_MASTER)?.map(AccessCode::new),
                installer: secret(secret_name::INSTALLER)?.map(InstallerCode::new),
            };
            Ok((credentials, refused))
        };
        self.parts.store.read(read).await
    }
}

/// The driver's next event; pends while there is no driver or it has ended.
pub(super) async fn next_event(connection: &mut Option<Connection>) -> Option<Stamped> {
    let next = match connection {
        Some(connection) => connection.events.recv().await,
        None => None,
    };
    match next {
        Some(stamped) => Some(stamped),
        None => std::future::pending().await,
    }
}

fn jitter() -> u8 {
    let mut byte = [0];
    // Without randomness all panels knock at once: bad manners, not a fault.
    let _ = getrandom::fill(&mut byte);
    byte.first().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn take_overs_are_told_at_once_and_then_counted() {
        let (mut take_overs, start) = (TakeOvers::default(), clock::now());
        let told: Vec<_> = (0..200).map(|n| take_overs.happened(start + Duration::from_secs(n * 10))).collect();
        let told: Vec<_> = told.iter().enumerate().filter_map(|(n, times)| times.map(|times| (n, times))).collect();
        assert_eq!(told, [(0, 1), (60, 60), (120, 60), (180, 60)]);
    }
}
