use std::io;
use std::path::PathBuf;

use crate::config::Problems;
use crate::console::SocketError;
use crate::secrets::KeyError;
use crate::store::StoreError;

/// Why the daemon could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot work.
    #[error("the configuration cannot work:\n{0}")]
    Config(Problems),
    /// The data directory cannot be made.
    #[error("the data directory {} cannot be made: {source}", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The master key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The local API's socket cannot be had.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The system gives no threads, timers or signals.
    #[error("the system does not let us start: {0}")]
    Runtime(#[source] io::Error),
}

impl StartError {
    /// Whether a restart cannot help, because somebody has to change something first.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Config(_) => true,
            Self::Store(error) => matches!(error, StoreError::NewerSchema { .. } | StoreError::WrongKey { .. }),
            Self::Key(_) | Self::DataDir { .. } | Self::Socket(_) | Self::Runtime(_) => false,
        }
    }
}

/// How a run of the daemon ended.
#[derive(Debug)]
pub enum Ended {
    /// A signal asked, and everything stopped in order.
    AsAsked,
    /// A second signal asked not to wait for that.
    AtOnce,
    /// It never ran.
    NotStarted(StartError),
}
