//! Roles (P3): make, copy, edit, delete. Judged on what is stored, then written, in one transaction (`approval.rs`).

use std::collections::BTreeSet;

use panel_model::Refusal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::approval::{By, Halt, keep_deleted};
use super::{Actions, Refused};
use crate::access::{Name, Permission, Role};
use crate::store::{DeletedKind, StoreError, Tx, View};

/// Roles that a box keeps.
const MOST_ROLES: usize = 100;

/// Makes a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRole {
    /// The new role's name.
    pub role: Name,
    /// What its holders may do; nothing that its maker may not do.
    pub permissions: BTreeSet<Permission>,
}

/// Makes a role that permits what another one does now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CopyRole {
    /// The role that is there.
    pub role: Name,
    /// The new role's name.
    pub copy: Name,
}

/// Changes what a role permits. Counts from its holders' next action on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditRole {
    /// The role.
    pub role: Name,
    /// Permissions to add; none that the editor does not have.
    #[serde(default)]
    pub add: BTreeSet<Permission>,
    /// Permissions to take away.
    #[serde(default)]
    pub remove: BTreeSet<Permission>,
}

/// Deletes a role that nobody holds (P7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteRole {
    /// The role.
    pub role: Name,
}

/// A role as it is kept, with how many hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRole {
    /// The role.
    pub role: Role,
    /// How many hold it: it can be deleted when nobody does.
    pub holders: u64,
}

pub(super) fn check_create(view: &View<'_>, by: &By, new: &CreateRole) -> Result<(), Halt> {
    name_is_free(view, &new.role)?;
    by.may_give(&new.permissions)
}

pub(super) fn check_copy(view: &View<'_>, by: &By, new: &CopyRole) -> Result<(), Halt> {
    let role = there(view, &new.role)?;
    name_is_free(view, &new.copy)?;
    by.may_give(&role.permissions)
}

pub(super) fn check_edit(view: &View<'_>, by: &By, edit: &EditRole) -> Result<(), Halt> {
    not_fixed(&edit.role)?;
    there(view, &edit.role)?;
    if edit.add.intersection(&edit.remove).next().is_some() {
        return Err(Refused::with(Refusal::Invalid, "a permission cannot be added and removed at once").into());
    }
    by.may_give(&edit.add)
}

pub(super) fn check_delete(view: &View<'_>, by: &By, delete: &DeleteRole) -> Result<(), Halt> {
    not_fixed(&delete.role)?;
    let name = there(view, &delete.role)?.name;
    if name.reads_like(by.local.role.as_str()) {
        let text = format!("{name} is the role of the box's own users; set another one as access.local_role first");
        return Err(Refused::with(Refusal::InUse, text).into());
    }
    match view.role_holders(name.as_str())? {
        0 => Ok(()),
        holders => {
            let text = format!("{holders} hold the role {name}; give them another one first");
            Err(Refused::with(Refusal::InUse, text).into())
        }
    }
}

/// Whether a role that was deleted may come back.
pub(super) fn check_restore(view: &View<'_>, by: &By, role: &Role) -> Result<(), Halt> {
    name_is_free(view, &role.name)?;
    by.may_give(&role.permissions)
}

pub(super) fn create(tx: &mut Tx<'_>, new: &CreateRole) -> Result<(), StoreError> {
    tx.put_role(&Role { name: new.role.clone(), permissions: new.permissions.clone() })
}

pub(super) fn copy(tx: &mut Tx<'_>, new: &CopyRole) -> Result<(), Halt> {
    let permissions = there(tx, &new.role)?.permissions;
    Ok(tx.put_role(&Role { name: new.copy.clone(), permissions })?)
}

pub(super) fn edit(tx: &mut Tx<'_>, edit: &EditRole) -> Result<(), Halt> {
    let mut role = there(tx, &edit.role)?;
    role.permissions.extend(&edit.add);
    role.permissions.retain(|permission| !edit.remove.contains(permission));
    Ok(tx.put_role(&role)?)
}

pub(super) fn delete(tx: &mut Tx<'_>, by: &By, delete: &DeleteRole) -> Result<(), Halt> {
    let role = there(tx, &delete.role)?;
    keep_deleted(tx, by, DeletedKind::Role, role.name.as_str(), &role)?;
    Ok(tx.delete_role(&role.name)?)
}

/// The role of that name.
pub(super) fn there(view: &View<'_>, name: &Name) -> Result<Role, Halt> {
    view.role(name.as_str())?.ok_or_else(|| {
        Refused::with(Refusal::NotFound, format!("there is no role {name}; `panelgate roles` lists them")).into()
    })
}

fn name_is_free(view: &View<'_>, name: &Name) -> Result<(), Halt> {
    let roles = view.roles()?;
    if roles.iter().any(|role| role.name.reads_like(name.as_str())) {
        return Err(Refused::with(Refusal::InUse, format!("there is a role {name} already")).into());
    }
    if roles.len() >= MOST_ROLES {
        return Err(Refused::with(Refusal::Busy, format!("a box keeps {MOST_ROLES} roles; delete one first")).into());
    }
    Ok(())
}

fn not_fixed(name: &Name) -> Result<(), Halt> {
    if Role::is_fixed(name) {
        let text = "nobody edits or deletes Super Admin: somebody must be able to do everything; make another role";
        return Err(Refused::with(Refusal::PermissionDenied, text).into());
    }
    Ok(())
}

impl Actions {
    /// All roles by name.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn roles(&self) -> Result<Vec<KeptRole>, Refused> {
        let local = self.0.local.role.clone();
        let kept = self.0.store.read(move |view| {
            let counted = |role: Role| {
                // The box's own users are holders that nobody counts.
                let own = u64::from(role.name.reads_like(local.as_str()));
                let holders = view.role_holders(role.name.as_str())? + own;
                Ok(KeptRole { role, holders })
            };
            view.roles()?.into_iter().map(counted).collect()
        });
        Ok(kept.await?)
    }
}
