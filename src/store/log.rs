use panel_model::{PanelId, Slot, WallTime};
use rusqlite::Row;
use uuid::Uuid;

use super::chain::{ChainHash, Link};
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
    /// Through which door: `command_line`, `console`, `cloud`.
    pub door: String,
    /// What was asked for, by the action's stable name.
    pub action: String,
    /// At which panel.
    pub panel: Option<PanelId>,
    /// For which user.
    pub slot: Option<Slot>,
    /// What else it is about: a zone, a person, a role.
    pub subject: Option<String>,
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
    /// Its place in the chain (L2); none for lines from before there was one.
    pub link: Option<Link>,
}

/// Lines between two looks at whether there are too many.
const PRUNE_EVERY: u32 = 200;
/// Lines that the cloud never got stay this many times as long as others do.
const UNSENT_STAY: u64 = 4;

/// In `meta`: place of the newest line, sealed.
const HEAD: &str = "log_head";
/// In `meta`: place of the last line that was pruned, sealed.
const BASE: &str = "log_base";

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT seq, id, at, actor, role, door, action, panel, slot, subject, result, text, number, hash FROM log ",
            $rest
        )
    };
}

/// The ends of the chain as the box keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainEnds {
    /// Before the first line; the beginning where nothing was pruned.
    pub base: Link,
    /// The newest line.
    pub head: Link,
}

impl View<'_> {
    /// Log lines after the one with that number, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn log_lines(&self, after_seq: u64, limit: usize) -> Result<Vec<LogLine>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let after = i64::try_from(after_seq).unwrap_or(i64::MAX);
        self.rows(columns!("WHERE seq > ?1 ORDER BY seq LIMIT ?2"), (after, limit), log_row)
    }

    /// The newest log lines, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn newest_log_lines(&self, limit: usize) -> Result<Vec<LogLine>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.rows(columns!("ORDER BY seq DESC LIMIT ?1"), [limit], log_row)
    }

    /// One line by its number.
    pub(super) fn log_line(&self, seq: u64) -> Result<Option<LogLine>, StoreError> {
        self.row(columns!("WHERE seq = ?1"), [Count(seq)], log_row)
    }

    /// The ends of the chain, which nobody can make without the box's key.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when they were made by somebody else.
    pub fn log_ends(&self) -> Result<ChainEnds, StoreError> {
        let end = |name| Ok::<_, StoreError>(self.sealed_link(name)?.unwrap_or(Link::BEGINNING));
        Ok(ChainEnds { base: end(BASE)?, head: end(HEAD)? })
    }

    fn sealed_link(&self, name: &str) -> Result<Option<Link>, StoreError> {
        let sealed = self.row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get::<_, Vec<u8>>(0))?;
        let Some(sealed) = sealed else { return Ok(None) };
        let plain = self.desk.keys.open_field(&place(name), &sealed)?;
        let (number, hash) = plain.split_at_checked(8).ok_or_else(|| StoreError::Row(name.to_owned()))?;
        match (number.try_into(), hash.try_into()) {
            (Ok(number), Ok(hash)) => Ok(Some(Link { number: u64::from_be_bytes(number), hash: ChainHash(hash) })),
            _ => Err(StoreError::Row(name.to_owned())),
        }
    }

    /// The place that the next line follows. Should its seal be broken, lines go on being written, after the newest
    /// one that there is; the verification tells what happened.
    fn log_head(&self) -> Result<Link, StoreError> {
        match self.sealed_link(HEAD) {
            Ok(head) => Ok(head.unwrap_or(Link::BEGINNING)),
            Err(StoreError::Seal(error)) => {
                tracing::error!(%error, "the newest hash of the action log was not sealed by this box");
                let newest = self.row(columns!("WHERE number NOT NULL ORDER BY number DESC LIMIT 1"), [], log_row)?;
                Ok(newest.and_then(|line| line.link).unwrap_or(Link::BEGINNING))
            }
            Err(error) => Err(error),
        }
    }
}

