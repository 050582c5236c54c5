//! Who may do what: permission (P1), assignment (I4), company scope (P6).

use panel_model::{PanelId, Refusal};

use super::{Actions, Refused};
use crate::access::{Actor, Permission, PersonKind, Principal};
use crate::store::Person;

impl Actions {
    /// Whether somebody may do a kind of thing, at that panel if it is about one.
    ///
    /// # Errors
    /// [`Refusal::PanelNotFound`], [`Refusal::PermissionDenied`].
    pub async fn may(&self, actor: &Actor, permission: Permission, panel: Option<&PanelId>) -> Result<(), Refused> {
        let person = self.logged_in(actor).await?;
        let permitted = match (&person, &actor.principal) {
            (Some((_, login)), _) if login.must_change => {
                let text = "set a new password first: panelgate set-password";
                return Err(Refused::with(Refusal::PermissionDenied, text));
            }
            (Some((person, _)), _) => self.role_named(&person.role).is_some_and(|role| role.permits(permission)),
            (None, Principal::System { .. }) => true,
            (None, Principal::Broker) => permission == Permission::ManageUsers,
        };
        if !permitted {
            return Err(Refusal::PermissionDenied.into());
        }
        let Some(panel) = panel else { return Ok(()) };
        self.handle(panel)?;
        match person {
            Some((person, _)) if !sees(&person, panel) => Err(Refusal::NotAssigned.into()),
            _ => Ok(()),
        }
    }
}

/// I4.
fn sees(person: &Person, panel: &PanelId) -> bool {
    person.kind != PersonKind::Installer || person.panels.contains(panel)
}
