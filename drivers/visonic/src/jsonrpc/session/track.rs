//! The state of the panel, and what is new in what was read of it.

use std::collections::{BTreeMap, BTreeSet};

use panel_model::{
    ArmState, EventKind as K, PanelEvent, PanelState, Partition, PartitionSet, Readiness, Trouble, TroubleKind as T,
    Zone, ZoneState,
};

use crate::jsonrpc::answer::{Device, DeviceStatuses, KEYFOB, KEYPAD, PanelStatuses, PartitionStatus, ZONE, words};
use crate::jsonrpc::call::DeviceId;
use crate::jsonrpc::map;

/// Devices that are kept; no panel has so many.
const MOST_DEVICES: usize = 256;
/// Words for a partition's state that nobody knows, of which so many are told.
const MOST_UNKNOWN: usize = 8;

/// What a partition is remembered by, beside its state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    status: Option<PartitionStatus>,
    /// An alarm was seen since it was armed last: what the panel remembers is no news.
    alarm_seen: bool,
    fire: bool,
}

/// The state, and what it was last read from.
#[derive(Debug)]
pub(crate) struct Tracker {
    partitions: PartitionSet,
    zones: u16,
    state: PanelState,
    seen: BTreeMap<Partition, Seen>,
    devices: Vec<Device>,
    unknown_told: BTreeSet<String>,
}

impl Tracker {
    pub(crate) fn new(partitions: PartitionSet, zones: u16) -> Self {
        // A partition is known once the module has told of it.
        let state = PanelState::default();
        Self { partitions, zones, state, seen: BTreeMap::new(), devices: Vec::new(), unknown_told: BTreeSet::new() }
    }

    pub(crate) fn state(&self) -> &PanelState {
        &self.state
    }

    /// The devices that the panel has now.
    pub(crate) fn set_devices(&mut self, mut devices: Vec<Device>) {
        // One that is listed twice is looked at once.
        let mut listed = BTreeSet::new();
        devices.retain(|device| listed.len() < MOST_DEVICES && listed.insert(device.number()));
        let zones: BTreeSet<Zone> = devices.iter().filter_map(|device| self.zone_of(device.number())).collect();
        self.state.zones.retain(|zone, _| zones.contains(zone));
        self.state.troubles.retain(|trouble| {
            let of_zone = matches!(trouble.kind, T::ZoneBatteryLow | T::ZoneFault | T::FireTrouble);
            !of_zone || zones.iter().any(|zone| Some(zone.number()) == trouble.device)
        });
        for zone in zones {
            self.state.zones.entry(zone).or_default();
        }
        for (zone, label) in devices.iter().filter_map(map::zone_label) {
            if let Some(state) = self.state.zones.get_mut(&zone) {
                state.label = Some(label);
            }
        }
        self.devices = devices;
    }

