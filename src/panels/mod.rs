//! One owner task per panel: the only place that holds a panel's state, talks to its driver and opens its link.
//!
//! Must never know MQTT, HTTP or a vendor. Start with [`PanelUnit::run`] in `owner/` (the loop), then `book/`
//! (what is known and wished, pure) and `reconcile.rs` (what to do next, pure).

mod backoff;
mod book;
#[cfg(test)]
mod book_test;
mod dialling;
mod journal;
mod owner;
mod reconcile;
mod supervision;

use std::collections::BTreeMap;
use std::sync::Arc;

use panel_driver::{Command, DriverFactory, Links, Outcome, Reply, WireLog};
use panel_model::{AccessCode, InstallerCode, PanelId, Password};
use tokio::sync::{Mutex, mpsc, oneshot, watch};

pub(crate) use book::Accepted;
pub use dialling::{Dialling, ListenSetup, PanelDoor, WantingPanel};
pub use panel_model::{Answer, PanelSnapshot, PanelStatus};
pub use supervision::SupervisionConfig;

use crate::secrets::Keys;
use crate::store::{Store, StoreError, Tx};

/// Who is right when the panel's users differ from the last accepted wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Authority {
    /// A person at the keypad is not overruled: the change is adopted and told.
    #[default]
    Panel,
    /// The wish is written again.
    Cloud,
}

/// All that is needed to look after one panel.
#[derive(Debug, Clone)]
pub struct PanelSetup {
    /// Our name of it.
    pub id: PanelId,
    /// Makes its drivers.
    pub factory: Arc<dyn DriverFactory>,
    /// Who is right when wish and panel differ.
    pub authority: Authority,
    /// Its timers.
    pub supervision: SupervisionConfig,
    /// Secrets from the configuration; taken into the store when they are new there.
    pub credentials: ConfiguredCredentials,
}

/// Secrets that the configuration names for a panel.
#[derive(Debug, Clone, Default)]
pub struct ConfiguredCredentials {
    /// Password of the communication module.
    pub password: Option<Password>,
    /// The panel's master code.
    pub master: Option<AccessCode>,
    /// The panel's installer code.
    pub installer: Option<InstallerCode>,
}

/// Names under which a panel's secrets are kept in the store.
pub(crate) mod secret_name {
    pub(crate) const PASSWORD: &str = "password";
    pub(crate) const MASTER: &str = "master";
    pub(crate) const PREVIOUS_MASTER: &str = "previous_master";
    /// The master code that the panel refused: not tried again, also after a restart.
    pub(crate) const REFUSED_MASTER: &str = "refused_master";
    pub(crate) const INSTALLER: &str = "installer";
    pub(crate) const NEXT_INSTALLER: &str = "next_installer";
}

/// Keeps a master code that the panel did not refuse, as far as anybody knows: given by a person, or about to be
/// written. That the panel refused the same digits once is forgotten, else they would never be tried again.
pub(crate) fn put_master(tx: &mut Tx<'_>, id: &PanelId, code: &str) -> Result<(), StoreError> {
    tx.delete_secret(id, secret_name::REFUSED_MASTER)?;
    tx.put_secret(id, secret_name::MASTER, code)
}

/// What can be asked of a panel's owner.
#[derive(Debug)]
enum PanelRequest {
    /// A command for now: refused when the panel is not connected.
    Command(Command, Reply),
    /// Wishes that an action stored.
    Accepted(Box<Accepted>),
    /// A secret in the store changed: connect again with it.
    CredentialsChanged,
    /// Somebody wants to know whether the owner still turns.
    Alive(oneshot::Sender<()>),
}

/// The way to one panel's owner.
#[derive(Debug, Clone)]
pub struct PanelHandle {
    requests: mpsc::Sender<PanelRequest>,
    picture: watch::Receiver<Arc<PanelSnapshot>>,
    wire: WireLog,
    factory_installer_codes: &'static [&'static str],
}

impl PanelHandle {
    /// The panel's picture, now and as it changes.
    #[must_use]
    pub fn snapshot(&self) -> watch::Receiver<Arc<PanelSnapshot>> {
        self.picture.clone()
    }

    /// The last bytes on its wire, masked.
    #[must_use]
    pub fn wire(&self) -> &WireLog {
        &self.wire
    }

