//! An outbox and an intake in memory, in place of the store and the actions.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use panel_model::{EventClass, EventKind, PanelEvent, PanelId, Refusal, WallTime};
use panelgate::cloud::ports::{
    DirectoryKeys, Intake, Outbox, OutboxContent, OutboxRecord, Rejected, RequestMessage, Unavailable,
};
use panelgate::payload::{DesiredDocument, DirectoryDocument, DirectoryReported, DocumentRefusal, Event};
use tokio::sync::watch;
use uuid::Uuid;

use super::samples::{NOON, zone};

/// Ordered by priority, then number. Clones share it, as handles of the store do.
#[derive(Debug, Clone)]
pub(crate) struct MemoryOutbox(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    rows: Mutex<BTreeMap<(u8, u64), OutboxContent>>,
    changed: watch::Sender<u64>,
    deletions: Mutex<Vec<Vec<u64>>>,
}

impl MemoryOutbox {
    pub(crate) fn new() -> Self {
        let changed = watch::Sender::new(0);
        Self(Arc::new(Shared { rows: Mutex::default(), changed, deletions: Mutex::default() }))
    }

    /// Adds a record; its number is the count of all before it.
    pub(crate) fn add(&self, priority: u8, content: OutboxContent) -> u64 {
        let mut seq = 0;
        self.0.changed.send_modify(|count| {
            *count += 1;
            seq = *count;
            self.0.rows.lock().unwrap().insert((priority, seq), content);
        });
        seq
    }

    /// Adds an event of a panel: zone traffic, or an alarm. `text` comes out at the other end.
    pub(crate) fn add_event(&self, panel: &str, kind: EventKind, text: &str) -> u64 {
        let panel: PanelId = panel.parse().unwrap();
        let priority = if kind.class() == EventClass::Alarm { 0 } else { 2 };
        let seq = *self.0.changed.borrow() + 1;
        let event = PanelEvent::new(kind).zone(zone(1)).text(text);
        let event = Event::new(Uuid::now_v7(), seq, &panel, WallTime(NOON.0), &event);
        self.add(priority, OutboxContent::Event(Box::new(event)))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.rows.lock().unwrap().len()
    }

    /// Waits until everything is delivered and deleted.
    pub(crate) async fn emptied(&self) {
        let mut changed = self.0.changed.subscribe();
        while self.len() > 0 {
            changed.changed().await.unwrap();
        }
    }

    /// What was deleted together.
    pub(crate) fn deletions(&self) -> Vec<Vec<u64>> {
        self.0.deletions.lock().unwrap().clone()
    }
}

impl Outbox for MemoryOutbox {
    async fn next(&self, limit: usize, skip: Vec<u64>) -> Result<Vec<OutboxRecord>, Unavailable> {
        let rows = self.0.rows.lock().unwrap();
        let waiting = rows.iter().filter(|((_, seq), _)| !skip.contains(seq)).take(limit);
        Ok(waiting.map(|((_, seq), content)| OutboxRecord { seq: *seq, content: content.clone() }).collect())
    }

    async fn acknowledge(&self, seqs: Vec<u64>) -> Result<(), Unavailable> {
        let mut rows = self.0.rows.lock().unwrap();
        for seq in &seqs {
            for priority in 0..4 {
                rows.remove(&(priority, *seq));
            }
        }
        drop(rows);
        self.0.deletions.lock().unwrap().push(seqs);
        // Wakes those who wait in `emptied`; the count does not change.
        self.0.changed.send_modify(|_| {});
        Ok(())
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }
}

/// Takes what it is given, unless a refusal lies ready.
#[derive(Debug, Clone)]
pub(crate) struct MemoryIntake {
    pub(crate) taken: watch::Sender<Vec<(PanelId, DesiredDocument)>>,
    pub(crate) requests: watch::Sender<Vec<RequestMessage>>,
    pub(crate) directory: watch::Sender<DirectoryReported>,
    refusals: Arc<Mutex<VecDeque<Refusal>>>,
}

impl MemoryIntake {
    pub(crate) fn new() -> Self {
        Self {
            taken: watch::Sender::default(),
            requests: watch::Sender::default(),
            directory: watch::Sender::default(),
            refusals: Arc::default(),
        }
    }

    /// The next document is refused like this.
    pub(crate) fn refuse_next(&self, refusal: Refusal) {
        self.refusals.lock().unwrap().push_back(refusal);
    }

    pub(crate) fn versions(&self) -> Vec<u64> {
        self.taken.borrow().iter().map(|(_, document)| document.version).collect()
    }

    /// Waits until a document of that version was taken.
    pub(crate) async fn took(&self, version: u64) -> DesiredDocument {
        let mut taken = self.taken.subscribe();
        let list = taken.wait_for(|list| list.iter().any(|(_, d)| d.version == version)).await.unwrap();
        list.iter().find(|(_, d)| d.version == version).unwrap().1.clone()
    }
}

impl Intake for MemoryIntake {
    async fn apply(&self, panel: PanelId, document: DesiredDocument) -> Result<(), Rejected> {
        if let Some(refusal) = self.refusals.lock().unwrap().pop_front() {
            return Err(Rejected { refusal, text: refusal.hint().to_owned() });
        }
        self.taken.send_modify(|list| list.push((panel, document)));
        Ok(())
    }

    async fn request(&self, message: RequestMessage) -> Result<(), Rejected> {
        self.requests.send_modify(|list| list.push(message));
        Ok(())
    }

    async fn apply_directory(&self, document: DirectoryDocument) -> Result<(), Rejected> {
        self.directory.send_modify(|reported| reported.version = document.version);
        Ok(())
    }

    async fn rotate_keys(&self, _: DirectoryKeys) -> Result<(), Rejected> {
        Ok(())
    }

    fn directory_refused(&self, refused: Option<DocumentRefusal>, _: bool) {
        self.directory.send_modify(|reported| reported.refused_document = refused);
    }

    fn directory(&self) -> watch::Receiver<DirectoryReported> {
        self.directory.subscribe()
    }
}
