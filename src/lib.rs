//! panelgate: bridges a site's alarm panels to a cloud over MQTT.

pub mod access;
pub mod actions;
pub mod api;
pub mod cli;
pub mod cloud;
pub mod config;
pub mod console;
pub mod daemon;
#[cfg(feature = "demo")]
pub mod demo;
pub mod mail;
pub mod panels;
pub mod payload;
pub mod pulse;
pub mod secrets;
pub mod store;
