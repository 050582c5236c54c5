//! The cloud task and brokers that say no: certificates, passwords, access lists, sizes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::path::Path;
use std::time::Duration;

use panel_model::{EventKind, Password};
use panelgate::cloud::ports::OutboxContent;
use panelgate::cloud::session::{Login, MqttVersion, TlsFiles};
use panelgate::payload::{Delta, User};
use tempfile::TempDir;

mod cloud_support;
use cloud_support::broker::{Broker, Setup, free_port};
use cloud_support::certificates::Authority;
use cloud_support::gateway::{Builder, Gateway};
use cloud_support::log::Log;
use cloud_support::observer::Observer;
use cloud_support::samples::{self, slot};
use cloud_support::soon;

const BOTH: [MqttVersion; 2] = [MqttVersion::V5, MqttVersion::V311];

fn login(password: &str) -> Option<Login> {
    Some(Login { user: "gateway".into(), password: Password::new(password.into()) })
}

/// A broker that shows a certificate and wants one, with everybody's files in its folder.
fn strict_broker() -> Broker {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new("ours");
    ours.write(dir.path(), "ca");
    ours.issue(dir.path(), "broker", "127.0.0.1");
    ours.issue(dir.path(), "gateway", "g1");
    let theirs = Authority::new("theirs");
    theirs.write(dir.path(), "other-ca");
    theirs.issue(dir.path(), "stranger", "g1");
    strict(dir)
}

fn strict(dir: TempDir) -> Broker {
    let lines = ["cafile DIR/ca.pem", "certfile DIR/broker.pem", "keyfile DIR/broker.key", "require_certificate true"];
    Broker::prepared(dir, Setup { lines: lines.map(str::to_owned).into(), ..Setup::default() })
}

fn files(dir: &Path, ca: &str, identity: Option<&str>) -> Option<TlsFiles> {
    let identity = identity.map(|name| (dir.join(format!("{name}.pem")), dir.join(format!("{name}.key"))));
    Some(TlsFiles { ca: dir.join(ca), identity })
}

