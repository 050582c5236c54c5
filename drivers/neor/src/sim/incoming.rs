//! What the communicator makes of what comes in, before it is a message: header, keys, frame, numbers.

use std::time::Instant;

use zeroize::Zeroizing;

use super::dialect::{HeaderRule, ReplayNumbers};
use super::panel::Panel;
use super::session::{Phase, RX_BUFFER, Session};
use super::signal::{Client, Signal};
use crate::codec::{TlinkPacket, decode_frame};
use crate::message::{Message, MessageError, NackCode, Notice, split_data};

impl Session {
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
        if self.replaying > 0 && self.dialect.replay_numbers == ReplayNumbers::Old {
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

    /// The server ends the session.
    pub(super) fn ended(&mut self, now: Instant, panel: &mut Panel) {
        self.acknowledge(now);
        self.hang_up(panel, self.timings.redial);
    }
}

fn command_word(content: &[u8]) -> u16 {
    match content {
        [high, low, ..] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    }
}
