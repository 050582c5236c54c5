use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::StoreError;

/// The data directory, held by this process as long as this lives. An advisory lock: it is gone with the process,
/// however that ends. The file stays, with the number of the process that had the lock last.
#[derive(Debug)]
pub(super) struct DirLock {
    file: File,
}

impl DirLock {
    /// Makes the directory when it is missing, readable for its owner only, and locks it.
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| StoreError::io(dir, error))?;
        let path = dir.join("panelgate.lock");
        let failed = |error| StoreError::io(&path, error);
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Only for the message: the holder may be about to write it.
                let _ = (&file).take(16).read_to_string(&mut pid);
                return Err(StoreError::InUse { dir: dir.to_owned(), pid: pid.trim().parse().ok() });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Self { file })
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        // Closing alone would keep the lock as long as a process that is just being started has a copy of the file.
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "the data directory's lock is not given free");
        }
    }
}
