//! What the tests share: a pair, and looks at both its ends.

use std::collections::BTreeMap;

use driver_neor::codec::Encryption;
use driver_neor::sim::{Model, NeoSimulator, SimConfig};
use driver_neor::{Config, InstallerTries, NeorSession, RawConfig};
use panel_driver::sim::Simulator;
use panel_driver::testkit::{Failure, Pair};
use panel_driver::{Command, Credentials, DriverEvent, DriverStart, Outcome, SetUser};
use panel_model::{
    AccessCode, ArmState, EventKind as K, Evidence, InstallerCode, Label, PanelError, PanelRole, Partition, Password,
    Slot, UserReport, Zone,
};
use serde_json::Value;

pub(crate) const MASTER: &str = "7391";
pub(crate) const INSTALLER: &str = "8264";
pub(crate) const TYPE1: &str = "7C3A91E5";
pub(crate) const TYPE2: &str = "8F3B61D20C95E74A1BD8F02694A7C35E";
/// Codes that stand nowhere else by chance.
pub(crate) const CODES: [&str; 4] = ["9058", "8693", "9586", "6897"];

pub(crate) type NeorPair = Pair<NeorSession, NeoSimulator>;

pub(crate) fn config(json: &str) -> Config {
    let json = format!(r#"{{"identifier":"310212345678","model":"HS2032",{json}}}"#);
    serde_json::from_str::<RawConfig>(&json).expect("json").validate().expect("valid")
}

pub(crate) fn sim() -> SimConfig {
    let mut config = SimConfig::new(Model::Hs2032);
    config.encryption = Encryption::Type2;
    config.type1_code = Password::new(TYPE1.into());
    config.type2_code = Password::new(TYPE2.into());
    config.partitions = 2;
    config.zones = 8;
    config.master = Some(AccessCode::new(MASTER.into()));
    config.installer = Some(InstallerCode::new(INSTALLER.into()));
    for slot in [2, 12, 21, 72] {
        config.user_codes.insert(slot, AccessCode::new(format!("47{slot:02}")));
    }
    config
}

pub(crate) fn start(password: &str) -> DriverStart {
    let credentials = Credentials {
        password: Some(Password::new(password.into())),
        master: Some(AccessCode::new(MASTER.into())),
        previous_master: None,
        installer: Some(InstallerCode::new(INSTALLER.into())),
    };
    DriverStart { credentials, residue: None }
}

pub(crate) fn pair_of(seed: u64, config: Config, panel: SimConfig) -> NeorPair {
    let password = if panel.encryption == Encryption::Type1 { TYPE1 } else { TYPE2 };
    let tries = InstallerTries::default();
    Pair::new(
        seed,
        move |_| NeoSimulator::new(panel).expect("a possible panel"),
        move |start| NeorSession::new(config.clone(), start, &[7; 32], tries.clone()),
    )
    .with_start(start(password))
    .with_secrets([MASTER, INSTALLER, TYPE1, TYPE2].into_iter().chain(CODES))
}

pub(crate) fn pair_with(seed: u64, panel: SimConfig) -> NeorPair {
    pair_of(seed, config(r#""encryption":"type2""#), panel)
}

pub(crate) fn pair() -> NeorPair {
    pair_with(1, sim())
}

pub(crate) fn online() -> Result<NeorPair, Failure> {
    let mut pair = pair();
    pair.settle()?;
    Ok(pair)
}

pub(crate) fn slot(n: u32) -> Slot {
    Slot::new(n).expect("in range")
}

pub(crate) fn partition(n: u32) -> Partition {
    Partition::new(n).expect("in range")
}

pub(crate) fn zone(n: u32) -> Zone {
    Zone::new(n).expect("in range")
}

pub(crate) fn nothing(n: u32) -> SetUser {
    SetUser { slot: slot(n), code: None, label: None, role: None, partitions: None }
}

pub(crate) fn set_code(n: u32, code: &str) -> Command {
    Command::SetUser(SetUser { code: Some(AccessCode::new(code.into())), ..nothing(n) })
}

pub(crate) fn set_label(n: u32, text: &str) -> Command {
    Command::SetUser(SetUser { label: Label::from_panel(text), ..nothing(n) })
}

pub(crate) fn set_role(n: u32, role: PanelRole) -> Command {
    Command::SetUser(SetUser { role: Some(role), ..nothing(n) })
}

pub(crate) fn set_partitions(n: u32, list: &str) -> Command {
    Command::SetUser(SetUser { partitions: Some(list.parse().expect("a list")), ..nothing(n) })
}

pub(crate) fn user(pair: &NeorPair, n: u64) -> Value {
    let users = pair.panel().users();
    users.as_array().expect("a list").iter().find(|u| u["slot"] == n).cloned().unwrap_or(Value::Null)
}

/// Codes in the panel by slot.
pub(crate) fn codes(pair: &NeorPair) -> BTreeMap<u64, Value> {
    let users = pair.panel().users();
    users.as_array().expect("a list").iter().map(|u| (u["slot"].as_u64().unwrap(), u.clone())).collect()
}

pub(crate) fn reports(pair: &NeorPair, n: u32) -> Vec<&UserReport> {
    let reports = pair.events().iter().filter_map(|(_, event)| match event {
        DriverEvent::User(report) if report.slot == slot(n) => Some(&**report),
        _ => None,
    });
    reports.collect()
}

pub(crate) fn kinds(pair: &NeorPair) -> Vec<K> {
    pair.panel_events().map(|e| e.kind).collect()
}

pub(crate) fn read_back(pair: &mut NeorPair, command: Command) -> Result<(), Failure> {
    let name = format!("{command:?}");
    let outcome = pair.ask(command)?;
    pair.check(outcome == Outcome::Applied(Evidence::ReadBack), &format!("{name} is read back, not {outcome:?}"))
}

pub(crate) fn failed(outcome: &Outcome) -> (&str, bool) {
    match outcome {
        Outcome::Failed(PanelError { code, retry, .. }) => (code, *retry),
        other => panic!("{other:?}"),
    }
}

/// Somebody programs, as the panel knows it.
pub(crate) fn programming(pair: &NeorPair) -> Value {
    pair.panel().state()["programming"].clone()
}

/// What the driver knows of zones and arming agrees with the panel.
pub(crate) fn agrees(pair: &NeorPair) -> Result<(), Failure> {
    let panel = pair.panel().state();
    let known = pair.state().cloned().unwrap_or_default();
    for there in panel["zones"].as_array().unwrap() {
        let number = zone(u32::try_from(there["zone"].as_u64().unwrap()).unwrap());
        let here = known.zones.get(&number).cloned().unwrap_or_default();
        pair.check(there["open"] == here.open, &format!("zone {number} is open: {}", there["open"]))?;
        pair.check(there["bypassed"] == here.bypassed, &format!("zone {number} is bypassed: {}", there["bypassed"]))?;
    }
    for there in panel["partitions"].as_array().unwrap() {
        let number = partition(u32::try_from(there["partition"].as_u64().unwrap()).unwrap());
        let here = known.partitions.get(&number).cloned().unwrap_or_default();
        let state = there["state"].as_str().unwrap();
        let armed = ["armed", "exit_delay", "entry_delay"].contains(&state);
        if state == "alarm" {
            pair.check(here.alarm, &format!("partition {number} is in alarm"))?;
        } else {
            let said = (here.arm != ArmState::Disarmed, here.alarm);
            pair.check(said == (armed, false), &format!("partition {number} is {state}, known as {here:?}"))?;
        }
    }
    Ok(())
}
