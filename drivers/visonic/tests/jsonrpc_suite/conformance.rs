//! The checks that every driver passes, and a bad line under many seeds.

use std::time::{Duration, Instant};

use driver_visonic::sim::jsonrpc::{JsonRpcSimulator, ServiceConfig};
use driver_visonic::{Config, JsonRpcSession, Writes, jsonrpc};
use panel_driver::testkit::conformance::{Facts, Subject, Violations, all};
use panel_driver::testkit::{Failure, NetFaults, Pair, seeds};
use panel_driver::{Credentials, DriverStart, Outcome};
use panel_model::{Capabilities, Evidence, Password};

use crate::bench::{
    code, config, experimental, online, panel_user, service, session, set_user, slot, start, told_capabilities,
};

#[derive(Clone)]
struct Module {
    config: Config,
    service: ServiceConfig,
    able: Capabilities,
}

impl Module {
    fn new(config: Config, writes: Writes) -> Self {
        // What the module has is what the configuration expects; only the notes say more.
        let able = jsonrpc::capabilities(&config, writes);
        Self { config, service: service(), able }
    }
}

impl Subject for Module {
    type Session = JsonRpcSession;
    type Panel = JsonRpcSimulator;

    fn capabilities(&self) -> Capabilities {
        self.able.clone()
    }

    fn session(&self, start: DriverStart) -> JsonRpcSession {
        session(&self.config, start)
    }

    fn panel(&self, _now: Instant) -> JsonRpcSimulator {
        JsonRpcSimulator::new(self.service.clone()).expect("a possible panel")
    }

    fn start(&self) -> DriverStart {
        start()
    }

    fn wrong_start(&self) -> Option<DriverStart> {
        let credentials = Credentials { password: Some(Password::new("6420".into())), ..start().credentials };
        Some(DriverStart { credentials, residue: None })
    }

    fn facts(&self) -> Facts {
        Facts { slot: slot(7), code: code("4739"), event: "open 2" }
    }
}

#[test]
fn it_conforms_with_writes() -> Result<(), Violations> {
    all(&Module::new(experimental(), Writes::Experimental))
}

#[test]
fn it_conforms_without_writes() -> Result<(), Violations> {
    let json = r#"{"transport":"jsonrpc","host":"127.0.0.1","model":"PowerMaster 10","partitions":[1,2],"zones":8}"#;
    all(&Module::new(config(json), Writes::Never))
}

#[test]
fn what_the_module_turns_out_to_do_is_what_was_said() -> Result<(), Failure> {
    let pair = online()?;
    let told = told_capabilities(&pair);
    pair.check(told.is_none(), "a module with everything is as the configuration expects")
}

#[test]
fn a_code_reaches_the_panel_over_a_choppy_line() -> Result<(), Failure> {
    // The list of methods alone is nine thousand bytes in pieces: with more cuts it would hardly ever arrive.
    let choppy = NetFaults { split: 0.02, ..NetFaults::choppy() };
    seeds(100, |seed| {
        let panel = JsonRpcSimulator::new(service()).expect("a possible panel");
        let mut pair = Pair::new(seed, |_| panel, |start| session(&experimental(), start))
            .with_start(start())
            .with_secrets(["7391", "4739"])
            .with_faults(choppy.clone());
        let wish = || set_user(7, Some("4739"), Some("2"));
        pair.command(wish());
        pair.run_for(Duration::from_secs(60))?;
        pair.set_faults(NetFaults::perfect());
        pair.settle()?;
        let outcome = pair.ask(wish())?;
        pair.check(outcome == Outcome::Applied(Evidence::ReadBack), &format!("applied, not {outcome:?}"))?;
        let user = panel_user(&pair, 7);
        pair.check(user["code"] == "4739" && user["partitions"] == serde_json::json!([2]), &format!("{user}"))
    })
}
