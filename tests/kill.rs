//! `kill -9` at random moments while zones open and close and codes are set: nothing that happened at the panel is
//! missing at the broker, nothing is there twice under two ids, and what the box accepted is done.
//!
//! How many rounds: `KILL_ROUNDS` (12 unless told; 200 for the record). Which moments: `KILL_SEED`.
//!
//! What the protocol cannot give, the test does not ask for:
//! - While nobody listens, a panel sends to nobody. The state report after the next connection shows where a zone
//!   stands, and two changes that cancel out leave no trace in it. So a zone changes at most once between two moments
//!   at which the box was online.
//! - An Envisalink shows no code. If the box dies after the panel took a code and before that is on disk, it cannot
//!   know, and writes the same code to the same place once more, which changes nothing. So a code may be written again
//!   as long as nobody was told that it is applied, and never after.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking"
)]

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use world::{Answer, Daemon, Observer, Sim, SimPanel, Site, zone_changes};

const ZONES: u64 = 8;

#[test]
fn killed_at_random_moments_the_box_loses_nothing_and_repeats_nothing_that_it_told() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (rounds, seed) = (number("KILL_ROUNDS", 12), number("KILL_SEED", 1));
    eprintln!("KILL_ROUNDS={rounds} KILL_SEED={seed}");
    let mut run = Run::new(Dice(seed));
    for _ in 0..rounds {
        run.round();
    }
    run.settle();
    run.compare_zones();
    run.compare_codes();
    eprintln!(
        "{} kills, {} zone changes, {} codes accepted, {} of them written once more after a kill",
        run.kills,
        run.zone_changes().values().map(Vec::len).sum::<usize>(),
        run.accepted.len(),
        run.repeats
    );
}

struct Run {
    dice: Dice,
    panel: SimPanel,
    site: Site,
    observer: Observer,
    daemon: Daemon,
    open: BTreeSet<u64>,
    /// Codes that the box accepted, by slot. Every slot is used once.
    accepted: BTreeMap<u16, String>,
    /// Slots whose request broke off with the daemon: accepted or not, nobody knows.
    unknown: BTreeSet<u16>,
    /// How often the panel had taken a code when the cloud was told that it is applied.
    told: BTreeMap<u16, usize>,
    next_slot: u16,
    kills: usize,
    repeats: usize,
}

impl Run {
    fn new(dice: Dice) -> Self {
        let panel = Sim::envisalink().start();
        let mut site = Site::with_envisalink(&panel);
        site.log_level = "debug".into();
        let observer = site.observe();
        let daemon = site.start();
        observer.wait_status(0, "dsc-1", "online");
        Self {
            dice,
            panel,
            site,
            observer,
            daemon,
            open: BTreeSet::new(),
            accepted: BTreeMap::new(),
            unknown: BTreeSet::new(),
            told: BTreeMap::new(),
            next_slot: 1,
            kills: 0,
            repeats: 0,
        }
    }

    /// From one moment online to the next, with one or more sudden deaths in between.
    fn round(&mut self) {
        let mut zones = self.dice.shuffled((1..=ZONES).collect());
        let writes = self.dice.below(3) == 0;
        let slot = self.next_slot;
        let code = format!("{:04}", 2000 + u32::from(slot) * 7);
        let before = self.dice.below(zones.len() as u64 + 1);
        let (lines, patience) = (self.dice.small(120), self.dice.below(4_000));

        let site = &self.site;
        let answer = std::thread::scope(|scope| {
            let input = format!("{code}\n{code}\n");
            let words = ["users", "dsc-1", "set-code", &slot.to_string(), "--no-wait"].map(str::to_owned);
            let request =
                writes.then(|| scope.spawn(move || site.cli_with(&words.each_ref().map(String::as_str), &input)));
            let mark = self.daemon.log().mark();
            for _ in 0..before {
                toggle(&mut self.panel, &mut self.open, zones.pop().unwrap());
            }
            self.daemon.log().some_more(mark, lines, Duration::from_millis(patience));
            self.daemon.kill();
            request.map(|request| request.join().unwrap())
        });
        self.kills += 1;
        if let Some(answer) = answer {
            self.note(slot, code, &answer);
            self.next_slot += if slot == 39 { 2 } else { 1 };
        }

        // What happens while nobody listens.
        for _ in 0..self.dice.below(zones.len() as u64 + 1) {
            toggle(&mut self.panel, &mut self.open, zones.pop().unwrap());
        }
        let since = self.last_since();
        self.daemon = self.site.start();
        // Now and then it dies again before it is online.
        while self.dice.below(4) == 0 {
            let (lines, patience) = (self.dice.small(60), self.dice.below(600));
            self.daemon.log().some_more(0, lines, Duration::from_millis(patience));
            self.daemon.kill();
            self.kills += 1;
            self.daemon = self.site.start();
        }
        self.observer.wait_for("online", 0, "panels/dsc-1/status", |body| {
            body["state"] == "online" && body["since"].as_str() > Some(&since)
        });
        self.note_told();
    }

