//! A panel's configuration: [`RawConfig`] as it is written, [`Config`] as it is used. All errors are told at once.

use std::net::IpAddr;
use std::path::PathBuf;

use panel_driver::{ConfigError, ConfigErrors, LinkConfig};
use panel_model::{Partition, PartitionSet};
use serde::Deserialize;

use crate::model::{Enrolment, Family, MODELS, Model};

/// Speeds of the PowerLink port [issue DS#114].
const SPEEDS: [u32; 2] = [9600, 38400];
/// Port of the module's service [doc K].
const SERVICE_PORT: u16 = 8181;

/// The keys of a `visonic` panel, unchecked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// `serial`, the protocol of the PowerLink port, unless told; `jsonrpc` for the service of a PowerLink 3 module.
    pub transport: Option<String>,
    /// Serial device on the panel's port.
    pub device: Option<String>,
    /// Bits per second of the device, 9600 or 38400; 9600 unless told.
    pub baud: Option<u32>,
    /// In place of a device: host name or address of a serial server in raw mode, or of the module.
    pub host: Option<String>,
    /// The serial server's port; the module's, 8181 unless told.
    pub port: Option<u16>,
    /// `jsonrpc` only: codes, partitions and the installer code are written, and the output is switched, by methods that
    /// nobody has proved.
    pub experimental: Option<bool>,
    /// The panel's model, such as `PowerMaster 10`. Required: until the panel has said its type this counts.
    pub model: Option<String>,
    /// Partitions in use; `[1]` unless told. A PowerMax is one area here.
    pub partitions: Option<Vec<u32>>,
    /// Zones in use, counted from 1; as many as the model has unless told.
    pub zones: Option<u16>,
}

/// A valid configuration of one panel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the raw keys")]
pub struct Config {
    pub transport: Transport,
    pub model: Model,
    pub partitions: PartitionSet,
    pub zones: u16,
}

/// How the panel is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// The PowerLink protocol, on a serial device or behind a raw serial server.
    Serial(LinkConfig),
    /// The local service of a PowerLink 3 module.
    JsonRpc(LinkConfig, Writes),
}

/// Whether users are written over the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// Read only.
    Never,
    /// With methods of which only the signatures are known; what is not read back does not count.
    Experimental,
}

impl Transport {
    /// The link to open.
    #[must_use]
    pub fn link(&self) -> &LinkConfig {
        match self {
            Self::Serial(link) | Self::JsonRpc(link, _) => link,
        }
    }
}

impl RawConfig {
    /// Checks every key.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the keys.
    pub fn validate(self) -> Result<Config, Vec<ConfigError>> {
        let mut errors = ConfigErrors::default();
        let transport = match self.transport.as_deref().unwrap_or("serial") {
            "serial" => self.serial(&mut errors),
            "jsonrpc" => self.jsonrpc(&mut errors),
            other => errors.add("transport", format!("`{other}` is unknown"), "write serial or jsonrpc"),
        };
        let model = self.model(&mut errors);
        let partitions = self.partitions(model.as_ref(), &mut errors);
        let zones = self.zones(model.as_ref(), &mut errors);
        match (transport, model, partitions, zones) {
            (Some(transport), Some(model), Some(partitions), Some(zones)) if errors.is_empty() => {
                Ok(Config { transport, model, partitions, zones })
            }
            _ => Err(errors.into_vec()),
        }
    }

    fn jsonrpc(&self, errors: &mut ConfigErrors) -> Option<Transport> {
        if self.device.is_some() {
            errors.add::<()>("device", "the module is reached over the network", "remove it and write host");
        }
        if self.baud.is_some() {
            errors.add::<()>("baud", "the module is reached over the network", "remove it");
        }
        let writes = if self.experimental == Some(true) { Writes::Experimental } else { Writes::Never };
        let Some(host) = self.host.clone().filter(|host| !host.is_empty()) else {
            return errors.add("host", "missing", "write the PowerLink module's address in the local network");
        };
        if host.parse().is_ok_and(is_public) {
            // Codes go there in clear, and whoever registers next takes our place.
            let fix = "write its address in a local network, or a name";
            return errors.add("host", "the service must not be reached over the internet", fix);
        }
        let port = self.port.unwrap_or(SERVICE_PORT);
        Some(Transport::JsonRpc(LinkConfig::TcpPerRequest { host, port }, writes))
    }

