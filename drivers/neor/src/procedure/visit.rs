//! A visit to a programming mode: enter with a code, do what waits, leave; one at a time, short, and always left.
//!
//! ```text
//!   (leave a stale mode) ─► enter ─► lead-in ─► items … ─► linger ─► leave
//!                             │                   └─ alarm, 20 s, stop ─► leave, later enter again
//!                             └─ 17: never again by itself; 19: back off
//! ```

use std::time::Instant;

use panel_driver::{DriverEvent, Outcome};
use panel_model::{AccessCode, EventKind, InstallerCode, NotNow, PanelError, PanelEvent, Slot};

use super::{CodeRefused, Item, Next, Procedure, Work, failure, installer_code_refused, master_needed};
use crate::capabilities::MASTER_SLOT;
use crate::message::{Command, Digits, Lead, NackCode, Notice, Programming, ProgrammingAccess, ResponseCode, Via};
use crate::quirks::{AFTER_STALE_EXIT, BETWEEN_VISITS, LEAD_IN, LINGER, VISIT};
use crate::session::{Answer, Ask, Class, Site};

/// Whose code opens the mode.
#[derive(Debug, Clone)]
pub(crate) enum Opener {
    /// The master's.
    Master,
    /// The master's before its last change.
    PreviousMaster,
    /// The installer's.
    Installer(InstallerCode),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Begin,
    StaleExit,
    /// Between two modes.
    Pause(Instant),
    Enter,
    AwaitLeadIn(Instant),
    Inside,
    /// Nothing to do; another command may come.
    Linger(Instant),
    /// To be left; then pause and go on, go on without a mode, or be over.
    Exit(Then),
    /// What needs no mode.
    Outside,
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Resume,
    Outside,
    Over,
}

#[derive(Debug)]
pub(crate) struct Visit {
    mode: Programming,
    access: ProgrammingAccess,
    opener: Opener,
    /// Further commands of this class are done in the same visit.
    class: Class,
    stage: Stage,
    item: Option<Box<dyn Item>>,
    asked: bool,
    entered: Option<Instant>,
    lead_in: bool,
    lead_out: bool,
    /// The panel refused a request as if the mode were not open. It may be open all the same: an old lead-in passes
    /// for a new one.
    doubtful: bool,
    /// The mode was closed under the present item once already.
    reentered: bool,
}

impl Visit {
    pub(crate) fn new(
        mode: Programming,
        access: ProgrammingAccess,
        opener: Opener,
        class: Class,
        item: Box<dyn Item>,
    ) -> Self {
        Self {
            mode,
            access,
            opener,
            class,
            stage: Stage::Begin,
            item: Some(item),
            asked: false,
            entered: None,
            lead_in: false,
            lead_out: false,
            doubtful: false,
            reentered: false,
        }
    }

    fn code(&self, site: &Site) -> Option<Digits> {
        let master = |code: &Option<AccessCode>| code.as_ref().and_then(Digits::of);
        match &self.opener {
            Opener::Master => master(&site.credentials.master),
            Opener::PreviousMaster => master(&site.credentials.previous_master),
            Opener::Installer(code) => Digits::parse(code.expose()),
        }
    }

    fn finish_item(&mut self, now: Instant, outcome: Outcome, site: &mut Site) {
        self.reentered = false;
        let Some(item) = self.item.take() else { return };
        match (item.id(), item.left_over()) {
            (Some(id), _) => site.done(id, item.ended(outcome)),
            (None, Some((from, to))) if !matches!(outcome, Outcome::Applied(_)) => site.read_later(now, from, to),
            _ => {}
        }
    }

    fn fail(&mut self, now: Instant, outcome: Outcome, site: &mut Site) {
        self.finish_item(now, outcome, site);
        self.stage = Stage::Over;
    }

    fn enter(&mut self, now: Instant, site: &mut Site) -> Option<Ask> {
        let Some(code) = self.code(site) else {
            self.fail(now, master_needed(), site);
            return None;
        };
        self.lead_in = false;
        self.lead_out = false;
        self.entered = Some(now);
        let (mode, access) = (self.mode, self.access);
        site.mode_opened();
        // Once only: a wrong code that is repeated counts twice.
        Some(Ask::order(Command::EnterProgramming { partition: Some(1), mode, code, access }).once())
    }

    fn exit() -> Ask {
        Ask::order(Command::ExitProgramming { partition: Some(1) })
    }

    /// Why the mode is to be left before its work is done.
    fn must_leave(&self, now: Instant, site: &Site) -> Option<NotNow> {
        let why = match () {
            () if site.stopping => "the driver is stopping",
            () if site.queue.has(Class::Urgent) => "somebody waits to disarm",
            () if site.tracker.is_emergency(now) => "there is an alarm, or something was armed a moment ago",
            () => return None,
        };
        Some(NotNow { why: why.into() })
    }

