//! The single door: everything that a person or a cloud does goes through [`Actions::perform`] or, for a whole
//! document of wishes, [`Actions::apply_desired`]. Knows no MQTT, no HTTP, no command line.
//!
//! `action.rs` lists what can be asked, `who.rs` says who may, `rules.rs` decides on users (pure), `users.rs` stores wishes,
//! `commands.rs` asks the panel now, and `orders.rs` says what its capabilities rule out of that (pure). `gate.rs` asks
//! for the panel's installer code, and `installer_code.rs` has the actions about that code itself. `approval.rs` changes
//! the box's own records, `roles.rs` and `companies.rs` among them, at once or after another person's decision.
//! `people.rs`, `accounts.rs` and `login.rs` are about who works with the box and whose its users are.
//! `requests.rs` is the way in for operators in the cloud, on the authority that `authority.rs` keeps.
//! `register.rs` keeps the site's equipment, `commissioning.rs` what is done once per panel, and `checklist.rs` says what
//! of it is missing (pure).

mod accounts;
mod action;
mod approval;
mod authority;
#[cfg(test)]
mod bench;
mod checklist;
#[cfg(test)]
mod checklist_test;
mod commands;
mod commissioning;
mod companies;
mod directory;
mod gate;
#[cfg(test)]
mod gate_test;
mod installer_code;
mod letters;
mod login;
mod one_time;
mod orders;
mod people;
#[cfg(test)]
mod people_test;
#[cfg(test)]
mod permissions_test;
mod register;
#[cfg(test)]
mod register_test;
mod request;
mod requests;
mod roles;
#[cfg(test)]
mod roles_test;
mod rules;
#[cfg(test)]
mod rules_test;
#[cfg(test)]
mod samples;
mod users;
mod who;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use panel_driver::{WireEntry, clock};
use panel_model::{Evidence, PanelId, PanelSnapshot, Refusal, Slot, WallTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use uuid::Uuid;

pub use accounts::{AssignAccount, OfAccount, SetAccountPassword, UnassignAccount};
pub use action::{Action, CredentialKind, RefreshSection};
pub use approval::{DecideRequest, RestoreDeleted};
pub use authority::AuthorityConfig;
pub use commissioning::{SignOff, SignedReport, SkipZones, StartWalkTest, StopWalkTest};
pub use companies::{AddParticipation, CreateCompany, DeleteCompany, EditCompany, EditParticipation, EndParticipation};
pub use login::{Directory, Identity, Login, PeopleSetup, SetPassword};
pub use one_time::OneTime;
pub use people::{AcceptInvitation, Assignment, Invite, MayUpdateSoftware, OfPerson};
pub use register::{DeleteAsset, EditAsset, EditModel, MoveAsset, Named, NewAsset, NewModel, NewName, Rename};
pub use request::{Request, RequestOutcome, Response};
pub use requests::{LARGEST_REQUEST, RequestMessage};
pub use roles::{CopyRole, CreateRole, DeleteRole, EditRole, KeptRole};

use crate::access::{Actor, Email, LocalAccess, PersonKind, PersonName, Sessions, Standing, is_hidden};
use crate::panels::{Dialling, PanelHandle, Panels};
use crate::payload::Timestamp;
use crate::secrets::{Keys, SealedCode};
use crate::store::{Damage, EventQuery, Listed, LogLine, NewLogLine, Proof, Store, StoredEvent, Urgency, Verifier};

/// Lines read in one go while the log is proved: the store's thread has others to serve.
const PROVED_AT_ONCE: usize = 1000;

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
    /// The box changed its own records: roles, companies, requests, equipment. Its line of the action log came with it.
    Changed,
    /// P4: it waits for another person's decision.
    Requested {
        /// The request's number.
        request: u64,
    },
    /// An asset is in the register.
    AssetAdded {
        /// Its number.
        asset: u64,
    },
    /// The commissioning is signed off.
    SignedOff {
        /// SHA-256 of the report, in hex, as in the action log.
        sha256: String,
    },
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
    authority: authority::Authority,
    directory: directory::Directory,
    local: LocalAccess,
    /// What people on site have open. Never held across an await.
    sessions: Mutex<Sessions>,
    commissioning: commissioning::Commissioning,
    people: login::People,
    /// What is done to its end although nobody may wait for it any more.
    tasks: TaskTracker,
}

