//! What is begun when nothing else runs: recovery, reports, commands, visits to menus.

use std::time::Instant;

use panel_driver::{Command, CommandId, Outcome, Section};
use panel_model::{NotNow, Refusal};

use super::collect::Collect;
use super::{Class, DscSession, Menus, Site, master_needed};
use crate::procedure::Item;
use crate::procedure::labels::Labels;
use crate::procedure::menu::{Menu, installer_code_refused};
use crate::procedure::operate::Operate;
use crate::procedure::recover::Recover;

impl DscSession {
    pub(super) fn start(&mut self, now: Instant) -> bool {
        if !self.logged_in || self.procedure.is_some() {
            return false;
        }
        if self.online && self.site.queue.has(Class::Urgent) {
            return self.start_operation();
        }
        if self.collect.is_some() {
            return false;
        }
        if self.site.residue && self.recover_at.is_some_and(|at| now >= at) {
            self.recover_at = None;
            self.procedure = Some(Box::new(Recover::new(&self.site)));
            return true;
        }
        if self.report_is_due(now) {
            let Site { transport, tracker, config, .. } = &self.site;
            self.collect = Some(Collect::new(*transport, tracker.state(), config.partitions, config.zones));
            self.report_unsent = true;
            return true;
        }
        if !self.online {
            return false;
        }
        self.start_operation() || self.start_menu(now)
    }

    fn start_operation(&mut self) -> bool {
        let next = self.site.queue.take(Class::Urgent).or_else(|| self.site.queue.take(Class::Plain));
        let Some((id, command)) = next else {
            if self.site.labels_read {
                return false;
            }
            self.procedure = Some(Box::new(Labels::new(None)));
            return true;
        };
        match command {
            Command::Refresh(Section::State) => self.report_for.push(id),
            Command::Refresh(Section::Labels) => self.procedure = Some(Box::new(Labels::new(Some(id)))),
            command => match Operate::new(id, command, &self.site) {
                Some(operate) => self.procedure = Some(Box::new(operate)),
                None => self.site.done(id, Outcome::Refused(Refusal::Unsupported)),
            },
        }
        true
    }

    fn start_menu(&mut self, now: Instant) -> bool {
        let classes = [Class::Users, Class::Master, Class::Installer];
        let class = classes.into_iter().find(|class| self.site.queue.has(*class));
        if class.is_none() && self.paused.is_none() {
            return false;
        }
        // A report that is due shows first where the last visit led to.
        let may = self.site.tracker.may_program(now, Menus::NotOurs);
        if may.is_ok() && self.site.report_wanted {
            return false;
        }
        let may = may.and_then(|()| self.residue_proved());
        if let Err(not_now) = may {
            let waiting = class.and_then(|class| self.site.queue.take(class)).map(|(id, _)| id);
            let id = waiting.or_else(|| self.paused.take().map(|item| item.id()));
            if let Some(id) = id {
                self.site.done(id, Outcome::NotNow(not_now));
            }
            return true;
        }
        if class != Some(Class::Installer) && self.site.batch.opens_at(now).is_some() {
            return false;
        }
        self.site.batch.refill(now);
        let menu = match class {
            Some(class) => self.site.queue.take(class).and_then(|(id, command)| self.menu_for(id, command)),
            None => self.paused.take().and_then(|item| self.resume(item)),
        };
        if let Some(mut menu) = menu {
            menu.begin(now, &mut self.site);
            self.procedure = Some(Box::new(menu));
        }
        true
    }

    fn resume(&mut self, item: Box<dyn Item>) -> Option<Menu> {
        if self.site.master_refused {
            self.site.done(item.id(), master_needed());
            return None;
        }
        Some(Menu::resume(item, &self.site))
    }

    fn residue_proved(&self) -> Result<(), NotNow> {
        let why = || "it is not proved yet that an earlier visit to a menu is over".to_owned();
        if self.site.residue { Err(NotNow { why: why() }) } else { Ok(()) }
    }

    fn menu_for(&mut self, id: CommandId, command: Command) -> Option<Menu> {
        let refused = match &command {
            Command::VerifyInstallerCode(code) | Command::ChangeInstallerCode { current: code, .. } => {
                (self.site.installer_refused.as_ref() == Some(code)).then(installer_code_refused)
            }
            _ => self.site.master_refused.then(master_needed),
        };
        match refused {
            Some(outcome) => {
                self.site.done(id, outcome);
                None
            }
            None => Menu::for_command(id, command, &mut self.site),
        }
    }
}
