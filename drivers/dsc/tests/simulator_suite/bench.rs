//! A client at a simulated module: sends lines, collects lines, moves the clock. Checksums are summed up here once
//! more, so that the codec's own have a witness.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use driver_dsc::sim::{DscSimulator, Interface, Model, SimConfig, Timings};
use panel_driver::sim::{Hangup, Poke, PokeError, Simulator};
use panel_model::{AccessCode, ArmMode, Partition, Slot, Zone};
use serde_json::Value;

pub(crate) struct Bench {
    pub(crate) sim: DscSimulator,
    pub(crate) now: Instant,
    half: Vec<u8>,
    lines: VecDeque<String>,
    pub(crate) events: Vec<Value>,
    pub(crate) hangup: Option<Hangup>,
    lamps: (String, String),
}

/// Zone types, delays and texts as short as a test wants them; one partition, eight zones.
pub(crate) fn evl() -> SimConfig {
    SimConfig::new(Interface::Envisalink, Model::Pc1616)
}

pub(crate) fn it100() -> SimConfig {
    SimConfig { timings: Timings::default(), ..SimConfig::new(Interface::It100, Model::Pc1616) }
}

pub(crate) fn codes(list: &[(u16, &str)]) -> BTreeMap<u16, AccessCode> {
    list.iter().map(|(slot, code)| (*slot, code_of(code))).collect()
}

pub(crate) fn code_of(code: &str) -> AccessCode {
    AccessCode::new(code.to_owned())
}

pub(crate) fn zone(n: u32) -> Zone {
    Zone::new(n).expect("a zone")
}

pub(crate) fn partition(n: u32) -> Partition {
    Partition::new(n).expect("a partition")
}

pub(crate) fn slot(n: u32) -> Slot {
    Slot::new(n).expect("a slot")
}

pub(crate) fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

impl Bench {
    /// A panel that nobody is connected to yet.
    pub(crate) fn idle(config: &SimConfig) -> Self {
        Self {
            sim: DscSimulator::new(config.clone()).expect("a panel"),
            now: panel_driver::clock::now(),
            half: Vec::new(),
            lines: VecDeque::new(),
            events: Vec::new(),
            hangup: None,
            // Nothing flashes until a module says so.
            lamps: (String::new(), "00".to_owned()),
        }
    }

    /// A client at the panel; on an Envisalink it is logged in.
    pub(crate) fn new(config: &SimConfig) -> Self {
        let mut bench = Self::idle(config);
        bench.connect();
        if config.interface == Interface::Envisalink {
            bench.expect(&["505 3"]);
            bench.command("005user");
            bench.expect(&["500 005", "505 1"]);
        }
        bench
    }

    pub(crate) fn connect(&mut self) {
        self.hangup = None;
        self.half.clear();
        self.sim.handle_connect(self.now);
        self.collect();
    }

