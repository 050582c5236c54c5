//! Labels of partitions and zones: readable without any code (dossier 3.6).

use std::collections::VecDeque;
use std::time::Instant;

use panel_driver::{CommandId, DriverEvent, Outcome};
use panel_model::{Evidence, Partition, Zone};

use super::users::read_labels;
use super::{Next, Procedure, failure};
use crate::map::{is_default_label, map_label};
use crate::message::{Notice, label_option};
use crate::quirks::LABELS_PER_READ;
use crate::session::{Answer, Site};

#[derive(Debug)]
pub(crate) struct Labels {
    /// `None`: read by ourselves after a connect.
    id: Option<CommandId>,
    waiting: VecDeque<(u32, u32, u32)>,
    asked: Option<(u32, u32, u32)>,
    planned: bool,
    /// Some were told.
    some: bool,
    over: Option<Outcome>,
}

impl Labels {
    pub(crate) fn new(id: Option<CommandId>) -> Self {
        Self { id, waiting: VecDeque::new(), asked: None, planned: false, some: false, over: None }
    }

    fn plan(&mut self, site: &Site) {
        self.planned = true;
        let partitions = site.size.partitions.iter().map(|p| u32::from(p.number())).max().unwrap_or(0);
        for (option, last) in [(label_option::PARTITION, partitions), (label_option::ZONE, site.size.zones.into())] {
            let mut from = 1;
            while from <= last {
                let to = last.min(from + LABELS_PER_READ - 1);
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
        // A person waits: labels are read later, from the beginning.
        if self.id.is_none() && site.queue.has_person_waiting() && !self.waiting.is_empty() {
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
                Self::take(asked, &notice, site);
            }
            Answer::Lost => {
                self.over = Some(failure(&Answer::Lost));
                self.some = false;
                self.waiting.clear();
            }
            // There are none of these.
            refused => self.over = Some(failure(&refused)),
        }
    }

    fn abandon(&mut self, site: &mut Site) {
        if let Some(id) = self.id {
            site.done(id, Outcome::interrupted());
        }
    }
}
