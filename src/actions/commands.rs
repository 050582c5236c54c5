//! Actions that ask the panel now and wait for its outcome, and the credentials that the box keeps.

use panel_driver::{CivilTime, Command, Outcome, Section};
use panel_model::{AccessCode, InstallerCode, NotNow, PanelError, PanelId, Refusal};

use super::orders::{has_partition, has_zone, partition_label, provable, writable, zone_label};
use super::{Action, Actions, CredentialKind, Done, RefreshSection, Refused};
use crate::panels::{PanelHandle, put_master, secret_name};
use crate::secrets::SealedCode;
use crate::store::Urgency;

impl Actions {
    pub(super) async fn command(&self, action: Action) -> Result<Done, Refused> {
        let handle = self.handle(action.panel().ok_or(Refusal::Invalid)?)?;
        let capabilities = handle.snapshot().borrow().capabilities.clone();
        let command = match action {
            Action::SetCredential { panel, credential, value } => {
                return self.set_credential(&handle, &panel, credential, &value).await;
            }
            Action::ChangeInstallerCode { panel, current, new, confirmation } => {
                return self.change_installer_code(&handle, &panel, current, &new, &confirmation).await;
            }
            Action::VerifyInstallerCode { panel, code } => {
                provable(capabilities.sections.installer_code)?;
                return self.verify_installer_code(&handle, &panel, code.as_ref()).await;
            }
            Action::Arm { partition, mode, code, .. } => {
                has_partition(&capabilities, partition)?;
                if !capabilities.arm_modes.contains(&mode) {
                    return Err(Refusal::Unsupported.into());
                }
                let code = code.map(|sealed| self.open(&sealed)).transpose()?;
                if let Some(code) = &code {
                    capabilities.codes.check(code)?;
                }
                Command::Arm { partition, mode, code }
            }
            Action::Disarm { partition, code, .. } => {
                has_partition(&capabilities, partition)?;
                let code = self.open(&code)?;
                capabilities.codes.check(&code)?;
                Command::Disarm { partition, code }
            }
            Action::SilenceSiren { partition, code, .. } => {
                has_partition(&capabilities, partition)?;
                let code = self.open(&code)?;
                capabilities.codes.check(&code)?;
                Command::SilenceSiren { partition, code }
            }
            Action::Bypass { zone, bypassed, .. } => {
                if !capabilities.bypass {
                    return Err(Refusal::Unsupported.into());
                }
                has_zone(&capabilities, zone)?;
                Command::Bypass { zone, bypassed }
            }
            Action::Output { partition, output, .. } => {
                has_partition(&capabilities, partition)?;
                if output == 0 || output > capabilities.outputs {
                    return Err(Refusal::NotFound.into());
                }
                Command::Output { partition, output }
            }
            Action::SetZoneLabel { zone, label, .. } => zone_label(&capabilities, zone, &label)?,
            Action::SetPartitionLabel { partition, label, .. } => partition_label(&capabilities, partition, &label)?,
            Action::SetClock { .. } => {
                if !capabilities.set_clock {
                    return Err(Refusal::Unsupported.into());
                }
                Command::SetClock(local_time())
            }
            Action::Refresh { section, .. } => Command::Refresh(match section {
                RefreshSection::State => Section::State,
                RefreshSection::Users => Section::Users,
                RefreshSection::Labels => Section::Labels,
            }),
            // Wishes and whatever asks no panel are decided before (`decide`); should one arrive here, it is refused
            // rather than done twice.
            _ => return Err(Refusal::Invalid.into()),
        };
        done(handle.command(command).await)
    }

