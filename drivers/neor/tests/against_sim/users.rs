//! Panel users: read, set, changed, disabled; the master; codes that are refused.

use std::time::Duration;

use driver_neor::sim::Model;
use panel_driver::testkit::Failure;
use panel_driver::{Command, DriverEvent, Outcome, Section, SetUser};
use panel_model::{AccessCode, CodeState, Evidence, Label, NotNow, PanelRole, Refusal};
use serde_json::json;

use crate::bench::*;

#[test]
fn a_new_user_gets_everything_in_one_go() -> Result<(), Failure> {
    let mut pair = online()?;
    let before = codes(&pair);
    let user = SetUser {
        code: Some(AccessCode::new(CODES[0].into())),
        label: Label::from_panel("Zoë Øster"),
        role: Some(PanelRole::Supervisor),
        partitions: Some("1, 2".parse().unwrap()),
        ..nothing(5)
    };
    read_back(&mut pair, Command::SetUser(user))?;
    let mut after = codes(&pair);
    let five = after.remove(&5).unwrap();
    pair.check(five["code"] == CODES[0] && five["label"] == "Zoë Øster", &five.to_string())?;
    pair.check(five["partitions"] == json!([1, 2]) && five["attributes"] == json!(["supervisor"]), &five.to_string())?;
    pair.check(after == before, "nobody else was touched")?;
    let report = (*reports(&pair, 5).last().unwrap()).clone();
    pair.check(report.evidence == Evidence::ReadBack && report.code_state == Some(CodeState::Set), "read back")?;
    pair.check(report.role == Some(PanelRole::Supervisor), "the role is told")?;
    pair.run_for(Duration::from_secs(5))?;
    pair.check(programming(&pair).is_null(), "programming is left")?;
    let stale = pair.events().iter().any(|(_, e)| *e == DriverEvent::UsersStale);
    pair.check(!stale, "our own visit puts nothing in doubt")
}

#[test]
fn wishes_field_by_field_share_a_visit() -> Result<(), Failure> {
    let mut pair = online()?;
    read_back(&mut pair, set_code(5, CODES[0]))?;
    read_back(&mut pair, set_label(5, "Alice"))?;
    read_back(&mut pair, set_partitions(5, "2"))?;
    read_back(&mut pair, set_role(5, PanelRole::OneTimeUser))?;
    read_back(&mut pair, set_role(5, PanelRole::Duress))?;
    pair.run_for(Duration::from_secs(5))?;
    let five = user(&pair, 5);
    pair.check(five["label"] == "Alice" && five["partitions"] == json!([2]), &five.to_string())?;
    pair.check(five["attributes"] == json!(["duress"]), &five.to_string())?;
    let enters = pair.wire().iter().filter(|(_, e)| e.masked.ends_with(b"access code programming")).count();
    pair.check(enters == 1, &format!("one visit, not {enters}"))
}

#[test]
fn attributes_that_are_no_role_survive_a_change_of_role() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("edit 2 attributes zone_bypass remote_access")
        .or_else(|_| pair.poke("edit 2 attributes 4C"))
        .or_else(|_| pair.poke("edit 2 bypass on"))?;
    pair.run_for(Duration::from_secs(30))?;
    let before = user(&pair, 2)["attributes"].as_array().unwrap().clone();
    pair.check(!before.is_empty(), "somebody gave user 2 attributes")?;
    read_back(&mut pair, set_role(2, PanelRole::Supervisor))?;
    let after = user(&pair, 2)["attributes"].as_array().unwrap().clone();
    pair.check(before.iter().all(|bit| after.contains(bit)), &format!("{before:?} then {after:?}"))?;
    pair.check(after.contains(&json!("supervisor")), &format!("{after:?}"))
}

#[test]
fn a_code_is_replaced_and_nothing_else() -> Result<(), Failure> {
    let mut pair = online()?;
    let before = user(&pair, 12);
    read_back(&mut pair, set_code(12, CODES[1]))?;
    let after = user(&pair, 12);
    pair.check(after["code"] == CODES[1], "the new code")?;
    pair.check(after["partitions"] == before["partitions"] && after["label"] == before["label"], &after.to_string())
}

