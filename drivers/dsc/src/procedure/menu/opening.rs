//! Opening a menu: the keys, the code, and what it means when the code is not taken.

use std::time::Instant;

use panel_driver::{DriverEvent, Outcome};
use panel_model::{AccessCode, EventKind, NotNow, PanelError, PanelEvent, Partition, Slot};
use zeroize::Zeroizing;

use super::super::expect::Expect;
use super::super::step::{Entry, Step, StepEnd};
use super::super::view::Sign;
use super::super::{Reopen, step_failed};
use super::{Menu, Opener, Stage};
use crate::capabilities::MASTER_SLOT;
use crate::message::{CodeForm, ErrorCode, ModuleCommand, Transport};
use crate::quirks::{PROMPT, VERDICT};
use crate::session::{Site, master_needed};

/// Refusals per connection that are put down to a noisy line.
const NOISY_REFUSALS: u8 = 2;

impl Menu {
    pub(super) fn open(&mut self, site: &mut Site) {
        self.stage = Stage::Opening;
        let step = if self.is_installer() {
            Step::keys("*8", Expect::InstallerCodeWanted, PROMPT)
        } else {
            match (site.transport, Partition::new(1)) {
                (Transport::Envisalink, Ok(first)) if !self.typed_opening => Step {
                    entry: Entry::Command(ModuleCommand::OpenUsersMenu(first)),
                    expect: Expect::CodeWanted,
                    within: PROMPT,
                },
                _ => Step::keys("*5", Expect::CodeWanted, PROMPT),
            }
        };
        self.begin_step(step, site);
    }

    pub(super) fn enter(&mut self, site: &mut Site) {
        let code = match &self.opener {
            Opener::Master => site.credentials.master.clone(),
            Opener::PreviousMaster => site.credentials.previous_master.clone(),
            Opener::Installer(code) => Some(AccessCode::new(code.expose().to_owned())),
        };
        let Some(code) = code else { return self.fail(master_needed(), site) };
        let entry = match (site.transport, Partition::new(1)) {
            (Transport::Envisalink, Ok(first)) => {
                Entry::Command(ModuleCommand::SendCode(CodeForm::Raw.lay_out(first, &code)))
            }
            // How an IT-100 wants its 200 is disputed; its keypad takes the digits anyway.
            _ => Entry::Keys(Zeroizing::new(code.expose().as_bytes().to_vec())),
        };
        let expect = if self.is_installer() { Expect::SectionWanted } else { Expect::UserList };
        self.stage = Stage::Entering;
        self.begin_step(Step { entry, expect, within: VERDICT }, site);
    }

    pub(super) fn opening_ended(&mut self, now: Instant, end: StepEnd, site: &mut Site) {
        match end {
            StepEnd::Met | StepEnd::MetBlind => self.enter(site),
            StepEnd::ModuleRefused(ErrorCode::NOT_SUPPORTED) if !self.typed_opening && !self.is_installer() => {
                self.typed_opening = true;
                self.open(site);
            }
            StepEnd::ModuleRefused(code)
                if site.transport == Transport::Envisalink
                    && !self.stepper.has_been_taken()
                    && site.noise == self.noise_before =>
            {
                // The module kept the whole command: nothing is open, and somebody else's menu is not ours to leave.
                // Unless the line doubled the command, and it is our own menu that makes the partition busy.
                if let Some(item) = self.item.take() {
                    site.done(item.id(), code.outcome());
                }
                self.left(now, Stage::Left, site);
            }
            StepEnd::ModuleRefused(code) => self.fail(code.outcome(), site),
            StepEnd::Refused(Sign::Unavailable) => {
                self.fail(Outcome::NotNow(NotNow { why: "the panel does not open the menu now".into() }), site);
            }
            StepEnd::Refused(_) => {
                // No code was typed yet: locked keypads answer each key with the long tone.
                site.tracker.lockout_assumed(now);
                self.fail(Outcome::NotNow(NotNow { why: "the keypad answers with its error tone".into() }), site);
            }
            StepEnd::Silent | StepEnd::Lost => self.fail(step_failed(end), site),
        }
    }

    pub(super) fn entering_ended(&mut self, end: StepEnd, site: &mut Site) {
        match end {
            StepEnd::Met | StepEnd::MetBlind => {
                self.stage = Stage::Inside;
                self.opened(site);
            }
            StepEnd::Refused(_) | StepEnd::Silent => self.code_refused(site),
            StepEnd::ModuleRefused(_) | StepEnd::Lost => self.fail(step_failed(end), site),
        }
    }

    /// The code was taken.
    fn opened(&mut self, site: &mut Site) {
        match &self.opener {
            // Of a code that was written in this very command the owner is told when the command is answered: before,
            // it takes a proof to be about the old one.
            Opener::Master if self.item.as_ref().is_some_and(|item| item.touched()) => {}
            Opener::Master => self.master_proved(site),
            Opener::PreviousMaster => {
                site.credentials.master = site.credentials.previous_master.take();
                site.event(DriverEvent::MasterReverted);
                if let Ok(slot) = Slot::new(MASTER_SLOT.into()) {
                    let text = "the panel still takes the master code before the last change";
                    site.happened([PanelEvent::new(EventKind::UserDivergence).slot(slot).text(text)]);
                }
            }
            Opener::Installer(code) => {
                site.installer_refused = None;
                site.credentials.installer = Some(code.clone());
            }
        }
    }

    /// Whether a refusal may be the line's fault: what arrived at the panel may not be what was typed, and what the
    /// panel said may not have arrived here. That is believed twice per connection, not more.
    pub(super) fn is_doubtful(&self, site: &mut Site) -> bool {
        let doubtful = site.noise != self.noise_before && site.noisy_refusals < NOISY_REFUSALS;
        site.noisy_refusals += u8::from(doubtful);
        doubtful
    }

    pub(super) fn master_proved(&self, site: &mut Site) {
        if matches!(self.opener, Opener::Master) && site.credentials.previous_master.take().is_some() {
            site.event(DriverEvent::MasterProved);
        }
    }

    fn code_refused(&mut self, site: &mut Site) {
        if self.is_doubtful(site) {
            return self.fail(noisy_line(), site);
        }
        let own_end = self.item.as_mut().and_then(|item| item.code_refused(site));
        match &self.opener {
            Opener::Master if site.credentials.previous_master.is_some() => {
                // Not the same code again: the one before it, once.
                if let Some(item) = self.item.take() {
                    self.reopen = Some(Reopen { with: Opener::PreviousMaster, item });
                }
                self.leave(1, site);
            }
            Opener::Master | Opener::PreviousMaster => {
                tracing::warn!("the panel refused the master code; it is not tried again");
                site.master_refused = true;
                self.fail(own_end.unwrap_or_else(master_needed), site);
            }
            Opener::Installer(code) => {
                tracing::warn!("the panel refused the installer code; it is not tried again");
                site.installer_refused = Some(code.clone());
                self.fail(own_end.unwrap_or_else(installer_code_refused), site);
            }
        }
    }
}

/// A refusal that may be the line's fault.
pub(super) fn noisy_line() -> Outcome {
    let text = "the line garbled something; it is not known whether the panel refused the code";
    Outcome::Failed(PanelError::passing("noisy_line", text))
}

/// A wrong installer code: told once, and not tried again.
pub(crate) fn installer_code_refused() -> Outcome {
    Outcome::Failed(PanelError::lasting(
        "installer_code_refused",
        "the panel refused the installer code; it is not tried again: the panel may lock its keypads",
    ))
}
