//! A session on a bench: we are the panel, time moves when told, nothing is hidden.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use driver_visonic::codec::{Checksum, Decoder};
use driver_visonic::message::{Form, HostMessage, PanelMessage, StatusPart};
use driver_visonic::{Config, RawConfig, VisonicSession};
use panel_driver::{
    Command, CommandId, Credentials, DriverError, DriverEvent, DriverStart, Outcome, Session, SessionOutput, clock,
};
use panel_model::{AccessCode, EventKind, PanelEvent, PanelState};

pub(crate) const ACK: PanelMessage = PanelMessage::Ack(Form::Plain);
pub(crate) const ACK43: PanelMessage = PanelMessage::Ack(Form::PowerLink);

pub(crate) fn config(model: &str) -> Config {
    let json = format!(r#"{{"device":"/dev/null","model":"{model}","zones":8}}"#);
    serde_json::from_str::<RawConfig>(&json).expect("json").validate().expect("valid")
}

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) struct Bench {
    pub(crate) session: VisonicSession,
    pub(crate) now: Instant,
    /// Messages sent and not looked at yet; acknowledgements are counted instead.
    pub(crate) sent: VecDeque<HostMessage>,
    pub(crate) acks: usize,
    pub(crate) outputs: Vec<SessionOutput>,
    pub(crate) outcomes: BTreeMap<u64, Outcome>,
    pub(crate) end: Option<DriverError>,
    decoder: Decoder,
    next_id: u64,
}

impl Bench {
    pub(crate) fn new(model: &str) -> Self {
        let credentials = Credentials { master: Some(AccessCode::new("7391".into())), ..Credentials::default() };
        let now = clock::now();
        let mut bench = Self {
            session: VisonicSession::new(config(model), DriverStart { credentials, residue: None }),
            now,
            sent: VecDeque::new(),
            acks: 0,
            outputs: Vec::new(),
            outcomes: BTreeMap::new(),
            end: None,
            decoder: Decoder::default(),
            next_id: 1,
        };
        bench.session.handle_open(now);
        bench.drain();
        bench
    }

    /// A PowerMax with a PowerLink by menu only, online and disarmed; its memory is about to be read.
    pub(crate) fn online() -> Self {
        let mut bench = Self::new("PowerMax Pro");
        bench.expect(&HostMessage::ExitDownload);
        bench.tell(&ACK);
        bench.expect(&HostMessage::GetStatus(0x3F));
        bench.tell(&ACK43);
        bench.tell_status(0x00);
        bench.outputs.clear();
        bench
    }

    /// The same, with the memory refused: nothing goes on by itself but a question each minute.
    pub(crate) fn at_rest() -> Self {
        let mut bench = Self::online();
        for _ in 0..3 {
            assert!(matches!(bench.next_sent(), HostMessage::EnterDownload(_)));
            bench.tell(&PanelMessage::Denied(Form::Plain));
        }
        bench.expect(&HostMessage::GetStatus(0x3F));
        bench.tell(&ACK43);
        bench.tell_status(0x00);
        bench.outputs.clear();
        bench
    }

    /// A5 1 to 6: no zone open, eight enrolled.
    pub(crate) fn tell_status(&mut self, status: u8) {
        for part in [1, 2, 3, 5] {
            self.tell(&PanelMessage::Status { total: 6, part, data: [0; 8] });
        }
        self.tell(&system(status, 0x01));
        self.tell(&PanelMessage::Status { total: 6, part: 6, data: [0xFF, 0, 0, 0, 0, 0, 0, 0] });
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            assert!(self.end.is_none(), "something after the end: {output:?}");
            match &output {
                SessionOutput::Done(id, outcome) => {
                    assert!(self.outcomes.insert(id.0, outcome.clone()).is_none(), "{id} was answered twice");
                }
                SessionOutput::End(error) => self.end = Some(error.clone()),
                SessionOutput::Event(_) => {}
            }
            self.outputs.push(output);
        }
        while let Some(bytes) = self.session.poll_transmit() {
            self.decoder.push(&bytes);
            while let Some(frame) = self.decoder.next_frame() {
                match HostMessage::decode(&frame.expect("the session sends good frames")).expect("known messages") {
                    HostMessage::Ack(_) => self.acks += 1,
                    message => self.sent.push_back(message),
                }
            }
        }
        while self.session.poll_wire().is_some() {}
    }

    pub(crate) fn tell(&mut self, message: &PanelMessage) {
        self.bytes(&message.encode().encode());
    }

    pub(crate) fn tell_as(&mut self, message: &PanelMessage, checksum: Checksum) {
        self.bytes(&message.encode().with_checksum(checksum).encode());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.session.handle_bytes(self.now, bytes);
        self.drain();
    }

    pub(crate) fn command(&mut self, command: Command) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.session.handle_command(self.now, CommandId(id), command).expect("room in the queue");
        self.drain();
        id
    }

    /// The next time-out, if it is within the limit; else time goes to the limit.
    fn step(&mut self, limit: Instant) -> bool {
        match self.session.poll_timeout().filter(|at| *at <= limit) {
            Some(at) => {
                assert!(at > self.now, "a time-out that stays in the past");
                self.now = at;
                self.session.handle_timeout(at);
                self.drain();
                true
            }
            None => {
                self.now = limit;
                false
            }
        }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        let limit = self.now + time;
        while self.step(limit) {}
    }

    /// The next message that the session sends, within two minutes.
    pub(crate) fn next_sent(&mut self) -> HostMessage {
        let limit = self.now + secs(120);
        while self.sent.is_empty() && self.step(limit) {}
        self.sent.pop_front().unwrap_or_else(|| panic!("nothing sent; told: {:?}", self.outputs))
    }

    pub(crate) fn expect(&mut self, message: &HostMessage) {
        assert_eq!(&self.next_sent(), message);
    }

    pub(crate) fn outcome(&self, id: u64) -> &Outcome {
        self.outcomes.get(&id).unwrap_or_else(|| panic!("{id} is not answered; told: {:?}", self.outputs))
    }

    pub(crate) fn happened(&self) -> Vec<&PanelEvent> {
        let events = self.outputs.iter().filter_map(|output| match output {
            SessionOutput::Event(DriverEvent::Happened(event)) => Some(event),
            _ => None,
        });
        events.collect()
    }

    pub(crate) fn kinds(&self) -> Vec<EventKind> {
        self.happened().iter().map(|event| event.kind).collect()
    }

    pub(crate) fn snapshots(&self) -> Vec<&PanelState> {
        let snapshots = self.outputs.iter().filter_map(|output| match output {
            SessionOutput::Event(DriverEvent::Snapshot(state)) => Some(&**state),
            _ => None,
        });
        snapshots.collect()
    }
}

/// A5 4 with that status and those flags.
pub(crate) fn system(status: u8, flags: u8) -> PanelMessage {
    zone_event(status, flags, 0, 0)
}

/// The same, with something that happened to a zone.
pub(crate) fn zone_event(status: u8, flags: u8, zone: u8, event: u8) -> PanelMessage {
    let part = StatusPart::of(4, [status, flags, zone, event, 0, 0, 0, 0]);
    let (part, data) = part.bytes();
    PanelMessage::Status { total: 0, part, data }
}
