//! The idle keypad and the choices behind `*`.

use std::time::Instant;

use panel_model::Partition;

use super::arming::By;
use super::keypad::{Key, Menu};
use super::panel::{Panel, Task};
use super::prompt::{Prompt, Purpose};
use super::sections::Setting;
use super::signal::{MenuName, Signal, Wanted};
use crate::message::PlainArmMode;

impl Panel {
    pub(super) fn key_when_idle(&mut self, now: Instant, p: Partition, key: Key) {
        match key {
            Key::Digit(digit) => {
                if let Some(code) = self.collect(p, digit) {
                    self.check_code(now, p, &code, Prompt::with_code(Wanted::Access, Purpose::Operate));
                } else {
                    self.agenda.put(now + self.timings.digits_idle, Task::DigitsIdle(p));
                }
            }
            Key::Star => self.go(p, Menu::Star { shown: 1 }),
            Key::Hash => self.forget_digits(p),
            Key::Function(n) => self.function_key(now, p, n),
            Key::Left | Key::Right | Key::Panic(_) => {}
        }
    }

    fn function_key(&mut self, now: Instant, p: Partition, number: u8) {
        match number {
            1 | 2 if self.is_on(Setting::QUICK_ARM) => {
                let mode = if number == 1 { PlainArmMode::Stay } else { PlainArmMode::Away };
                self.arm_at_keypad(now, p, mode, By::Special);
            }
            3 => self.toggle_chime(now, p),
            _ => self.not_available(now, p),
        }
    }

    pub(super) fn key_in_star(&mut self, now: Instant, p: Partition, key: Key, shown: u8) {
        match key {
            Key::Digit(digit) => self.open_menu(now, p, digit),
            Key::Star => self.open_menu(now, p, shown),
            Key::Right => self.go(p, Menu::Star { shown: (shown + 1) % 10 }),
            Key::Left => self.go(p, Menu::Star { shown: (shown + 9) % 10 }),
            Key::Hash => self.close_menu(p),
            Key::Panic(_) | Key::Function(_) => self.refuse_key(p),
        }
    }

    fn open_menu(&mut self, now: Instant, p: Partition, digit: u8) {
        let disarmed = self.is_disarmed(p);
        let coded = self.is_on(Setting::MENU_CODE);
        let access = |purpose| Prompt::in_menu(Wanted::Access, purpose);
        match digit {
            1 if disarmed && (coded || self.is_on(Setting::BYPASS_CODE)) => {
                self.open_with(now, p, access(Purpose::Bypass))
            }
            1 if disarmed => self.enter(p, Menu::Bypass, MenuName::Bypass),
            2 if coded => self.open_with(now, p, access(Purpose::Troubles)),
            2 => self.go(p, Menu::Troubles),
            3 if coded => self.open_with(now, p, access(Purpose::Memory)),
            3 => self.go(p, Menu::Memory),
            4 => self.toggle_chime(now, p),
            5 if disarmed => self.open_with(now, p, Prompt::in_menu(Wanted::Master, Purpose::Users)),
            6 if disarmed => self.open_with(now, p, self.functions_prompt()),
            7 => self.go(p, Menu::Outputs),
            8 if self.may_program() => self.open_with(now, p, Prompt::in_menu(Wanted::Installer, Purpose::Installer)),
            9 if disarmed => self.open_with(now, p, access(Purpose::Arm(PlainArmMode::StayNoEntry))),
            0 if disarmed && self.is_on(Setting::QUICK_ARM) => {
                self.close_menu(p);
                self.arm_at_keypad(now, p, PlainArmMode::Away, By::Special);
            }
            _ => self.not_available(now, p),
        }
    }

    /// `*8` wants every partition disarmed and quiet `[doc PS 3.3]`.
    fn may_program(&self) -> bool {
        self.installer_at.is_none() && self.units.keys().all(|p| self.is_disarmed(*p))
    }

    pub(super) fn functions_prompt(&self) -> Prompt {
        let any = self.is_on(Setting::ANY_CODE_FUNCTIONS);
        Prompt::in_menu(if any { Wanted::Access } else { Wanted::Master }, Purpose::Functions)
    }

    pub(super) fn arm_at_keypad(&mut self, now: Instant, p: Partition, mode: PlainArmMode, by: By) {
        if self.arm(now, p, mode, by).is_err() {
            self.signal(Signal::FailedToArm(p));
        }
    }
}
