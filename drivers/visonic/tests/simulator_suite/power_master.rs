//! B0: what PowerMasters answer, tell by themselves, and let themselves be told.

use std::collections::{BTreeMap, BTreeSet};

use driver_visonic::sim::{Model, PanelClock, SimConfig};
use panel_model::AccessCode;

use crate::bench::{Bench, hex, master, max, ms, quick, seconds};

/// The one answer to a list request.
fn ask(bench: &mut Bench, sub: &str) -> String {
    bench.wait(seconds(2));
    bench.forget();
    bench.send(&format!("B0 01 17 06 01 FF 08 FF 01 {sub} 43"));
    bench.expect(&["02 43"]);
    let mut answers = bench.all_within(seconds(1));
    assert_eq!(answers.len(), 1, "{answers:?}");
    answers.remove(0)
}

fn pm30() -> SimConfig {
    quick(Model::PowerMaster30)
}

#[test]
fn the_state_of_one_partition_is_as_captured() {
    let clock = PanelClock { year: 24, month: 7, day: 26, hour: 18, minute: 26, second: 44 };
    let mut bench = Bench::new(&SimConfig { clock, ..master() });
    bench.send("B0 01 17 06 01 FF 08 FF 01 24 43");
    // All but the first bytes, which nobody can read, and the counter.
    bench.expect(&[
        "02 43",
        "B0 03 24 1A FF 08 FF 15 00 00 00 00 00 00 00 00 2C 1A 12 1A 07 18 14 06 01 00 81 00 00 01 43",
    ]);
}

#[test]
fn three_partitions_are_told_also_where_two_are_in_use() {
    let mut bench = Bench::new(&SimConfig { partitions: 2, ..master() });
    bench.say("arm away 2 1");
    let state = ask(&mut bench, "24");
    assert!(state.starts_with("B0 03 24 22 FF 08 FF 1D"), "{state}");
    assert!(state[24..].contains(" 03 00 81 00 00 02 81 00 00 00 00 00 00 "), "{state}");
    bench.fault("state_form short");
    assert!(ask(&mut bench, "24").starts_with("B0 03 24 20 FF 08 FF 1B"));
    bench.fault("state_form no_count");
    assert!(ask(&mut bench, "24").starts_with("B0 03 24 21 FF 08 FF 1C"));
}

#[test]
fn a_short_state_lacks_the_count_of_partitions() {
    let mut bench = Bench::new(&master());
    bench.fault("state_form short");
    let state = ask(&mut bench, "24");
    assert!(state.starts_with("B0 03 24 19 FF 08 FF 14"), "{state}");
    assert!(state[24..].contains(" 1A 14 05 00 81 00 00 "), "the year, a Thursday, and at once the state: {state}");
}

#[test]
fn one_request_brings_several_answers_in_its_order() {
    let mut bench = Bench::new(&master());
    bench.send("B0 01 17 0C 01 FF 08 FF 07 21 1D 24 37 19 2D 1F 43");
    bench.expect(&[
        "02 43",
        "B0 03 21 23 FF 08 03 1E 0C 01 11 10 13 0D 0E 0A 1F ..",
        "B0 03 1D ..",
        "B0 03 24 ..",
        "B0 03 06 02 02 37 43",
        "B0 03 19 0D FF 01 03 08 00 00 00 00 00 00 00 00 ?? 43",
        "B0 03 2D 23 FF 08 03 1E 04 07 07 06 0C 07 08 0B 00 ..",
        "B0 03 1F ..",
    ]);
}

#[test]
fn a_single_request_is_answered_too_and_the_keep_alive_is_acknowledged() {
    let mut bench = Bench::new(&master());
    bench.send("B0 01 18 01 05 43");
    bench.expect(&["02 43", "B0 03 18 0D FF 01 03 08 00 00 00 00 00 00 00 00 01 43"]);
    bench.send("B0 01 6A 00 43");
    bench.expect(&["02 43"]);
    bench.silent(seconds(1));
}

