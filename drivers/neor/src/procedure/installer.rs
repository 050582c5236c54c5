//! Installer programming: proving a code, or writing a new one into section \[006\]\[001\].

use std::time::Instant;

use panel_driver::{CommandId, Outcome};
use panel_model::{Evidence, InstallerCode, PanelError, Refusal};

use super::{CodeRefused, Item, Work, failure};
use crate::message::{Command, Digits, SectionAddress};
use crate::session::{Answer, Ask, Site};

const NOT_TAKEN: &str = "not_taken";

/// The installer code [doc RF].
fn installer_section() -> SectionAddress {
    SectionAddress::new(6, &[1])
}

/// The code opened the mode: that is all.
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
    fn id(&self) -> Option<CommandId> {
        Some(self.id)
    }

    fn next(&mut self, _now: Instant, _site: &mut Site) -> Work {
        Work::Done(Outcome::Applied(Evidence::Acknowledged))
    }

    fn answered(&mut self, _answer: Answer, _site: &mut Site) {}

    fn restart(&mut self) {}
}

/// Writes a new code. Whether the panel took it is proved by another visit, with the new one ([`Prove`]).
#[derive(Debug)]
pub(crate) struct Change {
    id: CommandId,
    current: InstallerCode,
    new: InstallerCode,
    written: bool,
    /// The proof will answer the command.
    handed_over: bool,
    over: Option<Outcome>,
}

impl Change {
    pub(crate) fn new(id: CommandId, current: InstallerCode, new: InstallerCode) -> Self {
        Self { id, current, new, written: false, handed_over: false, over: None }
    }
}

impl Item for Change {
    fn id(&self) -> Option<CommandId> {
        (!self.handed_over).then_some(self.id)
    }

    fn next(&mut self, _now: Instant, _site: &mut Site) -> Work {
        if let Some(outcome) = self.over.take() {
            return Work::Done(outcome);
        }
        match Digits::parse(self.new.expose()) {
            Some(digits) => {
                self.written = true;
                let data = digits.to_bytes().to_vec().into();
                Work::Ask(Ask::order(Command::WriteSection(installer_section(), data)).once())
            }
            None => Work::Done(Outcome::Refused(Refusal::CodeFormat)),
        }
    }

    fn answered(&mut self, answer: Answer, site: &mut Site) {
        self.over = Some(match answer {
            // Without an answer nobody knows which code is in the panel: the proof tells.
            Answer::Done | Answer::Lost => {
                self.handed_over = true;
                let (id, current, new) = (self.id, self.current.clone(), self.new.clone());
                site.unproved = Some(Unproved { id, current, new, tried_new: false });
                Outcome::Applied(Evidence::WrittenBlind)
            }
            refused => failure(&refused),
        });
    }

    fn restart(&mut self) {}

    fn has_written(&self) -> bool {
        self.written
    }

    fn ended(&self, outcome: Outcome) -> Outcome {
        let known = !self.written || matches!(&outcome, Outcome::Failed(error) if error.code.starts_with("050"));
        if known { outcome } else { uncertain() }
    }
}

/// A new code whose writing is to be proved.
#[derive(Debug, Clone)]
pub(crate) struct Unproved {
    pub(crate) id: CommandId,
    pub(crate) current: InstallerCode,
    pub(crate) new: InstallerCode,
    /// The new code was refused; the old one is to be tried, once.
    pub(crate) tried_new: bool,
}

impl Unproved {
    /// The code to open installer programming with.
    pub(crate) fn opener(&self) -> &InstallerCode {
        if self.tried_new { &self.current } else { &self.new }
    }
}

/// Opens installer programming once more: with the new code and, if that is refused, once with the old one.
#[derive(Debug)]
pub(crate) struct Prove(pub(crate) Unproved);

impl Item for Prove {
    fn id(&self) -> Option<CommandId> {
        Some(self.0.id)
    }

    fn next(&mut self, _now: Instant, site: &mut Site) -> Work {
        Work::Done(if self.0.tried_new {
            let text = "the panel confirmed the new installer code and still takes the old one only";
            Outcome::Failed(PanelError::lasting(NOT_TAKEN, text))
        } else {
            site.credentials.installer = Some(self.0.new.clone());
            Outcome::Applied(Evidence::Acknowledged)
        })
    }

    fn answered(&mut self, _answer: Answer, _site: &mut Site) {}

    fn restart(&mut self) {}

    fn code_refused(&mut self, site: &mut Site) -> CodeRefused {
        if self.0.tried_new {
            return CodeRefused::Outcome(uncertain());
        }
        site.unproved = Some(Unproved { tried_new: true, ..self.0.clone() });
        CodeRefused::Arranged
    }

    fn ended(&self, outcome: Outcome) -> Outcome {
        match &outcome {
            Outcome::Applied(_) => outcome,
            Outcome::Failed(error) if error.code == NOT_TAKEN => outcome,
            _ => uncertain(),
        }
    }
}

/// Neither code opens the panel, or nobody could ask it.
pub(crate) fn uncertain() -> Outcome {
    // May pass: the owner then keeps both codes until a person verifies one.
    Outcome::Failed(PanelError::passing(
        "installer_code_uncertain",
        "it is not known whether the panel has the old or the new installer code; verify one of them, once",
    ))
}
