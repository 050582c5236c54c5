//! The event codes and device numbers of A7, A0 and B0 36. [impl PX refs.py] [impl P4 py_enum.py] [impl NL tables.js]

use crate::model::Family;

/// Who or what an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it; numbers count from 1")]
pub enum Device {
    System,
    Zone(u8),
    Keyfob(u8),
    User(u8),
    Keypad(u8),
    Siren(u8),
    Output(u8),
    Gsm,
    PowerLink,
    Tag(u8),
    Repeater(u8),
    Unknown(u8),
}

/// First and last number of each kind, per family (dossier 4.6).
type Range = (u8, u8, fn(u8) -> Device);

const POWERMAX: &[Range] = &[
    (0x01, 0x1E, Device::Zone),
    (0x1F, 0x26, Device::Keyfob),
    (0x27, 0x2E, Device::User),
    (0x2F, 0x36, Device::Keypad),
    (0x37, 0x38, Device::Siren),
    (0x39, 0x3C, Device::Keypad),
    (0x3D, 0x4C, Device::Output),
    (0x4F, 0x56, Device::Tag),
];

const POWERMASTER: &[Range] = &[
    (0x01, 0x40, Device::Zone),
    (0x41, 0x60, Device::Keyfob),
    (0x61, 0x90, Device::User),
    (0x91, 0xB0, Device::Keypad),
    (0xB1, 0xB8, Device::Siren),
    (0xB9, 0xBC, Device::Keypad),
    (0xBD, 0xCC, Device::Output),
    (0xCE, 0xED, Device::Tag),
    (0xEE, 0xF5, Device::Repeater),
];

impl Device {
    /// The device of a number, as this family counts.
    #[must_use]
    pub fn of(family: Family, number: u8) -> Self {
        match (family, number) {
            (_, 0x00) => return Self::System,
            (Family::PowerMax, 0x4D) => return Self::Gsm,
            (Family::PowerMax, 0x4E) | (Family::PowerMaster, 0xCD) => return Self::PowerLink,
            _ => {}
        }
        let ranges = match family {
            Family::PowerMax => POWERMAX,
            Family::PowerMaster => POWERMASTER,
        };
        let range = ranges.iter().find(|(first, last, _)| (*first..=*last).contains(&number));
        range.map_or(Self::Unknown(number), |(first, _, device)| device(number - first + 1))
    }

    /// The number of a user, as this family counts.
    #[must_use]
    pub fn user_number(family: Family, user: u8) -> u8 {
        match family {
            Family::PowerMax => 0x26_u8.saturating_add(user),
            Family::PowerMaster => 0x60_u8.saturating_add(user),
        }
    }

    /// A name for `decode`, such as `zone 3`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::System => "system".into(),
            Self::Zone(n) => format!("zone {n}"),
            Self::Keyfob(n) => format!("keyfob {n}"),
            Self::User(n) => format!("user {n}"),
            Self::Keypad(n) => format!("keypad {n}"),
            Self::Siren(n) => format!("siren {n}"),
            Self::Output(n) => format!("output {n}"),
            Self::Gsm => "gsm".into(),
            Self::PowerLink => "powerlink".into(),
            Self::Tag(n) => format!("tag {n}"),
            Self::Repeater(n) => format!("repeater {n}"),
            Self::Unknown(n) => format!("device {n}"),
        }
    }
}

/// An event's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCode(pub u8);

