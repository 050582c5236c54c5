//! The communicator's side of one TCP connection: what goes out when, and what is done with what comes in. The
//! handshake is in `handshake.rs`, commands are answered in `answer.rs`.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_driver::sim::Hangup;
use zeroize::Zeroizing;

use super::dialect::{Dialect, HeaderRule};
use super::handshake::Offer;
use super::hostile::Hostile;
use super::line::Line;
use super::numbers::Numbers;
use super::options::{SimConfig, Timings};
use super::panel::Panel;
use super::programming::Via;
use super::signal::{Client, Lead, Signal};
use crate::codec::{Decoder, Encryption, Key, KeyMaterial, TlinkPacket, decode_frame};
use crate::message::{Hidden, Message, MessageError, NackCode, Notice, split_data};

/// How far a session is, seen from the panel (dossier 2.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Offline,
    /// An HTTP poll went out.
    Http,
    /// Our OpenSession went out (1).
    Opening,
    /// The server's OpenSession is awaited (4).
    AwaitOpen,
    /// Our response to it went out (5).
    Opened,
    /// Our RequestAccess went out (7).
    Accessing,
    /// The server's RequestAccess is awaited (10).
    AwaitAccess,
    /// Our response to it went out (11).
    Accessed,
    Online,
    /// Last words are on their way.
    Ending,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Http => "polling",
            Self::Opening | Self::AwaitOpen | Self::Opened => "opening",
            Self::Accessing | Self::AwaitAccess | Self::Accessed => "accessing",
            Self::Online => "online",
            Self::Ending => "ending",
        }
    }
}

/// A message that waits for its turn.
pub(super) struct Out {
    pub(super) due: Instant,
    pub(super) message: Message,
    /// Notifications waiting at that time come along in one 0623.
    pub(super) with_notices: bool,
    /// From this message on everything is encrypted.
    pub(super) turns_key: bool,
}

/// A message that the server has not acknowledged yet.
struct InFlight {
    data: Zeroizing<Vec<u8>>,
    key: Option<Key>,
    at: Instant,
    sent: u8,
    /// Notifications in it: they go out again in the next session.
    notices: Vec<Notice>,
}

pub(super) struct Session {
    pub(super) id: String,
    pub(super) encryption: Encryption,
    pub(super) material: KeyMaterial,
    pub(super) dialect: Dialect,
    pub(super) hostile: Hostile,
    pub(super) timings: Timings,
    pub(super) line: Line,
    pub(super) phase: Phase,
    pub(super) numbers: Numbers,
    pub(super) offer: Offer,
    pub(super) app: u8,
    /// Reads what the server sends.
    pub(super) rx: Option<Key>,
    /// Hides what the panel sends.
    pub(super) tx: Option<Key>,
    /// What `tx` becomes with the next message that turns the key.
    pub(super) next_tx: Option<Key>,
    pub(super) outbox: VecDeque<Out>,
    /// The panel hangs in the middle of the handshake.
    pub(super) is_stuck: bool,
    /// When the present phase is given up.
    pub(super) gives_up: Option<Instant>,
    /// When a SimpleAck is due, if nothing else goes out before.
    pub(super) ack_at: Option<Instant>,
    pub(super) busy_until: Option<Instant>,
    /// What just happened waits for the answers that are under way.
    pub(super) holds_notices: bool,
    backlog: VecDeque<Notice>,
    /// Some of the backlog was lost.
    overflowed: bool,
    /// So many of the backlog go out before anything is answered.
    replaying: usize,
    in_flight: Option<InFlight>,
    decoder: Decoder,
    /// The header that the server began with.
    server_header: Option<Vec<u8>>,
    heard_at: Option<Instant>,
    inactivity: Duration,
    /// Packets sent in the handshake.
    handshake_packets: u8,
}

