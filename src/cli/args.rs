use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use panel_model::{ArmMode, PanelId, PanelRole, Partition, PartitionSet, Slot, Zone};
use serde::de::DeserializeOwned;

use super::operator::OperatorArgs;
use crate::actions::{CredentialKind, RefreshSection};

/// Bridges a site's alarm panels to a cloud over MQTT.
#[derive(Debug, Parser)]
#[command(
    name = "panelgate",
    version,
    disable_help_subcommand = true,
    after_help = "\
Try it without any panel:
  panelgate demo
Commission a box:
  panelgate check --config /etc/panelgate/panelgate.toml
  systemctl start panelgate
  panelgate panels list
  panelgate users dsc-1 set-code 4
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 accepted and still pending, 78 the configuration cannot work."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the daemon in the foreground, as systemd does
    Run(RunArgs),
    /// A broker, two simulated panels and the real daemon in one process, to look at
    #[cfg(feature = "demo")]
    Demo(DemoArgs),
    /// Check a configuration file: every problem at once, or what would run
    Check(CheckArgs),
    /// Play a panel: over TCP or a pty, poked from stdin or a script
    #[cfg(feature = "sim")]
    Simulate(SimulateArgs),
    /// Decode captured frames, one a line on stdin, to one JSON object a line
    Decode(DecodeArgs),
    /// The running daemon: its units, and what waits for the cloud
    Status(StatusArgs),
    /// The panels: list, live state, arming, outputs, installer code
    Panels(PanelsArgs),
    /// The users of one panel: codes, labels, partitions, roles
    Users(UsersArgs),
    /// What happened at the panels
    Events(EventsArgs),
    /// The last bytes to and from one panel, codes masked
    Wire(WireArgs),
    /// Who changed what, or tried to
    Log(LogArgs),
    /// The cloud's side, over MQTT: look on, seal codes, push users
    Operator(OperatorArgs),
}

/// How the running daemon is reached, and how it is shown.
#[derive(Debug, Clone, Args)]
pub(super) struct Connect {
    /// Socket of the daemon [default: $PANELGATE_SOCKET, else gateway.socket of /etc/panelgate/panelgate.toml, else
    /// /run/panelgate/panelgate.sock]
    #[arg(long, global = true, value_name = "PATH", hide_short_help = true)]
    pub(super) socket: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// How long a change is waited for.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Wait {
    /// Do not wait for the panel's answer: exit 3 once the box has accepted the change
    #[arg(long)]
    pub(super) no_wait: bool,
    /// Wait so long for the panel's answer; after that the change stays pending, and the exit code is 3
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    pub(super) timeout: u64,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Stops in order on SIGTERM or SIGINT (20 s at most), at once on the second one. Tells systemd when it is ready and that it
is alive. PANELGATE_LOG overrides log.level, for example PANELGATE_LOG=info,panelgate::panels=debug.")]
pub(super) struct RunArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = crate::config::DEFAULT_FILE)]
    pub(super) config: PathBuf,
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing has to be installed, nothing outside the data directory is touched. Prints what to look at next. Ends on Ctrl-C.")]
pub(super) struct DemoArgs {
    /// Folder for database, key and socket [default: a new folder under the system's temporary one]
    #[arg(long, value_name = "FOLDER")]
    pub(super) data_dir: Option<PathBuf>,
    /// Where the broker listens for MQTT 3.1.1; for MQTT 5 it takes the next port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:18830")]
    pub(super) mqtt: std::net::SocketAddr,
}

#[cfg(feature = "sim")]
#[derive(Debug, Args)]
#[command(after_help = "\
Starts with the vendor's factory codes. What happens is printed as JSON, one object a line. On stdin and in the script:
  open ZONE, close ZONE, tamper ZONE, trip ZONE, battery low|ok [ZONE], ac off|on, enter CODE [PARTITION],
  arm away|stay|night [PARTITION] [SLOT], disarm [PARTITION] [SLOT], panic fire|medical|police, edit SLOT WORDS…,
  drop [SECONDS], reboot, fault NAME…, wait SECONDS, users, state, quit

  panelgate simulate dsc --interface envisalink --listen 127.0.0.1:4025
  panelgate simulate dsc --interface it100 --pty /tmp/it100 --users 20 --seed 7")]
