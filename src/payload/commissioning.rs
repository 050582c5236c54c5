use panel_model::{PanelId, PanelRole, PartitionSet, Slot, Zone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Timestamp, User};
use crate::store::{Asset, Place, RegisterEntry, Walked, WalkedZone};

/// How far a panel's commissioning is (S4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checklist {
    /// The panel.
    pub panel: PanelId,
    /// When this was looked at.
    pub at: Timestamp,
    /// Nothing is missing any more before it can be signed off.
    pub complete: bool,
    /// The steps, in the order in which they are best done.
    pub steps: Vec<ChecklistStep>,
    /// The walk test, zone by zone.
    pub walk_test: WalkTest,
}

/// One step of commissioning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChecklistStep {
    /// Which one.
    pub step: Step,
    /// Whether it is done.
    pub state: StepState,
    /// Since when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How it stands, for people.
    pub text: String,
    /// What to do while it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what_to_do: Option<String>,
}

/// The steps of commissioning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The panel answers.
    LinkUp,
    /// The box knows what it is.
    PanelIdentified,
    /// The panel took the installer code, which is not the factory's any more.
    InstallerCode,
    /// The box has seen who is in the panel.
    UsersPulled,
    /// The cloud acknowledged something.
    CloudReached,
    /// Every zone was walked, or there is a reason why not.
    WalkTest,
    /// Somebody put their name to it.
    SignedOff,
}

impl Step {
    /// What it is called, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::LinkUp => "link up",
            Self::PanelIdentified => "panel identified",
            Self::InstallerCode => "installer code",
            Self::UsersPulled => "users pulled",
            Self::CloudReached => "cloud reached",
            Self::WalkTest => "walk test",
            Self::SignedOff => "signed off",
        }
    }
}

/// Whether a step is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// It is.
    Done,
    /// It is not.
    Missing,
    /// This panel, its connection or this box has no such thing; the text says why.
    NotApplicable,
}

impl StepState {
    /// The word, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Missing => "missing",
            Self::NotApplicable => "not applicable",
        }
    }
}

/// A panel's last walk test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WalkTest {
    /// Zones that open are ticked off now.
    pub running: bool,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ends by itself, or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Timestamp>,
    /// Every zone that the panel has.
    pub zones: Vec<WalkRow>,
}

/// A zone in a walk test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WalkRow {
    /// The zone.
    pub zone: Zone,
    /// Its label, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How it was dealt with.
    pub result: WalkResult,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Why it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who skipped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// How a zone was dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WalkResult {
    /// The panel said that it opened.
    Opened,
    /// The panel said that its tamper contact did.
    Tampered,
    /// It was left out for a reason.
    Skipped,
    /// It was not.
    Missing,
}

impl WalkResult {
    /// The word, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Tampered => "tampered",
            Self::Skipped => "skipped",
            Self::Missing => "missing",
        }
    }
}

impl WalkRow {
    /// A zone's row.
    #[must_use]
    pub fn new(zone: Zone, label: Option<String>, walked: Option<&WalkedZone>) -> Self {
        let result = match walked.map(|walked| walked.how) {
            None => WalkResult::Missing,
            Some(Walked::Opened) => WalkResult::Opened,
            Some(Walked::Tampered) => WalkResult::Tampered,
            Some(Walked::Skipped) => WalkResult::Skipped,
        };
        Self {
            zone,
            label,
            result,
            at: walked.map(|walked| walked.at.into()),
            reason: walked.and_then(|walked| walked.reason.clone()),
            by: walked.and_then(|walked| walked.actor.clone()),
        }
    }
}

/// Topic `panels/{panel}/report`, retained: the last signed report of the panel's commissioning (S4). The SHA-256 of the
/// payload, byte for byte, stands in the action log's line of the sign-off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommissioningReport {
    /// The box.
    pub gateway: String,
    /// Version of panelgate.
    pub version: String,
    /// The panel.
    pub panel: PanelId,
    /// What it is.
    pub identity: PanelIdentity,
    /// Who signed, and when.
    pub signed: Signature,
    /// How each step stood then.
    pub steps: Vec<ChecklistStep>,
    /// The walk test.
    pub walk_test: WalkTest,
    /// Users with a code. No code is part of a report.
    pub users: Vec<ReportedPerson>,
    /// Equipment at the panel.
    pub equipment: Vec<AssetRow>,
}

/// What a panel is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PanelIdentity {
    /// Whose panel it is, such as `dsc`.
    pub vendor: String,
    /// Its model.
    pub model: String,
    /// Module or panel version, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// The connection, for people.
    pub link: String,
}

/// Who signed a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signature {
    /// The name that they put to it.
    pub name: String,
    /// As whom the box knew them.
    pub actor: String,
    /// In which role.
    pub role: String,
    /// From where, as in the action log.
    pub door: String,
    /// When.
    pub at: Timestamp,
}

/// A panel user in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportedPerson {
    /// Their place.
    pub slot: Slot,
    /// Their label.
    pub label: String,
    /// Their role, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<PanelRole>,
    /// Their partitions, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<PartitionSet>,
}

impl From<User> for ReportedPerson {
    fn from(user: User) -> Self {
        Self { slot: user.slot, label: user.label, role: user.role, partitions: user.partitions }
    }
}

/// An asset of the equipment register (S3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AssetRow {
    /// Its number in the register.
    pub asset: u64,
    /// Its product model.
    pub model: String,
    /// The model's category.
    pub category: String,
    /// Its serial number.
    pub serial: String,
    /// Where it is.
    pub place: Place,
}

impl From<Asset> for AssetRow {
    fn from(asset: Asset) -> Self {
        let Asset { id, model, category, serial, place } = asset;
        Self { asset: id, model, category, serial, place }
    }
}

/// A storage code, product category or product model of the equipment register (S3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegisterRow {
    /// Its name.
    pub name: String,
    /// Of a model: the category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// How many models or assets refer to it. While any does, it cannot be deleted.
    pub uses: u64,
}

impl From<RegisterEntry> for RegisterRow {
    fn from(entry: RegisterEntry) -> Self {
        Self { name: entry.name, category: entry.category, uses: entry.uses }
    }
}
