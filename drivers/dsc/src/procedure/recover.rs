//! Leaves whatever an earlier run may have left open: `#` twice, two seconds apart, before anything else.

use std::time::Instant;

use super::expect::Expect;
use super::step::{Entry, Step, Stepper};
use super::{Interruption, Procedure, Standing};
use crate::message::{ErrorCode, Key, ModuleCommand, Transport};
use crate::quirks::LEAVE;
use crate::session::{Answer, Site};

#[derive(Debug)]
pub(crate) struct Recover {
    stepper: Stepper,
    left: Vec<Step>,
}

impl Recover {
    pub(crate) fn new(site: &Site) -> Self {
        let mut left = vec![Step::keys("#", Expect::Nothing, LEAVE), Step::keys("#", Expect::Nothing, LEAVE)];
        if site.transport == Transport::It100 {
            // A key that was pressed when the line broke is still held down.
            let release = Entry::Command(ModuleCommand::Key(Key::RELEASE));
            left.push(Step { entry: release, expect: Expect::Nothing, within: std::time::Duration::ZERO });
        }
        Self { stepper: Stepper::new(site.transport), left }
    }
}

impl Procedure for Recover {
    fn next(&mut self, now: Instant, site: &mut Site) -> Option<ModuleCommand> {
        self.stepper.next(now).or_else(|| {
            let idle = !self.stepper.is_typing() && !self.stepper.is_running();
            let step = if idle { self.left.pop()? } else { return None };
            self.stepper.begin(step, &mut site.view);
            self.stepper.next(now)
        })
    }

    fn settled(&mut self, now: Instant, answer: Answer, _site: &mut Site) {
        self.stepper.settled(now, answer);
    }

    fn late_refusal(&mut self, _now: Instant, code: ErrorCode, _site: &mut Site) {
        self.stepper.late_refusal(code);
    }

    fn advance(&mut self, now: Instant, site: &mut Site) -> Standing {
        // Whatever becomes of a key, the next one is pressed: the report will show where that led to.
        let _ = self.stepper.judge(now, &site.view);
        if self.left.is_empty() && !self.stepper.is_running() && !self.stepper.is_typing() {
            site.report_wanted = true;
            return Standing::Finished;
        }
        Standing::Running
    }

    fn wake(&self, now: Instant, site: &Site) -> Option<Instant> {
        self.stepper.wake(now, &site.view)
    }

    fn interrupt(&mut self, why: Interruption) {
        if why == Interruption::Shutdown {
            self.left.clear();
            self.stepper.stop();
        }
    }

    fn in_menu(&self) -> bool {
        true
    }
}
