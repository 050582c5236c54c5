//! A panel made of codec and messages only: it says what the test says, and knows keys and numbers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use driver_neor::codec::{
    Decoder, Encryption, Key, KeyMaterial, Padding, RandomStream, SequenceMode, Sequences, Side, decode_frame,
    encode_frame, encode_tlink,
};
use driver_neor::message::{
    Command, CompactWidth, Message, Notice, OpenSession, PartitionReport, PartitionStatus, ResponseCode,
    SystemCapabilities, Wanted, ZoneStatus, join_data, split_data,
};
use driver_neor::{InstallerTries, NeorSession, RawConfig};
use panel_driver::{
    Command as Asked, CommandId, Credentials, DriverError, DriverEvent, DriverStart, Outcome, Session, SessionOutput,
    clock,
};
use panel_model::{AccessCode, PanelEvent, PanelState, Password};

pub(crate) const IDENTIFIER: &str = "310212345678";
pub(crate) const TYPE1: &str = "12345678";

/// What the session sent: numbers and message; `None` is an acknowledgement.
pub(crate) type Sent = ((u8, u8), Option<Message>);

pub(crate) struct Bench {
    pub(crate) session: NeorSession,
    pub(crate) now: Instant,
    pub(crate) sent: VecDeque<Sent>,
    /// As it was on the wire.
    pub(crate) wire: Vec<Vec<u8>>,
    pub(crate) events: Vec<DriverEvent>,
    pub(crate) outcomes: Vec<(CommandId, Outcome)>,
    pub(crate) end: Option<DriverError>,
    pub(crate) numbers: Sequences,
    pub(crate) material: KeyMaterial,
    pub(crate) encryption: Encryption,
    pub(crate) random: RandomStream,
    pub(crate) key_in: Option<Key>,
    pub(crate) key_out: Option<Key>,
    /// Everything is acknowledged at once.
    pub(crate) acknowledges: bool,
    /// The session's numbers must follow the vendor's rule.
    pub(crate) strict: bool,
    next_id: u64,
}

