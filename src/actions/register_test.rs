//! The equipment register as a table: one row per rule and refusal (S3), and commissioning without a panel.

use std::sync::Arc;
use std::time::Duration;

use panel_driver::{DriverFactory, DriverStart, LinkConfig, PanelDriver};
use panel_model::{Capabilities, EventKind, Evidence, PanelEvent, PanelId, Refusal, WallTime, Zone};
use serde_json::json;
use tempfile::TempDir;

use super::register::Change;
use super::rules_test::capabilities;
use super::{Action, Actions, Directory, Done, Entry, PeopleSetup};
use crate::access::{Actor, Assigned};
use crate::panels::{Authority, ConfiguredCredentials, PanelSetup, Panels, SupervisionConfig, secret_name};
use crate::payload::{Step, StepState};
use crate::secrets::{Keys, seal_to};
use crate::store::{Listed, NewEvent, PlaceKey, RegisterKind, Store, StoreOptions, Urgency, WalkTest, Walked};

/// The panel's installer code, which everybody here shows.
const INSTALLER: &str = "8024";

/// A panel that is never reached.
#[derive(Debug)]
struct Away(LinkConfig);

impl DriverFactory for Away {
    fn vendor(&self) -> &'static str {
        "test"
    }

    fn capabilities(&self) -> Capabilities {
        capabilities()
    }

    fn factory_installer_codes(&self) -> &'static [&'static str] {
        &["5555"]
    }

    fn link(&self) -> &LinkConfig {
        &self.0
    }

    fn driver(&self, _: DriverStart) -> Box<dyn PanelDriver> {
        unreachable!("its owner does not run")
    }
}

struct House {
    actions: Actions,
    store: Store,
    _dir: TempDir,
}

fn id() -> PanelId {
    "p-1".parse().expect("a panel id")
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let keys = Arc::new(Keys::from_bytes([7; 32]));
        let store = Store::open(&StoreOptions::new(dir.path()), Arc::clone(&keys)).expect("opened").0;
        let setup = PanelSetup {
            id: id(),
            factory: Arc::new(Away(LinkConfig::Tcp { host: "127.0.0.1".into(), port: 1 })),
            authority: Authority::Panel,
            supervision: SupervisionConfig { period: Duration::from_secs(60), offline_after: Duration::from_secs(180) },
            credentials: ConfiguredCredentials::default(),
        };
        let people = PeopleSetup { mail: None, link_base: "https://box".into(), accounts: Directory::Own };
        let (panels, _) = Panels::new(vec![setup], Vec::new(), &store, &keys);
        Self {
            actions: Actions::new("box".into(), store.clone(), panels, keys, super::gate_test::local(), people),
            store,
            _dir: dir,
        }
    }

    /// Does what the JSON asks for; in words how that ended.
    async fn does(&self, action: serde_json::Value) -> String {
        let action: Action = serde_json::from_value(action).expect("an action");
        let shown = seal_to(&self.actions.sealing_key(), INSTALLER).expect("sealed");
        match self.actions.perform(&Actor::system("anna", 0).showing(Some(shown)), action).await {
            Ok(done) => done.word().to_owned(),
            Err(refused) => format!("{}: {}", refused.refusal, refused.text),
        }
    }
}

