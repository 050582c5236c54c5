//! One visit to `*5` or `*8`: open, enter the code, work through items, leave. However it goes, it is left.

mod opening;

use std::time::Instant;

use panel_driver::{Command, CommandId, Outcome, Section, SetUser};
use panel_model::{InstallerCode, NotNow, PanelError};

use super::expect::Expect;
use super::installer::{Change, Verify};
use super::scan::Scan;
use super::step::{Step, StepEnd, Stepper};
use super::write::{CodeWish, Write};
use super::{Interruption, Item, Next, Procedure, Reopen, Standing, step_failed};
use crate::message::{ErrorCode, ModuleCommand, ModuleMessage};
use crate::quirks::{LEAVE, LINGER, UNBLANK};
use crate::session::{Answer, Class, Menus, Site, is_emergency, person_waits};

pub(crate) use opening::installer_code_refused;
use opening::noisy_line;

/// `#` is pressed so often before leaving is given up as not proved; less often when somebody waits to disarm.
const LEAVE_TRIES: u8 = 3;
const LEAVE_TRIES_IN_A_HURRY: u8 = 2;

/// Whose code opens the menu, and with it which menu it is.
#[derive(Debug, Clone)]
pub(crate) enum Opener {
    /// `*5` with the master code.
    Master,
    /// `*5` with the master code before its last change.
    PreviousMaster,
    /// `*8`.
    Installer(InstallerCode),
}

#[derive(Debug)]
pub(crate) struct Menu {
    opener: Opener,
    stage: Stage,
    stepper: Stepper,
    item: Option<Box<dyn Item>>,
    /// What the menu is opened for once more.
    reopen: Option<Reopen>,
    /// Work that goes on in the next batch.
    paused: Option<Box<dyn Item>>,
    interrupted: Option<Interruption>,
    /// The line's noise when the menu was opened, and when the present step began.
    noise_before: u64,
    noise_at_step: u64,
    /// The item had changed something before its present step.
    touched_before: bool,
    /// Since when there is nothing to do inside.
    idle_since: Option<Instant>,
    /// 072 is not known to this firmware: `*5` is typed.
    typed_opening: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// A dark keypad takes its next key as a wish for light.
    Waking,
    Opening,
    Entering,
    /// At the list, nothing typed.
    Inside,
    /// A step of the item runs.
    Working,
    Leaving {
        tries: u8,
    },
    /// The visit is over. `Unproved`: the panel did not show that the menu is closed.
    Left,
    Unproved,
}

impl Menu {
    /// A visit for one command; more of them are taken from the queue while the menu is open.
    pub(crate) fn for_command(id: CommandId, command: Command, site: &mut Site) -> Option<Self> {
        let opener = match &command {
            Command::VerifyInstallerCode(code) | Command::ChangeInstallerCode { current: code, .. } => {
                Opener::Installer(code.clone())
            }
            _ => Opener::Master,
        };
        let item = item_of(id, command, site)?;
        Some(Self::new(opener, item, site))
    }

    /// Goes on with work that was paused.
    pub(crate) fn resume(item: Box<dyn Item>, site: &Site) -> Self {
        Self::new(Opener::Master, item, site)
    }

    fn new(opener: Opener, item: Box<dyn Item>, site: &Site) -> Self {
        Self {
            opener,
            stage: Stage::Waking,
            stepper: Stepper::new(site.transport),
            item: Some(item),
            reopen: None,
            paused: None,
            interrupted: None,
            noise_before: 0,
            noise_at_step: 0,
            touched_before: false,
            idle_since: None,
            typed_opening: false,
        }
    }

    /// Opens the menu; the note for the next run goes out before the first key.
    pub(crate) fn begin(&mut self, now: Instant, site: &mut Site) {
        site.note_residue(if self.is_installer() { "installer menu" } else { "users menu" });
        site.batch.opened(now);
        self.noise_before = site.noise;
        if site.view.blanked {
            self.stage = Stage::Waking;
            self.begin_step(Step::keys("#", Expect::Nothing, UNBLANK), site);
        } else {
            self.open(site);
        }
    }

    fn is_installer(&self) -> bool {
        matches!(self.opener, Opener::Installer(_))
    }

    fn begin_step(&mut self, step: Step, site: &mut Site) {
        self.noise_at_step = site.noise;
        self.stepper.begin(step, &mut site.view);
    }

