//! The driver and the simulated module over real connections, one for each request.

use std::net::SocketAddr;
use std::time::Duration;

use driver_visonic::VisonicFactory;
use driver_visonic::sim::jsonrpc::{JsonRpcSimulator, ServiceConfig};
use panel_driver::sim::{Poke, ServeOn, SimServer};
use panel_driver::{
    Command, CommandId, CommandRequest, DriverError, DriverEvent, DriverFactory, DriverPort, Links, Outcome, Reply,
    Section, Stamped, WireLog,
};
use panel_model::Evidence;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::bench::{config, service, set_user, start};

const PATIENCE: Duration = Duration::from_secs(20);

/// A driver that runs, and its owner's end.
struct Owner {
    commands: mpsc::Sender<CommandRequest>,
    events: mpsc::Receiver<Stamped>,
    wire: WireLog,
    cancel: CancellationToken,
    driver: tokio::task::JoinHandle<DriverError>,
}

impl Owner {
    #[allow(clippy::disallowed_methods, reason = "the test waits for the task")]
    async fn start(addr: SocketAddr) -> Self {
        let json = format!(
            r#"{{"transport":"jsonrpc","host":"127.0.0.1","port":{},"model":"PowerMaster 10","partitions":[1,2],"zones":8,"experimental":true}}"#,
            addr.port()
        );
        let factory = VisonicFactory::new(config(&json));
        let link = Links::default().open(factory.link(), factory.identify()).await.expect("the module listens");
        let (commands, inbox) = mpsc::channel(4);
        let (outbox, events) = mpsc::channel(256);
        let (wire, cancel) = (WireLog::default(), CancellationToken::new());
        let (_, kept) = watch::channel(0);
        let port = DriverPort { commands: inbox, events: outbox, cancel: cancel.clone(), wire: wire.clone(), kept };
        let driver = tokio::spawn(factory.driver(start()).run(link, port));
        Self { commands, events, wire, cancel, driver }
    }

    async fn until(&mut self, wanted: impl Fn(&DriverEvent) -> bool) -> DriverEvent {
        let wait = async {
            loop {
                let event = self.events.recv().await.expect("the driver runs").event;
                if wanted(&event) {
                    return event;
                }
            }
        };
        timeout(PATIENCE, wait).await.expect("the event comes")
    }

    async fn ask(&mut self, command: Command) -> Outcome {
        let (reply, outcome) = Reply::new();
        self.commands.send(CommandRequest { id: CommandId(1), command, reply }).await.expect("the driver runs");
        let drain = async { while self.events.recv().await.is_some() {} };
        tokio::select! {
            biased;
            outcome = timeout(PATIENCE, outcome) => outcome.expect("in time").expect("an outcome"),
            () = drain => panic!("the driver ended"),
        }
    }
}

#[tokio::test]
async fn a_code_is_set_over_connections_that_close_after_each_answer() {
    let quick = (Duration::from_millis(1), Duration::from_millis(3));
    let module = ServiceConfig { latency: quick, memory_latency: Duration::ZERO, keep_open: false, ..service() };
    let (happened, _told) = mpsc::channel(256);
    let module = JsonRpcSimulator::new(module).expect("a possible panel");
    let server =
        SimServer::start(Box::new(module), ServeOn::Listen("127.0.0.1:0".into()), happened).await.expect("served");
    let mut owner = Owner::start(server.addr().expect("an address")).await;
    owner.until(|event| matches!(event, DriverEvent::Snapshot(_))).await;
    owner.until(|event| matches!(event, DriverEvent::User(user) if user.slot.number() == 8)).await;
    let read_back = Outcome::Applied(Evidence::ReadBack);
    assert_eq!(owner.ask(set_user(7, Some("4739"), Some("2"))).await, read_back);
    assert_eq!(owner.ask(Command::Refresh(Section::State)).await, read_back);
    let users = server.handle().users().await;
    let set = users.as_array().into_iter().flatten().find(|user| user["slot"] == 7).cloned().unwrap_or_default();
    assert_eq!((set["code"].as_str(), &set["partitions"]), (Some("4739"), &serde_json::json!([2])));
    let wire: String =
        owner.wire.entries().iter().map(|(_, entry)| String::from_utf8_lossy(&entry.masked).into_owned()).collect();
    assert!(wire.contains("setUserCode") && !wire.contains("4739") && !wire.contains("7391"), "{wire}");
    owner.cancel.cancel();
    let end = timeout(PATIENCE, owner.driver).await.expect("in time").expect("no panic");
    assert_eq!(end, DriverError::Shutdown);
    server.stop().await;
}

