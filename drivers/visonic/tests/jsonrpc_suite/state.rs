//! State, events, arming and bypassing.

use std::time::Duration;

use driver_visonic::sim::jsonrpc::{Profile, ServiceConfig};
use driver_visonic::{Transport, jsonrpc};
use panel_driver::sim::Simulator;
use panel_driver::testkit::Failure;
use panel_driver::{CivilTime, Command, DriverEvent, Outcome, Section};
use panel_model::{ArmMode, ArmState, EventKind as K, Evidence, Readiness, Refusal, Trouble, TroubleKind};

use crate::bench::{
    MASTER, OWN, code, config, experimental, failure, kinds, online, online_with, pair_of, partition, service, zone,
};

const POLL: Duration = Duration::from_secs(20);

#[test]
fn the_snapshot_has_zones_names_troubles_and_readiness() -> Result<(), Failure> {
    let mut pair = pair_of(experimental(), service());
    for words in ["open 2", "ac off", "tamper 3", "battery low 4"] {
        pair.poke(words)?;
    }
    pair.settle()?;
    let state = pair.state().cloned().unwrap_or_default();
    assert_eq!(state.partitions[&partition(1)].ready, Readiness::NotReady);
    assert_eq!(state.partitions[&partition(2)].ready, Readiness::Ready);
    assert_eq!(state.partitions[&partition(1)].arm, ArmState::Disarmed);
    assert!(state.zones[&zone(2)].open && state.zones[&zone(3)].tamper && !state.zones[&zone(5)].open);
    assert_eq!(state.zones.len(), 8);
    assert_eq!(state.zones[&zone(1)].label.as_ref().map(|label| label.as_str()), Some("Front door"));
    assert!(state.troubles.contains(&Trouble::panel(TroubleKind::AcLost)));
    assert!(state.troubles.contains(&Trouble::device(TroubleKind::ZoneBatteryLow, 4)));
    let firmware = pair.events().iter().find_map(|(_, event)| match event {
        DriverEvent::Firmware(text) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(firmware.as_deref(), Some("PowerLink 7.5.58, panel JS703642 I20.214"));
    Ok(())
}

#[test]
fn what_changes_is_told_within_two_looks_and_once() -> Result<(), Failure> {
    let mut pair = online()?;
    let before = pair.events().len();
    for words in ["open 2", "ac off"] {
        pair.poke(words)?;
    }
    pair.run_for(POLL)?;
    assert_eq!(kinds(&pair, before), [K::PartitionNotReady, K::Trouble, K::ZoneOpened]);
    for words in ["close 2", "ac on"] {
        pair.poke(words)?;
    }
    let before = pair.events().len();
    pair.run_for(POLL)?;
    assert_eq!(kinds(&pair, before), [K::PartitionReady, K::TroubleRestored, K::ZoneClosed]);
    let before = pair.events().len();
    pair.run_for(Duration::from_secs(120))?;
    assert_eq!(kinds(&pair, before), []);
    Ok(())
}

#[test]
fn what_no_bit_of_a_partition_shows_is_found_on_the_walk_over_the_devices() -> Result<(), Failure> {
    let mut pair = online()?;
    let before = pair.events().len();
    // The trouble bit is on already, so that the partitions look the same afterwards.
    pair.poke("ac off")?;
    pair.run_for(POLL)?;
    pair.poke("battery low 6")?;
    pair.run_for(Duration::from_secs(110))?;
    assert_eq!(kinds(&pair, before), [K::Trouble, K::Trouble]);
    let trouble = Trouble::device(TroubleKind::ZoneBatteryLow, 6);
    pair.check(pair.state().is_some_and(|state| state.troubles.contains(&trouble)), "the low battery is known")
}

#[test]
fn an_alarm_is_told_with_its_zone_and_cause() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("arm away")?;
    pair.run_for(Duration::from_secs(40))?;
    let before = pair.events().len();
    pair.poke("open 2")?;
    pair.run_for(POLL)?;
    let found = kinds(&pair, before);
    assert!(found.starts_with(&[K::PartitionAlarm]), "{found:?}");
    assert!(found.contains(&K::ZoneAlarm) && found.contains(&K::ZoneOpened), "{found:?}");
    let text = pair.panel_events().find(|event| event.kind == K::ZoneAlarm).and_then(|event| event.text.clone());
    assert_eq!(text.as_deref(), Some("perimeter"));
    let before = pair.events().len();
    pair.poke("close 2")?;
    pair.poke("disarm 1 2")?;
    pair.run_for(POLL)?;
    let found = kinds(&pair, before);
    assert!(found.contains(&K::Disarmed) && found.contains(&K::ZoneAlarmRestored), "{found:?}");
    assert!(!found.contains(&K::PartitionAlarm), "what the panel remembers is no news: {found:?}");
    Ok(())
}

#[test]
fn an_alarm_between_two_looks_is_told_from_the_panels_memory() -> Result<(), Failure> {
    let mut pair = online()?;
    let before = pair.events().len();
    // A fire key rings at once; the disarming ends it before the next look.
    pair.poke("panic fire")?;
    pair.poke("disarm 1 2")?;
    pair.poke("disarm 2 2")?;
    pair.run_for(POLL)?;
    assert_eq!(
        kinds(&pair, before),
        [K::PartitionAlarm, K::PartitionAlarmCleared, K::PartitionAlarm, K::PartitionAlarmCleared]
    );
    Ok(())
}

#[test]
fn arming_and_disarming_are_proved_by_the_state() -> Result<(), Failure> {
    let mut pair = online()?;
    let arm = |mode, with: Option<&str>| Command::Arm { partition: partition(1), mode, code: with.map(code) };
    let disarm = |with: &str| Command::Disarm { partition: partition(1), code: code(with) };
    let read_back = Outcome::Applied(Evidence::ReadBack);
    assert_eq!(pair.ask(arm(ArmMode::Stay, Some(MASTER)))?, read_back);
    assert_eq!(pair.state().map(|state| state.partitions[&partition(1)].arm), Some(ArmState::ExitDelay));
    pair.run_for(Duration::from_secs(40))?;
    assert_eq!(pair.state().map(|state| state.partitions[&partition(1)].arm), Some(ArmState::Armed(ArmMode::Stay)));
    let (word, _, retry) = failure(&pair.ask(disarm("1357"))?);
    assert_eq!((word.as_str(), retry), ("wrong_code", false));
    // A code without rights there is refused in the same words.
    let foreign = Command::Disarm { partition: partition(2), code: code("9058") };
    assert_eq!(failure(&pair.ask(foreign)?).0, "wrong_code");
    assert_eq!(pair.ask(disarm(MASTER))?, read_back);
    assert_eq!(pair.state().map(|state| state.partitions[&partition(1)].arm), Some(ArmState::Disarmed));
    assert_eq!(pair.ask(arm(ArmMode::Away, None))?, read_back, "with the code that is stored as password");
    Ok(())
}

#[test]
fn a_panel_that_reports_no_delays_is_armed_at_once() -> Result<(), Failure> {
    let mut pair = online_with(experimental(), ServiceConfig { no_exit_state: true, ..service() })?;
    let arm = Command::Arm { partition: partition(2), mode: ArmMode::Away, code: Some(code(OWN)) };
    assert_eq!(pair.ask(arm)?, Outcome::Applied(Evidence::ReadBack));
    let arm = pair.state().map(|state| state.partitions[&partition(2)].arm);
    assert_eq!(arm, Some(ArmState::Armed(ArmMode::Away)));
    Ok(())
}

#[test]
fn a_partition_that_does_not_arm_is_not_said_to_be_armed() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("open 2")?;
    let arm = Command::Arm { partition: partition(1), mode: ArmMode::Away, code: Some(code(OWN)) };
    let (word, text, retry) = failure(&pair.ask(arm)?);
    assert_eq!((word.as_str(), retry), ("not_ready", true), "{text}");
    Ok(())
}

