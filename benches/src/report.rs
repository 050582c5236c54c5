//! What is measured in which order, and what a figure is held against.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::Plan;
use crate::bare::Bare;
use crate::broker::{self, Broker};
use crate::figures::{Row, Sample, Table, Verdict, mib, number};
use crate::house::{Interface, Tools};
use crate::process::Usage;
use crate::rig::{Burst, Deed, Paced, Rig, at_rest};
use crate::whole::{House, USERS};
use crate::{codec, offline, pull};

/// Steady pace of alarms, of the bare round trip and of the Python pipeline.
const PACE: Duration = Duration::from_millis(50);
/// Slower than four a second, also when the disk holds one up: each zone event is committed at once.
const SLOW: Duration = Duration::from_millis(500);

pub(crate) fn all(tools: &Tools, plan: &Plan, table: &mut Table) -> Result<()> {
    println!("{}", surroundings(tools));
    if plan.has("size") {
        size(tools, table)?;
    }
    if plan.has("codec") {
        frames(tools, plan, table)?;
    }
    let broker = Broker::start(&tools.folder)?;
    let mut peer = PeerFigures::default();
    if plan.has("latency") {
        pipelines(tools, plan, &broker, &mut peer, table)?;
    }
    if plan.has("start") {
        starts(tools, plan, broker.address, &peer, table)?;
    }
    if plan.has("memory") {
        memory(tools, plan, &broker, &peer, table)?;
    }
    if plan.has("pull") {
        users_pulled(tools, plan, broker.address, table)?;
    }
    drop(broker);
    if plan.has("offline") {
        day_offline(tools, plan, table)?;
    }
    Ok(())
}

/// 48 users over a serial line, beside what its speed and the panel's turns allow.
fn users_pulled(tools: &Tools, plan: &Plan, broker: SocketAddr, table: &mut Table) -> Result<()> {
    for baud in [9600, 38_400] {
        let pulls = pull::pulls(tools, broker, baud, 3 * plan.rounds)?;
        let (to, from) = pulls.bytes;
        table.add(Row {
            what: format!("48 users of a PowerMaster at {baud} baud, {to} bytes to it and {from} from it, ms"),
            ours: pulls.took.spread(0),
            beside: format!("line {}, panel's turns {}", number(pulls.wire.median(), 0), pulls.panel.spread(0)),
            ratio: format!("{} %", number(pulls.share.median(), 1)),
            budget: "95 % of the time is theirs".into(),
            verdict: Verdict::of(pulls.share.median() >= 95.0),
        });
        table.add(Row {
            what: format!("the same at {baud} baud, from the start of the command line to its end, ms"),
            ours: pulls.command.spread(0),
            beside: String::new(),
            ratio: String::new(),
            budget: String::new(),
            verdict: Verdict::Told,
        });
    }
    Ok(())
}

/// What the Python pipeline showed beside its events.
#[derive(Default)]
struct PeerFigures {
    ready: Option<Duration>,
    idle_kib: Option<u64>,
    loaded_kib: Option<u64>,
    rest: Option<(Usage, Duration)>,
}

fn surroundings(tools: &Tools) -> String {
    let first_line = |program: &str, word: &str| {
        let output = Command::new(program).arg(word).output();
        let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
        text.lines().next().unwrap_or("?").to_owned()
    };
    let daemon = first_line(&tools.daemon.to_string_lossy(), "--version");
    let mosquitto = first_line(broker::program(), "-h");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("?", |m| m.1);
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{daemon}; {mosquitto}; Linux {}, {cores} x {model}; load before the run {}\n\
         Durable means: SQLite WAL with synchronous=FULL (fdatasync at each commit) here and in the Python pipeline, \
         an append and fdatasync in the bare round trip, all on the same file system.\n",
        kernel.trim(),
        load.split(' ').next().unwrap_or("?"),
    )
}

