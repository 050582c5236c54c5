//! Measures the daemon as its users run it, beside a bare round trip and a Python pipeline, and prints one table with
//! the budgets. Start it with `benches/run`; what each line means is said in `benches/README.md`.
//!
//! The daemon, the simulators, the broker and the Python pipeline are child processes. Linked in is only the codec.

#![allow(clippy::disallowed_methods, reason = "a bench reads the real clock and paces real work")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]

mod bare;
mod broker;
mod codec;
mod figures;
mod house;
mod mqtt;
mod offline;
mod process;
mod pull;
mod report;
mod rig;
mod tap;
mod whole;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::figures::Table;
use crate::house::Tools;

/// How much is measured.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// How often what can be repeated is repeated.
    pub(crate) rounds: usize,
    /// Events of a steady run.
    pub(crate) paced: usize,
    pub(crate) burst: usize,
    pub(crate) peer_burst: usize,
    /// Events before memory is measured again.
    pub(crate) load: usize,
    pub(crate) offline: usize,
    /// How long the processor is watched at rest.
    pub(crate) rest: Duration,
    /// Parts of the run, by name; empty is all.
    pub(crate) only: Vec<String>,
}

impl Plan {
    const FULL: Self = Self {
        rounds: 5,
        paced: 200,
        burst: 10_000,
        peer_burst: 2_000,
        load: 100_000,
        offline: 86_400,
        rest: Duration::from_secs(30),
        only: Vec::new(),
    };

    /// To see whether everything works; its figures are worth little.
    const QUICK: Self = Self {
        rounds: 1,
        paced: 40,
        burst: 2_000,
        peer_burst: 300,
        load: 10_000,
        offline: 5_000,
        rest: Duration::from_secs(5),
        only: Vec::new(),
    };

    pub(crate) fn has(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == part)
    }
}

const USAGE: &str = "panelgate-bench --daemon BIN --simulator BIN --python BIN --peer FOLDER --folder FOLDER \
                     [--quick] [--only codec,size,start,memory,latency,pull,offline]";

fn main() -> ExitCode {
    match run() {
        Ok(table) => {
            println!("{}", table.print());
            println!("{} budgets missed", table.missed());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Table> {
    let (tools, plan) = arguments()?;
    let mut table = Table::default();
    report::all(&tools, &plan, &mut table)?;
    Ok(table)
}

fn arguments() -> Result<(Tools, Plan)> {
    let mut words = std::env::args().skip(1);
    let mut plan = Plan::FULL;
    let (mut paths, mut only) = (std::collections::BTreeMap::new(), Vec::new());
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => plan = Plan::QUICK,
            "--only" => only = words.next().context(USAGE)?.split(',').map(str::to_owned).collect(),
            "--daemon" | "--simulator" | "--python" | "--peer" | "--folder" => {
                paths.insert(word, PathBuf::from(words.next().context(USAGE)?));
            }
            _ => bail!("{word}? {USAGE}"),
        }
    }
    plan.only = only;
    let mut path = |name: &str| paths.remove(name).with_context(|| format!("{name} is missing. {USAGE}"));
    let tools = Tools {
        daemon: path("--daemon")?,
        simulator: path("--simulator")?,
        python: path("--python")?,
        peer: path("--peer")?,
        folder: path("--folder")?,
    };
    std::fs::create_dir_all(&tools.folder)?;
    // Relative paths in a configuration count from its folder.
    let folder = tools.folder.canonicalize()?;
    Ok((Tools { folder, ..tools }, plan))
}
