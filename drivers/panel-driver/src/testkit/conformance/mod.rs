//! Checks that every driver passes, over its own simulator.
//!
//! A driver's test crate makes a [`Subject`] and calls [`all`]; a single check can be called by its name. What a
//! check needs to know it takes from the subject's capabilities: what they rule out is tried and must be refused.

mod lines;
mod refusals;
mod secrets;
mod shutdown;
mod start;

use std::fmt;
use std::time::{Duration, Instant};

use panel_model::{AccessCode, Capabilities, Slot};

use super::{Failure, NetFaults, Pair};
use crate::sim::Simulator;
use crate::{Command, Credentials, DriverStart, Outcome, Section, Session, SetUser};

pub use lines::{
    any_chunking_will_do, cut_lines_are_survived, garbage_is_survived, nasty_lines_are_survived, silence_is_noticed,
};
pub use refusals::{
    malformed_codes_are_refused, the_queue_is_bounded, unknown_numbers_are_refused, what_is_unsupported_is_refused,
};
pub use secrets::secrets_are_not_shown;
pub use shutdown::it_stops_in_time;
pub use start::{
    a_wrong_password_is_no_time_out, an_idle_hour_is_quiet, capabilities_are_stable, the_snapshot_comes_first,
};

/// What is checked: one configuration of one driver, with a simulated panel that suits it.
pub trait Subject: Clone + 'static {
    /// The driver's session.
    type Session: Session;
    /// The panel's side.
    type Panel: Simulator;

    /// As [`crate::DriverFactory::capabilities`].
    fn capabilities(&self) -> Capabilities;
    /// A session for the next connection.
    fn session(&self, start: DriverStart) -> Self::Session;
    /// A panel that takes the credentials of [`start`](Self::start), disarmed and at rest.
    fn panel(&self, now: Instant) -> Self::Panel;
    /// Credentials that the panel takes.
    fn start(&self) -> DriverStart;
    /// Credentials that the panel refuses at log-in; `None` where there is no log-in.
    fn wrong_start(&self) -> Option<DriverStart>;
    /// What cannot be known from the capabilities.
    fn facts(&self) -> Facts;
}

/// What the checks need to know of a subject.
#[derive(Debug, Clone)]
pub struct Facts {
    /// A slot whose code may be set, where codes can be written at all.
    pub slot: Slot,
    /// A code for it, of at least four digits that stand nowhere else by chance: it is looked for in all output.
    pub code: AccessCode,
    /// Words of the front panel that make the driver tell an event: `open 1`.
    pub event: &'static str,
}

/// The checks that failed.
pub struct Violations(pub Vec<(&'static str, Failure)>);

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (check, failure) in &self.0 {
            writeln!(f, "{check}: {failure}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Violations {}

type Check<S> = fn(&S) -> Result<(), Failure>;

/// Runs every check.
///
/// # Errors
/// All checks that failed, not only the first.
pub fn all<S: Subject>(subject: &S) -> Result<(), Violations> {
    let checks: [(&str, Check<S>); 15] = [
        ("the_snapshot_comes_first", the_snapshot_comes_first),
        ("capabilities_are_stable", capabilities_are_stable),
        ("a_wrong_password_is_no_time_out", a_wrong_password_is_no_time_out),
        ("an_idle_hour_is_quiet", an_idle_hour_is_quiet),
        ("what_is_unsupported_is_refused", what_is_unsupported_is_refused),
        ("unknown_numbers_are_refused", unknown_numbers_are_refused),
        ("malformed_codes_are_refused", malformed_codes_are_refused),
        ("the_queue_is_bounded", the_queue_is_bounded),
        ("secrets_are_not_shown", secrets_are_not_shown),
        ("it_stops_in_time", it_stops_in_time),
        ("any_chunking_will_do", any_chunking_will_do),
        ("garbage_is_survived", garbage_is_survived),
        ("cut_lines_are_survived", cut_lines_are_survived),
        ("silence_is_noticed", silence_is_noticed),
        ("nasty_lines_are_survived", nasty_lines_are_survived),
    ];
    let failed = checks.iter().filter_map(|(name, check)| Some((*name, check(subject).err()?)));
    let violations: Vec<_> = failed.collect();
    if violations.is_empty() { Ok(()) } else { Err(Violations(violations)) }
}

type PairOf<S> = Pair<<S as Subject>::Session, <S as Subject>::Panel>;

/// A pair of the subject that has not run yet.
fn pair<S: Subject>(subject: &S, seed: u64) -> PairOf<S> {
    let (panel, session) = (subject.clone(), subject.clone());
    Pair::new(seed, move |now| panel.panel(now), move |start| session.session(start)).with_start(subject.start())
}

/// A pair that is online.
fn online<S: Subject>(subject: &S, seed: u64) -> Result<PairOf<S>, Failure> {
    let mut pair = pair(subject, seed);
    pair.settle()?;
    pair.check(pair.is_online(), "the driver comes online over a good line")?;
    Ok(pair)
}

/// Something that takes the driver a while and can be repeated: a code to set or, where codes cannot be written, a
/// refresh.
fn work<S: Subject>(subject: &S) -> Command {
    if subject.capabilities().sections.codes.on_panel() {
        let facts = subject.facts();
        set_code(facts.slot, facts.code)
    } else {
        Command::Refresh(Section::State)
    }
}

fn set_code(slot: Slot, code: AccessCode) -> Command {
    Command::SetUser(SetUser { slot, code: Some(code), label: None, role: None, partitions: None })
}

/// On a good line the work succeeds, whatever went before.
fn works<S: Subject>(subject: &S, pair: &mut PairOf<S>) -> Result<(), Failure> {
    pair.set_faults(NetFaults::perfect());
    pair.settle()?;
    let outcome = pair.ask(work(subject))?;
    let applied = matches!(outcome, Outcome::Applied(_));
    pair.check(applied, &format!("`{}` is applied over a good line, not {outcome:?}", work(subject).name()))
}

/// How long the work takes over a good line.
fn work_time<S: Subject>(subject: &S) -> Result<Duration, Failure> {
    let mut pair = online(subject, 1)?;
    let before = pair.elapsed();
    works(subject, &mut pair)?;
    Ok(pair.elapsed() - before)
}

/// Codes and passwords that these credentials hold.
fn secrets_of(credentials: &Credentials) -> Vec<String> {
    let Credentials { password, master, previous_master, installer } = credentials;
    let codes = [master, previous_master].into_iter().flatten().map(|code| code.expose().to_owned());
    let others = [
        password.as_ref().map(|password| password.expose().to_owned()),
        installer.as_ref().map(|code| code.expose().to_owned()),
    ];
    codes.chain(others.into_iter().flatten()).collect()
}