    fn is_spent(&self, now: Instant) -> bool {
        self.entered.is_some_and(|entered| now >= entered + VISIT)
    }

    fn inside(&mut self, now: Instant, site: &mut Site) -> Next {
        if self.lead_out {
            return self.closed_under_us(now, site);
        }
        let leave = self.must_leave(now, site);
        let Some(item) = &mut self.item else {
            let next = if leave.is_some() || self.is_spent(now) { None } else { site.next_item(self.class) };
            match next {
                Some(next) => {
                    self.item = Some(next);
                    self.stage = Stage::Inside;
                }
                None => match self.stage {
                    Stage::Linger(until) if now < until && leave.is_none() => return Next::Wait(until),
                    Stage::Linger(_) => self.stage = Stage::Exit(Then::Over),
                    _ if leave.is_some() || self.class == Class::Installer => self.stage = Stage::Exit(Then::Over),
                    _ => self.stage = Stage::Linger(now + LINGER),
                },
            }
            return self.next(now, site);
        };
        match leave {
            // A write is finished first: it takes a moment, and half a user is worse.
            Some(why) if !item.has_written() => {
                self.finish_item(now, Outcome::NotNow(why), site);
                self.stage = Stage::Exit(Then::Over);
                return self.next(now, site);
            }
            _ => {}
        }
        let (long, written) = (item.is_long(), item.has_written());
        if long && !written && self.is_spent(now) {
            self.stage = Stage::Exit(Then::Resume);
            return self.next(now, site);
        }
        self.work(now, site)
    }

    fn work(&mut self, now: Instant, site: &mut Site) -> Next {
        let Some(item) = &mut self.item else { return Next::Done };
        match item.next(now, site) {
            Work::Ask(ask) => {
                self.asked = true;
                Next::Ask(if self.stage == Stage::Outside { ask } else { ask.programming() })
            }
            Work::Leave => {
                self.stage = Stage::Exit(Then::Outside);
                self.next(now, site)
            }
            Work::Done(outcome) => {
                self.finish_item(now, outcome, site);
                if self.stage == Stage::Outside {
                    self.stage = Stage::Over;
                }
                self.next(now, site)
            }
        }
    }

    /// A time-out at the panel, a keypad, or a power failure ended our mode.
    fn closed_under_us(&mut self, now: Instant, site: &mut Site) -> Next {
        self.lead_out = false;
        let doubtful = std::mem::take(&mut self.doubtful);
        if !doubtful {
            site.mode_closed();
        }
        match &mut self.item {
            Some(item) if !self.reentered && !site.stopping => {
                self.reentered = true;
                item.restart();
                self.stage = if doubtful { Stage::StaleExit } else { Stage::Enter };
                self.asked = false;
            }
            Some(_) => {
                let text = "the panel left its programming mode again and again";
                self.fail(now, Outcome::Failed(PanelError::passing("programming_ended", text)), site);
            }
            None => self.stage = Stage::Over,
        }
        self.next(now, site)
    }

    fn entered_answer(&mut self, now: Instant, answer: &Answer, site: &mut Site) {
        match answer {
            Answer::Done => {
                self.opened(site);
                self.stage = if self.lead_in { Stage::Inside } else { Stage::AwaitLeadIn(now + LEAD_IN) };
            }
            Answer::Refused(ResponseCode::WrongCode | ResponseCode::CodeRequired) => {
                site.mode_closed();
                self.code_refused(now, site);
            }
            Answer::Refused(ResponseCode::Busy) | Answer::Nack(NackCode::LockedOut) => {
                site.mode_closed();
                site.busy(now);
                self.fail(now, failure(&Answer::Refused(ResponseCode::Busy)), site);
            }
            Answer::Lost => {
                // It may be open all the same.
                self.finish_item(now, failure(answer), site);
                self.stage = Stage::Exit(Then::Over);
            }
            other => {
                site.mode_closed();
                self.fail(now, failure(other), site);
            }
        }
    }

