//! The checks that every driver passes, for both families.
#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use std::time::Instant;

use driver_visonic::sim::{Model, SimConfig, VisonicSimulator};
use driver_visonic::{Config, RawConfig, VisonicSession, capabilities};
use panel_driver::testkit::conformance::{Facts, Subject, Violations, all};
use panel_driver::{Credentials, DriverStart};
use panel_model::{AccessCode, Capabilities, InstallerCode, Password, Slot};

#[derive(Clone)]
struct Visonic {
    config: Config,
    panel: SimConfig,
}

impl Visonic {
    fn new(model: Model, partitions: u8, json: &str) -> Self {
        let raw: RawConfig = serde_json::from_str(json).expect("json");
        let mut panel = SimConfig::new(model);
        panel.partitions = partitions;
        panel.master = Some(AccessCode::new("7391".into()));
        panel.installer = Some(InstallerCode::new("8264".into()));
        panel.user_codes.insert(5, AccessCode::new("9058".into()));
        Self { config: raw.validate().expect("valid"), panel }
    }
}

impl Subject for Visonic {
    type Session = VisonicSession;
    type Panel = VisonicSimulator;

    fn capabilities(&self) -> Capabilities {
        capabilities(&self.config)
    }

    fn session(&self, start: DriverStart) -> VisonicSession {
        VisonicSession::new(self.config.clone(), start)
    }

    fn panel(&self, _now: Instant) -> VisonicSimulator {
        VisonicSimulator::new(self.panel.clone()).expect("a possible panel")
    }

    fn start(&self) -> DriverStart {
        let credentials = Credentials {
            password: self.panel.download_code.clone(),
            master: Some(AccessCode::new("7391".into())),
            previous_master: None,
            installer: Some(InstallerCode::new("8264".into())),
        };
        DriverStart { credentials, residue: None }
    }

    fn wrong_start(&self) -> Option<DriverStart> {
        // There is no log-in: with a wrong download code the panel still tells its state.
        None
    }

    fn facts(&self) -> Facts {
        Facts { slot: Slot::new(5).expect("in range"), code: AccessCode::new("9058".into()), event: "open 2" }
    }
}

#[test]
fn the_driver_of_a_powermax_conforms() -> Result<(), Violations> {
    let json = r#"{"device":"/dev/null","model":"PowerMax Complete Part","zones":8}"#;
    all(&Visonic::new(Model::PowerMaxCompletePart, 1, json))
}

#[test]
fn the_driver_of_a_powermax_that_is_enrolled_by_menu_conforms() -> Result<(), Violations> {
    all(&Visonic::new(Model::PowerMaxPro, 1, r#"{"device":"/dev/null","model":"PowerMax Pro","zones":8}"#))
}

#[test]
fn the_driver_of_a_powermaster_with_partitions_conforms() -> Result<(), Violations> {
    let json = r#"{"host":"serial","port":4001,"model":"PowerMaster 10","partitions":[1,2,3],"zones":8}"#;
    let mut subject = Visonic::new(Model::PowerMaster10, 3, json);
    subject.panel.download_code = Some(Password::new("C0DE".into()));
    all(&subject)
}

#[test]
fn the_driver_of_a_big_powermaster_conforms() -> Result<(), Violations> {
    all(&Visonic::new(Model::PowerMaster30, 1, r#"{"device":"/dev/null","model":"PowerMaster 30"}"#))
}
