//! Clocks of the link: keep-alives both ways, the watchdog, the round of questions, enrolment.

use std::time::Instant;

use crate::model::Enrolment;
use crate::quirks::{ENROL_AGAIN, ENROL_REFUSALS, POLL, REQUEST_PAUSE, RESTORES, SYNC, Timing, WATCHDOG};

use super::Site;

/// What the watchdog says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bark {
    /// Take the link up again.
    Restore,
    /// The panel does not keep us as its PowerLink any more.
    GiveUp,
}

/// The link's clocks.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    /// The running procedure waits until then.
    pub(super) procedure_at: Option<Instant>,
    /// The pause in the middle of a frame was looked at.
    pub(super) paused: bool,
    /// Something was heard last.
    heard_at: Option<Instant>,
    /// The panel's last keep-alive, or the last try to get one.
    kept_at: Option<Instant>,
    restores: u8,
    alive_at: Option<Instant>,
    sync_at: Option<Instant>,
    enrol_at: Option<Instant>,
    /// When the panel refused our enrolment last, and how often since it took one.
    refused_at: Option<Instant>,
    refusals: u8,
}

impl Keeper {
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard_at = Some(now);
    }

    /// Whether nothing at all was heard for as long as the watchdog waits.
    pub(super) fn was_deaf(&self, now: Instant) -> bool {
        self.heard_at.is_none_or(|at| now >= at + WATCHDOG)
    }

    /// The panel's keep-alive: it has us as its PowerLink.
    pub(super) fn kept(&mut self, now: Instant, site: &mut Site) {
        (self.kept_at, self.restores) = (Some(now), 0);
        if !std::mem::replace(&mut site.enrolled, true) {
            self.alive_at = Some(now + Timing::of(site.model.family).alive);
        }
    }

    /// A command went out: the panel knows that we are here.
    pub(super) fn sent(&mut self, now: Instant, site: &Site) {
        self.alive_at = Some(now + Timing::of(site.model.family).alive);
    }

    pub(super) fn enrolled(&mut self, now: Instant) {
        (self.kept_at, self.restores, self.enrol_at) = (Some(now), 0, None);
        (self.refused_at, self.refusals) = (None, 0);
    }

    pub(super) fn enrol_from(&mut self, at: Instant) {
        self.enrol_at = Some(at);
    }

    pub(super) fn enrol_later(&mut self, now: Instant) {
        self.enrol_at = Some(now + ENROL_AGAIN);
    }

    /// A try that was lost is made again later. One that was refused as well, but not for ever: the code is wrong.
    pub(super) fn not_enrolled(&mut self, now: Instant, refused: bool) {
        if refused {
            self.refused_at = Some(now);
            self.refusals = self.refusals.saturating_add(1);
        }
        self.enrol_at = (self.refusals < ENROL_REFUSALS).then_some(now + ENROL_AGAIN);
    }

    /// Whether a request to be enrolled is answered: not in a circle with a panel that refuses what it asks for.
    pub(super) fn may_answer_request(&self, now: Instant) -> bool {
        self.refused_at.is_none_or(|at| now >= at + REQUEST_PAUSE)
    }

    pub(super) fn synced(&mut self, now: Instant, site: &Site) {
        self.sync_at = Some(now + if site.enrolled { SYNC } else { POLL });
    }

    pub(super) fn is_alive_due(&self, now: Instant, site: &Site) -> bool {
        site.enrolled && self.alive_at.is_some_and(|at| now >= at)
    }

    pub(super) fn is_sync_due(&self, now: Instant) -> bool {
        self.sync_at.is_some_and(|at| now >= at)
    }

    pub(super) fn is_enrolment_due(&self, now: Instant, site: &Site) -> bool {
        may_enrol(site) && self.enrol_at.is_some_and(|at| now >= at)
    }

    /// The panel's keep-alives stopped.
    pub(super) fn bark(&mut self, now: Instant, site: &mut Site) -> Option<Bark> {
        if !site.enrolled || self.kept_at.is_none_or(|at| now < at + WATCHDOG) {
            return None;
        }
        self.kept_at = Some(now);
        self.restores += 1;
        if self.restores <= RESTORES {
            return Some(Bark::Restore);
        }
        site.enrolled = false;
        self.enrol_later(now);
        Some(Bark::GiveUp)
    }

    /// When the next clock is due, while nothing else goes on. One that was due and could not be served, such as an
    /// enrolment that waits for a disarming, hides no other.
    pub(super) fn wake(&self, now: Instant, site: &Site) -> Option<Instant> {
        let watchdog = self.kept_at.filter(|_| site.enrolled).map(|at| at + WATCHDOG);
        let alive = self.alive_at.filter(|_| site.enrolled);
        let enrol = self.enrol_at.filter(|_| may_enrol(site));
        [watchdog, alive, enrol, self.sync_at].into_iter().flatten().filter(|at| *at > now).min()
    }
}

/// We begin enrolment only where the panel takes it by command, and not before its code was tried.
fn may_enrol(site: &Site) -> bool {
    let tried = site.access != super::Access::Unknown;
    !site.enrolled && tried && site.model.enrolment == Enrolment::Automatic
}
