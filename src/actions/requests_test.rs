//! What is decided about a request in the one transaction that takes it.

use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::secrets::Keys;
use crate::store::{Store, StoreOptions};

const NOW: i64 = 1_795_342_272;

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().expect("a directory");
    let keys = Arc::new(Keys::from_bytes([7; 32]));
    let store = Store::open(&StoreOptions::new(dir.path()), keys).expect("opened").0;
    (dir, store)
}

fn claims(jti: &str) -> Claims {
    Claims {
        sub: "olga".into(),
        role: "Operator".into(),
        permissions: ["service_devices".to_owned()].into(),
        company: "acme".into(),
        aud: "site-1".into(),
        iat: NOW,
        nbf: None,
        exp: NOW + 300,
        jti: jti.into(),
    }
}

/// A good request with an id, and a token of that name.
fn good(id: u128, jti: &str) -> Judged {
    let (id, claims) = (Uuid::from_u128(id), claims(jti));
    let actor = Actor::token(&claims, id);
    let action = Action::SetClock { panel: "dsc-1".parse().expect("an id") };
    Judged {
        id,
        fingerprint: Sha256::digest(jti).into(),
        reply: ReplyTo::default(),
        retained: false,
        entry: Entry::new(&actor, action.name(), action.panel()),
        claims: Some(claims),
        verdict: Ok((actor, action)),
    }
}

/// What became of it, and of the newest log line if it was refused.
async fn taken(store: &Store, judged: Judged) -> String {
    let before = store.read(|view| view.newest_log_lines(1)).await.expect("read");
    let taken = store.write(Urgency::Now, move |tx| take(tx, judged, NOW)).await.expect("stored");
    let lines = store.read(|view| view.newest_log_lines(1)).await.expect("read");
    let line = lines.into_iter().find(|line| !before.contains(line)).map(|line| line.line.result);
    let word = match taken {
        Taken::New => "new",
        Taken::Settled => "settled",
        Taken::Foreign => "foreign",
    };
    line.map_or(word.to_owned(), |line| format!("{word} {line}"))
}

/// How many answers are on their way.
async fn answers(store: &Store) -> usize {
    let items = store.read(|view| view.outbox_next(1_000, &std::collections::BTreeSet::new())).await.expect("read");
    items.iter().filter(|item| matches!(item.record, crate::store::OutboxRecord::Response { .. })).count()
}

#[tokio::test]
async fn an_id_is_one_request_and_a_token_is_good_for_one() {
    let (_dir, store) = store();
    assert_eq!(taken(&store, good(1, "a")).await, "new");
    assert_eq!(taken(&store, good(1, "a")).await, "settled", "it is still being done");
    assert_eq!(answers(&store).await, 0);
    assert_eq!(taken(&store, good(1, "b")).await, "foreign invalid");
    assert_eq!(taken(&store, good(2, "a")).await, "settled permission_denied");
    assert_eq!(answers(&store).await, 1, "the refusal");
    let done = Response::new(Uuid::from_u128(1), WallTime(0), Ok(Done::Stored)).to_json();
    store.write(Urgency::Now, move |tx| tx.answer_request(Uuid::from_u128(1), &done)).await.expect("stored");
    assert_eq!(answers(&store).await, 3, "one for each time that it was asked");
    assert_eq!(taken(&store, good(1, "a")).await, "settled");
    assert_eq!(answers(&store).await, 4);
    assert_eq!(taken(&store, Judged { retained: true, ..good(1, "a") }).await, "settled");
    assert_eq!(answers(&store).await, 4, "what the broker keeps comes with every connect and had its answer");
}

#[tokio::test]
async fn the_thirty_third_open_request_is_busy() {
    let (_dir, store) = store();
    for n in 0..32 {
        assert_eq!(taken(&store, good(n, &n.to_string())).await, "new");
    }
    assert_eq!(taken(&store, good(32, "32")).await, "settled busy");
    let refused = Judged { verdict: Err(TokenFault::Expired.into()), claims: None, ..good(33, "33") };
    assert_eq!(taken(&store, refused).await, "settled permission_denied", "its own fault is told first");
    let json = Response::new(Uuid::from_u128(0), WallTime(0), Ok(Done::Stored)).to_json();
    store.write(Urgency::Now, move |tx| tx.answer_request(Uuid::from_u128(0), &json)).await.expect("stored");
    assert_eq!(taken(&store, good(34, "34")).await, "new");
}

#[test]
fn how_an_action_ended_is_one_of_three_states() {
    let state = |result| {
        let json = Response::new(Uuid::nil(), WallTime(0), result).to_json();
        serde_json::from_str::<Value>(&json).expect("json")["state"].clone()
    };
    assert_eq!(state(Ok(Done::Stored)), "done");
    assert_eq!(state(Err(Refusal::PermissionDenied.into())), "refused");
    assert_eq!(state(Err(Refusal::PanelOffline.into())), "refused");
    assert_eq!(state(Err(Refusal::PanelFailed.into())), "failed");
    assert_eq!(state(Err(Refusal::StorageFailed.into())), "failed");
}

#[test]
fn a_large_request_is_not_even_read() {
    let huge = vec![b' '; LARGEST_REQUEST + 1];
    assert!(matches!(read_request(&huge), Err((None, refused)) if refused.text.contains("65537 bytes")));
}
