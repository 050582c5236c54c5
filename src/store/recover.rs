//! Opening, and what happens to a database that is damaged: it is put aside, whole, and a new one is begun. Panels and
//! cloud fill it again; the codes that only the box knew have to be entered anew.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use panel_driver::clock;

use super::schema::{self, Base, Check};
use super::{StoreError, StoreOptions};
use crate::secrets::Keys;

const DATABASE: &str = "panelgate.db";
const ASIDE: &str = "panelgate.db.damaged-";
/// The database and what SQLite keeps beside it.
const PARTS: [&str; 4] = ["", "-wal", "-shm", "-journal"];
/// Damaged databases that are kept; older ones are deleted, or a bad disk would be full of them.
const KEPT: usize = 3;

/// What was found when the store was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// There was none: a new database was made.
    Fresh,
    /// The database of the last time.
    Existing,
    /// The database was damaged; a new one was made. Somebody should be told.
    Recovered {
        /// Where the damaged file is now.
        moved_aside: PathBuf,
        /// What was wrong with it.
        why: String,
    },
}

/// A mark beside the database that says: look at it closely before it is used again.
#[derive(Debug)]
pub(super) struct Suspect(PathBuf);

impl Suspect {
    pub(super) fn new(dir: &Path) -> Self {
        Self(dir.join("panelgate.db.suspect"))
    }

    pub(super) fn raise(&self) {
        if let Err(error) = File::create(&self.0) {
            tracing::warn!(%error, "the damaged database cannot be marked");
        }
    }

    fn raised(&self) -> bool {
        self.0.exists()
    }

    fn clear(&self) -> Result<(), StoreError> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io(&self.0, error)),
            _ => Ok(()),
        }
    }
}

/// Opens the database of the directory. The caller has the directory's lock.
pub(super) fn open(options: &StoreOptions, keys: &Keys) -> Result<(Base, Opened), StoreError> {
    let path = options.dir.join(DATABASE);
    let suspect = Suspect::new(&options.dir);
    let check = if suspect.raised() { Check::Full } else { Check::Quick };
    let opened = match lost_file(&path) {
        Ok(fresh) => schema::open(&path, options, keys, check).map(|base| (base, fresh)),
        Err(error) => Err(error),
    };
    let (base, opened) = match opened {
        Ok(opened) => opened,
        Err(StoreError::Corrupt(why)) => {
            let moved_aside = put_aside(&options.dir)?;
            tracing::error!(why, file = %moved_aside.display(), "the database was damaged and is put aside");
            (schema::open(&path, options, keys, Check::Quick)?, Opened::Recovered { moved_aside, why })
        }
        Err(error) => return Err(error),
    };
    suspect.clear()?;
    Ok((base, opened))
}

/// Whether there was a database. An empty file beside a log with content is one that was lost: SQLite would take it
/// for new and delete the log.
fn lost_file(path: &Path) -> Result<Opened, StoreError> {
    let length = |part: &str| match fs::metadata(with_suffix(path, part)) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(StoreError::io(path, error)),
    };
    match (length("")?, length("-wal")?) {
        (0, 0) => Ok(Opened::Fresh),
        (0, _) => Err(StoreError::Corrupt("the file is empty, but its log is not".into())),
        _ => Ok(Opened::Existing),
    }
}

fn put_aside(dir: &Path) -> Result<PathBuf, StoreError> {
    let from = dir.join(DATABASE);
    let to = free_name(dir);
    for part in PARTS {
        match fs::rename(with_suffix(&from, part), with_suffix(&to, part)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(StoreError::io(&from, error)),
            _ => {}
        }
    }
    forget_oldest(dir, &to).map_err(|error| StoreError::io(dir, error))?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| StoreError::io(dir, error))?;
    Ok(to)
}

/// A name with the time in it, which is free also when the clock stands still.
fn free_name(dir: &Path) -> PathBuf {
    let time = Timestamp::from_millisecond(clock::wall().0).unwrap_or_default();
    let time = time.strftime("%Y%m%dT%H%M%S.%3fZ").to_string();
    let names = std::iter::once(String::new()).chain((2_u32..).map(|n| format!("-{n}")));
    let mut paths = names.map(|n| dir.join(format!("{ASIDE}{time}{n}"))).filter(|path| !path.exists());
    paths.next().unwrap_or_else(|| dir.join(format!("{ASIDE}{time}")))
}

/// Deletes the oldest by name when there are too many. Never the one that was put aside just now: the clock may have
/// been set back.
fn forget_oldest(dir: &Path, newest: &Path) -> io::Result<()> {
    let mut others = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_part = PARTS.iter().any(|part| !part.is_empty() && name.ends_with(part));
        if name.starts_with(ASIDE) && !is_part && path != newest {
            others.push(path);
        }
    }
    others.sort_unstable();
    for path in others.iter().rev().skip(KEPT - 1) {
        for part in PARTS {
            match fs::remove_file(with_suffix(path, part)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
