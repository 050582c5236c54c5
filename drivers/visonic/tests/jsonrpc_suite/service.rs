//! The simulated service by itself, spoken to in plain HTTP: what other clients rely on.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use driver_visonic::jsonrpc::http::{Reader, encode_request};
use driver_visonic::sim::jsonrpc::{JsonRpcSimulator, Profile, ServiceConfig};
use panel_driver::clock;
use panel_driver::sim::{Poke, Simulator};
use serde_json::{Value, json};

use crate::bench::{MASTER, OWN, service};

/// A client that asks and waits.
struct Client {
    module: JsonRpcSimulator,
    now: std::time::Instant,
}

impl Client {
    fn new(config: ServiceConfig) -> Self {
        let mut client = Self { module: JsonRpcSimulator::new(config).expect("a possible panel"), now: clock::now() };
        client.module.handle_connect(client.now);
        client
    }

    fn registered() -> Self {
        let mut client = Self::new(ServiceConfig { check_register_code: false, ..service() });
        let answer = client.call("registerClient", json!(["127.0.0.1", 1234, "user"]));
        assert_eq!(answer["result"], json!({"status": "success"}));
        client
    }

    fn poke(&mut self, words: &str) {
        self.module.poke(self.now, Poke::parse(words).expect("words")).expect("possible");
    }

    /// The bytes of the answer; empty if there is none.
    fn raw(&mut self, request: &[u8]) -> Vec<u8> {
        self.module.handle_bytes(self.now, request);
        self.now += Duration::from_secs(20);
        self.module.handle_timeout(self.now);
        std::iter::from_fn(|| self.module.poll_transmit()).flatten().collect()
    }

    fn ask(&mut self, body: Option<&[u8]>) -> Value {
        let bytes = self.raw(&encode_request("module", body));
        let mut reader = Reader::default();
        reader.push(&bytes);
        let response = reader.next_response().expect("HTTP").expect("an answer");
        assert_eq!(response.status, 200);
        serde_json::from_slice(&response.body).expect("JSON")
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": format!("PmaxService/{method}"), "params": params});
        self.ask(Some(body.to_string().as_bytes()))
    }

    fn error(&mut self, method: &str, params: Value) -> (i64, String) {
        let answer = self.call(method, params);
        let error = &answer["error"];
        (error["code"].as_i64().expect("a code"), error["message"].as_str().expect("a message").to_owned())
    }
}

#[test]
fn the_list_of_methods_has_the_types_of_both_dumps() {
    let dumps = [
        (Profile::Gtx2023, include_str!("methods-2023.list")),
        (Profile::Plink2025, include_str!("methods-2025.list")),
    ];
    let letter = |value: &Value| match value {
        Value::String(text) if text == "somestring" => "s",
        Value::Number(_) => "i",
        Value::Bool(true) => "b",
        Value::Array(items) if items.is_empty() => "a",
        Value::Object(fields) if fields["objectkey"] == "objectvalue" => "o",
        other => panic!("no type of a dump: {other}"),
    };
    for (profile, dump) in dumps {
        let list = Client::new(ServiceConfig { profile, ..service() }).ask(None);
        let row = |row: &Value| {
            let params: String = row["params"].as_array().into_iter().flatten().map(letter).collect();
            let params = if row["params"].is_null() { "-".to_owned() } else { params };
            format!("{} {params} {}", row["method"].as_str().expect("a name"), letter(&row["returns"]))
        };
        let served: Vec<String> = list.as_array().expect("a list").iter().map(row).collect();
        let dumped: Vec<&str> = dump.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(served, dumped);
    }
}

#[test]
fn answers_are_one_line_with_keys_in_the_order_of_the_alphabet() {
    let mut client = Client::registered();
    let body = br#"{"method":"PmaxService/getDeviceStatuses","params":[3,1],"jsonrpc":"2.0","id":1}"#;
    let bytes = client.raw(&encode_request("module", Some(body)));
    let text = String::from_utf8(bytes).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let expected = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
    assert_eq!(head, expected);
    let expected = concat!(
        r#"{"id":1,"jsonrpc":"2.0","result":{"id":1,"statuses":{"acTrouble":false,"alarm":false,"bypassZone":false,"#,
        r#""cleanMeTrouble":false,"coldAlert":false,"freezerAlert":false,"freezingAlert":false,"#,
        r#""heatAlarmTrouble":false,"hotAlert":false,"lowBattery":false,"maskingTrouble":false,"notUpdated":false,"#,
        r#""oneWayTrouble":false,"open":false,"smokeAlarm":false,"smokeTrouble":false,"supervisionTrouble":false,"#,
        r#""tamperMemory":false,"tamperTrouble":false,"zoneTrouble":false},"type":3}}"#,
        "\n"
    );
    assert_eq!(body, expected);
}

