//! What is known of the panel, and what of a message is news: levels are told once, alarms always.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use panel_model::{
    ArmMode, ArmState, EventClass, EventKind as K, NotNow, PanelEvent, PanelState, Partition, PartitionSet, Trouble,
    TroubleKind as T, Zone,
};

use crate::codec::Number;
use crate::map::{VERBOSE_TROUBLES, bypassed_zones, map_event, trouble};
use crate::message::{Lights, ModuleMessage, PartitionNotice, SystemNotice, ZoneAlarmNotice};
use crate::quirks::{AFTER_EMERGENCY, LOCKOUT};

/// Whose menu is open while a message comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Menus {
    /// None of ours.
    NotOurs,
    /// We are in one.
    Ours,
}

/// What a message brought.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Events to tell, in order.
    pub(crate) events: Vec<PanelEvent>,
    /// Somebody else may be changing users.
    pub(crate) users_stale: bool,
    /// What we know does not fit: ask for a report.
    pub(crate) doubt: bool,
}

#[derive(Debug)]
pub(crate) struct Tracker {
    partitions: PartitionSet,
    zones: u16,
    state: PanelState,
    /// Zones in alarm and the partition that each rang in.
    zones_in_alarm: BTreeMap<Zone, Partition>,
    /// Partitions that went into alarm while they were disarmed (24-hour zones): no 655 will end that.
    alarm_while_disarmed: BTreeSet<Partition>,
    /// How each partition was armed last, for the time after an entry delay.
    armed_as: BTreeMap<Partition, ArmMode>,
    /// Trouble lights that changed while our own menu may have blanked them.
    held_lights: BTreeMap<Partition, PartitionNotice>,
    /// The programming light of partition 1 flashes.
    programming: bool,
    locked_out_until: Option<Instant>,
    /// Keypads belong to people for some time after an alarm.
    emergency_until: Option<Instant>,
    unknown_told: BTreeSet<Number>,
}

impl Tracker {
    pub(crate) fn new(partitions: PartitionSet, zones: u16) -> Self {
        Self {
            partitions,
            zones,
            state: PanelState::default(),
            zones_in_alarm: BTreeMap::new(),
            alarm_while_disarmed: BTreeSet::new(),
            armed_as: BTreeMap::new(),
            held_lights: BTreeMap::new(),
            programming: false,
            locked_out_until: None,
            emergency_until: None,
            unknown_told: BTreeSet::new(),
        }
    }

    pub(crate) fn state(&self) -> &PanelState {
        &self.state
    }

    /// The event of a message, unless it speaks of a partition or zone that is not in use. Modules report every
    /// partition and zone there could be; an alarm is taken from wherever it comes.
    pub(crate) fn event_of(&self, message: &ModuleMessage) -> Option<PanelEvent> {
        let event = map_event(message)?;
        let level = matches!(event.kind.class(), EventClass::Level)
            || matches!(message, ModuleMessage::Partition(N::TroubleLightOn | N::TroubleLightOff, _));
        let zone_level = matches!(event.kind, K::ZoneOpened | K::ZoneClosed);
        let foreign_partition = level && event.partition.is_some_and(|p| !self.partitions.contains(p));
        let foreign_zone = zone_level && event.zone.is_some_and(|z| z.number() > self.zones);
        (!foreign_partition && !foreign_zone).then_some(event)
    }

    /// Takes a full report in place of what was known.
    pub(crate) fn adopt(&mut self, report: PanelState) {
        for (partition, known) in &report.partitions {
            match known.arm {
                ArmState::Armed(mode) => {
                    self.armed_as.insert(*partition, mode);
                }
                ArmState::Disarmed if known.alarm => {
                    self.alarm_while_disarmed.insert(*partition);
                }
                _ => {}
            }
        }
        self.zones_in_alarm.retain(|_, p| report.partitions.get(p).is_some_and(|known| known.alarm));
        self.state = report;
    }