#[test]
fn masks_show_what_is_open_bypassed_tampered_and_in_alarm() {
    let mut bench = Bench::new(&SimConfig { zones: 40, ..pm30() });
    bench.say("open 2");
    bench.say("open 34");
    assert!(ask(&mut bench, "18").starts_with("B0 03 18 0D FF 01 03 08 02 00 00 00 02 00 00 00"));
    bench.say("tamper 3");
    assert!(ask(&mut bench, "0B").starts_with("B0 03 0B 0D FF 01 03 08 04 00 00 00 00"));
    bench.say("open 8");
    assert!(ask(&mut bench, "13").starts_with("B0 03 13 0D FF 01 03 08 80 00 00 00 00"));
    bench.send("B0 00 19 0F AA AA 00 FF 01 03 08 02 00 00 00 02 00 00 00 43");
    assert!(ask(&mut bench, "19").starts_with("B0 03 19 0D FF 01 03 08 02 00 00 00 02 00 00 00"));
}

#[test]
fn news_are_announced_once_a_step() {
    let mut bench = Bench::new(&master());
    bench.say("open 2");
    let told = bench.all_within(seconds(3));
    let news: Vec<_> = told.iter().filter(|frame| frame.starts_with("B0 03 51")).collect();
    assert_eq!(news, [&"B0 03 51 08 FF 08 FF 03 18 24 4B 01 43".to_owned()]);
    let mut bench = Bench::new(&max());
    bench.say("open 2");
    assert!(bench.all_within(seconds(3)).iter().all(|frame| !frame.starts_with("B0")), "never by a PowerMax");
}

#[test]
fn the_last_events_of_many_zones_come_in_two_pages() {
    let clock = PanelClock { year: 26, month: 11, day: 22, hour: 7, minute: 31, second: 36 };
    let mut bench = Bench::new(&SimConfig { clock, zones: 64, ..pm30() });
    bench.say("open 2");
    bench.wait(seconds(3));
    bench.forget();
    bench.send("B0 01 17 06 01 FF 08 FF 01 4B 43");
    bench.expect(&["02 43", "B0 02 4B B9 01 28 03 B4 00 00 00 00 00 58 9A 02 6B 01 ..", "B0 03 4B 91 FF 28 03 8C .."]);
    let mut bench = Bench::new(&master());
    assert!(ask(&mut bench, "4B").starts_with("B0 03 4B 9B FF 28 03 96"));
}

#[test]
fn partition_access_tells_zones_devices_users_and_tags() {
    let config = SimConfig {
        partitions: 3,
        users: 2,
        user_partitions: BTreeMap::from([(2, "1,3".parse().expect("a list"))]),
        tags: BTreeSet::from([2]),
        ..master()
    };
    let mut bench = Bench::new(&config);
    bench.send("B0 01 17 06 01 FF 08 FF 01 20 43");
    bench.expect(&["02 43", "B0 02 20 23 01 08 03 1E 01 01 01 02 02 02 04 04 ..", "B0 02 20 .."]);
    let people = hex(&bench.await_frame("B0 03 20 .."));
    assert!(people.contains("FF 08 06 08 07 05 07 07 07 07 07 07 FF 08 0A 08 00 05 00"), "{people}");
}

#[test]
fn what_is_enrolled_includes_users_and_tags() {
    let config = SimConfig { users: 1, tags: BTreeSet::from([2]), ..master() };
    let enrolled = ask(&mut Bench::new(&config), "1D");
    assert!(enrolled.contains("FF 01 03 08 FF 00 00 00 00 00 00 00"), "zones: {enrolled}");
    assert!(enrolled.contains("FF 01 06 01 03 FF 01 0A 01 02"), "users and tags: {enrolled}");
}

