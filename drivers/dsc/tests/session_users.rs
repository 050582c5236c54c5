//! Users and the installer code over an Envisalink, and arming: what is typed, when, and what is made of the lights.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod bench;

use bench::*;
use panel_driver::{Command, DriverError, DriverEvent, Outcome, SessionOutput, SetUser};
use panel_model::{
    AccessCode, ArmMode, CodeState, EventKind as K, Evidence, InstallerCode, NotNow, PanelRole, PartitionSet, Refusal,
};

/// Partition 1 shows the list of users.
const LIST: [&str; 2] = ["51082", "51120"];

fn open(bench: &mut Bench, master: &str) {
    bench.expect("0721");
    bench.tell(&["921"]);
    bench.expect(&format!("200{master}"));
    bench.tell(&LIST);
}

fn leave(bench: &mut Bench) {
    bench.expect("0711#");
    bench.tell(&["51081", "51100", "6501"]);
}

fn not_now(bench: &Bench, id: u64, words: &str) {
    match bench.outcome(id) {
        Outcome::NotNow(NotNow { why }) => assert!(why.contains(words), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_code_is_acknowledged_by_the_lights() {
    let mut bench = Bench::ready_envisalink();
    let id = bench.command(set_code(5, "4321"));
    assert_eq!(bench.residues(), [Some("users menu")]);
    let (body, told_before) = bench.sent[0].clone();
    assert_eq!((body.as_str(), told_before), ("0721", 1), "the note is told before the menu is opened");
    open(&mut bench, MASTER);
    bench.expect("0711054321");
    assert!(!bench.answered(id));
    bench.tell(&["51081"]);
    assert!(!bench.answered(id), "digits are wanted");
    bench.tell(&["51082"]);
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::Acknowledged));
    let report = bench.users()[0];
    assert_eq!((report.slot, report.code_state, &report.code), (slot(5), Some(CodeState::Set), &None));
    assert_eq!(report.evidence, Evidence::Acknowledged);
    assert_eq!(bench.residues().len(), 1, "the menu is still open");
    leave(&mut bench);
    assert_eq!(bench.residues(), [Some("users menu"), None]);
    bench.assert_no_secret(&[MASTER, "4321", "0543"]);
}

#[test]
fn six_digits_go_in_two_strings() {
    let config = config(r#"{"interface":"envisalink","host":"a","model":"PC1864","code_length":6}"#);
    let mut start = start();
    start.credentials.master = Some(code("739182"));
    let mut bench = Bench::new(config, start);
    bench.login();
    bench.expect("001");
    bench.tell(&["6501", "51081"]);
    bench.pass(secs(1));
    let id = bench.command(set_code(95, "432165"));
    open(&mut bench, "739182");
    bench.expect("0711954321");
    bench.tell(&["51081"]);
    let typed = bench.now;
    bench.expect("071165");
    assert!(bench.now - typed >= ms(1500), "too fast, and the module loses keys");
    bench.tell(&["51082"]);
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::Acknowledged));
}

#[test]
fn acknowledgements_alone_are_blind_writing() {
    let mut bench = Bench::ready_envisalink();
    let id = bench.command(set_code(5, "4321"));
    open(&mut bench, MASTER);
    bench.expect("0711054321");
    bench.pass(secs(5));
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::WrittenBlind));
    assert_eq!(bench.users()[0].evidence, Evidence::WrittenBlind);
}

#[test]
fn a_code_whose_digits_stay_wanted_is_refused_and_never_repeated() {
    let mut bench = Bench::ready_envisalink();
    let id = bench.command(set_code(5, "4321"));
    open(&mut bench, MASTER);
    bench.expect("0711054321");
    bench.tell(&["51081"]);
    bench.pass(secs(4));
    assert_eq!(bench.failure(id), ("not_taken".into(), false));
    assert!(bench.users().is_empty());
    bench.expect("0711#");
    bench.pass(secs(2));
    bench.expect("0711#");
    bench.tell(&["51081", "51100", "6501"]);
    bench.expect("001");
}

#[test]
fn a_670_refuses_a_code_at_once() {
    let mut bench = Bench::ready_envisalink();
    let id = bench.command(set_code(5, "4321"));
    open(&mut bench, MASTER);
    bench.expect("0711054321");
    bench.tell(&["6701"]);
    assert_eq!(bench.failure(id), ("670".into(), false));
}

