use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Program, free_port};

/// A mosquitto of our own. It keeps its sessions and retained messages over a restart.
pub(crate) struct Broker {
    pub(crate) port: u16,
    config: PathBuf,
    process: Option<Program>,
}

impl Broker {
    pub(crate) fn start(dir: &Path) -> Self {
        let port = free_port();
        let store = dir.join("broker");
        fs::create_dir_all(&store).unwrap();
        let config = store.join("mosquitto.conf");
        let text = format!(
            "user root\nlistener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n\
             persistence true\npersistence_location {}/\nautosave_interval 0\n\
             max_queued_messages 0\nmax_inflight_messages 1000\nlog_type all\n",
            store.display()
        );
        fs::write(&config, text).unwrap();
        let mut broker = Self { port, config, process: None };
        broker.resume();
        broker
    }

    /// Starts it again where it was stopped.
    pub(crate) fn resume(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let mut command = Command::new(program());
        command.arg("-v").arg("-c").arg(&self.config);
        let process = Program::start("mosquitto", command);
        process.err.wait_for("running", 0);
        drop(TcpStream::connect(("127.0.0.1", self.port)).expect("the broker listens"));
        // It says that it runs a moment before it does; a SIGTERM in between would be lost.
        process.err.wait_for("New connection", 0);
        self.process = Some(process);
    }

    /// Stops it in good order; what was acknowledged is on its disk.
    pub(crate) fn stop(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.terminate();
        process.wait();
    }

    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// What it logged since it was started last.
    pub(crate) fn log(&self) -> Vec<String> {
        self.process.as_ref().expect("it runs").err.all()
    }
}

/// Debian puts it where a plain user's path does not reach.
fn program() -> PathBuf {
    let sbin = PathBuf::from("/usr/sbin/mosquitto");
    if sbin.exists() { sbin } else { "mosquitto".into() }
}
