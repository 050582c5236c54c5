//! The equipment register (S3): storage codes, product categories, product models, and the assets themselves.

use panel_model::{PanelId, Zone};
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::column::{Count, Id, Number};
use super::{StoreError, Tx, View};

/// What can be registered beside assets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisterKind {
    /// A shelf, a van: where equipment lies.
    StorageCode,
    /// A kind of product: main component, accessory.
    Category,
    /// A product of a category.
    Model,
}

impl RegisterKind {
    /// All of them, in the order in which a register is begun.
    pub const ALL: [Self; 3] = [Self::StorageCode, Self::Category, Self::Model];

    fn word(self) -> &'static str {
        match self {
            Self::StorageCode => "storage_code",
            Self::Category => "category",
            Self::Model => "model",
        }
    }
}

/// The number of a registered storage code, category or model; never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisterId(i64);

impl FromSql for RegisterId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self)
    }
}

/// A registered storage code, category or model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterEntry {
    /// Its name.
    pub name: String,
    /// Of a model: the category.
    pub category: Option<String>,
    /// How many models or assets refer to it.
    pub uses: u64,
}

/// Where an asset is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "at", rename_all = "snake_case", deny_unknown_fields)]
pub enum Place {
    /// Lying under a storage code.
    Storage {
        /// The storage code.
        code: String,
    },
    /// Fitted at a panel.
    Panel {
        /// The panel.
        panel: PanelId,
        /// The zone that it is; absent for the panel itself and what else belongs to it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<Zone>,
    },
}

/// A piece of equipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Its number in the register; never given again.
    pub id: u64,
    /// Its product model.
    pub model: String,
    /// The model's category.
    pub category: String,
    /// Its serial number; no two of one model have the same.
    pub serial: String,
    /// Where it is.
    pub place: Place,
}

/// Where an asset is to be, with the storage code found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceKey {
    /// A storage code.
    Storage(RegisterId),
    /// A panel, with or without a zone.
    Panel(PanelId, Option<Zone>),
}

/// A text as it counts when texts are compared: capitals make no other one.
#[must_use]
pub fn folded(text: &str) -> String {
    text.to_lowercase()
}

const ASSET: &str = "SELECT asset.id, model.name, category.name, asset.serial, storage.name, asset.panel, asset.zone \
    FROM asset JOIN register AS model ON model.id = asset.model \
    JOIN register AS category ON category.id = model.category \
    LEFT JOIN register AS storage ON storage.id = asset.storage";

impl View<'_> {
    /// All entries of a kind, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn register_entries(&self, kind: RegisterKind) -> Result<Vec<RegisterEntry>, StoreError> {
        let sql = "SELECT one.name, category.name, \
                   (SELECT count(*) FROM register AS of WHERE of.category = one.id) + \
                   (SELECT count(*) FROM asset WHERE asset.model = one.id OR asset.storage = one.id) \
                   FROM register AS one LEFT JOIN register AS category ON category.id = one.category \
                   WHERE one.kind = ?1 ORDER BY one.folded";
        self.rows(sql, [kind.word()], |row| {
            Ok(RegisterEntry { name: row.get(0)?, category: row.get(1)?, uses: row.get::<_, Count>(2)?.0 })
        })
    }

    /// The entry of that name, whatever its capitals.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn register_entry(&self, kind: RegisterKind, name: &str) -> Result<Option<RegisterId>, StoreError> {
        let sql = "SELECT id FROM register WHERE kind = ?1 AND folded = ?2";
        self.row(sql, (kind.word(), folded(name)), |row| row.get(0))
    }

    /// How many models or assets refer to an entry.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn register_uses(&self, id: RegisterId) -> Result<u64, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM register WHERE category = ?1) + \
                   (SELECT count(*) FROM asset WHERE model = ?1 OR storage = ?1)";
        Ok(self.row(sql, [id.0], |row| row.get::<_, Count>(0))?.map_or(0, |count| count.0))
    }

    /// All assets by number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn assets(&self) -> Result<Vec<Asset>, StoreError> {
        self.rows(&format!("{ASSET} ORDER BY asset.id"), [], asset_row)
    }

    /// One asset.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn asset(&self, id: u64) -> Result<Option<Asset>, StoreError> {
        self.row(&format!("{ASSET} WHERE asset.id = ?1"), [clamped(id)], asset_row)
    }

    /// The number of the asset of a model with that serial number, whatever its capitals.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn asset_of(&self, model: RegisterId, serial: &str) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT id FROM asset WHERE model = ?1 AND folded = ?2";
        Ok(self.row(sql, (model.0, folded(serial)), |row| row.get::<_, Count>(0))?.map(|id| id.0))
    }
}

