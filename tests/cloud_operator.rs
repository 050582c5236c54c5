//! `panelgate operator` as a program, against a real broker and a gateway with everything around it in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::pin::pin;
use std::process::Stdio;
use std::sync::Arc;

use panel_model::{
    Answer, CodeState, Condition, EventKind, Evidence, Field, Known, PanelSnapshot, Progress, Refusal, ReportedUser,
};
use panelgate::payload::DesiredDocument;
use panelgate::secrets::Keys;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinSet;

mod cloud_support;
use cloud_support::broker::{Broker, Setup};
use cloud_support::certificates::Authority;
use cloud_support::gateway::{Builder, Gateway};
use cloud_support::memory::MemoryIntake;
use cloud_support::observer::Observer;
use cloud_support::samples::{NOON, slot};
use cloud_support::soon;

struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    fn lines(&self) -> Vec<&str> {
        self.out.lines().collect()
    }
}

/// Runs `panelgate operator WORDS --mqtt …` with something piped in.
async fn operator(port: u16, words: &[&str], input: &str) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_panelgate"));
    command.arg("operator").args(words).arg("--mqtt").arg(format!("127.0.0.1:{port}"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut process = command.spawn().expect("panelgate starts");
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = soon("the operator's end", process.wait_with_output()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Plays the box behind `dsc-2`: takes documents, says "pending", works a while, and gives each value its answer.
fn play_box(gateway: &Gateway, end: fn(Field) -> Condition) -> JoinSet<()> {
    let (picture, intake) = (gateway.panels[1].clone(), gateway.intake.clone());
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut taken = intake.taken.subscribe();
        loop {
            taken.changed().await.unwrap();
            let document = taken.borrow_and_update().last().unwrap().1.clone();
            let pending = Condition::Pending { since: NOON, tries: 0, why: None };
            answer(&picture, &document, |_| pending.clone());
            change(&picture, |panel| {
                panel.progress = Some(Progress { what: "writing user 4".into(), done: 1, total: 2 });
            });
            answer(&picture, &document, end);
        }
    });
    task
}

fn change(picture: &watch::Sender<Arc<PanelSnapshot>>, change: impl FnOnce(&mut PanelSnapshot)) {
    picture.send_modify(|panel| change(Arc::make_mut(panel)));
}

fn answer(
    picture: &watch::Sender<Arc<PanelSnapshot>>,
    document: &DesiredDocument,
    condition: impl Fn(Field) -> Condition,
) {
    change(picture, |panel| {
        panel.cloud_version = document.version;
        panel.desired_version += 1;
        panel.reported_version += 1;
        for (slot, user) in &document.users {
            let wished = |field| match (field, user) {
                (Field::Code, None) => true,
                (_, None) => false,
                (Field::Code, Some(user)) => user.code.is_some(),
                (Field::Label, Some(user)) => user.label.is_some(),
                (Field::Partitions, Some(user)) => user.partitions.is_some(),
                (Field::Role, Some(user)) => user.role.is_some(),
            };
            for field in [Field::Code, Field::Label, Field::Partitions, Field::Role].into_iter().filter(|f| wished(*f))
            {
                let answer = Answer { version: panel.desired_version, condition: condition(field) };
                panel.answers.insert((*slot, field), answer);
            }
            let mut known = ReportedUser::unknown(*slot);
            let value = if user.is_some() { CodeState::Set } else { CodeState::None };
            known.code = Known { value, evidence: Evidence::Acknowledged, at: NOON };
            panel.users.insert(*slot, known);
        }
    });
}

fn applied(_: Field) -> Condition {
    Condition::Applied { evidence: Evidence::Acknowledged }
}

async fn document(intake: &MemoryIntake, version: u64) -> DesiredDocument {
    soon("the document", intake.took(version)).await
}

#[tokio::test]
async fn one_user_is_pushed_and_its_answers_are_told() {
    let broker = Broker::open();
    let mut gateway = Gateway::start(broker.port);
    let _box = play_box(&gateway, applied);
    gateway.connected().await;

    let words = ["push", "dsc-2", "--slot", "4", "--code", "--label", "Anna", "--partitions", "1,2"];
    let ended = operator(broker.port, &words, "739182\n").await.with(0);
    let last: Vec<_> = ended.lines().into_iter().filter(|line| !line.ends_with(": pending")).collect();
    assert_eq!(
        last,
        [
            "dsc-2 4 code: applied: acknowledged by the panel",
            "dsc-2 4 label: applied: kept by the box, this panel has no such thing",
            "dsc-2 4 partitions: applied: acknowledged by the panel",
        ]
    );
    assert!(!format!("{}{}", ended.out, ended.err).contains("739182"));
    let first = document(&gateway.intake, 1).await;
    let user = first.users[&slot(4)].clone().unwrap();
    let sealed = user.code.unwrap();
    assert_eq!(Keys::from_bytes([7; 32]).open_sealed(&sealed).unwrap().as_str(), "739182");

    // The next push builds on what is retained: user 4 stays as wished.
    operator(broker.port, &["push", "dsc-2", "--slot", "5", "--disable"], "").await.with(0);
    let second = document(&gateway.intake, 2).await;
    assert_eq!(second.users[&slot(4)].clone().unwrap().code, Some(sealed));
    assert_eq!(second.users[&slot(5)], None);
    let ended = operator(broker.port, &["push", "dsc-2", "--slot", "4", "--role", "user", "--json"], "").await.with(0);
    let last: Value = serde_json::from_str(ended.lines().last().unwrap()).unwrap();
    assert_eq!((&last["field"], &last["answer"]["condition"]), (&json!("role"), &json!("applied")));
    gateway.stop().await;
}

#[tokio::test]
async fn refusals_are_told_and_end_with_failure() {
    let broker = Broker::open();
    let mut gateway = Gateway::start(broker.port);
    let _box = play_box(&gateway, |field| match field {
        Field::Code => Condition::Refused { refusal: Refusal::CodeNotAvailable },
        field => applied(field),
    });
    gateway.connected().await;
    let ended = operator(broker.port, &["push", "dsc-2", "--slot", "4", "--code"], "1234\n1234\n").await.with(1);
    assert!(ended.out.contains("dsc-2 4 code: refused (code_not_available)"), "{}", ended.out);

    gateway.intake.refuse_next(Refusal::PermissionDenied);
    let ended = operator(broker.port, &["push", "dsc-2", "--slot", "4", "--label", "x"], "").await.with(1);
    assert!(ended.err.contains("the document was refused (permission_denied)"), "{}", ended.err);

    for (words, input, complaint) in [
        (&["push", "dsc-9", "--slot", "4", "--label", "x"][..], "", "has no panel dsc-9; it has: dsc-1, dsc-2"),
        (&["push", "dsc-2", "--slot", "4"], "", "say what the user shall be"),
        (&["push", "dsc-2", "--slot", "4", "--code"], "1234\n4321\n", "the two entries differ"),
        (&["push", "dsc-2"], r#"{"version":1,"users":{"4":{"code":739182}}}"#, "users.4.code: "),
        (&["push", "dsc-2", "--slot", "4", "--label", "x", "--gateway", "g9"], "", "no `info` of gateway g9"),
        (&["watch", "--prefix", "a/#"], "", "cannot begin topic names"),
        (&["watch", "--cert", "x"], "", "--key"),
    ] {
        let ended = operator(broker.port, words, input).await;
        assert!(ended.code == Some(1) || ended.code == Some(2), "{words:?} ends with {:?}", ended.code);
        assert!(ended.err.contains(complaint), "{words:?}: {}", ended.err);
        assert!(!ended.err.contains("739182"));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_pushed_while_the_gateway_is_away_waits_and_is_taken_once() {
    let broker = Broker::open();
    let mut gateway = Gateway::start(broker.port);
    gateway.connected().await;
    let mut observer = Observer::connect(broker.port).await;
    observer.until("panels/dsc-2/reported", |_| true).await;
    gateway.stop().await;
    let sealed = operator(broker.port, &["seal"], "739182\n").await.with(0);
    let code: Value = serde_json::from_str(&sealed.out).unwrap();
    let whole = json!({ "version": 1, "users": { "4": { "code": code } } }).to_string();
    let ended = operator(broker.port, &["push", "dsc-2"], &whole).await.with(3);
    assert!(ended.err.contains("gateway g1 is not connected"), "{}", ended.err);

    let mut gateway = Gateway::start(broker.port);
    document(&gateway.intake, 1).await;
    gateway.connected().await;
    // The same again is a new version: what a document says is not looked at here.
    let ended = operator(broker.port, &["push", "dsc-2", "--no-wait"], &whole).await.with(3);
    assert!(ended.err.contains("document version 2 published"), "{}", ended.err);
    document(&gateway.intake, 2).await;
    assert_eq!(gateway.intake.versions(), [1, 2]);

    // Nobody plays the box: the panel does not answer.
    let ended =
        operator(broker.port, &["push", "dsc-2", "--slot", "4", "--label", "x", "--timeout", "1"], "").await.with(3);
    assert!(ended.err.contains("still pending, the box has not taken it"), "{}", ended.err);
    gateway.stop().await;
}

#[tokio::test]
async fn watching_shows_what_is_retained_and_what_comes() {
    let broker = Broker::open();
    let mut gateway = Gateway::start(broker.port);
    gateway.connected().await;
    let mut observer = Observer::connect(broker.port).await;
    observer.until("panels/dsc-2/reported", |_| true).await;

    let ended = operator(broker.port, &["watch", "--count", "9"], "").await.with(0);
    let shows = |words: &str| assert!(ended.out.contains(words), "`{words}` is not in:\n{}", ended.out);
    shows("g1  -          status    online since ");
    shows("info      panels: dsc-1 (PC1864), dsc-2 (PC1864)");
    shows("dsc-1      status    online since ");
    shows("reported  version 0: 0 entries, 0 refused; keys: none");
    shows("tcp 127.0.0.1:4025, reading slots 12/40, needs: the installer code is wrong");
    shows("partitions: 1 armed away IN ALARM, 2 disarmed; open: 1; bypassed: 2; troubles: ac_lost zone_battery_low");
    shows("reported  version 12, document 0: 1 users, 1 applied, 1 failed, 1 pending, 1 refused");

    // Events until the watcher has seen one, behind the three retained messages.
    let mut watching = pin!(operator(broker.port, &["watch", "--json", "--panel", "dsc-1", "--count", "4"], ""));
    let ended = loop {
        gateway.outbox.add_event("dsc-1", EventKind::ZoneAlarm, "seen");
        tokio::select! {
            ended = &mut watching => break ended,
            () = gateway.outbox.emptied() => {}
        }
    };
    let ended = ended.with(0);
    let last: Value = serde_json::from_str(ended.lines().last().unwrap()).unwrap();
    assert_eq!(last["topic"], "panelgate/v1/g1/panels/dsc-1/event");
    assert_eq!((&last["retained"], &last["payload"]["kind"]), (&json!(false), &json!("zone_alarm")));
    gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_must_be_chosen_where_there_are_several() {
    let broker = Broker::open();
    let mut first = Gateway::start(broker.port);
    first.connected().await;
    let mut builder = Builder::new(broker.port);
    builder.gateway = "g2";
    builder.broker.client_id = "panelgate-g2".into();
    let mut second = builder.start();
    second.connected().await;
    let mut observer = Observer::connect(broker.port).await;
    let mut infos = 0;
    while infos < 2 {
        infos += usize::from(observer.next().await.topic.ends_with("info"));
    }
    let ended = operator(broker.port, &["seal"], "1234\n").await.with(1);
    assert!(ended.err.contains("several gateways: g1, g2; choose one with --gateway"), "{}", ended.err);
    operator(broker.port, &["seal", "--gateway", "g2"], "1234\n").await.with(0);
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn the_broker_is_reached_with_tls_and_password_and_over_the_older_protocol() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new("ours");
    ours.write(dir.path(), "ca");
    ours.issue(dir.path(), "broker", "127.0.0.1");
    ours.issue(dir.path(), "operator", "operator");
    std::fs::write(dir.path().join("password"), "right-Q7x\n").unwrap();
    let lines = ["cafile DIR/ca.pem", "certfile DIR/broker.pem", "keyfile DIR/broker.key", "require_certificate true"];
    let setup = Setup { lines: lines.map(str::to_owned).into(), login: Some(("anna", "right-Q7x")), access: None };
    let broker = Broker::prepared(dir, setup);
    let file = |name: &str| broker.path(name).display().to_string();
    let (ca, cert, key, password) = (file("ca.pem"), file("operator.pem"), file("operator.key"), file("password"));
    let tls = ["--ca", &ca, "--cert", &cert, "--key", &key];
    let login = ["--user", "anna", "--password-file", &password];
    let watch = ["watch", "--for", "0"];
    operator(broker.port, &[&watch[..], &tls, &login].concat(), "").await.with(0);
    operator(broker.port, &[&watch[..], &tls, &login, &["--v3"]].concat(), "").await.with(0);
    let ended = operator(broker.port, &[&watch[..], &tls].concat(), "").await.with(1);
    assert!(ended.err.contains("do not open it"), "{}", ended.err);
    let ended = operator(broker.port, &[&watch[..], &["--ca", &ca], &login].concat(), "").await.with(1);
    assert!(ended.err.contains("no TLS with the broker"), "{}", ended.err);
}
