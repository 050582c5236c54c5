//! Work of several calls. A job says what to ask next when nothing is in flight, and learns what came of it.

mod begin;
mod clock;
mod installer;
mod look;
mod operate;
mod poll;
mod users;
mod write_user;

use std::fmt;
use std::time::Instant;

use panel_driver::DriverError;
use serde_json::Value;

use super::call::Call;
use super::error::CallError;
use super::session::Site;

pub(crate) use begin::{Begin, Renew, not_taken_any_more, registration};
pub(crate) use clock::SetClock;
pub(crate) use installer::{ChangeInstaller, VerifyInstaller};
pub(crate) use look::Look;
pub(crate) use operate::Operate;
pub(crate) use poll::{Poll, Round};
pub(crate) use users::ReadUsers;
pub(crate) use write_user::WriteUser;

/// What a job wants to do now.
#[derive(Debug)]
pub(crate) enum Next {
    Call(Call),
    /// Nothing before this time.
    Wait(Instant),
    Done,
    /// The session cannot go on.
    End(DriverError),
}

/// What a call brought.
pub(crate) type Answer = Result<Value, CallError>;

/// One job.
pub(crate) trait Job: fmt::Debug + Send {
    /// Asked whenever nothing is in flight.
    fn next(&mut self, now: Instant, site: &mut Site) -> Next;
    /// What the call that it asked for brought.
    fn answered(&mut self, now: Instant, answer: Answer, site: &mut Site);
    /// It is cut off: commands are answered.
    fn abandon(&mut self, _site: &mut Site) {}
}
