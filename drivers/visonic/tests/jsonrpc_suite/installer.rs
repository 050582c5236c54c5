//! The installer codes: compared, changed, kept until proved.

use std::time::Duration;

use driver_visonic::sim::jsonrpc::{ItemForm, ServiceConfig};
use panel_driver::sim::Simulator;
use panel_driver::testkit::Failure;
use panel_driver::{Command, Outcome};
use panel_model::{Evidence, InstallerCode, Refusal};

use crate::bench::{experimental, failure, online, online_with, service, told_capabilities};

const READ_BACK: Outcome = Outcome::Applied(Evidence::ReadBack);

fn installer(text: &str) -> InstallerCode {
    InstallerCode::new(text.into())
}

fn verify(text: &str) -> Command {
    Command::VerifyInstallerCode(installer(text))
}

fn change(current: &str, new: &str) -> Command {
    Command::ChangeInstallerCode { current: installer(current), new: installer(new) }
}

#[test]
fn a_code_is_compared_with_the_panels_memory_in_both_forms() -> Result<(), Failure> {
    for item_form in [ItemForm::Base64, ItemForm::Numbers] {
        let mut pair = online_with(experimental(), ServiceConfig { item_form, ..service() })?;
        // Installer and master installer.
        for right in ["8888", "9999"] {
            assert_eq!(pair.ask(verify(right))?, READ_BACK);
        }
        assert_eq!(failure(&pair.ask(verify("1234"))?).0, "installer_code_wrong");
        assert_eq!(pair.ask(verify("12"))?, Outcome::Refused(Refusal::CodeFormat));
    }
    Ok(())
}

#[test]
fn a_panel_without_a_master_installer_has_one_code() -> Result<(), Failure> {
    for item_form in [ItemForm::Base64, ItemForm::Numbers] {
        let mut pair = online_with(experimental(), ServiceConfig { item_form, ..service() })?;
        pair.poke("fault lacks 85")?;
        assert_eq!(pair.ask(verify("8888"))?, READ_BACK);
        assert_eq!(failure(&pair.ask(verify("9999"))?).0, "installer_code_wrong");
        assert_eq!(pair.ask(change("8888", "6174"))?, READ_BACK);
        assert_eq!(pair.panel().state()["installer_code"], "6174");
        pair.poke("fault lacks 84")?;
        assert_eq!(failure(&pair.ask(verify("6174"))?).0, "bad_answer", "what is not read is no verdict");
        assert_eq!(failure(&pair.ask(change("6174", "4242"))?).0, "bad_answer");
        assert_eq!(pair.panel().state()["installer_code"], "6174");
    }
    Ok(())
}

#[test]
fn a_change_whose_answer_is_lost_is_proved_by_the_memory_and_not_repeated() -> Result<(), Failure> {
    let mut pair = online()?;
    let calls = pair.panel().calls();
    let id = pair.command(change("8888", "6174"));
    // State, permit and both codes are read before.
    pair.run_until(Duration::from_secs(10), |pair| pair.panel().calls() >= calls + 4)?;
    pair.poke("fault mute")?;
    pair.run_for(Duration::from_secs(90))?;
    assert_eq!(pair.outcome(id), Some(&READ_BACK));
    let set = pair.happened().iter().filter(|(_, value)| value["event"] == "installer_code_set").count();
    pair.check(set == 1, &format!("written {set} times"))
}

#[test]
fn memory_that_cannot_be_read_is_no_wrong_code() -> Result<(), Failure> {
    let mut pair = online()?;
    pair.poke("fault timeout 2")?;
    let (word, _, retry) = failure(&pair.ask(verify("8888"))?);
    assert_eq!((word.as_str(), retry), ("timeout", true));
    Ok(())
}

#[test]
fn the_code_that_is_current_is_changed_and_read_back() -> Result<(), Failure> {
    let mut pair = online()?;
    assert_eq!(pair.ask(change("8888", "6174"))?, READ_BACK);
    assert_eq!(pair.panel().state()["installer_code"], "6174");
    assert_eq!(pair.ask(verify("8888"))?, pair.ask(verify("1234"))?, "the old one is gone");
    assert_eq!(pair.ask(verify("6174"))?, READ_BACK);
    assert_eq!(pair.ask(change("8888", "6174"))?, READ_BACK, "again: it is there");
    assert_eq!(pair.ask(change("9999", "4242"))?, READ_BACK, "the master installer's");
    assert_eq!(pair.panel().state()["installer_code"], "6174");
    Ok(())
}

#[test]
fn what_is_not_proved_leaves_the_old_code_in_force() -> Result<(), Failure> {
    let mut pair = online()?;
    assert_eq!(failure(&pair.ask(change("1234", "6174"))?).0, "installer_code_wrong");
    assert_eq!(failure(&pair.ask(change("8888", "9999"))?).0, "installer_codes_equal");
    pair.poke("fault ignore_writes")?;
    assert_eq!(failure(&pair.ask(change("8888", "6174"))?).0, "not_confirmed");
    pair.poke("fault ignore_writes off")?;
    pair.poke("fault refuse_writes")?;
    assert_eq!(failure(&pair.ask(change("8888", "6174"))?).1, "Programming is not allowed");
    pair.poke("fault refuse_writes off")?;
    pair.poke("arm away")?;
    assert!(matches!(pair.ask(change("8888", "6174"))?, Outcome::NotNow(_)));
    assert_eq!(pair.panel().state()["installer_code"], "8888");
    Ok(())
}

#[test]
fn user_permit_is_respected_and_shown() -> Result<(), Failure> {
    let mut service = service();
    service.panel.options.user_permit = true;
    let mut pair = online_with(experimental(), service)?;
    let able = told_capabilities(&pair).expect("told");
    assert!(able.notes.iter().any(|note| note.starts_with("User permit is on")), "{:?}", able.notes);
    let (word, text, retry) = failure(&pair.ask(change("8888", "6174"))?);
    assert_eq!((word.as_str(), retry), ("user_permit", false), "{text}");
    assert_eq!(pair.panel().state()["installer_code"], "8888");
    assert_eq!(pair.ask(verify("8888"))?, READ_BACK, "comparing needs no consent");
    Ok(())
}
