//! A panel's configuration: [`RawConfig`] as it is written, [`Config`] as it is used. All errors are told at once.

use std::path::PathBuf;

use panel_driver::{ConfigError, ConfigErrors, LinkConfig};
use panel_model::{Partition, PartitionSet};
use serde::Deserialize;

use crate::message::{Baud, Transport};

/// Port of the Envisalink's interface [doc TPI 2].
const ENVISALINK_PORT: u16 = 4025;

/// The keys of a `dsc` panel, unchecked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// `envisalink` or `it100`. Required.
    pub interface: Option<String>,
    /// Envisalink, or a serial server in front of an IT-100: host name or address.
    pub host: Option<String>,
    /// TCP port; 4025 for an Envisalink, required for a serial server.
    pub port: Option<u16>,
    /// IT-100: serial device.
    pub device: Option<String>,
    /// IT-100: bits per second of the device; 9600 unless told.
    pub baud: Option<u32>,
    /// `PC1616`, `PC1832` or `PC1864`. Required: it cannot be read from the panel.
    pub model: Option<String>,
    /// Digits of the panel's codes, 4 or 6; 4 unless told. An Envisalink cannot tell it.
    pub code_length: Option<u8>,
    /// Partitions in use; `[1]` unless told.
    pub partitions: Option<Vec<u32>>,
    /// Zones in use, counted from 1; as many as the model has unless told.
    pub zones: Option<u16>,
    /// `allowed` or `forbidden`; `forbidden` unless told. Entering installer programming may report to the central
    /// station and blocks arming meanwhile.
    pub installer_menu: Option<String>,
}

/// A valid configuration of one panel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the raw keys")]
pub struct Config {
    pub interface: Interface,
    pub model: Model,
    pub code_length: CodeLength,
    pub partitions: PartitionSet,
    pub zones: u16,
    pub installer_menu: InstallerMenu,
}

/// How the panel is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interface {
    /// TCP to the module.
    Envisalink(LinkConfig),
    /// A serial port, or TCP to a serial server with the IT-100 behind it.
    It100(LinkConfig),
}

impl Interface {
    /// Which dialect the module speaks.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match self {
            Self::Envisalink(_) => Transport::Envisalink,
            Self::It100(_) => Transport::It100,
        }
    }

    /// The link to open.
    #[must_use]
    pub fn link(&self) -> &LinkConfig {
        match self {
            Self::Envisalink(link) | Self::It100(link) => link,
        }
    }
}

/// Panels of this family [doc PS].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the models")]
pub enum Model {
    Pc1616,
    Pc1832,
    Pc1864,
}

impl Model {
    /// All models.
    pub const ALL: [Self; 3] = [Self::Pc1616, Self::Pc1832, Self::Pc1864];

    /// The name on the board.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pc1616 => "PC1616",
            Self::Pc1832 => "PC1832",
            Self::Pc1864 => "PC1864",
        }
    }

    /// Zones, partitions, last user slot.
    #[must_use]
    pub fn limits(self) -> (u16, u8, u16) {
        match self {
            Self::Pc1616 => (16, 2, 48),
            Self::Pc1832 => (32, 4, 72),
            Self::Pc1864 => (64, 8, 95),
        }
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        let name = text.trim().to_ascii_uppercase();
        if let Some(model) = Self::ALL.into_iter().find(|m| m.name() == name) {
            return Ok(model);
        }
        let list = Self::ALL.map(Self::name).join(", ");
        if name == "PC4020" || name == "PC4010" {
            return Err((
                format!(
                    "{name} is a MAXSYS panel with another bus: neither an IT-100 nor an Envisalink connects to it"
                ),
                format!("it needs a PC4401 module and a driver of its own; this one drives {list}"),
            ));
        }
        Err((format!("`{text}` is not a model that this driver knows"), format!("write one of {list}")))
    }
}

/// Digits of all codes of a panel (section 701 option 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum CodeLength {
    Four,
    Six,
}

impl CodeLength {
    /// As a number.
    #[must_use]
    pub fn digits(self) -> u8 {
        match self {
            Self::Four => 4,
            Self::Six => 6,
        }
    }
}