    pub(crate) fn disconnect(&mut self) {
        self.sim.handle_disconnect(self.now);
        self.collect();
    }

    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.sim.handle_bytes(self.now, bytes);
        self.collect();
    }

    /// Sends a line as it stands.
    pub(crate) fn send(&mut self, line: &str) {
        self.send_raw(format!("{line}\r\n").as_bytes());
    }

    /// Sends number and data with their checksum.
    pub(crate) fn command(&mut self, body: &str) {
        self.send(&format!("{body}{:02X}", sum(body.as_bytes())));
    }

    pub(crate) fn poke(&mut self, poke: Poke) -> Result<(), PokeError> {
        let done = self.sim.poke(self.now, poke);
        self.collect();
        done
    }

    pub(crate) fn open(&mut self, n: u32) {
        self.poke(Poke::Open(zone(n))).expect("a zone");
    }

    pub(crate) fn close(&mut self, n: u32) {
        self.poke(Poke::Close(zone(n))).expect("a zone");
    }

    pub(crate) fn fault(&mut self, words: &str) {
        self.poke(Poke::Fault(words.split_whitespace().map(str::to_owned).collect())).expect("a fault");
    }

    pub(crate) fn edit(&mut self, n: u32, words: &str) -> Result<(), PokeError> {
        self.poke(Poke::Edit { slot: slot(n), words: words.split_whitespace().map(str::to_owned).collect() })
    }

    pub(crate) fn enter(&mut self, code: &str) -> Result<(), PokeError> {
        self.poke(Poke::EnterCode { code: code_of(code), partition: partition(1) })
    }

    pub(crate) fn arm_by(&mut self, n: Option<u32>) -> Result<(), PokeError> {
        self.poke(Poke::Arm { mode: ArmMode::Away, partition: partition(1), slot: n.map(slot) })
    }

    /// Lets time pass; what is due happens at its own time.
    pub(crate) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
        self.sim.handle_timeout(end);
        self.collect();
    }

    /// Moves to the next thing that is due, if it is due before `end`.
    fn step(&mut self, end: Instant) -> bool {
        let Some(due) = self.sim.poll_timeout().filter(|due| *due <= end) else { return false };
        self.now = self.now.max(due);
        self.sim.handle_timeout(self.now);
        self.collect();
        true
    }

    fn collect(&mut self) {
        while let Some(bytes) = self.sim.poll_transmit() {
            self.half.extend_from_slice(&bytes);
        }
        while let Some(event) = self.sim.poll_happened() {
            self.events.push(event);
        }
        self.hangup = self.sim.take_hangup().or(self.hangup.take());
        while let Some(end) = self.half.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.half.drain(..=end).collect();
            let line: String = line.iter().map(|b| char::from(*b)).collect();
            let line = line.trim_end_matches(['\r', '\n']).to_owned();
            match line.get(..3) {
                Some("510") => self.lamps.0 = line[3..5].to_owned(),
                Some("511") => self.lamps.1 = line[3..5].to_owned(),
                _ => {}
            }
            self.lines.push_back(line);
        }
    }

    /// The next line as it came, waiting for it at most so long.
    pub(crate) fn line_within(&mut self, time: Duration) -> Option<String> {
        let end = self.now + time;
        while self.lines.is_empty() && self.step(end) {}
        self.lines.pop_front()
    }

    /// The next message as `number data`, its checksum proved.
    pub(crate) fn message_within(&mut self, time: Duration) -> Option<String> {
        self.line_within(time).map(|line| split(&line))
    }

    /// These messages come next, whatever the lights do meanwhile; each within two minutes.
    pub(crate) fn expect(&mut self, wanted: &[&str]) {
        for wanted in wanted {
            loop {
                let Some(message) = self.message_within(seconds(120)) else {
                    panic!("`{wanted}` did not come");
                };
                let is_light = message.starts_with("510") || message.starts_with("511");
                if message == *wanted {
                    break;
                }
                assert!(is_light, "`{wanted}` wanted, `{message}` came");
            }
        }
    }

    /// Everything that comes within a time, lights left out.
    pub(crate) fn within(&mut self, time: Duration) -> Vec<String> {
        self.all_within(time).into_iter().filter(|m| !m.starts_with("510") && !m.starts_with("511")).collect()
    }

    /// Everything that comes within a time.
    pub(crate) fn all_within(&mut self, time: Duration) -> Vec<String> {
        self.wait(time);
        self.lines.drain(..).map(|line| split(&line)).collect()
    }

    /// Lines as they came, unchecked.
    pub(crate) fn raw_within(&mut self, time: Duration) -> Vec<String> {
        self.wait(time);
        self.lines.drain(..).collect()
    }

    pub(crate) fn forget(&mut self) {
        self.lines.clear();
        self.events.clear();
    }

    /// Types keys one by one over 070 (Envisalink) and forgets what comes of it.
    pub(crate) fn type_keys(&mut self, keys: &str) {
        for key in keys.chars() {
            self.command(&format!("070{key}"));
            self.wait(ms(1000));
        }
        self.lines.clear();
    }

    /// Presses and releases keys on the virtual keypad (IT-100).
    pub(crate) fn press_keys(&mut self, keys: &str) {
        for key in keys.chars() {
            self.command(&format!("070{key}"));
            self.wait(ms(200));
            self.command("070^");
            self.wait(ms(400));
        }
    }

    /// Lights on and lights flashing, as last told.
    pub(crate) fn lamps(&self) -> (&str, &str) {
        (&self.lamps.0, &self.lamps.1)
    }

    /// The panel's own number for what the keypad of partition 1 does.
    pub(crate) fn bus(&self) -> String {
        self.sim.state()["partitions"][0]["keypad"].as_str().expect("a number").to_owned()
    }

    pub(crate) fn partition_state(&self) -> String {
        self.sim.state()["partitions"][0]["state"].as_str().expect("a state").to_owned()
    }

    pub(crate) fn user(&self, n: u64) -> Option<Value> {
        let users = self.sim.users();
        users.as_array().expect("a list").iter().find(|user| user["slot"] == n).cloned()
    }

    pub(crate) fn user_code(&self, n: u64) -> Option<String> {
        self.user(n).map(|user| user["code"].as_str().expect("a code").to_owned())
    }

    pub(crate) fn count(&self, event: &str) -> usize {
        self.events.iter().filter(|e| e["event"] == event).count()
    }
}

pub(crate) fn sum(bytes: &[u8]) -> u8 {
    (bytes.iter().map(|b| u32::from(*b)).sum::<u32>() % 256).try_into().expect("a byte")
}

/// `number data` of a line whose checksum is right.
fn split(line: &str) -> String {
    let bytes: Vec<u8> = line.chars().map(|c| u8::try_from(u32::from(c)).expect("a byte")).collect();
    let (body, check) = bytes.split_at(bytes.len() - 2);
    assert_eq!(format!("{:02X}", sum(body)).as_bytes(), check, "checksum of {line}");
    let text: String = body.iter().map(|b| char::from(*b)).collect();
    format!("{} {}", &text[..3], text.chars().skip(3).collect::<String>()).trim_end().to_owned()
}
