//! panelgate: bridges a site's alarm panels to a cloud over MQTT.

pub mod access;
pub mod actions;
pub mod api;
pub mod cloud;
pub mod config;
pub mod daemon;
pub mod panels;
pub mod payload;
pub mod secrets;
pub mod store;