/// Whether the driver may enter installer programming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum InstallerMenu {
    Forbidden,
    Allowed,
}

impl RawConfig {
    /// Checks every key.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the keys.
    pub fn validate(self) -> Result<Config, Vec<ConfigError>> {
        let mut errors = ConfigErrors::default();
        let interface = self.interface(&mut errors);
        let model = match self.model.as_deref().map(Model::parse) {
            Some(Ok(model)) => Some(model),
            Some(Err((problem, fix))) => errors.add("model", problem, fix),
            None => {
                errors.add("model", "missing", "write the panel's model, such as PC1864: it cannot be read from it")
            }
        };
        let code_length = match self.code_length.unwrap_or(4) {
            4 => Some(CodeLength::Four),
            6 => Some(CodeLength::Six),
            other => errors.add("code_length", format!("{other} is no length of this family"), "write 4 or 6"),
        };
        let partitions = self.partitions(model, &mut errors);
        let zones = self.zones(model, &mut errors);
        let installer_menu = match self.installer_menu.as_deref().unwrap_or("forbidden") {
            "forbidden" => Some(InstallerMenu::Forbidden),
            "allowed" => Some(InstallerMenu::Allowed),
            other => errors.add("installer_menu", format!("`{other}` is unknown"), "write allowed or forbidden"),
        };
        match (interface, model, code_length, partitions, zones, installer_menu) {
            (Some(interface), Some(model), Some(code_length), Some(partitions), Some(zones), Some(installer_menu))
                if errors.is_empty() =>
            {
                Ok(Config { interface, model, code_length, partitions, zones, installer_menu })
            }
            _ => Err(errors.into_vec()),
        }
    }

    fn interface(&self, errors: &mut ConfigErrors) -> Option<Interface> {
        match self.interface.as_deref() {
            Some("envisalink") => {
                for (key, given) in [("device", self.device.is_some()), ("baud", self.baud.is_some())] {
                    if given {
                        errors.add::<()>(key, "an Envisalink is reached over TCP", "remove it");
                    }
                }
                let host = self.host.clone().filter(|h| !h.trim().is_empty());
                let Some(host) = host else {
                    return errors.add("host", "missing", "write the module's name or address");
                };
                let port = self.port.unwrap_or(ENVISALINK_PORT);
                Some(Interface::Envisalink(LinkConfig::Tcp { host, port }))
            }
            Some("it100") => self.it100(errors),
            Some(other) => errors.add("interface", format!("`{other}` is unknown"), "write envisalink or it100"),
            None => errors.add("interface", "missing", "write envisalink or it100"),
        }
    }

    fn it100(&self, errors: &mut ConfigErrors) -> Option<Interface> {
        let speeds = Baud::ALL.map(Baud::bits_per_second);
        let baud = self.baud.unwrap_or(9600);
        if !speeds.contains(&baud) {
            let list = speeds.map(|s| s.to_string()).join(", ");
            errors.add::<()>("baud", format!("{baud} is no speed of an IT-100"), format!("write one of {list}"));
        }
        match (&self.device, &self.host) {
            (Some(device), None) if !device.is_empty() => {
                if self.port.is_some() {
                    errors.add::<()>(
                        "port",
                        "a serial device has no port",
                        "remove it, or write host instead of device",
                    );
                }
                Some(Interface::It100(LinkConfig::Serial { path: PathBuf::from(device), baud }))
            }
            (None, Some(host)) if !host.is_empty() => {
                if self.baud.is_some() {
                    errors.add::<()>("baud", "the serial server sets the speed", "remove it and set it there");
                }
                let Some(port) = self.port else {
                    return errors.add("port", "missing", "write the serial server's port");
                };
                Some(Interface::It100(LinkConfig::Tcp { host: host.clone(), port }))
            }
            (Some(_), Some(_)) => errors.add("device", "device and host are both given", "keep the one that is wired"),
            _ => errors.add(
                "device",
                "missing",
                "write the serial device, such as /dev/ttyUSB0, or host and port of a serial server",
            ),
        }
    }

