//! The bound of the outbox: what is dropped when it is full, and how that is told.

use panel_model::PanelId;
use rusqlite::Row;

use super::column::{Count, Json};
use super::outbox::{GapBody, Kind, Priority, Stored, stored_row};
use super::{StoreError, Tx, View};

/// Alarms are not in the list.
const DROPPED_FIRST: [Priority; 3] = [Priority::Log, Priority::State, Priority::Trouble];

/// What a row of the outbox takes on disk beside its text, with the event or log line that it stands for and its share
/// of the indexes (measured).
const ROW_BYTES: u64 = 100;

/// What the outbox holds, kept in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Rows among them that are gaps: they take no room, or making room would need room.
    gaps: u64,
    /// Rows put in since the store was opened.
    pub(super) added: u64,
}

/// A record to be put in.
pub(super) struct Record<'a> {
    pub(super) kind: Kind,
    /// Bytes of text that belong to it, the body not counted.
    pub(super) text: u64,
    pub(super) panel: Option<&'a PanelId>,
    pub(super) body: Option<String>,
}

impl View<'_> {
    pub(super) fn outbox_totals(&self) -> Result<Totals, StoreError> {
        let sql = "SELECT count(*), coalesce(sum(size), 0), count(*) FILTER (WHERE kind = ?1) FROM outbox";
        let count = |row: &Row<'_>, column| row.get::<_, Count>(column).map(|count| count.0);
        let totals = self.row(sql, [Kind::Gap as u8], |row| {
            Ok(Totals { rows: count(row, 0)?, bytes: count(row, 1)?, gaps: count(row, 2)?, added: 0 })
        })?;
        Ok(totals.unwrap_or_default())
    }
}

impl Tx<'_> {
    /// Puts a record in; when there is no room, the oldest of the least priority goes.
    pub(super) fn enqueue(&mut self, priority: Priority, seq: u64, record: Record<'_>) -> Result<(), StoreError> {
        let size = ROW_BYTES + record.text + record.body.as_ref().map_or(0, String::len) as u64;
        let sql = "INSERT INTO outbox (priority, seq, kind, size, panel, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let panel = record.panel.map(PanelId::as_str);
        self.execute(sql, (priority as u8, Count(seq), record.kind as u8, Count(size), panel, record.body))?;
        let totals = self.desk.outbox.get();
        self.desk.outbox.set(Totals {
            rows: totals.rows + 1,
            bytes: totals.bytes + size,
            added: totals.added + 1,
            ..totals
        });
        while self.is_too_full() && self.drop_one()? {}
        Ok(())
    }

    fn is_too_full(&self) -> bool {
        let totals = self.desk.outbox.get();
        totals.rows.saturating_sub(totals.gaps) > self.desk.options.outbox_max_rows
            || totals.bytes > self.desk.options.outbox_max_bytes
    }

    /// Drops the oldest record of the least priority and counts it in the gap in its place. The gap moves to the
    /// number of the record that it swallows: the acknowledgement of a smaller gap, which is on its way, does not
    /// delete a larger one. `false`: only alarms and gaps are left.
    fn drop_one(&mut self) -> Result<bool, StoreError> {
        for priority in DROPPED_FIRST {
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
            if victim.kind == Kind::Log {
                self.log_line_unsent(victim.seq)?;
            }
            self.insert_gap(priority, body)?;
            return Ok(true);
        }
        Ok(false)
    }

    fn insert_gap(&mut self, priority: Priority, gap: GapBody) -> Result<(), StoreError> {
        let sql = "INSERT INTO outbox (priority, seq, kind, size, body) VALUES (?1, ?2, ?3, ?4, ?5)";
        let key = (priority as u8, Count(gap.last), Kind::Gap as u8, 0, Json(gap));
        self.execute(sql, key)?;
        let totals = self.desk.outbox.get();
        self.desk.outbox.set(Totals { rows: totals.rows + 1, gaps: totals.gaps + 1, ..totals });
        Ok(())
    }

    fn remove(&mut self, row: &Stored) -> Result<(), StoreError> {
        let key = (row.priority as u8, Count(row.seq));
        self.execute("DELETE FROM outbox WHERE priority = ?1 AND seq = ?2", key)?;
        self.forget(row);
        Ok(())
    }

    /// Takes a row that is gone out of the totals.
    pub(super) fn forget(&mut self, row: &Stored) {
        let totals = self.desk.outbox.get();
        self.desk.outbox.set(Totals {
            rows: totals.rows.saturating_sub(1),
            bytes: totals.bytes.saturating_sub(row.size),
            gaps: totals.gaps.saturating_sub(u64::from(row.kind == Kind::Gap)),
            ..totals
        });
    }
}
