//! The IT-100's front: acknowledgements, the virtual keypad, labels, and the order of its messages.

use driver_dsc::sim::{Interface, Model, SimConfig};
use panel_driver::sim::{PanicKey, Poke, Simulator};

use crate::bench::{Bench, codes, it100, ms, seconds, zone};

/// The 32 characters of the last full screen among messages.
fn screen(messages: &[String]) -> Option<&str> {
    messages.iter().rev().find_map(|m| m.strip_prefix("901 00032"))
}

/// Presses keys and gives the screen that they lead to.
fn after(bench: &mut Bench, keys: &str) -> String {
    bench.forget();
    bench.press_keys(keys);
    let told = bench.within(seconds(1));
    screen(&told).unwrap_or_else(|| panic!("no screen in {told:?}")).to_owned()
}

#[test]
fn a_user_is_added_by_keys_as_the_reference_says() {
    let mut bench = Bench::new(&it100());
    bench.send("0581CE");
    assert_eq!(bench.raw_within(ms(500)), ["50005832"]);
    bench.send("070*C1");
    bench.wait(ms(200));
    bench.send("070^F5");
    let told = bench.within(ms(300));
    assert_eq!(told.iter().filter(|m| *m == "500 070").count(), 2, "press and release are acknowledged");
    assert_eq!(screen(&told), Some("Press (*) for <>Zone Bypass"));
    bench.send("0705CC");
    bench.wait(ms(200));
    bench.send("070^F5");
    let told = bench.raw_within(ms(1000));
    assert!(told.contains(&"90014FE".to_owned()), "{told:?}");
    assert!(told.iter().any(|line| line.starts_with("90100032Enter           Master Code     ")), "{told:?}");
    assert_eq!(after(&mut bench, "1234"), "(*) to Edit <>  User 01");
    assert_eq!(after(&mut bench, "05"), "Enter New Code  AAAA");
    let told = {
        bench.forget();
        bench.press_keys("4321");
        bench.within(seconds(1))
    };
    assert_eq!(screen(&told), Some("(*) to Edit <>  User 05        P"));
    assert!(told.contains(&"904 005".to_owned()), "accepted codes beep");
    bench.forget();
    bench.press_keys("#");
    let told = bench.raw_within(seconds(1));
    let text = told.iter().position(|l| l == "90100032System is       Ready to Arm  <>E2").expect("the ready text");
    let ready = told.iter().position(|l| l == "90311FE").expect("Ready on");
    let program = told.iter().position(|l| l == "9036002").expect("Program off");
    assert!(text < ready && ready < program, "{told:?}");
    assert_eq!(bench.user_code(5).as_deref(), Some("4321"));
}

#[test]
fn every_good_frame_is_acknowledged_before_it_is_refused() {
    let mut bench = Bench::new(&it100());
    for (body, answers) in [
        ("000", &["500 000"][..]),
        ("0302", &["500 030", "502 021"]),
        ("040112340", &["500 040", "502 023"]),
        ("0401123400", &["500 040", "502 023"]),
        ("200123456", &["500 200", "502 026"]),
        ("0711*5", &["500 071", "502 020"]),
        ("0721", &["500 072", "502 020"]),
        ("005user", &["500 005", "502 020"]),
        ("0301x", &["500 030", "502 025"]),
        ("0801", &["500 080", "580 1"]),
        ("0951", &["500 095", "502 033"]),
        ("0961C+000", &["500 096", "502 032"]),
        ("0580", &["500 058"]),
        ("0705", &["500 070", "502 028"]),
    ] {
        bench.command(body);
        assert_eq!(bench.within(seconds(1)), answers, "{body}");
    }
    bench.send("00000");
    assert_eq!(bench.within(seconds(1)), ["501"]);
    bench.send("0x");
    assert_eq!(bench.within(seconds(1)), ["502 020"]);
}

#[test]
fn codes_in_commands_are_padded_to_six_digits() {
    let mut bench = Bench::new(&it100());
    bench.command("03311234");
    assert_eq!(bench.within(seconds(1)), ["500 033", "502 025"], "unpadded is refused");
    bench.command("0331123400");
    assert!(bench.within(seconds(1)).contains(&"656 1".to_owned()));
    bench.wait(seconds(60));
    bench.forget();
    bench.command("0401123400");
    assert!(bench.within(seconds(1)).contains(&"750 10040".to_owned()));
}

