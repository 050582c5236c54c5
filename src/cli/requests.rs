use anyhow::bail;
use clap::{Args, Subcommand};

use super::args::Connect;
use super::client::{Client, query};
use super::table::table;
use super::users::PageArgs;
use super::words::{or_dash, time};
use super::{Exit, follow, out};
use crate::actions::{Action, DecideRequest, RestoreDeleted};
use crate::api::{DeletedRow, Page, RequestRow};

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate requests                            everybody's, the newest first
  panelgate requests mine
  panelgate requests approve 7
  panelgate requests refuse 7
  panelgate requests deleted                    what was deleted and can come back
  panelgate requests restore 7                  bring back what request 7 deleted

Sensitive changes by somebody who is not Super Admin wait here for a person with the permission decide_requests; nobody
decides their own. An approved change is carried out at once and once.")]
pub(super) struct RequestsArgs {
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    page: PageArgs,
    #[command(subcommand)]
    what: Option<RequestsCommand>,
}

#[derive(Debug, Subcommand)]
enum RequestsCommand {
    /// Everybody's requests (what `requests` does by itself)
    List(PageArgs),
    /// One's own requests
    Mine(PageArgs),
    /// Have a request carried out
    Approve { request: u64 },
    /// Refuse a request
    Refuse { request: u64 },
    /// What was deleted and can come back
    Deleted(PageArgs),
    /// Bring back what a request deleted
    Restore { request: u64 },
}

pub(super) async fn run(args: RequestsArgs) -> anyhow::Result<Exit> {
    let RequestsArgs { connect, page, what } = args;
    let (client, json) = (Client::new(&connect), connect.json);
    let decision = match what.unwrap_or(RequestsCommand::List(page)) {
        RequestsCommand::List(page) => return list(&client, "/requests", page, json).await,
        RequestsCommand::Mine(page) => return list(&client, "/requests/mine", page, json).await,
        RequestsCommand::Deleted(page) => return deleted(&client, page, json).await,
        RequestsCommand::Restore { request } => {
            let what = format!("anything that request {request} deleted");
            return bring_back(&client, json, &what, |row| row.request == Some(request)).await;
        }
        RequestsCommand::Approve { request } => DecideRequest { request, approve: true },
        RequestsCommand::Refuse { request } => DecideRequest { request, approve: false },
    };
    follow::report(&client.perform(&Action::DecideRequest(decision)).await?, json)
}

async fn list(client: &Client, path: &str, page: PageArgs, json: bool) -> anyhow::Result<Exit> {
    let page: Page<RequestRow> = client.get(&query(path, page.pairs())).await?;
    if json {
        out::json(&page)?;
        return Ok(Exit::Ok);
    }
    let rows = page.rows.iter().map(|row| {
        let why = row.refusal.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
        [
            row.request.to_string(),
            time(row.at),
            row.by.clone(),
            row.role.clone(),
            format!("{}{why}", row.state),
            or_dash(row.decided_by.as_ref()),
            row.action.clone(),
            row.subject.clone().unwrap_or_default(),
        ]
    });
    out::text(&table(["NO", "ASKED", "WHO", "ROLE", "STATE", "DECIDED BY", "ACTION", ""], rows))?;
    out::line(&page.shown)?;
    Ok(Exit::Ok)
}

async fn deleted(client: &Client, page: PageArgs, json: bool) -> anyhow::Result<Exit> {
    let page: Page<DeletedRow> = client.get(&query("/deleted", page.pairs())).await?;
    if json {
        out::json(&page)?;
        return Ok(Exit::Ok);
    }
    let rows = page
        .rows
        .iter()
        .map(|row| [row.kind.clone(), row.name.clone(), time(row.at), row.by.clone(), or_dash(row.request)]);
    out::text(&table(["KIND", "NAME", "DELETED", "BY", "REQUEST"], rows))?;
    out::line(&page.shown)?;
    Ok(Exit::Ok)
}

/// Brings back the latest deleted thing that fits.
pub(super) async fn bring_back(
    client: &Client,
    json: bool,
    what: &str,
    fits: impl Fn(&DeletedRow) -> bool,
) -> anyhow::Result<Exit> {
    let mut number = 1;
    loop {
        let pairs = [("page", Some(number.to_string())), ("size", Some("200".to_owned()))];
        let page: Page<DeletedRow> = client.get(&query("/deleted", pairs)).await?;
        if let Some(row) = page.rows.iter().find(|row| fits(row)) {
            let action = Action::RestoreDeleted(RestoreDeleted { deleted: row.deleted });
            return follow::report(&client.perform(&action).await?, json);
        }
        if number >= page.pages {
            bail!("{what} is not among what was deleted; `panelgate requests deleted` lists it");
        }
        number += 1;
    }
}
