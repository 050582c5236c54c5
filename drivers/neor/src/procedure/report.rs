//! The panel's state in one picture: what it has, partitions, zones, troubles. Alarms first (dossier 2.11).

use std::collections::VecDeque;
use std::time::Instant;

use panel_model::{PanelState, Partition, PartitionSet, Trouble, TroubleKind, Zone};

use super::{Next, Procedure};
use crate::map::{map_partition, map_trouble};
use crate::message::{Command, Mask, NackCode, Notice, PartitionForm, Wanted, number, partition_field};
use crate::quirks::ZONES_PER_READ;
use crate::session::{Answer, Ask, Site, zone_state, zone_troubles};

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// After a connect: sizes as well.
    First,
    /// A comparison.
    Again,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Capabilities,
    CodeLength,
    PartitionsInUse,
    Partitions(PartitionSet),
    Zones { first: u32, count: u32 },
    Troubles,
    Detail { device: u32, trouble: u32 },
}

#[derive(Debug)]
pub(crate) struct Report {
    extent: Extent,
    steps: VecDeque<Step>,
    asked: Option<Step>,
    planned: bool,
    report: PanelState,
    /// The communicator does not hear the panel: there is nothing to report but that.
    panel_silent: bool,
    /// A request without which there is no picture was not answered.
    failed: bool,
}

impl Report {
    pub(crate) fn new(extent: Extent) -> Self {
        let first = [Step::Capabilities, Step::CodeLength, Step::PartitionsInUse];
        let steps = if extent == Extent::First { first.into() } else { VecDeque::new() };
        Self {
            extent,
            steps,
            asked: None,
            planned: false,
            report: PanelState::default(),
            panel_silent: false,
            failed: false,
        }
    }

    /// Partitions and zones, once their numbers are known.
    fn plan(&mut self, site: &Site) {
        self.planned = true;
        let size = site.size;
        match site.config.quirks.partition_form {
            PartitionForm::Mask => self.steps.push_back(Step::Partitions(size.partitions)),
            PartitionForm::Number => {
                self.steps.extend(size.partitions.iter().map(|p| Step::Partitions([p].into_iter().collect())));
            }
        }
        let zones = u32::from(size.zones);
        let chunk = if site.multi_zone { ZONES_PER_READ } else { 1 };
        let mut first = 1;
        while first <= zones {
            let count = chunk.min(zones + 1 - first);
            self.steps.push_back(Step::Zones { first, count });
            first += count;
        }
        self.steps.push_back(Step::Troubles);
        for zone in (1..=zones).filter_map(|n| Zone::new(n).ok()) {
            self.report.zones.entry(zone).or_default();
        }
    }

    fn ask(step: Step, site: &Site) -> Ask {
        let request = |wanted| Command::Request(wanted);
        match step {
            Step::Capabilities => {
                Ask::data(request(Wanted::Plain(number::SYSTEM_CAPABILITIES)), |n| matches!(n, Notice::Capabilities(_)))
            }
            Step::CodeLength => {
                Ask::data(request(Wanted::Plain(number::CODE_LENGTH)), |n| matches!(n, Notice::CodeLength(_)))
            }
            // Not proved on a Neo: without an answer the configuration or 0613 says which partitions there are.
            Step::PartitionsInUse => Ask::data(request(Wanted::Plain(number::PARTITION_ASSIGNMENT)), |n| {
                matches!(n, Notice::PartitionsInUse(_))
            })
            .optional(),
            Step::Partitions(set) => {
                let field = partition_field(set, site.config.quirks.partition_form);
                let wanted = field.clone();
                Ask::data(
                    request(Wanted::PartitionStatus(field)),
                    move |n| matches!(n, Notice::PartitionStatus(report) if same_field(&report.field, &wanted)),
                )
            }
            Step::Zones { first, count } => {
                let answers = move |n: &Notice| {
                    matches!(n, Notice::ZoneStatus { first: f, statuses }
                        if *f == first && u32::try_from(statuses.len()).is_ok_and(|c| c == count))
                };
                let ask = Ask::data(request(Wanted::ZoneStatus { first, count }), answers);
                // Some panels never answer for several zones at once [impl ABS].
                if count > 1 { ask.optional() } else { ask }
            }
            Step::Troubles => {
                Ask::data(request(Wanted::all_troubles()), |n| matches!(n, Notice::Troubles(_))).optional()
            }
            Step::Detail { device, trouble } => {
                let (device, trouble) = (byte(device), byte(trouble));
                let answers = move |n: &Notice| matches!(n, Notice::TroubleDetail { device: d, trouble: t, .. } if (*d, *t) == (device, trouble));
                Ask::data(request(Wanted::TroubleDetail { device, trouble }), answers).optional()
            }
        }
    }

