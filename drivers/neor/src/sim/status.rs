//! What 0800 is answered with (dossier 3.6, 3.7). Asking changes nothing.

use std::time::Instant;

use panel_model::{Partition, PartitionSet};

use super::dialect::Dialect;
use super::panel::Panel;
use super::tell::{ready_number, report};
use super::text::{LABEL_UNITS, Text, USER_UNITS};
use super::zones::ZoneUnit;
use crate::message::number as n;
use crate::message::{
    Flag, Labels, Mask, Notice, PartitionForm, ResponseCode as Refused, SystemCapabilities, Wanted, ZoneAlarm,
    ZoneStatus, label_option,
};

/// Labels that panels give in one answer `[impl LSH]`.
const LABELS_AT_ONCE: usize = 8;

/// The message that was asked for.
pub(super) fn status(panel: &Panel, now: Instant, dialect: &Dialect, wanted: &Wanted) -> Result<Notice, Refused> {
    match wanted {
        Wanted::Plain(number) => plain(panel, now, *number),
        Wanted::OfPartition(number, partition) => of_partition(panel, *number, *partition),
        Wanted::Labels { option, range } => labels(panel, dialect, *option, *range),
        Wanted::ZoneStatus { first, count } => {
            let zones = zones(panel, *first, *count)?;
            Ok(Notice::ZoneStatus { first: *first, statuses: zones.iter().map(|z| ZoneStatus(z.status())).collect() })
        }
        Wanted::PartitionStatus(field) => {
            Ok(Notice::PartitionStatus(report(panel, dialect, asked_partitions(panel, dialect, field)?)))
        }
        Wanted::TroubleDetail { device, trouble } => {
            let fits = |(d, t, _): &(u32, u32, u32)| *d == u32::from(*device) && *t == u32::from(*trouble);
            let numbers = Mask::of(panel.troubles.iter().map(|t| t.address()).filter(fits).map(|(_, _, n)| n));
            Ok(Notice::TroubleDetail { device: *device, trouble: *trouble, numbers })
        }
        Wanted::ZoneBypass { zone } => {
            let unit = zones(panel, *zone, 1)?.first().ok_or(Refused::OutOfRange)?;
            Ok(Notice::ZoneBypass { zone: *zone, bypassed: unit.bypassed })
        }
        Wanted::Troubles { device, kinds } => troubles(panel, *device, kinds),
        Wanted::ZoneAlarms { partition, count } => zone_alarms(panel, *partition, *count),
    }
}

fn plain(panel: &Panel, now: Instant, number: u16) -> Result<Notice, Refused> {
    Ok(match number {
        n::SYSTEM_CAPABILITIES => {
            let c = panel.model.capacity();
            Notice::Capabilities(SystemCapabilities {
                zones: c.zones.into(),
                users: c.users.into(),
                partitions: c.partitions.into(),
                fobs: c.fobs.into(),
                tags: c.tags.into(),
                outputs: c.outputs.into(),
            })
        }
        n::CODE_LENGTH => Notice::CodeLength(u8::try_from(panel.users.length()).unwrap_or(4)),
        n::TIME_BROADCAST => Notice::Time(panel.clock.read(now)),
        n::PARTITION_ASSIGNMENT => Notice::PartitionsInUse(panel.partitions().into()),
        _ => return Err(Refused::NotAvailable),
    })
}

fn of_partition(panel: &Panel, number: u16, partition: Option<u32>) -> Result<Notice, Refused> {
    let mask = |zones: Vec<u16>| Mask::of(zones.into_iter().map(u32::from));
    let zones = |wanted: &dyn Fn(&ZoneUnit) -> bool| -> Result<Vec<u16>, Refused> {
        let own = one_or_all(panel, partition)?;
        let fits = |unit: &ZoneUnit| unit.is_used() && wanted(unit) && !disjoint(unit.partitions, own);
        Ok(panel.zones().filter(|(_, unit)| fits(unit)).map(|(zone, _)| zone).collect())
    };
    Ok(match number {
        n::ZONE_ASSIGNMENT => Notice::ZoneAssignment { partition, zones: mask(zones(&|_| true)?) },
        n::BYPASSED_ZONES => Notice::BypassedZones { partition, zones: mask(zones(&|unit| unit.bypassed)?) },
        n::ALARM_MEMORY => {
            let own = one_or_all(panel, partition)?;
            let fire = own.iter().any(|p| panel.fire_bits(p) != 0);
            Notice::AlarmMemory { partition, kinds: fire.into(), zones: mask(zones(&|unit| unit.in_memory)?) }
        }
        n::READY_STATUS => {
            let p = in_use(panel, partition)?;
            // An armed partition has no readiness to tell.
            let readiness = panel.readiness(p).ok_or(Refused::NotAvailable)?;
            Notice::Ready { partition, ready: ready_number(readiness) }
        }
        n::ALARM_MEMORY_FLAG => {
            let p = in_use(panel, partition)?;
            let memory = panel.units.get(&p).is_some_and(|unit| unit.memory);
            Notice::Flag { flag: Flag::AlarmMemory, partition, value: memory.into() }
        }
        _ => return Err(Refused::NotAvailable),
    })
}

