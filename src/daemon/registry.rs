//! The list of vendors. The only file of the root package that names them: whoever adds a driver adds it here.

use std::sync::Arc;

use panel_driver::link::Identify;
use panel_driver::{DecodeOptions, Decoded, DriverFactory};
use panel_model::{PanelId, Password};

use crate::actions::CredentialKind;
use crate::config::{PanelConfig, Problems, nearest};

/// The vendors that this build has drivers for.
#[must_use]
pub fn vendors() -> Vec<&'static str> {
    vec![
        #[cfg(feature = "dsc")]
        "dsc",
        #[cfg(feature = "neor")]
        "neor",
        #[cfg(feature = "visonic")]
        "visonic",
    ]
}

/// The driver factory of a configured panel; what is wrong with the vendor's own keys is added to `problems`.
pub fn factory(panel: &PanelConfig, problems: &mut Problems) -> Option<Arc<dyn DriverFactory>> {
    match panel.vendor.as_str() {
        #[cfg(feature = "dsc")]
        "dsc" => dsc::factory(panel, problems),
        #[cfg(feature = "neor")]
        "neor" => neor::factory(panel, problems),
        #[cfg(feature = "visonic")]
        "visonic" => visonic::factory(panel, problems),
        other => {
            problems.error(format!("panel {}: vendor", panel.id), format!("\"{other}\" is not known"), which(other));
            None
        }
    }
}

/// How panels of a vendor that dial us are told apart, with the vendor's name; `None` for a vendor whose panels do not
/// dial.
#[must_use]
pub fn identify(vendor: &str) -> Option<(&'static str, Identify)> {
    match vendor {
        #[cfg(feature = "neor")]
        "neor" => Some(("neor", driver_neor::identify)),
        _ => None,
    }
}

/// The configuration of a panel that wants in, ready to be put into the file and filled in.
#[must_use]
pub fn stanza(vendor: &str, id: &PanelId, identifier: &str, listen: &str) -> Option<String> {
    match vendor {
        #[cfg(feature = "neor")]
        "neor" => Some(neor::stanza(id, identifier, listen)),
        _ => {
            let _ = (id, identifier, listen);
            None
        }
    }
}

/// The keys that a vendor's table may have.
#[must_use]
pub fn vendor_keys(vendor: &str) -> Vec<String> {
    match vendor {
        #[cfg(feature = "dsc")]
        "dsc" => super::vendor_table::keys::<driver_dsc::RawConfig>(),
        #[cfg(feature = "neor")]
        "neor" => super::vendor_table::keys::<driver_neor::RawConfig>(),
        #[cfg(feature = "visonic")]
        "visonic" => super::vendor_table::keys::<driver_visonic::RawConfig>(),
        _ => Vec::new(),
    }
}

/// Whether a secret is the one that the vendor's panels leave the factory with: everybody knows it.
#[must_use]
pub fn is_factory_secret(vendor: &str, kind: CredentialKind, secret: &str) -> bool {
    let known: &[&str] = match (vendor, kind) {
        ("dsc", CredentialKind::Password) => &["user"],
        ("dsc", CredentialKind::MasterCode) => &["1234", "123456"],
        #[cfg(feature = "dsc")]
        ("dsc", CredentialKind::InstallerCode) => driver_dsc::FACTORY_INSTALLER_CODES,
        ("neor", CredentialKind::Password) => &["12345678", "12345678123456781234567812345678"],
        ("neor", CredentialKind::MasterCode) => &["1234", "123456", "12345678"],
        #[cfg(feature = "neor")]
        ("neor", CredentialKind::InstallerCode) => driver_neor::FACTORY_INSTALLER_CODES,
        ("visonic", CredentialKind::Password) => &["5650", "AAAA", "BBBB"],
        ("visonic", CredentialKind::MasterCode) => &["1111"],
        #[cfg(feature = "visonic")]
        ("visonic", CredentialKind::InstallerCode) => driver_visonic::FACTORY_INSTALLER_CODES,
        _ => &[],
    };
    known.contains(&secret)
}

/// What a capture is decrypted with, where a vendor's frames are encrypted.
#[derive(Debug, Clone, Default)]
pub struct CaptureSecrets {
    /// By which the panel says who it is, where the capture does not show it.
    pub identifier: Option<String>,
    /// The module's access code.
    pub access_code: Option<Password>,
}

/// Decodes a capture line by line; an empty line or a comment gives nothing.
pub type CaptureDecoder = Box<dyn FnMut(&str) -> Vec<Decoded>>;

