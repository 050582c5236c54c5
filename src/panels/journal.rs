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

    /// Everything is on the disk.
    pub(super) fn is_settled(&self) -> bool {
        self.under_way.is_empty()
    }

    /// The store could not take the oldest write, which is tried again. Until it is taken, what comes is kept in line
    /// behind it: whoever can should bring nothing new.
    pub(super) fn is_stuck(&self) -> bool {
        self.under_way.front().is_some_and(|first| first.again.is_some())
    }

    /// Hands a write to the store. A grouped one is settled later ([`Self::settle_one`]); one that is due now is
    /// committed, with all before it, when this returns, unless the journal [is stuck](Self::is_stuck).
    pub(super) async fn write(&mut self, urgency: Urgency, write: Write) {
        while self.under_way.len() >= UNDER_WAY {
            self.settle_one().await;
        }
        if self.is_stuck() {
            self.under_way.push_back(UnderWay { committed: None, again: Some(clock::now()), write });
            return;
        }
        let work = Arc::clone(&write);
        let committed = self.store.begin_write_in(&self.chain, urgency, move |tx| work(tx)).await.ok();
        self.under_way.push_back(UnderWay { committed, again: None, write });
        while urgency == Urgency::Now && !self.is_settled() && !self.is_stuck() {
            self.settle_one().await;
        }
    }

    /// Waits until everything is committed, or given up.
    pub(super) async fn settle(&mut self) {
        while !self.is_settled() {
            self.settle_one().await;
        }
    }

    /// Waits until the oldest write is committed, or the store has refused it; pends if none is under way. What the
    /// store cannot take is handed to it again, second after second, until it can. When the daemon stops, it gets one
    /// more try without a wait; if that fails, everything in line is given up.
    ///
    /// # Cancel safety
    /// A write stays first in line until it is committed. Cut short while it is with the store, it is waited for next
    /// time and not handed over twice.
    pub(super) async fn settle_one(&mut self) {
        let Some(first) = self.under_way.front() else { return std::future::pending().await };
        if first.committed.is_none() {
            self.try_again().await;
        }
        let Some(first) = self.under_way.front_mut() else { return };
        let Some(committed) = &mut first.committed else { return };
        let result = committed.await;
        first.committed = None;
        match result {
            Ok(()) => self.first_is_done(),
            Err(error) => self.refused(&error),
        }
    }

    /// Hands the first in line to the store once more, when it is time.
    async fn try_again(&mut self) {
        self.take_back_the_rest().await;
        let Some(first) = self.under_way.front_mut() else { return };
        if let Some(again) = first.again {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => {}
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
        self.under_way.pop_front();
        // Those behind it have not been tried yet.
        if self.is_settled() && std::mem::take(&mut self.told) {
            info!(panel = %self.panel, "the store takes events again");
        }
    }

    fn refused(&mut self, error: &StoreError) {
        if self.cancel.is_cancelled() {
            // None behind it may be written without it.
            warn!(%error, panel = %self.panel, lost = self.under_way.len(), "the store did not take what the panel told");
            return self.under_way.clear();
        }
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
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

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

    /// A journal over a store that refuses all but the first write while `full` is set, and what was written.
    struct Bench {
        journal: Journal,
        cancel: CancellationToken,
        full: Arc<AtomicBool>,
        done: Arc<Mutex<Vec<u32>>>,
        _folder: tempfile::TempDir,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let keys = Arc::new(Keys::from_bytes([7; 32]));
            let (store, _) = Store::open(&StoreOptions::new(folder.path()), keys).expect("a store");
            let cancel = CancellationToken::new();
            let journal = Journal::new(store, "p".parse().expect("an id"), cancel.clone());
            Self { journal, cancel, full: Arc::default(), done: Arc::default(), _folder: folder }
        }

        /// The first write that finds the disk full, with some more behind it that are with the store already.
        async fn stuck() -> Self {
            let mut bench = Self::new();
            bench.full.store(true, Ordering::SeqCst);
            for n in 0..5 {
                bench.write(Urgency::Grouped, n).await;
            }
            while !bench.journal.is_stuck() {
                bench.journal.settle_one().await;
            }
            assert_eq!(bench.done(), [0]);
            bench
        }

        async fn write(&mut self, urgency: Urgency, n: u32) {
            let (full, done) = (Arc::clone(&self.full), Arc::clone(&self.done));
            let write: Write = Arc::new(move |_: &mut Tx<'_>| {
                if n > 0 && full.load(Ordering::SeqCst) {
                    return Err(StoreError::Full);
                }
                done.lock().expect("not poisoned").push(n);
                Ok(())
            });
            self.journal.write(urgency, write).await;
        }

        fn done(&self) -> Vec<u32> {
            self.done.lock().expect("not poisoned").clone()
        }
    }

    #[tokio::test]
    async fn no_write_overtakes_one_that_the_store_could_not_take() {
        let mut bench = Bench::stuck().await;
        bench.journal.settle_one().await;
        assert_eq!(bench.done(), [0], "tried again in vain");
        bench.full.store(false, Ordering::SeqCst);
        bench.journal.settle().await;
        bench.write(Urgency::Now, 5).await;
        assert_eq!(bench.done(), [0, 1, 2, 3, 4, 5]);
    }

    #[tokio::test]
    async fn nobody_waits_behind_a_write_that_the_store_could_not_take() {
        let mut bench = Bench::stuck().await;
        bench.write(Urgency::Now, 5).now_or_never().expect("it is kept in line");
        bench.write(Urgency::Grouped, 6).now_or_never().expect("it is kept in line");
        assert!(bench.journal.is_stuck() && !bench.journal.is_settled());
        bench.full.store(false, Ordering::SeqCst);
        bench.journal.settle().await;
        assert_eq!(bench.done(), [0, 1, 2, 3, 4, 5, 6]);
    }

    #[tokio::test]
    async fn what_waits_is_tried_once_more_when_the_daemon_stops() {
        let mut bench = Bench::stuck().await;
        bench.full.store(false, Ordering::SeqCst);
        bench.cancel.cancel();
        bench.write(Urgency::Now, 5).await;
        bench.journal.settle().await;
        assert_eq!(bench.done(), [0, 1, 2, 3, 4, 5]);
    }

    #[tokio::test]
    async fn a_store_that_takes_nothing_does_not_hold_up_the_end_and_nothing_is_written_past_the_gap() {
        let mut bench = Bench::stuck().await;
        bench.cancel.cancel();
        bench.journal.settle().await;
        bench.full.store(false, Ordering::SeqCst);
        bench.write(Urgency::Now, 5).await;
        bench.journal.settle().await;
        assert_eq!(bench.done(), [0]);
    }
}
