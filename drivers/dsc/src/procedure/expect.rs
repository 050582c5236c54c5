//! What a step waits for, and how lights or display show it.

use std::time::Instant;

use panel_model::Slot;

use super::screens::ScreenKind;
use super::step::StepEnd;
use super::view::{MenuLights, Sign, View};
use crate::message::Transport;

/// What the panel must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// It asks for the master code.
    CodeWanted,
    /// It asks for the installer code.
    InstallerCodeWanted,
    /// `*5` is open at the list of users.
    UserList,
    /// The list stands at another user than this.
    OtherUserThan(Slot),
    /// `*5` waits for the digits of a code (IT-100).
    NewCode,
    /// The code of the slot was taken.
    CodeTaken(Slot),
    /// The code of the slot is gone.
    CodeGone(Slot),
    /// A toggle menu is open (IT-100).
    Toggles(ToggleMenu),
    /// The toggle menu shows exactly this.
    Toggled(ToggleMenu, u8),
    /// `*8` waits for a section.
    SectionWanted,
    /// `*8` waits for the data of the section.
    SectionData,
    /// Nothing: the time is waited out.
    Nothing,
    /// No menu is open any more.
    Resting,
}

/// The menus of `*5` whose digits toggle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ToggleMenu {
    /// 98.
    Partitions,
    /// 99.
    Attributes,
}

impl ToggleMenu {
    pub(crate) fn digits(self) -> &'static str {
        match self {
            Self::Partitions => "98",
            Self::Attributes => "99",
        }
    }

    pub(crate) fn mask(self, kind: ScreenKind) -> Option<u8> {
        match (self, kind) {
            (Self::Partitions, ScreenKind::Partitions(mask)) | (Self::Attributes, ScreenKind::Attributes(mask)) => {
                Some(mask)
            }
            _ => None,
        }
    }
}

/// How an expectation stands.
pub(super) enum Verdict {
    Met,
    Refused(Sign),
    NotYet,
}

pub(super) fn verdict(expect: Expect, now: Instant, view: &View, transport: Transport) -> Verdict {
    if expect == Expect::Resting {
        return if view.resting(now) { Verdict::Met } else { Verdict::NotYet };
    }
    if let Some(sign) = view.refusal(now) {
        return Verdict::Refused(sign);
    }
    let met = match transport {
        Transport::Envisalink => lights_show(expect, view),
        Transport::It100 => screen_shows(expect, view.screen(now), view),
    };
    if met { Verdict::Met } else { Verdict::NotYet }
}

fn lights_show(expect: Expect, view: &View) -> bool {
    match expect {
        Expect::CodeWanted => view.code_wanted(),
        Expect::InstallerCodeWanted => view.installer_code_wanted() || view.code_wanted(),
        Expect::UserList | Expect::SectionWanted => view.menu_lights() == MenuLights::List,
        Expect::CodeTaken(_) | Expect::CodeGone(_) => view.digits_taken(),
        Expect::SectionData => view.digits_wanted(),
        // Only a display shows these.
        Expect::NewCode | Expect::OtherUserThan(_) | Expect::Toggles(_) | Expect::Toggled(..) => false,
        Expect::Nothing | Expect::Resting => false,
    }
}

fn screen_shows(expect: Expect, kind: ScreenKind, view: &View) -> bool {
    match expect {
        Expect::CodeWanted => kind == ScreenKind::CodeWanted || view.code_wanted(),
        Expect::InstallerCodeWanted => kind == ScreenKind::InstallerCodeWanted || view.installer_code_wanted(),
        Expect::UserList => matches!(kind, ScreenKind::User { .. }),
        Expect::OtherUserThan(old) => matches!(kind, ScreenKind::User { slot, .. } if slot != old),
        Expect::NewCode => kind == ScreenKind::NewCode,
        // Should the list stand at another user, that the digits were taken is all that can be seen.
        Expect::CodeTaken(wanted) => {
            matches!(kind, ScreenKind::User { slot, programmed } if slot != wanted || programmed)
        }
        Expect::CodeGone(wanted) => {
            matches!(kind, ScreenKind::User { slot, programmed } if slot != wanted || !programmed)
        }
        Expect::Toggles(menu) => menu.mask(kind).is_some(),
        Expect::Toggled(menu, mask) => menu.mask(kind) == Some(mask),
        Expect::SectionWanted => kind == ScreenKind::SectionWanted,
        Expect::SectionData => kind == ScreenKind::SectionCode,
        Expect::Nothing | Expect::Resting => false,
    }
}

/// How an expectation ends that was not met in time.
pub(super) fn at_deadline(expect: Expect, view: &View, transport: Transport) -> StepEnd {
    match (transport, expect) {
        (_, Expect::Nothing) => StepEnd::Met,
        // Acks alone: the lights never said that digits are wanted, so they say nothing about them being taken.
        (Transport::Envisalink, Expect::CodeTaken(_) | Expect::CodeGone(_)) if !view.digits_wanted() => {
            if view.menu_lights() == MenuLights::List { StepEnd::MetBlind } else { StepEnd::Silent }
        }
        // Silence after a code is a refusal (dossier 8.1, rule 4).
        (_, Expect::CodeTaken(_) | Expect::CodeGone(_)) => StepEnd::Refused(Sign::NotTaken),
        // 680 is said of a right installer code only; the lights may be late.
        (Transport::Envisalink, Expect::SectionWanted) if view.installer_mode() => StepEnd::Met,
        _ => StepEnd::Silent,
    }
}
