//! Others at the keypads: second persons, wrong codes, lockout, pokes that cannot be.

use driver_dsc::sim::{Model, SimConfig};
use panel_driver::sim::{Poke, Simulator};
use panel_model::{ArmMode, LockId};

use crate::bench::{Bench, codes, evl, ms, partition, seconds, slot, zone};

#[test]
fn somebody_programs_a_user_and_the_partition_is_busy_meanwhile() {
    let mut bench = Bench::new(&evl());
    bench.edit(7, "code 4821").expect("done");
    bench.expect(&["673 1"]);
    let begun = bench.now;
    for (command, answer) in [("0301", "502 018"), ("0721", "502 018"), ("02011", "502 018")] {
        bench.command(command);
        bench.expect(&[answer]);
    }
    bench.expect(&["650 1"]);
    assert!((seconds(4)..seconds(10)).contains(&(bench.now - begun)), "{:?}", bench.now - begun);
    assert_eq!(bench.user_code(7).as_deref(), Some("4821"));
    assert!(bench.events.iter().any(|e| e["event"] == "code_set" && e["slot"] == 7 && e["by"] == "person"));
    bench.wait(seconds(10));
    bench.command("03314821");
    bench.expect(&["500 033", "656 1", "652 10", "700 10007"]);
}

#[test]
fn somebody_edits_partitions_attributes_and_deletes() {
    let mut bench = Bench::new(&SimConfig { partitions: 2, user_codes: codes(&[(3, "2468")]), ..evl() });
    bench.edit(3, "partitions 2").expect("done");
    bench.wait(seconds(20));
    bench.edit(3, "attributes 1,8").expect("done");
    bench.wait(seconds(20));
    let user = bench.user(3).expect("there");
    assert_eq!(user["partitions"], serde_json::json!([2]));
    assert_eq!(user["attributes"], serde_json::json!([1, 8]));
    bench.edit(3, "delete").expect("done");
    bench.wait(seconds(20));
    assert_eq!(bench.user(3), None);
    assert_eq!(bench.count("code_deleted"), 1);
}

#[test]
fn what_the_panel_refuses_a_person_is_left_cleanly() {
    let mut bench = Bench::new(&SimConfig { user_codes: codes(&[(3, "2468")]), ..evl() });
    bench.edit(4, "code 2468").expect("typed");
    bench.wait(seconds(20));
    assert_eq!((bench.user(4), bench.bus().as_str()), (None, "01"));
    assert_eq!(bench.count("code_rejected"), 1);
}

#[test]
fn keys_of_the_module_are_not_taken_while_somebody_is_in_a_menu() {
    let mut bench = Bench::new(&evl());
    bench.edit(7, "code 4821").expect("done");
    bench.command("07110#");
    bench.wait(seconds(20));
    assert_eq!(bench.user_code(7).as_deref(), Some("4821"), "nothing got between");
}

#[test]
fn a_person_is_kept_out_of_a_menu_that_the_module_is_in() {
    let mut bench = Bench::new(&evl());
    bench.command("0721");
    bench.expect(&["500 072", "921"]);
    for refused in [bench.edit(7, "code 4821"), bench.enter("1234"), bench.arm_by(Some(40))] {
        assert!(refused.expect_err("busy").0.contains("busy"));
    }
}

#[test]
fn edits_that_cannot_be_typed_say_why() {
    let mut bench = Bench::new(&evl());
    for (n, words, part) in [
        (49, "code 4821", "1 to 48"),
        (7, "code 48213", "4 digits"),
        (7, "code 48a1", "4 digits"),
        (7, "partitions 1,2", "in use: 1"),
        (7, "partitions x", "such as"),
        (7, "partitions 1", "no code"),
        (7, "attributes 5", "menu 99"),
        (7, "rename Bob", "edit SLOT"),
        (7, "", "edit SLOT"),
    ] {
        let error = bench.edit(n, words).expect_err(words).0;
        assert!(error.contains(part), "`{words}`: {error}");
    }
    bench.arm_by(None).expect("armed");
    assert!(bench.edit(7, "code 4821").expect_err("armed").0.contains("armed"));
}

#[test]
fn codes_typed_at_the_keypad_arm_and_disarm() {
    let mut bench = Bench::new(&SimConfig { user_codes: codes(&[(3, "2468")]), ..evl() });
    bench.enter("2468").expect("typed");
    bench.expect(&["656 1", "652 10", "700 10003"]);
    bench.enter("2468").expect("typed");
    let told = bench.within(ms(10));
    assert!(told.contains(&"750 10003".to_owned()) && told.contains(&"655 1".to_owned()), "{told:?}");
    bench.open(1);
    bench.forget();
    bench.enter("2468").expect("typed");
    assert_eq!(bench.within(ms(10)), ["672 1"], "it cannot be armed with a door open");
    assert!(bench.enter("24680").is_err());
}

#[test]
fn arming_by_slot_or_by_key_switch() {
    let mut bench = Bench::new(&SimConfig { user_codes: codes(&[(3, "2468")]), ..evl() });
    bench.poke(Poke::Arm { mode: ArmMode::Stay, partition: partition(1), slot: Some(slot(3)) }).expect("armed");
    bench.expect(&["656 1", "652 11", "700 10003"]);
    bench.poke(Poke::Disarm { partition: partition(1), slot: None }).expect("disarmed");
    assert!(bench.within(ms(10)).contains(&"751 1".to_owned()));
    bench.poke(Poke::Arm { mode: ArmMode::Night, partition: partition(1), slot: None }).expect("armed");
    bench.expect(&["656 1", "652 13", "701 1"]);
    assert!(bench.poke(Poke::Arm { mode: ArmMode::Away, partition: partition(1), slot: Some(slot(9)) }).is_err());
    assert!(bench.poke(Poke::Disarm { partition: partition(2), slot: None }).is_err());
    assert!(bench.poke(Poke::Disarm { partition: partition(1), slot: Some(slot(9)) }).is_err());
}

