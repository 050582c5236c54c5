use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EventKind, Label, LockId, PanelEvent, Partition, Slot, TroubleKind, Zone};

/// How a partition can be armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the trade's own")]
pub enum ArmMode {
    Away,
    Stay,
    Night,
    /// Away without entry delay.
    AwayNoEntry,
    /// Stay without entry delay.
    StayNoEntry,
}

/// Arming of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "is", content = "mode")]
#[allow(missing_docs, reason = "the names are the trade's own")]
pub enum ArmState {
    #[default]
    Disarmed,
    ExitDelay,
    Armed(ArmMode),
    EntryDelay,
}

/// Whether a partition can be armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the trade's own")]
pub enum Readiness {
    #[default]
    Unknown,
    Ready,
    NotReady,
    ForceReady,
}

/// A lasting trouble; `device` numbers the zone, phone line, key fob or keypad where the kind has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "said above")]
pub struct Trouble {
    pub kind: TroubleKind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub device: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub partition: Option<Partition>,
}

impl Trouble {
    /// A trouble of the whole panel.
    #[must_use]
    pub fn panel(kind: TroubleKind) -> Self {
        Self { kind, device: None, partition: None }
    }

    /// A trouble of one device or line.
    #[must_use]
    pub fn device(kind: TroubleKind, device: u16) -> Self {
        Self { kind, device: Some(device), partition: None }
    }

    /// A trouble of one partition.
    #[must_use]
    pub fn partition(kind: TroubleKind, partition: Partition) -> Self {
        Self { kind, device: None, partition: Some(partition) }
    }
}

/// What is known of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the fields are the model's own types")]
pub struct PartitionState {
    pub arm: ArmState,
    pub ready: Readiness,
    pub alarm: bool,
    /// Somebody is in a menu.
    pub busy: bool,
    pub chime: bool,
    /// Who armed or disarmed last, where the panel said it.
    pub last_user: Option<Slot>,
    pub label: Option<Label>,
}

/// What is known of one zone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names are the trade's own")]
pub struct ZoneState {
    pub open: bool,
    pub alarm: bool,
    pub tamper: bool,
    pub bypassed: bool,
    pub label: Option<Label>,
}

/// A door lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum LockState {
    #[default]
    Unknown,
    Locked,
    Unlocked,
    Jammed,
}

/// All that is known of a panel's present state. Changed by [`PanelState::apply`] and by whole snapshots only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the fields are the model's own types")]
pub struct PanelState {
    pub partitions: BTreeMap<Partition, PartitionState>,
    pub zones: BTreeMap<Zone, ZoneState>,
    pub locks: BTreeMap<LockId, LockState>,
    pub troubles: BTreeSet<Trouble>,
    pub installer_mode: bool,
}

impl PanelState {
    /// Applies one event. Returns whether the state changed.
    ///
    /// Events without the number that their kind needs (a zone event without a zone) change nothing.
    pub fn apply(&mut self, event: &PanelEvent) -> bool {
        self.apply_to_zone(event) || self.apply_to_partition(event) || self.apply_to_panel(event)
    }

    fn apply_to_zone(&mut self, event: &PanelEvent) -> bool {
        use EventKind as K;
        let change: fn(&mut ZoneState) = match event.kind {
            K::ZoneOpened => |z| z.open = true,
            K::ZoneClosed => |z| z.open = false,
            K::ZoneAlarm => |z| z.alarm = true,
            K::ZoneAlarmRestored => |z| z.alarm = false,
            K::ZoneTamper => |z| z.tamper = true,
            K::ZoneTamperRestored => |z| z.tamper = false,
            K::ZoneBypassed => |z| z.bypassed = true,
            K::ZoneUnbypassed => |z| z.bypassed = false,
            _ => return false,
        };
        let Some(zone) = event.zone else { return false };
        changed(self.zones.entry(zone).or_default(), change)
    }

