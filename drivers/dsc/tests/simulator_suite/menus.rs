//! The menu machine, row by row: keys, then the panel's own status number and the lights.

use driver_dsc::sim::{Model, SimConfig};
use panel_driver::sim::Simulator;

use crate::bench::{Bench, codes, evl, ms, seconds};

fn after(config: &SimConfig, keys: &str) -> Bench {
    let mut bench = Bench::new(config);
    bench.type_keys(keys);
    bench
}

#[test]
fn every_state_has_its_number_and_lights() {
    let config = SimConfig { user_codes: codes(&[(3, "2468")]), ..evl() };
    for (keys, bus, on, flashing) in [
        ("", "01", "81", "00"),
        ("*", "9E", "80", "00"),
        ("*1", "A0", "81", "08"),
        ("*2", "A1", "81", "10"),
        ("*3", "A2", "81", "04"),
        ("*5", "A5", "80", "00"),
        ("*59999", "8F", "80", "00"),
        ("*51234", "A6", "82", "20"),
        ("*51234>", "A6", "82", "20"),
        ("*512340", "A6", "82", "20"),
        ("*5123405", "A7", "81", "20"),
        ("*5123405432", "A7", "81", "20"),
        ("*51234054321", "A6", "82", "20"),
        ("*5123405#", "A6", "82", "20"),
        ("*5123403*", "A6", "82", "20"),
        ("*5123498", "A6", "82", "20"),
        ("*512349803", "EE", "81", "20"),
        ("*512349903", "EE", "81", "20"),
        ("*512349903#", "A6", "82", "20"),
        ("*51234#", "01", "81", "00"),
        ("*6", "A5", "80", "00"),
        ("*61234", "A9", "82", "20"),
        ("*7", "B3", "80", "00"),
        ("*8", "B7", "80", "00"),
        ("*81234", "8F", "80", "00"),
        ("*85555", "E4", "82", "20"),
        ("*85555006", "E8", "81", "20"),
        ("*85555005", "F7", "82", "20"),
        ("*8555500501", "E7", "81", "20"),
        ("*8555500501*", "EB", "80", "21"),
        ("*8555500501**", "E7", "81", "20"),
        ("*85555001", "E6", "81", "20"),
        ("*85555345*", "EA", "80", "21"),
        ("*85555015", "EE", "81", "20"),
        ("*85555015#", "E4", "82", "20"),
        ("*85555999", "E4", "82", "20"),
        ("*85555#", "01", "81", "00"),
    ] {
        let mut bench = after(&config, keys);
        bench.command("001");
        bench.wait(ms(100));
        assert_eq!((bench.bus().as_str(), bench.lamps()), (bus, (on, flashing)), "after `{keys}`");
    }
}

#[test]
fn six_digit_panels_ask_for_six_digits() {
    let config = SimConfig { code_length: 6, ..evl() };
    for (keys, bus) in [
        ("*5123456", "A6"),
        ("*512345605", "BC"),
        ("*5123456051234", "BC"),
        ("*512345605432165", "A6"),
        ("*8555555006", "FA"),
    ] {
        assert_eq!(after(&config, keys).bus(), bus, "after `{keys}`");
    }
}

#[test]
fn menus_that_do_not_go_with_an_armed_partition_are_not_available() {
    let mut bench = Bench::new(&evl());
    bench.arm_by(None).expect("armed");
    bench.wait(seconds(61));
    for menu in ["*1", "*5", "*6", "*8", "*9"] {
        bench.forget();
        bench.command(&format!("0711{menu}"));
        bench.wait(ms(500));
        assert_eq!(bench.within(ms(10)), ["500 071", "671 1"], "{menu}");
        assert_eq!(bench.bus(), "8E", "{menu}");
        bench.wait(seconds(3));
        assert_eq!(bench.bus(), "05", "{menu}");
    }
    bench.command("0721");
    bench.expect(&["500 072", "671 1"]);
}

