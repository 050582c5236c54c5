//! Jobs of several steps, one running at a time. A procedure says what to send next when nothing is in flight, learns
//! what became of it, and hears every message meanwhile.

pub(crate) mod collect;
pub(crate) mod enrol;
pub(crate) mod operate;
mod reading;
pub(crate) mod settings;
pub(crate) mod simple;
pub(crate) mod visit;

use std::fmt;
use std::time::Instant;

use panel_driver::{CivilTime, CommandId, Outcome};
use panel_model::{Evidence, InstallerCode, PanelError};

use crate::error::SessionError;
use crate::message::{HostMessage, PanelMessage, WireCode};
use crate::session::{Answer, Site};

/// What a procedure wants to do now.
#[derive(Debug)]
pub(crate) enum Next {
    Send(HostMessage),
    /// Nothing before this time, unless something is heard.
    Wait(Instant),
    Done,
    /// The session cannot go on.
    Failed(SessionError),
}

/// Why a procedure is to make way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// Somebody wants to disarm.
    Disarm,
    /// The driver is to stop.
    Shutdown,
}

/// One job.
pub(crate) trait Procedure: fmt::Debug + Send {
    /// Asked whenever nothing is in flight.
    fn next(&mut self, now: Instant, site: &mut Site) -> Next;
    /// What became of the message that was sent last.
    fn settled(&mut self, now: Instant, answer: Answer, site: &mut Site);
    /// The panel said something.
    fn heard(&mut self, _now: Instant, _message: &PanelMessage, _site: &mut Site) {}
    /// To be over soon.
    fn interrupt(&mut self, _now: Instant, _why: Interruption) {}
    /// The link is gone: commands are answered as interrupted.
    fn abandon(&mut self, _site: &mut Site) {}
    /// The panel tells its status because this procedure asked for it.
    fn asks_for_status(&self) -> bool {
        false
    }
    /// Blocks of memory are for this procedure.
    fn reads_memory(&self) -> bool {
        false
    }
}

/// What is read from the panel's memory or settings, and for whom.
#[derive(Debug)]
pub(crate) enum Goal {
    /// Who the panel is, its zones and options.
    Setup,
    /// Users; for a command, or because they may have changed.
    Users(Option<CommandId>),
    /// Names of zones.
    Labels(CommandId),
    /// Whether this is the installer's code.
    Installer(CommandId, InstallerCode),
    /// The clock.
    Clock(CommandId, CivilTime),
}

impl Goal {
    /// The command that waits for it.
    pub(crate) fn id(&self) -> Option<CommandId> {
        match self {
            Self::Setup | Self::Users(None) => None,
            Self::Users(Some(id)) | Self::Labels(id) | Self::Installer(id, _) | Self::Clock(id, _) => Some(*id),
        }
    }
}

/// Whether one of the panel's installer slots holds this code. Which slot is whose is disputed: any of them counts.
pub(crate) fn installer_outcome(slots: &[WireCode], code: &InstallerCode) -> Outcome {
    let given = WireCode::from_digits(code.expose());
    let mut known = slots.iter().filter(|slot| !slot.is_none());
    if known.any(|slot| Some(slot) == given.as_ref()) {
        Outcome::Applied(Evidence::ReadBack)
    } else {
        Outcome::Failed(PanelError::lasting("installer_code_wrong", "the panel holds another installer code"))
    }
}
