//! The installer code on site (I3).

use super::{Action, Actions, Refused};
use crate::access::Actor;

impl Actions {
    /// Whether whoever stands at the site showed the panel's installer code, where the action needs it.
    ///
    /// # Errors
    /// None yet.
    pub(super) async fn installer_code_shown(&self, actor: &Actor, _action: &Action) -> Result<(), Refused> {
        let _ = actor.door.is_on_site();
        Ok(())
    }
}
