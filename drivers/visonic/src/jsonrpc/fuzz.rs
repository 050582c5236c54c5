//! Body of a fuzz target, also run with seeds by the tests: whatever a module answers, no panic, no loop, exactly one
//! outcome per command.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use panel_driver::{
    CivilTime, Command, CommandId, Credentials, DriverStart, LinkConfig, Section, Session, SessionOutput, SetUser,
};
use panel_model::{AccessCode, ArmMode, InstallerCode, Partition, PartitionSet, Slot, Zone};
use serde_json::{Value, json};

use super::JsonRpcSession;
use super::http::{After, Reader, encode_response};
use crate::config::{Config, Transport, Writes};
use crate::model::Model;

/// Answers each call of a session with what the bytes say: a good answer with a value changed, one of another shape, an
/// error, noise, or nothing. `now` is any time.
///
/// # Panics
/// When a command is answered twice or never, or a time-out stays in the past.
#[allow(clippy::panic, reason = "that is how a fuzz target tells")]
pub fn fuzz_service(data: &[u8], now: Instant) {
    let mut run = Run { session: session(), now, open: BTreeSet::new(), ended: false };
    run.session.handle_open(now);
    let mut id = 0;
    for piece in data.chunks(3) {
        let (what, a, b) = (at(piece, 0), at(piece, 1), at(piece, 2));
        let requests = run.drain();
        if run.ended {
            break;
        }
        match requests.last() {
            Some(request) if what < 200 => run.answer(request, what, a, b),
            _ if what < 220 => run.bytes(data.get(..usize::from(a)).unwrap_or(data)),
            _ => run.wait(a),
        }
        if what % 8 == 0 {
            id += 1;
            run.command(CommandId(id), command(a, b));
        }
    }
    run.drain();
    run.session.handle_shutdown(run.now);
    for _ in 0..20 {
        run.drain();
        run.wait(255);
    }
    assert!(run.ended && run.open.is_empty(), "unanswered: {:?}", run.open);
}

struct Run {
    session: JsonRpcSession,
    now: Instant,
    open: BTreeSet<CommandId>,
    ended: bool,
}

impl Run {
    /// Takes everything out of the session; gives back the bodies of its requests.
    fn drain(&mut self) -> Vec<Value> {
        while let Some(output) = self.session.poll_output() {
            assert!(!self.ended, "nothing follows the end");
            match output {
                SessionOutput::Done(id, _) => assert!(self.open.remove(&id), "{id} is answered once"),
                SessionOutput::End(_) => self.ended = true,
                SessionOutput::Event(_) => {}
            }
        }
        let mut reader = Reader::default();
        while let Some(bytes) = self.session.poll_transmit() {
            reader.push(&bytes);
        }
        while self.session.poll_wire().is_some() {}
        let requests = std::iter::from_fn(|| reader.next_request().ok().flatten());
        requests.map(|request| serde_json::from_slice(&request.body).unwrap_or_default()).collect()
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.now += Duration::from_millis(3);
        self.session.handle_bytes(self.now, bytes);
    }

    fn wait(&mut self, seconds: u8) {
        let due = self.session.poll_timeout();
        assert!(due.is_none_or(|due| due > self.now), "a time-out stays in the past");
        self.now = due.unwrap_or(self.now).max(self.now + Duration::from_secs(seconds.into()));
        self.session.handle_timeout(self.now);
    }

    fn command(&mut self, id: CommandId, command: Command) {
        if !self.ended && self.session.handle_command(self.now, id, command).is_ok() {
            self.open.insert(id);
        }
    }

    fn answer(&mut self, request: &Value, what: u8, a: u8, b: u8) {
        let body = match request.get("method").and_then(Value::as_str) {
            // The GET for the list.
            None => Value::Array(list(what)),
            Some(_) if what < 20 => error(request, a),
            Some(_) if what < 40 => json!({"id": request["id"], "result": odd(a, b)}),
            Some(method) => json!({"id": request["id"], "jsonrpc": "2.0", "result": good(method, a, b)}),
        };
        self.bytes(&encode_response(body.to_string().as_bytes(), After::Close));
    }
}

fn at(piece: &[u8], index: usize) -> u8 {
    piece.get(index).copied().unwrap_or(0)
}

fn session() -> JsonRpcSession {
    let link = LinkConfig::TcpPerRequest { host: "fuzz".into(), port: 1 };
    let transport = Transport::JsonRpc(link, Writes::Experimental);
    let config = Config { transport, model: Model::of(7), partitions: PartitionSet::first(2), zones: 4 };
    let master = Some(AccessCode::new("1234".into()));
    let credentials = Credentials { master, ..Credentials::default() };
    let start = DriverStart { credentials, residue: None };
    JsonRpcSession::new(config, Writes::Experimental, start, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)))
}