#[tokio::test]
async fn the_register_is_built_from_the_bottom_and_taken_down_from_the_top() {
    let house = House::new();
    let at_panel = |zone| json!({"at": "panel", "panel": "p-1", "zone": zone});
    let asset = |model, serial, place| json!({"action": "add_asset", "model": model, "serial": serial, "place": place});
    let long = "x".repeat(65);
    for (asked, ended) in [
        (
            asset("PC1864", "1", json!({"at": "storage", "code": "Van"})),
            "incomplete: no storage code is registered yet",
        ),
        (json!({"action": "add_storage_code", "name": " Van 3 "}), "changed"),
        (json!({"action": "add_storage_code", "name": "VAN 3"}), "in_use: there is a storage code of that name"),
        (json!({"action": "add_storage_code", "name": ""}), "label_format: names and serial numbers"),
        (json!({"action": "add_storage_code", "name": long}), "label_format: "),
        (json!({"action": "add_storage_code", "name": "Van\u{7}"}), "label_format: "),
        (json!({"action": "add_storage_code", "name": "Van\u{202e}3"}), "label_format: "),
        (asset("PC1864", "1", at_panel(1)), "incomplete: no product category is registered yet"),
        (
            json!({"action": "add_model", "category": "Main", "name": "PC1864"}),
            "not_found: there is no product category",
        ),
        (json!({"action": "add_category", "name": "Main"}), "changed"),
        (asset("PC1864", "1", at_panel(1)), "incomplete: no product model is registered yet"),
        (json!({"action": "add_model", "category": "main", "name": "PC1864"}), "changed"),
        (json!({"action": "add_category", "name": "PC1864"}), "changed"),
        (asset("PC1865", "1", at_panel(1)), "not_found: there is no product model \"PC1865\""),
        (asset("PC1864", "1", json!({"at": "storage", "code": "Van 4"})), "not_found: there is no storage code"),
        (asset("PC1864", "1", at_panel(17)), "not_found: the panel p-1 has no zone 17"),
        (asset("PC1864", "1", json!({"at": "panel", "panel": "p-2"})), "panel_not_found: "),
        (asset("PC1864", " ", at_panel(1)), "label_format: "),
        (asset("pc1864", "a1", at_panel(16)), "changed"),
        (asset("PC1864", "A1", at_panel(1)), "in_use: asset 1 is of that model"),
        (asset("PC1864", "A2", json!({"at": "storage", "code": "van 3"})), "changed"),
        (json!({"action": "edit_asset", "asset": 2, "serial": "a1"}), "in_use: asset 1"),
        (json!({"action": "edit_asset", "asset": 2, "serial": "a2"}), "changed"),
        (json!({"action": "edit_asset", "asset": 3, "serial": "a3"}), "not_found: there is no asset 3"),
        (json!({"action": "move_asset", "asset": 1, "place": {"at": "panel", "panel": "p-1"}}), "changed"),
        (json!({"action": "move_asset", "asset": 9, "place": {"at": "panel", "panel": "p-1"}}), "not_found: "),
        (json!({"action": "rename_storage_code", "name": "Van 3", "new_name": "VAN 3"}), "changed"),
        (json!({"action": "rename_category", "name": "PC1864", "new_name": "MAIN"}), "in_use: "),
        (json!({"action": "edit_model", "name": "PC1864", "category": "PC1864", "new_name": "PC 1864"}), "changed"),
        (json!({"action": "delete_category", "name": "Main"}), "changed"),
        (
            json!({"action": "delete_category", "name": "PC1864"}),
            "in_use: the product category \"PC1864\" has 1 models",
        ),
        (json!({"action": "delete_model", "name": "PC 1864"}), "in_use: the product model \"PC 1864\" has 2 assets"),
        (json!({"action": "delete_storage_code", "name": "Van 3"}), "in_use: the storage code \"Van 3\" has 1 assets"),
        (json!({"action": "delete_asset", "asset": 1}), "changed"),
        (json!({"action": "delete_asset", "asset": 1}), "not_found: "),
        (json!({"action": "delete_asset", "asset": 2}), "changed"),
        (json!({"action": "delete_model", "name": "PC 1864"}), "changed"),
        (json!({"action": "delete_category", "name": "PC1864"}), "changed"),
        (json!({"action": "delete_storage_code", "name": "van 3"}), "changed"),
        (json!({"action": "delete_storage_code", "name": "van 3"}), "not_found: there is no storage code"),
    ] {
        let told = house.does(asked.clone()).await;
        assert!(told.starts_with(ended), "{asked}: {told}");
    }
    for kind in RegisterKind::ALL {
        assert_eq!(house.actions.register(kind).await.expect("read"), []);
    }
    let lines = house.actions.log_lines(0, 1000).await.expect("lines");
    assert_eq!(lines.len(), 40, "one line for each attempt");
    assert_eq!(lines[18].line.subject.as_deref(), Some("pc1864 a1 at panel p-1 zone 16"));
}

#[tokio::test]
async fn numbers_of_assets_are_not_given_again_and_what_was_typed_is_what_is_shown() {
    let house = House::new();
    for action in [
        json!({"action": "add_storage_code", "name": "Van 3"}),
        json!({"action": "add_category", "name": "Zubehör"}),
        json!({"action": "add_model", "category": "Zubehör", "name": "WS4904"}),
        json!({"action": "add_asset", "model": "ws4904", "serial": "Ab1", "place": {"at": "storage", "code": "van 3"}}),
        json!({"action": "delete_asset", "asset": 1}),
    ] {
        assert_eq!(house.does(action).await, "changed");
    }
    let place = json!({"at": "panel", "panel": "p-1", "zone": 3});
    let action = json!({"action": "add_asset", "model": "WS4904", "serial": "Ab1", "place": place});
    let actor = Actor::system("anna", 0);
    let done = house.actions.perform(&actor, serde_json::from_value(action).expect("an action")).await;
    assert_eq!(done, Ok(Done::AssetAdded { asset: 2 }));
    let standing = house.actions.standing(&actor).await.expect("known");
    let assets = house.actions.assets(&standing).await.expect("read");
    assert_eq!(
        serde_json::to_value(assets).expect("json"),
        json!([{"asset": 2, "model": "WS4904", "category": "Zubehör", "serial": "Ab1", "place": place}])
    );
}

