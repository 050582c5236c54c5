use super::Exit;
use super::args::RunArgs;
use crate::config;
use crate::daemon::{self, Ended};

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
