use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccessCode, ArmMode, Field, LabelRules, PanelRole, PartitionSet, Refusal, Slot};

/// How far one kind of data can be read from and written to a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Written and read back.
    ReadWrite,
    /// Shown, never written.
    ReadOnly,
    /// Written, never read back: evidence is the panel's acknowledgement at best.
    WriteOnly,
    /// The panel has no such thing; the box keeps it.
    Cached,
    /// Not possible.
    Unsupported,
}

impl Access {
    /// Whether a wish of this kind can be accepted at all.
    #[must_use]
    pub fn writable(self) -> bool {
        matches!(self, Self::ReadWrite | Self::WriteOnly | Self::Cached)
    }

    /// Whether the panel itself has to be written to.
    #[must_use]
    pub fn on_panel(self) -> bool {
        matches!(self, Self::ReadWrite | Self::WriteOnly)
    }
}

/// Access per kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "each field is the kind of data that it names")]
pub struct Sections {
    pub codes: Access,
    pub labels: Access,
    pub partitions: Access,
    pub roles: Access,
    pub tags: Access,
    pub locks: Access,
    pub installer_code: Access,
}

/// What a code must look like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CodeRules {
    /// Lengths in digits that the panel takes now, rising: `[4]`, `[6]` or `[4, 6]`.
    pub lengths: Vec<u8>,
    /// A duress code may not differ by one from another code (and the other way round).
    pub duress_distance: bool,
}

impl CodeRules {
    /// Checks digits and length (U3).
    ///
    /// # Errors
    /// [`Refusal::CodeFormat`].
    pub fn check(&self, code: &AccessCode) -> Result<(), Refusal> {
        let text = code.expose();
        let length_fits = self.lengths.iter().any(|n| usize::from(*n) == text.len());
        if length_fits && text.bytes().all(|b| b.is_ascii_digit()) { Ok(()) } else { Err(Refusal::CodeFormat) }
    }
}

/// The roles that the slots of a range may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleSlots {
    /// First slot of the range.
    pub first: Slot,
    /// Last slot of the range.
    pub last: Slot,
    /// Roles, the first one being the role of a new user.
    pub roles: Vec<PanelRole>,
}

/// What a panel can do over its present connection. Actions, console and cloud decide from this table alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Capabilities {
    /// Model as far as known, such as `PC1864`.
    pub model: String,
    /// Slot ranges and their roles. A slot outside every range does not exist.
    pub slots: Vec<RoleSlots>,
    /// Code format.
    pub codes: CodeRules,
    /// Label format of panel users.
    pub user_labels: LabelRules,
    /// Label format of zones and partitions; absent where they cannot be named from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_labels: Option<LabelRules>,
    /// Partitions that the panel has.
    pub partitions: PartitionSet,
    /// Zones that the model has.
    pub zones: u16,
    /// Command outputs per partition.
    pub outputs: u8,
    /// Door locks that the panel controls.
    pub locks: u16,
    /// Arm modes that can be asked for.
    pub arm_modes: Vec<ArmMode>,
    /// Arming can be asked for without a code.
    pub arm_without_code: bool,
    /// Zones can be bypassed from here.
    pub bypass: bool,
    /// The panel's clock can be set from here.
    pub set_clock: bool,
    /// Access per kind of data.
    pub sections: Sections,
    /// Sentences for people: what cannot be done here and where it can be done instead.
    pub notes: Vec<String>,
    /// For parts of a user that cannot be written here: what a person does at the panel instead.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub instead: BTreeMap<Field, String>,
}

impl Capabilities {
    /// The roles that `slot` may take.
    ///
    /// # Errors
    /// [`Refusal::SlotNotAvailable`] when the model has no such slot.
    pub fn roles_of(&self, slot: Slot) -> Result<&[PanelRole], Refusal> {
        self.slots
            .iter()
            .find(|range| (range.first..=range.last).contains(&slot))
            .map(|range| range.roles.as_slice())
            .ok_or(Refusal::SlotNotAvailable)
    }

    /// Whether `slot` is a master's slot: it exists and can take no other role.
    #[must_use]
    pub fn is_master(&self, slot: Slot) -> bool {
        self.roles_of(slot).is_ok_and(|roles| roles == [PanelRole::Master])
    }

    /// All slots in rising order.
    pub fn all_slots(&self) -> impl Iterator<Item = Slot> {
        let mut ranges: Vec<_> = self.slots.iter().map(|r| (r.first.number(), r.last.number())).collect();
        ranges.sort_unstable();
        ranges.into_iter().flat_map(|(first, last)| first..=last).filter_map(|n| Slot::new(u32::from(n)).ok())
    }
}
