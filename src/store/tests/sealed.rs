//! No secret is in any file in a form that somebody without the key can read.

use std::fs;

use panel_model::{AccessCode, DesiredUser, ReportedUser, UserWish};

use super::*;

/// The forms in which a code could lie about.
fn forms(code: &str) -> Vec<(&'static str, Vec<u8>)> {
    let hex: String = code.bytes().map(|b| format!("{b:02x}")).collect();
    let digits: Vec<u8> = code.bytes().map(|b| b - b'0').collect();
    let bcd = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    vec![
        ("ASCII", code.into()),
        ("reversed", code.bytes().rev().collect()),
        ("hex", hex.clone().into()),
        ("upper hex", hex.to_uppercase().into()),
        ("UTF-16LE", code.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16BE", code.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("BCD", bcd),
        ("digits", digits),
    ]
}

fn search(dir: &Path, what: &[u8]) -> Vec<String> {
    let files = fs::read_dir(dir).expect("listed").map(|entry| entry.expect("an entry").path());
    let found = files.filter(|path| fs::read(path).expect("read").windows(what.len()).any(|part| part == what));
    found.map(|path| path.display().to_string()).collect()
}

fn present(code: &str) -> UserWish {
    UserWish::Present { code: Some(AccessCode::new(code.into())), label: None, role: None, partitions: None }
}

const CODES: [&str; 4] = ["73915862", "84026973", "95137084", "60248195"];

#[tokio::test]
async fn no_code_is_in_any_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let source = crate::secrets::KeySource { credentials: None, file: dir.path().join("panelgate.key") };
    let keys = Arc::new(Keys::load(&source).expect("made"));
    let master = fs::read(&source.file).expect("read");
    let (store, _) = Store::open(&options(dir.path()), Arc::clone(&keys)).expect("opened");
    let put = store.write(Urgency::Now, move |tx| {
        let id = panel("dsc-1");
        let [desired, reported, password, failed] = CODES;
        let hash = tx.desk.keys.code_hash(&id, desired);
        let user = DesiredUser { slot: slot(4), version: 1, wish: present(desired), code_hash: Some(hash) };
        tx.put_desired_user(&id, &user)?;
        tx.put_reported_user(&id, &ReportedUser::unknown(slot(4)))?;
        tx.put_reported_code(&id, slot(4), &AccessCode::new(reported.into()))?;
        tx.put_secret(&id, "password", password)?;
        tx.put_secret(&id, failed, "x")
    });
    put.await.expect("stored");
    // The search itself works: a name is no secret.
    assert!(!search(dir.path(), CODES[3].as_bytes()).is_empty(), "a canary that is there is found");
    store.write(Urgency::Now, |tx| tx.delete_secret(&panel("dsc-1"), CODES[3])).await.expect("stored");
    let look = || {
        for code in &CODES[..3] {
            for (form, bytes) in forms(code) {
                assert_eq!(search(dir.path(), &bytes), [""; 0], "{code} as {form}");
            }
        }
        let with_key = search(dir.path(), &master);
        assert_eq!(with_key, [source.file.display().to_string()], "the key is in its own file only");
    };
    look();
    store.close().await;
    look();
}

#[tokio::test]
async fn a_sealed_value_that_is_moved_to_another_row_does_not_open() {
    let (_dir, store) = fresh();
    let got = store.write(Urgency::Now, |tx| {
        let (one, two) = (panel("dsc-1"), panel("dsc-2"));
        for (id, n, code) in [(&one, 4, "0042"), (&one, 5, "4711"), (&two, 4, "1234")] {
            let user = DesiredUser { slot: slot(n), version: 1, wish: present(code), code_hash: None };
            tx.put_desired_user(id, &user)?;
        }
        tx.put_secret(&one, "password", "user")?;
        tx.put_secret(&one, "master_code", "1234")?;
        tx.execute(
            "UPDATE desired_user SET code = (SELECT code FROM desired_user WHERE panel = 'dsc-1' AND slot = 4) \
             WHERE NOT (panel = 'dsc-1' AND slot = 4)",
            [],
        )?;
        tx.execute("UPDATE secret SET value = (SELECT value FROM secret WHERE name = 'master_code')", [])?;
        let (users, others) = (tx.desired_users(&one)?, tx.desired_users(&two)?);
        let secrets = [tx.secret(&one, "master_code"), tx.secret(&one, "password")];
        Ok((users[&slot(4)].wish.clone(), users[&slot(5)].wish.clone(), others[&slot(4)].wish.clone(), secrets))
    });
    let (own, slot_5, other_panel, [master, password]) = got.await.expect("stored");
    let nothing = UserWish::Present { code: None, label: None, role: None, partitions: None };
    assert_eq!((own, &slot_5, &other_panel), (present("0042"), &nothing, &nothing));
    assert_eq!(master.expect("opened").expect("one").as_str(), "1234");
    assert!(matches!(password, Err(StoreError::Seal(crate::secrets::SealError::Wrong))));
}

#[tokio::test]
async fn what_was_sealed_is_overwritten_when_it_is_replaced_or_deleted() {
    let (dir, store) = fresh();
    let sealed = store.write(Urgency::Now, |tx| {
        for n in 1..100 {
            let user = DesiredUser { slot: slot(n), version: 1, wish: present("73915862"), code_hash: None };
            tx.put_desired_user(&panel("dsc-1"), &user)?;
        }
        tx.rows("SELECT code FROM desired_user", [], |row| row.get::<_, Vec<u8>>(0))
    });
    let sealed = sealed.await.expect("stored");
    store.close().await;
    for blob in &sealed {
        assert_eq!(search(dir.path(), blob), [dir.path().join("panelgate.db").display().to_string()]);
    }
    let store = open(dir.path());
    let forget = store.write(Urgency::Now, |tx| {
        for n in 1..50 {
            tx.delete_desired_user(&panel("dsc-1"), slot(n))?;
        }
        for n in 50..100 {
            let user = DesiredUser { slot: slot(n), version: 2, wish: UserWish::Disabled, code_hash: None };
            tx.put_desired_user(&panel("dsc-1"), &user)?;
        }
        Ok(())
    });
    forget.await.expect("stored");
    store.close().await;
    for blob in &sealed {
        assert_eq!(search(dir.path(), blob), [""; 0]);
    }
}
