//! Power cuts: the process killed at any moment, and what a disk may hold after that.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use super::child::{self, Child};
use super::*;

const ROUNDS: usize = 20;

/// Writes for ever and prints each number after its commit.
async fn write_for_ever(dir: &Path) {
    let store = open(dir);
    println!("\nopen");
    let mut waiting = std::collections::VecDeque::new();
    for n in 0.. {
        let (kind, urgency) = match n % 10 {
            0 => (EventKind::ZoneAlarm, Urgency::Now),
            _ => (EventKind::ZoneOpened, Urgency::Grouped),
        };
        let write = store.begin_write(urgency, move |tx| {
            let stored = tx.add_event(event(kind, n))?;
            tx.bump_reported(&panel("dsc-1"))?;
            Ok(stored.seq)
        });
        waiting.push_back(write.await.expect("handed over"));
        if waiting.len() > 5 {
            println!("done {}", waiting.pop_front().expect("one").await.expect("stored"));
        }
    }
}

#[test]
fn nothing_that_was_answered_is_lost_when_the_process_is_killed() {
    if let Some(dir) = child::dir("power") {
        child::block_on(write_for_ever(&dir));
    }
    let dir = tempfile::tempdir().expect("a directory");
    let mut answered = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut child =
            Child::start("power::nothing_that_was_answered_is_lost_when_the_process_is_killed", "power", dir.path());
        // Killed after so many answers, in the middle of whatever it does then.
        let mut wait = round * 7 % 30;
        while wait > 0 {
            let line = child.line().expect("a line");
            wait -= usize::from(line.starts_with("done "));
            answered.extend(done(&line));
        }
        answered.extend(child.kill().iter().filter_map(|line| done(line)));
        let (store, opened) = Store::open(&options(dir.path()), keys()).expect("opens after every cut");
        assert!(matches!(opened, Opened::Existing | Opened::Fresh), "{opened:?}");
        child::block_on(async {
            let kept = all_events(&store).await;
            let numbers: BTreeSet<_> = kept.iter().map(|e| e.seq).collect();
            assert_eq!(answered.difference(&numbers).count(), 0, "round {round}");
            let (versions, depth) = store
                .read(|view| Ok((view.versions(&panel("dsc-1"))?, view.outbox_stats()?.depth)))
                .await
                .expect("read");
            let count = kept.len() as u64;
            assert_eq!((versions.reported, depth), (count, count), "each write whole or not at all");
            store.close().await;
        });
    }
    println!("{} answered writes over {ROUNDS} kills", answered.len());
    assert!(answered.len() > 100);
}

/// The first start can be cut anywhere too: the next one begins anew or goes on, and has nothing to put aside.
#[test]
fn a_first_start_that_is_killed_leaves_nothing_broken() {
    const NAME: &str = "power::a_first_start_that_is_killed_leaves_nothing_broken";
    if let Some(dir) = child::dir("first start") {
        println!("\nopening");
        let store = open(&dir);
        println!("opened");
        child::block_on(store.close());
        return;
    }
    let mut early = 0;
    for round in 0..15 {
        let dir = tempfile::tempdir().expect("a directory");
        let mut child = Child::start(NAME, "first start", dir.path());
        while child.line().expect("a line") != "opening" {}
        let moment = panel_driver::clock::now() + Duration::from_micros(round * 700);
        while panel_driver::clock::now() < moment {
            std::hint::spin_loop();
        }
        early += usize::from(!child.kill().contains(&"opened".to_owned()));
        let (store, opened) = Store::open(&options(dir.path()), keys()).expect("opens");
        assert!(matches!(opened, Opened::Existing | Opened::Fresh), "round {round}: {opened:?}");
        child::block_on(async {
            add(&store, event(EventKind::ZoneAlarm, 0)).await;
            store.close().await;
        });
    }
    assert!(early > 0, "some were killed before they were done");
}

fn done(line: &str) -> Option<u64> {
    line.strip_prefix("done ")?.parse().ok()
}

