//! Arming and disarming over the line: codes, delays, alarms, bypasses, partitions.

use std::collections::BTreeMap;

use driver_visonic::sim::{BypassMode, Model, PanelOptions, SimConfig};
use panel_model::{AccessCode, PartitionSet};

use crate::bench::{Bench, master, max, quick, seconds};

fn a1(mode: &str, code: &str, partitions: &str) -> String {
    format!("A1 00 00 {mode} {code} {partitions} 00 00 00 00 43")
}

fn with(options: PanelOptions) -> Bench {
    Bench::new(&SimConfig { options, ..max() })
}

#[test]
fn arming_away_runs_through_its_exit_delay_and_disarming_ends_it() {
    let mut bench = Bench::new(&max());
    bench.send(&a1("05", "11 11", "07"));
    bench.expect(&["02 43", "A7 01 00 27 52 ..", "A5 00 04 02 41 .."]);
    bench.wait(seconds(51));
    bench.expect(&["A5 00 04 02 11 .."]);
    bench.wait(seconds(10));
    bench.expect(&["A5 00 04 05 41 .."]);
    assert_eq!(bench.event("armed")["mode"], "away");
    bench.send(&a1("00", "11 11", "07"));
    bench.expect(&["02 43", "A7 01 00 27 55 ..", "A5 00 04 00 41 .."]);
    assert_eq!(bench.event("disarmed")["slot"], 1);
}

#[test]
fn every_mode_has_its_status() {
    for (mode, exit, armed, name) in [
        ("04", 0x01, 0x04, "stay"),
        ("05", 0x02, 0x05, "away"),
        ("14", 0x11, 0x14, "stay_no_entry"),
        ("15", 0x12, 0x15, "away_no_entry"),
        ("24", 0x01, 0x04, "stay"),
        ("1D", 0x12, 0x15, "away_no_entry"),
    ] {
        let mut bench = Bench::new(&max());
        bench.send(&a1(mode, "11 11", "00"));
        assert_eq!(bench.status().0, exit, "{mode}");
        bench.wait(seconds(60));
        assert_eq!(bench.status().0, armed, "{mode}");
        assert_eq!(bench.event("armed")["mode"], name);
    }
}

#[test]
fn a_powermaster_names_its_users_by_other_numbers() {
    let user_codes = BTreeMap::from([(3, AccessCode::new("4821".into()))]);
    let mut bench = Bench::new(&SimConfig { user_codes, ..master() });
    bench.send(&a1("04", "48 21", "07"));
    bench.await_frame("A7 01 00 63 51 ..");
    bench.send(&a1("10", "48 21", "07"));
    bench.await_frame("A7 01 00 63 55 ..");
}

#[test]
fn wrong_codes_are_denied_and_an_empty_slot_is_nobodys() {
    let mut bench = Bench::new(&max());
    for code in ["12 34", "00 00", "FF FF", "88 88", "56 50"] {
        for mode in ["05", "00"] {
            bench.send(&a1(mode, code, "07"));
            bench.expect(&["08 43"]);
            bench.wait(seconds(1));
            bench.forget();
        }
    }
    assert_eq!(bench.status(), (0, 1));
}

#[test]
fn a_wrong_code_is_an_event_in_the_log() {
    let mut bench = Bench::new(&max());
    bench.send(&a1("05", "12 34", "07"));
    bench.expect(&["08 43", "A7 01 00 4E 62 .."]);
    assert_eq!(bench.count("wrong_code"), 1);
}

#[test]
fn modes_that_panels_refuse_are_refused() {
    let mut bench = Bench::new(&max());
    for mode in ["01", "07", "0A", "11", "17", "23"] {
        bench.send(&a1(mode, "11 11", "07"));
        bench.expect(&["08 43"]);
    }
}

#[test]
fn quick_arming_needs_no_code_where_it_is_on_and_never_disarms() {
    let mut bench = with(PanelOptions { quick_arm: true, ..PanelOptions::default() });
    bench.send(&a1("04", "00 00", "07"));
    bench.expect(&["02 43", "A7 01 00 00 53 .."]);
    bench.wait(seconds(2));
    bench.forget();
    bench.send(&a1("00", "00 00", "07"));
    bench.expect(&["08 43"]);
    assert_eq!(bench.status().0, 0x01);
}

#[test]
fn with_a_window_open_the_panel_acknowledges_and_stays_as_it_is() {
    let mut bench = Bench::new(&max());
    bench.say("open 2");
    bench.wait(seconds(2));
    bench.forget();
    bench.send(&a1("05", "11 11", "07"));
    bench.expect(&["02 43"]);
    bench.silent(seconds(5));
    assert_eq!((bench.status(), bench.count("failed_to_arm")), ((0, 0), 1));
}

