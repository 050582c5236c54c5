//! Questions for a code, and what a right answer does.

use std::time::Instant;

use panel_model::{Partition, Slot};
use zeroize::Zeroizing;

use super::arming::Operation;
use super::codebook::Holder;
use super::keypad::{Hold, Key, Menu};
use super::panel::{Panel, Task};
use super::signal::{Hand, MenuName, Signal, Sound, Wanted};
use crate::message::{PanelTime, PlainArmMode};

/// A question for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) wanted: Wanted,
    pub(super) purpose: Purpose,
    pub(super) asked: Asked,
}

/// How the question came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// By keys; the question stays until it is answered or left.
    InMenu,
    /// By a command; the module waits a while for 200.
    ByCommand,
    /// Not at all: the code came along.
    WithCode,
}

/// What a right code does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Arm or disarm, whichever it is not.
    Operate,
    Arm(PlainArmMode),
    Disarm,
    Users,
    Functions,
    Installer,
    Bypass,
    Troubles,
    Memory,
    Output(u8),
    SetClock(PanelTime),
    Unblank,
}

impl Prompt {
    pub(super) fn in_menu(wanted: Wanted, purpose: Purpose) -> Self {
        Self { wanted, purpose, asked: Asked::InMenu }
    }

    pub(super) fn by_command(purpose: Purpose) -> Self {
        Self { wanted: Wanted::Access, purpose, asked: Asked::ByCommand }
    }

    pub(super) fn with_code(wanted: Wanted, purpose: Purpose) -> Self {
        Self { wanted, purpose, asked: Asked::WithCode }
    }
}

impl Panel {
    pub(super) fn key_in_prompt(&mut self, now: Instant, p: Partition, key: Key, prompt: Prompt) {
        match key {
            Key::Digit(digit) => {
                if let Some(code) = self.collect(p, digit) {
                    self.check_code(now, p, &code, prompt);
                }
            }
            Key::Hash => self.close_menu(p),
            _ => self.refuse_key(p),
        }
    }

    /// Adds a digit; the whole code when it is complete.
    pub(super) fn collect(&mut self, p: Partition, digit: u8) -> Option<Zeroizing<String>> {
        let length = self.codes.length();
        let keypad = self.keypad(p)?;
        keypad.digits.push(char::from(b'0' + digit));
        (keypad.digits.len() >= length).then(|| keypad.take_digits())
    }

    /// The panel takes a moment to open a menu that asks for a code.
    pub(super) fn open_with(&mut self, now: Instant, p: Partition, prompt: Prompt) {
        if let Some(keypad) = self.keypad(p) {
            keypad.hold = Some(Hold::Opening(prompt));
        }
        self.agenda.put(now + self.timings.menu_open, Task::Held(p));
    }

    /// The question is there.
    pub(super) fn ask(&mut self, now: Instant, p: Partition, prompt: Prompt) {
        let length = self.codes.length();
        let Some(keypad) = self.keypad(p) else { return };
        keypad.menu = Menu::Prompt(prompt);
        keypad.digits.clear();
        let hand = keypad.hand;
        let in_menu = prompt.asked == Asked::InMenu;
        if in_menu {
            self.awake(now, p);
        } else {
            self.agenda.put(now + self.timings.prompt_wait, Task::PromptOver(p));
        }
        self.signal(Signal::Prompt { partition: p, hand, wanted: prompt.wanted, length, in_menu });
    }

    /// A whole code is there; the verdict takes a moment.
    pub(super) fn check_code(&mut self, now: Instant, p: Partition, code: &str, prompt: Prompt) {
        if let Some(keypad) = self.keypad(p) {
            code.clone_into(&mut keypad.digits);
            keypad.hold = Some(Hold::Checking(prompt));
        }
        for task in [Task::PromptOver(p), Task::DigitsIdle(p)] {
            self.agenda.cancel(&task);
        }
        self.agenda.put(now + self.timings.code_check, Task::Held(p));
    }

