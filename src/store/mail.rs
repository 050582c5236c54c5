//! Mail that waits for the server. Its text is sealed: it holds links and one-time passwords.

use zeroize::Zeroizing;

use super::secrets::open_text;
use super::{StoreError, Tx, View};
use crate::access::Email;

/// Mails that may wait; a site has a handful of people.
const MOST_MAILS: u32 = 200;

/// A mail to be sent, with who caused it.
#[derive(Clone, PartialEq, Eq)]
pub struct NewMail {
    /// To whom.
    pub recipient: Email,
    /// The subject, without secrets.
    pub subject: String,
    /// The text.
    pub body: Zeroizing<String>,
    /// Who caused it, for the action log.
    pub actor: String,
    /// In which role.
    pub role: String,
    /// Through which door.
    pub door: String,
    /// By which action.
    pub action: String,
}

impl std::fmt::Debug for NewMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewMail").field("action", &self.action).finish_non_exhaustive()
    }
}

/// A mail that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingMail {
    /// Its number.
    pub id: i64,
    /// Waits that it has behind it.
    pub tries: u32,
    /// What it says. `None` when the text cannot be opened any more: the row was changed.
    pub mail: Option<NewMail>,
}

impl View<'_> {
    /// The numbers of the mails that wait, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn mails(&self) -> Result<Vec<i64>, StoreError> {
        self.rows("SELECT id FROM mail ORDER BY id", [], |row| row.get(0))
    }

    /// One mail that waits.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn mail(&self, id: i64) -> Result<Option<WaitingMail>, StoreError> {
        let sql = "SELECT tries, recipient, subject, body, actor, role, door, action FROM mail WHERE id = ?1";
        let row = self.row(sql, [id], |row| {
            let (recipient, sealed): (String, Vec<u8>) = (row.get(1)?, row.get(3)?);
            let words: [String; 5] = [row.get(2)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?];
            Ok((row.get(0)?, recipient, sealed, words))
        })?;
        let Some((tries, recipient, sealed, [subject, actor, role, door, action])) = row else { return Ok(None) };
        let body = open_text(&self.desk.keys, &place(id), &sealed).ok();
        let mail = body.zip(recipient.parse().ok());
        let mail = mail.map(|(body, recipient)| NewMail { recipient, subject, body, actor, role, door, action });
        Ok(Some(WaitingMail { id, tries, mail }))
    }

    /// Whether no further mail may wait.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn mail_is_full(&self) -> Result<bool, StoreError> {
        let count = self.row("SELECT count(*) FROM mail", [], |row| row.get::<_, u32>(0))?;
        Ok(count.unwrap_or(0) >= MOST_MAILS)
    }
}

impl Tx<'_> {
    /// Puts a mail into the queue; tells its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_mail(&mut self, mail: &NewMail) -> Result<i64, StoreError> {
        let sql = "INSERT INTO mail (recipient, subject, body, tries, actor, role, door, action) \
                   VALUES (?1, ?2, x'', 0, ?3, ?4, ?5, ?6)";
        let words = (mail.recipient.as_str(), &mail.subject, &mail.actor, &mail.role, &mail.door, &mail.action);
        self.execute(sql, words)?;
        let id = self.conn.last_insert_rowid();
        let sealed = self.desk.keys.seal_field(&place(id), mail.body.as_bytes())?;
        self.execute("UPDATE mail SET body = ?2 WHERE id = ?1", (id, sealed))?;
        Ok(id)
    }

    /// Notes that a mail has one wait more behind it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_mail_tries(&mut self, id: i64, tries: u32) -> Result<(), StoreError> {
        self.execute("UPDATE mail SET tries = ?2 WHERE id = ?1", (id, tries))?;
        Ok(())
    }

    /// Takes a mail out of the queue: it is delivered, or given up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_mail(&mut self, id: i64) -> Result<(), StoreError> {
        self.execute_scrubbed("DELETE FROM mail WHERE id = ?1", [id])?;
        Ok(())
    }
}

/// The place of a mail's text, as it is authenticated with it.
fn place(id: i64) -> String {
    format!("mail\0{id}")
}
