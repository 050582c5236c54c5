use std::collections::{BTreeMap, BTreeSet};

use panel_model::{PanelId, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DocumentRefusal;
use crate::secrets::SealedCode;

/// Topic `directory/desired`, retained, from the cloud: the people, roles and companies that it governs, whole. What an
/// earlier document named and this one does not is withdrawn; what the box has of its own stays. Passwords are never in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectoryDocument {
    /// Chosen by the cloud, 1 or more, higher than in every document before. One that is not higher is dropped.
    pub version: u64,
    /// The company that this gateway belongs to, by its key in `companies` (P6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Companies by their short names; those above the gateway's own have a say over it.
    #[serde(default)]
    pub companies: BTreeMap<String, DirectoryCompany>,
    /// Roles by name.
    #[serde(default)]
    pub roles: BTreeMap<String, DirectoryRole>,
    /// Installers by e-mail.
    #[serde(default)]
    pub installers: BTreeMap<String, DirectoryInstaller>,
    /// Customers' accounts by e-mail.
    #[serde(default)]
    pub accounts: BTreeMap<String, DirectoryAccount>,
    /// Installer codes that the box asks for on site (I3, I8), sealed to the key in `info`. They are not written to the
    /// panels.
    #[serde(default)]
    pub installer_codes: BTreeMap<PanelId, SealedCode>,
}

/// A company of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectoryCompany {
    /// The name for people.
    pub name: String,
    /// The company that it is a subsidiary of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// A role of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectoryRole {
    /// Names of the permissions (P2).
    pub permissions: BTreeSet<String>,
}

/// An installer of the directory (I1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectoryInstaller {
    /// The name for people.
    pub name: String,
    /// Where to call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Whether they may do nothing for now.
    #[serde(default)]
    pub suspended: bool,
    /// I7.
    #[serde(default)]
    pub may_update_software: bool,
    /// The panels assigned to them (I4).
    #[serde(default)]
    pub panels: BTreeSet<PanelId>,
}

/// A customer's account of the directory (A1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectoryAccount {
    /// How it stands.
    pub status: DirectoryAccountStatus,
}

/// See [`DirectoryAccount::status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryAccountStatus {
    /// No password was set yet.
    NotConfirmed,
    /// In use.
    Active,
    /// Cannot be assigned (A3).
    Suspended,
}

/// What an entry of the directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryKind {
    /// The gateway's own company; one entry, named `company`.
    Company,
    /// See [`DirectoryDocument::companies`].
    Companies,
    /// See [`DirectoryDocument::roles`].
    Roles,
    /// See [`DirectoryDocument::installers`].
    Installers,
    /// See [`DirectoryDocument::accounts`].
    Accounts,
    /// See [`DirectoryDocument::installer_codes`].
    InstallerCodes,
}

/// Topic `directory/keys`, retained, from the cloud: other keys for tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectoryKeys {
    /// JWS in compact form, `typ` `jwk-set+jwt`, signed with a key in use; its payload is a JWKS with `iat`, which has to
    /// be later than that of every set before. A box that was away may miss a set: keep a key over two changes.
    pub signed: String,
}

/// Topic `directory/reported`, retained: what became of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DirectoryReported {
    /// Version of the last document that was taken; 0: none was.
    pub version: u64,
    /// Why the last document was not taken, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_document: Option<DocumentRefusal>,
    /// Names of the keys that tokens are checked with.
    pub keys: Vec<String>,
    /// Why the last key set was not taken, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_keys: Option<DocumentRefusal>,
    /// What became of each entry, by its kind and name.
    pub entries: BTreeMap<DirectoryKind, BTreeMap<String, DirectoryOutcome>>,
}

/// What became of one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum DirectoryOutcome {
    /// The box enforces it.
    Applied,
    /// It does not.
    Refused {
        /// The stable code.
        refusal: Refusal,
        /// What is wrong.
        text: String,
    },
}
