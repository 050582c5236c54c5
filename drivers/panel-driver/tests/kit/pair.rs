//! The pair harness: that it carries a good driver, repeats a run by its seed, and catches planted bugs.

use std::time::Duration;

use panel_driver::testkit::{Failure, NetFaults, Pair, seeds};
use panel_driver::{Command, Credentials, DriverError, DriverEvent, DriverStart, Outcome, Section, SetUser};
use panel_model::{AccessCode, ArmMode, Evidence, Partition, Password, Refusal, Slot, Zone};

use crate::toy::{Bug, PASSWORD, ToyPanel, ToySession};

type Toys = Pair<ToySession, ToyPanel>;

fn with_password(password: &str) -> DriverStart {
    let password = Some(Password::new(password.into()));
    DriverStart { credentials: Credentials { password, ..Credentials::default() }, residue: None }
}

fn toys(seed: u64, bug: Bug) -> Toys {
    Pair::new(seed, |_| ToyPanel::default(), move |start| ToySession::new(start, bug))
        .with_start(with_password(PASSWORD))
        .with_secrets(["481516"])
}

fn user(slot: u32, code: &str) -> Command {
    let code = Some(AccessCode::new(code.into()));
    Command::SetUser(SetUser { slot: Slot::new(slot).unwrap(), code, label: None, role: None, partitions: None })
}

/// What most drivers' scenario is: commands and front panel over a line with faults, then a good line, then both
/// sides must agree.
fn both_sides_agree(mut pair: Toys) -> Result<(), Failure> {
    for round in 0..6 {
        let zone = pair.rng().below(8) + 1;
        pair.poke(&format!("{} {zone}", if round % 2 == 0 { "open" } else { "close" }))?;
        pair.command(user(4, "481516"));
        let pause = pair.rng().between(Duration::ZERO, Duration::from_secs(5));
        pair.run_for(pause)?;
    }
    pair.set_faults(NetFaults::perfect());
    pair.settle()?;
    // Whatever became of the earlier ones: repeated on a good line it is applied.
    pair.run_for(Duration::from_secs(30))?;
    let outcome = pair.ask(user(4, "481516"))?;
    pair.check(outcome == Outcome::Applied(Evidence::Acknowledged), "the user is set")?;
    pair.check(pair.panel().code(4) == Some("481516"), "the panel has the code")?;
    pair.ask(Command::Refresh(Section::State))?;
    let known: Vec<_> =
        (1..=8).map(|n| pair.state().is_some_and(|state| state.zones[&Zone::new(n).unwrap()].open)).collect();
    let real = pair.panel_state();
    pair.check(known == real, &format!("known {known:?} is real {real:?}"))
}

trait Truth {
    fn panel_state(&self) -> Vec<bool>;
}

impl Truth for Toys {
    fn panel_state(&self) -> Vec<bool> {
        use panel_driver::sim::Simulator;
        self.panel().state()["zones"].as_array().unwrap().iter().map(|open| open.as_bool().unwrap()).collect()
    }
}

#[test]
fn a_good_driver_passes_a_thousand_nasty_seeds() -> Result<(), Failure> {
    seeds(1000, |seed| both_sides_agree(toys(seed, Bug::None).with_faults(NetFaults::nasty())))
}

#[test]
fn a_good_driver_passes_over_a_choppy_line() -> Result<(), Failure> {
    seeds(100, |seed| both_sides_agree(toys(seed, Bug::None).with_faults(NetFaults::choppy())))
}

#[test]
fn one_seed_is_one_run() -> Result<(), Failure> {
    let run = |seed| {
        let mut pair = toys(seed, Bug::None).with_faults(NetFaults::nasty());
        pair.poke("fault knock 50")?;
        pair.command(user(4, "481516"));
        pair.run_for(Duration::from_secs(60))?;
        Ok(format!("{:?} {:?} {:?}", pair.events(), pair.happened(), pair.ends()))
    };
    assert_eq!(run(3)?, run(3)?);
    assert_ne!(run(3)?, run(4)?);
    Ok(())
}

fn caught(bug: Bug) -> Failure {
    let scenario = |seed| {
        let mut pair = toys(seed, bug).with_faults(NetFaults::nasty());
        pair.poke("fault knock 20")?;
        pair.run_for(Duration::from_secs(10))?;
        both_sides_agree(pair)?;
        toys(seed, bug).shutdown_while_busy()
    };
    seeds(100, scenario).expect_err(&format!("{bug:?} is caught"))
}

trait Stop {
    fn shutdown_while_busy(self) -> Result<(), Failure>;
}

impl Stop for Toys {
    fn shutdown_while_busy(mut self) -> Result<(), Failure> {
        self.run_for(Duration::from_millis(500))?;
        let ids = [self.command(user(4, "481516")), self.command(user(5, "481516"))];
        self.run_for(Duration::ZERO)?;
        let end = self.shutdown()?;
        self.check(end == DriverError::Shutdown, "the session ended as asked")?;
        self.check(ids.iter().all(|id| self.outcome(*id).is_some()), "both commands are answered")
    }
}

