//! Joins the session with the contract: the only place that is asynchronous.

use panel_driver::{
    BoxFuture, DriverError, DriverFactory, DriverPort, DriverStart, Link, LinkConfig, PanelDriver, run_session,
};
use panel_model::Capabilities;

use crate::capabilities::capabilities;
use crate::config::Config;
use crate::session::VisonicSession;

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
        capabilities(&self.config)
    }

    fn link(&self) -> &LinkConfig {
        self.config.transport.link()
    }

    fn driver(&self, start: DriverStart) -> Box<dyn PanelDriver> {
        Box::new(VisonicDriver(VisonicSession::new(self.config.clone(), start)))
    }
}

struct VisonicDriver(VisonicSession);

impl PanelDriver for VisonicDriver {
    fn run(self: Box<Self>, link: Link, port: DriverPort) -> BoxFuture<'static, DriverError> {
        Box::pin(run_session(self.0, link, port))
    }
}
