//! The single door: everything that a person or a cloud does goes through [`Actions::perform`] or, for a whole
//! document of wishes, [`Actions::apply_desired`]. Knows no MQTT, no HTTP, no command line.
//!
//! `action.rs` lists what can be asked, `rules.rs` decides on users (pure), `users.rs` stores wishes, `commands.rs`
//! asks the panel now, and `orders.rs` says what its capabilities rule out of that (pure).

mod accounts;
mod action;
mod commands;
mod gate;
mod letters;
mod login;
mod one_time;
mod orders;
mod people;
#[cfg(test)]
mod people_test;
mod rules;
#[cfg(test)]
mod rules_test;
mod users;
mod who;

use std::sync::Arc;

use panel_driver::{WireEntry, clock};
use panel_model::{Evidence, PanelId, PanelSnapshot, Refusal, Slot, WallTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

pub use accounts::{AssignAccount, OfAccount, SetAccountPassword, UnassignAccount};
pub use action::{Action, CredentialKind, RefreshSection};
pub use login::{Directory, Identity, Login, PeopleSetup, SetPassword};
pub use one_time::OneTime;
pub use people::{AcceptInvitation, Assignment, Invite, MayUpdateSoftware, OfPerson};

use crate::access::{Actor, Email, PersonKind, PersonName};
use crate::panels::{Dialling, PanelHandle, Panels};
use crate::payload::Timestamp;
use crate::secrets::{Keys, SealedCode};
use crate::store::{EventQuery, LogLine, NewLogLine, Store, StoredEvent, Urgency};

/// What became of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Done {
    /// The wish is stored and will be brought about; follow the panel's answers to this version.
    Accepted {
        /// Version of the panel's desired state.
        version: u64,
    },
    /// The panel did it, proved as said.
    Applied {
        /// The proof.
        evidence: Evidence,
    },
    /// The box did it; no panel was needed.
    Stored,
    /// A mail waits for the server; what it says is on its way to its reader alone.
    Mailed {
        /// To whom.
        to: Email,
    },
    /// Somebody is invited, and no mail server is configured: the link has to reach them another way.
    Invited {
        /// The link; it works once.
        link: OneTime,
        /// Until when.
        expires: Timestamp,
    },
    /// An invitation was accepted.
    InvitationAccepted {
        /// By whom.
        person: PersonName,
    },
    /// The password of the first login (S1).
    TemporaryPassword {
        /// It is shown this once.
        password: OneTime,
    },
    /// Somebody logged in.
    LoggedIn {
        /// As whom.
        person: PersonName,
        /// In which role.
        role: String,
        /// A new password has to be set before anything else.
        must_change: bool,
        /// When they were here before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_login: Option<Timestamp>,
    },
}

/// Why an action was not done: a stable code, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{refusal}: {text}")]
pub struct Refused {
    /// The stable code.
    pub refusal: Refusal,
    /// What is wrong and what to do.
    pub text: String,
}

impl Refused {
    fn with(refusal: Refusal, text: impl Into<String>) -> Self {
        Self { refusal, text: text.into() }
    }

    /// The same; what cannot be done here is told with what a person does instead, if anything.
    fn or_instead(self, instead: Option<String>) -> Self {
        match (self.refusal, instead) {
            (Refusal::Unsupported, Some(text)) => Self { text, ..self },
            _ => self,
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, text: refusal.hint().to_owned() }
    }
}

impl From<crate::store::StoreError> for Refused {
    fn from(error: crate::store::StoreError) -> Self {
        warn!(%error, "the store refused an action");
        Refusal::StorageFailed.into()
    }
}

/// The door. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Actions(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    gateway: String,
    store: Store,
    panels: Panels,
    keys: Arc<Keys>,
    people: login::People,
    /// What is done to its end although nobody may wait for it any more.
    tasks: TaskTracker,
}

impl Actions {
    /// The door to these panels.
    #[must_use]
    pub fn new(gateway: String, store: Store, panels: Panels, keys: Arc<Keys>, people: PeopleSetup) -> Self {
        let people = login::People::new(people);
        Self(Arc::new(Parts { gateway, store, panels, keys, people, tasks: TaskTracker::new() }))
    }