    /// Takes one live message.
    pub(crate) fn observe(&mut self, now: Instant, message: &ModuleMessage, menus: Menus) -> Heard {
        let mut heard = Heard::default();
        self.follow_programming(message, menus, &mut heard);
        if is_emergency(message) {
            self.emergency_until = Some(now + AFTER_EMERGENCY);
        }
        match message {
            ModuleMessage::VerboseTrouble(bits) => self.verbose_troubles(*bits, &mut heard),
            ModuleMessage::Bypassed(field) => self.bypassed(field, &mut heard),
            ModuleMessage::Partition(notice @ (N::TroubleLightOn | N::TroubleLightOff), partition)
                if menus == Menus::Ours && self.partitions.contains(*partition) =>
            {
                self.held_lights.insert(*partition, *notice);
            }
            ModuleMessage::Unknown(frame) if self.unknown_told.insert(frame.number()) => {
                let text = format!("message {} is not known", frame.number());
                heard.events.push(PanelEvent::new(K::UnknownMessage).text(text));
            }
            _ => {
                if let Some(event) = self.event_of(message) {
                    self.take(now, message, event, menus, &mut heard);
                }
            }
        }
        heard
    }

    /// A known message whose data does not fit; told once per number.
    pub(crate) fn malformed(&mut self, number: Number) -> Option<PanelEvent> {
        let text = format!("message {number} has data that does not fit");
        self.unknown_told.insert(number).then(|| PanelEvent::new(K::UnknownMessage).text(text))
    }

    /// Our menu is closed: what the trouble lights did meanwhile counts now.
    pub(crate) fn menu_closed(&mut self) -> Vec<PanelEvent> {
        let mut heard = Heard::default();
        for (partition, notice) in std::mem::take(&mut self.held_lights) {
            let what = Trouble::partition(T::General, partition);
            self.tell(trouble(notice == N::TroubleLightOn, what).partition(partition), &mut heard);
        }
        heard.events
    }

    /// The module says whether it hears the panel.
    pub(crate) fn panel_link(&mut self, lost: bool) -> Vec<PanelEvent> {
        let mut heard = Heard::default();
        self.tell(trouble(lost, Trouble::panel(T::PanelLinkLost)), &mut heard);
        heard.events
    }

    pub(crate) fn panel_link_lost(&self) -> bool {
        self.state.troubles.contains(&Trouble::panel(T::PanelLinkLost))
    }

    /// The module refused a command because somebody is in installer programming; an IT-100 says it in no other way.
    pub(crate) fn installer_mode_seen(&mut self) -> Vec<PanelEvent> {
        let mut heard = Heard::default();
        self.tell(PanelEvent::new(K::InstallerModeEntered), &mut heard);
        heard.events
    }

    /// The module refused a command because keypads are locked.
    pub(crate) fn lockout_seen(&mut self, now: Instant) -> Vec<PanelEvent> {
        let known = self.locked_out_until.is_some_and(|until| now < until);
        self.locked_out_until = Some(now + LOCKOUT);
        if known { Vec::new() } else { vec![PanelEvent::new(K::KeypadLockout)] }
    }

    /// Keypads behave as if they were locked, though nobody said so.
    pub(crate) fn lockout_assumed(&mut self, now: Instant) {
        self.locked_out_until = Some(now + LOCKOUT);
    }

