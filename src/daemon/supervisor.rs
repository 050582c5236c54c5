//! Keeps the daemon's units running: a unit that ends or panics is started again by one policy, and what was given
//! up is a state that everybody can see, not an exit.

#[cfg(panic = "abort")]
compile_error!("the supervisor catches the panic of a unit: build with panic = \"unwind\"");

use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use panel_driver::clock;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::{UnitState, UnitStates};

/// Why a unit ended, for the log and for people.
pub type UnitError = Box<dyn std::error::Error + Send + Sync>;

/// When a unit is started again.
#[derive(Debug, Clone, Copy)]
pub struct RestartPolicy {
    /// Wait before the first restart; doubles with each failure that follows closely.
    pub first: Duration,
    /// Longest wait.
    pub longest: Duration,
    /// So many restarts `within` are too many.
    pub most: usize,
    /// See `most`.
    pub within: Duration,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self { first: Duration::from_secs(1), longest: minute, most: 5, within: minute }
    }
}

/// Owns the units' tasks.
#[derive(Debug)]
pub struct Supervisor {
    tasks: TaskTracker,
    policy: RestartPolicy,
    states: watch::Sender<UnitStates>,
}

impl Supervisor {
    /// A supervisor without units.
    #[must_use]
    pub fn new(policy: RestartPolicy) -> Self {
        Self { tasks: TaskTracker::new(), policy, states: watch::Sender::new(UnitStates::new()) }
    }

    /// How the units stand, now and later.
    #[must_use]
    pub fn states(&self) -> watch::Receiver<UnitStates> {
        self.states.subscribe()
    }

    /// Starts a unit. `make` is called for each run; the run has to end soon after `stop` is cancelled.
    pub fn start<F, R>(&self, name: &str, stop: CancellationToken, make: F)
    where
        F: FnMut(CancellationToken) -> R + Send + 'static,
        R: Future<Output = Result<(), UnitError>> + Send + 'static,
    {
        let name = name.to_owned();
        let unit =
            Unit { name, policy: self.policy, states: self.states.clone(), failures: VecDeque::new(), streak: 0 };
        // Before its first run, so that whoever waits for its end does not miss it.
        unit.tell(UnitState::Running);
        self.tasks.spawn(unit.run(stop, make));
    }

    /// Waits until a unit has ended for good: it was stopped or given up, or there never was one of that name.
    pub async fn ended(&self, name: &str) {
        let ended = |state: &UnitState| matches!(state, UnitState::Stopped | UnitState::GaveUp { .. });
        // The sender lives as long as we do, so that waiting cannot fail.
        let _ = self.states().wait_for(|states| states.get(name).is_none_or(ended)).await;
    }
}

struct Unit {
    name: String,
    policy: RestartPolicy,
    states: watch::Sender<UnitStates>,
    /// Times of the failures that are younger than the policy's window.
    failures: VecDeque<Instant>,
    /// Failures that followed closely on each other.
    streak: u32,
}

impl Unit {
    async fn run<F, R>(mut self, stop: CancellationToken, mut make: F)
    where
        F: FnMut(CancellationToken) -> R + Send,
        R: Future<Output = Result<(), UnitError>> + Send,
    {
        loop {
            self.tell(UnitState::Running);
            let began = clock::now();
            let ended = AssertUnwindSafe(async { make(stop.clone()).await }).catch_unwind().await;
            if stop.is_cancelled() {
                return self.tell(UnitState::Stopped);
            }
            let why = match ended {
                Ok(Ok(())) => "it ended although nobody asked it to".to_owned(),
                Ok(Err(error)) => chain(error.as_ref()),
                Err(panic) => format!("it panicked: {}", panic_text(panic.as_ref())),
            };
            let Some(wait) = self.next_wait(began, clock::now()) else {
                tracing::error!(unit = self.name.as_str(), why, "failed too often; it is left alone until a restart");
                return self.tell(UnitState::GaveUp { why });
            };
            tracing::error!(unit = self.name.as_str(), why, ?wait, "failed; it is started again");
            self.tell(UnitState::Restarting { failures: self.streak, why });
            // Both arms are cancel-safe.
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return self.tell(UnitState::Stopped),
            }
        }
    }

    /// The wait before the next run, or `None` to give up.
    fn next_wait(&mut self, began: Instant, now: Instant) -> Option<Duration> {
        while self.failures.front().is_some_and(|at| now.duration_since(*at) > self.policy.within) {
            self.failures.pop_front();
        }
        if self.failures.len() >= self.policy.most {
            return None;
        }
        self.failures.push_back(now);
        let ran_well = now.duration_since(began) >= self.policy.longest;
        self.streak = if ran_well { 1 } else { self.streak.saturating_add(1) };
        let doubled = 1_u32.checked_shl(self.streak - 1).unwrap_or(u32::MAX);
        Some(jittered(self.policy.first.saturating_mul(doubled).min(self.policy.longest)))
    }

    fn tell(&self, state: UnitState) {
        self.states.send_modify(|states| {
            states.insert(self.name.clone(), state);
        });
    }
}

