//! `*8`: proves an installer code, or writes a new one into section 006.
//!
//! Entering this menu may be reported to the central station and keeps everybody from arming: it is opt-in, left at
//! once, and a code is tried once only.

use std::time::Instant;

use panel_driver::{CommandId, Outcome};
use panel_model::{Evidence, InstallerCode, PanelError};
use zeroize::Zeroizing;

use super::expect::Expect;
use super::menu::Opener;
use super::step::{Entry, Step, StepEnd};
use super::{Item, Next, Reopen};
use crate::message::Transport;
use crate::quirks::VERDICT;
use crate::session::Site;

/// A section that this driver may open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Section(u16);

impl Section {
    /// The installer code [doc PS].
    pub(crate) const INSTALLER_CODE: Self = match Self::new(6) {
        Some(section) => section,
        None => Self(6),
    };

    /// `None` for sections that lock or reset the panel (989, 990 to 999), and for what is no section.
    pub(crate) const fn new(number: u16) -> Option<Self> {
        if number < 989 { Some(Self(number)) } else { None }
    }

    fn keys(self) -> String {
        format!("{:03}", self.0)
    }
}

/// The code was taken: that is all.
#[derive(Debug)]
pub(crate) struct Verify {
    id: CommandId,
}

impl Verify {
    pub(crate) fn new(id: CommandId) -> Self {
        Self { id }
    }
}

impl Item for Verify {
    fn id(&self) -> CommandId {
        self.id
    }

    fn next(&mut self, _now: Instant, _site: &mut Site) -> Next {
        Next::Done(Outcome::Applied(Evidence::Acknowledged))
    }

    fn met(&mut self, _end: StepEnd, _now: Instant, _site: &mut Site) {}

    fn touched(&self) -> bool {
        false
    }
}

/// Writes a new code. An IT-100 shows it afterwards; over an Envisalink the menu is opened once more with it.
#[derive(Debug)]
pub(crate) struct Change {
    id: CommandId,
    new: InstallerCode,
    stage: Stage,
    /// The menu was opened again with the new code.
    reopened: bool,
    after: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Digits,
    OpenAgain,
    Read,
    Over,
}

impl Change {
    pub(crate) fn new(id: CommandId, new: InstallerCode) -> Self {
        Self { id, new, stage: Stage::Open, reopened: false, after: false }
    }

    fn uncertain() -> Outcome {
        Outcome::Failed(PanelError::passing(
            "installer_code_uncertain",
            "it is not known whether the panel has the old or the new installer code; verify one of them, once",
        ))
    }

    fn done(&self, evidence: Evidence, site: &mut Site) -> Next {
        site.credentials.installer = Some(self.new.clone());
        Next::Done(Outcome::Applied(evidence))
    }
}

impl Item for Change {
    fn id(&self) -> CommandId {
        self.id
    }

    fn next(&mut self, _now: Instant, site: &mut Site) -> Next {
        let section = Section::INSTALLER_CODE.keys();
        match self.stage {
            Stage::Open | Stage::OpenAgain => Next::Step(Step::keys(&section, Expect::SectionData, VERDICT)),
            Stage::Digits => {
                let keys = Zeroizing::new(self.new.expose().as_bytes().to_vec());
                // The section closes by itself after the last digit [doc PS 3.3].
                Next::Step(Step { entry: Entry::Keys(keys), expect: Expect::SectionWanted, within: VERDICT })
            }
            Stage::Read if site.view.shows_digits(self.new.expose()) => {
                self.stage = Stage::Over;
                Next::Step(Step::keys("#", Expect::SectionWanted, VERDICT))
            }
            Stage::Read => Next::Done(Self::uncertain()),
            Stage::Over => match site.transport {
                Transport::It100 => self.done(Evidence::ReadBack, site),
                Transport::Envisalink if self.reopened => self.done(Evidence::Acknowledged, site),
                Transport::Envisalink => {
                    self.after = true;
                    Next::Done(Outcome::Applied(Evidence::WrittenBlind))
                }
            },
        }
    }

    fn met(&mut self, _end: StepEnd, _now: Instant, site: &mut Site) {
        self.stage = match (self.stage, site.transport) {
            (Stage::Open, _) => Stage::Digits,
            (Stage::Digits, Transport::It100) => Stage::OpenAgain,
            (Stage::OpenAgain, _) => Stage::Read,
            (Stage::Digits, Transport::Envisalink) | (Stage::Read | Stage::Over, _) => Stage::Over,
        };
    }

    fn touched(&self) -> bool {
        !matches!(self.stage, Stage::Open)
    }

    fn afterwards(&mut self) -> Option<Reopen> {
        if !std::mem::take(&mut self.after) {
            return None;
        }
        let new = self.new.clone();
        let item = Self { id: self.id, new: new.clone(), stage: Stage::Over, reopened: true, after: false };
        Some(Reopen { with: Opener::Installer(new), item: Box::new(item) })
    }

    fn code_refused(&mut self, _site: &mut Site) -> Option<Outcome> {
        self.reopened.then(Self::uncertain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_that_lock_or_reset_the_panel_cannot_be_named() {
        for blocked in [989, 990, 991, 993, 999, 1000] {
            assert_eq!(Section::new(blocked), None, "{blocked}");
        }
        assert_eq!(Section::INSTALLER_CODE.keys(), "006");
    }
}
