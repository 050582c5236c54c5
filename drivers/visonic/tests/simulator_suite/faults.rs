//! Every fault on purpose does what its name says, and nothing but that.

use driver_visonic::sim::{Hostile, Model, SimConfig, Step, Timings};
use panel_driver::sim::{Poke, PokeError};

use crate::bench::{Bench, checksum, hex, master, max, ms, quick, seconds};

const ALIVE: &str = "AB 03 00 00 00 00 00 00 00 00 00 43";
const STATUS: &str = "A2 00 00 08 00 00 00 00 00 00 00 43";
const DOWNLOAD: &str = "24 00 00 56 50 00 00 00 00 00 00";
const READ: &str = "3E 00 04 20 00 B0 00 00 00 00 00";

fn with(words: &str) -> Bench {
    let mut bench = Bench::new(&max());
    bench.fault(words);
    bench
}

#[test]
fn some_checksums_are_wrong() {
    let mut bench = with("bad_checksums 2");
    for _ in 0..40 {
        bench.send(ALIVE);
        bench.wait(ms(300));
    }
    let good = bench.all_within(ms(1)).len();
    assert!((10..30).contains(&good), "{good} of 40");
    assert_eq!(bench.garbage.len(), (40 - good) * 5, "whole frames, as nobody can read them");
}

#[test]
fn a_sender_of_the_other_checksum() {
    let mut bench = with("other_checksum");
    bench.send(ALIVE);
    bench.silent(ms(300));
    assert_eq!(hex(&bench.raw), "0D 02 43 BB 0A");
}

#[test]
fn blocks_are_shorter_than_they_say() {
    let mut bench = with("short_blocks");
    bench.download("56 50");
    bench.acks = false;
    bench.forget();
    let mut lengths = Vec::new();
    for _ in 0..20 {
        bench.send(READ);
        bench.wait(ms(200));
        bench.send_raw(&[0x0D, 0x02, 0xFD, 0x0A]);
        bench.wait(ms(100));
        let length: usize = bench.pieces.drain(..).map(|(_, length)| length).sum();
        // Behind the acknowledgement of four bytes.
        lengths.push(length - 4);
    }
    assert!(lengths.iter().all(|length| (34..=39).contains(length)), "{lengths:?}");
    assert!(lengths.contains(&39) && lengths.iter().any(|length| *length < 39), "{lengths:?}");
}

#[test]
fn so_many_acknowledgements_get_lost() {
    let mut bench = with("lose_acks 2");
    for _ in 0..2 {
        bench.send(ALIVE);
        bench.silent(seconds(1));
    }
    bench.send(ALIVE);
    bench.expect(&["02 43"]);
}

#[test]
fn a_lost_acknowledgement_does_not_lose_the_answer() {
    let mut bench = with("lose_acks 1");
    bench.send(STATUS);
    bench.expect(&["A5 00 04 .."]);
}

#[test]
fn acknowledgements_come_late() {
    let mut bench = with("slow_ack 700");
    bench.send(ALIVE);
    bench.silent(ms(700));
    bench.expect(&["02 43"]);
}

#[test]
fn data_comes_before_the_acknowledgement() {
    let mut bench = with("ack_last");
    bench.send(DOWNLOAD);
    bench.expect(&["3C ..", "02"]);
    bench.send(READ);
    bench.expect(&["3F ..", "02"]);
}

#[test]
fn so_many_commands_get_lost() {
    let mut bench = with("lose_commands 1");
    bench.send(ALIVE);
    bench.silent(seconds(1));
    bench.send(ALIVE);
    bench.expect(&["02 43"]);
    assert_eq!(bench.count("command_lost"), 1);
}

#[test]
fn commands_that_come_too_soon_get_lost() {
    let mut bench = with("min_gap 150");
    for gap in [149, 150] {
        bench.send(ALIVE);
        bench.wait(ms(gap));
    }
    bench.send(ALIVE);
    assert_eq!(bench.all_within(seconds(1)), ["02 43", "02 43"]);
    assert_eq!(bench.count("command_lost"), 1);
}

#[test]
fn the_keep_alive_stops() {
    let mut bench = Bench::powerlink(&max());
    bench.fault("no_keep_alive");
    bench.silent(seconds(85));
    bench.fault("no_keep_alive off");
    bench.send(ALIVE);
    bench.await_frame("AB 03 ..");
}