    /// Does one thing for somebody, or says why not. Either way the action log has one line more.
    ///
    /// Order: permission (P1), scope (I4, P6), the panel's installer code where it is done on site (I3), then the rules
    /// of the action's kind, then the panel's capabilities.
    ///
    /// # Errors
    /// [`Refused`], with the product's stable code.
    pub async fn perform(&self, actor: &Actor, action: Action) -> Result<Done, Refused> {
        let actor = &self.identified(actor).await?;
        let mut entry = Entry::new(actor, action.name(), action.panel(), action.slot());
        entry.subject = action.subject();
        let result = self.decide(actor, action, &entry).await;
        match &result {
            // A wish logs its line in the transaction that stores it.
            Ok(Done::Accepted { version }) => info!(action = entry.action, version, "accepted"),
            Ok(done) => self.log(entry, done.word(), None).await,
            Err(refused) => self.log(entry, refused.refusal.code(), Some(refused.text.clone())).await,
        }
        result
    }

    async fn decide(&self, actor: &Actor, action: Action, entry: &Entry) -> Result<Done, Refused> {
        if let Some(permission) = action.permission() {
            self.may(actor, permission, action.panel()).await?;
            self.installer_code_shown(actor, &action).await?;
        }
        match action {
            Action::SetCode { panel, slot, code } => {
                let code = self.open(&code)?;
                self.wish(&panel, slot, users::Change::Code(code), entry).await
            }
            Action::SetLabel { panel, slot, label } => {
                self.wish(&panel, slot, users::Change::Label(label), entry).await
            }
            Action::SetPartitions { panel, slot, partitions } => {
                self.wish(&panel, slot, users::Change::Partitions(partitions), entry).await
            }
            Action::SetRole { panel, slot, role } => self.wish(&panel, slot, users::Change::Role(role), entry).await,
            Action::DisableUser { panel, slot } => self.wish(&panel, slot, users::Change::Gone, entry).await,
            // People and accounts.
            Action::FirstLogin {} => self.first_login(actor).await,
            Action::Login(asked) => self.log_in(actor, asked).await,
            Action::Logout {} => self.log_out(actor),
            Action::SetPassword(asked) => self.set_own_password(actor, asked).await,
            Action::AcceptInvitation(asked) => self.accept_invitation(asked).await,
            Action::InviteInstaller(asked) => self.invite(actor, PersonKind::Installer, asked, entry).await,
            Action::InviteManager(asked) => self.invite(actor, PersonKind::Manager, asked, entry).await,
            Action::SuspendPerson(of) => self.suspend_person(actor, of.person, true).await,
            Action::ResumePerson(of) => self.suspend_person(actor, of.person, false).await,
            Action::RemovePerson(of) => self.remove_person(actor, of.person).await,
            Action::ResetPassword(of) => self.reset_password(actor, of.person, entry).await,
            Action::AssignPanel(asked) => self.assign_panel(actor, asked, true).await,
            Action::UnassignPanel(asked) => self.assign_panel(actor, asked, false).await,
            Action::SetMayUpdateSoftware(asked) => self.set_may_update_software(actor, asked).await,
            Action::DeactivateInit {} => self.deactivate_init().await,
            Action::AddAccount(of) => self.add_account(of.account, entry).await,
            Action::AssignAccount(asked) => self.assign_account(asked).await,
            Action::UnassignAccount(asked) => self.unassign_account(asked).await,
            Action::SuspendAccount(of) => self.suspend_account(of.account, true).await,
            Action::ResumeAccount(of) => self.suspend_account(of.account, false).await,
            Action::ResetAccount(of) => self.reset_account(of.account, entry).await,
            Action::RemoveAccount(of) => self.remove_account(of.account).await,
            Action::SetAccountPassword(asked) => self.set_account_password(actor, asked).await,
            other => self.command(other).await,
        }
    }

    fn handle(&self, panel: &PanelId) -> Result<PanelHandle, Refused> {
        self.0.panels.get(panel).cloned().ok_or_else(|| Refusal::PanelNotFound.into())
    }

    fn open(&self, sealed: &SealedCode) -> Result<panel_model::AccessCode, Refused> {
        let text = self.0.keys.open_sealed(sealed).map_err(|_| Refused::from(Refusal::SealInvalid))?;
        Ok(panel_model::AccessCode::new(text.to_string()))
    }

