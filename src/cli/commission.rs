use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use clap::{Args, Subcommand};
use panel_model::{PanelId, Zone};

use super::args::Connect;
use super::client::Client;
use super::table::table;
use super::words::{or_dash, time};
use super::{Exit, follow, out};
use crate::actions::{Action, SignOff, SkipZones, StartWalkTest, StopWalkTest};
use crate::api::ReportCopy;
use crate::payload::{Checklist, StepState, WalkTest};

/// Nothing here reaches the station: that has to be said where it matters.
const STATION: &str = "Alarms go on being sent during the walk test. Have the station put the site on test by phone before you begin, and \
     tell it when you are done: this box does neither.";

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate commission dsc-1                    what is done, what is missing, and what to do
  panelgate commission dsc-1 walk-test start    zones that open are ticked off for 30 minutes
  panelgate commission dsc-1 walk-test skip 9-64 --reason 'not fitted'
  panelgate commission dsc-1 walk-test stop
  panelgate commission dsc-1 sign-off --name 'Anna Berg'
  panelgate commission dsc-1 report --html report.html

Alarms go on being sent during a walk test: have the station put the site on test by phone.")]
pub(super) struct CommissionArgs {
    panel: PanelId,
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    what: Option<CommissionCommand>,
}

#[derive(Debug, Subcommand)]
enum CommissionCommand {
    /// Tick off every zone that opens or is tampered with
    WalkTest {
        #[command(subcommand)]
        what: WalkCommand,
    },
    /// Put your name to it; refused while anything is missing
    SignOff {
        /// Who signs
        #[arg(long)]
        name: String,
    },
    /// The last signed report
    Report {
        /// Write it as a page to print into this file; `-` is stdout
        #[arg(long, value_name = "FILE", conflicts_with = "json")]
        html: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum WalkCommand {
    /// Begin, or go on; what was ticked off before stays
    Start {
        /// It ends by itself after so many minutes, 1 to 240 [default: 30]
        #[arg(long)]
        minutes: Option<u16>,
        /// Forget what was ticked off or skipped before
        #[arg(long)]
        anew: bool,
    },
    /// End it before its time
    Stop,
    /// Leave zones out
    Skip {
        /// Zones, such as 7 or 9-12,16
        zones: Zones,
        /// Why; it stands in the report
        #[arg(long)]
        reason: String,
    },
}

/// A list of zones as people write it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Zones(Vec<Zone>);

impl FromStr for Zones {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut zones = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |text: &str| text.parse::<Zone>().map_err(|error| error.to_string());
            let (first, last) = (number(first)?.number(), number(last)?.number());
            if first > last {
                return Err(format!("{first}-{last} begins behind its end"));
            }
            zones.extend((first..=last).filter_map(|n| Zone::new(n.into()).ok()));
        }
        Ok(Self(zones))
    }
}

pub(super) async fn run(args: CommissionArgs) -> anyhow::Result<Exit> {
    let CommissionArgs { panel, connect, what } = args;
    let (client, json) = (Client::new(&connect), connect.json);
    let action = match what {
        None => return show(&client, &panel, json).await,
        Some(CommissionCommand::Report { html }) => return report(&client, &panel, html.as_deref(), json).await,
        Some(CommissionCommand::SignOff { name }) => Action::SignOff(SignOff { panel, name }),
        Some(CommissionCommand::WalkTest { what }) => match what {
            WalkCommand::Start { minutes, anew } => {
                let action = Action::StartWalkTest(StartWalkTest { panel: panel.clone(), minutes, anew });
                return start(&client, &panel, &action, json).await;
            }
            WalkCommand::Stop => Action::StopWalkTest(StopWalkTest { panel }),
            WalkCommand::Skip { zones, reason } => Action::SkipZones(SkipZones { panel, zones: zones.0, reason }),
        },
    };
    follow::report(&client.perform(&action).await?, json)
}

