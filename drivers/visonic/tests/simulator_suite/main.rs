//! The simulator alone, driven as a host would: bytes in, bytes out, virtual time. The driver has no part in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod arming;
mod bench;
mod download;
mod faults;
mod garbage;
mod house;
mod link;
mod people;
mod power_master;
mod served;
mod status;
