use std::io;

/// What to do after a driver ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Open the link again at once.
    Now,
    /// Open the link again after the back-off.
    Backoff,
    /// A person has to change something; try again seldom (every five minutes at most).
    NeedsInstaller,
    /// Do not try again.
    Never,
}

/// Why a driver ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DriverError {
    /// The link broke.
    #[error("the link broke: {0}")]
    Link(#[from] LinkError),
    /// The module or panel refused us: wrong password, wrong code, locked out.
    #[error("refused: {0}")]
    Auth(String),
    /// The peer does not speak the protocol.
    #[error("not the expected protocol: {0}")]
    Protocol(String),
    /// Nothing is answered any more.
    #[error("no answer: {0}")]
    Unresponsive(String),
    /// The module is held by another client.
    #[error("another client holds the module")]
    Occupied,
    /// The configuration cannot work with this panel.
    #[error("not possible: {0}")]
    Unsupported(String),
    /// We were asked to stop.
    #[error("stopped")]
    Shutdown,
}

impl DriverError {
    /// The one place that says which end leads to which retry.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Link(_) | Self::Protocol(_) | Self::Unresponsive(_) | Self::Occupied => Retry::Backoff,
            Self::Auth(_) => Retry::NeedsInstaller,
            Self::Unsupported(_) | Self::Shutdown => Retry::Never,
        }
    }
}

/// Why a link could not be opened or broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {kind}")]
pub struct LinkError {
    /// What was tried, with the device or address.
    pub what: String,
    /// The operating system's reason.
    pub kind: io::ErrorKind,
}

impl LinkError {
    /// An IO error and what was being done.
    #[must_use]
    pub fn new(what: impl Into<String>, error: &io::Error) -> Self {
        Self { what: what.into(), kind: error.kind() }
    }

    /// The peer closed.
    #[must_use]
    pub fn closed() -> Self {
        Self { what: "the other side closed".into(), kind: io::ErrorKind::UnexpectedEof }
    }
}
