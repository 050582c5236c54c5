//! A vendor's own table of the configuration, read without knowing the vendor.
#![cfg_attr(not(feature = "dsc"), allow(dead_code, reason = "a build without vendors reads no table"))]

use serde::de::DeserializeOwned;

use crate::config::{PanelConfig, Problems, nearest};

/// A vendor's table, without the keys that are wrong.
pub(super) struct Read<T> {
    pub(super) table: Option<T>,
    /// Keys that were told of already.
    pub(super) wrong: Vec<String>,
}

/// Reads a vendor's table. Each key is read by itself first, so that every wrong one is told at once; that needs a raw
/// type in which no key is required.
pub(super) fn read<T: DeserializeOwned>(panel: &PanelConfig, problems: &mut Problems) -> Read<T> {
    let mut wrong = Vec::new();
    let mut sound = toml::Table::new();
    for (key, value) in &panel.vendor_table {
        let one = toml::Table::from_iter([(key.clone(), value.clone())]);
        let Err(error) = one.try_into::<T>() else {
            sound.insert(key.clone(), value.clone());
            continue;
        };
        wrong.push(key.clone());
        let name = format!("panel {}: {}.{key}", panel.id, panel.vendor);
        if error.message().starts_with("unknown field") {
            let known = quoted(error.message());
            let near = nearest(key, known.iter().skip(1).map(String::as_str));
            let hint = near.map_or_else(|| "take it out".to_owned(), |near| format!("did you mean `{near}`?"));
            problems.error(name, "is not a key of this section", hint);
        } else {
            // What was written there is not repeated: it could be a secret in the wrong place.
            let expected = error.message().rsplit_once("expected ").map_or("another form", |(_, expected)| expected);
            problems.error(name, "has the wrong form", format!("give {}", expected.trim()));
        }
    }
    Read { table: sound.try_into().ok(), wrong }
}

/// The words between backquotes: serde's list of the fields that it knows.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The keys that the table may have.
pub(super) fn keys<T: DeserializeOwned>() -> Vec<String> {
    let asked = toml::Table::from_iter([("?".to_owned(), toml::Value::Boolean(true))]);
    match asked.try_into::<T>() {
        Ok(_) => Vec::new(),
        Err(error) => quoted(error.message()).into_iter().skip(1).collect(),
    }
}
