//! Setting the panel's clock, and reading it back.

use std::time::Instant;

use panel_driver::{CivilTime, CommandId, Outcome};
use panel_model::Evidence;

use crate::jsonrpc::call::Call;
use crate::jsonrpc::error::{CallError, not_shown};
use crate::jsonrpc::session::{Site, Use};

use super::{Answer, Job, Next};

/// The clock may have gone on so far until it is read.
const LATE: u32 = 90;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Set,
    Read,
    Over,
}

/// One command under way.
#[derive(Debug)]
pub(crate) struct SetClock {
    id: CommandId,
    time: String,
    stage: Stage,
    outcome: Option<Outcome>,
}

impl SetClock {
    pub(crate) fn new(id: CommandId, time: CivilTime) -> Self {
        let CivilTime { year, month, day, hour, minute, second } = time;
        let time = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}");
        Self { id, time, stage: Stage::Set, outcome: None }
    }

    fn shows(&self, shown: &str) -> bool {
        let split = |text: &str| Some((text.get(..8)?.to_owned(), seconds(text.get(8..14)?)?));
        match (split(&self.time), split(shown)) {
            (Some((day, set)), Some((same, now))) => day == same && (set..=set + LATE).contains(&now),
            _ => false,
        }
    }
}

/// Seconds of the day out of HHMMSS.
fn seconds(text: &str) -> Option<u32> {
    let part = |at: usize| text.get(at..at + 2)?.parse::<u32>().ok();
    Some(part(0)? * 3600 + part(2)? * 60 + part(4)?)
}

impl Job for SetClock {
    fn next(&mut self, _now: Instant, site: &mut Site) -> Next {
        match (self.stage, site.code_for(Use::Clock)) {
            (Stage::Set, Ok(code)) => return Next::Call(Call::SetDateTime { code, time: self.time.clone() }),
            (Stage::Set, Err(outcome)) => self.outcome = Some(outcome),
            (Stage::Read, _) => return Next::Call(Call::GetDateTime),
            (Stage::Over, _) => {}
        }
        site.done(self.id, self.outcome.take().unwrap_or_else(Outcome::interrupted));
        Next::Done
    }

    fn answered(&mut self, _now: Instant, answer: Answer, site: &mut Site) {
        if matches!(answer, Err(CallError::WrongCode)) {
            site.refused(Use::Clock);
        }
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        match (stage, answer) {
            (Stage::Set, Ok(_)) => self.stage = Stage::Read,
            (Stage::Read, Ok(value)) => {
                let shown = value.as_str().is_some_and(|shown| self.shows(shown));
                let applied = Outcome::Applied(Evidence::ReadBack);
                self.outcome = Some(if shown { applied } else { not_shown("its clock shows another time") });
            }
            (_, Err(error)) => self.outcome = Some(error.outcome()),
            (Stage::Over, Ok(_)) => {}
        }
    }

    fn abandon(&mut self, site: &mut Site) {
        site.done(self.id, Outcome::interrupted());
    }
}

#[cfg(test)]
mod tests {
    use panel_driver::CommandId;

    use super::*;

    #[test]
    fn a_clock_may_have_gone_on_for_a_moment() {
        let time = CivilTime { year: 2026, month: 3, day: 14, hour: 8, minute: 59, second: 50 };
        let job = SetClock::new(CommandId(1), time);
        let rows =
            [("20260314085950", true), ("20260314090010", true), ("20260314090200", false), ("20260314085949", false)];
        for (shown, good) in rows.into_iter().chain([("20260315085950", false), ("", false), ("2026031408", false)]) {
            assert_eq!(job.shows(shown), good, "{shown}");
        }
    }
}
