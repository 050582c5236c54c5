//! The rules for panel users (product rules U3 to U12), pure. Each rule is a row of the table in the tests.

use std::collections::{BTreeMap, BTreeSet};

use panel_model::{
    Access, AccessCode, Capabilities, CodeHash, CodeState, DesiredUser, Label, PanelRole, PartitionSet, Refusal,
    ReportedUser, Slot, UserWish,
};

/// What the rules look at.
#[derive(Debug)]
pub(super) struct Panel<'a> {
    pub(super) capabilities: &'a Capabilities,
    pub(super) reported: &'a BTreeMap<Slot, ReportedUser>,
    pub(super) desired: &'a BTreeMap<Slot, DesiredUser>,
    /// Hashes of codes that no user may have: installer code, the module's own.
    pub(super) reserved: &'a BTreeSet<[u8; 32]>,
}

/// A value that somebody wants one user to have.
#[derive(Debug)]
pub(super) enum Wanted<'a> {
    Code(&'a AccessCode),
    Label(&'a str),
    Partitions(PartitionSet),
    Role(PanelRole),
    Gone,
}

/// A value that the rules accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Accepted {
    Code(AccessCode, CodeHash),
    Label(Label),
    Partitions(PartitionSet),
    Role(PanelRole),
    Gone,
}

impl Panel<'_> {
    /// Checks one wanted value. `hash` is the panel's keyed hash of codes.
    pub(super) fn check(
        &self,
        slot: Slot,
        wanted: &Wanted<'_>,
        hash: impl Fn(&str) -> CodeHash,
    ) -> Result<Accepted, Refusal> {
        let roles = self.capabilities.roles_of(slot)?;
        let sections = &self.capabilities.sections;
        let may = |access: Access| if access.writable() { Ok(()) } else { Err(Refusal::Unsupported) };
        match wanted {
            Wanted::Code(code) => {
                may(sections.codes)?;
                self.check_code(slot, code, hash)
            }
            Wanted::Label(text) => {
                may(sections.labels)?;
                let label = self.capabilities.user_labels.check(text)?;
                self.needs_code(slot)?;
                Ok(Accepted::Label(label))
            }
            Wanted::Partitions(partitions) => {
                let all = self.capabilities.partitions;
                if !partitions.is_subset(all) || partitions.is_empty() {
                    return Err(Refusal::PartitionNotAvailable);
                }
                if self.capabilities.is_master(slot) {
                    return Err(Refusal::MasterPartitionsFixed);
                }
                may(sections.partitions)?;
                self.needs_code(slot)?;
                Ok(Accepted::Partitions(*partitions))
            }
            Wanted::Role(role) => {
                if !roles.contains(role) {
                    return Err(Refusal::RoleNotSupported);
                }
                may(sections.roles)?;
                self.needs_code(slot)?;
                Ok(Accepted::Role(*role))
            }
            Wanted::Gone => {
                if self.capabilities.is_master(slot) {
                    return Err(Refusal::MasterCannotBeDisabled);
                }
                may(sections.codes)?;
                self.may_have_code(slot)?;
                Ok(Accepted::Gone)
            }
        }
    }

    /// U3 and U9. The answer never says whose code it is.
    fn check_code(&self, slot: Slot, code: &AccessCode, hash: impl Fn(&str) -> CodeHash) -> Result<Accepted, Refusal> {
        self.capabilities.codes.check(code)?;
        let own = hash(code.expose());
        let others = self.codes_of_others(slot);
        if others.contains(&own.0) || self.reserved.contains(&own.0) {
            return Err(Refusal::CodeNotAvailable);
        }
        if self.capabilities.codes.duress_distance {
            let near = neighbours(code.expose()).into_iter().any(|text| {
                let near = hash(&text).0;
                if self.is_duress(slot) { others.contains(&near) } else { self.duress_codes(slot).contains(&near) }
            });
            if near {
                return Err(Refusal::CodeNotAvailable);
            }
        }
        Ok(Accepted::Code(code.clone(), own))
    }

    fn codes_of_others(&self, slot: Slot) -> BTreeSet<[u8; 32]> {
        let reported = self.reported.values().filter(|u| u.slot != slot).filter_map(|u| u.code_hash);
        let wished = self.desired.values().filter(|u| u.slot != slot).filter_map(|u| u.code_hash);
        reported.chain(wished).map(|hash| hash.0).collect()
    }

    fn duress_codes(&self, slot: Slot) -> BTreeSet<[u8; 32]> {
        let others = self.reported.values().filter(|u| u.slot != slot && self.is_duress(u.slot));
        others.filter_map(|u| u.code_hash).map(|hash| hash.0).collect()
    }

    fn is_duress(&self, slot: Slot) -> bool {
        let wished = self.desired.get(&slot).and_then(|d| match &d.wish {
            UserWish::Present { role, .. } => *role,
            UserWish::Disabled => None,
        });
        wished.or_else(|| self.reported.get(&slot)?.role.map(|r| r.value)) == Some(PanelRole::Duress)
    }

    /// U4: labels, partitions and roles belong to a user, and a user is a code: one that is there or on its way.
    fn needs_code(&self, slot: Slot) -> Result<(), Refusal> {
        if self.code_state(slot) == CodeState::Set { Ok(()) } else { Err(Refusal::CodeNotSet) }
    }

    /// U8. A slot of which nothing is known may have a code, and may be cleared.
    fn may_have_code(&self, slot: Slot) -> Result<(), Refusal> {
        if self.code_state(slot) == CodeState::None { Err(Refusal::CodeNotSet) } else { Ok(()) }
    }

    /// What the slot's code state is, or will be once the pending wish is done.
    fn code_state(&self, slot: Slot) -> CodeState {
        match self.desired.get(&slot).map(|d| &d.wish) {
            Some(UserWish::Present { code: Some(_), .. }) => CodeState::Set,
            Some(UserWish::Disabled) => CodeState::None,
            _ if self.capabilities.is_master(slot) => CodeState::Set,
            _ => self.reported.get(&slot).map_or(CodeState::Unknown, |u| u.code.value),
        }
    }
}

/// The codes that differ by one.
fn neighbours(code: &str) -> Vec<String> {
    let width = code.len();
    let Ok(number) = code.parse::<u32>() else { return Vec::new() };
    [number.checked_sub(1), number.checked_add(1)]
        .into_iter()
        .flatten()
        .map(|n| format!("{n:0width$}"))
        .filter(|text| text.len() == width)
        .collect()
}

impl Accepted {
    /// The slot's wish with this value in it.
    pub(super) fn merged_into(self, wish: Option<DesiredUser>, slot: Slot) -> DesiredUser {
        let mut merged = match wish {
            Some(wish) if matches!(wish.wish, UserWish::Present { .. }) => wish,
            _ => DesiredUser {
                slot,
                version: 0,
                wish: UserWish::Present { code: None, label: None, role: None, partitions: None },
                code_hash: None,
            },
        };
        if let UserWish::Present { code, label, role, partitions } = &mut merged.wish {
            match self {
                Self::Code(new, hash) => {
                    *code = Some(new);
                    merged.code_hash = Some(hash);
                }
                Self::Label(new) => *label = Some(new),
                Self::Partitions(new) => *partitions = Some(new),
                Self::Role(new) => *role = Some(new),
                Self::Gone => {
                    merged.wish = UserWish::Disabled;
                    merged.code_hash = None;
                }
            }
        }
        merged
    }
}
