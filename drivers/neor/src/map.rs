//! The protocol's words in the model's words. Pure: what depends on what was known before is in the session.

use panel_model::{
    ArmMode, ArmState, EventKind as K, Label, PanelEvent, PanelRole, PartitionState, Readiness, Trouble,
    TroubleKind as T,
};

use crate::message::{ArmingMode, PartitionStatus, attribute, utf16_text};

/// Device types of 0817, 0822, 0823 that are told apart here (dossier 5.2).
const ZONE_DEVICE: u32 = 0x01;
const KEYPADS: [u32; 2] = [0x02, 0x18];
const SIREN: u32 = 0x03;
const FOB: u32 = 0x04;

/// A trouble in the model's words; `None`: it is an overview, or restored by being "none".
pub(crate) fn map_trouble(device: u32, trouble: u32, number: u32) -> Option<Trouble> {
    let kind = match (device, trouble) {
        (_, 0x00 | 0x20..=0x22) => return None,
        (ZONE_DEVICE, 0x01) => T::ZoneTamper,
        (ZONE_DEVICE, 0x03) => T::ZoneBatteryLow,
        (ZONE_DEVICE, _) => T::ZoneFault,
        (SIREN, 0x02) => T::BellFault,
        (FOB, 0x03) => T::KeyfobBatteryLow,
        (keypad, 0x03) if KEYPADS.contains(&keypad) => T::KeypadBatteryLow,
        (_, 0x01 | 0x81) => T::SystemTamper,
        (_, 0x03 | 0x86..=0x88) => T::BatteryLow,
        (_, 0x05..=0x08 | 0x50 | 0x55 | 0x60) => T::CommunicationFailure,
        (_, 0x09 | 0x84) => T::AcLost,
        (_, 0x30) => T::BellFault,
        (_, 0x37 | 0x38) => T::FireTrouble,
        (_, 0x3B) => T::PhoneLineFault,
        (_, 0x3F) => T::ClockLost,
        (_, 0x40) => T::ServiceRequired,
        (_, 0x02 | 0x04 | 0x0A..=0x0C | 0x31..=0x36 | 0x39 | 0x3A | 0x3C | 0x41..=0x43 | 0x80 | 0x8A | 0x8C) => {
            T::ModuleFault
        }
        _ => T::General,
    };
    match u16::try_from(number) {
        Ok(number @ 1..) => Some(Trouble::device(kind, number)),
        _ => Some(Trouble::panel(kind)),
    }
}

pub(crate) fn trouble(begins: bool, what: Trouble) -> PanelEvent {
    PanelEvent::new(if begins { K::Trouble } else { K::TroubleRestored }).trouble(what)
}

/// How a partition is armed; `None`: disarmed.
pub(crate) fn map_arming(mode: ArmingMode) -> Option<ArmMode> {
    Some(match mode {
        ArmingMode::Disarm => return None,
        ArmingMode::Stay | ArmingMode::GlobalStay => ArmMode::Stay,
        ArmingMode::Night | ArmingMode::NightNoDelay => ArmMode::Night,
        ArmingMode::NoEntryDelay | ArmingMode::AwayNoDelay => ArmMode::AwayNoEntry,
        ArmingMode::StayNoDelay | ArmingMode::InstantStay => ArmMode::StayNoEntry,
        // What arming means where nothing more is said.
        ArmingMode::Away | ArmingMode::GlobalAway | ArmingMode::Quick | ArmingMode::User | ArmingMode::Other(_) => {
            ArmMode::Away
        }
    })
}

/// The mode byte that asks for it.
pub(crate) fn arming_mode(mode: ArmMode) -> ArmingMode {
    match mode {
        ArmMode::Away => ArmingMode::Away,
        ArmMode::Stay => ArmingMode::Stay,
        ArmMode::Night => ArmingMode::Night,
        ArmMode::AwayNoEntry => ArmingMode::AwayNoDelay,
        ArmMode::StayNoEntry => ArmingMode::StayNoDelay,
    }
}

/// A partition as 0812 shows it.
pub(crate) fn map_partition(status: &PartitionStatus) -> PartitionState {
    use PartitionStatus as S;
    let armed = status.has(S::ARMED);
    let arm = match () {
        () if status.has(S::EXIT_DELAY) => ArmState::ExitDelay,
        () if armed && status.has(S::ENTRY_DELAY) => ArmState::EntryDelay,
        () if armed => ArmState::Armed(armed_mode(status)),
        () => ArmState::Disarmed,
    };
    let ready = match () {
        () if armed => Readiness::Unknown,
        () if status.has(S::READY) => Readiness::Ready,
        () if status.has(S::READY_TO_FORCE) => Readiness::ForceReady,
        () if status.has(S::NOT_READY) => Readiness::NotReady,
        () => Readiness::Unknown,
    };
    PartitionState {
        arm,
        ready,
        alarm: status.has(S::IN_ALARM),
        busy: status.has(S::PROGRAMMING),
        chime: status.has(S::CHIME),
        last_user: None,
        label: None,
    }
}

