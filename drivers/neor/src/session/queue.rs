//! Commands that wait, and what can be said of a command before anything reaches the wire.

use std::time::Instant;

use panel_driver::{Command, CommandClass, Outcome, Section, SetUser};
use panel_model::{AccessCode, Label, NotNow, Partition, Refusal};

use super::Site;
use crate::capabilities::{SECTION_LABEL, USER_LABEL, is_master};
use crate::procedure::{installer_code_needed, installer_code_refused, master_needed};

/// In which order commands are done, and which share a programming mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// A person stands before a siren.
    Urgent,
    /// One order, or a quick question.
    Plain,
    /// Bypass programming.
    Bypass,
    /// Access code programming.
    Users,
    /// Labels of zones and partitions, in installer programming.
    Labels,
    /// The installer code itself.
    Installer,
}

impl CommandClass for Class {
    fn of(command: &Command) -> Self {
        match command {
            Command::Disarm { .. } => Self::Urgent,
            Command::Bypass { .. } => Self::Bypass,
            Command::SetUser(_) | Command::DisableUser { .. } | Command::Refresh(Section::Users) => Self::Users,
            Command::SetZoneLabel { .. } | Command::SetPartitionLabel { .. } => Self::Labels,
            Command::VerifyInstallerCode(_) | Command::ChangeInstallerCode { .. } => Self::Installer,
            _ => Self::Plain,
        }
    }
}

type Check = Result<(), Box<Outcome>>;

fn refused(refusal: Refusal) -> Check {
    Err(Box::new(Outcome::Refused(refusal)))
}

/// The outcome that is certain already, if any.
pub(crate) fn settled_at_once(now: Instant, command: &Command, site: &Site) -> Option<Outcome> {
    check(command, site).and_then(|()| may_enter(now, command, site)).err().map(|outcome| *outcome)
}

fn check(command: &Command, site: &Site) -> Check {
    let capabilities = &site.capabilities;
    match command {
        Command::Refresh(Section::State | Section::Labels) => Ok(()),
        Command::Refresh(Section::Users) => master_known(site),
        Command::SetUser(user) => check_user(user, site),
        Command::DisableUser { slot } => {
            capabilities.roles_of(*slot).map_err(|r| Box::new(Outcome::Refused(r)))?;
            if is_master(*slot) {
                return refused(Refusal::MasterCannotBeDisabled);
            }
            master_known(site)
        }
        Command::VerifyInstallerCode(code) => code_format(code.expose(), site),
        Command::ChangeInstallerCode { current, new } => {
            if !capabilities.sections.installer_code.writable() {
                return refused(Refusal::Unsupported);
            }
            code_format(current.expose(), site)?;
            code_format(new.expose(), site)
        }
        Command::Arm { partition, mode, code } => {
            if !capabilities.arm_modes.contains(mode) {
                return refused(Refusal::Unsupported);
            }
            partition_known(*partition, site)?;
            code.as_ref().map_or(Ok(()), |code| code_format(code.expose(), site))
        }
        Command::Disarm { partition, code } => {
            partition_known(*partition, site)?;
            code_format(code.expose(), site)
        }
        Command::Output { partition, output } => {
            partition_known(*partition, site)?;
            if (1..=capabilities.outputs).contains(output) { Ok(()) } else { refused(Refusal::NotFound) }
        }
        Command::Bypass { zone, .. } => {
            if zone.number() > capabilities.zones {
                return refused(Refusal::NotFound);
            }
            master_known(site)
        }
        Command::SetZoneLabel { zone, label } => {
            if zone.number() > capabilities.zones {
                return refused(Refusal::NotFound);
            }
            section_label(label, site)
        }
        Command::SetPartitionLabel { partition, label } => {
            partition_known(*partition, site)?;
            section_label(label, site)
        }
        Command::SetTag { .. }
        | Command::RemoveTag { .. }
        | Command::EnrolTag { .. }
        | Command::SetLockAccess { .. }
        | Command::SetClock(_)
        | Command::LockDoor(_)
        | Command::UnlockDoor(_)
        | Command::SilenceSiren { .. } => refused(Refusal::Unsupported),
    }
}

fn check_user(user: &SetUser, site: &Site) -> Check {
    let capabilities = &site.capabilities;
    let roles = capabilities.roles_of(user.slot).map_err(|r| Box::new(Outcome::Refused(r)))?;
    let master = is_master(user.slot);
    if user.role.is_some_and(|role| !roles.contains(&role)) {
        return refused(Refusal::RoleNotSupported);
    }
    if master && user.partitions.is_some() {
        return refused(Refusal::MasterPartitionsFixed);
    }
    if user.partitions.is_some_and(|set| !set.is_subset(capabilities.partitions)) {
        return refused(Refusal::PartitionNotAvailable);
    }
    if user.label.as_ref().is_some_and(|label| label.as_str().encode_utf16().count() > USER_LABEL) {
        return refused(Refusal::LabelFormat);
    }
    if let Some(code) = &user.code {
        code_format(code.expose(), site)?;
        let is_masters = site.credentials.master.as_ref() == Some(code);
        let is_installers = site.credentials.installer.as_ref().is_some_and(|i| i.expose() == code.expose());
        if is_installers || (is_masters && !master) {
            return refused(Refusal::CodeNotAvailable);
        }
    }
    master_known(site)
}

/// Two lines of 14 characters, and an installer code to write them with.
fn section_label(label: &Label, site: &Site) -> Check {
    if label.as_str().encode_utf16().count() > SECTION_LABEL {
        return refused(Refusal::LabelFormat);
    }
    match &site.credentials.installer {
        None => Err(Box::new(installer_code_needed())),
        Some(code) if site.installer_refused.as_ref() == Some(code) => Err(Box::new(installer_code_refused())),
        Some(_) => Ok(()),
    }
}

fn code_format(code: &str, site: &Site) -> Check {
    let code = AccessCode::new(code.to_owned());
    site.capabilities.codes.check(&code).map_err(|r| Box::new(Outcome::Refused(r)))
}

fn partition_known(partition: Partition, site: &Site) -> Check {
    if site.capabilities.partitions.contains(partition) { Ok(()) } else { refused(Refusal::PartitionNotAvailable) }
}

fn master_known(site: &Site) -> Check {
    let usable = site.credentials.master.is_some() && !site.master_refused;
    if usable { Ok(()) } else { Err(Box::new(master_needed())) }
}

/// A mode that was busy is not asked for again at once, and wrong installer codes are not tried out.
fn may_enter(now: Instant, command: &Command, site: &Site) -> Check {
    if let Command::VerifyInstallerCode(code) | Command::ChangeInstallerCode { current: code, .. } = command
        && site.installer_refused.as_ref() == Some(code)
    {
        return Err(Box::new(installer_code_refused()));
    }
    if matches!(Class::of(command), Class::Labels | Class::Installer) && site.installer_tries.are_spent(now) {
        return refused(Refusal::LockedOut);
    }
    let programming = matches!(Class::of(command), Class::Users | Class::Bypass | Class::Labels | Class::Installer);
    if programming && site.is_busy(now) {
        return Err(Box::new(Outcome::NotNow(NotNow { why: "the panel is busy".into() })));
    }
    Ok(())
}
