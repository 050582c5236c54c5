//! A session by itself, against a module that answers what no module should.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use driver_visonic::JsonRpcSession;
use driver_visonic::jsonrpc::http::{After, Reader, encode_response};
use panel_driver::{Command, CommandId, DriverError, DriverEvent, Section, Session, SessionOutput, clock};
use panel_model::EventKind;
use serde_json::{Value, json};

use crate::bench::{MASTER, OWN, experimental, partition, session, start};

/// The module's side, by hand.
struct Hand {
    session: JsonRpcSession,
    now: Instant,
    asked: Vec<String>,
    events: Vec<DriverEvent>,
    end: Option<DriverError>,
}

impl Hand {
    fn new() -> Self {
        let mut session = session(&experimental(), start());
        let now = clock::now();
        session.handle_open(now);
        Self { session, now, asked: Vec::new(), events: Vec::new(), end: None }
    }

    fn requests(&mut self) -> VecDeque<Value> {
        while let Some(output) = self.session.poll_output() {
            match output {
                SessionOutput::Event(event) => self.events.push(event),
                SessionOutput::End(error) => self.end = Some(error),
                SessionOutput::Done(..) => {}
            }
        }
        let mut reader = Reader::default();
        while let Some(bytes) = self.session.poll_transmit() {
            reader.push(&bytes);
        }
        let requests = std::iter::from_fn(|| reader.next_request().expect("HTTP"));
        requests.map(|request| serde_json::from_slice(&request.body).unwrap_or_default()).collect()
    }

    fn answer(&mut self, body: &Value) {
        self.now += Duration::from_millis(20);
        self.session.handle_bytes(self.now, &encode_response(body.to_string().as_bytes(), After::Close));
    }

    /// Answers everything for so long, with that in place of what a good module would.
    fn run(&mut self, time: Duration, other: &dyn Fn(&str) -> Option<Value>) {
        let until = self.now + time;
        while self.end.is_none() && self.now < until {
            let requests = self.requests();
            for request in requests {
                let Some(method) = request["method"].as_str().map(|m| m.replace("PmaxService/", "")) else {
                    self.answer(&list());
                    continue;
                };
                self.asked.push(method.clone());
                let result = other(&method).unwrap_or_else(|| good(&method));
                self.answer(&json!({"id": request["id"], "jsonrpc": "2.0", "result": result}));
            }
            if let Some(due) = self.session.poll_timeout() {
                self.now = self.now.max(due.min(self.now + Duration::from_secs(1)));
                self.session.handle_timeout(self.now);
            }
        }
        self.requests();
    }

    fn asked(&self, method: &str) -> usize {
        self.asked.iter().filter(|asked| *asked == method).count()
    }

    fn snapshots(&self) -> impl Iterator<Item = &panel_model::PanelState> {
        self.events.iter().filter_map(|event| match event {
            DriverEvent::Snapshot(state) => Some(state.as_ref()),
            _ => None,
        })
    }

    fn wire(&mut self) -> String {
        let entries = std::iter::from_fn(|| self.session.poll_wire());
        entries.map(|entry| String::from_utf8_lossy(&entry.masked).into_owned() + "\n").collect()
    }
}

fn list() -> Value {
    let row = |(name, params): (&str, Value)| json!({"method": format!("PmaxService/{name}"), "params": params});
    let rows = [
        ("getPanelStatuses", Value::Null),
        ("getDevicesConfig", Value::Null),
        ("getDeviceStatuses", json!([1, 1])),
        ("isPanelConnected", Value::Null),
        ("getPanelConfig", Value::Null),
        ("getUserCodes", json!(["somestring"])),
        ("getTagsInfo", Value::Null),
    ];
    Value::from(rows.map(row).to_vec())
}

fn partition_row(number: u32, state: &str) -> Value {
    json!({"partition": number, "state": state, "statuses": {"readyBit": true}})
}

