use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Program, panelgate};

/// What to simulate; everything else is the factory's.
#[derive(Debug, Clone)]
pub(crate) struct Sim {
    door: Door,
    pace: &'static str,
    more: Vec<String>,
}

/// Which panel it is, and how it is reached.
#[derive(Debug, Clone)]
enum Door {
    /// An Envisalink on a TCP port.
    Envisalink,
    /// An IT-100 on a pty.
    It100(PathBuf),
    /// A PowerSeries Neo that dials.
    Neor(SocketAddr),
    /// A Visonic panel's PowerLink port on a pty, or behind a raw serial server.
    Visonic(Option<PathBuf>),
    /// The service of a Visonic panel's PowerLink 3 module.
    PowerLink,
}

impl Sim {
    fn new(door: Door) -> Self {
        Self { door, pace: "fast", more: Vec::new() }
    }

    /// A PC1864 behind an Envisalink.
    pub(crate) fn envisalink() -> Self {
        Self::new(Door::Envisalink)
    }

    /// A PC1864 behind an IT-100 on a pty.
    pub(crate) fn it100(pty: &Path) -> Self {
        Self::new(Door::It100(pty.to_owned()))
    }

    /// A PowerSeries Neo that dials an address, encrypted by its type 1 with the factory's access code. Dials again at
    /// once when it is hung up on.
    pub(crate) fn neor(identifier: &str, dials: SocketAddr) -> Self {
        Self::new(Door::Neor(dials)).with("identifier", identifier).set("encryption", 1).set("redial", "0.2")
    }

    /// A PowerMaster-30 on a pty, or behind a raw serial server.
    pub(crate) fn visonic(pty: Option<&Path>) -> Self {
        Self::new(Door::Visonic(pty.map(Path::to_owned)))
    }

    /// A PowerMaster-30 behind the service of a PowerLink 3 module.
    pub(crate) fn powerlink() -> Self {
        Self::new(Door::PowerLink)
    }

    /// One of the panel's own settings.
    pub(crate) fn set(self, key: &str, value: impl ToString) -> Self {
        let setting = format!("{key}={}", value.to_string());
        self.with("set", setting)
    }

    /// Everything takes as long as at a real panel; else what a client waits for takes milliseconds.
    pub(crate) fn at_real_pace(mut self) -> Self {
        self.pace = "real";
        self
    }

    /// One more option with its value.
    pub(crate) fn with(mut self, option: &str, value: impl ToString) -> Self {
        self.more.extend([format!("--{option}"), value.to_string()]);
        self
    }

    pub(crate) fn start(self) -> SimPanel {
        let mut command = panelgate();
        command.arg("simulate");
        match &self.door {
            Door::Envisalink => command.args(["dsc", "--interface", "envisalink", "--listen", "127.0.0.1:0"]),
            Door::It100(path) => command.args(["dsc", "--interface", "it100", "--pty"]).arg(path),
            Door::Visonic(Some(path)) => command.args(["visonic", "--pty"]).arg(path),
            Door::Visonic(None) => command.args(["visonic", "--listen", "127.0.0.1:0"]),
            Door::PowerLink => command.args(["visonic", "--jsonrpc", "127.0.0.1:0"]),
            Door::Neor(address) => command.args(["neor", "--connect", &address.to_string()]),
        };
        command.args(["--set", &format!("pace={}", self.pace)]);
        command.args(&self.more);
        let process = Program::start("the simulated panel", command);
        let addr = process.out.wait("listening", 0, |line| {
            let line: Value = serde_json::from_str(line).ok()?;
            (line["event"] == "listening").then(|| line["addr"].as_str().and_then(|addr| addr.parse().ok()))
        });
        SimPanel { process, addr }
    }
}

/// A running simulated panel.
pub(crate) struct SimPanel {
    process: Program,
    addr: Option<SocketAddr>,
}

impl SimPanel {
    /// Where clients dial.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr.expect("a panel that listens")
    }

    /// Does something at the front panel.
    pub(crate) fn poke(&mut self, line: &str) {
        self.process.say(line);
    }

    /// Does something at the front panel and waits until it has happened.
    pub(crate) fn poke_until(&mut self, line: &str, event: &str) -> Value {
        let from = self.mark();
        self.poke(line);
        self.wait(from, event, |_| true)
    }

    /// It answers nothing any more.
    pub(crate) fn freeze(&self) {
        self.process.freeze();
    }

    /// It goes on where it stood when it was frozen.
    pub(crate) fn thaw(&self) {
        self.process.thaw();
    }

    /// Ends it, with its connection.
    pub(crate) fn quit(&mut self) {
        self.poke("quit");
        self.process.wait();
    }

    pub(crate) fn mark(&self) -> usize {
        self.process.out.mark()
    }

    /// All that happened so far.
    pub(crate) fn happened(&self) -> Vec<Value> {
        self.process.out.pick(0, |line| serde_json::from_str(line).ok())
    }

    /// How often something happened.
    pub(crate) fn count(&self, event: &str, fits: impl Fn(&Value) -> bool) -> usize {
        self.happened().iter().filter(|line| line["event"] == event && fits(line)).count()
    }

    /// Waits until something has happened after `from`.
    pub(crate) fn wait(&self, from: usize, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.process.out.wait(event, from, |line| {
            let line: Value = serde_json::from_str(line).ok()?;
            (line["event"] == event && fits(&line)).then_some(line)
        })
    }

    /// The panel's users with their codes.
    pub(crate) fn users(&mut self) -> Value {
        self.poke_until("users", "users")["users"].clone()
    }

    /// The code of a slot, if it has one.
    pub(crate) fn code(&mut self, slot: u16) -> Option<String> {
        self.user(slot).and_then(|user| user["code"].as_str().map(str::to_owned))
    }

    /// What the panel has in a slot.
    pub(crate) fn user(&mut self, slot: u16) -> Option<Value> {
        let users = self.users();
        users.as_array().expect("a list").iter().find(|user| user["slot"] == slot).cloned()
    }

    /// Partitions, zones and troubles.
    pub(crate) fn state(&mut self) -> Value {
        self.poke_until("state", "state")["state"].clone()
    }

    /// Whether the module stands in no menu, nor at the prompt before one.
    pub(crate) fn menus_left(&self) -> bool {
        out_of_menus(&self.lines())
    }

    /// Waits until the module stands in no menu, nor at the prompt before one.
    pub(crate) fn wait_menus_left(&self) {
        self.process.out.until("all menus left", |lines| out_of_menus(lines).then_some(()));
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.process.out.all()
    }
}

/// A killed box leaves a prompt of its own behind, which is then left without ever having become a menu: what counts is
/// the last step of the module, not how often it came and went.
fn out_of_menus(lines: &[String]) -> bool {
    let steps = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut inside = false;
    for step in steps.filter(|step| step["by"] == "module") {
        match step["event"].as_str() {
            Some("menu_opened") => inside = true,
            Some("code_asked_for") if step["code"] == "master" || step["code"] == "installer" => inside = true,
            Some("menu_left") => inside = false,
            _ => {}
        }
    }
    !inside
}
