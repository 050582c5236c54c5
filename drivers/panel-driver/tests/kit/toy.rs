//! A toy protocol: lines `BODY*XX`, `XX` being the xor of the body in hex.
//!
//! ```text
//! driver: Lpassword     panel: LOK, or LNO and hangs up
//!         Q                    S10000000   (zones 1 to 8, open ones are 1)
//!         Uslot,code           UOKslot
//!                              Z31         (zone 3 is open, unasked)
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_driver::sim::{Hangup, Poke, PokeError, Simulator};
use panel_driver::{
    Busy, Command, CommandId, Direction, DriverError, DriverEvent, DriverStart, Outcome, Residue, Section, Session,
    SessionOutput, SetUser, WireEntry,
};
use panel_model::{
    Access, AccessCode, Capabilities, Charset, CodeRules, EventKind, Evidence, LabelRules, NotNow, PanelError,
    PanelEvent, PanelRole, PanelState, PartitionSet, Password, Refusal, RoleSlots, Sections, Slot, Zone,
};
use serde_json::{Value, json};

/// The password that the toy panel takes.
pub(crate) const PASSWORD: &str = "sesame";
/// Highest slot.
pub(crate) const SLOTS: u16 = 8;

const ANSWER: Duration = Duration::from_secs(2);
const TRIES: u32 = 4;
const POLL: Duration = Duration::from_secs(10);
const QUEUE: usize = 4;

/// What may be wrong with a toy session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    None,
    TellsBeforeSnapshot,
    AnswersTwice,
    ForgetsToAnswer,
    LeavesTimerInThePast,
    ChattersForEver,
    PanicsOnGarbage,
    StopsOnGarbage,
    SpeaksAfterEnd,
    ShowsCodes,
    IgnoresShutdown,
    TakesRefusalForSilence,
    SendsUnsupported,
    SendsAnySlot,
    SendsAnyCode,
    TakesAnyNumberOfCommands,
    NeedsWholeLines,
    NeverGivesUp,
    TripsOverResidue,
    ChangesCapabilities,
}

pub(crate) fn line(body: &str) -> Bytes {
    let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    Bytes::from(format!("{body}*{sum:02X}\n"))
}

static NEXT: AtomicU16 = AtomicU16::new(1);

pub(crate) fn capabilities() -> Capabilities {
    let slot = |n| Slot::new(n).unwrap();
    Capabilities {
        model: "toy".into(),
        slots: vec![RoleSlots { first: slot(1), last: slot(SLOTS.into()), roles: vec![PanelRole::User] }],
        codes: CodeRules { lengths: vec![6], duress_distance: false },
        user_labels: LabelRules { max_chars: 16, charset: Charset::Any },
        zone_labels: None,
        partitions: PartitionSet::first(1),
        zones: 8,
        outputs: 0,
        locks: 0,
        arm_modes: Vec::new(),
        arm_without_code: false,
        bypass: false,
        set_clock: false,
        sections: Sections {
            codes: Access::WriteOnly,
            labels: Access::Cached,
            partitions: Access::Unsupported,
            roles: Access::Unsupported,
            tags: Access::Unsupported,
            locks: Access::Unsupported,
            installer_code: Access::Unsupported,
        },
        notes: Vec::new(),
        instead: BTreeMap::new(),
    }
}

/// Collects bytes and gives whole lines with a right checksum.
#[derive(Debug, Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        self.0.extend_from_slice(bytes);
        let mut bodies = Vec::new();
        while let Some(end) = self.0.iter().position(|byte| *byte == b'\n') {
            let whole: Vec<u8> = self.0.drain(..=end).collect();
            let text = String::from_utf8_lossy(&whole);
            let body = text.split('*').next().unwrap_or_default();
            if line(body) == whole {
                bodies.push(body.to_owned());
            }
        }
        let excess = self.0.len().saturating_sub(64);
        self.0.drain(..excess);
        bodies
    }
}

#[derive(Debug)]
enum Asked {
    Login,
    Status(Option<CommandId>),
    User(CommandId, SetUser),
}

#[derive(Debug)]
struct InFlight {
    asked: Asked,
    bytes: Bytes,
    tries: u32,
    deadline: Instant,
}

pub(crate) struct ToySession {
    bug: Bug,
    start: DriverStart,
    lines: Lines,
    in_flight: Option<InFlight>,
    queue: VecDeque<(CommandId, Command)>,
    next_poll: Option<Instant>,
    known: Option<PanelState>,
    stopping: bool,
    ended: bool,
    out: VecDeque<Bytes>,
    outputs: VecDeque<SessionOutput>,
    wire: VecDeque<WireEntry>,
}

