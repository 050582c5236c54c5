//! The kit that drivers are tested with, tested itself: with a toy protocol that can be given bugs, and over real
//! sockets and ptys.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod pair;
mod toy;
