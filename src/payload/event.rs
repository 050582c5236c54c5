use panel_model::{
    ArmMode, EventClass, EventKind, LockId, Origin, PanelEvent, PanelId, Partition, Severity, Slot, Trouble, WallTime,
    Zone,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;

/// Topic `panels/{panel}/event`: one thing that happened. Sent at least once, alarms first, per panel in order of `seq`
/// within a priority. A message with an `id` that was seen before is a duplicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Tells duplicates.
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub id: Uuid,
    /// Rises with every event of the box; not every number is published.
    pub seq: u64,
    /// The panel.
    pub panel: PanelId,
    /// When the box received it.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// What it is about.
    pub class: EventClass,
    /// How loudly it asks for a person.
    pub severity: Severity,
    /// Told as it happened, or found while comparing with what was known.
    pub origin: Origin,
    /// The partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// The zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Zone>,
    /// The user's slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// The door lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockId>,
    /// The output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<u8>,
    /// How it was armed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ArmMode>,
    /// Which trouble.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// What a central station calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<Signal>,
    /// More, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// An event in the words of central stations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signal {
    /// Contact ID (SIA DC-05): `E130` is a new event or an opening, `R130` its restore or a closing.
    pub contact_id: String,
    /// SIA code, such as `BA`.
    pub sia: String,
}

impl Event {
    /// The event `event` of `panel`, as the store numbered it.
    #[must_use]
    pub fn new(id: Uuid, seq: u64, panel: &PanelId, at: WallTime, event: &PanelEvent) -> Self {
        Self {
            id,
            seq,
            panel: panel.clone(),
            at: at.into(),
            kind: event.kind,
            class: event.kind.class(),
            severity: event.kind.severity(),
            origin: event.origin,
            partition: event.partition,
            zone: event.zone,
            slot: event.slot,
            lock: event.lock,
            output: event.output,
            mode: event.mode,
            trouble: event.trouble,
            signal: signal(event),
            text: event.text.clone(),
        }
    }
}

fn signal(event: &PanelEvent) -> Option<Signal> {
    let (qualifier, code, sia) = match (event.kind, event.trouble) {
        (EventKind::Trouble, Some(trouble)) => {
            let (code, new, _) = trouble.kind.signal();
            (1, code, new)
        }
        (EventKind::TroubleRestored, Some(trouble)) => {
            let (code, _, restore) = trouble.kind.signal();
            (3, code, restore)
        }
        (kind, _) => kind.signal()?,
    };
    let letter = if qualifier == 1 { 'E' } else { 'R' };
    Some(Signal { contact_id: format!("{letter}{code:03}"), sia: sia.to_owned() })
}
