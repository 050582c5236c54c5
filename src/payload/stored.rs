//! Rows of the store as messages.

use super::{Event, LogLine};
use crate::store;

impl From<&store::StoredEvent> for Event {
    fn from(stored: &store::StoredEvent) -> Self {
        Self::new(stored.id, stored.seq, &stored.panel, stored.at, &stored.event)
    }
}

impl From<store::LogLine> for LogLine {
    fn from(stored: store::LogLine) -> Self {
        let line = stored.line;
        Self {
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
}
