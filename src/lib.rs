//! panelgate: bridges a site's alarm panels to a cloud over MQTT.

pub mod actions;
pub mod cloud;
pub mod panels;
pub mod payload;
pub mod secrets;
