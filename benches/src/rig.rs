//! One pipeline under measurement: a simulator, the tap, and the daemon or the Python pipeline behind it.

use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::Deserialize;

use crate::figures::Sample;
use crate::house::{Daemon, Interface, PEER_TOPIC, PREFIX, PanelAt, Peer, Simulator, Tools, zone_poke};
use crate::mqtt::{Message, Subscriber};
use crate::process::{Process, Usage};
use crate::tap::{Line, Tap};

/// How long to wait after the last event until what it still causes is done: acknowledgements, retained state.
const SETTLE: Duration = Duration::from_millis(1500);

/// What runs behind the tap.
enum Pipeline {
    Ours(Daemon),
    Python(Peer),
}

pub(crate) struct Rig {
    simulator: Simulator,
    tap: Tap,
    pipeline: Pipeline,
    broker: SocketAddr,
    /// Zone changes so far.
    changes: usize,
}

/// What is done at the panel, and how it is recognised on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// A zone opens or closes.
    Zone,
    /// The medical key. Its restore, which the panel sends in the same breath, is not counted.
    Alarm,
}

impl Deed {
    fn is_line(self, line: &str) -> bool {
        match self {
            Self::Zone => line.starts_with("609") || line.starts_with("610"),
            Self::Alarm => line.starts_with("623"),
        }
    }
}

/// A steady run.
pub(crate) struct Paced {
    pub(crate) latency: Sample,
    pub(crate) lost: usize,
    /// Over the whole run.
    pub(crate) used: Usage,
}

/// A burst.
pub(crate) struct Burst {
    /// Events a second, from the first byte to the last event seen.
    pub(crate) rate: f64,
    pub(crate) lost: usize,
    /// Events seen after one that is younger.
    pub(crate) disordered: usize,
    pub(crate) used: Usage,
}

/// The part of an event that tells whether it is the right one. The Python pipeline numbers nothing.
#[derive(Deserialize)]
struct Seen {
    id: String,
    zone: Option<u64>,
}

impl Rig {
    pub(crate) fn ours(tools: &Tools, folder: &Path, broker: SocketAddr) -> Result<Self> {
        let (mut simulator, tap) = panel(tools)?;
        let at = PanelAt { interface: Interface::Envisalink, address: tap.address };
        let daemon = Daemon::start(tools, folder, broker, &[at])?;
        daemon.wait_online(1, Duration::from_secs(30))?;
        simulator.hold_open()?;
        daemon.wait_stored(1, Duration::from_secs(10))?;
        Self::settled(simulator, tap, Pipeline::Ours(daemon), broker)
    }

    pub(crate) fn python(tools: &Tools, broker: SocketAddr, name: &str) -> Result<Self> {
        let (mut simulator, tap) = panel(tools)?;
        let peer = Peer::start(tools, broker, tap.address, name)?;
        simulator.hold_open()?;
        // Five seconds after the log-in it presses a key; that shall not fall into a measurement.
        thread::sleep(Duration::from_secs(6));
        Self::settled(simulator, tap, Pipeline::Python(peer), broker)
    }

    fn settled(simulator: Simulator, tap: Tap, pipeline: Pipeline, broker: SocketAddr) -> Result<Self> {
        thread::sleep(SETTLE);
        Ok(Self { simulator, tap, pipeline, broker, changes: 0 })
    }

    pub(crate) fn process(&self) -> &Process {
        match &self.pipeline {
            Pipeline::Ours(daemon) => &daemon.process,
            Pipeline::Python(peer) => &peer.process,
        }
    }

    /// From the start of the Python pipeline to its log-in.
    pub(crate) fn peer_ready(&self) -> Option<Duration> {
        match &self.pipeline {
            Pipeline::Ours(_) => None,
            Pipeline::Python(peer) => Some(peer.ready),
        }
    }

    /// Does `count` deeds at a steady pace and tells how long each took from the panel's last byte to the subscriber.
    pub(crate) fn paced(&mut self, deed: Deed, count: usize, apart: Duration) -> Result<Paced> {
        let subscriber = self.subscribe(deed)?;
        self.tap.take();
        let before = self.process().usage()?;
        let mut next = Instant::now();
        for _ in 0..count {
            next += apart;
            thread::sleep(next.saturating_duration_since(Instant::now()));
            let poke = self.poke_of(deed);
            self.simulator.poke(&poke)?;
        }
        let events = subscriber.collect(count, Duration::from_secs(20), id_of);
        thread::sleep(SETTLE);
        let used = since(self.process().usage()?, before);
        let lines: Vec<Line> = self.tap.take().into_iter().filter(|line| deed.is_line(&line.text)).collect();
        let latency = self.pair(deed, &lines, &events)?;
        Ok(Paced { latency, lost: count - events.len().min(count), used })
    }

