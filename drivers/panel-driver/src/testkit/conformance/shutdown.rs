use std::time::Duration;

use super::{Failure, PairOf, Subject, online, pair, work, work_time, works};
use crate::DriverError;

/// Moments at which the driver is stopped in each phase.
const MOMENTS: u32 = 20;

/// Asked to stop, the session ends within ten seconds with [`DriverError::Shutdown`], at any moment of logging in,
/// resting and working; every command is answered; and a driver that is started afterwards finds the panel usable.
///
/// # Errors
/// It does not.
pub fn it_stops_in_time<S: Subject>(subject: &S) -> Result<(), Failure> {
    let login = online(subject, 1)?.elapsed();
    for moment in 0..MOMENTS {
        let mut pair = pair(subject, 1);
        pair.run_for(login * moment / MOMENTS)?;
        stops(subject, &mut pair).map_err(|failure| failure.when("stopped while logging in"))?;
    }
    let mut resting = online(subject, 1)?;
    resting.run_for(Duration::from_secs(300))?;
    stops(subject, &mut resting).map_err(|failure| failure.when("stopped while resting"))?;
    let time = work_time(subject)?;
    for moment in 0..MOMENTS {
        let mut pair = online(subject, 1)?;
        let ids = [pair.command(work(subject)), pair.command(work(subject))];
        pair.run_for(time * moment / MOMENTS)?;
        stops(subject, &mut pair).map_err(|failure| failure.when("stopped while working"))?;
        let answered = ids.iter().all(|id| pair.outcome(*id).is_some());
        pair.check(answered, "every command is answered when the driver has stopped")?;
    }
    Ok(())
}

fn stops<S: Subject>(subject: &S, pair: &mut PairOf<S>) -> Result<(), Failure> {
    // The pair itself fails when ten seconds are over.
    let end = pair.shutdown()?;
    pair.check(end == DriverError::Shutdown, &format!("the end is Shutdown, not {end:?}"))?;
    pair.restart();
    works(subject, pair)
}
