use clap::{Args, Subcommand};
use panel_model::{Access, CodeState, PanelId, PanelRole, PartitionSet, Slot};

use super::args::{Connect, Wait, word};
use super::client::{Client, query};
use super::table::table;
use super::unlock::Shown;
use super::words::{or_dash, time};
use super::{Exit, ask, follow, out};
use crate::actions::{Action, RefreshSection};
use crate::api::{Page, PanelUpdate, UserRow};
use crate::payload::{Answer, PanelDetail, User};

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate users dsc-1                         the first 15 places
  panelgate users dsc-1 list --page 2 --size 50
  panelgate users dsc-1 set-code 4              asks for the code twice, without showing it
  printf '%s\\n' 2846 2846 | panelgate users dsc-1 set-code 4
  panelgate users dsc-1 partitions 4 1,2

A change is first accepted by the box and then written to the panel; the command waits for the panel's answer and says
how well it is proved: read back, acknowledged, or written without an answer.")]
pub(super) struct UsersArgs {
    panel: PanelId,
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    shown: Shown,
    #[command(flatten)]
    page: PageArgs,
    #[command(subcommand)]
    what: Option<UsersCommand>,
}

/// Which part of a list (U15).
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct PageArgs {
    /// Page to show, from 1
    #[arg(long, default_value_t = 1)]
    page: usize,
    /// Rows on a page: 10, 15, 50, 100 or 200
    #[arg(long, default_value_t = 15)]
    size: usize,
}

