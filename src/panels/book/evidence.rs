//! What the panel shows of its users, or a step proved: taken over with the grade of its proof, and told where somebody
//! else made it so.

use panel_model::{
    CodeState, EventKind, Evidence, Field, Known, PanelEvent, ReportedUser, UserReport, UserWish, WallTime,
};

use super::super::Authority;
use super::super::reconcile::{Step, Work};
use super::{Book, Changes};

impl Book {
    pub(super) fn user_reported(&mut self, wall: WallTime, report: UserReport, changes: &mut Changes) {
        let slot = report.slot;
        let ours = self.running.as_ref().is_some_and(|step| step.slot == slot);
        let old = self.picture.users.get(&slot).cloned().unwrap_or_else(|| ReportedUser::unknown(slot));
        let new = self.merged(wall, &old, &report, ours);
        if let Some(code) = &report.code {
            changes.codes.push((slot, code.clone()));
        }
        if new == old && self.picture.users.contains_key(&slot) {
            return;
        }
        let difference = divergence(&self.as_wished(old, &new), &new);
        self.picture.users.insert(slot, new);
        changes.users.insert(slot);
        if let Some(text) = difference.filter(|_| !ours) {
            changes.events.push((wall, PanelEvent::new(EventKind::UserDivergence).slot(slot).text(text)));
            match self.authority {
                Authority::Panel => self.adopt(slot, changes),
                Authority::Cloud => self.put_back(wall, slot, changes),
            }
        }
    }

    /// What was known of the user, with what is wished and not answered yet in the place of what the panel now shows
    /// just so: after a line that broke half-way that is our own doing.
    fn as_wished(&self, old: ReportedUser, new: &ReportedUser) -> ReportedUser {
        let slot = new.slot;
        let Some(wish) = self.desired.get(&slot) else { return old };
        let open = |field| self.is_open(&(slot, field));
        let UserWish::Present { code, label, role, partitions } = &wish.wish else {
            let gone = open(Field::Code) && new.code.value == CodeState::None;
            return if gone { new.clone() } else { old };
        };
        let mut known = old;
        // Which code it is few panels show; where one does, another code than the wished is somebody else's.
        let unlike = new.code_hash.is_some() && new.code_hash != known.code_hash && new.code_hash != wish.code_hash;
        if code.is_some() && open(Field::Code) && new.code.value == CodeState::Set && !unlike {
            (known.code, known.code_hash) = (new.code, new.code_hash);
        }
        if label.is_some() && open(Field::Label) && new.label.as_ref().map(|l| &l.value) == label.as_ref() {
            known.label.clone_from(&new.label);
        }
        if role.is_some() && open(Field::Role) && new.role.map(|r| r.value) == *role {
            known.role = new.role;
        }
        if partitions.is_some() && open(Field::Partitions) && new.partitions.map(|p| p.value) == *partitions {
            known.partitions = new.partitions;
        }
        known
    }

    fn merged(&self, wall: WallTime, old: &ReportedUser, report: &UserReport, ours: bool) -> ReportedUser {
        let mut new = old.clone();
        new.stale = false;
        let evidence = report.evidence;
        if let Some(state) = report.code_state {
            // That a slot has a code is not which code it has: only the code itself reads back.
            let seen = report.code.is_some() || state != CodeState::Set;
            let proof = if seen { evidence } else { evidence.min(Evidence::Acknowledged) };
            new.code = known(Some(old.code), state, proof, wall);
            match state {
                CodeState::None => {
                    new = ReportedUser { code: new.code, ..ReportedUser::unknown(old.slot) };
                }
                // A user that appeared without our doing has a code that we do not know.
                CodeState::Set if old.code.value != CodeState::Set && !ours => new.code_hash = None,
                CodeState::Set | CodeState::Unknown => {}
            }
        }
        if let Some(code) = &report.code {
            let hash = Some(self.keys.code_hash(&self.picture.id, code.expose()));
            if hash != old.code_hash {
                // What proved the code before it proves nothing of this one.
                new.code = known(None, new.code.value, evidence, wall);
            }
            new.code_hash = hash;
        }
        if let Some(label) = &report.label {
            new.label = Some(known_label(old, label, evidence, wall));
        }
        if let Some(role) = report.role {
            new.role = Some(known(old.role, role, evidence, wall));
        }
        if let Some(partitions) = report.partitions {
            new.partitions = Some(known(old.partitions, partitions, evidence, wall));
        }
        new.tag = report.tag.or(new.tag);
        new
    }

