//! What commands do: programming, users, arming, outputs (dossier 3.3 to 3.5, 3.8).

use std::time::Instant;

use panel_model::{Partition, PartitionSet};

use super::arming::{By, Mode, Purpose};
use super::panel::Panel;
use super::programming::{Occupied, ProgrammingMode};
use super::signal::{Changed, Hand, Lead, Signal};
use super::text::{Text, USER_UNITS};
use super::users::{Holder, UserSlot};
use crate::message::{
    ArmingMode, Command, Digits, FORMAT_UTF16, Mask, Notice, ProgrammingAccess, ResponseCode as Refused, UserData,
    UserField, UserRecords, activity, kind,
};

/// What a command comes to when it is not refused.
#[derive(Debug)]
pub(super) enum Done {
    /// 0502 with code 0.
    Success,
    /// The data that was read.
    Data(Notice),
}

/// Longest content of one answer `[impl NH]`.
const MOST_BYTES: u32 = 255;
/// 0912: clear everything that can be cleared.
const CLEAR_FAULTS: u8 = 10;
const CLEAR_ALL: u8 = 12;

/// Does what a command asks for. Those of session and 0800 are not for here.
pub(super) fn obey(panel: &mut Panel, now: Instant, command: &Command) -> Result<Done, Refused> {
    panel.touch_programming(now);
    match command {
        Command::EnterProgramming { partition, mode, code, access } => {
            partitions(panel, *partition)?;
            let mode = ProgrammingMode::of(mode.byte()).ok_or(Refused::BadType)?;
            let code = digits(Some(code));
            panel.enter(now, mode, &code, *access == ProgrammingAccess::ReadWrite)?;
            Ok(Done::Success)
        }
        Command::ExitProgramming { .. } => {
            let own = panel.programming.slot.is_some_and(|slot| slot.via == super::programming::Via::Remote);
            if !own {
                return Err(Refused::OutOfRange);
            }
            panel.leave(Lead::Out);
            Ok(Done::Success)
        }
        Command::ReadUsers { field, first, count } => {
            panel.programming_as(ProgrammingMode::Users)?;
            read_users(panel, *field, *first, *count).map(|data| Done::Data(Notice::Users(data)))
        }
        Command::WriteUsers(data) => {
            let by = panel.writing_as(ProgrammingMode::Users)?;
            write_users(panel, by, data).map(|()| Done::Success)
        }
        Command::WriteUserLabels { first, format, labels } => {
            let by = panel.writing_as(ProgrammingMode::Users)?;
            write_labels(panel, by, *first, *format, labels).map(|()| Done::Success)
        }
        Command::ReadSection(address) => {
            panel.programming_as(ProgrammingMode::Installer)?;
            let content = panel.read_section(address)?;
            Ok(Done::Data(Notice::Section(address.clone(), content.into())))
        }
        Command::WriteSection(address, content) => {
            panel.writing_as(ProgrammingMode::Installer)?;
            panel.write_section(address, content.expose()).map(|()| Done::Success)
        }
        Command::WriteZoneBypass { partition, zone, bypassed } => {
            bypass(panel, *partition, *zone, *bypassed).map(|()| Done::Success)
        }
        Command::Arm { partition, mode, code } => {
            arm(panel, now, *partition, *mode, code.as_ref()).map(|()| Done::Success)
        }
        Command::Disarm { partition, code } => disarm(panel, now, *partition, code.as_ref()).map(|()| Done::Success),
        Command::Output { partition, output, state, code } => {
            let set = partitions(panel, *partition)?;
            if *output == 0 || *output > panel.model.capacity().outputs.into() || !matches!(state, 1 | 2) {
                return Err(Refused::BadType);
            }
            operators(panel, now, set, code.as_ref(), Purpose::Other)?;
            if let Some(p) = set.iter().next() {
                panel.signal(Signal::Output(p, *output, *state == 1));
            }
            Ok(Done::Success)
        }
        Command::Activity { partition, kind, code } => activity_of(panel, now, *partition, *kind, code.as_ref()),
        Command::Response(_) | Command::OpenSession(_) | Command::RequestAccess(_) | Command::Request(_) => {
            Err(Refused::NotAvailable)
        }
    }
}

