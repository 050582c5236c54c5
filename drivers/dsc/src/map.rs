//! The protocol's words in the model's words. Pure: what depends on what was known before is in the session.

use panel_driver::CivilTime;
use panel_model::{ArmMode, EventKind as K, Label, PanelEvent, PanelRole, Partition, Trouble, TroubleKind as T, Zone};

use crate::message::{
    BatteryDevice, ModuleMessage, PanelTime, PartitionNotice, PlainArmMode, SystemNotice, Text, ZoneAlarmNotice,
    ZoneNotice,
};

/// The event that a message is, taken by itself. `None`: it is no event, or a whole set of them (849, 616).
#[must_use]
pub fn map_event(message: &ModuleMessage) -> Option<PanelEvent> {
    let event = match message {
        ModuleMessage::System(notice) => return map_system(*notice),
        ModuleMessage::Partition(notice, partition) => map_partition(*notice, *partition)?,
        ModuleMessage::Zone(notice, zone) => map_zone(*notice, *zone),
        ModuleMessage::ZoneAlarm(notice, partition, zone) => {
            let kind = match notice {
                ZoneAlarmNotice::Alarm => K::ZoneAlarm,
                ZoneAlarmNotice::AlarmRestored => K::ZoneAlarmRestored,
                ZoneAlarmNotice::Tamper => K::ZoneTamper,
                ZoneAlarmNotice::TamperRestored => K::ZoneTamperRestored,
            };
            PanelEvent::new(kind).partition(*partition).zone(*zone)
        }
        ModuleMessage::Duress => PanelEvent::new(K::Duress),
        ModuleMessage::Armed { partition, mode } => {
            PanelEvent::new(K::Armed).partition(*partition).mode(map_mode(*mode))
        }
        ModuleMessage::UserClosing { partition, slot: Some(slot) } => {
            PanelEvent::new(K::Closing).partition(*partition).slot(*slot)
        }
        ModuleMessage::UserClosing { partition, slot: None } => {
            PanelEvent::new(K::ClosingSpecial).partition(*partition)
        }
        ModuleMessage::UserOpening { partition, slot: Some(slot) } => {
            PanelEvent::new(K::Opening).partition(*partition).slot(*slot)
        }
        ModuleMessage::UserOpening { partition, slot: None } => {
            PanelEvent::new(K::OpeningSpecial).partition(*partition)
        }
        ModuleMessage::DeviceBattery { device, low, number } => {
            let kind = match device {
                BatteryDevice::Keyfob => T::KeyfobBatteryLow,
                BatteryDevice::Keypad => T::KeypadBatteryLow,
            };
            trouble(*low, Trouble::device(kind, *number))
        }
        ModuleMessage::OutputPressed { partition, output } => {
            PanelEvent::new(K::OutputActive).partition(*partition).output(*output)
        }
        _ => return None,
    };
    Some(event)
}

fn map_system(notice: SystemNotice) -> Option<PanelEvent> {
    use SystemNotice as N;
    let kind = match notice {
        N::FireKey => K::FireAlarm,
        N::FireKeyRestored => K::FireAlarmRestored,
        N::MedicalKey => K::MedicalAlarm,
        N::MedicalKeyRestored => K::MedicalAlarmRestored,
        N::PanicKey => K::PanicAlarm,
        N::PanicKeyRestored => K::PanicAlarmRestored,
        N::AuxInput => K::AuxInputAlarm,
        N::AuxInputRestored => K::AuxInputAlarmRestored,
        N::InstallerMode => K::InstallerModeEntered,
        N::EventBufferNearlyFull => K::EventBufferNearlyFull,
        other => {
            let (begins, what) = system_trouble(other)?;
            return Some(trouble(begins, what));
        }
    };
    Some(PanelEvent::new(kind))
}

