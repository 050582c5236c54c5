//! A running cloud task with everything around it in memory.

use std::sync::Arc;
use std::time::Duration;

use panel_model::PanelSnapshot;
use panelgate::cloud::ports::WantingPanel;
use panelgate::cloud::session::{ConnectOptions, Memory, MqttVersion};
use panelgate::cloud::topic::Prefix;
use panelgate::cloud::{Cloud, CloudConfig, CloudHealth, Identity, Pace};
use panelgate::secrets::Keys;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::memory::{MemoryIntake, MemoryOutbox};
use super::samples;
use super::soon;

pub(crate) struct Gateway {
    pub(crate) outbox: MemoryOutbox,
    pub(crate) intake: MemoryIntake,
    pub(crate) panels: Vec<watch::Sender<Arc<PanelSnapshot>>>,
    pub(crate) wanting: watch::Sender<Vec<WantingPanel>>,
    pub(crate) health: watch::Receiver<CloudHealth>,
    cancel: CancellationToken,
    task: JoinSet<()>,
}

/// Gateway `g1` with the panels `dsc-1` (something of everything) and `dsc-2` (nothing known).
pub(crate) struct Builder {
    pub(crate) broker: ConnectOptions,
    pub(crate) outbox: MemoryOutbox,
    pub(crate) intake: MemoryIntake,
    /// Version of the last document that `dsc-2` took in an earlier life.
    pub(crate) taken: u64,
    pub(crate) gateway: &'static str,
}

pub(crate) fn options(port: u16) -> ConnectOptions {
    ConnectOptions {
        host: "127.0.0.1".into(),
        port,
        version: MqttVersion::V5,
        client_id: "panelgate-g1".into(),
        memory: Memory::Kept,
        keep_alive: Duration::from_secs(30),
        tls: None,
        login: None,
    }
}

impl Builder {
    pub(crate) fn new(port: u16) -> Self {
        Self {
            broker: options(port),
            outbox: MemoryOutbox::new(),
            intake: MemoryIntake::new(),
            taken: 0,
            gateway: "g1",
        }
    }

    pub(crate) fn start(self) -> Gateway {
        let mut first = samples::panel();
        first.cloud_version = 0;
        let mut second = samples::fresh_panel("dsc-2");
        second.cloud_version = self.taken;
        let panels = [first, second].map(|panel| watch::Sender::new(Arc::new(panel)));
        let millis = Duration::from_millis;
        let pace = Pace {
            first: millis(20),
            longest: millis(200),
            slow_first: millis(400),
            slow_longest: millis(800),
            sound: millis(500),
        };
        let config = CloudConfig { broker: self.broker, prefix: Prefix::default(), pace };
        let identity = Identity {
            gateway: self.gateway.parse().unwrap(),
            boot: Uuid::now_v7(),
            version: "0.1.0".into(),
            sealing_key: Keys::from_bytes([7; 32]).sealing_public_key(),
            drivers: vec!["dsc".into()],
        };
        let pictures = panels.iter().map(watch::Sender::subscribe).collect();
        let wanting = watch::Sender::default();
        let cloud =
            Cloud::new(config, identity, pictures, wanting.subscribe(), self.outbox.clone(), self.intake.clone());
        let (health, cancel) = (cloud.health(), CancellationToken::new());
        let mut task = JoinSet::new();
        task.spawn(cloud.run(cancel.clone()));
        let panels = Vec::from(panels);
        Gateway { outbox: self.outbox, intake: self.intake, panels, wanting, health, cancel, task }
    }
}

impl Gateway {
    pub(crate) fn start(port: u16) -> Self {
        Builder::new(port).start()
    }

    /// Changes the picture of a panel.
    pub(crate) fn change(&self, panel: usize, change: impl FnOnce(&mut PanelSnapshot)) {
        self.panels[panel].send_modify(|picture| change(Arc::make_mut(picture)));
    }

    pub(crate) async fn connected(&mut self) {
        soon("connection", self.health.wait_for(|health| health.connected)).await.unwrap();
    }

    pub(crate) async fn disconnected(&mut self) -> String {
        let health =
            soon("end of the connection", self.health.wait_for(|health| !health.connected && health.trouble.is_some()));
        health.await.unwrap().trouble.clone().unwrap()
    }

    /// Stops as the daemon does.
    pub(crate) async fn stop(mut self) {
        self.cancel.cancel();
        soon("clean stop", self.task.join_next()).await.unwrap().expect("the task did not panic");
    }

    /// Dies as in a crash.
    pub(crate) fn kill(self) -> (MemoryOutbox, MemoryIntake) {
        (self.outbox, self.intake)
    }
}
