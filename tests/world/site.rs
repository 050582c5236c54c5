use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use panel_driver::clock;

use super::{Answer, Broker, Cable, Lines, Observer, Program, SimPanel, Terminal, panelgate};

/// A box at a customer's site: its folder, its configuration, its broker. The daemon is started as often as a test
/// likes.
pub(crate) struct Site {
    folder: tempfile::TempDir,
    pub(crate) broker: Broker,
    pub(crate) panels: Vec<PanelSpec>,
    pub(crate) log_level: String,
    /// More lines for the sections `[gateway]` and `[cloud]`.
    pub(crate) gateway: String,
    pub(crate) cloud: String,
    /// More lines for the configuration, in front of the panels.
    pub(crate) extra: String,
    /// Whether the box has a cloud.
    pub(crate) has_cloud: bool,
    /// Whether somebody unlocks every panel whose installer code the box keeps, once the daemon runs (I3).
    pub(crate) unlocks: bool,
}

/// One panel in the configuration.
#[derive(Debug, Clone)]
pub(crate) struct PanelSpec {
    pub(crate) id: String,
    pub(crate) vendor: &'static str,
    /// Lines of the vendor's table that say how it is reached.
    pub(crate) way: String,
    pub(crate) password: Option<String>,
    pub(crate) master: Option<String>,
    pub(crate) installer: Option<String>,
    /// More lines of the vendor's table.
    pub(crate) more: String,
    /// More lines of `[[panel]]`.
    pub(crate) general: String,
}

impl PanelSpec {
    /// An Envisalink, with the factory's password and master code of four digits.
    pub(crate) fn envisalink(id: &str, addr: std::net::SocketAddr) -> Self {
        let way = format!("interface = \"envisalink\"\nhost = \"{}\"\nport = {}\n", addr.ip(), addr.port());
        Self { password: Some("user".into()), ..Self::new(id, way) }
    }

    /// The same with another installer code than the factory's, or none.
    pub(crate) fn with_installer(self, code: Option<&str>) -> Self {
        Self { installer: code.map(str::to_owned), ..self }
    }

    /// An IT-100 on a pty.
    pub(crate) fn it100(id: &str, pty: &Path) -> Self {
        Self::new(id, format!("interface = \"it100\"\ndevice = \"{}\"\n", pty.display()))
    }

    /// A PowerSeries Neo that dials this address, with the factory's type 1 access code.
    pub(crate) fn neor(id: &str, identifier: &str, listen: std::net::SocketAddr) -> Self {
        let way = format!("identifier = \"{identifier}\"\nlisten = \"{listen}\"\nencryption = \"type1\"\n");
        Self { vendor: "neor", way, password: Some("12345678".into()), ..Self::new(id, String::new()) }
    }

    /// A PowerMaster-30 with two partitions, reached as these lines say, with the factory's download and master codes.
    pub(crate) fn visonic(id: &str, line: &str) -> Self {
        let way = format!("model = \"PowerMaster 30\"\npartitions = [1, 2]\nzones = 8\n{line}");
        let (master, installer) = (Some("1111".into()), Some("8888".into()));
        Self { vendor: "visonic", way, master, installer, ..Self::new(id, String::new()) }
    }

    /// The same behind the service of a PowerLink 3 module, read only.
    pub(crate) fn powerlink(id: &str, addr: std::net::SocketAddr) -> Self {
        let line = format!("transport = \"jsonrpc\"\nhost = \"{}\"\nport = {}\n", addr.ip(), addr.port());
        Self { password: Some("1111".into()), ..Self::visonic(id, &line) }
    }

    fn new(id: &str, way: String) -> Self {
        Self {
            id: id.into(),
            vendor: "dsc",
            way: format!("model = \"PC1864\"\nzones = 8\n{way}"),
            password: None,
            master: Some("1234".into()),
            installer: Some("5555".into()),
            more: String::new(),
            general: String::new(),
        }
    }

    /// The same with codes of six digits.
    pub(crate) fn six_digits(mut self) -> Self {
        self.master = Some("123456".into());
        self.installer = Some("555555".into());
        self.with("code_length = 6\n")
    }