    fn serial(&self, errors: &mut ConfigErrors) -> Option<Transport> {
        if self.experimental.is_some() {
            let problem = "nothing is written over the serial port";
            errors.add::<()>("experimental", problem, "remove it, or write transport = \"jsonrpc\"");
        }
        let baud = self.baud.unwrap_or(SPEEDS[0]);
        if !SPEEDS.contains(&baud) {
            errors.add::<()>("baud", format!("{baud} is no speed of this port"), "write 9600 or 38400");
        }
        match (&self.device, &self.host) {
            (Some(device), None) if !device.is_empty() => {
                if self.port.is_some() {
                    let fix = "remove it, or write host instead of device";
                    errors.add::<()>("port", "a serial device has no port", fix);
                }
                Some(Transport::Serial(LinkConfig::Serial { path: PathBuf::from(device), baud }))
            }
            (None, Some(host)) if !host.is_empty() => {
                if self.baud.is_some() {
                    errors.add::<()>("baud", "the serial server sets the speed", "remove it and set it there");
                }
                let Some(port) = self.port else {
                    return errors.add("port", "missing", "write the serial server's port");
                };
                Some(Transport::Serial(LinkConfig::Tcp { host: host.clone(), port }))
            }
            (Some(_), Some(_)) => errors.add("device", "device and host are both given", "keep the one that is wired"),
            _ => errors.add(
                "device",
                "missing",
                "write the serial device, such as /dev/ttyUSB0, or host and port of a serial server",
            ),
        }
    }

    fn model(&self, errors: &mut ConfigErrors) -> Option<Model> {
        let usable = || MODELS.iter().filter(|model| model.panel_type != 0);
        let mut names: Vec<_> = usable().map(|model| model.name).collect();
        names.dedup();
        let list = names.join(", ");
        let Some(text) = self.model.as_deref() else {
            return errors.add("model", "missing", format!("write one of {list}"));
        };
        if plain(text) == "powermax" {
            let problem = "the original PowerMax knows no PowerLink";
            return errors.add("model", problem, format!("this driver knows {list}"));
        }
        match usable().find(|model| plain(model.name) == plain(text)) {
            Some(model) => Some(*model),
            None => {
                errors.add("model", format!("`{text}` is not a model that this driver knows"), format!("write {list}"))
            }
        }
    }

    fn partitions(&self, model: Option<&Model>, errors: &mut ConfigErrors) -> Option<PartitionSet> {
        // Over the serial port a PowerMax does not tell them apart; the service does.
        let service = self.transport.as_deref() == Some("jsonrpc");
        let told = |model: &Model| service || model.family == Family::PowerMaster;
        let most = model.map_or(3, |model| if told(model) { model.partitions } else { 1 });
        let mut set = PartitionSet::EMPTY;
        for number in self.partitions.as_deref().unwrap_or(&[1]) {
            match Partition::new(*number) {
                Ok(partition) if partition.number() <= most => set.insert(partition),
                _ if most == 1 && !service => {
                    let problem = "partitions of this model cannot be told apart over its port";
                    return errors.add("partitions", problem, "write [1]: the panel is one area here");
                }
                _ => {
                    let fix = format!("write a list of numbers from 1 to {most}, such as [1, 2]");
                    return errors.add("partitions", format!("this panel has no partition {number}"), fix);
                }
            }
        }
        if set.is_empty() { errors.add("partitions", "the list is empty", "write [1]") } else { Some(set) }
    }

    fn zones(&self, model: Option<&Model>, errors: &mut ConfigErrors) -> Option<u16> {
        let most = model.map_or(64, |model| u16::from(model.zones));
        let zones = self.zones.unwrap_or(most);
        if (1..=most).contains(&zones) {
            return Some(zones);
        }
        errors.add("zones", format!("{zones} zones do not fit this model"), format!("write 1 to {most}"))
    }
}

