//! Which messages a module makes of what happens in the panel [doc TPI 3.3] [impl J100].

use panel_driver::sim::PanicKey;
use panel_model::Partition;

use super::options::Interface;
use super::panel::Panel;
use super::signal::{Hand, Signal, Status, Trouble, Wanted};
use crate::message::{ModuleMessage, PartitionNotice, SystemNotice, ZoneAlarmNotice, ZoneNotice};

use ModuleMessage as M;

/// The messages of a signal, in their order. What a keypad shows and how it sounds is the front ends' own.
pub(super) fn messages(panel: &Panel, interface: Interface, signal: &Signal) -> Vec<ModuleMessage> {
    let evl = interface == Interface::Envisalink;
    let one = |message| vec![message];
    let when = |wanted: bool, message| if wanted { vec![message] } else { Vec::new() };
    match *signal {
        Signal::ZoneOpened(zone) => one(M::Zone(ZoneNotice::Opened, zone)),
        Signal::ZoneClosed(zone) => one(M::Zone(ZoneNotice::Closed, zone)),
        Signal::ZoneAlarm(p, zone) => one(M::ZoneAlarm(ZoneAlarmNotice::Alarm, p, zone)),
        Signal::ZoneAlarmRestored(p, zone) => one(M::ZoneAlarm(ZoneAlarmNotice::AlarmRestored, p, zone)),
        Signal::ZoneTamper(p, zone) => one(M::ZoneAlarm(ZoneAlarmNotice::Tamper, p, zone)),
        Signal::ZoneTamperRestored(p, zone) => one(M::ZoneAlarm(ZoneAlarmNotice::TamperRestored, p, zone)),
        Signal::ZoneFault(zone) => one(M::Zone(ZoneNotice::Fault, zone)),
        Signal::ZoneFaultRestored(zone) => one(M::Zone(ZoneNotice::FaultRestored, zone)),
        Signal::ZoneBattery { zone, low } => one(M::Zone(
            match (evl, low) {
                (true, true) => ZoneNotice::ZoneBatteryLow,
                (true, false) => ZoneNotice::ZoneBatteryRestored,
                (false, true) => ZoneNotice::WirelessBatteryLow,
                (false, false) => ZoneNotice::WirelessBatteryRestored,
            },
            zone,
        )),
        Signal::Status(p, status) => status_message(p, status).into_iter().collect(),
        Signal::Disarmed(p) => one(M::Partition(PartitionNotice::Disarmed, p)),
        Signal::ClosedBy(partition, slot @ Some(_)) => one(M::UserClosing { partition, slot }),
        Signal::ClosedBy(p, None) => one(M::Partition(PartitionNotice::SpecialClosing, p)),
        Signal::ClosedPartly(p) => one(M::Partition(PartitionNotice::PartialClosing, p)),
        Signal::OpenedBy(partition, slot @ Some(_)) => one(M::UserOpening { partition, slot }),
        Signal::OpenedBy(p, None) => one(M::Partition(PartitionNotice::SpecialOpening, p)),
        Signal::Duress => one(M::Duress),
        Signal::KeypadAlarm(key) => one(M::System(match key {
            PanicKey::Fire => SystemNotice::FireKey,
            PanicKey::Medical => SystemNotice::MedicalKey,
            PanicKey::Police => SystemNotice::PanicKey,
        })),
        Signal::KeypadAlarmRestored(key) => one(M::System(match key {
            PanicKey::Fire => SystemNotice::FireKeyRestored,
            PanicKey::Medical => SystemNotice::MedicalKeyRestored,
            PanicKey::Police => SystemNotice::PanicKeyRestored,
        })),
        Signal::FailedToArm(p) => one(M::Partition(PartitionNotice::FailureToArm, p)),
        // An IT-100 passes it on only for a code that it sent itself.
        Signal::InvalidCode { partition, hand, by_command } => when(
            !panel.hostile.no_invalid_code && (evl || (by_command && hand == Hand::Module)),
            M::Partition(PartitionNotice::InvalidCode, partition),
        ),
        Signal::NotAvailable(p) => one(M::Partition(PartitionNotice::FunctionUnavailable, p)),
        Signal::Lockout(p) => one(M::Partition(PartitionNotice::KeypadLockout, p)),
        Signal::Chime(p, on) => {
            when(evl, M::Partition(if on { PartitionNotice::ChimeOn } else { PartitionNotice::ChimeOff }, p))
        }
        Signal::Output { partition, output, at_keypad } => {
            let mut told = when(!evl && at_keypad, M::OutputPressed { partition, output });
            told.push(M::Partition(PartitionNotice::OutputRunning, partition));
            told
        }
        Signal::Trouble(trouble, on) => {
            let mut told: Vec<_> = trouble_notice(evl, trouble, on).map(M::System).into_iter().collect();
            if evl {
                told.push(M::VerboseTrouble(trouble_bits(panel)));
            }
            told
        }
        Signal::TroubleLight(p, on) => one(trouble_light(p, on)),
        Signal::InstallerEntered(_) => when(evl, M::System(SystemNotice::InstallerMode)),
        Signal::Prompt { partition, hand, wanted, length, in_menu } => {
            prompt(panel, evl, partition, hand, wanted, length, in_menu).into_iter().collect()
        }
        Signal::BypassLeft => when(evl, M::Bypassed(bypass_field(panel))),
        Signal::Blanked(p) => when(!evl, M::Partition(PartitionNotice::KeypadBlanked, p)),
        Signal::Keybus { working } => {
            when(!evl, M::System(if working { SystemNotice::KeybusRestored } else { SystemNotice::KeybusFault }))
        }
        Signal::Look
        | Signal::LockoutOver
        | Signal::InstallerLeft
        | Signal::Bypass(..)
        | Signal::Sound(..)
        | Signal::MenuOpened(..)
        | Signal::MenuLeft(..)
        | Signal::MenuTimedOut(..)
        | Signal::CodeSet(..)
        | Signal::CodeDeleted(..)
        | Signal::CodeRejected(..)
        | Signal::PartitionsSet(..)
        | Signal::AttributesSet(..)
        | Signal::InstallerCodeChanged(_)
        | Signal::SectionWritten(..)
        | Signal::Rebooted
        | Signal::Client(_)
        | Signal::BadFrame
        | Signal::LineDropped => Vec::new(),
    }
}

