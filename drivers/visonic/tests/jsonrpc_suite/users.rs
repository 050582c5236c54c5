//! Users: read with the master's code, written by unproved methods and read back.

use std::time::Duration;

use driver_visonic::sim::jsonrpc::{Profile, ServiceConfig};
use panel_driver::testkit::Failure;
use panel_driver::{Command, Direction, DriverEvent, Outcome, Section};
use panel_model::{Access, CodeState, Evidence, PanelRole, PartitionSet, Refusal};
use serde_json::json;

use crate::bench::{
    MASTER, ModulePair, code, config, experimental, failure, online, online_with, pair_of, panel_user, service,
    set_user, slot, told_capabilities, user,
};

const READ_BACK: Outcome = Outcome::Applied(Evidence::ReadBack);

#[test]
fn all_users_are_read_with_codes_and_partitions() -> Result<(), Failure> {
    let pair = online()?;
    let report = |n| user(&pair, n).expect("told");
    assert_eq!(report(1).code, Some(code(MASTER)));
    assert_eq!((report(1).role, report(1).partitions), (Some(PanelRole::Master), Some(PartitionSet::first(2))));
    assert_eq!((report(5).code, report(5).partitions), (Some(code("9058")), Some(PartitionSet::first(1))));
    for empty in [3, 4, 6, 7, 8] {
        assert_eq!((report(empty).code_state, report(empty).code), (Some(CodeState::None), None), "{empty}");
    }
    Ok(())
}

#[test]
fn a_code_is_set_changed_and_disabled_and_the_panel_has_it() -> Result<(), Failure> {
    let mut pair = online()?;
    assert_eq!(pair.ask(set_user(7, Some("4739"), Some("2")))?, READ_BACK);
    assert_eq!(panel_user(&pair, 7)["code"], "4739");
    assert_eq!(panel_user(&pair, 7)["partitions"], json!([2]));
    assert_eq!(user(&pair, 7).and_then(|user| user.code), Some(code("4739")));
    assert_eq!(pair.ask(set_user(7, Some("0042"), None))?, READ_BACK);
    assert_eq!(panel_user(&pair, 7)["code"], "0042");
    assert_eq!(panel_user(&pair, 7)["partitions"], json!([2]), "partitions stay");
    assert_eq!(pair.ask(set_user(7, None, Some("1,2")))?, READ_BACK);
    assert_eq!(panel_user(&pair, 7)["partitions"], json!([1, 2]));
    assert_eq!(panel_user(&pair, 7)["code"], "0042", "the code stays");
    assert_eq!(pair.ask(Command::DisableUser { slot: slot(7) })?, READ_BACK);
    assert!(panel_user(&pair, 7).is_null());
    assert_eq!(user(&pair, 7).and_then(|user| user.code_state), Some(CodeState::None));
    assert_eq!(pair.ask(Command::DisableUser { slot: slot(7) })?, READ_BACK, "again, nothing to do");
    Ok(())
}

#[test]
fn the_master_code_is_changed_and_used_from_then_on() -> Result<(), Failure> {
    let mut pair = online()?;
    assert_eq!(pair.ask(set_user(1, Some("6174"), None))?, READ_BACK);
    assert_eq!(panel_user(&pair, 1)["code"], "6174");
    assert_eq!(pair.ask(Command::Refresh(Section::Users))?, READ_BACK);
    assert_eq!(pair.ask(set_user(7, Some("4739"), None))?, READ_BACK);
    Ok(())
}

#[test]
fn a_master_code_that_never_arrived_is_told() -> Result<(), Failure> {
    let mut pair = pair_of(experimental(), service());
    pair.start_mut().credentials.master = Some(code("6174"));
    pair.start_mut().credentials.previous_master = Some(code(MASTER));
    pair.settle()?;
    pair.run_for(Duration::from_secs(5))?;
    let told = |wanted: &DriverEvent| pair.events().iter().filter(|(_, event)| event == wanted).count();
    assert_eq!((told(&DriverEvent::MasterReverted), told(&DriverEvent::MasterProved)), (1, 0));
    assert_eq!(user(&pair, 1).and_then(|user| user.code), Some(code(MASTER)));
    Ok(())
}

#[test]
fn a_master_code_that_arrived_is_proved() -> Result<(), Failure> {
    let mut pair = pair_of(experimental(), service());
    pair.start_mut().credentials.previous_master = Some(code("6174"));
    pair.settle()?;
    pair.run_for(Duration::from_secs(5))?;
    let told = |wanted: &DriverEvent| pair.events().iter().filter(|(_, event)| event == wanted).count();
    assert_eq!((told(&DriverEvent::MasterReverted), told(&DriverEvent::MasterProved)), (0, 1));
    Ok(())
}

