//! What is missing before a panel's commissioning can be signed off (S4). Pure: what is known comes in, the checklist
//! comes out.

use std::collections::BTreeMap;

use panel_model::{Access, CodeState, PanelSnapshot, PanelStatus, WallTime, Zone};

use super::orders::provable;
use crate::payload::{Checklist, ChecklistStep, Step, StepState, Timestamp, WalkResult, WalkRow, WalkTest};
use crate::store;

/// All that the checklist is made of.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) panel: &'a PanelSnapshot,
    pub(super) code: CodeFacts,
    pub(super) cloud: CloudFacts,
    pub(super) walk_test: Option<store::WalkTest>,
    pub(super) walked: BTreeMap<Zone, store::WalkedZone>,
    pub(super) signed_off: Option<WallTime>,
    pub(super) now: WallTime,
}

/// What the box knows of the panel's installer code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CodeFacts {
    pub(super) kept: KeptCode,
    /// The kept code is one that such panels leave the factory with.
    pub(super) factory_default: bool,
    /// When the panel itself took the kept code.
    pub(super) proved: Option<WallTime>,
}

/// How many installer codes the box keeps for a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum KeptCode {
    #[default]
    None,
    One,
    /// A change broke off: one of two.
    Unsettled,
}

/// How the way to the cloud stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CloudFacts {
    pub(super) configured: bool,
    pub(super) connected: bool,
    /// When the cloud acknowledged something.
    pub(super) reached: Option<WallTime>,
}

/// The checklist as the facts make it.
pub(super) fn checklist(facts: &Facts<'_>) -> Checklist {
    let walk_test = walk_test(facts);
    let mut steps = vec![
        link_up(facts.panel),
        identified(facts.panel),
        installer_code(facts),
        users_pulled(facts.panel),
        cloud_reached(facts),
        walked(facts, &walk_test),
    ];
    let complete = steps.iter().all(|step| step.state != StepState::Missing);
    steps.push(signed_off(facts, complete));
    Checklist { panel: facts.panel.id.clone(), at: facts.now.into(), complete, steps, walk_test }
}

/// The steps that are missing before it can be signed off, as one sentence.
pub(super) fn missing(checklist: &Checklist) -> String {
    let steps = checklist.steps.iter().filter(|step| step.state == StepState::Missing && step.step != Step::SignedOff);
    steps.map(|step| format!("{} ({})", step.step.title(), step.text)).collect::<Vec<_>>().join("; ")
}

fn done(step: Step, since: Option<WallTime>, text: impl Into<String>) -> ChecklistStep {
    let since = since.map(Timestamp::from);
    ChecklistStep { step, state: StepState::Done, since, text: text.into(), what_to_do: None }
}

fn lacking(step: Step, text: impl Into<String>, what_to_do: impl Into<String>) -> ChecklistStep {
    let what_to_do = Some(what_to_do.into());
    ChecklistStep { step, state: StepState::Missing, since: None, text: text.into(), what_to_do }
}

fn not_applicable(step: Step, text: impl Into<String>) -> ChecklistStep {
    ChecklistStep { step, state: StepState::NotApplicable, since: None, text: text.into(), what_to_do: None }
}

fn link_up(panel: &PanelSnapshot) -> ChecklistStep {
    let id = &panel.id;
    match panel.status {
        PanelStatus::Online => done(Step::LinkUp, Some(panel.since), format!("online over {}", panel.link)),
        PanelStatus::Late | PanelStatus::Stale | PanelStatus::Offline => {
            let text = format!("nothing is heard over {}", panel.link);
            let needs = panel.needs.clone();
            lacking(Step::LinkUp, text, needs.unwrap_or_else(|| format!("look at the line; `panelgate wire {id}`")))
        }
    }
}

/// Before its first whole report a panel is only what the configuration says it is.
fn identified(panel: &PanelSnapshot) -> ChecklistStep {
    let (id, model) = (&panel.id, &panel.capabilities.model);
    if panel.state.partitions.is_empty() || model.is_empty() {
        let what_to_do = format!("let it report: `panelgate panels refresh {id}`");
        return lacking(Step::PanelIdentified, "the panel has not reported itself yet", what_to_do);
    }
    let firmware = panel.firmware.as_ref().map_or_else(|| "version not told".into(), |text| format!("version {text}"));
    done(Step::PanelIdentified, None, format!("{} {model}, {firmware}", panel.vendor))
}

fn installer_code(facts: &Facts<'_>) -> ChecklistStep {
    let (step, id) = (Step::InstallerCode, &facts.panel.id);
    let can_be_proved = provable(facts.panel.capabilities.sections.installer_code).is_ok();
    match facts.code {
        CodeFacts { kept: KeptCode::None, .. } => lacking(
            step,
            "the box keeps no installer code for this panel",
            if can_be_proved {
                format!("`panelgate panels verify-installer-code {id}`")
            } else {
                format!("`panelgate panels set-credential {id} installer-code`")
            },
        ),
        CodeFacts { kept: KeptCode::Unsettled, .. } => lacking(
            step,
            "a change broke off, and nobody knows which of two codes the panel has",
            format!("`panelgate panels verify-installer-code {id}`"),
        ),
        CodeFacts { factory_default: true, .. } => lacking(
            step,
            "it is the factory's, which everybody knows",
            if facts.panel.capabilities.sections.installer_code.writable() {
                format!("`panelgate panels change-installer-code {id}`")
            } else {
                format!("change it at the panel, then `panelgate panels set-credential {id} installer-code`")
            },
        ),
        CodeFacts { proved: Some(at), .. } => done(step, Some(at), "the panel took it, and it is not the factory's"),
        _ if can_be_proved => lacking(
            step,
            "the panel has not taken the kept code yet",
            format!("`panelgate panels verify-installer-code {id} --kept`"),
        ),
        _ => not_applicable(step, "kept, and not the factory's; it cannot be proved over this connection"),
    }
}

