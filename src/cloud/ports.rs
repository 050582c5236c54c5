//! What the cloud task needs from the rest of the daemon, as narrow as possible.

use std::collections::BTreeMap;
use std::future::Future;

use bytes::Bytes;
use panel_model::{PanelId, Refusal};
use tokio::sync::watch;

pub use crate::payload::WantingPanel;
use crate::payload::{Delta, DesiredDocument, Event, Gap, LogLine};

/// The durable queue to the cloud.
pub trait Outbox: Send + Sync + 'static {
    /// The next records in order of priority, then age, without those in `skip` (which are on their way).
    ///
    /// # Errors
    /// [`Unavailable`]; asked again later.
    fn next(&self, limit: usize, skip: Vec<u64>)
    -> impl Future<Output = Result<Vec<OutboxRecord>, Unavailable>> + Send;

    /// Forgets records that the broker has taken.
    ///
    /// # Errors
    /// [`Unavailable`]; the records are then sent again some time, which does no harm.
    fn acknowledge(&self, seqs: Vec<u64>) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Changes when there may be something new.
    fn changed(&self) -> watch::Receiver<u64>;
}

/// Where desired documents go.
pub trait Intake: Send + Sync + 'static {
    /// Takes a whole document. Returns when it is stored: the broker is told only then.
    ///
    /// # Errors
    /// [`Rejected`], with nothing done.
    fn apply(&self, panel: PanelId, document: DesiredDocument) -> impl Future<Output = Result<(), Rejected>> + Send;
}

/// The last signed report of each panel that has one: the payload, byte for byte.
pub type Reports = BTreeMap<PanelId, Bytes>;

/// One record of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRecord {
    /// Its number in the outbox.
    pub seq: u64,
    /// What it says.
    pub content: OutboxContent,
}

/// What a record of the outbox says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutboxContent {
    /// Something happened at a panel.
    Event(Box<Event>),
    /// Something changed in a panel's reported users.
    Delta(PanelId, Delta),
    /// A line of the action log.
    Log(Box<LogLine>),
    /// Records are missing.
    Gap(Gap),
}

/// The store does not answer as it should; for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// Why a document was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{refusal}: {text}")]
pub struct Rejected {
    /// The stable code.
    pub refusal: Refusal,
    /// What is wrong.
    pub text: String,
}

impl Rejected {
    /// The box could not, for reasons of its own: the same document may be taken later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self.refusal, Refusal::StorageFailed | Refusal::Busy)
    }
}