    fn stepped(&mut self, now: Instant, end: StepEnd, site: &mut Site) {
        if let StepEnd::ModuleRefused(code) = end {
            site.module_refused(now, code);
        }
        match self.stage {
            Stage::Waking => self.open(site),
            Stage::Opening => self.opening_ended(now, end, site),
            Stage::Entering => self.entering_ended(end, site),
            Stage::Working => match end {
                StepEnd::Met | StepEnd::MetBlind => {
                    if let Some(item) = &mut self.item {
                        item.met(end, now, site);
                    }
                    self.stage = Stage::Inside;
                }
                StepEnd::Refused(_) if self.is_doubtful(site) => self.fail(noisy_line(), site),
                end => self.fail(step_failed(end), site),
            },
            Stage::Leaving { .. } if end == StepEnd::Met => self.left(now, Stage::Left, site),
            Stage::Leaving { tries } if tries < self.leave_tries() => self.leave(tries + 1, site),
            Stage::Leaving { .. } => self.left(now, Stage::Unproved, site),
            Stage::Inside | Stage::Left | Stage::Unproved => {}
        }
    }

    /// At the list with nothing typed. Returns whether something was begun.
    fn inside(&mut self, now: Instant, site: &mut Site) -> bool {
        let Some(item) = &mut self.item else { return self.next_item(now, site) };
        self.touched_before = item.touched();
        match item.next(now, site) {
            Next::Step(step) => {
                self.stage = Stage::Working;
                self.begin_step(step, site);
            }
            Next::Pause => {
                self.paused = self.item.take();
                self.leave(1, site);
            }
            Next::Done(outcome) => {
                let applied = matches!(outcome, Outcome::Applied(_));
                self.reopen = item.afterwards().filter(|_| applied);
                let id = item.id();
                self.item = None;
                if self.reopen.is_some() {
                    self.leave(1, site);
                } else {
                    site.done(id, outcome);
                    if !applied {
                        self.leave(1, site);
                    }
                }
            }
        }
        true
    }

    fn next_item(&mut self, now: Instant, site: &mut Site) -> bool {
        let stay = matches!(self.opener, Opener::Master)
            && !person_waits(&site.queue)
            && !site.stopping
            && site.batch.has_room(now)
            && site.tracker.may_program(now, Menus::Ours).is_ok();
        if stay {
            if let Some((id, command)) = site.queue.take(Class::Users) {
                self.master_proved(site);
                self.item = item_of(id, command, site);
                self.idle_since = None;
                return true;
            }
            let since = *self.idle_since.get_or_insert(now);
            if now < since + LINGER {
                return false;
            }
            self.master_proved(site);
        }
        self.leave(1, site);
        true
    }

    fn fail(&mut self, outcome: Outcome, site: &mut Site) {
        if let Some(item) = self.item.take() {
            site.done(item.id(), outcome);
        }
        // Whatever was half typed is given up, and the panel is asked how it stands (dossier 8.1, rule 3).
        site.report_wanted = true;
        self.leave(1, site);
    }

    fn leave(&mut self, tries: u8, site: &mut Site) {
        self.stage = Stage::Leaving { tries };
        self.idle_since = None;
        self.begin_step(Step::keys("#", Expect::Resting, LEAVE), site);
    }

    fn leave_tries(&self) -> u8 {
        if self.interrupted == Some(Interruption::Disarm) { LEAVE_TRIES_IN_A_HURRY } else { LEAVE_TRIES }
    }

    fn left(&mut self, now: Instant, stage: Stage, site: &mut Site) {
        self.stage = stage;
        site.batch.closed(now);
        if stage == Stage::Unproved {
            site.report_wanted = true;
            if let Some(Reopen { item, .. }) = self.reopen.take() {
                let text = "the panel did not show that the menu is closed";
                site.done(item.id(), Outcome::Failed(PanelError::passing("interrupted", text)));
            }
            return;
        }
        site.clear_residue();
        let Some(Reopen { with, item }) = self.reopen.take() else { return };
        let may = if site.stopping { Err(Interruption::Shutdown.outcome(item.touched())) } else { Ok(()) };
        let may = may.and_then(|()| match self.interrupted {
            Some(why) => Err(why.outcome(item.touched())),
            None => Ok(()),
        });
        match may {
            Ok(()) => {
                self.opener = with;
                self.item = Some(item);
                self.begin(now, site);
            }
            Err(outcome) => site.done(item.id(), outcome),
        }
    }

