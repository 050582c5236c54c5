//! The session with the JSON-RPC service of a PowerLink 3, over the simulated module.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod bench;
mod conformance;
mod faults;
mod ill;
mod installer;
mod service;
mod state;
mod tags;
mod tcp;
mod users;