    pub(crate) fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The zones that are looked at.
    pub(crate) fn zone_devices(&self) -> impl Iterator<Item = DeviceId> + '_ {
        self.devices.iter().map(Device::number).filter(|device| self.zone_of(*device).is_some())
    }

    /// All devices that are looked at: zones, keypads, key fobs.
    pub(crate) fn all_devices(&self) -> impl Iterator<Item = DeviceId> + '_ {
        let portable = self.devices.iter().map(Device::number).filter(|device| matches!(device.kind, KEYPAD | KEYFOB));
        self.zone_devices().chain(portable)
    }

    fn zone_of(&self, device: DeviceId) -> Option<Zone> {
        let zone = Zone::new(device.id.into()).ok().filter(|zone| zone.number() <= self.zones)?;
        (device.kind == ZONE).then_some(zone)
    }

    /// The partition that a row tells of, if it is one of ours and in use.
    fn partition_of(&self, status: &PartitionStatus) -> Option<Partition> {
        let partition = Partition::new(status.partition).ok()?;
        (self.partitions.contains(partition) && status.statuses.active_bit != Some(false)).then_some(partition)
    }

    /// Whether it tells of any partition of ours.
    pub(crate) fn is_told(&self, statuses: &PanelStatuses) -> bool {
        statuses.partitions.iter().any(|status| self.partition_of(status).is_some())
    }

    /// Takes a fresh state of panel and partitions. Tells what happened, and whether the zones should be looked at.
    pub(crate) fn statuses(&mut self, statuses: &PanelStatuses) -> (Vec<PanelEvent>, bool) {
        let mut events = Vec::new();
        let mut changed = false;
        let mut told = BTreeSet::new();
        for status in &statuses.partitions {
            let Some(partition) = self.partition_of(status).filter(|partition| told.insert(*partition)) else {
                continue;
            };
            let before = self.seen.get(&partition).and_then(|seen| seen.status.as_ref());
            changed |= before.is_some_and(|before| before != status);
            self.partition(partition, status, &mut events);
        }
        for (trouble, there) in map::panel_troubles(&statuses.statuses) {
            self.trouble(trouble, there, &mut events);
        }
        let menu = statuses.statuses.enrolling_mode_bit;
        if menu != self.state.installer_mode {
            let kind = if menu { K::InstallerModeEntered } else { K::InstallerModeLeft };
            self.happened(PanelEvent::new(kind), &mut events);
        }
        (events, changed)
    }

    fn partition(&mut self, partition: Partition, status: &PartitionStatus, events: &mut Vec<PanelEvent>) {
        let mut seen = self.seen.remove(&partition).unwrap_or_default();
        self.state.partitions.entry(partition).or_default();
        let bits = status.statuses;
        let (arm, alarm) = (map::arm_state(status), bits.alert_bit || bits.fire_bit);
        let word = words(&status.state);
        let fresh = |told: &mut BTreeSet<String>| told.len() < MOST_UNKNOWN && told.insert(word.clone());
        if !map::is_known(&status.state) && fresh(&mut self.unknown_told) {
            let text = format!("partition state {word}");
            events.push(PanelEvent::new(K::UnknownMessage).partition(partition).text(text));
        }
        let is = |tracker: &Self| tracker.state.partitions.get(&partition).cloned().unwrap_or_default();
        if is(self).arm != arm {
            self.happened(arm_event(arm).partition(partition), events);
            seen.alarm_seen &= arm != ArmState::ExitDelay;
        }
        if bits.fire_bit != seen.fire {
            let kind = if bits.fire_bit { K::FireAlarm } else { K::FireAlarmRestored };
            self.happened(PanelEvent::new(kind).partition(partition), events);
        }
        if alarm && !is(self).alarm {
            let event = PanelEvent::new(K::PartitionAlarm).partition(partition);
            self.happened(if let ArmState::Armed(mode) = arm { event.mode(mode) } else { event }, events);
        } else if !alarm && is(self).alarm {
            self.happened(PanelEvent::new(K::PartitionAlarmCleared).partition(partition), events);
        }
        let remembered = seen.status.as_ref().map(|before| before.statuses.memory_bit);
        if bits.memory_bit && remembered == Some(false) && !alarm && !seen.alarm_seen {
            for event in map::missed_alarm(partition) {
                self.happened(event, events);
            }
        }
        seen.alarm_seen = (seen.alarm_seen && bits.memory_bit) || alarm;
        let ready = if bits.ready_bit { Readiness::Ready } else { Readiness::NotReady };
        if arm == ArmState::Disarmed && is(self).ready != ready {
            let kind = if bits.ready_bit { K::PartitionReady } else { K::PartitionNotReady };
            self.happened(PanelEvent::new(kind).partition(partition), events);
        }
        self.trouble(Trouble::partition(T::ServiceRequired, partition), bits.need_eng_reset_bit, events);
        seen.fire = bits.fire_bit;
        seen.status = Some(status.clone());
        self.seen.insert(partition, seen);
    }

    /// Takes the fresh state of a device.
    pub(crate) fn device(&mut self, read: &DeviceStatuses) -> Vec<PanelEvent> {
        let mut events = Vec::new();
        let (number, bits) = (DeviceId { kind: read.kind, id: read.id }, read.statuses);
        if bits.not_updated {
            return events;
        }
        let Some(zone) = self.zone_of(number) else {
            let kind = match number.kind {
                KEYPAD => T::KeypadBatteryLow,
                KEYFOB => T::KeyfobBatteryLow,
                _ => return events,
            };
            self.trouble(Trouble::device(kind, number.id), bits.low_battery, &mut events);
            return events;
        };
        let device = self.devices.iter().find(|device| device.number() == number);
        let alarm = map::zone_alarm(device, &bits);
        let was = self.state.zones.get(&zone).cloned().unwrap_or_default();
        let ZoneState { open, alarm: alarmed, tamper, bypassed, label: _ } = was;
        let changes = [
            (open, bits.open, K::ZoneOpened, K::ZoneClosed),
            (tamper, bits.tamper_trouble, K::ZoneTamper, K::ZoneTamperRestored),
            (bypassed, bits.bypass_zone, K::ZoneBypassed, K::ZoneUnbypassed),
            (alarmed, alarm.is_some(), K::ZoneAlarm, K::ZoneAlarmRestored),
        ];
        for (was, is, begins, ends) in changes {
            if was == is {
                continue;
            }
            let event = PanelEvent::new(if is { begins } else { ends }).zone(zone);
            let text = alarm.filter(|_| begins == K::ZoneAlarm && is);
            self.happened(if let Some(text) = text { event.text(text) } else { event }, &mut events);
        }
        for (trouble, there) in map::zone_troubles(zone, &bits) {
            self.trouble(trouble, there, &mut events);
        }
        events
    }

    /// The module's own link to the panel.
    pub(crate) fn linked(&mut self, linked: bool) -> Vec<PanelEvent> {
        let mut events = Vec::new();
        self.trouble(Trouble::panel(T::PanelLinkLost), !linked, &mut events);
        events
    }

    fn trouble(&mut self, trouble: Trouble, there: bool, events: &mut Vec<PanelEvent>) {
        if self.state.troubles.contains(&trouble) != there {
            self.happened(map::trouble_event(trouble, there), events);
        }
    }

    fn happened(&mut self, event: PanelEvent, events: &mut Vec<PanelEvent>) {
        self.state.apply(&event);
        events.push(event);
    }
}

fn arm_event(arm: ArmState) -> PanelEvent {
    match arm {
        ArmState::Disarmed => PanelEvent::new(K::Disarmed),
        ArmState::ExitDelay => PanelEvent::new(K::ExitDelay),
        ArmState::EntryDelay => PanelEvent::new(K::EntryDelay),
        ArmState::Armed(mode) => PanelEvent::new(K::Armed).mode(mode),
    }
}
