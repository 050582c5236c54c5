//! The example of the configuration file is the reference of its keys: it must be valid and complete.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::path::Path;

use panelgate::config::{self, Problems};
use panelgate::daemon;

const EXAMPLE: &str = include_str!("../config/panelgate.example.toml");

/// The example with every key that is commented out put in.
fn with_every_key() -> String {
    let is_key = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    let uncommented = |line: &str| match line.strip_prefix('#') {
        Some(rest) if is_key(rest) || rest.starts_with('[') => rest.to_owned(),
        _ => line.to_owned(),
    };
    EXAMPLE.lines().map(uncommented).collect::<Vec<_>>().join("\n")
}

fn keys_of(table: &toml::Table, section: &str, into: &mut Vec<String>) {
    for (key, value) in table {
        let name = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
        match value {
            toml::Value::Table(inner) if !["password", "master_code", "installer_code"].contains(&key.as_str()) => {
                keys_of(inner, &name, into);
            }
            toml::Value::Array(list) if ["panel", "listen"].contains(&key.as_str()) => {
                list.iter().filter_map(toml::Value::as_table).for_each(|section| keys_of(section, key, into));
            }
            _ => into.push(name),
        }
    }
}

#[test]
fn the_example_is_a_valid_configuration() {
    let (config, problems) =
        config::parse(EXAMPLE, Path::new("/etc/panelgate")).check(|_| Problems::default()).expect("valid");
    assert!(!problems.has_errors(), "{problems}");
    assert_eq!(config.panels.len(), 1);
    #[cfg(feature = "dsc")]
    assert!(!daemon::check(&config).has_errors(), "{}", daemon::check(&config));
}

#[test]
fn no_key_is_missing_in_the_example_and_none_is_made_up() {
    let all: toml::Table = toml::from_str(&with_every_key()).expect("TOML");
    let mut shown = Vec::new();
    keys_of(&all, "", &mut shown);
    let sections = ["panel.supervision", "panel.credentials"];
    let mut known = config::known_keys();
    known.retain(|key| !sections.contains(&key.as_str()));
    let vendors = daemon::registry::vendors();
    known.extend(vendors.iter().flat_map(|vendor| {
        daemon::registry::vendor_keys(vendor).into_iter().map(move |key| format!("panel.{vendor}.{key}"))
    }));
    let missing: Vec<_> = known.iter().filter(|key| !shown.contains(key)).collect();
    assert!(missing.is_empty(), "not in the example: {missing:?}");
    #[cfg(feature = "dsc")]
    {
        let made_up: Vec<_> = shown.iter().filter(|key| !known.contains(key)).collect();
        assert!(made_up.is_empty(), "in the example only: {made_up:?}");
    }
}

#[test]
fn the_defaults_that_the_example_names_are_the_real_ones() {
    let (plain, _) = config::parse(EXAMPLE, Path::new("/etc/panelgate")).check(|_| Problems::default()).expect("valid");
    let sure = |line: &&str| !line.contains("credential = ") && !line.contains("file = ");
    let defaults = [
        "data_dir",
        "socket",
        "outbox_max_mib",
        "outbox_max_rows",
        "history_rows",
        "protocol",
        "prefix",
        "keep_alive_s",
        "level",
        "format",
        "authority",
    ];
    let text: Vec<String> = EXAMPLE
        .lines()
        .filter(sure)
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if defaults.iter().any(|key| rest.starts_with(&format!("{key} = "))) => rest.to_owned(),
            _ => line.to_owned(),
        })
        .collect();
    let (spelt_out, _) =
        config::parse(&text.join("\n"), Path::new("/etc/panelgate")).check(|_| Problems::default()).expect("valid");
    assert_eq!(format!("{plain:?}"), format!("{spelt_out:?}"));
}

#[cfg(feature = "dsc")]
#[test]
fn the_supervision_that_the_example_names_is_the_real_one() {
    let (plain, _) = config::parse(EXAMPLE, Path::new("/etc/panelgate")).check(|_| Problems::default()).expect("valid");
    let named = |key: &str| EXAMPLE.lines().find_map(|line| line.strip_prefix(&format!("#{key} = "))).expect("named");
    let ways = daemon::ways(&plain);
    assert_eq!(ways[0].silence, format!("{}s, {}s", named("period_s"), named("offline_after_s")));
}
