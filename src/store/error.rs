use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ffi::ErrorCode;

use crate::secrets::SealError;

/// Why the store did not do it. Where nothing else is said, nothing was changed and the store works on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process has the data directory.
    #[error(
        "the data directory {} is in use by another panelgate{}: stop that one, or give this one a directory of its own",
        dir.display(), pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// Who has it, where its lock file says so.
        pid: Option<u32>,
    },
    /// A newer version of panelgate wrote the database. The file was not touched.
    #[error(
        "the database {} has schema {found}, but this panelgate knows only {known}: \
         install the newer version again, or move the database away", path.display()
    )]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema that this program knows.
        known: u32,
    },
    /// The master key is not the one that the database was sealed with. The file was not touched.
    #[error(
        "the master key does not open the database {}: put the key back that it was made with, \
         or move the database away and enter all codes anew", path.display()
    )]
    WrongKey {
        /// The database.
        path: PathBuf,
    },
    /// The disk, or the space that the database may take, is full.
    #[error("the disk is full: nothing was stored")]
    Full,
    /// The database is damaged. While open: nothing works any more, and the next start puts the file aside.
    #[error("the database is damaged ({0}): restart to put it aside and begin a new one")]
    Corrupt(String),
    /// A file beside the database could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        source: Arc<io::Error>,
    },
    /// SQLite said no.
    #[error("the database failed: {0}")]
    Sql(Arc<rusqlite::Error>),
    /// A row has a value that this version cannot read.
    #[error("a row of the database cannot be read: {0}")]
    Row(String),
    /// A sealed value could not be sealed or opened.
    #[error("a sealed value: {0}")]
    Seal(#[from] SealError),
    /// A write of the same chain failed before, and none may overtake it.
    #[error("an earlier write of the same line failed")]
    Behind,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The work itself panicked; it was rolled back.
    #[error("a piece of work in the store panicked and was rolled back")]
    Internal,
}

impl StoreError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source: Arc::new(source) }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        match &error {
            E::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DiskFull => Self::Full,
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Corrupt(error.to_string()),
                _ => Self::Sql(Arc::new(error)),
            },
            E::FromSqlConversionFailure(..) | E::InvalidColumnType(..) | E::IntegralValueOutOfRange(..) => {
                Self::Row(error.to_string())
            }
            _ => Self::Sql(Arc::new(error)),
        }
    }
}
