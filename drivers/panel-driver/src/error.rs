use std::io;
use std::net::SocketAddr;

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
    /// The panel dialled again while this connection was open, or another device with its identifier did.
    #[error("a newer connection of the panel, from {0}, took its place")]
    TakenOver(SocketAddr),
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
            Self::TakenOver(_) => Retry::Now,
            Self::Auth(_) => Retry::NeedsInstaller,
            Self::Unsupported(_) | Self::Shutdown => Retry::Never,
        }
    }
}

/// Why a link could not be opened or broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {reason}")]
pub struct LinkError {
    /// What was tried, with the device or address.
    pub what: String,
    /// The operating system's kind of error.
    pub kind: io::ErrorKind,
    /// Why it failed and, where we know it, what to do.
    pub reason: String,
}

impl LinkError {
    /// An IO error and what was being done.
    #[must_use]
    pub fn new(what: impl Into<String>, error: &io::Error) -> Self {
        // An error that wraps another one, such as that of a TLS library, says more than its kind.
        let reason = error.get_ref().map_or_else(|| error.kind().to_string(), ToString::to_string);
        Self::because(what, error.kind(), reason)
    }

    /// What was being done and why it failed.
    #[must_use]
    pub fn because(what: impl Into<String>, kind: io::ErrorKind, reason: impl Into<String>) -> Self {
        Self { what: what.into(), kind, reason: reason.into() }
    }

    /// The peer closed.
    #[must_use]
    pub fn closed() -> Self {
        Self::because("the connection", io::ErrorKind::UnexpectedEof, "closed by the other side")
    }
}
