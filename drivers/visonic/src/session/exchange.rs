//! One command in flight: acknowledged, denied, sent again, or lost.
//!
//! There is no number that pairs an answer with its command: `02` and `08` mean the last one [impl P4] [impl NL].

use std::time::{Duration, Instant};

use crate::codec::{Checksum, Frame};
use crate::message::{B0Kind, Form, HostMessage, PanelMessage, Restart};
use crate::model::Model;
use crate::quirks::{ANSWER, TRIES, Timing};

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The panel has it. Data may follow.
    Taken,
    /// `08`.
    Denied,
    /// Not acknowledged, however often it was sent.
    Lost,
}

/// What to do now.
#[derive(Debug)]
pub(crate) enum Turn {
    Resend(Frame),
    Settled(Answer),
}

#[derive(Debug)]
struct InFlight {
    message: HostMessage,
    frame: Frame,
    due: Instant,
    tries: u8,
    answer: Option<Answer>,
}

/// The conversation's lower half.
#[derive(Debug)]
pub(crate) struct Exchange {
    in_flight: Option<InFlight>,
    free_at: Option<Instant>,
    /// To be sent when the gap is over.
    waiting: Option<HostMessage>,
    gap: Duration,
    lost_in_a_row: u8,
    /// Somebody else talks to the panel as well: an answer must have the form that belongs to the command.
    shared: bool,
}

impl Exchange {
    pub(crate) fn new(model: &Model) -> Self {
        Self {
            in_flight: None,
            free_at: None,
            waiting: None,
            gap: Timing::of(model.family).gap,
            lost_in_a_row: 0,
            shared: false,
        }
    }

    pub(crate) fn set_model(&mut self, model: &Model) {
        self.gap = Timing::of(model.family).gap;
    }

    /// The port is not ours alone.
    pub(crate) fn set_shared(&mut self) {
        self.shared = true;
    }

    /// Whether a command may be sent now.
    pub(crate) fn is_free(&self, now: Instant) -> bool {
        self.in_flight.is_none() && self.free_at.is_none_or(|at| now >= at)
    }

    /// Whether nothing waits for an answer or for the gap.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.is_none() && self.waiting.is_none()
    }

    /// Keeps a message until the gap is over.
    pub(crate) fn postpone(&mut self, message: HostMessage) {
        self.waiting = Some(message);
    }

    /// The message that waited for the gap.
    pub(crate) fn take_waiting(&mut self, now: Instant) -> Option<HostMessage> {
        if self.is_free(now) { self.waiting.take() } else { None }
    }

    /// Sends a command. Some PowerMasters want the other checksum in AB messages.
    pub(crate) fn begin(&mut self, now: Instant, message: HostMessage, model: &Model) -> Frame {
        let mut frame = message.encode();
        if model.ab_plus_one && frame.kind() == 0xAB {
            frame = frame.with_checksum(Checksum::PlusOne);
        }
        // A keep-alive comes again by itself.
        let tries = if matches!(message, HostMessage::Alive) { TRIES } else { 1 };
        self.in_flight = Some(InFlight { message, frame: frame.clone(), due: now + ANSWER, tries, answer: None });
        self.free_at = Some(now + self.gap);
        frame
    }

    pub(crate) fn heard(&mut self, message: &PanelMessage) {
        let Some(flight) = self.in_flight.as_mut().filter(|flight| flight.answer.is_none()) else { return };
        let right = |form: &Form| !self.shared || *form == Form::of_answer(&flight.frame);
        flight.answer = match message {
            PanelMessage::Ack(form) if right(form) => Some(Answer::Taken),
            PanelMessage::Denied(form) if right(form) => Some(Answer::Denied),
            // Data proves that the command arrived, also when its acknowledgement was lost.
            other if answers(&flight.message, other) => Some(Answer::Taken),
            _ => None,
        };
    }

    pub(crate) fn poll(&mut self, now: Instant) -> Option<Turn> {
        let flight = self.in_flight.as_mut()?;
        if let Some(answer) = flight.answer {
            self.in_flight = None;
            self.lost_in_a_row = 0;
            return Some(Turn::Settled(answer));
        }
        if now < flight.due {
            return None;
        }
        if flight.tries < TRIES {
            flight.tries += 1;
            flight.due = now + ANSWER;
            self.free_at = Some(now + self.gap);
            return Some(Turn::Resend(flight.frame.clone()));
        }
        self.in_flight = None;
        self.lost_in_a_row = self.lost_in_a_row.saturating_add(1);
        Some(Turn::Settled(Answer::Lost))
    }

    pub(crate) fn wake(&self) -> Option<Instant> {
        match &self.in_flight {
            Some(flight) => Some(flight.due),
            None => self.free_at,
        }
    }

    pub(crate) fn lost_in_a_row(&self) -> u8 {
        self.lost_in_a_row
    }
}

