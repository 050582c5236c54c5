use std::time::Duration;

use panel_model::{
    Access, AccessCode, ArmMode, Capabilities, InstallerCode, Label, LockId, PanelRole, Partition, PartitionSet,
    Password, Refusal, Slot, Zone,
};

use super::{Failure, PairOf, Subject, online, set_code, work};
use crate::{Busy, CivilTime, Command, CommandId, Outcome, Section, Session, SetUser, clock};

/// What the capabilities rule out is answered `Refused(Unsupported)` at once, before anything reaches the wire.
///
/// # Errors
/// The first command that is not.
pub fn what_is_unsupported_is_refused<S: Subject>(subject: &S) -> Result<(), Failure> {
    let mut pair = online(subject, 1)?;
    for command in unsupported(&subject.capabilities(), subject.facts().slot) {
        refused_before_the_wire::<S>(&mut pair, command, Refusal::Unsupported)?;
    }
    Ok(())
}

/// Slots, partitions, zones that the panel does not have are refused before the wire, each with its own refusal.
///
/// # Errors
/// The first command that is not.
pub fn unknown_numbers_are_refused<S: Subject>(subject: &S) -> Result<(), Failure> {
    let (capabilities, facts) = (subject.capabilities(), subject.facts());
    let mut pair = online(subject, 1)?;
    if capabilities.sections.codes.on_panel()
        && let Some(slot) = numbers(Slot::new).find(|slot| capabilities.roles_of(*slot).is_err())
    {
        refused_before_the_wire::<S>(&mut pair, set_code(slot, facts.code.clone()), Refusal::SlotNotAvailable)?;
        refused_before_the_wire::<S>(&mut pair, Command::DisableUser { slot }, Refusal::SlotNotAvailable)?;
    }
    if let Some(mode) = capabilities.arm_modes.first()
        && let Some(partition) = numbers(Partition::new).find(|p| !capabilities.partitions.contains(*p))
    {
        let arm = Command::Arm { partition, mode: *mode, code: Some(facts.code) };
        refused_before_the_wire::<S>(&mut pair, arm, Refusal::PartitionNotAvailable)?;
    }
    if capabilities.bypass
        && let Ok(zone) = Zone::new(u32::from(capabilities.zones) + 1)
    {
        refused_before_the_wire::<S>(&mut pair, Command::Bypass { zone, bypassed: true }, Refusal::NotFound)?;
    }
    Ok(())
}

/// Codes that the panel does not take are refused before the wire. Passed where codes cannot be written.
///
/// # Errors
/// The first code that is not.
pub fn malformed_codes_are_refused<S: Subject>(subject: &S) -> Result<(), Failure> {
    let (capabilities, facts) = (subject.capabilities(), subject.facts());
    if !capabilities.sections.codes.on_panel() {
        return Ok(());
    }
    let mut pair = online(subject, 1)?;
    let letters = capabilities.codes.lengths.iter().map(|length| "12a4567890".chars().take((*length).into()).collect());
    let lengths = (0..=10).map(|length| "7".repeat(length));
    let malformed = letters.chain(lengths).map(AccessCode::new).filter(|code| capabilities.codes.check(code).is_err());
    for code in malformed {
        refused_before_the_wire::<S>(&mut pair, set_code(facts.slot, code), Refusal::CodeFormat)?;
    }
    Ok(())
}

/// A driver that is given more commands than it can hold answers `Busy`, and none of those that it took gets lost.
///
/// # Errors
/// It takes a thousand, or leaves one unanswered.
pub fn the_queue_is_bounded<S: Subject>(subject: &S) -> Result<(), Failure> {
    let mut session = subject.session(subject.start());
    let now = clock::now();
    session.handle_open(now);
    let offered = (1..=1000).map(|id| session.handle_command(now, CommandId(id), work(subject)));
    match offered.filter_map(Result::err).next() {
        None => return Err(Failure::new("a thousand commands were taken and none answered Busy")),
        Some(Busy(command)) if command != work(subject) => return Err(Failure::new("Busy gave back another command")),
        Some(Busy(_)) => {}
    }
    let mut pair = online(subject, 1)?;
    let ids: Vec<_> = (0..30).map(|_| pair.command(Command::Refresh(Section::State))).collect();
    pair.settle()?;
    let applied = ids.iter().filter(|id| matches!(pair.outcome(**id), Some(Outcome::Applied(_)))).count();
    pair.check(applied == ids.len(), &format!("all of 30 refreshes are applied, not {applied}"))
}

