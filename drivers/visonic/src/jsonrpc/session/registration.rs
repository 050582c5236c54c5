//! Who is registered at the module: the session's own registering, and what it does about other clients.

use std::time::Instant;

use panel_driver::DriverError;
use panel_model::{EventKind, PanelEvent};

use crate::jsonrpc::call::Call;
use crate::jsonrpc::error::{CallError, displaced};
use crate::jsonrpc::job::{Answer, not_taken_any_more, registration};
use crate::jsonrpc::quirks::{DUEL, STAND_BACK};

use super::{InFlight, JsonRpcSession};

/// Who is registered at the module.
#[derive(Debug, Default)]
pub(super) struct Registration {
    at: Option<Instant>,
    /// Something was answered since.
    pub(super) served: bool,
    /// A call that was refused for want of a registration, to be made again.
    again: Option<(usize, Call)>,
    /// Somebody else is: nothing is asked until then.
    pub(super) stand_back: Option<Instant>,
    /// Times in a row that it was so.
    lost: u32,
}

impl JsonRpcSession {
    /// Registers again after another client was left the module for a while.
    pub(super) fn register(&mut self, now: Instant) -> bool {
        if self.flight.is_some() || self.is_stopping() || self.registration.stand_back.is_none_or(|until| now < until) {
            return false;
        }
        self.registration.stand_back = None;
        match registration(&self.site) {
            Ok(call) => self.send(now, call, None),
            Err(error) => self.end(error),
        }
        true
    }

    /// The module asks for a registration: ours ran out, or somebody else has taken its place.
    pub(super) fn not_registered(&mut self, now: Instant, flight: InFlight) {
        let fresh = self.registration.at.is_some_and(|at| now.saturating_duration_since(at) < DUEL);
        let again = flight.lane.map(|lane| (lane, flight.call));
        if !fresh && again.is_some() {
            self.registration.lost = 0;
            match registration(&self.site) {
                Ok(call) => {
                    self.registration.again = again;
                    self.send(now, call, None);
                }
                Err(error) => self.end(error),
            }
            return;
        }
        // A registration that never helped named another address than the module sees us under: ours may be a new one,
        // which the next connection knows.
        if !self.site.online || !self.registration.served {
            return self.end(DriverError::Occupied);
        }
        self.stand_back(now, again);
    }

    /// Two clients that take the place from each other get nothing done, neither of them.
    fn stand_back(&mut self, now: Instant, again: Option<(usize, Call)>) {
        let (first, longest) = STAND_BACK;
        let wait = first.saturating_mul(1_u32.checked_shl(self.registration.lost).unwrap_or(u32::MAX)).min(longest);
        self.registration.lost = self.registration.lost.saturating_add(1);
        self.registration.stand_back = Some(now + wait);
        let text = "another client registers at the PowerLink module and takes the box's place; keep it away, or find \
                    out who it is";
        self.site.happened([PanelEvent::new(EventKind::PanelNeedsInstaller).text(text)]);
        (self.site.in_doubt, self.site.look_wanted) = (true, true);
        if let Some((lane, _)) = again {
            self.with_job(lane, |job, site| job.answered(now, Err(CallError::NotRegistered), site));
        }
        self.abandon_jobs();
        self.refuse_waiting(&displaced());
    }

    /// The module says that it registered us.
    pub(super) fn took_us(&mut self, now: Instant) {
        (self.registration.at, self.registration.served) = (Some(now), false);
    }

    /// An answer to the session's own registration.
    pub(super) fn registered(&mut self, now: Instant, answer: Answer) {
        let again = self.registration.again.take();
        match answer {
            Ok(_) => {}
            Err(CallError::WrongCode) => {
                return self.end(not_taken_any_more());
            }
            Err(error) => {
                return self.end(DriverError::Unresponsive(format!("the module does not register us: {error}")));
            }
        }
        self.took_us(now);
        if let Some((lane, call)) = again {
            self.send(now, call, Some(lane));
        }
    }
}