#[tokio::test]
async fn zones_are_ticked_off_while_the_test_runs_and_at_no_other_time() {
    let (house, panel) = (House::new(), id());
    let zone = |n| Zone::new(n).expect("a zone");
    let event = |at, kind, n| NewEvent { panel: id(), at: WallTime(at), event: PanelEvent::new(kind).zone(zone(n)) };
    let events = [
        event(99, EventKind::ZoneOpened, 1),
        event(100, EventKind::ZoneOpened, 2),
        event(101, EventKind::ZoneOpened, 2),
        event(102, EventKind::ZoneClosed, 3),
        event(103, EventKind::ZoneTamper, 4),
        NewEvent { event: event(0, EventKind::ZoneOpened, 5).event.replayed(), ..event(104, EventKind::ZoneOpened, 5) },
        NewEvent { panel: "p-2".parse().expect("an id"), ..event(105, EventKind::ZoneOpened, 6) },
        event(106, EventKind::ZoneOpened, 7),
        event(200, EventKind::ZoneOpened, 8),
    ];
    let write = house.store.write(Urgency::Now, move |tx| {
        tx.put_walk_test(&panel, WalkTest { started: WallTime(100), ends: WallTime(200) })?;
        tx.skip_zone(&panel, zone(7), WallTime(100), "not fitted", "anna")?;
        for event in events {
            tx.add_event(event)?;
        }
        tx.skip_zone(&panel, zone(2), WallTime(110), "too late", "anna")
    });
    write.await.expect("changed");
    let walked = house.store.read(|view| view.walked_zones(&id())).await.expect("read");
    let told: Vec<_> = walked.into_iter().map(|(zone, of)| (zone.number(), of.at.0, of.how, of.reason)).collect();
    assert_eq!(
        told,
        [(2, 100, Walked::Opened, None), (4, 103, Walked::Tampered, None), (7, 106, Walked::Opened, None)],
        "the first tick stays, and a zone that was skipped and opens was tested"
    );
}

#[tokio::test]
async fn commissioning_refuses_what_makes_no_sense() {
    let house = House::new();
    let keep = |tx: &mut crate::store::Tx<'_>| tx.put_secret(&id(), secret_name::INSTALLER, INSTALLER);
    house.store.write(Urgency::Now, keep).await.expect("kept");
    let walk = |minutes: u32| json!({"action": "start_walk_test", "panel": "p-1", "minutes": minutes});
    let skip =
        |zones: &[u32], reason: &str| json!({"action": "skip_zones", "panel": "p-1", "zones": zones, "reason": reason});
    for (asked, ended) in [
        (walk(0), "invalid: a walk test takes 1 to 240 minutes"),
        (walk(241), "invalid: "),
        (walk(30), "panel_offline: "),
        (json!({"action": "start_walk_test", "panel": "p-2"}), "panel_not_found: "),
        (json!({"action": "stop_walk_test", "panel": "p-1"}), "invalid: no walk test runs"),
        (skip(&[], "x"), "invalid: say which zones"),
        (skip(&[17], "x"), "not_found: the panel p-1 has no zone 17"),
        (skip(&[7], "  "), "invalid: a zone is left out for a reason"),
        (skip(&[7], &"x".repeat(201)), "invalid: "),
        (skip(&[7, 8], "not fitted"), "changed"),
        (json!({"action": "sign_off", "panel": "p-1", "name": " "}), "label_format: "),
        (
            json!({"action": "sign_off", "panel": "p-1", "name": "Anna"}),
            "incomplete: p-1 cannot be signed off yet: link up",
        ),
    ] {
        let told = house.does(asked.clone()).await;
        assert!(told.starts_with(ended), "{asked}: {told}");
    }
    let none = house.actions.commissioning_report(&id()).await.expect_err("nobody signed");
    assert_eq!(none.refusal, Refusal::NotFound);
    let lines = house.actions.log_lines(0, 100).await.expect("lines");
    let skipped = &lines[9].line;
    assert_eq!((skipped.subject.as_deref(), skipped.text.as_deref()), (Some("zones 7-8"), Some("not fitted")));
}

#[tokio::test]
async fn a_proof_of_one_installer_code_is_none_of_another() {
    let house = House::new();
    let keep = async |code: &'static str| {
        house
            .store
            .write(Urgency::Now, move |tx| tx.put_secret(&id(), secret_name::INSTALLER, code))
            .await
            .expect("kept");
    };
    let told = async || {
        let list = house.actions.checklist(&id()).await.expect("a checklist");
        let step = list.steps.into_iter().find(|step| step.step == Step::InstallerCode).expect("a step");
        (step.state, step.text)
    };
    keep("8024").await;
    assert_eq!(told().await.0, StepState::NotApplicable, "this panel cannot prove one");
    house.actions.installer_code_proved(id(), Evidence::WrittenBlind).await;
    assert_eq!(told().await.0, StepState::NotApplicable, "written blind is no proof");
    house.actions.installer_code_proved(id(), Evidence::Acknowledged).await;
    assert_eq!(told().await.0, StepState::Done);
    keep("8025").await;
    assert_eq!(told().await.0, StepState::NotApplicable);
    keep("5555").await;
    house.actions.installer_code_proved(id(), Evidence::ReadBack).await;
    let (state, text) = told().await;
    assert_eq!(state, StepState::Missing);
    assert!(text.contains("the factory's") && !text.contains("5555"), "{text}");
}

