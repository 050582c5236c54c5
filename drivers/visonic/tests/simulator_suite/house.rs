//! One house with two ways in: the serial port and, beside it, the PowerLink 3 module. What is done on one of them shows
//! on the other.

use std::net::SocketAddr;
use std::time::Duration;

use driver_visonic::jsonrpc::http::encode_request;
use driver_visonic::sim::jsonrpc::ServiceConfig;
use driver_visonic::sim::{Model, SimConfig, Timings, VisonicSimulator};
use panel_driver::sim::{Poke, ServeOn, SimServer, Simulator};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::bench::{frame, hex, quick};

const PATIENCE: Duration = Duration::from_secs(10);

struct House {
    server: SimServer,
    serial: TcpStream,
    heard: Vec<u8>,
    happening: mpsc::Receiver<Value>,
}

impl House {
    async fn new() -> Self {
        let quickly = (Duration::from_millis(1), Duration::from_millis(2));
        let panel = SimConfig { timings: Timings::fast(), ..SimConfig::new(Model::PowerMaster30) };
        let config = ServiceConfig { latency: quickly, ..ServiceConfig::new(panel) };
        let (happened, happening) = mpsc::channel(256);
        let simulator = Box::new(VisonicSimulator::with_service(config).expect("a panel"));
        let (on, beside) = (ServeOn::Listen("127.0.0.1:0".into()), Some("127.0.0.1:0".into()));
        let server = SimServer::start_with(simulator, on, beside, happened).await.expect("two doors");
        let serial = TcpStream::connect(server.addr().expect("an address")).await.expect("connected");
        let mut house = Self { server, serial, heard: Vec::new(), happening };
        house.told("client_connected").await;
        house
    }

    fn module(&self) -> SocketAddr {
        self.server.addr_beside().expect("a second door")
    }

    /// Calls a method as any client does, with a connection of its own.
    async fn call(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": format!("PmaxService/{method}"), "params": params});
        let mut line = TcpStream::connect(self.module()).await.expect("connected");
        line.write_all(&encode_request("module", Some(body.to_string().as_bytes()))).await.expect("written");
        let mut answer = String::new();
        timeout(PATIENCE, line.read_to_string(&mut answer)).await.expect("in time").expect("an answer, then the end");
        let (_, body) = answer.split_once("\r\n\r\n").expect("HTTP");
        serde_json::from_str(body).expect("JSON")
    }

    async fn first_partition(&self) -> Value {
        self.call("getPanelStatuses", json!([])).await["result"]["partitions"][0]["state"].clone()
    }

    async fn send(&mut self, payload: &str) {
        self.serial.write_all(&frame(payload)).await.expect("written");
    }

    /// Reads the serial port until these bytes have come, and acknowledges what comes.
    async fn hear(&mut self, wanted: &str) {
        let mut buffer = [0; 256];
        while !hex(&self.heard).contains(wanted) {
            let read = timeout(PATIENCE, self.serial.read(&mut buffer)).await;
            let count = read.unwrap_or_else(|_| panic!("{wanted} in {}", hex(&self.heard))).expect("bytes");
            assert!(count > 0, "hung up on");
            self.heard.extend(&buffer[..count]);
            self.send("02 43").await;
        }
        self.heard.clear();
    }

    async fn told(&mut self, event: &str) -> Value {
        loop {
            let line = timeout(PATIENCE, self.happening.recv()).await.expect("in time").expect("a line");
            if line["event"] == event {
                return line;
            }
        }
    }
}

#[tokio::test]
async fn what_one_way_in_does_shows_on_the_other() {
    let mut house = House::new().await;
    assert_eq!(house.call("registerClient", json!(["127.0.0.1", 1111, "user"])).await["result"]["status"], "success");
    assert_eq!(house.first_partition().await, "DISARM");
    // Nobody said anything on the serial port: the module's client has to wake it.
    house.call("setPanelState", json!(["1111", "AWAY", 1, true, true])).await;
    house.hear("A5 00 04 05").await;
    let armed = house.told("armed").await;
    assert_eq!((&armed["partition"], &armed["sent"]), (&json!(1), &json!(true)));
    assert_eq!(house.first_partition().await, "AWAY");
    house.send("A1 00 00 00 11 11 07 00 00 00 00 43").await;
    house.told("disarmed").await;
    assert_eq!(house.first_partition().await, "DISARM");
    house.call("setUserCode", json!(["1111", 5, "4739"])).await;
    let (users, state) = (house.server.handle().users().await, house.server.handle().state().await);
    assert!(users.as_array().is_some_and(|users| users.iter().any(|u| u["slot"] == 5 && u["code"] == "4739")));
    assert_eq!((&state["service"], &state["client"]), (&json!("registered"), &json!("connected")));
    house.server.stop().await;
}

#[tokio::test]
async fn the_second_door_takes_one_client_at_a_time_and_a_reboot_empties_both() {
    let mut house = House::new().await;
    let mut first = TcpStream::connect(house.module()).await.expect("connected");
    assert_eq!(house.told("client_connected").await["beside"], true);
    let mut second = TcpStream::connect(house.module()).await.expect("connected");
    assert_eq!(second.read(&mut [0; 8]).await.unwrap_or(0), 0, "turned away");
    assert_eq!(house.told("client_turned_away").await["beside"], true);
    house.server.handle().poke(Poke::Reboot).await.expect("rebooted");
    assert_eq!(timeout(PATIENCE, first.read(&mut [0; 8])).await.expect("in time").unwrap_or(0), 0, "hung up on");
    assert_eq!(house.told("client_gone").await["beside"], true);
    house.told("rebooted").await;
    house.server.stop().await;
}

#[tokio::test]
async fn faults_of_the_module_have_a_word_in_front() {
    let house = House::new().await;
    let panel = house.server.handle();
    let fault = async |words: &str| panel.poke(Poke::parse(words).expect("a poke")).await;
    assert_eq!(fault("fault service without setUserCode").await, Ok(()));
    assert!(fault("fault service mute_all").await.is_err());
    assert!(fault("fault without setUserCode").await.is_err(), "the serial port has no such fault");
    house.call("registerClient", json!(["127.0.0.1", 1111, "user"])).await;
    assert_eq!(house.call("setUserCode", json!(["1111", 5, "4739"])).await["error"]["code"], -32601);
    house.server.stop().await;
}

#[test]
fn a_panel_without_a_module_has_no_second_way_in() {
    let mut panel = VisonicSimulator::new(quick(Model::PowerMaster30)).expect("a panel");
    assert!(panel.beside().is_none());
    let fault = Poke::parse("fault service hang").expect("a poke");
    assert!(panel.poke(panel_driver::clock::now(), fault).is_err());
}
