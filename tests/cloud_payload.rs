//! The JSON of every message and list row, pinned by golden files. After a change that is meant:
//! `UPDATE_GOLDEN=1 cargo test --test cloud_payload`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::fmt::Debug;
use std::path::PathBuf;

use panel_driver::{Direction, WireEntry};
use panel_model::{ArmMode, Condition, EventKind, Evidence, Field, PanelEvent, Refusal, Slot, Trouble, TroubleKind};
use panelgate::actions::{Request, Response};
use panelgate::payload::{
    Delta, DesiredDocument, DirectoryDocument, DirectoryReported, DocumentRefusal, Event, Gap, GapKind, GatewayState,
    GatewayStatus, Info, InstallerCodeState, LogLine, LostPriority, PanelDetail, PanelInfo, PanelRow, PanelStatus,
    Reported, SealingKey, State, User, WantingPanel, WireRow, changed_users, read,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

mod cloud_support;
use cloud_support::samples::{self, NOON, partition, slot, zone};

fn golden<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, value: &T) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.json"));
    let now = serde_json::to_string_pretty(value).expect("json") + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &now).expect("golden file written");
    }
    let pinned = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert_eq!(now, pinned, "{name} changed; if that is meant: UPDATE_GOLDEN=1 cargo test --test cloud_payload");
    assert_eq!(&read::<T>(pinned.as_bytes()).expect(name), value, "{name} reads back as written");
}

fn boot() -> Uuid {
    "01936f2e-7c00-7000-8000-0000000000aa".parse().unwrap()
}

#[test]
fn gateway_messages_are_pinned() {
    let online = GatewayStatus {
        state: GatewayState::Online,
        boot: boot(),
        connection: 3,
        since: Some(NOON.into()),
        version: "0.1.0".into(),
    };
    golden("status", &online);
    golden("status_lost", &GatewayStatus { state: GatewayState::Lost, since: None, ..online });
    let info = Info {
        gateway: "site-7".parse().unwrap(),
        version: "0.1.0".into(),
        sealing_key: SealingKey::new(&[7; 32]),
        drivers: vec!["dsc".into()],
        panels: vec![PanelInfo::from(&samples::panel())],
        wanting: vec![WantingPanel {
            identifier: "310212345678".into(),
            vendor: "neor".into(),
            listen: "0.0.0.0:3072".into(),
            since: NOON.into(),
        }],
    };
    assert_eq!(info.sealing_key.bytes(), Some([7; 32]));
    golden("info", &info);
}

#[test]
fn panel_messages_are_pinned() {
    let panel = samples::panel();
    golden("panel_status", &PanelStatus::from(&panel));
    golden("state", &State::from(&panel));
    let refused = DocumentRefusal {
        version: Some(8),
        refusal: Refusal::Invalid,
        text: "users.4.code: expected struct SealedCode".into(),
    };
    golden("reported", &Reported::new(&panel, Some(refused)));
}

#[test]
fn desired_documents_are_pinned() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/desired.json");
    let document: DesiredDocument = read(&std::fs::read(path).unwrap()).unwrap();
    golden("desired", &document);
    assert_eq!(document.version, 7);
    assert_eq!(document.users[&slot(5)], None, "null is a disabled user");
    let anna = document.users[&slot(4)].clone().unwrap();
    assert_eq!(anna.partitions.unwrap().to_string(), "1, 4");
    assert_eq!(anna.role, None, "what is left out stays as it is");
}

#[test]
fn records_of_the_outbox_are_pinned() {
    let panel = "dsc-1".parse().unwrap();
    let id = "01936f2e-7c00-7000-8000-000000000001".parse().unwrap();
    let alarm = PanelEvent::new(EventKind::ZoneAlarm).partition(partition(1)).zone(zone(3));
    golden("event_alarm", &Event::new(id, 41, &panel, NOON, &alarm));
    let armed = PanelEvent::new(EventKind::Armed).partition(partition(1)).mode(ArmMode::Stay).replayed();
    golden("event_armed", &Event::new(id, 42, &panel, NOON, &armed));
    let trouble = PanelEvent::new(EventKind::TroubleRestored).trouble(Trouble::panel(TroubleKind::BatteryLow));
    golden("event_trouble", &Event::new(id, 43, &panel, NOON, &trouble.text("charged")));
    let gap = Gap { kind: GapKind::Gap, priority: LostPriority::State, count: 17, first: 4711, last: 4730 };
    golden("gap", &gap);
    let line = LogLine {
        id,
        seq: 5,
        at: NOON.into(),
        actor: "operator".into(),
        role: "cloud".into(),
        door: "cloud".into(),
        action: "set_code".into(),
        panel: Some(panel),
        slot: Some(slot(4)),
        subject: Some("zone 3".into()),
        result: "code_not_available".into(),
        text: Some("this code cannot be used on this panel; choose another one".into()),
        number: Some(3),
        hash: Some("0973759d35adbd28ba094914412abddf28490baeedb12d7b6bfb0fbec167c871".into()),
    };
    golden("log_line", &line);
}

#[test]
fn a_delta_carries_what_changed_and_nothing_else() {
    let old = samples::panel();
    let mut new = old.clone();
    new.reported_version += 1;
    new.users.remove(&slot(5));
    let applied = Condition::Applied { evidence: Evidence::ReadBack };
    new.answers.insert((slot(6), Field::Code), panel_model::Answer { version: 9, condition: applied });
    let users = changed_users(&old, &new);
    assert_eq!(users.keys().copied().collect::<Vec<Slot>>(), [slot(5), slot(6)]);
    golden("delta", &Delta { from: 12, to: 13, users });
    assert!(changed_users(&new, &new).is_empty());
}

#[test]
fn list_rows_are_pinned() {
    let panel = samples::panel();
    golden("panel_row", &PanelRow::new(&panel, InstallerCodeState::FactoryDefault));
    golden("panel_detail", &PanelDetail::new(&panel, InstallerCodeState::Kept));
    golden("user_row", &User::of(&panel, slot(4)));
    golden("user_row_empty", &User::of(&panel, slot(5)));
    let entry = WireEntry { direction: Direction::ToPanel, masked: bytes::Bytes::from_static(b"0050****\r\n") };
    golden("wire_row", &WireRow::from(&(NOON, entry)));
}

#[test]
fn an_empty_slot_is_user_n_without_role_and_partitions() {
    let panel = samples::panel();
    let rows: Vec<User> = User::rows(&panel).collect();
    assert_eq!(rows.len(), 40, "every place of the model has its row");
    for row in [&rows[4], &rows[6]] {
        assert_eq!(row.label, format!("User {}", row.slot));
        assert_eq!((row.role_text(), row.partitions_text().as_str()), ("-", "-"));
    }
    assert_eq!((rows[3].label.as_str(), rows[3].role_text()), ("Anna", "user"));
    assert_eq!(rows[3].partitions_text(), "1, 4");
}

/// What the golden file says, read and written again.
fn reads_and_writes<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.json"));
    let text = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    golden(name, &read::<T>(&text).expect(name));
}

#[test]
fn requests_answers_and_directories_are_pinned() {
    reads_and_writes::<Request>("request");
    for name in ["response_done", "response_refused", "response_failed"] {
        reads_and_writes::<Response>(name);
    }
    reads_and_writes::<DirectoryDocument>("directory");
    reads_and_writes::<DirectoryReported>("directory_reported");
}
