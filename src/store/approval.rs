//! Changes that wait for somebody's decision (P4), and what was deleted and can come back (P5).

use std::collections::BTreeSet;

use panel_model::WallTime;
use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::column::{Count, Json, Parsed, Word};
use super::{StoreError, Tx, View};
use crate::access::{CompanyId, Permission};

/// Decided requests and deleted things that are kept; the oldest go.
const KEPT: u32 = 1000;

/// A change that somebody asked for and may not make alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChangeRequest {
    /// When it was asked.
    pub at: WallTime,
    /// Who asked: tells any two people apart.
    pub asker: String,
    /// The system user of the box that they asked through.
    pub asker_uid: Option<u32>,
    /// Who asked, as the action log calls them.
    pub asker_name: String,
    /// In which role.
    pub asker_role: String,
    /// Through which door.
    pub door: String,
    /// In the name of which company.
    pub company: Option<CompanyId>,
    /// What the asker might do when asking.
    pub permissions: BTreeSet<Permission>,
    /// The action's stable name.
    pub action: String,
    /// The action as JSON.
    pub body: String,
}

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Nobody has decided.
    Open,
    /// Approved and done.
    CarriedOut,
    /// Refused by the decider.
    Refused,
    /// Approved, and no longer possible by then.
    Failed,
}

/// A request as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRequest {
    /// Its number for ever.
    pub id: u64,
    /// What was asked.
    pub asked: NewChangeRequest,
    /// How it stands.
    pub state: RequestState,
    /// When it was decided, and by whom.
    pub decided: Option<(WallTime, String)>,
    /// Why it failed, by its stable code.
    pub refusal: Option<String>,
}

/// What kind of thing was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletedKind {
    /// A role.
    Role,
    /// A company.
    Company,
    /// An installer or a manager.
    Person,
}

/// A thing that was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeleted {
    /// What kind.
    pub kind: DeletedKind,
    /// Its name, for people.
    pub name: String,
    /// What it was, as JSON.
    pub body: String,
    /// When.
    pub at: WallTime,
    /// By whom; by the asker, where it was requested.
    pub by: String,
    /// The request that deleted it, if one did.
    pub request: Option<u64>,
}

/// A deleted thing as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// Its number.
    pub id: u64,
    /// What it was.
    pub thing: NewDeleted,
}

const REQUEST: &str = "SELECT id, asked_at, asker, asker_name, asker_role, door, company, permissions, action, body, \
                       state, decided_at, decider, refusal, asker_uid FROM change_request";
const DELETED: &str = "SELECT id, kind, name, body, deleted_at, deleted_by, request FROM deleted";

impl View<'_> {
    /// All requests, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn change_requests(&self) -> Result<Vec<ChangeRequest>, StoreError> {
        self.rows(&format!("{REQUEST} ORDER BY id DESC"), [], request_row)
    }

    /// One request.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn change_request(&self, id: u64) -> Result<Option<ChangeRequest>, StoreError> {
        self.row(&format!("{REQUEST} WHERE id = ?1"), [Count(id)], request_row)
    }

    /// What was deleted and can come back, the latest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn deleted_things(&self) -> Result<Vec<Deleted>, StoreError> {
        self.rows(&format!("{DELETED} ORDER BY id DESC"), [], deleted_row)
    }

    /// One thing that was deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn deleted_thing(&self, id: u64) -> Result<Option<Deleted>, StoreError> {
        self.row(&format!("{DELETED} WHERE id = ?1"), [Count(id)], deleted_row)
    }
}

impl Tx<'_> {
    /// Keeps a request until it is decided; tells its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_change_request(&mut self, new: &NewChangeRequest) -> Result<u64, StoreError> {
        let sql = "INSERT INTO change_request (asked_at, asker, asker_name, asker_role, door, company, permissions, \
                   action, body, state, asker_uid) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        self.execute(
            sql,
            (
                new.at.0,
                &new.asker,
                &new.asker_name,
                &new.asker_role,
                &new.door,
                new.company.as_ref().map(CompanyId::as_str),
                Json(&new.permissions),
                &new.action,
                &new.body,
                Word(RequestState::Open),
                new.asker_uid,
            ),
        )?;
        let id = self.last_id()?;
        let prune = "DELETE FROM change_request WHERE state <> 'open' AND id <= ?1 - ?2";
        self.execute(prune, (Count(id), KEPT))?;
        Ok(id)
    }

    /// Keeps a request's decision. A request is decided once: tells whether it was open.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn decide_change_request(
        &mut self,
        id: u64,
        state: RequestState,
        decided: (WallTime, &str),
        refusal: Option<&str>,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE change_request SET state = ?2, decided_at = ?3, decider = ?4, refusal = ?5 \
                   WHERE id = ?1 AND state = 'open'";
        let (at, decider) = decided;
        Ok(self.execute(sql, (Count(id), Word(state), at.0, decider, refusal))? == 1)
    }

    /// Keeps what was deleted, so that it can come back; tells its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_deleted_thing(&mut self, thing: &NewDeleted) -> Result<u64, StoreError> {
        let sql = "INSERT INTO deleted (kind, name, body, deleted_at, deleted_by, request) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let request = thing.request.map(Count);
        self.execute(sql, (Word(thing.kind), &thing.name, &thing.body, thing.at.0, &thing.by, request))?;
        let id = self.last_id()?;
        self.execute("DELETE FROM deleted WHERE id <= ?1 - ?2", (Count(id), KEPT))?;
        Ok(id)
    }

    /// Forgets what was deleted: it is back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_deleted_thing(&mut self, id: u64) -> Result<(), StoreError> {
        self.execute("DELETE FROM deleted WHERE id = ?1", [Count(id)])?;
        Ok(())
    }

    fn last_id(&self) -> Result<u64, StoreError> {
        Ok(self.row("SELECT last_insert_rowid()", [], |row| row.get::<_, Count>(0))?.map_or(0, |id| id.0))
    }
}

fn request_row(row: &Row<'_>) -> rusqlite::Result<ChangeRequest> {
    let asked = NewChangeRequest {
        at: WallTime(row.get(1)?),
        asker: row.get(2)?,
        asker_uid: row.get(14)?,
        asker_name: row.get(3)?,
        asker_role: row.get(4)?,
        door: row.get(5)?,
        company: row.get::<_, Option<Parsed<_>>>(6)?.map(|id| id.0),
        permissions: row.get::<_, Json<_>>(7)?.0,
        action: row.get(8)?,
        body: row.get(9)?,
    };
    let decided = row.get::<_, Option<i64>>(11)?.map(WallTime).zip(row.get(12)?);
    let state = row.get::<_, Word<_>>(10)?.0;
    Ok(ChangeRequest { id: row.get::<_, Count>(0)?.0, asked, state, decided, refusal: row.get(13)? })
}

fn deleted_row(row: &Row<'_>) -> rusqlite::Result<Deleted> {
    let thing = NewDeleted {
        kind: row.get::<_, Word<_>>(1)?.0,
        name: row.get(2)?,
        body: row.get(3)?,
        at: WallTime(row.get(4)?),
        by: row.get(5)?,
        request: row.get::<_, Option<Count>>(6)?.map(|id| id.0),
    };
    Ok(Deleted { id: row.get::<_, Count>(0)?.0, thing })
}
