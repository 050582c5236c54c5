//! The contract between panelgate and a vendor's driver.
//!
//! ```text
//!   panels/ ── Command ──► DriverPort ──► PanelDriver::run ──► run_session ──► Session (sans-IO, the vendor's)
//!           ◄─ Stamped<DriverEvent> ◄──                       bytes ◄──► Link (serial, TCP, TLS)
//! ```
//!
//! A driver author implements [`Session`] (pure: bytes, commands and time in; bytes, events and outcomes out) and
//! [`DriverFactory`]; [`run_session`] is the only loop. A driver never opens a [`Link`], never retries a link, never
//! knows the store or the cloud. Its simulator implements [`sim::Simulator`] and is served by the same crate.

#![warn(missing_docs)]

pub mod clock;
mod command;
mod config_error;
mod driver;
mod error;
mod event;
pub mod link;
mod queue;
mod run;
mod session;
pub mod sim;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
mod wire;

pub use command::{
    CivilTime, Command, CommandId, CommandRequest, Credentials, Outcome, Reply, Residue, Section, SetUser,
};
pub use config_error::{ConfigError, ConfigErrors};
pub use driver::{BoxFuture, DecodeOptions, Decoded, DriverFactory, DriverPort, DriverStart, PanelDriver};
pub use error::{DriverError, LinkError, Retry};
pub use event::{DriverEvent, Stamped};
pub use link::{Link, LinkConfig, Links};
pub use queue::{CommandClass, CommandQueue};
pub use run::run_session;
pub use session::{Busy, Session, SessionOutput};
pub use wire::{Direction, WireEntry, WireLog};
