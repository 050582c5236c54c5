use panel_model::{PanelId, Slot, WallTime};
use rusqlite::Row;
use uuid::Uuid;

use super::column::{Count, Id, Number};
use super::events::id_at;
use super::outbox::{Kind, Priority};
use super::room::Record;
use super::{StoreError, Tx, View};

/// A line of the action log, before it has its number. No field may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLogLine {
    /// When, by the box's clock.
    pub at: WallTime,
    /// Who, by name.
    pub actor: String,
    /// In which role.
    pub role: String,
    /// Through which door: `cli`, `console`, `cloud`.
    pub door: String,
    /// What was asked for, by the action's stable name.
    pub action: String,
    /// At which panel.
    pub panel: Option<PanelId>,
    /// For which user.
    pub slot: Option<Slot>,
    /// How it ended: `accepted`, `applied`, `changed` and so on, or a refusal's code.
    pub result: String,
    /// More for people.
    pub text: Option<String>,
}

/// A line of the action log as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its place in the order in which the box saw things; rises, with gaps.
    pub seq: u64,
    /// Its name for ever (UUID version 7).
    pub id: Uuid,
    /// What it says.
    pub line: NewLogLine,
}

/// Lines between two looks at whether there are too many.
const PRUNE_EVERY: u32 = 200;

impl View<'_> {
    /// Log lines after the one with that number, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn log_lines(&self, after_seq: u64, limit: usize) -> Result<Vec<LogLine>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = "SELECT seq, id, at, actor, role, door, action, panel, slot, result, text \
                   FROM log WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        self.rows(sql, (i64::try_from(after_seq).unwrap_or(i64::MAX), limit), log_row)
    }

    /// The newest log lines, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn newest_log_lines(&self, limit: usize) -> Result<Vec<LogLine>, StoreError> {
        let sql = "SELECT seq, id, at, actor, role, door, action, panel, slot, result, text \
                   FROM log ORDER BY seq DESC LIMIT ?1";
        self.rows(sql, [i64::try_from(limit).unwrap_or(i64::MAX)], log_row)
    }

    /// One line by its number.
    pub(super) fn log_line(&self, seq: u64) -> Result<Option<LogLine>, StoreError> {
        let sql = "SELECT seq, id, at, actor, role, door, action, panel, slot, result, text FROM log WHERE seq = ?1";
        self.row(sql, [Count(seq)], log_row)
    }
}

impl Tx<'_> {
    /// Writes a line into the action log and the outbox; tells its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_log_line(&mut self, line: NewLogLine) -> Result<u64, StoreError> {
        let seq = self.take_seq();
        let sql = "INSERT INTO log (seq, id, at, actor, role, door, action, panel, slot, result, text) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        self.execute(
            sql,
            (
                Count(seq),
                id_at(line.at).as_bytes(),
                line.at.0,
                &line.actor,
                &line.role,
                &line.door,
                &line.action,
                line.panel.as_ref().map(PanelId::as_str),
                line.slot.map(Number),
                &line.result,
                &line.text,
            ),
        )?;
        let text = line.actor.len() + line.action.len() + line.text.as_ref().map_or(0, String::len);
        let record = Record { kind: Kind::Log, text: text as u64, panel: None, body: None };
        self.enqueue(Priority::Log, seq, record)?;
        self.prune_log()?;
        Ok(seq)
    }

    /// Deletes the oldest lines when there are too many, but for those that the cloud still has to get.
    fn prune_log(&mut self) -> Result<(), StoreError> {
        let wait = self.desk.log_pruning.get();
        if wait > 0 {
            self.desk.log_pruning.set(wait - 1);
            return Ok(());
        }
        self.desk.log_pruning.set(PRUNE_EVERY);
        let sql = "DELETE FROM log WHERE seq <= (SELECT seq FROM log ORDER BY seq DESC LIMIT 1 OFFSET ?1) \
                   AND NOT EXISTS (SELECT 1 FROM outbox WHERE priority = ?2 AND outbox.seq = log.seq)";
        self.execute(sql, (self.desk.options.log_rows, Priority::Log as u8))?;
        Ok(())
    }
}

fn log_row(row: &Row<'_>) -> rusqlite::Result<LogLine> {
    let line = NewLogLine {
        at: WallTime(row.get(2)?),
        actor: row.get(3)?,
        role: row.get(4)?,
        door: row.get(5)?,
        action: row.get(6)?,
        panel: row.get::<_, Option<Id>>(7)?.map(|id| id.0),
        slot: row.get::<_, Option<Number<_>>>(8)?.map(|n| n.0),
        result: row.get(9)?,
        text: row.get(10)?,
    };
    Ok(LogLine { seq: row.get::<_, Count>(0)?.0, id: Uuid::from_bytes(row.get(1)?), line })
}
