//! Managers, installers and the `init` account: who they are, their passwords as hashes, their panels, their
//! invitations.

use std::collections::BTreeSet;

use panel_model::{PanelId, WallTime};
use rusqlite::Row;

use super::column::{Id, Word};
use super::{StoreError, Tx, View};
use crate::access::{PasswordHash, PersonKind, PersonName, PersonStatus};

/// Somebody who works with the box (I1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// E-mail, which never changes, or `init`.
    pub name: PersonName,
    /// What they are to the box.
    pub kind: PersonKind,
    /// Name for people.
    pub full_name: String,
    /// Telephone number; may be empty.
    pub phone: String,
    /// Name of the role.
    pub role: String,
    /// The company, where one is set.
    pub company: Option<String>,
    /// When the account was made.
    pub created: WallTime,
    /// When they logged in last.
    pub last_login: Option<WallTime>,
    /// Whether they may log in.
    pub status: PersonStatus,
    /// May start a software update (I7).
    pub may_update_software: bool,
    /// Has to set a new password before anything else (S1).
    pub must_change: bool,
    /// The panels assigned (I4).
    pub panels: BTreeSet<PanelId>,
}

/// The password hashes of a person or an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Passwords {
    /// The one that was chosen.
    pub chosen: Option<PasswordHash>,
    /// The one that was mailed, while it may be used (A5).
    pub one_time: Option<PasswordHash>,
}

impl Passwords {
    /// Of a row that has chosen password, one-time password and the latter's end, from `column` on.
    pub(super) fn of_row(row: &Row<'_>, column: usize, now: WallTime) -> rusqlite::Result<Self> {
        let hash = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(column)?.map(PasswordHash::kept));
        let until: Option<i64> = row.get(column + 2)?;
        let one_time = hash(column + 1)?.filter(|_| until.is_some_and(|until| now.0 < until));
        Ok(Self { chosen: hash(column)?, one_time })
    }
}

/// An invitation as it is kept (I6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Who is invited.
    pub person: PersonName,
    /// Until when.
    pub expires: WallTime,
    /// When it was accepted.
    pub used: Option<WallTime>,
}

/// SHA-256 of an invitation's token, which is random enough not to need more.
pub type TokenHash = [u8; 32];

const COLUMNS: &str = "SELECT name, kind, full_name, phone, role, company, created, last_login, suspended, \
                       may_update_software, must_change, password IS NOT NULL FROM person ";

impl View<'_> {
    /// Everybody who was not removed, by name; of one kind, or all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn people(&self, kind: Option<PersonKind>) -> Result<Vec<Person>, StoreError> {
        let sql = format!("{COLUMNS} WHERE deleted IS NULL AND (?1 IS NULL OR kind = ?1) ORDER BY name");
        let people = self.rows(&sql, [kind.map(Word)], person_row)?;
        people.into_iter().map(|person| self.with_panels(person)).collect()
    }

    /// Somebody who was not removed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn person(&self, name: &PersonName) -> Result<Option<Person>, StoreError> {
        let sql = format!("{COLUMNS} WHERE name = ?1 AND deleted IS NULL");
        let person = self.row(&sql, [name.as_str()], person_row)?;
        person.map(|person| self.with_panels(person)).transpose()
    }

    /// Whether there is or was somebody of that name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn ever_had(&self, name: &PersonName) -> Result<bool, StoreError> {
        Ok(self.row("SELECT 1 FROM person WHERE name = ?1", [name.as_str()], |_| Ok(()))?.is_some())
    }

    fn with_panels(&self, mut person: Person) -> Result<Person, StoreError> {
        let sql = "SELECT panel FROM assignment WHERE person = ?1";
        person.panels =
            self.rows(sql, [person.name.as_str()], |row| row.get::<_, Id>(0))?.into_iter().map(|id| id.0).collect();
        Ok(person)
    }

    /// Somebody's password hashes; none for who is not there or was removed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn passwords(&self, name: &PersonName, now: WallTime) -> Result<Passwords, StoreError> {
        let sql = "SELECT password, one_time, one_time_until FROM person WHERE name = ?1 AND deleted IS NULL";
        Ok(self.row(sql, [name.as_str()], |row| Passwords::of_row(row, 0, now))?.unwrap_or_default())
    }

    /// An invitation by its token.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn invitation(&self, token: &TokenHash) -> Result<Option<Invitation>, StoreError> {
        let sql = "SELECT person, expires, used FROM invitation WHERE token = ?1";
        self.row(sql, [token], |row| {
            let used: Option<i64> = row.get(2)?;
            Ok(Invitation { person: name(row, 0)?, expires: WallTime(row.get(1)?), used: used.map(WallTime) })
        })
    }

    /// Wrong passwords in a row, by who tried and whose they were to be.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn login_tries(&self) -> Result<Vec<(String, u32)>, StoreError> {
        self.rows("SELECT who, wrong FROM login_try", [], |row| Ok((row.get(0)?, row.get(1)?)))
    }
}

