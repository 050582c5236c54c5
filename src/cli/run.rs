use std::path::PathBuf;

use clap::Args;

use super::Exit;
use crate::config;
use crate::daemon::{self, Ended};

#[derive(Debug, Args)]
#[command(after_help = "\
Stops in order on SIGTERM or SIGINT (20 s at most), at once on the second one. Tells systemd when it is ready and that it
is alive. PANELGATE_LOG overrides log.level, for example PANELGATE_LOG=info,panelgate::panels=debug.")]
pub(super) struct RunArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = crate::config::DEFAULT_FILE)]
    config: PathBuf,
}

pub(super) fn run(args: &RunArgs) -> anyhow::Result<Exit> {
    let (config, warnings) = match config::load(&args.config).check(daemon::check) {
        Ok(loaded) => loaded,
        Err(problems) => {
            eprintln!("{problems}");
            return Ok(Exit::Config);
        }
    };
    daemon::start_log(&config.log, &[]);
    for warning in warnings.iter() {
        tracing::warn!(key = warning.key, what = warning.what, hint = warning.hint, "configuration");
    }
    match daemon::run(config) {
        Ended::AsAsked => Ok(Exit::Ok),
        Ended::AtOnce => Ok(Exit::Failed),
        Ended::NotStarted(error) if error.is_lasting() => {
            eprintln!("panelgate: {error}");
            Ok(Exit::Config)
        }
        Ended::NotStarted(error) => Err(error.into()),
    }
}
