//! Live state: zones, arming, alarms, troubles; what was missed while the line was down.

use std::time::Duration;

use driver_neor::codec::Encryption;
use panel_driver::sim::Simulator;
use panel_driver::testkit::Failure;
use panel_driver::{Command, DriverError, DriverEvent, Outcome, Section};
use panel_model::{
    AccessCode, ArmMode, ArmState, EventKind as K, Evidence, Label, Origin, Refusal, Trouble, TroubleKind,
};

use crate::bench::*;

fn arm(mode: ArmMode) -> Command {
    Command::Arm { partition: partition(1), mode, code: Some(AccessCode::new("4702".into())) }
}

fn disarm() -> Command {
    Command::Disarm { partition: partition(1), code: AccessCode::new("4702".into()) }
}

#[test]
fn zones_and_partitions_follow_the_panel() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("open 1")?;
    pair.run_for(Duration::from_secs(1))?;
    pair.check(kinds(&pair).contains(&K::ZoneOpened), "the zone opened")?;
    agrees(&pair)?;
    pair.poke("close 1")?;
    pair.run_for(Duration::from_secs(1))?;
    pair.check(kinds(&pair).contains(&K::ZoneClosed), "the zone closed")?;
    agrees(&pair)
}

#[test]
fn every_arm_mode_arms_and_the_user_is_told() -> Result<(), Failure> {
    for mode in [ArmMode::Away, ArmMode::Stay, ArmMode::Night, ArmMode::AwayNoEntry, ArmMode::StayNoEntry] {
        let mut pair = online()?;
        let outcome = pair.ask(arm(mode))?;
        pair.check(outcome == Outcome::Applied(Evidence::Acknowledged), &format!("{mode:?}: {outcome:?}"))?;
        pair.run_for(Duration::from_secs(200))?;
        let armed: Vec<_> = pair.panel_events().filter(|e| e.kind == K::Armed).map(|e| (e.mode, e.origin)).collect();
        pair.check(armed == [(Some(mode), Origin::Live)], &format!("{mode:?}: {armed:?}"))?;
        let who: Vec<_> = pair.panel_events().filter(|e| e.kind == K::Closing).map(|e| e.slot).collect();
        pair.check(who == [Some(slot(2))], &format!("{who:?}"))?;
        agrees(&pair)?;
        pair.ask(disarm())?;
        pair.run_for(Duration::from_secs(5))?;
        pair.check(kinds(&pair).contains(&K::Opening), "who disarmed is told")?;
        agrees(&pair)?;
    }
    Ok(())
}

#[test]
fn an_alarm_is_told_once_and_ends_with_the_disarming() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.ask(arm(ArmMode::AwayNoEntry))?;
    pair.run_for(Duration::from_secs(200))?;
    pair.poke("trip 2")?;
    pair.run_for(Duration::from_secs(60))?;
    let count = |pair: &NeorPair, kind| kinds(pair).iter().filter(|k| **k == kind).count();
    pair.check(count(&pair, K::ZoneAlarm) == 1, &format!("one zone alarm: {:?}", kinds(&pair)))?;
    pair.check(count(&pair, K::PartitionAlarm) == 1, &format!("one partition alarm: {:?}", kinds(&pair)))?;
    let known = pair.state().unwrap().clone();
    pair.check(known.zones[&zone(2)].alarm, "the zone is closed and still in alarm")?;
    agrees(&pair)?;
    pair.ask(disarm())?;
    pair.run_for(Duration::from_secs(5))?;
    pair.check(count(&pair, K::PartitionAlarmCleared) == 1, &format!("{:?}", kinds(&pair)))?;
    pair.check(count(&pair, K::ZoneAlarmRestored) == 1, &format!("{:?}", kinds(&pair)))?;
    agrees(&pair)
}

#[test]
fn a_panic_key_is_an_alarm() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("panic fire")?;
    pair.run_for(Duration::from_secs(10))?;
    pair.check(kinds(&pair).contains(&K::PartitionAlarm), &format!("{:?}", kinds(&pair)))
}

#[test]
fn a_wrong_code_arms_nothing() -> Result<(), Failure> {
    let mut pair = online()?;
    let code = Some(AccessCode::new("0001".into()));
    let outcome = pair.ask(Command::Arm { partition: partition(1), mode: ArmMode::Away, code })?;
    pair.check(failed(&outcome) == ("invalid_code", false), &format!("{outcome:?}"))?;
    agrees(&pair)
}