    /// The code was taken.
    fn opened(&mut self, site: &mut Site) {
        site.not_busy();
        match &self.opener {
            // Of a code that was written in this very command the owner is told when the command is answered: before,
            // it takes a proof to be about the old one.
            Opener::Master if self.item.as_ref().is_some_and(|item| item.has_written()) => {}
            Opener::Master => {
                if site.credentials.previous_master.take().is_some() {
                    site.event(DriverEvent::MasterProved);
                }
            }
            Opener::PreviousMaster => {
                site.credentials.master = site.credentials.previous_master.take();
                self.opener = Opener::Master;
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

    fn code_refused(&mut self, now: Instant, site: &mut Site) {
        match &self.opener {
            Opener::Master if site.credentials.previous_master.is_some() => {
                // Not the same code again: the one before it, once.
                self.opener = Opener::PreviousMaster;
                self.stage = Stage::Enter;
            }
            Opener::Master | Opener::PreviousMaster => {
                tracing::warn!("the panel refused the master code; it is not tried again");
                site.master_refused = true;
                self.fail(now, master_needed(), site);
            }
            Opener::Installer(code) => {
                tracing::warn!("the panel refused the installer code; it is not tried again");
                site.installer_refused = Some(code.clone());
                site.installer_tries.wrong(now);
                match self.item.as_mut().map_or(CodeRefused::Usual, |item| item.code_refused(site)) {
                    CodeRefused::Usual => self.fail(now, installer_code_refused(), site),
                    CodeRefused::Outcome(outcome) => self.fail(now, outcome, site),
                    CodeRefused::Arranged => {
                        self.item = None;
                        self.stage = Stage::Over;
                    }
                }
            }
        }
    }
}

impl Procedure for Visit {
    fn next(&mut self, now: Instant, site: &mut Site) -> Next {
        match self.stage {
            Stage::Begin => {
                if let Some(why) =
                    self.must_leave(now, site).filter(|_| self.class != Class::Installer || site.stopping)
                {
                    self.fail(now, Outcome::NotNow(why), site);
                    return Next::Done;
                }
                self.stage = if site.is_mode_open() { Stage::StaleExit } else { Stage::Enter };
                self.next(now, site)
            }
            Stage::StaleExit => Next::Ask(Self::exit()),
            Stage::Pause(until) if now < until => Next::Wait(until),
            Stage::Pause(_) => {
                self.stage = Stage::Begin;
                self.next(now, site)
            }
            Stage::Enter => match self.enter(now, site) {
                Some(ask) => Next::Ask(ask),
                None => Next::Done,
            },
            Stage::AwaitLeadIn(_) if self.lead_in => {
                self.stage = Stage::Inside;
                self.next(now, site)
            }
            Stage::AwaitLeadIn(until) if now < until => Next::Wait(until),
            // Without a lead-in the first request may be refused; that tells more than giving up.
            Stage::AwaitLeadIn(_) => {
                self.stage = Stage::Inside;
                self.next(now, site)
            }
            Stage::Inside | Stage::Linger(_) => self.inside(now, site),
            Stage::Exit(_) => Next::Ask(Self::exit()),
            Stage::Outside => self.work(now, site),
            Stage::Over => Next::Done,
        }
    }

    fn answered(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        match self.stage {
            Stage::StaleExit => {
                site.mode_left(&answer);
                self.stage = Stage::Pause(now + AFTER_STALE_EXIT);
            }
            Stage::Enter => self.entered_answer(now, &answer, site),
            Stage::Exit(then) => {
                site.mode_left(&answer);
                self.stage = match then {
                    Then::Resume => Stage::Pause(now + BETWEEN_VISITS),
                    Then::Outside => Stage::Outside,
                    Then::Over => Stage::Over,
                };
            }
            _ if std::mem::take(&mut self.asked) => {
                let wrong_mode = answer == Answer::Refused(ResponseCode::WrongMode);
                if wrong_mode && self.stage == Stage::Inside && !self.reentered {
                    self.lead_out = true;
                    self.doubtful = true;
                } else if let Some(item) = &mut self.item {
                    item.answered(answer, site);
                }
            }
            _ => {}
        }
    }

    fn heard(&mut self, _now: Instant, notice: &Notice, _site: &mut Site) {
        let Notice::ProgrammingLead(lead) = notice else { return };
        match lead.lead {
            Lead::In if lead.via == Via::Interactive => self.lead_in = true,
            Lead::Out if matches!(self.stage, Stage::Inside | Stage::Linger(_)) => self.lead_out = true,
            _ => {}
        }
    }

    fn in_programming(&self) -> bool {
        !matches!(self.stage, Stage::Begin | Stage::Pause(_) | Stage::Outside | Stage::Over)
    }

    fn abandon(&mut self, site: &mut Site) {
        if let Some(item) = self.item.take()
            && let Some(id) = item.id()
        {
            site.done(id, item.ended(Outcome::interrupted()));
        }
    }
}

/// Leaves a mode that a visit could not leave, or that opened late.
#[derive(Debug, Default)]
pub(crate) struct Leave {
    asked: bool,
}

impl Procedure for Leave {
    fn next(&mut self, _now: Instant, _site: &mut Site) -> Next {
        if std::mem::replace(&mut self.asked, true) { Next::Done } else { Next::Ask(Visit::exit()) }
    }

    fn answered(&mut self, _now: Instant, answer: Answer, site: &mut Site) {
        site.mode_left(&answer);
    }

    fn in_programming(&self) -> bool {
        true
    }

    fn abandon(&mut self, _site: &mut Site) {}
}
