use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use panel_model::PanelId;
use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::column::Count;
use super::events::Pruning;
use super::room::Totals;
use super::schema::Base;
use super::{StoreError, StoreOptions};
use crate::secrets::Keys;

/// What the store's thread knows beside the connection.
pub(super) struct Desk {
    pub(super) keys: Arc<Keys>,
    pub(super) options: StoreOptions,
    /// The next number of the one sequence. Numbers of work that was rolled back are not used again.
    next_seq: Cell<u64>,
    /// What the outbox holds. Put back to what it was when work is rolled back.
    pub(super) outbox: Cell<Totals>,
    pub(super) pruning: RefCell<BTreeMap<PanelId, Pruning>>,
    pub(super) log_pruning: Cell<u32>,
}

impl Desk {
    pub(super) fn new(base: &Base, keys: Arc<Keys>, options: &StoreOptions) -> Result<Self, StoreError> {
        let desk = Self {
            keys,
            options: options.clone(),
            next_seq: Cell::new(1),
            outbox: Cell::default(),
            pruning: RefCell::default(),
            log_pruning: Cell::new(0),
        };
        let view = View { conn: &base.conn, desk: &desk };
        let (last, totals) = (view.last_seq()?, view.outbox_totals()?);
        desk.next_seq.set(last + 1);
        desk.outbox.set(totals);
        Ok(desk)
    }
}

/// The database as it is: what can be read.
pub struct View<'a> {
    pub(super) conn: &'a Connection,
    pub(super) desk: &'a Desk,
}

/// A piece of work in a transaction: what can be written, and everything that can be read.
pub struct Tx<'a>(View<'a>);

impl<'a> Tx<'a> {
    pub(super) fn new(conn: &'a Connection, desk: &'a Desk) -> Self {
        Self(View { conn, desk })
    }
}

impl<'a> Deref for Tx<'a> {
    type Target = View<'a>;

    fn deref(&self) -> &View<'a> {
        &self.0
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tx")
    }
}

impl View<'_> {
    /// All rows of a query. A row that cannot be read (damaged, or with a word of a newer version) is logged and passed
    /// over: it does not cost a panel its other rows.
    pub(super) fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            match map(row).map_err(StoreError::from) {
                Ok(value) => all.push(value),
                Err(StoreError::Row(what)) => tracing::error!(what, "a row that cannot be read is passed over"),
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// The first row of a query, if there is one.
    pub(super) fn row<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.conn.prepare_cached(sql)?.query_row(params, map).optional()?)
    }
}

impl Tx<'_> {
    /// Runs a statement that returns no rows; tells how many rows it changed.
    pub(super) fn execute(&mut self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        // After some errors there is no transaction any more. Who goes on all the same must not write outside of one.
        if self.conn.is_autocommit() {
            return Err(StoreError::Internal);
        }
        Ok(self.conn.prepare_cached(sql)?.execute(params)?)
    }

    /// The same for rows with sealed values: what it replaces or deletes is overwritten in the file, pages that
    /// become free too.
    pub(super) fn execute_scrubbed(&mut self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        self.row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
        let changed = self.execute(sql, params);
        self.row("PRAGMA secure_delete = FAST", [], |_| Ok(()))?;
        changed
    }

    /// Takes the next number of the sequence.
    pub(super) fn take_seq(&mut self) -> u64 {
        let seq = self.desk.next_seq.get();
        self.desk.next_seq.set(seq + 1);
        seq
    }

    pub(super) fn put_meta(&mut self, name: &str, value: u64) -> Result<(), StoreError> {
        let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
        self.execute(sql, (name, Count(value)))?;
        Ok(())
    }
}

impl View<'_> {
    pub(super) fn meta(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let value = self.row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get::<_, Count>(0))?;
        Ok(value.map(|count| count.0))
    }

    /// The highest number that was given to anything that may still be known outside.
    fn last_seq(&self) -> Result<u64, StoreError> {
        let sql = "SELECT max(coalesce((SELECT max(seq) FROM event), 0), coalesce((SELECT max(seq) FROM log), 0), \
                   coalesce((SELECT max(seq) FROM outbox), 0))";
        let last = self.row(sql, [], |row| row.get::<_, Count>(0))?.map_or(0, |count| count.0);
        Ok(last.max(self.meta(super::outbox::SEQ_FLOOR)?.unwrap_or(0)))
    }
}
