//! The panel types and what each has. [impl P4 py_panel_type_data.py] [impl HA pyvisonic.py] [impl NL tables.js]

/// The two families, which differ in memory map, numbers and B0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// One-way 868/433 MHz, types 0 to 6.
    PowerMax,
    /// PowerG, types 7 and up.
    PowerMaster,
}

impl Family {
    /// The code that panels of this family take for downloads as they leave the factory.
    #[must_use]
    pub fn factory_download_code(self) -> &'static str {
        match self {
            Self::PowerMax => "5650",
            Self::PowerMaster => "AAAA",
        }
    }
}

/// How a panel becomes enrolled with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrolment {
    /// By our command.
    Automatic,
    /// Somebody has to start it in the installer menu; the panel then asks for it.
    Menu,
    /// Not at all: the panel knows no PowerLink (type 0) or has one of its own (360).
    Never,
}

/// What panels of one type have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Model {
    pub panel_type: u8,
    pub name: &'static str,
    pub family: Family,
    pub users: u8,
    pub tags: u8,
    pub zones: u8,
    pub keyfobs: u8,
    pub sirens: u8,
    /// Rows of its event log.
    pub events: u16,
    /// Partitions that the panel has.
    pub partitions: u8,
    pub enrolment: Enrolment,
    /// Takes `AB 0A 00 01` from us.
    pub init: bool,
    /// Wants the other checksum in our AB messages.
    pub ab_plus_one: bool,
}

use Enrolment::{Automatic, Menu, Never};

const MAX: Model = Model {
    panel_type: 0,
    name: "PowerMax",
    family: Family::PowerMax,
    users: 8,
    tags: 0,
    zones: 30,
    keyfobs: 8,
    sirens: 2,
    events: 250,
    partitions: 1,
    enrolment: Never,
    init: false,
    ab_plus_one: false,
};

const MASTER: Model = Model {
    panel_type: 8,
    name: "PowerMaster 30",
    family: Family::PowerMaster,
    users: 48,
    tags: 32,
    zones: 64,
    keyfobs: 32,
    sirens: 8,
    events: 1000,
    partitions: 3,
    enrolment: Automatic,
    init: true,
    ab_plus_one: true,
};

/// Every known type.
pub const MODELS: &[Model] = &[
    MAX,
    Model { panel_type: 1, name: "PowerMax+", enrolment: Menu, ..MAX },
    Model { panel_type: 2, name: "PowerMax Pro", tags: 8, enrolment: Menu, ..MAX },
    Model { panel_type: 3, name: "PowerMax Complete", enrolment: Automatic, ..MAX },
    Model { panel_type: 4, name: "PowerMax Pro Part", tags: 8, partitions: 3, enrolment: Automatic, init: true, ..MAX },
    Model {
        panel_type: 5,
        name: "PowerMax Complete Part",
        tags: 8,
        partitions: 3,
        enrolment: Automatic,
        init: true,
        ..MAX
    },
    Model { panel_type: 6, name: "PowerMax Express", enrolment: Automatic, init: true, ..MAX },
    Model {
        panel_type: 7,
        name: "PowerMaster 10",
        users: 8,
        tags: 8,
        zones: 30,
        keyfobs: 8,
        sirens: 4,
        events: 250,
        ..MASTER
    },
    MASTER,
    Model { panel_type: 10, name: "PowerMaster 33", ..MASTER },
    Model { panel_type: 13, name: "PowerMaster 360", enrolment: Never, ab_plus_one: false, ..MASTER },
    Model { panel_type: 15, name: "PowerMaster 33", ..MASTER },
    Model { panel_type: 16, name: "PowerMaster 360R", enrolment: Never, ab_plus_one: false, ..MASTER },
];

impl Model {
    /// The model of a panel type. Types that nobody has named (9, 11, 12, 14 and from 17 on) are taken for something
    /// like a PowerMaster 30 [impl P4].
    #[must_use]
    pub fn of(panel_type: u8) -> Self {
        let known = MODELS.iter().find(|model| model.panel_type == panel_type).copied();
        let like_a_30 = || {
            let ab_plus_one = (7..=12).contains(&panel_type) || panel_type == 14;
            Model { panel_type, name: "PowerMaster", ab_plus_one, ..MASTER }
        };
        known.unwrap_or_else(like_a_30)
    }

    /// Whether partitions can be told apart over this protocol: not on a PowerMax, whose status does not say which
    /// one it speaks of [impl P4].
    #[must_use]
    pub fn tells_partitions(&self) -> bool {
        self.family == Family::PowerMaster && self.partitions > 1
    }
}

/// The name of a zone type, as installers know it [impl PX refs.py].
#[must_use]
pub fn zone_type(number: u8) -> &'static str {
    const NAMES: [&str; 17] = [
        "non-alarm",
        "emergency",
        "flood",
        "gas",
        "delay 1",
        "delay 2",
        "interior-follow",
        "perimeter",
        "perimeter-follow",
        "24h silent",
        "24h audible",
        "fire",
        "interior",
        "home delay",
        "temperature",
        "outdoor",
        "none",
    ];
    NAMES.get(usize::from(number)).copied().unwrap_or("unknown")
}

/// The number of a zone type in a byte of A6 [impl P4].
#[must_use]
pub fn zone_type_of_a6(byte: u8) -> u8 {
    byte.wrapping_sub(0x1E) & 0x0F
}

/// The fixed zone names in English, for panels whose own table was not read; 26 to 30 are custom, 31 is none.
#[must_use]
pub fn zone_name(index: u8) -> Option<&'static str> {
    const NAMES: [&str; 26] = [
        "Attic",
        "Back door",
        "Basement",
        "Bathroom",
        "Bedroom",
        "Child room",
        "Conservatory",
        "Play room",
        "Dining room",
        "Downstairs",
        "Emergency",
        "Fire",
        "Front door",
        "Garage",
        "Garage door",
        "Guest room",
        "Hall",
        "Kitchen",
        "Laundry room",
        "Living room",
        "Master bathroom",
        "Master bedroom",
        "Office",
        "Upstairs",
        "Utility room",
        "Yard",
    ];
    NAMES.get(usize::from(index)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacities_follow_the_type() {
        let rows = [(1, 8, 0, 30, 1), (2, 8, 8, 30, 1), (5, 8, 8, 30, 3), (7, 8, 8, 30, 3), (8, 48, 32, 64, 3)];
        for (panel_type, users, tags, zones, partitions) in rows {
            let model = Model::of(panel_type);
            let found = (model.users, model.tags, model.zones, model.partitions);
            assert_eq!(found, (users, tags, zones, partitions), "{}", model.name);
        }
        assert_eq!(Model::of(9).users, 48, "an unnamed type is like a PowerMaster 30");
        assert!(!Model::of(5).tells_partitions() && Model::of(7).tells_partitions());
    }

    #[test]
    fn the_other_checksum_is_for_the_types_that_want_it() {
        let wanting: Vec<_> = (0..=20).filter(|n| Model::of(*n).ab_plus_one).collect();
        assert_eq!(wanting, [7, 8, 9, 10, 11, 12, 14, 15]);
    }

    #[test]
    fn zone_types_of_a6_begin_at_1e() {
        assert_eq!(zone_type(zone_type_of_a6(0x1E)), "non-alarm");
        assert_eq!(zone_type(zone_type_of_a6(0x22)), "delay 1");
        assert_eq!(zone_type(zone_type_of_a6(0x29)), "fire");
    }
}
