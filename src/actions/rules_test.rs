//! The user rules as a table: one row per rule and refusal.

use std::collections::{BTreeMap, BTreeSet};

use panel_model::{
    Access, AccessCode, ArmMode, Capabilities, Charset, CodeHash, CodeRules, CodeState, DesiredUser, Evidence, Known,
    LabelRules, PanelRole, PartitionSet, Refusal, ReportedUser, RoleSlots, Sections, Slot, UserWish, WallTime,
};

use super::rules::{Accepted, Panel, Wanted};

fn slot(n: u32) -> Slot {
    Slot::new(n).expect("in range")
}

/// Stands in for the keyed hash: equal for equal codes, different for different ones.
fn hash(code: &str) -> CodeHash {
    let mut bytes = [0; 32];
    bytes[..code.len()].copy_from_slice(code.as_bytes());
    CodeHash(bytes)
}

pub(super) fn capabilities() -> Capabilities {
    let general = vec![PanelRole::User, PanelRole::Supervisor, PanelRole::OneTimeUser, PanelRole::Duress];
    let range =
        |first, last, roles: &[PanelRole]| RoleSlots { first: slot(first), last: slot(last), roles: roles.to_vec() };
    Capabilities {
        model: "TEST".into(),
        slots: vec![range(1, 39, &general), range(40, 40, &[PanelRole::Master]), range(41, 48, &general)],
        codes: CodeRules { lengths: vec![4], duress_distance: true },
        user_labels: LabelRules { max_chars: 14, charset: Charset::Ascii },
        zone_labels: None,
        partitions: PartitionSet::first(2),
        zones: 16,
        outputs: 2,
        locks: 0,
        arm_modes: vec![ArmMode::Away],
        arm_without_code: true,
        bypass: false,
        set_clock: true,
        sections: Sections {
            codes: Access::ReadWrite,
            labels: Access::Cached,
            partitions: Access::ReadWrite,
            roles: Access::ReadWrite,
            tags: Access::Unsupported,
            locks: Access::Unsupported,
            installer_code: Access::Unsupported,
        },
        notes: vec![],
        instead: BTreeMap::new(),
    }
}

fn user(n: u32, code: Option<&str>, role: PanelRole) -> (Slot, ReportedUser) {
    let at = WallTime::default();
    let state = if code.is_some() { CodeState::Set } else { CodeState::None };
    let mut user = ReportedUser::unknown(slot(n));
    user.code = Known { value: state, evidence: Evidence::ReadBack, at };
    user.code_hash = code.map(hash);
    user.role = code.map(|_| Known { value: role, evidence: Evidence::ReadBack, at });
    (slot(n), user)
}

/// Slot 1 has code 1111, slot 2 is empty, slot 3 is unknown, slot 4 has a wish for code 4444 under way,
/// slot 5 is under threat with code 5555, slot 6 is about to be disabled, slot 40 is the master with code 4040.
/// The installer code is 8642.
fn decide(slot_number: u32, wanted: &Wanted<'_>, change: impl FnOnce(&mut Capabilities)) -> Result<Accepted, Refusal> {
    let mut capabilities = capabilities();
    change(&mut capabilities);
    let reported = BTreeMap::from([
        user(1, Some("1111"), PanelRole::User),
        user(2, None, PanelRole::User),
        user(5, Some("5555"), PanelRole::Duress),
        user(6, Some("6666"), PanelRole::User),
        user(40, Some("4040"), PanelRole::Master),
    ]);
    let code = AccessCode::new("4444".into());
    let wish = UserWish::Present { code: Some(code), label: None, role: None, partitions: None };
    let desired = BTreeMap::from([
        (slot(4), DesiredUser { slot: slot(4), version: 1, wish, code_hash: Some(hash("4444")) }),
        (slot(6), DesiredUser { slot: slot(6), version: 2, wish: UserWish::Disabled, code_hash: None }),
    ]);
    let reserved = BTreeSet::from([hash("8642").0]);
    let panel = Panel { capabilities: &capabilities, reported: &reported, desired: &desired, reserved: &reserved };
    panel.check(slot(slot_number), wanted, hash)
}

