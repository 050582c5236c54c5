//! The service's words into the trade's, pure (dossier 4).

use std::collections::BTreeSet;

use panel_model::{
    AccessCode, ArmMode, ArmState, CodeState, EventKind as K, Evidence, Label, PanelEvent, PanelRole, Partition,
    PartitionSet, Slot, Trouble, TroubleKind as T, UserReport, Zone,
};
use serde_json::Value;

use super::answer::{Device, DeviceBits, PanelBits, PartitionStatus, UserRow, read, words};
use super::error::CallError;
use crate::capabilities::{MASTER_SLOT, is_master};
use crate::message::WireCode;
use crate::model::zone_type;

/// What a partition's state says of arming. A word that nobody has written down counts as armed, for safety.
pub(crate) fn arm_state(status: &PartitionStatus) -> ArmState {
    let instant = status.statuses.instant_bit;
    let word = status.state.to_ascii_uppercase();
    match word.as_str() {
        "DISARM" | "NOTREADY" => ArmState::Disarmed,
        "HOME" if instant => ArmState::Armed(ArmMode::StayNoEntry),
        "HOME" => ArmState::Armed(ArmMode::Stay),
        "AWAY" if instant => ArmState::Armed(ArmMode::AwayNoEntry),
        word if word.starts_with("EXIT") => ArmState::ExitDelay,
        word if word.starts_with("ENTRY") => ArmState::EntryDelay,
        _ => ArmState::Armed(ArmMode::Away),
    }
}

/// Whether the dossier knows the word.
pub(crate) fn is_known(state: &str) -> bool {
    let word = state.to_ascii_uppercase();
    matches!(word.as_str(), "DISARM" | "NOTREADY" | "HOME" | "AWAY")
        || word.starts_with("EXIT")
        || word.starts_with("ENTRY")
}

/// Troubles of the panel, with whether each is there.
pub(crate) fn panel_troubles(bits: &PanelBits) -> [(Trouble, bool); 7] {
    let of = Trouble::panel;
    [
        (of(T::AcLost), bits.ac_trouble),
        (of(T::BatteryLow), bits.low_battery),
        (of(T::ModuleFault), bits.jamming_trouble),
        (of(T::BellFault), bits.fuse_trouble),
        (of(T::PhoneLineFault), bits.line_failure),
        (of(T::CommunicationFailure), bits.communication_failure),
        (of(T::SystemTamper), bits.tamper_trouble),
    ]
}

/// Troubles of a zone's device, with whether each is there.
pub(crate) fn zone_troubles(zone: Zone, bits: &DeviceBits) -> [(Trouble, bool); 3] {
    let of = |kind| Trouble::device(kind, zone.number());
    let fault = bits.supervision_trouble
        || bits.one_way_trouble
        || bits.masking_trouble
        || bits.clean_me_trouble
        || bits.zone_trouble
        || bits.ac_trouble
        || bits.heat_alarm_trouble;
    [(of(T::ZoneBatteryLow), bits.low_battery), (of(T::ZoneFault), fault), (of(T::FireTrouble), bits.smoke_trouble)]
}

/// Why a zone's device alarms; `None`: it does not.
pub(crate) fn zone_alarm(device: Option<&Device>, bits: &DeviceBits) -> Option<&'static str> {
    let temperature = bits.cold_alert || bits.hot_alert || bits.freezing_alert || bits.freezer_alert;
    let kind = || device.and_then(|device| device.zone_security_type).map_or("alarm", zone_type);
    match bits {
        bits if bits.smoke_alarm => Some("smoke"),
        bits if bits.alarm => Some(kind()),
        _ => temperature.then_some("temperature"),
    }
}

pub(crate) fn trouble_event(trouble: Trouble, begins: bool) -> PanelEvent {
    crate::map::trouble_event(begins, trouble)
}

/// A zone's name.
pub(crate) fn zone_label(device: &Device) -> Option<(Zone, Label)> {
    let zone = Zone::new(device.id.into()).ok()?;
    Some((zone, Label::from_panel(&words(device.location.as_deref()?))?))
}

/// Partition numbers as a bit mask, bit 0 for partition 1 [inferred].
pub(crate) fn mask_of(partitions: PartitionSet) -> u8 {
    let bit = |p: Partition| 1_u8.checked_shl(u32::from(p.number()) - 1).unwrap_or(0);
    partitions.iter().fold(0, |mask, partition| mask | bit(partition))
}

/// Reads the table of users.
///
/// # Errors
/// [`CallError::Malformed`]: it is of another shape, or is not the whole table. There is always a master: where the
/// table has none, who is missing there may be in the panel all the same.
pub(crate) fn read_users(result: &Value) -> Result<Vec<UserRow>, CallError> {
    let rows: Vec<UserRow> = read(result)?;
    let has_master = rows.iter().any(|row| row.user_id == u32::from(MASTER_SLOT) && row_code(row).is_some());
    has_master.then_some(rows).ok_or(CallError::Malformed)
}

