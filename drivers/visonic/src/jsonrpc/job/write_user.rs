//! Writing a user: look, read, write, read back (dossier 3.2). Of the writing methods only the signatures are known, so
//! that nothing counts but what the table of users shows afterwards.

use std::time::Instant;

use panel_driver::{CommandId, DriverEvent, Outcome, SetUser};
use panel_model::{AccessCode, CodeState, Evidence, PartitionSet, Refusal, Slot, UserReport};

use crate::capabilities::is_master;
use crate::jsonrpc::answer::UserRow;
use crate::jsonrpc::call::Call;
use crate::jsonrpc::error::{CallError, not_shown};
use crate::jsonrpc::map::{mask_of, read_users, row_code};
use crate::jsonrpc::quirks::READ_BACK;
use crate::jsonrpc::session::{Site, Use};

use super::{Answer, Job, Next};

/// What an empty slot holds; writing it empties one (dossier 3.2, 8) [inferred].
const EMPTY: &str = "0000";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Partitions,
    Before,
    Code,
    Rights,
    /// Read back, not before that time.
    After {
        at: Instant,
        tries: u8,
    },
    Over,
}

/// One command under way.
#[derive(Debug)]
pub(crate) struct WriteUser {
    id: CommandId,
    slot: Slot,
    /// The code that the slot is to have; `Some(None)`: none.
    code: Option<Option<AccessCode>>,
    partitions: Option<PartitionSet>,
    stage: Stage,
    /// What stood there before, and what a written user keeps of it.
    before: Option<UserReport>,
    /// Codes that the panel may take from us now, the likeliest first.
    auth: Vec<AccessCode>,
    /// The service's own no, or its silence.
    error: Option<CallError>,
    outcome: Option<Outcome>,
}

impl WriteUser {
    pub(crate) fn set(id: CommandId, user: SetUser) -> Self {
        Self::new(id, user.slot, user.code.map(Some), user.partitions)
    }

    pub(crate) fn disable(id: CommandId, slot: Slot) -> Self {
        Self::new(id, slot, Some(None), None)
    }

    fn new(id: CommandId, slot: Slot, code: Option<Option<AccessCode>>, partitions: Option<PartitionSet>) -> Self {
        let stage = Stage::Partitions;
        Self { id, slot, code, partitions, stage, before: None, auth: Vec::new(), error: None, outcome: None }
    }

    fn finish(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
        self.stage = Stage::Over;
    }

    /// The table of users came, before anything was written.
    fn read_before(&mut self, rows: &[UserRow], site: &mut Site) {
        site.master_taken();
        let before = site.user(self.slot, rows);
        if let Some(Some(code)) = &self.code {
            let others = rows.iter().filter(|row| row.user_id != u32::from(self.slot.number()));
            let taken = others.filter_map(row_code).any(|other| other == *code);
            if taken || site.duress.as_ref() == Some(code) {
                return self.finish(Outcome::Refused(Refusal::CodeNotAvailable));
            }
        }
        if self.code.is_none() && before.code.is_none() {
            return self.finish(Outcome::Refused(Refusal::CodeNotSet));
        }
        let same_code = self.code.as_ref().is_none_or(|code| *code == before.code);
        self.before = Some(before);
        self.stage = if same_code { Stage::Rights } else { Stage::Code };
    }

    /// The code that the slot has after the write.
    fn code_after(&self) -> Option<AccessCode> {
        let before = self.before.as_ref().and_then(|before| before.code.clone());
        self.code.clone().unwrap_or(before)
    }

    /// What the master's code is used for at this stage.
    fn purpose(&self) -> Use {
        if self.stage == Stage::Rights { Use::WritePartitions } else { Use::WriteCodes }
    }

    fn wrote(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        let after = Stage::After { at: now, tries: 0 };
        // A wrong code is never sent again, whoever is to be written next.
        if answer == Err(CallError::WrongCode) {
            site.refused(self.purpose());
        }
        self.stage = match answer {
            Ok(_) if self.stage == Stage::Code => Stage::Rights,
            Ok(_) => after,
            Err(CallError::WrongCode) if self.stage == Stage::Code => {
                return self.finish(CallError::WrongCode.outcome());
            }
            // What went wrong, the table tells what is there now.
            Err(error) => {
                // The master's code is surely the old one.
                if !error.is_doubtful() && self.auth.len() > 1 && self.stage == Stage::Code {
                    self.auth.remove(0);
                }
                self.error = Some(error);
                after
            }
        };
    }

    fn is_shown(&self, found: &UserReport) -> bool {
        let kept = self.before.as_ref().and_then(|before| before.partitions);
        let partitions = self.partitions.or(kept);
        // A user that is new has the partitions that the panel gives it, unless some were wished for.
        let as_wished = partitions.is_none() || found.partitions.is_none() && self.partitions.is_none();
        let gone = self.code_after().is_none();
        found.code == self.code_after() && (gone || as_wished || found.partitions == partitions)
    }

