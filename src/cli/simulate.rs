use std::time::Duration;

use anyhow::{Context, anyhow};
use panel_driver::sim::{Input, ServeOn, serve};
use panel_model::{AccessCode, InstallerCode, Password};
use tokio::io::BufReader;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Exit;
use super::args::SimulateArgs;
use crate::daemon::registry::simulator::{self, Wanted};

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
    let (on, vendor) = (door(&args)?, args.vendor.clone());
    let simulator = simulator::make(&vendor, wanted(args)).map_err(anyhow::Error::msg)?;
    let (cancel, mut terminate) = (CancellationToken::new(), signal(SignalKind::terminate())?);
    let mut served = std::pin::pin!(serve(simulator, on, inputs, tokio::io::stdout(), cancel.clone()));
    tokio::select! {
        ended = served.as_mut() => return Ok(ended?),
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    // So that a pty's link goes with us.
    cancel.cancel();
    Ok(served.await?)
}

fn door(args: &SimulateArgs) -> anyhow::Result<ServeOn> {
    match (&args.listen, &args.pty, &args.connect) {
        (Some(address), _, _) => Ok(ServeOn::Listen(address.clone())),
        (_, Some(path), _) => Ok(ServeOn::Pty(path.clone())),
        (_, _, Some(address)) => Ok(ServeOn::Connect(address.clone())),
        _ => Err(anyhow!("give --listen, --pty or --connect")),
    }
}

fn wanted(args: SimulateArgs) -> Wanted {
    Wanted {
        interface: args.interface,
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