#[test]
fn too_many_wrong_codes_lock_every_keypad_for_the_programmed_time() {
    let mut config = SimConfig { partitions: 2, ..evl() };
    (config.options.lockout_attempts, config.options.lockout_minutes) = (3, 5);
    let mut bench = Bench::new(&config);
    bench.enter("0000").expect("typed");
    bench.command("03320001");
    bench.expect(&["670 1", "500 033", "670 2"]);
    bench.wait(seconds(5));
    bench.enter("0002").expect("typed");
    bench.expect(&["670 1", "658 1", "658 2"]);
    assert_eq!(bench.bus(), "10");
    for command in ["0301", "03311234", "04011234", "0711*5", "0721", "2001234"] {
        bench.command(command);
        bench.expect(&["502 016"]);
    }
    assert!(bench.enter("1234").is_err());
    bench.command("000");
    bench.expect(&["500 000"]);
    let told = bench.within(seconds(300));
    assert_eq!(told, ["650 1", "650 2"]);
    bench.command("03311234");
    bench.expect(&["500 033", "656 1"]);
}

#[test]
fn a_right_code_or_a_new_hour_begins_the_count_anew() {
    let mut config = evl();
    (config.options.lockout_attempts, config.options.lockout_minutes) = (3, 5);
    let mut bench = Bench::new(&config);
    for _ in 0..4 {
        for code in ["0000", "0001", "1234", "1234"] {
            bench.enter(code).expect("typed");
        }
    }
    assert_eq!(bench.count("keypad_lockout"), 0);
    bench.enter("0000").expect("typed");
    bench.enter("0001").expect("typed");
    bench.wait(seconds(3600));
    bench.enter("0002").expect("typed");
    assert_eq!(bench.count("keypad_lockout"), 0);
}

#[test]
fn wrong_installer_codes_count_as_well() {
    let mut config = evl();
    (config.options.lockout_attempts, config.options.lockout_minutes) = (2, 1);
    let mut bench = Bench::new(&config);
    bench.command("0711*8");
    bench.expect(&["500 071", "922"]);
    bench.command("2000000");
    bench.expect(&["500 200", "670 1", "922"]);
    bench.command("2000001");
    bench.expect(&["500 200", "670 1", "658 1"]);
}

#[test]
fn without_a_limit_nothing_ever_locks() {
    let mut bench = Bench::new(&evl());
    for _ in 0..300 {
        bench.enter("0000").expect("typed");
    }
    assert_eq!((bench.count("wrong_code"), bench.count("keypad_lockout")), (300, 0));
}

#[test]
fn pokes_that_this_panel_has_no_use_for_say_why() {
    let mut bench = Bench::new(&evl());
    for poke in [
        Poke::Lock { lock: LockId::new(1).expect("a lock"), locked: true },
        Poke::Tag { slot: slot(1), partition: partition(1) },
        Poke::Open(zone(9)),
        Poke::Battery { low: true, zone: Some(zone(9)) },
        Poke::Fault(vec!["gremlins".into()]),
        Poke::Fault(vec!["zone_fault".into(), "64".into()]),
    ] {
        let error = bench.poke(poke.clone()).expect_err("no such thing").0;
        assert!(error.len() > 10, "{poke:?}: {error}");
    }
}

#[test]
fn users_are_filled_in_by_seed() {
    let config = SimConfig { users: 94, model: Model::Pc1864, zones: 64, partitions: 8, seed: 5, ..evl() };
    let users = Bench::idle(&config).sim.users();
    assert_eq!(users.as_array().map(Vec::len), Some(95));
    assert_eq!(users, Bench::idle(&config).sim.users(), "one seed, one panel");
    assert_ne!(users, Bench::idle(&SimConfig { seed: 6, ..config }).sim.users());
}

#[test]
fn panels_that_cannot_be_are_refused() {
    for (config, part) in [
        (SimConfig { code_length: 5, ..evl() }, "5 digits"),
        (SimConfig { partitions: 3, ..evl() }, "1 to 2"),
        (SimConfig { zones: 17, ..evl() }, "1 to 16"),
        (SimConfig { users: 48, ..evl() }, "at most 47"),
        (SimConfig { user_codes: codes(&[(40, "2468")]), ..evl() }, "not 40"),
        (SimConfig { user_codes: codes(&[(3, "246")]), ..evl() }, "4 digits"),
        (SimConfig { user_codes: codes(&[(3, "2468"), (4, "2468")]), ..evl() }, "same code"),
        (SimConfig { user_codes: codes(&[(3, "1234")]), ..evl() }, "same code"),
    ] {
        let error = driver_dsc::sim::DscSimulator::new(config).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn nothing_that_is_printed_for_debugging_shows_a_code() {
    let config = SimConfig { user_codes: codes(&[(3, "739182")]), code_length: 6, ..evl() };
    let bench = Bench::new(&config);
    assert!(!format!("{:?}{config:?}", bench.sim).contains("739182"));
}
