//! Why a session ends, and what the daemon is to do about it.

use panel_driver::{DriverError, LinkError};

use crate::codec::{Encryption, KeyError};
use crate::message::{NackCode, ResponseCode};

/// A step of the handshake that the panel owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Open,
    OpenAck,
    OpenAnswer,
    Access,
    AccessAnswer,
}

impl Step {
    fn what(self) -> &'static str {
        match self {
            Self::Open => "its OpenSession",
            Self::OpenAck => "an acknowledgement of our answer to its OpenSession",
            Self::OpenAnswer => "an answer to our OpenSession",
            Self::Access => "its RequestAccess",
            Self::AccessAnswer => "an answer to our RequestAccess",
        }
    }
}

/// Why a session ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("the handshake stopped: the panel does not send {}", .0.what())]
    Silent(Step),
    #[error(
        "the panel polls over HTTP: set section [851][426] to option 3 only and [851][425] option 5 on, then restart the \
         communicator with [851][999] 55"
    )]
    HttpPolling,
    #[error("the panel refuses to open a session: {}", .0.meaning())]
    OpenRefused(ResponseCode),
    #[error("the communicator ({0}) says our OpenSession has the wrong length: this firmware is not known yet")]
    OpenTooShort(String),
    #[error(
        "the panel refuses our access code ({}): for type 1 compare the password with section [851][423]",
        .0.meaning()
    )]
    AccessRefused(ResponseCode),
    #[error("the panel's request for access cannot be answered: {0}")]
    Initializer(KeyError),
    #[error(
        "the panel is set to {}, the configuration to {}: set `encryption` accordingly, or section [851][425] option 4",
        name(*.offered),
        name(*.configured)
    )]
    OtherEncryption { offered: Encryption, configured: Encryption },
    #[error(
        "the panel's {1} offers encryption type {0} only, whose handshake is not public: its firmware is not supported"
    )]
    OnlyOffers(u8, String),
    #[error("{}", deaf(*.newer, .firmware))]
    DeafSinceKeys { newer: bool, firmware: String },
    #[error("the panel hung up when encryption began: perhaps the access code is wrong (section [851][423] or [700])")]
    ClosedSinceKeys,
    #[error("command {command:04X} is refused: {}", .code.meaning())]
    Nacked { command: u16, code: NackCode },
    #[error("the panel ended the session")]
    EndedByPanel,
    #[error("the panel began a new session on this connection")]
    BeganAnew,
    #[error("the identifier in the packets is another one than configured: {0}")]
    OtherPanel(String),
    #[error("too many packets that cannot be read: {0}")]
    Garbled(String),
    #[error("our messages are not acknowledged any more")]
    NotAcknowledged,
    #[error("three requests in a row were not answered")]
    NotAnswered,
}

fn name(encryption: Encryption) -> String {
    match encryption {
        Encryption::Type0 => "no encryption".to_owned(),
        other => format!("encryption type {}", other.byte()),
    }
}

fn deaf(newer: bool, firmware: &str) -> String {
    if newer {
        format!(
            "the panel's {firmware} falls silent when encryption begins: firmware from 5.63 on has a handshake that is \
             not public and is not supported; if it is older, the access code is wrong"
        )
    } else {
        "the panel falls silent when encryption begins: the access code is wrong (section [851][423] for type 1, \
         [851][700] for type 2)"
            .to_owned()
    }
}

impl From<SessionError> for DriverError {
    fn from(error: SessionError) -> Self {
        use SessionError as E;
        let text = error.to_string();
        match error {
            E::OpenRefused(_)
            | E::AccessRefused(_)
            | E::Initializer(_)
            | E::OtherEncryption { .. }
            | E::OtherPanel(_)
            | E::DeafSinceKeys { .. } => Self::Auth(text),
            E::HttpPolling
            | E::OnlyOffers(..)
            | E::OpenTooShort(_)
            | E::Nacked { .. }
            | E::BeganAnew
            | E::Garbled(_) => Self::Protocol(text),
            E::Silent(_) | E::NotAcknowledged | E::NotAnswered | E::ClosedSinceKeys => Self::Unresponsive(text),
            E::EndedByPanel => {
                Self::Link(LinkError::because("the session", std::io::ErrorKind::ConnectionAborted, text))
            }
        }
    }
}
