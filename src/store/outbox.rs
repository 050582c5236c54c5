//! What the cloud has to get and has not acknowledged: in order, bounded, alarms first and never dropped.

use std::collections::BTreeSet;

use panel_model::{EventClass, PanelId, Password, WallTime};
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::column::{Count, Id, Json};
use super::requests::{ReplyTo, ResponseBody, response_row};
use super::room::{Record, Totals};
use super::{LogLine, StoreError, StoredEvent, Tx, View};

/// Which record goes to the cloud first, and which is dropped last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Never dropped.
    Alarm = 0,
    /// Troubles and restores.
    Trouble = 1,
    /// Arming, zones, deltas.
    State = 2,
    /// Action log lines and diagnostics.
    Log = 3,
}

impl Priority {
    /// The priority of an event's class; `None` for levels, which are state and not sent as events.
    #[must_use]
    pub fn of(class: EventClass) -> Option<Self> {
        match class {
            EventClass::Alarm => Some(Self::Alarm),
            EventClass::Trouble => Some(Self::Trouble),
            EventClass::Access | EventClass::Zone => Some(Self::State),
            EventClass::Diagnostic => Some(Self::Log),
            EventClass::Level => None,
        }
    }
}

impl FromSql for Priority {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self::Alarm),
            1 => Ok(Self::Trouble),
            2 => Ok(Self::State),
            3 => Ok(Self::Log),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

/// The number of a record in the outbox; for events and log lines it is their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboxSeq(pub u64);

/// One record that the cloud has to get.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxItem {
    /// What to acknowledge it by.
    pub seq: OutboxSeq,
    /// Its priority.
    pub priority: Priority,
    /// What it says.
    pub record: OutboxRecord,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
pub enum OutboxRecord {
    /// Something happened.
    Event(StoredEvent),
    /// Somebody did something.
    Log(LogLine),
    /// Reported users changed from one version to the next.
    Delta {
        /// Of which panel.
        panel: PanelId,
        /// The version before.
        from: u64,
        /// The version after.
        to: u64,
        /// What changed, as it goes to the cloud.
        json: serde_json::Value,
    },
    /// The answer to a request.
    Response {
        /// Of the request.
        id: Uuid,
        /// Where it goes.
        reply: ReplyTo,
        /// JSON. It may hold a secret that is shown once.
        answer: Password,
    },
    /// Records that were dropped because there was no room, or that cannot be read any more.
    Gap {
        /// How many.
        count: u64,
        /// Number of the first one.
        first: u64,
        /// Number of the last one. A gap that grew while it was on its way comes again with the same `first`.
        last: u64,
    },
}

/// How full the outbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxStats {
    /// Records.
    pub depth: u64,
    /// Bytes that they take, roughly.
    pub bytes: u64,
    /// Time of the oldest event or log line among them.
    pub oldest: Option<WallTime>,
}

/// Below this number every number was given away, also when no row is left to show it.
pub(super) const SEQ_FLOOR: &str = "seq_floor";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Event = 0,
    Log = 1,
    Delta = 2,
    Gap = 3,
    Response = 4,
}

