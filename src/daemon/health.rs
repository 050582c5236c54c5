//! What the service manager hears of us: ready, alive, stopping.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use panel_driver::BoxFuture;
use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::api::{UnitState, UnitStates};

/// How long the service manager may take to listen, where somebody waits for it.
const HEARD_WITHIN: Duration = Duration::from_secs(1);

/// Tells the service manager, if there is one.
pub(super) async fn notify(state: NotifyState<'static>) {
    if timeout(HEARD_WITHIN, tell(state)).await.is_err() {
        tracing::warn!("the service manager does not listen");
    }
}

/// Beside the one thread that everything runs on: a service manager that does not read its socket makes the sender wait.
async fn tell(state: NotifyState<'static>) {
    let told = tokio::task::spawn_blocking(move || sd_notify::notify(&[state])).await;
    if let Ok(Err(error)) = told {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// Asks the units whether they still turn, and feeds the watchdog only while each of them answers.
///
/// A unit answers from inside its own loop, so that a loop that hangs is noticed although the process lives. A unit that
/// the supervisor is about to start again, or has given up, is not asked: that is known, and a restart of everything
/// would not mend it.
pub struct Health {
    units: watch::Receiver<UnitStates>,
    probes: Vec<(String, Probe)>,
}

type Probe = Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.probes.iter().map(|(name, _)| name)).finish()
    }
}

impl Health {
    /// Asks nobody yet.
    #[must_use]
    pub fn new(units: watch::Receiver<UnitStates>) -> Self {
        Self { units, probes: Vec::new() }
    }

    /// Adds a unit: `ask` completes when its loop has turned once more.
    pub fn watch<R>(&mut self, unit: &str, ask: impl Fn() -> R + Send + Sync + 'static)
    where
        R: Future<Output = ()> + Send + 'static,
    {
        self.probes.push((unit.to_owned(), Box::new(move || Box::pin(ask()))));
    }

    /// The first unit that does not answer within `patience`.
    pub async fn first_silent(&self, patience: Duration) -> Option<&str> {
        for (unit, ask) in &self.probes {
            let mut units = self.units.clone();
            let answered = async {
                tokio::select! {
                    () = ask() => {}
                    _ = units.wait_for(|units| units.get(unit).is_some_and(|state| *state != UnitState::Running)) => {}
                }
            };
            if timeout(patience, answered).await.is_err() {
                return Some(unit);
            }
        }
        None
    }

    /// Feeds the watchdog for ever, as often as `watchdog` asks for; returns never. Dropping it stops the feeding.
    pub async fn feed(&self, watchdog: Duration) {
        let mut ticks = interval(watchdog / 3);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.first_silent(watchdog / 6).await {
                // Waited for to its end, so that one thread at most waits for a manager that does not listen.
                None => tell(NotifyState::Watchdog).await,
                Some(unit) => tracing::error!(unit, "does not answer; the watchdog is not fed"),
            }
        }
    }
}

/// How often the service manager wants to hear of us, if at all.
#[must_use]
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_unit_that_hangs_is_named_and_one_that_is_down_is_not_asked() {
        let units = watch::Sender::new(UnitStates::from([("cloud".to_owned(), UnitState::Running)]));
        let mut health = Health::new(units.subscribe());
        health.watch("store", || async {});
        assert_eq!(health.first_silent(Duration::from_secs(5)).await, None);
        health.watch("cloud", std::future::pending);
        assert_eq!(health.first_silent(Duration::from_secs(5)).await, Some("cloud"));
        units.send_modify(|units| {
            units.insert("cloud".to_owned(), UnitState::GaveUp { why: "it panicked".into() });
        });
        assert_eq!(health.first_silent(Duration::from_secs(5)).await, None);
    }
}
