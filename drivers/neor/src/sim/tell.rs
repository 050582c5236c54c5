//! Which notifications the panel makes of what happens in it (dossier 3.11, 5.1).

use std::time::Instant;

use panel_driver::sim::PanicKey;
use panel_model::{Partition, PartitionSet};

use super::arming::By;
use super::dialect::Dialect;
use super::panel::Panel;
use super::programming::{Occupied, Via};
use super::signal::{DelayKind, Hand, Lead, Readiness, Signal, Trouble};
use crate::message::number::NON_ZONE_ALARM;
use crate::message::{
    ArmingMode, Delay, Flag, Lead as LeadIs, Mask, Notice, PartitionForm, PartitionReport, PartitionStatus,
    ProgrammingLead, TroubleNotice, Via as ViaIs, ZoneAlarm, ZoneStatus, delay_flag,
};

/// The notifications of a signal, in their order.
pub(super) fn notices(panel: &Panel, now: Instant, dialect: &Dialect, signal: &Signal) -> Vec<Notice> {
    let one = |notice| vec![notice];
    match signal {
        Signal::ZoneOpened(zone) => one(Notice::LifestyleZone { zone: (*zone).into(), open: true }),
        Signal::ZoneClosed(zone) => one(Notice::LifestyleZone { zone: (*zone).into(), open: false }),
        Signal::ZoneAlarm { partition, zone, alarm_type, on } => one(Notice::ZoneAlarms {
            partition: number(*partition),
            alarms: vec![ZoneAlarm { zone: (*zone).into(), kind: alarm_type.number(), state: (*on).into() }],
        }),
        Signal::PartitionAlarm(p, _) => {
            one(Notice::PartitionStatus(report(panel, dialect, std::iter::once(*p).collect())))
        }
        Signal::Bell { partition, seconds } => one(Notice::Bell {
            partition: number(*partition),
            state: seconds.is_some().into(),
            second: seconds.is_some().into(),
            seconds: seconds.unwrap_or(0).into(),
        }),
        Signal::Memory(p, on) => one(flag(Flag::AlarmMemory, *p, *on)),
        Signal::TroubleFlag(p, on) => one(flag(Flag::Trouble, *p, *on)),
        Signal::BypassFlag(p, on) => one(flag(Flag::Bypass, *p, *on)),
        Signal::Ready(p, readiness) => one(Notice::Ready { partition: number(*p), ready: ready_number(*readiness) }),
        Signal::Delay { partition, kind, seconds, urgent } => {
            let urgent = if *urgent { delay_flag::URGENT } else { 0 };
            let flags = delay_flag::ACTIVE | delay_flag::AUDIBLE | urgent;
            one(delay(*kind, *partition, flags, *seconds))
        }
        Signal::DelayOver(p, kind) => one(delay(*kind, *p, 0, 0)),
        Signal::Armed { partition, mode, by } => one(arming(*partition, mode.number(), *by)),
        Signal::Disarmed { partition, by } => one(arming(*partition, 0, *by)),
        Signal::Bypass(zone, bypassed) => one(Notice::ZoneBypass { zone: (*zone).into(), bypassed: *bypassed }),
        Signal::Trouble(trouble, on) => trouble_notices(panel, dialect, *trouble, *on),
        Signal::Lead(occupied, Lead::In) if occupied.via == Via::Remote && !dialect.leads_in => Vec::new(),
        Signal::Lead(occupied, lead) => one(Notice::ProgrammingLead(leading(panel, now, occupied, *lead))),
        Signal::UsersChanged { what, from, to, hand } => {
            if *hand == Hand::Remote && !panel.options.echoes_updates {
                return Vec::new();
            }
            let records = u32::from(to.saturating_sub(*from)) + 1;
            one(Notice::UsersChanged { what: what.number(), records, from: (*from).into(), to: (*to).into() })
        }
        Signal::Panic(p, key) => {
            one(Notice::Unknown { command: NON_ZONE_ALARM, payload: panic_payload(*p, *key).into() })
        }
        Signal::Output(p, output, on) => {
            one(Notice::Outputs { partition: number(*p), outputs: Mask::of(on.then_some(*output)) })
        }
        Signal::TimeBroadcast => one(Notice::Time(panel.clock.read(now))),
        // No message is known that tells of these.
        Signal::FailedToArm(_)
        | Signal::CodeRejected(..)
        | Signal::TagChanged(..)
        | Signal::InstallerCodeChanged
        | Signal::SectionWritten(_)
        | Signal::WrongCode(_)
        | Signal::Lockout(_)
        | Signal::LockoutOver(_)
        | Signal::Duress
        | Signal::Rebooted
        | Signal::Client(_)
        | Signal::BadFrame(_)
        | Signal::LineDropped => Vec::new(),
    }
}