#[test]
fn a_bypass_is_proved_by_the_zone() -> Result<(), Failure> {
    let mut pair = online()?;
    let bypass = |n, bypassed| Command::Bypass { zone: zone(n), bypassed };
    for bypassed in [true, false] {
        assert_eq!(pair.ask(bypass(3, bypassed))?, Outcome::Applied(Evidence::ReadBack));
        let found = pair.state().map(|state| state.zones[&zone(3)].bypassed);
        assert_eq!(found, Some(bypassed));
    }
    assert_eq!(pair.ask(bypass(9, true))?, Outcome::Refused(Refusal::NotFound), "the configuration has eight");
    Ok(())
}

#[test]
fn the_clock_is_set_and_read_back() -> Result<(), Failure> {
    let mut pair = online()?;
    let time = CivilTime { year: 2027, month: 2, day: 28, hour: 23, minute: 1, second: 2 };
    assert_eq!(pair.ask(Command::SetClock(time))?, Outcome::Applied(Evidence::ReadBack));
    let clock = pair.panel().state()["clock"].clone();
    assert!(clock.as_str().is_some_and(|clock| clock.starts_with("2027-02-28 23:01:")), "{clock}");
    Ok(())
}

#[test]
fn a_refresh_ends_with_a_snapshot() -> Result<(), Failure> {
    let mut pair = online()?;
    for section in [Section::State, Section::Labels, Section::Users] {
        let before = pair.events().len();
        assert_eq!(pair.ask(Command::Refresh(section))?, Outcome::Applied(Evidence::ReadBack));
        let told = &pair.events()[before..];
        let snapshot = told.iter().any(|(_, event)| matches!(event, DriverEvent::Snapshot(_)));
        let users = told.iter().filter(|(_, event)| matches!(event, DriverEvent::User(_))).count();
        let labels = told.iter().filter(|(_, event)| matches!(event, DriverEvent::ZoneLabel(..))).count();
        match section {
            Section::State => assert!(snapshot && labels == 0),
            Section::Labels => assert!(snapshot && labels == 8),
            Section::Users => assert_eq!(users, 8),
        }
    }
    Ok(())
}

