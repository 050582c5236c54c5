//! Wires everything and keeps it running: supervisor, signals, service manager, log, lock.
//!
//! The only module that knows all the others, and nothing but `main.rs`, `demo` and the command line's `run` and
//! `check` knows it. Of its files only `registry.rs` names vendors.

mod health;
mod lock;
mod logging;
mod signals;
mod supervisor;

pub use health::{Health, notify, watchdog};
pub use lock::{DataDirLock, LockError};
pub use signals::StopSignals;
pub use supervisor::{RestartPolicy, Supervisor, UnitError, UnitState, UnitStates};
