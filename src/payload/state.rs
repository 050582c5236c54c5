use std::collections::BTreeMap;

use panel_model::{
    ArmMode, ArmState, Label, LockId, LockState, PanelSnapshot, Partition, Readiness, Slot, Trouble, Zone,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Availability, Timestamp};

/// Topic `panels/{panel}/state`, retained: partitions, zones, troubles, locks. Changes that follow each other quickly may
/// share one message; what happened in between is told by events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// Whether this is good: anything but `online` is what was known last.
    pub status: Availability,
    /// Since when that holds.
    pub since: Timestamp,
    /// Partitions by number.
    pub partitions: BTreeMap<Partition, PartitionState>,
    /// Zones by number.
    pub zones: BTreeMap<Zone, ZoneState>,
    /// Door locks by number.
    pub locks: BTreeMap<LockId, LockState>,
    /// Troubles that were not restored yet.
    pub troubles: Vec<Trouble>,
    /// Somebody is in installer programming.
    pub installer_mode: bool,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartitionState {
    /// Its label, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Disarmed, in a delay, or armed.
    pub arm: Arm,
    /// How it is armed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ArmMode>,
    /// Whether it can be armed.
    pub ready: Readiness,
    /// In alarm.
    pub alarm: bool,
    /// Somebody is in a menu.
    pub busy: bool,
    /// Door chime on.
    pub chime: bool,
    /// Who armed or disarmed last, where the panel said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_user: Option<Slot>,
}

/// Arming of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the trade's own")]
pub enum Arm {
    Disarmed,
    ExitDelay,
    Armed,
    EntryDelay,
}

/// One zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are the trade's own")]
pub struct ZoneState {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    pub open: bool,
    pub alarm: bool,
    pub tamper: bool,
    pub bypassed: bool,
}

impl From<&PanelSnapshot> for State {
    fn from(panel: &PanelSnapshot) -> Self {
        let state = &panel.state;
        Self {
            status: panel.status.into(),
            since: panel.since.into(),
            partitions: state.partitions.iter().map(|(number, p)| (*number, p.into())).collect(),
            zones: state.zones.iter().map(|(number, z)| (*number, z.into())).collect(),
            locks: state.locks.clone(),
            troubles: state.troubles.iter().copied().collect(),
            installer_mode: state.installer_mode,
        }
    }
}

impl From<&panel_model::PartitionState> for PartitionState {
    fn from(partition: &panel_model::PartitionState) -> Self {
        let (arm, mode) = match partition.arm {
            ArmState::Disarmed => (Arm::Disarmed, None),
            ArmState::ExitDelay => (Arm::ExitDelay, None),
            ArmState::Armed(mode) => (Arm::Armed, Some(mode)),
            ArmState::EntryDelay => (Arm::EntryDelay, None),
        };
        Self {
            label: text(partition.label.as_ref()),
            arm,
            mode,
            ready: partition.ready,
            alarm: partition.alarm,
            busy: partition.busy,
            chime: partition.chime,
            last_user: partition.last_user,
        }
    }
}

impl From<&panel_model::ZoneState> for ZoneState {
    fn from(zone: &panel_model::ZoneState) -> Self {
        Self {
            label: text(zone.label.as_ref()),
            open: zone.open,
            alarm: zone.alarm,
            tamper: zone.tamper,
            bypassed: zone.bypassed,
        }
    }
}

fn text(label: Option<&Label>) -> Option<String> {
    label.map(|label| label.as_str().to_owned())
}
