//! Wires everything and keeps it running: supervisor, signals, service manager, log.
//!
//! The only module that knows all the others, and nothing but `demo` and the command line's `run` and `check` knows it.
//! Of its files only `registry.rs` names vendors. Start with [`Daemon::start`].

mod cloud;
mod error;
mod health;
mod logging;
mod mail;
pub mod registry;
mod setup;
mod signals;
mod supervisor;
mod vendor_table;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use error::{Ended, StartError};
pub use health::Health;
pub use logging::start as start_log;
pub use setup::{Way, check, ways};
pub use supervisor::{RestartPolicy, Supervisor, UnitError};

use crate::actions::Actions;
use crate::config::Config;
use crate::console::{Api, LocalSocket};
use crate::mail::Post;
use crate::panels::{Dialling, ListenSetup, PanelUnit, Panels};
use crate::secrets::{KeySource, Keys};
use crate::store::{Opened, Store, StoreOptions};
use cloud::CloudUnit;
use signals::StopSignals;

/// How long the start waits for each panel's state to be read from the store.
const PANELS_READ_WITHIN: Duration = Duration::from_secs(10);

/// Deadlines of the orderly stop, 20 s in all: `TimeoutStopSec=` of the unit file is longer.
const INTAKE_WITHIN: Duration = Duration::from_secs(1);
const PANELS_WITHIN: Duration = Duration::from_secs(13);
const CLOUD_WITHIN: Duration = Duration::from_secs(3);
const MAIL_WITHIN: Duration = Duration::from_secs(1);
const STORE_WITHIN: Duration = Duration::from_secs(2);

/// A running gateway.
#[derive(Debug)]
pub struct Daemon {
    store: Store,
    actions: Actions,
    supervisor: Supervisor,
    health: Health,
    stops: Stops,
}

/// What is stopped together, in the order in which it is stopped.
#[derive(Debug, Default)]
struct Stops {
    intake: CancellationToken,
    panels: CancellationToken,
    cloud: CancellationToken,
}

/// Runs the daemon in the foreground until a signal asks it to stop.
///
/// One thread is enough: the daemon waits for lines and disks, SQLite has a thread of its own, and every further worker
/// costs memory. Name look-ups, which may block, go to the small pool.
#[must_use]
pub fn run(config: Config) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .thread_keep_alive(Duration::from_secs(2))
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return Ended::NotStarted(StartError::Runtime(error)),
    };
    let ended = runtime.block_on(run_until_signal(config));
    // What still runs now has had its time, or the second signal asked to end at once.
    runtime.shutdown_background();
    ended
}

async fn run_until_signal(config: Config) -> Ended {
    let mut signals = match StopSignals::listen() {
        Ok(signals) => signals,
        Err(error) => return Ended::NotStarted(StartError::Runtime(error)),
    };
    let daemon = tokio::select! {
        started = Daemon::start(config) => match started {
            Ok(daemon) => daemon,
            Err(error) => return Ended::NotStarted(error),
        },
        signal = signals.next() => {
            tracing::info!(signal, "asked to stop before the start was done");
            return Ended::AsAsked;
        }
    };
    health::notify(NotifyState::Ready).await;
    tracing::info!("ready");
    let signal = tokio::select! {
        signal = signals.next() => signal,
        () = daemon.feed_watchdog() => "none",
    };
    tracing::info!(signal, "stopping; a second signal ends at once");
    health::notify(NotifyState::Stopping).await;
    tokio::select! {
        () = daemon.stop() => Ended::AsAsked,
        signal = signals.next() => {
            tracing::warn!(signal, "asked again: ending at once");
            Ended::AtOnce
        }
    }
}