#[test]
fn disabling_empties_the_slot_and_takes_the_label_back() -> Result<(), Failure> {
    let mut pair = online()?;
    read_back(&mut pair, set_label(21, "Bob"))?;
    read_back(&mut pair, Command::DisableUser { slot: slot(21) })?;
    pair.check(user(&pair, 21).is_null(), "no code is left")?;
    pair.check(reports(&pair, 21).last().unwrap().code_state == Some(CodeState::None), "told as empty")?;
    read_back(&mut pair, Command::DisableUser { slot: slot(21) })?;
    read_back(&mut pair, set_code(21, CODES[2]))?;
    let again = user(&pair, 21);
    pair.check(again["label"] != "Bob", &again.to_string())
}

#[test]
fn all_users_of_a_full_panel_are_read() -> Result<(), Failure> {
    for (model, users, limit) in [(Model::Hs2128, 94, 20), (Model::Hs2128E, 600, 120)] {
        let mut panel = sim();
        panel.model = model;
        panel.user_codes.clear();
        panel.users = users;
        let mut pair = pair_with(1, panel);
        pair.settle()?;
        let began = pair.elapsed();
        read_back(&mut pair, Command::Refresh(Section::Users))?;
        let took = pair.elapsed() - began;
        pair.check(took < Duration::from_secs(limit), &format!("{model:?} in {took:?}"))?;
        for (n, there) in codes(&pair) {
            let told = reports(&pair, u32::try_from(n).unwrap());
            let told = (*told.last().expect("told")).clone();
            let code = told.code.as_ref().map(|c| c.expose().to_owned());
            pair.check(there["code"].as_str().map(str::to_owned) == code, &format!("the code of {n}"))?;
            pair.check(told.code_state == Some(CodeState::Set), &format!("{n} is set"))?;
        }
        let told: std::collections::BTreeSet<_> = pair
            .events()
            .iter()
            .filter_map(|(_, e)| match e {
                DriverEvent::User(report) => Some(report.slot),
                _ => None,
            })
            .collect();
        let all = if model == Model::Hs2128 { 95 } else { 1000 };
        pair.check(told.len() == all, &format!("every slot is told: {}", told.len()))?;
        pair.run_for(Duration::from_secs(5))?;
        pair.check(programming(&pair).is_null(), "programming is left")?;
    }
    Ok(())
}

#[test]
fn a_code_that_somebody_has_is_refused_and_not_written() -> Result<(), Failure> {
    let mut pair = online()?;
    let before = codes(&pair);
    for code in [MASTER, INSTALLER] {
        let outcome = pair.ask(set_code(5, code))?;
        pair.check(outcome == Outcome::Refused(Refusal::CodeNotAvailable), &format!("{outcome:?}"))?;
    }
    // The panel itself refuses it first; after a look at all users it is known here.
    for _ in 0..2 {
        let outcome = pair.ask(set_code(5, "4712"))?;
        pair.check(outcome == Outcome::Refused(Refusal::CodeNotAvailable), &format!("{outcome:?}"))?;
        pair.ask(Command::Refresh(Section::Users))?;
    }
    pair.check(codes(&pair) == before, "nothing was written")
}

#[test]
fn fields_of_an_empty_slot_are_refused() -> Result<(), Failure> {
    let mut pair = online()?;
    for command in [set_label(5, "Nobody"), set_role(5, PanelRole::Supervisor), set_partitions(5, "1")] {
        let outcome = pair.ask(command)?;
        pair.check(outcome == Outcome::Refused(Refusal::CodeNotSet), &format!("{outcome:?}"))?;
    }
    let outcome = pair.ask(set_partitions(2, "7"))?;
    pair.check(outcome == Outcome::Refused(Refusal::PartitionNotAvailable), &format!("{outcome:?}"))
}

#[test]
fn the_master_changes_code_and_label_and_is_proved_by_the_next_visit() -> Result<(), Failure> {
    let mut pair = online()?;
    let outcome = pair.ask(Command::DisableUser { slot: slot(1) })?;
    pair.check(outcome == Outcome::Refused(Refusal::MasterCannotBeDisabled), &format!("{outcome:?}"))?;
    let outcome = pair.ask(set_partitions(1, "1"))?;
    pair.check(outcome == Outcome::Refused(Refusal::MasterPartitionsFixed), &format!("{outcome:?}"))?;
    read_back(&mut pair, set_label(1, "Boss"))?;
    pair.run_for(Duration::from_secs(5))?;
    read_back(&mut pair, set_code(1, CODES[3]))?;
    pair.check(user(&pair, 1)["code"] == CODES[3], "the new master code")?;
    pair.run_for(Duration::from_secs(10))?;
    let proved = |pair: &NeorPair| pair.events().iter().any(|(_, e)| *e == DriverEvent::MasterProved);
    pair.check(!proved(&pair), "not before the next visit")?;
    read_back(&mut pair, set_code(5, CODES[0]))?;
    pair.check(proved(&pair), "the next visit proves it")
}

