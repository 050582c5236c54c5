//! The small menus: `*1` bypass, `*2` troubles, `*3` memory, `*4` chime, `*6` functions, `*7` outputs.

use std::collections::BTreeSet;
use std::time::Instant;

use panel_model::{Partition, Slot, Zone};

use super::codebook::{Attributes, MASTER};
use super::keypad::{Key, Menu};
use super::panel::Panel;
use super::prompt::{Prompt, Purpose};
use super::signal::{Signal, Sound, Wanted};
use crate::message::PanelTime;

impl Panel {
    /// Whether a user's code is the right one for a question.
    pub(super) fn opens(&self, p: Partition, slot: Slot, prompt: Prompt) -> bool {
        let Some(user) = self.codes.user(slot) else { return false };
        let has = |digit| user.attributes.has(digit);
        let here = user.partitions.contains(p);
        match (prompt.wanted, prompt.purpose) {
            (Wanted::Installer, _) => false,
            (Wanted::Master, Purpose::Users) => self.codes.may_manage(slot),
            (Wanted::Master, _) => slot.number() == MASTER,
            // A duress code opens no menu [doc UM].
            (Wanted::Access, Purpose::Functions) => here && !has(Attributes::DURESS),
            (Wanted::Access, Purpose::Bypass) => here && has(Attributes::BYPASS),
            (Wanted::Access, _) => here,
        }
    }

    pub(super) fn key_in_bypass(&mut self, p: Partition, key: Key) {
        match key {
            Key::Digit(digit) => {
                let Some(number) = self.collect_number(p, digit, 2) else { return };
                if self.bypass_entry(p, number) {
                    self.beep(p, Sound::Item);
                } else {
                    self.refuse_key(p);
                }
            }
            Key::Hash => {
                self.last_bypass = self.bypassed(p);
                self.close_menu(p);
                self.signal(Signal::BypassLeft);
            }
            _ => self.refuse_key(p),
        }
    }

    /// Two digits of `*1`: a zone, or 00 none, 91 the group, 95 keep as group, 99 as last time.
    fn bypass_entry(&mut self, p: Partition, number: u16) -> bool {
        match number {
            0 => self.set_bypass(p, &BTreeSet::new()),
            91 => self.set_bypass(p, &self.saved_bypass.clone()),
            95 => self.saved_bypass = self.bypassed(p),
            99 => self.set_bypass(p, &self.last_bypass.clone()),
            number => {
                let known = |zone: &Zone| self.zones.contains_key(zone) && self.sections.belongs(*zone, p);
                let Some(zone) = Zone::new(number.into()).ok().filter(known) else { return false };
                let mut wanted = self.bypassed(p);
                if !wanted.remove(&zone) {
                    wanted.insert(zone);
                }
                self.set_bypass(p, &wanted);
            }
        }
        true
    }

    fn bypassed(&self, p: Partition) -> BTreeSet<Zone> {
        let own = self.zones.iter().filter(|(zone, unit)| unit.bypassed && self.sections.belongs(**zone, p));
        own.map(|(zone, _)| *zone).collect()
    }

    fn set_bypass(&mut self, p: Partition, wanted: &BTreeSet<Zone>) {
        let changed: Vec<(Zone, bool)> = self
            .zones
            .iter()
            .filter(|(zone, _)| self.sections.belongs(**zone, p))
            .map(|(zone, unit)| (*zone, unit.bypassed, wanted.contains(zone)))
            .filter(|(_, is, wanted)| is != wanted)
            .map(|(zone, _, wanted)| (zone, wanted))
            .collect();
        for (zone, on) in changed {
            if let Some(unit) = self.zones.get_mut(&zone) {
                unit.bypassed = on;
            }
            self.signal(Signal::Bypass(zone, on));
        }
    }

    pub(super) fn key_in_list(&mut self, p: Partition, key: Key) {
        match key {
            Key::Hash => self.close_menu(p),
            Key::Left | Key::Right => {}
            _ => self.refuse_key(p),
        }
    }

    pub(super) fn toggle_chime(&mut self, now: Instant, p: Partition) {
        let Some(unit) = self.unit_mut(p) else { return };
        unit.chime = !unit.chime;
        let on = unit.chime;
        self.stand(now, p, Menu::Notice, self.timings.notice_hold);
        self.signal(Signal::Chime(p, on));
    }

    pub(super) fn key_in_functions(&mut self, p: Partition, key: Key) {
        match key {
            Key::Digit(1) => self.go(p, Menu::SetTime),
            Key::Hash => self.close_menu(p),
            _ => self.refuse_key(p),
        }
    }

    /// `*6` 1: ten digits, `hhmmMMDDYY`.
    pub(super) fn key_in_time(&mut self, now: Instant, p: Partition, key: Key) {
        match key {
            Key::Digit(digit) => {
                let Some(keypad) = self.keypad(p) else { return };
                keypad.digits.push(char::from(b'0' + digit));
                if keypad.digits.len() < 10 {
                    return;
                }
                let typed = keypad.take_digits();
                let set = panel_time(&typed).is_some_and(|time| self.clock.set(now, time));
                self.go(p, Menu::Functions);
                self.beep(p, if set { Sound::Complete } else { Sound::Refused });
            }
            Key::Hash => self.go(p, Menu::Functions),
            _ => self.refuse_key(p),
        }
    }

    pub(super) fn key_in_outputs(&mut self, now: Instant, p: Partition, key: Key) {
        match key {
            Key::Digit(output @ 1..=4) if self.options.output_code => {
                self.open_with(now, p, Prompt::in_menu(Wanted::Access, Purpose::Output(output)));
            }
            Key::Digit(output @ 1..=4) => {
                self.signal(Signal::Output { partition: p, output, at_keypad: true });
                self.stand(now, p, Menu::Notice, self.timings.notice_hold);
            }
            Key::Hash => self.close_menu(p),
            _ => self.refuse_key(p),
        }
    }

    pub(super) fn run_output(&mut self, _now: Instant, p: Partition, output: u8) {
        self.close_menu(p);
        self.signal(Signal::Output { partition: p, output, at_keypad: false });
    }

    /// Adds a digit; the number when so many are there.
    pub(super) fn collect_number(&mut self, p: Partition, digit: u8, digits: usize) -> Option<u16> {
        let keypad = self.keypad(p)?;
        keypad.digits.push(char::from(b'0' + digit));
        if keypad.digits.len() < digits {
            return None;
        }
        keypad.take_digits().parse().ok()
    }

    pub(super) fn beep(&mut self, p: Partition, sound: Sound) {
        if let Some(hand) = self.keypad(p).map(|keypad| keypad.hand) {
            self.sound(p, hand, sound);
        }
    }
}

fn panel_time(digits: &str) -> Option<PanelTime> {
    let field = |n: usize| digits.get(2 * n..2 * n + 2)?.parse().ok();
    Some(PanelTime { hour: field(0)?, minute: field(1)?, month: field(2)?, day: field(3)?, year: field(4)? })
}