impl Daemon {
    /// Opens the store, starts every unit, and answers when the daemon can be used.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let setups = setup::panels(&config).map_err(StartError::Config)?;
        let listening = setup::listening(&config).map_err(StartError::Config)?;
        let authority = setup::authority(&config).map_err(StartError::Config)?;
        let local = setup::local_access(&config, own_uid()?).map_err(StartError::Config)?;
        let (keys, store) = open(&config).await?;
        let (panels, units) = Panels::new(setups, listening, &store, &keys);
        let (people, post) = mail::people(&config, &store)?;
        let gateway = config.gateway_id.to_string();
        let actions = Actions::new(gateway, store.clone(), panels.clone(), keys, local, people);
        actions.first_start().await.map_err(|refused| StartError::Runtime(io::Error::other(refused)))?;
        let socket = LocalSocket::bind(&config.socket, config.group.as_deref())?;
        let supervisor = Supervisor::new(RestartPolicy::default());
        let stops = Stops::default();
        let mut health = Health::new(supervisor.states());
        watch_store(&mut health, &store);
        panels.dialling().open();
        for unit in units {
            start_panel(&supervisor, &stops, unit);
        }
        for listen in panels.dialling().extra() {
            start_listening(&supervisor, &stops, panels.dialling().clone(), *listen);
        }
        // Nobody, the cloud least of all, is shown a panel of which the box has not yet read what it knows.
        for (id, handle) in panels.iter() {
            if timeout(PANELS_READ_WITHIN, handle.turned()).await.is_err() {
                tracing::warn!(panel = %id, "what is known of the panel could not be read yet; going on without it");
            }
        }
        for (id, handle) in panels.iter() {
            let handle = handle.clone();
            health.watch(&panel_unit(id.as_str()), move || {
                let handle = handle.clone();
                async move { handle.turned().await }
            });
        }
        actions.trust(authority).await?;
        let cloud = CloudUnit::new(&config, &store, &actions)?;
        let state = cloud.as_ref().map(CloudUnit::state);
        let api = Api::new(actions.clone(), store.clone(), supervisor.states(), state);
        start_api(&supervisor, &stops, api, socket);
        if let Some(post) = post {
            start_post(&supervisor, &stops, post);
        }
        if let Some(cloud) = cloud {
            let asked = cloud.clone();
            health.watch(CLOUD, move || {
                let cloud = asked.clone();
                async move { cloud.turned().await }
            });
            supervisor.start(CLOUD, stops.cloud.clone(), move |stop| {
                let cloud = cloud.clone();
                async move {
                    cloud.run(stop).await;
                    Ok(())
                }
            });
        }
        Ok(Self { store, actions, supervisor, health, stops })
    }

    /// The door to everything that it does.
    #[must_use]
    pub fn actions(&self) -> &Actions {
        &self.actions
    }

    /// Feeds the service manager's watchdog as long as all units answer; waits for ever where there is no watchdog.
    async fn feed_watchdog(&self) {
        match health::watchdog() {
            Some(every) => self.health.feed(every).await,
            None => std::future::pending().await,
        }
    }

    /// The orderly stop. Each step has its deadline; what overruns it is left behind, and the next step begins.
    pub async fn stop(&self) {
        self.stops.intake.cancel();
        self.within(INTAKE_WITHIN, "local API", self.supervisor.ended(API)).await;
        self.stops.panels.cancel();
        self.within(PANELS_WITHIN, "panels", self.panels_ended()).await;
        self.stops.cloud.cancel();
        self.within(CLOUD_WITHIN, "cloud", self.supervisor.ended(CLOUD)).await;
        self.within(MAIL_WITHIN, "mail", self.supervisor.ended(MAIL)).await;
        self.within(STORE_WITHIN, "store", self.store.close()).await;
        tracing::info!("stopped");
    }

    async fn panels_ended(&self) {
        for id in self.actions.panel_ids() {
            self.supervisor.ended(&panel_unit(id.as_str())).await;
        }
    }

    async fn within(&self, deadline: Duration, step: &str, ended: impl Future<Output = ()>) {
        if timeout(deadline, ended).await.is_err() {
            tracing::warn!(step, "did not stop in time; it is left behind");
        }
    }
}

/// Names of the units, as `panelgate status` and the log show them.
const API: &str = "api";
const CLOUD: &str = "cloud";
const MAIL: &str = "mail";

fn panel_unit(panel: &str) -> String {
    format!("panel {panel}")
}

/// Keys and store. The folder belongs to the service's user alone.
async fn open(config: &Config) -> Result<(Arc<Keys>, Store), StartError> {
    make_private(&config.data_dir).map_err(|source| StartError::DataDir { path: config.data_dir.clone(), source })?;
    let keys = Arc::new(Keys::load(&KeySource::system(config.data_dir.join("panelgate.key")))?);
    let mut options = StoreOptions::new(&config.data_dir);
    options.outbox_max_bytes = config.store.outbox_max_bytes;
    options.outbox_max_rows = config.store.outbox_max_rows;
    options.history_rows = u32::try_from(config.store.history_rows).unwrap_or(u32::MAX);
    let opening = Arc::clone(&keys);
    let opened = tokio::task::spawn_blocking(move || Store::open(&options, opening)).await;
    let (store, opened) = opened.map_err(|error| StartError::Runtime(io::Error::other(error)))??;
    match &opened {
        Opened::Fresh => tracing::info!("a new database was made"),
        Opened::Existing => {}
        Opened::Recovered { .. } => tracing::error!(
            ?opened,
            "the database was damaged and is put aside; a new one is filled from the panels and the cloud"
        ),
    }
    Ok((keys, store))
}

/// The system user that the daemon runs as.
fn own_uid() -> Result<u32, StartError> {
    use std::os::unix::fs::MetadataExt;
    Ok(std::fs::metadata("/proc/self").map_err(StartError::Runtime)?.uid())
}

fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn watch_store(health: &mut Health, store: &Store) {
    let store = store.clone();
    health.watch("store", move || {
        let store = store.clone();
        async move {
            // An answer of any kind shows that the thread turns.
            let _ = store.read(|_| Ok(())).await;
        }
    });
}

fn start_panel(supervisor: &Supervisor, stops: &Stops, unit: PanelUnit) {
    let name = panel_unit(unit.id().as_str());
    supervisor.start(&name, stops.panels.clone(), move |stop| {
        let unit = unit.clone();
        async move { Ok(unit.run(stop).await?) }
    });
}

/// A unit that keeps an address open which no panel's owner opens.
fn start_listening(supervisor: &Supervisor, stops: &Stops, dialling: Dialling, listen: ListenSetup) {
    let name = format!("listen {}", listen.addr);
    supervisor.start(&name, stops.intake.clone(), move |stop| {
        let dialling = dialling.clone();
        async move {
            dialling.listen(&listen)?;
            stop.cancelled().await;
            Ok(())
        }
    });
}

/// Stops with the cloud: what goes to others goes on while the panels end.
fn start_post(supervisor: &Supervisor, stops: &Stops, post: Post) {
    supervisor.start(MAIL, stops.cloud.clone(), move |stop| {
        let post = post.clone();
        async move { Ok(post.run(stop).await?) }
    });
}

fn start_api(supervisor: &Supervisor, stops: &Stops, api: Api, socket: LocalSocket) {
    let socket = Arc::new(socket);
    supervisor.start(API, stops.intake.clone(), move |stop| {
        let (api, socket) = (api.clone(), Arc::clone(&socket));
        async move {
            api.serve(&socket, &stop).await;
            Ok(())
        }
    });
}
