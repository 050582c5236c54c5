//! Every action in every default role: the table for people to read, and the proof that the door keeps to it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use panel_model::{Refusal, WallTime};

use super::bench::{Bench, name};
use super::{Action, Done, samples};
use crate::access::{AccountStatus, Company, Permission, PersonKind, PersonStatus, Role, default_roles, role_name};
use crate::secrets::Keys;
use crate::store::{Account, DeletedKind, NewDeleted, Participation, Person, StoreError, Tx};

const GOLDEN: &str = "tests/golden/permissions.txt";

/// What the table says of somebody who asks.
fn verdict(role: &Role, action: &Action) -> &'static str {
    let is_super = role.name.as_str() == role_name::SUPER_ADMIN;
    match action.permission().map(|permission| role.permissions.contains(&permission)) {
        None => "anybody",
        Some(false) => "-",
        Some(true) if action.needs_approval() && !is_super => "request",
        Some(true) => "yes",
    }
}

fn table() -> String {
    let (roles, keys) = (default_roles(), Keys::from_bytes([7; 32]));
    let mut text = String::from(
        "Every action, the permission that it needs, and what it is in the roles that every box begins with:\n\
         yes: done; request: another person decides first (P4); -: refused with permission_denied.\n\
         anybody: asks for no permission, because it proves who somebody is.\n\n",
    );
    let line = |text: &mut String, cells: &[&str]| {
        let mut row = String::new();
        let _ = write!(row, "{:25}{:24}", cells[0], cells[1]);
        for (cell, role) in cells[2..].iter().zip(&roles) {
            let width = role.name.as_str().len() + 2;
            let _ = write!(row, "{cell:width$}");
        }
        text.push_str(row.trim_end());
        text.push('\n');
    };
    let head: Vec<_> =
        ["ACTION", "PERMISSION"].into_iter().chain(roles.iter().map(|role| role.name.as_str())).collect();
    line(&mut text, &head);
    for action in samples::all(&keys) {
        let verdicts = roles.iter().map(|role| verdict(role, &action));
        let cells: Vec<_> =
            [action.name(), action.permission().map_or("-", Permission::name)].into_iter().chain(verdicts).collect();
        line(&mut text, &cells);
    }
    text
}

#[test]
fn the_table_of_actions_and_roles_is_the_one_that_was_agreed() {
    let (path, table) = (Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN), table());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &table).expect("written");
    }
    println!("{table}");
    let agreed = std::fs::read_to_string(&path).unwrap_or_default();
    let news: Vec<_> = table.lines().filter(|line| !agreed.lines().any(|old| old == *line)).collect();
    assert!(
        agreed == table,
        "{GOLDEN} does not say the same; new or other rows: {news:#?}; if that is meant: UPDATE_GOLDEN=1 cargo test"
    );
}

/// The enum's own list of names, made by the compiler from its variants.
#[test]
fn there_is_a_sample_of_every_action() {
    let schema = serde_json::to_value(schemars::schema_for!(Action)).expect("JSON");
    let named: BTreeSet<_> = schema["oneOf"]
        .as_array()
        .expect("one of")
        .iter()
        .map(|variant| variant["properties"]["action"]["const"].as_str().expect("a name").to_owned())
        .collect();
    let sampled: Vec<_> =
        samples::all(&Keys::from_bytes([7; 32])).iter().map(|action| action.name().to_owned()).collect();
    assert_eq!(sampled.len(), named.len(), "each once");
    assert_eq!(sampled.into_iter().collect::<BTreeSet<_>>(), named);
}

#[test]
fn every_action_is_read_again_from_what_it_is_written_as() {
    for action in samples::all(&Keys::from_bytes([7; 32])) {
        let json = serde_json::to_value(&action).expect("JSON");
        assert_eq!(json["action"], action.name());
        assert_eq!(serde_json::from_value::<Action>(json.clone()).expect("read"), action);
        let mut more = json;
        more["surprise"] = true.into();
        assert!(serde_json::from_value::<Action>(more).is_err(), "{}: an unknown field is refused", action.name());
    }
}