#[tokio::test]
async fn a_module_that_is_gone_ends_the_link() {
    let quick = (Duration::from_millis(1), Duration::from_millis(3));
    let module = ServiceConfig { latency: quick, memory_latency: Duration::ZERO, keep_open: false, ..service() };
    let (happened, _told) = mpsc::channel(256);
    let module = JsonRpcSimulator::new(module).expect("a possible panel");
    let server =
        SimServer::start(Box::new(module), ServeOn::Listen("127.0.0.1:0".into()), happened).await.expect("served");
    let mut owner = Owner::start(server.addr().expect("an address")).await;
    owner.until(|event| matches!(event, DriverEvent::User(user) if user.slot.number() == 8)).await;
    server.stop().await;
    let outcome = owner.ask(Command::Refresh(Section::State)).await;
    assert_eq!(outcome, Outcome::interrupted());
    let end = timeout(PATIENCE, owner.driver).await.expect("in time").expect("no panic");
    assert!(matches!(&end, DriverError::Link(error) if error.to_string().contains("nothing listens")), "{end:?}");
}

#[tokio::test]
async fn a_connection_that_is_closed_without_an_answer_is_a_failure_at_once() {
    let quick = (Duration::from_millis(1), Duration::from_millis(3));
    let module = ServiceConfig { latency: quick, memory_latency: Duration::ZERO, keep_open: false, ..service() };
    let (happened, _told) = mpsc::channel(256);
    let module = JsonRpcSimulator::new(module).expect("a possible panel");
    let server =
        SimServer::start(Box::new(module), ServeOn::Listen("127.0.0.1:0".into()), happened).await.expect("served");
    let mut owner = Owner::start(server.addr().expect("an address")).await;
    owner.until(|event| matches!(event, DriverEvent::User(user) if user.slot.number() == 8)).await;
    let drop_some = |count: &str| Poke::Fault(vec!["drop".into(), count.into()]);
    server.handle().poke(drop_some("1")).await.expect("a fault");
    // An answer that does not come is waited for half a minute, which is longer than `ask` waits.
    let outcome = owner.ask(set_user(7, Some("4739"), None)).await;
    assert!(matches!(&outcome, Outcome::Failed(error) if error.code == "hung_up" && error.retry), "{outcome:?}");
    let read_back = Outcome::Applied(Evidence::ReadBack);
    assert_eq!(owner.ask(set_user(7, Some("4739"), None)).await, read_back);
    // A reading is begun anew by itself. Without the tags, which are asked for first, it would have been whole.
    server.handle().poke(drop_some("2")).await.expect("a fault");
    let outcome = owner.ask(Command::Refresh(Section::Users)).await;
    assert!(matches!(&outcome, Outcome::Failed(error) if error.code == "hung_up"), "{outcome:?}");
    owner.until(|event| matches!(event, DriverEvent::User(user) if user.slot.number() == 8)).await;
    // One that closes every connection is left alone for a while, by its owner.
    server.handle().poke(drop_some("9")).await.expect("a fault");
    owner.ask(Command::Refresh(Section::Users)).await;
    let end = timeout(PATIENCE, owner.driver).await.expect("in time").expect("no panic");
    assert!(matches!(&end, DriverError::Unresponsive(text) if text.contains("hung up")), "{end:?}");
    server.stop().await;
}
