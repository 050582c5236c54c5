//! Tests that need a process of their own: this very test binary, started again for one test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

const ROLE: &str = "PANELGATE_TEST_CHILD";
const DIR: &str = "PANELGATE_TEST_DIR";

/// In the child of that role: the directory to work in.
pub(super) fn dir(role: &str) -> Option<PathBuf> {
    if std::env::var_os(ROLE).as_deref() == Some(OsStr::new(role)) {
        std::env::var_os(DIR).map(PathBuf::from)
    } else {
        None
    }
}

pub(super) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
}

/// A child at work. Killed when it is dropped.
pub(super) struct Child {
    process: std::process::Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts the test `name` (below `store::tests`) in a process of its own, in that role.
    pub(super) fn start(name: &str, role: &str, dir: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("our own binary"));
        command.args(["--exact", "--nocapture", "--test-threads=1", &format!("store::tests::{name}")]);
        let mut process = command.env(ROLE, role).env(DIR, dir).stdout(Stdio::piped()).spawn().expect("started");
        let lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        Self { process, lines }
    }

    /// Runs it to its end and returns its output.
    pub(super) fn run(name: &str, role: &str, dir: &Path) -> String {
        let mut child = Self::start(name, role, dir);
        let output: Vec<_> = child.lines.by_ref().map(|line| line.expect("text")).collect();
        assert!(child.process.wait().expect("ended").success(), "{output:#?}");
        output.join("\n")
    }

    /// The next line that it prints; `None` at its end.
    pub(super) fn line(&mut self) -> Option<String> {
        self.lines.next().map(|line| line.expect("text"))
    }

    /// Kills it like a power cut would, and returns the lines that it had printed.
    pub(super) fn kill(mut self) -> Vec<String> {
        self.process.kill().expect("killed");
        self.process.wait().expect("ended");
        self.lines.by_ref().map_while(Result::ok).collect()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Ended already, or a failing test leaves it behind.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
