//! What the owner stores, and when it shows what it knows: never before it is on the disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use panel_driver::Residue;
use panel_model::{PanelSnapshot, Slot};

use super::super::book::Changes;
use super::super::journal::Write;
use super::super::secret_name;
use super::{Connection, Owner};
use crate::payload::User;
use crate::store::{NewEvent, Tx, Urgency};

/// From this many on, events have company enough and are committed at once.
const ENOUGH: usize = 50;

impl Owner {
    /// Stores changes, all or nothing. The new picture is shown when it is on the disk.
    pub(super) async fn commit(&mut self, changes: Changes) {
        if changes.is_stored() {
            let urgency =
                if changes.can_wait() && changes.events.len() < ENOUGH { Urgency::Grouped } else { Urgency::Now };
            let write = self.prepare(changes);
            self.journal.write(urgency, write).await;
            self.unseen = true;
        } else {
            self.unseen |= changes.picture;
        }
        if !self.journal.is_settled() {
            return;
        }
        if let Some(Connection { notes, kept, .. }) = &self.connection {
            kept.send_if_modified(|kept| std::mem::replace(kept, *notes) != *notes);
        }
        if std::mem::take(&mut self.unseen) {
            self.show();
        }
    }

    /// Makes the transaction for some changes. It owns all its data, so that it can be tried again.
    pub(super) fn prepare(&mut self, changes: Changes) -> Write {
        let id = self.parts.setup.id.clone();
        let delta = changes.reports_users().then(|| {
            let picture = &mut self.book.picture;
            let from = picture.reported_version;
            picture.reported_version += 1;
            (from, delta_body(picture, &changes))
        });
        let picture = &self.book.picture;
        let state = changes.state_before.map(|before| (before, picture.state.clone()));
        let users: Vec<_> = changes.users.iter().filter_map(|slot| picture.users.get(slot).cloned()).collect();
        let answers: Vec<_> = changes.answers.iter().map(|key| (*key, picture.answers.get(key).cloned())).collect();
        let Changes { events, adopted, codes, residue, master_proved, master_reverted, master_refused, .. } = changes;
        let residue = residue.map(|r| r.map(|Residue(text)| text));
        Arc::new(move |tx: &mut Tx<'_>| {
            for (at, event) in &events {
                tx.add_event(NewEvent { panel: id.clone(), at: *at, event: event.clone() })?;
            }
            if let Some((before, after)) = &state {
                tx.put_panel_state(&id, before, after)?;
            }
            for user in &users {
                tx.put_reported_user(&id, user)?;
            }
            for (slot, code) in &codes {
                tx.put_reported_code(&id, *slot, code)?;
            }
            for ((slot, field), answer) in &answers {
                match answer {
                    Some(answer) => tx.put_answer(&id, *slot, *field, answer.version, &answer.condition)?,
                    None => tx.delete_answer(&id, *slot, *field)?,
                }
            }
            let stored = if adopted.is_empty() { BTreeMap::new() } else { tx.desired_users(&id)? };
            for (slot, left) in &adopted {
                // A newer wish may be stored already that the owner is still to be told of.
                match stored.get(slot) {
                    Some(wish) if wish.version > left.version => {}
                    _ if left.wish.is_empty() => tx.delete_desired_user(&id, *slot)?,
                    _ => tx.put_desired_user(&id, left)?,
                }
            }
            if let Some((from, body)) = &delta {
                let to = tx.bump_reported(&id)?;
                tx.push_delta(&id, *from, to, body.clone())?;
            }
            if let Some(residue) = &residue {
                tx.put_residue(&id, residue.as_deref())?;
            }
            if master_reverted && let Some(previous) = tx.secret(&id, secret_name::PREVIOUS_MASTER)? {
                tx.put_secret(&id, secret_name::MASTER, &previous)?;
            }
            if master_proved || master_reverted {
                tx.delete_secret(&id, secret_name::PREVIOUS_MASTER)?;
            }
            if master_refused && let Some(master) = tx.secret(&id, secret_name::MASTER)? {
                tx.put_secret(&id, secret_name::REFUSED_MASTER, &master)?;
            }
            Ok(())
        })
    }

    pub(super) fn show(&self) {
        self.parts.publish.send_replace(Arc::new(self.book.picture.clone()));
    }
}

/// The users that changed, as the cloud gets them.
fn delta_body(picture: &PanelSnapshot, changes: &Changes) -> serde_json::Value {
    let slots = changes.users.iter().copied().chain(changes.answers.iter().map(|(slot, _)| *slot));
    let told = |slot: Slot| {
        let answered = picture.answers.keys().any(|(s, _)| *s == slot);
        (answered || picture.users.contains_key(&slot)).then(|| User::of(picture, slot))
    };
    let users: BTreeMap<Slot, Option<User>> = slots.map(|slot| (slot, told(slot))).collect();
    // Made of plain strings, numbers and lists, which always have a JSON form.
    serde_json::to_value(users).unwrap_or_default()
}
