//! Installer programming by section number: what `*8` writes and the panel goes by `[doc PS]`.

use std::collections::BTreeMap;
use std::time::Duration;

use panel_model::{Partition, PartitionSet, Zone};

use super::options::{SimConfig, Timings};

/// How a section is typed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// So many items of so many digits; complete after the last.
    Items { count: usize, width: usize },
    /// Eight options, each digit toggles one.
    Options,
    /// Two digits choose a part, which then is items.
    Parts,
    /// One access code.
    Code,
    /// Shown on an LCD, not written.
    Text,
    /// Two-digit items without an end.
    Free,
    /// Never to be entered here.
    Barred,
}

/// What a zone does when it opens. Numbers of sections 001 to 004.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ZoneKind {
    Null,
    Delay,
    Instant,
    Interior,
    /// Left out when armed stay.
    InteriorStayAway,
    /// As delay, left out when armed stay.
    DelayStayAway,
    Fire,
    /// Alarms whether armed or not.
    AllDay,
}

impl ZoneKind {
    fn of(number: u8) -> Self {
        match number {
            0 => Self::Null,
            1 | 2 => Self::Delay,
            4 => Self::Interior,
            5 => Self::InteriorStayAway,
            6 => Self::DelayStayAway,
            7 | 8 => Self::Fire,
            9..=22 => Self::AllDay,
            _ => Self::Instant,
        }
    }

    pub(super) fn left_out_when_staying(self) -> bool {
        matches!(self, Self::InteriorStayAway | Self::DelayStayAway)
    }

    pub(super) fn gives_entry_delay(self) -> bool {
        matches!(self, Self::Delay | Self::DelayStayAway)
    }
}

/// Section and option of a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setting(u16, u8);

impl Setting {
    pub(super) const QUICK_ARM: Self = Self(15, 4);
    pub(super) const BYPASS_CODE: Self = Self(15, 5);
    pub(super) const MASTER_LOCKED: Self = Self(15, 6);
    pub(super) const BLANKING: Self = Self(16, 3);
    pub(super) const UNBLANK_CODE: Self = Self(16, 4);
    pub(super) const ANY_CODE_FUNCTIONS: Self = Self(19, 7);
    pub(super) const MENU_CODE: Self = Self(22, 1);
    pub(super) const SIX_DIGITS: Self = Self(701, 5);
}

/// First of the eight sections per partition that say which zones belong to it.
const ZONE_MAPS: u16 = 202;
const PARTITIONS: u16 = 201;

pub(super) struct Sections {
    /// Toggle sections; bit n-1 is option n.
    options: BTreeMap<u16, u8>,
    /// Data sections by section and part (0 where there are none).
    data: BTreeMap<(u16, u16), String>,
}

impl Sections {
    pub(super) fn new(config: &SimConfig) -> Self {
        let mut sections = Self { options: BTreeMap::new(), data: BTreeMap::new() };
        let options = &config.options;
        for (setting, on) in [
            (Setting::QUICK_ARM, options.quick_arm),
            (Setting::BYPASS_CODE, options.bypass_code),
            (Setting::MASTER_LOCKED, options.master_locked),
            (Setting::BLANKING, options.blanking),
            (Setting::UNBLANK_CODE, options.unblank_code),
            (Setting::ANY_CODE_FUNCTIONS, options.any_code_functions),
            (Setting::MENU_CODE, options.menu_code),
            (Setting::SIX_DIGITS, config.code_length == 6),
        ] {
            if on {
                sections.toggle(setting.0, setting.1);
            }
        }
        let delays = format!("{:03}{:03}{:03}", options.entry_seconds, options.entry_seconds, options.exit_seconds);
        for partition in 1..=8 {
            sections.data.insert((5, partition), delays.clone());
            if partition <= u16::from(config.partitions) {
                sections.toggle(PARTITIONS, u8::try_from(partition).unwrap_or(1));
            }
        }
        sections.data.insert((5, 9), format!("{:03}", options.bell_minutes));
        sections.data.insert((12, 0), format!("{:03}{:03}", options.lockout_attempts, options.lockout_minutes));
        sections.lay_zones(config);
        sections
    }

    /// Zones dealt out in blocks; in each block the first is a delay zone, the last may be left out when staying.
    fn lay_zones(&mut self, config: &SimConfig) {
        let block = config.zones.div_ceil(config.partitions).max(1);
        let mut kinds: BTreeMap<u16, String> = (1..=4).map(|section| (section, String::new())).collect();
        for n in 1..=64_u8 {
            let partition = (n - 1) / block + 1;
            let kind = match config.options.zone_types.get(&n) {
                Some(kind) => *kind,
                None if n > config.zones => 0,
                None if (n - 1) % block == 0 => 1,
                None if n % block == 0 && block > 3 => 5,
                None => 3,
            };
            if let Some(text) = kinds.get_mut(&(u16::from(n - 1) / 16 + 1)) {
                text.push_str(&format!("{kind:02}"));
            }
            if n <= config.zones {
                let section = ZONE_MAPS + u16::from(partition - 1) * 8 + u16::from(n - 1) / 8;
                self.toggle(section, (n - 1) % 8 + 1);
            }
        }
        self.data.extend(kinds.into_iter().map(|(section, text)| ((section, 0), text)));
    }

    pub(super) fn layout(section: u16) -> Layout {
        match section {
            1..=4 => Layout::Items { count: 16, width: 2 },
            5 => Layout::Parts,
            6..=8 | 989 => Layout::Code,
            12 => Layout::Items { count: 2, width: 3 },
            15..=17 | 19 | 22 | 201..=265 | 701 => Layout::Options,
            899 | 900 | 903 => Layout::Text,
            999 => Layout::Barred,
            _ => Layout::Free,
        }
    }

