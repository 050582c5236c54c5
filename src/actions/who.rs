//! Who may do what: permission (P1), assignment (I4), company scope (P6). Asked anew at each action, so that what was
//! edited counts at once; an action that is under way ends by what held when it began.

use panel_model::{PanelId, Refusal};

use super::{Actions, Entry, Refused};
use crate::access::{
    Actor, Assigned, LOGGED_IN, LoggedIn, Logins, Permission, PersonKind, Principal, Standing, TokenClaims, TokenFault,
};
use crate::store::{Person, View};

impl Actions {
    /// What somebody is now. The one place where a principal becomes a role with permissions.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn standing(&self, actor: &Actor) -> Result<Standing, Refused> {
        match self.logged_in(actor, Logins::current).await? {
            Some((person, login)) => self.standing_of(person, &login).await,
            None => self.standing_of_principal(actor).await,
        }
    }

    async fn standing_of_principal(&self, actor: &Actor) -> Result<Standing, Refused> {
        match &actor.principal {
            Principal::System { uid } if self.0.local.owns(*uid) => {
                Ok(Standing::of_system(&actor.name, *uid, &self.0.local, None))
            }
            Principal::System { uid } => {
                let name = self.0.local.role.clone();
                let role = self.0.store.read(move |view| view.role(name.as_str())).await?;
                Ok(Standing::of_system(&actor.name, *uid, &self.0.local, role.as_ref()))
            }
            Principal::Broker => Ok(Standing::of_broker()),
            Principal::Token { sub, role, permissions, company, .. } => {
                let name = role.clone();
                let read = move |view: &View<'_>| Ok((view.role(name.as_str())?, view.companies()?));
                let (local, tree) = self.0.store.read(read).await?;
                let token = TokenClaims {
                    subject: sub.clone(),
                    role: role.clone(),
                    permissions: permissions.clone(),
                    company: company.parse().map_err(|_| Refused::from(TokenFault::Company))?,
                };
                Ok(Standing::of_token(token, local.as_ref(), &tree, self.gateway_company().await?.as_ref()))
            }
        }
    }

    /// What a person is who logged in: in the role of today, at the panels of today.
    async fn standing_of(&self, person: Person, login: &LoggedIn) -> Result<Standing, Refused> {
        let name = person.role.clone();
        let role = self.0.store.read(move |view| view.role(&name)).await?;
        let panels = match person.kind {
            PersonKind::Installer => Assigned::Only(person.panels),
            PersonKind::Init | PersonKind::Manager => Assigned::All,
        };
        let company = person.company.map(|id| id.parse()).transpose().map_err(|_| Refused::from(Refusal::Invalid))?;
        Ok(Standing {
            who: format!("{LOGGED_IN}{}", person.name),
            name: person.name.to_string(),
            role: person.role,
            permissions: role.map(|role| role.permissions).unwrap_or_default(),
            panels,
            company,
            outside: false,
            must_change: login.must_change,
        })
    }

    /// Whether somebody may still see what they follow. It does not count as use: a stream that nobody looks at must not
    /// keep a login open.
    ///
    /// # Errors
    /// As [`Actions::may_view`].
    pub async fn may_still_view(
        &self,
        actor: &Actor,
        permission: Permission,
        panel: Option<&PanelId>,
    ) -> Result<Standing, Refused> {
        let standing = match self.logged_in(actor, Logins::glance).await? {
            Some((person, login)) => self.standing_of(person, &login).await?,
            None => self.standing_of_principal(actor).await?,
        };
        self.permitted(&standing, permission, panel)?;
        Ok(standing)
    }

    /// Whether somebody may see a kind of thing, at that panel if it is about one, with what they are, for lists that show them their part. That somebody
    /// was not shown something stands in the action log too, as `view`; what was shown does not.
    ///
    /// # Errors
    /// [`Refusal::PermissionDenied`], [`Refusal::NotAssigned`], [`Refusal::PanelNotFound`], [`Refusal::StorageFailed`].
    pub async fn may_view(
        &self,
        actor: &Actor,
        permission: Permission,
        panel: Option<&PanelId>,
    ) -> Result<Standing, Refused> {
        let standing = self.standing(actor).await?;
        if let Err(refused) = self.permitted(&standing, permission, panel) {
            if refused.refusal != Refusal::PanelNotFound {
                let entry = Entry::new(actor, "view", panel).by(&standing);
                self.log(entry, refused.refusal.code(), Some(refused.text.clone())).await;
            }
            return Err(refused);
        }
        Ok(standing)
    }

    pub(super) fn permitted(
        &self,
        standing: &Standing,
        permission: Permission,
        panel: Option<&PanelId>,
    ) -> Result<(), Refused> {
        if standing.must_change {
            let text = "set a new password first: panelgate set-password";
            return Err(Refused::with(Refusal::PermissionDenied, text));
        }
        if standing.outside {
            let text = "this gateway belongs neither to the company of the token nor to one of its subsidiaries";
            return Err(Refused::with(Refusal::PermissionDenied, text));
        }
        if !standing.permissions.contains(&permission) {
            let text = format!("the role {} does not have the permission {permission}", standing.role);
            return Err(Refused::with(Refusal::PermissionDenied, text));
        }
        let Some(panel) = panel else { return Ok(()) };
        if !standing.sees(panel) {
            return Err(Refusal::NotAssigned.into());
        }
        self.handle(panel).map(|_| ())
    }
}
