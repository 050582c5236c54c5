//! The single door: everything that a person or a cloud does goes through [`Actions::perform`] or, for a whole
//! document of wishes, [`Actions::apply_desired`]. Knows no MQTT, no HTTP, no command line.
//!
//! `action.rs` lists what can be asked, `rules.rs` decides on users (pure), `users.rs` stores wishes, `commands.rs`
//! asks the panel now, and `orders.rs` says what its capabilities rule out of that (pure). `register.rs` keeps the site's
//! equipment, `commissioning.rs` what is done once per panel, and `checklist.rs` says what of it is missing (pure).

mod action;
mod checklist;
#[cfg(test)]
mod checklist_test;
mod commands;
mod commissioning;
mod gate;
mod orders;
mod register;
#[cfg(test)]
mod register_test;
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

pub use action::{Action, CredentialKind, RefreshSection};
pub use commissioning::{SignOff, SignedReport, SkipZones, StartWalkTest, StopWalkTest};
pub use register::{DeleteAsset, EditAsset, EditModel, MoveAsset, Named, NewAsset, NewModel, NewName, Rename};

use crate::access::Actor;
use crate::panels::{Dialling, PanelHandle, Panels};
use crate::secrets::{Keys, SealedCode};
use crate::store::{Damage, EventQuery, LogLine, NewLogLine, Proof, Store, StoredEvent, Urgency, Verifier};

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
    /// The same; its line of the action log came with it.
    Changed,
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
    commissioning: commissioning::Commissioning,
    /// What is done to its end although nobody may wait for it any more.
    tasks: TaskTracker,
}

impl Actions {
    /// The door to these panels.
    #[must_use]
    pub fn new(gateway: String, store: Store, panels: Panels, keys: Arc<Keys>) -> Self {
        let commissioning = commissioning::Commissioning::default();
        Self(Arc::new(Parts { gateway, store, panels, keys, commissioning, tasks: TaskTracker::new() }))
    }

    /// Does one thing for somebody, or says why not. Either way the action log has one line more.
    ///
    /// Order: permission (P1), scope (I4, P6), the panel's installer code where it is done on site (I3), then the rules
    /// of the action's kind, then the panel's capabilities.
    ///
    /// # Errors
    /// [`Refused`], with the product's stable code.
    pub async fn perform(&self, actor: &Actor, action: Action) -> Result<Done, Refused> {
        let entry = Entry::new(actor, action.name(), action.panel());
        let entry = Entry { slot: action.slot(), subject: action.subject(), ..entry };
        let proves = action.proves_installer_code().cloned();
        let result = self.decide(actor, action, &entry).await;
        if let (Some(panel), Ok(Done::Applied { evidence })) = (proves, &result) {
            self.installer_code_proved(panel, *evidence).await;
        }
        match &result {
            // A wish logs its line in the transaction that stores it.
            Ok(Done::Accepted { version }) => info!(action = entry.action, version, "accepted"),
            Ok(done) if done.is_logged() => info!(action = entry.action, result = done.word(), "performed"),
            Ok(done) => self.log(entry, done.word(), None).await,
            Err(refused) => self.log(entry, refused.refusal.code(), Some(refused.text.clone())).await,
        }
        result
    }

    async fn decide(&self, actor: &Actor, action: Action, entry: &Entry) -> Result<Done, Refused> {
        self.may(actor, action.permission(), action.panel()).await?;
        self.installer_code_shown(actor, &action).await?;
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
            Action::StartWalkTest(asked) => self.start_walk_test(asked).await,
            Action::StopWalkTest(asked) => self.stop_walk_test(asked.panel).await,
            Action::SkipZones(asked) => self.skip_zones(asked, entry).await,
            Action::SignOff(asked) => self.sign_off(asked, entry).await,
            other => match register::Change::of(other) {
                Ok(change) => self.change_register(actor, change, entry).await,
                Err(other) => self.command(other).await,
            },
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
            Self::Stored | Self::Changed | Self::AssetAdded { .. } => "stored",
            Self::SignedOff { .. } => "signed_off",
        }
    }

    /// Whether the line of the action log was written with the change itself.
    fn is_logged(&self) -> bool {
        matches!(self, Self::Changed | Self::AssetAdded { .. } | Self::SignedOff { .. })
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
    subject: Option<String>,
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
            subject: self.subject.clone(),
            result: result.to_owned(),
            text,
        }
    }
}
