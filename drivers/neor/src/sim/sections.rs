//! Installer programming by section number: what 0721 reads and 0722 writes (dossier 3.5).

use panel_model::{AccessCode, InstallerCode, Partition, PartitionSet};

use super::options::SimConfig;
use super::panel::Panel;
use super::signal::Signal;
use super::text::{Filler, LABEL_UNITS, Text};
use super::users::{Holder, MASTER, Rejected};
use crate::message::{Digits, ResponseCode as Refused, SectionAddress};

/// What is kept in sections and nowhere else.
pub(super) struct Memory {
    pub(super) system_label: Text,
    /// Partition 1 comes first; all that the model has.
    pub(super) partition_labels: Vec<Text>,
    maintenance: Option<AccessCode>,
    guard: Option<AccessCode>,
}

/// For made-up partitions.
const NAMES: [&str; 4] = ["House", "Workshop", "Office", "Garage"];
/// Longest content of one answer `[impl NH]`.
const MOST_BYTES: usize = 255;

impl Memory {
    pub(super) fn new(config: &SimConfig) -> Self {
        let label = |number: u8| match NAMES.get(usize::from(number) - 1) {
            Some(name) if number <= config.partitions => Text::new(name),
            _ => Text::new(&format!("Partition {number}")),
        };
        Self {
            system_label: Text::new("Simulated Panel"),
            partition_labels: (1..=config.model.capacity().partitions).map(label).collect(),
            maintenance: None,
            guard: None,
        }
    }
}

/// One item of programming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    ZoneLabel(u16),
    SystemLabel,
    PartitionLabel(Partition),
    ZoneType(u16),
    ZoneAttributes(u16),
    InstallerCode,
    MasterCode,
    MaintenanceCode,
    GuardCode,
    CodeLength,
    PartitionInUse(Partition),
    /// Eight zones of a partition, from this one on.
    PartitionZones(Partition, u16),
    Reporting(u16),
}

impl Panel {
    /// The content of a section, or of so many in a row.
    pub(super) fn read_section(&self, address: &SectionAddress) -> Result<Vec<u8>, Refused> {
        let mut content = Vec::new();
        for item in self.items(address)? {
            content.extend(self.read_item(item)?);
        }
        if content.len() > MOST_BYTES { Err(Refused::OutOfRange) } else { Ok(content) }
    }

    /// Writes a section, or so many in a row; all or nothing except for codes that are refused.
    pub(super) fn write_section(&mut self, address: &SectionAddress, content: &[u8]) -> Result<(), Refused> {
        let items = self.items(address)?;
        let sizes: Vec<usize> = items.iter().map(|item| self.size(*item)).collect();
        if sizes.iter().sum::<usize>() != content.len() {
            return Err(Refused::BadType);
        }
        let mut rest = content;
        for (item, size) in items.into_iter().zip(sizes) {
            let (bytes, tail) = rest.split_at_checked(size).ok_or(Refused::BadType)?;
            rest = tail;
            self.write_item(item, bytes)?;
        }
        self.signal(Signal::SectionWritten(address.main));
        Ok(())
    }

    /// What index and module number do is not known, so they are refused.
    fn items(&self, address: &SectionAddress) -> Result<Vec<Item>, Refused> {
        if address.index.is_some() || address.module.is_some() {
            return Err(Refused::NotAvailable);
        }
        let count = u16::from(address.count.unwrap_or(1));
        let (last, fixed) = match address.subs.split_last() {
            Some((last, fixed)) => (Some(*last), fixed),
            None => (None, &[][..]),
        };
        if count == 0 || (last.is_none() && count > 1) {
            return Err(Refused::OutOfRange);
        }
        let item = |n: u16| {
            let last = last.map(|last| last.saturating_add(n));
            self.item(address.main, fixed, last).ok_or(Refused::OutOfRange)
        };
        (0..count).map(item).collect()
    }

