//! The checks that every driver passes, for both modules.
#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use std::time::Instant;

use driver_dsc::sim::{DscSimulator, Interface, Model, SimConfig};
use driver_dsc::{Config, DscSession, RawConfig, capabilities};
use panel_driver::testkit::conformance::{Facts, Subject, Violations, all};
use panel_driver::{Credentials, DriverStart};
use panel_model::{AccessCode, Capabilities, InstallerCode, Password, Slot};

#[derive(Clone)]
struct Dsc {
    config: Config,
    interface: Interface,
}

impl Dsc {
    fn new(interface: Interface, json: &str) -> Self {
        let raw: RawConfig = serde_json::from_str(json).expect("json");
        Self { config: raw.validate().expect("valid"), interface }
    }
}

impl Subject for Dsc {
    type Session = DscSession;
    type Panel = DscSimulator;

    fn capabilities(&self) -> Capabilities {
        capabilities(&self.config)
    }

    fn session(&self, start: DriverStart) -> DscSession {
        DscSession::new(self.config.clone(), start)
    }

    fn panel(&self, _now: Instant) -> DscSimulator {
        let mut config = SimConfig::new(self.interface, Model::Pc1616);
        config.master = Some(AccessCode::new("7391".into()));
        config.installer = Some(InstallerCode::new("8264".into()));
        config.password = Password::new("s3cret".into());
        DscSimulator::new(config).expect("a possible panel")
    }

    fn start(&self) -> DriverStart {
        let credentials = Credentials {
            password: Some(Password::new("s3cret".into())),
            master: Some(AccessCode::new("7391".into())),
            previous_master: None,
            installer: Some(InstallerCode::new("8264".into())),
        };
        DriverStart { credentials, residue: None }
    }

    fn wrong_start(&self) -> Option<DriverStart> {
        let mut start = self.start();
        start.credentials.password = Some(Password::new("wrong".into()));
        (self.interface == Interface::Envisalink).then_some(start)
    }

    fn facts(&self) -> Facts {
        Facts { slot: Slot::new(5).expect("in range"), code: AccessCode::new("9058".into()), event: "open 2" }
    }
}

#[test]
fn the_driver_over_an_envisalink_conforms() -> Result<(), Violations> {
    all(&Dsc::new(Interface::Envisalink, r#"{"interface":"envisalink","host":"evl","model":"PC1616","zones":8}"#))
}

#[test]
fn the_driver_over_an_it100_conforms() -> Result<(), Violations> {
    all(&Dsc::new(Interface::It100, r#"{"interface":"it100","device":"/dev/null","model":"PC1616","zones":8}"#))
}
