//! What is measured: the daemon as its users run it, simulated panels, and the Python pipeline. All are child
//! processes; nothing is linked in.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::{Pipes, Process};

/// Where everything is.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    /// The production binary.
    pub(crate) daemon: PathBuf,
    /// A binary with simulators.
    pub(crate) simulator: PathBuf,
    /// Python with the peers' packages.
    pub(crate) python: PathBuf,
    /// Folder of the peers' scripts.
    pub(crate) peer: PathBuf,
    /// Where data and logs go; a real disk.
    pub(crate) folder: PathBuf,
}

/// How the panel is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interface {
    Envisalink,
    It100,
}

impl Interface {
    fn name(self) -> &'static str {
        match self {
            Self::Envisalink => "envisalink",
            Self::It100 => "it100",
        }
    }
}

/// A simulated panel, poked through its stdin.
pub(crate) struct Simulator {
    _process: Process,
    stdin: ChildStdin,
    pub(crate) address: SocketAddr,
    pub(crate) interface: Interface,
}

impl Simulator {
    pub(crate) fn start(tools: &Tools, interface: Interface, users: u16, seed: usize) -> Result<Self> {
        Self::start_with(tools, interface, users, seed, &[])
    }

    /// One that takes no time for anything, so that 95 users are read in seconds and 100,000 events fit through its line.
    pub(crate) fn start_fast(tools: &Tools, interface: Interface, users: u16, seed: usize) -> Result<Self> {
        Self::start_with(tools, interface, users, seed, &["--set", "pace=fast"])
    }

    fn start_with(tools: &Tools, interface: Interface, users: u16, seed: usize, more: &[&str]) -> Result<Self> {
        let users = [users.to_string(), "--seed".to_owned(), seed.to_string()];
        let words = ["simulate", "dsc", "--listen", "127.0.0.1:0", "--interface", interface.name(), "--users"];
        let more = more.iter().map(|word| (*word).to_owned());
        let words = words.map(str::to_owned).into_iter().chain(users).chain(more);
        let (process, stdin, first) = launch(tools, words.map(Into::into))?;
        let address = first.get("addr").and_then(|address| address.as_str()?.parse().ok());
        let address = address.with_context(|| format!("no address in {first}"))?;
        Ok(Self { _process: process, stdin, address, interface })
    }

    /// Types lines at the front panel.
    pub(crate) fn poke(&mut self, lines: &str) -> Result<()> {
        self.stdin.write_all(lines.as_bytes())?;
        if !lines.ends_with('\n') {
            self.stdin.write_all(b"\n")?;
        }
        Ok(self.stdin.flush()?)
    }

    /// Opens a zone that nothing else touches and leaves it open: what follows then changes zones only, and the
    /// partition stays "not ready" all the time.
    pub(crate) fn hold_open(&mut self) -> Result<()> {
        self.poke("open 1")
    }
}

/// Starts a simulator and waits until it tells where it is reached.
pub(crate) fn launch(tools: &Tools, words: impl Iterator<Item = OsString>) -> Result<(Process, ChildStdin, Value)> {
    let mut command = Command::new(&tools.simulator);
    command.args(words);
    let mut process = Process::start(command, "simulator", &tools.folder.join("simulator.log"), Pipes::Both)?;
    let stdin = process.child.stdin.take().context("no stdin")?;
    let mut stdout = BufReader::new(process.child.stdout.take().context("no stdout")?);
    let mut line = String::new();
    stdout.read_line(&mut line)?;
    let first = serde_json::from_str(&line).with_context(|| format!("the simulator says {line:?}"))?;
    // It stops when nobody reads what it prints.
    thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    Ok((process, stdin, first))
}

/// The n-th change at zones 2 to 7: all open one after the other, then all close.
pub(crate) fn zone_poke(n: usize) -> String {
    let word = if (n / 6).is_multiple_of(2) { "open" } else { "close" };
    format!("{word} {}\n", 2 + n % 6)
}

/// One panel of a configuration.
pub(crate) struct PanelAt {
    pub(crate) interface: Interface,
    pub(crate) address: SocketAddr,
}

/// A running daemon.
pub(crate) struct Daemon {
    pub(crate) process: Process,
    /// From the start of the process to `READY=1`.
    pub(crate) ready: Duration,
    pub(crate) began: Instant,
    binary: PathBuf,
    socket: PathBuf,
}

/// First levels of the topics of the daemon under test.
pub(crate) const PREFIX: &str = "panelgate/v1/bench";

impl Daemon {
    /// Starts it in `folder`, which keeps its data from one start to the next, and waits until it is ready.
    pub(crate) fn start(tools: &Tools, folder: &Path, broker: SocketAddr, panels: &[PanelAt]) -> Result<Self> {
        fs::create_dir_all(folder)?;
        Self::start_as(&tools.daemon, folder, &config_text(folder, broker, panels)?)
    }

    /// The same with a configuration of one's own, whose socket is `api.sock` in that folder.
    pub(crate) fn start_as(binary: &Path, folder: &Path, text: &str) -> Result<Self> {
        let config = folder.join("panelgate.toml");
        fs::write(&config, text)?;
        let notify_path = folder.join("notify.sock");
        let _ = fs::remove_file(&notify_path);
        let notify = UnixDatagram::bind(&notify_path)?;
        notify.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut command = Command::new(binary);
        command.arg("run").arg("--config").arg(&config).env("NOTIFY_SOCKET", &notify_path).env_remove("RUST_LOG");
        let log = folder.join("daemon.log");
        let began = Instant::now();
        let process = Process::start(command, "panelgate", &log, Pipes::None)?;
        let mut daemon =
            Self { process, ready: Duration::ZERO, began, binary: binary.to_owned(), socket: folder.join("api.sock") };
        let mut message = [0; 4096];
        while daemon.ready.is_zero() {
            let Ok(size) = notify.recv(&mut message) else {
                bail!("no READY=1 (exit {:?}); see {}", daemon.process.has_ended()?, log.display());
            };
            let text = String::from_utf8_lossy(message.get(..size).unwrap_or_default()).into_owned();
            if text.lines().any(|line| line == "READY=1") {
                daemon.ready = began.elapsed();
            }
        }
        // Watchdog messages go on; somebody must take them.
        notify.set_read_timeout(None)?;
        thread::spawn(move || while notify.recv(&mut [0; 4096]).is_ok() {});
        Ok(daemon)
    }