impl ToySession {
    pub(crate) fn new(start: DriverStart, bug: Bug) -> Self {
        Self {
            bug,
            start,
            lines: Lines::default(),
            in_flight: None,
            queue: VecDeque::new(),
            next_poll: None,
            known: None,
            stopping: false,
            ended: false,
            out: VecDeque::new(),
            outputs: VecDeque::new(),
            wire: VecDeque::new(),
        }
    }

    fn ask(&mut self, now: Instant, asked: Asked) {
        let (body, masked) = match &asked {
            Asked::Login => {
                let password = self.start.credentials.password.as_ref().map_or("", Password::expose);
                (format!("L{password}"), "L****".to_owned())
            }
            Asked::Status(_) => ("Q".into(), "Q".into()),
            Asked::User(_, user) => {
                let code = user.code.as_ref().map_or("", AccessCode::expose);
                let note = Some(Residue("writing a user".into()));
                self.outputs.push_back(SessionOutput::Event(DriverEvent::Residue(note)));
                (format!("U{},{code}", user.slot), format!("U{},****", user.slot))
            }
        };
        let masked = if self.bug == Bug::ShowsCodes { body.clone() } else { masked };
        self.wire.push_back(WireEntry { direction: Direction::ToPanel, masked: masked.into() });
        let bytes = line(&body);
        self.out.push_back(bytes.clone());
        self.in_flight = Some(InFlight { asked, bytes, tries: 1, deadline: now + ANSWER });
    }

    fn done(&mut self, id: CommandId, outcome: Outcome) {
        self.outputs.push_back(SessionOutput::Done(id, outcome));
    }

    fn end(&mut self, error: DriverError) {
        self.outputs.push_back(SessionOutput::End(error));
        self.ended = true;
        if self.bug == Bug::SpeaksAfterEnd {
            self.outputs.push_back(SessionOutput::Event(DriverEvent::Alive));
        }
    }

    fn next(&mut self, now: Instant) {
        if self.in_flight.is_some() || self.ended {
            return;
        }
        if self.stopping {
            self.end(DriverError::Shutdown);
            return;
        }
        let Some((id, command)) = self.queue.pop_front() else { return };
        match command {
            Command::SetUser(user) => self.ask(now, Asked::User(id, user)),
            _ => self.ask(now, Asked::Status(Some(id))),
        }
    }

    fn refusal(&self, command: &Command) -> Option<Refusal> {
        match command {
            Command::Refresh(Section::State) => None,
            Command::SetUser(SetUser { code: None, .. }) if self.bug != Bug::SendsUnsupported => {
                Some(Refusal::Unsupported)
            }
            Command::DisableUser { slot } if slot.number() > SLOTS => Some(Refusal::SlotNotAvailable),
            Command::SetUser(user) if user.slot.number() > SLOTS && self.bug != Bug::SendsAnySlot => {
                Some(Refusal::SlotNotAvailable)
            }
            Command::SetUser(user) => {
                let right = user.code.as_ref().is_none_or(|code| capabilities().codes.check(code).is_ok());
                (!right && self.bug != Bug::SendsAnyCode).then_some(Refusal::CodeFormat)
            }
            _ => (self.bug != Bug::SendsUnsupported).then_some(Refusal::Unsupported),
        }
    }

    fn handle_line(&mut self, now: Instant, body: &str) {
        self.outputs.push_back(SessionOutput::Event(DriverEvent::Alive));
        let asked = self.in_flight.take();
        match (body.split_at(1), asked) {
            (("L", "OK"), Some(InFlight { asked: Asked::Login, .. })) => {
                self.ask(now, Asked::Status(None));
                let mut told = capabilities();
                if self.bug == Bug::ChangesCapabilities {
                    told.zones = NEXT.fetch_add(1, Ordering::Relaxed);
                }
                self.outputs.push_back(SessionOutput::Event(DriverEvent::Capabilities(Box::new(told))));
            }
            (("L", "NO"), asked) if self.bug == Bug::TakesRefusalForSilence => self.in_flight = asked,
            (("L", "NO"), _) => self.end(DriverError::Auth("wrong password".into())),
            (("S", zones), Some(InFlight { asked: Asked::Status(id), .. })) if zones.len() == 8 => {
                self.status(now, zones);
                if let Some(id) = id {
                    self.done(id, Outcome::Applied(Evidence::ReadBack));
                }
            }
            (("U", slot), Some(InFlight { asked: Asked::User(id, user), .. }))
                if slot == format!("OK{}", user.slot) =>
            {
                self.outputs.push_back(SessionOutput::Event(DriverEvent::Residue(None)));
                if self.bug != Bug::ForgetsToAnswer {
                    self.done(id, Outcome::Applied(Evidence::Acknowledged));
                }
                if self.bug == Bug::AnswersTwice {
                    self.done(id, Outcome::Applied(Evidence::Acknowledged));
                }
            }
            (("Z", change), asked) => {
                self.in_flight = asked;
                self.zone(change);
            }
            (_, asked) => self.in_flight = asked,
        }
        self.next(now);
    }

