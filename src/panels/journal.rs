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
    under_way: VecDeque<(Committed<()>, Urgency, Write)>,
    cancel: CancellationToken,
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
        match self.store.begin_write(urgency, move |tx| work(tx)).await {
            Ok(committed) => self.under_way.push_back((committed, urgency, write)),
            Err(error) => self.insist(error, urgency, &write).await,
        }
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
    /// A write that is not settled stays first in line. Only the waiting before another try can be cut short.
    pub(super) async fn settle_one(&mut self) {
        let Some((committed, ..)) = self.under_way.front_mut() else { return std::future::pending().await };
        let result = committed.await;
        if let Some((_, urgency, write)) = self.under_way.pop_front()
            && let Err(error) = result
        {
            self.insist(error, urgency, &write).await;
        }
    }

    /// Tries until it is written. While the store cannot (disk full), nothing is taken from the driver: its events
    /// wait in their bounded queue, then in the link. Given up only when the daemon stops.
    async fn insist(&self, error: StoreError, urgency: Urgency, write: &Write) {
        warn!(%error, panel = %self.panel, "the store cannot take what the panel told; trying again until it can");
        loop {
            if self.cancel.is_cancelled() {
                return;
            }
            let _ = timeout(AGAIN, self.cancel.cancelled()).await;
            let work = Arc::clone(write);
            if self.store.write(urgency, move |tx| work(tx)).await.is_ok() {
                info!(panel = %self.panel, "the store takes events again");
                return;
            }
        }
    }
}
