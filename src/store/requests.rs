//! What operators in the cloud asked for: each request once, with its one answer, the tokens that were used for them,
//! and the keys and the time that tokens are checked with.

use panel_model::Password;
use rusqlite::Row;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::column::{Count, Json};
use super::outbox::{Kind, OutboxSeq, Priority};
use super::room::Record;
use super::{StoreError, Tx, View};

/// How long a request is remembered, in seconds.
const KEPT: i64 = 7 * 24 * 3600;
/// Requests that are remembered at most; the oldest answered ones go first.
const MOST: u32 = 20_000;
/// Answers that may wait for one open request.
const MOST_REPLIES: u32 = 8;

const TIME_FLOOR: &str = "time_floor";

/// A request before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRequest {
    /// Given by whoever asks.
    pub id: Uuid,
    /// When it was taken, in seconds since 1970.
    pub at: i64,
    /// SHA-256 over what is asked for and with which token.
    pub fingerprint: [u8; 32],
    /// Where its answer goes.
    pub reply: ReplyTo,
}

/// Where an answer goes; by default to the topic `response/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReplyTo {
    /// A topic that the asker named.
    pub topic: Option<String>,
    /// What the asker wants back beside the answer.
    pub correlation: Option<Vec<u8>>,
}

/// A request that was asked before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRequest {
    /// See [`NewRequest::fingerprint`].
    pub fingerprint: [u8; 32],
    /// Whether it has its answer.
    pub answered: bool,
}

/// The keys in use instead of the configured ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKeys {
    /// SHA-256 of the configured file at that time.
    pub file: [u8; 32],
    /// A JWKS.
    pub jwks: String,
    /// When the cloud made it, in seconds since 1970.
    pub issued_at: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ResponseBody {
    pub(super) id: Uuid,
    #[serde(flatten)]
    pub(super) reply: ReplyTo,
}

impl View<'_> {
    /// A request of that id, if it was asked before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn request(&self, id: Uuid) -> Result<Option<KnownRequest>, StoreError> {
        let sql = "SELECT fingerprint, answer IS NOT NULL FROM request WHERE id = ?1";
        self.row(sql, [id.as_bytes()], |row| Ok(KnownRequest { fingerprint: row.get(0)?, answered: row.get(1)? }))
    }

    /// The answer to a request. It may hold a secret.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when the row was changed or moved.
    pub fn request_answer(&self, id: Uuid) -> Result<Option<Password>, StoreError> {
        let sql = "SELECT answer FROM request WHERE id = ?1";
        let sealed = self.row(sql, [id.as_bytes()], |row| row.get::<_, Option<Vec<u8>>>(0))?.flatten();
        let Some(sealed) = sealed else { return Ok(None) };
        let text = super::secrets::open_text(&self.desk.keys, &answer_place(id), &sealed)?;
        Ok(Some(Password::new(text.to_string())))
    }

    /// Requests that have no answer yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_requests(&self) -> Result<Vec<Uuid>, StoreError> {
        let sql = "SELECT id FROM request WHERE answer IS NULL ORDER BY at";
        self.rows(sql, [], |row| row.get(0).map(Uuid::from_bytes))
    }

    /// Whether a token of that name was used.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn token_used(&self, jti: &str) -> Result<bool, StoreError> {
        Ok(self.row("SELECT 1 FROM token_used WHERE jti = ?1", [jti], |_| Ok(()))?.is_some())
    }

    /// The latest time that was proved, in seconds since 1970, and the time of the newest line of log and history, by
    /// the clock that the box had then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn times_seen(&self) -> Result<(i64, i64), StoreError> {
        let proved = self.meta(TIME_FLOOR)?.and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or(0);
        let sql = "SELECT max(coalesce((SELECT at FROM log ORDER BY seq DESC LIMIT 1), 0), \
                   coalesce((SELECT at FROM event ORDER BY seq DESC LIMIT 1), 0)) / 1000";
        Ok((proved, self.row(sql, [], |row| row.get(0))?.unwrap_or(0)))
    }

    /// The keys that took the place of the configured ones, if any did.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn token_keys(&self) -> Result<Option<StoredKeys>, StoreError> {
        self.row("SELECT file, keys, issued_at FROM token_keys", [], |row: &Row<'_>| {
            Ok(StoredKeys { file: row.get(0)?, jwks: row.get(1)?, issued_at: row.get(2)? })
        })
    }
}

