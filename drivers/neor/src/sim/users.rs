//! User slots and special codes, and the panel's rules about them `[doc RF] [impl NH]`.

use panel_driver::sim::Rng;
use panel_model::{AccessCode, InstallerCode, Partition, PartitionSet};

use super::options::{NewUser, SimConfig};
use super::text::Text;
use crate::message::attribute::{DURESS, ONE_TIME, REMOTE_ACCESS, SUPERVISOR, ZONE_BYPASS};

/// The slot of the master code.
pub(super) const MASTER: u16 = 1;

/// What the factory gives the master.
const MASTERS: u8 = SUPERVISOR | ZONE_BYPASS | REMOTE_ACCESS;
/// For made-up users.
const NAMES: [&str; 16] = [
    "Anna", "Bruno", "Clara", "David", "Elena", "Filip", "Greta", "Hana", "Ivan", "Jana", "Karel", "Lena", "Marek",
    "Nora", "Oskar", "Petra",
];

pub(super) struct UserSlot {
    pub(super) code: Option<AccessCode>,
    pub(super) attributes: u8,
    pub(super) partitions: PartitionSet,
    pub(super) label: Text,
    pub(super) has_tag: bool,
    /// One-time codes: the day of the last disarming.
    pub(super) spent_on: Option<u64>,
}

impl UserSlot {
    fn empty(slot: u16) -> Self {
        Self {
            code: None,
            attributes: 0,
            partitions: PartitionSet::first(1),
            label: default_label(slot),
            has_tag: false,
            spent_on: None,
        }
    }

    pub(super) fn has(&self, bit: u8) -> bool {
        self.attributes & bit != 0
    }
}

/// Whose code it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    User(u16),
    Installer,
}

/// Why the panel does not take a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejected {
    NoSuchSlot,
    /// The master's attributes and partitions, the master's removal, or a master to a supervisor.
    NotAllowed,
    Duplicate,
    /// Not the panel's number of digits.
    BadCode,
    NoSuchPartition,
}

pub(super) struct UserBook {
    length: usize,
    /// Slot 1 comes first.
    slots: Vec<UserSlot>,
    pub(super) installer: InstallerCode,
    new_user: NewUser,
    clears_label: bool,
}

impl UserBook {
    /// Master, the given users, and random distinct codes for as many more as wanted.
    pub(super) fn new(config: &SimConfig, rng: &mut Rng) -> Self {
        let (master, installer) = config.special_codes();
        let mut book = Self {
            length: config.code_length,
            slots: (1..=config.model.capacity().users).map(UserSlot::empty).collect(),
            installer,
            new_user: config.options.new_user,
            clears_label: config.options.clears_label,
        };
        let all = PartitionSet::first(config.partitions);
        book.fill(MASTER, master, MASTERS, PartitionSet::first(config.model.capacity().partitions));
        book.set_label(MASTER, Text::new("Master"));
        for (slot, code) in &config.user_codes {
            book.fill(*slot, code.clone(), ZONE_BYPASS | REMOTE_ACCESS, all);
        }
        let free = (2..=config.model.capacity().users).filter(|n| !config.user_codes.contains_key(n));
        for slot in free.take(config.users.into()).collect::<Vec<_>>() {
            book.make_up(slot, all, rng);
        }
        book
    }

    fn fill(&mut self, slot: u16, code: AccessCode, attributes: u8, partitions: PartitionSet) {
        if let Some(user) = self.slot_mut(slot) {
            (user.code, user.attributes, user.partitions) = (Some(code), attributes, partitions);
        }
    }

    fn make_up(&mut self, slot: u16, all: PartitionSet, rng: &mut Rng) {
        let code = self.random_code(rng);
        let mask: PartitionSet = all.iter().filter(|p| p.number() == 1 || rng.one_in(2)).collect();
        let role = match rng.below(12) {
            0 => SUPERVISOR,
            1 => ONE_TIME,
            2 => DURESS,
            _ => 0,
        };
        self.fill(slot, code, role | ZONE_BYPASS | REMOTE_ACCESS, mask);
        let name = usize::try_from(rng.below(16)).ok().and_then(|n| NAMES.get(n)).unwrap_or(&"Anna");
        self.set_label(slot, Text::new(&format!("{name} {slot}")));
        let has_tag = rng.one_in(8);
        if let Some(user) = self.slot_mut(slot) {
            user.has_tag = has_tag;
        }
    }