#[test]
fn troubles_come_and_go() -> Result<(), Failure> {
    let mut pair = online()?;
    for (begin, end, kind) in [
        ("ac off", "ac on", TroubleKind::AcLost),
        ("battery low", "battery ok", TroubleKind::BatteryLow),
        ("fault bell", "fault bell off", TroubleKind::BellFault),
        ("fault phone_line", "fault phone_line off", TroubleKind::PhoneLineFault),
    ] {
        pair.poke(begin)?;
        pair.run_for(Duration::from_secs(5))?;
        let has = |pair: &NeorPair| pair.state().unwrap().troubles.iter().any(|t| t.kind == kind);
        pair.check(has(&pair), &format!("{begin}: {:?}", pair.state().unwrap().troubles))?;
        pair.run_for(Duration::from_secs(400))?;
        pair.check(has(&pair), &format!("{begin}, compared: {:?}", pair.state().unwrap().troubles))?;
        pair.poke(end)?;
        pair.run_for(Duration::from_secs(5))?;
        pair.check(!has(&pair), &format!("{end}: {:?}", pair.state().unwrap().troubles))?;
    }
    let told = kinds(&pair).iter().filter(|k| **k == K::Trouble).count();
    pair.check(told == 4, &format!("each once: {:?}", kinds(&pair)))
}

#[test]
fn a_zone_is_bypassed_and_looked_at() -> Result<(), Failure> {
    let mut pair = online()?;
    for bypassed in [true, false] {
        read_back(&mut pair, Command::Bypass { zone: zone(3), bypassed })?;
        pair.run_for(Duration::from_secs(5))?;
        agrees(&pair)?;
        pair.check(programming(&pair).is_null(), "bypass programming is left")?;
    }
    Ok(())
}

#[test]
fn an_output_is_switched_once() -> Result<(), Failure> {
    let mut pair = online()?;
    let outcome = pair.ask(Command::Output { partition: partition(1), output: 2 })?;
    pair.check(matches!(outcome, Outcome::Applied(_)), &format!("{outcome:?}"))
}

#[test]
fn what_happened_while_the_line_was_down_is_told_late() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.cut(Duration::from_secs(60))?;
    for poke in ["open 1", "close 1", "arm away 1 2", "disarm 1 2", "open 4"] {
        pair.poke(poke)?;
        pair.run_for(Duration::from_secs(5))?;
    }
    let before = pair.events().len();
    pair.settle()?;
    pair.run_for(Duration::from_secs(10))?;
    let late: Vec<_> = pair
        .events()
        .iter()
        .skip(before)
        .filter_map(|(_, e)| match e {
            DriverEvent::Happened(event) => Some((event.kind, event.origin)),
            _ => None,
        })
        .collect();
    for kind in [K::ZoneOpened, K::ZoneClosed, K::Opening] {
        pair.check(late.contains(&(kind, Origin::Replay)), &format!("{kind:?} in {late:?}"))?;
    }
    pair.check(!late.iter().any(|(_, origin)| *origin == Origin::Live), &format!("nothing is live: {late:?}"))?;
    agrees(&pair)
}

#[test]
fn labels_are_read_without_any_code() -> Result<(), Failure> {
    let mut pair = pair();
    pair.start_mut().credentials.master = None;
    pair.settle()?;
    read_back(&mut pair, Command::Refresh(Section::Labels))?;
    let labels = pair.events().iter().filter(|(_, e)| matches!(e, DriverEvent::ZoneLabel(..))).count();
    pair.check(labels > 0, "zones have labels")
}

#[test]
fn a_refresh_ends_with_a_snapshot() -> Result<(), Failure> {
    let mut pair = online()?;
    let before = pair.events().len();
    read_back(&mut pair, Command::Refresh(Section::State))?;
    let snapshots = pair.events()[before..].iter().filter(|(_, e)| matches!(e, DriverEvent::Snapshot(_))).count();
    pair.check(snapshots == 1, "one snapshot")
}

#[test]
fn a_communicator_that_does_not_hear_the_panel_is_a_trouble() -> Result<(), Failure> {
    let mut pair = online()?;
    let lost = Trouble::panel(TroubleKind::PanelLinkLost);
    pair.poke("fault nack4")?;
    pair.ask(Command::Refresh(Section::State))?;
    pair.check(pair.state().unwrap().troubles.contains(&lost), "told")?;
    pair.poke("open 1")?;
    pair.poke("fault nack4 off")?;
    pair.run_for(Duration::from_secs(60))?;
    pair.check(!pair.state().unwrap().troubles.contains(&lost), "over")?;
    agrees(&pair)
}

#[test]
fn lost_notifications_are_made_good() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault events_lost")?;
    pair.run_for(Duration::from_secs(5))?;
    let stale = pair.events().iter().any(|(_, e)| *e == DriverEvent::UsersStale);
    pair.check(stale, "users may have changed")?;
    agrees(&pair)
}

#[test]
fn someone_in_installer_programming_is_told() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault keypad_programming")?;
    pair.run_for(Duration::from_secs(2))?;
    pair.check(pair.state().unwrap().installer_mode, "in")?;
    let outcome = pair.ask(set_code(5, CODES[0]))?;
    pair.check(matches!(outcome, Outcome::NotNow(_)), &format!("{outcome:?}"))?;
    pair.run_for(Duration::from_secs(30))?;
    pair.check(!pair.state().unwrap().installer_mode, "out")?;
    let stale = pair.events().iter().any(|(_, e)| *e == DriverEvent::UsersStale);
    pair.check(stale, "users may have changed")?;
    pair.check(pair.state().unwrap().partitions[&partition(1)].arm == ArmState::Disarmed, "still disarmed")
}