#[test]
fn planted_bugs_are_caught_with_their_seed_and_a_trace() {
    let rows = [
        (Bug::TellsBeforeSnapshot, "an event came before the connection's first snapshot"),
        (Bug::AnswersTwice, "was answered twice"),
        (Bug::ForgetsToAnswer, "did not settle"),
        (Bug::LeavesTimerInThePast, "the session's time-out stays in the past"),
        (Bug::ChattersForEver, "livelock: 100000 steps in one virtual second"),
        (Bug::PanicsOnGarbage, "panicked: only text is expected"),
        (Bug::SpeaksAfterEnd, "an output came after End"),
        (Bug::ShowsCodes, "a secret stands in the wire log"),
        (Bug::IgnoresShutdown, "no end within 10s of handle_shutdown"),
    ];
    for (bug, what) in rows {
        let failure = caught(bug);
        assert!(failure.what.contains(what), "{bug:?}: {failure}");
        assert!(failure.seed.is_some() && !failure.trace.is_empty(), "{failure}");
        let text = failure.to_string();
        assert!(text.contains(&format!("PAIR_SEED={} cargo test pair::", failure.seed.unwrap())), "{text}");
    }
}

#[test]
fn a_wrong_password_is_tried_once_in_five_minutes() -> Result<(), Failure> {
    let mut pair = toys(1, Bug::None).with_start(with_password("wrong"));
    pair.run_for(Duration::from_secs(290))?;
    assert_eq!(
        pair.ends().iter().map(|(_, end)| end.clone()).collect::<Vec<_>>(),
        [DriverError::Auth("wrong password".into())]
    );
    assert_eq!(pair.panel().refused, 1);
    pair.start_mut().credentials.password = Some(Password::new(PASSWORD.into()));
    pair.settle()?;
    assert!(pair.is_online());
    Ok(())
}

#[test]
fn a_cut_answers_what_was_open_and_the_next_session_goes_on() -> Result<(), Failure> {
    let mut pair = toys(1, Bug::None);
    pair.settle()?;
    let id = pair.command(user(4, "481516"));
    pair.run_for(Duration::ZERO)?;
    assert_eq!(pair.outcome(id), None);
    pair.cut(Duration::from_secs(3))?;
    assert_eq!(pair.outcome(id), Some(&Outcome::interrupted()));
    assert!(!pair.is_online());
    let waiting = pair.command(user(4, "481516"));
    pair.settle()?;
    assert_eq!(pair.outcome(waiting), Some(&Outcome::Applied(Evidence::Acknowledged)));
    assert!(pair.elapsed() > Duration::from_secs(3));
    Ok(())
}

#[test]
fn a_silent_line_is_noticed_by_the_session_alone() -> Result<(), Failure> {
    let mut pair = toys(1, Bug::None);
    pair.settle()?;
    pair.silence(Duration::from_secs(60));
    pair.run_until(Duration::from_secs(30), |pair| !pair.ends().is_empty())?;
    assert_eq!(pair.ends()[0].1, DriverError::Unresponsive("four tries".into()));
    pair.run_until(Duration::from_secs(120), Pair::is_online)
}

#[test]
fn a_killed_driver_leaves_its_commands_interrupted() -> Result<(), Failure> {
    let mut pair = toys(1, Bug::None);
    pair.settle()?;
    let id = pair.command(user(4, "481516"));
    pair.run_for(Duration::ZERO)?;
    pair.kill_driver();
    assert_eq!(pair.outcome(id), Some(&Outcome::interrupted()));
    pair.settle()?;
    assert_eq!(pair.panel().code(4), Some("481516"), "what was sent before still arrived");
    assert!(pair.is_online());
    Ok(())
}

#[test]
fn commands_wait_while_the_session_is_busy() -> Result<(), Failure> {
    let mut pair = toys(1, Bug::None);
    let ids: Vec<_> = (0..20).map(|_| pair.command(user(4, "481516"))).collect();
    pair.settle()?;
    assert!(ids.iter().all(|id| pair.outcome(*id) == Some(&Outcome::Applied(Evidence::Acknowledged))));
    let arm = Command::Arm { partition: Partition::new(1).unwrap(), mode: ArmMode::Away, code: None };
    assert_eq!(pair.ask(arm)?, Outcome::Refused(Refusal::Unsupported));
    Ok(())
}

#[test]
fn a_hangup_of_the_panel_closes_after_the_last_bytes() -> Result<(), Failure> {
    let mut pair = toys(1, Bug::None);
    pair.settle()?;
    pair.poke("open 3")?;
    pair.poke("drop 20")?;
    pair.run_for(Duration::from_secs(5))?;
    assert!(pair.panel_events().any(|event| event.zone == Zone::new(3).ok()));
    assert_eq!(pair.ends().len(), 1);
    let before = pair.events().len();
    pair.run_for(Duration::from_secs(10))?;
    assert_eq!(pair.events().len(), before, "the panel takes nobody for 20 seconds");
    pair.settle()?;
    assert!(pair.events()[before..].iter().any(|(_, event)| matches!(event, DriverEvent::Snapshot(_))));
    Ok(())
}

#[test]
fn a_failing_check_names_the_moment() {
    let mut pair = toys(9, Bug::None);
    pair.run_for(Duration::from_secs(2)).unwrap();
    let failure = pair.check(false, "pigs fly").unwrap_err();
    assert_eq!(
        (failure.what.as_str(), failure.seed, failure.at),
        ("should hold: pigs fly", Some(9), Duration::from_secs(2))
    );
    assert!(pair.poke("reboot").unwrap_err().what.contains("the toy has zones and a line"));
}
