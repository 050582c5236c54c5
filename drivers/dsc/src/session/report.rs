//! Reports: 001, its answer, the snapshot that comes of it, and what it proves.

use std::time::Instant;

use panel_driver::{DriverEvent, Outcome};
use panel_model::{Evidence, PanelState};

use super::collect::Collect;
use super::exchange::Answer;
use super::{DscSession, Menus, Owner, REPORT_AGAIN};
use crate::message::ErrorCode;
use crate::procedure::screens::ScreenKind;
use crate::quirks::{RECOVER_AGAIN, REPORT_PAUSE};

impl DscSession {
    pub(super) fn report_is_due(&self, now: Instant) -> bool {
        let paused = self.last_report.is_some_and(|at| now < at + REPORT_PAUSE);
        let asked = !self.report_for.is_empty();
        let held_back = self.report_at.is_some_and(|at| now < at);
        !held_back && (asked || (self.site.report_wanted && !paused))
    }

    pub(super) fn report_settled(&mut self, now: Instant, answer: Answer) {
        match answer {
            Answer::Taken => {}
            Answer::Refused(code) => {
                for id in std::mem::take(&mut self.report_for) {
                    self.site.done(id, code.outcome());
                }
                let collect = self.collect.take();
                if let Some(collect) = collect.filter(|_| code == ErrorCode::KEYBUS_DOWN && !self.online) {
                    // There is nothing to report but that.
                    self.snapshot(now, collect.finish());
                }
                self.site.module_refused(now, code);
                self.site.report_wanted = true;
                self.report_at = Some(now + REPORT_AGAIN);
            }
            Answer::Lost => {
                self.collect = None;
                self.site.report_wanted = true;
                self.report_at = Some(now);
            }
        }
    }

    pub(super) fn finish_report(&mut self, now: Instant) -> bool {
        let over = self.collect.as_ref().and_then(Collect::ends_at).is_some_and(|at| now >= at);
        if self.report_unsent || !over {
            return false;
        }
        // The answer is over only if the command is.
        if self.owner == Owner::Report && !self.exchange.is_free() {
            return false;
        }
        if self.collect.as_ref().is_some_and(Collect::is_to_be_asked_again) {
            self.report_unsent = true;
            return true;
        }
        let Some(collect) = self.collect.take() else { return false };
        let doubtful = collect.is_doubtful();
        self.snapshot(now, collect.finish());
        self.site.report_wanted |= doubtful;
        self.check_residue(now);
        true
    }

    fn snapshot(&mut self, now: Instant, state: PanelState) {
        self.site.report_wanted = false;
        self.report_at = None;
        self.last_report = Some(now);
        self.site.tracker.adopt(state.clone());
        self.site.event(DriverEvent::Snapshot(Box::new(state)));
        if !std::mem::replace(&mut self.online, true) {
            if let Some(text) = self.firmware.clone() {
                self.site.event(DriverEvent::Firmware(text));
            }
            for message in std::mem::take(&mut self.held) {
                self.live(now, &message);
            }
        }
        for id in std::mem::take(&mut self.report_for) {
            self.site.done(id, Outcome::Applied(Evidence::ReadBack));
        }
    }

    /// After a report: does it prove that the menu of an earlier visit is closed?
    fn check_residue(&mut self, now: Instant) {
        if !self.site.residue || self.menus() == Menus::Ours {
            return;
        }
        let first = self.site.tracker.state().partitions.iter().find(|(p, _)| p.number() == 1);
        let busy = first.is_none_or(|(_, known)| known.busy);
        let in_menu = self.site.view.programming()
            || !matches!(self.site.view.screen(now), ScreenKind::Resting | ScreenKind::Other);
        if busy || in_menu {
            self.recover_at = Some(now + RECOVER_AGAIN);
        } else {
            self.site.clear_residue();
        }
    }
}
