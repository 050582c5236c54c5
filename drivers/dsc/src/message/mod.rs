//! Frames and their meaning, both ways: [`ModuleCommand`] goes to the module, [`ModuleMessage`] comes from it.
//!
//! Both enums encode and decode, because the driver sends what the simulator receives and the other way round.
//! Numbers that we do not know are kept (`Unknown`), never an error. Codes, keys and screens are secret types here
//! already: printing a message prints none of them.

mod command;
mod fields;
mod notice;
mod reply;
mod text;

use bytes::Bytes;

pub use command::{Baud, CodeForm, Key, Keys, ModuleCommand, QuickArm, Switch, ThermostatChange};
pub use notice::{PartitionNotice, SystemNotice, ZoneAlarmNotice, ZoneNotice};
pub use reply::{
    BatteryDevice, Beeper, CursorStyle, ErrorCode, Led, LedState, Lights, LoginState, ModuleMessage, PanelTime,
    PlainArmMode, Sensor,
};
pub use text::Text;

use crate::codec::{Frame, Number};

/// What lies between us and the panel. A few numbers mean different things on each (080, 659, 832).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// EyezOn Envisalink, TCP.
    Envisalink,
    /// DSC IT-100, RS-232.
    It100,
}

/// A frame with a known number whose data does not fit. Never holds the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Too few or too many characters.
    #[error("message {number} has {length} characters of data, which does not fit")]
    Length {
        /// The frame's number.
        number: Number,
        /// Characters of data.
        length: usize,
    },
    /// A field holds what it cannot hold.
    #[error("message {number}: the field `{field}` is not valid")]
    Field {
        /// The frame's number.
        number: Number,
        /// The field's name.
        field: &'static str,
    },
}

/// Whether the text of a screen may be shown. It must not while a code is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screens {
    /// Shown.
    Open,
    /// Masked like a code.
    Masked,
}

/// What stands for masked data, always of this length.
pub const MASK: &[u8] = b"********";

/// Whether the data of such a frame is secret: logins, codes, keys, and screens unless they are open.
#[must_use]
pub fn is_secret(number: Number, screens: Screens) -> bool {
    match number.value() {
        5 | 33 | 40 | 70 | 71 | 200 => true,
        901 => screens == Screens::Masked,
        _ => false,
    }
}

/// Whether text of a screen may be shown although nobody knows which screen it is: not what looks like a code, which
/// is a run of four digits or digits alone.
#[must_use]
pub fn may_show(text: &[u8]) -> bool {
    let digits_alone = text.trim_ascii().iter().all(u8::is_ascii_digit) && !text.trim_ascii().is_empty();
    !digits_alone && !text.windows(4).any(|run| run.iter().all(u8::is_ascii_digit))
}

/// A frame as it may be shown: its line without the ending, or number and [`MASK`] if its data is secret.
/// Checksum and length are left out then, they would tell about the code.
#[must_use]
pub fn masked(frame: &Frame, screens: Screens) -> Bytes {
    let looks_like_code = frame.number().value() == 901 && !may_show(frame.data().get(5..).unwrap_or_default());
    if looks_like_code || is_secret(frame.number(), screens) {
        [&frame.number().digits()[..], MASK].concat().into()
    } else {
        let mut line = frame.encode();
        line.truncate(line.len().saturating_sub(2));
        line
    }
}
