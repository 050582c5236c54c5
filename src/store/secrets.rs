use panel_model::PanelId;
use zeroize::Zeroizing;

use super::{StoreError, Tx, View};
use crate::secrets::{Keys, SealError};

/// The place of a sealed value in the database, as it is authenticated with it.
pub(super) fn place(table: &str, panel: &PanelId, name: &str) -> String {
    format!("{table}\0{panel}\0{name}")
}

/// Opens a sealed value that is text.
pub(super) fn open_text(keys: &Keys, place: &str, sealed: &[u8]) -> Result<Zeroizing<String>, SealError> {
    let plain = keys.open_field(place, sealed)?;
    let text = std::str::from_utf8(&plain).map_err(|_| SealError::NotText)?;
    Ok(Zeroizing::new(text.to_owned()))
}

impl View<'_> {
    /// A secret that the box keeps for a panel.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when the row was changed or moved.
    pub fn secret(&self, panel: &PanelId, name: &str) -> Result<Option<Zeroizing<String>>, StoreError> {
        let sql = "SELECT value FROM secret WHERE panel = ?1 AND name = ?2";
        let sealed = self.row(sql, (panel.as_str(), name), |row| row.get::<_, Vec<u8>>(0))?;
        let open = |sealed: Vec<u8>| open_text(&self.desk.keys, &place("secret", panel, name), &sealed);
        Ok(sealed.map(open).transpose()?)
    }
}

impl Tx<'_> {
    /// Keeps a secret for a panel, sealed, in place of the one of that name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_secret(&mut self, panel: &PanelId, name: &str, secret: &str) -> Result<(), StoreError> {
        let sealed = self.desk.keys.seal_field(&place("secret", panel, name), secret.as_bytes())?;
        let sql = "INSERT OR REPLACE INTO secret (panel, name, value) VALUES (?1, ?2, ?3)";
        self.execute_scrubbed(sql, (panel.as_str(), name, sealed))?;
        Ok(())
    }

    /// Forgets a secret.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_secret(&mut self, panel: &PanelId, name: &str) -> Result<(), StoreError> {
        self.execute_scrubbed("DELETE FROM secret WHERE panel = ?1 AND name = ?2", (panel.as_str(), name))?;
        Ok(())
    }
}
