//! What the box knows of one panel and what is wished of it: pure bookkeeping. Everything that has to be stored
//! because of a change is collected in [`Changes`]; the owner task commits it, then publishes the new picture.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use panel_driver::{DriverEvent, Outcome, Residue};
use panel_model::{
    Access, AccessCode, Answer, CodeState, Condition, DesiredUser, EventClass, EventKind, Evidence, Field, Known,
    NotNow, PanelError, PanelEvent, PanelSnapshot, PanelState, ReportedUser, Slot, UserReport, UserWish, WallTime,
    ZoneState,
};

use super::Authority;
use super::backoff;
use super::reconcile::{Plan, Step, Work, plan};
use crate::secrets::Keys;

/// The panel's own word for a master code that it does not take (any more).
const MASTER_CODE_NEEDED: &str = "master_code_needed";
/// The code of [`Outcome::interrupted`].
const INTERRUPTED: &str = "interrupted";

/// What one or more changes mean for the store. Empty means: nothing to store.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) events: Vec<(WallTime, PanelEvent)>,
    /// The state as it was stored, if it is different now.
    pub(super) state_before: Option<PanelState>,
    pub(super) users: BTreeSet<Slot>,
    pub(super) answers: BTreeSet<(Slot, Field)>,
    /// What is left of wishes that a change at the panel overruled.
    pub(super) adopted: BTreeMap<Slot, DesiredUser>,
    /// Codes that a panel showed, to be sealed.
    pub(super) codes: Vec<(Slot, AccessCode)>,
    pub(super) residue: Option<Option<Residue>>,
    pub(super) master_proved: bool,
    /// The previous master code holds.
    pub(super) master_reverted: bool,
    /// The panel refused the master code that the box keeps.
    pub(super) master_refused: bool,
    /// Something in the picture changed that is not stored.
    pub(super) picture: bool,
}

impl Changes {
    pub(super) fn is_stored(&self) -> bool {
        !self.events.is_empty()
            || self.state_before.is_some()
            || self.reports_users()
            || !self.adopted.is_empty()
            || !self.codes.is_empty()
            || self.residue.is_some()
            || self.touches_master()
    }

    fn touches_master(&self) -> bool {
        self.master_proved || self.master_reverted || self.master_refused
    }

    /// Users or answers changed: the reported version rises.
    pub(super) fn reports_users(&self) -> bool {
        !self.users.is_empty() || !self.answers.is_empty()
    }

    /// Whether company may be waited for: only zone traffic and diagnostics may.
    pub(super) fn can_wait(&self) -> bool {
        let patient = |class| matches!(class, EventClass::Zone | EventClass::Level | EventClass::Diagnostic);
        let no_writes = !self.reports_users() && self.residue.is_none() && !self.touches_master();
        no_writes && self.events.iter().all(|(_, event)| patient(event.kind.class()))
    }
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    tries: u32,
    until: Instant,
}

/// The book of one panel.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) picture: PanelSnapshot,
    desired: BTreeMap<Slot, DesiredUser>,
    authority: Authority,
    keys: Arc<Keys>,
    waiting: BTreeMap<(Slot, Field), Waiting>,
    running: Option<Step>,
    /// The panel did not take the master code: nothing that needs it is tried before somebody stores another one.
    master_needed: Option<PanelError>,
    /// When [`Book::next_step`] last looked for something to do.
    looked_at: Option<Instant>,
}

impl Book {
    pub(super) fn new(
        picture: PanelSnapshot,
        desired: BTreeMap<Slot, DesiredUser>,
        authority: Authority,
        keys: Arc<Keys>,
    ) -> Self {
        Self {
            picture,
            desired,
            authority,
            keys,
            waiting: BTreeMap::new(),
            running: None,
            master_needed: None,
            looked_at: None,
        }
    }

