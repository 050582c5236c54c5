use clap::Args;

use super::args::Connect;
use super::client::Client;
use super::table::table;
use super::words::time;
use super::{Exit, out};
use crate::api::{BoxInfo, Dialling, UnitState};

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    connect: Connect,
}

pub(super) async fn run(args: StatusArgs) -> anyhow::Result<Exit> {
    let client = Client::new(&args.connect);
    let info: BoxInfo = client.get("/info").await?;
    if args.connect.json {
        out::json(&info)?;
        return Ok(Exit::Ok);
    }
    out::line(format_args!("gateway     {}", info.gateway))?;
    out::line(format_args!("version     {}", info.version))?;
    let cloud = match &info.cloud {
        None => "none configured".to_owned(),
        Some(cloud) => {
            let word = if cloud.connected { "connected" } else { "not connected" };
            let since = cloud.since.map(|at| format!(" since {}", time(at))).unwrap_or_default();
            let trouble = cloud.trouble.as_ref().map(|trouble| format!(": {trouble}")).unwrap_or_default();
            format!("{word}{since}{trouble}; {} messages delivered", cloud.delivered)
        }
    };
    out::line(format_args!("cloud       {cloud}"))?;
    let oldest = info.outbox.oldest.map(|at| format!(", the oldest of {}", time(at))).unwrap_or_default();
    out::line(format_args!("outbox      {} messages, {} bytes{oldest}", info.outbox.depth, info.outbox.bytes))?;
    let dialling: Dialling = client.get("/dialling").await?;
    for door in &dialling.doors {
        let wanting = dialling.wanting.iter().filter(|row| row.listen == door.listen).count();
        let state = match (door.open, wanting) {
            (false, _) => "cannot be opened; the log says why".to_owned(),
            (true, 0) => format!("{} panels known", door.known),
            (true, n) => format!("{} panels known, {n} want in: see `panelgate panels wanting`", door.known),
        };
        out::line(format_args!("listening   {} on {}: {state}", door.vendor, door.listen))?;
    }
    let rows = info.units.iter().map(|(name, state)| {
        let (word, why) = match state {
            UnitState::Running => ("running", String::new()),
            UnitState::Stopped => ("stopped", String::new()),
            UnitState::Restarting { failures, why } => ("restarting", format!("after {failures} failures: {why}")),
            UnitState::GaveUp { why } => ("given up", why.clone()),
        };
        [name.clone(), word.to_owned(), why]
    });
    out::text(&table(["UNIT", "STATE", ""], rows))?;
    for notice in &info.notices {
        out::line(format_args!("notice      {notice}"))?;
    }
    Ok(Exit::Ok)
}
