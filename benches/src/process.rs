//! Child processes, and what the kernel says about them.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A child that does not outlive the bench.
pub(crate) struct Process {
    pub(crate) child: Child,
    name: String,
}

/// Counters of a process at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Bytes that it caused to be written to the block device, what was truncated before being written taken off.
    pub(crate) disk: u64,
    /// Processor time of the threads that live.
    pub(crate) cpu: Duration,
    /// Times that a thread went to sleep by itself: wake-ups.
    pub(crate) sleeps: u64,
}

impl Process {
    /// Starts a command; its output goes to `log` unless it was set already by `pipes`.
    pub(crate) fn start(mut command: Command, name: &str, log: &Path, pipes: Pipes) -> Result<Self> {
        let log = fs::File::options().create(true).append(true).open(log)?;
        match pipes {
            Pipes::None => command.stdin(Stdio::null()).stdout(log.try_clone()?),
            Pipes::Both => command.stdin(Stdio::piped()).stdout(Stdio::piped()),
        };
        let child = command.stderr(log).spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { child, name: name.to_owned() })
    }

    /// Proportional set size in KiB: shared pages count by their share.
    pub(crate) fn pss_kib(&self) -> Result<u64> {
        let rollup = self.proc_file("smaps_rollup")?;
        field(&rollup, "Pss:").context("no Pss")
    }

    /// The median of some samples of [`pss_kib`](Self::pss_kib).
    pub(crate) fn settled_pss_kib(&self, samples: usize, apart: Duration) -> Result<u64> {
        let mut found = Vec::with_capacity(samples);
        for _ in 0..samples {
            thread::sleep(apart);
            found.push(self.pss_kib()?);
        }
        found.sort_unstable();
        found.get(samples / 2).copied().context("no samples")
    }

    pub(crate) fn usage(&self) -> Result<Usage> {
        let io = self.proc_file("io")?;
        let written = field(&io, "write_bytes:").context("no write_bytes")?;
        let cancelled = field(&io, "cancelled_write_bytes:").unwrap_or(0);
        let mut usage = Usage { disk: written.saturating_sub(cancelled), ..Usage::default() };
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let task = task?.path();
            // A thread may end while we look.
            let Ok(times) = fs::read_to_string(task.join("schedstat")) else { continue };
            let nanos = times.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
            usage.cpu += Duration::from_nanos(nanos);
            let status = fs::read_to_string(task.join("status")).unwrap_or_default();
            usage.sleeps += field(&status, "voluntary_ctxt_switches:").unwrap_or(0);
        }
        Ok(usage)
    }

    fn proc_file(&self, name: &str) -> Result<String> {
        let path = format!("/proc/{}/{name}", self.child.id());
        fs::read_to_string(&path).with_context(|| format!("{path}: has {} ended?", self.name))
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Asks it to stop (SIGTERM) and waits.
    pub(crate) fn stop(mut self, limit: Duration) -> Result<Duration> {
        let began = Instant::now();
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        while began.elapsed() < limit {
            if self.child.try_wait()?.is_some() {
                return Ok(began.elapsed());
            }
            thread::sleep(Duration::from_millis(5));
        }
        bail!("{} does not stop within {limit:?}", self.name)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether we talk with the child through pipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pipes {
    /// No: it reads nothing and writes to its log.
    None,
    /// Its stdin and stdout are ours.
    Both,
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