    fn read_after(&mut self, now: Instant, tries: u8, rows: &[UserRow], site: &mut Site) {
        let found = site.user(self.slot, rows);
        if self.is_shown(&found) {
            if let Some(code) = found.code.clone().filter(|_| is_master(self.slot)) {
                site.master_changed(code);
            }
            site.event(DriverEvent::User(Box::new(found)));
            return self.finish(Outcome::Applied(Evidence::ReadBack));
        }
        if tries + 1 < READ_BACK.0 {
            self.stage = Stage::After { at: now + READ_BACK.1, tries: tries + 1 };
            return;
        }
        // What is there is told as it is, whatever was wished.
        site.event(DriverEvent::User(Box::new(found.clone())));
        let text = match found.code_state {
            _ if found.code != self.code_after() => "the table of users shows another code",
            Some(CodeState::Set) => "the table of users shows other partitions",
            _ => "the table of users shows no such user",
        };
        let outcome = self.error.as_ref().map_or_else(|| not_shown(text), CallError::outcome);
        self.finish(outcome);
    }

    fn write(&mut self, now: Instant, site: &Site) -> Option<Call> {
        let auth = self.auth.first()?.clone();
        if self.stage == Stage::Code {
            let code = self.code_after().unwrap_or_else(|| AccessCode::new(EMPTY.into()));
            if is_master(self.slot) {
                self.auth.insert(0, code.clone());
            }
            return Some(Call::SetUserCode { auth, slot: self.slot, code });
        }
        let before = self.before.as_ref().and_then(|before| before.partitions);
        let other = self.partitions.filter(|_| self.partitions != before && !is_master(self.slot));
        match (other, self.code_after()) {
            (Some(partitions), Some(code)) => {
                let mask = mask_of(partitions.iter().filter(|p| site.capabilities.partitions.contains(*p)).collect());
                Some(Call::SetUserCodePartitions { auth, slot: self.slot, code, mask })
            }
            _ => {
                self.stage = Stage::After { at: now, tries: 0 };
                None
            }
        }
    }
}

impl Job for WriteUser {
    fn next(&mut self, now: Instant, site: &mut Site) -> Next {
        if self.stage == Stage::Before && self.auth.is_empty() {
            match site.master() {
                Ok(auth) => self.auth.push(auth),
                Err(outcome) => self.finish(outcome),
            }
        }
        if matches!(self.stage, Stage::Code | Stage::Rights) {
            let purpose = self.purpose();
            match (self.write(now, site), site.may_use(purpose)) {
                (Some(call), Ok(())) => return Next::Call(call),
                (Some(_), Err(outcome)) => self.finish(outcome),
                (None, _) => {}
            }
        }
        match (self.stage, self.auth.first()) {
            (Stage::Partitions, _) => return Next::Call(Call::GetPanelStatuses),
            (Stage::After { at, .. }, _) if now < at => return Next::Wait(at),
            (Stage::Before | Stage::After { .. }, Some(auth)) => {
                return Next::Call(Call::GetUserCodes { auth: auth.clone() });
            }
            _ => {}
        }
        let outcome = self.outcome.take().unwrap_or_else(|| CallError::WrongCode.outcome());
        site.done(self.id, outcome);
        Next::Done
    }

    fn answered(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        match self.stage {
            Stage::Partitions => {
                let heard = answer.and_then(|value| site.heard(now, &value)).map_err(|error| error.outcome());
                match heard.and_then(|_| site.may_program()) {
                    Ok(()) => self.stage = Stage::Before,
                    Err(outcome) => self.finish(outcome),
                }
            }
            Stage::Before => match answer.and_then(|value| read_users(&value)) {
                Ok(rows) => self.read_before(&rows, site),
                Err(CallError::WrongCode) if site.master_refused() => self.auth.clear(),
                Err(error) => self.finish(error.outcome()),
            },
            Stage::Code | Stage::Rights => self.wrote(now, answer, site),
            Stage::After { tries, .. } => match answer.and_then(|value| read_users(&value)) {
                Ok(rows) => self.read_after(now, tries, &rows, site),
                // The master's code may be the old one still.
                Err(CallError::WrongCode) if self.auth.len() > 1 => {
                    self.auth.remove(0);
                }
                Err(error) if error.is_failure() && tries + 1 < READ_BACK.0 => {
                    self.stage = Stage::After { at: now + READ_BACK.1, tries: tries + 1 };
                }
                Err(error) => {
                    let error = self.error.take().unwrap_or(error);
                    self.finish(error.outcome());
                }
            },
            Stage::Over => {}
        }
    }

    fn abandon(&mut self, site: &mut Site) {
        let outcome = self.outcome.take().unwrap_or_else(Outcome::interrupted);
        site.done(self.id, outcome);
    }
}
