use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What somebody is to the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonKind {
    /// The account of the first start (S1).
    Init,
    /// Manages people and settings, at every panel.
    Manager,
    /// Works on site, at the panels assigned (I4).
    Installer,
}

/// How somebody's account stands (I1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonStatus {
    /// Has not chosen a password yet.
    Invited,
    /// May log in.
    Accepted,
    /// May not log in until resumed.
    Suspended,
}

impl PersonStatus {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Accepted => "accepted",
            Self::Suspended => "suspended",
        }
    }
}

/// How an account of the customer application stands (A1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// Has no password yet.
    NotConfirmed,
    /// May be used.
    Active,
    /// May not be used or assigned until resumed.
    Suspended,
}

impl AccountStatus {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotConfirmed => "not_confirmed",
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}