    /// Whether menus may be entered now (dossier 8.1, rule 2), else what they wait for. Inside our own menu the
    /// partition is busy with us.
    pub(crate) fn may_program(&self, now: Instant, menus: Menus) -> Result<(), NotNow> {
        let wait = |why: String| Err(NotNow { why });
        if self.panel_link_lost() {
            return wait("the module does not hear the panel".into());
        }
        if self.locked_out_until.is_some_and(|until| now < until) {
            return wait("keypads are locked after wrong codes".into());
        }
        if self.state.installer_mode && menus == Menus::NotOurs {
            return wait("somebody is in installer programming".into());
        }
        for (partition, known) in &self.state.partitions {
            let why = match known.arm {
                _ if known.alarm => "is in alarm",
                ArmState::Armed(_) => "is armed",
                ArmState::ExitDelay => "is about to be armed",
                ArmState::EntryDelay => "is in its entry delay",
                ArmState::Disarmed if known.busy && partition.number() == 1 && menus == Menus::NotOurs => {
                    "is busy: somebody is in a menu"
                }
                ArmState::Disarmed => continue,
            };
            return wait(format!("partition {partition} {why}"));
        }
        if self.emergency_until.is_some_and(|until| now < until) {
            return wait("there was an alarm a moment ago".into());
        }
        Ok(())
    }

    fn take(&mut self, now: Instant, message: &ModuleMessage, event: PanelEvent, menus: Menus, heard: &mut Heard) {
        if self.panel_link_lost() && matches!(event.kind.class(), EventClass::Level | EventClass::Zone) {
            // The panel talks again, whether or not the module says so.
            heard.events.extend(self.panel_link(false));
        }
        match (event.kind, event.partition) {
            (K::PartitionReady | K::PartitionNotReady | K::PartitionForceReady, Some(partition)) => {
                self.leave_installer_mode(heard);
                self.at_rest(partition, heard);
                self.tell(event, heard);
            }
            (K::Armed, Some(partition)) => {
                self.leave_installer_mode(heard);
                if let Some(mode) = event.mode {
                    self.armed_as.insert(partition, mode);
                }
                self.tell(event, heard);
            }
            (K::Disarmed | K::Opening | K::OpeningSpecial, Some(partition)) => {
                self.clear_alarm(partition, heard);
                self.tell(event, heard);
            }
            (K::PartitionAlarm, Some(partition)) => {
                let known = self.state.partitions.get(&partition).map(|p| p.arm).unwrap_or_default();
                if known == ArmState::Disarmed {
                    self.alarm_while_disarmed.insert(partition);
                }
                let mode = self.armed_as.get(&partition).filter(|_| known == ArmState::EntryDelay);
                self.tell(PanelEvent { mode: mode.copied(), ..event }, heard);
            }
            (K::PartitionBusy, Some(partition)) => {
                let quiet =
                    self.state.partitions.get(&partition).is_none_or(|p| p.arm == ArmState::Disarmed && !p.alarm);
                let news = self.tell(event, heard);
                heard.users_stale |= news && quiet && menus == Menus::NotOurs;
            }
            (K::ZoneAlarm | K::ZoneAlarmRestored, Some(partition)) => {
                self.zone_alarm(message, partition);
                self.tell(event, heard);
            }
            (K::KeypadLockout, _) => {
                self.locked_out_until = Some(now + LOCKOUT);
                self.tell(event, heard);
            }
            (K::Trouble, _) => {
                self.tell(event, heard);
                let has = |kind| self.state.troubles.contains(&Trouble::panel(kind));
                // The panel may lose power altogether, and what somebody does to it then is not told.
                heard.users_stale |= has(T::AcLost) && has(T::BatteryLow);
            }
            (K::InstallerModeEntered, _) => {
                heard.users_stale |= menus == Menus::NotOurs;
                self.tell(event, heard);
            }
            _ => {
                self.tell(event, heard);
            }
        }
    }

    /// Applies an event and tells it if it is news. Alarms and what has no level are always news.
    fn tell(&mut self, event: PanelEvent, heard: &mut Heard) -> bool {
        let changed = self.state.apply(&event);
        let level =
            event.kind.is_change() || (event.kind.class() == EventClass::Level && event.kind != K::FunctionUnavailable);
        let news = changed || !level;
        if news {
            heard.events.push(event);
        }
        news
    }

