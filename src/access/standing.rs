use std::collections::BTreeSet;

use panel_model::PanelId;

use super::{Company, CompanyId, Name, Permission, Role, reaches, role_name};

/// Begins [`Standing::who`] of somebody who logged in.
pub const LOGGED_IN: &str = "person:";

/// What somebody is at the moment of one action: worked out anew each time, so that an edited role counts at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Tells any two people apart and stays the same for one: `uid:1000`, `person:anna@example.org`, `broker`. For the rule that nobody decides
    /// their own request.
    pub who: String,
    /// For the action log.
    pub name: String,
    /// The role's name.
    pub role: String,
    /// What they may do.
    pub permissions: BTreeSet<Permission>,
    /// At which panels (I4).
    pub panels: Assigned,
    /// The company in whose name they act; `None` for people of the box itself.
    pub company: Option<CompanyId>,
    /// P6: the gateway belongs to none of the companies that theirs reaches, so they may do nothing here.
    pub outside: bool,
    /// They came with a temporary or one-time password: before anything else they set one of their own (S1).
    pub must_change: bool,
}

/// The panels that somebody sees and changes (I4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assigned {
    /// Every panel of the box.
    All,
    /// These.
    Only(BTreeSet<PanelId>),
}

/// Who the box itself is, when it judges people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalAccess {
    /// The daemon's own system user, who could read everything anyway: Super Admin, like the system's own (0). That way in
    /// is always open.
    pub own_uid: u32,
    /// Role of every other system user who may use the socket.
    pub role: Name,
    /// The company that the gateway belongs to; without one no token of any company acts here.
    pub company: Option<CompanyId>,
}

impl Standing {
    /// A system user of the box who has not logged in as anybody. `role` is the one of [`LocalAccess::role`] as it is
    /// stored now; `None`, if there is no such role, permits nothing.
    #[must_use]
    pub fn of_system(name: &str, uid: u32, local: &LocalAccess, role: Option<&Role>) -> Self {
        let (role, permissions) = if local.owns(uid) {
            (role_name::SUPER_ADMIN.to_owned(), Permission::ALL.into_iter().collect())
        } else {
            (local.role.to_string(), role.map(|role| role.permissions.clone()).unwrap_or_default())
        };
        Self { who: format!("uid:{uid}"), name: name.to_owned(), role, permissions, ..Self::nobody() }
    }

    /// Whoever may publish desired documents, and nothing else.
    #[must_use]
    pub fn of_broker() -> Self {
        Self {
            who: "broker".into(),
            name: "cloud".into(),
            role: "cloud".into(),
            permissions: [Permission::ManageUsers].into(),
            ..Self::nobody()
        }
    }

    /// Whoever holds a signed token: what the token permits, as far as the box's own role of that name does, where
    /// there is one (C5), on gateways that the token's company reaches (P6).
    #[must_use]
    pub fn of_token(token: TokenClaims, local: Option<&Role>, companies: &[Company], own: Option<&CompanyId>) -> Self {
        let TokenClaims { subject, role, permissions, company } = token;
        let outside = !own.is_some_and(|own| reaches(companies, &company, own));
        Self {
            who: format!("token:{subject}"),
            name: subject,
            role,
            permissions: within(&permissions, local),
            panels: Assigned::All,
            company: Some(company),
            outside,
            must_change: false,
        }
    }

    fn nobody() -> Self {
        Self {
            who: String::new(),
            name: String::new(),
            role: String::new(),
            permissions: BTreeSet::new(),
            panels: Assigned::All,
            company: None,
            outside: false,
            must_change: false,
        }
    }

    /// Whether nobody has to agree to what they do (P4).
    #[must_use]
    pub fn is_super_admin(&self) -> bool {
        self.role == role_name::SUPER_ADMIN && Permission::ALL.iter().all(|p| self.permissions.contains(p))
    }

    /// I4: whether the panel is one of theirs.
    #[must_use]
    pub fn sees(&self, panel: &PanelId) -> bool {
        match &self.panels {
            Assigned::All => true,
            Assigned::Only(panels) => panels.contains(panel),
        }
    }
}

