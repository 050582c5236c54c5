//! Actions that ask the panel now and wait for its outcome, and the credentials that the box keeps.

use panel_driver::{CivilTime, Command, Outcome, Section};
use panel_model::{NotNow, PanelError, PanelId, Refusal};

use super::orders::{has_partition, has_zone, partition_label, zone_label};
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

    pub(super) async fn set_credential(
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
        if credential == CredentialKind::InstallerCode {
            self.sessions().close(panel);
        }
        handle.credentials_changed().await;
        Ok(Done::Stored)
    }
}

pub(super) fn done(outcome: Outcome) -> Result<Done, Refused> {
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