fn list(without: u8) -> Vec<Value> {
    let rows = [
        ("getPanelStatuses", json!(null)),
        ("getDevicesConfig", json!(null)),
        ("getDeviceStatuses", json!([1, 1])),
        ("isPanelConnected", json!(null)),
        ("getPanelConfig", json!(null)),
        ("getEepromItem", json!([1, 1, 1])),
        ("getTagsInfo", json!(null)),
        ("getUserCodes", json!(["s"])),
        ("setUserCode", json!(["s", 1, "s"])),
        ("setUserCodePartitions", json!(["s", 1, "s", 1])),
        ("setInstallerCode", json!(["s", "s", "s"])),
        ("setPanelState", json!(["s", "s", 1, true, true])),
        ("setZoneDeviceBypass", json!(["s", 1, true])),
        ("setPgmState", json!(["s", 1, true, 1])),
        ("setDateTime", json!(["s", "s"])),
        ("getDateTime", json!(null)),
    ];
    let row = |(name, params): (&str, Value)| json!({"method": format!("PmaxService/{name}"), "params": params});
    let kept = rows.into_iter().enumerate().filter(|(index, _)| *index != usize::from(without));
    kept.map(|(_, method)| row(method)).collect()
}

fn error(request: &Value, a: u8) -> Value {
    let texts = ["No client registered", "Authentication failed, wrong code", "timeout", "Not enrolled device", "1234"];
    let text = texts.get(usize::from(a) % texts.len()).copied().unwrap_or_default();
    let id = if a > 200 { Value::Null } else { request["id"].clone() };
    json!({"error": {"code": -32001, "message": format!("The response is invalid: {text}")}, "id": id})
}

fn odd(a: u8, b: u8) -> Value {
    match a % 8 {
        0 => Value::Null,
        1 => json!(b),
        2 => json!([]),
        3 => json!([{"userId": b, "userCode": "12"}]),
        4 => json!({"partitions": [{"partition": b, "state": ""}]}),
        5 => json!({"items": [{"item": {"data": "=="}}]}),
        6 => json!({"id": 70000, "type": b, "statuses": {}}),
        _ => json!("1234"),
    }
}

fn good(method: &str, a: u8, b: u8) -> Value {
    let states = ["DISARM", "DISARM", "DISARM", "AWAY", "HOME", "EXIT", "ENTRY", "MOON"];
    let state = states.get(usize::from(a) % states.len()).copied().unwrap_or_default();
    let bit = |n: u8| b & (1 << n) != 0;
    match method.trim_start_matches("PmaxService/") {
        "isPanelConnected" => json!(a < 250),
        "getPanelStatuses" => json!({"datetime": a.to_string(), "partitions": [
            {"partition": 1, "state": state, "statuses": {"readyBit": bit(0), "alertBit": bit(1), "memoryBit": bit(2)}},
            {"partition": b, "state": "DISARM", "statuses": {"fireBit": bit(3)}}],
            "statuses": {"enrollingModeBit": bit(4), "acTrouble": bit(5)}}),
        "getDevicesConfig" => json!([{"id": 1, "type": 3, "location": "Door"}, {"id": b, "type": a}]),
        "getDeviceStatuses" => {
            json!({"id": 1, "type": 3, "statuses": {"open": bit(0), "alarm": bit(1), "notUpdated": bit(2)}})
        }
        "getUserCodes" => json!([{"userId": 1, "userCode": "1234", "partitions": [1, 2]},
            {"userId": a % 4, "userCode": if bit(0) { "4711" } else { "4712" }, "partitions": [1 + b % 3]}]),
        "getEepromItem" => json!([0x88, a]),
        "getTagsInfo" => json!([{"id": b}]),
        "getDateTime" => json!(format!("202603140815{b:02}")),
        _ => json!({"status": "success"}),
    }
}

fn command(a: u8, b: u8) -> Command {
    let slot = Slot::new(u32::from(b % 4) + 1).ok();
    let (Some(slot), Ok(partition)) = (slot, Partition::new(1)) else { return Command::Refresh(Section::State) };
    let code = || AccessCode::new("4711".into());
    let installer = |text: &str| InstallerCode::new(text.into());
    match a % 12 {
        0 => Command::Refresh(Section::State),
        1 => Command::Refresh(Section::Users),
        2 => Command::Arm { partition, mode: ArmMode::Away, code: Some(code()) },
        3 => Command::Disarm { partition, code: code() },
        4 => Command::DisableUser { slot },
        5 => Command::VerifyInstallerCode(installer("8888")),
        6 => Command::ChangeInstallerCode { current: installer("8888"), new: installer("8801") },
        7 => Command::Output { partition, output: 1 },
        8 => Command::SetClock(CivilTime { year: 2026, month: 3, day: 14, hour: 8, minute: 15, second: b % 60 }),
        9 => Zone::new(1).map_or(Command::Refresh(Section::Labels), |zone| Command::Bypass { zone, bypassed: b > 9 }),
        _ => {
            let partitions = (b > 128).then(|| PartitionSet::first(2));
            Command::SetUser(SetUser { slot, code: Some(code()), label: None, role: None, partitions })
        }
    }
}

#[cfg(test)]
mod tests {
    use panel_driver::clock;
    use panel_driver::testkit::Rng;

    use super::*;

    #[test]
    fn whatever_a_module_answers_each_command_has_one_outcome() {
        for seed in 0..300 {
            let mut rng = Rng::new(seed);
            let data: Vec<u8> = (0..600).map(|_| rng.byte()).collect();
            fuzz_service(&data, clock::now());
        }
    }
}
