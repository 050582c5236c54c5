//! What only PowerMasters do: partitions whose events are not to be believed, many zones, tags.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use driver_visonic::message::{B0, B0Kind, Chunk, ClassIndex, Help, PanelMessage, sub};
use driver_visonic::sim::{Model, SimConfig, VisonicSimulator};
use driver_visonic::{RawConfig, VisonicSession};
use panel_driver::testkit::{Failure, Pair};
use panel_driver::{Command, DriverEvent, Outcome};
use panel_model::{
    AccessCode, ArmMode, ArmState, EventKind as K, Evidence, Origin, PanelEvent, Partition, PartitionSet, Slot, Zone,
};

type MasterPair = Pair<VisonicSession, VisonicSimulator>;

const MASTER: &str = "1111";

/// A PowerMaster 30 with three partitions and 40 zones, enrolled and read.
fn ready(faults: &[&str], change: impl FnOnce(&mut SimConfig)) -> Result<MasterPair, Failure> {
    let json = r#"{"device":"/dev/null","model":"PowerMaster 30","partitions":[1,2,3],"zones":64}"#;
    let config = serde_json::from_str::<RawConfig>(json).expect("json").validate().expect("valid");
    let mut panel = SimConfig::new(Model::PowerMaster30);
    (panel.partitions, panel.zones) = (3, 40);
    panel.user_codes = BTreeMap::from([(3, code("9058"))]);
    change(&mut panel);
    let mut pair = Pair::new(
        1,
        move |_| VisonicSimulator::new(panel).expect("a possible panel"),
        move |start| VisonicSession::new(config.clone(), start),
    );
    for fault in faults {
        pair.poke(&format!("fault {fault}"))?;
    }
    pair.settle()?;
    pair.run_until(Duration::from_secs(90), |pair| pair.session().is_some_and(VisonicSession::is_enrolled))?;
    pair.run_for(Duration::from_secs(30))?;
    Ok(pair)
}

fn code(text: &str) -> AccessCode {
    AccessCode::new(text.into())
}

fn partition(n: u32) -> Partition {
    Partition::new(n).expect("in range")
}

/// Events since so many of them.
fn since(pair: &MasterPair, start: usize, wanted: &[K]) -> Vec<PanelEvent> {
    pair.panel_events().skip(start).filter(|event| wanted.contains(&event.kind)).cloned().collect()
}

fn count(pair: &MasterPair) -> usize {
    pair.panel_events().count()
}

#[test]
fn a_mode_without_entry_delay_is_seen_in_the_byte_that_says_it() -> Result<(), Failure> {
    for mode in [ArmMode::Away, ArmMode::AwayNoEntry, ArmMode::Stay, ArmMode::StayNoEntry] {
        let mut pair = ready(&[], |_| {})?;
        let arm = Command::Arm { partition: partition(2), mode, code: Some(code(MASTER)) };
        assert_eq!(pair.ask(arm)?, Outcome::Applied(Evidence::ReadBack));
        pair.run_for(Duration::from_secs(120))?;
        assert_eq!(pair.state().expect("online").partitions[&partition(2)].arm, ArmState::Armed(mode));
    }
    Ok(())
}

#[test]
fn who_armed_a_partition_stands_in_the_log_where_events_are_not_to_be_believed() -> Result<(), Failure> {
    let mut pair = ready(&["a7_ff"], |_| {})?;
    let start = count(&pair);
    pair.poke("arm away 2 3")?;
    pair.run_for(Duration::from_secs(120))?;
    let slot = Slot::new(3).expect("in range");
    let closing = PanelEvent::new(K::Closing).slot(slot).partition(partition(2));
    assert_eq!(since(&pair, start, &[K::Closing, K::ClosingSpecial]), [closing]);
    assert_eq!(pair.state().expect("online").partitions[&partition(2)].last_user, Some(slot));
    Ok(())
}

#[test]
fn a_panel_that_is_believed_tells_who_armed_once() -> Result<(), Failure> {
    let mut pair = ready(&[], |_| {})?;
    let start = count(&pair);
    pair.poke("arm away 2 3")?;
    pair.run_for(Duration::from_secs(120))?;
    assert_eq!(since(&pair, start, &[K::Closing, K::ClosingSpecial]).len(), 1);
    Ok(())
}

#[test]
fn what_the_log_had_before_is_history_and_raises_nothing() -> Result<(), Failure> {
    let alarms = [K::ZoneAlarm, K::PanicAlarm, K::Duress, K::Closing, K::Opening, K::PartitionAlarm];
    let mut pair = ready(&["a7_ff"], |_| {})?;
    // While nobody listens: when we come back the newest row of the log is a call for help that is over.
    pair.kill_driver();
    pair.poke("arm away 2 3")?;
    pair.poke("disarm 2 3")?;
    pair.poke("panic police")?;
    pair.run_for(Duration::from_secs(600))?;
    let start = count(&pair);
    pair.restart();
    pair.settle()?;
    pair.run_for(Duration::from_secs(900))?;
    let live: Vec<_> = since(&pair, start, &alarms).into_iter().filter(|e| e.origin == Origin::Live).collect();
    assert_eq!(live, []);
    let state = pair.state().expect("online");
    pair.check(state.partitions.values().all(|partition| !partition.alarm), "nothing is in alarm now")
}

