//! A server at a simulated panel: opens sessions, numbers and acknowledges by the vendor's rule, moves the clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use driver_neor::codec::{
    Decoder, Encryption, Key, KeyMaterial, Padding, RandomStream, Side, TlinkError, TlinkPacket, decode_frame,
    encode_frame, encode_tlink,
};
use driver_neor::message::{
    Command, CompactWidth, Digits, Message, Notice, OpenSession, Programming, ProgrammingAccess, ResponseCode, Wanted,
    split_data,
};
use driver_neor::sim::{Model, NeoSimulator, SimConfig};
use panel_driver::sim::{Hangup, Poke, PokeError, Simulator};
use serde_json::Value;

/// What came from the panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) header: String,
    pub(crate) numbers: (u8, u8),
    /// Empty in a SimpleAck.
    pub(crate) content: Vec<u8>,
}

impl Packet {
    pub(crate) fn is_ack(&self) -> bool {
        self.content.is_empty()
    }

    pub(crate) fn message(&self) -> Message {
        Message::decode(&self.content).expect("a message")
    }
}

pub(crate) struct Bench {
    pub(crate) sim: NeoSimulator,
    pub(crate) now: Instant,
    pub(crate) material: KeyMaterial,
    pub(crate) header: String,
    /// Acknowledge what comes, as a server does.
    pub(crate) acknowledges: bool,
    /// The server's own sequence and the panel's last.
    pub(crate) own: u8,
    pub(crate) peer: u8,
    pub(crate) app: u8,
    /// Hides what the server sends, reads what the panel sends.
    pub(crate) tx: Option<Key>,
    pub(crate) rx: Option<Key>,
    decoder: Decoder,
    random: RandomStream,
    pub(crate) raw: Vec<u8>,
    /// Sizes of the segments that came.
    pub(crate) segments: Vec<usize>,
    inbox: VecDeque<Packet>,
    /// What came and was no frame.
    pub(crate) broken: usize,
    pub(crate) tlink_errors: Vec<TlinkError>,
    pub(crate) payloads: Vec<Vec<u8>>,
    pub(crate) events: Vec<Value>,
    pub(crate) hangup: Option<Hangup>,
}

/// A Type 1 panel that is strict about numbers; one partition, eight zones, four digits.
pub(crate) fn hs2016() -> SimConfig {
    set(SimConfig::new(Model::Hs2016), "sequence=strict")
}

/// With one of the panel's settings.
pub(crate) fn set(mut config: SimConfig, setting: &str) -> SimConfig {
    let (name, value) = setting.split_once('=').expect("NAME=VALUE");
    config.set(name, value).expect("a setting");
    config
}

pub(crate) fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) fn code(text: &str) -> Digits {
    Digits::parse(text).expect("digits")
}

/// More than any answer takes.
const SOON: Duration = Duration::from_secs(2);

impl Bench {
    /// A panel that has not dialled yet.
    pub(crate) fn idle(config: &SimConfig) -> Self {
        Self {
            sim: NeoSimulator::new(config.clone()).expect("a panel"),
            now: panel_driver::clock::now(),
            material: KeyMaterial {
                identifier: config.id.clone(),
                type1: Some(config.type1_code.clone()),
                type2: Some(config.type2_code.clone()),
            },
            header: String::new(),
            acknowledges: true,
            own: 0,
            peer: 0,
            app: 0,
            tx: None,
            rx: None,
            decoder: Decoder::default(),
            random: RandomStream::new(&[7; 32]),
            raw: Vec::new(),
            segments: Vec::new(),
            inbox: VecDeque::new(),
            broken: 0,
            tlink_errors: Vec::new(),
            payloads: Vec::new(),
            events: Vec::new(),
            hangup: None,
        }
    }

    /// A panel that is online.
    pub(crate) fn online(config: &SimConfig) -> Self {
        let mut bench = Self::idle(config);
        bench.connect();
        bench.handshake();
        assert_eq!(bench.client(), "online");
        bench
    }

    /// The panel has dialled.
    pub(crate) fn connect(&mut self) {
        (self.own, self.peer, self.app) = (0, 0, 0);
        (self.tx, self.rx, self.hangup) = (None, None, None);
        self.decoder = Decoder::default();
        self.inbox.clear();
        self.raw.clear();
        self.sim.handle_connect(self.now);
        self.collect();
    }

    pub(crate) fn disconnect(&mut self) {
        self.sim.handle_disconnect(self.now);
        self.collect();
    }