impl Tx<'_> {
    /// Makes an entry. Its name is free, and a model's category is there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_register_entry(
        &mut self,
        kind: RegisterKind,
        name: &str,
        category: Option<RegisterId>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO register (kind, name, folded, category) VALUES (?1, ?2, ?3, ?4)";
        self.execute(sql, (kind.word(), name, folded(name), category.map(|id| id.0)))?;
        Ok(())
    }

    /// Names an entry anew.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn rename_register_entry(&mut self, id: RegisterId, name: &str) -> Result<(), StoreError> {
        self.execute("UPDATE register SET name = ?2, folded = ?3 WHERE id = ?1", (id.0, name, folded(name)))?;
        Ok(())
    }

    /// Puts a model into another category.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_model_category(&mut self, model: RegisterId, category: RegisterId) -> Result<(), StoreError> {
        self.execute("UPDATE register SET category = ?2 WHERE id = ?1", (model.0, category.0))?;
        Ok(())
    }

    /// Deletes an entry that nothing refers to.
    ///
    /// # Errors
    /// [`StoreError`], also while something refers to it.
    pub fn delete_register_entry(&mut self, id: RegisterId) -> Result<(), StoreError> {
        self.execute("DELETE FROM register WHERE id = ?1", [id.0])?;
        Ok(())
    }

    /// Registers an asset; tells its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_asset(&mut self, model: RegisterId, serial: &str, place: &PlaceKey) -> Result<u64, StoreError> {
        let sql = "INSERT INTO asset (model, serial, folded, storage, panel, zone) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (storage, panel, zone) = place_columns(place);
        self.execute(sql, (model.0, serial, folded(serial), storage, panel, zone))?;
        Ok(u64::try_from(self.conn.last_insert_rowid()).unwrap_or(0))
    }

    /// Corrects an asset's model and serial number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn edit_asset(&mut self, id: u64, model: RegisterId, serial: &str) -> Result<(), StoreError> {
        let sql = "UPDATE asset SET model = ?2, serial = ?3, folded = ?4 WHERE id = ?1";
        self.execute(sql, (clamped(id), model.0, serial, folded(serial)))?;
        Ok(())
    }

    /// Puts an asset somewhere else.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn move_asset(&mut self, id: u64, place: &PlaceKey) -> Result<(), StoreError> {
        let (storage, panel, zone) = place_columns(place);
        let sql = "UPDATE asset SET storage = ?2, panel = ?3, zone = ?4 WHERE id = ?1";
        self.execute(sql, (clamped(id), storage, panel, zone))?;
        Ok(())
    }

    /// Takes an asset out of the register.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_asset(&mut self, id: u64) -> Result<(), StoreError> {
        self.execute("DELETE FROM asset WHERE id = ?1", [clamped(id)])?;
        Ok(())
    }
}

fn place_columns(place: &PlaceKey) -> (Option<i64>, Option<&str>, Option<Number<Zone>>) {
    match place {
        PlaceKey::Storage(id) => (Some(id.0), None, None),
        PlaceKey::Panel(panel, zone) => (None, Some(panel.as_str()), zone.map(Number)),
    }
}

/// A number that people typed: one beyond all rows names none.
fn clamped(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

fn asset_row(row: &Row<'_>) -> rusqlite::Result<Asset> {
    let (code, panel) = (row.get::<_, Option<String>>(4)?, row.get::<_, Option<Id>>(5)?);
    let place = match (code, panel) {
        (Some(code), None) => Place::Storage { code },
        (None, Some(Id(panel))) => Place::Panel { panel, zone: row.get::<_, Option<Number<_>>>(6)?.map(|n| n.0) },
        _ => Err(FromSqlError::InvalidType)?,
    };
    Ok(Asset { id: row.get::<_, Count>(0)?.0, model: row.get(1)?, category: row.get(2)?, serial: row.get(3)?, place })
}