#[test]
fn a_wrong_master_code_is_sent_once() -> Result<(), Failure> {
    let mut pair = pair_of(experimental(), service());
    pair.start_mut().credentials.master = Some(code("6174"));
    pair.settle()?;
    pair.run_for(Duration::from_secs(5))?;
    for _ in 0..3 {
        assert_eq!(failure(&pair.ask(Command::Refresh(Section::Users))?).0, "wrong_code");
        assert_eq!(failure(&pair.ask(set_user(7, Some("4739"), None))?).0, "wrong_code");
    }
    let wrong = pair.happened().iter().filter(|(_, value)| value["event"] == "wrong_code").count();
    pair.check(wrong == 1, &format!("one wrong code at the panel, not {wrong}"))
}

#[test]
fn without_a_master_code_users_are_not_read_and_it_is_said_why() -> Result<(), Failure> {
    let mut pair = pair_of(experimental(), service());
    pair.start_mut().credentials.master = None;
    pair.settle()?;
    assert_eq!(failure(&pair.ask(Command::Refresh(Section::Users))?).0, "master_code_needed");
    Ok(())
}

#[test]
fn codes_that_are_taken_are_refused_before_anything_is_written() -> Result<(), Failure> {
    let mut pair = online()?;
    for taken in ["9058", MASTER, "2580"] {
        let outcome = pair.ask(set_user(7, Some(taken), None))?;
        assert_eq!(outcome, Outcome::Refused(Refusal::CodeNotAvailable));
    }
    let rows = [
        (set_user(7, Some("0000"), None), Refusal::CodeFormat),
        (set_user(9, Some("4739"), None), Refusal::SlotNotAvailable),
        (set_user(7, None, Some("1")), Refusal::CodeNotSet),
        (set_user(1, None, Some("1")), Refusal::MasterPartitionsFixed),
        (set_user(5, None, Some("3")), Refusal::PartitionNotAvailable),
        (Command::DisableUser { slot: slot(1) }, Refusal::MasterCannotBeDisabled),
    ];
    for (command, refusal) in rows {
        assert_eq!(pair.ask(command)?, Outcome::Refused(refusal));
    }
    assert!(panel_user(&pair, 7).is_null());
    Ok(())
}

#[test]
fn nothing_is_written_while_armed_or_in_the_installer_menu() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("arm away 2")?;
    assert!(matches!(pair.ask(set_user(7, Some("4739"), None))?, Outcome::NotNow(_)));
    pair.poke("disarm 2")?;
    pair.poke("fault installer")?;
    assert!(matches!(pair.ask(set_user(7, Some("4739"), None))?, Outcome::NotNow(_)));
    pair.poke("fault installer off")?;
    assert_eq!(pair.ask(set_user(7, Some("4739"), None))?, READ_BACK);
    Ok(())
}

#[test]
fn success_without_effect_is_a_failure() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault ignore_writes")?;
    let (word, text, retry) = failure(&pair.ask(set_user(5, Some("4739"), None))?);
    assert_eq!((word.as_str(), retry), ("not_confirmed", true), "{text}");
    assert_eq!(failure(&pair.ask(set_user(5, None, Some("2")))?).0, "not_confirmed");
    assert_eq!(failure(&pair.ask(Command::DisableUser { slot: slot(5) })?).0, "not_confirmed");
    assert_eq!(user(&pair, 5).and_then(|user| user.code), Some(code("9058")), "what is there is told");
    Ok(())
}

#[test]
fn a_refusal_is_told_in_the_services_own_words() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault refuse_writes")?;
    for command in [set_user(7, Some("4739"), None), set_user(5, None, Some("2")), set_user(1, Some("4739"), None)] {
        let (word, text, _) = failure(&pair.ask(command)?);
        assert_eq!((word.as_str(), text.as_str()), ("-32001", "Programming is not allowed"));
    }
    let wrong = pair.happened().iter().filter(|(_, value)| value["event"] == "wrong_code").count();
    pair.check(wrong == 0, "a master code that was refused is not tried")
}

#[test]
fn a_write_whose_answer_is_lost_is_proved_by_reading_and_not_repeated() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.run_for(Duration::from_secs(2))?;
    let id = pair.command(set_user(7, Some("4739"), None));
    // Two calls go before the one that writes.
    pair.run_until(Duration::from_secs(5), |pair| {
        pair.happened().iter().any(|(_, value)| value["event"] == "code_set")
    })?;
    pair.run_for(Duration::from_secs(60))?;
    assert_eq!(pair.outcome(id), Some(&READ_BACK));
    let muted = |pair: &mut ModulePair| -> Result<usize, Failure> {
        let id = pair.command(set_user(7, Some("1649"), None));
        // The answer to the write is lost: the two reads before it are done by then.
        pair.run_for(Duration::from_millis(10))?;
        let calls = pair.panel().calls();
        pair.run_until(Duration::from_secs(10), |pair| pair.panel().calls() >= calls + 2)?;
        pair.poke("fault mute")?;
        pair.run_for(Duration::from_secs(90))?;
        assert_eq!(pair.outcome(id), Some(&READ_BACK));
        Ok(pair.happened().iter().filter(|(_, value)| value["event"] == "code_set").count())
    };
    assert_eq!(muted(&mut pair)?, 2, "one write each");
    assert_eq!(panel_user(&pair, 7)["code"], "1649");
    Ok(())
}

