//! What comes next when nothing is under way.

use std::time::Instant;

use panel_driver::{Command, CommandId, DriverEvent, Outcome, Section};
use panel_model::{EventKind, Evidence, PanelEvent};

use crate::error::{armed, download_denied};
use crate::message::{B0, HostMessage};
use crate::model::{Enrolment, Family};
use crate::procedure::collect::{Collect, How};
use crate::procedure::enrol::Enrol;
use crate::procedure::operate::Operate;
use crate::procedure::settings::Settings;
use crate::procedure::simple::{Need, Single};
use crate::procedure::visit::Visit;
use crate::procedure::{Goal, Procedure};

use super::keeper::Bark;
use super::queue::Class;
use super::{Access, VisonicSession};

impl VisonicSession {
    pub(super) fn start(&mut self, now: Instant) -> bool {
        if self.procedure.is_some() || self.stop_by.is_some() {
            return false;
        }
        let next = self.next_procedure(now);
        let begun = next.is_some();
        self.procedure = next;
        begun
    }

    fn next_procedure(&mut self, now: Instant) -> Option<Box<dyn Procedure>> {
        if !self.greeted {
            // A run before this one may have left the panel in download mode.
            return Some(Box::new(Single::new(HostMessage::ExitDownload, Need::Required)));
        }
        if !self.online {
            return Some(self.collect(How::Ask));
        }
        if let Some((id, command)) = self.site.queue.take(Class::Urgent) {
            return self.operate(id, command);
        }
        if std::mem::take(&mut self.exit_wanted) {
            return Some(Box::new(Single::new(HostMessage::ExitDownload, Need::Wanted)));
        }
        if let Some((id, command)) = self.site.queue.take(Class::Plain) {
            return match command {
                Command::Refresh(Section::State) => {
                    self.refresh_for.push(id);
                    self.snapshot_wanted = true;
                    Some(self.collect(How::Ask))
                }
                command => self.operate(id, command),
            };
        }
        self.link(now).or_else(|| self.memory(now)).or_else(|| self.routine(now))
    }

    fn operate(&mut self, id: CommandId, command: Command) -> Option<Box<dyn Procedure>> {
        match Operate::new(id, command) {
            Some(operate) => Some(Box::new(operate)),
            None => {
                self.site.done(id, Outcome::Refused(panel_model::Refusal::Unsupported));
                None
            }
        }
    }

    fn collect(&mut self, how: How) -> Box<dyn Procedure> {
        self.collecting = true;
        self.site.state_wanted = false;
        Box::new(Collect::new(how))
    }

    /// Enrolment, and a link that was silent.
    fn link(&mut self, now: Instant) -> Option<Box<dyn Procedure>> {
        let may = self.site.model.enrolment != Enrolment::Never;
        if self.site.enrol_asked && may {
            self.enrolling = true;
            return Some(Box::new(Enrol::new(true)));
        }
        if self.keeper.bark(now, &mut self.site) == Some(Bark::Restore) {
            if self.keeper.was_deaf(now) {
                (self.in_doubt, self.snapshot_wanted) = (true, true);
                self.site.tracker.forget_log();
            }
            return Some(self.collect(How::Restore));
        }
        if std::mem::take(&mut self.site.restore_wanted) {
            return Some(self.collect(How::Restore));
        }
        if self.site.state_wanted {
            return Some(self.collect(How::Ask));
        }
        let setup_first = self.site.setup_at.is_some() && self.site.access != Access::Denied;
        if !setup_first && self.keeper.is_enrolment_due(now, &self.site) {
            self.enrolling = true;
            return Some(Box::new(Enrol::new(!self.site.model.init)));
        }
        None
    }

    /// What is read from memory or settings.
    fn memory(&mut self, now: Instant) -> Option<Box<dyn Procedure>> {
        let quiet = self.site.tracker.is_quiet();
        let master = self.site.model.family == Family::PowerMaster;
        if quiet && self.site.access != Access::Denied && self.site.setup_at.is_some_and(|at| now >= at) {
            self.site.setup_at = None;
            self.setting_up = true;
            self.users_wanted = true;
            let goals = if master { vec![Goal::Setup] } else { vec![Goal::Setup, Goal::Users(None)] };
            return Some(Box::new(Visit::new(goals, &self.site)));
        }
        let left: Vec<Goal> = self.site.for_memory.drain(..).collect();
        if let Some(visit) = self.visit(now, left) {
            self.setting_up = true;
            return Some(visit);
        }
        // Those that cannot be begun now are answered, one after the other.
        while let Some((id, command)) = self.site.queue.take(Class::Memory) {
            let goal = match command {
                Command::Refresh(Section::Users) => Goal::Users(Some(id)),
                Command::VerifyInstallerCode(code) => Goal::Installer(id, code),
                Command::SetClock(time) => Goal::Clock(id, time),
                _ => Goal::Labels(id),
            };
            let in_settings = matches!(goal, Goal::Users(_) | Goal::Installer(..));
            if master && in_settings {
                return Some(Box::new(Settings::new(vec![goal])));
            }
            if let Some(visit) = self.visit(now, vec![goal]) {
                return Some(visit);
            }
        }
        if master && std::mem::take(&mut self.users_wanted) {
            return Some(Box::new(Settings::new(vec![Goal::Users(None)])));
        }
        None
    }

