//! Which panels there are, and how much each holds (dossier 5.10). The simulator's own table: a slip in the driver's
//! must not find its twin here.

/// The two families: they differ in memory map, numbers of devices and in whether B0 messages exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the vendor's")]
pub enum Family {
    PowerMax,
    PowerMaster,
}

/// A panel model, with the type byte that it reports in `3C`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the vendor's")]
pub enum Model {
    PowerMaxPlus,
    PowerMaxPro,
    PowerMaxComplete,
    PowerMaxProPart,
    PowerMaxCompletePart,
    PowerMaxExpress,
    PowerMaster10,
    PowerMaster30,
    PowerMaster33,
    PowerMaster360,
    PowerMaster360R,
}

struct Facts {
    /// Type and model byte.
    bytes: (u8, u8),
    name: &'static str,
    tags: u8,
    /// Wireless and wired zones.
    zones: (u8, u8),
    partitions: u8,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::PowerMaxPlus,
        Self::PowerMaxPro,
        Self::PowerMaxComplete,
        Self::PowerMaxProPart,
        Self::PowerMaxCompletePart,
        Self::PowerMaxExpress,
        Self::PowerMaster10,
        Self::PowerMaster30,
        Self::PowerMaster33,
        Self::PowerMaster360,
        Self::PowerMaster360R,
    ];

    const fn facts(self) -> Facts {
        let (bytes, name, tags, zones, partitions) = match self {
            Self::PowerMaxPlus => ((1, 0x21), "PowerMax+", 0, (28, 2), 1),
            Self::PowerMaxPro => ((2, 0x16), "PowerMax Pro", 8, (28, 2), 1),
            Self::PowerMaxComplete => ((3, 0x13), "PowerMax Complete", 0, (28, 2), 1),
            Self::PowerMaxProPart => ((4, 0x51), "PowerMax Pro Part", 8, (28, 2), 3),
            Self::PowerMaxCompletePart => ((5, 0x4F), "PowerMax Complete Part", 8, (28, 2), 3),
            Self::PowerMaxExpress => ((6, 0x63), "PowerMax Express", 0, (29, 1), 1),
            Self::PowerMaster10 => ((7, 0x20), "PowerMaster-10", 8, (29, 1), 3),
            Self::PowerMaster30 => ((8, 0x06), "PowerMaster-30", 32, (62, 2), 3),
            Self::PowerMaster33 => ((10, 0x47), "PowerMaster-33", 32, (62, 2), 3),
            Self::PowerMaster360 => ((13, 0x01), "PowerMaster-360", 32, (64, 0), 3),
            Self::PowerMaster360R => ((16, 0x01), "PowerMaster-360R", 32, (64, 0), 3),
        };
        Facts { bytes, name, tags, zones, partitions }
    }

    /// The model with this type byte.
    #[must_use]
    pub fn of_type(type_byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.type_byte() == type_byte)
    }

    /// The model by its name; case, blanks, dashes and underscores do not count.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let plain = |text: &str| -> String {
            text.chars().filter(|c| !matches!(c, ' ' | '-' | '_')).map(|c| c.to_ascii_lowercase()).collect()
        };
        Self::ALL.into_iter().find(|model| plain(model.name()) == plain(name))
    }

    /// Offset 6 of `3C` and EEPROM 0x0437.
    #[must_use]
    pub fn type_byte(self) -> u8 {
        self.facts().bytes.0
    }

    /// Offset 5 of `3C` and EEPROM 0x0436. Those of types 3, 6, 13 and 16 are made up: nobody has written them down.
    #[must_use]
    pub fn model_byte(self) -> u8 {
        self.facts().bytes.1
    }

    /// The name; a PowerMaster says it in setting 003C.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Types below 7 are PowerMax.
    #[must_use]
    pub fn family(self) -> Family {
        if self.type_byte() < 7 { Family::PowerMax } else { Family::PowerMaster }
    }

    pub(super) fn is_master(self) -> bool {
        self.family() == Family::PowerMaster
    }

    /// The 48-user panels: everything above a PowerMaster-10.
    fn is_big(self) -> bool {
        self.type_byte() > 7
    }

    /// User slots.
    #[must_use]
    pub fn users(self) -> u8 {
        if self.is_big() { 48 } else { 8 }
    }

    /// Proximity tags; tag n is user n's.
    #[must_use]
    pub fn tags(self) -> u8 {
        self.facts().tags
    }

    /// Zones, the wired ones last.
    #[must_use]
    pub fn zones(self) -> u8 {
        self.facts().zones.0 + self.facts().zones.1
    }

    /// Zones that a radio detector can stand for.
    #[must_use]
    pub fn wireless_zones(self) -> u8 {
        self.facts().zones.0
    }

    /// Partitions, where they are switched on.
    #[must_use]
    pub fn partitions(self) -> u8 {
        self.facts().partitions
    }

    /// Events that the log holds.
    #[must_use]
    pub fn log_size(self) -> u16 {
        if self.is_big() { 1000 } else { 250 }
    }

    pub(super) fn keyfobs(self) -> u8 {
        if self.is_big() { 32 } else { 8 }
    }

    /// Two-way and one-way keypads.
    pub(super) fn keypads(self) -> (u8, u8) {
        match (self.is_master(), self.is_big()) {
            (false, _) => (2, 8),
            (true, false) => (8, 0),
            (true, true) => (32, 0),
        }
    }

    pub(super) fn sirens(self) -> u8 {
        match (self.is_master(), self.is_big()) {
            (false, _) => 2,
            (true, false) => 4,
            (true, true) => 8,
        }
    }

    /// Whether `AB 0A 00 00` enrols it. The others need their installer menu, or have a PowerLink of their own.
    #[must_use]
    pub fn enrols_by_command(self) -> bool {
        !matches!(self.type_byte(), 0..=2 | 13 | 16)
    }

    /// Has a PowerLink built in and takes no second one.
    pub(super) fn has_own_powerlink(self) -> bool {
        matches!(self.type_byte(), 13 | 16)
    }

    /// Whether it knows INIT, `AB 0A 00 01`.
    #[must_use]
    pub fn knows_init(self) -> bool {
        self.type_byte() >= 4
    }

    /// Download code as it leaves the factory, four hexadecimal digits.
    #[must_use]
    pub fn factory_download_code(self) -> &'static str {
        if self.is_master() { "AAAA" } else { "5650" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_found_by_name_and_type() {
        for model in Model::ALL {
            assert_eq!(Model::by_name(model.name()), Some(model));
            assert_eq!(Model::of_type(model.type_byte()), Some(model));
        }
        assert_eq!(Model::by_name("powermaster 30"), Some(Model::PowerMaster30));
        assert_eq!(Model::by_name("powermax_complete_part"), Some(Model::PowerMaxCompletePart));
        assert_eq!(Model::by_name("PowerMaster-50"), None);
    }

    #[test]
    fn capacities_are_those_of_the_family() {
        let rows = [
            (Model::PowerMaxCompletePart, (8, 8, 30, 250, 3)),
            (Model::PowerMaxPlus, (8, 0, 30, 250, 1)),
            (Model::PowerMaster10, (8, 8, 30, 250, 3)),
            (Model::PowerMaster30, (48, 32, 64, 1000, 3)),
        ];
        for (model, (users, tags, zones, log, partitions)) in rows {
            assert_eq!((model.users(), model.tags(), model.zones()), (users, tags, zones), "{model:?}");
            assert_eq!((model.log_size(), model.partitions()), (log, partitions), "{model:?}");
        }
    }
}
