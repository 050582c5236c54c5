//! What commissioning has to remember (S4): walk tests, proofs of the installer code, signed reports, and that the
//! cloud was reached.

use std::collections::BTreeMap;

use panel_model::{CodeHash, EventKind, Origin, PanelId, WallTime, Zone};
use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::column::{Id, Number, Word};
use super::{NewEvent, StoreError, Tx, View};

/// When the cloud acknowledged something, in milliseconds since 1970.
const CLOUD_REACHED: &str = "cloud_reached";

/// A panel's last walk test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkTest {
    /// When it began.
    pub started: WallTime,
    /// When it ends or ended.
    pub ends: WallTime,
}

impl WalkTest {
    /// Whether zones are ticked off at that moment.
    #[must_use]
    pub fn is_running(&self, at: WallTime) -> bool {
        (self.started..self.ends).contains(&at)
    }
}

/// Why a zone needs no more walking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Walked {
    /// It opened.
    Opened,
    /// Its tamper contact did.
    Tampered,
    /// Somebody said why it is left out.
    Skipped,
}

/// A zone that is dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkedZone {
    /// When.
    pub at: WallTime,
    /// How.
    pub how: Walked,
    /// Of a skip: the reason.
    pub reason: Option<String>,
    /// Of a skip: who said it.
    pub actor: Option<String>,
}

/// The panel took this installer code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstallerProof {
    /// When.
    pub at: WallTime,
    /// Keyed hash of the code.
    pub code: CodeHash,
}

impl View<'_> {
    /// A panel's last walk test.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn walk_test(&self, panel: &PanelId) -> Result<Option<WalkTest>, StoreError> {
        self.row("SELECT started, ends FROM walk_test WHERE panel = ?1", [panel.as_str()], |row| {
            Ok(WalkTest { started: WallTime(row.get(0)?), ends: WallTime(row.get(1)?) })
        })
    }

    /// The zones of a panel that are dealt with.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn walked_zones(&self, panel: &PanelId) -> Result<BTreeMap<Zone, WalkedZone>, StoreError> {
        let sql = "SELECT zone, at, how, reason, actor FROM walk_zone WHERE panel = ?1";
        Ok(self.rows(sql, [panel.as_str()], walked_row)?.into_iter().collect())
    }

    /// The last time that a panel took its installer code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn installer_proof(&self, panel: &PanelId) -> Result<Option<InstallerProof>, StoreError> {
        self.row("SELECT at, code FROM installer_proof WHERE panel = ?1", [panel.as_str()], |row| {
            Ok(InstallerProof { at: WallTime(row.get(0)?), code: CodeHash(row.get(1)?) })
        })
    }

    /// When the cloud last acknowledged something for the first time of a run.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cloud_reached(&self) -> Result<Option<WallTime>, StoreError> {
        Ok(self.meta(CLOUD_REACHED)?.map(|at| WallTime(i64::try_from(at).unwrap_or(i64::MAX))))
    }

    /// A panel's last signed report, as it was signed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn commissioning_report(&self, panel: &PanelId) -> Result<Option<String>, StoreError> {
        self.row("SELECT report FROM commissioning_report WHERE panel = ?1", [panel.as_str()], |row| row.get(0))
    }

    /// When a panel's commissioning was signed off last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn signed_off(&self, panel: &PanelId) -> Result<Option<WallTime>, StoreError> {
        let sql = "SELECT at FROM commissioning_report WHERE panel = ?1";
        Ok(self.row(sql, [panel.as_str()], |row| row.get(0))?.map(WallTime))
    }

    /// The last signed reports of all panels.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn commissioning_reports(&self) -> Result<BTreeMap<PanelId, String>, StoreError> {
        let read = |row: &Row<'_>| Ok((row.get::<_, Id>(0)?.0, row.get(1)?));
        Ok(self.rows("SELECT panel, report FROM commissioning_report", [], read)?.into_iter().collect())
    }
}