fn refused_before_the_wire<S: Subject>(
    pair: &mut PairOf<S>,
    command: Command,
    refusal: Refusal,
) -> Result<(), Failure> {
    let text = format!("{command:?}");
    let sent = pair.bytes_to_panel();
    let id = pair.command(command);
    pair.run_for(Duration::ZERO)?;
    let outcome = pair.outcome(id).cloned();
    let right = outcome == Some(Outcome::Refused(refusal));
    pair.check(right, &format!("{text} is refused at once as `{refusal}`, not {outcome:?}"))?;
    pair.check(pair.bytes_to_panel() == sent, &format!("{text} is refused without a byte on the wire"))?;
    pair.settle()
}

fn numbers<T, E>(new: fn(u32) -> Result<T, E>) -> impl Iterator<Item = T> {
    (1..=9999).map_while(move |n| new(n).ok())
}

/// A command of each kind that the capabilities rule out.
fn unsupported(capabilities: &Capabilities, slot: Slot) -> Vec<Command> {
    let mut commands = Vec::new();
    let sections = &capabilities.sections;
    if let Some(partition) = capabilities.partitions.iter().next() {
        let modes = [ArmMode::Away, ArmMode::Stay, ArmMode::Night, ArmMode::AwayNoEntry, ArmMode::StayNoEntry];
        let missing = modes.into_iter().filter(|mode| !capabilities.arm_modes.contains(mode));
        commands.extend(missing.map(|mode| Command::Arm { partition, mode, code: None }));
        if capabilities.outputs == 0 {
            commands.push(Command::Output { partition, output: 1 });
        }
    }
    if !capabilities.bypass {
        commands.extend(Zone::new(1).map(|zone| Command::Bypass { zone, bypassed: true }));
    }
    if capabilities.zone_labels.is_none() {
        let label = Label::from_panel("Hall");
        commands
            .extend(Zone::new(1).ok().zip(label.clone()).map(|(zone, label)| Command::SetZoneLabel { zone, label }));
        let first = capabilities.partitions.iter().next();
        commands.extend(first.zip(label).map(|(partition, label)| Command::SetPartitionLabel { partition, label }));
    }
    if !capabilities.set_clock {
        let time = CivilTime { year: 2031, month: 2, day: 3, hour: 4, minute: 5, second: 6 };
        commands.push(Command::SetClock(time));
    }
    if !sections.tags.writable() {
        commands.push(Command::SetTag { slot, serial: Password::new("0123456789".into()) });
        commands.push(Command::RemoveTag { slot });
        commands.push(Command::EnrolTag { slot });
    }
    if capabilities.locks == 0 {
        commands
            .extend(LockId::new(1).into_iter().flat_map(|lock| [Command::LockDoor(lock), Command::UnlockDoor(lock)]));
    }
    if sections.locks == Access::Unsupported {
        commands.push(Command::SetLockAccess { slot, locks: Vec::new() });
    }
    if sections.installer_code == Access::Unsupported {
        let code = |text: &str| InstallerCode::new(text.into());
        commands.push(Command::ChangeInstallerCode { current: code("5555"), new: code("6666") });
    }
    let nothing = SetUser { slot, code: None, label: None, role: None, partitions: None };
    if sections.codes == Access::Unsupported {
        commands.push(Command::DisableUser { slot });
        commands.push(set_code(slot, AccessCode::new("4711".into())));
    }
    if sections.roles == Access::Unsupported {
        commands.push(Command::SetUser(SetUser { role: Some(PanelRole::User), ..nothing.clone() }));
    }
    if sections.partitions == Access::Unsupported {
        commands.push(Command::SetUser(SetUser { partitions: Some(PartitionSet::first(1)), ..nothing }));
    }
    commands
}
