use std::collections::BTreeMap;

use panel_model::{
    AccessCode, CodeHash, CodeState, DesiredUser, Evidence, Known, Label, PanelId, PartitionSet, ReportedUser, Slot,
    UserWish, WallTime,
};
use rusqlite::Row;
use rusqlite::types::FromSql;

use super::column::{Count, Number, Word};
use super::secrets::{open_text, place};
use super::state::label;
use super::{StoreError, Tx, View};

const REPORTED: &str = "reported_user";
const DESIRED: &str = "desired_user";

impl View<'_> {
    /// What is known of a panel's users.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn reported_users(&self, panel: &PanelId) -> Result<BTreeMap<Slot, ReportedUser>, StoreError> {
        let sql = "SELECT slot, code_state, code_evidence, code_at, code_hash, label, label_evidence, label_at, \
                   role, role_evidence, role_at, partitions, partitions_evidence, partitions_at, stale, tag \
                   FROM reported_user WHERE panel = ?1";
        let users = self.rows(sql, [panel.as_str()], reported_row)?;
        Ok(users.into_iter().map(|user| (user.slot, user)).collect())
    }

    /// The code that a panel showed for a slot, where it showed one: see [`Tx::put_reported_code`].
    ///
    /// # Errors
    /// [`StoreError::Seal`] when the row was changed or moved.
    pub fn reported_code(&self, panel: &PanelId, slot: Slot) -> Result<Option<AccessCode>, StoreError> {
        let sql = "SELECT code FROM reported_user WHERE panel = ?1 AND slot = ?2";
        let key = (panel.as_str(), Number(slot));
        let sealed = self.row(sql, key, |row| row.get::<_, Option<Vec<u8>>>(0))?.flatten();
        let open = |sealed: Vec<u8>| open_text(&self.desk.keys, &slot_place(REPORTED, panel, slot), &sealed);
        let code = sealed.map(open).transpose()?;
        Ok(code.map(|code| AccessCode::new(code.as_str().to_owned())))
    }

    /// The accepted wishes for a panel's users. A code that cannot be opened, because its row was damaged or moved,
    /// is left out of its wish and logged: one bad row does not cost the panel its other users.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn desired_users(&self, panel: &PanelId) -> Result<BTreeMap<Slot, DesiredUser>, StoreError> {
        let sql = "SELECT slot, version, present, code, code_hash, label, role, partitions \
                   FROM desired_user WHERE panel = ?1";
        let rows = self.rows(sql, [panel.as_str()], desired_row)?;
        Ok(rows.into_iter().map(|(user, sealed)| (user.slot, self.with_code(panel, user, sealed))).collect())
    }

    fn with_code(&self, panel: &PanelId, mut user: DesiredUser, sealed: Option<Vec<u8>>) -> DesiredUser {
        let Some(sealed) = sealed else { return user };
        match open_text(&self.desk.keys, &slot_place(DESIRED, panel, user.slot), &sealed) {
            Ok(text) => {
                if let UserWish::Present { code, .. } = &mut user.wish {
                    *code = Some(AccessCode::new(text.as_str().to_owned()));
                }
            }
            Err(error) => {
                tracing::error!(%panel, slot = user.slot.number(), %error, "a wished code cannot be opened; set it again");
                user.code_hash = None;
            }
        }
        user
    }
}

