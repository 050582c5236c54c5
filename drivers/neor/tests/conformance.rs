//! The checks that every driver passes, for all three types of encryption.
#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use std::time::Instant;

use driver_neor::codec::Encryption;
use driver_neor::sim::{Model, NeoSimulator, SimConfig};
use driver_neor::{Config, InstallerTries, NeorSession, RawConfig, capabilities};
use panel_driver::testkit::conformance::{Facts, Subject, Violations, all};
use panel_driver::{Credentials, DriverStart};
use panel_model::{AccessCode, Capabilities, InstallerCode, Password, Slot};

const TYPE1: &str = "7C3A91E5";
const TYPE2: &str = "8F3B61D20C95E74A1BD8F02694A7C35E";

#[derive(Clone)]
struct Neor {
    config: Config,
    encryption: Encryption,
}

impl Neor {
    fn new(encryption: Encryption) -> Self {
        let name = match encryption {
            Encryption::Type1 => "type1",
            Encryption::Type2 => "type2",
            _ => "none",
        };
        let json = format!(r#"{{"identifier":"310212345678","encryption":"{name}","model":"HS2016"}}"#);
        let raw: RawConfig = serde_json::from_str(&json).expect("json");
        Self { config: raw.validate().expect("valid"), encryption }
    }
}

impl Subject for Neor {
    type Session = NeorSession;
    type Panel = NeoSimulator;

    fn capabilities(&self) -> Capabilities {
        capabilities(&self.config)
    }

    fn session(&self, start: DriverStart) -> NeorSession {
        NeorSession::new(self.config.clone(), start, &[7; 32], InstallerTries::default())
    }

    fn panel(&self, _now: Instant) -> NeoSimulator {
        let mut config = SimConfig::new(Model::Hs2016);
        config.encryption = self.encryption;
        config.type1_code = Password::new(TYPE1.into());
        config.type2_code = Password::new(TYPE2.into());
        config.master = Some(AccessCode::new("7391".into()));
        config.installer = Some(InstallerCode::new("8264".into()));
        NeoSimulator::new(config).expect("a possible panel")
    }

    fn start(&self) -> DriverStart {
        let password = if self.encryption == Encryption::Type1 { TYPE1 } else { TYPE2 };
        let credentials = Credentials {
            password: Some(Password::new(password.into())),
            master: Some(AccessCode::new("7391".into())),
            previous_master: None,
            installer: Some(InstallerCode::new("8264".into())),
        };
        DriverStart { credentials, residue: None }
    }

    fn wrong_start(&self) -> Option<DriverStart> {
        let mut start = self.start();
        start.credentials.password = Some(Password::new("12345678".into()));
        (self.encryption != Encryption::Type0).then_some(start)
    }

    fn facts(&self) -> Facts {
        Facts { slot: Slot::new(5).expect("in range"), code: AccessCode::new("9058".into()), event: "open 2" }
    }
}

#[test]
fn the_driver_conforms_without_encryption() -> Result<(), Violations> {
    all(&Neor::new(Encryption::Type0))
}

#[test]
fn the_driver_conforms_with_type_1() -> Result<(), Violations> {
    all(&Neor::new(Encryption::Type1))
}

#[test]
fn the_driver_conforms_with_type_2() -> Result<(), Violations> {
    all(&Neor::new(Encryption::Type2))
}
