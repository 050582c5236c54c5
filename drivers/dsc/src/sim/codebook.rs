//! User slots and special codes, and the panel's rules about them `[doc PS p.7, doc UM]`.

use std::collections::BTreeMap;

use panel_model::{AccessCode, InstallerCode, Partition, PartitionSet, Slot};

use super::options::SimConfig;
use panel_driver::sim::Rng;

/// The slot of the master code `[doc PS]`.
pub(super) const MASTER: u16 = 40;

/// The rights of menu `99`; bit n-1 is digit n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Attributes(u8);

impl Attributes {
    pub(super) const SUPERVISOR: u8 = 1;
    pub(super) const DURESS: u8 = 2;
    pub(super) const BYPASS: u8 = 3;
    pub(super) const ONE_TIME: u8 = 8;
    /// What a master has, and with it every code that a master makes: bypass and remote access.
    const MASTERS: Self = Self(0b1100);

    pub(super) fn has(self, digit: u8) -> bool {
        (1..=8).contains(&digit) && self.0 >> (digit - 1) & 1 == 1
    }

    fn toggle(&mut self, digit: u8) {
        self.0 ^= 1 << (digit - 1);
    }

    pub(super) fn digits(self) -> impl Iterator<Item = u8> {
        (1..=8).filter(move |digit| self.has(*digit))
    }

    /// Parses a list such as `1,8`.
    pub(super) fn parse(list: &str) -> Option<Self> {
        let mut set = Self::default();
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let digit = word.parse().ok().filter(|d| is_attribute(*d))?;
            set.0 |= 1 << (digit - 1);
        }
        Some(set)
    }
}

/// Digits 5 and 6 mean nothing `[doc PS p.7]`.
fn is_attribute(digit: u8) -> bool {
    matches!(digit, 1..=4 | 7 | 8)
}

pub(super) struct User {
    pub(super) code: AccessCode,
    pub(super) partitions: PartitionSet,
    pub(super) attributes: Attributes,
    /// One-time codes: the day of the last disarming.
    pub(super) spent_on: Option<u64>,
}

/// Whose code it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    User(Slot),
    Installer,
    Maintenance,
}

/// Why the panel does not take what was typed; all that a keypad tells is an error tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejected {
    NoSuchSlot,
    /// The one at the keypad may not touch that slot.
    NotAllowed,
    Duplicate,
    /// One off a duress code, or a duress code one off another `[doc PS, SIA appendix]`.
    NextToDuress,
    /// A digit that toggles nothing.
    NoSuchOption,
}

pub(super) struct Codebook {
    length: usize,
    slots: u16,
    users: BTreeMap<Slot, User>,
    pub(super) installer: InstallerCode,
    pub(super) maintenance: Option<AccessCode>,
}

impl Codebook {
    /// Master, the given users, and random distinct codes for as many more as wanted.
    pub(super) fn new(config: &SimConfig, rng: &mut Rng) -> Self {
        let (master, installer) = factory_codes(config.code_length);
        let mut book = Self {
            length: config.code_length,
            slots: config.model.slots(),
            users: BTreeMap::new(),
            installer: config.installer.clone().unwrap_or(installer),
            maintenance: None,
        };
        let all = PartitionSet::first(config.partitions);
        book.put(MASTER, config.master.clone().unwrap_or(master), all, Attributes::MASTERS);
        for (slot, code) in &config.user_codes {
            book.put(*slot, code.clone(), all, Attributes::MASTERS);
        }
        let free = (1..=config.model.slots()).filter(|n| *n != MASTER && !config.user_codes.contains_key(n));
        for slot in free.take(config.users.into()) {
            let code = book.random_code(rng);
            let mask: PartitionSet = all.iter().filter(|p| p.number() == 1 || rng.one_in(2)).collect();
            book.put(slot, code, mask, Attributes::MASTERS);
        }
        book
    }

    fn put(&mut self, slot: u16, code: AccessCode, partitions: PartitionSet, attributes: Attributes) {
        if let Ok(slot) = Slot::new(slot.into()) {
            self.users.insert(slot, User { code, partitions, attributes, spent_on: None });
        }
    }

