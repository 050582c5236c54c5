use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{CompanyId, Name, Permission};
use crate::payload::Timestamp;

/// A role (P3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleRow {
    /// Its name.
    pub role: Name,
    /// What its holders may do.
    pub permissions: BTreeSet<Permission>,
    /// How many hold it; the box's own system users count as one.
    pub holders: u64,
    /// Nobody edits or deletes it.
    pub fixed: bool,
}

/// A company (P6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CompanyRow {
    /// Its stable name.
    pub company: CompanyId,
    /// Its name for people.
    pub name: Name,
    /// The company that it is a subsidiary of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CompanyId>,
    /// The gateway belongs to it.
    pub own: bool,
}

/// Somebody's part in a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParticipationRow {
    /// The company.
    pub company: CompanyId,
    /// The person's e-mail.
    pub person: String,
    /// The role in which they take part.
    pub role: Name,
}

/// A change that somebody may not make alone (P4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestRow {
    /// Its number.
    pub request: u64,
    /// When it was asked.
    pub at: Timestamp,
    /// Who asked.
    pub by: String,
    /// In which role.
    pub role: String,
    /// What was asked, by the action's stable name.
    pub action: String,
    /// What it is about, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `open`, `carried_out`, `refused`, or `failed`: approved, and no longer possible by then.
    pub state: String,
    /// When it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// Who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// Why it failed, by the refusal's stable code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

/// A thing that was deleted and can come back (P5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeletedRow {
    /// Its number.
    pub deleted: u64,
    /// `role` or `company`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// When it was deleted.
    pub at: Timestamp,
    /// By whom; by the asker, where it was requested.
    pub by: String,
    /// The request that deleted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<u64>,
}
