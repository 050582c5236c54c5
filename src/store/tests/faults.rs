//! What is wrong with the file, the disk, the key, the directory.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn database(dir: &Path) -> PathBuf {
    dir.join("panelgate.db")
}

fn open_error(options: &StoreOptions, keys: Arc<Keys>) -> StoreError {
    Store::open(options, keys).expect_err("refused")
}

/// Another look into the file than the store's own.
fn raw(dir: &Path, sql: &str) {
    rusqlite::Connection::open_with_flags(database(dir), rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE)
        .and_then(|conn| conn.execute_batch(sql))
        .expect("done");
}

fn files(dir: &Path) -> Vec<String> {
    let names =
        fs::read_dir(dir).expect("listed").map(|e| e.expect("an entry").file_name().into_string().expect("text"));
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_second_daemon_on_the_same_directory_is_told_who_has_it() {
    let (dir, store) = fresh();
    let error = open_error(&options(dir.path()), keys());
    assert!(matches!(&error, StoreError::InUse { pid: Some(pid), .. } if *pid == std::process::id()), "{error}");
    assert!(error.to_string().contains(&format!("(process {})", std::process::id())), "{error}");
    add(&store, event(EventKind::ZoneOpened, 0)).await;
    store.close().await;
    assert_eq!(all_events(&open(dir.path())).await.len(), 1, "closing gives the directory free");
}

#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    let parent = tempfile::tempdir().expect("a directory");
    let dir = parent.path().join("state");
    open(&dir).close().await;
    let store = open(&dir);
    add(&store, event(EventKind::ZoneOpened, 0)).await;
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(files(&dir), ["panelgate.db", "panelgate.db-wal", "panelgate.lock"]);
    for file in files(&dir) {
        assert_eq!(mode(&dir.join(&file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let (dir, store) = fresh();
    add(&store, event(EventKind::ZoneOpened, 0)).await;
    store.close().await;
    raw(dir.path(), "PRAGMA user_version = 99");
    let before = fs::read(database(dir.path())).expect("read");
    let error = open_error(&options(dir.path()), keys());
    let newest = schema::newest();
    assert!(matches!(error, StoreError::NewerSchema { found: 99, known, .. } if known == newest), "{error}");
    assert_eq!(fs::read(database(dir.path())).expect("read"), before);
    raw(dir.path(), &format!("PRAGMA user_version = {newest}"));
    assert_eq!(all_events(&open(dir.path())).await.len(), 1);
}

#[tokio::test]
async fn a_wrong_key_is_told_from_damage_and_changes_nothing() {
    let (dir, store) = fresh();
    add(&store, event(EventKind::ZoneOpened, 0)).await;
    store.close().await;
    let before = fs::read(database(dir.path())).expect("read");
    let error = open_error(&options(dir.path()), Arc::new(Keys::from_bytes([8; 32])));
    assert!(matches!(error, StoreError::WrongKey { .. }), "{error}");
    assert!(error.to_string().contains("put the key back"), "{error}");
    assert_eq!(fs::read(database(dir.path())).expect("read"), before);
    assert_eq!(files(dir.path()), ["panelgate.db", "panelgate.lock"]);
    let store = open(dir.path());
    assert_eq!((store.boots(), all_events(&store).await.len()), (2, 1));
}

#[tokio::test]
async fn a_damaged_file_is_put_aside_whole_and_a_new_one_begun() {
    let whole = tempfile::tempdir().expect("a directory");
    let store = open(whole.path());
    for n in 0..200 {
        drop(store.begin_write(Urgency::Grouped, move |tx| tx.add_event(event(EventKind::ZoneOpened, n))).await);
    }
    store.close().await;
    let sound = fs::read(database(whole.path())).expect("read");
    let pages = sound.len() / 1_024;
    assert!(pages > 20);
    let garbage = |from: usize, to: usize| {
        let mut bytes = sound.clone();
        bytes[from..to].fill(0xA5);
        bytes
    };
    // The header; a whole page in the middle; half of a page; the file cut short; something else altogether.
    let mut damaged = vec![garbage(0, 100), garbage(10 * 1_024, 11 * 1_024), garbage(5 * 1_024, 5 * 1_024 + 512)];
    damaged.push(sound[..sound.len() / 2].to_vec());
    damaged.push(b"this is not a database, however long it may be ".repeat(100));
    for (n, bytes) in damaged.into_iter().enumerate() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(database(dir.path()), &bytes).expect("written");
        let (store, opened) = Store::open(&options(dir.path()), keys()).expect("a new one");
        let Opened::Recovered { moved_aside, why } = opened else { panic!("case {n}: {opened:?}") };
        assert!(!why.is_empty());
        assert_eq!(fs::read(&moved_aside).expect("kept"), bytes, "case {n}");
        let name = moved_aside.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(name.starts_with("panelgate.db.damaged-20"), "{name}");
        add(&store, event(EventKind::ZoneAlarm, 0)).await;
        store.close().await;
        let (store, opened) = Store::open(&options(dir.path()), keys()).expect("opened");
        assert_eq!((opened, all_events(&store).await.len()), (Opened::Existing, 1), "case {n}");
    }
}

#[tokio::test]
async fn a_log_without_its_database_is_put_aside_and_not_deleted() {
    let (dir, store) = fresh();
    add(&store, event(EventKind::ZoneAlarm, 0)).await;
    let log = fs::read(dir.path().join("panelgate.db-wal")).expect("read");
    store.close().await;
    fs::write(database(dir.path()), b"").expect("emptied");
    fs::write(dir.path().join("panelgate.db-wal"), &log).expect("written");
    let (_store, opened) = Store::open(&options(dir.path()), keys()).expect("a new one");
    let Opened::Recovered { moved_aside, .. } = opened else { panic!("{opened:?}") };
    let mut aside = moved_aside.into_os_string();
    aside.push("-wal");
    assert_eq!(fs::read(aside).expect("kept"), log);
}

#[tokio::test]
async fn only_the_last_damaged_files_are_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    for n in 0..6_u8 {
        fs::write(database(dir.path()), [n; 4_096]).expect("written");
        let (store, opened) = Store::open(&options(dir.path()), keys()).expect("a new one");
        assert!(matches!(opened, Opened::Recovered { .. }));
        store.close().await;
    }
    let mut kept: Vec<_> = files(dir.path()).into_iter().filter(|name| name.contains("damaged")).collect();
    assert_eq!(kept.len(), 3, "{kept:?}");
    let mut contents: Vec<_> = kept.drain(..).map(|name| fs::read(dir.path().join(name)).expect("read")[0]).collect();
    contents.sort_unstable();
    assert_eq!(contents, [3, 4, 5], "the newest");
}

#[tokio::test]
async fn damage_that_shows_while_it_is_open_stops_writes_and_is_cleared_up_at_the_next_start() {
    let (dir, store) = fresh();
    for n in 0..200 {
        drop(store.begin_write(Urgency::Grouped, move |tx| tx.add_event(event(EventKind::ZoneOpened, n))).await);
    }
    store.close().await;
    // An index with a row in the wrong place: the quick look at the start does not see it, deleting the row does.
    let schema = |words: &str| {
        raw(
            dir.path(),
            &format!("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET {words} WHERE name = 'event_by_panel'"),
        );
    };
    schema(
        "type = 'table', tbl_name = name, \
         sql = 'CREATE TABLE event_by_panel (panel, seq, PRIMARY KEY (panel, seq)) WITHOUT ROWID'",
    );
    raw(dir.path(), "UPDATE event_by_panel SET panel = 'dsc-9' WHERE seq = 7");
    schema("type = 'index', tbl_name = 'event', sql = 'CREATE INDEX event_by_panel ON event (panel)'");
    let (store, opened) = Store::open(&options(dir.path()), keys()).expect("opened");
    assert_eq!(opened, Opened::Existing, "the quick look finds nothing");
    let delete = store.write(Urgency::Now, |tx| tx.execute("DELETE FROM event WHERE seq = 7", [])).await;
    assert!(matches!(delete, Err(StoreError::Corrupt(_))), "{delete:?}");
    let later = store.write(Urgency::Now, |tx| tx.bump_desired(&panel("dsc-1"))).await;
    assert!(matches!(later, Err(StoreError::Corrupt(_))), "{later:?}");
    store.close().await;
    let (store, opened) = Store::open(&options(dir.path()), keys()).expect("opened");
    assert!(matches!(opened, Opened::Recovered { .. }), "{opened:?}");
    store.close().await;
    let (_, opened) = Store::open(&options(dir.path()), keys()).expect("opened");
    assert_eq!(opened, Opened::Existing, "once");
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_lets_go_when_there_is_room_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let small = StoreOptions { max_pages: Some(160), ..options(dir.path()) };
    let (store, _) = Store::open(&small, keys()).expect("opened");
    let mut stored = 0;
    let full = loop {
        let new = event(EventKind::ZoneOpened, stored);
        match store.write(Urgency::Now, |tx| tx.add_event(new)).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 10_000, "160 pages cannot hold that many");
    };
    assert!(matches!(full, StoreError::Full), "{full}");
    assert_eq!(full.to_string(), "the disk is full: nothing was stored");
    let depth = store.read(|view| view.outbox_stats()).await.expect("reads go on").depth;
    assert_eq!((u64::from(stored), all_events(&store).await.len() as u64), (depth, depth));
    let big = |tx: &mut Tx<'_>| tx.push_delta(&panel("dsc-1"), 1, 2, serde_json::json!("x".repeat(50_000)));
    assert!(matches!(store.write(Urgency::Now, big).await, Err(StoreError::Full)));
    let small = store.write(Urgency::Now, |tx| tx.bump_desired(&panel("dsc-1"))).await;
    assert!(matches!(small, Ok(1) | Err(StoreError::Full)), "{small:?}");
    let room = store.write(Urgency::Now, |tx| tx.row("PRAGMA max_page_count = 100000", [], |_| Ok(())));
    room.await.expect("allowed");
    add(&store, event(EventKind::ZoneAlarm, 1)).await;
    store.write(Urgency::Now, big).await.expect("there is room again");
    store.close().await;
    assert_eq!(all_events(&open(dir.path())).await.len() as u64, depth + 1);
}

#[tokio::test]
async fn a_write_that_finds_the_disk_full_does_not_cost_its_companions_more_than_an_answer() {
    let dir = tempfile::tempdir().expect("a directory");
    let small = StoreOptions { max_pages: Some(200), ..options(dir.path()) };
    let (store, _) = Store::open(&small, keys()).expect("opened");
    let write = |n| store.begin_write(Urgency::Grouped, move |tx| tx.add_event(event(EventKind::ZoneOpened, n)));
    let mut answers = vec![write(0).await.expect("handed over"), write(1).await.expect("handed over")];
    let big = store.begin_write(Urgency::Grouped, |tx| {
        tx.push_delta(&panel("dsc-1"), 1, 2, serde_json::json!("x".repeat(500_000)))
    });
    let big = big.await.expect("handed over");
    answers.push(write(2).await.expect("handed over"));
    assert!(matches!(big.await, Err(StoreError::Full)));
    let mut stored = Vec::new();
    for answer in answers {
        match answer.await {
            Ok(event) => stored.push(event),
            Err(error) => assert!(matches!(error, StoreError::Full), "{error}"),
        }
    }
    assert!(!stored.is_empty(), "the one after it");
    assert_eq!(all_events(&store).await, stored, "who was told `stored` is stored, who was told `full` is not");
    let stats = store.read(|view| view.outbox_stats()).await.expect("read");
    assert_eq!(stats.depth, stored.len() as u64);
}

/// A database of schema 1 as the first release wrote it. Never changed: a later schema has to open it.
const FIRST: &str = include_str!("../fixtures/0001.sql");

#[tokio::test]
async fn a_database_of_the_first_schema_opens_with_all_it_holds() {
    use panel_model::{AccessCode, CodeState, Condition, Evidence, Field, PanelRole, Refusal, UserWish};
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(database(dir.path()), b"").expect("made");
    raw(dir.path(), FIRST);
    let (store, opened) = Store::open(&options(dir.path()), keys()).expect("opened");
    assert_eq!((opened, store.boots()), (Opened::Existing, 4));
    let got = store.read(|view| {
        let id = panel("dsc-1");
        let state = view.panel_state(&id)?;
        assert!(state.zones[&zone(3)].open && state.installer_mode && state.troubles.len() == 1);
        let reported = &view.reported_users(&id)?[&slot(4)];
        assert_eq!((reported.code.value, reported.code.evidence), (CodeState::Set, Evidence::Acknowledged));
        assert_eq!(reported.code_hash, Some(keys().code_hash(&id, "0042")));
        assert_eq!(view.reported_code(&id, slot(4))?, Some(AccessCode::new("0042".into())));
        let UserWish::Present { code, role, .. } = view.desired_users(&id)?[&slot(4)].wish.clone() else {
            panic!("present")
        };
        assert_eq!((code, role), (Some(AccessCode::new("0042".into())), Some(PanelRole::Supervisor)));
        assert_eq!(
            view.answers(&id)?[&(slot(4), Field::Role)],
            (3, Condition::Refused { refusal: Refusal::Unsupported })
        );
        assert_eq!(view.versions(&id)?, Versions { desired: 3, reported: 2, cloud: 41 });
        assert_eq!(view.residue(&id)?.as_deref(), Some("in *5 of partition 1"));
        assert_eq!(view.secret(&id, "password")?.expect("one").as_str(), "user");
        let waiting = view.outbox_next(10, &std::collections::BTreeSet::new())?;
        assert!(matches!(&waiting[0].record, OutboxRecord::Event(e) if e.event.kind == EventKind::ZoneAlarm));
        assert!(matches!(&waiting[1].record, OutboxRecord::Delta { from: 1, to: 2, .. }));
        assert!(matches!(&waiting[2].record, OutboxRecord::Gap { count: 7, first: 2, last: 8 }));
        assert!(matches!(&waiting[3].record, OutboxRecord::Log(line) if line.line.actor == "ann"));
        view.outbox_stats()
    });
    let stats = got.await.expect("read");
    assert_eq!(schema(&store).await, schema(&fresh().1).await, "the same as a new one");
    assert_eq!((stats.depth, stats.oldest), (4, Some(WallTime(1_735_689_600_001))));
    assert_eq!(add(&store, event(EventKind::ZoneOpened, 0)).await.seq, 21, "after the highest number ever given");
}

async fn schema(store: &Store) -> Vec<String> {
    let sql = "SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name";
    store.read(move |view| view.rows(sql, [], |row| row.get(0))).await.expect("read")
}
