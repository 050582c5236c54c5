use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a role can allow (P2). The names are stable: they stand in roles, tokens and the action log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Arm, disarm, outputs, bypass.
    ControlDevices,
    /// See panels, their state and their events.
    ViewDevices,
    /// Add and change panels, credentials of panels.
    ManageDevices,
    /// Remove panels.
    DeleteDevices,
    /// Read panels again, set clocks, name zones and partitions, wire log, commissioning.
    ServiceDevices,
    /// Update the software.
    FlashDevice,
    /// Save, compare and apply a panel's configuration.
    ManageSnapshots,
    /// See panel users.
    ViewUsers,
    /// Codes, labels, partitions, roles of panel users.
    ManageUsers,
    /// Remove panel users.
    DeleteUsers,
    /// See accounts of the customer application.
    ViewAccounts,
    /// Make, link and suspend accounts, reset their passwords.
    ManageAccounts,
    /// See installers.
    ViewInstallers,
    /// Invite, suspend and assign installers and managers.
    ManageInstallers,
    /// Remove installers and managers.
    DeleteInstallers,
    /// Installer codes.
    ChangeInstallerCode,
    /// See roles.
    ViewRoles,
    /// Make and edit roles.
    ManageRoles,
    /// Remove roles.
    DeleteRoles,
    /// See companies.
    ViewCompanies,
    /// Make and edit companies.
    ManageCompanies,
    /// Remove companies.
    DeleteCompanies,
    /// Who takes part in which company.
    ManageParticipation,
    /// End somebody's part in a company.
    DeleteParticipation,
    /// The equipment register (S3).
    ManageProducts,
    /// The action log.
    ViewActionLog,
    /// See reports.
    ViewReports,
    /// Make reports, sign off commissioning.
    ManageReports,
    /// The box's own health.
    ViewMonitoring,
    /// See everybody's requests, not only one's own.
    ViewRequests,
    /// Decide requests of others (P4).
    DecideRequests,
    /// Restore what was deleted by a request (P5).
    RestoreDeleted,
}

impl Permission {
    /// All of them, in the order of the product's list.
    pub const ALL: [Self; 32] = [
        Self::ControlDevices,
        Self::ViewDevices,
        Self::ManageDevices,
        Self::DeleteDevices,
        Self::ServiceDevices,
        Self::FlashDevice,
        Self::ManageSnapshots,
        Self::ViewUsers,
        Self::ManageUsers,
        Self::DeleteUsers,
        Self::ViewAccounts,
        Self::ManageAccounts,
        Self::ViewInstallers,
        Self::ManageInstallers,
        Self::DeleteInstallers,
        Self::ChangeInstallerCode,
        Self::ViewRoles,
        Self::ManageRoles,
        Self::DeleteRoles,
        Self::ViewCompanies,
        Self::ManageCompanies,
        Self::DeleteCompanies,
        Self::ManageParticipation,
        Self::DeleteParticipation,
        Self::ManageProducts,
        Self::ViewActionLog,
        Self::ViewReports,
        Self::ManageReports,
        Self::ViewMonitoring,
        Self::ViewRequests,
        Self::DecideRequests,
        Self::RestoreDeleted,
    ];

    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// What it allows, for people.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.row().1
    }

    fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::ControlDevices => ("control_devices", "arm, disarm, outputs, bypass"),
            Self::ViewDevices => ("view_devices", "see panels, their state and their events"),
            Self::ManageDevices => ("manage_devices", "add and change panels, credentials of panels"),
            Self::DeleteDevices => ("delete_devices", "remove panels"),
            Self::ServiceDevices => {
                ("service_devices", "read panels again, set clocks, name zones and partitions, wire log, commissioning")
            }
            Self::FlashDevice => ("flash_device", "update the software"),
            Self::ManageSnapshots => ("manage_snapshots", "save, compare and apply a panel's configuration"),
            Self::ViewUsers => ("view_users", "see panel users"),
            Self::ManageUsers => ("manage_users", "codes, labels, partitions, roles of panel users"),
            Self::DeleteUsers => ("delete_users", "remove panel users"),
            Self::ViewAccounts => ("view_accounts", "see accounts of the customer application"),
            Self::ManageAccounts => ("manage_accounts", "make, link and suspend accounts, reset their passwords"),
            Self::ViewInstallers => ("view_installers", "see installers"),
            Self::ManageInstallers => ("manage_installers", "invite, suspend and assign installers and managers"),
            Self::DeleteInstallers => ("delete_installers", "remove installers and managers"),
            Self::ChangeInstallerCode => ("change_installer_code", "installer codes"),
            Self::ViewRoles => ("view_roles", "see roles"),
            Self::ManageRoles => ("manage_roles", "make and edit roles"),
            Self::DeleteRoles => ("delete_roles", "remove roles"),
            Self::ViewCompanies => ("view_companies", "see companies"),
            Self::ManageCompanies => ("manage_companies", "make and edit companies"),
            Self::DeleteCompanies => ("delete_companies", "remove companies"),
            Self::ManageParticipation => ("manage_participation", "who takes part in which company"),
            Self::DeleteParticipation => ("delete_participation", "end somebody's part in a company"),
            Self::ManageProducts => ("manage_products", "the equipment register"),
            Self::ViewActionLog => ("view_action_log", "the action log"),
            Self::ViewReports => ("view_reports", "see reports"),
            Self::ManageReports => ("manage_reports", "make reports, sign off commissioning"),
            Self::ViewMonitoring => ("view_monitoring", "the box's own health"),
            Self::ViewRequests => ("view_requests", "see everybody's requests, not only one's own"),
            Self::DecideRequests => ("decide_requests", "decide requests of others"),
            Self::RestoreDeleted => ("restore_deleted", "restore what was deleted by a request"),
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no permission; `panelgate roles permissions` lists them")]
pub struct UnknownPermission(String);

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|p| p.name() == text).ok_or_else(|| UnknownPermission(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_has_one_name_in_json_and_in_words() {
        for permission in Permission::ALL {
            let json = serde_json::to_value(permission).expect("a name");
            assert_eq!(json, permission.name());
            assert_eq!(permission.name().parse(), Ok(permission));
        }
        let names: std::collections::BTreeSet<_> = Permission::ALL.iter().map(|p| p.name()).collect();
        assert_eq!(names.len(), Permission::ALL.len());
        assert!("fly".parse::<Permission>().is_err());
    }
}
