//! The installer codes: compared with what the panel's memory holds, and changed by a method of which only the
//! signature is known (dossier 3.3, 3.4). The old code counts until the memory shows the new one.

use std::time::Instant;

use panel_driver::{CommandId, Outcome};
use panel_model::{Evidence, InstallerCode, PanelError};

use crate::jsonrpc::answer::{item_bytes, item_code};
use crate::jsonrpc::call::{Call, InstallerKind, Item};
use crate::jsonrpc::error::{CallError, not_shown};
use crate::jsonrpc::quirks::READ_BACK;
use crate::jsonrpc::session::Site;
use crate::message::WireCode;
use crate::procedure::installer_outcome;

use super::{Answer, Job, Next};

const ITEMS: [Item; 2] = [Item::InstallerCode, Item::MasterInstallerCode];

/// Compares a code with both of the panel's.
#[derive(Debug)]
pub(crate) struct VerifyInstaller {
    id: CommandId,
    code: InstallerCode,
    asked: usize,
    slots: Vec<WireCode>,
    error: Option<CallError>,
}

impl VerifyInstaller {
    pub(crate) fn new(id: CommandId, code: InstallerCode) -> Self {
        Self { id, code, asked: 0, slots: Vec::new(), error: None }
    }
}

impl Job for VerifyInstaller {
    fn next(&mut self, _now: Instant, site: &mut Site) -> Next {
        if let Some(item) = ITEMS.get(self.asked) {
            return Next::Call(Call::GetEepromItem(*item));
        }
        let outcome = match (&self.error, installer_outcome(&self.slots, &self.code)) {
            // One of the two was not read: no match is no verdict.
            (Some(error), Outcome::Failed(_)) => error.outcome(),
            (_, outcome) => outcome,
        };
        site.done(self.id, outcome);
        Next::Done
    }

    fn answered(&mut self, _now: Instant, answer: Answer, _site: &mut Site) {
        self.asked += 1;
        match answer.and_then(|value| item_code(&value)) {
            // There is always an installer's.
            Ok(code) if code.is_none() && self.slots.is_empty() => self.error = Some(CallError::Malformed),
            Ok(code) => self.slots.push(code),
            // A panel without a master installer has no such item, for all we know.
            Err(CallError::Refused { .. }) if !self.slots.is_empty() => {}
            Err(error) => self.error = Some(error),
        }
    }

    fn abandon(&mut self, site: &mut Site) {
        site.done(self.id, Outcome::interrupted());
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Partitions,
    Permit,
    /// One of the two codes.
    Before(usize),
    Write(InstallerKind),
    /// Read back, not before that time.
    After {
        kind: InstallerKind,
        at: Instant,
        tries: u8,
    },
    Over,
}

/// Changes the code that the current one is.
#[derive(Debug)]
pub(crate) struct ChangeInstaller {
    id: CommandId,
    current: InstallerCode,
    new: InstallerCode,
    stage: Stage,
    slots: Vec<Option<WireCode>>,
    error: Option<CallError>,
    outcome: Option<Outcome>,
}

impl ChangeInstaller {
    pub(crate) fn new(id: CommandId, current: InstallerCode, new: InstallerCode) -> Self {
        let stage = Stage::Partitions;
        Self { id, current, new, stage, slots: Vec::new(), error: None, outcome: None }
    }

    fn finish(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
        self.stage = Stage::Over;
    }

    fn fail(&mut self, code: &str, text: &str) {
        self.finish(Outcome::Failed(PanelError::lasting(code, text)));
    }

    fn permit(&mut self, answer: Answer, site: &mut Site) {
        match answer.and_then(|value| item_bytes(&value)) {
            Ok(bytes) => site.user_permit = bytes.first().map(|byte| *byte != 0).or(site.user_permit),
            Err(error) if error.is_failure() => return self.finish(error.outcome()),
            Err(_) => {}
        }
        site.find_capabilities();
        if site.user_permit == Some(true) {
            let text = "user permit is on: the installer code is changed at the panel, out of the master user's menu";
            return self.fail("user_permit", text);
        }
        self.stage = Stage::Before(0);
    }

