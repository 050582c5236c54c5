use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use panel_model::GatewayId;

use super::panel::{self, PanelConfig};
use super::problem::Problems;
use super::raw::{RawAccess, RawCloud, RawConfig, RawGateway, RawListen, RawLog, RawStore};
use super::section::Section;
use super::{DEFAULT_SOCKET, MailConfig, SecretSource, mail};

/// A configuration in which everything is valid.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of this box, as in topics.
    pub gateway_id: GatewayId,
    /// Folder of database and key file.
    pub data_dir: PathBuf,
    /// Socket of the local API.
    pub socket: PathBuf,
    /// Group that may use the socket; without it the service's own.
    pub group: Option<String>,
    /// The company that the box belongs to, by its id.
    pub company: Option<String>,
    /// Who may do what on the box itself.
    pub access: AccessConfig,
    /// Bounds of the store.
    pub store: StoreConfig,
    /// The broker; without it nothing is published.
    pub cloud: Option<CloudConfig>,
    /// The mail server; without it links are shown instead of mailed.
    pub mail: Option<MailConfig>,
    /// What is logged.
    pub log: LogConfig,
    /// Where panels dial us before the first of them is configured.
    pub listens: Vec<ListenConfig>,
    /// The panels, in the order of the file; their ids differ.
    pub panels: Vec<PanelConfig>,
}

/// Who may do what on the box itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessConfig {
    /// Role of system users who may use the socket.
    pub local_role: String,
}

/// Bounds of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreConfig {
    /// Most that may wait for the cloud, in bytes.
    pub outbox_max_bytes: u64,
    /// Most that may wait for the cloud, in messages.
    pub outbox_max_rows: u64,
    /// Events kept per panel for people to look at.
    pub history_rows: u64,
}

/// How the broker is reached.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the fields are the file's own keys")]
pub struct CloudConfig {
    pub host: String,
    pub port: u16,
    /// Set exactly when the URL says `mqtts://`.
    pub tls: Option<TlsFiles>,
    pub protocol: MqttProtocol,
    /// First levels of every topic, without slash at either end.
    pub prefix: String,
    pub username: Option<String>,
    pub password: Option<SecretSource>,
    pub keep_alive: Duration,
    /// JWKS file with the keys that operators' tokens are signed with; without it no request is done.
    pub keys: Option<PathBuf>,
}

/// PEM files for a TLS connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates that are trusted.
    pub ca: PathBuf,
    /// Our certificate chain and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Version of MQTT to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub enum MqttProtocol {
    #[default]
    V5,
    V311,
}

/// An address on which panels of one vendor dial us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenConfig {
    /// The vendor's name, as the daemon's registry knows it.
    pub vendor: String,
    /// The address.
    pub address: SocketAddr,
}

/// What is logged, and how it looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// Levels per module, as `RUST_LOG` has them.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Short in the journal, full elsewhere.
    #[default]
    Auto,
    /// Without time and colour; the journal knows the time.
    Short,
    /// With time.
    Full,
}

