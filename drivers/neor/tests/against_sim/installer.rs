//! The installer code: proved, limited, changed.

use std::time::Duration;

use panel_driver::sim::Simulator;
use panel_driver::testkit::Failure;
use panel_driver::{Command, Outcome};
use panel_model::{Evidence, InstallerCode, Refusal};

use crate::bench::*;

fn verify(code: &str) -> Command {
    Command::VerifyInstallerCode(InstallerCode::new(code.into()))
}

fn change(current: &str, new: &str) -> Command {
    let code = |text: &str| InstallerCode::new(text.into());
    Command::ChangeInstallerCode { current: code(current), new: code(new) }
}

fn experimental() -> NeorPair {
    pair_of(1, config(r#""encryption":"type2","experimental":true"#), sim())
}

#[test]
fn the_right_code_is_proved_and_programming_left() -> Result<(), Failure> {
    let mut pair = online()?;
    let outcome = pair.ask(verify(INSTALLER))?;
    pair.check(outcome == Outcome::Applied(Evidence::Acknowledged), &format!("{outcome:?}"))?;
    pair.run_for(Duration::from_secs(2))?;
    pair.check(programming(&pair).is_null(), "left")
}

#[test]
fn two_wrong_codes_in_an_hour_are_all() -> Result<(), Failure> {
    let mut pair = online()?;
    for code in ["1111", "1111", "1111", "2222"] {
        let outcome = pair.ask(verify(code))?;
        pair.check(failed(&outcome) == ("installer_code_refused", false), &format!("{outcome:?}"))?;
    }
    let outcome = pair.ask(verify(INSTALLER))?;
    pair.check(outcome == Outcome::Refused(Refusal::LockedOut), &format!("{outcome:?}"))?;
    let enters =
        |pair: &NeorPair| pair.wire().iter().filter(|(_, e)| e.masked.ends_with(b"installer programming")).count();
    pair.check(enters(&pair) == 2, &format!("{} tries reached the panel", enters(&pair)))?;
    pair.cut(Duration::from_secs(5))?;
    pair.settle()?;
    let outcome = pair.ask(verify(INSTALLER))?;
    pair.check(outcome == Outcome::Refused(Refusal::LockedOut), "a new connection does not forget")?;
    pair.run_for(Duration::from_secs(3700))?;
    let outcome = pair.ask(verify(INSTALLER))?;
    pair.check(outcome == Outcome::Applied(Evidence::Acknowledged), &format!("{outcome:?}"))
}

#[test]
fn a_change_is_experimental() -> Result<(), Failure> {
    let mut pair = online()?;
    let outcome = pair.ask(change(INSTALLER, CODES[0]))?;
    pair.check(outcome == Outcome::Refused(Refusal::Unsupported), &format!("{outcome:?}"))
}

#[test]
fn a_change_is_proved_with_the_new_code() -> Result<(), Failure> {
    let mut pair = experimental();
    pair.settle()?;
    let outcome = pair.ask(change(INSTALLER, CODES[0]))?;
    pair.check(outcome == Outcome::Applied(Evidence::Acknowledged), &format!("{outcome:?}"))?;
    pair.check(pair.panel().state()["installer_code"] == CODES[0], "the panel has it")?;
    pair.run_for(Duration::from_secs(5))?;
    pair.check(programming(&pair).is_null(), "left")?;
    let outcome = pair.ask(change(INSTALLER, CODES[1]))?;
    pair.check(failed(&outcome) == ("installer_code_refused", false), &format!("{outcome:?}"))?;
    pair.check(pair.panel().state()["installer_code"] == CODES[0], "and keeps it")
}

#[test]
fn a_line_that_is_cut_in_the_middle_of_a_change_leaves_no_false_answer() -> Result<(), Failure> {
    for millis in (0..30).map(|n| n * 50) {
        let mut pair = experimental();
        pair.settle()?;
        let id = pair.command(change(INSTALLER, CODES[0]));
        pair.run_for(Duration::from_millis(millis))?;
        pair.cut(Duration::from_secs(2))?;
        pair.settle()?;
        let outcome = pair.outcome(id).cloned().expect("answered");
        let changed = pair.panel().state()["installer_code"] == CODES[0];
        let told = outcome == Outcome::Applied(Evidence::Acknowledged);
        pair.check(!told || changed, &format!("after {millis} ms: {outcome:?}"))?;
        let lie = changed && matches!(outcome, Outcome::Refused(_) | Outcome::NotNow(_));
        pair.check(!lie, &format!("after {millis} ms: {outcome:?} though the panel has the new code"))?;
    }
    Ok(())
}

#[test]
fn a_stored_installer_code_that_is_wrong_is_not_tried_at_every_connect() -> Result<(), Failure> {
    let mut pair = pair();
    pair.start_mut().credentials.installer = Some(InstallerCode::new("1111".into()));
    pair.settle()?;
    for _ in 0..6 {
        let label = panel_model::Label::from_panel("Hall").unwrap();
        pair.ask(Command::SetZoneLabel { zone: zone(1), label })?;
        pair.cut(Duration::from_secs(1))?;
        pair.settle()?;
    }
    let enters = pair.wire().iter().filter(|(_, e)| e.masked.ends_with(b" installer programming")).count();
    pair.check(enters == 2, &format!("{enters} tries in an hour"))
}
