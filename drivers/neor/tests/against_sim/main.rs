//! The session and the simulated panel, joined in memory under a virtual clock.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod bench;
mod dialects;
mod faults;
mod hard_times;
mod installer;
mod live;
mod users;
