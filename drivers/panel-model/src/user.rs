use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccessCode, CodeHash, Label, PanelRole, PartitionSet, Refusal, Slot, WallTime};

/// How well a written value is proved. Never reported higher than it was earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The module took the bytes; the panel said nothing.
    WrittenBlind,
    /// The panel showed that it took the value, without showing the value.
    Acknowledged,
    /// The panel showed the value itself, or the box keeps it ([`crate::Access::Cached`]).
    ReadBack,
}

/// Whether a slot has a code. The code itself is never part of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeState {
    /// Nobody has told yet.
    #[default]
    Unknown,
    /// The slot is empty.
    None,
    /// The slot has a code, hence a user.
    Set,
}

/// A value with its proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the model's own types")]
pub struct Known<T> {
    pub value: T,
    pub evidence: Evidence,
    pub at: WallTime,
}

/// The parts of a panel user that are wished for, written and answered one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the model's own")]
pub enum Field {
    Code,
    Label,
    Partitions,
    Role,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Code, Self::Label, Self::Partitions, Self::Role];

    /// The stable name, as in payloads.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Label => "label",
            Self::Partitions => "partitions",
            Self::Role => "role",
        }
    }
}

/// What a driver found out about one user; `None` fields were not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the model's own types")]
pub struct UserReport {
    pub slot: Slot,
    pub code_state: Option<CodeState>,
    /// The code itself, from panels that show it. Goes into the seal and nowhere else.
    pub code: Option<AccessCode>,
    pub label: Option<Label>,
    pub role: Option<PanelRole>,
    pub partitions: Option<PartitionSet>,
    /// Whether the user has a proximity tag.
    pub tag: Option<bool>,
    pub evidence: Evidence,
}

impl UserReport {
    /// A report that says nothing yet.
    #[must_use]
    pub fn new(slot: Slot, evidence: Evidence) -> Self {
        Self { slot, code_state: None, code: None, label: None, role: None, partitions: None, tag: None, evidence }
    }
}

/// What the box knows of one panel user: evidence from the panel, never a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the model's own types")]
pub struct ReportedUser {
    pub slot: Slot,
    pub code: Known<CodeState>,
    /// Hash of the code that is in the panel, where we know it.
    pub code_hash: Option<CodeHash>,
    pub label: Option<Known<Label>>,
    pub role: Option<Known<PanelRole>>,
    pub partitions: Option<Known<PartitionSet>>,
    /// Whether the user has a proximity tag, where the panel shows it. Also without a code.
    pub tag: Option<bool>,
    /// Somebody else may have changed it since.
    pub stale: bool,
}

impl ReportedUser {
    /// A slot of which nothing is known.
    #[must_use]
    pub fn unknown(slot: Slot) -> Self {
        Self {
            slot,
            code: Known { value: CodeState::Unknown, evidence: Evidence::WrittenBlind, at: WallTime::default() },
            code_hash: None,
            label: None,
            role: None,
            partitions: None,
            tag: None,
            stale: false,
        }
    }
}

/// What somebody wants one slot to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserWish {
    /// No user in this slot (U6).
    Disabled,
    /// A user with these values; `None` leaves a value as it is.
    Present {
        /// New code.
        code: Option<AccessCode>,
        /// New label.
        label: Option<Label>,
        /// New role.
        role: Option<PanelRole>,
        /// New partitions.
        partitions: Option<PartitionSet>,
    },
}

impl UserWish {
    /// Whether nothing is wished.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Present { code: None, label: None, role: None, partitions: None })
    }
}

/// The last accepted wish for a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the model's own types")]
pub struct DesiredUser {
    pub slot: Slot,
    /// Rises by one with each accepted change of the panel's desired state.
    pub version: u64,
    pub wish: UserWish,
    /// Hash of the wished code.
    pub code_hash: Option<CodeHash>,
}

impl DesiredUser {
    /// Gives up all wished values but these. The wish for an empty slot is one about its code.
    pub fn keep_only(&mut self, fields: &BTreeSet<Field>) {
        let keep_code = fields.contains(&Field::Code);
        match &mut self.wish {
            UserWish::Disabled if keep_code => {}
            UserWish::Disabled => {
                self.wish = UserWish::Present { code: None, label: None, role: None, partitions: None };
            }
            UserWish::Present { code, label, role, partitions } => {
                *code = code.take().filter(|_| keep_code);
                *label = label.take().filter(|_| fields.contains(&Field::Label));
                *role = role.filter(|_| fields.contains(&Field::Role));
                *partitions = partitions.filter(|_| fields.contains(&Field::Partitions));
            }
        }
        self.code_hash = self.code_hash.filter(|_| keep_code);
    }
}

/// Where one wished value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The panel has it, proved as said.
    Applied {
        /// How well it is proved.
        evidence: Evidence,
    },
    /// Under way, or waiting for its time.
    Pending {
        /// Since when it is wished.
        since: WallTime,
        /// Tries so far.
        tries: u32,
        /// What it waits for, for people.
        why: Option<String>,
    },
    /// Not granted; not tried again until the wish changes.
    Refused {
        /// Why.
        refusal: Refusal,
    },
    /// The panel or its connection failed.
    Failed {
        /// The panel's own word.
        error: PanelError,
        /// When it is tried again; `None`: not before a person changes something.
        next_try: Option<WallTime>,
    },
}

/// A panel's "no", in its own words, cleaned of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelError {
    /// The panel's own code, such as `502 018`, or our word where it has none, such as `timeout`.
    pub code: String,
    /// A sentence for people: what happened and what to do.
    pub text: String,
    /// `true`: the same again may work later. `false`: a person has to change something first.
    pub retry: bool,
}

impl PanelError {
    /// An error that may pass by itself.
    #[must_use]
    pub fn passing(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self { code: code.into(), text: text.into(), retry: true }
    }

    /// An error that needs a person.
    #[must_use]
    pub fn lasting(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self { code: code.into(), text: text.into(), retry: false }
    }
}

/// Why a command has to wait: not an error, and not counted as a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotNow {
    /// For people: `partition 1 is armed`.
    pub why: String,
}
