//! What the panel does on a command of the client, the same behind both modules; codes
//! of 502 by [doc TPI 3.7] and [impl J100]. The front ends
//! acknowledge.

use std::time::Instant;

use panel_model::{AccessCode, Partition};
use zeroize::Zeroizing;

use super::arming::{Arming, By};
use super::keypad::{Hold, Key, Menu};
use super::options::Interface;
use super::panel::Panel;
use super::prompt::{Asked, Prompt, Purpose};
use super::sections::Setting;
use super::signal::{Hand, Wanted};
use crate::message::{CodeForm, ErrorCode, MessageError, ModuleCommand, PanelTime, PlainArmMode, QuickArm};

pub(super) const BUFFER_OVERRUN: ErrorCode = ErrorCode(1);
pub(super) const BUFFER_OVERFLOW: ErrorCode = ErrorCode(2);
const KEYBUS_OVERRUN: ErrorCode = ErrorCode(10);
const KEYBUS_DEAD: ErrorCode = ErrorCode(14);
const CODE_RUNNING: ErrorCode = ErrorCode(15);
const LOCKOUT: ErrorCode = ErrorCode(16);
const INSTALLER_MODE: ErrorCode = ErrorCode(17);
const BUSY: ErrorCode = ErrorCode(18);
pub(super) const SYNTAX: ErrorCode = ErrorCode(20);
const NO_PARTITION: ErrorCode = ErrorCode(21);
pub(super) const NOT_SUPPORTED: ErrorCode = ErrorCode(22);
const NOT_ARMED: ErrorCode = ErrorCode(23);
const NOT_READY: ErrorCode = ErrorCode(24);
pub(super) const LENGTH: ErrorCode = ErrorCode(25);
const CODE_NOT_WANTED: ErrorCode = ErrorCode(26);
const CHARACTER: ErrorCode = ErrorCode(27);
pub(super) const KEYPAD_OFF: ErrorCode = ErrorCode(28);
const PARAMETER: ErrorCode = ErrorCode(29);
const STAYS_DARK: ErrorCode = ErrorCode(30);
pub(super) const THERMOSTAT_NOT_OPEN: ErrorCode = ErrorCode(32);
pub(super) const THERMOSTAT_SILENT: ErrorCode = ErrorCode(33);

/// The error for a command that cannot be read.
pub(super) fn misread(interface: Interface, error: MessageError) -> ErrorCode {
    match error {
        MessageError::Length { .. } => LENGTH,
        MessageError::Field { field: "partition", .. } => NO_PARTITION,
        MessageError::Field { field: "code" | "key" | "keys", .. } => CHARACTER,
        MessageError::Field { .. } if interface == Interface::It100 => PARAMETER,
        MessageError::Field { .. } => SYNTAX,
    }
}

/// Whether the panel takes the command in its present state; asked before [`run`].
pub(super) fn gate(panel: &Panel, interface: Interface, command: &ModuleCommand) -> Result<(), ErrorCode> {
    use ModuleCommand as C;
    let of_module = matches!(
        command,
        C::Poll
            | C::Login(_)
            | C::Timestamps(_)
            | C::TimeBroadcasts(_)
            | C::TemperatureBroadcasts(_)
            | C::VirtualKeypad(_)
            | C::SetBaud(_)
    );
    if !panel.keybus_working && !of_module && interface == Interface::Envisalink {
        return Err(KEYBUS_DEAD);
    }
    let allowed_in_programming = matches!(
        command,
        C::StatusReport | C::Key(_) | C::KeyString { .. } | C::KeepMenuOpen(_) | C::VirtualKeypad(_) | C::SendCode(_)
    );
    // Only polling gets through besides [doc TPI 3.7]; a late 200 is told as what it is.
    if panel.installer_at.is_some() && !matches!(command, C::Poll | C::Login(_)) && !allowed_in_programming {
        return Err(INSTALLER_MODE);
    }
    let needs_keypad = matches!(
        command,
        C::Output { .. }
            | C::Arm { .. }
            | C::ArmWithCode { .. }
            | C::Disarm { .. }
            | C::Key(_)
            | C::KeyString { .. }
            | C::OpenUsersMenu(_)
            | C::OpenFunctionsMenu(_)
            | C::SendCode(_)
    );
    if panel.is_locked() && needs_keypad { Err(LOCKOUT) } else { Ok(()) }
}

