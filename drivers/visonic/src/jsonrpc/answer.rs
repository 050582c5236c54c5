//! Results of the service, typed. Every field may be missing and unknown ones are passed over: firmwares differ.

use std::collections::BTreeSet;

use panel_model::{AccessCode, Slot};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::call::DeviceId;
use super::error::CallError;
use crate::message::WireCode;

/// Type number of zones (dossier 2.4).
pub(crate) const ZONE: u16 = 3;
/// Type number of keypads.
pub(crate) const KEYPAD: u16 = 4;
/// Type number of key fobs.
pub(crate) const KEYFOB: u16 = 5;

/// Reads a result.
///
/// # Errors
/// [`CallError::Malformed`]: it is of another shape.
pub(crate) fn read<'a, T: Deserialize<'a>>(result: &'a Value) -> Result<T, CallError> {
    T::deserialize(result).map_err(|_| CallError::Malformed)
}

/// Characters of the module's own words that are passed on.
const MOST_WORDS: usize = 120;

/// The module's own words, fit to be shown: one line, and no longer than anybody reads.
pub(crate) fn words(text: &str) -> String {
    text.chars().take(MOST_WORDS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `getPanelStatuses`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct PanelStatuses {
    /// Panel clock, YYYYMMDDHHMMSS.
    pub(crate) datetime: Option<String>,
    pub(crate) partitions: Vec<PartitionStatus>,
    #[serde(default)]
    pub(crate) statuses: PanelBits,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct PartitionStatus {
    pub(crate) partition: u32,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) statuses: PartitionBits,
}

/// Bits of a partition. Those that nobody has explained are left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "so the service has it")]
pub(crate) struct PartitionBits {
    /// The partition is in use; taken for true where it is not told.
    pub(crate) active_bit: Option<bool>,
    pub(crate) alert_bit: bool,
    pub(crate) bypass_bit: bool,
    pub(crate) fire_bit: bool,
    pub(crate) instant_bit: bool,
    pub(crate) memory_bit: bool,
    pub(crate) need_eng_reset_bit: bool,
    pub(crate) ready_bit: bool,
    pub(crate) trouble_bit: bool,
}

/// Bits of the whole panel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "so the service has it")]
pub(crate) struct PanelBits {
    pub(crate) ac_trouble: bool,
    pub(crate) communication_failure: bool,
    pub(crate) enrolling_mode_bit: bool,
    pub(crate) fuse_trouble: bool,
    pub(crate) jamming_trouble: bool,
    pub(crate) line_failure: bool,
    pub(crate) low_battery: bool,
    pub(crate) tamper_trouble: bool,
}

/// One of `getDevicesConfig`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Device {
    pub(crate) id: u16,
    #[serde(rename = "type")]
    pub(crate) kind: u16,
    /// A zone's name.
    pub(crate) location: Option<String>,
    /// What a zone is for (dossier 2.4).
    pub(crate) zone_security_type: Option<u8>,
}

impl Device {
    pub(crate) fn number(&self) -> DeviceId {
        DeviceId { kind: self.kind, id: self.id }
    }
}

/// `getDeviceStatuses`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct DeviceStatuses {
    pub(crate) id: u16,
    #[serde(rename = "type")]
    pub(crate) kind: u16,
    pub(crate) statuses: DeviceBits,
}

/// Bits of a device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "so the service has it")]
pub(crate) struct DeviceBits {
    pub(crate) ac_trouble: bool,
    pub(crate) alarm: bool,
    pub(crate) bypass_zone: bool,
    pub(crate) clean_me_trouble: bool,
    pub(crate) cold_alert: bool,
    pub(crate) freezer_alert: bool,
    pub(crate) freezing_alert: bool,
    pub(crate) heat_alarm_trouble: bool,
    pub(crate) hot_alert: bool,
    pub(crate) low_battery: bool,
    pub(crate) masking_trouble: bool,
    /// What stands beside it is old.
    pub(crate) not_updated: bool,
    pub(crate) one_way_trouble: bool,
    pub(crate) open: bool,
    pub(crate) smoke_alarm: bool,
    pub(crate) smoke_trouble: bool,
    pub(crate) supervision_trouble: bool,
    pub(crate) tamper_trouble: bool,
    pub(crate) zone_trouble: bool,
}

/// One of `getUserCodes`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserRow {
    pub(crate) user_id: u32,
    #[serde(deserialize_with = "code")]
    pub(crate) user_code: AccessCode,
    /// Not told by every firmware, for all we know.
    pub(crate) partitions: Option<Vec<u32>>,
}

/// `getPanelConfig`, as far as it is of use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PanelConfig {
    #[serde(deserialize_with = "maybe_code")]
    pub(crate) duress_code: Option<AccessCode>,
    pub(crate) plink_version: Option<String>,
    pub(crate) pmax_version: Option<String>,
}

fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AccessCode, D::Error> {
    String::deserialize(deserializer).map(AccessCode::new)
}

fn maybe_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<AccessCode>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(AccessCode::new))
}

