//! What the cloud task needs from the rest of the daemon, as narrow as possible.

use std::future::Future;

use panel_model::{PanelId, Password, Refusal};
use tokio::sync::watch;
use uuid::Uuid;

pub use crate::actions::RequestMessage;
use crate::payload::{
    Delta, DesiredDocument, DirectoryDocument, DirectoryReported, DocumentRefusal, Event, Gap, LogLine,
};
pub use crate::payload::{DirectoryKeys, WantingPanel};
pub use crate::store::ReplyTo;

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

/// Where desired documents and requests go.
pub trait Intake: Send + Sync + 'static {
    /// Takes a whole document. Returns when it is stored: the broker is told only then.
    ///
    /// # Errors
    /// [`Rejected`], with nothing done.
    fn apply(&self, panel: PanelId, document: DesiredDocument) -> impl Future<Output = Result<(), Rejected>> + Send;

    /// Takes an operator's request. Returns when it is stored; its answer comes through the outbox.
    ///
    /// # Errors
    /// [`Rejected`] only when it could not be stored.
    fn request(&self, message: RequestMessage) -> impl Future<Output = Result<(), Rejected>> + Send;

    /// Takes the cloud's directory, whole.
    ///
    /// # Errors
    /// [`Rejected`], with nothing done.
    fn apply_directory(&self, document: DirectoryDocument) -> impl Future<Output = Result<(), Rejected>> + Send;

    /// Takes other keys for tokens.
    ///
    /// # Errors
    /// [`Rejected`], with nothing done.
    fn rotate_keys(&self, keys: DirectoryKeys) -> impl Future<Output = Result<(), Rejected>> + Send;

    /// Takes note of why a directory, or the keys, were not taken; `None`: they were.
    fn directory_refused(&self, refused: Option<DocumentRefusal>, keys: bool);

    /// What became of the directory, now and as it changes.
    fn directory(&self) -> watch::Receiver<DirectoryReported>;
}

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
    /// The answer to a request.
    Response {
        /// Of the request.
        id: Uuid,
        /// Where it goes.
        reply: ReplyTo,
        /// JSON.
        answer: Password,
    },
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