fn size(tools: &Tools, table: &mut Table) -> Result<()> {
    let bytes = fs::metadata(&tools.daemon)?.len();
    table.add(Row {
        what: "binary, vendor features only, stripped".into(),
        ours: format!("{} MiB", number(mib(bytes / 1024), 2)),
        beside: String::new(),
        ratio: String::new(),
        budget: "10 MiB (all vendors and console)".into(),
        verdict: Verdict::of(bytes <= 10 << 20),
    });
    Ok(())
}

fn frames(tools: &Tools, plan: &Plan, table: &mut Table) -> Result<()> {
    let each = Duration::from_millis(500);
    let ours = codec::ours(plan.rounds, each)?;
    let (python, versions) = codec::python(tools, plan.rounds, each)?;
    println!("{versions}\n");
    let rows = [
        ("codec: bytes to messages, beside its parser, frames/s", ours.decode, python.decode, ""),
        ("codec: bytes to messages, beside its handlers, frames/s", ours.understood, python.understood, "50 x"),
        ("codec: commands to bytes, frames/s", ours.encode, python.encode, ""),
    ];
    for (what, ours, python, budget) in rows {
        let ratio = ours.median() / python.median();
        table.add(Row {
            what: what.into(),
            ours: ours.spread(0),
            beside: format!("pyenvisalink {}", python.spread(0)),
            ratio: format!("{} x", number(ratio, 0)),
            budget: budget.into(),
            verdict: if budget.is_empty() { Verdict::Told } else { Verdict::of(ratio >= 50.0) },
        });
    }
    Ok(())
}

/// The figures of one kind of steady run, over all rounds.
#[derive(Default)]
struct Series {
    p50: Vec<f64>,
    p99: Vec<f64>,
    disk: Vec<f64>,
    lost: usize,
    events: usize,
}

impl Series {
    fn add(&mut self, latency: &Sample) {
        self.p50.push(latency.percentile(50.0));
        self.p99.push(latency.percentile(99.0));
        self.events += latency.len();
    }

    fn add_run(&mut self, run: &Paced, count: usize) {
        self.add(&run.latency);
        self.disk.push(run.used.disk as f64 / count as f64);
        self.lost += run.lost;
    }

    fn text(&self) -> String {
        let [p50, p99] = [&self.p50, &self.p99].map(|values| Sample::new(values.clone()));
        let lost = if self.lost > 0 { format!(", {} LOST", self.lost) } else { String::new() };
        format!("p50 {} ms, p99 {} ms{lost}", number(p50.median(), 2), p99.spread(2))
    }

    fn p99(&self) -> f64 {
        Sample::new(self.p99.clone()).median()
    }

    fn disk(&self) -> Sample {
        Sample::new(self.disk.clone())
    }
}

/// The bare round trip, the daemon and the Python pipeline in turn, all on one broker and one disk.
fn pipelines(tools: &Tools, plan: &Plan, broker: &Broker, peer: &mut PeerFigures, table: &mut Table) -> Result<()> {
    let mut bare = Bare::open(broker.address, &tools.folder)?;
    let folder = tools.folder.join("latency");
    let mut ours = Rig::ours(tools, &folder, broker.address)?;
    let mut python = Rig::python(tools, broker.address, "latency")?;
    peer.ready = python.peer_ready();
    peer.idle_kib = Some(python.process().settled_pss_kib(5, Duration::from_millis(200))?);
    peer.rest = Some((at_rest(python.process(), plan.rest)?, plan.rest));
    // Warm-up of all three.
    bare.run(20, PACE)?;
    ours.paced(Deed::Alarm, 20, PACE)?;
    python.paced(Deed::Alarm, 20, PACE)?;

    let (mut base, mut alarms, mut slow, mut paced) =
        (Series::default(), Series::default(), Series::default(), Series::default());
    let (mut peer_alarms, mut peer_zones) = (Series::default(), Series::default());
    let (mut bursts, mut peer_bursts) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        base.add(&bare.run(plan.paced, PACE)?);
        alarms.add_run(&ours.paced(Deed::Alarm, plan.paced, PACE)?, plan.paced);
        slow.add_run(&ours.paced(Deed::Zone, plan.paced / 4, SLOW)?, plan.paced / 4);
        paced.add_run(&ours.paced(Deed::Zone, plan.paced, PACE)?, plan.paced);
        peer_alarms.add_run(&python.paced(Deed::Alarm, plan.paced, PACE)?, plan.paced);
        peer_zones.add_run(&python.paced(Deed::Zone, plan.paced, PACE)?, plan.paced);
        bursts.push(ours.burst(plan.burst, Duration::from_secs(60))?);
        peer_bursts.push(python.burst(plan.peer_burst, Duration::from_secs(120))?);
    }
    peer.loaded_kib = Some(python.process().settled_pss_kib(5, Duration::from_millis(200))?);
    latency_rows(&base, [&alarms, &slow, &paced], [&peer_alarms, &peer_zones], table);
    burst_row(plan, &bursts, &peer_bursts, table);
    disk_rows(plan, [&alarms, &slow, &paced], &bursts, [&peer_alarms, &peer_zones], &peer_bursts, table);
    Ok(())
}

