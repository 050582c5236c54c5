//! Reference transcripts as in `frames/transcripts.frames`, and the rules of the TPI link.

use driver_dsc::sim::{Model, SimConfig};
use panel_driver::sim::{PanicKey, Poke, Simulator};

use crate::bench::{Bench, code_of, codes, evl, ms, seconds, zone};

/// Plays a transcript: `>` lines are sent, `<` lines must come in this order, each as it stands. Lights that the
/// transcript leaves out may come between. `wait N` lets seconds pass.
fn play(bench: &mut Bench, transcript: &str) {
    for line in transcript.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.split_once(' ') {
            Some((">", frame)) => bench.send(frame),
            Some(("wait", time)) => bench.wait(seconds(time.parse().expect("seconds"))),
            Some(("<", frame)) => loop {
                let came = bench.line_within(seconds(90)).unwrap_or_else(|| panic!("{frame} did not come"));
                if came == frame {
                    break;
                }
                assert!(came.starts_with("510") || came.starts_with("511"), "{frame} wanted, {came} came");
            },
            _ => panic!("not a line of a transcript: {line}"),
        }
    }
}

#[test]
fn login_and_first_status_run_as_the_reference_says() {
    let mut bench = Bench::idle(&SimConfig { zones: 3, ..evl() });
    bench.open(3);
    bench.connect();
    play(
        &mut bench,
        "< 5053CD
         > 005user54
         < 5000052A
         < 5051CB
         > 00191
         < 50000126
         < 61000128
         < 61000229
         < 60900332
         < 6511CD
         < 6732D2
         < 8411CE
         < 51080FE
         < 51100F7",
    );
    assert_eq!(bench.all_within(seconds(2)), [""; 0]);
}

#[test]
fn arming_and_disarming_run_as_the_reference_says() {
    let config = SimConfig { master: Some(code_of("9876")), user_codes: codes(&[(1, "1234")]), ..evl() };
    let mut bench = Bench::new(&config);
    bench.fault("opening last");
    play(
        &mut bench,
        "> 0331123491
         < 5000332B
         < 6561D2
         < 65210FE
         < 7001000189
         > 040112348F
         < 50004029
         < 6551D1
         < 750100018E
         < 6501CC",
    );
}

#[test]
fn an_output_that_needs_a_code_runs_as_the_reference_says() {
    let mut config = evl();
    config.options.output_code = true;
    let mut bench = Bench::new(&config);
    play(&mut bench, "> 02012F5\n< 50002027\n< 90099\n> 20012345C\n< 50020027\n< 6601CD");
}

const OPEN_USERS: &str = "> 0721CA
    < 5000722E
    < 9219C
    > 20012345C
    < 50020027
    < 5108200
    < 51120F9";

const LEAVE: &str = "> 0711#EC
    < 5000712D
    < 51081FF
    < 51100F7
    < 6501CC";

#[test]
fn a_user_is_added_as_the_reference_says() {
    let mut bench = Bench::new(&evl());
    play(&mut bench, OPEN_USERS);
    play(&mut bench, "> 0711054321F8\n< 5000712D\n< 51081FF\n< 5108200");
    bench.wait(ms(1500));
    play(&mut bench, LEAVE);
    assert_eq!(bench.user_code(5).as_deref(), Some("4321"));
    assert_eq!(bench.count("code_set"), 1);
}

#[test]
fn a_user_is_deleted_as_the_reference_says() {
    let mut bench = Bench::new(&SimConfig { user_codes: codes(&[(5, "4321")]), ..evl() });
    play(&mut bench, OPEN_USERS);
    play(&mut bench, "> 071105*58\n< 5000712D\n< 51081FF\n< 5108200");
    bench.wait(ms(1500));
    play(&mut bench, LEAVE);
    assert_eq!(bench.user(5), None);
}

#[test]
fn a_partition_is_assigned_as_the_reference_says() {
    let mut bench = Bench::new(&SimConfig { partitions: 2, user_codes: codes(&[(5, "4321")]), ..evl() });
    play(&mut bench, OPEN_USERS);
    play(&mut bench, "> 071198059F\n< 5000712D\n< 51081FF\nwait 1\n> 07112FB\n< 5000712D\nwait 1");
    play(&mut bench, "> 0711#EC\n< 5000712D\n< 5108200\nwait 1");
    play(&mut bench, LEAVE);
    assert_eq!(bench.user(5).expect("still there")["partitions"], serde_json::json!([1]), "2 was on, now it is off");
}