/// The code of a row; `None` where the row is that of an empty user.
pub(crate) fn row_code(row: &UserRow) -> Option<AccessCode> {
    WireCode::from_digits(row.user_code.expose())?.access_code()
}

/// The partitions of a row, as far as this panel has them.
pub(crate) fn row_partitions(row: &UserRow, all: PartitionSet) -> Option<PartitionSet> {
    let numbers = row.partitions.as_ref()?;
    Some(numbers.iter().filter_map(|n| Partition::new(*n).ok()).filter(|p| all.contains(*p)).collect())
}

/// What the table of users says of one slot. A slot that is not in it is empty [inferred].
pub(crate) fn user_report(
    slot: Slot,
    rows: &[UserRow],
    tags: Option<&BTreeSet<Slot>>,
    all: PartitionSet,
) -> UserReport {
    let mut report = UserReport::new(slot, Evidence::ReadBack);
    report.tag = tags.map(|tags| tags.contains(&slot));
    let row = rows.iter().find(|row| row.user_id == u32::from(slot.number()));
    report.code = row.and_then(row_code);
    report.code_state = Some(if report.code.is_some() { CodeState::Set } else { CodeState::None });
    if let Some(row) = row.filter(|_| report.code.is_some()) {
        report.role = Some(if is_master(slot) { PanelRole::Master } else { PanelRole::User });
        report.partitions = if is_master(slot) { Some(all) } else { row_partitions(row, all) };
    }
    report
}

/// A partition went into alarm and out of it again between two looks.
pub(crate) fn missed_alarm(partition: Partition) -> [PanelEvent; 2] {
    let text = "the panel remembers an alarm that began and ended between two looks at it";
    let begun = PanelEvent::new(K::PartitionAlarm).partition(partition).text(text);
    [begun, PanelEvent::new(K::PartitionAlarmCleared).partition(partition)]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(state: &str, instant: bool) -> PartitionStatus {
        serde_json::from_value(json!({"partition": 1, "state": state, "statuses": {"instantBit": instant}}))
            .expect("json")
    }

    #[test]
    fn arming_is_told_and_what_is_unknown_counts_as_armed() {
        let rows = [
            ("DISARM", false, ArmState::Disarmed),
            ("NOTREADY", false, ArmState::Disarmed),
            ("HOME", false, ArmState::Armed(ArmMode::Stay)),
            ("HOME", true, ArmState::Armed(ArmMode::StayNoEntry)),
            ("AWAY", true, ArmState::Armed(ArmMode::AwayNoEntry)),
            ("EXIT", false, ArmState::ExitDelay),
            ("ENTRY_DELAY", false, ArmState::EntryDelay),
            ("MOON", false, ArmState::Armed(ArmMode::Away)),
        ];
        for (state, instant, expected) in rows {
            assert_eq!(arm_state(&status(state, instant)), expected, "{state}");
            assert_eq!(is_known(state), state != "MOON");
        }
    }

    #[test]
    fn a_user_without_a_row_or_a_code_is_none() {
        let rows: Vec<UserRow> = serde_json::from_value(json!([
            {"partitions": [1, 2, 3], "userCode": "1234", "userId": 1},
            {"partitions": [2, 9], "userCode": "4321", "userId": 2},
            {"partitions": [1], "userCode": "0000", "userId": 3},
            {"userCode": "5555", "userId": 5}
        ]))
        .expect("json");
        let all = PartitionSet::first(2);
        let report = |n: u32| user_report(Slot::new(n).expect("slot"), &rows, None, all);
        let state = |n| report(n).code_state;
        assert_eq!(
            [1, 2, 3, 4, 5].map(state),
            [CodeState::Set, CodeState::Set, CodeState::None, CodeState::None, CodeState::Set].map(Some)
        );
        assert_eq!((report(1).partitions, report(1).role), (Some(all), Some(PanelRole::Master)));
        assert_eq!(report(2).partitions.map(|set| set.to_string()), Some("2".into()));
        assert_eq!((report(3).partitions, report(3).code), (None, None));
        assert_eq!(report(5).partitions, None, "nobody told");
        assert_eq!(mask_of(PartitionSet::first(3)), 0b111);
    }

    #[test]
    fn an_alarm_says_why() {
        let device: Device = serde_json::from_value(json!({"id": 1, "type": 3, "zoneSecurityType": 7})).expect("json");
        let bits = |name: &str| serde_json::from_value::<DeviceBits>(json!({name: true})).expect("json");
        assert_eq!(zone_alarm(Some(&device), &bits("alarm")), Some("perimeter"));
        assert_eq!(zone_alarm(None, &bits("smokeAlarm")), Some("smoke"));
        assert_eq!(zone_alarm(None, &bits("freezerAlert")), Some("temperature"));
        assert_eq!(zone_alarm(Some(&device), &bits("open")), None);
    }
}
