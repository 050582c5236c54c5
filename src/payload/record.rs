use std::collections::BTreeMap;

use panel_model::{PanelId, Slot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Timestamp, User};

/// Topic `panels/{panel}/delta`: what changed in `reported` from one version to the next. Sent at least once and in order;
/// `to` tells duplicates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delta {
    /// The version before.
    pub from: u64,
    /// The version after.
    pub to: u64,
    /// The users that changed, as they are now; `null`: nothing is known of the slot any more.
    pub users: BTreeMap<Slot, Option<User>>,
}

/// Topic `log`: somebody tried to change something (L1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// Tells duplicates.
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub id: Uuid,
    /// Its place in the order in which the box saw things; rises, with gaps.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// In which role.
    pub role: String,
    /// From where: `command_line`, `console`, `cloud`.
    pub door: String,
    /// What.
    pub action: String,
    /// On which panel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panel: Option<PanelId>,
    /// On which user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// What else it is about: a zone, a person, a role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How it ended: `accepted`, `applied`, `stored`, `changed`, `requested`; of a decision `approved` or `refused`, of what
    /// was asked for `request_refused`; else the refusal's stable code.
    pub result: String,
    /// More, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The line's number in the chain (L2), from 1 without gaps; absent for lines from before there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// 64 hexadecimal digits: SHA-256 over the hash of the line before and the SHA-256 of this line's canonical text,
    /// see README, "The action log".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// Topic `log`, in the place of records that had to go because the outbox was full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// Always `gap`: tells it from the other messages of its topic.
    pub kind: GapKind,
    /// What went. Alarms never go.
    pub priority: LostPriority,
    /// How many records.
    pub count: u64,
    /// `seq` of the first of them.
    pub first: u64,
    /// `seq` of the last of them. A gap that grew while it was on its way comes again with the same `first`.
    pub last: u64,
}

/// See [`Gap::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// Some records are missing here.
    #[default]
    Gap,
}

/// Priorities whose records may have to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LostPriority {
    /// Troubles.
    Trouble,
    /// Zones, arming, deltas.
    State,
    /// Log lines.
    Log,
}