#[test]
fn a_user_is_deleted_with_one_star() {
    let mut bench = Bench::ready_envisalink();
    let id = bench.command(Command::DisableUser { slot: slot(5) });
    open(&mut bench, MASTER);
    bench.expect("071105*");
    bench.tell(&["51081", "51082"]);
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::Acknowledged));
    assert_eq!(bench.users()[0].code_state, Some(CodeState::None));
    leave(&mut bench);
}

#[test]
fn toggles_are_not_typed_over_an_envisalink() {
    let mut bench = Bench::ready_envisalink();
    for (partitions, role) in [(Some(PartitionSet::first(1)), None), (None, Some(PanelRole::Duress))] {
        let user = SetUser { slot: slot(5), code: None, label: None, role, partitions };
        let id = bench.command(Command::SetUser(user));
        assert_eq!(bench.outcome(id), &Outcome::Refused(Refusal::Unsupported));
    }
    assert!(bench.sent.is_empty());
}

#[test]
fn consecutive_users_share_one_visit_of_five_then_the_keypads_have_a_pause() {
    let mut bench = Bench::ready_envisalink();
    let ids: Vec<_> = (1..=7).map(|n| bench.command(set_code(n, &format!("43{n:02}")))).collect();
    open(&mut bench, MASTER);
    for n in 1..=5 {
        bench.expect(&format!("07110{n}43{n:02}"));
        bench.tell(&["51081", "51082"]);
    }
    leave(&mut bench);
    let left = bench.now;
    assert!(ids[..5].iter().all(|id| bench.answered(*id)));
    assert!(!bench.answered(ids[5]));
    bench.pass(ms(29_900));
    assert!(bench.sent.is_empty());
    bench.pass(ms(200));
    bench.sent.retain(|(body, _)| body != "000");
    bench.expect("0721");
    assert!(bench.now - left >= secs(30));
    bench.tell(&["921"]);
    bench.expect(&format!("200{MASTER}"));
    bench.tell(&LIST);
    for n in 6..=7 {
        bench.expect(&format!("07110{n}43{n:02}"));
        bench.tell(&["51081", "51082"]);
    }
    let idle = bench.now;
    leave(&mut bench);
    assert!(bench.now - idle >= secs(1), "the menu waits a little for the next user");
}

#[test]
fn one_user_after_the_other_needs_no_pause() {
    let mut bench = Bench::ready_envisalink();
    for n in 1..=2 {
        let id = bench.command(set_code(n, "4321"));
        open(&mut bench, MASTER);
        bench.expect(&format!("07110{n}4321"));
        bench.tell(&["51081", "51082"]);
        assert!(bench.answered(id));
        leave(&mut bench);
    }
}

#[test]
fn a_wrong_master_code_is_tried_once() {
    let mut bench = Bench::ready_envisalink();
    let first = bench.command(set_code(5, "4321"));
    let second = bench.command(set_code(6, "4322"));
    bench.expect("0721");
    bench.tell(&["921"]);
    bench.expect(&format!("200{MASTER}"));
    bench.tell(&["6701", "51080"]);
    assert_eq!(bench.failure(first), ("master_code_needed".into(), false));
    bench.expect("0711#");
    bench.tell(&["51100"]);
    bench.pass(secs(2));
    bench.expect("0711#");
    bench.pass(secs(2));
    bench.expect("0711#");
    bench.pass(secs(15));
    bench.expect("001");
    bench.tell(&["6501", "6502", "51081", "51100"]);
    bench.pass(secs(1));
    assert_eq!(bench.failure(second), ("master_code_needed".into(), false));
    assert_eq!(bench.residues().last(), Some(&None), "the report shows that the menu is closed");
    let third = bench.command(set_code(7, "4323"));
    assert!(bench.answered(third));
    assert!(!bench.sent.iter().any(|(body, _)| body.starts_with("200")));
}

#[test]
fn silence_after_the_master_code_is_a_refusal() {
    let mut bench = Bench::ready_envisalink();
    let id = bench.command(set_code(5, "4321"));
    bench.expect("0721");
    bench.tell(&["900"]);
    bench.expect(&format!("200{MASTER}"));
    bench.tell(&["51082"]);
    bench.pass(ms(3900));
    assert!(!bench.answered(id), "82 without the programming light is also an armed partition");
    bench.pass(ms(200));
    assert_eq!(bench.failure(id).0, "master_code_needed");
}

