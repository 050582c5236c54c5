//! DSC PowerSeries panels (PC1616, PC1832, PC1864) behind an IT-100 or an Envisalink.
//!
//! ```text
//!   bytes ◄─► codec (frames) ◄─► message (typed, both ways) ◄─► session, procedures ◄─► map ◄─► panel-model
//!                                        ▲
//!                                        └── sim (feature `sim`): the panel's side, shares codec and messages only
//! ```

pub mod codec;
pub mod message;
#[cfg(feature = "sim")]
pub mod sim;
