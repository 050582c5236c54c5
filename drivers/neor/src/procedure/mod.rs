//! Jobs of several requests, one request at a time. A procedure is asked what comes next, and told what became of it.

pub(crate) mod installer;
pub(crate) mod labels;
pub(crate) mod operate;
pub(crate) mod report;
pub(crate) mod section_label;
pub(crate) mod users;
pub(crate) mod visit;
pub(crate) mod write;

use std::time::Instant;

use panel_driver::{CommandId, Outcome};
use panel_model::{NotNow, PanelError};

use crate::message::{NackCode, Notice, ResponseCode};
use crate::session::{Answer, Ask, Site};

/// What a procedure wants next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Ask this.
    Ask(Ask),
    /// Nothing until then, unless something is heard.
    Wait(Instant),
    /// It is over.
    Done,
}

/// A job under way.
pub(crate) trait Procedure: std::fmt::Debug + Send {
    /// What comes next; asked whenever nothing is in flight.
    fn next(&mut self, now: Instant, site: &mut Site) -> Next;
    /// What became of the last request.
    fn answered(&mut self, now: Instant, answer: Answer, site: &mut Site);
    /// A notification that was not asked for.
    fn heard(&mut self, _now: Instant, _notice: &Notice, _site: &mut Site) {}
    /// Whether a programming mode of ours is open, or may be.
    fn in_programming(&self) -> bool {
        false
    }
    /// The session ends: answers what is unanswered.
    fn abandon(&mut self, site: &mut Site);
}

/// What a piece of work inside a programming mode wants next.
#[derive(Debug)]
pub(crate) enum Work {
    /// Ask this.
    Ask(Ask),
    /// What follows needs no programming mode: leave it first.
    Leave,
    /// It is over.
    Done(Outcome),
}

/// A piece of work inside a programming mode.
pub(crate) trait Item: std::fmt::Debug + Send {
    /// Whose it is; `None`: our own.
    fn id(&self) -> Option<CommandId>;
    /// What comes next.
    fn next(&mut self, now: Instant, site: &mut Site) -> Work;
    /// What became of the last request.
    fn answered(&mut self, answer: Answer, site: &mut Site);
    /// The mode was closed under us and is open again: from the beginning.
    fn restart(&mut self);
    /// Long work may be interrupted between two requests, to go on later.
    fn is_long(&self) -> bool {
        false
    }
    /// The panel refused the code that opens the mode.
    fn code_refused(&mut self, _site: &mut Site) -> CodeRefused {
        CodeRefused::Usual
    }
    /// What its command is told, given how the work ended.
    fn ended(&self, outcome: Outcome) -> Outcome {
        outcome
    }
    /// Our own work that was not done and is to be tried later: slots to read again.
    fn left_over(&self) -> Option<(u32, u32)> {
        None
    }
    /// Whether something may have been changed at the panel already.
    fn has_written(&self) -> bool {
        false
    }
}

/// What an item makes of a refused code.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CodeRefused {
    /// What is always said then.
    Usual,
    /// Something of its own.
    Outcome(Outcome),
    /// Another visit follows, which will answer the command.
    Arranged,
}

/// The outcome of a request that brought no success.
pub(crate) fn failure(answer: &Answer) -> Outcome {
    match answer {
        Answer::Done | Answer::Data(_) => internal(),
        Answer::Refused(code) => refused(*code),
        Answer::Nack(code) => nacked(*code),
        Answer::Lost => Outcome::Failed(PanelError::passing("timeout", "the panel did not answer")),
    }
}

fn internal() -> Outcome {
    Outcome::Failed(PanelError::passing("unexpected", "the panel answered something else than was asked"))
}

fn refused(code: ResponseCode) -> Outcome {
    let error = format!("0502 {}", code.byte());
    match code {
        ResponseCode::Busy => Outcome::NotNow(NotNow { why: "the panel is busy".into() }),
        ResponseCode::Internal | ResponseCode::Timeout | ResponseCode::WrongMode => {
            Outcome::Failed(PanelError::passing(error, code.meaning()))
        }
        _ => Outcome::Failed(PanelError::lasting(error, code.meaning())),
    }
}

fn nacked(code: NackCode) -> Outcome {
    let error = format!("0501 {}", code.byte());
    match code {
        NackCode::PanelSilent | NackCode::PowerUpShunt | NackCode::LockedOut => {
            Outcome::NotNow(NotNow { why: code.meaning().into() })
        }
        NackCode::BadCommand | NackCode::BadSubCommand => Outcome::Failed(PanelError::lasting(error, code.meaning())),
        _ => Outcome::Failed(PanelError::passing(error, code.meaning())),
    }
}

/// Without a master code that the panel takes, users cannot be touched.
pub(crate) fn master_needed() -> Outcome {
    Outcome::Failed(PanelError::lasting(
        "master_code_needed",
        "the panel's master code is not known here, or the panel refused it; store the right one",
    ))
}

/// Without an installer code there is no way into the sections.
pub(crate) fn installer_code_needed() -> Outcome {
    Outcome::Failed(PanelError::lasting(
        "installer_code_needed",
        "the panel's installer code is not known here; store it",
    ))
}

/// A wrong installer code: told once, and not tried again.
pub(crate) fn installer_code_refused() -> Outcome {
    Outcome::Failed(PanelError::lasting(
        "installer_code_refused",
        "the panel refused the installer code; it is not tried again: the panel may lock us out",
    ))
}
