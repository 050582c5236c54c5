//! Installers and managers: the same commands for both, but for the panels.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use panel_model::PanelId;

use super::args::Connect;
use super::client::{Client, query};
use super::table::table;
use super::words::{or_dash, time};
use super::{Exit, ask, follow, out};
use crate::access::{Email, PersonKind};
use crate::actions::{AcceptInvitation, Action, Assignment, Invite, MayUpdateSoftware, OfPerson};
use crate::api::{Page, PersonRow};

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate installers                                   the first 15
  panelgate installers invite anna@example.org --name 'Anna Berg' --phone '+44 20 1234' --panel dsc-1
  panelgate installers accept                            asks for the link or its token, then for a password twice
  panelgate installers assign anna@example.org dsc-2
  panelgate installers update-software anna@example.org yes
  panelgate installers remove anna@example.org --yes

An invitation is mailed where the configuration has a section [mail], and else shown here, once.")]
pub(super) struct InstallersArgs {
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    page: PageArgs,
    #[command(subcommand)]
    what: Option<InstallersCommand>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate managers
  panelgate managers invite boss@example.org --name 'Ann Boss' --role 'Company Admin'
  panelgate managers reset-password boss@example.org
  panelgate managers deactivate-init                     after the first manager has accepted")]
pub(super) struct ManagersArgs {
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    page: PageArgs,
    #[command(subcommand)]
    what: Option<ManagersCommand>,
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
enum InstallersCommand {
    #[command(flatten)]
    Any(PeopleCommand),
    /// Invite somebody, or send who has not accepted yet another invitation
    Invite {
        email: Email,
        #[command(flatten)]
        who: WhoArgs,
        /// A panel to assign; may be given several times
        #[arg(long = "panel", value_name = "PANEL")]
        panels: Vec<PanelId>,
    },
    /// Give a panel to an installer
    Assign { email: Email, panel: PanelId },
    /// Take a panel from an installer
    Unassign { email: Email, panel: PanelId },
}

#[derive(Debug, Subcommand)]
enum ManagersCommand {
    #[command(flatten)]
    Any(PeopleCommand),
    /// Invite somebody, or send who has not accepted yet another invitation
    Invite {
        email: Email,
        #[command(flatten)]
        who: WhoArgs,
    },
    /// End the init account, once a manager has accepted
    DeactivateInit,
}

#[derive(Debug, Args)]
struct WhoArgs {
    /// Name for people
    #[arg(long)]
    name: String,
    /// Telephone number
    #[arg(long, default_value = "")]
    phone: String,
    /// Role; without it Installer, or Company Admin for managers
    #[arg(long)]
    role: Option<String>,
}

impl WhoArgs {
    fn invite(self, email: Email, panels: Vec<PanelId>) -> Invite {
        Invite { email, full_name: self.name, phone: self.phone, role: self.role, panels }
    }
}

#[derive(Debug, Subcommand)]
enum PeopleCommand {
    /// All of them
    List(PageArgs),
    /// Everything about one
    Show { email: Email },
    /// Accept an invitation: asks for its link or token, and for a password twice
    Accept,
    /// Keep somebody from logging in; ends their sessions at once
    Suspend { email: Email },
    /// Let somebody log in again
    Resume { email: Email },
    /// Remove somebody; ends their sessions at once, and cannot be undone
    Remove {
        email: Email,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Mail a one-time password; the present one stays until a new one is set
    ResetPassword { email: Email },
    /// Let somebody start software updates: yes or no
    UpdateSoftware {
        email: Email,
        #[arg(action = clap::ArgAction::Set, value_parser = yes_or_no)]
        may: bool,
    },
}

pub(super) async fn installers(args: InstallersArgs) -> anyhow::Result<Exit> {
    let InstallersArgs { connect, page, what } = args;
    let client = Client::new(&connect);
    let kind = PersonKind::Installer;
    let action = match what {
        None => return list(&client, kind, page, connect.json).await,
        Some(InstallersCommand::Any(command)) => return any(&client, kind, command, connect.json).await,
        Some(InstallersCommand::Invite { email, who, panels }) => Action::InviteInstaller(who.invite(email, panels)),
        Some(InstallersCommand::Assign { email, panel }) => Action::AssignPanel(Assignment { person: email, panel }),
        Some(InstallersCommand::Unassign { email, panel }) => {
            Action::UnassignPanel(Assignment { person: email, panel })
        }
    };
    follow::report(&client.perform(&action).await?, connect.json)
}

pub(super) async fn managers(args: ManagersArgs) -> anyhow::Result<Exit> {
    let ManagersArgs { connect, page, what } = args;
    let client = Client::new(&connect);
    let kind = PersonKind::Manager;
    let action = match what {
        None => return list(&client, kind, page, connect.json).await,
        Some(ManagersCommand::Any(command)) => return any(&client, kind, command, connect.json).await,
        Some(ManagersCommand::Invite { email, who }) => Action::InviteManager(who.invite(email, Vec::new())),
        Some(ManagersCommand::DeactivateInit) => Action::DeactivateInit {},
    };
    follow::report(&client.perform(&action).await?, connect.json)
}

async fn any(client: &Client, kind: PersonKind, command: PeopleCommand, json: bool) -> anyhow::Result<Exit> {
    let action = match command {
        PeopleCommand::List(page) => return list(client, kind, page, json).await,
        PeopleCommand::Show { email } => return show(client, kind, &email, json).await,
        PeopleCommand::Accept => accept(client).await?,
        PeopleCommand::Suspend { email } => Action::SuspendPerson(OfPerson { person: email }),
        PeopleCommand::Resume { email } => Action::ResumePerson(OfPerson { person: email }),
        PeopleCommand::Remove { email, yes } => {
            if !yes && !ask::sure(&format!("remove {email}? this cannot be undone"))? {
                out::line("nothing was changed")?;
                return Ok(Exit::Failed);
            }
            Action::RemovePerson(OfPerson { person: email })
        }
        PeopleCommand::ResetPassword { email } => Action::ResetPassword(OfPerson { person: email }),
        PeopleCommand::UpdateSoftware { email, may } => {
            Action::SetMayUpdateSoftware(MayUpdateSoftware { person: email, may })
        }
    };
    follow::report(&client.perform(&action).await?, json)
}

async fn accept(client: &Client) -> anyhow::Result<Action> {
    let link = ask::secret("link of the invitation")?;
    // The link as it was mailed, or its last part alone.
    let token = link.trim().rsplit('/').next().unwrap_or_default();
    if token.is_empty() {
        bail!("this is no link of an invitation");
    }
    let password = ask::new_secret("password of your own, at least 8 characters")?;
    let (token, password) = (client.seal(token).await?, client.seal(&password).await?);
    Ok(Action::AcceptInvitation(AcceptInvitation { token, password }))
}

async fn list(client: &Client, kind: PersonKind, page: PageArgs, json: bool) -> anyhow::Result<Exit> {
    let people = page_of(client, kind, page).await?;
    if json {
        out::json(&people)?;
        return Ok(Exit::Ok);
    }
    let rows = people.rows.iter().map(|person| {
        [
            person.name.to_string(),
            person.full_name.clone(),
            person.role.clone(),
            person.status.name().to_owned(),
            or_dash(person.last_login.map(time)),
            if kind == PersonKind::Installer { person.panels.len().to_string() } else { "all".to_owned() },
        ]
    });
    out::text(&table(["E-MAIL", "NAME", "ROLE", "STATUS", "LAST LOGIN", "PANELS"], rows))?;
    out::line(&people.shown)?;
    Ok(Exit::Ok)
}

async fn page_of(client: &Client, kind: PersonKind, page: PageArgs) -> anyhow::Result<Page<PersonRow>> {
    let kind = super::words::word(&kind);
    let pairs = [("kind", Some(kind)), ("page", Some(page.page.to_string())), ("size", Some(page.size.to_string()))];
    client.get(&query("/people", pairs)).await
}

async fn show(client: &Client, kind: PersonKind, email: &Email, json: bool) -> anyhow::Result<Exit> {
    let mut page = PageArgs { page: 1, size: 200 };
    let person = loop {
        let people = page_of(client, kind, page).await?;
        if let Some(person) = people.rows.into_iter().find(|person| person.name.as_str() == email.as_str()) {
            break Some(person);
        }
        if people.page >= people.pages {
            break None;
        }
        page.page += 1;
    };
    let person = person.with_context(|| format!("there is nobody of the e-mail {email} here"))?;
    if json {
        out::json(&person)?;
        return Ok(Exit::Ok);
    }
    let panels: Vec<&str> = person.panels.iter().map(PanelId::as_str).collect();
    let panels = match kind {
        PersonKind::Installer if panels.is_empty() => "none".to_owned(),
        PersonKind::Installer => format!("{} ({})", panels.join(", "), panels.len()),
        _ => "all".to_owned(),
    };
    for (what, text) in [
        ("e-mail", person.name.to_string()),
        ("name", person.full_name.clone()),
        ("phone", or_dash(Some(&person.phone).filter(|phone| !phone.is_empty()))),
        ("role", person.role.clone()),
        ("status", person.status.name().to_owned()),
        ("created", time(person.created)),
        ("last login", or_dash(person.last_login.map(time))),
        ("panels", panels),
        ("updates", if person.may_update_software { "may start them" } else { "may not start them" }.to_owned()),
    ] {
        out::line(format_args!("{what:12}{text}"))?;
    }
    Ok(Exit::Ok)
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("say yes or no".to_owned()),
    }
}
