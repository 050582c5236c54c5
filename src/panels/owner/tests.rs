//! The owner's loop with a driver that does as it is told, over a loopback socket.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use panel_driver::{
    BoxFuture, DriverError, DriverEvent, DriverFactory, DriverPort, DriverStart, Link, LinkConfig, LinkError, Outcome,
    PanelDriver, Stamped, clock,
};
use panel_model::{
    AccessCode, Capabilities, CodeState, DesiredUser, Evidence, PanelSnapshot, PanelStatus, Slot, UserWish,
};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::super::book::Accepted;
use super::super::{Authority, ConfiguredCredentials, PanelHandle, PanelSetup, Panels, SupervisionConfig};
use crate::secrets::Keys;
use crate::store::{Store, StoreOptions};

const SOON: Duration = Duration::from_secs(20);

/// Its first run breaks at the first command, the others carry commands out.
#[derive(Debug)]
struct Fake {
    link: LinkConfig,
    runs: watch::Sender<u32>,
}

struct Run {
    breaks: bool,
}

impl DriverFactory for Fake {
    fn vendor(&self) -> &'static str {
        "fake"
    }

    fn capabilities(&self) -> Capabilities {
        super::super::reconcile::tests::capabilities()
    }

    fn link(&self) -> &LinkConfig {
        &self.link
    }

    fn driver(&self, _start: DriverStart) -> Box<dyn PanelDriver> {
        self.runs.send_modify(|n| *n += 1);
        Box::new(Run { breaks: *self.runs.borrow() == 1 })
    }
}

impl PanelDriver for Run {
    fn run(self: Box<Self>, _link: Link, mut port: DriverPort) -> BoxFuture<'static, DriverError> {
        Box::pin(async move {
            let event = DriverEvent::Snapshot(Box::default());
            let _ = port.events.send(Stamped { at: clock::now(), wall: clock::wall(), event }).await;
            loop {
                tokio::select! {
                    () = port.cancel.cancelled() => return DriverError::Shutdown,
                    Some(request) = port.commands.recv() => {
                        if self.breaks {
                            return LinkError::closed().into();
                        }
                        request.reply.complete(Outcome::Applied(Evidence::Acknowledged));
                    }
                }
            }
        })
    }
}

struct Bench {
    handle: PanelHandle,
    keys: Arc<Keys>,
    runs: watch::Receiver<u32>,
    _socket: TcpListener,
    _folder: tempfile::TempDir,
    _tasks: JoinSet<()>,
}

impl Bench {
    async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = socket.local_addr().expect("an address").port();
        let folder = tempfile::tempdir().expect("a folder");
        let keys = Arc::new(Keys::from_bytes([7; 32]));
        let (store, _) = Store::open(&StoreOptions::new(folder.path()), Arc::clone(&keys)).expect("a store");
        let (runs, seen) = watch::channel(0);
        let minute = Duration::from_secs(60);
        let setup = PanelSetup {
            id: "p".parse().expect("an id"),
            factory: Arc::new(Fake { link: LinkConfig::Tcp { host: "127.0.0.1".into(), port }, runs }),
            authority: Authority::Panel,
            supervision: SupervisionConfig { period: minute, offline_after: 3 * minute },
            credentials: ConfiguredCredentials::default(),
        };
        let (panels, units) = Panels::new(vec![setup], &store, &keys);
        let (_, handle) = panels.iter().next().expect("a panel");
        let mut tasks = JoinSet::new();
        for unit in units {
            tasks.spawn(async move { unit.run(CancellationToken::new()).await.expect("the store can be read") });
        }
        Self { handle: handle.clone(), keys, runs: seen, _socket: socket, _folder: folder, _tasks: tasks }
    }

    async fn until(&self, what: &str, is: impl Fn(&PanelSnapshot) -> bool) {
        let mut picture = self.handle.snapshot();
        let seen = timeout(SOON, picture.wait_for(|now| is(now))).await;
        assert!(seen.is_ok_and(|seen| seen.is_ok()), "waiting for {what}");
    }

    async fn until_run(&mut self, number: u32) {
        let seen = timeout(SOON, self.runs.wait_for(|n| *n >= number)).await;
        assert!(seen.is_ok_and(|seen| seen.is_ok()), "waiting for run {number}");
    }
}

#[tokio::test]
async fn new_credentials_bring_a_connected_panel_back() {
    let mut bench = Bench::start().await;
    bench.until("a connection", |now| now.status == PanelStatus::Online).await;
    bench.handle.credentials_changed().await;
    bench.until_run(2).await;
    bench.until("the panel again", |now| now.status == PanelStatus::Online).await;
}

#[tokio::test]
async fn a_step_that_a_broken_line_interrupted_is_repeated_as_soon_as_the_panel_is_back() {
    let mut bench = Bench::start().await;
    bench.until("a connection", |now| now.status == PanelStatus::Online).await;
    let slot = Slot::new(4).expect("in range");
    let code = AccessCode::new("4821".into());
    let code_hash = Some(bench.keys.code_hash(&"p".parse().expect("an id"), code.expose()));
    let wish = UserWish::Present { code: Some(code), label: None, role: None, partitions: None };
    let accepted = Accepted {
        wishes: vec![DesiredUser { slot, version: 1, wish, code_hash }],
        answered: vec![slot],
        answers: BTreeMap::new(),
        desired_version: 1,
        ..Accepted::default()
    };
    bench.handle.accepted(accepted).await;
    bench.until_run(2).await;
    let set = |now: &PanelSnapshot| now.users.get(&slot).is_some_and(|user| user.code.value == CodeState::Set);
    bench.until("the code", set).await;
}