fn good(method: &str) -> Value {
    match method {
        "isPanelConnected" => json!(true),
        "getPanelStatuses" => json!({"partitions": [partition_row(1, "DISARM"), partition_row(2, "DISARM")]}),
        "getDevicesConfig" => json!([{"id": 1, "type": 3}]),
        "getDeviceStatuses" => json!({"id": 1, "type": 3, "statuses": {}}),
        "getUserCodes" => json!([{"userId": 1, "userCode": MASTER, "partitions": [1, 2]}]),
        "getTagsInfo" => json!([]),
        _ => json!({"status": "success"}),
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_good_module_is_taken_up() {
    let mut hand = Hand::new();
    hand.run(MINUTE, &|_| None);
    assert_eq!(hand.end, None);
    assert!(hand.snapshots().count() == 1 && hand.asked("getPanelStatuses") >= 5);
}

#[test]
fn a_table_of_users_without_the_master_is_not_the_whole_table() {
    let users = |hand: &Hand| hand.events.iter().filter(|event| matches!(event, DriverEvent::User(_))).count();
    for table in [json!([]), json!([{"userId": 2, "userCode": OWN}]), json!([{"userId": 1, "userCode": "0000"}])] {
        let mut hand = Hand::new();
        hand.run(MINUTE, &move |method| (method == "getUserCodes").then(|| table.clone()));
        assert_eq!((users(&hand), hand.asked("getUserCodes"), &hand.end), (0, 1, &None), "nobody is said to be gone");
    }
    let mut hand = Hand::new();
    hand.run(MINUTE, &|_| None);
    assert_eq!(users(&hand), 8);
}

#[test]
fn what_a_session_shows_of_itself_has_no_codes() {
    let mut hand = Hand::new();
    hand.requests();
    // The registration waits to be sent.
    hand.answer(&list());
    let refresh = hand.session.handle_command(hand.now, CommandId(1), Command::Refresh(Section::State));
    assert!(refresh.is_ok());
    let shown = format!("{:?}", hand.session);
    assert!(!shown.contains(OWN) && !shown.contains(MASTER), "{shown}");
}

#[test]
fn the_answer_to_another_call_is_not_shown() {
    let mut hand = Hand::new();
    hand.run(MINUTE, &|_| None);
    hand.session.handle_timeout(hand.now + Duration::from_secs(10));
    assert_eq!(hand.requests().len(), 1, "a call is in flight");
    hand.wire();
    // A code out of the panel's memory, as numbers.
    hand.answer(&json!({"id": 1, "jsonrpc": "2.0", "result": [0x82, 0x64]}));
    hand.answer(&json!({"id": 1, "jsonrpc": "2.0", "result": OWN}));
    let wire = hand.wire();
    assert!(!wire.contains("130") && !wire.contains(OWN), "{wire}");
}

#[test]
fn of_an_error_only_code_and_words_are_shown() {
    let mut hand = Hand::new();
    hand.run(MINUTE, &|_| None);
    hand.session.handle_timeout(hand.now + Duration::from_secs(10));
    let id = hand.requests()[0]["id"].clone();
    hand.wire();
    let error = json!({"code": -32001, "message": "The response is invalid: x", "params": [OWN], "data": OWN});
    hand.answer(&json!({"id": id, "error": error, "request": OWN}));
    let wire = hand.wire();
    assert!(!wire.contains(OWN) && wire.contains("The response is invalid: x"), "{wire}");
}

#[test]
fn a_device_that_is_listed_many_times_is_looked_at_once() {
    let mut hand = Hand::new();
    let many: Vec<Value> = (0..3000).map(|_| json!({"id": 1, "type": 3})).collect();
    let fobs: Vec<Value> = (0..3000).map(|id| json!({"id": id, "type": 5})).collect();
    let devices = json!([many, fobs].concat());
    let other = move |method: &str| (method == "getDevicesConfig").then(|| devices.clone());
    hand.run(MINUTE, &other);
    assert_eq!(hand.end, None);
    assert!(hand.snapshots().count() == 1 && hand.asked("getDeviceStatuses") < 20, "{:?}", hand.asked.len());
}

#[test]
fn a_module_that_tells_no_partition_of_ours_is_not_believed() {
    let mut hand = Hand::new();
    let other =
        |method: &str| (method == "getPanelStatuses").then(|| json!({"partitions": [partition_row(3, "AWAY")]}));
    hand.run(10 * MINUTE, &other);
    assert_eq!(hand.snapshots().count(), 0, "nobody said that anything is disarmed");
    assert!(hand.end.is_some());
}

#[test]
fn a_partition_that_nobody_tells_of_is_not_called_disarmed() {
    let mut hand = Hand::new();
    let row = |active: bool| json!({"partition": 2, "state": "DISARM", "statuses": {"activeBit": active}});
    let other = |method: &str| {
        (method == "getPanelStatuses").then(|| json!({"partitions": [partition_row(1, "DISARM"), row(false)]}))
    };
    hand.run(MINUTE, &other);
    let state = hand.snapshots().next().expect("a snapshot");
    assert!(state.partitions.contains_key(&partition(1)) && !state.partitions.contains_key(&partition(2)));
}

#[test]
fn words_of_the_module_are_cut_and_so_is_their_number() {
    let mut hand = Hand::new();
    let count = std::cell::Cell::new(0);
    let other = |method: &str| {
        count.set(count.get() + 1);
        let word = format!("W{}\u{7}{}", count.get(), "x".repeat(5000));
        match method {
            "getPanelStatuses" => Some(json!({"partitions": [partition_row(1, &word)]})),
            "getPanelConfig" => Some(json!({"plinkVersion": word})),
            _ => None,
        }
    };
    hand.run(30 * MINUTE, &other);
    let happened = hand.events.iter().filter_map(|event| match event {
        DriverEvent::Happened(event) if event.kind == EventKind::UnknownMessage => event.text.clone(),
        DriverEvent::Firmware(text) => Some(text.clone()),
        _ => None,
    });
    let texts: Vec<String> = happened.collect();
    assert!((2..40).contains(&texts.len()), "{} texts", texts.len());
    for text in texts {
        assert!(text.len() < 200 && !text.contains('\u{7}'), "{} bytes", text.len());
    }
}

#[test]
fn a_partition_counts_once_in_an_answer() {
    let mut hand = Hand::new();
    hand.run(MINUTE, &|_| None);
    let before = hand.events.len();
    let rows: Vec<Value> = (0..1000).map(|n| partition_row(1, if n % 2 == 0 { "DISARM" } else { "AWAY" })).collect();
    let rows = json!({"partitions": rows});
    hand.run(MINUTE, &move |method| (method == "getPanelStatuses").then(|| rows.clone()));
    let happened = hand.events.iter().skip(before).filter(|event| matches!(event, DriverEvent::Happened(_))).count();
    assert_eq!(happened, 0, "the first one is taken");
}

#[test]
fn bodies_that_never_end_are_given_up_with_their_bytes() {
    let mut hand = Hand::new();
    hand.run(MINUTE, &|_| None);
    hand.session.handle_timeout(hand.now + Duration::from_secs(10));
    assert_eq!(hand.requests().len(), 1);
    let mut told = Vec::new();
    for head in ["HTTP/1.1 200 OK\r\nContent-Length: 262145\r\n\r\n", "HTTP/1.1 200 OK\r\nX: "] {
        hand.session.handle_bytes(hand.now, head.as_bytes());
        for _ in 0..64 {
            hand.session.handle_bytes(hand.now, &vec![b'x'; 16 * 1024]);
            let shown = format!("{:?}", hand.session);
            let kept = shown.split("Reader(").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
            told.push(kept.expect("the reader shows how much it keeps"));
        }
    }
    assert!(told.iter().all(|length| *length < 20_000), "what is kept does not grow");
}
