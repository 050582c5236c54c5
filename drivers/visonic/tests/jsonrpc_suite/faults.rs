//! What goes wrong with a module, one test each (dossier 6.1, row 11).

use std::time::Duration;

use driver_visonic::sim::jsonrpc::ServiceConfig;
use panel_driver::testkit::Failure;
use panel_driver::{Command, DriverError, DriverEvent, Outcome, Section};
use panel_model::{ArmMode, ArmState, EventKind as K, Evidence, TroubleKind};

use crate::bench::{
    ModulePair, OWN, code, experimental, failure, kinds, online, online_with, pair_of, partition, service, set_user,
};

const READ_BACK: Outcome = Outcome::Applied(Evidence::ReadBack);

fn arm() -> Command {
    Command::Arm { partition: partition(1), mode: ArmMode::Away, code: Some(code(OWN)) }
}

fn calls_in(pair: &mut ModulePair, time: Duration) -> Result<u64, Failure> {
    let before = pair.panel().calls();
    pair.run_for(time)?;
    Ok(pair.panel().calls() - before)
}

#[test]
fn a_slow_module_is_asked_less_often() -> Result<(), Failure> {
    let mut pair = online()?;
    let quick = calls_in(&mut pair, Duration::from_secs(600))?;
    pair.poke("fault slow 8")?;
    pair.run_for(Duration::from_secs(60))?;
    let slow = calls_in(&mut pair, Duration::from_secs(600))?;
    assert!((100..150).contains(&quick) && slow < quick / 3, "{quick} and {slow} calls in ten minutes");
    assert!(pair.is_online());
    pair.poke("fault slow off")?;
    pair.run_for(Duration::from_secs(120))?;
    let again = calls_in(&mut pair, Duration::from_secs(600))?;
    pair.check(again >= 100, &format!("{again} calls when it is quick again"))
}

#[test]
fn a_call_that_is_not_answered_is_given_up_and_the_next_one_goes_on() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault hang 2")?;
    pair.run_for(Duration::from_secs(180))?;
    pair.check(pair.is_online() && pair.ends().is_empty(), "two lost calls end nothing")?;
    let outcome = pair.ask(arm())?;
    pair.check(outcome == READ_BACK, &format!("it works afterwards: {outcome:?}"))
}

#[test]
fn a_module_that_stays_silent_ends_the_session_and_is_taken_up_again() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault hang 9")?;
    pair.run_until(Duration::from_secs(300), |pair| !pair.ends().is_empty())?;
    let end = pair.ends()[0].1.clone();
    assert!(matches!(&end, DriverError::Unresponsive(text) if text.contains("did not answer")), "{end:?}");
    pair.settle()?;
    assert_eq!(pair.ask(arm())?, READ_BACK);
    Ok(())
}

#[test]
fn a_command_is_told_that_the_panel_did_not_answer_the_module() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault timeout")?;
    let (word, text, retry) = failure(&pair.ask(set_user(7, Some("4739"), None))?);
    assert_eq!((word.as_str(), retry), ("timeout", true), "{text}");
    assert_eq!(pair.ask(set_user(7, Some("4739"), None))?, READ_BACK);
    Ok(())
}

#[test]
fn an_arming_whose_answer_is_lost_is_proved_by_the_state() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault mute")?;
    let id = pair.command(arm());
    pair.run_for(Duration::from_secs(60))?;
    assert_eq!(pair.outcome(id), Some(&READ_BACK));
    let armed = pair.happened().iter().filter(|(_, value)| value["event"] == "armed_by").count();
    pair.check(armed == 1, "it was sent once")
}

#[test]
fn broken_answers_are_survived() -> Result<(), Failure> {
    for fault in ["malformed", "garbage", "drop"] {
        let mut pair = online()?;
        pair.poke(&format!("fault {fault} 2"))?;
        pair.run_for(Duration::from_secs(120))?;
        let outcome = pair.ask(Command::Refresh(Section::State))?;
        pair.check(outcome == READ_BACK, &format!("{fault}: {outcome:?}"))?;
    }
    let mut pair = online()?;
    pair.poke("fault malformed 9")?;
    pair.run_until(Duration::from_secs(300), |pair| !pair.ends().is_empty())?;
    let end = pair.ends()[0].1.to_string();
    pair.check(end.contains("makes no sense"), &end)
}