impl Tx<'_> {
    /// Takes a request that was never asked before. It is open until [`Tx::answer_request`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_request(&mut self, new: &NewRequest) -> Result<(), StoreError> {
        self.forget_old_requests(new.at)?;
        let sql = "INSERT INTO request (id, at, fingerprint) VALUES (?1, ?2, ?3)";
        self.execute(sql, (new.id.as_bytes(), new.at, &new.fingerprint))?;
        self.add_reply(new.id, &new.reply)
    }

    /// One more who waits for the answer of an open request; beyond eight nobody is added.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_reply(&mut self, id: Uuid, reply: &ReplyTo) -> Result<(), StoreError> {
        let sql = "INSERT INTO request_reply (request, topic, correlation) SELECT ?1, ?2, ?3 \
                   WHERE (SELECT count(*) FROM request_reply WHERE request = ?1) < ?4";
        self.execute(sql, (id.as_bytes(), &reply.topic, &reply.correlation, MOST_REPLIES))?;
        Ok(())
    }

    /// Gives an open request its one answer, and puts it on its way to everybody who waits for it. `false`: it has one
    /// already, or is not known; nothing was changed then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn answer_request(&mut self, id: Uuid, answer: &str) -> Result<bool, StoreError> {
        let sealed = self.desk.keys.seal_field(&answer_place(id), answer.as_bytes())?;
        let sql = "UPDATE request SET answer = ?2 WHERE id = ?1 AND answer IS NULL";
        if self.execute(sql, (id.as_bytes(), sealed))? == 0 {
            return Ok(false);
        }
        let sql = "SELECT topic, correlation FROM request_reply WHERE request = ?1 ORDER BY rowid";
        let waiting =
            self.rows(sql, [id.as_bytes()], |row| Ok(ReplyTo { topic: row.get(0)?, correlation: row.get(1)? }))?;
        self.execute("DELETE FROM request_reply WHERE request = ?1", [id.as_bytes()])?;
        for reply in waiting {
            self.push_response(id, reply)?;
        }
        Ok(true)
    }

    /// Puts the answer of a request on its way once more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn push_response(&mut self, id: Uuid, reply: ReplyTo) -> Result<OutboxSeq, StoreError> {
        let seq = self.take_seq();
        let body = serde_json::to_string(&ResponseBody { id, reply }).map_err(|e| StoreError::Row(e.to_string()))?;
        let record = Record { kind: Kind::Response, text: 0, panel: None, body: Some(body) };
        self.enqueue(Priority::Trouble, seq, record)?;
        Ok(OutboxSeq(seq))
    }

    /// Remembers that a token was used, until `exp`; forgets those that had expired at `proved`, a time that the box
    /// will never fall behind again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn use_token(&mut self, jti: &str, exp: i64, proved: i64) -> Result<(), StoreError> {
        self.execute("DELETE FROM token_used WHERE exp < ?1", [proved])?;
        self.execute("INSERT OR IGNORE INTO token_used (jti, exp) VALUES (?1, ?2)", (jti, exp))?;
        Ok(())
    }

    /// Remembers a time, in seconds since 1970: the box will not believe an earlier one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_time_floor(&mut self, seconds: i64) -> Result<(), StoreError> {
        self.put_meta(TIME_FLOOR, u64::try_from(seconds).unwrap_or(0))
    }

    /// Puts other keys in the place of the configured ones.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_token_keys(&mut self, keys: &StoredKeys) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO token_keys (one, file, keys, issued_at) VALUES (1, ?1, ?2, ?3)";
        self.execute(sql, (&keys.file, &keys.jwks, keys.issued_at))?;
        Ok(())
    }

    fn forget_old_requests(&mut self, now: i64) -> Result<(), StoreError> {
        let old = "DELETE FROM request WHERE at < ?1 AND answer IS NOT NULL";
        self.execute_scrubbed(old, [now.saturating_sub(KEPT)])?;
        let count = self.row("SELECT count(*) FROM request", [], |row| row.get::<_, Count>(0))?;
        if count.is_some_and(|count| count.0 >= u64::from(MOST)) {
            let oldest = "DELETE FROM request WHERE id IN \
                          (SELECT id FROM request WHERE answer IS NOT NULL ORDER BY at LIMIT ?1)";
            self.execute_scrubbed(oldest, [MOST / 100])?;
        }
        Ok(())
    }
}

/// What a record of the outbox says about an answer that goes out.
pub(super) fn response_row(row: &Row<'_>) -> rusqlite::Result<ResponseBody> {
    Ok(row.get::<_, Json<ResponseBody>>(0)?.0)
}

fn answer_place(id: Uuid) -> String {
    format!("request\0{id}\0answer")
}
