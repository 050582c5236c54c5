//! What `users` and `state` print. A simulator may show its codes.

use std::time::Instant;

use panel_model::{Partition, PartitionSet, Zone};
use serde_json::{Value, json};

use super::arming::Arming;
use super::panel::{Panel, Unit};
use super::signal::mode_name;
use super::zones::ZoneUnit;

impl Panel {
    /// Every slot that holds a code.
    pub(super) fn users_json(&self) -> Value {
        let users = self.codes.users().map(|(slot, user)| {
            json!({
                "slot": slot.number(),
                "code": user.code.expose(),
                "partitions": numbers(user.partitions),
                "attributes": user.attributes.digits().collect::<Vec<_>>(),
            })
        });
        Value::Array(users.collect())
    }

    pub(super) fn state_json(&self, now: Option<Instant>, client: &str) -> Value {
        let clock = now.map(|now| self.clock.read(now)).map(|time| {
            format!("20{:02}-{:02}-{:02} {:02}:{:02}", time.year, time.month, time.day, time.hour, time.minute)
        });
        json!({
            "model": self.model.name(),
            "client": client,
            "clock": clock,
            "installer_mode": self.installer_at.is_some(),
            "installer_code": self.codes.installer.expose(),
            "keypads_locked": self.is_locked(),
            "keybus_working": self.keybus_working,
            "troubles": self.troubles.iter().map(|trouble| trouble.name()).collect::<Vec<_>>(),
            "partitions": self.units.iter().map(|(p, unit)| self.partition_json(*p, unit)).collect::<Vec<_>>(),
            "zones": self.zones.iter().map(|(zone, unit)| self.zone_json(*zone, unit)).collect::<Vec<_>>(),
        })
    }

    fn partition_json(&self, partition: Partition, unit: &Unit) -> Value {
        let state = match unit.arming {
            _ if unit.alarm => "alarm",
            Arming::Disarmed if self.is_ready(partition) => "ready",
            Arming::Disarmed => "not_ready",
            Arming::Exit { .. } => "exit_delay",
            Arming::Armed { .. } => "armed",
            Arming::Entry { .. } => "entry_delay",
        };
        json!({
            "partition": partition.number(),
            "state": state,
            "mode": unit.arming.mode().map(mode_name),
            "memory": unit.memory.iter().map(|zone| zone.number()).collect::<Vec<_>>(),
            "chime": unit.chime,
            "keypad": format!("{:02X}", self.bus_code(partition)),
        })
    }

    fn zone_json(&self, zone: Zone, unit: &ZoneUnit) -> Value {
        json!({
            "zone": zone.number(),
            "open": unit.open,
            "tampered": unit.tampered,
            "bypassed": unit.bypassed,
            "partitions": self.partitions_of(zone).into_iter().map(Partition::number).collect::<Vec<_>>(),
        })
    }
}

fn numbers(set: PartitionSet) -> Vec<u8> {
    set.iter().map(Partition::number).collect()
}