fn users_pulled(panel: &PanelSnapshot) -> ChecklistStep {
    let (step, id) = (Step::UsersPulled, &panel.id);
    if !shows_users(panel) {
        return not_applicable(step, "users cannot be read over this connection: what was written from here is shown");
    }
    let slots = panel.capabilities.all_slots();
    let unseen = slots.filter(|slot| panel.users.get(slot).is_none_or(|user| user.code.value == CodeState::Unknown));
    let unseen = unseen.count();
    let what_to_do = format!("`panelgate users {id} refresh`");
    if unseen > 0 {
        let text = format!("{unseen} of {} places have not been looked at", panel.capabilities.all_slots().count());
        return lacking(step, text, what_to_do);
    }
    if panel.users.values().any(|user| user.stale) {
        return lacking(step, "users may have been changed at a keypad since", what_to_do);
    }
    let users = panel.users.values().filter(|user| user.code.value == CodeState::Set).count();
    let since = panel.users.values().map(|user| user.code.at).max();
    done(step, since, format!("{users} users with a code"))
}

/// Whether the panel shows anything of its users that was not written from here.
fn shows_users(panel: &PanelSnapshot) -> bool {
    let sections = &panel.capabilities.sections;
    let read = |access| matches!(access, Access::ReadWrite | Access::ReadOnly);
    [sections.codes, sections.partitions, sections.roles, sections.tags].into_iter().any(read)
}

fn cloud_reached(facts: &Facts<'_>) -> ChecklistStep {
    let step = Step::CloudReached;
    match facts.cloud {
        CloudFacts { configured: false, .. } => not_applicable(step, "no cloud is configured"),
        CloudFacts { reached: Some(at), connected, .. } => {
            let now = if connected { "connected" } else { "not connected now; what is for it waits" };
            done(step, Some(at), format!("it acknowledged what the box sent; {now}"))
        }
        CloudFacts { connected: true, .. } => {
            let what_to_do = "open and close a zone, and look at `panelgate status`";
            lacking(step, "connected, but nothing was acknowledged yet", what_to_do)
        }
        CloudFacts { .. } => lacking(step, "the broker was never reached", "`panelgate status` says what is wrong"),
    }
}

/// The zones that the panel has: those that it reports, else as many as its model or its configuration has.
fn zones(panel: &PanelSnapshot) -> Vec<Zone> {
    let known: Vec<_> =
        panel.state.zones.keys().copied().filter(|zone| zone.number() <= panel.capabilities.zones).collect();
    if known.is_empty() {
        return (1..=panel.capabilities.zones).filter_map(|n| Zone::new(n.into()).ok()).collect();
    }
    known
}

fn walk_test(facts: &Facts<'_>) -> WalkTest {
    let label = |zone| {
        let label = facts.panel.state.zones.get(&zone).and_then(|state| state.label.as_ref());
        label.map(|label| label.as_str().to_owned())
    };
    WalkTest {
        running: facts.walk_test.is_some_and(|test| test.is_running(facts.now)),
        started: facts.walk_test.map(|test| test.started.into()),
        ends: facts.walk_test.map(|test| test.ends.into()),
        zones: zones(facts.panel)
            .into_iter()
            .map(|zone| WalkRow::new(zone, label(zone), facts.walked.get(&zone)))
            .collect(),
    }
}

fn walked(facts: &Facts<'_>, test: &WalkTest) -> ChecklistStep {
    let (step, id) = (Step::WalkTest, &facts.panel.id);
    let count = |result| test.zones.iter().filter(|row| row.result == result).count();
    let open: Vec<_> = test.zones.iter().filter(|row| row.result == WalkResult::Missing).map(|row| row.zone).collect();
    if open.is_empty() {
        let since = facts.walked.values().map(|walked| walked.at).max();
        let skipped = count(WalkResult::Skipped);
        return done(step, since, format!("{} zones tested, {skipped} skipped", test.zones.len() - skipped));
    }
    let text = format!("{} of {} zones are left: {}", open.len(), test.zones.len(), ranges(&open));
    let what_to_do = if test.running {
        "walk on, or leave a zone out: `walk-test skip ZONES --reason TEXT`".to_owned()
    } else {
        format!("have the station put the site on test by phone, then `panelgate commission {id} walk-test start`")
    };
    lacking(step, text, what_to_do)
}

fn signed_off(facts: &Facts<'_>, complete: bool) -> ChecklistStep {
    let (step, id) = (Step::SignedOff, &facts.panel.id);
    match facts.signed_off {
        Some(at) => done(step, Some(at), format!("`panelgate commission {id} report` shows the report")),
        None if complete => {
            lacking(step, "everything else is done", format!("`panelgate commission {id} sign-off --name NAME`"))
        }
        None => lacking(step, "something is missing before", "do what is missing first"),
    }
}

/// Numbers as people write them: `1-3, 7`.
pub(super) fn ranges(zones: &[Zone]) -> String {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for zone in zones.iter().map(|zone| zone.number()) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == zone => *last = zone,
            _ => runs.push((zone, zone)),
        }
    }
    let run = |(first, last): (u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    runs.into_iter().map(run).collect::<Vec<_>>().join(", ")
}
