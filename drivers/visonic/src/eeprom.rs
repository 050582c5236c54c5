//! The panel's memory: which parts of it we read, and what stands there. An allow-list: nothing else is asked for,
//! and nothing is ever written. [impl P4 py_eprom.py] [impl NL settings.js] [impl OH]

use panel_model::Label;

use crate::message::{Hidden, WireCode};
use crate::model::{Family, Model};

/// Addresses (dossier 5.2). "Max" and "master" stand for the families where these differ.
#[allow(missing_docs, reason = "the names say it")]
pub mod address {
    pub const CLOCK: u16 = 0x00F8;
    pub const DELAYS: u16 = 0x0101;
    pub const BELL_TIME: u16 = 0x0104;
    pub const DURESS_CODE: u16 = 0x0111;
    pub const OPTIONS: u16 = 0x0114;
    pub const HOUSE_NAME: u16 = 0x01AC;
    pub const USER_CODES_MAX: u16 = 0x01FA;
    pub const INSTALLER_CODES: u16 = 0x020A;
    pub const DOWNLOAD_CODES: u16 = 0x020E;
    pub const PARTITIONS: u16 = 0x0300;
    pub const ZONE_PARTITIONS: u16 = 0x0311;
    pub const EEPROM_VERSION: u16 = 0x0400;
    pub const SOFTWARE_VERSION: u16 = 0x0410;
    pub const SERIAL: u16 = 0x0430;
    pub const MODEL: u16 = 0x0436;
    pub const PANEL_TYPE: u16 = 0x0437;
    pub const ZONES: u16 = 0x0900;
    pub const ZONE_NAMES_MASTER: u16 = 0x0960;
    pub const USER_CODES_MASTER: u16 = 0x0A98;
    pub const ZONE_NAMES_MAX: u16 = 0x0B40;
    pub const NAME_TABLE: u16 = 0x1900;
    pub const ZONE_DEVICES_MASTER: u16 = 0xB872;
}

/// Most bytes that one block brings.
pub const MAX_BLOCK: u16 = 0xB0;
/// Length of one zone name.
const NAME_LENGTH: usize = 16;
/// Names in the table at [`address::NAME_TABLE`]: fixed and custom ones.
const NAMES: u16 = 31;
/// Index of a zone without a name.
const NO_NAME: u8 = 0x1F;

/// What is read from the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Item {
    /// User permit, upload option, quick arm, bypass mode.
    Options,
    UserCodes,
    /// Five slots of which sources disagree what they are.
    InstallerCodes,
    PartitionsEnabled,
    ZonePartitions,
    SoftwareVersion,
    /// Serial number, model, panel type.
    Identity,
    /// PowerMax: sensor and type of each zone. PowerMaster: type of each zone.
    Zones,
    ZoneNames,
    /// PowerMaster: the enrolled device of each zone.
    ZoneDevices,
    NameTable,
}

impl Item {
    /// Address and length, on a panel of that model; `None` where the family has no such thing.
    #[must_use]
    pub fn region(self, model: &Model) -> Option<(u16, u16)> {
        let master = model.family == Family::PowerMaster;
        let (users, zones) = (u16::from(model.users), u16::from(model.zones));
        Some(match self {
            Self::Options => (address::OPTIONS, 10),
            Self::UserCodes if master => (address::USER_CODES_MASTER, 2 * users),
            Self::UserCodes => (address::USER_CODES_MAX, 2 * users),
            Self::InstallerCodes => (address::INSTALLER_CODES, 10),
            Self::PartitionsEnabled => (address::PARTITIONS, 1),
            Self::ZonePartitions => (address::ZONE_PARTITIONS, zones),
            Self::SoftwareVersion => (address::SOFTWARE_VERSION, 16),
            Self::Identity => (address::SERIAL, 8),
            Self::Zones => (address::ZONES, if master { zones } else { 4 * zones }),
            Self::ZoneNames if master => (address::ZONE_NAMES_MASTER, zones),
            Self::ZoneNames => (address::ZONE_NAMES_MAX, zones),
            Self::ZoneDevices if master => (address::ZONE_DEVICES_MASTER, 10 * zones),
            Self::ZoneDevices => return None,
            Self::NameTable => (address::NAME_TABLE, NAMES * 16),
        })
    }
}

/// What was read so far. May hold codes; wiped on drop.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    regions: Vec<(u16, Hidden)>,
}

