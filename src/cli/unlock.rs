//! Panels that a person on site has unlocked with their installer code (I3).

use anyhow::Context;
use clap::Args;
use panel_model::PanelId;
use zeroize::Zeroizing;

use super::args::Connect;
use super::client::Client;
use super::{Exit, ask, out};
use crate::access::{IDLE, LONGEST};
use crate::actions::Action;
use crate::config::SecretSource;

/// The installer code, for commands that change a panel.
#[derive(Debug, Clone, Args)]
pub(super) struct Shown {
    /// Installer code of the panel, for this one change: a file that nobody else can read, or `-` for the first line of
    /// stdin. Not needed where the panel is unlocked
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    installer_code_file: Option<std::path::PathBuf>,
}

impl Shown {
    /// The code, if one is to be shown. Reads the first line of stdin, or the file.
    pub(super) fn read(&self) -> anyhow::Result<Option<Zeroizing<String>>> {
        match &self.installer_code_file {
            None => Ok(None),
            Some(path) if path.as_os_str() == "-" => ask::secret("installer code").map(Some),
            Some(path) => {
                let code = SecretSource::File(path.clone()).read().context("the installer code cannot be read")?;
                Ok(Some(Zeroizing::new(code.expose().to_owned())))
            }
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate unlock dsc-1                        asks for the panel's installer code, without showing it
  panelgate unlock dsc-1 --installer-code-file dsc-1.code
  printf '%s\\n' 8024 | panelgate unlock dsc-1

Every change on site needs the panel's installer code. Unlocking shows it once for all that follow: until `panelgate lock`,
until 15 minutes without a change, 8 hours at most. It holds for your system user and this panel, and ends with the daemon.
Wrong codes are counted: three in a row wait 90 s, then longer; ten within a day need `panelgate panels unblock`.")]
pub(super) struct UnlockArgs {
    panel: PanelId,
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Args)]
pub(super) struct LockArgs {
    /// [default: all that you have unlocked]
    panel: Option<PanelId>,
    #[command(flatten)]
    connect: Connect,
}

pub(super) async fn unlock(args: UnlockArgs) -> anyhow::Result<Exit> {
    let UnlockArgs { panel, connect, shown } = args;
    let client = Client::new(&connect);
    let code = match shown.read()? {
        Some(code) => code,
        None => ask::secret(&format!("installer code of {panel}"))?,
    };
    let done = client.perform(&Action::Unlock { panel: panel.clone(), code: client.seal(&code).await? }).await?;
    if connect.json {
        out::json_line(&done)?;
    } else {
        let (idle, longest) = (IDLE.as_secs() / 60, LONGEST.as_secs() / 3600);
        out::line(format_args!(
            "{panel} is unlocked for you: until {idle} minutes without a change, {longest} hours at most"
        ))?;
    }
    Ok(Exit::Ok)
}

pub(super) async fn lock(args: LockArgs) -> anyhow::Result<Exit> {
    let LockArgs { panel, connect } = args;
    let what = panel.as_ref().map_or_else(|| "all panels are".to_owned(), |panel| format!("{panel} is"));
    let done = Client::new(&connect).perform(&Action::Lock { panel }).await?;
    if connect.json {
        out::json_line(&done)?;
    } else {
        out::line(format_args!("{what} locked for you"))?;
    }
    Ok(Exit::Ok)
}
