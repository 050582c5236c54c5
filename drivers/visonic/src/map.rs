//! The panel's words into the trade's, pure: status bytes, event codes, users. Nothing above this file speaks
//! Visonic. The table of events is the dossier's 4.7.

use panel_model::{
    AccessCode, ArmMode, ArmState, CodeState, EventKind as K, Evidence, PanelEvent, PanelRole, Partition, PartitionSet,
    Slot, Trouble, TroubleKind as T, UserReport, Zone,
};

use crate::capabilities::is_master;
use crate::message::{Device, EventCode, Help, SystemStatus, WireCode};

/// What a status byte says of arming; `None` while the panel is busy with something else (downloading, test, menus).
pub(crate) fn arm_state(status: SystemStatus) -> Option<ArmState> {
    Some(match status.code() {
        0x00 | 0x0C | 0x0D | 0x10 => ArmState::Disarmed,
        0x01 | 0x02 | 0x11 | 0x12 => ArmState::ExitDelay,
        0x03 | 0x13 => ArmState::EntryDelay,
        0x04 | 0x0A => ArmState::Armed(ArmMode::Stay),
        0x05 | 0x0B => ArmState::Armed(ArmMode::Away),
        0x0E | 0x0F => ArmState::Armed(ArmMode::Night),
        0x14 => ArmState::Armed(ArmMode::StayNoEntry),
        0x15 => ArmState::Armed(ArmMode::AwayNoEntry),
        _ => return None,
    })
}

/// Somebody programs the panel or is in the installer's menu.
pub(crate) fn is_installer_mode(status: SystemStatus) -> bool {
    matches!(status.code(), 0x08 | 0x09)
}

/// What an event code means, beside the event itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Meaning {
    /// Users, zones or codes may be others now.
    pub(crate) setup_changed: bool,
    /// The partition is in alarm with it.
    pub(crate) alarm: bool,
}

/// The neutral event of a code and its device; `None` for what is no event for us (tests, confirmations, levels that
/// the status tells better).
#[allow(clippy::too_many_lines, reason = "one flat table")]
pub(crate) fn map_event(code: EventCode, device: Device) -> (Option<PanelEvent>, Meaning) {
    let plain = |kind| Some(PanelEvent::new(kind));
    let of_zone = |kind: K, text: &str| Some(with_device(PanelEvent::new(kind), device).text(text));
    let by_user = |kind: K, special: K| Some(by_person(kind, special, device));
    let alarm = |kind: K, text: &str| (of_zone(kind, text), Meaning { alarm: true, ..Meaning::default() });
    let event = match code.0 {
        0x01..=0x05 => return alarm(K::ZoneAlarm, code.name()),
        0x11..=0x15 => of_zone(K::ZoneAlarmRestored, code.name()),
        0x7B | 0x7D => return alarm(K::ZoneAlarm, code.name()),
        0x7C | 0x7E => of_zone(K::ZoneAlarmRestored, code.name()),
        // There is no kind of their own for these; the text says which.
        0x49 | 0x4D | 0x88 | 0x8B => return alarm(K::ZoneAlarm, code.name()),
        0x4A | 0x4E | 0x89 | 0x8C => of_zone(K::ZoneAlarmRestored, code.name()),
        0x20 => return alarm(K::FireAlarm, code.name()),
        0x21 => of_zone(K::FireAlarmRestored, code.name()),
        0x23 => return alarm(K::MedicalAlarm, code.name()),
        // Another source calls it "remove user", and the panel tells no better when codes change.
        0x24 if matches!(device, Device::User(_)) => {
            return (None, Meaning { setup_changed: true, ..Meaning::default() });
        }
        0x24 => of_zone(K::MedicalAlarmRestored, code.name()),
        0x0B | 0x0C => return alarm(K::PanicAlarm, &device.name()),
        0x26 => of_zone(K::PanicAlarmRestored, &device.name()),
        0x0D => Some(by_person(K::Duress, K::Duress, device)),
        0x06 | 0x08 | 0x09 => match device {
            Device::Zone(_) => of_zone(K::ZoneTamper, code.name()),
            _ => trouble(true, T::SystemTamper, device),
        },
        0x16 | 0x18 | 0x19 => match device {
            Device::Zone(_) => of_zone(K::ZoneTamperRestored, code.name()),
            _ => trouble(false, T::SystemTamper, device),
        },
        0x51 | 0x52 | 0x5B => by_user(K::Closing, K::ClosingSpecial),
        0x53 | 0x54 | 0x5A => Some(PanelEvent::new(K::ClosingSpecial).text(code.name())),
        0x59 => Some(by_person(K::ClosingPartial, K::ClosingPartial, device).text(code.name())),
        0x55 | 0x25 => by_user(K::Opening, K::OpeningSpecial),
        0x56 | 0x5D => Some(PanelEvent::new(K::ArmFailed).text(code.name())),
        0x60 => {
            let meaning = Meaning { setup_changed: true, ..Meaning::default() };
            return (plain(K::InstallerModeLeft), meaning);
        }
        0x61 | 0x90 => plain(K::InstallerModeEntered),
        0x8F => return (plain(K::InstallerModeLeft), Meaning { setup_changed: true, ..Meaning::default() }),
        0x62 => Some(with_device(PanelEvent::new(K::InvalidCode), device).text(device.name())),
        _ => map_trouble(code, device).or_else(|| unknown(code, device)),
    };
    (event, Meaning::default())
}

