//! Shared by the cloud's tests: sample panels, schemas, a real broker, an outbox and an intake in memory.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod samples;
pub(crate) mod schemas;