    /// All twelve steps; what comes after them stays in the inbox.
    pub(crate) fn handshake(&mut self) {
        let hello = self.until_open();
        self.open(&hello);
        let initializer = self.until_access();
        self.access(hello.encryption, &initializer);
    }

    /// Steps 1 to 3.
    pub(crate) fn until_open(&mut self) -> OpenSession {
        let (app, hello) = match self.message() {
            Message::Command(app, Command::OpenSession(hello)) => (app, hello),
            other => panic!("{other:?}"),
        };
        self.say(&Message::Command(app, Command::Response(ResponseCode::Success)));
        self.expect_ack();
        hello
    }

    /// Steps 4 to 6.
    pub(crate) fn open(&mut self, hello: &OpenSession) {
        let app = self.command(Command::OpenSession(hello.clone()));
        assert_eq!(self.message(), Message::Command(app, Command::Response(ResponseCode::Success)));
    }

    /// Steps 7: the panel's initializer, not answered yet.
    pub(crate) fn until_access(&mut self) -> (u8, Vec<u8>) {
        self.acknowledges = false;
        let message = self.message();
        self.acknowledges = true;
        match message {
            Message::Command(app, Command::RequestAccess(initializer)) => (app, initializer.expose().to_vec()),
            other => panic!("{other:?}"),
        }
    }

    /// Steps 8 to 12.
    pub(crate) fn access(&mut self, encryption: Encryption, (app, initializer): &(u8, Vec<u8>)) {
        self.tx = self.material.open(encryption, Side::Panel, initializer).expect("a key");
        self.say(&Message::Command(*app, Command::Response(ResponseCode::Success)));
        self.expect_ack();
        let (own, key) = self.material.make(encryption, Side::Server, &mut self.random).expect("an initializer");
        self.rx = key;
        let app = self.command(Command::RequestAccess(own.into()));
        assert_eq!(self.message(), Message::Command(app, Command::Response(ResponseCode::Success)));
    }

    /// Sends a message with the next number.
    pub(crate) fn say(&mut self, message: &Message) {
        self.own = if self.own == 255 { 1 } else { self.own + 1 };
        let mut data = vec![self.own, self.peer];
        data.extend_from_slice(&message.encode(CompactWidth::Minimal));
        self.send_data(&data);
    }

    /// Sends a command with the next app sequence, which it returns.
    pub(crate) fn command(&mut self, command: Command) -> u8 {
        self.app = if self.app == 255 { 1 } else { self.app + 1 };
        self.say(&Message::Command(self.app, command));
        self.app
    }

    pub(crate) fn acknowledge(&mut self) {
        self.send_data(&[self.own, self.peer]);
    }

