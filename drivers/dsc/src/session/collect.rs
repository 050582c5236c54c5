//! The answer to 001 becomes one snapshot. It has no end mark: it is over when everything was told, or in silence.

use std::time::Instant;

use panel_model::{
    ArmState, EventKind as K, PanelEvent, PanelState, Partition, PartitionSet, PartitionState, Readiness, Trouble,
    TroubleKind as T,
};

use crate::message::{ModuleMessage, PartitionNotice, SystemNotice, Transport, ZoneNotice};
use crate::quirks::{REPORT_ASKED_AT_MOST, REPORT_LIMIT, REPORT_QUIET, REPORT_QUIET_WHEN_COMPLETE};

#[derive(Debug)]
pub(crate) struct Collect {
    transport: Transport,
    report: PanelState,
    wanted: PartitionSet,
    told: PartitionSet,
    /// A zone was told. Partitions and lights may change by themselves while the answer is on its way (a menu that is
    /// being left); zones, which come first, show that it is there.
    zones: bool,
    /// What an answer ends with: the lights on an Envisalink, the version on an IT-100.
    closing: bool,
    /// Some partition's trouble light is on.
    trouble: bool,
    /// Something on the line could not be read meanwhile: it may have been a part of the answer.
    spoiled: bool,
    asked: u8,
    /// 001 was taken; what comes from then on is its answer.
    begun: Option<Instant>,
    last: Option<Instant>,
}

impl Collect {
    /// Starts from what is known: the report does not tell everything.
    pub(crate) fn new(transport: Transport, known: &PanelState, wanted: PartitionSet, zones: u16) -> Self {
        let mut report = known.clone();
        for partition in wanted.iter() {
            report.partitions.entry(partition).or_default().busy = false;
        }
        for zone in (1..=zones).filter_map(|n| panel_model::Zone::new(n.into()).ok()) {
            report.zones.entry(zone).or_default();
        }
        report.troubles.retain(|trouble| !is_reported(transport, trouble));
        report.installer_mode = false;
        Self {
            transport,
            report,
            wanted,
            told: PartitionSet::EMPTY,
            zones: zones == 0,
            closing: false,
            trouble: false,
            spoiled: false,
            asked: 0,
            begun: None,
            last: None,
        }
    }

