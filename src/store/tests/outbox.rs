use std::collections::BTreeSet;

use serde_json::json;

use super::*;

const NONE: BTreeSet<OutboxSeq> = BTreeSet::new();

async fn next(store: &Store, limit: usize) -> Vec<OutboxItem> {
    store.read(move |view| view.outbox_next(limit, &NONE)).await.expect("read")
}

async fn acknowledge(store: &Store, seqs: Vec<OutboxSeq>) {
    store.write(Urgency::Now, move |tx| tx.outbox_ack(&seqs)).await.expect("stored");
}

async fn stats(store: &Store) -> OutboxStats {
    store.read(|view| view.outbox_stats()).await.expect("read")
}

fn line() -> NewLogLine {
    NewLogLine {
        at: WallTime(50),
        actor: "ann".into(),
        role: "local".into(),
        door: "cli".into(),
        action: "set_code".into(),
        panel: None,
        slot: None,
        subject: None,
        result: "accepted".into(),
        text: None,
    }
}

/// A store that holds at most so many records.
fn limited(dir: &Path, rows: u64, bytes: u64) -> Store {
    let options = StoreOptions { outbox_max_rows: rows, outbox_max_bytes: bytes, ..options(dir) };
    Store::open(&options, keys()).expect("opened").0
}

/// What waits, in a few letters: priority, number, and for gaps how many and from where to where.
fn shape(items: &[OutboxItem]) -> Vec<String> {
    let letter = |item: &OutboxItem| match item.priority {
        Priority::Alarm => 'A',
        Priority::Trouble => 'T',
        Priority::State => 'S',
        Priority::Log => 'L',
    };
    let word = |item: &OutboxItem| match &item.record {
        OutboxRecord::Gap { count, first, last } => format!("{}gap{count}:{first}-{last}", letter(item)),
        _ => format!("{}{}", letter(item), item.seq.0),
    };
    items.iter().map(word).collect()
}

#[tokio::test]
async fn alarms_come_first_and_everything_else_in_its_order() {
    let (dir, store) = fresh();
    let kinds = [
        EventKind::ModuleVersion,
        EventKind::ZoneOpened,
        EventKind::PartitionReady,
        EventKind::Trouble,
        EventKind::ZoneAlarm,
        EventKind::Armed,
        EventKind::Duress,
    ];
    for (n, kind) in (0..).zip(kinds) {
        add(&store, event(kind, n)).await;
    }
    store.write(Urgency::Now, |tx| tx.add_log_line(line())).await.expect("stored");
    let delta = store.write(Urgency::Now, |tx| tx.push_delta(&panel("dsc-1"), 3, 4, json!({"users": {"4": null}})));
    let delta = delta.await.expect("stored");
    store.close().await;
    let store = open(dir.path());
    let items = next(&store, 100).await;
    assert_eq!(shape(&items), ["A5", "A7", "T4", "S2", "S6", "S9", "L1", "L8"]);
    assert_eq!(shape(&next(&store, 3).await), ["A5", "A7", "T4"]);
    let expected = OutboxRecord::Delta { panel: panel("dsc-1"), from: 3, to: 4, json: json!({"users": {"4": null}}) };
    assert_eq!((items[5].seq, &items[5].record), (delta, &expected));
    assert!(matches!(&items[0].record, OutboxRecord::Event(e) if e.event.kind == EventKind::ZoneAlarm && e.seq == 5));
    assert!(matches!(&items[7].record, OutboxRecord::Log(l) if l.line == line() && l.seq == 8));
}

#[tokio::test]
async fn what_is_on_its_way_is_not_given_out_again() {
    let (_dir, store) = fresh();
    for n in 0..6 {
        add(&store, event(EventKind::ZoneOpened, n)).await;
    }
    let in_flight: BTreeSet<_> = [1, 2, 4].map(OutboxSeq).into();
    let items = store.read(move |view| view.outbox_next(2, &in_flight)).await.expect("read");
    assert_eq!(shape(&items), ["S3", "S5"]);
}

#[tokio::test]
async fn acknowledging_twice_or_what_is_not_there_changes_nothing() {
    let (_dir, store) = fresh();
    for n in 0..3 {
        add(&store, event(EventKind::ZoneOpened, n)).await;
    }
    let full = stats(&store).await;
    acknowledge(&store, [2, 2, 77].map(OutboxSeq).into()).await;
    acknowledge(&store, [2, u64::MAX >> 1].map(OutboxSeq).into()).await;
    assert_eq!(shape(&next(&store, 10).await), ["S1", "S3"]);
    let left = stats(&store).await;
    assert_eq!((left.depth, left.bytes), (2, full.bytes / 3 * 2));
    acknowledge(&store, [1, 3].map(OutboxSeq).into()).await;
    assert_eq!(stats(&store).await, OutboxStats { depth: 0, bytes: 0, oldest: None });
    assert_eq!(all_events(&store).await.len(), 3, "the history keeps them");
}

