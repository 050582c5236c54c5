use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What a simulated panel is to do later, in the order of time and, at the same time, in the order of asking.
///
/// One task stands once, so an agenda is as bounded as the kinds of tasks are.
#[derive(Debug)]
pub struct Agenda<T> {
    queue: BTreeMap<(Instant, u64), T>,
    asked: u64,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { queue: BTreeMap::new(), asked: 0 }
    }
}

impl<T: PartialEq> Agenda<T> {
    /// An empty agenda.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a task down for `when`, in the place of the same task at another time.
    pub fn put(&mut self, when: Instant, task: T) {
        self.cancel(&task);
        self.asked += 1;
        self.queue.insert((when, self.asked), task);
    }

    /// Strikes a task out.
    pub fn cancel(&mut self, task: &T) {
        self.queue.retain(|_, other| other != task);
    }

    /// Whether the task is put down.
    #[must_use]
    pub fn has(&self, task: &T) -> bool {
        self.queue.values().any(|other| other == task)
    }

    /// Strikes everything out.
    pub fn clear(&mut self) {
        self.queue.clear();
    }

    /// When the first task is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.queue.keys().next().map(|(when, _)| *when)
    }

    /// Takes the first task whose time has come.
    pub fn pop_due(&mut self, now: Instant) -> Option<T> {
        let entry = self.queue.first_entry()?;
        if entry.key().0 <= now { Some(entry.remove()) } else { None }
    }
}

/// The next time of something that repeats; never at once, whatever the configuration says.
#[must_use]
pub fn later(now: Instant, pause: Duration) -> Instant {
    now + pause.max(Duration::from_millis(1))
}
