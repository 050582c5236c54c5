//! What is begun next, lane by lane.

use std::time::Instant;

use panel_driver::{Command, Section};

use crate::jsonrpc::job::{
    Begin, ChangeInstaller, Job, Look, Operate, Poll, ReadUsers, Renew, Round, SetClock, VerifyInstaller, WriteUser,
};
use crate::jsonrpc::quirks::{POLL, POLL_STRAINED, RENEW};

use super::check::Class;
use super::{COMMAND, JsonRpcSession, URGENT};

/// What the session does by itself, and when.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    begun: bool,
    poll_at: Option<Instant>,
    renew_at: Option<Instant>,
    round: Round,
}

impl Schedule {
    pub(super) fn wake(&self) -> Option<Instant> {
        self.poll_at.into_iter().chain(self.renew_at).min()
    }
}

fn is_due(at: Option<Instant>, now: Instant) -> bool {
    at.is_some_and(|at| at <= now)
}

impl JsonRpcSession {
    /// Begins the next job of a lane. `false`: there is none.
    pub(super) fn start(&mut self, now: Instant, lane: usize) -> bool {
        let job: Option<Box<dyn Job>> = match lane {
            URGENT | COMMAND if !self.site.online => None,
            URGENT => self.urgent_job(),
            COMMAND => self.command_job(),
            _ if self.is_stopping() => None,
            _ => self.own_job(now),
        };
        let begun = job.is_some();
        if let Some(lane) = self.lanes.get_mut(lane) {
            (lane.job, lane.wait) = (job, None);
        }
        begun
    }

    fn urgent_job(&mut self) -> Option<Box<dyn Job>> {
        let (id, command) = self.queue.take(Class::Urgent)?;
        Some(Box::new(Operate::new(id, command)?))
    }

    fn command_job(&mut self) -> Option<Box<dyn Job>> {
        loop {
            let (id, command) = self.queue.take(Class::Plain)?;
            return Some(match command {
                Command::SetUser(user) => Box::new(WriteUser::set(id, user)),
                Command::DisableUser { slot } => Box::new(WriteUser::disable(id, slot)),
                Command::VerifyInstallerCode(code) => Box::new(VerifyInstaller::new(id, code)),
                Command::ChangeInstallerCode { current, new } => Box::new(ChangeInstaller::new(id, current, new)),
                Command::SetClock(time) => Box::new(SetClock::new(id, time)),
                Command::Refresh(section) => {
                    match section {
                        Section::Users => {
                            self.site.users_wanted = true;
                            self.site.users_for.push(id);
                        }
                        Section::State | Section::Labels => {
                            self.site.look_wanted = true;
                            self.site.devices_wanted |= section == Section::Labels;
                            self.site.look_for.push(id);
                        }
                    }
                    continue;
                }
                // Refused before they could wait.
                _ => continue,
            });
        }
    }

    fn own_job(&mut self, now: Instant) -> Option<Box<dyn Job>> {
        if !self.schedule.begun {
            return Some(Box::new(Begin::new()));
        }
        if self.site.look_wanted {
            return Some(Box::new(Look::new(&mut self.site)));
        }
        if self.site.users_wanted {
            return Some(Box::new(ReadUsers::new(&mut self.site)));
        }
        if is_due(self.schedule.renew_at, now) {
            self.schedule.renew_at = Some(now + RENEW);
            return Some(Box::<Renew>::default());
        }
        if is_due(self.schedule.poll_at, now) {
            self.schedule.poll_at = None;
            return Some(Box::new(Poll::new(&mut self.schedule.round, &self.site)));
        }
        None
    }

    /// The session's own job came to its end.
    pub(super) fn own_done(&mut self, now: Instant) {
        self.schedule.begun = true;
        let pause = if self.is_strained() { POLL_STRAINED } else { POLL };
        self.schedule.poll_at = Some(now + pause);
        self.schedule.renew_at.get_or_insert(now + RENEW);
    }
}
