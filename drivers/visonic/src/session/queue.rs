//! Commands that wait, and whether they may be begun at all.

use panel_driver::{Command, CommandClass, Outcome, Section, SetUser};
use panel_model::{AccessCode, Capabilities, Evidence, Partition, Refusal};

use crate::map::wire_code;

/// Commands that may wait in the session.
pub(crate) const CAPACITY: usize = 8;

/// What kind of work a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Somebody stands at the door: goes first, and ends what is under way.
    Urgent,
    /// A person waits, or a quick question.
    Plain,
    /// Users, names, the installer's code, the clock: a visit to the memory.
    Memory,
}

impl CommandClass for Class {
    fn of(command: &Command) -> Self {
        match command {
            Command::Disarm { .. } | Command::SilenceSiren { .. } => Self::Urgent,
            Command::Refresh(Section::Users | Section::Labels)
            | Command::VerifyInstallerCode(_)
            | Command::SetClock(_) => Self::Memory,
            _ => Self::Plain,
        }
    }
}

/// Looks at a command before anything reaches the wire: the outcome that is certain already, if any.
pub(crate) fn settled_at_once(command: &Command, capabilities: &Capabilities) -> Option<Outcome> {
    check(command, capabilities).err()
}

type Check = Result<(), Outcome>;

const fn refused(refusal: Refusal) -> Check {
    Err(Outcome::Refused(refusal))
}

fn check(command: &Command, capabilities: &Capabilities) -> Check {
    match command {
        Command::Refresh(_) | Command::SetClock(_) => Ok(()),
        Command::SetUser(user) => check_user(user, capabilities),
        Command::VerifyInstallerCode(code) => code_format(&AccessCode::new(code.expose().to_owned()), capabilities),
        Command::Arm { partition, mode, code } => {
            if !capabilities.arm_modes.contains(mode) {
                return refused(Refusal::Unsupported);
            }
            partition_known(*partition, capabilities)?;
            code.as_ref().map_or(Ok(()), |code| typed_code(code, capabilities))
        }
        Command::Disarm { partition, code } | Command::SilenceSiren { partition, code } => {
            partition_known(*partition, capabilities)?;
            typed_code(code, capabilities)
        }
        Command::Bypass { zone, .. } => {
            if zone.number() <= capabilities.zones {
                Ok(())
            } else {
                refused(Refusal::NotFound)
            }
        }
        Command::Output { partition, output } => {
            partition_known(*partition, capabilities)?;
            if (1..=capabilities.outputs).contains(output) { Ok(()) } else { refused(Refusal::NotFound) }
        }
        // Nobody has shown how a code or a name is written over this port (dossier 5.8).
        Command::DisableUser { .. }
        | Command::ChangeInstallerCode { .. }
        | Command::SetZoneLabel { .. }
        | Command::SetPartitionLabel { .. }
        | Command::SetTag { .. }
        | Command::RemoveTag { .. }
        | Command::EnrolTag { .. }
        | Command::SetLockAccess { .. }
        | Command::LockDoor(_)
        | Command::UnlockDoor(_) => refused(Refusal::Unsupported),
    }
}

fn check_user(user: &SetUser, capabilities: &Capabilities) -> Check {
    let SetUser { slot, code, label: _, role, partitions } = user;
    if code.is_some() || role.is_some() || partitions.is_some() {
        return refused(Refusal::Unsupported);
    }
    capabilities.roles_of(*slot).map_err(Outcome::Refused)?;
    // A label alone is kept by the box.
    Err(Outcome::Applied(Evidence::ReadBack))
}

fn code_format(code: &AccessCode, capabilities: &Capabilities) -> Check {
    capabilities.codes.check(code).map_err(Outcome::Refused)
}

/// `0000` stands for no code: it is never sent as one.
fn typed_code(code: &AccessCode, capabilities: &Capabilities) -> Check {
    code_format(code, capabilities)?;
    if wire_code(Some(code)).is_some() { Ok(()) } else { refused(Refusal::CodeFormat) }
}

fn partition_known(partition: Partition, capabilities: &Capabilities) -> Check {
    if capabilities.partitions.contains(partition) { Ok(()) } else { refused(Refusal::PartitionNotAvailable) }
}
