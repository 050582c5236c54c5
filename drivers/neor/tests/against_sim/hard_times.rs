//! Whatever the line does: nobody is touched who was not named, modes are left, and what is known agrees with the
//! panel in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use driver_neor::codec::Encryption;
use panel_driver::testkit::{Failure, NetFaults, seeds};
use panel_driver::{Command, Section};
use panel_model::{AccessCode, ArmMode, InstallerCode};
use serde_json::Value;

use crate::bench::*;

const TARGETS: [u32; 3] = [13, 31, 33];

fn others(pair: &NeorPair) -> BTreeMap<u64, Value> {
    let mut codes = codes(pair);
    codes.retain(|slot, _| !TARGETS.iter().any(|n| u64::from(*n) == *slot));
    codes
}

fn hard_times(encryption: (&str, Encryption), faults: NetFaults, seed: u64) -> Result<(), Failure> {
    let mut panel = sim();
    panel.encryption = encryption.1;
    panel.seed = seed;
    let mut pair = pair_of(seed, config(&format!(r#""encryption":"{}""#, encryption.0)), panel).with_faults(faults);
    let before = others(&pair);
    let mut ids = Vec::new();
    for _ in 0..6 {
        let n = TARGETS[usize::try_from(pair.rng().below(3)).unwrap()];
        let code = CODES[usize::try_from(pair.rng().below(3)).unwrap()];
        let command = match pair.rng().below(11) {
            0 => Command::DisableUser { slot: slot(n) },
            1 => set_partitions(n, "2"),
            2 => Command::Arm {
                partition: partition(2),
                mode: ArmMode::Stay,
                code: Some(AccessCode::new("4712".into())),
            },
            3 => Command::Disarm { partition: partition(2), code: AccessCode::new("4712".into()) },
            4 => Command::VerifyInstallerCode(InstallerCode::new(INSTALLER.into())),
            5 => Command::Refresh(Section::Users),
            6 => Command::Output { partition: partition(1), output: 1 },
            7 => set_label(n, "Somebody"),
            8 => Command::Bypass { zone: zone(6), bypassed: true },
            _ => set_code(n, code),
        };
        ids.push(pair.command(command));
        let zone = pair.rng().below(8) + 1;
        let poke = if pair.rng().chance(0.5) { "open" } else { "close" };
        pair.poke(&format!("{poke} {zone}"))?;
        let pause = pair.rng().between(Duration::ZERO, Duration::from_secs(25));
        pair.run_for(pause)?;
        if pair.rng().chance(0.05) {
            pair.kill_driver();
        }
    }
    pair.set_faults(NetFaults::perfect());
    pair.settle()?;
    for id in ids {
        pair.check(pair.outcome(id).is_some(), "every command is answered")?;
    }
    pair.ask(Command::Disarm { partition: partition(2), code: AccessCode::new("4712".into()) })?;
    pair.run_for(Duration::from_secs(180))?;
    pair.settle()?;
    pair.check(programming(&pair).is_null(), &format!("all modes are left: {}", programming(&pair)))?;
    let now = others(&pair);
    pair.check(now == before, &format!("nobody else was touched: {now:?}"))?;
    pair.ask(Command::Refresh(Section::State))?;
    agrees(&pair)
}

/// As many seeds as `PAIR_SEEDS` says, else a few.
fn how_many() -> u64 {
    std::env::var("PAIR_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(25)
}

#[test]
fn type_2_on_a_choppy_line_harms_nobody() -> Result<(), Failure> {
    seeds(how_many(), |seed| hard_times(("type2", Encryption::Type2), NetFaults::choppy(), seed))
}

#[test]
fn type_1_on_a_choppy_line_harms_nobody() -> Result<(), Failure> {
    seeds(how_many(), |seed| hard_times(("type1", Encryption::Type1), NetFaults::choppy(), seed))
}

#[test]
fn type_2_on_a_nasty_line_harms_nobody() -> Result<(), Failure> {
    seeds(how_many(), |seed| hard_times(("type2", Encryption::Type2), NetFaults::nasty(), seed))
}

#[test]
fn a_session_in_clear_on_a_nasty_line_harms_nobody() -> Result<(), Failure> {
    seeds(how_many(), |seed| hard_times(("none", Encryption::Type0), NetFaults::nasty(), seed))
}
