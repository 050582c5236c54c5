//! A door on a workbench: a real store, one panel whose owner does not run, and people in any role.

use std::sync::Arc;
use std::time::Duration;

use panel_driver::{BoxFuture, DriverError, DriverFactory, DriverPort, DriverStart, Link, LinkConfig, PanelDriver};
use panel_model::{Capabilities, Refusal};
use tempfile::TempDir;

use super::{Action, Actions, Directory, Done, PeopleSetup, Refused, samples};
use crate::access::{Actor, LocalAccess, Name, role_name};
use crate::panels::{Authority, ConfiguredCredentials, PanelSetup, Panels, SupervisionConfig};
use crate::secrets::Keys;
use crate::store::{LogLine, Store, StoreError, StoreOptions, Tx, Urgency};

/// The system user that the daemon of the bench runs as.
pub(super) const OWN_UID: u32 = 990;

pub(super) struct Bench {
    pub(super) store: Store,
    pub(super) keys: Arc<Keys>,
    panels: Panels,
    folder: TempDir,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::open(tempfile::tempdir().expect("a folder"))
    }

    fn open(folder: TempDir) -> Self {
        let keys = Arc::new(Keys::from_bytes([7; 32]));
        let (store, _) = Store::open(&StoreOptions::new(folder.path()), Arc::clone(&keys)).expect("opened");
        let minute = Duration::from_secs(60);
        let setup = PanelSetup {
            id: samples::PANEL.parse().expect("a panel id"),
            factory: Arc::new(Still(LinkConfig::Tcp { host: "127.0.0.1".into(), port: 1 })),
            authority: Authority::Panel,
            supervision: SupervisionConfig { period: minute, offline_after: 3 * minute },
            credentials: ConfiguredCredentials::default(),
        };
        // Without the unit, commands are answered at once: the panel is not there.
        let (panels, _) = Panels::new(vec![setup], Vec::new(), &store, &keys);
        Self { store, keys, panels, folder }
    }

    /// What is left after a power cut, started again.
    pub(super) async fn again(self) -> Self {
        self.store.close().await;
        Self::open(self.folder)
    }

    /// The door, where the box's users have that role.
    pub(super) fn door(&self, role: &str) -> Actions {
        let local = LocalAccess {
            own_uid: OWN_UID,
            role: role.parse().expect("a name"),
            company: Some("acme-north".parse().expect("an id")),
        };
        let people = PeopleSetup { mail: None, link_base: "https://box".into(), accounts: Directory::Own };
        Actions::new("site-1".into(), self.store.clone(), self.panels.clone(), Arc::clone(&self.keys), local, people)
    }

    /// Has something done by a system user in a role. Super Admin is the system's own user.
    pub(super) async fn act(&self, role: &str, uid: u32, action: Action) -> Result<Done, Refused> {
        let uid = if role == role_name::SUPER_ADMIN { 0 } else { uid };
        self.door(role).perform(&person(uid), action).await
    }

    pub(super) async fn refusal(&self, role: &str, uid: u32, action: Action) -> Option<Refusal> {
        self.act(role, uid, action).await.err().map(|refused| refused.refusal)
    }

    pub(super) async fn put<F>(&self, work: F)
    where
        F: FnOnce(&mut Tx<'_>) -> Result<(), StoreError> + Send + 'static,
    {
        self.store.write(Urgency::Now, work).await.expect("stored");
    }

    pub(super) async fn permits(&self, role: &str) -> Option<Vec<&'static str>> {
        let role = role.to_owned();
        let role = self.store.read(move |view| view.role(&role)).await.expect("read");
        role.map(|role| role.permissions.iter().map(|p| p.name()).collect())
    }

    pub(super) async fn log(&self) -> Vec<LogLine> {
        self.store.read(|view| view.log_lines(0, usize::MAX)).await.expect("read")
    }
}

pub(super) fn person(uid: u32) -> Actor {
    Actor::system(format!("user-{uid}"), uid)
}

pub(super) fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

/// Makes drivers that are never run.
#[derive(Debug)]
struct Still(LinkConfig);

impl DriverFactory for Still {
    fn vendor(&self) -> &'static str {
        "still"
    }

    fn capabilities(&self) -> Capabilities {
        super::rules_test::capabilities()
    }

    fn link(&self) -> &LinkConfig {
        &self.0
    }

    fn driver(&self, _: DriverStart) -> Box<dyn PanelDriver> {
        Box::new(Stopped)
    }
}

struct Stopped;

impl PanelDriver for Stopped {
    fn run(self: Box<Self>, _: Link, _: DriverPort) -> BoxFuture<'static, DriverError> {
        Box::pin(async { DriverError::Shutdown })
    }
}
