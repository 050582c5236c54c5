//! The menu machine of a keypad: which key leads where. `*5` and `*8` have files of their own.

use std::collections::VecDeque;
use std::time::Instant;

use panel_driver::sim::PanicKey;
use panel_model::{Partition, Slot};
use zeroize::Zeroizing;

use super::menu_users::Toggled;
use super::panel::{Panel, Task};
use super::prompt::{Asked, Prompt, Purpose};
use super::sections::Setting;
use super::signal::{Hand, MenuName, Signal, Sound, Wanted};
use panel_driver::sim::later;

/// A key as the panel knows it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Digit(u8),
    Star,
    Hash,
    Left,
    Right,
    Panic(PanicKey),
    /// Function keys 1 to 5.
    Function(u8),
}

impl Key {
    /// A key of a string: digits, `*`, `#`.
    pub(super) fn of(character: u8) -> Option<Self> {
        match character {
            b'0'..=b'9' => Some(Self::Digit(character - b'0')),
            b'*' => Some(Self::Star),
            b'#' => Some(Self::Hash),
            _ => None,
        }
    }
}

/// Where the keypad of a partition is. The panel's own status numbers are in `display.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Menu {
    /// Nowhere; digits are a code that arms or disarms.
    Idle,
    /// `*` was pressed; an LCD offers the choices one by one.
    Star {
        shown: u8,
    },
    Prompt(Prompt),
    /// The code was wrong; the prompt comes back.
    Invalid(Prompt),
    NotAvailable,
    /// `*4` and `*7` say what they did, for a moment.
    Notice,
    Bypass,
    Troubles,
    Memory,
    Users {
        opener: Slot,
        shown: Slot,
    },
    PickToggles {
        opener: Slot,
        shown: Slot,
        what: Toggled,
    },
    NewCode {
        opener: Slot,
        slot: Slot,
    },
    UserToggles {
        opener: Slot,
        slot: Slot,
        what: Toggled,
    },
    Functions,
    SetTime,
    Outputs,
    Section,
    Part {
        section: u16,
    },
    Data {
        section: u16,
        part: u16,
        item: usize,
        hex: Hex,
    },
    SpecialCode {
        section: u16,
    },
    Options {
        section: u16,
    },
    Text {
        section: u16,
    },
}

/// Whether the next digit is a hex digit: `*`, then 1 to 6, then `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hex {
    Off,
    On,
}

/// Why the keypad takes no keys now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// A menu opens with a question.
    Opening(Prompt),
    /// A code is being looked at.
    Checking(Prompt),
    /// A text stands.
    Standing,
}

pub(super) struct Keypad {
    pub(super) menu: Menu,
    /// Who is at it, or was last.
    pub(super) hand: Hand,
    /// What was typed and is not complete.
    pub(super) digits: Zeroizing<String>,
    pub(super) hold: Option<Hold>,
    pub(super) dark: bool,
    /// The module's keys that are still to be pressed.
    pub(super) waiting: VecDeque<Key>,
}

/// Keys that a keypad remembers while it takes none.
const MOST_WAITING: usize = 16;

impl Keypad {
    pub(super) fn new() -> Self {
        Self {
            menu: Menu::Idle,
            hand: Hand::Module,
            digits: Zeroizing::default(),
            hold: None,
            dark: false,
            waiting: VecDeque::new(),
        }
    }

    /// Whether the partition is in somebody's menu. A question that a command brought up, or a notice, is none.
    pub(super) fn in_menu(&self) -> bool {
        match self.menu {
            Menu::Idle | Menu::NotAvailable | Menu::Notice => false,
            Menu::Prompt(prompt) | Menu::Invalid(prompt) => prompt.asked == Asked::InMenu,
            _ => true,
        }
    }

    pub(super) fn is_free(&self) -> bool {
        self.menu == Menu::Idle && self.hold.is_none()
    }

    /// Takes the digits typed so far.
    pub(super) fn take_digits(&mut self) -> Zeroizing<String> {
        std::mem::take(&mut self.digits)
    }
}

