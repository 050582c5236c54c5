use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Permission;

/// A named set of permissions (P1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The name, as people, tokens and the action log say it.
    pub name: String,
    /// What its holders may do.
    pub permissions: BTreeSet<Permission>,
}

impl Role {
    /// Whether its holders may do that.
    #[must_use]
    pub fn permits(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }
}

/// Names of the roles that every box begins with (P3).
pub mod role_name {
    /// All permissions; cannot be edited or deleted.
    pub const SUPER_ADMIN: &str = "Super Admin";
    /// Everything within a company.
    pub const COMPANY_ADMIN: &str = "Company Admin";
    /// At the provider's desk.
    pub const OPERATOR: &str = "Operator";
    /// On site.
    pub const INSTALLER: &str = "Installer";
    /// A customer.
    pub const END_USER: &str = "End user";
}

/// The roles that every box begins with (P3).
#[must_use]
pub fn default_roles() -> Vec<Role> {
    use Permission as P;
    let role =
        |name: &str, permissions: &[P]| Role { name: name.into(), permissions: permissions.iter().copied().collect() };
    let all_but = |not: &[P]| P::ALL.into_iter().filter(|p| !not.contains(p)).collect::<Vec<_>>();
    vec![
        role(role_name::SUPER_ADMIN, &P::ALL),
        role(role_name::COMPANY_ADMIN, &all_but(&[P::RestoreDeleted])),
        role(
            role_name::OPERATOR,
            &[
                P::ControlDevices,
                P::ViewDevices,
                P::ManageDevices,
                P::ServiceDevices,
                P::ManageSnapshots,
                P::ViewUsers,
                P::ManageUsers,
                P::DeleteUsers,
                P::ViewAccounts,
                P::ManageAccounts,
                P::ViewInstallers,
                P::ChangeInstallerCode,
                P::ViewRoles,
                P::ViewCompanies,
                P::ManageProducts,
                P::ViewActionLog,
                P::ViewReports,
                P::ManageReports,
                P::ViewMonitoring,
                P::ViewRequests,
            ],
        ),
        role(
            role_name::INSTALLER,
            &[
                P::ControlDevices,
                P::ViewDevices,
                P::ManageDevices,
                P::ServiceDevices,
                P::ManageSnapshots,
                P::ViewUsers,
                P::ManageUsers,
                P::DeleteUsers,
                P::ViewAccounts,
                P::ManageAccounts,
                P::ChangeInstallerCode,
                P::ManageProducts,
                P::ViewReports,
                P::ManageReports,
                P::ViewMonitoring,
            ],
        ),
        role(role_name::END_USER, &[P::ControlDevices]),
    ]
}
