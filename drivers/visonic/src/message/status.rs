//! What A5 and A7 say. [impl P4 py_visonic_message_handling.py] [impl PX refs.py] [impl OH]

/// The system status byte; its low five bits count (bit 5 is sometimes set on a PowerMax Complete Part).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemStatus(pub u8);

impl SystemStatus {
    /// Set in a status whose delays are switched off.
    pub(crate) const INSTANT: u8 = 0x10;
    /// The last one that has such a form: armed away.
    pub(crate) const LAST_WITH_INSTANT: u8 = 0x05;
    /// While a host reads the memory.
    pub const DOWNLOADING: Self = Self(0x07);

    /// The byte without the bits that say nothing.
    #[must_use]
    pub fn code(self) -> u8 {
        self.0 & 0x1F
    }

    /// A name for `decode`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.code() {
            0x00 => "disarmed",
            0x01 => "exit_delay_home",
            0x02 => "exit_delay_away",
            0x03 => "entry_delay",
            0x04 => "armed_home",
            0x05 => "armed_away",
            0x06 => "user_test",
            0x07 => "downloading",
            0x08 => "programming",
            0x09 => "installer_menu",
            0x0A => "home_bypassed",
            0x0B => "away_bypassed",
            0x0C => "ready",
            0x0D => "not_ready",
            0x0E => "night",
            0x0F => "night_bypassed",
            0x10 => "disarmed_instant",
            0x11 => "exit_delay_home_instant",
            0x12 => "exit_delay_away_instant",
            0x13 => "entry_delay_instant",
            0x14 => "armed_home_instant",
            0x15 => "armed_away_instant",
            _ => "unknown",
        }
    }
}

/// The flags beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(pub u8);

#[allow(missing_docs, reason = "the names say it")]
impl Flags {
    pub const READY: u8 = 0x01;
    pub const ALERT_IN_MEMORY: u8 = 0x02;
    pub const TROUBLE: u8 = 0x04;
    pub const BYPASS_ON: u8 = 0x08;
    pub const LAST_TEN_SECONDS: u8 = 0x10;
    pub const ZONE_EVENT: u8 = 0x20;
    pub const ARMING_CHANGED: u8 = 0x40;
    pub const ALARM_EVENT: u8 = 0x80;

    const NAMES: [(u8, &'static str); 8] = [
        (Self::READY, "ready"),
        (Self::ALERT_IN_MEMORY, "alert_in_memory"),
        (Self::TROUBLE, "trouble"),
        (Self::BYPASS_ON, "bypass_on"),
        (Self::LAST_TEN_SECONDS, "last_ten_seconds"),
        (Self::ZONE_EVENT, "zone_event"),
        (Self::ARMING_CHANGED, "arming_changed"),
        (Self::ALARM_EVENT, "alarm_event"),
    ];

    #[must_use]
    pub fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    /// The names of the flags that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(flag, _)| self.has(*flag)).map(|(_, name)| name)
    }
}

/// What happened to a zone, in A5 part 4 while [`Flags::ZONE_EVENT`] is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneEvent(pub u8);

#[allow(missing_docs, reason = "the names say it")]
impl ZoneEvent {
    pub const TAMPER_ALARM: Self = Self(0x01);
    pub const TAMPER_RESTORED: Self = Self(0x02);
    pub const OPENED: Self = Self(0x03);
    pub const CLOSED: Self = Self(0x04);
    pub const VIOLATED: Self = Self(0x05);
    pub const PANIC: Self = Self(0x06);
    pub const TAMPER_OPENED: Self = Self(0x08);
    pub const LOW_BATTERY: Self = Self(0x0D);
    pub const FIRE: Self = Self(0x0F);
    pub const EMERGENCY: Self = Self(0x10);

    /// A name for `decode`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            0x00 => "none",
            0x01 => "tamper_alarm",
            0x02 => "tamper_restored",
            0x03 => "opened",
            0x04 => "closed",
            0x05 => "violated",
            0x06 => "panic",
            0x07 => "rf_jam",
            0x08 => "tamper_opened",
            0x09 => "communication_failure",
            0x0A => "line_failure",
            0x0B => "fuse",
            0x0C => "not_active",
            0x0D => "low_battery",
            0x0E => "ac_failure",
            0x0F => "fire",
            0x10 => "emergency",
            0x11 => "siren_tamper",
            0x12 => "siren_tamper_restored",
            0x13 => "siren_low_battery",
            0x14 => "siren_ac_failure",
            _ => "unknown",
        }
    }
}