    /// Takes in one event of the driver.
    pub(super) fn take(&mut self, wall: WallTime, event: DriverEvent, changes: &mut Changes) {
        match event {
            DriverEvent::Snapshot(report) => {
                let before = self.picture.state.clone();
                let differences = self.picture.state.resync(*report);
                changes.events.extend(differences.into_iter().map(|event| (wall, event)));
                self.state_changed(before, changes);
            }
            DriverEvent::Happened(event) => self.happened(wall, event, changes),
            DriverEvent::User(report) => self.user_reported(wall, *report, changes),
            DriverEvent::UsersStale => self.users_stale(wall, changes),
            DriverEvent::ZoneLabel(zone, label) => self.relabel(changes, |state| {
                state.zones.entry(zone).or_insert_with(ZoneState::default).label = Some(label);
            }),
            DriverEvent::PartitionLabel(partition, label) => self.relabel(changes, |state| {
                if let Some(known) = state.partitions.get_mut(&partition) {
                    known.label = Some(label);
                }
            }),
            DriverEvent::Capabilities(capabilities) => {
                changes.picture |= self.picture.capabilities != *capabilities;
                self.picture.capabilities = *capabilities;
            }
            DriverEvent::Firmware(text) => {
                changes.picture |= self.picture.firmware.as_ref() != Some(&text);
                self.picture.firmware = Some(text);
            }
            DriverEvent::Alive => {}
            DriverEvent::Progress(_, progress) => {
                let over = progress.done >= progress.total;
                self.picture.progress = (!over).then_some(progress);
                changes.picture = true;
            }
            DriverEvent::Residue(residue) => changes.residue = Some(residue),
            // While a new master code is being written, the proof is still about the old one.
            DriverEvent::MasterProved => changes.master_proved |= !self.writes_master(),
            DriverEvent::MasterReverted => changes.master_reverted |= !self.writes_master(),
        }
    }

    fn state_changed(&self, before: PanelState, changes: &mut Changes) {
        if before != self.picture.state && changes.state_before.is_none() {
            changes.state_before = Some(before);
        }
    }

    fn relabel(&mut self, changes: &mut Changes, change: impl FnOnce(&mut PanelState)) {
        let before = self.picture.state.clone();
        change(&mut self.picture.state);
        self.state_changed(before, changes);
    }

    fn happened(&mut self, wall: WallTime, event: PanelEvent, changes: &mut Changes) {
        let before = changes.state_before.is_none().then(|| self.picture.state.clone());
        let changed = self.picture.state.apply(&event);
        if changed && before.is_some() {
            changes.state_before = before;
        }
        if !changed && event.kind.is_change() {
            // Told again, as panels do when a bell cuts off: nothing happened.
            return;
        }
        if event.is_published() {
            changes.events.push((wall, event));
        }
    }

