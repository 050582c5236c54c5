//! How requests are answered: the patterns of dossier 2.5, and the refusals that the communicator itself makes.

use std::time::Instant;

use super::control::{Done, obey};
use super::dialect::AnswerPattern;
use super::panel::Panel;
use super::session::{Out, Session};
use super::status::status;
use crate::message::{Command, Message, NackCode, Notice, ResponseCode, Wanted};

/// What decides about the pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// 0800.
    Request,
    /// The panel has to be asked.
    Read,
    Write,
}

impl Session {
    pub(super) fn answer(&mut self, now: Instant, panel: &mut Panel, app: u8, command: &Command, content: &[u8]) {
        if self.hostile.nack4 {
            return self.nack(now, content, NackCode::PanelSilent);
        }
        if self.hostile.forgets > 0 {
            self.hostile.forgets -= 1;
            return;
        }
        let class = match command {
            Command::Request(_) => Class::Request,
            Command::ReadUsers { .. } | Command::ReadSection(_) => Class::Read,
            _ => Class::Write,
        };
        let done = match self.refused_on_purpose(now, class) {
            Some(code) => Err(code),
            None => match command {
                Command::OpenSession(_) | Command::RequestAccess(_) => {
                    return self.nack(now, content, NackCode::BadSession);
                }
                Command::Request(Wanted::ZoneStatus { count, .. }) if *count > 1 && !self.dialect.multi_zone_status => {
                    return;
                }
                Command::Request(wanted) => status(panel, now, &self.dialect, wanted).map(Done::Data),
                command => obey(panel, now, command),
            },
        };
        self.put_answer(now, app, class, done);
    }

    fn refused_on_purpose(&mut self, now: Instant, class: Class) -> Option<ResponseCode> {
        if class != Class::Request && self.busy_until.is_some_and(|until| now < until) {
            return Some(ResponseCode::Busy);
        }
        let (left, code) = self.hostile.refuse?;
        self.hostile.refuse = left.checked_sub(2).map(|rest| (rest + 1, code));
        Some(ResponseCode::from_byte(code))
    }

    fn put_answer(&mut self, now: Instant, app: u8, class: Class, done: Result<Done, ResponseCode>) {
        let (low, high) = self.timings.read;
        let soon = self.soon(now) + self.hostile.slow_answers;
        let later = soon.max(now + self.line.rng().between(low, high)) + self.hostile.slow_answers;
        // What a command causes mostly follows its answer; both orders are legal.
        let before = self.dialect.any_pattern && self.line.rng().one_in(2);
        self.holds_notices = !before && self.hostile.slow_answers.is_zero();
        let response = |code| Message::Command(app, Command::Response(code));
        let (message, is_data) = match done {
            Ok(Done::Success) => (response(ResponseCode::Success), false),
            Ok(Done::Data(notice)) => (Message::Notice(notice), true),
            Err(code) => (response(code), false),
        };
        match self.pattern(class) {
            // The answer acknowledges.
            AnswerPattern::A | AnswerPattern::D3 => {
                self.ack_at = None;
                self.put(soon, message);
            }
            AnswerPattern::D2 if is_data => {
                self.ack_at = None;
                self.put(soon, response(ResponseCode::Success));
                self.put(later, message);
            }
            AnswerPattern::B | AnswerPattern::D1 | AnswerPattern::D2 => self.put(later, message),
            AnswerPattern::C => {
                self.put_out(Out { due: later, message, with_notices: true, turns_key: false });
            }
        }
    }

    fn pattern(&mut self, class: Class) -> AnswerPattern {
        use AnswerPattern as P;
        let drawn = self.dialect.any_pattern.then(|| self.line.rng().below(3));
        match (class, drawn) {
            (Class::Request, Some(0)) => P::D1,
            (Class::Request, Some(1)) => P::D2,
            (Class::Request, Some(_)) => P::D3,
            (_, Some(0)) => P::A,
            (_, Some(1)) => P::B,
            (_, Some(_)) => P::C,
            (Class::Request, None) => self.dialect.request_pattern,
            (Class::Read, None) => self.dialect.command_pattern.unwrap_or(P::B),
            (Class::Write, None) => self.dialect.command_pattern.unwrap_or(P::A),
        }
    }

    /// A message without app sequence, or one that nobody here knows.
    pub(super) fn notice(&mut self, now: Instant, notice: &Notice, content: &[u8]) {
        match notice {
            // Commands by their number, whose layouts nobody knows: refused by the panel, with their app sequence.
            Notice::Unknown { command, .. } if is_command(*command) => {
                if self.hostile.nack4 {
                    return self.nack(now, content, NackCode::PanelSilent);
                }
                match content.get(2) {
                    Some(app) => self.put_answer(now, *app, Class::Write, Err(ResponseCode::NotAvailable)),
                    None => self.nack(now, content, NackCode::BadLength),
                }
            }
            Notice::SoftwareVersion(_) | Notice::CommandError { .. } => {}
            _ => self.nack(now, content, NackCode::BadCommand),
        }
    }
}

/// Command-class numbers (dossier 2.1) that have no type.
fn is_command(number: u16) -> bool {
    matches!(
        number,
        0x0100..=0x0106
            | 0x0400
            | 0x0401
            | 0x0700
            | 0x0703
            | 0x0731..=0x073F
            | 0x0741..=0x074F
            | 0x0761
            | 0x0762
            | 0x0905..=0x0917
    )
}
