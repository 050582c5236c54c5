//! Mail to people: takes what waits in the store's queue to the mail server, one at a time, with retries.
//!
//! `server.rs` speaks SMTP and hides the library, `retry.rs` says when to try again (pure), this file is the loop. A
//! mail is in the queue until the server has taken it or it is given up, which the action log tells as
//! `mail_not_delivered`; after a crash in between it may come twice, never not at all.

mod retry;
mod server;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Instant;

use panel_driver::clock;
use panel_model::Refusal;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use server::{Mailer, MailerError, Security, ServerConfig};

use crate::store::{NewLogLine, NewMail, Store, StoreError, Urgency, WaitingMail};
use retry::{Next, Retry};
use server::Failure;

/// Who takes mail to the server. Cheap to clone; each run begins anew.
#[derive(Debug, Clone)]
pub struct Post {
    store: Store,
    mailer: Arc<Mailer>,
    bell: Arc<Notify>,
}

impl Post {
    /// The post of this server. Whoever puts a mail into the queue rings `bell`.
    #[must_use]
    pub fn new(store: Store, mailer: Mailer, bell: Arc<Notify>) -> Self {
        Self { store, mailer: Arc::new(mailer), bell }
    }

    /// Sends what waits, until `stop`.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is lost, and a further run goes on.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        // When each mail is due. Only in memory: after a restart each is tried once at once, which does not count.
        let mut waiting: BTreeMap<i64, Retry> = BTreeMap::new();
        loop {
            self.look_into_queue(&mut waiting).await?;
            let next = waiting.iter().min_by_key(|(id, retry)| (retry.due, **id)).map(|(id, retry)| (*id, retry.due));
            // All arms are cancel-safe: a bell that rang is heard in the next round, a timer loses nothing.
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.bell.notified() => {}
                () = until(next.map(|(_, due)| due)) => {
                    let Some((id, _)) = next else { continue };
                    // A mail that is cut off by the stop is sent again after the next start.
                    tokio::select! {
                        () = stop.cancelled() => return Ok(()),
                        tried = self.try_once(id, &mut waiting) => tried?,
                    }
                }
            }
        }
    }

    /// Mails that came since are due at once.
    async fn look_into_queue(&self, waiting: &mut BTreeMap<i64, Retry>) -> Result<(), StoreError> {
        let ids = self.store.read(|view| view.mails()).await?;
        waiting.retain(|id, _| ids.contains(id));
        for id in ids {
            if let Entry::Vacant(place) = waiting.entry(id) {
                let tries = self.store.read(move |view| view.mail(id)).await?.map_or(0, |mail| mail.tries);
                place.insert(Retry::at_once(tries, clock::now()));
            }
        }
        Ok(())
    }

    async fn try_once(&self, id: i64, waiting: &mut BTreeMap<i64, Retry>) -> Result<(), StoreError> {
        let Some(WaitingMail { mail, .. }) = self.store.read(move |view| view.mail(id)).await? else { return Ok(()) };
        let Some(mail) = mail else {
            warn!(id, "a mail in the queue cannot be read any more; it is dropped");
            return self.store.write(Urgency::Now, move |tx| tx.delete_mail(id)).await;
        };
        match self.mailer.send(&mail).await {
            Ok(()) => {
                info!(id, action = mail.action, "the mail server took a mail");
                self.store.write(Urgency::Now, move |tx| tx.delete_mail(id)).await
            }
            Err(Failure::ForGood(why)) => self.give_up(id, mail, why).await,
            Err(Failure::ForNow(why)) => {
                let Some(retry) = waiting.get_mut(&id) else { return Ok(()) };
                match retry.failed(clock::now()) {
                    Next::GiveUp => self.give_up(id, mail, why).await,
                    Next::Wait(wait) => {
                        warn!(id, why, next_s = wait.as_secs(), "a mail could not be sent; it is tried again");
                        let tries = retry.tries;
                        self.store.write(Urgency::Now, move |tx| tx.set_mail_tries(id, tries)).await
                    }
                }
            }
        }
    }

    /// Takes a mail out of the queue and tells whoever caused it, in the action log.
    async fn give_up(&self, id: i64, mail: NewMail, why: String) -> Result<(), StoreError> {
        warn!(id, why, "a mail is given up");
        let line = NewLogLine {
            at: clock::wall(),
            actor: mail.actor,
            role: mail.role,
            door: mail.door,
            action: mail.action,
            panel: None,
            slot: None,
            subject: Some(mail.recipient.to_string()),
            result: Refusal::MailNotDelivered.code().to_owned(),
            text: Some(why),
        };
        let work = move |tx: &mut crate::store::Tx<'_>| {
            tx.delete_mail(id)?;
            tx.add_log_line(line).map(|_| ())
        };
        self.store.write(Urgency::Now, work).await
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
