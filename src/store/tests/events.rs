use std::collections::BTreeSet;

use panel_model::{ArmMode, LockId, Origin, Partition, Trouble, TroubleKind};
use rusqlite::params;

use super::*;

#[tokio::test]
async fn events_of_every_kind_come_back_as_they_were_added() {
    let (dir, store) = fresh();
    let mut added = Vec::new();
    for (n, kind) in (0..).zip(EventKind::ALL) {
        added.push(add(&store, event(*kind, n)).await);
    }
    let full = PanelEvent::new(EventKind::Trouble)
        .partition(Partition::new(8).expect("a partition"))
        .slot(slot(95))
        .lock(LockId::new(7).expect("a lock"))
        .output(4)
        .mode(ArmMode::StayNoEntry)
        .trouble(Trouble::device(TroubleKind::ZoneFault, 12))
        .text("said the panel: \"ü\"")
        .replayed();
    added.push(add(&store, NewEvent { panel: panel("x"), at: WallTime(-5), event: full }).await);
    store.close().await;
    let store = open(dir.path());
    assert_eq!(all_events(&store).await, added);
    let last = added.last().expect("one");
    assert_eq!((last.event.origin, last.at), (Origin::Replay, WallTime(-5)));
}

#[tokio::test]
async fn numbers_rise_and_names_are_never_the_same() {
    let (dir, store) = fresh();
    let mut added = Vec::new();
    for n in 0..20 {
        added.push(add(&store, event(EventKind::ZoneOpened, 0)).await);
        if n == 10 {
            let failed = store.write::<(), _>(Urgency::Now, |tx| {
                tx.add_event(event(EventKind::ZoneOpened, 0))?;
                Err(StoreError::Row("on purpose".into()))
            });
            failed.await.expect_err("failed");
        }
    }
    assert!(added.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    assert_eq!(added.iter().map(|e| e.id).collect::<BTreeSet<_>>().len(), 20);
    assert_eq!(added[0].id.get_version_num(), 7);
    let (seconds, nanos) = added[0].id.get_timestamp().expect("a time").to_unix();
    assert_eq!((seconds, nanos), (1_735_689_600, 0), "the time of the event, not of the box");
    let last = added.last().expect("one").seq;
    store.close().await;
    assert!(add(&open(dir.path()), event(EventKind::ZoneOpened, 0)).await.seq > last);
}

#[tokio::test]
async fn queries_choose_panel_range_order_and_number() {
    let (_dir, store) = fresh();
    for n in 0..30 {
        let id = panel(["dsc-1", "dsc-2", "dsc-10"][n as usize % 3]);
        add(&store, NewEvent { panel: id, ..event(EventKind::ZoneOpened, n) }).await;
    }
    let all = EventQuery { limit: 100, newest_first: false, ..EventQuery::default() };
    let one = EventQuery { panel: Some(panel("dsc-1")), ..all.clone() };
    let rows: Vec<(EventQuery, Vec<u64>)> = vec![
        (all.clone(), (1..=30).collect()),
        (EventQuery { newest_first: true, limit: 3, ..all.clone() }, vec![30, 29, 28]),
        (EventQuery { after_seq: Some(28), ..all.clone() }, vec![29, 30]),
        (EventQuery { after_seq: Some(5), before_seq: Some(8), ..all.clone() }, vec![6, 7]),
        (EventQuery { after_seq: Some(u64::MAX), ..all.clone() }, vec![]),
        (EventQuery { limit: 0, ..all }, vec![]),
        (EventQuery { limit: 4, ..one.clone() }, vec![1, 4, 7, 10]),
        (EventQuery { newest_first: true, limit: 2, ..one.clone() }, vec![28, 25]),
        (EventQuery { newest_first: true, before_seq: Some(25), limit: 2, ..one.clone() }, vec![22, 19]),
        (EventQuery { after_seq: Some(22), ..one }, vec![25, 28]),
        (EventQuery { panel: Some(panel("dsc-3")), ..EventQuery::default() }, vec![]),
    ];
    for (query, expected) in rows {
        let asked = query.clone();
        let got = store.read(move |view| view.events(&asked)).await.expect("read");
        assert_eq!(got.iter().map(|e| e.seq).collect::<Vec<_>>(), expected, "{query:?}");
    }
}

/// Adds `count` events of a panel in few commits.
async fn add_many(store: &Store, id: &str, kind: EventKind, count: u32) {
    let id = panel(id);
    let add = move |tx: &mut Tx<'_>| {
        (0..count).try_for_each(|n| tx.add_event(NewEvent { panel: id.clone(), ..event(kind, n) }).map(|_| ()))
    };
    store.write(Urgency::Now, add).await.expect("stored");
}

async fn count(store: &Store, id: &'static str) -> u32 {
    let sql = "SELECT count(*) FROM event WHERE panel = ?1";
    let count = store.read(move |view| view.row(sql, params![id], |row| row.get(0))).await.expect("read");
    count.expect("a count")
}

