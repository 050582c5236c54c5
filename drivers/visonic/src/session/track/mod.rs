//! What the panel says, as state and events: levels are told when they change, alarms always.

mod b0;
mod zones;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use panel_model::{
    ArmState, EventKind as K, Label, PanelEvent, PanelState, Partition, PartitionSet, Readiness, Trouble,
    TroubleKind as T, Zone,
};

use crate::map::{arm_state, is_installer_mode, map_event, trouble_event};
use crate::message::{B0LogRow, Device, EventCode, EventPairs, Flags, PanelMessage, StatusPart, SystemStatus};
use crate::model::{Family, Model};
use crate::quirks::REPEAT;

use b0::Source;
use zones::{ANOTHER_ALARM, Told32};

/// Whether A5 comes by itself or because we asked: what it says of a single zone may be old then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    No,
    Yes,
}

/// What came out of one message beside events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wishes {
    /// Ask for the state: something was told that we could not place.
    pub(crate) state: bool,
    /// Read users and zones again.
    pub(crate) setup: bool,
}

/// The state as far as it is known.
#[derive(Debug)]
pub(crate) struct Tracker {
    state: PanelState,
    model: Model,
    partitions: PartitionSet,
    zones: u16,
    zone_partitions: BTreeMap<u16, u8>,
    enrolled: Option<BTreeSet<u16>>,
    enrolled_by_b0: bool,
    /// How often a status told of a partition.
    seen: BTreeMap<Partition, u64>,
    /// Partitions in use, as B0 24 told.
    active: Option<usize>,
    downloading: bool,
    outputs: u16,
    /// Somebody called for help with a key: no zone says when that is over.
    called: bool,
    /// Zones in alarm that were told as something else than burglary.
    special: BTreeSet<Zone>,
    alarmed_at: BTreeMap<Zone, Instant>,
    trouble_flag: bool,
    last_events: Option<(EventPairs, Instant)>,
    /// The last call for help, and which message told it.
    last_call: Option<(K, Source, Instant)>,
    /// The newest row of the panel's log, where it is asked for.
    newest_row: Option<B0LogRow>,
    /// A7 told something that is not to be believed: the log says what it was.
    doubted: bool,
    /// Tags that are enrolled.
    tags: Option<BTreeSet<u16>>,
}

impl Tracker {
    pub(crate) fn new(model: Model, partitions: PartitionSet, zones: u16) -> Self {
        let state = PanelState {
            partitions: partitions.iter().map(|p| (p, panel_model::PartitionState::default())).collect(),
            ..PanelState::default()
        };
        Self {
            state,
            model,
            partitions,
            zones,
            zone_partitions: BTreeMap::new(),
            enrolled: None,
            enrolled_by_b0: false,
            seen: BTreeMap::new(),
            active: None,
            downloading: false,
            outputs: 0,
            called: false,
            special: BTreeSet::new(),
            alarmed_at: BTreeMap::new(),
            trouble_flag: false,
            last_events: None,
            last_call: None,
            newest_row: None,
            doubted: false,
            tags: None,
        }
    }

    pub(crate) fn state(&self) -> &PanelState {
        &self.state
    }

    /// How often a status told of the partition.
    pub(crate) fn seen(&self, partition: Partition) -> u64 {
        self.seen.get(&partition).copied().unwrap_or(0)
    }

    /// Whether arming of every partition was told. One that is configured and not in use is never told of.
    pub(crate) fn is_known(&self) -> bool {
        match self.whole_panel() {
            Some(partition) => self.seen(partition) > 0,
            None => self.active.is_some(),
        }
    }

    /// Whether the panel's partitions are off, as far as it said.
    pub(crate) fn is_one_area(&self) -> bool {
        self.model.family == Family::PowerMax || self.active.is_none_or(|active| active <= 1)
    }

    /// The last status said that somebody reads the memory.
    pub(crate) fn is_downloading(&self) -> bool {
        self.downloading
    }

    /// Bit 0 is the PGM output.
    pub(crate) fn outputs(&self) -> u16 {
        self.outputs
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.state.is_quiet()
    }

    pub(crate) fn set_model(&mut self, model: Model, partitions: PartitionSet) {
        (self.model, self.partitions) = (model, partitions);
        self.state.partitions.retain(|partition, _| partitions.contains(*partition));
    }

    /// Zones as they are set up, out of the memory.
    pub(crate) fn set_zones(&mut self, zones: BTreeMap<u16, (u8, Option<Label>)>) {
        self.zone_partitions = zones.iter().map(|(zone, (mask, _))| (*zone, *mask)).collect();
        for (number, (_, label)) in zones {
            if let (Some(label), Ok(zone)) = (label, Zone::new(number.into()))
                && let Some(known) = self.state.zones.get_mut(&zone)
            {
                known.label = Some(label);
            }
        }
    }