    pub(crate) fn send_data(&mut self, data: &[u8]) {
        let frame = encode_frame(data);
        let payload = match &self.tx {
            Some(key) => key.seal(frame, Padding::Zeros),
            None => frame,
        };
        let header = self.header.clone();
        self.send_raw(&encode_tlink(header.as_bytes(), &payload));
    }

    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.sim.handle_bytes(self.now, bytes);
        self.collect();
    }

    pub(crate) fn poke(&mut self, words: &str) -> Result<(), PokeError> {
        let done = Poke::parse(words).and_then(|poke| self.sim.poke(self.now, poke));
        self.collect();
        done
    }

    /// Does something at the panel that can be done.
    pub(crate) fn does(&mut self, words: &str) {
        self.poke(words).expect(words);
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
            self.raw.extend_from_slice(&bytes);
            self.segments.push(bytes.len());
            let mut rest = &bytes[..];
            while let Some(packet) = self.decoder.next(&mut rest) {
                match packet {
                    Ok(packet) => self.packet(packet),
                    Err(error) => self.tlink_errors.push(error),
                }
            }
        }
        while let Some(event) = self.sim.poll_happened() {
            self.events.push(event);
        }
        self.hangup = self.sim.take_hangup().or(self.hangup.take());
    }

    fn packet(&mut self, packet: TlinkPacket) {
        self.payloads.push(packet.payload.clone());
        let clear = match &self.rx {
            Some(key) => key.open(&packet.payload),
            None => Ok(packet.payload.clone().into()),
        };
        let Ok(data) = clear.and_then(|clear| decode_frame(&clear).map(<[u8]>::to_vec)) else {
            self.broken += 1;
            return;
        };
        let (sender, receiver, content) = split_data(&data).expect("two numbers");
        let header = String::from_utf8_lossy(&packet.header).into_owned();
        self.inbox.push_back(Packet { header, numbers: (sender, receiver), content: content.to_vec() });
        if !content.is_empty() {
            self.peer = sender;
            if self.acknowledges {
                self.acknowledge();
            }
        }
    }

    /// The next packet, waiting for it at most so long.
    pub(crate) fn packet_within(&mut self, time: Duration) -> Option<Packet> {
        let end = self.now + time;
        while self.inbox.is_empty() && self.step(end) {}
        self.inbox.pop_front()
    }

    /// The next message, acknowledgements passed over.
    pub(crate) fn message(&mut self) -> Message {
        loop {
            let packet = self.packet_within(SOON).expect("a message");
            if !packet.is_ack() {
                return packet.message();
            }
        }
    }

    pub(crate) fn expect_ack(&mut self) {
        let packet = self.packet_within(SOON).expect("an acknowledgement");
        assert!(packet.is_ack() && packet.numbers.1 == self.own, "{packet:?}");
    }

    /// All messages that come within a time.
    pub(crate) fn messages_within(&mut self, time: Duration) -> Vec<Message> {
        self.wait(time);
        self.inbox.drain(..).filter(|packet| !packet.is_ack()).map(|packet| packet.message()).collect()
    }

    /// All notifications that come within a time.
    pub(crate) fn notices_within(&mut self, time: Duration) -> Vec<Notice> {
        let notice = |message| match message {
            Message::Notice(notice) => Some(notice),
            Message::Command(..) => None,
        };
        self.messages_within(time).into_iter().filter_map(notice).collect()
    }

    pub(crate) fn packets_within(&mut self, time: Duration) -> Vec<Packet> {
        self.wait(time);
        self.inbox.drain(..).collect()
    }

    pub(crate) fn forget(&mut self) {
        self.inbox.clear();
        self.events.clear();
        self.segments.clear();
    }

    /// Sends a command and takes its 0502; notifications in between are passed over.
    pub(crate) fn respond(&mut self, command: Command) -> u8 {
        let app = self.command(command);
        loop {
            match self.message() {
                Message::Command(to, Command::Response(code)) if to == app => return code.byte(),
                Message::Command(..) => panic!("a response to something else"),
                Message::Notice(Notice::CommandError { code, .. }) => panic!("nack {code:?}"),
                Message::Notice(_) => {}
            }
        }
    }

    /// Sends a command and takes the data that it asks for, or its 0502.
    pub(crate) fn read(&mut self, command: Command) -> Result<Notice, u8> {
        let wanted = match &command {
            Command::Request(wanted) => wanted.number(),
            other => other.number() | 0x4000,
        };
        let app = self.command(command);
        loop {
            match self.message() {
                Message::Command(to, Command::Response(ResponseCode::Success)) if to == app => {}
                Message::Command(to, Command::Response(code)) if to == app => return Err(code.byte()),
                Message::Notice(notice) if notice.number() == wanted => return Ok(notice),
                Message::Notice(Notice::CommandError { code, .. }) => panic!("nack {code:?}"),
                Message::Notice(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) fn ask(&mut self, wanted: Wanted) -> Result<Notice, u8> {
        self.read(Command::Request(wanted))
    }

    /// Enters a programming mode and waits for the lead-in.
    pub(crate) fn enter(&mut self, mode: Programming, digits: &str, access: ProgrammingAccess) {
        assert_eq!(self.try_enter(mode, digits, access), 0);
        let notices = self.notices_within(seconds(1));
        assert!(notices.iter().any(|notice| matches!(notice, Notice::ProgrammingLead(_))), "{notices:?}");
    }

    pub(crate) fn try_enter(&mut self, mode: Programming, digits: &str, access: ProgrammingAccess) -> u8 {
        self.respond(Command::EnterProgramming { partition: Some(1), mode, code: code(digits), access })
    }

    pub(crate) fn leave(&mut self) -> u8 {
        self.respond(Command::ExitProgramming { partition: Some(1) })
    }

    pub(crate) fn user(&self, n: u64) -> Option<Value> {
        let users = self.sim.users();
        users.as_array().expect("a list").iter().find(|user| user["slot"] == n).cloned()
    }

    /// One field of what `state` prints.
    pub(crate) fn sim_state(&self, field: &str) -> Value {
        self.sim.state()[field].clone()
    }

    pub(crate) fn partition_state(&self) -> String {
        self.sim.state()["partitions"][0]["state"].as_str().expect("a state").to_owned()
    }

    pub(crate) fn client(&self) -> String {
        self.sim.state()["client"].as_str().expect("a state").to_owned()
    }

    pub(crate) fn count(&self, event: &str) -> usize {
        self.events.iter().filter(|e| e["event"] == event).count()
    }
}
