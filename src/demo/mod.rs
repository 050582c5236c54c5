//! Everything in one process, to look at: a broker, four simulated panels, and the real daemon in between.
//!
//! `broker.rs` is the embedded broker, `house.rs` the panels and their configuration, `life.rs` the people who go in
//! and out. The daemon is started exactly as `panelgate run` starts it, from a configuration file in the data
//! directory. Nothing outside that directory is touched.

mod broker;
mod house;
mod life;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::daemon::{self, Daemon, start_log};
use house::House;

/// What can be chosen.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder for everything; a new temporary one if not given.
    pub data_dir: Option<PathBuf>,
    /// Where the broker listens, for MQTT 3.1.1.
    pub mqtt: SocketAddr,
}

/// Where things are, for whoever wants to look at them.
#[derive(Debug, Clone)]
pub struct Places {
    /// Everything that the demo keeps.
    pub data_dir: PathBuf,
    /// The local API.
    pub socket: PathBuf,
    /// Where the broker listens, for MQTT 3.1.1.
    pub mqtt: SocketAddr,
    /// The gateway's name.
    pub gateway: &'static str,
    /// Installer code of every panel: nobody's secret.
    pub installer_code: &'static str,
}

/// The gateway's name.
const GATEWAY: &str = "demo";

/// Runs the demo until `stop`. `ready` is told where to look; `say` is told what people do at the panels.
///
/// # Errors
/// When something of it cannot be started: a port that is taken, a folder that cannot be written.
pub async fn run(
    options: Options,
    stop: CancellationToken,
    ready: impl FnOnce(&Places),
    mut say: impl FnMut(&str),
) -> anyhow::Result<()> {
    let places = places(options)?;
    broker::start(places.mqtt)?;
    let house = House::build(&places).await?;
    let (config, _) =
        config::load(&house.config).check(daemon::check).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    start_log(&config.log, &["rumqttd"]);
    let daemon = Daemon::start(config).await.context("the daemon did not start")?;
    ready(&places);
    life::live(&house.panels, stop, &mut say).await;
    daemon.stop().await;
    house.leave().await;
    Ok(())
}

fn places(options: Options) -> anyhow::Result<Places> {
    let data_dir = match options.data_dir {
        Some(folder) => std::path::absolute(folder)?,
        None => std::env::temp_dir().join(format!("panelgate-demo-{}", uuid::Uuid::now_v7().simple())),
    };
    std::fs::create_dir_all(&data_dir).with_context(|| format!("{} cannot be made", data_dir.display()))?;
    let socket = data_dir.join("panelgate.sock");
    Ok(Places { socket, data_dir, mqtt: options.mqtt, gateway: GATEWAY, installer_code: house::INSTALLER })
}
