//! Every message that a test sees is held against its schema.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use panelgate::cloud::schema;
use panelgate::cloud::topic::{Prefix, Topic};
use serde_json::Value;

static VALIDATORS: LazyLock<BTreeMap<String, jsonschema::Validator>> = LazyLock::new(|| {
    let files = schema::generate().into_iter().filter_map(|(path, text)| {
        let name = path.strip_prefix("config/schemas/")?.strip_suffix(".json")?.to_owned();
        let schema: Value = serde_json::from_str(&text).expect("a generated schema is JSON");
        Some((name, jsonschema::validator_for(&schema).expect("a generated schema is a schema")))
    });
    files.collect()
});

/// Fails the test unless `payload` is a message of the contract for the topic `name`.
pub(crate) fn check(prefix: &Prefix, name: &str, payload: &[u8]) -> Value {
    let (_, topic) = Topic::parse(prefix, name).unwrap_or_else(|| panic!("{name} is not in the contract"));
    let value: Value = serde_json::from_slice(payload).unwrap_or_else(|e| panic!("{name}: {e}"));
    let why: Vec<String> = schema::messages_of(&topic)
        .iter()
        .filter_map(|message| VALIDATORS[*message].validate(&value).err().map(|e| format!("{message}: {e}")))
        .collect();
    let fits = why.len() < schema::messages_of(&topic).len();
    assert!(fits, "{name}: {value} does not fit its schema: {why:?}");
    value
}

/// Whether `value` fits the schema of that name.
pub(crate) fn fits(message: &str, value: &Value) -> bool {
    VALIDATORS[message].is_valid(value)
}
