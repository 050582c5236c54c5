//! Who acts, and what they may do. Pure: knows no panel, no store and no clock; time is an argument.
//!
//! [`Actor`] is who stands at a door, [`Standing`] what they are at the moment of one action, [`Permission`] what a role
//! can allow (P2), [`Role`] a named set of them (P3), [`Company`] a place in the tree of companies (P6). [`Tries`]
//! counts wrong installer codes, [`Sessions`] says what is unlocked (I3), [`Logins`] who logged in, [`Throttle`] what wrong
//! passwords cost; `token.rs` and `key_set.rs` judge what cloud
//! operators show (C5). The questions are asked in `actions/who.rs` and `actions/gate.rs`, which read the store.

mod company;
mod email;
mod key_set;
mod lockout;
mod logins;
mod name;
mod password;
mod permission;
mod person;
mod role;
mod session;
mod signer;
mod standing;
mod throttle;
pub mod token;
#[cfg(test)]
mod token_test;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

pub use company::{Company, CompanyId, CompanyIdError, reaches};
pub use email::{Email, EmailError, PersonName};
pub use key_set::{KeySet, KeySetError};
pub use lockout::{Limits, Lockout, OwnTime, PanelTries, Tries};
pub use logins::{LoggedIn, Logins};
pub use name::{Name, NameError, is_hidden};
pub use password::{CannotHash, PasswordHash, PasswordRule, check_new, verify};
pub use permission::{Permission, UnknownPermission};
pub use person::{AccountStatus, PersonKind, PersonStatus};
pub use role::{Role, default_roles, role_name};
pub use session::{IDLE, LONGEST, Sessions};
pub use signer::{NoKey, Signer};
pub use standing::{Assigned, LOGGED_IN, LocalAccess, Standing, TokenClaims, within};
pub use throttle::Throttle;
pub use token::{Claims, Token, TokenFault};

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
    /// A cloud operator, by a signed token whose company has a say over this gateway (C5, P6).
    Token {
        /// Who.
        sub: String,
        /// In which role.
        role: String,
        /// All that the token permits.
        permissions: BTreeSet<Permission>,
        /// For which company.
        company: String,
        /// The request that the token came with.
        request: Uuid,
    },
}

/// Who acts, with what they show for this one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// For the action log: the system user's name, the person's e-mail, the cloud's name.
    pub name: String,
    /// The role's name as the door knows it; the action log has the one of the [`Standing`].
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

    /// A cloud operator, by the claims of a token that was proved, for one request.
    #[must_use]
    pub fn token(claims: &Claims, request: Uuid) -> Self {
        Self {
            name: claims.sub.clone(),
            role: claims.role.clone(),
            door: Door::Cloud,
            principal: Principal::Token {
                sub: claims.sub.clone(),
                role: claims.role.clone(),
                permissions: claims.known_permissions(),
                company: claims.company.clone(),
                request,
            },
            installer_code: None,
        }
    }

    /// The same, with the installer code that was shown.
    #[must_use]
    pub fn showing(self, installer_code: Option<SealedCode>) -> Self {
        Self { installer_code, ..self }
    }
}
