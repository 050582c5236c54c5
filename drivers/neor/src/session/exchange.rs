//! One request in flight and the four ways in which panels answer (dossier 2.5).

use std::time::{Duration, Instant};

use crate::message::{Command, Message, NackCode, Notice, ResponseCode};
use crate::quirks::{ANSWER_LIMIT, ANSWER_LIMIT_OPTIONAL, ANSWER_LIMIT_PROGRAMMING, TRIES};

/// Whether a notification is the data that was asked for.
pub(crate) type Matches = Box<dyn Fn(&Notice) -> bool + Send>;

/// A request and what answers it.
pub(crate) struct Ask {
    command: Command,
    /// `None`: the CommandResponse is the answer.
    data: Option<Matches>,
    limit: Duration,
    tries: u8,
}

impl Ask {
    /// A command that is answered by a CommandResponse.
    pub(crate) fn order(command: Command) -> Self {
        Self { command, data: None, limit: ANSWER_LIMIT, tries: TRIES }
    }

    /// A request for data. A CommandResponse of success only announces it.
    pub(crate) fn data(command: Command, matches: impl Fn(&Notice) -> bool + Send + 'static) -> Self {
        Self { command, data: Some(Box::new(matches)), limit: ANSWER_LIMIT, tries: TRIES }
    }

    /// Tried once only: a repetition would do it twice, or count as another wrong code.
    #[must_use]
    pub(crate) fn once(self) -> Self {
        Self { tries: 1, ..self }
    }

    /// Panels may not know it.
    #[must_use]
    pub(crate) fn optional(self) -> Self {
        Self { limit: ANSWER_LIMIT_OPTIONAL, tries: 1, ..self }
    }

    /// In a programming mode panels take their time.
    #[must_use]
    pub(crate) fn programming(self) -> Self {
        Self { limit: ANSWER_LIMIT_PROGRAMMING, ..self }
    }
}

impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ask").field("command", &self.command).field("tries", &self.tries).finish_non_exhaustive()
    }
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// A CommandResponse of success to an order.
    Done,
    /// The data.
    Data(Notice),
    /// The panel's no.
    Refused(ResponseCode),
    /// The communicator's no.
    Nack(NackCode),
    /// No answer at all.
    Lost,
}

#[derive(Debug, Default)]
pub(crate) struct Exchange {
    app: u8,
    open: Option<Open>,
    settled: Option<Answer>,
}

#[derive(Debug)]
struct Open {
    ask: Ask,
    app: u8,
    until: Instant,
}

impl Exchange {
    pub(crate) fn is_free(&self) -> bool {
        self.open.is_none() && self.settled.is_none()
    }

    /// The next app sequence; ours count from 1 and wrap to 1.
    pub(crate) fn next_app(&mut self) -> u8 {
        self.app = self.app.checked_add(1).unwrap_or(1);
        self.app
    }

    /// Opens a request; only when [`Self::is_free`].
    pub(crate) fn begin(&mut self, now: Instant, ask: Ask) -> Message {
        let app = self.next_app();
        let message = Message::Command(app, ask.command.clone());
        self.open = Some(Open { until: now + ask.limit, app, ask });
        message
    }

    /// Takes a message if it belongs to the open request.
    pub(crate) fn offer(&mut self, message: &Message) -> bool {
        let Some(open) = &self.open else { return false };
        let answer = match message {
            Message::Command(app, Command::Response(code)) if *app == open.app => match (code, &open.ask.data) {
                (ResponseCode::Success, None) => Answer::Done,
                // The data comes in a message of its own.
                (ResponseCode::Success, Some(_)) => return true,
                (code, _) => Answer::Refused(*code),
            },
            Message::Notice(Notice::CommandError { command, code }) if *command == open.ask.command.number() => {
                match code.as_response() {
                    Some(code) => Answer::Refused(code),
                    None => Answer::Nack(*code),
                }
            }
            Message::Notice(notice) if open.ask.data.as_ref().is_some_and(|matches| matches(notice)) => {
                Answer::Data(notice.clone())
            }
            _ => return false,
        };
        self.settle(answer);
        true
    }

    /// Looks at the clock: a request to be sent again, with a new app sequence.
    pub(crate) fn overdue(&mut self, now: Instant) -> Option<Message> {
        let mut open = self.open.take_if(|open| now >= open.until)?;
        open.ask.tries = open.ask.tries.saturating_sub(1);
        if open.ask.tries == 0 {
            self.settled = Some(Answer::Lost);
            return None;
        }
        Some(self.begin(now, open.ask))
    }

    /// The answer, once.
    pub(crate) fn take_settled(&mut self) -> Option<Answer> {
        self.settled.take()
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn forget(&mut self) {
        self.open = None;
        self.settled = None;
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.open.as_ref().map(|open| open.until)
    }

    fn settle(&mut self, answer: Answer) {
        self.open = None;
        self.settled = Some(answer);
    }
}

#[cfg(test)]
mod tests {
    use panel_driver::clock;

    use super::*;
    use crate::message::Wanted;

    fn code_length() -> Ask {
        Ask::data(Command::Request(Wanted::Plain(0x0236)), |n| matches!(n, Notice::CodeLength(_)))
    }

    fn response(app: u8, code: ResponseCode) -> Message {
        Message::Command(app, Command::Response(code))
    }

    #[test]
    fn success_only_announces_data_and_an_error_is_the_answer() {
        let now = clock::now();
        let mut exchange = Exchange::default();
        assert!(matches!(exchange.begin(now, code_length()), Message::Command(1, _)));
        assert!(exchange.offer(&response(1, ResponseCode::Success)));
        assert_eq!(exchange.take_settled(), None);
        assert!(!exchange.offer(&response(9, ResponseCode::Busy)), "another request's");
        assert!(exchange.offer(&Message::Notice(Notice::CodeLength(6))));
        assert_eq!(exchange.take_settled(), Some(Answer::Data(Notice::CodeLength(6))));
        exchange.begin(now, code_length());
        assert!(exchange.offer(&response(2, ResponseCode::Busy)));
        assert_eq!(exchange.take_settled(), Some(Answer::Refused(ResponseCode::Busy)));
        exchange.begin(now, code_length());
        let nack = |command, code| Message::Notice(Notice::CommandError { command, code });
        assert!(!exchange.offer(&nack(0x0704, NackCode::BadCommand)));
        assert!(exchange.offer(&nack(0x0800, NackCode::BadCommand)));
        assert_eq!(exchange.take_settled(), Some(Answer::Nack(NackCode::BadCommand)));
    }

    #[test]
    fn a_missing_answer_is_asked_for_again_with_a_new_number() {
        let start = clock::now();
        let mut exchange = Exchange::default();
        exchange.begin(start, code_length());
        let mut now = start;
        for app in [2, 3] {
            assert_eq!(exchange.overdue(now), None);
            now += ANSWER_LIMIT;
            assert!(matches!(exchange.overdue(now), Some(Message::Command(n, _)) if n == app));
        }
        assert_eq!(exchange.overdue(now + ANSWER_LIMIT), None);
        assert_eq!(exchange.take_settled(), Some(Answer::Lost));
    }
}