#[test]
fn a_six_digit_code_takes_two_strings() {
    let mut bench = Bench::new(&SimConfig { code_length: 6, ..evl() });
    play(&mut bench, "> 0721CA\n< 5000722E\n< 9219C");
    bench.command("200123456");
    bench.expect(&["500 200", "510 82"]);
    play(&mut bench, "> 0711014321F4\n< 5000712D\n< 51081FF\nwait 2\n> 07116534\n< 5000712D\n< 5108200");
    assert_eq!(bench.user_code(1).as_deref(), Some("432165"));
}

#[test]
fn a_wrong_master_is_refused_as_the_reference_says() {
    let mut bench = Bench::new(&evl());
    play(&mut bench, "> 0721CA\n< 5000722E\n< 9219C\n> 200999976\n< 50020027\n< 6701CE\n< 51080FE");
    bench.wait(ms(500));
    play(&mut bench, "> 0711#EC\n< 5000712D\n< 51081FF\n< 6501CC");
    assert_eq!(bench.bus(), "01");
}

#[test]
fn the_prompt_comes_back_when_a_refused_code_is_not_left() {
    let mut bench = Bench::new(&evl());
    play(&mut bench, "> 0721CA\n< 5000722E\n< 9219C\n> 200999976\n< 50020027\n< 6701CE");
    let before = bench.now;
    bench.expect(&["921"]);
    assert_eq!(bench.now - before, ms(2700));
}

#[test]
fn the_installer_code_is_verified_as_the_reference_says() {
    let mut bench = Bench::new(&evl());
    play(&mut bench, "> 0711*82B\n< 5000712D\n< 9229D\n> 200555566\n< 50020027\n< 6809E\n< 5108200\n< 51120F9");
    bench.wait(ms(1500));
    play(&mut bench, LEAVE);
    assert_eq!(bench.sim.state()["installer_mode"], false);
}

#[test]
fn the_installer_code_is_changed_as_the_reference_says() {
    let mut bench = Bench::new(&evl());
    play(&mut bench, "> 0711*82B\n< 5000712D\n< 9229D\n> 200555566\n< 50020027\n< 6809E\n< 5108200\n< 51120F9");
    play(&mut bench, "> 07110065F\n< 5000712D\n< 51081FF\nwait 1\n> 07119876A7\n< 5000712D\n< 5108200\nwait 1");
    play(&mut bench, LEAVE);
    assert_eq!(bench.sim.state()["installer_code"], "9876");
    play(&mut bench, "> 0711*82B\n< 5000712D\n< 9229D\n> 200555566\n< 50020027\n< 6701CE");
}

#[test]
fn installer_mode_keeps_everybody_else_out() {
    let mut bench = Bench::new(&SimConfig { partitions: 2, ..evl() });
    play(
        &mut bench,
        "> 0711*82B\n< 5000712D\n< 9229D\n> 200555566\n< 50020027\n< 6809E\n< 5108200\n< 51120F9\n< 6732D2",
    );
    for (command, answer) in
        [("0302", "502 017"), ("033211234", "502 017"), ("0721", "502 017"), ("000", "500 000"), ("0741", "500 074")]
    {
        bench.command(command);
        bench.expect(&[answer]);
        bench.wait(ms(100));
    }
    assert!(bench.enter("1234").is_err(), "the keypads are shut");
    bench.forget();
    bench.command("0711#");
    bench.wait(seconds(1));
    bench.forget();
    bench.command("0302");
    bench.expect(&["500 030", "656 2"]);
}

#[test]
fn a_wrong_password_ends_the_connection() {
    let mut bench = Bench::idle(&evl());
    bench.connect();
    bench.expect(&["505 3"]);
    bench.command("005User");
    bench.expect(&["505 0"]);
    assert!(bench.hangup.is_some());
    assert_eq!(bench.count("client_refused"), 1);
    bench.disconnect();
    bench.connect();
    bench.command("005user");
    bench.expect(&["505 3", "500 005", "505 1"]);
}