#[tokio::test]
async fn the_totals_are_the_same_after_a_restart() {
    let (dir, store) = fresh();
    store.write(Urgency::Now, |tx| tx.add_log_line(line())).await.expect("stored");
    for n in 0..5 {
        add(&store, event(EventKind::ZoneOpened, 100 + n)).await;
    }
    store.write(Urgency::Now, |tx| tx.push_delta(&panel("dsc-1"), 1, 2, json!([1]))).await.expect("stored");
    let before = stats(&store).await;
    assert_eq!((before.depth, before.oldest), (7, Some(WallTime(50))));
    store.close().await;
    assert_eq!(stats(&open(dir.path())).await, before);
}

#[tokio::test]
async fn a_number_is_never_given_twice_even_when_nothing_shows_it_any_more() {
    let (dir, store) = fresh();
    let push = |tx: &mut Tx<'_>| tx.push_delta(&panel("dsc-1"), 1, 2, json!({}));
    let first = store.write(Urgency::Now, push).await.expect("stored");
    acknowledge(&store, vec![first]).await;
    store.close().await;
    let second = open(dir.path()).write(Urgency::Now, push).await.expect("stored");
    assert!(second > first);
}

#[tokio::test]
async fn when_it_is_full_the_oldest_of_the_least_priority_goes_and_is_counted() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = limited(dir.path(), 4, u64::MAX);
    for (n, kind) in
        (0..).zip([EventKind::ZoneAlarm, EventKind::Trouble, EventKind::ZoneOpened, EventKind::ModuleVersion])
    {
        add(&store, event(kind, n)).await;
    }
    assert_eq!(shape(&next(&store, 10).await), ["A1", "T2", "S3", "L4"]);
    add(&store, event(EventKind::ZoneOpened, 5)).await;
    assert_eq!(shape(&next(&store, 10).await), ["A1", "T2", "S3", "S5", "Lgap1:4-4"]);
    add(&store, event(EventKind::ZoneOpened, 6)).await;
    assert_eq!(shape(&next(&store, 10).await), ["A1", "T2", "Sgap1:3-3", "S5", "S6", "Lgap1:4-4"]);
    add(&store, event(EventKind::ZoneAlarm, 7)).await;
    add(&store, event(EventKind::ZoneAlarm, 8)).await;
    assert_eq!(shape(&next(&store, 10).await), ["A1", "A7", "A8", "T2", "Sgap3:3-6", "Lgap1:4-4"]);
    for n in 9..12 {
        add(&store, event(EventKind::ZoneAlarm, n)).await;
        add(&store, event(EventKind::ZoneOpened, n)).await;
    }
    let items = next(&store, 20).await;
    assert_eq!(shape(&items)[..6], ["A1", "A7", "A8", "A9", "A11", "A13"], "alarms are never dropped");
    assert_eq!(shape(&items)[6..], ["Tgap1:2-2", "Sgap6:3-14", "Lgap1:4-4"]);
    let before = stats(&store).await;
    store.close().await;
    let store = limited(dir.path(), 4, u64::MAX);
    assert_eq!(next(&store, 20).await, items);
    assert_eq!(stats(&store).await, before);
}

#[tokio::test]
async fn a_gap_that_grows_while_it_is_on_its_way_is_not_lost_with_its_acknowledgement() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = limited(dir.path(), 3, u64::MAX);
    for n in 0..5 {
        add(&store, event(EventKind::ZoneOpened, n)).await;
    }
    let sent = next(&store, 1).await;
    assert_eq!(shape(&sent), ["Sgap2:1-2"]);
    add(&store, event(EventKind::ZoneOpened, 6)).await;
    acknowledge(&store, vec![sent[0].seq]).await;
    assert_eq!(shape(&next(&store, 10).await), ["Sgap3:1-3", "S4", "S5", "S6"]);
    acknowledge(&store, vec![OutboxSeq(3)]).await;
    add(&store, event(EventKind::ZoneOpened, 7)).await;
    add(&store, event(EventKind::ZoneOpened, 8)).await;
    assert_eq!(
        shape(&next(&store, 10).await),
        ["Sgap2:4-5", "S6", "S7", "S8"],
        "a run that was told is not told again"
    );
}

