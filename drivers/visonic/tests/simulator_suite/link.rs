//! Enrolment, keep-alive, acknowledgements, checksums, what an unknown message gets.

use std::time::Duration;

use driver_visonic::sim::{Model, SimConfig, Timings};

use crate::bench::{Bench, frame, master, max, ms, quick, seconds};

const ENROL_MAX: &str = "AB 0A 00 00 56 50 00 00 00 00 00 43";
const ENROL_MASTER: &str = "AB 0A 00 00 AA AA 00 00 00 00 00 43";
const INIT: &str = "AB 0A 00 01 00 00 00 00 00 00 00 43";
const RESTORE: &str = "AB 06 00 00 00 00 00 00 00 00 00 43";
const ALIVE: &str = "AB 03 00 00 00 00 00 00 00 00 00 43";

#[test]
fn an_enrolled_host_gets_the_state_and_a_keep_alive_every_thirty_seconds() {
    let mut bench = Bench::new(&max());
    bench.send(ENROL_MAX);
    bench.expect(&["02 43"]);
    bench.silent(seconds(60));
    bench.send(RESTORE);
    bench.expect(&["02 43"]);
    let told = bench.all_within(seconds(5));
    assert!(told.contains(&"AB 03 00 1E 00 31 2E 31 35 00 00 43".to_owned()), "{told:?}");
    let parts: Vec<&str> = told.iter().filter(|f| f.starts_with("A5 06")).map(|f| &f[6..8]).collect();
    assert_eq!(parts, ["01", "02", "03", "04", "05", "06"]);
    assert_eq!(bench.state()["client"], "powerlink");
    let told = bench.timed_within(seconds(60));
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((told[1].0 - told[0].0).as_secs(), 30);
}

#[test]
fn a_powermaster_tells_sixteen_parts() {
    let mut bench = Bench::new(&master());
    bench.send(ENROL_MASTER);
    bench.send(RESTORE);
    let told = bench.all_within(seconds(8));
    let parts: Vec<&str> = told.iter().filter(|f| f.starts_with("A5 10")).map(|f| &f[6..8]).collect();
    assert_eq!(parts.first().zip(parts.last()), Some((&"01", &"10")));
    assert_eq!(parts.len(), 16);
}

#[test]
fn a_wrong_code_does_not_enrol() {
    let mut bench = Bench::new(&max());
    bench.send(ENROL_MASTER);
    bench.expect(&["08 43"]);
    bench.send(RESTORE);
    bench.wait(seconds(5));
    bench.forget();
    bench.silent(seconds(100));
    assert_eq!(bench.state()["enrolled"], false);
}

#[test]
fn init_makes_the_panel_ask_and_then_it_takes_any_code() {
    let mut bench = Bench::new(&master());
    bench.send(INIT);
    bench.expect(&["02 43"]);
    bench.silent(ms(900));
    bench.expect(&[INIT]);
    bench.send("AB 0A 00 00 4F 48 00 00 00 00 00 43");
    bench.expect(&["02 43"]);
    assert_eq!(bench.state()["enrolled"], true);
    bench.download("4F 48");
    bench.send("0F");
    bench.wait(seconds(1));
    bench.forget();
    bench.send(ENROL_MASTER);
    bench.expect(&["08 43"]);
    bench.fault("forget_enrolment");
    bench.send(ENROL_MASTER);
    bench.expect(&["02 43"]);
}

#[test]
fn old_types_are_enrolled_in_their_menu_only() {
    let mut bench = Bench::new(&quick(Model::PowerMaxPlus));
    bench.send(ENROL_MAX);
    bench.send(INIT);
    bench.expect(&["08 43", "08 43"]);
    bench.fault("enrol_menu");
    bench.expect(&[INIT]);
    bench.send(ENROL_MAX);
    bench.expect(&["02 43"]);
}

#[test]
fn a_panel_with_a_powerlink_of_its_own_takes_no_other() {
    let mut bench = Bench::new(&quick(Model::PowerMaster360));
    bench.send(INIT);
    bench.expect(&["02 43"]);
    bench.silent(seconds(5));
    bench.send(ENROL_MASTER);
    bench.expect(&["08 43"]);
}

#[test]
fn a_host_that_dies_is_missed_and_taken_back() {
    let mut bench = Bench::powerlink(&max());
    bench.acks = false;
    bench.wait(seconds(150));
    assert_eq!((bench.count("powerlink_lost"), bench.event("trouble")["trouble"].as_str()), (1, Some("powerlink")));
    bench.wait(seconds(60));
    bench.forget();
    bench.silent(seconds(60));
    bench.acks = true;
    bench.send(RESTORE);
    bench.expect(&["02 43"]);
    bench.await_frame("AB 03 ..");
    assert_eq!(bench.event("trouble")["on"], false);
}

#[test]
fn alive_from_the_host_counts_as_an_answer() {
    let mut bench = Bench::powerlink(&max());
    bench.acks = false;
    for _ in 0..10 {
        bench.wait(seconds(25));
        bench.send(ALIVE);
        bench.await_frame("02 43");
    }
    assert_eq!(bench.count("powerlink_lost"), 0);
}

#[test]
fn nobody_there_is_missed_too() {
    let config = SimConfig { enrolled: true, ..max() };
    let mut bench = Bench::idle(&config);
    bench.connect();
    bench.disconnect();
    bench.wait(seconds(200));
    assert_eq!(bench.count("powerlink_lost"), 1);
    assert_eq!(bench.state()["troubles"][0], "powerlink");
}

#[test]
fn an_enrolment_from_before_goes_on() {
    let mut bench = Bench::new(&SimConfig { enrolled: true, ..master() });
    bench.await_frame("AB 03 00 1E 00 33 33 31 34 00 00 43");
}