    /// Both codes were read.
    fn choose(&mut self) {
        let (current, new) = (WireCode::from_digits(self.current.expose()), WireCode::from_digits(self.new.expose()));
        let holds = |code: &Option<WireCode>| self.slots.iter().position(|slot| slot.is_some() && slot == code);
        match (holds(&current), holds(&new)) {
            // The last try got there, and its proof did not get here.
            (None, Some(_)) => self.finish(Outcome::Applied(Evidence::ReadBack)),
            (Some(is), Some(at)) if is == at => self.finish(Outcome::Applied(Evidence::ReadBack)),
            (None, None) => self.fail("installer_code_wrong", "the panel holds another installer code"),
            // The panel would take the master installer for the plain one from then on [doc M].
            (Some(_), Some(_)) => self.fail("installer_codes_equal", "that is the panel's other installer code"),
            (Some(0), None) => self.stage = Stage::Write(InstallerKind::Installer),
            (Some(_), None) => self.stage = Stage::Write(InstallerKind::Master),
        }
    }

    fn after(&mut self, now: Instant, kind: InstallerKind, tries: u8, answer: Answer) {
        let found = answer.and_then(|value| item_code(&value));
        if found.as_ref().ok() == WireCode::from_digits(self.new.expose()).as_ref() {
            return self.finish(Outcome::Applied(Evidence::ReadBack));
        }
        if tries + 1 < READ_BACK.0 {
            self.stage = Stage::After { kind, at: now + READ_BACK.1, tries: tries + 1 };
            return;
        }
        let unread = || found.err().map(|error| error.outcome());
        let outcome = self.error.as_ref().map(CallError::outcome).or_else(unread);
        self.finish(outcome.unwrap_or_else(|| not_shown("its memory shows another installer code")));
    }
}

impl Job for ChangeInstaller {
    fn next(&mut self, now: Instant, site: &mut Site) -> Next {
        if matches!(self.stage, Stage::Before(at) if at == ITEMS.len()) {
            self.choose();
        }
        match self.stage {
            Stage::Partitions => Next::Call(Call::GetPanelStatuses),
            Stage::Permit => Next::Call(Call::GetEepromItem(Item::UserPermit)),
            Stage::Before(at) => {
                let item = ITEMS.get(at).copied().unwrap_or(Item::InstallerCode);
                Next::Call(Call::GetEepromItem(item))
            }
            Stage::Write(kind) => {
                let (current, new) = (self.current.clone(), self.new.clone());
                Next::Call(Call::SetInstallerCode { current, kind, new })
            }
            Stage::After { at, .. } if now < at => Next::Wait(at),
            Stage::After { kind: InstallerKind::Installer, .. } => Next::Call(Call::GetEepromItem(Item::InstallerCode)),
            Stage::After { .. } => Next::Call(Call::GetEepromItem(Item::MasterInstallerCode)),
            Stage::Over => {
                site.done(self.id, self.outcome.take().unwrap_or_else(Outcome::interrupted));
                Next::Done
            }
        }
    }

    fn answered(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        match self.stage {
            Stage::Partitions => {
                let heard = answer.and_then(|value| site.heard(now, &value)).map_err(|error| error.outcome());
                match heard.and_then(|_| site.may_program()) {
                    Ok(()) => self.stage = Stage::Permit,
                    Err(outcome) => self.finish(outcome),
                }
            }
            Stage::Permit => self.permit(answer, site),
            Stage::Before(at) => match answer.and_then(|value| item_code(&value)) {
                Ok(code) if code.is_none() && at == 0 => self.finish(CallError::Malformed.outcome()),
                Ok(code) => {
                    self.slots.push(Some(code).filter(|code| !code.is_none()));
                    self.stage = Stage::Before(at + 1);
                }
                Err(CallError::Refused { .. }) if at > 0 => {
                    self.slots.push(None);
                    self.stage = Stage::Before(at + 1);
                }
                Err(error) => self.finish(error.outcome()),
            },
            Stage::Write(kind) => {
                match answer {
                    Err(CallError::WrongCode) => return self.finish(CallError::WrongCode.outcome()),
                    Err(error) => self.error = Some(error),
                    Ok(_) => {}
                }
                self.stage = Stage::After { kind, at: now, tries: 0 };
            }
            Stage::After { kind, tries, .. } => self.after(now, kind, tries, answer),
            Stage::Over => {}
        }
    }

    fn abandon(&mut self, site: &mut Site) {
        let outcome = self.outcome.take().unwrap_or_else(Outcome::interrupted);
        site.done(self.id, outcome);
    }
}
