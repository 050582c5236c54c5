//! What is known of the panel, and what of a notification is news: levels are told once, alarms always.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use panel_model::{
    ArmState, EventClass, EventKind as K, PanelEvent, PanelState, Partition, PartitionSet, PartitionState, Readiness,
    Slot, Trouble, TroubleKind as T, Zone, ZoneState,
};

use crate::map::{map_arming, map_partition, map_trouble, trouble};
use crate::message::{
    ArmingMode, Delay, Flag, Lead, Mask, Notice, PartitionForm, PartitionReport, Programming, ProgrammingLead, Via,
    ZoneStatus, command_name, delay_flag, number,
};
use crate::quirks::AFTER_EMERGENCY;

/// What a notification brought.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Events to tell, in order.
    pub(crate) events: Vec<PanelEvent>,
    /// Somebody else may have changed users, nobody knows which.
    pub(crate) users_stale: bool,
    /// Users of these slots changed.
    pub(crate) users_changed: Option<(u32, u32)>,
    /// Compare the state soon: the notification tells only part of it.
    pub(crate) compare: bool,
}

#[derive(Debug)]
pub(crate) struct Tracker {
    partitions: PartitionSet,
    state: PanelState,
    /// Zones in alarm and the partition that each rang in; a zone that closes is still in alarm [impl NH#42].
    latched: BTreeMap<Zone, Partition>,
    emergency_until: Option<Instant>,
    unknown_told: BTreeSet<u16>,
}

impl Tracker {
    pub(crate) fn new(partitions: PartitionSet) -> Self {
        Self {
            partitions,
            state: PanelState::default(),
            latched: BTreeMap::new(),
            emergency_until: None,
            unknown_told: BTreeSet::new(),
        }
    }

    pub(crate) fn state(&self) -> &PanelState {
        &self.state
    }

    /// Partitions in use, once the panel told them.
    pub(crate) fn set_partitions(&mut self, partitions: PartitionSet) {
        self.partitions = partitions;
    }

    /// Whether an alarm rings or something was armed a moment ago: programming waits.
    pub(crate) fn is_emergency(&self, now: Instant) -> bool {
        self.emergency_until.is_some_and(|until| now < until) || self.state.partitions.values().any(|p| p.alarm)
    }

    /// The first report of a connection.
    pub(crate) fn adopt(&mut self, report: PanelState) {
        self.latched.retain(|_, p| report.partitions.get(p).is_some_and(|known| known.alarm));
        self.state = report;
    }

    /// A later report: alarms that were missed are told, and whether anything else differs from what was known.
    pub(crate) fn compare(&mut self, mut report: PanelState) -> (Vec<PanelEvent>, bool) {
        let mut heard = Heard::default();
        for (partition, new) in &mut report.partitions {
            self.alarm_differences(*partition, new.alarm, &mut heard);
            if let Some(known) = self.state.partitions.get(partition) {
                new.label.clone_from(&known.label);
                new.last_user = known.last_user;
            }
        }
        for (zone, new) in &mut report.zones {
            // Latched: still in alarm for as long as its partition is.
            new.alarm |= self.latched.contains_key(zone);
            let known = self.state.zones.get(zone).cloned().unwrap_or_default();
            if new.alarm && !known.alarm {
                self.tell(PanelEvent::new(K::ZoneAlarm).zone(*zone), &mut heard);
            }
            new.label.clone_from(&known.label);
        }
        report.installer_mode = self.state.installer_mode;
        let differs = report != self.state;
        self.state = report;
        (heard.events.into_iter().map(PanelEvent::replayed).collect(), differs)
    }

    pub(crate) fn label_zone(&mut self, zone: Zone, label: &panel_model::Label) {
        self.state.zones.entry(zone).or_default().label = Some(label.clone());
    }

    pub(crate) fn label_partition(&mut self, partition: Partition, label: &panel_model::Label) {
        self.state.partitions.entry(partition).or_default().label = Some(label.clone());
    }