    /// A visit, or the reason why there can be none now.
    fn visit(&mut self, now: Instant, goals: Vec<Goal>) -> Option<Box<dyn Procedure>> {
        if goals.is_empty() {
            return None;
        }
        if self.site.tracker.is_quiet() && self.site.access != Access::Denied {
            return Some(Box::new(Visit::new(goals, &self.site)));
        }
        let denied = self.site.access == Access::Denied;
        if !denied && goals.iter().any(|goal| goal.id().is_none()) {
            // Nobody waits for it; it is read when the panel is disarmed.
            self.site.setup_at = self.site.setup_at.or(Some(now));
        }
        for id in goals.iter().filter_map(Goal::id) {
            self.site.done(id, if denied { download_denied() } else { armed() });
        }
        None
    }

    fn routine(&mut self, now: Instant) -> Option<Box<dyn Procedure>> {
        if !self.ask.is_empty() && self.ask_at.is_some_and(|at| now >= at) {
            let subs: Vec<u8> = std::mem::take(&mut self.ask).into_iter().collect();
            self.asked(now);
            let question = HostMessage::B0(B0::request_several(&subs));
            return Some(Box::new(Single::new(question, Need::Wanted)));
        }
        if self.keeper.is_sync_due(now) {
            return Some(self.collect(How::Ask));
        }
        if self.keeper.is_alive_due(now, &self.site) {
            return Some(Box::new(Single::new(HostMessage::Alive, Need::Wanted)));
        }
        None
    }

    /// The procedure is over.
    pub(super) fn finished(&mut self, now: Instant) {
        self.keeper.procedure_at = None;
        if !self.greeted {
            self.greeted = true;
        } else if std::mem::take(&mut self.collecting) {
            self.collected(now);
        } else if std::mem::take(&mut self.setting_up) {
            self.visited(now);
        } else if std::mem::take(&mut self.enrolling) {
            self.enrolment_over(now);
        }
    }

    fn collected(&mut self, now: Instant) {
        self.keeper.synced(now, &self.site);
        self.in_doubt = false;
        if std::mem::take(&mut self.snapshot_wanted) {
            let state = self.site.tracker.state().clone();
            self.site.event(DriverEvent::Snapshot(Box::new(state)));
        }
        for id in std::mem::take(&mut self.refresh_for) {
            self.site.done(id, Outcome::Applied(Evidence::ReadBack));
        }
        if !std::mem::replace(&mut self.online, true) {
            self.site.setup_at = Some(now);
            self.keeper.enrol_from(now);
            self.tell_held(now);
        }
    }

    fn visited(&mut self, now: Instant) {
        match self.site.access {
            Access::Denied if !self.second_chance && self.site.model.enrolment == Enrolment::Automatic => {
                // Some panels let nobody read who is not enrolled [issue DS#101].
                self.second_chance = true;
                self.keeper.enrol_from(now);
            }
            Access::Denied => self.tell_denied(),
            Access::Proved(_) | Access::Unknown => {}
        }
    }

    fn tell_denied(&mut self) {
        let text = match self.site.model.enrolment {
            Enrolment::Menu => "enrol the box as PowerLink in the panel's installer menu, or store its download code",
            Enrolment::Automatic | Enrolment::Never => "store the panel's download code as its password",
        };
        let text = format!("the panel lets nobody read its memory: {text}");
        self.site.happened(PanelEvent::new(EventKind::PanelNeedsInstaller).text(text));
    }

    fn enrolment_over(&mut self, now: Instant) {
        self.site.enrol_asked = false;
        if !self.site.enrolled {
            self.keeper.not_enrolled(now, std::mem::take(&mut self.site.enrol_refused));
            if self.site.access == Access::Denied && self.second_chance {
                self.tell_denied();
            }
            return;
        }
        self.keeper.enrolled(now);
        self.site.restore_wanted = true;
        if self.site.access == Access::Denied {
            self.site.access = Access::Unknown;
            self.site.setup_at = Some(now);
            self.second_chance = true;
        }
    }

    pub(super) fn start_wake(&self, now: Instant) -> Option<Instant> {
        if !self.online {
            return None;
        }
        let readable = self.site.tracker.is_quiet() && self.site.access != Access::Denied;
        let setup = self.site.setup_at.filter(|_| readable);
        let ask = self.ask_at.filter(|_| !self.ask.is_empty());
        [setup, ask, self.keeper.wake(now, &self.site)].into_iter().flatten().filter(|at| *at > now).min()
    }
}
