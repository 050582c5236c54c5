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

use driver_dsc::sim::{DscSimulator, Interface, Model, SimConfig};
use driver_dsc::{Config, DscSession, RawConfig};
use panel_driver::sim::Simulator;
use panel_driver::testkit::{Failure, NetFaults, Pair, seeds};
use panel_driver::{Command, Credentials, DriverError, DriverEvent, DriverStart, Outcome, Section, SetUser};
use panel_model::{
    AccessCode, ArmMode, ArmState, CodeState, EventKind as K, Evidence, InstallerCode, PanelError, PanelRole,
    Partition, PartitionSet, Password, Slot, UserReport, Zone,
};
use serde_json::Value;

const MASTER: &str = "7391";
const INSTALLER: &str = "8264";
const PASSWORD: &str = "s3cret";
/// Codes that stand nowhere else by chance: no number on the wire has these digits in a row.
const CODES: [&str; 4] = ["9058", "8693", "9586", "6897"];

type DscPair = Pair<DscSession, DscSimulator>;

fn config(interface: Interface) -> Config {
    let link = match interface {
        Interface::Envisalink => r#""interface":"envisalink","host":"evl""#,
        Interface::It100 => r#""interface":"it100","device":"/dev/null""#,
    };
    let json = format!(r#"{{{link},"model":"PC1832","partitions":[1,2],"zones":8,"installer_menu":"allowed"}}"#);
    serde_json::from_str::<RawConfig>(&json).expect("json").validate().expect("valid")
}

fn sim(interface: Interface) -> SimConfig {
    let mut config = SimConfig::new(interface, Model::Pc1832);
    config.partitions = 2;
    config.master = Some(AccessCode::new(MASTER.into()));
    config.installer = Some(InstallerCode::new(INSTALLER.into()));
    config.password = Password::new(PASSWORD.into());
    for slot in [2, 12, 21, 72] {
        config.user_codes.insert(slot, AccessCode::new(format!("47{slot:02}")));
    }
    config
}

fn start() -> DriverStart {
    let credentials = Credentials {
        password: Some(Password::new(PASSWORD.into())),
        master: Some(AccessCode::new(MASTER.into())),
        previous_master: None,
        installer: Some(InstallerCode::new(INSTALLER.into())),
    };
    DriverStart { credentials, residue: None }
}

fn pair_with(seed: u64, panel: SimConfig) -> DscPair {
    let config = config(panel.interface);
    Pair::new(
        seed,
        move |_| DscSimulator::new(panel).expect("a possible panel"),
        move |start| DscSession::new(config.clone(), start),
    )
    .with_start(start())
    .with_secrets([MASTER, INSTALLER, PASSWORD].into_iter().chain(CODES))
}

fn pair(interface: Interface) -> DscPair {
    pair_with(1, sim(interface))
}

fn slot(n: u32) -> Slot {
    Slot::new(n).expect("in range")
}

fn partition(n: u32) -> Partition {
    Partition::new(n).expect("in range")
}

fn set(n: u32, code: Option<&str>, partitions: Option<&str>, role: Option<PanelRole>) -> Command {
    Command::SetUser(SetUser {
        slot: slot(n),
        code: code.map(|c| AccessCode::new(c.into())),
        label: None,
        role,
        partitions: partitions.map(|list| list.parse().expect("a list")),
    })
}

fn set_code(n: u32, code: &str) -> Command {
    set(n, Some(code), None, None)
}

/// Codes in the panel by slot.
fn codes(pair: &DscPair) -> BTreeMap<u64, String> {
    let users = pair.panel().users();
    let users = users.as_array().expect("a list");
    users.iter().map(|u| (u["slot"].as_u64().unwrap(), u["code"].as_str().unwrap().to_owned())).collect()
}

fn user(pair: &DscPair, n: u64) -> Value {
    let users = pair.panel().users();
    users.as_array().expect("a list").iter().find(|u| u["slot"] == n).cloned().unwrap_or(Value::Null)
}

/// The keypads of both partitions as the panel's bus codes them; `01` is ready, `03` not ready.
fn keypads(pair: &DscPair) -> Vec<String> {
    let state = pair.panel().state();
    let partitions = state["partitions"].as_array().expect("a list").clone();
    partitions.iter().map(|p| p["keypad"].as_str().unwrap().to_owned()).collect()
}

fn in_menu(pair: &DscPair) -> bool {
    let rest = ["01", "03", "04", "05", "06", "08", "09", "0C", "11", "3E", "40"];
    keypads(pair).iter().any(|code| !rest.contains(&code.as_str()))
}

fn reports(pair: &DscPair, n: u32) -> Vec<&UserReport> {
    let reports = pair.events().iter().filter_map(|(_, event)| match event {
        DriverEvent::User(report) if report.slot == slot(n) => Some(&**report),
        _ => None,
    });
    reports.collect()
}

fn kinds(pair: &DscPair) -> Vec<K> {
    pair.panel_events().map(|e| e.kind).collect()
}

fn failed(outcome: &Outcome) -> (&str, bool) {
    match outcome {
        Outcome::Failed(PanelError { code, retry, .. }) => (code, *retry),
        other => panic!("{other:?}"),
    }
}

const BOTH: [Interface; 2] = [Interface::Envisalink, Interface::It100];

fn wait(pair: &mut DscPair, seconds: u64) -> Result<(), Failure> {
    pair.run_for(Duration::from_secs(seconds))
}

#[test]
fn codes_are_set_changed_and_deleted_over_both_modules() -> Result<(), Failure> {
    for interface in BOTH {
        let mut pair = pair(interface);
        pair.settle()?;
        for (n, code) in [(5, CODES[0]), (12, CODES[1])] {
            let outcome = pair.ask(set_code(n, code))?;
            pair.check(outcome == Outcome::Applied(Evidence::Acknowledged), &format!("{n} is set: {outcome:?}"))?;
            pair.check(codes(&pair).get(&n.into()).map(String::as_str) == Some(code), "the panel has it")?;
        }
        let outcome = pair.ask(Command::DisableUser { slot: slot(12) })?;
        pair.check(matches!(outcome, Outcome::Applied(_)), &format!("12 is deleted: {outcome:?}"))?;
        pair.check(!codes(&pair).contains_key(&12), "the panel has it no more")?;
        wait(&mut pair, 10)?;
        pair.check(!in_menu(&pair), "the menu is left")?;
        pair.check(pair.start().residue.is_none(), "no residue")?;
        pair.check(codes(&pair)[&2] == "4702", "nobody else was touched")?;
    }
    Ok(())
}

#[test]
fn six_digit_codes_work_over_both_modules() -> Result<(), Failure> {
    for interface in BOTH {
        let mut panel = sim(interface);
        panel.code_length = 6;
        panel.user_codes.clear();
        panel.master = Some(AccessCode::new("739182".into()));
        panel.installer = Some(InstallerCode::new("826491".into()));
        let link = if interface == Interface::It100 { r#""it100","device":"x""# } else { r#""envisalink","host":"x""# };
        let json = format!(r#"{{"interface":{link},"model":"PC1832","code_length":6}}"#);
        let config = serde_json::from_str::<RawConfig>(&json).expect("json").validate().expect("valid");
        let mut start = start();
        start.credentials.master = Some(AccessCode::new("739182".into()));
        let mut pair = Pair::new(
            1,
            move |_| DscSimulator::new(panel).expect("a panel"),
            move |start| DscSession::new(config.clone(), start),
        )
        .with_start(start);
        pair.settle()?;
        let outcome = pair.ask(set_code(5, "905812"))?;
        pair.check(outcome == Outcome::Applied(Evidence::Acknowledged), &format!("{outcome:?}"))?;
        pair.check(codes(&pair)[&5] == "905812", "the panel has it")?;
    }
    Ok(())
}

#[test]
fn partitions_and_roles_are_read_toggled_and_read_again() -> Result<(), Failure> {
    let mut pair = pair(Interface::It100);
    pair.settle()?;
    let outcome = pair.ask(set(12, None, Some("2"), None))?;
    pair.check(outcome == Outcome::Applied(Evidence::ReadBack), &format!("{outcome:?}"))?;
    pair.check(user(&pair, 12)["partitions"] == serde_json::json!([2]), "partition 2 only")?;
    for (role, digit) in [(PanelRole::Duress, 2), (PanelRole::Supervisor, 1), (PanelRole::OneTimeUser, 8)] {
        let outcome = pair.ask(set(12, None, None, Some(role)))?;
        pair.check(outcome == Outcome::Applied(Evidence::ReadBack), &format!("{role:?}: {outcome:?}"))?;
        let attributes = user(&pair, 12)["attributes"].clone();
        let role_digits: Vec<_> =
            attributes.as_array().unwrap().iter().filter_map(Value::as_u64).filter(|d| [1, 2, 8].contains(d)).collect();
        pair.check(role_digits == [digit], &format!("{role:?} is {attributes}"))?;
    }
    let outcome = pair.ask(set(5, Some(CODES[0]), Some("1"), Some(PanelRole::Supervisor)))?;
    pair.check(outcome == Outcome::Applied(Evidence::Acknowledged), "the weakest proof of all three")?;
    let last = reports(&pair, 5).last().map(|r| r.role);
    pair.check(last == Some(Some(PanelRole::Supervisor)), "told as read")?;
    wait(&mut pair, 10)?;
    pair.check(!in_menu(&pair), "the menu is left")
}

#[test]
fn toggles_of_an_empty_slot_fail_and_leave_the_menu() -> Result<(), Failure> {
    let mut pair = pair(Interface::It100);
    pair.settle()?;
    let outcome = pair.ask(set(6, None, Some("2"), None))?;
    pair.check(matches!(outcome, Outcome::Failed(_)), &format!("{outcome:?}"))?;
    wait(&mut pair, 20)?;
    pair.check(!in_menu(&pair) && pair.start().residue.is_none(), "the menu is left")
}

#[test]
fn a_duplicate_code_is_refused_by_the_panel_and_told_once() -> Result<(), Failure> {
    for interface in BOTH {
        let mut pair = pair(interface);
        pair.settle()?;
        let outcome = pair.ask(set_code(5, "4721"))?;
        pair.check(!failed(&outcome).1, &format!("not to be repeated: {outcome:?}"))?;
        pair.check(!codes(&pair).contains_key(&5), "nothing was written")?;
        wait(&mut pair, 30)?;
        pair.check(!in_menu(&pair) && pair.start().residue.is_none(), "the menu is left")?;
        let outcome = pair.ask(set_code(5, CODES[0]))?;
        pair.check(matches!(outcome, Outcome::Applied(_)), &format!("another code works: {outcome:?}"))?;
    }
    Ok(())
}

#[test]
fn all_users_are_read_from_the_display() -> Result<(), Failure> {
    let mut pair = pair(Interface::It100);
    pair.settle()?;
    let outcome = pair.ask(Command::Refresh(Section::Users))?;
    pair.check(outcome == Outcome::Applied(Evidence::ReadBack), &format!("{outcome:?}"))?;
    let panel = codes(&pair);
    for n in 1..=72_u32 {
        let set = if panel.contains_key(&n.into()) { CodeState::Set } else { CodeState::None };
        let told = reports(&pair, n);
        pair.check(told.first().and_then(|r| r.code_state) == Some(set), &format!("slot {n} is {set:?}"))?;
        if set == CodeState::Set && n != 40 {
            let both: PartitionSet = PartitionSet::first(2);
            pair.check(told.iter().any(|r| r.partitions == Some(both)), &format!("partitions of {n}"))?;
            pair.check(told.iter().any(|r| r.role == Some(PanelRole::User)), &format!("role of {n}"))?;
        }
    }
    let progress = pair.events().iter().filter(|(_, e)| matches!(e, DriverEvent::Progress(..))).count();
    pair.check(progress > 70, "progress is told")?;
    // No batch is longer than a minute, and the keypads are free between two of them.
    let opened: Vec<_> = pair
        .events()
        .iter()
        .filter_map(|(at, e)| match e {
            DriverEvent::Residue(residue) => Some((*at, residue.is_some())),
            _ => None,
        })
        .collect();
    for visit in opened.chunks(2) {
        if let [(from, true), (to, false)] = visit {
            pair.check(*to - *from <= Duration::from_secs(62), "a batch ends within a minute")?;
        }
    }
    pair.check(opened.len() >= 3, "there was more than one batch")?;
    pair.check(codes(&pair) == panel, "reading changed nothing")
}

#[test]
fn a_reading_makes_way_and_goes_on_and_there_is_one_at_a_time() -> Result<(), Failure> {
    let mut pair = pair(Interface::It100);
    pair.settle()?;
    let scan = pair.command(Command::Refresh(Section::Users));
    wait(&mut pair, 25)?;
    let output = pair.command(Command::Output { partition: partition(1), output: 1 });
    pair.run_until(Duration::from_secs(15), |pair| pair.outcome(output).is_some())?;
    pair.check(pair.outcome(scan).is_none(), "the reading is not over")?;
    let second = pair.ask(Command::Refresh(Section::Users))?;
    pair.check(matches!(second, Outcome::NotNow(_)), &format!("{second:?}"))?;
    let write = pair.ask(set_code(5, CODES[0]))?;
    pair.check(matches!(write, Outcome::Applied(_)), &format!("a user is written in between: {write:?}"))?;
    pair.run_until(Duration::from_secs(400), |pair| pair.outcome(scan).is_some())?;
    pair.check(pair.outcome(scan) == Some(&Outcome::Applied(Evidence::ReadBack)), "then it is")?;
    pair.check((1..=72).all(|n| !reports(&pair, n).is_empty()), "and nobody was left out")
}

#[test]
fn a_disarming_goes_before_a_long_reading() -> Result<(), Failure> {
    let mut pair = pair(Interface::It100);
    pair.settle()?;
    let scan = pair.command(Command::Refresh(Section::Users));
    wait(&mut pair, 20)?;
    pair.poke("arm stay 2")?;
    wait(&mut pair, 1)?;
    let before = pair.elapsed();
    let code = AccessCode::new("4712".into());
    let outcome = pair.ask(Command::Disarm { partition: partition(2), code })?;
    pair.check(outcome == Outcome::Applied(Evidence::ReadBack), &format!("{outcome:?}"))?;
    pair.check(pair.elapsed() - before < Duration::from_secs(10), "within seconds")?;
    pair.check(pair.outcome(scan).is_some(), "the reading is answered")?;
    pair.settle()
}

#[test]
fn the_master_code_is_changed_and_used_from_then_on() -> Result<(), Failure> {
    for interface in BOTH {
        let mut pair = pair(interface);
        pair.settle()?;
        let outcome = pair.ask(set_code(40, CODES[2]))?;
        pair.check(outcome == Outcome::Applied(Evidence::Acknowledged), &format!("{outcome:?}"))?;
        pair.check(codes(&pair)[&40] == CODES[2], "the panel has it")?;
        let outcome = pair.ask(set_code(5, CODES[0]))?;
        pair.check(outcome == Outcome::Applied(Evidence::Acknowledged), &format!("with the new one: {outcome:?}"))?;
        let proved = pair.events().iter().any(|(_, e)| *e == DriverEvent::MasterProved);
        pair.check(proved, "the new one is proved")?;
    }
    Ok(())
}

#[test]
fn a_master_code_that_is_locked_in_the_panel_is_not_changed() -> Result<(), Failure> {
    for interface in BOTH {
        let mut panel = sim(interface);
        panel.options.master_locked = true;
        let mut pair = pair_with(1, panel);
        pair.settle()?;
        let outcome = pair.ask(set_code(40, CODES[2]))?;
        pair.check(matches!(outcome, Outcome::Failed(_)), &format!("{outcome:?}"))?;
        pair.check(codes(&pair)[&40] == MASTER, "the panel kept it")?;
        wait(&mut pair, 20)?;
        let outcome = pair.ask(set_code(5, CODES[0]))?;
        pair.check(matches!(outcome, Outcome::Applied(_)), &format!("the old one still opens: {outcome:?}"))?;
    }
    Ok(())
}

#[test]
fn a_wrong_master_code_costs_one_try() -> Result<(), Failure> {
    for interface in BOTH {
        let mut panel = sim(interface);
        panel.options.lockout_attempts = 2;
        let mut pair = pair_with(1, panel);
        pair.start_mut().credentials.master = Some(AccessCode::new("7392".into()));
        pair.settle()?;
        for n in 5..9 {
            let outcome = pair.ask(set_code(n, CODES[0]))?;
            pair.check(failed(&outcome) == ("master_code_needed", false), &format!("{outcome:?}"))?;
        }
        wait(&mut pair, 60)?;
        pair.check(!kinds(&pair).contains(&K::KeypadLockout), "one more would have locked the keypads")?;
        pair.check(!in_menu(&pair) && pair.start().residue.is_none(), "the menu is left")?;
    }
    Ok(())
}

#[test]
fn the_installer_code_is_verified_and_changed() -> Result<(), Failure> {
    for interface in BOTH {
        let mut pair = pair(interface);
        pair.settle()?;
        let code = |text: &str| InstallerCode::new(text.into());
        let outcome = pair.ask(Command::VerifyInstallerCode(code(INSTALLER)))?;
        pair.check(outcome == Outcome::Applied(Evidence::Acknowledged), &format!("{outcome:?}"))?;
        let change = Command::ChangeInstallerCode { current: code(INSTALLER), new: code(CODES[3]) };
        let outcome = pair.ask(change)?;
        let proof = if interface == Interface::It100 { Evidence::ReadBack } else { Evidence::Acknowledged };
        pair.check(outcome == Outcome::Applied(proof), &format!("{outcome:?}"))?;
        pair.check(pair.panel().state()["installer_code"] == CODES[3], "the panel has it")?;
        wait(&mut pair, 20)?;
        pair.check(!in_menu(&pair) && pair.start().residue.is_none(), "the menu is left")?;
        pair.check(pair.panel().state()["installer_mode"] == false, "installer mode is left")?;
        let outcome = pair.ask(Command::VerifyInstallerCode(code(INSTALLER)))?;
        pair.check(failed(&outcome) == ("installer_code_refused", false), &format!("{outcome:?}"))?;
        wait(&mut pair, 30)?;
        pair.check(!in_menu(&pair), "the prompt is left")?;
    }
    Ok(())
}

#[test]
fn an_alarm_in_the_middle_of_work_frees_the_keypads() -> Result<(), Failure> {
    for interface in BOTH {
        let mut panel = sim(interface);
        panel.options.zone_types.insert(8, 11);
        let mut pair = pair_with(1, panel);
        pair.settle()?;
        let id = pair.command(set_code(5, CODES[0]));
        wait(&mut pair, 3)?;
        pair.poke("open 8")?;
        let alarmed = pair.elapsed();
        pair.run_until(Duration::from_secs(30), |pair| pair.outcome(id).is_some())?;
        pair.run_until(Duration::from_secs(10), |pair| !in_menu(pair))?;
        pair.check(pair.elapsed() - alarmed < Duration::from_secs(8), "within seconds")?;
        pair.check(kinds(&pair).contains(&K::ZoneAlarm), "the alarm is told")?;
        let outcome = pair.ask(set_code(6, CODES[1]))?;
        pair.check(matches!(outcome, Outcome::NotNow(_)), &format!("not while it rings: {outcome:?}"))?;
    }
    Ok(())
}

#[test]
fn a_line_lost_in_a_menu_is_cleaned_up_on_return() -> Result<(), Failure> {
    for interface in BOTH {
        for millis in [1500, 2500, 3500, 4500, 5500] {
            let mut pair = pair(interface);
            pair.settle()?;
            let id = pair.command(set_code(5, CODES[0]));
            pair.run_for(Duration::from_millis(millis))?;
            pair.cut(Duration::from_secs(3))?;
            pair.settle()?;
            pair.check(pair.outcome(id).is_some(), "answered, however")?;
            wait(&mut pair, 20)?;
            pair.check(!in_menu(&pair) && pair.start().residue.is_none(), &format!("{interface:?} after {millis} ms"))?;
            let outcome = pair.ask(set_code(5, CODES[0]))?;
            pair.check(matches!(outcome, Outcome::Applied(_)), &format!("{interface:?} {millis}: {outcome:?}"))?;
            pair.check(codes(&pair)[&12] == "4712", "nobody else was touched")?;
        }
    }
    Ok(())
}

#[test]
fn somebody_at_a_keypad_is_waited_for_and_makes_users_stale() -> Result<(), Failure> {
    for interface in BOTH {
        let mut pair = pair(interface);
        pair.settle()?;
        wait(&mut pair, 10)?;
        pair.poke("edit 21 code 5512")?;
        wait(&mut pair, 2)?;
        let outcome = pair.ask(set_code(5, CODES[0]))?;
        pair.check(matches!(outcome, Outcome::NotNow(_)), &format!("{interface:?}: {outcome:?}"))?;
        wait(&mut pair, 30)?;
        let stale = pair.events().iter().any(|(_, e)| *e == DriverEvent::UsersStale);
        pair.check(stale, &format!("{interface:?}: what is known of users is in doubt"))?;
        let outcome = pair.ask(set_code(5, CODES[0]))?;
        pair.check(matches!(outcome, Outcome::Applied(_)), &format!("{outcome:?}"))?;
        pair.check(codes(&pair)[&21] == "5512", "the person's work stands")?;
    }
    Ok(())
}

#[test]
fn arming_and_disarming_are_seen_on_both_sides() -> Result<(), Failure> {
    for interface in BOTH {
        let mut pair = pair(interface);
        pair.settle()?;
        let p1 = partition(1);
        let code = || Some(AccessCode::new("4712".into()));
        let modes =
            [(ArmMode::Away, None), (ArmMode::Away, code()), (ArmMode::Stay, None), (ArmMode::AwayNoEntry, code())];
        for (mode, with) in modes {
            let outcome = pair.ask(Command::Arm { partition: p1, mode, code: with })?;
            pair.check(matches!(outcome, Outcome::Applied(_)), &format!("{interface:?} {mode:?}: {outcome:?}"))?;
            let armed = |pair: &DscPair| {
                pair.state().is_some_and(|s| matches!(s.partitions[&partition(1)].arm, ArmState::Armed(_)))
            };
            pair.run_until(Duration::from_secs(300), armed)?;
            let outcome = pair.ask(Command::Disarm { partition: p1, code: code().unwrap() })?;
            pair.check(outcome == Outcome::Applied(Evidence::ReadBack), &format!("{interface:?}: {outcome:?}"))?;
            pair.run_for(Duration::from_secs(6))?;
            pair.check(pair.state().is_some_and(|s| s.is_quiet()), "disarmed")?;
        }
        let openings = pair.panel_events().filter(|e| e.kind == K::Opening && e.slot == Some(slot(12))).count();
        pair.check(openings == 4, "each by the user in slot 12")?;
        let wrong = AccessCode::new("1111".into());
        pair.ask(Command::Arm { partition: p1, mode: ArmMode::Away, code: None })?;
        let outcome = pair.ask(Command::Disarm { partition: p1, code: wrong })?;
        pair.check(failed(&outcome) == ("670", false), &format!("{interface:?}: {outcome:?}"))?;
    }
    Ok(())
}

#[test]
fn arming_without_a_code_says_what_is_missing() -> Result<(), Failure> {
    for interface in BOTH {
        let mut panel = sim(interface);
        panel.options.quick_arm = false;
        let mut pair = pair_with(1, panel);
        pair.settle()?;
        let stay = |code: Option<&str>| Command::Arm {
            partition: partition(1),
            mode: ArmMode::Stay,
            code: code.map(|c| AccessCode::new(c.into())),
        };
        let outcome = pair.ask(stay(None))?;
        pair.check(failed(&outcome).0 == "code_wanted", &format!("{interface:?}: {outcome:?}"))?;
        wait(&mut pair, 15)?;
        let outcome = pair.ask(stay(Some("4712")))?;
        pair.check(matches!(outcome, Outcome::Applied(_)), &format!("{interface:?}: {outcome:?}"))?;
    }
    Ok(())
}

#[test]
fn the_front_panel_is_seen_by_the_driver() -> Result<(), Failure> {
    for interface in BOTH {
        let mut pair = pair(interface);
        pair.settle()?;
        for words in ["open 3", "ac off", "battery low", "panic fire", "close 3", "ac on", "battery ok"] {
            pair.poke(words)?;
            wait(&mut pair, 2)?;
        }
        let seen = kinds(&pair);
        for kind in [K::ZoneOpened, K::ZoneClosed, K::Trouble, K::TroubleRestored, K::FireAlarm] {
            pair.check(seen.contains(&kind), &format!("{interface:?} sees {kind:?}"))?;
        }
        pair.ask(Command::Refresh(Section::State))?;
        let state = pair.state().cloned().unwrap_or_default();
        pair.check(!state.zones[&Zone::new(3).unwrap()].open, "zone 3 is closed")?;
    }
    Ok(())
}

#[test]
fn labels_are_read_over_an_it100() -> Result<(), Failure> {
    let mut panel = sim(Interface::It100);
    panel.labels.insert(3, "Back Door".into());
    let mut pair = pair_with(1, panel);
    pair.settle()?;
    wait(&mut pair, 20)?;
    let told = pair.events().iter().any(|(_, e)| {
        matches!(e, DriverEvent::ZoneLabel(zone, label) if zone.number() == 3 && label.as_str() == "Back Door")
    });
    pair.check(told, "the label of zone 3 is read after connecting")?;
    let outcome = pair.ask(Command::Refresh(Section::Labels))?;
    pair.check(outcome == Outcome::Applied(Evidence::ReadBack), &format!("{outcome:?}"))
}

#[test]
fn a_blanked_keypad_costs_a_second() -> Result<(), Failure> {
    for interface in BOTH {
        let mut panel = sim(interface);
        panel.options.blanking = true;
        let mut pair = pair_with(1, panel);
        pair.settle()?;
        wait(&mut pair, 90)?;
        let outcome = pair.ask(set_code(5, CODES[0]))?;
        pair.check(matches!(outcome, Outcome::Applied(_)), &format!("{interface:?}: {outcome:?}"))?;
        wait(&mut pair, 90)?;
        let arm = Command::Arm { partition: partition(1), mode: ArmMode::Stay, code: None };
        let outcome = pair.ask(arm)?;
        pair.check(matches!(outcome, Outcome::Applied(_)), &format!("{interface:?}: {outcome:?}"))?;
    }
    Ok(())
}

#[test]
fn odd_modules_are_lived_with() -> Result<(), Failure> {
    let faults = [
        "slow_ack 900",
        "ack_last",
        "double_armed",
        "undefined_busy",
        "no_invalid_code",
        "opening first",
        "opening last",
        "slow_digits 3",
        "split_writes",
        "bare_cr",
        "timestamps",
        "unknown_codes",
        "odd_labels",
        "wide_timers",
        "idle_clock",
        "split_screens",
        "refuse 2 1",
        "refuse 1 10",
    ];
    for interface in BOTH {
        for fault in faults {
            let mut pair = pair(interface);
            pair.settle()?;
            pair.poke(&format!("fault {fault}"))?;
            for n in [5, 6] {
                let outcome = pair.ask(set_code(n, CODES[n as usize - 5]))?;
                pair.check(matches!(outcome, Outcome::Applied(_)), &format!("{interface:?}, {fault}: {outcome:?}"))?;
            }
            wait(&mut pair, 20)?;
            pair.check(!in_menu(&pair), &format!("{interface:?}, {fault}: the menu is left"))?;
            let arm = Command::Arm { partition: partition(1), mode: ArmMode::Stay, code: None };
            let outcome = pair.ask(arm)?;
            pair.check(matches!(outcome, Outcome::Applied(_)), &format!("{interface:?}, {fault}: {outcome:?}"))?;
            pair.run_for(Duration::from_secs(200))?;
            let armed = kinds(&pair).iter().filter(|k| **k == K::Armed).count();
            pair.check(armed == 1, &format!("{interface:?}, {fault}: armed once, not {armed} times"))?;
        }
    }
    Ok(())
}

#[test]
fn displays_that_hide_codes_or_announce_menus_make_no_difference() -> Result<(), Failure> {
    for (shows, announces) in [(false, false), (false, true), (true, false)] {
        let mut panel = sim(Interface::It100);
        panel.options.lcd_shows_codes = shows;
        panel.options.lcd_menu_announces = announces;
        let mut pair = pair_with(1, panel);
        pair.settle()?;
        let outcome = pair.ask(set(5, Some(CODES[0]), Some("2"), None))?;
        pair.check(matches!(outcome, Outcome::Applied(_)), &format!("{outcome:?}"))?;
    }
    Ok(())
}

#[test]
fn stopping_in_the_middle_leaves_no_open_menu() -> Result<(), Failure> {
    for interface in BOTH {
        for millis in [200, 1200, 2200, 3200, 4200, 5200, 6200] {
            let mut pair = pair(interface);
            pair.settle()?;
            pair.command(set_code(5, CODES[0]));
            pair.run_for(Duration::from_millis(millis))?;
            let end = pair.shutdown()?;
            pair.check(end == DriverError::Shutdown, "it was asked to")?;
            wait(&mut pair, 5)?;
            pair.check(!in_menu(&pair), &format!("{interface:?} after {millis} ms"))?;
        }
    }
    Ok(())
}

#[test]
fn a_second_client_is_told_apart_from_a_broken_network() -> Result<(), Failure> {
    let mut pair = pair(Interface::Envisalink);
    pair.start_mut().credentials.password = Some(Password::new("wrong".into()));
    pair.run_for(Duration::from_secs(30))?;
    let ends = pair.ends().to_vec();
    pair.check(matches!(ends.first(), Some((_, DriverError::Auth(_)))), &format!("{ends:?}"))?;
    pair.check(ends.len() == 1, "and not tried again for minutes")
}

/// Whatever the line does: nobody is touched who was not named, menus are left, and what is known agrees with the
/// panel in the end.
fn hard_times(interface: Interface, faults: NetFaults, seed: u64) -> Result<(), Failure> {
    let mut pair = pair_with(seed, sim(interface)).with_faults(faults);
    let others = codes_of_others(&pair);
    // Of 13 and 31 a doubled digit makes another slot.
    let targets = [13_u32, 31, 33];
    let mut ids = Vec::new();
    for _ in 0..6 {
        let n = targets[usize::try_from(pair.rng().below(3)).unwrap()];
        let code = CODES[usize::try_from(pair.rng().below(3)).unwrap()];
        let command = match pair.rng().below(9) {
            6 => Command::VerifyInstallerCode(InstallerCode::new(INSTALLER.into())),
            7 => Command::Refresh(if interface == Interface::It100 { Section::Users } else { Section::State }),
            8 => Command::Output { partition: partition(1), output: 1 },
            0 => Command::DisableUser { slot: slot(n) },
            1 if interface == Interface::It100 => set(n, None, Some("2"), None),
            2 => Command::Arm { partition: partition(2), mode: ArmMode::Stay, code: None },
            3 => Command::Disarm { partition: partition(2), code: AccessCode::new("4712".into()) },
            _ => set_code(n, code),
        };
        ids.push(pair.command(command));
        let zone = pair.rng().below(8) + 1;
        let poke = if pair.rng().chance(0.5) { "open" } else { "close" };
        pair.poke(&format!("{poke} {zone}"))?;
        let pause = pair.rng().between(Duration::ZERO, Duration::from_secs(25));
        pair.run_for(pause)?;
        if pair.rng().chance(0.05) {
            pair.kill_driver();
        }
    }
    pair.set_faults(NetFaults::perfect());
    pair.settle()?;
    for id in ids {
        pair.check(pair.outcome(id).is_some(), "every command is answered")?;
    }
    pair.ask(Command::Disarm { partition: partition(2), code: AccessCode::new("4712".into()) })?;
    wait(&mut pair, 180)?;
    pair.check(pair.start().residue.is_none(), "no residue")?;
    pair.check(!in_menu(&pair), &format!("all menus are left: {:?}", keypads(&pair)))?;
    let now = codes_of_others(&pair);
    pair.check(now == others, &format!("nobody else was touched: {now:?}"))?;
    pair.ask(Command::Refresh(Section::State))?;
    agrees(&pair)
}

fn codes_of_others(pair: &DscPair) -> BTreeMap<u64, String> {
    let mut codes = codes(pair);
    codes.retain(|slot, _| ![13, 31, 33].contains(slot));
    codes
}

fn agrees(pair: &DscPair) -> Result<(), Failure> {
    let panel = pair.panel().state();
    let known = pair.state().cloned().unwrap_or_default();
    for zone in panel["zones"].as_array().unwrap() {
        let number = Zone::new(u32::try_from(zone["zone"].as_u64().unwrap()).unwrap()).unwrap();
        let open = known.zones.get(&number).is_some_and(|z| z.open);
        pair.check(zone["open"] == open, &format!("zone {number} is {}", zone["open"]))?;
    }
    for p in panel["partitions"].as_array().unwrap() {
        let number = partition(u32::try_from(p["partition"].as_u64().unwrap()).unwrap());
        let armed = known.partitions.get(&number).is_some_and(|p| p.arm != ArmState::Disarmed);
        let really = ["armed", "exit_delay", "entry_delay"].contains(&p["state"].as_str().unwrap());
        pair.check(armed == really, &format!("partition {number} is {}", p["state"]))?;
    }
    Ok(())
}

/// As many seeds as `PAIR_SEEDS` says, else a few.
fn how_many() -> u64 {
    std::env::var("PAIR_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(25)
}

#[test]
fn an_envisalink_on_a_choppy_line_harms_nobody() -> Result<(), Failure> {
    seeds(how_many(), |seed| hard_times(Interface::Envisalink, NetFaults::choppy(), seed))
}

#[test]
fn an_envisalink_on_a_nasty_line_harms_nobody() -> Result<(), Failure> {
    seeds(how_many(), |seed| hard_times(Interface::Envisalink, NetFaults::nasty(), seed))
}

#[test]
fn an_it100_on_a_line_that_doubles_frames_harms_nobody() -> Result<(), Failure> {
    let doubling = NetFaults { duplicate: 0.03, ..NetFaults::perfect() };
    seeds(how_many(), |seed| hard_times(Interface::It100, doubling.clone(), seed))
}

#[test]
fn an_it100_on_a_choppy_line_harms_nobody() -> Result<(), Failure> {
    seeds(how_many(), |seed| hard_times(Interface::It100, NetFaults::choppy(), seed))
}

#[test]
fn an_it100_on_a_nasty_line_harms_nobody() -> Result<(), Failure> {
    seeds(how_many(), |seed| hard_times(Interface::It100, NetFaults::nasty(), seed))
}
