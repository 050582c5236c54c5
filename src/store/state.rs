use std::collections::BTreeMap;

use panel_model::{
    ArmMode, ArmState, Label, LockId, LockState, PanelId, PanelState, Partition, PartitionState, Trouble, Zone,
    ZoneState,
};
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use super::column::{Json, Number, Word};
use super::{StoreError, Tx, View};

impl View<'_> {
    /// The last stored state of a panel; empty for a panel that was never seen.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn panel_state(&self, panel: &PanelId) -> Result<PanelState, StoreError> {
        let id = [panel.as_str()];
        let installer_mode = self.row("SELECT installer_mode FROM panel WHERE panel = ?1", id, |row| row.get(0))?;
        let partitions = "SELECT partition, arm, ready, alarm, busy, chime, last_user, label \
                          FROM partition_state WHERE panel = ?1";
        let zones = "SELECT zone, open, alarm, tamper, bypassed, label FROM zone_state WHERE panel = ?1";
        let locks = "SELECT lock, state FROM lock_state WHERE panel = ?1";
        let troubles = "SELECT trouble FROM trouble WHERE panel = ?1";
        Ok(PanelState {
            partitions: self.rows(partitions, id, partition_row)?.into_iter().collect(),
            zones: self.rows(zones, id, zone_row)?.into_iter().collect(),
            locks: self.rows(locks, id, lock_row)?.into_iter().collect(),
            troubles: self.rows(troubles, id, |row| Ok(row.get::<_, Json<Trouble>>(0)?.0))?.into_iter().collect(),
            installer_mode: installer_mode.unwrap_or_default(),
        })
    }

    /// What a panel's driver left behind when it lost its line: see [`Tx::put_residue`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn residue(&self, panel: &PanelId) -> Result<Option<String>, StoreError> {
        let residue = self.row("SELECT residue FROM panel WHERE panel = ?1", [panel.as_str()], |row| row.get(0))?;
        Ok(residue.flatten())
    }
}

impl Tx<'_> {
    /// Stores a panel's state; writes only the rows in which `new` differs from `old`. `old` is the state that was
    /// stored last: after a failed write it is still the one before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_panel_state(&mut self, panel: &PanelId, old: &PanelState, new: &PanelState) -> Result<(), StoreError> {
        for (partition, state) in changed(&old.partitions, &new.partitions) {
            self.put_partition(panel, partition, state)?;
        }
        for (zone, state) in changed(&old.zones, &new.zones) {
            self.put_zone(panel, zone, state)?;
        }
        for (lock, state) in changed(&old.locks, &new.locks) {
            self.put_lock(panel, lock, state)?;
        }
        for trouble in new.troubles.difference(&old.troubles) {
            let sql = "INSERT INTO trouble (panel, trouble) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            self.execute(sql, (panel.as_str(), Json(trouble)))?;
        }
        for trouble in old.troubles.difference(&new.troubles) {
            self.execute("DELETE FROM trouble WHERE panel = ?1 AND trouble = ?2", (panel.as_str(), Json(trouble)))?;
        }
        if old.installer_mode != new.installer_mode {
            let sql = "INSERT INTO panel (panel, installer_mode) VALUES (?1, ?2) \
                       ON CONFLICT DO UPDATE SET installer_mode = excluded.installer_mode";
            self.execute(sql, (panel.as_str(), new.installer_mode))?;
        }
        Ok(())
    }

    /// Keeps a driver's note about what it left behind at the panel, such as an open menu, until it is cleared up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_residue(&mut self, panel: &PanelId, residue: Option<&str>) -> Result<(), StoreError> {
        let sql = "INSERT INTO panel (panel, residue) VALUES (?1, ?2) \
                   ON CONFLICT DO UPDATE SET residue = excluded.residue";
        self.execute(sql, (panel.as_str(), residue))?;
        Ok(())
    }

    fn put_partition(
        &mut self,
        panel: &PanelId,
        partition: Partition,
        state: Option<&PartitionState>,
    ) -> Result<(), StoreError> {
        let key = (panel.as_str(), Number(partition));
        let Some(state) = state else {
            self.execute("DELETE FROM partition_state WHERE panel = ?1 AND partition = ?2", key)?;
            return Ok(());
        };
        let sql = "INSERT OR REPLACE INTO partition_state \
                   (panel, partition, arm, ready, alarm, busy, chime, last_user, label) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let label = state.label.as_ref().map(Label::as_str);
        let (ready, last_user) = (Word(state.ready), state.last_user.map(Number));
        let row = (key.0, key.1, Arm(state.arm), ready, state.alarm, state.busy, state.chime, last_user, label);
        self.execute(sql, row)?;
        Ok(())
    }

    fn put_zone(&mut self, panel: &PanelId, zone: Zone, state: Option<&ZoneState>) -> Result<(), StoreError> {
        let key = (panel.as_str(), Number(zone));
        let Some(state) = state else {
            self.execute("DELETE FROM zone_state WHERE panel = ?1 AND zone = ?2", key)?;
            return Ok(());
        };
        let sql = "INSERT OR REPLACE INTO zone_state (panel, zone, open, alarm, tamper, bypassed, label) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let label = state.label.as_ref().map(Label::as_str);
        self.execute(sql, (key.0, key.1, state.open, state.alarm, state.tamper, state.bypassed, label))?;
        Ok(())
    }

    fn put_lock(&mut self, panel: &PanelId, lock: LockId, state: Option<&LockState>) -> Result<(), StoreError> {
        let key = (panel.as_str(), Number(lock));
        match state {
            None => self.execute("DELETE FROM lock_state WHERE panel = ?1 AND lock = ?2", key)?,
            Some(state) => {
                let sql = "INSERT OR REPLACE INTO lock_state (panel, lock, state) VALUES (?1, ?2, ?3)";
                self.execute(sql, (key.0, key.1, Word(*state)))?
            }
        };
        Ok(())
    }
}

