//! From the configuration to what the units want: drivers, secrets, keys.

use std::net::SocketAddr;
use std::path::PathBuf;

use panel_driver::LinkConfig;
use panel_model::{AccessCode, InstallerCode, PanelId, Password};

use super::registry;
use crate::access::{LocalAccess, Name, default_roles, role_name};
use crate::actions::{AuthorityConfig, CredentialKind};
use crate::config::{self, Config, PanelConfig, Problem, Problems, SecretSource};
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

/// Who the box is when it judges people. `own_uid` is the daemon's system user.
///
/// # Errors
/// A role or a company that cannot be one.
pub(super) fn local_access(config: &Config, own_uid: u32) -> Result<LocalAccess, Problems> {
    let mut problems = Problems::default();
    check_access(config, own_uid, &mut problems).ok_or(problems)
}

fn check_access(config: &Config, own_uid: u32, problems: &mut Problems) -> Option<LocalAccess> {
    let role: Option<Name> = match config.access.local_role.parse() {
        Ok(role) => Some(role),
        Err(error) => {
            let hint = "give the name of a role such as \"Installer\"";
            problems.error("access.local_role", format!("{error}"), hint);
            None
        }
    };
    let company = match config.company.as_deref().map(str::parse).transpose() {
        Ok(company) => Some(company),
        Err(error) => {
            problems.error("gateway.company", format!("{error}"), "give the id of a company such as \"acme-north\"");
            None
        }
    };
    Some(LocalAccess { own_uid, role: role?, company: company? })
}

/// What somebody should know of who may do what.
fn look_at_access(config: &Config, problems: &mut Problems) {
    let Some(local) = check_access(config, 0, problems) else { return };
    if local.role.reads_like(role_name::SUPER_ADMIN) {
        let what = "everybody who may use the socket may do everything";
        problems.warning("access.local_role", what, "give a lesser role, and let people log in");
    } else if !default_roles().iter().any(|role| role.name.reads_like(local.role.as_str())) {
        let what = format!("{} is none of the roles that a box begins with", local.role);
        problems.warning(
            "access.local_role",
            what,
            "make it with `panelgate roles add`; until then it permits nothing",
        );
    }
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

/// By whose word operators in the cloud act.
///
/// # Errors
/// The key file cannot be used.
pub(super) fn authority(config: &Config) -> Result<Option<AuthorityConfig>, Problems> {
    let Some(path) = config.cloud.as_ref().and_then(|cloud| cloud.keys.as_ref()) else { return Ok(None) };
    let hint = "put the cloud's JWKS there: public Ed25519 keys, each with its `kid`";
    let unusable = |what: String| Problems::one(Problem::error("cloud.keys", what, hint));
    let keys = std::fs::read(path).map_err(|error| unusable(format!("{} cannot be read: {error}", path.display())))?;
    let authority = AuthorityConfig::new(&keys);
    authority.map(Some).map_err(|error| unusable(format!("{}: {error}", path.display())))
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
    // That the file is missing was told already.
    if config.cloud.as_ref().and_then(|cloud| cloud.keys.as_ref()).is_some_and(|path| path.is_file()) {
        problems.extend(authority(config).err().unwrap_or_default());
    }
    look_at_access(config, &mut problems);
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

/// How a panel will be reached and watched over, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The panel.
    pub panel: PanelId,
    /// Its link.
    pub link: String,
    /// After which silence it is late, and offline.
    pub silence: String,
}

/// The ways to all panels.
#[must_use]
pub fn ways(config: &Config) -> Vec<Way> {
    let mut unheard = Problems::default();
    let mut way = |panel: &PanelConfig| {
        let (link, silence) = match registry::factory(panel, &mut unheard) {
            Some(factory) => {
                let (supervision, quiet) = (&panel.supervision, factory.quiet());
                let (late, offline) = (supervision.period(quiet), supervision.offline_after(quiet));
                (factory.link().to_string(), format!("{late:?}, {offline:?}"))
            }
            None => ("-".to_owned(), "-".to_owned()),
        };
        Way { panel: panel.id.clone(), link, silence }
    };
    config.panels.iter().map(&mut way).collect()
}

fn setup(panel: &PanelConfig, problems: &mut Problems) -> Option<PanelSetup> {
    let factory = registry::factory(panel, problems);
    let credentials = credentials(panel, problems);
    let factory = factory?;
    let (supervision, quiet) = (&panel.supervision, factory.quiet());
    supervision.check(&panel.id, quiet, problems);
    Some(PanelSetup {
        id: panel.id.clone(),
        authority: match panel.authority {
            config::Authority::Panel => Authority::Panel,
            config::Authority::Cloud => Authority::Cloud,
        },
        supervision: SupervisionConfig {
            period: supervision.period(quiet),
            offline_after: supervision.offline_after(quiet),
        },
        factory,
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
    use crate::config::Level;

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

    #[test]
    fn who_may_do_what_is_checked_before_the_daemon_runs() {
        let look = |lines: &str| {
            let text = format!("[gateway]\nid = \"site-1\"\n{lines}");
            let (config, _) =
                config::parse(&text, std::path::Path::new("/")).check(|_| Problems::default()).expect("read");
            let problems = check(&config);
            let about = |key: &str| key.starts_with("access") || key == "gateway.company";
            problems.iter().filter(|p| about(&p.key)).map(|p| (p.key.clone(), p.level)).collect::<Vec<_>>()
        };
        let told = |key: &str, level| vec![(key.to_owned(), level)];
        for (lines, problems) in [
            ("", vec![]),
            ("company = \"acme-north\"\n[access]\nlocal_role = \"end user\"", vec![]),
            ("[access]\nlocal_role = \"Super Admin\"", told("access.local_role", Level::Warning)),
            ("[access]\nlocal_role = \"Night shift\"", told("access.local_role", Level::Warning)),
            ("[access]\nlocal_role = \"\"", told("access.local_role", Level::Error)),
            ("company = \"Acme North\"", told("gateway.company", Level::Error)),
        ] {
            assert_eq!(look(lines), problems, "{lines}");
        }
    }
}
