//! panelgate: bridges a site's alarm panels to a cloud over MQTT.

pub mod actions;
pub mod panels;
pub mod secrets;
pub mod store;
