//! Download mode: who gets in, what comes out, how it ends.

use driver_visonic::sim::{Model, PanelOptions, SimConfig, StopAnswer};
use panel_model::Password;

use crate::bench::{Bench, bytes, master, max, ms, quick, seconds};

#[test]
fn the_right_code_opens_download_mode_and_names_the_panel() {
    for (config, code, info) in
        [(max(), "56 50", "3C FD 0A 00 00 4F 05 01 00 00 00"), (master(), "AA AA", "3C FD 0A 00 00 20 07 01 00 00 00")]
    {
        let mut bench = Bench::new(&config);
        bench.send(&format!("24 00 00 {code} 00 00 00 00 00 00"));
        bench.expect(&["02", info]);
        assert_eq!(bench.state()["client"], "download");
    }
}

#[test]
fn a_wrong_code_is_denied_and_changes_nothing() {
    let mut bench = Bench::new(&master());
    for code in ["56 50", "00 00", "11 11"] {
        bench.send(&format!("24 00 00 {code} 00 00 00 00 00 00"));
        bench.expect(&["08"]);
    }
    bench.send("3E 37 04 01 00 B0 00 00 00 00 00");
    bench.expect(&["08"]);
    assert_eq!(bench.state()["client"], "connected");
}

#[test]
fn a_configured_download_code_replaces_the_factorys() {
    let config = SimConfig { download_code: Some(Password::new("BBBB".into())), ..max() };
    let mut bench = Bench::new(&config);
    bench.send("24 00 00 56 50 00 00 00 00 00 00");
    bench.expect(&["08"]);
    bench.download("BB BB");
}

#[test]
fn memory_comes_exactly_as_asked_for_and_long_reads_in_several_blocks() {
    let mut bench = Bench::new(&max());
    bench.download("56 50");
    bench.send("3E FA 01 10 00 B0 00 00 00 00 00");
    bench.expect(&["02", "3F FA 01 10 11 11 00 00 00 00 00 00 00 00 00 00 00 00 00 00"]);
    bench.send("3E 00 19 00 02 B0 00 00 00 00 00");
    bench.expect(&["02", "3F 00 19 B0 41 74 74 69 63 20 ..", "3F B0 19 B0 ..", "3F 60 1A A0 .."]);
    let names = bench.memory(0x1900, 0x200);
    assert_eq!(names.len(), 0x200);
    assert_eq!(&names[12 * 16..12 * 16 + 10], b"Front door");
}

/// Address and length of each block, as listed in 5.2.
const PYVISONIC_MAX: &str = "0104+01 011C+01 018B+01 01AC+10 01FA+80 027A+6F 0300+51 0430+08 0900+80 0980+18 0A00+08 \
    0A20+20 0A60+08 0B24+3A 1900+80 1980+80 1A00+80 1A80+70";
const PYVISONIC_MASTER: &str = "0104+01 011C+01 018B+01 01AC+10 020A+80 028A+5F 0300+51 0430+08 0900+40 0960+40 \
    0A98+31 0B24+1B 1900+80 1980+80 1A00+80 1A80+70 B502+80 B582+80 B602+40 B6E2+80 B762+80 B7E2+80 B862+80 B8E2+80 \
    B962+80 B9E2+80 BA62+80 BAE2+10 C186+80";

#[test]
fn every_block_that_pyvisonic_downloads_is_there() {
    for (config, code, blocks) in [(max(), "56 50", PYVISONIC_MAX), (master(), "AA AA", PYVISONIC_MASTER)] {
        let mut bench = Bench::new(&config);
        bench.download(code);
        for block in blocks.split_whitespace() {
            let (address, length) = block.split_once('+').expect("an address and a length");
            let number = |text| u16::from_str_radix(text, 16).expect("hex");
            let data = bench.memory(number(address), number(length));
            assert_eq!(data.len(), usize::from(number(length)), "{block}");
        }
        assert_eq!(bench.memory(0x0437, 1), [config.model.type_byte()], "as 3C says");
    }
}

#[test]
fn reading_past_the_end_of_the_memory_ends_there() {
    let mut bench = Bench::new(&master());
    bench.download("AA AA");
    bench.send("3E F0 FF 40 00 B0 00 00 00 00 00");
    bench.expect(&["02", "3F F0 FF 10 .."]);
    bench.silent(seconds(1));
}

#[test]
fn the_status_is_downloading_until_the_host_leaves() {
    let mut bench = Bench::new(&max());
    bench.download("56 50");
    bench.send("A2 00 00 08 00 00 00 00 00 00 00 43");
    bench.expect(&["02 43", "A5 00 04 07 .."]);
    bench.send("0F");
    bench.expect(&["02", "A5 00 04 00 01 .."]);
    bench.send("3E 00 19 10 00 B0 00 00 00 00 00");
    bench.expect(&["08"]);
}

#[test]
fn nobody_who_says_anything_is_thrown_out_but_who_is_silent_is() {
    let mut bench = Bench::new(&max());
    bench.download("56 50");
    for _ in 0..3 {
        bench.wait(seconds(25));
        bench.memory(0x0400, 8);
    }
    bench.wait(seconds(29));
    bench.forget();
    bench.wait(seconds(2));
    bench.expect(&["06", "A5 00 04 00 .."]);
    assert_eq!(bench.event("download_ended")["blocks"], 3);
    bench.send("0F");
    bench.expect(&["02"]);
}