/// The status of these partitions as 0812 has it. In the number form it is that of the first one.
pub(super) fn report(panel: &Panel, dialect: &Dialect, partitions: PartitionSet) -> PartitionReport {
    let status = |p: Partition| PartitionStatus(vec![panel.arming_bits(p), panel.alarm_bits(p), panel.fire_bits(p)]);
    let first = partitions.iter().next();
    match (dialect.partition_status_form, first) {
        (PartitionForm::Number, Some(p)) => PartitionReport { field: vec![p.number()], statuses: vec![status(p)] },
        _ => PartitionReport { field: Mask::from(partitions).0, statuses: partitions.iter().map(status).collect() },
    }
}

pub(super) fn ready_number(readiness: Readiness) -> u8 {
    match readiness {
        Readiness::Ready => 1,
        Readiness::Forced => 2,
        Readiness::NotReady => 3,
    }
}

fn number(partition: Partition) -> Option<u32> {
    Some(partition.number().into())
}

fn flag(flag: Flag, partition: Partition, on: bool) -> Notice {
    Notice::Flag { flag, partition: number(partition), value: on.into() }
}

fn delay(kind: DelayKind, partition: Partition, flags: u8, seconds: u8) -> Notice {
    let delay = match kind {
        DelayKind::Exit => Delay::Exit,
        DelayKind::Entry => Delay::Entry,
    };
    Notice::Delay { delay, partition: number(partition), flags, seconds: seconds.into() }
}

fn arming(partition: Partition, mode: u8, by: By) -> Notice {
    let (method, user) = match by {
        By::User(slot) => (1, slot.into()),
        By::Key => (2, 0),
    };
    Notice::Arming { partition: number(partition), mode: ArmingMode::from_byte(mode), method, user: Some(user) }
}

fn trouble_notices(panel: &Panel, dialect: &Dialect, trouble: Trouble, on: bool) -> Vec<Notice> {
    let (device, kind, number) = trouble.address();
    let mut notices =
        vec![Notice::TroubleNotices(vec![TroubleNotice { device, trouble: kind, number, state: on.into() }])];
    let zone = match trouble {
        Trouble::ZoneTamper(zone) | Trouble::ZoneFault(zone) | Trouble::ZoneBattery(zone) => Some(zone),
        Trouble::AcLost | Trouble::Battery | Trouble::Bell | Trouble::PhoneLine | Trouble::Clock => None,
    };
    if let Some((zone, unit)) = zone.filter(|_| dialect.pushes_zone_status).and_then(|z| Some((z, panel.zone(z)?))) {
        notices.push(Notice::ZoneStatus { first: zone.into(), statuses: vec![ZoneStatus(unit.status())] });
    }
    notices
}

fn leading(panel: &Panel, now: Instant, occupied: &Occupied, lead: Lead) -> ProgrammingLead {
    ProgrammingLead {
        partition: Some(1),
        lead: match lead {
            Lead::In => LeadIs::In,
            Lead::Out | Lead::TimedOut => LeadIs::Out,
        },
        user: Some(occupied.user.into()),
        via: ViaIs::from_byte(occupied.via.number()),
        mode: occupied.mode.number(),
        at: panel.clock.read(now),
    }
}

/// Nobody has decoded 0841: this is made up, so that a driver keeps it raw.
fn panic_payload(partition: Partition, key: PanicKey) -> Vec<u8> {
    let key = match key {
        PanicKey::Fire => 1,
        PanicKey::Medical => 2,
        PanicKey::Police => 3,
    };
    vec![1, partition.number(), key, 1]
}
