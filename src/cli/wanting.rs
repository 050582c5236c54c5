//! Panels that dial the box and that nobody configured: looking at them, and taking one in.

use anyhow::{Context, bail};
use panel_model::PanelId;

use super::client::Client;
use super::table::table;
use super::words::time;
use super::{Exit, out};
use crate::api::{Dialling, DoorRow, WantingRow};
use crate::daemon::registry;
use crate::payload::PanelRow;

pub(super) async fn list(client: &Client, json: bool) -> anyhow::Result<Exit> {
    let dialling: Dialling = client.get("/dialling").await?;
    if json {
        out::json(&dialling)?;
        return Ok(Exit::Ok);
    }
    if dialling.doors.is_empty() {
        out::line("no address is open for panels that dial: add a section [[listen]] to the configuration")?;
        return Ok(Exit::Ok);
    }
    let row = |panel: &WantingRow| {
        [
            panel.identifier.clone(),
            panel.vendor.clone(),
            panel.listen.clone(),
            panel.from.clone(),
            panel.count.to_string(),
            time(panel.first),
            time(panel.last),
        ]
    };
    let head = ["IDENTIFIER", "VENDOR", "DIALS", "FROM", "TIMES", "FIRST", "LAST"];
    out::text(&table(head, dialling.wanting.iter().map(row)))?;
    for door in &dialling.doors {
        if let Some(note) = note(door) {
            out::line(note)?;
        }
    }
    if let Some(first) = dialling.wanting.first() {
        eprintln!("take one in with `panelgate panels adopt {}`", first.identifier);
    }
    Ok(Exit::Ok)
}

/// What somebody who looks for a missing panel should know of an address.
fn note(door: &DoorRow) -> Option<String> {
    if !door.open {
        return Some(format!("{}: cannot be opened; the log says why", door.listen));
    }
    let counts = [
        (door.dropped, "panels dropped from this list, which was full"),
        (door.strangers, "connections that did not say which panel they are"),
        (door.taken_over, "connections that ended because the panel dialled again"),
    ];
    let told: Vec<_> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    (!told.is_empty()).then(|| format!("{}: {}", door.listen, told.join(", ")))
}

/// Prints the panel's part of the configuration. Nothing is changed: who may edit the file decides.
pub(super) async fn adopt(client: &Client, identifier: &str, id: Option<PanelId>) -> anyhow::Result<Exit> {
    let dialling: Dialling = client.get("/dialling").await?;
    let Some(panel) = dialling.wanting.iter().find(|row| row.identifier == identifier) else {
        bail!("no panel called {identifier} wants in; `panelgate panels wanting` lists those that do");
    };
    let panels: Vec<PanelRow> = client.get("/panels").await?;
    let taken = |id: &PanelId| panels.iter().any(|row| row.panel == *id);
    let id = match id {
        Some(id) if taken(&id) => bail!("there is a panel {id} already; give another name with --id"),
        Some(id) => id,
        None => (1..=panels.len() + 1)
            .filter_map(|n| format!("{}-{n}", panel.vendor).parse().ok())
            .find(|id| !taken(id))
            .context("give its name with --id")?,
    };
    let Some(stanza) = registry::stanza(&panel.vendor, &id, identifier, &panel.listen) else {
        bail!("this program does not know how {} panels are configured", panel.vendor);
    };
    out::text(&stanza)?;
    eprintln!("put this into the configuration, its secrets where it says, and start the daemon again");
    Ok(Exit::Ok)
}
