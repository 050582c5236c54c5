//! What goes out of the port: acknowledgements at once, answers before news, each repeated until it is acknowledged.

use std::time::{Duration, Instant};

use serde_json::json;

use super::hostile::{Step, spend};
use super::panel::Panel;
use super::port::Port;
use super::signal::Signal;
use crate::message::{Form, PanelMessage};

/// What waits to be sent. What tells a state is made when it goes out, so that no news is older than an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    Message(PanelMessage),
    /// A part of A5 other than the fourth.
    Part {
        part: u8,
        total: u8,
    },
    /// A5 04 of a partition, with more flags, a zone and its event.
    System {
        partition: u8,
        total: u8,
        more: u8,
        zone: u8,
        event: u8,
    },
    /// B0 24.
    State,
}

impl From<PanelMessage> for What {
    fn from(message: PanelMessage) -> Self {
        Self::Message(message)
    }
}

pub(super) struct Outgoing {
    what: What,
    /// Between the end of the frame before and this one.
    pause: Duration,
    /// Nobody asked for it: answers go before it.
    is_news: bool,
    /// How often it went out already.
    sent: u8,
}

/// A frame that the host is to acknowledge.
pub(super) struct Unanswered {
    pub(super) message: PanelMessage,
    is_news: bool,
    sent: u8,
    pub(super) until: Instant,
}

/// Frames that wait; the longest dump has 225.
const MOST_OUT: usize = 1200;
/// How often a frame is sent in all.
const TRIES: u8 = 3;

impl Port {
    /// Acknowledges a command. Goes past everything that waits; the answer comes behind it.
    pub(super) fn acknowledge(&mut self, now: Instant, panel: &mut Panel, form: Form) {
        if spend(&mut panel.hostile.lose_acks) {
            return;
        }
        if panel.hostile.ack_last {
            self.late_ack = Some(form);
            return;
        }
        self.line.send(now, &mut panel.hostile, &PanelMessage::Ack(form).encode());
        self.make_way(now, panel);
    }

    /// Denies a command, in the place of its acknowledgement.
    pub(super) fn deny(&mut self, now: Instant, panel: &mut Panel, form: Form, step: Step) {
        panel.signal(Signal::watch(json!({"event": "denied", "step": step.name()})));
        self.line.send(now, &mut panel.hostile, &PanelMessage::Denied(form).encode());
        self.make_way(now, panel);
    }

    /// What waits goes behind what was just sent, but not later than that: a talkative host must not hold it up.
    fn make_way(&mut self, now: Instant, panel: &Panel) {
        let behind = self.line.free_at(now) + panel.timings.data.0;
        self.out_at = self.out_at.map(|at| at.max(behind));
    }

    fn queue(&mut self, now: Instant, what: What, pause: Duration, is_news: bool) {
        if !self.line.is_up() || self.out.len() >= MOST_OUT {
            return;
        }
        let place = if is_news { self.out.len() } else { self.first_news() };
        self.out.insert(place, Outgoing { what, pause, is_news, sent: 0 });
        if place == 0 {
            self.plan_next(now);
        }
    }

    fn first_news(&self) -> usize {
        self.out.iter().position(|other| other.is_news).unwrap_or(self.out.len())
    }

    /// When something goes out next. Nothing overtakes a frame that is not acknowledged yet, but an answer does
    /// overtake news: who asks is there, and may never have heard the news.
    pub(super) fn next_out(&self) -> Option<Instant> {
        let answers = self.out.front().is_some_and(|next| !next.is_news);
        let free = self.unanswered.as_ref().is_none_or(|unanswered| unanswered.is_news && answers);
        self.out_at.filter(|_| free)
    }

    /// An answer to a command: it goes before what nobody asked for.
    pub(super) fn reply(&mut self, now: Instant, panel: &mut Panel, what: impl Into<What>) {
        let (low, high) = panel.timings.data;
        let pause = panel.rng.between(low, high);
        self.queue(now, what.into(), pause, false);
    }

    /// The same at the slower pace of status frames.
    pub(super) fn reply_status(&mut self, now: Instant, panel: &mut Panel, what: impl Into<What>) {
        let first = self.out.front().is_none_or(|next| next.is_news);
        let pause = status_pause(panel, first);
        self.queue(now, what.into(), pause, false);
    }

    /// News, at the pace of status frames.
    pub(super) fn tell_status(&mut self, now: Instant, panel: &mut Panel, what: impl Into<What>) {
        let pause = status_pause(panel, self.out.is_empty());
        self.queue(now, what.into(), pause, true);
    }

    pub(super) fn plan_next(&mut self, now: Instant) {
        self.out_at = self.out.front().map(|next| self.line.free_at(now) + next.pause);
    }

    /// Takes back what was to be sent of a kind, such as the rows of a dump.
    pub(super) fn take_back(&mut self, is_so: impl Fn(&PanelMessage) -> bool) {
        self.out.retain(|out| !matches!(&out.what, What::Message(message) if is_so(message)));
        if self.unanswered.as_ref().is_some_and(|unanswered| is_so(&unanswered.message)) {
            self.unanswered = None;
        }
        if self.out.is_empty() {
            self.out_at = None;
        }
    }

    pub(super) fn send_next(&mut self, now: Instant, panel: &mut Panel) {
        let Some(Outgoing { what, is_news, sent, .. }) = self.out.pop_front() else { return };
        if let Some(overtaken) = self.unanswered.take() {
            self.put_back(panel, overtaken);
        }
        let message = match what {
            What::Message(message) => message,
            state => self.message_of(now, panel, &state),
        };
        self.line.send(now, &mut panel.hostile, &message.encode());
        if waits(&message) {
            let until = self.line.free_at(now) + panel.timings.ack_wait;
            self.unanswered = Some(Unanswered { message, is_news, sent: sent + 1, until });
        }
        self.plan_next(now);
    }

    /// The host's time to acknowledge is over.
    pub(super) fn repeat(&mut self, now: Instant, panel: &mut Panel) {
        let Some(unanswered) = self.unanswered.take() else { return };
        self.put_back(panel, unanswered);
        self.plan_next(now);
    }

    /// Takes its turn again before the others of its kind, unless it went out often enough.
    fn put_back(&mut self, panel: &mut Panel, unanswered: Unanswered) {
        let Unanswered { message, is_news, sent, .. } = unanswered;
        if sent >= TRIES {
            return panel.signal(Signal::watch(json!({"event": "not_acknowledged"})));
        }
        let place = if is_news { self.first_news() } else { 0 };
        self.out.insert(place, Outgoing { what: message.into(), pause: Duration::ZERO, is_news, sent });
    }
}

fn status_pause(panel: &mut Panel, first: bool) -> Duration {
    let (low, high) = panel.timings.status_gap;
    if first { panel.timings.data.0 } else { panel.rng.between(low, high) }
}

/// Whether the panel waits for an acknowledgement and repeats. Of the rest some hosts acknowledge none, so a panel
/// that waited would never speak to them (dossier 2.6, 9.3).
fn waits(message: &PanelMessage) -> bool {
    message.wants_ack()
        && !matches!(
            message,
            PanelMessage::Denied(_)
                | PanelMessage::EndOfDump
                | PanelMessage::DownloadEnded
                | PanelMessage::NotReady { .. }
                | PanelMessage::Alive { .. }
                | PanelMessage::B0(_)
        )
}