    /// The same with more lines for the vendor's table.
    pub(crate) fn with(mut self, lines: &str) -> Self {
        self.more.push_str(lines);
        self
    }

    fn write(&self, dir: &Path, config: &mut String) {
        let Self { id, vendor, way, more, general, .. } = self;
        let _ = write!(config, "\n[[panel]]\nid = \"{id}\"\nvendor = \"{vendor}\"\n{general}");
        let secrets =
            [("password", &self.password), ("master_code", &self.master), ("installer_code", &self.installer)];
        for (name, secret) in secrets {
            let Some(secret) = secret else { continue };
            let file = format!("{id}.{name}");
            private_file(&dir.join(&file), secret);
            let _ = writeln!(config, "credentials.{name} = {{ file = \"{file}\" }}");
        }
        let _ = write!(config, "[panel.{vendor}]\n{way}{more}");
    }
}

fn private_file(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

impl Site {
    pub(crate) const GATEWAY: &str = "site-1";

    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("panelgate-").tempdir().unwrap();
        let broker = Broker::start(folder.path());
        let (gateway, cloud, extra) = Default::default();
        let log_level = "trace".into();
        Self { folder, broker, panels: Vec::new(), log_level, gateway, cloud, extra, has_cloud: true, unlocks: true }
    }

    /// A site with one panel.
    pub(crate) fn with_panel(panel: PanelSpec) -> Self {
        let mut site = Self::new();
        site.panels.push(panel);
        site
    }

    /// A site with a simulated Envisalink of the factory, `dsc-1`.
    pub(crate) fn with_envisalink(panel: &SimPanel) -> Self {
        Self::with_panel(PanelSpec::envisalink("dsc-1", panel.addr()))
    }

    /// The same, with a cable in between that can be cut.
    pub(crate) fn with_cable(panel: &SimPanel) -> (Self, Cable) {
        let cable = Cable::to(panel.addr());
        (Self::with_panel(PanelSpec::envisalink("dsc-1", cable.addr)), cable)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("panelgate.sock")
    }

    /// Writes the configuration as it is now.
    pub(crate) fn config(&self) -> PathBuf {
        let cloud = match self.has_cloud {
            true => format!("[cloud]\nurl = \"{}\"\n{}\n", self.broker.url(), self.cloud),
            false => String::new(),
        };
        let mut text = format!(
            "[gateway]\nid = \"{}\"\ndata_dir = \"data\"\nsocket = \"panelgate.sock\"\n\
             {}\n{cloud}\n[log]\nlevel = \"{}\"\n\n{}",
            Self::GATEWAY,
            self.gateway,
            self.log_level,
            self.extra
        );
        for panel in &self.panels {
            panel.write(self.folder.path(), &mut text);
        }
        let path = self.path("panelgate.toml");
        fs::write(&path, text).unwrap();
        path
    }

    /// Puts a secret beside the configuration, for the service alone.
    pub(crate) fn secret_file(&self, name: &str, secret: &str) {
        private_file(&self.path(name), secret);
    }

    pub(crate) fn observe(&self) -> Observer {
        Observer::start(&self.broker, Self::GATEWAY)
    }

    fn run_command(&self) -> Command {
        let mut command = panelgate();
        command.arg("run").arg("--config").arg(self.config());
        command
    }

    /// Starts the daemon and waits until it tells the service manager that it is ready.
    pub(crate) fn start(&self) -> Daemon {
        self.start_as(self.run_command())
    }

    /// The same in a file system of its own for the data directory, so that it can become full. The daemon keeps its
    /// process id.
    pub(crate) fn start_on_small_disk(&self, megabytes: u32) -> Daemon {
        fs::create_dir_all(self.data_dir()).unwrap();
        let run = self.run_command();
        let words: Vec<_> =
            std::iter::once(run.get_program()).chain(run.get_args()).map(|w| w.to_str().unwrap()).collect();
        let script = format!(
            "mount -t tmpfs -o size={megabytes}m,mode=0700 panelgate-test '{}' && exec '{}'",
            self.data_dir().display(),
            words.join("' '")
        );
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
        self.start_as(command)
    }

    /// The same with the wall clock set ahead.
    pub(crate) fn start_with_wall_clock_ahead(&self, by: Duration) -> Daemon {
        let mut command = self.run_command();
        command.env("LD_PRELOAD", super::wall::library(self.folder.path()));
        command.env("WALL_CLOCK_AHEAD", by.as_secs().to_string());
        self.start_as(command)
    }

    /// The same when the machine has run for that much longer than it has: in a time namespace of its own, where the
    /// daemon keeps its process id.
    pub(crate) fn start_later(&self, by: Duration) -> Daemon {
        let run = self.run_command();
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--time", "--boottime", &by.as_secs().to_string()]);
        command.arg(run.get_program()).args(run.get_args());
        self.start_as(command)
    }

    fn start_as(&self, mut command: Command) -> Daemon {
        let notify = self.path("notify");
        let _ = fs::remove_file(&notify);
        let manager = UnixDatagram::bind(&notify).unwrap();
        manager.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        command.env("NOTIFY_SOCKET", &notify);
        let mut daemon = Daemon { process: Program::start("panelgate run", command) };
        let end = clock::now() + super::deadline();
        let mut buffer = [0; 512];
        let mut told = String::new();
        while !told.contains("READY=1") {
            match manager.recv(&mut buffer) {
                Ok(n) => told.push_str(&String::from_utf8_lossy(&buffer[..n])),
                Err(error) => {
                    let given_up = daemon.process.is_over() || clock::now() > end;
                    assert!(!given_up, "the daemon does not become ready ({error}); it told `{told}`");
                }
            }
        }
        if self.unlocks {
            self.unlock();
        }
        daemon
    }

    /// Somebody shows the installer code of every panel that the box has one of (I3).
    pub(crate) fn unlock(&self) {
        for panel in &self.panels {
            let Some(code) = &panel.installer else { continue };
            self.cli_with(&["unlock", &panel.id], &format!("{code}\n")).ok();
        }
    }

    /// Starts the daemon where it has to refuse: how it ended and what it said.
    pub(crate) fn start_in_vain(&self) -> Answer {
        Answer::of(self.run_command(), "")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = panelgate();
        command.args(words).env("PANELGATE_SOCKET", self.socket());
        command
    }

    /// Asks the daemon by command line.
    pub(crate) fn cli(&self, words: &[&str]) -> Answer {
        Answer::of(self.command(words), "")
    }

    /// The same beside the test.
    pub(crate) fn cli_beside(&self, words: &[&str]) -> Program {
        Program::start(&format!("panelgate {}", words.join(" ")), self.command(words))
    }

    /// The same as another system user, in the socket's group. Only root can.
    pub(crate) fn cli_as(&self, uid: u32, words: &[&str]) -> Answer {
        let mut command = self.command(words);
        command.uid(uid).gid(0);
        Answer::of(command, "")
    }

    /// The same beside the test.
    pub(crate) fn cli_beside_as(&self, uid: u32, words: &[&str]) -> Program {
        let mut command = self.command(words);
        command.uid(uid).gid(0);
        Program::start(&format!("panelgate {} as {uid}", words.join(" ")), command)
    }

    /// The same with something piped in.
    pub(crate) fn cli_with(&self, words: &[&str], input: &str) -> Answer {
        Answer::of(self.command(words), input)
    }

    /// The same with a person at a terminal.
    pub(crate) fn cli_at_terminal(&self, words: &[&str]) -> Terminal {
        Terminal::run(&self.command(words))
    }

    /// The cloud's side by command line.
    pub(crate) fn operator(&self, words: &[&str], input: &str) -> Answer {
        let mut command = panelgate();
        command.arg("operator").args(words).args(["--mqtt", &self.broker.url(), "--gateway", Self::GATEWAY]);
        Answer::of(command, input)
    }
}

/// A running daemon.
pub(crate) struct Daemon {
    pub(crate) process: Program,
}

impl Daemon {
    /// What it logs.
    pub(crate) fn log(&self) -> &Lines {
        &self.process.err
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.process.terminate();
        self.process.wait()
    }

    /// Ends it without a last word, as a power cut does.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }
}