/// The one message that says how a partition stands; none while the module itself is in a menu.
fn status_message(partition: Partition, status: Status) -> Option<ModuleMessage> {
    let notice = match status {
        Status::Ready => PartitionNotice::Ready,
        Status::NotReady => PartitionNotice::NotReady,
        Status::ExitDelay => PartitionNotice::ExitDelay,
        Status::Armed(mode) => return Some(M::Armed { partition, mode: Some(mode) }),
        Status::EntryDelay => PartitionNotice::EntryDelay,
        Status::Alarm => PartitionNotice::InAlarm,
        Status::Busy => PartitionNotice::Busy,
        Status::OwnMenu => return None,
    };
    Some(M::Partition(notice, partition))
}

/// As [`status_message`], for a report on demand: a partition in our own menu is busy.
pub(super) fn status_report(panel: &Panel, partition: Partition) -> ModuleMessage {
    let status = panel.status(partition);
    status_message(partition, status).unwrap_or(M::Partition(PartitionNotice::Busy, partition))
}

pub(super) fn trouble_light(partition: Partition, on: bool) -> ModuleMessage {
    M::Partition(if on { PartitionNotice::TroubleLightOn } else { PartitionNotice::TroubleLightOff }, partition)
}

/// The message of its own that a trouble has on this module, if any.
pub(super) fn trouble_notice(evl: bool, trouble: Trouble, on: bool) -> Option<SystemNotice> {
    let (begins, ends) = match trouble {
        Trouble::Battery => (SystemNotice::BatteryLow, Some(SystemNotice::BatteryRestored)),
        Trouble::AcLost => (SystemNotice::AcLost, Some(SystemNotice::AcRestored)),
        Trouble::Bell => (SystemNotice::BellFault, Some(SystemNotice::BellRestored)),
        Trouble::PhoneLine if evl => return None,
        Trouble::PhoneLine => (SystemNotice::PhoneLine1Fault, Some(SystemNotice::PhoneLine1Restored)),
        Trouble::Communication if evl => {
            (SystemNotice::CommunicationFailure, Some(SystemNotice::CommunicationRestored))
        }
        Trouble::Communication => (SystemNotice::CommunicationFailure, None),
        Trouble::Tamper => (SystemNotice::SystemTamper, Some(SystemNotice::SystemTamperRestored)),
        Trouble::Fire => (SystemNotice::FireTrouble, Some(SystemNotice::FireTroubleRestored)),
        Trouble::ZoneFault(_) | Trouble::ZoneTamper(_) | Trouble::ZoneBattery(_) => return None,
    };
    if on { Some(begins) } else { ends }
}

/// The byte of 849.
pub(super) fn trouble_bits(panel: &Panel) -> u8 {
    panel.troubles.iter().fold(0, |bits, trouble| {
        bits | match trouble {
            Trouble::Battery | Trouble::Bell | Trouble::Tamper | Trouble::Fire => 0x01,
            Trouble::AcLost => 0x02,
            Trouble::PhoneLine => 0x04,
            Trouble::Communication => 0x08,
            Trouble::ZoneFault(_) => 0x10,
            Trouble::ZoneTamper(_) => 0x20,
            Trouble::ZoneBattery(_) => 0x40,
        }
    })
}

fn prompt(
    panel: &Panel,
    evl: bool,
    partition: Partition,
    hand: Hand,
    wanted: Wanted,
    length: usize,
    in_menu: bool,
) -> Option<ModuleMessage> {
    if hand != Hand::Module {
        return None;
    }
    if evl {
        return Some(match wanted {
            Wanted::Access => M::CodeRequired(None),
            Wanted::Master => M::System(SystemNotice::MasterCodeRequired),
            Wanted::Installer => M::System(SystemNotice::InstallerCodeRequired),
        });
    }
    let told = wanted != Wanted::Installer && (!in_menu || panel.options.lcd_menu_announces);
    told.then(|| M::CodeRequired(Some((partition, u8::try_from(length).unwrap_or(4)))))
}

/// 616: eight bytes, bit 0 of the first is zone 1.
fn bypass_field(panel: &Panel) -> Vec<u8> {
    let mut field = vec![0_u8; 8];
    for (zone, _) in panel.zones.iter().filter(|(_, unit)| unit.bypassed) {
        let index = zone.number() - 1;
        if let Some(byte) = field.get_mut(usize::from(index / 8)) {
            *byte |= 1 << (index % 8);
        }
    }
    field
}
