//! By which numbers the panel names users, zones and devices in A7 and in its log (dossier 4.6).

use super::models::Model;

/// Somebody or something that an event is about; each counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Device {
    System,
    Zone(u8),
    User(u8),
    Tag(u8),
    Keypad(u8),
    Siren(u8),
    Gsm,
    PowerLink,
}

impl Device {
    pub(super) fn number(self, model: Model) -> u8 {
        let master = model.is_master();
        let from =
            |max: u8, powermaster: u8, n: u8| (if master { powermaster } else { max }).saturating_add(n - n.min(1));
        match self {
            Self::System => 0,
            Self::Zone(n) => n,
            Self::User(n) => from(0x27, 0x61, n),
            Self::Tag(n) => from(0x4F, 0xCE, n),
            Self::Keypad(n) => from(0x2F, 0x91, n),
            Self::Siren(n) => from(0x37, 0xB1, n),
            // A PowerMaster has no number for it.
            Self::Gsm => from(0x4D, 0x00, 1),
            Self::PowerLink => from(0x4E, 0xCD, 1),
        }
    }

    /// Class of B0 2A, 36 and A7 FF, and the index in it from 0.
    pub(super) fn class(self) -> (u8, u8) {
        match self {
            Self::System => (0x0C, 0),
            Self::Zone(n) => (0x03, n.saturating_sub(1)),
            Self::User(n) => (0x06, n.saturating_sub(1)),
            Self::Tag(n) => (0x0A, n.saturating_sub(1)),
            Self::Keypad(n) => (0x04, n.saturating_sub(1)),
            Self::Siren(n) => (0x02, n.saturating_sub(1)),
            Self::Gsm => (0x08, 0),
            Self::PowerLink => (0x09, 0),
        }
    }
}

/// Events of 4.7 that the simulated panel reports.
pub(super) mod event {
    pub(in super::super) const INTERIOR_ALARM: u8 = 0x01;
    pub(in super::super) const PERIMETER_ALARM: u8 = 0x02;
    pub(in super::super) const DELAY_ALARM: u8 = 0x03;
    pub(in super::super) const SILENT_24H: u8 = 0x04;
    pub(in super::super) const AUDIBLE_24H: u8 = 0x05;
    pub(in super::super) const TAMPER: u8 = 0x06;
    pub(in super::super) const PANEL_TAMPER: u8 = 0x07;
    pub(in super::super) const COMMUNICATION_LOSS: u8 = 0x0A;
    pub(in super::super) const PANIC: u8 = 0x0C;
    pub(in super::super) const DURESS: u8 = 0x0D;
    pub(in super::super) const FIRE: u8 = 0x20;
    pub(in super::super) const EMERGENCY: u8 = 0x23;
    pub(in super::super) const LOST: u8 = 0x27;
    pub(in super::super) const LOW_BATTERY: u8 = 0x29;
    pub(in super::super) const AC_FAIL: u8 = 0x2B;
    pub(in super::super) const PANEL_BATTERY: u8 = 0x2D;
    pub(in super::super) const JAM: u8 = 0x2F;
    pub(in super::super) const REPORTING_FAIL: u8 = 0x31;
    pub(in super::super) const PHONE_LINE: u8 = 0x33;
    pub(in super::super) const FUSE: u8 = 0x36;
    pub(in super::super) const GAS: u8 = 0x49;
    pub(in super::super) const FLOOD: u8 = 0x4D;
    pub(in super::super) const ARM_HOME: u8 = 0x51;
    pub(in super::super) const ARM_AWAY: u8 = 0x52;
    pub(in super::super) const QUICK_HOME: u8 = 0x53;
    pub(in super::super) const QUICK_AWAY: u8 = 0x54;
    pub(in super::super) const DISARM: u8 = 0x55;
    pub(in super::super) const TEST_BEGINS: u8 = 0x57;
    pub(in super::super) const TEST_ENDS: u8 = 0x58;
    pub(in super::super) const FORCE_ARM: u8 = 0x59;
    pub(in super::super) const INSTANT_ARM: u8 = 0x5B;
    pub(in super::super) const RESET: u8 = 0x60;
    pub(in super::super) const PROGRAMMING: u8 = 0x61;
    pub(in super::super) const WRONG_CODE: u8 = 0x62;
    pub(in super::super) const OUTDOOR: u8 = 0x7B;
    pub(in super::super) const CLOCK_CHANGED: u8 = 0x7F;
    pub(in super::super) const POWER_UP: u8 = 0x81;
    pub(in super::super) const LEFT_INSTALLER: u8 = 0x8F;
    pub(in super::super) const ENTERED_INSTALLER: u8 = 0x90;

    /// The code that takes an alarm or trouble back.
    pub(in super::super) fn restore(code: u8) -> u8 {
        if code < 0x20 { code + 0x10 } else { code + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_its_own_numbers() {
        let rows = [
            (Device::Zone(5), 0x05, 0x05),
            (Device::User(1), 0x27, 0x61),
            (Device::User(8), 0x2E, 0x68),
            (Device::Tag(1), 0x4F, 0xCE),
            (Device::Tag(8), 0x56, 0xD5),
            (Device::Keypad(1), 0x2F, 0x91),
            (Device::PowerLink, 0x4E, 0xCD),
            (Device::System, 0, 0),
        ];
        for (device, max, master) in rows {
            assert_eq!(device.number(Model::PowerMaxPro), max, "{device:?}");
            assert_eq!(device.number(Model::PowerMaster30), master, "{device:?}");
        }
        assert_eq!(Device::User(48).number(Model::PowerMaster30), 0x90);
    }

    #[test]
    fn restores_stand_beside_their_alarms() {
        for (alarm, restore) in [(0x01, 0x11), (0x20, 0x21), (0x29, 0x2A), (0x33, 0x34), (0x7B, 0x7C)] {
            assert_eq!(event::restore(alarm), restore);
        }
    }
}
