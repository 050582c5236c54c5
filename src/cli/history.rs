//! What happened: events, bytes on the wire.

use clap::Args;
use panel_model::PanelId;

use super::args::Connect;
use super::client::{Client, query};
use super::words::{time, word};
use super::{Exit, out};
use crate::payload::{Event, WireDirection, WireRow};

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate events                       the last 20
  panelgate events --follow --panel dsc-1
  panelgate events --after 1200 --json   everything after that sequence number")]
pub(super) struct EventsArgs {
    #[command(flatten)]
    connect: Connect,
    /// Of this panel only
    #[arg(long, value_name = "PANEL")]
    panel: Option<PanelId>,
    /// How many of the newest to show
    #[arg(long, default_value_t = 20, conflicts_with = "after")]
    last: u32,
    /// Show all that follow this sequence number
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    /// Go on with new ones as they come
    #[arg(long, short)]
    follow: bool,
}

#[derive(Debug, Args)]
pub(super) struct WireArgs {
    panel: PanelId,
    #[command(flatten)]
    connect: Connect,
}

pub(super) async fn events(args: EventsArgs) -> anyhow::Result<Exit> {
    let client = Client::new(&args.connect);
    let panel = args.panel.as_ref().map(ToString::to_string);
    let mut events: Vec<Event> = match args.after {
        Some(after) => {
            client
                .get(&query(
                    "/events",
                    [("panel", panel.clone()), ("after", Some(after.to_string())), ("limit", Some("1000".into()))],
                ))
                .await?
        }
        None => {
            client
                .get(&query(
                    "/events",
                    [("panel", panel.clone()), ("limit", Some(args.last.to_string())), ("newest", Some("true".into()))],
                ))
                .await?
        }
    };
    events.sort_by_key(|event| event.seq);
    let last = events.last().map(|event| event.seq).or(args.after);
    match (args.connect.json, args.follow) {
        (true, false) => out::json(&events)?,
        (true, true) => events.iter().try_for_each(out::json_line)?,
        (false, _) => events.iter().try_for_each(|event| out::line(event_line(event)))?,
    }
    if args.follow {
        let path = query("/events/follow", [("panel", panel), ("after", last.map(|seq| seq.to_string()))]);
        let mut updates = client.follow::<Event>(&path).await?;
        while let Some(event) = updates.next().await? {
            if args.connect.json {
                out::json_line(&event)?;
            } else {
                out::line(event_line(&event))?;
            }
        }
    }
    Ok(Exit::Ok)
}

fn event_line(event: &Event) -> String {
    let line = format!("{:>8}  {}  {:12}{}", event.seq, time(event.at), event.panel.as_str(), event_words(event));
    line.trim_end().to_owned()
}

/// What happened: kind, numbers, code.
pub(super) fn event_words(event: &Event) -> String {
    let details = [
        event.partition.map(|n| format!("partition {n}")),
        event.zone.map(|n| format!("zone {n}")),
        event.slot.map(|n| format!("user {n}")),
        event.output.map(|n| format!("output {n}")),
        event.lock.map(|n| format!("lock {n}")),
        event.mode.map(|mode| word(&mode)),
        event.trouble.map(|trouble| word(&trouble.kind)),
        event.text.clone(),
    ];
    let details: Vec<_> = details.into_iter().flatten().collect();
    let code =
        event.signal.as_ref().map(|signal| format!(" [{} {}]", signal.contact_id, signal.sia)).unwrap_or_default();
    format!("{:26}{}{code}", event.kind.name(), details.join(", ")).trim_end().to_owned()
}

pub(super) async fn wire(args: WireArgs) -> anyhow::Result<Exit> {
    let rows: Vec<WireRow> = Client::new(&args.connect).get(&format!("/panels/{}/wire", args.panel)).await?;
    if args.connect.json {
        out::json(&rows)?;
        return Ok(Exit::Ok);
    }
    for row in &rows {
        let arrow = match row.direction {
            WireDirection::FromPanel => '<',
            WireDirection::ToPanel => '>',
        };
        out::line(format_args!("{}  {arrow} {}", time(row.at), row.text))?;
    }
    Ok(Exit::Ok)
}