/// Runs a command that is the panel's business; the module's own ones are not for here.
pub(super) fn run(
    panel: &mut Panel,
    now: Instant,
    interface: Interface,
    command: &ModuleCommand,
) -> Result<(), ErrorCode> {
    match command {
        ModuleCommand::Arm { partition, how } => arm(panel, now, interface, *partition, *how),
        ModuleCommand::ArmWithCode { partition, code } => {
            may_arm(panel, now, interface, *partition)?;
            send_along(panel, now, interface, *partition, code, Purpose::Arm(PlainArmMode::Away))
        }
        ModuleCommand::Disarm { partition, code } => {
            wake(panel, now, interface, *partition, NOT_ARMED)?;
            if panel.unit(*partition).is_some_and(|unit| unit.arming == Arming::Disarmed && !unit.alarm) {
                return Err(NOT_ARMED);
            }
            free(panel, *partition)?;
            send_along(panel, now, interface, *partition, code, Purpose::Disarm)
        }
        ModuleCommand::Output { partition, output } => {
            if !(1..=4).contains(output) {
                return Err(if interface == Interface::It100 { PARAMETER } else { SYNTAX });
            }
            free(panel, *partition)?;
            take(panel, *partition);
            if panel.options.output_code {
                panel.ask(now, *partition, Prompt::by_command(Purpose::Output(*output)));
            } else {
                panel.run_output(now, *partition, *output);
            }
            Ok(())
        }
        ModuleCommand::Panic(key) => {
            if let Some(partition) = first(panel) {
                panel.keypad_alarm(now, partition, *key);
            }
            Ok(())
        }
        ModuleCommand::KeyString { partition, keys } => {
            known(panel, *partition)?;
            let keys: Vec<Key> = keys.expose().iter().copied().filter_map(Key::of).collect();
            if keys.is_empty() {
                return Err(LENGTH);
            }
            if panel.press_string(now, *partition, keys.into_iter()) { Ok(()) } else { Err(KEYBUS_OVERRUN) }
        }
        ModuleCommand::OpenUsersMenu(partition) => {
            open(panel, now, *partition, Prompt::in_menu(Wanted::Master, Purpose::Users))
        }
        ModuleCommand::OpenFunctionsMenu(partition) => open(panel, now, *partition, panel.functions_prompt()),
        ModuleCommand::KeepMenuOpen(partition) => {
            known(panel, *partition)?;
            panel.awake(now, *partition);
            Ok(())
        }
        ModuleCommand::SendCode(data) => send_code(panel, now, interface, data),
        ModuleCommand::SetClock(time) => set_clock(panel, now, interface, *time),
        _ => Err(NOT_SUPPORTED),
    }
}

fn arm(
    panel: &mut Panel,
    now: Instant,
    interface: Interface,
    partition: Partition,
    how: QuickArm,
) -> Result<(), ErrorCode> {
    may_arm(panel, now, interface, partition)?;
    let mode = match how {
        QuickArm::Away => PlainArmMode::Away,
        QuickArm::Stay => PlainArmMode::Stay,
        QuickArm::NoEntryDelay => PlainArmMode::StayNoEntry,
    };
    take(panel, partition);
    if panel.is_on(Setting::QUICK_ARM) {
        panel.arm(now, partition, mode, By::Special).map_err(|_| NOT_READY)
    } else {
        panel.ask(now, partition, Prompt::by_command(Purpose::Arm(mode)));
        Ok(())
    }
}

fn may_arm(panel: &mut Panel, now: Instant, interface: Interface, partition: Partition) -> Result<(), ErrorCode> {
    wake(panel, now, interface, partition, NOT_READY)?;
    free(panel, partition)?;
    panel.can_arm(partition).map_err(|_| NOT_READY)
}

/// A dark keypad: the Envisalink takes it for not ready or not armed, the IT-100 wakes it if it can
/// [impl, issue reports].
fn wake(
    panel: &mut Panel,
    now: Instant,
    interface: Interface,
    partition: Partition,
    mistaken: ErrorCode,
) -> Result<(), ErrorCode> {
    known(panel, partition)?;
    if !panel.unit(partition).is_some_and(|unit| unit.keypad.dark) {
        return Ok(());
    }
    match interface {
        Interface::Envisalink => Err(mistaken),
        Interface::It100 if panel.is_on(Setting::UNBLANK_CODE) => Err(STAYS_DARK),
        Interface::It100 => {
            if let Some(keypad) = panel.keypad(partition) {
                keypad.dark = false;
            }
            panel.awake(now, partition);
            Ok(())
        }
    }
}

fn known(panel: &Panel, partition: Partition) -> Result<(), ErrorCode> {
    panel.unit(partition).map(|_| ()).ok_or(NO_PARTITION)
}

