//! Every fault on purpose does what its name says, and nothing but that.

use driver_dsc::codec::Decoder;
use driver_dsc::sim::{Hostile, Model, SimConfig};
use panel_driver::sim::{Poke, Simulator};

use crate::bench::{Bench, evl, it100, ms, seconds};

fn with(words: &str) -> Bench {
    let mut bench = Bench::new(&evl());
    bench.fault(words);
    bench
}

#[test]
fn acknowledgements_come_late() {
    let mut bench = with("slow_ack 700");
    bench.command("000");
    assert_eq!(bench.within(ms(700)), [""; 0]);
    assert_eq!(bench.within(ms(20)), ["500 000"]);
}

#[test]
fn acknowledgements_come_after_the_effects() {
    let mut bench = with("ack_last");
    bench.command("0301");
    assert_eq!(bench.within(seconds(1)), ["656 1", "500 030"]);
}

#[test]
fn so_many_commands_are_refused_with_the_error_asked_for() {
    let mut bench = with("refuse 2 10");
    for answer in ["502 010", "502 010", "500 000"] {
        bench.command("000");
        bench.expect(&[answer]);
    }
    let mut bench = Bench::new(&it100());
    bench.fault("refuse 1");
    bench.command("000");
    bench.wait(seconds(1));
    assert_eq!(bench.within(ms(1)), ["502 001"], "in the place of 500, also here");
}

#[test]
fn armed_is_said_twice() {
    let mut bench = with("double_armed");
    bench.command("0301");
    bench.expect(&["500 030", "656 1", "652 10", "652 10", "701 1"]);
}

#[test]
fn undefined_partitions_report_busy() {
    let mut bench = with("undefined_busy");
    bench.command("001");
    let told = bench.within(seconds(1));
    assert_eq!(told.iter().filter(|m| m.starts_with("673")).count(), 7);
}

#[test]
fn wrong_codes_go_unsaid() {
    let mut bench = with("no_invalid_code");
    bench.command("03310000");
    assert_eq!(bench.within(seconds(5)), ["500 033"]);
    assert_eq!(bench.count("wrong_code"), 1);
}

#[test]
fn opening_and_disarmed_come_in_either_order() {
    for (order, first) in [("first", "750 10040"), ("last", "655 1")] {
        let mut bench = with(&format!("opening {order}"));
        bench.arm_by(None).expect("armed");
        bench.forget();
        bench.command("04011234");
        bench.expect(&["500 040", first]);
    }
    let orders: std::collections::BTreeSet<String> = (0..20)
        .map(|seed| {
            let mut bench = Bench::new(&SimConfig { seed, ..evl() });
            bench.arm_by(None).expect("armed");
            bench.forget();
            bench.command("04011234");
            bench.expect(&["500 040"]);
            bench.within(ms(500)).first().expect("one of both").clone()
        })
        .collect();
    assert_eq!(orders.len(), 2, "random unless told");
}

#[test]
fn the_line_breaks_in_the_middle_of_a_frame() {
    let mut bench = with("drop_after 2");
    bench.command("000");
    bench.expect(&["500 000"]);
    bench.command("000");
    bench.expect(&["500 000"]);
    bench.command("000");
    assert_eq!(bench.raw_within(seconds(1)), [""; 0], "half a frame is no line");
    assert_eq!(bench.hangup.map(|h| h.down), Some(seconds(2)));
    bench.disconnect();
    bench.connect();
    bench.command("005user");
    bench.expect(&["505 3", "500 005", "505 1"]);
}

#[test]
fn keys_of_a_string_run_slowly() {
    let mut bench = with("slow_digits 10");
    bench.command("0711*5");
    bench.wait(ms(2400));
    assert_eq!(bench.bus(), "9E");
    bench.wait(ms(700));
    assert_eq!(bench.bus(), "A5");
}

