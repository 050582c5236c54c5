//! What the communicator sends: one message at a time, an acknowledgement where nothing else acknowledges.

use std::time::Instant;

use zeroize::Zeroizing;

use super::panel::Panel;
use super::session::{InFlight, Out, Phase, Session};
use super::signal::{Client, Signal};
use crate::message::{Hidden, Message, Notice};

/// Answers that wait; a server sends one request at a time, so more is a fault of its own.
const MOST_OUT: usize = 64;
/// Times that a message is sent before the session is given up.
const MOST_SENT: u8 = 4;

impl Session {
    pub(super) fn resend(&mut self, now: Instant, panel: &mut Panel) {
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

    pub(super) fn send(&mut self, now: Instant, message: &Message, notices: Vec<Notice>, turns_key: bool) {
        if turns_key {
            self.tx = self.next_tx.take();
        }
        let mut data = Zeroizing::new(self.numbers.message().to_vec());
        data.extend_from_slice(&message.encode(self.dialect.compact_width));
        self.ack_at = None;
        self.line.send(now, &data, self.tx.as_ref(), &self.dialect, &self.hostile);
        self.in_flight = Some(InFlight { data, key: self.tx.clone(), at: now, sent: 1, notices });
    }

    pub(super) fn acknowledge(&mut self, now: Instant) {
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

    /// Puts a message down for its time.
    pub(super) fn put(&mut self, due: Instant, message: Message) {
        self.put_out(Out { due, message, with_notices: false, turns_key: false });
    }

    pub(super) fn put_out(&mut self, out: Out) {
        if self.outbox.len() < MOST_OUT {
            self.outbox.push_back(out);
        }
    }

    /// When an answer that needs nothing from the panel is ready.
    pub(super) fn soon(&mut self, now: Instant) -> Instant {
        let (low, high) = self.timings.answer;
        now + self.line.rng().between(low, high)
    }
}