impl Tx<'_> {
    /// Stores what is known of a user. A code that was kept for the slot stays as long as its hash does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_reported_user(&mut self, panel: &PanelId, user: &ReportedUser) -> Result<(), StoreError> {
        let sql = "INSERT INTO reported_user (panel, slot, code_state, code_evidence, code_at, code_hash, stale, \
                   label, label_evidence, label_at, role, role_evidence, role_at, \
                   partitions, partitions_evidence, partitions_at, tag) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) \
                   ON CONFLICT DO UPDATE SET code = iif(code_hash IS excluded.code_hash, code, NULL), \
                   code_state = excluded.code_state, code_evidence = excluded.code_evidence, \
                   code_at = excluded.code_at, code_hash = excluded.code_hash, stale = excluded.stale, \
                   label = excluded.label, label_evidence = excluded.label_evidence, label_at = excluded.label_at, \
                   role = excluded.role, role_evidence = excluded.role_evidence, role_at = excluded.role_at, \
                   partitions = excluded.partitions, partitions_evidence = excluded.partitions_evidence, \
                   partitions_at = excluded.partitions_at, tag = excluded.tag";
        let (label, role, partitions) = (user.label.as_ref(), user.role, user.partitions);
        // U6: without a code there is no user, whoever removed it and wherever.
        if user.code.value == CodeState::None {
            self.unlink_account(panel, user.slot)?;
        }
        self.execute_scrubbed(
            sql,
            rusqlite::params![
                panel.as_str(),
                Number(user.slot),
                Word(user.code.value),
                Word(user.code.evidence),
                user.code.at.0,
                user.code_hash.map(|hash| hash.0),
                user.stale,
                label.map(|known| known.value.as_str()),
                label.map(|known| Word(known.evidence)),
                label.map(|known| known.at.0),
                role.map(|known| Word(known.value)),
                role.map(|known| Word(known.evidence)),
                role.map(|known| known.at.0),
                partitions.map(|known| known.value.to_string()),
                partitions.map(|known| Word(known.evidence)),
                partitions.map(|known| known.at.0),
                user.tag,
            ],
        )?;
        Ok(())
    }

    /// Keeps the code itself of a user that is known already ([`Tx::put_reported_user`] first), sealed, and its hash.
    /// Does nothing for a slot that is not known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_reported_code(&mut self, panel: &PanelId, slot: Slot, code: &AccessCode) -> Result<(), StoreError> {
        let keys = &self.desk.keys;
        let sealed = keys.seal_field(&slot_place(REPORTED, panel, slot), code.expose().as_bytes())?;
        let hash = keys.code_hash(panel, code.expose()).0;
        let sql = "UPDATE reported_user SET code = ?3, code_hash = ?4 WHERE panel = ?1 AND slot = ?2";
        self.execute_scrubbed(sql, (panel.as_str(), Number(slot), sealed, hash))?;
        Ok(())
    }

    /// Forgets what is known of a slot.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_reported_user(&mut self, panel: &PanelId, slot: Slot) -> Result<(), StoreError> {
        self.unlink_account(panel, slot)?;
        let sql = "DELETE FROM reported_user WHERE panel = ?1 AND slot = ?2";
        self.execute_scrubbed(sql, (panel.as_str(), Number(slot)))?;
        Ok(())
    }

    /// Stores the accepted wish for a slot in place of the one before. Its code is sealed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_desired_user(&mut self, panel: &PanelId, user: &DesiredUser) -> Result<(), StoreError> {
        let (present, code, label, role, partitions) = match &user.wish {
            UserWish::Disabled => (false, None, None, None, None),
            UserWish::Present { code, label, role, partitions } => {
                (true, code.as_ref(), label.as_ref(), *role, *partitions)
            }
        };
        let place = slot_place(DESIRED, panel, user.slot);
        let seal = |code: &AccessCode| self.desk.keys.seal_field(&place, code.expose().as_bytes());
        let sealed = code.map(seal).transpose()?;
        let sql = "INSERT OR REPLACE INTO desired_user \
                   (panel, slot, version, present, code, code_hash, label, role, partitions) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        self.execute_scrubbed(
            sql,
            (
                panel.as_str(),
                Number(user.slot),
                Count(user.version),
                present,
                sealed,
                user.code_hash.map(|hash| hash.0),
                label.map(Label::as_str),
                role.map(Word),
                partitions.map(|set| set.to_string()),
            ),
        )?;
        Ok(())
    }

    /// Forgets the wish for a slot: it is not governed any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_desired_user(&mut self, panel: &PanelId, slot: Slot) -> Result<(), StoreError> {
        let sql = "DELETE FROM desired_user WHERE panel = ?1 AND slot = ?2";
        self.execute_scrubbed(sql, (panel.as_str(), Number(slot)))?;
        Ok(())
    }
}

fn slot_place(table: &str, panel: &PanelId, slot: Slot) -> String {
    place(table, panel, &slot.to_string())
}

fn number<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    Number<T>: FromSql,
{
    Ok(row.get::<_, Number<T>>(column)?.0)
}

fn hash(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<CodeHash>> {
    Ok(row.get::<_, Option<[u8; 32]>>(column)?.map(CodeHash))
}

fn partitions(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<PartitionSet>> {
    let Some(text) = row.get::<_, Option<String>>(column)? else { return Ok(None) };
    let parsed = text.parse();
    parsed.map(Some).map_err(|error: panel_model::IdError| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
    })
}

/// A value with its proof; evidence and time stand in the two columns after it.
fn known<T>(row: &Row<'_>, column: usize, value: Option<T>) -> rusqlite::Result<Option<Known<T>>> {
    let Some(value) = value else { return Ok(None) };
    let evidence = row.get::<_, Word<Evidence>>(column + 1)?.0;
    Ok(Some(Known { value, evidence, at: WallTime(row.get(column + 2)?) }))
}

fn reported_row(row: &Row<'_>) -> rusqlite::Result<ReportedUser> {
    let role = row.get::<_, Option<Word<_>>>(8)?.map(|word| word.0);
    let code = row.get::<_, Word<_>>(1)?.0;
    Ok(ReportedUser {
        slot: number(row, 0)?,
        code: Known { value: code, evidence: row.get::<_, Word<_>>(2)?.0, at: WallTime(row.get(3)?) },
        code_hash: hash(row, 4)?,
        label: known(row, 5, label(row, 5)?)?,
        role: known(row, 8, role)?,
        partitions: known(row, 11, partitions(row, 11)?)?,
        tag: row.get(15)?,
        stale: row.get(14)?,
    })
}

/// A wish without its code, and the code as it is sealed.
fn desired_row(row: &Row<'_>) -> rusqlite::Result<(DesiredUser, Option<Vec<u8>>)> {
    let present = row.get(2)?;
    let role = row.get::<_, Option<Word<_>>>(6)?.map(|word| word.0);
    let wish = if present {
        UserWish::Present { code: None, label: label(row, 5)?, role, partitions: partitions(row, 7)? }
    } else {
        UserWish::Disabled
    };
    let version = row.get::<_, Count>(1)?.0;
    Ok((DesiredUser { slot: number(row, 0)?, version, wish, code_hash: hash(row, 4)? }, row.get(3)?))
}