/// The alarm that a call for help is.
pub(crate) fn help_kind(help: Help) -> K {
    match help {
        Help::Panic => K::PanicAlarm,
        Help::Fire => K::FireAlarm,
        Help::Emergency => K::MedicalAlarm,
    }
}

/// Troubles come in pairs: how one begins and how it ends.
fn map_trouble(code: EventCode, device: Device) -> Option<PanelEvent> {
    let (begins, kind) = match code.0 {
        0x07 => (true, T::SystemTamper),
        0x17 => (false, T::SystemTamper),
        0x0A | 0x22 | 0x27 | 0x41 | 0x47 | 0x6D | 0x6F | 0x79 | 0x91 => (true, fault_of(device)),
        0x1A | 0x28 | 0x48 | 0x6E | 0x70 | 0x7A | 0x92 => (false, fault_of(device)),
        0x0F => (true, T::General),
        0x10 | 0x1C | 0x1D => (false, T::General),
        0x29 | 0x38 | 0x3C | 0x43 => (true, battery_of(device)),
        0x2A | 0x39 | 0x3D | 0x44 => (false, battery_of(device)),
        0x2B => (true, T::AcLost),
        0x2C => (false, T::AcLost),
        0x2D | 0x3B => (true, T::BatteryLow),
        0x2E => (false, T::BatteryLow),
        0x2F => (true, T::ModuleFault),
        0x30 => (false, T::ModuleFault),
        0x31 => (true, T::CommunicationFailure),
        0x32 | 0x5F => (false, T::CommunicationFailure),
        0x33 => (true, T::PhoneLineFault),
        0x34 => (false, T::PhoneLineFault),
        0x36 => (true, T::BellFault),
        0x37 => (false, T::BellFault),
        0x3E | 0x45 | 0x4F | 0x71 | 0x73 | 0x75 | 0x84 | 0x86 => (true, T::ModuleFault),
        0x3F | 0x46 | 0x50 | 0x72 | 0x74 | 0x76 | 0x85 | 0x87 => (false, T::ModuleFault),
        0x42 => (true, T::FireTrouble),
        0x4B | 0x8A | 0x8D => (true, T::ZoneFault),
        0x4C | 0x8E => (false, T::ZoneFault),
        _ => return None,
    };
    trouble(begins, kind, device)
}

fn unknown(code: EventCode, device: Device) -> Option<PanelEvent> {
    let text = format!("event {:02X} of {}", code.0, device.name());
    (code.name() == "unknown").then(|| PanelEvent::new(K::UnknownMessage).text(text))
}

fn fault_of(device: Device) -> T {
    if matches!(device, Device::Zone(_)) { T::ZoneFault } else { T::ModuleFault }
}

fn battery_of(device: Device) -> T {
    match device {
        Device::Zone(_) => T::ZoneBatteryLow,
        Device::Keyfob(_) => T::KeyfobBatteryLow,
        Device::Keypad(_) => T::KeypadBatteryLow,
        Device::System => T::BatteryLow,
        _ => T::ModuleFault,
    }
}