    /// The items of a part of 005.
    pub(super) fn part_layout(part: u16) -> Option<Layout> {
        match part {
            1..=8 => Some(Layout::Items { count: 3, width: 3 }),
            9 => Some(Layout::Items { count: 1, width: 3 }),
            _ => None,
        }
    }

    pub(super) fn is_on(&self, setting: Setting) -> bool {
        self.options(setting.0) >> (setting.1 - 1) & 1 == 1
    }

    pub(super) fn options(&self, section: u16) -> u8 {
        self.options.get(&section).copied().unwrap_or(0)
    }

    /// Toggles option 1 to 8.
    pub(super) fn toggle(&mut self, section: u16, option: u8) {
        if (1..=8).contains(&option) {
            *self.options.entry(section).or_default() ^= 1 << (option - 1);
        }
    }

    pub(super) fn data(&self, section: u16, part: u16) -> &str {
        self.data.get(&(section, part)).map_or("", String::as_str)
    }

    /// Writes one item over what stands there.
    pub(super) fn set_item(&mut self, section: u16, part: u16, index: usize, item: &str) {
        let text = self.data.entry((section, part)).or_default();
        let start = index * item.len();
        // 512 characters hold any section; a Free one ends there.
        if start >= 512 {
            return;
        }
        let mut digits: Vec<char> = text.chars().collect();
        digits.resize(digits.len().max(start + item.len()), '0');
        for (place, digit) in digits.iter_mut().skip(start).zip(item.chars()) {
            *place = digit;
        }
        *text = digits.into_iter().collect();
    }

    pub(super) fn partitions(&self, most: u8) -> PartitionSet {
        let enabled = self.options(PARTITIONS);
        PartitionSet::first(most).iter().filter(|p| enabled >> (p.number() - 1) & 1 == 1).collect()
    }

    pub(super) fn belongs(&self, zone: Zone, partition: Partition) -> bool {
        let index = zone.number() - 1;
        let section = ZONE_MAPS + u16::from(partition.number() - 1) * 8 + index / 8;
        self.options(section) >> (index % 8) & 1 == 1
    }

    pub(super) fn kind(&self, zone: Zone) -> ZoneKind {
        let index = usize::from(zone.number() - 1);
        let section = u16::try_from(index / 16 + 1).unwrap_or(1);
        ZoneKind::of(self.number(section, 0, index % 16, 2))
    }

    pub(super) fn entry_delay(&self, partition: Partition, timings: &Timings) -> Duration {
        timings.second * u32::from(self.number(5, partition.number().into(), 0, 3))
    }

    pub(super) fn exit_delay(&self, partition: Partition, timings: &Timings) -> Duration {
        timings.second * u32::from(self.number(5, partition.number().into(), 2, 3))
    }

    pub(super) fn bell_time(&self, timings: &Timings) -> Duration {
        timings.minute * u32::from(self.number(5, 9, 0, 3))
    }

    /// Wrong codes until the keypads lock, if they do.
    pub(super) fn lockout_after(&self) -> Option<u8> {
        Some(self.number(12, 0, 0, 3)).filter(|n| *n > 0)
    }

    pub(super) fn lockout_time(&self, timings: &Timings) -> Duration {
        timings.minute * u32::from(self.number(12, 0, 1, 3))
    }

    /// An item as a number; what is no number below 256 counts as 255, as the panel's own limit is.
    fn number(&self, section: u16, part: u16, index: usize, width: usize) -> u8 {
        let item: String = self.data(section, part).chars().skip(index * width).take(width).collect();
        if item.is_empty() { 0 } else { item.parse().unwrap_or(u8::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Interface, Model};

    fn zone(n: u32) -> Zone {
        Zone::new(n).expect("a zone")
    }

    #[test]
    fn programming_starts_as_the_options_say() {
        let mut config = SimConfig::new(Interface::Envisalink, Model::Pc1864);
        (config.partitions, config.zones) = (2, 20);
        config.options.lockout_attempts = 3;
        config.options.lockout_minutes = 10;
        config.options.zone_types.insert(18, 8);
        let sections = Sections::new(&config);
        let one = Partition::new(1).expect("in range");
        let two = Partition::new(2).expect("in range");
        assert!(sections.is_on(Setting::QUICK_ARM) && !sections.is_on(Setting::SIX_DIGITS));
        assert_eq!(sections.partitions(8), PartitionSet::first(2));
        assert!(sections.belongs(zone(10), one) && !sections.belongs(zone(10), two));
        assert!(sections.belongs(zone(11), two) && !sections.belongs(zone(21), two));
        assert_eq!(sections.kind(zone(1)), ZoneKind::Delay);
        assert_eq!(sections.kind(zone(11)), ZoneKind::Delay);
        assert_eq!(sections.kind(zone(18)), ZoneKind::Fire);
        assert_eq!(sections.kind(zone(20)), ZoneKind::InteriorStayAway);
        assert_eq!(sections.kind(zone(21)), ZoneKind::Null);
        let timings = Timings::default();
        assert_eq!(sections.exit_delay(one, &timings), Duration::from_secs(60));
        assert_eq!(sections.bell_time(&timings), Duration::from_secs(240));
        assert_eq!((sections.lockout_after(), sections.lockout_time(&timings)), (Some(3), Duration::from_secs(600)));
    }

    #[test]
    fn items_are_written_in_place() {
        let mut sections = Sections::new(&SimConfig::new(Interface::Envisalink, Model::Pc1616));
        sections.set_item(5, 1, 2, "007");
        assert_eq!(sections.data(5, 1), "030030007");
        sections.set_item(345, 0, 1, "9A");
        assert_eq!(sections.data(345, 0), "009A", "what was never written reads as zeros");
    }
}