impl Memory {
    /// Keeps the bytes of a region, in place of what was known at that address.
    pub fn store(&mut self, address: u16, bytes: Hidden) {
        self.regions.retain(|(known, _)| *known != address);
        self.regions.push((address, bytes));
    }

    /// The bytes of an item, if it was read.
    #[must_use]
    pub fn item(&self, item: Item, model: &Model) -> Option<&[u8]> {
        let (address, length) = item.region(model)?;
        let (_, bytes) = self.regions.iter().find(|(known, _)| *known == address)?;
        bytes.get(..usize::from(length))
    }

    /// Forgets the codes that it holds; everything else is kept.
    pub fn forget_codes(&mut self, model: &Model) {
        for item in [Item::UserCodes, Item::InstallerCodes] {
            if let Some((address, _)) = item.region(model) {
                self.regions.retain(|(known, _)| *known != address);
            }
        }
    }
}

/// The codes of a table, two bytes each.
#[must_use]
pub fn codes(table: &[u8]) -> Vec<WireCode> {
    let (pairs, _) = table.as_chunks::<2>();
    pairs.iter().map(|pair| WireCode::from_bytes(*pair)).collect()
}

/// What [`Item::Options`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The installer menu opens only from inside the master user's menu.
    pub user_permit: bool,
    /// Downloads are allowed while armed too.
    pub upload_any_time: bool,
    /// Arming needs no code.
    pub quick_arm: bool,
    /// Zones can be bypassed one by one.
    pub manual_bypass: bool,
}

impl Options {
    /// Reads the ten bytes from 0x0114 on.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let [permit, _, _, _, _, _, a, b, c, ..] = bytes else { return None };
        Some(Self {
            user_permit: *permit != 0,
            upload_any_time: a & 0x04 != 0,
            quick_arm: b & 0x08 != 0,
            manual_bypass: c >> 6 != 0,
        })
    }
}

/// What [`Item::Identity`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Digits.
    pub serial: String,
    /// Model within the type.
    pub model: u8,
    /// Panel type; must be the one of the 3C message.
    pub panel_type: u8,
}

impl Identity {
    /// Reads the eight bytes from 0x0430 on.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let [serial @ .., model, panel_type] = bytes.get(..8)? else { return None };
        let nibbles = serial.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
        let serial = nibbles.filter_map(|nibble| char::from_digit(u32::from(nibble), 10)).collect();
        Some(Self { serial, model: *model, panel_type: *panel_type })
    }
}

/// One zone, as it is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ZoneSetup {
    pub zone: u8,
    /// See [`crate::model::zone_type`].
    pub zone_type: u8,
    /// Index into the table of names.
    pub name: Option<u8>,
    /// Bit 0 is partition 1; `None` where it was not read.
    pub partitions: Option<u8>,
}

/// The zones that have a sensor.
#[must_use]
pub fn zones(memory: &Memory, model: &Model) -> Vec<ZoneSetup> {
    let Some(table) = memory.item(Item::Zones, model) else { return Vec::new() };
    let names = memory.item(Item::ZoneNames, model).unwrap_or_default();
    let partitions = memory.item(Item::ZonePartitions, model);
    let zone_type = |at: usize| match model.family {
        Family::PowerMax => {
            let row = table.get(4 * at..4 * at + 4)?;
            let enrolled = row.get(..3)?.iter().any(|byte| !matches!(byte, 0x00 | 0xFF));
            enrolled.then(|| row.last().map(|byte| byte & 0x0F)).flatten()
        }
        Family::PowerMaster => {
            let device = memory.item(Item::ZoneDevices, model)?.get(10 * at..10 * at + 10)?;
            let enrolled = device.get(..5)?.iter().any(|byte| !matches!(byte, 0x00 | 0xFF));
            enrolled.then(|| table.get(at).copied()).flatten()
        }
    };
    let setup = |number: u8| {
        let at = usize::from(number) - 1;
        Some(ZoneSetup {
            zone: number,
            zone_type: zone_type(at)?,
            name: names.get(at).copied().filter(|index| *index < NO_NAME),
            partitions: partitions.and_then(|masks| masks.get(at)).copied(),
        })
    };
    (1..=model.zones).filter_map(setup).collect()
}