#[test]
fn installer_programming_needs_every_partition_disarmed() {
    let mut bench = Bench::new(&SimConfig { partitions: 2, ..evl() });
    bench.command("0302");
    bench.wait(seconds(5));
    bench.forget();
    bench.command("0711*8");
    bench.expect(&["500 071", "671 1"]);
}

#[test]
fn codes_that_break_a_rule_are_not_taken_and_the_place_stays() {
    let config = SimConfig { user_codes: codes(&[(3, "2468"), (4, "8642")]), ..evl() };
    for (keys, why) in [
        ("*51234051234", "the master's"),
        ("*51234055555", "the installer's"),
        ("*51234052468", "another user's"),
        ("*5123440*", "the master cannot be deleted"),
    ] {
        let bench = after(&config, keys);
        assert_eq!(bench.bus(), "A7", "{why}");
        assert_eq!(bench.count("code_rejected"), 1, "{why}");
        assert_eq!(bench.user(5), None, "{why}");
        assert_eq!(bench.user_code(40).as_deref(), Some("1234"), "{why}");
    }
    let bench = after(&config, "*5123449");
    assert_eq!(bench.bus(), "A6", "slot 49 is beyond a PC1616");
    let big = SimConfig { model: Model::Pc1864, ..config };
    assert_eq!(after(&big, "*5123495").bus(), "A7");
    assert_eq!(after(&big, "*5123496").bus(), "A6");
}

#[test]
fn toggles_turn_on_and_off_and_survive_only_with_their_code() {
    let config = SimConfig { partitions: 2, user_codes: codes(&[(3, "2468")]), ..evl() };
    let mut bench = after(&config, "*5123499032718#");
    let user = bench.user(3).expect("there");
    assert_eq!(user["attributes"], serde_json::json!([1, 2, 3, 4, 7, 8]), "the master's 3 and 4 were on");
    bench.type_keys("98032#");
    assert_eq!(bench.user(3).expect("there")["partitions"], serde_json::json!([1]));
    bench.type_keys("98038#");
    assert_eq!(bench.user(3).expect("there")["partitions"], serde_json::json!([1]), "partition 8 is not in use");
    bench.type_keys("03*031357");
    let user = bench.user(3).expect("there");
    assert_eq!(
        (user["attributes"].clone(), user["partitions"].clone()),
        (serde_json::json!([3, 4]), serde_json::json!([1, 2]))
    );
}

#[test]
fn the_master_code_changes_in_its_slot_unless_that_is_locked() {
    let mut bench = after(&evl(), "*51234409876##");
    assert_eq!(bench.user_code(40).as_deref(), Some("9876"));
    bench.type_keys("*59876");
    assert_eq!(bench.bus(), "A6");
    let mut locked = evl();
    locked.options.master_locked = true;
    let mut bench = after(&locked, "*5123440");
    assert_eq!(bench.bus(), "A6", "slot 40 does not open");
    bench.type_keys("#*855550079876#");
    assert_eq!(bench.user_code(40).as_deref(), Some("9876"));
}

#[test]
fn a_supervisor_opens_the_users_menu_but_not_the_masters_slot() {
    let config = SimConfig { user_codes: codes(&[(3, "2468"), (4, "8642")]), ..evl() };
    let mut bench = after(&config, "*52468");
    assert_eq!(bench.bus(), "8F", "an ordinary user is refused");
    bench.wait(seconds(3));
    bench.type_keys("#*5123499031##*52468");
    assert_eq!(bench.bus(), "A6");
    bench.type_keys("40");
    assert_eq!(bench.bus(), "A6");
    bench.type_keys("041111");
    assert_eq!(bench.user_code(4).as_deref(), Some("1111"));
}

