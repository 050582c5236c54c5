//! Panels differ, and all of them work.

use std::time::Duration;

use driver_neor::codec::Encryption;
use driver_neor::sim::SimConfig;
use panel_driver::testkit::Failure;
use panel_driver::{Command, Section};

use crate::bench::*;

fn works(name: &str, config: driver_neor::Config, panel: SimConfig) -> Result<(), Failure> {
    let mut pair = pair_of(1, config, panel);
    let fine = |result: Result<(), Failure>| result.map_err(|failure| failure.when(name));
    fine(pair.settle())?;
    fine(pair.check(pair.ends().is_empty(), "the first connection works"))?;
    fine(read_back(&mut pair, set_code(5, CODES[0])))?;
    fine(read_back(&mut pair, set_label(5, "Alice")))?;
    fine(read_back(&mut pair, set_partitions(5, "2")))?;
    fine(read_back(&mut pair, Command::Refresh(Section::Users)))?;
    fine(pair.poke("open 3"))?;
    fine(pair.run_for(Duration::from_secs(2)))?;
    fine(agrees(&pair))?;
    fine(read_back(&mut pair, Command::Refresh(Section::State)))?;
    fine(agrees(&pair))
}

#[test]
fn every_dialect_works() -> Result<(), Failure> {
    for (name, value) in [
        ("sequence", "strict"),
        ("answer_pattern", "A"),
        ("answer_pattern", "B"),
        ("answer_pattern", "C"),
        ("answer_pattern", "D1"),
        ("answer_pattern", "D2"),
        ("answer_pattern", "D3"),
        ("answer_pattern", "any"),
        ("header_from_server", "empty"),
        ("compact_width", "two"),
        ("open_session_trailer", "on"),
        ("multi_zone_status", "silent"),
        ("replay", "40"),
        ("split", "on"),
        ("split", "joined"),
        ("padding", "zero"),
        ("padding", "random"),
        ("padding", "leftover"),
        ("users_label_trailing", "nul"),
        ("pushes_zone_status", "on"),
        ("pushes_zone_status", "off"),
        ("new_user", "programmers"),
        ("clears_label", "on"),
        ("tag_and_code", "1"),
        ("tag_and_code", "3"),
        ("echoes_updates", "on"),
        ("lead_in", "off"),
    ] {
        let mut panel = sim();
        panel.set(name, value).unwrap();
        works(&format!("with {name}={value}"), config(r#""encryption":"type2""#), panel)?;
    }
    Ok(())
}

#[test]
fn every_type_of_encryption_works_in_strict_mode() -> Result<(), Failure> {
    for (name, encryption) in [("none", Encryption::Type0), ("type1", Encryption::Type1), ("type2", Encryption::Type2)]
    {
        let mut panel = sim();
        panel.encryption = encryption;
        panel.set("sequence", "strict").unwrap();
        works(name, config(&format!(r#""encryption":"{name}""#)), panel)?;
    }
    Ok(())
}

#[test]
fn quirks_of_the_configuration_suit_panels_that_need_them() -> Result<(), Failure> {
    for (quirk, name, value) in [
        (r#""partition_status":"number""#, "partition_status_form", "number"),
        (r#""server_header":"echo""#, "header_from_server", "own"),
    ] {
        let mut panel = sim();
        panel.set(name, value).unwrap();
        works(quirk, config(&format!(r#""encryption":"type2",{quirk}"#)), panel)?;
    }
    Ok(())
}

#[test]
fn codes_of_six_and_eight_digits_work() -> Result<(), Failure> {
    for (length, master, new) in [(6, "739182", "905864"), (8, "73918264", "90586431")] {
        let mut panel = sim();
        panel.code_length = length;
        panel.user_codes.clear();
        panel.master = Some(panel_model::AccessCode::new(master.into()));
        panel.installer = Some(panel_model::InstallerCode::new("8".repeat(length)));
        let mut pair = pair_with(1, panel);
        pair.start_mut().credentials.master = Some(panel_model::AccessCode::new(master.into()));
        pair.settle()?;
        read_back(&mut pair, set_code(5, new))?;
        pair.check(user(&pair, 5)["code"] == new, "the panel has it")?;
    }
    Ok(())
}

#[test]
fn a_communicator_that_offers_type_3_first_falls_back() -> Result<(), Failure> {
    for offer in ["same", "new"] {
        let mut panel = sim();
        panel.set("enc_first_offer", offer).unwrap();
        let mut pair = pair_with(1, panel);
        pair.settle()?;
        pair.check(pair.is_online(), &format!("{offer}: online in the end, over {:?}", pair.ends()))?;
        read_back(&mut pair, set_code(5, CODES[0]))?;
    }
    Ok(())
}