impl Bench {
    pub(crate) fn new(json: &str) -> Self {
        let json = format!(r#"{{"identifier":"{IDENTIFIER}","model":"HS2016","zones":4,"partitions":[1,2],{json}}}"#);
        let config = serde_json::from_str::<RawConfig>(&json).unwrap().validate().unwrap();
        let encryption = config.encryption;
        let credentials = Credentials {
            password: Some(Password::new(TYPE1.into())),
            master: Some(AccessCode::new("7391".into())),
            ..Credentials::default()
        };
        let start = DriverStart { credentials, residue: None };
        let now = clock::now();
        let mut session = NeorSession::new(config, start, &[5; 32], InstallerTries::default());
        session.handle_open(now);
        let password = Some(Password::new(TYPE1.into()));
        Self {
            session,
            now,
            sent: VecDeque::new(),
            wire: Vec::new(),
            events: Vec::new(),
            outcomes: Vec::new(),
            end: None,
            numbers: Sequences::opener(),
            material: KeyMaterial { identifier: IDENTIFIER.into(), type1: password.clone(), type2: password },
            encryption,
            random: RandomStream::new(&[9; 32]),
            key_in: None,
            key_out: None,
            acknowledges: true,
            strict: true,
            next_id: 1,
        }
    }

    pub(crate) fn plain() -> Self {
        Self::new(r#""encryption":"none""#)
    }

    pub(crate) fn hello(&self) -> OpenSession {
        OpenSession {
            device: 2,
            device_id: 0x032C,
            firmware: [4, 0x11],
            protocol: [2, 0x11],
            tx_buffer: 512,
            rx_buffer: 512,
            constant: 1,
            encryption: self.encryption,
            trailer: Vec::new(),
        }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.session.handle_bytes(self.now, bytes);
        self.drain();
    }

    pub(crate) fn say(&mut self, message: &Message) {
        let numbers = self.numbers.next_message();
        self.say_as(numbers, Some(message));
    }

    pub(crate) fn say_as(&mut self, numbers: (u8, u8), message: Option<&Message>) {
        let frame = encode_frame(&join_data(numbers, message, CompactWidth::Minimal));
        let payload = match &self.key_out {
            Some(key) => key.seal(frame, Padding::Zeros),
            None => frame,
        };
        self.bytes(&encode_tlink(IDENTIFIER.as_bytes(), &payload));
    }

    pub(crate) fn acknowledge(&mut self) {
        self.say_as(self.numbers.current(), None);
    }

    pub(crate) fn tell(&mut self, notice: Notice) {
        self.say(&Message::Notice(notice));
    }

    pub(crate) fn command(&mut self, app: u8, command: Command) {
        self.say(&Message::Command(app, command));
    }

    /// The next message that the session sent, acknowledgements left out.
    pub(crate) fn expect(&mut self) -> Message {
        while let Some((_, message)) = self.sent.pop_front() {
            if let Some(message) = message {
                return message;
            }
        }
        panic!("nothing was sent");
    }

    pub(crate) fn expect_nothing(&mut self) {
        self.sent.retain(|(_, message)| message.is_some());
        assert!(self.sent.is_empty(), "{:?}", self.sent);
    }

    /// Answers the next command with a CommandResponse.
    pub(crate) fn respond(&mut self, code: ResponseCode) -> Command {
        let Message::Command(app, command) = self.expect() else { panic!("no command") };
        self.command(app, Command::Response(code));
        command
    }

    pub(crate) fn handshake(&mut self) {
        let hello = self.hello();
        self.command(0x91, Command::OpenSession(hello));
        assert!(matches!(self.expect(), Message::Command(0x91, Command::Response(ResponseCode::Success))));
        assert!(matches!(self.respond(ResponseCode::Success), Command::OpenSession(_)));
        let (initializer, key) = self.material.make(self.encryption, Side::Panel, &mut self.random).unwrap();
        self.key_in = key;
        self.command(0x92, Command::RequestAccess(initializer.into()));
        assert!(matches!(self.expect(), Message::Command(0x92, Command::Response(ResponseCode::Success))));
        let Message::Command(app, Command::RequestAccess(initializer)) = self.expect() else { panic!("no request") };
        self.key_out = self.material.open(self.encryption, Side::Server, initializer.expose()).unwrap();
        self.command(app, Command::Response(ResponseCode::Success));
        assert!(self.session.is_connected());
    }

    /// Answers everything that is asked with a panel at rest, until nothing is asked any more.
    pub(crate) fn serve(&mut self) {
        while let Some(at) = self.sent.iter().position(|(_, message)| message.is_some()) {
            let (_, message) = self.sent.remove(at).unwrap();
            if let Some(Message::Command(app, command)) = message {
                self.answer(app, &command);
            }
        }
    }

    fn answer(&mut self, app: u8, command: &Command) {
        let Command::Request(wanted) = command else {
            return self.command(app, Command::Response(ResponseCode::Success));
        };
        match wanted {
            Wanted::Plain(0x0613) => self.tell(Notice::Capabilities(SystemCapabilities {
                zones: 16,
                users: 48,
                partitions: 2,
                fobs: 16,
                tags: 48,
                outputs: 4,
            })),
            Wanted::Plain(0x0236) => self.tell(Notice::CodeLength(4)),
            Wanted::PartitionStatus(field) => {
                let count = field.iter().map(|b| b.count_ones()).sum::<u32>();
                let statuses = (0..count).map(|_| PartitionStatus(vec![2, 0])).collect();
                self.tell(Notice::PartitionStatus(PartitionReport { field: field.clone(), statuses }));
            }
            Wanted::ZoneStatus { first, count } => {
                let statuses = (0..*count).map(|_| ZoneStatus(0)).collect();
                self.tell(Notice::ZoneStatus { first: *first, statuses });
            }
            Wanted::Troubles { .. } => self.command(app, Command::Response(ResponseCode::NoTroubles)),
            _ => self.command(app, Command::Response(ResponseCode::NotAvailable)),
        }
    }

    /// Connected, and the first snapshot told.
    pub(crate) fn online() -> Self {
        let mut bench = Self::plain();
        bench.handshake();
        bench.pass(Duration::from_secs(3));
        bench.serve();
        assert_eq!(bench.snapshots().len(), 1);
        bench
    }

    pub(crate) fn ask(&mut self, command: Asked) -> CommandId {
        let id = CommandId(self.next_id);
        self.next_id += 1;
        self.session.handle_command(self.now, id, command).unwrap();
        self.drain();
        id
    }

    pub(crate) fn outcome(&self, id: CommandId) -> Option<&Outcome> {
        self.outcomes.iter().find(|(done, _)| *done == id).map(|(_, outcome)| outcome)
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.session.poll_timeout().filter(|at| *at <= until && self.end.is_none()) {
            self.now = at;
            self.session.handle_timeout(at);
            self.drain();
        }
        self.now = until;
    }

    pub(crate) fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            assert!(self.end.is_none(), "nothing follows the end");
            match output {
                SessionOutput::Event(event) => self.events.push(event),
                SessionOutput::Done(id, outcome) => self.outcomes.push((id, outcome)),
                SessionOutput::End(error) => self.end = Some(error),
            }
        }
        while let Some(bytes) = self.session.poll_transmit() {
            self.hear(&bytes);
        }
        while self.session.poll_wire().is_some() {}
    }

    fn hear(&mut self, bytes: &[u8]) {
        let packet = Decoder::default().next(&mut &bytes[..]).unwrap().unwrap();
        self.wire.push(bytes.to_vec());
        let opened = self.key_in.as_ref().map(|key| key.open(&packet.payload).unwrap());
        let payload = opened.as_ref().map_or(&packet.payload[..], |bytes| &bytes[..]);
        let data = decode_frame(payload).expect("a frame under the key of that direction").to_vec();
        let (sender, receiver, content) = split_data(&data).unwrap();
        let mode = if self.strict { SequenceMode::Strict } else { SequenceMode::Lenient };
        self.numbers.accept(sender, receiver, content, mode).expect("numbers by the vendor's rule");
        let message = (!content.is_empty()).then(|| Message::decode(content).unwrap());
        let is_message = message.is_some();
        self.sent.push_back(((sender, receiver), message));
        if is_message && self.acknowledges && self.end.is_none() {
            self.acknowledge();
        }
    }

    pub(crate) fn snapshots(&self) -> Vec<&PanelState> {
        let snapshots = self.events.iter().filter_map(|event| match event {
            DriverEvent::Snapshot(state) => Some(&**state),
            _ => None,
        });
        snapshots.collect()
    }

    pub(crate) fn happened(&self) -> Vec<&PanelEvent> {
        let happened = self.events.iter().filter_map(|event| match event {
            DriverEvent::Happened(event) => Some(event),
            _ => None,
        });
        happened.collect()
    }
}
