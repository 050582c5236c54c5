use std::time::Instant;

use panel_model::{Capabilities, Label, PanelEvent, PanelState, Partition, Progress, UserReport, WallTime, Zone};

use crate::{CommandId, Residue};

/// What a driver tells its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriverEvent {
    /// The full state: the first thing after a (re)connect, and again after doubt.
    Snapshot(Box<PanelState>),
    /// Something happened. Only after a snapshot.
    Happened(PanelEvent),
    /// One panel user, as far as it was looked at. Comes before the outcome of the command that caused it.
    User(Box<UserReport>),
    /// What is known of all users is in doubt: somebody else may have edited them.
    UsersStale,
    /// Label of a zone.
    ZoneLabel(Zone, Label),
    /// Label of a partition.
    PartitionLabel(Partition, Label),
    /// The panel turned out to be able to do something else than its family.
    Capabilities(Box<Capabilities>),
    /// Module or panel version, for people.
    Firmware(String),
    /// Anything was heard of the panel: supervision counts from here.
    Alive,
    /// Long work goes on.
    Progress(CommandId, Progress),
    /// Keep this note (or none) for the next run. Sent before the first byte that it speaks of.
    Residue(Option<Residue>),
    /// The master code that the panel now takes is proved; the previous one can be forgotten.
    MasterProved,
    /// The panel still takes the previous master code: the new one never arrived, and is to be forgotten.
    MasterReverted,
}

/// An event with the times at which the box received it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "said above")]
pub struct Stamped {
    pub at: Instant,
    pub wall: WallTime,
    pub event: DriverEvent,
}
