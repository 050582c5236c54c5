//! Users and the installer code over an IT-100: every key is pressed and released, every step waits for the display.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod bench;

use bench::*;
use panel_driver::{Command, DriverEvent, Outcome, Section, SetUser};
use panel_model::{CodeState, Evidence, InstallerCode, PanelRole, PartitionSet};

fn open(bench: &mut Bench) {
    bench.expect_keys("*5");
    bench.screen("Enter", "Master Code");
    bench.expect_keys(MASTER);
    bench.screen("(*) to Edit <>", "User 01        P");
}

fn leave(bench: &mut Bench) {
    bench.expect_keys("#");
    bench.screen("System is", "Ready to Arm  <>");
    bench.pass(ms(500));
}

fn set(n: u32, partitions: Option<&str>, role: Option<PanelRole>) -> Command {
    let partitions = partitions.map(|list| list.parse::<PartitionSet>().expect("a list"));
    Command::SetUser(SetUser { slot: slot(n), code: None, label: None, role, partitions })
}

#[test]
fn a_code_is_typed_into_its_slot_and_seen_as_p() {
    let mut bench = Bench::ready_it100(start());
    let id = bench.command(set_code(5, "4321"));
    open(&mut bench);
    bench.expect_keys("05");
    bench.screen("Enter New Code", "AAAA");
    bench.expect_keys("4321");
    bench.screen("(*) to Edit <>", "User 05");
    bench.pass(secs(1));
    assert!(!bench.answered(id), "not without its P");
    bench.tell(&["90111501P"]);
    bench.pass(secs(1));
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::Acknowledged));
    assert_eq!(bench.users()[0].code_state, Some(CodeState::Set));
    leave(&mut bench);
    assert_eq!(bench.residues(), [Some("users menu"), None]);
    bench.assert_no_secret(&[MASTER, "4321"]);
}

#[test]
fn a_menu_that_asks_by_900_gets_the_code_once() {
    let mut bench = Bench::ready_it100(start());
    bench.command(set_code(5, "4321"));
    bench.expect_keys("*5");
    bench.tell(&["90014"]);
    bench.expect_keys(MASTER);
    bench.screen("(*) to Edit <>", "User 01        P");
    bench.expect_keys("05");
    assert!(!bench.sent.iter().any(|(body, _)| body.starts_with("200")));
}

#[test]
fn a_long_tone_refuses_a_code() {
    let mut bench = Bench::ready_it100(start());
    let id = bench.command(set_code(5, "4321"));
    open(&mut bench);
    bench.expect_keys("05");
    bench.screen("Enter New Code", "AAAA");
    bench.expect_keys("4321");
    bench.tell(&["906002"]);
    bench.pass(ms(300));
    assert_eq!(bench.failure(id), ("error_tone".into(), false));
    leave(&mut bench);
}

#[test]
fn silence_after_a_code_refuses_it() {
    let mut bench = Bench::ready_it100(start());
    let id = bench.command(set_code(5, "4321"));
    open(&mut bench);
    bench.expect_keys("05");
    bench.screen("Enter New Code", "AAAA");
    bench.expect_keys("4321");
    bench.pass(secs(5));
    assert_eq!(bench.failure(id), ("not_taken".into(), false));
}

#[test]
fn digits_are_not_typed_before_the_panel_asks_for_them() {
    let mut bench = Bench::ready_it100(start());
    let id = bench.command(set_code(5, "4321"));
    open(&mut bench);
    bench.expect_keys("05");
    bench.pass(secs(5));
    assert!(matches!(bench.outcome(id), Outcome::Failed(_)));
    assert_eq!(bench.sent[0].0, "070#", "leaving, not typing");
}

#[test]
fn a_user_is_deleted_by_one_star_in_code_entry() {
    let mut bench = Bench::ready_it100(start());
    let id = bench.command(Command::DisableUser { slot: slot(5) });
    open(&mut bench);
    bench.expect_keys("05");
    bench.screen("Enter New Code", "AAAA");
    bench.expect_keys("*");
    bench.screen("(*) to Edit <>", "User 05");
    bench.pass(ms(300));
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::ReadBack), "the display shows that there is none");
    leave(&mut bench);
    assert!(!bench.sent.iter().any(|(body, _)| body == "070*"));
}