#[test]
fn all_four_forms_of_200_are_taken_unless_one_is_chosen() {
    let mut config = it100();
    config.options.output_code = true;
    for (form, data) in
        [("partition_padded", "1123400"), ("padded", "123400"), ("partition_raw", "11234"), ("raw", "1234")]
    {
        for fault in ["any", form, if form == "raw" { "padded" } else { "raw" }] {
            let mut bench = Bench::new(&config);
            bench.fault(&format!("code_form {fault}"));
            bench.command("02012");
            assert!(bench.within(seconds(1)).contains(&"900 14".to_owned()));
            bench.command(&format!("200{data}"));
            let told = bench.within(seconds(1));
            let taken = fault == "any" || fault == form;
            assert_eq!(told.contains(&"660 1".to_owned()), taken, "{form} when {fault} is wanted: {told:?}");
            assert_eq!(told.contains(&"502 025".to_owned()), !taken);
            assert_eq!(bench.count("wrong_code"), 0, "a form that does not fit is not a wrong code");
        }
    }
}

#[test]
fn a_status_report_shows_zones_partitions_troubles_version_and_keypad() {
    let mut bench = Bench::new(&SimConfig { zones: 3, ..it100() });
    bench.open(2);
    bench.poke(Poke::Ac { on: false }).expect("done");
    bench.wait(seconds(1));
    bench.forget();
    bench.command("001");
    let told = bench.within(seconds(2));
    let head = [
        "500 001",
        "610 001",
        "609 002",
        "610 003",
        "651 1",
        "840 1",
        "801",
        "802",
        "807",
        "811",
        "830",
        "843",
        "908 010102",
        "901 00032Secure System   Before Arming <>",
    ];
    assert_eq!(told[..head.len()], head);
    assert_eq!(
        told[head.len()..],
        ["903 10", "903 20", "903 30", "903 40", "903 51", "903 60", "903 70", "903 81", "903 90"]
    );
}

#[test]
fn a_key_that_is_not_released_is_held() {
    let mut bench = Bench::new(&it100());
    bench.command("070*");
    bench.wait(ms(500));
    bench.command("0705");
    bench.wait(seconds(2));
    assert_eq!(bench.bus(), "9E", "the 5 did not go down");
    bench.command("070^");
    bench.wait(ms(500));
    bench.command("0705");
    bench.wait(seconds(2));
    assert_eq!(bench.bus(), "A5");
}

#[test]
fn panic_and_function_keys_want_a_long_press() {
    let mut bench = Bench::new(&it100());
    bench.press_keys("Fb");
    assert_eq!(bench.count("keypad_alarm"), 0, "200 ms are too short");
    bench.command("070A");
    bench.wait(ms(1600));
    bench.command("070^");
    let told = bench.within(ms(500));
    assert!(told.contains(&"623".to_owned()) && told.contains(&"624".to_owned()), "{told:?}");
    bench.command("070b");
    bench.wait(ms(1600));
    bench.command("070^");
    bench.wait(seconds(61));
    assert_eq!(bench.partition_state(), "armed");
}

#[test]
fn the_list_of_users_scrolls_and_changes_nothing() {
    let mut bench = Bench::new(&SimConfig { user_codes: codes(&[(2, "2468")]), ..it100() });
    let before = bench.sim.users();
    after(&mut bench, "*51234");
    assert_eq!(after(&mut bench, ">"), "(*) to Edit <>  User 02        P");
    assert_eq!(after(&mut bench, ">"), "(*) to Edit <>  User 03");
    assert_eq!(after(&mut bench, "<<<"), "(*) to Edit <>  User 48");
    assert_eq!(after(&mut bench, ">>*"), "Enter New Code  2468");
    assert_eq!(after(&mut bench, "#"), "(*) to Edit <>  User 02        P");
    assert_eq!(after(&mut bench, "#"), "System is       Ready to Arm  <>");
    assert_eq!(bench.sim.users(), before);
}

#[test]
fn stored_digits_show_only_where_the_option_says_so() {
    let mut config = SimConfig { user_codes: codes(&[(2, "2468")]), ..it100() };
    config.options.lcd_shows_codes = false;
    let mut bench = Bench::new(&config);
    assert_eq!(after(&mut bench, "*5123402"), "Enter New Code");
    bench.press_keys("13");
    let told = bench.within(seconds(5));
    assert!(told.iter().all(|m| !m.contains("2468") && !m.contains("1368")), "{told:?}");
}

