//! Visonic PowerMax and PowerMaster panels on their PowerLink port, over RS-232 or a raw serial server.
//!
//! ```text
//!   bytes ◄─► codec (frames) ◄─► message (typed, both ways) ◄─► session, procedures ◄─► map ◄─► panel-model
//!                                        ▲
//!                                        └── sim (feature `sim`): the panel's side, shares codec, messages, memory map
//! ```
//!
//! A PowerMax comes online, is read and takes us as its PowerLink:
//!
//! ```text
//!   owner                 session                                panel
//!                         0F  leave download ──►  ◄── 02
//!                         A2  status ──►          ◄── 02 43, A5 01 to 06 (each acknowledged)
//!        ◄── Snapshot
//!                         24  download, code ──►  ◄── 02, 3C model and type
//!                         3E  read 0x01FA ──►     ◄── 02, 3F block            (and so on, by the allow-list)
//!                         0F ──►                  ◄── 02
//!        ◄── ZoneLabel, Firmware, User …
//!                         AB 0A  enrol ──►        ◄── 02 43
//!                         AB 06  restore ──►      ◄── 02 43, A5 …, then AB 03 every 30 s
//! ```
//!
//! Codes are read, never written: nobody has shown how. A panel with a PowerLink 3 module is reached over the module's
//! local service instead ([`jsonrpc`]), where codes can be written on demand. Start with [`Config`], then [`VisonicSession`];
//! [`VisonicFactory`] is what the daemon sees. What is guessed about the hardware, and where, stands in the README.

mod capabilities;
pub mod codec;
pub mod config;
mod decode;
mod driver;
pub mod eeprom;
mod error;
#[doc(hidden)]
pub mod fuzz;
pub mod jsonrpc;
mod map;
pub mod message;
pub mod model;
mod procedure;
mod quirks;
mod session;
#[cfg(feature = "sim")]
pub mod sim;

pub use capabilities::capabilities;
pub use config::{Config, RawConfig, Transport, Writes};
pub use decode::decode;
pub use driver::{FACTORY_INSTALLER_CODES, VisonicFactory};
pub use jsonrpc::JsonRpcSession;
pub use session::{Counters, VisonicSession};