    /// Takes a message. The events are those of changes; before the first snapshot nobody is told them.
    pub(crate) fn apply(&mut self, now: Instant, message: &PanelMessage, asked: Asked) -> (Vec<PanelEvent>, Wishes) {
        let mut told = Told { events: Vec::new(), wishes: Wishes::default(), now };
        match message {
            PanelMessage::Status { .. } => {
                if let Some(part) = message.status_part() {
                    self.status(part, asked, &mut told);
                }
            }
            PanelMessage::Events(pairs) => self.events(*pairs, &mut told),
            PanelMessage::B0(b0) => match b0.content() {
                Ok(content) => self.b0(content, &mut told),
                Err(error) => tracing::debug!(%error, "a B0 was not understood"),
            },
            _ => {}
        }
        (told.events, told.wishes)
    }

    fn status(&mut self, part: StatusPart, asked: Asked, told: &mut Told) {
        match part {
            StatusPart::Alarms { alarm, .. } => self.alarms(&alarm.to_le_bytes(), Told32::Here, told),
            StatusPart::Open { open, low_battery } => {
                self.levels(&open.to_le_bytes(), (K::ZoneOpened, K::ZoneClosed), |z| z.open, told);
                self.batteries(low_battery, told);
            }
            StatusPart::Tamper { tamper, .. } => {
                self.tampers(&tamper.to_le_bytes(), Told32::Here, told);
            }
            StatusPart::Enrolled { enrolled, bypassed } => {
                // It has 32 zones; where B0 tells all of them, that counts.
                if !self.enrolled_by_b0 {
                    self.enrolled(&enrolled.to_le_bytes());
                }
                self.levels(&bypassed.to_le_bytes(), (K::ZoneBypassed, K::ZoneUnbypassed), |z| z.bypassed, told);
            }
            StatusPart::System { status, flags, zone, event, outputs, .. } => {
                self.outputs = outputs;
                self.downloading = status.code() == SystemStatus::DOWNLOADING.code();
                match self.whole_panel() {
                    // Which partition it speaks of is not said [impl P4].
                    None => told.wishes.state |= asked == Asked::No,
                    Some(partition) => {
                        self.partition(partition, status, flags, told);
                        self.whole(status.code() != SystemStatus::DOWNLOADING.code(), &[(status, flags)], told);
                    }
                }
                if flags.has(Flags::ZONE_EVENT) && asked == Asked::No {
                    self.zone_event(zone, event, told);
                }
            }
            StatusPart::Other(..) => {}
        }
    }

    /// The one partition, where the panel is one area.
    fn whole_panel(&self) -> Option<Partition> {
        let mut all = self.partitions.iter();
        let first = all.next()?;
        (all.next().is_none() && self.is_one_area()).then_some(first)
    }

    fn partition(&mut self, partition: Partition, status: SystemStatus, flags: Flags, told: &mut Told) {
        if status.code() == SystemStatus::DOWNLOADING.code() {
            return;
        }
        *self.seen.entry(partition).or_default() += 1;
        let Some(arm) = arm_state(status) else { return };
        let known = self.state.partitions.get(&partition).cloned().unwrap_or_default();
        if known.arm != arm {
            // Disarming ends a call for help, whoever is told to have done it.
            self.called &= arm != ArmState::Disarmed;
            let event = match arm {
                ArmState::Disarmed => PanelEvent::new(K::Disarmed),
                ArmState::ExitDelay => PanelEvent::new(K::ExitDelay),
                ArmState::EntryDelay => PanelEvent::new(K::EntryDelay),
                ArmState::Armed(mode) => PanelEvent::new(K::Armed).mode(mode),
            };
            self.tell(event.partition(partition), told);
        }
        if arm == ArmState::Disarmed {
            let ready = flags.has(Flags::READY);
            let (wanted, kind) =
                if ready { (Readiness::Ready, K::PartitionReady) } else { (Readiness::NotReady, K::PartitionNotReady) };
            if known.ready != wanted || known.arm != arm {
                self.tell(PanelEvent::new(kind).partition(partition), told);
            }
        }
    }

    /// What is about the panel and not about a partition: somebody programs it, the trouble light.
    fn whole(&mut self, says: bool, partitions: &[(SystemStatus, Flags)], told: &mut Told) {
        if !says {
            return;
        }
        let installer = partitions.iter().any(|(status, _)| is_installer_mode(*status));
        let kind = if installer { K::InstallerModeEntered } else { K::InstallerModeLeft };
        if self.state.installer_mode && !installer {
            Self::setup_changed(told);
        }
        self.tell(PanelEvent::new(kind), told);
        self.trouble_flag(partitions.iter().any(|(_, flags)| flags.has(Flags::TROUBLE)), told);
    }

