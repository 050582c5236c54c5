//! The owner's loop with a driver that does as it is told, over a loopback socket.

use std::sync::Arc;
use std::time::Duration;

use panel_driver::{
    BoxFuture, Command, DriverError, DriverEvent, DriverFactory, DriverPort, DriverStart, Link, LinkConfig, LinkError,
    Outcome, PanelDriver, Section, Stamped, clock,
};
use panel_model::{
    AccessCode, Capabilities, CodeState, DesiredUser, EventKind, Evidence, PanelError, PanelEvent, PanelId,
    PanelSnapshot, PanelState, PanelStatus, Partition, Slot, UserWish, Zone, ZoneState,
};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::super::book::Accepted;
use super::super::{Authority, ConfiguredCredentials, PanelHandle, PanelSetup, Panels, SupervisionConfig, put_master};
use crate::secrets::Keys;
use crate::store::{EventQuery, NewEvent, OutboxSeq, Store, StoreError, StoreOptions, Tx, Urgency};

const SOON: Duration = Duration::from_secs(20);
const MASTER: &str = "1234";

/// How the first run takes its first command; the others carry commands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    Works,
    Breaks,
    RefusesMaster,
    /// Carries commands out, and tells of more than anybody can store all the while.
    Floods,
}

#[derive(Debug)]
struct Fake {
    link: LinkConfig,
    first: First,
    runs: watch::Sender<u32>,
}

struct Run(Option<First>);

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
        Box::new(Run((*self.runs.borrow() == 1).then_some(self.first)))
    }
}

impl PanelDriver for Run {
    fn run(self: Box<Self>, _link: Link, mut port: DriverPort) -> BoxFuture<'static, DriverError> {
        Box::pin(async move {
            let event = DriverEvent::Snapshot(Box::default());
            let _ = port.events.send(Stamped { at: clock::now(), wall: clock::wall(), event }).await;
            if self.0 == Some(First::Floods) {
                return flood(port).await;
            }
            loop {
                tokio::select! {
                    () = port.cancel.cancelled() => return DriverError::Shutdown,
                    Some(request) = port.commands.recv() => {
                        let outcome = match self.0 {
                            Some(First::Breaks) => return LinkError::closed().into(),
                            Some(First::RefusesMaster) => {
                                Outcome::Failed(PanelError::lasting("master_code_needed", "not this one"))
                            }
                            Some(First::Works | First::Floods) | None => Outcome::Applied(Evidence::Acknowledged),
                        };
                        request.reply.complete(outcome);
                    }
                }
            }
        })
    }
}

/// A zone that opens and closes for ever.
async fn flood(mut port: DriverPort) -> DriverError {
    for n in 0_u64.. {
        let kind = if n % 2 == 0 { EventKind::ZoneOpened } else { EventKind::ZoneClosed };
        let event = DriverEvent::Happened(PanelEvent::new(kind).zone(Zone::new(1).expect("in range")));
        tokio::select! {
            biased;
            () = port.cancel.cancelled() => break,
            Some(request) = port.commands.recv() => {
                request.reply.complete(Outcome::Applied(Evidence::Acknowledged));
            }
            _ = port.events.send(Stamped { at: clock::now(), wall: clock::wall(), event }) => {}
        }
    }
    DriverError::Shutdown
}

fn panel() -> PanelId {
    "p".parse().expect("an id")
}

struct Bench {
    store: Store,
    handle: PanelHandle,
    keys: Arc<Keys>,
    runs: watch::Receiver<u32>,
    _socket: TcpListener,
    _folder: tempfile::TempDir,
    _tasks: JoinSet<()>,
}

impl Bench {
    async fn start(first: First) -> Self {
        Self::start_on(first, None, |_| Ok(())).await
    }

