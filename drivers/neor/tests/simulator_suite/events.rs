//! What zones do, and what of it is told.

use driver_neor::message::{
    ArmingMode, Delay, Flag, Message, Notice, PartitionForm, PartitionStatus, Wanted, delay_flag,
};
use driver_neor::sim::SimConfig;

use crate::bench::{Bench, hs2016, seconds, set};

/// No exit delay, so that arming is at once.
fn prompt() -> SimConfig {
    set(hs2016(), "exit_seconds=0")
}

fn armed(words: &str) -> Bench {
    let mut bench = Bench::online(&prompt());
    bench.does(words);
    assert_eq!(bench.partition_state(), "armed");
    bench.wait(seconds(1));
    bench.forget();
    bench
}

fn status(bench: &mut Bench) -> PartitionStatus {
    bench.wait(seconds(1));
    bench.forget();
    let Ok(Notice::PartitionStatus(report)) = bench.ask(Wanted::PartitionStatus(vec![1])) else { panic!("no status") };
    report.by_partition(PartitionForm::Mask).expect("fits")[0].1.clone()
}

fn is_alarm(notice: &Notice, state: u8) -> bool {
    matches!(notice, Notice::ZoneAlarms { alarms, .. } if alarms[0].state == state)
}

#[test]
fn a_delay_zone_gives_time_to_disarm() {
    let mut bench = armed("arm away");
    bench.does("open 1");
    let notices = bench.notices_within(seconds(1));
    let entry = Notice::Delay {
        delay: Delay::Entry,
        partition: Some(1),
        flags: delay_flag::ACTIVE | delay_flag::AUDIBLE,
        seconds: 30,
    };
    assert_eq!(notices[1], entry);
    bench.does("open 3");
    assert_eq!(bench.partition_state(), "entry_delay", "an interior zone follows the way");
    assert!(status(&mut bench).has(PartitionStatus::ENTRY_DELAY));
    bench.does("enter 1234");
    assert_eq!(bench.partition_state(), "not_ready");
    assert_eq!(bench.count("zone_alarm"), 0);
}

#[test]
fn the_entry_delay_runs_out_into_an_alarm() {
    let mut bench = armed("arm away");
    bench.does("open 1");
    bench.wait(seconds(29));
    assert_eq!(bench.partition_state(), "entry_delay");
    bench.wait(seconds(2));
    assert_eq!(bench.partition_state(), "alarm");
    let status = status(&mut bench);
    assert!(status.has(PartitionStatus::IN_ALARM) && status.has(PartitionStatus::BELL));
    assert!(status.has(PartitionStatus::AWAY) && !status.has(PartitionStatus::ENTRY_DELAY));
}

#[test]
fn the_bell_stops_by_itself_and_the_memory_stays() {
    let mut bench = armed("arm away");
    bench.does("open 2");
    let mut notices = Vec::new();
    for _ in 0..5 {
        bench.say(&Message::Notice(Notice::Poll));
        notices.extend(bench.notices_within(seconds(60)));
    }
    let bells: Vec<u8> = notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Bell { state, .. } => Some(*state),
            _ => None,
        })
        .collect();
    assert_eq!(bells, [1, 0]);
    let status = status(&mut bench);
    assert!(!status.has(PartitionStatus::IN_ALARM) && !status.has(PartitionStatus::BELL));
    assert!(status.has(PartitionStatus::ALARM_MEMORY) && status.has(PartitionStatus::ARMED));
    bench.does("close 2");
    bench.does("disarm");
    bench.does("arm away");
    assert_eq!(bench.sim_state("partitions")[0]["memory"], false, "arming clears it");
}

