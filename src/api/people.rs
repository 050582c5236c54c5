//! People and accounts in the local API.

use panel_model::PanelId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{AccountStatus, Email, PersonKind, PersonName, PersonStatus};
use crate::payload::{Timestamp, User};
use crate::store::{Account, Person};

/// Somebody who works with the box (I1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonRow {
    /// E-mail, which never changes, or `init`.
    pub name: PersonName,
    /// What they are to the box.
    pub kind: PersonKind,
    /// Name for people.
    pub full_name: String,
    /// Telephone number; may be empty.
    pub phone: String,
    /// Name of the role.
    pub role: String,
    /// The company, where one is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// When the account was made.
    pub created: Timestamp,
    /// When they logged in last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_login: Option<Timestamp>,
    /// Whether they may log in.
    pub status: PersonStatus,
    /// May start a software update (I7).
    pub may_update_software: bool,
    /// The panels of an installer (I4).
    pub panels: Vec<PanelId>,
}

impl From<Person> for PersonRow {
    fn from(person: Person) -> Self {
        Self {
            name: person.name,
            kind: person.kind,
            full_name: person.full_name,
            phone: person.phone,
            role: person.role,
            company: person.company,
            created: person.created.into(),
            last_login: person.last_login.map(Into::into),
            status: person.status,
            may_update_software: person.may_update_software,
            panels: person.panels.into_iter().collect(),
        }
    }
}

/// As whom somebody acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhoAmI {
    /// The system user.
    pub system_user: String,
    /// The person, where somebody logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonRow>,
    /// A new password has to be set before anything else.
    pub must_change: bool,
}

/// An account of the customer application (A1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountRow {
    /// Whose it is.
    pub email: Email,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it may be used.
    pub status: AccountStatus,
}

impl From<Account> for AccountRow {
    fn from(account: Account) -> Self {
        Self { email: account.email, created: account.created.into(), status: account.status }
    }
}

/// A panel user with the account that belongs to it (U1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserRow {
    /// What the panel and the box know of the user.
    #[serde(flatten)]
    pub user: User,
    /// The account; absent where there is none, which is shown as `unknown` (A1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountRow>,
}
