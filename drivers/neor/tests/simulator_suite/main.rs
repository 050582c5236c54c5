//! The simulator alone, driven by a server made of codec and messages: bytes in, bytes out, virtual time. The driver
//! has no part in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod bench;
mod handshake;
mod users;