#[test]
fn only_the_difference_is_toggled_and_the_display_is_believed() {
    let config = config(r#"{"interface":"it100","device":"x","model":"PC1864","partitions":[1,2,3,4]}"#);
    let mut bench = Bench::new(config, start());
    bench.expect("000");
    bench.expect("0581");
    bench.expect("001");
    bench.tell(&["6501", "6502", "6503", "6504", "908010102"]);
    bench.expect("002");
    bench.pass(secs(5));
    bench.outputs.clear();
    let id = bench.command(set(12, Some("1, 4"), Some(PanelRole::Duress)));
    open(&mut bench);
    bench.expect_keys("9812");
    bench.screen("Partitions", "123-----");
    bench.expect_keys("2");
    bench.screen("Partitions", "1-3-----");
    bench.expect_keys("3");
    bench.screen("Partitions", "1-------");
    bench.expect_keys("4");
    bench.screen("Partitions", "1--4----");
    bench.expect_keys("#");
    bench.screen("(*) to Edit <>", "User 12        P");
    bench.expect_keys("9912");
    bench.screen("Attributes", "1-34----");
    bench.expect_keys("1");
    bench.screen("Attributes", "--34----");
    bench.expect_keys("2");
    bench.screen("Attributes", "-234----");
    bench.expect_keys("#");
    bench.screen("(*) to Edit <>", "User 12        P");
    bench.pass(ms(500));
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::ReadBack));
    let users = bench.users();
    assert_eq!(users[0].partitions, Some("1, 4".parse().unwrap()));
    assert_eq!(users[1].role, Some(PanelRole::Duress));
}

#[test]
fn a_toggle_that_does_not_show_is_not_repeated() {
    let mut bench = Bench::ready_it100(start());
    let id = bench.command(set(12, None, Some(PanelRole::Supervisor)));
    open(&mut bench);
    bench.expect_keys("9912");
    bench.screen("Attributes", "--34----");
    bench.expect_keys("1");
    bench.pass(secs(5));
    assert_eq!(bench.failure(id), ("no_reaction".into(), true));
    bench.expect_keys("#");
}

#[test]
fn a_screen_in_two_parts_is_read_when_it_is_whole() {
    let mut bench = Bench::ready_it100(start());
    bench.command(set_code(5, "4321"));
    bench.expect_keys("*5");
    // The first line alone, then the second: in between the display says nothing that holds.
    bench.tell(&["90100016Enter           ", "90110016Master Code     "]);
    bench.expect_keys(MASTER);
}

#[test]
fn a_lost_acknowledgement_of_a_key_ends_the_visit() {
    let mut bench = Bench::ready_it100(start());
    let id = bench.command(set_code(5, "4321"));
    open(&mut bench);
    bench.acks = false;
    bench.expect("0700");
    bench.pass(ms(4999));
    bench.acks = true;
    bench.pass(ms(2));
    assert!(matches!(bench.outcome(id), Outcome::Failed(e) if e.retry));
    // Perhaps the key was pressed, and is still held.
    bench.expect("070^");
    bench.expect_keys("#");
}

#[test]
fn a_doubled_key_is_noticed_before_digits_go_into_another_slot() {
    let mut bench = Bench::ready_it100(start());
    let id = bench.command(set_code(12, "4321"));
    open(&mut bench);
    bench.expect("0701");
    // The key was received twice, hence acknowledged twice: the panel has "11" by now.
    bench.tell(&["500070"]);
    bench.screen("Enter New Code", "5555");
    bench.pass(secs(1));
    assert_eq!(bench.failure(id), ("noisy_line".into(), true));
    assert!(!bench.sent.iter().any(|(body, _)| body == "0704"));
}

#[test]
fn a_late_refusal_of_a_key_ends_the_visit() {
    let mut bench = Bench::ready_it100(start());
    let id = bench.command(set_code(5, "4321"));
    bench.expect("070*");
    bench.pass(ms(100));
    bench.tell(&["502028"]);
    bench.pass(secs(1));
    assert_eq!(bench.failure(id), ("502 028".into(), true));
    bench.sent.clear();
    bench.screen("System is", "Ready to Arm  <>");
    bench.pass(secs(1));
    bench.expect("0581");
}

