//! What the panel tells of zones and troubles, by itself and when asked.

use driver_visonic::sim::{Model, PanelClock, SimConfig};

use crate::bench::{Bench, hex, master, max, ms, quick, seconds};

const ASK: &str = "A2 00 00 3F 00 00 00 00 00 00 00 43";

#[test]
fn a_zone_that_opens_and_closes_is_told_with_its_mask_and_its_event() {
    let mut bench = Bench::new(&max());
    bench.say("open 3");
    bench.expect(&["A5 00 02 04 00 00 00 00 00 00 00 43", "A5 00 04 00 20 03 03 00 00 00 00 43"]);
    bench.expect(&["A5 00 04 00 00 .."]);
    bench.say("close 3");
    bench.expect(&["A5 00 02 00 ..", "A5 00 04 00 21 03 04 00 00 00 00 43"]);
    assert_eq!((bench.count("zone_opened"), bench.count("zone_closed")), (1, 1));
    assert_eq!(bench.event("ready")["partition"], 1);
}

#[test]
fn status_is_told_as_asked_for() {
    let mut bench = Bench::new(&max());
    bench.say("open 2");
    bench.wait(seconds(2));
    bench.forget();
    bench.send(ASK);
    bench.expect(&[
        "02 43",
        "A5 06 01 00 00 00 00 00 00 00 00 43",
        "A5 06 02 02 00 00 00 00 00 00 00 43",
        "A5 06 03 ..",
        "A5 06 04 00 00 00 00 00 00 00 00 43",
        "A5 06 05 ..",
        "A5 06 06 FF 00 00 00 00 00 00 00 43",
    ]);
    bench.send("A2 00 00 20 00 00 00 00 00 00 00 43");
    bench.expect(&["02 43", "A5 00 06 FF .."]);
    bench.silent(seconds(1));
}

#[test]
fn tamper_battery_and_supervision_show_in_masks_events_and_troubles() {
    let mut bench = Bench::new(&max());
    bench.say("tamper 2");
    bench.expect(&["A5 00 03 00 00 00 00 02 00 00 00 43", "A5 00 04 00 ?? 02 08 .."]);
    bench.await_frame("A7 01 00 02 06 ..");
    assert_ne!(bench.status().1 & 0x04, 0, "trouble");
    bench.say("close 2");
    bench.expect(&["A5 00 03 00 00 00 00 00 ..", "A5 00 04 00 ?? 02 02 .."]);
    bench.await_frame("A7 01 00 02 16 ..");
    bench.wait(seconds(1));
    bench.forget();
    bench.say("battery low 4");
    bench.expect(&["A5 00 02 00 00 00 00 08 00 00 00 43", "A5 00 04 00 ?? 04 0D ..", "A7 01 00 04 29 .."]);
    bench.say("battery ok 4");
    bench.await_frame("A7 01 00 04 2A ..");
    bench.fault("lost 5");
    bench.await_frame("A7 01 00 05 27 ..");
    bench.fault("lost 5 off");
    bench.await_frame("A7 01 00 05 28 ..");
    assert_eq!(bench.status(), (0x00, 0x01), "all is well again");
}

#[test]
fn troubles_of_the_panel_are_events_and_a_flag() {
    let mut bench = Bench::new(&max());
    for (on, off, code, restore) in [
        ("ac off", "ac on", "2B", "2C"),
        ("battery low", "battery ok", "2D", "2E"),
        ("fault jam", "fault jam off", "2F", "30"),
        ("fault phone_line", "fault phone_line off", "33", "34"),
        ("fault fuse", "fault fuse off", "36", "37"),
        ("fault panel_tamper", "fault panel_tamper off", "07", "17"),
    ] {
        bench.say(on);
        bench.await_frame(&format!("A7 01 00 00 {code} .."));
        assert_eq!(bench.status().1 & 0x04, 0x04, "{on}");
        bench.say(off);
        bench.await_frame(&format!("A7 01 00 00 {restore} .."));
        assert_eq!(bench.status().1 & 0x04, 0, "{off}");
    }
}

#[test]
fn a_motion_detector_tells_motion_on_a_powermax_and_on_an_armed_powermaster_only() {
    let mut bench = Bench::new(&max());
    bench.say("trip 4");
    bench.expect(&["A5 00 02 00 00 00 00 ..", "A5 00 04 00 21 04 05 .."]);
    let mut bench = Bench::new(&master());
    bench.say("trip 4");
    bench.silent(seconds(5));
    assert_eq!(bench.event("zone_violated")["sent"], serde_json::Value::Null);
    bench.say("arm away 1 1");
    bench.wait(seconds(70));
    bench.forget();
    bench.say("trip 5");
    bench.await_frame("A5 00 04 05 ?? 05 05 ..");
}

