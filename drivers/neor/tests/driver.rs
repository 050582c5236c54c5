//! The driver as the daemon runs it: factory, listener, link, port.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::net::SocketAddr;
use std::time::Duration;

use driver_neor::{NeorFactory, RawConfig, identify};
use panel_driver::link::Listener;
use panel_driver::{DriverError, DriverEvent, DriverFactory, DriverPort, DriverStart, Link, Stamped, WireLog};
use panel_model::Password;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const LIMIT: Duration = Duration::from_secs(10);
/// A panel's OpenSession, type 1, from the worked session.
const HELLO: &[u8] =
    b"310212345678\x7E\x15\x00\x00\x06\x0A\x91\x02\x03\x2C\x04\x11\x02\x11\x02\x00\x02\x00\x00\x01\x01\xA9\x0F\x7F";
/// What we answer first.
const ANSWER: &[u8] = b"\x7E\x08\x01\x00\x05\x02\x91\x00\xDE\x3C\x7F";

fn factory() -> NeorFactory {
    let json = r#"{"identifier":"310212345678","encryption":"type1","model":"HS2016"}"#;
    let raw: RawConfig = serde_json::from_str(json).expect("json");
    NeorFactory::new(raw.validate().expect("valid"))
}

struct Running {
    panel: DuplexStream,
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
    let mut start = DriverStart::default();
    start.credentials.password = Some(Password::new("12345678".into()));
    let end = tokio::spawn(factory().driver(start).run(Link::new(ours), port));
    Running { panel, events, cancel, _commands: commands, end }
}

#[tokio::test(start_paused = true)]
async fn it_answers_a_panel_and_stops_when_asked() {
    let mut run = run();
    run.panel.write_all(HELLO).await.unwrap();
    let mut answer = [0; ANSWER.len()];
    run.panel.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(answer, ANSWER);
    assert_eq!(run.events.recv().await.expect("an event").event, DriverEvent::Alive);
    run.cancel.cancel();
    assert_eq!(run.end.await.expect("no panic"), DriverError::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn a_panel_that_says_nothing_is_given_up() {
    let run = run();
    assert!(matches!(run.end.await.expect("no panic"), DriverError::Unresponsive(_)));
    drop(run.panel);
}

#[test]
fn the_factory_says_what_the_panel_can_do() {
    let factory = factory();
    assert_eq!(factory.vendor(), "neor");
    assert_eq!(factory.link().to_string(), "tcp from panel 310212345678, on 0.0.0.0:3072");
    assert!(factory.identify().is_some());
    assert_eq!(factory.capabilities().all_slots().count(), 48);
}

fn listener() -> Listener {
    Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), identify).expect("a listener")
}

async fn dial(listener: &Listener, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(listener.addr()).await.expect("connected");
    stream.write_all(bytes).await.expect("written");
    stream
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(timeout(LIMIT, stream.read(&mut [0; 16])).await, Ok(Ok(0) | Err(_)))
}

#[tokio::test]
async fn one_listener_tells_panels_apart_and_the_newest_connection_wins() {
    let listener = listener();
    let _first = dial(&listener, HELLO).await;
    let mut old = timeout(LIMIT, listener.accept("310212345678")).await.expect("it dialled");
    let mut bytes = vec![0; HELLO.len()];
    timeout(LIMIT, old.read_exact(&mut bytes)).await.expect("in time").expect("its first bytes");
    assert_eq!(bytes, HELLO);
    let _second = dial(&listener, HELLO).await;
    let _new = timeout(LIMIT, listener.accept("310212345678")).await.expect("it dialled again");
    let superseded = timeout(LIMIT, old.read(&mut bytes)).await.expect("in time");
    assert!(superseded.is_err(), "the old link ends with an error that says why: {superseded:?}");
    assert_eq!(listener.counts().displaced, 1);
}

#[tokio::test]
async fn unknown_identifiers_are_shown_and_strangers_closed() {
    let listener = listener();
    let mut unknown = dial(&listener, b"999999999999\x7E\x15").await;
    assert!(is_closed(&mut unknown).await);
    let wanting = listener.wanting();
    assert_eq!((wanting[0].identifier.as_str(), wanting[0].count), ("999999999999", 1));
    for stranger in [&b"POST /absip HTTP/1.1\r\n"[..], b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02"] {
        let mut stream = dial(&listener, stranger).await;
        assert!(is_closed(&mut stream).await, "{stranger:?}");
    }
    assert_eq!((listener.counts().unknown, listener.counts().strangers), (1, 3));
}

#[tokio::test]
async fn a_flood_of_silent_connections_keeps_no_panel_out() {
    let listener = listener();
    let mut silent = Vec::new();
    for n in 0..200_u32 {
        // Some say half an identifier and wait.
        silent.push(dial(&listener, if n % 2 == 0 { b"" } else { b"31021" }).await);
    }
    let _panel = dial(&listener, HELLO).await;
    timeout(LIMIT, listener.accept("310212345678")).await.expect("the panel gets through");
}
