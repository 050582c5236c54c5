use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use panel_driver::sim::{Input, Player, ServeOn, serve_all};
use panel_model::{AccessCode, InstallerCode, Password};
use tokio::io::BufReader;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Exit;
use crate::daemon::registry::simulator::{self, Service, Wanted};

#[derive(Debug, Args)]
#[command(after_help = "\
Starts with the vendor's factory codes. What happens is printed as JSON, one object a line. On stdin and in the script:
  open ZONE, close ZONE, tamper ZONE, trip ZONE, battery low|ok [ZONE], ac off|on, enter CODE [PARTITION],
  arm away|stay|night [PARTITION] [SLOT], disarm [PARTITION] [SLOT], panic fire|medical|police, edit SLOT WORDS…,
  drop [SECONDS], reboot, fault NAME…, wait SECONDS, users, state, quit
  `fault service NAME…` is for the module that --jsonrpc serves beside a serial port.
With --count a line is for all panels, or with @IDENTIFIER in front for one.

  panelgate simulate dsc --interface envisalink --listen 127.0.0.1:4025
  panelgate simulate dsc --interface it100 --pty /tmp/it100 --users 20 --seed 7
  panelgate simulate visonic --pty /tmp/powerlink --model \"PowerMaster 10\" --users 7
  panelgate simulate visonic --listen 127.0.0.1:4001 --jsonrpc 127.0.0.1:8181
  panelgate simulate neor --connect 127.0.0.1:3072 --users 95
  panelgate simulate neor --connect 127.0.0.1:3072 --identifier 310212340000 --count 200")]
#[command(group = clap::ArgGroup::new("door"))]
#[command(group = clap::ArgGroup::new("doors").args(["listen", "pty", "connect", "jsonrpc"]).required(true).multiple(true))]
pub(super) struct SimulateArgs {
    /// Whose panel
    vendor: String,
    /// Let clients dial this address
    #[arg(long, value_name = "ADDRESS", group = "door")]
    listen: Option<String>,
    /// Let clients open a pty by this path
    #[arg(long, value_name = "PATH", group = "door")]
    pty: Option<PathBuf>,
    /// Dial this address
    #[arg(long, value_name = "ADDRESS", group = "door")]
    connect: Option<String>,
    /// visonic: serve the panel's PowerLink 3 module at this address, of the same panel as the serial port, or alone
    #[arg(long, value_name = "ADDRESS")]
    jsonrpc: Option<String>,
    /// So many panels in one process, with identifiers that count up from --identifier
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: u16,
    /// neor: the number by which the panel says who it is, 12 digits
    #[arg(long, value_name = "DIGITS")]
    identifier: Option<String>,
    /// dsc: it100 or envisalink
    #[arg(long)]
    interface: Option<String>,
    /// The panel's model [default for dsc: PC1864, for neor: HS2128, for visonic: PowerMaster-30]
    #[arg(long)]
    model: Option<String>,
    /// Users with random codes besides the master
    #[arg(long, value_name = "N")]
    users: Option<u16>,
    /// Partitions in use
    #[arg(long, value_name = "N")]
    partitions: Option<u8>,
    /// Zones in use
    #[arg(long, value_name = "N")]
    zones: Option<u8>,
    /// Digits of all codes
    #[arg(long, value_name = "N")]
    code_length: Option<usize>,
    /// One of the panel's own settings, such as exit_seconds=10 or pace=fast; an unknown name lists them all
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// Seed of everything that is random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// A script to follow beside stdin
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Master code, in the place of the factory's
    #[arg(long, value_name = "CODE")]
    master: Option<String>,
    /// Installer code, in the place of the factory's
    #[arg(long, value_name = "CODE")]
    installer: Option<String>,
    /// Password or access code of the module, or visonic's download code, in the place of the factory's
    #[arg(long, value_name = "PASSWORD")]
    password: Option<String>,
}

/// How long reading from stdin may hold up the end.
const STDIN_WITHIN: Duration = Duration::from_millis(100);

pub(super) fn run(args: SimulateArgs) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(play(args));
    // A thread may still wait for stdin; nothing depends on it.
    runtime.shutdown_timeout(STDIN_WITHIN);
    ended.map(|()| Exit::Ok)
}