/// Partitions that a command is meant for: none is all in use.
fn partitions(panel: &Panel, partition: Option<u32>) -> Result<PartitionSet, Refused> {
    let Some(number) = partition else { return Ok(panel.partitions()) };
    let known = |p: &Partition| panel.units.contains_key(p);
    let partition = Partition::new(number).ok().filter(known).ok_or(Refused::BadPartition)?;
    Ok(std::iter::once(partition).collect())
}

/// The digits as they came, blanks left out; what is not decimal is no code of anybody.
fn digits(code: Option<&Digits>) -> String {
    let Some(code) = code else { return String::new() };
    if code.is_blank() {
        return String::new();
    }
    code.code().map_or_else(|| "?".to_owned(), |code| code.expose().to_owned())
}

/// Who a code makes operator of each partition. A code that opens none of them is wrong.
fn operators(
    panel: &mut Panel,
    now: Instant,
    set: PartitionSet,
    code: Option<&Digits>,
    purpose: Purpose,
) -> Result<Vec<(Partition, By)>, Refused> {
    let code = digits(code);
    let opens = |panel: &Panel, holder: Holder| {
        matches!(holder, Holder::User(slot)
            if panel.users.slot(slot).is_some_and(|user| set.iter().any(|p| user.partitions.contains(p))))
    };
    panel.remote_code(now, &code, opens)?;
    let all: Vec<_> = set.iter().filter_map(|p| panel.judge(now, p, &code, purpose).map(|by| (p, by))).collect();
    if all.is_empty() { Err(Refused::WrongCode) } else { Ok(all) }
}

fn arm(
    panel: &mut Panel,
    now: Instant,
    partition: Option<u32>,
    mode: ArmingMode,
    code: Option<&Digits>,
) -> Result<(), Refused> {
    let set = partitions(panel, partition)?;
    let mode = Mode::asked(mode.byte()).ok_or(Refused::NotAvailable)?;
    if panel.programming.is_occupied() {
        return Err(Refused::Busy);
    }
    let operators = if code.is_none_or(Digits::is_blank) && panel.options.quick_arm {
        set.iter().map(|p| (p, By::Key)).collect()
    } else {
        operators(panel, now, set, code, Purpose::Arm)?
    };
    let mut all = operators.len() == set.iter().count();
    let by = operators.first().map(|(_, by)| *by);
    for (p, by) in operators {
        all &= panel.arm(now, p, mode, by);
    }
    if let Some(by) = by {
        panel.report_duress(by);
    }
    if all { Ok(()) } else { Err(Refused::Partial) }
}

fn disarm(panel: &mut Panel, now: Instant, partition: Option<u32>, code: Option<&Digits>) -> Result<(), Refused> {
    let set = partitions(panel, partition)?;
    for (p, by) in operators(panel, now, set, code, Purpose::Disarm)? {
        panel.disarm(p, by);
    }
    Ok(())
}

fn bypass(panel: &mut Panel, partition: Option<u32>, zone: u32, on: bool) -> Result<(), Refused> {
    panel.writing_as(ProgrammingMode::Bypass)?;
    let set = partitions(panel, partition)?;
    let zone = u16::try_from(zone).map_err(|_| Refused::OutOfRange)?;
    let own = panel.zone(zone).ok_or(Refused::OutOfRange)?.partitions;
    if !set.iter().any(|p| own.contains(p)) {
        return Err(Refused::BadPartition);
    }
    if panel.bypass_zone(zone, on) { Ok(()) } else { Err(Refused::NotAvailable) }
}

fn activity_of(
    panel: &mut Panel,
    now: Instant,
    partition: Option<u32>,
    kind: u8,
    code: Option<&Digits>,
) -> Result<Done, Refused> {
    let set = partitions(panel, partition.filter(|p| *p != 0))?;
    match kind {
        activity::KEEP_ALIVE => {}
        activity::VALIDATE_CODE => {
            operators(panel, now, set, code, Purpose::Other)?;
        }
        activity::CLEAR_ALARM_MEMORY | CLEAR_FAULTS | CLEAR_ALL => {
            for (p, _) in operators(panel, now, set, code, Purpose::Other)? {
                panel.clear_memory(p);
            }
        }
        _ => return Err(Refused::NotAvailable),
    }
    Ok(Done::Success)
}

