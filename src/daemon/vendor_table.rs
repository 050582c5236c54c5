//! A vendor's own table of the configuration, read without knowing the vendor.
#![cfg_attr(
    not(any(feature = "dsc", feature = "neor", feature = "visonic")),
    allow(dead_code, reason = "a build without vendors reads no table")
)]

use panel_driver::ConfigError;
use serde::de::DeserializeOwned;

use crate::config::{PanelConfig, Problems, nearest};

/// A vendor's table, read and checked by the vendor; everything that is wrong with it goes to `problems`.
pub(super) fn checked<R: DeserializeOwned, C>(
    panel: &PanelConfig,
    problems: &mut Problems,
    validate: impl FnOnce(R) -> Result<C, Vec<ConfigError>>,
) -> Option<C> {
    let read = read::<R>(panel, problems);
    match validate(read.table?) {
        Ok(config) => read.wrong.is_empty().then_some(config),
        Err(errors) => {
            // A key that could not be read is not missing as well.
            for error in errors.into_iter().filter(|error| !read.wrong.iter().any(|key| key == error.key)) {
                problems.error(format!("panel {}: {}.{}", panel.id, panel.vendor, error.key), error.problem, error.fix);
            }
            None
        }
    }
}

/// A vendor's table, without the keys that are wrong.
struct Read<T> {
    table: Option<T>,
    /// Keys that were told of already.
    wrong: Vec<String>,
}

/// Reads a vendor's table. Each key is read by itself first, so that every wrong one is told at once; that needs a raw
/// type in which no key is required.
fn read<T: DeserializeOwned>(panel: &PanelConfig, problems: &mut Problems) -> Read<T> {
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