/// Up to a tenth more, so that several units do not come back in step.
fn jittered(wait: Duration) -> Duration {
    let share = getrandom::u32().unwrap_or(0) % 100;
    wait + wait * share / 1_000
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Starts a unit whose runs end as `plan` says; the last entry repeats.
    fn planned(supervisor: &Supervisor, stop: &CancellationToken, plan: &'static [&str]) -> Arc<AtomicU32> {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        supervisor.start("unit", stop.clone(), move |stop| {
            let run = counted.fetch_add(1, Ordering::Relaxed) as usize;
            let step = plan.get(run).or(plan.last()).copied().unwrap_or("stay");
            async move {
                match step {
                    "panic" => panic!("planned"),
                    "error" => Err("planned".into()),
                    "end" => Ok(()),
                    "slow error" => {
                        tokio::time::sleep(Duration::from_secs(300)).await;
                        Err("planned".into())
                    }
                    _ => {
                        stop.cancelled().await;
                        Ok(())
                    }
                }
            }
        });
        runs
    }

    async fn wait_for(supervisor: &Supervisor, wanted: impl Fn(&UnitState) -> bool) -> UnitState {
        let mut states = supervisor.states();
        let reached = states.wait_for(|states| states.get("unit").is_some_and(&wanted)).await.expect("supervised");
        reached["unit"].clone()
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_in_a_unit_is_caught_and_the_unit_runs_again() {
        let (supervisor, stop) = (Supervisor::new(RestartPolicy::default()), CancellationToken::new());
        let runs = planned(&supervisor, &stop, &["panic", "error", "end", "stay"]);
        let seen = wait_for(&supervisor, |s| matches!(s, UnitState::Restarting { .. })).await;
        assert_eq!(seen, UnitState::Restarting { failures: 1, why: "it panicked: planned".into() });
        wait_for(&supervisor, |_| runs.load(Ordering::Relaxed) == 4).await;
        stop.cancel();
        supervisor.ended("unit").await;
        assert_eq!(supervisor.states().borrow()["unit"], UnitState::Stopped);
    }

    #[tokio::test(start_paused = true)]
    async fn a_unit_that_fails_too_often_is_given_up_and_seen_to_be() {
        let (supervisor, stop) = (Supervisor::new(RestartPolicy::default()), CancellationToken::new());
        let runs = planned(&supervisor, &stop, &["error"]);
        let seen = wait_for(&supervisor, |s| matches!(s, UnitState::GaveUp { .. })).await;
        assert_eq!(seen, UnitState::GaveUp { why: "planned".into() });
        assert_eq!(runs.load(Ordering::Relaxed), 6, "the first run and five restarts");
        supervisor.ended("unit").await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_unit_that_fails_now_and_then_is_never_given_up() {
        let (supervisor, stop) = (Supervisor::new(RestartPolicy::default()), CancellationToken::new());
        let runs = planned(&supervisor, &stop, &["slow error"]);
        let mut states = supervisor.states();
        while runs.load(Ordering::Relaxed) < 20 {
            states.changed().await.expect("supervised");
        }
        assert!(!matches!(supervisor.states().borrow()["unit"], UnitState::GaveUp { .. }));
        stop.cancel();
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let policy = RestartPolicy { most: 100, ..RestartPolicy::default() };
        let mut unit = Unit {
            name: "unit".into(),
            policy,
            states: watch::Sender::new(UnitStates::new()),
            failures: VecDeque::new(),
            streak: 0,
        };
        let now = clock::now();
        let waits: Vec<u64> = (0..40).filter_map(|_| unit.next_wait(now, now)).map(|w| w.as_secs()).collect();
        let (quick, slow) = waits.split_at(6);
        assert!(
            quick.iter().zip([1, 2, 4, 8, 16, 32]).all(|(wait, from)| (from..=from + from / 10 + 1).contains(wait))
        );
        assert!(slow.iter().all(|wait| (60..=66).contains(wait)), "{slow:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_ends_a_unit_that_waits_for_its_restart() {
        let (supervisor, stop) = (Supervisor::new(RestartPolicy::default()), CancellationToken::new());
        planned(&supervisor, &stop, &["error"]);
        wait_for(&supervisor, |s| matches!(s, UnitState::Restarting { .. })).await;
        stop.cancel();
        supervisor.ended("unit").await;
        assert_eq!(supervisor.states().borrow()["unit"], UnitState::Stopped);
    }
}
