use std::collections::BTreeSet;

use clap::{Args, Subcommand};

use super::args::{Connect, word};
use super::client::Client;
use super::requests::bring_back;
use super::table::table;
use super::{Exit, ask, follow, out};
use crate::access::{Name, Permission};
use crate::actions::{Action, CopyRole, CreateRole, DeleteRole, EditRole};
use crate::api::RoleRow;

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate roles                               every role and how many hold it
  panelgate roles show Operator
  panelgate roles permissions                   what there is to permit
  panelgate roles add 'Night shift' --permit view_devices,control_devices
  panelgate roles copy Operator 'Senior operator'
  panelgate roles edit 'Senior operator' --add delete_users --remove manage_devices
  panelgate roles delete 'Night shift'
  panelgate roles restore 'Night shift'

An edited role counts from its holders' next action on. Nobody gives permissions that they do not have. To edit or delete
a role without being Super Admin is to ask for it: it ends with 3, and somebody else decides (`panelgate requests`).")]
pub(super) struct RolesArgs {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    what: Option<RolesCommand>,
}

#[derive(Debug, Subcommand)]
enum RolesCommand {
    /// Every role (what `roles` does by itself)
    List,
    /// What one role permits
    Show { role: Name },
    /// Everything that a role can permit, and what it means
    Permissions,
    /// Make a role
    Add {
        role: Name,
        /// What it permits, a list such as view_devices,control_devices
        #[arg(long, value_name = "PERMISSIONS", value_delimiter = ',', required = true, value_parser = word::<Permission>)]
        permit: Vec<Permission>,
    },
    /// Make a role that permits what another one does now
    Copy { role: Name, copy: Name },
    /// Change what a role permits
    #[command(group(clap::ArgGroup::new("change").required(true).multiple(true).args(["add", "remove"])))]
    Edit {
        role: Name,
        /// Permissions to add
        #[arg(long, value_name = "PERMISSIONS", value_delimiter = ',', value_parser = word::<Permission>)]
        add: Vec<Permission>,
        /// Permissions to take away
        #[arg(long, value_name = "PERMISSIONS", value_delimiter = ',', value_parser = word::<Permission>)]
        remove: Vec<Permission>,
    },
    /// Delete a role that nobody holds
    Delete {
        role: Name,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Bring a deleted role back
    Restore { role: Name },
}

pub(super) async fn run(args: RolesArgs) -> anyhow::Result<Exit> {
    let RolesArgs { connect, what } = args;
    let (client, json) = (Client::new(&connect), connect.json);
    let action = match what.unwrap_or(RolesCommand::List) {
        RolesCommand::List => return list(&client, json).await,
        RolesCommand::Show { role } => return show(&client, &role, json).await,
        RolesCommand::Permissions => return permissions(json),
        RolesCommand::Restore { role } => {
            let fits = |kind: &str, name: &str| kind == "role" && role.reads_like(name);
            return bring_back(&client, json, &format!("role {role}"), |row| fits(&row.kind, &row.name)).await;
        }
        RolesCommand::Add { role, permit } => {
            Action::CreateRole(CreateRole { role, permissions: permit.into_iter().collect() })
        }
        RolesCommand::Copy { role, copy } => Action::CopyRole(CopyRole { role, copy }),
        RolesCommand::Edit { role, add, remove } => {
            Action::EditRole(EditRole { role, add: add.into_iter().collect(), remove: remove.into_iter().collect() })
        }
        RolesCommand::Delete { role, yes } => {
            if !yes && !ask::sure(&format!("delete the role {role}?"))? {
                out::line("nothing was changed")?;
                return Ok(Exit::Failed);
            }
            Action::DeleteRole(DeleteRole { role })
        }
    };
    follow::report(&client.perform(&action).await?, json)
}

async fn list(client: &Client, json: bool) -> anyhow::Result<Exit> {
    let roles: Vec<RoleRow> = client.get("/roles").await?;
    if json {
        out::json(&roles)?;
        return Ok(Exit::Ok);
    }
    let rows = roles.iter().map(|row| {
        let fixed = if row.fixed { "cannot be edited" } else { "" };
        let permissions = format!("{} of {}", row.permissions.len(), Permission::ALL.len());
        [row.role.to_string(), permissions, row.holders.to_string(), fixed.to_owned()]
    });
    out::text(&table(["ROLE", "PERMISSIONS", "HOLDERS", ""], rows))?;
    Ok(Exit::Ok)
}

async fn show(client: &Client, role: &Name, json: bool) -> anyhow::Result<Exit> {
    let roles: Vec<RoleRow> = client.get("/roles").await?;
    let Some(row) = roles.iter().find(|row| row.role.reads_like(role.as_str())) else {
        anyhow::bail!("there is no role {role}; `panelgate roles` lists them");
    };
    if json {
        out::json(row)?;
    } else {
        out::text(&meanings(&row.permissions))?;
    }
    Ok(Exit::Ok)
}

fn permissions(json: bool) -> anyhow::Result<Exit> {
    if json {
        let all = Permission::ALL.map(|p| serde_json::json!({ "permission": p, "meaning": p.meaning() }));
        out::json(&all)?;
    } else {
        out::text(&meanings(&Permission::ALL.into_iter().collect()))?;
    }
    Ok(Exit::Ok)
}

fn meanings(permissions: &BTreeSet<Permission>) -> String {
    table(["PERMISSION", "ALLOWS"], permissions.iter().map(|p| [p.name().to_owned(), p.meaning().to_owned()]))
}