impl Panel {
    /// Somebody presses a key.
    pub(super) fn press(&mut self, now: Instant, p: Partition, hand: Hand, key: Key) {
        let locked = self.locks_out(p);
        let Some(keypad) = self.keypad(p) else { return };
        let foreign = keypad.hand != hand && !keypad.is_free();
        if locked || foreign {
            return self.sound(p, hand, Sound::Refused);
        }
        match keypad.hold {
            Some(Hold::Opening(_) | Hold::Checking(_)) => {
                if keypad.waiting.len() < MOST_WAITING {
                    keypad.waiting.push_back(key);
                }
                return;
            }
            // A text may be cut short by `#`; other keys are not taken while it stands.
            Some(Hold::Standing) if key == Key::Hash => return self.close_menu(p),
            Some(Hold::Standing) => return self.sound(p, hand, Sound::Refused),
            None => {}
        }
        if std::mem::replace(&mut keypad.hand, hand) != hand {
            keypad.digits.clear();
        }
        if std::mem::take(&mut keypad.dark) {
            self.awake(now, p);
            if self.is_on(Setting::UNBLANK_CODE) {
                self.ask(now, p, Prompt::in_menu(Wanted::Access, Purpose::Unblank));
            }
            return;
        }
        self.awake(now, p);
        self.key(now, p, key);
    }

    /// Keys of a string; they follow at their pitch. `false`: others are still to be pressed.
    pub(super) fn press_string(&mut self, now: Instant, p: Partition, keys: impl Iterator<Item = Key>) -> bool {
        if self.agenda.has(&Task::Key(p)) {
            return false;
        }
        let Some(keypad) = self.keypad(p).filter(|keypad| keypad.waiting.is_empty()) else { return false };
        keypad.waiting.extend(keys.take(MOST_WAITING));
        self.agenda.put(now, Task::Key(p));
        true
    }

    pub(super) fn string_key_due(&mut self, now: Instant, p: Partition) {
        let Some(keypad) = self.keypad(p) else { return };
        // Keys wait while the keypad takes none; the end of the hold calls again.
        if keypad.hand == Hand::Module && matches!(keypad.hold, Some(Hold::Opening(_) | Hold::Checking(_))) {
            return;
        }
        let Some(key) = keypad.waiting.pop_front() else { return };
        let more = !keypad.waiting.is_empty();
        self.press(now, p, Hand::Module, key);
        if more {
            self.agenda.put(now + self.timings.key_pitch * self.hostile.slow_digits.max(1), Task::Key(p));
        }
    }

    fn key(&mut self, now: Instant, p: Partition, key: Key) {
        if let Key::Panic(panic) = key {
            return self.keypad_alarm(now, p, panic);
        }
        match self.menu(p) {
            Menu::Idle => self.key_when_idle(now, p, key),
            Menu::Star { shown } => self.key_in_star(now, p, key, shown),
            Menu::Prompt(prompt) => self.key_in_prompt(now, p, key, prompt),
            Menu::Invalid(_) | Menu::NotAvailable | Menu::Notice => self.refuse_key(p),
            Menu::Bypass => self.key_in_bypass(p, key),
            Menu::Troubles | Menu::Memory => self.key_in_list(p, key),
            Menu::Functions => self.key_in_functions(p, key),
            Menu::SetTime => self.key_in_time(now, p, key),
            Menu::Outputs => self.key_in_outputs(now, p, key),
            Menu::Users { .. } | Menu::PickToggles { .. } | Menu::NewCode { .. } | Menu::UserToggles { .. } => {
                self.key_in_users(p, key);
            }
            Menu::Section
            | Menu::Part { .. }
            | Menu::Data { .. }
            | Menu::SpecialCode { .. }
            | Menu::Options { .. }
            | Menu::Text { .. } => self.key_in_installer(p, key),
        }
    }