    async fn log(&self, entry: Entry, result: &'static str, text: Option<String>) {
        info!(action = entry.action, result, "performed");
        let line = entry.line(result, text);
        if let Err(error) = self.0.store.write(Urgency::Now, move |tx| tx.add_log_line(line)).await {
            warn!(%error, "the action log could not be written");
        }
    }

    /// The gateway's name.
    #[must_use]
    pub fn gateway(&self) -> &str {
        &self.0.gateway
    }

    /// The public key that codes are sealed to.
    #[must_use]
    pub fn sealing_key(&self) -> [u8; 32] {
        self.0.keys.sealing_public_key()
    }

    /// The names of all panels.
    #[must_use]
    pub fn panel_ids(&self) -> Vec<PanelId> {
        self.0.panels.ids().cloned().collect()
    }

    /// The panels that dial us, known or not.
    #[must_use]
    pub fn dialling(&self) -> &Dialling {
        self.0.panels.dialling()
    }

    /// The present picture of every panel.
    #[must_use]
    pub fn panels(&self) -> Vec<Arc<PanelSnapshot>> {
        self.0.panels.iter().map(|(_, handle)| handle.snapshot().borrow().clone()).collect()
    }

    /// One panel's picture, now and as it changes.
    ///
    /// # Errors
    /// [`Refusal::PanelNotFound`].
    pub fn panel(&self, panel: &PanelId) -> Result<watch::Receiver<Arc<PanelSnapshot>>, Refused> {
        Ok(self.handle(panel)?.snapshot())
    }

    /// The last bytes on a panel's wire, masked, oldest first (D4).
    ///
    /// # Errors
    /// [`Refusal::PanelNotFound`].
    pub fn wire(&self, panel: &PanelId) -> Result<Vec<(WallTime, WireEntry)>, Refused> {
        Ok(self.handle(panel)?.wire().entries())
    }

    /// Past events.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn events(&self, query: EventQuery) -> Result<Vec<StoredEvent>, Refused> {
        Ok(self.0.store.read(move |view| view.events(&query)).await?)
    }

    /// The newest lines of the action log, the newest first.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn newest_log_lines(&self, limit: usize) -> Result<Vec<LogLine>, Refused> {
        Ok(self.0.store.read(move |view| view.newest_log_lines(limit)).await?)
    }

    /// Lines of the action log after a sequence number, oldest first.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn log_lines(&self, after: u64, limit: usize) -> Result<Vec<LogLine>, Refused> {
        Ok(self.0.store.read(move |view| view.log_lines(after, limit)).await?)
    }
}

impl Done {
    fn word(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Applied { .. } => "applied",
            Self::Stored => "stored",
            Self::Mailed { .. } => "mailed",
            Self::Invited { .. } => "invited",
            Self::InvitationAccepted { .. } => "accepted",
            Self::TemporaryPassword { .. } => "drawn",
            Self::LoggedIn { .. } => "logged_in",
        }
    }
}

/// The fixed part of a log line (L1). Never holds a code: actions carry codes only sealed, and those are left out.
#[derive(Debug, Clone)]
struct Entry {
    actor: String,
    role: String,
    door: &'static str,
    action: &'static str,
    panel: Option<PanelId>,
    slot: Option<Slot>,
    /// The person or account that it is about.
    subject: Option<String>,
}

impl Entry {
    fn new(actor: &Actor, action: &'static str, panel: Option<&PanelId>, slot: Option<Slot>) -> Self {
        Self {
            actor: actor.name.clone(),
            role: actor.role.clone(),
            door: actor.door.name(),
            action,
            panel: panel.cloned(),
            slot,
            subject: None,
        }
    }

    fn line(&self, result: &str, text: Option<String>) -> NewLogLine {
        NewLogLine {
            at: clock::wall(),
            actor: self.actor.clone(),
            role: self.role.clone(),
            door: self.door.to_owned(),
            action: self.action.to_owned(),
            panel: self.panel.clone(),
            slot: self.slot,
            result: result.to_owned(),
            text: match (&self.subject, text) {
                (Some(subject), Some(text)) => Some(format!("{subject}: {text}")),
                (subject, text) => text.or_else(|| subject.clone()),
            },
        }
    }
}
