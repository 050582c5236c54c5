//! A session on a bench: we are the module, time moves when told, nothing is hidden.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use driver_dsc::codec::{ChecksumCase, Decoder, Frame, Number};
use driver_dsc::{Config, DscSession, RawConfig};
use panel_driver::testkit::leak;
use panel_driver::{
    Command, CommandId, Credentials, DriverError, DriverEvent, DriverStart, Outcome, Residue, Session, SessionOutput,
    SetUser, clock,
};
use panel_model::{
    AccessCode, EventKind, InstallerCode, PanelEvent, PanelState, Partition, Password, Slot, UserReport, Zone,
};

pub(crate) const MASTER: &str = "7391";
pub(crate) const INSTALLER: &str = "8264";
pub(crate) const PASSWORD: &str = "s3cret";

pub(crate) fn config(json: &str) -> Config {
    let raw: RawConfig = serde_json::from_str(json).expect("json");
    raw.validate().expect("valid")
}

pub(crate) fn envisalink() -> Config {
    config(r#"{"interface":"envisalink","host":"evl","model":"PC1616","partitions":[1,2],"installer_menu":"allowed"}"#)
}

pub(crate) fn it100() -> Config {
    config(r#"{"interface":"it100","device":"/dev/null","model":"PC1616","zones":8,"installer_menu":"allowed"}"#)
}

pub(crate) fn start() -> DriverStart {
    let credentials = Credentials {
        password: Some(Password::new(PASSWORD.into())),
        master: Some(AccessCode::new(MASTER.into())),
        previous_master: None,
        installer: Some(InstallerCode::new(INSTALLER.into())),
    };
    DriverStart { credentials, residue: None }
}

pub(crate) fn with_residue() -> DriverStart {
    DriverStart { residue: Some(Residue("users menu".into())), ..start() }
}

pub(crate) fn slot(n: u32) -> Slot {
    Slot::new(n).expect("in range")
}

pub(crate) fn partition(n: u32) -> Partition {
    Partition::new(n).expect("in range")
}

pub(crate) fn zone(n: u32) -> Zone {
    Zone::new(n).expect("in range")
}

pub(crate) fn code(text: &str) -> AccessCode {
    AccessCode::new(text.into())
}

pub(crate) fn set_code(n: u32, digits: &str) -> Command {
    Command::SetUser(SetUser { slot: slot(n), code: Some(code(digits)), label: None, role: None, partitions: None })
}

pub(crate) fn change_installer_to(digits: &str) -> Command {
    let (current, new) = (InstallerCode::new(INSTALLER.into()), InstallerCode::new(digits.into()));
    Command::ChangeInstallerCode { current, new }
}

pub(crate) fn disarm(digits: &str) -> Command {
    Command::Disarm { partition: partition(1), code: code(digits) }
}

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) struct Bench {
    pub(crate) session: DscSession,
    pub(crate) now: Instant,
    /// Bodies of frames sent and not looked at yet, each with the number of outputs that came before it.
    pub(crate) sent: VecDeque<(String, usize)>,
    /// Everything that was told, in order.
    pub(crate) outputs: Vec<SessionOutput>,
    pub(crate) outcomes: BTreeMap<u64, Outcome>,
    pub(crate) end: Option<DriverError>,
    pub(crate) wire: Vec<String>,
    /// Frames are acknowledged at once.
    pub(crate) acks: bool,
    /// The answer to 001 begins with a zone by itself.
    pub(crate) tells_zones: bool,
    decoder: Decoder,
    next_id: u64,
}

impl Bench {
    pub(crate) fn new(config: Config, start: DriverStart) -> Self {
        Self::with_acks(config, start, true)
    }

    /// A module that answers nothing by itself.
    pub(crate) fn silent(config: Config, start: DriverStart) -> Self {
        Self::with_acks(config, start, false)
    }

    fn with_acks(config: Config, start: DriverStart, acks: bool) -> Self {
        let now = clock::now();
        let mut bench = Self {
            session: DscSession::new(config, start),
            now,
            sent: VecDeque::new(),
            outputs: Vec::new(),
            outcomes: BTreeMap::new(),
            end: None,
            wire: Vec::new(),
            acks,
            tells_zones: true,
            decoder: Decoder::new(ChecksumCase::UpperOnly),
            next_id: 1,
        };
        bench.session.handle_open(now);
        bench.drain();
        bench
    }

    /// An Envisalink with both partitions ready, logged in, snapshot told and forgotten.
    pub(crate) fn ready_envisalink() -> Self {
        Self::ready_with(start())
    }

    pub(crate) fn ready_with(start: DriverStart) -> Self {
        let mut bench = Self::new(envisalink(), start);
        bench.login();
        bench.expect("001");
        bench.tell(&["6501", "6502", "51080", "51100", "51081"]);
        bench.pass(secs(1));
        bench.outputs.clear();
        bench
    }

    pub(crate) fn login(&mut self) {
        self.tell(&["5053"]);
        self.expect(&format!("005{PASSWORD}"));
        self.tell(&["5051"]);
    }

    /// An IT-100 with partition 1 ready, labels asked for and none there, outputs forgotten.
    pub(crate) fn ready_it100(start: DriverStart) -> Self {
        let mut bench = Self::new(it100(), start);
        bench.expect("000");
        bench.expect("0581");
        bench.expect("001");
        bench.tell(&["6501", "908010102"]);
        bench.screen("System is", "Ready to Arm  <>");
        bench.expect("002");
        bench.pass(secs(5));
        bench.outputs.clear();
        bench
    }

    fn drain(&mut self) {
        loop {
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
            let mut acks = Vec::new();
            while let Some(bytes) = self.session.poll_transmit() {
                let mut input = &bytes[..];
                while let Some(line) = self.decoder.decode(&mut input) {
                    let frame = line.expect("the session sends good frames");
                    let body = format!("{}{}", frame.number(), String::from_utf8_lossy(frame.data()));
                    acks.push(format!("500{}", frame.number()));
                    if body == "001" && self.tells_zones {
                        acks.push("610001".to_owned());
                    }
                    self.sent.push_back((body, self.outputs.len()));
                }
            }
            while let Some(entry) = self.session.poll_wire() {
                self.wire.push(String::from_utf8_lossy(&entry.masked).into_owned());
            }
            if acks.is_empty() || !self.acks || self.end.is_some() {
                return;
            }
            for ack in acks {
                self.session.handle_bytes(self.now, &line(&ack));
            }
        }
    }

    pub(crate) fn shutdown(&mut self) {
        self.session.handle_shutdown(self.now);
        self.drain();
    }

    /// The module says these, each as number and data.
    pub(crate) fn tell(&mut self, bodies: &[&str]) {
        for body in bodies {
            self.bytes(&line(body));
        }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.session.handle_bytes(self.now, bytes);
        self.drain();
    }

    /// The virtual keypad shows this.
    pub(crate) fn screen(&mut self, first: &str, second: &str) {
        self.tell(&[&format!("9010{:02}{:02}{first:16}{second:16}", 0, 32)]);
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

    /// The next frame that the session sends, within ten seconds.
    pub(crate) fn next_sent(&mut self) -> String {
        let limit = self.now + secs(10);
        while self.sent.is_empty() && self.step(limit) {}
        self.sent.pop_front().map(|(body, _)| body).unwrap_or_else(|| format!("nothing; told: {:?}", self.outputs))
    }

    pub(crate) fn expect(&mut self, body: &str) {
        assert_eq!(self.next_sent(), body);
    }

    pub(crate) fn expect_keys(&mut self, keys: &str) {
        for key in keys.chars() {
            self.expect(&format!("070{key}"));
            self.expect("070^");
        }
    }

    pub(crate) fn expect_silence(&mut self, time: Duration) {
        self.pass(time);
        assert_eq!(self.sent, VecDeque::new());
    }

    pub(crate) fn outcome(&self, id: u64) -> &Outcome {
        self.outcomes.get(&id).unwrap_or_else(|| panic!("{id} is not answered; told: {:?}", self.outputs))
    }

    pub(crate) fn answered(&self, id: u64) -> bool {
        self.outcomes.contains_key(&id)
    }

    /// The panel error's code of a failed command, and whether it may be tried again.
    pub(crate) fn failure(&self, id: u64) -> (String, bool) {
        match self.outcome(id) {
            Outcome::Failed(error) => (error.code.clone(), error.retry),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn happened(&self) -> Vec<&PanelEvent> {
        let events = self.outputs.iter().filter_map(|o| match o {
            SessionOutput::Event(DriverEvent::Happened(event)) => Some(event),
            _ => None,
        });
        events.collect()
    }

    pub(crate) fn kinds(&self) -> Vec<EventKind> {
        self.happened().iter().map(|e| e.kind).collect()
    }

    pub(crate) fn snapshots(&self) -> Vec<&PanelState> {
        let snapshots = self.outputs.iter().filter_map(|o| match o {
            SessionOutput::Event(DriverEvent::Snapshot(state)) => Some(&**state),
            _ => None,
        });
        snapshots.collect()
    }

    pub(crate) fn users(&self) -> Vec<&UserReport> {
        let users = self.outputs.iter().filter_map(|o| match o {
            SessionOutput::Event(DriverEvent::User(report)) => Some(&**report),
            _ => None,
        });
        users.collect()
    }

    pub(crate) fn residues(&self) -> Vec<Option<&str>> {
        let residues = self.outputs.iter().filter_map(|o| match o {
            SessionOutput::Event(DriverEvent::Residue(residue)) => Some(residue.as_ref().map(|r| r.0.as_str())),
            _ => None,
        });
        residues.collect()
    }

    pub(crate) fn told(&self, event: &DriverEvent) -> bool {
        self.outputs.iter().any(|o| matches!(o, SessionOutput::Event(e) if e == event))
    }

    pub(crate) fn assert_no_secret(&self, secrets: &[&str]) {
        assert_eq!(leak(&(&self.outputs, &self.session), secrets.iter().copied()), None, "a secret is told");
        for (secret, entry) in secrets.iter().flat_map(|secret| self.wire.iter().map(move |entry| (secret, entry))) {
            assert!(!entry.contains(secret), "a secret in the wire log: {entry}");
        }
    }
}

/// A whole line from number and data.
pub(crate) fn line(body: &str) -> Vec<u8> {
    let (number, data) = body.split_at(3);
    let number = Number::parse(number.as_bytes()).expect("three digits");
    Frame::new(number, data.as_bytes().to_vec()).encode().to_vec()
}