#[tokio::test]
async fn tls_with_a_client_certificate_carries_everything() {
    let broker = strict_broker();
    for version in BOTH {
        let mut builder = Builder::new(broker.port);
        builder.broker.version = version;
        builder.broker.tls = files(broker.dir.path(), "ca.pem", Some("gateway"));
        let mut observer = Observer::with(builder.broker.clone()).await;
        builder.outbox.add_event("dsc-1", EventKind::ZoneAlarm, "");
        let mut gateway = builder.start();
        gateway.connected().await;
        observer.until("panels/dsc-1/event", |json| json["kind"] == "zone_alarm").await;
        observer.publish("panels/dsc-2/desired", r#"{"version":3,"users":{}}"#).await;
        soon("document", gateway.intake.took(3)).await;
        observer.publish("panels/dsc-2/desired", "").await;
        gateway.stop().await;
        observer.until("status", |json| json["state"] == "disconnected").await;
    }
}

#[tokio::test]
async fn certificates_that_are_not_trusted_are_told_plainly() {
    let broker = strict_broker();
    let dir = broker.dir.path();
    std::fs::write(dir.join("empty.pem"), "nothing").unwrap();
    for version in BOTH {
        for (tls, words) in [
            (files(dir, "other-ca.pem", Some("gateway")), ["no TLS with the broker", "UnknownIssuer"]),
            (files(dir, "ca.pem", Some("stranger")), ["no TLS with the broker", "alert"]),
            (files(dir, "ca.pem", None), ["no TLS with the broker", "alert"]),
            (files(dir, "missing.pem", None), ["cannot read", "missing.pem"]),
            (files(dir, "empty.pem", None), ["cannot use", "empty.pem"]),
            (files(dir, "ca.pem", Some("empty")), ["cannot", "empty"]),
        ] {
            let mut builder = Builder::new(broker.port);
            builder.broker.version = version;
            builder.broker.tls = tls;
            let trouble = builder.start().disconnected().await;
            assert!(words.iter().all(|word| trouble.contains(word)), "{version:?}: {trouble}");
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_once_and_tried_slowly_and_never_shown() {
    let broker = Broker::new(Setup { login: Some(("gateway", "right-Q7x")), ..Setup::default() });
    for version in BOTH {
        let (log, _guard) = Log::listen();
        let mut builder = Builder::new(broker.port);
        builder.broker.version = version;
        builder.broker.login = login("wrong-Z9k");
        let mut gateway = builder.start();
        let trouble = gateway.disconnected().await;
        assert!(trouble.contains("user name, password or certificate do not open it"), "{trouble}");
        // Two more tries, 0.2 to 0.8 s apart (a minute and more in a real gateway).
        for _ in 0..2 {
            soon("another try", gateway.health.changed()).await.unwrap();
        }
        let loud = log.loud();
        assert_eq!(loud.len(), 1, "{loud:?}");
        assert!(!log.all().contains("wrong-Z9k"));
        gateway.stop().await;
    }
    let mut builder = Builder::new(broker.port);
    builder.broker.login = login("right-Q7x");
    let mut gateway = builder.start();
    gateway.connected().await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_told_once_and_found_when_it_comes() {
    let (log, _guard) = Log::listen();
    let mut broker = Broker::open();
    broker.stop();
    let mut gateway = Gateway::start(broker.port);
    let trouble = gateway.disconnected().await;
    assert!(trouble.contains("cannot reach the broker") && trouble.contains("refused"), "{trouble}");
    for _ in 0..3 {
        soon("another try", gateway.health.changed()).await.unwrap();
    }
    assert_eq!(log.loud().len(), 1, "{:?}", log.loud());
    broker.start();
    gateway.connected().await;
    gateway.outbox.add_event("dsc-1", EventKind::ZoneOpened, "");
    soon("deletion", gateway.outbox.emptied()).await; // takes longer than half a second, after which the line is sound
    assert!(log.all().contains("holds again"), "{}", log.all());
    gateway.stop().await;
}

#[tokio::test]
async fn a_broker_that_falls_silent_is_noticed() {
    for version in BOTH {
        let broker = Broker::open();
        let mut builder = Builder::new(broker.port);
        builder.broker.version = version;
        builder.broker.keep_alive = Duration::from_secs(1);
        let mut gateway = builder.start();
        gateway.connected().await;
        broker.freeze();
        let trouble = gateway.disconnected().await;
        assert!(trouble.contains("went silent"), "{version:?}: {trouble}");
        broker.thaw();
        gateway.connected().await;
        gateway.outbox.add_event("dsc-1", EventKind::ZoneAlarm, "");
        soon("deletion", gateway.outbox.emptied()).await;
        gateway.stop().await;
    }
}

#[tokio::test]
async fn stopping_without_a_broker_takes_no_time() {
    let mut gateway = Gateway::start(free_port());
    gateway.disconnected().await;
    gateway.stop().await;
}

#[tokio::test]
async fn what_the_access_list_forbids_waits_in_the_outbox() {
    let (log, _guard) = Log::listen();
    let access =
        "topic read panelgate/#\ntopic write panelgate/v1/g1/panels/+/state\ntopic write panelgate/v1/g1/status\n";
    let broker = Broker::new(Setup { access: Some(access), ..Setup::default() });
    let mut gateway = Gateway::start(broker.port);
    gateway.outbox.add_event("dsc-1", EventKind::ZoneAlarm, "");
    // This broker breaks the connection after a refusal; others keep it. The reason is told either way.
    let told = |trouble: &String| trouble.contains("access list");
    let health = &mut gateway.health;
    soon("the reason", health.wait_for(|health| health.trouble.as_ref().is_some_and(told))).await.unwrap();
    for _ in 0..2 {
        soon("another try", gateway.health.changed()).await.unwrap();
    }
    assert_eq!(gateway.outbox.len(), 1, "the alarm is kept");
    assert!(log.loud().len() <= 2, "{:?}", log.loud());
    gateway.stop().await;
}

#[tokio::test]
async fn messages_that_are_too_large_for_the_broker_do_not_stand_in_the_way() {
    let broker = Broker::new(Setup { lines: vec!["max_packet_size 3000".into()], ..Setup::default() });
    let mut observer = Observer::connect(broker.port).await;
    let builder = Builder::new(broker.port);
    let panel = samples::panel();
    let users = (1..=40).map(|n| (slot(n), Some(User::of(&panel, slot(4))))).collect();
    let delta = Delta { from: 1, to: 2, users };
    builder.outbox.add(2, OutboxContent::Delta("dsc-1".parse().unwrap(), delta));
    builder.outbox.add_event("dsc-1", EventKind::ZoneOpened, "behind it");
    let mut gateway = builder.start();
    gateway.connected().await;
    observer.until("panels/dsc-1/event", |json| json["text"] == "behind it").await;
    soon("deletion", gateway.outbox.emptied()).await;
    // Everything of the retained set that fits is there.
    assert!(observer.seen.iter().any(|seen| seen.topic == "panels/dsc-2/reported"));
    assert!(!observer.seen.iter().any(|seen| seen.topic == "panels/dsc-1/delta"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_document_too_large_to_be_received_harms_nobody() {
    let broker = Broker::open();
    let mut observer = Observer::connect(broker.port).await;
    let mut gateway = Gateway::start(broker.port);
    gateway.connected().await;
    observer.until("panels/dsc-2/reported", |_| true).await;
    // MQTT 5 lets us name a limit: the broker keeps it back.
    observer.publish("panels/dsc-2/desired", vec![b' '; 600 * 1024]).await;
    observer.publish("panels/dsc-1/desired", r#"{"version":2,"users":{}}"#).await;
    soon("document", gateway.intake.took(2)).await;
    assert_eq!(gateway.health.borrow().connections, 1);
    gateway.stop().await;

    // 3.1.1 does not: the connection breaks, with the reason, until the topic is cleared.
    let mut builder = Builder::new(broker.port);
    builder.broker.version = MqttVersion::V311;
    let mut gateway = builder.start();
    let told = |trouble: &String| trouble.contains("614440 bytes") && trouble.contains("clear the retained");
    soon("the reason", gateway.health.wait_for(|health| health.trouble.as_ref().is_some_and(told))).await.unwrap();
    observer.publish("panels/dsc-2/desired", "").await;
    gateway.connected().await;
    observer.publish("panels/dsc-2/desired", r#"{"version":9,"users":{}}"#).await;
    soon("document", gateway.intake.took(9)).await;
    gateway.stop().await;
}