#[command(group = clap::ArgGroup::new("door").required(true))]
pub(super) struct SimulateArgs {
    /// Whose panel
    pub(super) vendor: String,
    /// Let clients dial this address
    #[arg(long, value_name = "ADDRESS", group = "door")]
    pub(super) listen: Option<String>,
    /// Let clients open a pty by this path
    #[arg(long, value_name = "PATH", group = "door")]
    pub(super) pty: Option<PathBuf>,
    /// Dial this address
    #[arg(long, value_name = "ADDRESS", group = "door")]
    pub(super) connect: Option<String>,
    /// dsc: it100 or envisalink
    #[arg(long)]
    pub(super) interface: Option<String>,
    /// The panel's model [default for dsc: PC1864]
    #[arg(long)]
    pub(super) model: Option<String>,
    /// Users with random codes besides the master
    #[arg(long, value_name = "N")]
    pub(super) users: Option<u16>,
    /// Partitions in use
    #[arg(long, value_name = "N")]
    pub(super) partitions: Option<u8>,
    /// Zones in use
    #[arg(long, value_name = "N")]
    pub(super) zones: Option<u8>,
    /// Digits of all codes
    #[arg(long, value_name = "N")]
    pub(super) code_length: Option<usize>,
    /// One of the panel's own settings, such as exit_seconds=10 or pace=fast; an unknown name lists them all
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub(super) set: Vec<(String, String)>,
    /// Seed of everything that is random
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
    /// A script to follow beside stdin
    #[arg(long, value_name = "FILE")]
    pub(super) script: Option<PathBuf>,
    /// Master code, in the place of the factory's
    #[arg(long, value_name = "CODE")]
    pub(super) master: Option<String>,
    /// Installer code, in the place of the factory's
    #[arg(long, value_name = "CODE")]
    pub(super) installer: Option<String>,
    /// Password of the module, in the place of the factory's
    #[arg(long, value_name = "PASSWORD")]
    pub(super) password: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    pub(super) connect: Connect,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints each problem with its key, what is wrong and what to do, and exits with 78 when one of them is an error.
Warnings alone exit with 0.

  panelgate check --config panelgate.toml
  panelgate check --config panelgate.toml --json | jq '.problems[].key'")]
pub(super) struct CheckArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = crate::config::DEFAULT_FILE)]
    pub(super) config: PathBuf,
    /// Print JSON instead of text
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A line holds one frame as text or as hex digits. `<` in front says that it came from the panel, `>` that it went to
it; `#` starts a comment. What cannot be read is told with {\"ok\":false,\"error\":…}; the rest goes on.

  echo '6543D2' | panelgate decode dsc
  panelgate decode dsc < capture.txt | jq -c 'select(.event)'")]
pub(super) struct DecodeArgs {
    /// Whose protocol it is
    pub(super) vendor: String,
    /// Print codes and passwords instead of masking them
    #[arg(long)]
    pub(super) show_codes: bool,
}

#[derive(Debug, Args)]
pub(super) struct PanelsArgs {
    #[command(flatten)]
    pub(super) connect: Connect,
    #[command(subcommand)]
    pub(super) what: Option<PanelsCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum PanelsCommand {
    /// All panels (what `panels` does by itself)
    List,
    /// One panel: partitions, zones, troubles, and what it can do
    Show { panel: PanelId },
    /// Read a part of the panel again
    Refresh {
        panel: PanelId,
        /// state, users or labels
        #[arg(default_value = "state", value_parser = word::<RefreshSection>)]
        section: RefreshSection,
    },
    /// Arm a partition
    Arm {
        panel: PanelId,
        partition: Partition,
        /// away, stay, night, away_no_entry or stay_no_entry
        #[arg(default_value = "away", value_parser = word::<ArmMode>)]
        mode: ArmMode,
        /// Ask for a code; without it the panel arms by itself where it may
        #[arg(long)]
        code: bool,
    },
    /// Disarm a partition; asks for a code
    Disarm { panel: PanelId, partition: Partition },
    /// Bypass a zone
    Bypass {
        panel: PanelId,
        zone: Zone,
        /// Take the bypass back
        #[arg(long)]
        off: bool,
    },
    /// Activate an output of a partition
    Output { panel: PanelId, partition: Partition, output: u8 },
    /// Set the panel's clock to the box's local time
    SetClock { panel: PanelId },
    /// Give the box a secret that it needs at the panel; asks for it
    SetCredential {
        panel: PanelId,
        /// password, master-code or installer-code
        #[arg(value_parser = word::<CredentialKind>)]
        credential: CredentialKind,
    },
    /// Prove the installer code at the panel; asks for it
    ///
    /// The panel enters installer programming for a moment, which it may report to a central station, and a wrong code
    /// counts towards its lock-out.
    VerifyInstallerCode {
        panel: PanelId,
        /// Prove the code that the box keeps, without asking
        #[arg(long)]
        kept: bool,
    },
    /// Write a new installer code to the panel; asks for it twice
    ChangeInstallerCode {
        panel: PanelId,
        /// Ask for the present code too, instead of using the one that the box keeps
        #[arg(long)]
        ask_current: bool,
    },
    /// Serial devices of this machine
    Ports,
}

#[derive(Debug, Args)]
#[command(
    subcommand_negates_reqs = false,
    after_help = "\
  panelgate users dsc-1                         the first 15 places
  panelgate users dsc-1 list --page 2 --size 50
  panelgate users dsc-1 set-code 4              asks for the code twice, without showing it
  printf '%s\\n' 2846 2846 | panelgate users dsc-1 set-code 4
  panelgate users dsc-1 partitions 4 1,2

A change is first accepted by the box and then written to the panel; the command waits for the panel's answer and says
how well it is proved: read back, acknowledged, or written without an answer."
)]
pub(super) struct UsersArgs {
    pub(super) panel: PanelId,
    #[command(flatten)]
    pub(super) connect: Connect,
    #[command(flatten)]
    pub(super) page: PageArgs,
    #[command(subcommand)]
    pub(super) what: Option<UsersCommand>,
}

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct PageArgs {
    /// Page to show, from 1
    #[arg(long, default_value_t = 1)]
    pub(super) page: usize,
    /// Rows on a page: 10, 15, 50, 100 or 200
    #[arg(long, default_value_t = 15)]
    pub(super) size: usize,
}

