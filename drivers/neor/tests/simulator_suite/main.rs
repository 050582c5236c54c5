//! The simulator alone, driven by a server made of codec and messages: bytes in, bytes out, virtual time. The driver
//! has no part in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod acceptance;
mod bench;
mod dialling;
mod events;
mod faults;
mod garbage;
mod handshake;
mod knobs;
mod numbers;
mod people;
mod programming;
mod sections;
mod status;
mod users;
