//! What is wished of the panel: taken in, tried step by step, answered, and given up where the panel's own change stands.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use panel_driver::Outcome;
use panel_model::{
    Access, Answer, CodeState, Condition, DesiredUser, Field, NotNow, PanelError, Slot, UserWish, WallTime,
};

use super::super::backoff;
use super::super::reconcile::{Plan, Step, plan};
use super::{Book, Changes, Waiting};

/// The panel's own word for a master code that it does not take (any more).
const MASTER_CODE_NEEDED: &str = "master_code_needed";
/// The code of [`Outcome::interrupted`].
const INTERRUPTED: &str = "interrupted";

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

impl Book {
    /// Takes in accepted wishes, already stored by the action that accepted them; what is left is to tell them.
    pub(in crate::panels) fn wish(&mut self, mut accepted: Accepted, changes: &mut Changes) {
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

    /// The panel's own change stands: what was applied of the wish is given up. What was not written yet is no
    /// contradiction: that the panel has something else is why it is wished, and after a line that broke half-way the
    /// change may be our own.
    pub(super) fn adopt(&mut self, slot: Slot, changes: &mut Changes) {
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
    pub(super) fn put_back(&mut self, wall: WallTime, slot: Slot, changes: &mut Changes) {
        for (key, answer) in self.picture.answers.iter_mut().filter(|(key, _)| key.0 == slot) {
            if matches!(answer.condition, Condition::Applied { .. }) {
                answer.condition = Condition::Pending { since: wall, tries: 0, why: None };
                changes.answers.insert(*key);
            }
        }
    }

    /// Neither applied nor refused nor failed for good.
    pub(super) fn is_open(&self, key: &(Slot, Field)) -> bool {
        let answer = self.picture.answers.get(key).map(|a| &a.condition);
        !matches!(
            answer,
            Some(Condition::Applied { .. } | Condition::Refused { .. } | Condition::Failed { next_try: None, .. })
        )
    }

    /// What to answer to everything that needs the master code, once the panel refused it.
    pub(in crate::panels) fn master_needed(&self) -> Option<Outcome> {
        self.master_needed.clone().map(Outcome::Failed)
    }

    /// The code that the panel refused is still the one that the box keeps: known from an earlier run.
    pub(in crate::panels) fn master_is_refused(&mut self) {
        let error = PanelError::lasting(
            MASTER_CODE_NEEDED,
            "the panel refused the master code that the box keeps; store the right one: set-credential",
        );
        self.picture.needs = Some(error.text.clone());
        self.master_needed = Some(error);
    }

    /// New credentials: what failed for want of them may be tried again.
    pub(in crate::panels) fn credentials_changed(&mut self, wall: WallTime, changes: &mut Changes) {
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
    pub(in crate::panels) fn next_step(&mut self, now: Instant, up: bool, changes: &mut Changes) -> Option<Step> {
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
    pub(in crate::panels) fn finish_step(
        &mut self,
        now: Instant,
        wall: WallTime,
        outcome: Outcome,
        changes: &mut Changes,
    ) {
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

    /// When a waiting value may be tried again, at the earliest. What could be tried already when it was last looked
    /// at, and was not, waits for something else than time.
    pub(in crate::panels) fn next_try(&self) -> Option<Instant> {
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
    pub(in crate::panels) fn retry_not_now(&mut self) {
        self.waiting.retain(|key, _| {
            let answer = self.picture.answers.get(key).map(|a| &a.condition);
            !matches!(answer, Some(Condition::Pending { .. }))
        });
    }

    /// The running step.
    pub(in crate::panels) fn running(&self) -> Option<&Step> {
        self.running.as_ref()
    }

    /// The wish that the running step works on.
    pub(in crate::panels) fn running_wish(&self) -> Option<&UserWish> {
        let step = self.running.as_ref()?;
        self.desired.get(&step.slot).map(|wish| &wish.wish)
    }

    /// The master code being written now, as (slot, code).
    pub(in crate::panels) fn writes_master(&self) -> bool {
        self.running
            .as_ref()
            .is_some_and(|step| step.field == Field::Code && self.picture.capabilities.is_master(step.slot))
    }
}