#[test]
fn the_previous_master_code_is_asked_when_the_new_one_is_refused() {
    let mut start = start();
    start.credentials.previous_master = Some(code("1973"));
    let mut bench = Bench::ready_with(start);
    let id = bench.command(set_code(5, "4321"));
    bench.expect("0721");
    bench.tell(&["921"]);
    bench.expect(&format!("200{MASTER}"));
    bench.tell(&["6701"]);
    leave(&mut bench);
    open(&mut bench, "1973");
    bench.expect("0711054321");
    bench.tell(&["51081", "51082"]);
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::Acknowledged));
    assert!(bench.kinds().contains(&K::UserDivergence));
    assert!(!bench.told(&DriverEvent::MasterProved));
}

#[test]
fn a_taken_master_code_lets_the_previous_one_go() {
    let mut start = start();
    start.credentials.previous_master = Some(code("1973"));
    let mut bench = Bench::ready_with(start);
    bench.command(set_code(5, "4321"));
    open(&mut bench, MASTER);
    assert!(bench.told(&DriverEvent::MasterProved));
}

#[test]
fn a_new_master_code_is_written_last_and_proved_by_opening_with_it() {
    let mut bench = Bench::ready_envisalink();
    let master = bench.command(set_code(40, "9942"));
    open(&mut bench, MASTER);
    let other = bench.command(set_code(6, "4322"));
    bench.expect("0711409942");
    bench.tell(&["51081", "51082"]);
    assert!(!bench.answered(master), "lights are not proof enough for this one");
    leave(&mut bench);
    open(&mut bench, "9942");
    assert_eq!(bench.outcome(master), &Outcome::Applied(Evidence::Acknowledged));
    let answered = bench.outputs.iter().position(|o| matches!(o, SessionOutput::Done(..)));
    bench.expect("0711064322");
    bench.tell(&["51081", "51082"]);
    assert!(bench.answered(other));
    let proved = |o: &SessionOutput| *o == SessionOutput::Event(DriverEvent::MasterProved);
    assert!(bench.outputs.iter().position(proved) > answered, "told when nobody writes it any more");
    leave(&mut bench);
    bench.assert_no_secret(&[MASTER, "9942"]);
}

#[test]
fn other_users_go_before_the_master() {
    let mut bench = Bench::ready_envisalink();
    bench.tell(&["65210"]);
    bench.outputs.clear();
    let mut bench = Bench::ready_envisalink();
    bench.acks = false;
    bench.command(Command::Output { partition: partition(1), output: 1 });
    bench.command(set_code(40, "9942"));
    bench.command(set_code(6, "4322"));
    bench.expect("02011");
    bench.acks = true;
    bench.tell(&["500020", "6601"]);
    open(&mut bench, MASTER);
    bench.expect("0711064322");
}

#[test]
fn a_panel_that_keeps_its_master_code_is_believed() {
    let mut bench = Bench::ready_envisalink();
    let master = bench.command(set_code(40, "9942"));
    open(&mut bench, MASTER);
    bench.expect("0711409942");
    bench.tell(&["51081", "51082"]);
    leave(&mut bench);
    bench.expect("0721");
    bench.tell(&["921"]);
    bench.expect("2009942");
    bench.tell(&["6701"]);
    leave(&mut bench);
    open(&mut bench, MASTER);
    assert_eq!(bench.failure(master), ("master_kept".into(), false));
    leave(&mut bench);
    bench.command(set_code(7, "4323"));
    open(&mut bench, MASTER);
}

#[test]
fn an_alarm_ends_work_in_the_menu_at_once() {
    for alarm in ["6012004", "6542", "6572", "621", "623", "625"] {
        let mut bench = Bench::ready_envisalink();
        let untouched = bench.command(set_code(5, "4321"));
        open(&mut bench, MASTER);
        let waiting = bench.command(set_code(6, "4322"));
        bench.tell(&[alarm]);
        not_now(&bench, untouched, "alarm");
        bench.expect("0711#");
        bench.tell(&["51100"]);
        not_now(&bench, waiting, "");
        bench.expect_silence(secs(20));
    }
}

#[test]
fn an_alarm_after_the_digits_leaves_the_write_to_be_repeated() {
    let mut bench = Bench::ready_envisalink();
    let id = bench.command(set_code(5, "4321"));
    open(&mut bench, MASTER);
    bench.expect("0711054321");
    bench.tell(&["51081", "6011003", "6541"]);
    assert_eq!(bench.failure(id), ("interrupted".into(), true));
    bench.expect("0711#");
}

