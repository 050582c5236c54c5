//! A small world for tests of the whole daemon: a real broker, simulated panels and the daemon, each a process of its
//! own, and a stock MQTT client that watches. Nothing here sleeps: everything waits for a line, a message or an exit,
//! with a deadline that a slow machine does not reach.
//!
//! Start with [`Site`]: it writes the configuration, starts the daemon and asks it by command line.

#![allow(dead_code, unused_imports, reason = "each test file uses a part of the world")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::print_stderr, reason = "a failing test says what it saw")]

mod broker;
mod cable;
mod canary;
mod cli;
mod desk;
mod lines;
mod observer;
mod panel;
mod port;
mod program;
mod site;
mod terminal;
mod wall;

use std::time::Duration;

pub(crate) use broker::Broker;
pub(crate) use cable::{Cable, Direction};
pub(crate) use canary::{Canary, without_times_and_ids};
pub(crate) use cli::Answer;
pub(crate) use desk::{Answered, Desk, kid, new_signer, seconds};
pub(crate) use lines::Lines;
pub(crate) use observer::{Message, Observer, Seen, zone_changes};
pub(crate) use panel::{Sim, SimPanel};
pub(crate) use port::free_port;
pub(crate) use program::{Program, panelgate};
pub(crate) use site::{Daemon, PanelSpec, Site};
pub(crate) use terminal::Terminal;

/// How long anything may take before a test gives up: `TEST_DEADLINE` seconds, 90 unless told. Only ever waited for in
/// full by a test that fails.
pub(crate) fn deadline() -> Duration {
    Duration::from_secs(std::env::var("TEST_DEADLINE").map_or(90, |text| text.parse().unwrap()))
}
