use std::time::Duration;

use super::{Failure, Subject, online, pair, work, work_time, works};
use crate::testkit::{NetFaults, seeds};
use crate::{Outcome, Retry};

/// Moments at which the line is cut.
const MOMENTS: u32 = 20;

/// Bytes may come one by one.
///
/// # Errors
/// The driver then does not work.
pub fn any_chunking_will_do<S: Subject>(subject: &S) -> Result<(), Failure> {
    let mut pair = pair(subject, 1).with_faults(NetFaults { split: 1.0, ..NetFaults::perfect() });
    pair.settle()?;
    pair.check(pair.is_online() && pair.ends().is_empty(), "online without a second try, byte by byte")?;
    let outcome = pair.ask(work(subject))?;
    pair.check(matches!(outcome, Outcome::Applied(_)), &format!("the work is applied byte by byte, not {outcome:?}"))
}

/// Noise on the line, at log-in and later, is passed over; or it ends the connection, and the next one works.
///
/// # Errors
/// The driver panics, gives up for good, or does not work afterwards.
pub fn garbage_is_survived<S: Subject>(subject: &S) -> Result<(), Failure> {
    seeds(30, |seed| {
        let mut pair = pair(subject, seed);
        if seed % 2 == 0 {
            pair.settle()?;
        }
        for _ in 0..20 {
            let length = pair.rng().below(200);
            let noise: Vec<u8> = (0..length).map(|_| pair.rng().byte()).collect();
            pair.inject_to_driver(noise);
            let pause = pair.rng().between(Duration::ZERO, Duration::from_millis(300));
            pair.run_for(pause)?;
        }
        let last = pair.ends().last().map(|(_, end)| end.clone());
        let gave_up = last.as_ref().is_some_and(|end| end.retry() == Retry::Never);
        pair.check(!gave_up, &format!("noise does not end the driver for good ({last:?})"))?;
        works(subject, &mut pair)
    })
}

/// A line that is cut, at log-in or in the middle of work, leaves no command unanswered, and the next connection
/// comes online and can do the same work again.
///
/// # Errors
/// It does not.
pub fn cut_lines_are_survived<S: Subject>(subject: &S) -> Result<(), Failure> {
    let login = online(subject, 1)?.elapsed();
    let time = work_time(subject)?;
    for moment in 0..=MOMENTS {
        let mut early = pair(subject, 1);
        early.run_for(login * moment / MOMENTS)?;
        early.cut(Duration::from_secs(2))?;
        works(subject, &mut early).map_err(|failure| failure.when("after a cut at log-in"))?;
        let mut pair = online(subject, 1)?;
        let id = pair.command(work(subject));
        pair.run_for(time * moment / MOMENTS)?;
        pair.cut(Duration::from_secs(2))?;
        pair.check(pair.outcome(id).is_some(), "the command is answered when the line is cut")?;
        works(subject, &mut pair).map_err(|failure| failure.when("after a cut in the middle of work"))?;
    }
    Ok(())
}

/// A line that goes dead without being cut (a half-open connection, a pulled serial cable) is noticed within ten
/// minutes, and the driver works again when the line does.
///
/// # Errors
/// It is not.
pub fn silence_is_noticed<S: Subject>(subject: &S) -> Result<(), Failure> {
    let mut pair = online(subject, 1)?;
    pair.silence(Duration::from_secs(1200));
    pair.run_until(Duration::from_secs(600), |pair| !pair.ends().is_empty())
        .map_err(|failure| failure.when("the line is dead and the connection should end"))?;
    pair.run_for(Duration::from_secs(1200))?;
    works(subject, &mut pair)
}

/// Over a line with every fault the rules hold; and when the line is good again, so is the driver.
///
/// A line that garbles a code makes the panel refuse it, and a careful driver then waits: for a lock-out to pass or,
/// with a lasting failure, for a person. Both come here: an hour passes, and the person starts the driver again.
///
/// # Errors
/// A broken rule, or a driver that does not come back.
pub fn nasty_lines_are_survived<S: Subject>(subject: &S) -> Result<(), Failure> {
    let event = subject.facts().event;
    seeds(50, |seed| {
        let mut pair = pair(subject, seed).with_faults(NetFaults::nasty());
        for _ in 0..5 {
            pair.poke(event)?;
            pair.command(work(subject));
            let pause = pair.rng().between(Duration::ZERO, Duration::from_secs(20));
            pair.run_for(pause)?;
        }
        pair.set_faults(NetFaults::perfect());
        pair.settle()?;
        match pair.ask(work(subject))? {
            Outcome::Applied(_) => return Ok(()),
            Outcome::Failed(error) if !error.retry => {
                pair.shutdown()?;
                pair.restart();
            }
            _ => {}
        }
        pair.run_for(Duration::from_secs(3600))?;
        works(subject, &mut pair)
    })
}