/// What decodes a capture of a vendor's frames.
///
/// # Errors
/// When there is no such vendor, or its frames need no secrets: what to give instead.
pub fn decoder(vendor: &str, secrets: CaptureSecrets, options: DecodeOptions) -> Result<CaptureDecoder, String> {
    match vendor {
        // Whoever gives keys believes that they are needed.
        #[cfg(any(feature = "dsc", feature = "visonic"))]
        "dsc" | "visonic" if secrets.identifier.is_some() || secrets.access_code.is_some() => {
            Err(format!("frames of {vendor} are not encrypted: leave --identifier and --access-code-file out"))
        }
        #[cfg(feature = "visonic")]
        "visonic" => Ok(Box::new(move |line| driver_visonic::decode(line, options).into_iter().collect())),
        #[cfg(feature = "dsc")]
        "dsc" => Ok(Box::new(move |line| driver_dsc::decode(line, options).into_iter().collect())),
        #[cfg(feature = "neor")]
        "neor" => {
            let CaptureSecrets { identifier, access_code } = secrets;
            let keys = driver_neor::CaptureKeys { identifier, type1: access_code.clone(), type2: access_code };
            let mut capture = driver_neor::CaptureDecoder::new(keys, options);
            Ok(Box::new(move |line| capture.line(line)))
        }
        other => {
            let _ = (secrets, options);
            Err(format!("there is no vendor \"{other}\": {}", which(other)))
        }
    }
}

/// What to write instead of an unknown vendor.
fn which(word: &str) -> String {
    let known = vendors();
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if known.is_empty() => "this build has no drivers".to_owned(),
        None => format!("this build has drivers for {}", known.join(", ")),
    }
}

#[cfg(feature = "dsc")]
mod dsc {
    use super::{Arc, DriverFactory, PanelConfig, Problems};
    use crate::daemon::vendor_table::checked;

    pub(super) fn factory(panel: &PanelConfig, problems: &mut Problems) -> Option<Arc<dyn DriverFactory>> {
        let config = checked(panel, problems, driver_dsc::RawConfig::validate)?;
        Some(Arc::new(driver_dsc::DscFactory::new(config)))
    }
}

#[cfg(feature = "neor")]
mod neor {
    use super::{Arc, DriverFactory, PanelConfig, PanelId, Problems};
    use crate::daemon::vendor_table::checked;

    pub(super) fn factory(panel: &PanelConfig, problems: &mut Problems) -> Option<Arc<dyn DriverFactory>> {
        let config = checked(panel, problems, driver_neor::RawConfig::validate)?;
        Some(Arc::new(driver_neor::NeorFactory::new(config)))
    }

    /// The identifier came from the network: it is written as TOML writes a text.
    pub(super) fn stanza(id: &PanelId, identifier: &str, listen: &str) -> String {
        let (identifier, listen) = (toml::Value::from(identifier), toml::Value::from(listen));
        format!(
            r#"
[[panel]]
id = "{id}"
vendor = "neor"

[panel.credentials]
# Integration access code: section [851][700] for type 2, 32 hex digits, or [851][423] for type 1, 8 hex digits.
password = {{ file = "/etc/panelgate/{id}.access-code" }}
# The panel's master code: users are managed with it.
master_code = {{ file = "/etc/panelgate/{id}.master-code" }}

[panel.neor]
identifier = {identifier}
listen = {listen}
# "type2" if option 4 of section [851][425] is on, else "type1".
encryption = "type2"
"#
        )
    }
}

#[cfg(feature = "visonic")]
mod visonic {
    use super::{Arc, DriverFactory, PanelConfig, Problems};
    use crate::daemon::vendor_table::checked;

    pub(super) fn factory(panel: &PanelConfig, problems: &mut Problems) -> Option<Arc<dyn DriverFactory>> {
        let config = checked(panel, problems, driver_visonic::RawConfig::validate)?;
        Some(Arc::new(driver_visonic::VisonicFactory::new(config)))
    }
}

/// Simulated panels, for `panelgate simulate` and the demo.
#[cfg(feature = "sim")]
pub mod simulator {
    use panel_driver::sim::Simulator;
    use panel_model::{AccessCode, InstallerCode, Password};

