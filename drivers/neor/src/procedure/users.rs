//! Reading users: all of them, or a range that the panel says has changed.

use std::collections::BTreeMap;
use std::time::Instant;

use panel_driver::{CommandId, DriverEvent, Outcome};
use panel_model::{
    AccessCode, CodeState, Evidence, Label, PanelError, PanelRole, PartitionSet, Progress, Slot, UserReport,
};

use super::{Item, Work, failure};
use crate::capabilities::is_master;
use crate::map::{is_default_label, map_label, role_of};
use crate::message::{Command, Digits, Notice, UserData, UserField, UserRecords, Wanted, kind, label_option};
use crate::quirks::{BYTES_PER_READ, CODES_PER_READ, LABELS_PER_READ};
use crate::session::{Answer, Ask, Site};

/// What the panel holds for one user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct UserImage {
    pub(crate) code: Option<Digits>,
    pub(crate) attributes: u8,
    pub(crate) partitions: PartitionSet,
    /// `None`: the panel does not tell.
    pub(crate) kind: Option<u8>,
    pub(crate) label: Option<Label>,
}

impl UserImage {
    /// The code, if there is one.
    pub(crate) fn access_code(&self) -> Option<AccessCode> {
        self.code.as_ref().and_then(Digits::code)
    }

    /// Whether the place is used: by a code, or by a tag alone.
    pub(crate) fn is_used(&self) -> bool {
        self.code.as_ref().is_some_and(|code| !code.is_blank()) || self.kind == Some(kind::TAG)
    }

    /// Whether there is a tag. What a panel tells of a slot with code and tag is not known; NH takes it to be the
    /// tag's kind `[inferred]`.
    fn has_tag(&self) -> Option<bool> {
        match self.kind? {
            kind::TAG => Some(true),
            kind::NONE | kind::CODE => Some(false),
            _ => None,
        }
    }

    /// Takes the record of `slot` out of an answer.
    pub(crate) fn take(&mut self, data: &UserData, slot: u32) {
        let Some(at) = slot.checked_sub(data.first).and_then(|at| usize::try_from(at).ok()) else { return };
        match &data.records {
            UserRecords::Codes(codes) => self.code = codes.get(at).cloned(),
            UserRecords::Attributes(flags) => self.attributes = flags.get(at).copied().unwrap_or(0),
            UserRecords::Partitions(masks) => {
                self.partitions = masks.get(at).map(|mask| mask.partitions()).unwrap_or_default();
            }
            UserRecords::Kinds(kinds) => self.kind = kinds.get(at).copied(),
        }
    }

    /// As it is told to the owner. A label that the panel gave itself counts as none (U2).
    pub(crate) fn report(&self, slot: Slot, all: PartitionSet) -> UserReport {
        let report = UserReport { tag: self.has_tag(), ..UserReport::new(slot, Evidence::ReadBack) };
        let Some(code) = &self.code else { return report };
        if code.is_blank() && !self.is_used() {
            return UserReport { code_state: Some(CodeState::None), ..report };
        }
        let master = is_master(slot);
        UserReport {
            code_state: Some(if code.is_blank() { CodeState::None } else { CodeState::Set }),
            code: self.access_code(),
            label: self.label.clone().filter(|label| !is_default_label(label, slot.number().into())),
            role: Some(if master { PanelRole::Master } else { role_of(self.attributes) }),
            partitions: Some(if master { all } else { self.partitions }),
            ..report
        }
    }
}

/// Asks for the records of users in a row.
pub(crate) fn read_users(field: UserField, first: u32, count: u32) -> Ask {
    Ask::data(Command::ReadUsers { field, first, count }, move |notice| {
        matches!(notice, Notice::Users(data) if data.field() == field && data.first == first
            && u32::try_from(data.count()).is_ok_and(|c| c == count))
    })
}

