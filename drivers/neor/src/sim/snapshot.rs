//! What `users` and `state` print. A simulator may show its codes.

use std::time::Instant;

use panel_model::{AccessCode, Partition, PartitionSet};
use serde_json::{Value, json};

use super::arming::{Arming, Mode, Unit};
use super::panel::Panel;
use super::signal::Readiness;
use super::users::UserSlot;
use super::zones::ZoneUnit;
use crate::message::attribute;

const ATTRIBUTES: [(u8, &str); 6] = [
    (attribute::SUPERVISOR, "supervisor"),
    (attribute::DURESS, "duress"),
    (attribute::ZONE_BYPASS, "zone_bypass"),
    (attribute::REMOTE_ACCESS, "remote_access"),
    (attribute::BELL_SQUAWK, "bell_squawk"),
    (attribute::ONE_TIME, "one_time"),
];

impl Panel {
    /// Every slot that holds a code or a tag.
    pub(super) fn users_json(&self) -> Value {
        let held = |user: &UserSlot| user.code.is_some() || user.has_tag;
        Value::Array(
            self.users.slots().filter(|(_, user)| held(user)).map(|(slot, user)| user_json(slot, user)).collect(),
        )
    }

    pub(super) fn state_json(&self, now: Option<Instant>, client: &str, backlog: usize) -> Value {
        let clock = now
            .map(|now| self.clock.read(now))
            .map(|t| format!("{}-{:02}-{:02} {:02}:{:02}:{:02}", t.year, t.month, t.day, t.hour, t.minute, t.second));
        let programming = self.programming.slot.map(|slot| json!({"mode": slot.mode.name(), "by": slot.via.name()}));
        json!({
            "model": self.model.name(),
            "client": client,
            "queued": backlog,
            "clock": clock,
            "programming": programming,
            "installer_code": self.users.installer.expose(),
            "keypads_locked": self.keypad_lockout.is_locked,
            "remote_locked": self.remote_lockout.is_locked,
            "troubles": self.troubles.iter().map(|trouble| trouble.name()).collect::<Vec<_>>(),
            "partitions": self.units.iter().map(|(p, unit)| self.partition_json(*p, unit)).collect::<Vec<_>>(),
            "zones": self.zones().filter(|(_, unit)| unit.is_used()).map(|(n, unit)| zone_json(n, unit)).collect::<Vec<_>>(),
        })
    }

    fn partition_json(&self, partition: Partition, unit: &Unit) -> Value {
        let state = match (unit.arming, self.readiness(partition)) {
            _ if unit.alarm => "alarm",
            (Arming::Disarmed, Some(Readiness::Ready)) => "ready",
            (Arming::Disarmed, Some(Readiness::Forced)) => "force_ready",
            (Arming::Disarmed, _) => "not_ready",
            (Arming::Exit { .. }, _) => "exit_delay",
            (Arming::Armed { .. }, _) => "armed",
            (Arming::Entry { .. }, _) => "entry_delay",
        };
        json!({
            "partition": partition.number(),
            "label": self.partition_label(partition).map(ToString::to_string),
            "state": state,
            "mode": unit.arming.mode().map(Mode::name),
            "bell": unit.bell,
            "memory": unit.memory,
        })
    }
}

fn user_json(slot: u16, user: &UserSlot) -> Value {
    let attributes: Vec<&str> = ATTRIBUTES.iter().filter(|(bit, _)| user.has(*bit)).map(|(_, name)| *name).collect();
    json!({
        "slot": slot,
        "code": user.code.as_ref().map(AccessCode::expose),
        "label": user.label.to_string(),
        "partitions": numbers(user.partitions),
        "attributes": attributes,
        "tag": user.has_tag,
    })
}

fn zone_json(number: u16, unit: &ZoneUnit) -> Value {
    json!({
        "zone": number,
        "label": unit.label.to_string(),
        "open": unit.open,
        "tampered": unit.tampered,
        "faulted": unit.faulted,
        "battery_low": unit.battery_low,
        "bypassed": unit.bypassed,
        "partitions": numbers(unit.partitions),
    })
}

fn numbers(set: PartitionSet) -> Vec<u8> {
    set.iter().map(Partition::number).collect()
}
