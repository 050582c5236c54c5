//! A day without the broker: as many events as it has seconds wait in the outbox, then the broker is back.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::broker::Broker;
use crate::house::{Daemon, Interface, PREFIX, PanelAt, Simulator, Tools, zone_poke};
use crate::mqtt::Subscriber;
use crate::rig::id_of;

/// The panel's last word before the broker is back.
const LAST_ZONE: u64 = 8;

pub(crate) struct Drained {
    /// From the broker's return to the first event: what the back-off took.
    pub(crate) first_after: Duration,
    /// From the broker's return to the last event.
    pub(crate) took: Duration,
    pub(crate) lost: usize,
    pub(crate) disordered: usize,
    pub(crate) pss_before_kib: u64,
    pub(crate) pss_peak_kib: u64,
    pub(crate) pss_after_kib: u64,
    /// Bytes to disk per event, for storing it and for taking it out again.
    pub(crate) disk_per_event: f64,
}

pub(crate) fn run(tools: &Tools, events: usize) -> Result<Drained> {
    let folder = tools.folder.join("offline");
    std::fs::create_dir_all(&folder)?;
    let mut broker = Broker::prepare(&folder)?;
    let mut simulator = Simulator::start(tools, Interface::Envisalink, 0, 1)?;
    let panel = PanelAt { interface: Interface::Envisalink, address: simulator.address };
    let daemon = Daemon::start(tools, &folder, broker.address, &[panel])?;
    daemon.wait_online(1, Duration::from_secs(30))?;
    simulator.hold_open()?;
    daemon.wait_stored(1, Duration::from_secs(10))?;
    let process = &daemon.process;
    let (pss_before_kib, before) = (process.pss_kib()?, process.usage()?);

    // At a pace that leaves the line alone: a panel hangs up on a client that does not read. The last poke makes one
    // event more, which stands for the others: events are stored in order.
    for first in (0..events - 1).step_by(1000) {
        let pokes: String = (first..(events - 1).min(first + 1000)).map(zone_poke).collect();
        simulator.poke(&pokes)?;
        thread::sleep(Duration::from_millis(150));
    }
    simulator.poke(&format!("open {LAST_ZONE}"))?;
    daemon.wait_stored(LAST_ZONE, Duration::from_secs(600))?;

    broker.run()?;
    let back = Instant::now();
    let subscriber =
        Subscriber::open(broker.address, "cloud", &format!("{PREFIX}/panels/+/event"), r#""class":"zone""#)?;
    let mut pss_peak_kib = 0;
    // Zone 1 waited too.
    let wanted = events + 1;
    let mut found = Vec::new();
    while found.len() < wanted && back.elapsed() < Duration::from_secs(300) {
        found.extend(subscriber.collect(wanted - found.len(), Duration::from_millis(250), id_of));
        pss_peak_kib = pss_peak_kib.max(process.pss_kib()?);
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|event| seen.insert(id_of(event)));
    let (first, last) = (found.first().context("nothing came")?, found.last().context("nothing came")?);
    let sequence: Vec<u64> = found.iter().filter_map(|event| seq_of(&event.payload)).collect();
    let disordered = sequence.windows(2).filter(|pair| pair.first() > pair.last()).count();
    let (first_after, took) = (first.at - back, last.at - back);

    thread::sleep(Duration::from_secs(2));
    let disk = process.usage()?.disk.saturating_sub(before.disk);
    let pss_after_kib = process.settled_pss_kib(5, Duration::from_millis(500))?;
    let lost = wanted - found.len().min(wanted);
    Ok(Drained {
        first_after,
        took,
        lost,
        disordered,
        pss_before_kib,
        pss_peak_kib,
        pss_after_kib,
        disk_per_event: disk as f64 / events as f64,
    })
}

fn seq_of(payload: &[u8]) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(payload).ok()?.get("seq")?.as_u64()
}