fn read_users(panel: &Panel, field: UserField, first: u32, count: u32) -> Result<UserData, Refused> {
    let slots = panel.users.range(first, count).ok_or(Refused::OutOfRange)?;
    let code_width = u8::try_from(panel.users.width()).map_err(|_| Refused::Internal)?;
    let mask_width = panel.model.capacity().partitions.div_ceil(8).max(1);
    let width = match field {
        UserField::Codes => code_width,
        UserField::Partitions => mask_width,
        UserField::Attributes | UserField::Kinds => 1,
    };
    if count.saturating_mul(width.into()) > MOST_BYTES {
        return Err(Refused::OutOfRange);
    }
    let code = |user: &UserSlot| user.code.as_ref().and_then(Digits::of).unwrap_or_else(|| Digits::blank(code_width));
    Ok(match field {
        UserField::Codes => UserData::codes(first, width, slots.iter().map(code).collect()),
        UserField::Attributes => UserData::attributes(first, slots.iter().map(|user| user.attributes).collect()),
        UserField::Partitions => {
            let masks = slots.iter().map(|user| Mask::from(user.partitions).with_width(width));
            UserData::partitions(first, width, masks.collect())
        }
        UserField::Kinds => UserData::kinds(first, slots.iter().map(|user| kind_of(panel, user)).collect()),
    })
}

fn kind_of(panel: &Panel, user: &UserSlot) -> u8 {
    match (user.code.is_some(), user.has_tag) {
        (false, false) => kind::NONE,
        (true, false) => kind::CODE,
        (false, true) => kind::TAG,
        (true, true) => panel.options.tag_and_code,
    }
}

/// Slots of a write, if the panel has all of them.
fn slots(panel: &Panel, first: u32, count: usize) -> Result<std::ops::RangeInclusive<u16>, Refused> {
    let count = u32::try_from(count).map_err(|_| Refused::OutOfRange)?;
    panel.users.range(first, count).ok_or(Refused::OutOfRange)?;
    let number = |n: u32| u16::try_from(n).map_err(|_| Refused::OutOfRange);
    Ok(number(first)?..=number(first + count - 1)?)
}

fn write_users(panel: &mut Panel, by: Occupied, data: &UserData) -> Result<(), Refused> {
    let range = slots(panel, data.first, data.count())?;
    let (from, to) = (*range.start(), *range.end());
    let what = match &data.records {
        UserRecords::Codes(codes) => {
            if usize::from(data.width) != panel.users.width() {
                return Err(Refused::BadType);
            }
            for (slot, code) in range.zip(codes) {
                write_code(panel, by.user, slot, code)?;
            }
            Changed::Code
        }
        UserRecords::Attributes(all) => {
            for (slot, bits) in range.zip(all) {
                panel.users.set_attributes(slot, *bits).map_err(|rejected| panel.refusal(rejected))?;
            }
            Changed::Attributes
        }
        UserRecords::Partitions(masks) => {
            let enabled = panel.partitions();
            for (slot, mask) in range.zip(masks) {
                let done = panel.users.set_partitions(slot, mask.partitions(), enabled);
                done.map_err(|rejected| panel.refusal(rejected))?;
            }
            Changed::Partitions
        }
        UserRecords::Kinds(_) => return Err(Refused::NotAvailable),
    };
    panel.signal(Signal::UsersChanged { what, from, to, hand: Hand::Remote });
    Ok(())
}

fn write_code(panel: &mut Panel, by: u16, slot: u16, code: &Digits) -> Result<(), Refused> {
    let code = if code.is_blank() { None } else { Some(code.code().ok_or(Refused::BadType)?) };
    let done = panel.users.set_code(by, slot, code.as_ref().map(panel_model::AccessCode::expose));
    done.map_err(|rejected| {
        panel.signal(Signal::CodeRejected(slot, Hand::Remote));
        panel.refusal(rejected)
    })
}

fn write_labels(panel: &mut Panel, by: Occupied, first: u32, format: u8, labels: &[Vec<u8>]) -> Result<(), Refused> {
    let range = slots(panel, first, labels.len())?;
    if format != FORMAT_UTF16 || labels.iter().any(|label| label.len() != 2 * USER_UNITS) {
        return Err(Refused::BadType);
    }
    let (from, to) = (*range.start(), *range.end());
    if from == super::users::MASTER && by.user != super::users::MASTER {
        return Err(Refused::NotAvailable);
    }
    for (slot, label) in range.zip(labels) {
        panel.users.set_label(slot, Text::from_be_bytes(label));
    }
    panel.signal(Signal::UsersChanged { what: Changed::Label, from, to, hand: Hand::Remote });
    Ok(())
}