#[test]
fn the_line_breaks_in_the_middle_of_a_download() {
    let mut bench = Bench::new(&max());
    bench.download("56 50");
    bench.fault("drop_after 3");
    bench.memory(0x0400, 0x20);
    bench.send(READ);
    bench.expect(&["02"]);
    bench.silent(seconds(1));
    assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(2)));
    bench.disconnect();
    bench.connect();
    assert_eq!(bench.state()["client"], "download", "the panel knows of no line");
    bench.send("0F");
    bench.expect(&["02"]);
}

#[test]
fn a_busy_panel_says_how_long_to_wait() {
    let mut bench = with("busy 2 9");
    for _ in 0..2 {
        bench.send(DOWNLOAD);
        bench.expect(&["25 00 00 09 00 00 00 00 00 00 00"]);
    }
    bench.download("56 50");
}

#[test]
fn download_mode_times_out_in_the_middle() {
    let mut bench = with("timeout_after 3");
    bench.download("56 50");
    for _ in 0..2 {
        bench.memory(0x0400, 0x20);
    }
    bench.send(READ);
    bench.expect(&["02", "06", "A5 00 04 00 .."]);
    bench.send(READ);
    bench.expect(&["08"]);
    bench.download("56 50");
    bench.memory(0x0400, 0x20);
}

#[test]
fn download_mode_is_answered_with_its_end() {
    let mut bench = with("exit_for_download");
    bench.send(DOWNLOAD);
    bench.expect(&["0F"]);
    bench.silent(seconds(1));
    assert_eq!(bench.state()["client"], "connected");
}

/// A frame that asks for each step, and how it is denied.
const STEPS: [(&str, &str, &str); 18] = [
    ("download", DOWNLOAD, "08"),
    ("read", READ, "08"),
    ("start", "0A", "08"),
    ("stop", "0B", "08"),
    ("exit", "0F", "08"),
    ("set_clock", "46 F8 00 21 2D 00 1D 05 1A FF FF", "08"),
    ("init", "AB 0A 00 01 00 00 00 00 00 00 00 43", "08 43"),
    ("enrol", "AB 0A 00 00 AA AA 00 00 00 00 00 43", "08 43"),
    ("restore", "AB 06 00 00 00 00 00 00 00 00 00 43", "08 43"),
    ("alive", ALIVE, "08 43"),
    ("clock", "AB 01 00 00 00 00 00 00 00 00 00 43", "08 43"),
    ("status", STATUS, "08 43"),
    ("arm", "A1 00 00 05 11 11 07 00 00 00 00 43", "08 43"),
    ("bypass", "AA 11 11 01 00 00 00 00 00 00 00 43", "08 43"),
    ("log", "A0 00 00 00 11 11 00 00 00 00 00 43", "08 43"),
    ("names", "A3 00 00 00 00 00 00 00 00 00 00 43", "08 43"),
    ("output", "A4 00 00 00 00 00 01 01 00 00 00 43", "08 43"),
    ("b0", "B0 01 17 06 01 FF 08 FF 01 24 43", "08 43"),
];

#[test]
fn each_step_can_be_denied_once_and_only_that() {
    for (step, frame, denial) in STEPS {
        let mut bench = Bench::new(&master());
        bench.fault(&format!("deny {step} 1"));
        if matches!(step, "read" | "start" | "set_clock") {
            bench.download("AA AA");
        }
        let frame = frame.replace("56 50", "AA AA");
        bench.send(if step == "alive" { STATUS } else { ALIVE });
        bench.expect(&["02 43"]);
        bench.wait(seconds(1));
        bench.forget();
        bench.send(&frame);
        bench.expect(&[denial]);
        bench.silent(seconds(2));
        assert_eq!((bench.event("denied")["step"].as_str(), bench.count("denied")), (Some(step), 1));
        assert_eq!((bench.count("armed_by"), bench.count("enrolled"), bench.count("bypass")), (0, 0, 0));
        bench.send(&frame);
        bench.expect(&[if denial == "08" { "02" } else { "02 43" }]);
    }
}

#[test]
fn status_bytes_have_bit_5_set() {
    let mut bench = with("status_bit5");
    assert_eq!(bench.status().0, 0x20);
    bench.say("arm stay");
    assert_eq!(bench.status().0, 0x21);
}

#[test]
fn the_status_sticks_to_downloading() {
    let mut bench = with("stuck_download");
    bench.download("56 50");
    bench.send("0F");
    assert_eq!(bench.status().0, 0x07);
    bench.say("arm away");
    assert_eq!(bench.status().0, 0x07);
    bench.fault("stuck_download off");
    assert_eq!(bench.status().0, 0x02);
}

