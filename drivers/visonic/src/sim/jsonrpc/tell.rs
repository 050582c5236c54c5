//! What the service tells of the panel, in its own words (dossier 2.3 to 2.6).

use std::time::Instant;

use serde_json::{Value, json};

use crate::sim::arming::{Arming, Unit};
use crate::sim::clock::PanelClock;
use crate::sim::devices::event;
use crate::sim::eeprom;
use crate::sim::models::Family;
use crate::sim::options::code_text;
use crate::sim::panel::Panel;
use crate::sim::signal::Trouble;
use crate::sim::zones::ZoneUnit;

/// Type numbers (dossier 2.4).
pub(super) const ZONE: i64 = 3;
const SIREN: i64 = 2;
const KEYPAD: i64 = 4;
const KEYFOB: i64 = 5;
pub(super) const TAG: i64 = 10;
pub(super) const X10: i64 = 7;
/// The device bits besides those that a simulated zone has.
const OTHER_BITS: [&str; 13] = [
    "acTrouble",
    "cleanMeTrouble",
    "coldAlert",
    "freezerAlert",
    "freezingAlert",
    "heatAlarmTrouble",
    "hotAlert",
    "maskingTrouble",
    "notUpdated",
    "oneWayTrouble",
    "smokeAlarm",
    "smokeTrouble",
    "zoneTrouble",
];

/// What `getPanelStatuses` tells.
pub(super) fn statuses(panel: &Panel, now: Instant, no_exit_state: bool) -> Value {
    let has = |trouble: Trouble| panel.troubles.contains(&trouble);
    let partitions: Vec<_> = panel.partitions().filter_map(|p| partition(panel, p, no_exit_state)).collect();
    json!({
        "datetime": date_time(panel.clock.read(now)),
        "partitions": partitions,
        "statuses": {
            "acTrouble": has(Trouble::AcLost),
            "communicationFailure": has(Trouble::Communication),
            "enrollingModeBit": panel.installer_menu,
            "fuseTrouble": has(Trouble::Fuse),
            "jammingTrouble": has(Trouble::Jam),
            "lineFailure": has(Trouble::PhoneLine),
            "lowBattery": has(Trouble::Battery),
            "noActive": false,
            "tamperMemory": panel.enrolled_zones().any(|(_, zone)| zone.tamper_memory),
            "tamperTrouble": has(Trouble::PanelTamper) || has(Trouble::SirenTamper),
        },
    })
}

/// The word for a partition's state. Those of the delays are invented.
pub(super) fn state(unit: &Unit, no_exit_state: bool) -> &'static str {
    match unit.arming {
        Arming::Disarmed => "DISARM",
        Arming::Exit { .. } if !no_exit_state => "EXIT",
        Arming::Entry { .. } => "ENTRY",
        Arming::Exit { mode } | Arming::Armed { mode } => {
            if mode.home {
                "HOME"
            } else {
                "AWAY"
            }
        }
    }
}

fn partition(panel: &Panel, partition: u8, no_exit_state: bool) -> Option<Value> {
    let unit = panel.unit(partition)?;
    let zones: Vec<&ZoneUnit> = panel.zones_of(partition).into_iter().filter_map(|zone| panel.zone(zone)).collect();
    Some(json!({
        "partition": partition + 1,
        "state": state(unit, no_exit_state),
        "statuses": {
            "activeBit": true,
            "alertBit": unit.alarm,
            "bypassBit": zones.iter().any(|zone| zone.bypassed),
            "fireBit": zones.iter().any(|zone| zone.in_alarm == Some(event::FIRE)),
            "instantBit": unit.arming.mode().is_some_and(|mode| mode.instant),
            "latchkeyBit": false,
            "memoryBit": unit.memory,
            "needEngResetBit": false,
            "readyBit": panel.is_ready(partition),
            "troubleBit": !panel.troubles.is_empty(),
        },
    }))
}

/// All devices: the zones, and a siren, a keypad and a key fob that never do anything.
pub(super) fn devices(panel: &Panel) -> Vec<Value> {
    let all: Vec<u8> = panel.partitions().map(|partition| partition + 1).collect();
    let other = |kind: i64| {
        let serial = format!("{}-0001", 400 + kind);
        json!({"id": 1, "partitions": all, "serial": serial, "subtype": 1, "type": kind})
    };
    let zones = panel.enrolled_zones().map(|(zone, _)| zone_config(panel, zone));
    [SIREN].map(other).into_iter().chain(zones).chain([KEYPAD, KEYFOB].map(other)).collect()
}

