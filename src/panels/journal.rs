//! Writes of one panel to the store, in order, several under way: an alarm does not wait behind zone traffic that
//! waits for company.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use panel_driver::clock;
use panel_model::PanelId;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::store::{Chain, Committed, Store, StoreError, Tx, Urgency};

/// A transaction that owns its data, so that it can be tried again.
pub(super) type Write = Arc<dyn Fn(&mut Tx<'_>) -> Result<(), StoreError> + Send + Sync>;

/// How long to wait before the store is tried again after it could not take something.
const AGAIN: Duration = Duration::from_secs(1);
/// Writes under way at most; more wait. The store commits at 50 writes, so this is never the brake.
const UNDER_WAY: usize = 64;

/// The panel's writes that are not committed yet, oldest first.
pub(super) struct Journal {
    store: Store,
    /// None of the writes may overtake another: a later one may be about the same row.
    chain: Chain,
    panel: PanelId,
    under_way: VecDeque<UnderWay>,
    cancel: CancellationToken,
    /// It was told that the store takes nothing.
    told: bool,
}

struct UnderWay {
    /// Gone once it is known how the commit ended.
    committed: Option<Committed<()>>,
    /// The store could not take it; when it is handed over again.
    again: Option<Instant>,
    write: Write,
}

impl Journal {
    pub(super) fn new(store: Store, panel: PanelId, cancel: CancellationToken) -> Self {
        Self { store, chain: Chain::default(), panel, under_way: VecDeque::new(), cancel, told: false }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Hands a write to the store. A grouped one is settled later ([`Self::settle_one`]); one that is due now is
    /// committed, with all before it, when this returns.
    pub(super) async fn write(&mut self, urgency: Urgency, write: Write) {
        // Behind a write that waits to be tried again nothing newer is written: it would be overwritten by what is older.
        while self.under_way.len() >= UNDER_WAY || self.under_way.front().is_some_and(|w| w.again.is_some()) {
            self.settle_one().await;
        }
        let work = Arc::clone(&write);
        let committed = self.store.begin_write_in(&self.chain, urgency, move |tx| work(tx)).await.ok();
        self.under_way.push_back(UnderWay { committed, again: None, write });
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

    /// Waits for the oldest write's commit; pends if none is under way. What the store cannot take is handed to it
    /// again until it can: little is taken from the driver meanwhile, so its events wait in their bounded queue, then
    /// in the link. Given up only when the daemon stops.
    ///
    /// # Cancel safety
    /// A write stays first in line until it is committed. Cut short while it is with the store, it is waited for next
    /// time and not handed over twice.
    pub(super) async fn settle_one(&mut self) {
        while let Some(first) = self.under_way.front_mut() {
            if let Some(committed) = &mut first.committed {
                let result = committed.await;
                first.committed = None;
                match result {
                    Ok(()) => return self.first_is_done(),
                    Err(error) => self.refused(&error),
                }
            }
            self.take_back_the_rest().await;
            let Some(first) = self.under_way.front_mut() else { return };
            if let Some(again) = first.again {
                tokio::select! {
                    biased;
                    () = self.cancel.cancelled() => return self.first_is_done(),
                    () = sleep_until(again.into()) => {}
                }
            }
            self.chain.mend();
            let work = Arc::clone(&first.write);
            // It has waited long enough: not for company, too.
            match self.store.begin_write_in(&self.chain, Urgency::Now, move |tx| work(tx)).await {
                Ok(committed) => first.committed = Some(committed),
                Err(error) => self.refused(&error),
            }
        }
        std::future::pending().await
    }

    /// Those behind a write that failed are refused by the store. When it has said so of all of them, the line can be
    /// begun anew; each is handed over again when it is the first.
    async fn take_back_the_rest(&mut self) {
        for later in self.under_way.iter_mut().skip(1) {
            if let Some(committed) = &mut later.committed {
                let _ = committed.await;
                later.committed = None;
            }
            later.again = Some(clock::now());
        }
    }

    fn first_is_done(&mut self) {
        if !self.cancel.is_cancelled() && std::mem::take(&mut self.told) {
            info!(panel = %self.panel, "the store takes events again");
        }
        self.under_way.pop_front();
    }

    fn refused(&mut self, error: &StoreError) {
        if !std::mem::replace(&mut self.told, true) {
            warn!(%error, panel = %self.panel, "the store cannot take what the panel told; trying until it can");
        }
        if let Some(first) = self.under_way.front_mut() {
            first.again = Some(clock::now() + AGAIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::FutureExt as _;

    use super::*;
    use crate::secrets::Keys;
    use crate::store::StoreOptions;

    #[tokio::test]
    async fn a_write_that_is_tried_again_is_done_once_however_often_the_wait_is_cut_short() {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = Arc::new(Keys::from_bytes([7; 32]));
        let (store, _) = Store::open(&StoreOptions::new(folder.path()), keys).expect("a store");
        let mut journal = Journal::new(store.clone(), "p".parse().expect("an id"), CancellationToken::new());
        let (tries, done) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let (tried, counted) = (Arc::clone(&tries), Arc::clone(&done));
        let write: Write = Arc::new(move |_: &mut Tx<'_>| {
            if tried.fetch_add(1, Ordering::SeqCst) == 0 {
                return Err(StoreError::Full);
            }
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(())
        });
        // Grouped: it is settled later, in an arm of a select that other arms cut short.
        journal.write(Urgency::Grouped, write).await;
        while tries.load(Ordering::SeqCst) < 2 {
            let _ = journal.settle_one().now_or_never();
            tokio::task::yield_now().await;
        }
        // With the store now; it answers at its own pace, which a read waits for.
        store.read(|_| Ok(())).await.expect("the store answers");
        journal.settle().await;
        assert_eq!((tries.load(Ordering::SeqCst), done.load(Ordering::SeqCst)), (2, 1));
    }

    #[tokio::test]
    async fn no_write_overtakes_one_that_the_store_could_not_take() {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = Arc::new(Keys::from_bytes([7; 32]));
        let (store, _) = Store::open(&StoreOptions::new(folder.path()), keys).expect("a store");
        let mut journal = Journal::new(store, "p".parse().expect("an id"), CancellationToken::new());
        let done = Arc::new(std::sync::Mutex::new(Vec::new()));
        for n in 0..5 {
            let (tries, done) = (AtomicU32::new(0), Arc::clone(&done));
            let write: Write = Arc::new(move |_: &mut Tx<'_>| {
                if n == 1 && tries.fetch_add(1, Ordering::SeqCst) < 2 {
                    return Err(StoreError::Full);
                }
                done.lock().expect("not poisoned").push(n);
                Ok(())
            });
            journal.write(Urgency::Grouped, write).await;
        }
        journal.settle().await;
        assert_eq!(*done.lock().expect("not poisoned"), [0, 1, 2, 3, 4]);
    }
}