/// What the samples are about, whatever the action before has left of it.
fn prepare(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let (role, permissions) = (name(samples::ROLE), [Permission::ViewUsers].into());
    for made in ["Day shift", "Late shift"] {
        tx.delete_role(&name(made))?;
    }
    tx.put_role(&Role { name: role, permissions })?;
    let id = |text: &str| text.parse().expect("an id");
    tx.delete_company(&id("acme-west"))?;
    for (company, parent) in [(samples::PARENT, None), (samples::COMPANY, Some(samples::PARENT))] {
        tx.put_company(&Company { id: id(company), name: name("Acme"), parent: parent.map(id) })?;
    }
    for part in tx.participations()? {
        tx.delete_participation(&part.company, &part.person)?;
    }
    let anna = Person {
        name: samples::email(samples::PERSON).into(),
        kind: PersonKind::Installer,
        full_name: "Anna Berg".into(),
        phone: String::new(),
        role: role_name::INSTALLER.into(),
        company: None,
        created: WallTime(0),
        last_login: None,
        status: PersonStatus::Invited,
        may_update_software: false,
        must_change: false,
        panels: BTreeSet::new(),
    };
    tx.put_person(&anna)?;
    let (email, created) = (samples::email(samples::ACCOUNT), WallTime(0));
    tx.put_account(&Account { email, created, status: AccountStatus::Active })?;
    let (company, person) = (id(samples::PARENT), samples::PERSON.to_owned());
    tx.put_participation(&Participation { company, person, role: name("Operator") })?;
    for request in tx.change_requests()?.iter().map(|request| request.id) {
        tx.decide_change_request(request, crate::store::RequestState::Refused, (WallTime(0), "test"), None)?;
    }
    Ok(())
}

#[tokio::test]
async fn the_door_does_in_every_role_what_the_table_says() {
    let bench = Bench::new();
    let mut proved = 0;
    for role in default_roles() {
        for action in samples::all(&bench.keys) {
            bench.put(prepare).await;
            let (what, before) = (action.name(), bench.log().await.len());
            let expected = verdict(&role, &action);
            let answer = bench.act(role.name.as_str(), 1000, action).await;
            let met = match &answer {
                _ if expected == "anybody" => match &answer {
                    Err(refused) if refused.text.contains("does not have the permission") => "-",
                    _ => expected,
                },
                Err(refused) if refused.refusal == Refusal::PermissionDenied => "-",
                Ok(Done::Requested { .. }) => "request",
                _ => "yes",
            };
            assert_eq!(met, expected, "{what} as {}: {answer:?}", role.name);
            let log = bench.log().await;
            assert_eq!(log.len(), before + 1, "{what} as {}: one line", role.name);
            let line = &log.last().expect("a line").line;
            assert_eq!((line.action.as_str(), line.role.as_str()), (what, role.name.as_str()));
            match met {
                "-" => assert_eq!(line.result, "permission_denied", "{what} as {}", role.name),
                "request" => assert_eq!(line.result, "requested", "{what} as {}", role.name),
                "anybody" => {}
                _ => assert_ne!(line.result, "permission_denied", "{what} as {}", role.name),
            }
            proved += 1;
        }
    }
    println!("{proved} pairs of action and role met at the door what the table says");
    assert_eq!(proved, default_roles().len() * samples::all(&bench.keys).len());
}

/// The records that no panel is needed for: what is permitted is really done. The equipment's have tests of their own.
#[tokio::test]
async fn what_is_permitted_of_the_boxs_own_records_is_done() {
    let bench = Bench::new();
    let tested_elsewhere = |action: &Action| {
        let asked = action.permission();
        asked.is_none_or(|p| {
            matches!(p, Permission::ManageInstallers | Permission::ManageAccounts | Permission::ManageProducts)
        })
    };
    let is_record =
        |action: &Action| action.panel().is_none() && (action.needs_approval() || !tested_elsewhere(action));
    let records: Vec<_> = samples::all(&bench.keys).into_iter().filter(is_record).collect();
    for action in records {
        bench.put(prepare).await;
        let what = action.name();
        let answer = match action {
            Action::DecideRequest(mut decision) => {
                let asked = samples::all(&bench.keys).into_iter().find(|action| action.name() == "delete_role");
                let asked = bench.act(role_name::COMPANY_ADMIN, 1000, asked.expect("a sample")).await;
                let Ok(Done::Requested { request }) = asked else { panic!("{asked:?}") };
                decision.request = request;
                bench.act(role_name::SUPER_ADMIN, 0, Action::DecideRequest(decision)).await
            }
            Action::RestoreDeleted(mut restored) => {
                let gone = Role { name: name("Gone"), permissions: [Permission::ViewUsers].into() };
                let body = serde_json::to_string(&gone).expect("JSON");
                let (name, by) = ("Gone".to_owned(), "anna".to_owned());
                let thing = NewDeleted { kind: DeletedKind::Role, name, body, at: WallTime(1), by, request: None };
                bench.put(move |tx| tx.add_deleted_thing(&thing).map(|_| ())).await;
                restored.deleted = bench.door("Operator").deleted_things().await.expect("read")[0].id;
                bench.act(role_name::SUPER_ADMIN, 0, Action::RestoreDeleted(restored)).await
            }
            action => bench.act(role_name::SUPER_ADMIN, 0, action).await,
        };
        assert_eq!(answer, Ok(Done::Changed), "{what}");
    }
    assert!(bench.permits("Gone").await.is_some());
}
