//! The driver as the daemon runs it: factory, link, port.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use driver_visonic::codec::{Decoder, Frame};
use driver_visonic::message::{Form, HostMessage, PanelMessage};
use driver_visonic::sim::{Model, SimConfig, Timings, VisonicSimulator};
use driver_visonic::{RawConfig, VisonicFactory};
use panel_driver::link::open;
use panel_driver::sim::{ServeOn, SimServer};
use panel_driver::{DriverError, DriverEvent, DriverFactory, DriverPort, DriverStart, Link, Stamped, WireLog};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

fn factory() -> VisonicFactory {
    let json = r#"{"host":"moxa","port":4001,"model":"PowerMax Pro"}"#;
    let raw: RawConfig = serde_json::from_str(json).expect("json");
    VisonicFactory::new(raw.validate().expect("valid"))
}

struct Running {
    panel: DuplexStream,
    decoder: Decoder,
    events: mpsc::Receiver<Stamped>,
    cancel: CancellationToken,
    _commands: mpsc::Sender<panel_driver::CommandRequest>,
    end: tokio::task::JoinHandle<DriverError>,
}

#[allow(clippy::disallowed_methods, reason = "the test awaits the task")]
fn run() -> Running {
    let (ours, panel) = tokio::io::duplex(4096);
    let (commands, command_receiver) = mpsc::channel(8);
    let (event_sender, events) = mpsc::channel(64);
    let cancel = CancellationToken::new();
    let port = DriverPort {
        commands: command_receiver,
        events: event_sender,
        cancel: cancel.clone(),
        wire: WireLog::default(),
        kept: watch::channel(0).1,
    };
    let driver = factory().driver(DriverStart::default());
    let end = tokio::spawn(driver.run(Link::new(ours), port));
    Running { panel, decoder: Decoder::default(), events, cancel, _commands: commands, end }
}

impl Running {
    /// The next message that is no acknowledgement.
    async fn hears(&mut self) -> HostMessage {
        loop {
            while let Some(frame) = self.decoder.next_frame() {
                match HostMessage::decode(&frame.expect("good frames")).expect("known messages") {
                    HostMessage::Ack(_) => {}
                    message => return message,
                }
            }
            let mut bytes = [0; 64];
            let n = self.panel.read(&mut bytes).await.expect("the driver speaks");
            assert!(n > 0, "the driver hung up");
            self.decoder.push(&bytes[..n]);
        }
    }

    async fn says(&mut self, message: PanelMessage) {
        let frame: Frame = message.encode();
        self.panel.write_all(&frame.encode()).await.expect("the driver listens");
    }
}

#[tokio::test(start_paused = true)]
async fn it_comes_online_tells_a_snapshot_and_stops_when_asked() {
    let mut run = run();
    assert_eq!(run.hears().await, HostMessage::ExitDownload);
    run.says(PanelMessage::Ack(Form::Plain)).await;
    assert_eq!(run.hears().await, HostMessage::GetStatus(0x3F));
    run.says(PanelMessage::Ack(Form::PowerLink)).await;
    for part in 1..=6 {
        run.says(PanelMessage::Status { total: 6, part, data: [0; 8] }).await;
    }
    let snapshot = loop {
        match run.events.recv().await.expect("an event").event {
            DriverEvent::Snapshot(state) => break state,
            DriverEvent::Alive => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(snapshot.partitions.len(), 1);
    run.cancel.cancel();
    assert_eq!(run.end.await.expect("no panic"), DriverError::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn a_panel_that_says_nothing_is_no_broken_link() {
    let mut run = run();
    let mut silence = Vec::new();
    run.panel.read_to_end(&mut silence).await.expect("until it gives up");
    assert!(matches!(run.end.await.expect("no panic"), DriverError::Unresponsive(_)));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_breaks_is_a_broken_link() {
    let mut run = run();
    run.hears().await;
    drop(run.panel);
    assert!(matches!(run.end.await.expect("no panic"), DriverError::Link(_)));
}

#[test]
fn the_factory_says_what_the_panel_can_do() {
    let factory = factory();
    assert_eq!(factory.vendor(), "visonic");
    assert_eq!(factory.link().to_string(), "tcp moxa:4001");
    let capabilities = factory.capabilities();
    assert_eq!(capabilities.model, "PowerMax Pro");
    assert_eq!(capabilities.all_slots().count(), 8);
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "the test awaits the task")]
async fn over_tcp_it_comes_online_and_reads_the_simulated_panel() {
    let mut config = SimConfig::new(Model::PowerMaster10);
    config.timings = Timings::fast();
    let simulator = Box::new(VisonicSimulator::new(config).expect("a possible panel"));
    let (happened, _watch) = mpsc::channel(1024);
    let on = ServeOn::Listen("127.0.0.1:0".parse().expect("an address"));
    let server = SimServer::start(simulator, on, happened).await.expect("a port");
    let port = server.addr().expect("listening").port();
    let json = format!(r#"{{"host":"127.0.0.1","port":{port},"model":"PowerMaster 10","zones":8}}"#);
    let raw: RawConfig = serde_json::from_str(&json).expect("json");
    let factory = VisonicFactory::new(raw.validate().expect("valid"));
    let link = open(factory.link()).await.expect("open");
    let (_commands, command_receiver) = mpsc::channel(8);
    let (event_sender, mut events) = mpsc::channel(64);
    let cancel = CancellationToken::new();
    let port = DriverPort {
        commands: command_receiver,
        events: event_sender,
        cancel: cancel.clone(),
        wire: WireLog::default(),
        kept: watch::channel(0).1,
    };
    let end = tokio::spawn(factory.driver(DriverStart::default()).run(link, port));
    let mut users = 0;
    let read = async {
        while users < 8 {
            let event = events.recv().await.expect("the driver runs").event;
            users += usize::from(matches!(event, DriverEvent::User(_)));
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), read).await.expect("users within half a minute");
    cancel.cancel();
    let drain = async { while events.recv().await.is_some() {} };
    let (end, ()) = tokio::join!(end, drain);
    assert_eq!(end.expect("no panic"), DriverError::Shutdown);
    server.stop().await;
}