impl Actions {
    /// The door to these panels.
    #[must_use]
    pub fn new(
        gateway: String,
        store: Store,
        panels: Panels,
        keys: Arc<Keys>,
        local: LocalAccess,
        people: PeopleSetup,
    ) -> Self {
        Self(Arc::new(Parts {
            gateway,
            store,
            panels,
            keys,
            authority: authority::Authority::default(),
            directory: directory::Directory::default(),
            local,
            sessions: Mutex::default(),
            people: login::People::new(people),
            commissioning: commissioning::Commissioning::default(),
            tasks: TaskTracker::new(),
        }))
    }

    /// Does one thing for somebody, or says why not. Either way the action log has one line more.
    ///
    /// Order: permission (P1), scope (I4, P6), the panel's installer code where it is done on site (I3), approval (P4), then
    /// the rules of the action's kind, then the panel's capabilities.
    ///
    /// # Errors
    /// [`Refused`], with the product's stable code.
    pub async fn perform(&self, actor: &Actor, action: Action) -> Result<Done, Refused> {
        let entry = Entry::new(actor, action.name(), action.panel());
        let mut entry = Entry { slot: action.slot(), subject: action.subject(), ..entry };
        let proves = action.proves_installer_code().cloned();
        let standing = self.standing(actor).await;
        let result = match &standing {
            Ok(standing) => {
                entry = entry.by(standing);
                self.decide(actor, standing, action, &entry).await
            }
            Err(refused) => Err(refused.clone()),
        };
        if let (Some(panel), Ok(Done::Applied { evidence })) = (proves, &result) {
            self.installer_code_proved(panel, *evidence).await;
        }
        match &result {
            Ok(done) if done.is_logged() => info!(action = entry.action, result = done.word(), "performed"),
            Ok(done) => self.log(entry, done.word(), None).await,
            Err(refused) => self.log(entry, refused.refusal.code(), Some(refused.text.clone())).await,
        }
        result
    }

    async fn decide(&self, actor: &Actor, standing: &Standing, action: Action, entry: &Entry) -> Result<Done, Refused> {
        if let Some(permission) = action.permission() {
            self.permitted(standing, permission, action.panel())?;
            self.installer_code_shown(actor, standing, &action).await?;
            if matches!(action, Action::RemoveAccount(_)) {
                self.directory_is_ours()?;
            }
            if action.needs_approval() && !standing.is_super_admin() {
                return self.request(standing, actor, action, entry).await;
            }
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
            Action::VerifyInstallerCode { panel, code } => {
                self.verify_installer_code(actor, &panel, code.as_ref()).await
            }
            Action::ChangeInstallerCode { panel, current, new, confirmation } => {
                self.change_installer_code(&panel, current.as_ref(), &new, &confirmation).await
            }
            Action::Unlock { panel, code } => self.unlock(actor, standing, &panel, &code).await,
            Action::Lock { panel } => self.lock(actor, panel.as_ref()),
            Action::Unblock { panel } => self.unblock(&panel).await,
            Action::DecideRequest(decision) => self.decide_request(standing, actor, decision, entry).await,
            Action::RestoreDeleted(restored) => self.restore(standing, restored, entry).await,
            record @ (Action::CreateRole(_)
            | Action::CopyRole(_)
            | Action::EditRole(_)
            | Action::DeleteRole(_)
            | Action::CreateCompany(_)
            | Action::EditCompany(_)
            | Action::DeleteCompany(_)
            | Action::AddParticipation(_)
            | Action::EditParticipation(_)
            | Action::EndParticipation(_)
            | Action::RemoveAccount(_)) => self.change(standing, record, entry).await,
            // People and accounts.
            Action::FirstLogin {} => self.first_login(actor).await,
            Action::Login(asked) => self.log_in(actor, asked).await,
            Action::Logout {} => self.log_out(actor),
            Action::SetPassword(asked) => self.set_own_password(actor, asked).await,
            Action::AcceptInvitation(asked) => self.accept_invitation(asked).await,
            Action::InviteInstaller(asked) => self.invite(standing, PersonKind::Installer, asked, entry).await,
            Action::InviteManager(asked) => self.invite(standing, PersonKind::Manager, asked, entry).await,
            Action::SuspendPerson(of) => self.suspend_person(standing, of.person, true).await,
            Action::ResumePerson(of) => self.suspend_person(standing, of.person, false).await,
            Action::RemovePerson(of) => {
                let gone = of.person.clone().into();
                let done = self.change(standing, Action::RemovePerson(of), entry).await?;
                self.0.people.logins().end_of(&gone);
                Ok(done)
            }
            Action::ResetPassword(of) => self.reset_password(standing, of.person, entry).await,
            Action::AssignPanel(asked) => self.assign_panel(standing, asked, true).await,
            Action::UnassignPanel(asked) => self.assign_panel(standing, asked, false).await,
            Action::SetMayUpdateSoftware(asked) => self.set_may_update_software(standing, asked).await,
            Action::DeactivateInit {} => self.deactivate_init().await,
            Action::AddAccount(of) => self.add_account(of.account, entry).await,
            Action::AssignAccount(asked) => self.assign_account(asked).await,
            Action::UnassignAccount(asked) => self.unassign_account(asked).await,
            Action::SuspendAccount(of) => self.suspend_account(of.account, true).await,
            Action::ResumeAccount(of) => self.suspend_account(of.account, false).await,
            Action::ResetAccount(of) => self.reset_account(of.account, entry).await,
            Action::SetAccountPassword(asked) => self.set_account_password(actor, asked).await,
            Action::StartWalkTest(asked) => self.start_walk_test(asked).await,
            Action::StopWalkTest(asked) => self.stop_walk_test(asked.panel).await,
            Action::SkipZones(asked) => self.skip_zones(asked, entry).await,
            Action::SignOff(asked) => self.sign_off(asked, entry).await,
            other => match register::Change::of(other) {
                Ok(change) => self.change_register(standing, change, entry).await,
                Err(other) => self.command(other).await,
            },
        }
    }