fn system_trouble(notice: SystemNotice) -> Option<(bool, Trouble)> {
    use SystemNotice as N;
    Some(match notice {
        N::BatteryLow => (true, Trouble::panel(T::BatteryLow)),
        N::BatteryRestored => (false, Trouble::panel(T::BatteryLow)),
        N::AcLost => (true, Trouble::panel(T::AcLost)),
        N::AcRestored => (false, Trouble::panel(T::AcLost)),
        N::BellFault => (true, Trouble::panel(T::BellFault)),
        N::BellRestored => (false, Trouble::panel(T::BellFault)),
        N::PhoneLine1Fault => (true, Trouble::device(T::PhoneLineFault, 1)),
        N::PhoneLine1Restored => (false, Trouble::device(T::PhoneLineFault, 1)),
        N::PhoneLine2Fault => (true, Trouble::device(T::PhoneLineFault, 2)),
        N::PhoneLine2Restored => (false, Trouble::device(T::PhoneLineFault, 2)),
        N::CommunicationFailure => (true, Trouble::panel(T::CommunicationFailure)),
        N::CommunicationRestored => (false, Trouble::panel(T::CommunicationFailure)),
        N::SystemTamper => (true, Trouble::panel(T::SystemTamper)),
        N::SystemTamperRestored => (false, Trouble::panel(T::SystemTamper)),
        N::EscortTrouble => (true, Trouble::panel(T::ModuleFault)),
        N::EscortRestored => (false, Trouble::panel(T::ModuleFault)),
        N::FireTrouble => (true, Trouble::panel(T::FireTrouble)),
        N::FireTroubleRestored => (false, Trouble::panel(T::FireTrouble)),
        N::KeybusFault => (true, Trouble::panel(T::PanelLinkLost)),
        N::KeybusRestored => (false, Trouble::panel(T::PanelLinkLost)),
        _ => return None,
    })
}

fn map_partition(notice: PartitionNotice, partition: Partition) -> Option<PanelEvent> {
    use PartitionNotice as N;
    let kind = match notice {
        N::Ready => K::PartitionReady,
        N::NotReady => K::PartitionNotReady,
        N::ReadyToForceArm => K::PartitionForceReady,
        N::InAlarm => K::PartitionAlarm,
        N::Disarmed => K::Disarmed,
        N::ExitDelay => K::ExitDelay,
        N::EntryDelay => K::EntryDelay,
        N::KeypadLockout => K::KeypadLockout,
        N::FailedToArm | N::FailureToArm => K::ArmFailed,
        N::KeypadBlanked => return None,
        N::OutputRunning => K::OutputActive,
        N::ChimeOn => K::ChimeOn,
        N::ChimeOff => K::ChimeOff,
        N::InvalidCode => K::InvalidCode,
        N::FunctionUnavailable => K::FunctionUnavailable,
        N::Busy => K::PartitionBusy,
        N::AutoArmWarning => K::AutoArmPending,
        N::SpecialClosing => K::ClosingSpecial,
        N::PartialClosing => K::ClosingPartial,
        N::SpecialOpening => K::OpeningSpecial,
        N::TroubleLightOn => {
            return Some(trouble(true, Trouble::partition(T::General, partition)).partition(partition));
        }
        N::TroubleLightOff => {
            return Some(trouble(false, Trouble::partition(T::General, partition)).partition(partition));
        }
    };
    Some(PanelEvent::new(kind).partition(partition))
}

fn map_zone(notice: ZoneNotice, zone: Zone) -> PanelEvent {
    use ZoneNotice as N;
    let number = zone.number();
    let event = match notice {
        N::Opened => PanelEvent::new(K::ZoneOpened),
        N::Closed => PanelEvent::new(K::ZoneClosed),
        N::Fault => trouble(true, Trouble::device(T::ZoneFault, number)),
        N::FaultRestored => trouble(false, Trouble::device(T::ZoneFault, number)),
        N::WirelessBatteryLow | N::ZoneBatteryLow => trouble(true, Trouble::device(T::ZoneBatteryLow, number)),
        N::WirelessBatteryRestored | N::ZoneBatteryRestored => {
            trouble(false, Trouble::device(T::ZoneBatteryLow, number))
        }
    };
    event.zone(zone)
}

pub(crate) fn trouble(begins: bool, what: Trouble) -> PanelEvent {
    PanelEvent::new(if begins { K::Trouble } else { K::TroubleRestored }).trouble(what)
}

fn map_mode(mode: Option<PlainArmMode>) -> ArmMode {
    match mode {
        // A PC5401 does not say; away is what arming means without more words.
        None | Some(PlainArmMode::Away) => ArmMode::Away,
        Some(PlainArmMode::Stay) => ArmMode::Stay,
        Some(PlainArmMode::AwayNoEntry) => ArmMode::AwayNoEntry,
        Some(PlainArmMode::StayNoEntry) => ArmMode::StayNoEntry,
    }
}

/// The bits of 849 and the kinds that they stand for [doc TPI 3.3].
pub(crate) const VERBOSE_TROUBLES: [(u8, T); 8] = [
    (0x01, T::ServiceRequired),
    (0x02, T::AcLost),
    (0x04, T::PhoneLineFault),
    (0x08, T::CommunicationFailure),
    (0x10, T::ZoneFault),
    (0x20, T::ZoneTamper),
    (0x40, T::ZoneBatteryLow),
    (0x80, T::ClockLost),
];