    fn random_code(&self, rng: &mut Rng) -> AccessCode {
        loop {
            let bound = if self.length == 6 { 1_000_000 } else { 10_000 };
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

    /// Section 701 option 5. What becomes of the stored codes is not documented: longer ones are cut, shorter ones
    /// filled with zeros.
    pub(super) fn set_length(&mut self, length: usize) {
        self.length = length;
        let fit = |code: &str| format!("{:0<length$}", code.chars().take(length).collect::<String>());
        for user in self.users.values_mut() {
            user.code = AccessCode::new(fit(user.code.expose()));
        }
        self.installer = InstallerCode::new(fit(self.installer.expose()));
        self.maintenance = self.maintenance.as_ref().map(|code| AccessCode::new(fit(code.expose())));
    }

    /// A slot by the number typed, if the model has it.
    pub(super) fn slot(&self, number: u16) -> Result<Slot, Rejected> {
        Slot::new(number.into()).ok().filter(|s| s.number() <= self.slots).ok_or(Rejected::NoSuchSlot)
    }

    /// The slot after or before one, round the end.
    pub(super) fn neighbour(&self, slot: Slot, step: Step) -> Slot {
        let next = match (step, slot.number()) {
            (Step::Next, n) if n >= self.slots => 1,
            (Step::Next, n) => n + 1,
            (Step::Previous, 1) => self.slots,
            (Step::Previous, n) => n - 1,
        };
        Slot::new(next.into()).unwrap_or(slot)
    }

    pub(super) fn user(&self, slot: Slot) -> Option<&User> {
        self.users.get(&slot)
    }

    pub(super) fn user_mut(&mut self, slot: Slot) -> Option<&mut User> {
        self.users.get_mut(&slot)
    }

    pub(super) fn users(&self) -> impl Iterator<Item = (Slot, &User)> {
        self.users.iter().map(|(slot, user)| (*slot, user))
    }

    pub(super) fn master(&self) -> Option<&AccessCode> {
        self.users.iter().find(|(slot, _)| slot.number() == MASTER).map(|(_, user)| &user.code)
    }

    pub(super) fn holder(&self, code: &str) -> Option<Holder> {
        if self.installer.expose() == code {
            return Some(Holder::Installer);
        }
        if self.maintenance.as_ref().is_some_and(|held| held.expose() == code) {
            return Some(Holder::Maintenance);
        }
        self.users.iter().find(|(_, user)| user.code.expose() == code).map(|(slot, _)| Holder::User(*slot))
    }

    /// Whether the code may open `*5`: the master's and supervisors', never a duress code.
    pub(super) fn may_manage(&self, slot: Slot) -> bool {
        let supervises =
            |user: &User| user.attributes.has(Attributes::SUPERVISOR) && !user.attributes.has(Attributes::DURESS);
        slot.number() == MASTER || self.user(slot).is_some_and(supervises)
    }

    /// Whether the one who opened `*5` may touch a slot: supervisors only those with equal or fewer rights.
    pub(super) fn may_edit(&self, opener: Slot, slot: Slot) -> Result<(), Rejected> {
        if opener.number() == MASTER {
            return Ok(());
        }
        let rights = self.user(opener).map(|own| (own.partitions, own.attributes.0));
        let within = match (rights, self.user(slot)) {
            (None, _) => false,
            (Some(_), None) => slot.number() != MASTER,
            (Some((partitions, attributes)), Some(user)) => {
                slot.number() != MASTER && user.partitions.is_subset(partitions) && user.attributes.0 & !attributes == 0
            }
        };
        if within { Ok(()) } else { Err(Rejected::NotAllowed) }
    }

    /// Writes a code. On an empty slot it takes over partitions and attributes of the code that opened the menu
    /// `[doc UM, sister panel]`.
    pub(super) fn set_code(&mut self, opener: Slot, slot: Slot, code: &str) -> Result<(), Rejected> {
        self.may_edit(opener, slot)?;
        self.check_free(Holder::User(slot), code)?;
        let own = self.user(slot).map(|user| user.attributes);
        let inherited = self.user(opener).map(|user| (user.partitions, user.attributes)).unwrap_or_default();
        self.check_duress(slot, code, own.unwrap_or(inherited.1))?;
        if let Some(user) = self.user_mut(slot) {
            user.code = AccessCode::new(code.to_owned());
        } else {
            self.put(slot.number(), AccessCode::new(code.to_owned()), inherited.0, inherited.1);
        }
        Ok(())
    }

    /// Empties a slot with all that belonged to it; empty ones stay so. The master's cannot be emptied.
    pub(super) fn delete(&mut self, opener: Slot, slot: Slot) -> Result<bool, Rejected> {
        self.may_edit(opener, slot)?;
        if slot.number() == MASTER {
            return Err(Rejected::NotAllowed);
        }
        Ok(self.users.remove(&slot).is_some())
    }

    /// Toggles a partition of the slot's mask; `enabled` are the partitions in use.
    pub(super) fn toggle_partition(
        &mut self,
        slot: Slot,
        digit: u8,
        enabled: PartitionSet,
    ) -> Result<PartitionSet, Rejected> {
        let known = |p: &Partition| enabled.contains(*p);
        let partition = Partition::new(digit.into()).ok().filter(known).ok_or(Rejected::NoSuchOption)?;
        let user = self.user_mut(slot).ok_or(Rejected::NoSuchSlot)?;
        let mut one = PartitionSet::EMPTY;
        one.insert(partition);
        user.partitions = user.partitions.difference(one);
        Ok(user.partitions)
    }

    /// Toggles an attribute of the slot. The master's are fixed `[doc UM]`.
    pub(super) fn toggle_attribute(&mut self, slot: Slot, digit: u8) -> Result<Attributes, Rejected> {
        if !is_attribute(digit) {
            return Err(Rejected::NoSuchOption);
        }
        if slot.number() == MASTER {
            return Err(Rejected::NotAllowed);
        }
        let user = self.user(slot).ok_or(Rejected::NoSuchSlot)?;
        let mut attributes = user.attributes;
        attributes.toggle(digit);
        self.check_duress(slot, user.code.expose(), attributes)?;
        if let Some(user) = self.user_mut(slot) {
            user.attributes = attributes;
        }
        Ok(attributes)
    }

    /// Sections 006 to 008 and slot 40: no two may be the same.
    pub(super) fn check_free(&self, holder: Holder, code: &str) -> Result<(), Rejected> {
        match self.holder(code) {
            Some(other) if other != holder => Err(Rejected::Duplicate),
            _ => Ok(()),
        }
    }

    /// Puts the master code straight in, as section 007 does.
    pub(super) fn set_master(&mut self, code: &str) {
        let master = self.users.iter_mut().find(|(slot, _)| slot.number() == MASTER);
        if let Some((_, user)) = master {
            user.code = AccessCode::new(code.to_owned());
        }
    }

    fn check_duress(&self, slot: Slot, code: &str, attributes: Attributes) -> Result<(), Rejected> {
        let clash = self.users().any(|(other, user)| {
            let either = attributes.has(Attributes::DURESS) || user.attributes.has(Attributes::DURESS);
            other != slot && either && one_apart(code, user.code.expose())
        });
        if clash { Err(Rejected::NextToDuress) } else { Ok(()) }
    }
}

/// Which way to scroll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Next,
    Previous,
}

/// Master and installer code as the factory sets them `[doc PS]`.
pub(super) fn factory_codes(length: usize) -> (AccessCode, InstallerCode) {
    let (master, installer) = if length == 6 { ("123456", "555555") } else { ("1234", "5555") };
    (AccessCode::new(master.into()), InstallerCode::new(installer.into()))
}

fn one_apart(a: &str, b: &str) -> bool {
    match (a.parse::<u32>(), b.parse::<u32>()) {
        (Ok(a), Ok(b)) => a.abs_diff(b) == 1,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Interface, Model};

    fn slot(n: u32) -> Slot {
        Slot::new(n).expect("a slot")
    }

    fn book(users: u16) -> Codebook {
        let config = SimConfig { users, partitions: 2, ..SimConfig::new(Interface::It100, Model::Pc1616) };
        Codebook::new(&config, &mut Rng::new(7))
    }

    #[test]
    fn every_slot_of_a_full_panel_has_its_own_code() {
        let book = book(47);
        let codes: std::collections::BTreeSet<_> =
            book.users().map(|(_, user)| user.code.expose().to_owned()).collect();
        assert_eq!(codes.len(), 48);
        assert!(!codes.contains("5555"), "the installer's is not among them");
        assert_eq!(book.master().map(AccessCode::expose), Some("1234"));
    }

    #[test]
    fn a_new_code_takes_over_the_rights_of_its_maker() {
        let mut book = book(0);
        assert_eq!(book.set_code(slot(40), slot(5), "4321"), Ok(()));
        let user = book.user(slot(5)).expect("made");
        assert_eq!(user.partitions, PartitionSet::first(2));
        assert_eq!(user.attributes.digits().collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn codes_are_unique_among_users_and_installer() {
        let mut book = book(0);
        assert_eq!(book.set_code(slot(40), slot(5), "4321"), Ok(()));
        assert_eq!(book.set_code(slot(40), slot(5), "4321"), Ok(()), "the same again is no duplicate");
        for taken in ["4321", "1234", "5555"] {
            assert_eq!(book.set_code(slot(40), slot(6), taken), Err(Rejected::Duplicate), "{taken}");
        }
    }

    #[test]
    fn no_code_stands_next_to_a_duress_code() {
        let mut book = book(0);
        assert_eq!(book.set_code(slot(40), slot(5), "4321"), Ok(()));
        assert!(book.toggle_attribute(slot(5), Attributes::DURESS).is_ok());
        assert_eq!(book.set_code(slot(40), slot(6), "4322"), Err(Rejected::NextToDuress));
        assert_eq!(book.set_code(slot(40), slot(6), "4323"), Ok(()));
        assert_eq!(book.set_code(slot(40), slot(7), "4324"), Ok(()), "ordinary codes may be neighbours");
        assert_eq!(book.toggle_attribute(slot(7), Attributes::DURESS), Err(Rejected::NextToDuress));
    }

    #[test]
    fn a_supervisor_edits_only_those_with_fewer_rights() {
        let mut book = book(0);
        assert_eq!(book.set_code(slot(40), slot(5), "4321"), Ok(()));
        assert_eq!(book.set_code(slot(40), slot(6), "8765"), Ok(()));
        assert!(!book.may_manage(slot(5)));
        assert!(book.toggle_attribute(slot(5), Attributes::SUPERVISOR).is_ok());
        assert!(book.may_manage(slot(5)));
        assert_eq!(book.may_edit(slot(5), slot(6)), Ok(()));
        assert_eq!(book.may_edit(slot(5), slot(40)), Err(Rejected::NotAllowed));
        assert!(book.toggle_partition(slot(5), 2, PartitionSet::first(2)).is_ok());
        assert_eq!(book.may_edit(slot(5), slot(6)), Err(Rejected::NotAllowed), "slot 6 has partition 2");
    }

    #[test]
    fn the_masters_slot_is_neither_emptied_nor_stripped() {
        let mut book = book(0);
        assert_eq!(book.delete(slot(40), slot(40)), Err(Rejected::NotAllowed));
        assert_eq!(book.toggle_attribute(slot(40), 1), Err(Rejected::NotAllowed));
        assert_eq!(book.delete(slot(40), slot(7)), Ok(false), "empty already");
    }

    #[test]
    fn only_what_exists_can_be_toggled() {
        let mut book = book(1);
        assert_eq!(book.toggle_partition(slot(1), 3, PartitionSet::first(2)), Err(Rejected::NoSuchOption));
        assert_eq!(book.toggle_attribute(slot(1), 5), Err(Rejected::NoSuchOption));
        assert!(book.slot(48).is_ok());
        assert_eq!(book.slot(49), Err(Rejected::NoSuchSlot));
        assert_eq!(book.slot(0), Err(Rejected::NoSuchSlot));
    }
}
