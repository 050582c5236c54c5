//! Rows of the store and of the actions in the JSON of the contract.

use crate::payload::{Event, LogLine};
use crate::store;

pub(super) fn event(stored: &store::StoredEvent) -> Event {
    Event::new(stored.id, stored.seq, &stored.panel, stored.at, &stored.event)
}

pub(super) fn log_line(stored: &store::LogLine) -> LogLine {
    let line = stored.line.clone();
    LogLine {
        id: stored.id,
        seq: stored.seq,
        at: line.at.into(),
        actor: line.actor,
        role: line.role,
        door: line.door,
        action: line.action,
        panel: line.panel,
        slot: line.slot,
        result: line.result,
        text: line.text,
    }
}