#[test]
fn names_and_types_come_in_rows_of_eight() {
    let mut bench = Bench::new(&max());
    bench.send("A3 00 00 00 00 00 00 00 00 00 00 43");
    bench.expect(&[
        "02 43",
        "A3 04 01 0C 01 11 10 13 0D 0E 0A 43",
        "A3 04 02 1F 1F 1F 1F 1F 1F 1F 1F 43",
        "A3 04 03 ..",
        "A3 04 04 ..",
    ]);
    bench.send("A6 00 00 00 00 00 00 00 00 00 00 43");
    bench.expect(&["02 43", "A6 04 01 22 25 25 24 2A 25 26 29 43"]);
    let mut bench = Bench::new(&quick(Model::PowerMaster30));
    bench.send("A3 00 00 00 00 00 00 00 00 00 00 43");
    bench.expect(&["02 43"]);
    assert_eq!(bench.all_within(seconds(5)).len(), 8);
}

#[test]
fn an_output_is_switched_and_shown() {
    let mut bench = Bench::new(&max());
    bench.send("A4 00 00 00 00 00 01 05 00 00 00 43");
    bench.expect(&["02 43", "A5 00 04 00 01 00 00 00 00 05 00 43"]);
    bench.wait(seconds(1));
    bench.forget();
    bench.send("A4 00 00 00 00 00 00 01 00 00 00 43");
    bench.expect(&["02 43", "A5 00 04 00 01 00 00 00 00 04 00 43"]);
    assert_eq!(bench.state()["outputs"], serde_json::json!([2]));
}

#[test]
fn a_powermax_logs_with_its_own_clock_newest_first() {
    let clock = PanelClock { year: 24, month: 10, day: 6, hour: 21, minute: 28, second: 1 };
    let mut bench = Bench::new(&SimConfig { clock, ..max() });
    bench.say("ac off");
    bench.wait(seconds(5));
    bench.say("arm stay 1 1");
    bench.wait(seconds(5));
    bench.forget();
    bench.send("A0 00 00 00 11 11 00 00 00 00 00 43");
    bench.expect(&[
        "02 43",
        "A0 03 01 00 00 00 00 00 00 00 00 43",
        "A0 03 02 06 1C 15 06 0A 18 27 51 43",
        "A0 03 03 01 1C 15 06 0A 18 00 2B 43",
    ]);
    bench.send("A0 00 00 00 47 11 00 00 00 00 00 43");
    bench.expect(&["08 43"]);
}

#[test]
fn a_powermaster_logs_in_seconds_since_1970_and_keeps_what_fits() {
    let clock = PanelClock { year: 26, month: 11, day: 22, hour: 7, minute: 31, second: 36 };
    let mut bench = Bench::new(&SimConfig { clock, ..master() });
    for _ in 0..150 {
        bench.say("ac off");
        bench.say("ac on");
    }
    bench.wait(seconds(250));
    bench.forget();
    bench.send("A0 00 00 00 11 11 00 00 00 00 00 43");
    let rows = bench.all_within(seconds(30));
    assert_eq!(rows.len(), 2 + 250);
    // 1795332696 is 6B029A58 in hex.
    assert!(rows[2].starts_with("A0 FB 02 01 58 9A 02 6B 00 00 2C"), "{}", rows[2]);
}

#[test]
fn the_clock_is_told() {
    let mut bench = Bench::new(&max());
    bench.wait(seconds(61));
    bench.send("AB 01 00 00 00 00 00 00 00 00 00 43");
    bench.expect(&["02 43", "AB 01 00 01 01 0C 01 01 1A 00 00 43"]);
}

#[test]
fn the_installers_menu_shows_in_status_and_events() {
    for (config, enter, leave) in [(max(), "61", "60"), (master(), "90", "8F")] {
        let mut bench = Bench::new(&config);
        let keypad = if config.model.type_byte() < 7 { "2F" } else { "91" };
        bench.fault("installer");
        bench.await_frame(&format!("A7 01 00 {keypad} {enter} .."));
        assert_eq!(bench.status().0, 0x09);
        bench.fault("installer off");
        bench.await_frame(&format!("A7 01 00 {keypad} {leave} .."));
        assert_eq!(bench.status().0, 0x00);
    }
}

#[test]
fn status_frames_keep_their_distance() {
    let mut bench = Bench::new(&max());
    bench.send("AB 06 00 00 00 00 00 00 00 00 00 43");
    let told = bench.timed_within(seconds(5));
    let gaps: Vec<_> = told[1..].windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert_eq!(gaps.len(), 5);
    assert!(gaps.iter().all(|gap| (ms(100)..=ms(250)).contains(gap)), "{gaps:?}");
    assert!(told.iter().all(|(_, frame)| frame[0] != 0xB0), "{}", hex(&told[0].1));
}

#[test]
fn a_talkative_host_does_not_hold_up_the_news() {
    let mut bench = Bench::new(&max());
    bench.say("open 2");
    let told: Vec<String> = (0..20)
        .flat_map(|_| {
            bench.send("AB 03 00 00 00 00 00 00 00 00 00 43");
            bench.all_within(ms(60))
        })
        .collect();
    assert!(told.contains(&"A5 00 04 00 20 02 03 00 00 00 00 43".to_owned()), "{told:?}");
}