#[test]
fn a_registration_that_ran_out_is_renewed_without_a_word() -> Result<(), Failure> {
    let config = ServiceConfig { registered_for: Duration::from_secs(3600), ..service() };
    let mut pair = online_with(experimental(), config)?;
    let before = pair.events().len();
    pair.run_for(Duration::from_secs(4 * 3600))?;
    assert!(kinds(&pair, before).is_empty() && pair.ends().is_empty());
    let registered = pair.happened().iter().filter(|(_, value)| value["event"] == "client_registered").count();
    pair.check((4..=6).contains(&registered), &format!("{registered} registrations in four hours"))
}

#[test]
fn another_client_takes_the_place_once_and_is_sent_away() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.run_for(Duration::from_secs(900))?;
    let before = pair.events().len();
    pair.poke("fault steal")?;
    pair.run_for(Duration::from_secs(60))?;
    assert_eq!(kinds(&pair, before), []);
    assert_eq!(pair.ask(set_user(7, Some("4739"), None))?, READ_BACK);
    Ok(())
}

#[test]
fn with_a_rival_there_is_no_duel_and_a_person_is_called() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.run_for(Duration::from_secs(900))?;
    pair.poke("fault rival")?;
    pair.poke("fault steal")?;
    let before = pair.events().len();
    pair.run_for(Duration::from_secs(3600))?;
    let called = kinds(&pair, before).into_iter().filter(|kind| *kind == K::PanelNeedsInstaller).count();
    let ours = pair.happened().iter().filter(|(_, value)| value["ip"] == "127.0.0.1").count();
    assert!(called >= 1 && ours < 10, "called {called} times, registered {ours} times in an hour");
    assert_eq!(failure(&pair.ask(arm())?).0, "occupied", "a command is told at once");
    pair.poke("fault rival off")?;
    pair.run_for(Duration::from_secs(2 * 3600))?;
    assert_eq!(pair.ask(set_user(7, Some("4739"), None))?, READ_BACK, "the rival is gone");
    Ok(())
}

#[test]
fn a_module_that_never_takes_us_is_told_as_occupied() -> Result<(), Failure> {
    // The address that we name is not the one that the module sees: a router in between.
    let config = ServiceConfig { peer: "192.0.2.9".parse().expect("address"), ..service() };
    let mut pair = pair_of(experimental(), config);
    pair.run_until(Duration::from_secs(60), |pair| !pair.ends().is_empty())?;
    assert_eq!(pair.ends()[0].1, DriverError::Occupied);
    Ok(())
}

#[test]
fn an_address_that_is_no_longer_ours_ends_the_session_so_that_the_next_one_names_the_new_one() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.run_for(Duration::from_secs(900))?;
    pair.poke("fault moved")?;
    pair.poke("fault forget")?;
    pair.run_until(Duration::from_secs(60), |pair| !pair.ends().is_empty())?;
    assert_eq!(pair.ends()[0].1, DriverError::Occupied);
    pair.poke("fault moved off")?;
    pair.settle()?;
    pair.check(pair.is_online(), "taken up again")
}

#[test]
fn a_module_that_lost_its_panel_is_told_and_what_it_shows_is_not_believed() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault unlinked")?;
    let before = pair.events().len();
    pair.run_for(Duration::from_secs(120))?;
    assert_eq!(kinds(&pair, before), [K::Trouble]);
    let lost = pair.state().is_some_and(|s| s.troubles.iter().any(|t| t.kind == TroubleKind::PanelLinkLost));
    assert!(lost);
    let before = pair.events().len();
    pair.run_for(Duration::from_secs(120))?;
    let alive = pair.events()[before..].iter().filter(|(_, event)| *event == DriverEvent::Alive).count();
    assert_eq!(alive, 0, "nothing is heard of the panel");
    pair.poke("fault unlinked off")?;
    let before = pair.events().len();
    pair.run_for(Duration::from_secs(120))?;
    assert_eq!(kinds(&pair, before), [K::TroubleRestored]);
    Ok(())
}

#[test]
fn a_state_whose_clock_stands_still_is_no_sign_of_life() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault frozen")?;
    pair.run_for(Duration::from_secs(90))?;
    let before = pair.events().len();
    pair.run_for(Duration::from_secs(120))?;
    let alive = pair.events()[before..].iter().filter(|(_, event)| *event == DriverEvent::Alive).count();
    pair.check(alive == 0, "the module repeats itself")
}

#[test]
fn after_a_long_silence_the_state_is_told_whole() -> Result<(), Failure> {
    let mut pair = online()?;
    // Two calls of 30 s, and the pauses of a strained module: nothing is seen for two minutes.
    pair.poke("fault hang 2")?;
    pair.poke("arm away 2")?;
    let before = pair.events().len();
    pair.run_for(Duration::from_secs(240))?;
    let told = &pair.events()[before..];
    let snapshot = told.iter().any(|(_, event)| matches!(event, DriverEvent::Snapshot(_)));
    assert!(snapshot && !kinds(&pair, before).contains(&K::Armed), "{:?}", kinds(&pair, before));
    pair.check(pair.ends().is_empty(), "in the same session")
}

