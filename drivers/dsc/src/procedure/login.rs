//! The first words: the password of an Envisalink [doc TPI 2.2], a sign of life of an IT-100.

use std::time::Instant;

use panel_model::Password;

use super::{Procedure, Standing};
use crate::error::SessionError;
use crate::message::{LoginState, ModuleCommand, ModuleMessage, Switch};
use crate::quirks::LOGIN_PROMPT;
use crate::session::{Answer, Site};

/// Logs in to an Envisalink.
#[derive(Debug)]
pub(crate) struct Login {
    password: Option<Password>,
    /// Until then the module must have said the next thing.
    until: Instant,
    state: Option<LoginState>,
    sent: bool,
    failed: Option<SessionError>,
}

impl Login {
    pub(crate) fn new(now: Instant, password: Option<Password>) -> Self {
        Self { password, until: now + LOGIN_PROMPT, state: None, sent: false, failed: None }
    }
}

impl Procedure for Login {
    fn observe(&mut self, _now: Instant, message: &ModuleMessage, _site: &mut Site) {
        if let ModuleMessage::Login(state) = message {
            self.state = Some(*state);
        }
    }

    fn next(&mut self, now: Instant, _site: &mut Site) -> Option<ModuleCommand> {
        if self.sent || self.state != Some(LoginState::PasswordWanted) {
            return None;
        }
        self.sent = true;
        self.until = now + LOGIN_PROMPT;
        self.password.clone().map(ModuleCommand::Login)
    }

    fn settled(&mut self, _now: Instant, answer: Answer, _site: &mut Site) {
        if answer == Answer::Lost {
            self.failed = Some(SessionError::LoginTimedOut);
        }
    }

    fn advance(&mut self, now: Instant, _site: &mut Site) -> Standing {
        match self.state {
            Some(LoginState::Accepted) => return Standing::Finished,
            Some(LoginState::Refused) => return Standing::Failed(SessionError::PasswordRefused),
            Some(LoginState::TimedOut) => return Standing::Failed(SessionError::LoginTimedOut),
            Some(LoginState::PasswordWanted) if self.password.is_none() => {
                return Standing::Failed(SessionError::PasswordMissing);
            }
            Some(LoginState::PasswordWanted) | None => {}
        }
        let late = (now >= self.until).then_some(match self.state {
            None => SessionError::NoLoginPrompt,
            Some(_) => SessionError::LoginTimedOut,
        });
        self.failed.or(late).map_or(Standing::Running, Standing::Failed)
    }

    fn wake(&self, _now: Instant, _site: &Site) -> Option<Instant> {
        Some(self.until)
    }
}

/// Polls an IT-100 until it answers, then turns its virtual keypad on.
#[derive(Debug, Default)]
pub(crate) struct Hello {
    polls: u8,
    stage: Stage,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Poll,
    Keypad,
    InFlight,
    Over,
    Silent,
}

/// The first command may be spoilt by stray bits of opening the port [impl MH].
const POLLS: u8 = 3;

impl Procedure for Hello {
    fn next(&mut self, _now: Instant, _site: &mut Site) -> Option<ModuleCommand> {
        match std::mem::replace(&mut self.stage, Stage::InFlight) {
            Stage::Poll => {
                self.polls += 1;
                Some(ModuleCommand::Poll)
            }
            Stage::Keypad => {
                self.polls = u8::MAX;
                Some(ModuleCommand::VirtualKeypad(Switch::On))
            }
            other => {
                self.stage = other;
                None
            }
        }
    }

    fn settled(&mut self, _now: Instant, answer: Answer, _site: &mut Site) {
        // Whether the keypad went on shows when it is used: 502 028 otherwise.
        self.stage = match answer {
            _ if self.polls == u8::MAX => Stage::Over,
            Answer::Taken => Stage::Keypad,
            Answer::Refused(_) | Answer::Lost if self.polls < POLLS => Stage::Poll,
            Answer::Refused(_) => Stage::Keypad,
            Answer::Lost => Stage::Silent,
        };
    }

    fn advance(&mut self, _now: Instant, _site: &mut Site) -> Standing {
        match self.stage {
            Stage::Over => Standing::Finished,
            Stage::Silent => Standing::Failed(SessionError::NoHello),
            Stage::Poll | Stage::Keypad | Stage::InFlight => Standing::Running,
        }
    }

    fn wake(&self, _now: Instant, _site: &Site) -> Option<Instant> {
        None
    }
}