#[test]
fn a_disarm_leaves_the_menu_first() {
    let mut bench = Bench::ready_envisalink();
    let write = bench.command(set_code(5, "4321"));
    open(&mut bench, MASTER);
    bench.expect("0711054321");
    let human = bench.command(disarm("1357"));
    bench.expect("0711#");
    bench.tell(&["51100"]);
    bench.expect("04011357");
    bench.tell(&["6551", "75010003", "6501"]);
    assert_eq!(bench.outcome(human), &Outcome::Applied(Evidence::ReadBack));
    assert_eq!(bench.failure(write), ("interrupted".into(), true));
    bench.assert_no_secret(&["1357"]);
}

#[test]
fn nothing_is_programmed_while_armed_delayed_alarmed_locked_or_busy() {
    for (said, why) in [
        ("65210", "partition 1 is armed"),
        ("6562", "partition 2 is about to be armed"),
        ("6541", "partition 1 is in alarm"),
        ("6581", "locked"),
        ("680", "installer programming"),
        ("6731", "partition 1 is busy"),
    ] {
        let mut bench = Bench::ready_envisalink();
        bench.tell(&[said]);
        let id = bench.command(set_code(5, "4321"));
        not_now(&bench, id, why);
        bench.expect_silence(secs(5));
    }
}

#[test]
fn a_module_that_says_busy_is_not_typed_at() {
    for (code, words) in [("502018", "busy"), ("502017", "installer"), ("502016", "locked")] {
        let mut bench = Bench::ready_envisalink();
        bench.acks = false;
        let id = bench.command(set_code(5, "4321"));
        bench.expect("0721");
        bench.tell(&[code]);
        not_now(&bench, id, words);
        assert_eq!(bench.residues(), [Some("users menu"), None], "nothing was opened");
        bench.expect_silence(secs(5));
    }
}

#[test]
fn an_old_firmware_without_072_gets_the_keys() {
    let mut bench = Bench::ready_envisalink();
    bench.acks = false;
    bench.command(set_code(5, "4321"));
    bench.expect("0721");
    bench.acks = true;
    bench.tell(&["502022"]);
    bench.expect("0711*5");
}

#[test]
fn a_lost_key_string_ends_the_visit() {
    let mut bench = Bench::ready_envisalink();
    let id = bench.command(set_code(5, "4321"));
    open(&mut bench, MASTER);
    bench.acks = false;
    bench.expect("0711054321");
    bench.pass(ms(5100));
    assert_eq!(bench.failure(id), ("timeout".into(), true));
    bench.acks = true;
    bench.expect("0711#");
}

#[test]
fn what_an_earlier_run_left_open_is_left_first() {
    let mut bench = Bench::new(envisalink(), with_residue());
    bench.login();
    bench.expect("0711#");
    let first = bench.now;
    bench.expect("0711#");
    assert!(bench.now - first >= secs(2));
    bench.expect("001");
    assert!(bench.outputs.is_empty());
    bench.tell(&["6501", "6502", "51081", "51100"]);
    bench.pass(secs(1));
    assert_eq!(bench.snapshots().len(), 1);
    assert_eq!(bench.residues(), [None]);
}

#[test]
fn a_menu_that_stays_open_is_tried_again_and_blocks_others() {
    let mut bench = Bench::new(envisalink(), with_residue());
    bench.login();
    bench.expect("0711#");
    bench.expect("0711#");
    bench.expect("001");
    bench.tell(&["6731", "6502", "51082", "51120"]);
    bench.pass(secs(1));
    assert!(bench.residues().is_empty());
    let id = bench.command(set_code(5, "4321"));
    not_now(&bench, id, "");
    bench.pass(secs(61));
    bench.sent.retain(|(body, _)| body != "000");
    bench.expect("0711#");
    bench.expect("0711#");
    bench.expect("001");
    bench.tell(&["6501", "6502", "51081", "51100"]);
    bench.pass(secs(1));
    assert_eq!(bench.residues(), [None]);
}

#[test]
fn stopping_in_a_menu_leaves_it_first() {
    let mut bench = Bench::ready_envisalink();
    let running = bench.command(set_code(5, "4321"));
    let waiting = bench.command(set_code(6, "4322"));
    open(&mut bench, MASTER);
    bench.shutdown();
    assert!(matches!(bench.outcome(waiting), Outcome::NotNow(_)));
    assert!(matches!(bench.outcome(running), Outcome::NotNow(_)));
    bench.expect("0711#");
    assert_eq!(bench.end, None);
    bench.tell(&["51081", "51100", "6501"]);
    assert_eq!(bench.end, Some(DriverError::Shutdown));
    assert_eq!(bench.residues(), [Some("users menu"), None]);
}

