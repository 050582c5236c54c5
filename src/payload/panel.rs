use std::fmt::Write as _;

use panel_driver::{Direction, WireEntry};
use panel_model::{Capabilities, CodeState, PanelId, PanelSnapshot, WallTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{State, Timestamp};

/// Topic `panels/{panel}/status`, retained: whether the panel can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PanelStatus {
    /// Whether what is shown of the panel can be trusted.
    pub state: Availability,
    /// Since when.
    pub since: Timestamp,
    /// When something was last heard, as of this message: it is not sent again for this alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// Whose panel it is, such as `dsc`.
    pub vendor: String,
    /// The connection, for people.
    pub link: String,
    /// What a person has to do before it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// Long work under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// Whether a panel's data can be trusted now (D7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// Heard of within its supervision period: the data is good.
    Online,
    /// Connected, but silent for too long.
    Late,
    /// The connection is gone for a short while; the data is old.
    Stale,
    /// Not reachable; the data is old.
    Offline,
}

/// How far long work is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// What is being done, for people.
    pub what: String,
    /// Steps done.
    pub done: u32,
    /// Steps in all.
    pub total: u32,
}

/// A row of the list of panels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PanelRow {
    /// The panel's name.
    pub panel: PanelId,
    /// Model as far as known.
    pub model: String,
    /// Module or panel version, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// Whether it can be reached.
    pub status: PanelStatus,
    /// Users with a code, as far as known.
    pub users: usize,
    /// Places for users.
    pub slots: usize,
    /// What the box knows of its installer code.
    pub installer_code: InstallerCodeState,
}

/// What the box knows of a panel's installer code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InstallerCodeState {
    /// Nothing: only the code itself can be given on site.
    None,
    /// It keeps one.
    Kept,
    /// It keeps one, and that is the one that such panels leave the factory with: everybody knows it.
    FactoryDefault,
    /// A change broke off, and nobody has proved yet which of two it is. Both are taken.
    Unsettled,
}

/// One panel in full, without its users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PanelDetail {
    /// What the list shows.
    pub row: PanelRow,
    /// Partitions, zones, troubles, locks.
    pub state: State,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Rises with every change of a user or of an answer.
    pub reported_version: u64,
    /// Rises with every accepted wish.
    pub desired_version: u64,
    /// Version of the cloud's last accepted document.
    pub cloud_version: u64,
}

/// A row of the wire log. Secrets were masked before it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WireRow {
    /// When.
    pub at: Timestamp,
    /// Which way.
    pub direction: WireDirection,
    /// The bytes in hex, two digits each, with blanks between.
    pub hex: String,
    /// The same as text; what is not printable ASCII is a dot.
    pub text: String,
}

/// Which way bytes went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum WireDirection {
    FromPanel,
    ToPanel,
}

impl From<panel_model::PanelStatus> for Availability {
    fn from(status: panel_model::PanelStatus) -> Self {
        match status {
            panel_model::PanelStatus::Online => Self::Online,
            panel_model::PanelStatus::Late => Self::Late,
            panel_model::PanelStatus::Stale => Self::Stale,
            panel_model::PanelStatus::Offline => Self::Offline,
        }
    }
}

impl Availability {
    /// The word, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Late => "late",
            Self::Stale => "stale",
            Self::Offline => "offline",
        }
    }
}

impl From<&PanelSnapshot> for PanelStatus {
    fn from(panel: &PanelSnapshot) -> Self {
        Self {
            state: panel.status.into(),
            since: panel.since.into(),
            last_seen: panel.last_seen.map(Timestamp::from),
            vendor: panel.vendor.to_owned(),
            link: panel.link.clone(),
            needs: panel.needs.clone(),
            progress: panel.progress.as_ref().map(|p| Progress { what: p.what.clone(), done: p.done, total: p.total }),
        }
    }
}

impl PanelRow {
    /// A panel's row.
    #[must_use]
    pub fn new(panel: &PanelSnapshot, installer_code: InstallerCodeState) -> Self {
        Self {
            panel: panel.id.clone(),
            model: panel.capabilities.model.clone(),
            firmware: panel.firmware.clone(),
            status: panel.into(),
            users: panel.users.values().filter(|user| user.code.value == CodeState::Set).count(),
            slots: panel.capabilities.all_slots().count(),
            installer_code,
        }
    }
}

impl PanelDetail {
    /// A panel in full.
    #[must_use]
    pub fn new(panel: &PanelSnapshot, installer_code: InstallerCodeState) -> Self {
        Self {
            row: PanelRow::new(panel, installer_code),
            state: panel.into(),
            capabilities: panel.capabilities.clone(),
            reported_version: panel.reported_version,
            desired_version: panel.desired_version,
            cloud_version: panel.cloud_version,
        }
    }
}

impl From<&(WallTime, WireEntry)> for WireRow {
    fn from((at, entry): &(WallTime, WireEntry)) -> Self {
        let mut hex = String::with_capacity(entry.masked.len() * 3);
        for (n, byte) in entry.masked.iter().enumerate() {
            let blank = if n == 0 { "" } else { " " };
            let _ = write!(hex, "{blank}{byte:02x}");
        }
        let text = entry.masked.iter().map(|b| if (b' '..=b'~').contains(b) { char::from(*b) } else { '.' }).collect();
        let direction = match entry.direction {
            Direction::FromPanel => WireDirection::FromPanel,
            Direction::ToPanel => WireDirection::ToPanel,
        };
        Self { at: (*at).into(), direction, hex, text }
    }
}