    pub(super) fn hold_over(&mut self, now: Instant, p: Partition) {
        let Some(keypad) = self.keypad(p) else { return };
        let waiting = !keypad.waiting.is_empty();
        match (keypad.hold.take(), keypad.menu) {
            (Some(Hold::Opening(prompt)), _) => self.ask(now, p, prompt),
            (Some(Hold::Checking(prompt)), _) => {
                let code = keypad.take_digits();
                self.verdict(now, p, &code, prompt);
            }
            (Some(Hold::Standing), Menu::Invalid(prompt)) if prompt.asked == Asked::InMenu => self.ask(now, p, prompt),
            (Some(Hold::Standing), _) => self.close_menu(p),
            (None, _) => {}
        }
        if waiting {
            self.agenda.put(now, Task::Key(p));
        }
    }

    fn verdict(&mut self, now: Instant, p: Partition, code: &str, prompt: Prompt) {
        let hand = self.keypad(p).map_or(Hand::Module, |keypad| keypad.hand);
        let granted = self.grant(now, p, code, prompt);
        if granted {
            self.right_code();
            return;
        }
        self.stand(now, p, Menu::Invalid(prompt), self.timings.invalid_hold);
        self.sound(p, hand, Sound::Refused);
        let by_command = prompt.asked != Asked::InMenu && hand == Hand::Module;
        self.wrong_code(now, p, hand, by_command);
    }

    /// Does what the code was asked for; `false` if it does not open that.
    fn grant(&mut self, now: Instant, p: Partition, code: &str, prompt: Prompt) -> bool {
        match prompt.purpose {
            Purpose::Operate if self.is_disarmed(p) => self.grant_arming(now, p, code, PlainArmMode::Away),
            Purpose::Operate | Purpose::Disarm => self.grant_disarming(now, p, code),
            Purpose::Arm(mode) => self.grant_arming(now, p, code, mode),
            Purpose::Installer => {
                let right = self.codes.holder(code) == Some(Holder::Installer);
                if right {
                    self.enter_installer(p);
                }
                right
            }
            _ => match self.codes.holder(code) {
                Some(Holder::User(slot)) if self.opens(p, slot, prompt) => {
                    self.user_let_in(now, p, slot, prompt.purpose);
                    true
                }
                _ => false,
            },
        }
    }

    fn grant_arming(&mut self, now: Instant, p: Partition, code: &str, mode: PlainArmMode) -> bool {
        let Some(by) = self.judge(now, p, code, Operation::Arm) else { return false };
        self.close_menu(p);
        self.arm_at_keypad(now, p, mode, by);
        self.report_duress(by);
        true
    }

    fn grant_disarming(&mut self, now: Instant, p: Partition, code: &str) -> bool {
        let Some(by) = self.judge(now, p, code, Operation::Disarm) else { return false };
        self.close_menu(p);
        self.disarm(p, by);
        self.report_duress(by);
        true
    }

    fn user_let_in(&mut self, now: Instant, p: Partition, slot: Slot, purpose: Purpose) {
        match purpose {
            Purpose::Users => self.enter_users(p, slot),
            Purpose::Functions => self.enter(p, Menu::Functions, MenuName::Functions),
            Purpose::Bypass => self.enter(p, Menu::Bypass, MenuName::Bypass),
            Purpose::Troubles => self.go(p, Menu::Troubles),
            Purpose::Memory => self.go(p, Menu::Memory),
            Purpose::Output(output) => self.run_output(now, p, output),
            Purpose::SetClock(time) => {
                self.close_menu(p);
                self.clock.set(now, time);
            }
            Purpose::Unblank | Purpose::Operate | Purpose::Arm(_) | Purpose::Disarm | Purpose::Installer => {
                self.close_menu(p);
            }
        }
    }

    pub(super) fn prompt_over(&mut self, p: Partition) {
        if matches!(self.menu(p), Menu::Prompt(_)) {
            self.close_menu(p);
        }
    }
}