    /// What can be chosen about a simulated panel, in words that suit every vendor. What is `None` is as the factory
    /// made it.
    #[derive(Debug, Clone, Default)]
    #[allow(missing_docs, reason = "the fields are the command line's options")]
    pub struct Wanted {
        pub identifier: Option<String>,
        pub interface: Option<String>,
        pub service: Service,
        pub model: Option<String>,
        pub users: Option<u16>,
        pub partitions: Option<u8>,
        pub zones: Option<u8>,
        pub code_length: Option<usize>,
        pub seed: u64,
        pub master: Option<AccessCode>,
        pub installer: Option<InstallerCode>,
        pub password: Option<Password>,
        /// The vendor's own settings: name and value.
        pub settings: Vec<(String, String)>,
    }

    /// Whether the panel's network module answers JSON-RPC.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub enum Service {
        /// There is no module.
        #[default]
        None,
        /// At the panel's second door, see [`Simulator::beside`].
        Beside,
        /// At its only one.
        Alone,
    }

    /// A simulated panel.
    ///
    /// # Errors
    /// What cannot be, and what to give instead.
    pub fn make(vendor: &str, wanted: Wanted) -> Result<Box<dyn Simulator>, String> {
        if vendor != "visonic" && wanted.service != Service::None {
            return Err(format!("a panel of {vendor} has no JSON-RPC service: leave --jsonrpc out"));
        }
        match vendor {
            #[cfg(feature = "dsc")]
            "dsc" => dsc(wanted),
            #[cfg(feature = "neor")]
            "neor" => neor(wanted),
            #[cfg(feature = "visonic")]
            "visonic" => visonic(wanted),
            other => {
                let _ = wanted;
                Err(format!("there is no simulated \"{other}\": {}", super::which(other)))
            }
        }
    }

    #[cfg(feature = "dsc")]
    fn dsc(wanted: Wanted) -> Result<Box<dyn Simulator>, String> {
        use driver_dsc::sim::{DscSimulator, Interface, Model, SimConfig};
        let interface = match wanted.interface.as_deref() {
            Some("it100") => Interface::It100,
            Some("envisalink") => Interface::Envisalink,
            Some(other) => return Err(format!("no interface \"{other}\": give it100 or envisalink")),
            None => return Err("give --interface it100 or --interface envisalink".to_owned()),
        };
        let name = wanted.model.unwrap_or_else(|| "PC1864".to_owned()).to_ascii_uppercase();
        let models = [Model::Pc1616, Model::Pc1832, Model::Pc1864];
        let model = models.into_iter().find(|model| model.name() == name);
        let model = model.ok_or_else(|| format!("no model \"{name}\": give PC1616, PC1832 or PC1864"))?;
        let mut config = SimConfig::new(interface, model);
        config.seed = wanted.seed;
        config.users = wanted.users.unwrap_or(config.users);
        config.partitions = wanted.partitions.unwrap_or(config.partitions);
        config.zones = wanted.zones.unwrap_or(config.zones);
        config.code_length = wanted.code_length.unwrap_or(config.code_length);
        config.master = wanted.master;
        config.installer = wanted.installer;
        config.password = wanted.password.unwrap_or(config.password);
        for (name, value) in &wanted.settings {
            config.set(name, value)?;
        }
        let simulator = DscSimulator::new(config).map_err(|error| error.to_string())?;
        Ok(Box::new(simulator))
    }

    #[cfg(feature = "neor")]
    fn neor(wanted: Wanted) -> Result<Box<dyn Simulator>, String> {
        use driver_neor::codec::Encryption;
        use driver_neor::sim::{Model, NeoSimulator, SimConfig};
        if let Some(interface) = wanted.interface {
            return Err(format!("a panel of neor has no interface \"{interface}\": leave --interface out"));
        }
        let name = wanted.model.unwrap_or_else(|| "HS2128".to_owned());
        let model = Model::parse(&name).ok_or_else(|| {
            let known = Model::ALL.map(Model::name).join(", ");
            format!("no model \"{name}\": give {known}")
        })?;
        let mut config = SimConfig::new(model);
        config.id = wanted.identifier.unwrap_or(config.id);
        config.seed = wanted.seed;
        config.users = wanted.users.unwrap_or(config.users);
        config.partitions = wanted.partitions.unwrap_or(config.partitions);
        config.zones = wanted.zones.map_or(config.zones, u16::from);
        config.code_length = wanted.code_length.unwrap_or(config.code_length);
        config.master = wanted.master;
        config.installer = wanted.installer;
        for (name, value) in &wanted.settings {
            config.set(name, value)?;
        }
        match (wanted.password, config.encryption) {
            (Some(code), Encryption::Type2) => config.type2_code = code,
            (Some(code), _) => config.type1_code = code,
            (None, _) => {}
        }
        let simulator = NeoSimulator::new(config).map_err(|error| error.to_string())?;
        Ok(Box::new(simulator))
    }

    #[cfg(feature = "visonic")]
    fn visonic(wanted: Wanted) -> Result<Box<dyn Simulator>, String> {
        use driver_visonic::sim::jsonrpc::{IpCheck, JsonRpcSimulator, ServiceConfig};
        use driver_visonic::sim::{Model, PanelClock, SimConfig, VisonicSimulator};
        if let Some(interface) = wanted.interface {
            return Err(format!(
                "a panel of visonic has no interface \"{interface}\": leave --interface out; --jsonrpc serves its \
                 PowerLink 3 module"
            ));
        }
        if wanted.identifier.is_some() {
            return Err("a panel of visonic does not say who it is: leave --identifier out".to_owned());
        }
        if wanted.code_length.is_some_and(|digits| digits != 4) {
            return Err("codes of visonic have 4 digits: leave --code-length out".to_owned());
        }
        let name = wanted.model.unwrap_or_else(|| "PowerMaster-30".to_owned());
        let model = Model::by_name(&name).ok_or_else(|| {
            let known = Model::ALL.map(Model::name).join(", ");
            format!("no model \"{name}\": give {known}")
        })?;
        let mut config = SimConfig::new(model);
        config.seed = wanted.seed;
        if let Some(users) = wanted.users {
            let most = model.users() - 1;
            config.users = u8::try_from(users).map_err(|_| format!("{users} users: use at most {most}"))?;
        }
        config.partitions = wanted.partitions.unwrap_or(config.partitions);
        config.zones = wanted.zones.unwrap_or(config.zones);
        config.master = wanted.master;
        config.installer = wanted.installer;
        config.download_code = wanted.password;
        config.clock = PanelClock::from_unix(local_seconds());
        // A simulator does not see where its client comes from.
        let mut config = ServiceConfig { ip_check: IpCheck::Ignored, ..ServiceConfig::new(config) };
        for (name, value) in &wanted.settings {
            match wanted.service {
                Service::None => config.panel.set(name, value)?,
                Service::Beside | Service::Alone => config.set(name, value)?,
            }
        }
        let simulator: Result<Box<dyn Simulator>, _> = match wanted.service {
            Service::None => VisonicSimulator::new(config.panel).map(|panel| Box::new(panel) as _),
            Service::Beside => VisonicSimulator::with_service(config).map(|panel| Box::new(panel) as _),
            Service::Alone => JsonRpcSimulator::new(config).map(|panel| Box::new(panel) as _),
        };
        simulator.map_err(|error| error.to_string())
    }

    /// What the clock on the wall shows, as seconds since 1970.
    #[cfg(feature = "visonic")]
    fn local_seconds() -> u64 {
        let now = jiff::Zoned::now();
        let local = now.timestamp().as_second() + i64::from(now.offset().seconds());
        u64::try_from(local).unwrap_or(0)
    }
}

