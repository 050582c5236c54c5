//! Whose code it is, and what codes may do.

use std::time::Instant;

use panel_driver::sim::later;
use serde_json::json;

use super::arming::{By, Mode};
use super::devices::{Device, event};
use super::eeprom;
use super::panel::{Panel, Task};
use super::signal::{Signal, Wire};
use crate::message::Help;

/// Who a code belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    User(u8),
    Duress,
}

/// The host's code or wish is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Denied;

/// What A1 can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Disarm,
    Arm(Mode),
    WalkTest,
    Mute,
}

impl Wish {
    /// The mode bytes of 4.2.
    fn of(byte: u8) -> Option<Self> {
        let arm = |home, instant| Some(Self::Arm(Mode { home, instant }));
        match byte {
            0x00 | 0x10 => Some(Self::Disarm),
            0x04 | 0x0C | 0x0E | 0x24 => arm(true, false),
            0x05 | 0x0D | 0x0F | 0x25 => arm(false, false),
            0x14 | 0x1C | 0x1E => arm(true, true),
            0x15 | 0x1D | 0x1F => arm(false, true),
            0x06 | 0x16 => Some(Self::WalkTest),
            0x0B => Some(Self::Mute),
            _ => None,
        }
    }
}

impl Panel {
    /// A user's code; `None` in an empty slot.
    pub(super) fn user_code(&self, slot: u8) -> Option<[u8; 2]> {
        let code = self.eeprom.code(self.eeprom.user_code_at(slot));
        Some(code).filter(|code| !is_empty(*code))
    }

    pub(super) fn set_user_code(&mut self, slot: u8, code: Option<[u8; 2]>) {
        let at = self.eeprom.user_code_at(slot);
        self.eeprom.write(at, &code.unwrap_or_default());
    }

    /// An empty slot's `0000` is nobody's.
    pub(super) fn holder(&self, code: [u8; 2]) -> Option<Holder> {
        if is_empty(code) {
            return None;
        }
        if self.eeprom.code(eeprom::DURESS) == code {
            return Some(Holder::Duress);
        }
        (1..=self.model.users()).find(|slot| self.user_code(*slot) == Some(code)).map(Holder::User)
    }

    /// Bit 0 is partition 1; the master may everywhere.
    pub(super) fn rights_of(&self, slot: u8) -> u8 {
        let all = (1 << self.units.len()) - 1;
        let given = self.rights.get(usize::from(slot).saturating_sub(1)).copied().unwrap_or(0);
        if slot == 1 { all } else { given & all }
    }

    /// A code that came over the line: whose it is. Wrong ones are logged and counted.
    pub(super) fn judge(&mut self, now: Instant, code: [u8; 2]) -> Result<Holder, Denied> {
        if self.wrong_codes.1 {
            return Err(Denied);
        }
        match self.holder(code) {
            Some(holder) => {
                self.wrong_codes.0 = 0;
                Ok(holder)
            }
            None => {
                self.wrong_code(Device::PowerLink);
                self.wrong_codes.0 = self.wrong_codes.0.saturating_add(1);
                if let Some((limit, time)) = self.options.lockout
                    && self.wrong_codes.0 >= limit
                {
                    self.wrong_codes.1 = true;
                    self.agenda.put(later(now, time), Task::LockoutOver);
                    self.signal(Signal::watch(json!({"event": "lockout"})));
                }
                Err(Denied)
            }
        }
    }

    pub(super) fn wrong_code(&mut self, at: Device) {
        self.event(at, event::WRONG_CODE, 0, Some(json!({"event": "wrong_code"})));
    }

    /// A1: `partitions` 0 means all, as older hosts send it.
    pub(super) fn operate(&mut self, now: Instant, byte: u8, code: [u8; 2], partitions: u8) -> Result<(), Denied> {
        let wish = Wish::of(byte).ok_or(Denied)?;
        let quick = self.eeprom.byte(eeprom::QUICK_ARM) & 0x08 != 0;
        let (by, rights) = match (wish, code) {
            (Wish::Arm(_), [0, 0]) if quick => (By::Nobody, 0x07),
            _ => match self.judge(now, code)? {
                Holder::User(slot) => (By::User(slot), self.rights_of(slot)),
                // As a user who may everything; that it is another one only the central station learns.
                Holder::Duress => (By::User(1), 0x07),
            },
        };
        let duress = self.holder(code) == Some(Holder::Duress);
        let wanted = if partitions == 0 { 0x07 } else { partitions };
        let targets: Vec<u8> = self.partitions().filter(|p| wanted & rights & (1 << p) != 0).collect();
        if targets.is_empty() {
            return Err(Denied);
        }
        for partition in &targets {
            match wish {
                Wish::Disarm => self.disarm(*partition, by),
                Wish::Arm(mode) => {
                    self.arm(now, *partition, mode, by);
                }
                Wish::Mute => self.hush(*partition),
                Wish::WalkTest => {}
            }
        }
        match wish {
            Wish::WalkTest => self.set_walk_test(true),
            Wish::Disarm => {
                self.set_walk_test(false);
                if duress {
                    self.duress();
                }
            }
            Wish::Arm(_) | Wish::Mute => {}
        }
        Ok(())
    }

    pub(super) fn duress(&mut self) {
        self.event(Device::System, event::DURESS, 0x07, Some(json!({"event": "duress"})));
    }

    fn set_walk_test(&mut self, on: bool) {
        if std::mem::replace(&mut self.walk_test, on) != on {
            let code = if on { event::TEST_BEGINS } else { event::TEST_ENDS };
            self.event(Device::System, code, 0, Some(json!({"event": "walk_test", "on": on})));
        }
    }

    /// AA or B0 19: bits of zones to bypass and to take back.
    pub(super) fn bypass_zones(&mut self, bypass: u64, unbypass: u64) -> Result<(), Denied> {
        if self.bypass_mode() != 0x80 {
            return Err(Denied);
        }
        for zone in 1..=self.model.zones().min(64) {
            let bit = 1_u64 << (zone - 1);
            if bypass & bit != 0 {
                self.set_bypassed(zone, true);
            } else if unbypass & bit != 0 {
                self.set_bypassed(zone, false);
            }
        }
        Ok(())
    }

    pub(super) fn help(&mut self, now: Instant, code: u8, help: Help, name: &'static str) {
        self.event(Device::Keypad(1), code, 0x07, Some(json!({"event": "keypad_alarm", "key": name})));
        self.signal(Signal { wire: Wire::Help(help), json: None });
        for partition in self.partitions() {
            self.ring(now, partition);
        }
    }
}

fn is_empty(code: [u8; 2]) -> bool {
    matches!(code, [0, 0] | [0xFF, 0xFF])
}