#[test]
fn a_dump_comes_row_by_row_as_the_host_acknowledges() {
    let mut bench = Bench::new(&max());
    bench.send("0A");
    bench.expect(&["08"]);
    bench.download("56 50");
    bench.send("0A");
    bench.expect(&["02", "33 00 01 ..", "33 08 01 .."]);
    let rest = bench.all_within(seconds(10));
    assert_eq!(rest.len(), 224 - 2 + 1);
    assert_eq!(rest.last().map(String::as_str), Some("0B"));
    assert!(rest.contains(&"33 F8 01 00 00 11 11 00 00 00 00".to_owned()), "the user codes");
}

#[test]
fn a_dump_waits_for_a_host_that_does_not_acknowledge() {
    let mut bench = Bench::new(&max());
    bench.download("56 50");
    bench.acks = false;
    bench.send("0A");
    bench.expect(&["02", "33 00 01 .."]);
    bench.silent(ms(1900));
    bench.expect(&["33 00 01 ..", "33 00 01 ..", "33 08 01 .."]);
    assert_eq!(bench.count("not_acknowledged"), 1);
    bench.send("0B");
    bench.expect(&["02"]);
    bench.silent(seconds(10));
}

#[test]
fn stop_is_answered_as_the_panel_does_it() {
    for (answer, wanted) in
        [(StopAnswer::Acknowledge, &["02"][..]), (StopAnswer::Deny, &["08"]), (StopAnswer::Nothing, &[])]
    {
        let options = PanelOptions { stop_answer: answer, ..PanelOptions::default() };
        let mut bench = Bench::new(&SimConfig { options, ..max() });
        bench.send("0B");
        assert_eq!(bench.all_within(seconds(1)), wanted);
    }
}

#[test]
fn download_while_armed_is_the_installers_choice() {
    for (allowed, answer) in [(true, "02"), (false, "08")] {
        let options = PanelOptions { download_while_armed: allowed, ..PanelOptions::default() };
        let mut bench = Bench::new(&SimConfig { options, ..max() });
        bench.say("arm away 1 1");
        bench.wait(seconds(2));
        bench.forget();
        bench.send("24 00 00 56 50 00 00 00 00 00 00");
        bench.expect(&[answer]);
    }
}

#[test]
fn while_somebody_is_in_the_installer_menu_a_host_waits() {
    let mut bench = Bench::new(&master());
    bench.fault("installer");
    bench.wait(seconds(2));
    bench.forget();
    bench.send("24 00 00 AA AA 00 00 00 00 00 00");
    bench.expect(&["25 00 00 0A 00 00 00 00 00 00 00"]);
    bench.fault("installer off");
    bench.wait(seconds(2));
    bench.forget();
    bench.download("AA AA");
}

#[test]
fn the_clock_is_set_in_download_mode_only() {
    let set = "46 F8 00 21 2D 00 1D 05 1A FF FF";
    let mut bench = Bench::new(&max());
    bench.send(set);
    bench.expect(&["08"]);
    bench.download("56 50");
    bench.send(set);
    bench.expect(&["02"]);
    bench.send("46 F8 00 00 00 00 1F 02 1A FF FF");
    bench.expect(&["08"]);
    assert_eq!(bench.memory(0x00F8, 6), bytes("21 2D 00 1D 05 1A"));
    bench.send("0F");
    bench.expect(&["02"]);
    bench.wait(seconds(3));
    bench.forget();
    bench.send("AB 01 00 00 00 00 00 00 00 00 00 43");
    bench.expect(&["02 43", "AB 01 00 24 2D 00 1D 05 1A 00 00 43"]);
}

#[test]
fn a_powermax_plus_and_a_360_let_themselves_be_read_too() {
    for (model, code) in [(Model::PowerMaxPlus, "56 50"), (Model::PowerMaster360, "AA AA")] {
        let mut bench = Bench::new(&quick(model));
        bench.download(code);
        assert_eq!(bench.memory(0x0437, 1), [model.type_byte()]);
    }
}

#[test]
fn writing_memory_is_denied_unless_somebody_wants_the_hypothesis() {
    let write = "3D 00 01 02 00 AB CD";
    let mut bench = Bench::new(&max());
    bench.download("56 50");
    bench.send(write);
    bench.expect(&["08"]);
    let options = PanelOptions { hypothetical_writes: true, ..PanelOptions::default() };
    let mut bench = Bench::new(&SimConfig { options, ..max() });
    bench.download("56 50");
    bench.send(write);
    bench.expect(&["02"]);
    assert_eq!(bench.memory(0x0100, 2), [0xAB, 0xCD]);
}

#[test]
fn the_serial_number_comes_by_its_own_request() {
    let mut bench = Bench::new(&max());
    bench.send("5A 30 04 01 00 00 00 00 00 00 00");
    bench.expect(&["02", "33 30 04 ?? ?? ?? ?? ?? FF 4F 05"]);
}
