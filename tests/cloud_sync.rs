//! The cloud task against a real broker.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};

use panel_model::{ArmState, EventKind, PanelStatus, Refusal};
use panelgate::cloud::ports::{OutboxContent, WantingPanel};
use panelgate::cloud::session::MqttVersion;
use panelgate::payload::{Delta, Gap, GapKind, LogLine, LostPriority};
use serde_json::{Value, json};

mod cloud_support;
use cloud_support::broker::Broker;
use cloud_support::gateway::{Builder, Gateway};
use cloud_support::line::BadLine;
use cloud_support::observer::Observer;
use cloud_support::samples::{NOON, partition, slot};
use cloud_support::soon;

const RETAINED: [&str; 8] = [
    "status",
    "info",
    "panels/dsc-1/status",
    "panels/dsc-1/state",
    "panels/dsc-1/reported",
    "panels/dsc-2/status",
    "panels/dsc-2/state",
    "panels/dsc-2/reported",
];

/// Reads until the whole retained set of the gateway was seen.
async fn whole_set(observer: &mut Observer) -> BTreeMap<String, Value> {
    let mut seen = BTreeMap::new();
    while seen.len() < RETAINED.len() {
        let message = observer.next().await;
        if RETAINED.contains(&message.topic.as_str()) && message.json["state"] != "lost" {
            seen.insert(message.topic, message.json);
        }
    }
    seen
}

#[tokio::test]
async fn a_gateway_shows_its_whole_picture_and_says_goodbye() {
    for version in [MqttVersion::V5, MqttVersion::V311] {
        let broker = Broker::open();
        let mut builder = Builder::new(broker.port);
        builder.broker.version = version;
        let mut gateway = builder.start();
        gateway.connected().await;
        let mut observer = Observer::connect(broker.port).await;
        let set = whole_set(&mut observer).await;
        assert_eq!(set["status"]["state"], "online");
        assert_eq!(set["info"]["panels"][0]["panel"], "dsc-1");
        assert_eq!(set["panels/dsc-1/state"]["partitions"]["1"]["arm"], "armed");
        assert_eq!(set["panels/dsc-1/reported"]["users"]["4"]["answers"]["code"]["condition"], "applied");
        gateway.stop().await;
        let bye = observer.until("status", |json| json["state"] != "online").await;
        assert_eq!(bye["state"], "disconnected", "a clean stop is not a loss ({version:?})");
        assert_eq!(bye["boot"], set["status"]["boot"]);
    }
}

