//! What people do at the keypad.

use driver_neor::sim::SimConfig;
use panel_model::AccessCode;

use crate::bench::{Bench, hs2016, seconds, set};

fn with_user(attributes: &str) -> Bench {
    let mut config = SimConfig { partitions: 2, ..set(hs2016(), "exit_seconds=0") };
    config.user_codes.insert(2, AccessCode::new("2580".into()));
    let mut bench = Bench::online(&config);
    bench.does(&format!("edit 2 attributes {attributes}"));
    bench.wait(seconds(11));
    bench.forget();
    bench
}

#[test]
fn a_code_arms_and_disarms() {
    let mut bench = with_user("0C");
    bench.does("enter 2580");
    assert_eq!(bench.partition_state(), "armed");
    bench.does("enter 2580");
    assert_eq!(bench.partition_state(), "ready");
    bench.does("enter 0000");
    assert_eq!(bench.count("wrong_code"), 1);
    assert!(bench.poke("enter 25801").is_err(), "another length");
    assert!(bench.poke("enter 2580 3").is_err(), "no such partition");
}

#[test]
fn a_code_works_in_its_partitions_only() {
    let mut bench = with_user("0C");
    bench.does("edit 2 partitions 1");
    bench.wait(seconds(11));
    bench.does("enter 2580 2");
    assert_eq!(bench.count("wrong_code"), 1);
}

#[test]
fn a_one_time_user_disarms_once_a_day() {
    let mut bench = with_user("80");
    for (words, state) in
        [("enter 2580", "armed"), ("enter 2580", "ready"), ("enter 2580", "armed"), ("enter 2580", "armed")]
    {
        bench.does(words);
        assert_eq!(bench.partition_state(), state);
    }
    bench.disconnect();
    bench.wait(seconds(13 * 3600));
    bench.does("enter 2580");
    assert_eq!(bench.partition_state(), "ready", "a new day");
}

#[test]
fn a_duress_code_is_seen_by_watchers_only() {
    let mut bench = with_user("02");
    bench.does("enter 2580");
    assert_eq!(bench.count("duress"), 1);
    let duress = bench.events.iter().find(|event| event["event"] == "duress").expect("one");
    assert_eq!(duress["sent"], false, "no message is known");
}

#[test]
fn a_tag_does_what_its_code_does() {
    let mut bench = with_user("0C");
    assert!(bench.poke("tag 2").is_err(), "it has none");
    bench.does("edit 2 tag on");
    bench.wait(seconds(11));
    bench.does("tag 2");
    assert_eq!(bench.partition_state(), "armed");
}

#[test]
fn too_many_wrong_codes_lock_the_keypads() {
    let mut bench = Bench::online(&set(set(hs2016(), "keypad_attempts=3"), "keypad_minutes=1"));
    for _ in 0..3 {
        bench.does("enter 0000");
    }
    assert!(bench.poke("enter 1234").is_err());
    bench.wait(seconds(61));
    bench.does("enter 1234");
    assert_eq!(bench.partition_state(), "exit_delay");
}

#[test]
fn users_are_programmed_at_the_keypad() {
    let mut bench = Bench::online(&hs2016());
    for words in ["edit 3 code 4821", "edit 3 attributes 84", "edit 3 label Bob Smith", "edit 3 tag on"] {
        bench.does(words);
        bench.wait(seconds(11));
    }
    let bob = bench.user(3).expect("made");
    assert_eq!([&bob["code"], &bob["label"]], ["4821", "Bob Smith"]);
    assert_eq!(bob["attributes"], serde_json::json!(["zone_bypass", "one_time"]));
    assert_eq!(bob["tag"], true);
    bench.does("edit 4 code 4821");
    bench.wait(seconds(11));
    assert_eq!((bench.count("code_rejected"), bench.user(4)), (1, None), "somebody has it");
    bench.does("edit 3 delete");
    bench.wait(seconds(11));
    assert_eq!(bench.user(3), None);
    for wrong in ["edit 49 delete", "edit 3 code 12", "edit 3 partitions 4", "edit 3 attributes xyz", "edit 3 dance"] {
        let error = bench.poke(wrong).expect_err(wrong);
        assert!(!error.0.contains("xyz"), "what was typed is not repeated");
    }
    assert!(bench.poke("edit 3 label Fifteen letters").is_err());
    assert!(bench.poke("lock 1").is_err());
    assert!(bench.poke("open 9").is_err(), "not in use");
}

#[test]
fn what_happens_is_told_to_watchers_without_a_code() {
    let mut bench = with_user("0C");
    for words in ["open 1", "close 1", "enter 2580", "enter 0000", "enter 2580", "edit 3 code 4821"] {
        bench.does(words);
    }
    bench.wait(seconds(11));
    let told = serde_json::to_string(&bench.events).expect("json");
    for event in ["zone_opened", "armed", "wrong_code", "disarmed", "programming_entered", "users_changed"] {
        assert!(told.contains(event), "{event}");
    }
    assert!(!told.contains("2580") && !told.contains("4821"));
    let shown = format!("{:?}", bench.sim);
    assert!(!shown.contains("2580"), "{shown}");
}