#[test]
fn what_is_wrong_is_told_in_the_order_of_the_checks() {
    let mut client = Client::new(service());
    let mut post = |body: &str| {
        let answer = client.ask(Some(body.as_bytes()));
        (answer["error"]["code"].as_i64(), answer["id"].clone())
    };
    assert_eq!(post("{"), (Some(-32700), Value::Null));
    assert_eq!(post(r#"{"jsonrpc":"2.0","id":3,"method":"PmaxService/getDate"}"#), (Some(-32600), json!(3)));
    assert_eq!(post(r#"{"id":3,"method":"PmaxService/getDate","params":[]}"#), (Some(-32600), json!(3)));
    assert_eq!(post(r#"{"jsonrpc":"2.0","method":"PmaxService/getDate","params":[]}"#), (Some(-32604), Value::Null));
    let not_found = "METHOD_NOT_FOUND: The method being requested is not available on this server";
    assert_eq!(client.error("getWifiConfig", json!([])), (-32601, not_found.into()));
    let types = "INVALID_PARAMS: Invalid method parameters (invalid name and/or type) recognised";
    assert_eq!(client.error("setUserCode", json!(["7391", 5, 4739])), (-32602, types.into()));
    let unregistered = "The response is invalid: No client registered";
    assert_eq!(client.error("getUserCodes", json!(["0001"])), (-32001, unregistered.into()));
    let wrong = "The response is invalid: Authentication failed, wrong code";
    assert_eq!(client.error("registerClient", json!(["127.0.0.1", 1357, "user"])), (-32001, wrong.into()));
    client.call("registerClient", json!(["127.0.0.1", 8264, "user"]));
    assert_eq!(client.error("getUserCodes", json!(["0001"])), (-32001, wrong.into()));
    assert_eq!(client.error("setUserCode", json!([OWN, 5, "4739"])), (-32001, wrong.into()), "not the master");
    assert_eq!(client.error("setUserCode", json!([MASTER, 9, "4739"])).1, "The response is invalid: invalid value");
    assert_eq!(client.error("getTagsInfo", Value::Null).1, "The response is invalid: no tags enrolled");
    assert_eq!(client.error("getDeviceStatuses", json!([3, 9])).1, "The response is invalid: Not enrolled device");
    assert_eq!(client.error("getDeviceConfig", json!([7, 1])).1, "The response is invalid: Invalid PowerG type: 7");
    assert_eq!(client.error("getPanelState", json!([3])).1, "The response is invalid: invalid value");
}

#[test]
fn one_address_is_registered_and_the_next_one_takes_its_place() {
    let peer = IpAddr::V4(Ipv4Addr::new(192, 168, 7, 2));
    let mut client = Client::new(ServiceConfig { peer, check_register_code: false, ..service() });
    let mut register = |ip: &str| {
        client.call("registerClient", json!([ip, 1, "user"]));
        client.call("isPanelConnected", Value::Null)["result"] == json!(true)
    };
    assert!(register("192.168.7.2"));
    assert!(!register("192.168.7.3"), "another box");
    assert!(!register("127.0.0.1"), "a client that names its loopback address");
    assert!(!register("panel.local"), "no name");
    assert!(register("192.168.7.2"));
}

#[test]
fn a_panel_that_is_asked_for_the_forbidden_item_says_nothing_for_ten_minutes() {
    let mut client = Client::registered();
    let item = |number: i64| {
        let body =
            json!({"jsonrpc": "2.0", "id": 1, "method": "PmaxService/getEepromItem", "params": [number, 1, 2000]});
        encode_request("module", Some(body.to_string().as_bytes()))
    };
    let user_two = String::from_utf8(client.raw(&item(8))).expect("text");
    assert!(user_two.contains(r#"{"data":"gmQ=","maxItems":8}"#), "8264: {user_two}");
    assert!(client.raw(&item(413)).is_empty());
    assert!(client.raw(&item(8)).is_empty());
    client.now += Duration::from_secs(600);
    assert!(!client.raw(&item(8)).is_empty());
}

#[test]
fn chunked_bodies_and_floods_close_the_connection() {
    let mut client = Client::registered();
    assert!(client.raw(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n").is_empty());
    assert!(client.module.take_hangup().is_some());
    let mut client = Client::registered();
    client.module.handle_bytes(client.now, &encode_request("module", None).repeat(20));
    assert!(client.module.take_hangup().is_some());
}

#[test]
fn users_and_the_log_are_those_of_the_panel() {
    let mut client = Client::registered();
    client.poke("edit 6 code 3141");
    client.poke("edit 6 tag on");
    client.poke("enter 3141 2");
    assert_eq!(client.call("getPanelState", json!([2]))["result"], json!({"partition": 2, "state": "EXIT"}));
    let row = client.call("getUserCode", json!([OWN, 6]))["result"].clone();
    assert_eq!(row, json!({"partitions": [1, 2], "userCode": "3141", "userId": 6}));
    assert_eq!(client.call("getTagsInfo", json!([]))["result"], json!([{"id": 6, "type": 10}]));
    let log = client.call("getLogHistory", json!(["", ""]))["result"].clone();
    let armed = json!([0x52, 6, 6, [2]]);
    let found = json!([log[0]["event"], log[0]["deviceType"], log[0]["deviceId"], log[0]["partitions"]]);
    assert_eq!(found, armed, "{log}");
    assert_eq!(client.error("setUserCode", json!([MASTER, 6, "2718"])).1, "The response is invalid: System is armed");
}
