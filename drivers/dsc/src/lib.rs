//! DSC PowerSeries panels (PC1616, PC1832, PC1864) behind an IT-100 or an Envisalink.
//!
//! ```text
//!   bytes ◄─► codec (frames) ◄─► message (typed, both ways) ◄─► session, procedures ◄─► map ◄─► panel-model
//!                                        ▲
//!                                        └── sim (feature `sim`): the panel's side, shares codec and messages only
//! ```

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
pub use config::{Config, ConfigError, RawConfig};
pub use decode::decode;
pub use driver::DscFactory;
pub use map::map_event;
pub use session::DscSession;
