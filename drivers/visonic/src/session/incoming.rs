//! What comes from the panel: counted, acknowledged, answered, told.

use std::time::{Duration, Instant};

use panel_driver::{Direction, DriverEvent, WireEntry};
use panel_model::{EventKind, PanelEvent};

use crate::codec::Frame;
use crate::message::{B0Content, Form, HostMessage, PanelMessage, masked, sub};
use crate::quirks::{ASK_PAUSE, USERS_PAUSE};

use super::VisonicSession;
use super::track::Asked;

/// Sub-types of B0 that are asked for when the panel says that they have news.
const WORTH_ASKING: [u8; 7] =
    [sub::OPEN, sub::BYPASS, sub::PANEL_STATE, sub::TRIGGERED, sub::TAMPERED, sub::ENROLLED, sub::HELP];
/// Signs of life are told no more often than this.
const ALIVE: Duration = Duration::from_secs(5);
/// Events kept while the first state is not complete.
const HELD: usize = 64;
/// Pieces of memory that somebody else asked for, until it is told.
const FOREIGN: u8 = 3;
/// Unknown types that are told of, each once.
const UNKNOWN_TOLD: usize = 32;

impl VisonicSession {
    pub(super) fn frame(&mut self, now: Instant, frame: &Frame) {
        self.counters.frames += 1;
        let direction = Direction::FromPanel;
        self.wire.push_back(WireEntry { direction, masked: masked(frame, direction) });
        self.keeper.heard(now);
        if self.last_alive.is_none_or(|at| now >= at + ALIVE) {
            self.last_alive = Some(now);
            self.site.event(DriverEvent::Alive);
        }
        let message = match PanelMessage::decode(frame) {
            Ok(message) => message,
            Err(error) => {
                self.counters.bad += 1;
                tracing::debug!(%error, "a message does not fit its type");
                return;
            }
        };
        if message.wants_ack() {
            self.send_frame(&HostMessage::Ack(Form::to_acknowledge(frame)).encode());
        }
        self.exchange.heard(&message);
        self.track(now, &message);
        if let Some(procedure) = &mut self.procedure {
            procedure.heard(now, &message, &mut self.site);
            self.exchange.set_model(&self.site.model);
        }
        self.react(now, &message);
        if let PanelMessage::Unknown(_) = message {
            self.unknown(frame);
        }
    }

    fn track(&mut self, now: Instant, message: &PanelMessage) {
        if !self.online && matches!(message, PanelMessage::Events(_)) {
            if self.held.len() < HELD {
                self.held.push(message.clone());
            }
            return;
        }
        let asks = self.procedure.as_ref().is_some_and(|procedure| procedure.asks_for_status());
        let asked = if asks { Asked::Yes } else { Asked::No };
        let (events, wishes) = self.site.tracker.apply(now, message, asked);
        self.site.state_wanted |= wishes.state && self.online;
        if wishes.setup {
            self.site.event(DriverEvent::UsersStale);
            self.site.setup_at = Some(now + USERS_PAUSE);
            self.site.setup_failures = 0;
        }
        // A7 tells what happens; levels found after a long silence are told as a snapshot.
        let told = self.online && (!self.in_doubt || matches!(message, PanelMessage::Events(_)));
        if told {
            events.into_iter().for_each(|event| self.site.happened(event));
        }
    }

    /// What was held until the first snapshot.
    pub(super) fn tell_held(&mut self, now: Instant) {
        for message in std::mem::take(&mut self.held) {
            self.track(now, &message);
        }
    }

    fn react(&mut self, now: Instant, message: &PanelMessage) {
        match message {
            PanelMessage::Alive { .. } => self.keeper.kept(now, &mut self.site),
            PanelMessage::EnrolRequest => self.site.enrol_asked |= self.keeper.may_answer_request(now),
            PanelMessage::TimedOut => self.exit_wanted |= self.procedure.is_none(),
            PanelMessage::PanelInfo { .. } | PanelMessage::Block { .. } if !self.reads_memory() => self.foreign(),
            PanelMessage::B0(b0) => {
                if let Ok(B0Content::AskMe(subs)) = b0.content() {
                    self.ask.extend(subs.into_iter().filter(|wanted| WORTH_ASKING.contains(wanted)));
                    self.ask_at = self.ask_at.or(Some(now));
                }
            }
            _ => {}
        }
    }

    fn reads_memory(&self) -> bool {
        self.procedure.as_ref().is_some_and(|procedure| procedure.reads_memory())
    }

    /// Memory that we did not ask for: somebody else does. One of these may be an answer that came late.
    fn foreign(&mut self) {
        self.foreign = self.foreign.saturating_add(1);
        if self.foreign == FOREIGN {
            self.exchange.set_shared();
            self.site.shared = true;
        }
        if self.foreign == FOREIGN && self.online {
            let text = "another device reads the panel on the same port: only one may be connected";
            self.site.happened(PanelEvent::new(EventKind::PanelNeedsInstaller).text(text));
        }
    }

    /// After it was asked, floods are answered once in a while.
    pub(super) fn asked(&mut self, now: Instant) {
        self.ask_at = Some(now + ASK_PAUSE);
    }

    fn unknown(&mut self, frame: &Frame) {
        self.counters.unknown += 1;
        let new = self.unknown_told.len() < UNKNOWN_TOLD && self.unknown_told.insert(frame.kind());
        if new && self.online {
            let text = format!("message of type {:02X}, {} bytes", frame.kind(), frame.payload().len());
            self.site.happened(PanelEvent::new(EventKind::UnknownMessage).text(text));
        }
    }
}