#[test]
fn stopping_does_not_wait_for_a_panel_that_does_not_leave() {
    let mut bench = Bench::ready_envisalink();
    bench.command(set_code(5, "4321"));
    open(&mut bench, MASTER);
    bench.expect("0711054321");
    bench.shutdown();
    bench.pass(secs(9));
    assert_eq!(bench.end, Some(DriverError::Shutdown));
    assert_eq!(bench.residues(), [Some("users menu")], "the next run knows");
}

#[test]
fn the_right_installer_code_is_proved_and_the_menu_left_at_once() {
    let mut bench = Bench::ready_envisalink();
    let id = bench.command(Command::VerifyInstallerCode(InstallerCode::new(INSTALLER.into())));
    assert_eq!(bench.residues(), [Some("installer menu")]);
    bench.expect("0711*8");
    bench.tell(&["922"]);
    bench.expect(&format!("200{INSTALLER}"));
    bench.tell(&["680", "51082", "51120"]);
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::Acknowledged));
    leave(&mut bench);
    assert_eq!(bench.kinds(), [K::InstallerModeEntered, K::InstallerModeLeft]);
    assert!(!bench.told(&DriverEvent::UsersStale), "it was us");
    bench.assert_no_secret(&[INSTALLER]);
}

#[test]
fn a_wrong_installer_code_is_tried_once() {
    let mut bench = Bench::ready_envisalink();
    let wrong = || Command::VerifyInstallerCode(InstallerCode::new("1111".into()));
    let first = bench.command(wrong());
    bench.expect("0711*8");
    bench.tell(&["922"]);
    bench.expect("2001111");
    bench.tell(&["51080"]);
    bench.pass(secs(4));
    assert_eq!(bench.failure(first), ("installer_code_refused".into(), false));
    leave(&mut bench);
    bench.pass(secs(20));
    bench.sent.clear();
    let second = bench.command(wrong());
    bench.tell(&["6501", "6502", "51081"]);
    bench.pass(secs(2));
    assert_eq!(bench.failure(second), ("installer_code_refused".into(), false));
    assert!(!bench.sent.iter().any(|(body, _)| body.starts_with("071") || body.starts_with("200")));
}

#[test]
fn the_installer_menu_needs_permission() {
    let config = config(r#"{"interface":"envisalink","host":"a","model":"PC1616"}"#);
    let mut bench = Bench::new(config, start());
    let code = InstallerCode::new(INSTALLER.into());
    let id = bench.command(Command::VerifyInstallerCode(code));
    assert_eq!(bench.outcome(id), &Outcome::Refused(Refusal::Unsupported));
}

/// 9876 is typed as the new installer code, and then to enter once more.
fn change_installer_code(bench: &mut Bench) -> u64 {
    let id = bench.command(change_installer_to("9876"));
    bench.expect("0711*8");
    bench.tell(&["922"]);
    bench.expect(&format!("200{INSTALLER}"));
    bench.tell(&["680", "51082", "51120"]);
    bench.expect("0711006");
    bench.tell(&["51081"]);
    bench.expect("07119876");
    bench.tell(&["51082"]);
    assert!(!bench.answered(id));
    leave(bench);
    bench.expect("0711*8");
    bench.tell(&["922"]);
    bench.expect("2009876");
    id
}

#[test]
fn a_new_installer_code_is_proved_by_entering_with_it() {
    let mut bench = Bench::ready_envisalink();
    let id = change_installer_code(&mut bench);
    bench.tell(&["680", "51082", "51120"]);
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::Acknowledged));
    leave(&mut bench);
}

#[test]
fn an_unproved_installer_code_stays_uncertain() {
    let mut bench = Bench::ready_envisalink();
    let id = change_installer_code(&mut bench);
    bench.tell(&["6701"]);
    assert_eq!(bench.failure(id), ("installer_code_uncertain".into(), true));
}

#[test]
fn disarming_ends_with_the_panels_word() {
    let mut bench = Bench::ready_envisalink();
    bench.tell(&["65210"]);
    bench.outputs.clear();
    let id = bench.command(disarm("1357"));
    bench.expect("04011357");
    assert!(!bench.answered(id), "the module's acknowledgement is not the panel's");
    bench.tell(&["6551"]);
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::ReadBack));
    let told = &bench.outputs;
    assert!(matches!(&told[0], SessionOutput::Event(DriverEvent::Happened(e)) if e.kind == K::Disarmed));
}

