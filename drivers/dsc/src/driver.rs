//! Joins the session with the contract: the only place that is asynchronous.

use panel_driver::{
    BoxFuture, DriverError, DriverFactory, DriverPort, DriverStart, Link, LinkConfig, PanelDriver, run_session,
};
use panel_model::Capabilities;

use crate::capabilities::capabilities;
use crate::config::Config;
use crate::session::DscSession;

/// Installer codes that these panels leave the factory with [doc PS].
pub const FACTORY_INSTALLER_CODES: &[&str] = &["5555", "555555"];

/// Makes drivers for one configured panel.
#[derive(Debug)]
pub struct DscFactory {
    config: Config,
}

impl DscFactory {
    /// A factory for that panel.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config }
    }
}

impl DriverFactory for DscFactory {
    fn vendor(&self) -> &'static str {
        "dsc"
    }

    fn capabilities(&self) -> Capabilities {
        capabilities(&self.config)
    }

    fn link(&self) -> &LinkConfig {
        self.config.interface.link()
    }

    fn factory_installer_codes(&self) -> &'static [&'static str] {
        FACTORY_INSTALLER_CODES
    }

    fn driver(&self, start: DriverStart) -> Box<dyn PanelDriver> {
        Box::new(DscDriver(DscSession::new(self.config.clone(), start)))
    }
}

struct DscDriver(DscSession);

impl PanelDriver for DscDriver {
    fn run(self: Box<Self>, link: Link, port: DriverPort) -> BoxFuture<'static, DriverError> {
        Box::pin(run_session(self.0, link, port))
    }
}
