//! What the box knows of one panel and what is wished of it: pure bookkeeping. Everything that has to be stored
//! because of a change is collected in [`Changes`]; the owner task commits it, then publishes the new picture.
//!
//! `evidence.rs` is about users as the panel shows them, `wishes.rs` about what they shall be.

mod evidence;
mod wishes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use panel_driver::{DriverEvent, Residue};
use panel_model::{
    AccessCode, DesiredUser, EventClass, Field, PanelError, PanelEvent, PanelSnapshot, PanelState, Slot, WallTime,
    ZoneState,
};

pub(crate) use self::wishes::Accepted;
use super::Authority;
use super::reconcile::Step;
use crate::secrets::Keys;

/// What one or more changes mean for the store. Empty means: nothing to store.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) events: Vec<(WallTime, PanelEvent)>,
    /// The state as it was stored, if it is different now.
    pub(super) state_before: Option<PanelState>,
    pub(super) users: BTreeSet<Slot>,
    pub(super) answers: BTreeSet<(Slot, Field)>,
    /// What is left of wishes that a change at the panel overruled.
    pub(super) adopted: BTreeMap<Slot, DesiredUser>,
    /// Codes that a panel showed, to be sealed.
    pub(super) codes: Vec<(Slot, AccessCode)>,
    pub(super) residue: Option<Option<Residue>>,
    pub(super) master_proved: bool,
    /// The previous master code holds.
    pub(super) master_reverted: bool,
    /// The panel refused the master code that the box keeps.
    pub(super) master_refused: bool,
    /// Something in the picture changed that is not stored.
    pub(super) picture: bool,
}

impl Changes {
    pub(super) fn is_stored(&self) -> bool {
        !self.events.is_empty()
            || self.state_before.is_some()
            || self.reports_users()
            || !self.adopted.is_empty()
            || !self.codes.is_empty()
            || self.residue.is_some()
            || self.touches_master()
    }

    fn touches_master(&self) -> bool {
        self.master_proved || self.master_reverted || self.master_refused
    }

    /// Users or answers changed: the reported version rises.
    pub(super) fn reports_users(&self) -> bool {
        !self.users.is_empty() || !self.answers.is_empty()
    }

    /// Whether company may be waited for: only zone traffic and diagnostics may.
    pub(super) fn can_wait(&self) -> bool {
        let patient = |class| matches!(class, EventClass::Zone | EventClass::Level | EventClass::Diagnostic);
        let no_writes = !self.reports_users() && self.residue.is_none() && !self.touches_master();
        no_writes && self.events.iter().all(|(_, event)| patient(event.kind.class()))
    }
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    tries: u32,
    until: Instant,
}

/// The book of one panel.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) picture: PanelSnapshot,
    desired: BTreeMap<Slot, DesiredUser>,
    authority: Authority,
    keys: Arc<Keys>,
    waiting: BTreeMap<(Slot, Field), Waiting>,
    running: Option<Step>,
    /// The panel did not take the master code: nothing that needs it is tried before somebody stores another one.
    master_needed: Option<PanelError>,
    /// When [`Book::next_step`] last looked for something to do.
    looked_at: Option<Instant>,
}

impl Book {
    pub(super) fn new(
        picture: PanelSnapshot,
        desired: BTreeMap<Slot, DesiredUser>,
        authority: Authority,
        keys: Arc<Keys>,
    ) -> Self {
        Self {
            picture,
            desired,
            authority,
            keys,
            waiting: BTreeMap::new(),
            running: None,
            master_needed: None,
            looked_at: None,
        }
    }

    /// Takes in one event of the driver.
    pub(super) fn take(&mut self, wall: WallTime, event: DriverEvent, changes: &mut Changes) {
        match event {
            DriverEvent::Snapshot(report) => {
                let before = self.picture.state.clone();
                let differences = self.picture.state.resync(*report);
                changes.events.extend(differences.into_iter().map(|event| (wall, event)));
                self.state_changed(before, changes);
            }
            DriverEvent::Happened(event) => self.happened(wall, event, changes),
            DriverEvent::User(report) => self.user_reported(wall, *report, changes),
            DriverEvent::UsersStale => self.users_stale(wall, changes),
            DriverEvent::ZoneLabel(zone, label) => self.relabel(changes, |state| {
                state.zones.entry(zone).or_insert_with(ZoneState::default).label = Some(label);
            }),
            DriverEvent::PartitionLabel(partition, label) => self.relabel(changes, |state| {
                if let Some(known) = state.partitions.get_mut(&partition) {
                    known.label = Some(label);
                }
            }),
            DriverEvent::Capabilities(capabilities) => {
                changes.picture |= self.picture.capabilities != *capabilities;
                self.picture.capabilities = *capabilities;
            }
            DriverEvent::Firmware(text) => {
                changes.picture |= self.picture.firmware.as_ref() != Some(&text);
                self.picture.firmware = Some(text);
            }
            DriverEvent::Alive => {}
            DriverEvent::Progress(_, progress) => {
                let over = progress.done >= progress.total;
                self.picture.progress = (!over).then_some(progress);
                changes.picture = true;
            }
            DriverEvent::Residue(residue) => changes.residue = Some(residue),
            // While a new master code is being written, the proof is still about the old one.
            DriverEvent::MasterProved => changes.master_proved |= !self.writes_master(),
            DriverEvent::MasterReverted => changes.master_reverted |= !self.writes_master(),
        }
    }

    fn state_changed(&self, before: PanelState, changes: &mut Changes) {
        if before != self.picture.state && changes.state_before.is_none() {
            changes.state_before = Some(before);
        }
    }

    fn relabel(&mut self, changes: &mut Changes, change: impl FnOnce(&mut PanelState)) {
        let before = self.picture.state.clone();
        change(&mut self.picture.state);
        self.state_changed(before, changes);
    }

    fn happened(&mut self, wall: WallTime, event: PanelEvent, changes: &mut Changes) {
        let before = changes.state_before.is_none().then(|| self.picture.state.clone());
        let changed = self.picture.state.apply(&event);
        if changed && before.is_some() {
            changes.state_before = before;
        }
        if !changed && event.kind.is_change() {
            // Told again, as panels do when a bell cuts off: nothing happened.
            return;
        }
        if event.is_published() {
            changes.events.push((wall, event));
        }
    }
}
