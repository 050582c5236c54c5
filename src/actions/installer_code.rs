//! Actions about the installer code itself (I2, I3): prove it, change it, unlock a panel with it.

use std::collections::BTreeMap;

use panel_driver::{Command, Outcome, clock};
use panel_model::{AccessCode, InstallerCode, PanelError, PanelId, Refusal};

use super::commands::done;
use super::gate::{Judged, PanelIs, is_connected, kept_codes, uid};
use super::orders::{provable, writable};
use super::{Actions, Done, Refused};
use crate::access::{Actor, Standing};
use crate::panels::{PanelHandle, secret_name};
use crate::payload::InstallerCodeState;
use crate::secrets::SealedCode;
use crate::store::{Tx, Urgency};

impl Actions {
    /// Opens a panel for a system user's changes until it is locked again, is not used for a while, or the daemon ends.
    pub(super) async fn unlock(
        &self,
        actor: &Actor,
        standing: &Standing,
        panel: &PanelId,
        code: &SealedCode,
    ) -> Result<Done, Refused> {
        let uid = on_site(actor)?;
        self.right_code(actor, panel, code).await?;
        self.sessions().unlock(uid, &standing.who, panel, clock::since_boot());
        Ok(Done::Stored)
    }

    /// Ends that, for one panel or for all of them.
    pub(super) fn lock(&self, actor: &Actor, panel: Option<&PanelId>) -> Result<Done, Refused> {
        self.sessions().lock(on_site(actor)?, panel);
        Ok(Done::Stored)
    }

    /// Forgets the wrong codes that were shown for a panel. What reached the panel itself it does not forget either.
    pub(super) async fn unblock(&self, panel: &PanelId) -> Result<Done, Refused> {
        let id = panel.clone();
        self.0.store.write(Urgency::Now, move |tx| tx.forget_tries(&id)).await?;
        Ok(Done::Stored)
    }

    /// Proves a code at the panel; without one, the one that the box keeps. A code that the box does not keep is counted
    /// like any other that somebody shows.
    pub(super) async fn verify_installer_code(
        &self,
        actor: &Actor,
        panel: &PanelId,
        given: Option<&SealedCode>,
    ) -> Result<Done, Refused> {
        let handle = self.handle(panel)?;
        let capabilities = handle.snapshot().borrow().capabilities.clone();
        provable(capabilities.sections.installer_code)?;
        let Some(sealed) = given else { return self.settle(&handle, panel).await };
        let code = self.open(sealed)?;
        capabilities.codes.check(&code)?;
        if !is_connected(handle.snapshot().borrow().status) {
            return Err(Refusal::PanelOffline.into());
        }
        match self.judge_code(actor, &handle, panel, &code, PanelIs::Asked).await? {
            Judged::Proved(evidence) => Ok(Done::Applied { evidence }),
            Judged::Kept => done(self.prove(&handle, panel, &code).await?),
        }
    }

    /// Proves the kept code at the panel; after a change that broke off, whichever of the two it is.
    async fn settle(&self, handle: &PanelHandle, panel: &PanelId) -> Result<Done, Refused> {
        let id = panel.clone();
        let kept = self.0.store.read(move |view| kept_codes(view, &id)).await?;
        let mut last = None;
        for code in kept {
            let outcome = self.prove(handle, panel, &AccessCode::new(code.to_string())).await?;
            if !matches!(outcome, Outcome::Failed(PanelError { retry: false, .. })) {
                return done(outcome);
            }
            last = Some(outcome);
        }
        last.map_or_else(|| Err(no_code_kept()), done)
    }