#[tokio::test]
async fn every_record_that_was_not_delivered_is_counted_in_exactly_one_gap() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = limited(dir.path(), 40, u64::MAX);
    let kinds = [EventKind::ZoneOpened, EventKind::ModuleVersion, EventKind::Trouble, EventKind::ZoneAlarm];
    let mut rng = oorandom(42);
    let mut added = [0_u64; 4];
    for n in 0..1_000 {
        let which = [0, 0, 0, 1, 1, 2, 2, 3][rng() % 8];
        if which == 3 && added[3] >= 20 {
            continue;
        }
        added[which] += 1;
        add_quietly(&store, event(kinds[which], n)).await;
    }
    let mut delivered = [0_u64; 4];
    for item in next(&store, 1_000).await {
        let which = match item.priority {
            Priority::State => 0,
            Priority::Log => 1,
            Priority::Trouble => 2,
            Priority::Alarm => 3,
        };
        delivered[which] += if let OutboxRecord::Gap { count, .. } = item.record { count } else { 1 };
    }
    assert_eq!(delivered, added);
    assert!(stats(&store).await.depth <= 43);
}

async fn add_quietly(store: &Store, new: NewEvent) {
    drop(store.begin_write(Urgency::Grouped, |tx| tx.add_event(new)).await.expect("handed over"));
}

#[tokio::test]
async fn it_is_bounded_by_bytes_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = limited(dir.path(), u64::MAX, 10_000);
    for n in 0..100 {
        let push = move |tx: &mut Tx<'_>| tx.push_delta(&panel("dsc-1"), n, n + 1, json!("x".repeat(1_000)));
        store.write(Urgency::Now, push).await.expect("stored");
        assert!(stats(&store).await.bytes <= 10_000);
    }
    let items = next(&store, 100).await;
    assert!((5..=9).contains(&items.len()), "{}", items.len());
    assert!(matches!(items.last().expect("one").record, OutboxRecord::Delta { to: 100, .. }), "the newest is kept");
    assert!(matches!(items[0].record, OutboxRecord::Gap { first: 1, .. }));
}

#[tokio::test]
async fn the_bytes_are_about_what_it_takes_on_disk() {
    let (dir, store) = fresh();
    let fill =
        |tx: &mut Tx<'_>| (0..20_000).try_for_each(|n| tx.add_event(event(EventKind::ZoneOpened, n)).map(|_| ()));
    store.write(Urgency::Now, fill).await.expect("stored");
    let told = stats(&store).await.bytes;
    store.close().await;
    let taken = std::fs::metadata(dir.path().join("panelgate.db")).expect("there").len();
    println!("told {told}, taken {taken}");
    assert!(told * 10 > taken * 8 && told * 10 < taken * 15, "told {told}, taken {taken}");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_stands_in_nobodys_way() {
    let (_dir, store) = fresh();
    for n in 0..3 {
        add(&store, event(EventKind::ZoneOpened, n)).await;
    }
    let break_two = store.write(Urgency::Now, |tx| {
        tx.execute("UPDATE event SET kind = 'from_the_future' WHERE seq = 1", [])?;
        tx.execute("DELETE FROM event WHERE seq = 2", [])
    });
    break_two.await.expect("stored");
    let items = next(&store, 10).await;
    assert_eq!(shape(&items), ["Sgap1:1-1", "Sgap1:2-2", "S3"]);
    acknowledge(&store, items.iter().map(|item| item.seq).collect()).await;
    assert_eq!(stats(&store).await.depth, 0);
}

#[tokio::test]
async fn a_long_outbox_drains_without_looking_at_what_is_done() {
    let (_dir, store) = fresh();
    let fill = |tx: &mut Tx<'_>| {
        (0..20_000).try_for_each(|n| {
            let kind = if n % 100 == 0 { EventKind::ZoneAlarm } else { EventKind::ZoneOpened };
            tx.add_event(event(kind, n)).map(|_| ())
        })
    };
    store.write(Urgency::Now, fill).await.expect("stored");
    let plan = store.read(|view| {
        let sql = "EXPLAIN QUERY PLAN SELECT priority, seq, kind, size FROM outbox ORDER BY priority, seq LIMIT 64";
        view.rows(sql, [], |row| row.get::<_, String>(3))
    });
    assert_eq!(plan.await.expect("read"), ["SCAN outbox"], "in the order of its key, without sorting");
    let began = panel_driver::clock::now();
    let mut drained = 0;
    loop {
        let items = next(&store, 64).await;
        if items.is_empty() {
            break;
        }
        drained += items.len();
        let seqs: Vec<_> = items.iter().map(|item| item.seq).collect();
        // Not waited for: that is how the cloud acknowledges.
        drop(store.begin_write(Urgency::Lazy, move |tx| tx.outbox_ack(&seqs)).await.expect("handed over"));
    }
    let took = panel_driver::clock::now() - began;
    println!("20,000 records drained in {took:?}");
    assert_eq!(drained, 20_000);
    assert!(took.as_secs() < 120);
}

/// A small seeded generator (xorshift).
fn oorandom(seed: u64) -> impl FnMut() -> usize {
    let mut x = seed;
    move || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        usize::try_from(x >> 33).expect("31 bits")
    }
}
