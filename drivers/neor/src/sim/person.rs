//! Somebody at a keypad on the wall: types codes, arms, programs users.

use std::time::Instant;

use panel_driver::sim::{PokeError, later};
use panel_model::{AccessCode, ArmMode, Partition, PartitionSet, Slot};

use super::arming::{By, Mode, Purpose};
use super::panel::{Panel, Task};
use super::programming::{ProgrammingMode, Via};
use super::signal::{Changed, Hand, Signal};
use super::text::{Text, USER_UNITS};
use super::users::MASTER;

/// A change that somebody makes in `*5`.
pub(super) struct PersonEdit {
    slot: u16,
    change: Change,
}

enum Change {
    Code(Option<AccessCode>),
    Attributes(u8),
    Partitions(PartitionSet),
    Label(Text),
    Tag(bool),
}

const EDIT_USAGE: &str = "say `edit SLOT code CODE`, `edit SLOT delete`, `edit SLOT partitions 1,2`, \
                          `edit SLOT attributes HEX`, `edit SLOT label TEXT` or `edit SLOT tag on|off`";

impl Panel {
    /// A code typed at the keypad: disarms what is armed, arms what is not.
    pub(super) fn enter_code(&mut self, now: Instant, p: Partition, code: &str) -> Result<(), PokeError> {
        self.free_keypad(p)?;
        if code.len() != self.users.length() {
            return Err(self.code_shape());
        }
        let arms = self.is_disarmed(p) && !self.units.get(&p).is_some_and(|unit| unit.alarm);
        let purpose = if arms { Purpose::Arm } else { Purpose::Disarm };
        match self.judge(now, p, code, purpose) {
            Some(by) => {
                self.right_code_at_keypad();
                if arms {
                    self.arm(now, p, Mode::AWAY, by);
                    self.report_duress(by);
                } else {
                    self.disarm(p, by);
                }
            }
            None => self.wrong_code(now, Hand::Person),
        }
        Ok(())
    }

    /// A tag held to the keypad.
    pub(super) fn show_tag(&mut self, now: Instant, p: Partition, slot: Slot) -> Result<(), PokeError> {
        let user = self.users.slot(slot.number()).filter(|user| user.has_tag);
        let code = user.and_then(|user| user.code.as_ref()).map(|code| code.expose().to_owned());
        let code = code.ok_or_else(|| PokeError(format!("slot {slot} has no tag: say `edit {slot} tag on`")))?;
        self.enter_code(now, p, &code)
    }

