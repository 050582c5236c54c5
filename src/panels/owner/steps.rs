//! The owner's way from a wish to the panel: one step at a time.

use std::sync::Arc;

use panel_driver::{Outcome, Reply, clock};
use panel_model::{Evidence, NotNow, PanelError, UserWish};
use tokio::sync::oneshot;
use tracing::{debug, info, warn};

use super::super::book::Changes;
use super::super::reconcile::{Step, Work};
use super::super::{put_master, secret_name};
use super::Owner;
use crate::store::{Tx, Urgency};

impl Owner {
    /// Starts the next step towards what is wished, if nothing is under way.
    pub(super) async fn reconcile(&mut self) {
        while !self.journal.is_stuck() {
            let mut changes = Changes::default();
            let up = self.is_up();
            let next = self.book.next_step(clock::now(), up, &mut changes);
            let Some(step) = next else {
                return self.commit(changes).await;
            };
            let at_once = match step.work {
                Work::Keep(_) => Some(Outcome::Applied(Evidence::ReadBack)),
                // No second try with a code that the panel refused.
                Work::Panel(_) => self.book.master_needed(),
            };
            if let Some(outcome) = at_once {
                self.book.finish_step(clock::now(), clock::wall(), outcome, &mut changes);
                self.commit(changes).await;
                continue;
            }
            self.commit(changes).await;
            return self.begin(step).await;
        }
    }

    pub(super) async fn begin(&mut self, step: Step) {
        if self.book.writes_master() {
            self.keep_both_masters().await;
        }
        let Work::Panel(command) = step.work else { return };
        let (reply, outcome) = Reply::new();
        self.step = Some(outcome);
        if self.journal.is_stuck() {
            // What has to be on the disk before the panel is touched is not there.
            return reply.complete(Outcome::NotNow(NotNow { why: "the box cannot store anything".into() }));
        }
        debug!(slot = step.slot.number(), command = command.name(), version = step.version, "writing to the panel");
        // Not connected any more: dropping the promise answers it.
        drop(self.send(command, reply));
    }

    pub(super) async fn step_ended(&mut self, outcome: Outcome, changes: &mut Changes) {
        self.step = None;
        if self.book.writes_master()
            && let Outcome::Failed(PanelError { retry: false, .. }) | Outcome::Refused(_) = &outcome
        {
            self.forget_new_master().await;
        }
        let (slot, field) = self.book.running().map(|step| (step.slot.number(), step.field.name())).unzip();
        if outcome == Outcome::interrupted()
            && let Some(connection) = &mut self.connection
        {
            // The driver is at its end, though its task may not be yet: nothing more is asked of it.
            connection.up = false;
        }
        match &outcome {
            Outcome::Applied(evidence) => info!(slot, field, ?evidence, "written"),
            // Asked again and again while the panel is armed: people find it in the answer.
            Outcome::NotNow(NotNow { why }) => debug!(slot, field, why, "not written yet"),
            Outcome::Refused(refusal) => warn!(slot, field, %refusal, "not written"),
            Outcome::Failed(error) => warn!(slot, field, code = error.code, text = error.text, "not written"),
        }
        self.book.finish_step(clock::now(), clock::wall(), outcome, changes);
    }

    /// A new master code is about to be written. Should the box lose power in between, it knows both.
    pub(super) async fn keep_both_masters(&mut self) {
        let Some(UserWish::Present { code: Some(new), .. }) = self.book.running_wish() else { return };
        let new = new.clone();
        let id = self.parts.setup.id.clone();
        let write = move |tx: &mut Tx<'_>| {
            if let Some(current) = tx.secret(&id, secret_name::MASTER)?.filter(|code| **code != new.expose()) {
                tx.put_secret(&id, secret_name::PREVIOUS_MASTER, &current)?;
            }
            put_master(tx, &id, new.expose())
        };
        self.journal.write(Urgency::Now, Arc::new(write)).await;
    }

    /// The panel did not take the new master code: the old one holds.
    pub(super) async fn forget_new_master(&self) {
        let id = self.parts.setup.id.clone();
        let written = self.parts.store.write(Urgency::Now, move |tx| {
            if let Some(old) = tx.secret(&id, secret_name::PREVIOUS_MASTER)? {
                tx.put_secret(&id, secret_name::MASTER, &old)?;
                tx.delete_secret(&id, secret_name::PREVIOUS_MASTER)?;
            }
            Ok(())
        });
        if let Err(error) = written.await {
            // Both are still kept, and the driver tries both.
            warn!(%error, "could not put the old master code back");
        }
    }
}

/// The running step's outcome; pends while none runs.
pub(super) async fn step_outcome(step: &mut Option<oneshot::Receiver<Outcome>>) -> Outcome {
    match step {
        Some(receiver) => receiver.await.unwrap_or_else(|_| Outcome::interrupted()),
        None => std::future::pending().await,
    }
}
