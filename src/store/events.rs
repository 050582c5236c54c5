use panel_model::{EventClass, EventKind, Origin, PanelEvent, PanelId, Trouble, WallTime};
use rusqlite::{OptionalExtension, Row};
use uuid::Uuid;

use super::column::{Count, Id, Json, Number, Word};
use super::outbox::{Kind, Priority};
use super::room::Record;
use super::{StoreError, Tx, View};

/// Something that happened, before it has its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Where.
    pub panel: PanelId,
    /// When, by the box's clock.
    pub at: WallTime,
    /// What.
    pub event: PanelEvent,
}

/// Something that happened, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the order in which the box saw things; rises, with gaps.
    pub seq: u64,
    /// Its name for ever (UUID version 7): the same however often it is sent.
    pub id: Uuid,
    /// Where.
    pub panel: PanelId,
    /// When, by the box's clock.
    pub at: WallTime,
    /// What.
    pub event: PanelEvent,
}

/// Which events to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    /// Of this panel only.
    pub panel: Option<PanelId>,
    /// Only events after this one.
    pub after_seq: Option<u64>,
    /// Only events before this one.
    pub before_seq: Option<u64>,
    /// At most so many.
    pub limit: usize,
    /// The newest first; else the oldest first.
    pub newest_first: bool,
}

impl Default for EventQuery {
    /// The newest hundred of all panels.
    fn default() -> Self {
        Self { panel: None, after_seq: None, before_seq: None, limit: 100, newest_first: true }
    }
}

/// An event's columns, in the order that [`event_row`] reads them.
macro_rules! columns {
    () => {
        "seq, id, panel, at, kind, replay, partition, zone, slot, lock, output, mode, trouble, text"
    };
}

/// How far the pruning of a panel's history has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pruning {
    /// Events until the next look.
    wait: u32,
    /// Events up to here were looked at in this round.
    looked: u64,
}

/// Events that are looked at in one go for each that came since: more than one, to catch up, and no more than a commit
/// can wait for.
const PRUNE_RATIO: u32 = 5;

impl View<'_> {
    /// Events, in the order that the query asks for.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn events(&self, query: &EventQuery) -> Result<Vec<StoredEvent>, StoreError> {
        let sql = match (&query.panel, query.newest_first) {
            (None, true) => {
                concat!("SELECT ", columns!(), " FROM event WHERE seq > ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3")
            }
            (None, false) => {
                concat!("SELECT ", columns!(), " FROM event WHERE seq > ?1 AND seq < ?2 ORDER BY seq LIMIT ?3")
            }
            (Some(_), true) => concat!(
                "SELECT ",
                columns!(),
                " FROM event WHERE panel = ?4 AND seq > ?1 AND seq < ?2 \
                 ORDER BY seq DESC LIMIT ?3"
            ),
            (Some(_), false) => concat!(
                "SELECT ",
                columns!(),
                " FROM event WHERE panel = ?4 AND seq > ?1 AND seq < ?2 ORDER BY seq LIMIT ?3"
            ),
        };
        let after = clamped(query.after_seq.unwrap_or(0));
        let before = clamped(query.before_seq.unwrap_or(u64::MAX));
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        match &query.panel {
            None => self.rows(sql, (after, before, limit), event_row),
            Some(panel) => self.rows(sql, (after, before, limit, panel.as_str()), event_row),
        }
    }

    /// Which of these kinds a panel's newest event is of that is of any of them. Looks at its last 200 events.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last_of(&self, panel: &PanelId, kinds: &[EventKind]) -> Result<Option<EventKind>, StoreError> {
        let sql = "SELECT kind FROM event WHERE panel = ?1 ORDER BY seq DESC LIMIT 200";
        let newest = self.rows(sql, [panel.as_str()], |row| Ok(row.get::<_, Word<EventKind>>(0)?.0))?;
        Ok(newest.into_iter().find(|kind| kinds.contains(kind)))
    }

    /// One event by its number.
    pub(super) fn event(&self, seq: u64) -> Result<Option<StoredEvent>, StoreError> {
        let sql = concat!("SELECT ", columns!(), " FROM event WHERE seq = ?1");
        Ok(self.conn.prepare_cached(sql)?.query_row([Count(seq)], event_row).optional()?)
    }
}

