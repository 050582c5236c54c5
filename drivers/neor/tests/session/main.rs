//! The session as a panel sees it, message by message. Virtual time, no runtime, no simulator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod bench;
mod capture;
mod handshake;
mod messages;
