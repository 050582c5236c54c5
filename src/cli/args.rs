use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use serde::de::DeserializeOwned;

use super::accounts::AccountsArgs;
use super::assets::AssetsArgs;
use super::check::CheckArgs;
use super::commission::CommissionArgs;
use super::companies::CompaniesArgs;
use super::decode::DecodeArgs;
#[cfg(feature = "demo")]
use super::demo::DemoArgs;
use super::history::{EventsArgs, WireArgs};
use super::log::LogArgs;
use super::login::{FirstLoginArgs, LoginArgs, LogoutArgs, SetPasswordArgs, WhoAmIArgs};
use super::operator::OperatorArgs;
use super::panels::PanelsArgs;
use super::people::{InstallersArgs, ManagersArgs};
use super::requests::RequestsArgs;
use super::roles::RolesArgs;
use super::run::RunArgs;
#[cfg(feature = "sim")]
use super::simulate::SimulateArgs;
use super::status::StatusArgs;
use super::unlock::{LockArgs, UnlockArgs};
use super::users::UsersArgs;

/// Bridges a site's alarm panels to a cloud over MQTT.
#[derive(Debug, Parser)]
#[command(
    name = "panelgate",
    version,
    after_help = "\
Try it without any panel:
  panelgate demo
Commission a box:
  panelgate check --config /etc/panelgate/panelgate.toml
  systemctl start panelgate
  panelgate panels list
  panelgate unlock dsc-1
  panelgate users dsc-1 set-code 4
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 accepted and still pending, 78 the configuration cannot work."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, made once")]
pub(super) enum Command {
    /// Run the daemon in the foreground, as systemd does
    Run(RunArgs),
    /// A broker, four simulated panels and the real daemon in one process, to look at
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
    /// Show a panel's installer code once, for all changes that follow
    Unlock(UnlockArgs),
    /// End that, for one panel or for all
    Lock(LockArgs),
    /// Installers: invite, suspend, remove, assign to panels
    Installers(InstallersArgs),
    /// Managers: invite, suspend, remove
    Managers(ManagersArgs),
    /// Accounts of the customer application
    Accounts(AccountsArgs),
    /// Act as a person from now on
    Login(LoginArgs),
    /// Act as a person no longer
    Logout(LogoutArgs),
    /// As whom the commands of this system user act
    Whoami(WhoAmIArgs),
    /// Set one's own password
    SetPassword(SetPasswordArgs),
    /// The temporary password of the init account, on the first start
    FirstLogin(FirstLoginArgs),
    /// What happened at the panels
    Events(EventsArgs),
    /// The last bytes to and from one panel, codes masked
    Wire(WireArgs),
    /// Who changed what, or tried to
    Log(LogArgs),
    /// What people may do: roles and their permissions
    Roles(RolesArgs),
    /// The tree of companies, and who takes part in them
    Companies(CompaniesArgs),
    /// Changes that wait for another person's decision
    Requests(RequestsArgs),
    /// The site's equipment: what it is, and where
    Assets(AssetsArgs),
    /// Commission one panel: checklist, walk test, signed report
    Commission(CommissionArgs),
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
            "panels label-zone neor-1 3 Kitchen",
            "panels label-partition neor-1 2 Shop --json",
            "panels wanting --json",
            "panels adopt 310212345678 --id neor-1",
            "panels set-credential dsc-1 master-code",
            "unlock dsc-1",
            "unlock dsc-1 --installer-code-file dsc-1.code --json",
            "lock",
            "lock dsc-1 --socket /tmp/x",
            "panels unblock dsc-1",
            "panels set-clock dsc-1 --installer-code-file -",
            "users dsc-1 set-code 4 --installer-code-file -",
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
            "installers",
            "installers list --page 2 --json",
            "installers invite anna@example.org --name Anna --panel dsc-1 --panel dsc-2",
            "installers accept",
            "installers update-software anna@example.org no",
            "installers remove anna@example.org --yes",
            "managers invite boss@example.org --name Boss --role Operator",
            "managers deactivate-init",
            "accounts --like ber",
            "accounts assign carl@example.org dsc-1 4",
            "login init",
            "login Anna@Example.org --json",
            "set-password",
            "whoami --json",
            "first-login",
            "wire dsc-1 --json",
            "assets --json",
            "assets list --page 2 --size 50",
            "assets add PC1864 0123 --panel dsc-1 --zone 4",
            "assets move 2 --storage van",
            "assets models edit PC1864 --category spare",
            "assets storage",
            "commission dsc-1 --json",
            "commission dsc-1 walk-test skip 9-12,16 --reason none",
            "commission dsc-1 sign-off --name Anna",
            "commission dsc-1 report --html -",
            "decode dsc --show-codes",
            "operator token --signing-key k.pem --gateway g1 --company acme --permissions view_users,manage_users",
            "operator token --signing-key k.pem --new-key",
            "operator request --signing-key k.pem --company acme --seal code --times 3 {}",
            "operator request --token-file t --id 01a20304-059c-7447-b673-fed0202316ec {} --v3",
            "operator directory --file d.json --mqtt b:1883",
            "operator keys --signing-key k.pem",
            "decode neor --access-code-file x --identifier 310212345678",
            "simulate dsc --interface it100 --pty /tmp/x --set pace=fast --set exit_seconds=2",
            "check --config x.toml",
            "roles",
            "roles add Night --permit view_devices,control-devices",
            "roles edit Operator --add delete_users --remove manage_devices,view_users --json",
            "roles delete Operator --yes",
            "companies add acme-north Acme --parent acme",
            "companies edit acme-north --top",
            "companies join acme anna@example.com Operator",
            "requests --page 2 --size 50",
            "requests approve 7",
            "requests mine --json",
            "run --config x.toml",
            "status --json",
            #[cfg(feature = "sim")]
            "simulate neor --connect 127.0.0.1:3072 --identifier 310212340000 --count 200 --users 95",
            #[cfg(feature = "sim")]
            "simulate dsc --interface it100 --pty /tmp/p --users 5 --seed 7 --script x",
            #[cfg(feature = "sim")]
            "simulate visonic --listen 127.0.0.1:0 --model PowerMaster-10 --password 5A5B",
            #[cfg(feature = "sim")]
            "simulate visonic --pty /tmp/p --jsonrpc 127.0.0.1:8181",
            #[cfg(feature = "sim")]
            "simulate visonic --jsonrpc 127.0.0.1:8181",
            "panels silence visonic-1 1",
            #[cfg(feature = "demo")]
            "demo --mqtt 127.0.0.1:1",
        ] {
            let words = std::iter::once("panelgate").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
        for line in [
            "users dsc-1 set-code 0",
            "operator token --signing-key k.pem --permissions fly",
            "operator request --token-file t --signing-key k.pem {}",
            "assets add PC1864 0123",
            "assets add PC1864 0123 --zone 4",
            "assets add PC1864 0123 --storage van --panel dsc-1",
            "assets edit 2",
            "commission dsc-1 walk-test skip 7",
            "commission dsc-1 sign-off",
            "users DSC set-code 4",
            "installers invite anna --name Anna",
            "installers invite anna@example.org",
            "managers assign boss@example.org dsc-1",
            "login nobody",
            "users dsc-1 role 4 king",
            "panels arm dsc-1 33",
            "panels label-zone neor-1 0 Kitchen",
            "simulate dsc --listen a --pty b",
            "simulate dsc",
            "roles add Night --permit fly",
            "roles add Night",
            "roles edit Night",
            "companies add Acme Acme",
            "companies edit acme --top --parent x",
            "requests approve seven",
        ] {
            let words = std::iter::once("panelgate").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_err(), "{line}");
        }
    }
}
