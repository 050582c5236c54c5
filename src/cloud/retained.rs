use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_driver::clock;
use panel_model::{PanelId, PanelSnapshot, WallTime};
use serde::Serialize;
use tokio::sync::watch;

use super::session::{Message, Properties};
use super::topic::Topic;
use super::{Identity, Target};
use crate::payload::{
    DocumentRefusal, GatewayState, GatewayStatus, Info, PanelInfo, PanelStatus, Reported, SealingKey, State,
};

/// A whole document, `reported` or `info`, waits until what it shows is quiet for this long …
const QUIET: Duration = Duration::from_millis(300);
/// … but not longer than this.
const UNQUIET: Duration = Duration::from_secs(2);
/// Retained messages on their way at once: the whole set of a small site. A broker that breaks the connection over the
/// first one then has its reason read before we write again.
const IN_FLIGHT: usize = 12;

/// The panels as the cloud task sees them.
#[derive(Debug)]
pub(super) struct PanelView {
    pub(super) id: PanelId,
    pub(super) picture: watch::Receiver<Arc<PanelSnapshot>>,
    /// Why the last desired document was not taken, if it was not.
    pub(super) refused: Option<DocumentRefusal>,
    /// Highest version of a desired document that was taken.
    pub(super) taken: u64,
}

impl PanelView {
    pub(super) fn new(picture: watch::Receiver<Arc<PanelSnapshot>>) -> Self {
        let (id, taken) = {
            let now = picture.borrow();
            (now.id.clone(), now.cloud_version)
        };
        Self { id, picture, refused: None, taken }
    }
}

/// Which retained messages the broker has, and which have to be sent. A new one is made for each connection: then
/// everything has to be sent (A6). A message that is on its way holds its successor back, so a busy panel's states
/// are coalesced at the broker's own speed.
#[derive(Debug)]
pub(super) struct Retained {
    entries: Vec<Entry>,
    in_flight: usize,
}

#[derive(Debug)]
struct Entry {
    subject: Subject,
    due: Due,
    in_flight: bool,
    /// Of the message that was sent last.
    fingerprint: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Status,
    Info,
    Directory,
    PanelStatus(usize),
    State(usize),
    Reported(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Never,
    Now,
    /// At the first time, or later if there are more changes, but not after the second.
    Quiet(Instant, Instant),
}

/// Names one retained message between its sending and its acknowledgement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket(usize);

impl Retained {
    pub(super) fn new(panels: usize) -> Self {
        let gateway = [Subject::Status, Subject::Info];
        let panels = (0..panels).flat_map(|n| [Subject::PanelStatus(n), Subject::State(n), Subject::Reported(n)]);
        let entry = |subject| Entry { subject, due: Due::Now, in_flight: false, fingerprint: None };
        let subjects = gateway.into_iter().chain(panels).chain([Subject::Directory]);
        Self { entries: subjects.map(entry).collect(), in_flight: 0 }
    }

    /// Panel number `panel` has a new picture. What `info` shows of it hardly ever changes, and with many panels is
    /// much to look through: not at each event.
    pub(super) fn changed(&mut self, panel: usize, now: Instant) {
        for entry in &mut self.entries {
            match entry.subject {
                Subject::Info => entry.due = entry.due.later(now),
                Subject::PanelStatus(n) | Subject::State(n) if n == panel => entry.due = Due::Now,
                Subject::Reported(n) if n == panel => entry.due = entry.due.later(now),
                _ => {}
            }
        }
    }

    /// Other panels want in than before. Whoever makes up identifiers does not keep the broker busy.
    pub(super) fn wanting_changed(&mut self, now: Instant) {
        for entry in self.entries.iter_mut().filter(|entry| entry.subject == Subject::Info) {
            entry.due = entry.due.later(now);
        }
    }

    /// Something became of the directory.
    pub(super) fn directory_changed(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| entry.subject == Subject::Directory) {
            entry.due = Due::Now;
        }
    }

    /// The answer to a document has to be told at once.
    pub(super) fn answered(&mut self, panel: usize) {
        for entry in self.entries.iter_mut().filter(|entry| entry.subject == Subject::Reported(panel)) {
            entry.due = Due::Now;
        }
    }

    /// The next message to send, if one is due and may be sent.
    pub(super) fn next(&mut self, now: Instant, target: &Target<'_>) -> Option<(Ticket, Message)> {
        if self.in_flight >= IN_FLIGHT {
            return None;
        }
        for (number, entry) in self.entries.iter_mut().enumerate() {
            if entry.in_flight || !entry.due.is_over(now) {
                continue;
            }
            entry.due = Due::Never;
            let Some((message, fingerprint)) = entry.subject.message(target) else { continue };
            if entry.fingerprint == Some(fingerprint) {
                continue;
            }
            entry.fingerprint = Some(fingerprint);
            entry.in_flight = true;
            self.in_flight += 1;
            return Some((Ticket(number), message));
        }
        None
    }