    fn apply_to_partition(&mut self, event: &PanelEvent) -> bool {
        use EventKind as K;
        let Some(partition) = event.partition else { return false };
        let (mode, slot) = (event.mode, event.slot);
        let change: &dyn Fn(&mut PartitionState) = match event.kind {
            K::PartitionReady => &|p| p.set_ready(Readiness::Ready),
            K::PartitionNotReady => &|p| p.set_ready(Readiness::NotReady),
            K::PartitionForceReady => &|p| p.set_ready(Readiness::ForceReady),
            K::PartitionBusy => &|p| p.busy = true,
            K::ChimeOn => &|p| p.chime = true,
            K::ChimeOff => &|p| p.chime = false,
            K::ExitDelay => &|p| p.arm = ArmState::ExitDelay,
            K::EntryDelay => &|p| p.arm = ArmState::EntryDelay,
            K::Armed => &|p| p.set_armed(mode.unwrap_or(ArmMode::Away)),
            K::Disarmed => &|p| p.set_disarmed(),
            K::ArmFailed => &|p| {
                if p.arm == ArmState::ExitDelay {
                    p.arm = ArmState::Disarmed;
                }
            },
            K::PartitionAlarm => &|p| p.set_alarm(mode),
            K::PartitionAlarmCleared => &|p| p.alarm = false,
            K::Closing | K::Opening => &|p| p.last_user = slot.or(p.last_user),
            K::ClosingSpecial | K::OpeningSpecial => &|p| p.last_user = None,
            _ => return false,
        };
        changed(self.partitions.entry(partition).or_default(), change)
    }

    fn apply_to_panel(&mut self, event: &PanelEvent) -> bool {
        use EventKind as K;
        match event.kind {
            K::Trouble => event.trouble.is_some_and(|t| self.troubles.insert(t)),
            K::TroubleRestored => event.trouble.is_some_and(|t| self.troubles.remove(&t)),
            K::InstallerModeEntered => !std::mem::replace(&mut self.installer_mode, true),
            K::InstallerModeLeft => std::mem::replace(&mut self.installer_mode, false),
            K::DoorLocked => self.set_lock(event.lock, LockState::Locked),
            K::DoorUnlocked => self.set_lock(event.lock, LockState::Unlocked),
            K::DoorJammed => self.set_lock(event.lock, LockState::Jammed),
            _ => false,
        }
    }

    fn set_lock(&mut self, lock: Option<LockId>, state: LockState) -> bool {
        lock.is_some_and(|lock| self.locks.insert(lock, state) != Some(state))
    }

    /// Whether nothing in any partition is armed, delayed or in alarm.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.partitions.values().all(|p| p.arm == ArmState::Disarmed && !p.alarm)
    }

    /// Takes a full report in place of what was known, and tells what is different, as events of origin `Replay`.
    ///
    /// No arming, disarming or alarm is ever made up here: a difference in those is told as
    /// [`EventKind::PartitionResynchronised`]. Labels and last users that the report lacks are kept.
    pub fn resync(&mut self, mut report: Self) -> Vec<PanelEvent> {
        let mut events = Vec::new();
        for (zone, new) in &mut report.zones {
            let old = self.zones.get(zone).cloned().unwrap_or_default();
            new.label = new.label.take().or(old.label.clone());
            zone_differences(*zone, &old, new, &mut events);
        }
        for (partition, new) in &mut report.partitions {
            let old = self.partitions.get(partition);
            new.label = new.label.take().or_else(|| old.and_then(|o| o.label.clone()));
            new.last_user = new.last_user.or(old.and_then(|o| o.last_user));
            if let Some(old) = old.filter(|old| old.arm != new.arm || old.alarm != new.alarm) {
                let text = format!("{} -> {}", old.summary(), new.summary());
                events.push(PanelEvent::new(EventKind::PartitionResynchronised).partition(*partition).text(text));
            }
        }
        let restored = self.troubles.difference(&report.troubles);
        events.extend(restored.map(|t| PanelEvent::new(EventKind::TroubleRestored).trouble(*t)));
        let begun = report.troubles.difference(&self.troubles);
        events.extend(begun.map(|t| PanelEvent::new(EventKind::Trouble).trouble(*t)));
        for (lock, state) in &self.locks {
            report.locks.entry(*lock).or_insert(*state);
        }
        *self = report;
        events.into_iter().map(PanelEvent::replayed).collect()
    }
}

fn zone_differences(zone: Zone, old: &ZoneState, new: &ZoneState, events: &mut Vec<PanelEvent>) {
    let kinds = [
        (old.open, new.open, EventKind::ZoneOpened, EventKind::ZoneClosed),
        (old.bypassed, new.bypassed, EventKind::ZoneBypassed, EventKind::ZoneUnbypassed),
    ];
    for (was, is, begins, ends) in kinds {
        if was != is {
            events.push(PanelEvent::new(if is { begins } else { ends }).zone(zone));
        }
    }
}

fn changed<T: Clone + PartialEq>(value: &mut T, change: impl Fn(&mut T)) -> bool {
    let before = value.clone();
    change(value);
    *value != before
}