#[test]
fn frames_come_in_pieces_and_are_whole_in_the_end() {
    let mut bench = with("split_writes");
    bench.command("001");
    let told = bench.within(seconds(5));
    assert_eq!(told.first().map(String::as_str), Some("500 001"));
    assert_eq!(told.len(), 1 + 8 + 2 + 1);
    bench.command("000");
    let mut pieces = 0;
    for _ in 0..200 {
        bench.now += ms(1);
        bench.sim.handle_timeout(bench.now);
        pieces += usize::from(bench.sim.poll_transmit().is_some());
    }
    assert!(pieces > 1, "{pieces}");
}

#[test]
fn some_frames_end_with_cr_alone() {
    let mut bench = with("bare_cr");
    bench.command("001");
    let lines = bench.raw_within(seconds(1));
    assert!(lines.iter().any(|line| line.contains('\r')), "{lines:?}");
    let mut decoder = Decoder::default();
    let whole = lines.join("\n") + "\n";
    let mut bytes = whole.as_bytes();
    let mut frames = 0;
    while let Some(frame) = decoder.decode(&mut bytes) {
        frame.expect("CR ends a line as well");
        frames += 1;
    }
    assert!(frames >= 12, "{frames}");
}

#[test]
fn times_stand_before_messages_unasked() {
    let mut bench = with("timestamps");
    bench.command("000");
    assert_eq!(bench.raw_within(seconds(1)), ["12:00:00 50000025"]);
}

#[test]
fn numbers_that_nobody_knows_come_between() {
    let mut bench = with("unknown_codes");
    for _ in 0..20 {
        bench.command("000");
        bench.wait(ms(50));
    }
    let told = bench.within(ms(1));
    assert_eq!(told.iter().filter(|m| *m == "500 000").count(), 20);
    assert!(told.iter().any(|m| m.ends_with("0815")), "{told:?}");
}

#[test]
fn labels_hold_characters_outside_ascii() {
    let mut bench = Bench::new(&it100());
    bench.fault("odd_labels");
    bench.command("002");
    let told = bench.within(seconds(10));
    assert!(told.iter().any(|m| m.starts_with("570 001Fr\u{e9}nt")), "{told:?}");
}

#[test]
fn zone_timers_of_128_zones() {
    let mut bench = with("wide_timers");
    bench.command("008");
    assert!(bench.within(seconds(1)).contains(&format!("615 {}", "0".repeat(512))));
}

#[test]
fn an_alarm_that_ends_by_itself_is_shown_by_a_report_only() {
    let mut config = evl();
    config.options.zone_types = [(3, 11)].into();
    config.hostile = Hostile { stuck_alarm: true, ..Hostile::default() };
    let mut bench = Bench::new(&config);
    bench.open(3);
    bench.expect(&["609 003", "601 1003", "654 1"]);
    bench.close(3);
    assert_eq!(bench.within(seconds(600)), ["610 003"]);
    bench.command("001");
    assert!(bench.within(seconds(1)).contains(&"650 1".to_owned()));
}

#[test]
fn checksums_are_wrong_now_and_then() {
    let mut bench = with("bad_checksums 3");
    for _ in 0..30 {
        bench.command("000");
        bench.wait(ms(50));
    }
    let lines = bench.raw_within(ms(1));
    let good = lines.iter().filter(|line| *line == "50000025").count();
    assert_eq!(lines.len(), 30);
    assert!((10..30).contains(&good), "{good}");
}

#[test]
fn stray_bytes_cost_no_frame() {
    let mut bench = with("noise");
    let mut decoder = Decoder::default();
    let mut good = 0;
    let mut bad = 0;
    for _ in 0..60 {
        bench.sim.handle_bytes(bench.now, b"00090\r\n");
        bench.now += ms(50);
        bench.sim.handle_timeout(bench.now);
        while let Some(bytes) = bench.sim.poll_transmit() {
            let mut bytes = &bytes[..];
            while let Some(read) = decoder.decode(&mut bytes) {
                if read.is_ok() { good += 1 } else { bad += 1 }
            }
        }
    }
    assert_eq!(good, 60);
    assert!(bad > 0);
}