    fn note(&mut self, slot: u16, code: String, answer: &Answer) {
        match answer.code {
            Some(3) => {
                self.accepted.insert(slot, code);
            }
            _ => {
                let gone =
                    ["went away", "no daemon answers", "connection"].iter().any(|text| answer.err.contains(text));
                assert!(gone, "{answer:?}");
                self.unknown.insert(slot);
            }
        }
    }

    fn last_since(&self) -> String {
        let seen = self.observer.seen();
        seen.on("panels/dsc-1/status").filter_map(|m| m.body["since"].as_str()).max().unwrap_or_default().to_owned()
    }

    /// Remembers how often the panel had taken each code that is now said to be applied.
    fn note_told(&mut self) {
        let seen = self.observer.seen();
        // An answer comes after all that the panel said before it: what the cloud knows is counted.
        self.panel.state();
        let reported = seen.last("panels/dsc-1/reported").cloned().unwrap_or_default();
        for slot in self.accepted.keys() {
            if is_applied(&reported, *slot) && !self.told.contains_key(slot) {
                self.told.insert(*slot, self.times_set(*slot));
            }
        }
    }

    fn times_set(&self, slot: u16) -> usize {
        self.panel.count("code_set", |line| line["slot"] == slot)
    }

    /// Waits until the broker has everything and the panel has all codes.
    fn settle(&mut self) {
        let wanted = self.zone_changes();
        self.observer.until("all zone changes", |seen| {
            let told = by_zone(seen.zone_changes("dsc-1"));
            let all = wanted.iter().all(|(zone, kinds)| told.get(zone).map_or(0, Vec::len) >= kinds.len());
            all.then_some(())
        });
        // One after the other: what was accepted between two deaths waits its turn, with a pause for the keypads after
        // each few.
        for slot in self.accepted.keys() {
            let what = format!("the code of user {slot}");
            self.observer.wait_for(&what, 0, "panels/dsc-1/reported", |body| is_applied(body, *slot));
        }
        self.note_told();
        self.panel.wait_menus_left();
    }

    /// What each zone did, as the panel says.
    fn zone_changes(&self) -> BTreeMap<u64, Vec<String>> {
        by_zone(zone_changes(&self.panel.happened(), "event"))
    }

    fn compare_zones(&self) {
        let seen = self.observer.seen();
        let told = by_zone(seen.zone_changes("dsc-1"));
        assert_eq!(told, self.zone_changes(), "left: the broker, right: the panel");
        let zones = seen.events("dsc-1").into_iter().filter(|event| event["class"] == "zone");
        let seqs: Vec<_> = zones.map(|event| event["seq"].as_u64().unwrap()).collect();
        assert!(seqs.is_sorted(), "in order: {seqs:?}");
    }

    fn compare_codes(&mut self) {
        for (slot, code) in &self.accepted {
            assert_eq!(self.panel.code(*slot).as_ref(), Some(code), "slot {slot} was accepted");
            let times = self.panel.count("code_set", |line| line["slot"] == *slot);
            assert_eq!(self.told.get(slot), Some(&times), "slot {slot} was written again after it was told");
            self.repeats += times - 1;
        }
        assert!(self.repeats <= self.kills);
        let slots: BTreeSet<_> = self.accepted.keys().chain(&self.unknown).map(|slot| u64::from(*slot)).collect();
        let users = self.panel.users();
        let others = users.as_array().unwrap().iter().filter_map(|user| user["slot"].as_u64());
        let others: Vec<_> = others.filter(|slot| *slot != 40 && !slots.contains(slot)).collect();
        assert!(others.is_empty(), "nobody asked for {others:?}");
    }
}

fn toggle(panel: &mut SimPanel, open: &mut BTreeSet<u64>, zone: u64) {
    if open.remove(&zone) {
        panel.poke_until(&format!("close {zone}"), "zone_closed");
    } else {
        open.insert(zone);
        panel.poke_until(&format!("open {zone}"), "zone_opened");
    }
}

fn by_zone(changes: Vec<(String, u64)>) -> BTreeMap<u64, Vec<String>> {
    let mut zones: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for (kind, zone) in changes {
        zones.entry(zone).or_default().push(kind);
    }
    zones
}

fn is_applied(reported: &Value, slot: u16) -> bool {
    reported["users"][slot.to_string()]["answers"]["code"]["condition"] == "applied"
}

/// SplitMix64: the same moments for the same seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn small(&mut self, end: u64) -> usize {
        usize::try_from(self.below(end)).unwrap()
    }

    fn shuffled(&mut self, mut things: Vec<u64>) -> Vec<u64> {
        for n in (1..things.len()).rev() {
            things.swap(n, self.small(n as u64 + 1));
        }
        things
    }
}
