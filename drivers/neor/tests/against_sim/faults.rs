//! Bad input and faults that the driver's side has to live with, one by one.

use std::time::Duration;

use driver_neor::codec::Encryption;
use panel_driver::testkit::Failure;
use panel_driver::{Command, DriverError, Outcome, Section};

use crate::bench::*;

fn first_end(pair: &mut NeorPair) -> Result<DriverError, Failure> {
    pair.run_until(Duration::from_secs(120), |pair| !pair.ends().is_empty())?;
    Ok(pair.ends()[0].1.clone())
}

/// The fault is there from the start; then it goes away, and all is well.
fn recovers(fault: &str, expected: fn(&DriverError) -> bool) -> Result<(), Failure> {
    let mut pair = pair();
    pair.poke(&format!("fault {fault}"))?;
    let end = first_end(&mut pair).map_err(|f| f.when(fault))?;
    pair.check(expected(&end), &format!("{fault}: {end:?}"))?;
    pair.check(!pair.is_online(), "not online")?;
    pair.poke("fault none")?;
    pair.run_for(Duration::from_secs(400))?;
    pair.settle().map_err(|f| f.when(fault))?;
    pair.check(pair.is_online(), &format!("{fault}: online when it is gone"))?;
    read_back(&mut pair, set_code(5, CODES[0])).map_err(|f| f.when(fault))
}

#[test]
fn a_wrong_identifier_needs_a_person() -> Result<(), Failure> {
    recovers("wrong_id", |end| matches!(end, DriverError::Auth(text) if text.contains("identifier")))
}

#[test]
fn a_wrong_access_code_needs_a_person() -> Result<(), Failure> {
    recovers("wrong_code", |end| matches!(end, DriverError::Auth(text) if text.contains("code")))
}

#[test]
fn a_wrong_key_direction_is_found_out() -> Result<(), Failure> {
    recovers("swapped_keys", |end| !matches!(end, DriverError::Shutdown))
}

#[test]
fn a_panel_that_talks_in_clear_after_the_handshake_is_no_peer() -> Result<(), Failure> {
    recovers("plain", |end| !matches!(end, DriverError::Shutdown | DriverError::Link(_)))
}

#[test]
fn an_http_poller_is_told_what_to_program() -> Result<(), Failure> {
    recovers("http_absip", |end| matches!(end, DriverError::Protocol(text) if text.contains("[426]")))
}

#[test]
fn a_panel_that_stops_after_any_step_is_given_up_in_time() -> Result<(), Failure> {
    for step in 0..=11 {
        let mut pair = pair();
        pair.poke(&format!("fault stop_after {step}"))?;
        pair.run_until(Duration::from_secs(40), |pair| !pair.ends().is_empty())
            .map_err(|f| f.when(&format!("stopping after step {step}")))?;
        let end = pair.ends()[0].1.clone();
        let told = matches!(end, DriverError::Unresponsive(_) | DriverError::Auth(_) | DriverError::Link(_));
        pair.check(told, &format!("step {step}: {end:?}"))?;
        pair.poke("fault none")?;
        pair.run_for(Duration::from_secs(400))?;
        pair.settle()?;
        pair.check(pair.is_online(), &format!("step {step}: online afterwards"))?;
    }
    Ok(())
}

#[test]
fn another_encryption_than_configured_is_told_with_what_to_do() -> Result<(), Failure> {
    let mut panel = sim();
    panel.encryption = Encryption::Type1;
    let mut pair = pair_with(1, panel);
    let end = first_end(&mut pair)?;
    let told = matches!(&end, DriverError::Auth(text) if text.contains("encryption type 1") && text.contains("[425]"));
    pair.check(told, &format!("{end:?}"))
}

#[test]
fn type_3_alone_is_declined_and_told_plainly() -> Result<(), Failure> {
    let mut panel = sim();
    panel.encryption = Encryption::Unknown(3);
    let mut pair = pair_with(1, panel);
    let end = first_end(&mut pair)?;
    pair.check(matches!(&end, DriverError::Protocol(text) if text.contains("type 3")), &format!("{end:?}"))
}

#[test]
fn firmware_that_stalls_when_encryption_begins_is_named() -> Result<(), Failure> {
    let mut panel = sim();
    panel.set("open_session_trailer", "on").unwrap();
    panel.set("stall_after_first_encrypted", "16").unwrap();
    let mut pair = pair_with(1, panel);
    let end = first_end(&mut pair)?;
    pair.check(matches!(&end, DriverError::Auth(text) if text.contains("5.63")), &format!("{end:?}"))
}

