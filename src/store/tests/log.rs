//! The action log: order, chain, what is pruned and what is not.

use rusqlite::{Connection, OpenFlags};

use super::events::acknowledge_all;
use super::*;

fn line(n: i64) -> NewLogLine {
    NewLogLine {
        at: WallTime(n),
        actor: "ann".into(),
        role: "Installer".into(),
        door: "command_line".into(),
        action: "set_code".into(),
        panel: (n % 2 == 0).then(|| panel("dsc-1")),
        slot: (n % 3 == 0).then(|| slot(4)),
        subject: (n % 7 == 0).then(|| "zone 3".into()),
        result: "accepted".into(),
        text: (n % 5 == 0).then(|| "version 3".into()),
    }
}

/// The file while nobody has it open.
fn written(dir: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    Connection::open_with_flags(dir.join("panelgate.db"), flags).expect("opened")
}

/// Adds so many lines in one transaction.
async fn add_lines(store: &Store, count: i64) -> Vec<u64> {
    let work = move |tx: &mut Tx<'_>| (0..count).map(|n| tx.add_log_line(line(n))).collect();
    store.write(Urgency::Now, work).await.expect("stored")
}

async fn lines(store: &Store) -> Vec<LogLine> {
    store.read(|view| view.log_lines(0, usize::MAX)).await.expect("read")
}

async fn proof(store: &Store) -> Proof {
    let mut verifier = Verifier::default();
    lines(store).await.iter().for_each(|line| verifier.take(line));
    let ends = store.read(|view| view.log_ends()).await.expect("sealed by this box");
    verifier.finish(Some(ends.base), Some(ends.head))
}

#[tokio::test]
async fn lines_come_back_as_they_were_added() {
    let (dir, store) = fresh();
    let seqs = add_lines(&store, 10).await;
    store.close().await;
    let store = open(dir.path());
    let got = store.read(move |view| view.log_lines(seqs[3], 4)).await.expect("read");
    assert_eq!(got.iter().map(|l| l.line.clone()).collect::<Vec<_>>(), [4, 5, 6, 7].map(line));
    let got = store.read(|view| view.newest_log_lines(2)).await.expect("read");
    assert_eq!(got.iter().map(|l| l.line.clone()).collect::<Vec<_>>(), [9, 8].map(line));
}

#[tokio::test]
async fn old_lines_are_pruned_once_the_cloud_has_them_and_the_rest_stays_proved() {
    let dir = tempfile::tempdir().expect("a directory");
    let limited = StoreOptions { log_rows: 50, ..options(dir.path()) };
    let (store, _) = Store::open(&limited, keys()).expect("opened");
    for _ in 0..5 {
        acknowledge_all(&store).await;
        add_lines(&store, 100).await;
        let proof = proof(&store).await;
        assert_eq!(proof.damage, []);
    }
    let kept = lines(&store).await.len();
    assert!((100..=351).contains(&kept), "{kept}: those of the last round are not acknowledged");
    assert!(proof(&store).await.first > Some(1));
}

#[tokio::test]
async fn what_the_cloud_does_not_have_is_not_pruned() {
    let dir = tempfile::tempdir().expect("a directory");
    let limited = StoreOptions { log_rows: 100, ..options(dir.path()) };
    let (store, _) = Store::open(&limited, keys()).expect("opened");
    add_lines(&store, 399).await;
    assert_eq!(lines(&store).await.len(), 399, "all of them wait for the cloud");
    // Far too many, and nobody fetches them: the disk is not theirs alone.
    add_lines(&store, 1000).await;
    let kept = lines(&store).await.len();
    assert!((400..=700).contains(&kept), "{kept}");
    assert_eq!(proof(&store).await.damage, []);
}

/// L3: a line that had to leave the full outbox did not reach the cloud.
#[tokio::test]
async fn a_line_that_was_dropped_from_the_outbox_stays_in_the_log() {
    let dir = tempfile::tempdir().expect("a directory");
    let limited = StoreOptions { log_rows: 100, outbox_max_rows: 20, ..options(dir.path()) };
    let (store, _) = Store::open(&limited, keys()).expect("opened");
    add_lines(&store, 300).await;
    acknowledge_all(&store).await;
    add_lines(&store, 99).await;
    assert_eq!(lines(&store).await.len(), 399, "the first 280 were never sent");
    assert_eq!(proof(&store).await.damage, []);
}

#[tokio::test]
async fn work_that_is_rolled_back_leaves_no_hole_in_the_chain() {
    let (_dir, store) = fresh();
    add_lines(&store, 2).await;
    let failed: Result<(), _> = store
        .write(Urgency::Now, |tx| {
            tx.add_log_line(line(2))?;
            Err(StoreError::Internal)
        })
        .await;
    assert!(failed.is_err());
    add_lines(&store, 2).await;
    let proof = proof(&store).await;
    assert_eq!((proof.lines, proof.damage), (4, vec![]));
}

#[tokio::test]
async fn a_database_that_somebody_edited_tells_where() {
    let missing = |first, last| vec![Damage::Missing { first, last }];
    let swap = "swap";
    for (what, sql, damage) in [
        ("nothing", "", vec![]),
        ("a line removed", "DELETE FROM log WHERE number = 4", missing(4, 4)),
        ("the newest lines removed", "DELETE FROM log WHERE number > 7", missing(8, 10)),
        ("the log emptied", "DELETE FROM log", missing(1, 10)),
        ("an edit", "UPDATE log SET actor = 'ben' WHERE number = 4", vec![Damage::Altered { number: 4 }]),
        (
            "two lines swapped",
            swap,
            vec![Damage::Moved { number: 5 }, Damage::Altered { number: 5 }, Damage::Altered { number: 6 }],
        ),
    ] {
        let (dir, store) = fresh();
        add_lines(&store, 10).await;
        store.close().await;
        let file = written(dir.path());
        if sql == swap {
            let seq = |n: u32| file.query_row("SELECT seq FROM log WHERE number = ?1", [n], |row| row.get::<_, i64>(0));
            let (five, six) = (seq(5).expect("there"), seq(6).expect("there"));
            for (number, seq) in [(5, -1), (6, five), (5, six)] {
                file.execute("UPDATE log SET seq = ?2 WHERE number = ?1", (number, seq)).expect("written");
            }
        } else {
            file.execute_batch(sql).expect("written");
        }
        drop(file);
        let store = open(dir.path());
        assert_eq!(proof(&store).await.damage, damage, "{what}");
    }
}

#[tokio::test]
async fn a_head_that_was_made_without_the_key_is_noticed_and_lines_go_on() {
    let (dir, store) = fresh();
    add_lines(&store, 3).await;
    store.close().await;
    let file = written(dir.path());
    file.execute("UPDATE meta SET value = zeroblob(80) WHERE name = 'log_head'", []).expect("written");
    drop(file);
    let store = open(dir.path());
    assert!(store.read(|view| view.log_ends()).await.is_err());
    add_lines(&store, 1).await;
    let proof = proof(&store).await;
    assert_eq!((proof.lines, proof.damage), (4, vec![]));
}