impl PartitionState {
    /// Ready, not ready and force-ready are told of disarmed partitions only, and end what was busy.
    fn set_ready(&mut self, ready: Readiness) {
        self.ready = ready;
        self.busy = false;
    }

    fn set_armed(&mut self, mode: ArmMode) {
        self.arm = ArmState::Armed(mode);
        self.ready = Readiness::Unknown;
        self.busy = false;
    }

    /// An alarm ends the entry delay; its event says how the partition is armed, where that is known.
    fn set_alarm(&mut self, mode: Option<ArmMode>) {
        self.alarm = true;
        if let (ArmState::EntryDelay, Some(mode)) = (self.arm, mode) {
            self.arm = ArmState::Armed(mode);
        }
    }

    fn set_disarmed(&mut self) {
        self.arm = ArmState::Disarmed;
        self.alarm = false;
        self.busy = false;
    }

    fn summary(&self) -> String {
        let arm = match self.arm {
            ArmState::Disarmed => "disarmed".to_owned(),
            ArmState::ExitDelay => "exit delay".to_owned(),
            ArmState::EntryDelay => "entry delay".to_owned(),
            ArmState::Armed(mode) => format!("armed {mode:?}").to_lowercase(),
        };
        if self.alarm { format!("{arm}, in alarm") } else { arm }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(n: u32) -> Zone {
        Zone::new(n).expect("in range")
    }

    fn p1() -> Partition {
        Partition::new(1).expect("in range")
    }

    #[test]
    fn events_change_the_state_once() {
        let mut state = PanelState::default();
        let opened = PanelEvent::new(EventKind::ZoneOpened).zone(zone(3));
        assert!(state.apply(&opened));
        assert!(!state.apply(&opened));
        let armed = PanelEvent::new(EventKind::Armed).partition(p1()).mode(ArmMode::Stay);
        assert!(state.apply(&armed));
        assert!(!state.apply(&armed), "652 comes again when the bell cuts off");
        assert!(!state.is_quiet());
        assert!(state.apply(&PanelEvent::new(EventKind::Disarmed).partition(p1())));
        assert!(state.is_quiet());
        assert!(!state.apply(&PanelEvent::new(EventKind::ZoneOpened)), "no zone, no change");
    }

    #[test]
    fn an_alarm_ends_the_entry_delay() {
        let mut state = PanelState::default();
        state.apply(&PanelEvent::new(EventKind::EntryDelay).partition(p1()));
        state.apply(&PanelEvent::new(EventKind::PartitionAlarm).partition(p1()).mode(ArmMode::Stay));
        assert_eq!(state.partitions[&p1()].arm, ArmState::Armed(ArmMode::Stay));
        let again = PanelEvent::new(EventKind::Armed).partition(p1()).mode(ArmMode::Stay);
        assert!(!state.apply(&again), "the bell cut off: nothing new");
    }

    #[test]
    fn a_resync_invents_no_arming_and_no_alarm() {
        let mut known = PanelState::default();
        known.apply(&PanelEvent::new(EventKind::ZoneOpened).zone(zone(1)));
        known.apply(&PanelEvent::new(EventKind::Disarmed).partition(p1()));
        let mut report = PanelState::default();
        report.zones.insert(zone(1), ZoneState::default());
        report.partitions.insert(
            p1(),
            PartitionState { arm: ArmState::Armed(ArmMode::Away), alarm: true, ..PartitionState::default() },
        );
        report.troubles.insert(Trouble::panel(TroubleKind::AcLost));
        let events = known.resync(report.clone());
        let kinds: Vec<_> = events.iter().map(|e| (e.kind, e.origin)).collect();
        let replay = crate::Origin::Replay;
        assert_eq!(
            kinds,
            [
                (EventKind::ZoneClosed, replay),
                (EventKind::PartitionResynchronised, replay),
                (EventKind::Trouble, replay),
            ]
        );
        assert_eq!(known, report);
        assert!(known.resync(report).is_empty(), "the same report twice says nothing new");
    }

    #[test]
    fn a_resync_keeps_labels_that_the_report_lacks() {
        let mut known = PanelState::default();
        known.zones.entry(zone(1)).or_default().label = Label::from_panel("Front Door");
        let mut report = PanelState::default();
        report.zones.insert(zone(1), ZoneState::default());
        known.resync(report);
        assert_eq!(known.zones[&zone(1)].label.as_ref().map(Label::as_str), Some("Front Door"));
    }
}
