//! Labels of zones and partitions: written into sections \[000\]\[001\] and \[000\]\[101\] to \[108\], then read as
//! everybody reads them (dossier 3.5, 3.6).

use std::time::Instant;

use panel_driver::{CommandId, DriverEvent, Outcome};
use panel_model::{Evidence, Label, PanelError, Partition, Refusal, Zone};

use super::users::read_labels;
use super::{Item, Work, failure};
use crate::capabilities::SECTION_LABEL;
use crate::map::map_label;
use crate::message::{Command, Notice, SectionAddress, label_option, utf16_padded};
use crate::session::{Answer, Ask, Site};

/// Sub-section of partition 1's label, less one.
const PARTITION_LABELS: u16 = 100;

/// Whose label it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Labelled {
    Zone(Zone),
    Partition(Partition),
}

impl Labelled {
    fn section(self) -> SectionAddress {
        match self {
            Self::Zone(zone) => SectionAddress::new(0, &[1, zone.number()]),
            Self::Partition(partition) => SectionAddress::new(0, &[PARTITION_LABELS + u16::from(partition.number())]),
        }
    }

    fn option(self) -> (u32, u32) {
        match self {
            Self::Zone(zone) => (label_option::ZONE, zone.number().into()),
            Self::Partition(partition) => (label_option::PARTITION, partition.number().into()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Write,
    Leave,
    Look,
}

/// Writes one label and looks at it.
#[derive(Debug)]
pub(crate) struct WriteLabel {
    id: CommandId,
    of: Labelled,
    label: Label,
    stage: Stage,
    over: Option<Outcome>,
}

impl WriteLabel {
    pub(crate) fn new(id: CommandId, of: Labelled, label: Label) -> Self {
        Self { id, of, label, stage: Stage::Write, over: None }
    }

    fn looked(&mut self, shown: Option<Label>, site: &mut Site) {
        let wished = utf16_padded(self.label.as_str(), SECTION_LABEL).and_then(|bytes| map_label(&bytes));
        self.over = Some(match &shown {
            Some(_) if shown == wished => Outcome::Applied(Evidence::ReadBack),
            _ => {
                let text = "the panel confirmed the label and still shows another one";
                Outcome::Failed(PanelError::passing("not_taken", text))
            }
        });
        let Some(shown) = shown else { return };
        match self.of {
            Labelled::Zone(zone) => {
                site.tracker.label_zone(zone, &shown);
                site.event(DriverEvent::ZoneLabel(zone, shown));
            }
            Labelled::Partition(partition) => {
                site.tracker.label_partition(partition, &shown);
                site.event(DriverEvent::PartitionLabel(partition, shown));
            }
        }
    }
}

impl Item for WriteLabel {
    fn id(&self) -> Option<CommandId> {
        Some(self.id)
    }

    fn next(&mut self, _now: Instant, _site: &mut Site) -> Work {
        if let Some(outcome) = self.over.take() {
            return Work::Done(outcome);
        }
        match self.stage {
            Stage::Write => match utf16_padded(self.label.as_str(), SECTION_LABEL) {
                Some(bytes) => Work::Ask(Ask::order(Command::WriteSection(self.of.section(), bytes.into()))),
                None => Work::Done(Outcome::Refused(Refusal::LabelFormat)),
            },
            Stage::Leave => {
                self.stage = Stage::Look;
                Work::Leave
            }
            Stage::Look => {
                let (option, number) = self.of.option();
                Work::Ask(read_labels(option, number, number))
            }
        }
    }

    fn answered(&mut self, answer: Answer, site: &mut Site) {
        match (self.stage, &answer) {
            (Stage::Write, Answer::Done) => self.stage = Stage::Leave,
            (Stage::Look, Answer::Data(Notice::Labels(labels))) => {
                let shown = labels.texts.first().and_then(|text| map_label(text));
                self.looked(shown, site);
            }
            (_, missed) => self.over = Some(failure(missed)),
        }
    }

    fn restart(&mut self) {
        self.stage = Stage::Write;
    }
}
