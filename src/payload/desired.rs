use std::collections::BTreeMap;

use panel_model::{PanelRole, PartitionSet, Slot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secrets::SealedCode;

/// Topic `panels/{panel}/desired`, retained, from the cloud: everything that the cloud wants of one panel.
///
/// Always whole: slots that are not named are not governed by the cloud and stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DesiredDocument {
    /// Chosen by the cloud, 1 or more, higher than in every document before. One that is not higher is dropped.
    pub version: u64,
    /// Users by slot; `null` is a slot that shall be empty (U6).
    pub users: BTreeMap<Slot, Option<DesiredUser>>,
}

/// What one user shall be. What is left out stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "what the user shall be, or null for none")]
pub struct DesiredUser {
    /// The code, sealed to the key in `info`. JSON numbers and clear text are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<SealedCode>,
    /// The label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<PanelRole>,
    /// All partitions that the user may operate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<PartitionSet>,
}
