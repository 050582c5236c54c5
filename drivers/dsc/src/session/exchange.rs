//! One command in flight: acknowledgement, refusal, repetition, time-out [doc TPI 3.7].

use std::time::{Duration, Instant};

use crate::codec::Frame;
use crate::message::{ErrorCode, ModuleCommand, ModuleMessage, Transport};
use crate::quirks::Timing;

/// How often a command is sent again that the module did not take.
const RESENDS: u32 = 5;
/// After a 501 the line may still be noisy.
const AFTER_NOISE: Duration = Duration::from_millis(100);

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The module took it. That says nothing about the panel.
    Taken,
    /// The module refused it.
    Refused(ErrorCode),
    /// No answer, or only complaints about checksums.
    Lost,
}

/// What the exchange wants next.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Send this frame again.
    Resend(Frame),
    /// The command is over.
    Settled(Answer),
}

#[derive(Debug)]
pub(crate) struct Exchange {
    timing: Timing,
    open: Option<Open>,
    /// Commands in a row without any answer.
    lost: u8,
    /// Answers that belonged to nothing, complaints about checksums, commands without any answer.
    oddities: u32,
}

#[derive(Debug)]
struct Open {
    command: ModuleCommand,
    state: State,
    /// Times that it was sent again.
    resends: u32,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Sent; no answer yet.
    Sent { until: Instant },
    /// Acknowledged; a refusal may still come.
    Acknowledged { until: Instant },
    /// Not taken; to be sent again then.
    Again { at: Instant },
    /// Over.
    Over(Answer),
}

impl Exchange {
    pub(crate) fn new(transport: Transport) -> Self {
        Self { timing: Timing::of(transport), open: None, lost: 0, oddities: 0 }
    }

    pub(crate) fn is_free(&self) -> bool {
        self.open.is_none()
    }

    /// Commands in a row that were not answered.
    pub(crate) fn lost_in_a_row(&self) -> u8 {
        self.lost
    }

    /// Signs so far that the line loses, doubles or garbles.
    pub(crate) fn oddities(&self) -> u32 {
        self.oddities
    }

    /// Opens a command; only when [`Self::is_free`].
    pub(crate) fn begin(&mut self, now: Instant, command: ModuleCommand) -> Frame {
        let frame = command.encode();
        let state = State::Sent { until: now + self.timing.answer };
        self.open = Some(Open { command, state, resends: 0 });
        frame
    }

    /// Takes 500, 501 and 502. Returns a refusal that belongs to no open command.
    pub(crate) fn observe(&mut self, now: Instant, message: &ModuleMessage) -> Option<ErrorCode> {
        match message {
            ModuleMessage::Ack(number) => {
                // Other clients' acknowledgements may come through a proxy: the number must match.
                if let Some(open) = self.open.as_mut().filter(|o| o.is_sent() && o.command.number() == *number) {
                    let wait = match open.command {
                        ModuleCommand::Key(_) => self.timing.key_gap,
                        _ => self.timing.late_refusal,
                    };
                    open.state = match wait {
                        Duration::ZERO => State::Over(Answer::Taken),
                        wait => State::Acknowledged { until: now + wait },
                    };
                    self.lost = 0;
                } else {
                    self.oddities = self.oddities.wrapping_add(1);
                }
                None
            }
            ModuleMessage::ChecksumError => {
                self.oddities = self.oddities.wrapping_add(1);
                if let Some(open) = self.open.as_mut().filter(|o| o.is_sent()) {
                    open.again(now, Some(AFTER_NOISE), Answer::Lost);
                }
                None
            }
            ModuleMessage::SystemError(ErrorCode(0)) => None,
            ModuleMessage::SystemError(code) => match self.open.as_mut().filter(|o| o.is_waiting()) {
                Some(open) => {
                    self.lost = 0;
                    open.again(now, code.resend_after(open.resends), Answer::Refused(*code));
                    None
                }
                None => Some(*code),
            },
            _ => None,
        }
    }