    /// Lets `count` zone changes go at once.
    pub(crate) fn burst(&mut self, count: usize, limit: Duration) -> Result<Burst> {
        let subscriber = self.subscribe(Deed::Zone)?;
        self.tap.shut();
        let pokes: String = (0..count).map(|_| self.poke_of(Deed::Zone)).collect();
        self.simulator.poke(&pokes)?;
        let made = self.tap.wait_held(count, Duration::from_secs(60), |line| Deed::Zone.is_line(line));
        ensure!(made, "the simulator did not make {count} lines within a minute");
        self.tap.take();
        let before = self.process().usage()?;
        let began = self.tap.release()?;
        let events = subscriber.collect(count, limit, id_of);
        thread::sleep(SETTLE);
        let used = since(self.process().usage()?, before);
        let lines: Vec<Line> = self.tap.take().into_iter().filter(|line| Deed::Zone.is_line(&line.text)).collect();
        let took = events.last().map_or(limit, |last| last.at.saturating_duration_since(began));
        let disordered = lines.iter().zip(&events).filter(|(line, event)| zone_of(line) != seen(event).zone).count();
        Ok(Burst { rate: events.len() as f64 / took.as_secs_f64(), lost: count - events.len(), disordered, used })
    }

    fn subscribe(&self, deed: Deed) -> Result<Subscriber> {
        let (filter, needle) = match (&self.pipeline, deed) {
            (Pipeline::Ours(_), Deed::Zone) => (format!("{PREFIX}/panels/+/event"), r#""class":"zone""#),
            (Pipeline::Ours(_), Deed::Alarm) => (format!("{PREFIX}/panels/+/event"), r#""kind":"medical_alarm""#),
            (Pipeline::Python(_), Deed::Zone) => (PEER_TOPIC.to_owned(), r#""kind": "zone""#),
            (Pipeline::Python(_), Deed::Alarm) => (PEER_TOPIC.to_owned(), r#""text": "Aux Alarm""#),
        };
        Subscriber::open(self.broker, "subscriber", &filter, needle)
    }

    fn poke_of(&mut self, deed: Deed) -> String {
        match deed {
            Deed::Zone => {
                self.changes += 1;
                zone_poke(self.changes - 1)
            }
            Deed::Alarm => "panic medical\n".to_owned(),
        }
    }

    /// Lines and events are paired by their order. What is lost would shift the pairs: then there is no latency.
    fn pair(&self, deed: Deed, lines: &[Line], events: &[Message]) -> Result<Sample> {
        if lines.len() != events.len() {
            return Ok(Sample::default());
        }
        for (line, event) in lines.iter().zip(events) {
            ensure!(deed != Deed::Zone || zone_of(line) == seen(event).zone, "events are out of order");
        }
        Ok(Sample::of_durations(lines.iter().zip(events).map(|(l, e)| e.at.saturating_duration_since(l.at))))
    }
}

fn panel(tools: &Tools) -> Result<(Simulator, Tap)> {
    let simulator = Simulator::start(tools, Interface::Envisalink, 0, 1)?;
    let tap = Tap::open(simulator.address)?;
    Ok((simulator, tap))
}

fn zone_of(line: &Line) -> Option<u64> {
    line.text.get(3..6)?.parse().ok()
}

fn seen(event: &Message) -> Seen {
    serde_json::from_slice(&event.payload).unwrap_or(Seen { id: String::new(), zone: None })
}

pub(crate) fn id_of(event: &Message) -> String {
    seen(event).id
}

fn since(now: Usage, before: Usage) -> Usage {
    Usage {
        disk: now.disk.saturating_sub(before.disk),
        cpu: now.cpu.saturating_sub(before.cpu),
        sleeps: now.sleeps.saturating_sub(before.sleeps),
    }
}

/// What a process uses while nothing happens.
pub(crate) fn at_rest(process: &Process, watched: Duration) -> Result<Usage> {
    let before = process.usage()?;
    thread::sleep(watched);
    Ok(since(process.usage()?, before))
}