#[derive(Debug, Subcommand)]
pub(super) enum UsersCommand {
    /// The panel's places for users (what `users PANEL` does by itself)
    List(PageArgs),
    /// Set or replace the code of a place; on an empty place that creates the user
    SetCode {
        slot: Slot,
        #[command(flatten)]
        wait: Wait,
    },
    /// Name a user
    Label {
        slot: Slot,
        text: String,
        #[command(flatten)]
        wait: Wait,
    },
    /// Choose the partitions that a user may operate
    Partitions {
        slot: Slot,
        /// A list such as 1,4,6
        partitions: PartitionSet,
        #[command(flatten)]
        wait: Wait,
    },
    /// Choose the role of a user
    Role {
        slot: Slot,
        /// user, supervisor, one-time-user, duress, … as the panel has them
        #[arg(value_parser = word::<PanelRole>)]
        role: PanelRole,
        #[command(flatten)]
        wait: Wait,
    },
    /// Remove a user: code, label, partitions
    Disable {
        slot: Slot,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        wait: Wait,
    },
    /// Read all users from the panel again
    Refresh,
    /// Proximity tags, where the panel has them
    Tags { slot: Slot },
    /// Door locks, where the panel has them
    Locks { slot: Slot },
}

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate events                       the last 20
  panelgate events --follow --panel dsc-1
  panelgate events --after 1200 --json   everything after that sequence number")]
pub(super) struct EventsArgs {
    #[command(flatten)]
    pub(super) connect: Connect,
    /// Of this panel only
    #[arg(long, value_name = "PANEL")]
    pub(super) panel: Option<PanelId>,
    /// How many of the newest to show
    #[arg(long, default_value_t = 20, conflicts_with = "after")]
    pub(super) last: u32,
    /// Show all that follow this sequence number
    #[arg(long, value_name = "SEQ")]
    pub(super) after: Option<u64>,
    /// Go on with new ones as they come
    #[arg(long, short)]
    pub(super) follow: bool,
}

#[derive(Debug, Args)]
pub(super) struct WireArgs {
    pub(super) panel: PanelId,
    #[command(flatten)]
    pub(super) connect: Connect,
}

#[derive(Debug, Args)]
pub(super) struct LogArgs {
    #[command(flatten)]
    pub(super) connect: Connect,
    /// How many of the newest to show
    #[arg(long, default_value_t = 20, conflicts_with = "after", global = true)]
    pub(super) last: u32,
    /// Show all that follow this sequence number
    #[arg(long, value_name = "SEQ", global = true)]
    pub(super) after: Option<u64>,
    #[command(subcommand)]
    pub(super) what: Option<LogCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum LogCommand {
    /// The lines of the action log (what `log` does by itself)
    List,
}

/// A setting and its value.
#[cfg(feature = "sim")]
fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("give NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// One of the model's words, with `-` for `_`, as people type them.
pub(super) fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let json = serde_json::Value::String(text.to_lowercase().replace('-', "_"));
    serde_json::from_value(json).map_err(|error| error.to_string().replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn lines_that_people_type_are_understood() {
        for line in [
            "panels",
            "panels list --json",
            "panels show dsc-1 --socket /tmp/x",
            "panels refresh dsc-1 users",
            "panels arm dsc-1 1 stay --code",
            "panels set-credential dsc-1 master-code",
            "users dsc-1",
            "users dsc-1 --page 2 --size 50",
            "users dsc-1 list --page 2 --size 50 --json",
            "users dsc-1 set-code 4",
            "users dsc-1 set-code 4 --no-wait --socket /tmp/x",
            "users dsc-1 partitions 4 1,4,6 --timeout 10",
            "users dsc-1 role 4 one-time-user",
            "users dsc-1 disable 4 --yes",
            "events --follow --panel dsc-1",
            "log list --last 5",
            "wire dsc-1 --json",
            "decode dsc --show-codes",
            "simulate dsc --interface it100 --pty /tmp/x --set pace=fast --set exit_seconds=2",
            "check --config x.toml",
            "run --config x.toml",
            "status --json",
            #[cfg(feature = "sim")]
            "simulate dsc --interface it100 --pty /tmp/p --users 5 --seed 7 --script x",
            #[cfg(feature = "demo")]
            "demo --mqtt 127.0.0.1:1",
        ] {
            let words = std::iter::once("panelgate").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
        for line in [
            "users dsc-1 set-code 0",
            "users DSC set-code 4",
            "users dsc-1 role 4 king",
            "panels arm dsc-1 33",
            "simulate dsc --listen a --pty b",
        ] {
            let words = std::iter::once("panelgate").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_err(), "{line}");
        }
    }
}