fn trouble(begins: bool, kind: T, device: Device) -> Option<PanelEvent> {
    let number = match device {
        Device::Zone(n)
        | Device::Keyfob(n)
        | Device::Keypad(n)
        | Device::Siren(n)
        | Device::Output(n)
        | Device::Repeater(n) => Some(u16::from(n)),
        _ => None,
    };
    let what = match kind {
        T::ZoneFault
        | T::ZoneBatteryLow
        | T::KeyfobBatteryLow
        | T::KeypadBatteryLow
        | T::ModuleFault
        | T::BellFault => Trouble { kind, device: number, partition: None },
        _ => Trouble::panel(kind),
    };
    Some(trouble_event(begins, what))
}

pub(crate) fn trouble_event(begins: bool, what: Trouble) -> PanelEvent {
    let event = PanelEvent::new(if begins { K::Trouble } else { K::TroubleRestored }).trouble(what);
    match (what.kind, what.device.map(u32::from).map(Zone::new)) {
        (T::ZoneFault | T::ZoneBatteryLow, Some(Ok(zone))) => event.zone(zone),
        _ => event,
    }
}

fn with_device(event: PanelEvent, device: Device) -> PanelEvent {
    match device {
        Device::Zone(n) => match Zone::new(n.into()) {
            Ok(zone) => event.zone(zone),
            Err(_) => event,
        },
        Device::User(n) | Device::Tag(n) => match Slot::new(n.into()) {
            Ok(slot) => event.slot(slot),
            Err(_) => event,
        },
        _ => event,
    }
}

/// A tag belongs to the user of the same number [doc M]; key fobs and keypads belong to nobody.
fn by_person(kind: K, special: K, device: Device) -> PanelEvent {
    match device {
        Device::User(n) | Device::Tag(n) => match Slot::new(n.into()) {
            Ok(slot) => PanelEvent::new(kind).slot(slot),
            Err(_) => PanelEvent::new(special),
        },
        other => PanelEvent::new(special).text(other.name()),
    }
}

/// A mask of partitions: bit 0 is partition 1.
pub(crate) fn partition_set(mask: u8) -> PartitionSet {
    (1..=8_u32).filter(|n| mask & (1 << (n - 1)) != 0).filter_map(|n| Partition::new(n).ok()).collect()
}

/// The bit of a partition in A1; all of them where the panel is one area.
pub(crate) fn partition_mask(partition: Partition, whole_panel: bool) -> u8 {
    if whole_panel { 0x07 } else { 1_u8.checked_shl(u32::from(partition.number()) - 1).unwrap_or(0x07) }
}

/// What the memory or a setting says of one user.
pub(crate) fn user_report(slot: Slot, code: &WireCode, mask: Option<u8>, all: PartitionSet) -> UserReport {
    let mut report = UserReport::new(slot, Evidence::ReadBack);
    let set = !code.is_none();
    report.code_state = Some(if set { CodeState::Set } else { CodeState::None });
    report.code = code.access_code();
    report.role = set.then_some(if is_master(slot) { PanelRole::Master } else { PanelRole::User });
    report.partitions = match (set, is_master(slot), mask) {
        (false, ..) | (true, false, None) => None,
        (true, true, _) => Some(all),
        (true, false, Some(mask)) => Some(partition_set(mask).iter().filter(|p| all.contains(*p)).collect()),
    };
    report
}

