//! Frames and their meaning, both ways: [`HostMessage`] goes to the panel, [`PanelMessage`] comes from it.
//!
//! Both enums encode and decode, because the driver sends what the simulator receives and the other way round.
//! Types that we do not know are kept (`Unknown`), never an error. Codes and memory are secret types here already:
//! printing a message prints none of them.

mod b0;
mod b0_content;
mod b0_rows;
mod code;
mod host;
mod masked;
mod panel;
mod secret;
mod settings;
mod status;

pub use b0::{B0, B0Kind, Chunk, Chunks, ClassIndex, sub};
pub use b0_content::{
    B0Content, B0Error, PanelStatus, PartitionStatus, ZoneSign, bitmap, bits, bypass_command, pgm_command,
    siren_command,
};
pub use b0_rows::{B0LogRow, Help, TroubleRow};
pub use code::{Device, EventCode};
pub use host::{ArmCommand, HostMessage, OutputCommand, Restart};
pub use masked::{MASK, masked};
pub use panel::{LogRow, PanelMessage, TextVersion};
pub use secret::{Hidden, WireCode};
pub use settings::{Setting, SettingForm, setting};
pub use status::{EventPairs, Flags, StatusPart, SystemStatus, UnreliableEvent, ZoneEvent};

use crate::codec::{Frame, TERMINATOR};

/// The two forms of a short message: plain `02`, or `02 43` in the normal mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Without the terminator: in download mode, and before the panel knows a PowerLink.
    Plain,
    /// With the terminator `43`.
    PowerLink,
}

impl Form {
    fn frame(self, kind: u8) -> Frame {
        match self {
            Self::Plain => Frame::new([kind]),
            Self::PowerLink => Frame::new([kind, TERMINATOR]),
        }
    }

    /// In which form the panel answers a command: with `43` where the command has it [impl P4] [doc F].
    #[must_use]
    pub fn of_answer(command: &Frame) -> Self {
        if command.payload().last() == Some(&TERMINATOR) { Self::PowerLink } else { Self::Plain }
    }

    /// In which form a received frame is acknowledged: `02 43` for types from 80 up and for short ones that end in
    /// `43`, else `02` [impl NL core.js] [impl OH].
    #[must_use]
    pub fn to_acknowledge(frame: &Frame) -> Self {
        let closed = frame.payload().last() == Some(&TERMINATOR);
        if frame.kind() >= 0x80 || (frame.kind() < 0x10 && closed) { Self::PowerLink } else { Self::Plain }
    }
}

/// A date and time as the panel counts it, each field a plain binary number; the year since 2000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ClockTime {
    pub second: u8,
    pub minute: u8,
    pub hour: u8,
    pub day: u8,
    pub month: u8,
    pub year: u8,
}

impl ClockTime {
    /// Seconds, minutes, hours, day, month, year: the order of every message that has a time.
    #[must_use]
    pub fn from_bytes([second, minute, hour, day, month, year]: [u8; 6]) -> Self {
        Self { second, minute, hour, day, month, year }
    }

    /// The same, back.
    #[must_use]
    pub fn bytes(self) -> [u8; 6] {
        [self.second, self.minute, self.hour, self.day, self.month, self.year]
    }
}

/// A frame of a known type whose payload does not fit it. Never holds the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Too few bytes for the type.
    #[error("message {kind:02X} has {length} bytes, which does not fit")]
    Length {
        /// The frame's type.
        kind: u8,
        /// Bytes of its payload.
        length: usize,
    },
    /// A B0 whose parts do not add up.
    #[error("message B0 {sub:02X} is not made of whole chunks")]
    Chunks {
        /// The sub-type.
        sub: u8,
    },
}

/// A message of the normal mode: 11 bytes, filled up with zeros, and the terminator.
fn normal(head: &[u8]) -> Frame {
    let mut payload = filled(head);
    payload.push(TERMINATOR);
    Frame::new(payload)
}

/// A message of the download mode: 11 bytes, filled up with zeros.
fn download(head: &[u8]) -> Frame {
    Frame::new(filled(head))
}

fn filled(head: &[u8]) -> Vec<u8> {
    let mut payload = head.to_vec();
    payload.resize(11, 0);
    payload
}
