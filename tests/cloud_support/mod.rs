//! Shared by the cloud's tests: sample panels, schemas, a real broker, an outbox and an intake in memory.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod broker;
pub(crate) mod certificates;
pub(crate) mod gateway;
pub(crate) mod line;
pub(crate) mod log;
pub(crate) mod memory;
pub(crate) mod observer;
pub(crate) mod samples;
pub(crate) mod schemas;

use std::future::Future;
use std::time::Duration;

/// Waits for something that must come; fails the test when it does not within half a minute.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(30), future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for: {what}"),
    }
}
