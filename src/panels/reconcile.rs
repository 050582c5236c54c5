//! From wish and evidence to the next step: a pure function.

use std::collections::BTreeMap;

use panel_driver::{Command, SetUser};
use panel_model::{
    AccessCode, Access, Answer, Capabilities, CodeHash, CodeState, Condition, DesiredUser, Evidence, Field, Label,
    ReportedUser, Slot, UserWish,
};

/// One thing to do for one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) slot: Slot,
    /// Version of the wish.
    pub(super) version: u64,
    /// The wished values that the step brings about.
    pub(super) field: Field,
    pub(super) work: Work,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// Ask the driver.
    Panel(Command),
    /// The panel has no such thing; the box keeps it.
    Keep(Label),
}

/// What follows from comparing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The most urgent step that may be tried now.
    pub(super) next: Option<Step>,
    /// Wished values that turned out to be there.
    pub(super) applied: Vec<((Slot, Field), Answer)>,
}

/// Decides the next step.
///
/// `may_try` says whether a value may be tried now (its last failure is long enough ago, the panel allows it).
/// Order: removals before codes before labels before partitions before roles, a master's code last among the codes
/// (it changes what the box itself needs), then by slot. Every step is safe to repeat.
pub(super) fn plan(
    desired: &BTreeMap<Slot, DesiredUser>,
    reported: &BTreeMap<Slot, ReportedUser>,
    answers: &BTreeMap<(Slot, Field), Answer>,
    capabilities: &Capabilities,
    may_try: impl Fn(Slot, Field) -> bool,
) -> Plan {
    let mut plan = Plan::default();
    let mut best: Option<(Urgency, Step)> = None;
    for wish in desired.values() {
        let known = reported.get(&wish.slot);
        for (urgency, field, target) in targets(wish, capabilities) {
            let key = (wish.slot, field);
            let answered = answers.get(&key).filter(|a| a.version == wish.version).map(|a| &a.condition);
            if let Some(evidence) = target.evidence(known) {
                if answered != Some(&Condition::Applied { evidence }) {
                    let condition = Condition::Applied { evidence };
                    plan.applied.push((key, Answer { version: wish.version, condition }));
                }
                continue;
            }
            let closed = matches!(
                answered,
                Some(Condition::Refused { .. } | Condition::Failed { next_try: None, .. })
            );
            if closed || !target.possible(known) || !may_try(wish.slot, field) {
                continue;
            }
            if best.as_ref().is_none_or(|(least, _)| urgency < *least) {
                let step = Step { slot: wish.slot, version: wish.version, field, work: target.work(wish.slot, capabilities) };
                best = Some((urgency, step));
            }
        }
    }
    plan.next = best.map(|(_, step)| step);
    plan
}

/// Rank among fields, master codes after the others, slot.
type Urgency = (u8, bool, Slot);

/// One wished value.
enum Target<'a> {
    Gone,
    Code(&'a AccessCode, Option<CodeHash>),
    Label(&'a Label),
    Partitions(panel_model::PartitionSet),
    Role(panel_model::PanelRole),
}

fn targets<'a>(wish: &'a DesiredUser, capabilities: &Capabilities) -> Vec<(Urgency, Field, Target<'a>)> {
    let slot = wish.slot;
    let UserWish::Present { code, label, role, partitions } = &wish.wish else {
        return vec![((0, false, slot), Field::Code, Target::Gone)];
    };
    let mut targets = Vec::with_capacity(4);
    if let Some(code) = code {
        let urgency = (1, capabilities.is_master(slot), slot);
        targets.push((urgency, Field::Code, Target::Code(code, wish.code_hash)));
    }
    if let Some(label) = label {
        targets.push(((2, false, slot), Field::Label, Target::Label(label)));
    }
    if let Some(partitions) = partitions {
        targets.push(((3, false, slot), Field::Partitions, Target::Partitions(*partitions)));
    }
    if let Some(role) = role {
        targets.push(((4, false, slot), Field::Role, Target::Role(*role)));
    }
    targets
}

impl Target<'_> {
    /// The proof that the value is there, or `None` if it is not.
    fn evidence(&self, known: Option<&ReportedUser>) -> Option<Evidence> {
        let known = known?;
        match self {
            Self::Gone => (known.code.value == CodeState::None).then_some(known.code.evidence),
            Self::Code(_, hash) => {
                let same = known.code.value == CodeState::Set && hash.is_some() && known.code_hash == *hash;
                same.then_some(known.code.evidence)
            }
            Self::Label(label) => known.label.as_ref().filter(|k| k.value == **label).map(|k| k.evidence),
            Self::Partitions(set) => known.partitions.filter(|k| k.value == *set).map(|k| k.evidence),
            Self::Role(role) => known.role.filter(|k| k.value == *role).map(|k| k.evidence),
        }
    }

    /// Labels, partitions and roles need a user, hence a code (U4); until it is there they wait.
    fn possible(&self, known: Option<&ReportedUser>) -> bool {
        match self {
            Self::Gone | Self::Code(..) => true,
            Self::Label(_) | Self::Partitions(_) | Self::Role(_) => {
                known.is_some_and(|known| known.code.value == CodeState::Set)
            }
        }
    }

    fn work(&self, slot: Slot, capabilities: &Capabilities) -> Work {
        let mut set = SetUser { slot, code: None, label: None, role: None, partitions: None };
        match self {
            Self::Gone => return Work::Panel(Command::DisableUser { slot }),
            Self::Label(label) if capabilities.sections.labels == Access::Cached => {
                return Work::Keep((*label).clone());
            }
            Self::Code(code, _) => set.code = Some((*code).clone()),
            Self::Label(label) => set.label = Some((*label).clone()),
            Self::Partitions(partitions) => set.partitions = Some(*partitions),
            Self::Role(role) => set.role = Some(*role),
        }
        Work::Panel(Command::SetUser(set))
    }
}
