//! Users and installer codes of a PowerMaster out of its settings (B0 35), without download mode.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use panel_driver::Outcome;
use panel_model::Evidence;
use zeroize::Zeroizing;

use crate::eeprom::codes;
use crate::message::{B0, B0Content, B0Error, B0Kind, HostMessage, PanelMessage, setting};
use crate::quirks::{B0_BUSY, B0_TRIES};
use crate::session::{Answer, Site};

use super::{Goal, Next, Procedure, installer_outcome};

/// All settings that were asked for come within.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
enum Stage {
    Ask,
    Answers { until: Instant },
    Busy { until: Instant },
    Over,
}

/// Reads settings for some goals. What cannot be had so is left in [`Site::for_memory`].
#[derive(Debug)]
pub(crate) struct Settings {
    goals: Vec<Goal>,
    stage: Stage,
    found: BTreeMap<u16, Found>,
    refused: bool,
    busy: u8,
}

#[derive(Default)]
struct Found {
    data: Zeroizing<Vec<u8>>,
    whole: bool,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Found(..)")
    }
}

impl Settings {
    pub(crate) fn new(goals: Vec<Goal>) -> Self {
        Self { goals, stage: Stage::Ask, found: BTreeMap::new(), refused: false, busy: 0 }
    }

    fn wanted(&self) -> Vec<u16> {
        let users = self.goals.iter().any(|goal| matches!(goal, Goal::Users(_)));
        let installer = self.goals.iter().any(|goal| matches!(goal, Goal::Installer(..)));
        let users = users.then_some([setting::USER_CODES, setting::USER_PARTITIONS]);
        let installer = installer.then_some([setting::INSTALLER_CODE, setting::MASTER_INSTALLER_CODE]);
        users.into_iter().chain(installer).flatten().collect()
    }

    fn is_complete(&self) -> bool {
        self.refused || self.wanted().iter().all(|id| self.found.get(id).is_some_and(|found| found.whole))
    }

    fn whole(&self, id: u16) -> Option<&[u8]> {
        self.found.get(&id).filter(|found| found.whole).map(|found| &found.data[..])
    }

    fn finish(&mut self, site: &mut Site) {
        self.stage = Stage::Over;
        for goal in std::mem::take(&mut self.goals) {
            let outcome = match &goal {
                Goal::Users(_) => self.users(site),
                Goal::Installer(_, code) => {
                    let ids = [setting::INSTALLER_CODE, setting::MASTER_INSTALLER_CODE];
                    let slots: Vec<_> = ids.iter().filter_map(|id| self.whole(*id)).flat_map(codes).collect();
                    (!slots.is_empty()).then(|| installer_outcome(&slots, code))
                }
                Goal::Setup | Goal::Labels(_) | Goal::Clock(..) => None,
            };
            match (outcome, goal.id()) {
                (Some(outcome), Some(id)) => site.done(id, outcome),
                (Some(_), None) => {}
                (None, _) => site.for_memory.push(goal),
            }
        }
    }

    fn users(&self, site: &mut Site) -> Option<Outcome> {
        let users = usize::from(site.model.users);
        let table = codes(self.whole(setting::USER_CODES)?);
        if table.len() < users {
            return None;
        }
        let masks = self.whole(setting::USER_PARTITIONS).filter(|masks| masks.len() >= users);
        site.tell_users(&table, masks);
        Some(Outcome::Applied(Evidence::ReadBack))
    }
}

impl Procedure for Settings {
    fn next(&mut self, now: Instant, site: &mut Site) -> Next {
        match self.stage {
            Stage::Ask => return Next::Send(HostMessage::B0(B0::request_settings(&self.wanted()))),
            Stage::Answers { until } if now < until && !self.is_complete() => return Next::Wait(until),
            Stage::Answers { .. } => self.finish(site),
            Stage::Busy { until } if now < until => return Next::Wait(until),
            Stage::Busy { .. } => {
                self.stage = Stage::Ask;
                return self.next(now, site);
            }
            Stage::Over => {}
        }
        Next::Done
    }

    fn settled(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        match answer {
            Answer::Taken if matches!(self.stage, Stage::Ask) => self.stage = Stage::Answers { until: now + PATIENCE },
            Answer::Taken => {}
            Answer::Denied | Answer::Lost => self.finish(site),
        }
    }

    fn heard(&mut self, now: Instant, message: &PanelMessage, _site: &mut Site) {
        let PanelMessage::B0(b0) = message else { return };
        match b0.content() {
            Ok(B0Content::Settings(settings)) => {
                let wanted = self.wanted();
                for told in settings.into_iter().filter(|told| wanted.contains(&told.id)) {
                    let found = self.found.entry(told.id).or_default();
                    if found.whole {
                        *found = Found::default();
                    }
                    found.data.extend_from_slice(&told.data);
                    found.whole = b0.kind == B0Kind::Response;
                }
            }
            Ok(B0Content::Errors(errors)) => {
                let busy = errors.iter().any(|error| error.code == B0Error::BUSY);
                if busy && self.busy < B0_TRIES {
                    self.busy += 1;
                    self.stage = Stage::Busy { until: now + B0_BUSY };
                } else if errors.iter().any(|error| error.sub == crate::message::sub::SETTINGS) {
                    self.refused = true;
                }
            }
            _ => {}
        }
    }

    fn abandon(&mut self, site: &mut Site) {
        for id in self.goals.iter().filter_map(Goal::id) {
            site.done(id, Outcome::interrupted());
        }
    }
}
