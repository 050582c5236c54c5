//! The rules of ARCHITECTURE.md that the compiler does not know: which module may use which, who may name a vendor,
//! a broker, a database, and what files may be called.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Module of the root package, and the modules that it may use.
const EDGES: &[(&str, &[&str])] = &[
    ("secrets", &[]),
    ("config", &["access"]),
    ("access", &["secrets"]),
    ("pulse", &[]),
    ("store", &["access", "secrets"]),
    ("payload", &["secrets", "store"]),
    ("panels", &["payload", "pulse", "secrets", "store"]),
    ("actions", &["access", "panels", "payload", "secrets", "store"]),
    ("api", &["access", "actions", "payload", "secrets", "store"]),
    ("cloud", &["access", "actions", "payload", "pulse", "secrets", "store"]),
    ("console", &["access", "actions", "api", "payload", "store"]),
    ("mail", &["access", "secrets", "store"]),
    (
        "daemon",
        &["access", "actions", "api", "cloud", "config", "console", "mail", "panels", "pulse", "secrets", "store"],
    ),
    ("demo", &["config", "daemon"]),
    ("cli", &["access", "actions", "api", "cloud", "config", "daemon", "demo", "payload", "secrets", "store"]),
];

/// Crate, and the only places of the root package where its name may stand.
const HOMES: &[(&str, &[&str])] = &[
    ("driver_dsc", &["src/daemon/registry.rs"]),
    ("driver_neor", &["src/daemon/registry.rs"]),
    ("driver_visonic", &["src/daemon/registry.rs"]),
    ("rusqlite", &["src/store/"]),
    ("rumqttc_v5", &["src/cloud/session/"]),
    ("rumqttc_v4", &["src/cloud/session/"]),
    ("rumqttd", &["src/demo/"]),
    ("axum", &["src/console/"]),
    ("hyper", &["src/console/", "src/cli/client.rs"]),
    ("clap", &["src/cli/", "src/main.rs"]),
    ("sd_notify", &["src/daemon/"]),
    ("argon2", &["src/access/password.rs"]),
    ("lettre", &["src/mail/"]),
    ("qrcode", &["src/cli/qr.rs"]),
    ("anyhow", &["src/cli/", "src/main.rs", "src/demo/"]),
];

const BANNED_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "manager"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files under `folder`, with their paths relative to the repository; build results and history left out.
fn files(folder: &str) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("readable") {
            let path = entry.expect("readable").path();
            let name = path.file_name().expect("named").to_string_lossy().into_owned();
            if [".git", "target"].contains(&name.as_str()) {
                continue; // In a worktree `.git` is a file.
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(root()).expect("inside").to_string_lossy().into_owned();
                found.push((relative, path));
            }
        }
    }
    found.sort();
    found
}

fn sources(folder: &str) -> Vec<(String, String)> {
    files(folder)
        .into_iter()
        .filter(|(name, _)| name.ends_with(".rs"))
        .map(|(name, path)| (name, without_comments(&fs::read_to_string(path).expect("text"))))
        .collect()
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code)).collect::<Vec<_>>().join("\n")
}

/// The modules named after `crate::`, also in braces.
fn used_modules(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, prefix) in code.match_indices("crate::") {
        let rest = &code[at + prefix.len()..];
        if at > 0 && code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        match rest.strip_prefix('{') {
            Some(group) => used.extend(group_heads(group)),
            None => used.extend(word(rest)),
        }
    }
    used
}

fn word(text: &str) -> Option<String> {
    let word: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

/// First words of the entries of a `{a, b::{c, d}, e}` group, whose opening brace is gone.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut entry) = (0, Vec::new(), String::new());
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.extend(word(&std::mem::take(&mut entry))),
            _ => {}
        }
        if c != ',' || depth > 0 {
            entry.push(c);
        }
    }
    heads.extend(word(&entry));
    heads
}

fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = &code[at + name.len()..];
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_') && (after.starts_with("::") || after.starts_with(';'))
    })
}

