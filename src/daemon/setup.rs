//! From the configuration to what the units want: drivers, secrets, keys.

use std::net::SocketAddr;
use std::path::PathBuf;

use panel_driver::LinkConfig;
use panel_model::{AccessCode, InstallerCode, PanelId, Password};

use super::registry;
use crate::actions::CredentialKind;
use crate::config::{self, Config, PanelConfig, Problems, SecretSource};
use crate::panels::{Authority, ConfiguredCredentials, ListenSetup, PanelSetup, SupervisionConfig};

/// Every panel as its owner task wants it.
///
/// # Errors
/// Everything that is wrong with any of them.
pub(super) fn panels(config: &Config) -> Result<Vec<PanelSetup>, Problems> {
    let mut problems = Problems::default();
    let setups = config.panels.iter().filter_map(|panel| setup(panel, &mut problems)).collect();
    if problems.has_errors() { Err(problems) } else { Ok(setups) }
}

/// Every address that is to be listened on besides those of the panels.
///
/// # Errors
/// A vendor that is not known, or whose panels do not dial.
pub(super) fn listening(config: &Config) -> Result<Vec<ListenSetup>, Problems> {
    let mut problems = Problems::default();
    let listening = listens(config, &mut problems);
    if problems.has_errors() { Err(problems) } else { Ok(listening) }
}

fn listens(config: &Config, problems: &mut Problems) -> Vec<ListenSetup> {
    let mut listening = Vec::new();
    for (n, listen) in (1..).zip(&config.listens) {
        match registry::identify(&listen.vendor) {
            Some((vendor, identify)) => listening.push(ListenSetup { vendor, addr: listen.address, identify }),
            None => {
                let what = format!("\"{}\" has no panels that dial the box", listen.vendor);
                problems.error(format!("listen no. {n}: vendor"), what, "take the section out, or give another vendor");
            }
        }
    }
    listening
}

/// What the configuration's own check cannot see: vendors' keys, secrets, links that are used twice, and what somebody
/// should know before the daemon runs. Opens nothing and changes nothing.
#[must_use]
pub fn check(config: &Config) -> Problems {
    let mut problems = Problems::default();
    let setups: Vec<_> = config.panels.iter().filter_map(|panel| setup(panel, &mut problems)).collect();
    for (n, one) in setups.iter().enumerate() {
        if let Some(other) = setups.iter().take(n).find(|other| other.factory.link() == one.factory.link()) {
            let (what, hint) = match one.factory.link() {
                LinkConfig::TcpIn { identifier, listen } => (
                    format!("has the identifier of panel {}, {identifier}, on {listen}", other.id),
                    "give each panel its own identifier: the one that it shows itself",
                ),
                link => (format!("is reached like panel {}: {link}", other.id), "give each panel its own line"),
            };
            problems.error(format!("panel {}", one.id), what, hint);
        }
    }
    if let Some(error) = config.mail.as_ref().and_then(|mail| mail.password.as_ref()?.read().err()) {
        let hint = "let the service's user, and nobody else, read the password there";
        problems.error("mail.password", error.to_string(), hint);
    }
    let listening = listens(config, &mut problems);
    doors_are_apart(&doors(&setups, &listening), &mut problems);
    for panel in &config.panels {
        warn_of_factory_secrets(panel, &mut problems);
    }
    if credential_path("panelgate.key").is_none_or(|path| !path.exists()) {
        let key_file = config.data_dir.join("panelgate.key");
        let what = format!("the master key will be the file {}", key_file.display());
        problems.warning("gateway", what, "better give the service the systemd credential panelgate.key");
    }
    problems
}

/// An address that panels dial, and who says so.
struct DoorUse {
    whose: String,
    vendor: &'static str,
    addr: SocketAddr,
}

fn doors(setups: &[PanelSetup], listening: &[ListenSetup]) -> Vec<DoorUse> {
    let of_panel = |setup: &PanelSetup| match setup.factory.link() {
        LinkConfig::TcpIn { listen, .. } => {
            Some(DoorUse { whose: format!("panel {}", setup.id), vendor: setup.factory.vendor(), addr: *listen })
        }
        _ => None,
    };
    let of_listen = |(n, listen): (usize, &ListenSetup)| DoorUse {
        whose: format!("listen no. {n}"),
        vendor: listen.vendor,
        addr: listen.addr,
    };
    setups.iter().filter_map(of_panel).chain((1..).zip(listening).map(of_listen)).collect()
}

/// A listener tells panels apart by one vendor's first bytes, and no two listeners can have the same port.
fn doors_are_apart(doors: &[DoorUse], problems: &mut Problems) {
    for (n, this) in doors.iter().enumerate() {
        let (vendor, addr) = (this.vendor, this.addr);
        match doors.iter().take(n).find(|other| other.collides(this)) {
            Some(other) if other.addr == addr => {
                let what = format!("is {vendor}'s and {} is {}'s, both on {addr}", other.whose, other.vendor);
                problems.error(this.whose.as_str(), what, "let each vendor's panels dial a port of their own");
            }
            Some(other) => {
                let what = format!("listens on {addr} and {} on {}: one port twice", other.whose, other.addr);
                problems.error(this.whose.as_str(), what, "give both the same address, or different ports");
            }
            None => {}
        }
    }
}

