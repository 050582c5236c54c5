use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use panel_driver::sim::{ServeOn, SimHandle, SimServer};
use panel_model::{AccessCode, InstallerCode, Password};
use tokio::sync::mpsc;

use super::Places;
use crate::daemon::registry::simulator::{self, Wanted};

/// The simulated panels, and the daemon's configuration for them.
pub(super) struct House {
    pub(super) config: PathBuf,
    pub(super) panels: Vec<Inhabited>,
    servers: Vec<SimServer>,
}

/// One simulated panel, as the people in the house use it.
#[derive(Debug, Clone)]
pub(super) struct Inhabited {
    pub(super) name: &'static str,
    pub(super) panel: SimHandle,
    /// A code that somebody in the house knows.
    pub(super) code: AccessCode,
}

/// The demo's codes are nobody's secret: everybody who has the program has them.
const MASTER: &str = "2846";
pub(super) const INSTALLER: &str = "8024";
const PASSWORD: &str = "demo";
const ACCESS_CODE: &str = "DE30DE30";
const DOWNLOAD_CODE: &str = "DE30";
/// By which the panel that dials says who it is.
const IDENTIFIER: &str = "310212345678";

impl House {
    /// Starts the panels and writes the configuration.
    pub(super) async fn build(places: &Places) -> anyhow::Result<Self> {
        let ptys = Ptys { it100: places.data_dir.join("it100.pty"), powerlink: places.data_dir.join("powerlink.pty") };
        let door = free_address()?;
        let it100 =
            serve("dsc", behind("it100", wanted("PC1864", 12, 16, 2)), ServeOn::Pty(ptys.it100.clone())).await?;
        let listen = ServeOn::Listen("127.0.0.1:0".into());
        let envisalink = serve("dsc", behind("envisalink", wanted("PC1832", 6, 8, 1)), listen).await?;
        let neo = serve("neor", dialling(wanted("HS2064", 20, 16, 2)), ServeOn::Connect(door.to_string())).await?;
        let download_code = Some(Password::new(DOWNLOAD_CODE.to_owned()));
        let master = Wanted { password: download_code, ..wanted("PowerMaster-10", 6, 12, 2) };
        let master = serve("visonic", master, ServeOn::Pty(ptys.powerlink.clone())).await?;
        let port = envisalink.addr().context("the simulated Envisalink has no port")?.port();
        for (file, secret) in [
            ("master.code", MASTER),
            ("installer.code", INSTALLER),
            ("evl.password", PASSWORD),
            ("neo.access-code", ACCESS_CODE),
            ("visonic.download-code", DOWNLOAD_CODE),
        ] {
            write_private(&places.data_dir.join(file), secret)?;
        }
        let config = places.data_dir.join("panelgate.toml");
        fs::write(&config, configuration(places, &ptys, port, door)).context("the configuration cannot be written")?;
        let inhabited = |name, server: &SimServer| Inhabited {
            name,
            panel: server.handle(),
            code: AccessCode::new(MASTER.to_owned()),
        };
        let panels = vec![
            inhabited("dsc-1", &it100),
            inhabited("dsc-2", &envisalink),
            inhabited("neor-1", &neo),
            inhabited("visonic-1", &master),
        ];
        Ok(Self { config, panels, servers: vec![it100, envisalink, neo, master] })
    }

    /// Ends the panels.
    pub(super) async fn leave(self) {
        for server in self.servers {
            server.stop().await;
        }
    }
}

/// The lines of the panels that are wired to the box.
struct Ptys {
    it100: PathBuf,
    powerlink: PathBuf,
}

/// Where the panel that dials finds the daemon. Nobody listens there between this look and the daemon's start; that
/// somebody else takes just this port meanwhile would be told.
fn free_address() -> anyhow::Result<SocketAddr> {
    let looked = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    looked.context("there is no free port for the panel that dials")
}

fn wanted(model: &str, users: u16, zones: u8, partitions: u8) -> Wanted {
    Wanted {
        model: Some(model.to_owned()),
        users: Some(users),
        zones: Some(zones),
        partitions: Some(partitions),
        seed: 1,
        master: Some(AccessCode::new(MASTER.to_owned())),
        installer: Some(InstallerCode::new(INSTALLER.to_owned())),
        ..Wanted::default()
    }
}

fn behind(interface: &str, wanted: Wanted) -> Wanted {
    let password = Some(Password::new(PASSWORD.to_owned()));
    Wanted { interface: Some(interface.to_owned()), password, ..wanted }
}

fn dialling(wanted: Wanted) -> Wanted {
    let password = Some(Password::new(ACCESS_CODE.to_owned()));
    Wanted { identifier: Some(IDENTIFIER.to_owned()), password, ..wanted }
}

async fn serve(vendor: &str, wanted: Wanted, on: ServeOn) -> anyhow::Result<SimServer> {
    let simulator = simulator::make(vendor, wanted).map_err(anyhow::Error::msg)?;
    // What happens inside the panel is told to nobody: the daemon tells it.
    let (happened, _) = mpsc::channel(1);
    Ok(SimServer::start(simulator, on, happened).await?)
}

fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(file.write_all(text.as_bytes())?)
}

fn configuration(places: &Places, ptys: &Ptys, port: u16, door: SocketAddr) -> String {
    format!(
        r#"# Written by `panelgate demo`.
[gateway]
id = "{gateway}"
data_dir = "."
socket = "{socket}"

[cloud]
url = "mqtt://{broker}"
protocol = "3.1.1"

[log]
level = "warn,panelgate=info"

[[panel]]
id = "dsc-1"
vendor = "dsc"
label = "Main building"
credentials = {{ master_code = {{ file = "master.code" }}, installer_code = {{ file = "installer.code" }} }}
[panel.dsc]
interface = "it100"
device = "{it100}"
model = "PC1864"
partitions = [1, 2]
zones = 16
installer_menu = "allowed"

[[panel]]
id = "dsc-2"
vendor = "dsc"
label = "Workshop"
credentials = {{ password = {{ file = "evl.password" }}, master_code = {{ file = "master.code" }}, installer_code = {{ file = "installer.code" }} }}
[panel.dsc]
interface = "envisalink"
host = "127.0.0.1"
port = {port}
model = "PC1832"
zones = 8

[[panel]]
id = "neor-1"
vendor = "neor"
label = "Warehouse"
credentials = {{ password = {{ file = "neo.access-code" }}, master_code = {{ file = "master.code" }}, installer_code = {{ file = "installer.code" }} }}
[panel.neor]
identifier = "{IDENTIFIER}"
listen = "{door}"
encryption = "type1"

[[panel]]
id = "visonic-1"
vendor = "visonic"
label = "Gatehouse"
credentials = {{ password = {{ file = "visonic.download-code" }}, master_code = {{ file = "master.code" }}, installer_code = {{ file = "installer.code" }} }}
[panel.visonic]
device = "{powerlink}"
model = "PowerMaster 10"
partitions = [1, 2]
zones = 12
"#,
        gateway = places.gateway,
        socket = places.socket.display(),
        broker = places.mqtt,
        it100 = ptys.it100.display(),
        powerlink = ptys.powerlink.display(),
    )
}