/// Asks for labels in a row.
pub(crate) fn read_labels(option: u32, from: u32, to: u32) -> Ask {
    let range = Some((from, to));
    Ask::data(
        Command::Request(Wanted::Labels { option, range }),
        move |notice| matches!(notice, Notice::Labels(labels) if labels.option == option && labels.range == range),
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Records(UserField),
    Labels,
}

/// Reads users `first` to `last`, all or nothing; then their labels, outside of the programming mode.
#[derive(Debug)]
pub(crate) struct ReadUsers {
    id: Option<CommandId>,
    first: u32,
    last: u32,
    stage: Stage,
    at: u32,
    count: u32,
    images: BTreeMap<u32, UserImage>,
    outside: bool,
    over: Option<Outcome>,
}

impl ReadUsers {
    pub(crate) fn new(id: Option<CommandId>, first: u32, last: u32) -> Self {
        Self {
            id,
            first,
            last,
            stage: Stage::Records(UserField::Codes),
            at: first,
            count: 0,
            images: BTreeMap::new(),
            outside: false,
            over: None,
        }
    }

    /// Past the last user of a field: the next field.
    fn advance(&mut self) {
        self.at += self.count;
        self.count = 0;
        if self.at <= self.last {
            return;
        }
        self.at = self.first;
        self.stage = match self.stage {
            Stage::Records(UserField::Codes) => Stage::Records(UserField::Attributes),
            Stage::Records(UserField::Attributes) => Stage::Records(UserField::Partitions),
            Stage::Records(UserField::Partitions) => Stage::Records(UserField::Kinds),
            Stage::Records(UserField::Kinds) => Stage::Labels,
            Stage::Labels => {
                self.over = Some(Outcome::Applied(Evidence::ReadBack));
                Stage::Labels
            }
        };
    }

    fn take(&mut self, notice: &Notice) {
        match notice {
            Notice::Users(data) => {
                for slot in self.at..self.at + self.count {
                    self.images.entry(slot).or_default().take(data, slot);
                }
            }
            Notice::Labels(labels) => {
                for (slot, text) in (self.at..self.at + self.count).zip(&labels.texts) {
                    self.images.entry(slot).or_default().label = map_label(text);
                }
            }
            _ => {}
        }
    }

    fn progress(&self, site: &mut Site) {
        let Some(id) = self.id else { return };
        let fields = UserField::ALL.len() + 1;
        let done = match self.stage {
            Stage::Records(field) => UserField::ALL.iter().position(|f| *f == field).unwrap_or(0),
            Stage::Labels => fields - 1,
        };
        let users = self.last + 1 - self.first;
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let progress = Progress {
            what: "reading users".to_owned(),
            done: (number(done) * users + (self.at - self.first)) / number(fields),
            total: users,
        };
        site.event(DriverEvent::Progress(id, progress));
    }

    fn tell(&self, site: &mut Site) {
        let all = site.size.partitions;
        for (slot, image) in &self.images {
            if let Ok(slot) = Slot::new(*slot) {
                site.remember_code(slot, image.access_code());
                site.event(DriverEvent::User(Box::new(image.report(slot, all))));
            }
        }
    }
}

impl Item for ReadUsers {
    fn id(&self) -> Option<CommandId> {
        self.id
    }

    fn next(&mut self, _now: Instant, site: &mut Site) -> Work {
        if let Some(outcome) = self.over.take() {
            if matches!(outcome, Outcome::Applied(_)) {
                self.tell(site);
            }
            return Work::Done(outcome);
        }
        let left = self.last + 1 - self.at;
        match self.stage {
            Stage::Records(field) => {
                self.count = left.min(if field == UserField::Codes { CODES_PER_READ } else { BYTES_PER_READ });
                Work::Ask(read_users(field, self.at, self.count))
            }
            // Labels need no programming mode: keypads get their panel back first.
            Stage::Labels if !std::mem::replace(&mut self.outside, true) => Work::Leave,
            Stage::Labels => {
                self.count = left.min(LABELS_PER_READ);
                Work::Ask(read_labels(label_option::USER, self.at, self.at + self.count - 1))
            }
        }
    }

    fn answered(&mut self, answer: Answer, site: &mut Site) {
        match &answer {
            Answer::Data(notice) => self.take(notice),
            // Some panels may not tell which users have tags, or have no labels: that is no reason to fail.
            Answer::Refused(_) | Answer::Nack(_)
                if matches!(self.stage, Stage::Labels | Stage::Records(UserField::Kinds)) => {}
            missed => {
                self.over = Some(match failure(missed) {
                    Outcome::Failed(error) => {
                        Outcome::Failed(PanelError { text: format!("reading users: {}", error.text), ..error })
                    }
                    other => other,
                });
                return;
            }
        }
        self.advance();
        self.progress(site);
    }

    fn restart(&mut self) {
        *self = Self::new(self.id, self.first, self.last);
    }

    fn left_over(&self) -> Option<(u32, u32)> {
        self.id.is_none().then_some((self.first, self.last))
    }

    fn is_long(&self) -> bool {
        true
    }
}