/// Notifications kept while nobody takes them; the dossier asks for 256 at least.
const MOST_BACKLOG: usize = 512;
/// Answers that wait; a server sends one request at a time, so more is a fault of its own.
const MOST_OUT: usize = 64;
/// Largest frame that our OpenSession announces.
pub(super) const RX_BUFFER: u16 = 0x0200;
/// Times that a message is sent before the session is given up.
const MOST_SENT: u8 = 4;
/// How long last words may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl Session {
    pub(super) fn new(config: &SimConfig) -> Self {
        Self {
            id: config.id.clone(),
            encryption: config.encryption,
            material: KeyMaterial {
                identifier: config.id.clone(),
                type1: Some(config.type1_code.clone()),
                type2: Some(config.type2_code.clone()),
            },
            dialect: config.dialect.clone(),
            hostile: config.hostile.clone(),
            timings: config.timings.clone(),
            line: Line::new(config.id.clone(), config.seed),
            phase: Phase::Offline,
            numbers: Numbers::new(config.dialect.sequence),
            offer: Offer::default(),
            app: 0x90,
            rx: None,
            tx: None,
            next_tx: None,
            outbox: VecDeque::new(),
            is_stuck: false,
            gives_up: None,
            ack_at: None,
            busy_until: None,
            holds_notices: true,
            backlog: prefilled(config),
            overflowed: false,
            replaying: 0,
            in_flight: None,
            decoder: Decoder::default(),
            server_header: None,
            heard_at: None,
            inactivity: Duration::from_secs(config.options.inactivity_seconds.into()),
            handshake_packets: 0,
        }
    }

    /// A new conversation, whatever was before.
    pub(super) fn reset(&mut self, now: Instant) {
        self.numbers = Numbers::new(self.dialect.sequence);
        (self.rx, self.tx, self.next_tx) = (None, None, None);
        self.outbox.clear();
        self.ack_at = None;
        self.in_flight = None;
        self.decoder = Decoder::default();
        self.server_header = None;
        self.heard_at = Some(now);
        self.handshake_packets = 0;
        self.is_stuck = false;
    }

    /// The connection is gone. Unless the panel itself hung up, it dials again after its usual pause.
    pub(super) fn disconnect(&mut self, panel: &mut Panel) {
        let was_up = self.line.is_up();
        self.line.disconnect();
        if was_up {
            self.line.cut(self.timings.redial);
        }
        self.leave_online(panel);
    }

    fn leave_online(&mut self, panel: &mut Panel) {
        if self.phase == Phase::Online {
            panel.signal(Signal::Client(Client::Ended));
        }
        self.phase = Phase::Offline;
        self.gives_up = None;
        let unheard = self.in_flight.take().map(|flight| flight.notices).unwrap_or_default();
        for notice in unheard.into_iter().rev() {
            self.backlog.push_front(notice);
        }
        if panel.programming.slot.is_some_and(|slot| slot.via == Via::Remote) {
            panel.leave(Lead::Out);
        }
    }

    /// The panel closes the connection, once everything is out.
    pub(super) fn hang_up(&mut self, panel: &mut Panel, down: Duration) {
        self.line.hang_up(down);
        self.leave_online(panel);
    }

    /// The connection breaks as it stands.
    pub(super) fn cut(&mut self, panel: &mut Panel, down: Duration) {
        self.line.cut(down);
        self.leave_online(panel);
    }

    /// Nobody waits any more for what was sent last.
    pub(super) fn drop_flight(&mut self) {
        self.in_flight = None;
    }

    pub(super) fn is_online(&self) -> bool {
        self.phase == Phase::Online
    }

    pub(super) fn client(&self) -> &'static str {
        self.phase.name()
    }

    pub(super) fn backlog(&self) -> usize {
        self.backlog.len()
    }

    /// Queues a notification; the oldest goes when nobody takes them.
    pub(super) fn notify(&mut self, notice: Notice) {
        if self.backlog.len() >= MOST_BACKLOG {
            self.backlog.pop_front();
            self.replaying = self.replaying.saturating_sub(1);
            self.overflowed = true;
        }
        self.backlog.push_back(notice);
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        if !self.line.is_up() {
            return None;
        }
        if self.is_stuck {
            return self.gives_up;
        }
        let resend = self.in_flight.as_ref().map(|flight| flight.at + self.timings.resend);
        let out = self.outbox.iter().map(|out| out.due).min().filter(|_| self.in_flight.is_none());
        let silent = self.heard_at.map(|at| at + self.inactivity);
        let all = [resend, out, silent, self.ack_at, self.gives_up, self.offer.second_at];
        all.into_iter().flatten().min()
    }

    /// Does what is due.
    pub(super) fn run_due(&mut self, now: Instant, panel: &mut Panel) {
        if self.gives_up.is_some_and(|at| at <= now) {
            return self.give_up(panel);
        }
        if self.is_stuck {
            return;
        }
        if self.heard_at.is_some_and(|at| at + self.inactivity <= now) {
            panel.signal(Signal::Client(Client::GaveUp("silence")));
            return self.hang_up(panel, self.timings.redial);
        }
        if self.offer.second_at.is_some_and(|at| at <= now) {
            self.second_offer(now, panel);
        }
        self.resend(now, panel);
        self.pump(now, panel);
    }

    fn give_up(&mut self, panel: &mut Panel) {
        let down = match self.phase {
            Phase::Http => self.timings.poll_redial,
            Phase::Ending => self.timings.redial,
            _ => {
                panel.signal(Signal::Client(Client::GaveUp("handshake")));
                self.timings.redial
            }
        };
        self.hang_up(panel, down);
    }

    fn resend(&mut self, now: Instant, panel: &mut Panel) {
        let Some(flight) = &mut self.in_flight else { return };
        if flight.at + self.timings.resend > now {
            return;
        }
        if flight.sent >= MOST_SENT {
            panel.signal(Signal::Client(Client::GaveUp("no acknowledgement")));
            return self.hang_up(panel, self.timings.redial);
        }
        flight.at = now;
        flight.sent += 1;
        let (data, key) = (flight.data.clone(), flight.key.clone());
        self.line.send(now, &data, key.as_ref(), &self.dialect, &self.hostile);
    }

    /// Sends what may be sent now: one message at a time, an acknowledgement where nothing else acknowledges.
    pub(super) fn pump(&mut self, now: Instant, panel: &mut Panel) {
        while self.line.is_up() && !self.is_stuck {
            if self.in_flight.is_none()
                && let Some((message, notices, turns_key)) = self.next_out(now)
            {
                self.send(now, &message, notices, turns_key);
            } else if self.ack_at.is_some_and(|at| at <= now) {
                self.acknowledge(now);
            } else {
                break;
            }
            self.count_step(now);
        }
        if self.phase == Phase::Ending && self.in_flight.is_none() && self.outbox.is_empty() {
            self.hang_up(panel, self.timings.redial);
        }
    }

    /// What is replayed goes before answers, answers before what just happened.
    fn next_out(&mut self, now: Instant) -> Option<(Message, Vec<Notice>, bool)> {
        let is_online = self.is_online();
        let place = self.outbox.iter().position(|out| out.due <= now).filter(|_| !is_online || self.replaying == 0);
        if let Some(out) = place.and_then(|place| self.outbox.remove(place)) {
            if !out.with_notices {
                return Some((out.message, Vec::new(), out.turns_key));
            }
            let along: Vec<Notice> = self.backlog.drain(..self.backlog.len().min(3)).collect();
            let parts = std::iter::once(out.message).chain(along.iter().cloned().map(Message::Notice)).collect();
            return Some((Message::Notice(Notice::Multiple(parts)), along, false));
        }
        let waits = self.holds_notices && self.replaying == 0 && !self.outbox.is_empty();
        if !is_online || waits {
            return None;
        }
        if std::mem::take(&mut self.overflowed) {
            return Some((Message::Notice(Notice::BufferOverload(Hidden::default())), Vec::new(), false));
        }
        let notice = self.backlog.pop_front()?;
        self.replaying = self.replaying.saturating_sub(1);
        Some((Message::Notice(notice.clone()), vec![notice], false))
    }

    fn send(&mut self, now: Instant, message: &Message, notices: Vec<Notice>, turns_key: bool) {
        if turns_key {
            self.tx = self.next_tx.take();
        }
        let mut data = Zeroizing::new(self.numbers.message().to_vec());
        data.extend_from_slice(&message.encode(self.dialect.compact_width));
        self.ack_at = None;
        self.line.send(now, &data, self.tx.as_ref(), &self.dialect, &self.hostile);
        self.in_flight = Some(InFlight { data, key: self.tx.clone(), at: now, sent: 1, notices });
    }

    fn acknowledge(&mut self, now: Instant) {
        self.ack_at = None;
        let data = self.numbers.acknowledgement();
        self.line.send(now, &data, self.tx.as_ref(), &self.dialect, &self.hostile);
    }

    /// Hangs after the step that was asked for (dossier 2.8: odd steps are the panel's).
    fn count_step(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Online | Phase::Ending) {
            return;
        }
        self.handshake_packets = self.handshake_packets.saturating_add(1);
        let done = self.handshake_packets.saturating_mul(2);
        if self.hostile.stop_after.is_some_and(|step| done >= step) {
            (self.is_stuck, self.gives_up) = (true, None);
        }
        let stall = self.dialect.stall_after_encrypted;
        if !stall.is_zero() && self.phase == Phase::Accessed {
            (self.is_stuck, self.gives_up) = (true, Some(now + stall));
        }
    }

    /// Puts a message down for so much later.
    pub(super) fn put(&mut self, due: Instant, message: Message) {
        if self.outbox.len() < MOST_OUT {
            self.outbox.push_back(Out { due, message, with_notices: false, turns_key: false });
        }
    }

    /// When an answer that needs nothing from the panel is ready.
    pub(super) fn soon(&mut self, now: Instant) -> Instant {
        let (low, high) = self.timings.answer;
        now + self.line.rng().between(low, high)
    }

    pub(super) fn receive(&mut self, now: Instant, panel: &mut Panel, bytes: &[u8]) {
        if !self.line.is_up() || self.is_stuck || self.phase == Phase::Http {
            return;
        }
        self.heard_at = Some(now);
        let mut rest = bytes;
        while self.line.is_up() {
            let mut decoder = std::mem::take(&mut self.decoder);
            let packet = decoder.next(&mut rest);
            self.decoder = decoder;
            match packet {
                Some(Ok(packet)) => self.packet(now, panel, &packet),
                Some(Err(error)) => panel.signal(Signal::BadFrame(error.to_string())),
                None => break,
            }
        }
        self.pump(now, panel);
    }

    fn packet(&mut self, now: Instant, panel: &mut Panel, packet: &TlinkPacket) {
        if let Err(why) = self.check_header(&packet.header) {
            panel.signal(Signal::Client(Client::Refused(why)));
            return self.hang_up(panel, self.timings.redial);
        }
        let clear = match &self.rx {
            Some(key) => match key.open(&packet.payload) {
                Ok(clear) => clear,
                Err(error) => return panel.signal(Signal::BadFrame(error.to_string())),
            },
            None => Zeroizing::new(packet.payload.clone()),
        };
        let data = match decode_frame(&clear) {
            Ok(data) => data,
            Err(error) => return panel.signal(Signal::BadFrame(error.to_string())),
        };
        let Some((sender, receiver, content)) = split_data(data) else { return };
        let taken = match self.numbers.take(sender, receiver, content) {
            Ok(taken) => taken,
            Err(why) => return self.out_of_step(now, panel, content, why),
        };
        if taken.acknowledges && self.in_flight.take().is_some() {
            self.acknowledged(now, panel);
        }
        if content.is_empty() || !self.line.is_up() {
            return;
        }
        self.ack_at = Some(self.soon(now));
        if !taken.is_new {
            return;
        }
        if data.len() + 4 > usize::from(RX_BUFFER) {
            return self.nack(now, content, NackCode::SmallBuffer);
        }
        match Message::decode(content) {
            Ok(message) => self.message(now, panel, message, content),
            Err(MessageError::Short | MessageError::Value(_)) => self.misread(now, panel, content),
        }
        // Nothing can acknowledge by itself while a message of ours is under way.
        if self.ack_at.is_none() && self.in_flight.is_some() {
            self.ack_at = Some(self.soon(now));
        }
    }

    /// Empty or the panel's own, and the same throughout.
    fn check_header(&mut self, header: &[u8]) -> Result<(), &'static str> {
        let (empty, own) = (header.is_empty(), header == self.id.as_bytes());
        let allowed = match self.dialect.header_from_server {
            HeaderRule::Any => empty || own,
            HeaderRule::Own => own,
            HeaderRule::Empty => empty,
        };
        let steady = self.server_header.get_or_insert_with(|| header.to_vec()) == header;
        match (allowed, steady) {
            (true, true) => Ok(()),
            (false, _) => Err("header"),
            (true, false) => Err("a header that changes"),
        }
    }

    /// The vendor's rule: told, then closed, whatever is under way.
    fn out_of_step(&mut self, now: Instant, panel: &mut Panel, content: &[u8], why: &'static str) {
        panel.signal(Signal::Client(Client::Refused(why)));
        let error = Notice::CommandError { command: command_word(content), code: NackCode::BadSequence };
        self.send(now, &Message::Notice(error), Vec::new(), false);
        self.hang_up(panel, self.timings.redial);
    }

    /// Our message arrived.
    fn acknowledged(&mut self, now: Instant, panel: &mut Panel) {
        match self.phase {
            Phase::Opened => self.request_access(now, panel),
            Phase::Accessed => self.come_online(panel),
            _ => {}
        }
    }

    fn come_online(&mut self, panel: &mut Panel) {
        self.phase = Phase::Online;
        self.gives_up = None;
        self.replaying = self.backlog.len();
        if self.replaying > 0 && self.dialect.replay_numbers == super::dialect::ReplayNumbers::Old {
            self.numbers.jump(100);
        }
        panel.signal(Signal::Client(Client::LoggedIn));
    }

    fn misread(&mut self, now: Instant, panel: &mut Panel, content: &[u8]) {
        if self.is_online() {
            self.nack(now, content, NackCode::BadLength);
        } else {
            self.refuse_with_error(
                now,
                panel,
                command_word(content),
                NackCode::BadLength,
                "a message that is too short",
            );
        }
    }

    pub(super) fn nack(&mut self, now: Instant, content: &[u8], code: NackCode) {
        let due = self.soon(now);
        let command = command_word(content);
        self.ack_at = None;
        self.put(due, Message::Notice(Notice::CommandError { command, code }));
    }

    /// Says so, ends the session and closes.
    pub(super) fn end(&mut self, now: Instant, last: Option<Message>) {
        self.phase = Phase::Ending;
        self.gives_up = Some(now + LAST_WORDS);
        self.ack_at = None;
        self.outbox.clear();
        for message in last.into_iter().chain([Message::Notice(Notice::EndSession)]) {
            self.put(now, message);
        }
    }

    /// The server ends the session.
    pub(super) fn ended(&mut self, now: Instant, panel: &mut Panel) {
        self.acknowledge(now);
        self.hang_up(panel, self.timings.redial);
    }

    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<Bytes> {
        self.line.poll(now, self.dialect.segments)
    }

    pub(super) fn take_hangup(&mut self) -> Option<Hangup> {
        self.line.take_hangup()
    }
}

/// What is said to have happened before the panel was switched on: zones that opened and closed.
fn prefilled(config: &SimConfig) -> VecDeque<Notice> {
    let zones = u32::from(config.zones.max(1));
    let zone = |n: u32| n / 2 % zones + 1;
    (0..u32::from(config.dialect.replay)).map(|n| Notice::LifestyleZone { zone: zone(n), open: n % 2 == 0 }).collect()
}

pub(super) fn command_word(content: &[u8]) -> u16 {
    match content {
        [high, low, ..] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    }
}