    fn status(&mut self, now: Instant, zones: &str) {
        let mut state = PanelState::default();
        for (n, flag) in (1..).zip(zones.chars()) {
            state.zones.entry(Zone::new(n).unwrap()).or_default().open = flag == '1';
        }
        self.next_poll = Some(now + POLL);
        if self.known.as_ref() != Some(&state) {
            self.outputs.push_back(SessionOutput::Event(DriverEvent::Snapshot(Box::new(state.clone()))));
            self.known = Some(state);
        }
    }

    fn zone(&mut self, change: &str) {
        let Some(event) = change.split_at_checked(1).and_then(|(zone, open)| {
            let kind = if open == "1" { EventKind::ZoneOpened } else { EventKind::ZoneClosed };
            Some(PanelEvent::new(kind).zone(zone.parse().ok()?))
        }) else {
            return;
        };
        match &mut self.known {
            Some(state) => {
                state.apply(&event);
            }
            None if self.bug == Bug::TellsBeforeSnapshot => {}
            None => return,
        }
        self.outputs.push_back(SessionOutput::Event(DriverEvent::Happened(event)));
    }
}

impl Session for ToySession {
    fn handle_open(&mut self, now: Instant) {
        if self.bug == Bug::TripsOverResidue && self.start.residue.is_some() {
            return self.end(DriverError::Unsupported("what is this?".into()));
        }
        self.ask(now, Asked::Login);
    }

    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        if self.bug == Bug::PanicsOnGarbage {
            assert!(bytes.is_ascii(), "only text is expected");
        }
        if self.bug == Bug::NeedsWholeLines {
            self.lines = Lines::default();
        }
        if self.bug == Bug::StopsOnGarbage && !bytes.is_ascii() {
            self.end(DriverError::Unsupported("garbage".into()));
        }
        for body in self.lines.push(bytes) {
            if !self.ended && body.is_ascii() && !body.is_empty() {
                self.handle_line(now, &body);
            }
        }
    }

    fn handle_command(&mut self, now: Instant, id: CommandId, command: Command) -> Result<(), Busy> {
        if self.queue.len() >= QUEUE && self.bug != Bug::TakesAnyNumberOfCommands {
            return Err(Busy(command));
        }
        match self.refusal(&command) {
            Some(refusal) => self.done(id, Outcome::Refused(refusal)),
            None => self.queue.push_back((id, command)),
        }
        if self.known.is_some() {
            self.next(now);
        }
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.bug == Bug::ChattersForEver {
            self.in_flight = None;
            return self.ask(now - ANSWER + Duration::from_micros(1), Asked::Status(None));
        }
        match &mut self.in_flight {
            Some(waiting) if waiting.deadline <= now && waiting.tries == TRIES && self.bug != Bug::NeverGivesUp => {
                if let Some(InFlight { asked: Asked::User(id, _) | Asked::Status(Some(id)), .. }) =
                    self.in_flight.take()
                {
                    self.done(id, Outcome::Failed(PanelError::passing("timeout", "the panel does not answer")));
                }
                self.end(DriverError::Unresponsive("four tries".into()));
            }
            Some(waiting) if waiting.deadline <= now => {
                if self.bug != Bug::LeavesTimerInThePast {
                    waiting.tries += 1;
                    waiting.deadline = now + ANSWER;
                }
                self.out.push_back(waiting.bytes.clone());
            }
            Some(_) => {}
            None => self.ask(now, Asked::Status(None)),
        }
    }

    fn handle_shutdown(&mut self, now: Instant) {
        if self.bug == Bug::IgnoresShutdown {
            return;
        }
        self.stopping = true;
        for (id, _) in std::mem::take(&mut self.queue) {
            self.done(id, Outcome::NotNow(NotNow { why: "stopping".into() }));
        }
        if matches!(self.in_flight, Some(InFlight { asked: Asked::Login | Asked::Status(None), .. })) {
            self.in_flight = None;
        }
        self.next(now);
    }

    fn poll_output(&mut self) -> Option<SessionOutput> {
        self.outputs.pop_front()
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.out.pop_front()
    }

    fn poll_wire(&mut self) -> Option<WireEntry> {
        self.wire.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let asked = self.in_flight.as_ref().map(|waiting| waiting.deadline);
        asked.or(self.next_poll).filter(|_| !self.ended)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ToyPanel {
    zones: [bool; 8],
    users: BTreeMap<u16, String>,
    logged_in: bool,
    lines: Lines,
    out: VecDeque<Bytes>,
    happened: VecDeque<Value>,
    hangup: Option<Hangup>,
    /// Wrong log-ins so far.
    pub(crate) refused: u32,
    /// When the boiler room door next opens by itself, and how often it will.
    knocking: Option<(Instant, u32)>,
}

impl ToyPanel {
    pub(crate) fn code(&self, slot: u16) -> Option<&str> {
        self.users.get(&slot).map(String::as_str)
    }

    fn set_zone(&mut self, zone: Zone, open: bool) -> Result<(), PokeError> {
        let index = usize::from(zone.number() - 1);
        let place = self.zones.get_mut(index).ok_or_else(|| PokeError("the toy has zones 1 to 8".into()))?;
        *place = open;
        self.happened.push_back(json!({"event": "zone", "zone": zone.number(), "open": open}));
        if self.logged_in {
            self.out.push_back(line(&format!("Z{zone}{}", u8::from(open))));
        }
        Ok(())
    }

    fn handle_line(&mut self, body: &str) {
        match body.split_at(1) {
            ("L", PASSWORD) => {
                self.logged_in = true;
                self.out.push_back(line("LOK"));
            }
            ("L", _) => {
                self.refused += 1;
                self.out.push_back(line("LNO"));
                self.hangup = Some(Hangup { down: Duration::from_secs(1) });
            }
            ("Q", "") if self.logged_in => {
                let zones: String = self.zones.iter().map(|open| if *open { '1' } else { '0' }).collect();
                self.out.push_back(line(&format!("S{zones}")));
            }
            ("U", user) if self.logged_in => {
                let Some((slot, code)) = user.split_once(',') else { return };
                self.users.insert(slot.parse().unwrap_or(0), code.to_owned());
                self.happened.push_back(json!({"event": "user", "slot": slot}));
                self.out.push_back(line(&format!("UOK{slot}")));
            }
            _ => {}
        }
    }
}

impl Simulator for ToyPanel {
    fn handle_connect(&mut self, _now: Instant) {
        self.happened.push_back(json!({"event": "connected"}));
        self.logged_in = false;
        self.lines = Lines::default();
    }

    fn handle_disconnect(&mut self, _now: Instant) {
        self.happened.push_back(json!({"event": "disconnected"}));
        self.logged_in = false;
    }

    fn handle_bytes(&mut self, _now: Instant, bytes: &[u8]) {
        for body in self.lines.push(bytes) {
            if body.is_ascii() && !body.is_empty() {
                self.handle_line(&body);
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let Some((_, left)) = self.knocking.take() else { return };
        self.set_zone(Zone::new(8).unwrap(), left % 2 == 1).unwrap();
        self.knocking = (left > 0).then(|| (now + Duration::from_millis(200), left - 1));
    }

    fn poke(&mut self, now: Instant, poke: Poke) -> Result<(), PokeError> {
        match poke {
            Poke::Open(zone) => self.set_zone(zone, true),
            Poke::Close(zone) => self.set_zone(zone, false),
            Poke::Drop(down) => {
                self.hangup = Some(Hangup { down });
                Ok(())
            }
            // `fault knock 5`: zone 8 opens and closes so often, 200 ms apart.
            Poke::Fault(words) => {
                let count = words.get(1).and_then(|n| n.parse().ok());
                self.knocking = Some((now, count.ok_or_else(|| PokeError("type `fault knock TIMES`".into()))?));
                Ok(())
            }
            _ => Err(PokeError("the toy has zones and a line".into())),
        }
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.out.pop_front()
    }

    fn poll_happened(&mut self) -> Option<Value> {
        self.happened.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.knocking.map(|(at, _)| at)
    }

    fn take_hangup(&mut self) -> Option<Hangup> {
        self.hangup.take()
    }

    fn users(&self) -> Value {
        json!(self.users)
    }

    fn state(&self) -> Value {
        json!({"zones": self.zones})
    }
}
