//! What is begun when nothing else runs: reports, commands, visits to programming modes.

use std::time::Instant;

use panel_driver::{Command, DriverEvent, Outcome, Section};
use panel_model::Refusal;

use super::{Class, NeorSession};
use crate::message::{Programming, ProgrammingAccess};
use crate::procedure::installer::{Change, Prove, Verify};
use crate::procedure::installer_code_needed;
use crate::procedure::labels::Labels;
use crate::procedure::operate::Operate;
use crate::procedure::report::{Extent, Report};
use crate::procedure::users::ReadUsers;
use crate::procedure::visit::{Leave, Opener, Visit};

impl NeorSession {
    pub(super) fn start(&mut self, now: Instant) -> bool {
        if !self.is_settled() || self.procedure.is_some() || self.site.stopping {
            return false;
        }
        if self.site.is_mode_open() {
            self.procedure = Some(Box::new(Leave::default()));
            return true;
        }
        if self.online && self.site.queue.has(Class::Urgent) {
            return self.start_operation(Class::Urgent);
        }
        if self.start_proof() {
            return true;
        }
        if self.report_at.is_some_and(|at| now >= at) {
            self.report_at = None;
            self.site.report_again = false;
            let extent = if self.online && !self.panel_silent { Extent::Again } else { Extent::First };
            self.procedure = Some(Box::new(Report::new(extent)));
            return true;
        }
        if !self.online {
            return false;
        }
        self.start_operation(Class::Plain) || self.start_visit() || self.start_reread(now) || self.start_labels()
    }

    /// When something is to be started by time alone.
    pub(super) fn start_at(&self) -> Option<Instant> {
        let idle = self.is_settled() && self.procedure.is_none() && !self.site.stopping;
        let read_again = self.site.read_again_at.filter(|_| self.online);
        self.report_at.into_iter().chain(read_again).min().filter(|_| idle)
    }

    fn start_operation(&mut self, class: Class) -> bool {
        let Some((id, command)) = self.site.queue.take(class) else { return false };
        match command {
            Command::Refresh(Section::State) => {
                self.report_for.push(id);
                self.site.report_again = false;
                self.procedure = Some(Box::new(Report::new(Extent::Again)));
            }
            Command::Refresh(Section::Labels) => self.procedure = Some(Box::new(Labels::new(Some(id)))),
            command => match Operate::new(id, &command, &self.site) {
                Some(operate) => self.procedure = Some(Box::new(operate)),
                None => self.site.done(id, Outcome::Refused(Refusal::Unsupported)),
            },
        }
        true
    }

    fn start_visit(&mut self) -> bool {
        let classes = [Class::Bypass, Class::Users, Class::Labels, Class::Installer];
        let Some(class) = classes.into_iter().find(|class| self.site.queue.has(*class)) else { return false };
        let Some((id, command)) = self.site.queue.take(class) else { return false };
        let visit = match (class, command) {
            (Class::Installer, Command::ChangeInstallerCode { current, new }) => {
                let item = Box::new(Change::new(id, current.clone(), new));
                let opener = Opener::Installer(current);
                Visit::new(Programming::Installer, ProgrammingAccess::ReadWrite, opener, class, item)
            }
            (Class::Installer, Command::VerifyInstallerCode(code)) => {
                let opener = Opener::Installer(code);
                let item = Box::new(Verify::new(id));
                Visit::new(Programming::Installer, ProgrammingAccess::ReadOnly, opener, class, item)
            }
            (Class::Labels, command) => {
                let Some(code) = self.site.credentials.installer.clone() else {
                    self.site.done(id, installer_code_needed());
                    return true;
                };
                let item = self.site.item_of(id, command);
                let opener = Opener::Installer(code);
                Visit::new(Programming::Installer, ProgrammingAccess::ReadWrite, opener, class, item)
            }
            (class, command) => {
                let mode = if class == Class::Bypass { Programming::Bypass } else { Programming::AccessCodes };
                let item = self.site.item_of(id, command);
                Visit::new(mode, ProgrammingAccess::ReadWrite, Opener::Master, class, item)
            }
        };
        self.procedure = Some(Box::new(visit));
        true
    }

    /// An installer code was written; the next visit proves it, before anything else.
    fn start_proof(&mut self) -> bool {
        let Some(unproved) = self.site.unproved.take() else { return false };
        let opener = Opener::Installer(unproved.opener().clone());
        let item = Box::new(Prove(unproved));
        let visit = Visit::new(Programming::Installer, ProgrammingAccess::ReadOnly, opener, Class::Installer, item);
        self.procedure = Some(Box::new(visit));
        true
    }

    /// The panel said which users somebody else changed: just these are read again.
    fn start_reread(&mut self, now: Instant) -> bool {
        if self.site.read_again_at.is_some_and(|at| now < at) {
            return false;
        }
        self.site.read_again_at = None;
        let Some((from, to)) = self.site.changed_users.take() else { return false };
        let last = u32::from(self.site.size.users);
        let known = self.site.credentials.master.is_some() && !self.site.master_refused;
        if !known || from == 0 || from > to || to > last {
            self.site.event(DriverEvent::UsersStale);
            return true;
        }
        let item = Box::new(ReadUsers::new(None, from, to));
        let (mode, access) = (Programming::AccessCodes, ProgrammingAccess::ReadOnly);
        self.procedure = Some(Box::new(Visit::new(mode, access, Opener::Master, Class::Users, item)));
        true
    }

    fn start_labels(&mut self) -> bool {
        if self.site.labels_read {
            return false;
        }
        self.procedure = Some(Box::new(Labels::new(None)));
        true
    }
}