pub(super) async fn acknowledge_all(store: &Store) {
    let all = store.write(Urgency::Now, |tx| {
        let all: Vec<_> = tx.outbox_next(usize::MAX, &BTreeSet::new())?.iter().map(|item| item.seq).collect();
        tx.outbox_ack(&all)
    });
    all.await.expect("stored");
}

#[tokio::test]
async fn the_history_of_a_panel_is_bounded() {
    let dir = tempfile::tempdir().expect("a directory");
    let limited = StoreOptions { history_rows: 100, ..options(dir.path()) };
    let (store, _) = Store::open(&limited, keys()).expect("opened");
    add_many(&store, "quiet", EventKind::ZoneOpened, 50).await;
    for _ in 0..20 {
        add_many(&store, "busy", EventKind::PartitionReady, 100).await;
        let busy = count(&store, "busy").await;
        assert!((100..=111).contains(&busy), "{busy}");
    }
    assert_eq!(count(&store, "quiet").await, 50, "a busy panel costs a quiet one nothing");
    let newest = store.read(|view| view.events(&EventQuery { limit: 1, ..EventQuery::default() })).await.expect("read");
    assert_eq!(newest[0].seq, 2_050, "the oldest go, not the newest");
}

#[tokio::test]
async fn events_that_the_cloud_still_has_to_get_are_never_pruned() {
    let dir = tempfile::tempdir().expect("a directory");
    let limited = StoreOptions { history_rows: 100, ..options(dir.path()) };
    let (store, _) = Store::open(&limited, keys()).expect("opened");
    add_many(&store, "dsc-1", EventKind::ZoneAlarm, 10).await;
    add_many(&store, "dsc-1", EventKind::ZoneOpened, 500).await;
    add_many(&store, "dsc-1", EventKind::PartitionReady, 500).await;
    assert!((510..=800).contains(&count(&store, "dsc-1").await), "the levels are not needed");
    let waiting = store.read(|view| view.outbox_next(usize::MAX, &BTreeSet::new())).await.expect("read");
    assert_eq!(waiting.len(), 510);
    assert!(waiting.iter().all(|item| matches!(item.record, OutboxRecord::Event(_))));
    acknowledge_all(&store).await;
    add_many(&store, "dsc-1", EventKind::PartitionReady, 300).await;
    assert!((100..=111).contains(&count(&store, "dsc-1").await));
}

#[tokio::test]
async fn pruning_finds_its_way_past_events_that_stay() {
    let dir = tempfile::tempdir().expect("a directory");
    let limited = StoreOptions { history_rows: 1_000, ..options(dir.path()) };
    let (store, _) = Store::open(&limited, keys()).expect("opened");
    add_many(&store, "dsc-1", EventKind::ZoneAlarm, 6_000).await;
    add_many(&store, "dsc-1", EventKind::PartitionReady, 12_000).await;
    let kept = count(&store, "dsc-1").await;
    assert!((7_000..=9_000).contains(&kept), "{kept}: more alarms than one look takes in, and still bounded");
}

#[tokio::test]
async fn room_that_is_not_needed_any_more_is_given_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let limited = StoreOptions { history_rows: 100, ..options(dir.path()) };
    let (store, _) = Store::open(&limited, keys()).expect("opened");
    add_many(&store, "dsc-1", EventKind::ZoneOpened, 3_000).await;
    acknowledge_all(&store).await;
    add_many(&store, "dsc-1", EventKind::PartitionReady, 1_000).await;
    store.close().await;
    let size = || std::fs::metadata(dir.path().join("panelgate.db")).expect("there").len();
    let before = size();
    let (store, _) = Store::open(&limited, keys()).expect("opened");
    let kept = all_events(&store).await.len();
    store.close().await;
    assert!(size() * 4 < before, "{} of {before} for {kept} events", size());
}

#[tokio::test]
async fn the_newest_event_of_some_kinds_is_found_for_each_panel() {
    let (_dir, store) = fresh();
    let kinds = [EventKind::PanelOnline, EventKind::PanelOffline];
    for (n, (id, kind)) in (0..).zip([
        ("dsc-1", EventKind::PanelOffline),
        ("dsc-1", EventKind::PanelOnline),
        ("dsc-1", EventKind::ZoneOpened),
        ("dsc-2", EventKind::PanelOffline),
        ("dsc-2", EventKind::PanelNeedsInstaller),
        ("dsc-3", EventKind::ZoneOpened),
    ]) {
        add(&store, NewEvent { panel: panel(id), ..event(kind, n) }).await;
    }
    for (id, expected) in [
        ("dsc-1", Some(EventKind::PanelOnline)),
        ("dsc-2", Some(EventKind::PanelOffline)),
        ("dsc-3", None),
        ("dsc-4", None),
    ] {
        let found = store.read(move |view| view.last_of(&panel(id), &kinds)).await.expect("read");
        assert_eq!(found, expected, "{id}");
    }
}
