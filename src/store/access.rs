use std::time::Duration;

use panel_model::PanelId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::column::Json;
use super::{StoreError, Tx, View};
use crate::access::{OwnTime, PanelTries, Tries};

/// Where the last reading of the box's own time stands, in milliseconds.
const OWN: &str = "own_time";
const SINCE_BOOT: &str = "own_time_since_boot";

/// All sources together.
const EVERYBODY: &str = "*";
/// What reached the panel itself.
const AT_PANEL: &str = "panel";

impl View<'_> {
    /// The box's own time now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn own_time(&self, since_boot: Duration) -> Result<OwnTime, StoreError> {
        let read = |name| Ok::<_, StoreError>(Duration::from_millis(self.meta(name)?.unwrap_or(0)));
        Ok(OwnTime { own: read(OWN)?, since_boot: read(SINCE_BOOT)? }.at(since_boot))
    }

    /// Wrong codes at a panel: of one source, or of everybody.
    ///
    /// # Errors
    /// [`StoreError`], also for a row that cannot be read: no doubt opens a lock.
    pub fn tries(&self, panel: &PanelId, source: Option<&str>) -> Result<Tries, StoreError> {
        self.tries_row(panel, source.unwrap_or(EVERYBODY))
    }

    /// Codes that were tried at the panel itself.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn panel_tries(&self, panel: &PanelId) -> Result<PanelTries, StoreError> {
        self.tries_row(panel, AT_PANEL)
    }

    fn tries_row<T: DeserializeOwned + Default>(&self, panel: &PanelId, source: &str) -> Result<T, StoreError> {
        let sql = "SELECT tries FROM tries WHERE panel = ?1 AND source = ?2";
        let tries = self.row(sql, (panel.as_str(), source), |row| Ok(row.get::<_, Json<T>>(0)?.0))?;
        Ok(tries.unwrap_or_default())
    }
}

impl Tx<'_> {
    /// Keeps a reading of the box's own time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_own_time(&mut self, now: OwnTime) -> Result<(), StoreError> {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.put_meta(OWN, millis(now.own))?;
        self.put_meta(SINCE_BOOT, millis(now.since_boot))
    }

    /// Keeps wrong codes at a panel: of one source, or of everybody.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_tries(&mut self, panel: &PanelId, source: Option<&str>, tries: &Tries) -> Result<(), StoreError> {
        self.put_tries_row(panel, source.unwrap_or(EVERYBODY), tries)
    }

    /// Keeps codes that were tried at the panel itself.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_panel_tries(&mut self, panel: &PanelId, tries: &PanelTries) -> Result<(), StoreError> {
        self.put_tries_row(panel, AT_PANEL, tries)
    }

    /// Forgets all wrong codes at a panel, but for those that reached the panel itself: it remembers them too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_tries(&mut self, panel: &PanelId) -> Result<(), StoreError> {
        self.execute("DELETE FROM tries WHERE panel = ?1 AND source <> ?2", (panel.as_str(), AT_PANEL))?;
        Ok(())
    }

    fn put_tries_row(&mut self, panel: &PanelId, source: &str, tries: &impl Serialize) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO tries (panel, source, tries) VALUES (?1, ?2, ?3)";
        self.execute(sql, (panel.as_str(), source, Json(tries)))?;
        Ok(())
    }
}