#[test]
fn a_login_with_a_wrong_checksum_is_acknowledged_and_refused() {
    let mut bench = Bench::idle(&evl());
    bench.connect();
    bench.send("005user55");
    bench.expect(&["505 3", "500 005", "505 0"]);
    assert!(bench.hangup.is_some());
}

#[test]
fn whoever_does_not_log_in_is_sent_away_after_ten_seconds() {
    let mut bench = Bench::idle(&evl());
    bench.connect();
    bench.command("001");
    bench.open(1);
    assert_eq!(bench.within(ms(9999)), ["505 3"], "without a login nothing is answered and nothing told");
    assert_eq!(bench.within(ms(1)), ["505 2"]);
    assert!(bench.hangup.is_some());
}

#[test]
fn each_move_of_a_zone_is_told_exactly_once() {
    let mut bench = Bench::new(&evl());
    for _ in 0..3 {
        bench.open(2);
        bench.open(2);
        bench.close(2);
        bench.close(2);
    }
    bench.poke(Poke::Trip(zone(4))).expect("a zone");
    let told = bench.within(seconds(5));
    let moves: Vec<_> =
        told.iter().filter(|m| m.starts_with("609") || m.starts_with("610")).map(String::as_str).collect();
    let expected = ["609 002", "610 002"].repeat(3).into_iter().chain(["609 004", "610 004"]).collect::<Vec<_>>();
    assert_eq!(moves, expected);
    assert_eq!((bench.count("zone_opened"), bench.count("zone_closed")), (4, 4));
    assert!(bench.events.iter().filter(|e| e["event"] == "zone_opened").all(|e| e["sent"] == true));
}

#[test]
fn what_happens_while_nobody_is_connected_is_lost() {
    let mut bench = Bench::new(&evl());
    bench.disconnect();
    bench.open(1);
    assert_eq!(bench.events.last().map(|e| e["sent"].clone()), Some(false.into()));
    bench.connect();
    bench.command("005user");
    assert_eq!(bench.within(seconds(1)), ["505 3", "500 005", "505 1"]);
    bench.command("001");
    assert!(bench.within(seconds(1)).contains(&"609 001".to_owned()), "a report shows it");
}

#[test]
fn commands_are_refused_by_the_rules_of_the_table() {
    let mut bench = Bench::new(&SimConfig { code_length: 6, ..evl() });
    for (line, answer) in [
        ("00000", "501"),
        ("040112348a", "501"),
        ("0009", "502 020"),
        ("abcde", "502 020"),
        ("0302C5", "502 021"),
        ("07124A", "501"),
    ] {
        bench.send(line);
        bench.expect(&[answer]);
    }
    for (body, answer) in [
        ("0302", "502 021"),
        ("0309", "502 021"),
        ("0401123456", "502 023"),
        ("04011234567", "502 025"),
        ("033112x4", "502 027"),
        ("200123456", "502 026"),
        ("0711", "502 025"),
        ("0711######", "500 071"),
        ("07111234567", "501"),
        ("0711A", "502 027"),
        ("002", "502 022"),
        ("0581", "502 022"),
        ("0952", "502 022"),
        ("123", "502 022"),
        ("0101234", "502 025"),
        ("0102561010126", "502 020"),
        ("0101435071526", "500 010"),
        ("080", "500 080"),
        ("070x", "500 070"),
        ("0201", "502 025"),
        ("02015", "502 020"),
    ] {
        bench.command(body);
        bench.expect(&[answer]);
        bench.wait(seconds(6));
        bench.forget();
    }
    bench.open(1);
    bench.forget();
    bench.command("0301");
    bench.expect(&["502 024"]);
    bench.close(1);
    bench.forget();
    bench.command("0301");
    bench.expect(&["500 030", "656 1"]);
    bench.command("0301");
    bench.expect(&["502 024"]);
}

#[test]
fn a_second_command_while_one_is_open_is_an_overrun() {
    let mut bench = Bench::new(&evl());
    bench.command("000");
    bench.command("001");
    bench.expect(&["502 001", "500 000"]);
}

#[test]
fn a_key_string_too_soon_is_an_overrun_and_the_first_one_runs_on() {
    let mut bench = Bench::new(&evl());
    bench.command("0711*5");
    bench.expect(&["500 071"]);
    bench.command("07111");
    bench.expect(&["502 010", "921"]);
    assert_eq!(bench.bus(), "A5");
}