#[test]
fn without_experimental_users_are_read_only() -> Result<(), Failure> {
    let json = r#"{"transport":"jsonrpc","host":"127.0.0.1","model":"PowerMaster 10","partitions":[1,2],"zones":8}"#;
    let mut pair = online_with(config(json), service())?;
    assert_eq!(user(&pair, 5).and_then(|user| user.code), Some(code("9058")));
    for command in [set_user(7, Some("4739"), None), Command::DisableUser { slot: slot(5) }] {
        assert_eq!(pair.ask(command)?, Outcome::Refused(Refusal::Unsupported));
    }
    Ok(())
}

#[test]
fn what_an_older_firmware_lacks_is_not_offered() -> Result<(), Failure> {
    let mut pair = online_with(experimental(), ServiceConfig { profile: Profile::Gtx2023, ..service() })?;
    let able = told_capabilities(&pair).expect("told");
    assert_eq!((able.sections.codes, able.sections.partitions), (Access::ReadWrite, Access::ReadOnly));
    assert_eq!(pair.ask(set_user(5, None, Some("2")))?, Outcome::Refused(Refusal::Unsupported));
    assert_eq!(pair.ask(set_user(7, Some("4739"), None))?, READ_BACK);
    let mut service = service();
    service.panel.seed = 3;
    let mut pair = pair_of(experimental(), service);
    for method in ["setUserCode", "setInstallerCode", "setZoneDeviceBypass", "getDateTime", "setPanelState"] {
        pair.poke(&format!("fault without {method}"))?;
    }
    pair.settle()?;
    let able = told_capabilities(&pair).expect("told");
    assert_eq!((able.sections.codes, able.sections.installer_code), (Access::ReadOnly, Access::ReadOnly));
    assert!(!able.bypass && !able.set_clock && able.arm_modes.is_empty());
    Ok(())
}

#[test]
fn users_are_read_again_when_somebody_leaves_the_installer_menu() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("edit 6 code 3141")?;
    pair.poke("fault installer")?;
    pair.run_for(Duration::from_secs(20))?;
    pair.poke("fault installer off")?;
    pair.run_for(Duration::from_secs(30))?;
    assert_eq!(user(&pair, 6).and_then(|user| user.code), Some(code("3141")));
    Ok(())
}

#[test]
fn users_are_read_again_after_a_menu_that_was_left_unseen() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault installer")?;
    pair.run_for(Duration::from_secs(20))?;
    pair.poke("fault frozen")?;
    pair.poke("edit 6 code 3141")?;
    pair.poke("fault installer off")?;
    pair.run_for(Duration::from_secs(400))?;
    pair.poke("fault frozen off")?;
    pair.run_for(Duration::from_secs(60))?;
    assert_eq!(user(&pair, 6).and_then(|user| user.code), Some(code("3141")));
    Ok(())
}

#[test]
fn a_session_that_is_killed_in_a_write_finds_it_done_or_does_it() -> Result<(), Failure> {
    for moment in 0..40 {
        let mut pair = online()?;
        pair.command(set_user(7, Some("4739"), Some("2")));
        pair.run_for(Duration::from_millis(moment * 10))?;
        pair.kill_driver();
        assert_eq!(pair.ask(set_user(7, Some("4739"), Some("2")))?, READ_BACK, "after {moment}0 ms");
        assert_eq!(panel_user(&pair, 7)["partitions"], json!([2]));
    }
    Ok(())
}

/// Calls of that method so far.
fn sent(pair: &ModulePair, method: &str) -> usize {
    let to_panel = pair.wire().iter().filter(|(_, entry)| entry.direction == Direction::ToPanel);
    to_panel.filter(|(_, entry)| String::from_utf8_lossy(&entry.masked).contains(method)).count()
}

#[test]
fn a_code_that_may_read_and_not_write_is_sent_to_write_once() -> Result<(), Failure> {
    let mut pair = pair_of(experimental(), service());
    // Not the master's: the panel shows users to it, and takes no writes from it.
    pair.start_mut().credentials.master = Some(code(crate::bench::OWN));
    pair.settle()?;
    pair.run_for(Duration::from_secs(5))?;
    for n in [6, 7, 8] {
        assert_eq!(failure(&pair.ask(set_user(n, Some("4739"), None))?).0, "wrong_code");
    }
    assert_eq!(sent(&pair, "setUserCode"), 1);
    assert_eq!(pair.ask(Command::Refresh(Section::Users))?, READ_BACK, "it may read all the same");
    Ok(())
}

#[test]
fn a_user_that_was_half_written_is_told_as_it_is() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault refuse_partitions")?;
    assert_eq!(failure(&pair.ask(set_user(7, Some("4739"), Some("2")))?).0, "wrong_code");
    assert_eq!(user(&pair, 7).and_then(|user| user.code), Some(code("4739")), "the code is there");
    Ok(())
}
