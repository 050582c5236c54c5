use std::fmt;

use panel_model::{
    AccessCode, ArmMode, Evidence, InstallerCode, Label, LockId, NotNow, PanelError, PanelRole, Partition,
    PartitionSet, Password, Refusal, Slot, Zone,
};
use tokio::sync::oneshot;

/// Numbers the commands of one driver run, for logs and progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What can be read again on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Partitions, zones, troubles: ends with a snapshot.
    State,
    /// Panel users as far as the panel shows them.
    Users,
    /// Labels of zones, partitions, outputs.
    Labels,
}

/// A local date and time for the panel's clock, which knows no zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CivilTime {
    pub year: u16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
}

/// Values to write to one user; `None` leaves a value alone. A code on an empty slot creates the user (U3).
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the model's own types")]
pub struct SetUser {
    pub slot: Slot,
    pub code: Option<AccessCode>,
    pub label: Option<Label>,
    pub role: Option<PanelRole>,
    pub partitions: Option<PartitionSet>,
}

/// What can be asked of a panel. What a driver's capabilities rule out is answered
/// `Refused(Unsupported)` before anything reaches the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the model's own types")]
pub enum Command {
    /// Read a section again.
    Refresh(Section),
    /// Write a user. Safe to repeat.
    SetUser(SetUser),
    /// Remove code and user. Safe to repeat.
    DisableUser { slot: Slot },
    /// Give a user a tag by its serial number.
    SetTag { slot: Slot, serial: Password },
    /// Take a user's tag away.
    RemoveTag { slot: Slot },
    /// Wait for a tag at a reader.
    EnrolTag { slot: Slot },
    /// Let a user operate exactly these locks.
    SetLockAccess { slot: Slot, locks: Vec<LockId> },
    /// Name a zone. Done with the panel's installer code.
    SetZoneLabel { zone: Zone, label: Label },
    /// Name a partition. Done with the panel's installer code.
    SetPartitionLabel { partition: Partition, label: Label },
    /// Prove an installer code at the panel. Counts towards the panel's own lock-out.
    VerifyInstallerCode(InstallerCode),
    /// Write a new installer code.
    ChangeInstallerCode { current: InstallerCode, new: InstallerCode },
    /// Arm a partition.
    Arm { partition: Partition, mode: ArmMode, code: Option<AccessCode> },
    /// Disarm a partition.
    Disarm { partition: Partition, code: AccessCode },
    /// Silence the siren of an alarm; the partition stays armed.
    SilenceSiren { partition: Partition, code: AccessCode },
    /// Bypass a zone, or take the bypass back.
    Bypass { zone: Zone, bypassed: bool },
    /// Activate an output.
    Output { partition: Partition, output: u8 },
    /// Set the panel's clock.
    SetClock(CivilTime),
    /// Lock a door.
    LockDoor(LockId),
    /// Unlock a door.
    UnlockDoor(LockId),
}

impl Command {
    /// A name for logs; values are left out.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Refresh(Section::State) => "refresh_state",
            Self::Refresh(Section::Users) => "refresh_users",
            Self::Refresh(Section::Labels) => "refresh_labels",
            Self::SetUser(_) => "set_user",
            Self::DisableUser { .. } => "disable_user",
            Self::SetTag { .. } => "set_tag",
            Self::RemoveTag { .. } => "remove_tag",
            Self::EnrolTag { .. } => "enrol_tag",
            Self::SetLockAccess { .. } => "set_lock_access",
            Self::SetZoneLabel { .. } => "set_zone_label",
            Self::SetPartitionLabel { .. } => "set_partition_label",
            Self::VerifyInstallerCode(_) => "verify_installer_code",
            Self::ChangeInstallerCode { .. } => "change_installer_code",
            Self::Arm { .. } => "arm",
            Self::Disarm { .. } => "disarm",
            Self::SilenceSiren { .. } => "silence_siren",
            Self::Bypass { .. } => "bypass",
            Self::Output { .. } => "output",
            Self::SetClock(_) => "set_clock",
            Self::LockDoor(_) => "lock_door",
            Self::UnlockDoor(_) => "unlock_door",
        }
    }
}

/// How a command ended. Sending is not an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done, proved as said. For a user's fields the weakest proof among them.
    Applied(Evidence),
    /// The driver cannot or must not do it. Nothing was sent.
    Refused(Refusal),
    /// The panel said no, or did not answer.
    Failed(PanelError),
    /// The panel cannot do it in its present state; nothing was changed. Ask again later.
    NotNow(NotNow),
}

impl Outcome {
    /// The outcome of a command whose driver went away.
    #[must_use]
    pub fn interrupted() -> Self {
        Self::Failed(PanelError::passing("interrupted", "the connection to the panel ended before the answer came"))
    }
}

/// The promise to answer a command. Completes exactly once: when dropped unanswered, with
/// [`Outcome::interrupted`].
#[derive(Debug)]
pub struct Reply(Option<oneshot::Sender<Outcome>>);

impl Reply {
    /// A promise and the place where its outcome arrives.
    #[must_use]
    pub fn new() -> (Self, oneshot::Receiver<Outcome>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Some(sender)), receiver)
    }

    /// Answers. That nobody waits any more is not an error.
    pub fn complete(mut self, outcome: Outcome) {
        self.send(outcome);
    }

    fn send(&mut self, outcome: Outcome) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(outcome);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.send(Outcome::interrupted());
    }
}

/// A command on its way to the driver.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are said above")]
pub struct CommandRequest {
    pub id: CommandId,
    pub command: Command,
    pub reply: Reply,
}

/// What a driver needs to be let in. Held sealed by the store, handed over at each start of a driver.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// Password of the communication module.
    pub password: Option<Password>,
    /// The panel's master code, where users are managed with it.
    pub master: Option<AccessCode>,
    /// The master code before the last change, until the new one is proved.
    pub previous_master: Option<AccessCode>,
    /// The panel's installer code.
    pub installer: Option<InstallerCode>,
}

/// A note that a driver leaves for its next run: something was begun at the panel and not yet ended, such as an
/// open menu. At most 64 characters, never a secret. Kept in the store across crashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Residue(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dropped_reply_still_answers() {
        let (reply, outcome) = Reply::new();
        drop(reply);
        assert_eq!(outcome.await, Ok(Outcome::interrupted()));
    }

    #[tokio::test]
    async fn a_reply_answers_once() {
        let (reply, outcome) = Reply::new();
        reply.complete(Outcome::Applied(Evidence::ReadBack));
        assert_eq!(outcome.await, Ok(Outcome::Applied(Evidence::ReadBack)));
    }

    #[test]
    fn commands_print_no_codes() {
        let command =
            Command::Disarm { partition: Partition::new(1).expect("in range"), code: AccessCode::new("739182".into()) };
        assert!(!format!("{command:?}").contains("739182"));
    }
}
