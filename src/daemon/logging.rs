//! The log on stderr: short lines with a priority for the journal, full lines for people.

use std::fmt;
use std::io::{IsTerminal, stderr};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Compact, Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::supervisor::panic_text;
use crate::config::{LogConfig, LogFormat};

/// Overrides `log.level` of the configuration.
const LEVEL_VARIABLE: &str = "PANELGATE_LOG";

/// Starts logging. Later calls do nothing, so that tests may start several daemons.
pub fn start(config: &LogConfig, quiet: &[&str]) {
    let level = std::env::var(LEVEL_VARIABLE).unwrap_or_else(|_| config.level.clone());
    let quiet: String = quiet.iter().map(|target| format!(",{target}=off")).collect();
    let filter = EnvFilter::builder().parse_lossy(format!("{level}{quiet}"));
    let short = match config.format {
        LogFormat::Auto => goes_to_journal(),
        LogFormat::Short => true,
        LogFormat::Full => false,
    };
    let builder = tracing_subscriber::fmt().with_writer(stderr).with_env_filter(filter);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, text = panic_text(panic.payload()), "panicked");
    }));
    // An error says that a logger runs already.
    let _ = if short {
        builder
            .with_ansi(false)
            .event_format(Journal(tracing_subscriber::fmt::format().compact().without_time()))
            .try_init()
    } else {
        builder.with_ansi(stderr().is_terminal()).compact().try_init()
    };
}

/// systemd names the device and inode of the stream that it connected to the journal.
fn goes_to_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(ours) = stderr().as_fd().try_clone_to_owned().map(std::fs::File::from) else { return false };
    ours.metadata().is_ok_and(|meta| stream == format!("{}:{}", meta.dev(), meta.ino()))
}

/// A line that begins with its priority, as the journal takes them from a stream: `<4>`.
struct Journal<T>(Format<Compact, T>);

impl<S, N, T> FormatEvent<S, N> for Journal<T>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    Format<Compact, T>: FormatEvent<S, N>,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let priority = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            _ => 7,
        };
        write!(writer, "<{priority}>")?;
        self.0.format_event(ctx, writer, event)
    }
}
