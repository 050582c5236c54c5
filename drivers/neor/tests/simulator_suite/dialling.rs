//! The simulator served for real: it dials, is told what happens, and dials again.

use std::time::Duration;

use driver_neor::codec::{Decoder, TlinkPacket, decode_frame};
use driver_neor::message::{Command, Message, split_data};
use driver_neor::sim::{Model, NeoSimulator, SimConfig};
use panel_driver::sim::{Poke, ServeOn, SimServer};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::bench::set;

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

async fn hello(stream: &mut TcpStream) -> TlinkPacket {
    let (mut decoder, mut buffer) = (Decoder::default(), [0; 256]);
    loop {
        let read = timeout(LIMIT, stream.read(&mut buffer)).await.expect("in time").expect("bytes");
        assert!(read > 0, "it hung up");
        let mut rest = &buffer[..read];
        if let Some(packet) = decoder.next(&mut rest) {
            return packet.expect("a packet");
        }
    }
}

async fn called(listener: &TcpListener) -> TcpStream {
    timeout(LIMIT, listener.accept()).await.expect("in time").expect("a call").0
}

async fn happens(happened: &mut mpsc::Receiver<Value>, event: &str) -> Value {
    let wanted = async {
        loop {
            let value = happened.recv().await.expect("it lives");
            if value["event"] == event {
                return value;
            }
        }
    };
    timeout(LIMIT, wanted).await.expect(event)
}

#[tokio::test]
async fn the_panel_dials_says_hello_and_dials_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let to = listener.local_addr().expect("an address").to_string();
    let simulator = NeoSimulator::new(set(SimConfig::new(Model::Hs2016), "pace=fast")).expect("a panel");
    let (sender, mut happened) = mpsc::channel(64);
    let server = SimServer::start(Box::new(simulator), ServeOn::Connect(to), sender).await.expect("served");
    for round in 0..3 {
        let mut stream = called(&listener).await;
        let packet = hello(&mut stream).await;
        assert_eq!(packet.header, b"310212345678");
        let data = decode_frame(&packet.payload).expect("a frame");
        let (_, _, content) = split_data(data).expect("two numbers");
        assert!(matches!(Message::decode(content), Ok(Message::Command(_, Command::OpenSession(_)))));
        if round == 1 {
            // The panel's own hang-up.
            server.handle().poke(Poke::parse("reboot").expect("a poke")).await.expect("done");
            let read = timeout(LIMIT, stream.read(&mut [0; 64])).await.expect("in time");
            assert!(matches!(read, Ok(0) | Err(_)), "it is gone");
        }
        drop(stream);
        happens(&mut happened, "client_gone").await;
    }
    server.stop().await;
}