#[test]
fn a_call_for_help_is_told_once_whichever_message_can_be_believed() -> Result<(), Failure> {
    for faults in [&["a7_ff"][..], &[]] {
        for (words, kind) in
            [("panic fire", K::FireAlarm), ("panic medical", K::MedicalAlarm), ("panic police", K::PanicAlarm)]
        {
            let mut pair = ready(faults, |_| {})?;
            let start = count(&pair);
            pair.poke(words)?;
            pair.run_for(Duration::from_secs(60))?;
            assert_eq!(since(&pair, start, &[kind]).len(), 1, "{words} with {faults:?}");
            let in_alarm = |pair: &MasterPair| pair.state().expect("online").partitions[&partition(1)].alarm;
            pair.check(in_alarm(&pair), words)?;
            for n in 1..=3 {
                pair.poke(&format!("enter {MASTER} {n}"))?;
            }
            pair.run_for(Duration::from_secs(400))?;
            pair.check(!in_alarm(&pair), &format!("{words} with {faults:?} is over when somebody disarmed"))?;
        }
    }
    Ok(())
}

#[test]
fn zones_beyond_the_32_of_a5_tell_alarms_and_tampers() -> Result<(), Failure> {
    let mut pair = ready(&["a7_ff"], |_| {})?;
    let zone = Zone::new(40).expect("in range");
    let start = count(&pair);
    for words in ["tamper 40", "close 40"] {
        pair.poke(words)?;
        pair.run_for(Duration::from_secs(20))?;
    }
    let told = since(&pair, start, &[K::ZoneTamper, K::ZoneTamperRestored]);
    assert_eq!(
        told.iter().map(|e| (e.kind, e.zone)).collect::<Vec<_>>(),
        [(K::ZoneTamper, Some(zone)), (K::ZoneTamperRestored, Some(zone))]
    );
    for n in 1..=3 {
        let mode = ArmMode::AwayNoEntry;
        let arm = Command::Arm { partition: partition(n), mode, code: Some(code(MASTER)) };
        assert!(matches!(pair.ask(arm)?, Outcome::Applied(_)));
    }
    pair.run_for(Duration::from_secs(90))?;
    pair.poke("open 40")?;
    pair.run_for(Duration::from_secs(30))?;
    let alarms = since(&pair, start, &[K::ZoneAlarm]);
    assert_eq!(alarms.iter().map(|e| e.zone).collect::<Vec<_>>(), [Some(zone)], "{alarms:?}");
    pair.check(pair.state().expect("online").zones[&zone].alarm, "it is in alarm")
}

#[test]
fn which_users_have_a_tag_is_told_with_the_users() -> Result<(), Failure> {
    let pair = ready(&[], |panel| {
        panel.tags.insert(3);
        panel.user_partitions.insert(3, PartitionSet::first(2));
    })?;
    let tags: BTreeMap<u16, Option<bool>> = pair
        .events()
        .iter()
        .filter_map(|(_, event)| match event {
            DriverEvent::User(report) => Some((report.slot.number(), report.tag)),
            _ => None,
        })
        .collect();
    assert_eq!((tags[&3], tags[&4]), (Some(true), Some(false)));
    assert_eq!(tags[&33], None, "this panel has 32 tags");
    Ok(())
}

#[test]
fn a_user_permit_is_said_in_the_capabilities() -> Result<(), Failure> {
    for on in [true, false] {
        let pair = ready(&[], |panel| panel.options.user_permit = on)?;
        let said = pair.events().iter().any(|(_, event)| match event {
            DriverEvent::Capabilities(able) => able.notes.iter().any(|note| note.starts_with("User permit is on")),
            _ => false,
        });
        assert_eq!(said, on);
    }
    Ok(())
}

#[test]
fn both_delays_are_told_with_their_partition() -> Result<(), Failure> {
    let mut pair = ready(&["a7_ff"], |panel| {
        panel.options.zone_types.insert(1, 4);
        panel.options.motion_zones.remove(&1);
    })?;
    let start = count(&pair);
    pair.poke("arm away 1 3")?;
    pair.run_for(Duration::from_secs(90))?;
    pair.poke("open 1")?;
    pair.run_for(Duration::from_secs(10))?;
    pair.poke(&format!("enter {MASTER} 1"))?;
    pair.run_for(Duration::from_secs(20))?;
    let told = since(&pair, start, &[K::ExitDelay, K::Armed, K::EntryDelay, K::Disarmed, K::Opening, K::ZoneAlarm]);
    let wanted = [K::ExitDelay, K::Armed, K::EntryDelay, K::Disarmed, K::Opening];
    assert_eq!(told.iter().map(|event| event.kind).collect::<Vec<_>>(), wanted, "{told:?}");
    assert!(told.iter().all(|event| event.partition == Some(partition(1))));
    Ok(())
}

#[test]
fn a_call_for_help_that_the_panel_says_again_is_told_once_until_it_is_over() -> Result<(), Failure> {
    let mut pair = ready(&["a7_ff"], |_| {})?;
    let start = count(&pair);
    let call = |pair: &mut MasterPair| {
        let chunk = Chunk::new(0x28, ClassIndex::MIXED, &Help::Panic.data(7));
        let b0 = B0::response(B0Kind::Response, sub::HELP, &[chunk], 9);
        pair.inject_to_driver(PanelMessage::B0(b0).encode().encode());
        pair.run_for(Duration::from_secs(40))
    };
    for _ in 0..3 {
        call(&mut pair)?;
    }
    assert_eq!(since(&pair, start, &[K::PanicAlarm]).len(), 1);
    pair.poke("arm away 1 3")?;
    pair.run_for(Duration::from_secs(90))?;
    pair.poke(&format!("enter {MASTER} 1"))?;
    pair.run_for(Duration::from_secs(90))?;
    call(&mut pair)?;
    assert_eq!(since(&pair, start, &[K::PanicAlarm]).len(), 2, "this is another one");
    Ok(())
}