#[test]
fn force_arming_leaves_open_zones_out() {
    let mut bench = with(PanelOptions { bypass: BypassMode::ForceArm, ..PanelOptions::default() });
    bench.say("open 2");
    bench.wait(seconds(2));
    bench.forget();
    bench.send(&a1("05", "11 11", "07"));
    bench.await_frame("A5 00 06 FF 00 00 00 02 00 00 00 43");
    bench.await_frame("A7 01 00 27 59 ..");
    bench.wait(seconds(62));
    let (status, flags) = bench.status();
    assert_eq!((status, flags & 0x08), (0x0B, 0x08), "away, with a bypass");
}

#[test]
fn an_open_door_gives_time_to_disarm() {
    let mut bench = Bench::new(&max());
    bench.send(&a1("05", "11 11", "07"));
    bench.wait(seconds(62));
    bench.forget();
    bench.say("open 1");
    bench.await_frame("A5 00 04 03 ..");
    assert_eq!(bench.count("entry_delay"), 1);
    bench.say("trip 4");
    bench.wait(seconds(5));
    assert_eq!(bench.count("zone_alarm"), 0, "the way from the door");
    bench.send(&a1("00", "11 11", "07"));
    bench.await_frame("A7 01 00 27 55 ..");
    assert_eq!(bench.count("zone_alarm"), 0);
}

#[test]
fn the_entry_delay_ends_in_an_alarm_with_memory_until_the_next_arming() {
    let mut bench = Bench::new(&max());
    bench.send(&a1("05", "11 11", "07"));
    bench.wait(seconds(62));
    bench.forget();
    bench.say("open 1");
    bench.wait(seconds(31));
    bench.await_frame("A7 01 00 01 03 ..");
    bench.await_frame("A5 00 01 01 ..");
    bench.await_frame("A5 00 04 05 C2 ..");
    assert_eq!(bench.event("zone_alarm")["zone"], 1);
    bench.wait(seconds(4 * 60));
    assert_eq!(bench.status().1 & 0x82, 0x02, "the siren is over, the memory is not");
    bench.say("close 1");
    bench.await_frame("A7 01 00 01 13 ..");
    bench.send(&a1("00", "11 11", "07"));
    bench.await_frame("A7 01 00 27 55 ..");
    assert_eq!(bench.status().1 & 0x02, 0x02);
    bench.send(&a1("05", "11 11", "07"));
    assert_eq!(bench.status().1 & 0x02, 0);
}

#[test]
fn each_zone_type_alarms_in_its_own_way() {
    // Zone type, armed as, poke, event; none means that nothing happens.
    let rows = [
        ("7", Some("05"), Some("02")),
        ("7", Some("04"), Some("02")),
        ("7", None, None),
        ("8", Some("05"), Some("02")),
        ("12", Some("05"), Some("01")),
        ("12", Some("04"), None),
        ("6", Some("04"), None),
        ("4", Some("15"), Some("03")),
        ("13", Some("05"), Some("03")),
        ("15", Some("05"), Some("7B")),
        ("11", None, Some("20")),
        ("10", None, Some("05")),
        ("9", None, Some("04")),
        ("1", None, Some("23")),
        ("2", None, Some("4D")),
        ("3", None, Some("49")),
        ("0", Some("05"), None),
        ("14", Some("05"), None),
    ];
    for (kind, armed, event) in rows {
        let zone_types = BTreeMap::from([(3, kind.parse().expect("a number"))]);
        let mut bench = with(PanelOptions { zone_types, ..PanelOptions::default() });
        if let Some(mode) = armed {
            bench.send(&a1(mode, "11 11", "07"));
            bench.wait(seconds(62));
        }
        bench.forget();
        bench.say("open 3");
        let told = bench.all_within(seconds(3));
        let events: Vec<_> = told.iter().filter(|frame| frame.starts_with("A7 01 00 03")).collect();
        match event {
            Some(code) => assert!(events[0].starts_with(&format!("A7 01 00 03 {code}")), "{kind}: {events:?}"),
            None => assert_eq!(events.len(), 0, "{kind}"),
        }
    }
}

#[test]
fn muting_ends_the_noise_and_nothing_else() {
    let mut bench = Bench::new(&max());
    bench.send(&a1("05", "11 11", "07"));
    bench.wait(seconds(62));
    bench.say("open 2");
    bench.wait(seconds(2));
    assert_eq!(bench.status(), (0x05, 0x82));
    bench.send(&a1("0B", "11 11", "07"));
    bench.await_frame("02 43");
    assert_eq!(bench.status(), (0x05, 0x02));
}