    /// The trouble light. When it goes out, no trouble of the panel is left, whatever was missed.
    fn trouble_flag(&mut self, lit: bool, told: &mut Told) {
        let was = std::mem::replace(&mut self.trouble_flag, lit);
        let general = Trouble::panel(T::General);
        if lit && !was && self.state.troubles.is_empty() {
            self.tell(trouble_event(true, general), told);
        }
        if !lit && was {
            for trouble in self.state.troubles.clone() {
                self.tell(trouble_event(false, trouble), told);
            }
        }
    }

    /// A7. The panel repeats it when our acknowledgement was lost.
    fn events(&mut self, pairs: EventPairs, told: &mut Told) {
        let repeated = self.last_events.is_some_and(|(last, at)| last == pairs && told.now < at + REPEAT);
        self.last_events = Some((pairs, told.now));
        if repeated {
            return;
        }
        let all: Vec<(u8, u8)> = match pairs.unreliable() {
            // With partitions it is stale or made up [impl P4].
            Some(event) if event.validity == 0xFF && self.whole_panel().is_some() => vec![(event.device, event.event)],
            Some(_) => {
                self.doubted = true;
                Vec::new()
            }
            None => pairs.pairs().collect(),
        };
        told.wishes.state = true;
        for (device, code) in all {
            self.event(EventCode(code), Device::of(self.model.family, device), None, told);
        }
    }

    /// Users, zones or codes may be others now.
    fn setup_changed(told: &mut Told) {
        told.wishes.setup = true;
        told.events.push(PanelEvent::new(K::UsersMayHaveChanged));
    }

    /// An event of A7 or of the log. `said`: its partition, where the panel says it.
    fn event(&mut self, code: EventCode, device: Device, said: Option<Partition>, told: &mut Told) {
        let (event, meaning) = map_event(code, device);
        if meaning.setup_changed {
            Self::setup_changed(told);
        }
        let partition = said.or_else(|| self.whole_panel());
        // Cancelled: sources disagree whether 1B or 1C says so, and either ends nothing but a call for help.
        self.called &= !matches!(code.0, 0x1B | 0x1C);
        let Some(mut event) = event else { return };
        let calls = matches!((event.kind, event.zone), (K::FireAlarm | K::MedicalAlarm | K::PanicAlarm, None));
        if calls && !self.is_news(event.kind, Source::Event, told) {
            return;
        }
        match (event.kind, event.zone) {
            (K::FireAlarmRestored | K::MedicalAlarmRestored | K::PanicAlarmRestored, None)
            | (K::Opening | K::OpeningSpecial, _) => self.called = false,
            _ => {}
        }
        event.partition = event.zone.map_or(partition, |zone| said.or_else(|| self.partition_of(zone)));
        if matches!(event.kind, K::Trouble | K::TroubleRestored | K::InstallerModeEntered | K::InstallerModeLeft) {
            event.partition = None;
        }
        match (event.kind, event.zone) {
            (K::ZoneAlarm, Some(zone)) => {
                let in_alarm = self.state.zones.get(&zone).is_some_and(|z| z.alarm);
                let recent = self.alarmed_at.get(&zone).is_some_and(|at| told.now < *at + ANOTHER_ALARM);
                if !(in_alarm && recent) {
                    self.zone_alarm(event, zone, told);
                }
                return;
            }
            (K::FireAlarm | K::MedicalAlarm | K::PanicAlarm, Some(zone)) => {
                self.special.insert(zone);
            }
            (K::ZoneTamper, Some(zone)) if self.state.zones.get(&zone).is_some_and(|z| z.tamper) => return,
            (K::ZoneTamperRestored, Some(zone)) if !self.state.zones.get(&zone).is_some_and(|z| z.tamper) => return,
            (K::ZoneAlarmRestored, Some(zone)) if !self.state.zones.get(&zone).is_some_and(|z| z.alarm) => return,
            _ => {}
        }
        let partition = event.partition;
        self.tell(event, told);
        if meaning.alarm {
            self.alarm_in(partition, told);
        }
    }

    /// Applies the event and tells it, unless it is a level that is so already.
    fn tell(&mut self, event: PanelEvent, told: &mut Told) {
        let changed = self.state.apply(&event);
        if changed || !(event.kind.is_change() || event.kind.class() == panel_model::EventClass::Level) {
            told.events.push(event);
        }
    }
}

struct Told {
    events: Vec<PanelEvent>,
    wishes: Wishes,
    now: Instant,
}
