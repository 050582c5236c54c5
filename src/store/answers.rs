//! How wishes for users stand: versions, and an answer for each wished value.

use std::collections::BTreeMap;

use panel_model::{Condition, Evidence, Field, PanelError, PanelId, Refusal, Slot, WallTime};
use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::column::{Count, Json, Number, Word};
use super::{StoreError, Tx, View};

/// Versions of a panel's users; 0 before the first change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Versions {
    /// Of the desired state on this box.
    pub desired: u64,
    /// Of the reported state.
    pub reported: u64,
    /// That the cloud gave to its last accepted desired document.
    pub cloud: u64,
}

/// How wished values stand, each with the version of the wish that it answers.
pub type Answers = BTreeMap<(Slot, Field), (u64, Condition)>;

impl View<'_> {
    /// How the wished values stand, with the version of the wish that each answers.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn answers(&self, panel: &PanelId) -> Result<Answers, StoreError> {
        let sql = "SELECT slot, field, version, condition FROM answer WHERE panel = ?1";
        let rows = self.rows(sql, [panel.as_str()], |row| {
            let key = (row.get::<_, Number<Slot>>(0)?.0, row.get::<_, Word<Field>>(1)?.0);
            let version = row.get::<_, Count>(2)?.0;
            Ok((key, (version, row.get::<_, Json<ConditionRow>>(3)?.0.into())))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// The versions of a panel's users.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn versions(&self, panel: &PanelId) -> Result<Versions, StoreError> {
        let sql = "SELECT desired_version, reported_version, cloud_version FROM panel WHERE panel = ?1";
        let version = |row: &Row<'_>, column| row.get::<_, Count>(column).map(|count| count.0);
        let versions = self.row(sql, [panel.as_str()], |row| {
            Ok(Versions { desired: version(row, 0)?, reported: version(row, 1)?, cloud: version(row, 2)? })
        })?;
        Ok(versions.unwrap_or_default())
    }
}

impl Tx<'_> {
    /// Stores how one wished value stands; `version` is that of the wish.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_answer(
        &mut self,
        panel: &PanelId,
        slot: Slot,
        field: Field,
        version: u64,
        condition: &Condition,
    ) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO answer (panel, slot, field, version, condition) VALUES (?1, ?2, ?3, ?4, ?5)";
        let condition = Json(ConditionRow::from(condition.clone()));
        self.execute(sql, (panel.as_str(), Number(slot), Word(field), Count(version), condition))?;
        Ok(())
    }

    /// Forgets how all values of a slot stand.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_answers(&mut self, panel: &PanelId, slot: Slot) -> Result<(), StoreError> {
        self.execute("DELETE FROM answer WHERE panel = ?1 AND slot = ?2", (panel.as_str(), Number(slot)))?;
        Ok(())
    }

    /// Forgets how one value stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_answer(&mut self, panel: &PanelId, slot: Slot, field: Field) -> Result<(), StoreError> {
        let sql = "DELETE FROM answer WHERE panel = ?1 AND slot = ?2 AND field = ?3";
        self.execute(sql, (panel.as_str(), Number(slot), Word(field)))?;
        Ok(())
    }

    /// Raises the version of the desired state by one and tells the new one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn bump_desired(&mut self, panel: &PanelId) -> Result<u64, StoreError> {
        self.bump(
            "INSERT INTO panel (panel, desired_version) VALUES (?1, 1) \
             ON CONFLICT DO UPDATE SET desired_version = desired_version + 1 RETURNING desired_version",
            panel,
        )
    }

    /// Raises the version of the reported state by one and tells the new one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn bump_reported(&mut self, panel: &PanelId) -> Result<u64, StoreError> {
        self.bump(
            "INSERT INTO panel (panel, reported_version) VALUES (?1, 1) \
             ON CONFLICT DO UPDATE SET reported_version = reported_version + 1 RETURNING reported_version",
            panel,
        )
    }

    /// Stores the version that the cloud gave to its last accepted desired document.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_cloud_version(&mut self, panel: &PanelId, version: u64) -> Result<(), StoreError> {
        let sql = "INSERT INTO panel (panel, cloud_version) VALUES (?1, ?2) \
                   ON CONFLICT DO UPDATE SET cloud_version = excluded.cloud_version";
        self.execute(sql, (panel.as_str(), Count(version)))?;
        Ok(())
    }

    fn bump(&mut self, sql: &str, panel: &PanelId) -> Result<u64, StoreError> {
        let version = self.row(sql, [panel.as_str()], |row| row.get::<_, Count>(0))?;
        version.map(|version| version.0).ok_or(StoreError::Internal)
    }
}

/// A condition as it stands in its column.
#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
enum ConditionRow {
    Applied { evidence: Evidence },
    Pending { since: WallTime, tries: u32, why: Option<String> },
    Refused { refusal: Refusal },
    Failed { code: String, text: String, retry: bool, next_try: Option<WallTime> },
}

impl From<Condition> for ConditionRow {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Applied { evidence } => Self::Applied { evidence },
            Condition::Pending { since, tries, why } => Self::Pending { since, tries, why },
            Condition::Refused { refusal } => Self::Refused { refusal },
            Condition::Failed { error: PanelError { code, text, retry }, next_try } => {
                Self::Failed { code, text, retry, next_try }
            }
        }
    }
}

impl From<ConditionRow> for Condition {
    fn from(row: ConditionRow) -> Self {
        match row {
            ConditionRow::Applied { evidence } => Self::Applied { evidence },
            ConditionRow::Pending { since, tries, why } => Self::Pending { since, tries, why },
            ConditionRow::Refused { refusal } => Self::Refused { refusal },
            ConditionRow::Failed { code, text, retry, next_try } => {
                Self::Failed { error: PanelError { code, text, retry }, next_try }
            }
        }
    }
}
