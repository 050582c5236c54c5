//! Writes one user inside `*5`: code, deletion, partitions (98), attributes (99).
//!
//! Over an IT-100 a toggle menu is read first, only the difference is typed, and the result is read again. Over an
//! Envisalink only codes are written; the lights are the only sign that they were taken.

use std::time::Instant;

use panel_driver::{CommandId, DriverEvent, Outcome};
use panel_model::{AccessCode, CodeState, Evidence, PanelError, PanelRole, Partition, PartitionSet, Slot, UserReport};
use zeroize::Zeroizing;

use super::expect::{Expect, ToggleMenu};
use super::menu::Opener;
use super::step::{Entry, Step, StepEnd};
use super::{Item, Next, Reopen};
use crate::capabilities::is_master;
use crate::map::{ROLE_ATTRIBUTES, role_attributes, role_of};
use crate::message::Transport;
use crate::quirks::VERDICT;
use crate::session::Site;

/// What is wished for the code.
#[derive(Debug)]
pub(crate) enum CodeWish {
    Keep,
    Set(AccessCode),
    Delete,
}

#[derive(Debug)]
pub(crate) struct Write {
    id: CommandId,
    slot: Slot,
    code: CodeWish,
    partitions: Option<PartitionSet>,
    role: Option<PanelRole>,
    stage: Stage,
    /// The weakest proof so far.
    evidence: Evidence,
    touched: bool,
    after: Option<Reopen>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The code is not typed yet.
    Code,
    /// IT-100: the slot is chosen, digits are wanted.
    Digits,
    /// A toggle menu is next.
    Enter(ToggleMenu),
    /// A toggle menu is open.
    Inside(ToggleMenu),
    /// Back to the list.
    Close(ToggleMenu),
    Over,
}

impl Write {
    pub(crate) fn new(
        id: CommandId,
        slot: Slot,
        code: CodeWish,
        partitions: Option<PartitionSet>,
        role: Option<PanelRole>,
    ) -> Self {
        let role = role.filter(|role| *role != PanelRole::Master);
        let mut write = Self {
            id,
            slot,
            code,
            partitions,
            role,
            stage: Stage::Code,
            evidence: Evidence::ReadBack,
            touched: false,
            after: None,
        };
        if matches!(write.code, CodeWish::Keep) {
            write.stage = write.first_menu();
        }
        write
    }

    fn first_menu(&self) -> Stage {
        if self.partitions.is_some() { Stage::Enter(ToggleMenu::Partitions) } else { self.second_menu() }
    }

    fn second_menu(&self) -> Stage {
        if self.role.is_some() { Stage::Enter(ToggleMenu::Attributes) } else { Stage::Over }
    }

    /// Types the slot, and over an Envisalink the code behind it at once: it shows nothing in between.
    fn code_step(&mut self, transport: Transport) -> Step {
        let slot = format!("{:02}", self.slot.number());
        match transport {
            Transport::It100 => Step::keys(&slot, Expect::NewCode, VERDICT),
            Transport::Envisalink => self.digits_step(slot),
        }
    }

    fn digits_step(&mut self, slot: String) -> Step {
        self.touched = true;
        let mut keys = Zeroizing::new(slot.into_bytes());
        let expect = match &self.code {
            CodeWish::Set(code) => {
                keys.extend_from_slice(code.expose().as_bytes());
                Expect::CodeTaken(self.slot)
            }
            // `*` is pressed once, here, and never on the list: there it would open a slot for the next one.
            CodeWish::Delete | CodeWish::Keep => {
                keys.push(b'*');
                Expect::CodeGone(self.slot)
            }
        };
        Step { entry: Entry::Keys(keys), expect, within: VERDICT }
    }

    fn code_written(&mut self, end: StepEnd, site: &mut Site) {
        let (state, proof) = match self.code {
            // The list shows no `P`: that is the value itself. A code is never shown, `P` says only that one is there.
            CodeWish::Delete | CodeWish::Keep if site.transport == Transport::It100 => {
                (CodeState::None, Evidence::ReadBack)
            }
            CodeWish::Delete | CodeWish::Keep => (CodeState::None, Evidence::Acknowledged),
            CodeWish::Set(_) => (CodeState::Set, Evidence::Acknowledged),
        };
        let proof = if end == StepEnd::MetBlind { Evidence::WrittenBlind } else { proof };
        self.evidence = self.evidence.min(proof);
        if let (CodeWish::Set(code), true) = (&self.code, is_master(self.slot)) {
            // Told when the panel was opened with it.
            site.master_written(code.clone());
            let item = Box::new(ProveMaster::new(self.id, self.slot));
            self.after = Some(Reopen { with: Opener::Master, item });
            return;
        }
        let report = UserReport { code_state: Some(state), ..UserReport::new(self.slot, proof) };
        site.event(DriverEvent::User(Box::new(report)));
    }

    /// The mask that the menu shall show, from the one that it shows.
    fn wanted_mask(&self, menu: ToggleMenu, shown: u8) -> u8 {
        match menu {
            ToggleMenu::Partitions => self.partitions.map_or(shown, partition_mask),
            ToggleMenu::Attributes => {
                let wanted = self.role.map_or(&[][..], role_attributes);
                ROLE_ATTRIBUTES.into_iter().fold(shown, |mask, attribute| {
                    let bit = 1 << (attribute - 1);
                    if wanted.contains(&attribute) { mask | bit } else { mask & !bit }
                })
            }
        }
    }