/// What a verified token says of its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenClaims {
    /// Who.
    pub subject: String,
    /// The role's name.
    pub role: String,
    /// What the token permits.
    pub permissions: BTreeSet<Permission>,
    /// The holder's company.
    pub company: CompanyId,
}

impl LocalAccess {
    /// Whether that system user has the box in hand anyway.
    #[must_use]
    pub fn owns(&self, uid: u32) -> bool {
        uid == 0 || uid == self.own_uid
    }
}

/// Permissions that were given once, as far as the role of today still has them.
#[must_use]
pub fn within(given: &BTreeSet<Permission>, role: Option<&Role>) -> BTreeSet<Permission> {
    match role {
        Some(role) => given.intersection(&role.permissions).copied().collect(),
        None => given.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Permission as P;

    fn role(name: &str, permissions: &[Permission]) -> Role {
        Role { name: name.parse().expect("a name"), permissions: permissions.iter().copied().collect() }
    }

    fn local(company: Option<&str>) -> LocalAccess {
        LocalAccess {
            own_uid: 990,
            role: "Installer".parse().expect("a name"),
            company: company.map(|id| id.parse().expect("an id")),
        }
    }

    #[test]
    fn the_system_and_the_service_itself_are_super_admin_whatever_is_stored() {
        for uid in [0, 990] {
            let standing = Standing::of_system("root", uid, &local(None), None);
            assert!(standing.is_super_admin(), "{uid}");
        }
        let installer = role("Installer", &[P::ControlDevices]);
        let other = Standing::of_system("anna", 1000, &local(None), Some(&installer));
        assert!(!other.is_super_admin());
        assert_eq!((other.role.as_str(), &other.permissions), ("Installer", &installer.permissions));
        let lost = Standing::of_system("anna", 1000, &local(None), None);
        assert!(lost.permissions.is_empty(), "a role that is not there permits nothing");
    }

    #[test]
    fn a_role_of_that_name_makes_no_super_admin_without_all_permissions() {
        let claims = |permissions: &[P]| TokenClaims {
            subject: "olga".into(),
            role: role_name::SUPER_ADMIN.into(),
            permissions: permissions.iter().copied().collect(),
            company: "acme".parse().expect("an id"),
        };
        let own = "acme".parse().expect("an id");
        let standing = |permissions: &[P]| Standing::of_token(claims(permissions), None, &[], Some(&own));
        assert!(standing(&P::ALL).is_super_admin());
        assert!(!standing(&P::ALL[1..]).is_super_admin());
    }

    #[test]
    fn a_token_permits_no_more_than_the_role_of_its_name_and_only_within_its_company() {
        let token = |role: &str, company: &str| TokenClaims {
            subject: "olga".into(),
            role: role.into(),
            permissions: [P::ViewUsers, P::ManageUsers].into(),
            company: company.parse().expect("an id"),
        };
        let operator = role("Operator", &[P::ViewUsers, P::ViewDevices]);
        let company = |id: &str, parent: Option<&str>| Company {
            id: id.parse().expect("an id"),
            name: "Acme".parse().expect("a name"),
            parent: parent.map(|id| id.parse().expect("an id")),
        };
        let tree = [company("acme", None), company("acme-north", Some("acme")), company("rival", None)];
        let own: CompanyId = "acme-north".parse().expect("an id");
        for (name, of, local, own, permissions, outside) in [
            ("Operator", "acme", Some(&operator), Some(&own), 1, false),
            ("Foreign", "acme", None, Some(&own), 2, false),
            ("Operator", "acme-north", None, Some(&own), 2, false),
            ("Operator", "rival", None, Some(&own), 2, true),
            ("Operator", "acme", None, None, 2, true),
        ] {
            let standing = Standing::of_token(token(name, of), local, &tree, own);
            assert_eq!((standing.permissions.len(), standing.outside), (permissions, outside), "{name} of {of}");
        }
    }
}