/// Whether a message is what the command asks for.
fn answers(command: &HostMessage, message: &PanelMessage) -> bool {
    use PanelMessage as P;
    match command {
        HostMessage::EnterDownload(_) => matches!(message, P::PanelInfo { .. } | P::NotReady { .. } | P::DownloadEnded),
        HostMessage::ReadEeprom { address, .. } => {
            matches!(message, P::Block { address: found, .. } if found == address)
        }
        HostMessage::GetClock => matches!(message, P::Clock(_)),
        HostMessage::Restart(Restart::Link) => matches!(message, P::Restored),
        HostMessage::Restart(Restart::Enrolment) => matches!(message, P::EnrolRequest),
        // Old panels answer so in place of an acknowledgement [impl WW].
        HostMessage::Enrol(_) => matches!(message, P::CodeAnnounced(_)),
        HostMessage::B0(asked) if asked.kind == B0Kind::Request => match message {
            P::B0(answer) => asked.requested_subs().contains(&answer.sub),
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use panel_driver::clock;

    use super::*;
    use crate::message::{ArmCommand, Hidden, WireCode};

    fn begun(message: HostMessage) -> (Exchange, Instant) {
        let now = clock::now();
        let mut exchange = Exchange::new(&Model::of(5));
        exchange.begin(now, message, &Model::of(5));
        (exchange, now)
    }

    fn settled(turn: Option<Turn>) -> Option<Answer> {
        match turn {
            Some(Turn::Settled(answer)) => Some(answer),
            _ => None,
        }
    }

    #[test]
    fn a_command_is_sent_again_three_times_and_then_lost() {
        let arm = HostMessage::Arm { command: ArmCommand::Away, code: WireCode::none(), partitions: 7 };
        let (mut exchange, mut now) = begun(arm);
        for _ in 1..TRIES {
            assert!(exchange.poll(now).is_none());
            now += ANSWER;
            assert!(matches!(exchange.poll(now), Some(Turn::Resend(_))));
        }
        assert_eq!(settled(exchange.poll(now + ANSWER)), Some(Answer::Lost));
        assert_eq!(exchange.lost_in_a_row(), 1);
    }

    #[test]
    fn a_block_stands_for_its_lost_acknowledgement() {
        let (mut exchange, now) = begun(HostMessage::ReadEeprom { address: 0x01FA, length: 2 });
        let block = |address| PanelMessage::Block { address, announced: 2, data: Hidden::new([1, 2]) };
        exchange.heard(&block(0x0900));
        assert!(exchange.poll(now).is_none(), "another block proves nothing");
        exchange.heard(&block(0x01FA));
        assert_eq!(settled(exchange.poll(now)), Some(Answer::Taken));
    }

    #[test]
    fn the_first_answer_counts() {
        let (mut exchange, now) = begun(HostMessage::Stop);
        exchange.heard(&PanelMessage::Denied(Form::Plain));
        exchange.heard(&PanelMessage::Ack(Form::Plain));
        assert_eq!(settled(exchange.poll(now)), Some(Answer::Denied));
    }

    #[test]
    fn commands_keep_their_distance() {
        let (mut exchange, now) = begun(HostMessage::Stop);
        exchange.heard(&PanelMessage::Ack(Form::Plain));
        exchange.poll(now);
        assert!(exchange.is_idle() && !exchange.is_free(now + Duration::from_millis(189)));
        assert!(exchange.is_free(now + Duration::from_millis(190)));
    }

    #[test]
    fn powermasters_get_the_checksum_that_they_want() {
        let mut exchange = Exchange::new(&Model::of(8));
        let frame = exchange.begin(clock::now(), HostMessage::Restart(Restart::Link), &Model::of(8));
        assert_eq!(frame.encode()[13], 0x0C);
        let frame = exchange.begin(clock::now(), HostMessage::Restart(Restart::Link), &Model::of(5));
        assert_eq!(frame.encode()[13], 0x0B);
    }
}