#[test]
fn sections_hold_what_is_written_and_change_what_the_panel_does() {
    let mut config = evl();
    config.options.quick_arm = true;
    // Exit delay of partition 1 to 7 s, quick arming off, lockout after 2 codes for 1 minute.
    let mut bench = after(&config, "*8555500501030030007#0154#012002001#");
    assert_eq!(bench.bus(), "01");
    bench.forget();
    bench.command("0301");
    bench.expect(&["500 030", "900"]);
    bench.command("2001234");
    bench.expect(&["500 200", "656 1"]);
    let begun = bench.now;
    bench.expect(&["652 10", "700 10040"]);
    assert_eq!(bench.now - begun, seconds(7));
    bench.command("04010000");
    bench.expect(&["500 040", "670 1"]);
    bench.wait(seconds(4));
    bench.command("04010001");
    bench.expect(&["500 040", "670 1", "658 1"]);
}

#[test]
fn half_a_data_item_is_not_kept() {
    let mut bench = after(&evl(), "*855550120030##");
    bench.type_keys("*85555012");
    assert_eq!(bench.bus(), "E7");
    let events = bench.events.iter().filter(|e| e["event"] == "section_written").count();
    assert_eq!(events, 1, "003 was whole, the 0 after it was not");
}

#[test]
fn another_partition_comes_into_use_by_section_201() {
    let mut bench = after(&evl(), "*855552012##");
    assert_eq!(bench.sim.state()["partitions"].as_array().map(Vec::len), Some(2));
    bench.forget();
    bench.command("0302");
    bench.expect(&["500 030", "656 2"]);
    bench.command("0303");
    bench.expect(&["502 021"]);
}

#[test]
fn six_digit_codes_are_an_option_of_section_701() {
    let mut bench = after(&evl(), "*855557015##");
    assert_eq!(bench.user_code(40).as_deref(), Some("123400"));
    bench.type_keys("*5123400");
    assert_eq!(bench.bus(), "A6");
}

#[test]
fn section_989_brings_the_factory_master_back_and_999_is_barred() {
    let mut bench = after(&evl(), "*51234409876##*855559895555##");
    assert_eq!(bench.user_code(40).as_deref(), Some("1234"));
    bench.type_keys("*855559995555999##");
    assert_eq!(bench.user_code(40).as_deref(), Some("1234"));
    assert_eq!(bench.sim.state()["installer_code"], "5555");
}

#[test]
fn small_menus_do_what_they_say() {
    let mut bench = Bench::new(&evl());
    bench.command("0711*4");
    bench.wait(ms(600));
    assert_eq!(bench.within(ms(10)), ["500 071", "663 1", "650 1"]);
    assert_eq!(bench.bus(), "A3");
    bench.wait(seconds(2));
    assert_eq!(bench.bus(), "01");
    bench.forget();
    bench.command("0711*71");
    bench.expect(&["500 071", "660 1"]);
    bench.wait(seconds(3));
    bench.type_keys("*6123412359123126##");
    assert_eq!(bench.sim.state()["clock"], "2026-12-31 23:59");
    bench.forget();
    bench.command("0711*0");
    bench.expect(&["500 071", "656 1", "652 10", "701 1"]);
    bench.type_keys("1234");
    bench.wait(seconds(1));
    bench.forget();
    bench.command("0711*9");
    bench.expect(&["500 071", "900"]);
    bench.command("2001234");
    bench.expect(&["500 200", "656 1", "652 13", "700 10040"]);
}

#[test]
fn a_code_at_the_bypass_menu_is_asked_for_when_programmed() {
    let mut config = evl();
    config.options.bypass_code = true;
    let mut bench = Bench::new(&config);
    bench.command("0711*1#");
    bench.expect(&["500 071", "900"]);
    assert_eq!(bench.bus(), "01", "the `#` behind it leaves the question");
}

#[test]
fn digits_at_the_idle_keypad_arm_and_disarm_and_are_forgotten_when_half() {
    let mut bench = Bench::new(&evl());
    bench.type_keys("12");
    bench.wait(seconds(11));
    bench.type_keys("1234");
    assert_eq!(bench.partition_state(), "exit_delay");
    bench.type_keys("1234");
    assert_eq!(bench.partition_state(), "ready");
}