#[test]
fn user_codes_are_a_setting_in_both_forms() {
    let user_codes = BTreeMap::from([(2, AccessCode::new("2345".into()))]);
    let mut bench = Bench::new(&SimConfig { user_codes, ..master() });
    bench.send("B0 01 42 0B 02 FF 08 0C 06 08 00 00 00 FF FF 43");
    // As constructed in 6.5, but for the counter.
    bench.expect(&[
        "02 43",
        "B0 03 42 23 FF 08 FF 1E 08 00 08 00 10 00 00 00 01 00 00 00 08 00 11 11 23 45 00 00 00 00 00 00 00 00 00 00 \
         00 00 01 43",
    ]);
    bench.send("B0 01 35 07 02 FF 08 FF 02 08 00 43");
    bench.expect(&["02 43", "B0 03 35 18 FF 08 FF 13 08 00 01 11 11 23 45 00 00 00 00 00 00 00 00 00 00 00 00 02 43"]);
    bench.send("B0 01 42 0B 02 FF 08 0C 06 08 00 01 00 01 00 43");
    bench.expect(&["02 43", "B0 03 42 15 FF 08 FF 10 08 00 08 00 10 00 00 00 01 00 01 00 01 00 23 45 03 43"]);
}

#[test]
fn forty_eight_users_come_in_one_answer() {
    let mut bench = Bench::new(&SimConfig { users: 47, ..pm30() });
    bench.send("B0 01 42 0B 02 FF 08 0C 06 08 00 00 00 FF FF 43");
    bench.expect(&["02 43", "B0 03 42 73 FF 08 FF 6E 08 00 30 00 10 00 00 00 01 00 00 00 30 00 11 11 .."]);
}

#[test]
fn installer_codes_and_rights_are_settings() {
    let mut bench = Bench::new(&SimConfig { partitions: 3, ..master() });
    bench.send("B0 01 35 09 02 FF 08 FF 04 54 00 55 00 43");
    bench.expect(&[
        "02 43",
        "B0 03 35 0A FF 08 FF 05 54 00 01 88 88 01 43",
        "B0 03 35 0A FF 08 FF 05 55 00 01 99 99 02 43",
    ]);
    bench.send("B0 01 35 07 02 FF 08 FF 02 E2 00 43");
    bench.expect(&["02 43", "B0 03 35 10 FF 08 FF 0B E2 00 04 07 07 07 07 07 07 07 07 03 43"]);
    bench.send("B0 01 35 0D 02 FF 08 FF 08 0F 00 55 00 54 00 06 01 43");
    bench.expect(&["02 43", "B0 03 35 0A FF 08 FF 05 0F 00 01 AA AA ?? 43"]);
}

#[test]
fn names_come_in_pages() {
    let mut bench = Bench::new(&master());
    bench.send("B0 01 35 07 02 FF 08 FF 02 0D 00 43");
    bench.expect(&["02 43"]);
    let pages = bench.all_within(seconds(2));
    let heads: Vec<_> = pages.iter().map(|page| &page[..14]).collect();
    assert_eq!(heads, ["B0 02 35 A8 01", "B0 02 35 A8 02", "B0 03 35 18 FF"]);
    assert!(pages[0][24..].starts_with("0D 00 0A 41 74 74 69 63 20"), "{}", pages[0]);
}

#[test]
fn the_model_says_its_name() {
    let mut bench = Bench::new(&master());
    bench.send("B0 01 42 0B 02 FF 08 0C 06 3C 00 00 00 FF FF 43");
    bench.expect(&["02 43"]);
    let name = bench.await_frame("B0 03 42 ..");
    assert!(String::from_utf8_lossy(&name).contains("PowerMaster-10 "));
}

#[test]
fn what_is_unknown_or_refused_is_said_so() {
    let mut bench = Bench::new(&master());
    assert_eq!(ask(&mut bench, "69"), "B0 03 06 02 02 69 43");
    bench.send("B0 01 35 07 02 FF 08 FF 02 34 12 43");
    bench.expect(&["02 43", "B0 03 06 02 02 35 43"]);
    bench.send("B0 00 19 0F 56 50 00 FF 01 03 08 02 00 00 00 00 00 00 00 43");
    bench.expect(&["02 43", "B0 03 06 02 04 19 43"]);
    bench.send("B0 00 3E 0A 31 80 05 FF 08 02 03 00 00 01 43");
    bench.await_frame("B0 03 06 02 04 3E 43");
}

