//! The cloud as a unit of the daemon.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{StartError, registry};
use crate::actions::Actions;
use crate::api::CloudState;
use crate::cloud::ports::{Reports, WantingPanel};
use crate::cloud::session::{ConnectOptions, Login, Memory, MqttVersion, TlsFiles};
use crate::cloud::{Cloud, CloudConfig, CloudHealth, Identity, Pace};
use crate::config::{self, MqttProtocol, Problem, Problems};
use crate::panels::Dialling;
use crate::pulse::PulseProbe;
use crate::store::Store;

/// All that a run of the cloud needs; each run after a failure begins anew.
#[derive(Debug, Clone)]
pub(super) struct CloudUnit {
    config: CloudConfig,
    identity: Identity,
    store: Store,
    actions: Actions,
    state: watch::Sender<CloudState>,
    /// Of the present run.
    probe: watch::Sender<Option<PulseProbe>>,
}

impl CloudUnit {
    /// The unit for a configured broker.
    ///
    /// # Errors
    /// When the password cannot be read.
    pub(super) fn new(config: &config::Config, store: &Store, actions: &Actions) -> Result<Option<Self>, StartError> {
        let Some(cloud) = &config.cloud else { return Ok(None) };
        actions.expect_cloud();
        let identity = Identity {
            gateway: config.gateway_id.clone(),
            boot: Uuid::now_v7(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sealing_key: actions.sealing_key(),
            drivers: registry::vendors().into_iter().map(str::to_owned).collect(),
        };
        let config = CloudConfig {
            broker: broker(cloud, CloudConfig::client_id(&config.gateway_id)).map_err(StartError::Config)?,
            prefix: cloud.prefix.parse().map_err(|error| wrong("cloud.prefix", &error))?,
            pace: Pace::default(),
        };
        let state = watch::Sender::new(CloudState::default());
        let (store, actions) = (store.clone(), actions.clone());
        Ok(Some(Self { config, identity, store, actions, state, probe: watch::Sender::new(None) }))
    }

    /// How the way to the cloud stands, over all runs.
    pub(super) fn state(&self) -> watch::Receiver<CloudState> {
        self.state.subscribe()
    }

    /// Completes when the loop has turned once more. Between two connections there is no loop, only plain waits.
    pub(super) async fn turned(&self) {
        let (mut state, probe) = (self.state.subscribe(), self.probe.borrow().clone());
        let Some(probe) = probe.filter(|_| state.borrow_and_update().connected) else { return };
        tokio::select! {
            () = probe.turned() => {}
            _ = state.wait_for(|state| !state.connected) => {}
        }
    }

    /// One run, until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        let ids = self.actions.panel_ids();
        let panels = ids.iter().filter_map(|id| self.actions.panel(id).ok()).collect();
        let dialling = self.actions.dialling().clone();
        let wanting = watch::Sender::new(wanting_panels(&dialling));
        let seen = wanting.subscribe();
        let reports = watch::Sender::default();
        let signed = reports.subscribe();
        let actions = self.actions.clone();
        let cloud = Cloud::new(self.config, self.identity, panels, seen, self.store, self.actions).with_reports(signed);
        let mut health = cloud.health();
        self.probe.send_replace(Some(cloud.probe()));
        let telling = async {
            loop {
                let now = CloudState::from(&*health.borrow_and_update());
                let (connected, acknowledged) = (now.connected, now.delivered > 0);
                self.state.send_replace(now);
                actions.cloud_stands(connected, acknowledged).await;
                if health.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            () = cloud.run(stop) => {}
            () = telling => {}
            () = show_wanting(&dialling, &wanting) => {}
            () = show_reports(&actions, &reports) => {}
        }
    }
}

/// Keeps the cloud's list of the panels that want in; never ends.
async fn show_wanting(dialling: &Dialling, wanting: &watch::Sender<Vec<WantingPanel>>) {
    let mut changed = dialling.wanting_changed();
    while changed.changed().await.is_ok() {
        wanting.send_replace(wanting_panels(dialling));
    }
    std::future::pending().await
}

/// How long to wait before signed reports are read again that could not be read.
const REPORTS_AGAIN: Duration = Duration::from_secs(10);

/// Keeps the cloud's copy of the signed reports; never ends.
async fn show_reports(actions: &Actions, reports: &watch::Sender<Reports>) {
    let mut signed = actions.report_signed();
    loop {
        signed.borrow_and_update();
        match actions.commissioning_reports().await {
            Ok(read) => {
                let written = read.into_iter().map(|(panel, json)| (panel, Bytes::from(json))).collect();
                reports.send_if_modified(|now| {
                    *now != written && {
                        *now = written;
                        true
                    }
                });
                if signed.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
            Err(_) => tokio::time::sleep(REPORTS_AGAIN).await,
        }
    }
}

fn wanting_panels(dialling: &Dialling) -> Vec<WantingPanel> {
    dialling.wanting().iter().map(|panel| WantingPanel::new(panel.vendor, &panel.wanting)).collect()
}

impl From<&CloudHealth> for CloudState {
    fn from(health: &CloudHealth) -> Self {
        Self {
            connected: health.connected,
            since: health.since.map(Into::into),
            trouble: health.trouble.clone(),
            delivered: health.delivered,
        }
    }
}

fn broker(cloud: &config::CloudConfig, client_id: String) -> Result<ConnectOptions, Problems> {
    let login = match (&cloud.username, &cloud.password) {
        (Some(user), Some(source)) => {
            let password = source.read().map_err(|error| {
                let hint = "let the service's user, and nobody else, read a secret there";
                Problems::one(Problem::error("cloud.password", error.to_string(), hint))
            })?;
            Some(Login { user: user.clone(), password })
        }
        (Some(user), None) => Some(Login { user: user.clone(), password: panel_model::Password::new(String::new()) }),
        (None, _) => None,
    };
    Ok(ConnectOptions {
        host: cloud.host.clone(),
        port: cloud.port,
        version: match cloud.protocol {
            MqttProtocol::V5 => MqttVersion::V5,
            MqttProtocol::V311 => MqttVersion::V311,
        },
        client_id,
        memory: Memory::Kept,
        tls: cloud.tls.as_ref().map(|tls| TlsFiles { ca: tls.ca.clone(), identity: tls.identity.clone() }),
        login,
        keep_alive: cloud.keep_alive,
    })
}

fn wrong(key: &str, error: &impl ToString) -> StartError {
    StartError::Config(Problems::one(Problem::error(key, error.to_string(), "give another one")))
}