#[test]
fn masks_and_attributes_are_read_and_toggled_on_the_display() {
    let mut bench = Bench::new(&SimConfig { partitions: 2, user_codes: codes(&[(2, "2468")]), ..it100() });
    assert_eq!(after(&mut bench, "*512349802"), "Partitions      12------");
    assert_eq!(after(&mut bench, "2"), "Partitions      1-------");
    after(&mut bench, "#");
    assert_eq!(after(&mut bench, "9902"), "Attributes      --34----");
    assert_eq!(after(&mut bench, "18"), "Attributes      1-34---8");
    after(&mut bench, "##");
    let user = bench.user(2).expect("there");
    assert_eq!(user["partitions"], serde_json::json!([1]));
    assert_eq!(user["attributes"], serde_json::json!([1, 3, 4, 8]));
}

#[test]
fn a_refused_code_sounds_and_says_so_but_sends_no_670() {
    let mut bench = Bench::new(&it100());
    bench.press_keys("*5");
    bench.forget();
    bench.press_keys("9999");
    let told = bench.within(seconds(1));
    assert_eq!(screen(&told), Some("Invalid         Access Code"));
    assert!(told.contains(&"906 002".to_owned()));
    assert!(!told.iter().any(|m| m.starts_with("670")), "typed keys are not its own code");
    bench.wait(seconds(3));
    assert_eq!(bench.bus(), "A5", "the question is back");
    bench.press_keys("#");
    bench.forget();
    bench.command("0331999900");
    assert!(bench.within(seconds(1)).contains(&"670 1".to_owned()));
}

#[test]
fn a_duplicate_code_sounds_and_stays() {
    let mut bench = Bench::new(&SimConfig { user_codes: codes(&[(2, "2468")]), ..it100() });
    bench.press_keys("*5123403");
    bench.forget();
    bench.press_keys("2468");
    let told = bench.within(seconds(1));
    assert!(told.contains(&"906 002".to_owned()));
    assert_eq!(screen(&told), Some("Enter New Code  AAAA"));
    assert_eq!(bench.user(3), None);
}

#[test]
fn the_installer_menu_shows_itself_on_the_display_only() {
    let mut bench = Bench::new(&it100());
    bench.press_keys("*8");
    bench.forget();
    bench.press_keys("5555");
    let told = bench.within(seconds(1));
    assert_eq!(screen(&told), Some("Enter Section   ---"));
    assert!(!told.iter().any(|m| m.starts_with("680") || m.starts_with("922")), "{told:?}");
    assert_eq!(after(&mut bench, "006"), "Code            5555");
    assert_eq!(after(&mut bench, "9876"), "Enter Section   ---");
    bench.forget();
    bench.command("0301");
    assert_eq!(bench.within(seconds(1)), ["500 030", "502 017"]);
    assert_eq!(after(&mut bench, "007"), "Code            1234");
    assert_eq!(after(&mut bench, "##"), "System is       Ready to Arm  <>");
    assert_eq!(bench.sim.state()["installer_code"], "9876");
}

#[test]
fn somebody_elses_menu_makes_the_display_busy() {
    let mut bench = Bench::new(&it100());
    bench.edit(7, "code 4821").expect("typed");
    let told = bench.within(seconds(1));
    assert!(told.contains(&"673 1".to_owned()));
    assert_eq!(screen(&told), Some("System is busy  Please wait"));
    bench.wait(seconds(15));
    assert_eq!(bench.user_code(7).as_deref(), Some("4821"));
}

#[test]
fn labels_come_all_and_padded() {
    let mut config = it100();
    config.labels = [(2, "Garage".to_owned())].into();
    let mut bench = Bench::new(&config);
    bench.command("002");
    let told = bench.within(seconds(10));
    let labels: Vec<_> = told.iter().filter_map(|m| m.strip_prefix("570 ")).collect();
    assert_eq!(labels.len(), 107);
    assert!(told.iter().any(|m| m.starts_with("570 001Front Door")));
    assert!(told.iter().any(|m| m.starts_with("570 002Garage")));
    assert!(told.iter().any(|m| m.starts_with("570 101Partition 1")));
    assert!(told.iter().any(|m| m.starts_with("570 151Output 8-4")));
    let first = "570001Front Door                      AA";
    bench.command("002");
    assert!(bench.raw_within(seconds(10)).contains(&first.to_owned()));
}