#[test]
fn a_refused_code_is_not_repeated() {
    let mut bench = Bench::ready_envisalink();
    bench.tell(&["65210"]);
    let id = bench.command(disarm("1357"));
    bench.expect("04011357");
    bench.tell(&["6701"]);
    assert_eq!(bench.failure(id), ("670".into(), false));
    bench.expect_silence(secs(5));
}

#[test]
fn disarming_what_is_disarmed_is_done() {
    let mut bench = Bench::ready_envisalink();
    bench.acks = false;
    let id = bench.command(disarm("1357"));
    bench.expect("04011357");
    bench.tell(&["502023"]);
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::ReadBack));
}

#[test]
fn a_blanked_keypad_is_woken_once() {
    let mut bench = Bench::ready_envisalink();
    bench.tell(&["65210"]);
    bench.acks = false;
    let id = bench.command(disarm("1357"));
    bench.expect("04011357");
    bench.tell(&["502023"]);
    bench.expect("0711#");
    bench.tell(&["500071"]);
    let woken = bench.now;
    bench.expect("04011357");
    assert!(bench.now - woken >= secs(1));
    bench.tell(&["502023"]);
    assert_eq!(bench.failure(id), ("502 023".into(), true));
}

#[test]
fn a_disarm_does_not_wait_for_a_report() {
    let mut bench = Bench::ready_envisalink();
    bench.pass(secs(10));
    bench.tell(&["65210"]);
    bench.bytes(b"noise\r\n");
    bench.expect("001");
    let id = bench.command(disarm("1357"));
    bench.expect("04011357");
    bench.tell(&["6551", "6501"]);
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::ReadBack));
}

#[test]
fn arming_is_asked_in_every_mode() {
    let p1 = partition(1);
    for (mode, code, sent) in [
        (ArmMode::Away, None, "0301"),
        (ArmMode::Stay, None, "0311"),
        (ArmMode::AwayNoEntry, None, "0321"),
        (ArmMode::Away, Some("1357"), "03311357"),
    ] {
        let mut bench = Bench::ready_envisalink();
        let code = code.map(|c: &str| AccessCode::new(c.into()));
        let id = bench.command(Command::Arm { partition: p1, mode, code });
        bench.expect(sent);
        bench.tell(&["6561"]);
        assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::Acknowledged));
    }
}

#[test]
fn a_code_for_stay_is_given_when_it_is_asked_for() {
    let mut bench = Bench::ready_envisalink();
    let stay = |code: Option<&str>| Command::Arm {
        partition: partition(1),
        mode: ArmMode::Stay,
        code: code.map(|c| AccessCode::new(c.into())),
    };
    let id = bench.command(stay(Some("1357")));
    bench.expect("0311");
    bench.tell(&["900"]);
    bench.expect("2001357");
    bench.tell(&["6561", "65211"]);
    assert!(matches!(bench.outcome(id), Outcome::Applied(_)));

    let mut bench = Bench::ready_envisalink();
    let id = bench.command(stay(None));
    bench.expect("0311");
    bench.tell(&["900"]);
    bench.expect("0711#");
    bench.pass(secs(1));
    assert_eq!(bench.failure(id), ("code_wanted".into(), false));
}

#[test]
fn arming_can_fail_in_the_panels_words() {
    for (said, expected) in [("6591", "arm_failed"), ("6721", "arm_failed"), ("6701", "670")] {
        let mut bench = Bench::ready_envisalink();
        let id = bench.command(Command::Arm { partition: partition(1), mode: ArmMode::Away, code: Some(code("1357")) });
        bench.expect("03311357");
        bench.tell(&[said]);
        assert_eq!(bench.failure(id).0, expected);
    }
}

#[test]
fn an_output_and_the_clock_are_as_proved_as_they_are() {
    let mut bench = Bench::ready_envisalink();
    let output = bench.command(Command::Output { partition: partition(1), output: 2 });
    bench.expect("02012");
    bench.tell(&["6601"]);
    assert_eq!(bench.outcome(output), &Outcome::Applied(Evidence::Acknowledged));
    let time = panel_driver::CivilTime { year: 2026, month: 7, day: 15, hour: 14, minute: 35, second: 9 };
    let clock = bench.command(Command::SetClock(time));
    bench.expect("0101435071526");
    bench.pass(secs(4));
    assert_eq!(bench.outcome(clock), &Outcome::Applied(Evidence::WrittenBlind));
}
