//! Jobs of several steps: typing into menus, arming, reading labels, logging in.
//!
//! A procedure sends at most one command at a time, is told what became of it and what the panel says meanwhile, and
//! says when it is finished. It never knows a clock or a link.

pub(crate) mod expect;
pub(crate) mod installer;
pub(crate) mod labels;
pub(crate) mod login;
pub(crate) mod menu;
pub(crate) mod operate;
pub(crate) mod recover;
pub(crate) mod scan;
pub(crate) mod screens;
pub(crate) mod step;
pub(crate) mod view;
pub(crate) mod write;

use std::fmt::Debug;
use std::time::Instant;

use panel_driver::{CommandId, Outcome};
use panel_model::{NotNow, PanelError};

use crate::error::SessionError;
use crate::message::{ErrorCode, ModuleCommand, ModuleMessage};
use crate::session::{Answer, Site};
use step::{Step, StepEnd};
use view::Sign;

/// How a procedure stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It goes on; ask again at its wake time or when something happened.
    Running,
    /// It is over; its commands are answered.
    Finished,
    /// The session cannot go on.
    Failed(SessionError),
}

/// Why a procedure is to come to its end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// An alarm, a panic key, an entry delay.
    Emergency,
    /// Somebody wants to disarm.
    Disarm,
    /// The driver stops.
    Shutdown,
}

impl Interruption {
    fn why(self) -> &'static str {
        match self {
            Self::Emergency => "the panel is in alarm or somebody is entering",
            Self::Disarm => "somebody disarms",
            Self::Shutdown => "the driver is stopping",
        }
    }

    /// How the work that it hit ends: to be repeated, or not begun.
    fn outcome(self, touched: bool) -> Outcome {
        if touched {
            Outcome::Failed(PanelError::passing("interrupted", format!("given up half-way: {}", self.why())))
        } else {
            Outcome::NotNow(NotNow { why: self.why().to_owned() })
        }
    }
}

/// A job of several steps.
pub(crate) trait Procedure: Send + Debug {
    /// A message came; the site knows of it already.
    fn observe(&mut self, _now: Instant, _message: &ModuleMessage, _site: &mut Site) {}
    /// The next command to send, if its time has come. Asked only while none is in flight.
    fn next(&mut self, now: Instant, site: &mut Site) -> Option<ModuleCommand>;
    /// What became of the command in flight.
    fn settled(&mut self, now: Instant, answer: Answer, site: &mut Site);
    /// The module refused something after its acknowledgement was settled.
    fn late_refusal(&mut self, _now: Instant, _code: ErrorCode, _site: &mut Site) {}
    /// Goes on as far as possible. Asked after everything that happens.
    fn advance(&mut self, now: Instant, site: &mut Site) -> Standing;
    /// When [`Self::advance`] or [`Self::next`] want to be asked without anything happening.
    fn wake(&self, now: Instant, site: &Site) -> Option<Instant>;
    /// Comes to its end at its next safe point.
    fn interrupt(&mut self, _why: Interruption) {}
    /// The session ends now: commands that are not answered yet are answered as interrupted.
    fn abandon(&mut self, _site: &mut Site) {}
    /// Whether a menu of ours may be open.
    fn in_menu(&self) -> bool {
        false
    }
    /// Work that goes on after a pause, once finished.
    fn take_paused(&mut self) -> Option<Box<dyn Item>> {
        None
    }
}

/// What an item of work inside a menu wants next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Do this.
    Step(Step),
    /// Leave the menu, come back after a pause and go on.
    Pause,
    /// It is done.
    Done(Outcome),
}

/// Work inside an open menu, one command's worth.
pub(crate) trait Item: Send + Debug {
    /// The command that it answers.
    fn id(&self) -> CommandId;
    /// The next step; called with the menu at its list, or after a step was met.
    fn next(&mut self, now: Instant, site: &mut Site) -> Next;
    /// The step was met.
    fn met(&mut self, end: StepEnd, now: Instant, site: &mut Site);
    /// Whether the panel may have changed once the step that [`Self::next`] gave last is typed.
    fn touched(&self) -> bool;
    /// What to do once the menu is left, if the item is not over by then.
    fn afterwards(&mut self) -> Option<Reopen> {
        None
    }
    /// The menu's code was refused. `Some`: how the item ends; `None`: as usual.
    fn code_refused(&mut self, _site: &mut Site) -> Option<Outcome> {
        None
    }
}

/// The menu is opened once more for the same command.
#[derive(Debug)]
pub(crate) struct Reopen {
    pub(crate) with: menu::Opener,
    pub(crate) item: Box<dyn Item>,
}

/// How an item ends whose step was not met.
pub(crate) fn step_failed(end: StepEnd) -> Outcome {
    match end {
        StepEnd::ModuleRefused(code) => code.outcome(),
        StepEnd::Lost => Outcome::Failed(PanelError::passing("timeout", "the module did not answer")),
        StepEnd::Refused(Sign::Unavailable) => {
            Outcome::Failed(PanelError::passing("671", "the panel says that the function is not available now"))
        }
        StepEnd::Refused(sign) => Outcome::Failed(PanelError::lasting(
            match sign {
                Sign::InvalidCode => "670",
                Sign::ErrorTone | Sign::Unavailable => "error_tone",
                Sign::NotTaken => "not_taken",
            },
            "the panel refused what was typed",
        )),
        StepEnd::Silent | StepEnd::Met | StepEnd::MetBlind => {
            Outcome::Failed(PanelError::passing("no_reaction", "the panel did not show what was expected"))
        }
    }
}
