//! NeoR: the DSC PowerSeries Neo family over ITv2. The panel's communicator dials us.
//!
//! ```text
//!   bytes ◄─► codec (TLink, AES, frames) ◄─► message (typed, both ways) ◄─► session, procedures ◄─► map ◄─► panel-model
//!                                                 ▲
//!                                                 └── sim (feature `sim`): the panel's side, shares codec and
//!                                                     messages only
//! ```
//!
//! A panel dials, tells what it queued, and a user gets a code:
//!
//! ```text
//!   owner                 session                              panel
//!                                       ◄── OpenSession        its identifier is in every packet
//!                         answer, own OpenSession ──►
//!                                       ◄── RequestAccess      gives the key for server ─► panel
//!                         answer (encrypted), own RequestAccess ──►
//!                                       ◄── answer             encrypted both ways from here
//!                                       ◄── queued notifications, then 2 s of quiet
//!                         what it has, partitions, zones, troubles ──►
//!        ◄── Snapshot, what was queued
//!   SetUser(5) ──►
//!                         enter access code programming (master code) ──►
//!                                       ◄── lead-in
//!                         read, write the code alone, read, write the rest, read ──►
//!        ◄── User(5: set), Applied(ReadBack)
//!                         leave programming ──►
//! ```
//!
//! Start with [`Config`], then [`NeorSession`]; [`NeorFactory`] is what the daemon sees. What is guessed about the
//! hardware, and where, stands in the README.

#![warn(missing_docs)]

mod capabilities;
pub mod codec;
pub mod config;
mod decode;
mod driver;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod identify;
mod map;
pub mod message;
mod procedure;
mod quirks;
mod session;
mod show;
#[cfg(feature = "sim")]
pub mod sim;

pub use capabilities::capabilities;
pub use config::{Config, RawConfig};
pub use decode::{CaptureDecoder, CaptureKeys, decode};
pub use driver::{FACTORY_INSTALLER_CODES, NeorFactory};
pub use identify::identify;
pub use quirks::{Quirks, ServerHeader};
pub use session::{Counters, InstallerTries, NeorSession};