/// Users whose tags `getTagsInfo` lists. The shape of an element is unknown: an `id` in each of them is taken for the
/// user's number [inferred], and anything else for nothing.
pub(crate) fn tag_slots(result: &Value) -> Option<BTreeSet<Slot>> {
    let slot = |tag: &Value| Slot::new(u32::try_from(tag.get("id")?.as_u64()?).ok()?).ok();
    result.as_array()?.iter().map(slot).collect()
}

/// The bytes of `getEepromItem`: an array of numbers [doc A], or texts in base64 inside objects [impl E]. None where the
/// panel has no such item [doc A].
///
/// # Errors
/// [`CallError::Malformed`]: it is neither.
pub(crate) fn item_bytes(result: &Value) -> Result<Vec<u8>, CallError> {
    if let Some(numbers) = result.as_array() {
        let byte = |n: &Value| n.as_u64().and_then(|n| u8::try_from(n).ok());
        return numbers.iter().map(byte).collect::<Option<_>>().ok_or(CallError::Malformed);
    }
    if result.get("items").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        return Ok(Vec::new());
    }
    let text = result.pointer("/items/0/item/data").and_then(Value::as_str).ok_or(CallError::Malformed)?;
    base64_bytes(text).ok_or(CallError::Malformed)
}

fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

/// A code of an item: two bytes, packed. An item that the panel does not have is no code.
///
/// # Errors
/// [`CallError::Malformed`]: it is of another size.
pub(crate) fn item_code(result: &Value) -> Result<WireCode, CallError> {
    match item_bytes(result)?.as_slice() {
        [a, b, ..] => Ok(WireCode::from_bytes([*a, *b])),
        [] => Ok(WireCode::none()),
        _ => Err(CallError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn statuses_are_read_as_the_dossier_shows_them() {
        let result = json!({"datetime": "20260314081500", "partitions": [{"partition": 1, "state": "DISARM", "statuses":
            {"activeBit": true, "alertBit": false, "bypassBit": false, "fireBit": false, "instantBit": false,
             "latchkeyBit": false, "memoryBit": false, "needEngResetBit": false, "readyBit": true, "troubleBit": true}}],
            "statuses": {"acTrouble": true, "communicationFailure": false, "enrollingModeBit": false}});
        let statuses: PanelStatuses = read(&result).expect("statuses");
        assert_eq!(statuses.datetime.as_deref(), Some("20260314081500"));
        let partition = &statuses.partitions[0];
        let bits = partition.statuses;
        assert_eq!((partition.partition, partition.state.as_str()), (1, "DISARM"));
        assert!(bits.ready_bit && bits.trouble_bit && bits.active_bit == Some(true) && !bits.alert_bit);
        assert!(statuses.statuses.ac_trouble && !statuses.statuses.low_battery);
        assert!(read::<PanelStatuses>(&json!({"partitions": "none"})).is_err());
    }

    #[test]
    fn devices_and_users_are_read_as_the_dossier_shows_them() {
        let result = json!([{"id": 1, "partitions": [1], "serial": "410-0001", "subtype": 1, "type": 2},
            {"id": 1, "location": "Front door", "partitions": [1], "serial": "109-0001", "subtype": 42, "type": 3,
             "zoneSecurityType": 5}]);
        let devices: Vec<Device> = read(&result).expect("devices");
        assert_eq!(devices[1].number(), DeviceId { kind: ZONE, id: 1 });
        assert_eq!((devices[1].location.as_deref(), devices[1].zone_security_type), (Some("Front door"), Some(5)));
        let result = json!([{"partitions": [1, 2, 3], "userCode": "0123", "userId": 1}]);
        let users: Vec<UserRow> = read(&result).expect("users");
        assert_eq!(users[0].user_code, AccessCode::new("0123".into()));
        assert!(!format!("{users:?}").contains("0123"));
    }

    #[test]
    fn tags_are_read_where_each_has_a_number() {
        let slots = |value: Value| tag_slots(&value).map(|slots| slots.iter().map(|s| s.number()).collect::<Vec<_>>());
        assert_eq!(slots(json!([{"id": 6, "type": 10}, {"id": 2}])), Some(vec![2, 6]));
        assert_eq!(slots(json!([])), Some(vec![]));
        for unknown in [json!({}), json!([6]), json!([{"id": 6}, {"tag": 2}]), json!([{"id": "6"}]), json!([{"id": 0}])]
        {
            assert_eq!(slots(unknown.clone()), None, "{unknown}");
        }
    }

    #[test]
    fn memory_is_read_in_both_forms() {
        let object = json!({"items": [{"item": {"data": "QyE=", "maxItems": 8}}]});
        for (result, code) in [(object, "4321"), (json!([0x43, 0x21]), "4321")] {
            let found = item_code(&result).expect("a code").access_code();
            assert_eq!(found, Some(AccessCode::new(code.into())));
        }
        for none in [json!([]), json!({"items": []})] {
            assert!(item_code(&none).is_ok_and(|code| code.is_none()), "{none}");
        }
        for wrong in [json!([1]), json!([256, 1]), json!({"items": 1}), json!("QyE=")] {
            assert_eq!(item_code(&wrong), Err(CallError::Malformed), "{wrong}");
        }
    }
}
