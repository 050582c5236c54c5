use std::collections::BTreeMap;

use panel_model::{
    CodeState, Condition, Evidence, Field, LockId, PanelRole, PanelSnapshot, PartitionSet, Refusal, ReportedUser, Slot,
    WallTime,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Topic `panels/{panel}/reported`, retained: what is known of the panel's users, and how every wish stands (C2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reported {
    /// Rises by one with every change of `users`.
    pub version: u64,
    /// Rises by one with every accepted wish, whichever door it came through. Answers name it.
    pub desired_version: u64,
    /// Version of the cloud's last accepted `desired` document.
    pub cloud_version: u64,
    /// Why the last `desired` document was not taken as a whole, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_document: Option<DocumentRefusal>,
    /// Users by slot. Slots of which nothing is known and nothing is wished are left out.
    pub users: BTreeMap<Slot, User>,
}

/// Why a whole document was refused; nothing of it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentRefusal {
    /// The version that it claimed, if it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The stable code.
    pub refusal: Refusal,
    /// What is wrong, and where.
    pub text: String,
}

/// One user's place (U1): a row of the list of users, and one entry of `reported`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Number of the place.
    pub slot: Slot,
    /// The label; `User N` where there is none (U2).
    pub label: String,
    /// The role in the panel; absent on an empty slot and where it is not known (shown as `-`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<PanelRole>,
    /// Whether the slot has a code, hence a user.
    pub code_state: CodeState,
    /// Partitions that the user may operate; absent like the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<PartitionSet>,
    /// Locks that the user may operate; absent where the panel has none or they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locks: Option<Vec<LockId>>,
    /// How many tags the user has; absent like the locks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<u16>,
    /// How well each known value is proved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<Field, Evidence>,
    /// When the newest of the values was proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Somebody else may have changed it since.
    pub stale: bool,
    /// How each wished value stands.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<Field, Answer>,
}

/// How one wished value stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "condition", rename_all = "snake_case")]
pub enum Answer {
    /// The panel has it, proved as said.
    Applied {
        /// The desired version that this answers.
        version: u64,
        /// How well it is proved.
        evidence: Evidence,
    },
    /// Under way, or waiting for its time.
    Pending {
        /// The desired version that this answers.
        version: u64,
        /// Since when it is wished.
        since: Timestamp,
        /// Tries so far.
        tries: u32,
        /// What it waits for, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// Not granted; not tried again until the wish changes.
    Refused {
        /// The desired version that this answers.
        version: u64,
        /// The stable code.
        refusal: Refusal,
        /// What to do, for people.
        text: String,
    },
    /// The panel or its connection failed.
    Failed {
        /// The desired version that this answers.
        version: u64,
        /// The panel's own word.
        error: PanelFault,
        /// When it is tried again; absent: not before somebody changes something.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_try: Option<Timestamp>,
    },
}

/// A panel's "no", in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PanelFault {
    /// The panel's own code, or our word where it has none.
    pub code: String,
    /// What happened and what to do.
    pub text: String,
}

impl Answer {
    /// The desired version that it answers.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Self::Applied { version, .. }
            | Self::Pending { version, .. }
            | Self::Refused { version, .. }
            | Self::Failed { version, .. } => *version,
        }
    }
}

impl User {
    /// The user of `slot` as `panel` shows it, whether or not anything is known of it.
    #[must_use]
    pub fn of(panel: &PanelSnapshot, slot: Slot) -> Self {
        let mut row = Self::empty(slot);
        if let Some(user) = panel.users.get(&slot) {
            row.fill(user);
        }
        row.answers = panel
            .answers
            .range((slot, Field::Code)..=(slot, Field::Role))
            .map(|((_, field), answer)| (*field, answer.into()))
            .collect();
        row
    }