    /// Shows a text for a while.
    pub(super) fn stand(&mut self, now: Instant, p: Partition, menu: Menu, long: std::time::Duration) {
        self.go(p, menu);
        if let Some(keypad) = self.keypad(p) {
            keypad.hold = Some(Hold::Standing);
            // What was typed ahead was meant for something else.
            keypad.waiting.clear();
        }
        self.agenda.put(now + long, Task::Held(p));
    }

    pub(super) fn not_available(&mut self, now: Instant, p: Partition) {
        self.stand(now, p, Menu::NotAvailable, self.timings.notice_hold);
        self.signal(Signal::NotAvailable(p));
    }

    /// Goes to another place of the menus; half an entry is forgotten.
    pub(super) fn go(&mut self, p: Partition, menu: Menu) {
        if let Some(keypad) = self.keypad(p) {
            keypad.menu = menu;
            keypad.digits.clear();
        }
    }

    /// Goes into a menu that is worth a word.
    pub(super) fn enter(&mut self, p: Partition, menu: Menu, name: MenuName) {
        self.go(p, menu);
        let hand = self.keypad(p).map_or(Hand::Module, |keypad| keypad.hand);
        self.signal(Signal::MenuOpened(p, hand, name));
    }

    /// Leaves whatever menu there is.
    pub(super) fn close_menu(&mut self, p: Partition) {
        let Some(keypad) = self.keypad(p) else { return };
        let was_in_menu = keypad.in_menu();
        let hand = keypad.hand;
        (keypad.menu, keypad.hold) = (Menu::Idle, None);
        keypad.digits.clear();
        for task in [Task::Held(p), Task::MenuIdle(p), Task::PromptOver(p), Task::DigitsIdle(p)] {
            self.agenda.cancel(&task);
        }
        if was_in_menu {
            self.signal(Signal::MenuLeft(p, hand));
        }
        if self.installer_at == Some(p) {
            self.installer_at = None;
            self.signal(Signal::InstallerLeft);
        }
    }

    pub(super) fn menu_timed_out(&mut self, now: Instant, p: Partition) {
        let Some(keypad) = self.keypad(p) else { return };
        if keypad.hold.is_some() {
            return self.awake(now, p);
        }
        if keypad.menu != Menu::Idle {
            let hand = keypad.hand;
            self.signal(Signal::MenuTimedOut(p, hand));
            self.close_menu(p);
        }
    }

    pub(super) fn forget_digits(&mut self, p: Partition) {
        if let Some(keypad) = self.keypad(p) {
            keypad.digits.clear();
        }
        self.agenda.cancel(&Task::DigitsIdle(p));
    }

    /// Somebody touched the keypad, or 074 came: the timers of idleness start again.
    pub(super) fn awake(&mut self, now: Instant, p: Partition) {
        self.agenda.put(later(now, self.timings.menu_idle), Task::MenuIdle(p));
        if self.is_on(Setting::BLANKING) {
            self.agenda.put(now + self.timings.blank_after, Task::Blank(p));
        }
    }

    pub(super) fn blank(&mut self, p: Partition) {
        if let Some(keypad) = self.keypad(p).filter(|keypad| keypad.is_free() && !keypad.dark) {
            keypad.dark = true;
            self.signal(Signal::Blanked(p));
        }
    }

    pub(super) fn refuse_key(&mut self, p: Partition) {
        if let Some(hand) = self.keypad(p).map(|keypad| keypad.hand) {
            self.sound(p, hand, Sound::Refused);
        }
    }

    pub(super) fn sound(&mut self, p: Partition, hand: Hand, sound: Sound) {
        self.signal(Signal::Sound(p, hand, sound));
    }

    /// Locked keypads and installer programming elsewhere let nobody in.
    fn locks_out(&self, p: Partition) -> bool {
        self.is_locked() || self.installer_at.is_some_and(|at| at != p)
    }

    pub(super) fn keypad(&mut self, p: Partition) -> Option<&mut Keypad> {
        self.unit_mut(p).map(|unit| &mut unit.keypad)
    }
}