impl FromSql for Kind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self::Event),
            1 => Ok(Self::Log),
            2 => Ok(Self::Delta),
            3 => Ok(Self::Gap),
            4 => Ok(Self::Response),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct DeltaBody {
    from: u64,
    to: u64,
    json: serde_json::Value,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct GapBody {
    pub(super) count: u64,
    pub(super) first: u64,
    pub(super) last: u64,
}

/// A row as it stands.
pub(super) struct Stored {
    pub(super) priority: Priority,
    pub(super) seq: u64,
    pub(super) kind: Kind,
    pub(super) size: u64,
}

impl View<'_> {
    /// The next records for the cloud, by priority and then by age, without those that are on their way already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn outbox_next(&self, limit: usize, in_flight: &BTreeSet<OutboxSeq>) -> Result<Vec<OutboxItem>, StoreError> {
        let sql = "SELECT priority, seq, kind, size FROM outbox ORDER BY priority, seq LIMIT ?1";
        let looked_at = i64::try_from(limit.saturating_add(in_flight.len())).unwrap_or(i64::MAX);
        let rows = self.rows(sql, [looked_at], stored_row)?;
        let waiting = rows.into_iter().filter(|row| !in_flight.contains(&OutboxSeq(row.seq)));
        waiting.take(limit).map(|row| self.item(&row)).collect()
    }

    /// How full the outbox is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn outbox_stats(&self) -> Result<OutboxStats, StoreError> {
        let Totals { rows, bytes, .. } = self.desk.outbox.get();
        let mut oldest: Option<WallTime> = None;
        for priority in [Priority::Alarm, Priority::Trouble, Priority::State, Priority::Log] {
            let sql = "SELECT coalesce(event.at, log.at) FROM outbox \
                       LEFT JOIN event USING (seq) LEFT JOIN log USING (seq) \
                       WHERE outbox.priority = ?1 AND outbox.kind < 2 ORDER BY outbox.seq LIMIT 1";
            let at = self.row(sql, [priority as u8], |row| row.get::<_, Option<i64>>(0))?.flatten();
            oldest = match (oldest, at.map(WallTime)) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        Ok(OutboxStats { depth: rows, bytes, oldest })
    }

    /// A row whose content cannot be read (damaged, or written by another version) is told as a gap of one: it must
    /// not stand in the way of the others for ever.
    fn item(&self, row: &Stored) -> Result<OutboxItem, StoreError> {
        let record = match self.record(row) {
            Ok(Some(record)) => record,
            Ok(None) | Err(StoreError::Row(_)) => {
                tracing::error!(seq = row.seq, "a record for the cloud cannot be read; it is told as a gap");
                OutboxRecord::Gap { count: 1, first: row.seq, last: row.seq }
            }
            Err(error) => return Err(error),
        };
        Ok(OutboxItem { seq: OutboxSeq(row.seq), priority: row.priority, record })
    }

    fn record(&self, row: &Stored) -> Result<Option<OutboxRecord>, StoreError> {
        let key = (row.priority as u8, Count(row.seq));
        match row.kind {
            Kind::Event => Ok(self.event(row.seq)?.map(OutboxRecord::Event)),
            Kind::Log => Ok(self.log_line(row.seq)?.map(OutboxRecord::Log)),
            Kind::Delta => self.row("SELECT panel, body FROM outbox WHERE priority = ?1 AND seq = ?2", key, |row| {
                let DeltaBody { from, to, json } = row.get::<_, Json<_>>(1)?.0;
                Ok(OutboxRecord::Delta { panel: row.get::<_, Id>(0)?.0, from, to, json })
            }),
            Kind::Response => {
                let sql = "SELECT body FROM outbox WHERE priority = ?1 AND seq = ?2";
                let Some(ResponseBody { id, reply }) = self.row(sql, key, response_row)? else { return Ok(None) };
                let answer = match self.request_answer(id) {
                    Err(StoreError::Seal(_)) => None,
                    answer => answer?,
                };
                Ok(answer.map(|answer| OutboxRecord::Response { id, reply, answer }))
            }
            Kind::Gap => {
                let gap = self.gap(row.priority, row.seq)?;
                Ok(gap.map(|GapBody { count, first, last }| OutboxRecord::Gap { count, first, last }))
            }
        }
    }

    pub(super) fn gap(&self, priority: Priority, seq: u64) -> Result<Option<GapBody>, StoreError> {
        let sql = "SELECT body FROM outbox WHERE priority = ?1 AND seq = ?2";
        self.row(sql, (priority as u8, Count(seq)), |row| Ok(row.get::<_, Json<GapBody>>(0)?.0))
    }
}

impl Tx<'_> {
    /// Puts a change of a panel's reported users on its way to the cloud. `json` may hold no secret.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn push_delta(
        &mut self,
        panel: &PanelId,
        from: u64,
        to: u64,
        json: serde_json::Value,
    ) -> Result<OutboxSeq, StoreError> {
        let seq = self.take_seq();
        let body = to_json(&DeltaBody { from, to, json })?;
        let record = Record { kind: Kind::Delta, text: 0, panel: Some(panel), body: Some(body) };
        self.enqueue(Priority::State, seq, record)?;
        Ok(OutboxSeq(seq))
    }

    /// Takes records out that the broker has acknowledged. Numbers that are not there any more are passed over.
    ///
    /// Not urgent: an acknowledgement that a power cut undoes only means that the record is sent once more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn outbox_ack(&mut self, acknowledged: &[OutboxSeq]) -> Result<(), StoreError> {
        let mut floor = 0;
        for OutboxSeq(seq) in acknowledged {
            let Some(row) = self.take_out(*seq)? else { continue };
            self.forget(&row);
            if matches!(row.kind, Kind::Delta | Kind::Gap | Kind::Response) {
                floor = floor.max(row.seq);
            }
        }
        self.keep_floor(floor)
    }

    /// Deletes the record with that number, whatever its priority; the most frequent is looked at first.
    fn take_out(&mut self, seq: u64) -> Result<Option<Stored>, StoreError> {
        for priority in [Priority::State, Priority::Alarm, Priority::Trouble, Priority::Log] {
            let key = (priority as u8, Count(seq));
            let sql = "SELECT priority, seq, kind, size FROM outbox WHERE priority = ?1 AND seq = ?2";
            if let Some(row) = self.row(sql, key, stored_row)? {
                self.execute("DELETE FROM outbox WHERE priority = ?1 AND seq = ?2", key)?;
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// Events and log lines keep their numbers in the history; of the others this is all that is left.
    fn keep_floor(&mut self, floor: u64) -> Result<(), StoreError> {
        if floor == 0 {
            return Ok(());
        }
        let newest = self.row("SELECT max(seq) FROM event", [], |row| row.get::<_, Option<Count>>(0))?.flatten();
        if floor > newest.map_or(0, |seq| seq.0) {
            self.put_meta(SEQ_FLOOR, floor)?;
        }
        Ok(())
    }
}

pub(super) fn stored_row(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        priority: row.get(0)?,
        seq: row.get::<_, Count>(1)?.0,
        kind: row.get(2)?,
        size: row.get::<_, Count>(3)?.0,
    })
}

fn to_json(body: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(body).map_err(|error| StoreError::Row(error.to_string()))
}