    /// Installer codes that such panels leave the factory with.
    #[must_use]
    pub fn factory_installer_codes(&self) -> &'static [&'static str] {
        self.factory_installer_codes
    }

    /// Runs a command now. Waits for its outcome, which always comes.
    pub async fn command(&self, command: Command) -> Outcome {
        let (reply, outcome) = Reply::new();
        // An owner that is gone drops the reply, which answers.
        let _ = self.requests.send(PanelRequest::Command(command, reply)).await;
        outcome.await.unwrap_or_else(|oneshot::error::RecvError { .. }| Outcome::interrupted())
    }

    /// Tells the owner of wishes that are in the store already. If it is gone, it reads them at its next start.
    pub(crate) async fn accepted(&self, accepted: Accepted) {
        let _ = self.requests.send(PanelRequest::Accepted(Box::new(accepted))).await;
    }

    /// Completes when the owner's loop has turned once more; never, if it hangs or has ended.
    pub async fn turned(&self) {
        let (reply, answer) = oneshot::channel();
        if self.requests.send(PanelRequest::Alive(reply)).await.is_err() || answer.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Tells the owner that a secret in the store changed.
    pub(crate) async fn credentials_changed(&self) {
        let _ = self.requests.send(PanelRequest::CredentialsChanged).await;
    }
}

/// The ways to all panels' owners.
#[derive(Debug, Clone)]
pub struct Panels {
    handles: Arc<BTreeMap<PanelId, PanelHandle>>,
    dialling: Dialling,
}

impl Panels {
    /// Requests that may wait for one owner; when full, the asker waits.
    const WAITING_REQUESTS: usize = 32;

    /// Makes handles and the units to run behind them. `listening`: addresses to listen on besides those of the
    /// panels themselves.
    #[must_use]
    pub fn new(
        setups: Vec<PanelSetup>,
        listening: Vec<ListenSetup>,
        store: &Store,
        keys: &Arc<Keys>,
    ) -> (Self, Vec<PanelUnit>) {
        let dialling = Dialling::new(&setups, listening);
        let mut handles = BTreeMap::new();
        let mut units = Vec::new();
        for setup in setups {
            let (requests, receiver) = mpsc::channel(Self::WAITING_REQUESTS);
            let (publish, picture) = watch::channel(Arc::new(owner::blank_picture(&setup)));
            let wire = WireLog::default();
            let id = setup.id.clone();
            let factory_installer_codes = setup.factory.factory_installer_codes();
            units.push(PanelUnit(Arc::new(UnitParts {
                setup,
                store: store.clone(),
                keys: Arc::clone(keys),
                links: Arc::clone(dialling.links()),
                requests: Mutex::new(receiver),
                publish,
                wire: wire.clone(),
            })));
            handles.insert(id, PanelHandle { requests, picture, wire, factory_installer_codes });
        }
        (Self { handles: Arc::new(handles), dialling }, units)
    }

    /// The panels' names.
    pub fn ids(&self) -> impl Iterator<Item = &PanelId> {
        self.handles.keys()
    }

    /// The way to one panel.
    #[must_use]
    pub fn get(&self, id: &PanelId) -> Option<&PanelHandle> {
        self.handles.get(id)
    }

    /// All panels by name.
    pub fn iter(&self) -> impl Iterator<Item = (&PanelId, &PanelHandle)> {
        self.handles.iter()
    }

    /// The panels that dial us, known or not.
    #[must_use]
    pub fn dialling(&self) -> &Dialling {
        &self.dialling
    }
}

/// One panel's owner, to be run by the supervisor; may be run again after a crash.
#[derive(Debug, Clone)]
pub struct PanelUnit(Arc<UnitParts>);

#[derive(Debug)]
struct UnitParts {
    setup: PanelSetup,
    store: Store,
    keys: Arc<Keys>,
    links: Arc<Links>,
    /// Behind a lock so that a run after a crash takes over the same queue.
    requests: Mutex<mpsc::Receiver<PanelRequest>>,
    publish: watch::Sender<Arc<PanelSnapshot>>,
    wire: WireLog,
}

impl PanelUnit {
    /// The panel's name.
    #[must_use]
    pub fn id(&self) -> &PanelId {
        &self.0.setup.id
    }
}