    /// All places of the panel in rising order, for the list of users.
    pub fn rows(panel: &PanelSnapshot) -> impl Iterator<Item = Self> + '_ {
        panel.capabilities.all_slots().map(|slot| Self::of(panel, slot))
    }

    /// The role, or `-`.
    #[must_use]
    pub fn role_text(&self) -> &'static str {
        self.role.map_or("-", PanelRole::name)
    }

    /// The partitions as a list such as `1, 4, 6`, or `-`.
    #[must_use]
    pub fn partitions_text(&self) -> String {
        self.partitions.filter(|set| !set.is_empty()).map_or_else(|| "-".to_owned(), |set| set.to_string())
    }

    fn empty(slot: Slot) -> Self {
        Self {
            slot,
            label: format!("User {slot}"),
            role: None,
            code_state: CodeState::Unknown,
            partitions: None,
            locks: None,
            tags: None,
            evidence: BTreeMap::new(),
            at: None,
            stale: false,
            answers: BTreeMap::new(),
        }
    }

    fn fill(&mut self, user: &ReportedUser) {
        self.code_state = user.code.value;
        self.stale = user.stale;
        self.tags = user.tag.map(u16::from);
        if user.code.value != CodeState::Unknown {
            self.prove(Field::Code, user.code.evidence, user.code.at);
        }
        if user.code.value == CodeState::None {
            return; // U2, U6: what may still be known of an empty slot belongs to nobody
        }
        if let Some(label) = &user.label {
            label.value.as_str().clone_into(&mut self.label);
            self.prove(Field::Label, label.evidence, label.at);
        }
        if let Some(role) = &user.role {
            self.role = Some(role.value);
            self.prove(Field::Role, role.evidence, role.at);
        }
        if let Some(partitions) = &user.partitions {
            self.partitions = Some(partitions.value);
            self.prove(Field::Partitions, partitions.evidence, partitions.at);
        }
    }

    fn prove(&mut self, field: Field, evidence: Evidence, at: WallTime) {
        self.evidence.insert(field, evidence);
        self.at = self.at.max(Some(at.into()));
    }
}

impl Reported {
    /// What is known of the panel's users.
    #[must_use]
    pub fn new(panel: &PanelSnapshot, refused_document: Option<DocumentRefusal>) -> Self {
        Self {
            version: panel.reported_version,
            desired_version: panel.desired_version,
            cloud_version: panel.cloud_version,
            refused_document,
            users: told_slots(panel).map(|slot| (slot, User::of(panel, slot))).collect(),
        }
    }
}

/// The users that are not the same in both pictures, as they are in the newer one; `None` for a slot of which nothing is
/// known or wished any more. This is what a [`Delta`](super::Delta) carries.
#[must_use]
pub fn changed_users(old: &PanelSnapshot, new: &PanelSnapshot) -> BTreeMap<Slot, Option<User>> {
    let before: BTreeMap<_, _> = told_slots(old).map(|slot| (slot, User::of(old, slot))).collect();
    let mut changed: BTreeMap<_, _> = before.keys().map(|slot| (*slot, None)).collect();
    for slot in told_slots(new) {
        let user = User::of(new, slot);
        if before.get(&slot) == Some(&user) {
            changed.remove(&slot);
        } else {
            changed.insert(slot, Some(user));
        }
    }
    changed
}

/// Slots of which something is known or wished; one may come more than once.
fn told_slots(panel: &PanelSnapshot) -> impl Iterator<Item = Slot> + '_ {
    let wished = panel.answers.keys().map(|(slot, _)| *slot).filter(|slot| !panel.users.contains_key(slot));
    panel.users.keys().copied().chain(wished)
}

impl From<&panel_model::Answer> for Answer {
    fn from(answer: &panel_model::Answer) -> Self {
        let version = answer.version;
        match &answer.condition {
            Condition::Applied { evidence } => Self::Applied { version, evidence: *evidence },
            Condition::Pending { since, tries, why } => {
                Self::Pending { version, since: (*since).into(), tries: *tries, why: why.clone() }
            }
            Condition::Refused { refusal } => {
                Self::Refused { version, refusal: *refusal, text: refusal.hint().to_owned() }
            }
            Condition::Failed { error, next_try } => Self::Failed {
                version,
                error: PanelFault { code: error.code.clone(), text: error.text.clone() },
                next_try: next_try.map(Timestamp::from),
            },
        }
    }
}