    /// Armed by a user, or by a function key when no slot is given.
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
            ArmMode::Away => Some(Mode::AWAY),
            ArmMode::Stay => Some(Mode::STAY),
            ArmMode::Night => Some(Mode::NIGHT),
            ArmMode::AwayNoEntry => Mode::asked(8),
            ArmMode::StayNoEntry => Mode::asked(7),
        };
        self.arm(now, p, mode.unwrap_or(Mode::AWAY), by);
        Ok(())
    }

    pub(super) fn disarm_by_person(&mut self, p: Partition, slot: Option<Slot>) -> Result<(), PokeError> {
        self.free_keypad(p)?;
        let by = self.by_slot(slot)?;
        if self.is_disarmed(p) && !self.units.get(&p).is_some_and(|unit| unit.alarm) {
            return Err(PokeError(format!("partition {p} is not armed")));
        }
        self.disarm(p, by);
        Ok(())
    }

    /// Somebody opens `*5` with the master code and edits one user. Takes a while, during which nobody else programs.
    pub(super) fn edit_user(&mut self, now: Instant, slot: Slot, words: &[String]) -> Result<(), PokeError> {
        let slot = slot.number();
        if self.users.slot(slot).is_none() {
            let last = self.model.capacity().users;
            return Err(PokeError(format!("no user slot {slot}: this panel has 1 to {last}")));
        }
        let change = self.change(words)?;
        if !self.person_programs(now, ProgrammingMode::Users, Via::Keypad, MASTER) {
            return Err(PokeError("the keypads show busy: somebody is programming".into()));
        }
        self.edit = Some(PersonEdit { slot, change });
        self.agenda.put(later(now, self.timings.person / 2), Task::PersonChanges);
        Ok(())
    }

    /// Somebody takes the programming slot for a while; `false` when it is taken.
    pub(super) fn person_programs(&mut self, now: Instant, mode: ProgrammingMode, via: Via, user: u16) -> bool {
        let begins = self.occupy(mode, via, user);
        if begins {
            self.agenda.put(later(now, self.timings.person), Task::PersonLeaves);
        }
        begins
    }

    fn change(&self, words: &[String]) -> Result<Change, PokeError> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        // The words are not repeated in errors: they might be a code in the wrong place.
        Ok(match words.as_slice() {
            ["code", code] => {
                let good = code.len() == self.users.length() && code.bytes().all(|b| b.is_ascii_digit());
                if !good {
                    return Err(self.code_shape());
                }
                Change::Code(Some(AccessCode::new((*code).to_owned())))
            }
            ["delete"] => Change::Code(None),
            ["partitions", list] => {
                let wanted: PartitionSet =
                    list.parse().map_err(|_| PokeError("partitions are a list such as `1,2`".into()))?;
                if !wanted.is_subset(self.partitions()) {
                    return Err(PokeError(format!("partitions in use: {}", self.partitions())));
                }
                Change::Partitions(wanted)
            }
            ["attributes", hex] => {
                let bits = u8::from_str_radix(hex, 16);
                Change::Attributes(bits.map_err(|_| PokeError("attributes are two hex digits, such as `0C`".into()))?)
            }
            ["label", rest @ ..] if !rest.is_empty() => {
                let text = rest.join(" ");
                if text.encode_utf16().count() > USER_UNITS {
                    return Err(PokeError(format!("a user's label has {USER_UNITS} characters at most")));
                }
                Change::Label(Text::new(&text))
            }
            ["tag", "on"] => Change::Tag(true),
            ["tag", "off"] => Change::Tag(false),
            _ => return Err(PokeError(EDIT_USAGE.into())),
        })
    }

    /// What somebody typed takes effect. A keypad answers a rejected entry with a tone and nothing else.
    pub(super) fn person_changes(&mut self) {
        let Some(PersonEdit { slot, change }) = self.edit.take() else { return };
        let enabled = self.partitions();
        let (what, done) = match change {
            Change::Code(code) => {
                (Changed::Code, self.users.set_code(MASTER, slot, code.as_ref().map(AccessCode::expose)))
            }
            Change::Attributes(bits) => (Changed::Attributes, self.users.set_attributes(slot, bits)),
            Change::Partitions(set) => (Changed::Partitions, self.users.set_partitions(slot, set, enabled)),
            Change::Label(label) => {
                self.users.set_label(slot, label);
                (Changed::Label, Ok(()))
            }
            Change::Tag(on) => {
                if let Some(user) = self.users.slot_mut(slot) {
                    user.has_tag = on;
                }
                self.signal(Signal::TagChanged(slot, on));
                (Changed::Code, Ok(()))
            }
        };
        self.signal(match done {
            Ok(()) => Signal::UsersChanged { what, from: slot, to: slot, hand: Hand::Person },
            Err(_) => Signal::CodeRejected(slot, Hand::Person),
        });
    }

    fn by_slot(&self, slot: Option<Slot>) -> Result<By, PokeError> {
        let Some(slot) = slot else { return Ok(By::Key) };
        match self.users.slot(slot.number()).and_then(|user| user.code.as_ref()) {
            Some(_) => Ok(By::User(slot.number())),
            None => Err(PokeError(format!("slot {slot} has no code"))),
        }
    }

    fn free_keypad(&self, p: Partition) -> Result<(), PokeError> {
        if self.keypad_lockout.is_locked {
            return Err(PokeError("the keypads are locked: too many wrong codes".into()));
        }
        if self.programming.is_occupied() {
            return Err(PokeError("the keypads show busy: somebody is programming".into()));
        }
        if self.units.contains_key(&p) {
            return Ok(());
        }
        Err(PokeError(format!("no partition {p}: in use are {}", self.partitions())))
    }

    fn code_shape(&self) -> PokeError {
        PokeError(format!("codes of this panel have {} digits", self.users.length()))
    }
}