impl DoorUse {
    fn collides(&self, other: &Self) -> bool {
        if self.addr == other.addr {
            return self.vendor != other.vendor;
        }
        let everywhere = self.addr.ip().is_unspecified() || other.addr.ip().is_unspecified();
        self.addr.port() == other.addr.port() && everywhere
    }
}

/// How each panel will be reached, for people.
#[must_use]
pub fn links(config: &Config) -> Vec<(PanelId, String)> {
    let mut unheard = Problems::default();
    let link = |panel: &PanelConfig, unheard: &mut Problems| {
        registry::factory(panel, unheard).map_or_else(|| "-".to_owned(), |factory| factory.link().to_string())
    };
    config.panels.iter().map(|panel| (panel.id.clone(), link(panel, &mut unheard))).collect()
}

fn setup(panel: &PanelConfig, problems: &mut Problems) -> Option<PanelSetup> {
    let factory = registry::factory(panel, problems);
    let credentials = credentials(panel, problems);
    Some(PanelSetup {
        id: panel.id.clone(),
        factory: factory?,
        authority: match panel.authority {
            config::Authority::Panel => Authority::Panel,
            config::Authority::Cloud => Authority::Cloud,
        },
        supervision: SupervisionConfig { period: panel.period, offline_after: panel.offline_after },
        credentials: credentials?,
    })
}

fn credentials(panel: &PanelConfig, problems: &mut Problems) -> Option<ConfiguredCredentials> {
    let sources = &panel.credentials;
    let mut read = |key: &str, source: &Option<SecretSource>| match source.as_ref().map(SecretSource::read) {
        None => Some(None),
        Some(Ok(secret)) => Some(Some(secret)),
        Some(Err(error)) => {
            let hint = "let the service's user, and nobody else, read a secret there";
            problems.error(format!("panel {}: credentials.{key}", panel.id), error.to_string(), hint);
            None
        }
    };
    let password = read("password", &sources.password);
    let master = read("master_code", &sources.master_code);
    let installer = read("installer_code", &sources.installer_code);
    let text = |secret: Password| secret.expose().to_owned();
    Some(ConfiguredCredentials {
        password: password?,
        master: master?.map(|secret| AccessCode::new(text(secret))),
        installer: installer?.map(|secret| InstallerCode::new(text(secret))),
    })
}

fn warn_of_factory_secrets(panel: &PanelConfig, problems: &mut Problems) {
    let sources = &panel.credentials;
    for (key, kind, source) in [
        ("password", CredentialKind::Password, &sources.password),
        ("master_code", CredentialKind::MasterCode, &sources.master_code),
        ("installer_code", CredentialKind::InstallerCode, &sources.installer_code),
    ] {
        let Some(Ok(secret)) = source.as_ref().map(SecretSource::read) else { continue };
        if registry::is_factory_secret(&panel.vendor, kind, secret.expose()) {
            let what = "is the one that every such panel leaves the factory with";
            problems.warning(
                format!("panel {}: credentials.{key}", panel.id),
                what,
                "change it at the panel, then here",
            );
        }
    }
}

fn credential_path(name: &str) -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(|folder| PathBuf::from(folder).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(doors: &[(&str, &'static str, &str)]) -> Vec<String> {
        let door = |(whose, vendor, addr): &(&str, &'static str, &str)| DoorUse {
            whose: (*whose).to_owned(),
            vendor,
            addr: addr.parse().expect("an address"),
        };
        let mut problems = Problems::default();
        doors_are_apart(&doors.iter().map(door).collect::<Vec<_>>(), &mut problems);
        problems.iter().map(|problem| format!("{}: {}", problem.key, problem.what)).collect()
    }

    #[test]
    fn panels_of_one_vendor_share_an_address_and_those_of_two_do_not() {
        let one = ("panel a", "neor", "0.0.0.0:3072");
        assert_eq!(told(&[one, ("panel b", "neor", "0.0.0.0:3072"), ("panel c", "acme", "0.0.0.0:3073")]), [""; 0]);
        assert_eq!(
            told(&[one, ("panel b", "acme", "0.0.0.0:3072")]),
            ["panel b: is acme's and panel a is neor's, both on 0.0.0.0:3072"]
        );
        assert_eq!(
            told(&[one, ("listen no. 1", "neor", "10.0.0.1:3072")]),
            ["listen no. 1: listens on 10.0.0.1:3072 and panel a on 0.0.0.0:3072: one port twice"]
        );
        assert_eq!(told(&[("panel a", "neor", "10.0.0.1:3072"), ("panel b", "neor", "10.0.0.2:3072")]), [""; 0]);
    }
}