impl Tx<'_> {
    /// Begins a walk test, or lets a running one go on until `ends`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_walk_test(&mut self, panel: &PanelId, test: WalkTest) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO walk_test (panel, started, ends) VALUES (?1, ?2, ?3)";
        self.execute(sql, (panel.as_str(), test.started.0, test.ends.0))?;
        Ok(())
    }

    /// Ends a walk test at that moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn end_walk_test(&mut self, panel: &PanelId, at: WallTime) -> Result<(), StoreError> {
        self.execute("UPDATE walk_test SET ends = ?2 WHERE panel = ?1 AND ends > ?2", (panel.as_str(), at.0))?;
        Ok(())
    }

    /// Forgets which zones are dealt with: all of them have to be walked again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_walked(&mut self, panel: &PanelId) -> Result<(), StoreError> {
        self.execute("DELETE FROM walk_zone WHERE panel = ?1", [panel.as_str()])?;
        Ok(())
    }

    /// Ticks the zone off that an event is about, while a walk test runs at its panel. The first tick stays; a zone that
    /// was skipped and then opens was tested.
    pub(super) fn walk(&mut self, new: &NewEvent) -> Result<(), StoreError> {
        let how = match new.event.kind {
            EventKind::ZoneOpened => Walked::Opened,
            EventKind::ZoneTamper => Walked::Tampered,
            _ => return Ok(()),
        };
        let Some(zone) = new.event.zone.filter(|_| new.event.origin == Origin::Live) else { return Ok(()) };
        let sql = "INSERT INTO walk_zone (panel, zone, at, how) SELECT panel, ?2, ?3, ?4 FROM walk_test \
                   WHERE panel = ?1 AND started <= ?3 AND ends > ?3 \
                   ON CONFLICT DO UPDATE SET at = excluded.at, how = excluded.how, reason = NULL, actor = NULL \
                   WHERE how = 'skipped'";
        self.execute(sql, (new.panel.as_str(), Number(zone), new.at.0, Word(how)))?;
        Ok(())
    }

    /// Leaves a zone out of the walk test. One that was tested stays so.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn skip_zone(
        &mut self,
        panel: &PanelId,
        zone: Zone,
        at: WallTime,
        reason: &str,
        actor: &str,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO walk_zone (panel, zone, at, how, reason, actor) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                   ON CONFLICT DO UPDATE SET at = excluded.at, reason = excluded.reason, actor = excluded.actor \
                   WHERE how = 'skipped'";
        self.execute(sql, (panel.as_str(), Number(zone), at.0, Word(Walked::Skipped), reason, actor))?;
        Ok(())
    }

    /// Keeps that the panel itself took this installer code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_installer_proof(&mut self, panel: &PanelId, proof: InstallerProof) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO installer_proof (panel, at, code) VALUES (?1, ?2, ?3)";
        self.execute(sql, (panel.as_str(), proof.at.0, proof.code.0))?;
        Ok(())
    }

    /// Keeps that the cloud acknowledged something.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_cloud_reached(&mut self, at: WallTime) -> Result<(), StoreError> {
        self.put_meta(CLOUD_REACHED, u64::try_from(at.0).unwrap_or(0))
    }

    /// Keeps a signed report in the place of the panel's former one. It may hold no secret.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_commissioning_report(&mut self, panel: &PanelId, at: WallTime, report: &str) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO commissioning_report (panel, at, report) VALUES (?1, ?2, ?3)";
        self.execute(sql, (panel.as_str(), at.0, report))?;
        Ok(())
    }
}

fn walked_row(row: &Row<'_>) -> rusqlite::Result<(Zone, WalkedZone)> {
    let walked = WalkedZone {
        at: WallTime(row.get(1)?),
        how: row.get::<_, Word<_>>(2)?.0,
        reason: row.get(3)?,
        actor: row.get(4)?,
    };
    Ok((row.get::<_, Number<_>>(0)?.0, walked))
}