#[test]
fn events_come_in_the_form_that_cannot_be_trusted() {
    let mut bench = Bench::new(&master());
    bench.fault("a7_ff");
    bench.say("arm stay 1 1");
    bench.await_frame("A7 FF ?? 61 51 01 FF 11 06 00 00 43");
    let mut bench = Bench::new(&SimConfig { partitions: 3, ..master() });
    bench.fault("a7_ff");
    bench.say("arm stay 1 1");
    bench.await_frame("A7 FF ?? 61 ?? 01 00 11 06 00 00 43");
    let mut bench = with("a7_ff");
    bench.say("arm stay 1 1");
    bench.await_frame("A7 01 00 27 51 ..");
}

#[test]
fn frames_stick_together() {
    let mut bench = Bench::new(&master());
    bench.fault("coalesce");
    bench.send("B0 01 17 08 01 FF 08 FF 03 18 19 24 43");
    bench.wait(seconds(1));
    let pieces = bench.pieces.len();
    assert!(pieces <= 2, "{pieces}");
    bench.expect(&["02 43", "B0 03 18 ..", "B0 03 19 ..", "B0 03 24 .."]);
}

#[test]
fn frames_come_byte_by_byte() {
    let mut bench = with("bytewise");
    bench.download("56 50");
    assert!(bench.pieces.iter().all(|(_, length)| *length == 1));
    assert!(bench.pieces.windows(2).all(|pair| pair[0].0 < pair[1].0), "each at its own time");
    assert_eq!(bench.memory(0x0430, 8).len(), 8);
}

#[test]
fn frame_marks_stand_inside_frames() {
    let mut bench = with("marks");
    bench.download("56 50");
    let phones = bench.memory(0x0120, 0x46);
    assert_eq!(phones.iter().filter(|byte| **byte == 0x0D).count(), 0x23);
    assert_eq!(&bench.memory(0x01AC, 16)[..3], b"\r\n\r");
    let codes = bench.memory(0x01FA, 4);
    assert_eq!(codes, [0x11, 0x11, 0, 0], "nothing that counts is overwritten");
    // And without the fault: a name of the table has one, and 3C ends its second byte with the other.
    let mut bench = Bench::new(&max());
    bench.download("56 50");
    assert_eq!(bench.memory(0x0B40, 8), [0x0C, 0x01, 0x11, 0x10, 0x13, 0x0D, 0x0E, 0x0A]);
}

#[test]
fn checksums_are_frame_marks_now_and_then() {
    let mut bench = Bench::new(&max());
    // The PGM and X10 outputs move the sum of A5 04 through all values.
    let mut marks = 0;
    for low in 0..=0xFF_u8 {
        bench.send("A4 00 00 00 00 00 00 FF FF 00 00 43");
        bench.send(&format!("A4 00 00 00 00 00 01 {low:02X} 00 00 00 43"));
        bench.wait(seconds(6));
        bench.forget();
        bench.send(STATUS);
        let frame = bench.await_frame("A5 ?? 04 ..");
        assert_eq!(frame[9], low);
        marks += usize::from([0x0A, 0x0D].contains(&checksum(&frame)));
    }
    assert_eq!(marks, 2);
}

#[test]
fn noise_comes_between_frames_and_costs_none() {
    let mut bench = with("noise");
    for _ in 0..60 {
        bench.send(ALIVE);
        bench.wait(ms(100));
    }
    let whole = bench.all_within(ms(1)).len();
    assert!(whole >= 40, "{whole} of 60: what begins like a frame may swallow the next");
    assert!(bench.garbage.len() > 30, "{}", bench.garbage.len());
}

#[test]
fn frames_that_nobody_knows_come_now_and_then() {
    let mut bench = with("unknown_frames");
    let mut told = Vec::new();
    for _ in 0..200 {
        bench.send(ALIVE);
        told.extend(bench.all_within(ms(100)));
    }
    assert_eq!(told.iter().filter(|frame| *frame == "02 43").count(), 200);
    assert!(told.contains(&"07".to_owned()) && told.contains(&"1F".to_owned()), "{told:?}");
    assert!(hex(&bench.raw).contains("0D F1 07 43 00 00 8B 56 0A"), "F1, its checksum wrong");
}

#[test]
fn the_status_comes_every_second_while_armed() {
    let mut bench = with("flood");
    bench.silent(seconds(5));
    bench.say("arm away");
    bench.wait(seconds(2));
    bench.forget();
    let told = bench.all_within(seconds(10));
    assert!((9..=11).contains(&told.len()), "{told:?}");
    bench.fault("flood off");
    bench.wait(seconds(1));
    bench.forget();
    bench.silent(seconds(5));
}