/// Checks everything, and goes on after each problem. `None` only when a part that has no default is missing.
pub(super) fn check(raw: RawConfig, folder: &Path, problems: &mut Problems) -> Option<Config> {
    let mut file = Section::new("", problems);
    file.unknown::<RawConfig>(&raw.unknown);
    let gateway = file.required("gateway", raw.gateway, "a section [gateway] with at least the key `id`");
    let access = file.optional("access", raw.access, "a section [access]").unwrap_or_default();
    let store = file.optional("store", raw.store, "a section [store]").unwrap_or_default();
    let cloud = file.optional("cloud", raw.cloud, "a section [cloud]");
    let mail = file.optional("mail", raw.mail, "a section [mail]");
    let log = file.optional("log", raw.log, "a section [log]").unwrap_or_default();
    let listens = file.optional("listen", raw.listen, "one section [[listen]] per address").unwrap_or_default();
    let panels = file.optional("panel", raw.panel, "one section [[panel]] per panel").unwrap_or_default();
    let gateway = gateway.and_then(|raw| check_gateway(raw, folder, problems));
    let access = check_access(access, problems);
    let store = check_store(store, problems);
    if cloud.is_none() {
        problems.warning("cloud", "there is none", "nothing is published; events wait in the box's outbox");
    }
    let cloud = cloud.and_then(|raw| check_cloud(raw, folder, problems));
    let mail = mail.and_then(|raw| mail::check_mail(raw, folder, problems));
    let log = check_log(log, problems);
    let listens = listens.into_iter().enumerate().filter_map(|(n, raw)| check_listen(n + 1, raw, problems)).collect();
    let panels = panel::check_panels(panels, folder, problems);
    let Gateway { id, data_dir, socket, group, company } = gateway?;
    if company.is_none() && cloud.as_ref().is_some_and(|cloud| cloud.keys.is_some()) {
        let hint = "until the cloud's directory names the company of this box, no operator's token is good here";
        problems.warning("gateway.company", "is missing beside `cloud.keys`", hint);
    }
    Some(Config { gateway_id: id, data_dir, socket, group, company, access, store, cloud, mail, log, listens, panels })
}

struct Gateway {
    id: GatewayId,
    data_dir: PathBuf,
    socket: PathBuf,
    group: Option<String>,
    company: Option<String>,
}

fn check_gateway(raw: RawGateway, folder: &Path, problems: &mut Problems) -> Option<Gateway> {
    let mut section = Section::new("gateway.", problems);
    section.unknown::<RawGateway>(&raw.unknown);
    let id = section.parsed("id", raw.id, "a name such as \"site-1\"");
    let data_dir = section.optional("data_dir", raw.data_dir, "the path of a folder");
    let socket = section.optional("socket", raw.socket, "a path");
    let group = section.optional("group", raw.group, "the name of a group of this machine");
    let company = section.optional("company", raw.company, "the id of a company");
    Some(Gateway {
        id: id?,
        data_dir: folder.join(data_dir.unwrap_or_else(|| "/var/lib/panelgate".into())),
        socket: folder.join(socket.unwrap_or_else(|| DEFAULT_SOCKET.into())),
        group,
        company,
    })
}

fn check_access(raw: RawAccess, problems: &mut Problems) -> AccessConfig {
    let mut section = Section::new("access.", problems);
    section.unknown::<RawAccess>(&raw.unknown);
    let local_role = section.optional("local_role", raw.local_role, "the name of a role");
    AccessConfig { local_role: local_role.unwrap_or_else(|| "Installer".into()) }
}

fn check_store(raw: RawStore, problems: &mut Problems) -> StoreConfig {
    let mut section = Section::new("store.", problems);
    section.unknown::<RawStore>(&raw.unknown);
    StoreConfig {
        outbox_max_bytes: section.number("outbox_max_mib", raw.outbox_max_mib, 64, 1..=65_536) * 1024 * 1024,
        outbox_max_rows: section.number("outbox_max_rows", raw.outbox_max_rows, 200_000, 1_000..=100_000_000),
        history_rows: section.number("history_rows", raw.history_rows, 10_000, 100..=10_000_000),
    }
}

