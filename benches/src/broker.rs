//! A mosquitto of our own on a free loopback port: nothing persisted, no queue limit, no delayed packets.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process::{Pipes, Process};

pub(crate) struct Broker {
    pub(crate) address: SocketAddr,
    config: PathBuf,
    log: PathBuf,
    process: Option<Process>,
}

impl Broker {
    /// Chooses a port and writes the configuration; does not start yet.
    pub(crate) fn prepare(folder: &Path) -> Result<Self> {
        let address = free_address()?;
        let config = folder.join("mosquitto.conf");
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n\
             max_queued_messages 0\nmax_inflight_messages 1000\nlog_type error\nlog_type warning\n",
            address.port()
        );
        fs::write(&config, text)?;
        Ok(Self { address, config, log: folder.join("mosquitto.log"), process: None })
    }

    /// A broker that runs.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let mut broker = Self::prepare(folder)?;
        broker.run()?;
        Ok(broker)
    }

    /// Starts it and waits until it listens.
    pub(crate) fn run(&mut self) -> Result<()> {
        let mut command = Command::new(program());
        command.arg("-c").arg(&self.config);
        self.process = Some(Process::start(command, "mosquitto", &self.log, Pipes::None)?);
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(10) {
            if TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        bail!("mosquitto does not listen; see {}", self.log.display())
    }

    pub(crate) fn pss_kib(&self) -> Option<u64> {
        self.process.as_ref()?.pss_kib().ok()
    }
}

/// Debian puts it where only root's path looks.
pub(crate) fn program() -> &'static str {
    if Path::new("/usr/sbin/mosquitto").exists() { "/usr/sbin/mosquitto" } else { "mosquitto" }
}

/// An address that was free a moment ago.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
