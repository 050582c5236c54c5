//! `*5`: codes, partitions and attributes of users `[doc PS p.7]`.

use panel_model::{Partition, Slot};

use super::codebook::{MASTER, Rejected, Step};
use super::keypad::{Key, Menu};
use super::panel::Panel;
use super::sections::Setting;
use super::signal::{Hand, MenuName, Signal, Sound};

/// What `98` and `99` toggle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Toggled {
    Partitions,
    Attributes,
}

impl Panel {
    pub(super) fn enter_users(&mut self, p: Partition, opener: Slot) {
        let shown = self.codes.slot(1).unwrap_or(opener);
        self.enter(p, Menu::Users { opener, shown }, MenuName::Users);
        self.beep(p, Sound::Item);
    }

    pub(super) fn key_in_users(&mut self, p: Partition, key: Key) {
        match self.menu(p) {
            Menu::Users { opener, shown } => self.key_in_user_list(p, key, opener, shown),
            Menu::PickToggles { opener, shown, what } => self.key_in_pick(p, key, opener, shown, what),
            Menu::NewCode { opener, slot } => self.key_in_new_code(p, key, opener, slot),
            Menu::UserToggles { opener, slot, what } => self.key_in_toggles(p, key, opener, slot, what),
            _ => {}
        }
    }

    fn key_in_user_list(&mut self, p: Partition, key: Key, opener: Slot, shown: Slot) {
        match key {
            Key::Digit(digit) => match self.collect_number(p, digit, 2) {
                None => {}
                Some(98) => self.go(p, Menu::PickToggles { opener, shown, what: Toggled::Partitions }),
                Some(99) => self.go(p, Menu::PickToggles { opener, shown, what: Toggled::Attributes }),
                Some(number) => self.open_slot(p, opener, self.codes.slot(number)),
            },
            Key::Right => self.go(p, Menu::Users { opener, shown: self.codes.neighbour(shown, Step::Next) }),
            Key::Left => self.go(p, Menu::Users { opener, shown: self.codes.neighbour(shown, Step::Previous) }),
            Key::Star => self.open_slot(p, opener, Ok(shown)),
            Key::Hash => self.close_menu(p),
            Key::Panic(_) | Key::Function(_) => self.refuse_key(p),
        }
    }

    fn open_slot(&mut self, p: Partition, opener: Slot, slot: Result<Slot, Rejected>) {
        match slot.and_then(|slot| self.may_touch(opener, slot).map(|()| slot)) {
            Ok(slot) => self.go(p, Menu::NewCode { opener, slot }),
            Err(_) => self.refuse_key(p),
        }
    }

    /// Rights of the opener, and the master's own slot where it is changed in `*8` only.
    fn may_touch(&self, opener: Slot, slot: Slot) -> Result<(), Rejected> {
        if slot.number() == MASTER && self.is_on(Setting::MASTER_LOCKED) {
            return Err(Rejected::NotAllowed);
        }
        self.codes.may_edit(opener, slot)
    }

    fn key_in_pick(&mut self, p: Partition, key: Key, opener: Slot, shown: Slot, what: Toggled) {
        match key {
            Key::Digit(digit) => {
                let Some(number) = self.collect_number(p, digit, 2) else { return };
                let slot = self.codes.slot(number).ok().filter(|slot| self.codes.user(*slot).is_some());
                match slot.filter(|slot| self.codes.may_edit(opener, *slot).is_ok()) {
                    Some(slot) => self.go(p, Menu::UserToggles { opener, slot, what }),
                    None => {
                        self.go(p, Menu::Users { opener, shown });
                        self.refuse_key(p);
                    }
                }
            }
            Key::Hash => self.go(p, Menu::Users { opener, shown }),
            _ => self.refuse_key(p),
        }
    }

    /// The panel takes the code with its last digit. `*` deletes, but only as the first key.
    fn key_in_new_code(&mut self, p: Partition, key: Key, opener: Slot, slot: Slot) {
        let length = self.codes.length();
        let hand = self.hand_at(p);
        let Some(keypad) = self.keypad(p) else { return };
        let back = Menu::Users { opener, shown: slot };
        match key {
            Key::Digit(digit) => {
                keypad.digits.push(char::from(b'0' + digit));
                if keypad.digits.len() < length {
                    return;
                }
                let code = keypad.take_digits();
                match self.codes.set_code(opener, slot, &code) {
                    Ok(()) => self.user_written(p, back, Signal::CodeSet(slot, hand)),
                    Err(_) => self.user_rejected(p, slot, hand),
                }
            }
            Key::Star if keypad.digits.is_empty() => match self.codes.delete(opener, slot) {
                Ok(true) => self.user_written(p, back, Signal::CodeDeleted(slot, hand)),
                Ok(false) => self.go(p, back),
                Err(_) => self.user_rejected(p, slot, hand),
            },
            Key::Hash => self.go(p, back),
            _ => self.refuse_key(p),
        }
    }

    fn key_in_toggles(&mut self, p: Partition, key: Key, opener: Slot, slot: Slot, what: Toggled) {
        let hand = self.hand_at(p);
        match key {
            Key::Digit(digit) => {
                let result = match what {
                    Toggled::Partitions => self
                        .codes
                        .toggle_partition(slot, digit, self.partitions())
                        .map(|set| Signal::PartitionsSet(slot, hand, set.iter().map(Partition::number).collect())),
                    Toggled::Attributes => self
                        .codes
                        .toggle_attribute(slot, digit)
                        .map(|set| Signal::AttributesSet(slot, hand, set.digits().collect())),
                };
                match result {
                    Ok(signal) => {
                        self.signal(signal);
                        self.beep(p, Sound::Item);
                    }
                    Err(_) => self.user_rejected(p, slot, hand),
                }
            }
            Key::Hash => self.go(p, Menu::Users { opener, shown: slot }),
            _ => self.refuse_key(p),
        }
    }

    fn user_written(&mut self, p: Partition, back: Menu, signal: Signal) {
        self.go(p, back);
        self.signal(signal);
        self.beep(p, Sound::Complete);
    }

    /// The place stays, what was typed is gone.
    fn user_rejected(&mut self, p: Partition, slot: Slot, hand: Hand) {
        self.signal(Signal::CodeRejected(slot, hand));
        self.refuse_key(p);
    }

    fn hand_at(&mut self, p: Partition) -> Hand {
        self.keypad(p).map_or(Hand::Module, |keypad| keypad.hand)
    }
}