#[test]
fn the_zone_of_an_alarm_is_restored_when_it_closes() {
    let mut bench = armed("arm away");
    bench.does("open 2");
    assert!(bench.notices_within(seconds(1)).iter().any(|notice| is_alarm(notice, 1)));
    let Ok(Notice::ZoneAlarms { alarms, .. }) = bench.ask(Wanted::ZoneAlarms { partition: Some(1), count: 0 }) else {
        panic!("none")
    };
    assert_eq!((alarms[0].zone, alarms[0].state), (2, 1));
    bench.does("close 2");
    assert!(bench.notices_within(seconds(1)).iter().any(|notice| is_alarm(notice, 0)));
    assert_eq!(bench.partition_state(), "alarm", "the alarm is not over");
    assert_eq!(bench.ask(Wanted::ZoneAlarms { partition: Some(1), count: 0 }), Err(27));
}

#[test]
fn a_zone_round_the_clock_alarms_a_disarmed_partition() {
    let mut bench = Bench::online(&hs2016());
    bench.does("open 8");
    let status = status(&mut bench);
    assert!(status.has(PartitionStatus::IN_ALARM) && !status.has(PartitionStatus::ARMED));
    assert!(status.has(PartitionStatus::FIRE));
    bench.does("close 8");
    bench.does("enter 1234");
    assert_eq!(bench.partition_state(), "ready");
}

#[test]
fn staying_leaves_the_interior_out() {
    let mut bench = armed("arm stay");
    bench.does("trip 3");
    bench.wait(seconds(3));
    assert_eq!(bench.count("zone_alarm"), 0);
    bench.does("open 2");
    assert_eq!(bench.count("zone_alarm"), 1);
    let mut bench = armed("arm night");
    let status = status(&mut bench);
    assert!(status.has(PartitionStatus::ARMED) && status.has(PartitionStatus::NIGHT));
}

#[test]
fn bypassed_zones_are_left_out_until_disarmed() {
    let mut bench = Bench::online(&prompt());
    bench.does("open 2");
    bench.does("fault bypass_at_keypad 2");
    bench.does("arm away");
    let notices = bench.notices_within(seconds(1));
    assert!(notices.contains(&Notice::ZoneBypass { zone: 2, bypassed: true }), "{notices:?}");
    assert!(notices.contains(&Notice::Flag { flag: Flag::Bypass, partition: Some(1), value: 1 }));
    assert!(status(&mut bench).has(PartitionStatus::ZONES_BYPASSED));
    bench.does("disarm");
    let notices = bench.notices_within(seconds(1));
    assert!(notices.contains(&Notice::ZoneBypass { zone: 2, bypassed: false }));
    assert_eq!(bench.partition_state(), "not_ready");
}

#[test]
fn zones_that_may_be_forced_leave_the_partition_ready_to_force() {
    let mut bench = Bench::online(&prompt());
    bench.enter(
        driver_neor::message::Programming::Installer,
        "5555",
        driver_neor::message::ProgrammingAccess::ReadWrite,
    );
    let address = driver_neor::message::SectionAddress::new(2, &[2]);
    assert_eq!(bench.respond(driver_neor::message::Command::WriteSection(address, vec![0x1D, 2].into())), 0);
    assert_eq!(bench.leave(), 0);
    bench.wait(seconds(1));
    bench.forget();
    bench.does("open 2");
    let notices = bench.notices_within(seconds(1));
    assert_eq!(notices[1], Notice::Ready { partition: Some(1), ready: 2 });
    bench.does("arm away");
    assert_eq!(bench.partition_state(), "alarm", "forced, and then the open zone counts");
}

#[test]
fn the_panic_keys_are_told_in_a_message_that_nobody_has_decoded() {
    for (key, rings) in [("fire", true), ("medical", false), ("police", false)] {
        let mut bench = Bench::online(&hs2016());
        bench.does(&format!("panic {key}"));
        let notices = bench.notices_within(seconds(1));
        assert!(matches!(notices[0], Notice::Unknown { command: 0x0841, .. }), "{notices:?}");
        assert_eq!(bench.partition_state() == "alarm", rings, "{key}");
    }
}