    /// 001 is on its way: its answer may come before its acknowledgement is settled.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.begun = Some(now);
        self.last = Some(now);
        self.spoiled = false;
        self.asked = self.asked.saturating_add(1);
    }

    /// Something was on the line that nobody could read.
    pub(crate) fn spoil(&mut self) {
        self.spoiled = true;
    }

    /// Whether the answer lacks something that asking again may bring. A zone that was not told must not be taken for
    /// a closed one.
    pub(crate) fn is_to_be_asked_again(&self) -> bool {
        let lacks = self.spoiled || !self.zones || !self.wanted.is_subset(self.told);
        lacks && self.asked < REPORT_ASKED_AT_MOST
    }

    /// Whether what was told may still be wrong.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.spoiled
    }

    /// Takes a message that may be part of the answer. `false`: it is none, hence live.
    pub(crate) fn observe(&mut self, now: Instant, message: &ModuleMessage, event: Option<&PanelEvent>) -> bool {
        let part = match message {
            ModuleMessage::Partition(notice, partition) => self.partition(*notice, *partition, event),
            ModuleMessage::Armed { partition, .. } => self.armed(*partition, event),
            ModuleMessage::Zone(ZoneNotice::Opened | ZoneNotice::Closed, _) => {
                self.zones = true;
                self.apply(event)
            }
            ModuleMessage::VerboseTrouble(_) => true,
            ModuleMessage::Lights(_) | ModuleMessage::LightsFlashing(_) => {
                self.closing |= self.transport == Transport::Envisalink;
                true
            }
            ModuleMessage::Version { .. } => {
                self.closing |= self.transport == Transport::It100;
                true
            }
            ModuleMessage::Zone(..) | ModuleMessage::DeviceBattery { .. } => {
                event.is_some_and(|e| matches!(e.kind, K::Trouble | K::TroubleRestored)) && self.apply(event)
            }
            ModuleMessage::System(notice) if is_trouble(*notice) => self.apply(event),
            ModuleMessage::Ack(_) => false,
            _ => return false,
        };
        if part {
            self.last = Some(now);
        }
        part
    }

    /// 849: the bits and what they stand for.
    pub(crate) fn verbose_troubles(&mut self, troubles: impl Iterator<Item = Trouble>) {
        self.report.troubles.extend(troubles);
        self.trouble = true;
    }

    /// A live event during the report belongs to the report as well.
    pub(crate) fn also(&mut self, event: &PanelEvent) {
        self.report.apply(event);
    }

    /// When the report is over if nothing more comes.
    pub(crate) fn ends_at(&self) -> Option<Instant> {
        let (begun, last) = (self.begun?, self.last?);
        let complete = self.closing && self.zones && self.wanted.is_subset(self.told);
        let quiet = if complete { REPORT_QUIET_WHEN_COMPLETE } else { REPORT_QUIET };
        Some((last + quiet).min(begun + REPORT_LIMIT))
    }

    /// The snapshot.
    pub(crate) fn finish(mut self) -> PanelState {
        if self.transport == Transport::Envisalink && !self.trouble {
            // No trouble light anywhere: the kinds that the report does not tell are over as well.
            self.report.troubles.clear();
        }
        self.report
    }

    fn apply(&mut self, event: Option<&PanelEvent>) -> bool {
        if let Some(event) = event {
            self.report.apply(event);
        }
        true
    }

    fn armed(&mut self, partition: Partition, event: Option<&PanelEvent>) -> bool {
        self.told.insert(partition);
        // Armed says nothing about an alarm that rings.
        self.apply(event)
    }

    fn partition(&mut self, notice: PartitionNotice, partition: Partition, event: Option<&PanelEvent>) -> bool {
        use PartitionNotice as N;
        if event.is_none() && !self.wanted.contains(partition) {
            // A partition that is not in use; Envisalinks call them busy.
            return true;
        }
        match notice {
            N::Ready | N::NotReady | N::ReadyToForceArm => {
                // Ready or not is told of disarmed partitions: whatever rang is over.
                let state = self.state(partition);
                state.arm = ArmState::Disarmed;
                state.alarm = false;
                self.told.insert(partition);
                self.apply(event)
            }
            N::Busy => {
                let state = self.state(partition);
                state.ready = Readiness::Unknown;
                self.told.insert(partition);
                self.apply(event)
            }
            N::InAlarm | N::ExitDelay | N::EntryDelay => {
                self.told.insert(partition);
                self.apply(event)
            }
            N::TroubleLightOn => {
                self.trouble = true;
                self.apply(event)
            }
            N::TroubleLightOff | N::ChimeOn | N::ChimeOff => self.apply(event),
            _ => false,
        }
    }

    fn state(&mut self, partition: Partition) -> &mut PartitionState {
        self.report.partitions.entry(partition).or_default()
    }
}

/// Whether a report tells this kind of trouble, so that its absence says that it is over.
fn is_reported(transport: Transport, trouble: &Trouble) -> bool {
    match transport {
        Transport::It100 => trouble.kind != T::PanelLinkLost,
        Transport::Envisalink => match trouble.kind {
            T::General => true,
            T::ServiceRequired
            | T::AcLost
            | T::PhoneLineFault
            | T::CommunicationFailure
            | T::ZoneFault
            | T::ZoneTamper
            | T::ZoneBatteryLow
            | T::ClockLost => trouble.device.is_none(),
            _ => false,
        },
    }
}

fn is_trouble(notice: SystemNotice) -> bool {
    notice.number().value() >= 800 && notice != SystemNotice::EventBufferNearlyFull && notice.number().value() < 900
}
