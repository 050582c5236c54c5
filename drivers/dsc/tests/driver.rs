//! The driver as the daemon runs it: factory, link, port.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use driver_dsc::{DscFactory, RawConfig};
use panel_driver::{DriverError, DriverEvent, DriverFactory, DriverPort, DriverStart, Link, Stamped, WireLog};
use panel_model::Password;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

fn factory() -> DscFactory {
    let json = r#"{"interface":"envisalink","host":"evl","model":"PC1616"}"#;
    let raw: RawConfig = serde_json::from_str(json).expect("json");
    DscFactory::new(raw.validate().expect("valid"))
}

struct Running {
    module: DuplexStream,
    events: mpsc::Receiver<Stamped>,
    cancel: CancellationToken,
    _commands: mpsc::Sender<panel_driver::CommandRequest>,
    end: tokio::task::JoinHandle<DriverError>,
}

#[allow(clippy::disallowed_methods, reason = "the test awaits the task")]
fn run() -> Running {
    let (ours, module) = tokio::io::duplex(4096);
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
    let mut start = DriverStart::default();
    start.credentials.password = Some(Password::new("user".into()));
    let driver = factory().driver(start);
    let end = tokio::spawn(driver.run(Link::new(ours), port));
    Running { module, events, cancel, _commands: commands, end }
}

async fn hears(module: &mut DuplexStream, line: &str) {
    let mut bytes = vec![0; line.len() + 2];
    module.read_exact(&mut bytes).await.expect("the driver speaks");
    assert_eq!(String::from_utf8_lossy(&bytes), format!("{line}\r\n"));
}

#[tokio::test(start_paused = true)]
async fn it_logs_in_tells_a_snapshot_and_stops_when_asked() {
    let mut run = run();
    run.module.write_all(b"5053CD\r\n").await.unwrap();
    hears(&mut run.module, "005user54").await;
    run.module.write_all(b"5000052A\r\n5051CB\r\n").await.unwrap();
    hears(&mut run.module, "00191").await;
    run.module.write_all(b"50000126\r\n61000128\r\n6501CC\r\n51081FF\r\n").await.unwrap();
    let first = run.events.recv().await.expect("an event");
    assert!(matches!(first.event, DriverEvent::Snapshot(_)));
    run.cancel.cancel();
    assert_eq!(run.end.await.expect("no panic"), DriverError::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn a_module_that_hangs_up_at_once_is_occupied() {
    let run = run();
    drop(run.module);
    assert_eq!(run.end.await.expect("no panic"), DriverError::Occupied);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_breaks_later_is_a_broken_link() {
    let mut run = run();
    run.module.write_all(b"5053CD\r\n").await.unwrap();
    hears(&mut run.module, "005user54").await;
    drop(run.module);
    assert!(matches!(run.end.await.expect("no panic"), DriverError::Link(_)));
}

#[test]
fn the_factory_says_what_the_panel_can_do() {
    let factory = factory();
    assert_eq!(factory.vendor(), "dsc");
    assert_eq!(factory.link().to_string(), "tcp evl:4025");
    let capabilities = factory.capabilities();
    assert_eq!(capabilities.model, "PC1616");
    assert_eq!(capabilities.all_slots().count(), 48);
}
