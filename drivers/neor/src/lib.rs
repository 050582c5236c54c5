//! NeoR: the DSC PowerSeries Neo family over ITv2. The panel's communicator dials us.
//!
//! ```text
//!   bytes ◄─► codec (TLink, AES, frames) ◄─► message (typed, both ways) ◄─► session ◄─► map ◄─► panel-model
//!                                                 ▲
//!                                                 └── sim (feature `sim`): the panel's side, shares codec and
//!                                                     messages only
//! ```

#![warn(missing_docs)]

pub mod codec;
pub mod message;
#[cfg(feature = "sim")]
pub mod sim;