#[test]
fn wrong_codes_in_commands_come_back_as_670() {
    let mut bench = Bench::new(&evl());
    bench.command("03319999");
    bench.expect(&["500 033", "670 1"]);
    assert_eq!(bench.count("wrong_code"), 1);
    bench.wait(seconds(4));
    bench.command("03311234");
    bench.expect(&["500 033", "656 1"]);
    bench.command("04019999");
    bench.expect(&["500 040", "670 1"]);
    assert_eq!(bench.partition_state(), "exit_delay");
    bench.command("04011234");
    bench.expect(&["502 018"]);
    bench.wait(seconds(4));
    bench.command("04011234");
    bench.expect(&["500 040"]);
    let told = bench.within(seconds(1));
    assert!(told.contains(&"655 1".to_owned()) && told.contains(&"750 10040".to_owned()), "{told:?}");
    assert_eq!(told.last().map(String::as_str), Some("650 1"));
}

#[test]
fn a_code_that_is_asked_for_is_waited_for_ten_seconds() {
    let mut config = evl();
    config.options.quick_arm = false;
    let mut bench = Bench::new(&config);
    bench.command("0301");
    bench.expect(&["500 030", "900"]);
    assert_eq!(bench.within(seconds(11)), [""; 0], "it goes back without a word");
    bench.command("2001234");
    bench.expect(&["502 026"]);
    bench.command("0311");
    bench.expect(&["500 031", "900"]);
    bench.command("2001234");
    bench.expect(&["500 200", "656 1", "652 11", "700 10040"]);
}

#[test]
fn arming_without_a_code_is_a_special_closing() {
    let mut bench = Bench::new(&evl());
    bench.command("0321");
    bench.expect(&["500 032", "656 1", "652 13", "701 1"]);
    bench.command("04011234");
    bench.expect(&["500 040"]);
}

#[test]
fn delays_and_bell_take_the_time_that_is_programmed() {
    let mut config = evl();
    config.options.exit_seconds = 45;
    config.options.entry_seconds = 20;
    config.options.bell_minutes = 3;
    let mut bench = Bench::new(&config);
    bench.command("03311234");
    bench.expect(&["500 033", "656 1"]);
    let exit = bench.now;
    bench.expect(&["652 10"]);
    assert_eq!(bench.now - exit, seconds(45));
    bench.expect(&["700 10040"]);
    bench.open(1);
    bench.expect(&["609 001", "657 1"]);
    let entry = bench.now;
    bench.expect(&["601 1001", "654 1"]);
    assert_eq!(bench.now - entry, seconds(20));
    bench.close(1);
    bench.expect(&["610 001", "602 1001"]);
    let bell = bench.within(seconds(181));
    assert_eq!(bell, ["652 10"], "armed is said again when the bell stops");
    assert_eq!(bench.lamps(), ("86", "00"), "memory is lit");
}

#[test]
fn an_instant_zone_alarms_at_once_and_a_stay_zone_only_when_away() {
    let mut bench = Bench::new(&evl());
    bench.command("0311");
    bench.expect(&["500 031", "656 1", "652 11", "701 1"]);
    assert_eq!(bench.lamps(), ("8A", "00"));
    bench.open(8);
    assert_eq!(bench.within(seconds(1)), ["609 008"], "zone 8 is left out when staying");
    bench.open(3);
    bench.expect(&["609 003", "601 1003", "654 1"]);
}

#[test]
fn without_entry_delay_the_door_alarms_at_once() {
    let mut bench = Bench::new(&evl());
    bench.command("0321");
    bench.expect(&["500 032", "656 1", "652 13", "701 1"]);
    assert_eq!(bench.lamps().1, "02");
    bench.open(1);
    bench.expect(&["609 001", "601 1001", "654 1"]);
}

#[test]
fn a_zone_that_watches_round_the_clock_alarms_while_disarmed() {
    let mut config = evl();
    config.options.zone_types = [(6, 11), (7, 8)].into();
    let mut bench = Bench::new(&config);
    bench.open(6);
    bench.expect(&["609 006", "601 1006", "654 1"]);
    bench.command("04011234");
    bench.expect(&["500 040"]);
    assert_eq!(bench.within(seconds(1)).last().map(String::as_str), Some("651 1"));
    bench.close(6);
    assert_eq!(bench.within(seconds(1)), ["610 006", "602 1006", "650 1"]);
    bench.open(7);
    bench.wait(seconds(1));
    assert_eq!(bench.lamps().0, "C4", "fire and memory");
}

