//! The action log: who changed what, and the proof that nobody cut or altered it.

use std::fs;
use std::io::{Read, stdin};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::args::Connect;
use super::client::{Client, query};
use super::table::table;
use super::words::{or_dash, time};
use super::{Exit, out};
use crate::api::LogProof;
use crate::payload::LogLine;
use crate::store::Verifier;

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate log                          the last 20 lines
  panelgate log list --after 0 --json    the first 1000 lines, as the cloud gets them
  panelgate log verify                   prove that no line was cut, edited or moved
  panelgate log verify --file lines.json the same for exported lines, without a daemon

Each line carries a hash over the line before it and itself. The newest hash is sealed on the box and goes to the cloud
with its line: who takes lines away at the end, or writes the whole log anew, does not have it.")]
pub(super) struct LogArgs {
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    which: Which,
    #[command(subcommand)]
    what: Option<LogCommand>,
}

#[derive(Debug, Clone, Copy, Args)]
struct Which {
    /// How many of the newest to show
    #[arg(long, default_value_t = 20, conflicts_with = "after")]
    last: u32,
    /// Show all that follow this sequence number, 1000 at most
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum LogCommand {
    /// The lines of the action log (what `log` does by itself)
    List(Which),
    /// Prove that no line was cut, edited or moved; ends with 1 if one was
    Verify {
        /// Lines as `log list --json` printed them, `-` for standard input
        #[arg(long)]
        file: Option<PathBuf>,
    },
}

pub(super) async fn run(args: LogArgs) -> anyhow::Result<Exit> {
    let client = Client::new(&args.connect);
    match args.what.unwrap_or(LogCommand::List(args.which)) {
        LogCommand::List(which) => list(&client, which, args.connect.json).await,
        LogCommand::Verify { file: None } => show(&client.get("/log/proof").await?, args.connect.json),
        LogCommand::Verify { file: Some(file) } => show(&proof_of(&file)?, args.connect.json),
    }
}

async fn list(client: &Client, which: Which, json: bool) -> anyhow::Result<Exit> {
    let path = match which.after {
        Some(after) => query("/log", [("after", Some(after.to_string())), ("limit", Some("1000".into()))]),
        None => query("/log", [("newest", Some("true".into())), ("limit", Some(which.last.to_string()))]),
    };
    let mut lines: Vec<LogLine> = client.get(&path).await?;
    lines.sort_by_key(|line| line.seq);
    if json {
        out::json(&lines)?;
        return Ok(Exit::Ok);
    }
    let rows = lines.iter().map(|line| {
        [
            line.seq.to_string(),
            time(line.at),
            line.actor.clone(),
            line.role.clone(),
            line.door.clone(),
            line.action.clone(),
            about(line),
            line.result.clone(),
            line.text.clone().unwrap_or_default(),
        ]
    });
    out::text(&table(["SEQ", "TIME", "WHO", "ROLE", "DOOR", "ACTION", "ON", "RESULT", ""], rows))?;
    Ok(Exit::Ok)
}

/// What a line is about: panel, user, anything else.
fn about(line: &LogLine) -> String {
    let parts = [
        line.panel.as_ref().map(ToString::to_string),
        line.slot.map(|slot| format!("user {slot}")),
        line.subject.clone(),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    or_dash(Some(parts.join(" ")).filter(|text| !text.is_empty()))
}

/// Lines that were exported prove each other; what came before and after them is not known here.
fn proof_of(file: &PathBuf) -> anyhow::Result<LogProof> {
    let text = if file.as_os_str() == "-" {
        let mut text = String::new();
        stdin().read_to_string(&mut text)?;
        text
    } else {
        fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?
    };
    let lines: Vec<LogLine> =
        serde_json::from_str(&text).context("these are no lines as `panelgate log list --json` prints them")?;
    let mut verifier = Verifier::default();
    lines.into_iter().for_each(|line| verifier.take(&line.into()));
    Ok(verifier.finish(None, None).into())
}

fn show(proof: &LogProof, json: bool) -> anyhow::Result<Exit> {
    if json {
        out::json(proof)?;
    } else {
        let range = match (proof.first, proof.last) {
            (Some(first), Some(last)) => format!("{} lines, number {first} to {last}", proof.lines),
            _ => "no lines".to_owned(),
        };
        match proof.damage.as_slice() {
            [] => out::line(format_args!("sound: {range}; nothing was cut, edited or moved"))?,
            damage => {
                out::line(format_args!("NOT SOUND: {range}"))?;
                damage.iter().try_for_each(|what| out::line(format_args!("  {what}")))?;
            }
        }
        if proof.unchained > 0 {
            out::line(format_args!("{} older lines, from before the chain, are not proved", proof.unchained))?;
        }
        if let Some(head) = &proof.head {
            out::line(format_args!("head {head}"))?;
        }
    }
    Ok(if proof.sound { Exit::Ok } else { Exit::Failed })
}
