//! Somebody at the panel's keypad: types codes, presents tags, arms, programs users, calls for help.

use std::time::Instant;

use panel_driver::sim::{PanicKey, PokeError};
use panel_model::{ArmMode, Partition, PartitionSet, Slot};
use serde_json::json;

use super::arming::{By, Mode};
use super::devices::{Device, event};
use super::options::parse_code;
use super::panel::Panel;
use super::signal::Signal;
use super::users::Holder;
use crate::message::Help;

const EDIT_USAGE: &str = "say `edit SLOT code CODE`, `edit SLOT delete`, `edit SLOT partitions 1,2` or `edit SLOT tag \
                          on|off`";
const AWAY: Mode = Mode { home: false, instant: false };

impl Panel {
    /// A code typed at the keypad: disarms what is armed, arms what is not.
    pub(super) fn enter_code(&mut self, now: Instant, partition: Partition, code: &str) -> Result<(), PokeError> {
        let partition = self.known_partition(partition)?;
        let code = parse_code(code, 10).ok_or_else(code_shape)?;
        match self.holder(code) {
            Some(Holder::User(slot)) if self.rights_of(slot) & (1 << partition) != 0 => {
                self.toggle(now, partition, By::User(slot));
            }
            Some(Holder::Duress) => {
                self.disarm(partition, By::User(1));
                self.duress();
            }
            _ => self.wrong_code(Device::Keypad(1)),
        }
        Ok(())
    }

    /// A tag held to the keypad does what its user's code does.
    pub(super) fn present_tag(&mut self, now: Instant, slot: Slot, partition: Partition) -> Result<(), PokeError> {
        let partition = self.known_partition(partition)?;
        let slot = self.known_slot(slot)?;
        match self.tags.get(usize::from(slot - 1)) {
            None => Err(PokeError(format!("no tag {slot}: this panel has {}", self.model.tags()))),
            Some(false) => Err(PokeError(format!("user {slot} has no tag: `edit {slot} tag on` teaches one in"))),
            Some(true) if self.rights_of(slot) & (1 << partition) == 0 => {
                self.wrong_code(Device::Keypad(1));
                Ok(())
            }
            Some(true) => {
                let as_user = self.hostile.tags_as_users && self.model.is_master();
                self.toggle(now, partition, if as_user { By::User(slot) } else { By::Tag(slot) });
                Ok(())
            }
        }
    }

    fn toggle(&mut self, now: Instant, partition: u8, by: By) {
        let sounding = self.unit(partition).is_some_and(|unit| unit.alarm);
        if self.is_disarmed(partition) && !sounding {
            self.arm(now, partition, AWAY, by);
        } else {
            self.disarm(partition, by);
        }
    }

    /// Armed by a user, or without a code when no slot is given.
    pub(super) fn arm_by_person(
        &mut self,
        now: Instant,
        partition: Partition,
        mode: ArmMode,
        slot: Option<Slot>,
    ) -> Result<(), PokeError> {
        let partition = self.known_partition(partition)?;
        let by = self.by(slot)?;
        let mode = match mode {
            ArmMode::Away => AWAY,
            ArmMode::Stay => Mode { home: true, instant: false },
            // The family's night is staying at home without entry delay.
            ArmMode::Night | ArmMode::StayNoEntry => Mode { home: true, instant: true },
            ArmMode::AwayNoEntry => Mode { home: false, instant: true },
        };
        self.arm(now, partition, mode, by);
        Ok(())
    }

    pub(super) fn disarm_by_person(&mut self, partition: Partition, slot: Option<Slot>) -> Result<(), PokeError> {
        let partition = self.known_partition(partition)?;
        let by = self.by(slot)?;
        if self.is_disarmed(partition) && self.unit(partition).is_none_or(|unit| !unit.alarm) {
            return Err(PokeError(format!("partition {} is not armed", partition + 1)));
        }
        self.disarm(partition, by);
        Ok(())
    }

    pub(super) fn press_panic(&mut self, now: Instant, key: PanicKey) {
        match key {
            PanicKey::Fire => self.help(now, event::FIRE, Help::Fire, "fire"),
            PanicKey::Medical => self.help(now, event::EMERGENCY, Help::Emergency, "medical"),
            PanicKey::Police => self.help(now, event::PANIC, Help::Panic, "police"),
        }
    }

    /// The master user changes a user in the menu. No host is told: only a fresh look shows it.
    pub(super) fn edit_user(&mut self, slot: Slot, words: &[String]) -> Result<(), PokeError> {
        let slot = self.known_slot(slot)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let event = match words.as_slice() {
            ["code", code] => {
                let code = parse_code(code, 10).filter(|code| *code != [0, 0]).ok_or_else(code_shape)?;
                if self.holder(code).is_some_and(|holder| holder != Holder::User(slot)) {
                    "code_rejected"
                } else {
                    self.set_user_code(slot, Some(code));
                    "code_set"
                }
            }
            ["delete"] if slot == 1 => return Err(PokeError("the master user cannot be deleted".into())),
            ["delete"] => {
                self.set_user_code(slot, None);
                "code_deleted"
            }
            ["partitions", list] => {
                self.set_rights(slot, list)?;
                "partitions_set"
            }
            ["tag", on @ ("on" | "off")] => {
                let tags = self.model.tags();
                let tag = self.tags.get_mut(usize::from(slot - 1));
                *tag.ok_or_else(|| PokeError(format!("no tag {slot}: this panel has {tags}")))? = *on == "on";
                "tag_set"
            }
            _ => return Err(PokeError(EDIT_USAGE.into())),
        };
        self.signal(Signal::watch(json!({"event": event, "slot": slot, "by": "person"})));
        Ok(())
    }

    fn set_rights(&mut self, slot: u8, list: &str) -> Result<(), PokeError> {
        // The words are not repeated: they might be a code in the wrong place.
        let wanted: PartitionSet = list.parse().map_err(|_| PokeError("partitions are a list such as `1,2`".into()))?;
        let count = u8::try_from(self.units.len()).unwrap_or(1);
        if !wanted.is_subset(PartitionSet::first(count)) || wanted.is_empty() {
            return Err(PokeError(format!("partitions in use: 1 to {count}")));
        }
        if slot == 1 {
            return Err(PokeError("the master user may operate all partitions".into()));
        }
        let mask = wanted.iter().fold(0, |mask, partition| mask | (1 << (partition.number() - 1)));
        if let Some(rights) = self.rights.get_mut(usize::from(slot - 1)) {
            *rights = mask;
        }
        Ok(())
    }

    fn by(&self, slot: Option<Slot>) -> Result<By, PokeError> {
        let Some(slot) = slot else { return Ok(By::Nobody) };
        let slot = self.known_slot(slot)?;
        match self.user_code(slot) {
            Some(_) => Ok(By::User(slot)),
            None => Err(PokeError(format!("slot {slot} has no code"))),
        }
    }

    fn known_slot(&self, slot: Slot) -> Result<u8, PokeError> {
        let most = self.model.users();
        let known = u8::try_from(slot.number()).ok().filter(|slot| *slot <= most);
        known.ok_or_else(|| PokeError(format!("no user slot {slot}: this panel has 1 to {most}")))
    }

    fn known_partition(&self, partition: Partition) -> Result<u8, PokeError> {
        let count = self.units.len();
        let known = usize::from(partition.number()) <= count;
        let index = partition.number() - 1;
        if known { Ok(index) } else { Err(PokeError(format!("no partition {partition}: in use are 1 to {count}"))) }
    }
}

fn code_shape() -> PokeError {
    PokeError("codes of this panel have 4 digits and are not 0000".into())
}