#[cfg(all(test, feature = "neor"))]
mod tests {
    use std::path::Path;

    use panel_driver::LinkConfig;

    use super::*;
    use crate::config;

    #[test]
    fn what_adoption_prints_is_a_configuration_of_that_panel() {
        let id = "neor-7".parse().expect("an id");
        for identifier in ["310212345678", "3102\"\\\n"] {
            let stanza = stanza("neor", &id, identifier, "0.0.0.0:3072").expect("neor's panels dial");
            let text = format!("[gateway]\nid = \"g\"\n{stanza}");
            let (config, _) =
                config::parse(&text, Path::new("/")).check(|_| Problems::default()).expect("a configuration");
            let panel = config.panels.first().expect("a panel");
            assert_eq!((&panel.id, panel.vendor.as_str()), (&id, "neor"));
            assert!(panel.credentials.password.is_some() && panel.credentials.master_code.is_some());
            assert_eq!(panel.vendor_table.get("identifier"), Some(&identifier.into()));
            let mut problems = Problems::default();
            let link = factory(panel, &mut problems).map(|factory| factory.link().clone());
            let expected = LinkConfig::TcpIn {
                listen: "0.0.0.0:3072".parse().expect("an address"),
                identifier: identifier.to_owned(),
            };
            // Whoever makes up an identifier that is none gets no further than that.
            assert_eq!(link, (identifier == "310212345678").then_some(expected), "{problems}");
        }
        assert_eq!(stanza("dsc", &id, "x", "y"), None);
    }
}
