//! The files under `config/` that describe the cloud contract. After a change that is meant:
//! `UPDATE_SCHEMAS=1 cargo test --test cloud_schema`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use panelgate::cloud::schema;
use serde_json::{Value, json};

mod cloud_support;
use cloud_support::schemas;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn golden(name: &str) -> Value {
    let path = root().join("tests/golden").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_files_under_config_are_what_the_types_say() {
    let files = schema::generate();
    let mut drifted = Vec::new();
    for (path, text) in &files {
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(root().join(path), text).expect("schema written");
        }
        if std::fs::read_to_string(root().join(path)).ok().as_ref() != Some(text) {
            drifted.push(path.clone());
        }
    }
    let known: BTreeSet<_> = files.iter().map(|(path, _)| root().join(path)).collect();
    let there = std::fs::read_dir(root().join("config/schemas")).unwrap().map(|entry| entry.unwrap().path());
    drifted.extend(there.filter(|path| !known.contains(path)).map(|path| format!("{} is nobody's", path.display())));
    assert!(
        drifted.is_empty(),
        "the contract changed: {drifted:?}; if that is meant: UPDATE_SCHEMAS=1 cargo test --test cloud_schema"
    );
}

#[test]
fn golden_messages_fit_their_schemas() {
    for (message, files) in [
        ("status", &["status.json", "status_lost.json"][..]),
        ("info", &["info.json"]),
        ("panel_status", &["panel_status.json"]),
        ("state", &["state.json"]),
        ("desired", &["desired.json"]),
        ("reported", &["reported.json"]),
        ("delta", &["delta.json"]),
        ("event", &["event_alarm.json", "event_armed.json", "event_trouble.json"]),
        ("gap", &["gap.json"]),
        ("log_line", &["log_line.json"]),
        ("request", &["request.json"]),
        ("response", &["response_done.json", "response_refused.json", "response_failed.json"]),
        ("directory", &["directory.json"]),
        ("directory_reported", &["directory_reported.json"]),
    ] {
        for file in files {
            assert!(schemas::fits(message, &golden(file)), "{file} is no {message}");
        }
    }
}

#[test]
fn schemas_refuse_what_the_types_refuse() {
    let code = |code: Value| json!({ "version": 1, "users": { "4": { "code": code } } });
    assert!(schemas::fits("desired", &code(json!({ "sealed": "c2VhbGVk" }))));
    for bad in [json!(1234), json!("1234"), json!({ "sealed": 1234 }), json!({ "clear": "1234" })] {
        assert!(!schemas::fits("desired", &code(bad.clone())), "{bad}");
    }
    assert!(!schemas::fits("desired", &json!({ "version": 1, "users": {}, "more": 1 })));
    assert!(!schemas::fits("desired", &json!({ "version": 1, "users": { "Anna": null } })));
    assert!(!schemas::fits("desired", &json!({ "version": 1, "users": { "4": { "partitions": [40] } } })));
    let mut request = golden("request.json");
    request["more"] = json!(1);
    assert!(!schemas::fits("request", &request));
    let mut event = golden("event_alarm.json");
    event["kind"] = json!("gap");
    assert!(!schemas::fits("event", &event), "a gap is no event");
}

#[test]
fn every_reference_of_the_asyncapi_document_leads_somewhere() {
    let (_, text) = schema::generate().into_iter().find(|(path, _)| path.ends_with("asyncapi.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut seen = 0;
    let mut todo = vec![&document];
    while let Some(value) = todo.pop() {
        match value {
            Value::Object(map) => {
                if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                    seen += 1;
                    match reference.strip_prefix('#') {
                        Some(pointer) => assert!(document.pointer(pointer).is_some(), "{reference}"),
                        None => assert!(root().join("config").join(reference).is_file(), "{reference}"),
                    }
                }
                todo.extend(map.values());
            }
            Value::Array(list) => todo.extend(list),
            _ => {}
        }
    }
    assert!(seen > 30, "there are references at all");
}
