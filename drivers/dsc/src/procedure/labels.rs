//! Reads the labels of zones and partitions over an IT-100: 002, then up to 107 times 570 [impl J100].

use std::time::Instant;

use panel_driver::{CommandId, DriverEvent, Outcome};
use panel_model::{Evidence, PanelError};

use super::{Interruption, Procedure, Standing};
use crate::map::{LabelOwner, label_owner, map_label};
use crate::message::{ModuleCommand, ModuleMessage};
use crate::quirks::LABELS_QUIET;
use crate::session::{Answer, Site};

#[derive(Debug)]
pub(crate) struct Labels {
    /// `None`: nobody asked, they are read once per connection.
    id: Option<CommandId>,
    sent: bool,
    seen: u32,
    until: Option<Instant>,
    outcome: Option<Outcome>,
    interrupted: bool,
}

impl Labels {
    pub(crate) fn new(id: Option<CommandId>) -> Self {
        Self { id, sent: false, seen: 0, until: None, outcome: None, interrupted: false }
    }
}

impl Procedure for Labels {
    fn observe(&mut self, now: Instant, message: &ModuleMessage, site: &mut Site) {
        let ModuleMessage::Label { number, text } = message else { return };
        self.seen += 1;
        self.until = Some(now + LABELS_QUIET);
        let Some(label) = map_label(text) else { return };
        match label_owner(*number) {
            Some(LabelOwner::Zone(zone)) if zone.number() <= site.config.zones => {
                site.event(DriverEvent::ZoneLabel(zone, label));
            }
            Some(LabelOwner::Partition(partition)) if site.config.partitions.contains(partition) => {
                site.event(DriverEvent::PartitionLabel(partition, label));
            }
            _ => {}
        }
    }

    fn next(&mut self, _now: Instant, _site: &mut Site) -> Option<ModuleCommand> {
        (!std::mem::replace(&mut self.sent, true)).then_some(ModuleCommand::Labels)
    }

    fn settled(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        match answer {
            Answer::Taken => self.until = Some(now + LABELS_QUIET),
            Answer::Refused(code) => {
                site.module_refused(now, code);
                self.outcome = Some(code.outcome());
            }
            Answer::Lost => {
                let text = "the module did not answer";
                self.outcome = Some(Outcome::Failed(PanelError::passing("timeout", text)));
            }
        }
    }

    fn advance(&mut self, now: Instant, site: &mut Site) -> Standing {
        if self.outcome.is_none() && self.until.is_some_and(|at| now >= at) {
            self.outcome = Some(match self.seen {
                0 => Outcome::Failed(PanelError::passing("no_reaction", "the module sent no labels")),
                _ => Outcome::Applied(Evidence::ReadBack),
            });
        }
        let Some(outcome) = self.outcome.take() else { return Standing::Running };
        site.labels_read |= !self.interrupted;
        if let Some(id) = self.id {
            site.done(id, outcome);
        }
        Standing::Finished
    }

    fn wake(&self, _now: Instant, _site: &Site) -> Option<Instant> {
        self.until
    }

    fn interrupt(&mut self, why: Interruption) {
        if why != Interruption::Emergency {
            self.interrupted = true;
            self.outcome = Some(why.outcome(false));
        }
    }

    fn abandon(&mut self, site: &mut Site) {
        if let Some(id) = self.id {
            site.done(id, self.outcome.take().unwrap_or_else(Outcome::interrupted));
        }
    }
}