/// The two bytes of a person's code; none for arming without one.
pub(crate) fn wire_code(code: Option<&AccessCode>) -> Option<WireCode> {
    match code {
        Some(code) => WireCode::from_digits(code.expose()).filter(|code| code.access_code().is_some()),
        None => Some(WireCode::none()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(code: u8, device: Device) -> PanelEvent {
        map_event(EventCode(code), device).0.expect("an event")
    }

    fn slot(n: u32) -> Slot {
        Slot::new(n).expect("in range")
    }

    #[test]
    fn who_armed_is_told_where_the_panel_says_it() {
        assert_eq!(event(0x52, Device::User(3)), PanelEvent::new(K::Closing).slot(slot(3)));
        assert_eq!(event(0x55, Device::Tag(2)), PanelEvent::new(K::Opening).slot(slot(2)));
        assert_eq!(event(0x52, Device::Keyfob(1)), PanelEvent::new(K::ClosingSpecial).text("keyfob 1"));
        assert_eq!(event(0x54, Device::System).kind, K::ClosingSpecial);
    }

    #[test]
    fn alarms_of_zones_say_which_and_why() {
        let (found, meaning) = map_event(EventCode(0x02), Device::Zone(4));
        let zone = Zone::new(4).expect("in range");
        assert_eq!(found, Some(PanelEvent::new(K::ZoneAlarm).zone(zone).text("perimeter alarm")));
        assert!(meaning.alarm);
        assert_eq!(event(0x12, Device::Zone(4)).kind, K::ZoneAlarmRestored);
        assert_eq!(event(0x49, Device::Zone(4)).text.as_deref(), Some("gas alert"));
    }

    #[test]
    fn every_trouble_that_begins_ends_with_the_same_words() {
        let pairs = [
            (0x0A, 0x1A),
            (0x0F, 0x10),
            (0x07, 0x17),
            (0x27, 0x28),
            (0x29, 0x2A),
            (0x2B, 0x2C),
            (0x2D, 0x2E),
            (0x2F, 0x30),
            (0x31, 0x32),
            (0x33, 0x34),
            (0x36, 0x37),
            (0x38, 0x39),
            (0x3C, 0x3D),
            (0x3E, 0x3F),
            (0x43, 0x44),
            (0x45, 0x46),
            (0x47, 0x48),
            (0x4B, 0x4C),
            (0x4F, 0x50),
            (0x6D, 0x6E),
            (0x6F, 0x70),
            (0x71, 0x72),
            (0x73, 0x74),
            (0x75, 0x76),
            (0x79, 0x7A),
            (0x84, 0x85),
            (0x86, 0x87),
            (0x8D, 0x8E),
            (0x91, 0x92),
        ];
        for (begins, ends) in pairs {
            for device in [Device::System, Device::Zone(5), Device::Keyfob(2)] {
                let (begin, end) = (event(begins, device), event(ends, device));
                assert_eq!((begin.kind, end.kind), (K::Trouble, K::TroubleRestored), "{begins:02X}");
                assert_eq!(begin.trouble, end.trouble, "{begins:02X} {device:?}");
            }
        }
    }

    #[test]
    fn no_code_is_dropped_without_being_known() {
        let device = Device::Zone(1);
        for code in 0..=u8::MAX {
            let told = map_event(EventCode(code), device).0.is_some();
            assert!(told || EventCode(code).name() != "unknown", "{code:02X}");
        }
        assert_eq!(event(0xF0, device).kind, K::UnknownMessage);
    }

    #[test]
    fn codes_may_have_changed_after_programming_and_reset() {
        let changing: Vec<u8> =
            (0..=u8::MAX).filter(|n| map_event(EventCode(*n), Device::System).1.setup_changed).collect();
        assert_eq!(changing, [0x60, 0x8F]);
        assert!(map_event(EventCode(0x24), Device::User(3)).1.setup_changed);
    }

    #[test]
    fn users_are_told_as_the_panel_keeps_them() {
        let all = PartitionSet::first(3);
        let code = WireCode::from_bytes([0x23, 0x45]);
        let user = user_report(slot(2), &code, Some(0b101), all);
        assert_eq!(user.partitions.map(|set| set.to_string()), Some("1, 3".into()));
        assert_eq!((user.code_state, user.role), (Some(CodeState::Set), Some(PanelRole::User)));
        assert_eq!(user.code, Some(AccessCode::new("2345".into())));
        let master = user_report(slot(1), &code, Some(0), all);
        assert_eq!((master.partitions, master.role), (Some(all), Some(PanelRole::Master)));
        let empty = user_report(slot(3), &WireCode::none(), Some(7), all);
        assert_eq!(
            (empty.code_state, empty.code, empty.role, empty.partitions),
            (Some(CodeState::None), None, None, None)
        );
        assert_eq!(user_report(slot(2), &code, None, all).partitions, None, "nobody knows");
    }

    #[test]
    fn a_status_that_is_about_something_else_says_nothing_of_arming() {
        for code in [0x06, 0x07, 0x08, 0x09] {
            assert_eq!(arm_state(SystemStatus(code)), None);
        }
        assert_eq!(arm_state(SystemStatus(0x24)), Some(ArmState::Armed(ArmMode::Stay)), "bit 5 says nothing");
    }
}
