//! What the cloud has to get and has not acknowledged: in order, bounded, alarms first and never dropped.

use std::collections::BTreeSet;

use panel_model::{EventClass, PanelId, WallTime};
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use serde::{Deserialize, Serialize};

use super::column::{Count, Id, Json};
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
    const DROPPED_FIRST: [Self; 3] = [Self::Log, Self::State, Self::Trouble];

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

/// What a row of the outbox takes on disk beside its text, with the event or log line that it stands for and its share
/// of the indexes (measured).
const ROW_BYTES: u64 = 150;

/// What the outbox holds, kept in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Rows put in since the store was opened.
    pub(super) added: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Event = 0,
    Log = 1,
    Delta = 2,
    Gap = 3,
}

impl FromSql for Kind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self::Event),
            1 => Ok(Self::Log),
            2 => Ok(Self::Delta),
            3 => Ok(Self::Gap),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

/// A record to be put in.
pub(super) struct Record<'a> {
    pub(super) kind: Kind,
    /// Bytes of text that belong to it, the body not counted.
    pub(super) text: u64,
    pub(super) panel: Option<&'a PanelId>,
    pub(super) body: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct DeltaBody {
    from: u64,
    to: u64,
    json: serde_json::Value,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct GapBody {
    count: u64,
    first: u64,
    last: u64,
}

/// A row as it stands.
struct Stored {
    priority: Priority,
    seq: u64,
    kind: Kind,
    size: u64,
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

    pub(super) fn outbox_totals(&self) -> Result<Totals, StoreError> {
        let sql = "SELECT count(*), coalesce(sum(size), 0) FROM outbox";
        let totals = self.row(sql, [], |row| {
            Ok(Totals { rows: row.get::<_, Count>(0)?.0, bytes: row.get::<_, Count>(1)?.0, added: 0 })
        })?;
        Ok(totals.unwrap_or_default())
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
            Kind::Gap => {
                let gap = self.gap(row.priority, row.seq)?;
                Ok(gap.map(|GapBody { count, first, last }| OutboxRecord::Gap { count, first, last }))
            }
        }
    }

    fn gap(&self, priority: Priority, seq: u64) -> Result<Option<GapBody>, StoreError> {
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
            let sql = "DELETE FROM outbox WHERE priority IN (0, 1, 2, 3) AND seq = ?1 \
                       RETURNING priority, seq, kind, size";
            for row in self.rows(sql, [Count(*seq)], stored_row)? {
                self.subtract(row.size);
                if matches!(row.kind, Kind::Delta | Kind::Gap) {
                    floor = floor.max(row.seq);
                }
            }
        }
        self.keep_floor(floor)
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

    /// Puts a record in; when there is no room, the oldest of the least priority goes.
    pub(super) fn enqueue(&mut self, priority: Priority, seq: u64, record: Record<'_>) -> Result<(), StoreError> {
        let size = ROW_BYTES + record.text + record.body.as_ref().map_or(0, String::len) as u64;
        let sql = "INSERT INTO outbox (priority, seq, kind, size, panel, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let panel = record.panel.map(PanelId::as_str);
        self.execute(sql, (priority as u8, Count(seq), record.kind as u8, Count(size), panel, record.body))?;
        let totals = self.desk.outbox.get();
        self.desk.outbox.set(Totals { rows: totals.rows + 1, bytes: totals.bytes + size, added: totals.added + 1 });
        while self.is_too_full() && self.drop_one()? {}
        Ok(())
    }

    fn is_too_full(&self) -> bool {
        let totals = self.desk.outbox.get();
        totals.rows > self.desk.options.outbox_max_rows || totals.bytes > self.desk.options.outbox_max_bytes
    }

    /// Drops the oldest record of the least priority and counts it in the gap in its place. The gap moves to the
    /// number of the record that it swallows: the acknowledgement of a smaller gap, which is on its way, does not
    /// delete a larger one. `false`: only alarms and gaps are left.
    fn drop_one(&mut self) -> Result<bool, StoreError> {
        for priority in Priority::DROPPED_FIRST {
            let sql = "SELECT priority, seq, kind, size FROM outbox WHERE priority = ?1 ORDER BY seq LIMIT 2";
            let mut oldest = self.rows(sql, [priority as u8], stored_row)?.into_iter().peekable();
            let gap = oldest.next_if(|row| row.kind == Kind::Gap);
            let Some(victim) = oldest.next() else { continue };
            let mut body = GapBody { count: 1, first: victim.seq, last: victim.seq };
            if let Some(gap) = gap {
                if let Ok(Some(before)) = self.gap(priority, gap.seq) {
                    body.count += before.count;
                    body.first = before.first;
                }
                self.remove(&gap)?;
            }
            self.remove(&victim)?;
            self.insert_gap(priority, body)?;
            return Ok(true);
        }
        Ok(false)
    }

    fn insert_gap(&mut self, priority: Priority, gap: GapBody) -> Result<(), StoreError> {
        let sql = "INSERT INTO outbox (priority, seq, kind, size, body) VALUES (?1, ?2, ?3, ?4, ?5)";
        let key = (priority as u8, Count(gap.last), Kind::Gap as u8, Count(ROW_BYTES), Json(gap));
        self.execute(sql, key)?;
        let totals = self.desk.outbox.get();
        self.desk.outbox.set(Totals { rows: totals.rows + 1, bytes: totals.bytes + ROW_BYTES, ..totals });
        Ok(())
    }

    fn remove(&mut self, row: &Stored) -> Result<(), StoreError> {
        let key = (row.priority as u8, Count(row.seq));
        self.execute("DELETE FROM outbox WHERE priority = ?1 AND seq = ?2", key)?;
        self.subtract(row.size);
        Ok(())
    }

    fn subtract(&mut self, size: u64) {
        let totals = self.desk.outbox.get();
        self.desk.outbox.set(Totals {
            rows: totals.rows.saturating_sub(1),
            bytes: totals.bytes.saturating_sub(size),
            ..totals
        });
    }
}

fn stored_row(row: &Row<'_>) -> rusqlite::Result<Stored> {
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
