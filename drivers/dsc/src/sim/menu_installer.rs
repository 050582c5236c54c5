//! `*8`: installer programming `[doc PS 3.3]`.

use panel_model::{AccessCode, InstallerCode, Partition};

use super::codebook::{Holder, MASTER, factory_codes};
use super::keypad::{Hex, Key, Menu};
use super::panel::Panel;
use super::sections::{Layout, Sections, Setting};
use super::signal::{Hand, MenuName, Signal, Sound};

const INSTALLER_CODE: u16 = 6;
const MASTER_CODE: u16 = 7;
const MAINTENANCE_CODE: u16 = 8;
const MASTER_DEFAULT: u16 = 989;
const PARTITIONS: u16 = 201;

impl Panel {
    pub(super) fn enter_installer(&mut self, p: Partition) {
        self.installer_at = Some(p);
        self.signal(Signal::InstallerEntered(p));
        self.enter(p, Menu::Section, MenuName::Installer);
    }

    pub(super) fn key_in_installer(&mut self, p: Partition, key: Key) {
        let hand = self.unit(p).map_or(Hand::Module, |unit| unit.keypad.hand);
        match (self.menu(p), key) {
            (Menu::Section, Key::Digit(digit)) => {
                if let Some(section) = self.collect_number(p, digit, 3) {
                    self.open_section(p, section);
                }
            }
            // A fault on demand: the panel stays where it is [doc TPI 3.6].
            (Menu::Section, Key::Hash) if self.hostile.installer_deadlock => self.refuse_key(p),
            (Menu::Section, Key::Hash) => self.close_menu(p),
            (Menu::Part { section }, Key::Digit(digit)) => {
                let Some(part) = self.collect_number(p, digit, 2) else { return };
                if Sections::part_layout(part).is_some() {
                    self.go(p, Menu::Data { section, part, item: 0, hex: Hex::Off });
                } else {
                    self.refuse_key(p);
                }
            }
            (Menu::Data { section, part, item, hex }, Key::Digit(digit)) => {
                self.data_digit(p, hand, (section, part), item, hex, digit);
            }
            (Menu::Data { section, part, item, hex }, Key::Star) => {
                let hex = if hex == Hex::On { Hex::Off } else { Hex::On };
                self.keep_digits(p, Menu::Data { section, part, item, hex });
            }
            // Half an item is not kept, whole ones are.
            (Menu::Data { section, part, .. }, Key::Hash) if part > 0 => self.go(p, Menu::Part { section }),
            (Menu::SpecialCode { section }, Key::Digit(digit)) => self.special_code_digit(p, hand, section, digit),
            (Menu::Options { section }, Key::Digit(digit @ 1..=8)) => self.toggle_option(p, hand, section, digit),
            (
                Menu::Part { .. }
                | Menu::Data { .. }
                | Menu::SpecialCode { .. }
                | Menu::Options { .. }
                | Menu::Text { .. },
                Key::Hash,
            ) => self.go(p, Menu::Section),
            _ => self.refuse_key(p),
        }
    }

    fn open_section(&mut self, p: Partition, section: u16) {
        match Sections::layout(section) {
            Layout::Items { .. } | Layout::Free => self.go(p, Menu::Data { section, part: 0, item: 0, hex: Hex::Off }),
            Layout::Options => self.go(p, Menu::Options { section }),
            Layout::Parts => self.go(p, Menu::Part { section }),
            Layout::Code => self.go(p, Menu::SpecialCode { section }),
            Layout::Text => self.go(p, Menu::Text { section }),
            Layout::Barred => self.refuse_key(p),
        }
    }

    fn data_digit(&mut self, p: Partition, hand: Hand, (section, part): (u16, u16), item: usize, hex: Hex, digit: u8) {
        let layout = if part > 0 { Sections::part_layout(part) } else { Some(Sections::layout(section)) };
        let (count, width) = match layout {
            Some(Layout::Items { count, width }) => (count, width),
            _ => (usize::MAX, 2),
        };
        let typed = match (hex, digit) {
            (Hex::Off, 0..=9) => char::from(b'0' + digit),
            (Hex::On, 1..=6) => char::from(b'A' + digit - 1),
            _ => return self.refuse_key(p),
        };
        let Some(keypad) = self.keypad(p) else { return };
        keypad.digits.push(typed);
        if keypad.digits.len() < width {
            return;
        }
        let value = keypad.take_digits();
        self.sections.set_item(section, part, item, &value);
        self.signal(Signal::SectionWritten(section, hand));
        if item + 1 >= count {
            self.go(p, if part > 0 { Menu::Part { section } } else { Menu::Section });
            self.beep(p, Sound::Complete);
        } else {
            self.go(p, Menu::Data { section, part, item: item + 1, hex });
            self.beep(p, Sound::Item);
        }
    }

    fn special_code_digit(&mut self, p: Partition, hand: Hand, section: u16, digit: u8) {
        let length = self.codes.length();
        let Some(keypad) = self.keypad(p) else { return };
        keypad.digits.push(char::from(b'0' + digit));
        if keypad.digits.len() < length {
            return;
        }
        let code = keypad.take_digits();
        match self.write_special_code(section, &code) {
            Some(signal) => {
                self.signal(match signal {
                    Written::Installer => Signal::InstallerCodeChanged(hand),
                    Written::Other => Signal::SectionWritten(section, hand),
                });
                self.go(p, Menu::Section);
                self.beep(p, Sound::Complete);
            }
            None => self.refuse_key(p),
        }
    }

    fn write_special_code(&mut self, section: u16, code: &str) -> Option<Written> {
        match section {
            INSTALLER_CODE => {
                self.codes.check_free(Holder::Installer, code).ok()?;
                self.codes.installer = InstallerCode::new(code.to_owned());
                return Some(Written::Installer);
            }
            MASTER_CODE => {
                let master = self.codes.slot(MASTER).ok()?;
                self.codes.check_free(Holder::User(master), code).ok()?;
                self.codes.set_master(code);
            }
            MAINTENANCE_CODE => {
                self.codes.check_free(Holder::Maintenance, code).ok()?;
                self.codes.maintenance = Some(AccessCode::new(code.to_owned()));
            }
            MASTER_DEFAULT => {
                if self.codes.holder(code) != Some(Holder::Installer) {
                    return None;
                }
                let (factory, _) = factory_codes(self.codes.length());
                self.codes.set_master(factory.expose());
            }
            _ => return None,
        }
        Some(Written::Other)
    }

    fn toggle_option(&mut self, p: Partition, hand: Hand, section: u16, option: u8) {
        self.sections.toggle(section, option);
        if section == PARTITIONS {
            self.lay_partitions();
        }
        let length = if self.is_on(Setting::SIX_DIGITS) { 6 } else { 4 };
        if length != self.codes.length() {
            self.codes.set_length(length);
        }
        self.signal(Signal::SectionWritten(section, hand));
        self.beep(p, Sound::Item);
    }

    /// As [`Panel::go`], but an entry that is half typed goes on.
    fn keep_digits(&mut self, p: Partition, menu: Menu) {
        if let Some(keypad) = self.keypad(p) {
            keypad.menu = menu;
        }
    }
}

/// Which code was written.
enum Written {
    Installer,
    Other,
}
