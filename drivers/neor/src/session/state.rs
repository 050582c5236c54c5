//! Notifications and reports on their way to the owner: what was queued, what is live, what a comparison shows.

use std::time::Instant;

use panel_driver::{DriverEvent, Outcome};
use panel_model::{Evidence, PanelError, PanelState};

use super::track::is_alarm_like;
use super::{NeorSession, quiet_until};
use crate::error::SessionError;
use crate::message::{Lead, Notice, Via};
use crate::procedure::report::Extent;
use crate::quirks::{HELD, LEAD_IN, RECONCILE, RECONCILE_SOON};

/// A comparison that something changed meanwhile is thrown away so often.
const SPOILT: u8 = 5;

impl NeorSession {
    pub(super) fn notice(&mut self, now: Instant, notice: Notice) {
        match &notice {
            Notice::EndSession => return self.end(SessionError::EndedByPanel.into()),
            Notice::Poll | Notice::CommandError { .. } => return,
            Notice::Unknown { .. } => self.line.counters.unknown += 1,
            _ => {}
        }
        if let (Some(_), Some(connected)) = (self.quiet_at, self.connected) {
            self.quiet_at = Some(quiet_until(now, connected));
        }
        if !self.online {
            return self.hold(notice);
        }
        self.observe(now, &notice, false);
        self.late_lead_in(now, &notice);
        if let Some(procedure) = &mut self.procedure {
            procedure.heard(now, &notice, &mut self.site);
            self.procedure_at = None;
        }
    }

    /// A mode that opens when our visit is over already: its answer was lost, or came late.
    fn late_lead_in(&mut self, now: Instant, notice: &Notice) {
        let Notice::ProgrammingLead(lead) = notice else { return };
        let ours = lead.lead == Lead::In && lead.via == Via::Interactive;
        let recent = self.visited_at.is_some_and(|at| now < at + LEAD_IN);
        if ours && recent && !self.procedure.as_ref().is_some_and(|p| p.in_programming()) {
            self.site.mode_opened();
        }
    }

    /// Before the first snapshot nothing can be told. What came before the panel fell quiet was queued there.
    fn hold(&mut self, notice: Notice) {
        if self.held.len() >= HELD {
            // Alarms are kept for longest.
            let least = self.held.iter().position(|(held, _)| !is_alarm_like(held)).unwrap_or(0);
            self.held.remove(least);
        }
        self.held.push_back((notice, self.quiet_at.is_some()));
    }

    fn observe(&mut self, now: Instant, notice: &Notice, replayed: bool) {
        let open = self.procedure.as_ref().is_some_and(|p| p.in_programming());
        // The lead-out comes when the visit is over.
        let ours = open || self.visited_at.is_some_and(|at| now < at + LEAD_IN);
        let form = self.site.config.quirks.partition_form;
        let code_length = match notice {
            Notice::CodeLength(digits) => Some(*digits),
            _ => None,
        };
        let heard = self.site.tracker.observe(now, notice, ours, form);
        if self.site.heard(heard, replayed) {
            self.report_soon(now);
        }
        if let Some(digits) = code_length.filter(|digits| *digits != self.site.size.code_length) {
            // The panel re-maps its codes: nothing of what is known of them holds [inferred].
            self.site.told_code_length(digits);
            self.site.tell_capabilities();
            self.site.event(DriverEvent::UsersStale);
        }
    }

    /// Answers that show the state of something are observed like notifications.
    pub(super) fn observe_answers(&mut self, now: Instant) {
        for notice in std::mem::take(&mut self.site.observed) {
            self.observe(now, &notice, false);
        }
    }

    fn report_soon(&mut self, now: Instant) {
        let soon = now + RECONCILE_SOON;
        self.report_at = Some(self.report_at.map_or(soon, |at| at.min(soon)));
    }

    /// 0501 code 4: there is nobody behind the communicator.
    pub(super) fn panel_is_silent(&mut self, now: Instant) {
        if self.online && !self.panel_silent {
            let events = self.site.tracker.panel_link(true);
            self.site.happened(events);
            self.report_soon(now);
        }
        self.panel_silent = true;
    }

    /// What a report brought.
    pub(super) fn take_report(&mut self, now: Instant) -> bool {
        let Some(reported) = self.site.reported.take() else { return false };
        let Some(state) = reported.state else {
            self.report_failed(now);
            return true;
        };
        self.panel_silent = reported.panel_silent;
        self.report_at = Some(now + if reported.panel_silent { RECONCILE / 20 } else { RECONCILE });
        if reported.extent == Extent::First {
            self.site.tell_capabilities();
        }
        if !self.online {
            self.first_snapshot(now, state);
        } else if reported.extent == Extent::Again && self.is_spoilt(now) {
            return true;
        } else {
            self.compared(state, reported.extent);
        }
        let evidence = Evidence::ReadBack;
        for id in std::mem::take(&mut self.report_for) {
            self.site.done(id, Outcome::Applied(evidence));
        }
        true
    }

    fn is_spoilt(&mut self, now: Instant) -> bool {
        let spoilt = std::mem::take(&mut self.site.report_again) && self.reports_spoilt < SPOILT;
        if spoilt {
            self.reports_spoilt += 1;
            self.report_soon(now);
        } else {
            self.reports_spoilt = 0;
        }
        spoilt
    }

    fn report_failed(&mut self, now: Instant) {
        if !self.online {
            let error = self.handshake.known_reason();
            return self.end(error.unwrap_or_else(|| SessionError::NotAnswered.into()));
        }
        self.report_at = Some(now + RECONCILE / 10);
        let error = PanelError::passing("timeout", "the panel did not tell its state");
        for id in std::mem::take(&mut self.report_for) {
            self.site.done(id, Outcome::Failed(error.clone()));
        }
    }

    /// The snapshot, then what was queued at the panel, in order. What was lost on the way shows by a second one.
    fn first_snapshot(&mut self, now: Instant, state: PanelState) {
        self.online = true;
        self.site.tracker.adopt(state.clone());
        self.site.event(DriverEvent::Snapshot(Box::new(state.clone())));
        let live = self.held.iter().any(|(_, replayed)| !replayed);
        for (notice, replayed) in std::mem::take(&mut self.held) {
            self.observe(now, &notice, replayed);
        }
        if live {
            // They came while the picture was taken, which may show them or not.
            self.report_soon(now);
        } else if *self.site.tracker.state() != state {
            self.site.tracker.adopt(state.clone());
            self.site.event(DriverEvent::Snapshot(Box::new(state)));
        }
    }

    fn compared(&mut self, state: PanelState, extent: Extent) {
        let (events, differs) = self.site.tracker.compare(state);
        self.site.happened(events);
        if differs || extent == Extent::First || !self.report_for.is_empty() {
            let state = self.site.tracker.state().clone();
            self.site.event(DriverEvent::Snapshot(Box::new(state)));
        }
    }
}