/// Rows of wrong tries that are kept: names that nobody has must not fill the disk.
const MOST_TRIES: u32 = 1000;

impl Tx<'_> {
    /// Stores somebody new, or somebody who was removed or invited before anew: without password, with their panels.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_person(&mut self, person: &Person) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO person (name, kind, full_name, phone, role, company, created, suspended, \
                   may_update_software, must_change) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        self.execute_scrubbed(
            sql,
            (
                person.name.as_str(),
                Word(person.kind),
                &person.full_name,
                &person.phone,
                &person.role,
                &person.company,
                person.created.0,
                person.status == PersonStatus::Suspended,
                person.may_update_software,
                person.must_change,
            ),
        )?;
        self.execute("DELETE FROM assignment WHERE person = ?1", [person.name.as_str()])?;
        person.panels.iter().try_for_each(|panel| self.assign(&person.name, panel))
    }

    /// Stores what is known of somebody who is there: name, telephone, status and panels. Who they are, their role and
    /// their passwords stay.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn edit_person(&mut self, person: &Person) -> Result<(), StoreError> {
        let sql =
            "UPDATE person SET full_name = ?2, phone = ?3, suspended = ?4, may_update_software = ?5 WHERE name = ?1";
        let suspended = person.status == PersonStatus::Suspended;
        let name = person.name.as_str();
        self.execute(sql, (name, &person.full_name, &person.phone, suspended, person.may_update_software))?;
        self.execute("DELETE FROM assignment WHERE person = ?1", [name])?;
        person.panels.iter().try_for_each(|panel| self.assign(&person.name, panel))
    }

    /// Assigns a panel (I4). Done already, nothing happens.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn assign(&mut self, person: &PersonName, panel: &PanelId) -> Result<(), StoreError> {
        let sql = "INSERT INTO assignment (person, panel) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        self.execute(sql, (person.as_str(), panel.as_str()))?;
        Ok(())
    }

    /// Takes a panel back (I4).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unassign(&mut self, person: &PersonName, panel: &PanelId) -> Result<(), StoreError> {
        let sql = "DELETE FROM assignment WHERE person = ?1 AND panel = ?2";
        self.execute(sql, (person.as_str(), panel.as_str()))?;
        Ok(())
    }

    /// Suspends somebody, or lets them in again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_suspended(&mut self, person: &PersonName, suspended: bool) -> Result<(), StoreError> {
        self.execute("UPDATE person SET suspended = ?2 WHERE name = ?1", (person.as_str(), suspended))?;
        Ok(())
    }

    /// Lets somebody start software updates, or no more (I7).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_may_update_software(&mut self, person: &PersonName, may: bool) -> Result<(), StoreError> {
        self.execute("UPDATE person SET may_update_software = ?2 WHERE name = ?1", (person.as_str(), may))?;
        Ok(())
    }

    /// Keeps the time of a login.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_last_login(&mut self, person: &PersonName, at: WallTime) -> Result<(), StoreError> {
        self.execute("UPDATE person SET last_login = ?2 WHERE name = ?1", (person.as_str(), at.0))?;
        Ok(())
    }

    /// Keeps a password; the one-time password is gone with it. `must_change`: it has to be changed at the next login.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_password(
        &mut self,
        person: &PersonName,
        hash: &PasswordHash,
        must_change: bool,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE person SET password = ?2, must_change = ?3, one_time = NULL, one_time_until = NULL \
                   WHERE name = ?1";
        self.execute_scrubbed(sql, (person.as_str(), hash.as_str(), must_change))?;
        Ok(())
    }

    /// Keeps a one-time password; the chosen one stays as it is (A5).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_one_time(
        &mut self,
        person: &PersonName,
        hash: &PasswordHash,
        until: WallTime,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE person SET one_time = ?2, one_time_until = ?3 WHERE name = ?1";
        self.execute_scrubbed(sql, (person.as_str(), hash.as_str(), until.0))?;
        Ok(())
    }

    /// Removes somebody: passwords, panels and invitations go for good, the rest stays so that it can be restored (P5).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remove_person(&mut self, person: &PersonName, at: WallTime) -> Result<(), StoreError> {
        let name = person.as_str();
        let sql = "UPDATE person SET deleted = ?2, password = NULL, one_time = NULL, one_time_until = NULL, \
                   may_update_software = 0 WHERE name = ?1";
        self.execute_scrubbed(sql, (name, at.0))?;
        self.execute("DELETE FROM assignment WHERE person = ?1", [name])?;
        self.execute("DELETE FROM invitation WHERE person = ?1", [name])?;
        Ok(())
    }

    /// Brings back somebody who was removed, as invited anew: without password, panels or `may_update_software`. Tells
    /// whether there was anybody to bring back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn restore_person(&mut self, person: &PersonName) -> Result<bool, StoreError> {
        let sql = "UPDATE person SET deleted = NULL WHERE name = ?1 AND deleted IS NOT NULL";
        Ok(self.execute(sql, [person.as_str()])? > 0)
    }

    /// Keeps an invitation; one before it of the same person ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_invitation(
        &mut self,
        token: &TokenHash,
        person: &PersonName,
        expires: WallTime,
    ) -> Result<(), StoreError> {
        self.execute("DELETE FROM invitation WHERE person = ?1", [person.as_str()])?;
        let sql = "INSERT INTO invitation (token, person, expires) VALUES (?1, ?2, ?3)";
        self.execute(sql, (token, person.as_str(), expires.0))?;
        Ok(())
    }

    /// Notes that an invitation was accepted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn use_invitation(&mut self, token: &TokenHash, at: WallTime) -> Result<(), StoreError> {
        self.execute("UPDATE invitation SET used = ?2 WHERE token = ?1", (token, at.0))?;
        Ok(())
    }

    /// Keeps how many passwords in a row were wrong. Of too many rows, those that count least go.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_login_tries(&mut self, who: &str, wrong: u32) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO login_try (who, wrong) VALUES (?1, ?2)";
        self.execute(sql, (who, wrong))?;
        let sql = "DELETE FROM login_try WHERE who IN (SELECT who FROM login_try WHERE who <> ?1 \
                   ORDER BY wrong DESC LIMIT -1 OFFSET ?2)";
        self.execute(sql, (who, MOST_TRIES))?;
        Ok(())
    }

    /// Forgets wrong passwords: a right one came.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_login_tries(&mut self, who: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM login_try WHERE who = ?1", [who])?;
        Ok(())
    }
}

fn name(row: &Row<'_>, column: usize) -> rusqlite::Result<PersonName> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error: crate::access::EmailError| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
    })
}

fn person_row(row: &Row<'_>) -> rusqlite::Result<Person> {
    let last_login: Option<i64> = row.get(7)?;
    let status = match (row.get(8)?, row.get(11)?) {
        (true, _) => PersonStatus::Suspended,
        (false, true) => PersonStatus::Accepted,
        (false, false) => PersonStatus::Invited,
    };
    Ok(Person {
        name: name(row, 0)?,
        kind: row.get::<_, Word<_>>(1)?.0,
        full_name: row.get(2)?,
        phone: row.get(3)?,
        role: row.get(4)?,
        company: row.get(5)?,
        created: WallTime(row.get(6)?),
        last_login: last_login.map(WallTime),
        status,
        may_update_software: row.get(9)?,
        must_change: row.get(10)?,
        panels: BTreeSet::new(),
    })
}
