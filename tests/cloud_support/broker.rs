//! A real mosquitto on a free port, stopped when dropped.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

#[path = "../world/port.rs"]
mod port;

/// What the broker is like.
#[derive(Default)]
pub(crate) struct Setup {
    /// More lines for its configuration; `DIR` stands for its folder.
    pub(crate) lines: Vec<String>,
    /// User name and password that are asked for.
    pub(crate) login: Option<(&'static str, &'static str)>,
    /// Access list, in mosquitto's form.
    pub(crate) access: Option<&'static str>,
}

pub(crate) struct Broker {
    process: Option<Child>,
    pub(crate) port: u16,
    pub(crate) dir: TempDir,
}

impl Broker {
    /// Anybody may do anything; nothing survives a restart.
    pub(crate) fn open() -> Self {
        Self::new(Setup::default())
    }

    pub(crate) fn new(setup: Setup) -> Self {
        Self::prepared(tempfile::tempdir().unwrap(), setup)
    }

    /// With files of the test's own in `dir`.
    pub(crate) fn prepared(dir: TempDir, setup: Setup) -> Self {
        let port = free_port();
        let path = dir.path().display().to_string();
        let mut lines = vec![
            format!("listener {port} 127.0.0.1"),
            "user root".into(),
            "persistence false".into(),
            "max_queued_messages 0".into(),
            format!("allow_anonymous {}", setup.login.is_none()),
        ];
        if let Some((user, password)) = setup.login {
            let file = dir.path().join("passwords");
            let status =
                Command::new("mosquitto_passwd").arg("-b").arg("-c").arg(&file).args([user, password]).status();
            assert!(status.expect(MISSING).success(), "mosquitto_passwd works");
            lines.push(format!("password_file {}", file.display()));
        }
        if let Some(access) = setup.access {
            let file = dir.path().join("access");
            std::fs::write(&file, access).unwrap();
            lines.push(format!("acl_file {}", file.display()));
        }
        lines.extend(setup.lines.iter().map(|line| line.replace("DIR", &path)));
        std::fs::write(dir.path().join("mosquitto.conf"), lines.join("\n") + "\n").unwrap();
        let mut broker = Self { process: None, port, dir };
        broker.start();
        broker
    }

    /// Starts it again on the same port, with nothing left of what it knew.
    pub(crate) fn start(&mut self) {
        let mut process = Command::new(mosquitto())
            .arg("-c")
            .arg(self.dir.path().join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect(MISSING);
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("running") {
            let read = log.read_line(&mut said).unwrap();
            assert!(read > 0, "mosquitto does not start: {said}");
        }
        // Keeps reading, so that the broker never waits for us; ends with the broker.
        std::thread::spawn(move || for _ in log.lines() {});
        self.process = Some(process);
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Freezes it, as a cable pulled out does: the connections are there, and nothing comes.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.process.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

const MISSING: &str = "these tests need mosquitto: apt-get install mosquitto mosquitto-clients";

fn mosquitto() -> &'static Path {
    let places = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/usr/bin/mosquitto"];
    places.map(Path::new).into_iter().find(|path| path.is_file()).unwrap_or_else(|| panic!("{MISSING}"))
}

pub(crate) use port::free_port;