fn zone_config(panel: &Panel, zone: u8) -> Value {
    let subtype = subtype(panel, zone);
    let mask = panel.mask_of(zone);
    let partitions: Vec<u8> = (0..3).filter(|bit| mask & (1 << bit) != 0).map(|bit| bit + 1).collect();
    let mut device = json!({
        "id": zone,
        "location": location(panel, panel.eeprom.byte(panel.eeprom.zone_name_at(zone))),
        "partitions": partitions,
        "serial": format!("{:03}-{zone:04}", 100 + u16::from(subtype)),
        "subtype": subtype,
        "type": ZONE,
        "zoneSecurityType": panel.eeprom.zone_type(zone),
    });
    if let Some(fields) = device.as_object_mut().filter(|_| subtype == 4) {
        fields.insert("viewOnDemand".into(), true.into());
    }
    device
}

/// A zone's subtype: what a PowerMaster calls its sensor.
fn subtype(panel: &Panel, zone: u8) -> u8 {
    match (panel.model.family(), panel.eeprom.sensor(zone)) {
        (Family::PowerMaster, sensor) => sensor,
        (Family::PowerMax, 0x3) => 1,
        (Family::PowerMax, 0xA) => 21,
        (Family::PowerMax, 0xF) => 254,
        (Family::PowerMax, _) => 42,
    }
}

/// A name of the table, counted from 0.
fn location(panel: &Panel, index: u8) -> String {
    let at = eeprom::NAMES + u16::from(index) * eeprom::NAME_LENGTH;
    String::from_utf8_lossy(panel.eeprom.slice(at, eeprom::NAME_LENGTH)).trim().to_owned()
}

/// The 31 names; ids count from 1.
pub(super) fn locations(panel: &Panel) -> Vec<Value> {
    (0..31).map(|index| json!({"id": index + 1, "value": location(panel, index)})).collect()
}

/// What `getDeviceStatuses` tells; `None`: there is no such device.
pub(super) fn device_statuses(panel: &Panel, kind: i64, id: i64) -> Option<Value> {
    let zone = u8::try_from(id).ok().filter(|_| kind == ZONE);
    let unit = zone.and_then(|zone| panel.zone(zone)).filter(|unit| unit.enrolled);
    let other = [SIREN, KEYPAD, KEYFOB].contains(&kind) && id == 1;
    if unit.is_none() && !other {
        return None;
    }
    let is = |bit: &dyn Fn(&ZoneUnit) -> bool| unit.is_some_and(bit);
    let mut bits = json!({
        "alarm": is(&|zone| zone.in_alarm.is_some()),
        "bypassZone": is(&|zone| zone.bypassed),
        "lowBattery": is(&|zone| zone.low_battery),
        // A motion detector has no contact.
        "open": is(&|zone| zone.open && !zone.motion),
        "supervisionTrouble": is(&|zone| zone.lost),
        "tamperMemory": is(&|zone| zone.tamper_memory),
        "tamperTrouble": is(&|zone| zone.tampered),
    });
    if let Some(bits) = bits.as_object_mut() {
        bits.extend(OTHER_BITS.map(|name| (name.to_owned(), Value::Bool(false))));
    }
    Some(json!({"id": id, "statuses": bits, "type": kind}))
}

/// A row of `getUserCodes`; `None` for an empty user.
pub(super) fn user(panel: &Panel, slot: u8) -> Option<Value> {
    let code = panel.user_code(slot)?;
    let rights = panel.rights_of(slot);
    let partitions: Vec<u8> = (0..3).filter(|bit| rights & (1 << bit) != 0).map(|bit| bit + 1).collect();
    Some(json!({"partitions": partitions, "userCode": code_text(code), "userId": slot}))
}

