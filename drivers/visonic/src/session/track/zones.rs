//! Zones: levels out of masks, what happens to a single one, alarms and the partition that they belong to.

use std::collections::BTreeSet;
use std::time::Duration;

use panel_model::{ArmState, EventKind as K, PanelEvent, Partition, Trouble, TroubleKind as T, Zone};

use crate::map::{partition_set, trouble_event};
use crate::message::{ZoneEvent, bits};

use super::{Told, Tracker};

/// Who tells of the first 32 zones: two masks of which neither is known to follow the other must not both say
/// when something is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told32 {
    /// This very mask.
    Here,
    /// A5 does; this mask counts for the zones beyond.
    InA5,
}

impl Told32 {
    fn first(self) -> u16 {
        match self {
            Self::Here => 1,
            Self::InA5 => 33,
        }
    }
}

/// An alarm of the same zone is another one after this time.
pub(super) const ANOTHER_ALARM: Duration = Duration::from_secs(10);

impl Tracker {
    pub(super) fn zone_event(&mut self, number: u8, event: ZoneEvent, told: &mut Told) {
        let Ok(zone) = Zone::new(number.into()) else { return };
        if !self.has_zone(zone) {
            return;
        }
        let kinds: &[K] = match event {
            ZoneEvent::OPENED => &[K::ZoneOpened],
            ZoneEvent::CLOSED => &[K::ZoneClosed],
            // A detector saw something: it is open for that moment only.
            ZoneEvent::VIOLATED if !self.state.zones.get(&zone).is_some_and(|z| z.open) => {
                &[K::ZoneOpened, K::ZoneClosed]
            }
            ZoneEvent::TAMPER_ALARM | ZoneEvent::TAMPER_OPENED => &[K::ZoneTamper],
            ZoneEvent::TAMPER_RESTORED => &[K::ZoneTamperRestored],
            _ => &[],
        };
        for kind in kinds {
            let event = PanelEvent::new(*kind).zone(zone);
            let repeated = *kind == K::ZoneTamper && self.state.zones.get(&zone).is_some_and(|z| z.tamper);
            if !repeated {
                self.tell(event, told);
            }
        }
    }

    pub(super) fn enrolled(&mut self, mask: &[u8]) {
        let enrolled: BTreeSet<u16> = bits(mask).filter(|n| *n <= self.zones).collect();
        let zones: Vec<Zone> = enrolled.iter().filter_map(|n| Zone::new((*n).into()).ok()).collect();
        self.state.zones.retain(|zone, _| enrolled.contains(&zone.number()));
        for zone in zones {
            self.state.zones.entry(zone).or_default();
        }
        self.enrolled = Some(enrolled);
    }

    fn has_zone(&self, zone: Zone) -> bool {
        let number = zone.number();
        number <= self.zones && self.enrolled.as_ref().is_none_or(|enrolled| enrolled.contains(&number))
    }

    /// Zones of a mask as far as they exist, each with its bit.
    fn zones_of(&self, mask: &[u8], told32: Told32) -> Vec<(Zone, bool)> {
        let set: BTreeSet<u16> = bits(mask).collect();
        let last = u16::try_from(mask.len() * 8).unwrap_or(u16::MAX).min(self.zones);
        let zones =
            (told32.first()..=last).filter_map(|n| Zone::new(n.into()).ok()).filter(|zone| self.has_zone(*zone));
        zones.map(|zone| (zone, set.contains(&zone.number()))).collect()
    }

    pub(super) fn levels(
        &mut self,
        mask: &[u8],
        (begins, ends): (K, K),
        level: fn(&panel_model::ZoneState) -> bool,
        told: &mut Told,
    ) {
        self.levels_of(mask, Told32::Here, (begins, ends), level, told);
    }

    pub(super) fn tampers(&mut self, mask: &[u8], told32: Told32, told: &mut Told) {
        self.levels_of(mask, told32, (K::ZoneTamper, K::ZoneTamperRestored), |z| z.tamper, told);
    }

    fn levels_of(
        &mut self,
        mask: &[u8],
        told32: Told32,
        (begins, ends): (K, K),
        level: fn(&panel_model::ZoneState) -> bool,
        told: &mut Told,
    ) {
        for (zone, is) in self.zones_of(mask, told32) {
            let was = self.state.zones.get(&zone).is_some_and(level);
            if was != is {
                self.tell(PanelEvent::new(if is { begins } else { ends }).zone(zone), told);
            }
        }
    }

    pub(super) fn alarms(&mut self, mask: &[u8], told32: Told32, told: &mut Told) {
        for (zone, is) in self.zones_of(mask, told32) {
            let was = self.state.zones.get(&zone).is_some_and(|z| z.alarm) || self.special.contains(&zone);
            if is && !was {
                self.zone_alarm(PanelEvent::new(K::ZoneAlarm).zone(zone), zone, told);
            } else if was && !is && !self.special.remove(&zone) {
                self.tell(PanelEvent::new(K::ZoneAlarmRestored).zone(zone), told);
            }
        }
        let elsewhere = self.state.zones.values().any(|zone| zone.alarm);
        if mask.iter().all(|byte| *byte == 0) && !elsewhere && !self.called {
            self.alarms_over(told);
        }
    }

    /// No zone is in alarm: a partition that is not armed is not in alarm any more either.
    fn alarms_over(&mut self, told: &mut Told) {
        let over = |p: &panel_model::PartitionState| p.alarm && p.arm == ArmState::Disarmed;
        let partitions: Vec<_> = self.state.partitions.iter().filter(|(_, p)| over(p)).map(|(p, _)| *p).collect();
        for partition in partitions {
            self.tell(PanelEvent::new(K::PartitionAlarmCleared).partition(partition), told);
        }
    }

    pub(super) fn zone_alarm(&mut self, event: PanelEvent, zone: Zone, told: &mut Told) {
        self.alarmed_at.insert(zone, told.now);
        self.tell(event, told);
        self.partition_alarm(self.partition_of(zone), told);
    }

    pub(super) fn partition_of(&self, zone: Zone) -> Option<Partition> {
        let mask = self.zone_partitions.get(&zone.number()).copied().unwrap_or(1);
        let known = |p: &Partition| self.partitions.contains(*p);
        partition_set(mask).iter().find(known).or_else(|| self.partitions.iter().next())
    }

    pub(super) fn partition_alarm(&mut self, partition: Option<Partition>, told: &mut Told) {
        let Some(partition) = partition else { return };
        if !self.state.partitions.get(&partition).is_some_and(|p| p.alarm) {
            self.tell(PanelEvent::new(K::PartitionAlarm).partition(partition), told);
        }
    }

    /// The partition of an alarm; every one where nobody says which.
    pub(super) fn alarm_in(&mut self, partition: Option<Partition>, told: &mut Told) {
        let all = if partition.is_none() { self.partitions.iter().collect() } else { Vec::new() };
        for partition in partition.into_iter().chain(all) {
            self.partition_alarm(Some(partition), told);
        }
    }

    pub(super) fn batteries(&mut self, mask: u32, told: &mut Told) {
        for (zone, is) in self.zones_of(&mask.to_le_bytes(), Told32::Here) {
            let trouble = Trouble::device(T::ZoneBatteryLow, zone.number());
            if self.state.troubles.contains(&trouble) != is {
                self.tell(trouble_event(is, trouble), told);
            }
        }
    }
}