#[test]
fn busy_means_ask_again() {
    let mut bench = Bench::new(&master());
    bench.fault("b0_busy 1");
    assert_eq!(ask(&mut bench, "24"), "B0 03 06 02 0D 17 43");
    assert!(ask(&mut bench, "24").starts_with("B0 03 24"));
}

#[test]
fn a_powermax_acknowledges_b0_and_makes_nothing_of_it() {
    let mut bench = Bench::new(&max());
    bench.send("B0 01 17 06 01 FF 08 FF 01 24 43");
    bench.expect(&["02 43"]);
    bench.silent(seconds(2));
}

#[test]
fn the_pgm_is_switched_with_the_download_code_and_the_siren_with_a_users() {
    let mut bench = Bench::new(&master());
    bench.send("B0 00 27 09 AA AA 11 FF 08 0B 02 01 00 43");
    bench.expect(&["02 43", "A5 00 04 00 01 00 00 00 00 01 00 43"]);
    bench.send("B0 00 27 09 AA AA 10 FF 08 0B 02 01 00 43");
    bench.await_frame("A5 00 04 00 01 00 00 00 00 00 00 43");
    bench.send("B0 00 3E 0A 11 11 05 FF 08 02 03 00 00 01 43");
    bench.await_frame("A5 00 04 00 83 ..");
    assert_eq!(bench.count("alarm"), 1);
}

#[test]
fn the_log_comes_in_rows_of_ten_bytes() {
    let clock = PanelClock { year: 26, month: 11, day: 22, hour: 7, minute: 31, second: 36 };
    let mut bench = Bench::new(&SimConfig { clock, ..master() });
    bench.say("arm away 1 1");
    let log = ask(&mut bench, "2A");
    assert_eq!(log, "B0 03 2A 0F FF 50 FF 0A 58 9A 02 6B 06 00 00 52 01 01 02 43");
    for _ in 0..20 {
        bench.say("ac off");
        bench.say("ac on");
    }
    bench.wait(seconds(60));
    bench.forget();
    bench.send("B0 01 17 06 01 FF 08 FF 01 2A 43");
    bench.expect(&["02 43", "B0 02 2A AF 01 50 FF AA ..", "B0 02 2A AF 02 50 FF AA ..", "B0 03 2A 4B FF 50 FF 46 .."]);
}

#[test]
fn the_setting_that_nobody_may_ask_for_never_ends() {
    let mut bench = Bench::new(&master());
    bench.send("B0 01 35 07 02 FF 08 FF 02 9D 01 43");
    bench.wait(seconds(60));
    assert!(bench.all_within(seconds(1)).iter().any(|frame| frame.starts_with("B0 02 35")));
    assert_eq!(bench.count("endless_pages"), 1);
    bench.say("reboot");
    bench.wait(seconds(10));
    bench.forget();
    bench.silent(seconds(20));
}

#[test]
fn an_enrolled_host_may_change_the_speed() {
    let change = "B0 00 41 0D 11 11 01 FF 28 0C 05 01 00 96 00 00 05 43";
    let config = SimConfig::new(Model::PowerMaster10);
    let mut bench = Bench::new(&config);
    bench.send(change);
    bench.expect(&["02 43", "B0 03 06 02 04 41 43"]);
    assert_eq!(bench.state()["baud"], 9600);
    let mut bench = Bench::powerlink(&config);
    bench.send(change);
    bench.expect(&["02 43"]);
    assert_eq!(bench.state()["baud"], 38400);
    assert_eq!(bench.event("baud_changed")["baud"], 38400);
}

#[test]
fn a_call_for_help_is_told_in_3b() {
    let mut bench = Bench::new(&master());
    bench.say("panic fire");
    bench.await_frame("B0 03 3B 0B FF 28 FF 06 0C 00 00 01 0F 14 ?? 43");
    bench.wait(ms(1));
}
