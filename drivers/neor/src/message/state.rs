//! Fields of the notifications that tell a state or a change of it (dossier 3.7, 3.11).

use super::MessageError;
use super::code::ArmingMode;
use super::notice::{Delay, Flag, Notice, TroubleNotice, ZoneAlarm, to_end};
use super::number as n;
use super::status::{PartitionReport, PartitionStatus, ZoneStatus};
use super::value::{Mask, Reader, Writer};

/// What is not known either is kept raw.
pub(super) fn decode_status(number: u16, r: &mut Reader<'_>) -> Result<Notice, MessageError> {
    Ok(match number {
        n::ZONE_ASSIGNMENT => Notice::ZoneAssignment { partition: r.optional()?, zones: mask_to_end(r) },
        n::ZONE_STATUS => {
            let (first, count, width) = (r.compact()?, r.count()?, r.u8()?);
            let statuses = r.records(count, width)?.map(|s| ZoneStatus(s.first().copied().unwrap_or(0))).collect();
            Notice::ZoneStatus { first, statuses }
        }
        n::PARTITION_STATUS => {
            let (field, width) = (r.bytes8()?.to_vec(), r.u8()?);
            if width == 0 {
                return Err(MessageError::Value("record width"));
            }
            let records = r.rest().chunks_exact(width.into());
            Notice::PartitionStatus(PartitionReport {
                field,
                statuses: records.map(|s| PartitionStatus(s.to_vec())).collect(),
            })
        }
        n::BYPASSED_ZONES => Notice::BypassedZones { partition: r.optional()?, zones: mask_to_end(r) },
        n::ALARM_MEMORY => Notice::AlarmMemory { partition: r.optional()?, kinds: r.u8()?, zones: mask_to_end(r) },
        n::TROUBLE_DETAIL => Notice::TroubleDetail { device: r.u8()?, trouble: r.u8()?, numbers: mask_to_end(r) },
        n::ZONE_BYPASS => Notice::ZoneBypass { zone: r.compact()?, bypassed: r.u8()? != 0 },
        n::SYSTEM_TROUBLES => Notice::Troubles(to_end(r, |r| {
            let (device, count) = (r.compact()?, r.u8()?);
            Ok((device, (0..count).map(|_| r.compact()).collect::<Result<_, _>>()?))
        })?),
        n::TROUBLE_NOTICE => Notice::TroubleNotices(to_end(r, |r| {
            let (device, trouble, number) = (r.compact()?, r.compact()?, r.compact()?);
            Ok(TroubleNotice { device, trouble, number, state: r.u8()? })
        })?),
        n::ZONE_ALARM => {
            let (partition, count) = (r.optional()?, r.count()?);
            let mut alarms = Vec::new();
            for _ in 0..count {
                alarms.push(ZoneAlarm { zone: r.compact()?, kind: r.u8()?, state: r.u8()? });
            }
            Notice::ZoneAlarms { partition, alarms }
        }
        n::LIFESTYLE_ZONE => Notice::LifestyleZone { zone: r.compact()?, open: r.u8()? != 0 },
        n::OUTPUT_ACTIVATION => Notice::Outputs { partition: r.optional()?, outputs: Mask(r.bytes8()?.to_vec()) },
        n::EXIT_DELAY | n::ENTRY_DELAY => {
            let delay = if number == n::EXIT_DELAY { Delay::Exit } else { Delay::Entry };
            Notice::Delay { delay, partition: r.optional()?, flags: r.u8()?, seconds: r.compact()? }
        }
        n::ARMING => {
            let (partition, mode) = (r.optional()?, ArmingMode::from_byte(r.u8()?));
            Notice::Arming { partition, mode, method: r.u8()?, user: r.optional()? }
        }
        n::READY_STATUS => Notice::Ready { partition: r.optional()?, ready: r.u8()? },
        n::AUDIBLE_BELL => {
            let (partition, state, second) = (r.optional()?, r.u8()?, r.u8()?);
            Notice::Bell { partition, state, second, seconds: r.compact()? }
        }
        n::ALARM_MEMORY_FLAG => flag(Flag::AlarmMemory, r)?,
        n::TROUBLE_FLAG => flag(Flag::Trouble, r)?,
        n::BYPASS_FLAG => flag(Flag::Bypass, r)?,
        command => Notice::Unknown { command, payload: r.rest().into() },
    })
}

pub(super) fn encode_status(notice: &Notice, w: &mut Writer) {
    match notice {
        Notice::ZoneAssignment { partition, zones } | Notice::BypassedZones { partition, zones } => {
            w.optional(*partition).raw(&zones.0);
        }
        Notice::ZoneStatus { first, statuses } => {
            w.compact(*first).count(statuses.len()).u8(1);
            statuses.iter().for_each(|s| {
                w.u8(s.0);
            });
        }
        Notice::PartitionStatus(report) => {
            let width = report.statuses.iter().map(|s| s.0.len()).max().and_then(|l| u8::try_from(l).ok()).unwrap_or(2);
            w.bytes8(&report.field).u8(width);
            for status in &report.statuses {
                let mut bytes = status.0.clone();
                bytes.resize(width.into(), 0);
                w.raw(&bytes);
            }
        }
        Notice::AlarmMemory { partition, kinds, zones } => {
            w.optional(*partition).u8(*kinds).raw(&zones.0);
        }
        Notice::TroubleDetail { device, trouble, numbers } => {
            w.u8(*device).u8(*trouble).raw(&numbers.0);
        }
        Notice::ZoneBypass { zone, bypassed: on } | Notice::LifestyleZone { zone, open: on } => {
            w.compact(*zone).u8((*on).into());
        }
        Notice::Troubles(devices) => devices.iter().for_each(|(device, kinds)| {
            w.compact(*device).u8(u8::try_from(kinds.len()).unwrap_or(u8::MAX));
            kinds.iter().take(u8::MAX.into()).for_each(|kind| {
                w.compact(*kind);
            });
        }),
        Notice::TroubleNotices(notices) => notices.iter().for_each(|t| {
            w.compact(t.device).compact(t.trouble).compact(t.number).u8(t.state);
        }),
        Notice::ZoneAlarms { partition, alarms } => {
            w.optional(*partition).count(alarms.len());
            alarms.iter().for_each(|a| {
                w.compact(a.zone).u8(a.kind).u8(a.state);
            });
        }
        Notice::Outputs { partition, outputs } => {
            w.optional(*partition).bytes8(&outputs.0);
        }
        Notice::Delay { partition, flags, seconds, .. } => {
            w.optional(*partition).u8(*flags).compact(*seconds);
        }
        Notice::Arming { partition, mode, method, user } => {
            w.optional(*partition).u8(mode.byte()).u8(*method).optional(*user);
        }
        Notice::Ready { partition, ready: value } | Notice::Flag { partition, value, .. } => {
            w.optional(*partition).u8(*value);
        }
        Notice::Bell { partition, state, second, seconds } => {
            w.optional(*partition).u8(*state).u8(*second).compact(*seconds);
        }
        // The rest is encoded by `Notice::encode`.
        _ => {}
    }
}

fn mask_to_end(r: &mut Reader<'_>) -> Mask {
    Mask(r.rest().to_vec())
}

fn flag(flag: Flag, r: &mut Reader<'_>) -> Result<Notice, MessageError> {
    Ok(Notice::Flag { flag, partition: r.optional()?, value: r.u8()? })
}
