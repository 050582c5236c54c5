//! The words of panelgate: panels, partitions, zones, slots, users, events, refusals.
//!
//! Everything here is plain data and pure functions. There is no IO, no clock, no async and no vendor's
//! vocabulary in this crate; a driver translates into these types in its `map.rs` and nowhere else.
//!
//! Start with [`PanelEvent`] (what a panel tells), [`PanelState`] (what follows from it),
//! [`Capabilities`] (what a panel can do) and [`Refusal`] (why a wish was not granted).

mod capabilities;
mod event;
mod ids;
mod label;
mod refusal;
mod role;
mod secret;
mod snapshot;
mod state;
mod time;
mod user;

pub use capabilities::{Access, Capabilities, CodeRules, RoleSlots, Sections};
pub use event::{EventClass, EventKind, Origin, PanelEvent, Severity, TroubleKind};
pub use ids::{GatewayId, IdError, LockId, PanelId, Partition, PartitionSet, Slot, Zone};
pub use label::{Charset, Label, LabelRules};
pub use refusal::Refusal;
pub use role::PanelRole;
pub use secret::{AccessCode, CodeHash, InstallerCode, Password};
pub use snapshot::{Answer, PanelSnapshot, PanelStatus, Progress};
pub use state::{ArmMode, ArmState, LockState, PanelState, PartitionState, Readiness, Trouble, ZoneState};
pub use time::WallTime;
pub use user::{
    CodeState, Condition, DesiredUser, Evidence, Field, Known, NotNow, PanelError, ReportedUser, UserReport, UserWish,
};
