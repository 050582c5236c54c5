use super::{StoreError, Tx, View};

const VERSION: &str = "directory_version";

/// One entry of the cloud's directory, with what became of it. Both are JSON; codes in it are sealed to the box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// What it is, by its stable name.
    pub kind: String,
    /// Its name among those of its kind.
    pub name: String,
    /// What the cloud said.
    pub entry: String,
    /// What became of it.
    pub outcome: String,
}

impl View<'_> {
    /// Version of the last directory that was taken; 0: none was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn directory_version(&self) -> Result<u64, StoreError> {
        Ok(self.meta(VERSION)?.unwrap_or(0))
    }

    /// All entries of the last directory that was taken.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn directory(&self) -> Result<Vec<DirectoryEntry>, StoreError> {
        self.rows("SELECT kind, name, entry, outcome FROM directory_entry ORDER BY kind, name", [], |row| {
            Ok(DirectoryEntry { kind: row.get(0)?, name: row.get(1)?, entry: row.get(2)?, outcome: row.get(3)? })
        })
    }
}

impl Tx<'_> {
    /// Stores a directory in the place of the one before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_directory(&mut self, version: u64, entries: &[DirectoryEntry]) -> Result<(), StoreError> {
        self.execute_scrubbed("DELETE FROM directory_entry", [])?;
        let sql = "INSERT INTO directory_entry (kind, name, entry, outcome) VALUES (?1, ?2, ?3, ?4)";
        for DirectoryEntry { kind, name, entry, outcome } in entries {
            self.execute(sql, (kind, name, entry, outcome))?;
        }
        self.put_meta(VERSION, version)
    }
}
