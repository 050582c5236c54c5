//! Writing one user. The panel resets attributes and partitions when a place becomes used or empty: then the code is
//! written alone, all is read again, and the rest follows (dossier 3.4). The last look is the proof.

use std::collections::VecDeque;
use std::time::Instant;

use panel_driver::{CommandId, DriverEvent, Outcome, SetUser};
use panel_model::{Evidence, Label, PanelError, PanelRole, Refusal, Slot};

use super::users::{UserImage, read_labels, read_users};
use super::{Item, Work, failure};
use crate::capabilities::{USER_LABEL, is_master};
use crate::map::{map_label, role_of, with_role};
use crate::message::{Command, Digits, FORMAT_UTF16, Mask, Notice, UserData, UserField, label_option, utf16_padded};
use crate::session::{Answer, Ask, Site};

/// What the user is to become.
#[derive(Debug, Clone)]
enum Wish {
    Set(SetUser),
    Disable(Slot),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Read(UserField),
    ReadLabel,
    WriteCode,
    WriteAttributes,
    WritePartitions,
    WriteLabel,
}

const LOOK: [Step; 4] = [
    Step::Read(UserField::Codes),
    Step::Read(UserField::Attributes),
    Step::Read(UserField::Partitions),
    Step::Read(UserField::Kinds),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Look,
    Code,
    Fields,
    Proof,
}

/// Sets or disables one user.
#[derive(Debug)]
pub(crate) struct WriteUser {
    id: CommandId,
    wish: Wish,
    phase: Phase,
    steps: VecDeque<Step>,
    asked: Option<Step>,
    seen: UserImage,
    /// Something was written, or may have been.
    written: bool,
    /// What went wrong after something was written: told when the last look is done.
    failed: Option<Outcome>,
    over: Option<Outcome>,
}

impl WriteUser {
    pub(crate) fn set(id: CommandId, user: SetUser) -> Self {
        Self::new(id, Wish::Set(user))
    }

    pub(crate) fn disable(id: CommandId, slot: Slot) -> Self {
        Self::new(id, Wish::Disable(slot))
    }

    fn new(id: CommandId, wish: Wish) -> Self {
        Self {
            id,
            wish,
            phase: Phase::Look,
            steps: LOOK.into(),
            asked: None,
            seen: UserImage::default(),
            written: false,
            failed: None,
            over: None,
        }
    }

    fn slot(&self) -> Slot {
        match &self.wish {
            Wish::Set(user) => user.slot,
            Wish::Disable(slot) => *slot,
        }
    }

    fn number(&self) -> u32 {
        self.slot().number().into()
    }

    /// The phase is over; what the next one has to do.
    fn advance(&mut self, site: &mut Site) {
        match self.phase {
            Phase::Look => {
                self.phase = Phase::Code;
                self.plan_code(site);
            }
            Phase::Code => {
                self.phase = Phase::Fields;
                self.plan_fields();
            }
            Phase::Fields => self.prove(),
            Phase::Proof => {
                let outcome = self.failed.take().unwrap_or_else(|| self.verdict());
                self.tell(site);
                self.over = Some(outcome);
            }
        }
    }

    fn prove(&mut self) {
        self.phase = Phase::Proof;
        self.steps = LOOK.into_iter().chain([Step::ReadLabel]).collect();
    }

    fn plan_code(&mut self, site: &Site) {
        let used = self.seen.is_used();
        let writes = match &self.wish {
            Wish::Disable(_) => used,
            Wish::Set(SetUser { code: Some(code), slot, .. }) => {
                if site.is_code_taken(*slot, code) {
                    self.over = Some(Outcome::Refused(Refusal::CodeNotAvailable));
                    return;
                }
                self.seen.access_code().as_ref() != Some(code)
            }
            Wish::Set(_) if !used => {
                self.over = Some(Outcome::Refused(Refusal::CodeNotSet));
                return;
            }
            Wish::Set(_) => false,
        };
        if !writes {
            return;
        }
        self.steps.push_back(Step::WriteCode);
        let crosses = !used || matches!(self.wish, Wish::Disable(_));
        if crosses {
            self.steps.extend(LOOK);
        }
    }

    fn plan_fields(&mut self) {
        match &self.wish {
            // The panel keeps the label of a removed user [inferred].
            Wish::Disable(_) if self.written => self.steps.push_back(Step::WriteLabel),
            Wish::Disable(_) => {}
            Wish::Set(user) => {
                let master = is_master(user.slot);
                let role = user.role.filter(|_| !master);
                if role.is_some_and(|role| with_role(self.seen.attributes, role) != self.seen.attributes) {
                    self.steps.push_back(Step::WriteAttributes);
                }
                if user.partitions.is_some_and(|set| !master && set != self.seen.partitions) {
                    self.steps.push_back(Step::WritePartitions);
                }
                if user.label.is_some() {
                    self.steps.push_back(Step::WriteLabel);
                }
            }
        }
    }

