//! Commands that wait, and what is answered before anything reaches the wire.

use std::collections::VecDeque;

use panel_driver::{Command, CommandId, Outcome, SetUser};
use panel_model::{Access, AccessCode, Capabilities, Evidence, Partition, Refusal, Slot};

use crate::capabilities::is_master;
use crate::jsonrpc::capabilities::has_zone;

/// Commands that may wait in the session.
pub(super) const CAPACITY: usize = 8;

/// Which lane a command runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Somebody stands at the door.
    Urgent,
    Plain,
}

impl Class {
    fn of(command: &Command) -> Self {
        match command {
            Command::Arm { .. } | Command::Disarm { .. } | Command::Bypass { .. } | Command::Output { .. } => {
                Self::Urgent
            }
            _ => Self::Plain,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct CommandQueue(VecDeque<(CommandId, Command)>);

impl CommandQueue {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push(&mut self, id: CommandId, command: Command) {
        // Somebody who disarms goes before somebody who arms.
        match command {
            Command::Disarm { .. } => self.0.push_front((id, command)),
            _ => self.0.push_back((id, command)),
        }
    }

    /// The first waiting command of that class.
    pub(super) fn take(&mut self, class: Class) -> Option<(CommandId, Command)> {
        let at = self.0.iter().position(|(_, command)| Class::of(command) == class)?;
        self.0.remove(at)
    }

    pub(super) fn take_all(&mut self) -> VecDeque<(CommandId, Command)> {
        std::mem::take(&mut self.0)
    }
}

/// The outcome of a command that is certain already, if any.
pub(super) fn settled_at_once(command: &Command, able: &Capabilities) -> Option<Outcome> {
    check(command, able).err()
}

type Check = Result<(), Outcome>;

const fn refused(refusal: Refusal) -> Check {
    Err(Outcome::Refused(refusal))
}

fn check(command: &Command, able: &Capabilities) -> Check {
    match command {
        Command::Refresh(_) => Ok(()),
        Command::SetUser(user) => check_user(user, able),
        Command::DisableUser { slot } => {
            known_slot(*slot, able)?;
            writable(able.sections.codes)?;
            if is_master(*slot) { refused(Refusal::MasterCannotBeDisabled) } else { Ok(()) }
        }
        Command::VerifyInstallerCode(code) => {
            if able.sections.installer_code == Access::Unsupported {
                return refused(Refusal::Unsupported);
            }
            code_format(&AccessCode::new(code.expose().to_owned()), able)
        }
        Command::ChangeInstallerCode { current, new } => {
            writable(able.sections.installer_code)?;
            let format = |code: &str| real_code(&AccessCode::new(code.to_owned()), able);
            format(current.expose()).and_then(|()| format(new.expose()))
        }
        Command::Arm { partition, mode, code } => {
            if !able.arm_modes.contains(mode) {
                return refused(Refusal::Unsupported);
            }
            known_partition(*partition, able)?;
            code.as_ref().map_or(Ok(()), |code| real_code(code, able))
        }
        Command::Disarm { partition, code } => {
            known_partition(*partition, able)?;
            real_code(code, able)
        }
        Command::Bypass { .. } if !able.bypass => refused(Refusal::Unsupported),
        Command::Bypass { zone, .. } => {
            if has_zone(able, *zone) {
                Ok(())
            } else {
                refused(Refusal::NotFound)
            }
        }
        Command::Output { .. } if able.outputs == 0 => refused(Refusal::Unsupported),
        Command::Output { partition, output } => {
            known_partition(*partition, able)?;
            if (1..=able.outputs).contains(output) { Ok(()) } else { refused(Refusal::NotFound) }
        }
        Command::SetClock(_) if able.set_clock => Ok(()),
        // `setLocation` changes a text that several zones may have; what `setSirenState` wants, nobody has explained; a
        // tag is enrolled by holding it to the panel.
        Command::SetClock(_)
        | Command::SilenceSiren { .. }
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

fn check_user(user: &SetUser, able: &Capabilities) -> Check {
    let SetUser { slot, code, label: _, role, partitions } = user;
    if role.is_some() {
        return refused(Refusal::Unsupported);
    }
    known_slot(*slot, able)?;
    if let Some(code) = code {
        writable(able.sections.codes)?;
        real_code(code, able)?;
    }
    if let Some(partitions) = partitions {
        writable(able.sections.partitions)?;
        if is_master(*slot) {
            return refused(Refusal::MasterPartitionsFixed);
        }
        if partitions.is_empty() || !partitions.is_subset(able.partitions) {
            return refused(Refusal::PartitionNotAvailable);
        }
    }
    // A label alone is kept by the box.
    if code.is_none() && partitions.is_none() { Err(Outcome::Applied(Evidence::ReadBack)) } else { Ok(()) }
}

fn writable(access: Access) -> Check {
    if access.on_panel() { Ok(()) } else { refused(Refusal::Unsupported) }
}

fn known_slot(slot: Slot, able: &Capabilities) -> Check {
    able.roles_of(slot).map(|_| ()).map_err(Outcome::Refused)
}

fn known_partition(partition: Partition, able: &Capabilities) -> Check {
    if able.partitions.contains(partition) { Ok(()) } else { refused(Refusal::PartitionNotAvailable) }
}

fn code_format(code: &AccessCode, able: &Capabilities) -> Check {
    able.codes.check(code).map_err(Outcome::Refused)
}

/// `0000` stands for no code: it is never sent as one.
fn real_code(code: &AccessCode, able: &Capabilities) -> Check {
    code_format(code, able)?;
    if code.expose() == "0000" { refused(Refusal::CodeFormat) } else { Ok(()) }
}
