use std::fmt::Write as _;

use clap::{Args, Subcommand};
use panel_model::{ArmMode, PanelId, Partition, Zone};

use super::args::{Connect, word as model_word};
use super::client::Client;
use super::table::table;
use super::unlock::Shown;
use super::words::{or_dash, time, word};
use super::{Exit, ask, follow, out, ports, wanting};
use crate::actions::{Action, CredentialKind, RefreshSection};
use crate::payload::{InstallerCodeState, PanelDetail, PanelRow};

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate panels                              one line for each panel
  panelgate panels show dsc-1
  panelgate panels arm dsc-1 1 stay
  panelgate panels label-zone neor-1 3 'Kitchen window'")]
pub(super) struct PanelsArgs {
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    shown: Shown,
    #[command(subcommand)]
    what: Option<PanelsCommand>,
}

#[derive(Debug, Subcommand)]
enum PanelsCommand {
    /// All panels (what `panels` does by itself)
    List,
    /// One panel: partitions, zones, troubles, and what it can do
    Show { panel: PanelId },
    /// Read a part of the panel again
    Refresh {
        panel: PanelId,
        /// state, users or labels
        #[arg(default_value = "state", value_parser = model_word::<RefreshSection>)]
        section: RefreshSection,
    },
    /// Arm a partition
    Arm {
        panel: PanelId,
        partition: Partition,
        /// away, stay, night, away_no_entry or stay_no_entry
        #[arg(default_value = "away", value_parser = model_word::<ArmMode>)]
        mode: ArmMode,
        /// Ask for a code; without it the panel arms by itself where it may
        #[arg(long)]
        code: bool,
    },
    /// Disarm a partition; asks for a code
    Disarm { panel: PanelId, partition: Partition },
    /// Silence the siren and leave the partition armed; asks for a code
    Silence { panel: PanelId, partition: Partition },
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
    /// Name a zone, with the installer code that the box keeps
    LabelZone { panel: PanelId, zone: Zone, text: String },
    /// Name a partition, with the installer code that the box keeps
    LabelPartition { panel: PanelId, partition: Partition, text: String },
    /// Set the panel's clock to the box's local time
    SetClock { panel: PanelId },
    /// Give the box a secret that it needs at the panel; asks for it
    SetCredential {
        panel: PanelId,
        /// password, master-code or installer-code
        #[arg(value_parser = model_word::<CredentialKind>)]
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
    /// Let installer codes be shown again after too many wrong ones
    Unblock { panel: PanelId },
    /// Panels that dial this box and that nobody configured
    Wanting,
    /// Print the configuration for a panel that wants in, to be put into the configuration file and filled in
    ///
    ///   panelgate panels adopt 310212345678 >> /etc/panelgate/panelgate.toml
    #[command(verbatim_doc_comment)]
    Adopt {
        /// What it calls itself; `panels wanting` lists them
        identifier: String,
        /// Name of the panel [default: the vendor's name with the next free number]
        #[arg(long, value_name = "PANEL")]
        id: Option<PanelId>,
    },
    /// Serial devices of this machine
    Ports,
}

pub(super) async fn run(args: PanelsArgs) -> anyhow::Result<Exit> {
    let (client, json) = (Client::new(&args.connect).showing(args.shown.read()?), args.connect.json);
    let action = match args.what.unwrap_or(PanelsCommand::List) {
        PanelsCommand::List => return list(&client, json).await,
        PanelsCommand::Show { panel } => return show(&client, &panel, json).await,
        PanelsCommand::Wanting => return wanting::list(&client, json).await,
        PanelsCommand::Adopt { identifier, id } => return wanting::adopt(&client, &identifier, id).await,
        PanelsCommand::Ports => return ports::run(json),
        other => action(&client, other).await?,
    };
    follow::command(&client, &action, json).await
}

/// The action behind a command, its secrets asked for and sealed.
async fn action(client: &Client, command: PanelsCommand) -> anyhow::Result<Action> {
    use PanelsCommand as P;
    Ok(match command {
        P::Refresh { panel, section } => Action::Refresh { panel, section },
        P::Arm { panel, partition, mode, code } => {
            let code = if code { Some(client.seal(&ask::secret("code")?).await?) } else { None };
            Action::Arm { panel, partition, mode, code }
        }
        P::Disarm { panel, partition } => {
            Action::Disarm { panel, partition, code: client.seal(&ask::secret("code")?).await? }
        }
        P::Silence { panel, partition } => {
            Action::SilenceSiren { panel, partition, code: client.seal(&ask::secret("code")?).await? }
        }
        P::Bypass { panel, zone, off } => Action::Bypass { panel, zone, bypassed: !off },
        P::Output { panel, partition, output } => Action::Output { panel, partition, output },
        P::LabelZone { panel, zone, text } => Action::SetZoneLabel { panel, zone, label: text },
        P::LabelPartition { panel, partition, text } => Action::SetPartitionLabel { panel, partition, label: text },
        P::SetClock { panel } => Action::SetClock { panel },
        P::Unblock { panel } => Action::Unblock { panel },
        P::SetCredential { panel, credential } => {
            let what = match credential {
                CredentialKind::Password => "password of the module",
                CredentialKind::MasterCode => "master code that the panel has",
                CredentialKind::InstallerCode => "installer code that the panel has",
            };
            Action::SetCredential { panel, credential, value: client.seal(&ask::new_secret(what)?).await? }
        }
        P::VerifyInstallerCode { panel, kept } => {
            let code = if kept { None } else { Some(client.seal(&ask::secret("installer code")?).await?) };
            Action::VerifyInstallerCode { panel, code }
        }
        P::ChangeInstallerCode { panel, ask_current } => {
            let current = if ask_current { Some(client.seal(&ask::secret("present code")?).await?) } else { None };
            let (new, confirmation) = (ask::secret("new installer code")?, ask::secret("new code once more")?);
            let (new, confirmation) = (client.seal(&new).await?, client.seal(&confirmation).await?);
            Action::ChangeInstallerCode { panel, current, new, confirmation }
        }
        P::List | P::Show { .. } | P::Wanting | P::Adopt { .. } | P::Ports => anyhow::bail!("this is no action"),
    })
}

async fn list(client: &Client, json: bool) -> anyhow::Result<Exit> {
    let panels: Vec<PanelRow> = client.get("/panels").await?;
    if json {
        out::json(&panels)?;
        return Ok(Exit::Ok);
    }
    let row = |panel: &PanelRow| {
        [
            panel.panel.to_string(),
            panel.status.state.name().to_owned(),
            time(panel.status.since),
            panel.model.clone(),
            panel.status.link.clone(),
            format!("{} of {}", panel.users, panel.slots),
            needs(panel),
        ]
    };
    let head = ["PANEL", "STATUS", "SINCE", "MODEL", "LINK", "USERS", "NEEDS"];
    out::text(&table(head, panels.iter().map(row)))?;
    Ok(Exit::Ok)
}

/// What a person has to do at a panel.
fn needs(panel: &PanelRow) -> String {
    match (&panel.status.needs, panel.installer_code) {
        (Some(needs), _) => needs.clone(),
        (None, InstallerCodeState::FactoryDefault) => "another installer code: it is the factory's".to_owned(),
        (None, InstallerCodeState::Unsettled) => "its installer code proved".to_owned(),
        (None, InstallerCodeState::None | InstallerCodeState::Kept) => "-".to_owned(),
    }
}

fn installer_code(panel: &PanelRow) -> String {
    let id = &panel.panel;
    match panel.installer_code {
        InstallerCodeState::None => {
            format!("no code kept: `panelgate panels set-credential {id} installer-code`")
        }
        InstallerCodeState::Kept => "code kept".to_owned(),
        InstallerCodeState::FactoryDefault => {
            format!(
                "STILL THE FACTORY'S CODE: `panelgate panels change-installer-code {id}`, or change it at the panel"
            )
        }
        InstallerCodeState::Unsettled => {
            format!("a change broke off, both codes are kept: `panelgate panels verify-installer-code {id} --kept`")
        }
    }
}

async fn show(client: &Client, panel: &PanelId, json: bool) -> anyhow::Result<Exit> {
    let detail: PanelDetail = client.get(&format!("/panels/{panel}")).await?;
    if json {
        out::json(&detail)?;
    } else {
        out::text(&page(&detail))?;
    }
    Ok(Exit::Ok)
}

/// One panel as a page of text.
fn page(detail: &PanelDetail) -> String {
    let (status, capabilities) = (&detail.row.status, &detail.capabilities);
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:12}{value}");
    };
    line("panel", format!("{} ({}, {})", detail.row.panel, status.vendor, capabilities.model));
    line("firmware", or_dash(detail.row.firmware.as_ref()));
    line("link", status.link.clone());
    line("status", format!("{} since {}", status.state.name(), time(status.since)));
    line("last heard", or_dash(status.last_seen.map(time)));
    if let Some(needs) = &status.needs {
        line("needs", needs.clone());
    }
    if let Some(progress) = &status.progress {
        line("at work", format!("{} {}/{}", progress.what, progress.done, progress.total));
    }
    line("users", format!("{} of {}", detail.row.users, detail.row.slots));
    line("installer", installer_code(&detail.row));
    line(
        "versions",
        format!(
            "reported {}, desired {}, cloud {}",
            detail.reported_version, detail.desired_version, detail.cloud_version
        ),
    );
    let _ = writeln!(text, "\n{}", partitions(detail).trim_end());
    let _ = writeln!(text, "\n{}", zones(detail));
    let _ = writeln!(text, "troubles    {}", troubles(detail));
    for note in &capabilities.notes {
        let _ = writeln!(text, "note        {note}");
    }
    text
}

