//! Writes of one panel to the store, in order, several under way: an alarm does not wait behind zone traffic that
//! waits for company.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use panel_model::PanelId;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::store::{Committed, Store, StoreError, Tx, Urgency};

/// A transaction that owns its data, so that it can be tried again.
pub(super) type Write = Arc<dyn Fn(&mut Tx<'_>) -> Result<(), StoreError> + Send + Sync>;

/// How long to wait before the store is tried again after it could not take something.
const AGAIN: Duration = Duration::from_secs(1);
/// Writes under way at most; more wait. The store commits at 50 writes, so this is never the brake.
const UNDER_WAY: usize = 64;

/// The panel's writes that are not committed yet, oldest first.
pub(super) struct Journal {
    store: Store,
    panel: PanelId,
    under_way: VecDeque<UnderWay>,
    cancel: CancellationToken,
}

struct UnderWay {
    /// Gone once it is known how the commit ended.
    committed: Option<Committed<()>>,
    failed: bool,
    urgency: Urgency,
    write: Write,
}

impl Journal {
    pub(super) fn new(store: Store, panel: PanelId, cancel: CancellationToken) -> Self {
        Self { store, panel, under_way: VecDeque::new(), cancel }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Hands a write to the store. A grouped one is settled later ([`Self::settle_one`]); one that is due now is
    /// committed, with all before it, when this returns.
    pub(super) async fn write(&mut self, urgency: Urgency, write: Write) {
        while self.under_way.len() >= UNDER_WAY {
            self.settle_one().await;
        }
        let work = Arc::clone(&write);
        let committed = self.store.begin_write(urgency, move |tx| work(tx)).await.ok();
        let failed = committed.is_none();
        self.under_way.push_back(UnderWay { committed, failed, urgency, write });
        if urgency == Urgency::Now {
            self.settle().await;
        }
    }

    /// Waits until everything is committed.
    pub(super) async fn settle(&mut self) {
        while !self.is_settled() {
            self.settle_one().await;
        }
    }

    /// Waits for the oldest write's commit; pends if none is under way.
    ///
    /// # Cancel safety
    /// A write stays first in line until it is committed; cut short, it is waited for, or tried again, next time.
    pub(super) async fn settle_one(&mut self) {
        let Some(first) = self.under_way.front_mut() else { return std::future::pending().await };
        if let Some(committed) = &mut first.committed {
            let result = committed.await;
            first.committed = None;
            if let Err(error) = result {
                warn!(%error, panel = %self.panel, "the store cannot take what the panel told; trying until it can");
                first.failed = true;
            }
        }
        if first.failed {
            insist(&self.store, &self.cancel, first).await;
            info!(panel = %self.panel, "the store takes events again");
        }
        self.under_way.pop_front();
    }
}

/// Tries until it is written. While the store cannot (disk full), little is taken from the driver: its events wait in
/// their bounded queue, then in the link. Given up only when the daemon stops.
async fn insist(store: &Store, cancel: &CancellationToken, entry: &UnderWay) {
    while !cancel.is_cancelled() {
        let _ = timeout(AGAIN, cancel.cancelled()).await;
        let work = Arc::clone(&entry.write);
        if store.write(entry.urgency, move |tx| work(tx)).await.is_ok() {
            return;
        }
    }
}