    /// What is due now; ask until `None`.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Turn> {
        let open = self.open.as_mut()?;
        match open.state {
            State::Again { at } if now >= at => {
                open.state = State::Sent { until: now + self.timing.answer };
                Some(Turn::Resend(open.command.encode()))
            }
            State::Sent { until } if now >= until => Some(self.settle(Answer::Lost)),
            State::Acknowledged { until } if now >= until => Some(self.settle(Answer::Taken)),
            State::Over(answer) => Some(self.settle(answer)),
            _ => None,
        }
    }

    pub(crate) fn wake(&self) -> Option<Instant> {
        match self.open.as_ref()?.state {
            State::Sent { until } | State::Acknowledged { until } => Some(until),
            State::Again { at } => Some(at),
            State::Over(_) => None,
        }
    }

    fn settle(&mut self, answer: Answer) -> Turn {
        self.open = None;
        if answer == Answer::Lost {
            self.lost = self.lost.saturating_add(1);
            self.oddities = self.oddities.wrapping_add(1);
        }
        Turn::Settled(answer)
    }
}

impl Open {
    fn is_sent(&self) -> bool {
        matches!(self.state, State::Sent { .. })
    }

    fn is_waiting(&self) -> bool {
        matches!(self.state, State::Sent { .. } | State::Acknowledged { .. })
    }

    fn again(&mut self, now: Instant, after: Option<Duration>, otherwise: Answer) {
        self.state = match after.filter(|_| self.resends < RESENDS) {
            Some(after) => {
                self.resends += 1;
                State::Again { at: now + after }
            }
            None => State::Over(otherwise),
        };
    }
}

#[cfg(test)]
mod tests {
    use panel_driver::clock;

    use super::*;
    use crate::codec::Number;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn ack(number: u16) -> ModuleMessage {
        ModuleMessage::Ack(Number::fixed(number))
    }

    fn settled(exchange: &mut Exchange, now: Instant) -> Option<Answer> {
        match exchange.poll(now) {
            Some(Turn::Settled(answer)) => Some(answer),
            _ => None,
        }
    }

    #[test]
    fn a_foreign_acknowledgement_completes_nothing() {
        let now = clock::now();
        let mut exchange = Exchange::new(Transport::Envisalink);
        exchange.begin(now, ModuleCommand::Poll);
        exchange.observe(now, &ack(1));
        assert_eq!(settled(&mut exchange, now), None);
        exchange.observe(now, &ack(0));
        assert_eq!(settled(&mut exchange, now), Some(Answer::Taken));
        assert!(exchange.is_free());
    }

    #[test]
    fn an_it100_may_refuse_after_its_acknowledgement() {
        let now = clock::now();
        let mut exchange = Exchange::new(Transport::It100);
        exchange.begin(now, ModuleCommand::StatusReport);
        exchange.observe(now, &ack(1));
        assert_eq!(settled(&mut exchange, now), None);
        exchange.observe(now + ms(200), &ModuleMessage::SystemError(ErrorCode(17)));
        assert_eq!(settled(&mut exchange, now + ms(200)), Some(Answer::Refused(ErrorCode(17))));
        let stray = exchange.observe(now + ms(900), &ModuleMessage::SystemError(ErrorCode(23)));
        assert_eq!(stray, Some(ErrorCode(23)), "later still, it belongs to nothing open");
    }

    #[test]
    fn what_the_module_did_not_take_is_sent_again_a_few_times() {
        let now = clock::now();
        let mut exchange = Exchange::new(Transport::Envisalink);
        exchange.begin(now, ModuleCommand::Poll);
        let mut at = now;
        for _ in 0..RESENDS {
            exchange.observe(at, &ModuleMessage::SystemError(ErrorCode(1)));
            at = exchange.wake().expect("a time to send again");
            assert!(matches!(exchange.poll(at), Some(Turn::Resend(_))));
        }
        exchange.observe(at, &ModuleMessage::SystemError(ErrorCode(1)));
        assert_eq!(settled(&mut exchange, at), Some(Answer::Refused(ErrorCode(1))));
        assert_eq!(exchange.lost_in_a_row(), 0, "a refusal is an answer");
    }

    #[test]
    fn silence_is_counted_until_something_answers() {
        let now = clock::now();
        let mut exchange = Exchange::new(Transport::Envisalink);
        for n in 1..=2 {
            exchange.begin(now, ModuleCommand::Poll);
            assert_eq!(settled(&mut exchange, now + ms(4999)), None);
            assert_eq!(settled(&mut exchange, now + ms(5000)), Some(Answer::Lost));
            assert_eq!(exchange.lost_in_a_row(), n);
        }
        exchange.begin(now, ModuleCommand::Poll);
        exchange.observe(now, &ack(0));
        assert_eq!(exchange.lost_in_a_row(), 0);
    }
}