#[test]
fn somebody_at_the_door_does_not_wait_for_a_walk_over_the_zones() -> Result<(), Failure> {
    let json = r#"{"transport":"jsonrpc","host":"127.0.0.1","model":"PowerMaster 10","partitions":[1,2],"zones":30}"#;
    let mut service = service();
    service.panel.zones = 30;
    service.latency = (Duration::from_millis(800), Duration::from_secs(1));
    let mut pair = online_with(config(json), service)?;
    pair.run_for(Duration::from_secs(20))?;
    pair.command(Command::Refresh(Section::State));
    pair.run_for(Duration::from_secs(5))?;
    let before = pair.elapsed();
    let arm = Command::Arm { partition: partition(1), mode: ArmMode::Away, code: Some(code(OWN)) };
    assert_eq!(pair.ask(arm)?, Outcome::Applied(Evidence::ReadBack));
    let took = pair.elapsed() - before;
    pair.check(took < Duration::from_secs(4), &format!("armed while the zones are read, in {took:?}"))
}

const OUTPUT: fn(u8) -> Command = |output| Command::Output { partition: partition(1), output };

#[test]
fn the_output_is_switched_where_that_is_tried_and_no_proof_is_claimed() -> Result<(), Failure> {
    let mut pair = online()?;
    assert_eq!(pair.ask(OUTPUT(1))?, Outcome::Applied(Evidence::WrittenBlind));
    assert_eq!(pair.panel().state()["outputs"], serde_json::json!([0]));
    assert_eq!(pair.ask(OUTPUT(2))?, Outcome::Refused(Refusal::NotFound));
    pair.poke("fault timeout")?;
    assert_eq!(failure(&pair.ask(OUTPUT(1))?).0, "timeout", "an output is not switched twice");
    let older = ServiceConfig { profile: Profile::Gtx2023, ..service() };
    let mut pair = online_with(experimental(), older)?;
    assert_eq!(pair.ask(OUTPUT(1))?, Outcome::Refused(Refusal::Unsupported), "this firmware has no such method");
    let json = r#"{"transport":"jsonrpc","host":"127.0.0.1","model":"PowerMaster 10","partitions":[1,2],"zones":8}"#;
    let mut pair = online_with(config(json), service())?;
    assert_eq!(pair.ask(OUTPUT(1))?, Outcome::Refused(Refusal::Unsupported), "nobody has proved it");
    Ok(())
}

#[test]
fn the_siren_is_not_touched_by_a_method_that_nobody_understands() -> Result<(), Failure> {
    let mut pair = online()?;
    let silence = Command::SilenceSiren { partition: partition(1), code: code(OWN) };
    assert_eq!(pair.ask(silence)?, Outcome::Refused(Refusal::Unsupported));
    let Transport::JsonRpc(_, writes) = experimental().transport else { panic!("the service's transport") };
    let notes = jsonrpc::capabilities(&experimental(), writes).notes;
    assert!(notes.iter().any(|note| note.contains("siren") && note.contains("disarm")), "it is said what to do");
    Ok(())
}
