//! Visonic PowerMax and PowerMaster panels on their PowerLink port.

pub mod codec;
pub mod eeprom;
pub mod message;
pub mod model;
#[cfg(feature = "sim")]
pub mod sim;