    fn handle(&self, panel: &PanelId) -> Result<PanelHandle, Refused> {
        self.0.panels.get(panel).cloned().ok_or_else(|| Refusal::PanelNotFound.into())
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        // Whoever panicked while holding it left whole entries behind.
        self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Looks through the whole action log (L2).
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn prove_log(&self) -> Result<Proof, Refused> {
        // The ends and the lines are not read at one moment: what is written or pruned meanwhile is left out.
        let ends = self.0.store.read(|view| Ok(view.log_ends())).await?;
        let (mut verifier, mut after) = (Verifier::default(), 0);
        loop {
            let lines = self.0.store.read(move |view| view.log_lines(after, PROVED_AT_ONCE)).await?;
            let Some(last) = lines.last() else { break };
            after = last.seq;
            let newer = |line: &&LogLine| {
                ends.as_ref().is_ok_and(|ends| line.link.is_some_and(|l| l.number > ends.head.number))
            };
            lines.iter().take_while(|line| !newer(line)).for_each(|line| verifier.take(line));
        }
        Ok(match ends {
            Ok(ends) => verifier.finish(Some(ends.base), Some(ends.head)),
            Err(error) => {
                warn!(%error, "the ends of the action log");
                let mut proof = verifier.finish(None, None);
                proof.damage.push(Damage::SealBroken);
                proof
            }
        })
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
            Self::Changed | Self::AssetAdded { .. } => "changed",
            Self::Requested { .. } => "requested",
            Self::SignedOff { .. } => "signed_off",
            Self::Mailed { .. } => "mailed",
            Self::Invited { .. } => "invited",
            Self::InvitationAccepted { .. } => "accepted",
            Self::TemporaryPassword { .. } => "drawn",
            Self::LoggedIn { .. } => "logged_in",
        }
    }

    /// Whether the line of the action log was written with the change itself.
    fn is_logged(&self) -> bool {
        matches!(
            self,
            Self::Accepted { .. }
                | Self::Changed
                | Self::Requested { .. }
                | Self::AssetAdded { .. }
                | Self::SignedOff { .. }
        )
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
    /// What else it is about, such as a person or an account.
    subject: Option<String>,
    /// The cloud's request that it is done for.
    request: Option<Uuid>,
}

impl Entry {
    fn new(actor: &Actor, action: &'static str, panel: Option<&PanelId>) -> Self {
        Self {
            actor: actor.name.clone(),
            role: actor.role.clone(),
            door: actor.door.name(),
            action,
            panel: panel.cloned(),
            slot: None,
            subject: None,
            request: requests::request_of(actor),
        }
    }

    /// The same in the name and role of what the actor turned out to be.
    fn by(self, standing: &Standing) -> Self {
        Self { actor: standing.name.clone(), role: standing.role.clone(), ..self }
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
            subject: self.subject.as_deref().map(showable),
            result: result.to_owned(),
            text: text.as_deref().map(showable),
        }
    }
}

/// No room for one more.
fn full(list: Listed) -> Refused {
    Refused::with(Refusal::Busy, format!("the box keeps {} of these and no more; remove some first", list.most()))
}

/// Longest text of a log line, in characters.
const LONGEST_TEXT: usize = 1000;

/// What somebody asked for stands in the log even where it was refused for what it says: it must neither fill the disk
/// nor do anything to the terminal of whoever reads it.
fn showable(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).take(LONGEST_TEXT).collect()
}