#[tokio::test]
async fn that_the_cloud_was_reached_is_kept_once_a_run_and_outlives_the_connection() {
    let house = House::new();
    let told = async || {
        let list = house.actions.checklist(&id()).await.expect("a checklist");
        list.steps.into_iter().find(|step| step.step == Step::CloudReached).expect("a step")
    };
    assert_eq!(told().await.state, StepState::NotApplicable);
    house.actions.expect_cloud();
    assert_eq!(told().await.state, StepState::Missing);
    house.actions.cloud_stands(true, false).await;
    assert!(told().await.text.contains("nothing was acknowledged"));
    house.actions.cloud_stands(true, true).await;
    let (first, writes) = (told().await, house.store.stats().writes);
    assert_eq!(first.state, StepState::Done);
    house.actions.cloud_stands(false, true).await;
    let later = told().await;
    assert_eq!((later.state, later.since), (StepState::Done, first.since));
    assert!(later.text.contains("not connected now"), "{}", later.text);
    assert_eq!(house.store.stats().writes, writes, "no write without news");
}

#[tokio::test]
async fn an_asset_at_a_panel_that_somebody_does_not_see_stays_as_it_is() {
    let house = House::new();
    for (action, done) in [
        (json!({"action": "add_storage_code", "name": "Van"}), "changed"),
        (json!({"action": "add_category", "name": "Main"}), "changed"),
        (json!({"action": "add_model", "category": "Main", "name": "PC1864"}), "changed"),
        (
            json!({"action": "add_asset", "model": "PC1864", "serial": "1", "place": {"at": "panel", "panel": "p-1"}}),
            "changed",
        ),
    ] {
        assert_eq!(house.does(action).await, done);
    }
    let anna = Actor::system("anna", 0);
    let mut standing = house.actions.standing(&anna).await.expect("somebody");
    standing.panels = Assigned::Only(Default::default());
    for action in [
        json!({"action": "edit_asset", "asset": 1, "serial": "2"}),
        json!({"action": "move_asset", "asset": 1, "place": {"at": "storage", "code": "Van"}}),
        json!({"action": "delete_asset", "asset": 1}),
    ] {
        let action: Action = serde_json::from_value(action).expect("an action");
        let entry = Entry::new(&anna, action.name(), None);
        let change = Change::of(action).expect("of the register");
        let refused = house.actions.change_register(&standing, change, &entry).await.expect_err("refused");
        assert_eq!(refused.refusal, Refusal::NotAssigned);
    }
}

#[tokio::test]
async fn lists_that_people_add_to_have_an_end() {
    let house = House::new();
    for action in [
        json!({"action": "add_storage_code", "name": "Van"}),
        json!({"action": "add_category", "name": "Main"}),
        json!({"action": "add_model", "category": "Main", "name": "PC1864"}),
    ] {
        assert_eq!(house.does(action).await, "changed");
    }
    let fill = |tx: &mut crate::store::Tx<'_>| {
        let model = tx.register_entry(RegisterKind::Model, "PC1864")?.expect("there");
        let van = PlaceKey::Storage(tx.register_entry(RegisterKind::StorageCode, "Van")?.expect("there"));
        (3..Listed::Register.most())
            .try_for_each(|n| tx.add_register_entry(RegisterKind::StorageCode, &format!("n {n}"), None))?;
        (0..Listed::Assets.most()).try_for_each(|n| tx.add_asset(model, &n.to_string(), &van).map(|_| ()))?;
        (0..Listed::Accounts.most())
            .try_for_each(|n| tx.add_account(&format!("n{n}@example.org").parse().expect("an e-mail"), WallTime(0)))
    };
    house.store.write(Urgency::Now, fill).await.expect("filled");
    for action in [
        json!({"action": "add_category", "name": "One more"}),
        json!({"action": "add_model", "category": "Main", "name": "One more"}),
        json!({"action": "add_asset", "model": "PC1864", "serial": "x", "place": {"at": "storage", "code": "Van"}}),
        json!({"action": "add_account", "account": "x@example.org"}),
    ] {
        let ended = house.does(action).await;
        assert!(ended.starts_with("busy: the box keeps"), "{ended}");
    }
}
