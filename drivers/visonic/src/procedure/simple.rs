//! Single messages: leaving download mode, the keep-alive, questions that the panel wants to be asked.

use std::time::Instant;

use crate::error::SessionError;
use crate::message::HostMessage;
use crate::session::{Answer, Site};

use super::{Next, Procedure};

/// Whether the session can live without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Wanted,
    /// The first message of a connection: without an answer there is no panel.
    Required,
}

/// Sends one message.
#[derive(Debug)]
pub(crate) struct Single {
    message: Option<HostMessage>,
    need: Need,
    lost: bool,
}

impl Single {
    pub(crate) fn new(message: HostMessage, need: Need) -> Self {
        Self { message: Some(message), need, lost: false }
    }
}

impl Procedure for Single {
    fn next(&mut self, _now: Instant, _site: &mut Site) -> Next {
        match self.message.take() {
            Some(message) => Next::Send(message),
            None if self.lost && self.need == Need::Required => Next::Failed(SessionError::NoAnswer),
            None => Next::Done,
        }
    }

    fn settled(&mut self, _now: Instant, answer: Answer, _site: &mut Site) {
        self.lost = answer == Answer::Lost;
    }
}