    /// The communicator does not hear the panel, or hears it again.
    pub(crate) fn panel_link(&mut self, lost: bool) -> Vec<PanelEvent> {
        let mut heard = Heard::default();
        self.tell(trouble(lost, Trouble::panel(T::PanelLinkLost)), &mut heard);
        heard.events
    }

    /// Takes one notification. `ours`: a programming mode of ours is open or was just left.
    pub(crate) fn observe(&mut self, now: Instant, notice: &Notice, ours: bool, form: PartitionForm) -> Heard {
        let mut heard = Heard::default();
        match notice {
            Notice::LifestyleZone { zone, open } => self.zone_event(*zone, opened(*open), &mut heard),
            Notice::ZoneBypass { zone, bypassed } => self.zone_event(*zone, bypass(*bypassed), &mut heard),
            Notice::ZoneStatus { first, statuses } => {
                for (zone, status) in (*first..).zip(statuses) {
                    self.zone_status(zone, *status, &mut heard);
                }
            }
            Notice::BypassedZones { zones, .. } => self.bypassed(zones, &mut heard),
            Notice::Arming { partition, mode, user, .. } => {
                if *mode != ArmingMode::Disarm {
                    self.emergency_until = Some(now + AFTER_EMERGENCY);
                }
                heard.compare = true;
                for partition in self.named(*partition) {
                    self.arming(partition, *mode, *user, &mut heard);
                }
            }
            Notice::Delay { delay, partition, flags, seconds } => {
                let active = flags & delay_flag::ACTIVE != 0 && *seconds > 0;
                self.emergency_until = Some(now + AFTER_EMERGENCY);
                // How a delay ended is told by something else, or by the comparison.
                heard.compare = !active;
                let kind = if *delay == Delay::Exit { K::ExitDelay } else { K::EntryDelay };
                for partition in self.named(*partition).into_iter().filter(|_| active) {
                    self.tell(PanelEvent::new(kind).partition(partition), &mut heard);
                }
            }
            Notice::Ready { partition, ready } => {
                let kind = match ready {
                    1 => K::PartitionReady,
                    2 => K::PartitionForceReady,
                    _ => K::PartitionNotReady,
                };
                for partition in self.named(*partition) {
                    self.tell(PanelEvent::new(kind).partition(partition), &mut heard);
                }
            }
            Notice::Bell { partition, state, .. } => {
                // A bell that stops may have run its time: whether the alarm is over is asked.
                heard.compare = true;
                if *state != 0 {
                    self.emergency_until = Some(now + AFTER_EMERGENCY);
                    for partition in self.named(*partition) {
                        self.alarm(partition, &mut heard);
                    }
                }
            }
            Notice::ZoneAlarms { partition, alarms } => {
                self.emergency_until = Some(now + AFTER_EMERGENCY);
                heard.compare = true;
                for alarm in alarms.iter().filter(|alarm| alarm.state != 0) {
                    self.zone_alarm(*partition, alarm.zone, alarm.kind, &mut heard);
                }
            }
            Notice::PartitionStatus(report) => self.partition_report(now, report, form, &mut heard),
            Notice::Flag { flag, .. } => {
                heard.compare = matches!(flag, Flag::AlarmMemory | Flag::Trouble | Flag::Bypass)
            }
            Notice::AlarmMemory { .. } | Notice::Troubles(_) | Notice::TroubleDetail { .. } => heard.compare = true,
            Notice::TroubleNotices(notices) => {
                for t in notices.iter().filter(|t| t.state < 2) {
                    if let Some(what) = map_trouble(t.device, t.trouble, t.number) {
                        self.tell(trouble(t.state == 1, what), &mut heard);
                    }
                }
            }
            Notice::ProgrammingLead(lead) => self.lead(lead, ours, &mut heard),
            Notice::UsersChanged { from, to, .. } => heard.users_changed = Some((*from, *to)),
            Notice::UserPartitions(data) => {
                let count = u32::try_from(data.count()).unwrap_or(0);
                heard.users_changed = count.checked_sub(1).map(|more| (data.first, data.first.saturating_add(more)));
            }
            Notice::Outputs { partition, outputs } => {
                for output in outputs.numbers().filter_map(|n| u8::try_from(n).ok()) {
                    let event = PanelEvent::new(K::OutputActive).output(output);
                    match partition.and_then(|p| Partition::new(p).ok()) {
                        Some(partition) => self.tell(event.partition(partition), &mut heard),
                        None => self.tell(event, &mut heard),
                    };
                }
            }
            Notice::BufferOverload(_) => {
                heard.compare = true;
                heard.users_stale = true;
                let text = "the panel lost notifications; everything is read again";
                heard.events.push(PanelEvent::new(K::UnknownMessage).text(text));
            }
            Notice::Unknown { command: number::NON_ZONE_ALARM, payload } => {
                // An emergency key; which one it was nobody has decoded yet [impl NH#42].
                self.emergency_until = Some(now + AFTER_EMERGENCY);
                heard.compare = true;
                let text =
                    format!("an alarm without a zone, such as an emergency key; message {:02X?}", payload.expose());
                heard.events.push(PanelEvent::new(K::PartitionAlarm).text(text));
            }
            Notice::Unknown { command, .. } => self.unknown(*command, &mut heard),
            _ => {}
        }
        heard
    }

