//! Accounts of the customer application and the panel users that they belong to, of a site without a cloud, or as the
//! cloud's directory says (A7).

use std::collections::BTreeMap;

use panel_model::{PanelId, Slot, WallTime};
use rusqlite::Row;

use super::column::Number;
use super::people::Passwords;
use super::{StoreError, Tx, View};
use crate::access::{AccountStatus, Email, EmailError, PasswordHash};

/// An account (A1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Whose it is.
    pub email: Email,
    /// When it was made.
    pub created: WallTime,
    /// Whether it may be used.
    pub status: AccountStatus,
}

const COLUMNS: &str = "SELECT email, created, suspended, password IS NOT NULL OR confirmed FROM account ";

impl View<'_> {
    /// All accounts whose e-mail holds `part`, by e-mail.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn accounts(&self, part: &str) -> Result<Vec<Account>, StoreError> {
        self.rows(&format!("{COLUMNS} WHERE instr(email, ?1) > 0 OR ?1 = '' ORDER BY email"), [part], account_row)
    }

    /// One account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn account(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        self.row(&format!("{COLUMNS} WHERE email = ?1"), [email.as_str()], account_row)
    }

    /// The password hashes of an account; none for one that is not there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn account_passwords(&self, email: &Email, now: WallTime) -> Result<Passwords, StoreError> {
        let sql = "SELECT password, one_time, one_time_until FROM account WHERE email = ?1";
        Ok(self.row(sql, [email.as_str()], |row| Passwords::of_row(row, 0, now))?.unwrap_or_default())
    }

    /// The accounts of a panel's users.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn linked_accounts(&self, panel: &PanelId) -> Result<BTreeMap<Slot, Account>, StoreError> {
        let sql = "SELECT email, created, suspended, password IS NOT NULL OR confirmed, slot FROM account \
                   JOIN account_link ON account = email WHERE panel = ?1";
        let row = |row: &Row<'_>| Ok((row.get::<_, Number<Slot>>(4)?.0, account_row(row)?));
        Ok(self.rows(sql, [panel.as_str()], row)?.into_iter().collect())
    }
}

impl Tx<'_> {
    /// Makes an account that is not confirmed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_account(&mut self, email: &Email, created: WallTime) -> Result<(), StoreError> {
        let sql = "INSERT INTO account (email, created, suspended) VALUES (?1, ?2, 0)";
        self.execute(sql, (email.as_str(), created.0))?;
        Ok(())
    }

    /// Stores an account as the cloud has it; who it is linked to stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_account(&mut self, account: &Account) -> Result<(), StoreError> {
        let sql = "INSERT INTO account (email, created, suspended, confirmed) VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT DO UPDATE SET suspended = excluded.suspended, confirmed = excluded.confirmed";
        let (suspended, confirmed) =
            (account.status == AccountStatus::Suspended, account.status == AccountStatus::Active);
        self.execute(sql, (account.email.as_str(), account.created.0, suspended, confirmed))?;
        Ok(())
    }

    /// Suspends an account, or takes that back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_account_suspended(&mut self, email: &Email, suspended: bool) -> Result<(), StoreError> {
        self.execute("UPDATE account SET suspended = ?2 WHERE email = ?1", (email.as_str(), suspended))?;
        Ok(())
    }

    /// Keeps a password; the one-time password is gone with it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_account_password(&mut self, email: &Email, hash: &PasswordHash) -> Result<(), StoreError> {
        let sql = "UPDATE account SET password = ?2, one_time = NULL, one_time_until = NULL WHERE email = ?1";
        self.execute_scrubbed(sql, (email.as_str(), hash.as_str()))?;
        Ok(())
    }

    /// Keeps a one-time password; the chosen one stays as it is (A5).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_account_one_time(
        &mut self,
        email: &Email,
        hash: &PasswordHash,
        until: WallTime,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE account SET one_time = ?2, one_time_until = ?3 WHERE email = ?1";
        self.execute_scrubbed(sql, (email.as_str(), hash.as_str(), until.0))?;
        Ok(())
    }

    /// Deletes an account and unlinks it everywhere (A6).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_account(&mut self, email: &Email) -> Result<(), StoreError> {
        self.execute_scrubbed("DELETE FROM account WHERE email = ?1", [email.as_str()])?;
        Ok(())
    }

    /// Gives an account to a panel user, in place of the one before (A2).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn link_account(&mut self, panel: &PanelId, slot: Slot, email: &Email) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO account_link (panel, slot, account) VALUES (?1, ?2, ?3)";
        self.execute(sql, (panel.as_str(), Number(slot), email.as_str()))?;
        Ok(())
    }

    /// Takes a panel user's account away; the account lives on (A4, U6). Tells whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unlink_account(&mut self, panel: &PanelId, slot: Slot) -> Result<bool, StoreError> {
        let sql = "DELETE FROM account_link WHERE panel = ?1 AND slot = ?2";
        Ok(self.execute(sql, (panel.as_str(), Number(slot)))? > 0)
    }
}

fn account_row(row: &Row<'_>) -> rusqlite::Result<Account> {
    let text: String = row.get(0)?;
    let email = text.parse().map_err(|error: EmailError| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
    })?;
    let status = match (row.get(2)?, row.get(3)?) {
        (true, _) => AccountStatus::Suspended,
        (false, true) => AccountStatus::Active,
        (false, false) => AccountStatus::NotConfirmed,
    };
    Ok(Account { email, created: WallTime(row.get(1)?), status })
}