impl Tx<'_> {
    /// Records an event: into the history and, unless it is a level, into the outbox.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_event(&mut self, new: NewEvent) -> Result<StoredEvent, StoreError> {
        self.walk(&new)?;
        let NewEvent { panel, at, event } = new;
        let stored = StoredEvent { seq: self.take_seq(), id: id_at(at), panel, at, event };
        self.insert_event(&stored)?;
        let class = stored.event.kind.class();
        if let Some(priority) = Priority::of(class) {
            let text = stored.event.text.as_ref().map_or(0, String::len) as u64;
            self.enqueue(priority, stored.seq, Record { kind: Kind::Event, text, panel: None, body: None })?;
        }
        if class != EventClass::Alarm {
            self.prune_events(&stored.panel)?;
        }
        Ok(stored)
    }

    fn insert_event(&mut self, stored: &StoredEvent) -> Result<(), StoreError> {
        let sql = concat!(
            "INSERT INTO event (",
            columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
        );
        let event = &stored.event;
        self.execute(
            sql,
            (
                Count(stored.seq),
                stored.id.as_bytes(),
                stored.panel.as_str(),
                stored.at.0,
                event.kind.name(),
                event.origin == Origin::Replay,
                event.partition.map(Number),
                event.zone.map(Number),
                event.slot.map(Number),
                event.lock.map(Number),
                event.output,
                event.mode.map(Word),
                event.trouble.map(Json),
                event.text.as_deref(),
            ),
        )?;
        Ok(())
    }

    /// Deletes a panel's oldest events when there are far too many, but for those that the cloud still has to get.
    /// Looks now and then, and at a part of them at a time; the next part comes the next time.
    fn prune_events(&mut self, panel: &PanelId) -> Result<(), StoreError> {
        let history = self.desk.options.history_rows;
        let wait = (history / 10).clamp(10, 1_000);
        let mut state = self.desk.pruning.borrow().get(panel).copied().unwrap_or_default();
        if state.wait > 0 {
            state.wait -= 1;
            self.desk.pruning.borrow_mut().insert(panel.clone(), state);
            return Ok(());
        }
        let newest = "SELECT seq FROM event WHERE panel = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2";
        let last = self.row(newest, (panel.as_str(), history), |row| row.get::<_, Count>(0))?;
        let mut looked = 0;
        if let Some(last) = last {
            let part = "SELECT max(seq) FROM (SELECT seq FROM event WHERE panel = ?1 AND seq > ?2 AND seq <= ?3 \
                        ORDER BY seq LIMIT ?4)";
            let key = (panel.as_str(), Count(state.looked), last, wait * PRUNE_RATIO);
            let until = self.row(part, key, |row| row.get::<_, Option<Count>>(0))?.flatten();
            if let Some(until) = until {
                let delete = "DELETE FROM event WHERE panel = ?1 AND seq > ?2 AND seq <= ?3 AND NOT EXISTS \
                              (SELECT 1 FROM outbox WHERE priority IN (0, 1, 2, 3) AND outbox.seq = event.seq)";
                self.execute(delete, (panel.as_str(), Count(state.looked), until))?;
                looked = if until.0 < last.0 { until.0 } else { 0 };
            }
        }
        let state = Pruning { wait, looked };
        self.desk.pruning.borrow_mut().insert(panel.clone(), state);
        Ok(())
    }
}

/// A new identifier whose order follows the box's clock.
pub(super) fn id_at(at: WallTime) -> Uuid {
    let millis = u64::try_from(at.0).unwrap_or(0);
    let nanos = u32::try_from(millis % 1_000).unwrap_or(0) * 1_000_000;
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, millis / 1_000, nanos))
}

fn clamped(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn event_row(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    let event = PanelEvent {
        kind: row.get::<_, Word<_>>(4)?.0,
        origin: if row.get(5)? { Origin::Replay } else { Origin::Live },
        partition: row.get::<_, Option<Number<_>>>(6)?.map(|n| n.0),
        zone: row.get::<_, Option<Number<_>>>(7)?.map(|n| n.0),
        slot: row.get::<_, Option<Number<_>>>(8)?.map(|n| n.0),
        lock: row.get::<_, Option<Number<_>>>(9)?.map(|n| n.0),
        output: row.get(10)?,
        mode: row.get::<_, Option<Word<_>>>(11)?.map(|word| word.0),
        trouble: row.get::<_, Option<Json<Trouble>>>(12)?.map(|json| json.0),
        text: row.get(13)?,
    };
    Ok(StoredEvent {
        seq: row.get::<_, Count>(0)?.0,
        id: Uuid::from_bytes(row.get(1)?),
        panel: row.get::<_, Id>(2)?.0,
        at: WallTime(row.get(3)?),
        event,
    })
}