#[test]
fn labels_of_zones_and_partitions_are_written_with_the_installer_code() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.run_for(Duration::from_secs(5))?;
    let label = |text: &str| Label::from_panel(text).unwrap();
    read_back(&mut pair, Command::SetZoneLabel { zone: zone(3), label: label("Küche hinten rechts, 2. Stock") })
        .expect_err("29 characters are too many");
    let long = label("Küche hinten rechts 2. Stock");
    read_back(&mut pair, Command::SetZoneLabel { zone: zone(3), label: long.clone() })?;
    read_back(&mut pair, Command::SetPartitionLabel { partition: partition(2), label: label("Shop") })?;
    pair.run_for(Duration::from_secs(3))?;
    pair.check(programming(&pair).is_null(), "programming is left")?;
    let state = pair.panel().state();
    pair.check(state["zones"][2]["label"] == long.as_str(), &state["zones"][2].to_string())?;
    pair.check(state["partitions"][1]["label"] == "Shop", &state["partitions"][1].to_string())?;
    let told = pair.events().iter().any(|(_, e)| *e == DriverEvent::ZoneLabel(zone(3), long.clone()));
    pair.check(told, "the new label is told")?;
    pair.cut(Duration::from_secs(2))?;
    pair.settle()?;
    pair.run_for(Duration::from_secs(5))?;
    let told = pair.events().iter().filter(|(_, e)| *e == DriverEvent::ZoneLabel(zone(3), long.clone())).count();
    pair.check(told == 2, &format!("told {told} times: and read again after a connect, without any code"))
}

#[test]
fn labels_need_an_installer_code_that_the_panel_takes() -> Result<(), Failure> {
    let set = || Command::SetZoneLabel { zone: zone(1), label: Label::from_panel("Hall").unwrap() };
    for (code, expected) in [(None, "installer_code_needed"), (Some("1111"), "installer_code_refused")] {
        let mut pair = pair();
        pair.start_mut().credentials.installer = code.map(|code| panel_model::InstallerCode::new(code.into()));
        pair.settle()?;
        for _ in 0..3 {
            let outcome = pair.ask(set())?;
            pair.check(failed(&outcome) == (expected, false), &format!("{outcome:?}"))?;
        }
    }
    let mut pair = online()?;
    let outcome = pair.ask(Command::SetZoneLabel { zone: zone(99), label: Label::from_panel("Hall").unwrap() })?;
    pair.check(outcome == Outcome::Refused(Refusal::NotFound), &format!("{outcome:?}"))
}

/// Dossier 6.3: the session that should work with a real panel if it works here, strict and with both types.
#[test]
fn the_acceptance_session_is_played() -> Result<(), Failure> {
    for (name, encryption) in [("type1", Encryption::Type1), ("type2", Encryption::Type2)] {
        let mut panel = sim();
        panel.encryption = encryption;
        for (name, value) in [("sequence", "strict"), ("replay", "3")] {
            panel.set(name, value).unwrap();
        }
        let mut pair = pair_of(1, config(&format!(r#""encryption":"{name}""#)), panel);
        pair.settle()?;
        let replayed = pair.panel_events().filter(|e| e.origin == Origin::Replay && e.zone.is_some()).count();
        pair.check(replayed > 0, "what was queued is told late")?;
        read_back(&mut pair, Command::Refresh(Section::Users))?;
        for poke in ["open 1", "close 1", "arm away 1 2"] {
            pair.poke(poke)?;
            pair.run_for(Duration::from_secs(2))?;
        }
        pair.run_for(Duration::from_secs(200))?;
        pair.poke("open 1")?;
        pair.run_for(Duration::from_secs(60))?;
        agrees(&pair)?;
        for poke in ["disarm 1 2", "close 1", "ac off"] {
            pair.poke(poke)?;
            pair.run_for(Duration::from_secs(2))?;
        }
        pair.run_for(Duration::from_secs(120))?;
        agrees(&pair)?;
        let told = kinds(&pair);
        for kind in [
            K::ZoneOpened,
            K::ExitDelay,
            K::Armed,
            K::Closing,
            K::EntryDelay,
            K::PartitionAlarm,
            K::ZoneAlarm,
            K::PartitionAlarmCleared,
            K::Disarmed,
            K::Opening,
            K::Trouble,
        ] {
            pair.check(told.contains(&kind), &format!("{name}: {kind:?} in {told:?}"))?;
        }
        pair.check(pair.ends().is_empty(), "one session")?;
        let end = pair.shutdown()?;
        pair.check(end == DriverError::Shutdown, "a good end")?;
        let bye = pair.wire().iter().any(|(_, e)| e.masked.ends_with(b"060B end_session"));
        pair.check(bye, "with EndSession")?;
    }
    Ok(())
}
