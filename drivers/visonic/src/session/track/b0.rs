//! What a PowerMaster tells over B0: partitions, zones beyond the 32 of A5, calls for help, the newest row of its log.

use std::collections::BTreeSet;
use std::time::Duration;

use panel_model::{EventKind as K, PanelEvent, Partition, Trouble, TroubleKind as T};

use crate::map::{help_kind, partition_set, trouble_event};
use crate::message::{B0Content, B0LogRow, ClassIndex, Help, PanelStatus, SystemStatus, bits};

use super::zones::Told32;
use super::{Told, Tracker};

/// A call for help is told by two messages; within this time they mean the same one [inferred].
const SAME_CALL: Duration = Duration::from_secs(30);

/// Which message told of a call for help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A7, or a row of the log.
    Event,
    /// B0 3B.
    B0,
}

impl Tracker {
    /// Whether A7 is not to be believed, so that the panel's own log has to say who did what [impl P4].
    pub(crate) fn needs_log(&self) -> bool {
        self.whole_panel().is_none()
    }

    /// Zones that A5 has no bits for.
    pub(crate) fn has_many_zones(&self) -> bool {
        self.zones > 32
    }

    /// Whether the tag of that number is enrolled, where the panel told.
    pub(crate) fn has_tag(&self, number: u16) -> Option<bool> {
        self.tags.as_ref().map(|tags| tags.contains(&number))
    }

    /// Nothing was heard for long: what the log has then is history.
    pub(crate) fn forget_log(&mut self) {
        (self.newest_row, self.doubted) = (None, false);
    }

    pub(super) fn b0(&mut self, content: B0Content, told: &mut Told) {
        match content {
            B0Content::State(status) => self.panel_status(&status, told),
            B0Content::Open(mask) => self.levels(&mask, (K::ZoneOpened, K::ZoneClosed), |z| z.open, told),
            B0Content::Bypassed(mask) => {
                self.levels(&mask, (K::ZoneBypassed, K::ZoneUnbypassed), |z| z.bypassed, told);
            }
            B0Content::Triggered(mask) => self.alarms(&mask, Told32::InA5, told),
            B0Content::Tampered(mask) => self.tampers(&mask, Told32::InA5, told),
            B0Content::Enrolled(classes) => {
                for (class, mask) in classes {
                    match class {
                        ClassIndex::ZONE => {
                            self.enrolled_by_b0 = true;
                            self.enrolled(&mask);
                        }
                        ClassIndex::TAG => self.tags = Some(bits(&mask).collect::<BTreeSet<u16>>()),
                        _ => {}
                    }
                }
            }
            B0Content::NewestRow(row) => self.newest_row(row, told),
            B0Content::Help(help) => self.help(help, told),
            _ => {}
        }
    }

    fn panel_status(&mut self, status: &PanelStatus, told: &mut Told) {
        let troubles = status.troubles();
        for (bit, kind) in [
            (PanelStatus::BATTERY, T::BatteryLow),
            (PanelStatus::COMMUNICATION, T::CommunicationFailure),
            (PanelStatus::TAMPER, T::SystemTamper),
        ] {
            let (is, trouble) = (troubles & bit != 0, Trouble::panel(kind));
            if is && !self.state.troubles.contains(&trouble) {
                self.tell(trouble_event(true, trouble), told);
            }
        }
        let downloading = |p: &crate::message::PartitionStatus| p.system().code() == SystemStatus::DOWNLOADING.code();
        self.downloading = status.partitions.iter().any(downloading);
        let active: Vec<_> = status.partitions.iter().filter(|of| of.is_active()).collect();
        self.active = Some(active.len());
        let all: Vec<_> = active.iter().map(|of| (of.system(), of.flags)).collect();
        self.whole(!self.downloading && !all.is_empty(), &all, told);
        let numbered = (1_u32..).filter_map(|n| Partition::new(n).ok()).zip(&status.partitions);
        for (partition, of) in numbered {
            if self.partitions.contains(partition) && (of.is_active() || self.whole_panel().is_some()) {
                self.partition(partition, of.system(), of.flags, told);
            }
        }
    }

    /// The newest row of the log. The first one that is seen is history, and so is one that no A7 announced; another
    /// one was written now.
    ///
    /// Of rows that came close behind each other the last one alone is seen: asking for all of them (B0 2A) brings
    /// up to a thousand.
    fn newest_row(&mut self, row: B0LogRow, told: &mut Told) {
        let known = self.newest_row.replace(row);
        let written_since = known.is_some_and(|known| known != row);
        if self.needs_log() && written_since && std::mem::take(&mut self.doubted) {
            // What it says may show in the state by now only.
            told.wishes.state = true;
            self.event(row.event, row.device(), self.partition_of_row(row.partition), told);
        }
    }

    /// Where number and bit are the same, or nothing else than a bit fits.
    fn partition_of_row(&self, byte: u8) -> Option<Partition> {
        let mut set = partition_set(byte).iter().collect::<Vec<_>>().into_iter();
        let only = set.next().filter(|_| set.next().is_none());
        only.filter(|partition| self.partitions.contains(*partition))
    }

    /// 3B. Its partitions are not believed: a call for help is every one's [impl HA].
    fn help(&mut self, help: Help, told: &mut Told) {
        let kind = help_kind(help);
        if self.is_news(kind, Source::B0, told) {
            self.tell(PanelEvent { partition: self.whole_panel(), ..PanelEvent::new(kind) }, told);
        }
        self.alarm_in(None, told);
    }

    /// Somebody called for help. Whether it is another call than the one that was told last: two messages tell of
    /// each, and 3B is a level that is told again as long as it lasts.
    pub(super) fn is_news(&mut self, kind: K, source: Source, told: &Told) -> bool {
        let goes_on = std::mem::replace(&mut self.called, true);
        let is_known = self.last_call.is_some_and(|(last, by, at)| {
            let same_call = if by == source { source == Source::B0 && goes_on } else { told.now < at + SAME_CALL };
            last == kind && same_call
        });
        if !is_known {
            self.last_call = Some((kind, source, told.now));
        }
        !is_known
    }
}