#[test]
fn a_line_with_faults_is_worked_over() -> Result<(), Failure> {
    for fault in [
        "repeats",
        "replays_sequence 3",
        "bad_crc 6",
        "bad_stuffing 6",
        "bad_blocks 6",
        "noise",
        "slow_loris 5",
        "slow_answers 3000",
        "unknown",
        "forgets 1",
        "refuse 1 25",
        "long_frame",
    ] {
        let mut pair = online()?;
        pair.poke(&format!("fault {fault}"))?;
        for (n, code) in CODES.iter().enumerate().take(3) {
            pair.poke(&format!("open {}", n + 1))?;
            let outcome = pair.ask(set_code(5, code))?;
            let fine = matches!(outcome, Outcome::Applied(_) | Outcome::Failed(_) | Outcome::NotNow(_));
            pair.check(fine, &format!("{fault}: {outcome:?}"))?;
            pair.run_for(Duration::from_secs(20))?;
        }
        pair.poke("fault none")?;
        pair.run_for(Duration::from_secs(400))?;
        pair.settle().map_err(|f| f.when(fault))?;
        read_back(&mut pair, set_code(5, CODES[3])).map_err(|f| f.when(fault))?;
        read_back(&mut pair, Command::Refresh(Section::State)).map_err(|f| f.when(fault))?;
        agrees(&pair).map_err(|f| f.when(fault))?;
        pair.run_for(Duration::from_secs(5))?;
        pair.check(programming(&pair).is_null(), &format!("{fault}: programming is left"))?;
    }
    Ok(())
}

#[test]
fn an_identifier_that_changes_ends_the_session() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault changing_id")?;
    pair.poke("open 1")?;
    let end = first_end(&mut pair)?;
    pair.check(matches!(&end, DriverError::Protocol(_)), &format!("{end:?}"))
}

#[test]
fn a_flood_of_sessions_ends_in_one_that_works() -> Result<(), Failure> {
    let mut pair = pair();
    pair.poke("fault flood 30")?;
    pair.run_for(Duration::from_secs(1800))?;
    pair.settle()?;
    pair.check(pair.is_online(), "online")
}

#[test]
fn a_mute_panel_is_noticed_by_polling() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault mute")?;
    pair.run_until(Duration::from_secs(90), |pair| !pair.ends().is_empty())?;
    let end = pair.ends()[0].1.clone();
    pair.check(matches!(end, DriverError::Unresponsive(_) | DriverError::Link(_)), &format!("{end:?}"))
}

#[test]
fn a_reboot_in_programming_mode_leaves_a_usable_panel() -> Result<(), Failure> {
    for millis in [100, 400, 600, 800] {
        let mut pair = online()?;
        let id = pair.command(set_code(5, CODES[0]));
        pair.run_for(Duration::from_millis(millis))?;
        pair.poke("reboot")?;
        pair.run_for(Duration::from_secs(1))?;
        pair.check(pair.outcome(id).is_some(), "answered")?;
        pair.settle()?;
        read_back(&mut pair, set_code(5, CODES[1]))?;
    }
    Ok(())
}

#[test]
fn a_session_that_the_panel_ends_begins_again() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault end_session")?;
    let end = first_end(&mut pair)?;
    pair.check(matches!(end, DriverError::Link(_)), &format!("{end:?}"))?;
    pair.settle()?;
    pair.check(pair.is_online(), "online again")
}

#[test]
fn a_remote_lock_out_is_not_made_worse() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault lockout")?;
    let outcome = pair.ask(set_code(5, CODES[0]))?;
    pair.check(failed(&outcome).0 == "master_code_needed", &format!("{outcome:?}"))?;
    for _ in 0..20 {
        pair.ask(set_code(5, CODES[0]))?;
    }
    let enters = pair.wire().iter().filter(|(_, e)| e.masked.ends_with(b"access code programming")).count();
    pair.check(enters == 1, &format!("{enters} tries"))
}

#[test]
fn stopping_in_the_middle_leaves_no_open_mode_and_says_good_bye() -> Result<(), Failure> {
    for millis in [0, 50, 300, 400, 500, 700, 1000] {
        let mut pair = online()?;
        pair.command(set_code(5, CODES[0]));
        pair.run_for(Duration::from_millis(millis))?;
        let end = pair.shutdown()?;
        pair.check(end == DriverError::Shutdown, "it was asked to")?;
        pair.check(programming(&pair).is_null(), &format!("after {millis} ms: {}", programming(&pair)))?;
        let bye = pair.wire().iter().any(|(_, e)| e.masked.ends_with(b"060B end_session"));
        pair.check(bye, "EndSession was sent")?;
    }
    Ok(())
}
