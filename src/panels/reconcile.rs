//! From wish and evidence to the next step: a pure function.

use std::collections::BTreeMap;

use panel_driver::{Command, SetUser};
use panel_model::{
    Access, AccessCode, Answer, Capabilities, CodeHash, CodeState, Condition, DesiredUser, Evidence, Field, Label,
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
            let closed = matches!(answered, Some(Condition::Refused { .. } | Condition::Failed { next_try: None, .. }));
            if closed || !target.possible(known) || !may_try(wish.slot, field) {
                continue;
            }
            if best.as_ref().is_none_or(|(least, _)| urgency < *least) {
                let step =
                    Step { slot: wish.slot, version: wish.version, field, work: target.work(wish.slot, capabilities) };
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

#[cfg(test)]
pub(super) mod tests {
    use panel_model::{
        ArmMode, Charset, CodeRules, Known, LabelRules, PanelError, PanelRole, PartitionSet, Refusal, RoleSlots,
        Sections, WallTime,
    };

    use super::*;

    fn slot(n: u32) -> Slot {
        Slot::new(n).expect("in range")
    }

    pub(in crate::panels) fn capabilities() -> Capabilities {
        let range = |first, last, role| RoleSlots { first: slot(first), last: slot(last), roles: vec![role] };
        Capabilities {
            model: "TEST".into(),
            slots: vec![range(1, 39, PanelRole::User), range(40, 40, PanelRole::Master)],
            codes: CodeRules { lengths: vec![4], duress_distance: false },
            user_labels: LabelRules { max_chars: 32, charset: Charset::Any },
            zone_labels: None,
            partitions: PartitionSet::first(2),
            zones: 8,
            outputs: 0,
            locks: 0,
            arm_modes: vec![ArmMode::Away],
            arm_without_code: true,
            bypass: false,
            set_clock: false,
            sections: Sections {
                codes: Access::WriteOnly,
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

    fn hash(code: &str) -> CodeHash {
        let mut bytes = [0; 32];
        bytes[..code.len()].copy_from_slice(code.as_bytes());
        CodeHash(bytes)
    }

    fn wish(n: u32, code: Option<&str>, label: Option<&str>, partitions: Option<&str>) -> (Slot, DesiredUser) {
        let wish = UserWish::Present {
            code: code.map(|c| AccessCode::new(c.into())),
            label: label.and_then(Label::from_panel),
            role: None,
            partitions: partitions.map(|p| p.parse().expect("a list")),
        };
        (slot(n), DesiredUser { slot: slot(n), version: 7, wish, code_hash: code.map(hash) })
    }

    fn gone(n: u32) -> (Slot, DesiredUser) {
        (slot(n), DesiredUser { slot: slot(n), version: 7, wish: UserWish::Disabled, code_hash: None })
    }

    fn user(n: u32, code: &str) -> (Slot, ReportedUser) {
        let mut user = ReportedUser::unknown(slot(n));
        user.code = Known { value: CodeState::Set, evidence: Evidence::Acknowledged, at: WallTime::default() };
        user.code_hash = Some(hash(code));
        (slot(n), user)
    }

    fn order(desired: Vec<(Slot, DesiredUser)>, reported: Vec<(Slot, ReportedUser)>) -> Option<(u16, Field)> {
        let plan = plan(
            &desired.into_iter().collect(),
            &reported.into_iter().collect(),
            &BTreeMap::new(),
            &capabilities(),
            |_, _| true,
        );
        plan.next.map(|step| (step.slot.number(), step.field))
    }

    #[test]
    fn the_most_urgent_step_comes_first() {
        let master = wish(40, Some("9999"), None, None);
        let code = wish(3, Some("1234"), Some("Anna"), Some("1"));
        let label = wish(1, None, Some("Bea"), None);
        let known = || vec![user(1, "1111"), user(2, "2222"), user(40, "0000")];
        let all = || vec![master.clone(), code.clone(), label.clone(), gone(2)];
        assert_eq!(order(all(), known()), Some((2, Field::Code)), "removal before all else");
        let all = || vec![master.clone(), code.clone(), label.clone()];
        assert_eq!(order(all(), known()), Some((3, Field::Code)), "codes before labels, the master last");
        let all = || vec![master.clone(), label.clone()];
        assert_eq!(order(all(), known()), Some((40, Field::Code)));
        let all = || vec![wish(3, Some("1234"), None, Some("1")), wish(1, None, Some("Bea"), None)];
        let known = || vec![user(1, "1111"), user(3, "1234")];
        assert_eq!(order(all(), known()), Some((1, Field::Label)), "labels before partitions");
    }

    #[test]
    fn nothing_is_written_before_its_user_exists() {
        assert_eq!(order(vec![wish(5, None, Some("Anna"), Some("1"))], vec![]), None);
    }

    #[test]
    fn a_value_that_is_there_is_answered_and_not_written() {
        let desired = BTreeMap::from([wish(3, Some("1234"), None, None)]);
        let reported = BTreeMap::from([user(3, "1234")]);
        let first = plan(&desired, &reported, &BTreeMap::new(), &capabilities(), |_, _| true);
        let key = (slot(3), Field::Code);
        let answer = Answer { version: 7, condition: Condition::Applied { evidence: Evidence::Acknowledged } };
        assert_eq!(first, Plan { next: None, applied: vec![(key, answer.clone())] });
        let answers = BTreeMap::from([(key, answer)]);
        let second = plan(&desired, &reported, &answers, &capabilities(), |_, _| true);
        assert_eq!(second, Plan::default(), "answered already");
    }

    #[test]
    fn refused_and_given_up_values_wait_for_a_new_wish() {
        let desired = BTreeMap::from([wish(3, Some("1234"), None, None)]);
        let key = (slot(3), Field::Code);
        let error = PanelError::lasting("670", "the panel refused the code");
        for condition in [
            Condition::Refused { refusal: Refusal::Unsupported },
            Condition::Failed { error: error.clone(), next_try: None },
        ] {
            let answers = BTreeMap::from([(key, Answer { version: 7, condition: condition.clone() })]);
            let same = plan(&desired, &BTreeMap::new(), &answers, &capabilities(), |_, _| true);
            assert_eq!(same.next, None);
            let answers = BTreeMap::from([(key, Answer { version: 6, condition })]);
            let newer = plan(&desired, &BTreeMap::new(), &answers, &capabilities(), |_, _| true);
            assert!(newer.next.is_some(), "the wish is newer than the answer");
        }
    }

    #[test]
    fn carrying_out_the_plan_always_ends() {
        let mut reported = BTreeMap::from([user(1, "1111"), user(2, "2222")]);
        let desired = BTreeMap::from([
            gone(2),
            wish(1, Some("4321"), Some("Anna"), Some("1, 2")),
            wish(9, Some("9876"), Some("Bea"), Some("2")),
            wish(40, Some("5050"), None, None),
        ]);
        let mut steps = 0;
        while let Some(step) = plan(&desired, &reported, &BTreeMap::new(), &capabilities(), |_, _| true).next {
            steps += 1;
            assert!(steps <= 8, "the plan goes in circles at {step:?}");
            let at = WallTime::default();
            let evidence = Evidence::ReadBack;
            let user = reported.entry(step.slot).or_insert_with(|| ReportedUser::unknown(step.slot));
            match step.work {
                Work::Keep(label) => user.label = Some(Known { value: label, evidence, at }),
                Work::Panel(Command::SetUser(set)) => {
                    if let Some(code) = set.code {
                        user.code = Known { value: CodeState::Set, evidence, at };
                        user.code_hash = Some(hash(code.expose()));
                    }
                    user.partitions = set.partitions.map(|value| Known { value, evidence, at }).or(user.partitions);
                }
                Work::Panel(_) => user.code = Known { value: CodeState::None, evidence, at },
            }
        }
        assert_eq!(steps, 8);
    }
}
