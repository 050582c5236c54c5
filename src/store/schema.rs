use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension};
use rusqlite_migration::{M, Migrations};

use super::column::Count;
use super::{StoreError, StoreOptions};
use crate::secrets::{Keys, SealError};

/// One file per released schema; a released file is never changed.
const MIGRATIONS: &[M<'_>] = &[
    M::up(include_str!("migrations/0001_first.sql")),
    M::up(include_str!("migrations/0002_tag.sql")),
    M::up(include_str!("migrations/0003_access.sql")),
    M::up(include_str!("migrations/0004_roles.sql")),
    M::up(include_str!("migrations/0005_people.sql")),
    M::up(include_str!("migrations/0006_requests.sql")),
    M::up(include_str!("migrations/0007_log_chain.sql")),
    M::up(include_str!("migrations/0008_register.sql")),
];

/// The schema that this program writes.
pub(super) fn newest() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

const CANARY: &str = "meta\0canary";

/// An open database of the newest schema, sealed with our key.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) conn: Connection,
    /// How often it was opened, this time included.
    pub(super) boots: u64,
}

/// How thoroughly a database is looked at before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Structure of all pages.
    Quick,
    /// Indexes against tables too: after an error while it was in use.
    Full,
}

/// Opens or makes the database at `path`.
pub(super) fn open(path: &Path, options: &StoreOptions, keys: &Keys, check: Check) -> Result<Base, StoreError> {
    let mut conn = connect(path, options)?;
    refuse_newer(&conn, path)?;
    look_through(&conn, check)?;
    refuse_wrong_key(&conn, keys, path)?;
    Migrations::from_slice(MIGRATIONS).to_latest(&mut conn).map_err(migration_error)?;
    let boots = begin_boot(&mut conn, keys)?;
    give_back(&conn)?;
    Ok(Base { conn, boots })
}

#[allow(clippy::disallowed_methods, reason = "here the store's thread gets the only connection")]
fn connect(path: &Path, options: &StoreOptions) -> Result<Connection, StoreError> {
    // SQLite would make the file readable for everybody; the files beside it inherit its mode.
    let mut make = OpenOptions::new();
    make.write(true).create(true).truncate(false).mode(0o600).open(path).map_err(|e| StoreError::io(path, e))?;
    let conn = Connection::open(path)?;
    conn.set_prepared_statement_cache_capacity(64);
    conn.busy_timeout(std::time::Duration::ZERO)?;
    // Locked for good before anything is read: the index of the log then lives in our memory, not in a shared file.
    conn.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
    let pages: u32 = conn.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    if pages == 0 {
        // Small pages, because a commit touches few rows of many tables: it writes half of what it does at 4 KB.
        conn.execute_batch("PRAGMA page_size = 1024; PRAGMA auto_vacuum = INCREMENTAL;")?;
    }
    // The log holds 4 MB, so that hot pages go to the database rarely.
    conn.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA cache_size = -256;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 4194304;
         PRAGMA temp_store = MEMORY;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA secure_delete = FAST;",
    )?;
    limit_pages(&conn, options)?;
    Ok(conn)
}

#[cfg(test)]
fn limit_pages(conn: &Connection, options: &StoreOptions) -> Result<(), StoreError> {
    if let Some(pages) = options.max_pages {
        conn.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    Ok(())
}

#[cfg(not(test))]
#[allow(clippy::unnecessary_wraps, reason = "the test's twin can fail")]
fn limit_pages(_: &Connection, _: &StoreOptions) -> Result<(), StoreError> {
    Ok(())
}

fn schema_version(conn: &Connection) -> Result<u32, StoreError> {
    Ok(conn.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

fn refuse_newer(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let found = schema_version(conn)?;
    let known = newest();
    if found > known {
        return Err(StoreError::NewerSchema { path: path.to_owned(), found, known });
    }
    Ok(())
}

fn look_through(conn: &Connection, check: Check) -> Result<(), StoreError> {
    let sql = match check {
        Check::Quick => "PRAGMA quick_check(1)",
        Check::Full => "PRAGMA integrity_check(1)",
    };
    let found: String = conn.query_row(sql, [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Corrupt(found)) }
}

/// The canary is a sealed word that everybody may know. When it cannot be opened, the key is another one; that the
/// file is sound was checked before.
fn refuse_wrong_key(conn: &Connection, keys: &Keys, path: &Path) -> Result<(), StoreError> {
    if schema_version(conn)? == 0 {
        return Ok(());
    }
    let canary = conn.query_row("SELECT value FROM meta WHERE name = 'canary'", [], |row| row.get::<_, Vec<u8>>(0));
    match canary.optional()?.map(|canary| keys.open_field(CANARY, &canary)) {
        None | Some(Ok(_)) => Ok(()),
        Some(Err(SealError::Wrong)) => Err(StoreError::WrongKey { path: path.to_owned() }),
        Some(Err(error)) => Err(StoreError::Corrupt(format!("the canary: {error}"))),
    }
}

fn begin_boot(conn: &mut Connection, keys: &Keys) -> Result<u64, StoreError> {
    let transaction = conn.transaction()?;
    let canary = keys.seal_field(CANARY, b"panelgate")?;
    transaction.execute("INSERT INTO meta (name, value) VALUES ('canary', ?1) ON CONFLICT DO NOTHING", [canary])?;
    let boots: Count = transaction.query_row(
        "INSERT INTO meta (name, value) VALUES ('boots', 1) ON CONFLICT DO UPDATE SET value = value + 1 \
         RETURNING value",
        [],
        |row| row.get(0),
    )?;
    transaction.commit()?;
    Ok(boots.0)
}

/// Gives back some of what a full outbox or a long history took once, when that is much of the file. Not all at once:
/// somebody waits for the start.
fn give_back(conn: &Connection) -> Result<(), StoreError> {
    let count = |sql| conn.query_row(sql, [], |row| row.get::<_, u32>(0));
    if count("PRAGMA freelist_count")? > count("PRAGMA page_count")? / 4 {
        let mut vacuum = conn.prepare("PRAGMA incremental_vacuum(4096)")?;
        let mut steps = vacuum.query([])?;
        while steps.next()?.is_some() {}
    }
    Ok(())
}

fn migration_error(error: rusqlite_migration::Error) -> StoreError {
    match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => err.into(),
        other => StoreError::Row(other.to_string()),
    }
}
