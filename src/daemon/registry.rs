//! The list of vendors. The only file of the root package that names them: whoever adds a driver adds it here.

use std::sync::Arc;

use panel_driver::link::Identify;
use panel_driver::{DecodeOptions, Decoded, DriverFactory};
use panel_model::PanelId;

use crate::actions::CredentialKind;
use crate::config::{PanelConfig, Problems, nearest};

/// The vendors that this build has drivers for.
#[must_use]
pub fn vendors() -> Vec<&'static str> {
    vec![
        #[cfg(feature = "dsc")]
        "dsc",
    ]
}

/// The driver factory of a configured panel; what is wrong with the vendor's own keys is added to `problems`.
pub fn factory(panel: &PanelConfig, problems: &mut Problems) -> Option<Arc<dyn DriverFactory>> {
    match panel.vendor.as_str() {
        #[cfg(feature = "dsc")]
        "dsc" => dsc::factory(panel, problems),
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
    let _ = vendor;
    None
}

/// The configuration of a panel that wants in, ready to be put into the file and filled in.
#[must_use]
pub fn stanza(vendor: &str, id: &PanelId, identifier: &str, listen: &str) -> Option<String> {
    let _ = (vendor, id, identifier, listen);
    None
}

/// The keys that a vendor's table may have.
#[must_use]
pub fn vendor_keys(vendor: &str) -> Vec<String> {
    match vendor {
        #[cfg(feature = "dsc")]
        "dsc" => super::vendor_table::keys::<driver_dsc::RawConfig>(),
        _ => Vec::new(),
    }
}

/// Whether a secret is the one that the vendor's panels leave the factory with: everybody knows it.
#[must_use]
pub fn is_factory_secret(vendor: &str, kind: CredentialKind, secret: &str) -> bool {
    let known: &[&str] = match (vendor, kind) {
        ("dsc", CredentialKind::Password) => &["user"],
        ("dsc", CredentialKind::MasterCode) => &["1234", "123456"],
        ("dsc", CredentialKind::InstallerCode) => &["5555", "555555"],
        _ => &[],
    };
    known.contains(&secret)
}

/// One line of a capture, decoded; `None` for an empty line or a comment.
///
/// # Errors
/// When there is no such vendor: what to give instead.
pub fn decode(vendor: &str, line: &str, options: DecodeOptions) -> Result<Option<Decoded>, String> {
    match vendor {
        #[cfg(feature = "dsc")]
        "dsc" => Ok(driver_dsc::decode(line, options)),
        other => {
            let _ = (line, options);
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
    use crate::daemon::vendor_table;

    pub(super) fn factory(panel: &PanelConfig, problems: &mut Problems) -> Option<Arc<dyn DriverFactory>> {
        let read = vendor_table::read::<driver_dsc::RawConfig>(panel, problems);
        match read.table?.validate() {
            Ok(config) if read.wrong.is_empty() => Some(Arc::new(driver_dsc::DscFactory::new(config))),
            Ok(_) => None,
            Err(errors) => {
                // A key that could not be read is not missing as well.
                for error in errors.into_iter().filter(|error| !read.wrong.iter().any(|key| key == error.key)) {
                    problems.error(format!("panel {}: dsc.{}", panel.id, error.key), error.problem, error.fix);
                }
                None
            }
        }
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
        pub interface: Option<String>,
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

    /// A simulated panel.
    ///
    /// # Errors
    /// What cannot be, and what to give instead.
    pub fn make(vendor: &str, wanted: Wanted) -> Result<Box<dyn Simulator>, String> {
        match vendor {
            #[cfg(feature = "dsc")]
            "dsc" => dsc(wanted),
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
}