#[test]
fn bypassed_zones_are_told_and_do_not_hinder_arming() {
    let mut bench = Bench::new(&SimConfig { zones: 16, ..evl() });
    bench.open(10);
    bench.wait(seconds(1));
    bench.command("0711*110#");
    bench.wait(seconds(3));
    bench.forget();
    bench.command("0711*1#");
    assert_eq!(bench.within(seconds(3)), ["500 071", "616 0002000000000000", "650 1"]);
    bench.command("03311234");
    bench.expect(&["500 033", "656 1", "652 10", "700 10040", "702 1"]);
}

#[test]
fn troubles_have_their_messages_light_and_byte() {
    let mut bench = Bench::new(&evl());
    bench.poke(Poke::Ac { on: false }).expect("done");
    bench.expect(&["802", "849 02", "840 1"]);
    bench.poke(Poke::Battery { low: true, zone: None }).expect("done");
    bench.expect(&["800", "849 03"]);
    bench.poke(Poke::Battery { low: true, zone: Some(zone(3)) }).expect("done");
    bench.expect(&["832 003", "849 43"]);
    assert_eq!(bench.lamps().0, "91");
    assert_eq!(bench.within(seconds(300)), ["849 43"], "a trouble repeats");
    bench.poke(Poke::Battery { low: false, zone: Some(zone(3)) }).expect("done");
    bench.poke(Poke::Battery { low: false, zone: None }).expect("done");
    bench.poke(Poke::Ac { on: true }).expect("done");
    assert_eq!(bench.within(seconds(1)), ["833 003", "849 03", "801", "849 02", "803", "849 00", "841 1"]);
    bench.poke(Poke::Tamper(zone(2))).expect("done");
    assert_eq!(bench.within(seconds(1)), ["603 1002", "849 20", "840 1", "651 1"]);
    bench.close(2);
    assert_eq!(bench.within(seconds(1)), ["604 1002", "849 00", "841 1", "650 1"], "no 610: it was not open");
}

#[test]
fn calls_for_help_restore_at_once_and_fire_rings() {
    let mut bench = Bench::new(&evl());
    bench.command("0602");
    assert_eq!(bench.within(seconds(1)), ["500 060", "623", "624"]);
    bench.poke(Poke::Panic(PanicKey::Police)).expect("done");
    assert_eq!(bench.within(seconds(1)), ["625", "626"]);
    bench.command("0601");
    assert_eq!(bench.within(seconds(1)), ["500 060", "621", "622", "654 1"]);
}

#[test]
fn a_duress_code_works_and_tells() {
    let mut bench = Bench::new(&SimConfig { user_codes: codes(&[(3, "2468")]), ..evl() });
    bench.edit(3, "attributes 2").expect("done");
    bench.wait(seconds(15));
    bench.forget();
    bench.command("03312468");
    bench.expect(&["500 033", "620 0000", "656 1", "652 10", "700 10003"]);
    bench.command("04012468");
    assert!(bench.within(seconds(1)).contains(&"620 0000".to_owned()));
    bench.command("0721");
    bench.expect(&["500 072", "921"]);
    bench.command("2002468");
    bench.expect(&["500 200", "670 1"]);
}

#[test]
fn a_one_time_code_disarms_once_a_day() {
    let mut bench = Bench::new(&SimConfig { user_codes: codes(&[(3, "2468")]), ..evl() });
    bench.edit(3, "attributes 8").expect("done");
    bench.wait(seconds(15));
    let disarm = |bench: &mut Bench| {
        bench.arm_by(None).expect("armed");
        bench.wait(seconds(90));
        bench.forget();
        bench.command("04012468");
        bench.within(seconds(5)).contains(&"655 1".to_owned())
    };
    assert!(disarm(&mut bench));
    assert!(!disarm(&mut bench), "it is spent");
    bench.command("04011234");
    bench.wait(seconds(24 * 3600));
    assert!(disarm(&mut bench), "a new day");
}