    fn item(&self, main: u16, fixed: &[u16], last: Option<u16>) -> Option<Item> {
        let zone = |zone: u16| (1..=self.model.capacity().zones).contains(&zone).then_some(zone);
        let partition = |n: u16| {
            let known = n <= u16::from(self.model.capacity().partitions);
            Partition::new(n.into()).ok().filter(|_| known)
        };
        Some(match (main, fixed, last) {
            (0, [1], Some(n)) => Item::ZoneLabel(zone(n)?),
            (0, [], Some(100)) => Item::SystemLabel,
            (0, [], Some(n)) => Item::PartitionLabel(partition(n.checked_sub(100)?)?),
            (1, [], Some(n)) => Item::ZoneType(zone(n)?),
            (2, [], Some(n)) => Item::ZoneAttributes(zone(n)?),
            (6, [], Some(1)) => Item::InstallerCode,
            (6, [], Some(2)) => Item::MasterCode,
            (6, [], Some(3)) => Item::MaintenanceCode,
            (6, [], Some(4)) => Item::GuardCode,
            (41, [], None) => Item::CodeLength,
            (200, [], Some(n)) => Item::PartitionInUse(partition(n)?),
            (201..=232, [], Some(n)) => {
                Item::PartitionZones(partition(main - 200)?, zone(n.checked_sub(1)?.checked_mul(8)? + 1)?)
            }
            (307, [], Some(n)) => Item::Reporting(zone(n)?),
            _ => return None,
        })
    }

    fn size(&self, item: Item) -> usize {
        match item {
            Item::ZoneLabel(_) | Item::SystemLabel | Item::PartitionLabel(_) => 2 * LABEL_UNITS,
            Item::ZoneAttributes(_) => 2,
            Item::InstallerCode | Item::MasterCode | Item::MaintenanceCode | Item::GuardCode => self.users.width(),
            Item::ZoneType(_)
            | Item::CodeLength
            | Item::PartitionInUse(_)
            | Item::PartitionZones(..)
            | Item::Reporting(_) => 1,
        }
    }

    fn read_item(&self, item: Item) -> Result<Vec<u8>, Refused> {
        let zone = |zone: u16| self.zone(zone).ok_or(Refused::OutOfRange);
        let label = |text: &Text| text.to_be_bytes(LABEL_UNITS, Filler::Spaces);
        Ok(match item {
            Item::ZoneLabel(n) => label(&zone(n)?.label),
            Item::SystemLabel => label(&self.memory.system_label),
            Item::PartitionLabel(p) => label(self.partition_label(p).ok_or(Refused::OutOfRange)?),
            Item::ZoneType(n) => vec![zone(n)?.zone_type],
            Item::ZoneAttributes(n) => zone(n)?.attributes.to_vec(),
            Item::InstallerCode => self.bcd(Some(self.users.installer.expose())),
            Item::MasterCode if self.options.master_readable => self.bcd(self.users.master().map(AccessCode::expose)),
            Item::MasterCode => return Err(Refused::NotAvailable),
            Item::MaintenanceCode => self.bcd(self.memory.maintenance.as_ref().map(AccessCode::expose)),
            Item::GuardCode => self.bcd(self.memory.guard.as_ref().map(AccessCode::expose)),
            Item::CodeLength => vec![match self.users.length() {
                4 => 0,
                6 => 1,
                _ => 2,
            }],
            Item::PartitionInUse(p) => vec![self.units.contains_key(&p).into()],
            Item::PartitionZones(p, first) => vec![self.zone_byte(p, first)],
            Item::Reporting(n) => vec![zone(n)?.reporting],
        })
    }