    fn random_code(&self, rng: &mut Rng) -> AccessCode {
        let bound = u32::try_from(self.length).ok().and_then(|digits| 10_u64.checked_pow(digits)).unwrap_or(10_000);
        loop {
            let code = format!("{:0width$}", rng.below(bound), width = self.length);
            if self.holder(&code).is_none() {
                return AccessCode::new(code);
            }
        }
    }

    /// Digits of every code.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Bytes of every code.
    pub(super) fn width(&self) -> usize {
        self.length.div_ceil(2)
    }

    pub(super) fn slot(&self, slot: u16) -> Option<&UserSlot> {
        self.slots.get(usize::from(slot).checked_sub(1)?)
    }

    pub(super) fn slot_mut(&mut self, slot: u16) -> Option<&mut UserSlot> {
        self.slots.get_mut(usize::from(slot).checked_sub(1)?)
    }

    /// Slots `first` to `first + count - 1`, if the panel has all of them.
    pub(super) fn range(&self, first: u32, count: u32) -> Option<&[UserSlot]> {
        let start = usize::try_from(first).ok()?.checked_sub(1)?;
        let end = start.checked_add(usize::try_from(count).ok()?)?;
        if count == 0 { None } else { self.slots.get(start..end) }
    }

    /// Every slot with its number.
    pub(super) fn slots(&self) -> impl Iterator<Item = (u16, &UserSlot)> {
        (1_u16..).zip(&self.slots)
    }

    pub(super) fn master(&self) -> Option<&AccessCode> {
        self.slot(MASTER).and_then(|user| user.code.as_ref())
    }

    pub(super) fn holder(&self, code: &str) -> Option<Holder> {
        if self.installer.expose() == code {
            return Some(Holder::Installer);
        }
        let held = |user: &UserSlot| user.code.as_ref().is_some_and(|held| held.expose() == code);
        self.slots().find(|(_, user)| held(user)).map(|(slot, _)| Holder::User(slot))
    }

    /// Whether the slot's code opens the users' menu: the master's and supervisors', never a duress code.
    pub(super) fn may_manage(&self, slot: u16) -> bool {
        let supervises = |user: &UserSlot| user.has(SUPERVISOR) && !user.has(DURESS);
        slot == MASTER || self.slot(slot).is_some_and(supervises)
    }

    /// Writes a code, or empties the slot. Crossing between empty and used resets attributes and partitions
    /// `[impl NH]`.
    pub(super) fn set_code(&mut self, by: u16, slot: u16, code: Option<&str>) -> Result<(), Rejected> {
        if self.slot(slot).is_none() {
            return Err(Rejected::NoSuchSlot);
        }
        if slot == MASTER && (by != MASTER || code.is_none()) {
            return Err(Rejected::NotAllowed);
        }
        if let Some(code) = code {
            if code.len() != self.length || !code.bytes().all(|b| b.is_ascii_digit()) {
                return Err(Rejected::BadCode);
            }
            if self.holder(code).is_some_and(|other| other != Holder::User(slot)) {
                return Err(Rejected::Duplicate);
            }
        }
        let programmers = self.slot(by).map_or(0, |user| user.attributes & !(SUPERVISOR | DURESS | ONE_TIME));
        let fresh = match self.new_user {
            NewUser::Nothing => 0,
            NewUser::Programmers => programmers,
        };
        let clears_label = self.clears_label;
        let Some(user) = self.slot_mut(slot) else { return Err(Rejected::NoSuchSlot) };
        let crosses = user.code.is_some() != code.is_some();
        user.code = code.map(|code| AccessCode::new(code.to_owned()));
        if crosses {
            user.attributes = if code.is_some() { fresh } else { 0 };
            user.partitions = PartitionSet::first(1);
            user.spent_on = None;
        }
        if code.is_none() {
            user.has_tag = false;
            if clears_label {
                user.label = default_label(slot);
            }
        }
        Ok(())
    }

    pub(super) fn set_attributes(&mut self, slot: u16, attributes: u8) -> Result<(), Rejected> {
        self.writable(slot)?.attributes = attributes;
        Ok(())
    }

    /// `enabled` are the partitions in use.
    pub(super) fn set_partitions(
        &mut self,
        slot: u16,
        partitions: PartitionSet,
        enabled: PartitionSet,
    ) -> Result<(), Rejected> {
        if !partitions.is_subset(enabled) {
            return Err(Rejected::NoSuchPartition);
        }
        self.writable(slot)?.partitions = partitions;
        Ok(())
    }

    /// The master is fixed in all but code and label `[impl NH]`.
    fn writable(&mut self, slot: u16) -> Result<&mut UserSlot, Rejected> {
        if slot == MASTER {
            return Err(Rejected::NotAllowed);
        }
        self.slot_mut(slot).ok_or(Rejected::NoSuchSlot)
    }

