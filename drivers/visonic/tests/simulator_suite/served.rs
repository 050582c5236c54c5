//! The simulator behind a real door: a TCP port as of a serial adapter, and a pty.

use std::time::{Duration, Instant};

use driver_visonic::sim::{Model, SimConfig, Timings, VisonicSimulator};
use panel_driver::sim::{Poke, ServeOn, SimServer};
use panel_driver::{LinkConfig, clock, link};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::bench::{frame, hex};

const DOWNLOAD: &str = "24 00 00 AA AA 00 00 00 00 00 00";
const CODES: &str = "3E 98 0A 60 00 B0 00 00 00 00 00";

async fn start(config: SimConfig, on: ServeOn) -> (SimServer, mpsc::Receiver<Value>) {
    let (sender, happening) = mpsc::channel(64);
    let simulator = VisonicSimulator::new(config).expect("a panel");
    let server = SimServer::start(Box::new(simulator), on, sender).await.expect("a door");
    (server, happening)
}

/// Exactly so many bytes, within ten seconds.
async fn read(line: &mut (impl AsyncRead + Unpin), count: usize) -> String {
    let mut bytes = vec![0; count];
    timeout(Duration::from_secs(10), line.read_exact(&mut bytes)).await.expect("in time").expect("bytes");
    hex(&bytes)
}

/// Enters download mode and reads 48 codes; how long it took.
async fn pull(line: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Duration {
    let begin: Instant = clock::now();
    line.write_all(&frame(DOWNLOAD)).await.expect("written");
    assert!(read(line, 4 + 14).await.starts_with("0D 02 FD 0A 0D 3C FD 0A"));
    line.write_all(&frame("02")).await.expect("written");
    line.write_all(&frame(CODES)).await.expect("written");
    let codes = read(line, 4 + 7 + 96).await;
    assert!(codes.starts_with("0D 02 FD 0A 0D 3F 98 0A 60 11 11"), "{codes}");
    line.write_all(&frame("02")).await.expect("written");
    clock::now() - begin
}

#[tokio::test]
async fn over_tcp_one_host_at_a_time_is_served() {
    let config = SimConfig { timings: Timings::fast(), users: 47, ..SimConfig::new(Model::PowerMaster30) };
    let (server, mut happening) = start(config, ServeOn::Listen("127.0.0.1:0".into())).await;
    let addr = server.addr().expect("an address");
    let mut host = TcpStream::connect(addr).await.expect("connected");
    pull(&mut host).await;
    let mut second = TcpStream::connect(addr).await.expect("connected");
    assert_eq!(second.read(&mut [0; 8]).await.expect("closed"), 0, "turned away");
    server.handle().poke(Poke::parse("drop 0.01").expect("a poke")).await.expect("dropped");
    let mut rest = Vec::new();
    host.read_to_end(&mut rest).await.expect("hung up on");
    let mut events = Vec::new();
    while !events.contains(&"client_gone".to_owned()) {
        let line = timeout(Duration::from_secs(10), happening.recv()).await.expect("in time").expect("a line");
        events.push(line["event"].as_str().expect("an event").to_owned());
    }
    let wanted = ["listening", "client_connected", "download_begun", "client_turned_away", "line_dropped"];
    assert_eq!(events[..5], wanted);
    server.stop().await;
}

#[tokio::test]
async fn a_pty_is_as_slow_as_its_speed() {
    let path = std::env::temp_dir().join(format!("visonic-panel-{}", std::process::id()));
    let ms = Duration::from_millis;
    let timings = Timings { baud: Some(38400), ack: (ms(1), ms(1)), data: (ms(1), ms(1)), ..Timings::default() };
    let config = SimConfig { timings, users: 47, ..SimConfig::new(Model::PowerMaster30) };
    let (server, _happening) = start(config, ServeOn::Pty(path.clone())).await;
    let mut host = link::open(&LinkConfig::Serial { path, baud: 38400 }).await.expect("a pty");
    let taken = pull(&mut host).await;
    // 14 + 4 + 14 and 4 + 14 + 4 + 103 bytes at ten bits.
    let wire = Duration::from_micros(157 * 10_000_000 / 38400);
    assert!(taken >= wire, "{taken:?} is faster than the wire's {wire:?}");
    server.stop().await;
}
