//! A panel with something of everything.

use std::collections::BTreeMap;

use panel_model::{
    Access, Answer, ArmMode, ArmState, Capabilities, Charset, CodeRules, CodeState, Condition, Evidence, Field, Known,
    Label, LabelRules, LockId, LockState, PanelError, PanelRole, PanelSnapshot, PanelState, PanelStatus, Partition,
    PartitionSet, PartitionState, Progress, Readiness, Refusal, ReportedUser, RoleSlots, Sections, Slot, Trouble,
    TroubleKind, WallTime, Zone, ZoneState,
};

/// 22 November 2026, 10:11:12.345 UTC.
pub(crate) const NOON: WallTime = WallTime(1_795_342_272_345);

pub(crate) fn slot(n: u32) -> Slot {
    Slot::new(n).unwrap()
}

pub(crate) fn partition(n: u32) -> Partition {
    Partition::new(n).unwrap()
}

pub(crate) fn zone(n: u32) -> Zone {
    Zone::new(n).unwrap()
}

fn known<T>(value: T, evidence: Evidence) -> Option<Known<T>> {
    Some(Known { value, evidence, at: NOON })
}

pub(crate) fn capabilities() -> Capabilities {
    let sections = Sections {
        codes: Access::WriteOnly,
        labels: Access::Cached,
        partitions: Access::ReadWrite,
        roles: Access::ReadWrite,
        tags: Access::Unsupported,
        locks: Access::Unsupported,
        installer_code: Access::WriteOnly,
    };
    Capabilities {
        model: "PC1864".into(),
        slots: vec![
            RoleSlots {
                first: slot(1),
                last: slot(39),
                roles: vec![PanelRole::User, PanelRole::Supervisor, PanelRole::OneTimeUser, PanelRole::Duress],
            },
            RoleSlots { first: slot(40), last: slot(40), roles: vec![PanelRole::Master] },
        ],
        codes: CodeRules { lengths: vec![4, 6], duress_distance: true },
        user_labels: LabelRules { max_chars: 32, charset: Charset::Any },
        zone_labels: None,
        partitions: PartitionSet::first(8),
        zones: 64,
        outputs: 4,
        locks: 0,
        arm_modes: vec![ArmMode::Away, ArmMode::Stay],
        arm_without_code: true,
        bypass: true,
        set_clock: true,
        sections,
        notes: vec!["Tags are enrolled at the keypad.".into()],
        instead: BTreeMap::new(),
    }
}

/// A panel of which nothing is known yet.
pub(crate) fn fresh_panel(id: &str) -> PanelSnapshot {
    PanelSnapshot {
        id: id.parse().unwrap(),
        vendor: "dsc",
        link: "tcp 127.0.0.1:4025".into(),
        status: PanelStatus::Online,
        since: NOON,
        last_seen: Some(NOON),
        needs: None,
        firmware: None,
        capabilities: capabilities(),
        state: PanelState::default(),
        users: BTreeMap::new(),
        answers: BTreeMap::new(),
        reported_version: 0,
        desired_version: 0,
        cloud_version: 0,
        progress: None,
    }
}

/// A panel with something of everything.
pub(crate) fn panel() -> PanelSnapshot {
    let mut panel = fresh_panel("dsc-1");
    panel.firmware = Some("IT-100 1.02".into());
    panel.needs = Some("the installer code is wrong; set it with `panelgate installers`".into());
    panel.progress = Some(Progress { what: "reading slots".into(), done: 12, total: 40 });
    panel.reported_version = 12;
    panel.desired_version = 9;
    panel.cloud_version = 7;
    fill_state(&mut panel.state);
    fill_users(&mut panel.users);
    panel.answers = answers();
    panel
}

fn fill_state(state: &mut PanelState) {
    let armed = PartitionState {
        arm: ArmState::Armed(ArmMode::Away),
        alarm: true,
        last_user: Some(slot(4)),
        label: Label::from_panel("House"),
        ..PartitionState::default()
    };
    state.partitions.insert(partition(1), armed);
    let ready = PartitionState { ready: Readiness::Ready, ..PartitionState::default() };
    state.partitions.insert(partition(2), ready);
    let front = ZoneState { open: true, label: Label::from_panel("Front Door"), ..ZoneState::default() };
    state.zones.insert(zone(1), front);
    state.zones.insert(zone(2), ZoneState { bypassed: true, ..ZoneState::default() });
    state.locks.insert(LockId::new(1).unwrap(), LockState::Locked);
    state.troubles.insert(Trouble::panel(TroubleKind::AcLost));
    state.troubles.insert(Trouble::device(TroubleKind::ZoneBatteryLow, 5));
}

fn fill_users(users: &mut BTreeMap<Slot, ReportedUser>) {
    let mut anna = ReportedUser::unknown(slot(4));
    anna.code = Known { value: CodeState::Set, evidence: Evidence::Acknowledged, at: NOON };
    anna.label = known(Label::from_panel("Anna").unwrap(), Evidence::ReadBack);
    anna.role = known(PanelRole::User, Evidence::ReadBack);
    anna.partitions = known("1, 4".parse().unwrap(), Evidence::WrittenBlind);
    users.insert(slot(4), anna);

    let mut gone = ReportedUser::unknown(slot(5));
    gone.code = Known { value: CodeState::None, evidence: Evidence::ReadBack, at: NOON };
    gone.label = known(Label::from_panel("Was Bert").unwrap(), Evidence::ReadBack);
    users.insert(slot(5), gone);

    let mut stale = ReportedUser::unknown(slot(40));
    stale.role = known(PanelRole::Master, Evidence::ReadBack);
    stale.stale = true;
    users.insert(slot(40), stale);
}

fn answers() -> BTreeMap<(Slot, Field), Answer> {
    let failed = Condition::Failed {
        error: PanelError::passing("502 018", "the panel is in programming mode; it is tried again"),
        next_try: Some(WallTime(NOON.0 + 60_000)),
    };
    let pending =
        Condition::Pending { since: NOON, tries: 2, why: Some("partition 1 is armed; waits until it is not".into()) };
    BTreeMap::from([
        (
            (slot(4), Field::Code),
            Answer { version: 7, condition: Condition::Applied { evidence: Evidence::Acknowledged } },
        ),
        (
            (slot(4), Field::Label),
            Answer { version: 7, condition: Condition::Refused { refusal: Refusal::LabelFormat } },
        ),
        ((slot(4), Field::Partitions), Answer { version: 8, condition: failed }),
        ((slot(6), Field::Code), Answer { version: 9, condition: pending }),
    ])
}