#[test]
fn users_are_read_by_scrolling_and_never_with_a_star() {
    let config = config(r#"{"interface":"it100","device":"x","model":"PC1616"}"#);
    let mut bench = Bench::new(config, start());
    bench.expect("000");
    bench.expect("0581");
    bench.expect("001");
    bench.tell(&["6501", "908010102"]);
    bench.expect("002");
    bench.pass(secs(5));
    bench.outputs.clear();
    let id = bench.command(Command::Refresh(Section::Users));
    open(&mut bench);
    for n in 2..=48 {
        bench.expect_keys(">");
        let p = if n == 7 || n == 40 { "P" } else { " " };
        bench.screen("(*) to Edit <>", &format!("User {n:02}        {p}"));
    }
    for n in [1, 7] {
        bench.expect_keys(&format!("98{n:02}"));
        bench.screen("Partitions", "1-------");
        bench.expect_keys("#");
        bench.screen("(*) to Edit <>", &format!("User {n:02}        P"));
        bench.expect_keys(&format!("99{n:02}"));
        bench.screen("Attributes", "--34---8");
        bench.expect_keys("#");
        bench.screen("(*) to Edit <>", &format!("User {n:02}        P"));
        bench.pass(ms(400));
    }
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::ReadBack));
    let users = bench.users();
    assert_eq!(users.iter().filter(|r| r.code_state == Some(CodeState::Set)).count(), 3);
    assert_eq!(users.iter().filter(|r| r.role == Some(PanelRole::OneTimeUser)).count(), 2);
    assert!(users.iter().any(|r| r.slot == slot(40) && r.role == Some(PanelRole::Master)));
    let mut progress = bench.outputs.iter().rev().filter_map(|o| match o {
        panel_driver::SessionOutput::Event(DriverEvent::Progress(_, progress)) => Some(progress),
        _ => None,
    });
    let last = progress.next().unwrap();
    assert_eq!((last.done, last.total), (50, 50));
}

/// 9876 is typed as the new installer code, and its section is opened once more to see it.
fn change_installer_code(bench: &mut Bench) -> u64 {
    let id = bench.command(change_installer_to("9876"));
    bench.expect_keys("*8");
    bench.screen("Enter", "Installer Code");
    bench.expect_keys(INSTALLER);
    bench.screen("Enter Section", "---");
    bench.expect_keys("006");
    bench.screen("Code", INSTALLER);
    bench.expect_keys("9876");
    bench.screen("Enter Section", "---");
    bench.expect_keys("006");
    id
}

#[test]
fn a_new_installer_code_is_read_back_from_its_section() {
    let mut bench = Bench::ready_it100(start());
    let id = change_installer_code(&mut bench);
    bench.screen("Code", "9876");
    bench.expect_keys("#");
    bench.screen("Enter Section", "---");
    bench.pass(ms(400));
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::ReadBack));
    leave(&mut bench);
    assert_eq!(bench.residues(), [Some("installer menu"), None]);
    bench.assert_no_secret(&[INSTALLER, "9876"]);
}

#[test]
fn a_section_that_shows_another_code_leaves_it_uncertain() {
    let mut bench = Bench::ready_it100(start());
    let id = change_installer_code(&mut bench);
    bench.screen("Code", "9877");
    bench.pass(ms(600));
    assert_eq!(bench.failure(id), ("installer_code_uncertain".into(), true));
    bench.expect_keys("#");
}

#[test]
fn a_wrong_installer_code_shows_on_the_display() {
    let mut bench = Bench::ready_it100(start());
    let id = bench.command(Command::VerifyInstallerCode(InstallerCode::new("1111".into())));
    bench.expect_keys("*8");
    bench.screen("Enter", "Installer Code");
    bench.expect_keys("1111");
    bench.screen("Invalid", "Access Code");
    bench.pass(ms(500));
    assert_eq!(bench.failure(id), ("installer_code_refused".into(), false));
    leave(&mut bench);
}

#[test]
fn codes_are_padded_to_six_for_033_and_040() {
    let mut bench = Bench::ready_it100(start());
    bench.tell(&["65210"]);
    let id = bench.command(disarm("1357"));
    bench.expect("0401135700");
    bench.tell(&["6551"]);
    bench.pass(ms(400));
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::ReadBack));
}

#[test]
fn a_held_key_is_released_when_coming_back() {
    let mut bench = Bench::new(it100(), with_residue());
    bench.expect("000");
    bench.expect("0581");
    bench.expect("070^");
    bench.expect_keys("#");
    let first = bench.now;
    bench.expect_keys("#");
    assert!(bench.now - first >= secs(2));
    bench.expect("001");
    bench.tell(&["6501", "908010102"]);
    bench.screen("System is", "Ready to Arm  <>");
    bench.pass(secs(1));
    assert_eq!(bench.residues(), [None]);
}
