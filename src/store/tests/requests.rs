//! Requests of the cloud: one answer each, for everybody who waits, also after a restart.

use uuid::Uuid;

use super::*;
use crate::store::{NewRequest, OutboxItem, ReplyTo, StoredKeys};

const WEEK: i64 = 7 * 24 * 3600;

fn request(n: u128, at: i64) -> NewRequest {
    NewRequest { id: Uuid::from_u128(n), at, fingerprint: [7; 32], reply: to("a") }
}

fn to(topic: &str) -> ReplyTo {
    ReplyTo { topic: Some(topic.to_owned()), correlation: Some(vec![0, 255]) }
}

async fn write<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.write(Urgency::Now, work).await.expect("stored")
}

/// Topics and answers that wait in the outbox.
async fn waiting(store: &Store) -> Vec<(String, String)> {
    let items = store.read(|view| view.outbox_next(100, &std::collections::BTreeSet::new())).await.expect("read");
    let response = |item: OutboxItem| match item.record {
        OutboxRecord::Response { reply, answer, .. } => (reply.topic.expect("a topic"), answer.expose().to_owned()),
        other => panic!("{other:?}"),
    };
    items.into_iter().map(response).collect()
}

#[tokio::test]
async fn a_request_gets_one_answer_and_everybody_who_waits_gets_that() {
    let (dir, store) = fresh();
    let id = Uuid::from_u128(1);
    write(&store, |tx| tx.add_request(&request(1, 100))).await;
    write(&store, move |tx| tx.add_reply(id, &to("b"))).await;
    assert_eq!(store.read(|view| view.open_requests()).await.expect("read"), [id]);
    assert!(write(&store, move |tx| tx.answer_request(id, "first-4711")).await);
    assert!(!write(&store, move |tx| tx.answer_request(id, "second")).await, "the first answer stays");
    assert!(!write(&store, |tx| tx.answer_request(Uuid::from_u128(2), "x")).await, "nobody asked that");
    let both = [("a".to_owned(), "first-4711".to_owned()), ("b".to_owned(), "first-4711".to_owned())];
    assert_eq!(waiting(&store).await, both);
    store.close().await;

    let store = open(dir.path());
    write(&store, move |tx| tx.push_response(id, to("c"))).await;
    assert_eq!(waiting(&store).await[2], ("c".to_owned(), "first-4711".to_owned()));
    let known = store.read(move |view| view.request(id)).await.expect("read").expect("known");
    assert!(known.answered && known.fingerprint == [7; 32]);
    assert!(store.read(|view| view.open_requests()).await.expect("read").is_empty());
    store.close().await;
    for file in std::fs::read_dir(dir.path()).expect("listed") {
        let bytes = std::fs::read(file.expect("an entry").path()).expect("read");
        assert!(!bytes.windows(10).any(|part| part == b"first-4711"), "answers are sealed at rest");
    }
}

#[tokio::test]
async fn no_more_than_eight_wait_for_one_answer() {
    let (_dir, store) = fresh();
    write(&store, |tx| {
        tx.add_request(&request(1, 100))?;
        for n in 0..20 {
            tx.add_reply(Uuid::from_u128(1), &to(&n.to_string()))?;
        }
        tx.answer_request(Uuid::from_u128(1), "done")
    })
    .await;
    assert_eq!(waiting(&store).await.len(), 8);
}

#[tokio::test]
async fn answered_requests_are_forgotten_after_a_week_and_open_ones_never() {
    let (_dir, store) = fresh();
    write(&store, |tx| {
        tx.add_request(&request(1, 100))?;
        tx.add_request(&request(2, 100))?;
        tx.answer_request(Uuid::from_u128(1), "done")?;
        tx.add_request(&request(3, 100 + WEEK))
    })
    .await;
    let known = |n| store.read(move |view| Ok(view.request(Uuid::from_u128(n))?.is_some()));
    assert!(known(1).await.expect("read"), "a week is not over");
    write(&store, |tx| tx.add_request(&request(4, 101 + WEEK))).await;
    assert_eq!((known(1).await.expect("read"), known(2).await.expect("read")), (false, true));
    // Its answer is on its way all the same, and is told as a gap.
    let items = store.read(|view| view.outbox_next(9, &std::collections::BTreeSet::new())).await.expect("read");
    assert!(matches!(items[0].record, OutboxRecord::Gap { count: 1, .. }));
}

#[tokio::test]
async fn used_tokens_keys_and_the_time_survive() {
    let (dir, store) = fresh();
    let keys = StoredKeys { file: [1; 32], jwks: "{}".into(), issued_at: 5 };
    let stored = keys.clone();
    write(&store, move |tx| {
        tx.use_token("a", 1_000, 0)?;
        tx.use_token("b", 2_000, 0)?;
        tx.set_time_floor(900)?;
        tx.put_token_keys(&stored)
    })
    .await;
    store.close().await;
    let store = open(dir.path());
    let used = |jti: &'static str| store.read(move |view| view.token_used(jti));
    assert!(used("a").await.expect("read") && used("b").await.expect("read") && !used("c").await.expect("read"));
    assert_eq!(store.read(|view| view.times_seen()).await.expect("read"), (900, 0));
    assert_eq!(store.read(|view| view.token_keys()).await.expect("read"), Some(keys));
    write(&store, |tx| tx.use_token("c", 3_000, 1_001)).await;
    assert_eq!(
        (used("a").await.expect("read"), used("b").await.expect("read")),
        (false, true),
        "what has expired goes"
    );
    add(&store, event(EventKind::ZoneOpened, 0)).await;
    assert_eq!(store.read(|view| view.times_seen()).await.expect("read"), (900, 1_735_689_600));
}
