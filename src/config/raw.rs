//! The keys of the file, as they are written. What they may be is said in `checked.rs`.
//!
//! A value of the wrong type does not end the reading: a [`Field`] keeps the complaint for later, and `unknown`
//! takes keys that nobody knows, so that all problems can be told at once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Keys that a section does not have.
pub(super) type Unknown = BTreeMap<String, toml::Value>;

/// One key of a section.
#[derive(Debug, Clone, Default)]
pub(super) enum Field<T> {
    /// Not in the file.
    #[default]
    Absent,
    /// In the file, of the right type.
    Given(T),
    /// In the file, of another type. The value is not kept: it could be a secret.
    Wrong,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(deserializer)?;
        Ok(value.try_into().map_or(Self::Wrong, Self::Given))
    }
}

/// Only ever used to list the keys.
impl<T: Default + Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        T::default().serialize(serializer)
    }
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct RawConfig {
    pub gateway: Field<RawGateway>,
    pub access: Field<RawAccess>,
    pub store: Field<RawStore>,
    pub cloud: Field<RawCloud>,
    pub mail: Field<RawMail>,
    pub log: Field<RawLog>,
    pub listen: Field<Vec<RawListen>>,
    pub panel: Field<Vec<RawPanel>>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct RawGateway {
    pub id: Field<String>,
    pub data_dir: Field<PathBuf>,
    pub socket: Field<PathBuf>,
    pub group: Field<String>,
    pub company: Field<String>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct RawAccess {
    pub local_role: Field<String>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct RawStore {
    pub outbox_max_mib: Field<u64>,
    pub outbox_max_rows: Field<u64>,
    pub history_rows: Field<u64>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct RawCloud {
    pub url: Field<String>,
    pub protocol: Field<String>,
    pub prefix: Field<String>,
    pub ca: Field<PathBuf>,
    pub cert: Field<PathBuf>,
    pub key: Field<PathBuf>,
    pub username: Field<String>,
    pub password: Field<RawSecret>,
    pub keep_alive_s: Field<u64>,
    pub keys: Field<PathBuf>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct RawMail {
    pub host: Field<String>,
    pub port: Field<u64>,
    pub security: Field<String>,
    pub ca: Field<PathBuf>,
    pub from: Field<String>,
    pub username: Field<String>,
    pub password: Field<RawSecret>,
    pub link_base: Field<String>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct RawLog {
    pub level: Field<String>,
    pub format: Field<String>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct RawListen {
    pub vendor: Field<String>,
    pub address: Field<String>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct RawPanel {
    pub id: Field<String>,
    pub vendor: Field<String>,
    pub label: Field<String>,
    pub authority: Field<String>,
    pub supervision: Field<RawSupervision>,
    pub credentials: Field<RawCredentials>,
    /// The vendor's table stands here under the vendor's name.
    #[serde(flatten)]
    pub unknown: Unknown,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct RawSupervision {
    pub period_s: Field<u64>,
    pub offline_after_s: Field<u64>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct RawCredentials {
    pub password: Field<RawSecret>,
    pub master_code: Field<RawSecret>,
    pub installer_code: Field<RawSecret>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Where a secret is. Exactly one of both.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSecret {
    pub file: Option<PathBuf>,
    pub credential: Option<String>,
}

/// One key to whoever lists the keys, whatever is inside.
impl Serialize for RawSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

/// The keys of one section.
pub(super) fn keys_of<T: Default + Serialize>() -> Vec<String> {
    match serde_json::to_value(T::default()) {
        Ok(serde_json::Value::Object(keys)) => keys.into_iter().map(|(key, _)| key).collect(),
        _ => Vec::new(),
    }
}

/// All keys, as `section.key`; those of a panel as `panel.key`.
pub(super) fn known_keys() -> Vec<String> {
    let sections = [
        ("gateway", keys_of::<RawGateway>()),
        ("access", keys_of::<RawAccess>()),
        ("store", keys_of::<RawStore>()),
        ("cloud", keys_of::<RawCloud>()),
        ("mail", keys_of::<RawMail>()),
        ("log", keys_of::<RawLog>()),
        ("listen", keys_of::<RawListen>()),
        ("panel", keys_of::<RawPanel>()),
        ("panel.supervision", keys_of::<RawSupervision>()),
        ("panel.credentials", keys_of::<RawCredentials>()),
    ];
    sections.into_iter().flat_map(|(section, keys)| keys.into_iter().map(move |k| format!("{section}.{k}"))).collect()
}