/// One part of A5. Bit 0 of a bit mask is zone 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum StatusPart {
    /// Part 1.
    Alarms { alarm: u32, tamper_memory: u32 },
    /// Part 2.
    Open { open: u32, low_battery: u32 },
    /// Part 3. `inactive` means nothing on a PowerMaster.
    Tamper { inactive: u32, tamper: u32 },
    /// Part 4.
    System {
        status: SystemStatus,
        flags: Flags,
        /// Zone of the event; meaningful with [`Flags::ZONE_EVENT`].
        zone: u8,
        event: ZoneEvent,
        unknown: [u8; 2],
        /// Bit 0 is the PGM output.
        outputs: u16,
    },
    /// Part 6.
    Enrolled { enrolled: u32, bypassed: u32 },
    /// A part that nobody has decoded (5, and 7 to 10 hex).
    Other(u8, [u8; 8]),
}

impl StatusPart {
    /// The meaning of a part's eight bytes.
    #[must_use]
    pub fn of(part: u8, data: [u8; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = data;
        let (first, second) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        match part {
            1 => Self::Alarms { alarm: first, tamper_memory: second },
            2 => Self::Open { open: first, low_battery: second },
            3 => Self::Tamper { inactive: first, tamper: second },
            4 => Self::System {
                status: SystemStatus(a),
                flags: Flags(b),
                zone: c,
                event: ZoneEvent(d),
                unknown: [e, f],
                outputs: u16::from_le_bytes([g, h]),
            },
            6 => Self::Enrolled { enrolled: first, bypassed: second },
            other => Self::Other(other, data),
        }
    }

    /// The part's number and its eight bytes.
    #[must_use]
    pub fn bytes(self) -> (u8, [u8; 8]) {
        let masks = |first: u32, second: u32| {
            let ([a, b, c, d], [e, f, g, h]) = (first.to_le_bytes(), second.to_le_bytes());
            [a, b, c, d, e, f, g, h]
        };
        match self {
            Self::Alarms { alarm, tamper_memory } => (1, masks(alarm, tamper_memory)),
            Self::Open { open, low_battery } => (2, masks(open, low_battery)),
            Self::Tamper { inactive, tamper } => (3, masks(inactive, tamper)),
            Self::System { status, flags, zone, event, unknown: [e, f], outputs } => {
                let [g, h] = outputs.to_le_bytes();
                (4, [status.0, flags.0, zone, event.0, e, f, g, h])
            }
            Self::Enrolled { enrolled, bypassed } => (6, masks(enrolled, bypassed)),
            Self::Other(part, data) => (part, data),
        }
    }
}

/// A7: up to four pairs of device and event, or the form with which a PowerMaster speaks (count FF).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPairs {
    /// Pairs that are valid, or FF.
    pub count: u8,
    /// Undecoded; a counter in the FF form.
    pub head: u8,
    /// Payload bytes 3 to 10.
    pub data: [u8; 8],
}

/// A7 FF. With partitions its content is stale or made up: not to be told as an event [impl P4].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct UnreliableEvent {
    pub device: u8,
    pub event: u8,
    pub partition: u8,
    /// FF where the panel means it.
    pub validity: u8,
    pub second_event: u8,
    /// 03 zone, 06 user, 0C panel.
    pub class: u8,
    /// From 0.
    pub class_index: u8,
}

impl EventPairs {
    /// The pairs of device and event; empty in the FF form.
    pub fn pairs(&self) -> impl Iterator<Item = (u8, u8)> {
        let valid = if self.count == 0xFF { 0 } else { usize::from(self.count) };
        let [d1, e1, d2, e2, d3, e3, d4, e4] = self.data;
        [(d1, e1), (d2, e2), (d3, e3), (d4, e4)].into_iter().take(valid)
    }

    /// The FF form.
    #[must_use]
    pub fn unreliable(&self) -> Option<UnreliableEvent> {
        let [device, event, partition, validity, second_event, class, class_index, _] = self.data;
        (self.count == 0xFF).then_some(UnreliableEvent {
            device,
            event,
            partition,
            validity,
            second_event,
            class,
            class_index,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_byte_with_bit_5_is_the_same_status() {
        assert_eq!(SystemStatus(0x25).name(), "armed_away");
        assert_eq!(SystemStatus(0x27).code(), SystemStatus::DOWNLOADING.code());
    }

    #[test]
    fn only_the_pairs_that_are_counted_are_valid() {
        let pairs = EventPairs { count: 2, head: 0, data: [0x1F, 0x52, 0x01, 0xFF, 0, 1, 2, 3] };
        assert_eq!(pairs.pairs().collect::<Vec<_>>(), [(0x1F, 0x52), (0x01, 0xFF)]);
        assert_eq!(EventPairs { count: 0xFF, ..pairs }.pairs().count(), 0);
        assert_eq!(EventPairs { count: 9, ..pairs }.pairs().count(), 4);
    }

    #[test]
    fn parts_of_a_status_keep_their_bytes() {
        for part in 0..=16 {
            let data = [1, 2, 3, 4, 5, 6, 7, 8];
            assert_eq!(StatusPart::of(part, data).bytes(), (part, data));
        }
    }
}
