//! DSC PowerSeries panels (PC1616, PC1832, PC1864) behind an IT-100 or an Envisalink.
//!
//! ```text
//!   bytes ◄─► codec (frames) ◄─► message (typed, both ways) ◄─► session, procedures ◄─► map ◄─► panel-model
//!                                        ▲
//!                                        └── sim (feature `sim`): the panel's side, shares codec and messages only
//! ```
//!
//! An Envisalink logs in, tells its state, and a user gets a code:
//!
//! ```text
//!   owner                 session                                module
//!                                        ◄── 505 3  password?
//!                         005 password ──►
//!                                        ◄── 500 005, 505 1
//!                         001 ──►        ◄── 500 001, 610 zones, 650 partitions, 510 lights
//!        ◄── Snapshot                                             000 every 30 s of silence
//!   SetUser(5) ──►
//!        ◄── Residue("users menu")
//!                         072 1 ──►      ◄── 500 072, 921 master code?
//!                         200 master ──► ◄── 500 200, 510 82, 511 20: the list
//!                         071 1 05.... ──► ◄── 500 071, 510 81 digits?, 510 82 taken
//!        ◄── User(5: set), Applied(Acknowledged)
//!                         071 1 # ──►    ◄── 500 071, 511 00, 650 1
//!        ◄── Residue(none)
//! ```
//!
//! Start with [`Config`], then [`DscSession`]; [`DscFactory`] is what the daemon sees. What is guessed about the
//! hardware, and where, stands in the README.

mod capabilities;
pub mod codec;
pub mod config;
mod decode;
mod driver;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod map;
pub mod message;
mod procedure;
mod quirks;
mod session;
#[cfg(feature = "sim")]
pub mod sim;

pub use capabilities::capabilities;
pub use config::{Config, RawConfig};
pub use decode::decode;
pub use driver::{DscFactory, FACTORY_INSTALLER_CODES};
pub use map::map_event;
pub use session::DscSession;