    fn write_item(&mut self, item: Item, bytes: &[u8]) -> Result<(), Refused> {
        let first = bytes.first().copied().unwrap_or(0);
        match item {
            Item::ZoneLabel(n) => self.zone_to_write(n)?.label = Text::from_be_bytes(bytes),
            Item::SystemLabel => self.memory.system_label = Text::from_be_bytes(bytes),
            Item::PartitionLabel(p) => {
                let index = usize::from(p.number()) - 1;
                *self.memory.partition_labels.get_mut(index).ok_or(Refused::OutOfRange)? = Text::from_be_bytes(bytes);
            }
            Item::ZoneType(n) => self.zone_to_write(n)?.zone_type = first,
            Item::ZoneAttributes(n) => {
                self.zone_to_write(n)?.attributes = bytes.try_into().map_err(|_| Refused::BadType)?
            }
            Item::InstallerCode => {
                let code = self.special_code(bytes, Some(Holder::Installer))?.ok_or(Refused::NotAvailable)?;
                self.users.installer = InstallerCode::new(code.expose().to_owned());
                self.signal(Signal::InstallerCodeChanged);
            }
            Item::MasterCode => {
                let code = self.special_code(bytes, Some(Holder::User(MASTER)))?;
                let done = self.users.set_code(MASTER, MASTER, code.as_ref().map(AccessCode::expose));
                done.map_err(|rejected| self.refusal(rejected))?;
            }
            Item::MaintenanceCode => self.memory.maintenance = self.special_code(bytes, None)?,
            Item::GuardCode => self.memory.guard = self.special_code(bytes, None)?,
            // What becomes of the codes is not documented.
            Item::CodeLength => return Err(Refused::NotAvailable),
            Item::PartitionInUse(p) => self.enable_partition(p, first != 0),
            Item::PartitionZones(p, zone) => self.set_zone_byte(p, zone, first),
            Item::Reporting(n) => self.zone_to_write(n)?.reporting = first,
        }
        Ok(())
    }

    fn zone_to_write(&mut self, zone: u16) -> Result<&mut super::zones::ZoneUnit, Refused> {
        self.zone_mut(zone).ok_or(Refused::OutOfRange)
    }

    pub(super) fn partition_label(&self, partition: Partition) -> Option<&Text> {
        self.memory.partition_labels.get(usize::from(partition.number()) - 1)
    }

    fn bcd(&self, code: Option<&str>) -> Vec<u8> {
        let blank = "A".repeat(2 * self.users.width());
        Digits::parse(code.unwrap_or(&blank)).map(|digits| digits.to_bytes().to_vec()).unwrap_or_default()
    }

    /// A code written to section 006; `None` is an empty place. Nobody else may have it.
    fn special_code(&self, bytes: &[u8], holder: Option<Holder>) -> Result<Option<AccessCode>, Refused> {
        let digits = Digits::from_bytes(bytes);
        if digits.is_blank() {
            return Ok(None);
        }
        let code = digits.code().ok_or(Refused::BadType)?;
        match self.users.holder(code.expose()) {
            Some(other) if Some(other) != holder => Err(self.refusal(Rejected::Duplicate)),
            _ => Ok(Some(code)),
        }
    }

    /// How the panel says no to a write of user data `[inferred]`.
    pub(super) fn refusal(&self, rejected: Rejected) -> Refused {
        match rejected {
            Rejected::NoSuchSlot => Refused::OutOfRange,
            Rejected::NotAllowed => Refused::NotAvailable,
            Rejected::Duplicate => Refused::from_byte(self.options.duplicate_answer),
            Rejected::BadCode => Refused::BadType,
            Rejected::NoSuchPartition => Refused::BadPartition,
        }
    }

    /// Lowest zone in the highest bit.
    fn zone_byte(&self, partition: Partition, first: u16) -> u8 {
        let has = |zone: u16| self.zone(zone).is_some_and(|unit| unit.partitions.contains(partition));
        (first..first + 8).fold(0, |byte, zone| byte << 1 | u8::from(has(zone)))
    }

    fn set_zone_byte(&mut self, partition: Partition, first: u16, byte: u8) {
        let one: PartitionSet = std::iter::once(partition).collect();
        for (bit, zone) in (0..8).rev().zip(first..) {
            let Some(unit) = self.zone_mut(zone) else { continue };
            if unit.partitions.contains(partition) != (byte >> bit & 1 == 1) {
                unit.partitions = unit.partitions.difference(one);
            }
        }
    }
}
