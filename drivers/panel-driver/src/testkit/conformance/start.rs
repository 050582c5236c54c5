use std::time::Duration;

use super::{Failure, Subject, online, pair};
use crate::testkit::{NetFaults, seeds};
use crate::{DriverError, DriverEvent};

/// After each connect the full state comes before any change of it, whatever happens at the panel meanwhile.
///
/// # Errors
/// It does not, or no event comes at all.
pub fn the_snapshot_comes_first<S: Subject>(subject: &S) -> Result<(), Failure> {
    let event = subject.facts().event;
    seeds(20, |seed| {
        // The pair itself fails on an event before the snapshot.
        let mut pair = pair(subject, seed).with_faults(NetFaults { cut: 0.0, ..NetFaults::choppy() });
        for _ in 0..5 {
            pair.poke(event)?;
            let pause = pair.rng().between(Duration::ZERO, Duration::from_millis(500));
            pair.run_for(pause)?;
        }
        pair.settle()
    })?;
    let mut pair = online(subject, 1)?;
    pair.poke(event)?;
    pair.run_until(Duration::from_secs(60), |pair| pair.panel_events().next().is_some())
        .map_err(|failure| failure.when(&format!("after `{event}` an event should come")))
}

/// The driver says the same of the panel's abilities each time.
///
/// # Errors
/// It does not.
pub fn capabilities_are_stable<S: Subject>(subject: &S) -> Result<(), Failure> {
    let mut pair = online(subject, 1)?;
    pair.check(subject.capabilities() == subject.capabilities(), "the factory says the same twice")?;
    let told = |events: &[(Duration, DriverEvent)]| {
        events.iter().rev().find_map(|(_, event)| match event {
            DriverEvent::Capabilities(capabilities) => Some(capabilities.clone()),
            _ => None,
        })
    };
    pair.run_for(Duration::from_secs(60))?;
    let before = pair.events().len();
    let first = told(pair.events());
    pair.cut(Duration::from_secs(1))?;
    pair.settle()?;
    pair.run_for(Duration::from_secs(60))?;
    let second = told(pair.events().get(before..).unwrap_or_default());
    pair.check(first == second, "the next connection tells the same capabilities")
}

/// A refused log-in ends in [`DriverError::Auth`], at once and without hammering. Passed where there is no log-in.
///
/// # Errors
/// It ends otherwise, or late.
pub fn a_wrong_password_is_no_time_out<S: Subject>(subject: &S) -> Result<(), Failure> {
    let Some(start) = subject.wrong_start() else { return Ok(()) };
    let mut pair = pair(subject, 1).with_start(start);
    pair.run_until(Duration::from_secs(60), |pair| !pair.ends().is_empty())?;
    let end = pair.ends().first().map(|(_, end)| end.clone());
    pair.check(matches!(end, Some(DriverError::Auth(_))), &format!("the end is Auth, not {end:?}"))?;
    pair.check(!pair.is_online() && pair.state().is_none(), "nothing was told before log-in")?;
    pair.run_for(Duration::from_secs(600))?;
    pair.check(pair.ends().len() <= 3, "it is tried every five minutes at most")
}

/// An hour in which nothing happens keeps the driver online, and its timers make progress.
///
/// # Errors
/// The connection ended, or a timer stays in the past.
pub fn an_idle_hour_is_quiet<S: Subject>(subject: &S) -> Result<(), Failure> {
    let mut pair = online(subject, 1)?;
    // The pair itself fails on a time-out that makes no progress.
    pair.run_for(Duration::from_secs(3600))?;
    pair.check(pair.is_online() && pair.ends().is_empty(), "the connection lasts")?;
    let told = pair.panel_events().count();
    pair.check(told == 0, &format!("nothing happened and {told} events were told"))
}
