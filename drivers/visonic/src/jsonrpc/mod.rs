//! The local JSON-RPC service of a PowerLink 3 module, where a panel has one (dossier `visonic-jsonrpc`).
//!
//! ```text
//!   bytes ◄─► http ◄─► rpc (calls, answers, errors) ◄─► session: one call in flight, jobs in three lanes
//!                                                          └── track, map ◄─► panel-model
//! ```
//!
//! A module is taken up, watched, and a user's code is changed:
//!
//! ```text
//!   owner                    session                              module
//!                            GET list of methods ──►      ◄── 84 methods with their types
//!        ◄── Capabilities
//!                            registerClient ip, code ──►  ◄── success
//!                            getPanelStatuses, getDevicesConfig, getDeviceStatuses for each zone ──►
//!        ◄── Snapshot
//!                            getUserCodes ──►             ◄── rows
//!        ◄── User …          getPanelStatuses every 10 s ──►
//!   SetUser ──►              getPanelStatuses, getUserCodes, setUserCode, getUserCodes ──►
//!        ◄── User, Applied(ReadBack)
//! ```
//!
//! The vendor published nothing of it, and of the writing methods only the signatures are known: they are used where
//! the configuration says `experimental`, and nothing counts that was not read back. Methods that restart, upgrade or
//! open the module are no `Call` at all, so that they cannot be sent.

pub(crate) mod answer;
pub(crate) mod call;
mod capabilities;
mod error;
#[doc(hidden)]
pub mod fuzz;
pub mod http;
mod job;
pub(crate) mod map;
pub(crate) mod methods;
pub(crate) mod quirks;
mod rpc;
mod session;

use panel_model::Capabilities;

use crate::config::{Config, Writes};

pub use session::JsonRpcSession;

/// What a panel of this configuration can do over the service, before a module's list of methods is known.
#[must_use]
pub fn capabilities(config: &Config, writes: Writes) -> Capabilities {
    capabilities::capabilities(config, writes, capabilities::Found::default())
}