fn latency_rows(base: &Series, ours: [&Series; 3], peer: [&Series; 2], table: &mut Table) {
    let [alarms, slow, paced] = ours;
    let [peer_alarms, peer_zones] = peer;
    let rows = [
        ("alarm, own commit, 20/s", alarms, 0.0, "p99 within 2 x bare"),
        ("zone, 2/s (each committed at once)", slow, 0.0, "p99 within 2 x bare"),
        ("zone, 20/s (grouped: up to 250 ms by rule)", paced, 250.0, "250 ms + 2 x bare"),
    ];
    for (what, series, rule, budget) in rows {
        let ratio = (series.p99() - rule).max(0.0) / base.p99();
        let over = if rule > 0.0 { " over the rule" } else { "" };
        table.add(Row {
            what: format!("latency, {what}"),
            ours: series.text(),
            beside: format!("bare {}", base.text()),
            ratio: format!("p99 {} x{over}", number(ratio, 2)),
            budget: budget.into(),
            verdict: Verdict::of(ratio <= 2.0 && series.lost == 0 && series.events > 0),
        });
    }
    for (what, series, peer) in [("alarm", alarms, peer_alarms), ("zone (ours at 2/s)", slow, peer_zones)] {
        table.add(Row {
            what: format!("latency, {what}, beside Python at 20/s"),
            ours: series.text(),
            beside: format!("Python {}", peer.text()),
            ratio: format!("p99 {} x", number(peer.p99() / series.p99(), 1)),
            budget: "3 x below".into(),
            verdict: Verdict::of(peer.p99() >= 3.0 * series.p99()),
        });
    }
}

fn burst_row(plan: &Plan, ours: &[Burst], peer: &[Burst], table: &mut Table) {
    let [rates, peer_rates] = [ours, peer].map(|runs| Sample::new(runs.iter().map(|run| run.rate).collect()));
    let lost: usize = ours.iter().map(|run| run.lost).sum();
    let disordered: usize = ours.iter().map(|run| run.disordered).sum();
    let peer_lost: usize = peer.iter().map(|run| run.lost).sum();
    let ratio = rates.median() / peer_rates.median();
    table.add(Row {
        what: format!("one panel's burst of {} zone events, events/s", number(plan.burst as f64, 0)),
        ours: format!("{}, lost {lost}, out of order {disordered}", rates.spread(0)),
        beside: format!("Python {}, lost {peer_lost}", peer_rates.spread(0)),
        ratio: format!("{} x", number(ratio, 1)),
        budget: "20 x, none lost".into(),
        verdict: Verdict::of(ratio >= 20.0 && lost + disordered == 0),
    });
    let cpu = |runs: &[Burst], count: usize| {
        Sample::new(runs.iter().map(|run| run.used.cpu.as_secs_f64() * 1e6 / count as f64).collect())
    };
    let (ours, peer) = (cpu(ours, plan.burst), cpu(peer, plan.peer_burst));
    table.add(Row {
        what: "processor time per event in that burst, us".into(),
        ours: ours.spread(0),
        beside: format!("Python {}", peer.spread(0)),
        ratio: format!("{} x", number(peer.median() / ours.median(), 1)),
        budget: String::new(),
        verdict: Verdict::Told,
    });
}

