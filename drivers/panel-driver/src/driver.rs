use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use panel_model::Capabilities;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::link::Identify;
use crate::{CommandRequest, Credentials, DriverError, Link, LinkConfig, Residue, Stamped, WireLog};

/// How long nothing may be heard of a panel that tells by itself that it is there.
const QUIET: Duration = Duration::from_secs(60);

/// A boxed future, so that drivers of all vendors are one type.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The owner's end of a running driver, as the driver sees it.
#[derive(Debug)]
pub struct DriverPort {
    /// Commands, bounded; when full the owner waits.
    pub commands: mpsc::Receiver<CommandRequest>,
    /// Events, bounded; when full the driver waits, and with it the link.
    pub events: mpsc::Sender<Stamped>,
    /// Set when the driver is to go to its next safe point and end.
    pub cancel: CancellationToken,
    /// The last bytes on the wire, masked.
    pub wire: WireLog,
    /// How many of this run's [`crate::DriverEvent::Residue`] notes are on the owner's disk.
    pub kept: watch::Receiver<u64>,
}

/// What a driver is told at its start.
#[derive(Debug, Clone, Default)]
pub struct DriverStart {
    /// Passwords and codes.
    pub credentials: Credentials,
    /// What the last run left behind.
    pub residue: Option<Residue>,
}

/// One run of a driver over one open link.
pub trait PanelDriver: Send {
    /// Runs until the link breaks, the panel refuses, or the port is cancelled.
    ///
    /// # Errors
    /// Always ends with one: `Shutdown` is the good end.
    fn run(self: Box<Self>, link: Link, port: DriverPort) -> BoxFuture<'static, DriverError>;
}

/// One configured panel of one vendor: makes a driver for each connection.
pub trait DriverFactory: Send + Sync + fmt::Debug {
    /// The vendor's name in configuration and payloads: `dsc`.
    fn vendor(&self) -> &'static str;
    /// What the panel can do, as far as its configuration tells before it was ever reached.
    fn capabilities(&self) -> Capabilities;
    /// The link to open.
    fn link(&self) -> &LinkConfig;
    /// How a panel that dials us ([`LinkConfig::TcpIn`]) is told apart by its first bytes. `None`: this vendor's
    /// panels do not dial.
    fn identify(&self) -> Option<Identify> {
        None
    }
    /// How long nothing may be heard of a panel that is well: its supervision period, unless the configuration says
    /// another one. A panel that has to be asked is heard no more often than it is asked.
    fn quiet(&self) -> Duration {
        QUIET
    }
    /// Installer codes that such panels leave the factory with: everybody knows them.
    fn factory_installer_codes(&self) -> &'static [&'static str] {
        &[]
    }
    /// A driver for the next connection.
    fn driver(&self, start: DriverStart) -> Box<dyn PanelDriver>;
}

/// How to decode a capture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Codes are printed instead of masked.
    pub show_codes: bool,
}

/// One decoded line of a capture, ready to print as JSON.
pub type Decoded = serde_json::Value;