    fn ask(&mut self, step: Step, site: &mut Site) -> Option<Ask> {
        let first = self.number();
        match step {
            Step::Read(field) => return Some(read_users(field, first, 1)),
            Step::ReadLabel => return Some(read_labels(label_option::USER, first, first)),
            _ => self.written = true,
        }
        let width = site.size.code_length.div_ceil(2);
        let command = match (step, &self.wish) {
            (Step::WriteCode, Wish::Disable(_)) => {
                Command::WriteUsers(UserData::codes(first, width, vec![Digits::blank(width)]))
            }
            (Step::WriteCode, Wish::Set(user)) => {
                let code = user.code.clone()?;
                let digits = Digits::of(&code)?;
                if is_master(user.slot) {
                    site.master_written(code);
                }
                Command::WriteUsers(UserData::codes(first, width, vec![digits]))
            }
            (Step::WriteAttributes, Wish::Set(user)) => {
                let flags = with_role(self.seen.attributes, user.role?);
                Command::WriteUsers(UserData::attributes(first, vec![flags]))
            }
            (Step::WritePartitions, Wish::Set(user)) => {
                let most = site.size.partitions.iter().map(|p| p.number()).max().unwrap_or(8);
                let mask = Mask::from(user.partitions?);
                Command::WriteUsers(UserData::partitions(first, most.div_ceil(8), vec![mask]))
            }
            (Step::WriteLabel, wish) => {
                let text = match wish {
                    Wish::Set(user) => user.label.as_ref().map(Label::as_str).unwrap_or_default().to_owned(),
                    Wish::Disable(_) => format!("User {first}"),
                };
                let labels = vec![utf16_padded(&text, USER_LABEL)?];
                Command::WriteUserLabels { first, format: FORMAT_UTF16, labels }
            }
            _ => return None,
        };
        Some(Ask::order(command))
    }

    fn take(&mut self, notice: &Notice) {
        match notice {
            Notice::Users(data) => self.seen.take(data, self.number()),
            Notice::Labels(labels) => self.seen.label = labels.texts.first().and_then(|text| map_label(text)),
            _ => {}
        }
    }

    /// Whether the panel shows what was wished.
    fn verdict(&self) -> Outcome {
        let missing = match &self.wish {
            Wish::Disable(_) if self.seen.is_used() => Some("the code"),
            Wish::Disable(_) => None,
            Wish::Set(user) => self.missing(user),
        };
        match missing {
            None => Outcome::Applied(Evidence::ReadBack),
            Some(what) => Outcome::Failed(PanelError::passing(
                "not_taken",
                format!("the panel confirmed {what} and still shows another value"),
            )),
        }
    }

    fn missing(&self, user: &SetUser) -> Option<&'static str> {
        let seen = &self.seen;
        let master = is_master(user.slot);
        match () {
            () if user.code.is_some() && seen.access_code() != user.code => Some("the code"),
            () if !master && user.role.is_some_and(|role| role_of(seen.attributes) != role) => Some("the role"),
            () if !master && user.partitions.is_some_and(|set| seen.partitions != set) => Some("the partitions"),
            () if user.label.is_some() && seen.label != user.label.as_ref().and_then(as_shown) => Some("the label"),
            () => None,
        }
    }

    fn tell(&self, site: &mut Site) {
        let slot = self.slot();
        let mut report = self.seen.report(slot, site.size.partitions);
        if report.role == Some(PanelRole::Master) {
            report.partitions = Some(site.size.partitions);
        }
        site.remember_code(slot, self.seen.access_code());
        site.event(DriverEvent::User(Box::new(report)));
    }
}

/// A label as it is read back: inner runs of blanks are one blank.
fn as_shown(label: &Label) -> Option<Label> {
    map_label(&utf16_padded(label.as_str(), USER_LABEL)?)
}

impl Item for WriteUser {
    fn id(&self) -> Option<CommandId> {
        Some(self.id)
    }

    fn next(&mut self, _now: Instant, site: &mut Site) -> Work {
        while self.over.is_none() {
            let Some(step) = self.steps.pop_front() else {
                self.advance(site);
                continue;
            };
            match self.ask(step, site) {
                Some(ask) => {
                    self.asked = Some(step);
                    return Work::Ask(ask);
                }
                None => self.over = Some(Outcome::Refused(Refusal::Invalid)),
            }
        }
        Work::Done(self.over.take().unwrap_or_else(Outcome::interrupted))
    }

    fn answered(&mut self, answer: Answer, site: &mut Site) {
        let Some(step) = self.asked.take() else { return };
        match (&answer, step) {
            (Answer::Done, _) => {}
            (Answer::Data(notice), _) => self.take(notice),
            (Answer::Refused(_) | Answer::Nack(_), Step::Read(UserField::Kinds) | Step::ReadLabel) => {}
            (missed, Step::Read(_) | Step::ReadLabel) => {
                // Without a look at the panel nothing is known of what was written.
                if self.written {
                    site.event(DriverEvent::UsersStale);
                }
                self.over = Some(self.failed.take().unwrap_or_else(|| failure(missed)));
            }
            (missed, _) => {
                if step == Step::WriteCode && is_master(self.slot()) && *missed != Answer::Lost {
                    site.master_not_written();
                }
                self.failed = Some(write_failure(missed, step));
                self.steps.clear();
                self.prove();
            }
        }
    }

    fn restart(&mut self) {
        self.phase = Phase::Look;
        self.steps = LOOK.into();
        self.asked = None;
    }

    fn has_written(&self) -> bool {
        self.written
    }
}

/// What a panel answers to a code that is taken is not recorded anywhere: 17, 1 or 24 are expected [inferred].
fn write_failure(answer: &Answer, step: Step) -> Outcome {
    use crate::message::ResponseCode as R;
    match (answer, step) {
        (Answer::Refused(R::WrongCode | R::OutOfRange), Step::WriteCode) => Outcome::Refused(Refusal::CodeNotAvailable),
        (missed, _) => failure(missed),
    }
}