fn free(panel: &Panel, partition: Partition) -> Result<(), ErrorCode> {
    let keypad = &panel.unit(partition).ok_or(NO_PARTITION)?.keypad;
    match keypad.hold {
        Some(Hold::Checking(prompt)) if prompt.asked != Asked::InMenu => Err(CODE_RUNNING),
        Some(_) => Err(BUSY),
        None if keypad.menu == Menu::Idle => Ok(()),
        None => Err(BUSY),
    }
}

/// The module is at the keypad now.
fn take(panel: &mut Panel, partition: Partition) {
    if let Some(keypad) = panel.keypad(partition) {
        keypad.hand = Hand::Module;
        keypad.digits.clear();
    }
}

/// 033 and 040: the code comes with the command. An IT-100 wants six digits, shorter codes filled with zeros.
fn send_along(
    panel: &mut Panel,
    now: Instant,
    interface: Interface,
    partition: Partition,
    code: &AccessCode,
    purpose: Purpose,
) -> Result<(), ErrorCode> {
    let code = match interface {
        Interface::Envisalink => Zeroizing::new(code.expose().to_owned()),
        Interface::It100 => unfold(code.expose(), CodeForm::Padded, panel.codes.length()).ok_or(LENGTH)?,
    };
    take(panel, partition);
    panel.check_code(now, partition, &code, Prompt::with_code(Wanted::Access, purpose));
    Ok(())
}

fn open(panel: &mut Panel, now: Instant, partition: Partition, prompt: Prompt) -> Result<(), ErrorCode> {
    free(panel, partition)?;
    take(panel, partition);
    panel.awake(now, partition);
    if panel.is_disarmed(partition) {
        panel.open_with(now, partition, prompt);
    } else {
        panel.not_available(now, partition);
    }
    Ok(())
}

/// 200: the code goes to whichever partition asked.
fn send_code(panel: &mut Panel, now: Instant, interface: Interface, data: &AccessCode) -> Result<(), ErrorCode> {
    let announces = interface == Interface::Envisalink || panel.options.lcd_menu_announces;
    let asking = panel.units.iter().find_map(|(partition, unit)| match unit.keypad.menu {
        Menu::Prompt(prompt) if unit.keypad.hand == Hand::Module && unit.keypad.hold.is_none() => {
            let announced = announces && (interface == Interface::Envisalink || prompt.wanted != Wanted::Installer);
            (prompt.asked != Asked::InMenu || announced).then_some((*partition, prompt))
        }
        _ => None,
    });
    let (partition, prompt) = asking.ok_or(CODE_NOT_WANTED)?;
    let length = panel.codes.length();
    let forms = match (interface, panel.hostile.code_form) {
        (Interface::Envisalink, _) => vec![CodeForm::Raw],
        (Interface::It100, Some(form)) => vec![form],
        (Interface::It100, None) => {
            vec![CodeForm::PartitionPadded, CodeForm::Padded, CodeForm::PartitionRaw, CodeForm::Raw]
        }
    };
    let code = forms.into_iter().find_map(|form| unfold(data.expose(), form, length)).ok_or(LENGTH)?;
    panel.check_code(now, partition, &code, prompt);
    Ok(())
}

/// The code in data laid out in this form; `None` if it is not.
fn unfold(data: &str, form: CodeForm, length: usize) -> Option<Zeroizing<String>> {
    let rest = match form {
        CodeForm::Raw | CodeForm::Padded => data,
        CodeForm::PartitionRaw | CodeForm::PartitionPadded => data.get(1..)?,
    };
    let wanted = match form {
        CodeForm::Raw | CodeForm::PartitionRaw => length,
        CodeForm::Padded | CodeForm::PartitionPadded => 6,
    };
    let (code, padding) = rest.split_at_checked(length)?;
    let fits = rest.len() == wanted && padding.bytes().all(|b| b == b'0');
    fits.then(|| Zeroizing::new(code.to_owned()))
}

fn set_clock(panel: &mut Panel, now: Instant, interface: Interface, time: PanelTime) -> Result<(), ErrorCode> {
    if interface == Interface::It100
        && panel.options.clock_code
        && let Some(partition) = first(panel)
    {
        free(panel, partition)?;
        take(panel, partition);
        panel.ask(now, partition, Prompt::by_command(Purpose::SetClock(time)));
        return Ok(());
    }
    let wrong = if interface == Interface::It100 { PARAMETER } else { SYNTAX };
    if panel.clock.set(now, time) { Ok(()) } else { Err(wrong) }
}

/// The partition that the module's own keypad belongs to.
pub(super) fn first(panel: &Panel) -> Option<Partition> {
    panel.units.keys().next().copied()
}