async fn play(args: SimulateArgs) -> anyhow::Result<()> {
    let mut inputs: Vec<Input> = vec![Box::new(BufReader::new(tokio::io::stdin()))];
    if let Some(script) = &args.script {
        let file = tokio::fs::File::open(script).await;
        let file = file.with_context(|| format!("the script {} cannot be read", script.display()))?;
        inputs.push(Box::new(BufReader::new(file)));
    }
    let players = players(args)?;
    let (cancel, mut terminate) = (CancellationToken::new(), signal(SignalKind::terminate())?);
    let mut served = std::pin::pin!(serve_all(players, inputs, tokio::io::stdout(), cancel.clone()));
    tokio::select! {
        ended = served.as_mut() => return Ok(ended?),
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    // So that a pty's link goes with us.
    cancel.cancel();
    Ok(served.await?)
}

/// The panel's door, and the address of the second one.
fn doors(args: &SimulateArgs) -> anyhow::Result<(ServeOn, Option<String>)> {
    let on = match (&args.listen, &args.pty, &args.connect, &args.jsonrpc) {
        (Some(address), ..) => ServeOn::Listen(address.clone()),
        (_, Some(path), ..) => ServeOn::Pty(path.clone()),
        (_, _, Some(address), _) => ServeOn::Connect(address.clone()),
        (.., Some(address)) => return Ok((ServeOn::Listen(address.clone()), None)),
        _ => bail!("give --listen, --pty or --connect"),
    };
    Ok((on, args.jsonrpc.clone()))
}

/// The panels: one, or several that are told apart by their identifiers.
fn players(args: SimulateArgs) -> anyhow::Result<Vec<Player>> {
    let ((on, beside), vendor, count) = (doors(&args)?, args.vendor.clone(), args.count);
    let service = match (&args.jsonrpc, &beside) {
        (None, _) => Service::None,
        (_, Some(_)) => Service::Beside,
        (_, None) => Service::Alone,
    };
    let wanted = Wanted { service, ..wanted(args) };
    let make = |wanted: Wanted| simulator::make(&vendor, wanted).map_err(anyhow::Error::msg);
    if count == 1 {
        return Ok(vec![Player { name: None, simulator: make(wanted)?, on, beside }]);
    }
    if !matches!(on, ServeOn::Connect(_)) || beside.is_some() {
        bail!("several panels cannot share a door of their own: give --connect, and no --jsonrpc");
    }
    let first = wanted.identifier.clone().context("give --identifier: the first of their numbers")?;
    (0..count)
        .map(|n| {
            let identifier = counted_up(&first, n).with_context(|| format!("{first} is no number to count up from"))?;
            let seed = wanted.seed.wrapping_add(n.into());
            let wanted = Wanted { identifier: Some(identifier.clone()), seed, ..wanted.clone() };
            Ok(Player { name: Some(identifier), simulator: make(wanted)?, on: on.clone(), beside: None })
        })
        .collect()
}

/// The number `n` places after `first`, with as many digits.
fn counted_up(first: &str, n: u16) -> Option<String> {
    let number = first.parse::<u64>().ok()?.checked_add(n.into())?;
    let text = format!("{number:0width$}", width = first.len());
    (text.len() == first.len()).then_some(text)
}

fn wanted(args: SimulateArgs) -> Wanted {
    Wanted {
        identifier: args.identifier,
        interface: args.interface,
        service: Service::None,
        model: args.model,
        users: args.users,
        partitions: args.partitions,
        zones: args.zones,
        code_length: args.code_length,
        seed: args.seed,
        master: args.master.map(AccessCode::new),
        installer: args.installer.map(InstallerCode::new),
        password: args.password.map(Password::new),
        settings: args.set,
    }
}

/// A setting and its value.
fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("give NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_count_up_and_keep_their_length() {
        assert_eq!(counted_up("310212340000", 199).as_deref(), Some("310212340199"));
        assert_eq!(counted_up("000000000099", 1).as_deref(), Some("000000000100"));
        assert_eq!(counted_up("999999999999", 1), None);
        assert_eq!(counted_up("north", 0), None);
    }
}
