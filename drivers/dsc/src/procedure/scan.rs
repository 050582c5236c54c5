//! Reads all users over an IT-100: scrolls the list of `*5`, then looks at partitions and attributes of those that
//! have a code. Works in batches; between two of them the keypads are free.
//!
//! Only `>`, `<`, `98`, `99` and `#` are typed. `*` never: on the list it opens a slot, and there it deletes.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use panel_driver::{CommandId, DriverEvent, Outcome};
use panel_model::{CodeState, Evidence, PanelError, PanelRole, Progress, Slot, UserReport};

use super::expect::{Expect, ToggleMenu};
use super::screens::ScreenKind;
use super::step::{Step, StepEnd};
use super::write::toggle_report;
use super::{Item, Next};
use crate::capabilities::is_master;
use crate::quirks::VERDICT;
use crate::session::{Site, person_waits};

/// A batch is left when less than this remains: the step under way and leaving have to fit.
const MARGIN: Duration = Duration::from_secs(8);

#[derive(Debug)]
pub(crate) struct Scan {
    id: CommandId,
    wanted: Vec<Slot>,
    /// Slots seen and whether they have a code.
    seen: BTreeMap<Slot, bool>,
    /// Slots whose partitions and attributes are still to be read.
    details: VecDeque<Slot>,
    done: u32,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Looking at a line of the list. `moved`: not at the one where the list opened.
    Scroll { key: &'static str, moved: bool },
    /// At the list, to look into a menu of the first of `details`.
    Enter(ToggleMenu),
    /// The menu is open.
    Inside(ToggleMenu),
}

impl Scan {
    pub(crate) fn new(id: CommandId, wanted: Vec<Slot>) -> Self {
        let stage = Stage::Scroll { key: ">", moved: false };
        Self { id, wanted, seen: BTreeMap::new(), details: VecDeque::new(), done: 0, stage }
    }

    fn progress(&mut self, site: &mut Site) {
        self.done += 1;
        // How many have details is known after the list only; until then all may have.
        let total = match self.stage {
            Stage::Scroll { .. } => 2 * self.wanted.len(),
            _ => self.done as usize + self.details.len(),
        };
        let total = u32::try_from(total).unwrap_or(u32::MAX);
        let progress = Progress { what: "reading users".into(), done: self.done, total };
        site.event(DriverEvent::Progress(self.id, progress));
    }

    fn scroll(&mut self, now: Instant, key: &'static str, moved: bool, site: &mut Site) -> Next {
        let ScreenKind::User { slot, programmed } = site.view.screen(now) else {
            let text = "the list of users is not shown as expected";
            return Next::Done(Outcome::Failed(PanelError::passing("no_reaction", text)));
        };
        let known = self.seen.contains_key(&slot) || !self.wanted.contains(&slot);
        if !known {
            self.seen.insert(slot, programmed);
            report_slot(slot, programmed, site);
            self.progress(site);
        }
        // The list goes round: a user that was seen ends it, unless it is the one where it opens after a pause.
        if self.seen.len() == self.wanted.len() || (known && moved) {
            let set = self.seen.iter().filter(|(slot, set)| **set && !is_master(**slot));
            self.details = set.map(|(slot, _)| *slot).collect();
            self.stage = Stage::Enter(ToggleMenu::Partitions);
            return self.next(now, site);
        }
        Next::Step(Step::keys(key, Expect::OtherUserThan(slot), VERDICT))
    }
}

fn report_slot(slot: Slot, programmed: bool, site: &mut Site) {
    let mut report = UserReport::new(slot, Evidence::ReadBack);
    report.code_state = Some(if programmed { CodeState::Set } else { CodeState::None });
    if is_master(slot) {
        // Fixed, and not looked at [doc UM].
        report.role = Some(PanelRole::Master);
        report.partitions = Some(site.config.partitions);
    }
    site.event(DriverEvent::User(Box::new(report)));
}

impl Item for Scan {
    fn id(&self) -> CommandId {
        self.id
    }

    fn next(&mut self, now: Instant, site: &mut Site) -> Next {
        let leave = site.batch.left_over(now) < MARGIN || person_waits(&site.queue);
        if leave && !matches!(self.stage, Stage::Inside(_)) {
            if let Stage::Scroll { key, moved } = &mut self.stage {
                // The list opens at its beginning again: what is missing is nearer from the other side.
                (*key, *moved) = ("<", false);
            }
            return Next::Pause;
        }
        match self.stage {
            Stage::Scroll { key, moved } => self.scroll(now, key, moved, site),
            Stage::Enter(menu) => {
                let Some(slot) = self.details.front() else {
                    return Next::Done(Outcome::Applied(Evidence::ReadBack));
                };
                let keys = format!("{}{:02}", menu.digits(), slot.number());
                Next::Step(Step::keys(&keys, Expect::Toggles(menu), VERDICT))
            }
            Stage::Inside(menu) => {
                if let (Some(mask), Some(slot)) = (menu.mask(site.view.screen(now)), self.details.front()) {
                    site.event(DriverEvent::User(Box::new(toggle_report(*slot, menu, mask))));
                }
                Next::Step(Step::keys("#", Expect::UserList, VERDICT))
            }
        }
    }

    fn met(&mut self, _end: StepEnd, _now: Instant, site: &mut Site) {
        self.stage = match self.stage {
            Stage::Scroll { key, .. } => Stage::Scroll { key, moved: true },
            Stage::Enter(menu) => Stage::Inside(menu),
            Stage::Inside(ToggleMenu::Partitions) => Stage::Enter(ToggleMenu::Attributes),
            Stage::Inside(ToggleMenu::Attributes) => {
                self.details.pop_front();
                self.progress(site);
                Stage::Enter(ToggleMenu::Partitions)
            }
        };
    }

    fn touched(&self) -> bool {
        // Reading changes nothing.
        false
    }
}
