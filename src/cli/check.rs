use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::table::table;
use super::{Exit, out, words};
use crate::config::{self, Config, Problems};
use crate::daemon;

#[derive(Debug, Args)]
#[command(after_help = "\
Prints each problem with its key, what is wrong and what to do, and exits with 78 when one of them is an error.
Warnings alone exit with 0.

  panelgate check --config panelgate.toml
  panelgate check --config panelgate.toml --json | jq '.problems[].key'")]
pub(super) struct CheckArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = crate::config::DEFAULT_FILE)]
    config: PathBuf,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

/// The result, for `--json`.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    /// Whether the daemon would start.
    ok: bool,
    problems: &'a Problems,
}

pub(super) fn run(args: &CheckArgs) -> anyhow::Result<Exit> {
    let (config, problems) = match config::load(&args.config).check(daemon::check) {
        Ok((config, warnings)) => (Some(config), warnings),
        Err(problems) => (None, problems),
    };
    let ok = config.is_some();
    if args.json {
        out::json(&Checked { ok, problems: &problems })?;
    } else {
        for problem in problems.iter() {
            out::line(problem)?;
        }
        match config {
            Some(config) => summary(&config)?,
            None => out::line("the daemon would not start")?,
        }
    }
    Ok(if ok { Exit::Ok } else { Exit::Config })
}

/// What would run.
fn summary(config: &Config) -> anyhow::Result<()> {
    out::line(format_args!("gateway     {}", config.gateway_id))?;
    out::line(format_args!("data        {}", config.data_dir.display()))?;
    out::line(format_args!("local API   {}", config.socket.display()))?;
    let cloud = config.cloud.as_ref().map_or_else(
        || "none".to_owned(),
        |cloud| {
            let scheme = if cloud.tls.is_some() { "mqtts" } else { "mqtt" };
            format!("{scheme}://{}:{} under {}/{}", cloud.host, cloud.port, cloud.prefix, config.gateway_id)
        },
    );
    out::line(format_args!("cloud       {cloud}"))?;
    let mail = config.mail.as_ref().map_or_else(
        || "none; links of invitations are shown instead".to_owned(),
        |mail| format!("{}:{} from {}", mail.host, mail.port, mail.from),
    );
    out::line(format_args!("mail        {mail}"))?;
    for listen in &config.listens {
        out::line(format_args!("listening   {} on {}", listen.vendor, listen.address))?;
    }
    let rows = config.panels.iter().zip(daemon::ways(config)).map(|(panel, way)| {
        [way.panel.to_string(), panel.vendor.clone(), way.link, way.silence, words::word(&panel.authority)]
    });
    out::text(&table(["PANEL", "VENDOR", "LINK", "LATE, OFFLINE", "AUTHORITY"], rows))?;
    Ok(())
}