#[test]
fn a_module_without_its_panel_is_not_taken_up() -> Result<(), Failure> {
    let mut pair = pair_of(experimental(), service());
    pair.poke("fault unlinked")?;
    pair.run_until(Duration::from_secs(120), |pair| !pair.ends().is_empty())?;
    let end = pair.ends()[0].1.to_string();
    pair.check(end.contains("does not hear the panel") && !pair.is_online(), &end)
}

#[test]
fn registering_wants_a_code_and_says_so() -> Result<(), Failure> {
    let mut pair = pair_of(experimental(), service());
    pair.start_mut().credentials.password = None;
    pair.start_mut().credentials.master = None;
    pair.run_until(Duration::from_secs(60), |pair| !pair.ends().is_empty())?;
    let end = pair.ends()[0].1.clone();
    pair.check(matches!(&end, DriverError::Auth(text) if text.contains("store a user's code")), &format!("{end:?}"))
}

#[test]
fn a_module_that_refuses_to_tell_the_state_is_not_kept_for_good() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault without getPanelStatuses")?;
    pair.run_until(Duration::from_secs(180), |pair| !pair.ends().is_empty())?;
    let end = pair.ends()[0].1.clone();
    pair.check(matches!(end, DriverError::Protocol(_)), &format!("{end:?}"))
}

#[test]
fn what_changed_while_the_module_did_not_hear_the_panel_is_told_whole_and_not_as_news() -> Result<(), Failure> {
    for fault in ["unlinked", "frozen"] {
        let mut pair = online()?;
        pair.poke(&format!("fault {fault}"))?;
        pair.run_for(Duration::from_secs(600))?;
        pair.poke("arm away 2")?;
        pair.run_for(Duration::from_secs(120))?;
        let before = pair.events().len();
        pair.poke(&format!("fault {fault} off"))?;
        pair.run_for(Duration::from_secs(120))?;
        let snapshots = pair.events()[before..].iter().filter(|(_, e)| matches!(e, DriverEvent::Snapshot(_))).count();
        let told = kinds(&pair, before);
        assert!(snapshots == 1 && !told.contains(&K::Armed) && !told.contains(&K::ExitDelay), "{fault}: {told:?}");
        let armed = pair.state().map(|state| state.partitions[&partition(2)].arm);
        assert_eq!(armed, Some(ArmState::Armed(ArmMode::Away)), "{fault}");
    }
    Ok(())
}

#[test]
fn a_state_that_is_not_believed_proves_nothing_and_nothing_is_written_meanwhile() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault unlinked")?;
    pair.run_for(Duration::from_secs(90))?;
    let disarm = Command::Disarm { partition: partition(1), code: code(OWN) };
    assert_eq!(failure(&pair.ask(disarm)?).0, "not_confirmed", "it shows what it saw last");
    assert!(matches!(pair.ask(set_user(7, Some("4739"), None))?, Outcome::NotNow(_)));
    pair.poke("fault unlinked off")?;
    pair.run_for(Duration::from_secs(90))?;
    assert_eq!(pair.ask(set_user(7, Some("4739"), None))?, READ_BACK);
    Ok(())
}

#[test]
fn a_stored_code_that_was_refused_is_not_sent_for_the_same_thing_again() -> Result<(), Failure> {
    let mut pair = online()?;
    // Somebody changes the code of the box's own user at the panel.
    pair.poke("edit 2 code 1649")?;
    let arm = |code| Command::Arm { partition: partition(1), mode: ArmMode::Away, code };
    for _ in 0..3 {
        assert_eq!(failure(&pair.ask(arm(None))?).0, "wrong_code");
    }
    let wrong = pair.happened().iter().filter(|(_, value)| value["event"] == "wrong_code").count();
    assert_eq!(wrong, 1);
    assert_eq!(pair.ask(arm(Some(code("1649"))))?, READ_BACK, "a person's code is sent");
    Ok(())
}

#[test]
fn a_code_that_is_not_taken_for_registering_any_more_is_told_when_it_is_renewed() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("edit 2 code 1649")?;
    // Asked less often, so that a day is over soon.
    pair.poke("fault slow 8")?;
    pair.run_until(Duration::from_secs(26 * 3600), |pair| !pair.ends().is_empty())?;
    let end = pair.ends()[0].1.clone();
    pair.check(matches!(end, DriverError::Auth(_)), &format!("{end:?}"))
}
