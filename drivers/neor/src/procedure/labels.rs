//! Labels of partitions and zones: readable without any code (dossier 3.6).

use std::collections::VecDeque;
use std::time::Instant;

use panel_driver::{CommandId, DriverEvent, Outcome};
use panel_model::{Evidence, Partition, Zone};

use super::users::read_labels;
use super::{Next, Procedure, failure};
use crate::map::{is_default_label, map_label};
use crate::message::{Notice, label_option};
use crate::quirks::LONG_LABELS_PER_READ;
use crate::session::{Answer, Site};

/// So many labels in a row that are not there end the search for them.
const MISSING: u8 = 4;

#[derive(Debug)]
pub(crate) struct Labels {
    /// `None`: read by ourselves after a connect.
    id: Option<CommandId>,
    waiting: VecDeque<(u32, u32, u32)>,
    asked: Option<(u32, u32, u32)>,
    planned: bool,
    /// Some were told.
    some: bool,
    /// Labels in a row that are not there.
    missing: u8,
    over: Option<Outcome>,
}

impl Labels {
    pub(crate) fn new(id: Option<CommandId>) -> Self {
        Self { id, waiting: VecDeque::new(), asked: None, planned: false, some: false, missing: 0, over: None }
    }

    fn plan(&mut self, site: &mut Site) {
        self.planned = true;
        if self.id.is_none() && !site.labels_left.is_empty() {
            self.waiting = std::mem::take(&mut site.labels_left);
            return;
        }
        let partitions = site.size.partitions.iter().map(|p| u32::from(p.number())).max().unwrap_or(0);
        for (option, last) in [(label_option::PARTITION, partitions), (label_option::ZONE, site.size.zones.into())] {
            let mut from = 1;
            while from <= last {
                let to = last.min(from + LONG_LABELS_PER_READ - 1);
                self.waiting.push_back((option, from, to));
                from = to + 1;
            }
        }
    }

    fn take((option, from, _): (u32, u32, u32), notice: &Notice, site: &mut Site) {
        let Notice::Labels(labels) = notice else { return };
        for (number, text) in (from..).zip(&labels.texts) {
            let Some(label) = map_label(text).filter(|label| !is_default_label(label, number)) else { continue };
            if option == label_option::ZONE {
                if let Ok(zone) = Zone::new(number) {
                    site.tracker.label_zone(zone, &label);
                    site.event(DriverEvent::ZoneLabel(zone, label));
                }
            } else if let Ok(partition) = Partition::new(number)
                && site.size.partitions.contains(partition)
            {
                site.tracker.label_partition(partition, &label);
                site.event(DriverEvent::PartitionLabel(partition, label));
            }
        }
    }
}

impl Procedure for Labels {
    fn next(&mut self, _now: Instant, site: &mut Site) -> Next {
        if !self.planned {
            self.plan(site);
        }
        // Somebody waits: the rest is read later.
        if self.id.is_none() && !site.queue.is_empty() && !self.waiting.is_empty() {
            site.labels_left = std::mem::take(&mut self.waiting);
            return Next::Done;
        }
        match self.waiting.pop_front() {
            Some(asked @ (option, from, to)) => {
                self.asked = Some(asked);
                Next::Ask(read_labels(option, from, to))
            }
            None => {
                site.labels_read = true;
                if let Some(id) = self.id {
                    let none = self.over.take().filter(|_| !self.some);
                    site.done(id, none.unwrap_or(Outcome::Applied(Evidence::ReadBack)));
                }
                Next::Done
            }
        }
    }

    fn answered(&mut self, _now: Instant, answer: Answer, site: &mut Site) {
        let Some(asked) = self.asked.take() else { return };
        match answer {
            Answer::Data(notice) => {
                self.some = true;
                self.missing = 0;
                Self::take(asked, &notice, site);
            }
            Answer::Lost => {
                self.over = Some(failure(&Answer::Lost));
                self.some = false;
                self.waiting.clear();
            }
            // Too many at once, or some of them are not there.
            _ if asked.1 < asked.2 => {
                let (option, from, to) = asked;
                let middle = from + (to - from) / 2;
                self.waiting.push_front((option, middle + 1, to));
                self.waiting.push_front((option, from, middle));
            }
            // There is none. After some of these there are no more of that kind.
            refused => {
                self.over = Some(failure(&refused));
                self.missing += 1;
                if self.missing >= MISSING {
                    self.missing = 0;
                    self.waiting.retain(|(option, ..)| *option != asked.0);
                }
            }
        }
    }

    fn abandon(&mut self, site: &mut Site) {
        if let Some(id) = self.id {
            site.done(id, Outcome::interrupted());
        }
    }
}