impl PageArgs {
    /// The same as parts of a query.
    pub(super) fn pairs(self) -> [(&'static str, Option<String>); 2] {
        [("page", Some(self.page.to_string())), ("size", Some(self.size.to_string()))]
    }
}

#[derive(Debug, Subcommand)]
enum UsersCommand {
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

pub(super) async fn run(args: UsersArgs) -> anyhow::Result<Exit> {
    let UsersArgs { panel, connect, shown, page, what } = args;
    let (client, json) = (Client::new(&connect).showing(shown.read()?), connect.json);
    let (action, wait) = match what {
        None => return list(&client, &panel, page, json).await,
        Some(UsersCommand::List(page)) => return list(&client, &panel, page, json).await,
        Some(UsersCommand::Refresh) => {
            let action = Action::Refresh { panel, section: RefreshSection::Users };
            return follow::command(&client, &action, json).await;
        }
        Some(UsersCommand::Tags { slot }) => return tags(&client, &panel, slot, json).await,
        Some(UsersCommand::Locks { slot }) => return missing(&client, &panel, slot, "door locks", |s| s.locks).await,
        Some(UsersCommand::SetCode { slot, wait }) => {
            let code = ask::new_secret(&format!("new code for user {slot} of {panel}"))?;
            (Action::SetCode { panel, slot, code: client.seal(&code).await? }, wait)
        }
        Some(UsersCommand::Label { slot, text, wait }) => (Action::SetLabel { panel, slot, label: text }, wait),
        Some(UsersCommand::Partitions { slot, partitions, wait }) => {
            (Action::SetPartitions { panel, slot, partitions }, wait)
        }
        Some(UsersCommand::Role { slot, role, wait }) => (Action::SetRole { panel, slot, role }, wait),
        Some(UsersCommand::Disable { slot, yes, wait }) => {
            if !yes && !ask::sure(&format!("remove user {slot} of {panel}?"))? {
                out::line("nothing was changed")?;
                return Ok(Exit::Failed);
            }
            (Action::DisableUser { panel, slot }, wait)
        }
    };
    follow::wish(&client, &action, wait, json).await
}

async fn list(client: &Client, panel: &PanelId, page: PageArgs, json: bool) -> anyhow::Result<Exit> {
    let users: Page<UserRow> = client.get(&query(&format!("/panels/{panel}/users"), page.pairs())).await?;
    if json {
        out::json(&users)?;
        return Ok(Exit::Ok);
    }
    let head =
        ["SLOT", "LABEL", "ROLE", "CODE", "PARTITIONS", "ACCOUNT", "ACCOUNT CREATED", "ACCOUNT STATUS", "WISHES"];
    out::text(&table(head, users.rows.iter().map(row)))?;
    out::line(&users.shown)?;
    if users.rows.iter().any(|row| row.user.stale) {
        eprintln!("(?) may have been changed at a keypad since; `panelgate users {panel} refresh` looks again");
    }
    Ok(Exit::Ok)
}

fn row(row: &UserRow) -> [String; 9] {
    let (user, account) = (&row.user, row.account.as_ref());
    let doubt = if user.stale { " (?)" } else { "" };
    let code = match user.code_state {
        CodeState::Set => "set",
        CodeState::None => "none",
        CodeState::Unknown => "?",
    };
    [
        user.slot.to_string(),
        user.label.clone(),
        user.role_text().to_owned(),
        format!("{code}{doubt}"),
        user.partitions_text(),
        or_dash(account.map(|account| &account.email)),
        or_dash(account.map(|account| time(account.created))),
        account.map_or("unknown", |account| account.status.name()).to_owned(),
        wishes(user),
    ]
}

/// What is wished and not yet so.
fn wishes(user: &User) -> String {
    let open = user.answers.iter().filter_map(|(field, answer)| {
        let how = match answer {
            Answer::Applied { .. } => return None,
            Answer::Pending { .. } => "pending",
            Answer::Refused { .. } => "refused",
            Answer::Failed { .. } => "failed",
        };
        Some(format!("{} {how}", field.name()))
    });
    open.collect::<Vec<_>>().join(", ")
}

/// Whether a user has a proximity tag.
async fn tags(client: &Client, panel: &PanelId, slot: Slot, json: bool) -> anyhow::Result<Exit> {
    let detail: PanelDetail = client.get(&format!("/panels/{panel}")).await?;
    if detail.capabilities.sections.tags != Access::ReadOnly {
        return missing(client, panel, slot, "proximity tags", |s| s.tags).await;
    }
    known_slot(&detail, slot)?;
    // The first update is whole.
    let path = query(&format!("/panels/{panel}/follow"), [("slot", Some(slot.to_string()))]);
    let update = client.follow::<PanelUpdate>(&path).await?.next().await?;
    let user = update.and_then(|mut update| update.users.remove(&slot)).flatten();
    let (tags, stale) = user.map_or((None, false), |user| (user.tags, user.stale));
    if json {
        out::json(&serde_json::json!({ "panel": panel, "slot": slot, "tags": tags, "stale": stale }))?;
        return Ok(Exit::Ok);
    }
    let text = match tags {
        None => format!("not known; `panelgate users {panel} refresh` looks"),
        Some(0) => "none".to_owned(),
        Some(_) => "has a tag".to_owned(),
    };
    let doubt = if stale { " (?)" } else { "" };
    out::line(format_args!("{panel} {slot}: {text}{doubt}"))?;
    Ok(Exit::Ok)
}

fn known_slot(detail: &PanelDetail, slot: Slot) -> anyhow::Result<()> {
    match detail.capabilities.roles_of(slot) {
        Ok(_) => Ok(()),
        Err(refusal) => anyhow::bail!("refused ({}): {}", refusal.code(), refusal.hint()),
    }
}

/// Tags and locks belong to panels that have them.
async fn missing(
    client: &Client,
    panel: &PanelId,
    slot: Slot,
    what: &str,
    access: impl Fn(&panel_model::Sections) -> Access,
) -> anyhow::Result<Exit> {
    let detail: PanelDetail = client.get(&format!("/panels/{panel}")).await?;
    known_slot(&detail, slot)?;
    let reason = match access(&detail.capabilities.sections) {
        Access::Unsupported => format!("{} has no {what} that could be managed from here", detail.capabilities.model),
        _ => format!("this version of panelgate does not manage {what} yet"),
    };
    anyhow::bail!("refused (unsupported): {reason}")
}
