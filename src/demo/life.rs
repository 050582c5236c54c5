//! What people do in the demo's house. The same every time, so that two runs can be compared.

use std::time::Duration;

use panel_driver::sim::{Poke, ScriptLine};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::house::Inhabited;

/// One round. `CODE` stands for a code that the house knows; The first word says at which panel.
const ROUND: &[(&str, &str)] = &[
    ("dsc-2", "open 1"),
    ("dsc-1", "open 3"),
    ("dsc-2", "close 1"),
    ("neor-1", "open 2"),
    ("dsc-1", "close 3"),
    ("neor-1", "close 2"),
    ("visonic-1", "open 2"),
    ("visonic-1", "close 2"),
    ("dsc-1", "open 5"),
    ("dsc-2", "trip 4"),
    ("dsc-1", "close 5"),
    ("dsc-2", "open 2"),
    ("dsc-2", "close 2"),
    ("dsc-2", "enter CODE 1"),
    ("dsc-1", "trip 7"),
    ("neor-1", "enter CODE 1"),
    ("visonic-1", "enter CODE 1"),
    ("dsc-1", "open 2"),
    ("dsc-1", "close 2"),
    ("dsc-2", "enter CODE 1"),
    ("neor-1", "trip 5"),
    ("dsc-1", "ac off"),
    ("dsc-2", "trip 6"),
    ("dsc-1", "ac on"),
    ("neor-1", "enter CODE 1"),
    ("visonic-1", "enter CODE 1"),
    ("dsc-2", "battery low 3"),
    ("dsc-1", "trip 12"),
    ("dsc-2", "battery ok 3"),
    ("dsc-1", "tamper 9"),
    ("dsc-1", "close 9"),
];

/// Between two things that happen.
const PACE: Duration = Duration::from_secs(3);

/// Lives in the house until `stop`.
pub(super) async fn live(panels: &[Inhabited], stop: CancellationToken, say: &mut impl FnMut(&str)) {
    for (name, line) in ROUND.iter().cycle() {
        // Both arms are cancel-safe.
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(PACE) => {}
        }
        let Some(place) = panels.iter().find(|place| place.name == *name) else { continue };
        match poke(place, line) {
            Some(poke) => match place.panel.poke(poke).await {
                Ok(()) => say(&format!("{name}: {line}")),
                Err(error) => say(&format!("{name}: {line}: {error}")),
            },
            None => say(&format!("{name}: {line} means nothing")),
        }
    }
}

fn poke(place: &Inhabited, line: &str) -> Option<Poke> {
    match ScriptLine::parse(&line.replace("CODE", place.code.expose())) {
        Ok(ScriptLine::Poke(poke)) => Some(poke),
        _ => None,
    }
}
