//! Messages, typed, the same for both directions: driver, simulator and `decode` share them.
//!
//! A frame's data is sender and receiver sequence, then nothing (SimpleAck) or a message: command word, app sequence
//! if it is of the command class, fields.

mod code;
mod command;
mod notice;
pub(crate) mod number;
mod section;
mod state;
mod status;
mod user;
mod value;

use zeroize::Zeroizing;

pub use code::{ArmingMode, NackCode, Programming, ResponseCode, Via};
pub use command::{
    Command, FORMAT_UTF16, OpenSession, ProgrammingAccess, Wanted, activity, label_option, partition_field,
};
pub use notice::{
    Delay, Flag, Labels, Lead, Notice, ProgrammingLead, SystemCapabilities, TroubleNotice, ZoneAlarm, changed,
    delay_flag,
};
pub use number::command_name;
pub use section::SectionAddress;
pub use status::{PartitionForm, PartitionReport, PartitionStatus, ZoneStatus};
pub use user::{UserData, UserField, UserRecords, attribute, kind};
pub use value::{CompactWidth, Digits, Mask, utf16_padded, utf16_text};

use value::{Reader, Writer};

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The message ends in the middle of a field.
    #[error("the message is too short")]
    Short,
    /// A field has a value that it cannot have; its name.
    #[error("a {0} that cannot be")]
    Value(&'static str),
}

/// Bytes that may be a secret: a section's content, an initializer, what nobody can read. Prints their number only.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Hidden(Zeroizing<Vec<u8>>);

impl Hidden {
    /// The bytes themselves: for codecs, key derivation, and messages known to hold no secret.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Hidden {
    fn from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl From<Vec<u8>> for Hidden {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden(<redacted>)")
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Of the command class, with its app sequence.
    Command(u8, Command),
    /// Of the notification class.
    Notice(Notice),
}

impl Message {
    /// Reads what follows the two sequence bytes. A command that is not known is kept raw
    /// ([`Notice::Unknown`]).
    ///
    /// # Errors
    /// [`MessageError`]: the command is known and its fields do not fit.
    pub fn decode(content: &[u8]) -> Result<Self, MessageError> {
        let mut r = Reader::new(content);
        let number = r.u16()?;
        match Command::decode(number, &mut r) {
            Some(command) => command.map(|(app, command)| Self::Command(app, command)),
            None => Notice::decode(number, &mut r).map(Self::Notice),
        }
    }

    /// What follows the two sequence bytes.
    #[must_use]
    pub fn encode(&self, width: CompactWidth) -> Zeroizing<Vec<u8>> {
        let mut w = Writer::new(width);
        w.u16(self.number());
        match self {
            Self::Command(app, command) => {
                w.u8(*app);
                command.encode(&mut w);
            }
            Self::Notice(notice) => notice.encode(&mut w),
        }
        w.finish()
    }

    /// The command word.
    #[must_use]
    pub fn number(&self) -> u16 {
        match self {
            Self::Command(_, command) => command.number(),
            Self::Notice(notice) => notice.number(),
        }
    }
}

/// A frame's data in its parts: sender and receiver sequence, and what follows (empty in a SimpleAck).
#[must_use]
pub fn split_data(data: &[u8]) -> Option<(u8, u8, &[u8])> {
    match data {
        [sender, receiver, content @ ..] => Some((*sender, *receiver, content)),
        _ => None,
    }
}

/// A frame's data from its parts; `message` is `None` in a SimpleAck.
#[must_use]
pub fn join_data((sender, receiver): (u8, u8), message: Option<&Message>, width: CompactWidth) -> Zeroizing<Vec<u8>> {
    let mut data = Zeroizing::new(vec![sender, receiver]);
    if let Some(message) = message {
        data.extend_from_slice(&message.encode(width));
    }
    data
}