impl Tx<'_> {
    /// Writes a line into the action log and the outbox; tells its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_log_line(&mut self, line: NewLogLine) -> Result<u64, StoreError> {
        let seq = self.take_seq();
        let line = LogLine { seq, id: id_at(line.at), line, link: None };
        let link = self.log_head()?.next(&line);
        self.insert_log_line(&line, link)?;
        self.seal_link(HEAD, link)?;
        let of = &line.line;
        let text = [of.text.as_ref(), of.subject.as_ref()].into_iter().flatten().map(String::len).sum::<usize>();
        let text = of.actor.len() + of.action.len() + text;
        let record = Record { kind: Kind::Log, text: text as u64, panel: None, body: None };
        self.enqueue(Priority::Log, seq, record)?;
        self.prune_log()?;
        Ok(seq)
    }

    fn insert_log_line(&mut self, line: &LogLine, link: Link) -> Result<(), StoreError> {
        let sql = "INSERT INTO log \
                   (seq, id, at, actor, role, door, action, panel, slot, subject, result, text, number, hash) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        let of = &line.line;
        self.execute(
            sql,
            (
                Count(line.seq),
                line.id.as_bytes(),
                of.at.0,
                &of.actor,
                &of.role,
                &of.door,
                &of.action,
                of.panel.as_ref().map(PanelId::as_str),
                of.slot.map(Number),
                &of.subject,
                &of.result,
                &of.text,
                Count(link.number),
                link.hash.0,
            ),
        )?;
        Ok(())
    }

    fn seal_link(&mut self, name: &str, link: Link) -> Result<(), StoreError> {
        let plain = [link.number.to_be_bytes().as_slice(), &link.hash.0].concat();
        let sealed = self.desk.keys.seal_field(&place(name), &plain)?;
        let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
        self.execute(sql, (name, sealed))?;
        Ok(())
    }

    /// The outbox was full, and the line had to leave it: the cloud will not get it.
    pub(super) fn log_line_unsent(&mut self, seq: u64) -> Result<(), StoreError> {
        self.execute("UPDATE log SET unsent = 1 WHERE seq = ?1", [Count(seq)])?;
        Ok(())
    }

    /// Deletes the oldest lines when there are too many. Only a beginning of the log goes, or the chain would have
    /// holes; and nothing that the cloud does not have (L3), unless far too much of that is there.
    fn prune_log(&mut self) -> Result<(), StoreError> {
        let wait = self.desk.log_pruning.get();
        if wait > 0 {
            self.desk.log_pruning.set(wait - 1);
            return Ok(());
        }
        self.desk.log_pruning.set(PRUNE_EVERY);
        let rows = u64::from(self.desk.options.log_rows);
        let Some(enough) = self.seq_of_row(rows)? else { return Ok(()) };
        let sql = "SELECT min(seq) FROM outbox WHERE priority = ?1 AND kind = ?2";
        let waiting = self.lowest(sql, (Priority::Log as u8, Kind::Log as u8))?;
        let unsent = self.lowest("SELECT min(seq) FROM log WHERE unsent = 1", ())?;
        let has_all_before = waiting.into_iter().chain(unsent).min().map_or(u64::MAX, |seq| seq - 1);
        let far_too_much = self.seq_of_row(rows.saturating_mul(UNSENT_STAY))?.unwrap_or(0);
        self.cut_log(enough.min(has_all_before).max(far_too_much))
    }

    fn cut_log(&mut self, up_to: u64) -> Result<(), StoreError> {
        let last = self.row(columns!("WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1"), [Count(up_to)], log_row)?;
        let Some(last) = last else { return Ok(()) };
        if let Some(link) = last.link {
            self.seal_link(BASE, link)?;
        }
        self.execute("DELETE FROM log WHERE seq <= ?1", [Count(up_to)])?;
        Ok(())
    }

    /// The seq of the line that has this many after it.
    fn seq_of_row(&self, rows: u64) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT seq FROM log ORDER BY seq DESC LIMIT 1 OFFSET ?1";
        Ok(self.row(sql, [Count(rows)], |row| row.get::<_, Count>(0))?.map(|seq| seq.0))
    }

    fn lowest(&self, sql: &str, params: impl rusqlite::Params) -> Result<Option<u64>, StoreError> {
        let lowest = self.row(sql, params, |row| row.get::<_, Option<Count>>(0))?.flatten();
        Ok(lowest.map(|seq| seq.0))
    }
}

/// The place of a sealed end in the database, as it is authenticated with it.
fn place(name: &str) -> String {
    format!("meta\0{name}")
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
        subject: row.get(9)?,
        result: row.get(10)?,
        text: row.get(11)?,
    };
    let number = row.get::<_, Option<Count>>(12)?.map(|number| number.0);
    let hash = row.get::<_, Option<[u8; 32]>>(13)?.map(ChainHash);
    let link = number.zip(hash).map(|(number, hash)| Link { number, hash });
    Ok(LogLine { seq: row.get::<_, Count>(0)?.0, id: Uuid::from_bytes(row.get(1)?), line, link })
}
