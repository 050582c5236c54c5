//! The one programming slot: lead-in and lead-out, who keeps whom out, lockout, and how it is lost.

use driver_neor::message::{
    Command, Digits, Lead, Message, Notice, Programming, ProgrammingAccess, ProgrammingLead, UserField, Via,
};

use crate::bench::{Bench, hs2016, ms, seconds, set};

const INSTALLER: Programming = Programming::Installer;
const USERS: Programming = Programming::AccessCodes;
const READS: ProgrammingAccess = ProgrammingAccess::ReadOnly;
const WRITES: ProgrammingAccess = ProgrammingAccess::ReadWrite;

fn leads(notices: &[Notice]) -> Vec<(Lead, Via, u8)> {
    let lead = |notice: &Notice| match notice {
        Notice::ProgrammingLead(ProgrammingLead { lead, via, mode, .. }) => Some((*lead, *via, *mode)),
        _ => None,
    };
    notices.iter().filter_map(lead).collect()
}

fn read_one() -> Command {
    Command::ReadUsers { field: UserField::Codes, first: 1, count: 1 }
}

#[test]
fn the_lead_in_comes_300_ms_after_the_answer_and_nothing_is_answered_before() {
    let mut bench = Bench::online(&hs2016());
    let begun = bench.now;
    assert_eq!(bench.try_enter(USERS, "1234", READS), 0);
    assert_eq!(bench.read(read_one()), Err(16));
    assert!(bench.now - begun < ms(300));
    let notices = bench.notices_within(ms(300));
    assert_eq!(leads(&notices), [(Lead::In, Via::Interactive, 1)]);
    assert!(bench.read(read_one()).is_ok());
    assert_eq!(bench.leave(), 0);
    assert_eq!(leads(&bench.notices_within(seconds(1))), [(Lead::Out, Via::Interactive, 1)]);
}

#[test]
fn a_lead_in_may_stay_away() {
    let mut bench = Bench::online(&set(hs2016(), "lead_in=off"));
    assert_eq!(bench.try_enter(USERS, "1234", READS), 0);
    assert_eq!(bench.notices_within(seconds(1)), []);
    assert!(bench.read(read_one()).is_ok());
}

#[test]
fn entering_is_refused_with_the_reason() {
    let mut bench = Bench::online(&hs2016());
    assert_eq!(bench.try_enter(INSTALLER, "", READS), 18);
    assert_eq!(bench.try_enter(INSTALLER, "1234", READS), 17, "the master is no installer");
    assert_eq!(bench.try_enter(USERS, "5555", READS), 17, "the installer is no master");
    assert_eq!(bench.try_enter(Programming::Other(9), "1234", READS), 2);
    let elsewhere = Command::EnterProgramming {
        partition: Some(7),
        mode: USERS,
        code: Digits::parse("1234").expect("digits"),
        access: READS,
    };
    assert_eq!(bench.respond(elsewhere), 20);
    bench.does("arm away");
    assert_eq!(bench.try_enter(INSTALLER, "5555", READS), 19, "armed");
    bench.does("disarm");
    bench.enter(INSTALLER, "5555", READS);
    assert_eq!(bench.try_enter(USERS, "1234", READS), 19, "one at a time");
    let mut bench = Bench::online(&set(hs2016(), "installer_blocked=on"));
    assert_eq!(bench.try_enter(INSTALLER, "5555", READS), 16, "the master has not permitted it");
    bench.does("fault busy 30");
    assert_eq!(bench.try_enter(USERS, "1234", READS), 19);
    bench.say(&Message::Notice(Notice::Poll));
    bench.wait(seconds(31));
    bench.enter(USERS, "1234", READS);
}

#[test]
fn six_wrong_codes_lock_every_code_from_afar_out() {
    for (knob, answer) in [("17", 17), ("19", 19)] {
        let mut bench = Bench::online(&set(set(hs2016(), &format!("lockout_answer={knob}")), "remote_minutes=30"));
        for _ in 0..5 {
            assert_eq!(bench.try_enter(INSTALLER, "0000", READS), 17);
        }
        let arm = |code: &str| Command::Arm {
            partition: Some(1),
            mode: driver_neor::message::ArmingMode::Away,
            code: Digits::parse(code),
        };
        assert_eq!(bench.respond(arm("0000")), 17, "commands count too");
        assert_eq!(bench.count("lockout"), 1);
        assert_eq!(bench.try_enter(INSTALLER, "5555", READS), answer, "also the right one");
        assert_eq!(bench.respond(arm("1234")), answer);
        assert_eq!(bench.poke("enter 1234"), Ok(()), "keypads are not locked");
        bench.does("enter 1234");
        poll_for(&mut bench, 31 * 60);
        assert_eq!(bench.count("lockout_over"), 1);
        bench.enter(INSTALLER, "5555", READS);
    }
}