/// How an armed partition is armed, from its status bits.
pub(crate) fn armed_mode(status: &PartitionStatus) -> ArmMode {
    use PartitionStatus as S;
    let no_entry = status.has(S::NO_ENTRY_DELAY);
    match () {
        () if status.has(S::NIGHT) => ArmMode::Night,
        () if status.has(S::STAY) && no_entry => ArmMode::StayNoEntry,
        () if status.has(S::STAY) => ArmMode::Stay,
        () if no_entry => ArmMode::AwayNoEntry,
        () => ArmMode::Away,
    }
}

/// The role of a user with these attributes; duress weighs most, as it does at the panel.
pub(crate) fn role_of(attributes: u8) -> PanelRole {
    match attributes {
        a if a & attribute::DURESS != 0 => PanelRole::Duress,
        a if a & attribute::ONE_TIME != 0 => PanelRole::OneTimeUser,
        a if a & attribute::SUPERVISOR != 0 => PanelRole::Supervisor,
        _ => PanelRole::User,
    }
}

/// These attributes with exactly the bits of that role; all others as they were.
pub(crate) fn with_role(attributes: u8, role: PanelRole) -> u8 {
    let bits = match role {
        PanelRole::Supervisor => attribute::SUPERVISOR,
        PanelRole::Duress => attribute::DURESS,
        PanelRole::OneTimeUser => attribute::ONE_TIME,
        _ => 0,
    };
    attributes & !attribute::ROLE | bits
}

/// A label's text: lines of 14, inner runs of blanks joined.
pub(crate) fn map_label(bytes: &[u8]) -> Option<Label> {
    let text = utf16_text(bytes);
    let joined = text.split([' ', '\0']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    Label::from_panel(&joined)
}

/// Whether a label is the panel's own for that number: then nobody has given one (U2).
pub(crate) fn is_default_label(label: &Label, number: u32) -> bool {
    label
        .as_str()
        .rsplit_once(' ')
        .is_some_and(|(word, digits)| matches!(word, "User" | "Zone" | "Partition") && digits.parse() == Ok(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_exclusive_and_other_bits_stay() {
        for role in [PanelRole::User, PanelRole::Supervisor, PanelRole::Duress, PanelRole::OneTimeUser] {
            for before in 0..=u8::MAX {
                let after = with_role(before, role);
                assert_eq!(role_of(after), role);
                assert_eq!(after & !attribute::ROLE, before & !attribute::ROLE);
            }
        }
    }

    #[test]
    fn partition_bits_mean_what_the_dossier_says() {
        let state = |bytes: &[u8]| map_partition(&PartitionStatus(bytes.to_vec()));
        assert_eq!(state(&[2, 0, 0]).ready, Readiness::Ready);
        let armed = state(&[5, 0x10, 0]);
        assert_eq!((armed.arm, armed.alarm), (ArmState::Armed(ArmMode::Away), false));
        assert_eq!(state(&[0x25, 0]).arm, ArmState::ExitDelay);
        assert_eq!(state(&[0x45, 1]).arm, ArmState::EntryDelay);
        assert_eq!(state(&[0x13, 0]).arm, ArmState::Armed(ArmMode::StayNoEntry));
        assert!(state(&[0x08, 1]).alarm, "24-hour zones alarm while disarmed");
    }

    #[test]
    fn arm_modes_come_back_as_they_were_asked_for() {
        for mode in [ArmMode::Away, ArmMode::Stay, ArmMode::Night, ArmMode::AwayNoEntry, ArmMode::StayNoEntry] {
            assert_eq!(map_arming(arming_mode(mode)), Some(mode));
        }
    }

    #[test]
    fn labels_are_joined_and_default_ones_known() {
        let text = crate::message::utf16_padded("Front Door    Hall", 28).expect("fits");
        assert_eq!(map_label(&text).map(|l| l.to_string()), Some("Front Door Hall".to_owned()));
        assert_eq!(map_label(&[0, 32, 0, 0]), None);
        let label = |text: &str| Label::from_panel(text).expect("text");
        assert!(is_default_label(&label("User 7"), 7) && is_default_label(&label("User 007"), 7));
        assert!(!is_default_label(&label("User 7"), 8) && !is_default_label(&label("Alice"), 7));
    }
}