    /// Asks the daemon by its own command line.
    pub(crate) fn ask(&self, words: &[&str]) -> Result<Value> {
        let output = Command::new(&self.binary).args(words).arg("--json").arg("--socket").arg(&self.socket).output()?;
        if !output.status.success() {
            bail!("panelgate {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Waits until every panel is online.
    pub(crate) fn wait_online(&self, panels: usize, limit: Duration) -> Result<()> {
        wait_until("every panel is online", limit, || {
            let rows = self.ask(&["panels", "list"])?;
            let rows = rows.as_array().context("a list")?;
            let online = rows.iter().filter(|row| row.pointer("/status/state") == Some(&Value::from("online")));
            Ok(online.count() == panels)
        })
    }

    /// Has the users of these panels read, all at the same time, and waits until so many are known of each.
    pub(crate) fn read_users(&self, panels: &[usize], each: usize, limit: Duration) -> Result<()> {
        let readers = panels.iter().map(|n| {
            let mut command = Command::new(&self.binary);
            command.arg("users").arg(format!("dsc-{n}")).arg("refresh").arg("--socket").arg(&self.socket);
            command.stdout(Stdio::null()).spawn()
        });
        let readers = readers.collect::<std::io::Result<Vec<_>>>()?;
        let known = wait_until("all users are read", limit, || {
            let rows = self.ask(&["panels", "list"])?;
            let users = |id: &str| {
                let row = rows.as_array()?.iter().find(|row| row.get("panel").and_then(Value::as_str) == Some(id))?;
                row.get("users")?.as_u64()
            };
            Ok(panels.iter().all(|n| users(&format!("dsc-{n}")) >= Some(each as u64)))
        });
        // What is still read of them are partitions and attributes, which takes a panel several minutes.
        for mut reader in readers {
            reader.kill()?;
            reader.wait()?;
        }
        known
    }

    /// Waits until the newest event in the store is about this zone.
    pub(crate) fn wait_stored(&self, zone: u64, limit: Duration) -> Result<()> {
        wait_until("the last event is stored", limit, || {
            let events = self.ask(&["events", "--last", "1"])?;
            Ok(events.pointer("/0/zone").and_then(Value::as_u64) == Some(zone))
        })
    }
}

pub(crate) fn wait_until(what: &str, limit: Duration, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < limit {
        if done()? {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    bail!("not within {limit:?}: {what}")
}

fn config_text(folder: &Path, broker: SocketAddr, panels: &[PanelAt]) -> Result<String> {
    let (data, socket) = (folder.join("data"), folder.join("api.sock"));
    let mut text = format!(
        "[gateway]\nid = \"bench\"\ndata_dir = {data:?}\nsocket = {socket:?}\n\n[cloud]\nurl = \"mqtt://{broker}\"\n\n"
    );
    let (password, master) = (secret(folder, "password", "user")?, secret(folder, "master", "1234")?);
    for (n, panel) in panels.iter().enumerate() {
        let id = n + 1;
        let interface = panel.interface.name();
        let (host, port) = (panel.address.ip(), panel.address.port());
        let password = match panel.interface {
            Interface::Envisalink => format!("password = {{ file = {password:?} }}, "),
            Interface::It100 => String::new(),
        };
        write!(
            text,
            "[[panel]]\nid = \"dsc-{id}\"\nvendor = \"dsc\"\n\
             credentials = {{ {password}master_code = {{ file = {master:?} }} }}\n\
             [panel.dsc]\ninterface = \"{interface}\"\nhost = \"{host}\"\nport = {port}\nmodel = \"PC1864\"\nzones = 8\n\n"
        )?;
    }
    Ok(text)
}

pub(crate) fn secret(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    fs::write(&path, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(path)
}

/// The Python pipeline.
pub(crate) struct Peer {
    pub(crate) process: Process,
    /// From the start of the process to the panel's "you are logged in".
    pub(crate) ready: Duration,
}

/// Topic of the Python pipeline's events.
pub(crate) const PEER_TOPIC: &str = "peer/event";

impl Peer {
    pub(crate) fn start(tools: &Tools, broker: SocketAddr, panel: SocketAddr, name: &str) -> Result<Self> {
        let mut command = Command::new(&tools.python);
        command.arg(tools.peer.join("bridge.py"));
        command.args(["--panel", &panel.to_string(), "--broker", &broker.to_string(), "--topic", PEER_TOPIC]);
        command.arg("--db").arg(tools.folder.join(format!("{name}.sqlite")));
        let began = Instant::now();
        let mut process = Process::start(command, "peer", &tools.folder.join("peer.log"), Pipes::Both)?;
        let mut stdout = BufReader::new(process.child.stdout.take().context("no stdout")?);
        let (ready, is_ready) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            let _ = ready.send(line);
        });
        match is_ready.recv_timeout(Duration::from_secs(30)).as_deref() {
            Ok("ready\n") => Ok(Self { process, ready: began.elapsed() }),
            other => bail!("the Python pipeline does not log in: {other:?}; see peer.log"),
        }
    }
}