fn check_cloud(raw: RawCloud, folder: &Path, problems: &mut Problems) -> Option<CloudConfig> {
    let mut section = Section::new("cloud.", problems);
    section.unknown::<RawCloud>(&raw.unknown);
    let url: Option<super::url::BrokerUrl> = section.parsed("url", raw.url, super::url::BrokerUrl::FORM);
    let words = [("5", MqttProtocol::V5), ("3.1.1", MqttProtocol::V311)];
    let protocol = section.choice("protocol", raw.protocol, &words).unwrap_or_default();
    let prefix = section.optional("prefix", raw.prefix, "a text").unwrap_or_else(|| "panelgate/v1".into());
    let showable = |c: char| !c.is_control() && !c.is_whitespace() && c != '+' && c != '#';
    let levels = prefix.len() <= 128 && prefix.split('/').all(|level| !level.is_empty());
    if !levels || prefix.starts_with('$') || !prefix.chars().all(showable) {
        section.error("prefix", "cannot begin a topic", "give levels such as \"panelgate/v1\", without + # $");
    }
    let mut pem = |key: &str, field| section.optional(key, field, "the path of a PEM file").map(|p| folder.join(p));
    let (ca, cert, key) = (pem("ca", raw.ca), pem("cert", raw.cert), pem("key", raw.key));
    let username = section.optional("username", raw.username, "a text");
    let password = panel::secret(&mut section, "password", raw.password, folder);
    if password.is_some() && username.is_none() {
        section.error("username", "is missing beside `password`", "give the user name that the password belongs to");
    }
    let keep_alive = Duration::from_secs(section.number("keep_alive_s", raw.keep_alive_s, 30, 5..=3_600));
    let keys = section.optional("keys", raw.keys, "the path of a JWKS file").map(|path| folder.join(path));
    if let Some(path) = keys.as_ref().filter(|path| !path.is_file()) {
        section.error("keys", format!("there is no file {}", path.display()), "give the path of the cloud's JWKS file");
    }
    let tls = check_tls(&mut section, url.as_ref().map(|url| url.tls), ca, cert, key);
    let url = url?;
    let (host, port) = (url.host, url.port);
    Some(CloudConfig { host, port, tls, protocol, prefix, username, password, keep_alive, keys })
}

fn check_tls(
    section: &mut Section<'_>,
    wanted: Option<bool>,
    ca: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Option<TlsFiles> {
    for (name, path) in [("ca", &ca), ("cert", &cert), ("key", &key)] {
        if let Some(path) = path.as_ref().filter(|path| !path.is_file()) {
            section.error(name, format!("there is no file {}", path.display()), "give the path of a PEM file");
        }
    }
    let identity = match (cert, key) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        (Some(_), None) => {
            section.error("key", "is missing beside `cert`", "give the key that belongs to the certificate");
            None
        }
        (None, Some(_)) => {
            section.error("cert", "is missing beside `key`", "give the certificate that belongs to the key");
            None
        }
    };
    match (wanted?, ca) {
        (true, Some(ca)) => Some(TlsFiles { ca, identity }),
        (true, None) => {
            section.error(
                "ca",
                "is missing",
                "give the PEM file of the authority that signed the broker's certificate",
            );
            None
        }
        (false, ca) => {
            if ca.is_some() || identity.is_some() {
                section.error("url", "has no TLS, but ca, cert or key are given", "begin it with mqtts://");
            } else {
                section.warning("url", "the way to the broker is not encrypted", "use mqtts:// outside of a test");
            }
            None
        }
    }
}

fn check_listen(number: usize, raw: RawListen, problems: &mut Problems) -> Option<ListenConfig> {
    let mut section = Section::new(format!("listen no. {number}: "), problems);
    section.unknown::<RawListen>(&raw.unknown);
    let vendor = section.required("vendor", raw.vendor, "the vendor's name");
    let address: Option<SocketAddr> = section.parsed("address", raw.address, "an address such as \"0.0.0.0:3072\"");
    if address.is_some_and(|address| address.port() == 0) {
        section.error("address", "has no port", "give an address such as \"0.0.0.0:3072\"");
    }
    Some(ListenConfig { vendor: vendor?, address: address? })
}

fn check_log(raw: RawLog, problems: &mut Problems) -> LogConfig {
    let mut section = Section::new("log.", problems);
    section.unknown::<RawLog>(&raw.unknown);
    let form = "levels such as \"info\" or \"info,panelgate::cloud=debug\"";
    let level = section.optional("level", raw.level, form).unwrap_or_else(|| "info".into());
    if let Err(error) = tracing_subscriber::EnvFilter::builder().parse(&level) {
        section.error("level", format!("{error}"), format!("give {form}"));
    }
    let words = [("auto", LogFormat::Auto), ("short", LogFormat::Short), ("full", LogFormat::Full)];
    LogConfig { level, format: section.choice("format", raw.format, &words).unwrap_or_default() }
}
