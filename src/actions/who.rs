//! Who may do what: permission (P1), assignment (I4), company scope (P6).

use panel_model::{PanelId, Refusal};

use super::{Actions, Refused};
use crate::access::{Actor, Permission, Principal};

impl Actions {
    /// Whether somebody may do a kind of thing, at that panel if it is about one.
    ///
    /// # Errors
    /// [`Refusal::PanelNotFound`], [`Refusal::PermissionDenied`].
    pub async fn may(&self, actor: &Actor, permission: Permission, panel: Option<&PanelId>) -> Result<(), Refused> {
        let permitted = match &actor.principal {
            Principal::System { .. } => true,
            Principal::Broker => permission == Permission::ManageUsers,
            token @ Principal::Token { .. } => token.token_permits(permission).unwrap_or(false),
        };
        if !permitted {
            return Err(Refusal::PermissionDenied.into());
        }
        panel.map_or(Ok(()), |panel| self.handle(panel).map(|_| ()))
    }
}