/// Anybody may own such an address.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !(v4.is_private() || v4.is_loopback() || v4.is_link_local()),
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()),
    }
}

/// People write names with blanks, hyphens, or neither.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, ' ' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

impl Config {
    /// Whether the panel has a PowerLink of its own, so that we stay a listener.
    #[must_use]
    pub fn never_enrolls(&self) -> bool {
        self.model.enrolment == Enrolment::Never
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> RawConfig {
        serde_json::from_str(json).expect("json")
    }

    fn keys(json: &str) -> Vec<&'static str> {
        raw(json).validate().expect_err(json).into_iter().map(|e| e.key).collect()
    }

    #[test]
    fn a_panel_is_serial_or_behind_a_serial_server() {
        let config = raw(r#"{"device":"/dev/ttyS0","model":"PowerMax Complete"}"#).validate().expect("valid");
        assert_eq!(config.transport.link().to_string(), "serial /dev/ttyS0 at 9600 baud");
        assert_eq!((config.model.panel_type, config.zones, config.partitions.to_string().as_str()), (3, 30, "1"));
        let server = r#"{"transport":"serial","host":"moxa","port":4001,"model":"powermaster-10","partitions":[1,3]}"#;
        let config = raw(server).validate().expect("valid");
        assert_eq!(config.transport.link().to_string(), "tcp moxa:4001");
        assert_eq!(config.partitions.to_string(), "1, 3");
    }

    #[test]
    fn every_error_is_told_at_once() {
        let all_wrong = r#"{"baud":1200,"model":"Agility","partitions":[9],"zones":65}"#;
        assert_eq!(keys(all_wrong), ["baud", "device", "model", "partitions", "zones"]);
        assert_eq!(keys("{}"), ["device", "model"]);
        assert_eq!(keys(r#"{"transport":"telepathy","model":"PowerMax Pro"}"#), ["transport"]);
        assert_eq!(keys(r#"{"host":"a","port":1,"baud":9600,"model":"PowerMax Pro"}"#), ["baud"]);
    }

    #[test]
    fn a_module_is_reached_in_the_local_network_and_written_to_on_demand() {
        let json = r#"{"transport":"jsonrpc","host":"192.168.7.2","model":"PowerMaster 30","partitions":[1,2]}"#;
        let config = raw(json).validate().expect("valid");
        assert_eq!(config.transport.link().to_string(), "tcp 192.168.7.2:8181, once per request");
        assert!(matches!(config.transport, Transport::JsonRpc(_, Writes::Never)));
        let json = r#"{"transport":"jsonrpc","host":"pl3","port":80,"model":"PowerMax Pro Part","experimental":true,"partitions":[2]}"#;
        let config = raw(json).validate().expect("valid");
        assert!(matches!(config.transport, Transport::JsonRpc(_, Writes::Experimental)));
        let wrong =
            r#"{"transport":"jsonrpc","device":"/dev/ttyS0","baud":9600,"model":"PowerMaster 30","host":"8.8.8.8"}"#;
        assert_eq!(keys(wrong), ["device", "baud", "host"]);
        assert_eq!(keys(r#"{"transport":"jsonrpc","model":"PowerMaster 30"}"#), ["host"]);
        assert_eq!(keys(r#"{"device":"/dev/ttyS0","experimental":true,"model":"PowerMax Pro"}"#), ["experimental"]);
    }

    #[test]
    fn the_partitions_of_a_powermax_cannot_be_told_apart() {
        let json = r#"{"device":"/dev/ttyS0","model":"PowerMax Pro Part","partitions":[1,2]}"#;
        let errors = raw(json).validate().expect_err("refused");
        assert!(errors[0].problem.contains("told apart"), "{}", errors[0]);
    }

    #[test]
    fn the_original_powermax_is_refused_by_name() {
        let errors = raw(r#"{"device":"/dev/ttyS0","model":"PowerMax"}"#).validate().expect_err("refused");
        assert!(errors[0].to_string().contains("no PowerLink"), "{}", errors[0]);
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(serde_json::from_str::<RawConfig>(r#"{"modell":"PowerMax Pro"}"#).is_err());
    }
}