/// Time passes in a session that is kept up.
fn poll_for(bench: &mut Bench, time: u64) {
    for _ in 0..time.div_ceil(60) {
        bench.say(&Message::Notice(Notice::Poll));
        bench.wait(seconds(60));
    }
}

#[test]
fn wrong_codes_are_forgotten_after_an_hour_or_with_a_right_one() {
    let mut bench = Bench::online(&hs2016());
    for _ in 0..5 {
        assert_eq!(bench.try_enter(USERS, "0000", READS), 17);
    }
    poll_for(&mut bench, 3660);
    for _ in 0..5 {
        assert_eq!(bench.try_enter(USERS, "0000", READS), 17);
    }
    bench.enter(USERS, "1234", READS);
    assert_eq!(bench.leave(), 0);
    for _ in 0..5 {
        assert_eq!(bench.try_enter(USERS, "0000", READS), 17);
    }
    assert_eq!(bench.count("lockout"), 0);
    bench.does("fault lockout");
    assert_eq!(bench.try_enter(USERS, "1234", READS), 17);
}

#[test]
fn somebody_at_a_keypad_keeps_us_out_and_tells_when_done() {
    for (words, via, mode) in
        [("edit 2 code 2580", Via::Keypad, 1), ("fault keypad_programming", Via::Keypad, 0), ("fault dls", Via::Dls, 0)]
    {
        let mut bench = Bench::online(&hs2016());
        bench.does(words);
        assert_eq!(bench.try_enter(USERS, "1234", READS), 19, "{words}");
        assert_eq!(bench.leave(), 1, "it is not ours to end");
        bench.forget();
        let notices = bench.notices_within(seconds(11));
        assert_eq!(leads(&notices), [(Lead::Out, via, mode)], "{words}");
        bench.enter(USERS, "1234", READS);
        assert!(bench.poke(words).is_err(), "and we keep them out");
        assert!(bench.poke("enter 1234").is_err());
    }
}

#[test]
fn whoever_asks_nothing_for_too_long_is_put_out() {
    let mut bench = Bench::online(&set(hs2016(), "programming_seconds=40"));
    bench.enter(USERS, "1234", READS);
    bench.wait(seconds(35));
    assert!(bench.read(read_one()).is_ok());
    bench.wait(seconds(35));
    assert!(bench.read(read_one()).is_ok(), "each command counts anew");
    assert_eq!(leads(&bench.notices_within(seconds(41))), [(Lead::Out, Via::Interactive, 1)]);
    assert_eq!(bench.read(read_one()), Err(16));
    bench.enter(USERS, "1234", READS);
    bench.does("fault lead_out");
    assert_eq!(leads(&bench.notices_within(seconds(1))), [(Lead::Out, Via::Interactive, 1)]);
    assert_eq!(bench.read(read_one()), Err(16));
}

#[test]
fn a_broken_connection_ends_the_mode_and_the_lead_out_is_replayed() {
    let mut bench = Bench::online(&hs2016());
    bench.enter(USERS, "1234", WRITES);
    bench.does("drop 3");
    assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(3)));
    assert!(bench.sim_state("programming").is_null());
    bench.disconnect();
    bench.connect();
    bench.handshake();
    assert_eq!(leads(&bench.notices_within(seconds(1))), [(Lead::Out, Via::Interactive, 1)]);
    assert_eq!(bench.read(read_one()), Err(16));
}

#[test]
fn a_reboot_in_programming_ends_the_mode_without_a_word() {
    let mut bench = Bench::online(&hs2016());
    bench.enter(INSTALLER, "5555", WRITES);
    bench.does("reboot");
    assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(20)));
    bench.disconnect();
    bench.connect();
    bench.handshake();
    assert_eq!(bench.notices_within(seconds(1)), []);
    bench.enter(INSTALLER, "5555", READS);
    assert_eq!(bench.count("rebooted"), 1);
}

#[test]
fn bypassing_needs_its_own_mode_and_a_user_who_may() {
    let mut config = hs2016();
    config.user_codes.insert(2, panel_model::AccessCode::new("2580".into()));
    let mut bench = Bench::online(&config);
    let bypass = |zone, bypassed| Command::WriteZoneBypass { partition: Some(1), zone, bypassed };
    assert_eq!(bench.respond(bypass(5, true)), 16);
    bench.enter(Programming::Bypass, "2580", WRITES);
    assert_eq!(bench.respond(bypass(5, true)), 0);
    let told = Notice::ZoneBypass { zone: 5, bypassed: true };
    assert_eq!(bench.notices_within(seconds(1))[0], told);
    assert_eq!(bench.respond(bypass(12, true)), 20, "in no partition");
    assert_eq!(bench.respond(bypass(99, true)), 1);
    assert_eq!(bench.leave(), 0);
    bench.does("open 5");
    assert_eq!(bench.partition_state(), "ready", "left out");
}