/// What a disk may hold after a power cut: the database, and its log up to some byte. Whatever that byte is, the
/// database opens and holds the first writes, each whole.
#[tokio::test]
async fn a_log_that_was_cut_anywhere_opens_with_the_first_writes() {
    let (dir, store) = fresh();
    for n in 0..40 {
        let write = store.write(Urgency::Now, move |tx| {
            tx.add_event(event(EventKind::ZoneOpened, n))?;
            tx.bump_reported(&panel("dsc-1"))
        });
        write.await.expect("stored");
    }
    let database = fs::read(dir.path().join("panelgate.db")).expect("read");
    let log = fs::read(dir.path().join("panelgate.db-wal")).expect("read");
    let events = all_events(&store).await;
    let mut cuts: Vec<usize> = (0..log.len()).step_by(log.len() / 50).collect();
    let mut seed = 0x9E37_79B9_u64;
    for _ in 0..20 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        cuts.push((seed >> 33) as usize % log.len());
    }
    cuts.push(log.len());
    let copy = tempfile::tempdir().expect("a directory");
    let mut lengths = BTreeSet::new();
    for (n, cut) in cuts.into_iter().enumerate() {
        // Cut short, or never written beyond that byte: both happen.
        let rest = n % 2 * 64;
        let mut image = log[..cut].to_vec();
        image.resize((cut + rest).min(log.len()), 0);
        fs::write(copy.path().join("panelgate.db"), &database).expect("written");
        fs::write(copy.path().join("panelgate.db-wal"), &image).expect("written");
        let (store, opened) = Store::open(&options(copy.path()), keys()).expect("opens");
        assert!(matches!(opened, Opened::Existing | Opened::Fresh), "cut at {cut}: {opened:?}");
        let kept = all_events(&store).await;
        assert_eq!(kept, events[..kept.len()], "cut at {cut}");
        let check = store.read(|view| view.row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)));
        assert_eq!(check.await.expect("read").as_deref(), Some("ok"), "cut at {cut}");
        let versions = store.read(|view| view.versions(&panel("dsc-1"))).await.expect("read");
        assert_eq!(versions.reported, kept.len() as u64, "cut at {cut}");
        lengths.insert(kept.len());
        store.close().await;
    }
    assert!(lengths.len() > 20 && lengths.contains(&40), "{lengths:?}");
}

/// Bits that rot in the log are noticed by its checksums: what comes before them is kept.
#[tokio::test]
async fn a_log_with_a_rotten_byte_opens_with_the_writes_before_it() {
    let (dir, store) = fresh();
    for n in 0..30 {
        add(&store, event(EventKind::ZoneOpened, n)).await;
    }
    let database = fs::read(dir.path().join("panelgate.db")).expect("read");
    let log = fs::read(dir.path().join("panelgate.db-wal")).expect("read");
    let events = all_events(&store).await;
    let copy = tempfile::tempdir().expect("a directory");
    for n in 0..20 {
        let mut image = log.clone();
        let at = n * (log.len() / 20);
        image[at] ^= 0x40;
        fs::write(copy.path().join("panelgate.db"), &database).expect("written");
        fs::write(copy.path().join("panelgate.db-wal"), &image).expect("written");
        let (store, opened) = Store::open(&options(copy.path()), keys()).expect("opens");
        assert!(matches!(opened, Opened::Existing | Opened::Fresh), "byte {at}: {opened:?}");
        let kept = all_events(&store).await;
        assert_eq!(kept, events[..kept.len()], "byte {at}");
        store.close().await;
    }
}

/// Whatever page is damaged, the store opens: with the file as it is, or with a new one and the damaged one aside.
#[tokio::test]
async fn whatever_page_is_damaged_the_store_opens() {
    let (dir, store) = fresh();
    let fill = |tx: &mut Tx<'_>| (0..100).try_for_each(|n| tx.add_event(event(EventKind::ZoneOpened, n)).map(|_| ()));
    store.write(Urgency::Now, fill).await.expect("stored");
    store.close().await;
    let sound = fs::read(dir.path().join("panelgate.db")).expect("read");
    let copy = tempfile::tempdir().expect("a directory");
    let mut put_aside = 0;
    let pages = sound.len() / 1_024;
    for page in 0..pages {
        let mut image = sound.clone();
        image[page * 1_024 + page % 7..(page + 1) * 1_024].fill(0xFF);
        fs::write(copy.path().join("panelgate.db"), &image).expect("written");
        let (store, opened) = Store::open(&options(copy.path()), keys()).expect("opens");
        put_aside += usize::from(matches!(opened, Opened::Recovered { .. }));
        add(&store, event(EventKind::ZoneAlarm, 0)).await;
        store.close().await;
    }
    assert!(put_aside * 10 >= pages * 9, "{put_aside} of {pages} were noticed");
}
