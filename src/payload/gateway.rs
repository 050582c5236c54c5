use panel_driver::link::Wanting;
use panel_model::{Capabilities, GatewayId, PanelId, PanelSnapshot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;

/// Topic `status`, retained: whether the box is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayStatus {
    /// Connected, lost, or gone on purpose.
    pub state: GatewayState,
    /// Drawn at each start of the daemon. The will carries the same one as the birth: a will that arrives late and
    /// names an older start or connection says nothing about the present one.
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub boot: Uuid,
    /// Counts the connections of this start, from 1.
    pub connection: u64,
    /// Since when the state holds; a will cannot know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Version of panelgate.
    pub version: String,
}

/// See [`GatewayStatus`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GatewayState {
    /// Connected.
    Online,
    /// The broker lost the connection (the will).
    Lost,
    /// Stopped on purpose.
    Disconnected,
}

/// Topic `info`, retained: what the box is and what it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Info {
    /// The box's name.
    pub gateway: GatewayId,
    /// Version of panelgate.
    pub version: String,
    /// Where codes are sealed to.
    pub sealing_key: SealingKey,
    /// Drivers built in, by vendor name.
    pub drivers: Vec<String>,
    /// The panels, in order of their ids.
    pub panels: Vec<PanelInfo>,
    /// Panels that dial the box and that nobody configured there, the latest first; at most 32 of each address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanting: Vec<WantingPanel>,
}

/// A panel that dials the box and that nobody configured there. Its connection is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WantingPanel {
    /// What it calls itself, such as its integration identification number.
    pub identifier: String,
    /// Whose panel it is, by the address that it dials.
    pub vendor: String,
    /// The box's address that it dials.
    pub listen: String,
    /// When it was first noticed.
    pub since: Timestamp,
}

impl WantingPanel {
    /// A panel that a listener does not know.
    #[must_use]
    pub fn new(vendor: &str, wanting: &Wanting) -> Self {
        Self {
            identifier: wanting.identifier.clone(),
            vendor: vendor.to_owned(),
            listen: wanting.listen.to_string(),
            since: wanting.first.into(),
        }
    }
}

/// The public key that codes are sealed to with libsodium's `crypto_box_seal` (X25519, XSalsa20-Poly1305).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SealingKey {
    /// Always `crypto_box_seal`.
    pub kind: String,
    /// 32 bytes in base64, standard alphabet, padded.
    pub public: String,
}

/// One panel as `info` shows it: what changes seldom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PanelInfo {
    /// The panel's name.
    pub panel: PanelId,
    /// Whose panel it is, such as `dsc`.
    pub vendor: String,
    /// Module or panel version, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// What it can do over its present connection.
    pub capabilities: Capabilities,
}

impl SealingKey {
    /// The key as it stands in JSON.
    #[must_use]
    pub fn new(public: &[u8; 32]) -> Self {
        use base64::Engine as _;
        Self { kind: "crypto_box_seal".into(), public: base64::engine::general_purpose::STANDARD.encode(public) }
    }

    /// The key itself; `None` if it is of another kind or not 32 bytes.
    #[must_use]
    pub fn bytes(&self) -> Option<[u8; 32]> {
        use base64::Engine as _;
        if self.kind != "crypto_box_seal" {
            return None;
        }
        base64::engine::general_purpose::STANDARD.decode(&self.public).ok()?.try_into().ok()
    }
}

impl From<&PanelSnapshot> for PanelInfo {
    fn from(panel: &PanelSnapshot) -> Self {
        Self {
            panel: panel.id.clone(),
            vendor: panel.vendor.to_owned(),
            firmware: panel.firmware.clone(),
            capabilities: panel.capabilities.clone(),
        }
    }
}