#[test]
fn frames_are_repeated_until_they_are_acknowledged_and_then_given_up() {
    let mut bench = Bench::new(&max());
    bench.acks = false;
    bench.say("open 1");
    let told = bench.timed_within(ms(5900));
    let times: Vec<_> = told.iter().map(|(at, _)| *at - told[0].0).collect();
    assert_eq!(times, [ms(0), ms(2000), ms(4000)]);
    assert!(told.iter().all(|(_, frame)| *frame == told[0].1), "the same frame");
    bench.send_raw(&frame("02 43"));
    bench.expect(&["A5 00 04 ?? ?? 01 03 .."]);
}

#[test]
fn an_answer_does_not_wait_for_news_that_nobody_acknowledged() {
    let mut bench = Bench::new(&max());
    bench.acks = false;
    bench.say("open 1");
    bench.expect(&["A5 00 02 01 .."]);
    bench.send("AB 01 00 00 00 00 00 00 00 00 00 43");
    assert_eq!(bench.all_within(ms(100))[..2], ["02 43", "AB 01 00 00 00 0C 01 01 1A 00 00 43"]);
    // And the news come again, three times in all.
    bench.wait(seconds(9));
    assert_eq!(bench.count("not_acknowledged"), 1, "the mask; the event behind it is still being repeated");
    let told = bench.raw.windows(5).filter(|bytes| *bytes == [0x0D, 0xA5, 0x00, 0x02, 0x01]).count();
    assert_eq!(told, 3);
}

#[test]
fn commands_with_and_without_terminator_get_their_own_acknowledgement() {
    let mut bench = Bench::new(&max());
    for (command, answer) in [("0F", "02"), ("0B", "02"), (ALIVE, "02 43"), ("09", "02"), ("06", "02")] {
        bench.send(command);
        bench.expect(&[answer]);
    }
}

#[test]
fn two_checksums_are_taken() {
    let mut bench = Bench::new(&master());
    for more in [0, 1] {
        bench.send_summed(ALIVE, more);
        bench.expect(&["02 43"]);
    }
    for more in [2, 255] {
        bench.send_summed(ALIVE, more);
        bench.silent(seconds(3));
        assert!(bench.count("bad_frame") > 0);
        bench.forget();
    }
}

#[test]
fn what_nobody_knows_is_acknowledged_and_breaks_nothing() {
    let mut bench = Bench::new(&max());
    for (command, answer) in [
        ("E1 01 00 43", "02 43"),
        ("E1 01 01 43", "02 43"),
        ("B0 01 42 0B 02 FF 08 0C 06 0F 00 00 00 FF FF 43", "02 43"),
        ("5B 01 02 03", "02"),
        ("AC 00 00 00 00 00 00 00 00 00 00 43", "02 43"),
        ("AD 0B 01 0B FF FF 00 00 00 00 00 43", "02 43"),
    ] {
        bench.send(command);
        bench.expect(&[answer]);
        bench.silent(ms(200));
    }
}

#[test]
fn half_a_frame_is_forgotten_after_two_seconds() {
    let mut bench = Bench::new(&max());
    let alive = frame(ALIVE);
    bench.send_raw(&alive[..7]);
    bench.wait(ms(1500));
    bench.send_raw(&alive[7..]);
    bench.expect(&["02 43"]);
    bench.send_raw(&alive[..7]);
    bench.wait(ms(2500));
    bench.send(ALIVE);
    bench.expect(&["02 43"]);
    assert_eq!(bench.count("bad_frame"), 1);
}

#[test]
fn commands_that_stick_together_or_come_in_bytes_are_all_answered() {
    let mut bench = Bench::new(&max());
    bench.send_raw(&[frame(ALIVE), frame("0F"), frame(ALIVE)].concat());
    bench.expect(&["02 43", "02", "02 43"]);
    for byte in frame(ALIVE) {
        bench.send_raw(&[byte]);
        bench.wait(ms(30));
    }
    bench.expect(&["02 43"]);
}

#[test]
fn bytes_take_their_time_at_9600_baud() {
    let timings = Timings { ack: (ms(10), ms(10)), data: (ms(5), ms(5)), ..Timings::default() };
    let mut bench = Bench::new(&SimConfig { timings, ..SimConfig::new(Model::PowerMaxPro) });
    let start = bench.now;
    bench.send("24 00 00 56 50 00 00 00 00 00 00");
    bench.expect(&["02"]);
    // 14 bytes there, 10 ms of thinking, 4 bytes back.
    let wire = |bytes: u64| Duration::from_micros(bytes * 10_000_000 / 9600);
    assert_eq!(bench.now - start, wire(14) + ms(10) + wire(4));
    bench.expect(&["3C .."]);
    assert_eq!(bench.now - start, wire(14) + ms(10) + wire(4) + ms(5) + wire(14));
}

#[test]
fn a_reboot_takes_a_while_and_keeps_the_enrolment() {
    let mut bench = Bench::powerlink(&max());
    bench.say("reboot");
    bench.send(ALIVE);
    bench.silent(seconds(7));
    bench.wait(seconds(3));
    bench.forget();
    bench.send(ALIVE);
    bench.expect(&["02 43"]);
    bench.await_frame("AB 03 ..");
    assert_eq!(bench.state()["enrolled"], true);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let run = |seed| {
        let mut bench = Bench::powerlink(&SimConfig { seed, users: 3, ..master() });
        bench.say("open 1");
        bench.send("A2 00 00 00 00 00 00 00 00 00 00 43");
        let start = bench.now;
        bench.timed_within(seconds(30)).into_iter().map(|(at, frame)| (at - start, frame)).collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8), "at other times");
}