fn disk_rows(
    plan: &Plan,
    ours: [&Series; 3],
    bursts: &[Burst],
    peer: [&Series; 2],
    peer_bursts: &[Burst],
    table: &mut Table,
) {
    let burst = |runs: &[Burst], count: usize| {
        Sample::new(runs.iter().map(|run| run.used.disk as f64 / count as f64).collect())
    };
    let [alarms, slow, paced] = ours.map(Series::disk);
    let [peer_alarms, peer_zones] = peer.map(Series::disk);
    let peer_burst = burst(peer_bursts, plan.peer_burst);
    let rows = [
        ("zones in a burst", burst(bursts, plan.burst), &peer_burst, Some(1536.0)),
        ("zones at 20/s", paced, &peer_zones, Some(1536.0)),
        ("zones at 2/s", slow, &peer_zones, None),
        ("alarms with their restores at 20/s", alarms, &peer_alarms, None),
    ];
    for (what, ours, peer, budget) in rows {
        table.add(Row {
            what: format!("bytes to disk per event, {what}"),
            ours: ours.spread(0),
            beside: format!("Python {}", peer.spread(0)),
            ratio: format!("{} x", number(peer.median() / ours.median(), 1)),
            budget: budget.map_or("own commits".into(), |bytes| format!("{} B", number(bytes, 0))),
            verdict: budget.map_or(Verdict::Told, |bytes| Verdict::of(ours.median() <= bytes)),
        });
    }
}

fn starts(tools: &Tools, plan: &Plan, broker: SocketAddr, peer: &PeerFigures, table: &mut Table) -> Result<()> {
    let house = House::build(tools, broker, &[Interface::Envisalink; 5])?;
    let start = house.starts(tools, plan.rounds)?;
    let python = peer.ready.map(|ready| ready.as_secs_f64() * 1e3);
    let rows = [
        ("start to READY, 5 panels, ms", start.ready, 200.0, "200 ms"),
        ("start to every panel online at the broker, ms", start.online, 300.0, "300 ms + handshake"),
    ];
    for (what, sample, budget, text) in rows {
        table.add(Row {
            what: what.into(),
            ours: sample.spread(0),
            beside: python.map(|ms| format!("Python, 1 panel logged in: {}", number(ms, 0))).unwrap_or_default(),
            ratio: python.map(|ms| format!("{} x", number(ms / sample.median(), 1))).unwrap_or_default(),
            budget: text.into(),
            verdict: Verdict::of(sample.median() <= budget),
        });
    }
    Ok(())
}