#[test]
fn user_rules_hold() {
    let code = |text: &str| AccessCode::new(text.to_owned());
    let partitions = |text: &str| Wanted::Partitions(text.parse().expect("a list"));
    let codes: Vec<_> =
        ["2580", "258", "25801", "25a0", "1111", "4444", "8642", "5556", "5554", "1112"].map(code).into();
    let row = |n: usize| Wanted::Code(&codes[n]);
    let rows: [(&str, u32, Wanted<'_>, Result<(), Refusal>); 33] = [
        ("U3 sets a code on an empty slot", 2, row(0), Ok(())),
        ("U3 replaces a code", 1, row(0), Ok(())),
        ("U3 sets a code on an unknown slot", 3, row(0), Ok(())),
        ("U3 sets the master's code", 40, row(0), Ok(())),
        ("U3 too short", 1, row(1), Err(Refusal::CodeFormat)),
        ("U3 too long", 1, row(2), Err(Refusal::CodeFormat)),
        ("U3 not digits", 1, row(3), Err(Refusal::CodeFormat)),
        ("U3 the same code again is no conflict", 1, row(4), Ok(())),
        ("no such slot", 49, row(0), Err(Refusal::SlotNotAvailable)),
        ("U9 another user's code", 2, row(4), Err(Refusal::CodeNotAvailable)),
        ("U9 a code on its way to another slot", 2, row(5), Err(Refusal::CodeNotAvailable)),
        ("U9 the installer code", 2, row(6), Err(Refusal::CodeNotAvailable)),
        ("U9 one above a duress code", 2, row(7), Err(Refusal::CodeNotAvailable)),
        ("U9 one below a duress code", 2, row(8), Err(Refusal::CodeNotAvailable)),
        ("U9 a duress code next to a user's", 5, row(9), Err(Refusal::CodeNotAvailable)),
        ("U9 next to a plain user's code", 2, row(9), Ok(())),
        ("U4 label with a code", 1, Wanted::Label("Cleaner"), Ok(())),
        ("U4 label while the code is under way", 4, Wanted::Label("Cleaner"), Ok(())),
        ("U4 label without a code", 2, Wanted::Label("Cleaner"), Err(Refusal::CodeNotSet)),
        ("U4 label on an unknown slot", 3, Wanted::Label("Cleaner"), Err(Refusal::CodeNotSet)),
        ("U4 label while the user is being removed", 6, Wanted::Label("Cleaner"), Err(Refusal::CodeNotSet)),
        ("U12 too long", 1, Wanted::Label("Fifteen letters"), Err(Refusal::LabelFormat)),
        ("U12 not showable", 1, Wanted::Label("Küche"), Err(Refusal::LabelFormat)),
        ("U4 partitions with a code", 1, partitions("1, 2"), Ok(())),
        ("U4 partitions without a code", 2, partitions("1"), Err(Refusal::CodeNotSet)),
        ("U11 no such partition", 1, partitions("1, 3"), Err(Refusal::PartitionNotAvailable)),
        ("U11 none at all", 1, partitions(""), Err(Refusal::PartitionNotAvailable)),
        ("U5 a master has all", 40, partitions("1"), Err(Refusal::MasterPartitionsFixed)),
        ("U10 a role of the panel", 1, Wanted::Role(PanelRole::Supervisor), Ok(())),
        ("U10 not a role of the panel", 1, Wanted::Role(PanelRole::Guest), Err(Refusal::RoleNotSupported)),
        ("U10 not a role of the slot", 1, Wanted::Role(PanelRole::Master), Err(Refusal::RoleNotSupported)),
        ("U7 a master stays", 40, Wanted::Gone, Err(Refusal::MasterCannotBeDisabled)),
        ("U8 nobody to disable", 2, Wanted::Gone, Err(Refusal::CodeNotSet)),
    ];
    for (rule, n, wanted, expected) in rows {
        assert_eq!(decide(n, &wanted, |_| {}).map(|_| ()), expected, "{rule}");
    }
    for (rule, n) in [("U6 disables a user", 1), ("U6 clears a slot of which nothing is known", 3)] {
        assert_eq!(decide(n, &Wanted::Gone, |_| {}), Ok(Accepted::Gone), "{rule}");
    }
}

#[test]
fn what_the_panel_cannot_do_is_unsupported() {
    let code = AccessCode::new("2580".into());
    type Row<'a> = (&'static str, Wanted<'a>, fn(&mut Sections));
    let rows: [Row<'_>; 5] = [
        ("codes", Wanted::Code(&code), |s| s.codes = Access::ReadOnly),
        ("labels", Wanted::Label("Cleaner"), |s| s.labels = Access::Unsupported),
        ("partitions", Wanted::Partitions(PartitionSet::first(1)), |s| s.partitions = Access::Unsupported),
        ("roles", Wanted::Role(PanelRole::User), |s| s.roles = Access::ReadOnly),
        ("codes, to disable", Wanted::Gone, |s| s.codes = Access::Unsupported),
    ];
    for (what, wanted, change) in rows {
        let result = decide(1, &wanted, |capabilities| change(&mut capabilities.sections));
        assert_eq!(result, Err(Refusal::Unsupported), "{what}");
    }
}