/// A name out of [`Item::NameTable`]; panels pad with blanks, some with FF.
#[must_use]
pub fn name(table: &[u8], index: u8) -> Option<Label> {
    let start = usize::from(index) * NAME_LENGTH;
    let bytes = table.get(start..start + NAME_LENGTH)?;
    text(bytes)
}

/// Text of the memory: printable ASCII; everything else reads as a blank.
#[must_use]
pub fn text(bytes: &[u8]) -> Option<Label> {
    let shown = |byte: &u8| if (0x20..0x7F).contains(byte) { char::from(*byte) } else { ' ' };
    Label::from_panel(&bytes.iter().map(shown).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allow_list_is_where_the_dossier_says() {
        let (max, master) = (Model::of(5), Model::of(8));
        let rows = [
            (Item::UserCodes, Some((0x01FA, 16)), Some((0x0A98, 96))),
            (Item::InstallerCodes, Some((0x020A, 10)), Some((0x020A, 10))),
            (Item::Identity, Some((0x0430, 8)), Some((0x0430, 8))),
            (Item::Zones, Some((0x0900, 120)), Some((0x0900, 64))),
            (Item::ZoneNames, Some((0x0B40, 30)), Some((0x0960, 64))),
            (Item::ZoneDevices, None, Some((0xB872, 640))),
            (Item::NameTable, Some((0x1900, 496)), Some((0x1900, 496))),
        ];
        for (item, on_max, on_master) in rows {
            assert_eq!((item.region(&max), item.region(&master)), (on_max, on_master), "{item:?}");
        }
        assert_eq!(Item::UserCodes.region(&Model::of(7)), Some((0x0A98, 16)));
    }

    #[test]
    fn zones_of_a_powermax_come_with_their_type_and_name() {
        let model = Model::of(5);
        let mut memory = Memory::default();
        let mut table = vec![0; 120];
        table[4..8].copy_from_slice(&[0x12, 0x34, 0x05, 0x37]);
        memory.store(0x0900, Hidden::new(table));
        memory.store(0x0B40, Hidden::new([vec![0x1F, 0x0C], vec![0x1F; 28]].concat()));
        let found = zones(&memory, &model);
        assert_eq!(found, [ZoneSetup { zone: 2, zone_type: 7, name: Some(12), partitions: None }]);
    }

    #[test]
    fn zones_of_a_powermaster_need_a_device() {
        let model = Model::of(8);
        let mut memory = Memory::default();
        memory.store(0x0900, Hidden::new(vec![4; 64]));
        memory.store(0x0311, Hidden::new(vec![3; 64]));
        assert!(zones(&memory, &model).is_empty(), "without the devices nobody knows");
        let mut devices = vec![0; 640];
        devices[630..636].copy_from_slice(&[1, 2, 3, 4, 5, 0x2A]);
        memory.store(0xB872, Hidden::new(devices));
        let found = zones(&memory, &model);
        assert_eq!(found, [ZoneSetup { zone: 64, zone_type: 4, name: None, partitions: Some(3) }]);
    }

    #[test]
    fn options_stand_in_their_bits() {
        let options = Options::of(&[1, 0, 0, 0, 0, 0, 0x04, 0x08, 0x80, 0]).expect("ten bytes");
        assert_eq!(options, Options { user_permit: true, upload_any_time: true, quick_arm: true, manual_bypass: true });
        assert_eq!(Options::of(&[0; 4]), None);
    }

    #[test]
    fn names_and_serials_are_read_as_people_write_them() {
        assert_eq!(name(b"Attic           Back door       ", 1).map(|l| l.to_string()), Some("Back door".into()));
        assert_eq!(name(&[0xFF; 16], 0), None);
        let identity = Identity::of(&[0x12, 0x34, 0x56, 0x7F, 0xFF, 0xFF, 0x4F, 0x05]).expect("eight bytes");
        assert_eq!(identity, Identity { serial: "1234567".into(), model: 0x4F, panel_type: 5 });
    }

    #[test]
    fn codes_can_be_forgotten() {
        let model = Model::of(5);
        let mut memory = Memory::default();
        memory.store(0x01FA, Hidden::new([0x11; 16]));
        memory.store(0x0300, Hidden::new([1]));
        memory.forget_codes(&model);
        assert_eq!(memory.item(Item::UserCodes, &model), None);
        assert_eq!(memory.item(Item::PartitionsEnabled, &model), Some(&[1][..]));
    }
}
