use anyhow::bail;
use clap::{Args, Subcommand};

use super::args::Connect;
use super::client::{Client, query};
use super::requests::bring_back;
use super::table::table;
use super::users::PageArgs;
use super::words::or_dash;
use super::{Exit, ask, follow, out};
use crate::access::{CompanyId, Name};
use crate::actions::{
    Action, AddParticipation, CreateCompany, DeleteCompany, EditCompany, EditParticipation, EndParticipation,
};
use crate::api::{CompanyRow, Page, ParticipationRow};

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate companies                           the tree; * is the one that this box belongs to
  panelgate companies add acme 'Acme Security'
  panelgate companies add acme-north 'Acme North' --parent acme
  panelgate companies edit acme-north --name 'Acme Nord'
  panelgate companies edit acme-north --top     no company above it any more
  panelgate companies delete acme-north
  panelgate companies people                    who takes part where, and in which role
  panelgate companies join acme anna@example.com Operator
  panelgate companies move acme anna@example.com Installer
  panelgate companies leave acme anna@example.com

A cloud operator's token acts on boxes of its own company and of its subsidiaries. Which company this box belongs to is
gateway.company of its configuration.")]
pub(super) struct CompaniesArgs {
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    page: PageArgs,
    #[command(subcommand)]
    what: Option<CompaniesCommand>,
}

#[derive(Debug, Subcommand)]
enum CompaniesCommand {
    /// Every company (what `companies` does by itself)
    List(PageArgs),
    /// Make a company
    Add {
        company: CompanyId,
        name: Name,
        /// The company that it is a subsidiary of
        #[arg(long, value_name = "COMPANY")]
        parent: Option<CompanyId>,
    },
    /// Name a company anew, or move it in the tree
    #[command(group(clap::ArgGroup::new("change").required(true).multiple(true).args(["name", "parent", "top"])))]
    Edit {
        company: CompanyId,
        /// Its new name
        #[arg(long)]
        name: Option<Name>,
        /// The company that it becomes a subsidiary of
        #[arg(long, value_name = "COMPANY", conflicts_with = "top")]
        parent: Option<CompanyId>,
        /// It becomes a subsidiary of none
        #[arg(long)]
        top: bool,
    },
    /// Delete a company that nothing belongs to
    Delete {
        company: CompanyId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Bring a deleted company back
    Restore { company: CompanyId },
    /// Who takes part in which company
    People(PageArgs),
    /// Let somebody take part in a company
    Join { company: CompanyId, email: String, role: Name },
    /// Give somebody another role in a company
    Move { company: CompanyId, email: String, role: Name },
    /// End somebody's part in a company
    Leave { company: CompanyId, email: String },
}

pub(super) async fn run(args: CompaniesArgs) -> anyhow::Result<Exit> {
    let CompaniesArgs { connect, page, what } = args;
    let (client, json) = (Client::new(&connect), connect.json);
    let action = match what.unwrap_or(CompaniesCommand::List(page)) {
        CompaniesCommand::List(page) => return list(&client, page, json).await,
        CompaniesCommand::People(page) => return people(&client, page, json).await,
        CompaniesCommand::Restore { company } => {
            let fits = |kind: &str, name: &str| kind == "company" && name == company.as_str();
            return bring_back(&client, json, &format!("company {company}"), |row| fits(&row.kind, &row.name)).await;
        }
        CompaniesCommand::Add { company, name, parent } => {
            Action::CreateCompany(CreateCompany { company, name, parent })
        }
        CompaniesCommand::Edit { company, name, parent, top } => {
            let now = find(&client, &company).await?;
            let parent = if top { None } else { parent.or(now.parent) };
            Action::EditCompany(EditCompany { company, name: name.unwrap_or(now.name), parent })
        }
        CompaniesCommand::Delete { company, yes } => {
            if !yes && !ask::sure(&format!("delete the company {company}?"))? {
                out::line("nothing was changed")?;
                return Ok(Exit::Failed);
            }
            Action::DeleteCompany(DeleteCompany { company })
        }
        CompaniesCommand::Join { company, email, role } => {
            Action::AddParticipation(AddParticipation { company, person: email, role })
        }
        CompaniesCommand::Move { company, email, role } => {
            Action::EditParticipation(EditParticipation { company, person: email, role })
        }
        CompaniesCommand::Leave { company, email } => {
            Action::EndParticipation(EndParticipation { company, person: email })
        }
    };
    follow::report(&client.perform(&action).await?, json)
}

async fn find(client: &Client, company: &CompanyId) -> anyhow::Result<CompanyRow> {
    let mut number = 1;
    loop {
        let pairs = [("page", Some(number.to_string())), ("size", Some("200".to_owned()))];
        let page: Page<CompanyRow> = client.get(&query("/companies", pairs)).await?;
        if let Some(row) = page.rows.into_iter().find(|row| row.company == *company) {
            return Ok(row);
        }
        if number >= page.pages {
            bail!("there is no company {company}; `panelgate companies` lists them");
        }
        number += 1;
    }
}

async fn list(client: &Client, page: PageArgs, json: bool) -> anyhow::Result<Exit> {
    let page: Page<CompanyRow> = client.get(&query("/companies", page.pairs())).await?;
    if json {
        out::json(&page)?;
        return Ok(Exit::Ok);
    }
    let rows = page.rows.iter().map(|row| {
        let own = if row.own { "*" } else { "" };
        [row.company.to_string(), row.name.to_string(), or_dash(row.parent.as_ref()), own.to_owned()]
    });
    out::text(&table(["COMPANY", "NAME", "UNDER", ""], rows))?;
    out::line(&page.shown)?;
    Ok(Exit::Ok)
}

async fn people(client: &Client, page: PageArgs, json: bool) -> anyhow::Result<Exit> {
    let page: Page<ParticipationRow> = client.get(&query("/participations", page.pairs())).await?;
    if json {
        out::json(&page)?;
        return Ok(Exit::Ok);
    }
    let rows = page.rows.iter().map(|row| [row.company.to_string(), row.person.clone(), row.role.to_string()]);
    out::text(&table(["COMPANY", "PERSON", "ROLE"], rows))?;
    out::line(&page.shown)?;
    Ok(Exit::Ok)
}
