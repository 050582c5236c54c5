//! Shared by the cloud's tests: sample panels, golden files, a real broker.

pub(crate) mod samples;