#[test]
fn a_mute_panel_says_nothing_but_lives() {
    let mut bench = with("mute");
    bench.send(ALIVE);
    bench.say("open 1");
    bench.silent(seconds(5));
    assert_eq!(bench.event("zone_opened")["sent"], false);
    bench.fault("mute off");
    bench.send(ALIVE);
    bench.await_frame("02 43");
}

#[test]
fn at_the_wrong_speed_neither_side_understands_a_byte() {
    let mut bench = with("garbled");
    bench.send(DOWNLOAD);
    bench.say("open 1");
    bench.silent(seconds(10));
    assert_eq!(bench.state()["client"], "connected");
    assert!(!bench.pieces.is_empty(), "something comes");
}

#[test]
fn a_second_host_takes_and_gives_what_is_not_ours() {
    let mut bench = with("second_host");
    let told = bench.all_within(seconds(10));
    for stray in ["02", "02 43", "3C FD 0A 00 00 4F 05 01 00 00 00"] {
        assert!(told.contains(&stray.to_owned()), "{stray} among {told:?}");
    }
    assert!(told.iter().any(|frame| frame.starts_with("3F 00 04 20")), "a block that nobody here asked for");
    bench.fault("second_host off");
    bench.wait(seconds(3));
    bench.forget();
    bench.silent(seconds(5));
}

#[test]
fn a_second_host_throws_us_out_of_download_mode() {
    let mut bench = with("second_host");
    bench.send(DOWNLOAD);
    bench.wait(seconds(5));
    bench.forget();
    let denied = (0..20).any(|_| {
        bench.send(READ);
        bench.all_within(ms(330)).contains(&"08".to_owned())
    });
    assert!(denied);
}

#[test]
fn stop_can_be_answered_in_another_way_meanwhile() {
    let mut bench = with("stop_answer deny");
    bench.send("0B");
    bench.expect(&["08"]);
    bench.fault("stop_answer nothing");
    bench.send("0B");
    bench.silent(seconds(1));
    bench.fault("stop_answer off");
    bench.send("0B");
    bench.expect(&["02"]);
}

#[test]
fn all_faults_go_away_at_once() {
    let mut bench = with("mute");
    bench.fault("bytewise");
    bench.fault("none");
    bench.send(ALIVE);
    bench.expect(&["02 43"]);
    assert_eq!(bench.pieces.len(), 1);
}

#[test]
fn faults_may_be_there_from_the_start() {
    let mut hostile = Hostile { second_host: true, status_bit5: true, ..Hostile::default() };
    hostile.deny.insert(Step::Arm, u32::MAX);
    let mut bench = Bench::new(&SimConfig { hostile, ..max() });
    bench.send("A1 00 00 05 11 11 07 00 00 00 00 43");
    bench.expect(&["08 43"]);
    bench.await_frame("3C ..");
}

#[test]
fn an_unknown_fault_says_which_there_are() {
    let mut bench = Bench::new(&max());
    let error = bench.poke(Poke::Fault(vec!["gremlins".into()])).expect_err("unknown");
    assert!(matches!(&error, PokeError(text) if text.contains("`gremlins`") && text.contains("coalesce")), "{error}");
    let error = bench.poke(Poke::Fault(vec!["4821".into(), "7".into()])).expect_err("unknown");
    assert!(!error.0.contains("4821"), "a code in the wrong place is not repeated");
}

#[test]
fn forty_eight_users_over_9600_baud_take_little_more_than_the_wire_does() {
    for (baud, limit) in [(9600, 400), (38400, 250)] {
        let timings = Timings { baud: Some(baud), ..Timings::default() };
        let config = SimConfig { timings, users: 47, ..quick(Model::PowerMaster30) };
        let mut bench = Bench::new(&config);
        let start = bench.now;
        bench.download("AA AA");
        assert_eq!(bench.memory(0x0A98, 96).len(), 96);
        bench.send("0F");
        bench.expect(&["02"]);
        let taken = bench.now - start;
        // 14 + 4 + 14 + 4 for the mode, 14 + 4 + 103 + 4 for the codes, 4 + 4 to leave.
        let wire = std::time::Duration::from_micros(169 * 10_000_000 / u64::from(baud));
        assert!(taken > wire && taken < wire + ms(200), "{taken:?} beside {wire:?}");
        assert!(taken < ms(limit), "{taken:?}");
    }
}