impl EventCode {
    /// The panel's word for it.
    #[must_use]
    #[allow(clippy::too_many_lines, reason = "one flat table")]
    pub fn name(self) -> &'static str {
        match self.0 {
            0x00 => "none",
            0x01 => "interior alarm",
            0x02 => "perimeter alarm",
            0x03 => "delay alarm",
            0x04 => "24h silent alarm",
            0x05 => "24h audible alarm",
            0x06 => "tamper",
            0x07 => "control panel tamper",
            0x08 | 0x09 => "tamper alarm",
            0x0A => "communication loss",
            0x0B => "panic from keyfob",
            0x0C => "panic from control panel",
            0x0D => "duress",
            0x0E => "confirm alarm",
            0x0F => "general trouble",
            0x10 => "general trouble restore",
            0x11 => "interior restore",
            0x12 => "perimeter restore",
            0x13 => "delay restore",
            0x14 => "24h silent restore",
            0x15 => "24h audible restore",
            0x16 => "tamper restore",
            0x17 => "control panel tamper restore",
            0x18 | 0x19 => "tamper alarm restore",
            0x1A => "communication restore",
            0x1B => "cancel alarm",
            0x1C => "general restore",
            0x1D => "trouble restore",
            0x1F => "recent close",
            0x20 => "fire",
            0x21 => "fire restore",
            0x22 => "no activity",
            0x23 => "emergency",
            0x24 => "emergency restore",
            0x25 => "disarm latchkey",
            0x26 => "panic restore",
            0x27 => "supervision lost",
            0x28 => "supervision restore",
            0x29 => "low battery",
            0x2A => "low battery restore",
            0x2B => "ac fail",
            0x2C => "ac restore",
            0x2D => "control panel low battery",
            0x2E => "control panel low battery restore",
            0x2F => "rf jamming",
            0x30 => "rf jamming restore",
            0x31 => "communication failure",
            0x32 => "communication failure restore",
            0x33 => "telephone line failure",
            0x34 => "telephone line failure restore",
            0x35 => "auto test",
            0x36 => "fuse failure",
            0x37 => "fuse failure restore",
            0x38 => "keyfob low battery",
            0x39 => "keyfob low battery restore",
            0x3A => "engineer reset",
            0x3B => "battery disconnect",
            0x3C => "1-way keypad low battery",
            0x3D => "1-way keypad low battery restore",
            0x3E => "1-way keypad inactive",
            0x3F => "1-way keypad restore active",
            0x40 => "low battery acknowledged",
            0x41 => "clean me",
            0x42 => "fire trouble",
            0x43 => "device low battery",
            0x44 => "device low battery restore",
            0x45 => "device ac fail",
            0x46 => "device ac fail restore",
            0x47 => "device supervision lost",
            0x48 => "device supervision restore",
            0x49 => "gas alert",
            0x4A => "gas alert restore",
            0x4B => "gas trouble",
            0x4C => "gas trouble restore",
            0x4D => "flood alert",
            0x4E => "flood alert restore",
            0x4F => "x10 trouble",
            0x50 => "x10 trouble restore",
            0x51 => "arm home",
            0x52 => "arm away",
            0x53 => "quick arm home",
            0x54 => "quick arm away",
            0x55 => "disarm",
            0x56 => "fail to auto-arm",
            0x57 => "enter test mode",
            0x58 => "exit test mode",
            0x59 => "force arm",
            0x5A => "auto arm",
            0x5B => "instant arm",
            0x5C => "bypass",
            0x5D => "fail to arm",
            0x5E => "door open",
            0x5F => "communication established by control panel",
            0x60 => "system reset",
            0x61 => "installer programming",
            0x62 => "wrong password",
            0x63 | 0x64 => "not a system event",
            0x65 | 0x67 | 0x69 | 0x6B => "extreme temperature",
            0x66 | 0x68 | 0x6A | 0x6C => "temperature restore",
            0x6D => "temperature sensor trouble",
            0x6E => "temperature sensor trouble restore",
            0x6F => "pir mask",
            0x70 => "pir mask restore",
            0x71 | 0x73 | 0x75 => "repeater trouble",
            0x72 | 0x74 | 0x76 => "repeater restore",
            0x77 => "siren test end",
            0x78 => "device test end",
            0x79 => "one way communication trouble",
            0x7A => "one way communication restore",
            0x7B => "sensor outdoor alarm",
            0x7C => "sensor outdoor restore",
            0x7D => "guard sensor alarm",
            0x7E => "guard sensor restore",
            0x7F => "date or time changed",
            0x80 => "system shutdown",
            0x81 => "system power up",
            0x82 => "missed reminder",
            0x83 => "pendant test fail",
            0x84 => "basic keypad inactive",
            0x85 => "basic keypad restore",
            0x86 => "basic keypad tamper",
            0x87 => "basic keypad tamper restore",
            0x88 => "heat alarm",
            0x89 => "heat restore",
            0x8A => "low energy heat trouble",
            0x8B => "co alarm",
            0x8C => "co restore",
            0x8D => "co trouble",
            0x8E => "co trouble restore",
            0x8F => "exit installer",
            0x90 => "enter installer",
            0x91 => "self test trouble",
            0x92 => "self test restore",
            0x93 => "confirm panic",
            0x95..=0x97 => "soak test fail",
            _ => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_mean_what_the_family_counts() {
        let rows = [
            (Family::PowerMax, 0x00, Device::System),
            (Family::PowerMax, 0x0C, Device::Zone(12)),
            (Family::PowerMax, 0x1F, Device::Keyfob(1)),
            (Family::PowerMax, 0x27, Device::User(1)),
            (Family::PowerMax, 0x4E, Device::PowerLink),
            (Family::PowerMax, 0x56, Device::Tag(8)),
            (Family::PowerMaster, 0x40, Device::Zone(64)),
            (Family::PowerMaster, 0x61, Device::User(1)),
            (Family::PowerMaster, 0x90, Device::User(48)),
            (Family::PowerMaster, 0xCE, Device::Tag(1)),
            (Family::PowerMaster, 0xFE, Device::Unknown(0xFE)),
        ];
        for (family, number, device) in rows {
            assert_eq!(Device::of(family, number), device, "{family:?} {number:02X}");
        }
        for family in [Family::PowerMax, Family::PowerMaster] {
            assert_eq!(Device::of(family, Device::user_number(family, 5)), Device::User(5));
        }
    }
}