#[test]
fn what_happens_offline_is_told_first_in_the_next_session() {
    let mut bench = Bench::online(&hs2016());
    bench.does("drop 60");
    bench.disconnect();
    bench.does("open 1");
    bench.does("close 1");
    bench.does("ac off");
    assert!(bench.events.iter().all(|event| event["event"] != "zone_opened" || event["sent"] == false));
    bench.wait(seconds(60));
    bench.connect();
    bench.handshake();
    // Asked at once, answered after the replay.
    bench.acknowledges = true;
    let asked = bench.command(driver_neor::message::Command::Request(Wanted::Plain(0x0236)));
    assert!(asked > 0);
    let told: Vec<u16> = bench.messages_within(seconds(2)).iter().map(Message::number).collect();
    // Zone, readiness, zone, readiness, trouble, its flag; then the answer.
    assert_eq!(told, [0x0210, 0x0239, 0x0210, 0x0239, 0x0823, 0x023F, 0x0236]);
}

#[test]
fn more_than_can_be_kept_is_told_as_lost() {
    let mut bench = Bench::idle(&hs2016());
    for _ in 0..200 {
        bench.does("open 1");
        bench.does("close 1");
    }
    assert_eq!(bench.sim_state("queued"), 512);
    bench.connect();
    bench.handshake();
    let notices = bench.notices_within(seconds(5));
    assert!(matches!(notices[0], Notice::BufferOverload(_)));
    assert_eq!(notices.len(), 513);
}

#[test]
fn arming_from_afar_is_answered_and_told() {
    let mut bench = Bench::online(&set(prompt(), "quick_arm=on"));
    let arm = |mode, code: &str| driver_neor::message::Command::Arm {
        partition: Some(1),
        mode,
        code: (!code.is_empty()).then(|| crate::bench::code(code)),
    };
    assert_eq!(bench.respond(arm(ArmingMode::Stay, "1234")), 0);
    let told = Notice::Arming { partition: Some(1), mode: ArmingMode::Stay, method: 1, user: Some(1) };
    assert!(bench.notices_within(seconds(1)).contains(&told));
    let disarm =
        |code| driver_neor::message::Command::Disarm { partition: Some(1), code: Some(crate::bench::code(code)) };
    assert_eq!(bench.respond(disarm("0000")), 17);
    assert_eq!(bench.respond(disarm("1234")), 0);
    let told = Notice::Arming { partition: Some(1), mode: ArmingMode::Disarm, method: 1, user: Some(1) };
    assert!(bench.notices_within(seconds(1)).contains(&told));
    assert_eq!(bench.respond(arm(ArmingMode::Away, "")), 0, "quick arming");
    let told = Notice::Arming { partition: Some(1), mode: ArmingMode::Away, method: 2, user: Some(0) };
    assert!(bench.notices_within(seconds(1)).contains(&told));
    assert_eq!(bench.respond(disarm("1234")), 0);
    bench.does("open 2");
    assert_eq!(bench.respond(arm(ArmingMode::Away, "1234")), 4, "not ready");
    assert_eq!(bench.respond(arm(ArmingMode::User, "1234")), 23);
    let mut bench = Bench::online(&prompt());
    assert_eq!(bench.respond(arm(ArmingMode::Away, "")), 18, "no quick arming");
}

#[test]
fn arming_the_whole_system_takes_what_the_code_may() {
    let mut config = SimConfig { partitions: 2, ..prompt() };
    config.user_codes.insert(2, panel_model::AccessCode::new("2580".into()));
    let mut bench = Bench::online(&config);
    let all = |code| driver_neor::message::Command::Arm { partition: None, mode: ArmingMode::Away, code: Some(code) };
    assert_eq!(bench.respond(all(crate::bench::code("1234"))), 0);
    assert_eq!(bench.sim_state("partitions")[1]["state"], "armed");
    let none = driver_neor::message::Command::Disarm { partition: None, code: Some(crate::bench::code("1234")) };
    assert_eq!(bench.respond(none), 0);
    bench.does("edit 2 partitions 1");
    bench.wait(seconds(11));
    bench.forget();
    assert_eq!(bench.respond(all(crate::bench::code("2580"))), 4, "not all of them");
    let states = bench.sim_state("partitions");
    assert_eq!([&states[0]["state"], &states[1]["state"]], ["armed", "ready"]);
}