    fn unknown(&mut self, command: u16, heard: &mut Heard) {
        if self.unknown_told.insert(command) {
            let name = command_name(command).unwrap_or("of no known name");
            let text = format!("message {command:04X} ({name}) is not understood");
            heard.events.push(PanelEvent::new(K::UnknownMessage).text(text));
        }
    }

    /// A known message whose fields do not fit; told once per number.
    pub(crate) fn malformed(&mut self, command: u16) -> Option<PanelEvent> {
        let text = format!("message {command:04X} has fields that do not fit");
        self.unknown_told.insert(command).then(|| PanelEvent::new(K::UnknownMessage).text(text))
    }

    /// The partitions that a field names: one, or all in use.
    fn named(&self, partition: Option<u32>) -> Vec<Partition> {
        match partition {
            None | Some(0) => self.partitions.iter().collect(),
            Some(number) => Partition::new(number).into_iter().collect(),
        }
    }

    fn zone_event(&mut self, zone: u32, kind: K, heard: &mut Heard) {
        if let Ok(zone) = Zone::new(zone) {
            self.tell(PanelEvent::new(kind).zone(zone), heard);
        }
    }

    fn zone_status(&mut self, number: u32, status: ZoneStatus, heard: &mut Heard) {
        let Ok(zone) = Zone::new(number) else { return };
        let known = self.state.zones.get(&zone).cloned().unwrap_or_default();
        self.tell(PanelEvent::new(opened(status.has(ZoneStatus::OPEN))).zone(zone), heard);
        self.tell(PanelEvent::new(bypass(status.has(ZoneStatus::BYPASSED))).zone(zone), heard);
        let tamper = status.has(ZoneStatus::TAMPER);
        if tamper != known.tamper {
            let kind = if tamper { K::ZoneTamper } else { K::ZoneTamperRestored };
            self.tell(PanelEvent::new(kind).zone(zone), heard);
        }
        if status.has(ZoneStatus::ALARM) && !known.alarm {
            self.tell(PanelEvent::new(K::ZoneAlarm).zone(zone), heard);
            heard.compare = true;
        }
        let present: BTreeSet<Trouble> = zone_troubles(zone, status).collect();
        for what in all_zone_troubles(zone) {
            self.tell(trouble(present.contains(&what), what), heard);
        }
    }