    pub(super) fn set_label(&mut self, slot: u16, label: Text) {
        if let Some(user) = self.slot_mut(slot) {
            user.label = label;
        }
    }

    /// Whether the code may operate the partition, and as which slot. `None`: it opens nothing there.
    pub(super) fn operator(&self, code: &str, partition: Partition) -> Option<u16> {
        match self.holder(code)? {
            Holder::User(slot) => self.slot(slot).filter(|user| user.partitions.contains(partition)).map(|_| slot),
            Holder::Installer => None,
        }
    }
}

fn default_label(slot: u16) -> Text {
    Text::new(&format!("User {slot}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sim::Model;

    fn book(users: u16) -> UserBook {
        let config = SimConfig { users, partitions: 2, ..SimConfig::new(Model::Hs2128E) };
        UserBook::new(&config, &mut Rng::new(7))
    }

    #[test]
    fn every_slot_of_a_full_panel_has_its_own_code() {
        let book = book(999);
        let codes: BTreeSet<_> = book.slots().filter_map(|(_, user)| user.code.as_ref()).map(|c| c.expose()).collect();
        assert_eq!(codes.len(), 1000);
        assert!(!codes.contains("5555"), "the installer's is not among them");
        assert_eq!(book.master().map(AccessCode::expose), Some("1234"));
    }

    #[test]
    fn one_seed_makes_the_same_users() {
        let list = |seed| {
            let config = SimConfig { users: 20, ..SimConfig::new(Model::Hs2016) };
            let book = UserBook::new(&config, &mut Rng::new(seed));
            book.slots().map(|(_, u)| (u.code.clone(), u.attributes, u.has_tag)).collect::<Vec<_>>()
        };
        assert_eq!(list(3), list(3));
        assert_ne!(list(3), list(4));
    }

    #[test]
    fn crossing_between_empty_and_used_resets_the_slot() {
        let mut book = book(0);
        assert_eq!(book.set_code(MASTER, 5, Some("4321")), Ok(()));
        assert_eq!(book.set_attributes(5, ZONE_BYPASS | ONE_TIME), Ok(()));
        assert_eq!(book.set_partitions(5, PartitionSet::first(2), PartitionSet::first(2)), Ok(()));
        assert_eq!(book.set_code(MASTER, 5, Some("4322")), Ok(()), "a change of code resets nothing");
        assert_eq!(book.slot(5).map(|u| (u.attributes, u.partitions)), Some((0x84, PartitionSet::first(2))));
        book.set_label(5, Text::new("Alice"));
        assert_eq!(book.set_code(MASTER, 5, None), Ok(()));
        assert_eq!(book.slot(5).map(|u| (u.attributes, u.partitions)), Some((0, PartitionSet::first(1))));
        assert_eq!(book.slot(5).map(|u| u.label.to_string()), Some("Alice".into()), "the label stays");
    }

    #[test]
    fn the_master_keeps_its_attributes_its_partitions_and_its_place() {
        let mut book = book(0);
        assert_eq!(book.set_attributes(MASTER, 0), Err(Rejected::NotAllowed));
        assert_eq!(book.set_partitions(MASTER, PartitionSet::EMPTY, PartitionSet::first(2)), Err(Rejected::NotAllowed));
        assert_eq!(book.set_code(MASTER, MASTER, None), Err(Rejected::NotAllowed));
        assert_eq!(book.set_code(5, MASTER, Some("9999")), Err(Rejected::NotAllowed), "a supervisor may not");
        assert_eq!(book.set_code(MASTER, MASTER, Some("9999")), Ok(()));
    }

    #[test]
    fn a_code_that_somebody_has_is_not_taken() {
        let mut book = book(0);
        assert_eq!(book.set_code(MASTER, 2, Some("4321")), Ok(()));
        assert_eq!(book.set_code(MASTER, 2, Some("4321")), Ok(()), "the same again is no duplicate");
        for taken in ["4321", "1234", "5555"] {
            assert_eq!(book.set_code(MASTER, 3, Some(taken)), Err(Rejected::Duplicate), "{taken}");
        }
        assert_eq!(book.set_code(MASTER, 3, Some("43A1")), Err(Rejected::BadCode));
        assert_eq!(book.set_code(MASTER, 2000, Some("1111")), Err(Rejected::NoSuchSlot));
        assert!(book.range(990, 11).is_some() && book.range(990, 12).is_none() && book.range(0, 1).is_none());
    }
}
