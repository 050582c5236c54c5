//! The communicator's side of one TCP connection: its state, its beginning and end, and what waits between sessions.
//! What comes in is in `incoming.rs` and `handshake.rs`, commands are answered in `answer.rs`, what goes out is in
//! `outgoing.rs`.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_driver::sim::Hangup;
use zeroize::Zeroizing;

use super::dialect::Dialect;
use super::handshake::Offer;
use super::hostile::Hostile;
use super::line::Line;
use super::numbers::Numbers;
use super::options::{SimConfig, Timings};
use super::panel::Panel;
use super::programming::Via;
use super::signal::{Client, Lead, Signal};
use crate::codec::{Decoder, Encryption, Key, KeyMaterial};
use crate::message::{Message, Notice};

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
pub(super) struct InFlight {
    pub(super) data: Zeroizing<Vec<u8>>,
    pub(super) key: Option<Key>,
    pub(super) at: Instant,
    pub(super) sent: u8,
    /// Notifications in it: they go out again in the next session.
    pub(super) notices: Vec<Notice>,
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
    pub(super) backlog: VecDeque<Notice>,
    /// Some of the backlog was lost.
    pub(super) overflowed: bool,
    /// So many of the backlog go out before anything is answered.
    pub(super) replaying: usize,
    pub(super) in_flight: Option<InFlight>,
    pub(super) decoder: Decoder,
    /// The header that the server began with.
    pub(super) server_header: Option<Vec<u8>>,
    pub(super) heard_at: Option<Instant>,
    inactivity: Duration,
    /// Packets sent in the handshake.
    pub(super) handshake_packets: u8,
}

/// Notifications kept while nobody takes them; the dossier asks for 256 at least.
const MOST_BACKLOG: usize = 512;
/// Largest frame that our OpenSession announces.
pub(super) const RX_BUFFER: u16 = 0x0200;
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