#[tokio::test]
async fn panels_that_want_in_are_shown_in_the_info_and_cost_one_message_however_many_come() {
    let broker = Broker::open();
    let mut gateway = Gateway::start(broker.port);
    gateway.connected().await;
    let mut observer = Observer::connect(broker.port).await;
    whole_set(&mut observer).await;
    let panel = |n: u32| WantingPanel {
        identifier: format!("3102123456{n:02}"),
        vendor: "neor".into(),
        listen: "0.0.0.0:3072".into(),
        since: NOON.into(),
    };
    for n in 1..=20 {
        gateway.wanting.send_replace((0..n).map(panel).collect());
        tokio::task::yield_now().await;
    }
    let info = observer.until("info", |json| json["wanting"].as_array().is_some_and(|list| list.len() == 20)).await;
    assert_eq!(info["wanting"][0]["identifier"], "310212345600");
    let shown = observer.seen.iter().filter(|seen| seen.topic == "info" && seen.json["wanting"].is_array());
    assert!(shown.count() <= 2, "not one message for each of them");
    gateway.wanting.send_replace(Vec::new());
    observer.until("info", |json| json["wanting"].is_null()).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_that_dies_is_told_by_its_will() {
    for version in [MqttVersion::V5, MqttVersion::V311] {
        let broker = Broker::open();
        let mut builder = Builder::new(broker.port);
        builder.broker.version = version;
        let mut gateway = builder.start();
        gateway.connected().await;
        let mut observer = Observer::connect(broker.port).await;
        let born = observer.until("status", |json| json["state"] == "online").await;
        gateway.kill();
        let lost = observer.until("status", |json| json["state"] != "online").await;
        assert_eq!(lost["state"], "lost");
        assert_eq!((&lost["boot"], &lost["connection"]), (&born["boot"], &born["connection"]));
    }
}

#[tokio::test]
async fn changes_of_a_panel_are_published_and_what_did_not_change_is_not() {
    let broker = Broker::open();
    let gateway = Gateway::start(broker.port);
    let mut observer = Observer::connect(broker.port).await;
    whole_set(&mut observer).await;
    gateway.change(1, |panel| {
        panel.status = PanelStatus::Stale;
        panel.since = NOON;
        panel.last_seen = None;
    });
    observer.until("panels/dsc-2/status", |json| json["state"] == "stale").await;
    observer.until("panels/dsc-2/state", |json| json["status"] == "stale").await;
    let from = observer.seen.len();
    // Heard again, and nothing else: no news. The change of the other panel comes behind it.
    gateway.change(1, |panel| panel.last_seen = Some(NOON));
    gateway.change(0, |panel| {
        panel.state.partitions.get_mut(&partition(1)).unwrap().arm = ArmState::Disarmed;
    });
    observer.until("panels/dsc-1/state", |json| json["partitions"]["1"]["arm"] == "disarmed").await;
    gateway.change(1, |panel| {
        panel.reported_version = 1;
        panel.users.remove(&slot(4));
    });
    observer.until("panels/dsc-2/reported", |json| json["version"] == 1).await;
    let topics: Vec<_> = observer.seen[from..].iter().map(|seen| seen.topic.as_str()).collect();
    assert_eq!(topics, ["panels/dsc-1/state", "panels/dsc-2/reported"]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_burst_of_changes_is_coalesced_and_ends_with_the_last() {
    let broker = Broker::open();
    let gateway = Gateway::start(broker.port);
    let mut observer = Observer::connect(broker.port).await;
    whole_set(&mut observer).await;
    let from = observer.seen.len();
    for version in 1..=2000 {
        gateway.change(1, |panel| {
            panel.reported_version = version;
            panel.state.installer_mode = version % 2 == 0;
            panel.firmware = Some(format!("1.{version}"));
        });
    }
    observer.until("panels/dsc-2/reported", |json| json["version"] == 2000).await;
    gateway.stop().await;
    observer.until("status", |json| json["state"] == "disconnected").await;
    let since: Vec<_> = observer.seen[from..].iter().collect();
    let last = |topic: &str| since.iter().rev().find(|seen| seen.topic == topic).map(|seen| seen.json.clone()).unwrap();
    assert_eq!(last("panels/dsc-2/state")["installer_mode"], true);
    assert_eq!(last("info")["panels"][1]["firmware"], "1.2000");
    let reports = since.iter().filter(|seen| seen.topic == "panels/dsc-2/reported").count();
    assert!(reports <= 3, "reported waits for quiet: {reports}");
    assert!(since.len() < 20, "coalesced: {}", since.len());
}

#[tokio::test]
async fn every_kind_of_record_goes_to_its_topic() {
    let broker = Broker::open();
    let gateway = Gateway::start(broker.port);
    let mut observer = Observer::connect(broker.port).await;
    whole_set(&mut observer).await;
    gateway
        .outbox
        .add(2, OutboxContent::Delta("dsc-1".parse().unwrap(), Delta { from: 1, to: 2, users: BTreeMap::new() }));
    observer.until("panels/dsc-1/delta", |json| json["to"] == 2).await;
    let line = LogLine {
        id: uuid::Uuid::now_v7(),
        seq: 1,
        at: NOON.into(),
        actor: "cloud".into(),
        role: "cloud".into(),
        door: "cloud".into(),
        action: "set_code".into(),
        panel: None,
        slot: None,
        subject: None,
        result: "accepted".into(),
        text: None,
        number: Some(1),
        hash: None,
    };
    gateway.outbox.add(3, OutboxContent::Log(Box::new(line)));
    observer.until("log", |json| json["action"] == "set_code").await;
    let gap = Gap { kind: GapKind::Gap, priority: LostPriority::State, count: 3, first: 5, last: 9 };
    gateway.outbox.add(2, OutboxContent::Gap(gap));
    observer.until("log", |json| json["kind"] == "gap").await;
    gateway.outbox.add_event("dsc-1", EventKind::Duress, "");
    let event = observer.until("panels/dsc-1/event", |_| true).await;
    assert_eq!(event["signal"]["contact_id"], "E121");
    assert!(
        !observer.seen.iter().any(|seen| seen.retained && seen.topic.ends_with("event")),
        "events are not retained"
    );
    soon("deletion", gateway.outbox.emptied()).await;
    gateway.stop().await;
}

/// Ten thousand rows of three panels, with an alarm every hundredth.
fn fill(outbox: &cloud_support::memory::MemoryOutbox) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for n in 0..10_000 {
        let panel = format!("dsc-{}", n % 3 + 1);
        let kind = if n % 100 == 99 { EventKind::ZoneAlarm } else { EventKind::ZoneOpened };
        outbox.add_event(&panel, kind, &n.to_string());
        all.push((format!("panels/{panel}/event"), n.to_string()));
    }
    all
}

fn text(json: &Value) -> String {
    json["text"].as_str().unwrap().to_owned()
}

/// Alarms of a panel in their order, and everything else of it in its order.
fn in_order(got: &[(String, Value)]) {
    let (alarms, others): (Vec<_>, Vec<_>) = got.iter().partition(|(_, json)| json["class"] == "alarm");
    for panel in ["panels/dsc-1/event", "panels/dsc-2/event", "panels/dsc-3/event"] {
        for list in [&alarms, &others] {
            let numbers = list.iter().filter(|(topic, _)| topic == panel).map(|(_, json)| text(json).parse::<u32>());
            let numbers: Vec<u32> = numbers.map(Result::unwrap).collect();
            assert!(numbers.len() > 30 && numbers.is_sorted(), "{panel} in order");
        }
    }
}

#[tokio::test]
async fn ten_thousand_rows_arrive_after_a_long_silence_in_order_with_alarms_first() {
    for version in [MqttVersion::V5, MqttVersion::V311] {
        let broker = Broker::open();
        let mut observer = Observer::connect(broker.port).await;
        let mut builder = Builder::new(broker.port);
        builder.broker.version = version;
        let expected = fill(&builder.outbox);
        let gateway = builder.start();
        let mut got = Vec::new();
        while got.len() < expected.len() {
            let seen = observer.next().await;
            if seen.topic.ends_with("/event") {
                got.push((seen.topic, seen.json));
            }
        }
        assert!(got[..100].iter().all(|(_, json)| json["class"] == "alarm"), "alarms first ({version:?})");
        in_order(&got);
        let got: BTreeSet<_> = got.iter().map(|(topic, json)| (topic.clone(), text(json))).collect();
        assert_eq!(got, expected.into_iter().collect(), "nothing lost ({version:?})");
        soon("deletion", gateway.outbox.emptied()).await;
        let deletions = gateway.outbox.deletions();
        assert!(deletions.len() < 300, "deleted together, for the flash's sake: {}", deletions.len());
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_line_that_breaks_again_and_again_loses_nothing_and_keeps_the_order() {
    for version in [MqttVersion::V5, MqttVersion::V311] {
        let broker = Broker::open();
        let line = BadLine::to(broker.port, |n| if n < 10 { 9_000 + 25_001 * n } else { usize::MAX }).await;
        let mut observer = Observer::connect(broker.port).await;
        let mut builder = Builder::new(line.port);
        builder.broker.version = version;
        let expected: BTreeSet<_> = fill(&builder.outbox).into_iter().collect();
        let gateway = builder.start();
        let (mut ids, mut got) = (BTreeSet::new(), Vec::new());
        while got.len() < expected.len() {
            let seen = observer.next().await;
            if seen.topic.ends_with("/event") && ids.insert(seen.json["id"].to_string()) {
                got.push((seen.topic, seen.json));
            }
        }
        assert!(line.cuts.load(std::sync::atomic::Ordering::Relaxed) == 10, "the line did break ({version:?})");
        in_order(&got);
        let got: BTreeSet<_> = got.iter().map(|(topic, json)| (topic.clone(), text(json))).collect();
        assert_eq!(got, expected, "nothing lost ({version:?})");
        soon("deletion", gateway.outbox.emptied()).await;
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_broker_that_forgot_everything_gets_the_whole_picture_and_the_subscription_again() {
    let mut broker = Broker::open();
    let mut gateway = Gateway::start(broker.port);
    gateway.connected().await;
    broker.stop();
    gateway.disconnected().await;
    broker.start();
    gateway.connected().await;
    let mut observer = Observer::connect(broker.port).await;
    let set = whole_set(&mut observer).await;
    assert!(set["status"]["connection"].as_u64().unwrap() >= 2);
    observer.publish("panels/dsc-2/desired", r#"{"version":3,"users":{}}"#).await;
    soon("document", gateway.intake.took(3)).await;
    gateway.stop().await;
}

#[tokio::test]
async fn desired_documents_are_taken_once_and_in_rising_versions() {
    for version in [MqttVersion::V5, MqttVersion::V311] {
        let broker = Broker::open();
        let observer = Observer::connect(broker.port).await;
        // Retained before the gateway was ever there.
        observer.publish("panels/dsc-2/desired", r#"{"version":5,"users":{"4":null}}"#).await;
        let mut builder = Builder::new(broker.port);
        builder.broker.version = version;
        let (outbox, intake) = (builder.outbox.clone(), builder.intake.clone());
        let mut gateway = builder.start();
        let document = soon("document", intake.took(5)).await;
        assert_eq!(document.users[&slot(4)], None);
        gateway.change(1, |panel| panel.cloud_version = 5);
        for text in [
            r#"{"version":5,"users":{"4":null}}"#,
            r#"{"version":4,"users":{"9":null}}"#,
            r#"{"version":5,"users":{}}"#,
            r#"{"version":6,"users":{}}"#,
        ] {
            observer.publish("panels/dsc-2/desired", text).await;
        }
        soon("document", intake.took(6)).await;
        assert_eq!(intake.versions(), [5, 6], "duplicates and older ones are dropped ({version:?})");
        gateway.connected().await;
        gateway.kill();

        // After a restart the broker sends the retained document again; the panel's picture says that it was taken.
        let mut builder = Builder::new(broker.port);
        builder.broker.version = version;
        (builder.outbox, builder.intake, builder.taken) = (outbox, intake.clone(), 6);
        let gateway = builder.start();
        observer.publish("panels/dsc-2/desired", r#"{"version":7,"users":{}}"#).await;
        soon("document", intake.took(7)).await;
        assert_eq!(intake.versions(), [5, 6, 7], "{version:?}");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn documents_that_cannot_be_taken_are_answered_in_reported() {
    let broker = Broker::open();
    let mut observer = Observer::connect(broker.port).await;
    let gateway = Gateway::start(broker.port);
    whole_set(&mut observer).await;
    gateway.intake.refuse_next(Refusal::PermissionDenied);
    let huge = format!(r#"{{"version":2,"users":{{}}{}}}"#, " ".repeat(260 * 1024));
    for (document, version, refusal, word) in [
        (r#"{"version":3,"users":{}}"#, json!(3), "permission_denied", "role"),
        (r#"{"version":2,"users":{"4":{"code":739182}}}"#, json!(2), "invalid", "users.4.code"),
        (r#"{"version":4,"users":{"4":{"labl":"x"}}}"#, json!(4), "invalid", "unknown field `labl`"),
        (r#"{"version":"#, Value::Null, "invalid", "EOF"),
        (huge.as_str(), Value::Null, "invalid", "262144"),
    ] {
        observer.publish("panels/dsc-2/desired", document.to_owned()).await;
        let told = |json: &Value| json["refused_document"]["text"].as_str().is_some_and(|text| text.contains(word));
        let reported = observer.until("panels/dsc-2/reported", told).await;
        assert_eq!(reported["refused_document"]["version"], version);
        assert_eq!(reported["refused_document"]["refusal"], refusal);
        assert!(!reported.to_string().contains("739182"));
    }
    assert_eq!(gateway.health.borrow().refused_documents, 5);
    observer.publish("panels/dsc-2/desired", r#"{"version":5,"users":{}}"#).await;
    observer.until("panels/dsc-2/reported", |json| json["refused_document"].is_null()).await;
    // Neither a cleared topic nor a panel that is not there does harm.
    observer.publish("panels/dsc-2/desired", "").await;
    observer.publish("panels/dsc-9/desired", r#"{"version":1,"users":{}}"#).await;
    observer.publish("panels/dsc-1/desired", r#"{"version":1,"users":{}}"#).await;
    soon("document", gateway.intake.took(1)).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_document_stays_the_brokers_until_the_box_could_store_it() {
    let broker = Broker::open();
    let observer = Observer::connect(broker.port).await;
    let builder = Builder::new(broker.port);
    let (outbox, intake) = (builder.outbox.clone(), builder.intake.clone());
    intake.refuse_next(Refusal::StorageFailed);
    let mut gateway = builder.start();
    gateway.connected().await;
    observer.publish("panels/dsc-2/desired", r#"{"version":1,"users":{}}"#).await;
    // The retained copy is taken away: only the gateway's own session still has the document.
    observer.publish("panels/dsc-2/desired", "").await;
    gateway.outbox.add_event("dsc-1", EventKind::ZoneAlarm, "");
    soon("alarm", gateway.outbox.emptied()).await;
    assert!(intake.versions().is_empty(), "the box could not store it");
    gateway.kill();
    let mut builder = Builder::new(broker.port);
    (builder.outbox, builder.intake) = (outbox, intake.clone());
    let gateway = builder.start();
    soon("document", intake.took(1)).await;
    gateway.stop().await;
}

#[tokio::test]
async fn two_gateways_of_one_name_are_suspected() {
    let broker = Broker::open();
    let _first = Gateway::start(broker.port);
    let mut second = Gateway::start(broker.port);
    let suspected = second.health.wait_for(|health| {
        health.trouble.as_ref().is_some_and(|trouble| trouble.contains("another gateway connect as `panelgate-g1`"))
    });
    soon("suspicion", suspected).await.unwrap();
}
