//! What people do at the panel, and what a host hears of it.

use std::collections::BTreeSet;

use driver_visonic::sim::{Model, SimConfig};
use panel_driver::sim::{Poke, Simulator};
use serde_json::json;

use crate::bench::{Bench, master, max, ms, quick, seconds};

fn refused(bench: &mut Bench, line: &str) -> String {
    bench.poke(Poke::parse(line).expect("a poke")).expect_err("refused").to_string()
}

#[test]
fn a_code_typed_at_the_keypad_arms_and_disarms() {
    let mut bench = Bench::new(&max());
    bench.say("enter 1111");
    bench.await_frame("A7 01 00 27 52 ..");
    bench.wait(seconds(62));
    bench.say("enter 1111");
    bench.await_frame("A7 01 00 27 55 ..");
    bench.say("enter 4711");
    bench.await_frame("A7 01 00 2F 62 ..");
    assert_eq!((bench.count("armed_by"), bench.count("disarmed"), bench.count("wrong_code")), (1, 1, 1));
}

#[test]
fn tags_do_what_their_users_may() {
    let config = SimConfig { tags: BTreeSet::from([1]), ..max() };
    let mut bench = Bench::new(&config);
    bench.say("tag 1");
    bench.await_frame("A7 01 00 4F 52 ..");
    bench.say("tag 1");
    bench.await_frame("A7 01 00 4F 55 ..");
    assert!(refused(&mut bench, "tag 2").contains("edit 2 tag on"));
    bench.say("edit 2 tag on");
    bench.say("tag 2");
    bench.await_frame("A7 01 00 50 52 ..");
    let mut bench = Bench::new(&SimConfig { tags: BTreeSet::from([3]), ..master() });
    bench.say("tag 3");
    bench.await_frame("A7 01 00 D0 52 ..");
    bench.fault("tags_as_users");
    bench.say("tag 3");
    bench.await_frame("A7 01 00 63 55 ..");
    assert!(refused(&mut Bench::new(&quick(Model::PowerMaxPlus)), "tag 1").contains("this panel has 0"));
}

#[test]
fn users_are_edited_at_the_keypad_and_no_host_hears_of_it() {
    let mut bench = Bench::new(&max());
    bench.say("edit 3 code 4821");
    bench.say("edit 4 code 2580");
    bench.say("edit 5 code 1111");
    bench.say("edit 3 tag on");
    assert_eq!(
        bench.sim.users(),
        json!([
            {"slot": 1, "code": "1111", "partitions": [1], "tag": false},
            {"slot": 3, "code": "4821", "partitions": [1], "tag": true},
        ])
    );
    assert_eq!((bench.count("code_set"), bench.count("code_rejected")), (1, 2));
    bench.say("edit 3 delete");
    bench.silent(seconds(5));
    bench.download("56 50");
    assert_eq!(bench.memory(0x01FA, 8), [0x11, 0x11, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn what_nobody_can_type_is_refused_without_repeating_it() {
    let mut bench = Bench::new(&max());
    for line in ["edit 3 code 48213", "edit 3 code 0000", "edit 3 kode 4821", "edit 3 partitions 4821"] {
        let error = refused(&mut bench, line);
        assert!(!error.contains("48") && !error.contains("0000") || error.contains("not 0000"), "{error}");
    }
    assert!(refused(&mut bench, "edit 9 code 4821").contains("1 to 8"));
    assert!(refused(&mut bench, "edit 1 delete").contains("master"));
    assert!(refused(&mut bench, "enter 1111 2").contains("partition"));
    assert!(refused(&mut bench, "open 9").contains("1 to 8"));
    assert!(refused(&mut bench, "lock 1").contains("locks"));
    assert!(refused(&mut bench, "disarm").contains("not armed"));
    assert!(refused(&mut bench, "arm away 1 7").contains("no code"));
    assert!(refused(&mut bench, "fault gremlins").contains("second_host"));
}

#[test]
fn rights_are_edited_where_there_are_partitions() {
    let mut bench = Bench::new(&SimConfig { partitions: 2, users: 1, ..master() });
    bench.say("edit 2 partitions 2");
    assert_eq!(bench.sim.users()[1]["partitions"], json!([2]));
    assert!(refused(&mut bench, "edit 2 partitions 3").contains("1 to 2"));
    assert!(refused(&mut bench, "edit 1 partitions 1").contains("master"));
}

#[test]
fn calls_for_help_sound_and_are_told() {
    for (key, code) in [("fire", "20"), ("medical", "23"), ("police", "0C")] {
        let mut bench = Bench::new(&max());
        bench.say(&format!("panic {key}"));
        bench.await_frame(&format!("A7 01 00 2F {code} .."));
        assert_eq!(bench.status().1 & 0x80, 0x80);
        assert_eq!(bench.event("keypad_alarm")["key"], key);
        bench.say("disarm");
        assert_eq!(bench.status().1 & 0x80, 0);
    }
}

#[test]
fn arming_by_hand_knows_three_modes() {
    for (mode, status) in [("away", 0x02), ("stay", 0x01), ("night", 0x11)] {
        let mut bench = Bench::new(&max());
        bench.say(&format!("arm {mode}"));
        assert_eq!(bench.status().0, status);
    }
}

#[test]
fn a_dropped_line_hangs_up_and_what_happens_meanwhile_is_lost() {
    let mut bench = Bench::powerlink(&max());
    bench.say("drop 3");
    assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(3)));
    bench.disconnect();
    bench.say("open 2");
    assert_eq!(bench.event("zone_opened")["sent"], false);
    bench.wait(seconds(3));
    bench.forget();
    bench.connect();
    bench.silent(ms(500));
    assert_eq!(bench.status(), (0, 0));
    assert_eq!(bench.state()["client"], "powerlink");
}

#[test]
fn state_and_debug_show_what_they_may() {
    let bench = Bench::new(&SimConfig { users: 3, ..master() });
    let state = bench.state();
    assert_eq!(
        (state["model"].as_str(), state["clock"].as_str()),
        (Some("PowerMaster-10"), Some("2026-01-01 12:00:00"))
    );
    assert_eq!((state["installer_code"].as_str(), state["download_code"].as_str()), (Some("8888"), Some("AAAA")));
    assert_eq!(state["zones"].as_array().map(Vec::len), Some(8));
    assert_eq!(format!("{:?}", bench.sim), "VisonicSimulator { model: PowerMaster10, .. }");
}

#[test]
fn the_shortest_gap_between_commands_is_kept() {
    let mut bench = Bench::new(&max());
    for gap in [400, 150, 300] {
        bench.send("AB 03 00 00 00 00 00 00 00 00 00 43");
        bench.wait(ms(gap));
    }
    bench.send("AB 03 00 00 00 00 00 00 00 00 00 43");
    assert_eq!((bench.state()["shortest_gap_ms"].as_u64(), bench.state()["commands"].as_u64()), (Some(150), Some(4)));
}