#[test]
fn a_new_master_code_that_never_arrived_is_taken_back() -> Result<(), Failure> {
    let mut pair = pair();
    pair.start_mut().credentials.master = Some(AccessCode::new(CODES[3].into()));
    pair.start_mut().credentials.previous_master = Some(AccessCode::new(MASTER.into()));
    pair.settle()?;
    read_back(&mut pair, set_code(5, CODES[0]))?;
    let reverted = pair.events().iter().any(|(_, e)| *e == DriverEvent::MasterReverted);
    pair.check(reverted, "the panel still takes the old one")
}

#[test]
fn a_master_code_that_is_refused_is_not_tried_again() -> Result<(), Failure> {
    let mut pair = pair();
    pair.start_mut().credentials.master = Some(AccessCode::new("9999".into()));
    pair.settle()?;
    for _ in 0..5 {
        let outcome = pair.ask(set_code(5, CODES[0]))?;
        pair.check(failed(&outcome) == ("master_code_needed", false), &format!("{outcome:?}"))?;
    }
    let wrong = pair.happened().iter().filter(|(_, line)| line.to_string().contains("wrong_code")).count();
    let enters = pair.wire().iter().filter(|(_, e)| e.masked.ends_with(b"access code programming")).count();
    pair.check(enters == 1, &format!("tried once, not {enters} times ({wrong} told by the panel)"))
}

#[test]
fn a_change_at_the_keypad_is_read_again_by_itself() -> Result<(), Failure> {
    let mut pair = online()?;
    read_back(&mut pair, Command::Refresh(Section::Users))?;
    let before = reports(&pair, 12).len();
    pair.poke(&format!("edit 12 code {}", CODES[2]))?;
    pair.run_for(Duration::from_secs(60))?;
    let told = reports(&pair, 12).len();
    pair.check(told > before, "user 12 is told again")?;
    let code = reports(&pair, 12).last().unwrap().code.clone();
    pair.check(code == Some(AccessCode::new(CODES[2].into())), "with the code that is there now")?;
    let others = reports(&pair, 21).len();
    pair.check(others == 1, "and only user 12")
}

#[test]
fn a_busy_panel_is_not_hammered() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault busy 100")?;
    let mut tries = 0;
    while tries < 100 {
        tries += 1;
        match pair.ask(set_code(5, CODES[0]))? {
            Outcome::NotNow(NotNow { .. }) => pair.run_for(Duration::from_secs(2))?,
            outcome => {
                pair.check(outcome == Outcome::Applied(Evidence::ReadBack), &format!("{outcome:?}"))?;
                break;
            }
        }
    }
    let enters = pair.wire().iter().filter(|(_, e)| e.masked.ends_with(b"access code programming")).count();
    pair.check(enters <= 7, &format!("{enters} tries in 100 seconds"))
}

#[test]
fn a_mode_that_the_panel_closes_is_entered_again() -> Result<(), Failure> {
    let mut pair = online()?;
    for millis in [350, 400, 500, 600, 700, 800] {
        let id = pair.command(set_code(5, CODES[0]));
        pair.run_for(Duration::from_millis(millis))?;
        let _ = pair.poke("fault lead_out");
        pair.settle()?;
        let outcome = pair.outcome(id).cloned().unwrap();
        let done = outcome == Outcome::Applied(Evidence::ReadBack);
        pair.check(done || matches!(outcome, Outcome::Failed(_)), &format!("after {millis} ms: {outcome:?}"))?;
        read_back(&mut pair, set_code(5, CODES[1]))?;
        pair.run_for(Duration::from_secs(10))?;
    }
    pair.check(programming(&pair).is_null(), "programming is left")
}

#[test]
fn an_alarm_ends_a_visit() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.command(Command::Refresh(Section::Users));
    pair.run_for(Duration::from_millis(500))?;
    pair.poke("panic police")?;
    pair.run_for(Duration::from_secs(2))?;
    pair.check(programming(&pair).is_null(), "programming is left within two seconds")
}