fn disjoint(one: PartitionSet, other: PartitionSet) -> bool {
    !one.iter().any(|p| other.contains(p))
}

/// None and 0 are all of them.
fn one_or_all(panel: &Panel, partition: Option<u32>) -> Result<PartitionSet, Refused> {
    match partition {
        None | Some(0) => Ok(panel.partitions()),
        some => Ok(std::iter::once(in_use(panel, some)?).collect()),
    }
}

fn in_use(panel: &Panel, partition: Option<u32>) -> Result<Partition, Refused> {
    let known = |p: &Partition| panel.units.contains_key(p);
    Partition::new(partition.unwrap_or(0)).ok().filter(known).ok_or(Refused::BadPartition)
}

/// In the number form `03` is partition 3, in the mask form 1 and 2 (dossier 3.7, the 0812 pitfall).
fn asked_partitions(panel: &Panel, dialect: &Dialect, field: &[u8]) -> Result<PartitionSet, Refused> {
    let asked = match dialect.partition_status_form {
        PartitionForm::Mask => Mask(field.to_vec()).partitions(),
        PartitionForm::Number => {
            let number = field.iter().fold(0_u32, |n, b| n.saturating_mul(256).saturating_add((*b).into()));
            Partition::new(number).into_iter().collect()
        }
    };
    let own: PartitionSet = asked.iter().filter(|p| panel.units.contains_key(p)).collect();
    if own.is_empty() || own != asked { Err(Refused::BadPartition) } else { Ok(own) }
}

fn zones(panel: &Panel, first: u32, count: u32) -> Result<&[ZoneUnit], Refused> {
    let start = usize::try_from(first).ok().and_then(|first| first.checked_sub(1));
    let range = start.zip(usize::try_from(count).ok()).filter(|(_, count)| *count > 0);
    let (start, count) = range.ok_or(Refused::OutOfRange)?;
    let end = start.checked_add(count).ok_or(Refused::OutOfRange)?;
    panel.zones.get(start..end).ok_or(Refused::OutOfRange)
}

fn labels(panel: &Panel, dialect: &Dialect, option: u32, range: Option<(u32, u32)>) -> Result<Notice, Refused> {
    let (from, to) = range.ok_or(Refused::OutOfRange)?;
    let units = if option == label_option::USER { USER_UNITS } else { LABEL_UNITS };
    let count = to.checked_sub(from).and_then(|n| usize::try_from(n).ok()).ok_or(Refused::OutOfRange)? + 1;
    if count > LABELS_AT_ONCE {
        return Err(Refused::OutOfRange);
    }
    let text = |number: u32| -> Option<&Text> {
        match option {
            label_option::ZONE => panel.zone(number.try_into().ok()?).map(|zone| &zone.label),
            label_option::USER => panel.users.slot(number.try_into().ok()?).map(|user| &user.label),
            label_option::PARTITION if number == 0 => Some(&panel.memory.system_label),
            label_option::PARTITION => panel.partition_label(Partition::new(number).ok()?),
            _ => None,
        }
    };
    let texts: Option<Vec<_>> =
        (from..=to).map(|n| text(n).map(|text| text.to_be_bytes(units, dialect.label_trailing))).collect();
    Ok(Notice::Labels(Labels {
        option,
        range,
        width: u8::try_from(2 * units).unwrap_or(u8::MAX),
        texts: texts.ok_or(Refused::OutOfRange)?,
    }))
}

/// Type 0 asks for all types. Without any trouble the answer is code 26 `[impl ABS]`.
fn troubles(panel: &Panel, device: u32, kinds: &[u32]) -> Result<Notice, Refused> {
    let all = kinds.contains(&0);
    let mut devices: Vec<(u32, Vec<u32>)> = Vec::new();
    for (of, kind, _) in panel.troubles.iter().map(|trouble| trouble.address()) {
        // Device 0 is the system, and all of it when all types are asked for.
        if (of == device || (all && device == 0)) && (all || kinds.contains(&kind)) {
            match devices.iter_mut().find(|(known, _)| *known == of) {
                Some((_, list)) if list.contains(&kind) => {}
                Some((_, list)) => list.push(kind),
                None => devices.push((of, vec![kind])),
            }
        }
    }
    if devices.is_empty() { Err(Refused::NoTroubles) } else { Ok(Notice::Troubles(devices)) }
}

fn zone_alarms(panel: &Panel, partition: Option<u32>, count: u32) -> Result<Notice, Refused> {
    let own = one_or_all(panel, partition)?;
    let most = if count == 0 { usize::MAX } else { usize::try_from(count).unwrap_or(usize::MAX) };
    let in_alarm = |unit: &&(u16, &ZoneUnit)| unit.1.in_alarm && !disjoint(unit.1.partitions, own);
    let all: Vec<(u16, &ZoneUnit)> = panel.zones().collect();
    let alarms: Vec<ZoneAlarm> = all
        .iter()
        .filter(in_alarm)
        .take(most)
        .map(|(zone, unit)| ZoneAlarm { zone: (*zone).into(), kind: unit.alarm_type().number(), state: 1 })
        .collect();
    if alarms.is_empty() { Err(Refused::NoAlarms) } else { Ok(Notice::ZoneAlarms { partition, alarms }) }
}
