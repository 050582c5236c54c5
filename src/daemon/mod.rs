//! Wires everything and keeps it running: supervisor, signals, service manager, log.
//!
//! The only module that knows all the others, and nothing but `main.rs`, `demo` and the command line's `run` and
//! `check` knows it. Of its files only `registry.rs` names vendors.

mod health;
mod logging;
mod signals;
mod supervisor;

pub use health::{Health, notify, watchdog};
pub use signals::StopSignals;
pub use supervisor::{RestartPolicy, Supervisor, UnitError};