fn partitions(detail: &PanelDetail) -> String {
    let rows = detail.state.partitions.iter().map(|(number, partition)| {
        let arm = match partition.mode {
            Some(mode) => format!("{} {}", word(&partition.arm), word(&mode)),
            None => word(&partition.arm),
        };
        let flags = [(partition.alarm, "ALARM"), (partition.busy, "busy"), (partition.chime, "chime")];
        let flags: Vec<_> = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
        [
            number.to_string(),
            or_dash(partition.label.as_ref()),
            arm,
            word(&partition.ready),
            or_dash(partition.last_user),
            flags.join(" "),
        ]
    });
    table(["PARTITION", "LABEL", "ARMING", "READY", "LAST USER", ""], rows)
}

/// Zones at rest are only counted.
fn zones(detail: &PanelDetail) -> String {
    let rows: Vec<_> = detail
        .state
        .zones
        .iter()
        .filter_map(|(number, zone)| {
            let flags =
                [(zone.open, "open"), (zone.alarm, "ALARM"), (zone.tamper, "TAMPER"), (zone.bypassed, "bypassed")];
            let flags: Vec<_> = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
            (!flags.is_empty()).then(|| [number.to_string(), or_dash(zone.label.as_ref()), flags.join(" ")])
        })
        .collect();
    let quiet = detail.state.zones.len() - rows.len();
    if rows.is_empty() {
        return format!("zones       all {quiet} closed\n");
    }
    format!("{}and {quiet} closed\n", table(["ZONE", "LABEL", "STATE"], rows))
}

fn troubles(detail: &PanelDetail) -> String {
    let names = detail.state.troubles.iter().map(|trouble| {
        let device = trouble.device.map(|device| format!(" {device}")).unwrap_or_default();
        let partition = trouble.partition.map(|partition| format!(" in partition {partition}")).unwrap_or_default();
        format!("{}{device}{partition}", word(&trouble.kind))
    });
    let names: Vec<_> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