    fn partitions(&self, model: Option<Model>, errors: &mut ConfigErrors) -> Option<PartitionSet> {
        let most = model.map_or(8, |m| m.limits().1);
        let fix = format!("write a list of numbers from 1 to {most}, such as [1, 2]");
        let mut set = PartitionSet::EMPTY;
        for number in self.partitions.as_deref().unwrap_or(&[1]) {
            match Partition::new(*number) {
                Ok(partition) if partition.number() <= most => set.insert(partition),
                _ => return errors.add("partitions", format!("this panel has no partition {number}"), fix),
            }
        }
        if !set.iter().any(|p| p.number() == 1) {
            // Menus are entered on partition 1, and an Envisalink shows the lights of no other.
            return errors.add("partitions", "partition 1 is always in use", "add 1 to the list");
        }
        Some(set)
    }

    fn zones(&self, model: Option<Model>, errors: &mut ConfigErrors) -> Option<u16> {
        let most = model.map_or(64, |m| m.limits().0);
        let zones = self.zones.unwrap_or(most);
        if (1..=most).contains(&zones) {
            return Some(zones);
        }
        errors.add("zones", format!("{zones} zones do not fit this model"), format!("write 1 to {most}"))
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
    fn an_envisalink_needs_host_and_model_only() {
        let config = raw(r#"{"interface":"envisalink","host":"10.0.0.9","model":"pc1864"}"#).validate().expect("valid");
        assert_eq!(config.interface.link().to_string(), "tcp 10.0.0.9:4025");
        assert_eq!(config.interface.transport(), Transport::Envisalink);
        assert_eq!((config.zones, config.code_length.digits()), (64, 4));
        assert_eq!(config.partitions.to_string(), "1");
        assert_eq!(config.installer_menu, InstallerMenu::Forbidden);
    }

    #[test]
    fn an_it100_is_serial_or_behind_a_serial_server() {
        let serial =
            r#"{"interface":"it100","device":"/dev/ttyS0","model":"PC1616","code_length":6,"partitions":[1,2]}"#;
        let config = raw(serial).validate().expect("valid");
        assert_eq!(config.interface.link().to_string(), "serial /dev/ttyS0 at 9600 baud");
        let server = raw(r#"{"interface":"it100","host":"moxa","port":4001,"model":"PC1616"}"#).validate();
        assert_eq!(server.expect("valid").interface.link().to_string(), "tcp moxa:4001");
    }

    #[test]
    fn every_error_is_told_at_once() {
        let all_wrong = r#"{"interface":"it100","baud":1200,"model":"PC9999","code_length":5,"partitions":[9],
            "zones":65,"installer_menu":"maybe"}"#;
        assert_eq!(
            keys(all_wrong),
            ["baud", "device", "model", "code_length", "partitions", "zones", "installer_menu"]
        );
        assert_eq!(keys("{}"), ["interface", "model"]);
        assert_eq!(keys(r#"{"interface":"envisalink","model":"PC1616"}"#), ["host"]);
        assert_eq!(keys(r#"{"interface":"envisalink","host":"a","model":"PC1616","partitions":[2]}"#), ["partitions"]);
        assert_eq!(keys(r#"{"interface":"envisalink","host":"a","model":"PC1616","zones":17}"#), ["zones"]);
    }

    #[test]
    fn pc4020_is_refused_by_name() {
        let errors = raw(r#"{"interface":"envisalink","host":"a","model":"PC4020"}"#).validate().expect_err("refused");
        let text = errors.first().expect("one error").to_string();
        assert!(
            text.contains("MAXSYS") && text.contains("PC4401") && text.contains("PC1616, PC1832, PC1864"),
            "{text}"
        );
        let unknown = raw(r#"{"interface":"envisalink","host":"a","model":"PC1555"}"#).validate().expect_err("refused");
        assert!(unknown.first().expect("one error").fix.contains("PC1616, PC1832, PC1864"));
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(serde_json::from_str::<RawConfig>(r#"{"interfase":"it100"}"#).is_err());
    }
}
