//! Things to do later, in the order of their time and, at the same time, in the order they were asked for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub(super) struct Agenda<T> {
    queue: BTreeMap<(Instant, u64), T>,
    asked: u64,
}

impl<T: PartialEq> Agenda<T> {
    pub(super) fn new() -> Self {
        Self { queue: BTreeMap::new(), asked: 0 }
    }

    /// Puts a task down for `when`, in the place of the same task at another time. One task stands once, so the
    /// agenda is as bounded as the kinds of tasks are.
    pub(super) fn put(&mut self, when: Instant, task: T) {
        self.cancel(&task);
        self.asked += 1;
        self.queue.insert((when, self.asked), task);
    }

    pub(super) fn cancel(&mut self, task: &T) {
        self.queue.retain(|_, other| other != task);
    }

    pub(super) fn has(&self, task: &T) -> bool {
        self.queue.values().any(|other| other == task)
    }

    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.queue.keys().next().map(|(when, _)| *when)
    }

    /// Takes the first task whose time has come.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<T> {
        let entry = self.queue.first_entry()?;
        if entry.key().0 <= now { Some(entry.remove()) } else { None }
    }
}

/// The next time of something that repeats; never at once, whatever the configuration says.
pub(super) fn later(now: Instant, pause: Duration) -> Instant {
    now + pause.max(Duration::from_millis(1))
}
