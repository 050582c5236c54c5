//! The simulator alone, driven as a client would: bytes in, bytes out, virtual time. The driver has no part in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod bench;
mod envisalink;
mod faults;
mod garbage;
mod it100;
mod menus;
mod people;