    fn bypassed(&mut self, zones: &Mask, heard: &mut Heard) {
        let now: BTreeSet<Zone> = zones.numbers().filter_map(|n| Zone::new(n).ok()).collect();
        let known: Vec<Zone> = self.state.zones.iter().filter(|(_, z)| z.bypassed).map(|(zone, _)| *zone).collect();
        for zone in known.iter().filter(|zone| !now.contains(zone)) {
            self.tell(PanelEvent::new(K::ZoneUnbypassed).zone(*zone), heard);
        }
        for zone in now {
            self.tell(PanelEvent::new(K::ZoneBypassed).zone(zone), heard);
        }
    }

    fn arming(&mut self, partition: Partition, mode: ArmingMode, user: Option<u32>, heard: &mut Heard) {
        let slot = user.filter(|user| *user > 0).and_then(|user| Slot::new(user).ok());
        let who = |by_user, special| match slot {
            Some(slot) => PanelEvent::new(by_user).partition(partition).slot(slot),
            None => PanelEvent::new(special).partition(partition),
        };
        match map_arming(mode) {
            Some(mode) => {
                self.tell(PanelEvent::new(K::Armed).partition(partition).mode(mode), heard);
                self.tell(who(K::Closing, K::ClosingSpecial), heard);
            }
            None => {
                self.alarm_over(partition, heard);
                self.tell(PanelEvent::new(K::Disarmed).partition(partition), heard);
                self.tell(who(K::Opening, K::OpeningSpecial), heard);
            }
        }
    }

    fn zone_alarm(&mut self, partition: Option<u32>, zone: u32, kind: u8, heard: &mut Heard) {
        let Ok(zone) = Zone::new(zone) else { return };
        let mut event = PanelEvent::new(K::ZoneAlarm).zone(zone).text(format!("alarm type {kind}"));
        if let Some(partition) = partition.and_then(|p| Partition::new(p).ok()) {
            self.latched.insert(zone, partition);
            event = event.partition(partition);
        }
        self.tell(event, heard);
    }

    fn alarm(&mut self, partition: Partition, heard: &mut Heard) {
        let known = self.state.partitions.get(&partition);
        if known.is_none_or(|known| !known.alarm) {
            self.tell(PanelEvent::new(K::PartitionAlarm).partition(partition), heard);
        }
    }

    fn alarm_over(&mut self, partition: Partition, heard: &mut Heard) {
        let ended: Vec<Zone> = self.latched.iter().filter(|(_, p)| **p == partition).map(|(zone, _)| *zone).collect();
        self.latched.retain(|_, p| *p != partition);
        for zone in ended {
            if self.state.zones.get(&zone).is_some_and(|z| z.alarm) {
                self.tell(PanelEvent::new(K::ZoneAlarmRestored).partition(partition).zone(zone), heard);
            }
        }
        if self.state.partitions.get(&partition).is_some_and(|known| known.alarm) {
            self.tell(PanelEvent::new(K::PartitionAlarmCleared).partition(partition), heard);
        }
    }

    fn alarm_differences(&mut self, partition: Partition, alarm: bool, heard: &mut Heard) {
        match alarm {
            true => self.alarm(partition, heard),
            false => self.alarm_over(partition, heard),
        }
    }

    fn partition_report(&mut self, now: Instant, report: &PartitionReport, form: PartitionForm, heard: &mut Heard) {
        let Some(statuses) = report.by_partition(form) else {
            heard.compare = true;
            return;
        };
        for (partition, status) in statuses {
            let new = map_partition(status);
            if new.alarm {
                self.emergency_until = Some(now + AFTER_EMERGENCY);
            }
            self.partition_differences(partition, &new, heard);
        }
    }