fn complain(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn modules_use_only_what_they_may() {
    let mut broken = Vec::new();
    for (name, code) in sources("src") {
        let Some((module, _)) = name.strip_prefix("src/").and_then(|rest| rest.split_once('/')) else { continue };
        let Some((_, allowed)) = EDGES.iter().find(|(known, _)| *known == module) else {
            broken.push(format!("{name}: the module {module} is not in the list of modules"));
            continue;
        };
        for used in used_modules(&code) {
            let is_module = EDGES.iter().any(|(known, _)| *known == used);
            if is_module && used != module && !allowed.contains(&used.as_str()) {
                broken.push(format!("{name}: {module} may not use {used}"));
            }
        }
    }
    complain("dependencies point one way, see ARCHITECTURE.md", &broken);
}

#[test]
fn the_list_of_edges_has_no_circle() {
    let mut below: BTreeSet<&str> = BTreeSet::new();
    while below.len() < EDGES.len() {
        let next =
            EDGES.iter().find(|(name, uses)| !below.contains(name) && uses.iter().all(|used| below.contains(used)));
        below.insert(next.expect("a module that uses only modules below it").0);
    }
}

#[test]
fn outside_crates_stay_in_their_homes() {
    let mut broken = Vec::new();
    for (name, code) in sources("src") {
        for (crate_name, homes) in HOMES {
            if names_crate(&code, crate_name) && !homes.iter().any(|home| name.starts_with(home)) {
                broken.push(format!("{name}: names {crate_name}, which belongs to {}", homes.join(" and ")));
            }
        }
    }
    complain("only one place knows each of these crates", &broken);
}

#[test]
fn drivers_know_neither_the_daemon_nor_each_other() {
    let mut broken = Vec::new();
    let manifests =
        files("drivers").into_iter().filter(|(name, _)| name.ends_with("Cargo.toml") && !name.contains("/fuzz/"));
    for (name, path) in manifests {
        let manifest = fs::read_to_string(path).expect("text");
        let own = manifest.lines().find_map(|line| line.strip_prefix("name = ")).unwrap_or_default().replace('"', "");
        for line in manifest.lines() {
            let used = line.split(['=', '.', ' ']).next().unwrap_or_default();
            if used == "panelgate" || (used.starts_with("driver-") && used != own) {
                broken.push(format!("{name}: {own} may not use {used}"));
            }
            if own == "panel-model" && ["tokio", "tokio-util", "tracing"].contains(&used) {
                broken.push(format!("{name}: the model has no {used}"));
            }
        }
    }
    complain("a driver knows the model and the contract", &broken);
}

#[test]
fn no_file_is_called_after_nothing() {
    let banned = |name: &String| {
        Path::new(name).components().any(|part| {
            let part = part.as_os_str().to_string_lossy();
            BANNED_NAMES.contains(&part.strip_suffix(".rs").unwrap_or(&part))
        })
    };
    let broken: Vec<_> =
        ["src", "drivers", "tests"].iter().flat_map(|f| files(f)).map(|f| f.0).filter(banned).collect();
    complain("a file is called after its subject", &broken);
}

#[test]
fn nothing_names_a_place_of_one_machine() {
    let places = [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/")];
    let mut broken = Vec::new();
    for (name, path) in files("") {
        let Ok(text) = fs::read_to_string(path) else { continue };
        broken.extend(places.iter().filter(|place| text.contains(*place)).map(|place| format!("{name}: {place}")));
    }
    complain("paths of one machine do not belong here", &broken);
}

#[test]
fn one_tls_stack_and_no_foreign_one() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("a lock file");
    let count = |name: &str| lock.matches(&format!("name = \"{name}\"\n")).count();
    assert_eq!(count("rustls"), 1, "one rustls");
    assert_eq!(count("rustls-webpki"), 1, "one rustls-webpki: a stray MQTT client brings an old one");
    for foreign in ["aws-lc-sys", "openssl-sys", "native-tls"] {
        assert_eq!(count(foreign), 0, "{foreign}: TLS is rustls with ring");
    }
}

#[test]
fn the_scanner_sees_what_it_has_to_see() {
    let code = "use crate::store::Store; use crate::{panels::{A, B}, actions, self}; fn f() { crate::cloud::g() }";
    assert_eq!(used_modules(code).into_iter().collect::<Vec<_>>(), ["actions", "cloud", "panels", "self", "store"]);
    assert!(names_crate("use rusqlite::Connection;", "rusqlite"));
    assert!(!names_crate("my_rusqlite::x", "rusqlite"));
    assert_eq!(without_comments("a // crate::cloud\nb"), "a \nb");
}
