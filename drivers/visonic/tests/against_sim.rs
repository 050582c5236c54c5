//! The session and the simulated panel, joined in memory under a virtual clock.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use driver_visonic::sim::{Model, SimConfig, VisonicSimulator};
use driver_visonic::{Config, RawConfig, VisonicSession};
use panel_driver::sim::Simulator;
use panel_driver::testkit::{Failure, NetFaults, Pair, seeds};
use panel_driver::{CivilTime, Command, Credentials, DriverEvent, DriverStart, Outcome, Section};
use panel_model::{
    AccessCode, ArmMode, ArmState, CodeState, EventKind as K, Evidence, InstallerCode, PanelRole, Partition,
    PartitionSet, Slot, UserReport, Zone,
};

const MASTER: &str = "7391";
const INSTALLER: &str = "8264";
const CODES: [(u8, &str); 3] = [(2, "9058"), (3, "8693"), (8, "6897")];

type VisonicPair = Pair<VisonicSession, VisonicSimulator>;

fn config(model: &str, partitions: u8) -> Config {
    let partitions: Vec<u8> = (1..=partitions).collect();
    let json = format!(r#"{{"device":"/dev/null","model":"{model}","partitions":{partitions:?},"zones":8}}"#);
    serde_json::from_str::<RawConfig>(&json).expect("json").validate().expect("valid")
}

fn sim(model: Model, partitions: u8) -> SimConfig {
    let mut config = SimConfig::new(model);
    config.partitions = partitions;
    config.master = Some(AccessCode::new(MASTER.into()));
    config.installer = Some(InstallerCode::new(INSTALLER.into()));
    config.user_codes = CODES.into_iter().map(|(slot, code)| (slot, AccessCode::new(code.into()))).collect();
    config
}

fn pair_of(seed: u64, panel: SimConfig, config: Config) -> VisonicPair {
    let credentials = Credentials { master: Some(AccessCode::new(MASTER.into())), ..Credentials::default() };
    Pair::new(
        seed,
        move |_| VisonicSimulator::new(panel).expect("a possible panel"),
        move |start| VisonicSession::new(config.clone(), start),
    )
    .with_start(DriverStart { credentials, residue: None })
    .with_secrets([MASTER, INSTALLER].into_iter().chain(CODES.map(|(_, code)| code)))
}

fn powermax() -> VisonicPair {
    pair_of(1, sim(Model::PowerMaxCompletePart, 1), config("PowerMax Complete Part", 1))
}

fn powermaster() -> VisonicPair {
    pair_of(1, sim(Model::PowerMaster10, 3), config("PowerMaster 10", 3))
}

/// Online, read and enrolled.
fn ready(mut pair: VisonicPair) -> Result<VisonicPair, Failure> {
    pair.settle()?;
    pair.run_until(Duration::from_secs(60), |pair| pair.session().is_some_and(VisonicSession::is_enrolled))?;
    pair.run_for(Duration::from_secs(20))?;
    Ok(pair)
}

fn slot(n: u32) -> Slot {
    Slot::new(n).expect("in range")
}

fn zone(n: u32) -> Zone {
    Zone::new(n).expect("in range")
}

fn partition(n: u32) -> Partition {
    Partition::new(n).expect("in range")
}

fn code(text: &str) -> AccessCode {
    AccessCode::new(text.into())
}

fn arm(n: u32, mode: ArmMode, digits: Option<&str>) -> Command {
    Command::Arm { partition: partition(n), mode, code: digits.map(code) }
}

fn disarm(n: u32, digits: &str) -> Command {
    Command::Disarm { partition: partition(n), code: code(digits) }
}

/// The last report of each user.
fn users(pair: &VisonicPair) -> BTreeMap<u16, UserReport> {
    let reports = pair.events().iter().filter_map(|(_, event)| match event {
        DriverEvent::User(report) => Some((report.slot.number(), (**report).clone())),
        _ => None,
    });
    reports.collect()
}

fn kinds(pair: &VisonicPair) -> Vec<K> {
    pair.panel_events().map(|event| event.kind).collect()
}

fn arm_state(pair: &VisonicPair, n: u32) -> ArmState {
    pair.state().expect("online").partitions[&partition(n)].arm
}

fn client(pair: &VisonicPair) -> String {
    pair.panel().state()["client"].as_str().expect("a word").to_owned()
}

#[test]
fn a_powermax_comes_online_is_read_and_enrolled() -> Result<(), Failure> {
    let pair = ready(powermax())?;
    assert_eq!(client(&pair), "powerlink");
    let users = users(&pair);
    assert_eq!(users.len(), 8);
    let set: Vec<_> =
        users.values().filter(|u| u.code_state == Some(CodeState::Set)).map(|u| u.slot.number()).collect();
    assert_eq!(set, [1, 2, 3, 8]);
    assert_eq!(users[&2].code, Some(code("9058")));
    assert_eq!((users[&1].role, users[&2].role), (Some(PanelRole::Master), Some(PanelRole::User)));
    assert_eq!(users[&2].partitions, None, "a PowerMax does not tell them");
    assert!(users.values().all(|u| u.evidence == Evidence::ReadBack));
    let labels = pair.events().iter().filter(|(_, event)| matches!(event, DriverEvent::ZoneLabel(..))).count();
    assert_eq!(labels, 8);
    let told = |text: &str| {
        pair.events()
            .iter()
            .any(|(_, event)| matches!(event, DriverEvent::Firmware(firmware) if firmware.contains(text)))
    };
    assert!(told("PowerMax Complete Part (type 5"));
    assert_eq!(pair.state().expect("online").zones.len(), 8);
    assert_eq!(kinds(&pair), [], "coming online is no event");
    Ok(())
}

#[test]
fn a_powermaster_tells_users_with_their_partitions() -> Result<(), Failure> {
    let mut panel = sim(Model::PowerMaster10, 3);
    panel.user_partitions.insert(2, "1, 3".parse().expect("a list"));
    let pair = ready(pair_of(1, panel, config("PowerMaster 10", 3)))?;
    let users = users(&pair);
    assert_eq!(users.len(), 8);
    assert_eq!(users[&2].partitions.map(|set| set.to_string()), Some("1, 3".into()));
    assert_eq!(users[&1].partitions, Some(PartitionSet::first(3)), "the master has all");
    assert_eq!(users[&4].partitions, None);
    assert_eq!(pair.state().expect("online").partitions.len(), 3);
    Ok(())
}

#[test]
fn arming_and_disarming_are_proved_by_the_panels_state() -> Result<(), Failure> {
    for mut pair in [powermax(), powermaster()] {
        pair.settle()?;
        assert_eq!(pair.ask(arm(1, ArmMode::Away, Some("9058")))?, Outcome::Applied(Evidence::ReadBack));
        assert_eq!(arm_state(&pair, 1), ArmState::ExitDelay);
        pair.run_for(Duration::from_secs(90))?;
        assert_eq!(arm_state(&pair, 1), ArmState::Armed(ArmMode::Away));
        assert_eq!(pair.ask(disarm(1, "9058"))?, Outcome::Applied(Evidence::ReadBack));
        assert_eq!(arm_state(&pair, 1), ArmState::Disarmed);
        pair.run_for(Duration::from_secs(5))?;
        let closing = pair.panel_events().find(|event| event.kind == K::Closing).and_then(|event| event.slot);
        assert_eq!(closing, Some(slot(2)), "who armed is told");
        let told = kinds(&pair);
        for kind in [K::ExitDelay, K::Armed, K::Opening, K::Disarmed] {
            assert_eq!(told.iter().filter(|k| **k == kind).count(), 1, "{kind:?} in {told:?}");
        }
    }
    Ok(())
}

#[test]
fn every_mode_is_armed_as_it_is_asked_for() -> Result<(), Failure> {
    for mode in [ArmMode::Away, ArmMode::Stay, ArmMode::AwayNoEntry, ArmMode::StayNoEntry] {
        let mut pair = powermax();
        pair.settle()?;
        assert_eq!(pair.ask(arm(1, mode, Some(MASTER)))?, Outcome::Applied(Evidence::ReadBack));
        pair.run_for(Duration::from_secs(120))?;
        assert_eq!(arm_state(&pair, 1), ArmState::Armed(mode));
    }
    Ok(())
}

#[test]
fn one_partition_is_armed_and_the_others_are_not() -> Result<(), Failure> {
    let mut pair = ready(powermaster())?;
    assert_eq!(pair.ask(arm(2, ArmMode::Stay, Some(MASTER)))?, Outcome::Applied(Evidence::ReadBack));
    pair.run_for(Duration::from_secs(120))?;
    assert_eq!(arm_state(&pair, 2), ArmState::Armed(ArmMode::Stay));
    assert_eq!((arm_state(&pair, 1), arm_state(&pair, 3)), (ArmState::Disarmed, ArmState::Disarmed));
    Ok(())
}

#[test]
fn a_wrong_code_is_refused_once_and_not_tried_again() -> Result<(), Failure> {
    let mut pair = ready(powermax())?;
    let before = pair.panel().state()["commands"].as_u64();
    match pair.ask(disarm(1, "4444"))? {
        Outcome::Failed(error) => assert_eq!((error.code.as_str(), error.retry), ("08", false)),
        other => panic!("{other:?}"),
    }
    let after = pair.panel().state()["commands"].as_u64();
    assert_eq!(after.zip(before).map(|(after, before)| after - before), Some(1));
    Ok(())
}

#[test]
fn arming_with_an_open_zone_is_reported_as_not_ready() -> Result<(), Failure> {
    let mut pair = ready(powermax())?;
    pair.poke("open 3")?;
    pair.run_for(Duration::from_secs(2))?;
    match pair.ask(arm(1, ArmMode::Away, Some(MASTER)))? {
        Outcome::Failed(error) => assert_eq!((error.code.as_str(), error.retry), ("not_ready", true)),
        other => panic!("{other:?}"),
    }
    assert_eq!(arm_state(&pair, 1), ArmState::Disarmed);
    Ok(())
}

#[test]
fn a_bypass_is_proved_by_the_zones_state_and_taken_back() -> Result<(), Failure> {
    for pair in [powermax(), powermaster()] {
        let mut pair = ready(pair)?;
        for bypassed in [true, false] {
            let outcome = pair.ask(Command::Bypass { zone: zone(2), bypassed })?;
            assert_eq!(outcome, Outcome::Applied(Evidence::ReadBack));
            assert_eq!(pair.state().expect("online").zones[&zone(2)].bypassed, bypassed);
            assert_eq!(pair.panel().state()["zones"][1]["bypassed"], bypassed);
        }
    }
    Ok(())
}

#[test]
fn the_output_is_switched() -> Result<(), Failure> {
    for pair in [powermax(), powermaster()] {
        let mut pair = ready(pair)?;
        let outcome = pair.ask(Command::Output { partition: partition(1), output: 1 })?;
        assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
        assert_eq!(pair.panel().state()["outputs"][0], 0);
    }
    Ok(())
}

#[test]
fn the_installer_code_is_compared_and_never_sent() -> Result<(), Failure> {
    for pair in [powermax(), powermaster()] {
        let mut pair = ready(pair)?;
        let right = Command::VerifyInstallerCode(InstallerCode::new(INSTALLER.into()));
        assert_eq!(pair.ask(right)?, Outcome::Applied(Evidence::ReadBack));
        match pair.ask(Command::VerifyInstallerCode(InstallerCode::new("5650".into())))? {
            Outcome::Failed(error) => assert_eq!((error.code.as_str(), error.retry), ("installer_code_wrong", false)),
            other => panic!("{other:?}"),
        }
    }
    Ok(())
}

#[test]
fn the_clock_is_set_and_read_back() -> Result<(), Failure> {
    let mut pair = ready(powermax())?;
    let time = CivilTime { year: 2031, month: 2, day: 3, hour: 4, minute: 5, second: 6 };
    assert_eq!(pair.ask(Command::SetClock(time))?, Outcome::Applied(Evidence::ReadBack));
    let clock = pair.panel().state()["clock"].as_str().expect("a time").to_owned();
    assert!(clock.starts_with("2031-02-03 04:05"), "{clock}");
    Ok(())
}

#[test]
fn users_that_were_edited_at_the_keypad_are_read_again() -> Result<(), Failure> {
    for pair in [powermax(), powermaster()] {
        let mut pair = ready(pair)?;
        pair.poke("edit 4 code 5837")?;
        pair.poke("edit 2 delete")?;
        // Nothing tells of it but leaving the installer's menu or asking.
        pair.poke("fault installer on")?;
        pair.run_for(Duration::from_secs(5))?;
        pair.poke("fault installer off")?;
        pair.run_for(Duration::from_secs(60))?;
        let users = users(&pair);
        assert_eq!(users[&4].code, Some(code("5837")));
        assert_eq!(users[&2].code_state, Some(CodeState::None));
        assert!(pair.events().iter().any(|(_, event)| *event == DriverEvent::UsersStale));
        assert!(kinds(&pair).contains(&K::UsersMayHaveChanged));
    }
    Ok(())
}

#[test]
fn writing_users_is_unsupported_and_reaches_no_wire() -> Result<(), Failure> {
    let mut pair = ready(powermaster())?;
    let sent = pair.bytes_to_panel();
    let set = |code: Option<&str>, partitions| {
        Command::SetUser(panel_driver::SetUser {
            slot: slot(4),
            code: code.map(|c| AccessCode::new(c.into())),
            label: None,
            role: None,
            partitions,
        })
    };
    let unsupported = Outcome::Refused(panel_model::Refusal::Unsupported);
    assert_eq!(pair.ask(set(Some("5837"), None))?, unsupported);
    assert_eq!(pair.ask(set(None, Some(PartitionSet::first(1))))?, unsupported);
    assert_eq!(pair.ask(Command::DisableUser { slot: slot(2) })?, unsupported);
    assert_eq!(pair.ask(Command::EnrolTag { slot: slot(2) })?, unsupported);
    assert_eq!(pair.bytes_to_panel(), sent);
    Ok(())
}

#[test]
fn zones_alarms_and_troubles_are_told_once_each() -> Result<(), Failure> {
    for pair in [powermax(), powermaster()] {
        let mut pair = ready(pair)?;
        let start = kinds(&pair).len();
        let since = move |pair: &VisonicPair| kinds(pair).split_off(start);
        let count = |pair: &VisonicPair, kind| since(pair).into_iter().filter(|k| *k == kind).count();
        for words in ["open 2", "close 2", "tamper 2", "ac off", "ac on", "battery low 2", "battery ok 2"] {
            pair.poke(words)?;
            pair.run_for(Duration::from_secs(5))?;
        }
        assert_eq!((count(&pair, K::ZoneOpened), count(&pair, K::ZoneClosed)), (1, 1), "{:?}", since(&pair));
        assert_eq!(count(&pair, K::ZoneTamper), 1, "{:?}", since(&pair));
        let troubles: Vec<_> = pair.panel_events().filter_map(|e| e.trouble).map(|t| t.kind).collect();
        for kind in [panel_model::TroubleKind::AcLost, panel_model::TroubleKind::ZoneBatteryLow] {
            assert_eq!(troubles.iter().filter(|k| **k == kind).count(), 2, "{kind:?} in {troubles:?}");
        }
    }
    Ok(())
}

#[test]
fn an_alarm_is_told_with_its_zone_and_partition_and_ends_with_disarming() -> Result<(), Failure> {
    for pair in [powermax(), powermaster()] {
        let mut pair = ready(pair)?;
        assert!(matches!(pair.ask(arm(1, ArmMode::AwayNoEntry, Some(MASTER)))?, Outcome::Applied(_)));
        pair.run_for(Duration::from_secs(90))?;
        pair.poke("open 2")?;
        pair.run_for(Duration::from_secs(30))?;
        let alarms: Vec<_> = pair.panel_events().filter(|e| e.kind == K::ZoneAlarm).map(|e| e.zone).collect();
        assert_eq!(alarms, [Some(zone(2))], "{:?}", kinds(&pair));
        assert!(pair.state().expect("online").partitions[&partition(1)].alarm);
        let silence = |digits: &str| Command::SilenceSiren { partition: partition(1), code: code(digits) };
        assert!(matches!(pair.ask(silence("4444"))?, Outcome::Failed(error) if !error.retry));
        assert_eq!(pair.ask(silence(MASTER))?, Outcome::Applied(Evidence::Acknowledged));
        assert_eq!(arm_state(&pair, 1), ArmState::Armed(ArmMode::AwayNoEntry), "only the siren is silent");
        assert_eq!(pair.ask(disarm(1, MASTER))?, Outcome::Applied(Evidence::ReadBack));
        pair.poke("close 2")?;
        pair.run_for(Duration::from_secs(30))?;
        assert!(!pair.state().expect("online").partitions[&partition(1)].alarm);
    }
    Ok(())
}

#[test]
fn panic_keys_and_duress_are_told() -> Result<(), Failure> {
    for (words, kind) in [
        ("panic fire", K::FireAlarm),
        ("panic medical", K::MedicalAlarm),
        ("panic police", K::PanicAlarm),
        ("enter 2580", K::Duress),
        ("enter 4321", K::InvalidCode),
    ] {
        let mut pair = ready(powermax())?;
        pair.poke(words)?;
        pair.run_for(Duration::from_secs(10))?;
        assert_eq!(kinds(&pair).iter().filter(|k| **k == kind).count(), 1, "{words}: {:?}", kinds(&pair));
    }
    Ok(())
}

#[test]
fn a_panel_with_another_download_code_still_works_but_is_not_read() -> Result<(), Failure> {
    let mut panel = sim(Model::PowerMaxPro, 1);
    panel.download_code = Some(panel_model::Password::new("7A7A".into()));
    let mut pair = pair_of(1, panel, config("PowerMax Pro", 1));
    pair.settle()?;
    pair.run_for(Duration::from_secs(120))?;
    assert!(pair.ends().is_empty());
    assert_eq!(kinds(&pair).iter().filter(|k| **k == K::PanelNeedsInstaller).count(), 1);
    match pair.ask(Command::Refresh(Section::Users))? {
        Outcome::Failed(error) => assert_eq!((error.code.as_str(), error.retry), ("download_denied", false)),
        other => panic!("{other:?}"),
    }
    assert_eq!(pair.ask(arm(1, ArmMode::Away, Some(MASTER)))?, Outcome::Applied(Evidence::ReadBack));
    let tries = pair.wire().iter().filter(|(_, entry)| entry.masked.starts_with(b"24 ")).count();
    assert_eq!(tries, 3, "the known candidates, and no guessing");
    Ok(())
}

#[test]
fn an_enrolment_from_the_menu_is_taken_up_and_the_memory_read_then() -> Result<(), Failure> {
    let mut pair = pair_of(1, sim(Model::PowerMaxPro, 1), config("PowerMax Pro", 1));
    pair.settle()?;
    pair.run_for(Duration::from_secs(60))?;
    pair.check(!pair.session().is_some_and(VisonicSession::is_enrolled), "not enrolled by itself")?;
    pair.poke("fault enrol_menu")?;
    pair.run_for(Duration::from_secs(60))?;
    assert_eq!(client(&pair), "powerlink");
    assert!(!users(&pair).is_empty());
    Ok(())
}

#[test]
fn the_memory_is_not_read_while_armed() -> Result<(), Failure> {
    let mut pair = ready(powermax())?;
    assert!(matches!(pair.ask(arm(1, ArmMode::Away, Some(MASTER)))?, Outcome::Applied(_)));
    let before = pair.wire().len();
    assert!(matches!(pair.ask(Command::Refresh(Section::Users))?, Outcome::NotNow(_)));
    let read = pair.wire()[before..].iter().any(|(_, entry)| entry.masked.starts_with(b"24 "));
    assert!(!read);
    Ok(())
}

#[test]
fn a_disarm_ends_a_visit_to_the_memory() -> Result<(), Failure> {
    let mut pair = ready(powermax())?;
    let id = pair.command(Command::Refresh(Section::Users));
    pair.run_until(Duration::from_secs(10), |pair| client(pair) == "download")?;
    let asked = pair.elapsed();
    assert_eq!(pair.ask(disarm(1, MASTER))?, Outcome::Applied(Evidence::ReadBack));
    assert!(pair.elapsed() - asked < Duration::from_secs(3), "{:?}", pair.elapsed() - asked);
    assert!(pair.outcome(id).is_some());
    assert_ne!(client(&pair), "download");
    Ok(())
}

#[test]
fn two_shutdowns_in_the_middle_of_a_visit_leave_the_panel_free() -> Result<(), Failure> {
    let mut pair = ready(powermax())?;
    pair.command(Command::Refresh(Section::Users));
    pair.run_until(Duration::from_secs(10), |pair| client(pair) == "download")?;
    pair.shutdown()?;
    assert_ne!(client(&pair), "download");
    Ok(())
}

#[test]
fn over_any_bad_line_the_driver_comes_back_and_invents_nothing() -> Result<(), Failure> {
    seeds(30, |seed| {
        let pair = if seed % 2 == 0 { sim(Model::PowerMaxCompletePart, 1) } else { sim(Model::PowerMaster10, 3) };
        let config = if seed % 2 == 0 { config("PowerMax Complete Part", 1) } else { config("PowerMaster 10", 3) };
        let mut pair = pair_of(seed, pair, config).with_faults(NetFaults::nasty());
        if seed % 4 == 1 {
            pair.poke("fault a7_ff")?;
        }
        for _ in 0..6 {
            let words = ["open 2", "close 2", "open 5", "close 5"][usize::try_from(pair.rng().below(4)).unwrap_or(0)];
            pair.poke(words)?;
            match pair.rng().below(4) {
                0 => drop(pair.command(arm(1, ArmMode::Away, Some(MASTER)))),
                1 => drop(pair.command(disarm(1, MASTER))),
                2 => drop(pair.command(Command::Refresh(Section::Users))),
                _ => drop(pair.command(Command::Refresh(Section::State))),
            }
            let pause = pair.rng().between(Duration::ZERO, Duration::from_secs(25));
            pair.run_for(pause)?;
        }
        pair.set_faults(NetFaults::perfect());
        pair.poke("close 2")?;
        pair.poke("close 5")?;
        pair.settle()?;
        pair.run_for(Duration::from_secs(120))?;
        pair.ask(disarm(1, MASTER))?;
        pair.run_for(Duration::from_secs(400))?;
        let outcome = pair.ask(Command::Refresh(Section::State))?;
        pair.check(matches!(outcome, Outcome::Applied(_)), "the state is told over a good line")?;
        let state = pair.panel().state();
        let ready = state["partitions"].as_array().expect("a list").iter().all(|p| p["state"] == "ready");
        pair.check(ready, &format!("the panel is at rest: {state}"))?;
        let known = pair.state().expect("online");
        pair.check(known.is_quiet(), "and the driver says so")?;
        pair.check(known.zones.values().all(|z| !z.open), "all zones are closed")?;
        let calls = [K::PanicAlarm, K::FireAlarm, K::MedicalAlarm, K::Duress, K::InvalidCode];
        pair.check(kinds(&pair).iter().all(|kind| !calls.contains(kind)), "nobody called for help")?;
        let alarms = pair.happened().iter().filter(|(_, line)| line["event"] == "alarm").count();
        let told = kinds(&pair).iter().filter(|kind| **kind == K::ZoneAlarm).count();
        pair.check(told == 0 || alarms > 0, &format!("{told} alarms were told and {alarms} happened"))
    })
}

#[test]
fn a_pull_of_48_users_takes_little_more_than_its_bytes_take() -> Result<(), Failure> {
    for (baud, limit) in [(9600, Duration::from_millis(400)), (38400, Duration::from_millis(200))] {
        let mut panel = sim(Model::PowerMaster30, 1);
        panel.users = 40;
        panel.timings.baud = Some(baud);
        let mut pair = ready(pair_of(1, panel, config("PowerMaster 30", 1)))?;
        let before = pair.elapsed();
        assert_eq!(pair.ask(Command::Refresh(Section::Users))?, Outcome::Applied(Evidence::ReadBack));
        let took = pair.elapsed() - before;
        pair.check(took < limit, &format!("{took:?} at {baud} baud"))?;
        assert_eq!(users(&pair).len(), 48);
    }
    Ok(())
}

#[test]
fn partitions_that_are_configured_and_not_in_use_hold_up_nothing() -> Result<(), Failure> {
    let mut pair = ready(pair_of(1, sim(Model::PowerMaster10, 1), config("PowerMaster 10", 3)))?;
    assert_eq!(pair.ask(arm(1, ArmMode::Stay, Some(MASTER)))?, Outcome::Applied(Evidence::ReadBack));
    match pair.ask(arm(2, ArmMode::Stay, Some(MASTER)))? {
        Outcome::Failed(error) => assert!(!error.code.is_empty()),
        other => panic!("nothing shows that it armed: {other:?}"),
    }
    Ok(())
}

#[test]
fn partitions_that_are_in_use_and_not_configured_are_left_alone() -> Result<(), Failure> {
    let mut pair = ready(pair_of(1, sim(Model::PowerMaster10, 3), config("PowerMaster 10", 1)))?;
    assert_eq!(pair.ask(arm(1, ArmMode::Away, Some(MASTER)))?, Outcome::Applied(Evidence::ReadBack));
    pair.run_for(Duration::from_secs(120))?;
    let modes: Vec<_> = pair.panel().state()["partitions"].as_array().expect("a list").clone();
    assert_eq!((modes[0]["state"].as_str(), modes[1]["state"].as_str()), (Some("armed"), Some("ready")));
    assert_eq!(pair.ask(disarm(1, MASTER))?, Outcome::Applied(Evidence::ReadBack));
    // What happens in the others is not taken for ours.
    pair.poke("arm away 2")?;
    pair.run_for(Duration::from_secs(120))?;
    assert_eq!(arm_state(&pair, 1), ArmState::Disarmed);
    Ok(())
}

#[test]
fn a_call_for_help_lasts_until_somebody_disarms() -> Result<(), Failure> {
    let mut pair = ready(powermax())?;
    pair.poke("panic police")?;
    pair.run_for(Duration::from_secs(60))?;
    assert!(pair.state().expect("online").partitions[&partition(1)].alarm, "{:?}", kinds(&pair));
    pair.poke(&format!("enter {MASTER}"))?;
    pair.run_for(Duration::from_secs(60))?;
    assert!(!pair.state().expect("online").partitions[&partition(1)].alarm, "{:?}", kinds(&pair));
    Ok(())
}

#[test]
fn while_armed_every_wish_for_the_memory_is_answered_and_the_state_is_asked_for() -> Result<(), Failure> {
    let mut pair = powermax();
    pair.poke("arm away")?;
    pair.settle()?;
    pair.run_for(Duration::from_secs(5))?;
    let ids: Vec<_> = (0..4).map(|_| pair.command(Command::Refresh(Section::Users))).collect();
    pair.run_for(Duration::from_secs(1))?;
    let answered = ids.iter().all(|id| matches!(pair.outcome(*id), Some(Outcome::NotNow(_))));
    pair.check(answered, "each is told to wait")?;
    let before = pair.wire().len();
    pair.run_for(Duration::from_secs(600))?;
    let asked = pair.wire()[before..].iter().filter(|(_, entry)| entry.masked.starts_with(b"A2 ")).count();
    pair.check(asked >= 9, &format!("an enrolment that waits hides no other clock: asked {asked} times"))?;
    pair.poke("disarm")?;
    pair.run_for(Duration::from_secs(60))?;
    pair.check(!users(&pair).is_empty(), "read when disarmed")?;
    pair.check(pair.session().is_some_and(VisonicSession::is_enrolled), "and enrolled then")
}
