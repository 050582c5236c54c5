//! The table of users.

use std::time::Instant;

use panel_driver::Outcome;
use panel_model::Evidence;

use crate::jsonrpc::answer::{UserRow, read};
use crate::jsonrpc::call::Call;
use crate::jsonrpc::error::CallError;
use crate::jsonrpc::session::Site;

use super::{Answer, Job, Next};

/// Reads all users, with the master user's code.
#[derive(Debug, Default)]
pub(crate) struct ReadUsers {
    outcome: Option<Outcome>,
}

impl ReadUsers {
    pub(crate) fn new(site: &mut Site) -> Self {
        site.users_wanted = false;
        Self::default()
    }
}

impl Job for ReadUsers {
    fn next(&mut self, _now: Instant, site: &mut Site) -> Next {
        let outcome = match (self.outcome.take(), site.master()) {
            (None, Ok(auth)) => return Next::Call(Call::GetUserCodes { auth }),
            (None, Err(outcome)) | (Some(outcome), _) => outcome,
        };
        for id in std::mem::take(&mut site.users_for) {
            site.done(id, outcome.clone());
        }
        Next::Done
    }

    fn answered(&mut self, _now: Instant, answer: Answer, site: &mut Site) {
        // What fails on the way is tried again until the session is given up; another shape is not.
        site.users_wanted |= answer.as_ref().is_err_and(CallError::is_failure);
        match answer.and_then(|value| read::<Vec<UserRow>>(&value)) {
            Ok(rows) => {
                site.master_taken();
                site.tell_users(&rows);
                self.outcome = Some(Outcome::Applied(Evidence::ReadBack));
            }
            Err(CallError::WrongCode) if site.master_refused() => {}
            Err(error) => self.outcome = Some(error.outcome()),
        }
    }
}