/// The zones whose bits are set in 616: byte 0 is zones 1 to 8, bit 0 the lowest of them [doc TPI 3.3].
pub(crate) fn bypassed_zones(field: &[u8]) -> impl Iterator<Item = Zone> {
    let bits = field
        .iter()
        .enumerate()
        .flat_map(|(n, byte)| (0..8).filter(move |bit| byte & (1 << bit) != 0).map(move |bit| n * 8 + bit + 1));
    bits.filter_map(|n| u32::try_from(n).ok()).filter_map(|n| Zone::new(n).ok())
}

/// Whose label 570 carries, where we show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LabelOwner {
    Zone(Zone),
    Partition(Partition),
}

/// Label numbers: 001-064 zones, 101-108 partitions [impl J100]; events and outputs are left out.
pub(crate) fn label_owner(number: u16) -> Option<LabelOwner> {
    match number {
        1..=64 => Zone::new(number.into()).ok().map(LabelOwner::Zone),
        101..=108 => Partition::new(u32::from(number) - 100).ok().map(LabelOwner::Partition),
        _ => None,
    }
}

/// A label's text: two lines of 16 of which 14 are used, trimmed one by one [doc PS].
pub(crate) fn map_label(text: &Text) -> Option<Label> {
    let lines = text.bytes().chunks(16).map(|line| {
        let line: String = line.iter().map(|b| char::from(*b)).collect();
        line.trim().to_owned()
    });
    let joined = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    Label::from_panel(&joined)
}

/// The digits of menu 99 that make a role [doc PS p. 7]: 1 supervisor, 2 duress, 8 one-time.
pub(crate) const ROLE_ATTRIBUTES: [u8; 3] = [1, 2, 8];

/// The role attributes that a role has.
pub(crate) fn role_attributes(role: PanelRole) -> &'static [u8] {
    match role {
        PanelRole::Supervisor => &[1],
        PanelRole::Duress => &[2],
        PanelRole::OneTimeUser => &[8],
        _ => &[],
    }
}

/// The role of a user with these attributes on; duress weighs most, as it does at the panel.
pub(crate) fn role_of(attribute: impl Fn(u8) -> bool) -> PanelRole {
    if attribute(2) {
        PanelRole::Duress
    } else if attribute(8) {
        PanelRole::OneTimeUser
    } else if attribute(1) {
        PanelRole::Supervisor
    } else {
        PanelRole::User
    }
}

/// Time for 010; the year's last two digits.
pub(crate) fn map_time(time: CivilTime) -> PanelTime {
    let year = u8::try_from(time.year % 100).unwrap_or(0);
    PanelTime { hour: time.hour, minute: time.minute, month: time.month, day: time.day, year }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_trimmed_line_by_line() {
        let two_lines = Text::new("Front Door      Hall            ");
        assert_eq!(map_label(&two_lines).map(|l| l.to_string()), Some("Front Door Hall".to_owned()));
        assert_eq!(map_label(&Text::new("                                ")), None);
    }

    #[test]
    fn bypass_bits_count_from_the_lowest_zone() {
        let zones: Vec<_> = bypassed_zones(&[0x01, 0, 0, 0, 0, 0, 0, 0x80]).map(Zone::number).collect();
        assert_eq!(zones, [1, 64]);
    }

    #[test]
    fn roles_and_attributes_agree() {
        for role in [PanelRole::User, PanelRole::Supervisor, PanelRole::Duress, PanelRole::OneTimeUser] {
            let attributes = role_attributes(role);
            assert!(attributes.iter().all(|a| ROLE_ATTRIBUTES.contains(a)));
            assert_eq!(role_of(|n| attributes.contains(&n)), role);
        }
    }

    #[test]
    fn every_notice_is_an_event_or_left_out_on_purpose() {
        let p1 = Partition::new(1).expect("in range");
        let silent: Vec<_> = SystemNotice::ALL.iter().filter(|n| map_system(**n).is_none()).collect();
        let internal =
            [SystemNotice::KeypadChime, SystemNotice::MasterCodeRequired, SystemNotice::InstallerCodeRequired];
        assert_eq!(silent, internal.iter().collect::<Vec<_>>());
        let silent: Vec<_> = PartitionNotice::ALL.iter().filter(|n| map_partition(**n, p1).is_none()).collect();
        assert_eq!(silent, [&PartitionNotice::KeypadBlanked]);
    }
}