    /// The same with a disk that has room for so many pages, and with something in the store from an earlier run.
    async fn start_on<F>(first: First, max_pages: Option<u32>, earlier: F) -> Self
    where
        F: FnOnce(&mut Tx<'_>) -> Result<(), StoreError> + Send + 'static,
    {
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = socket.local_addr().expect("an address").port();
        let folder = tempfile::tempdir().expect("a folder");
        let keys = Arc::new(Keys::from_bytes([7; 32]));
        let options = StoreOptions { max_pages, ..StoreOptions::new(folder.path()) };
        let (store, _) = Store::open(&options, Arc::clone(&keys)).expect("a store");
        store.write(Urgency::Now, earlier).await.expect("it is stored");
        let (runs, seen) = watch::channel(0);
        let minute = Duration::from_secs(60);
        let setup = PanelSetup {
            id: panel(),
            factory: Arc::new(Fake { link: LinkConfig::Tcp { host: "127.0.0.1".into(), port }, first, runs }),
            authority: Authority::Panel,
            supervision: SupervisionConfig { period: minute, offline_after: 3 * minute },
            credentials: ConfiguredCredentials {
                master: Some(AccessCode::new(MASTER.into())),
                ..ConfiguredCredentials::default()
            },
        };
        let (panels, units) = Panels::new(vec![setup], Vec::new(), &store, &keys);
        let (_, handle) = panels.iter().next().expect("a panel");
        let mut tasks = JoinSet::new();
        for unit in units {
            tasks.spawn(async move { unit.run(CancellationToken::new()).await.expect("the store can be read") });
        }
        Self { store, handle: handle.clone(), keys, runs: seen, _socket: socket, _folder: folder, _tasks: tasks }
    }

    async fn set_code(&self) {
        let code = AccessCode::new("4821".into());
        let code_hash = Some(self.keys.code_hash(&panel(), code.expose()));
        let wish = UserWish::Present { code: Some(code), label: None, role: None, partitions: None };
        let accepted = Accepted {
            wishes: vec![DesiredUser { slot: slot(), version: 1, wish, code_hash }],
            answered: vec![slot()],
            desired_version: 1,
            ..Accepted::default()
        };
        self.handle.accepted(accepted).await;
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

fn has_code(now: &PanelSnapshot) -> bool {
    now.users.get(&slot()).is_some_and(|user| user.code.value == CodeState::Set)
}

fn slot() -> Slot {
    Slot::new(4).expect("in range")
}

#[tokio::test]
async fn new_credentials_bring_a_connected_panel_back() {
    let mut bench = Bench::start(First::Breaks).await;
    bench.until("a connection", |now| now.status == PanelStatus::Online).await;
    bench.handle.credentials_changed().await;
    bench.until_run(2).await;
    bench.until("the panel again", |now| now.status == PanelStatus::Online).await;
}

#[tokio::test]
async fn a_step_that_a_broken_line_interrupted_is_repeated_as_soon_as_the_panel_is_back() {
    let mut bench = Bench::start(First::Breaks).await;
    bench.until("a connection", |now| now.status == PanelStatus::Online).await;
    bench.set_code().await;
    bench.until_run(2).await;
    bench.until("the code", has_code).await;
}

#[tokio::test]
async fn a_refused_master_code_is_tried_again_when_a_person_gives_it_again() {
    let mut bench = Bench::start(First::RefusesMaster).await;
    bench.until("a connection", |now| now.status == PanelStatus::Online).await;
    bench.set_code().await;
    bench.until("what to do", |now| now.needs.is_some()).await;
    let given = bench.store.write(Urgency::Now, |tx| put_master(tx, &panel(), MASTER)).await;
    given.expect("it is stored");
    bench.handle.credentials_changed().await;
    bench.until_run(2).await;
    bench.until("the code", has_code).await;
}

/// Fills the database until the smallest record has no place any more. What can be taken away to make room again.
async fn fill(store: &Store) -> Vec<OutboxSeq> {
    let mut filler = Vec::new();
    for size in [5_000, 500, 50, 5, 1] {
        let body = serde_json::json!("x".repeat(size));
        loop {
            let body = body.clone();
            match store.write(Urgency::Now, move |tx| tx.push_delta(&panel(), 1, 2, body)).await {
                Ok(seq) => filler.push(seq),
                Err(error) => {
                    assert!(matches!(error, StoreError::Full), "{error}");
                    break;
                }
            }
        }
    }
    filler
}

#[tokio::test]
async fn a_full_disk_keeps_nobody_from_commanding_the_panel() {
    let bench = Bench::start_on(First::Works, Some(100), |_| Ok(())).await;
    bench.until("a connection", |now| now.status == PanelStatus::Online).await;
    let filler = fill(&bench.store).await;
    let failed = bench.store.stats().failed;
    bench.set_code().await;
    let stuck = async {
        while bench.store.stats().failed == failed {
            bench.handle.turned().await;
        }
    };
    timeout(SOON, stuck).await.expect("the store refuses what became of the wish");
    let disarm = Command::Disarm { partition: Partition::new(1).expect("in range"), code: AccessCode::new("1".into()) };
    let outcome = timeout(SOON, bench.handle.command(disarm)).await.expect("an answer");
    assert_eq!(outcome, Outcome::Applied(Evidence::Acknowledged));
    timeout(SOON, bench.handle.turned()).await.expect("the loop turns");
    assert!(!has_code(&bench.handle.snapshot().borrow()), "nothing is shown that is not on the disk");
    bench.store.write(Urgency::Now, move |tx| tx.outbox_ack(&filler)).await.expect("deleted");
    bench.until("the code", has_code).await;
    assert!(bench.handle.snapshot().borrow().status == PanelStatus::Online);
}

#[tokio::test]
async fn a_panel_that_never_stops_talking_keeps_nobody_from_commands_nor_from_the_watchdog() {
    let bench = Bench::start(First::Floods).await;
    bench.until("a connection", |now| now.status == PanelStatus::Online).await;
    for _ in 0..20 {
        timeout(SOON, bench.handle.turned()).await.expect("the owner's loop turns");
        let outcome = timeout(SOON, bench.handle.command(Command::Refresh(Section::State))).await;
        assert_eq!(outcome, Ok(Outcome::Applied(Evidence::Acknowledged)));
    }
}

#[tokio::test]
async fn a_panel_that_was_told_offline_before_a_restart_is_told_online_after_it() {
    let bench = Bench::start_on(First::Breaks, None, |tx| {
        let mut seen = PanelState::default();
        seen.zones.insert(Zone::new(1).expect("in range"), ZoneState::default());
        tx.put_panel_state(&panel(), &PanelState::default(), &seen)?;
        let event = PanelEvent::new(EventKind::PanelOffline);
        tx.add_event(NewEvent { panel: panel(), at: clock::wall(), event })?;
        Ok(())
    })
    .await;
    bench.until("a connection", |now| now.status == PanelStatus::Online).await;
    let events = bench.store.read(|view| view.events(&EventQuery::default())).await.expect("read");
    let kinds: Vec<_> = events.iter().map(|stored| stored.event.kind).collect();
    assert!(kinds.contains(&EventKind::PanelOnline), "{kinds:?}");
}
