//! The one place that reads clocks. Under tokio's paused test clock, [`now`] follows it.

use std::future::pending;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use panel_model::WallTime;
use rustix::time::{ClockId, clock_gettime};

/// Monotonic time.
#[must_use]
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Wall-clock time; the epoch if the clock stands before it.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is the seam")]
pub fn wall() -> WallTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// Time since the machine started, sleep included. Nobody can set it; it begins again with the machine.
#[must_use]
pub fn since_boot() -> Duration {
    // The kernel never gives a negative one; nothing would be locked for longer by it.
    clock_gettime(ClockId::Boottime).try_into().unwrap_or_default()
}

/// Waits until then; for ever if never. Cancel-safe.
pub(crate) async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => pending().await,
    }
}
