use std::collections::BTreeMap;

use crate::{Capabilities, Condition, Field, PanelId, PanelState, ReportedUser, Slot, WallTime};

/// Whether a panel's data can be trusted now (D7). Only `Online` data is good; everything else says how old it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PanelStatus {
    /// Heard of within its supervision period.
    Online,
    /// Connected, but nothing was heard for longer than the supervision period.
    Late,
    /// The connection is gone since less than the offline timer: what is shown is old, and said to be.
    Stale,
    /// Not reachable.
    Offline,
}

/// Where one wished value stands, and which version of the wish that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Version of the desired state that wished it.
    pub version: u64,
    /// How it stands.
    pub condition: Condition,
}

/// Long work under way at a panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, for people: `reading slots`.
    pub what: String,
    /// Steps done.
    pub done: u32,
    /// Steps in all.
    pub total: u32,
}

/// What everybody else sees of a panel: an immutable picture, replaced whole by the panel's owner. Cheap to share: the owner publishes it in an `Arc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelSnapshot {
    /// Our name of it.
    pub id: PanelId,
    /// The driver's name: `dsc`.
    pub vendor: &'static str,
    /// The connection, for people: `tcp 10.0.0.5:4025`.
    pub link: String,
    /// Online, late, stale or offline.
    pub status: PanelStatus,
    /// Since when the status holds.
    pub since: WallTime,
    /// When something was last heard.
    pub last_seen: Option<WallTime>,
    /// What a person has to do before it works, if anything: wrong password, wrong code.
    pub needs: Option<String>,
    /// Module or panel version, where told.
    pub firmware: Option<String>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Partitions, zones, troubles, locks.
    pub state: PanelState,
    /// Users by slot; slots of which nothing is known are absent.
    pub users: BTreeMap<Slot, ReportedUser>,
    /// How the wished values stand.
    pub answers: BTreeMap<(Slot, Field), Answer>,
    /// Rises by one with every change of `users` or `answers` (C2).
    pub reported_version: u64,
    /// Rises by one with every accepted wish.
    pub desired_version: u64,
    /// Version that the cloud gave to its last accepted desired document.
    pub cloud_version: u64,
    /// Long work under way.
    pub progress: Option<Progress>,
}
