//! The dossier's list of faults (9.5), one after the other, on the simulated panel: what the driver does about each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use driver_visonic::sim::{Model, SimConfig, VisonicSimulator};
use driver_visonic::{RawConfig, VisonicSession};
use panel_driver::sim::Simulator;
use panel_driver::testkit::{Failure, Pair};
use panel_driver::{CivilTime, Command, DriverError, DriverEvent, DriverStart, Outcome, Retry, Section};
use panel_model::{AccessCode, ArmMode, ArmState, EventKind as K, Evidence, Partition, Zone};

type VisonicPair = Pair<VisonicSession, VisonicSimulator>;

const MODELS: [(Model, &str, u8); 3] = [
    (Model::PowerMaxCompletePart, "PowerMax Complete Part", 1),
    (Model::PowerMaster10, "PowerMaster 10", 1),
    (Model::PowerMaster30, "PowerMaster 30", 3),
];

fn pair((model, name, partitions): (Model, &str, u8), faults: &[&str]) -> VisonicPair {
    let list: Vec<u8> = (1..=partitions).collect();
    let json = format!(r#"{{"device":"/dev/null","model":"{name}","partitions":{list:?},"zones":8}}"#);
    let config = serde_json::from_str::<RawConfig>(&json).expect("json").validate().expect("valid");
    let mut panel = SimConfig::new(model);
    panel.partitions = partitions;
    panel.user_codes.insert(2, AccessCode::new("0013".into()));
    panel.user_codes.insert(3, AccessCode::new("9058".into()));
    let mut pair = Pair::new(
        1,
        move |_| VisonicSimulator::new(panel).expect("a possible panel"),
        move |start| VisonicSession::new(config.clone(), start),
    );
    pair.start_mut().credentials.master = Some(AccessCode::new("1111".into()));
    for fault in faults {
        pair.poke(&format!("fault {fault}")).expect("a fault of the list");
    }
    pair
}

fn powermax(faults: &[&str]) -> VisonicPair {
    pair(MODELS[0], faults)
}

fn is_enrolled(pair: &VisonicPair) -> bool {
    pair.session().is_some_and(VisonicSession::is_enrolled)
}

fn slots_told(pair: &VisonicPair) -> BTreeSet<u16> {
    let slots = pair.events().iter().filter_map(|(_, event)| match event {
        DriverEvent::User(report) => Some(report.slot.number()),
        _ => None,
    });
    slots.collect()
}

/// Online, users told, enrolled, in the first connection; arms and disarms.
fn works(pair: &mut VisonicPair) -> Result<(), Failure> {
    pair.settle()?;
    pair.run_until(Duration::from_secs(300), |pair| is_enrolled(pair) && !slots_told(pair).is_empty())?;
    pair.run_for(Duration::from_secs(60))?;
    pair.check(pair.ends().is_empty(), "it takes one connection")?;
    let one = Partition::new(1).expect("in range");
    let code = AccessCode::new("1111".into());
    let arm = Command::Arm { partition: one, mode: ArmMode::Away, code: Some(code.clone()) };
    for command in [arm, Command::Disarm { partition: one, code }] {
        let outcome = pair.ask(command)?;
        pair.check(outcome == Outcome::Applied(Evidence::ReadBack), &format!("applied, not {outcome:?}"))?;
    }
    Ok(())
}

#[test]
fn what_panels_and_lines_do_is_taken_as_it_comes() -> Result<(), Failure> {
    let faults = [
        "bad_checksums 15",
        "other_checksum",
        "short_blocks",
        "lose_acks 3",
        "slow_ack 900",
        "ack_last",
        "lose_commands 2",
        "min_gap 140",
        "busy 2 6",
        "status_bit5",
        "a7_ff",
        "b0_busy 3",
        "state_form no_count",
        "coalesce",
        "bytewise",
        "noise",
        "unknown_frames",
        "flood",
        "stop_answer deny",
    ];
    for model in MODELS {
        for fault in faults {
            let mut pair = pair(model, &[fault]);
            works(&mut pair).map_err(|failure| failure.when(&format!("{} with {fault}", model.1)))?;
        }
    }
    Ok(())
}

#[test]
fn a_denial_at_any_step_costs_that_step_only() -> Result<(), Failure> {
    let steps = ["download", "read", "exit", "init", "enrol", "restore", "alive", "status", "b0"];
    for model in MODELS {
        for step in steps {
            let mut pair = pair(model, &[&format!("deny {step} 1")]);
            pair.settle()?;
            pair.run_until(Duration::from_secs(1200), |pair| is_enrolled(pair) && !slots_told(pair).is_empty())
                .map_err(|failure| failure.when(&format!("{} denies {step}", model.1)))?;
        }
    }
    Ok(())
}

#[test]
fn a_download_that_times_out_is_tried_again_and_not_for_ever() -> Result<(), Failure> {
    let mut pair = powermax(&["timeout_after 3"]);
    works(&mut pair)?;
    let mut pair = powermax(&["exit_for_download"]);
    pair.settle()?;
    pair.run_for(Duration::from_secs(3600))?;
    let tries = pair.wire().iter().filter(|(_, entry)| entry.masked.starts_with(b"24 ")).count();
    pair.check((2..=8).contains(&tries), &format!("a few tries to read, not {tries}"))?;
    pair.check(pair.is_online() && pair.ends().is_empty(), "the panel works without being read")
}

#[test]
fn a_line_that_drops_in_mid_download_leaves_nothing_half_told() -> Result<(), Failure> {
    for frames in [8, 12, 14, 16, 20, 24] {
        let mut pair = powermax(&[&format!("drop_after {frames}")]);
        pair.run_until(Duration::from_secs(60), |pair| !pair.ends().is_empty())?;
        pair.poke("fault drop_after off")?;
        pair.run_until(Duration::from_secs(300), |pair| slots_told(pair).len() == 8)?;
    }
    Ok(())
}

#[test]
fn keep_alives_that_stop_are_noticed_and_the_link_is_taken_up_again() -> Result<(), Failure> {
    let mut pair = powermax(&[]);
    works(&mut pair)?;
    pair.poke("fault no_keep_alive")?;
    let before = pair.wire().len();
    pair.run_for(Duration::from_secs(100))?;
    let restored = pair.wire()[before..].iter().any(|(_, entry)| entry.masked.starts_with(b"AB 06"));
    pair.check(restored, "AB 06 was sent")?;
    pair.run_for(Duration::from_secs(300))?;
    pair.check(!is_enrolled(&pair), "without keep-alives we are not its PowerLink any more")?;
    pair.poke("fault no_keep_alive off")?;
    pair.run_until(Duration::from_secs(1800), is_enrolled)?;
    pair.check(pair.ends().is_empty(), "the connection lasted")
}

#[test]
fn a_panel_that_forgot_us_is_enrolled_again() -> Result<(), Failure> {
    let mut pair = powermax(&[]);
    works(&mut pair)?;
    pair.poke("fault forget_enrolment")?;
    pair.run_for(Duration::from_secs(3600))?;
    pair.check(is_enrolled(&pair) && pair.panel().state()["enrolled"] == true, "enrolled again")
}

#[test]
fn a_status_that_is_stuck_is_not_taken_for_disarmed() -> Result<(), Failure> {
    let mut stuck = powermax(&["stuck_download"]);
    stuck.run_for(Duration::from_secs(300))?;
    stuck.check(!stuck.is_online(), "what is not known is not told")?;
    let end = stuck.ends().first().map(|(_, end)| end.clone());
    let text = matches!(&end, Some(DriverError::Unresponsive(text)) if text.contains("downloading"));
    stuck.check(text, &format!("it is said why: {end:?}"))?;
    // The same in the middle of work, while armed: the arming that was known stays until the line is given up.
    let mut pair = powermax(&[]);
    works(&mut pair)?;
    pair.poke("arm away")?;
    pair.run_for(Duration::from_secs(120))?;
    pair.poke("fault stuck_download")?;
    pair.run_until(Duration::from_secs(600), |pair| !pair.ends().is_empty())?;
    let one = Partition::new(1).expect("in range");
    let arm = pair.state().map(|state| state.partitions[&one].arm);
    pair.check(arm == Some(ArmState::Armed(ArmMode::Away)), &format!("still known as armed, not {arm:?}"))?;
    pair.poke("fault stuck_download off")?;
    pair.settle()?;
    let arm = pair.state().map(|state| state.partitions[&one].arm);
    pair.check(arm == Some(ArmState::Armed(ArmMode::Away)), "and as armed again afterwards")
}

#[test]
fn events_of_the_unreliable_form_arm_nothing_where_there_are_partitions() -> Result<(), Failure> {
    let mut pair = pair(MODELS[2], &["a7_ff"]);
    works(&mut pair)?;
    let before = pair.events().len();
    pair.poke("arm stay 2 3")?;
    pair.run_for(Duration::from_secs(120))?;
    let told: Vec<_> = pair.events()[before..]
        .iter()
        .filter_map(|(_, event)| match event {
            DriverEvent::Happened(event) => Some((event.kind, event.partition.map(Partition::number))),
            _ => None,
        })
        .filter(|(kind, _)| matches!(kind, K::Armed | K::ExitDelay | K::Closing))
        .collect();
    // Who it was comes out of the log.
    assert_eq!(told, [(K::ExitDelay, Some(2)), (K::Closing, Some(2)), (K::Armed, Some(2))]);
    Ok(())
}

#[test]
fn unknown_frames_are_counted_and_each_type_told_once() -> Result<(), Failure> {
    let mut pair = powermax(&["unknown_frames"]);
    works(&mut pair)?;
    pair.run_for(Duration::from_secs(600))?;
    let counters = pair.session().map(VisonicSession::counters).unwrap_or_default();
    pair.check(counters.unknown > 0, &format!("counted: {counters:?}"))?;
    let told: Vec<_> =
        pair.panel_events().filter(|e| e.kind == K::UnknownMessage).filter_map(|e| e.text.clone()).collect();
    let distinct: BTreeSet<_> = told.iter().cloned().collect();
    assert_eq!(told.len(), distinct.len(), "{told:?}");
    Ok(())
}

#[test]
fn a_dead_panel_and_a_wrong_speed_are_told_apart() -> Result<(), Failure> {
    let mut mute = powermax(&["mute"]);
    mute.run_until(Duration::from_secs(60), |pair| !pair.ends().is_empty())?;
    let end = mute.ends()[0].1.clone();
    assert!(matches!(&end, DriverError::Unresponsive(text) if text.contains("cable")), "{end:?}");
    assert_eq!(end.retry(), Retry::Backoff);
    let mut garbled = powermax(&["garbled"]);
    garbled.run_until(Duration::from_secs(60), |pair| !pair.ends().is_empty())?;
    let end = garbled.ends()[0].1.clone();
    let text = end.to_string();
    assert!(text.contains("baud") || text.contains("cable"), "{end:?}");
    Ok(())
}

#[test]
fn a_second_host_on_the_port_is_told_and_lived_with() -> Result<(), Failure> {
    let mut pair = powermax(&["second_host"]);
    pair.settle()?;
    pair.run_for(Duration::from_secs(600))?;
    pair.check(pair.ends().is_empty(), "the connection lasts")?;
    let told: Vec<_> = pair.panel_events().filter(|e| e.kind == K::PanelNeedsInstaller).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    pair.check(told[0].text.as_ref().is_some_and(|text| text.contains("same port")), "it is said what to do")?;
    let one = Partition::new(1).expect("in range");
    let disarm = Command::Disarm { partition: one, code: AccessCode::new("1111".into()) };
    let outcome = pair.ask(disarm)?;
    let passing = matches!(&outcome, Outcome::Failed(error) if error.retry);
    let said = outcome == Outcome::Applied(Evidence::ReadBack) || passing;
    pair.check(said, &format!("a denial for the other host is not blamed on the code: {outcome:?}"))?;
    pair.poke("fault second_host off")?;
    pair.run_for(Duration::from_secs(10))?;
    assert_eq!(pair.ask(Command::Refresh(Section::Users))?, Outcome::Applied(Evidence::ReadBack));
    Ok(())
}

#[test]
fn a_state_that_cannot_be_told_apart_from_a_wrong_reading_is_left_alone() -> Result<(), Failure> {
    let mut one = pair(MODELS[1], &["state_form short"]);
    works(&mut one).map_err(|failure| failure.when("one partition, which A5 tells as well"))?;
    let mut three = pair(MODELS[2], &["state_form short"]);
    three.run_until(Duration::from_secs(120), |pair| !pair.ends().is_empty())?;
    let end = three.ends()[0].1.clone();
    three.check(matches!(&end, DriverError::Unresponsive(text) if text.contains("its state")), &format!("{end:?}"))?;
    three.check(!three.is_online(), "three partitions of which nothing is known are not told")
}

#[test]
fn a_reboot_of_the_panel_is_lived_through() -> Result<(), Failure> {
    let mut pair = powermax(&[]);
    works(&mut pair)?;
    pair.poke("reboot")?;
    pair.run_for(Duration::from_secs(300))?;
    let outcome = pair.ask(Command::Refresh(Section::State))?;
    pair.check(outcome == Outcome::Applied(Evidence::ReadBack), "the state is told again")
}

#[test]
fn with_nothing_in_the_start_the_factory_codes_are_tried() -> Result<(), Failure> {
    for model in MODELS {
        let mut pair = pair(model, &[]).with_start(DriverStart::default());
        pair.settle()?;
        pair.run_until(Duration::from_secs(120), |pair| !slots_told(pair).is_empty())?;
    }
    Ok(())
}

#[test]
fn a_denied_command_fails_once_and_the_next_one_works() -> Result<(), Failure> {
    let one = Partition::new(1).expect("in range");
    let code = AccessCode::new("1111".into());
    let time = CivilTime { year: 2031, month: 2, day: 3, hour: 4, minute: 5, second: 6 };
    let zone = Zone::new(2).expect("in range");
    let commands = [
        ("arm", Command::Arm { partition: one, mode: ArmMode::Stay, code: Some(code.clone()) }),
        ("arm", Command::Disarm { partition: one, code }),
        ("bypass", Command::Bypass { zone, bypassed: true }),
        ("output", Command::Output { partition: one, output: 1 }),
        ("set_clock", Command::SetClock(time)),
    ];
    let mut pair = powermax(&[]);
    works(&mut pair)?;
    for (step, command) in commands {
        pair.poke(&format!("fault deny {step} 1"))?;
        let outcome = pair.ask(command.clone())?;
        pair.check(matches!(outcome, Outcome::Failed(_)), &format!("{step} was denied: {outcome:?}"))?;
        pair.run_for(Duration::from_secs(10))?;
        let outcome = pair.ask(command)?;
        pair.check(matches!(outcome, Outcome::Applied(_)), &format!("{step} is not denied any more: {outcome:?}"))?;
    }
    pair.check(pair.ends().is_empty(), "it took one connection")
}