    /// I2. The panel first, then the box; in between the box knows both.
    pub(super) async fn change_installer_code(
        &self,
        panel: &PanelId,
        current: Option<&SealedCode>,
        new: &SealedCode,
        confirmation: &SealedCode,
    ) -> Result<Done, Refused> {
        let handle = self.handle(panel)?;
        let (new, confirmation) = (self.open(new)?, self.open(confirmation)?);
        if new != confirmation {
            return Err(Refusal::ConfirmationMismatch.into());
        }
        let capabilities = handle.snapshot().borrow().capabilities.clone();
        capabilities.codes.check(&new)?;
        writable(capabilities.sections.installer_code)?;
        self.not_a_users_code(panel, &new).await?;
        let id = panel.clone();
        if self.0.store.read(move |view| Ok(kept_codes(view, &id)?.len() > 1)).await? {
            // A change broke off before. It is settled first: the box has room for two codes, not for three.
            self.settle(&handle, panel).await?;
        }
        let current = self.present_code(panel, current).await?;
        self.has_try(panel).await?;
        let (id, next) = (panel.clone(), new.clone());
        let keep = move |tx: &mut Tx<'_>| tx.put_secret(&id, secret_name::NEXT_INSTALLER, next.expose());
        self.0.store.write(Urgency::Now, keep).await?;
        let command = Command::ChangeInstallerCode { current, new: InstallerCode::new(new.expose().to_owned()) };
        let outcome = handle.command(command).await;
        let applied = matches!(outcome, Outcome::Applied(_));
        let refused = matches!(
            outcome,
            Outcome::Refused(_) | Outcome::NotNow(_) | Outcome::Failed(PanelError { retry: false, .. })
        );
        let id = panel.clone();
        let settle = move |tx: &mut Tx<'_>| {
            if applied {
                tx.put_secret(&id, secret_name::INSTALLER, new.expose())?;
            }
            // After a broken line nobody knows which code the panel has: both stay until the panel proves one.
            if applied || refused { tx.delete_secret(&id, secret_name::NEXT_INSTALLER) } else { Ok(()) }
        };
        self.0.store.write(Urgency::Now, settle).await?;
        // Counted afterwards: the present code is known to be right, as far as anybody can know. A sudden death in between
        // must not leave one try less for proving which of the two it is.
        if matches!(outcome, Outcome::Failed(PanelError { retry: false, .. })) {
            self.take_try(panel).await?;
        }
        self.tried(panel, &outcome).await?;
        if applied {
            self.sessions().close(panel);
        }
        done(outcome)
    }

    /// The given installer code, else the one that the box keeps.
    async fn present_code(&self, panel: &PanelId, given: Option<&SealedCode>) -> Result<InstallerCode, Refused> {
        if let Some(sealed) = given {
            return Ok(InstallerCode::new(self.open(sealed)?.expose().to_owned()));
        }
        let id = panel.clone();
        let kept = self.0.store.read(move |view| view.secret(&id, secret_name::INSTALLER)).await?;
        kept.map(|text| InstallerCode::new(text.to_string())).ok_or_else(no_code_kept)
    }

    /// U9, the other way round.
    pub(super) async fn not_a_users_code(&self, panel: &PanelId, code: &AccessCode) -> Result<(), Refused> {
        let hash = self.0.keys.code_hash(panel, code.expose());
        let id = panel.clone();
        let taken = self
            .0
            .store
            .read(move |view| {
                let reported = view.reported_users(&id)?.into_values().any(|u| u.code_hash == Some(hash));
                Ok(reported || view.desired_users(&id)?.into_values().any(|u| u.code_hash == Some(hash)))
            })
            .await?;
        if taken { Err(Refusal::CodeNotAvailable.into()) } else { Ok(()) }
    }

    /// What the box knows of every panel's installer code.
    ///
    /// # Errors
    /// [`Refusal::StorageFailed`].
    pub async fn installer_codes(&self) -> Result<BTreeMap<PanelId, InstallerCodeState>, Refused> {
        let panels: Vec<_> =
            self.0.panels.iter().map(|(id, handle)| (id.clone(), handle.factory_installer_codes())).collect();
        let read = self.0.store.read(move |view| {
            let mut states = BTreeMap::new();
            for (id, factory) in panels {
                let state = match kept_codes(view, &id)?.as_slice() {
                    [] => InstallerCodeState::None,
                    [one] if factory.contains(&one.as_str()) => InstallerCodeState::FactoryDefault,
                    [_] => InstallerCodeState::Kept,
                    _ => InstallerCodeState::Unsettled,
                };
                states.insert(id, state);
            }
            Ok(states)
        });
        Ok(read.await?)
    }
}

fn on_site(actor: &Actor) -> Result<u32, Refused> {
    uid(actor).ok_or_else(|| Refused::with(Refusal::Invalid, "panels are unlocked on site only, by a user of the box"))
}

fn no_code_kept() -> Refused {
    Refused::with(Refusal::Invalid, "the box keeps no installer code for this panel; give the code itself")
}