    fn partition_differences(&mut self, partition: Partition, new: &PartitionState, heard: &mut Heard) {
        let event = |kind| PanelEvent::new(kind).partition(partition);
        self.alarm_differences(partition, new.alarm, heard);
        let known = self.state.partitions.get(&partition).map(|known| known.arm).unwrap_or_default();
        match new.arm {
            arm if arm == known => {}
            // Disarmed while an alarm rings: the alarm is a 24-hour zone's and stays.
            ArmState::Disarmed if new.alarm => heard.compare = true,
            ArmState::Disarmed => self.tell(event(K::Disarmed), heard),
            ArmState::ExitDelay => self.tell(event(K::ExitDelay), heard),
            ArmState::EntryDelay => self.tell(event(K::EntryDelay), heard),
            ArmState::Armed(mode) => self.tell(event(K::Armed).mode(mode), heard),
        }
        match new.ready {
            Readiness::Ready => self.tell(event(K::PartitionReady), heard),
            Readiness::ForceReady => self.tell(event(K::PartitionForceReady), heard),
            Readiness::NotReady => self.tell(event(K::PartitionNotReady), heard),
            Readiness::Unknown => {}
        }
        self.tell(event(if new.chime { K::ChimeOn } else { K::ChimeOff }), heard);
        if new.busy {
            self.tell(event(K::PartitionBusy), heard);
        }
    }

    fn lead(&mut self, lead: &ProgrammingLead, ours: bool, heard: &mut Heard) {
        if ours && lead.via == Via::Interactive {
            return;
        }
        let installer = Programming::from_byte(lead.mode) == Programming::Installer;
        match (lead.lead, installer) {
            (Lead::In, true) => self.tell(PanelEvent::new(K::InstallerModeEntered), heard),
            (Lead::Out, true) => self.tell(PanelEvent::new(K::InstallerModeLeft), heard),
            _ => {}
        }
        // Somebody may have changed users; 0250 says so only where the panel sends it.
        heard.users_stale |= lead.lead == Lead::Out;
        if lead.lead == Lead::Out && self.state.installer_mode {
            self.tell(PanelEvent::new(K::InstallerModeLeft), heard);
        }
    }

    /// Applies an event and tells it if it is news. Alarms and what has no level are always news.
    fn tell(&mut self, event: PanelEvent, heard: &mut Heard) {
        let changed = self.state.apply(&event);
        let level = event.kind.is_change() || event.kind.class() == EventClass::Level;
        if changed || !level {
            heard.events.push(event);
        }
    }
}

fn opened(open: bool) -> K {
    if open { K::ZoneOpened } else { K::ZoneClosed }
}

fn bypass(bypassed: bool) -> K {
    if bypassed { K::ZoneBypassed } else { K::ZoneUnbypassed }
}

/// A zone as 0811 shows it.
pub(crate) fn zone_state(status: ZoneStatus) -> ZoneState {
    ZoneState {
        open: status.has(ZoneStatus::OPEN),
        alarm: status.has(ZoneStatus::ALARM),
        tamper: status.has(ZoneStatus::TAMPER),
        bypassed: status.has(ZoneStatus::BYPASSED),
        label: None,
    }
}

/// The troubles among a zone's status bits. A zone that is not heard any more counts as faulty.
pub(crate) fn zone_troubles(zone: Zone, status: ZoneStatus) -> impl Iterator<Item = Trouble> {
    let fault = status.has(ZoneStatus::FAULT | ZoneStatus::DELINQUENCY);
    let low = status.has(ZoneStatus::LOW_BATTERY);
    all_zone_troubles(zone).into_iter().zip([fault, low]).filter(|(_, present)| *present).map(|(what, _)| what)
}

fn all_zone_troubles(zone: Zone) -> [Trouble; 2] {
    [T::ZoneFault, T::ZoneBatteryLow].map(|kind| Trouble::device(kind, zone.number()))
}

/// What ends long work in programming modes at once.
pub(crate) fn is_alarm_like(notice: &Notice) -> bool {
    match notice {
        Notice::ZoneAlarms { .. } | Notice::Unknown { command: number::NON_ZONE_ALARM, .. } => true,
        Notice::Bell { state, .. } => *state != 0,
        _ => false,
    }
}
