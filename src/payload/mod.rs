//! The JSON of the cloud contract (design.md 5) and of the local API: one type per message and per list row.
//!
//! Everything here is plain data, made by hand from the model so that the model can move without moving the contract.
//! Field names are snake_case, times are RFC 3339 in UTC with milliseconds. No type here can hold a code in clear: codes
//! come in as [`SealedCode`](crate::secrets::SealedCode) and never go out. Golden files under `tests/golden` pin each
//! shape, JSON Schemas under `config/schemas` describe it.

mod desired;
mod directory;
mod event;
mod gateway;
mod json;
mod panel;
mod record;
mod state;
mod stored;
mod timestamp;
mod user;

pub use desired::{DesiredDocument, DesiredUser};
pub use directory::{
    DirectoryAccount, DirectoryAccountStatus, DirectoryCompany, DirectoryDocument, DirectoryInstaller, DirectoryKeys,
    DirectoryKind, DirectoryOutcome, DirectoryReported, DirectoryRole,
};
pub use event::{Event, Signal};
pub use gateway::{GatewayState, GatewayStatus, Info, PanelInfo, SealingKey, WantingPanel};
pub use json::{JsonError, read};
pub use panel::{
    Availability, InstallerCodeState, PanelDetail, PanelRow, PanelStatus, Progress, WireDirection, WireRow,
};
pub use record::{Delta, Gap, GapKind, LogLine, LostPriority};
pub use state::{Arm, PartitionState, State, ZoneState};
pub use timestamp::Timestamp;
pub use user::{Answer, DocumentRefusal, PanelFault, Reported, User, changed_users};