/// What `getPanelConfig` tells.
pub(super) fn config(panel: &Panel) -> Value {
    let memory = &panel.eeprom;
    let bypass = if panel.bypass_mode() == 0x80 { "MANUAL_BYPASS" } else { "NO_BYPASS" };
    let byte = |at: u16| memory.byte(at);
    json!({
        "abortTime": 0,
        "bypassArmMode": bypass,
        "duressCode": code_text(memory.code(eeprom::DURESS)),
        "eepromVersion": eeprom_version(panel),
        "entryDelay1": byte(eeprom::ENTRY_DELAYS),
        "entryDelay2": byte(eeprom::ENTRY_DELAYS + 1),
        "exitDelay": byte(eeprom::EXIT_DELAY),
        "gprsEnrolled": false,
        "kidsComeHomeEnabled": false,
        "latchkeyEnabled": false,
        "panelId": "0A1B2C",
        "partitionEnabled": panel.units.len() > 1,
        "plinkVariant": "sim",
        "plinkVersion": "7.5.58",
        "pmaxDefaultVersion": "JS703642 I20.214",
        "pmaxVersion": "JS703642 I20.214",
        "quickArmEnabled": byte(eeprom::QUICK_ARM) & 0x08 != 0,
        "viewOnDemand": "VIEW_IN_ALL_MODES",
        "viewOnDemandTimeWindow": "ALWAYS",
    })
}

pub(super) fn eeprom_version(panel: &Panel) -> Value {
    json!({"eeprom_model": panel.model.type_byte(), "eeprom_sub_model": panel.model.model_byte()})
}

/// Numbers of devices that the panel takes.
pub(super) fn max_devices(panel: &Panel) -> [(i64, u8); 6] {
    let model = panel.model;
    [(0, 4), (1, 15), (SIREN, model.sirens()), (ZONE, model.zones()), (KEYPAD, 8), (KEYFOB, model.keyfobs())]
}

/// The tags. The shape of an element is invented.
pub(super) fn tags(panel: &Panel) -> Vec<Value> {
    let there = panel.tags.iter().zip(1..).filter(|(there, _)| **there);
    there.map(|(_, id)| json!({"id": id, "type": TAG})).collect()
}

/// Rows of the log between two times. The shape of an element is invented.
pub(super) fn log(panel: &Panel, from: &str, to: &str) -> Vec<Value> {
    let row = |entry: &crate::sim::log::LogEntry| {
        let (class, index) = entry.device.class();
        let partitions: Vec<u8> = (0..3).filter(|bit| entry.partitions & (1 << bit) != 0).map(|bit| bit + 1).collect();
        json!({"datetime": date_time(entry.time), "event": entry.code, "deviceType": class, "deviceId": index + 1,
            "partitions": partitions})
    };
    let within = |entry: &&crate::sim::log::LogEntry| {
        let time = date_time(entry.time);
        (from.is_empty() || time.as_str() >= from) && (to.is_empty() || time.as_str() <= to)
    };
    panel.log.entries().filter(within).map(row).collect()
}

/// Bytes of a memory item, and how many there are; `None` where the simulator has none (dossier 2.9).
pub(super) fn item(panel: &Panel, item: i64, index: i64) -> Option<(Vec<u8>, u8)> {
    let memory = &panel.eeprom;
    let one = |bytes: Vec<u8>| Some((bytes, 1));
    let users = panel.model.users();
    let slot = u8::try_from(index + 1).ok().filter(|slot| (1..=users).contains(slot));
    match item {
        8 | 229 => slot.map(|slot| (memory.code(memory.user_code_at(slot)).to_vec(), users)),
        226 => slot.map(|slot| (vec![panel.rights_of(slot)], users)),
        84 => one(memory.code(eeprom::CODES).to_vec()),
        85 => one(memory.code(eeprom::CODES + 2).to_vec()),
        86 => one(vec![0, 0]),
        97 => one(memory.code(eeprom::DURESS).to_vec()),
        120 => one(vec![memory.byte(eeprom::USER_PERMIT)]),
        48 => one(vec![u8::from(panel.units.len() > 1)]),
        368 | 371 => one(vec![1]),
        372 => one(vec![0]),
        _ => None,
    }
}

/// YYYYMMDDHHMMSS.
pub(super) fn date_time(time: PanelClock) -> String {
    let PanelClock { year, month, day, hour, minute, second } = time;
    format!("20{year:02}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
}

/// A time in that form.
pub(super) fn parse_date_time(text: &str) -> Option<PanelClock> {
    let part = |at: usize| text.get(at..at + 2)?.parse::<u8>().ok();
    let whole = text.len() == 14 && text.starts_with("20");
    let (year, month, day) = (part(2)?, part(4)?, part(6)?);
    whole.then_some(PanelClock { year, month, day, hour: part(8)?, minute: part(10)?, second: part(12)? })
}
