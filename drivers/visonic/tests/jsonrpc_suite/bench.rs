//! A session and a simulated module, joined in memory.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use driver_visonic::sim::jsonrpc::{JsonRpcSimulator, ServiceConfig};
use driver_visonic::sim::{Model, PanelOptions, SimConfig, Timings};
use driver_visonic::{Config, JsonRpcSession, RawConfig, Transport};
use panel_driver::testkit::{Failure, Pair};
use panel_driver::{Command, Credentials, DriverEvent, DriverStart, Outcome, SetUser};
use panel_model::{
    AccessCode, Capabilities, EventKind, InstallerCode, Partition, PartitionSet, Password, Slot, UserReport, Zone,
};

pub(crate) type ModulePair = Pair<JsonRpcSession, JsonRpcSimulator>;

pub(crate) const MASTER: &str = "7391";
/// The box's own user, in slot 2.
pub(crate) const OWN: &str = "8264";

pub(crate) fn config(json: &str) -> Config {
    serde_json::from_str::<RawConfig>(json).expect("json").validate().expect("valid")
}

pub(crate) fn experimental() -> Config {
    config(
        r#"{"transport":"jsonrpc","host":"127.0.0.1","model":"PowerMaster 10","partitions":[1,2],"zones":8,"experimental":true}"#,
    )
}

/// A PowerMaster-10 with two partitions and eight zones behind a module that keeps connections open, since one pair is
/// one connection.
pub(crate) fn service() -> ServiceConfig {
    let mut panel = SimConfig::new(Model::PowerMaster10);
    panel.partitions = 2;
    panel.master = Some(code(MASTER));
    panel.user_codes.insert(2, code(OWN));
    panel.user_codes.insert(5, code("9058"));
    panel.user_partitions.insert(5, PartitionSet::first(1));
    panel.options = PanelOptions { exit_seconds: 20, ..PanelOptions::default() };
    panel.timings = Timings::default();
    let ms = Duration::from_millis;
    ServiceConfig {
        latency: (ms(20), ms(60)),
        memory_latency: ms(100),
        check_register_code: true,
        keep_open: true,
        ..ServiceConfig::new(panel)
    }
}

pub(crate) fn start() -> DriverStart {
    let credentials = Credentials {
        password: Some(Password::new(OWN.into())),
        master: Some(code(MASTER)),
        previous_master: None,
        installer: Some(InstallerCode::new("8888".into())),
    };
    DriverStart { credentials, residue: None }
}

pub(crate) fn session(config: &Config, start: DriverStart) -> JsonRpcSession {
    let Transport::JsonRpc(_, writes) = config.transport else { panic!("the service's transport") };
    JsonRpcSession::new(config.clone(), writes, start, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)))
}

pub(crate) fn pair_of(config: Config, service: ServiceConfig) -> ModulePair {
    let panel = JsonRpcSimulator::new(service).expect("a possible panel");
    Pair::new(1, |_| panel, move |start| session(&config, start)).with_start(start())
}

/// A pair that is online and has read its users.
pub(crate) fn online_with(config: Config, service: ServiceConfig) -> Result<ModulePair, Failure> {
    let mut pair = pair_of(config, service);
    pair.settle()?;
    pair.check(pair.is_online(), "the driver comes online")?;
    pair.run_for(Duration::from_secs(3))?;
    Ok(pair)
}

pub(crate) fn online() -> Result<ModulePair, Failure> {
    online_with(experimental(), service())
}

pub(crate) fn code(text: &str) -> AccessCode {
    AccessCode::new(text.to_owned())
}

pub(crate) fn slot(n: u32) -> Slot {
    Slot::new(n).expect("slot")
}

pub(crate) fn partition(n: u32) -> Partition {
    Partition::new(n).expect("partition")
}

pub(crate) fn zone(n: u32) -> Zone {
    Zone::new(n).expect("zone")
}

pub(crate) fn set_user(n: u32, code_text: Option<&str>, partitions: Option<&str>) -> Command {
    let partitions = partitions.map(|list| list.parse().expect("a list"));
    Command::SetUser(SetUser { slot: slot(n), code: code_text.map(code), label: None, role: None, partitions })
}

/// Kinds of what happened, in order, from the `from`th event of the driver on.
pub(crate) fn kinds(pair: &ModulePair, from: usize) -> Vec<EventKind> {
    let told = pair.events().iter().skip(from);
    told.filter_map(|(_, event)| match event {
        DriverEvent::Happened(event) => Some(event.kind),
        _ => None,
    })
    .collect()
}

/// The last report of a user.
pub(crate) fn user(pair: &ModulePair, n: u32) -> Option<UserReport> {
    let told = pair.events().iter().rev();
    told.filter_map(|(_, event)| match event {
        DriverEvent::User(report) if report.slot == slot(n) => Some(report.as_ref().clone()),
        _ => None,
    })
    .next()
}

/// The capabilities that were told last.
pub(crate) fn told_capabilities(pair: &ModulePair) -> Option<Capabilities> {
    let told = pair.events().iter().rev();
    told.filter_map(|(_, event)| match event {
        DriverEvent::Capabilities(capabilities) => Some(capabilities.as_ref().clone()),
        _ => None,
    })
    .next()
}

/// The simulator's user of a slot, as JSON; null if there is none.
pub(crate) fn panel_user(pair: &ModulePair, n: u32) -> serde_json::Value {
    use panel_driver::sim::Simulator;
    let users = pair.panel().users();
    users.as_array().into_iter().flatten().find(|user| user["slot"] == n).cloned().unwrap_or_default()
}

/// Code and text of a failure, and whether it may pass.
pub(crate) fn failure(outcome: &Outcome) -> (String, String, bool) {
    match outcome {
        Outcome::Failed(error) => (error.code.clone(), error.text.clone(), error.retry),
        other => panic!("a failure, not {other:?}"),
    }
}