/// Keys whose value differs, with the new value; `None` where there is none any more.
fn changed<'a, K: Ord + Copy, V: PartialEq>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (K, Option<&'a V>)> {
    let put = new.iter().filter(|(key, value)| old.get(key) != Some(value)).map(|(key, value)| (*key, Some(value)));
    put.chain(old.keys().filter(|key| !new.contains_key(key)).map(|key| (*key, None)))
}

fn partition_row(row: &Row<'_>) -> rusqlite::Result<(Partition, PartitionState)> {
    let state = PartitionState {
        arm: row.get::<_, Arm>(1)?.0,
        ready: row.get::<_, Word<_>>(2)?.0,
        alarm: row.get(3)?,
        busy: row.get(4)?,
        chime: row.get(5)?,
        last_user: row.get::<_, Option<Number<_>>>(6)?.map(|slot| slot.0),
        label: label(row, 7)?,
    };
    Ok((row.get::<_, Number<_>>(0)?.0, state))
}

fn zone_row(row: &Row<'_>) -> rusqlite::Result<(Zone, ZoneState)> {
    let state = ZoneState {
        open: row.get(1)?,
        alarm: row.get(2)?,
        tamper: row.get(3)?,
        bypassed: row.get(4)?,
        label: label(row, 5)?,
    };
    Ok((row.get::<_, Number<_>>(0)?.0, state))
}

fn lock_row(row: &Row<'_>) -> rusqlite::Result<(LockId, LockState)> {
    Ok((row.get::<_, Number<_>>(0)?.0, row.get::<_, Word<_>>(1)?.0))
}

/// A label that was accepted when it was stored.
pub(super) fn label(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Label>> {
    Ok(row.get::<_, Option<String>>(column)?.as_deref().and_then(Label::from_panel))
}

/// An arming in one word: `disarmed`, `exit_delay`, `entry_delay`, or the mode in which it is armed.
struct Arm(ArmState);

impl ToSql for Arm {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self.0 {
            ArmState::Disarmed => Ok("disarmed".into()),
            ArmState::ExitDelay => Ok("exit_delay".into()),
            ArmState::EntryDelay => Ok("entry_delay".into()),
            ArmState::Armed(mode) => match Word(mode).to_sql()? {
                ToSqlOutput::Owned(word) => Ok(ToSqlOutput::Owned(word)),
                _ => Err(rusqlite::Error::ToSqlConversionFailure("a word is owned".into())),
            },
        }
    }
}

impl FromSql for Arm {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(match value.as_str()? {
            "disarmed" => ArmState::Disarmed,
            "exit_delay" => ArmState::ExitDelay,
            "entry_delay" => ArmState::EntryDelay,
            _ => ArmState::Armed(Word::<ArmMode>::column_result(value)?.0),
        }))
    }
}
