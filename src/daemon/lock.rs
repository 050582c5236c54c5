use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;

/// Proof that no other daemon uses the data directory. The lock goes with the process, however it ends.
#[derive(Debug)]
pub struct DataDirLock(#[allow(dead_code, reason = "held, not read: the lock lives as long as the file is open")] File);

/// Why the data directory could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error("{dir} is in use by another panelgate{by}; stop that one or give this one its own gateway.data_dir")]
    InUse {
        /// The directory.
        dir: String,
        /// Its process, where it said so.
        by: String,
    },
    /// The lock file cannot be used.
    #[error("the lock file in {dir} cannot be used: {source}")]
    Io {
        /// The directory.
        dir: String,
        /// The reason.
        source: io::Error,
    },
}

impl DataDirLock {
    /// Takes the directory, which must exist.
    ///
    /// # Errors
    /// [`LockError::InUse`] when another process has it.
    pub fn take(dir: &Path) -> Result<Self, LockError> {
        let name = dir.display().to_string();
        let fail = |source| LockError::Io { dir: name.clone(), source };
        let path = dir.join("panelgate.lock");
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).to_owned();
        let mut file = options.open(path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::InUse { by: holder(&mut file), dir: name }),
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        file.set_len(0).map_err(fail)?;
        write!(file, "{}", std::process::id()).map_err(fail)?;
        Ok(Self(file))
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(20).read_to_string(&mut text);
    let pid = text.trim();
    if read.is_ok() && pid.parse::<u32>().is_ok() { format!(" (process {pid})") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_daemon_on_one_folder_is_told_who_has_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = DataDirLock::take(folder.path()).expect("free");
        let error = DataDirLock::take(folder.path()).expect_err("taken").to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        DataDirLock::take(folder.path()).expect("free again");
    }
}
