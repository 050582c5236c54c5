//! The kit that drivers are tested with, tested itself: with a toy protocol that can be given bugs, and over real
//! sockets and ptys.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod conformance;
mod links;
mod listener;
mod pair;
mod run;
mod serve;
mod tls;
mod toy;

use std::future::Future;
use std::time::Duration;

/// Waits for what must come, and fails loudly when it does not.
async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(20), coming).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}