fn memory(tools: &Tools, plan: &Plan, broker: &Broker, peer: &PeerFigures, table: &mut Table) -> Result<()> {
    let panels = |count: usize| vec![Interface::It100; count];
    let eleven = House::build_fast(tools, broker.address, &panels(11))?.memory(tools, "memory-11", plan.rest, 0)?;
    let five = House::build_fast(tools, broker.address, &panels(5))?.memory(tools, "memory-5", plan.rest, plan.load)?;
    let python = |kib: Option<u64>, what: &str| {
        kib.map_or_else(String::new, |kib| format!("Python, 1 panel, {what}: {}", number(mib(kib), 1)))
    };
    let times = |kib: Option<u64>, ours: u64| {
        kib.map_or_else(String::new, |kib| format!("{} x", number(kib as f64 / ours as f64, 1)))
    };
    let events = number(plan.load as f64, 0);
    let (most, extra) = (number(mib(five.peak_kib), 1), (eleven.idle_kib as f64 - five.idle_kib as f64) / 6.0);
    let mosquitto = broker.pss_kib().map_or_else(String::new, |kib| format!("; mosquitto {}", number(mib(kib), 1)));
    let rows = [
        (
            format!("memory (PSS) idle, 5 panels, {} users, MiB", five.users),
            number(mib(five.idle_kib), 2),
            python(peer.idle_kib, "idle"),
            times(peer.idle_kib, five.idle_kib),
            "12 MiB",
            five.idle_kib <= 12 << 10,
        ),
        (
            format!("memory (PSS) idle, 11 panels, {} users, MiB", eleven.users),
            number(mib(eleven.idle_kib), 2),
            python(peer.idle_kib, "idle") + &mosquitto,
            times(peer.idle_kib, eleven.idle_kib),
            "12 MiB (of 5 panels, 1 000 users)",
            eleven.idle_kib <= 12 << 10,
        ),
        (
            format!("memory (PSS) after {events} events, 5 panels, MiB"),
            format!("{}, at most {most}, lost {}", number(mib(five.loaded_kib), 2), five.lost),
            python(peer.loaded_kib, "after its events"),
            times(peer.loaded_kib, five.loaded_kib),
            "20 MiB",
            five.loaded_kib <= 20 << 10 && five.lost == 0,
        ),
        (
            format!("memory per further panel with {} users, KiB", u32::from(USERS) + 1),
            number(extra, 0),
            String::new(),
            String::new(),
            "150 KiB",
            extra <= 150.0,
        ),
    ];
    for (what, ours, beside, ratio, budget, kept) in rows {
        table.add(Row { what, ours, beside, ratio, budget: budget.into(), verdict: Verdict::of(kept) });
    }
    let percent = |used: Usage, watched: Duration| used.cpu.as_secs_f64() / watched.as_secs_f64() * 100.0;
    let wakes = |used: Usage, watched: Duration| number(used.sleeps as f64 / watched.as_secs_f64(), 1);
    let rest = percent(five.rest, five.rested);
    table.add(Row {
        what: "processor at rest, 5 panels".into(),
        ours: format!(
            "{} %, {} wake-ups/s, {} B to disk",
            number(rest, 3),
            wakes(five.rest, five.rested),
            five.rest.disk
        ),
        beside: peer.rest.map_or_else(String::new, |(used, watched)| {
            format!("Python, 1 panel: {} %, {} wake-ups/s", number(percent(used, watched), 3), wakes(used, watched))
        }),
        ratio: peer
            .rest
            .map_or_else(String::new, |(used, watched)| format!("{} x", number(percent(used, watched) / rest, 1))),
        budget: "0.2 %".into(),
        verdict: Verdict::of(rest <= 0.2),
    });
    Ok(())
}

fn day_offline(tools: &Tools, plan: &Plan, table: &mut Table) -> Result<()> {
    let day = offline::run(tools, plan.offline)?;
    let events = number(plan.offline as f64, 0);
    let drained = day.took.saturating_sub(day.first_after);
    let per_second = plan.offline as f64 / drained.as_secs_f64();
    table.add(Row {
        what: format!("a day offline, {events} events drained, s"),
        ours: format!(
            "{} (after {} of back-off), lost {}, out of order {}",
            number(drained.as_secs_f64(), 1),
            number(day.first_after.as_secs_f64(), 1),
            day.lost,
            day.disordered
        ),
        beside: String::new(),
        ratio: format!("{} events/s", number(per_second, 0)),
        budget: "60 s, none lost".into(),
        verdict: Verdict::of(drained <= Duration::from_secs(60) && day.lost + day.disordered == 0),
    });
    let grown = mib(day.pss_peak_kib) - mib(day.pss_before_kib);
    table.add(Row {
        what: "memory (PSS) before, at most and after the drain, MiB".into(),
        ours: [day.pss_before_kib, day.pss_peak_kib, day.pss_after_kib].map(|kib| number(mib(kib), 1)).join(", "),
        beside: String::new(),
        ratio: format!("+{} MiB", number(grown, 1)),
        budget: "flat (taken as +3 MiB)".into(),
        verdict: Verdict::of(grown <= 3.0),
    });
    table.add(Row {
        what: "bytes to disk per event stored and drained".into(),
        ours: number(day.disk_per_event, 0),
        beside: String::new(),
        ratio: String::new(),
        budget: "1 536 B".into(),
        verdict: Verdict::of(day.disk_per_event <= 1536.0),
    });
    Ok(())
}
