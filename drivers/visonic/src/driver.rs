//! Joins the session with the contract: the only place that is asynchronous.

use std::time::Duration;

use panel_driver::{
    BoxFuture, DriverError, DriverFactory, DriverPort, DriverStart, Link, LinkConfig, PanelDriver, run_session,
};
use panel_model::Capabilities;

use crate::capabilities::capabilities;
use crate::config::{Config, Transport, Writes};
use crate::jsonrpc::{self, JsonRpcSession};
use crate::quirks::QUIET;
use crate::session::VisonicSession;

/// Installer codes that these panels leave the factory with `[doc]`: installer and master installer.
pub const FACTORY_INSTALLER_CODES: &[&str] = &["8888", "9999"];

/// Makes drivers for one configured panel.
#[derive(Debug)]
pub struct VisonicFactory {
    config: Config,
}

impl VisonicFactory {
    /// A factory for that panel.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config }
    }
}

impl DriverFactory for VisonicFactory {
    fn vendor(&self) -> &'static str {
        "visonic"
    }

    fn capabilities(&self) -> Capabilities {
        match self.config.transport {
            Transport::Serial(_) => capabilities(&self.config),
            Transport::JsonRpc(_, writes) => jsonrpc::capabilities(&self.config, writes),
        }
    }

    fn link(&self) -> &LinkConfig {
        self.config.transport.link()
    }

    fn quiet(&self) -> Duration {
        match self.config.transport {
            Transport::Serial(_) => QUIET,
            Transport::JsonRpc(..) => jsonrpc::quirks::QUIET,
        }
    }

    fn factory_installer_codes(&self) -> &'static [&'static str] {
        FACTORY_INSTALLER_CODES
    }

    fn driver(&self, start: DriverStart) -> Box<dyn PanelDriver> {
        match self.config.transport {
            Transport::Serial(_) => Box::new(VisonicDriver(VisonicSession::new(self.config.clone(), start))),
            Transport::JsonRpc(_, writes) => Box::new(JsonRpcDriver { config: self.config.clone(), writes, start }),
        }
    }
}

struct VisonicDriver(VisonicSession);

impl PanelDriver for VisonicDriver {
    fn run(self: Box<Self>, link: Link, port: DriverPort) -> BoxFuture<'static, DriverError> {
        Box::pin(run_session(self.0, link, port))
    }
}

struct JsonRpcDriver {
    config: Config,
    writes: Writes,
    start: DriverStart,
}

impl PanelDriver for JsonRpcDriver {
    fn run(self: Box<Self>, link: Link, port: DriverPort) -> BoxFuture<'static, DriverError> {
        // The module wants to be told the address that it sees us under.
        let ip = link.local_ip();
        let session = JsonRpcSession::new(self.config, self.writes, self.start, ip);
        Box::pin(run_session(session, link, port))
    }
}
