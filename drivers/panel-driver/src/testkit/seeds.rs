use std::any::Any;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Failure;

/// Runs a scenario under the seeds 1 to `count` and returns the first failure; a panic of the scenario counts as one.
///
/// Two variables of the environment change what is run: `PAIR_SEED=17` runs that seed alone, `PAIR_SEEDS=10000` runs
/// so many instead of `count`.
///
/// # Errors
/// The first [`Failure`], with its seed.
pub fn seeds(count: u64, mut scenario: impl FnMut(u64) -> Result<(), Failure>) -> Result<(), Failure> {
    let (first, last) = match number("PAIR_SEED") {
        Some(seed) => (seed, seed),
        None => (1, number("PAIR_SEEDS").unwrap_or(count)),
    };
    for seed in first..=last {
        // The scenario's values are not looked at again after a panic.
        match catch_unwind(AssertUnwindSafe(|| scenario(seed))) {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => return Err(Failure { seed: Some(seed), ..failure }),
            Err(panic) => return Err(Failure { seed: Some(seed), ..Failure::new(panic_text(panic.as_ref())) }),
        }
    }
    Ok(())
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("(no text)"))
}
