//! The table of users, and who has a tag.

use std::collections::BTreeSet;
use std::time::Instant;

use panel_driver::Outcome;
use panel_model::Evidence;

use crate::jsonrpc::answer::tag_slots;
use crate::jsonrpc::call::Call;
use crate::jsonrpc::error::CallError;
use crate::jsonrpc::map::read_users;
use crate::jsonrpc::session::Site;

use super::{Answer, Job, Next};

/// What the module says where no tag is enrolled [doc B].
const NO_TAGS: &str = "no tags enrolled";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Tags,
    Codes,
}

/// Reads all users, with the master user's code.
#[derive(Debug, Default)]
pub(crate) struct ReadUsers {
    stage: Stage,
    outcome: Option<Outcome>,
}

impl ReadUsers {
    pub(crate) fn new(site: &mut Site) -> Self {
        site.users_wanted = false;
        Self::default()
    }

    fn tags(&mut self, answer: Answer, site: &mut Site) {
        self.stage = Stage::Codes;
        site.tags = match answer {
            Ok(value) => tag_slots(&value),
            Err(CallError::Refused { text, .. }) if text.contains(NO_TAGS) => Some(BTreeSet::new()),
            // What was known counts on.
            Err(error) if error.is_failure() => return,
            Err(_) => None,
        };
    }
}

impl Job for ReadUsers {
    fn next(&mut self, _now: Instant, site: &mut Site) -> Next {
        let outcome = match (self.outcome.take(), site.master()) {
            (None, Ok(_)) if self.stage == Stage::Tags && site.methods.takes(&Call::GetTagsInfo) => {
                return Next::Call(Call::GetTagsInfo);
            }
            (None, Ok(auth)) => {
                self.stage = Stage::Codes;
                return Next::Call(Call::GetUserCodes { auth });
            }
            (None, Err(outcome)) | (Some(outcome), _) => outcome,
        };
        for id in std::mem::take(&mut site.users_for) {
            site.done(id, outcome.clone());
        }
        Next::Done
    }

    fn answered(&mut self, _now: Instant, answer: Answer, site: &mut Site) {
        if self.stage == Stage::Tags {
            return self.tags(answer, site);
        }
        // What fails on the way is tried again until the session is given up; another shape is not.
        site.users_wanted |= answer.as_ref().is_err_and(CallError::is_failure);
        match answer.and_then(|value| read_users(&value)) {
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
