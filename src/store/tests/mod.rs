//! Tests by subject. They work on real files in temporary directories; only the store's own timer runs.

mod child;
mod contents;
mod events;
mod faults;
mod grouping;
mod log;
mod outbox;
mod power;
mod requests;
mod roles;
mod sealed;
mod wear;

use std::path::Path;
use std::sync::Arc;

use panel_model::{EventKind, PanelEvent, PanelId, Slot, WallTime, Zone};
use tempfile::TempDir;

use super::*;
use crate::secrets::Keys;

fn keys() -> Arc<Keys> {
    Arc::new(Keys::from_bytes([7; 32]))
}

fn options(dir: &Path) -> StoreOptions {
    StoreOptions::new(dir)
}

fn open(dir: &Path) -> Store {
    Store::open(&options(dir), keys()).expect("opened").0
}

/// A new store in a directory of its own, which goes when the first part is dropped.
fn fresh() -> (TempDir, Store) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    (dir, store)
}

fn panel(id: &str) -> PanelId {
    id.parse().expect("a panel id")
}

fn zone(n: u32) -> Zone {
    Zone::new(n).expect("a zone")
}

fn slot(n: u32) -> Slot {
    Slot::new(n).expect("a slot")
}

/// An event of the first panel, `n` milliseconds after 2025-01-01.
fn event(kind: EventKind, n: u32) -> NewEvent {
    let at = WallTime(1_735_689_600_000 + i64::from(n));
    NewEvent { panel: panel("dsc-1"), at, event: PanelEvent::new(kind).zone(zone(n % 64 + 1)) }
}

async fn add(store: &Store, new: NewEvent) -> StoredEvent {
    store.write(Urgency::Now, |tx| tx.add_event(new)).await.expect("stored")
}

async fn all_events(store: &Store) -> Vec<StoredEvent> {
    let query = EventQuery { limit: usize::MAX, newest_first: false, ..EventQuery::default() };
    store.read(move |view| view.events(&query)).await.expect("read")
}
