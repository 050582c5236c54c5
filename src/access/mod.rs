//! Who acts, and what they may do. Knows no panel and touches none.

use schemars::JsonSchema;
use serde::Serialize;

/// The way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// The command line on the box, through the unix socket; the socket's file mode is the guard.
    CommandLine,
    /// The broker; its access list is the guard.
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
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// For the action log: the system user's name, the cloud's name.
    pub name: String,
    /// The role that gives the permissions.
    pub role: String,
    /// The way in.
    pub door: Door,
}

impl Actor {
    /// A system user of the box.
    #[must_use]
    pub fn local(name: impl Into<String>) -> Self {
        Self { name: name.into(), role: "local".into(), door: Door::CommandLine }
    }

    /// Whoever may publish desired documents.
    #[must_use]
    pub fn cloud() -> Self {
        Self { name: "cloud".into(), role: "cloud".into(), door: Door::Cloud }
    }

    /// Whether the actor's role has a permission (P1).
    ///
    /// The two roles that exist, the box's own users and the cloud, have all of them: file mode and broker access
    /// list decide who gets that far.
    #[must_use]
    pub fn permits(&self, _permission: Permission) -> bool {
        matches!(self.role.as_str(), "local" | "cloud")
    }
}

/// What a role can allow (P2), as far as there are actions that need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Arm, disarm, outputs, bypass.
    ControlDevices,
    /// Read panels again, set clocks, name zones and partitions.
    ServiceDevices,
    /// Credentials of panels.
    ManageDevices,
    /// Codes, labels, partitions, roles of panel users.
    ManageUsers,
    /// Remove panel users.
    DeleteUsers,
    /// Installer codes.
    ChangeInstallerCode,
}
