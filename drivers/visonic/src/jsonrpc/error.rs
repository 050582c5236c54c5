//! Why a call brought no result, and what that means for a command.

use panel_driver::Outcome;
use panel_model::{NotNow, PanelError};

use super::answer::words;

/// A call without a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// The module knows another client, or none.
    #[error("the module has another client registered, or none")]
    NotRegistered,
    /// Never tried again with the same code (dossier 7 h).
    #[error("the panel refused the code")]
    WrongCode,
    /// The module waited for the panel in vain.
    #[error("the panel did not answer the module")]
    PanelTimeout,
    /// The module did not answer. What a writing call did is unknown.
    #[error("the module did not answer")]
    Silent,
    /// The module closed the connection in place of an answer. What a writing call did is unknown.
    #[error("the module hung up without an answer")]
    HungUp,
    /// This firmware has no such method, or with other types: nothing was sent, or nothing done.
    #[error("the module's firmware has no such method")]
    NotFound,
    /// The service's own words, cut, and with digits that may be a code masked.
    #[error("{text}")]
    Refused { code: i64, text: String },
    #[error("the module answered HTTP {0}")]
    Http(u16),
    #[error("the module's answer makes no sense")]
    Malformed,
}

impl CallError {
    /// Sorts the service's words: one code stands for many things (dossier 1.6).
    pub(crate) fn of(code: i64, message: &str) -> Self {
        // `CLASS TEXT: detail`.
        let detail = message.split_once(": ").map_or(message, |(_, detail)| detail).trim();
        let plain = detail.to_ascii_lowercase();
        let says = |words: &str| plain.contains(words);
        match code {
            -32601 | -32602 => Self::NotFound,
            _ if says("no client registered") => Self::NotRegistered,
            _ if says("wrong code") => Self::WrongCode,
            _ if says("timeout") || says("timed out") || says("time-out") => Self::PanelTimeout,
            // The line spoiled what we sent.
            -32700 | -32600 | -32604 => Self::Malformed,
            _ => Self::Refused { code, text: words(detail) },
        }
    }

    /// Whether the module is ill, or the way to it: a few of these in a row end the session.
    pub(crate) fn is_failure(&self) -> bool {
        match self {
            Self::PanelTimeout | Self::Silent | Self::HungUp | Self::Http(_) | Self::Malformed => true,
            Self::NotRegistered | Self::WrongCode | Self::NotFound | Self::Refused { .. } => false,
        }
    }

    /// A writing call may have done its work all the same.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.is_failure()
    }

    /// What a command is told.
    pub(crate) fn outcome(&self) -> Outcome {
        let text = self.to_string();
        Outcome::Failed(match self {
            Self::NotRegistered => PanelError::passing("not_registered", text),
            Self::WrongCode => PanelError::lasting("wrong_code", text),
            Self::PanelTimeout | Self::Silent => PanelError::passing("timeout", text),
            Self::HungUp => PanelError::passing("hung_up", text),
            Self::NotFound => PanelError::lasting("method_not_found", text),
            Self::Refused { code, .. } => PanelError::passing(code.to_string(), text),
            Self::Http(_) | Self::Malformed => PanelError::passing("bad_answer", text),
        })
    }
}

/// Users and codes are managed with the master user's code.
pub(crate) fn master_code_needed() -> Outcome {
    Outcome::Failed(PanelError::lasting(
        "master_code_needed",
        "users are read and written with the master user's code; store it",
    ))
}

/// Bypassing and arming without a typed code need one that is stored.
pub(crate) fn code_needed() -> Outcome {
    Outcome::Failed(PanelError::lasting(
        "code_needed",
        "this wants a user's code; store one as the panel's password, or the master code",
    ))
}

/// The service took it, and what is read does not show it.
pub(crate) fn not_shown(what: &str) -> Outcome {
    Outcome::Failed(PanelError::passing("not_confirmed", format!("the module took it but {what}")))
}

/// Somebody else's registration took the place of ours.
pub(crate) fn displaced() -> Outcome {
    Outcome::Failed(PanelError::passing("occupied", "another client holds the module"))
}

/// The same as [`CallError::WrongCode`], for a stored code that is not sent again for what it was refused for.
pub(crate) fn refused_before() -> Outcome {
    let text = "the panel refused the stored code for this before; store the right one, or give its user the right";
    Outcome::Failed(PanelError::lasting("wrong_code", text))
}

/// Panels are not programmed while armed or in a menu.
pub(crate) fn not_now(why: &str) -> Outcome {
    Outcome::NotNow(NotNow { why: why.to_owned() })
}
