//! A house of several panels: how quickly it starts, what it costs in memory and at rest.

use std::fs;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::figures::Sample;
use crate::house::{Daemon, Interface, PREFIX, PanelAt, Simulator, Tools, zone_poke};
use crate::mqtt::Subscriber;
use crate::process::Usage;
use crate::rig::{at_rest, id_of};

/// Users that a PC1864 holds beside its master.
pub(crate) const USERS: u16 = 94;

/// Memory is the median of so many samples, so far apart.
const SAMPLES: usize = 10;
const APART: Duration = Duration::from_millis(500);

/// Panels of which every second one is an IT-100, whose users can be read.
pub(crate) struct House {
    simulators: Vec<Simulator>,
    broker: SocketAddr,
}

pub(crate) struct Start {
    pub(crate) ready: Sample,
    pub(crate) online: Sample,
}

pub(crate) struct Memory {
    /// Users that the daemon reports, over all panels.
    pub(crate) users: usize,
    pub(crate) idle_kib: u64,
    pub(crate) rest: Usage,
    pub(crate) rested: Duration,
    /// After the events; none were asked for: as `idle_kib`.
    pub(crate) loaded_kib: u64,
    /// The most that was seen meanwhile.
    pub(crate) peak_kib: u64,
    pub(crate) lost: usize,
}

impl House {
    pub(crate) fn build(tools: &Tools, broker: SocketAddr, interfaces: &[Interface]) -> Result<Self> {
        Self::build_with(tools, broker, interfaces, Simulator::start)
    }

    /// The same with panels that take no time for anything.
    pub(crate) fn build_fast(tools: &Tools, broker: SocketAddr, interfaces: &[Interface]) -> Result<Self> {
        Self::build_with(tools, broker, interfaces, Simulator::start_fast)
    }

    fn build_with(
        tools: &Tools,
        broker: SocketAddr,
        interfaces: &[Interface],
        start: fn(&Tools, Interface, u16, usize) -> Result<Simulator>,
    ) -> Result<Self> {
        let simulators = interfaces.iter().enumerate();
        let simulators = simulators.map(|(n, interface)| start(tools, *interface, USERS, n + 1));
        Ok(Self { simulators: simulators.collect::<Result<_>>()?, broker })
    }

    fn panels(&self) -> Vec<PanelAt> {
        self.simulators.iter().map(|s| PanelAt { interface: s.interface, address: s.address }).collect()
    }

    fn start(&self, tools: &Tools, name: &str) -> Result<Daemon> {
        Daemon::start(tools, &tools.folder.join(name), self.broker, &self.panels())
    }

    /// Starts and stops the daemon on data that is there already.
    pub(crate) fn starts(&self, tools: &Tools, rounds: usize) -> Result<Start> {
        let (mut ready, mut online) = (Vec::new(), Vec::new());
        // The first start makes key and database, and warms the caches.
        for round in 0..=rounds {
            let filter = format!("{PREFIX}/panels/+/status");
            let statuses = Subscriber::open(self.broker, "statuses", &filter, r#""state":"online""#)?;
            // What the last start left on the broker.
            thread::sleep(Duration::from_millis(200));
            statuses.collect(usize::MAX, Duration::ZERO, |m| m.at);
            let daemon = self.start(tools, "starts")?;
            let seen = statuses.collect(self.simulators.len(), Duration::from_secs(30), |m| m.topic.clone());
            ensure!(seen.len() == self.simulators.len(), "{} panels came online", seen.len());
            let last = seen.last().context("no panel")?.at;
            if round > 0 {
                ready.push(daemon.ready);
                online.push(last.saturating_duration_since(daemon.began));
            }
            daemon.process.stop(Duration::from_secs(20))?;
        }
        Ok(Start { ready: Sample::of_durations(ready), online: Sample::of_durations(online) })
    }

    /// Starts the daemon on a fresh folder and measures it idle, at rest, and after `events` zone changes spread over the
    /// panels.
    pub(crate) fn memory(&mut self, tools: &Tools, name: &str, rest: Duration, events: usize) -> Result<Memory> {
        let _ = fs::remove_dir_all(tools.folder.join(name));
        let daemon = self.start(tools, name)?;
        daemon.wait_online(self.simulators.len(), Duration::from_secs(60))?;
        thread::sleep(Duration::from_secs(3));
        let used = at_rest(&daemon.process, rest)?;
        let users = self.read_users(&daemon)?;
        thread::sleep(Duration::from_secs(3));
        let idle_kib = daemon.process.settled_pss_kib(SAMPLES, APART)?;
        let mut memory =
            Memory { users, idle_kib, rest: used, rested: rest, loaded_kib: idle_kib, peak_kib: idle_kib, lost: 0 };
        if events > 0 {
            self.load(&daemon, events, &mut memory)?;
        }
        daemon.process.stop(Duration::from_secs(20))?;
        Ok(memory)
    }

    fn load(&mut self, daemon: &Daemon, events: usize, memory: &mut Memory) -> Result<()> {
        for simulator in &mut self.simulators {
            simulator.hold_open()?;
        }
        thread::sleep(Duration::from_secs(2));
        let filter = format!("{PREFIX}/panels/+/event");
        let subscriber = Subscriber::open(self.broker, "loader", &filter, r#""class":"zone""#)?;
        let each = events / self.simulators.len();
        let total = each * self.simulators.len();
        let step = 500;
        for first in (0..each).step_by(step) {
            let pokes: String = (first..each.min(first + step)).map(zone_poke).collect();
            for simulator in &mut self.simulators {
                simulator.poke(&pokes)?;
            }
            memory.peak_kib = memory.peak_kib.max(daemon.process.pss_kib()?);
        }
        let seen = subscriber.collect(total, Duration::from_secs(180), id_of).len();
        memory.lost = total - seen.min(total);
        memory.peak_kib = memory.peak_kib.max(daemon.process.pss_kib()?);
        thread::sleep(Duration::from_secs(3));
        memory.loaded_kib = daemon.process.settled_pss_kib(SAMPLES, APART)?;
        Ok(())
    }

    /// Reads the users of the panels that can tell them, and counts those that are reported.
    fn read_users(&self, daemon: &Daemon) -> Result<usize> {
        let readable = self.simulators.iter().enumerate().filter(|(_, s)| s.interface == Interface::It100);
        let readable: Vec<_> = readable.map(|(n, _)| n + 1).collect();
        daemon.read_users(&readable, usize::from(USERS), Duration::from_secs(180))?;
        let rows = daemon.ask(&["panels", "list"])?;
        let users = rows.as_array().context("a list")?.iter().filter_map(|row| row.get("users")?.as_u64()).sum::<u64>();
        Ok(usize::try_from(users)?)
    }
}
