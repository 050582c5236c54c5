//! What `users` and `state` print. A simulator may show its codes.

use std::time::Instant;

use serde_json::{Value, json};

use super::arming::Arming;
use super::eeprom;
use super::options::code_text;
use super::panel::Panel;

/// What the line adds to the state.
pub(super) struct LineState {
    /// `none`, `connected`, `powerlink` or `download`.
    pub(super) client: &'static str,
    pub(super) enrolled: bool,
    /// Commands so far.
    pub(super) commands: u64,
    /// Shortest time between two commands, in milliseconds.
    pub(super) shortest_gap_ms: Option<u64>,
    pub(super) baud: Option<u32>,
}

impl Panel {
    /// Every slot that holds a code.
    pub(super) fn users_json(&self) -> Value {
        let users = (1..=self.model.users()).filter_map(|slot| {
            let code = self.user_code(slot)?;
            Some(json!({
                "slot": slot,
                "code": code_text(code),
                "partitions": numbers(self.rights_of(slot)),
                "tag": self.tags.get(usize::from(slot - 1)).copied().unwrap_or(false),
            }))
        });
        Value::Array(users.collect())
    }

    pub(super) fn state_json(&self, now: Option<Instant>, line: &LineState) -> Value {
        let clock = now.map(|now| self.clock.read(now)).map(|time| {
            let (year, month, day) = (time.year, time.month, time.day);
            format!("20{year:02}-{month:02}-{day:02} {:02}:{:02}:{:02}", time.hour, time.minute, time.second)
        });
        json!({
            "model": self.model.name(),
            "client": line.client,
            "enrolled": line.enrolled,
            "baud": line.baud,
            "commands": line.commands,
            "shortest_gap_ms": line.shortest_gap_ms,
            "clock": clock,
            "installer_mode": self.installer_menu,
            "installer_code": code_text(self.eeprom.code(eeprom::CODES)),
            "download_code": code_text(self.eeprom.code(eeprom::CODES + 4)),
            "outputs": (0..16_u16).filter(|bit| self.outputs & (1 << bit) != 0).collect::<Vec<_>>(),
            "troubles": self.troubles.iter().map(|trouble| trouble.name()).collect::<Vec<_>>(),
            "partitions": self.partitions().map(|p| self.partition_json(p)).collect::<Vec<_>>(),
            "zones": self.enrolled_zones().map(|(zone, _)| self.zone_json(zone)).collect::<Vec<_>>(),
        })
    }

    fn partition_json(&self, partition: u8) -> Value {
        let Some(unit) = self.unit(partition) else { return Value::Null };
        let state = match unit.arming {
            _ if unit.alarm => "alarm",
            Arming::Disarmed if self.is_ready(partition) => "ready",
            Arming::Disarmed => "not_ready",
            Arming::Exit { .. } => "exit_delay",
            Arming::Armed { .. } => "armed",
            Arming::Entry { .. } => "entry_delay",
        };
        json!({
            "partition": partition + 1,
            "state": state,
            "mode": unit.arming.mode().map(|mode| mode.name()),
            "alarm_memory": unit.memory,
        })
    }

    fn zone_json(&self, zone: u8) -> Value {
        let Some(unit) = self.zone(zone) else { return Value::Null };
        json!({
            "zone": zone,
            "open": unit.open,
            "motion": unit.motion,
            "tampered": unit.tampered,
            "low_battery": unit.low_battery,
            "bypassed": unit.bypassed,
            "partitions": numbers(self.mask_of(zone)),
        })
    }
}

/// The numbers of a mask's partitions.
fn numbers(mask: u8) -> Vec<u8> {
    (0..8).filter(|bit| mask & (1 << bit) != 0).map(|bit| bit + 1).collect()
}
