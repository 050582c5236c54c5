//! The checklist as a table: everything is done, then one fact is taken away.

use std::collections::BTreeMap;

use panel_model::{
    Access, CodeState, Evidence, Known, Label, PanelSnapshot, PanelState, PanelStatus, Partition, PartitionState,
    ReportedUser, WallTime, Zone, ZoneState,
};

use super::checklist::{CloudFacts, CodeFacts, Facts, KeptCode, checklist, missing, ranges};
use super::rules_test::capabilities;
use crate::payload::{Checklist, Step, StepState, WalkResult};
use crate::store::{WalkTest, Walked, WalkedZone};

const NOON: WallTime = WallTime(1_795_342_272_345);

fn zone(n: u32) -> Zone {
    Zone::new(n).expect("a zone")
}

fn tested(how: Walked) -> WalkedZone {
    let skipped = how == Walked::Skipped;
    WalkedZone { at: NOON, how, reason: skipped.then(|| "not fitted".into()), actor: skipped.then(|| "anna".into()) }
}

/// A panel with four zones that is online, and whose users were read.
fn panel() -> PanelSnapshot {
    let mut capabilities = capabilities();
    capabilities.zones = 4;
    capabilities.sections.installer_code = Access::ReadWrite;
    let mut users = BTreeMap::new();
    for slot in capabilities.all_slots() {
        let mut user = ReportedUser::unknown(slot);
        let value = if slot.number() == 40 { CodeState::Set } else { CodeState::None };
        user.code = Known { value, evidence: Evidence::ReadBack, at: NOON };
        users.insert(slot, user);
    }
    let mut state = PanelState::default();
    state.partitions.insert(Partition::new(1).expect("a partition"), PartitionState::default());
    for n in 1..=4 {
        let label = (n == 1).then(|| Label::from_panel("Front door").expect("a label"));
        state.zones.insert(zone(n), ZoneState { label, ..ZoneState::default() });
    }
    PanelSnapshot {
        id: "p-1".parse().expect("an id"),
        vendor: "test",
        link: "tcp 127.0.0.1:1".into(),
        status: PanelStatus::Online,
        since: NOON,
        last_seen: Some(NOON),
        needs: None,
        firmware: Some("1.2".into()),
        capabilities,
        state,
        users,
        answers: BTreeMap::new(),
        reported_version: 1,
        desired_version: 0,
        cloud_version: 0,
        progress: None,
    }
}

