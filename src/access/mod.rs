//! Who acts, and what they may do. Pure: knows no panel, no store and no clock; time is an argument.
//!
//! [`Actor`] is who stands at a door, [`Permission`] what a role can allow (P2), [`Role`] a named set of them (P3).
//! The questions are asked in `actions/who.rs`, which reads the store.

mod email;
mod logins;
mod password;
mod permission;
mod person;
mod role;
mod throttle;

use schemars::JsonSchema;
use serde::Serialize;

pub use email::{Email, EmailError, PersonName};
pub use logins::{LoggedIn, Logins};
pub use password::{CannotHash, PasswordHash, PasswordRule, check_new, verify};
pub use permission::{Permission, UnknownPermission};
pub use person::{AccountStatus, PersonKind, PersonStatus};
pub use role::{Role, default_roles, role_name};
pub use throttle::Throttle;

use crate::secrets::SealedCode;

/// The way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// The command line on the box, through the unix socket; the socket's file mode decides who gets that far.
    CommandLine,
    /// The broker: desired documents, which its access list guards, and requests, which carry a token.
    Cloud,
}

impl Door {
    /// The stable name, as in the action log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CommandLine => "command_line",
            Self::Cloud => "cloud",
        }
    }

    /// Whether whoever comes this way stands at the site, so that a change needs the panel's installer code (I3).
    #[must_use]
    pub fn is_on_site(self) -> bool {
        matches!(self, Self::CommandLine)
    }
}

/// How a door knows who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A system user of the box, as the kernel says it.
    System {
        /// The user's number.
        uid: u32,
    },
    /// Whoever may publish desired documents: the broker's access list decides.
    Broker,
}

/// Who acts, with what they show for this one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// For the action log: the system user's name, the person's e-mail, the cloud's name.
    pub name: String,
    /// The role's name, for the action log.
    pub role: String,
    /// The way in.
    pub door: Door,
    /// How the door knows.
    pub principal: Principal,
    /// The panel's installer code, if it was shown with this action (I3).
    pub installer_code: Option<SealedCode>,
}

impl Actor {
    /// A system user of the box.
    #[must_use]
    pub fn system(name: impl Into<String>, uid: u32) -> Self {
        Self {
            name: name.into(),
            role: role_name::SUPER_ADMIN.into(),
            door: Door::CommandLine,
            principal: Principal::System { uid },
            installer_code: None,
        }
    }

    /// Whoever may publish desired documents.
    #[must_use]
    pub fn broker() -> Self {
        Self {
            name: "cloud".into(),
            role: "cloud".into(),
            door: Door::Cloud,
            principal: Principal::Broker,
            installer_code: None,
        }
    }

    /// The same, with the installer code that was shown.
    #[must_use]
    pub fn showing(self, installer_code: Option<SealedCode>) -> Self {
        Self { installer_code, ..self }
    }
}
