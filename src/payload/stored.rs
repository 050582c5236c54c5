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
            subject: line.subject,
            result: line.result,
            text: line.text,
            number: stored.link.map(|link| link.number),
            hash: stored.link.map(|link| link.hash.to_string()),
        }
    }
}

/// For proving lines that were exported: what cannot be a hash is no place in the chain.
impl From<LogLine> for store::LogLine {
    fn from(line: LogLine) -> Self {
        let hash = line.hash.and_then(|hash| hash.parse().ok());
        let link = line.number.zip(hash).map(|(number, hash)| store::Link { number, hash });
        let said = store::NewLogLine {
            at: line.at.into(),
            actor: line.actor,
            role: line.role,
            door: line.door,
            action: line.action,
            panel: line.panel,
            slot: line.slot,
            subject: line.subject,
            result: line.result,
            text: line.text,
        };
        Self { seq: line.seq, id: line.id, line: said, link }
    }
}