    fn user_reported(&mut self, wall: WallTime, report: UserReport, changes: &mut Changes) {
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

    /// Neither applied nor refused nor failed for good.
    fn is_open(&self, key: &(Slot, Field)) -> bool {
        let answer = self.picture.answers.get(key).map(|a| &a.condition);
        !matches!(
            answer,
            Some(Condition::Applied { .. } | Condition::Refused { .. } | Condition::Failed { next_try: None, .. })
        )
    }

    /// The panel's own change stands: what was applied of the wish is given up. What was not written yet is no
    /// contradiction: that the panel has something else is why it is wished, and after a line that broke half-way the
    /// change may be our own.
    fn adopt(&mut self, slot: Slot, changes: &mut Changes) {
        let mut kept: BTreeSet<Field> = Field::ALL.into_iter().filter(|field| self.is_open(&(slot, *field))).collect();
        let gone = self.picture.users.get(&slot).is_some_and(|user| user.code.value == CodeState::None);
        if gone && !kept.contains(&Field::Code) {
            // Values of a user who is not there any more (U6).
            kept.clear();
        }
        if let Some(mut wish) = self.desired.remove(&slot) {
            wish.keep_only(&kept);
            if !wish.wish.is_empty() {
                self.desired.insert(slot, wish.clone());
            }
            changes.adopted.insert(slot, wish);
        }
        self.waiting.retain(|(s, field), _| *s != slot || kept.contains(field));
        let dropped = |key: &(Slot, Field)| key.0 == slot && !kept.contains(&key.1);
        changes.answers.extend(self.picture.answers.keys().filter(|key| dropped(key)));
        self.picture.answers.retain(|key, _| !dropped(key));
    }

    /// The wish stands: what was applied of it is to be looked at again, and written where it is gone.
    fn put_back(&mut self, wall: WallTime, slot: Slot, changes: &mut Changes) {
        for (key, answer) in self.picture.answers.iter_mut().filter(|(key, _)| key.0 == slot) {
            if matches!(answer.condition, Condition::Applied { .. }) {
                answer.condition = Condition::Pending { since: wall, tries: 0, why: None };
                changes.answers.insert(*key);
            }
        }
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
        new
    }

    fn users_stale(&mut self, wall: WallTime, changes: &mut Changes) {
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

    /// Takes in accepted wishes, already stored by the action that accepted them; what is left is to tell them.
    pub(super) fn wish(&mut self, mut accepted: Accepted, changes: &mut Changes) {
        // Two doors may tell in another order than they stored: the newer wish for a slot stands.
        let version = accepted.desired_version;
        let newer = |slot: &Slot| self.desired.get(slot).is_some_and(|wish| wish.version > version);
        let overtaken: BTreeSet<_> = accepted.answered.iter().copied().filter(newer).collect();
        accepted.answers.retain(|(slot, _), _| !overtaken.contains(slot));
        for slot in accepted.answered.iter().filter(|slot| !overtaken.contains(slot)) {
            self.waiting.retain(|(s, _), _| s != slot);
            changes.answers.extend(self.picture.answers.keys().filter(|(s, _)| s == slot));
            self.picture.answers.retain(|(s, _), _| s != slot);
        }
        for wish in accepted.wishes.into_iter().filter(|wish| !overtaken.contains(&wish.slot)) {
            self.desired.insert(wish.slot, wish);
        }
        for slot in accepted.dropped.iter().filter(|slot| !overtaken.contains(slot)) {
            self.desired.remove(slot);
        }
        changes.answers.extend(accepted.answers.keys().copied());
        changes.picture = true;
        self.picture.answers.extend(accepted.answers);
        self.picture.desired_version = self.picture.desired_version.max(accepted.desired_version);
        self.picture.cloud_version = self.picture.cloud_version.max(accepted.cloud_version);
    }

    /// What to answer to everything that needs the master code, once the panel refused it.
    pub(super) fn master_needed(&self) -> Option<Outcome> {
        self.master_needed.clone().map(Outcome::Failed)
    }

    /// The code that the panel refused is still the one that the box keeps: known from an earlier run.
    pub(super) fn master_is_refused(&mut self) {
        let error = PanelError::lasting(
            MASTER_CODE_NEEDED,
            "the panel refused the master code that the box keeps; store the right one: set-credential",
        );
        self.picture.needs = Some(error.text.clone());
        self.master_needed = Some(error);
    }

    /// New credentials: what failed for want of them may be tried again.
    pub(super) fn credentials_changed(&mut self, wall: WallTime, changes: &mut Changes) {
        self.picture.needs = None;
        self.master_needed = None;
        changes.picture = true;
        let waiting = &mut self.waiting;
        for (key, answer) in &mut self.picture.answers {
            let lacking =
                matches!(&answer.condition, Condition::Failed { error, .. } if error.code == MASTER_CODE_NEEDED);
            if lacking {
                answer.condition = Condition::Pending { since: wall, tries: 0, why: None };
                changes.answers.insert(*key);
                waiting.remove(key);
            }
        }
    }

    /// The next step, if one can be tried at `now`; marks it as running. Answers that turned out to be true already
    /// are put into `changes`.
    /// While the panel is not connected (`up`), only what the box keeps by itself is done.
    pub(super) fn next_step(&mut self, now: Instant, up: bool, changes: &mut Changes) -> Option<Step> {
        if self.running.is_some() {
            return None;
        }
        self.looked_at = Some(now);
        let kept = self.picture.capabilities.sections.labels == Access::Cached;
        let may_try = |slot, field| {
            let reachable = up || (field == Field::Label && kept);
            reachable && self.waiting.get(&(slot, field)).is_none_or(|w| w.until <= now)
        };
        let picture = &self.picture;
        let Plan { next, applied } =
            plan(&self.desired, &picture.users, &picture.answers, &picture.capabilities, may_try);
        for (key, answer) in applied {
            self.picture.answers.insert(key, answer);
            changes.answers.insert(key);
        }
        self.running.clone_from(&next);
        next
    }

    /// Takes in how the running step ended.
    pub(super) fn finish_step(&mut self, now: Instant, wall: WallTime, outcome: Outcome, changes: &mut Changes) {
        let Some(step) = self.running.take() else { return };
        self.picture.progress = None;
        let key = (step.slot, step.field);
        let overtaken = self.desired.get(&step.slot).is_some_and(|wish| wish.version > step.version);
        let condition = match outcome {
            Outcome::Applied(evidence) => {
                self.waiting.remove(&key);
                return self.apply_step(wall, &step, evidence, changes);
            }
            // A newer wish came meanwhile: this end says nothing about it.
            _ if overtaken => return,
            Outcome::Refused(refusal) => Condition::Refused { refusal },
            Outcome::Failed(error) if error.code == INTERRUPTED => {
                // Not the panel's no: it is written again as soon as the panel is back, more slowly each time.
                let tries = self.tries(key).saturating_add(1);
                let wait = if tries == 1 { Duration::ZERO } else { backoff::write_again(tries) };
                self.waiting.insert(key, Waiting { tries, until: now + wait });
                Condition::Pending { since: self.since(key, wall), tries, why: Some(error.text) }
            }
            Outcome::Failed(error) => self.failed(now, wall, key, error, changes),
            Outcome::NotNow(NotNow { why }) => {
                let tries = self.tries(key);
                self.waiting.insert(key, Waiting { tries, until: now + backoff::NOT_NOW });
                Condition::Pending { since: self.since(key, wall), tries, why: Some(why) }
            }
        };
        self.answer(key, step.version, condition, changes);
    }

    fn failed(
        &mut self,
        now: Instant,
        wall: WallTime,
        key: (Slot, Field),
        error: PanelError,
        changes: &mut Changes,
    ) -> Condition {
        if error.code == MASTER_CODE_NEEDED && self.master_needed.is_none() {
            self.picture.needs = Some(error.text.clone());
            self.master_needed = Some(error.clone());
            changes.master_refused = true;
        }
        let tries = self.tries(key).saturating_add(1);
        let wait = backoff::write_again(tries);
        self.waiting.insert(key, Waiting { tries, until: now + wait });
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let next_try = error.retry.then_some(WallTime(wall.0.saturating_add(millis)));
        Condition::Failed { error, next_try }
    }

    fn tries(&self, key: (Slot, Field)) -> u32 {
        self.waiting.get(&key).map_or(0, |w| w.tries)
    }

    fn since(&self, key: (Slot, Field), wall: WallTime) -> WallTime {
        match self.picture.answers.get(&key).map(|a| &a.condition) {
            Some(Condition::Pending { since, .. }) => *since,
            _ => wall,
        }
    }

    fn answer(&mut self, key: (Slot, Field), version: u64, condition: Condition, changes: &mut Changes) {
        let answer = Answer { version, condition };
        if self.picture.answers.get(&key) != Some(&answer) {
            self.picture.answers.insert(key, answer);
            changes.answers.insert(key);
        }
    }

    /// The driver proved the step: what it wrote is now what the panel has. Where the driver reported the very value
    /// with its own evidence, that stands.
    fn apply_step(&mut self, wall: WallTime, step: &Step, evidence: Evidence, changes: &mut Changes) {
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

    /// When a waiting value may be tried again, at the earliest. What could be tried already when it was last looked
    /// at, and was not, waits for something else than time.
    pub(super) fn next_try(&self) -> Option<Instant> {
        if self.running.is_some() {
            return None;
        }
        let looked_at = self.looked_at;
        self.waiting
            .iter()
            .filter(|(key, _)| {
                let closed = self.picture.answers.get(key).map(|a| &a.condition);
                !matches!(closed, Some(Condition::Refused { .. } | Condition::Applied { .. }))
                    && !matches!(closed, Some(Condition::Failed { next_try: None, .. }))
            })
            .map(|(_, waiting)| waiting.until)
            .filter(|until| looked_at.is_none_or(|at| *until > at))
            .min()
    }

    /// The panel's state changed: what was not possible may be possible now.
    pub(super) fn retry_not_now(&mut self) {
        self.waiting.retain(|key, _| {
            let answer = self.picture.answers.get(key).map(|a| &a.condition);
            !matches!(answer, Some(Condition::Pending { .. }))
        });
    }

    /// The master code being written now, as (slot, code).
    pub(super) fn writes_master(&self) -> bool {
        self.running
            .as_ref()
            .is_some_and(|step| step.field == Field::Code && self.picture.capabilities.is_master(step.slot))
    }

    /// The running step.
    pub(super) fn running(&self) -> Option<&Step> {
        self.running.as_ref()
    }

    /// The wish that the running step works on.
    pub(super) fn running_wish(&self) -> Option<&UserWish> {
        let step = self.running.as_ref()?;
        self.desired.get(&step.slot).map(|wish| &wish.wish)
    }
}

/// Wishes that an action accepted and stored.
#[derive(Debug, Default, Clone)]
pub(crate) struct Accepted {
    pub(crate) wishes: Vec<DesiredUser>,
    /// Slots whose former answers are void.
    pub(crate) answered: Vec<Slot>,
    /// Slots that are no longer governed.
    pub(crate) dropped: Vec<Slot>,
    /// First answers: pending or refused.
    pub(crate) answers: BTreeMap<(Slot, Field), Answer>,
    pub(crate) desired_version: u64,
    /// 0 if the wish did not come from the cloud.
    pub(crate) cloud_version: u64,
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
