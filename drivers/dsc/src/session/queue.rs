//! Commands that wait, and whether they may be begun at all.

use panel_driver::{Command, CommandClass, CommandQueue, Credentials, Outcome, Section, SetUser};
use panel_model::{Capabilities, Evidence, PanelError, PanelRole, Partition, Refusal};

use crate::capabilities::is_master;
use crate::config::{Config, InstallerMenu};
use crate::message::Transport;

/// Commands that may wait in the session.
pub(crate) const CAPACITY: usize = 8;

/// What kind of work a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Somebody stands at the door: goes first, and ends what is under way.
    Urgent,
    /// A person waits, or a quick question.
    Plain,
    /// The menu of users.
    Users,
    /// The master's own code: after the other users.
    Master,
    /// The installer's menu.
    Installer,
}

impl CommandClass for Class {
    fn of(command: &Command) -> Self {
        match command {
            Command::Disarm { .. } => Self::Urgent,
            Command::SetUser(SetUser { slot, .. }) if is_master(*slot) => Self::Master,
            Command::SetUser(_) | Command::DisableUser { .. } | Command::Refresh(Section::Users) => Self::Users,
            Command::VerifyInstallerCode(_) | Command::ChangeInstallerCode { .. } => Self::Installer,
            _ => Self::Plain,
        }
    }
}

/// Whether something waits that a person wants now; long work makes way for it.
pub(crate) fn person_waits(queue: &CommandQueue) -> bool {
    queue.has(Class::Urgent) || queue.has(Class::Plain)
}

/// Looks at a command before anything reaches the wire: the outcome that is certain already, if any.
pub(crate) fn settled_at_once(
    command: &Command,
    config: &Config,
    capabilities: &Capabilities,
    credentials: &Credentials,
) -> Option<Outcome> {
    check(command, config, capabilities, credentials).err().map(|outcome| *outcome)
}

type Check = Result<(), Box<Outcome>>;

fn refused(refusal: Refusal) -> Check {
    Err(Box::new(Outcome::Refused(refusal)))
}

fn check(command: &Command, config: &Config, capabilities: &Capabilities, credentials: &Credentials) -> Check {
    let transport = config.interface.transport();
    let it100_only = || if transport == Transport::It100 { Ok(()) } else { refused(Refusal::Unsupported) };
    match command {
        Command::Refresh(Section::State) | Command::SetClock(_) => Ok(()),
        Command::Refresh(Section::Labels) => it100_only(),
        Command::Refresh(Section::Users) => it100_only().and_then(|()| master_known(credentials)),
        Command::SetUser(user) => check_user(user, transport, capabilities, credentials),
        Command::DisableUser { slot } => {
            capabilities.roles_of(*slot).map_err(|r| Box::new(Outcome::Refused(r)))?;
            if is_master(*slot) {
                return refused(Refusal::MasterCannotBeDisabled);
            }
            master_known(credentials)
        }
        Command::VerifyInstallerCode(code) => {
            installer_menu(config)?;
            code_format(code.expose(), capabilities)
        }
        Command::ChangeInstallerCode { current, new } => {
            installer_menu(config)?;
            code_format(current.expose(), capabilities)?;
            code_format(new.expose(), capabilities)
        }
        Command::Arm { partition, mode, code } => {
            if !capabilities.arm_modes.contains(mode) {
                return refused(Refusal::Unsupported);
            }
            partition_known(*partition, capabilities)?;
            code.as_ref().map_or(Ok(()), |code| code_format(code.expose(), capabilities))
        }
        Command::Disarm { partition, code } => {
            partition_known(*partition, capabilities)?;
            code_format(code.expose(), capabilities)
        }
        Command::Output { partition, output } => {
            partition_known(*partition, capabilities)?;
            if (1..=capabilities.outputs).contains(output) { Ok(()) } else { refused(Refusal::NotFound) }
        }
        Command::SetTag { .. }
        | Command::RemoveTag { .. }
        | Command::EnrolTag { .. }
        | Command::SetZoneLabel { .. }
        | Command::SetPartitionLabel { .. }
        | Command::SetLockAccess { .. }
        | Command::Bypass { .. }
        | Command::LockDoor(_)
        | Command::UnlockDoor(_)
        | Command::SilenceSiren { .. } => refused(Refusal::Unsupported),
    }
}

fn check_user(user: &SetUser, transport: Transport, capabilities: &Capabilities, credentials: &Credentials) -> Check {
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
    let toggles = user.partitions.is_some() || user.role.is_some_and(|role| role != PanelRole::Master);
    if toggles && transport == Transport::Envisalink {
        // 98 and 99 toggle, and nothing here shows what they toggle from.
        return refused(Refusal::Unsupported);
    }
    if let Some(code) = &user.code {
        code_format(code.expose(), capabilities)?;
        let is_masters = credentials.master.as_ref() == Some(code);
        let is_installers = credentials.installer.as_ref().is_some_and(|i| i.expose() == code.expose());
        if is_installers || (is_masters && !master) {
            return refused(Refusal::CodeNotAvailable);
        }
    } else if !toggles {
        // A label alone is kept by the box, and the master's role cannot be another.
        return Err(Box::new(Outcome::Applied(Evidence::ReadBack)));
    }
    master_known(credentials)
}

fn code_format(code: &str, capabilities: &Capabilities) -> Check {
    let code = panel_model::AccessCode::new(code.to_owned());
    capabilities.codes.check(&code).map_err(|r| Box::new(Outcome::Refused(r)))
}

fn partition_known(partition: Partition, capabilities: &Capabilities) -> Check {
    if capabilities.partitions.contains(partition) { Ok(()) } else { refused(Refusal::PartitionNotAvailable) }
}

fn installer_menu(config: &Config) -> Check {
    if config.installer_menu == InstallerMenu::Allowed { Ok(()) } else { refused(Refusal::Unsupported) }
}

fn master_known(credentials: &Credentials) -> Check {
    if credentials.master.is_some() { Ok(()) } else { Err(Box::new(master_needed())) }
}

/// Without a master code that the panel takes, users cannot be touched.
pub(crate) fn master_needed() -> Outcome {
    Outcome::Failed(PanelError::lasting(
        "master_code_needed",
        "the panel's master code is not known here, or the panel refused it; store the right one",
    ))
}