async fn start(client: &Client, panel: &PanelId, action: &Action, json: bool) -> anyhow::Result<Exit> {
    let done = client.perform(action).await?;
    eprintln!("{STATION}");
    if json {
        return follow::report(&done, json);
    }
    let list: Checklist = client.get(&format!("/panels/{panel}/commissioning")).await?;
    let ends = or_dash(list.walk_test.ends.map(time));
    out::line(format_args!(
        "the walk test runs until {ends}: open every zone; `panelgate commission {panel}` looks on"
    ))?;
    Ok(Exit::Ok)
}

async fn show(client: &Client, panel: &PanelId, json: bool) -> anyhow::Result<Exit> {
    let list: Checklist = client.get(&format!("/panels/{panel}/commissioning")).await?;
    if json {
        out::json(&list)?;
        return Ok(Exit::Ok);
    }
    let rows = list.steps.iter().map(|step| {
        let state = match step.state {
            StepState::Done => "done",
            StepState::Missing => "MISSING",
            StepState::NotApplicable => "n/a",
        };
        [step.step.title().to_owned(), state.to_owned(), or_dash(step.since.map(time)), step.text.clone()]
    });
    out::text(&table(["STEP", "STATE", "SINCE", ""], rows))?;
    walk(&list.walk_test)?;
    for step in &list.steps {
        if let Some(what_to_do) = &step.what_to_do {
            out::line(format_args!("to do, {}: {what_to_do}", step.step.title()))?;
        }
    }
    if list.walk_test.running {
        eprintln!("{STATION}");
    }
    Ok(Exit::Ok)
}

fn walk(test: &WalkTest) -> anyhow::Result<()> {
    if test.zones.iter().all(|row| row.at.is_none()) && !test.running {
        return Ok(());
    }
    let until = if test.running { "runs until" } else { "ended" };
    out::line(format_args!("\nwalk test: {until} {}", or_dash(test.ends.map(time))))?;
    let rows = test.zones.iter().map(|row| {
        let reason = row.reason.as_ref().map(|reason| format!("{reason} ({})", or_dash(row.by.as_ref())));
        [
            row.zone.to_string(),
            or_dash(row.label.as_ref()),
            row.result.title().to_owned(),
            or_dash(row.at.map(time)),
            reason.unwrap_or_default(),
        ]
    });
    out::text(&table(["ZONE", "LABEL", "RESULT", "TIME", ""], rows))?;
    out::line("")?;
    Ok(())
}

async fn report(client: &Client, panel: &PanelId, html: Option<&Path>, json: bool) -> anyhow::Result<Exit> {
    let copy: ReportCopy = client.get(&format!("/panels/{panel}/commissioning/report")).await?;
    match html {
        Some(path) if path == Path::new("-") => out::text(&copy.html)?,
        Some(path) => {
            std::fs::write(path, &copy.html).with_context(|| format!("{} cannot be written", path.display()))?;
            out::line(format_args!("written to {}; report sha256 {}", path.display(), copy.sha256))?;
        }
        // Byte for byte: whoever hashes it gets what stands in the action log.
        None if json => out::text(&copy.json)?,
        None => {
            let report: crate::payload::CommissioningReport = crate::payload::read(copy.json.as_bytes())?;
            let signed = &report.signed;
            out::line(format_args!("{panel} was signed off by {} at {}", signed.name, time(signed.at)))?;
            out::line(format_args!("report sha256 {}", copy.sha256))?;
            out::line(format_args!("`panelgate commission {panel} report --html FILE` writes a page to print"))?;
        }
    }
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_lists_and_ranges() {
        let numbers = |text: &str| text.parse::<Zones>().map(|zones| zones.0.iter().map(|z| z.number()).collect());
        for (text, zones) in [("7", vec![7]), ("9-11,16", vec![9, 10, 11, 16]), ("1, 2", vec![1, 2])] {
            assert_eq!(numbers(text), Ok(zones), "{text}");
        }
        for text in ["", "0", "7-", "9-7", "x", "1000"] {
            assert!(numbers(text).is_err(), "{text}");
        }
    }
}
