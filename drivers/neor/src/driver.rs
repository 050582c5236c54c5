//! Joins the session with the contract: the only place that is asynchronous, and the only one that asks the operating
//! system for randomness.

use panel_driver::link::Identify;
use panel_driver::{
    BoxFuture, DriverError, DriverFactory, DriverPort, DriverStart, Link, LinkConfig, PanelDriver, run_session,
};
use panel_model::Capabilities;

use crate::capabilities::capabilities;
use crate::config::Config;
use crate::identify::identify;
use crate::session::{InstallerTries, NeorSession};

/// Installer codes that these panels leave the factory with [doc RF].
pub const FACTORY_INSTALLER_CODES: &[&str] = &["5555", "555555", "55555555"];

/// Makes drivers for one configured panel.
#[derive(Debug)]
pub struct NeorFactory {
    config: Config,
    tries: InstallerTries,
}

impl NeorFactory {
    /// A factory for that panel.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, tries: InstallerTries::default() }
    }
}

impl DriverFactory for NeorFactory {
    fn vendor(&self) -> &'static str {
        "neor"
    }

    fn capabilities(&self) -> Capabilities {
        capabilities(&self.config)
    }

    fn link(&self) -> &LinkConfig {
        &self.config.link
    }

    fn identify(&self) -> Option<Identify> {
        Some(identify)
    }

    fn factory_installer_codes(&self) -> &'static [&'static str] {
        FACTORY_INSTALLER_CODES
    }

    fn driver(&self, start: DriverStart) -> Box<dyn PanelDriver> {
        Box::new(NeorDriver { config: self.config.clone(), start, tries: self.tries.clone() })
    }
}

struct NeorDriver {
    config: Config,
    start: DriverStart,
    tries: InstallerTries,
}

impl PanelDriver for NeorDriver {
    fn run(self: Box<Self>, link: Link, port: DriverPort) -> BoxFuture<'static, DriverError> {
        Box::pin(async move {
            let mut seed = [0; 32];
            if let Err(error) = getrandom::fill(&mut seed) {
                return DriverError::Protocol(format!("no randomness for session keys: {error}"));
            }
            run_session(NeorSession::new(self.config, self.start, &seed, self.tries), link, port).await
        })
    }
}