#[test]
fn bytes_take_their_time_on_a_serial_line() {
    let slow = SimConfig::new(Interface::It100, Model::Pc1616);
    let mut bench = Bench::new(&slow);
    let begun = bench.now;
    bench.command("002");
    while bench.line_within(seconds(1)).is_some_and(|line| !line.starts_with("570151")) {}
    let took = bench.now - begun;
    assert!((ms(4600)..ms(4900)).contains(&took), "107 labels at 9600 baud are 4.7 s, not {took:?}");
    bench.command("0804");
    bench.wait(seconds(1));
    bench.forget();
    let begun = bench.now;
    bench.command("002");
    while bench.line_within(seconds(1)).is_some_and(|line| !line.starts_with("570151")) {}
    assert!(bench.now - begun < ms(500), "at 115200 baud 0.4 s");
}

#[test]
fn four_commands_may_wait_and_the_fifth_overruns_the_buffer() {
    let mut bench = Bench::new(&it100());
    for _ in 0..5 {
        bench.command("000");
    }
    let told = bench.within(seconds(1));
    assert_eq!(told, ["502 002", "500 000", "500 000", "500 000", "500 000"]);
}

#[test]
fn events_have_the_numbers_of_this_module() {
    let mut bench = Bench::new(&it100());
    bench.command("0580");
    bench.wait(seconds(1));
    bench.forget();
    bench.poke(Poke::Battery { low: true, zone: Some(zone(3)) }).expect("done");
    assert_eq!(bench.within(ms(100)), ["821 003", "840 1"]);
    bench.poke(Poke::Battery { low: false, zone: Some(zone(3)) }).expect("done");
    assert_eq!(bench.within(ms(100)), ["822 003", "841 1"]);
    bench.fault("phone_line");
    assert_eq!(bench.within(ms(100)), ["810", "840 1"]);
    bench.fault("phone_line off");
    assert_eq!(bench.within(ms(100)), ["811", "841 1"]);
    bench.fault("keybus");
    bench.fault("keybus off");
    assert_eq!(bench.within(ms(100)), ["896", "897"]);
    bench.poke(Poke::Panic(PanicKey::Fire)).expect("done");
    assert_eq!(bench.within(ms(100)), ["621", "622", "654 1"]);
}

#[test]
fn a_reboot_is_silence_and_then_the_version() {
    let mut bench = Bench::new(&it100());
    bench.press_keys("*51234");
    bench.forget();
    bench.poke(Poke::Reboot).expect("done");
    bench.command("000");
    bench.open(1);
    let told = bench.within(seconds(10));
    assert_eq!(told.first().map(String::as_str), Some("908 010102"), "{told:?}");
    assert!(bench.hangup.is_none(), "a serial port does not close");
    assert_eq!(bench.bus(), "03");
    bench.command("000");
    bench.wait(seconds(1));
    assert!(bench.raw_within(ms(1)).contains(&"50000025".to_owned()));
}

#[test]
fn setting_the_clock_may_want_a_code() {
    let mut config = it100();
    config.options.clock_code = true;
    let mut bench = Bench::new(&config);
    bench.command("0101435071526");
    assert!(bench.within(seconds(1)).contains(&"900 14".to_owned()));
    bench.command("2001123400");
    bench.wait(seconds(1));
    assert_eq!(bench.sim.state()["clock"], "2026-07-15 14:35");
}

#[test]
fn the_idle_display_may_show_the_clock() {
    let mut bench = Bench::new(&it100());
    bench.command("0102249070814");
    bench.wait(seconds(1));
    bench.fault("idle_clock");
    bench.wait(ms(100));
    let told = bench.within(ms(1));
    assert_eq!(screen(&told), Some("  Date     Time JUL 08/14 10:49p"));
    let told = bench.within(seconds(60));
    assert_eq!(screen(&told), Some("  Date     Time JUL 08/14 10:50p"));
}

#[test]
fn a_dark_keypad_is_told_and_wakes_on_a_command() {
    let mut config = it100();
    config.options.blanking = true;
    let mut bench = Bench::new(&config);
    let told = bench.within(seconds(31));
    assert!(told.contains(&"659 1".to_owned()), "{told:?}");
    bench.command("0331123400");
    assert!(bench.within(seconds(1)).contains(&"656 1".to_owned()));
    config.options.unblank_code = true;
    let mut bench = Bench::new(&config);
    bench.wait(seconds(31));
    bench.forget();
    bench.command("0331123400");
    assert_eq!(bench.within(seconds(1)), ["500 033", "502 030"]);
    bench.press_keys("#1234");
    bench.wait(seconds(1));
    bench.forget();
    bench.command("0331123400");
    assert!(bench.within(seconds(1)).contains(&"656 1".to_owned()));
}
