//! Somebody at a keypad on the wall: types codes, arms, programs users. What a person types goes through the same
//! menu machine as the module's keys, at a person's pace.

use std::collections::VecDeque;
use std::time::Instant;

use panel_driver::sim::PokeError;
use panel_model::{ArmMode, Partition, PartitionSet, Slot};

use super::arming::{By, Operation};
use super::codebook::Attributes;
use super::keypad::{Hold, Key, Menu};
use super::panel::{Panel, Task};
use super::signal::Hand;
use crate::message::PlainArmMode;
use panel_driver::sim::later;

/// The keys that a person is about to press.
#[derive(Default)]
pub(super) struct Person {
    keys: VecDeque<Key>,
    at: Option<Partition>,
}

const EDIT_USAGE: &str = "say `edit SLOT code CODE`, `edit SLOT delete`, `edit SLOT partitions 1,2` or \
                          `edit SLOT attributes 1,8`";

impl Panel {
    /// A code typed at the keypad: disarms what is armed, arms what is not.
    pub(super) fn enter_code(&mut self, now: Instant, p: Partition, code: &str) -> Result<(), PokeError> {
        self.free_keypad(p)?;
        if code.len() != self.codes.length() || !code.bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.code_shape());
        }
        let operation = if self.is_disarmed(p) { Operation::Arm } else { Operation::Disarm };
        match self.judge(now, p, code, operation) {
            Some(by) => {
                self.right_code();
                match operation {
                    Operation::Arm => self.arm_at_keypad(now, p, PlainArmMode::Away, by),
                    Operation::Disarm => self.disarm(p, by),
                }
                self.report_duress(by);
            }
            None => self.wrong_code(now, p, Hand::Person, false),
        }
        Ok(())
    }

    /// Armed by a user, or by a key switch when no slot is given.
    pub(super) fn arm_by_person(
        &mut self,
        now: Instant,
        p: Partition,
        mode: ArmMode,
        slot: Option<Slot>,
    ) -> Result<(), PokeError> {
        self.free_keypad(p)?;
        let by = self.by_slot(slot)?;
        let mode = match mode {
            ArmMode::Away => PlainArmMode::Away,
            ArmMode::Stay => PlainArmMode::Stay,
            // The family has no night mode of its own; staying without entry delay is what `*9` does at night.
            ArmMode::Night | ArmMode::StayNoEntry => PlainArmMode::StayNoEntry,
            ArmMode::AwayNoEntry => PlainArmMode::AwayNoEntry,
        };
        self.arm_at_keypad(now, p, mode, by);
        Ok(())
    }

    pub(super) fn disarm_by_person(&mut self, p: Partition, slot: Option<Slot>) -> Result<(), PokeError> {
        self.free_keypad(p)?;
        let by = self.by_slot(slot)?;
        if self.is_disarmed(p) {
            return Err(PokeError(format!("partition {p} is not armed")));
        }
        self.disarm(p, by);
        self.report_duress(by);
        Ok(())
    }

    /// Somebody opens `*5` on partition 1 with the master code and edits one user. Takes its time; meanwhile the
    /// partition is busy for everybody else.
    pub(super) fn edit_user(&mut self, now: Instant, slot: Slot, words: &[String]) -> Result<(), PokeError> {
        let p = self.units.keys().next().copied().ok_or_else(|| PokeError("no partition is in use".into()))?;
        let slot = self
            .codes
            .slot(slot.number())
            .map_err(|_| PokeError(format!("no user slot {slot}: this panel has 1 to {}", self.model.slots())))?;
        let entry = self.entry_for(slot, words)?;
        self.free_keypad(p)?;
        if !self.is_disarmed(p) {
            return Err(PokeError(format!("partition {p} is armed: `*5` needs it disarmed")));
        }
        if !self.person.keys.is_empty() {
            return Err(PokeError("somebody is typing already".into()));
        }
        let master = self.codes.master().map(|code| code.expose().to_owned()).unwrap_or_default();
        // `#` out of the entry, `#` out of the menu, wherever the panel's refusals have left us.
        let typed = format!("*5{master}{entry}##");
        self.person = Person { keys: typed.bytes().filter_map(Key::of).collect(), at: Some(p) };
        self.persons_key(now);
        Ok(())
    }

    fn entry_for(&self, slot: Slot, words: &[String]) -> Result<String, PokeError> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let empty = || PokeError(format!("slot {slot} has no code"));
        match words.as_slice() {
            ["code", code] => {
                let good = code.len() == self.codes.length() && code.bytes().all(|b| b.is_ascii_digit());
                if good { Ok(format!("{:02}{code}", slot.number())) } else { Err(self.code_shape()) }
            }
            ["delete"] => Ok(format!("{:02}*", slot.number())),
            ["partitions", list] => {
                // The words are not repeated: they might be a code in the wrong place.
                let wanted: PartitionSet =
                    list.parse().map_err(|_| PokeError("partitions are a list such as `1,2`".into()))?;
                if !wanted.is_subset(self.partitions()) {
                    return Err(PokeError(format!("partitions in use: {}", self.partitions())));
                }
                let user = self.codes.user(slot).ok_or_else(empty)?;
                let toggles: String = wanted.difference(user.partitions).iter().map(|p| p.to_string()).collect();
                Ok(format!("98{:02}{toggles}#", slot.number()))
            }
            ["attributes", list] => {
                let wanted = Attributes::parse(list)
                    .ok_or_else(|| PokeError("attributes are digits of menu 99: 1-4, 7, 8, as in `1,8`".into()))?;
                let user = self.codes.user(slot).ok_or_else(empty)?;
                let differs = |digit: &u8| wanted.has(*digit) != user.attributes.has(*digit);
                let toggles: String = (1..=8).filter(differs).map(|digit| digit.to_string()).collect();
                Ok(format!("99{:02}{toggles}#", slot.number()))
            }
            _ => Err(PokeError(EDIT_USAGE.into())),
        }
    }

    pub(super) fn persons_key(&mut self, now: Instant) {
        let Some(p) = self.person.at else { return };
        let Some(keypad) = self.keypad(p) else { return };
        let waits = matches!(keypad.hold, Some(Hold::Opening(_) | Hold::Checking(_)));
        let lost = matches!(keypad.menu, Menu::Invalid(_) | Menu::NotAvailable);
        if lost {
            // The master code is no longer what it was: give up.
            self.person.keys = VecDeque::from([Key::Hash]);
        }
        if !waits && let Some(key) = self.person.keys.pop_front() {
            self.press(now, p, Hand::Person, key);
        }
        if !self.person.keys.is_empty() {
            self.agenda.put(later(now, self.timings.person_pitch), Task::PersonsKey);
        }
    }

    fn by_slot(&self, slot: Option<Slot>) -> Result<By, PokeError> {
        match slot {
            None => Ok(By::Special),
            Some(slot) if self.codes.user(slot).is_some() => Ok(By::User(slot)),
            Some(slot) => Err(PokeError(format!("slot {slot} has no code"))),
        }
    }

    fn free_keypad(&self, p: Partition) -> Result<(), PokeError> {
        if self.is_locked() {
            return Err(PokeError("the keypads are locked: too many wrong codes".into()));
        }
        if self.installer_at.is_some() {
            return Err(PokeError("the panel is in installer programming".into()));
        }
        match self.unit(p) {
            None => Err(PokeError(format!("no partition {p}: in use are {}", self.partitions()))),
            Some(unit) if !unit.keypad.is_free() => {
                Err(PokeError(format!("the keypads of partition {p} are busy: somebody is in a menu")))
            }
            Some(_) => Ok(()),
        }
    }

    fn code_shape(&self) -> PokeError {
        PokeError(format!("codes of this panel have {} digits", self.codes.length()))
    }
}