    fn toggled(&mut self, menu: ToggleMenu, mask: u8, site: &mut Site) {
        let report = toggle_report(self.slot, menu, mask);
        site.event(DriverEvent::User(Box::new(report)));
    }
}

impl Item for Write {
    fn id(&self) -> CommandId {
        self.id
    }

    fn next(&mut self, now: Instant, site: &mut Site) -> Next {
        match self.stage {
            Stage::Code => Next::Step(self.code_step(site.transport)),
            Stage::Digits => Next::Step(self.digits_step(String::new())),
            Stage::Enter(menu) => {
                let keys = format!("{}{:02}", menu.digits(), self.slot.number());
                Next::Step(Step::keys(&keys, Expect::Toggles(menu), VERDICT))
            }
            Stage::Inside(menu) => {
                let Some(shown) = menu.mask(site.view.screen(now)) else {
                    let text = "the toggle menu closed by itself";
                    return Next::Done(Outcome::Failed(PanelError::passing("no_reaction", text)));
                };
                match lowest_difference(shown, self.wanted_mask(menu, shown)) {
                    Some(digit) => {
                        self.touched = true;
                        let after = shown ^ (1 << (digit - 1));
                        Next::Step(Step::keys(&digit.to_string(), Expect::Toggled(menu, after), VERDICT))
                    }
                    None => {
                        self.toggled(menu, shown, site);
                        self.stage = Stage::Close(menu);
                        Next::Step(Step::keys("#", Expect::UserList, VERDICT))
                    }
                }
            }
            Stage::Close(_) | Stage::Over => Next::Done(Outcome::Applied(self.evidence)),
        }
    }

    fn met(&mut self, end: StepEnd, _now: Instant, site: &mut Site) {
        self.stage = match self.stage {
            Stage::Code if site.transport == Transport::It100 => Stage::Digits,
            Stage::Code | Stage::Digits => {
                self.code_written(end, site);
                self.first_menu()
            }
            Stage::Enter(menu) => Stage::Inside(menu),
            Stage::Inside(menu) => Stage::Inside(menu),
            Stage::Close(ToggleMenu::Partitions) => self.second_menu(),
            Stage::Close(ToggleMenu::Attributes) | Stage::Over => Stage::Over,
        };
    }

    fn touched(&self) -> bool {
        self.touched
    }

    fn afterwards(&mut self) -> Option<Reopen> {
        self.after.take()
    }
}

/// What a toggle menu's mask says about a user.
pub(crate) fn toggle_report(slot: Slot, menu: ToggleMenu, mask: u8) -> UserReport {
    let mut report = UserReport::new(slot, Evidence::ReadBack);
    match menu {
        ToggleMenu::Partitions => report.partitions = Some(mask_partitions(mask)),
        ToggleMenu::Attributes => report.role = Some(role_of(|attribute| mask & (1 << (attribute - 1)) != 0)),
    }
    report
}

fn partition_mask(set: PartitionSet) -> u8 {
    (1..=8_u8).filter(|n| Partition::new((*n).into()).is_ok_and(|p| set.contains(p))).fold(0, |m, n| m | 1 << (n - 1))
}

fn mask_partitions(mask: u8) -> PartitionSet {
    (1..=8_u32).filter(|n| mask & (1 << (n - 1)) != 0).filter_map(|n| Partition::new(n).ok()).collect()
}

fn lowest_difference(shown: u8, wanted: u8) -> Option<u8> {
    (1..=8).find(|n| (shown ^ wanted) & (1 << (n - 1)) != 0)
}

/// Opens the menu once with the new master code; nothing is typed inside.
#[derive(Debug)]
struct ProveMaster {
    id: CommandId,
    slot: Slot,
    /// The new code was refused; the old one is asked now.
    refused: bool,
}

impl ProveMaster {
    fn new(id: CommandId, slot: Slot) -> Self {
        Self { id, slot, refused: false }
    }
}

impl Item for ProveMaster {
    fn id(&self) -> CommandId {
        self.id
    }

    fn next(&mut self, _now: Instant, site: &mut Site) -> Next {
        if self.refused {
            let text = "the panel kept its old master code; section 015 option 6 may forbid changing it in *5";
            return Next::Done(Outcome::Failed(PanelError::lasting("master_kept", text)));
        }
        let proof = Evidence::Acknowledged;
        let report = UserReport { code_state: Some(CodeState::Set), ..UserReport::new(self.slot, proof) };
        site.event(DriverEvent::User(Box::new(report)));
        Next::Done(Outcome::Applied(proof))
    }

    fn met(&mut self, _end: StepEnd, _now: Instant, _site: &mut Site) {}

    fn touched(&self) -> bool {
        true
    }

    fn code_refused(&mut self, _site: &mut Site) -> Option<Outcome> {
        self.refused = true;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_and_partitions_agree() {
        let set: PartitionSet = "1, 4, 8".parse().expect("a list");
        assert_eq!(partition_mask(set), 0b1000_1001);
        assert_eq!(mask_partitions(0b1000_1001), set);
    }

    #[test]
    fn only_the_role_attributes_are_touched() {
        let slot = Slot::new(5).expect("in range");
        let write = Write::new(CommandId(1), slot, CodeWish::Keep, None, Some(PanelRole::Duress));
        // Shown: supervisor, bypass, Escort. Wanted: duress; 3 and 4 stay.
        assert_eq!(write.wanted_mask(ToggleMenu::Attributes, 0b0000_1101), 0b0000_1110);
        assert_eq!(lowest_difference(0b0000_1101, 0b0000_1110), Some(1));
        assert_eq!(lowest_difference(7, 7), None);
    }
}
