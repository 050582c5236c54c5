//! How a session ends, and what the panel's refusals mean for a command.

use panel_driver::{DriverError, Outcome};
use panel_model::{NotNow, PanelError};

/// Why a session cannot go on. The policy for each is in [`DriverError::retry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SessionError {
    #[error(
        "the panel does not answer; check that the cable is on the PowerLink port, TX and RX crossed, and that no \
         PowerLink module is fitted"
    )]
    NoAnswer,
    #[error("only unreadable bytes come; check the baud rate (9600 or 38400) of the port and of the panel")]
    Unreadable,
    #[error("the panel answers, but does not tell its state")]
    NoStatus,
    #[error("the panel says that it is downloading although nobody reads it; switch it off and on if that stays")]
    StuckInDownload,
    #[error("three commands in a row were not answered")]
    CommandsLost,
    #[error("this is an original PowerMax, which knows no PowerLink")]
    OriginalPowerMax,
}

impl From<SessionError> for DriverError {
    fn from(error: SessionError) -> Self {
        let text = error.to_string();
        match error {
            SessionError::Unreadable => Self::Protocol(text),
            SessionError::OriginalPowerMax => Self::Unsupported(text),
            SessionError::NoAnswer
            | SessionError::NoStatus
            | SessionError::StuckInDownload
            | SessionError::CommandsLost => Self::Unresponsive(text),
        }
    }
}

/// `08` after a user's code: asked once, never again with the same code.
pub(crate) fn code_refused() -> Outcome {
    Outcome::Failed(PanelError::lasting("08", "the panel refused the code, or its user may not do that"))
}

/// `08` on a port that is not ours alone: it says nothing of the code.
pub(crate) fn denied_while_shared() -> Outcome {
    Outcome::Failed(PanelError::passing("08", "the panel was busy with another device on the same port"))
}

/// Nothing acknowledged the command.
pub(crate) fn lost() -> Outcome {
    Outcome::Failed(PanelError::passing("timeout", "the panel did not acknowledge the command"))
}

/// The panel took the command, and its state does not show it.
pub(crate) fn not_shown(what: &str) -> Outcome {
    Outcome::Failed(PanelError::passing("not_confirmed", format!("the panel took the command but {what}")))
}

/// No known code opens the memory.
pub(crate) fn download_denied() -> Outcome {
    Outcome::Failed(PanelError::lasting(
        "download_denied",
        "the panel takes none of the known download codes; store its download code as the panel's password, or enrol \
         the box in the installer menu",
    ))
}

/// The memory is not read while something is armed.
pub(crate) fn armed() -> Outcome {
    Outcome::NotNow(NotNow { why: "the panel is armed; its memory is read when it is disarmed".into() })
}

/// The visit to the memory did not come to its end.
pub(crate) fn visit_failed() -> Outcome {
    Outcome::Failed(PanelError::passing("download_failed", "the panel stopped sending its memory"))
}
