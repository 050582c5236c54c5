//! Bytes written to the disk. Each measurement has a process of its own, because `/proc/self/io` counts by process.

use panel_model::PanelState;

use super::child::{self, Child};
use super::*;

/// What the kernel wrote, or will write, to disks for this process.
fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").expect("proc");
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).expect("a count");
    line.parse().expect("a number")
}

/// Zone traffic of five panels: a state row, an event row and an outbox row each, many at a time.
async fn zone_traffic(store: &Store, events: u32) {
    let mut states = vec![PanelState::default(); 5];
    let mut waiting = std::collections::VecDeque::new();
    for n in 0..events {
        let which = n as usize % 5;
        let id = panel(&format!("dsc-{which}"));
        let kind = if n % 10 < 5 { EventKind::ZoneOpened } else { EventKind::ZoneClosed };
        let new = NewEvent { panel: id.clone(), ..event(kind, n / 10) };
        let old = states[which].clone();
        states[which].apply(&new.event);
        let state = states[which].clone();
        let write = store.begin_write(Urgency::Grouped, move |tx| {
            tx.put_panel_state(&id, &old, &state)?;
            tx.add_event(new)
        });
        waiting.push_back(write.await.expect("handed over"));
        if waiting.len() == 50 {
            for written in waiting.drain(..) {
                written.await.expect("stored");
            }
        }
    }
}

#[test]
fn grouped_events_and_alarms_keep_within_their_budget_of_bytes() {
    if let Some(dir) = child::dir("wear") {
        child::block_on(async {
            let store = open(&dir);
            zone_traffic(&store, 2_000).await;
            let before = (written(), store.stats());
            zone_traffic(&store, 5_000).await;
            let grouped = written() - before.0;
            let commits = store.stats().commits - before.1.commits;
            let before = written();
            for n in 0..50 {
                add(&store, event(EventKind::ZoneAlarm, n)).await;
            }
            println!("\nfigures {} {} {}", grouped / 5_000, (written() - before) / 50, commits);
        });
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let figures = Child::run("wear::grouped_events_and_alarms_keep_within_their_budget_of_bytes", "wear", dir.path());
    let line = figures.lines().find_map(|line| line.strip_prefix("figures ")).expect("figures");
    let [grouped, alarm, commits] = line.split(' ').map(|n| n.parse().expect("a number")).collect::<Vec<u64>>()[..]
    else {
        panic!("three figures")
    };
    println!("bytes to disk: {grouped} a grouped zone event, {alarm} an alarm; {commits} commits for 5,000 events");
    assert!(commits >= 95, "groups of about fifty, or the figure says nothing");
    assert!(grouped <= 1_500, "{grouped} bytes a grouped event");
}