    pub(super) fn users_stale(&mut self, wall: WallTime, changes: &mut Changes) {
        let fresh: Vec<_> = self.picture.users.values().filter(|u| !u.stale).map(|u| u.slot).collect();
        if fresh.is_empty() {
            return;
        }
        for slot in fresh {
            if let Some(user) = self.picture.users.get_mut(&slot) {
                user.stale = true;
                changes.users.insert(slot);
            }
        }
        changes.events.push((wall, PanelEvent::new(EventKind::UsersMayHaveChanged)));
    }

    /// The driver proved the step: what it wrote is now what the panel has. Where the driver reported the very value
    /// with its own evidence, that stands.
    pub(super) fn apply_step(&mut self, wall: WallTime, step: &Step, evidence: Evidence, changes: &mut Changes) {
        let slot = step.slot;
        let user = self.picture.users.entry(slot).or_insert_with(|| ReportedUser::unknown(slot));
        user.stale = false;
        match &step.work {
            Work::Keep(label) => user.label = Some(known_label(user, label, Evidence::ReadBack, wall)),
            Work::Panel(panel_driver::Command::SetUser(set)) => {
                if let Some(code) = &set.code {
                    let hash = Some(self.keys.code_hash(&self.picture.id, code.expose()));
                    let proved = (user.code_hash == hash).then_some(user.code);
                    user.code = known(proved, CodeState::Set, evidence, wall);
                    user.code_hash = hash;
                }
                if let Some(label) = &set.label {
                    user.label = Some(known_label(user, label, evidence, wall));
                }
                if let Some(role) = set.role {
                    user.role = Some(known(user.role, role, evidence, wall));
                }
                if let Some(partitions) = set.partitions {
                    user.partitions = Some(known(user.partitions, partitions, evidence, wall));
                }
            }
            Work::Panel(_) => {
                let code = known(Some(user.code), CodeState::None, evidence, wall);
                *user = ReportedUser { code, ..ReportedUser::unknown(slot) };
            }
        }
        changes.users.insert(slot);
    }
}

/// A value with its proof; the time stays that of the first sight while nothing changes.
fn known<T: Copy + PartialEq>(old: Option<Known<T>>, value: T, evidence: Evidence, at: WallTime) -> Known<T> {
    match old {
        // Seeing less does not unprove what was proved.
        Some(old) if old.value == value && old.evidence >= evidence => old,
        _ => Known { value, evidence, at },
    }
}

fn known_label(
    user: &ReportedUser,
    label: &panel_model::Label,
    evidence: Evidence,
    at: WallTime,
) -> Known<panel_model::Label> {
    match &user.label {
        Some(old) if old.value == *label && old.evidence >= evidence => old.clone(),
        _ => Known { value: label.clone(), evidence, at },
    }
}

/// What somebody else changed, in words; `None` when we learnt of it for the first time, or nothing differs.
fn divergence(old: &ReportedUser, new: &ReportedUser) -> Option<String> {
    let mut words = Vec::new();
    match (old.code.value, new.code.value) {
        (CodeState::Set, CodeState::None) => words.push("user removed".to_owned()),
        (CodeState::None, CodeState::Set) => words.push("user added".to_owned()),
        _ => {}
    }
    if new.code.value == CodeState::Set {
        if old.code_hash.is_some() && new.code_hash.is_some() && old.code_hash != new.code_hash {
            words.push("code changed".to_owned());
        }
        if let (Some(old), Some(new)) = (old.partitions, new.partitions)
            && old.value != new.value
        {
            words.push(format!("partitions {} -> {}", old.value, new.value));
        }
        if let (Some(old), Some(new)) = (old.role, new.role)
            && old.value != new.value
        {
            words.push(format!("role {} -> {}", old.value.name(), new.value.name()));
        }
        if let (Some(old), Some(new)) = (&old.label, &new.label)
            && old.value != new.value
        {
            words.push(format!("label {} -> {}", old.value, new.value));
        }
    }
    (!words.is_empty()).then(|| words.join(", "))
}
