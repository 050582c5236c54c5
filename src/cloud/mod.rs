//! The way to the cloud: MQTT topics, the connection, and the task that keeps the cloud's picture true.
//!
//! Decides no policy: what may be done is the actions' matter, what happened is the store's and the panels'. Reaches
//! them through the small traits in [`ports`]. Start with [`Cloud::run`].

mod backoff;
mod bindings;
mod error;
mod gateway;
mod health;
mod intake;
pub mod ports;
mod retained;
mod run;
pub mod schema;
mod serving;
pub mod session;
pub mod topic;
mod window;

use std::sync::Arc;

use panel_model::{GatewayId, PanelSnapshot};
use tokio::sync::watch;
use uuid::Uuid;

pub use backoff::Pace;
pub use error::{CloudError, PublishError, Retry};
pub use health::CloudHealth;
pub use intake::LARGEST_DOCUMENT;

use self::ports::{Intake, Outbox};
use self::retained::PanelView;
use self::session::ConnectOptions;
use self::topic::Prefix;
use crate::payload::{DirectoryReported, WantingPanel};
use crate::pulse::{Pulse, PulseProbe};

/// How the cloud is reached.
#[derive(Debug, Clone)]
pub struct CloudConfig {
    /// The broker. Its `client_id` is the gateway's own; see [`CloudConfig::client_id`].
    pub broker: ConnectOptions,
    /// The beginning of all topic names.
    pub prefix: Prefix,
    /// How long to wait between tries.
    pub pace: Pace,
}

impl CloudConfig {
    /// The client id of a gateway.
    #[must_use]
    pub fn client_id(gateway: &GatewayId) -> String {
        format!("panelgate-{gateway}")
    }
}

/// Who we are.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The box's name.
    pub gateway: GatewayId,
    /// Drawn anew at each start of the task (UUID version 7).
    pub boot: Uuid,
    /// Version of panelgate.
    pub version: String,
    /// Where codes are sealed to.
    pub sealing_key: [u8; 32],
    /// Drivers built in.
    pub drivers: Vec<String>,
}

/// The cloud task: publishes the panels' pictures, empties the outbox, takes desired documents in.
#[derive(Debug)]
pub struct Cloud<O, I> {
    config: CloudConfig,
    identity: Identity,
    panels: Vec<PanelView>,
    wanting: watch::Receiver<Vec<WantingPanel>>,
    directory: watch::Receiver<DirectoryReported>,
    outbox: Arc<O>,
    intake: Arc<I>,
    health: watch::Sender<CloudHealth>,
    pulse: Pulse,
}

impl<O: Outbox, I: Intake> Cloud<O, I> {
    /// Makes the task; nothing happens before [`Cloud::run`]. `wanting`: the panels that dial the box and that nobody
    /// configured.
    #[must_use]
    pub fn new(
        config: CloudConfig,
        identity: Identity,
        panels: Vec<watch::Receiver<Arc<PanelSnapshot>>>,
        wanting: watch::Receiver<Vec<WantingPanel>>,
        outbox: O,
        intake: I,
    ) -> Self {
        let panels = panels.into_iter().map(PanelView::new).collect();
        let health = watch::Sender::new(CloudHealth::default());
        Self {
            config,
            identity,
            panels,
            wanting,
            directory: intake.directory(),
            outbox: Arc::new(outbox),
            intake: Arc::new(intake),
            health,
            pulse: Pulse::default(),
        }
    }

    /// Asks the loop whether it turns. It answers while the broker is connected; what else there is are plain waits.
    #[must_use]
    pub fn probe(&self) -> PulseProbe {
        self.pulse.probe()
    }

    /// How the way to the cloud stands, now and as it changes.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<CloudHealth> {
        self.health.subscribe()
    }
}

/// What is needed to write a message of ours.
#[derive(Debug, Clone, Copy)]
struct Target<'a> {
    prefix: &'a Prefix,
    identity: &'a Identity,
    panels: &'a [PanelView],
    wanting: &'a watch::Receiver<Vec<WantingPanel>>,
    directory: &'a watch::Receiver<DirectoryReported>,
    connection: u64,
}