    /// Ready or not ready is told of disarmed partitions.
    fn at_rest(&mut self, partition: Partition, heard: &mut Heard) {
        let Some(known) = self.state.partitions.get(&partition) else { return };
        match known.arm {
            // A 655 was missed, or comes yet: the report will tell.
            ArmState::Armed(_) | ArmState::EntryDelay => heard.doubt = true,
            ArmState::Disarmed if known.alarm => {
                let ringing = self.zones_in_alarm.values().any(|p| *p == partition);
                if self.alarm_while_disarmed.contains(&partition) && !ringing {
                    self.clear_alarm(partition, heard);
                }
            }
            _ => {}
        }
    }

    fn clear_alarm(&mut self, partition: Partition, heard: &mut Heard) {
        self.alarm_while_disarmed.remove(&partition);
        self.zones_in_alarm.retain(|_, p| *p != partition);
        if self.state.partitions.get(&partition).is_some_and(|known| known.alarm) {
            self.tell(PanelEvent::new(K::PartitionAlarmCleared).partition(partition), heard);
        }
    }

    fn zone_alarm(&mut self, message: &ModuleMessage, partition: Partition) {
        match message {
            ModuleMessage::ZoneAlarm(ZoneAlarmNotice::Alarm, _, zone) => {
                self.zones_in_alarm.insert(*zone, partition);
            }
            ModuleMessage::ZoneAlarm(ZoneAlarmNotice::AlarmRestored, _, zone) => {
                self.zones_in_alarm.remove(zone);
            }
            _ => {}
        }
    }

    fn leave_installer_mode(&mut self, heard: &mut Heard) {
        if self.state.installer_mode {
            self.tell(PanelEvent::new(K::InstallerModeLeft), heard);
        }
    }

    fn follow_programming(&mut self, message: &ModuleMessage, menus: Menus, heard: &mut Heard) {
        if let ModuleMessage::LightsFlashing(lights) = message {
            let flashes = lights.has(Lights::PROGRAM);
            let was = std::mem::replace(&mut self.programming, flashes);
            heard.users_stale |= flashes && !was && menus == Menus::NotOurs;
            if was && !flashes {
                self.leave_installer_mode(heard);
            }
        }
    }

    fn verbose_troubles(&mut self, bits: u8, heard: &mut Heard) {
        for (bit, kind) in VERBOSE_TROUBLES {
            self.tell(trouble(bits & bit != 0, Trouble::panel(kind)), heard);
        }
    }

    fn bypassed(&mut self, field: &[u8], heard: &mut Heard) {
        let now: BTreeSet<Zone> = bypassed_zones(field).filter(|z| z.number() <= self.zones).collect();
        let known: Vec<(Zone, bool)> = self.state.zones.iter().map(|(zone, known)| (*zone, known.bypassed)).collect();
        for (zone, was) in known {
            if was && !now.contains(&zone) {
                self.tell(PanelEvent::new(K::ZoneUnbypassed).zone(zone), heard);
            }
        }
        for zone in now {
            self.tell(PanelEvent::new(K::ZoneBypassed).zone(zone), heard);
        }
    }
}

use PartitionNotice as N;

/// The bits of 849 as troubles of the panel.
pub(crate) fn verbose_troubles(bits: u8) -> impl Iterator<Item = Trouble> {
    VERBOSE_TROUBLES.into_iter().filter(move |(bit, _)| bits & bit != 0).map(|(_, kind)| Trouble::panel(kind))
}

/// What ends all work in menus at once (dossier 7.1).
pub(crate) fn is_emergency(message: &ModuleMessage) -> bool {
    use SystemNotice as S;
    matches!(
        message,
        ModuleMessage::ZoneAlarm(ZoneAlarmNotice::Alarm, ..)
            | ModuleMessage::Partition(N::InAlarm | N::EntryDelay, _)
            | ModuleMessage::System(S::FireKey | S::MedicalKey | S::PanicKey | S::AuxInput)
            | ModuleMessage::Duress
    )
}
