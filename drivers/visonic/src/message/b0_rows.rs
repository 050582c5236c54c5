//! Rows that B0 tells: of the event log (2A, 36), of troubles (54), and calls for help (3B).
//! [impl PX b0_formatters.py] [impl HA pyvisonic.py, with rows of a real log]

use super::{ClassIndex, Device, EventCode};

/// One row of the event log. 2A tells all of them, newest first; 36 the newest one alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct B0LogRow {
    /// Local wall clock, seconds since 1970.
    pub time: u32,
    pub class: ClassIndex,
    /// Index of the zone or device, from 0.
    pub index: u8,
    /// Index of the user, from 0, where the class is that of users.
    pub user: u8,
    pub event: EventCode,
    /// 0: none. Number or bit, nobody knows: 1 and 2 are the same in both readings.
    pub partition: u8,
    /// Counts the rows; wraps.
    pub number: u8,
}

impl B0LogRow {
    /// Reads the ten bytes of a row.
    #[must_use]
    pub fn of([a, b, c, d, class, index, user, event, partition, number]: [u8; 10]) -> Self {
        Self {
            time: u32::from_le_bytes([a, b, c, d]),
            class: ClassIndex(class),
            index,
            user,
            event: EventCode(event),
            partition,
            number,
        }
    }

    /// The ten bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; 10] {
        let [a, b, c, d] = self.time.to_le_bytes();
        [a, b, c, d, self.class.0, self.index, self.user, self.event.0, self.partition, self.number]
    }

    /// Who or what it is about.
    #[must_use]
    pub fn device(self) -> Device {
        let from_one = |index: u8| index.saturating_add(1);
        match self.class {
            ClassIndex::PANEL => Device::System,
            ClassIndex::ZONE => Device::Zone(from_one(self.index)),
            ClassIndex::USER => Device::User(from_one(self.user)),
            ClassIndex::KEYFOB => Device::Keyfob(from_one(self.index)),
            ClassIndex::KEYPAD => Device::Keypad(from_one(self.index)),
            ClassIndex::SIREN => Device::Siren(from_one(self.index)),
            ClassIndex::TAG => Device::Tag(from_one(self.index)),
            ClassIndex(other) => Device::Unknown(other),
        }
    }
}

/// One row of troubles. Of its codes five are known, and most of these are no troubles: it is shown and not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct TroubleRow {
    pub class: ClassIndex,
    /// Type of the device within its class.
    pub device_type: u8,
    /// From 0.
    pub index: u8,
    pub state: u8,
    pub code: u8,
    /// Index of the zone's name.
    pub name: u8,
}

impl TroubleRow {
    /// Code: only one direction of the radio works.
    pub const ONE_WAY: u8 = 0x09;
    /// Code: a burglary alarm.
    pub const ALARM: u8 = 0x10;
    /// Code: a tamper that is over.
    pub const TAMPER_MEMORY: u8 = 0x13;
    /// Code: the zone is open.
    pub const OPEN: u8 = 0x14;
    /// Code: the tamper contact is open.
    pub const TAMPER: u8 = 0x19;

    /// Reads the nine bytes of a row.
    #[must_use]
    pub fn of([class, device_type, index, _, state, code, _, name, _]: [u8; 9]) -> Self {
        Self { class: ClassIndex(class), device_type, index, state, code, name }
    }

    /// The nine bytes, with zeros where nobody knows what stands there.
    #[must_use]
    pub fn bytes(self) -> [u8; 9] {
        [self.class.0, self.device_type, self.index, 0, self.state, self.code, 0, self.name, 0]
    }

    /// A name of the code for `decode`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.code {
            Self::ONE_WAY => "one_way",
            Self::ALARM => "burglary_alarm",
            Self::TAMPER_MEMORY => "tamper_memory",
            Self::OPEN => "opened",
            Self::TAMPER => "tamper",
            _ => "unknown",
        }
    }
}

/// Somebody called for help at the panel or with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Help {
    Panic,
    Fire,
    Emergency,
}

impl Help {
    const TABLE: [(u8, Self); 3] = [(0x06, Self::Panic), (0x0F, Self::Fire), (0x10, Self::Emergency)];

    /// The byte on the wire.
    #[must_use]
    pub fn byte(self) -> u8 {
        Self::TABLE.iter().find(|(_, help)| *help == self).map_or(0, |(byte, _)| *byte)
    }

    /// The call out of the data of 3B: class, index, unknown, partitions, what, unknown. Other classes than the
    /// panel's were seen to mean something else.
    pub(super) fn of(data: &[u8]) -> Option<Self> {
        match data {
            [class, _, _, _, what, _] if ClassIndex(*class) == ClassIndex::PANEL => {
                Self::TABLE.iter().find(|(byte, _)| byte == what).map(|(_, help)| *help)
            }
            _ => None,
        }
    }

    /// The data of 3B, as it was captured [impl HA].
    #[must_use]
    pub fn data(self, partitions: u8) -> [u8; 6] {
        [ClassIndex::PANEL.0, 0, 0, partitions, self.byte(), 0x14]
    }

    /// A name for `decode`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Fire => "fire",
            Self::Emergency => "emergency",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_real_log_are_read_and_written_back() {
        // [impl HA pyvisonic.py, comment]
        let user = [0x92, 0x73, 0x00, 0x67, 0x06, 0x00, 0x00, 0x55, 0x01, 0x61];
        let zone = [0x83, 0x73, 0x00, 0x67, 0x03, 0x00, 0x00, 0x01, 0x01, 0x6A];
        let panel = [0x92, 0x73, 0x00, 0x67, 0x0C, 0x00, 0x00, 0x1C, 0x00, 0x63];
        let rows = [user, zone, panel].map(B0LogRow::of);
        assert_eq!(rows.map(B0LogRow::device), [Device::User(1), Device::Zone(1), Device::System]);
        assert_eq!(rows.map(|row| row.event.name()), ["disarm", "interior alarm", "general restore"]);
        assert_eq!(rows.map(|row| row.partition), [1, 1, 0]);
        assert_eq!(rows.map(B0LogRow::bytes), [user, zone, panel]);
    }

    #[test]
    fn a_trouble_row_says_which_device_has_what() {
        // [impl PX b0_formatters.py, comment]
        let row = TroubleRow::of([0x03, 0x2D, 0x01, 0x00, 0x02, 0x14, 0x00, 0x0C, 0x02]);
        assert_eq!((row.class, row.index, row.name()), (ClassIndex::ZONE, 1, "opened"));
        assert_eq!(TroubleRow::of(row.bytes()), row);
    }

    #[test]
    fn only_the_panels_own_calls_are_calls_for_help() {
        for help in [Help::Panic, Help::Fire, Help::Emergency] {
            assert_eq!(Help::of(&help.data(3)), Some(help));
        }
        // [impl HA pyvisonic.py, comment]: both frames of a real panel.
        assert_eq!(Help::of(&[0x0C, 0x00, 0x00, 0x03, 0x10, 0x14]), Some(Help::Emergency));
        assert_eq!(Help::of(&[0x03, 0x36, 0x00, 0x03, 0x05, 0xA4]), None);
        assert_eq!(Help::of(&[0x0C, 0, 0, 3, 0x06]), None, "too short");
    }
}