#[test]
fn walk_test_shows_until_disarmed() {
    let mut bench = Bench::new(&max());
    bench.send(&a1("06", "11 11", "07"));
    bench.await_frame("A7 01 00 00 57 ..");
    assert_eq!(bench.status().0, 0x06);
    bench.say("open 8");
    bench.wait(seconds(2));
    assert_eq!(bench.count("zone_alarm"), 0, "not even smoke");
    bench.say("close 8");
    bench.send(&a1("00", "11 11", "07"));
    bench.await_frame("A7 01 00 00 58 ..");
    assert_eq!(bench.status().0, 0x00);
}

#[test]
fn duress_disarms_and_calls_for_help() {
    let mut bench = Bench::new(&max());
    bench.send(&a1("05", "11 11", "07"));
    bench.wait(seconds(62));
    bench.forget();
    bench.send(&a1("00", "25 80", "07"));
    bench.await_frame("A7 01 00 00 0D ..");
    assert_eq!(bench.status().0, 0x00);
}

#[test]
fn zones_are_bypassed_with_a_code_and_taken_back_by_disarming() {
    let mut bench = Bench::new(&max());
    bench.say("open 2");
    bench.wait(seconds(2));
    bench.forget();
    bench.send("AA 47 11 02 00 00 00 00 00 00 00 43");
    bench.expect(&["08 43"]);
    bench.wait(seconds(2));
    bench.forget();
    bench.send("AA 11 11 02 00 00 00 00 00 00 00 43");
    bench.expect(&["02 43", "A5 00 06 FF 00 00 00 02 00 00 00 43"]);
    assert_eq!(bench.status(), (0x00, 0x09), "ready although it is open");
    bench.send(&a1("05", "11 11", "07"));
    bench.wait(seconds(62));
    bench.send(&a1("00", "11 11", "07"));
    bench.await_frame("A5 00 06 FF 00 00 00 00 ..");
    bench.wait(seconds(1));
    bench.send("AA 11 11 01 00 00 00 00 00 00 00 43");
    bench.await_frame("A5 00 06 FF 00 00 00 01 ..");
    bench.send("AA 11 11 00 00 00 00 01 00 00 00 43");
    bench.await_frame("A5 00 06 FF 00 00 00 00 ..");
}

#[test]
fn where_bypassing_is_off_it_is_denied() {
    for bypass in [BypassMode::Never, BypassMode::ForceArm] {
        let mut bench = with(PanelOptions { bypass, ..PanelOptions::default() });
        bench.send("AA 11 11 02 00 00 00 00 00 00 00 43");
        bench.expect(&["08 43"]);
    }
}

#[test]
fn partitions_are_armed_by_mask_and_within_the_users_rights() {
    let second: PartitionSet = "2".parse().expect("a list");
    let config = SimConfig {
        partitions: 3,
        zones: 9,
        user_codes: BTreeMap::from([(2, AccessCode::new("2345".into()))]),
        user_partitions: BTreeMap::from([(2, second)]),
        ..quick(Model::PowerMaster10)
    };
    let mut bench = Bench::new(&config);
    bench.send(&a1("05", "11 11", "04"));
    bench.expect(&["02 43"]);
    bench.send(&a1("04", "23 45", "07"));
    bench.wait(seconds(3));
    bench.send(&a1("04", "23 45", "05"));
    bench.await_frame("08 43");
    let modes: Vec<_> =
        bench.state()["partitions"].as_array().expect("a list").iter().map(|p| p["mode"].clone()).collect();
    assert_eq!(modes, [serde_json::Value::Null, "stay".into(), "away".into()]);
    bench.wait(seconds(70));
    bench.forget();
    bench.say("open 2");
    bench.wait(seconds(1));
    assert_eq!(bench.count("zone_alarm"), 0, "zone 2 is partition 1's, which is disarmed");
    bench.say("open 8");
    bench.wait(seconds(1));
    assert_eq!(bench.event("zone_alarm")["partition"], 3);
}

#[test]
fn nobody_arms_while_the_memory_is_read() {
    let mut bench = Bench::new(&max());
    bench.download("56 50");
    bench.send(&a1("05", "11 11", "07"));
    bench.expect(&["08 43"]);
}

#[test]
fn an_invented_lockout_denies_even_right_codes_for_a_while() {
    let mut bench = with(PanelOptions { lockout: Some((3, seconds(60))), ..PanelOptions::default() });
    for _ in 0..3 {
        bench.send(&a1("05", "12 34", "07"));
        bench.await_frame("08 43");
    }
    bench.send(&a1("05", "11 11", "07"));
    bench.await_frame("08 43");
    bench.wait(seconds(61));
    bench.send(&a1("05", "11 11", "07"));
    bench.await_frame("02 43");
    assert_eq!(bench.count("lockout"), 1);
}
