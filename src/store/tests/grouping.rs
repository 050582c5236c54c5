use std::time::Duration;

use panel_driver::clock;

use super::*;

#[tokio::test]
async fn writes_that_wait_together_commit_together() {
    let (_dir, store) = fresh();
    // The store is busy until all are handed over, however long that takes.
    let (hold, held) = mpsc::channel::<()>();
    let busy = store.begin_write(Urgency::Now, move |_| Ok(held.recv().is_err())).await.expect("handed over");
    let mut waiting = Vec::new();
    for n in 0..250 {
        waiting.push(add_grouped(&store, n).await);
    }
    drop(hold);
    busy.await.expect("done");
    let mut seqs = Vec::new();
    for written in waiting {
        seqs.push(written.await.expect("stored").seq);
    }
    assert!(seqs.is_sorted(), "done in the order in which they were handed over");
    let stats = store.stats();
    assert_eq!((stats.writes, stats.failed, stats.commits), (251, 0, 1));
    assert_eq!(all_events(&store).await.len(), 250);
}

#[tokio::test]
async fn an_urgent_write_takes_everything_along_that_waits() {
    let (_dir, store) = fresh();
    let lazy = store.begin_write(Urgency::Lazy, |tx| tx.outbox_ack(&[OutboxSeq(1)])).await.expect("handed over");
    let urgent = store.begin_write(Urgency::Now, |tx| tx.add_event(event(EventKind::ZoneAlarm, 1)));
    urgent.await.expect("handed over").await.expect("stored");
    lazy.await.expect("stored");
    assert_eq!(store.stats().commits, 1);
}

#[tokio::test]
async fn an_urgent_write_waits_for_nobody() {
    let (_dir, store) = fresh();
    let mut fastest = Duration::MAX;
    for n in 0..20 {
        let began = clock::now();
        add(&store, event(EventKind::ZoneAlarm, n)).await;
        fastest = fastest.min(clock::now() - began);
    }
    // Disks have slow moments; all twenty are slow only if each waits for company.
    assert!(fastest < Duration::from_millis(250), "{fastest:?}");
    assert_eq!(store.stats().commits, 20);
}

#[tokio::test]
async fn a_lonely_grouped_write_is_committed_without_company() {
    let (_dir, store) = fresh();
    for n in 0..3 {
        add_grouped(&store, n).await.await.expect("stored");
    }
    assert_eq!(store.stats().writes, 3);
}

#[tokio::test]
async fn a_read_sees_what_was_handed_over_before_it_and_nothing_that_is_not_on_disk() {
    let (_dir, store) = fresh();
    let written = add_grouped(&store, 0).await;
    let second = add_grouped(&store, 1).await;
    assert_eq!(all_events(&store).await.len(), 2);
    assert_eq!(store.stats().writes, 2, "the read made them commit first");
    written.await.expect("stored");
    second.await.expect("stored");
}

#[tokio::test]
async fn a_failed_write_takes_only_its_own_changes_back() {
    let (_dir, store) = fresh();
    let first = add_grouped(&store, 0).await;
    let second = add_grouped(&store, 1).await;
    let broken = store.begin_write::<(), _>(Urgency::Grouped, |tx| {
        tx.add_event(event(EventKind::ZoneOpened, 2))?;
        tx.push_delta(&panel("dsc-1"), 1, 2, serde_json::json!({}))?;
        Err(StoreError::Row("on purpose".into()))
    });
    let broken = broken.await.expect("handed over");
    let fourth = add_grouped(&store, 3).await;
    let urgent = add(&store, event(EventKind::ZoneAlarm, 4)).await;
    assert!(matches!(broken.await, Err(StoreError::Row(_))));
    let kept = [first, second, fourth];
    let mut seqs = Vec::new();
    for written in kept {
        seqs.push(written.await.expect("stored").seq);
    }
    seqs.push(urgent.seq);
    assert_eq!(all_events(&store).await.iter().map(|e| e.seq).collect::<Vec<_>>(), seqs);
    let depth = store.read(|view| view.outbox_stats()).await.expect("read").depth;
    assert_eq!(depth, 4, "the totals forget what was rolled back too");
}

#[tokio::test]
async fn a_panic_is_rolled_back_and_the_thread_lives_on() {
    let (_dir, store) = fresh();
    let panicked = store.write::<(), _>(Urgency::Now, |tx| {
        tx.add_event(event(EventKind::ZoneOpened, 0))?;
        panic!("on purpose")
    });
    assert!(matches!(panicked.await, Err(StoreError::Internal)));
    let panicked = store.read::<(), _>(|_| panic!("on purpose"));
    assert!(matches!(panicked.await, Err(StoreError::Internal)));
    add(&store, event(EventKind::ZoneOpened, 1)).await;
    assert_eq!(all_events(&store).await.len(), 1);
}

#[tokio::test]
async fn a_full_queue_makes_callers_wait_and_loses_nothing() {
    let (_dir, store) = fresh();
    let (hold, held) = mpsc::channel::<()>();
    let blocked = store.begin_write(Urgency::Now, move |_| Ok(held.recv().is_err())).await.expect("handed over");
    let full = async {
        let mut waiting = Vec::new();
        for n in 0..1_000 {
            waiting.push(add_grouped(&store, n).await);
        }
        waiting
    };
    let mut full = std::pin::pin!(full);
    assert!(futures_util::poll!(full.as_mut()).is_pending(), "the 257th has no room");
    drop(hold);
    let waiting = full.await;
    assert!(blocked.await.expect("done"));
    for written in waiting {
        written.await.expect("stored");
    }
    assert_eq!(all_events(&store).await.len(), 1_000);
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_is_done_all_the_same() {
    let (_dir, store) = fresh();
    drop(add_grouped(&store, 0).await);
    assert_eq!(all_events(&store).await.len(), 1);
}

#[tokio::test]
async fn closing_commits_what_waits_and_refuses_the_rest() {
    let (dir, store) = fresh();
    let first = add_grouped(&store, 0).await;
    let second = add_grouped(&store, 1).await;
    store.close().await;
    first.await.expect("stored");
    second.await.expect("stored");
    assert!(matches!(store.read(|view| view.outbox_stats()).await, Err(StoreError::Closed)));
    let late = store.write(Urgency::Now, |tx| tx.bump_desired(&panel("dsc-1"))).await;
    assert!(matches!(late, Err(StoreError::Closed)));
    store.close().await;
    assert_eq!(all_events(&open(dir.path())).await.len(), 2);
}

#[tokio::test]
async fn the_outbox_wakes_its_reader_after_commits_that_fill_it() {
    let (_dir, store) = fresh();
    let mut changed = store.outbox_changed();
    changed.mark_unchanged();
    add(&store, event(EventKind::PartitionReady, 0)).await;
    store.write(Urgency::Now, |tx| tx.outbox_ack(&[OutboxSeq(1)])).await.expect("stored");
    assert!(!changed.has_changed().expect("open"), "a level and an acknowledgement fill nothing");
    add(&store, event(EventKind::ZoneOpened, 1)).await;
    assert!(changed.has_changed().expect("open"));
}

async fn add_grouped(store: &Store, n: u32) -> Committed<StoredEvent> {
    let new = event(EventKind::ZoneOpened, n);
    store.begin_write(Urgency::Grouped, |tx| tx.add_event(new)).await.expect("handed over")
}
