//! Becoming the panel's PowerLink: INIT where the panel takes it, its request, our code [doc F] [impl P4] [impl WW].

use std::time::Instant;

use crate::message::{HostMessage, PanelMessage, Restart};
use crate::quirks::ENROL_REQUEST;
use crate::session::{Answer, Site};

use super::{Interruption, Next, Procedure};

#[derive(Debug, Clone, Copy)]
enum Stage {
    Init,
    Request { until: Instant },
    Enrol,
    Over,
}

/// One try to enrol.
#[derive(Debug)]
pub(crate) struct Enrol {
    stage: Stage,
}

impl Enrol {
    /// `asked`: the panel wants it already, or it takes no INIT.
    pub(crate) fn new(asked: bool) -> Self {
        Self { stage: if asked { Stage::Enrol } else { Stage::Init } }
    }
}

impl Procedure for Enrol {
    fn next(&mut self, now: Instant, site: &mut Site) -> Next {
        match self.stage {
            Stage::Init => Next::Send(HostMessage::Restart(Restart::Enrolment)),
            Stage::Request { until } if now < until => Next::Wait(until),
            Stage::Request { .. } | Stage::Enrol => {
                self.stage = Stage::Enrol;
                site.enrol_asked = false;
                Next::Send(HostMessage::Enrol(site.download_code()))
            }
            Stage::Over => Next::Done,
        }
    }

    fn settled(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        self.stage = match self.stage {
            // A panel that takes no INIT may take the code all the same.
            Stage::Init if answer == Answer::Taken && !site.enrol_asked => {
                Stage::Request { until: now + ENROL_REQUEST }
            }
            Stage::Init => Stage::Enrol,
            Stage::Request { .. } | Stage::Enrol | Stage::Over => {
                site.enrolled |= answer == Answer::Taken;
                site.enrol_refused = answer == Answer::Denied;
                Stage::Over
            }
        };
    }

    fn heard(&mut self, now: Instant, message: &PanelMessage, _site: &mut Site) {
        if let (Stage::Request { until }, PanelMessage::EnrolRequest) = (&mut self.stage, message) {
            *until = now;
        }
    }

    fn interrupt(&mut self, _now: Instant, _why: Interruption) {
        if let Stage::Init | Stage::Request { .. } = self.stage {
            self.stage = Stage::Over;
        }
    }
}