fn with(change: impl FnOnce(&mut PanelSnapshot, &mut Facts<'_>)) -> Checklist {
    let mut panel = panel();
    let mut facts = Facts {
        panel: &panel.clone(),
        code: CodeFacts { kept: KeptCode::One, factory_default: false, proved: Some(NOON) },
        cloud: CloudFacts { configured: true, connected: true, reached: Some(NOON) },
        walk_test: Some(WalkTest { started: WallTime(NOON.0 - 1), ends: WallTime(NOON.0 + 1) }),
        walked: BTreeMap::from([
            (zone(1), tested(Walked::Opened)),
            (zone(2), tested(Walked::Tampered)),
            (zone(3), tested(Walked::Skipped)),
            (zone(4), tested(Walked::Opened)),
        ]),
        signed_off: None,
        now: NOON,
    };
    change(&mut panel, &mut facts);
    checklist(&Facts { panel: &panel, ..facts })
}

fn state(list: &Checklist, step: Step) -> StepState {
    list.steps.iter().find(|one| one.step == step).expect("every step is in it").state
}

#[test]
fn with_everything_done_only_the_signature_is_missing() {
    let list = with(|_, _| {});
    assert!(list.complete, "{list:?}");
    assert_eq!(missing(&list), "");
    let open: Vec<_> =
        list.steps.iter().filter(|step| step.state == StepState::Missing).map(|step| step.step).collect();
    assert_eq!(open, [Step::SignedOff]);
    assert_eq!(list.walk_test.zones[0].label.as_deref(), Some("Front door"));
    assert_eq!(list.walk_test.zones[2].reason.as_deref(), Some("not fitted"));
    let signed = with(|_, facts| facts.signed_off = Some(NOON));
    assert_eq!(state(&signed, Step::SignedOff), StepState::Done);
}

#[test]
fn what_is_not_done_is_named_with_what_to_do() {
    use StepState as S;
    type Take = fn(&mut PanelSnapshot, &mut Facts<'_>);
    let cases: [(&str, Take, Step, S, &str, &str); 19] = [
        ("offline", |p, _| p.status = PanelStatus::Offline, Step::LinkUp, S::Missing, "nothing is heard", "wire p-1"),
        (
            "late, and the box knows why",
            |p, _| (p.status, p.needs) = (PanelStatus::Late, Some("another password".into())),
            Step::LinkUp,
            S::Missing,
            "nothing is heard",
            "another password",
        ),
        (
            "never reported",
            |p, _| p.state.partitions.clear(),
            Step::PanelIdentified,
            S::Missing,
            "not reported",
            "refresh p-1",
        ),
        ("version not told", |p, _| p.firmware = None, Step::PanelIdentified, S::Done, "TEST, version not told", ""),
        (
            "no code",
            |_, f| f.code = CodeFacts::default(),
            Step::InstallerCode,
            S::Missing,
            "keeps no installer code",
            "verify-installer-code p-1",
        ),
        (
            "no code, and none can be proved",
            |p, f| (p.capabilities.sections.installer_code, f.code) = (Access::Unsupported, CodeFacts::default()),
            Step::InstallerCode,
            S::Missing,
            "keeps no installer code",
            "set-credential p-1 installer-code",
        ),
        (
            "a change that broke off",
            |_, f| f.code.kept = KeptCode::Unsettled,
            Step::InstallerCode,
            S::Missing,
            "which of two",
            "verify-installer-code p-1",
        ),
        (
            "the factory's code, even proved",
            |_, f| f.code.factory_default = true,
            Step::InstallerCode,
            S::Missing,
            "the factory's",
            "change-installer-code p-1",
        ),
        (
            "the factory's code, and it cannot be written",
            |p, f| (p.capabilities.sections.installer_code, f.code.factory_default) = (Access::ReadOnly, true),
            Step::InstallerCode,
            S::Missing,
            "the factory's",
            "change it at the panel",
        ),
        (
            "not proved",
            |_, f| f.code.proved = None,
            Step::InstallerCode,
            S::Missing,
            "has not taken",
            "verify-installer-code p-1 --kept",
        ),
        (
            "cannot be proved",
            |p, f| (p.capabilities.sections.installer_code, f.code.proved) = (Access::Unsupported, None),
            Step::InstallerCode,
            S::NotApplicable,
            "cannot be proved",
            "",
        ),
        (
            "a user that was not looked at",
            |p, _| drop(p.users.pop_first()),
            Step::UsersPulled,
            S::Missing,
            "1 of 48 places",
            "users p-1 refresh",
        ),
        (
            "users that may have changed",
            |p, _| p.users.values_mut().for_each(|user| user.stale = true),
            Step::UsersPulled,
            S::Missing,
            "at a keypad",
            "users p-1 refresh",
        ),
        (
            "users that cannot be read",
            |p, _| {
                let sections = &mut p.capabilities.sections;
                (sections.codes, sections.partitions, sections.roles) =
                    (Access::WriteOnly, Access::Unsupported, Access::Unsupported);
                p.users.clear();
            },
            Step::UsersPulled,
            S::NotApplicable,
            "cannot be read",
            "",
        ),
        (
            "no cloud",
            |_, f| f.cloud = CloudFacts::default(),
            Step::CloudReached,
            S::NotApplicable,
            "no cloud is configured",
            "",
        ),
        (
            "never reached",
            |_, f| (f.cloud.connected, f.cloud.reached) = (false, None),
            Step::CloudReached,
            S::Missing,
            "never reached",
            "panelgate status",
        ),
        (
            "nothing acknowledged",
            |_, f| f.cloud.reached = None,
            Step::CloudReached,
            S::Missing,
            "nothing was acknowledged",
            "open and close a zone",
        ),
        (
            "reached once, and down now",
            |_, f| f.cloud.connected = false,
            Step::CloudReached,
            S::Done,
            "not connected now",
            "",
        ),
        (
            "a zone that was not walked",
            |_, f| drop(f.walked.remove(&zone(2))),
            Step::WalkTest,
            S::Missing,
            "1 of 4 zones are left: 2",
            "walk on",
        ),
    ];
    for (what, take, step, expected, text, to_do) in cases {
        let list = with(take);
        let told = list.steps.iter().find(|one| one.step == step).expect("every step is in it");
        assert_eq!(told.state, expected, "{what}");
        assert!(told.text.contains(text), "{what}: {}", told.text);
        let what_to_do = told.what_to_do.as_deref().unwrap_or_default();
        assert!(what_to_do.contains(to_do) && what_to_do.is_empty() == to_do.is_empty(), "{what}: {what_to_do}");
        assert_eq!(list.complete, expected != S::Missing, "{what}");
        assert_eq!(missing(&list).contains(step.title()), expected == S::Missing, "{what}");
    }
}

#[test]
fn a_walk_test_ends_by_itself_and_a_clock_that_was_set_back_ends_it_too() {
    for (now, running) in [(NOON.0 - 2, false), (NOON.0 - 1, true), (NOON.0, true), (NOON.0 + 1, false)] {
        let list = with(|_, facts| facts.now = WallTime(now));
        assert_eq!(list.walk_test.running, running, "{now}");
        assert_eq!(state(&list, Step::WalkTest), StepState::Done, "what was ticked off stays so");
    }
    let list = with(|_, facts| {
        facts.now = WallTime(NOON.0 + 1);
        facts.walked.clear();
    });
    let told = list.steps.iter().find(|one| one.step == Step::WalkTest).expect("a step");
    assert_eq!(told.text, "4 of 4 zones are left: 1-4");
    assert!(told.what_to_do.as_deref().is_some_and(|text| text.contains("by phone")), "{told:?}");
}

#[test]
fn the_zones_are_those_that_the_panel_shows_and_else_those_of_its_model() {
    let numbers = |list: &Checklist| list.walk_test.zones.iter().map(|row| row.zone.number()).collect::<Vec<_>>();
    let some = with(|panel, _| drop(panel.state.zones.remove(&zone(3))));
    assert_eq!(numbers(&some), [1, 2, 4]);
    let none = with(|panel, _| panel.state.zones.clear());
    assert_eq!(numbers(&none), [1, 2, 3, 4]);
    let foreign = with(|panel, _| drop(panel.state.zones.insert(zone(9), ZoneState::default())));
    assert_eq!(numbers(&foreign), [1, 2, 3, 4], "beyond what the panel has");
    let skipped = with(|_, _| {}).walk_test.zones.iter().filter(|row| row.result == WalkResult::Skipped).count();
    assert_eq!(skipped, 1);
}

#[test]
fn numbers_are_told_as_runs() {
    for (numbers, text) in [(vec![], ""), (vec![7], "7"), (vec![1, 2, 3, 7, 9, 10], "1-3, 7, 9-10")] {
        assert_eq!(ranges(&numbers.into_iter().map(zone).collect::<Vec<_>>()), text);
    }
}
