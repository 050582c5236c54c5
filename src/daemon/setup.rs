//! From the configuration to what the units want: drivers, secrets, keys.

use std::path::PathBuf;

use panel_model::{AccessCode, InstallerCode, PanelId, Password};

use super::registry;
use crate::actions::CredentialKind;
use crate::config::{self, Config, PanelConfig, Problems, SecretSource};
use crate::panels::{Authority, ConfiguredCredentials, PanelSetup, SupervisionConfig};

/// Every panel as its owner task wants it.
///
/// # Errors
/// Everything that is wrong with any of them.
pub(super) fn panels(config: &Config) -> Result<Vec<PanelSetup>, Problems> {
    let mut problems = Problems::default();
    let setups = config.panels.iter().filter_map(|panel| setup(panel, &mut problems)).collect();
    if problems.has_errors() { Err(problems) } else { Ok(setups) }
}

/// What the configuration's own check cannot see: vendors' keys, secrets, links that are used twice, and what somebody
/// should know before the daemon runs. Opens nothing and changes nothing.
#[must_use]
pub fn check(config: &Config) -> Problems {
    let mut problems = Problems::default();
    let setups: Vec<_> = config.panels.iter().filter_map(|panel| setup(panel, &mut problems)).collect();
    for (n, one) in setups.iter().enumerate() {
        if let Some(other) = setups.iter().take(n).find(|other| other.factory.link() == one.factory.link()) {
            let what = format!("is reached like panel {}: {}", other.id, one.factory.link());
            problems.error(format!("panel {}", one.id), what, "give each panel its own line");
        }
    }
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