    fn give_up(&mut self, why: Interruption, site: &mut Site) {
        let typed = self.stage == Stage::Working && self.stepper.has_typed();
        self.stepper.stop();
        if let Some(item) = self.item.take() {
            let touched = self.touched_before || (typed && item.touched());
            site.done(item.id(), why.outcome(touched));
        }
        self.leave(1, site);
    }
}

impl Procedure for Menu {
    fn observe(&mut self, _now: Instant, message: &ModuleMessage, _site: &mut Site) {
        if is_emergency(message) {
            self.interrupt(Interruption::Emergency);
        }
    }

    fn next(&mut self, now: Instant, _site: &mut Site) -> Option<ModuleCommand> {
        self.stepper.next(now)
    }

    fn settled(&mut self, now: Instant, answer: Answer, _site: &mut Site) {
        self.stepper.settled(now, answer);
    }

    fn late_refusal(&mut self, _now: Instant, code: ErrorCode, _site: &mut Site) {
        self.stepper.late_refusal(code);
    }

    fn advance(&mut self, now: Instant, site: &mut Site) -> Standing {
        loop {
            let leaving = matches!(self.stage, Stage::Leaving { .. } | Stage::Left | Stage::Unproved);
            if let Some(why) = self.interrupted.filter(|_| !leaving) {
                if self.stepper.is_typing() {
                    return Standing::Running;
                }
                self.give_up(why, site);
            } else if !leaving && self.stage != Stage::Inside && site.noise != self.noise_at_step {
                // What arrived may not be what was typed: a doubled digit opens another slot. Before more is typed
                // into it, what is half typed is given up.
                if self.stepper.is_typing() {
                    return Standing::Running;
                }
                self.stepper.stop();
                self.fail(noisy_line(), site);
            }
            match self.stage {
                Stage::Left | Stage::Unproved => return Standing::Finished,
                Stage::Inside => {
                    if !self.inside(now, site) {
                        return Standing::Running;
                    }
                }
                _ => match self.stepper.judge(now, &site.view) {
                    Some(end) => self.stepped(now, end, site),
                    None => return Standing::Running,
                },
            }
        }
    }

    fn wake(&self, now: Instant, site: &Site) -> Option<Instant> {
        let idle = self.idle_since.filter(|_| self.stage == Stage::Inside).map(|since| since + LINGER);
        [self.stepper.wake(now, &site.view), idle].into_iter().flatten().min()
    }

    fn interrupt(&mut self, why: Interruption) {
        self.interrupted.get_or_insert(why);
    }

    fn abandon(&mut self, site: &mut Site) {
        let reopen = self.reopen.take().map(|reopen| reopen.item);
        for item in [self.item.take(), self.paused.take(), reopen].into_iter().flatten() {
            site.done(item.id(), Outcome::interrupted());
        }
    }

    fn in_menu(&self) -> bool {
        true
    }

    fn take_paused(&mut self) -> Option<Box<dyn Item>> {
        self.paused.take()
    }
}

fn item_of(id: CommandId, command: Command, site: &mut Site) -> Option<Box<dyn Item>> {
    let item: Box<dyn Item> = match command {
        Command::SetUser(SetUser { slot, code, role, partitions, label: _ }) => {
            site.batch.count_user();
            let code = code.map_or(CodeWish::Keep, CodeWish::Set);
            Box::new(Write::new(id, slot, code, partitions, role))
        }
        Command::DisableUser { slot } => {
            site.batch.count_user();
            Box::new(Write::new(id, slot, CodeWish::Delete, None, None))
        }
        Command::Refresh(Section::Users) if site.reading.is_some() => {
            site.done(id, Outcome::NotNow(NotNow { why: "users are being read already".into() }));
            return None;
        }
        Command::Refresh(Section::Users) => {
            site.reading = Some(id);
            Box::new(Scan::new(id, site.capabilities.all_slots().collect()))
        }
        Command::VerifyInstallerCode(_) => Box::new(Verify::new(id)),
        Command::ChangeInstallerCode { new, .. } => Box::new(Change::new(id, new)),
        _ => return None,
    };
    Some(item)
}
