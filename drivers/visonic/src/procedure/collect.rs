//! The whole state: A2 (or AB 06, which also takes up a link that was silent) brings the parts of A5; a PowerMaster is
//! asked over B0 as well, which alone tells partitions apart and knows more than 32 zones.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::error::SessionError;
use crate::message::{B0, B0Content, B0Error, HostMessage, PanelMessage, Restart, sub};
use crate::model::Family;
use crate::quirks::{B0_BUSY, B0_TRIES, PART, STUCK, STUCK_PAUSE};
use crate::session::{Answer, Site};

use super::{Next, Procedure};

/// Parts of A5 that say something.
const PARTS: [u8; 5] = [1, 2, 3, 4, 6];
/// Asks for all of them, bit n-1 for part n.
const MASK: u8 = 0x3F;
/// Sub-types of B0 that every PowerMaster is asked for.
const SUBS: [u8; 4] = [sub::ENROLLED, sub::PANEL_STATE, sub::OPEN, sub::BYPASS];
/// Zones beyond the 32 of A5.
const MANY_ZONES: [u8; 2] = [sub::TRIGGERED, sub::TAMPERED];
/// Times that a panel is asked which acknowledges and then tells nothing.
const TRIES: u8 = 3;
const AGAIN: Duration = Duration::from_secs(1);

/// What this panel is asked for over B0.
fn subs(site: &Site) -> Vec<u8> {
    let zones = site.tracker.has_many_zones().then_some(MANY_ZONES);
    let log = site.tracker.needs_log().then_some(sub::LEGACY_LOG);
    SUBS.into_iter().chain(zones.into_iter().flatten()).chain(log).collect()
}

/// How the panel is made to tell its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// A2.
    Ask,
    /// AB 06.
    Restore,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Ask,
    Parts {
        until: Instant,
    },
    AskB0,
    Subs {
        until: Instant,
    },
    Judge,
    /// Waiting before it is asked again.
    Pause {
        until: Instant,
    },
    /// The panel says that it is downloading: told once more that it is over.
    Leave {
        at: Instant,
    },
}

/// One round of questions; over when the state is known.
#[derive(Debug)]
pub(crate) struct Collect {
    how: How,
    stage: Stage,
    parts: BTreeSet<u8>,
    subs: BTreeSet<u8>,
    tries: u8,
    busy: u8,
    stuck_since: Option<Instant>,
}

impl Collect {
    pub(crate) fn new(how: How) -> Self {
        Self {
            how,
            stage: Stage::Ask,
            parts: BTreeSet::new(),
            subs: BTreeSet::new(),
            tries: 0,
            busy: 0,
            stuck_since: None,
        }
    }

    fn again(&mut self, now: Instant) -> Stage {
        self.parts.clear();
        self.subs.clear();
        Stage::Pause { until: now + AGAIN }
    }

    fn judge(&mut self, now: Instant, site: &Site) -> Result<Stage, Next> {
        if site.tracker.is_downloading() {
            let since = *self.stuck_since.get_or_insert(now);
            if now >= since + STUCK {
                return Err(Next::Failed(SessionError::StuckInDownload));
            }
            self.parts.clear();
            self.subs.clear();
            return Ok(Stage::Leave { at: if since == now { now } else { now + STUCK_PAUSE } });
        }
        let seen = site.tracker.is_known();
        let whole = PARTS.iter().all(|part| self.parts.contains(part));
        if seen && whole {
            return Err(Next::Done);
        }
        self.tries += 1;
        if self.tries < TRIES {
            return Ok(self.again(now));
        }
        // Some parts are missing for good; what arming is, is known.
        Err(if seen { Next::Done } else { Next::Failed(SessionError::NoStatus) })
    }
}

impl Procedure for Collect {
    fn next(&mut self, now: Instant, site: &mut Site) -> Next {
        loop {
            let master = site.model.family == Family::PowerMaster;
            match self.stage {
                Stage::Ask => {
                    return Next::Send(match self.how {
                        How::Ask => HostMessage::GetStatus(MASK),
                        How::Restore => HostMessage::Restart(Restart::Link),
                    });
                }
                Stage::Parts { until } => {
                    if now < until && !PARTS.iter().all(|part| self.parts.contains(part)) {
                        return Next::Wait(until);
                    }
                    self.stage = if master { Stage::AskB0 } else { Stage::Judge };
                }
                Stage::AskB0 => return Next::Send(HostMessage::B0(B0::request_several(&subs(site)))),
                Stage::Subs { until } => {
                    if now < until && !subs(site).iter().all(|sub| self.subs.contains(sub)) {
                        return Next::Wait(until);
                    }
                    self.stage = Stage::Judge;
                }
                Stage::Judge => match self.judge(now, site) {
                    Ok(stage) => self.stage = stage,
                    Err(end) => return end,
                },
                Stage::Pause { until } if now < until => return Next::Wait(until),
                Stage::Pause { .. } => self.stage = if self.busy > 0 && master { Stage::AskB0 } else { Stage::Ask },
                Stage::Leave { at } if now < at => return Next::Wait(at),
                Stage::Leave { .. } => return Next::Send(HostMessage::ExitDownload),
            }
        }
    }

    fn settled(&mut self, now: Instant, answer: Answer, _site: &mut Site) {
        let taken = answer == Answer::Taken;
        self.stage = match self.stage {
            Stage::Leave { .. } => Stage::Ask,
            Stage::Ask if taken => Stage::Parts { until: now + PART },
            Stage::AskB0 if taken => Stage::Subs { until: now + PART },
            // The panel was busy, and said so before it acknowledged.
            stage @ Stage::Pause { .. } => stage,
            _ => Stage::Judge,
        };
        self.how = How::Ask;
    }

    fn heard(&mut self, now: Instant, message: &PanelMessage, _site: &mut Site) {
        match message {
            PanelMessage::Status { part, .. } => {
                self.parts.insert(*part);
                if let Stage::Parts { until } | Stage::Subs { until } = &mut self.stage {
                    *until = now + PART;
                }
            }
            PanelMessage::B0(b0) => {
                self.subs.insert(b0.sub);
                if let Ok(B0Content::Errors(errors)) = b0.content() {
                    let busy = errors.iter().any(|error| error.code == B0Error::BUSY);
                    if busy && self.busy < B0_TRIES {
                        self.busy += 1;
                        self.stage = Stage::Pause { until: now + B0_BUSY };
                        return;
                    }
                    self.subs.extend(errors.iter().map(|error| error.sub));
                }
                if let Stage::Subs { until } = &mut self.stage {
                    *until = now + PART;
                }
            }
            _ => {}
        }
    }

    fn asks_for_status(&self) -> bool {
        true
    }
}