    fn take(&mut self, step: Step, notice: &Notice, site: &mut Site) {
        match (step, notice) {
            (_, Notice::Capabilities(told)) => site.told_capabilities(told),
            (_, Notice::CodeLength(digits)) => site.told_code_length(*digits),
            (_, Notice::PartitionsInUse(mask)) => site.told_partitions(mask.partitions()),
            (_, Notice::PartitionStatus(report)) => {
                let Some(statuses) = report.by_partition(site.config.quirks.partition_form) else {
                    self.failed = true;
                    return;
                };
                for (partition, status) in statuses {
                    self.report.partitions.insert(partition, map_partition(status));
                }
            }
            (_, Notice::ZoneStatus { first, statuses }) => {
                for (number, status) in (*first..).zip(statuses) {
                    let Ok(zone) = Zone::new(number) else { continue };
                    self.report.zones.insert(zone, zone_state(*status));
                    self.report.troubles.extend(zone_troubles(zone, *status));
                }
            }
            (_, Notice::Troubles(devices)) => {
                for (device, trouble) in devices.iter().flat_map(|(d, kinds)| kinds.iter().map(move |k| (*d, *k))) {
                    self.trouble(device, trouble);
                }
            }
            (_, Notice::TroubleDetail { device, trouble, numbers }) => {
                let numbers: Vec<u32> = numbers.numbers().collect();
                let (device, trouble) = (u32::from(*device), u32::from(*trouble));
                self.numbered(device, trouble, &numbers);
            }
            _ => {}
        }
    }

    /// The system's own troubles need no number; those of devices are asked for, some of them at least.
    fn trouble(&mut self, device: u32, trouble: u32) {
        let details = self.steps.iter().filter(|s| matches!(s, Step::Detail { .. })).count();
        match map_trouble(device, trouble, 0) {
            Some(what) if device == 0 || details >= 32 => {
                self.report.troubles.insert(what);
            }
            Some(_) => self.steps.push_back(Step::Detail { device, trouble }),
            None => {}
        }
    }

    fn numbered(&mut self, device: u32, trouble: u32, numbers: &[u32]) {
        let numbers = if numbers.is_empty() { &[0] } else { numbers };
        self.report.troubles.extend(numbers.iter().filter_map(|n| map_trouble(device, trouble, *n)));
    }

    fn missed(&mut self, step: Step, answer: &Answer, site: &mut Site) {
        match step {
            Step::Zones { first, count } if count > 1 && *answer == Answer::Lost => {
                site.multi_zone = false;
                for zone in (first..first + count).rev() {
                    self.steps.push_front(Step::Zones { first: zone, count: 1 });
                }
            }
            Step::Partitions(_) | Step::Zones { .. } => self.failed |= *answer == Answer::Lost,
            Step::Detail { device, trouble } => self.numbered(device, trouble, &[]),
            Step::Capabilities | Step::CodeLength => self.failed |= *answer == Answer::Lost,
            Step::PartitionsInUse | Step::Troubles => {}
        }
    }
}

/// Masks are compared as sets: a panel may send fewer or more zero bytes.
fn same_field(a: &[u8], b: &[u8]) -> bool {
    Mask(a.to_vec()).numbers().eq(Mask(b.to_vec()).numbers())
}

fn byte(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

impl Procedure for Report {
    fn next(&mut self, _now: Instant, site: &mut Site) -> Next {
        if self.steps.is_empty() && !self.planned && !self.failed && !self.panel_silent {
            self.plan(site);
        }
        match self.steps.pop_front().filter(|_| !self.failed && !self.panel_silent) {
            Some(step) => {
                self.asked = Some(step);
                Next::Ask(Self::ask(step, site))
            }
            None => {
                if self.panel_silent {
                    self.report = PanelState::default();
                    self.report.troubles.insert(Trouble::panel(TroubleKind::PanelLinkLost));
                    self.report.partitions =
                        site.size.partitions.iter().map(|p: Partition| (p, Default::default())).collect();
                }
                let report = std::mem::take(&mut self.report);
                site.reported(self.extent, (!self.failed).then_some(report), self.panel_silent);
                Next::Done
            }
        }
    }

    fn answered(&mut self, _now: Instant, answer: Answer, site: &mut Site) {
        let Some(step) = self.asked.take() else { return };
        match answer {
            Answer::Data(notice) => self.take(step, &notice, site),
            Answer::Nack(NackCode::PanelSilent) => self.panel_silent = true,
            missed => self.missed(step, &missed, site),
        }
    }

    fn heard(&mut self, _now: Instant, _notice: &Notice, site: &mut Site) {
        // What changes while the picture is taken may be missing in it.
        site.report_again |= self.extent == Extent::Again;
    }

    fn abandon(&mut self, _site: &mut Site) {}
}
