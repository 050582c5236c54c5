use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use panel_driver::sim::{ServeOn, SimHandle, SimServer};
use panel_model::AccessCode;
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
const MASTER: &str = "2580";
const INSTALLER: &str = "8024";
const PASSWORD: &str = "demo";

impl House {
    /// Starts both panels and writes the configuration.
    pub(super) async fn build(places: &Places) -> anyhow::Result<Self> {
        let pty = places.data_dir.join("it100.pty");
        let it100 = serve("it100", "PC1864", 12, 16, 2, ServeOn::Pty(pty.clone())).await?;
        let envisalink = serve("envisalink", "PC1832", 6, 8, 1, ServeOn::Listen("127.0.0.1:0".into())).await?;
        let port = envisalink.addr().context("the simulated Envisalink has no port")?.port();
        for (file, secret) in [("master.code", MASTER), ("installer.code", INSTALLER), ("evl.password", PASSWORD)] {
            write_private(&places.data_dir.join(file), secret)?;
        }
        let config = places.data_dir.join("panelgate.toml");
        fs::write(&config, configuration(places, &pty, port)).context("the configuration cannot be written")?;
        let inhabited = |name, server: &SimServer| Inhabited {
            name,
            panel: server.handle(),
            code: AccessCode::new(MASTER.to_owned()),
        };
        let panels = vec![inhabited("dsc-1", &it100), inhabited("dsc-2", &envisalink)];
        Ok(Self { config, panels, servers: vec![it100, envisalink] })
    }

    /// Ends both panels.
    pub(super) async fn leave(self) {
        for server in self.servers {
            server.stop().await;
        }
    }
}

async fn serve(
    interface: &str,
    model: &str,
    users: u16,
    zones: u8,
    partitions: u8,
    on: ServeOn,
) -> anyhow::Result<SimServer> {
    let wanted = Wanted {
        interface: Some(interface.to_owned()),
        model: Some(model.to_owned()),
        users: Some(users),
        zones: Some(zones),
        partitions: Some(partitions),
        seed: 1,
        master: Some(AccessCode::new(MASTER.to_owned())),
        installer: Some(panel_model::InstallerCode::new(INSTALLER.to_owned())),
        password: Some(panel_model::Password::new(PASSWORD.to_owned())),
        code_length: None,
        settings: Vec::new(),
    };
    let simulator = simulator::make("dsc", wanted).map_err(anyhow::Error::msg)?;
    // What happens inside the panel is told to nobody: the daemon tells it.
    let (happened, _) = mpsc::channel(1);
    Ok(SimServer::start(simulator, on, happened).await?)
}

fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(file.write_all(text.as_bytes())?)
}

fn configuration(places: &Places, pty: &Path, port: u16) -> String {
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
device = "{pty}"
model = "PC1864"
partitions = [1, 2]
zones = 16
installer_menu = "allowed"

[[panel]]
id = "dsc-2"
vendor = "dsc"
label = "Workshop"
credentials = {{ password = {{ file = "evl.password" }}, master_code = {{ file = "master.code" }} }}
[panel.dsc]
interface = "envisalink"
host = "127.0.0.1"
port = {port}
model = "PC1832"
zones = 8
"#,
        gateway = places.gateway,
        socket = places.socket.display(),
        broker = places.mqtt,
        pty = pty.display(),
    )
}