    /// The broker answered, one way or the other.
    pub(super) fn settle(&mut self, ticket: Ticket) {
        if let Some(entry) = self.entries.get_mut(ticket.0).filter(|entry| entry.in_flight) {
            entry.in_flight = false;
            self.in_flight -= 1;
        }
    }

    /// When to ask again although nothing changed.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let times = self.entries.iter().filter(|entry| !entry.in_flight).filter_map(|entry| match entry.due {
            Due::Quiet(at, _) => Some(at),
            Due::Never | Due::Now => None,
        });
        times.min()
    }

    /// Whether the broker has everything.
    pub(super) fn is_settled(&self) -> bool {
        self.in_flight == 0 && self.entries.iter().all(|entry| entry.due == Due::Never)
    }

    /// What waits for quiet shall wait no longer.
    pub(super) fn hurry(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| matches!(entry.due, Due::Quiet(..))) {
            entry.due = Due::Now;
        }
    }
}

impl Due {
    fn later(self, now: Instant) -> Self {
        match self {
            Self::Now => Self::Now,
            Self::Never => Self::Quiet(now + QUIET, now + UNQUIET),
            Self::Quiet(_, last) => Self::Quiet((now + QUIET).min(last), last),
        }
    }

    fn is_over(self, now: Instant) -> bool {
        match self {
            Self::Never => false,
            Self::Now => true,
            Self::Quiet(at, _) => at <= now,
        }
    }
}

impl Subject {
    fn message(self, target: &Target<'_>) -> Option<(Message, u64)> {
        let picture = |n: usize| target.panels.get(n).map(|panel| Arc::clone(&panel.picture.borrow()));
        match self {
            Self::Status => {
                let status = status(target.identity, target.connection, GatewayState::Online, Some(clock::wall()));
                target.retained(&Topic::Status, &status)
            }
            Self::Info => target.retained(&Topic::Info, &info(target)),
            Self::Directory => target.retained(&Topic::DirectoryReported, &*target.directory.borrow()),
            Self::PanelStatus(n) => {
                let picture = picture(n)?;
                let status = PanelStatus::from(&*picture);
                // That something was heard again is no news by itself.
                let news = PanelStatus { last_seen: None, ..status.clone() };
                let (_, fingerprint) = target.retained(&Topic::PanelStatus(picture.id.clone()), &news)?;
                let (message, _) = target.retained(&Topic::PanelStatus(picture.id.clone()), &status)?;
                Some((message, fingerprint))
            }
            Self::State(n) => {
                let picture = picture(n)?;
                target.retained(&Topic::State(picture.id.clone()), &State::from(&*picture))
            }
            Self::Reported(n) => {
                let picture = picture(n)?;
                let refused = target.panels.get(n).and_then(|panel| panel.refused.clone());
                target.retained(&Topic::Reported(picture.id.clone()), &Reported::new(&picture, refused))
            }
        }
    }
}

/// The gateway's status as it is said at birth, at a clean end, and in the will.
pub(super) fn status(
    identity: &Identity,
    connection: u64,
    state: GatewayState,
    since: Option<WallTime>,
) -> GatewayStatus {
    GatewayStatus {
        state,
        boot: identity.boot,
        connection,
        since: since.map(Into::into),
        version: identity.version.clone(),
    }
}

fn info(target: &Target<'_>) -> Info {
    let mut panels: Vec<_> = target.panels.iter().map(|panel| PanelInfo::from(&**panel.picture.borrow())).collect();
    panels.sort_by(|a, b| a.panel.cmp(&b.panel));
    Info {
        gateway: target.identity.gateway.clone(),
        version: target.identity.version.clone(),
        sealing_key: SealingKey::new(&target.identity.sealing_key),
        drivers: target.identity.drivers.clone(),
        panels,
        wanting: target.wanting.borrow().clone(),
    }
}

impl Target<'_> {
    /// A retained message with its fingerprint.
    fn retained<T: Serialize>(&self, topic: &Topic, payload: &T) -> Option<(Message, u64)> {
        let message = self.message(topic, payload)?;
        let mut hasher = DefaultHasher::new();
        hasher.write(&message.payload);
        Some((message, hasher.finish()))
    }

    /// A message for one of our topics. `None` cannot happen: our payloads have no value that JSON cannot hold.
    pub(super) fn message<T: Serialize>(&self, topic: &Topic, payload: &T) -> Option<Message> {
        let payload = Bytes::from(serde_json::to_vec(payload).ok()?);
        let name = topic.encode(self.prefix, &self.identity.gateway);
        Some(Message { topic: name, payload, retain: topic.is_retained(), properties: Properties::default() })
    }
}