#[test]
fn user_codes_of_another_partition_do_not_work_here() {
    let mut bench = Bench::new(&SimConfig { partitions: 2, user_codes: codes(&[(3, "2468")]), ..evl() });
    bench.edit(3, "partitions 2").expect("done");
    bench.wait(seconds(15));
    bench.forget();
    bench.command("03312468");
    bench.expect(&["500 033", "670 1"]);
    bench.command("03322468");
    bench.expect(&["500 033", "656 2", "652 20", "700 20003"]);
}

#[test]
fn time_stamps_and_broadcasts_come_when_asked_for() {
    let mut bench = Bench::new(&evl());
    bench.command("0101435071526");
    bench.expect(&["500 010"]);
    bench.command("0561");
    bench.expect(&["500 056"]);
    assert_eq!(bench.within(seconds(480)), ["550 1439071526", "550 1443071526"]);
    bench.command("0551");
    bench.open(1);
    bench.wait(seconds(1));
    let lines = bench.raw_within(seconds(1));
    assert!(lines.iter().any(|line| line == "14:43:00 50005530" || line.starts_with("14:43:00 500055")), "{lines:?}");
    bench.command("0550");
    bench.wait(seconds(1));
    bench.forget();
    bench.close(1);
    assert_eq!(bench.within(ms(100)), ["610 001", "650 1"]);
}

#[test]
fn zone_timers_count_down_in_steps_of_five_seconds() {
    let mut bench = Bench::new(&SimConfig { model: Model::Pc1864, ..evl() });
    bench.open(2);
    bench.close(2);
    bench.wait(ms(5500));
    bench.open(1);
    bench.forget();
    bench.command("008");
    let wanted = format!("615 FFFFFEFF{}", "0000".repeat(62));
    bench.expect(&["500 008", &wanted]);
    bench.wait(seconds(5));
    bench.command("008");
    let wanted = format!("615 FFFFFDFF{}", "0000".repeat(62));
    bench.expect(&["500 008", &wanted]);
}

#[test]
fn a_dark_keypad_is_taken_for_not_ready_until_a_key_wakes_it() {
    let mut config = evl();
    config.options.blanking = true;
    let mut bench = Bench::new(&config);
    bench.wait(seconds(31));
    assert_eq!((bench.bus().as_str(), bench.lamps()), ("40", ("00", "00")));
    bench.forget();
    bench.command("0301");
    bench.expect(&["502 024"]);
    bench.command("04011234");
    bench.expect(&["502 023"]);
    bench.command("0711#");
    bench.wait(seconds(1));
    bench.forget();
    bench.command("0301");
    bench.expect(&["500 030", "656 1"]);
}

#[test]
fn a_reboot_closes_the_connection_and_keeps_the_programming() {
    let mut bench = Bench::new(&evl());
    play(&mut bench, OPEN_USERS);
    play(&mut bench, "> 0711054321F8\n< 5000712D\n< 51081FF\n< 5108200");
    bench.poke(Poke::Reboot).expect("done");
    assert_eq!(bench.hangup.map(|h| h.down), Some(seconds(8)));
    bench.disconnect();
    assert_eq!(bench.bus(), "01", "the menu is gone");
    assert_eq!(bench.user_code(5).as_deref(), Some("4321"));
}

#[test]
fn a_menu_stays_open_when_the_line_drops_and_shows_as_busy() {
    let mut bench = Bench::new(&evl());
    play(&mut bench, OPEN_USERS);
    bench.poke(Poke::Drop(seconds(3))).expect("done");
    assert_eq!(bench.hangup.map(|h| h.down), Some(seconds(3)));
    bench.disconnect();
    bench.wait(seconds(3));
    bench.connect();
    bench.command("005user");
    bench.expect(&["505 3", "500 005", "505 1"]);
    bench.command("001");
    let report = bench.all_within(seconds(1));
    for line in ["673 1", "510 82", "511 20"] {
        assert!(report.contains(&line.to_owned()), "{line} in {report:?}");
    }
    bench.wait(seconds(120));
    assert_eq!(bench.bus(), "01", "until the menu times out");
    assert_eq!(bench.count("menu_timed_out"), 1);
}

#[test]
fn a_menu_that_is_kept_open_does_not_time_out() {
    let mut bench = Bench::new(&evl());
    play(&mut bench, OPEN_USERS);
    for _ in 0..20 {
        bench.wait(seconds(60));
        bench.command("0741");
    }
    bench.wait(seconds(1));
    assert_eq!(bench.bus(), "A6");
}
