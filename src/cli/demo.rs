use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Exit, out};
use crate::demo::{self, Options, Places};

#[derive(Debug, Args)]
#[command(after_help = "\
Nothing has to be installed, nothing outside the data directory is touched. Prints what to look at next. Ends on Ctrl-C.")]
pub(super) struct DemoArgs {
    /// Folder for database, key and socket [default: a new folder under the system's temporary one]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Where the embedded broker listens (MQTT 3.1.1)
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:18830")]
    mqtt: std::net::SocketAddr,
}

pub(super) fn run(args: DemoArgs) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(play(args));
    runtime.shutdown_background();
    ended
}

async fn play(args: DemoArgs) -> anyhow::Result<Exit> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let options = Options { data_dir: args.data_dir, mqtt: args.mqtt };
    let mut running = std::pin::pin!(demo::run(options, stop.clone(), welcome, |what| {
        // That nobody reads it any more is no reason to end.
        let _ = out::line(what);
    }));
    tokio::select! {
        ended = running.as_mut() => return ended.map(|()| Exit::Ok),
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    stop.cancel();
    running.await.map(|()| Exit::Ok)
}

/// What to look at next, ready to be copied into another terminal.
fn welcome(places: &Places) {
    let program = std::env::current_exe().map_or_else(|_| "panelgate".to_owned(), |path| path.display().to_string());
    let (mqtt, gateway) = (places.mqtt, places.gateway);
    let text = format!(
        "\
panelgate demo: four simulated panels, a broker, and the daemon in between

  data       {data} (remove it when you are done)
  broker     {mqtt}, MQTT 3.1.1
  dsc-1      PC1864 behind an IT-100 on a pty: users are read and written on its display
  dsc-2      PC1832 behind an Envisalink over TCP: what is written there cannot be read back
  neor-1     HS2064, a PowerSeries Neo that dials the daemon: codes, labels and partitions are written and read back
  visonic-1  PowerMaster 10 on a pty, as on its PowerLink port: users are read, and written only at its keypad

Look at it from another terminal:

  mosquitto_sub -h {host} -p {port} -t 'panelgate/#' -v
  export PANELGATE_SOCKET={socket}
  {program} panels
  {program} panels show dsc-1
  {program} users dsc-1
  {program} unlock dsc-1                (installer code {installer})
  {program} users dsc-1 set-code 4
  {program} events --follow
  {program} operator watch --mqtt {mqtt} --v3 --gateway {gateway}

What people do at the panels is told below. Ctrl-C ends it.
",
        installer = places.installer_code,
        data = places.data_dir.display(),
        host = mqtt.ip(),
        port = mqtt.port(),
        socket = places.socket.display(),
    );
    let _ = out::text(&text);
}