#[test]
fn a_mute_module_says_nothing_and_stays_connected() {
    let mut bench = with("mute");
    bench.command("000");
    bench.open(1);
    assert_eq!(bench.raw_within(seconds(600)), [""; 0]);
    assert!(bench.hangup.is_none());
    bench.fault("mute off");
    bench.command("000");
    bench.expect(&["500 000"]);
}

#[test]
fn installer_mode_may_not_be_left_until_a_reboot() {
    let mut bench = with("installer_deadlock");
    bench.command("0711*8");
    bench.expect(&["500 071", "922"]);
    bench.command("2005555");
    bench.expect(&["500 200", "680"]);
    for _ in 0..3 {
        bench.wait(seconds(2));
        bench.command("0711#");
    }
    bench.wait(seconds(1));
    assert_eq!(bench.sim.state()["installer_mode"], true);
    bench.poke(Poke::Reboot).expect("done");
    assert_eq!(bench.sim.state()["installer_mode"], false);
}

#[test]
fn a_rebooted_module_may_take_all_zones_for_closed() {
    let mut bench = with("forgets_zones");
    bench.open(1);
    bench.open(2);
    bench.poke(Poke::Reboot).expect("done");
    bench.disconnect();
    bench.connect();
    bench.forget();
    bench.command("005user");
    bench.expect(&["500 005", "505 1"]);
    bench.close(2);
    bench.open(2);
    bench.forget();
    bench.command("001");
    let told = bench.within(seconds(1));
    assert!(told.contains(&"610 001".to_owned()) && told.contains(&"609 002".to_owned()), "{told:?}");
}

#[test]
fn a_screen_may_come_in_two_messages() {
    let mut bench = Bench::new(&it100());
    bench.fault("split_screens");
    bench.open(1);
    let told = bench.within(seconds(1));
    assert!(told.contains(&"901 00016Secure System".to_owned()), "{told:?}");
    assert!(told.contains(&"901 10016Before Arming <>".to_owned()), "{told:?}");
}

#[test]
fn commands_may_wait_for_each_other() {
    let mut bench = with("queues_commands");
    for command in ["000", "010143507152", "0581", "008"] {
        bench.command(command);
    }
    bench.command("000");
    let told = bench.within(seconds(1));
    assert_eq!(told[..4], ["502 001", "500 000", "502 025", "502 022"], "a fifth is too many");
    assert_eq!(told[4], "500 008");
}

#[test]
fn keypads_go_dark_on_demand() {
    let mut bench = with("blank");
    bench.wait(ms(10));
    assert_eq!(bench.lamps().0, "00");
    bench.forget();
    bench.command("0301");
    bench.expect(&["502 024"]);
}

#[test]
fn a_dead_bus_refuses_all_but_polling() {
    let mut bench = with("keybus");
    for (command, answer) in [("001", "502 014"), ("0301", "502 014"), ("0711*5", "502 014"), ("000", "500 000")] {
        bench.command(command);
        bench.expect(&[answer]);
    }
    bench.fault("keybus off");
    bench.command("0301");
    bench.expect(&["500 030", "656 1"]);
}

#[test]
fn troubles_can_be_made_by_name() {
    let mut bench = Bench::new(&SimConfig { model: Model::Pc1832, ..evl() });
    for (name, begins, ends) in [
        ("bell", vec!["806", "849 01", "840 1"], vec!["807", "849 00", "841 1"]),
        ("communication", vec!["814", "849 08", "840 1"], vec!["815", "849 00", "841 1"]),
        ("phone_line", vec!["849 04", "840 1"], vec!["849 00", "841 1"]),
        ("tamper", vec!["829", "849 01", "840 1"], vec!["830", "849 00", "841 1"]),
        ("fire", vec!["842", "849 01", "840 1"], vec!["843", "849 00", "841 1"]),
        ("zone_fault 4", vec!["605 004", "849 10", "840 1"], vec!["606 004", "849 00", "841 1"]),
    ] {
        bench.fault(name);
        bench.fault(name);
        assert_eq!(bench.within(ms(10)), begins, "{name}");
        bench.fault(&format!("{name} off"));
        assert_eq!(bench.within(ms(10)), ends, "{name}");
    }
}
