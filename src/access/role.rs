use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Name, Permission};

/// A named set of permissions (P1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The name, as people, tokens and the action log say it.
    pub name: Name,
    /// What its holders may do.
    pub permissions: BTreeSet<Permission>,
}

impl Role {
    /// Whether it is the one role that nobody edits or deletes, so that there is always somebody who may do everything.
    #[must_use]
    pub fn is_fixed(name: &Name) -> bool {
        name.reads_like(role_name::SUPER_ADMIN)
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
    let role = |name: &'static str, permissions: &[P]| Role {
        name: Name::ours(name),
        permissions: permissions.iter().copied().collect(),
    };
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
        // Reports of one's own need no permission: `view_reports` is for everybody's.
        role(role_name::END_USER, &[P::ControlDevices]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_roles_are_those_of_the_product() {
        let roles = default_roles();
        let names: Vec<_> = roles.iter().map(|role| role.name.as_str()).collect();
        assert_eq!(names, ["Super Admin", "Company Admin", "Operator", "Installer", "End user"]);
        assert!(names.iter().all(|name| name.parse::<Name>().is_ok()), "our own names are names");
        let most: Vec<_> = roles.iter().map(|role| role.permissions.len()).collect();
        assert_eq!(most, [32, 31, 20, 15, 1]);
        assert!(names.iter().zip(&roles).all(|(name, role)| Role::is_fixed(&role.name) == (*name == "Super Admin")));
    }
}