    async fn set_credential(
        &self,
        handle: &PanelHandle,
        panel: &PanelId,
        credential: CredentialKind,
        value: &SealedCode,
    ) -> Result<Done, Refused> {
        let value = self.open(value)?;
        let name = match credential {
            CredentialKind::Password => secret_name::PASSWORD,
            CredentialKind::MasterCode => secret_name::MASTER,
            CredentialKind::InstallerCode => secret_name::INSTALLER,
        };
        if credential != CredentialKind::Password {
            handle.snapshot().borrow().capabilities.codes.check(&value)?;
        }
        let id = panel.clone();
        let write = move |tx: &mut crate::store::Tx<'_>| {
            if name == secret_name::MASTER {
                tx.delete_secret(&id, secret_name::PREVIOUS_MASTER)?;
                return put_master(tx, &id, value.expose());
            }
            tx.put_secret(&id, name, value.expose())
        };
        self.0.store.write(Urgency::Now, write).await?;
        handle.credentials_changed().await;
        Ok(Done::Stored)
    }

    /// The code that the panel took is the installer code, whatever the box kept before: that also settles what a
    /// change left open that broke off.
    async fn verify_installer_code(
        &self,
        handle: &PanelHandle,
        panel: &PanelId,
        given: Option<&SealedCode>,
    ) -> Result<Done, Refused> {
        let code = self.installer_code(panel, given).await?;
        let outcome = handle.command(Command::VerifyInstallerCode(code.clone())).await;
        if matches!(outcome, Outcome::Applied(_)) {
            let id = panel.clone();
            let keep = move |tx: &mut crate::store::Tx<'_>| {
                tx.delete_secret(&id, secret_name::NEXT_INSTALLER)?;
                tx.put_secret(&id, secret_name::INSTALLER, code.expose())
            };
            self.0.store.write(Urgency::Now, keep).await?;
        }
        done(outcome)
    }

    /// I2. The panel first, then the box; in between the box knows both.
    async fn change_installer_code(
        &self,
        handle: &PanelHandle,
        panel: &PanelId,
        current: Option<SealedCode>,
        new: &SealedCode,
        confirmation: &SealedCode,
    ) -> Result<Done, Refused> {
        let (new, confirmation) = (self.open(new)?, self.open(confirmation)?);
        if new != confirmation {
            return Err(Refusal::ConfirmationMismatch.into());
        }
        let capabilities = handle.snapshot().borrow().capabilities.clone();
        capabilities.codes.check(&new)?;
        writable(capabilities.sections.installer_code)?;
        self.not_a_users_code(panel, &new).await?;
        let current = self.installer_code(panel, current.as_ref()).await?;
        let (id, next) = (panel.clone(), new.clone());
        let keep = move |tx: &mut crate::store::Tx<'_>| tx.put_secret(&id, secret_name::NEXT_INSTALLER, next.expose());
        self.0.store.write(Urgency::Now, keep).await?;
        let command = Command::ChangeInstallerCode { current, new: InstallerCode::new(new.expose().to_owned()) };
        let outcome = handle.command(command).await;
        let applied = matches!(outcome, Outcome::Applied(_));
        let refused = matches!(
            outcome,
            Outcome::Refused(_) | Outcome::NotNow(_) | Outcome::Failed(PanelError { retry: false, .. })
        );
        let id = panel.clone();
        let settle = move |tx: &mut crate::store::Tx<'_>| {
            if applied {
                tx.put_secret(&id, secret_name::INSTALLER, new.expose())?;
            }
            // After a broken line nobody knows which code the panel has: both stay until a person verifies one.
            if applied || refused { tx.delete_secret(&id, secret_name::NEXT_INSTALLER) } else { Ok(()) }
        };
        self.0.store.write(Urgency::Now, settle).await?;
        done(outcome)
    }

    /// The given installer code, else the one that the box keeps.
    async fn installer_code(&self, panel: &PanelId, given: Option<&SealedCode>) -> Result<InstallerCode, Refused> {
        if let Some(sealed) = given {
            return Ok(InstallerCode::new(self.open(sealed)?.expose().to_owned()));
        }
        let id = panel.clone();
        let kept = self.0.store.read(move |view| view.secret(&id, secret_name::INSTALLER)).await?;
        kept.map(|text| InstallerCode::new(text.to_string())).ok_or_else(|| {
            Refused::with(Refusal::Invalid, "the box keeps no installer code for this panel; give the code itself")
        })
    }

    /// U9, the other way round.
    async fn not_a_users_code(&self, panel: &PanelId, code: &AccessCode) -> Result<(), Refused> {
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
}

fn done(outcome: Outcome) -> Result<Done, Refused> {
    match outcome {
        Outcome::Applied(evidence) => Ok(Done::Applied { evidence }),
        Outcome::Refused(refusal) => Err(refusal.into()),
        Outcome::NotNow(NotNow { why }) => Err(Refused::with(Refusal::Busy, format!("not now: {why}"))),
        Outcome::Failed(PanelError { code, text, .. }) if code == "offline" => {
            Err(Refused::with(Refusal::PanelOffline, text))
        }
        Outcome::Failed(PanelError { code, text, .. }) => {
            Err(Refused::with(Refusal::PanelFailed, format!("{text} ({code})")))
        }
    }
}

/// The box's local time, for the panel's clock.
fn local_time() -> CivilTime {
    let now = jiff::Zoned::now();
    // jiff keeps these fields in their calendar ranges, which fit.
    CivilTime {
        year: u16::try_from(now.year()).unwrap_or(0),
        month: now.month().unsigned_abs(),
        day: now.day().unsigned_abs(),
        hour: now.hour().unsigned_abs(),
        minute: now.minute().unsigned_abs(),
        second: now.second().unsigned_abs(),
    }
}
